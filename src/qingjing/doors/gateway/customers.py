"""The customers' side: who may log in, what they submit, what they are told."""

from __future__ import annotations

import ipaddress
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
import structlog

from qingjing.desk.outbox import Told
from qingjing.doors.gateway.line import Line
from qingjing.doors.gateway.translate import Caller, report_time
from qingjing.kernel.words import Phone
from qingjing.settings import Account, Limits
from qingjing.wire import cmpp, cmpp_tables
from qingjing.wire.events import Answered, BadAnswer, Closing, Event, TimedOut
from qingjing.wire.session import Session

_log = structlog.get_logger("qingjing.customers")

TRIES_MAX = 3
"""How often a report is offered to a customer that does not answer (CMPP's N)."""


class Login(NamedTuple):
    """An account with its secret, as the door needs it."""

    caller: Caller
    secret: bytes
    account: Account
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


class Notice(msgspec.Struct, gc=False):
    """One DELIVER for a customer: a report of one part, or a person's reply."""

    message: int
    reference: int
    phone: str
    port: str
    stat: str = ""
    submitted_at: int = 0
    done_at: int = 0
    reply: cmpp_tables.Deliver | None = None
    tries: int = 0


class Mailbox:
    """What one account is to be told, in order; kept while it is away, up to a bound."""

    def __init__(self, most: int) -> None:
        self.waiting: deque[Notice] = deque()
        self.lines: list[Line] = []
        self._most = most

    def put(self, notice: Notice) -> Notice | None:
        """Add one; the oldest is given up when there are too many, and returned."""
        self.waiting.append(notice)
        return self.waiting.popleft() if len(self.waiting) > self._most else None


