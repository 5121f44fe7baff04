"""Trace: the right message or party where it can be known, "unknown" where it cannot."""

from __future__ import annotations

import random
from itertools import combinations
from typing import Final, NamedTuple

import msgspec
import pytest
from test_prove import ANNA, BO, EVER, MORNING, PORT, SALE, World, to, world

from qingjing.desk import casepack, casestats, lead
from qingjing.desk.complaint import Complaint, receive
from qingjing.desk.entries import told as when_told
from qingjing.desk.paths import Submit
from qingjing.desk.ports import Transaction
from qingjing.desk.trace import trace
from qingjing.desk.verify import Result
from qingjing.kernel import facts as f
from qingjing.kernel.cases import CaseState
from qingjing.kernel.facts import CaseStep, Outcome
from qingjing.kernel.words import Carrier, Filing, PartyRole, Phone

HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR
SHOPS: Final = ("qinghe", "linshop", "haishop", "lushop")
PORTS: Final = {name: f"10690001000{n}" + "1" * (n % 3) for n, name in enumerate(SHOPS, 1)} | {
    "qinghe": PORT
}
TEXTS: Final = (
    "双11会员日全场满{}减50,精选好物低至5折,拒收请回复R",
    "您有一张{}元无门槛优惠券即将过期,点击领取 s.example.cn/a{},拒收请回复R",
    "新品{}上市,到店即送精美礼品一份,限时三天先到先得,拒收请回复R",
    "周末亲子活动报名开始,仅限{}个名额,报名送绘本,拒收请回复R",
    "家电以旧换新补贴最高{}元,覆盖冰箱空调洗衣机,拒收请回复R",
)


def furnished() -> World:
    """Four shops, each with port, signature and grant at one provider, in shadow mode."""
    made = world()

    def register(t: Transaction) -> None:
        for name in SHOPS[1:]:
            party = f.PartyRegistered(
                party=name,
                name=name,
                role=PartyRole.MERCHANT,
                credit_code="",
                group=f"g-{name}",
            )
            port = f.PortRegistered(
                port=PORTS[name],
                holder="yuntong",
                kinds=0xFF,
                licence="B2-1",
                valid_from=EVER[0],
                valid_until=EVER[1],
            )
            signature = f.SignatureRegistered(
                signature=name, owner=name, source="trademark", proof="p", kinds=0xFF
            )
            grant = f.GrantMade(
                grant=f"g-{name}",
                sender=name,
                port=PORTS[name],
                signature=name,
                kinds=0xFF,
                chain=(name, "yuntong"),
                valid_from=EVER[0],
                valid_until=EVER[1],
            )
            for fact in (party, port, signature, grant):
                t.append(fact)
            t.append(f.PortFiled(port=PORTS[name], carrier=Carrier.MOBILE, state=Filing.FILED))
        t.append(f.AccountShadowed(account="yuntong-1", shadow=True, reason="planted"))

    made.act(register)
    return made


class Planted(NamedTuple):
    """What a complaint is truly about; no sender: nothing of ours."""

    complaint: Complaint
    at: int
    sender: str


def offer(name: str, body: str, phone: Phone) -> Submit:
    """A promotion of a shop to a person."""
    mark = "青禾商城" if name == "qinghe" else name
    return msgspec.structs.replace(to(phone, f"【{mark}】{body}"), port=PORTS[name])


def planted(made: World, chance: random.Random) -> list[Planted]:
    """Thirty days of campaigns to two hundred people, and complaints of every quality."""
    people = [Phone(13_800_200_000 + n) for n in range(200)]
    got: list[tuple[Phone, str, str, int]] = []
    for day in range(30):
        at = MORNING + day * DAY + chance.randrange(6) * HOUR
        batch: list[Submit] = []
        for phone in people:
            if chance.random() < 0.25:
                name, text = chance.choice(SHOPS), chance.choice(TEXTS)
                body = text.format(chance.randrange(10, 999), chance.randrange(1000))
                batch.append(offer(name, body, phone))
                got.append((phone, name, batch[-1].body, at))
        made.submit(*batch, at=at)
    found = []
    for phone, name, body, at in chance.sample(got, 400):
        kind = chance.randrange(5)
        text, number, told = body, PORTS[name], ""
        if kind == 1:  # typed off, with mistakes
            text = "".join(c for c in text if chance.random() > 0.04)
        elif kind == 2:  # cut off, and the number without its extension
            text, number = text[: int(len(text) * 0.8)], number[:10]
        elif kind == 3:  # with a time, a day off at most
            told = when_told(at + chance.randrange(-20, 20) * HOUR)
        elif kind == 4:  # a screenshot read badly
            text = text.replace("拒收请回复R", "").replace("【", "[").replace("】", "]")
        later = min(at + chance.randrange(1, 72) * HOUR, MORNING + 33 * DAY)
        told = told if told and told < when_told(later) else ""
        given = Complaint(phone=phone.digits, number=number, text=text, told_at=told)
        found.append(Planted(given, later, name))
    for _ in range(100):  # what never came from here, some of it much like what did
        text = chance.choice(
            ("【某银行】您的信用额度已提升至{}元,点击激活", "恭喜中奖{}元,请联系客服领取大礼包")
        ).format(chance.randrange(10_000))
        number = chance.choice(("106575550001", "95588", "13912345678"))
        given = Complaint(phone=chance.choice(people).digits, number=number, text=text)
        found.append(Planted(given, MORNING + 33 * DAY, ""))
    return sorted(found, key=lambda one: one.at)


