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
"""What the words of one line of trade must weigh to outrank RETAIL: one that is usual in it."""

_ASKED: Final = re.compile(
    r"(?:回复?|点击|发送|reply)\s?[\"'“”‘’「]?(?:y|yes|ty|dy|ok|1|是|同意|愿意)(?![a-z0-9])"
    r"[\"'“”’」]?.{0,12}?(?:同意|订阅|接收|确认|表示|即|授权)"
    r"|(?:如?您?(?:是否)?同意|愿意|授权|希望).{0,30}?(?:接收|收到|发送|订阅).{0,40}?"
    r"(?:回复?|点击|发送)\s?[\"'“”‘’「]?(?:y|yes|ok|1|是|同意|愿意)"
    r"|(?:同意|愿意|订阅|接收)[^。;]{0,10}?请?(?:回复?|点击|发送)\s?[\"'“”‘’「]?(?:y|yes|ok|是)(?![a-z0-9])"
    r"|征[求得][^。;]{0,6}?同意|是否(?:同意|愿意)(?:接收|收到|订阅)"
    r"|(?:不|未|没有)回复?[^。;]{0,6}?视为(?:拒绝|不同意)"
)
_TYPE: Final = re.compile(
    r"(?:优惠|促销|新品|活动|会员|理财|保险|课程|旅游|房产|家电|服装|餐饮|美妆|母婴|生鲜|商品|贷款|"
    r"权益|出行|套餐|流量|汽车)[^,。;!]{0,8}?(?:短信|信息|资讯|通知|类)|类型[:为是]"
)
_FREQUENCY: Final = re.compile(
    r"每(?:天|日|周|星期|月|季度?|半年|年)[^,。;]{0,8}?[0-9一二两三四五六七八九十]+\s?[条次封]"
    r"|[0-9一二两三四五六七八九十]+\s?[条次封]/(?:天|日|周|月|年)|频次[:为是]"
)
_TERM: Final = re.compile(
    r"(?:有效期|期限|为期|持续|期间)[^,。;]{0,4}?(?:[0-9一二两三六十]|至|到|为)"
    r"|[0-9一二两三六十]+\s?(?:个月|年|天)(?:内|有效|有效期|止)|[至到]\s?20[0-9]{2}年"
)
_TOLD: Final = re.compile(
    r"您(?:的|在|于)?[^,。!¥%]{1,24}?(?:已|将于|将在)"
    r"|您(?:乘坐|预订|预定|预约|购买|报名|订阅)的[^。!¥%]{1,24}?(?:延误|预计|改期|改签|取消|变更|推迟)"
)
_LETTER: Final = re.compile(r"\w")
_MONEY: Final = frozenset("元折券减%")
# What decoding with the wrong table leaves behind.
_BROKEN: Final = re.compile(r"[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]|锟斤拷|烫烫")


