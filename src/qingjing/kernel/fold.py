"""The batch form of ``standing.fold``: candidate consents in columns, graded all at once."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from qingjing.kernel.standing import RANK
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Act

ABSENT: Final = 0xFFFFFFFF
"""In place of a terms row: there is no such candidate."""

ACTS: Final = tuple(Act)
"""The order in which an act is stored as a small integer."""

_EXPLICIT: Final = np.array([act.explicit for act in ACTS])
_REQUESTED: Final = ACTS.index(Act.REQUESTED)
_RANKS: Final = np.array(
    [RANK.index(s) if s in RANK else -1 for s in GroundsState], dtype=np.int8
)


def grade_columns(
    terms: NDArray[Any], given_s: NDArray[np.uint32], category_bits: NDArray[Any], at: int
) -> NDArray[np.uint8]:
    """``standing.grade`` over arrays of one shape; ``terms`` are the consents' terms rows."""
    now_s = at // 1000
    given = given_s.astype(np.int64)
    requested = terms["act"] == _REQUESTED
    state = np.where(requested, np.uint8(GroundsState.REQUEST), np.uint8(GroundsState.CONSENT))
    ends = given + terms["term_s"].astype(np.int64)
    state[(terms["term_s"] != 0) & (now_s >= ends)] = GroundsState.EXPIRED
    state[(terms["purposes"] & category_bits) == 0] = GroundsState.OTHER_CATEGORY
    state[(terms["shown"] == 0) & ~requested] = GroundsState.NOT_SHOWN
    state[~_EXPLICIT[terms["act"]]] = GroundsState.NOT_EXPLICIT
    state[(given > now_s) | (terms["recorded_at"] > at)] = GroundsState.LATE
    return state


def fold_columns(
    table: NDArray[Any],
    refused: NDArray[np.bool_],
    unclear: NDArray[np.bool_],
    terms: NDArray[np.uint32],
    given_s: NDArray[np.uint32],
    category_bits: NDArray[Any],
    at: int,
) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """State and resting terms row of each message; the row is ABSENT where nothing is known.

    ``terms`` and ``given_s`` have one column a candidate; of equals the earlier column wins.
    """
    size, width = terms.shape
    state = np.full(size, GroundsState.NONE, dtype=np.uint8)
    resting = np.full(size, ABSENT, dtype=np.uint32)
    for column in range(width):
        row = terms[:, column]
        there = np.flatnonzero(row != ABSENT)
        if not there.size:
            continue
        graded = grade_columns(
            table[row[there]], given_s[there, column], category_bits[there], at
        )
        better = (resting[there] == ABSENT) | (_RANKS[graded] > _RANKS[state[there]])
        chosen = there[better]
        state[chosen] = graded[better]
        resting[chosen] = row[chosen]
    state[unclear] = GroundsState.UNCLEAR
    state[refused] = GroundsState.REFUSED
    return state, resting
