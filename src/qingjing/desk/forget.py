"""Forget: erase what is kept of a person, and record that it was done (PIPL §47).

What goes: the number, the words of its replies, and of each message to it the number, the
submitted bytes and a text that nobody else was sent. What stays: that this person refused,
under the keyed hash of the number, and what was decided. Consents end: for each group that has
one a refusal is recorded, so that no list brings them back.

The facts hold commitments alone, so the chain stays whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec
import numpy as np

from qingjing.desk import evidence, outbox, parts
from qingjing.desk.consent import refusals
from qingjing.desk.entries import About, InputError
from qingjing.desk.ports import Batch, Ledger, Person, Transaction
from qingjing.desk.send import Desk
from qingjing.kernel import facts as f
from qingjing.kernel.rows import DECIDED
from qingjing.kernel.words import Door, Phone

_PARTS: Final = msgspec.msgpack.Decoder(list[parts.Part])
_ENCODER: Final = msgspec.msgpack.Encoder()
_EVER: Final = 1 << 62


class Forgotten(NamedTuple):
    """What was erased. ``position`` is 0 when nothing was left to erase, and none recorded.

    ``groups`` are those whose consents were withdrawn; counts are of facts beside which
    something is gone.
    """

    position: int
    groups: tuple[str, ...]
    replies: int
    batches: int


def forget(
    desk: Desk, t: Transaction, phone: str, *, door: str, evidence: str = ""
) -> Forgotten:
    """Erase a person by number; InputError when a message to it is still on its way.

    Reads the rows of every batch on record. What was copied before (backups, results of
    ``scrub``, the imported lists themselves) is not reached.
    """
    about = About([], "")
    number, through = about.phone(phone), about.word("door", Door, door)
    if number is not None:
        _settled(desk, about, number, t.at)
    if number is None or through is None or not about.sound:
        raise InputError(about.problems)
    ledger = desk.ledger
    person = ledger.find(number)
    left = dict(_without(ledger, person, number))
    groups = _agreed(ledger, person)
    if not t.forget(person.key) and not left and not groups:
        return Forgotten(0, (), 0, 0)
    hashed = tuple((at, hashlib.sha256(sealed).digest()) for at, sealed in left.items())
    position = t.append(
        f.PersonForgotten(
            person=person.key,
            handle=person.handle,
            door=through,
            replaced=hashed,
            evidence=evidence,
        )
    )
    for at, sealed in left.items():
        t.replace(at, sealed)
    for group in groups:
        t.append(
            f.RefusalRecorded(
                person=person.key,
                handle=person.handle,
                group=group,
                door=through,
                evidence=f"withdrawn, fact {position}",
            )
        )
    replies = sum(not sealed for sealed in left.values())
    return Forgotten(position, groups, replies, len(left) - replies)


def _settled(desk: Desk, about: About, number: Phone, at: int) -> None:
    """What is on its way needs the number to arrive, or to be told of."""
    handle = desk.ledger.find(number).handle
    box = outbox.recover(desk, at)
    waiting = parts.recover(desk.ledger, _EVER).expired(_EVER)
    count = sum(flight.handle == handle for flight in box.flights.values())
    count += sum(part.key[2] == number.digits for part in waiting)
    if count:
        remedy = "serve until they have their end and their reports are taken, then forget"
        about.wrong("phone", f"{count} messages to {number} are on their way", remedy)


def _agreed(ledger: Ledger, person: Person) -> tuple[str, ...]:
    """The groups towards which something that the person agreed to has not ended for good.

    One that a later refusal outweighs stays ended when that is lifted: no need to say it again.
    """
    refused = refusals(ledger, person.handle)
    everyone = refused.get(f.ALL_GROUPS, -1)
    groups = set[str]()
    for party in ledger.register.parties():
        standing = ledger.standings.person(person.handle, party.party, party.group)
        ended_s = max(refused.get(party.group, -1), everyone) // 1000
        if any(grounds.given_at // 1000 > ended_s for grounds in standing.grounds):
            groups.add(party.group)
    return tuple(sorted(groups))


def _without(ledger: Ledger, person: Person, number: Phone) -> Iterator[tuple[int, bytes]]:
    """Positions with what is left under seal beside them, where that is less than there was."""
    for position in ledger.batches_since(0):
        batch = ledger.batch(position)
        left = _left(ledger, batch, person, number)
        if left is not None:
            yield position, left


def _left(ledger: Ledger, batch: Batch, person: Person, number: Phone) -> bytes | None:
    """The sealed part of one batch without the person; None when nothing of it is there."""
    match batch.recorded.fact:
        case f.ReplyHeard(handle=person.handle) | f.ComplaintReceived(handle=person.handle) if (
            batch.sealed
        ):
            return b""
        case f.CaseMoved(complaint=complaint) if batch.sealed:
            case = ledger.cases.case(complaint)
            return b"" if case and case.received.handle == person.handle else None
        case f.PartsKept():
            kept = _PARTS.decode(ledger.unseal(batch.sealed, parts.CONTEXT))
            others = [part for part in kept if part.key[2] != number.digits]
            if len(others) == len(kept):
                return None
            return ledger.seal(_ENCODER.encode(others), parts.CONTEXT)
        case f.MessagesDecided():
            rows = np.frombuffer(batch.rows, DECIDED)
            own = np.flatnonzero(rows["handle"] == person.handle)
            if not own.size:
                return None
            whole = evidence.unpack(ledger.unseal(batch.sealed, evidence.CONTEXT))
            rest = evidence.without(whole, rows["text"].tolist(), own.tolist(), number.digits)
            if rest == whole:
                return None
            return ledger.seal(evidence.pack(rest), evidence.CONTEXT)
        case _:
            return None
