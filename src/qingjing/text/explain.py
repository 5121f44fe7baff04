"""Why a message is read as it is: the spans of the body that weighed most."""

from __future__ import annotations

import msgspec

from qingjing.text.grams import face
from qingjing.text.model import KINDS, MIXED, shipped
from qingjing.text.normalise import normalise_with_map
from qingjing.text.parts import Parts, cues, seen, take_apart
from qingjing.text.promotion import clauses
from qingjing.text.reading import read_parts

SPANS_MAX = 8
"""Spans that are told: what weighs less changes nothing."""


class Span(msgspec.Struct, frozen=True):
    """A slice of the body. ``weight`` above 0 speaks for the kind that was read, below against.

    It is what the score of that kind, against the best other, would lose without the slice.
    """

    start: int
    end: int
    weight: float


def explain(body: str) -> tuple[Span, ...]:
    """The clauses of a message by what they weigh, the heaviest first."""
    parts = take_apart(body)
    reading = read_parts(body, parts)
    places = clauses(parts)
    if not places:
        return ()
    columns = [at for at, kind in enumerate(KINDS) if kind is reading.kind]
    if not columns:
        columns = [MIXED - 1]
    text = parts.normal.text
    _, offsets = normalise_with_map(body)
    whole = _lead(seen(parts), parts, columns)
    found = []
    for start, end in places:
        rest = "".join(text[a:b] for a, b in places if (a, b) != (start, end))
        weight = whole - _lead(face(rest), parts, columns)
        last = int(offsets[end - 1]) + 1
        found.append(Span(int(offsets[start]), last, round(weight, 4)))
    found.sort(key=lambda span: (-abs(span.weight), span.start))
    return tuple(found[:SPANS_MAX])


def _lead(shown: str, parts: Parts, columns: list[int]) -> float:
    """How far the best of some columns is ahead of the best of the others."""
    scores = shipped().scores(shown, cues(parts))[: len(KINDS)]
    others = [float(scores[at]) for at in range(len(KINDS)) if at not in columns]
    return max(float(scores[at]) for at in columns) - max(others)
