"""Cases: complaints folded to what became of them, and the clocks that run over them.

``Cases.apply`` takes every fact of the log. A clock runs in Chinese working days, from the day
after the event (民法典 §201); it stops for a named reason alone, and what it stood still does
not count. Pure: calendar and day are arguments.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from enum import Enum
from typing import Final, NamedTuple

import msgspec

from qingjing.kernel import facts as f
from qingjing.kernel.facts import CaseStep, Outcome, Stop
from qingjing.kernel.workdays import Calendar, beijing_date, is_working_day

TERM_MAX: Final = 365
"""Working days: no term of the rulebooks or of a centre comes near it."""

DAY_MS: Final = 86_400_000


class CaseState(Enum):
    """Where a case stands (案件状态)."""

    INCOMPLETE = "incomplete"
    OPEN = "open"
    TRACED = "traced"
    RAISED = "raised"
    FORWARDED = "forwarded"
    ANSWERED = "answered"
    DISPUTED = "disputed"
    DECIDED = "decided"


class Pause(NamedTuple):
    """A clock stood still after ``start`` up to and with ``end``; None: still does."""

    start: date
    end: date | None


class Clock(NamedTuple):
    """A term of ``days`` working days after ``start``. ``done``: the day it was met."""

    name: str
    start: date
    days: int
    pauses: tuple[Pause, ...] = ()
    done: date | None = None

    @property
    def stopped(self) -> bool:
        """Does it stand still?"""
        return any(pause.end is None for pause in self.pauses)

    def due(self, calendar: Calendar) -> date | None:
        """The last day of the term; None while the clock stands still.

        The day on which it is stopped counts; the day on which it is resumed, being the day of
        an event, does not. UnknownYear when the calendar does not reach so far.
        """
        if self.stopped:
            return None
        day, left = self.start, self.days
        while left:
            day += _ONE
            left -= is_working_day(day, calendar) and not self._still(day)
        return day

    def left(self, today: date, calendar: Calendar) -> int | None:
        """Working days left at the end of ``today``, negative when overdue; None: stopped."""
        due = self.due(calendar)
        if due is None:
            return None
        early, late = sorted((due, today))
        span = (early + _ONE * at for at in range(1, (late - early).days + 1))
        count = sum(is_working_day(day, calendar) and not self._still(day) for day in span)
        return count if today <= due else -count

    def _still(self, day: date) -> bool:
        return any(p.start < day and (p.end is None or day <= p.end) for p in self.pauses)


_ONE: Final = timedelta(days=1)


class Move(NamedTuple):
    """A step with its place and time."""

    position: int
    at: int
    fact: f.CaseMoved


class Case(msgspec.Struct, kw_only=True):
    """One complaint and all that became of it. ``valid_at``: when nothing lacked any more."""

    complaint: int
    at: int
    received: f.ComplaintReceived
    added: list[int]
    port: str
    told_at: int
    lacks: tuple[str, ...]
    valid_at: int
    understood: f.ComplaintUnderstood | None = None
    understood_at: int = 0
    traced: f.ComplaintTraced | None = None
    traced_at: int = 0
    lead: f.LeadRaised | None = None
    lead_at: int = 0
    party: str = ""
    moves: list[Move] = []

    @property
    def number(self) -> str:
        """The receipt number (受理编号): the day, and the place in the log."""
        return f"{beijing_date(self.at / 1000):%Y%m%d}-{self.complaint}"

    @property
    def words(self) -> tuple[int, ...]:
        """Positions beside which the complainant's words stand, oldest first."""
        return (self.complaint, *self.added)

    def last(self, *steps: CaseStep) -> Move | None:
        """The newest step of these."""
        return next((m for m in reversed(self.moves) if m.fact.step in steps), None)

    def first(self, *steps: CaseStep) -> Move | None:
        """The oldest step of these."""
        return next((m for m in self.moves if m.fact.step in steps), None)

    @property
    def state(self) -> CaseState:
        """Where the case stands."""
        if self.lacks:
            return CaseState.INCOMPLETE
        last = self.last(*_STATES)
        if last is not None:
            return _STATES[last.fact.step]
        if self.lead is not None:
            return CaseState.RAISED
        return CaseState.OPEN if self.traced is None else CaseState.TRACED

    @property
    def outcome(self) -> Outcome | None:
        """What was decided."""
        last = self.last(CaseStep.DECIDED)
        return None if last is None else last.fact.outcome

    def clocks(self) -> tuple[Clock, ...]:
        """Forward (转办) from the day it was complete; answer (答复) from each forwarding."""
        if self.lacks:
            return ()
        forwarded = self.last(CaseStep.FORWARDED, CaseStep.HANDED)
        ended = self.last(CaseStep.DECIDED)
        first = self.first(CaseStep.FORWARDED, CaseStep.HANDED) or ended
        forward = Clock(
            "forward",
            day_of(self.valid_at),
            self.received.forward_days,
            self._pauses(),
            day_of(first.at) if first else None,
        )
        if forwarded is None:
            return (forward,)
        answered = next(
            (m for m in self.moves if m.at >= forwarded.at and m.fact.step in _ENDS), None
        )
        return (
            forward,
            Clock(
                "answer",
                day_of(forwarded.at),
                self.received.answer_days,
                self._pauses(),
                day_of(answered.at) if answered else None,
            ),
        )

    def running(self) -> Clock | None:
        """The clock that somebody is held to now."""
        return next((clock for clock in reversed(self.clocks()) if clock.done is None), None)

    @property
    def stopped(self) -> Stop | None:
        """For what reason the clock stands still."""
        last = self.last(CaseStep.STOPPED, CaseStep.RESUMED)
        still = last is not None and last.fact.step is CaseStep.STOPPED
        return Stop(last.fact.reason) if last is not None and still else None

    def _pauses(self) -> tuple[Pause, ...]:
        found: list[Pause] = []
        for move in self.moves:
            if move.fact.step is CaseStep.STOPPED:
                found.append(Pause(day_of(move.at), None))
            elif move.fact.step is CaseStep.RESUMED:
                found[-1] = found[-1]._replace(end=day_of(move.at))
        return tuple(found)


