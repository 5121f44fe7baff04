"""What a message says: kind, category, signature, notice, links, and on which words it rests.

A first reading by lexicon. Each word found adds its weight to its kind (once a message);
``_decide`` then compares the sums in a fixed order. It says UNCLEAR rather than guess, and the
gate never passes what is unclear. Order 31 draws the line: a text that introduces or sells
goods, services or opportunities is commercial, also when it hangs on a notice (mixed).
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from typing import Final

import msgspec

from qingjing.kernel.words import Category, Kind
from qingjing.text import extract, lexicon
from qingjing.text.asking import Asking, asks, find_states, offers_besides
from qingjing.text.extract import Link, Notice, Number
from qingjing.text.normalise import Normal, normalise, normalise_with_map
from qingjing.text.similar import key_of

ENOUGH: Final = 4
"""The sum that makes a kind: one unmistakable word, or two that are usual in it."""

ILLEGAL_ENOUGH: Final = 5
"""More than for the others, because it names a crime: one word beyond doubt, or several."""

OWN_ENOUGH: Final = 3
"""From here a text is about something the person has; a promotion in it makes it mixed."""

MIXED_ENOUGH: Final = 5
"""What a promotion in such a text must weigh: 免费办理 is said in honest notices as well."""

LINE_ENOUGH: Final = 3
"""What a line of trade must weigh to be told by the body alone: a word that is usual in it."""

LURE_MAX: Final = 3
"""Words of fraud (改期, 退票) that an honest notice may hold if it gives no way to call."""

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

# What the person has, and what became of it. What is given away, or was only looked at, is no
# such thing; and who invites on the same breath sells.
_OWN = (
    r"您(?![^,。!]{0,14}?(?:礼|奖|券|红包|额度|福利|名额|优惠|特权|权益"
    r"|看|关注|收藏|心仪|想要|喜欢|浏览|专属))"
)
_INVITES: Final = re.compile(
    r"欢迎(?![致来]电)|体验|选购|换购|推荐|新品|新款|活动|享|赠|等您来"
)
_TOLD: Final = re.compile(rf"{_OWN}(?:的|在|于)?[^,。!¥%]{{1,24}}?(?:已|将于|将在)")
_DONE: Final = re.compile(
    rf"{_OWN}[^。!¥%]{{1,24}}?(?:已[^,。!]{{0,8}}?(?:完成|完毕|完工|好|到店|到货|出库|备齐)"
    r"|(?:延误|晚点|推迟|延期|顺延|改期|改至|改签|取消|停运|停播|停演)"
    r"|(?:完成|完毕|到店|到货|就绪)[,。])"
)
_BEFORE: Final = re.compile(r"(?:[0-9][.,:/-]|¥|号)\Z")
_AFTER: Final = re.compile(r"[.,:/-][0-9]|[元块号室栋路楼名件条份]")
_LETTER: Final = re.compile(r"\w")
_MONEY: Final = frozenset("元折券减送免%")
# What decoding with the wrong table leaves behind.
_BROKEN: Final = re.compile(r"[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]|锟斤拷|烫烫")


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One message as read.

    ``confidence`` grows with the distance to the next kind; it is an order, not a calibrated
    probability. ``category`` is that of a commercial or illegal text, else OTHER. ``identity``:
    a signature, or a company's name with a phone number. ``contact``: a phone number is given.
    ``mixed``: a promotion hangs on a notice or code; ``span`` are then the offsets of its words
    in the body. ``states`` is given where ``asking``. ``evasions`` counts disguises that were
    taken off. ``weighed`` are the words that decided, heaviest first.
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


_KINDS: Final = len(Kind)
_ALL_CATEGORIES: Final = tuple(Category)
_CATEGORIES: Final = len(_ALL_CATEGORIES)


class _Tally:
    """What the words of one text add up to.

    Lists by number, not dictionaries by enumeration: hashing a member is a call in Python.
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

    def add(self, kind: int, category: int, word: str, weight: int) -> None:
        """Count one word; a word said twice says no more."""
        if word in self.words:
            return
        self.words[word] = (kind, weight)
        self.kinds[kind] += weight
        self.categories[kind * _CATEGORIES + category] += weight

    def category(self, kind: Kind) -> Category:
        """The heaviest category of a kind; OTHER when no word tells one.

        A commercial text's line of trade is told by the body's words of that line and hints;
        where there is none, by the signature's; and where that names none either, words of
        selling as such (券, 折, 抢) say RETAIL. Of equals the smaller number wins, so that the
        order of the words does not matter.
        """
        weights = self.categories[kind * _CATEGORIES : (kind + 1) * _CATEGORIES]
        weights[Category.OTHER] = 0
        if kind is Kind.COMMERCIAL:
            weights = [2 * own + hint for own, hint in zip(weights, self.hints, strict=True)]
            if max(weights) < LINE_ENOUGH:
                weights = [a + b for a, b in zip(weights, self.signed, strict=True)]
                weights[Category.RETAIL] += min(self.general, LINE_ENOUGH - 1)
        return _ALL_CATEGORIES[weights.index(max(weights))]

    def heaviest(self, kind: Kind) -> int:
        """The weight of the heaviest word of a kind."""
        return max([weight for of, weight in self.words.values() if of == kind], default=0)

    def weighed(self, kind: Kind) -> tuple[tuple[str, int], ...]:
        """The words of one kind, heaviest first."""
        found = [(-weight, word) for word, (of, weight) in self.words.items() if of == kind]
        found.sort()
        return tuple((word, -weight) for weight, word in found)


