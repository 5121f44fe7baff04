"""A message taken apart, before anything is decided: what rules and model go by."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from qingjing.kernel.words import Category, Kind
from qingjing.text import extract
from qingjing.text.asking import asks, offers_besides
from qingjing.text.extract import Link, Notice, Number, Signature
from qingjing.text.grams import cue_buckets, face, grams
from qingjing.text.normalise import Normal, normalise
from qingjing.text.verdict import decide, own, told, unreadable
from qingjing.text.weigh import OWN_ENOUGH, Tally, signature_range, weigh

_STEPS: Final = (2, 4, 6, 9, 13)
"""Sums of weights that the model tells apart."""

# Where each family of signs begins; the first is that of ``Tally.told``.
_SUM, _TOLD, _SIGNED = 160, 240, 272
_CODE, _ASKING, _LINKED, _OFFICIAL = 256, 257, 259, 260
_STEPPED: Final = [[_SUM + kind * 8 + at for at in range(len(_STEPS))] for kind in Kind]


# A signature of an authority: it sells nothing, though others borrow its name.
_AUTHORITY: Final = re.compile(
    r"局|厅|委】|办】|政府|政务|公安|交警|交管|消防|气象|疾控|反诈|应急|防汛|防火|法院|检察|街道"
    r"|社区|居委|红十字|血液|献血|妇联|团委|工会|残联|征兵|社保|医保|公积金|税务|海事|文明办|禁毒"
)


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """One message taken apart. ``said`` and ``hangs`` are the verdict of the words alone."""

    normal: Normal
    signature: Signature | None
    notice: Notice | None
    links: tuple[Link, ...]
    phones: tuple[Number, ...]
    tally: Tally
    cut: int
    asking: bool
    offers: bool
    readable: bool
    said: Kind
    hangs: bool

    @property
    def evasions(self) -> int:
        """Disguises that were taken off: characters, cut words, split links."""
        return self.normal.hidden + self.cut + sum(link.split for link in self.links)


def take_apart(body: str) -> Parts:
    """Take a message apart. Total over every string."""
    normal = normalise(body)
    text = normal.text
    signature = extract.find_signature(normal.plain)
    notice = extract.find_notice(text)
    links = extract.find_links(normal.plain)
    phones = extract.find_phones(text)
    tally, cut = weigh(normal, signature, notice)
    if extract.find_codes(text):
        tally.add(Kind.VERIFICATION, Category.OTHER, "(code)", OWN_ENOUGH)
    asking = asks(text, named=tally.kinds[Kind.ASKING] > 0, own=own(tally.kinds) >= OWN_ENOUGH)
    offers = asking and (bool(links) or offers_besides(text, notice))
    said, hangs = decide(
        tally.kinds,
        asking=asking,
        offers=offers,
        addressed=signature is not None or notice is not None or bool(links or phones),
        strong=tally.heaviest(Kind.COMMERCIAL) >= OWN_ENOUGH,
    )
    undecided = said is Kind.UNCLEAR or said is Kind.COMMERCIAL
    undecided = undecided and signature is not None and not links
    if undecided and told(text, tally, reachable=bool(phones)):
        said, hangs = Kind.SERVICE, False
    return Parts(
        normal=normal,
        signature=signature,
        notice=notice,
        links=links,
        phones=phones,
        tally=tally,
        cut=cut,
        asking=asking,
        offers=offers,
        readable=not unreadable(normal),
        said=said,
        hangs=hangs,
    )


def body_range(parts: Parts) -> list[tuple[int, int]]:
    """The slices of the normalised text that are neither signature nor notice."""
    text = parts.normal.text
    gaps = [signature_range(text, parts.signature)]
    if parts.notice is not None:
        gaps.append((parts.notice.start, parts.notice.end))
    slices, last = [], 0
    for start, end in sorted(gaps):
        if start > last:
            slices.append((last, start))
        last = max(last, end)
    if last < len(text):
        slices.append((last, len(text)))
    return slices


def seen(parts: Parts, *, whole: bool = False) -> str:
    """What the model sees of the text; ``whole``: signature and notice as well."""
    text = parts.normal.text
    if whole:
        return face(text)
    return face("".join([text[start:end] for start, end in body_range(parts)]))


def pieces(parts: Parts, *, whole: bool = False) -> NDArray[np.uint32]:
    """What the model goes by, as buckets: pieces of the text, and the signs of the words."""
    return np.concatenate([grams(seen(parts, whole=whole)), cue_buckets()[cues(parts)]])


def cues(parts: Parts) -> list[int]:
    """The signs that the words give, each once.

    Disguises are none: they tell of intent, and a notice with spaces in it is a notice.
    """
    tally = parts.tally
    found = [_TOLD + parts.said * 2 + parts.hangs, *tally.told]
    for kind, total in enumerate(tally.kinds):
        if total > 1:
            found += _STEPPED[kind][: bisect_right(_STEPS, total)]
    if "(code)" in tally.words:
        found.append(_CODE)
    found += [_SIGNED + at for at, weight in enumerate(tally.signed) if weight]
    start, end = signature_range(parts.normal.text, parts.signature)
    if end and _AUTHORITY.search(parts.normal.text, start, end):
        found.append(_OFFICIAL)
    if parts.asking:
        found.append(_ASKING)
    if parts.links:
        found.append(_LINKED)
    return found
