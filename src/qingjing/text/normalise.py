"""What a text looks like once disguises are off: the form that words are looked for in.

Two forms are kept. ``plain`` is NFKC without invisible characters and foreign letters, for
links and signatures, whose case matters. ``text`` is also simplified, case-folded and joined:
separators between Chinese characters (``贷.款``, ``贷 款``, an emoji) are gone, and words that
matter stand as they are meant (``dai款``, ``代贝款``). Only the reading uses these forms; what
is kept and shown is always the body as it came.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from qingjing.text import disguise
from qingjing.text.disguise import Disguised

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
    r" \t.*\-_·•|丨/\\~^+=#@&'\"`´–—‐‑○●◎★☆◆◇■□△▲▽▼※♥♡"
    "\u2190-\u21ff\u2300-\u23ff\u2460-\u27bf\u2900-\u297f\u2b00-\u2bff\U0001f000-\U0001faff"
)
_HIDDEN: Final = re.compile(f"[{_IGNORED}]+")
_BETWEEN: Final = re.compile(rf"(?<=\w)[{_IGNORED}]+(?=\w)")
_JOINED: Final = re.compile(f"(?<=[{CJK}])[{_SEPARATORS}]+(?=[{CJK}])")
# Characters one by one, whatever stands between them: 满,3,0,0,减,5,0.
_SINGLES: Final = re.compile(r"(?<!\w)\w(?:[^\w\n]{1,3}\w(?!\w)){3,}")
_ODD: Final = re.compile(r"[^\w\n]")
_ODDS: Final = re.compile(r"[^\w\n]+")
_SEPARATOR: Final = re.compile(f"[{_SEPARATORS}]")
_CHINESE: Final = re.compile(f"[{CJK}]")
_SINGLES_MIN: Final = 3
"""Chinese characters that a run of singles must have: 1.2.3.4 and A/B/C/D are no disguise."""


class Normal(msgspec.Struct, frozen=True):
    """A normalised body.

    ``hidden`` counts runs of invisible characters inside words, look-alike characters and
    letters, and words written by sound or by halves; ``joins`` are the places in ``text`` where
    separators were taken out. Whether a join was an evasion depends on the word it cut, so the
    reading decides that.
    """

    plain: str
    text: str
    hidden: int
    joins: tuple[int, ...]


class _Found(NamedTuple):
    """A normal form with what was done last: gaps taken out, then words put right."""

    normal: Normal
    gaps: list[tuple[int, int]]
    words: list[Disguised]


class Tables(NamedTuple):
    """The tables for ``str.translate`` and what finds their characters.

    Looking first is worth it: few texts hold any, and translating costs five times a search.
    """

    characters: dict[int, str]
    any_of: re.Pattern[str]
    odd: re.Pattern[str]
    letters: dict[int, str]
    any_letter: re.Pattern[str]


@cache
def tables() -> Tables:
    """``characters.toml``, compiled."""
    data = tomllib.loads((files(__package__) / "characters.toml").read_text(encoding="utf-8"))

    def table(name: str) -> dict[int, str]:
        lines = data[name].split()
        pairs = zip(lines[::2], lines[1::2], strict=True)
        return {
            ord(a): b for written, read in pairs for a, b in zip(written, read, strict=True)
        }

    odd, letters = table("lookalike") | table("japanese"), table("letters")
    characters = table("traditional") | odd
    return Tables(characters, _any(characters), _any(odd), letters, _any(letters))


def _any(table: dict[int, str]) -> re.Pattern[str]:
    """What finds a character of the table; beyond the BMP by a range alone, for speed."""
    found = "".join(chr(code) for code in table if code < 0x10000)
    beyond = "|[\U0001f150-\U0001f1ff]" if any(code > 0xFFFF for code in table) else ""
    return re.compile(f"[{found}]{beyond}")


# Digits in circles and flags are no disguise by themselves.
_FOREIGN: Final = re.compile("[\u0370-\u052f\u1d00-\u1d2b\ua730-\ua731\u0262-\u029f]")


def normalise(body: str) -> Normal:
    """Take the disguises off a body. Total: every string has a normal form."""
    return _normalise(body).normal


def _normalise(body: str) -> _Found:
    plain = body if body.isascii() else unicodedata.normalize("NFKC", body)
    hidden = 0
    if _HIDDEN.search(plain):
        hidden = len(_BETWEEN.findall(plain))
        plain = _HIDDEN.sub("", plain)
    if plain.isascii():
        return _Found(Normal(plain, plain.lower(), hidden, ()), [], [])
    known = tables()
    if known.any_letter.search(plain):
        hidden += len(_FOREIGN.findall(plain))
        plain = plain.translate(known.letters)
    # Case folding, not lowering: it does not look at the neighbours, so offsets can be mapped.
    text = plain.casefold()
    if known.any_of.search(text):
        hidden += len(known.odd.findall(text))
        text = text.translate(known.characters)
    joins: tuple[int, ...] = ()
    gaps = _gaps(text)
    if gaps:
        text, joins = _join(text, gaps)
    words = disguise.find(text)
    if words:
        hidden += len(words)
        text, joins = _put_right(text, words, joins)
    return _Found(Normal(plain, text, hidden, joins), gaps, words)


def normalise_with_map(body: str) -> tuple[Normal, NDArray[np.int32]]:
    """The same, with the offset in ``body`` of each character of ``text``.

    The array has one entry more than ``text``, the body's length, so that any slice of the
    text has a slice of the body. A word that was put right begins where its disguise began;
    characters that it gained stand at the disguise's last.
    """
    found = _normalise(body)
    offsets = _loose_offsets(body)
    if found.gaps:
        keep = np.ones(len(offsets), dtype=np.bool_)
        for start, end in found.gaps:
            keep[start:end] = False
        offsets = offsets[keep]
    if found.words:
        pieces, last = [], 0
        for word in found.words:
            pieces.append(offsets[last : word.start])
            place = np.arange(word.start, word.start + len(word.word))
            pieces.append(offsets[np.minimum(place, word.end - 1)])
            last = word.end
        offsets = np.concatenate([*pieces, offsets[last:]])
    return found.normal, offsets


def _loose_offsets(body: str) -> NDArray[np.int32]:
    """Where in the body each character of the simplified text comes from, gaps included."""
    if body.isascii():
        sizes = [0 if _HIDDEN.match(character) else 1 for character in body]
    else:
        sizes = list(map(_SIZES.__getitem__, body))
    starts: NDArray[np.int32] = np.arange(len(body) + 1, dtype=np.int32)
    if -1 in sizes:
        clusters = _clusters(body)
        starts = np.array([start for start, _ in clusters] + [len(body)], dtype=np.int32)
        sizes = [len(_folded(cluster)) for _, cluster in clusters]
    if all(size == 1 for size in sizes):
        return starts
    return np.repeat(starts, [*sizes, 1])


class _Sizes(dict[str, int]):
    """How many characters one becomes; -1 where NFKC may melt it into the one before it."""

    def __missing__(self, character: str) -> int:
        size = -1 if _continues(character) else len(_folded(character))
        if len(self) < 0x10000:
            self[character] = size
        return size


_SIZES: Final = _Sizes()


def _folded(piece: str) -> str:
    """A piece of a body by itself, up to but not including the joining."""
    known = tables()
    plain = _HIDDEN.sub("", unicodedata.normalize("NFKC", piece)).translate(known.letters)
    return plain.casefold().translate(known.characters)


def _gaps(text: str) -> list[tuple[int, int]]:
    """The separators to take out, in order, none overlapping."""
    gaps = [match.span() for match in _JOINED.finditer(text)]
    singles = [
        run
        for run in _SINGLES.finditer(text)
        if len(_CHINESE.findall(run.group())) >= _SINGLES_MIN
    ]
    if singles:
        gaps = sorted({span for run in singles for span in _between(text, run)}.union(gaps))
    return gaps


def _between(text: str, run: re.Match[str]) -> Iterator[tuple[int, int]]:
    """What parts a run of single characters: separators, and whatever stands there most often.

    In 满,3,0,0,减 that is the comma. Where a space stands after each character, the brackets of
    the signature and the commas of the sentence say what they always say, and stay.
    """
    odd = Counter(_ODD.findall(run.group()))
    usual = odd.most_common(1)[0][0]
    for match in _ODDS.finditer(text, *run.span()):
        start = None
        for at, character in enumerate(match.group(), match.start()):
            if character == usual or _SEPARATOR.match(character):
                start = at if start is None else start
            elif start is not None:
                yield start, at
                start = None
        if start is not None:
            yield start, match.end()


def _join(text: str, gaps: list[tuple[int, int]]) -> tuple[str, tuple[int, ...]]:
    """Take the gaps out; gives the text and the joins in it."""
    pieces: list[str] = []
    joins: list[int] = []
    last = taken = 0
    for start, end in gaps:
        pieces.append(text[last:start])
        joins.append(start - taken)
        taken += end - start
        last = end
    pieces.append(text[last:])
    return "".join(pieces), tuple(joins)


def _put_right(
    text: str, words: list[Disguised], joins: tuple[int, ...]
) -> tuple[str, tuple[int, ...]]:
    """Write each disguised word as it is meant; the joins move along."""
    pieces: list[str] = []
    moved = list(joins)
    last = 0
    for word in words:
        pieces += [text[last : word.start], word.word]
        last = word.end
        grown = len(word.word) - (word.end - word.start)
        if grown and joins:
            for at, join in enumerate(joins):
                if join >= word.end:
                    moved[at] += grown
                elif join > word.start:
                    moved[at] = moved[at] - join + word.start + 1
    pieces.append(text[last:])
    return "".join(pieces), tuple(moved)


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
