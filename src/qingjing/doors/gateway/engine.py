"""The turn: what came in since the last one is heard, settled, decided and released at once.

One turn is one transaction. Order matters: replies are heard before anything is decided or
released, so that a refusal that arrived in the same moment already holds. Nothing is answered,
acknowledged or handed out before the commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from qingjing.desk import hear, notices, outbox, release, send, settle
from qingjing.desk.ports import Transaction
from qingjing.doors.gateway import translate
from qingjing.doors.gateway.carriers import Answer, Arrival, Carriers, Parcel, parcels
from qingjing.doors.gateway.customers import Customers
from qingjing.doors.gateway.dialect import Caller, Offer, Reply, Report, Source, Trouble
from qingjing.doors.gateway.inbox import Inbound, Inbox
from qingjing.doors.gateway.intake import Intake, Ready, turned_away
from qingjing.doors.gateway.line import Line
from qingjing.doors.gateway.translate import References
from qingjing.doors.gateway.trunks import Room, Trunk
from qingjing.settings import Limits

_log = structlog.get_logger("qingjing.engine")


class Engine:
    """Inboxes, outbox, intake; ``run`` turns until stopped."""

    def __init__(
        self,
        desk: send.Desk,
        limits: Limits,
        references: References,
        when: Callable[[], int],
        rates: Mapping[str, int],
        origins: outbox.Origins = outbox.NO_ORIGINS,
    ) -> None:
        self._desk, self._limits, self._when = desk, limits, when
        self._outbox = outbox.recover(desk, when(), origins)
        self._intake = Intake(desk, self._outbox, limits, references, when())
        self._inbox = Inbox(limits, rates, self._hold)
        self._answers: list[Answer] = []
        self._arrivals: list[Arrival] = []
        self._told: list[int] = []
        self._wake = asyncio.Event()
        self._sweep_at = 0
        self._stopping = False
        self.customers: Customers
        self.carriers: Carriers

    def join(self, customers: Customers, carriers: Carriers) -> None:
        """Tie both sides to the engine."""
        self.customers, self.carriers = customers, carriers
        self._intake.refused = customers.refused
        self._outbox.sort(carriers.trunks.of)
        self._wake.set()

    def reload(self, rates: Mapping[str, int], limits: Limits, origins: outbox.Origins) -> None:
        """Accounts have other rates (parts a second) and ids, messages other ways, and all
        other limits, from now on."""
        self._limits = limits
        self.rate(rates)
        self._inbox.limit(limits)
        self._intake.limit(limits)
        self._outbox.know(origins)
        self._outbox.sort(self.carriers.trunks.of)
        self._wake.set()

    def rate(self, rates: Mapping[str, int]) -> None:
        """Accounts have other rates, in parts a second, from now on."""
        self._inbox.rate(rates)

    # What the sides hand in

    def offered(self, source: Source, token: Any, caller: Caller, offer: Offer) -> None:
        """A customer's offer."""
        inbound = Inbound(source, token, caller, offer, self._when())
        full = len(self._outbox) >= self._limits.flights_max
        if full or self._inbox.full(caller.account):
            self._turn_away(inbound)
            return
        self._inbox.put(inbound)
        self._wake.set()

    def _hold(self, account: str, held: bool) -> None:
        self.customers.hold(account, held)

    def _turn_away(self, inbound: Inbound) -> None:
        """Too much waits already."""
        refused = turned_away(inbound, Trouble.SLOW_DOWN)
        inbound.source.answer(
            inbound.token, refused.references, refused.outcomes, inbound.since
        )
        inbound.source.flush()

    def answered(self, answer: Answer) -> None:
        """A carrier's answer to a part."""
        self._answers.append(answer)
        self._wake.set()

    def arrived(self, arrival: Arrival) -> None:
        """A carrier's news: a report, or a person's reply."""
        self._arrivals.append(arrival)
        self._wake.set()

    def told(self, message: int) -> None:
        """The customer has taken the report of a message."""
        self._told.append(message)
        self._wake.set()

    def nudge(self) -> None:
        """Time has passed: look again."""
        self._wake.set()

    # Turning

    async def run(self) -> None:
        """Turn whenever there is something to do, until ``stop``."""
        while not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            while await self.turn():
                # Sockets are read between turns; a turn that did something may have more.
                await asyncio.sleep(0)

    def stop(self) -> None:
        """Finish the turn that runs, then end."""
        self._stopping = True
        self._wake.set()

    @property
    def idle(self) -> bool:
        """Nothing waits to be handled (messages may be on their way)."""
        return not (self._inbox or self._answers or self._arrivals or self._told)

    @property
    def unsettled(self) -> int:
        """Messages that passed and are not settled."""
        return len(self._outbox)

    async def turn(self) -> bool:
        """One turn; False when there was nothing to do."""
        for inbound in self._inbox.overdue(self._when()):
            self._turn_away(inbound)
        inbox = self._inbox.take(self._outbox.queued, self._when())
        answers, self._answers = self._answers, []
        arrivals, self._arrivals = self._arrivals, []
        told, self._told = self._told, []
        room = self._room()
        overdue = self._overdue()
        expiring = self._intake.expiring(self._when())
        if not (inbox or answers or arrivals or told or room or overdue or expiring):
            self._after([], [], {}, 0)
            return False
        at = self._when()
        async with self._desk.ledger.transaction(at) as t:
            forwards = self._hear(arrivals, t)
            self._settle(answers, arrivals, told, at)
            blocked, self._outbox.blocked = self._outbox.blocked, []
            notices.blocked(self._desk.ledger, t, blocked)
            if overdue:
                settle.give_up(self._outbox, overdue, at)
            replies = self._intake.decide(inbox, t)
            leaving = self._release(room, t)
            self._outbox.flush(t, self._desk.node)
            self._mark(t)
        for arrival in arrivals:
            arrival.line.thank(arrival.pdu)
        for account, reply in forwards:
            self.customers.forward(account, reply)
        self._after(replies, [x.line for x in arrivals], leaving, at)
        return True

    def _room(self) -> Room:
        """Room of each trunk that something waits for."""
        return self.carriers.room(self._outbox.waiting)

    def _overdue(self) -> list[outbox.Flight]:
        """Messages whose report was waited for long enough; looked for once a minute."""
        now = self._when()
        if now < self._sweep_at:
            return []
        self._sweep_at = now + 60_000
        return settle.overdue(self._outbox, now - self._limits.report_wait_h * 3_600_000)

    # Carriers' news

    def _hear(self, arrivals: list[Arrival], t: Transaction) -> list[tuple[str, Reply]]:
        """Persons' replies take effect; each goes on to the customer that has the port.

        A part of a long reply is read by itself: an unclear part holds marketing, which is the
        safe side, and nothing waits in memory unacknowledged.
        """
        forwards: list[tuple[str, Reply]] = []
        for arrival in arrivals:
            reply = arrival.news
            if not isinstance(reply, Reply):
                continue
            phone = translate.phone_of(reply.phone)
            if phone is None:
                _log.warning("reply from no mobile number", port=reply.port)
                continue
            heard = hear.hear(self._desk, t, phone, reply.port, reply.words)
            _log.info("reply", port=reply.port, meaning=heard.meaning.value)
            chain = self._desk.ledger.register.chain_of_port(reply.port)
            account = self.customers.account_of(chain, phone.digits, reply.port)
            if account is not None:
                forwards.append((account, reply._replace(phone=phone.digits)))
        return forwards

    def _settle(
        self, answers: list[Answer], arrivals: list[Arrival], told: list[int], at: int
    ) -> None:
        """Answers first, then reports, so that a report rarely waits for its answer."""
        box = self._outbox
        for message, part, link, code, upstream in answers:
            if code == 0:
                settle.accepted(box, message, part, upstream, link, at)
            elif code > 0:
                settle.rejected(box, message, part, code, link, at)
            else:
                settle.silent(box, message, part, link, at)
        for arrival in arrivals:
            report = arrival.news
            if isinstance(report, Report) and report.stat:
                stat = report.stat.encode("ascii", "replace")[:8]
                link, name = arrival.link, report.upstream
                if report.also and outbox.upstream_key(link, name) not in box.awaiting:
                    known = outbox.upstream_key(link, report.also) in box.awaiting
                    name = report.also if known else name
                settle.reported(box, name, stat, link, at)
        for message in told:
            settle.told(box, message, at)

    def _release(self, room: Room, t: Transaction) -> dict[Trunk, list[Parcel]]:
        """What may leave by each trunk: first what waited aside, looked at once more."""
        leaving: dict[Trunk, list[Parcel]] = {}
        room = room or self._room()
        for trunk in room.trunks:
            free = room.of(trunk)
            again = self.carriers.take_back(trunk, free)
            pairs = [(parcel.flight, parcel.part) for parcel in again]
            may_go = release.again(self._desk, self._outbox, pairs, trunk.count, t)
            fresh = release.release(
                self._desk, self._outbox, trunk, free - len(again), trunk.count, t
            )
            for flight in fresh:
                self.customers.wrote(flight.account, flight.phone.digits, flight.lane.port)
            kept = [parcel for parcel, may in zip(again, may_go, strict=True) if may]
            leaving[trunk] = kept + parcels(fresh)
            room.spend(trunk, len(leaving[trunk]))
        return leaving

    def _mark(self, t: Transaction) -> None:
        """Where a restart must begin to read."""
        box = self._outbox.low_water(t.position)
        self._desk.ledger.mark("low_water", min(box, self._intake.low_water(t.position)))

    def _after(
        self,
        replies: list[Ready],
        lines: list[Line],
        leaving: dict[Trunk, list[Parcel]],
        at: int,
    ) -> None:
        """After the commit: answer, acknowledge, hand out, tell."""
        for inbound, references, outcomes in replies:
            inbound.source.answer(inbound.token, references, outcomes, at)
        for trunk, parts_out in leaving.items():
            self.carriers.send(parts_out, trunk)
        while self._outbox.to_tell:
            self.customers.tell(self._outbox.to_tell.popleft())
        sources: set[Source] = {reply.inbound.source for reply in replies}
        for source in sources.union(lines):
            source.flush()
        self.customers.pump_all()
