"""The carriers' side: connections that come back by themselves, and what goes over them.

What was handed to a connection and not answered is UNKNOWN when the connection breaks: it is
never sent a second time. What the carrier itself asked to slow down (8) it has not taken, so
that part is sent again after a pause; it waits aside until the engine has looked at it once
more, for its person may have refused in the meantime.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec
import structlog

from qingjing.desk.outbox import Flight
from qingjing.doors.gateway.dialect import Cut, News, Piece, Reply, Report
from qingjing.doors.gateway.line import Line
from qingjing.doors.gateway.links import Link, Way, alike, links_of, patience
from qingjing.doors.gateway.translate import piece
from qingjing.doors.gateway.trunks import Room, Trunk, Trunks
from qingjing.wire.errors import LocalProtocolError, RemoteProtocolError
from qingjing.wire.events import Answered, BadAnswer, Closing, Event, Reason, TimedOut
from qingjing.wire.protocol import PDU
from qingjing.wire.session import Session
from qingjing.wire.states import State

_log = structlog.get_logger("qingjing.carriers")

UNFIT = 1
"""The result of what is refused here: every protocol's own for "structure", or near it."""
PAUSE_S = 0.2
"""How long a route rests after "slow down"."""


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
        self._ways = dict(ways)
        self._links = [link for way in ways.values() for link in links_of(way)]
        self.trunks = Trunks(self._links)
        self._retired: list[Link] = []
        self._turns = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    def reload(self, ways: Mapping[str, Way], spoken: Mapping[str, str]) -> list[str]:
        """Other routes from now on, in a gateway that runs. Those that changed or are gone take
        nothing new, and end when nothing is owed on them. The names of the changed.

        :raises SettingsError: before anything has changed.
        """
        names = self._ways.keys() | ways
        changed = {x for x in names if not alike(self._ways.get(x), ways.get(x))}
        kept = [link for link in self._links if link.way.name not in changed]
        gone = [link for link in self._links if link.way.name in changed]
        new = [link for name in ways if name in changed for link in links_of(ways[name])]
        trunks = Trunks([*kept, *new])
        back = [parcel for trunk in self.trunks.all for parcel in trunk.back]
        self._links, self.trunks = [*kept, *new], trunks
        for parcel in back:
            self._trunk(parcel).back.append(parcel)
        self._ways, self._spoken = dict(ways), spoken
        for link in gone:
            link.retired = self._clock()
        self._retired += gone
        self._tasks += [asyncio.create_task(self._keep(link)) for link in new]
        return sorted(changed)

    def _trunk(self, parcel: Parcel) -> Trunk:
        lane = parcel.flight.lane
        return self.trunks.of(lane.carrier, lane.port)

    def start(self) -> None:
        """Begin to connect."""
        self._tasks += [asyncio.create_task(self._keep(link)) for link in self._links]

    async def stop(self) -> None:
        """Close all connections."""
        self._stopping = True
        for link in (*self._links, *self._retired):
            if link.line is not None:
                link.line.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def room(self, waiting: Callable[[Trunk], int]) -> Room:
        """What can be handed out now to the trunks that something waits for. Connections that
        had nothing to say are opened for it. Each turn another trunk is first: those that share
        connections wait for each other."""
        wanted = [x for x in self.trunks.all if x.links and (x.back or waiting(x))]
        if wanted:
            self._turns = (self._turns + 1) % len(wanted)
        for trunk in wanted:
            for link in trunk.links:
                link.wanted.set()
        now = self._clock()
        turned = wanted[self._turns :] + wanted[: self._turns]
        return Room(turned, lambda link: link.room(now))

    @property
    def connected(self) -> int:
        """How many connections are logged in."""
        lines = [link.line for link in self._links]
        return sum(line is not None and line.session.state is State.BOUND for line in lines)

    @property
    def outstanding(self) -> int:
        """Parts that are released and wait aside."""
        return sum(len(trunk.back) for trunk in self.trunks.all)

    def take_back(self, trunk: Trunk, room: int) -> list[Parcel]:
        """Parts that waited aside and now have room; ``send`` them, or stop them."""
        return [trunk.back.popleft() for _ in range(min(room, len(trunk.back)))]

    def send(self, parcels: Iterable[Parcel], trunk: Trunk) -> None:
        """Hand parts out at once over the connections in turn; what finds no room after all
        (a connection was lost meanwhile) waits aside and is looked at again."""
        ready, now = deque(parcels), self._clock()
        for link in trunk.links:
            line, room = link.line, link.room(now)
            if line is None:
                continue
            while room and ready:
                parcel = ready.popleft()
                one = _piece(parcel, trunk.cut, self._extra(link, parcel))
                try:
                    line.dialect.send(line.session, link.way.route, one, parcel, now)
                    room -= 1
                except LocalProtocolError as error:
                    self._unfit(link, parcel, error)
            line.flush()
        for parcel in reversed(ready):  # there may be other routes since it was taken
            self._trunk(parcel).back.appendleft(parcel)

    def _unfit(self, link: Link, parcel: Parcel, error: LocalProtocolError) -> None:
        """Nothing of the part was written, for the protocol has no room for something in it, as
        for a port that is too long: it is refused here as the carrier would."""
        _log.warning("part unfit", route=link.way.name, error=str(error))
        number, message = link.way.route.number, parcel.flight.message
        self._answered(Answer(message, parcel.part, number, UNFIT, b""))

    def _extra(self, link: Link, parcel: Parcel) -> bytes:
        """What of the customer's own goes on, where it and the carrier speak the same."""
        flight = parcel.flight
        if flight.origins and self._spoken.get(flight.account) == link.dialect.name:
            return flight.origins[0]
        return b""

    def tick(self) -> None:
        """Let time pass on every connection; end those that are done."""
        for link in (*self._links, *self._retired):
            if link.line is not None:
                link.line.tick()
        now = self._clock()
        for link in self._retired:
            if link.done(now) and link.line is not None:
                link.line.close()
        self._retired = [link for link in self._retired if link.line is not None]

    # Connecting

    async def _keep(self, link: Link) -> None:
        """Connect, and connect again when it is lost, ever more patiently."""
        tries = 0
        while not self._stopping and link.retired is None:
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

    async def _connect(self, link: Link) -> None:
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

    def _events(self, link: Link, line: Line, events: list[Event]) -> None:
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

    def _told(self, link: Link, line: Line, pdu: PDU) -> None:
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

    def _settle(self, link: Link, parcel: Parcel, pdu: PDU) -> None:
        outcome = link.dialect.outcome(pdu)
        if outcome.slow_down:
            self._trunk(parcel).back.append(parcel)
            rest = self._clock() + PAUSE_S
            for other in self._links:  # it is the route that is told, not the one connection
                if other.way.name == link.way.name:
                    other.rest_until = rest
            return
        number = link.way.route.number
        self._answered(
            Answer(parcel.flight.message, parcel.part, number, outcome.result, outcome.upstream)
        )

    def _silent(self, link: Link, token: object) -> None:
        if isinstance(token, Parcel):
            number = link.way.route.number
            self._answered(Answer(token.flight.message, token.part, number, -1, b""))


def _piece(parcel: Parcel, cut: Cut, extra: bytes) -> Piece:
    """A parcel as the dialects send it. Message ids count up: their last byte differs between
    neighbours to one number."""
    flight = parcel.flight
    where, number = flight.lane.port, parcel.part
    return piece(flight.phone, where, flight.body, number, flight.message, cut, extra)
