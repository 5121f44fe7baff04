"""The standing index: who consented to whom and who refused whom, probed in batches.

Two tables of slots. *Consents* are keyed by (sender, person) and hold a row of the terms table
and the time at which the consent was given; *refusals* are keyed by (group, person), with
``ALL_GROUPS`` as a group of its own that every probe looks at too. Keys are ``keyhash.scoped``:
the files alone cannot be enumerated.

A slot takes 16 bytes. Both tables can be folded anew from the facts at any time; the files
only make a restart quick.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from qingjing.kernel.facts import ALL_GROUPS
from qingjing.kernel.fold import ABSENT
from qingjing.ledger.keyhash import (
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
    rehash,
    salt,
    scoped,
)

_CAPACITY_MIN: Final = 1024
_TAIL: Final = 256  # slots past the last home, for what spills over; the very last stays empty
_FILL: Final = 2 / 3  # share of slots in use above which a table grows
_BULK_MIN: Final = 4096  # from here on entries go in by key: neighbours share the cache
_U32: Final = np.uint64(32)
_LOW: Final = np.uint64(0xFFFFFFFF)


class Scopes(Protocol):
    """Sender and group of each message: ``which[i]`` is message i's place in the two lists."""

    @property
    def senders(self) -> Sequence[str]:
        """The senders."""
        ...

    @property
    def groups(self) -> Sequence[str]:
        """The groups, in step with the senders."""
        ...

    @property
    def which(self) -> NDArray[np.intp]:
        """The place of each message."""
        ...


class Slots:
    """An ordered open-addressing table: u64[capacity + tail, 2].

    A slot holds the key (0 is empty) and a word: a value in the lower half, epoch seconds in
    the upper. A time of 0 marks a dead entry, which keeps its place until the table grows. A
    key stands with up to ``RUN_MAX`` different values; one more takes the place of the oldest.
    """

    def __init__(self, slots: U64s | None = None, used: int = 0) -> None:
        """Empty, or saved slots of which ``used`` are taken."""
        self.slots = _empty(_CAPACITY_MIN) if slots is None else slots
        self.used = used

    @property
    def capacity(self) -> int:
        """The number of homes."""
        return int(self.slots.shape[0]) - _TAIL

    def put(self, keys: U64s, words: U64s) -> None:
        """Add entries u64[n]; of two with equal key and value the later one counts."""
        if keys.size >= _BULK_MIN:
            self._lay(keys, words)
            return
        done = 0
        while done < keys.size:
            left = keys.size - done
            if self.used + left > _FILL * self.capacity:
                self._grow(left)
            capacity = np.uint64(self.capacity)
            count, taken, _revived = add(self.slots, capacity, keys[done:], words[done:])
            done += count
            self.used += taken
            if done < keys.size:  # the tail is full: rare, and any larger table will do
                self._grow(self.capacity)

    def kill(self, key: int) -> None:
        """Mark all entries of a key dead."""
        kill(self.slots, np.uint64(self.capacity), np.uint64(key))

    def has(self, keys: U64s) -> Bools:
        """Which keys have a live entry, bool[n]."""
        out = np.zeros(keys.size, np.bool_)
        capacity = np.uint64(self.capacity)

        def work(start: int, stop: int) -> None:
            there(self.slots, capacity, keys[start:stop], out[start:stop])

        in_threads(work, keys.size)
        return out

    def find(self, keys: U64s) -> tuple[U32s, U32s]:
        """The values and times of each key's live entries, both u32[n, k].

        k is as many as any of the keys has, at least 1; ``ABSENT`` where there is none.
        """
        capacity = np.uint64(self.capacity)

        def measure(start: int, stop: int) -> int:
            return int(widest(self.slots, capacity, keys[start:stop]))

        width = min(max(1, *in_threads(measure, keys.size)), RUN_MAX)
        low = np.full((keys.size, width), ABSENT, np.uint32)
        times = np.full((keys.size, width), ABSENT, np.uint32)

        def work(start: int, stop: int) -> None:
            look(self.slots, capacity, keys[start:stop], low[start:stop], times[start:stop])

        in_threads(work, keys.size)
        return low, times

    def _lay(self, keys: U64s, words: U64s) -> None:
        """Add many entries in the order of the table, a stretch at a time."""
        order = np.argsort(keys, kind="stable")
        self._grow(keys.size)
        for start in range(0, keys.size, _BULK_MIN - 1):
            part = order[start : start + _BULK_MIN - 1]
            self.put(keys[part], words[part])

    def _grow(self, entries: int) -> None:
        """Make room for more entries: drop dead ones, then add half as much again or more."""
        live = int(np.count_nonzero(self.slots[:, 1] > _LOW))
        capacity = max(self.capacity, _CAPACITY_MIN)
        while live + entries > _FILL * capacity:
            capacity = max(int(1.5 * capacity), int((live + entries) / _FILL) + 1)
        slots = _empty(capacity)
        while rehash(self.slots, slots, np.uint64(capacity)) < live:
            capacity = int(1.5 * capacity)
            slots = _empty(capacity)
        self.slots, self.used = slots, live


