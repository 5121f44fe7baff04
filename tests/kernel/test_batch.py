"""The batch form of the gate means what the scalar form means, under any rulebook."""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qingjing.kernel.batch import Column, Policy, cases, names
from qingjing.kernel.gate import hits
from qingjing.kernel.rulebook import Rulebook
from qingjing.kernel.rules import BY_NAME, RULES
from qingjing.kernel.vector import (
    FIELDS,
    RADICES,
    STRIDES,
    Vector,
    case_number,
    from_case_number,
)
from qingjing.kernel.words import Verdict

CASES: Final = 1_179_648_000

Effect = Literal["refuse", "hold", "off"]
EFFECTS: Final[tuple[Effect, ...]] = ("refuse", "hold", "off")


def book_of(rules: dict[str, Effect]) -> Rulebook:
    """A rulebook with these effects."""
    return Rulebook(
        name="drawn", version=1, title_zh="", title_en="", since=date(2026, 5, 1), rules=rules
    )


def columns_of(vectors: list[Vector]) -> dict[str, Column]:
    """The vectors, field by field."""
    return {
        name: np.array([int(getattr(vector, name)) for vector in vectors], dtype=np.uint8)
        for name in RADICES
    }


VECTORS: Final = st.builds(Vector, *[st.sampled_from(list(kind)) for _name, kind in FIELDS])
BOOKS: Final = st.builds(
    book_of, st.dictionaries(st.sampled_from(sorted(BY_NAME)), st.sampled_from(EFFECTS))
)
FULL_BOOKS: Final = st.builds(
    book_of, st.fixed_dictionaries({name: st.sampled_from(EFFECTS) for name in BY_NAME})
)


@settings(deadline=None, max_examples=60)
@given(book=BOOKS | FULL_BOOKS, vectors=st.lists(VECTORS, min_size=1, max_size=40))
def test_the_batch_form_finds_the_reasons_that_the_scalar_form_finds(
    book: Rulebook, vectors: list[Vector]
) -> None:
    """Reason bits, in order, are the names of the rules that the scalar form fires."""
    bits = Policy(book).reasons(columns_of(vectors), len(vectors))

    for vector, word in zip(vectors, bits.tolist(), strict=True):
        assert tuple(rule.name for rule in hits(vector, book)) == names(word)


@settings(deadline=None, max_examples=60)
@given(book=BOOKS | FULL_BOOKS, vectors=st.lists(VECTORS, min_size=1, max_size=40))
def test_the_batch_form_gives_the_verdicts_that_the_scalar_form_gives(
    book: Rulebook, vectors: list[Vector]
) -> None:
    """The verdict is the severest effect of the rules that fire, and PASS without any."""
    policy = Policy(book)
    verdicts = policy.verdicts(policy.reasons(columns_of(vectors), len(vectors)))

    for vector, verdict in zip(vectors, verdicts.tolist(), strict=True):
        effects = [book.effect(rule.name) for rule in hits(vector, book)]

        assert max(effects, default=Verdict.PASS) is Verdict(verdict)


@given(vectors=st.lists(VECTORS, min_size=1, max_size=40))
def test_the_batch_form_numbers_cases_as_the_scalar_form_does(vectors: list[Vector]) -> None:
    """The numbers in decided rows are those that ``case_number`` explains."""
    numbers = cases(columns_of(vectors), len(vectors))

    assert [case_number(vector) for vector in vectors] == numbers.tolist()


@given(vector=VECTORS)
def test_a_vector_comes_back_from_its_case_number(vector: Vector) -> None:
    """Nothing is lost on the way to a decided row and back."""
    assert vector == from_case_number(case_number(vector))


@given(number=st.integers(min_value=0, max_value=CASES - 1))
def test_a_case_number_comes_back_from_its_vector(number: int) -> None:
    """Every number below the product of the radices is the number of one case."""
    assert number == case_number(from_case_number(number))


@pytest.mark.parametrize("number", [-1, CASES, CASES * 7, 2**63])
def test_a_number_that_is_no_case_is_refused(number: int) -> None:
    """A damaged row is found out, not read as some other case."""
    with pytest.raises(ValueError, match=f"case number {number} is out of range"):
        from_case_number(number)


def test_the_strides_compose_the_radices_in_field_order() -> None:
    """The first field is the fastest, and the last stride times its radix counts all cases."""
    fields = list(RADICES)

    assert STRIDES[fields[0]] == 1
    assert [STRIDES[a] * RADICES[a] for a in fields[:-1]] == [STRIDES[b] for b in fields[1:]]
    assert STRIDES[fields[-1]] * RADICES[fields[-1]] == CASES


@given(vector=VECTORS)
def test_one_value_for_all_means_that_value_for_each(vector: Vector) -> None:
    """A column may be a single number: then it holds for the whole batch."""
    policy = Policy(book_of(dict.fromkeys(BY_NAME, "refuse")))
    single: dict[str, Column] = {name: int(getattr(vector, name)) for name in RADICES}

    assert (
        policy.reasons(columns_of([vector] * 3), 3).tolist()
        == policy.reasons(single, 3).tolist()
    )
    assert cases(columns_of([vector] * 3), 3).tolist() == cases(single, 3).tolist()


@given(vector=VECTORS)
def test_a_rule_that_is_off_is_never_a_reason(vector: Vector) -> None:
    """With every rule off there is no reason and every case passes, whatever it is."""
    policy = Policy(book_of(dict.fromkeys(BY_NAME, "off")))
    bits = policy.reasons(columns_of([vector]), 1)

    assert policy.tables == ()
    assert bits.tolist() == [0]
    assert policy.verdicts(bits).tolist() == [Verdict.PASS]


@given(bits=st.integers(min_value=0, max_value=2 ** len(RULES) - 1))
def test_the_names_of_reason_bits_stand_in_policy_order(bits: int) -> None:
    """Bit i is ``RULES[i]``, so the most important reason is told first."""
    told = names(bits)

    assert [rule.name for rule in RULES if rule.name in told] == list(told)
    assert sum(1 << RULES.index(BY_NAME[name]) for name in told) == bits
    assert bits.bit_count() == len(told)


def test_all_rules_fit_into_one_reason_word() -> None:
    """A decided row keeps its reasons in 64 bits."""
    assert len(RULES) <= 64
    assert len(BY_NAME) == len(RULES)
