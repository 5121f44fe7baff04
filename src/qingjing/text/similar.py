"""Whether two texts are the same but for names, codes and amounts (相同或者相似).

Order 31 Art 18: after a refusal or silence the same or similar asking may not be sent again.
So texts are compared as skeletons, in which what varies from person to person is masked.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

from qingjing.text.normalise import normalise

SIMILAR_AT: Final = 0.7
"""From this similarity two askings count as the same or similar content.

With 3-grams a changed character costs three shingles on either side, of some sixty in all: 0.7
lets three separate small edits pass as the same text, while askings of different wording that
share the signature and stock phrases stay below 0.5. A text near the line counts as similar
rather than new, because asking again is what the law forbids.
"""

_SIZE: Final = 3
_MASK: Final = "#"
# Codes, amounts, dates, links: any run of letters and digits with what holds them together.
_VARIABLE: Final = re.compile(r"[a-z0-9¥](?:[a-z0-9./:?=&_%*-]|,(?=[0-9]{3}))*")
_NAME: Final = re.compile(r"(?<=尊敬的)[^\s,!:，。]{1,4}(?=先生|女士|小姐)")
_SPACE: Final = re.compile(r"\s+")


def skeleton(text: str) -> str:
    """A normalised text with its variables masked; the text of ``normalise(body).text``."""
    masked = _VARIABLE.sub(_MASK, text)
    if "尊敬的" in masked:
        masked = _NAME.sub(_MASK, masked)
    return _SPACE.sub("", masked)


def key_of(text: str) -> int:
    """The template key of a text that is normalised already."""
    digest = blake2b(skeleton(text).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def template_key(body: str) -> int:
    """A stable 64-bit key, equal for bodies that differ in variables or disguise alone.

    Signed, so that it fits SQL ``bigint`` and numpy ``int64``.
    """
    return key_of(normalise(body).text)


def shingles(body: str) -> frozenset[str]:
    """The character 3-grams of the body's skeleton; a shorter skeleton is its own shingle."""
    text = skeleton(normalise(body).text)
    if len(text) < _SIZE:
        return frozenset({text}) if text else frozenset()
    return frozenset(text[at : at + _SIZE] for at in range(len(text) - _SIZE + 1))


def similarity(a: str, b: str) -> float:
    """Jaccard similarity of the bodies' shingles, from 0.0 to 1.0; two empties are equal."""
    left, right = shingles(a), shingles(b)
    union = len(left | right)
    return len(left & right) / union if union else 1.0
