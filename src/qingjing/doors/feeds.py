"""Feeds: files that others made, read row by row into what the desk takes.

CSV (UTF-8, with or without a mark, or GB18030 as Chinese spreadsheets write it), Parquet and
TOML. Row numbers are those that a spreadsheet shows: a CSV file's header is row 1. A Parquet
file has no header, its first row is row 1.
"""

from __future__ import annotations

import codecs
import csv
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, get_origin

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from qingjing.desk.consent import Row
from qingjing.desk.entries import TABLES, Problem

PHONE_NAMES: Final = (
    "phone",
    "phone_number",
    "mobile",
    "msisdn",
    "tel",
    "手机号",
    "手机号码",
    "手机",
    "号码",
    "电话",
)
GIVEN_NAMES: Final = (
    "given_at",
    "consented_at",
    "consent_time",
    "time",
    "同意时间",
    "授权时间",
    "时间",
)
"""Headings that are taken for a column, whatever their case, when none was named."""

BATCH_ROWS: Final = 1 << 16
"""Parquet rows held at once: a few megabytes."""

LIST_ROWS: Final = 1 << 20
"""Rows of a list judged at once: some tens of megabytes, and enough for two threads."""

PHONE_MIN: Final = 13_000_000_000
PHONE_MAX: Final = 19_999_999_999

_READ_SIZE: Final = 1 << 20


class FeedError(Exception):
    """A file that cannot be used at all; the text names file, column and remedy."""


class PairFeed(NamedTuple):
    """Rows of a file of two columns. ``total`` is their number, 0 when only the end tells it.

    ``ignored`` are columns that nothing was read from.
    """

    rows: Iterator[Row]
    total: int
    ignored: tuple[str, ...]


def consents(path: Path, *, phone: str = "", given_at: str = "") -> PairFeed:
    """Open a consent file, CSV or Parquet; columns are guessed unless they are named."""
    return pairs(path, ("phone", phone, PHONE_NAMES), ("given_at", given_at, GIVEN_NAMES))


def pairs(
    path: Path,
    first: tuple[str, str, Sequence[str]],
    second: tuple[str, str, Sequence[str]],
) -> PairFeed:
    """Open a file of two columns, CSV or Parquet.

    Each column is what it means, its name if it was named, and the headings that it may have.
    """
    if is_parquet(path):
        file = parquet_of(path)
        names = file.schema_arrow.names
        columns = [column_of(path, names, *which) for which in (first, second)]
        rows = _parquet_rows(path, file, columns)
        return PairFeed(rows, file.metadata.num_rows, _others(names, columns))
    names = header_of(path)
    columns = [column_of(path, names, *which) for which in (first, second)]
    places = [names.index(column) for column in columns]
    return PairFeed(map(_pair, _csv_rows(path, places)), 0, _others(names, columns))


class NumberChunk(NamedTuple):
    """Some rows of a list: row numbers, the numbers as written, and as integers.

    ``written`` is an Arrow array, of text or of whole numbers as the list has them. ``phones``
    is 0 where what is written is no Chinese mobile number.
    """

    rows: NDArray[np.int64]
    written: Any
    phones: NDArray[np.uint64]


class NumberFeed(NamedTuple):
    """The chunks of a list of numbers; ``total`` is 0 when it is known at the end alone."""

    chunks: Iterator[NumberChunk]
    total: int


def numbers(path: Path, *, phone: str = "") -> NumberFeed:
    """Open a list of numbers, CSV or Parquet; the column is guessed unless it is named.

    Every row is in it, also one without a number: a list's rows are counted, none is lost.
    """
    if is_parquet(path):
        file = parquet_of(path)
        column = column_of(path, file.schema_arrow.names, "phone", phone, PHONE_NAMES)
        return NumberFeed(_parquet_numbers(path, file, column), file.metadata.num_rows)
    names = header_of(path)
    place = names.index(column_of(path, names, "phone", phone, PHONE_NAMES))
    return NumberFeed(_csv_numbers(path, place), 0)


def text(path: Path) -> str:
    """The text of a UTF-8 file, without the line end that editors add."""
    try:
        return path.read_text("utf-8-sig").rstrip("\n")
    except OSError as error:
        raise unreadable(path, error) from None
    except UnicodeDecodeError:
        raise FeedError(f"{path} is not UTF-8; save it as UTF-8") from None


