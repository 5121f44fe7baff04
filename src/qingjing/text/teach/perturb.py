"""Ten ways in which senders disguise a text, to measure that a reading withstands them.

Chance comes from the caller. Replacements are drawn from all that sounds or looks alike, also
from those that the reader leaves alone as harmless.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final

from qingjing.text import disguise, lexicon
from qingjing.text.normalise import CJK, tables

if TYPE_CHECKING:
    from random import Random

Disguise = Callable[["Random", str], str]

SHARE: Final = 0.3
"""The share of characters or words that a disguise touches, where it does not touch all."""

_HIDDEN: Final = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
_SEPARATORS: Final = ".*-_·|/ ~"
_EMOJI: Final = "💰🔥🎁⭐❤👉✅"
_PAIR: Final = re.compile(f"(?<=[{CJK}])(?=[{CJK}])")
_WIDE: Final = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_DOT: Final = re.compile(r"(?<=[A-Za-z0-9])\.(?=[A-Za-z])")


def _reversed(table: dict[int, str]) -> dict[str, list[str]]:
    ways: defaultdict[str, list[str]] = defaultdict(list)
    for written, read in table.items():
        ways[read].append(chr(written))
    return dict(ways)


@cache
def _ways() -> tuple[dict[str, list[str]], dict[str, list[str]], dict[str, list[str]]]:
    """Traditional forms, look-alike characters and foreign letters, by what they stand for."""
    found = tables()
    odd = {code: read for code, read in found.characters.items() if found.odd.match(chr(code))}
    traditional = {code: read for code, read in found.characters.items() if code not in odd}
    return _reversed(traditional), _reversed(odd), _reversed(found.letters)


def _exchange(chance: Random, text: str, ways: dict[str, list[str]], share: float) -> str:
    return "".join(
        chance.choice(ways[one]) if one in ways and chance.random() < share else one
        for one in text
    )


def _between(chance: Random, text: str, filling: str, share: float) -> str:
    """Something between Chinese characters, at a share of the places."""
    return _PAIR.sub(lambda _: chance.choice(filling) if chance.random() < share else "", text)


@cache
def _words() -> re.Pattern[str]:
    """The words that matter, the longest first."""
    words = sorted(disguise.words(), key=lambda word: (-len(word), word))
    return re.compile("|".join(map(re.escape, words)))


def _each_word(chance: Random, text: str, change: Callable[[str], str]) -> str:
    """Change one character of each word that matters."""

    def one(match: re.Match[str]) -> str:
        word = match.group()
        at = chance.randrange(len(word))
        return word[:at] + change(word[at]) + word[at + 1 :]

    return _words().sub(one, text)


def traditional(chance: Random, text: str) -> str:
    """Traditional characters throughout."""
    return _exchange(chance, text, _ways()[0], 1.0)


def spaced(chance: Random, text: str) -> str:
    """A space between any two Chinese characters."""
    return _between(chance, text, " ", 1.0)


def hidden(chance: Random, text: str) -> str:
    """Invisible characters."""
    return _between(chance, text, _HIDDEN, SHARE)


def lookalike(chance: Random, text: str) -> str:
    """Rare characters and letters of other scripts in the place of common ones."""
    return _exchange(chance, _exchange(chance, text, _ways()[1], 1.0), _ways()[2], SHARE)


def wide(chance: Random, text: str) -> str:  # noqa: ARG001 - one shape for all
    """Full-width letters, digits and punctuation."""
    return text.translate(_WIDE)


def homophone(chance: Random, text: str) -> str:
    """A common character of the same sound in each word that matters."""
    return _each_word(chance, text, lambda one: chance.choice(disguise.alike(one)))


def pinyin(chance: Random, text: str) -> str:
    """One character of each word that matters in letters."""
    return _each_word(chance, text, disguise.sound)


def separated(chance: Random, text: str) -> str:
    """Dots, dashes, bars and pictures between characters."""
    return _between(chance, text, _SEPARATORS + _EMOJI, SHARE)


def halved(chance: Random, text: str) -> str:
    """One character of each word that matters in its halves, where it has some."""
    return _each_word(chance, text, lambda one: chance.choice(disguise.halves(one)))


def split_links(chance: Random, text: str) -> str:
    """Links written apart."""
    return _DOT.sub(lambda _: chance.choice((" . ", " .", ". ", "．")), text)


def combined(chance: Random, text: str) -> str:
    """Several at once: words in letters, some signs hidden, some traditional, links apart."""
    text = split_links(chance, pinyin(chance, text))
    text = _exchange(chance, text, _ways()[0], SHARE)
    return hidden(chance, separated(chance, text)).translate(_WIDE)


DISGUISES: Final[dict[str, Disguise]] = {
    one.__name__: one
    for one in (
        traditional,
        spaced,
        hidden,
        lookalike,
        wide,
        homophone,
        pinyin,
        separated,
        halved,
        split_links,
        combined,
    )
}
"""The ten, and their combination, by name."""


def keywords(text: str) -> set[str]:
    """The words of commerce and crime found in a normalised text, by their sound.

    So 登陆 and 登录, 帐户 and 账户, which the lexicon has both of, are one word.
    """
    words = lexicon.shipped()
    found = (words.entries[at] for at, _, _ in words.find(text))
    return {disguise.spelled(entry.word) for entry in found if entry.kind in lexicon.UNWANTED}
