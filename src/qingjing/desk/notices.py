"""Notices: what carriers tell of people, in lists and in reports: blocks, numbers given up.

A block at the carrier is a refusal like any other. A number that was given up or re-assigned
ends the consents of whoever had it. Rows with an error are left out and told; the others count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from qingjing.desk import consent
from qingjing.desk.entries import DAY_MS, About, InputError, Problem
from qingjing.desk.outbox import Flight
from qingjing.desk.ports import Ledger, Transaction
from qingjing.kernel import facts as f
from qingjing.kernel.words import Door, NumberState

LINES_MAX: Final = 500
"""Rows of one transaction: some tens of milliseconds, and one call to a running service."""

EVENTS: Final = ("disconnected", "reassigned", "in-service")
"""What a list of numbers may tell."""


class Line(NamedTuple):
    """One row of a list. ``what``: in a list of blocks the port, group or party, may be empty;
    in a list of numbers the day of the event."""

    row: int
    phone: str
    what: str


class Noted(NamedTuple):
    """What became of some rows: recorded, known before (or overtaken since), left out."""

    recorded: int
    known: int
    problems: list[Problem]


def refuse_lines(
    ledger: Ledger, t: Transaction, lines: list[Line], *, group: str, door: str, evidence: str
) -> Noted:
    """Record a refusal for each row, of the group that answers for its port, or of ``group``.

    A row that is refused already records nothing. InputError when ``door`` is none.
    """
    about = About([], "")
    through = about.word("door", Door, door)
    if through is None:
        raise InputError(about.problems)
    recorded, known, problems = 0, 0, list[Problem]()
    groups = {party.group for party in ledger.register.parties()} | {f.ALL_GROUPS}
    for line in lines:
        about = About([], f"row {line.row}")
        number = about.phone(line.phone)
        name = line.what.strip() or group
        party = ledger.register.party(name)
        meant = ledger.register.group_of_port(name) or (party.group if party else name)
        if meant not in groups:
            remedy = "register it first, or name the group with --group"
            about.wrong("port", f"nobody answers for {name!r}", remedy)
        problems += about.problems
        if number is None or not about.sound:
            continue
        person = t.remember(number)
        if meant in consent.refusals(ledger, person.handle):
            known += 1
            continue
        port = line.what.strip() if ledger.register.group_of_port(line.what.strip()) else ""
        t.append(
            f.RefusalRecorded(
                person=person.key,
                handle=person.handle,
                group=meant,
                door=through,
                port=port,
                evidence=evidence,
            )
        )
        recorded += 1
    return Noted(recorded, known, problems)


def note_lines(
    ledger: Ledger,
    t: Transaction,
    lines: list[Line],
    *,
    event: str,
    source: str,
    reuse_days: int,
) -> Noted:
    """Note for each row what happened to the number on a day: see ``EVENTS``.

    Earlier consents fall when a number was given up or re-assigned; one that the person gave
    after that day shows that the row is overtaken. A number given up ``reuse_days`` ago may be
    somebody else's by now and counts as re-assigned: codes go to it again, marketing does not.
    InputError when the event is none, or no source is named.
    """
    about = About([], "")
    about.filled("source", source)
    if event not in EVENTS:
        about.wrong("event", f"{event!r} is none", f"one of {', '.join(EVENTS)}")
    if not about.sound:
        raise InputError(about.problems)
    recorded, known, problems = 0, 0, list[Problem]()
    for line in lines:
        about = About([], f"row {line.row}")
        number, day = about.phone(line.phone), about.past("day", line.what, t.at)
        problems += about.problems
        if number is None or not about.sound:
            continue
        person = t.remember(number)
        state = NumberState.OK
        if event != "in-service":
            old = event == "reassigned" or t.at - day >= reuse_days * DAY_MS
            state = NumberState.RECYCLED if old else NumberState.EMPTY
        if _overtaken(ledger, person.handle, state, day):
            known += 1
            continue
        t.append(
            f.NumberNoted(person=person.key, handle=person.handle, state=state, source=source)
        )
        recorded += 1
    return Noted(recorded, known, problems)


def _overtaken(ledger: Ledger, handle: int, state: NumberState, day: int) -> bool:
    """Is the number in that state already, or did its owner agree to something since?"""
    before = NumberState.OK
    for party in ledger.register.parties():
        known = ledger.standings.person(handle, party.party, party.group)
        before = known.number
        if state is not NumberState.OK and any(x.given_at > day for x in known.grounds):
            return True
    return before is state


def blocked(ledger: Ledger, t: Transaction, flights: Sequence[Flight]) -> int:
    """Carriers reported that these persons have blocked the sender: each is a refusal of the
    group (``outbox.BLOCKED``). How many were new."""
    new = 0
    for flight in flights:
        lane, person = flight.lane, t.remember(flight.phone)
        if lane.group and lane.group not in consent.refusals(ledger, person.handle):
            t.append(
                f.RefusalRecorded(
                    person=person.key,
                    handle=person.handle,
                    group=lane.group,
                    door=Door.CARRIER,
                    port=lane.port,
                    evidence=f"report of message {flight.message}",
                )
            )
            new += 1
    return new
