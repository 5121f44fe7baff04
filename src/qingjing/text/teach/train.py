"""From labelled rows to a model file: pieces, weights, and a warmth fitted on held-out rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from qingjing.kernel.words import Category, Kind
from qingjing.text import model
from qingjing.text.model import COLUMNS, KINDS, MIXED
from qingjing.text.parts import pieces, take_apart
from qingjing.text.teach.compose import Row
from qingjing.text.teach.learn import Rows, learn, rows_of, scores, share_of

BALANCE: Final = 0.5
"""How far rare kinds and categories count more: 0 not at all, 1 as much as common ones."""

FOLDS: Final = 4
"""Parts of the rows that are held out in turn to fit the warmth."""

_WARMTHS: Final = np.geomspace(0.5, 16.0, 60)


class Lesson(msgspec.Struct, frozen=True):
    """Rows made ready: pieces, the column of each one's kind and category, what it counts.

    ``categories`` is -1 where none is known.
    """

    rows: Rows
    kinds: NDArray[np.int64]
    categories: NDArray[np.int64]
    shares: NDArray[np.float64]
    groups: tuple[str, ...]


def column_of(kind: Kind, *, mixed: bool) -> int:
    """The column of a kind."""
    return MIXED if mixed else KINDS.index(kind)


def prepare(rows: Sequence[Row], shares: Sequence[float]) -> Lesson:
    """Take the rows apart; UNCLEAR ones teach nothing and are left out."""
    kept = [(row, share) for row, share in zip(rows, shares, strict=True) if row.kind]
    return Lesson(
        rows_of([pieces(take_apart(row.text)) for row, _ in kept]),
        np.array([column_of(row.kind, mixed=row.mixed) for row, _ in kept], dtype=np.int64),
        np.array([-1 if row.category is None else row.category for row, _ in kept], np.int64),
        np.array([share for _, share in kept], dtype=np.float64),
        tuple(row.group for row, _ in kept),
    )


def teach(lesson: Lesson) -> NDArray[np.float32]:
    """The weights of all columns."""
    weights = learn(
        lesson.rows, lesson.kinds, len(KINDS), balanced(lesson.kinds, lesson.shares)
    )
    known = np.flatnonzero(lesson.categories >= 0)
    categories = learn(
        subset(lesson.rows, known),
        lesson.categories[known],
        len(Category),
        balanced(lesson.categories[known], lesson.shares[known]),
    )
    return np.concatenate([weights, categories], axis=1)


def balanced(
    labels: NDArray[np.int64], shares: NDArray[np.float64], power: float = BALANCE
) -> NDArray[np.float64]:
    """What each row counts, once rare labels are made up for."""
    counts = np.bincount(labels, minlength=1).astype(np.float64)
    factors = (len(labels) / np.maximum(counts, 1.0) / max(1, (counts > 0).sum())) ** power
    return np.asarray(factors[labels] * shares)


def subset(rows: Rows, places: NDArray[np.int64]) -> Rows:
    """Some of the rows."""
    return rows_of([rows.pieces[rows.starts[at] : rows.starts[at + 1]] for at in places])


def warmth(lesson: Lesson) -> float:
    """What the scores of kinds must be multiplied by to become probabilities.

    Fitted by likelihood on rows that were held out, a wording's rows together.
    """
    folds = fold_of(lesson.groups)
    held, truth = [], []
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if not len(inside) or not len(outside):
            continue
        weights = learn(
            subset(lesson.rows, inside),
            lesson.kinds[inside],
            len(KINDS),
            balanced(lesson.kinds[inside], lesson.shares[inside]),
        )
        held.append(scores(subset(lesson.rows, outside), weights))
        truth.append(lesson.kinds[outside])
    if not held:
        return 1.0
    return fit(np.concatenate(held), np.concatenate(truth))


def fold_of(groups: Sequence[str]) -> NDArray[np.int64]:
    """The fold of each row: of its wording, or of the row itself where it has none."""
    shares = [share_of(group or str(at)) for at, group in enumerate(groups)]
    return np.asarray(np.floor(np.array(shares) * FOLDS), dtype=np.int64)


def fit(found: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    """The warmth under which the truth is likeliest."""

    def loss(factor: float) -> float:
        warm = found * factor
        warm -= warm.max(axis=1, keepdims=True)
        return float(
            np.mean(np.log(np.exp(warm).sum(axis=1)) - warm[np.arange(len(truth)), truth])
        )

    return float(min(_WARMTHS, key=loss))


def train(rows: Sequence[Row], shares: Sequence[float], about: dict[str, Any]) -> bytes:
    """A model file from labelled rows."""
    lesson = prepare(rows, shares)
    weights = teach(lesson)
    if weights.shape[1] != COLUMNS:
        raise AssertionError("a column for each kind and category")
    return model.pack(weights, warmth(lesson), {"rows": len(lesson.rows), **about})


def voucher(data: bytes, about: dict[str, Any]) -> str:
    """The text that vouches for a model file: its digest, and what it was taught from."""
    digest = hashlib.sha256(data).hexdigest()
    named = "".join(
        f'  "{source["name"]}: {source["terms"]}",\n' for source in about["sources"]
    )
    return (
        "# Written by `qingjing reading train`: the model that belongs to these words.\n"
        f'sha256 = "{digest}"\nrows = {about["rows"]}\nsources = [\n{named}]\n'
    )
