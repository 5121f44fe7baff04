"""Lead: who must answer, by when, with what; and what the record decides by itself.

The user of a port is presumed the sender. A lead goes to the first party of the chain, from the
carrier's side, that cannot show its upstream's contract or, at the sender, the consent. What
the log shows by itself (no grounds, or a consent that came after the send) needs no officer;
everything else is decided by one, with a reason of ``REASONS``. It may be disputed once.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from qingjing.desk import findings
from qingjing.desk.complaint import refuse
from qingjing.desk.entries import About, InputError, Problem
from qingjing.desk.ports import Ledger, Transaction
from qingjing.desk.said import found, opened
from qingjing.desk.steps import move
from qingjing.desk.weigh import shown_by, weigh
from qingjing.kernel import facts as f
from qingjing.kernel.cases import Case, CaseState, day_of
from qingjing.kernel.facts import CaseStep, Outcome, Stop
from qingjing.kernel.rows import DECIDED
from qingjing.kernel.workdays import UnknownYear

WORDS_MAX: Final = 4_000
"""Characters of an answer: two pages; what is longer is evidence."""
EVIDENCE_MAX: Final = 8 << 20
"""Bytes of evidence with one answer: a proof of a batch of some 10,000 messages."""
REMIND_DAYS: Final = 3
"""Working days before the end of a term when the party is reminded, once."""
RECORD: Final = "record"
"""Who decides what the log shows by itself."""

REASONS: Final = {
    "late": ("所称同意晚于发送入账", "the consent claimed entered the log after the send"),
    "no_grounds": ("发送时没有同意或请求", "there was neither consent nor request at the send"),
    "refused": ("用户此前已拒收", "the person had refused before"),
    "no_contract": ("未能出示上游授权", "no contract with the upstream can be shown"),
    "sublet": ("端口转租", "the port's holder has no part in the chain"),
    "no_answer": ("逾期未答复", "no answer within the term"),
    "grounds_shown": ("已出示有效同意", "the consent was shown, and its proof holds"),
    "not_needed": ("非营销短信", "the message is no marketing and needs no consent"),
    "not_traced": ("未能溯源", "the message could not be traced"),
    "other": ("见说明", "see the words"),
}
"""Why a case is decided as it is, in Chinese and English; pages and answers say it so."""


class Answerable(NamedTuple):
    """Who must answer, of which chain, and what it cannot show."""

    party: str
    chain: tuple[str, ...]
    why: str


def answerable(ledger: Ledger, traced: f.ComplaintTraced) -> Answerable | None:
    """The first party that cannot show its upstream's consent or contract; None: nobody known.

    Contracts are those in the log before the send: the grant that the decision rests on.
    """
    if traced.outcome != "ours":
        if not traced.party:
            return None
        return Answerable(traced.party, (traced.party,), "presumed_sender")
    recorded, rows = ledger.fact(traced.decision), ledger.batch(traced.decision)
    assert recorded is not None
    assert isinstance(recorded.fact, f.MessagesDecided)
    lane = recorded.fact.lanes[_lane_place(rows.rows, traced.message)]
    resting = [fact for at in lane.facts if (fact := ledger.fact(at)) is not None]
    grants = [x.fact for x in resting if isinstance(x.fact, f.GrantMade)]
    if not grants:
        return Answerable(lane.submitter, (lane.submitter,), "no_contract")
    chain = grants[0].chain or (lane.sender, lane.submitter)
    holders = [x.fact.holder for x in resting if isinstance(x.fact, f.PortRegistered)]
    if holders and holders[0] not in (*chain, lane.submitter):
        return Answerable(holders[0], chain, "sublet")
    return Answerable(lane.sender, chain, shown_by(traced.grounds, bool(traced.late)))


def _lane_place(rows: bytes, message: int) -> int:
    decided = np.frombuffer(rows, DECIDED)
    return int(decided["lane"][decided["message"] == message][0])


def enter(ledger: Ledger, t: Transaction, traced: f.ComplaintTraced) -> str:
    """Record a tracing, the refusal of the group that it found, and the lead if there is a
    party for it; the party. A case that is traced already stays as it is."""
    case = ledger.cases.case(traced.complaint)
    if case is None or case.lacks or case.traced is not None:
        return ""
    t.append(traced)
    known = ledger.register.party(traced.party)
    if traced.outcome == "ours" and known is not None:
        refuse(ledger, t, case, known.group)
    to = answerable(ledger, traced)
    if to is None or case.lead is not None:  # an officer was quicker
        return ""
    t.append(f.LeadRaised(complaint=case.complaint, party=to.party, chain=to.chain, why=to.why))
    return to.party


def forward(ledger: Ledger, t: Transaction, number: str, by: str) -> int:
    """Hand the lead to its party: the clock of its answer begins."""
    case = _in(found(ledger, number), CaseState.RAISED)
    return t.append(
        f.CaseMoved(complaint=case.complaint, step=CaseStep.FORWARDED, by=by, party=case.party)
    )


def hand(ledger: Ledger, t: Transaction, number: str, party: str, reason: str, by: str) -> int:
    """Hand the lead over to another party, with the reason: a new term to answer begins."""
    case = _in(
        found(ledger, number),
        *(CaseState.OPEN, CaseState.TRACED, CaseState.RAISED),
        *(CaseState.FORWARDED, CaseState.ANSWERED, CaseState.DISPUTED),
    )
    about = About([], "")
    about.filled("reason", reason)
    if ledger.register.party(party) is None:
        about.wrong("party", f"{party!r} is not known", "register the party first")
    if not about.sound:
        raise InputError(about.problems)
    return _hand(ledger, t, case, party, reason, by)


def _hand(ledger: Ledger, t: Transaction, case: Case, party: str, reason: str, by: str) -> int:
    if case.lead is None:
        t.append(
            f.LeadRaised(
                complaint=case.complaint, party=party, chain=(party,), why="by_officer"
            )
        )
    fact = f.CaseMoved(complaint=case.complaint, step=CaseStep.HANDED, by=by, party=party)
    return move(ledger, t, fact, reason)


def stop(ledger: Ledger, t: Transaction, number: str, reason: str, by: str) -> int:
    """Stop the clock, for one of the reasons of ``Stop`` alone."""
    case, about = found(ledger, number), About([], "")
    why = about.word("reason", Stop, reason)
    if case.stopped is not None or case.running() is None:
        about.wrong("number", "has no clock that runs", "see `qingjing complaint show`")
    if why is None or not about.sound:
        raise InputError(about.problems)
    return t.append(
        f.CaseMoved(complaint=case.complaint, step=CaseStep.STOPPED, by=by, reason=why.value)
    )


def resume(ledger: Ledger, t: Transaction, number: str, by: str) -> int:
    """Let the clock go on."""
    case = found(ledger, number)
    if case.stopped is None:
        raise _wrong("number", "its clock does not stand still", "see `complaint show`")
    return t.append(f.CaseMoved(complaint=case.complaint, step=CaseStep.RESUMED, by=by))


def answer(
    ledger: Ledger,
    t: Transaction,
    number: str,
    party: str,
    words: str,
    evidence: bytes = b"",
    by: str = "",
) -> str:
    """Take the answer of the party that has the lead; what the machine made of its evidence.

    When the log shows that there were no grounds, the case is decided at once.
    """
    case = _in(found(ledger, number), CaseState.FORWARDED)
    _fits(words, evidence)
    if party != case.party:
        raise _wrong("party", f"the lead is not with {party!r}", "name the party that has it")
    weighed = weigh(ledger, case, evidence)
    fact = f.CaseMoved(
        complaint=case.complaint,
        step=CaseStep.ANSWERED,
        by=by or party,
        party=party,
        checked=weighed.checked,
    )
    move(ledger, t, fact, words, evidence)
    judge(ledger, t, case, weighed.checked, weighed.sender)
    return weighed.checked


def dispute(ledger: Ledger, t: Transaction, number: str, code: str, words: str) -> int:
    """The complainant does not accept the answer or the decision: once."""
    case = _in(opened(ledger, number, code), CaseState.ANSWERED, CaseState.DECIDED)
    _fits(words, b"")
    if case.last(CaseStep.DISPUTED) is not None:
        raise _wrong("number", "was disputed before", "a court or the regulator is next")
    fact = f.CaseMoved(complaint=case.complaint, step=CaseStep.DISPUTED, by="complainant")
    return move(ledger, t, fact, words)


def decide(
    ledger: Ledger,
    t: Transaction,
    number: str,
    outcome: str,
    reason: str,
    words: str = "",
    party: str = "",
    by: str = "officer",
) -> int:
    """Decide with a reason of ``REASONS``. ``party`` is the one that it falls upon."""
    case, about = found(ledger, number), About([], "")
    what = about.word("outcome", Outcome, outcome)
    if reason not in REASONS:
        about.wrong("reason", f"{reason!r} is none", f"use one of {', '.join(REASONS)}")
    if case.lacks or case.state is CaseState.DECIDED:
        about.wrong("number", f"is {case.state.value}", "decide what is open")
    about.filled("by", by)
    _fits(words, b"")
    if what is None or not about.sound:
        raise InputError(about.problems)
    return _decide(ledger, t, case, what, reason, party or case.party, by, words)


def _decide(
    ledger: Ledger,
    t: Transaction,
    case: Case,
    outcome: Outcome,
    reason: str,
    party: str,
    by: str,
    words: str = "",
) -> int:
    upheld = outcome is Outcome.UPHELD and ledger.register.party(party) is not None
    fact = f.CaseMoved(
        complaint=case.complaint,
        step=CaseStep.DECIDED,
        finding=_find(ledger, t, case, reason, party, by) if upheld else "",
        by=by,
        party=party if outcome is Outcome.UPHELD else "",
        reason=reason,
        outcome=outcome,
    )
    return move(ledger, t, fact, words)


def _find(ledger: Ledger, t: Transaction, case: Case, reason: str, party: str, by: str) -> str:
    """Open the finding, or name the open one of the matter; who complained is not in it."""
    traced = case.traced
    batch = ledger.fact(traced.decision) if traced and traced.decision else None
    charge = findings.Charge(
        what=f"complaint_{reason}",
        party=party,
        words=f"{REASONS[reason][1]}: complaint {case.number}",
        since=min(batch.at if batch else case.told_at or case.at, t.at),
        port=case.port,
        signature=case.understood.signature if case.understood else "",
        evidence=(f"case {case.number}",),
        messages=(traced.message,) if traced and traced.message else (),
    )
    return findings.open_(ledger, t, charge, by).finding


def judge(ledger: Ledger, t: Transaction, case: Case, checked: str, sender: str) -> bool:
    """Decide what the log shows by itself; False when a person must.

    The contract was shown, so the lead goes up to the sender, which has no consent to show.
    """
    if checked not in ("late", "no_grounds", "refused") or not sender:
        return False
    if sender != case.party:
        _hand(ledger, t, case, sender, "the contract with this upstream was shown", RECORD)
    _decide(ledger, t, case, Outcome.UPHELD, checked, sender, RECORD)
    return True


class Worked(NamedTuple):
    """What a round did: receipt numbers by what was done to them."""

    forwarded: tuple[str, ...]
    reminded: tuple[str, ...]
    escalated: tuple[str, ...]
    decided: tuple[str, ...]


def work(ledger: Ledger, t: Transaction, limit: int = 500) -> Worked:
    """One round: leads are forwarded, parties reminded, overdue ones escalated and, where the
    record shows enough, decided. Again and again it does nothing twice.

    ``limit`` bounds the steps of one transaction, for which a service's customers wait.
    """
    done: dict[CaseStep, list[str]] = {}
    today = day_of(t.at)
    for case in ledger.cases.open():
        if sum(map(len, done.values())) >= limit:
            break
        if case.state is CaseState.RAISED:
            forward(ledger, t, case.number, RECORD)
            done.setdefault(CaseStep.FORWARDED, []).append(case.number)
            continue
        clock = case.running()
        if case.state is not CaseState.FORWARDED or clock is None:
            continue
        try:
            left = clock.left(today, ledger.calendar)
        except UnknownYear:
            continue  # told by ``due_of``; no term is guessed
        step = None if left is None else CaseStep.ESCALATED if left < 0 else CaseStep.REMINDED
        since = case.last(CaseStep.FORWARDED, CaseStep.HANDED)
        told = any(since and m.at >= since.at and m.fact.step is step for m in case.moves)
        if step is None or left is None or left > REMIND_DAYS or told:
            continue
        t.append(f.CaseMoved(complaint=case.complaint, step=step, by=RECORD, party=case.party))
        done.setdefault(step, []).append(case.number)
        weighed = weigh(ledger, case, b"") if step is CaseStep.ESCALATED else None
        if weighed and judge(ledger, t, case, weighed.checked, weighed.sender):
            done.setdefault(CaseStep.DECIDED, []).append(case.number)
    steps = (CaseStep.FORWARDED, CaseStep.REMINDED, CaseStep.ESCALATED, CaseStep.DECIDED)
    return Worked(*(tuple(done.get(step, ())) for step in steps))


def _in(case: Case, *states: CaseState) -> Case:
    if case.state not in states:
        right = " or ".join(state.value for state in states)
        raise _wrong("number", f"is {case.state.value}", f"it must be {right}")
    return case


def _fits(words: str, evidence: bytes) -> None:
    if len(words) > WORDS_MAX:
        raise _wrong("words", f"has {len(words)} characters", f"say it in {WORDS_MAX}")
    if len(evidence) > EVIDENCE_MAX:
        raise _wrong("evidence", f"has {len(evidence)} bytes", f"at most {EVIDENCE_MAX}")


def _wrong(field: str, problem: str, remedy: str) -> InputError:
    return InputError([Problem("", field, problem, remedy)])
