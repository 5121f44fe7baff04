"""Lists of claims, CSV or Parquet, read in columns for ``desk.claims``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from qingjing.desk.claims import PER_ROW, Batch
from qingjing.desk.entries import Problem
from qingjing.doors import feeds
from qingjing.doors.feeds import GIVEN_NAMES, PHONE_NAMES, FeedError

NAMES: Final = {
    "act": ("act", "how", "行为", "同意方式"),
    "wording": ("wording", "文本", "文案版本"),
    "shown": ("shown", "proof", "展示证据", "证据"),
    "term_days": ("term_days", "期限", "有效天数"),
    "per_count": ("per_count", "频次"),
    "per_days": ("per_days", "频次天数"),
}
"""Headings of the terms that a row may have of its own."""

BLOCK: Final = 8 << 20
"""Bytes of CSV read at once: some hundred thousand rows."""


def batches(path: Path, *, phone: str = "", given_at: str = "") -> Iterator[Batch | Problem]:
    """The claims of a file, batch by batch; FeedError when it cannot be used.

    A row that cannot be taken apart is told as a problem. A CSV file's header is row 1.
    """
    parquet = feeds.is_parquet(path)
    names = feeds.parquet_of(path).schema_arrow.names if parquet else feeds.header_of(path)
    columns = {
        "phone": feeds.column_of(path, names, "phone", phone, PHONE_NAMES),
        "given_at": feeds.column_of(path, names, "given_at", given_at, GIVEN_NAMES),
    }
    for field in PER_ROW:
        found = [name for name in names if name.strip().lower() in NAMES[field]]
        if len(found) > 1:
            raise FeedError(f"{path}: several columns for {field}: {found}; leave one")
        if found:
            columns[field] = found[0]
    row = 1 if parquet else 2
    try:
        for found in _parquet(path, columns) if parquet else _csv(path, columns):
            if isinstance(found, Problem):
                row += 1
                yield found
                continue
            rows = np.arange(row, row + found.num_rows, dtype=np.int64)
            row += found.num_rows
            chunk = feeds.numbers_of(rows, found.column(columns["phone"]))
            terms: dict[str, Any] = {
                x: found.column(columns[x]) for x in PER_ROW if x in columns
            }
            yield Batch(rows, chunk.phones, found.column(columns["given_at"]), terms)
    except (OSError, pa.ArrowException) as error:
        raise FeedError(f"{path} is damaged after row {row - 1}: {error}") from None


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal; FeedError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise feeds.unreadable(path, error) from None


def _parquet(path: Path, columns: dict[str, str]) -> Iterator[Any]:
    yield from pq.ParquetFile(path).iter_batches(feeds.LIST_ROWS, columns=[*columns.values()])


def _csv(path: Path, columns: dict[str, str]) -> Iterator[Any]:
    bad: list[Problem] = []

    def skip(row: Any) -> str:
        what = f"a row has {row.actual_columns} cells instead of {row.expected_columns}"
        bad.append(Problem("", "", what, "complete the row, and quote cells that hold a comma"))
        return "skip"

    with pc.open_csv(
        path,
        pc.ReadOptions(block_size=BLOCK, encoding=feeds.encoding_of(path)),
        pc.ParseOptions(invalid_row_handler=skip, newlines_in_values=True),
        pc.ConvertOptions(
            include_columns=[*columns.values()],
            column_types=dict.fromkeys(columns.values(), pa.string()),
        ),
    ) as reader:
        for batch in reader:
            yield from bad
            bad.clear()
            yield batch
    yield from bad
