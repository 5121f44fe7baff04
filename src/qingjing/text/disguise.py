"""Words that matter, written so as to slip past word lists, and what they stand for.

Three ways are undone: characters that sound alike (代款, dai款 and daikuan for 贷款), halves of
a character (代贝款), a character that looks alike (徽信). A word is read into a text only where
honest people do not say what is written: ``disguises.toml`` keeps the harmless strings.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from functools import cache, lru_cache
from importlib.resources import files
from itertools import islice, product
from typing import Final

import ahocorasick_rs
import msgspec

_SYMBOLS: Final = 0xA000
"""Sounds are spelled in Yi syllables: one symbol each, and no Chinese message has them."""

_HALVED_MAX: Final = 40
"""Ways of halving all characters of one word at once that are looked for."""

_LATIN_LENGTH_MAX: Final = 30
"""A longer run of Latin letters is no pinyin word, and splitting it would take long."""

# Pinyin in a text: runs that are no piece of a link, an address or a number.
_LATIN: Final = re.compile(
    rf"(?<![a-z./@:%_=?&-])[a-z]{{2,{_LATIN_LENGTH_MAX}}}(?![a-z./@:%_=?&-])"
)


_LETTERS: Final = re.compile(r"[a-z]")


class Disguised(msgspec.Struct, frozen=True):
    """One disguised word: its place in the text as written, and what it stands for."""

    start: int
    end: int
    word: str


class _Tables(msgspec.Struct, frozen=True):
    """``disguises.toml``, compiled."""

    sounds: dict[int, str]
    syllables: dict[str, str]
    spelled: ahocorasick_rs.AhoCorasick
    spelled_words: tuple[list[str], ...]
    drawn: ahocorasick_rs.AhoCorasick
    drawn_words: tuple[str, ...]
    words: frozenset[str]
    known: frozenset[str]
    names: dict[str, str]
    common: dict[str, list[str]]
    halves: dict[str, list[str]]
    looks: tuple[tuple[str, str], ...]


@cache
def _tables() -> _Tables:
    """The package's own tables, read at first use."""
    data = tomllib.loads((files(__package__) / "disguises.toml").read_text(encoding="utf-8"))
    symbols = {name: chr(_SYMBOLS + at) for at, name in enumerate(sorted(data["sounds"]))}
    sounds = {
        ord(character): symbols[name]
        for name, characters in data["sounds"].items()
        for character in "".join(characters.split())
    }
    words = data["words"].split()
    harmless = frozenset(data["harmless"].split())
    by_sound: defaultdict[str, list[str]] = defaultdict(list)
    for word in words:
        by_sound[word.translate(sounds)].append(word)
    ways = {entry[0]: entry[1:].split("|") for entry in data["halves"].split()}
    drawn = _drawn(words, ways, data["looks"].split())
    drawn = {form: word for form, word in drawn.items() if form not in harmless}
    return _Tables(
        sounds=sounds,
        syllables=symbols,
        spelled=ahocorasick_rs.AhoCorasick(list(by_sound)),
        spelled_words=tuple(by_sound.values()),
        drawn=ahocorasick_rs.AhoCorasick(
            list(drawn), matchkind=ahocorasick_rs.MatchKind.LeftmostLongest
        ),
        drawn_words=tuple(drawn.values()),
        words=frozenset(words),
        known=harmless.union(words),
        names={symbol: name for name, symbol in symbols.items()},
        common={
            name: [one for one in "".join(characters.split()) if _common(one)]
            for name, characters in data["sounds"].items()
        },
        halves=ways,
        looks=tuple((pair[0], pair[1]) for pair in data["looks"].split()),
    )


def _drawn(words: list[str], ways: dict[str, list[str]], looks: list[str]) -> dict[str, str]:
    """Every form of a word with halved or exchanged characters, and the word."""
    drawn: defaultdict[str, list[str]] = defaultdict(list)
    for pair in looks:
        drawn[pair[0]].append(pair[1])
    known = set(words)
    forms: dict[str, str] = {}
    for word in words:
        for at, character in enumerate(word):
            for other in ways.get(character, []) + drawn[character]:
                forms.setdefault(word[:at] + other + word[at + 1 :], word)
        whole = product(*(ways.get(character, [character]) for character in word))
        for pieces in islice(whole, _HALVED_MAX):
            forms.setdefault("".join(pieces), word)
    return {form: word for form, word in forms.items() if form not in known}


def find(text: str) -> list[Disguised]:
    """The disguised words of a simplified, case-folded text, in order, none overlapping."""
    tables = _tables()
    found = [
        Disguised(start, end, tables.drawn_words[at])
        for at, start, end in tables.drawn.find_matches_as_indexes(text)
    ]
    if _LATIN.search(text) is None:
        found += _sounding(text, text.translate(tables.sounds), None)
    else:
        spelling, places = _spell(text)
        found += _sounding(text, spelling, places)
    if len(found) > 1:
        return _apart(found)
    return found


