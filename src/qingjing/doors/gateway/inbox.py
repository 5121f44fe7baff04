"""What customers have offered and nobody has decided yet, account by account.

A turn takes from all accounts alike, so that nobody waits behind another's campaign. From an
account whose messages wait for a carrier in great number, or that is above its rate, nothing is
taken: its offers stay unanswered, which fills its window and slows it down, and nobody else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from qingjing.doors.gateway.dialect import Caller, Offer, Source
from qingjing.settings import Limits


class Inbound(NamedTuple):
    """An offer that waits for its answer. ``token`` is the source's own word for it, ``since``
    when it came (epoch ms)."""

    source: Source
    token: Any
    caller: Caller
    offer: Offer
    since: int


class _Box:
    """One account's offers, and what it may still send in this second."""

    def __init__(self, rate: int, at: int) -> None:
        self.waiting: deque[Inbound] = deque()
        self.held = False
        self.rate, self._left, self._at = rate, float(rate), at

    def allowed(self, at: int) -> int:
        """Parts that the account's rate allows now; saved up for one second at most."""
        if not self.rate:
            return 1 << 30
        self._left = min(self.rate, self._left + self.rate * max(0, at - self._at) / 1000)
        self._at = at
        return int(self._left)

    def spend(self, parts: int) -> None:
        """Count parts that were taken. More than are left are owed: the next wait longer."""
        self._left -= parts


class Inbox:
    """The offers. ``hold`` stops or resumes the reading of an account's connections."""

    def __init__(
        self, limits: Limits, rates: Mapping[str, int], hold: Callable[[str, bool], None]
    ) -> None:
        self._limits, self._rates, self._hold = limits, rates, hold
        self._boxes: dict[str, _Box] = {}
        self._count = 0

    def __len__(self) -> int:
        """How many offers wait."""
        return self._count

    def put(self, inbound: Inbound) -> None:
        """Add one; an account with many waiting is read no further."""
        account = inbound.caller.account
        box = self._boxes.get(account)
        if box is None:
            box = _Box(self._rates.get(account, 0), inbound.since)
            self._boxes[account] = box
        box.waiting.append(inbound)
        self._count += 1
        if not box.held and len(box.waiting) >= self._limits.inbox_max:
            box.held = True
            self._hold(account, True)

    def limit(self, limits: Limits) -> None:
        """Other limits from now on."""
        self._limits = limits

    def rate(self, rates: Mapping[str, int]) -> None:
        """Accounts have other rates from now on."""
        self._rates = rates
        for account, box in self._boxes.items():
            box.rate = rates.get(account, 0)

    def full(self, account: str) -> bool:
        """Whether the account has so much waiting that more is turned away: for sources that
        cannot be held."""
        box = self._boxes.get(account)
        return box is not None and len(box.waiting) >= 2 * self._limits.inbox_max

    def take(self, queued: Mapping[str, int], at: int) -> list[Inbound]:
        """What to decide in this turn, from all accounts alike, each in its order.

        :param queued: how many messages of each account wait for a carrier.
        """
        taken: list[Inbound] = []
        open_boxes = [
            (account, box, self._limits.queue_max - queued.get(account, 0))
            for account, box in self._boxes.items()
            if box.waiting
        ]
        each = max(1, self._limits.batch_max // max(1, len(open_boxes)))
        for account, box, room in open_boxes:
            allowed = min(each, room, box.allowed(at))
            while allowed > 0 and box.waiting:
                inbound = box.waiting.popleft()
                allowed -= len(inbound.offer.to)
                box.spend(len(inbound.offer.to))
                taken.append(inbound)
            if box.held and len(box.waiting) < self._limits.inbox_max // 2:
                box.held = False
                self._hold(account, False)
        self._count -= len(taken)
        return taken

    def overdue(self, at: int) -> list[Inbound]:
        """Offers that have waited for as long as a customer should: to be told to slow down."""
        before = at - self._limits.patience_s * 1000
        found: list[Inbound] = []
        for box in self._boxes.values():
            while box.waiting and box.waiting[0].since < before:
                found.append(box.waiting.popleft())
        self._count -= len(found)
        return found
