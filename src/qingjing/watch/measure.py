"""Every detector on the same series, one table: ours, and those it is compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from qingjing.watch import modes
from qingjing.watch.arrays import Flags, Ints
from qingjing.watch.ears import ears
from qingjing.watch.farrington import farrington
from qingjing.watch.peaks import peak_weeks
from qingjing.watch.score import Score, score
from qingjing.watch.series import JUDGED, WEEKS, Benchmark
from qingjing.watch.spikes import FIRST_DAY, KINDS, compare

FARRINGTON: Final = "Farrington flexible"


def _farrington(counts: Ints) -> Flags:
    return counts[:, -JUDGED:] > farrington(counts, JUDGED)


def table(series: Benchmark) -> Iterator[tuple[str, dict[str, Score]]]:
    """Each detector's name and scores."""
    truth = series.truth()
    rivals: dict[str, Callable[[Ints], Flags]] = {
        FARRINGTON: _farrington,
        **{f"EARS C{v}": partial(ears, weeks=JUDGED, variant=v) for v in (1, 2, 3)},
    }
    for name, alarms in rivals.items():
        yield name, score(alarms(series.quiet), alarms(series.counts), truth)
    quiet, counts = (modes.alarms(y, JUDGED) for y in (series.quiet, series.counts))
    for mode in modes.Mode:
        yield mode.value, score(quiet[mode], counts[mode], truth)


def at_peaks(seed: int, replicates: int) -> Iterator[tuple[str, dict[str, Score]]]:
    """Scores at the yearly peaks and away from them, by kind of peak and detector."""
    events = peak_weeks(FIRST_DAY, WEEKS)

    def ours(counts: Ints) -> dict[str, Flags]:
        return {m.value: a for m, a in modes.alarms(counts, JUDGED, events).items()}

    for kind in KINDS:
        for detector in (ours, lambda counts: {FARRINGTON: _farrington(counts)}):
            for name, scores in compare(kind, seed, replicates, detector).items():
                yield f"{kind.name}: {name}", scores
