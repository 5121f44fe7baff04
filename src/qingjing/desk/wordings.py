"""Wordings: the exact words that people are shown, registered before anyone sees them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from qingjing.desk.entries import About, InputError, purposes_mask
from qingjing.desk.ports import Ledger, Transaction
from qingjing.kernel import facts as f
from qingjing.text.asking import find_states
from qingjing.text.normalise import normalise

WORDING_HASH_LENGTH: Final = 12
"""48 bits: enough to tell the versions of one shop's words apart, short enough to type."""

REGISTER: Final = "register it with type, frequency and term: qingjing consent state"
_DAY_S: Final = 86_400


class Worded(NamedTuple):
    """Registered words: what consents name them by, and the fact's position."""

    wording: str
    position: int


class Stated(NamedTuple):
    """What words state, and when that came into the log (epoch ms)."""

    fact: f.WordingStated
    position: int
    at: int


def handle_of(wording: str) -> int:
    """The handle under which all versions of a wording are found."""
    name = wording.partition("@")[0]
    return int.from_bytes(hashlib.sha256(b"wording\0" + name.encode()).digest()[:8], "big")


def versions(ledger: Ledger, wording: str) -> tuple[Stated, ...]:
    """All versions of a wording that state what they ask for, oldest first."""
    return tuple(
        Stated(one.fact, one.position, one.at)
        for one in ledger.facts_of(handle_of(wording))
        if isinstance(one.fact, f.WordingStated)
    )


def find(ledger: Ledger, wording: str) -> Stated | None:
    """The version of that name, as it was first stated; None when it never was."""
    return next((one for one in versions(ledger, wording) if one.fact.wording == wording), None)


def latest(ledger: Ledger, about: About, wording: str) -> Stated | None:
    """The stated words, when no newer version has taken their place."""
    known = versions(ledger, wording)
    found = next((one for one in known if one.fact.wording == wording), None)
    if found is None:
        about.wrong("wording", f"{wording!r} states no terms", REGISTER)
    elif known[-1].fact.wording != wording:
        about.wrong("wording", "has been changed since", f"show {known[-1].fact.wording}")
        return None
    return found


def text_of(ledger: Ledger, stated: Stated) -> str:
    """The words themselves: they were registered by the fact before."""
    recorded = ledger.fact(stated.position - 1)
    registered = recorded.fact if recorded is not None else None
    return registered.text if isinstance(registered, f.WordingRegistered) else ""


def wording(ledger: Ledger, t: Transaction, name: str, sender: str, text: str) -> Worded:
    """Register the exact words that people are shown.

    The name that consents use ends in the words' own hash (``shop-2026@1f2e3d4c5b6a``), so that
    words can never be changed under their name: people agreed to what they saw (PIPL §14).
    """
    about = About([], "")
    version = _checked(ledger, about, name, sender, text)
    if not about.sound:
        raise InputError(about.problems)
    fact = f.WordingRegistered(wording=version, sender=sender, text=text)
    return Worded(version, t.append(fact))


def state(
    ledger: Ledger,
    t: Transaction,
    name: str,
    sender: str,
    text: str,
    purposes: Sequence[str],
    *,
    per_count: int,
    per_days: int,
    term_days: int,
    further: Sequence[str] = (),
    confirm: bool = False,
) -> Worded:
    """Register words with the type, frequency and term that they state (Order 31 Art 18).

    Only such words can be acted on or asked under. The text must say all three, and name every
    further party (PIPL §23). A later version takes the place of this one: from then on
    nobody can act on the older words. InputError names what is missing.
    """
    about = About([], "")
    version = _checked(ledger, about, name, sender, text)
    mask = 0
    try:
        mask = purposes_mask(purposes)
    except ValueError as error:
        about.wrong("purposes", str(error), "correct the name")
    about.filled("purposes", "".join(purposes))
    for field, value, most in (
        ("per_count", per_count, 0xFFFF),
        ("per_days", per_days, 0xFFFF),
        ("term_days", term_days, 36_500),
    ):
        if not 1 <= value <= most:
            about.wrong(field, f"{value} is not stated", f"give 1 to {most}")
    said = find_states(normalise(text).text)
    for field, there in (
        ("type", said.type),
        ("frequency", said.frequency),
        ("term", said.term),
    ):
        if not there:
            remedy = "say what would be sent, how often at most, and for how long"
            about.wrong("text", f"does not state the {field}", remedy)
    for party in further:
        known = ledger.register.party(party)
        if known is None:
            about.wrong("further", f"{party!r} is not registered", "register the party first")
        elif known.name not in text:
            about.wrong(
                "further", f"the text does not name {known.name}", "name it in the text"
            )
    earlier = versions(ledger, name)
    if earlier and earlier[-1].fact.sender != sender:
        about.wrong("wording", f"{name!r} is of {earlier[-1].fact.sender!r}", "choose a name")
    if not about.sound:
        raise InputError(about.problems)
    t.append(f.WordingRegistered(wording=version, sender=sender, text=text))
    fact = f.WordingStated(
        handle=handle_of(name),
        wording=version,
        sender=sender,
        purposes=mask,
        per_count=per_count,
        per_days=per_days,
        term_s=term_days * _DAY_S,
        further=tuple(further),
        confirm=confirm,
    )
    return Worded(version, t.append(fact))


def _checked(ledger: Ledger, about: About, name: str, sender: str, text: str) -> str:
    about.name("wording", name)
    about.filled("text", text)
    if ledger.register.party(sender) is None:
        about.wrong("sender", f"{sender!r} is not registered", "register the party first")
    return f"{name}@{hashlib.sha256(text.encode()).hexdigest()[:WORDING_HASH_LENGTH]}"
