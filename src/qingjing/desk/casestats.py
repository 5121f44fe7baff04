"""Analysis: what is complained of, of whom, how often for what was sent, and how it is handled.

No personal data: counts of cases by what was read and traced. A rate per million messages has
an exact Poisson interval (Garwood 1936), so that three complaints about a small sender do not
look like a trend. Campaigns are clustered here, too: equal texts by their template, reworded
ones by ``text.campaigns``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from statistics import median
from typing import Final

import msgspec
import numpy as np

from qingjing.desk.ports import Ledger, Transaction
from qingjing.desk.said import said_of
from qingjing.kernel import facts as f
from qingjing.kernel.cases import Case, CaseState, day_of
from qingjing.kernel.facts import CaseStep, Outcome
from qingjing.kernel.rows import DECIDED, may_leave
from qingjing.kernel.words import Category, Kind
from qingjing.kernel.workdays import UnknownYear, working_days_between
from qingjing.text.campaigns import Campaigns, core

CONFIDENCE: Final = 0.95
MASS_CASES: Final = 20
"""Complaints about one number, from which on a pattern of nothing found is pointed out."""
MASS_MISSED: Final = 0.8
"""Share of them that no message of our record fits, although the number's messages are ours."""


class Rate(msgspec.Struct, frozen=True):
    """Complaints per million messages, with a 95 % interval; ``messages`` is what was sent."""

    complaints: int
    messages: int
    per_million: float
    low: float
    high: float


class Handling(msgspec.Struct, frozen=True):
    """How a party handles its leads. ``median_days`` are working days from forwarding to
    answer, None without an answer; ``in_time`` is the share of the due ones."""

    leads: int
    answered: int
    overdue: int
    in_time: float
    median_days: float | None
    upheld: int


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """Counts and shares over a span of Beijing days. ``months`` is month to kind to count."""

    complaints: int
    incomplete: int
    duplicates: int
    campaigns: int
    flagged: dict[str, int]
    suspicious_numbers: list[str]
    kinds: dict[str, int]
    categories: dict[str, int]
    parties: dict[str, int]
    networks: dict[str, int]
    outcomes: dict[str, int]
    months: dict[str, dict[str, int]]
    rates: dict[str, Rate]
    handling: dict[str, Handling]


def stats(ledger: Ledger, since: int, until: int) -> Stats:
    """Analyse the complaints received in [since, until), epoch ms. Reads every decided batch of
    the span, for what was sent."""
    cases = [case for case in ledger.cases if since <= case.at < until]
    whole = [case for case in cases if case.understood is not None]
    sent = _sent(ledger, since, until)
    about = Counter(c.traced.party for c in whole if c.traced and c.traced.outcome == "ours")
    return Stats(
        complaints=len(cases),
        incomplete=sum(bool(case.lacks) for case in cases),
        duplicates=sum(bool(c.understood and c.understood.duplicate_of) for c in whole),
        campaigns=len({ledger.cases.campaign(case.complaint) for case in whole}),
        flagged=_counts(name for c in whole if c.understood for name in c.understood.flags),
        suspicious_numbers=_suspicious(ledger, whole),
        kinds=_by(whole, _kind),
        categories=_by(whole, _category),
        parties=_by(whole, lambda c: c.party or "unknown"),
        networks=_by(whole, lambda c: (c.traced.network if c.traced else "") or "unknown"),
        outcomes=_by(whole, lambda c: c.outcome.value if c.outcome else c.state.value),
        months=_months(whole),
        rates={party: rate(count, sent[party]) for party, count in sorted(about.items())},
        handling=_handling(ledger, whole, day_of(until - 1)),
    )


def rate(complaints: int, messages: int) -> Rate:
    """Complaints per million messages with its exact interval; infinite over none sent."""
    from scipy.stats import chi2

    tail = (1 - CONFIDENCE) / 2
    low = float(chi2.ppf(tail, 2 * complaints)) / 2 if complaints else 0.0
    high = float(chi2.ppf(1 - tail, 2 * complaints + 2)) / 2
    scale = 1e6 / messages if messages else float("inf")
    figures = (round(x * scale, 4) if x else 0.0 for x in (complaints, low, high))
    return Rate(complaints, messages, *figures)


def _counts(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())


