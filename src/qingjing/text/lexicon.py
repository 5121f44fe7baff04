"""The words of ``lexicon.toml`` as one automaton that finds them all in one pass."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Final

import ahocorasick_rs
import msgspec

from qingjing.kernel.words import Category, Kind

WEIGHT_MAX: Final = 5
UNWANTED: Final = (Kind.COMMERCIAL, Kind.ILLEGAL)
"""The kinds whose words are worth hiding."""
_GENERAL: Final = "promotion"
"""The table of commercial words that tell no line of trade."""


class LexiconError(ValueError):
    """A lexicon that cannot be used; the text names the table, the word and the remedy."""


class Entry(msgspec.Struct, frozen=True):
    """One word. ``kind`` is None for a hint, which tells the category alone.

    ``general`` words sell whatever the trade. ``latin`` words count as whole words only, and
    words that begin or end in a digit (``numeric``) as whole numbers only.
    """

    word: str
    kind: Kind | None
    category: Category
    weight: int
    latin: bool
    numeric: bool
    general: bool


class Lexicon:
    """Words and the automaton over them; ``find`` gives every longest match in order."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self.entries = entries
        # Leftmost-longest: 优惠券 must not also count as 优惠.
        self._automaton = ahocorasick_rs.AhoCorasick(
            [entry.word for entry in entries],
            matchkind=ahocorasick_rs.MatchKind.LeftmostLongest,
        )

    def find(self, text: str) -> list[tuple[int, int, int]]:
        """Matches as (index into ``entries``, start, end)."""
        matches: list[tuple[int, int, int]] = self._automaton.find_matches_as_indexes(text)
        return matches


def parse(text: str) -> tuple[Entry, ...]:
    """Read a lexicon; LexiconError for an unknown table, a wrong weight or a repeated word."""
    entries: dict[str, Entry] = {}
    for name, tables in tomllib.loads(text).items():
        for category_name, words in tables.items():
            where = f"[{name}.{category_name}]"
            kind, category = _table(name, category_name, where)
            for word, weight in words.items():
                if type(weight) is not int or not 1 <= weight <= WEIGHT_MAX:
                    raise LexiconError(f"{where} {word}: a weight is 1 to {WEIGHT_MAX}")
                if word in entries:
                    raise LexiconError(f"{where} {word}: stands in another table; keep one")
                entries[word] = Entry(
                    word,
                    kind,
                    category,
                    weight,
                    latin=word.isascii(),
                    numeric=word[0].isdigit() or word[-1].isdigit(),
                    general=name == _GENERAL,
                )
    return tuple(entries.values())


def _table(name: str, category: str, where: str) -> tuple[Kind | None, Category]:
    try:
        if name == _GENERAL:
            return Kind.COMMERCIAL, Category[category.upper()]
        kind = None if name == "hint" else Kind[name.upper()]
        return kind, Category[category.upper()]
    except KeyError as error:
        raise LexiconError(f"{where}: {error} is no kind or category") from None


@cache
def shipped() -> Lexicon:
    """The package's own lexicon, read at first use."""
    return Lexicon(parse((files(__package__) / "lexicon.toml").read_text(encoding="utf-8")))
