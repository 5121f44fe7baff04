"""The nodes that we speak as in SGIP, and the ids in which they number what they say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from qingjing.doors.gateway.moments import beijing
from qingjing.wire.protocol import Protocol as WireProtocol
from qingjing.wire.sgip import NodeNumbers

TURNS: Final = 64
"""Processes that follow each other number apart: a start takes every 64th number, another than
the 63 starts before it. A process needs about a second to start, so it would take a minute of
starts in a row before two of them shared a number's second and its count."""


class Nodes:
    """One count of numbers for each node, whatever connections it speaks over.

    :param clock: the sessions' clock, in seconds.
    :param when: epoch milliseconds.
    :param start: which start of this gateway it is, from the record: each has its own numbers.
    """

    def __init__(self, clock: Callable[[], float], when: Callable[[], int], start: int) -> None:
        self._zero = beijing(when()) - timedelta(seconds=clock())
        self._first = start % TURNS
        self._numbers: dict[int, NodeNumbers] = {}

    def numbers(self, node: int) -> NodeNumbers:
        """The numbers of a node: those that it had before, if it is known."""
        found = self._numbers.get(node)
        if found is None:
            found = NodeNumbers(node, self._zero, first=self._first, step=TURNS)
            self._numbers[node] = found
        return found


def origins(wire: WireProtocol, original: bytes) -> tuple[bytes, ...]:
    """The numbers of the frames that a message was submitted in, one a part.

    Bytes of another protocol (the account spoke it before) give numbers that mean nothing, and
    erased ones none.
    """
    start, end = wire.header.sequence_span
    found: list[bytes] = []
    at = 0
    while at + wire.header.size <= len(original):
        found.append(original[at + start : at + end])
        at += max(int.from_bytes(original[at : at + 4], "big"), wire.header.size)
    return tuple(found)
