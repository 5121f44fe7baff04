"""What a message to a person can rest on: consents graded, folded and put into one word."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from numpy.typing import NDArray

from qingjing.kernel.fold import ABSENT, ACTS, fold_columns
from qingjing.kernel.standing import RANK, Grounds, fold, grade, standing
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import PURPOSE_ANY, Act, Category, Standing

AT: Final = 1_780_000_000_000
"""The send, on a whole second."""

DAY_S: Final = 86_400
RETAIL: Final = Category.RETAIL.bit
WEAK_ACTS: Final = [act for act in Act if not act.explicit]

CONSENT: Final = Grounds(
    position=7,
    recorded_at=AT - 1_000_000,
    given_at=AT - 1_000_000,
    act=Act.TICKED,
    purposes=RETAIL,
    shown=True,
    term_s=0,
    per_count=0,
    per_days=0,
)
"""Sound: ticked by the person, words shown, for retail, without a term, before the send."""

REQUEST: Final = structs.replace(CONSENT, act=Act.REQUESTED, shown=False, position=8)
LATE: Final = structs.replace(CONSENT, recorded_at=AT + 1, position=9)
NOT_EXPLICIT: Final = structs.replace(CONSENT, act=Act.DEFAULT, position=10)
NOT_SHOWN: Final = structs.replace(CONSENT, shown=False, position=11)
OTHER: Final = structs.replace(CONSENT, purposes=Category.FINANCE.bit, position=12)
EXPIRED: Final = structs.replace(CONSENT, term_s=1, position=13)
BY_RANK: Final = (LATE, NOT_EXPLICIT, NOT_SHOWN, OTHER, EXPIRED, REQUEST, CONSENT)


def graded(**changes: Any) -> GroundsState:
    """The grade of the sound consent with something changed, for retail at the send."""
    return grade(structs.replace(CONSENT, **changes), RETAIL, AT)


def test_a_consent_without_defect_is_sound() -> None:
    """Explicit, shown, for this purpose, within its term, on record before the send."""
    assert graded() is GroundsState.CONSENT


@pytest.mark.parametrize("act", [act for act in Act if act.explicit])
def test_every_act_of_the_persons_own_can_ground_a_message(act: Act) -> None:
    """Ticked, replied, signed, spoken, confirmed; a request is named as one."""
    expected = GroundsState.REQUEST if act is Act.REQUESTED else GroundsState.CONSENT

    assert graded(act=act) is expected


@pytest.mark.parametrize("act", WEAK_ACTS)
def test_no_act_but_the_persons_own_is_a_consent(act: Act) -> None:
    """Default, pre-ticked, bundled, silent or unknown: 默认 is not 明示."""
    assert graded(act=act) is GroundsState.NOT_EXPLICIT


def test_the_weak_acts_are_the_five_that_are_no_act_of_the_person() -> None:
    """A new act must be sorted by hand; none of these may become explicit unnoticed."""
    assert {Act.DEFAULT, Act.PRE_TICKED, Act.BUNDLED, Act.SILENT, Act.UNKNOWN} == set(WEAK_ACTS)


def test_a_consent_without_proof_that_the_words_were_shown_is_weak() -> None:
    """Informed consent needs the words."""
    assert graded(shown=False) is GroundsState.NOT_SHOWN


def test_a_request_needs_no_proof_of_showing() -> None:
    """The person asked: there was nothing to show."""
    assert graded(act=Act.REQUESTED, shown=False) is GroundsState.REQUEST


@pytest.mark.parametrize("category", list(Category))
def test_a_consent_holds_for_its_purposes_alone(category: Category) -> None:
    """A consent to retail carries no loan offer; one to everything carries all."""
    expected = (
        GroundsState.CONSENT if category is Category.RETAIL else GroundsState.OTHER_CATEGORY
    )
    anything = structs.replace(CONSENT, purposes=PURPOSE_ANY)

    assert grade(CONSENT, category.bit, AT) is expected
    assert grade(anything, category.bit, AT) is GroundsState.CONSENT


@pytest.mark.parametrize(
    ("at", "state"),
    [
        (AT + DAY_S * 1000 - 1, GroundsState.CONSENT),
        (AT + DAY_S * 1000, GroundsState.EXPIRED),
    ],
)
def test_a_term_ends_on_its_second(at: int, state: GroundsState) -> None:
    """The last millisecond is within the term, the next one is not."""
    day = structs.replace(CONSENT, given_at=AT, recorded_at=AT, term_s=DAY_S)

    assert grade(day, RETAIL, at) is state


def test_terms_run_in_whole_seconds() -> None:
    """A consent given within a second counts from its beginning: never a bit longer."""
    given_within = structs.replace(CONSENT, given_at=AT + 999, recorded_at=AT + 999, term_s=10)

    assert grade(given_within, RETAIL, AT + 9_999) is GroundsState.CONSENT
    assert grade(given_within, RETAIL, AT + 10_000) is GroundsState.EXPIRED


def test_a_consent_without_term_does_not_expire() -> None:
    """Zero is no term, not a term of nothing."""
    assert grade(CONSENT, RETAIL, AT + 100 * 366 * DAY_S * 1000) is GroundsState.CONSENT


@pytest.mark.parametrize(
    ("recorded_at", "state"), [(AT, GroundsState.CONSENT), (AT + 1, GroundsState.LATE)]
)
def test_what_was_recorded_after_the_send_is_late(
    recorded_at: int, state: GroundsState
) -> None:
    """A consent counts when it was on record by the send; one millisecond later it was not."""
    assert graded(recorded_at=recorded_at) is state


@pytest.mark.parametrize(
    ("given_at", "state"), [(AT + 999, GroundsState.CONSENT), (AT + 1000, GroundsState.LATE)]
)
def test_what_is_dated_after_the_send_is_late(given_at: int, state: GroundsState) -> None:
    """A consent that claims to be given in a second yet to come was not known."""
    assert graded(given_at=given_at) is state


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"recorded_at": AT + 1, "act": Act.DEFAULT}, GroundsState.LATE),
        ({"act": Act.SILENT, "shown": False}, GroundsState.NOT_EXPLICIT),
        ({"shown": False, "purposes": 0}, GroundsState.NOT_SHOWN),
        ({"purposes": 0, "term_s": 1}, GroundsState.OTHER_CATEGORY),
    ],
)
def test_the_first_defect_is_told(changes: dict[str, Any], state: GroundsState) -> None:
    """Late, then not explicit, not shown, for another purpose, expired."""
    assert graded(**changes) is state


def test_nothing_on_record_is_no_standing() -> None:
    """And it rests on nothing."""
    assert fold(False, False, (), RETAIL, AT) == (GroundsState.NONE, None)


@pytest.mark.parametrize("place", range(len(BY_RANK)))
def test_of_several_consents_the_nearest_to_sound_speaks(place: int) -> None:
    """In whatever order they come, and it is the one that the decision names."""
    some = BY_RANK[: place + 1]
    best = (RANK[place + 1], BY_RANK[place])

    assert fold(False, False, some, RETAIL, AT) == best
    assert fold(False, False, tuple(reversed(some)), RETAIL, AT) == best


def test_of_equals_the_first_speaks() -> None:
    """So that the answer does not depend on chance."""
    again = structs.replace(CONSENT, position=70)

    assert fold(False, False, (CONSENT, again), RETAIL, AT)[1] == CONSENT
    assert fold(False, False, (again, CONSENT), RETAIL, AT)[1] == again


@pytest.mark.parametrize("unclear", [False, True])
@pytest.mark.parametrize("candidates", [(), (EXPIRED,), (CONSENT,), (REQUEST, CONSENT)])
def test_a_refusal_outweighs_every_consent(
    candidates: tuple[Grounds, ...], *, unclear: bool
) -> None:
    """Whatever was agreed before, and whatever else is unclear."""
    assert fold(True, unclear, candidates, RETAIL, AT)[0] is GroundsState.REFUSED


def test_an_unclear_reply_holds_whatever_was_agreed() -> None:
    """It may have been a refusal; the consent that it puts in question is still named."""
    assert fold(False, True, (CONSENT,), RETAIL, AT) == (GroundsState.UNCLEAR, CONSENT)


def test_only_sound_grounds_are_a_standing() -> None:
    """Weak grounds are none: the page says NONE and the reasons say why."""
    words = {state: standing(state) for state in GroundsState}
    named = {
        GroundsState.CONSENT: Standing.CONSENTED,
        GroundsState.REQUEST: Standing.REQUESTED,
        GroundsState.REFUSED: Standing.REFUSED,
        GroundsState.UNCLEAR: Standing.UNCLEAR,
    }

    assert {state: named.get(state, Standing.NONE) for state in GroundsState} == words


TERMS: Final = np.dtype(
    [
        ("term_s", "<u4"),
        ("purposes", "<u2"),
        ("act", "u1"),
        ("shown", "u1"),
        ("recorded_at", "<u8"),
    ]
)
"""The columns that the batch form looks at."""

TERM_ROWS: Final = st.tuples(
    st.sampled_from([0, 1, 5, 2**32 - 1]),
    st.sampled_from([0, RETAIL, Category.FINANCE.bit, PURPOSE_ANY]),
    st.integers(min_value=0, max_value=len(ACTS) - 1),
    st.integers(min_value=0, max_value=1),
    st.sampled_from([0, AT - 1, AT, AT + 1]),
)
GIVEN_S: Final = st.integers(min_value=AT // 1000 - 6, max_value=AT // 1000 + 2)
NOBODY: Final = st.just((None, 0))
PERSONS: Final = st.tuples(
    st.booleans(),
    st.booleans(),
    st.sampled_from([RETAIL, Category.FINANCE.bit, Category.OTHER.bit]),
    st.lists(
        st.tuples(st.integers(min_value=0, max_value=3), GIVEN_S) | NOBODY,
        min_size=3,
        max_size=3,
    ),
)


def as_grounds(row: int, given_s: int, table: NDArray[Any]) -> Grounds:
    """One candidate of the columns as the scalar form sees it."""
    return structs.replace(
        CONSENT,
        position=row,
        recorded_at=int(table["recorded_at"][row]),
        given_at=given_s * 1000,
        act=ACTS[int(table["act"][row])],
        purposes=int(table["purposes"][row]),
        shown=bool(table["shown"][row]),
        term_s=int(table["term_s"][row]),
    )


@given(
    rows=st.lists(TERM_ROWS, min_size=4, max_size=4),
    persons=st.lists(PERSONS, min_size=1, max_size=12),
)
def test_the_batch_fold_means_what_the_scalar_fold_means(
    rows: list[tuple[int, int, int, int, int]],
    persons: list[tuple[bool, bool, int, list[tuple[int | None, int]]]],
) -> None:
    """State and resting consent are the same, person by person."""
    table = np.array(rows, dtype=TERMS)
    refused, unclear, bits, candidates = zip(*persons, strict=True)
    terms = [[ABSENT if row is None else row for row, _ in some] for some in candidates]
    states, resting = fold_columns(
        table,
        np.array(refused),
        np.array(unclear),
        np.array(terms, dtype=np.uint32),
        np.array([[given_s for _, given_s in some] for some in candidates], dtype=np.uint32),
        np.array(bits, dtype=np.uint16),
        AT,
    )

    for place, (no, maybe, bit, some) in enumerate(persons):
        known = [as_grounds(row, given_s, table) for row, given_s in some if row is not None]
        state, found = fold(no, maybe, known, bit, AT)

        assert GroundsState(int(states[place])) is state
        assert int(resting[place]) == (ABSENT if found is None else found.position)
