"""What a message says: kind, category, signature, notice, links, and on which words it rests.

Two readers agree on it: the words (``verdict``), whose sums a person can follow, and a model
(``model``) that has learnt from many messages and takes the words' verdict as one sign. Where
the law itself gives the form (a request for consent), the words decide. UNCLEAR is said rather
than a guess, and the gate never passes what is unclear.
"""

from __future__ import annotations

from typing import Final

import msgspec

from qingjing.kernel.words import Category, Kind
from qingjing.text import extract
from qingjing.text.asking import Asking, find_states
from qingjing.text.extract import Link, Notice, Number
from qingjing.text.model import KINDS, MIXED, Model, probabilities, shipped
from qingjing.text.normalise import normalise_with_map
from qingjing.text.parts import Parts, cues, seen, take_apart
from qingjing.text.promotion import notifies, promoted
from qingjing.text.similar import key_of
from qingjing.text.verdict import LURE_MAX

SURE: Final = 0.5
"""Below this probability no kind is told: another one, or none, is as likely."""

WORDS_COUNT: Final = 3.0
"""How many times likelier the words' own verdict makes a kind.

So much that it decides where the model hesitates, and not where the model is certain.
"""

CATEGORY_COUNT: Final = 1.6
"""What the words' own line of trade adds to its score, in units of the model's margin."""

SHORTEST: Final = 4
"""Characters that the model must see to say anything: 收到 is from anybody."""

