"""Peace (我的清净): what is held of one person, shown to that person, taken back in one act.

A number may have had another owner. What was said, agreed to and received before the number was
reported empty or re-assigned is not shown: it belongs to somebody else. Refusals are, because
they hold for the number still.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple

import numpy as np

from qingjing.desk import consent, evidence
from qingjing.desk.entries import InputError, Problem
from qingjing.desk.ports import Batch, Ledger, Transaction
from qingjing.kernel import facts as f
from qingjing.kernel.kinds import is_marketing
from qingjing.kernel.rows import DECIDED, MOVE, Moved, may_leave
from qingjing.kernel.standing import Grounds, grade
from qingjing.kernel.vector import GroundsState, from_case_number
from qingjing.kernel.words import Act, Door, NumberState, Phone

_WORDING: Final = b'"kind":"wording.registered/1"'
_STEP: Final = 500
"""Facts looked at between two turns of the gateway: about two milliseconds."""


class Held(NamedTuple):
    """A consent or request that a sender holds, as it was recorded.

    ``state`` is how well it holds now for its own purposes; NONE when something ended it for
    good. ``until`` is 0 without a term; ``words`` are those shown, empty when none are on
    record; ``door`` is IMPORT for a list's.
    """

    position: int
    recorded_at: int
    sender: str
    group: str
    act: Act
    door: Door
    purposes: int
    given_at: int
    until: int
    per_count: int
    per_days: int
    words: str
    shown: bool
    state: GroundsState


class Refused(NamedTuple):
    """A refusal of a group, or of all. ``in_force`` until the person takes it back."""

    position: int
    at: int
    group: str
    door: Door
    in_force: bool


class Got(NamedTuple):
    """A marketing message that left for the person.

    ``text`` is None when it was erased. ``grounds`` is the position of the consent that it
    rested on, 0 without; ``state`` is what the gate found. ``stat`` is the carrier's last word.
    """

    message: int
    at: int
    sender: str
    group: str
    signature: str
    port: str
    text: str | None
    grounds: int
    state: GroundsState
    shadow: bool
    stat: str


class Peace(NamedTuple):
    """What is known of the person of a number; newest first. ``since``: from when on."""

    number: NumberState
    since: int
    held: tuple[Held, ...]
    refused: tuple[Refused, ...]


class Wordings:
    """Registered words by name, read from the record once and then as it grows."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._at = ledger, 0
        self._words: dict[str, str] = {}

    async def read(self) -> dict[str, str]:
        """All of them; between steps the gateway has its turns."""
        while self._at < self._ledger.position:
            self._at += 1
            data = self._ledger.encoded(self._at) or b""
            if _WORDING in data[:120]:
                fact = f.decode(data).fact
                if isinstance(fact, f.WordingRegistered):
                    self._words[fact.wording] = fact.text
            if self._at % _STEP == 0:
                await asyncio.sleep(0)
        return self._words


async def peace(ledger: Ledger, wordings: Wordings, phone: Phone, at: int) -> Peace:
    """Consents and refusals of the person who has this number now."""
    words = await wordings.read()
    person = ledger.find(phone)
    facts = ledger.facts_of(person.handle)
    state, first, since = NumberState.OK, 0, 0
    for x in facts:
        if isinstance(x.fact, f.NumberNoted):
            state = x.fact.state
            if state is not NumberState.OK:
                first, since = x.position, x.at
    refused = consent.refusals(ledger, person.handle)
    live = _live(ledger, person.handle)
    own = {x.position: x for x in facts if isinstance(x.fact, f.ConsentRecorded)}
    listed = {p: fact for p in live.keys() - own if (fact := ledger.fact(p)) is not None}
    held = [
        _held(ledger, x, live, refused.keys(), words, at)
        for x in (own | listed).values()
        if x.position > first
    ]
    return Peace(
        number=state,
        since=since,
        held=tuple(sorted(held, key=lambda one: -one.position)),
        refused=_refused(facts, refused),
    )


def _live(ledger: Ledger, handle: int) -> dict[int, Grounds]:
    """The consents that nothing has ended for good, by position, imported ones among them."""
    return {
        grounds.position: grounds
        for party in ledger.register.parties()
        for grounds in ledger.standings.person(handle, party.party, party.group).grounds
    }


def _held(
    ledger: Ledger,
    recorded: f.Recorded,
    live: dict[int, Grounds],
    refused: Any,
    words: dict[str, str],
    at: int,
) -> Held:
    fact, grounds = recorded.fact, live.get(recorded.position)
    assert isinstance(fact, f.ConsentRecorded | f.ConsentsImported)
    door, given = Door.IMPORT, 0
    if isinstance(fact, f.ConsentRecorded):
        door, given = fact.door, fact.given_at
    party = ledger.register.party(fact.sender)
    group = party.group if party else fact.sender
    given = grounds.given_at if grounds else given
    state = grade(grounds, grounds.purposes, at) if grounds else GroundsState.NONE
    if {group, f.ALL_GROUPS} & set(refused):
        state = GroundsState.REFUSED
    return Held(
        position=recorded.position,
        recorded_at=recorded.at,
        sender=fact.sender,
        group=group,
        act=fact.act,
        door=door,
        purposes=fact.purposes,
        given_at=given,
        until=given + fact.term_s * 1000 if fact.term_s else 0,
        per_count=fact.per_count,
        per_days=fact.per_days,
        words=words.get(fact.wording, ""),
        shown=bool(fact.shown),
        state=state,
    )


