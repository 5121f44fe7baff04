"""A carrier's gateway of the city: takes submits in any protocol, reports, and misbehaves.

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

from qingjing.city.tongues import TONGUES
from qingjing.doors.gateway.dialect import Dialect, News, Notice, Offer, Trouble
from qingjing.doors.gateway.line import Line
from qingjing.wire.errors import RemoteProtocolError
from qingjing.wire.events import Answered, BadAnswer, Closing, Event, TimedOut
from qingjing.wire.protocol import PDU
from qingjing.wire.session import Session

_TICK_S: Final = 0.02
_WHEN: Final = 1_795_482_000_000
"""Submit and done date of every report: nobody looks at them."""
_GARBAGE: Final = b"\xff\xff\xff\xff" + bytes(60)
"""A frame of four gigabytes, or so its length says."""


class Habits(msgspec.Struct, frozen=True, kw_only=True):
    """How well the carrier behaves: shares from 0 to 1, times in seconds."""

    report_after_s: float = 0.0
    early_report: float = 0.0
    """Reports sent before the answer to their submit."""
    twice: float = 0.0
    """Reports sent two times."""
    undelivered: float = 0.0
    """Reports of ``undelivered_as``."""
    undelivered_as: str = "UNDELIV"
    """MBBLACK for people who have blocked the sender."""
    silent: float = 0.0
    """Submits that are never answered."""
    silent_part: int = 0
    """The part of each long message that is never answered, counted from 1; 0 for none."""
    throttle: float = 0.0
    """Submits answered "slow down"."""
    cut: float = 0.0
    """Submits after which the connection breaks, unanswered."""
    cut_at: int = 0
    """The connection breaks over this submit, counted from 1; 0 for never."""
    garbage_at: int = 0
    """After the answer to this submit comes a frame of an impossible length; 0 for never."""


class Received(NamedTuple):
    """One part as the carrier took it; ``content`` and ``coding`` as CMPP has them."""

    msg_id: int
    port: str
    phone: str
    content: bytes
    udhi: int
    coding: int
    at: float
    order: int


class Saying(Notice, kw_only=True, gc=True):
    """A person's reply on its way; ``done`` tells its place in the order when it was taken."""

    done: asyncio.Future[int]


class _Taken(NamedTuple):
    """A submit that was taken, and where it is to be answered."""

    line: Line
    pdu: PDU
    offer: Offer
    msg_id: int


class _Report(NamedTuple):
    due: float
    notice: Notice


