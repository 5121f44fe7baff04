"""From evidence to alarms, in two modes; the thresholds were fixed on outbreak-free series.

``EVIDENCE`` accumulates over consecutive weeks: it is the mode for finding problems and for
knowing which weeks belong to them. ``FIRST`` looks at each week by itself: it finds more
outbreaks in their first week, and says nothing of how long they last.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import numpy as np

from qingjing.watch.arrays import Flags, Floats, Ints
from qingjing.watch.baseline import forecast, seasonal
from qingjing.watch.evidence import LEAD, evidence, onset

RAISED_AT: Final = -1.55
"""Log-odds at which an alarm is raised."""
KEPT_AT: Final = RAISED_AT + 1
"""Log-odds at which it is kept on: a week more is no news, and must be surer by a factor e."""
FIRST_AT: Final = -2.12
"""Log-odds of a beginning at which the first-period mode alarms."""
PAUSE: Final = 4
"""Weeks after an alarm of the first-period mode in which nothing else begins."""


class Mode(StrEnum):
    """How alarms are raised."""

    EVIDENCE = "evidence"
    FIRST = "first-period"


def kept(odds: Floats, raised_at: float = RAISED_AT) -> Flags:
    """Alarms of the evidence mode, period by period."""
    on = np.zeros(odds.shape, dtype=bool)
    before = np.zeros(len(odds), dtype=bool)
    for t in range(odds.shape[1]):
        before = odds[:, t] > np.where(before, raised_at + KEPT_AT - RAISED_AT, raised_at)
        on[:, t] = before
    return on


def begun(odds: Floats, first_at: float = FIRST_AT) -> Flags:
    """Alarms of the first-period mode, period by period."""
    on = np.zeros(odds.shape, dtype=bool)
    for t in range(odds.shape[1]):
        on[:, t] = (odds[:, t] > first_at) & ~on[:, max(0, t - PAUSE) : t].any(axis=1)
    return on


def odds_of(counts: Ints, weeks: int, events: Floats | None = None) -> dict[Mode, Floats]:
    """Log-odds of the last ``weeks`` in each mode; ``events`` (t, e) are known peaks."""
    wide = weeks + LEAD
    mean, variance = forecast(counts, wide, seasonal(counts.shape[1], events))
    seen = counts[:, -wide:].astype(float)
    return {
        Mode.EVIDENCE: evidence(seen, mean, variance)[:, LEAD:],
        Mode.FIRST: onset(seen, mean, variance)[:, LEAD:],
    }


def alarms(counts: Ints, weeks: int, events: Floats | None = None) -> dict[Mode, Flags]:
    """Alarms of the last ``weeks`` of (n, t) counts in each mode."""
    odds = odds_of(counts, weeks, events)
    return {Mode.EVIDENCE: kept(odds[Mode.EVIDENCE]), Mode.FIRST: begun(odds[Mode.FIRST])}
