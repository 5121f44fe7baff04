"""Rolling counts of marketing messages to each person, exact to the second.

A log of (time, person, mark, previous row of the same person) with a table from a person to the
last row. A mark names the scopes that a message counts under, one for each cap; one walk back
along the person's chain answers all caps at once. A chain is as long as the messages that the
person had. Rows older than the longest window asked for are dropped when the log is full.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from qingjing.ledger.keyhash import Bools, U32s, U64s, compiled

U16s = NDArray[np.uint16]
Places = NDArray[np.intp]
CapScopes = tuple[str, str, str]

CAPS: Final = 3
NO_ROW: Final = 0xFFFFFFFF
_ROWS_MIN: Final = 1 << 10
_MARKS_MIN: Final = 64
_COLUMNS: Final = {"times": np.uint32, "owners": np.uint64, "marks": np.uint32}


class Tally:
    """The counts. Scopes are named; persons are handles."""

    def __init__(self) -> None:
        self._window_s = 0
        self._names: dict[str, int] = {}
        self._marks: dict[CapScopes, int] = {}
        self._scopes = np.zeros((_MARKS_MIN, CAPS), np.uint32)
        self._reset(_ROWS_MIN)

    def _reset(self, rows: int) -> None:
        self._rows = 0
        self._times = np.zeros(rows, np.uint32)
        self._previous = np.full(rows, NO_ROW, np.uint32)
        self._owners = np.zeros(rows, np.uint64)
        self._row_marks = np.zeros(rows, np.uint32)
        # Twice as many homes as rows, a power of two: at most half full.
        self._homes = np.zeros(2 * rows, np.uint64)
        self._heads = np.full(2 * rows, NO_ROW, np.uint32)

    def reserve(
        self,
        uses: Sequence[CapScopes],
        which: Places,
        handles: U64s,
        now_s: int,
        window_s: U32s,
        most: U16s,
        binding: Bools,
        commit: Bools,
    ) -> Bools:
        """Count in order; a row a cap, True where one more is over it.

        ``uses[which[i]]`` are the scopes of message i; ``window_s`` and ``most`` have a row a
        cap. A most of 0 is no cap. A message of ``commit`` counts under every scope unless it
        is over a cap that is ``binding``.
        """
        over = np.zeros((CAPS, len(handles)), np.bool_)
        if not len(handles):
            return over
        self._window_s = max(self._window_s, int(window_s.max()))
        self._make_room(int(commit.sum()), now_s)
        marks = np.array([self._mark(scopes) for scopes in uses], np.uint32)[which]
        self._rows = int(
            reserve(
                (self._homes, self._heads),
                (self._times, self._previous, self._owners, self._row_marks),
                self._rows,
                self._scopes,
                handles,
                marks,
                np.uint32(now_s),
                window_s,
                most,
                binding,
                commit,
                over,
            )
        )
        return over

    def void(self, uses: Sequence[CapScopes], which: Places, handles: U64s, at_s: U32s) -> None:
        """Give back one message of each person under these scopes counted at that second."""
        if len(handles):
            marks = np.array([self._mark(scopes) for scopes in uses], np.uint32)[which]
            void(
                (self._homes, self._heads),
                (self._times, self._previous, self._owners, self._row_marks),
                handles,
                marks,
                at_s,
            )

    def save(self, folder: Path) -> None:
        """Write the log; the table is rebuilt from it."""
        rows = slice(0, self._rows)
        np.savez(
            folder / "tally.npz",
            times=self._times[rows],
            owners=self._owners[rows],
            marks=self._row_marks[rows],
            scopes=np.array([*self._marks], dtype=np.str_).reshape(-1, CAPS),
            window_s=np.array([self._window_s]),
        )

    def load(self, folder: Path) -> None:
        """Read a saved log. OSError or ValueError when it is damaged."""
        try:
            # Opened here: numpy leaves a file that is no archive open.
            with (folder / "tally.npz").open("rb") as file, np.load(file) as saved:
                columns = [saved[name] for name in _COLUMNS]
                scopes, window_s = saved["scopes"], saved["window_s"]
        except (BadZipFile, EOFError, KeyError, TypeError) as error:
            raise ValueError(f"tally.npz is no log: {error}") from None
        fits = all(
            column.dtype == kind and column.shape == columns[0].shape
            for column, kind in zip(columns, _COLUMNS.values(), strict=True)
        )
        times, owners, marks = columns
        fits = fits and window_s.size == 1 and scopes.shape[1:] == (CAPS,)
        if not fits or (marks.size and int(marks.max()) > len(scopes)):
            raise ValueError("tally.npz is no log of persons, times and scopes")
        self._window_s = int(window_s[0])
        for first, second, third in scopes.tolist():
            self._mark((first, second, third))
        self._fill(owners, times, marks)

    @property
    def rows(self) -> int:
        """Messages in the log, also those that no window reaches any more."""
        return self._rows

    def _fill(self, owners: U64s, times: U32s, marks: U32s, room: int = 0) -> None:
        """Start anew with these rows, and room for as many more or for ``room``."""
        rows = _ROWS_MIN
        while rows < len(owners) + max(len(owners), room):
            rows *= 2
        self._reset(rows)
        columns = (self._times, self._previous, self._owners, self._row_marks)
        self._rows = int(refill((self._homes, self._heads), columns, owners, times, marks))

    def _make_room(self, count: int, now_s: int) -> None:
        """Drop what no window reaches any more, and grow when that is not enough."""
        if self._rows + count <= len(self._times):
            return
        rows = slice(0, self._rows)
        owners, times, marks = self._owners[rows], self._times[rows], self._row_marks[rows]
        kept = times.astype(np.int64) > now_s - self._window_s
        self._fill(owners[kept], times[kept], marks[kept], count)

    def _mark(self, scopes: CapScopes) -> int:
        """The number of a message's scopes; 0 is none's."""
        found = self._marks.get(scopes)
        if found is None:
            found = self._marks[scopes] = len(self._marks) + 1
            if found == len(self._scopes):
                self._scopes = np.concatenate([self._scopes, np.zeros_like(self._scopes)])
            names = self._names
            self._scopes[found] = [names.setdefault(x, len(names) + 1) for x in scopes]
        return found


@compiled
def place(homes: Any, key: Any) -> Any:
    """The home of a key, or the free one where it would stand."""
    mask = np.uint64(homes.shape[0] - 1)
    at = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20) & mask
    while homes[at] != np.uint64(0) and homes[at] != key:
        at = (at + np.uint64(1)) & mask
    return at


@compiled
def append(table: Any, log: Any, row: Any, at: Any, key: Any, time: Any, mark: Any) -> None:
    """Add one row to a person's chain."""
    homes, heads = table
    times, previous, owners, marks = log
    homes[at] = key
    times[row] = time
    previous[row] = heads[at]
    owners[row] = key
    marks[row] = mark
    heads[at] = row


