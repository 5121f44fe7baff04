"""The standing index: who consented to which sender, who refused which group or all.

Ordered open addressing (see ``keyhash``): 16 bytes a slot, a key and a word of a row and a
time. Filled to at most two thirds, a standing takes 24 bytes. Several consents of one person
to one sender stand side by side under one key.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from qingjing.kernel.facts import ALL_GROUPS
from qingjing.kernel.fold import ABSENT
from qingjing.ledger.keyhash import (
    LINE,
    RUN_MAX,
    Bools,
    HandleKey,
    U32s,
    U64s,
    add,
    compiled,
    first_of,
    home,
    in_threads,
    kill,
    ordered,
    rehash,
    salt,
    scoped,
)

_CAPACITY_MIN: Final = 1 << 10
TAIL: Final = 1 << 8
"""Slots after the last home: where the runs of the largest keys may end."""
_FILL: Final = 2 / 3
_LINE_WORDS: Final = 2 * int(LINE)
_BULK_MIN: Final = 1 << 12
"""From so many entries on it is cheaper to lay the table anew, in key order, than to insert."""
_U32: Final = np.uint64(32)
_LOW: Final = np.uint64(0xFFFFFFFF)

REFUSED: Final = 1
LIFTED: Final = 0
"""Low words of a refusal's entry; its time is when the person refused."""


class Scopes(Protocol):
    """Sender and group of each message: ``which[i]`` is message i's place in the two lists."""

    @property
    def senders(self) -> Sequence[str]: ...

    @property
    def groups(self) -> Sequence[str]: ...

    @property
    def which(self) -> NDArray[np.intp]: ...


class Slots:
    """One table of (key, word) entries; the word is a u32 in its low half, a time in its high.

    A time of 0 marks an entry as dead. Growing lays the whole table anew: one pass over memory,
    about a second for a hundred million entries.
    """

    def __init__(self) -> None:
        self.slots = _empty(_CAPACITY_MIN)
        self.used = 0

    @property
    def capacity(self) -> int:
        """Homes; a little less than the slots."""
        return len(self.slots) - TAIL

    def put(self, keys: U64s, words: U64s) -> None:
        """Add entries; one with the same key and low word is replaced."""
        if len(keys) >= _BULK_MIN and len(keys) * 4 > self.used:
            self._lay(keys, words)
            return
        while len(keys):
            if self.used + len(keys) > self.capacity * _FILL:
                self._grow(self.used + len(keys))
            done, taken, _revived = add(self.slots, np.uint64(self.capacity), keys, words)
            self.used += int(taken)
            keys, words = keys[done:], words[done:]
            if len(keys):  # a crowd of neighbouring keys ran into the end: more room
                self._grow(int(self.capacity * _FILL * 2))

    def kill(self, key: int) -> None:
        """Mark all entries of a key as dead."""
        kill(self.slots, np.uint64(self.capacity), np.uint64(key))

    def find(self, keys: U64s) -> tuple[U32s, U32s]:
        """Low words and times of the live entries of each key, in columns; ABSENT for none."""
        capacity = np.uint64(self.capacity)
        width = int(widest(self.slots, capacity, keys)) if len(keys) else 0
        low = np.full((len(keys), width), ABSENT, np.uint32)
        times = np.full((len(keys), width), ABSENT, np.uint32)
        if width:

            def work(start: int, stop: int) -> None:
                part = slice(start, stop)
                look(self.slots, capacity, keys[part], low[part], times[part])

            in_threads(work, len(keys))
        return low, times

    def refusals(self, keys: U64s, refused: Bools, ended_s: U32s) -> None:
        """For a table of refusals: mark who refuses, and when a lifted refusal was made."""

        def work(start: int, stop: int) -> None:
            part = slice(start, stop)
            said_no(
                self.slots, np.uint64(self.capacity), keys[part], refused[part], ended_s[part]
            )

        in_threads(work, len(keys))

    def _grow(self, entries: int) -> None:
        """A larger table with the live entries, room for ``entries`` and half as many again."""
        capacity = max(_CAPACITY_MIN, int(entries * 1.5 / _FILL))
        live = int((self.slots[:, 1] >> _U32 != 0).sum())
        self._replace(self.slots, live, capacity)

    def _lay(self, keys: U64s, words: U64s) -> None:
        """Lay the table anew from its live entries and many new ones, in key order."""
        if self.used:
            live = self.slots[self.slots[:, 1] >> _U32 != 0]
            keys = np.concatenate([live[:, 0], keys])
            words = np.concatenate([live[:, 1], words])
        rows = ordered(keys, words)
        # Of one key and row the latest stays: sorted by time, the last of each run is kept.
        rows = rows[latest(rows)]
        self._replace(rows, len(rows), max(_CAPACITY_MIN, int(len(rows) / _FILL) + 1))

    def _replace(self, rows: U64s, live: int, capacity: int) -> None:
        while True:
            slots = _empty(capacity)
            if int(rehash(rows, slots, np.uint64(capacity))) == live:
                self.slots, self.used = slots, live
                return
            capacity += capacity // 8


