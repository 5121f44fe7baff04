"""Steps: what happens to a case is one fact, its words and evidence under seal beside it."""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from qingjing.desk.ports import Ledger, Transaction
from qingjing.kernel import facts as f
from qingjing.kernel.cases import Case, Move
from qingjing.kernel.rows import commit
from qingjing.kernel.workdays import UnknownYear

CONTEXT: Final = b"case.moved/1"
"""Associated data under which words and evidence of a step are sealed."""


class Sealed(msgspec.Struct, frozen=True, array_like=True):
    """Words and evidence of a step, under seal."""

    salt: bytes
    words: str
    evidence: bytes


def move(
    ledger: Ledger, t: Transaction, fact: f.CaseMoved, words: str = "", evidence: bytes = b""
) -> int:
    """Record a step, its words and evidence under seal; its position."""
    if not words and not evidence:
        return t.append(fact)
    salt = ledger.keyed(b"case step salt %d" % (t.position + 1))
    sealed = ledger.seal(msgspec.msgpack.encode(Sealed(salt, words, evidence)), CONTEXT)
    fact = msgspec.structs.replace(
        fact,
        words=hashlib.sha256(sealed).digest(),
        commitment=step_commitment(salt, words, step_digest(evidence)),
    )
    position = t.append(fact)
    t.attach(position, b"", sealed)
    return position


def step_commitment(salt: bytes, words: str, digest: str) -> bytes:
    """What a step's fact commits to, so that its words can be shown off-line."""
    return commit(salt, msgspec.json.encode([words, digest]))


def step_digest(evidence: bytes) -> str:
    """The hash of a step's evidence; empty without any."""
    return hashlib.sha256(evidence).hexdigest() if evidence else ""


def due_of(ledger: Ledger, case: Case) -> str:
    """The last day of the term that runs; empty without one, a word when nobody can say."""
    clock = case.running()
    if clock is None:
        return ""
    try:
        due = clock.due(ledger.calendar)
    except UnknownYear as error:
        return f"unknown: the working days of {error.year} are not published here"
    return due.isoformat() if due else ""


def words_of(ledger: Ledger, step: Move) -> str:
    """The words of a step; empty when it has none or they were erased."""
    sealed = sealed_of(ledger, step)
    return sealed.words if sealed else ""


def sealed_of(ledger: Ledger, step: Move) -> Sealed | None:
    """Words and evidence of a step; None when it has none or they were erased."""
    if not step.fact.words or not (data := ledger.batch(step.position).sealed):
        return None
    return msgspec.msgpack.decode(ledger.unseal(data, CONTEXT), type=Sealed)