def read(body: str) -> Reading:
    """Read a message. Total over every string, and deterministic."""
    normal = normalise(body)
    text = normal.text
    signature = extract.find_signature(normal.plain)
    notice = extract.find_notice(text)
    links = extract.find_links(normal.plain)
    phones = extract.find_phones(text)
    tally, cut = _weigh(normal, signature, notice)
    codes = extract.find_codes(text)
    if codes:
        tally.add(Kind.VERIFICATION, Category.OTHER, "(code)", OWN_ENOUGH)
    asking = asks(text, named=tally.kinds[Kind.ASKING] > 0, own=_own(tally.kinds) >= OWN_ENOUGH)
    addressed = signature is not None or notice is not None or bool(links or phones)
    strong = tally.heaviest(Kind.COMMERCIAL) >= OWN_ENOUGH
    offers = asking and (bool(links) or offers_besides(text, notice))
    kind, mixed = _decide(
        tally.kinds, asking=asking, offers=offers, addressed=addressed, strong=strong
    )
    undecided = kind is Kind.UNCLEAR or kind is Kind.COMMERCIAL
    undecided = undecided and signature is not None and not links
    if undecided and _told(text, tally, reachable=bool(phones)):
        kind, mixed = Kind.SERVICE, False
    if _unreadable(normal):
        kind, mixed = Kind.UNCLEAR, False
    sells = kind is Kind.COMMERCIAL or kind is Kind.ILLEGAL
    return Reading(
        kind=kind,
        confidence=_confidence(tally.kinds, kind),
        category=tally.category(kind) if sells else Category.OTHER,
        signature=None if signature is None else signature.text,
        signature_place="none" if signature is None else signature.place,
        lookalike_signature=signature is not None and signature.lookalike,
        notice=notice,
        links=links,
        phones=phones,
        identity=signature is not None or (bool(phones) and extract.names_company(text)),
        contact=bool(phones),
        mixed=mixed,
        span=_span(body, tally.promoting) if mixed else None,
        asking=asking,
        states=find_states(text) if asking else None,
        evasions=normal.hidden + cut + len([link for link in links if link.split]),
        weighed=tally.weighed(kind),
        template_key=key_of(text),
    )


def _weigh(
    normal: Normal, signature: extract.Signature | None, notice: Notice | None
) -> tuple[_Tally, int]:
    """Add up the words outside signature and notice; also how many of them had been cut."""
    text = normal.text
    tally = _Tally()
    named = _signature_range(text, signature)
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


def _signature_range(text: str, signature: extract.Signature | None) -> tuple[int, int]:
    """Where the signature stands in the normalised text; an empty range without one."""
    if signature is None or signature.lookalike:
        return (0, 0)
    if signature.place == "head":
        return (0, text.find("】") + 1)
    return (text.rfind("【"), len(text))


