"""What a customer sends again because its connection broke before the answer.

Where a number is its message's id (SGIP), the same number is the same message, whatever
connection it comes over: what was taken once is answered as taken and goes to nobody twice. In
other protocols a number means nothing beyond its connection, and nothing is remembered.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from qingjing.desk.outbox import Outbox
from qingjing.desk.parts import Part
from qingjing.doors.gateway.dialect import Caller, Offer, Trouble

KEEP_MS: Final = 180_000
"""How long it is remembered: three tries of a minute, after which a sender gives up."""
MOST: Final = 200_000
"""And how many, about 200 bytes each; the oldest go first."""


class _Entry(NamedTuple):
    at: int
    taken: bool
    frame: int | None
    """Hash of the frame, keyed by process; None for what is known from before a restart."""


class Retries:
    """The ids of a while.

    What is on its way at the start was taken, and so were the parts that wait for their rest.

    :param at: when it starts, epoch ms.
    """

    def __init__(self, outbox: Outbox, parts: Iterable[Part], at: int) -> None:
        self._origins = outbox.origins
        self._known: dict[tuple[str, bytes], _Entry] = {}
        for flight in outbox.flights.values():
            for origin in flight.origins:
                self._known[flight.account, origin] = _Entry(at, True, None)
        for part in parts:
            for origin in self._origins(part.key[0], part.original):
                self._known[part.key[0], origin] = _Entry(at, True, None)

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._known)

    def known(self, caller: Caller, offer: Offer, at: int) -> int | None:
        """What to answer an offer that came before: 0 when it was taken, a Trouble when another
        message had its number or when it is being decided this very moment (epoch ms). None
        when it is new, or was refused: then it is decided, as at the first time."""
        if not caller.own_ids:
            return None
        account, frame = caller.account, hash(offer.original)
        key = account, self._origins(account, offer.original)[0]
        found = self._known.get(key)
        if found is None or found.at < at - KEEP_MS or not (found.taken or found.at == at):
            self._put(key, _Entry(at, False, frame))
            return None
        if not found.taken:
            return Trouble.SLOW_DOWN
        return 0 if found.frame in (None, frame) else Trouble.AGAIN

    def taken(self, caller: Caller, offer: Offer, at: int) -> None:
        """An offer was taken."""
        if not caller.own_ids:
            return
        for origin in self._origins(caller.account, offer.original):
            self._put((caller.account, origin), _Entry(at, True, hash(offer.original)))

    def _put(self, key: tuple[str, bytes], entry: _Entry) -> None:
        """The newest stand last, so that the first are the oldest."""
        known = self._known
        known.pop(key, None)
        known[key] = entry
        while known:
            oldest = next(iter(known))
            if len(known) <= MOST and known[oldest].at >= entry.at - KEEP_MS:
                break
            del known[oldest]