class Customers:
    """All customer connections."""

    def __init__(
        self,
        logins: Mapping[str, Login],
        limits: Limits,
        clock: Callable[[], float],
        submitted: Callable[[Line, Caller, cmpp_tables.Submit], None],
        told: Callable[[int], None],
    ) -> None:
        self._logins, self._limits, self._clock = logins, limits, clock
        self._submitted, self._told = submitted, told
        self.lines: set[Line] = set()
        self._boxes = {name: Mailbox(limits.untold_max) for name in logins}
        self._left: dict[int, int] = {}

    def tick(self) -> None:
        """Let time pass on every connection."""
        for line in list(self.lines):
            line.tick()

    def line(self) -> Line:
        """A new connection's protocol, for ``loop.create_server``."""
        session = Session(cmpp.PROTOCOL, window=16, now=self._clock())
        return Line(session, self._events, self._opened, self._lost, self._clock)

    def _opened(self, line: Line) -> bool:
        if len(self.lines) >= self._limits.connections_max:
            _log.warning("too many connections", limit=self._limits.connections_max)
            return False
        self.lines.add(line)
        return True

    def _lost(self, line: Line) -> None:
        self.lines.discard(line)
        box = self._boxes.get(line.account)
        if box is not None and line in box.lines:
            box.lines.remove(line)
        for token in line.session.abandon():
            self._again(line.account, token)

    def _events(self, line: Line, events: list[Event]) -> None:
        caller = self._logins[line.account].caller if line.account else None
        for event in events:
            match event:
                case cmpp_tables.Submit():
                    if caller is not None:
                        self._submitted(line, caller, event)
                case Answered(token=Notice() as notice, late=False):
                    self._taken(notice)
                case TimedOut(token=token) | BadAnswer(token=token):
                    self._again(line.account, token)
                case cmpp_tables.Connect():
                    self._login(line, event)
                    caller = self._logins[line.account].caller if line.account else None
                case cmpp_tables.Query():
                    line.session.respond(cmpp_tables.QueryResp(*event[:4]))
                case cmpp_tables.Cancel():
                    # Nothing can be called back once it was acknowledged: say so.
                    line.session.respond(cmpp_tables.CancelResp(event.Sequence_Id, 1))
                case cmpp_tables.Deliver():
                    line.session.respond(
                        cmpp_tables.DeliverResp(
                            event.Sequence_Id, event.Msg_Id, cmpp.Result.COMMAND
                        )
                    )
                case Closing():
                    _log.info("closing", account=line.account, reason=event.reason.value)
                    for token in event.unanswered:
                        self._again(line.account, token)
                    line.close()
                case _:
                    _log.info("event", account=line.account, event=type(event).__name__)
        self.pump(line.account)

    def _login(self, line: Line, connect: cmpp_tables.Connect) -> None:
        login = self._logins.get(connect.Source_Addr)
        status = cmpp.Status.SOURCE_ADDRESS
        if login is not None and self._may_connect(line, login):
            status = cmpp.login_status(connect, login.secret)
        if status != cmpp.Status.OK or login is None:
            _log.warning("login refused", account=connect.Source_Addr, status=int(status))
            line.session.reject(cmpp.connect_answer(connect, status))
            line.close()
            return
        line.account = connect.Source_Addr
        answer = cmpp.connect_answer(connect, 0, login.secret)
        line.session.accept(answer, window=login.account.window)
        self._boxes[line.account].lines.append(line)
        _log.info("login", account=line.account, version=hex(connect.Version))

    def _may_connect(self, line: Line, login: Login) -> bool:
        """From an allowed address, and not on more connections than agreed."""
        address = ipaddress.ip_address(line.peer.split("%")[0])
        box = self._boxes[login.caller.account]
        return len(box.lines) < login.account.connections_max and any(
            address in network for network in login.networks
        )

    def account_of(self, chain: tuple[str, ...]) -> str | None:
        """The account that hears replies for a chain: its first party that has one."""
        parties = {login.caller.party: name for name, login in self._logins.items()}
        return next((parties[party] for party in chain if party in parties), None)

    # What customers are told

    def tell(self, told: Told) -> None:
        """Queue the reports of a message's parts."""
        flight = told.flight
        self._left[flight.message] = len(flight.references)
        for reference in flight.references:
            self._put(
                flight.account,
                Notice(
                    message=flight.message,
                    reference=reference,
                    phone=flight.phone.digits,
                    port=flight.lane.port,
                    stat=told.stat.decode("ascii", "replace"),
                    submitted_at=flight.submitted_at,
                    done_at=told.at,
                ),
            )

    def refused(
        self, account: str, references: tuple[int, ...], phone: Phone | None, port: str, at: int
    ) -> None:
        """Report parts that were answered 0 and whose message did not pass after all."""
        digits = phone.digits if phone is not None else ""
        for reference in references:
            self._put(account, Notice(0, reference, digits, port, "REJECTD", at, at))

    def forward(self, account: str, reply: cmpp_tables.Deliver) -> None:
        """Queue a person's reply."""
        self._put(account, Notice(0, reply.Msg_Id, "", reply.Dest_Id, reply=reply))

    def _put(self, account: str, notice: Notice) -> None:
        box = self._boxes.get(account)
        given_up = notice if box is None else box.put(notice)
        if given_up is not None:
            _log.warning("report given up", account=account, reference=given_up.reference)
            self._taken(given_up)

    def _again(self, account: str, token: object) -> None:
        """A notice that was not answered is offered again, first of all, a few times."""
        if not isinstance(token, Notice):
            return
        token.tries += 1
        box = self._boxes.get(account)
        if box is None or token.tries >= TRIES_MAX:
            _log.warning("report not taken", account=account, reference=token.reference)
            self._taken(token)
        else:
            box.waiting.appendleft(token)

    def _taken(self, notice: Notice) -> None:
        left = self._left.get(notice.message)
        if left is None:
            return
        if left > 1:
            self._left[notice.message] = left - 1
        else:
            del self._left[notice.message]
            self._told(notice.message)

    def pump_all(self) -> None:
        """Hand out what waits, to every account that can take it."""
        for account, box in self._boxes.items():
            if box.waiting and box.lines:
                self.pump(account)

    def pump(self, account: str) -> None:
        """Hand an account what waits for it, over all its connections in turn."""
        box = self._boxes.get(account)
        if box is None or not box.waiting:
            return
        now = self._clock()
        for line in box.lines:
            room = line.session.room if line.writable else 0
            while room and box.waiting:
                notice = box.waiting.popleft()
                line.session.request(_deliver(notice, line.session.version), notice, now)
                room -= 1
            line.flush()


def _deliver(notice: Notice, version: int) -> cmpp_tables.Deliver:
    """The DELIVER of a notice in the connection's version."""
    if notice.reply is not None:
        return notice.reply
    report = cmpp_tables.Report(
        Msg_Id=notice.reference,
        Stat=notice.stat,
        Submit_time=report_time(notice.submitted_at),
        Done_time=report_time(notice.done_at),
        Dest_terminal_Id=notice.phone,
    )
    table = cmpp_tables.REPORT_30 if version == cmpp_tables.V30 else cmpp_tables.REPORT_20
    return cmpp_tables.Deliver(
        Msg_Id=notice.reference,
        Dest_Id=notice.port,
        Src_terminal_Id=notice.phone,
        Registered_Delivery=1,
        Msg_Content=table.encode(report),
    )
