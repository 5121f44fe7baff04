"""The batch form of the gate: the same rules, tabulated, over columns of vector fields.

``Policy`` runs each rule's predicate once over every combination of the fields that it names;
a batch is then a few table look-ups a rule. A property test holds both forms equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from qingjing.kernel.kinds import effective
from qingjing.kernel.rulebook import Rulebook
from qingjing.kernel.rules import RULES
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import FIELDS, RADICES, STRIDES
from qingjing.kernel.words import Kind, Verdict

_DOMAINS: Final = dict(FIELDS)
Column = NDArray[np.integer] | int
"""A field over a batch: one value a message, or one value for all."""


class Policy:
    """A rulebook compiled: for each rule in force, its fields and a table of reason bits."""

    def __init__(self, book: Rulebook) -> None:
        self.book = book
        self.tables: tuple[tuple[tuple[str, ...], NDArray[np.uint64]], ...] = tuple(
            (rule.fields, _tabulate(rule, bit))
            for bit, rule in enumerate(RULES)
            if book.effect(rule.name) is not Verdict.PASS
        )
        self.refusing = _mask(book, Verdict.REFUSE)
        """The reason bits that refuse; any other reason holds."""

    def reasons(self, columns: Mapping[str, Column], size: int) -> NDArray[np.uint64]:
        """The reason bits of each message: bit i is ``RULES[i]``."""
        bits = np.zeros(size, dtype=np.uint64)
        for fields, table in self.tables:
            # Wide before it is multiplied: a column of bytes would overflow without a word.
            index: Column = np.asarray(columns[fields[0]], dtype=np.int64)
            for name in fields[1:]:
                index = index * RADICES[name] + columns[name]
            bits |= table[index]
        return bits

    def verdicts(self, reasons: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """The verdict of each message from its reasons."""
        held = np.where(reasons != 0, np.uint8(Verdict.HOLD), np.uint8(Verdict.PASS))
        refused = (reasons & np.uint64(self.refusing)) != 0
        return np.where(refused, np.uint8(Verdict.REFUSE), held)


def cases(columns: Mapping[str, Column], size: int) -> NDArray[np.uint64]:
    """The case number of each message, as ``vector.case_number`` composes it."""
    numbers = np.zeros(size, dtype=np.uint64)
    for name, stride in STRIDES.items():
        numbers += np.asarray(columns[name], dtype=np.uint64) * np.uint64(stride)
    return numbers


@lru_cache(maxsize=4096)  # of the combinations that can be, few occur
def names(bits: int) -> tuple[str, ...]:
    """The reasons of a bit mask, in order."""
    return tuple(rule.name for bit, rule in enumerate(RULES) if bits >> bit & 1)


def _tabulate(rule: Rule, bit: int) -> NDArray[np.uint64]:
    domains = [_DOMAINS[name] for name in rule.fields]
    hits = [rule.fires(*combination) for combination in product(*domains)]
    return np.array(hits, dtype=np.uint64) << np.uint64(bit)


def _mask(book: Rulebook, effect: Verdict) -> int:
    return sum(1 << bit for bit, rule in enumerate(RULES) if book.effect(rule.name) is effect)


_KINDS: Final = np.array([[effective(one, other) for other in Kind] for one in Kind])
"""Effective kind by kind declared and kind read."""


def kinds(numbers: NDArray[np.uint64]) -> NDArray[Any]:
    """The effective kind of each case number."""
    declared, read = (
        numbers // np.uint64(STRIDES[name]) % np.uint64(RADICES[name])
        for name in ("declared", "read")
    )
    return _KINDS[declared.astype(np.intp), read.astype(np.intp)]
