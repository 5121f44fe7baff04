"""What can be picked out of a message: signature, links, numbers, money, codes, times.

Sources of the forms: signature practice (【…】 at the head, older ones at the tail) and the
message patterns of the large vendors; number forms from the national numbering plan.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from qingjing.kernel.words import mask
from qingjing.text.normalise import CJK
from qingjing.text.notice import Notice, find_notice

if TYPE_CHECKING:
    from tldextract import TLDExtract

SIGNATURE_LENGTH_MAX: Final = 32
"""The longest signature that a vendor takes (Huawei 2025); a longer bracket is a headline."""

_INSIDE = rf"[^【】\[\]〔〕〖〗『』「」\n]{{1,{SIGNATURE_LENGTH_MAX}}}"
# NFKC has made ［］ into [] already.
_OPEN, _CLOSE = r"\[〔〖『「【", r"\]〕〗』」】"
_HEAD: Final = re.compile(rf"\s*【({_INSIDE})】")
_LIKE_HEAD: Final = re.compile(rf"\s*[{_OPEN}]({_INSIDE})[{_CLOSE}]")
_TAIL: Final = re.compile(rf"【({_INSIDE})】")
_LIKE_TAIL: Final = re.compile(rf"[{_OPEN}]({_INSIDE})[{_CLOSE}]")
_LOOSE_END: Final = re.compile(r"[\s,。.!;、~]*")

# Suffixes that a bare name must have to count as a link: chat is full of "ok.so".
_SUFFIX = (
    r"(?:com\.cn|net\.cn|org\.cn|gov\.cn|com|cn|net|org|cc|top|xyz|vip|shop|app|info|biz|club|"
    r"site|online|ltd|fun|store|link|ink|wang|ren|mobi|tv|hk|im|la|ly|gl)"
)
_LABELS = r"(?:[a-z0-9-]{1,63}\.){1,9}"
# The look-ahead at each pattern's start is for speed alone: it drops most places at once.
_LINK: Final = re.compile(
    r"(?=[a-z0-9])(?:https?://[a-z0-9.-]+(?::[0-9]+)?(?:/[!-~]*)?"
    rf"|(?<![a-z0-9@.-]){_LABELS}[a-z]{{2,18}}(?::[0-9]+)?/[a-z0-9._~%?=&#/+-]*"
    rf"|(?<![a-z0-9@.-]){_LABELS}{_SUFFIX}(?![a-z0-9.@-])"
    # Split: a space before the first dot or a later one, which prose never has. Labels and
    # spaces are bounded, so that no hostile text makes the search go back and forth.
    r"|(?<![a-z0-9@.-])(?=[a-z0-9. -]{1,60}\s\.)"
    rf"(?:[a-z0-9-]{{1,30}}\s{{0,3}}\.\s{{0,3}}){{1,4}}{_SUFFIX}"
    r"(?![a-z0-9])(?:\s{0,3}/\s{0,3}[a-z0-9._~%?=&#/+-]*)?)",
    re.IGNORECASE | re.ASCII,
)
_REFUSING: Final = frozenset("退拒")
_KEYWORD: Final = re.compile(r"(?:tdzd|td|qx)\Z", re.IGNORECASE)
_HOST_REACH: Final = 72
"""How far before its first dot a link may begin: a label has 63 characters, and https://."""
# Public shorteners and the platforms' own; one host a line.
_SHORT_HOSTS: Final = frozenset(
    {
        "t.cn",
        "dwz.cn",
        "dwz.win",
        "url.cn",
        "w.url.cn",
        "suo.im",
        "suo.nz",
        "sourl.cn",
        "3.cn",
        "tb.cn",
        "m.tb.cn",
        "c.tb.cn",
        "s.tb.cn",
        "u.jd.com",
        "dpurl.cn",
        "tinyurl.com",
        "bit.ly",
        "t.co",
        "goo.gl",
        "is.gd",
        "v.gd",
        "j.mp",
        "rrd.me",
        "u.nu",
    }
)
_PHONE: Final = re.compile(
    r"(?=[0-9+(])(?<![0-9.])(?:"
    r"(?P<mobile>(?:\+?86[- ]?)?1[3-9][0-9][- ]?[0-9]{4}[- ]?[0-9]{4})"
    r"|(?P<service>[48]00[- ]?[0-9]{3,4}[- ]?[0-9]{3,4})"
    r"|(?P<fixed>\(?0[1-9][0-9]{1,2}\)?[- ]?[2-9][0-9]{6,7})"
    r"|(?P<short>95[0-9]{3,4}|96[0-9]{3,4}|10000|1001[0-9]|10086|10099|12[13][0-9]{2}|12[0-9]{3})"
    r")(?![0-9.]?[0-9]|\s?[元块万分个人起名条款件])",
    re.ASCII,
)
_MANY_DIGITS: Final = re.compile(r"[0-9][0-9 -]{3,}[0-9]")
_COMPANY: Final = re.compile(
    rf"[{CJK}]{{2}}(?:公司|集团|银行|商场|商城|旗舰店|专卖店|超市|酒店|医院|门诊|学校|驾校|"
    r"大药房|营业厅|俱乐部|工作室|事务所|售楼处|4s店)"
)
_DISCOUNT: Final = re.compile(
    r"(?=[0-9一二三四五六七八九半满立直减返最再买第日月年利])(?:[0-9](?:\.[0-9])?\s?折|[一二三四五六七八九]折|半价|满\s?[0-9]+元?[减送返赠]"
    r"|(?:立减|直降|减免|立省|直减|返现|最高减|再减)\s?[0-9]+|[0-9]+元[一-鿿]{0,4}券"
    r"|买[一二两三四五六七八九十0-9]{1,2}[送免赠]|第[二2]件|[0-9]+%\s?off|(?:日|月|年|年化)?利率低?至?\s?[0-9.]+%)"
)
_PRICE: Final = re.compile(r"¥\s?[0-9][0-9,.]*|[0-9][0-9,]*(?:\.[0-9]+)?\s?(?:万元|元|块|万)")
_CODE_WORD = (
    r"(?:(?:验证|校验|动态|随机|确认|激活|登录|登陆|识别|取款|短信|交易|安全|签名|查询|获取|认证)码"
    r"|动态密码|一次性密码|随机密码|短信密码|临时密码|口令"
    r"|(?:verification|security|login|confirmation) code|passcode|one-time password|otp|code)"
)
# Together, in two or three pieces (482 913), or letters and digits mixed (6g9k2t).
_CODE_DIGITS = (
    r"[0-9]{4,8}(?![0-9])|[0-9]{2,4}(?:[ -][0-9]{2,4}){1,2}(?![0-9])"
    r"|(?=[a-z]{0,7}[0-9])(?=[0-9]{0,7}[a-z])[a-z0-9]{4,8}(?![a-z0-9.])"
)
_CODE: Final = re.compile(
    rf"{_CODE_WORD}[^0-9a-z]{{0,14}}(?:is\s)?[\[【“\"]?({_CODE_DIGITS})"
    rf"|(?<![0-9a-z])([0-9]{{4,8}}|[0-9]{{2,4}}(?: [0-9]{{2,4}}){{1,2}})[\])】」]?\s?(?:\(|,)?"
    rf"(?:是|为|作为|is)?[^,。!0-9]{{0,14}}{_CODE_WORD}"
    r"|(?<![0-9a-z])g-([0-9]{4,8})(?![0-9])|use (?:code )?([0-9]{4,8}) to "
)
_CODED: Final = re.compile(r"码|密码|口令|code|otp|one-time|g-[0-9]|use ")
_TIME: Final = re.compile(
    r"(?:20[0-9]{2}[-/.年])?[01]?[0-9](?:[-/]|月)[0-3]?[0-9](?:日|号)?(?:\s?[0-2]?[0-9]:[0-5][0-9])?"
    r"|[0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9])?|(?:今|明|后)[天日晚]|[0-2]?[0-9]点(?:半|[0-5][0-9]分)?"
)