def _refused(facts: tuple[f.Recorded, ...], now: dict[str, int]) -> tuple[Refused, ...]:
    """Every refusal; of a group's the last one is in force, unless it was taken back."""
    found: list[Refused] = []
    told = set[str]()
    for recorded in reversed(facts):
        if isinstance(fact := recorded.fact, f.RefusalRecorded):
            last = fact.group not in told
            told.add(fact.group)
            in_force = last and fact.group in now
            found.append(
                Refused(recorded.position, recorded.at, fact.group, fact.door, in_force)
            )
    return tuple(found)


class Search(NamedTuple):
    """Messages found, newest first. ``since``: as far back as was looked (epoch ms), when the
    number of rows or messages ended the search before the time did."""

    got: tuple[Got, ...]
    since: int
    whole: bool


async def received(
    ledger: Ledger, phone: Phone, since: int, *, most: int, rows_max: int
) -> Search:
    """The marketing messages that left for a person since a time (epoch ms), newest first.

    Looks batch by batch, with turns of the gateway between them; ends after ``most`` messages
    or ``rows_max`` rows, and says how far it came.
    """
    handle, rows, back = ledger.find(phone).handle, 0, since
    got: list[Got] = []
    async for batch in _decided(ledger):
        if batch.recorded.at < since:
            return Search(tuple(got), since, True)
        rows += len(batch.rows) // DECIDED.itemsize
        got += _of_person(ledger, batch, handle)
        back = batch.recorded.at
        if len(got) >= most or rows >= rows_max:
            return Search(tuple(got[:most]), back, False)
    return Search(tuple(got), since, True)


async def _decided(ledger: Ledger) -> AsyncIterator[Batch]:
    for position in reversed(ledger.batches_since(0)):
        await asyncio.sleep(0)
        batch = ledger.batch(position)
        if isinstance(batch.recorded.fact, f.MessagesDecided):
            yield batch


def _of_person(ledger: Ledger, batch: Batch, handle: int) -> list[Got]:
    fact = batch.recorded.fact
    assert isinstance(fact, f.MessagesDecided)
    rows = np.frombuffer(batch.rows, dtype=DECIDED)
    places = np.flatnonzero((rows["handle"] == handle) & may_leave(rows))[::-1]
    found: list[Got] = []
    for row in rows[places]:
        case = from_case_number(int(row["case"]))
        if not is_marketing(case.declared, case.read):
            continue
        left, stat = _end(ledger, int(row["message"]))
        if not left:
            continue
        sealed = evidence.unpack(ledger.unseal(batch.sealed, evidence.CONTEXT))
        lane = fact.lanes[row["lane"]]
        found.append(
            Got(
                message=int(row["message"]),
                at=batch.recorded.at,
                sender=lane.sender,
                group=lane.group,
                signature=lane.signature,
                port=lane.port,
                text=sealed.bodies[row["text"]] or None,
                grounds=int(row["grounds"]),
                state=case.grounds,
                shadow=bool(row["reasons"]),
                stat=stat,
            )
        )
    return found


def _end(ledger: Ledger, message: int) -> tuple[bool, str]:
    """Did a message leave, and what did the carrier say of it last?"""
    left, stat = False, ""
    for batch in ledger.moved_batches(message):
        moves = np.frombuffer(batch.rows, dtype=MOVE)
        for move in moves[moves["message"] == message]:
            left = left or move["what"] == Moved.RELEASED
            if move["what"] in (Moved.REJECTED, Moved.UNKNOWN, Moved.REPORTED):
                stat = bytes(move["stat"]).decode("ascii", "replace")
    return left, stat


def lift(ledger: Ledger, t: Transaction, phone: str, group: str, *, door: str) -> int:
    """Take a refusal back, by the person's own explicit act; the fact's position.

    Consents from before it stay ended (PIPL §15): whoever wants to send must ask anew.
    InputError when no such refusal is in force, or the door is not one where a person acts in
    person.
    """
    number, through = Phone.parse(phone), Door(door)
    person = t.remember(number)
    problems = []
    if through not in consent.OWN_DOORS:
        problems.append(Problem("", "door", f"{door!r} is not the person's own", "use web"))
    if group not in consent.refusals(ledger, person.handle):
        problems.append(Problem("", "group", "is not refused now", "look at what is"))
    if problems:
        raise InputError(problems)
    return t.append(
        f.RefusalLifted(person=person.key, handle=person.handle, group=group, door=through)
    )
