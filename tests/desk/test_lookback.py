"""Looking back: the same question again, a sample anyone can draw, and what came back."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from register_house import CODE, CODES, DAY, NOW, OFFERS, SALE, House

from qingjing.desk import findings, lookback, measures
from qingjing.desk.entries import InputError, moment
from qingjing.desk.findings import Charge
from qingjing.desk.lookback import Plan
from qingjing.desk.queries import BREACHES
from qingjing.kernel import facts as f
from qingjing.kernel.rules import RULES
from qingjing.kernel.words import Carrier, Step, Subject

FOREIGN = CODE.replace("青禾商城", "白石书店")


@pytest.fixture
def house() -> House:
    """The example's register, its grants examined and passed."""
    house = House()
    house.at += 90 * DAY
    look_back(house)
    house.at = NOW + 100 * DAY
    return house


def look_back(house: House) -> list[f.Fact]:
    """What the service's clock does: examine what is due, record it."""
    written: list[f.Fact] = []
    for booking in lookback.due(house.ledger, house.at):
        written += house.do(lookback.record, lookback.examine(house.ledger, booking))
    return written


def closed(house: House, **more: Any) -> str:
    """A finding that was opened and closed."""
    charge: dict[str, Any] = {
        "what": "drift",
        "party": "tongda",
        "port": CODES,
        "words": "签名超范围",
        "since": house.at - DAY,
    }
    opened = house.do(findings.open_, Charge(**(charge | more)), "王敏")
    house.do(findings.close, opened.finding, "已整改", "王敏")
    return opened.finding


def reopened(facts: list[f.Fact]) -> list[str]:
    """Names of findings that were opened again."""
    return [fact.finding for fact in facts if isinstance(fact, f.FindingReopened)]


def test_a_grant_a_closed_finding_and_a_lifted_measure_are_booked_three_times() -> None:
    """At the first moment of the 7th, 30th and 90th Beijing day after."""
    house = House()
    days = [(one.ended.matter, one.after_days) for one in lookback.bookings(house.ledger)]
    assert len(days) == 6
    assert {name for name, _days in days} == {
        "grant qinghe-marketing-2026",
        "grant qinghe-service-2026",
    }
    name = closed(house)
    taken = house.do(measures.take, Step.WARN, Subject.PORT, CODES, "x", "王敏")
    house.do(measures.lift, taken.measure, "好", "王敏")
    due = {
        (one.ended.matter, one.after_days): one.due for one in lookback.bookings(house.ledger)
    }
    assert due[f"finding {name}", 7] == moment("2026-12-01 00:00")
    assert due[f"measure {taken.measure}", 30] == moment("2026-12-24 00:00")
    assert due[f"finding {name}", 90] == moment("2027-02-22 00:00")
    assert lookback.due(house.ledger, moment("2026-11-30 23:59:59")) == []


def test_what_stayed_right_passes_three_times_and_is_finished(house: House) -> None:
    """Closed is not finished until passed."""
    name = closed(house)
    for days in (7, 23, 60):
        house.send()
        house.at += days * DAY
        (look,) = look_back(house)
        assert isinstance(look, f.LookedBack)
        assert look.passed
        assert look.matter == f"finding {name}"
    assert lookback.bookings(house.ledger) == []


def test_a_planted_relapse_is_reopened(house: House) -> None:
    """A foreign signature on the port again: the same query sees it."""
    name = closed(house)
    house.send(FOREIGN)
    house.at += 7 * DAY
    facts = look_back(house)
    assert reopened(facts) == [name]
    look = facts[0]
    assert isinstance(look, f.LookedBack)
    assert (look.seen, look.hits, look.passed) == (1, 1, False)
    known = house.ledger.register.oversight.findings[name]
    assert (known.closed, known.reopened) == (0, 1)


def test_what_was_before_the_closing_is_no_relapse(house: House) -> None:
    """The record since, and no message earlier."""
    house.send(FOREIGN)
    closed(house)
    house.at += 7 * DAY
    assert reopened(look_back(house)) == []


def test_an_ordinary_refusal_is_no_relapse(house: House) -> None:
    """A message out of hours, or without its notice, says nothing of a sublet port."""
    closed(house, port=OFFERS)
    house.send("【青禾商城】您的订单已发货，请注意查收。", port=OFFERS, carrier=Carrier.TELECOM)
    assert "signature_filed" not in BREACHES
    house.at += 7 * DAY
    look = look_back(house)[0]
    assert isinstance(look, f.LookedBack)
    assert look.seen == 1