class Index:
    """Consents and refusals of one ledger, under one handle key."""

    def __init__(self, key: HandleKey) -> None:
        """Nobody has consented, nobody has refused."""
        self._key = key
        self._salts: dict[tuple[str, str], int] = {}
        self._consents = Slots()
        self._refusals = Slots()

    @property
    def standings(self) -> int:
        """How many entries there are, those counted that wait to be dropped."""
        return self._consents.used + self._refusals.used

    @property
    def bytes(self) -> int:
        """The size of both tables."""
        return sum(table.slots.nbytes for table in self._tables().values())

    def add(self, handles: U64s, sender: str, row: int, given_s: U32s) -> None:
        """Enter consents of persons to a sender, under a row of terms, given at these times.

        ``row`` may also be an array with a row for each person.
        """
        times = np.maximum(given_s, np.uint32(1)).astype(np.uint64)
        words = (times << _U32) | np.asarray(row, np.uint64)
        self._consents.put(self._keys(handles, "sender", sender), words)

    def refuse(self, handle: int, group: str) -> None:
        """Enter a refusal towards a group."""
        key = self._keys(np.array([handle], np.uint64), "group", group)
        self._refusals.put(key, np.array([1 << 32], np.uint64))

    def lift(self, handle: int, group: str) -> None:
        """Take a refusal towards this group back, and no other."""
        key = self._keys(np.array([handle], np.uint64), "group", group)
        self._refusals.kill(int(key[0]))

    def probe(self, handles: U64s, scopes: Scopes) -> tuple[Bools, U32s, U32s]:
        """Who has refused, bool[n], and the candidate consents: rows of terms and times.

        The last two are u32[n, k] as in ``Slots.find``, in no particular order.
        """
        groups = self._named("group", scopes.groups)[scopes.which]
        senders = self._named("sender", scopes.senders)[scopes.which]
        refused = self._refusals.has(scoped(handles, groups))
        refused |= self._refusals.has(self._keys(handles, "group", ALL_GROUPS))
        rows, given_s = self._consents.find(scoped(handles, senders))
        return refused, rows, given_s

    def save(self, folder: Path) -> None:
        """Write both tables to files in a folder."""
        for name, table in self._tables().items():
            np.save(folder / f"{name}.npy", table.slots)

    def load(self, folder: Path) -> None:
        """Map saved tables; later changes stay in memory. OSError, ValueError when damaged."""
        for name, table in self._tables().items():
            slots = np.load(folder / f"{name}.npy", mmap_mode="c")
            if slots.dtype != np.uint64 or slots.ndim != 2 or slots.shape[1] != 2:
                raise ValueError(f"{name}.npy holds no slots")
            if slots.shape[0] < _CAPACITY_MIN + _TAIL:
                raise ValueError(f"{name}.npy has {slots.shape[0]} slots only")
            table.slots = slots.view(np.ndarray)
            table.used = int(taken(table.slots))

    def _tables(self) -> dict[str, Slots]:
        return {"consents": self._consents, "refusals": self._refusals}

    def _keys(self, handles: U64s, kind: str, name: str) -> U64s:
        return scoped(handles, self._salt(kind, name))

    def _named(self, kind: str, names: Sequence[str]) -> U64s:
        return np.array([self._salt(kind, name) for name in names], np.uint64)

    def _salt(self, kind: str, name: str) -> int:
        found = self._salts.get((kind, name))
        if found is None:
            found = self._salts[kind, name] = salt(self._key, kind, name)
        return found


def _empty(capacity: int) -> U64s:
    return np.zeros((capacity + _TAIL, 2), np.uint64)


@compiled
def widest(slots: Any, capacity: Any, keys: Any) -> Any:
    """The most live entries that any of the keys has."""
    last = slots.shape[0] - 1
    most = 0
    for i in range(keys.size):
        at = first_of(slots, home(keys[i], capacity), np.uint64(last), keys[i])
        found = 0
        while at < last and slots[at, 0] == keys[i]:
            found += (slots[at, 1] >> _U32) != 0
            at += np.uint64(1)
        most = max(most, found)
    return most


@compiled
def look(slots: Any, capacity: Any, keys: Any, low: Any, times: Any) -> None:
    """Write the live entries of each key to its row, as many as there are columns."""
    last = slots.shape[0] - 1
    for i in range(keys.size):
        at = first_of(slots, home(keys[i], capacity), np.uint64(last), keys[i])
        column = 0
        while at < last and slots[at, 0] == keys[i] and column < low.shape[1]:
            if (slots[at, 1] >> _U32) != 0:
                low[i, column] = slots[at, 1] & _LOW
                times[i, column] = slots[at, 1] >> _U32
                column += 1
            at += np.uint64(1)


@compiled
def there(slots: Any, capacity: Any, keys: Any, out: Any) -> None:
    """Mark the keys that have a live entry."""
    last = slots.shape[0] - 1
    for i in range(keys.size):
        at = first_of(slots, home(keys[i], capacity), np.uint64(last), keys[i])
        while at < last and slots[at, 0] == keys[i]:
            if (slots[at, 1] >> _U32) != 0:
                out[i] = True
                break
            at += np.uint64(1)


@compiled
def taken(slots: Any) -> Any:
    """How many slots hold an entry, alive or dead."""
    count = 0
    for i in range(slots.shape[0]):
        count += slots[i, 0] != 0
    return count