class Campaign(NamedTuple):
    """What one campaign's list is looked up in: see ``bulk.look_up``."""

    key: HandleKey
    consents: Slots
    refusals: Slots
    everyone: Slots
    salts: U64s


class Index:
    """Consents and refusals, by scope name and keyed handle."""

    def __init__(self, key: HandleKey) -> None:
        self._key = key
        # Refusals of all senders are few: in a table of their own they stay in the cache.
        self._consents, self._refusals, self._everyone = Slots(), Slots(), Slots()
        self._salts: dict[tuple[str, str], int] = {}

    def add(self, handles: U64s, sender: str, row: int | U64s, given_s: U32s) -> None:
        """Consents of many persons to one sender, under one row of terms or a row each."""
        keys = scoped(handles, self._salt("sender", sender))
        times = np.maximum(given_s, 1).astype(np.uint64)
        self._consents.put(keys, np.asarray(row, np.uint64) | (times << _U32))

    def refuse(self, handle: int, group: str, at_s: int) -> None:
        """A refusal of a group, or of all, at a time."""
        self.refuse_many(np.array([handle], np.uint64), group, at_s)

    def refuse_many(self, handles: U64s, group: str, at_s: int) -> None:
        """The same for many persons."""
        keys = scoped(handles, self._salt("group", group))
        words = np.full(len(keys), max(at_s, 1) << 32 | REFUSED, np.uint64)
        self._of(group).put(keys, words)

    def lift(self, handle: int, group: str) -> None:
        """The refusal of that group is taken back. What was agreed before it stays ended: a
        withdrawn consent does not come back with the next one (PIPL §15)."""
        keys = scoped(np.array([handle], np.uint64), self._salt("group", group))
        table = self._of(group)
        _low, times = table.find(keys)
        if times.size:
            table.kill(int(keys[0]))
            latest_s = int(times[times != ABSENT].max())
            table.put(keys, np.array([latest_s << 32 | LIFTED], np.uint64))

    def probe(self, handles: U64s, scopes: Scopes) -> tuple[Bools, U32s, U32s]:
        """Refused, and terms row and time of each candidate consent, a column a candidate."""
        refused, ended_s = np.zeros(len(handles), np.bool_), np.zeros(len(handles), np.uint32)
        if not len(handles):
            none = np.zeros((0, 0), np.uint32)
            return refused, none, none
        which = scopes.which
        groups = self._named("group", scopes.groups)[which]
        self._refusals.refusals(scoped(handles, groups), refused, ended_s)
        if self._everyone.used:
            everyone = scoped(handles, self._salt("group", ALL_GROUPS))
            self._everyone.refusals(everyone, refused, ended_s)
        senders = self._named("sender", scopes.senders)
        terms, given_s = self._consents.find(scoped(handles, senders[which]))
        if terms.size and ended_s.any():
            ended = (given_s <= ended_s[:, None]) & (terms != ABSENT)
            terms[ended] = given_s[ended] = ABSENT
        return refused, terms, given_s

    def campaign(self, sender: str, group: str) -> Campaign:
        """The tables and salts (sender, group, all groups) of one campaign."""
        names = (("sender", sender), ("group", group), ("group", ALL_GROUPS))
        salts = np.array([self._salt(*name) for name in names], np.uint64)
        return Campaign(self._key, self._consents, self._refusals, self._everyone, salts)

    def save(self, folder: Path) -> None:
        """Write all tables."""
        for name, table in self._tables().items():
            np.save(folder / f"{name}.npy", table.slots)

    def load(self, folder: Path) -> None:
        """Read all tables as they were saved.

        Into memory of their own, which the system backs with huge pages: a table that is
        mapped from its file costs a list a tenth more time.
        """
        for name, table in self._tables().items():
            saved = np.load(folder / f"{name}.npy", mmap_mode="r")
            if saved.dtype != np.uint64 or saved.ndim != 2 or len(saved) <= TAIL:
                raise ValueError(f"{name}.npy is no table")
            table.slots = _empty(len(saved) - TAIL)
            table.slots[:] = saved
            table.used = int(taken(table.slots))

    @property
    def standings(self) -> int:
        """Entries of all tables."""
        return sum(table.used for table in self._tables().values())

    @property
    def bytes(self) -> int:
        """Memory of all tables."""
        return sum(table.slots.nbytes for table in self._tables().values())

    def _tables(self) -> dict[str, Slots]:
        return {
            "consents": self._consents,
            "refusals": self._refusals,
            "everyone": self._everyone,
        }

    def _of(self, group: str) -> Slots:
        return self._everyone if group == ALL_GROUPS else self._refusals

    def _named(self, kind: str, names: Sequence[str]) -> U64s:
        return np.array([self._salt(kind, name) for name in names], np.uint64)

    def _salt(self, kind: str, name: str) -> int:
        found = self._salts.get((kind, name))
        if found is None:
            found = self._salts[kind, name] = salt(self._key, kind, name)
        return found


