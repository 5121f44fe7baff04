"""Working days: the published holidays of three years by hand, and the laws of counting."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingjing.kernel.workdays import (
    Calendar,
    UnknownYear,
    add_working_days,
    beijing_date,
    beijing_hour,
    beijing_midnight,
    is_working_day,
    working_days_between,
)
from qingjing.ledger import calendar as tables

SHIPPED = tables.shipped()

# By hand, after the State Council's notices 国办发明电〔2023〕7号, 〔2024〕12号, 〔2025〕7号.
OFF = [
    *((2024, 2, day) for day in range(10, 18)),
    *((2024, 10, day) for day in range(1, 8)),
    *((2025, 1, day) for day in range(28, 32)),
    *((2025, 2, day) for day in range(1, 5)),
    *((2025, 10, day) for day in range(1, 9)),
    *((2026, 2, day) for day in range(15, 24)),
    *((2026, 10, day) for day in range(1, 8)),
]
MADE_UP = [
    (2024, 2, 4),
    (2024, 2, 18),
    (2024, 9, 29),
    (2024, 10, 12),
    (2025, 1, 26),
    (2025, 2, 8),
    (2025, 9, 28),
    (2025, 10, 11),
    (2026, 2, 14),
    (2026, 2, 28),
    (2026, 9, 20),
    (2026, 10, 10),
]

NEXT_YEAR = """\
[2027]
holidays = [2026-12-31, 2027-01-01]
workdays = [2027-01-03]
source = "a notice made up for this test"
"""

# Two of the longest terms here still end before the last shipped notice does.
days = st.dates(date(2005, 1, 1), date(2025, 12, 31))
counts = st.integers(0, 90)


def day_after(day: date) -> date:
    """The next day of the calendar."""
    return day + timedelta(days=1)


@pytest.mark.parametrize("ymd", OFF)
def test_spring_festival_and_national_day_are_off(ymd: tuple[int, int, int]) -> None:
    """Each date that the notices of 2024 to 2026 free for the two long holidays is free."""
    assert not is_working_day(date(*ymd), SHIPPED)


@pytest.mark.parametrize("ymd", MADE_UP)
def test_make_up_weekends_are_worked(ymd: tuple[int, int, int]) -> None:
    """Each weekend date that the notices set to be worked for them is a working day."""
    day = date(*ymd)

    assert day.weekday() >= 5
    assert is_working_day(day, SHIPPED)


def test_plain_weekdays_and_weekends_are_as_they_seem() -> None:
    """Where no notice speaks, Monday to Friday are worked and the weekend is not."""
    week = [is_working_day(date(2025, 7, day), SHIPPED) for day in range(7, 14)]

    assert week == [True] * 5 + [False] * 2


@pytest.mark.parametrize(
    ("event", "count", "end"),
    [
        (date(2025, 7, 7), 1, date(2025, 7, 8)),
        (date(2025, 7, 11), 5, date(2025, 7, 18)),
        (date(2024, 2, 9), 1, date(2024, 2, 18)),
        (date(2024, 9, 30), 5, date(2024, 10, 12)),
        (date(2025, 1, 24), 3, date(2025, 2, 5)),
        (date(2025, 9, 26), 15, date(2025, 10, 23)),
        (date(2026, 2, 13), 2, date(2026, 2, 24)),
        (date(2026, 2, 14), 5, date(2026, 2, 28)),
        (date(2026, 10, 1), 1, date(2026, 10, 8)),
    ],
)
def test_terms_over_the_long_holidays_end_on_the_right_day(
    event: date, count: int, end: date
) -> None:
    """Counted by hand: the event's day is not counted (民法典 §201), make-up days are."""
    assert add_working_days(event, count, SHIPPED) == end


def test_a_term_of_no_days_ends_at_once() -> None:
    """Nought working days give the day back, even one that is off or not known."""
    for day in (date(2025, 10, 1), date(1999, 1, 1)):
        assert add_working_days(day, 0, SHIPPED) == day


def test_terms_do_not_run_backwards() -> None:
    """A negative count raises ValueError."""
    with pytest.raises(ValueError, match="forward only"):
        add_working_days(date(2025, 7, 7), -1, SHIPPED)


