"""The baseline: what each week would be without an outbreak, and how sure that is.

A negative-binomial mean with level, trend, season and known events, fitted to many series at
once. Which terms a series has is chosen by BIC, so that a sparse series keeps few. Past
outbreaks are weighted down by how far in the upper tail they are; the newest weeks before the
judged one do not teach. Every week is forecast from what was known before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from qingjing.watch.arrays import Floats, Ints
from qingjing.watch.evidence import surprise
from qingjing.watch.poisson import Fit, deviance, fit, means

HISTORY: Final = 520
"""Weeks of history that teach: ten years."""
GUARD: Final = 6
"""The newest weeks do not teach: an outbreak may be in them."""
REFIT: Final = 4
"""Weeks between fits, and fits between choices of terms (a year)."""
CHOOSE: Final = 13
PEAK_PULL: Final = 1.0
"""Beforehand a peak multiplies a week by something between e^-2 and e^2, ..."""
GROWTH_PULL: Final = 50.0
"""... and grows or shrinks by up to three tenths a year (two standard deviations)."""
OUT: Final = 1e8
"""The pull that leaves a term out."""
OUTLIER: Final = 3.0
"""Normal deviates beyond this are weighted down, by their inverse square."""
ROUNDS: Final = 3
PHI_BEFORE: Final = 3.0
PHI_WEEKS: Final = 4.0
"""The dispersion starts from 3 as if four weeks had shown it: a short history knows little."""
HALF_A_CASE: Final = 0.5
"""Added to the whole history: without a case in a year, a year without one is no surprise."""
FAR: Final = 3.0
"""No forecast is beyond so many times the largest count seen, and one."""
TREND_WEEKS: Final = 52
WAVE_WEEKS: Final = 104
"""Histories that may have a trend, and waves: a year, and two."""
_LOOK: Final = 2.0
"""Only residuals beyond this are worth an exact tail."""

Terms = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Design:
    """One column a term, one row a week; ``choices`` are alternative sets of columns.

    ``pull`` (p,) holds each coefficient near zero by so much: one over its variance beforehand.
    """

    columns: Floats
    choices: tuple[Terms, ...]
    pull: Floats

    def sets(self) -> list[tuple[int, ...]]:
        """Every combination, the level always in it."""
        always = (0, *np.flatnonzero(self.pull).tolist())
        return [
            (*always, *(c for part in parts for c in part)) for parts in product(*self.choices)
        ]

    def rows(self, some: slice) -> Design:
        """The same of some weeks, without what so short a history cannot show."""
        columns = self.columns[some]
        weeks = len(columns)
        choices = tuple(
            part if weeks >= least else part[:1]
            for part, least in zip(self.choices, (TREND_WEEKS, WAVE_WEEKS), strict=True)
        )
        return Design(columns, choices, self.pull)


def seasonal(weeks: int, events: Floats | None = None) -> Design:
    """Level, trend, up to two yearly waves; ``events`` (t, e) are columns of known peaks."""
    t = (np.arange(weeks) - weeks) / 52
    turn = 2 * np.pi * t
    waves = [f(j * turn) for j in (1, 2) for f in (np.cos, np.sin)]
    columns = [np.ones(weeks), t, *waves]
    choices: tuple[Terms, ...] = (((), (1,)), ((), (2, 3), (2, 3, 4, 5)))
    pull = [0.0] * len(columns)
    if events is not None:
        for peak in events.T:
            columns += [peak, peak * t]
            pull += [PEAK_PULL, GROWTH_PULL]
    return Design(np.array(columns).T, choices, np.array(pull))


@dataclass(frozen=True)
class Robust:
    """A fit, its dispersion, and the weight of each week in it."""

    model: Fit
    phi: Floats
    weight: Floats


def robust(design: Floats, y: Floats, penalty: Floats, start: Floats | None = None) -> Robust:
    """Fit, weight down what lies far above, and again."""
    used = (penalty < OUT).sum(axis=1)
    weight = np.ones_like(y)
    for turn in range(ROUNDS):
        steps = 25 if start is None else 3
        model = fit(design, y, weight, penalty=penalty, start=start, iterations=steps)
        mean, start = means(model.beta @ design.T), model.beta
        free = np.maximum(weight.sum(axis=1) - used, 0) + PHI_WEEKS
        lost = (weight * (y - mean) ** 2 / mean).sum(axis=1)
        phi = np.maximum(1, (lost + PHI_WEEKS * PHI_BEFORE) / free)
        if turn < ROUNDS - 1:
            variance = phi[:, None] * mean
            far = y > mean + _LOOK * np.sqrt(variance)
            weight = np.ones_like(y)
            z = surprise(y[far], mean[far], variance[far])
            weight[far] = np.where(z > OUTLIER, 1 / z**2, 1)
    return Robust(model, phi, weight)


def choose(design: Design, y: Floats) -> Floats:
    """The pull (n, p) that leaves out of each series the terms that it does not need."""
    n, (weeks, p) = len(y), design.columns.shape
    pulls = []
    for columns in design.sets():
        pull = np.full(p, OUT)
        pull[list(columns)] = design.pull[list(columns)]
        pulls.append((list(columns), pull))
    wide = robust(design.columns, y, np.tile(pulls[-1][1], (n, 1)))
    best = np.full(n, np.inf)
    chosen = np.zeros((n, p))
    for some, pull in pulls:
        held = np.tile(pull[some], (n, 1))
        model = fit(design.columns[:, some], y, wide.weight, penalty=held)
        lost = deviance(y, means(model.beta @ design.columns[:, some].T), wide.weight)
        worth = lost / wide.phi + len(some) * np.log(weeks)
        better = worth < best
        best[better], chosen[better] = worth[better], pull
    return chosen


def forecast(counts: Ints, weeks: int, design: Design) -> tuple[Floats, Floats]:
    """Mean and variance of each of the last ``weeks``, from the weeks before it alone.

    ValueError when there is no week before them.
    The variance holds that the mean is an estimate.
    """
    total = counts.shape[1]
    if weeks >= total:
        raise ValueError("no week lies before the first judged one: nothing to learn from")
    mean, variance = np.empty((2, len(counts), weeks))
    start = pull = None
    for turn, at in enumerate(range(0, weeks, REFIT)):
        first = total - weeks + at
        last = max(first - GUARD, (first + 1) // 2)  # of a short history its older half teaches
        seen = slice(max(0, last - HISTORY), last)
        y = counts[:, seen] + HALF_A_CASE / (seen.stop - seen.start)
        if pull is None or turn % CHOOSE == 0:
            pull = choose(design.rows(seen), y)
            start = None
        model = robust(design.columns[seen], y, pull, start)
        start = model.model.beta
        rows = slice(total - weeks + at, min(total - weeks + at + REFIT, total))
        x = design.columns[rows]
        most = FAR * (counts[:, seen].max(axis=1, keepdims=True) + 1)
        some = np.minimum(means(start @ x.T), most)
        unsure = np.einsum("tp,npq,tq->nt", x, model.model.covariance, x, optimize=True)
        mean[:, at : at + REFIT] = some
        variance[:, at : at + REFIT] = model.phi[:, None] * (some + some**2 * unsure)
    return mean, variance
