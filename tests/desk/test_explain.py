"""Explain: the same answer as deciding, in words, with nothing recorded."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from qingjing.app import shipped_rulebooks
from qingjing.desk import consent, explain, register, rulebook, send
from qingjing.desk.consent import Terms
from qingjing.desk.entries import InputError, moment
from qingjing.desk.explain import Explanation, Question
from qingjing.desk.paths import Submit
from qingjing.desk.ports import Ledger, Transaction
from qingjing.desk.texts import Reader
from qingjing.kernel import facts as f
from qingjing.kernel.batch import names
from qingjing.kernel.numbers import carrier_of
from qingjing.kernel.rules import BY_NAME
from qingjing.kernel.standing import Grounds
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Act, Carrier, Kind, NumberState, Phone, ReplyMeaning, Verdict
from qingjing.ledger import memory
from qingjing.ledger.vault import KeyFile, Vault

MORNING = moment("2026-11-24 10:00")
NIGHT = moment("2026-11-24 23:00")
EXAMPLE = Path(__file__).parents[2] / "docs" / "register.example.toml"
MARKETING, SERVICE = "106900010001", "106900010002"
SALE = "【青禾商城】秋装上新，全场满200减50，拒收请回复R"
TEXTS = (
    SALE,
    "【青禾商城】秋装上新，全场满200减50，点击 https://qh.cn/a 抢购，拒收请回复R",
    "【青禾商城】秋装上新，全场满200减50",
    "【别家】秋装上新，全场满200减50，回T退订",
    "【青禾商城】您的验证码是123456，5分钟内有效",
    "【青禾商城】您的订单已发货，请注意查收，另有优惠券满100减20",
    "【青禾商城】是否同意接收本店促销短信？每月4条，期限一年，回复Y同意，不回复视为拒绝",
    "今天天气不错",
    "",
)
T = TypeVar("T")


def act(ledger: Ledger, verb: Callable[[Transaction], T], at: int) -> T:
    """One verb in a transaction of its own."""

    async def run() -> T:
        async with ledger.transaction(at) as t:
            return verb(t)

    return asyncio.run(run())


def person_of(number: int) -> Phone:
    """People of the tests, all with China Mobile."""
    return Phone(13800138000 + number)


STANDINGS = (
    "none",
    "sound",
    "refused",
    "unclear",
    "expired",
    "food",
    "default",
    "late",
    "asked",
)


@pytest.fixture
def desk(tmp_path: Path) -> send.Desk:
    """The example's register, the shipped rulebooks, and a person in every standing."""
    vault = Vault(KeyFile.generate("test/ledger"))
    ledger = memory.open_ledger(vault, origin="test/ledger", imports=tmp_path)
    early = moment("2026-01-02")

    def found(t: Transaction) -> None:
        rulebook.adopt_missing(ledger, t, shipped_rulebooks())
        register.load(ledger, t, tomllib.loads(EXAMPLE.read_text("utf-8")))
        for number, standing in enumerate(STANDINGS):
            stand(ledger, t, person_of(number), standing)

    act(ledger, found, early)
    return send.Desk(ledger, Reader(bytes), node=1)


def stand(ledger: Ledger, t: Transaction, phone: Phone, standing: str) -> None:
    """Bring one person into a standing towards qinghe."""
    terms: dict[str, Any] = {
        "sender": "qinghe",
        "purposes": ("retail",),
        "act": "ticked",
        "shown": "9f86",
        "term_days": 720,
    }
    changes: dict[str, dict[str, Any]] = {
        "expired": {"term_days": 1},
        "food": {"purposes": ("food",)},
        "default": {"act": "default"},
        "late": {"shown": ""},
        "asked": {"act": "requested", "per_count": 1, "per_days": 30},
    }
    if standing == "none":
        return
    consent.record(
        ledger,
        t,
        phone.digits,
        Terms(**(terms | changes.get(standing, {}))),
        given_at="2026-01-01",
        door="web",
    )
    if standing == "refused":
        consent.refuse(ledger, t, phone.digits, "qinghe", door="reply")
    elif standing == "unclear":
        person = t.remember(phone)
        t.append(
            f.ReplyHeard(
                person=person.key,
                handle=person.handle,
                port=MARKETING,
                group="qinghe-group",
                meaning=ReplyMeaning.UNCLEAR,
                words=b"",
            )
        )