def _by(cases: Iterable[Case], of: Callable[[Case], str]) -> dict[str, int]:
    return _counts(map(of, cases))


def _kind(case: Case) -> str:
    return Kind(case.understood.read_kind).name.lower() if case.understood else ""


def _category(case: Case) -> str:
    return Category(case.understood.read_category).name.lower() if case.understood else ""


def _months(cases: Iterable[Case]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for case in cases:
        found.setdefault(f"{day_of(case.at):%Y-%m}", Counter())[_category(case)] += 1
    return {month: dict(counts.most_common()) for month, counts in sorted(found.items())}


def _sent(ledger: Ledger, since: int, until: int) -> Counter[str]:
    """What left in a span, by sender."""
    sent: Counter[str] = Counter()
    for position in ledger.batches_since(0):
        recorded = ledger.fact(position)
        if recorded is None or not since <= recorded.at < until:
            continue
        if isinstance(recorded.fact, f.MessagesDecided):
            rows = np.frombuffer(ledger.batch(position).rows, DECIDED)
            left = np.bincount(rows["lane"][may_leave(rows)], minlength=1).tolist()
            for lane, count in zip(recorded.fact.lanes, left, strict=False):
                sent[lane.sender] += count
    return sent


def _suspicious(ledger: Ledger, cases: Iterable[Case]) -> list[str]:
    """Numbers that many complain of and whose messages, which would be on record here, nobody
    got: complaints that somebody organised. Told to a person, never dropped."""
    by_port: dict[str, list[Case]] = {}
    for case in cases:
        if case.port and case.traced is not None and ledger.register.port(case.port):
            by_port.setdefault(case.port, []).append(case)
    return sorted(
        port
        for port, some in by_port.items()
        if len(some) >= MASS_CASES
        and sum(c.traced is not None and c.traced.outcome != "ours" for c in some)
        >= MASS_MISSED * len(some)
    )


def _handling(ledger: Ledger, cases: Iterable[Case], today: date) -> dict[str, Handling]:
    by_party: dict[str, list[Case]] = {}
    for case in cases:
        if case.party and case.last(CaseStep.FORWARDED, CaseStep.HANDED) is not None:
            by_party.setdefault(case.party, []).append(case)
    return {party: _handled(ledger, some, today) for party, some in sorted(by_party.items())}


def _handled(ledger: Ledger, cases: list[Case], today: date) -> Handling:
    taken: list[int] = []
    overdue = answered = due = 0
    for case in cases:
        clock = case.clocks()[-1]
        done = clock.done if case.last(CaseStep.ANSWERED) is not None else None
        answered += done is not None
        try:
            last = clock.due(ledger.calendar)
            if done is not None:
                taken.append(working_days_between(clock.start, done, ledger.calendar))
        except UnknownYear:
            continue
        end = done or today
        late = last is not None and end > last
        overdue += late
        due += late or done is not None
    return Handling(
        leads=len(cases),
        answered=answered,
        overdue=overdue,
        in_time=round(1 - overdue / due, 4) if due else 1.0,
        median_days=float(median(taken)) if taken else None,
        upheld=sum(c.outcome is Outcome.UPHELD and c.state is CaseState.DECIDED for c in cases),
    )


def campaigns(ledger: Ledger) -> tuple[tuple[int, int], ...]:
    """Which templates of complaints are one campaign and not linked yet, as (complaint, to)."""
    firsts, cores = [], []
    for complaint in ledger.cases.templates():
        case = ledger.cases.case(complaint)
        said = said_of(ledger, case) if case else None
        if said is not None:
            firsts.append(complaint)
            cores.append(core(said.text))
    known = Campaigns()
    places = known.add_cores(cores)
    heads: dict[int, int] = {}
    found: list[tuple[int, int]] = []
    for complaint, place in zip(firsts, places, strict=True):
        head = heads.setdefault(place, complaint)
        if ledger.cases.campaign(complaint) != ledger.cases.campaign(head):
            found.append((complaint, head))
    return tuple(found)


def link(ledger: Ledger, t: Transaction, links: tuple[tuple[int, int], ...]) -> int:
    """Record campaigns that were found; how many links are new."""
    new = 0
    for complaint, to in links:
        if ledger.cases.campaign(complaint) != ledger.cases.campaign(to):
            t.append(f.ComplaintLinked(complaint=complaint, to=to))
            new += 1
    return new
