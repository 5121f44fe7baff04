"""Rolling counts of marketing messages by (scope, person), exact to the second.

A log of (time, previous row of the same key) with a table from key to its last row. A count
walks the key's chain back to the window's edge: a person's chain is as long as the messages
that it had. Rows older than the longest window asked for are dropped when the log is full.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from qingjing.ledger.keyhash import Bools, HandleKey, U32s, U64s, compiled, salt, scoped

U16s = NDArray[np.uint16]
Places = NDArray[np.intp]

NO_ROW: Final = 0xFFFFFFFF
_ROWS_MIN: Final = 1 << 10


class Tally:
    """The counts. Keys are cap scopes by name, persons by handle."""

    def __init__(self, key: HandleKey) -> None:
        self._key = key
        self._salts: dict[str, int] = {}
        self._window_s = 0
        self._reset(_ROWS_MIN)

    def _reset(self, rows: int) -> None:
        self._rows = 0
        self._times = np.zeros(rows, np.uint32)
        self._previous = np.full(rows, NO_ROW, np.uint32)
        self._owners = np.zeros(rows, np.uint64)
        # Twice as many homes as rows, a power of two: at most half full.
        self._homes = np.zeros(2 * rows, np.uint64)
        self._heads = np.full(2 * rows, NO_ROW, np.uint32)

    def reserve(
        self,
        scopes: Sequence[str],
        which: Places,
        handles: U64s,
        now_s: int,
        window_s: U32s,
        limit: U16s,
        commit: Bools,
    ) -> Bools:
        """Count in order; True where one more is over the limit. A limit of 0 is no cap."""
        over = np.zeros(len(handles), np.bool_)
        if not len(handles):
            return over
        keys = self._keys(scopes, which, handles)
        self._window_s = max(self._window_s, int(window_s.max()))
        self._make_room(int(commit.sum()), now_s)
        self._rows = int(
            reserve(
                self._homes,
                self._heads,
                self._times,
                self._previous,
                self._owners,
                self._rows,
                keys,
                np.uint32(now_s),
                window_s,
                limit,
                commit,
                over,
            )
        )
        return over

    def void(self, scopes: Sequence[str], which: Places, handles: U64s, at_s: U32s) -> None:
        """Give back one message of each (scope, person) counted at that second."""
        if len(handles):
            keys = self._keys(scopes, which, handles)
            void(self._homes, self._heads, self._times, self._previous, keys, at_s)

    def save(self, folder: Path) -> None:
        """Write the log; the table is rebuilt from it."""
        rows = slice(0, self._rows)
        np.savez(
            folder / "tally.npz",
            times=self._times[rows],
            owners=self._owners[rows],
            window_s=np.array([self._window_s]),
        )

    def load(self, folder: Path) -> None:
        """Read a saved log. OSError or ValueError when it is damaged."""
        try:
            # Opened here: numpy leaves a file that is no archive open.
            with (folder / "tally.npz").open("rb") as file, np.load(file) as saved:
                window_s, owners, times = (saved[x] for x in ("window_s", "owners", "times"))
        except (BadZipFile, EOFError, KeyError, TypeError) as error:
            raise ValueError(f"tally.npz is no log: {error}") from None
        kinds = (owners.dtype, times.dtype, owners.shape, window_s.size)
        if kinds != (np.dtype(np.uint64), np.dtype(np.uint32), times.shape, 1):
            raise ValueError("tally.npz is no log of keys and times")
        self._window_s = int(window_s[0])
        self._fill(owners, times)

    @property
    def rows(self) -> int:
        """Messages in the log, also those that no window reaches any more."""
        return self._rows

    def _fill(self, owners: U64s, times: U32s) -> None:
        rows = _ROWS_MIN
        while rows < 2 * len(owners):
            rows *= 2
        self._reset(rows)
        self._rows = int(
            refill(
                self._homes,
                self._heads,
                self._times,
                self._previous,
                self._owners,
                owners,
                times,
            )
        )

    def _make_room(self, count: int, now_s: int) -> None:
        """Drop what no window reaches any more, and double when that is not enough."""
        if self._rows + count <= len(self._times):
            return
        owners, times = self._owners[: self._rows], self._times[: self._rows]
        kept = times.astype(np.int64) > now_s - self._window_s
        owners, times = owners[kept], times[kept]
        pad = max(count, len(owners))  # so that the next doubling is as far away again
        self._fill(np.concatenate([owners, np.zeros(pad, np.uint64)]), _padded(times, pad))

    def _keys(self, scopes: Sequence[str], which: Places, handles: U64s) -> U64s:
        salts = np.array([self._salt(name) for name in scopes], np.uint64)
        return scoped(handles, salts[which])

    def _salt(self, name: str) -> int:
        found = self._salts.get(name)
        if found is None:
            found = self._salts[name] = salt(self._key, "cap", name)
        return found


def _padded(times: U32s, pad: int) -> U32s:
    return np.concatenate([times, np.zeros(pad, np.uint32)])


@compiled
def place(homes: Any, key: Any) -> Any:
    """The home of a key, or the free one where it would stand."""
    mask = np.uint64(homes.shape[0] - 1)
    at = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20) & mask
    while homes[at] != np.uint64(0) and homes[at] != key:
        at = (at + np.uint64(1)) & mask
    return at


@compiled
def append(
    homes: Any,
    heads: Any,
    times: Any,
    previous: Any,
    owners: Any,
    row: Any,
    at: Any,
    key: Any,
    time: Any,
) -> None:
    """Add one row to a key's chain."""
    homes[at] = key
    times[row] = time
    previous[row] = heads[at]
    owners[row] = key
    heads[at] = row


@compiled
def reserve(
    homes: Any,
    heads: Any,
    times: Any,
    previous: Any,
    owners: Any,
    rows: Any,
    keys: Any,
    now_s: Any,
    window_s: Any,
    limit: Any,
    commit: Any,
    over: Any,
) -> Any:
    """Count and add in order; the number of rows after."""
    for i in range(keys.size):
        at = place(homes, keys[i])
        if limit[i]:
            count = 0
            row = heads[at]
            while row != NO_ROW and count < limit[i]:
                # A time of 0 was given back.
                if times[row] and np.int64(times[row]) > np.int64(now_s) - np.int64(
                    window_s[i]
                ):
                    count += 1
                row = previous[row]
            over[i] = count >= limit[i]
        if commit[i] and not over[i]:
            append(homes, heads, times, previous, owners, rows, at, keys[i], now_s)
            rows += 1
    return rows


@compiled
def refill(
    homes: Any, heads: Any, times: Any, previous: Any, owners: Any, keys: Any, stamps: Any
) -> Any:
    """Add saved rows in order, without those that were given back; the number of rows."""
    rows = 0
    for i in range(keys.size):
        if stamps[i]:
            at = place(homes, keys[i])
            append(homes, heads, times, previous, owners, rows, at, keys[i], stamps[i])
            rows += 1
    return rows


@compiled
def void(homes: Any, heads: Any, times: Any, previous: Any, keys: Any, at_s: Any) -> None:
    """Mark the latest row of each key with that time as given back."""
    for i in range(keys.size):
        row = heads[place(homes, keys[i])]
        while row != NO_ROW:
            if times[row] == at_s[i]:
                times[row] = 0
                break
            row = previous[row]