def ask(desk: send.Desk, body: str = SALE, at: int = MORNING, **changes: Any) -> Explanation:
    """Explain a message of qinghe to the person with a sound consent."""
    question = Question(submitter="qinghe", port=MARKETING, phone=person_of(1), body=body)
    return explain.explain(desk, question._replace(**changes), at)


def decided(desk: send.Desk, question: Question, at: int) -> tuple[int, Verdict, Any, int]:
    """What ``send`` decides of the same message: case, verdict, reasons, grounds."""
    phone = question.phone
    assert phone is not None or question.carrier is not None
    submit = Submit(
        account="a",
        submitter=question.submitter,
        port=question.port,
        phone=phone,
        carrier=question.carrier or carrier_of(phone or Phone(0)),
        declared=question.declared,
        body=question.body,
        original=b"",
    )
    row = act(desk.ledger, lambda t: send.decide(desk, [submit], t), at).rows[0]
    reasons = names(int(row["reasons"]))
    return int(row["case"]), Verdict(row["verdict"]), reasons, int(row["grounds"])


def test_explaining_and_deciding_give_the_same_answer(desk: send.Desk) -> None:
    """Over texts, standings, ports, senders, carriers, hours and declarations."""
    ways = product(
        TEXTS,
        range(len(STANDINGS)),
        ((MARKETING, "qinghe"), (SERVICE, "qinghe"), (MARKETING, "tongda"), ("1069", "x")),
        ((None, MORNING), (Carrier.TELECOM, NIGHT)),
        (Kind.UNCLEAR, Kind.SERVICE),
    )
    seen = set()
    for body, number, (port, submitter), (carrier, at), declared in ways:
        question = Question(submitter, port, person_of(number), body, declared, carrier)
        told = explain.explain(desk, question, at)
        reasons = tuple(reason.rule for reason in told.reasons)
        grounds = told.grounds.position if told.grounds else 0
        answer = (told.case, told.verdict, reasons, grounds)
        assert answer == decided(desk, question, at), question
        seen.add(told.verdict)
    assert seen == set(Verdict)


def test_a_destination_that_is_no_number_is_explained_too(desk: send.Desk) -> None:
    """The gate refuses it, in both forms for the same reason."""
    question = Question("qinghe", MARKETING, None, SALE, carrier=Carrier.MOBILE)
    told = explain.explain(desk, question, MORNING)
    assert "number_valid" in [reason.rule for reason in told.reasons]
    assert told.case == decided(desk, question, MORNING)[0]


def test_a_reached_cap_is_told_before_and_after(desk: send.Desk) -> None:
    """Three a day from one house: the fourth is refused, and explaining counts for nothing."""
    question = Question("qinghe", MARKETING, person_of(1), SALE)
    for _ in range(3):
        assert ask(desk).verdict is Verdict.PASS
        assert decided(desk, question, MORNING)[1] is Verdict.PASS
    told = ask(desk)
    assert [reason.rule for reason in told.reasons] == ["house_cap"]
    assert told.case == decided(desk, question, MORNING)[0]


def test_the_agreed_frequency_is_told(desk: send.Desk) -> None:
    """Whoever asked for one message in thirty days has had it."""
    asked = STANDINGS.index("asked")
    question = Question("qinghe", MARKETING, person_of(asked), SALE)
    assert decided(desk, question, MORNING)[1] is Verdict.PASS
    told = explain.explain(desk, question, MORNING)
    assert [reason.rule for reason in told.reasons] == ["consent_frequency"]
    assert told.case == decided(desk, question, MORNING)[0]


def test_a_dry_run_records_nothing(desk: send.Desk) -> None:
    """Neither a fact nor a mark."""
    before = desk.ledger.position, desk.ledger.marked("message")
    ask(desk)
    assert (desk.ledger.position, desk.ledger.marked("message")) == before


