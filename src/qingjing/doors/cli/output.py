"""What commands say: tables for people, one JSON object for programs, errors with a remedy."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from qingjing.desk.entries import Problem
from qingjing.doors.cli import Session

BAD_INPUT = 2
"""Exit code: what was handed in is wrong, and nothing was written."""
NEGATIVE = 1
"""Exit code: the question was answered with no."""

PROBLEMS_TOLD_MAX = 20
"""Row errors printed for people; ``--json`` gives all that were kept."""

PIPE_WIDTH = 1_000
"""Columns that a table may take where nobody looks at it."""

Json = Annotated[bool, Parameter(name="--json", negative="", help="print one JSON object")]
Shared = Annotated[Session, Parameter(parse=False)]
T = TypeVar("T")


def say(*lines: str) -> None:
    """Plain lines on standard output."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def say_json(value: Mapping[str, Any]) -> None:
    """One JSON object on one line."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def hand_out(data: bytes, out: Path | None) -> None:
    """Bytes into a file, or on standard output. OSError when they cannot be written."""
    if out is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        out.write_bytes(data)


def complain(text: str) -> None:
    """An error, on standard error."""
    sys.stderr.write(f"qingjing: {text}\n")


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """A table on standard output. Cells are text: nothing in them is read as markup."""
    drawn = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for head in heads:
        drawn.add_column(head, overflow="fold")
    for row in rows:
        drawn.add_row(*(_cell(value) for value in row))
    # What goes into a pipe is for a program: a sentence broken over lines is hard to find.
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    Console(markup=False, highlight=False, width=width).print(drawn)


def problems(found: Sequence[Problem], total: int) -> None:
    """Row errors on standard error, the first few."""
    for problem in found[:PROBLEMS_TOLD_MAX]:
        complain(str(problem))
    if total > PROBLEMS_TOLD_MAX:
        complain(f"... and {total - PROBLEMS_TOLD_MAX} rows more; --json tells them")


def problem_objects(found: Iterable[Problem]) -> list[dict[str, str]]:
    """Problems for JSON."""
    return [problem._asdict() for problem in found]


@contextmanager
def progress(what: str, total: int) -> Iterator[Progress]:
    """A progress bar on standard error, gone when done; ``total`` 0 when it is not known."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        bar.add_task(what, total=total or None)
        yield bar


def counted(rows: Iterable[T], bar: Progress) -> Iterator[T]:
    """The rows, the bar moving with them."""
    task = bar.task_ids[0]
    pending = 0
    for row in rows:
        yield row
        pending += 1
        if pending == 1000:  # a call a row would cost more than reading it
            bar.advance(task, pending)
            pending = 0
    bar.advance(task, pending)


def _cell(value: object) -> str:
    return value if isinstance(value, str) else str(value)
