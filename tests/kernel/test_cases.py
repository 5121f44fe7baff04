"""The clocks of a case: Chinese working days against a hand-written table, and stops."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingjing.kernel import facts as f
from qingjing.kernel.cases import Cases, CaseState, Clock, Pause
from qingjing.kernel.facts import CaseStep, Outcome
from qingjing.kernel.words import Door
from qingjing.kernel.workdays import (
    Calendar,
    UnknownYear,
    add_working_days,
    beijing_midnight,
    working_days_between,
)
from qingjing.ledger.calendar import shipped


def days(*texts: str) -> frozenset[date]:
    """Dates, or spans of dates as FROM..TO."""
    found: set[date] = set()
    for text in texts:
        first, _, last = text.partition("..")
        at, end = date.fromisoformat(first), date.fromisoformat(last or first)
        while at <= end:
            found.add(at)
            at += timedelta(days=1)
    return frozenset(found)


# Written off by hand from the State Council's notices for 2024, 2025 and 2026 (Spring Festival,
# National Day and what surrounds them), not taken from any package.
OFF = days(
    *("2024-01-01", "2024-02-10..2024-02-17", "2024-04-04..2024-04-06"),
    *("2024-05-01..2024-05-05", "2024-06-10", "2024-09-15..2024-09-17"),
    *("2024-10-01..2024-10-07", "2025-01-01", "2025-01-28..2025-02-04"),
    *("2025-04-04..2025-04-06", "2025-05-01..2025-05-05", "2025-05-31..2025-06-02"),
    *("2025-10-01..2025-10-08", "2026-01-01..2026-01-03", "2026-02-15..2026-02-23"),
    *("2026-04-04..2026-04-06", "2026-05-01..2026-05-05", "2026-06-19..2026-06-21"),
    *("2026-09-25..2026-09-27", "2026-10-01..2026-10-07"),
)
ON = days(
    *("2024-02-04", "2024-02-18", "2024-04-07", "2024-04-28", "2024-05-11", "2024-09-14"),
    *("2024-09-29", "2024-10-12", "2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28"),
    *("2025-10-11", "2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20"),
    "2026-10-10",
)

TABLE = [
    # complete on, forwarded by (5), and answered by when forwarded that very day (15)
    ("2024-02-02", "2024-02-08", "2024-03-06"),
    ("2024-02-09", "2024-02-22", "2024-03-14"),
    ("2024-02-10", "2024-02-22", "2024-03-14"),
    ("2024-09-27", "2024-10-10", "2024-10-30"),
    ("2024-09-30", "2024-10-12", "2024-11-01"),
    ("2025-01-24", "2025-02-07", "2025-02-27"),
    ("2025-01-27", "2025-02-10", "2025-03-03"),
    ("2025-09-26", "2025-10-10", "2025-10-30"),
    ("2025-09-30", "2025-10-14", "2025-11-04"),
    ("2026-02-13", "2026-02-27", "2026-03-19"),
    ("2026-02-14", "2026-02-28", "2026-03-20"),
    ("2026-09-18", "2026-09-24", "2026-10-22"),
    ("2026-09-30", "2026-10-13", "2026-11-03"),
]


@pytest.mark.parametrize(("start", "forward", "answer"), TABLE)
def test_the_clock_is_right_over_spring_festival_and_national_day(
    start: str, forward: str, answer: str
) -> None:
    """Counted on paper, make-up days and all: forward in 5, then answer in 15."""
    calendar = shipped()
    first = Clock("forward", date.fromisoformat(start), 5)

    assert first.due(calendar) == date.fromisoformat(forward)
    second = Clock("answer", date.fromisoformat(forward), 15)
    assert second.due(calendar) == date.fromisoformat(answer)


def test_the_shipped_calendar_has_the_days_of_the_hand_written_table() -> None:
    """Every weekday off and every weekend day worked, 2024 to 2026."""
    calendar = shipped()
    for offset in range(366 + 365 + 365):
        day = date(2024, 1, 1) + timedelta(days=offset)
        free = day in OFF or (day.weekday() >= 5 and day not in ON)
        known = day in calendar.holidays or (
            day.weekday() >= 5 and day not in calendar.workdays
        )
        assert free == known, day


PLAIN = Calendar(frozenset(), frozenset(), frozenset(range(2020, 2040)))
DAYS = st.dates(date(2024, 1, 1), date(2026, 9, 1))


@given(DAYS, st.integers(0, 30), st.integers(0, 20), st.integers(0, 20))
def test_a_stop_lengthens_the_term_by_the_working_days_that_it_lasted(
    start: date, term: int, before: int, lasted: int
) -> None:
    """No more and no less, as long as it began within the term."""
    calendar = shipped()
    whole = Clock("answer", start, term).due(calendar)
    assert whole is not None
    stopped = start + timedelta(days=before)
    resumed = stopped + timedelta(days=lasted)
    paused = Clock("answer", start, term, (Pause(stopped, resumed),)).due(calendar)
    assert paused is not None
    if stopped >= whole:
        assert paused == whole
    else:
        extra = working_days_between(stopped, resumed, calendar)
        assert paused == add_working_days(whole, extra, calendar)


@given(DAYS, st.integers(1, 30))
def test_a_clock_that_stands_still_is_never_due(start: date, term: int) -> None:
    """And so nobody is overdue by it."""
    clock = Clock("answer", start, term, (Pause(start, None),))

    assert clock.due(PLAIN) is None
    assert clock.left(start + timedelta(days=400), PLAIN) is None


@given(DAYS, st.integers(0, 30), st.integers(0, 60))
def test_days_left_run_from_the_term_to_overdue(start: date, term: int, later: int) -> None:
    """What is left plus what has passed is the term."""
    calendar = shipped()
    today = start + timedelta(days=later)

    left = Clock("answer", start, term).left(today, calendar)

    assert left == term - working_days_between(start, today, calendar)


def test_a_term_into_an_unpublished_year_is_not_guessed() -> None:
    """It says which year is missing."""
    with pytest.raises(UnknownYear):
        Clock("answer", date(2026, 12, 20), 15).due(
            Calendar(frozenset(), frozenset(), frozenset({2026}))
        )


def at(day: str) -> int:
    """The first moment of a Beijing day, epoch ms."""
    return beijing_midnight(date.fromisoformat(day)) * 1000


def received(**changes: object) -> f.ComplaintReceived:
    """A complete complaint."""
    plain: dict[str, object] = {
        "person": b"p" * 16,
        "handle": 7,
        "door": Door.REPLY,
        "port": "106900010001",
        "told_at": 0,
        "lacks": (),
        "disclose": False,
        "centre": "",
        "rulebook": "order31-2015",
        "forward_days": 5,
        "answer_days": 15,
        "words": b"",
    }
    return f.ComplaintReceived(**(plain | changes))  # type: ignore[arg-type]


def moved(step: CaseStep, **more: object) -> f.CaseMoved:
    """A step of the first case."""
    return f.CaseMoved(complaint=1, step=step, by="x", **more)  # type: ignore[arg-type]


def folded(*facts: tuple[str, f.Fact]) -> Cases:
    """The fold of facts on days."""
    cases = Cases()
    for position, (day, fact) in enumerate(facts, 1):
        cases.apply(f.Recorded(position, at(day), fact))
    return cases


def test_the_clock_begins_when_nothing_lacks_any_more() -> None:
    """Until then nobody is held to a term; the receipt number stays."""
    cases = folded(("2026-02-02", received(lacks=("text",))))
    case = cases.case(1)
    assert case is not None
    assert (case.state, case.clocks()) == (CaseState.INCOMPLETE, ())
    cases.apply(f.Recorded(2, at("2026-02-13"), received(complaint=1)))
    assert case.state is CaseState.OPEN
    assert case.clocks()[0].start == date(2026, 2, 13)
    assert case.number == "20260202-1"


def test_a_case_goes_from_receipt_to_decision_with_its_clocks() -> None:
    """Forwarded, stopped, resumed, handed over, answered, disputed, decided."""
    cases = folded(
        ("2026-03-02", received()),
        ("2026-03-03", f.LeadRaised(complaint=1, party="a", chain=("a",), why="no_grounds")),
        ("2026-03-04", moved(CaseStep.FORWARDED, party="a")),
        ("2026-03-05", moved(CaseStep.STOPPED, reason="police")),
        ("2026-03-12", moved(CaseStep.RESUMED)),
    )
    case = cases.case(1)
    assert case is not None
    calendar = shipped()
    forward, answer = case.clocks()
    assert forward.done == date(2026, 3, 4)
    assert answer.due(calendar) == add_working_days(date(2026, 3, 4), 15 + 5, calendar)
    cases.apply(f.Recorded(6, at("2026-03-13"), moved(CaseStep.HANDED, party="b")))
    assert (case.party, case.clocks()[1].start) == ("b", date(2026, 3, 13))
    cases.apply(f.Recorded(7, at("2026-03-16"), moved(CaseStep.ANSWERED, party="b")))
    assert (case.state, case.running()) == (CaseState.ANSWERED, None)
    cases.apply(f.Recorded(8, at("2026-03-17"), moved(CaseStep.DISPUTED)))
    cases.apply(
        f.Recorded(
            9, at("2026-03-18"), moved(CaseStep.DECIDED, outcome=Outcome.UPHELD, party="b")
        )
    )
    assert (case.state, case.outcome) == (CaseState.DECIDED, Outcome.UPHELD)
