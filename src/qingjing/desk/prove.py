"""Prove: what one decision rests on, collected from the ledger so that anyone can check it.

``prove`` collects; ``recounted`` counts the case again from what was collected. The latter
needs no ledger: ``desk.verify`` does it far away from one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from qingjing.desk import evidence
from qingjing.desk.bundle import (
    Bundle,
    OpenedNumber,
    OpenedText,
    Openings,
    Proven,
    Row,
    Since,
    in_batch,
)
from qingjing.desk.consent import ROW as IMPORTED
from qingjing.desk.history import HISTORY as HISTORY  # others know it from here
from qingjing.desk.history import history
from qingjing.desk.ports import Batch, Ledger
from qingjing.kernel import dossier as d
from qingjing.kernel import facts as f
from qingjing.kernel.chain import Nodes, consistency, held, inclusion, leaf_hashes, root
from qingjing.kernel.kinds import effective, is_marketing
from qingjing.kernel.note import Key, parse_checkpoint, parse_note
from qingjing.kernel.register import Lane
from qingjing.kernel.rows import DECIDED, MOVE
from qingjing.kernel.rulebook import Rulebook
from qingjing.kernel.standing import Grounds, grade, unclear_after
from qingjing.kernel.vector import FIELDS, AskingState, GroundsState, Over
from qingjing.kernel.words import Kind, NumberState
from qingjing.kernel.workdays import beijing_date


class ProofError(Exception):
    """There is nothing to prove, or not in this way. Says what to do instead."""


def prove(
    ledger: Ledger,
    message: int,
    at: int,
    *,
    key: Key,
    include_number: bool = False,
    since: int = 0,
    imports: Path | None = None,
) -> Bundle:
    """The proof of one message's decision, under a checkpoint signed at ``at`` (epoch ms).

    ``key`` is the ledger's public key. Without ``include_number`` neither the number nor the
    submitted bytes, which hold it, are shown; the row can be checked all the same. ``since``
    is the size of an earlier checkpoint, to prove that the log was only added to; ``imports``
    the folder of imported consents. ProofError when the message is not known.
    """
    batch = ledger.decided_batch(message)
    rows = np.frombuffer(b"" if batch is None else batch.rows, dtype=DECIDED)
    found = np.flatnonzero(rows["message"] == message)
    if (
        batch is None
        or not isinstance(batch.recorded.fact, f.MessagesDecided)
        or not found.size
    ):
        raise ProofError(f"message {message} is not in the ledger: check its id")
    index = int(found[0])
    checkpoint = ledger.checkpoint(at).encode()
    size = parse_checkpoint(parse_note(checkpoint).text).size
    decided = _row(batch, DECIDED, index)
    moves = tuple(_moves(ledger, message, size))
    positions = {batch.recorded.position, *(move.fact for move in moves)}
    positions |= _rests_on(ledger, batch.recorded, batch.recorded.fact, rows[index])
    return Bundle(
        key=key.text(),
        checkpoint=checkpoint,
        row=decided,
        facts=tuple(leaf_of(ledger, position, size) for position in sorted(positions)),
        imported=_imported(ledger, rows[index], imports),
        moves=moves,
        since=_since(ledger, since, size) if since else None,
        openings=_openings(ledger, batch, rows[index], index, include_number),
    )


def leaf_of(ledger: Ledger, position: int, size: int) -> Row:
    """A fact with its path in the log of that size; ProofError when it is not there."""
    data = ledger.encoded(position)
    if data is None:
        raise ProofError(f"fact {position} is not in the ledger: run `qingjing ledger verify`")
    return Row(position, position - 1, data, tuple(ledger.inclusion(position, size)))


def _hashed(data: bytes | memoryview, size: int) -> Nodes:
    """Leaf hashes of rows, made when they are asked for: an import may hold millions."""

    def nodes(_level: int, start: int, stop: int) -> Sequence[bytes]:
        return leaf_hashes(
            bytes(data[at * size : (at + 1) * size]) for at in range(start, stop)
        )

    return nodes


def _row(batch: Batch, kind: np.dtype[Any], index: int) -> Row:
    size, rows = kind.itemsize, batch.rows
    path = inclusion(index, len(rows) // size, _hashed(rows, size))
    return Row(batch.recorded.position, index, rows[index * size : (index + 1) * size], path)


def _moves(ledger: Ledger, message: int, size: int) -> Iterator[Row]:
    """Every later step of the message, oldest first."""
    for batch in ledger.moved_batches(message):
        if batch.recorded.position > size:
            continue
        rows = np.frombuffer(batch.rows, dtype=MOVE)
        for index in np.flatnonzero(rows["message"] == message).tolist():
            yield _row(batch, MOVE, index)


def _rests_on(
    ledger: Ledger, recorded: f.Recorded, batch: f.MessagesDecided, row: Any
) -> set[int]:
    """Positions of all facts before the decision that it rests on."""
    lane = batch.lanes[row["lane"]]
    found = set(lane.facts)
    if row["grounds"]:
        found.add(int(row["grounds"]))
    groups = (lane.group, f.ALL_GROUPS)
    for own in ledger.facts_of(int(row["handle"])):
        match own.fact:
            case f.RefusalRecorded(group=group) | f.RefusalLifted(group=group):
                has_part = group in groups
            case f.ReplyHeard(group=group):
                has_part = group in groups
            case f.PersonForgotten(replaced=replaced):
                has_part = False
                if recorded.position in dict(replaced):
                    found.add(own.position)  # later, and the reason why something is missing
            case fact:
                has_part = isinstance(fact, f.NumberNoted)
        if has_part and own.position < recorded.position:
            found.add(own.position)
    grounds = ledger.fact(int(row["grounds"]))
    wording = getattr(grounds.fact, "wording", "") if grounds else ""
    return found | history(ledger, recorded.position, lane, batch, wording)


def _imported(ledger: Ledger, row: Any, imports: Path | None) -> Row | None:
    """The person's row in the imported file, when consent came by import and it is at hand."""
    recorded = ledger.fact(int(row["grounds"])) if row["grounds"] else None
    if imports is None or recorded is None or not isinstance(recorded.fact, f.ConsentsImported):
        return None
    path = imports / recorded.fact.file
    if not path.is_file():
        return None
    table = pq.read_table(path)
    rows = np.zeros(table.num_rows, dtype=IMPORTED)
    for name in ("handle", "given_s"):
        rows[name] = table[name].to_numpy()
    index = int(np.searchsorted(rows["handle"], row["handle"]))
    if index >= rows.size or rows["handle"][index] != row["handle"]:
        raise ProofError(f"{path} does not hold the person: restore the file from its backup")
    size, data = IMPORTED.itemsize, rows.tobytes()
    steps = inclusion(index, rows.size, _hashed(memoryview(data), size))
    found = Row(recorded.position, index, rows[index].tobytes(), steps)
    if not in_batch(found, recorded.fact):
        raise ProofError(f"{path} is not what was imported: restore the file from its backup")
    return found


