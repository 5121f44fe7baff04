"""Where the working-day table comes from: the shipped years, and a file for later ones.

The shipped years are those of the ``chinesecalendar`` package, which copies the State
Council's notices. A new notice comes out every autumn; until the package follows, an operator
adds the year by hand in a TOML file, one table a year::

    [2027]                                       # the notice's year
    holidays = [2027-01-01, 2027-02-05, ...]     # every date off, weekends too if named
    workdays = [2027-02-07, ...]                 # weekend dates to be worked
    source = "国办发明电〔2026〕x号"                # where it is written: required

Dates may reach into the last days of the December before. A year that is shipped already is
replaced as a whole by the file's, so that an amended notice can be followed the same day.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from qingjing.kernel.workdays import Calendar

_FIELDS: Final = frozenset({"holidays", "workdays", "source"})


class CalendarError(ValueError):
    """A calendar file that cannot be used; the text names the file, the year and the remedy."""


def shipped() -> Calendar:
    """The years of the installed ``chinesecalendar`` package, 2004 and later."""
    # Imported here because the package fills its tables while it is imported.
    from chinese_calendar import constants

    holidays = frozenset(constants.holidays)
    return Calendar(
        holidays=holidays,
        workdays=frozenset(constants.workdays),
        years=frozenset(day.year for day in holidays if (day.month, day.day) == (1, 1)),
    )


def merged(calendar: Calendar, text: str, *, name: str = "calendar file") -> Calendar:
    """The calendar with a TOML text's years added; CalendarError names ``name`` on a fault."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CalendarError(f"{name} is not TOML: {error}") from None
    for key, table in tables.items():
        if not (key.isascii() and key.isdigit() and len(key) == 4 and isinstance(table, dict)):
            raise CalendarError(f"{name}: {key!r} is no year; write a table such as [2027]")
        calendar = _with_year(calendar, int(key), table, f"{name}, year {key}")
    return calendar


def load(path: Path | None = None) -> Calendar:
    """The shipped years, and the file's if one is given; CalendarError when it is unusable."""
    if path is None:
        return shipped()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CalendarError(f"calendar file {path} cannot be read: {error}") from None
    return merged(shipped(), text, name=str(path))


def _with_year(calendar: Calendar, year: int, table: Mapping[str, Any], where: str) -> Calendar:
    """Replace or add one year."""
    unknown = table.keys() - _FIELDS
    if unknown:
        raise CalendarError(f"{where}: unknown field {min(unknown)!r}; known are {_known()}")
    source = table.get("source")
    if not isinstance(source, str) or not source.strip():
        raise CalendarError(
            f"{where}: name the notice in `source`, so that terms can be checked"
        )
    holidays = _dates(table.get("holidays"), year, f"{where}: holidays")
    workdays = _dates(table.get("workdays", []), year, f"{where}: workdays")
    # Without its statutory New Year's Day a list is a fragment, and would shift legal terms.
    if date(year, 1, 1) not in holidays:
        raise CalendarError(f"{where}: {year}-01-01 is missing; give the whole notice")
    # The file's own word on a late December day outweighs what the old year's notice said.
    kept_off = {day for day in calendar.holidays - workdays if day.year != year}
    kept_on = {day for day in calendar.workdays - holidays if day.year != year}
    try:
        return Calendar(
            holidays=holidays | kept_off,
            workdays=workdays | kept_on,
            years=calendar.years | {year},
        )
    except ValueError as error:
        raise CalendarError(f"{where}: {error}") from None


def _dates(value: object, year: int, where: str) -> frozenset[date]:
    """A TOML list of local dates that a notice of ``year`` can hold."""
    if not isinstance(value, list):
        raise CalendarError(f"{where} must be a list of dates such as [{year}-01-01]")
    for day in value:
        if not isinstance(day, date) or isinstance(day, datetime):
            raise CalendarError(f"{where}: {day!r} is no date; write {year}-01-01, unquoted")
        if day.year != year and (day.year, day.month) != (year - 1, 12):
            raise CalendarError(
                f"{where}: {day} is neither in {year} nor in the December before"
            )
    return frozenset(value)


def _known() -> str:
    """The fields of a year, for an error."""
    return ", ".join(sorted(_FIELDS))
