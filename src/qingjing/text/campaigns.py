"""One campaign found again under other signatures, on other ports, and slightly reworded.

A text's core is what it says without signature, notice and variables. Equal cores are one
template and meet by their key. Of templates that are new, MinHash (Broder 1997) proposes pairs
and the exact Jaccard similarity of their shingles decides. Cores are added one at a time or in
batches, in any order; nothing that was found is ever forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final, cast

import numba
import numpy as np
from numpy.typing import NDArray

from qingjing.text.parts import Parts, body_range, take_apart
from qingjing.text.similar import SIMILAR_AT, skeleton

BANDS: Final = 48
ROWS: Final = 4
"""A pair as similar as ``SIMILAR_AT`` is missed with probability (1 - .7^4)^48 = 2e-6."""

_SIZE: Final = 3
_HASHES: Final = BANDS * ROWS

Shingles = NDArray[np.uint64]


def core(body: str) -> str:
    """What a message says, its signature, notice and variables aside."""
    return core_of(take_apart(body))


def core_of(parts: Parts) -> str:
    """The core of a message that is taken apart already."""
    text = parts.normal.text
    return skeleton("".join([text[start:end] for start, end in body_range(parts)]))


def shingles_of(cores: Sequence[str]) -> list[Shingles]:
    """The distinct 3-grams of each core, as sorted numbers; a shorter core is its own."""
    points, starts = _points(cores)
    packed, ends = _pack(points, starts)
    return [
        packed[start:end]
        for start, end in zip(starts[:-1].tolist(), ends.tolist(), strict=True)
    ]


def signatures(cores: Sequence[str]) -> NDArray[np.uint32]:
    """The MinHash signature of each core, one row a core."""
    points, starts = _points(cores)
    packed, ends = _pack(points, starts)
    return cast("NDArray[np.uint32]", _minhash(packed, starts, ends, _seeds()))


def similarity(a: Shingles, b: Shingles) -> float:
    """The exact Jaccard similarity of two sorted shingle sets; two empty ones are equal."""
    return float(_jaccard(a, b))


class Campaigns:
    """Clusters of cores. A cluster's number is that of its first core, and the smallest."""

    def __init__(self, similar_at: float = SIMILAR_AT) -> None:
        self._similar_at = similar_at
        self._keys: dict[bytes, int] = {}
        self._parents: list[int] = []
        self._shingles: list[Shingles] = []
        self._bands: dict[int, list[int]] = {}

    def __len__(self) -> int:
        """How many distinct cores are known."""
        return len(self._parents)

    def add(self, body: str) -> int:
        """Add a message; the number of its cluster as of now."""
        return self.add_cores([core(body)])[0]

    def add_cores(self, cores: Sequence[str]) -> list[int]:
        """Add cores; their clusters once all are added."""
        places: list[int] = []
        fresh: list[str] = []
        for one in cores:
            key = blake2b(one.encode("utf-8", "surrogatepass"), digest_size=16).digest()
            place = self._keys.get(key)
            if place is None:
                place = self._keys[key] = len(self._parents) + len(fresh)
                fresh.append(one)
            places.append(place)
        if fresh:
            self._place(fresh)
        return [self.cluster(place) for place in places]

    def cluster(self, place: int) -> int:
        """The cluster that a core belongs to, by the number that it was given."""
        parents = self._parents
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    def _place(self, fresh: list[str]) -> None:
        """Find a home for new cores."""
        bands = _band_keys(signatures(fresh)).tolist()
        for found, keys in zip(shingles_of(fresh), bands, strict=True):
            place = len(self._parents)
            self._parents.append(place)
            self._shingles.append(found)
            tried: set[int] = set()
            for key in keys:
                others = self._bands.setdefault(key, [])
                for other in others:
                    if other not in tried and self.cluster(other) != self.cluster(place):
                        tried.add(other)
                        if similarity(found, self._shingles[other]) >= self._similar_at:
                            self._join(other, place)
                others.append(place)

    def _join(self, a: int, b: int) -> None:
        """Make one cluster of two; the smaller number stays."""
        first, second = sorted((self.cluster(a), self.cluster(b)))
        self._parents[second] = first


