"""``qingjing scrub``: a campaign's list in, allowed and refused with reasons out."""

from __future__ import annotations

import csv
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from cyclopts import Parameter

from qingjing.desk.entries import About, InputError, Problem, told
from qingjing.desk.ports import U8s
from qingjing.desk.scrub import ALLOWED, Scrub, Scrubbed, reason
from qingjing.doors import feeds
from qingjing.doors.cli import Lang
from qingjing.doors.cli.output import Json, Shared, progress, say, say_json, table
from qingjing.doors.feeds import NumberChunk, NumberFeed
from qingjing.kernel.rules import BY_NAME, RULES

COLUMNS = ("row", "phone", "allowed", "reason")
"""The columns of a result, a Parquet file without ``row``; ``reason`` is a rule's name, empty
where allowed."""

_REASONS = [reason(code) for code in range(1 + len(RULES))]
Write = Callable[[NumberChunk, U8s], None]

_AHEAD: Final = 2
"""Chunks that wait to be judged, and to be written: no processor waits for one slow chunk, and
the list is never in memory as a whole."""


async def scrub(
    file: Annotated[Path, Parameter(help="the list, CSV or Parquet")],
    *,
    out: Annotated[Path, Parameter(help="the result, CSV or Parquet; for its owner alone")],
    sender: Annotated[str, Parameter(help="the party whose campaign it is")],
    category: Annotated[str, Parameter(help="what it sells: retail, finance, ...")],
    at: Annotated[
        str, Parameter(help="when it is to be sent (Beijing time); default: now")
    ] = "",
    phone_column: Annotated[
        str, Parameter(help="default: phone, mobile, 手机号, 号码, ...")
    ] = "",
    as_json: Json = False,
    session: Shared,
) -> int:
    """Scrub a campaign's list: who may be sent to, who not, and why.

    Judges what depends on person and sender alone. The gate judges every message again when it
    is submitted: whoever refuses after the scrub is still left alone. The result has every row
    of the list, with the number as it was written.

    ```
    qingjing scrub list.csv --out result.csv --sender qinghe --category retail
    qingjing scrub list.parquet --out result.parquet --sender qinghe --category retail
      --at "2026-12-12 10:00" --json
    ```
    """
    about = About([], "")
    when = about.moment("at", at) if at else session.now
    if not about.sound:
        raise InputError(about.problems)
    feed = feeds.numbers(file, phone=phone_column)
    async with session.beside() as desk:
        job = Scrub(desk, sender, category, when)
        with progress("numbers", feed.total) as bar:
            for rows in scrub_list(job, feed, out):
                bar.advance(bar.task_ids[0], rows)
    done = job.sum()
    if as_json:
        say_json(done._asdict() | {"at": told(done.at), "out": str(out)})
    else:
        _tell(done, out, session.lang)
    return 0


def scrub_list(job: Scrub, feed: NumberFeed, out: Path) -> Iterator[int]:
    """Judge a list and write the result, the number of rows of each chunk as it goes.

    Chunks are read ahead and written behind the one that is judged.
    """
    with _writer(out) as write, ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as pen:
        read = deque(reader.submit(next, feed.chunks, None) for _ in range(_AHEAD))
        writing = deque[Future[None]]()
        while (chunk := read.popleft().result()) is not None:
            read.append(reader.submit(next, feed.chunks, None))
            codes = job.judge(chunk.phones)
            writing.append(pen.submit(write, chunk, codes))
            if len(writing) > _AHEAD:
                writing.popleft().result()
            yield len(chunk.rows)
        for one in writing:
            one.result()


def _tell(done: Scrubbed, out: Path, lang: Lang) -> None:
    say(
        f"{done.rows} rows: {done.allowed} allowed, {done.held} held, {done.refused} refused",
        f"{done.sender}, {done.category}, for {told(done.at)}, by {done.rulebook}",
        f"ledger at {done.position}; written to {out}",
    )
    rows = [
        (name, count, BY_NAME[name].zh if lang == "zh" else BY_NAME[name].en)
        for name, count in done.reasons.items()
    ]
    if rows:
        table(("reason", "rows", ""), rows)


@contextmanager
def _writer(out: Path) -> Iterator[Write]:
    """Write beside the result and put it in place when it is whole: never half a list."""
    suffix = out.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        remedy = "name a .csv or a .parquet file"
        raise InputError([Problem("", "out", f"{out} is neither", remedy)])
    beside = out.with_name(f".{out.name}.new")
    opener = _parquet if suffix == ".parquet" else _csv
    try:
        with opener(beside) as write:
            yield write
        beside.replace(out)  # not forced to disk before: a list can be judged again
    except OSError as error:
        remedy = "choose a folder that can be written to"
        problem = f"{out} cannot be written: {error.strerror}"
        raise InputError([Problem("", "out", problem, remedy)]) from None
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _csv(path: Path) -> Iterator[Write]:
    with _owned(path, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)

        def write(chunk: NumberChunk, codes: U8s) -> None:
            columns = (chunk.rows.tolist(), chunk.written.to_pylist(), codes.tolist())
            writer.writerows(
                (row, phone, "no" if code else "yes", _REASONS[code])
                for row, phone, code in zip(*columns, strict=True)
            )

        yield write


@contextmanager
def _parquet(path: Path) -> Iterator[Write]:
    """Numbers keep the list's own type; a row's place in the file is its row number."""
    with _owned(path, "wb") as file:
        made: list[Any] = []

        def write(chunk: NumberChunk, codes: U8s) -> None:
            reasons = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(_REASONS))
            columns = [chunk.written, pa.array(np.equal(codes, ALLOWED)), reasons]
            schema = pa.schema([pa.field("phone", chunk.written.type), *_JUDGED])
            batch = pa.record_batch(columns, schema)
            if not made:
                made.append(pq.ParquetWriter(file, schema, **_PARQUET))
            made[0].write_batch(batch)

        yield write
        if not made:
            write(NumberChunk(np.zeros(0, np.int64), pa.array([], pa.string()), _EMPTY), _NONE)
        made[0].close()


_JUDGED: Final = (
    pa.field("allowed", pa.bool_(), nullable=False),
    pa.field("reason", pa.dictionary(pa.uint8(), pa.string()), nullable=False),
)
_PARQUET: Final[dict[str, Any]] = {
    # Numbers of a list hardly repeat, compress or stand in order: none of these is tried.
    "compression": "none",
    "use_dictionary": ["reason"],
    "write_statistics": False,
}
_EMPTY = np.zeros(0, np.uint64)
_NONE = np.zeros(0, np.uint8)


def _owned(path: Path, mode: str, **how: Any) -> TextIO | Any:
    """A new file for its owner alone: it holds numbers."""
    path.unlink(missing_ok=True)
    made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return open(made, mode, **how)
