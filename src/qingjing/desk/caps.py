"""Caps: what a person may be sent, counted per sender, per group, per signature and carrier.

Counted when decided (reserved), given back when the message does not leave after all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qingjing.desk.ports import Bools, Places, Standings, U64s
from qingjing.kernel.dossier import cap_scopes
from qingjing.kernel.register import Lane
from qingjing.kernel.rulebook import Rulebook
from qingjing.kernel.words import Verdict

CAPS: Final = ("consent_frequency", "house_cap", "carrier_cap")
"""The vector fields of the caps, which their rules are named after, in counting order."""


class Limit(NamedTuple):
    """A cap over a batch: at most ``most`` in ``window_s`` seconds, 0 for no cap."""

    most: NDArray[np.uint16]
    window_s: NDArray[np.uint32]


def reserve(
    standings: Standings,
    lanes: Sequence[Lane],
    lane_at: Places,
    handles: U64s,
    limits: Sequence[Limit],
    book: Rulebook,
    commit: Bools,
    at: int,
) -> dict[str, Bools]:
    """Count the messages of ``commit`` in order under every cap; True where one is over.

    What a cap refuses or holds counts nowhere. A cap whose rule is off stops nothing: what is
    over it counts all the same.
    """
    binding = [book.effect(name) is not Verdict.PASS for name in CAPS]
    over = standings.reserve(
        [cap_scopes(lane) for lane in lanes],
        lane_at,
        handles,
        at // 1000,
        np.stack([limit.window_s for limit in limits]),
        np.stack([limit.most for limit in limits]),
        np.array(binding, np.bool_),
        commit,
    )
    return dict(zip(CAPS, over, strict=True))


def give_back(
    standings: Standings, lanes: Sequence[Lane], handles: U64s, submitted_at: NDArray[Any]
) -> None:
    """Messages that passed but were stopped before they left: one lane each."""
    uses = [cap_scopes(lane) for lane in lanes]
    places = np.arange(len(lanes), dtype=np.intp)
    standings.void(uses, places, handles, (submitted_at // 1000).astype(np.uint32))
