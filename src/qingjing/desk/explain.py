"""Explain: what the gate would say of one message and why, and what is known of one person.

A dry run: nothing is recorded, no cap is counted. The scalar form of the gate decides here,
and gives the same answer as ``desk.send``.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np

from qingjing.desk import askings, caps
from qingjing.desk.entries import purposes_names, told
from qingjing.desk.ports import Ledger, Person, PersonStanding
from qingjing.desk.send import Desk
from qingjing.kernel.dossier import Counts, Dossier, Message, TextView, declared_kind
from qingjing.kernel.facts import Recorded
from qingjing.kernel.gate import decide
from qingjing.kernel.kinds import effective
from qingjing.kernel.register import Lane
from qingjing.kernel.rulebook import Rulebook
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.standing import Grounds, fold
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import PURPOSE_ANY, Carrier, Kind, NumberState, Phone, Verdict
from qingjing.kernel.workdays import beijing_date
from qingjing.text.reading import read

Lang = Literal["en", "zh"]


class Question(NamedTuple):
    """One message to one person. ``carrier`` None: by the number's prefix.

    ``submitter`` is the party of the account; ``phone`` None stands for a destination that is
    no Chinese mobile number.
    """

    submitter: str
    port: str
    phone: Phone | None
    body: str
    declared: Kind = Kind.UNCLEAR
    carrier: Carrier | None = None


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that fired, with its words and the duty that it serves."""

    rule: str
    effect: Verdict
    duty: str
    zh: str
    en: str
    remedy_zh: str
    remedy_en: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The gate's answer to one message, and everything that it rests on."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    text: TextView
    declared: Kind
    counts_as: Kind
    why: tuple[str, ...]
    lane: Lane
    grounds_state: GroundsState
    grounds: Grounds | None
    rulebook: str
    case: int
    position: int


class SenderStanding(NamedTuple):
    """How a person stands towards one sender, and what that rests on."""

    sender: str
    group: str
    state: GroundsState
    grounds: Grounds | None


class PersonRecord(NamedTuple):
    """All that is known of a person: facts, oldest first, and standings that are not NONE."""

    person: Person
    number: NumberState
    facts: tuple[Recorded, ...]
    standings: tuple[SenderStanding, ...]


def explain(desk: Desk, question: Question, at: int) -> Explanation:
    """Decide one message as if it were submitted at this time (epoch ms), and say why.

    NoRulebookError when no rulebook is in force.
    """
    book, ledger = desk.policy(at).book, desk.ledger
    text = desk.reader.text(question.body)
    lane = ledger.register.lane(
        question.submitter, question.port, text.view.signature, _carrier(desk, question), at
    )
    # The batch form looks an invalid number up as 0; so does this one, to be the same.
    handles = ledger.standings.handles(np.array([question.phone or 0], dtype=np.uint64))
    known = ledger.standings.person(int(handles[0]), lane.sender, lane.group)
    state, resting = fold(
        known.refused, known.unclear, known.grounds, text.view.category.bit, at
    )
    declared = declared_kind(question.declared, text.view.kind, lane)
    topics = np.array([text.view.category], dtype=np.uint64)
    dossier = Dossier(
        position=ledger.position,
        lane=lane,
        refused=known.refused,
        unclear=known.unclear,
        grounds=known.grounds,
        counts=_counts(ledger, lane, int(handles[0]), resting, book, at),
        asked=bool(ledger.standings.asked(handles, [lane.group], topics)[0])
        or bool(askings.asked(ledger, handles, [askings.find(ledger, lane, question.body)])[0]),
        number=known.number if question.phone else NumberState.INVALID,
    )
    message = Message(message=0, submitted_at=at, declared=question.declared, text=text.view)
    decision = decide(message, dossier, book)
    return Explanation(
        verdict=decision.verdict,
        reasons=tuple(_reason(rule, book) for rule in decision.rules),
        text=text.view,
        declared=declared,
        counts_as=effective(declared, text.view.kind),
        why=tuple(word for word, _weight in read(question.body).weighed),
        lane=lane,
        grounds_state=state,
        grounds=resting,
        rulebook=decision.rulebook,
        case=decision.case,
        position=decision.position,
    )


def _carrier(desk: Desk, question: Question) -> Carrier:
    if question.carrier is not None:
        return question.carrier
    return Carrier.ANY if question.phone is None else desk.carrier_of(question.phone)


