"""Findings 认定: what was proved against a party, opened, closed, and opened again.

A finding says who, what, since when and how sure, with the evidence in words and the messages
that show it, and names the query by which looking back asks the same question again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from qingjing.desk.entries import InputError, Problem
from qingjing.desk.ports import Ledger, Transaction
from qingjing.desk.queries import default_query, wrong_params
from qingjing.kernel import facts as f
from qingjing.kernel.oversight import Finding
from qingjing.watch import alarm

EVIDENCE_MAX: Final = 100
"""Lines of evidence, and messages, that one finding keeps: a person reads them."""


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """What is held against a party, by a person or an alarm.

    ``since`` is epoch ms, ``score`` from 0 to 1.
    ``query`` and ``params`` are what looking back will ask; left out, messages of the same
    port, signature and party that were refused for any reason.
    """

    what: str
    party: str
    words: str
    since: int
    score: float = 1.0
    port: str = ""
    signature: str = ""
    evidence: tuple[str, ...] = ()
    messages: tuple[int, ...] = ()
    query: str = ""
    params: tuple[tuple[str, str], ...] = ()
    told: str = ""


def open_(ledger: Ledger, t: Transaction, charge: Charge, by: str) -> f.FindingOpened:
    """Record a finding; the same matter that is open already is given back and not written.

    InputError when its party is not registered, its query is none, or it says nothing.
    """
    problems = _named(by) + _about(ledger, t, charge)
    query, params = charge.query, charge.params
    if not query:
        query, params = default_query(charge.party, charge.port, charge.signature)
    problems += wrong_params(query, params)
    if problems:
        raise InputError(problems)
    for known in ledger.register.oversight.findings.values():
        fact = known.fact
        same = (fact.what, fact.party, fact.port, fact.signature, fact.told) == (
            charge.what,
            charge.party,
            charge.port,
            charge.signature,
            charge.told,
        )
        if same and not known.closed:
            return fact
    fact = f.FindingOpened(
        finding=f"f{t.position + 1}",
        what=charge.what,
        party=charge.party,
        port=charge.port,
        signature=charge.signature,
        since=charge.since,
        score=charge.score,
        words=charge.words,
        evidence=charge.evidence[:EVIDENCE_MAX],
        messages=charge.messages[:EVIDENCE_MAX],
        query=query,
        params=params,
        by=by,
        told=charge.told,
    )
    t.append(fact)
    return fact


class Opened(NamedTuple):
    """Findings that alarms led to, and the subjects whose party is not in the register."""

    findings: tuple[f.FindingOpened, ...]
    left: tuple[str, ...]


def open_alarms(
    ledger: Ledger, t: Transaction, alarms: tuple[alarm.Alarm, ...], by: str
) -> Opened:
    """Make findings of the detectors' alarms that ``by`` stands for.

    Of an alarm about a port alone, the port's holder answers. Rows of the log are named in the
    words: they are no messages of this record. InputError when ``by`` is empty.
    """
    if problems := _named(by):
        raise InputError(problems)
    found: list[f.FindingOpened] = []
    left: list[str] = []
    for one in alarms:
        port = ledger.register.port(one.port) if one.port else None
        party = one.party or (port.holder if port else "")
        if ledger.register.party(party) is None:
            left.append(one.subject)
            continue
        drafted = Charge(
            what=one.kind,
            party=party,
            port=one.port,
            signature=one.signature,
            words=one.words_zh,
            since=min(one.since, t.at),
            score=one.score,
            evidence=tuple(map(_evidence, one.evidence)),
        )
        found.append(open_(ledger, t, drafted, by))
    return Opened(tuple(found), tuple(left))


def _evidence(one: alarm.Evidence) -> str:
    rows = "、".join(map(str, one.rows))
    return f"{one.zh}(日志行 {rows})" if rows else one.zh


def close(
    ledger: Ledger, t: Transaction, finding: str, reason: str, by: str
) -> f.FindingClosed:
    """It was put right, and why; looking back begins. InputError unless it is open."""
    known = known_finding(ledger, finding)
    problems = _named(by) + _said(reason)
    if known.closed:
        problems.append(Problem("", "finding", f"{finding} is closed", "nothing to close"))
    if problems:
        raise InputError(problems)
    fact = f.FindingClosed(finding=finding, by=by, reason=reason)
    t.append(fact)
    return fact


def reopen(
    ledger: Ledger, t: Transaction, finding: str, reason: str, by: str
) -> f.FindingReopened:
    """It was not put right. InputError unless it is closed."""
    known = known_finding(ledger, finding)
    problems = _named(by) + _said(reason)
    if not known.closed:
        problems.append(Problem("", "finding", f"{finding} is open", "nothing to reopen"))
    if problems:
        raise InputError(problems)
    fact = f.FindingReopened(finding=finding, by=by, reason=reason)
    t.append(fact)
    return fact


def known_finding(ledger: Ledger, finding: str) -> Finding:
    """A finding by its name; InputError when there is none."""
    known = ledger.register.oversight.findings.get(finding)
    if known is None:
        remedy = "name one of `qingjing finding list`"
        raise InputError([Problem("", "finding", f"{finding!r} is not known", remedy)])
    return known


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What a party was found to have done, and whether it came back (屡犯).

    ``relapses`` counts reopenings and further findings of a kind that had been closed before;
    ``rate`` is relapses for each finding that was ever closed, 0 when none was.
    """

    party: str
    findings: int
    open: int
    closed: int
    relapses: int
    rate: float
    measures: int


