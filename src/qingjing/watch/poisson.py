"""Log-linear models of many series at once: one design, one small solve a series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from qingjing.watch.arrays import Flags, Floats

EPSILON: Final = 1e-8
"""Relative change of the deviance at which a fit has come to rest."""
ITERATIONS: Final = 25
_LOG_MAX: Final = 30.0
"""Means stay within e^-30 and e^30: a group without a case tends to minus infinity."""
_KEEP: Final = 1e-10
"""Added to each diagonal in proportion: a column without any case stays solvable."""


@dataclass(frozen=True)
class Fit:
    """``beta`` (n, p) and its covariance (n, p, p) at dispersion 1; which fits came to rest."""

    beta: Floats
    covariance: Floats
    rested: Flags


def means(eta: Floats) -> Floats:
    """The means of logarithms, none of them nought or beyond all bounds."""
    return np.asarray(np.exp(np.clip(eta, -_LOG_MAX, _LOG_MAX)))


def deviance(y: Floats, mu: Floats, weight: Floats) -> Floats:
    """Twice the log-likelihood lost against the saturated model, a series."""
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(y > 0, y * np.log(y / mu), 0)
    return np.asarray(2 * (weight * (own - y + mu)).sum(axis=1))


def fit(
    design: Floats,
    y: Floats,
    weight: Floats,
    *,
    offset: Floats | float = 0.0,
    penalty: Floats | None = None,
    start: Floats | None = None,
    iterations: int = ITERATIONS,
) -> Fit:
    """Fit log-linear means by weighted Poisson likelihood (iterated least squares).

    ``design`` is (t, p) and the same for all series; ``y`` and ``weight`` are (n, t);
    ``penalty`` (n, p) is a quadratic pull of each coefficient to zero, large to leave it out.
    """
    n, p = len(y), design.shape[1]
    outer = (design[:, :, None] * design[:, None, :]).reshape(len(design), p * p)
    eta = np.log(y + 0.1) if start is None else start @ design.T + offset
    beta = np.zeros((n, p)) if start is None else start
    inverse = np.zeros((n, p, p))
    before = deviance(y, means(eta), weight)
    rested = np.zeros(n, dtype=bool)
    alive = np.arange(n)
    pull = np.zeros((n, p)) if penalty is None else penalty
    off = np.broadcast_to(offset, y.shape)
    beta = beta.copy()
    for _ in range(iterations):
        mu = means(eta)
        working = eta - off[alive] + (y[alive] - mu) / mu
        information = weight[alive] * mu
        normal = (information @ outer).reshape(-1, p, p)
        diagonal = np.einsum("npp->np", normal)
        diagonal += pull[alive] + _KEEP * diagonal
        right = (information * working) @ design
        inverse[alive] = np.linalg.inv(normal)
        beta[alive] = np.einsum("npq,nq->np", inverse[alive], right)
        eta = beta[alive] @ design.T + off[alive]
        mu = means(eta)
        now = deviance(y[alive], mu, weight[alive])
        done = np.abs(now - before) / (np.abs(now) + 0.1) < EPSILON
        rested[alive[done]] = True
        alive, eta, before = alive[~done], eta[~done], now[~done]
        if not len(alive):
            break
    return Fit(beta, inverse, rested)
