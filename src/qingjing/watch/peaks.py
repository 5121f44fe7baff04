"""The yearly peaks of the shopping calendar, by day and by week.

Double 11 (双十一) and 6-18 are fixed in the solar calendar; the Spring Festival (春节) is the
first day of the lunar year. Its days are those published by the Purple Mountain Observatory;
years beyond the table are unknown, and a ValueError says so.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np

from qingjing.watch.arrays import Floats

_DAYS: Final = (
    207, 126, 214, 203, 123, 210, 131, 219, 208, 128, 216, 205, 125, 212,
    201, 122, 210, 129, 217, 206, 126, 213, 203, 123, 211, 131, 219, 208,
)  # fmt: skip
_FESTIVALS: Final = {
    year: date(year, *divmod(day, 100)) for year, day in enumerate(_DAYS, start=2008)
}
"""Month times a hundred and day, from 2008 on."""
PEAKS: Final = ("double_11", "6_18", "spring_festival")


def day_of(peak: str, year: int) -> date:
    """The day of a peak in a year."""
    if peak == "double_11":
        return date(year, 11, 11)
    if peak == "6_18":
        return date(year, 6, 18)
    if year not in _FESTIVALS:
        raise ValueError(f"the Spring Festival of {year} is not in the table (2008 to 2035)")
    return _FESTIVALS[year]


def peak_days(first: date, days: int, peak: str) -> list[int]:
    """Indices of the days of a peak among so many days from ``first``."""
    years = range(first.year, (first + timedelta(days - 1)).year + 1)
    found = ((day_of(peak, year) - first).days for year in years)
    return [day for day in found if 0 <= day < days]


def peak_weeks(first: date, weeks: int) -> Floats:
    """One column a peak for its week and one for the week after; weeks begin on ``first``."""
    columns = np.zeros((weeks, 2 * len(PEAKS)))
    for number, peak in enumerate(PEAKS):
        for day in peak_days(first, 7 * weeks, peak):
            columns[day // 7, 2 * number] = 1
            columns[day // 7 + 1 : day // 7 + 2, 2 * number + 1] = 1
    return columns
