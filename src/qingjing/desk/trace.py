"""Trace: find the message that a complaint is about, and what it was sent on; or whom to ask.

Messages to the person within a window are compared by number, text and time. What fits no
message well, or fits messages of several senders alike, is UNKNOWN: a wrong trace accuses.
Whatever was decided is taken from the row itself; and if a consent claims an earlier day but
entered the log after the send, it is named: a log cannot be back-dated.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from qingjing.desk import evidence
from qingjing.desk.ports import Batch, Ledger
from qingjing.desk.said import Said, said_of
from qingjing.kernel import facts as f
from qingjing.kernel.cases import DAY_MS, Case
from qingjing.kernel.kinds import effective, is_marketing
from qingjing.kernel.rows import DECIDED, may_leave
from qingjing.kernel.vector import GroundsState, Vector, from_case_number
from qingjing.kernel.words import Kind
from qingjing.text import complaint as forms
from qingjing.text.similar import similarity

WINDOW_MS: Final = 2 * DAY_MS
"""About the time that the complainant gives: people remember the day, carriers deliver late."""
BACK_MS: Final = 35 * DAY_MS
"""Before the complaint, when no time was given: a month; most come within days."""
SURE: Final = 0.6
"""From here a message is the one. Half of the text (.3) from the right number (.2), unsigned
(.1), just counts; so does the whole text (.6) from any number. A text that shares the stock
phrases alone does not, for it must reach ``TEXT_MIN`` first."""
TEXT_MIN: Final = 0.35
"""Below, two texts share stock phrases and no more (see ``text.similar.SIMILAR_AT``)."""
APART: Final = 0.03
"""Fits nearer to each other than this are alike."""
GUESSES_MAX: Final = 200
"""Candidates tried against a fingerprint: each costs some ten milliseconds by intention."""
NOT_NEEDED: Final = "NOT_NEEDED"
"""The grounds of what is no marketing: it needs none."""
UNCLEAR: Final = GroundsState.UNCLEAR.name


class Fit(NamedTuple):
    """A message that may be the one. ``party`` and the text are what alike ones must share."""

    certainty: float
    apart_ms: int
    message: int
    batch: f.Recorded
    lane: f.LaneUsed
    row: Any


def trace(ledger: Ledger, cases: Iterable[Case], at: int) -> list[f.ComplaintTraced]:
    """Trace complaints in one walk over the batches of their windows; nothing is recorded.

    ``at`` is the time of the tracing, epoch ms. Reads every batch of the windows once.
    """
    cases = [case for case in cases if not case.lacks]
    said = {case.complaint: said_of(ledger, case) for case in cases}
    fits: dict[int, list[Fit]] = defaultdict(list)
    spans = {case.complaint: _window(case, at) for case in cases}
    for batch in _batches(ledger, list(spans.values())):
        _look(ledger, batch, cases, said, spans, fits)
    return [_settle(ledger, case, said[case.complaint], fits[case.complaint]) for case in cases]


def _window(case: Case, at: int) -> tuple[int, int]:
    if case.told_at:
        return case.told_at - WINDOW_MS, min(case.told_at + WINDOW_MS, at)
    return case.at - BACK_MS, case.at


def _batches(ledger: Ledger, spans: Sequence[tuple[int, int]]) -> Iterable[Batch]:
    """The decided batches that stand in any of the windows, oldest first."""
    if not spans:
        return
    positions = ledger.batches_since(0)

    def when(position: int) -> int:
        recorded = ledger.fact(position)
        return recorded.at if recorded else 0

    first = bisect_left(positions, min(start for start, _ in spans), key=when)
    last = max(end for _, end in spans)
    for position in positions[first:]:
        recorded = ledger.fact(position)
        if recorded is None or recorded.at > last:
            return
        inside = any(start <= recorded.at <= end for start, end in spans)
        if inside and isinstance(recorded.fact, f.MessagesDecided):
            yield ledger.batch(position)


def _look(
    ledger: Ledger,
    batch: Batch,
    cases: Sequence[Case],
    said: dict[int, Said | None],
    spans: dict[int, tuple[int, int]],
    fits: dict[int, list[Fit]],
) -> None:
    """Add what of one batch may be what these complaints are about."""
    at, fact = batch.recorded.at, batch.recorded.fact
    assert isinstance(fact, f.MessagesDecided)
    rows = np.frombuffer(batch.rows, DECIDED)
    left = may_leave(rows)
    by_handle: dict[int, list[Case]] = defaultdict(list)
    for case in cases:
        start, end = spans[case.complaint]
        if start <= at <= end:
            by_handle[case.received.handle].append(case)
    handles = np.array([handle for handle in by_handle if handle], np.uint64)
    own = np.flatnonzero(np.isin(rows["handle"], handles) & left).tolist()
    pairs = [(index, case) for index in own for case in by_handle[int(rows["handle"][index])]]
    if not pairs and 0 not in by_handle:
        return
    sealed = evidence.unpack(ledger.unseal(batch.sealed, evidence.CONTEXT))
    for case in by_handle.get(0, ()):  # who complains is known by a fingerprint alone
        words = said[case.complaint]
        places = _known_again(rows, left, words, sealed, fact) if words else []
        pairs += [(index, case) for index in places]
    for index, case in pairs:
        row, words = rows[index], said[case.complaint]
        lane = fact.lanes[row["lane"]]
        body = sealed.bodies[int(row["text"])]
        certainty = fit(case, words, lane, body) if words else 0.0
        if certainty > 0:
            apart = abs(at - (case.told_at or case.at))
            found = Fit(certainty, apart, int(row["message"]), batch.recorded, lane, row)
            fits[case.complaint].append(found)


def _known_again(
    rows: Any, left: Any, said: Said, sealed: evidence.Sealed, fact: f.MessagesDecided
) -> list[int]:
    """Places of the messages to whoever has the fingerprint, of those that number and text
    make likely: at most ``GUESSES_MAX`` are tried in a batch."""
    ports = np.array([_ports(said.number, lane.port) > 0 for lane in fact.lanes], bool)
    near = np.array([similarity(said.text, body) >= TEXT_MIN for body in sealed.bodies], bool)
    maybe = np.flatnonzero(left & ports[rows["lane"]] & near[rows["text"]]).tolist()
    return [
        index
        for index in maybe[:GUESSES_MAX]
        if fingerprint(f"{sealed.phones[index]}", said.nonce) == said.fingerprint
    ]


def fingerprint(digits: str, salt: bytes) -> bytes:
    """What a number may be recognised by by who has it already: slow (RFC 7914), so that who
    has not would need months to try all numbers there are."""
    return hashlib.scrypt(digits.encode(), salt=salt, n=1 << 12, r=8, p=1, dklen=16)


def fit(case: Case, said: Said, lane: f.LaneUsed, body: str) -> float:
    """How well a message fits, 0 to 1: text above all, then number and signature."""
    text = similarity(said.text, body)
    if text < TEXT_MIN:
        return 0.0
    mark = case.understood.signature if case.understood else ""
    signed = 0.5 if not mark else float(mark == lane.signature)
    return round(0.6 * text + 0.2 * _ports(said.number, lane.port) + 0.2 * signed, 4)


def _ports(told: str, port: str) -> float:
    """1 for the number itself; less when one is the other's beginning: extensions get lost."""
    if told == port:
        return 1.0
    short, long = sorted((told, port), key=len)
    return 0.8 if len(short) >= 8 and long.startswith(short) else 0.0


