"""Capture: words are shown, then acted on, and the record can prove that order.

A showing is a fact of its own, written before the act; the act hands in its token. It is good
for one act, within a day, on words that are still the latest. Without one, what is recorded is
recorded as not shown, and grounds nothing. TICKED is the word only for a box that the showing
says was empty.
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

from qingjing.desk import wordings
from qingjing.desk.consent import OWN_DOORS, refusals
from qingjing.desk.entries import About, InputError
from qingjing.desk.ports import Ledger, Person, Transaction
from qingjing.desk.wordings import Stated
from qingjing.kernel import facts as f
from qingjing.kernel.words import Act, Door

SHOWING_MS: Final = 86_400_000
"""How long a showing may be acted on: a page that stayed open over night, and no longer."""

DEVICE_MAX: Final = 64
"""Characters of a kind of device, such as ``iOS 19, app 8.2``."""

TOKEN_LENGTH: Final = 32
"""Hexadecimal digits of a showing's token: 128 bits of chance, so that none is guessed."""

_SCREENS: Final = (Door.WEB, Door.APP)
_OFF_LINE: Final = (Door.PAPER, Door.CALL)


class Shown(NamedTuple):
    """A recorded showing. ``until``: an act on it counts before this (epoch ms)."""

    position: int
    until: int


class Acted(NamedTuple):
    """A recorded act: a consent for each party that the words name.

    ``act`` is what it was recorded as. ``shown`` is false when no showing came before it.
    ``confirm``: it counts once confirmed. ``refused``: a refusal still outweighs it.
    """

    positions: tuple[int, ...]
    act: str
    shown: bool
    confirm: bool
    refused: bool


def show(
    ledger: Ledger,
    t: Transaction,
    token: str,
    wording: str,
    *,
    door: str,
    empty: bool,
    device: str = "",
) -> Shown:
    """Record that words are shown now. ``token`` is fresh chance; ``empty``: the box is."""
    about = About([], "")
    through = about.word("door", Door, door)
    if through is not None and through not in _SCREENS:
        about.wrong("door", f"{door} shows nothing", "web or app")
    _device(about, device)
    wordings.latest(ledger, about, wording)
    handle = _handle(about, token)
    if about.sound and ledger.facts_of(handle):
        about.wrong("token", "is taken", "draw another")
    if through is None or not about.sound:
        raise InputError(about.problems)
    fact = f.WordingShown(
        handle=handle, wording=wording, door=through, empty=empty, device=device
    )
    return Shown(t.append(fact), t.at + SHOWING_MS)


def act(
    ledger: Ledger,
    t: Transaction,
    phone: str,
    wording: str,
    *,
    token: str = "",
    door: str = "web",
    how: str = "ticked",
    evidence: str = "",
) -> Acted:
    """Record what a person did now under these words, on the showing of ``token``.

    With words that ask for confirmation it is recorded as UNKNOWN, and ``confirm`` records the
    consent. InputError when the showing was used, or was of other words.
    """
    about = About([], "")
    number = about.phone(phone)
    through = about.word("door", Door, door)
    done = about.word("how", Act, how)
    stated = wordings.latest(ledger, about, wording)
    showing = _showing(ledger, about, token, wording, t.at) if token else None
    if number is None or through is None or done is None or stated is None or not about.sound:
        raise InputError(about.problems)
    if showing is not None and isinstance(showing.fact, f.WordingShown):
        through = showing.fact.door  # where the words were shown is where the act was
        if done is Act.TICKED and not showing.fact.empty:
            done = Act.PRE_TICKED
    elif done is Act.TICKED:
        done = Act.UNKNOWN  # nobody can say that the box was empty
    proof = "" if showing is None else _proof(ledger, showing.position)
    told = evidence or ("" if showing is None else f"fact {showing.position}")
    recorded = Act.UNKNOWN if stated.fact.confirm and done.explicit else done
    person = t.remember(number)
    positions = record_consents(t, person, stated, recorded, through, proof, told)
    if showing is not None:
        handle = _handle(about, token)
        t.append(f.ShowingUsed(handle=handle, consent=positions[0]))
    waits = stated.fact.confirm and done.explicit
    refused = settle(ledger, t, person, stated, recorded, through)
    return Acted(positions, recorded.name.lower(), bool(proof), waits, refused)


def paper(
    ledger: Ledger,
    t: Transaction,
    phone: str,
    wording: str,
    *,
    given_at: str,
    door: str,
    file_hash: str,
) -> Acted:
    """Record a consent on paper or by call, with the SHA-256 of the scan or the recording.

    The words must have been registered before the act. It lifts no refusal: only what the
    person does at a reply, the web or an app is sure to be its own.
    """
    about = About([], "")
    number = about.phone(phone)
    at = about.past("given_at", given_at, t.at)
    through = about.word("door", Door, door)
    if through is not None and through not in _OFF_LINE:
        about.wrong("door", f"{door} leaves no file", "paper or call")
    if len(file_hash) != 64 or set(file_hash.lower()) - set("0123456789abcdef"):
        about.wrong("file_hash", "is no SHA-256", "give the 64 hexadecimal digits of the file")
    stated = wordings.find(ledger, wording)
    if stated is None:
        about.wrong("wording", f"{wording!r} states no terms", wordings.REGISTER)
    elif stated.at > at and about.sound:
        about.wrong("wording", "was registered after the act", "nobody can have seen it then")
    if number is None or through is None or stated is None or not about.sound:
        raise InputError(about.problems)
    done = Act.SIGNED if through is Door.PAPER else Act.SPOKEN
    person = t.remember(number)
    proof = file_hash.lower()
    positions = record_consents(t, person, stated, done, through, proof, f"sha256 {proof}", at)
    refused = settle(ledger, t, person, stated, done, through)
    return Acted(positions, done.name.lower(), True, False, refused)


