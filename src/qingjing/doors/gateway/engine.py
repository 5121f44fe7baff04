"""The turn: what came in since the last one is heard, settled, decided and released at once.

One turn is one transaction. Order matters: replies are heard before anything is decided or
released, so that a refusal that arrived in the same moment already holds. Nothing is answered,
acknowledged or handed out before the commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import structlog

from qingjing.desk import hear, outbox, parts, release, send, settle
from qingjing.desk.paths import Submit
from qingjing.desk.ports import Transaction
from qingjing.doors.gateway import translate
from qingjing.doors.gateway.carriers import Answer, Arrival, Carriers, Parcel, parcels
from qingjing.doors.gateway.customers import Customers
from qingjing.doors.gateway.line import Line
from qingjing.doors.gateway.results import SLOW_DOWN, result
from qingjing.doors.gateway.translate import Caller, References
from qingjing.kernel.words import Carrier
from qingjing.settings import Limits
from qingjing.wire import cmpp, cmpp_tables
from qingjing.wire.errors import RemoteProtocolError

_log = structlog.get_logger("qingjing.engine")


class Inbound(NamedTuple):
    """A SUBMIT that waits for its answer."""

    line: Line
    caller: Caller
    pdu: cmpp_tables.Submit


class _Reply(NamedTuple):
    """An answer to a SUBMIT that is ready for after the commit."""

    line: Line
    pdu: cmpp_tables.SubmitResp


class _Asked(NamedTuple):
    """The ids that a SUBMIT's messages or parts were given, one a destination."""

    inbound: Inbound
    references: tuple[int, ...]


