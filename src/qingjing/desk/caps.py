"""Caps: what a person may be sent, counted per sender, per group, per signature and carrier.

Counted when decided (reserved), given back when the message does not leave after all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qingjing.desk.ports import Bools, Places, Standings, U64s
from qingjing.kernel.register import Lane

CAPS: Final = ("consent_frequency", "house_cap", "carrier_cap")
"""The vector fields of the caps, in the order in which they are counted."""


class Limit(NamedTuple):
    """A cap over a batch: at most ``most`` in ``window_s`` seconds, 0 for no cap."""

    most: NDArray[np.uint16]
    window_s: NDArray[np.uint32]


def scope(cap: str, lane: Lane) -> str:
    """The scope under which a cap counts."""
    match cap:
        case "consent_frequency":
            return f"c:{lane.sender}"
        case "house_cap":
            return f"h:{lane.group}"
        case _:
            return f"k:{lane.carrier.name}:{lane.signature}"


def reserve(
    standings: Standings,
    lanes: Sequence[Lane],
    lane_at: Places,
    handles: U64s,
    limits: Sequence[Limit],
    commit: Bools,
    at: int,
) -> dict[str, Bools]:
    """Count the messages of ``commit`` in order under every cap; True where one is over.

    What a later cap refuses is given back to the earlier ones: a message that does not leave
    counts nowhere.
    """
    over: dict[str, Bools] = {}
    now_s = at // 1000
    going = commit
    for name, limit in zip(CAPS, limits, strict=True):
        scopes = [scope(name, lane) for lane in lanes]
        over[name] = standings.reserve(
            scopes, lane_at, handles, now_s, limit.window_s, limit.most, going
        )
        refused = going & over[name]
        if refused.any():
            _give_back(standings, lanes, lane_at, handles, refused, now_s, tuple(over)[:-1])
        going = going & ~over[name]
    return over


def give_back(
    standings: Standings, lanes: Sequence[Lane], handles: U64s, submitted_at: NDArray[Any]
) -> None:
    """Messages that passed but were stopped before they left: one lane each."""
    places = np.arange(len(lanes), dtype=np.intp)
    stamps = (submitted_at // 1000).astype(np.uint32)
    for name in CAPS:
        standings.void([scope(name, lane) for lane in lanes], places, handles, stamps)


def _give_back(
    standings: Standings,
    lanes: Sequence[Lane],
    lane_at: Places,
    handles: U64s,
    which: Bools,
    now_s: int,
    names: tuple[str, ...],
) -> None:
    stamps = np.full(int(which.sum()), now_s, dtype=np.uint32)
    for name in names:
        scopes = [scope(name, lane) for lane in lanes]
        standings.void(scopes, lane_at[which], handles[which], stamps)
