"""Bulk scrub of a file: a campaign's list in, the allowed and the refused numbers out.

The list is Parquet or CSV and as long as it likes: it goes through in batches, in its order,
one being read and one being written while one is judged (which itself runs on two threads). So
memory is a few batches, whatever the list. The results have their names only when they are
whole and on the disk.

What is judged, and by which rules, is the caller's: see ``desk.scrub``. ``with_map`` lets a
``scopemap.ScopeMap`` answer first and the exact index where the map asks back.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from qingjing.kernel.words import mask
from qingjing.ledger.keyhash import U64s, compiled
from qingjing.ledger.scopemap import ASK, ScopeMap

U8s = NDArray[np.uint8]
Judge = Callable[[U64s], U8s]
"""The code of each number: 0 for allowed, any other is a place in the reasons. A number of 0
stands for one that is no Chinese mobile number."""
LookUp = Callable[[U64s], tuple[U8s, U8s]]
"""A ``GroundsState`` and a ``NumberState`` for each number."""

DUPLICATE: Final = "duplicate"
"""The reason of a number that the list has allowed before."""

BATCH_ROWS: Final = 1 << 20
"""Rows at once: some tens of megabytes, and enough work for two threads."""

PROBLEMS_MAX: Final = 1000
"""Problems that are told one by one: more are counted, nobody reads them."""

CODEC: Final = "none"
"""Of Parquet results. Numbers hardly compress: lz4 and snappy make a file of 170 MB one of 136
and take a fifth longer for the whole scrub (20 M numbers: 1.7 and 1.65 s instead of 1.4 s)."""

_FIRST: Final = 13_000_000_000
_LAST: Final = 19_999_999_999
_COUNTRY: Final = 8_600_000_000_000
_PHONE: Final = r"^(?:\+86|0086|86)?(1[3-9][0-9]{9})$"
_CSV_BLOCK: Final = 16 << 20
_SYNC_STEP: Final = 32 << 20  # so that little is left to be waited for at the end


class ScrubError(Exception):
    """A list or a result that cannot be used at all; the text names file and remedy."""


class Problem(NamedTuple):
    """A row that holds no number: which one, what stands there, masked, and what is wrong.

    Rows count as a spreadsheet shows them: a CSV file's header is row 1. A Parquet file has no
    header, its first row is row 1.
    """

    row: int
    value: str
    problem: str


class Done(NamedTuple):
    """The sum. ``rows`` = ``allowed`` + ``refused`` + ``broken``; ``invalid`` are the refused
    that are no number; ``broken`` CSV rows have another number of cells than the header."""

    rows: int
    allowed: int
    refused: int
    invalid: int
    broken: int
    reasons: dict[str, int]
    problems: tuple[Problem, ...]


def with_map(answers: ScopeMap, exact: LookUp, now_s: int) -> LookUp:
    """A look-up by the map, and by the exact index where the map asks back. Both must be of
    one scope and position. ValueError at a call when ``now_s`` is not in the map's span."""

    def look_up(phones: U64s) -> tuple[U8s, U8s]:
        grounds, number = answers.look_up(phones, now_s), np.zeros(phones.size, np.uint8)
        asking = np.flatnonzero(grounds == ASK)
        if asking.size:
            grounds[asking], number[asking] = exact(phones[asking])
        return grounds, number

    return look_up


