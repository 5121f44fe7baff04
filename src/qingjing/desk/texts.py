"""Texts read once: a bounded cache from body to what the gate sees of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from qingjing.kernel.dossier import TextView
from qingjing.kernel.facts import TextRead
from qingjing.kernel.rows import commit
from qingjing.text.reading import Reading, read

CACHE_MAX: Final = 100_000
"""Texts kept: about 150 MB. A campaign's texts recur within seconds or not at all."""


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A body with its reading. ``salt`` opens the commitment that the record carries."""

    body: str
    salt: bytes
    view: TextView
    record: TextRead


def view_of(reading: Reading) -> TextView:
    """What the gate looks at, of all that was read."""
    notice = reading.notice
    return TextView(
        kind=reading.kind,
        category=reading.category,
        signature=reading.signature or "",
        notice=notice.keyword if notice else "",
        notice_usable=notice is None or notice.usable,
        identity=reading.identity,
        contact=reading.contact,
        links=bool(reading.links),
        asking_complete=reading.asking_complete,
    )


def read_text(body: str, salt: bytes) -> Text:
    """Read one body, and commit to it under a salt of its own."""
    reading = read(body)
    view = view_of(reading)
    record = TextRead(
        commitment=commit(salt, body.encode()),
        kind=int(view.kind),
        category=int(view.category),
        signature=view.signature,
        notice=view.notice,
        confidence=round(reading.confidence, 4),
        template_key=reading.template_key,
    )
    return Text(body=body, salt=salt, view=view, record=record)


class Reader:
    """The cache. Dropping everything when full is cheap and rare: see ``CACHE_MAX``.

    ``chance`` gives random bytes: salts must not be guessable.
    """

    def __init__(self, chance: Callable[[int], bytes]) -> None:
        self._chance = chance
        self._texts: dict[str, Text] = {}

    def salt(self) -> bytes:
        """A fresh salt."""
        return self._chance(16)

    def text(self, body: str) -> Text:
        """The text of a body, read now or before."""
        text = self._texts.get(body)
        if text is None:
            if len(self._texts) >= CACHE_MAX:
                self._texts.clear()
            text = self._texts[body] = read_text(body, self.salt())
        return text