class Asking(msgspec.Struct, frozen=True):
    """What a request for consent states of what Order 31 Art 18 demands of it."""

    type: bool
    frequency: bool
    term: bool

    @property
    def complete(self) -> bool:
        """True when type, frequency and term are all stated."""
        return self.type and self.frequency and self.term


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

        Words of one line of trade outrank those of selling as such, which only say RETAIL, up
        to twice their weight: a loan stays a loan with a coupon on it. Hints break ties; the
        signature's speak last, for it tells who sells and not what. Of equals the smaller
        number wins.
        """
        weights = self.categories[kind * _CATEGORIES : (kind + 1) * _CATEGORIES]
        weights[Category.OTHER] = 0
        if kind is Kind.COMMERCIAL:
            weights = [2 * own + hint for own, hint in zip(weights, self.hints, strict=True)]
            retail, weights[Category.RETAIL] = weights[Category.RETAIL], 0
            if max(weights) < max(LINE_ENOUGH, retail / 2):
                weights[Category.RETAIL] = retail
            if not any(weights):
                weights = self.signed
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
    asking = "同意" in text or "愿意" in text or "订阅" in text or "接收" in text
    asking = asking and _ASKED.search(text) is not None
    addressed = signature is not None or notice is not None or bool(links or phones)
    strong = tally.heaviest(Kind.COMMERCIAL) >= OWN_ENOUGH
    offers = asking and (bool(links) or bool(extract.find_discounts(text)))
    kind, mixed = _decide(
        tally.kinds, asking=asking, offers=offers, addressed=addressed, strong=strong
    )
    if kind is Kind.UNCLEAR and signature is not None and not links:
        kind = _told(text, tally)
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
        states=_states(text) if asking else None,
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
        if _inside_number(text, start, end):
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
        tally.add(entry.kind, entry.category, entry.word, entry.weight)
        if entry.kind is Kind.COMMERCIAL:
            tally.promoting.append((start, end))
    if not _MONEY.isdisjoint(text):
        for match in extract.find_discounts(text):
            at = text.index(match)
            tally.add(Kind.COMMERCIAL, Category.OTHER, match, OWN_ENOUGH)
            tally.promoting.append((at, at + len(match)))
    return tally, cut


def _inside_word(text: str, start: int, end: int) -> bool:
    """Whether a Latin word is a piece of a longer one, as pt is of september."""
    around = text[start - 1 : start] + text[end : end + 1] if start else text[end : end + 1]
    return any(character.isascii() and character.isalpha() for character in around)


def _inside_number(text: str, start: int, end: int) -> bool:
    """Whether a word's digits are a piece of a longer number, as 618 is of an order's."""
    before, after = text[start - 1 : start] if start else "", text[end : end + 1]
    return (text[start].isdigit() and before.isdigit()) or (
        text[end - 1].isdigit() and after.isdigit()
    )


def _signature_range(text: str, signature: extract.Signature | None) -> tuple[int, int]:
    """Where the signature stands in the normalised text; an empty range without one."""
    if signature is None or signature.lookalike:
        return (0, 0)
    if signature.place == "head":
        return (0, text.find("】") + 1)
    return (text.rfind("【"), len(text))


def _decide(
    sums: list[int], *, asking: bool, offers: bool, addressed: bool, strong: bool
) -> tuple[Kind, bool]:
    """The kind by the sums, and whether it is mixed. The first that holds is the answer.

    ``offers``: an asking that carries a link or a discount. ``strong``: one promoting word at least is more than usual; a tariff notice of many weak
    words (套餐, 次月, 办理) is no promotion.
    """
    commercial, illegal = sums[Kind.COMMERCIAL], sums[Kind.ILLEGAL]
    verification, service = sums[Kind.VERIFICATION], sums[Kind.SERVICE]
    public, personal = sums[Kind.PUBLIC], sums[Kind.PERSONAL]
    own = max(verification, service)
    if not addressed:
        # Chat says 免费 and 银行 too; what speaks against a sender counts when none shows.
        commercial -= personal
        illegal -= personal
    if illegal >= ILLEGAL_ENOUGH and illegal > max(commercial, public + verification, service):
        return Kind.ILLEGAL, False
    if asking:
        # What would be sent has to be named, and its names sell: they alone are no offer. A
        # link or a discount beside them is one, and so are words enough for several.
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


def _told(text: str, tally: _Tally) -> Kind:
    """SERVICE for a signed text that tells what became of something of the person's own.

    Only where nothing speaks for a promotion or a crime: what is sold also comes as 您的额度已.
    """
    if tally.heaviest(Kind.COMMERCIAL) > 2 or tally.kinds[Kind.ILLEGAL] > 1:
        return Kind.UNCLEAR
    match = _TOLD.search(text)
    if match is None:
        return Kind.UNCLEAR
    tally.add(Kind.SERVICE, Category.OTHER, match.group(), OWN_ENOUGH)
    return Kind.SERVICE


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


def _states(text: str) -> Asking:
    return Asking(
        type=_TYPE.search(text) is not None,
        frequency=_FREQUENCY.search(text) is not None,
        term=_TERM.search(text) is not None,
    )


def _span(body: str, places: list[tuple[int, int]]) -> tuple[int, int]:
    """The slice of the body from the first promoting word to the end of the last."""
    _, offsets = normalise_with_map(body)
    start = int(offsets[min(place[0] for place in places)])
    last = max(place[1] for place in places)
    # One past the last character itself: separators behind it are no part of the words.
    return start, int(offsets[last - 1]) + 1
