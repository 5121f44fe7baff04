"""The plan: the same city from the same seed, with the truth about everything in it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from stdnum.cn import uscc

from qingjing.city import out
from qingjing.city.cast import credit_code, register
from qingjing.city.plan import Options, OptionsError, Plan, make_plan
from qingjing.city.scene import GOOD, NIGHT, TooFewPeople
from qingjing.city.violations import BY_NAME, VIOLATIONS
from qingjing.kernel.numbers import carrier_of
from qingjing.kernel.rules import BY_NAME as RULES

SMALL = Options(seed=5, messages=1500)


@pytest.fixture(scope="module")
def plan() -> Plan:
    """A small city."""
    return make_plan(SMALL)


def test_the_same_seed_gives_the_same_plan(plan: Plan) -> None:
    """Nothing but seed and options decides what happens."""
    again = make_plan(SMALL)

    assert again == plan
    assert out.truths(again) == out.truths(plan)


def test_another_seed_gives_another_plan(plan: Plan) -> None:
    """The seed matters."""
    assert make_plan(Options(seed=6, messages=1500)).messages != plan.messages


def test_every_violation_is_planted_and_has_its_lookalikes(plan: Plan) -> None:
    """The truth names each violation, and good messages that resemble most of them."""
    planted = {message.violation for message in plan.messages}
    resembled = {message.like for message in plan.messages if message.like}

    assert {violation.name for violation in VIOLATIONS} | {GOOD} == planted
    assert resembled <= set(BY_NAME)
    assert len(resembled) >= 20


def test_only_violations_must_not_pass(plan: Plan) -> None:
    """A message that must be stopped is planted, and a planted one must be stopped."""
    for message in plan.messages:
        assert (message.must == "pass") == (message.violation == GOOD)


def test_every_fitting_reason_is_a_rule() -> None:
    """The score can only be satisfied by rules that there are."""
    for violation in VIOLATIONS:
        assert violation.fitting
        assert violation.fitting <= set(RULES)


def test_credit_codes_are_valid() -> None:
    """Both check digits are computed, for many companies."""
    chance = random.Random(3)

    assert all(uscc.is_valid(credit_code(chance)) for _ in range(500))


def test_the_register_keeps_one_extension_to_one_signature() -> None:
    """As carriers ask: no port of the city is granted with two signatures."""
    granted: dict[str, set[str]] = {}
    for grant in register(random.Random(1))["grants"]:
        granted.setdefault(grant["port"], set()).add(grant["signature"])

    assert all(len(signatures) == 1 for signatures in granted.values())


def test_nobody_is_sent_the_same_text_twice(plan: Plan) -> None:
    """What a carrier receives can be told apart by number and text."""
    keys = {(message.person.phone, message.body) for message in plan.messages}

    assert len(keys) == len(plan.messages)


def test_every_number_is_of_its_carrier(plan: Plan) -> None:
    """People's prefixes are those of the carrier that they are with."""
    assert all(carrier_of(person.phone) is person.carrier for person in plan.people)


def test_the_truth_is_masked(plan: Plan) -> None:
    """No full number and no text stands in the files."""
    for truth, message in zip(out.truths(plan), plan.messages, strict=True):
        assert message.person.phone.digits not in repr(truth)
        assert message.body not in repr(truth)


def test_weights_shift_the_shares() -> None:
    """A violation can be left out, and another be made frequent."""
    options = Options(seed=1, messages=1500, weights={"night": 0, "no_consent": 5})
    planted = [message.violation for message in make_plan(options).messages]

    assert planted.count("night") == 0
    assert planted.count("no_consent") > 3 * planted.count("expired_consent")


def test_at_night_only_marketing_is_a_violation(plan: Plan) -> None:
    """Codes and notices of the night wave are good."""
    night = [message for message in plan.messages if message.wave == NIGHT]

    assert night
    assert all(message.marketing == (message.violation == "night") for message in night)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (Options(messages=10), "300 or more"),
        (Options(share=1.5), "share"),
        (Options(weights={"nonsense": 1.0}), "nonsense"),
    ],
)
def test_options_that_make_no_city_are_told(options: Options, told: str) -> None:
    """The error names the option and the remedy."""
    with pytest.raises(OptionsError, match=told):
        make_plan(options)


def test_too_few_people_are_told() -> None:
    """A plan that needs more people than there are says so."""
    with pytest.raises(TooFewPeople, match="more people"):
        make_plan(Options(messages=1500, people=50))


def test_the_page_lists_every_violation() -> None:
    """``docs/city.md`` has a row for each name."""
    page = (Path(__file__).parents[2] / "docs" / "city.md").read_text("utf-8")

    assert not [name for name in BY_NAME if f"`{name}`" not in page]
