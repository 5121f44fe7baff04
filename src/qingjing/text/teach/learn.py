"""A linear model learnt from labelled faces: one against the rest, squared hinge.

The dual coordinate descent of Hsieh et al. (ICML 2008), as LIBLINEAR has it, over hashed binary
pieces. Same rows in the same order give the same weights: the order of the steps is fixed too.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final, cast

import msgspec
import numba
import numpy as np
from numpy.typing import NDArray

from qingjing.text.grams import BITS

ROUNDS: Final = 14
"""Passes over the rows: further ones move no measure by more than 0.001."""

COST: Final = 4.0
"""What a row costs that is on the wrong side; chosen by cross-validation on training rows."""


class Rows(msgspec.Struct, frozen=True):
    """Faces as pieces: row i has ``pieces[starts[i]:starts[i + 1]]``."""

    starts: NDArray[np.int64]
    pieces: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.starts) - 1


def rows_of(found: Sequence[NDArray[np.uint32]]) -> Rows:
    """The pieces of many texts, one after the other."""
    starts = np.zeros(len(found) + 1, dtype=np.int64)
    np.cumsum([len(one) for one in found], out=starts[1:])
    pieces = np.concatenate(found) if found else np.zeros(0, dtype=np.uint32)
    return Rows(starts, pieces)


def learn(
    rows: Rows,
    labels: NDArray[np.int64],
    classes: int,
    shares: NDArray[np.float64],
    *,
    cost: float = COST,
) -> NDArray[np.float32]:
    """Weights, one row a bucket, one column a class, and one row more: the bias.

    ``shares`` says how much each row counts, 1.0 as usual.
    """
    weights = np.zeros(((1 << BITS) + 1, classes), dtype=np.float32)
    order = np.random.Generator(np.random.PCG64(len(rows))).permutation(len(rows))
    for label in range(classes):
        sides = np.where(labels == label, 1.0, -1.0)
        column = _descend(rows.starts, rows.pieces, sides, shares * cost, order, ROUNDS)
        weights[:, label] = column
    return weights


def scores(rows: Rows, weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """What each class scores for each row."""
    return cast("NDArray[np.float64]", _score(rows.starts, rows.pieces, weights))


def share_of(text: str) -> float:
    """A number from 0 up to 1 that is the same in every process, to part rows by."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2.0**64


@numba.njit(cache=True, nogil=True)
def _descend(
    starts: Any, pieces: Any, sides: Any, costs: Any, order: Any, rounds: int
) -> Any:  # pragma: no cover - compiled
    count = len(starts) - 1
    weights = np.zeros((1 << BITS) + 1)
    last = len(weights) - 1
    alphas = np.zeros(count)
    for turn in range(rounds):
        for step in range(count):
            row = order[(step + turn * 7919) % count]
            first, end = starts[row], starts[row + 1]
            if first == end:
                continue
            scale = 1.0 / np.sqrt(end - first)
            total = weights[last]
            inner = 0.0
            for at in range(first, end):
                inner += weights[pieces[at]]
            total += inner * scale
            diagonal = 0.5 / costs[row]
            gradient = sides[row] * total - 1.0 + alphas[row] * diagonal
            old = alphas[row]
            if old == 0.0 and gradient >= 0.0:
                continue
            new = max(0.0, old - gradient / (2.0 + diagonal))
            change = (new - old) * sides[row]
            if change == 0.0:
                continue
            alphas[row] = new
            weights[last] += change
            move = change * scale
            for at in range(first, end):
                weights[pieces[at]] += move
    return weights


@numba.njit(cache=True, nogil=True)
def _score(starts: Any, pieces: Any, weights: Any) -> Any:  # pragma: no cover - compiled
    count = len(starts) - 1
    classes = weights.shape[1]
    last = weights.shape[0] - 1
    found = np.zeros((count, classes))
    for row in range(count):
        first, end = starts[row], starts[row + 1]
        scale = 1.0 / np.sqrt(max(1, end - first))
        for at in range(first, end):
            for label in range(classes):
                found[row, label] += weights[pieces[at], label]
        for label in range(classes):
            found[row, label] = found[row, label] * scale + weights[last, label]
    return found
