"""What is rare, in plain dictionaries beside the index: unclear replies, askings, numbers.

Memory: about 85 bytes a person in a set of handles, one set for each group (and topic), and
about 190 bytes a noted number. A million askings are 85 MB.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from qingjing.kernel.words import Category, NumberState

U64s = NDArray[np.uint64]
Bools = NDArray[np.bool_]


class Noted(NamedTuple):
    """A number's state, and the position at which earlier consents fell with it (0: none)."""

    state: NumberState
    fallen: int


class _Saved(msgspec.Struct, frozen=True, array_like=True):
    """The file: handles, states and positions as little-endian arrays."""

    unclear: list[tuple[str, bytes]]
    asked: list[tuple[str, int, bytes]]
    numbers: bytes
    states: bytes
    fallen: bytes


class Rare:
    """The sets."""

    def __init__(self) -> None:
        self._unclear: dict[str, set[int]] = {}
        self._asked: dict[tuple[str, int], set[int]] = {}
        self._numbers: dict[int, Noted] = {}
        self._odd: dict[str, U64s] = {}

    def noted(self, handles: U64s) -> list[int]:
        """Places of the handles of which something is noted."""
        if not self._numbers:
            return []
        return np.flatnonzero(_among(handles, self._numbers)).tolist()

    def number(self, handle: int) -> Noted:
        """What is noted of a number: OK when nothing is."""
        return self._numbers.get(handle, _OK)

    def note_number(self, handle: int, state: NumberState, position: int) -> None:
        """Note a number's state; unless it is OK, earlier consents fall at this position."""
        fallen = self.number(handle).fallen if state is NumberState.OK else position
        self._numbers[handle] = Noted(state, fallen)
        self._odd.clear()

    def hear(self, handle: int, group: str, *, unclear: bool) -> None:
        """A word of a person to a group: an unclear one holds, any other ends the hold."""
        if unclear:
            self._unclear.setdefault(group, set()).add(handle)
        else:
            self._unclear.get(group, set()).discard(handle)
        self._odd.clear()

    def unclear(self, handles: U64s, groups: Sequence[str], which: NDArray[np.intp]) -> Bools:
        """Does an unclear reply hold each of these, ``which`` being places in ``groups``?"""
        found = np.zeros(handles.size, np.bool_)
        for place, group in enumerate(groups):
            held = self._unclear.get(group)
            if held:
                here = np.flatnonzero(which == place)
                found[here] = _among(handles[here], held)
        return found

    def ask(self, handles: U64s, groups: Sequence[str], topics: U64s) -> None:
        """Remember askings."""
        keys = zip(handles.tolist(), groups, topics.tolist(), strict=True)
        for handle, group, topic in keys:
            self._asked.setdefault((group, topic), set()).add(handle)

    def asked(self, handles: U64s, groups: Sequence[str], topics: U64s) -> Bools:
        """Was each of these asked before? Of what nobody knows (OTHER), and before it was
        known what an asking is about, any topic of the group counts as the same."""
        keys = zip(handles.tolist(), groups, topics.tolist(), strict=True)
        found = [self._was(handle, group, topic) for handle, group, topic in keys]
        return np.array(found, dtype=np.bool_)

    def _was(self, handle: int, group: str, topic: int) -> bool:
        if topic != Category.OTHER:
            return any(
                handle in self._asked.get((group, x), ()) for x in (topic, Category.OTHER)
            )
        return any(handle in held for (asker, _), held in self._asked.items() if asker == group)

    def odd(self, handles: U64s, group: str) -> NDArray[np.intp]:
        """Places of the handles that stand in some set that matters to a group's marketing."""
        held = self._odd.get(group)
        if held is None:
            both = self._unclear.get(group, set()) | self._numbers.keys()
            held = self._odd[group] = np.fromiter(both, np.uint64, len(both))
        return _places(handles, held)

    def any_odd(self, group: str) -> bool:
        """Is there any such handle?"""
        return bool(self._numbers or self._unclear.get(group))

    def save(self, path: Path) -> None:
        """Write everything to one file."""
        numbers = sorted(self._numbers)
        noted = [self._numbers[handle] for handle in numbers]
        saved = _Saved(
            unclear=[(group, _packed(held)) for group, held in sorted(self._unclear.items())],
            asked=[(*key, _packed(held)) for key, held in sorted(self._asked.items())],
            numbers=np.array(numbers, dtype="<u8").tobytes(),
            states=np.array([one.state for one in noted], dtype="u1").tobytes(),
            fallen=np.array([one.fallen for one in noted], dtype="<u8").tobytes(),
        )
        path.write_bytes(msgspec.msgpack.encode(saved))

    @classmethod
    def load(cls, path: Path) -> Rare:
        """Read what ``save`` wrote; ValueError or msgspec.MsgspecError when it is damaged."""
        saved = msgspec.msgpack.decode(path.read_bytes(), type=_Saved)
        rare = cls()
        rare._unclear = {group: _unpacked(held) for group, held in saved.unclear}
        rare._asked = {(group, topic): _unpacked(held) for group, topic, held in saved.asked}
        columns = (
            np.frombuffer(saved.numbers, "<u8").tolist(),
            np.frombuffer(saved.states, "u1").tolist(),
            np.frombuffer(saved.fallen, "<u8").tolist(),
        )
        for handle, state, fallen in zip(*columns, strict=True):
            rare._numbers[handle] = Noted(NumberState(state), fallen)
        return rare


_OK: Final = Noted(NumberState.OK, 0)
_MANY: Final = 1 << 14
_SPARSE_BITS: Final = 4  # at most one mark in sixteen is set
_TABLE_BITS_MAX: Final = 24  # 16 MB: a larger table would not stay in the cache


def _among(handles: U64s, held: Collection[int]) -> Bools:
    """Which handles are held: one by one, or for a list to be scrubbed all at once."""
    if handles.size < _MANY:
        return np.array([handle in held for handle in handles.tolist()], dtype=np.bool_)
    found = np.zeros(handles.size, np.bool_)
    found[_places(handles, np.fromiter(held, np.uint64, len(held)))] = True
    return found


def _places(handles: U64s, held: U64s) -> NDArray[np.intp]:
    """Places of the handles that are held. Most of a list are not: they have other upper bits
    than any that is, and one look at a small table says so."""
    down = np.uint64(64 - min(held.size.bit_length() + _SPARSE_BITS, _TABLE_BITS_MAX))
    marks = np.zeros(1 << 64 - int(down), np.bool_)
    marks[held >> down] = True
    maybe = np.flatnonzero(marks.take(handles >> down))
    return maybe[np.isin(handles[maybe], held)]


def _packed(handles: set[int]) -> bytes:
    return np.array(sorted(handles), dtype="<u8").tobytes()


def _unpacked(data: bytes) -> set[int]:
    return set(np.frombuffer(data, "<u8").tolist())
