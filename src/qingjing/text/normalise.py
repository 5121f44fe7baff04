"""What a text looks like once disguises are off: the form that words are looked for in.

Two forms are kept. ``plain`` is NFKC without invisible characters, for links and signatures,
whose case matters. ``text`` is also simplified, case-folded and joined: separators between
Chinese characters (``贷.款``, ``贷 款``, an emoji) are gone. Only the reading uses these forms;
what is kept and shown is always the body as it came.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

CJK: Final = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""The Chinese characters, as the inside of a regular expression's class."""

# Format and control characters, combining marks and variation selectors: invisible, or drawn
# over the character before. Newline and tab are left: they part words.
_IGNORED: Final = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u0300-\u036f\u0483-\u0489\u061c\u115f\u1160"
    "\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20ff\u3164"
    "\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Sentence punctuation is no separator: two clauses must not grow together into a word.
_SEPARATORS: Final = (
    r" \t.*\-_·•|/\\~^+=#@&'\"`´–—‐‑○●◎★☆◆◇■□△▲▽▼※♥♡"
    "\u2190-\u21ff\u2300-\u23ff\u2460-\u27bf\u2900-\u297f\u2b00-\u2bff\U0001f000-\U0001faff"
)
_HIDDEN: Final = re.compile(f"[{_IGNORED}]+")
_BETWEEN: Final = re.compile(rf"(?<=\w)[{_IGNORED}]+(?=\w)")
_JOINED: Final = re.compile(f"(?<=[{CJK}])[{_SEPARATORS}]+(?=[{CJK}])")


class Normal(msgspec.Struct, frozen=True):
    """A normalised body.

    ``hidden`` counts runs of invisible characters inside words and look-alike characters;
    ``joins`` are the places in ``text`` where separators were taken out. Whether a join was an
    evasion depends on the word it cut, so the reading decides that.
    """

    plain: str
    text: str
    hidden: int
    joins: tuple[int, ...]


@cache
def _tables() -> tuple[dict[int, str], re.Pattern[str], re.Pattern[str]]:
    """The table for ``str.translate``, what finds its characters, and what finds look-alikes.

    Looking first is worth it: few texts hold any, and translating costs five times a search.
    """
    data = tomllib.loads((files(__package__) / "characters.toml").read_text(encoding="utf-8"))
    table: dict[int, str] = {}
    for name in ("traditional", "lookalike"):
        lines = data[name].split()
        for written, read in zip(lines[::2], lines[1::2], strict=True):
            table.update(zip(map(ord, written), read, strict=True))
    odd = "".join(data["lookalike"].split()[::2])
    any_of = "".join(map(chr, table))
    return table, re.compile(f"[{any_of}]"), re.compile(f"[{odd}]")


def normalise(body: str) -> Normal:
    """Take the disguises off a body. Total: every string has a normal form."""
    plain = body if body.isascii() else unicodedata.normalize("NFKC", body)
    hidden = 0
    if _HIDDEN.search(plain):
        hidden = len(_BETWEEN.findall(plain))
        plain = _HIDDEN.sub("", plain)
    if plain.isascii():
        return Normal(plain, plain.lower(), hidden, ())
    table, any_of, odd = _tables()
    # Case folding, not lowering: it does not look at the neighbours, so offsets can be mapped.
    loose = plain.casefold()
    if any_of.search(loose):
        hidden += len(odd.findall(loose))
        loose = loose.translate(table)
    if _JOINED.search(loose) is None:
        return Normal(plain, loose, hidden, ())
    text, joins, _ = _join(loose)
    return Normal(plain, text, hidden, joins)


def normalise_with_map(body: str) -> tuple[Normal, NDArray[np.int32]]:
    """The same, with the offset in ``body`` of each character of ``text``.

    The array has one entry more than ``text``, the body's length, so that any slice of the
    text has a slice of the body. Slower, for showing a reader which words were meant.
    """
    table, _, _ = _tables()
    loose: list[str] = []
    offsets: list[int] = []
    for start, cluster in _clusters(body):
        piece = unicodedata.normalize("NFKC", cluster)
        piece = _HIDDEN.sub("", piece).casefold().translate(table)
        loose.append(piece)
        offsets.extend([start] * len(piece))
    _, _, kept = _join("".join(loose))
    offsets = [offsets[place] for place in kept]
    offsets.append(len(body))
    return normalise(body), np.asarray(offsets, dtype=np.int32)


def _join(loose: str) -> tuple[str, tuple[int, ...], list[int]]:
    """Take separators out; gives the text, the joins in it and the places that were kept."""
    pieces: list[str] = []
    joins: list[int] = []
    kept: list[int] = []
    last = 0
    for match in _JOINED.finditer(loose):
        pieces.append(loose[last : match.start()])
        kept.extend(range(last, match.start()))
        joins.append(len(kept))
        last = match.end()
    pieces.append(loose[last:])
    kept.extend(range(last, len(loose)))
    return "".join(pieces), tuple(joins), kept


def _clusters(body: str) -> list[tuple[int, str]]:
    """The body cut where NFKC never composes across: before each character that starts anew."""
    cuts = [at for at, character in enumerate(body) if at == 0 or not _continues(character)]
    return [(start, body[start:end]) for start, end in pairwise([*cuts, len(body)])]


@cache
def _continues(character: str) -> bool:
    """Whether NFKC may melt this character into the one before it."""
    first = unicodedata.normalize("NFKC", character)[0]
    return (
        unicodedata.combining(first) != 0
        or unicodedata.category(first)[0] == "M"
        or "\u1160" <= first <= "\u11ff"  # Hangul vowels and finals compose though they start
    )
