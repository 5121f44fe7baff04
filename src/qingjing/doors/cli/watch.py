"""``qingjing watch``: measure the weather vane on series whose outbreaks are known."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from cyclopts import App, Parameter

from qingjing.desk.entries import InputError, Problem
from qingjing.doors.cli.output import Json, say_json, table
from qingjing.watch.score import Score
from qingjing.watch.series import SIZES, WEEKS, Benchmark, benchmark

app = App(name="watch", help="The weather vane: measure its detectors.")

_SERIES: Final = "series.parquet"
_TRUTH: Final = "meta.csv"

Data = Annotated[
    Path | None, Parameter(help=f"a folder with {_SERIES} and {_TRUTH}, measured as well")
]
Seeds = Annotated[
    tuple[int, ...] | None, Parameter(name="--seed", help="seeds of series to make")
]
Peaks = Annotated[
    bool, Parameter(negative="", help="series with yearly peaks, and the figures at the peaks")
]


@app.command
def measure(
    *, data: Data = None, seed: Seeds = None, peaks: Peaks = False, as_json: Json = False
) -> int:
    """Print the scores of every detector on the benchmark of 42 scenarios.

    ```
    qingjing watch measure --seed 1 --seed 2
    qingjing watch measure --data watch --json
    qingjing watch measure --peaks --seed 3
    ```
    """
    from qingjing.watch import measure as measures  # here: SciPy costs every command a second

    if peaks:
        return _tell(
            {f"seed {s}": dict(measures.at_peaks(s, SIZES)) for s in seed or (1,)}, as_json
        )
    sources = {f"seed {one}": benchmark(one) for one in seed or (() if data else (1,))}
    if data is not None:
        sources = {str(data): _read(data), **sources}
    return _tell({name: dict(measures.table(made)) for name, made in sources.items()}, as_json)


def _tell(sources: dict[str, dict[str, dict[str, Score]]], as_json: bool) -> int:
    """Print what each source gave, in per cent or as shares."""
    if as_json:
        plain = {
            source: {name: _plain(row) for name, row in scores.items()}
            for source, scores in sources.items()
        }
        say_json({"sources": plain})
        return 0
    for source, scores in sources.items():
        heads = tuple(next(iter(scores.values())))
        rows = [(name, *map(_cell, row.values())) for name, row in scores.items()]
        table(("detector", *heads), rows, f"{source}, %")
    return 0


def _cell(share: Score) -> str:
    return f"{100 * share.value:.2f} ± {100 * share.error:.2f}"


def _plain(row: dict[str, Score]) -> dict[str, dict[str, float]]:
    return {
        name: {"value": round(share.value, 6), "error": round(share.error, 6)}
        for name, share in row.items()
    }


def _read(folder: Path) -> Benchmark:
    """The series of a folder: see docs/watch.md for the columns."""
    try:
        columns = pq.read_table(folder / _SERIES, columns=["y", "y0"])
        with (folder / _TRUTH).open(encoding="utf-8", newline="") as lines:
            truth = list(csv.DictReader(lines))
        counts, quiet = (
            columns[name].to_numpy().astype(np.int64).reshape(-1, WEEKS) for name in ("y", "y0")
        )
        start, end, size = (
            np.array([int(row[name]) for row in truth]) for name in ("ob_start", "ob_end", "k2")
        )
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        remedy = f"give the folder of {_SERIES} and {_TRUTH} (docs/watch.md)"
        raise InputError([Problem(str(folder), "--data", str(error), remedy)]) from error
    if len(truth) != len(counts):
        told = f"{len(counts)} series, and {len(truth)} rows of truth"
        raise InputError([Problem(str(folder), "--data", told, "one row a series")])
    return Benchmark(quiet, counts, start - 1, end - 1, size)
