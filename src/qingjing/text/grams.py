"""What a text is made of, for the model: hashed pieces of one to three characters.

The model sees neither signature nor notice, and no digits, links or punctuation as such: what
varies within a campaign says nothing, and corpora without punctuation can be learnt from.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final, cast

import numba
import numpy as np
from numpy.typing import NDArray

BITS: Final = 18
"""Buckets are 2 to this: with 17 the pieces of different classes begin to collide."""

LENGTH_MAX: Final = 600
"""Characters looked at: no message that a carrier takes is longer (500 by the vendors)."""

_SPACE: Final = "ʔ"
"""What stands for the space between Latin words."""

LINK: Final = "ʟ"
PHONE: Final = "ᴘ"
ACCOUNT: Final = "ᴡ"
"""What stands for a link, a phone number, an account of a messenger."""

_NAME = r"[a-z0-9-]{1,63}"
_LINKS: Final = re.compile(
    rf"(?:https?://|www\.)[!-~]+|{_NAME}(?:\.{_NAME}){{0,5}}\.[a-z]{{2,18}}(?:/[!-~]*)?"
    rf"|{_NAME}(?:\s?\.\s?{_NAME}){{0,5}}\s?\.\s?(?:cn|com|net|org|cc|top|vip|xyz|co|info)"
    r"(?![a-z0-9])(?:\s?/[!-~]*)?"
)
_PHONES: Final = re.compile(
    r"(?<![0-9])(?:(?:\+?86)?[- ]?1[3-9][0-9]-?[0-9]{4}-?[0-9]{4}"
    r"|[48]00-?[0-9]{3,4}-?[0-9]{3,4}"
    r"|0[1-9][0-9]{1,2}-?[2-9][0-9]{6,7})(?![0-9])"
)
_ACCOUNT: Final = re.compile(
    r"(?:(?<=[信薇微qv群加])|(?<=[信q]号))[:：]?\s?[a-z]{0,8}[0-9]{4,12}(?![0-9a-z])"
)
_DIGITS: Final = re.compile(r"[0-9](?:[0-9*,.:/-]*[0-9*])?")
_DROPPED: Final = re.compile(r"[^\w%¥$+]+|_+")
_NUMBER: Final = re.compile(r"[0-9][0-9-]{3}")
_LATIN: Final = re.compile(r"[a-z]")
_LATIN_GAP: Final = re.compile(r"(?<=[a-z0])[^\w]+(?=[a-z0])")


def face(text: str) -> str:
    """What the model looks at, of a normalised text without signature and notice."""
    if "." in text or "://" in text:
        text = _LINKS.sub(LINK, text)
    if _NUMBER.search(text) is not None:
        text = _ACCOUNT.sub(ACCOUNT, _PHONES.sub(PHONE, text))
    text = _DIGITS.sub(_digits, text)
    if _LATIN.search(text) is not None:
        text = _LATIN_GAP.sub(_SPACE, text)
    return _DROPPED.sub("", text)[:LENGTH_MAX]


def _digits(match: re.Match[str]) -> str:
    """Digits by their number alone: few are an amount, four to eight a code, more an order."""
    size = match.end() - match.start()
    return "0" if size < 4 else "00" if size < 9 else "000"


def grams(seen: str) -> NDArray[np.uint32]:
    """The buckets of a face's pieces: each character, each two and each three in a row."""
    return cast("NDArray[np.uint32]", hashed(codes(seen)))


def codes(seen: str) -> NDArray[np.uint32]:
    """A face as code points, with a mark at either end."""
    return np.frombuffer(f"^{seen}$".encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


@numba.njit(cache=True, nogil=True)
def hashed(points: Any) -> Any:  # pragma: no cover - compiled
    """The buckets of one face's pieces; Latin words count whole as well, also two in a row."""
    size = len(points)
    found = np.empty(4 * size, dtype=np.uint32)
    at = 0
    before, last = np.uint32(0), np.uint32(0)
    word, former, letters = np.uint32(0), np.uint32(0), 0
    for place in range(size):
        this = np.uint32(points[place])
        one = np.uint32(this * np.uint32(0x9E3779B1))
        two = np.uint32(np.uint32(last * np.uint32(0x85EBCA77)) + one + np.uint32(1))
        three = np.uint32(before * np.uint32(0xC2B2AE3D))
        three = np.uint32(three + two + np.uint32(2))
        found[at] = mixed(one)
        at += 1
        if place > 0:
            found[at] = mixed(two)
            at += 1
        if place > 1:
            found[at] = mixed(three)
            at += 1
        before, last = last, this
        if 97 <= this <= 122:
            word = np.uint32(np.uint32(word * np.uint32(0x01000193)) ^ one)
            letters += 1
        elif letters > 0:
            if letters > 3:
                found[at] = mixed(np.uint32(word + np.uint32(3)))
                at += 1
            if former != np.uint32(0):
                found[at] = mixed(np.uint32(np.uint32(former * np.uint32(0x27D4EB2F)) + word))
                at += 1
            former, word, letters = word, np.uint32(0), 0
    return found[:at]


@numba.njit(cache=True, nogil=True, inline="always")
def mixed(value: Any) -> Any:  # pragma: no cover - compiled
    """A 32-bit value spread evenly over the buckets."""
    value = np.uint32(value ^ (value >> np.uint32(15)))
    value = np.uint32(value * np.uint32(0x7FEB352D))
    value = np.uint32(value ^ (value >> np.uint32(13)))
    return np.uint32(value * np.uint32(0x846CA68B)) >> np.uint32(14)


@cache
def cue_buckets() -> NDArray[np.uint32]:
    """The bucket of each numbered sign, hashed as the pieces are."""
    return np.array([mixed(np.uint32(0xA0000000 + at)) for at in range(512)], dtype=np.uint32)