def recidivism(ledger: Ledger) -> list[Record]:
    """Every party with findings or measures, the most relapses first."""
    oversight = ledger.register.oversight
    of: dict[str, list[Finding]] = {}
    for found in oversight.findings.values():
        of.setdefault(found.fact.party, []).append(found)
    measured = Counter(m.fact.name for m in oversight.measures.values())
    records = [
        _record(party, of.get(party, []), measured[party])
        for party in dict.fromkeys([*of, *measured])
        if ledger.register.party(party) is not None
    ]
    return sorted(records, key=lambda r: (-r.relapses, -r.findings, r.party))


def _record(party: str, found: Sequence[Finding], measures: int) -> Record:
    relapses, was_closed, seen = 0, 0, set[str]()
    for one in found:
        relapses += one.reopened + (one.fact.what in seen)
        ever = one.reopened + bool(one.closed)
        was_closed += ever
        if ever:
            seen.add(one.fact.what)
    return Record(
        party=party,
        findings=len(found),
        open=sum(not one.closed for one in found),
        closed=sum(bool(one.closed) for one in found),
        relapses=relapses,
        rate=relapses / was_closed if was_closed else 0.0,
        measures=measures,
    )


def _about(ledger: Ledger, t: Transaction, charge: Charge) -> list[Problem]:
    register = ledger.register
    problems = []
    remedy = "name what is registered"
    for field, name, known in (
        ("party", charge.party, register.party(charge.party)),
        ("told", charge.told, register.party(charge.told) if charge.told else True),
    ):
        if known is None:
            problems.append(Problem("", field, f"{name!r} is not registered", remedy))
    if not charge.what.strip() or not charge.words.strip():
        problems.append(Problem("", "words", "are empty", "say what was found, in words"))
    if not 0 <= charge.score <= 1:
        problems.append(Problem("", "score", f"{charge.score} is none", "give 0 to 1"))
    if charge.since > t.at:
        problems.append(Problem("", "since", "is in the future", "give when it began"))
    return problems


def _named(by: str) -> list[Problem]:
    return [] if by.strip() else [Problem("", "by", "is empty", "say who acts")]


def _said(reason: str) -> list[Problem]:
    told = "say why, for whoever reads it later"
    return [] if reason.strip() else [Problem("", "reason", "is empty", told)]
