"""Message lint: what a text would be refused for, by carrier and day, and what it costs.

The rules are the gate's own, asked under the rulebook of the day as if all that only a register
or a ledger knows were in order: what is found here is wrong with the text itself. Advice comes
beside it, for what carriers and suppliers are known to stumble over.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from qingjing.kernel.dossier import (
    TextView,
    asking_state,
    hour_state,
    identity_state,
    link_state,
    notice_state,
)
from qingjing.kernel.gate import hits
from qingjing.kernel.kinds import effective
from qingjing.kernel.rulebook import CarrierRule, Rulebook
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import GroundsState, SignatureState, Vector
from qingjing.kernel.words import Carrier, Kind, Verdict
from qingjing.kernel.workdays import beijing_date
from qingjing.text.normalise import normalise_with_map
from qingjing.text.reading import Reading

ONE_MAX: Final = 70
"""Characters (UTF-16 units) of one SMS with Chinese in it (GSM 03.40)."""

PART_MAX: Final = 67
"""Characters of each part of a longer one: six octets of its 140 say how parts join."""

LENGTH_MAX: Final = 500
"""Characters that suppliers take at most, signature and notice included."""

FEW: Final = 8
"""Characters over a part that are worth telling: so many can be cut from any text."""

CARRIERS_ZH: Final = {
    "mobile": "移动",
    "unicom": "联通",
    "telecom": "电信",
    "broadnet": "广电",
    "any": "各运营商",
}
"""What people call the carriers."""

_NEUTRAL: Final = re.compile(
    r"客户服务|客服中心|温馨提示|测试|test|通知|短信平台|会员中心", re.I
)
_NAME: Final = re.compile(r"[\w·&+-]+\Z")
_BRACKETS: Final = re.compile(r"【[^【】]*】")
_PORT: Final = re.compile(r"[0-9]{3,20}\Z", re.ASCII)
_PORT_USES: Final = (
    (re.compile(r"10639|10699"), "公益短信", "public-interest messages"),
    (re.compile(r"1064"), "物联网", "machines"),
)


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to mend. ``effect``: refuse or hold (a rule of the gate), or advice.

    ``carriers`` for which it holds, lower case. ``quote`` is the part of the text that is
    meant, empty where something is missing. ``duty`` is a row of ``docs/law.csv``, or ``-``.
    """

    code: str
    effect: str
    carriers: tuple[str, ...]
    quote: str
    duty: str
    zh: str
    en: str
    remedy_zh: str
    remedy_en: str


