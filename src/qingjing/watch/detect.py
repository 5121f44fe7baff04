"""All detectors over a log, day by day: each day in, its alarms out."""

from __future__ import annotations

from qingjing.watch.alarm import Alarm, Limits
from qingjing.watch.declared import Declared, Register
from qingjing.watch.drift import Drift
from qingjing.watch.logs import Digest, Names
from qingjing.watch.paths import Chains, Shopping
from qingjing.watch.rates import Complaints, DeadReplies
from qingjing.watch.returns import Returns
from qingjing.watch.sublets import Sublets
from qingjing.watch.ties import Ties, View


class Watch:
    """What is carried from day to day. The same days in give the same alarms out."""

    def __init__(self, register: Register, names: Names, limits: Limits | None = None) -> None:
        """``names`` are the words of the log's codes; days come in order."""
        self.names, self.limits = names, limits or Limits()
        self.now = Declared(register)
        self._ties = Ties(self.now)
        self._detectors = (
            Sublets(),
            Drift("signature"),
            Drift("port"),
            Returns(),
            Shopping(),
            Chains(),
            Complaints(),
            DeadReplies(),
        )
        self._told: dict[tuple[str, str], int] = {}
        self._day = 0

    def examine(self, digest: Digest) -> list[Alarm]:
        """Take one day in; its alarms, the surest first. ValueError for a day gone by."""
        if digest.day <= self._day:
            raise ValueError(f"day {digest.day} comes after day {self._day}; sort the days")
        self._day = digest.day
        self.now.turn(digest.day)
        cells = digest.read(self.names)
        self._ties.note(digest.day, cells, self.limits.window_days)
        people: dict[tuple[str, str], set[int]] = {}
        words = self.names.words
        for signature, port, person in digest.people.tolist():
            people.setdefault((words[signature], words[port]), set()).add(person)
        view = View(digest.day, digest.end, cells, people, self.now, self._ties, self.limits)
        found = [alarm for detector in self._detectors for alarm in detector.examine(view)]
        found.sort(key=lambda alarm: (-alarm.score, -alarm.messages))
        return [alarm for alarm in found if self._is_news(alarm)]

    def _is_news(self, alarm: Alarm) -> bool:
        """Whether its subject was quiet; what goes on is told again after ``quiet_days``."""
        key = alarm.kind, alarm.subject
        if self._day - self._told.get(key, -1000) <= self.limits.quiet_days:
            return False
        self._told[key] = self._day
        return True
