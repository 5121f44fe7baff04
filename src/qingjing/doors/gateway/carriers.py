"""The carriers' side: connections that come back by themselves, and what goes over them.

What was handed to a connection and not answered is UNKNOWN when the connection breaks: it is
never sent a second time. What the carrier itself asked to slow down (8) it has not taken, so
that part is sent again after a pause; it waits aside until the engine has looked at it once
more, for its person may have refused in the meantime.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import NamedTuple

import msgspec
import structlog

from qingjing.desk.outbox import Flight
from qingjing.doors.gateway.dialect import Cut, Dialect, News, Piece, Reply, Report
from qingjing.doors.gateway.line import Line
from qingjing.doors.gateway.translate import part_count, piece
from qingjing.kernel.words import Carrier
from qingjing.settings import Route, SettingsError
from qingjing.wire.errors import RemoteProtocolError
from qingjing.wire.events import Answered, BadAnswer, Closing, Event, Reason, TimedOut
from qingjing.wire.protocol import PDU
from qingjing.wire.session import Session
from qingjing.wire.states import State

_log = structlog.get_logger("qingjing.carriers")

PAUSE_S = 0.2
"""How long a route rests after "slow down"."""
DELAY_S_MAX = 60.0
DELAY_REFUSED_S = 60.0
"""After a refused login: carriers lock accounts that try again and again."""


def patience(tries: int, chance: float, *, refused: bool) -> float:
    """Seconds to wait before a dial: longer with each failure, and by chance, so that not all
    come back at once.

    :param chance: a number from 0 to 1.
    """
    delay = min(DELAY_S_MAX, 0.5 * 2.0**tries)
    delay = max(delay, DELAY_REFUSED_S) if refused else delay
    return delay * (0.5 + chance / 2)


class Way(NamedTuple):
    """A route with its name, secret and dialect."""

    name: str
    route: Route
    secret: bytes
    tls: ssl.SSLContext | None
    dialect: Dialect


class Parcel(msgspec.Struct, frozen=True, gc=False):
    """One part of a released message, to be sent once."""

    flight: Flight
    part: int


def parcels(flights: Iterable[Flight]) -> list[Parcel]:
    """The parts of released messages, in order."""
    return [Parcel(flight, part) for flight in flights for part in sorted(flight.open_parts)]


class Answer(NamedTuple):
    """What became of a parcel: accepted under ``upstream``, refused with ``result``, or
    silence (``result`` -1)."""

    message: int
    part: int
    link: int
    result: int
    upstream: bytes


class Arrival(NamedTuple):
    """A carrier's news; its request waits for the answer until they are on record."""

    line: Line
    link: int
    pdu: PDU
    news: Report | Reply


