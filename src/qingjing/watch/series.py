"""The benchmark: weekly counts with outbreaks whose truth is known, made from a seed.

Noufaily et al., Stat Med 32:1206 (2013): 42 scenarios of a negative-binomial baseline with
variance ``phi`` times the mean; 624 weeks, of which the last 49 are judged. Where the sources
differ: an outbreak is ``Poisson(k * SD)`` cases with the SD of its first week, drawn again
until there is one; cases after the last week are lost; it lasts from the first to the last
week with an added case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from qingjing.watch.arrays import Floats, Ints

WEEKS: Final = 624
JUDGED: Final = 49
"""The last weeks of a series: those in which a detector is judged."""
PAST_FROM: Final = 312
"""Index of the first week in which a past outbreak may begin."""
PAST_OUTBREAKS: Final = 4
PAST_SIZES: Final = (2, 3, 5, 10, 0)
"""Sizes of past outbreaks, in standard deviations, given to the series in turn."""
SIZES: Final = 10
"""Current outbreaks are of 1 to 10 standard deviations, given in turn."""
DELAY_SD: Final = 0.5
"""A case comes ``floor(LogNormal(0, 0.5))`` weeks after the outbreak began."""

_BLOCKS: Final = (
    (0.1, 0.0025, 0.6, 0.6, 1.5),
    (-2.0, 0.005, 0.1, 0.3, 2.0),
    (1.5, 0.003, 0.2, -0.4, 1.0),
    (0.5, 0.002, 0.5, 0.5, 5.0),
    (2.5, 0.001, 1.0, 0.1, 3.0),
    (3.75, 0.001, 0.1, -0.1, 1.1),
    (5.0, 0.0001, 0.05, 0.01, 1.2),
)


@dataclass(frozen=True)
class Scenario:
    """One baseline: ``exp(theta + beta t + waves of period 52/j)``, variance phi * mean."""

    number: int
    theta: float
    beta: float
    cosine: float
    sine: float
    phi: float
    waves: int

    def mean(self, weeks: int = WEEKS) -> Floats:
        """The expected count of weeks 1, 2, ..."""
        t = np.arange(1, weeks + 1, dtype=float)
        log = self.theta + self.beta * t
        for j in range(1, self.waves + 1):
            turn = 2 * np.pi * j * t / 52
            log += self.cosine * np.cos(turn) + self.sine * np.sin(turn)
        return np.exp(log)


SCENARIOS: Final = tuple(
    Scenario(
        block * 6 + trend * 3 + waves + 1,
        theta,
        beta * trend,
        cosine * (waves > 0),
        sine * (waves > 0),
        phi,
        waves,
    )
    for block, (theta, beta, cosine, sine, phi) in enumerate(_BLOCKS)
    for trend in (0, 1)
    for waves in (0, 1, 2)
)
"""Numbered block * 6 + trend * 3 + waves, from 1."""


@dataclass(frozen=True)
class Benchmark:
    """Series and their truth; one row a series.

    ``quiet`` are the counts without the current outbreak, ``counts`` with it. ``start`` and
    ``end`` are the indices of the first and last week with an added case, ``size`` is the
    outbreak's strength in standard deviations. Detectors see counts alone.
    """

    quiet: Ints
    counts: Ints
    start: Ints
    end: Ints
    size: Ints

    def truth(self) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        """Which of the judged weeks are within the current outbreak."""
        week = np.arange(self.counts.shape[1] - JUDGED, self.counts.shape[1])
        return (week >= self.start[:, None]) & (week <= self.end[:, None])


def draw(mean: Floats, phi: float, rng: np.random.Generator) -> Ints:
    """Counts of this mean and of variance ``phi * mean``."""
    if phi <= 1:
        return rng.poisson(mean)
    return rng.negative_binomial(mean / (phi - 1), 1 / phi)


def outbreak(mean: Floats, phi: float, k: float, start: int, rng: np.random.Generator) -> Ints:
    """The cases that an outbreak of ``k`` standard deviations adds to each week."""
    added = np.zeros(len(mean), dtype=np.int64)
    while not added.any():  # all its cases may fall behind the last week
        size = 0
        while not size:
            size = rng.poisson(k * np.sqrt(phi * mean[start]))
        weeks = start + np.floor(rng.lognormal(0, DELAY_SD, size)).astype(int)
        np.add.at(added, weeks[weeks < len(mean)], 1)
    return added


def benchmark(
    seed: int,
    replicates: int = 20,
    factor: Floats | None = None,
    *,
    starts: Ints | None = None,
    past: bool = True,
) -> Benchmark:
    """The 42 scenarios, each ``replicates`` times; ``factor`` multiplies the means of weeks.

    Current outbreaks begin in one of the weeks ``starts`` (indices; any judged week when left
    out). Without ``past`` no series has outbreaks before the judged weeks.
    """
    rng = np.random.default_rng(seed)
    weeks = np.arange(WEEKS - JUDGED, WEEKS) if starts is None else starts
    quiet: list[Ints] = []
    counts: list[Ints] = []
    spans: list[Ints] = []
    sizes: list[int] = []
    for scenario in SCENARIOS:
        mean = scenario.mean() if factor is None else scenario.mean() * factor
        for replicate in range(replicates):
            y = draw(mean, scenario.phi, rng)
            k = PAST_SIZES[len(quiet) % len(PAST_SIZES)] * past
            for start in rng.integers(PAST_FROM, WEEKS - JUDGED, PAST_OUTBREAKS if k else 0):
                y += outbreak(mean, scenario.phi, k, start, rng)
            size = replicate % SIZES + 1
            start = int(rng.choice(weeks))
            added = outbreak(mean, scenario.phi, size, start, rng)
            quiet.append(y)
            counts.append(y + added)
            spans.append(np.flatnonzero(added)[[0, -1]])
            sizes.append(size)
    first, last = np.array(spans).T
    return Benchmark(np.array(quiet), np.array(counts), first, last, np.array(sizes))
