"""Signatures that pretend to be another: a new one is compared with all that are owned.

A signature has a **skeleton**: what the eye takes it for, without case, spaces, traditional
forms and characters or letters that look alike. Without trades, places and forms of company
(``generic.toml``) it is its **core**, what the brand is known by. Two signatures are alike when
skeletons or cores are, when cores sound alike (pinyin without tones), when one abbreviates the
other as Chinese names are abbreviated, or when long cores differ in one place.

Everything is looked up by keys: a screening costs as much over a hundred signatures as over a
hundred thousand. Visual pairs that no table knows are not seen.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

from qingjing.text import disguise
from qingjing.text.normalise import tables

LARGE: Final = 20_000
"""Above so many signatures two characters are a coincidence: an abbreviation of two is then
believed only when it ends as institutions are called (招行), and a core of two that sounds
alike only with the same words around it."""

_INSTITUTIONS: Final = frozenset("行券险保院局社大")
_NOT_WORD: Final = re.compile(r"[\W_]+")
_LATIN: Final = re.compile(r"[a-z0-9]*[a-z][a-z0-9]*")
_DIGITS: Final = str.maketrans("0158", "olsb")
_CORE_MIN: Final = 2
_LONG_MIN: Final = 3
_LATIN_LONG_MIN: Final = 5


class How(Enum):
    """In which way two signatures are alike, the surest first."""

    LOOKS = "looks"
    GENERIC = "generic"
    SOUNDS = "sounds"
    SHORT = "short"
    ORDER = "order"
    EDIT = "edit"


WORDS: Final = {
    How.LOOKS: ("看起来相同(字形、繁体、空格或大小写)", "looks the same"),
    How.SOUNDS: ("读音相同", "sounds the same"),
    How.GENERIC: ("同一品牌加通用词", "is the same brand with other common words"),
    How.SHORT: ("是其简称", "is an abbreviation of it"),
    How.ORDER: ("字序颠倒", "has its characters in another order"),
    How.EDIT: ("仅一字之差", "differs in one place"),
}
"""In Chinese and English, after the two names."""


class Likeness(NamedTuple):
    """An owned signature that a new one is like, and in which way."""

    name: str
    how: How


class Index:
    """Owned signatures by their keys."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """``names`` are signatures without brackets, as ``add`` takes them."""
        self._places: dict[str, list[str]] = {}
        self._names: set[str] = set()
        for name in names:
            self.add(name)

    def __len__(self) -> int:
        """How many signatures it holds."""
        return len(self._names)

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def add(self, name: str) -> None:
        """Own one more signature."""
        if name in self._names:
            return
        self._names.add(name)
        for _how, key in {(how, key) for how, key in _keys(_Form(name), owned=True)}:
            self._places.setdefault(key, []).append(name)

    def screen(self, name: str) -> list[Likeness]:
        """The owned signatures that a name is like, each in its surest way; itself is none."""
        form = _Form(name)
        found: dict[str, How] = {}
        order = list(How)
        for how, key in _keys(form, owned=False):
            for other in self._places.get(key, ()):
                known = found.get(other)
                if other == name or (known and order.index(known) <= order.index(how)):
                    continue
                if self._believed(form, other, how):
                    found[other] = how
        return sorted(
            (Likeness(other, how) for other, how in found.items()),
            key=lambda one: (order.index(one.how), one.name),
        )

    def _believed(self, form: _Form, other: str, how: How) -> bool:
        """Is the way in which they are alike more than chance?"""
        if how is How.SOUNDS:
            owned = _Form(other)
            latin = form.said.isascii() or owned.said.isascii()
            shared = any(a == b for a, b in zip(form.said, owned.said, strict=False))
            if len(form.said) > _CORE_MIN or latin:
                return True
            tail = len(self) <= LARGE or _around(form) == _around(owned)
            return shared and tail
        if how is How.SHORT and len(self) > LARGE and len(form.core) <= _CORE_MIN:
            return form.core[-1] in _INSTITUTIONS
        return True


class _Form:
    """One signature in the forms that keys are made of: as it is seen, and as it is said."""

    __slots__ = ("core", "said", "skeleton")

    def __init__(self, name: str) -> None:
        plain = _plain(name)
        self.skeleton = _seen(plain)
        self.core = _core(self.skeleton, _common().seen)
        self.said = _core(plain, _common().said)


def skeleton(name: str) -> str:
    """What the eye takes a signature for."""
    return _seen(_plain(name))


def core(name: str) -> str:
    """What a brand is known by; empty for a signature of common words alone."""
    return _Form(name).core


def _plain(name: str) -> str:
    """Simplified, case-folded, without spaces, marks and what is not seen."""
    known = tables()
    text = unicodedata.normalize("NFKC", name)
    text = text.translate(known.letters).casefold().translate(known.characters)
    return _NOT_WORD.sub("", text)


def _seen(plain: str) -> str:
    if _LATIN.search(plain):
        plain = _LATIN.sub(_letters, plain)
    return plain.translate(_looks())


def _core(text: str, common: _Words) -> str:
    """Without places at the head and common words at the end, one by one."""
    while True:
        cut = text
        for size in range(min(common.longest, len(text)), 0, -1):
            if text[-size:] in common.ends:
                cut = text[:-size]
                break
            if text[:size] in common.heads:
                cut = text[size:]
                break
        if cut == text or 0 < len(cut) < _CORE_MIN:
            return text
        if not cut:
            return ""
        text = cut


def _letters(found: re.Match[str]) -> str:
    """Digits amid letters are read as the letters that they look like."""
    return found.group().translate(_DIGITS).replace("rn", "m").replace("vv", "w")


def _around(form: _Form) -> list[str]:
    return form.skeleton.split(form.core, 1)


def _sound(said: str) -> str:
    """Pinyin as letters: a brand in pinyin sounds as the characters, however it is cut."""
    return "".join(map(disguise.sound, said))


def _keys(form: _Form, *, owned: bool) -> Iterator[tuple[How, str]]:
    """Ways and keys: two signatures that share a key are candidates for its way."""
    whole, bare = form.skeleton, form.core
    yield How.LOOKS, f"k{whole}"
    for joined in _joined(whole):
        yield How.LOOKS, f"k{joined}"
    if not bare:
        return
    yield How.GENERIC, f"c{bare}"
    yield How.SOUNDS, f"s{_sound(form.said)}"
    if len(bare) > 1:
        yield How.ORDER, f"o{''.join(sorted(bare))}"
    if owned:
        for short in _shortened(whole):
            yield How.SHORT, f"a{short}"
    else:
        yield How.SHORT, f"a{bare}"
        yield How.SHORT, f"a{whole}"
    if len(bare) >= (_LATIN_LONG_MIN if bare.isascii() else _LONG_MIN):
        yield How.EDIT, f"e{bare}"
        for place in range(len(bare)):
            # With its place: else cores of three that share two characters anywhere were alike.
            yield How.EDIT, f"e{bare[:place]}?{bare[place + 1 :]}"
            if len(bare) > _LONG_MIN:
                yield How.EDIT, f"e{bare[:place]}{bare[place + 1 :]}"


def _shortened(whole: str) -> set[str]:
    """How a long Chinese name is abbreviated: heads of its words, head and end."""
    heads = _common().seen.heads
    bare = next((whole[n:] for n in (3, 2) if whole[:n] in heads), whole)
    if len(bare) < 4 or bare.isascii():
        return set()
    firsts = bare[::2]
    return {bare[0] + bare[-1], bare[:2] + bare[-1], firsts[:2], firsts[:3]}


def _joined(whole: str) -> Iterator[str]:
    """With two halves read as the character that they make, one place at a time."""
    made = _made()
    for place in range(len(whole) - 1):
        for character in made.get(whole[place : place + 2], ()):
            yield _seen(whole[:place] + character + whole[place + 2 :])


class _Words(NamedTuple):
    """Places, and all common words, in one form."""

    heads: frozenset[str]
    ends: frozenset[str]
    longest: int


class _Common(NamedTuple):
    """Common words as they are seen and as they are said."""

    seen: _Words
    said: _Words


@cache
def _common() -> _Common:
    data = tomllib.loads((files(__package__) / "generic.toml").read_text(encoding="utf-8"))
    places = [_plain(word) for word in data["places"].split()]
    words = [_plain(word) for word in data["words"].split()]

    def made(form: Callable[[str], str]) -> _Words:
        heads = frozenset(map(form, [*places, "官方", "正品"]))
        ends = frozenset(map(form, [*places, *words]))
        return _Words(heads, ends, max(map(len, ends)))

    return _Common(made(_seen), made(str))


@cache
def _looks() -> dict[int, str]:
    """Characters that look alike, each as the least of those that it may be taken for."""
    least: dict[str, str] = {}
    for a, b in disguise.lookalikes():
        both = {least.get(a, a), least.get(b, b)}
        low = min(both)
        for character, known in list(least.items()):
            if known in both:
                least[character] = low
        least[a] = least[b] = low
    return {ord(character): low for character, low in least.items()}


@cache
def _made() -> dict[str, list[str]]:
    """Two halves, and the characters that they make."""
    made: dict[str, list[str]] = {}
    for character, way in disguise.pairs_of_halves():
        made.setdefault(_seen(_plain(way)), []).append(character)
    return made