@given(days, counts)
def test_counting_back_undoes_adding(day: date, count: int) -> None:
    """The days between an event and the end of its term are the term."""
    end = add_working_days(day, count, SHIPPED)

    assert working_days_between(day, end, SHIPPED) == count
    assert working_days_between(end, day, SHIPPED) == -count


@given(days, counts)
def test_a_term_ends_on_a_working_day(day: date, count: int) -> None:
    """A term of one day or more never ends on a day off, nor before it began."""
    end = add_working_days(day, count + 1, SHIPPED)

    assert end > day
    assert is_working_day(end, SHIPPED)


@given(days, st.integers(0, 60), counts, st.integers(0, 30))
def test_later_events_and_longer_terms_end_no_earlier(
    day: date, later: int, count: int, longer: int
) -> None:
    """Ends never swap: a longer term ends strictly later, a later event no earlier."""
    end = add_working_days(day, count, SHIPPED)

    assert add_working_days(day + timedelta(days=later), count, SHIPPED) >= end
    assert (add_working_days(day, count + longer, SHIPPED) > end) == (longer > 0)


@given(days, counts, counts)
def test_terms_add_up(day: date, first: int, second: int) -> None:
    """Two terms, one after the other, end where one term of both ends."""
    halfway = add_working_days(day, first, SHIPPED)

    end = add_working_days(day, first + second, SHIPPED)

    assert add_working_days(halfway, second, SHIPPED) == end


@given(days, days, days)
def test_days_between_add_up(a: date, b: date, c: date) -> None:
    """From a to c is from a to b and from b to c, in whatever order they stand."""
    there = working_days_between(a, b, SHIPPED) + working_days_between(b, c, SHIPPED)

    assert there == working_days_between(a, c, SHIPPED)


def test_an_unknown_year_is_named_with_its_remedy() -> None:
    """A day after the last notice raises, and says what to add and who publishes it."""
    small = Calendar(frozenset(), frozenset(), frozenset({2025}))

    with pytest.raises(
        UnknownYear, match=r"2026-01-05.*State Council.*add the year 2026"
    ) as told:
        is_working_day(date(2026, 1, 5), small)

    assert (told.value.day, told.value.year) == (date(2026, 1, 5), 2026)


def test_a_term_that_stays_within_known_days_succeeds() -> None:
    """Only the days that are counted must be known: not the year's end, not the event's day."""
    small = Calendar(frozenset(), frozenset(), frozenset({2025}))

    assert add_working_days(date(2024, 12, 31), 2, small) == date(2025, 1, 2)
    assert add_working_days(date(2025, 12, 22), 4, small) == date(2025, 12, 26)
    assert working_days_between(date(2024, 12, 31), date(2025, 1, 2), small) == 2
    with pytest.raises(UnknownYear):
        add_working_days(date(2025, 12, 26), 1, small)


def test_the_last_days_of_december_wait_for_the_next_notice() -> None:
    """29 December is settled by the next year's notice, which freed 2018-12-31 and had
    2018-12-29 worked."""
    small = Calendar(frozenset(), frozenset(), frozenset({2018}))

    assert is_working_day(date(2018, 12, 29), SHIPPED)
    assert not is_working_day(date(2018, 12, 31), SHIPPED)
    assert is_working_day(date(2018, 12, 28), small)
    with pytest.raises(UnknownYear) as told:
        is_working_day(date(2018, 12, 29), small)
    assert told.value.year == 2019


