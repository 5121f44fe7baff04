"""The model that reads with the words: linear, over hashed pieces, kept as one small array.

Learnt by ``qingjing reading train`` (``docs/reading-model.md`` says from what); a score is the
sum of the weights of a text's pieces, so that each reading can be explained by them.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final, cast

import msgspec
import numba
import numpy as np
from numpy.typing import NDArray

from qingjing.kernel.words import Category, Kind
from qingjing.text.grams import BITS, codes, cue_buckets, hashed

KINDS: Final = (
    Kind.VERIFICATION,
    Kind.SERVICE,
    Kind.COMMERCIAL,
    Kind.COMMERCIAL,
    Kind.PUBLIC,
    Kind.PERSONAL,
    Kind.ILLEGAL,
    Kind.ASKING,
)
"""The kind that each of the first columns speaks for; ``MIXED`` is a promotion on a notice."""

MIXED: Final = 3
COLUMNS: Final = len(KINDS) + len(Category)
"""Then comes one column a category."""

FILE: Final = "model.npz"
VOUCHER: Final = "model.toml"
FORMAT: Final = 1
"""Version of the file's layout."""


LEAST: Final = 0.03
"""Of a column's largest weight: what is smaller in every column is left out.

With 0.05 the line of trade suffers; with less the model outgrows a processor's cache.
"""


class ModelError(ValueError):
    """A file that is no model of this version; the text says why."""


class Model(msgspec.Struct, frozen=True, eq=False):
    """Weights by row and column, as bytes to be multiplied by ``scales``.

    ``rows`` has the row of each bucket; row 0 is that of buckets without weights. So the whole
    stays small enough for a processor's cache.

    ``warmth`` multiplies the scores of kinds before they become probabilities: fitted on rows
    that were held out, so that of what is read with 0.9 nine tenths are read rightly.
    """

    rows: NDArray[Any]
    weights: NDArray[np.int8]
    scales: NDArray[np.float64]
    bias: NDArray[np.float64]
    warmth: float
    about: dict[str, Any]

    def scores(self, seen: str, cues: Sequence[int]) -> list[float]:
        """What each column scores for a face and the signs beside it."""
        found = _score(
            codes(seen),
            np.array(cues, dtype=np.int64),
            cue_buckets(),
            self.rows,
            self.weights,
            self.scales,
            self.bias,
        )
        return cast("list[float]", found.tolist())


def pack(
    weights: NDArray[np.float32], warmth: float, about: dict[str, Any], least: float = LEAST
) -> bytes:
    """A model file: buckets whose weights matter, each weight as one byte.

    ``weights`` has one row a bucket and the bias last. Buckets none of whose weights reaches
    ``least`` of the largest of its column are left out.
    """
    largest = np.abs(weights[:-1]).max(axis=0)
    scales = np.where(largest > 0, largest / 127.0, 1.0)
    small = np.rint(weights[:-1] / scales).astype(np.int8)
    kept = np.flatnonzero((np.abs(weights[:-1]) >= least * largest).any(axis=1))
    out = io.BytesIO()
    np.savez_compressed(
        out,
        format=np.int64(FORMAT),
        bits=np.int64(BITS),
        # Differences and columns compress better than numbers and rows.
        buckets=np.diff(kept, prepend=0).astype(np.uint32),
        weights=np.ascontiguousarray(small[kept].T),
        scales=scales.astype(np.float64),
        bias=weights[-1].astype(np.float64),
        warmth=np.float64(warmth),
        about=np.frombuffer(json.dumps(about, ensure_ascii=False).encode(), dtype=np.uint8),
    )
    return out.getvalue()


def unpack(data: bytes) -> Model:
    """Read a model file; ModelError when it is none, or of another layout."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            found = {name: stored[name] for name in stored.files}
        if int(found["format"]) != FORMAT or int(found["bits"]) != BITS:
            raise ModelError("the model is of another version; train it anew")
        buckets = np.cumsum(found["buckets"])
        rows = np.zeros(1 << BITS, dtype=np.uint16 if len(buckets) < 0xFFFF else np.uint32)
        rows[buckets] = np.arange(1, len(buckets) + 1)
        weights = np.zeros((len(buckets) + 1, COLUMNS), dtype=np.int8)
        weights[1:] = found["weights"].T
        return Model(
            rows,
            weights,
            found["scales"],
            found["bias"],
            float(found["warmth"]),
            json.loads(found["about"].tobytes()),
        )
    except (OSError, KeyError, IndexError, ValueError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"no model file: {error}") from None


@cache
def shipped() -> Model:
    """The package's own model, read at first use; ModelError if it is not the one vouched for.

    ``model.toml`` has its digest, so that who names the reader by its texts names its model.
    """
    data = (files(__package__) / FILE).read_bytes()
    vouched = tomllib.loads((files(__package__) / VOUCHER).read_text(encoding="utf-8"))
    if hashlib.sha256(data).hexdigest() != vouched["sha256"]:
        raise ModelError(f"{FILE} is not the model that {VOUCHER} vouches for")
    return unpack(data)


def probabilities(model: Model, scores: Sequence[float]) -> list[float]:
    """The probability of each of the first columns."""
    warm = [score * model.warmth for score in scores[: len(KINDS)]]
    most = max(warm)
    grown = [math.exp(one - most) for one in warm]
    total = sum(grown)
    return [one / total for one in grown]


@numba.njit(cache=True, nogil=True)
def _score(
    points: Any, cues: Any, buckets: Any, rows: Any, weights: Any, scales: Any, bias: Any
) -> Any:  # pragma: no cover - compiled
    """The sums of the weights of all pieces, scaled by the root of their number."""
    columns = weights.shape[1]
    sums = np.zeros(columns, dtype=np.int32)
    found = hashed(points)
    for at in range(len(cues) + len(found)):
        row = rows[buckets[cues[at]] if at < len(cues) else found[at - len(cues)]]
        if row:
            for column in range(columns):
                sums[column] += weights[row, column]
    return sums * scales / np.sqrt(max(1, len(cues) + len(found))) + bias