def register_file(path: Path, table: str = "") -> Mapping[str, Any]:
    """A register description: a TOML file, or one table of it as CSV.

    A CSV file's table is ``table``, else the file's own name (``parties.csv``). Cells that list
    several names part them by semicolons; an empty cell leaves its field out.
    """
    if path.suffix.lower() == ".toml":
        try:
            return tomllib.loads(text(path))
        except tomllib.TOMLDecodeError as error:
            remedy = "see docs/register.example.toml"
            raise FeedError(f"{path} is not TOML: {error}; {remedy}") from None
    name = table or path.stem.lower()
    if name not in TABLES:
        known = ", ".join(TABLES)
        raise FeedError(f"{path}: {name!r} is no table of the register; name one of {known}")
    lists = {
        field.encode_name
        for field in msgspec.structs.fields(TABLES[name])
        if get_origin(field.type) is tuple
    }
    with _opened(path) as file:
        rows = list(csv.DictReader(file, restkey="more cells than the header"))
    return {name: [_entry(row, lists) for row in rows]}


def form(path: Path) -> list[dict[str, Any]]:
    """The rows of a CSV form, by its own heads. FeedError when it cannot be read."""
    with _opened(path) as file:
        return list(csv.DictReader(file, restkey="more cells than the header"))


def _entry(row: Mapping[str | Any, Any], lists: set[str]) -> dict[str, Any]:
    """One CSV row as a TOML entry would be; what it has too much of stays, to be told."""
    entry: dict[str, Any] = {}
    for name, cell in row.items():
        if not isinstance(cell, str):
            if cell is not None:
                entry[name] = cell
        elif cell.strip():
            parts = cell.replace("；", ";").split(";")
            entry[name.strip()] = (
                [part.strip() for part in parts if part.strip()]
                if name.strip() in lists
                else cell.strip()
            )
    return entry


def is_parquet(path: Path) -> bool:
    """Parquet, or else CSV, by the file's ending."""
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise FeedError(f"{path}: {suffix or 'no ending'} is neither .csv nor .parquet")
    return suffix == ".parquet"


def parquet_of(path: Path) -> Any:
    """An opened Parquet file."""
    try:
        return pq.ParquetFile(path)
    except OSError as error:
        raise unreadable(path, error) from None
    except pa.ArrowException as error:
        raise FeedError(f"{path} is not Parquet: {error}; write it anew") from None


def column_of(
    path: Path, names: Sequence[str], field: str, named: str, guesses: Iterable[str]
) -> str:
    """The column for a field: the one that was named, else the only one with a known name."""
    option = f"--{field.replace('_', '-')}-column"
    there = ", ".join(map(repr, names)) or "none"
    if named:
        if named not in names:
            raise FeedError(f"{path} has no column {named!r}; {option} must be one of {there}")
        return named
    known = set(guesses)
    found = [name for name in names if name.strip().lower() in known]
    if len(found) != 1:
        problem = "several columns" if found else "no column"
        raise FeedError(f"{path}: {problem} for {field} among {there}; name it with {option}")
    return found[0]


def _others(names: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in columns)


def _parquet_rows(path: Path, file: Any, columns: list[str]) -> Iterator[Row]:
    number = 0
    try:
        for batch in file.iter_batches(BATCH_ROWS, columns=columns):
            phones, times = (_texts(batch.column(name)) for name in columns)
            for phone, given_at in zip(phones, times, strict=True):
                number += 1
                yield number, phone, given_at
    except (OSError, pa.ArrowException) as error:
        raise FeedError(f"{path} is damaged after row {number}: {error}") from None


def _texts(column: Any) -> list[str]:
    """A column as texts; nothing becomes an empty text, and 13800138000.0 is a number still."""
    return [
        ""
        if value is None
        else str(int(value))
        if isinstance(value, float) and value.is_integer()
        else str(value)
        for value in column.to_pylist()
    ]


def _parquet_numbers(path: Path, file: Any, column: str) -> Iterator[NumberChunk]:
    first = 1
    try:
        for batch in file.iter_batches(LIST_ROWS, columns=[column]):
            last = first + batch.num_rows
            yield numbers_of(np.arange(first, last), batch.column(0))
            first = last
    except (OSError, pa.ArrowException) as error:
        raise FeedError(f"{path} is damaged after row {first - 1}: {error}") from None


