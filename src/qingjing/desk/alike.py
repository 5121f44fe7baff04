"""A new signature beside all owned ones: whoever owns one that it pretends to be is told.

A likeness blocks nothing by itself: it is a finding of kind ``lookalike``, against the owner of
the new signature, told to the owner of the old one. Signatures of one group are its own affair.
"""

from __future__ import annotations

from typing import Final
from weakref import WeakKeyDictionary

from qingjing.desk.findings import Charge, open_
from qingjing.desk.ports import Ledger, Transaction
from qingjing.kernel import facts as f
from qingjing.kernel.register import Register
from qingjing.text.lookalike import WORDS, Index, Likeness

TOLD_MAX: Final = 5
"""Owners told of one new signature, those of the surest likenesses."""

_INDEXES: Final[WeakKeyDictionary[Register, Index]] = WeakKeyDictionary()


def likenesses(register: Register, name: str, group: str) -> list[Likeness]:
    """The signatures of other groups that a name is like, the surest first.

    The first look at a register reads all its signatures: a second for each 20,000 of them.
    """
    index = _INDEXES.setdefault(register, Index())
    if len(index) != len(register.signatures()):
        for known in register.signatures():
            index.add(known)
    return [one for one in index.screen(name) if _group(register, one.name) != group]


def tell(ledger: Ledger, t: Transaction, new: f.SignatureRegistered) -> list[f.FindingOpened]:
    """Open a finding for each signature that a new one, registered already, is like."""
    register = ledger.register
    found = []
    group = _group(register, new.signature)
    for one in likenesses(register, new.signature, group)[:TOLD_MAX]:
        owned = register.signature(one.name)
        if owned is None:
            continue
        zh, en = WORDS[one.how]
        charge = Charge(
            what="lookalike",
            party=new.owner,
            signature=new.signature,
            told=owned.owner,
            words=f"【{new.signature}】与【{one.name}】{zh}; 【{new.signature}】 {en}",
            since=t.at,
            evidence=(f"【{one.name}】: {owned.owner}, {owned.source}, {owned.proof}",),
        )
        found.append(open_(ledger, t, charge, by="register"))
    return found


def _group(register: Register, signature: str) -> str:
    known = register.signature(signature)
    party = register.party(known.owner) if known else None
    return party.group if party else ""
