"""The terms of consents: one row a recorded consent, one row a whole import."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from qingjing.kernel import facts as f
from qingjing.kernel.fold import ACTS
from qingjing.kernel.standing import Grounds

TERMS: Final = np.dtype(
    [
        ("position", "<u8"),
        ("recorded_at", "<u8"),  # epoch ms
        ("term_s", "<u4"),
        ("purposes", "<u2"),
        ("per_count", "<u2"),
        ("per_days", "<u2"),
        ("act", "u1"),  # place in words.Act
        ("shown", "u1"),
    ]
)
"""The terms of one consent or of one import, 28 bytes."""

Terms = tuple[int, int, int, int, int, int, int, bool]
"""One ``TERMS`` record as plain values."""

_U16: Final = 0xFFFF
_U32: Final = 0xFFFFFFFF
_ROWS_MIN: Final = 64


def terms_of(recorded: f.Recorded, fact: f.ConsentRecorded | f.ConsentsImported) -> Terms:
    """A consent's terms; what does not fit the table is clipped to the stricter side."""
    return (
        recorded.position,
        recorded.at,
        _clipped(fact.term_s, _U32),
        fact.purposes & _U16,
        _clipped(fact.per_count, _U16),
        _clipped(fact.per_days, _U16),
        ACTS.index(fact.act),
        bool(fact.shown),
    )


class TermsTable:
    """The rows, numbered from 0 in the order of their facts. A row stays what it is."""

    def __init__(self, saved: bytes = b"") -> None:
        """Empty, or what ``tobytes`` gave; ValueError when that is no whole number of rows."""
        self._rows = np.frombuffer(saved, TERMS).copy()
        self._used = len(self._rows)

    @property
    def rows(self) -> NDArray[Any]:
        """All rows, as ``TERMS`` records."""
        return self._rows[: self._used]

    def add(self, terms: list[Terms]) -> int:
        """Add rows; the number of the first."""
        first, last = self._used, self._used + len(terms)
        if last > len(self._rows):
            more = np.zeros(max(last, 2 * first, _ROWS_MIN) - first, dtype=TERMS)
            self._rows = np.concatenate([self.rows, more])
        self._rows[first:last] = terms
        self._used = last
        return first

    def grounds(self, row: int, given_s: int) -> Grounds:
        """A row and the time at which the person consented, spelled out."""
        terms = self._rows[row]
        return Grounds(
            position=int(terms["position"]),
            recorded_at=int(terms["recorded_at"]),
            given_at=given_s * 1000,
            act=ACTS[terms["act"]],
            purposes=int(terms["purposes"]),
            shown=bool(terms["shown"]),
            term_s=int(terms["term_s"]),
            per_count=int(terms["per_count"]),
            per_days=int(terms["per_days"]),
        )

    def tobytes(self) -> bytes:
        """All rows, to be saved."""
        return self.rows.tobytes()


def _clipped(value: int, most: int) -> int:
    """Within 0 to ``most``. 0 means "none stated", so a senseless negative becomes 1."""
    return 1 if value < 0 else min(value, most)