@pytest.mark.parametrize(
    ("off", "on", "years", "complaint"),
    [
        ({date(2025, 1, 4)}, {date(2025, 1, 4)}, {2025}, "both a holiday and a working day"),
        (set(), {date(2025, 1, 6)}, {2025}, "no weekend"),
        ({date(2025, 1, 1)}, set(), {2024}, "belongs to no year"),
        ({date(2025, 12, 28)}, set(), {2026}, "belongs to no year"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(
    off: set[date], on: set[date], years: set[int], complaint: str
) -> None:
    """A date both off and on, a weekday made up, a date of no known year: ValueError."""
    with pytest.raises(ValueError, match=complaint):
        Calendar(frozenset(off), frozenset(on), frozenset(years))


@given(st.integers(694_224_000, 4_102_444_800), st.sampled_from([0, 0.25, 0.5, 0.75]))
def test_beijing_time_is_that_of_the_time_zone_database(whole_s: int, part_s: float) -> None:
    """From 1992 on, date and hour agree with Asia/Shanghai in the time zone database."""
    epoch_s = whole_s + part_s
    there = datetime.fromtimestamp(epoch_s, ZoneInfo("Asia/Shanghai"))

    assert beijing_date(epoch_s) == there.date()
    assert beijing_hour(epoch_s) == there.hour


@given(st.dates(date(1970, 1, 2)))
def test_a_day_begins_at_its_midnight(day: date) -> None:
    """The second of midnight is the day's first, the one before is the day before's last."""
    start = beijing_midnight(day)

    assert (beijing_date(start), beijing_hour(start)) == (day, 0)
    assert (day_after(beijing_date(start - 1)), beijing_hour(start - 1)) == (day, 23)


def test_beijing_is_eight_hours_ahead() -> None:
    """16:00 UTC is midnight of the next day in Beijing."""
    at = datetime(2026, 2, 16, 16, tzinfo=UTC).timestamp()

    assert beijing_date(at) == date(2026, 2, 17)
    assert beijing_hour(at) == 0


def test_the_shipped_calendar_knows_its_years_and_no_other() -> None:
    """All years from 2004 to 2026 are known at least."""
    assert set(range(2004, 2027)) <= SHIPPED.years
    assert 2003 not in SHIPPED.years


def test_a_further_year_can_be_added_by_hand() -> None:
    """A file's year is known from then on, and its December days count for the year before."""
    extended = tables.merged(SHIPPED, NEXT_YEAR)

    assert 2027 in extended.years
    assert not is_working_day(date(2026, 12, 31), extended)
    assert is_working_day(date(2027, 1, 3), extended)
    assert add_working_days(date(2026, 12, 29), 3, extended) == date(2027, 1, 4)


def test_a_year_in_the_file_replaces_the_shipped_one() -> None:
    """An amended notice counts as it stands in the file; other years stay."""
    amended = '[2025]\nholidays = [2025-01-01, 2025-10-09]\nsource = "amended"\n'

    calendar = tables.merged(SHIPPED, amended)

    assert is_working_day(date(2025, 10, 1), calendar)
    assert not is_working_day(date(2025, 10, 9), calendar)
    assert not is_working_day(date(2024, 10, 1), calendar)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[2027", "is not TOML"),
        ("next = 1", "'next' is no year"),
        ("2027 = 1", "'2027' is no year"),
        (
            "[2027]\nholiday = []",
            "unknown field 'holiday'; known are holidays, source, workdays",
        ),
        ("[2027]\nholidays = [2027-01-01]", "name the notice in `source`"),
        ('[2027]\nsource = "x"', "holidays must be a list of dates"),
        ('[2027]\nsource = "x"\nholidays = ["2027-01-01"]', "unquoted"),
        ('[2027]\nsource = "x"\nholidays = [2027-01-01T00:00:00]', "unquoted"),
        (
            '[2027]\nsource = "x"\nholidays = [2028-01-01]',
            "neither in 2027 nor in the December",
        ),
        ('[2027]\nsource = "x"\nholidays = [2027-02-05]', "2027-01-01 is missing"),
        (
            '[2027]\nsource = "x"\nholidays = [2027-01-01]\nworkdays = [2027-02-05]',
            "no weekend",
        ),
    ],
)
def test_an_unusable_calendar_file_says_what_to_mend(text: str, complaint: str) -> None:
    """Each fault raises CalendarError with the file, the year and what is expected."""
    with pytest.raises(tables.CalendarError, match=rf"holidays\.toml.*{complaint}"):
        tables.merged(SHIPPED, text, name="holidays.toml")


def test_a_calendar_file_is_read_from_disk(tmp_path: Path) -> None:
    """Without a file the shipped years come, with one its years too."""
    path = tmp_path / "holidays.toml"
    path.write_text(NEXT_YEAR, encoding="utf-8")

    assert tables.load() == SHIPPED
    assert tables.load(path) == tables.merged(SHIPPED, NEXT_YEAR)
    with pytest.raises(tables.CalendarError, match="cannot be read"):
        tables.load(tmp_path / "none.toml")
