"""Measures: each step binds at the next message, and the severe ones take two people."""

from __future__ import annotations

from datetime import date

import pytest
from register_house import CODE, CODES, DAY, OFFERS, SALE, House

from qingjing.desk import findings, measures
from qingjing.desk import register as desk_register
from qingjing.desk.entries import InputError
from qingjing.desk.findings import Charge
from qingjing.kernel import facts as f
from qingjing.kernel.oversight import LADDER, RUNGS
from qingjing.kernel.words import Step, Subject


@pytest.fixture
def house() -> House:
    """The example's register."""
    return House()


def found(house: House, **more: object) -> f.FindingOpened:
    """A finding against the provider's port."""
    charge = {
        "what": "sublet",
        "party": "tongda",
        "port": CODES,
        "words": "端口疑似转租",
        "since": house.at - DAY,
        "evidence": ("七个无关签名",),
    }
    return house.do(findings.open_, Charge(**(charge | more)), "王敏")  # type: ignore[arg-type]


def test_the_ladder_has_every_step_once_and_grows_harder() -> None:
    """What is milder takes one person, what stops everything takes two."""
    assert [rung.step for rung in LADDER] == list(Step)
    assert [rung.severe for rung in LADDER] == sorted(rung.severe for rung in LADDER)


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        (Subject.PARTY, "qinghe"),
        (Subject.PARTY, "tongda"),
        (Subject.PORT, CODES),
        (Subject.SIGNATURE, "青禾商城"),
    ],
)
def test_a_suspension_confirmed_by_another_stops_the_next_message(
    house: House, subject: Subject, name: str
) -> None:
    """The proposal alone stops nothing; lifting takes two again, and opens the path."""
    assert house.send() == [()]
    proposed = house.do(measures.take, Step.SUSPEND, subject, name, "转租", "王敏")
    assert house.send() == [()]
    house.do(measures.confirm, proposed.measure, "李强")
    assert house.send() == [("sender_free",)]
    house.do(measures.lift, proposed.measure, "整改完成", "王敏")
    assert house.send() == [("sender_free",)]
    house.do(measures.confirm, proposed.measure, "李强")
    assert house.send() == [()]


def test_a_suspended_port_leaves_the_other_port_open(house: House) -> None:
    """The measure is on the port, not on whoever uses it."""
    proposed = house.do(measures.take, Step.SUSPEND, Subject.PORT, OFFERS, "转租", "王敏")
    house.do(measures.confirm, proposed.measure, "李强")
    assert house.send() == [()]
    assert "sender_free" in house.send(SALE, port=OFFERS)[0]


@pytest.mark.parametrize("again", ["王敏", " 王敏 ", "王 敏"])
def test_the_same_person_cannot_confirm(house: House, again: str) -> None:
    """Whatever the spaces in the name: four eyes."""
    proposed = house.do(measures.take, Step.SUSPEND, Subject.PORT, CODES, "转租", "王敏")
    with pytest.raises(InputError, match="another person"):
        house.do(measures.confirm, proposed.measure, again)
    assert house.send() == [()]


def test_what_was_not_proposed_cannot_be_confirmed(house: House) -> None:
    """Nor what was confirmed already."""
    proposed = house.do(measures.take, Step.SUSPEND, Subject.PORT, CODES, "转租", "王敏")
    house.do(measures.confirm, proposed.measure, "李强")
    for name in (proposed.measure, "m999"):
        with pytest.raises(InputError, match="is not proposed"):
            house.do(measures.confirm, name, "赵岚")


def test_a_suspension_ends_after_its_last_day_by_itself(house: House) -> None:
    """The lane knows when, and nobody has to ask."""
    proposed = house.do(
        measures.take,
        Step.SUSPEND,
        Subject.PORT,
        CODES,
        "转租",
        "王敏",
        until=date(2026, 11, 25),
    )
    house.do(measures.confirm, proposed.measure, "李强")
    assert house.send() == [("sender_free",)]
    house.at += DAY
    assert house.send() == [("sender_free",)]
    house.at += DAY
    assert house.send() == [()]


def test_withheld_marketing_leaves_codes_alone(house: House) -> None:
    """Only what a refusal stops is stopped."""
    house.do(measures.take, Step.WITHHOLD, Subject.SIGNATURE, "青禾商城", "超范围", "王敏")
    assert house.send(CODE) == [()]
    assert "kind_in_scope" in house.send(SALE, port=OFFERS)[0]


