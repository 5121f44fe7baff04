"""Shadow mode: an account's messages are decided and recorded, and leave whatever was decided.

For the first weeks with a customer: what would be refused, and why, is seen before anything is
blocked. Who switched it on and off, when and why, is in the record, and every message that left
against its decision says so in its row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec
import numpy as np

from qingjing.desk.entries import InputError, Problem
from qingjing.desk.ports import Ledger, Transaction
from qingjing.kernel import facts as f
from qingjing.kernel.batch import names
from qingjing.kernel.rows import DECIDED, SHADOW
from qingjing.kernel.words import Verdict


class Spared(msgspec.Struct, frozen=True, kw_only=True):
    """Messages of one account, sender, port and signature that left in shadow mode.

    ``reasons`` counts each reason of those that would not have left; a message may have some.
    ``example`` is the id of one of them, for ``prove``; 0 when there is none.
    """

    account: str
    sender: str
    port: str
    signature: str
    left: int
    refused: int
    held: int
    reasons: dict[str, int]
    example: int


def begin(ledger: Ledger, t: Transaction, account: str, reason: str) -> f.AccountShadowed:
    """From now on nothing of this account is blocked. InputError when that is so already."""
    return _switch(ledger, t, account, reason, shadow=True)


def enforce(ledger: Ledger, t: Transaction, account: str, reason: str) -> f.AccountShadowed:
    """From now on decisions hold, for what is queued too. InputError when they do already."""
    return _switch(ledger, t, account, reason, shadow=False)


def _switch(
    ledger: Ledger, t: Transaction, account: str, reason: str, *, shadow: bool
) -> f.AccountShadowed:
    problems: list[Problem] = []
    if not account:
        problems.append(Problem("", "account", "is empty", "name the account"))
    if not reason:
        problems.append(Problem("", "reason", "is empty", "say why, for the record"))
    if (account in ledger.register.shadowed) is shadow:
        state = "in shadow mode already" if shadow else "not in shadow mode"
        problems.append(Problem("", "account", f"{account!r} is {state}", "nothing to do"))
    if problems:
        raise InputError(problems)
    fact = f.AccountShadowed(account=account, shadow=shadow, reason=reason)
    t.append(fact)
    return fact


def shadowed(ledger: Ledger) -> tuple[str, ...]:
    """The accounts in shadow mode now."""
    return tuple(sorted(ledger.register.shadowed))


def report(ledger: Ledger, account: str = "", since: int = 0) -> list[Spared]:
    """What left in shadow mode, most refused first; of all accounts when none is named.

    :param since: epoch ms; what was decided before is left out.
    """
    groups: dict[tuple[str, str, str, str], _Group] = {}
    for position in ledger.batches_since(0):
        batch = ledger.batch(position)
        fact = batch.recorded.fact
        if isinstance(fact, f.MessagesDecided) and batch.recorded.at >= since:
            for lane, verdict, reasons, message in _rows(batch.rows):
                used = fact.lanes[lane]
                if not account or used.account == account:
                    key = (used.account, used.sender, used.port, used.signature)
                    groups.setdefault(key, _Group()).add(verdict, reasons, message)
    found = [
        Spared(
            account=key[0],
            sender=key[1],
            port=key[2],
            signature=key[3],
            left=group.left,
            refused=group.refused,
            held=group.held,
            reasons=dict(group.reasons.most_common()),
            example=group.example,
        )
        for key, group in groups.items()
    ]
    return sorted(found, key=lambda one: (-one.refused - one.held, one.account, one.port))


class _Group:
    """Counts of one path."""

    def __init__(self) -> None:
        self.left = self.refused = self.held = self.example = 0
        self.reasons: Counter[str] = Counter()

    def add(self, verdict: int, reasons: int, message: int) -> None:
        """One message."""
        self.left += 1
        self.refused += verdict == Verdict.REFUSE
        self.held += verdict == Verdict.HOLD
        if reasons:
            self.reasons.update(names(reasons))
            self.example = self.example or message


def _rows(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Lane, verdict, reasons and id of a batch's messages that left in shadow mode."""
    rows = np.frombuffer(data, dtype=DECIDED)
    rows = rows[(rows["flags"] & SHADOW) != 0]
    columns = (rows[name].tolist() for name in ("lane", "verdict", "reasons", "message"))
    yield from zip(*columns, strict=True)
