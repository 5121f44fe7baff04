"""The proof: every combination of the case vector, and what holds in all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from math import prod
from operator import mul
from typing import Final

import numpy as np
import pytest
from every_case import (
    CASES,
    INNER,
    MARKETING_ONLY,
    OUTER,
    SIZE,
    SOUND,
    Slice,
    Slicer,
    along,
    flat_columns,
    lawful,
    shipped,
    slices,
)
from msgspec import structs

from qingjing.kernel.batch import Column, Policy, cases
from qingjing.kernel.rules import RULES
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.vector import (
    RADICES,
    GroundsState,
    NoticeState,
    Vector,
    case_number,
)
from qingjing.kernel.words import Kind, NumberState, Verdict

Claim = Callable[[Slice], tuple[int, int]]
"""In how many cases of a slice the claim says something, and in how many it is broken."""


def never_passes(where: Callable[[Slice], bool]) -> Claim:
    """The claim that no case of such slices passes."""

    def claim(cut: Slice) -> tuple[int, int]:
        return (SIZE, int(np.count_nonzero(cut.passes))) if where(cut) else (0, 0)

    return claim


def a_gap_never_passes(cut: Slice) -> tuple[int, int]:
    """Whatever else holds."""
    return SIZE // 2, int(np.count_nonzero(along(cut.verdicts, "gap")[:, 1] == Verdict.PASS))


def passes_exactly_without_reason(cut: Slice) -> tuple[int, int]:
    """PASS has no reason, and no reason is PASS."""
    return SIZE, int(np.count_nonzero(cut.passes != (cut.bits == 0)))


def worse_is_never_milder(cut: Slice) -> tuple[int, int]:
    """Against the same case with one field set to its harmless value, the standing included."""
    broken = int(np.count_nonzero(cut.verdicts < cut.consented))
    for name in INNER:
        views = along(cut.verdicts, name)
        broken += int(np.count_nonzero(views[:, 1:] < views[:, :1]))
    return SIZE, broken


def marketing_limits_leave_plain_messages_alone(cut: Slice) -> tuple[int, int]:
    """Standing, caps, hours, identity, notice and number change nothing for a plain message.

    Two exceptions: a carrier that wants the notice on every SMS, and a number that is none.
    """
    if not cut.plain:
        return 0, 0
    broken = int(np.count_nonzero(cut.verdicts != cut.consented))
    for name in MARKETING_ONLY:
        views = along(cut.verdicts, name)
        broken += int(np.count_nonzero(views != views[:, :1]))
    ordinary: dict[str, list[int]] = {
        "notice": [NoticeState.MISSING, NoticeState.UNUSABLE],
        "number": [NumberState.EMPTY, NumberState.RECYCLED],
    }
    for name, states in ordinary.items():
        views = along(cut.verdicts, name)
        broken += int(np.count_nonzero(views[:, states] != views[:, :1]))
    return SIZE, broken


def passes_exactly_what_is_lawful(cut: Slice) -> tuple[int, int]:
    """No case more, no case less."""
    return SIZE, int(np.count_nonzero(cut.passes != lawful(cut)))


CLAIMS: Final[dict[str, Claim]] = {
    "commercial and refused": never_passes(
        lambda cut: cut.sells and cut.grounds is GroundsState.REFUSED
    ),
    "asking and refused": never_passes(
        lambda cut: cut.asks and cut.grounds is GroundsState.REFUSED
    ),
    "marketing and an unclear reply": never_passes(
        lambda cut: (cut.sells or cut.asks) and cut.grounds is GroundsState.UNCLEAR
    ),
    "commercial without sound grounds": never_passes(
        lambda cut: cut.sells and cut.grounds not in SOUND
    ),
    "unclear": never_passes(lambda cut: cut.unclear),
    "illegal": never_passes(lambda cut: cut.illegal),
    "disguised": never_passes(lambda cut: cut.disguised),
    "gap": a_gap_never_passes,
    "no reason": passes_exactly_without_reason,
    "monotone": worse_is_never_milder,
    "plain": marketing_limits_leave_plain_messages_alone,
    "lawful": passes_exactly_what_is_lawful,
}


@dataclass
class Census:
    """What was counted over all cases."""

    cases: int = 0
    slices: list[int] = field(default_factory=list)
    """The case number of the first case of each slice."""
    verdicts: list[int] = field(default_factory=lambda: [0] * len(Verdict))
    applied: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CLAIMS, 0))
    broken: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CLAIMS, 0))


OLD: Final = shipped("order31-2015")
NEW: Final = shipped("order74-2026")


@pytest.fixture(scope="module")
def census() -> Census:
    """Walk through every case once, under the policy that both books compile to."""
    counted = Census()
    for cut in slices(NEW):
        counted.cases += cut.verdicts.size
        counted.slices.append(case_number(Vector(cut.declared, cut.read, cut.grounds)))
        for verdict in Verdict:
            counted.verdicts[verdict] += int(np.count_nonzero(cut.verdicts == verdict))
        for name, claim in CLAIMS.items():
            applied, broken = claim(cut)
            counted.applied[name] += applied
            counted.broken[name] += broken
    return counted


def test_both_shipped_books_compile_to_one_policy() -> None:
    """One enumeration proves both books: their tables and refusing masks are the same."""
    old, new = Policy(OLD), Policy(NEW)

    assert old.refusing == new.refusing
    assert len(RULES) == len(old.tables) == len(new.tables)
    for (old_fields, old_table), (fields, table) in zip(old.tables, new.tables, strict=True):
        assert old_fields == fields
        assert np.array_equal(old_table, table)


@pytest.mark.slow
def test_the_enumeration_meets_every_case_number_exactly_once(census: Census) -> None:
    """The count is the product of the radices, and no number is left out or met twice."""
    inner = np.sort(cases({**flat_columns(), "declared": 0, "read": 0, "grounds": 0}, SIZE))
    stride = prod(RADICES[name] for name in OUTER)

    assert reduce(mul, RADICES.values()) == CASES == census.cases
    assert sorted(census.slices) == list(range(stride))
    assert np.array_equal(inner, np.arange(SIZE, dtype=np.uint64) * np.uint64(stride))


@pytest.mark.slow
@pytest.mark.parametrize(
    "outer",
    [
        (Kind.COMMERCIAL, Kind.COMMERCIAL, GroundsState.CONSENT),
        (Kind.UNCLEAR, Kind.COMMERCIAL, GroundsState.REFUSED),
        (Kind.VERIFICATION, Kind.VERIFICATION, GroundsState.REFUSED),
        (Kind.SERVICE, Kind.ASKING, GroundsState.UNCLEAR),
        (Kind.ILLEGAL, Kind.PUBLIC, GroundsState.LATE),
        (Kind.PERSONAL, Kind.UNCLEAR, GroundsState.NOT_SHOWN),
    ],
)
def test_a_slice_says_what_the_batch_form_says(outer: tuple[Kind, Kind, GroundsState]) -> None:
    """Broadcasting the tables gives the very bits that ``Policy.reasons`` gives a message."""
    policy = Policy(NEW)
    named: dict[str, int] = dict(zip(OUTER, map(int, outer), strict=True))

    assert np.array_equal(
        policy.reasons({**flat_columns(), **named}, SIZE), Slicer(policy).bits(named).ravel()
    )


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS)
def test_each_claim_holds_in_every_case(census: Census, claim: str) -> None:
    """No case among all of them breaks a claim, and every claim speaks of some cases."""
    assert census.broken[claim] == 0
    assert census.applied[claim] > 0


@pytest.mark.slow
def test_the_claims_speak_of_as_many_cases_as_arithmetic_says(census: Census) -> None:
    """15 of 64 pairs of kinds sell, 15 are illegal, 15 plain, 10 unclear, 7 disguised."""
    expected = {
        "commercial and refused": 15 * SIZE,
        "asking and refused": 15 * SIZE,
        "marketing and an unclear reply": (15 + 15 - 2) * SIZE,
        "commercial without sound grounds": 15 * 8 * SIZE,
        "unclear": 10 * 10 * SIZE,
        "illegal": 15 * 10 * SIZE,
        "disguised": 7 * 10 * SIZE,
        "gap": CASES // 2,
        "no reason": CASES,
        "monotone": CASES,
        "plain": 15 * 10 * SIZE,
        "lawful": CASES,
    }

    assert expected == census.applied


@pytest.mark.slow
def test_the_cases_that_pass_can_be_counted_by_hand(census: Census) -> None:
    """Of all cases 43,282 pass: few, and each for a reason that can be said.

    18 commercial (9 honest pairs of kinds, consent or request), 64 asking (8 pairs, 8
    standings), and for each of the 288 settings of the marketing-only fields 150 plain (15
    pairs, 10 standings). Of the unclear, none.
    """
    settings = 2**5 * 3 * 3

    assert 18 + 64 + 150 * settings == census.verdicts[Verdict.PASS] == 43_282
    assert sum(census.verdicts) == CASES


def test_every_reason_comes_with_its_duty_and_words() -> None:
    """A refusal names the duty, says what is wrong and what to do, in both languages."""
    for rule in RULES:
        assert rule.duty.startswith("D-")
        for sentence in (rule.zh, rule.en, rule.remedy_zh, rule.remedy_en):
            assert sentence.strip() == sentence != ""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_without_any_one_rule_something_unlawful_would_pass(rule: Rule) -> None:
    """Each rule is needed, and the proof would notice if one of them did nothing."""
    without = structs.replace(NEW, rules={**NEW.rules, rule.name: "off"})
    telling = (
        (Kind.UNCLEAR, Kind.UNCLEAR),
        (Kind.COMMERCIAL, Kind.COMMERCIAL),
        (Kind.SERVICE, Kind.COMMERCIAL),
        (Kind.ILLEGAL, Kind.ILLEGAL),
    )

    assert any(np.any(cut.passes & ~lawful(cut)) for cut in slices(without, telling))


def test_zero_is_the_harmless_value_of_every_state() -> None:
    """The case of zeros, with a consent, passes for a commercial message and for asking."""
    policy = Policy(NEW)
    for kind in (Kind.COMMERCIAL, Kind.ASKING):
        columns: dict[str, Column] = dict.fromkeys(RADICES, 0)
        columns |= {"declared": int(kind), "read": int(kind)}

        assert policy.reasons(columns, 1).tolist() == [0]
