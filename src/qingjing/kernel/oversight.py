"""Oversight: findings, measures and looking back, as the fold of their facts.

A finding (认定) is open until it is closed; closed is not finished until it has passed each
look back. A measure (处置) is one step of ``LADDER``; it binds from the next message on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from qingjing.kernel import facts as f
from qingjing.kernel.words import Step, Subject

AFTER_DAYS: Final = (7, 30, 90)
"""Beijing days after which what has ended is examined again (回头看)."""


class Rung(NamedTuple):
    """One step of the ladder. ``severe``: one person proposes it and another confirms it."""

    step: Step
    severe: bool
    subjects: frozenset[Subject]
    zh: str
    en: str


_ALL: Final = frozenset(Subject)
LADDER: Final = (
    Rung(Step.WARN, False, _ALL, "警告:记录在案", "a warning, kept on record"),
    Rung(Step.CORRECT, False, _ALL, "限期整改", "to be put right by a day"),
    Rung(
        Step.SLOW,
        False,
        frozenset({Subject.PARTY}),
        "限速:其账户每秒条数受限",
        "its accounts send no more than so many parts a second",
    ),
    Rung(
        Step.WITHHOLD,
        False,
        _ALL,
        "停用营销模板:验证码和服务通知照常",
        "no marketing texts; codes and service notices go on",
    ),
    Rung(Step.SUSPEND, True, _ALL, "暂停:一律不发", "nothing leaves"),
    Rung(
        Step.TERMINATE,
        True,
        _ALL,
        "终止:一律不发,相关授权结束",
        "nothing leaves, and the grants that use it end",
    ),
)
"""The ladder, the mildest first (after the vendors' penalty tables and the carriers' practice
of slowing down and closing)."""

RUNGS: Final = {rung.step: rung for rung in LADDER}
STOPS: Final = (Step.SUSPEND, Step.TERMINATE)


class Measure(msgspec.Struct):
    """A measure, taken and perhaps ended. ``appeal`` is the open one's position, 0 for none."""

    fact: f.MeasureTaken
    position: int
    at: int
    appeal: int = 0
    lifted: int = 0
    lifted_at: int = 0

    def binds(self, at: int) -> bool:
        """Is it in force at this time?"""
        return not self.lifted and (self.fact.until is None or at < self.fact.until)


class Finding(msgspec.Struct):
    """A finding with the position of its last closing, 0 while it is open."""

    fact: f.FindingOpened
    position: int
    at: int
    closed: int = 0
    closed_at: int = 0
    reopened: int = 0
    """How often it was reopened."""


class Ended(NamedTuple):
    """What has ended, or was granted, and is examined again: see ``lookback.done/1``."""

    matter: str
    position: int
    at: int


class Oversight:
    """The fold."""

    def __init__(self) -> None:
        self.findings: dict[str, Finding] = {}
        self.measures: dict[str, Measure] = {}
        self.proposed: dict[str, tuple[f.MeasureProposed, int]] = {}
        """Open proposals with their positions, by measure; lifts too."""
        self.looks: dict[tuple[str, int, int], f.LookedBack] = {}
        """What was examined: by matter, position of its end, and days."""
        self._grants: dict[str, Ended] = {}
        self._on: dict[tuple[Subject, str], list[Measure]] = {}

    def apply(self, recorded: f.Recorded) -> bool:
        """Take one fact in; did it concern oversight?"""
        fact, position, at = recorded.fact, recorded.position, recorded.at
        match fact:
            case f.FindingOpened():
                self.findings[fact.finding] = Finding(fact, position, at)
            case f.FindingClosed():
                found = self.findings[fact.finding]
                found.closed, found.closed_at = position, at
            case f.FindingReopened():
                found = self.findings[fact.finding]
                found.closed, found.reopened = 0, found.reopened + 1
            case f.MeasureProposed():
                self.proposed[fact.measure] = (fact, position)
            case f.MeasureTaken():
                self.proposed.pop(fact.measure, None)
                taken = self.measures[fact.measure] = Measure(fact, position, at)
                self._on.setdefault((fact.subject, fact.name), []).append(taken)
            case f.MeasureAppealed():
                self.measures[fact.measure].appeal = position
            case f.AppealAnswered():
                self.measures[fact.measure].appeal = 0
            case f.MeasureLifted():
                self.proposed.pop(fact.measure, None)
                taken = self.measures[fact.measure]
                taken.lifted, taken.lifted_at, taken.appeal = position, at, 0
            case f.LookedBack():
                self.looks[fact.matter, fact.ended, fact.after_days] = fact
            case f.GrantMade():
                self._grants[fact.grant] = Ended(f"grant {fact.grant}", position, at)
                return False
            case f.GrantEnded():
                self._grants.pop(fact.grant, None)
                return False
            case _:
                return False
        return True

    def on(self, subject: Subject, name: str) -> list[Measure]:
        """All measures on this, the oldest first."""
        return self._on.get((subject, name), [])

    def ended(self) -> Iterator[Ended]:
        """Closed findings, lifted measures and grants in force, to be examined again."""
        for name, finding in self.findings.items():
            if finding.closed:
                yield Ended(f"finding {name}", finding.closed, finding.closed_at)
        for name, measure in self.measures.items():
            if measure.lifted:
                yield Ended(f"measure {name}", measure.lifted, measure.lifted_at)
        yield from self._grants.values()