class _Link:
    """One connection of a route."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.dialect = way.dialect
        self.line: Line | None = None
        self.lost = asyncio.Event()
        self.wanted = asyncio.Event()
        self.reason: Reason | None = None
        # Without heartbeats a connection ends when there is nothing to say, and that is all
        # right; but where reports come on it, it must be there.
        self.on_demand = way.dialect.wire.heartbeat is None and not way.route.sgip.duplex

    def begin(self) -> None:
        """Before a dial: nothing is known of its end."""
        self.lost.clear()
        self.reason = None

    @property
    def room(self) -> int:
        return 0 if self.line is None else self.line.room


class Carriers:
    """All carrier connections."""

    def __init__(
        self,
        ways: Mapping[str, Way],
        clock: Callable[[], float],
        when: Callable[[], int],
        chance: Callable[[], float],
        answered: Callable[[Answer], None],
        arrived: Callable[[Arrival], None],
        spoken: Mapping[str, str],
    ) -> None:
        """``spoken`` is each account's protocol."""
        self._spoken = spoken
        self._clock, self._when, self._chance = clock, when, chance
        self._answered, self._arrived = answered, arrived
        self._links: dict[Carrier, list[_Link]] = {}
        for way in ways.values():
            links = self._links.setdefault(Carrier[way.route.carrier.upper()], [])
            links += [
                _Link(way._replace(route=route))
                for route in _sides(way.route)
                for _ in range(way.route.connections)
            ]
        for links in self._links.values():
            links.sort(key=lambda link: link.way.route.cost)  # the dearer when those are full
        self._cuts = {carrier: _cut(carrier, links) for carrier, links in self._links.items()}
        self.counts = {c: partial(part_count, cut=cut) for c, cut in self._cuts.items()}
        """Into how many parts a text is cut, by carrier."""
        self._back: dict[Carrier, deque[Parcel]] = {c: deque() for c in self._links}
        self._rest_until: dict[Carrier, float] = dict.fromkeys(self._links, 0.0)
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    @property
    def carriers(self) -> tuple[Carrier, ...]:
        """The carriers that there is a route to."""
        return tuple(self._links)

    def start(self) -> None:
        """Begin to connect."""
        for links in self._links.values():
            self._tasks += [asyncio.create_task(self._keep(link)) for link in links]

    async def stop(self) -> None:
        """Close all connections."""
        self._stopping = True
        for links in self._links.values():
            for link in links:
                if link.line is not None:
                    link.line.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def room(self, carrier: Carrier) -> int:
        """How many parts can be handed out now. Asked for what waits: connections that had
        nothing to say are opened for it."""
        if self._clock() < self._rest_until[carrier]:
            return 0
        for link in self._links[carrier]:
            link.wanted.set()
        return sum(link.room for link in self._links[carrier])

    @property
    def connected(self) -> int:
        """How many connections are logged in."""
        lines = [link.line for links in self._links.values() for link in links]
        return sum(line is not None and line.session.state is State.BOUND for line in lines)

    @property
    def outstanding(self) -> int:
        """Parts that are released and wait aside."""
        return sum(len(back) for back in self._back.values())

    def waiting(self, carrier: Carrier) -> int:
        """Parts of a carrier that wait aside."""
        return len(self._back[carrier])

    def take_back(self, carrier: Carrier, room: int) -> list[Parcel]:
        """Parts that waited aside and now have room; ``send`` them, or stop them."""
        back = self._back[carrier]
        return [back.popleft() for _ in range(min(room, len(back)))]

    def send(self, parcels: Iterable[Parcel], carrier: Carrier) -> None:
        """Hand parts out at once over the connections in turn; what finds no room after all
        (a connection was lost meanwhile) waits aside and is looked at again."""
        ready, now = deque(parcels), self._clock()
        for link in self._links[carrier]:
            line, room = link.line, link.room
            if line is None:
                continue
            while room and ready:
                parcel = ready.popleft()
                one = _piece(parcel, self._cuts[carrier], self._extra(link, parcel))
                line.dialect.send(line.session, link.way.route, one, parcel, now)
                room -= 1
            line.flush()
        self._back[carrier].extendleft(reversed(ready))

    def _extra(self, link: _Link, parcel: Parcel) -> bytes:
        """What of the customer's own goes on, where it and the carrier speak the same."""
        flight = parcel.flight
        if flight.origins and self._spoken.get(flight.account) == link.dialect.name:
            return flight.origins[0]
        return b""

    def tick(self) -> None:
        """Let time pass on every connection."""
        for links in self._links.values():
            for link in links:
                if link.line is not None:
                    link.line.tick()

    # Connecting

    async def _keep(self, link: _Link) -> None:
        """Connect, and connect again when it is lost, ever more patiently."""
        tries = 0
        while not self._stopping:
            link.begin()
            try:
                await self._connect(link)
                await link.lost.wait()
                tries = 0
            except OSError as error:
                _log.info("no connection", route=link.way.name, error=str(error))
            if link.on_demand and link.reason is not Reason.REFUSED:
                link.wanted.clear()
                await link.wanted.wait()
            if link.reason is Reason.IDLE:
                continue
            refused = link.reason is Reason.REFUSED
            await asyncio.sleep(patience(tries, self._chance(), refused=refused))
            tries = min(tries + 1, 10)

    async def _connect(self, link: _Link) -> None:
        route = link.way.route

        def opened(line: Line) -> bool:
            greeting = link.dialect.greeting(route, link.way.secret, self._when())
            line.session.request(greeting, "login", self._clock())
            line.carries = link.dialect.up not in link.dialect.wire.barred(greeting)
            link.line = line
            return True

        def lost(line: Line) -> None:
            link.line = None
            for token in line.session.abandon():
                self._silent(link, token)
            link.lost.set()

        def line() -> Line:
            dialect = link.dialect
            session = Session(
                dialect.wire, window=route.window, limits=dialect.limits, now=self._clock()
            )
            return Line(dialect, session, events, opened, lost, self._clock)

        def events(line: Line, found: list[Event]) -> None:
            self._events(link, line, found)

        loop = asyncio.get_running_loop()
        await loop.create_connection(line, route.host, route.port, ssl=link.way.tls)

    def _events(self, link: _Link, line: Line, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Answered):
                if isinstance(event.token, Parcel):
                    self._settle(link, event.token, event.pdu)
                else:
                    _log.info("login", route=link.way.name)
            elif isinstance(event, TimedOut | BadAnswer):
                self._silent(link, event.token)
            elif isinstance(event, Closing):
                _log.info("closing", route=link.way.name, reason=event.reason.value)
                link.reason = event.reason
                for token in event.unanswered:
                    self._silent(link, token)
                line.close()
            elif isinstance(event, News):
                _log.info("event", route=link.way.name, what=type(event).__name__)
            else:
                self._told(link, line, event)

    def _told(self, link: _Link, line: Line, pdu: PDU) -> None:
        """A carrier's request: news for the engine, or nothing that we serve."""
        try:
            news = line.dialect.news(pdu)
        except RemoteProtocolError as error:
            _log.warning("unreadable report", route=link.way.name, error=str(error))
            news = None
        if news is None:
            line.thank(pdu)
        else:
            self._arrived(Arrival(line, link.way.route.number, pdu, news))

    def _settle(self, link: _Link, parcel: Parcel, pdu: PDU) -> None:
        outcome = link.dialect.outcome(pdu)
        if outcome.slow_down:
            carrier = Carrier[link.way.route.carrier.upper()]
            self._back[carrier].append(parcel)
            self._rest_until[carrier] = self._clock() + PAUSE_S
            return
        number = link.way.route.number
        self._answered(
            Answer(parcel.flight.message, parcel.part, number, outcome.result, outcome.upstream)
        )

    def _silent(self, link: _Link, token: object) -> None:
        if isinstance(token, Parcel):
            number = link.way.route.number
            self._answered(Answer(token.flight.message, token.part, number, -1, b""))


def _sides(route: Route) -> tuple[Route, ...]:
    """What each connection of a route carries, where one that does both is two."""
    if route.mode != "pairs":
        return (route,)
    return tuple(msgspec.structs.replace(route, mode=mode) for mode in ("sends", "receives"))


def _cut(carrier: Carrier, links: list[_Link]) -> Cut:
    """How texts are cut for a carrier: alike on all routes, for a message is cut before it is
    known which of them takes it. SettingsError when they differ."""
    cuts = {link.way.name: link.dialect.cut for link in links}
    if len(set(cuts.values())) > 1:
        raise SettingsError(
            f"routes {', '.join(cuts)} to {carrier.name.lower()} cut texts differently: mend "
            "smpp.alphabet, smpp.ascii_max or smpp.long (other protocols: ascii, 140, udh)"
        )
    return links[0].dialect.cut


def _piece(parcel: Parcel, cut: Cut, extra: bytes) -> Piece:
    """A parcel as the dialects send it. Message ids count up: their last byte differs between
    neighbours to one number."""
    flight = parcel.flight
    where, number = flight.lane.port, parcel.part
    return piece(flight.phone, where, flight.body, number, flight.message, cut, extra)
