"""Farrington flexible: the method to be compared with, from its paper.

Noufaily, Enki, Farrington, Garthwaite, Andrews and Charlett, Stat Med 32:1206 (2013): a
quasi-Poisson model with linear trend and a ten-level season over five years, past outbreaks
weighted down by their Anscombe residuals, the last 26 weeks left out, and an upper quantile of
the negative binomial as the bound.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.stats import nbinom, poisson

from qingjing.watch.arrays import Floats, Ints
from qingjing.watch.poisson import Fit, fit, means

YEAR: Final = 52
YEARS: Final = 5
HALF_WINDOW: Final = 3
"""The season's first level: the same week of earlier years and three on each side."""
LEVELS: Final = 10
LEFT_OUT: Final = 26
"""Recent weeks that the baseline does not see."""
OUTLIER: Final = 2.58
"""Anscombe residuals beyond this are weighted down."""
ALPHA: Final = 0.01
RECENT: Final = 4
"""No alarm without a case in so many weeks."""


def season(weeks_before: Ints) -> Ints:
    """The level of the season, 0 to 9, of a week so many weeks before the judged one."""
    phase = (HALF_WINDOW - weeks_before) % YEAR
    wide = 2 * HALF_WINDOW + 1
    group = 1 + (phase - wide) * (LEVELS - 1) // (YEAR - wide)
    return np.where(phase < wide, 0, group)


def _weighted(design: Floats, y: Floats) -> tuple[Fit, Floats]:
    """The fit with past outbreaks weighted down, and its dispersion (at least 1)."""
    n, p = y.shape[1], design.shape[1]
    weight = np.ones_like(y)
    for again in (True, False):
        model = fit(design, y, weight)
        mu = means(model.beta @ design.T)
        phi = np.maximum(1, (weight * (y - mu) ** 2 / mu).sum(axis=1) / (n - p))
        if again:
            spread = np.einsum("tp,npq,tq->nt", design, model.covariance, design, optimize=True)
            leverage = np.minimum(weight * mu * spread, 1 - 1e-9)
            anscombe = 1.5 * (y ** (2 / 3) * mu ** (-1 / 6) - mu**0.5)
            residual = anscombe / np.sqrt(phi[:, None] * (1 - leverage))
            weight = np.where(residual > OUTLIER, 1 / np.maximum(residual, 1) ** 2, 1.0)
            weight *= n / weight.sum(axis=1, keepdims=True)
    return model, phi


def farrington(counts: Ints, weeks: int, alpha: float = ALPHA, years: int = YEARS) -> Floats:
    """Upper bounds of the last ``weeks`` weeks of each series: more than that is an alarm.

    A bound is NaN where the model cannot be fitted. ValueError when the history is too short.
    """
    total = counts.shape[1]
    if total - weeks < years * YEAR + HALF_WINDOW:
        raise ValueError(f"{years} years of history are needed before the first judged week")
    before = np.arange(years * YEAR + HALF_WINDOW, LEFT_OUT, -1)
    levels = season(before)
    design = np.zeros((len(before), 1 + LEVELS))
    design[:, 0] = 1
    design[np.arange(len(before)), levels] = 1
    design[:, LEVELS] = -before / YEAR
    bounds = np.empty((len(counts), weeks))
    for column, t in enumerate(range(total - weeks, total)):
        bounds[:, column] = _bound(design, counts[:, t - before].astype(float), alpha)
    return bounds


def _bound(design: Floats, y: Floats, alpha: float) -> Floats:
    model, phi = _weighted(design, y)
    mean, rested = np.exp(model.beta[:, 0]), model.rested
    far = ~rested | (mean > y.max(axis=1))  # no extrapolation beyond what was seen
    if far.any():
        flat, phi[far] = _weighted(design[:, :-1], y[far])
        mean[far], rested[far] = np.exp(flat.beta[:, 0]), flat.rested
    wide = phi > 1
    shape = mean / np.where(wide, phi - 1, 1)
    bound = np.where(wide, nbinom.ppf(1 - alpha, shape, 1 / phi), poisson.ppf(1 - alpha, mean))
    return np.where(rested, bound, np.nan)