@pytest.mark.parametrize("seed", [7, 11])
def test_ninety_eight_of_a_hundred_complaints_reach_the_right_party(seed: int) -> None:
    """On a planted record: right where it can be known, unknown where it is not ours; and no
    complaint accuses a party that did not send it."""
    made = furnished()
    truth = planted(made, random.Random(seed))
    cases = []
    for one in truth:
        given = one.complaint
        receipt = made.act(lambda t, g=given: receive(made.ledger, t, g), one.at)  # type: ignore[misc]
        case = made.ledger.cases.by_number(receipt.number)
        assert case is not None
        cases.append(case)
    found = trace(made.ledger, cases, MORNING + 34 * DAY)
    named = [t.party if t.outcome == "ours" else "" for t in found]
    pairs = list(zip(named, (one.sender for one in truth), strict=True))
    right = sum(one == true for one, true in pairs if true)
    wrong = sum(bool(one) and one != true for one, true in pairs)

    assert right / sum(bool(true) for _, true in pairs) >= 0.98
    assert wrong == 0
    assert all(
        t.outcome == "unknown" for t, (_, true) in zip(found, pairs, strict=True) if not true
    )


def test_messages_of_two_senders_that_fit_alike_are_unknown() -> None:
    """The same text from two ports, and the complaint names a third."""
    made = furnished()
    made.submit(offer("linshop", "全场五折", ANNA), offer("haishop", "全场五折", ANNA))
    given = Complaint(phone=ANNA.digits, number="95588", text="全场五折")
    receipt = made.act(lambda t: receive(made.ledger, t, given), MORNING + DAY)
    case = made.ledger.cases.by_number(receipt.number)
    assert case is not None
    (found,) = trace(made.ledger, [case], MORNING + DAY)

    assert (found.outcome, found.party) == ("unknown", "")


def complained(made: World, number: str = PORT, text: str = SALE, phone: Phone = ANNA) -> str:
    """A complaint a day after, traced, its lead forwarded; the receipt number."""
    given = Complaint(phone=phone.digits, number=number, text=text)
    receipt = made.act(lambda t: receive(made.ledger, t, given), MORNING + DAY)
    case = made.ledger.cases.by_number(receipt.number)
    assert case is not None
    (found,) = trace(made.ledger, [case], MORNING + DAY)
    made.act(lambda t: lead.enter(made.ledger, t, found), MORNING + DAY)
    made.act(lambda t: lead.work(made.ledger, t), MORNING + DAY)
    return receipt.number


def case_of(made: World, number: str):  # type: ignore[no-untyped-def]
    """The case of a number."""
    case = made.ledger.cases.by_number(number)
    assert case is not None
    return case


def test_a_message_that_was_refused_never_left_and_is_not_what_came() -> None:
    """Without shadow mode the gate kept it back: nobody is accused of it."""
    made = world()
    made.submit(to(ANNA))
    number = complained(made)

    assert case_of(made, number).traced.outcome == "elsewhere"


def test_the_lead_goes_to_whoever_cannot_show_its_upstream() -> None:
    """A grant: the sender; none: who submitted it; not ours: the port's holder; else nobody."""
    made = furnished()
    made.submit(offer("linshop", "全场五折起", ANNA))
    granted = case_of(made, complained(made, PORTS["linshop"], "【linshop】全场五折起"))
    assert (granted.party, granted.lead.why) == ("linshop", "no_grounds")
    assert granted.lead.chain == ("linshop", "yuntong")
    body = "【linshop】夏季清仓全场三折起拒收请回复R"
    made.submit(
        msgspec.structs.replace(to(BO, body), submitter="haishop", port=PORTS["linshop"])
    )
    ungranted = case_of(made, complained(made, PORTS["linshop"], body, BO))
    assert (ungranted.party, ungranted.lead.why) == ("haishop", "no_contract")
    foreign = case_of(made, complained(made, PORT, "【别人】全城热恋钻石一折", BO))
    assert (foreign.party, foreign.lead.why) == ("yuntong", "presumed_sender")
    nobody = case_of(made, complained(made, "13912345678", "办证", BO))
    assert (nobody.state, nobody.lead) == (CaseState.TRACED, None)


def test_a_consent_that_is_on_record_before_the_send_is_shown_and_left_to_a_person() -> None:
    """The machine does not dismiss: the person may say that the consent was forged."""
    made = world()
    made.consented()
    made.submit(to(ANNA))
    number = complained(made)
    checked = made.act(lambda t: lead.answer(made.ledger, t, number, "qinghe", "已同意"))

    assert checked == "grounds_shown"
    assert case_of(made, number).state is CaseState.ANSWERED