def _sounding(text: str, spelling: str, places: list[int] | None) -> list[Disguised]:
    """Words that are sounded out but not written. ``places`` maps the spelling to the text."""
    tables = _tables()
    known, written = tables.known, tables.words
    found: list[Disguised] = []
    matches = tables.spelled.find_matches_as_indexes(spelling, overlapping=True)
    if places is not None:
        matches = [(at, places[s], _end(places, e, text)) for at, s, e in matches]
    for at, start, end in matches:
        surface = text[start:end]
        if surface in known:
            continue
        meant = [word for word in tables.spelled_words[at] if _stands_for(surface, word)]
        if meant:
            # Of several that sound alike the one that is partly written out.
            word = max(meant, key=lambda word: len(set(surface).intersection(word)))
            found.append(Disguised(start, end, word))
    if not found:
        return found
    plain = [(s, e) for _, s, e in matches if text[s:e] in written]
    return [one for one in found if not _claimed(one, plain, text)]


def _claimed(one: Disguised, plain: list[tuple[int, int]], text: str) -> bool:
    """Whether words that are written out already claim some of a disguised word's characters.

    Not those that lie inside it (年货jie holds 年货), and none against letters amid Chinese.
    """
    if _LETTERS.search(text, one.start, one.end):
        return False
    return any(
        s < one.end and one.start < e and not (one.start <= s and e <= one.end)
        for s, e in plain
    )


def _end(places: list[int], end: int, text: str) -> int:
    """Where in the text a match of the spelling ends, without the space behind it."""
    stop = places[end]
    while stop > places[end - 1] + 1 and text[stop - 1] == " ":
        stop -= 1
    return stop


def _stands_for(surface: str, word: str) -> bool:
    """Whether what sounds like a word is likely to be meant for it.

    Of two common characters both of which are others, the sound is chance.
    """
    if len(word) > 2 or len(surface) != 2:
        return True
    return surface[0] == word[0] or surface[1] == word[1] or not _common(surface)


@lru_cache(maxsize=4096)
def _common(surface: str) -> bool:
    """Whether every character is of the 3,755 common ones (GB 2312, level 1)."""
    try:
        codes = surface.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return all(0xB0 <= lead <= 0xD7 for lead in codes[::2])


def _spell(text: str) -> tuple[str, list[int]]:
    """The sounds of a text with its pinyin read as such, and where each symbol begins."""
    tables = _tables()
    pieces: list[str] = []
    places: list[int] = []
    at = 0
    for match in _LATIN.finditer(text):
        syllables = _syllables(match.group())
        if not syllables:
            continue
        before = text[at : match.start()].rstrip(" ")
        pieces.append(before.translate(tables.sounds))
        places.extend(range(at, at + len(before)))
        at = match.start()
        for syllable in syllables:
            pieces.append(tables.syllables[syllable])
            places.append(at)
            at += len(syllable)
        while text[at : at + 1] == " ":
            at += 1
    rest = text[at:]
    pieces.append(rest.translate(tables.sounds))
    places.extend(range(at, len(text)))
    places.append(len(text))
    return "".join(pieces), places


@lru_cache(maxsize=4096)
def _syllables(run: str) -> tuple[str, ...]:
    """A run of letters as pinyin syllables, the longest first; empty when it is none."""
    known = _tables().syllables
    best: dict[int, tuple[str, ...]] = {len(run): ()}
    for start in range(len(run) - 1, -1, -1):
        for size in range(min(6, len(run) - start), 0, -1):
            rest = best.get(start + size)
            if rest is not None and run[start : start + size] in known:
                best[start] = (run[start : start + size], *rest)
                break
    return best.get(0, ())


def _apart(found: list[Disguised]) -> list[Disguised]:
    """The longest first, none that overlaps one already taken; then in order."""
    taken: list[Disguised] = []
    for one in sorted(found, key=lambda one: (one.start - one.end, one.start)):
        if all(one.end <= other.start or other.end <= one.start for other in taken):
            taken.append(one)
    return sorted(taken, key=lambda one: one.start)


def words() -> frozenset[str]:
    """The words that matter."""
    return _tables().words


def sound(character: str) -> str:
    """A character's pinyin without tone, or the character where none is known."""
    tables = _tables()
    symbol = tables.sounds.get(ord(character), "")
    return tables.names.get(symbol, character)


def alike(character: str) -> list[str]:
    """Common characters that sound alike; the character itself where there are none."""
    return _tables().common.get(sound(character), [character])


def halves(character: str) -> list[str]:
    """The ways to write a character in halves; the character itself where there are none."""
    return _tables().halves.get(character, [character])


def spelled(text: str) -> str:
    """A text by its sounds, one symbol each; what has none stays as it is."""
    return text.translate(_tables().sounds)


def lookalikes() -> list[tuple[str, str]]:
    """Pairs of characters that look alike."""
    return list(_tables().looks)


def pairs_of_halves() -> list[tuple[str, str]]:
    """Characters, and the ways to write each in two halves."""
    return [
        (character, way)
        for character, ways in _tables().halves.items()
        for way in ways
        if len(way) == 2
    ]