def test_a_look_back_is_recorded_once(house: House) -> None:
    """Two clocks, one fact."""
    closed(house)
    house.at += 7 * DAY
    (booking,) = lookback.due(house.ledger, house.at)
    look = lookback.examine(house.ledger, booking)
    assert len(house.do(lookback.record, look)) == 1
    assert house.do(lookback.record, look) == ()
    assert look_back(house) == []


def test_a_reopened_finding_is_looked_back_at_anew_when_it_is_closed_again(
    house: House,
) -> None:
    """From its new end, all three times."""
    name = closed(house)
    house.send(FOREIGN)
    house.at += 7 * DAY
    look_back(house)
    assert lookback.bookings(house.ledger) == []
    house.do(findings.close, name, "再次整改", "王敏")
    assert [one.after_days for one in lookback.bookings(house.ledger)] == [7, 30, 90]


def test_a_stale_look_does_not_reopen_what_was_closed_anew(house: House) -> None:
    """It was examined beside the service while people went on."""
    name = closed(house)
    house.send(FOREIGN)
    house.at += 7 * DAY
    (booking,) = lookback.due(house.ledger, house.at)
    look = lookback.examine(house.ledger, booking)
    house.do(findings.reopen, name, "又见", "王敏")
    house.do(findings.close, name, "再次整改", "王敏")
    assert reopened(list(house.do(lookback.record, look))) == []


def test_a_lifted_measures_relapse_reopens_its_finding_or_opens_one(house: House) -> None:
    """Nothing falls between the two."""
    name = closed(house)
    with_finding = house.do(measures.take, Step.WARN, Subject.PORT, CODES, "x", "王敏", name)
    without = house.do(measures.take, Step.WARN, Subject.PORT, CODES, "x", "王敏")
    for taken in (with_finding, without):
        house.do(measures.lift, taken.measure, "好", "王敏")
    house.send(FOREIGN)
    house.at += 7 * DAY
    facts = look_back(house)
    assert reopened(facts) == [name]
    (opened,) = (fact for fact in facts if isinstance(fact, f.FindingOpened))
    assert (opened.what, opened.party, opened.port) == ("lookback measure", "tongda", CODES)
    assert opened.messages


def test_a_grant_whose_port_carries_a_second_signature_is_found(house: House) -> None:
    """One port, one tenant: the look back at the grant asks."""
    tables: dict[str, list[dict[str, Any]]] = {
        "signatures": [
            {
                "signature": "青禾优选",
                "owner": "qinghe",
                "source": "trademark",
                "proof": "商标2",
                "kinds": ["service", "verification"],
            }
        ],
    }
    house.load(**tables)
    grant = {
        "grant": "anew",
        "sender": "qinghe",
        "port": CODES,
        "signature": "青禾商城",
        "kinds": ["service", "verification"],
        "chain": ["qinghe", "tongda"],
        "valid_from": date(2026, 1, 1),
        "valid_until": date(2028, 12, 31),
    }
    house.load(grants=[grant])
    (booking, *_rest) = (b for b in lookback.bookings(house.ledger) if "anew" in b.ended.matter)
    look = lookback.examine(house.ledger, booking)
    assert look.fact.query == "signatures"
    assert look.fact.passed


def test_recidivism_counts_relapses_by_party(house: House) -> None:
    """A reopening, and a further finding of the same kind after one was closed."""
    name = closed(house)
    house.send(FOREIGN)
    house.at += 7 * DAY
    look_back(house)
    house.do(findings.close, name, "再次整改", "王敏")
    house.do(
        findings.open_,
        Charge(what="drift", party="tongda", words="又", since=house.at, port=OFFERS),
        "王敏",
    )
    house.do(measures.take, Step.WARN, Subject.PARTY, "tongda", "屡犯", "王敏")
    (record,) = findings.recidivism(house.ledger)
    assert (record.party, record.findings, record.open, record.closed) == ("tongda", 2, 1, 1)
    assert (record.relapses, record.rate, record.measures) == (2, 1.0, 1)


