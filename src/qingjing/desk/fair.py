"""A queue in which accounts take turns: a campaign of one keeps nobody else waiting."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Things of several accounts; each account's own stay in their order."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[T]] = {}
        self._turns: deque[str] = deque()
        self._count = 0

    def __len__(self) -> int:
        """How many there are."""
        return self._count

    def put(self, account: str, thing: T) -> None:
        """Add one behind all others of the account."""
        queue = self._queues.get(account)
        if queue is None:
            queue = self._queues[account] = deque()
            self._turns.append(account)
        queue.append(thing)
        self._count += 1

    def take(self, room: int, cost: Callable[[T], int]) -> tuple[list[T], int]:
        """Take one of each account in turn while they fit into ``room``; with the room that is
        left. What does not fit is waited for: a long one would never leave otherwise."""
        taken: list[T] = []
        turns, queues = self._turns, self._queues
        while turns:
            queue = queues[turns[0]]
            needed = cost(queue[0])
            if needed > room:
                break
            room -= needed
            taken.append(queue.popleft())
            if queue:
                turns.rotate(-1)
            else:
                del queues[turns.popleft()]
        self._count -= len(taken)
        return taken, room