class Signature(msgspec.Struct, frozen=True):
    """A signature as written, without invisible characters; ``place`` is head or tail."""

    text: str
    place: str
    lookalike: bool


class Link(msgspec.Struct, frozen=True):
    """A link. ``domain`` is the registrable one; ``split`` marks one written apart to hide."""

    url: str
    host: str
    domain: str
    short: bool
    split: bool


class Number(msgspec.Struct, frozen=True):
    """A phone number in a text. ``form`` is ``mobile``, ``fixed``, ``service`` or ``short``."""

    digits: str
    form: str

    def __repr__(self) -> str:
        shown = mask(self.digits) if self.form == "mobile" else self.digits
        return f"Number({shown}, {self.form})"


def find_signature(plain: str) -> Signature | None:
    """The signature of a plain text (``Normal.plain``): 【…】 at the head, else at the tail.

    Without one, other brackets in the same places are taken and marked as look-alikes. Digits
    alone are a code, not a signature.
    """
    for head, tail, lookalike in ((_HEAD, _TAIL, False), (_LIKE_HEAD, _LIKE_TAIL, True)):
        match = head.match(plain)
        if match is not None and _names(match[1]):
            return Signature(match[1].strip(), "head", lookalike)
        found = list(tail.finditer(plain))
        if found and _names(found[-1][1]) and _ends(plain[found[-1].end() :]):
            return Signature(found[-1][1].strip(), "tail", lookalike)
    return None


