"""EARS C1, C2 and C3: a count against the mean of the seven before it.

Hutwagner et al., J Urban Health 80:i89 (2003); bounds as in Fricker, Hegler and Dunfee, Stat
Med 27:3407 (2008). A reference to compare with.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.stats import norm

from qingjing.watch.arrays import Flags, Floats, Ints

WINDOW: Final = 7
C1_C2_TAIL: Final = 0.001
C3_LIMIT: Final = 2.0
"""C3 sums what C2 has beyond one standard deviation over three periods."""


def _moments(counts: Ints, first: int, lag: int) -> tuple[Floats, Floats]:
    windows = np.lib.stride_tricks.sliding_window_view(counts, WINDOW, axis=1)
    seen = windows[:, first - WINDOW - lag : counts.shape[1] - WINDOW - lag]
    return seen.mean(axis=2), seen.std(axis=2, ddof=1)


def ears(counts: Ints, weeks: int, variant: int) -> Flags:
    """Alarms of C1, C2 or C3 (``variant``) in the last ``weeks`` periods of each series."""
    first = counts.shape[1] - weeks
    mean, sd = _moments(counts, first, 0 if variant == 1 else 2)
    if variant < 3:
        return np.asarray(counts[:, first:] > mean + norm.ppf(1 - C1_C2_TAIL) * sd)
    mean, sd = _moments(counts, first - 2, 2)
    over = counts[:, first - 2 :] - mean
    with np.errstate(divide="ignore", invalid="ignore"):
        held = np.maximum(0, np.nan_to_num(over / sd, posinf=np.inf) - 1)
    return np.asarray(held[:, 2:] + held[:, 1:-1] + held[:, :-2] > C3_LIMIT)