def confirm(
    ledger: Ledger, t: Transaction, phone: str, position: int, *, door: str, evidence: str
) -> Acted:
    """The person confirms an act that waits (double opt-in): the consent counts from now on."""
    about = About([], "")
    number = about.phone(phone)
    through = about.word("door", Door, door)
    about.filled("evidence", evidence)
    waiting = ledger.fact(position)
    first = waiting.fact if waiting is not None else None
    known = None if number is None else ledger.find(number)
    stated: Stated | None = None
    if isinstance(first, f.ConsentRecorded) and known and first.handle == known.handle:
        stated = wordings.latest(ledger, about, first.wording)
    else:
        about.wrong("position", f"{position} is no act of this person", "give the act's own")
    if stated is not None and not (stated.fact.confirm and first.shown):  # type: ignore[union-attr]  # a consent
        about.wrong("position", "waits for no confirmation", "record an act on a showing")
    if stated is None or through is None or number is None or not about.sound:
        raise InputError(about.problems)
    person = t.remember(number)
    assert isinstance(first, f.ConsentRecorded)
    told = f"fact {position}; {evidence}"
    positions = record_consents(t, person, stated, Act.CONFIRMED, through, first.shown, told)
    refused = settle(ledger, t, person, stated, Act.CONFIRMED, through)
    return Acted(positions, "confirmed", True, False, refused)


def _showing(
    ledger: Ledger, about: About, token: str, wording: str, at: int
) -> f.Recorded | None:
    """The showing of a token; None when there was none, or it is too old to have been seen."""
    past = ledger.facts_of(_handle(about, token))
    if any(isinstance(one.fact, f.ShowingUsed) for one in past):
        about.wrong("token", "was used", "a showing is good for one act: show the words again")
    for one in past:
        if isinstance(one.fact, f.WordingShown):
            if one.fact.wording != wording:
                about.wrong("wording", "other words were shown", f"name {one.fact.wording}")
            return one if one.at <= at <= one.at + SHOWING_MS else None
    return None


def _handle(about: About, token: str) -> int:
    if len(token) != TOKEN_LENGTH or set(token) - set("0123456789abcdef"):
        about.wrong("token", "is none", f"{TOKEN_LENGTH} hexadecimal digits, as it was given")
    return int.from_bytes(hashlib.sha256(b"showing\0" + token.encode()).digest()[:8], "big")


def _proof(ledger: Ledger, position: int) -> str:
    """The hash of the fact that the words were shown."""
    return hashlib.sha256(ledger.encoded(position) or b"").hexdigest()


def _device(about: About, device: str) -> None:
    digits = sum(character.isdigit() for character in device)
    if len(device) > DEVICE_MAX or not device.isprintable() or digits > 12:
        about.wrong(
            "device", "is no kind of device", "such as 'iOS 19, app 8.2', no identifier"
        )


def record_consents(
    t: Transaction,
    person: Person,
    stated: Stated,
    done: Act,
    door: Door,
    proof: str,
    evidence: str,
    given_at: int = 0,
) -> tuple[int, ...]:
    """One consent for the sender, and one for each further party that the words name."""
    words = stated.fact
    return tuple(
        t.append(
            f.ConsentRecorded(
                person=person.key,
                handle=person.handle,
                sender=sender,
                purposes=words.purposes,
                act=done,
                door=door,
                given_at=given_at or t.at,
                wording=words.wording,
                shown=proof,
                term_s=words.term_s,
                per_count=words.per_count,
                per_days=words.per_days,
                evidence=evidence,
            )
        )
        for sender in (words.sender, *words.further)
    )


def settle(
    ledger: Ledger, t: Transaction, person: Person, stated: Stated, done: Act, door: Door
) -> bool:
    """Lift a refusal of the sender's own group, by the person's own explicit act alone; does a
    refusal still outweigh the consent? What further parties were refused stays so."""
    refused = refusals(ledger, person.handle)
    party = ledger.register.party(stated.fact.sender)
    group = party.group if party is not None else ""
    if done.explicit and door in OWN_DOORS and refused.get(group, t.at) < t.at:
        t.append(
            f.RefusalLifted(
                person=person.key,
                handle=person.handle,
                group=group,
                door=door,
                evidence="the person's own act",
            )
        )
        del refused[group]
    return bool(refused.keys() & {group, f.ALL_GROUPS})
