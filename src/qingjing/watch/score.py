"""Scores of alarms against the truth, each with its standard error.

FPR: alarmed share of the judged weeks of series without a current outbreak. POD: share of
outbreaks with an alarm between first and last week, POD1: in the first week. Sensitivity,
specificity, PPV and F1 are per week, over the series with an outbreak.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from qingjing.watch.arrays import Flags, Floats

RESAMPLES: Final = 400
"""Series are drawn anew so often for the standard errors: 400 give them to within 4 %."""
MEASURES: Final = (
    "FPR", "POD", "POD1week", "sensitivity", "specificity", "PPV", "F1",
)  # fmt: skip


@dataclass(frozen=True)
class Score:
    """A share between 0 and 1, and its standard error."""

    value: float
    error: float


def _shares(sums: Floats) -> Floats:
    """The measures of summed counts; rows in the order of ``_counts``."""
    quiet, weeks, found, first, series, hit, truth, false = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.array(
            [
                quiet / weeks,
                found / series,
                first / series,
                hit / truth,
                1 - false / (weeks - truth),
                hit / (hit + false),
                2 * hit / (hit + false + truth),
            ]
        )
    return np.asarray(np.nan_to_num(shares))


def score(quiet: Flags, alarms: Flags, truth: Flags) -> dict[str, Score]:
    """All measures; rows of the three are series, columns the judged weeks.

    ``quiet`` are alarms on the series without current outbreaks, ``alarms`` on those with.
    The errors are of whole series drawn anew: alarms within a series are not independent.
    """
    hit = alarms & truth
    first = np.argmax(truth, axis=1)
    rows = np.arange(len(truth))
    one = np.ones(len(truth))
    counts = np.array(
        [
            quiet.sum(axis=1),
            one * quiet.shape[1],
            hit.any(axis=1),
            hit[rows, first],
            one,
            hit.sum(axis=1),
            truth.sum(axis=1),
            (alarms & ~truth).sum(axis=1),
        ],
        dtype=float,
    )
    rng = np.random.default_rng(0)  # the same draws for every detector
    times = rng.multinomial(len(truth), one / len(truth), RESAMPLES)
    errors = _shares(counts @ times.T).std(axis=1)
    values = _shares(counts.sum(axis=1))
    return {
        name: Score(float(value), float(error))
        for name, value, error in zip(MEASURES, values, errors, strict=True)
    }
