"""Terms: comparing against one time, and knowing until when the answers hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

FOREVER: Final = 2**53
"""A time after all others, in epoch milliseconds; also the largest exact JSON number."""


class Termed(Protocol):
    """A paper that holds from when to when, epoch ms."""

    @property
    def valid_from(self) -> int: ...

    @property
    def valid_until(self) -> int: ...


class Times:
    """Compares against one time and remembers the nearest moment at which an answer changes."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.until = FOREVER

    def before(self, moment: int) -> bool:
        """Is it still before the moment?"""
        if self.at < moment:
            self.until = min(self.until, moment)
            return True
        return False

    def within(self, start: int, end: int) -> bool:
        """Is it within [start, end)?"""
        return not self.before(start) and self.before(end)

    def termed(self, papers: Iterable[Termed]) -> bool:
        """Is it within the term of one of these, or is there none at all?"""
        within = [self.within(paper.valid_from, paper.valid_until) for paper in papers]
        return not within or any(within)
