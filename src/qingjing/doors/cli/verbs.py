"""What commands may ask of a running service: the whole list.

A command that records, or looks something up in a moment, does so by a verb of this list, which
whoever has the ledger open runs (``Session.write``, ``Session.ask``). Writing verbs are handed
the ledger and a transaction, asking ones the desk; their further arguments and their results go
over the control door by the types in their signatures.
"""

from __future__ import annotations

from typing import Final

from qingjing.desk import (
    absence,
    askings,
    blind,
    capture,
    casestats,
    complaint,
    consent,
    findings,
    interchange,
    lead,
    lookback,
    measures,
    notices,
    receipt,
    register,
    rulebook,
    shadow,
    wordings,
)
from qingjing.desk.explain import explain
from qingjing.doors.cli import consent as consent_commands
from qingjing.doors.cli import ledger as ledger_commands
from qingjing.doors.cli import lookback as lookback_commands
from qingjing.doors.cli import measures as measure_commands
from qingjing.doors.cli import papers as paper_commands
from qingjing.doors.cli import register as register_commands
from qingjing.doors.cli import rulebook as rulebook_commands
from qingjing.doors.cli import vendors as vendor_commands
from qingjing.doors.control import Verbs

VERBS: Final = Verbs(
    writing=(
        consent.record,
        consent.refuse,
        wordings.wording,
        wordings.state,
        capture.show,
        capture.act,
        capture.paper,
        capture.confirm,
        askings.open_asking,
        consent_commands.enter_import,
        notices.note_lines,
        notices.refuse_lines,
        register.load,
        vendor_commands.enter_form,
        register.suspend,
        register.reinstate,
        register.end_grant,
        findings.open_,
        findings.open_alarms,
        findings.close,
        findings.reopen,
        measures.take,
        measures.confirm,
        measures.lift,
        measures.appeal,
        measures.answer,
        lookback.record,
        rulebook.adopt,
        shadow.begin,
        shadow.enforce,
        ledger_commands.sign,
        complaint.receive,
        complaint.receive_many,
        complaint.complete,
        lead.enter,
        lead.work,
        lead.hand,
        lead.stop,
        lead.resume,
        lead.answer,
        lead.dispute,
        lead.decide,
        casestats.link,
        interchange.trust,
        interchange.take,
        absence.enter,
        blind.take,
    ),
    asking=(
        explain,
        complaint.status,
        consent_commands.look_up,
        receipt.make,
        receipt.look,
        register_commands.look_up,
        paper_commands.reminders,
        paper_commands.owned,
        measure_commands.look_at_measures,
        measure_commands.look_at_findings,
        lookback_commands.booked,
        lookback_commands.records,
        rulebook_commands.adopted,
        ledger_commands.look_at,
    ),
)
