"""What the words of a text add up to: for each kind and category, the weights of those found.

A word counts once a message. Words inside the signature tell the trade alone, words inside the
opt-out notice tell nothing.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import Final

from qingjing.kernel.words import Category, Kind
from qingjing.text import extract, lexicon
from qingjing.text.extract import Notice
from qingjing.text.normalise import Normal

OWN_ENOUGH: Final = 3
"""From here a text is about something the person has; a promotion in it makes it mixed."""

LINE_ENOUGH: Final = 3
"""What a line of trade must weigh to be told by the body alone: a word that is usual in it."""

_GOODS: Final = frozenset(
    {
        Category.RETAIL,
        Category.TRAVEL,
        Category.HEALTH,
        Category.FOOD,
        Category.ENTERTAINMENT,
        Category.AUTOMOTIVE,
    }
)
"""Lines whose words name things: a tyre is no offer yet, an instant loan is."""

_BEFORE: Final = re.compile(r"(?:[0-9][.,:/-]|¥|号)\Z")
_AFTER: Final = re.compile(r"[.,:/-][0-9]|[元块号室栋路楼名件条份]")
_MONEY: Final = frozenset("元折券减送免%")

_KINDS: Final = len(Kind)
_ALL_CATEGORIES: Final = tuple(Category)
_CATEGORIES: Final = len(_ALL_CATEGORIES)


class Tally:
    """What the words of one text add up to.

    Lists by number, not dictionaries by enumeration: hashing a member is a call in Python.
    ``told`` has the places of ``categories`` that are not zero, and behind them the hints.
    """

    def __init__(self) -> None:
        self.kinds = [0] * _KINDS
        self.categories = [0] * (_KINDS * _CATEGORIES)
        self.hints = [0] * _CATEGORIES
        self.signed = [0] * _CATEGORIES
        self.general = 0
        self.selling = 0
        self.words: dict[str, tuple[int, int]] = {}
        self.promoting: list[tuple[int, int]] = []
        self.told: set[int] = set()

    def add(self, kind: int, category: int, word: str, weight: int) -> None:
        """Count one word; a word said twice says no more."""
        if word in self.words:
            return
        self.words[word] = (kind, weight)
        self.kinds[kind] += weight
        self.categories[kind * _CATEGORIES + category] += weight
        self.told.add(kind * _CATEGORIES + category)

    def category(self, kind: Kind) -> Category:
        """The heaviest category of a kind; OTHER when no word tells one.

        A commercial text's line of trade is told by the body's words of that line and hints;
        where there is none, by the signature's; and where that names none either, words of
        selling as such (券, 折, 抢) say RETAIL. Of equals the smaller number wins, so that the
        order of the words does not matter.
        """
        weights = self._line(kind) if kind is Kind.COMMERCIAL else self._own(kind)
        if kind is Kind.COMMERCIAL and max(weights) < LINE_ENOUGH:
            weights = [a + b for a, b in zip(weights, self.signed, strict=True)]
            weights[Category.RETAIL] += min(self.general, LINE_ENOUGH - 1)
        return _ALL_CATEGORIES[weights.index(max(weights))]

    def asked_for(self) -> Category:
        """The line of trade that the body's own words name, whoever signs; else OTHER."""
        weights = self._line(Kind.COMMERCIAL)
        return _ALL_CATEGORIES[weights.index(max(weights))]

    def _own(self, kind: Kind) -> list[int]:
        weights = self.categories[kind * _CATEGORIES : (kind + 1) * _CATEGORIES]
        weights[Category.OTHER] = 0
        return weights

    def _line(self, kind: Kind) -> list[int]:
        """The body's own words of each line of trade, and hints."""
        return [2 * own + hint for own, hint in zip(self._own(kind), self.hints, strict=True)]

    def heaviest(self, kind: Kind) -> int:
        """The weight of the heaviest word of a kind."""
        return max([weight for of, weight in self.words.values() if of == kind], default=0)

    def weighed(self, kind: Kind) -> tuple[tuple[str, int], ...]:
        """The words of one kind, heaviest first."""
        found = [(-weight, word) for word, (of, weight) in self.words.items() if of == kind]
        found.sort()
        return tuple((word, -weight) for weight, word in found)


def weigh(
    normal: Normal, signature: extract.Signature | None, notice: Notice | None
) -> tuple[Tally, int]:
    """Add up the words outside signature and notice; also how many of them had been cut."""
    text = normal.text
    tally = Tally()
    named = signature_range(text, signature)
    silent = (0, 0) if notice is None else (notice.start, notice.end)
    words = lexicon.shipped()
    entries = words.entries
    cut = 0
    for index, start, end in words.find(text):
        if start < silent[1] and end > silent[0]:
            continue
        entry = entries[index]
        if entry.latin and _inside_word(text, start, end):
            continue
        if entry.numeric and _inside_number(text, start, end):
            continue
        if normal.joins:
            cut += bisect_left(normal.joins, end) - bisect_right(normal.joins, start)
        # A signature tells the trade, never the kind: 【秒杀商城】 signs its order notices too.
        if start < named[1] and end > named[0]:
            tally.signed[entry.category] += entry.weight
            continue
        if entry.kind is None:
            tally.hints[entry.category] += entry.weight
            tally.told.add(_KINDS * _CATEGORIES + entry.category)
            continue
        if entry.general:
            tally.general += entry.weight
            tally.add(entry.kind, Category.OTHER, entry.word, entry.weight)
        else:
            tally.add(entry.kind, entry.category, entry.word, entry.weight)
        if entry.kind is Kind.COMMERCIAL:
            if entry.general or entry.category not in _GOODS:
                tally.selling = max(tally.selling, entry.weight)
            tally.promoting.append((start, end))
    if not _MONEY.isdisjoint(text):
        for match in extract.find_discounts(text):
            at = text.index(match)
            tally.add(Kind.COMMERCIAL, Category.OTHER, match, OWN_ENOUGH)
            tally.general += OWN_ENOUGH
            tally.selling = max(tally.selling, OWN_ENOUGH)
            tally.promoting.append((at, at + len(match)))
    return tally, cut


def _inside_word(text: str, start: int, end: int) -> bool:
    """Whether a Latin word is a piece of a longer one, as pt is of september."""
    around = text[start - 1 : start] + text[end : end + 1] if start else text[end : end + 1]
    return any(character.isascii() and character.isalpha() for character in around)


def _inside_number(text: str, start: int, end: int) -> bool:
    """Whether a word's digits are a piece of a longer number, as 618 is of an order's.

    So is a word of digits alone that is an amount, or has digits beyond a dash or dot.
    """
    around = text[max(0, start - 2) : start], text[end : end + 2]
    if text[start].isdigit() and around[0][-1:].isalnum() and around[0][-1:].isascii():
        return True
    if text[end - 1].isdigit() and around[1][:1].isalnum() and around[1][:1].isascii():
        return True
    if not text[start:end].isdigit():
        return False
    return _BEFORE.search(around[0]) is not None or _AFTER.match(around[1]) is not None


def signature_range(text: str, signature: extract.Signature | None) -> tuple[int, int]:
    """Where the signature stands in the normalised text; an empty range without one."""
    if signature is None or signature.lookalike:
        return (0, 0)
    if signature.place == "head":
        return (0, text.find("】") + 1)
    return (text.rfind("【"), len(text))
