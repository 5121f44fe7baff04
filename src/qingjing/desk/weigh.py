"""Weigh: what a machine can say of the evidence of an answer, so that "show me" is a click.

Our own record comes first. Else the evidence must be a proof bundle or a case pack under the
key of the party's installation, about the message complained of: by text, number and time.
That it went to the complainant is then the party's word, unless the number is shown.
"""

from __future__ import annotations

from typing import NamedTuple

from qingjing.desk import casepack
from qingjing.desk.bundle import Proven
from qingjing.desk.ports import Ledger
from qingjing.desk.said import said_of
from qingjing.desk.trace import NOT_NEEDED, SURE, UNCLEAR, WINDOW_MS, fit, grounds_of
from qingjing.desk.verify import verify
from qingjing.kernel import facts as f
from qingjing.kernel.cases import Case
from qingjing.kernel.note import Key
from qingjing.kernel.rows import SHADOW
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Verdict


class Weighed(NamedTuple):
    """``checked``: grounds_shown, not_needed, late, refused, no_grounds, unclear; none,
    invalid, other_message, not_sent. ``sender``: the party that the proof names as sender."""

    checked: str
    sender: str


def weigh(ledger: Ledger, case: Case, evidence: bytes) -> Weighed:
    """What the evidence shows. Total: bad evidence is a word, too."""
    traced = case.traced
    if traced is not None and traced.outcome == "ours":
        return Weighed(shown_by(traced.grounds, bool(traced.late)), traced.party)
    if not evidence:
        return Weighed("none", "")
    peer = ledger.cases.peers.get(case.party, "")
    keys = [Key.parse(peer)] if peer else []
    packed = casepack.verify_pack(evidence, keys)
    report = packed.proof if packed.ok else verify(evidence, keys)
    if report is None or not report.ok or report.proven is None:
        return Weighed("invalid", "")
    found = report.proven
    if not _about(ledger, case, found):
        return Weighed("other_message", "")
    if int(found.row["verdict"]) != Verdict.PASS and not int(found.row["flags"]) & SHADOW:
        return Weighed("not_sent", "")
    late = packed.ok and packed.late is not None
    return Weighed(shown_by(grounds_of(found.vector), late), _party(ledger, case, found))


def shown_by(grounds: str, late: bool) -> str:
    """What a decision's grounds show: a reason of ``lead.REASONS``, or ``unclear``."""
    known = {
        NOT_NEEDED: "not_needed",
        UNCLEAR: "unclear",
        GroundsState.CONSENT.name: "grounds_shown",
        GroundsState.REQUEST.name: "grounds_shown",
        GroundsState.REFUSED.name: "refused",
        GroundsState.LATE.name: "late",
    }
    return known.get(grounds) or ("late" if late else "no_grounds")


def _about(ledger: Ledger, case: Case, found: Proven) -> bool:
    """Is the proven message the one complained of, by text, number and time?"""
    said, opening = said_of(ledger, case), found.bundle.openings
    if said is None or opening.text is None:
        return False
    if opening.number is not None and opening.number.number != said.phone:
        return False
    near = abs(found.decision.at - case.told_at) <= WINDOW_MS if case.told_at else True
    sure = fit(case, said, found.lane, opening.text.text) >= SURE
    return near and sure and found.decision.at <= case.at


def _party(ledger: Ledger, case: Case, found: Proven) -> str:
    """The sender as our register knows it, by its credit code, which the proof vouches for.

    One that is not registered here is named as there, with the log that names it.
    """
    for recorded in found.earlier():
        fact = recorded.fact
        if isinstance(fact, f.PartyRegistered) and fact.party == found.lane.sender:
            for known in ledger.register.parties():
                if fact.credit_code and known.credit_code == fact.credit_code:
                    return known.party
    return f"{found.lane.sender}@{case.party}"
