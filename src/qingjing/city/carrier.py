"""A carrier's gateway (ISMG) of the city: takes submits over CMPP, reports, and misbehaves.

Everything that it received is kept, for the score: it is the witness of what really left. What
it received and what the gateway acknowledged to it are numbered in one order, so that "after
the refusal" needs no clock.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from qingjing.doors.gateway.dialects import DIALECTS
from qingjing.doors.gateway.line import Line
from qingjing.wire import cmpp, cmpp_tables
from qingjing.wire.events import Answered, Closing, Event, TimedOut
from qingjing.wire.session import Session

_TICK_S: Final = 0.02
_SLOW_DOWN: Final = 8


class Habits(msgspec.Struct, frozen=True, kw_only=True):
    """How well the carrier behaves: shares from 0 to 1, times in seconds."""

    report_after_s: float = 0.0
    early_report: float = 0.0
    """Reports sent before the answer to their submit."""
    twice: float = 0.0
    """Reports sent two times."""
    undelivered: float = 0.0
    """Reports of UNDELIV."""
    silent: float = 0.0
    """Submits that are never answered."""
    throttle: float = 0.0
    """Submits answered 8, slow down."""
    cut: float = 0.0
    """Submits after which the connection breaks, unanswered."""
    cut_at: int = 0
    """The connection breaks over this submit, counted from 1; 0 for never."""


class Received(NamedTuple):
    """One part as the carrier took it."""

    msg_id: int
    port: str
    phone: str
    content: bytes
    udhi: int
    coding: int
    at: float
    order: int


class Saying(msgspec.Struct):
    """A person's reply on its way; ``done`` tells its place in the order when it was taken."""

    deliver: cmpp_tables.Deliver
    done: asyncio.Future[int]


class _Report(NamedTuple):
    due: float
    deliver: cmpp_tables.Deliver


