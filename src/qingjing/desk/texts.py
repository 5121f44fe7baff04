"""Texts read once: bounded caches from template and body to what the gate sees of it.

A campaign's texts differ in codes, links and numbers. Those are masked, keeping their length
and their kind of character, and it is the masked text that is read: the reading is a function
of the body alone, whichever of a campaign's texts came first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from qingjing.kernel.dossier import TextView
from qingjing.kernel.facts import TextRead
from qingjing.kernel.rows import commit
from qingjing.text.reading import Reading, read

CACHE_MAX: Final = 20_000
"""Texts kept: about 30 MB. A campaign's texts recur within seconds or not at all."""

_VARIABLE: Final = re.compile(
    # A keyword that stands glued between a link and its refusing word is no variable.
    r"(?<![0-9A-Za-z])[0-9A-Za-z]*?[0-9][0-9A-Za-z]*?(?=(?:tdzd|td|qx)[退拒]|(?![0-9A-Za-z]))",
    re.ASCII | re.IGNORECASE,
)
_SHORT: Final = 3
"""Up to three characters carry meaning of their own: 5折, 双11, 618, 24h."""
_TELLING: Final = re.compile(
    # Public numbers, whole: 10086, 12306. Then what tells a phone number from a code: a mobile
    # number, a hotline, a fixed line, a five or six digit number; then a year.
    r"100[0-9]{2}\Z|12[0-9]{3}\Z|(?:86)?1[3-9](?=[0-9]{9}\Z)|[48]00(?=[0-9]{6,8}\Z)"
    r"|0[1-9][0-9](?=[0-9](?:[0-9]{6,8})?\Z)|9[56](?=[0-9]{3,4}\Z)|20(?=[0-9]{2}\Z)"
    # 10GB, 100ml: a quantity; then letters that lead, as of a flight.
    r"|[0-9]{1,3}[A-Za-z]{1,2}\Z|[A-Za-z]{1,3}",
    re.ASCII,
)
_FILLER: Final = "5"
"""Any digit, but one: a fixed line may not go on with 0 or 1, and no day of sales is 555."""


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A body with its reading. ``salt`` opens the commitment that the record carries."""

    body: str
    salt: bytes
    view: TextView
    record: TextRead


class _Read(NamedTuple):
    view: TextView
    confidence: float
    template_key: int


def read_body(body: str) -> Reading:
    """The reading of a body as the gate makes it: of its masked form."""
    return read(masked(body))


def view_of(reading: Reading) -> TextView:
    """What the gate looks at, of all that was read."""
    notice, states = reading.notice, reading.states
    return TextView(
        kind=reading.kind,
        category=reading.category,
        signature=reading.signature or "",
        notice=(notice.keyword or "") if notice else "",
        notice_usable=notice is None or notice.usable,
        identity=reading.identity,
        contact=reading.contact,
        links=bool(reading.links),
        asking_complete=states is None or states.complete,
    )


def masked(body: str) -> str:
    """The body with every longer run that has a digit masked, position by position.

    A run keeps what tells a phone number from a code, and no more: an order number that begins
    with 618 is no sale. Its letters stay letters, so that links stay links.
    """
    return _VARIABLE.sub(_mask, body)


def _mask(match: re.Match[str]) -> str:
    run = match.group()
    if len(run) <= _SHORT:
        return run
    telling = _TELLING.match(run)
    kept = telling.end() if telling is not None else 0
    rest = "".join(_FILLER if c.isdigit() else "a" for c in run[kept:])
    return run[:kept] + rest


class Reader:
    """The caches. Dropping everything when full is cheap and rare: see ``CACHE_MAX``.

    ``chance`` gives random bytes: salts must not be guessable.
    """

    def __init__(self, chance: Callable[[int], bytes]) -> None:
        self._chance = chance
        self._texts: dict[str, Text] = {}
        self._templates: dict[str, _Read] = {}

    def salt(self) -> bytes:
        """A fresh salt."""
        return self._chance(16)

    def text(self, body: str) -> Text:
        """The text of a body, read now or before."""
        text = self._texts.get(body)
        if text is None:
            if len(self._texts) >= CACHE_MAX:
                self._texts.clear()
            text = self._texts[body] = self._read(body)
        return text

    def _read(self, body: str) -> Text:
        template = masked(body)
        found = self._templates.get(template)
        if found is None:
            if len(self._templates) >= CACHE_MAX:
                self._templates.clear()
            reading = read(template)
            found = _Read(view_of(reading), round(reading.confidence, 4), reading.template_key)
            self._templates[template] = found
        salt = self.salt()
        view = found.view
        record = TextRead(
            commitment=commit(salt, body.encode()),
            kind=int(view.kind),
            category=int(view.category),
            signature=view.signature,
            notice=view.notice,
            confidence=found.confidence,
            template_key=found.template_key,
        )
        return Text(body=body, salt=salt, view=view, record=record)