_STATES: Final = {
    CaseStep.FORWARDED: CaseState.FORWARDED,
    CaseStep.HANDED: CaseState.FORWARDED,
    CaseStep.ANSWERED: CaseState.ANSWERED,
    CaseStep.DISPUTED: CaseState.DISPUTED,
    CaseStep.DECIDED: CaseState.DECIDED,
}
_ENDS: Final = (CaseStep.ANSWERED, CaseStep.DECIDED)


def day_of(at: int) -> date:
    """The Beijing day of a time, epoch ms."""
    return beijing_date(at / 1000)


# How often one person, or one text, may come before it is pointed out. Flagged, never dropped.
PERSON_HOUR: Final = 6
"""Complaints of one person in an hour: typing a number and a text takes minutes."""
PERSON_DAY: Final = 20
"""Complaints of one person in a day: who was plagued most on record had 100 in a fortnight."""
TEXT_HOUR: Final = 200
"""Complaints of one text in an hour: a large campaign, or an organised one; a person looks."""
SAME_DAYS: Final = 30
"""Days within which the same person, number and text is the same complaint."""


class Cases:
    """The fold. Cases by complaint, and the indexes that intake asks."""

    def __init__(self) -> None:
        self._cases: dict[int, Case] = {}
        self._open: dict[int, Case] = {}
        self._same: dict[tuple[int, str, int], tuple[int, int]] = {}
        self._by_person: dict[int, deque[int]] = {}
        self._by_text: dict[int, deque[int]] = {}
        self._first: dict[int, int] = {}
        self._campaign: dict[int, int] = {}
        self._exchanged: dict[str, int] = {}
        self.peers: dict[str, str] = {}
        """The keys of other installations, by party."""

    def apply(self, recorded: f.Recorded) -> None:
        """Take one fact in; facts of other rooms pass by."""
        match recorded.fact:
            case f.ComplaintReceived() as fact:
                self._receive(recorded, fact)
            case f.ComplaintUnderstood() as fact:
                self._understand(recorded, fact)
            case f.ComplaintLinked(complaint=one, to=other):
                a, b = (
                    self._root(self.template_first(one)),
                    self._root(self.template_first(other)),
                )
                self._campaign[max(a, b)] = min(a, b)
            case f.ComplaintTraced() as fact:
                case = self._cases[fact.complaint]
                case.traced, case.traced_at = fact, recorded.position
            case f.LeadRaised() as fact:
                case = self._cases[fact.complaint]
                case.lead, case.party, case.lead_at = fact, fact.party, recorded.position
            case f.CaseMoved() as fact:
                case = self._cases[fact.complaint]
                case.moves.append(Move(recorded.position, recorded.at, fact))
                case.party = fact.party if fact.step is CaseStep.HANDED else case.party
                if fact.step is CaseStep.DECIDED:
                    self._open.pop(fact.complaint, None)
                elif fact.step is CaseStep.DISPUTED:
                    self._open[fact.complaint] = case
                if fact.exchange:
                    self._exchanged[fact.exchange.partition(" ")[0]] = recorded.position
            case f.PeerKeyed() as fact:
                self.peers[fact.party] = fact.key
            case _:
                pass

    def _receive(self, recorded: f.Recorded, fact: f.ComplaintReceived) -> None:
        if fact.exchange:
            self._exchanged[fact.exchange.partition(" ")[0]] = recorded.position
        if fact.complaint:
            case = self._cases[fact.complaint]
            case.added.append(recorded.position)
            case.port, case.told_at = fact.port or case.port, fact.told_at or case.told_at
            case.lacks = fact.lacks
            case.valid_at = case.valid_at or (0 if fact.lacks else recorded.at)
            return
        self._cases[recorded.position] = self._open[recorded.position] = Case(
            complaint=recorded.position,
            at=recorded.at,
            received=fact,
            added=[],
            port=fact.port,
            told_at=fact.told_at,
            lacks=fact.lacks,
            valid_at=0 if fact.lacks else recorded.at,
            moves=[],
        )
        if fact.handle:
            _note(self._by_person, fact.handle, recorded.at, PERSON_DAY + 1)

    def _understand(self, recorded: f.Recorded, fact: f.ComplaintUnderstood) -> None:
        case, at = self._cases[fact.complaint], recorded.at
        case.understood, case.understood_at = fact, recorded.position
        key = (case.received.handle, case.port, fact.template_key)
        first, _ = self._same.get(key, (fact.complaint, 0))
        self._same[key] = (first, at)
        _note(self._by_text, fact.template_key, at, TEXT_HOUR)
        self._first.setdefault(fact.template_key, fact.complaint)

    def case(self, complaint: int) -> Case | None:
        """The case of a complaint, by the position of its first fact."""
        return self._cases.get(complaint)

    def by_number(self, number: str) -> Case | None:
        """The case of a receipt number."""
        _day, _, place = number.strip().rpartition("-")
        if not (place.isascii() and place.isdigit() and len(place) < 20):
            return None
        case = self._cases.get(int(place))
        return case if case is not None and case.number == number.strip() else None

    def __iter__(self) -> Iterator[Case]:
        """All cases, the oldest first."""
        return iter(self._cases.values())

    def open(self) -> tuple[Case, ...]:
        """Those that are not decided: a round does not walk over all that there ever were."""
        return tuple(self._open.values())

    def __len__(self) -> int:
        """How many there are."""
        return len(self._cases)

    def same(self, handle: int, port: str, template_key: int, at: int) -> int:
        """The earlier complaint of the same person about the same; 0 when there is none."""
        first, last = self._same.get((handle, port, template_key), (0, 0))
        return first if at - last <= SAME_DAYS * DAY_MS else 0

    def flags(self, handle: int, template_key: int, at: int) -> tuple[str, ...]:
        """What is unusual about how often this person, or this text, comes."""
        own = [one for one in self._by_person.get(handle, ()) if at - one < DAY_MS]
        hour = sum(at - one < DAY_MS // 24 for one in own)
        texts = self._by_text.get(template_key, deque[int]())
        told = {
            "person_hour": hour > PERSON_HOUR,
            "person_day": len(own) > PERSON_DAY,
            "text_hour": len(texts) == TEXT_HOUR and at - texts[0] < DAY_MS // 24,
        }
        return tuple(name for name, is_so in told.items() if is_so)

    def template_first(self, complaint: int) -> int:
        """The first complaint with the same template."""
        understood = self._cases[complaint].understood
        return self._first[understood.template_key] if understood else complaint

    def campaign(self, complaint: int) -> int:
        """The first complaint of the campaign that this one is about."""
        return self._root(self.template_first(complaint))

    def templates(self) -> Iterable[int]:
        """The first complaint of each template, in order."""
        return self._first.values()

    def exchanged(self, exchange: str) -> int:
        """Position of the fact that another installation's message, by its id, made; or 0."""
        return self._exchanged.get(exchange, 0)

    def _root(self, complaint: int) -> int:
        while (up := self._campaign.get(complaint, complaint)) != complaint:
            complaint = up
        return complaint


def _note(times: dict[int, deque[int]], key: int, at: int, most: int) -> None:
    """Remember a time, of so many at most."""
    kept = times.get(key)
    if kept is None:
        kept = times[key] = deque(maxlen=most)
    kept.append(at)
