"""Chinese working days (工作日): statutory holidays, and weekends worked to make up for them.

Terms of complaint handling run in working days. Each year's holidays and make-up days are
published by the General Office of the State Council in a yearly notice (国务院办公厅关于某年
部分节假日安排的通知), mostly in November for the year to come; the holidays themselves rest
on 全国年节及纪念日放假办法. Nothing is computed beyond the last notice, and nothing is guessed.

The day of the event is not counted; counting starts on the day after (民法典 §201).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import msgspec

BEIJING_OFFSET_S: Final = 8 * 3600
"""UTC+8 all year. China kept summer time from 1986 to 1991, before there were SMS."""

_DAY_S: Final = 86_400
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_ONE: Final = timedelta(days=1)

# New Year's holiday is settled by the new year's notice and reaches back over the days before
# it: 2007 and 2018 were worked or free from 29 December on, and never from an earlier day.
_NEW_YEAR_REACHES_BACK_TO: Final = (12, 29)


# Named for what is lacking, as the reader meets it, not for being an error.
class UnknownYear(LookupError):  # noqa: N818
    """A date whose holidays the table does not hold; ``year`` is the notice that is missing."""

    def __init__(self, day: date, year: int) -> None:
        """Name the date that was asked for and the year whose notice would settle it."""
        super().__init__(
            f"no working days known for {day}: the holidays of {year} are not in the calendar. "
            "They are published yearly by the General Office of the State Council; "
            f"add the year {year} to the calendar's file"
        )
        self.day = day
        self.year = year


class Calendar(msgspec.Struct, frozen=True):
    """The published holidays (dates off) and make-up working days (weekend dates on).

    ``years`` are those whose notice is in the table: a year without its notice is unknown,
    not free of holidays. ValueError when the table contradicts itself.
    """

    holidays: frozenset[date]
    workdays: frozenset[date]
    years: frozenset[int]

    def __post_init__(self) -> None:
        """Refuse what would silently shift a legal term."""
        both = self.holidays & self.workdays
        if both:
            raise ValueError(f"{min(both)} is both a holiday and a working day")
        for day in sorted(self.workdays):
            if day.weekday() < 5:
                raise ValueError(f"{day} is no weekend: only a weekend can be a make-up day")
        for day in sorted(self.holidays | self.workdays):
            if not {day.year, _notice_year(day)} & self.years:
                raise ValueError(f"{day} belongs to no year of the calendar")

    def missing_year(self, day: date) -> int | None:
        """The year whose notice this date still wants; None when the date is known."""
        for year in (day.year, _notice_year(day)):
            if year not in self.years:
                return year
        return None


def is_working_day(day: date, calendar: Calendar) -> bool:
    """Whether offices work on a date; UnknownYear when no notice says so.

    The last days of December wait for the next year's notice, which has moved them before.
    """
    missing = calendar.missing_year(day)
    if missing is not None:
        raise UnknownYear(day, missing)
    if day in calendar.holidays:
        return False
    return day.weekday() < 5 or day in calendar.workdays


def add_working_days(day: date, count: int, calendar: Calendar) -> date:
    """The last day of a term of ``count`` working days after an event on ``day``.

    The event's day is not counted (民法典 §201), so it may be any day, even one that is not
    known; ``count`` 0 gives it back. UnknownYear when the term reaches beyond the table,
    ValueError for a negative count.
    """
    if count < 0:
        raise ValueError(f"a term of {count} working days: terms run forward only")
    while count:
        day += _ONE
        count -= is_working_day(day, calendar)
    return day


def working_days_between(start: date, end: date, calendar: Calendar) -> int:
    """Working days after ``start`` up to and with ``end``; negative when ``end`` is earlier.

    The inverse of ``add_working_days``: days left until a term's end, or, negative, days
    overdue. UnknownYear when a counted day is not known.
    """
    if end < start:
        return -working_days_between(end, start, calendar)
    days = (date.fromordinal(at) for at in range(start.toordinal() + 1, end.toordinal() + 1))
    return sum(is_working_day(day, calendar) for day in days)


def beijing_date(epoch_s: float) -> date:
    """The date in Beijing at ``epoch_s``, seconds since 1970 UTC."""
    return date.fromordinal(_EPOCH_ORDINAL + int((epoch_s + BEIJING_OFFSET_S) // _DAY_S))


def beijing_hour(epoch_s: float) -> int:
    """The hour in Beijing, 0 to 23, at ``epoch_s``, seconds since 1970 UTC."""
    return int((epoch_s + BEIJING_OFFSET_S) % _DAY_S // 3600)


def beijing_midnight(day: date) -> int:
    """When ``day`` begins in Beijing, in seconds since 1970 UTC.

    A term that ends on a day ends at 24:00 of it (民法典 §203): at the next day's midnight.
    """
    return (day.toordinal() - _EPOCH_ORDINAL) * _DAY_S - BEIJING_OFFSET_S


def _notice_year(day: date) -> int:
    """The year whose notice has the last word on a date."""
    return day.year + ((day.month, day.day) >= _NEW_YEAR_REACHES_BACK_TO)