def test_slow_leaves_the_least_rate_while_it_holds(house: House) -> None:
    """Two measures: the harder counts, until its day is over."""
    take = house.do
    first = take(measures.take, Step.SLOW, Subject.PARTY, "tongda", "投诉", "王敏", rate=50)
    take(
        measures.take,
        Step.SLOW,
        Subject.PARTY,
        "tongda",
        "投诉",
        "王敏",
        rate=5,
        until=date(2026, 11, 24),
    )
    slowed = house.ledger.register.slowed
    assert slowed("tongda", house.at) == 5
    assert slowed("tongda", house.at + DAY) == 50
    house.do(measures.lift, first.measure, "好转", "王敏")
    assert slowed("tongda", house.at + DAY) == 0
    assert slowed("qinghe", house.at) == 0


def test_a_termination_ends_the_grants_that_use_it(house: House) -> None:
    """Lifting it does not bring them back: they are made anew, and examined."""
    proposed = house.do(
        measures.take, Step.TERMINATE, Subject.SIGNATURE, "青禾商城", "冒用", "王敏"
    )
    house.do(measures.confirm, proposed.measure, "李强")
    assert house.ledger.register.grants() == ()
    house.do(measures.lift, proposed.measure, "误判", "王敏")
    house.do(measures.confirm, proposed.measure, "李强")
    assert "port_granted" in house.send()[0]


@pytest.mark.parametrize(
    ("step", "subject", "name", "more", "field"),
    [
        (Step.SUSPEND, Subject.PARTY, "nobody", {}, "name"),
        (Step.SLOW, Subject.PORT, CODES, {"rate": 5}, "step"),
        (Step.SLOW, Subject.PARTY, "tongda", {}, "rate"),
        (Step.WARN, Subject.PARTY, "tongda", {"rate": 5}, "rate"),
        (Step.CORRECT, Subject.PARTY, "tongda", {}, "due"),
        (Step.CORRECT, Subject.PARTY, "tongda", {"due": date(2026, 11, 23)}, "due"),
        (Step.TERMINATE, Subject.PARTY, "tongda", {"until": date(2027, 1, 1)}, "until"),
    ],
)
def test_a_measure_that_does_not_fit_is_refused(
    house: House, step: Step, subject: Subject, name: str, more: dict[str, object], field: str
) -> None:
    """And nothing is written."""
    before = house.ledger.position
    with pytest.raises(InputError) as caught:
        house.do(measures.take, step, subject, name, "x", "王敏", **more)  # type: ignore[arg-type]
    assert field in [problem.field for problem in caught.value.problems]
    assert house.ledger.position == before


def test_a_measure_carries_what_its_finding_saw_and_an_appeal_shows_the_same(
    house: House,
) -> None:
    """Who objects reads the words on which the measure rests."""
    finding = found(house)
    taken = house.do(
        measures.take, Step.WARN, Subject.PORT, CODES, "转租", "王敏", finding.finding
    )
    assert isinstance(taken, f.MeasureTaken)
    assert taken.evidence == ("端口疑似转租", "七个无关签名")
    house.do(measures.appeal, taken.measure, "同一集团", "tongda")
    with pytest.raises(InputError, match="under appeal"):
        house.do(measures.appeal, taken.measure, "再次", "tongda")
    with pytest.raises(InputError, match="took the measure"):
        house.do(measures.answer, taken.measure, "驳回", "王敏")
    house.do(measures.answer, taken.measure, "未登记集团关系", "赵岚")
    with pytest.raises(InputError, match="not under appeal"):
        house.do(measures.answer, taken.measure, "驳回", "赵岚")
    house.do(measures.lift, taken.measure, "申诉成立", "王敏")
    with pytest.raises(InputError, match="is over"):
        house.do(measures.lift, taken.measure, "again", "王敏")


def test_whoever_reinstates_a_party_does_not_lift_a_measure(house: House) -> None:
    """The stop of one clerk and the measure of two end each by their own way."""
    proposed = house.do(measures.take, Step.SUSPEND, Subject.PARTY, "qinghe", "转租", "王敏")
    house.do(measures.confirm, proposed.measure, "李强")
    with pytest.raises(InputError, match="measure lift"):
        house.do(desk_register.reinstate, "qinghe", "please")
    house.do(desk_register.suspend, "qinghe", "投诉")
    house.do(desk_register.reinstate, "qinghe", "好")
    assert house.send() == [("sender_free",)]
    assert house.ledger.register.suspended("qinghe", house.at)


def test_every_step_but_the_stops_lets_a_code_through(house: House) -> None:
    """A warning is no stop."""
    for step in (Step.WARN, Step.CORRECT, Step.WITHHOLD):
        due = date(2026, 12, 1) if step is Step.CORRECT else None
        assert not RUNGS[step].severe
        house.do(measures.take, step, Subject.PORT, CODES, "x", "王敏", due=due)
    assert house.send() == [()]
