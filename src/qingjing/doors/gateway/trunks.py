"""Which connections carry which messages: by the number's carrier, then by the port.

A route may name the ports that it carries, by how they begin. Of a carrier's routes those that
say most of a message's port carry it, and no others, for a port is filed at the carrier for the
lines that it comes over; routes that name none carry what nobody names.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from qingjing.doors.gateway.links import Link, cut_of
from qingjing.doors.gateway.translate import part_count
from qingjing.kernel.words import Carrier

if TYPE_CHECKING:
    from qingjing.doors.gateway.carriers import Parcel


class Trunk:
    """The connections of all routes that carry the same ports, the cheapest first.

    :raises SettingsError: when they cut texts differently.
    """

    def __init__(self, carrier: Carrier, links: Sequence[Link]) -> None:
        self.links = sorted(links, key=lambda link: link.way.route.cost)
        self.back: deque[Parcel] = deque()
        """Released parts that wait aside."""
        self.cut = cut_of(carrier, self.links)
        self.count: Callable[[str], int] = partial(part_count, cut=self.cut)
        """Into how many parts a text is cut."""


class Trunks:
    """All of them; ``nowhere`` has no connection, for what no route carries."""

    def __init__(self, links: Iterable[Link]) -> None:
        found: dict[tuple[Carrier, str], list[Link]] = {}
        for link in links:
            carrier = Carrier[link.way.route.carrier.upper()]
            for beginning in link.way.route.ports or ("",):
                found.setdefault((carrier, beginning), []).append(link)
        self._found = {key: Trunk(key[0], theirs) for key, theirs in found.items()}
        self.nowhere = Trunk(Carrier.ANY, ())
        self._known: dict[tuple[Carrier, str], Trunk] = {}

    @property
    def all(self) -> list[Trunk]:
        """Every trunk that a message may wait for."""
        return [*self._found.values(), self.nowhere]

    def of(self, carrier: Carrier, port: str) -> Trunk:
        """The trunk of messages to a carrier from a port: that of its longest beginning."""
        trunk = self._known.get((carrier, port))
        if trunk is None:
            keys = ((carrier, port[:size]) for size in range(len(port), -1, -1))
            trunk = next((self._found[x] for x in keys if x in self._found), self.nowhere)
            self._known[carrier, port] = trunk
        return trunk


class Room:
    """How many parts each trunk can take in one turn. Trunks may share connections: what one
    is given, the others lack."""

    def __init__(self, trunks: Sequence[Trunk], free: Callable[[Link], int]) -> None:
        self.trunks = trunks
        self._left = {link: free(link) for trunk in trunks for link in trunk.links}

    def __bool__(self) -> bool:
        """Whether anything can be taken."""
        return any(self._left.values())

    def of(self, trunk: Trunk) -> int:
        """What is left of a trunk's room."""
        return sum(self._left[link] for link in trunk.links)

    def spend(self, trunk: Trunk, parts: int) -> None:
        """Parts that a trunk was given, in the order in which its connections take them."""
        for link in trunk.links:
            used = min(parts, self._left[link])
            self._left[link] -= used
            parts -= used
