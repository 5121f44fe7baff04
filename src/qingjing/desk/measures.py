"""Measures 处置: the graded ladder, taken by facts, bound at the next message.

A severe measure and its lifting take two people: one proposes, another confirms. What a finding
saw goes with its measure in words, and an appeal is shown the same.
"""

from __future__ import annotations

from datetime import date

from qingjing.desk.entries import InputError, Problem, day_end
from qingjing.desk.findings import known_finding
from qingjing.desk.ports import Ledger, Transaction
from qingjing.kernel import facts as f
from qingjing.kernel.oversight import RUNGS, Measure
from qingjing.kernel.words import Step, Subject


def take(
    ledger: Ledger,
    t: Transaction,
    step: Step,
    subject: Subject,
    name: str,
    reason: str,
    by: str,
    finding: str = "",
    until: date | None = None,
    due: date | None = None,
    rate: int = 0,
) -> f.MeasureTaken | f.MeasureProposed:
    """Take a measure, or propose it when it is a severe one.

    ``until`` is the last day of it, ``due`` the last day for putting right (CORRECT), ``rate``
    parts a second (SLOW). The evidence is the finding's. InputError names what is wrong.
    """
    evidence: tuple[str, ...] = ()
    if finding:
        found = known_finding(ledger, finding).fact
        evidence = (found.words, *found.evidence)
    problems = _wrong(ledger, t, step, subject, name, (until, due), rate)
    problems += _said(reason, by)
    if problems:
        raise InputError(problems)
    proposed = f.MeasureProposed(
        measure=f"m{t.position + 1}",
        step=step,
        subject=subject,
        name=name,
        finding=finding,
        reason=reason,
        evidence=evidence,
        by=by,
        until=_end(until),
        due=_end(due),
        rate=rate,
    )
    if RUNGS[step].severe:
        t.append(proposed)
        return proposed
    return _take(ledger, t, proposed, "")


def lift(
    ledger: Ledger, t: Transaction, measure: str, reason: str, by: str
) -> f.MeasureLifted | f.MeasureProposed:
    """End a measure, or propose its end when it is a severe one; an appeal succeeds by it."""
    known = in_force(ledger, t, measure)
    problems = _said(reason, by)
    if measure in ledger.register.oversight.proposed:
        problems.append(Problem("", "measure", "its lifting is proposed", "confirm that"))
    if problems:
        raise InputError(problems)
    fact = known.fact
    if RUNGS[fact.step].severe:
        proposed = f.MeasureProposed(
            measure=measure,
            step=fact.step,
            subject=fact.subject,
            name=fact.name,
            finding=fact.finding,
            reason=reason,
            evidence=fact.evidence,
            by=by,
            lift=True,
        )
        t.append(proposed)
        return proposed
    lifted = f.MeasureLifted(measure=measure, by=by, reason=reason)
    t.append(lifted)
    return lifted


def confirm(
    ledger: Ledger, t: Transaction, measure: str, by: str
) -> f.MeasureTaken | f.MeasureLifted:
    """The second person confirms what the first proposed; InputError when it is the same."""
    open_proposal = ledger.register.oversight.proposed.get(measure)
    if open_proposal is None:
        remedy = "name a measure that `qingjing measure list` shows as proposed"
        raise InputError([Problem("", "measure", f"{measure!r} is not proposed", remedy)])
    proposed = open_proposal[0]
    problems = _said("-", by)
    if _who(by) == _who(proposed.by):
        remedy = "have another person confirm it (四眼原则)"
        problems.append(Problem("", "by", f"{by!r} proposed it", remedy))
    if problems:
        raise InputError(problems)
    if proposed.lift:
        fact = f.MeasureLifted(
            measure=measure, by=proposed.by, reason=proposed.reason, confirmed_by=by
        )
        t.append(fact)
        return fact
    return _take(ledger, t, proposed, by)


def appeal(
    ledger: Ledger, t: Transaction, measure: str, reason: str, by: str
) -> f.MeasureAppealed:
    """Whom it concerns objects, with reasons; the measure stays until it is lifted."""
    known = in_force(ledger, t, measure)
    problems = _said(reason, by)
    if known.appeal:
        problems.append(Problem("", "measure", "is under appeal", "wait for the answer"))
    if problems:
        raise InputError(problems)
    fact = f.MeasureAppealed(measure=measure, by=by, reason=reason)
    t.append(fact)
    return fact