def numbers_of(rows: NDArray[np.int64], written: Any) -> NumberChunk:
    """The numbers of a column: whole numbers as they are, anything else as text."""
    if not pa.types.is_integer(written.type):
        return _chunk(rows, pa.array(_texts(written), pa.string()))
    plain = pc.fill_null(written, 0) if written.null_count else written
    values = plain.to_numpy()
    # Outside the mobile range, or with the country's code before it: as text, which knows both.
    if values.size and (values.min() < PHONE_MIN or values.max() > PHONE_MAX):
        return NumberChunk(rows, written, _chunk(rows, pc.cast(plain, pa.string())).phones)
    return NumberChunk(rows, written, values.astype(np.uint64, copy=False))


def _csv_numbers(path: Path, place: int) -> Iterator[NumberChunk]:
    rows, written = list[int](), list[str]()
    for row in _csv_rows(path, [place]):
        number, cells = (row.row, ("",)) if isinstance(row, _HalfRow) else row
        rows.append(number)
        written.append(cells[0])
        if len(rows) == BATCH_ROWS:
            yield _chunk(np.array(rows), pa.array(written, pa.string()))
            rows, written = [], []
    if rows:
        yield _chunk(np.array(rows), pa.array(written, pa.string()))


def _chunk(rows: NDArray[np.int64], written: Any) -> NumberChunk:
    """The numbers of a chunk of texts, read at once: ``Phone.parse`` over a column."""
    texts = pc.utf8_trim_whitespace(written)
    digits = pc.replace_substring_regex(texts, r"^(?:\+86|0086|86)?(1[3-9][0-9]{9})$", r"\1")
    valid = pc.match_substring_regex(digits, r"^1[3-9][0-9]{9}$")
    phones = pc.cast(pc.if_else(valid, digits, "0"), pa.uint64()).to_numpy()
    return NumberChunk(rows, written, phones)


class _HalfRow(NamedTuple):
    """A CSV row that cannot be taken apart as its header says."""

    row: int
    problem: str
    remedy: str


def _pair(row: _HalfRow | tuple[int, tuple[str, ...]]) -> Row:
    if isinstance(row, _HalfRow):
        return Problem(f"row {row.row}", "", row.problem, row.remedy)
    number, (phone, given_at) = row
    return number, phone, given_at


def _csv_rows(
    path: Path, places: list[int]
) -> Iterator[_HalfRow | tuple[int, tuple[str, ...]]]:
    """The cells at these places of every row, with its number."""
    with _opened(path) as file:
        reader = csv.reader(file, strict=True)
        width = len(next(reader))
        number = 1
        try:
            for cells in reader:
                number += 1
                if len(cells) == width:
                    yield number, tuple(cells[place] for place in places)
                elif cells:
                    problem = f"has {len(cells)} cells instead of {width}"
                    remedy = "complete the row, and quote cells that hold a comma"
                    yield _HalfRow(number, problem, remedy)
        except csv.Error as error:
            # A quote that never closes swallows the rest of the file: no row after it is sure.
            remedy = "close the quote; no row from here on was read"
            yield _HalfRow(number + 1, str(error), remedy)


def header_of(path: Path) -> list[str]:
    """The column names of a CSV file."""
    with _opened(path) as file:
        names = next(csv.reader(file), [])
    if len(set(names)) < len(names):
        raise FeedError(f"{path}: two columns have one name: {names}; rename one")
    return names


def _opened(path: Path) -> Any:
    try:
        return path.open(encoding=encoding_of(path), newline="")
    except OSError as error:
        raise unreadable(path, error) from None


def encoding_of(path: Path) -> str:
    """The encoding in which the whole file decodes: UTF-8 before GB18030."""
    for encoding in ("utf-8-sig", "gb18030"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with path.open("rb") as file:
                while data := file.read(_READ_SIZE):
                    decoder.decode(data)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    raise FeedError(f"{path} is neither UTF-8 nor GB18030; save it as UTF-8")


def unreadable(path: Path, error: OSError) -> FeedError:
    """What to say of a file that does not open."""
    return FeedError(f"{path} cannot be read: {error.strerror or error}; check the path")
