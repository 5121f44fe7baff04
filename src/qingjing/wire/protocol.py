"""What a protocol hands to the session: its command ids, layouts and habits, as one value.

The session machine knows no protocol; a protocol is an instance of :class:`Protocol`. Nothing
in it refers to a connection, so one value serves all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from .errors import Hint, LocalProtocolError
from .layout import Header, Layout

__all__ = ["PDU", "Numbers", "Protocol", "Stray", "nothing_barred"]

PDU: TypeAlias = tuple[Any, ...]
"""A PDU: one of the protocol's NamedTuples."""

Numbers: TypeAlias = Callable[[float], Hashable]
"""Gives a sequence number that was not given before, at a time of the session's clock."""


class Stray(NamedTuple):
    """Bytes that some peers send after a frame and do not count in its length.

    The session skips exactly these bytes after exactly such a frame. They must not be able to
    begin a frame, which holds when their first byte as the top byte of a length exceeds the
    largest frame allowed.
    """

    command: int
    length: int
    octets: bytes


def nothing_barred(_login: object) -> frozenset[int]:
    """Every connection carries every request."""
    return frozenset()


@dataclass(frozen=True)
class Protocol:
    """One carrier protocol, all versions of it."""

    name: str
    """Name for people."""
    header: Header
    """The frame header."""
    layouts: Mapping[int, Mapping[int, Layout[Any]]]
    """Layouts by version and command."""
    first: int
    """The version whose layouts are used until the login has told the real one."""
    answers: Mapping[int, int]
    """Every request command and the command of its answer."""
    login: frozenset[int]
    """Requests that log in."""
    logout: int
    """The request that logs out."""
    heartbeat: int | None
    """The request that asks whether the peer lives; None where the protocol has none."""
    version_of_login: Callable[[Any], int]
    """The version (a key of ``layouts``) in which to answer this login request."""
    version_of_answer: Callable[[bytes], int]
    """The version (a key of ``layouts``) of this login answer, read from its whole frame."""
    accepted: Callable[[Any], bool]
    """Whether a login answer lets us in."""
    refusal: Callable[[bytes, Hashable, Hint], PDU | None]
    """The answer that refuses this request frame, whose body may be anything; None when the
    answer of that command has no field to say so. An unknown command comes here too, and a
    header of nothing but zeros for a frame whose length makes no sense."""
    next_sequence: Callable[[Hashable], Any] | None
    """The sequence number after this one on one connection; after None, the first. None where
    a number is the id of its message, and so never used twice."""
    strays: Stray | None = None
    """A known miscount of some peers."""
    nack: int | None = None
    """The answer that refuses any request at all; None where the protocol has none."""
    invitations: frozenset[int] = frozenset()
    """What asks the peer to log in and has no answer."""
    notices: frozenset[int] = frozenset()
    """What is told on a bound connection and has no answer."""
    barred: Callable[[Any], frozenset[int]] = nothing_barred
    """The requests, of either end, that a connection of this login request does not carry."""
    numbers: Numbers | None = None
    """The numbers that all connections of a node share, where numbers are ids."""

    def count(self) -> Numbers:
        """The numbers of one connection. Drawing one raises LocalProtocolError where numbers
        are ids and this value is not that of a node, good for listening alone."""
        if self.numbers is not None:
            return self.numbers
        following: Callable[[Hashable], Hashable] | None = self.next_sequence
        last: Hashable = None

        def number(_now: float) -> Hashable:
            nonlocal last
            if following is None:
                raise LocalProtocolError(f"{self.name}: whose numbers?")
            last = following(last)
            return last

        return number