def _settle(
    ledger: Ledger, case: Case, said: Said | None, fits: list[Fit]
) -> f.ComplaintTraced:
    """The one message, or one party of several alike; else who else may know."""
    best = max((one.certainty for one in fits), default=0.0)
    if best < SURE:
        return _elsewhere(ledger, case, said, best)
    alike = [one for one in fits if best - one.certainty <= APART]
    if len({(one.lane.sender, one.lane.grant, one.lane.submitter) for one in alike}) > 1:
        return f.ComplaintTraced(
            complaint=case.complaint,
            outcome="unknown",
            certainty=best,
            alike=len(alike),
            why="messages of several senders fit alike",
        )
    one = min(alike, key=lambda fit: fit.apart_ms)
    return f.ComplaintTraced(
        complaint=case.complaint,
        outcome="ours",
        message=one.message,
        decision=one.batch.position,
        grounds=grounds_of(from_case_number(int(one.row["case"]))),
        late=_late(ledger, one),
        party=one.lane.sender,
        network=one.lane.carrier.name.lower(),
        certainty=best,
        alike=len(alike),
        why="a message of our record fits in person, text and time",
    )


def grounds_of(vector: Vector) -> str:
    """What a decided message rests on, by name; a message that needs no grounds says so, and
    one whose kind is illegal or not clear leaves it to a person."""
    if is_marketing(vector.declared, vector.read):
        return GroundsState(vector.grounds).name
    kind = effective(vector.declared, vector.read)
    return UNCLEAR if kind in (Kind.ILLEGAL, Kind.UNCLEAR) else NOT_NEEDED


def _late(ledger: Ledger, one: Fit) -> int:
    """A consent that says it was given before the send and came into the log after it."""
    for recorded in ledger.facts_of(int(one.row["handle"])):
        fact = recorded.fact
        if (
            isinstance(fact, f.ConsentRecorded)
            and fact.sender == one.lane.sender
            and recorded.position > one.batch.position
            and fact.given_at <= one.batch.at
        ):
            return recorded.position
    return 0


def _elsewhere(ledger: Ledger, case: Case, said: Said | None, best: float) -> f.ComplaintTraced:
    """Not in our record: the holder of the port by the longest registered prefix, or nobody."""
    number = said.number if said else case.port
    holder = ""
    for size in range(len(case.port), 4, -1):
        registered = ledger.register.port(case.port[:size])
        if registered is not None:
            holder = registered.holder
            break
    if said is None:
        why = "what was complained of was erased"
    elif forms.is_personal(number):
        why = "the number is a person's: its network knows whose"
    else:
        why = "no message of our record fits"
    return f.ComplaintTraced(
        complaint=case.complaint,
        outcome="elsewhere" if holder else "unknown",
        party=holder,
        network=forms.network_of(case.port),
        certainty=best,
        why=f"{why}; {holder} holds the port" if holder else why,
    )
