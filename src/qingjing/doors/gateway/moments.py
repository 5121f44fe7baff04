"""Times as the carriers write them: of Beijing, without a zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

BEIJING: Final = timezone(timedelta(hours=8))


def beijing(at: int) -> datetime:
    """The wall clock at an epoch millisecond."""
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(BEIJING)


def stamp(at: int) -> tuple[int, int, int, int, int]:
    """Month, day, hour, minute, second."""
    when = beijing(at)
    return when.month, when.day, when.hour, when.minute, when.second


def report_time(at: int) -> str:
    """YYMMDDHHMM."""
    return _minute(at // 60_000)


@lru_cache(maxsize=4_096)
def _minute(minute: int) -> str:
    return beijing(minute * 60_000).strftime("%y%m%d%H%M")