_ALL_KINDS: Final = tuple(Kind)
_COLUMN_KINDS: Final = tuple(map(int, KINDS))  # an enumeration's member is slow as an index
_LAWLESS: Final = (Category.OTHER, Category.INVOICES, Category.GAMBLING, Category.FRAUD)
_TRADES: Final = tuple(one for one in Category if one not in _LAWLESS or one is Category.OTHER)


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One message as read.

    ``confidence`` is the probability of ``kind``, 0.0 for UNCLEAR; it is calibrated on messages
    that were held out. ``category`` is that of a commercial, asking or illegal text,
    else OTHER.
    ``identity``: a signature, or a company's name with a phone number. ``contact``: a phone
    number is given. ``mixed``: a promotion hangs on a notice or code; ``span`` are then the
    offsets of its words in the body. ``states`` is given where ``asking``. ``evasions`` counts
    disguises that were taken off, a sign of intent. ``weighed`` are the words of that kind,
    heaviest first; ``explain.explain`` tells what else weighed, and where.
    """

    kind: Kind
    confidence: float
    category: Category
    signature: str | None
    signature_place: str
    lookalike_signature: bool
    notice: Notice | None
    links: tuple[Link, ...]
    phones: tuple[Number, ...]
    identity: bool
    contact: bool
    mixed: bool
    span: tuple[int, int] | None
    asking: bool
    states: Asking | None
    evasions: int
    weighed: tuple[tuple[str, int], ...]
    template_key: int


def read(body: str) -> Reading:
    """Read a message. Total over every string, and deterministic."""
    return read_parts(body, take_apart(body))


def read_parts(body: str, parts: Parts, by: Model | None = None) -> Reading:
    """The reading of a message that is taken apart already, by the shipped or another model."""
    by = by or shipped()
    signature, phones, tally = parts.signature, parts.phones, parts.tally
    scores = by.scores(shown := seen(parts), cues(parts))
    kind, confidence, mixed = _decide(parts, shown, scores, by)
    asking = parts.asking or kind is Kind.ASKING
    text = parts.normal.text
    return Reading(
        kind=kind,
        confidence=round(confidence, 4),
        category=_category(parts, kind, scores),
        signature=None if signature is None else signature.text,
        signature_place="none" if signature is None else signature.place,
        lookalike_signature=signature is not None and signature.lookalike,
        notice=parts.notice,
        links=parts.links,
        phones=phones,
        identity=signature is not None or (bool(phones) and extract.names_company(text)),
        contact=bool(phones),
        mixed=mixed,
        span=_span(body, parts) if mixed else None,
        asking=asking,
        states=find_states(text) if asking else None,
        evasions=parts.evasions,
        weighed=tally.weighed(kind),
        template_key=key_of(text),
    )


def _decide(
    parts: Parts, shown: str, scores: list[float], by: Model
) -> tuple[Kind, float, bool]:
    """Kind, its probability, and whether it is mixed."""
    if not parts.readable:
        return Kind.UNCLEAR, 0.0, False
    if parts.said is Kind.UNCLEAR and len(shown) < SHORTEST * (1 + shown.isascii()):
        return Kind.UNCLEAR, 0.0, False
    columns = probabilities(by, scores)
    likely = _weigh_in(parts, columns)
    kind = _ALL_KINDS[likely.index(max(likely))]
    if parts.asking and parts.said in (Kind.ASKING, Kind.COMMERCIAL):
        # What the law calls a request for consent, by the form that the law gives it.
        kind = parts.said if kind is not Kind.ILLEGAL else kind
    elif likely[kind] < SURE or (kind is Kind.SERVICE and _lures(parts)):
        return Kind.UNCLEAR, 0.0, False
    mixed = kind is Kind.COMMERCIAL and not parts.asking and _mixed(parts, columns)
    return kind, max(likely[kind], 1.0 / len(KINDS)), mixed


def _mixed(parts: Parts, columns: list[float]) -> bool:
    """Whether a promotion hangs on a notice, by the words, or by the model and a clause."""
    if parts.hangs and parts.said is Kind.COMMERCIAL:
        return True
    return columns[MIXED] > 2 * columns[MIXED - 1] and notifies(parts)


def _weigh_in(parts: Parts, columns: list[float]) -> list[float]:
    """The probability of each kind, with what the words say and what a signature excludes."""
    likely = [0.0] * len(_ALL_KINDS)
    for at, share in zip(_COLUMN_KINDS, columns, strict=True):
        likely[at] += share
    if parts.signature is not None:
        likely[Kind.PERSONAL] = 0.0  # no person signs like a company
    if parts.said is not Kind.UNCLEAR:
        likely[parts.said] *= WORDS_COUNT
    total = sum(likely)
    return [one / total for one in likely] if total > 0 else likely


def _lures(parts: Parts) -> bool:
    """Whether words of fraud come with a way to call, which honest notices seldom have."""
    fraud = parts.tally.kinds[Kind.ILLEGAL]
    return parts.said is Kind.UNCLEAR and fraud > (1 if parts.phones else LURE_MAX)


def _category(parts: Parts, kind: Kind, scores: list[float]) -> Category:
    """The line of trade, by the model and the words together; OTHER for what sells nothing.

    A request for consent has that of what it asks to send, by its own words alone: a
    guess would let the same be asked twice, and OTHER counts as the same as anything.
    """
    if kind is Kind.ASKING:
        return parts.tally.asked_for()
    if kind is not Kind.COMMERCIAL and kind is not Kind.ILLEGAL:
        return Category.OTHER
    lines = scores[len(KINDS) :]
    told = parts.tally.category(kind)
    if told is not Category.OTHER:
        lines[told] += CATEGORY_COUNT
        if parts.tally.signed[told] and max(lines) == lines[Category.RETAIL]:
            # Bare words of selling leave the line of trade to the signature.
            return told
    return max(_TRADES if kind is Kind.COMMERCIAL else _LAWLESS, key=lines.__getitem__)


def _span(body: str, parts: Parts) -> tuple[int, int]:
    """The slice of the body from the first promoting word to the end of the last."""
    places = parts.tally.promoting or promoted(parts)
    _, offsets = normalise_with_map(body)
    start = int(offsets[min(place[0] for place in places)])
    last = max(place[1] for place in places)
    # One past the last character itself: separators behind it are no part of the words.
    return start, int(offsets[last - 1]) + 1