def _points(cores: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """All cores as code points, one after the other, and where each begins."""
    joined = "".join(cores).encode("utf-32-le", "surrogatepass")
    starts = np.zeros(len(cores) + 1, dtype=np.int64)
    np.cumsum([len(one) for one in cores], out=starts[1:])
    return np.frombuffer(joined, dtype=np.uint32), starts


def _seeds() -> NDArray[np.uint32]:
    """Multipliers and addends of the hash functions: fixed for ever, odd multipliers."""
    chance = np.random.Generator(np.random.PCG64(12321))
    seeds = chance.integers(1, 1 << 32, size=(2, _HASHES), dtype=np.uint32)
    seeds[0] |= np.uint32(1)
    return seeds


@numba.njit(cache=True, nogil=True)
def _pack(points: Any, starts: Any) -> Any:  # pragma: no cover - compiled
    """Each core's distinct 3-grams, sorted, at its own start; and where they end.

    Three code points of 21 bits are one number: what is equal is the same text.
    """
    packed = np.zeros(len(points), dtype=np.uint64)
    ends = np.zeros(len(starts) - 1, dtype=np.int64)
    for text in range(len(starts) - 1):
        first, last = starts[text], starts[text + 1]
        count = 0
        if last - first < 3 and last > first:
            value = np.uint64(0)
            for place in range(first, last):
                value = (value << np.uint64(21)) | np.uint64(points[place])
            packed[first] = value
            count = 1
        for place in range(first, last - 2):
            packed[first + count] = (
                (np.uint64(points[place]) << np.uint64(42))
                | (np.uint64(points[place + 1]) << np.uint64(21))
                | np.uint64(points[place + 2])
            )
            count += 1
        piece = packed[first : first + count]
        piece.sort()
        kept = min(count, 1)
        for place in range(1, count):
            if piece[place] != piece[kept - 1]:
                piece[kept] = piece[place]
                kept += 1
        ends[text] = first + kept
    return packed, ends


@numba.njit(cache=True, nogil=True)
def _minhash(packed: Any, starts: Any, ends: Any, seeds: Any) -> Any:  # pragma: no cover
    """The smallest value of every hash function over each core's 3-grams."""
    count, width = len(ends), seeds.shape[1]
    found = np.full((count, width), np.uint32(0xFFFFFFFF), dtype=np.uint32)
    for text in range(count):
        for place in range(starts[text], ends[text]):
            value = packed[place]
            value = (value ^ (value >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
            short = np.uint32(value >> np.uint64(32))
            for at in range(width):
                hashed = np.uint32(np.uint32(short * seeds[0, at]) + seeds[1, at])
                found[text, at] = min(
                    found[text, at], np.uint32(hashed ^ (hashed >> np.uint32(15)))
                )
    return found


def _band_keys(signed: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """One 64-bit key for each band of each signature."""
    rows = signed.reshape(len(signed), BANDS, ROWS).astype(np.uint64)
    keys = np.arange(BANDS, dtype=np.uint64)[None, :] * np.uint64(0xD6E8FEB86659FD93)
    for at in range(ROWS):
        keys = (keys ^ rows[:, :, at]) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
    return keys


@numba.njit(cache=True, nogil=True)
def _jaccard(a: Any, b: Any) -> Any:  # pragma: no cover - compiled
    """Shared elements over all elements of two sorted sets."""
    at, other, shared = 0, 0, 0
    while at < len(a) and other < len(b):
        if a[at] == b[other]:
            shared += 1
            at += 1
            other += 1
        elif a[at] < b[other]:
            at += 1
        else:
            other += 1
    union = len(a) + len(b) - shared
    return shared / union if union else 1.0