def _empty(capacity: int) -> U64s:
    """Free slots, the first of each line at the head of a line of the cache."""
    size = 2 * (capacity + TAIL)
    words = np.zeros(size + _LINE_WORDS, np.uint64)
    first = -words.ctypes.data // words.itemsize % _LINE_WORDS
    return words[first : first + size].reshape(-1, 2)


@compiled
def latest(rows: Any) -> Any:
    """Which of the rows, in order of key and time, stay: of one key and low word the last."""
    kept = np.ones(rows.shape[0], np.bool_)
    for i in range(rows.shape[0]):
        j = i + 1
        while j < rows.shape[0] and rows[j, 0] == rows[i, 0]:
            if rows[j, 1] & _LOW == rows[i, 1] & _LOW:
                kept[i] = False
                break
            j += 1
    return kept


@compiled
def widest(slots: Any, capacity: Any, keys: Any) -> Any:
    """The most live entries that any key has, at most RUN_MAX."""
    end = np.uint64(slots.shape[0] - 1)
    most = 0
    for i in range(keys.size):
        at = first_of(slots, home(keys[i], capacity), end, keys[i])
        found = 0
        while at < end and slots[at, 0] == keys[i]:
            found += slots[at, 1] >> np.uint64(32) != np.uint64(0)
            at += np.uint64(1)
        most = max(most, found)
    return min(most, RUN_MAX)


@compiled
def look(slots: Any, capacity: Any, keys: Any, low: Any, times: Any) -> None:
    """Fill the columns of each key's live entries."""
    end = np.uint64(slots.shape[0] - 1)
    for i in range(keys.size):
        at = first_of(slots, home(keys[i], capacity), end, keys[i])
        column = 0
        while at < end and slots[at, 0] == keys[i] and column < low.shape[1]:
            time = slots[at, 1] >> np.uint64(32)
            if time != np.uint64(0):
                low[i, column] = slots[at, 1] & _LOW
                times[i, column] = time
                column += 1
            at += np.uint64(1)


@compiled
def said_no(slots: Any, capacity: Any, keys: Any, refused: Any, ended_s: Any) -> None:
    """Mark who refuses, and until when earlier consents ended with a refusal since lifted."""
    end = np.uint64(slots.shape[0] - 1)
    for i in range(keys.size):
        at = first_of(slots, home(keys[i], capacity), end, keys[i])
        while at < end and slots[at, 0] == keys[i]:
            time = slots[at, 1] >> np.uint64(32)
            if time != np.uint64(0):
                if slots[at, 1] & _LOW == np.uint64(REFUSED):
                    refused[i] = True
                else:
                    ended_s[i] = max(ended_s[i], np.uint32(time))
            at += np.uint64(1)


@compiled
def taken(slots: Any) -> Any:
    """How many slots hold an entry, alive or dead."""
    count = 0
    for i in range(slots.shape[0]):
        count += slots[i, 0] != np.uint64(0)
    return count