def scrub(
    source: Path,
    allowed: Path,
    refused: Path,
    judge: Judge,
    reasons: Sequence[str],
    *,
    column: str = "phone",
    encoding: str = "utf-8",
    once: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Done:
    """Judge every row of ``source`` and write it to one of the two results, in its order.

    ``allowed`` has one column ``phone``, ``refused`` also ``reason``; a number stands as it was
    written. Each file is Parquet or CSV by its ending. ``reasons`` are names by code; ``once``
    refuses what was allowed before in this list (``DUPLICATE``; takes up to 0.9 GB).
    ``progress`` is told the rows of each batch. ScrubError when a file cannot be used: then no
    result is written, and older ones stay.
    """
    if len({path.absolute() for path in (source, allowed, refused)}) < 3:
        raise ScrubError(f"{source}, {allowed} and {refused} must be three files")
    names = [*reasons, DUPLICATE]
    count = _Count(len(names))
    seen = np.zeros(((_LAST - _FIRST) >> 6) + 1, np.uint64) if once else None
    with ExitStack() as stack:
        feed = stack.enter_context(_source(source, column, encoding, count.broken))
        pool = stack.enter_context(ThreadPoolExecutor(3))
        write = stack.enter_context(_results(allowed, refused, names, pool))
        writing: Future[None] | None = None
        reading = pool.submit(_next, feed, source)
        try:
            while (batch := reading.result()) is not None:
                reading = pool.submit(_next, feed, source)
                codes = judge(batch.phones)
                if seen is not None:
                    once_only(seen, batch.phones, codes, np.uint8(len(reasons)))
                count.add(batch, codes)
                if writing is not None:
                    writing.result()
                writing = pool.submit(write, batch.written, codes)
                if progress is not None:
                    progress(codes.size)
            if writing is not None:
                writing.result()
        finally:  # no file may be closed under a thread that works on it
            wait([reading])
            wait([] if writing is None else [writing])
    return count.done(names, 2 if _is_csv(source) else 1)


class _Batch(NamedTuple):
    """Some rows as they were written, and as integers (0 where that is no number)."""

    written: Any
    phones: U64s


class _Count:
    """What comes of a list, and the rows that are wrong."""

    def __init__(self, codes: int) -> None:
        self._codes = np.zeros(codes, np.int64)
        self._rows = self._invalid = 0
        self._problems: list[tuple[int, str]] = []
        self.broken: list[tuple[int, str]] = []

    def add(self, batch: _Batch, codes: U8s) -> None:
        self._codes += np.bincount(codes, minlength=self._codes.size)
        wrong = np.flatnonzero(batch.phones == 0)
        self._invalid += wrong.size
        for place in wrong[: PROBLEMS_MAX - len(self._problems)].tolist():
            text = mask(str(batch.written[place].as_py() or ""))
            self._problems.append((self._rows + place, text))
        self._rows += codes.size

    def done(self, names: Sequence[str], first: int) -> Done:
        """The sum, row numbers counting from ``first`` and over broken rows too."""
        counts = self._codes.tolist()
        broken = sorted(row for row, _problem in self.broken)
        # The k-th good row stands behind as many broken rows as have fewer than k good before.
        before = [row - first - place for place, row in enumerate(broken)]
        problems = [
            Problem(good + first + bisect_right(before, good), value, "no mainland mobile")
            for good, value in self._problems
        ]
        problems += [Problem(row, "", problem) for row, problem in self.broken[:PROBLEMS_MAX]]
        return Done(
            rows=self._rows + len(broken),
            allowed=counts[0],
            refused=self._rows - counts[0],
            invalid=self._invalid,
            broken=len(broken),
            reasons={n: c for n, c in zip(names[1:], counts[1:], strict=True) if c},
            problems=tuple(sorted(problems)[:PROBLEMS_MAX]),
        )


@compiled
def once_only(seen: Any, phones: Any, codes: Any, duplicate: Any) -> None:
    """Give ``duplicate`` to what is allowed a second time; ``seen`` has a bit a number."""
    for i in range(phones.size):
        if codes[i] == 0:
            place = phones[i] - np.uint64(_FIRST)
            bit = np.uint64(1) << (place & np.uint64(63))
            if seen[place >> np.uint64(6)] & bit:
                codes[i] = duplicate
            else:
                seen[place >> np.uint64(6)] |= bit


def _next(feed: Iterator[Any], source: Path) -> _Batch | None:
    try:
        column = next(feed, None)
        return None if column is None else _Batch(column, numbers(column))
    except (OSError, pa.ArrowException) as error:
        raise ScrubError(f"{source} cannot be read on: {error}; export it anew") from None


def _is_csv(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise ScrubError(f"{path} is neither .csv nor .parquet; name one of these")
    return suffix == ".csv"


@contextmanager
def _source(
    path: Path, column: str, encoding: str, broken: list[tuple[int, str]]
) -> Iterator[Iterator[Any]]:
    """The list's column, an Arrow array a batch."""
    try:
        opener = _csv_source(path, column, encoding, broken) if _is_csv(path) else None
        with opener or pq.ParquetFile(path) as file:
            names = file.schema.names if opener else file.schema_arrow.names
            if column not in names:
                raise ScrubError(f"{path} has no column {column!r}, but {', '.join(names)}")
            batches = file if opener else file.iter_batches(BATCH_ROWS, columns=[column])
            yield (batch.column(0) for batch in batches if batch.num_rows)
    except (OSError, LookupError, pa.ArrowException) as error:
        raise ScrubError(f"{path} cannot be read: {error}; check the path") from None


def _csv_source(path: Path, column: str, encoding: str, broken: list[tuple[int, str]]) -> Any:
    def skip(row: Any) -> str:
        problem = f"has {row.actual_columns} cells instead of {row.expected_columns}"
        broken.append((row.number, problem))
        return "skip"

    convert = pcsv.ConvertOptions(
        include_columns=[column], column_types={column: pa.string()}, strings_can_be_null=False
    )
    # One thread: rows then have numbers, and reading is overlapped with judging anyway.
    how = pcsv.ReadOptions(use_threads=False, block_size=_CSV_BLOCK, encoding=encoding)
    parse = pcsv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip)
    try:
        return pcsv.open_csv(path, how, parse, convert)
    except KeyError:
        raise ScrubError(
            f"{path} has no column {column!r}; name the one with numbers"
        ) from None


def numbers(written: Any) -> U64s:
    """A column of numbers, whatever its type, as u64[n]; 0 where there is no mainland mobile
    number. Texts and integers may have the country's code before them. ScrubError for a type
    that cannot hold numbers."""
    kind = written.type
    if pa.types.is_dictionary(kind):
        return numbers(written.cast(kind.value_type))
    if pa.types.is_floating(kind):  # as spreadsheets export them
        plain = written.to_numpy(zero_copy_only=False).astype(np.float64)
        whole = (plain >= _FIRST) & (plain <= _COUNTRY + _LAST) & (plain == np.floor(plain))
        return _mobile(np.where(whole, plain, 0).astype(np.int64))
    if pa.types.is_integer(kind):
        filled = written.fill_null(0) if written.null_count else written
        return _mobile(filled.to_numpy().astype(np.int64, copy=False))
    try:
        texts = pc.utf8_trim_whitespace(pc.fill_null(pc.cast(written, pa.string()), ""))
    except pa.ArrowException:
        raise ScrubError(f"a column of {kind} holds no numbers; make it text") from None
    sizes = pc.utf8_length(texts)
    if pc.all(pc.and_(pc.ascii_is_decimal(texts), pc.equal(sizes, 11))).as_py():
        return _mobile(pc.cast(texts, pa.int64()).to_numpy())
    digits = pc.replace_substring_regex(texts, _PHONE, r"\1")
    valid = pc.match_substring_regex(digits, r"^1[3-9][0-9]{9}$")
    phones: U64s = pc.cast(pc.if_else(valid, digits, "0"), pa.uint64()).to_numpy()
    return phones


def _mobile(plain: NDArray[np.int64]) -> U64s:
    """Integers that are numbers, the country's code taken off; 0 for others."""
    if plain.size and plain.min() >= _FIRST and plain.max() <= _LAST:
        return plain.view(np.uint64)
    bare = np.where(plain >= _COUNTRY + _FIRST, plain - _COUNTRY, plain)
    return np.where((bare >= _FIRST) & (bare <= _LAST), bare, 0).astype(np.uint64)


@contextmanager
def _results(
    allowed: Path, refused: Path, names: Sequence[str], pool: ThreadPoolExecutor
) -> Iterator[Callable[[Any, U8s], None]]:
    """Both results, in place at the end of the block and only if it ends well. ``pool`` brings
    onto the disk what is written while more is being written."""
    texts = pa.array(names, pa.string())
    with ExitStack() as stack:
        files = list[_Result]()
        for path in (allowed, refused):
            files.append(_Result(path, pool))
            stack.callback(files[-1].drop)

        def write(written: Any, codes: U8s) -> None:
            good = pa.array(codes == 0)
            files[0].write([written.filter(good)])
            bad = pa.array(codes).filter(pc.invert(good))
            reasons = pa.DictionaryArray.from_arrays(bad, texts)
            files[1].write([written.filter(pc.invert(good)), reasons])

        yield write
        try:
            for file, width in zip(files, (1, 2), strict=True):
                file.finish(width)
            for file in files:
                file.place()
        except OSError as error:
            raise ScrubError(f"the results cannot be written: {error}") from None


class _Result:
    """A file beside its final name, for its owner alone: it holds numbers."""

    def __init__(self, path: Path, pool: ThreadPoolExecutor) -> None:
        self._path, self._csv, self._pool = path, _is_csv(path), pool
        self._syncing: Future[None] | None = None
        self._synced = 0
        self._beside = path.with_name(f".{path.name}.new")
        self._beside.unlink(missing_ok=True)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            self._file = os.fdopen(os.open(self._beside, flags, 0o600), "wb")
        except OSError as error:
            raise ScrubError(f"{path} cannot be written: {error.strerror}") from None
        self._writer: Any = None

    def write(self, columns: list[Any]) -> None:
        """Add rows: numbers, and reasons if there are two columns."""
        names = ["phone", "reason"][: len(columns)]
        if self._csv:
            columns = [column.cast(pa.string()) for column in columns]
        batch = pa.record_batch(columns, names=names)
        if self._writer is None:
            self._writer = self._opened(batch.schema)
        try:
            self._writer.write_batch(batch)
        except OSError as error:
            raise ScrubError(f"{self._path} cannot be written: {error.strerror}") from None
        if self._file.tell() >= self._synced + _SYNC_STEP and self._settled():
            self._synced = self._file.tell()
            self._syncing = self._pool.submit(os.fdatasync, self._file.fileno())

    def _settled(self) -> bool:
        return self._syncing is None or self._syncing.done()

    def _opened(self, schema: Any) -> Any:
        if self._csv:
            options = pcsv.WriteOptions(quoting_style="needed")
            return pcsv.CSVWriter(self._file, schema, write_options=options)
        # Numbers hardly repeat: a dictionary of them is time and no gain.
        how = {"compression": CODEC, "use_dictionary": ["reason"]}
        return pq.ParquetWriter(self._file, schema, **how)

    def finish(self, width: int) -> None:
        """Everything onto the disk; an empty list makes a file with a header of ``width``."""
        if self._writer is None:
            self.write([pa.array([], pa.string())] * width)
        self._writer.close()
        if self._syncing is not None:
            self._syncing.result()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def place(self) -> None:
        """Under the final name."""
        self._beside.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def drop(self) -> None:
        """Whatever did not come to its end."""
        if self._syncing is not None:
            wait([self._syncing])  # the file's number must not be closed under it
        self._file.close()
        self._beside.unlink(missing_ok=True)