class Engine:
    """Inboxes, outbox, joiner; ``run`` turns until stopped."""

    def __init__(
        self,
        desk: send.Desk,
        limits: Limits,
        references: References,
        when: Callable[[], int],
    ) -> None:
        self._desk, self._limits, self._references, self._when = desk, limits, references, when
        self._outbox = outbox.recover(desk, when())
        self._joiner = parts.recover(desk.ledger, limits.segments_max)
        self._inbox: list[Inbound] = []
        self._answers: list[Answer] = []
        self._arrivals: list[Arrival] = []
        self._told: list[int] = []
        self._wake = asyncio.Event()
        self._sweep_at = 0
        self._stopping = False
        self._held = False
        self.customers: Customers
        self.carriers: Carriers

    def join(self, customers: Customers, carriers: Carriers) -> None:
        """Tie both sides to the engine."""
        self.customers, self.carriers = customers, carriers
        self._wake.set()

    # What the sides hand in

    def submitted(self, line: Line, caller: Caller, pdu: cmpp_tables.Submit) -> None:
        """A customer's SUBMIT."""
        if len(self._outbox) >= self._limits.flights_max:
            line.session.respond(cmpp_tables.SubmitResp(pdu.Sequence_Id, 0, SLOW_DOWN))
            return
        self._inbox.append(Inbound(line, caller, pdu))
        if not self._held and len(self._inbox) >= self._limits.inbox_max:
            self._hold(True)
        self._wake.set()

    def answered(self, answer: Answer) -> None:
        """A carrier's answer to a part."""
        self._answers.append(answer)
        self._wake.set()

    def arrived(self, arrival: Arrival) -> None:
        """A carrier's DELIVER: a report, or a person's reply."""
        self._arrivals.append(arrival)
        self._wake.set()

    def told(self, message: int) -> None:
        """The customer has taken the report of a message."""
        self._told.append(message)
        self._wake.set()

    def nudge(self) -> None:
        """Time has passed: look again."""
        self._wake.set()

    def _hold(self, held: bool) -> None:
        self._held = held
        for line in self.customers.lines:
            line.hold(held)

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
        inbox = self._inbox[: self._limits.batch_max]
        del self._inbox[: len(inbox)]
        answers, self._answers = self._answers, []
        arrivals, self._arrivals = self._arrivals, []
        told, self._told = self._told, []
        if self._held and len(self._inbox) < self._limits.inbox_max // 2:
            self._hold(False)
        room = self._room()
        overdue = self._overdue()
        if not (inbox or answers or arrivals or told or room or overdue or self._expiring()):
            self._after([], [], {})
            return False
        at = self._when()
        async with self._desk.ledger.transaction(at) as t:
            forwards = self._hear(arrivals, t)
            self._settle(answers, arrivals, told, at)
            if overdue:
                settle.give_up(self._outbox, overdue, at)
            replies = self._decide(inbox, t)
            leaving = self._release(room, t)
            self._outbox.flush(t, self._desk.node)
            self._mark(t)
        self._acknowledge(arrivals)
        for account, deliver in forwards:
            self.customers.forward(account, deliver)
        self._after(replies, [x.line for x in arrivals], leaving)
        return True

    def _room(self) -> dict[Carrier, int]:
        """Room of each carrier that something waits for."""
        rooms = {
            carrier: self.carriers.room(carrier)
            for carrier in self.carriers.carriers
            if self._outbox.waiting(carrier) or self.carriers.waiting(carrier)
        }
        return {carrier: room for carrier, room in rooms.items() if room}

    def _expiring(self) -> bool:
        return bool(len(self._joiner)) and self._joiner.expires(self._horizon())

    def _overdue(self) -> list[outbox.Flight]:
        """Messages whose report was waited for long enough; looked for once a minute."""
        now = self._when()
        if now < self._sweep_at:
            return []
        self._sweep_at = now + 60_000
        return settle.overdue(self._outbox, now - self._limits.report_wait_h * 3_600_000)

    def _horizon(self) -> int:
        return self._when() - self._limits.segment_wait_s * 1000

    # Carriers' news

    def _hear(
        self, arrivals: list[Arrival], t: Transaction
    ) -> list[tuple[str, cmpp_tables.Deliver]]:
        """Persons' replies take effect; each goes on to the customer that has the port.

        A part of a long reply is read by itself: an unclear part holds marketing, which is the
        safe side, and nothing waits in memory unacknowledged.
        """
        forwards: list[tuple[str, cmpp_tables.Deliver]] = []
        for arrival in arrivals:
            deliver = arrival.deliver
            if deliver.Registered_Delivery == 1:
                continue
            phone = translate.phone_of(deliver.Src_terminal_Id)
            if phone is None:
                _log.warning("reply from no mobile number", port=deliver.Dest_Id)
                continue
            heard = hear.hear(
                self._desk, t, phone, deliver.Dest_Id, translate.words_of(deliver)
            )
            _log.info("reply", port=deliver.Dest_Id, meaning=heard.meaning.value)
            chain = self._desk.ledger.register.chain_of_port(deliver.Dest_Id)
            account = self.customers.account_of(chain)
            if account is not None:
                forwards.append((account, deliver))
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
        for _line, link, deliver in arrivals:
            if deliver.Registered_Delivery != 1:
                continue
            try:
                report = cmpp.read_report(deliver.Msg_Content)
            except RemoteProtocolError as error:
                _log.warning("unreadable report", error=str(error))
                continue
            if report.Stat == "ACCEPTD":
                continue  # on its way: a gateway drops it (CMPP 3.0, status reports)
            upstream = report.Msg_Id.to_bytes(8, "big")
            stat = report.Stat.encode("ascii", "replace")[:8]
            settle.reported(box, upstream, stat, link, at)
        for message in told:
            settle.told(box, message, at)

    def _acknowledge(self, arrivals: list[Arrival]) -> None:
        for line, _link, deliver in arrivals:
            if line.session.owes(deliver.Sequence_Id):
                line.session.respond(
                    cmpp_tables.DeliverResp(deliver.Sequence_Id, deliver.Msg_Id, 0)
                )

    # Customers' submits

    def _decide(self, inbox: list[Inbound], t: Transaction) -> list[_Reply]:
        """Decide all whole messages of the turn, and answer every SUBMIT.

        A SUBMIT to several numbers is answered 0 when any of them passed. Parts whose rest has
        not come are recorded and answered 0. Whoever was answered 0 for what does not leave
        after all is told by a report.
        """
        submits: list[Submit] = []
        asked: list[_Asked] = []
        replies: list[_Reply] = []
        fresh: list[parts.Part] = []
        for inbound in inbox:
            references = self._references.take(len(inbound.pdu.Dest_terminal_Id), t.at)
            code = self._place(inbound, references, submits, fresh, t.at)
            if code:
                replies.append(_reply(inbound, 0, code))
            else:
                asked.append(_Asked(inbound, references))
        codes = self._codes(submits, t)
        waiting = [part for part in fresh if self._joiner.has(part)]
        self._joiner.keep(self._desk.ledger, t, waiting, self._desk.node)
        place_of = {ref: at for at, submit in enumerate(submits) for ref in submit.references}
        accepted: set[int] = set(place_of)
        for inbound, references in asked:
            found = [codes[place_of[ref]] for ref in references if ref in place_of]
            code = 0 if not found or 0 in found else found[0]
            replies.append(_reply(inbound, references[0] if code == 0 else 0, code))
            if code:
                accepted.difference_update(references)
        self._report_refused(submits, codes, accepted, t.at)
        self._drop_expired(t.at)
        return replies

    def _place(
        self,
        inbound: Inbound,
        references: tuple[int, ...],
        submits: list[Submit],
        fresh: list[parts.Part],
        at: int,
    ) -> int:
        """Turn a SUBMIT into messages of the batch, or into parts that wait.

        The CMPP result that it is answered with at once, 0 when it was taken.
        """
        line, caller, pdu = inbound
        frame = line.session.original(pdu.Sequence_Id)
        try:
            concat = translate.concat_of(pdu)
            if concat is None:
                submits += translate.submits(pdu, caller, frame, references)
                return 0
            found = translate.parts_of(pdu, caller, frame, concat, references, at)
        except RemoteProtocolError as error:
            _log.info("unreadable content", account=caller.account, error=str(error))
            return cmpp.Result.STRUCTURE
        if self._joiner.full:
            return SLOW_DOWN
        if any(self._joiner.has(part) for part in found):
            return cmpp.Result.DUPLICATE_SEQUENCE
        for part in found:
            fresh.append(part)
            together = self._joiner.add(part)
            if together is not None:
                submits.append(translate.joined(together, caller))
        return 0

    def _codes(self, submits: list[Submit], t: Transaction) -> list[int]:
        """The CMPP result of each message, decided and recorded."""
        if not submits:
            return []
        decided = send.decide(self._desk, submits, t)
        self._outbox.admit(decided, submits, t.position)
        return [result(bits) for bits in decided.rows["reasons"].tolist()]

    def _report_refused(
        self, submits: list[Submit], codes: list[int], accepted: set[int], at: int
    ) -> None:
        """Report what was answered 0, now or as an early part, and did not pass."""
        for submit, code in zip(submits, codes, strict=True):
            told = tuple(ref for ref in submit.references if ref in accepted) if code else ()
            if told and submit.wants_report:
                self.customers.refused(submit.account, told, submit.phone, submit.port, at)

    def _drop_expired(self, at: int) -> None:
        """Half a message is never sent; whoever was answered 0 is told so."""
        for part in self._joiner.expired(self._horizon()):
            account, port, to, _reference, _total = part.key
            _log.info("half a long message", account=account, port=port, part=part.number)
            if part.wants_report:
                phone = translate.phone_of(to)
                self.customers.refused(account, (part.reference,), phone, port, at)

    def _release(self, room: dict[Carrier, int], t: Transaction) -> dict[Carrier, list[Parcel]]:
        """What may leave to each carrier: first what waited aside, looked at once more."""
        leaving: dict[Carrier, list[Parcel]] = {}
        for carrier, free in (room or self._room()).items():
            again = self.carriers.take_back(carrier, free)
            pairs = [(parcel.flight, parcel.part) for parcel in again]
            may_go = release.again(self._desk, self._outbox, pairs, translate.part_count, t)
            fresh = release.release(
                self._desk, self._outbox, carrier, free - len(again), translate.part_count, t
            )
            kept = [parcel for parcel, may in zip(again, may_go, strict=True) if may]
            leaving[carrier] = kept + parcels(fresh)
        return leaving

    def _mark(self, t: Transaction) -> None:
        """Where a restart must begin to read."""
        box = self._outbox.low_water(t.position)
        self._desk.ledger.mark("low_water", min(box, self._joiner.low_water(t.position)))

    def _after(
        self,
        replies: list[_Reply],
        lines: list[Line],
        leaving: dict[Carrier, list[Parcel]],
    ) -> None:
        """After the commit: answer, acknowledge, hand out, tell."""
        for line, pdu in replies:
            if line.session.owes(pdu.Sequence_Id):
                line.session.respond(pdu)
        for carrier, parts_out in leaving.items():
            self.carriers.send(parts_out, carrier)
        while self._outbox.to_tell:
            self.customers.tell(self._outbox.to_tell.popleft())
        for line in {reply.line for reply in replies} | set(lines):
            line.flush()
        self.customers.pump_all()


def _reply(inbound: Inbound, reference: int, code: int) -> _Reply:
    return _Reply(
        inbound.line, cmpp_tables.SubmitResp(inbound.pdu.Sequence_Id, reference, code)
    )