def _since(ledger: Ledger, first: int, second: int) -> Since:
    """The path that proves the log of ``first`` facts to be the start of that of ``second``."""
    if not 0 < first <= second:
        raise ProofError(f"the log has {second} facts: an earlier size is between 1 and that")
    leaves = leaf_hashes(ledger.encoded(at) or b"" for at in range(1, second + 1))
    return Since(first, root(leaves[:first]), consistency(first, second, held(leaves)))


def _openings(
    ledger: Ledger, batch: Batch, row: Any, index: int, include_number: bool
) -> Openings:
    """The text, and if wanted the number, with what opens the record's commitments."""
    if not batch.sealed:
        return Openings()
    sealed = evidence.unpack(ledger.unseal(batch.sealed, evidence.CONTEXT))
    place = int(row["text"])
    salt = sealed.body_salts[place]
    text = OpenedText(salt, sealed.bodies[place]) if salt else None  # none: it was erased
    if not include_number:
        return Openings(text)
    original, digits = sealed.originals[index], str(sealed.phones[index])
    if not original:
        raise ProofError("the submitted bytes were erased: prove without the number")
    if digits.encode() not in original or not sealed.phones[index]:
        raise ProofError("the submitted bytes hold no such number: prove without the number")
    if sealed.originals.count(original) > 1:
        raise ProofError("the submitted bytes hold other numbers too: prove without the number")
    return Openings(text, OpenedNumber(sealed.original_salt(index), original, digits))


def imported_at(found: Proven) -> int | None:
    """When the person consented according to the imported file; None when not shown so."""
    row, recorded = found.bundle.imported, found.grounds
    if row is None or recorded is None or not isinstance(recorded.fact, f.ConsentsImported):
        return None
    imported = np.frombuffer(row.data, IMPORTED)[0]
    held = row.fact == recorded.position and in_batch(row, recorded.fact)
    return int(imported["given_s"]) * 1000 if held and _own(imported, found) else None