@compiled
def reserve(
    table: Any,
    log: Any,
    rows: Any,
    scopes: Any,
    handles: Any,
    uses: Any,
    now_s: Any,
    window_s: Any,
    most: Any,
    binding: Any,
    commit: Any,
    over: Any,
) -> Any:
    """Count and add in order; the number of rows after.

    A chain is walked to its end: its times need not fall, for a clock may have been set back.
    """
    homes, heads = table
    times, previous, _owners, marks = log
    counts = np.zeros(CAPS, np.int64)
    for i in range(handles.size):
        at = place(homes, handles[i])
        counts[:] = 0
        row = heads[at]
        while row != NO_ROW:
            age = np.int64(now_s) - np.int64(times[row])
            for cap in range(CAPS):
                same = scopes[marks[row], cap] == scopes[uses[i], cap]
                # A time of 0 was given back.
                if times[row] and same and age < np.int64(window_s[cap, i]):
                    counts[cap] += 1
            row = previous[row]
        stopped = False
        for cap in range(CAPS):
            over[cap, i] = most[cap, i] and counts[cap] >= most[cap, i]
            stopped = stopped or (over[cap, i] and binding[cap])
        if commit[i] and not stopped:
            append(table, log, rows, at, handles[i], now_s, uses[i])
            rows += 1
    return rows


@compiled
def refill(table: Any, log: Any, keys: Any, stamps: Any, uses: Any) -> Any:
    """Add saved rows in order, without those that were given back; the number of rows."""
    rows = 0
    for i in range(keys.size):
        if stamps[i]:
            at = place(table[0], keys[i])
            append(table, log, rows, at, keys[i], stamps[i], uses[i])
            rows += 1
    return rows


@compiled
def void(table: Any, log: Any, keys: Any, uses: Any, at_s: Any) -> None:
    """Mark the latest row of each person with that time and mark as given back."""
    homes, heads = table
    times, previous, _owners, marks = log
    for i in range(keys.size):
        row = heads[place(homes, keys[i])]
        while row != NO_ROW:
            if times[row] == at_s[i] and marks[row] == uses[i]:
                times[row] = 0
                break
            row = previous[row]