def _reason(rule: Rule, book: Rulebook) -> Reason:
    return Reason(
        rule=rule.name,
        effect=book.effect(rule.name),
        duty=rule.duty,
        zh=rule.zh,
        en=rule.en,
        remedy_zh=rule.remedy_zh,
        remedy_en=rule.remedy_en,
    )


def _counts(
    ledger: Ledger, lane: Lane, handle: int, resting: Grounds | None, book: Rulebook, at: int
) -> Counts:
    """How far each cap is used up, as the index tells it: at its limit, or below.

    The index answers only whether one more would be over, so a cap that is reached is given as
    its limit and any other as 0; the gate asks for no more than that.
    """
    rule = book.carrier_rule(lane.carrier, beijing_date(at / 1000))
    most = (resting.per_count if resting else 0, book.house_cap.count, rule.cap.count)
    window_s = (
        resting.per_days * 86_400 if resting else 0,
        book.house_cap.window_h * 3600,
        rule.cap.window_h * 3600,
    )
    over = caps.reserve(
        ledger.standings,
        [lane],
        np.zeros(1, dtype=np.intp),
        np.array([handle], dtype=np.uint64),
        [
            caps.Limit(np.array([count], np.uint16), np.array([window], np.uint32))
            for count, window in zip(most, window_s, strict=True)
        ],
        book,
        np.zeros(1, dtype=np.bool_),
        at,
    )
    used = [count if over[name][0] else 0 for name, count in zip(caps.CAPS, most, strict=True)]
    return Counts(consent=used[0], house=used[1], carrier=used[2])


def person(ledger: Ledger, phone: Phone, at: int) -> PersonRecord:
    """What the ledger knows of a person, and how the person stands towards each sender."""
    found = ledger.find(phone)
    number = NumberState.OK
    standings = []
    for party in ledger.register.parties():
        known: PersonStanding = ledger.standings.person(found.handle, party.party, party.group)
        number = known.number
        state, resting = fold(known.refused, known.unclear, known.grounds, PURPOSE_ANY, at)
        if state is not GroundsState.NONE:
            standings.append(SenderStanding(party.party, party.group, state, resting))
    return PersonRecord(found, number, ledger.facts_of(found.handle), tuple(standings))


_STATES: Final[dict[GroundsState, tuple[str, str]]] = {
    GroundsState.CONSENT: ("the person consented", "用户已同意"),
    GroundsState.REQUEST: ("the person asked for it", "用户已请求"),
    GroundsState.NONE: ("neither consent nor request is known", "没有同意或请求"),
    GroundsState.REFUSED: ("the person refused this sender's group", "用户已拒收该主体"),
    GroundsState.UNCLEAR: ("an unclear reply waits to be read", "有含义不明的回复待人工判断"),
    GroundsState.EXPIRED: ("the consent has run out", "同意已过期"),
    GroundsState.OTHER_CATEGORY: ("the consent is for another category", "同意不含此类别"),
    GroundsState.NOT_SHOWN: ("no proof that the words were shown", "无展示文案的证明"),
    GroundsState.NOT_EXPLICIT: ("the consent was no act of the person's own", "同意非明示"),
    GroundsState.LATE: ("the consent is later than the send", "同意晚于发送"),
}


def grounds_words(state: GroundsState, grounds: Grounds | None, lang: Lang = "en") -> str:
    """What a message can rest on, in one sentence, with the fact's position."""
    sentence = _STATES[state][lang == "zh"]
    if grounds is None:
        return sentence
    purposes = ", ".join(purposes_names(grounds.purposes))
    ends = told(grounds.given_at + grounds.term_s * 1000) if grounds.term_s else ""
    if lang == "zh":
        parts = [f"依据:第{grounds.position}号记录", f"方式 {grounds.act.value}"]
        parts += [f"作出于 {told(grounds.given_at)}", f"范围 {purposes}"]
        parts += [f"有效至 {ends}"] if ends else []
        if grounds.per_count:
            parts.append(f"每{grounds.per_days}天至多{grounds.per_count}条")
        return f"{sentence}({','.join(parts)})"
    parts = [f"fact {grounds.position}", grounds.act.value, f"given {told(grounds.given_at)}"]
    parts += [f"for {purposes}"]
    parts += [f"until {ends}"] if ends else []
    if grounds.per_count:
        parts.append(f"at most {grounds.per_count} in {grounds.per_days} days")
    return f"{sentence} ({', '.join(parts)})"