def _own(row: Any, found: Proven) -> bool:
    return bool(row["handle"] == found.row["handle"])


def grounds_of(found: Proven) -> Grounds | None:
    """The consent or request that the row names, as the gate sees it; None if not at hand."""
    recorded = found.grounds
    if recorded is None or not isinstance(
        recorded.fact, f.ConsentRecorded | f.ConsentsImported
    ):
        return None
    fact = recorded.fact
    given = imported_at(found) if isinstance(fact, f.ConsentsImported) else fact.given_at
    if given is None:
        return None
    return Grounds(
        position=recorded.position,
        recorded_at=recorded.at,
        given_at=given,
        act=fact.act,
        purposes=fact.purposes,
        shown=bool(fact.shown),
        term_s=fact.term_s,
        per_count=fact.per_count,
        per_days=fact.per_days,
    )


def standing_of(found: Proven, at: int) -> GroundsState | None:
    """The person's standing from the facts in the bundle; None when that cannot be known."""
    own, refused, unclear, fallen, ended_s = found.lane.group, dict[str, int](), False, 0, 0
    for recorded in found.earlier():
        match recorded.fact:
            case f.RefusalRecorded(group=group) if group in (own, f.ALL_GROUPS):
                refused[group] = recorded.at // 1000
                unclear = unclear and group != own
            case f.RefusalLifted(group=group) if group in (own, f.ALL_GROUPS):
                ended_s = max(ended_s, refused.pop(group, 0))
                unclear = unclear and group != own
            case f.ReplyHeard(group=group, meaning=meaning) if group == own:
                unclear = unclear_after(unclear, meaning)
            case f.NumberNoted(state=state) if state is not NumberState.OK:
                fallen = recorded.position
            case _:
                pass
    if refused or unclear:
        return GroundsState.REFUSED if refused else GroundsState.UNCLEAR
    # A consent from before the number went to someone else is none of this person's.
    if int(found.row["grounds"]) <= fallen:
        # That nothing is on record cannot be shown; but it leaves only one standing.
        return None if found.vector.grounds is GroundsState.NONE else GroundsState.NONE
    grounds = grounds_of(found)
    if grounds is None:
        return None
    # What was agreed before a refusal stays ended when that is lifted (PIPL §15).
    ended = grounds.given_at // 1000 <= ended_s
    return GroundsState.NONE if ended else grade(grounds, 1 << found.text.category, at)


def recounted(
    found: Proven, lane: Lane, book: Rulebook, view: d.TextView | None
) -> dict[str, int | None]:
    """Every field of the case from the bundle's facts, None for what only the record knows.

    ``lane`` is the path resolved anew, ``view`` the text read anew, None when it is not shown.
    """
    at, then = found.decision.at, found.vector
    rule = book.carrier_rule(lane.carrier, beijing_date(at / 1000))
    port, signature = d.filed_states(lane, rule)
    declared = d.declared_kind(then.declared, then.read, lane)
    marketing = is_marketing(then.declared, then.read)
    asked = then.asking is AskingState.REPEATED
    asked = asked and effective(then.declared, then.read) is Kind.ASKING
    frequency = getattr(found.grounds.fact, "per_count", 0) if found.grounds else 0
    noted = [x.fact.state for x in found.earlier() if isinstance(x.fact, f.NumberNoted)]
    sound = (NumberState.OK, NumberState.INVALID)
    fields: dict[str, int | None] = dict.fromkeys((name for name, _kind in FIELDS))
    fields |= {
        "declared": None if declared is then.declared else declared,
        "read": found.text.kind,
        "grounds": standing_of(found, at),
        "sender": lane.sender_state,
        "port": port,
        "signature": signature,
        "chain": lane.chain_state,
        "scope": d.scope_state(then.declared, then.read, lane.kinds),
        # A cap that is not set, or does not count this message, cannot be over.
        "consent_frequency": None if marketing and frequency else Over.NO,
        "house_cap": None if marketing and book.house_cap.count else Over.NO,
        "carrier_cap": None if marketing and rule.cap.count else Over.NO,
        "hour": d.hour_state(at, book),
        "number": noted[-1] if noted else None if then.number in sound else NumberState.OK,
    }
    if view is not None:
        fields["notice"] = d.notice_state(view, rule)
        fields["identity"] = d.identity_state(view, book)
        fields["link"] = d.link_state(view, rule)
        # Whether the person was asked before is a count, as the caps are.
        state = d.asking_state(then.declared, view, asked=False)
        fields["asking"] = None if asked else state
    return fields