def _own(sums: list[int]) -> int:
    """How much says that a text is about something the person has."""
    return max(sums[Kind.VERIFICATION], sums[Kind.SERVICE])


def _decide(
    sums: list[int], *, asking: bool, offers: bool, addressed: bool, strong: bool
) -> tuple[Kind, bool]:
    """The kind by the sums, and whether it is mixed. The first that holds is the answer.

    ``offers``: an asking has an offer of its own. ``strong``: one promoting word at least is
    more than usual; a tariff notice of many weak words (套餐, 次月, 办理) is no promotion.
    """
    commercial, illegal = sums[Kind.COMMERCIAL], sums[Kind.ILLEGAL]
    verification, service = sums[Kind.VERIFICATION], sums[Kind.SERVICE]
    public, personal = sums[Kind.PUBLIC], sums[Kind.PERSONAL]
    own = _own(sums)
    if not addressed:
        # Chat says 免费 and 银行 too; what speaks against a sender counts when none shows.
        commercial -= personal
        illegal -= personal
    if illegal >= ILLEGAL_ENOUGH and illegal > max(commercial, public + verification, service):
        return Kind.ILLEGAL, False
    if asking:
        # What would be sent has to be named, and its names sell: they alone are no offer.
        offer = commercial >= (ENOUGH if offers else 4 * ENOUGH)
        return (Kind.COMMERCIAL if offer else Kind.ASKING), False
    if public >= ENOUGH and public > max(own, commercial):
        return Kind.PUBLIC, False
    if own >= OWN_ENOUGH:
        if commercial >= MIXED_ENOUGH and strong:
            return Kind.COMMERCIAL, True
        if commercial >= OWN_ENOUGH and commercial > own:
            return Kind.UNCLEAR, False
        return (Kind.VERIFICATION if verification > service else Kind.SERVICE), False
    if commercial >= ENOUGH:
        return Kind.COMMERCIAL, False
    if not addressed and personal >= 2 and commercial <= 0:
        return Kind.PERSONAL, False
    return Kind.UNCLEAR, False


def _told(text: str, tally: _Tally, *, reachable: bool) -> bool:
    """Whether a signed text tells what became of something of the person's own.

    Only where nothing speaks for a promotion or a crime: what is sold also comes as 您的额度已.
    A sentence that tells an outcome outweighs the names of things and places (轮胎, 门店).
    """
    if (
        tally.kinds[Kind.ILLEGAL] > (1 if reachable else LURE_MAX)
        or tally.selling >= OWN_ENOUGH
    ):
        return False
    match = None if _INVITES.search(text) else _DONE.search(text)
    if match is None and tally.kinds[Kind.COMMERCIAL] <= 1:
        match = _TOLD.search(text)
    if match is None:
        return False
    tally.add(Kind.SERVICE, Category.OTHER, match.group(), OWN_ENOUGH)
    return True


def _confidence(sums: list[int], kind: Kind) -> float:
    """0 for UNCLEAR; else from 0.5 (as much speaks for another kind) towards 1."""
    if kind is Kind.UNCLEAR:
        return 0.0
    margin = max(0, sums[kind] - max(*sums[:kind], *sums[kind + 1 :]))
    return round(1.0 - 0.5 * math.exp(-margin / ENOUGH), 4)


def _unreadable(normal: Normal) -> bool:
    """Nothing to read, or so much broken that what is left may mislead."""
    text = normal.text
    if _LETTER.search(text) is None:
        return True
    if text.isascii():
        return False
    return len(_BROKEN.findall(text)) * 10 > len(text)


def _span(body: str, places: list[tuple[int, int]]) -> tuple[int, int]:
    """The slice of the body from the first promoting word to the end of the last."""
    _, offsets = normalise_with_map(body)
    start = int(offsets[min(place[0] for place in places)])
    last = max(place[1] for place in places)
    # One past the last character itself: separators behind it are no part of the words.
    return start, int(offsets[last - 1]) + 1
