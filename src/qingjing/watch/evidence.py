"""The evidence for an outbreak: of one period by itself, and of consecutive ones together.

``surprise`` looks at one period. ``evidence`` is a small filter over several: in each period an
outbreak may begin, with a chance of ``HAZARD``; it adds ``k`` standard deviations of the
baseline in all, with the chances of ``SIZES``; its cases come in the shares ``SPREAD``, at
least one in the first; and there is one at a time, within ``MEMORY`` periods. That is all that
is assumed of outbreaks. The filter weighs every start against none, and answers how likely it
is that an outbreak is adding cases now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import gammaln, ndtri
from scipy.stats import nbinom

from qingjing.watch.arrays import Flags, Floats

HAZARD: Final = 0.01
SIZES: Final = (
    *((k, 0.096) for k in range(1, 11)),
    (20, 0.01),
    (40, 0.01),
    (80, 0.01),
    (160, 0.01),
)
"""Strengths in standard deviations with their chances: one to ten alike, and rare worse."""
SPREAD: Final = (0.5, 0.417, 0.069, 0.011, 0.003)
"""Of an outbreak's cases, period by period: half at once, nearly all in two."""
MEMORY: Final = 26
LEAD: Final = len(SPREAD) - 1
"""Periods that the filter wants before the first judged one."""
_WIDER: Final = 1.0001
"""The least ratio of variance to mean: below it the negative binomial has no shape."""
_SMALL: Final = 3.0
"""Up to this standard deviation added cases are convolved exactly; above it moments suffice."""
_COUNTS: Final = 41
_FEW: Final = 20.0
"""Up to 20 added cases are convolved, of which 40 come once in 30,000 times."""
_ROWS: Final = 256
"""Series at a time, so that the tables of a batch fit in memory caches."""
_LOG_MAX: Final = 100.0


def _log_chance(y: Floats, mean: Floats, excess: Floats) -> Floats:
    """Log-probability of counts of variance ``mean + excess``, without the factorial of y."""
    shape = mean**2 / excess
    log: Floats = gammaln(y + shape) - gammaln(shape)
    log += shape * np.log(shape / (shape + mean)) + y * np.log(mean / (shape + mean))
    return log


def surprise(y: Floats, mean: Floats, variance: Floats) -> Floats:
    """How far in the upper tail each count is, as a normal deviate (of its mid-p value)."""
    variance = np.maximum(variance, _WIDER * mean)
    share = mean / variance
    shape = mean * share / (1 - share)
    above = nbinom.sf(y, shape, share) + 0.5 * nbinom.pmf(y, shape, share)
    return np.asarray(-ndtri(np.clip(above, 1e-300, 1 - 1e-16)))


@dataclass(frozen=True)
class _Cells:
    """Counts, what they would be, and the chance of each ``y - j`` as a ratio to that of y."""

    y: Floats
    mean: Floats
    excess: Floats
    none: Floats
    small: Flags
    table: Floats

    def ratio(self, added: Floats, lag: int) -> Floats:
        """How much likelier each count from column ``lag`` on is with so many cases added."""
        mean = self.mean[:, lag:] + added
        log = _log_chance(self.y[:, lag:], mean, self.excess[:, lag:]) - self.none[:, lag:]
        ratio = np.exp(np.minimum(log, _LOG_MAX))
        small = self.small[:, lag:] & (added <= _FEW)
        few = added[small][:, None]
        j = np.arange(_COUNTS)
        chance = np.exp(j * np.log(few) - few - gammaln(j + 1))
        ratio[small] = (self.table[:, lag:][small] * chance).sum(axis=1)
        return np.asarray(np.minimum(np.maximum(ratio, np.exp(-added)), np.exp(_LOG_MAX)))


def _cells(y: Floats, mean: Floats, variance: Floats) -> _Cells:
    excess = np.maximum(variance - mean, (_WIDER - 1) * mean)
    none = _log_chance(y, mean, excess)
    small = mean + excess < _SMALL**2
    table = np.zeros((*y.shape, _COUNTS))
    less = y[small][:, None] - np.arange(_COUNTS)
    some = np.maximum(less, 0)
    log = _log_chance(some, mean[small][:, None], excess[small][:, None])
    log += gammaln(y[small] + 1)[:, None] - gammaln(some + 1) - none[small][:, None]
    table[small] = np.where(less >= 0, np.exp(np.minimum(log, _LOG_MAX)), 0)
    return _Cells(y, mean, excess, none, small, table)


def onset(y: Floats, mean: Floats, variance: Floats) -> Floats:
    """Log-odds that an outbreak begins in this very period, each period by itself."""
    return _in_parts(_onset, y, mean, variance)


def evidence(y: Floats, mean: Floats, variance: Floats) -> Floats:
    """Log-odds that an outbreak is adding cases, for each period of (n, t) arrays.

    A period knows those before it in its row: hand in ``LEAD`` more than are judged.
    """
    return _in_parts(_evidence, y, mean, variance)


def _in_parts(
    weigh: Callable[[_Cells], Floats], y: Floats, mean: Floats, variance: Floats
) -> Floats:
    parts = [
        weigh(_cells(*(a[i : i + _ROWS] for a in (y, mean, variance))))
        for i in range(0, len(y), _ROWS)
    ]
    return np.concatenate(parts) if parts else np.zeros(y.shape)


def _begins(cells: _Cells, cases: Floats) -> Floats:
    """The likelihood ratio of a first period; an outbreak begins with a case."""
    without = np.exp(-cases * SPREAD[0])
    ratio = np.maximum(cells.ratio(cases * SPREAD[0], 0) - without, 0) / (1 - without)
    return np.asarray(np.minimum(ratio, np.exp(_LOG_MAX)))


def _onset(cells: _Cells) -> Floats:
    sd = np.sqrt(cells.mean + cells.excess)
    odds = HAZARD * sum(chance * _begins(cells, size * sd) for size, chance in SIZES)
    return np.asarray(np.log(np.maximum(odds, 1e-300)))


def _evidence(cells: _Cells) -> Floats:
    shape = cells.y.shape
    spread = np.array(SPREAD)
    still = spread[::-1].cumsum()[::-1]
    sd = np.sqrt(cells.mean + cells.excess)
    on, over, done = np.zeros(shape), np.ones(shape), np.zeros(shape)
    for size, chance in SIZES:
        odds = np.full(shape, HAZARD * chance)  # of a start in each column
        for lag, share in enumerate(spread):
            odds = odds[:, : shape[1] - lag]
            cases = size * sd[:, : shape[1] - lag]
            if lag:
                ratio = cells.ratio(cases * share, lag)
                ended = np.exp(-cases * still[lag])
                over[:, lag:] += odds * ended
                on[:, lag:] += odds * np.maximum(ratio - ended, 0)
            else:
                ratio = _begins(cells, cases)
                on += odds * ratio
            odds = odds * ratio
        done[:, LEAD:] += odds
    past = np.cumsum(done, axis=1)
    over[:, 1:] += past[:, :-1]
    over[:, MEMORY + 1 :] -= past[:, : -MEMORY - 1]
    return np.asarray(np.log(np.maximum(on, 1e-300)) - np.log(np.maximum(over, 1)))