def test_a_sample_drawn_again_from_its_printed_plan_is_the_same_bytes() -> None:
    """Over a record that has grown since, too: the plan names the last position."""
    house = House()
    for carrier in (Carrier.MOBILE, Carrier.UNICOM):
        house.send(count=200, carrier=carrier)
        house.send(SALE, port=OFFERS, count=30, carrier=carrier)
    plan = Plan(after=0, last=house.ledger.position, size=40, seed="2026 第四季度")
    printed = plan.encode()
    first = lookback.listed(lookback.draw(house.ledger, plan))
    house.send(count=100)
    again = lookback.draw(house.ledger, msgspec.json.decode(printed, type=Plan))
    assert lookback.listed(again) == first
    assert len(again) == 40
    strata = {one.stratum for one in again}
    assert strata == {"mobile pass", "mobile refuse", "unicom refuse"}
    other = lookback.draw(house.ledger, msgspec.structs.replace(plan, seed="another"))
    assert lookback.listed(other) != first


def test_the_recorded_sample_is_the_one_that_its_recorded_plan_draws(house: House) -> None:
    """The regulator has the fact alone, and draws the same."""
    closed(house)
    house.send(count=100)
    house.at += 7 * DAY
    (look,) = look_back(house)
    assert isinstance(look, f.LookedBack)
    drawn = lookback.draw(house.ledger, msgspec.json.decode(look.plan, type=Plan))
    assert len(drawn) == lookback.SAMPLE
    assert hashlib.sha256(lookback.listed(drawn)).digest() == look.drawn


@pytest.mark.parametrize(
    "wrong", [{"size": 0}, {"strata": ("colour",)}, {"last": 1 << 40}, {"after": 9, "last": 3}]
)
def test_a_plan_that_cannot_be_drawn_is_told(house: House, wrong: dict[str, Any]) -> None:
    """Before anything is read."""
    plan = Plan(after=0, last=house.ledger.position, size=4, seed="x")
    with pytest.raises(InputError):
        lookback.draw(house.ledger, msgspec.structs.replace(plan, **wrong))


@given(st.dictionaries(st.text("ab", min_size=1), st.integers(1, 999)), st.integers(1, 99))
def test_shares_are_within_what_there_is_and_leave_nobody_out(
    sizes: dict[str, int], size: int
) -> None:
    """The size is reached but for strata of one each, which may exceed it."""
    shares = lookback._shares(sizes, size)
    assert all(1 <= shares[words] <= count for words, count in sizes.items())
    total = sum(shares.values())
    assert total >= min(size, sum(sizes.values()))
    assert total < size + max(1, len(sizes))


def test_mixing_is_a_fixed_permutation() -> None:
    """Vectors of splitmix64, so that another program draws the same."""
    found = lookback.mixed(np.array([0, 0x9E3779B97F4A7C15], dtype=np.uint64)).tolist()
    assert found == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"party": "nobody"}, "party"),
        ({"told": "nobody"}, "told"),
        ({"words": " "}, "words"),
        ({"score": 1.5}, "score"),
        ({"since": NOW + 900 * DAY}, "since"),
        ({"query": "guess"}, "query"),
        ({"query": "refused", "params": (("colour", "red"), ("port", CODES))}, "params"),
        ({"query": "refused", "params": (("reasons", "mood"), ("port", CODES))}, "reasons"),
        ({"query": "signatures", "params": (("most", "x"), ("port", CODES))}, "most"),
        ({"query": "refused"}, "params"),
    ],
)
def test_a_finding_that_could_not_be_looked_back_at_is_refused(
    house: House, more: dict[str, Any], field: str
) -> None:
    """Its question must be one that can be asked again."""
    with pytest.raises(InputError) as caught:
        closed(house, **more)
    assert [problem.field for problem in caught.value.problems] == [field]


def test_the_same_matter_is_one_finding_while_it_is_open(house: House) -> None:
    """A detector that says it every day does not open a hundred."""
    charge = Charge(what="sublet", party="tongda", port=CODES, words="x", since=house.at)
    first = house.do(findings.open_, charge, "detector")
    assert house.do(findings.open_, charge, "detector") == first
    house.do(findings.close, first.finding, "ok", "王敏")
    assert house.do(findings.open_, charge, "detector") != first


def test_breaches_are_rules() -> None:
    """Each name is one that the gate knows."""
    assert set(BREACHES) <= {rule.name for rule in RULES}
