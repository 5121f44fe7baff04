"""Routes as connections: what is known of each, and what all routes of a carrier share."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from qingjing.doors.gateway.dialect import Cut, Dialect
from qingjing.doors.gateway.line import Line
from qingjing.kernel.words import Carrier
from qingjing.settings import Route, SettingsError
from qingjing.wire.events import Reason

RETIRE_S_MAX = 60.0
"""How long a connection of a route that is gone waits for answers: as long as they may take."""
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


class Link:
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
        self.retired: float | None = None
        self.rest_until = 0.0
        self.on_demand = way.dialect.wire.heartbeat is None and not way.route.sgip.duplex

    def begin(self) -> None:
        """Before a dial: nothing is known of its end."""
        self.lost.clear()
        self.reason = None

    def room(self, now: float) -> int:
        """How many parts it can take now."""
        if self.line is None or self.retired is not None or now < self.rest_until:
            return 0
        return self.line.room

    def done(self, now: float) -> bool:
        """Retired, and nothing is owed on it any more, or for too long."""
        if self.retired is None:
            return False
        idle = self.line is None or self.line.session.idle
        return idle or now > self.retired + RETIRE_S_MAX


def sides_of(route: Route) -> tuple[Route, ...]:
    """What each connection of a route carries, where one that does both is two."""
    if route.mode != "pairs":
        return (route,)
    return tuple(msgspec.structs.replace(route, mode=mode) for mode in ("sends", "receives"))


def links_of(way: Way) -> list[Link]:
    """The connections of a route."""
    sides, count = sides_of(way.route), way.route.connections
    return [Link(way._replace(route=route)) for route in sides for _ in range(count)]


def alike(old: Way | None, new: Way | None) -> bool:
    """Is it the same route with the same secret?"""
    return old is not None and new is not None and old[:3] == new[:3]


def cut_of(carrier: Carrier, links: Sequence[Link]) -> Cut:
    """How texts are cut: alike on all routes that carry the same ports, for a message is cut
    before it is known which of them takes it. SettingsError when they differ."""
    cuts = {link.way.name: link.dialect.cut for link in links}
    if len(set(cuts.values())) > 1:
        raise SettingsError(
            f"routes {', '.join(cuts)} to {carrier.name.lower()} cut texts differently: mend "
            "smpp.alphabet, smpp.ascii_max or smpp.long (other protocols: ascii, 140, udh)"
        )
    return links[0].dialect.cut if links else Cut()