class MessageLint(msgspec.Struct, frozen=True, kw_only=True):
    """A text under one rulebook.

    ``verdicts`` by carrier; PASS means that nothing in the text itself stands against it.
    ``units`` are characters as SMS count them, ``parts`` the SMS to pay for, ``room`` what may
    still be added without a further one. ``mended`` has signature and notice added where they
    were all that was missing; empty otherwise.
    """

    rulebook: str
    declared: Kind
    counts_as: Kind
    verdicts: dict[str, Verdict]
    findings: tuple[Advice, ...]
    units: int
    parts: int
    room: int
    mended: str
    mended_parts: int


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a marketer means to send: the whole text, as declared, from where."""

    body: str
    declared: Kind = Kind.UNCLEAR
    signature: str = ""
    port: str = ""


@cache
def table() -> dict[str, dict[str, str]]:
    """The advice beside the gate's rules, by code: duty, words and remedy."""
    text = (files(__package__) / "lint_message.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def signed(body: str, signature: str) -> str:
    """The body with a signature at its head, where it has none in 【】 yet."""
    name = signature.strip("【】[] ")
    return body if not name or _BRACKETS.match(body.lstrip()) else f"【{name}】{body}"


def measure_parts(body: str) -> tuple[int, int, int]:
    """Characters as SMS count them (an emoji is two), SMS to pay for, and the room left."""
    units = len(body.encode("utf-16-be", "surrogatepass")) // 2
    parts = 1 if units <= ONE_MAX else -(-units // PART_MAX)
    return units, parts, (ONE_MAX if parts == 1 else parts * PART_MAX) - units


def lint(
    draft: Draft,
    reading: Reading,
    view: TextView,
    book: Rulebook,
    carriers: Iterable[Carrier],
    at: int,
) -> MessageLint:
    """Lint one text for some carriers at a time (epoch ms), under the book of that time.

    ``view`` is what the gate sees of ``draft.body``, ``reading`` the reading to quote from.
    Nothing declared means commercial, or asking where the text asks for consent.
    """
    declared = draft.declared
    if declared is Kind.UNCLEAR:
        declared = Kind.ASKING if view.kind is Kind.ASKING else Kind.COMMERCIAL
    fired: dict[str, tuple[Rule, list[str]]] = {}
    verdicts: dict[str, Verdict] = {}
    rules: dict[str, CarrierRule] = {}
    for carrier in carriers:
        name = carrier.name.lower()
        rules[name] = book.carrier_rule(carrier, beijing_date(at / 1000))
        found = hits(_vector(declared, view, book, rules[name], at), book)
        verdicts[name] = max((book.effect(r.name) for r in found), default=Verdict.PASS)
        for rule in found:
            fired.setdefault(rule.name, (rule, []))[1].append(name)
    findings = [
        _told(rule, names, _quote(rule.name, draft.body, reading), book, rules)
        for rule, names in fired.values()
    ]
    findings += _advice(draft, declared, reading, rules)
    units, parts, room = measure_parts(draft.body)
    mended = _mended(draft, reading, set(fired), rules.values())
    return MessageLint(
        rulebook=book.name,
        declared=declared,
        counts_as=effective(declared, view.kind),
        verdicts=verdicts,
        findings=tuple(findings),
        units=units,
        parts=parts,
        room=room,
        mended=mended,
        mended_parts=measure_parts(mended)[1] if mended else 0,
    )


def _vector(
    declared: Kind, view: TextView, book: Rulebook, rule: CarrierRule, at: int
) -> Vector:
    """The text's case, with everything in order that is not the text's."""
    return Vector(
        declared=declared,
        read=view.kind,
        grounds=GroundsState.CONSENT,
        signature=SignatureState.OK if view.signature else SignatureState.ABSENT,
        hour=hour_state(at, book),
        notice=notice_state(view, rule),
        identity=identity_state(view, book),
        link=link_state(view, rule),
        asking=asking_state(declared, view, asked=False),
    )


def _told(
    rule: Rule, names: list[str], quote: str, book: Rulebook, rules: dict[str, CarrierRule]
) -> Advice:
    """A rule of the gate that fired, with the words that made it fire."""
    asked = [rules[name] for name in names]
    zh, en = rule.remedy_zh, rule.remedy_en
    keys = {key for one in asked for key in one.keywords}
    if rule.name == "notice_present" and keys:
        wanted = ", ".join(sorted(keys))
        whose = [one.carrier for one in asked if one.keywords]
        zh = f"{zh}({'、'.join(CARRIERS_ZH.get(w, w) for w in whose)}只认{wanted})"
        en = f"{en} ({', '.join(whose)}: {wanted} alone)"
    if rule.name == "quiet_hours":
        hours = f"{book.open_hour}:00-{book.close_hour}:00"
        zh, en = f"{zh}({hours})", f"{en} ({hours})"
    return Advice(
        code=rule.name,
        effect=book.effect(rule.name).name.lower(),
        carriers=tuple(names),
        quote=quote,
        duty=rule.duty,
        zh=rule.zh,
        en=rule.en,
        remedy_zh=zh,
        remedy_en=en,
    )


def _quote(rule: str, body: str, reading: Reading) -> str:
    if rule.startswith("notice_"):
        start, end = _notice_range(body, reading)
        return body[start:end]
    if rule == "kind_honest" and reading.span is not None:
        return body[slice(*reading.span)]
    if rule == "links_accepted":
        return " ".join(link.url for link in reading.links)
    if rule in ("kind_honest", "illegal_content"):
        return " ".join(word for word, _ in reading.weighed)
    return ""


def _advice(
    draft: Draft, declared: Kind, reading: Reading, rules: dict[str, CarrierRule]
) -> Iterator[Advice]:
    """What the gate takes and others stumble over."""
    everyone = tuple(rules)
    yield from _about_signature(draft, reading, everyone)
    units, parts, room = measure_parts(draft.body)
    if units > LENGTH_MAX:
        yield _say("too_long", everyone, "", str(units))
    before = units - ONE_MAX if parts == 2 else PART_MAX - room
    if parts > 1 and before <= FEW:
        yield _say("part_saved", everyone, "", str(before))
    notice, plain = reading.notice, declared in (Kind.VERIFICATION, Kind.SERVICE)
    if notice is not None and notice.doubled:
        yield _say("notice_doubled", everyone, notice.words, notice.words)
    wanting = {name for name, rule in rules.items() if rule.notice == "all"}
    if notice is not None and plain and (names := tuple(n for n in rules if n not in wanting)):
        yield _say("notice_on_code", names, notice.words, notice.words)
    if reading.evasions:
        yield _say("disguised", everyone, "", str(reading.evasions))
    for link in reading.links:
        if link.short:
            yield _say("short_link", everyone, link.url, link.url)
    strict = tuple(name for name, rule in rules.items() if not rule.links)
    if strict and reading.phones:
        yield _say("number_in_text", strict, "", reading.phones[0].digits)
    if draft.port:
        yield from _about_port(draft.port, declared, everyone)


def _about_signature(
    draft: Draft, reading: Reading, everyone: tuple[str, ...]
) -> Iterator[Advice]:
    name = reading.signature
    if name is None:
        return
    for zh, en, wrong in (
        ("长度应为2至16个字", "it should have 2 to 16 characters", not 2 <= len(name) <= 16),
        ("含有标点或空格", "it has punctuation or spaces", _NAME.match(name) is None),
        ("是中性词,看不出是谁", "it is a neutral word", _NEUTRAL.fullmatch(name) is not None),
        ("只有字母和数字", "it has no Chinese", name.isascii()),
    ):
        if wrong:
            yield _say("signature_form", everyone, name, name, zh, en)
            break
    wanted = draft.signature.strip("【】[] ")
    if wanted and wanted != name:
        yield _say("signature_differs", everyone, name, name, wanted)
    if reading.signature_place == "tail":
        yield _say("signature_tail", everyone, name, name)
    if reading.lookalike_signature:
        yield _say("signature_lookalike", everyone, name)
    further = [found for found in _BRACKETS.findall(draft.body) if found != f"【{name}】"]
    if further and not reading.lookalike_signature:
        yield _say("brackets_in_text", everyone, further[0], further[0])


def _about_port(port: str, declared: Kind, everyone: tuple[str, ...]) -> Iterator[Advice]:
    if _PORT.match(port) is None:
        yield _say("port_form", everyone, port, port)
        return
    for prefix, zh, en in _PORT_USES:
        if prefix.match(port) and declared in (Kind.COMMERCIAL, Kind.ASKING):
            yield _say("port_use", everyone, port, port, zh, en)


def _say(code: str, carriers: tuple[str, ...], quote: str, *words: str) -> Advice:
    entry = table()[code]
    return Advice(
        code=code,
        effect="advice",
        carriers=carriers,
        quote=quote,
        duty=entry["duty"],
        zh=entry["zh"].format(*words),
        en=entry["en"].format(*words),
        remedy_zh=entry["remedy_zh"].format(*words),
        remedy_en=entry["remedy_en"].format(*words),
    )


def _notice_range(body: str, reading: Reading) -> tuple[int, int]:
    """Where the notice stands in the body as it is written; an empty range without one."""
    if reading.notice is None:
        return len(body), len(body)
    _, offsets = normalise_with_map(body)
    return int(offsets[reading.notice.start]), int(offsets[reading.notice.end])


def _mended(
    draft: Draft, reading: Reading, fired: set[str], rules: Iterable[CarrierRule]
) -> str:
    """The text with what is missing added, when adding is all that it needs."""
    wanted = draft.signature.strip("【】[] ")
    addable = {"notice_present"}
    if wanted:
        addable |= {"signature_present", "identity_shown"}
    if not fired or not fired <= addable:
        return ""
    body = draft.body
    if "notice_present" in fired:
        keys = [set(rule.keywords) for rule in rules if rule.keywords]
        common = set.intersection(*keys) if keys else {"R"}
        if not common:
            return ""
        start, end = _notice_range(body, reading)
        said = f"拒收请回复{min(common)}"
        body = body[:start] + said + body[end:] if end > start else f"{body.rstrip()} {said}"
    return signed(body, wanted) if "signature_present" in fired else body
