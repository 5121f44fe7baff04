"""A log in columns, and what a day of it comes to: one cell for what is alike, with counts.

Detectors look at cells, never at messages: twenty million messages are some hundred thousand
cells. Texts are known by their family, persons by a hash of which a fixed share is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qingjing.kernel.words import Category, Kind

KEYS: Final = (
    "port",
    "signature",
    "sender",
    "provider",
    "kind",
    "category",
    "family",
    "domain",
    "verdict",
)
"""What two messages share that are counted together."""
SUMS: Final = ("n", "replies", "refusals", "complaints", "minutes")
VERDICTS: Final = ("pass", "hold", "refuse", "fail")
REFUSED: Final = VERDICTS.index("refuse")
"""``fail`` is technical: a busy network refuses nobody."""

_DAY_MS: Final = 86_400_000
_BEIJING_MS: Final = 8 * 3_600_000
_EPOCH: Final = 719_163
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)

Ints = NDArray[np.int64]
Cells = dict[str, Ints]


class Rows(NamedTuple):
    """Messages in columns. ``codes`` has every key: kinds, categories and verdicts by their
    number, families by their key, all else as codes of ``Names``. ``at`` in epoch ms."""

    at: Ints
    row: Ints
    codes: Mapping[str, Ints]
    person: NDArray[np.uint64]
    reply: NDArray[np.bool_]
    refusal: NDArray[np.bool_]
    complaints: Ints


class Names:
    """Words to small numbers, one table for all columns, for the life of a watch."""

    def __init__(self) -> None:
        """The empty word is 0."""
        self.words: list[str] = [""]
        self._codes: dict[str, int] = {"": 0}

    def codes(self, words: Sequence[str | None]) -> Ints:
        """The code of each word; of None as of the empty one."""
        found = np.empty(len(words), np.int64)
        for place, word in enumerate(words):
            code = self._codes.get(word or "")
            if code is None:
                code = self._codes[word or ""] = len(self.words)
                self.words.append(word or "")
            found[place] = code
        return found


class Cell(NamedTuple):
    """Messages of a day that are alike. Times in epoch ms; ``row`` is the first one's."""

    port: str
    signature: str
    sender: str
    provider: str
    kind: Kind
    category: Category
    family: int
    domain: str
    verdict: int
    n: int
    first: int
    last: int
    row: int
    replies: int
    refusals: int
    complaints: int
    minutes: int


class Digest(NamedTuple):
    """A day: its ordinal, its cells, and (signature, port, person) of the sampled persons."""

    day: int
    cells: Cells
    people: NDArray[np.uint64]

    @property
    def end(self) -> int:
        """The day's last moment, epoch ms: when it can be judged."""
        return (self.day + 1 - _EPOCH) * _DAY_MS - _BEIJING_MS

    def read(self, names: Names) -> list[Cell]:
        """The cells in words, as they were first seen."""
        words, columns = names.words, self.cells
        told = [
            columns[key].tolist() for key in (*KEYS, "n", "first", "last", "row", *SUMS[1:])
        ]
        for place in (0, 1, 2, 3, 7):
            told[place] = [words[code] for code in told[place]]
        told[4] = list(map(_KINDS.__getitem__, told[4]))
        told[5] = list(map(_CATEGORIES.__getitem__, told[5]))
        return [Cell(*values) for values in zip(*told, strict=True)]


_KINDS: Final = tuple(Kind)
_CATEGORIES: Final = tuple(Category)


def digests(rows: Rows, sample: int) -> list[Digest]:
    """The days of some rows, in order."""
    local = rows.at + _BEIJING_MS
    days = local // _DAY_MS + _EPOCH
    counts = np.ones(len(days), np.int64)
    columns: Cells = {key: np.asarray(rows.codes[key], np.int64) for key in KEYS}
    columns |= {
        "n": counts,
        "first": rows.at,
        "last": rows.at,
        "row": rows.row,
        "replies": rows.reply.astype(np.int64),
        "refusals": rows.refusal.astype(np.int64),
        "complaints": rows.complaints,
        "minutes": local % _DAY_MS // 60_000,
    }
    mixed = rows.person * _MIX
    kept = (rows.person > 0) & ((mixed >> np.uint64(33)) % np.uint64(sample) == 0)
    found = []
    for day in np.unique(days).tolist():
        here = days == day
        cells = grouped({name: column[here] for name, column in columns.items()})
        ours = here & kept
        people = np.empty((int(ours.sum()), 3), np.uint64)
        people[:, 0] = columns["signature"][ours]
        people[:, 1] = columns["port"][ours]
        people[:, 2] = mixed[ours]
        found.append(Digest(day, cells, _distinct(people)))
    return found


def merged(parts: Iterable[Digest]) -> list[Digest]:
    """One digest a day, in order of days."""
    days: dict[int, list[Digest]] = {}
    for part in parts:
        days.setdefault(part.day, []).append(part)
    found = []
    for day, same in sorted(days.items()):
        if len(same) > 1:
            joined = {
                name: np.concatenate([part.cells[name] for part in same])
                for name in same[0].cells
            }
            people = _distinct(np.concatenate([part.people for part in same]))
            same = [Digest(day, grouped(joined), people)]
        found.append(same[0])
    return found


def grouped(columns: Cells) -> Cells:
    """Rows or cells with the same keys as one, first seen first."""
    if not len(columns["n"]):
        return columns
    key = np.zeros(len(columns["n"]), np.uint64)
    for name in KEYS:
        key = (key ^ columns[name].astype(np.uint64)) * _MIX
        key ^= key >> np.uint64(29)
    order = np.lexsort((columns["row"], columns["first"]))
    _, places, inverse = np.unique(key[order], return_index=True, return_inverse=True)
    rank = np.argsort(places, kind="stable")
    turned = np.empty_like(rank)
    turned[rank] = np.arange(len(rank))
    group, earliest = turned[inverse], order[places[rank]]
    made = {name: columns[name][earliest] for name in (*KEYS, "first", "row")}
    made["last"] = np.zeros(len(rank), np.int64)
    np.maximum.at(made["last"], group, columns["last"][order])
    for name in SUMS:
        sums = np.bincount(group, columns[name][order], len(rank))
        made[name] = sums.astype(np.int64)
    return made


def _distinct(people: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Rows that differ, by one mixed key each: quicker than comparing them whole."""
    if not len(people):
        return people
    key = (people[:, 2] ^ people[:, 0] * _MIX) * _MIX + people[:, 1]
    _, places = np.unique(key, return_index=True)
    kept: NDArray[np.uint64] = people[np.sort(places)]
    return kept
