"""The family of series with yearly peaks: those of the benchmark, and sales on top.

In a peak's week the mean is ``HEIGHT`` times what it was, and with a second week half that
excess; a growing peak grows by ``GROWTH`` a year. An outbreak begins in a judged peak week, or
in a week that is none; its size is in standard deviations of the week in which it begins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from qingjing.watch.arrays import Flags, Floats, Ints
from qingjing.watch.peaks import PEAKS, peak_weeks
from qingjing.watch.score import Score
from qingjing.watch.series import JUDGED, WEEKS, benchmark

FIRST_DAY: Final = date(2026, 12, 28) - timedelta(weeks=WEEKS)
"""A Monday: the judged weeks are those of 2026 from 19 January on, with each peak once."""
HEIGHT: Final = 3.0
GROWTH: Final = 0.12


@dataclass(frozen=True)
class Kind:
    """Which peaks there are, how many weeks each lasts, and whether they grow."""

    name: str
    peaks: tuple[str, ...]
    weeks: int
    growing: bool


KINDS: Final = (
    Kind("date-fixed, one week", PEAKS[:2], 1, growing=False),
    Kind("date-fixed, two weeks", PEAKS[:2], 2, growing=False),
    Kind("lunar, two weeks", PEAKS[2:], 2, growing=False),
    Kind("all, growing", PEAKS, 2, growing=True),
)


def factor(kind: Kind) -> Floats:
    """What the means of the weeks are multiplied by."""
    columns = peak_weeks(FIRST_DAY, WEEKS)
    years = (np.arange(WEEKS) - WEEKS) / 52
    excess = (HEIGHT - 1) * np.exp(GROWTH * years * kind.growing)
    share = np.zeros(WEEKS)
    for peak in kind.peaks:
        at = 2 * PEAKS.index(peak)
        share += columns[:, at]
        if kind.weeks > 1:
            share += columns[:, at + 1] / 2
    return np.asarray(1 + excess * share)


def compare(
    kind: Kind, seed: int, replicates: int, alarms: Callable[[Ints], Mapping[str, Flags]]
) -> dict[str, dict[str, Score]]:
    """A detector: false alarms and found outbreaks, at the peaks and away from them."""
    factors = factor(kind)
    judged = np.arange(WEEKS - JUDGED, WEEKS)
    peak = factors[judged] > 1
    at, off = (
        benchmark(seed, replicates, factors, starts=judged[weeks]) for weeks in (peak, ~peak)
    )
    quiet, on, beside = (alarms(y) for y in (at.quiet, at.counts, off.counts))
    return {
        name: {
            "FPR at peaks": _share(quiet[name][:, peak].mean(axis=1)),
            "FPR off peaks": _share(quiet[name][:, ~peak].mean(axis=1)),
            "POD at peaks": _share(np.any(on[name] & at.truth(), axis=1)),
            "POD off peaks": _share(np.any(beside[name] & off.truth(), axis=1)),
        }
        for name in quiet
    }


def _share(of_series: NDArray[Any]) -> Score:
    shares = of_series.astype(float)
    return Score(float(shares.mean()), float(shares.std() / np.sqrt(len(shares))))
