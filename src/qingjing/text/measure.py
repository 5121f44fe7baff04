"""How well a reading agrees with the truth: confusion, precision, recall, F1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, TypeVar

import msgspec

L = TypeVar("L", bound=Hashable)


class Score(msgspec.Struct, frozen=True):
    """One label's figures. A share without a denominator is 0.0, the cautious value."""

    truth: int
    read: int
    hits: int

    @property
    def precision(self) -> float:
        """Of what was read as this label, the share that was."""
        return self.hits / self.read if self.read else 0.0

    @property
    def recall(self) -> float:
        """Of what was this label, the share that was read so."""
        return self.hits / self.truth if self.truth else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.truth + self.read
        return 2 * self.hits / total if total else 0.0


class Measures(msgspec.Struct, Generic[L], frozen=True):
    """``confusion`` counts (truth, read) pairs; ``scores`` has every label that occurred."""

    confusion: Mapping[tuple[L, L], int]
    scores: Mapping[L, Score]

    @property
    def accuracy(self) -> float:
        """The share of pairs read as they were; 0.0 without pairs."""
        total = sum(self.confusion.values())
        return sum(score.hits for score in self.scores.values()) / total if total else 0.0

    @property
    def macro_f1(self) -> float:
        """The mean F1 over the labels that occurred, each weighing the same."""
        if not self.scores:
            return 0.0
        return sum(score.f1 for score in self.scores.values()) / len(self.scores)


def measure(pairs: Iterable[tuple[L, L]]) -> Measures[L]:
    """Measure (truth, read) pairs."""
    confusion = Counter(pairs)
    truths: Counter[L] = Counter()
    reads: Counter[L] = Counter()
    for (truth, read), count in confusion.items():
        truths[truth] += count
        reads[read] += count
    scores = {
        label: Score(truths[label], reads[label], confusion[label, label])
        for label in truths.keys() | reads.keys()
    }
    return Measures(dict(confusion), scores)
