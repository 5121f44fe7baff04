"""The customers' side: who may log in, what they submit, what they are told."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

import structlog

from qingjing.desk.outbox import Told
from qingjing.doors.gateway.dialect import (
    Caller,
    Dialect,
    News,
    Notice,
    Offer,
    Reply,
    Source,
    Trouble,
)
from qingjing.doors.gateway.line import Line
from qingjing.doors.gateway.translate import named
from qingjing.settings import Account, Limits
from qingjing.wire.errors import LocalProtocolError, RemoteProtocolError
from qingjing.wire.events import (
    Answered,
    BadAnswer,
    Closing,
    Event,
    TimedOut,
)
from qingjing.wire.protocol import PDU
from qingjing.wire.session import Session

_log = structlog.get_logger("qingjing.customers")

TRIES_MAX = 3
"""How often a report is offered to a customer that does not answer (CMPP's N)."""

WROTE_MAX = 200_000
"""Persons and ports of which it is remembered who wrote last, about 200 bytes each: a reply
comes within minutes. They are not kept over a restart."""

PAUSE_S = 1.0
"""How long an account rests that cannot take a report now."""


class Login(NamedTuple):
    """An account with its secret, as the door needs it."""

    caller: Caller
    secret: bytes
    account: Account
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    one_way: bool = False
    """What it opens carries its submits alone; we dial it with what it is to be told."""
    dialect: Dialect | None = None
    """With its own habits; None where all speak alike."""


class Taker(Protocol):
    """Takes the notices of an account that has no connection of its own, as the API does."""

    @property
    def room(self) -> int:
        """How many it takes now."""
        ...

    def deliver(self, notice: Notice) -> None:
        """Take one; ``Customers.taken`` is told once it is safe."""
        ...


class Mailbox:
    """What one account is to be told, in order; kept while it is away, up to a bound."""

    def __init__(self, most: int) -> None:
        self.waiting: deque[Notice] = deque()
        self.lines: list[Line] = []
        self.taker: Taker | None = None
        self.rest_until = 0.0
        self.most = most
        self._filled = asyncio.Event()

    def put(self, notice: Notice) -> Notice | None:
        """Add one; the oldest is given up when there are too many, and returned."""
        self.waiting.append(notice)
        self._filled.set()
        return self.waiting.popleft() if len(self.waiting) > self.most else None

    async def filled(self) -> None:
        """Wait until there is something to tell."""
        while not self.waiting:
            self._filled.clear()
            await self._filled.wait()


class Customers:
    """All customer connections."""

    def __init__(
        self,
        logins: Mapping[str, Login],
        limits: Limits,
        clock: Callable[[], float],
        offered: Callable[[Source, Any, Caller, Offer], None],
        told: Callable[[int], None],
    ) -> None:
        self._logins, self._limits, self._clock = logins, limits, clock
        self._offered, self._told = offered, told
        self.lines: set[Line] = set()
        self._boxes = {name: Mailbox(limits.untold_max) for name in logins}
        self._left: dict[int, int] = {}
        self._wrote: dict[tuple[str, str], str] = {}

    def reload(self, logins: Mapping[str, Login], limits: Limits) -> list[str]:
        """Other accounts and limits from now on; accounts that changed or are gone must log in
        anew. What waits for one is kept for it. The names of the changed."""
        self._limits = limits
        for box in self._boxes.values():
            box.most = limits.untold_max
        old = self._logins
        changed = [name for name in old if not _same(old[name], logins.get(name))]
        new = [name for name in logins if name not in old]
        self._logins = logins
        for name in new:
            self._boxes.setdefault(name, Mailbox(self._limits.untold_max))
        for name in changed:
            for line in list(self._boxes[name].lines):
                line.close()
        return changed + new

    def hold(self, account: str, held: bool) -> None:
        """Stop or go on reading from an account, when more came than can be decided."""
        box = self._boxes.get(account)
        for line in box.lines if box else ():
            line.hold(held)

    def tick(self) -> None:
        """Let time pass on every connection."""
        for line in list(self.lines):
            line.tick()

    def line(self, dialect: Dialect) -> Line:
        """A new connection's protocol, for ``loop.create_server``."""
        session = Session(dialect.wire, window=16, limits=dialect.limits, now=self._clock())
        return Line(dialect, session, self.events, self._opened, self.lost, self._clock)

    def _opened(self, line: Line) -> bool:
        if len(self.lines) >= self._limits.connections_max:
            _log.warning("too many connections", limit=self._limits.connections_max)
            return False
        self.lines.add(line)
        return True

    async def mail(self, account: str) -> None:
        """Wait until there is something to tell an account that we dial."""
        await self._boxes[account].filled()

    def join(self, line: Line, account: str) -> None:
        """A connection on which an account takes what it is told."""
        line.account = account
        self._boxes[account].lines.append(line)

    def lost(self, line: Line) -> None:
        """A connection is gone: what was not answered on it is told again."""
        self.lines.discard(line)
        box = self._boxes.get(line.account)
        if box is not None and line in box.lines:
            box.lines.remove(line)
        for token in line.session.abandon():
            self._again(line.account, token)

    def events(self, line: Line, events: list[Event]) -> None:
        """What happened on a connection, whoever opened it."""
        for event in events:
            if isinstance(event, Answered):
                if event.late or not isinstance(event.token, Notice):
                    continue
                if line.dialect.taken(event.pdu):
                    self.taken(event.token)
                else:
                    self._later(line.account, event.token)
            elif isinstance(event, TimedOut | BadAnswer):
                self._again(line.account, event.token)
            elif isinstance(event, Closing):
                _log.info("closing", account=line.account, reason=event.reason.value)
                for token in event.unanswered:
                    self._again(line.account, token)
                line.close()
            elif isinstance(event, News):
                _log.info("event", account=line.account, what=type(event).__name__)
            else:
                self._asked(line, event)
        self.pump(line.account)

    def _asked(self, line: Line, pdu: PDU) -> None:
        """A request: an offer, a login, or something that we decline."""
        if not line.account:
            account = line.dialect.account(pdu)
            if account is not None:
                self._login(line, account, pdu)
            return
        try:
            offer = line.dialect.offer(pdu, line.original(pdu))
        except RemoteProtocolError as error:
            _log.info("unreadable content", account=line.account, error=str(error))
            line.answer(pdu, (0,), (Trouble.UNREADABLE,), 0)
            return
        if offer is not None:
            self._offered(line, pdu, self._logins[line.account].caller, offer)
            return
        answer = line.dialect.decline(pdu)
        if answer is not None:
            line.session.respond(answer)

    def _login(self, line: Line, account: str, pdu: PDU) -> None:
        login = self._logins.get(account)
        fits = login is not None and login.account.protocol == line.dialect.name
        secret = login.secret if login and fits and self._may_connect(line, login) else None
        answer, welcome = line.dialect.welcome(pdu, secret)
        if not welcome or login is None:
            _log.warning("login refused", account=account)
            line.session.reject(answer)
            line.close()
            return
        line.dialect = login.dialect or line.dialect
        line.carries = not login.one_way and line.dialect.down not in line.dialect.wire.barred(
            pdu
        )
        line.session.accept(answer, window=login.account.window)
        self.join(line, account)
        _log.info("login", account=account, version=hex(line.session.version))

    def _may_connect(self, line: Line, login: Login) -> bool:
        """From an allowed address, and not on more connections than agreed."""
        address = ipaddress.ip_address(line.peer.split("%")[0])
        box = self._boxes[login.caller.account]
        theirs = sum(known in self.lines for known in box.lines)
        return theirs < login.account.connections_max and any(
            address in network for network in login.networks
        )

    def wrote(self, account: str, phone: str, port: str) -> None:
        """An account's message leaves to a person from a port; the oldest are forgotten."""
        self._wrote.pop((phone, port), None)
        self._wrote[phone, port] = account
        if len(self._wrote) > WROTE_MAX:
            del self._wrote[next(iter(self._wrote))]

    def account_of(self, chain: tuple[str, ...], phone: str, port: str) -> str | None:
        """The account that hears a person's reply to a port, of the first party of the port's
        chain that has any: the one that last wrote to that person from there, else one whose
        own port it is, else the first."""
        last = self._wrote.get((phone, port))
        for party in chain:
            theirs = [name for name, x in self._logins.items() if x.caller.party == party]
            if theirs:
                own = [name for name in theirs if self._logins[name].caller.port == port]
                return last if last in theirs else (own or theirs)[0]
        return None

    # What customers are told

    def attach(self, account: str, taker: Taker | None) -> None:
        """From now on an account's notices go to this taker; None: to its connections."""
        self._boxes[account].taker = taker

    def tell(self, told: Told) -> None:
        """Queue the reports of a message's parts."""
        flight = told.flight
        self._left[flight.message] = len(flight.references)
        for reference, origin in named(flight.references, flight.origins):
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
                    origin=origin,
                ),
            )

    def refused(
        self,
        account: str,
        ids: Iterable[tuple[int, bytes]],
        to: str,
        port: str,
        at: int,
    ) -> None:
        """Report parts that were answered 0 and whose message did not pass after all."""
        for reference, origin in ids:
            notice = Notice(0, reference, to, port, "REJECTD", at, at, origin=origin)
            self._put(account, notice)

    def forward(self, account: str, reply: Reply) -> None:
        """Queue a person's reply."""
        self._put(account, Notice(0, 0, reply.phone, reply.port, words=reply.words))

    def _put(self, account: str, notice: Notice) -> None:
        box = self._boxes.get(account)
        given_up = notice if box is None else box.put(notice)
        if given_up is not None:
            _log.warning("report given up", account=account, reference=given_up.reference)
            self.taken(given_up)

    def _again(self, account: str, token: object) -> None:
        """A notice that was not answered is offered again, first of all, a few times."""
        if not isinstance(token, Notice):
            return
        token.tries += 1
        box = self._boxes.get(account)
        if box is None or token.tries >= TRIES_MAX:
            _log.warning("report not taken", account=account, reference=token.reference)
            self.taken(token)
        else:
            box.waiting.appendleft(token)

    def _later(self, account: str, notice: Notice) -> None:
        """A notice that the customer cannot take now: first of all, after a pause."""
        box = self._boxes[account]
        box.waiting.appendleft(notice)
        box.rest_until = self._clock() + PAUSE_S

    def taken(self, notice: Notice) -> None:
        """A notice is in its customer's hands, or given up."""
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
            if box.waiting and (box.lines or box.taker):
                self.pump(account)

    def pump(self, account: str) -> None:
        """Hand an account what waits for it, over all its connections in turn."""
        box = self._boxes.get(account)
        if box is None or not box.waiting:
            return
        if box.taker is not None:
            while box.waiting and box.taker.room:
                box.taker.deliver(box.waiting.popleft())
            return
        now = self._clock()
        if now < box.rest_until:
            return
        for line in box.lines:
            room = line.room
            while room and box.waiting:
                notice = box.waiting.popleft()
                try:
                    line.dialect.notify(line.session, notice, now)
                    room -= 1
                except LocalProtocolError as error:
                    self._unfit(account, notice, error)
            line.flush()

    def _unfit(self, account: str, notice: Notice, error: LocalProtocolError) -> None:
        """What the account's protocol has no room for cannot be told; the record has it."""
        reference = notice.reference
        _log.warning("report unfit", account=account, reference=reference, error=str(error))
        self.taken(notice)


def _same(old: Login, new: Login | None) -> bool:
    """Is it the same account with the same secret?"""
    return new is not None and (old.account, old.secret) == (new.account, new.secret)