class CarrierSimulator:
    """One carrier: a listener on loopback that any number of connections may log in to."""

    def __init__(
        self,
        *,
        secret: bytes,
        clock: Callable[[], float],
        seed: int,
        habits: Habits | None = None,
        keep: bool = True,
    ) -> None:
        self._secret, self._clock, self._keep = secret, clock, keep
        self._habits = habits or Habits()
        self._random = random.Random(seed)
        self._lines: list[Line] = []
        self._late: list[_Report] = []
        self._saying: deque[Saying] = deque()
        self._held: list[tuple[Line, cmpp_tables.Submit, int]] | None = None
        self._slow = False
        self._order = 0
        self._server: asyncio.Server | None = None
        self._task: asyncio.Task[None] | None = None
        self._next_id = self._random.getrandbits(48) << 8
        self.received: list[Received] = []
        self.count = 0
        self.reported = 0

    async def start(self, port: int = 0) -> int:
        """Listen on loopback; the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._line, "127.0.0.1", port)
        self._task = asyncio.create_task(self._pass_time())
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        if self._task is not None:
            self._task.cancel()
        for line in list(self._lines):
            line.close()
        await asyncio.sleep(0)

    @property
    def connections(self) -> int:
        """How many connections are logged in."""
        return sum(bool(line.account) for line in self._lines)

    # Moods

    def hold(self) -> None:
        """From now on submits are taken and not answered, until ``go_on``."""
        self._held = []

    def slow_down(self) -> None:
        """From now on nothing is taken: every submit is answered 8, until ``go_on``."""
        self._slow = True

    def go_on(self) -> None:
        """Answer what was held, and behave as usual."""
        held, self._held, self._slow = self._held or [], None, False
        for line, pdu, msg_id in held:
            if line in self._lines:
                self._answer(line, pdu, msg_id)
        for line in self._lines:
            line.flush()

    # The connection

    def _line(self) -> Line:
        session = Session(cmpp.PROTOCOL, window=1024, now=self._clock())
        return Line(
            DIALECTS["cmpp"], session, self._events, self._opened, self._lost, self._clock
        )

    def _opened(self, line: Line) -> bool:
        self._lines.append(line)
        return True

    def _lost(self, line: Line) -> None:
        if line in self._lines:
            self._lines.remove(line)
        for token in line.session.abandon():
            self._again(token)

    def _again(self, token: object) -> None:
        """What the gateway did not acknowledge is handed over once more."""
        if isinstance(token, Saying):
            self._saying.appendleft(token)
        elif isinstance(token, cmpp_tables.Deliver):
            self._late.append(_Report(0.0, token))

    def _events(self, line: Line, events: list[Event]) -> None:
        for event in events:
            if type(event) is cmpp_tables.Submit:
                if not self._submit(line, event):
                    break
            elif type(event) is Answered:
                self._order += 1
                if isinstance(event.token, Saying) and not event.token.done.done():
                    event.token.done.set_result(self._order)
            elif type(event) is cmpp_tables.Connect:
                self._login(line, event)
            elif type(event) is TimedOut:
                self._again(event.token)
            elif type(event) is Closing:
                for token in event.unanswered:
                    self._again(token)
                line.close()

    def _login(self, line: Line, connect: cmpp_tables.Connect) -> None:
        status = cmpp.login_status(connect, self._secret)
        answer = cmpp.connect_answer(connect, status, self._secret)
        if status == cmpp.Status.OK:
            line.account = connect.Source_Addr
            line.session.accept(answer)
        else:
            line.session.reject(answer)
            line.close()

    # Submits

    def _happens(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    def _submit(self, line: Line, pdu: cmpp_tables.Submit) -> bool:
        """Take one submit; False when the connection was cut over it."""
        habits = self._habits
        if self._slow or self._happens(habits.throttle):
            line.session.respond(cmpp_tables.SubmitResp(pdu.Sequence_Id, 0, _SLOW_DOWN))
            return True
        msg_id = self._take(pdu)
        if self.count == habits.cut_at or self._happens(habits.cut):
            line.close()
            return False
        if self._held is not None:
            self._held.append((line, pdu, msg_id))
        elif not self._happens(habits.silent):
            self._answer(line, pdu, msg_id)
        return True

    def _take(self, pdu: cmpp_tables.Submit) -> int:
        self._next_id += 1
        self._order += 1
        self.count += 1
        if self._keep:
            self.received.append(
                Received(
                    self._next_id,
                    pdu.Src_Id,
                    pdu.Dest_terminal_Id[0],
                    pdu.Msg_Content,
                    pdu.TP_udhi,
                    pdu.Msg_Fmt,
                    self._clock(),
                    self._order,
                )
            )
        return self._next_id

    def _answer(self, line: Line, pdu: cmpp_tables.Submit, msg_id: int) -> None:
        early = self._happens(self._habits.early_report)
        if early:
            self._report(line, pdu, msg_id, now=True)
            line.flush()
        line.session.respond(cmpp_tables.SubmitResp(pdu.Sequence_Id, msg_id, 0))
        if not early and pdu.Registered_Delivery == 1:
            self._report(line, pdu, msg_id, now=self._habits.report_after_s == 0)

    # What is handed over

    def _report(self, line: Line, pdu: cmpp_tables.Submit, msg_id: int, *, now: bool) -> None:
        stat = "UNDELIV" if self._happens(self._habits.undelivered) else "DELIVRD"
        to = pdu.Dest_terminal_Id[0]
        report = cmpp_tables.Report(msg_id, stat, "2611240900", "2611240901", to)
        v30 = line.session.version == cmpp_tables.V30
        table = cmpp_tables.REPORT_30 if v30 else cmpp_tables.REPORT_20
        deliver = cmpp_tables.Deliver(
            Msg_Id=msg_id,
            Dest_Id=pdu.Src_Id,
            Src_terminal_Id=to,
            Registered_Delivery=1,
            Msg_Content=table.encode(report),
        )
        times = 2 if self._happens(self._habits.twice) else 1
        due = 0.0 if now else self._clock() + self._habits.report_after_s
        for _ in range(times):
            if now and line.session.room:
                self._hand(line, deliver)
            else:
                self._late.append(_Report(due, deliver))

    def _hand(self, line: Line, deliver: cmpp_tables.Deliver) -> None:
        line.session.request(deliver, deliver, self._clock())
        self.reported += 1

    def say(self, phone: str, port: str, text: str) -> asyncio.Future[int]:
        """A person writes back to a port.

        The result comes when the gateway has acknowledged it, with its place in the order.
        """
        deliver = cmpp_tables.Deliver(
            Msg_Id=self._random.getrandbits(63),
            Dest_Id=port,
            Msg_Fmt=8,
            Src_terminal_Id=phone,
            Msg_Content=text.encode("utf-16-be"),
        )
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._saying.append(Saying(deliver, done))
        self._flush_sayings()
        return done

    def reply(self, phone: str, port: str, text: str) -> bool:
        """``say`` without waiting; False when no connection is there to carry it."""
        there = any(line.session.room for line in self._lines)
        if there:
            self.say(phone, port, text)
        return there

    def _flush_sayings(self) -> None:
        for line in self._lines:
            while self._saying and line.session.room:
                saying = self._saying.popleft()
                line.session.request(saying.deliver, saying, self._clock())
            line.flush()

    async def _pass_time(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            self._flush_sayings()
            self._flush_late()
            for line in list(self._lines):
                line.tick()

    def _flush_late(self) -> None:
        """Hand over due reports, over whatever connection has room: often another one."""
        now = self._clock()
        due = [report for report in self._late if report.due <= now]
        if not due:
            return
        kept = [report for report in self._late if report.due > now]
        waiting = iter(due)
        for line in self._lines:
            for _ in range(line.session.room):
                report = next(waiting, None)
                if report is None:
                    break
                self._hand(line, report.deliver)
            line.flush()
        self._late = kept + list(waiting)
