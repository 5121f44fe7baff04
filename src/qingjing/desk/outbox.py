"""The outbox: messages that passed and are not settled yet, in memory, rebuilt from the record.

Every step is a move (``rows.MOVE``) that is committed before anything acts on it, so a crash at
any point leaves the truth in the ledger: a message that passed and was not released is queued
again; one that was released and never answered is UNKNOWN, and is not sent a second time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import msgspec
import numpy as np

from qingjing.desk import evidence
from qingjing.desk.fair import FairQueue
from qingjing.desk.paths import Submit
from qingjing.desk.ports import Ledger, Transaction
from qingjing.desk.send import Decided, Desk
from qingjing.kernel.chain import batch_root
from qingjing.kernel.facts import MessagesDecided, MessagesMoved
from qingjing.kernel.kinds import is_marketing
from qingjing.kernel.register import Lane
from qingjing.kernel.rows import (
    DECIDED,
    FAILURES_ONLY,
    MOVE,
    MOVE_ROW,
    WANTS_REPORT,
    Moved,
    may_leave,
)
from qingjing.kernel.vector import from_case_number
from qingjing.kernel.words import Carrier, Kind, Phone

DELIVERED: Final = b"DELIVRD"
UNKNOWN: Final = b"UNKNOWN"
REJECTED: Final = b"REJECTD"
BLOCKED: Final = frozenset({b"MBBLACK"})
"""Words of a report by which a carrier says that the person has blocked the sender (0000). Not
REJECTD, which says no reason."""

_CODE: Final = Kind.VERIFICATION

UPSTREAM_SIZE: Final = MOVE["upstream"].itemsize

EARLY_MAX: Final = 100_000
"""Reports kept that came before their answer: ten seconds of traffic at full rate."""
EARLY_MS: Final = 600_000
"""How long they are kept; a carrier's answer comes within its time-out of a minute."""

Origins: TypeAlias = Mapping[str, Callable[[bytes], tuple[bytes, ...]]]
"""By account, for those that know their messages by ids of their own (SGIP): how these are
read from the submitted bytes, one a part."""

NO_ORIGINS: Final[Origins] = MappingProxyType({})

WayOf: TypeAlias = Callable[[Carrier, str], Hashable]
"""What messages to a carrier from a port leave by: those of one way wait in one queue."""


class Flight(msgspec.Struct, kw_only=True, gc=False):
    """One message on its way. ``reasons`` are those of its decision, 0 but in shadow mode;
    ``open_parts`` are the carrier parts without an end; ``origins`` the customer's own ids of
    the parts, where it has such."""

    message: int
    position: int
    account: str
    lane: Lane
    phone: Phone
    body: str
    handle: int
    marketing: bool
    kind: Kind
    submitted_at: int
    reasons: int = 0
    references: tuple[int, ...]
    wants_report: bool
    failures_only: bool = False
    origins: tuple[bytes, ...] = ()
    open_parts: set[int] = msgspec.field(default_factory=set)
    stat: bytes = DELIVERED


