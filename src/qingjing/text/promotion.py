"""Clause by clause: what each clause of a message speaks for."""

from __future__ import annotations

import re
from typing import Final

from qingjing.kernel.words import Kind
from qingjing.text import model
from qingjing.text.grams import face
from qingjing.text.model import KINDS, MIXED
from qingjing.text.parts import Parts, body_range

_CLAUSE: Final = re.compile(r"[^,.!;:?、。~…\s][^,!;?、。~…]*")
_COMMERCIAL: Final = MIXED - 1
_OWN: Final = (Kind.SERVICE, Kind.VERIFICATION)
_TELLING: Final = 5
"""Characters of the shortest clause that tells what became of something: 已为您办理."""


def clauses(parts: Parts) -> list[tuple[int, int]]:
    """The clauses outside signature and notice, as offsets in the normalised text."""
    text = parts.normal.text
    return [
        match.span()
        for start, end in body_range(parts)
        for match in _CLAUSE.finditer(text, start, end)
    ]


def promoted(parts: Parts) -> list[tuple[int, int]]:
    """The clauses that promote, as far as the model can tell; at least one, the likeliest."""
    places = clauses(parts) or [(0, len(parts.normal.text))]
    leans = [_leaning(parts.normal.text[start:end]) for start, end in places]
    best = max(leans)
    return [place for place, lean in zip(places, leans, strict=True) if lean >= min(best, 0.0)]


def notifies(parts: Parts) -> bool:
    """Whether a clause by itself is about something the person has."""
    text = parts.normal.text
    for start, end in clauses(parts):
        found = model.shipped().scores(face(text[start:end]), ())[: len(KINDS)]
        if end - start >= _TELLING and KINDS[found.index(max(found))] in _OWN:
            return True
    return False


def _leaning(clause: str) -> float:
    """How much more a clause speaks for a promotion than for anything else."""
    found = model.shipped().scores(face(clause), ())
    others = [found[at] for at in range(len(KINDS)) if at not in (_COMMERCIAL, MIXED)]
    return float(max(found[_COMMERCIAL], found[MIXED]) - max(others))