class CarrierSimulator:
    """One carrier: a listener on loopback that any number of connections may log in to.

    :param protocol: what it speaks, as the settings name it.
    :param dialect: with habits of its own, where it has any.
    """

    def __init__(
        self,
        *,
        secret: bytes,
        clock: Callable[[], float],
        seed: int,
        habits: Habits | None = None,
        keep: bool = True,
        protocol: str = "cmpp",
        dialect: Dialect | None = None,
    ) -> None:
        self._secret, self._clock, self._keep = secret, clock, keep
        self._tongue = TONGUES[protocol]
        self._dialect = dialect or self._tongue.dialect
        self._habits = habits or Habits()
        self._random = random.Random(seed)
        self._lines: list[Line] = []
        self._late: list[_Report] = []
        self._saying: deque[Saying] = deque()
        self._held: list[_Taken] | None = None
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

    def behave(self, habits: Habits) -> None:
        """From now on, other habits."""
        self._habits = habits

    def hold(self) -> None:
        """From now on submits are taken and not answered, until ``go_on``."""
        self._held = []

    def slow_down(self) -> None:
        """From now on nothing is taken: every submit is told to slow down, until ``go_on``."""
        self._slow = True

    def go_on(self) -> None:
        """Answer what was held, and behave as usual."""
        held, self._held, self._slow = self._held or [], None, False
        for taken in held:
            if taken.line in self._lines:
                self._answer(taken)
        for line in self._lines:
            line.flush()

    def deaf(self, deaf: bool) -> None:
        """Stop reading what comes, or go on."""
        for line in self._lines:
            line.hold(deaf)

    def hang_up(self) -> None:
        """Break all connections; the gateway may come back."""
        for line in list(self._lines):
            line.close()

    # The connection

    def _line(self) -> Line:
        dialect = self._dialect
        session = Session(dialect.wire, window=1024, limits=dialect.limits, now=self._clock())
        return Line(dialect, session, self._events, self._opened, self._lost, self._clock)

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
        elif isinstance(token, Notice):
            self._late.append(_Report(0.0, token))

    def _events(self, line: Line, events: list[Event]) -> None:
        """Answers count even behind the submit over which the connection is cut."""
        alive = True
        for event in events:
            if isinstance(event, Answered):
                self._order += 1
                if isinstance(event.token, Saying) and not event.token.done.done():
                    event.token.done.set_result(self._order)
            elif isinstance(event, TimedOut | BadAnswer):
                self._again(event.token)
            elif isinstance(event, Closing):
                for token in event.unanswered:
                    self._again(token)
                line.close()
            elif alive and not isinstance(event, News):
                alive = self._asked(line, event)

    def _asked(self, line: Line, pdu: PDU) -> bool:
        """Take one request; False when the connection was cut over it."""
        dialect = self._dialect
        account = dialect.account(pdu)
        if account is not None:
            self._login(line, account, pdu)
            return True
        try:
            offer = dialect.offer(pdu, b"")
        except RemoteProtocolError:
            line.answer(pdu, (0,), (Trouble.UNREADABLE,), 0)
            return True
        if offer is not None:
            return self._submit(line, pdu, offer)
        answer = dialect.decline(pdu)
        if answer is not None:
            line.session.respond(answer)
        return True

    def _login(self, line: Line, account: str, pdu: PDU) -> None:
        answer, welcome = self._dialect.welcome(pdu, self._secret)
        if welcome:
            line.account = account
            line.carries = self._dialect.down not in self._dialect.wire.barred(pdu)
            line.session.accept(answer)
        else:
            line.session.reject(answer)
            line.close()

    # Submits

    def _happens(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    def _submit(self, line: Line, pdu: PDU, offer: Offer) -> bool:
        """Take one submit; False when the connection was cut over it."""
        habits = self._habits
        if self._slow or self._happens(habits.throttle):
            line.answer(pdu, (0,), (Trouble.SLOW_DOWN,), 0)
            return True
        taken = _Taken(line, pdu, offer, self._take(pdu, offer))
        if self.count == habits.cut_at or self._happens(habits.cut):
            line.close()
            return False
        part = offer.concat.number if offer.concat else 0
        if self._held is not None:
            self._held.append(taken)
        elif not self._happens(habits.silent) and not (part and part == habits.silent_part):
            self._answer(taken)
        if self.count == habits.garbage_at:
            _garble(line)
        return True

    def _take(self, pdu: PDU, offer: Offer) -> int:
        self._next_id += 1
        self._order += 1
        self.count += 1
        if self._keep:
            udhi, coding, content = self._tongue.part(pdu)
            phone = offer.to[0]
            now = self._clock()
            self.received.append(
                Received(
                    self._next_id, offer.port, phone, content, udhi, coding, now, self._order
                )
            )
        return self._next_id

    def _answer(self, taken: _Taken) -> None:
        line, pdu, offer, msg_id = taken
        early = self._happens(self._habits.early_report)
        if early:
            self._report(line, offer, msg_id, now=True)
            line.flush()
        line.answer(pdu, (msg_id,), (0,), 0)
        if not early and offer.wants_report:
            self._report(line, offer, msg_id, now=self._habits.report_after_s == 0)

    # What is handed over

    def _report(self, line: Line, offer: Offer, msg_id: int, *, now: bool) -> None:
        habits = self._habits
        stat = habits.undelivered_as if self._happens(habits.undelivered) else "DELIVRD"
        times = 2 if self._happens(self._habits.twice) else 1
        due = 0.0 if now else self._clock() + self._habits.report_after_s
        for _ in range(times):
            notice = Notice(0, msg_id, offer.to[0], offer.port, stat, _WHEN, _WHEN)
            if now and line.room:
                self._hand(line, notice)
            else:
                self._late.append(_Report(due, notice))

    def _hand(self, line: Line, notice: Notice) -> None:
        self._dialect.notify(line.session, notice, self._clock())
        self.reported += 1

    def say(self, phone: str, port: str, text: str) -> asyncio.Future[int]:
        """A person writes back to a port.

        The result comes when the gateway has acknowledged it, with its place in the order.
        """
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        reference = self._random.getrandbits(63)
        saying = Saying(0, reference, phone, port, done_at=_WHEN, words=text, done=done)
        self._saying.append(saying)
        self._flush_sayings()
        return done

    def reply(self, phone: str, port: str, text: str) -> bool:
        """``say`` without waiting; False when no connection is there to carry it."""
        there = any(line.room for line in self._lines)
        if there:
            self.say(phone, port, text)
        return there

    def _flush_sayings(self) -> None:
        for line in self._lines:
            while self._saying and line.room:
                self._dialect.notify(line.session, self._saying.popleft(), self._clock())
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
            for _ in range(line.room):
                report = next(waiting, None)
                if report is None:
                    break
                self._hand(line, report.notice)
            line.flush()
        self._late = kept + list(waiting)


def _garble(line: Line) -> None:
    """Write what no session would."""
    line.flush()
    if line._transport is not None:
        line._transport.write(_GARBAGE)