class Told(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A final state that the customer is to be told of."""

    flight: Flight
    stat: bytes
    at: int


class Outbox:
    """Queues by way out, verification codes first; flights by message; moves of this tick."""

    def __init__(self, origins: Origins = NO_ORIGINS) -> None:
        self._origins = origins
        self._way_of: WayOf = lambda carrier, _port: carrier
        self.flights: dict[int, Flight] = {}
        self.awaiting: dict[tuple[int, bytes], tuple[int, int]] = {}
        self._early: dict[tuple[int, bytes], tuple[bytes, int]] = {}
        self._queues: dict[tuple[Hashable, bool], FairQueue[Flight]] = {}
        self.queued: dict[str, int] = {}
        """How many messages of each account are queued."""
        self._moves: list[bytes] = []
        self.to_tell: deque[Told] = deque()
        self.blocked: list[Flight] = []
        """Whose report of this tick said that the person has blocked the sender."""

    def __len__(self) -> int:
        """Flights that are not settled."""
        return len(self.flights)

    def admit(self, decided: Decided, submits: list[Submit], position: int) -> None:
        """Queue what may leave."""
        leave = np.flatnonzero(may_leave(decided.rows))
        rows = decided.rows[leave]
        names = ("message", "handle", "lane", "text", "reasons")
        columns = (leave, *(rows[name] for name in names))
        for place, message, handle, lane, text, reasons in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            submit = submits[place]
            if submit.phone is None:
                continue  # cannot be: number_valid refuses; and a flight needs a number
            self.enqueue(
                Flight(
                    message=message,
                    position=position,
                    account=submit.account,
                    lane=decided.lanes[lane],
                    phone=submit.phone,
                    body=submit.body,
                    handle=handle,
                    marketing=bool(decided.marketing[place]),
                    kind=decided.texts[text].view.kind,
                    submitted_at=decided.at,
                    reasons=reasons,
                    references=submit.references,
                    wants_report=submit.wants_report,
                    failures_only=submit.failures_only,
                    origins=self.origins(submit.account, submit.original),
                )
            )

    def origins(self, account: str, original: bytes) -> tuple[bytes, ...]:
        """The customer's own ids in what it submitted, one a part; empty where it has none."""
        read = self._origins.get(account)
        return () if read is None else read(original)

    def know(self, origins: Origins) -> None:
        """Accounts have other ids of their own from now on."""
        self._origins = origins

    def enqueue(self, flight: Flight) -> None:
        """Queue one flight behind its account's others that leave by the same way."""
        self.flights[flight.message] = flight
        self.queued[flight.account] = self.queued.get(flight.account, 0) + 1
        self._queue(flight)

    def _queue(self, flight: Flight) -> None:
        lane = flight.lane
        key = (self._way_of(lane.carrier, lane.port), flight.kind is _CODE)
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = FairQueue()
        queue.put(flight.account, flight)

    def sort(self, way_of: WayOf) -> None:
        """Messages leave by other ways from now on; those that wait, too, each account's in
        their order."""
        self._way_of = way_of
        queues, self._queues = self._queues, {}
        flights = [
            x for queue in queues.values() for x in queue.take(len(queue), lambda _x: 1)[0]
        ]
        for flight in sorted(flights, key=lambda flight: flight.message):
            self._queue(flight)

    def waiting(self, way: Hashable) -> int:
        """How many messages are queued for a way out."""
        return sum(len(self._queues.get((way, urgent), ())) for urgent in (True, False))

    def take(self, way: Hashable, room: int, parts: Callable[[str], int]) -> list[Flight]:
        """Messages for a way out while all parts fit in ``room``: codes first, then those of
        all accounts in turn."""
        taken: list[Flight] = []
        for urgent in (True, False):
            queue = self._queues.get((way, urgent))
            if queue:
                found, room = queue.take(room, lambda flight: parts(flight.body))
                taken += found
        for flight in taken:
            self.queued[flight.account] -= 1
        return taken

    def move(
        self,
        what: Moved,
        message: int,
        at: int,
        *,
        upstream: bytes = b"",
        stat: bytes = b"",
        reasons: int = 0,
        part: int = 0,
        link: int = 0,
    ) -> None:
        """Note one step; ``flush`` records all steps of the tick as one fact."""
        self._moves.append(
            MOVE_ROW.pack(message, at, upstream, stat, reasons, what, part, link)
        )

    def flush(self, t: Transaction, node: int) -> None:
        """Record the noted steps."""
        if not self._moves:
            return
        root = batch_root(self._moves).root
        fact = MessagesMoved(node=str(node), count=len(self._moves), rows_root=root)
        t.attach(t.append(fact), b"".join(self._moves), b"")
        self._moves.clear()

    def finish(self, flight: Flight, stat: bytes, at: int) -> None:
        """The message has its end: tell the customer if wanted, else it is settled."""
        flight.stat = stat
        if flight.wants_report and not (flight.failures_only and stat == DELIVERED):
            self.to_tell.append(Told(flight=flight, stat=stat, at=at))
        else:
            self.flights.pop(flight.message, None)

    def remember_early(self, key: tuple[int, bytes], stat: bytes, at: int) -> None:
        """Keep a report whose answer has not been seen; the oldest go when there are many."""
        early = self._early
        early[key] = (stat, at)
        while early:
            oldest = next(iter(early))
            if len(early) <= EARLY_MAX and early[oldest][1] > at - EARLY_MS:
                break
            del early[oldest]

    def early(self, key: tuple[int, bytes]) -> bytes | None:
        """The report that came before this answer."""
        found = self._early.pop(key, None)
        return None if found is None else found[0]

    def low_water(self, position: int) -> int:
        """Where recovery must begin: before the oldest batch with an unsettled message."""
        oldest = next(iter(self.flights.values()), None)
        return position if oldest is None else oldest.position - 1


def recover(desk: Desk, at: int, origins: Origins = NO_ORIGINS) -> Outbox:
    """The outbox as the record has it. What was released and never answered is UNKNOWN."""
    outbox = Outbox(origins)
    ledger = desk.ledger
    unanswered: dict[int, set[int]] = {}
    for position in ledger.batches_since(ledger.marked("low_water")):
        batch = ledger.batch(position)
        if isinstance(batch.recorded.fact, MessagesDecided):
            for flight in _flights(desk, position, outbox):
                outbox.flights[flight.message] = flight
        else:
            for row in np.frombuffer(batch.rows, dtype=MOVE):
                _replay(outbox, row, unanswered)
    for flight in list(outbox.flights.values()):
        if flight.message not in unanswered:
            outbox.enqueue(flight)
        for part in sorted(unanswered.get(flight.message, ())):
            outbox.move(Moved.UNKNOWN, flight.message, at, stat=UNKNOWN, part=part)
            end_part(outbox, flight, part, UNKNOWN, at)
    outbox.to_tell = deque(x for x in outbox.to_tell if x.flight.message in outbox.flights)
    return outbox


def _replay(outbox: Outbox, row: Any, unanswered: dict[int, set[int]]) -> None:
    message, what, part = int(row["message"]), int(row["what"]), int(row["part"])
    flight = outbox.flights.get(message)
    if flight is None:
        return
    if what != Moved.RELEASED:
        left = unanswered.setdefault(message, set())
        left.difference_update((part,) if part else tuple(left))
    key = upstream_key(int(row["link"]), bytes(row["upstream"]))
    match what:
        case Moved.RELEASED:
            flight.open_parts = set(range(1, part + 1))
            unanswered[message] = set(flight.open_parts)
        case Moved.ACCEPTED:
            outbox.awaiting[key] = (message, part)
        case Moved.REPORTED:
            outbox.awaiting.pop(key, None)
            end_part(outbox, flight, part, bytes(row["stat"]), int(row["at"]))
        case Moved.STOPPED | Moved.REJECTED | Moved.UNKNOWN:
            stat = UNKNOWN if what == Moved.UNKNOWN else REJECTED
            end_part(outbox, flight, part, stat, int(row["at"]))
        case _:
            outbox.flights.pop(message, None)


def upstream_key(link: int, upstream: bytes) -> tuple[int, bytes]:
    """What a carrier's id is found by: padded as it stands in the record, for an id may end in
    zero octets of its own."""
    return link, upstream.ljust(UPSTREAM_SIZE, b"\0")


def end_part(outbox: Outbox, flight: Flight, part: int, stat: bytes, at: int) -> None:
    """One part has its end; the message has its own when all have. The worst part speaks."""
    if part:
        flight.open_parts.discard(part)
    else:
        flight.open_parts.clear()
    if stat != DELIVERED:
        flight.stat = stat
    if not flight.open_parts:
        outbox.finish(flight, flight.stat, at)


def _flights(desk: Desk, position: int, outbox: Outbox) -> Iterator[Flight]:
    """The passed messages of a decided batch, from its rows and its sealed part."""
    ledger: Ledger = desk.ledger
    batch = ledger.batch(position)
    fact = batch.recorded.fact
    if not isinstance(fact, MessagesDecided):
        return
    sealed = evidence.unpack(ledger.unseal(batch.sealed, evidence.CONTEXT))
    rows = np.frombuffer(batch.rows, dtype=DECIDED)
    for place in np.flatnonzero(may_leave(rows)).tolist():
        row = rows[place]
        used, text = fact.lanes[row["lane"]], fact.texts[row["text"]]
        vector = from_case_number(int(row["case"]))
        submitter = used.submitter
        lane = desk.lane(
            (submitter, used.port, used.signature, used.carrier), batch.recorded.at
        )
        yield Flight(
            message=int(row["message"]),
            position=position,
            account=used.account,
            lane=lane,
            phone=Phone(sealed.phones[place]),
            body=sealed.bodies[row["text"]],
            handle=int(row["handle"]),
            marketing=is_marketing(vector.declared, vector.read),
            kind=Kind(text.kind),
            submitted_at=int(row["submitted_at"]),
            reasons=int(row["reasons"]),
            references=tuple(sealed.references.get(place, [int(row["reference"])])),
            wants_report=bool(row["flags"] & WANTS_REPORT),
            failures_only=bool(row["flags"] & FAILURES_ONLY),
            origins=outbox.origins(used.account, sealed.originals[place]),
        )
