"""What the ledger says of one message: its decision, and every step after it."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from qingjing.desk.send import Desk
from qingjing.doors.api.admission import Visitor
from qingjing.doors.api.problems import ApiError, not_found
from qingjing.doors.api.sending import VERDICTS, rules_of
from qingjing.doors.api.shapes import Status, Step
from qingjing.kernel.batch import names
from qingjing.kernel.facts import LaneUsed, MessagesDecided
from qingjing.kernel.rows import DECIDED, MOVE, Moved
from qingjing.kernel.words import Verdict

MESSAGE_MAX: Final = (1 << 64) - 1

State = Literal[
    "refused", "held", "queued", "released", "stopped", "answered", "reported", "told"
]
What = Literal["released", "stopped", "answered", "rejected", "unknown", "reported", "told"]

_WHAT: Final[dict[Moved, What]] = {
    Moved.RELEASED: "released",
    Moved.STOPPED: "stopped",
    Moved.ACCEPTED: "answered",
    Moved.REJECTED: "rejected",
    Moved.UNKNOWN: "unknown",
    Moved.REPORTED: "reported",
    Moved.TOLD: "told",
}
_STATE: Final[dict[What, State]] = {
    "released": "released",
    "stopped": "stopped",
    "answered": "answered",
    "rejected": "reported",
    "unknown": "reported",
    "reported": "reported",
    "told": "told",
}
"""Rejected and unknown are ends, as a report is: none comes after them."""


def status(desk: Desk, visitor: Visitor, text: str) -> Status:
    """A message of the visitor's; ApiError when it has none of this id."""
    message = int(text)
    batch = desk.ledger.decided_batch(message) if message <= MESSAGE_MAX else None
    fact = batch.recorded.fact if batch else None
    rows = np.frombuffer(batch.rows if batch else b"", dtype=DECIDED)
    places = np.flatnonzero(rows["message"] == message)
    if batch is None or not isinstance(fact, MessagesDecided) or not places.size:
        raise _none(text)
    row = rows[places[0]]
    lane: LaneUsed = fact.lanes[row["lane"]]
    if not visitor.sees(lane.account):
        raise _none(text)
    verdict, reasons = Verdict(int(row["verdict"])), names(int(row["reasons"]))
    steps = _steps(desk, message)
    book = next((b for b in reversed(desk.ledger.books) if b.name == fact.rulebook), None)
    named = [*reasons, *(name for step in steps for name in step.reasons)]
    return Status(
        message=text,
        account=lane.account,
        state=_state(verdict, steps),
        verdict=VERDICTS[verdict],
        reasons=list(reasons),
        rules=rules_of(named, book or desk.policy(batch.recorded.at).book),
        port=lane.port,
        signature=lane.signature,
        sender=lane.sender,
        decided_at=int(row["submitted_at"]),
        rulebook=fact.rulebook,
        position=batch.recorded.position,
        steps=steps,
    )


def _none(text: str) -> ApiError:
    return not_found(f"message {text}", "give an id that this account was answered with")


def _steps(desk: Desk, message: int) -> list[Step]:
    steps: list[Step] = []
    for batch in desk.ledger.moved_batches(message):
        rows = np.frombuffer(batch.rows, dtype=MOVE)
        for row in rows[rows["message"] == message]:
            what = Moved(int(row["what"]))
            # A release says how many parts left; every other step is of one part, or of all.
            part = 0 if what is Moved.RELEASED else int(row["part"])
            steps.append(
                Step(
                    what=_WHAT[what],
                    at=int(row["at"]),
                    part=part,
                    stat=bytes(row["stat"]).decode("ascii", "replace"),
                    reasons=list(names(int(row["reasons"]))),
                )
            )
    return steps


def _state(verdict: Verdict, steps: list[Step]) -> State:
    if verdict is not Verdict.PASS:
        return "held" if verdict is Verdict.HOLD else "refused"
    return _STATE[steps[-1].what] if steps else "queued"