def _names(inside: str) -> bool:
    """Whether what a bracket holds can be a name: digits alone are a code."""
    return not inside.isspace() and not inside.strip().isdigit()


def _ends(rest: str) -> bool:
    """Whether nothing but punctuation or an opt-out notice follows a tail signature."""
    if _LOOSE_END.fullmatch(rest):
        return True
    folded = rest.casefold()
    notice = find_notice(folded)
    if notice is None:
        return False
    left = folded[: notice.start] + folded[notice.end :]
    return _LOOSE_END.fullmatch(left) is not None


def find_links(plain: str) -> tuple[Link, ...]:
    """The links of a plain text, in order: with scheme, bare, or written apart."""
    dot = plain.find(".")
    if dot < 0:
        return ()
    start = max(0, dot - _HOST_REACH)
    return tuple([_link(_unglued(match)) for match in _LINK.finditer(plain, start)])


def _unglued(match: re.Match[str]) -> str:
    """A link without the keyword of the notice that stands glued to it: /Ab12TD退订."""
    if match.string[match.end() : match.end() + 1] in _REFUSING:
        return _KEYWORD.sub("", match.group())
    return match.group()


def _link(written: str) -> Link:
    url = "".join(written.split())
    host = url.lower().split("://", 1)[-1].split("/", 1)[0].split(":", 1)[0].strip(".")
    domain = registrable(host)
    return Link(
        url, host, domain, host in _SHORT_HOSTS or domain in _SHORT_HOSTS, url != written
    )


@lru_cache(maxsize=4096)
def registrable(host: str) -> str:
    """The registrable domain of a host by the public suffix list, or the host itself."""
    return _suffixes()(host).top_domain_under_public_suffix or host


@cache
def _suffixes() -> TLDExtract:
    """The suffix list that the package ships: nothing is fetched, nothing is written."""
    # Imported here: it takes longer than the rest of the room together.
    from tldextract import TLDExtract

    return TLDExtract(suffix_list_urls=(), cache_dir=None)


def find_phones(text: str) -> tuple[Number, ...]:
    """Phone numbers: mobile, fixed line, 400 and 800, and the five and six digit numbers."""
    if _MANY_DIGITS.search(text) is None:
        return ()
    return tuple(
        Number("".join(filter(str.isdigit, match.group())), match.lastgroup or "")
        for match in _PHONE.finditer(text)
    )


def find_discounts(text: str) -> tuple[str, ...]:
    """Discounts of a normalised text: 5折, 满300减50, 立减12, 50元券, 日利率0.02%."""
    return tuple(match.group() for match in _DISCOUNT.finditer(text))


def find_prices(text: str) -> tuple[str, ...]:
    """Amounts of money of a normalised text: ¥99, 1,299元, 3万."""
    return tuple(match.group() for match in _PRICE.finditer(text))


def find_codes(text: str) -> tuple[str, ...]:
    """Verification codes: four to eight digits beside a word such as 验证码."""
    if _CODED.search(text) is None:
        return ()
    return tuple(next(filter(None, match.groups())) for match in _CODE.finditer(text))


def find_times(text: str) -> tuple[str, ...]:
    """Dates and times of day: 11月11日, 2026-11-11 20:00, 今晚, 8点."""
    return tuple(match.group() for match in _TIME.finditer(text))


def names_company(text: str) -> bool:
    """Whether a company, shop or institution is named in the text itself."""
    return _COMPANY.search(text) is not None


__all__ = [
    "SIGNATURE_LENGTH_MAX",
    "Link",
    "Notice",
    "Number",
    "Signature",
    "find_codes",
    "find_discounts",
    "find_links",
    "find_notice",
    "find_phones",
    "find_prices",
    "find_signature",
    "find_times",
    "names_company",
    "registrable",
]
