"""Grade: what is said of a consent is what the gate does with it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_prove import ANNA, MORNING, to, world

from qingjing.desk.explain import Question, explain
from qingjing.desk.grade import RULE_OF, SOUND, Case, grade
from qingjing.kernel.standing import Grounds
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Act, Category, Kind, Verdict

DAY = 86_400_000
GOOD = Grounds(
    position=1,
    recorded_at=MORNING - DAY,
    given_at=MORNING - DAY,
    act=Act.TICKED,
    purposes=Category.RETAIL.bit,
    shown=True,
    term_s=86_400 * 30,
    per_count=2,
    per_days=30,
)
CASE = Case(
    grounds=GOOD,
    agreed_with="qinghe",
    sender="qinghe",
    category_bit=Category.RETAIL.bit,
    at=MORNING,
    worded_at=MORNING - 2 * DAY,
)
ACTS = st.sampled_from(Act)
DAYS = st.sampled_from((-400, -31, -30, -1, 0, 1))
GROUNDS = st.builds(
    lambda act, purposes, shown, term, given, recorded: msgspec.structs.replace(
        GOOD,
        act=act,
        purposes=purposes,
        shown=shown,
        term_s=term * 86_400,
        given_at=MORNING + given * DAY,
        recorded_at=MORNING + recorded * DAY,
    ),
    ACTS,
    st.sampled_from((0, Category.RETAIL.bit, Category.FINANCE.bit)),
    st.booleans(),
    st.sampled_from((0, 30, 365)),
    DAYS,
    DAYS,
)


def lacking(case: Case) -> list[str]:
    """The names of what is not met."""
    return [check.name for check in grade(case).lacking]


def changed(**changes: object) -> Case:
    """The good case with other grounds."""
    return msgspec.structs.replace(CASE, grounds=msgspec.structs.replace(GOOD, **changes))


def test_a_good_consent_lacks_nothing() -> None:
    """Every check is met and told in both languages."""
    graded = grade(CASE)

    assert graded.holds
    assert graded.lacking == ()
    assert all(check.zh and check.en for check in graded.checks)


@pytest.mark.parametrize(
    ("case", "name"),
    [
        (changed(act=Act.DEFAULT), "explicit"),
        (changed(act=Act.PRE_TICKED), "explicit"),
        (changed(act=Act.SILENT), "explicit"),
        (changed(act=Act.BUNDLED), "separate"),
        (changed(shown=False), "shown"),
        (changed(purposes=Category.FINANCE.bit), "purpose"),
        (changed(given_at=MORNING - 31 * DAY), "unexpired"),
        (changed(recorded_at=MORNING + 1), "in_log_before"),
        (msgspec.structs.replace(CASE, sender="other"), "same_sender"),
    ],
)
def test_what_is_wrong_is_named_first_and_grounds_nothing(case: Case, name: str) -> None:
    """One defect, one binding check that is not met, one rule's words."""
    graded = grade(case)

    assert not graded.holds
    binding = [check.name for check in graded.lacking if check.binding]
    assert binding == [name]


def test_what_the_law_wants_besides_is_told_and_does_not_decide() -> None:
    """Words that came after the act, no frequency, no term: three remarks, and it holds."""
    bare = msgspec.structs.replace(
        changed(term_s=0, per_count=0, per_days=0), worded_at=MORNING - 1
    )

    assert lacking(bare) == ["worded_before", "frequency_stated", "term_stated"]
    assert grade(bare).holds


@given(GROUNDS, st.sampled_from(("qinghe", "other")))
def test_a_consent_holds_when_every_binding_check_is_met_and_only_then(
    grounds: Grounds, sender: str
) -> None:
    """The checks one by one are the gate's judgement of the whole."""
    case = msgspec.structs.replace(CASE, grounds=grounds, sender=sender)
    graded = grade(case)

    assert graded.holds == all(check.met for check in graded.checks if check.binding)
    assert graded.holds == (graded.state in SOUND)


@given(ACTS, st.booleans(), st.sampled_from((2, 4)), st.sampled_from((0, 5)), st.integers(0, 9))
def test_the_grade_and_the_gate_say_the_same(
    act: Act, shown: bool, purposes: int, term_days: int, ago: int
) -> None:
    """A consent on record: the real gate passes what is graded to hold, and else refuses it
    for the rule that the grade names."""
    made = world()
    made.consented(
        at=MORNING - 10 * DAY,
        act=act,
        shown="9f86" if shown else "",
        purposes=purposes,
        term_s=term_days * 86_400,
        given_at=MORNING - 10 * DAY - ago * DAY,
    )
    person = made.ledger.find(ANNA)
    (grounds,) = made.ledger.standings.person(person.handle, "qinghe", "g-qinghe").grounds
    graded = grade(msgspec.structs.replace(CASE, grounds=grounds))
    sale = to(ANNA)
    question = Question("yuntong", sale.port, ANNA, sale.body, Kind.COMMERCIAL)
    answer = explain(made.desk, question, MORNING)

    assert answer.text.category is Category.RETAIL
    assert graded.holds == (answer.verdict is Verdict.PASS)
    if not graded.holds:
        assert [reason.rule for reason in answer.reasons] == [RULE_OF[graded.state]]


def test_every_state_but_the_sound_ones_has_its_rule() -> None:
    """No defect is without words."""
    assert set(RULE_OF) | SOUND == set(GroundsState)