def answer(
    ledger: Ledger, t: Transaction, measure: str, reason: str, by: str
) -> f.AppealAnswered:
    """The appeal is turned down, with reasons, by someone who did not take the measure."""
    known = in_force(ledger, t, measure)
    problems = _said(reason, by)
    if not known.appeal:
        problems.append(Problem("", "measure", "is not under appeal", "nothing to answer"))
    if _who(by) in (_who(known.fact.by), _who(known.fact.confirmed_by)):
        remedy = "have someone look at it who did not take it"
        problems.append(Problem("", "by", f"{by!r} took the measure", remedy))
    if problems:
        raise InputError(problems)
    fact = f.AppealAnswered(measure=measure, by=by, reason=reason)
    t.append(fact)
    return fact


def in_force(ledger: Ledger, t: Transaction, measure: str) -> Measure:
    """A measure that binds now; InputError when there is none of that name."""
    known = ledger.register.oversight.measures.get(measure)
    if known is None or not known.binds(t.at):
        problem = "is not known" if known is None else "is over"
        remedy = "name one in force: `qingjing measure list`"
        raise InputError([Problem("", "measure", f"{measure!r} {problem}", remedy)])
    return known


def _take(
    ledger: Ledger, t: Transaction, proposed: f.MeasureProposed, confirmed_by: str
) -> f.MeasureTaken:
    fact = f.MeasureTaken(
        measure=proposed.measure,
        step=proposed.step,
        subject=proposed.subject,
        name=proposed.name,
        finding=proposed.finding,
        reason=proposed.reason,
        evidence=proposed.evidence,
        by=proposed.by,
        confirmed_by=confirmed_by,
        until=proposed.until,
        due=proposed.due,
        rate=proposed.rate,
    )
    t.append(fact)
    if fact.step is Step.TERMINATE:
        for grant in ledger.register.grants():
            if fact.name in _uses(grant, fact.subject):
                why = f"measure {fact.measure}: {fact.reason}"
                t.append(f.GrantEnded(grant=grant.grant, reason=why))
    return fact


def _uses(grant: f.GrantMade, subject: Subject) -> tuple[str, ...]:
    if subject is Subject.PARTY:
        return (grant.sender, *grant.chain)
    return (grant.port,) if subject is Subject.PORT else (grant.signature,)


def _wrong(
    ledger: Ledger,
    t: Transaction,
    step: Step,
    subject: Subject,
    name: str,
    days: tuple[date | None, date | None],
    rate: int,
) -> list[Problem]:
    register, problems = ledger.register, []
    known = {
        Subject.PARTY: register.party,
        Subject.PORT: register.port,
        Subject.SIGNATURE: register.signature,
    }[subject]
    if known(name) is None:
        problem = f"{subject.value} {name!r} is not registered"
        problems.append(Problem("", "name", problem, "name what is registered"))
    if subject not in RUNGS[step].subjects:
        problem = f"{step.value} is no measure on a {subject.value}"
        problems.append(Problem("", "step", problem, "see `qingjing measure ladder`"))
    if step is Step.CORRECT and days[1] is None:
        problems.append(Problem("", "due", "is missing", "name the last day for it"))
    if (step is Step.SLOW) is not (rate > 0):
        remedy = "give parts a second, 1 or more, with slow and with nothing else"
        problems.append(Problem("", "rate", f"{rate} does not fit", remedy))
    if step is Step.TERMINATE and days[0] is not None:
        problems.append(Problem("", "until", "does not fit", "a termination has no end"))
    for field, day in zip(("until", "due"), days, strict=True):
        if day is not None and day_end(day) <= t.at:
            problems.append(Problem("", field, f"{day} is over", "name today or a later day"))
    return problems


def _end(day: date | None) -> int | None:
    return None if day is None else day_end(day)


def _who(name: str) -> str:
    """Names are the same whatever their case and spaces."""
    return "".join(name.split()).casefold()


def _said(reason: str, by: str) -> list[Problem]:
    why = "for whoever reads it later"
    return [
        Problem("", field, "is empty", f"state it, {why}")
        for field, value in (("reason", reason), ("by", by))
        if not value.strip()
    ]