def test_every_reason_comes_with_its_words(desk: send.Desk) -> None:
    """Sentence, duty and remedy are those of the rule, in both languages."""
    told = ask(desk, at=NIGHT, phone=person_of(STANDINGS.index("refused")))
    assert told.verdict is Verdict.REFUSE
    assert {"not_refused", "quiet_hours"} <= {reason.rule for reason in told.reasons}
    for reason in told.reasons:
        rule = BY_NAME[reason.rule]
        assert (reason.zh, reason.en, reason.duty) == (rule.zh, rule.en, rule.duty)
        assert reason.remedy_zh
        assert reason.remedy_en


def test_the_reading_is_told_with_the_words_that_it_rests_on(desk: send.Desk) -> None:
    """Kind, category and why."""
    told = ask(desk)
    assert told.text.kind is Kind.COMMERCIAL
    assert told.counts_as is Kind.COMMERCIAL
    assert told.why


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_grounds_are_told_in_words(desk: send.Desk, lang: explain.Lang) -> None:
    """Which fact, how, when, for what, until when."""
    told = ask(desk)
    assert told.grounds is not None
    words = explain.grounds_words(told.grounds_state, told.grounds, lang)
    for part in (str(told.grounds.position), "ticked", "2026-01-01 00:00:00", "retail"):
        assert part in words


@pytest.mark.parametrize("state", list(GroundsState))
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_state_has_words(state: GroundsState, lang: explain.Lang) -> None:
    """With and without a consent behind it."""
    grounds = Grounds(
        position=7,
        recorded_at=0,
        given_at=0,
        act=Act.SIGNED,
        purposes=2,
        shown=True,
        term_s=0,
        per_count=4,
        per_days=30,
    )
    assert explain.grounds_words(state, None, lang)
    words = explain.grounds_words(state, grounds, lang)
    assert "4" in words
    assert "30" in words


def test_a_person_is_shown_with_facts_and_standings(desk: send.Desk) -> None:
    """Oldest first; senders towards whom there is nothing are left out."""
    found = explain.person(desk.ledger, person_of(STANDINGS.index("refused")), MORNING)
    kinds = [type(recorded.fact) for recorded in found.facts]
    assert kinds == [f.ConsentRecorded, f.RefusalRecorded]
    states = {standing.sender: standing.state for standing in found.standings}
    assert states == dict.fromkeys(("qinghe", "qinghe-finance"), GroundsState.REFUSED)
    assert found.number is NumberState.OK


def test_an_unknown_person_has_nothing(desk: send.Desk) -> None:
    """And asking about one keeps nothing."""
    before = desk.ledger.position
    found = explain.person(desk.ledger, Phone(13900139000), MORNING)
    assert (found.facts, found.standings) == ((), ())
    assert desk.ledger.position == before


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("quiet_hours", "quiet_hour", "there is no rule 'quiet_hour'"),
        ("quiet_hours", "", "rules.quiet_hours: the book does not say"),
    ],
)
def test_a_book_names_every_rule_and_no_other(
    desk: send.Desk, old: str, new: str, says: str
) -> None:
    """A rule that is misspelt or left out would be off by oversight."""
    book = shipped_rulebooks()[1]
    rules = {new if name == old else name: effect for name, effect in book.rules.items()}
    rules.pop("", None)
    wrong = msgspec.structs.replace(book, name="ours", rules=rules)
    with pytest.raises(InputError, match=says):
        act(desk.ledger, lambda t: rulebook.adopt(desk.ledger, t, wrong), MORNING)


def test_a_book_is_adopted_once(desk: send.Desk) -> None:
    """The same book again is no fact; the shipped ones are adopted where they are missing."""
    books = shipped_rulebooks()
    assert [book.name for book in books] == ["order31-2015", "order74-2026"]
    ledger = desk.ledger
    assert act(ledger, lambda t: rulebook.adopt(ledger, t, books[1]), MORNING) is None
    assert act(ledger, lambda t: rulebook.adopt_missing(ledger, t, books), MORNING) == ()