@pytest.mark.parametrize(("late", "reason"), [(True, "late"), (False, "no_grounds")])
def test_the_pack_proves_absence_or_back_dating_off_line(late: bool, reason: str) -> None:
    """Decided by the record; the pack has the case, the proof and the consent that came late,
    and any changed byte fails it."""
    made = furnished()
    made.submit(to(ANNA))
    if late:
        made.consented(at=MORNING + HOUR, given_at=MORNING - DAY)
    number = complained(made)
    made.act(
        lambda t: lead.answer(made.ledger, t, number, "qinghe", "有同意"), MORNING + 2 * DAY
    )
    case = case_of(made, number)
    decided = case.last(CaseStep.DECIDED)
    assert (case.outcome, decided.fact.reason, decided.fact.party) == (
        Outcome.UPHELD,
        reason,
        "qinghe",
    )
    finding = made.ledger.register.oversight.findings[decided.fact.finding].fact
    assert (finding.party, finding.what) == ("qinghe", f"complaint_{reason}")
    assert finding.messages == (case.traced.message,)
    data = casepack.pack(made.ledger, case, MORNING + 3 * DAY)
    checked = casepack.verify_pack(data, [made.ledger.key])

    assert checked.failed == ()
    assert checked.case == case
    assert checked.proof is not None
    assert not checked.proof.of(Result.FAILS)
    assert (checked.late is not None) is late
    assert [one.text for one in checked.opened if one.text] == [SALE]
    assert "有同意" in [one.words for one in checked.opened]
    assert ANNA.digits.encode() not in data
    chance = random.Random(3)
    for _ in range(60):
        place = chance.randrange(len(data))
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        assert not casepack.verify_pack(changed, [made.ledger.key]).ok


def test_reworded_complaints_are_one_campaign_with_pairwise_f1_of_ninety_seven() -> None:
    """Planted: forty campaigns, each reworded, under other signatures, on other ports."""
    made = furnished()
    chance = random.Random(5)
    words = ["冰箱", "沙发", "奶粉", "机票", "眼镜", "球鞋", "瑜伽", "钢琴", "手机", "口红"]
    deals = [
        "第二件半价本周末结束",
        "买一送一数量有限售完即止",
        "老客户专享立减券已到账",
        "门店周年庆抽奖赢大礼",
    ]
    truth: list[int] = []
    for number, (word, deal) in enumerate((w, d) for w in words for d in deals):
        for _ in range(6):
            name = chance.choice(SHOPS)
            core = f"亲爱的会员{word}专场活动开启啦{deal}{word}爱好者不要错过,拒收请回复R"
            place = chance.randrange(len(core) - 8)
            if chance.random() < 0.5:  # a word more or less
                core = core[:place] + chance.choice(("哦", "呀", "!")) + core[place:]
            text = f"【{name}】{core}"
            phone = f"{13_800_300_000 + len(truth)}"
            given = Complaint(phone=phone, number=PORTS[name], text=text)
            made.act(
                lambda t, g=given: receive(made.ledger, t, g),  # type: ignore[misc]
                MORNING + len(truth) * 1000,
            )
            truth.append(number)
    links = casestats.campaigns(made.ledger)
    made.act(lambda t: casestats.link(made.ledger, t, links))
    found = [made.ledger.cases.campaign(case.complaint) for case in made.ledger.cases]
    pairs = [
        (found[a] == found[b], truth[a] == truth[b])
        for a, b in combinations(range(len(truth)), 2)
    ]
    both = sum(one and true for one, true in pairs)
    precision = both / sum(one for one, _ in pairs)
    recall = both / sum(true for _, true in pairs)

    assert 2 * precision * recall / (precision + recall) >= 0.97
    assert casestats.campaigns(made.ledger) == ()


def test_the_analysis_counts_shares_rates_and_handling() -> None:
    """Per million of what left, with interval; by party; and no personal data."""
    made = furnished()
    made.submit(to(ANNA), to(BO))
    number = complained(made)
    made.act(lambda t: lead.answer(made.ledger, t, number, "qinghe", "x"), MORNING + 2 * DAY)
    complained(made, "13912345678", "办证", BO)
    counted = casestats.stats(made.ledger, MORNING - DAY, MORNING + 30 * DAY)

    assert (counted.complaints, counted.parties) == (2, {"qinghe": 1, "unknown": 1})
    rate = counted.rates["qinghe"]
    assert (rate.complaints, rate.messages, rate.per_million) == (1, 2, 500_000)
    assert rate.low < rate.per_million < rate.high
    handled = counted.handling["qinghe"]
    assert (handled.leads, handled.answered, handled.in_time) == (1, 1, 1.0)
    assert handled.median_days == 1
    assert ANNA.digits not in str(counted)
