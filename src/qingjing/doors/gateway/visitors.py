"""Carriers that dial us: in SGIP reports and replies come over connections of their own.

Which route they are of is told by the name and secret of the login, by the address, and for a
report, where routes share a name, by the node in the id of our message.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import structlog

from qingjing.doors.gateway.carriers import Arrival
from qingjing.doors.gateway.dialect import News, Reply, Report
from qingjing.doors.gateway.dialects.sgip import Sgip
from qingjing.doors.gateway.line import Line
from qingjing.wire.events import Closing, Event
from qingjing.wire.protocol import PDU
from qingjing.wire.session import Session
from qingjing.wire.sgip import LoginType

_log = structlog.get_logger("qingjing.visitors")

LINES_MAX: Final = 64
"""Open connections of all carriers: some open one for each of their machines, and a few more
for what was left behind. Each costs about 100 KB."""


class Visit(NamedTuple):
    """A route as its carrier logs in for it."""

    route: str
    number: int
    node: int
    account: str
    secret: bytes
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


class Visitors:
    """All connections that carriers opened."""

    def __init__(
        self,
        visits: Sequence[Visit],
        clock: Callable[[], float],
        arrived: Callable[[Arrival], None],
    ) -> None:
        self._visits, self._clock, self._arrived = visits, clock, arrived
        self._dialect = Sgip(LoginType.SMG)
        self._lines: dict[Line, list[Visit]] = {}

    def reload(self, visits: Sequence[Visit]) -> list[str]:
        """Other routes from now on; whoever came for one that changed or is gone must log in
        anew. Those routes."""
        changed = [visit.route for visit in self._visits if visit not in visits]
        self._visits = visits
        for line, came_for in list(self._lines.items()):
            if any(visit.route in changed for visit in came_for):
                line.close()
        return changed

    def __len__(self) -> int:
        """How many connections are open."""
        return len(self._lines)

    def line(self) -> Line:
        """A new connection's protocol, for ``loop.create_server``."""
        dialect = self._dialect
        session = Session(dialect.wire, window=1, limits=dialect.limits, now=self._clock())
        return Line(dialect, session, self._events, self._opened, self._lost, self._clock)

    def tick(self) -> None:
        """Let time pass on every connection."""
        for line in list(self._lines):
            line.tick()

    def stop(self) -> None:
        """Close all connections."""
        for line in list(self._lines):
            line.close()

    def _opened(self, line: Line) -> bool:
        if len(self._lines) >= LINES_MAX:
            _log.warning("too many connections", limit=LINES_MAX)
            return False
        self._lines[line] = []
        return True

    def _lost(self, line: Line) -> None:
        self._lines.pop(line, None)
        line.session.abandon()

    def _events(self, line: Line, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Closing):
                _log.info("closing", route=line.account, reason=event.reason.value)
                line.close()
            elif isinstance(event, News):
                _log.info("event", route=line.account, what=type(event).__name__)
            elif line.account:
                self._told(line, event)
            else:
                self._login(line, event)

    def _login(self, line: Line, pdu: PDU) -> None:
        """Let in whoever fits a route; all routes that it fits are its."""
        address = ipaddress.ip_address(line.peer.split("%")[0])
        account = self._dialect.account(pdu)
        answer, _ = self._dialect.welcome(pdu, None)
        for visit in self._visits:
            if visit.account != account or not any(address in x for x in visit.networks):
                continue
            answer, welcome = self._dialect.welcome(pdu, visit.secret)
            if welcome:
                self._lines[line].append(visit)
        fitting = self._lines[line]
        if not fitting:
            _log.warning("login refused", address=str(address))
            line.session.reject(answer)
            line.close()
            return
        line.account = fitting[0].route
        line.session.accept(self._dialect.welcome(pdu, fitting[0].secret)[0])
        _log.info("login", route=line.account)

    def _told(self, line: Line, pdu: PDU) -> None:
        """News for the engine, or nothing that we serve."""
        news = line.dialect.news(pdu)
        if news is None:
            line.thank(pdu)
        else:
            self._arrived(Arrival(line, self._number(line, news), pdu, news))

    def _number(self, line: Line, news: Report | Reply) -> int:
        """The route that news are of."""
        first, *others = self._lines[line]
        if isinstance(news, Report):
            node = int.from_bytes(news.upstream[:4], "big")
            return next((x.number for x in others if x.node == node), first.number)
        return first.number
