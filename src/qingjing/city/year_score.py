"""Alarms against the truth of a year: recall, precision and delay of each detector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median

import msgspec

from qingjing.city.year import Planted
from qingjing.watch.alarm import DETECTORS, Alarm

_DAY_MS = 86_400_000


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One detector. ``delay_days``: median from the first message to the alarm, or None.

    ``false`` counts the false alarms by look-alike, ``other`` where nothing was planted;
    ``missed`` the violations by form.
    """

    detector: str
    planted: int
    found: int
    alarms: int
    right: int
    delay_days: float | None
    missed: dict[str, int]
    false: dict[str, int]

    @property
    def recall(self) -> float:
        """Found of what was planted for it."""
        return self.found / self.planted if self.planted else 1.0

    @property
    def precision(self) -> float:
        """Alarms that are about something planted; alarms about what it also is are right."""
        return self.right / self.alarms if self.alarms else 1.0


def judged(years: Iterable[tuple[Sequence[Planted], Sequence[Alarm]]]) -> list[Row]:
    """All years together, a row a detector."""
    planted: Counter[str] = Counter()
    alarms: Counter[str] = Counter()
    right: Counter[str] = Counter()
    delays: dict[str, list[float]] = {name: [] for name in DETECTORS}
    missed: dict[str, Counter[str]] = {name: Counter() for name in DETECTORS}
    false: dict[str, Counter[str]] = {name: Counter() for name in DETECTORS}
    for truth, told in years:
        guilty = [one for one in truth if not one.innocent]
        also = {pair for one in guilty for pair in one.also}
        innocent = {(one.kind, one.subject): one.name for one in truth if one.innocent}
        first: dict[tuple[str, str], int] = {}
        for alarm in told:
            key: tuple[str, str] = (alarm.kind, alarm.subject)
            first[key] = min(alarm.at, first.get(key, alarm.at))
        begun = {(one.kind, one.subject): one.since for one in guilty}
        for key, at in first.items():
            alarms[key[0]] += 1
            if key in also or at >= begun.get(key, at + 1):
                right[key[0]] += 1
            else:
                false[key[0]][innocent.get(key, "other")] += 1
        for one in guilty:
            planted[one.kind] += 1
            found = first.get((one.kind, one.subject), -1)
            if found >= one.since:
                delays[one.kind].append((found - one.since) / _DAY_MS)
            else:
                missed[one.kind][one.name] += 1
    return [
        Row(
            detector=name,
            planted=planted[name],
            found=len(delays[name]),
            alarms=alarms[name],
            right=right[name],
            delay_days=round(median(delays[name]), 2) if delays[name] else None,
            missed=dict(missed[name]),
            false=dict(false[name]),
        )
        for name in DETECTORS
    ]
