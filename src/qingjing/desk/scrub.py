"""Scrub: a campaign's list of numbers against what every person said, before anything is sent.

The same policy as the gate's, over what depends on the person and the sender alone. It does
not replace the gate: hours, caps, text and path are judged when a message is submitted, and
whoever refuses after the scrub is still left alone.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

import numpy as np

from qingjing.desk.entries import About, InputError
from qingjing.desk.ports import Ledger, Scopes, U8s, U64s
from qingjing.desk.send import Desk
from qingjing.kernel.batch import Column, Policy
from qingjing.kernel.fold import fold_columns
from qingjing.kernel.rules import RULES
from qingjing.kernel.vector import FIELDS, SenderState
from qingjing.kernel.words import Category, Kind, NumberState, Verdict

ALLOWED: Final = 0
"""The code of a number that may be sent to; any other code is 1 + the place of a rule."""


class Known(NamedTuple):
    """What an engine found of each number: a ``GroundsState`` and a ``NumberState``."""

    grounds: U8s
    number: U8s


class Engine(Protocol):
    """Looks numbers up in bulk: the standing index, whatever way it is read fastest."""

    def look_up(
        self, phones: U64s, sender: str, group: str, category_bit: int, at: int
    ) -> Known:
        """How each number stands towards a sender for a category, at a time (epoch ms)."""
        ...


class Probed:
    """The engine over any ledger's ``Standings``: one probe a batch."""

    def __init__(self, ledger: Ledger) -> None:
        """Nothing is read yet."""
        self._standings = ledger.standings

    def look_up(
        self, phones: U64s, sender: str, group: str, category_bit: int, at: int
    ) -> Known:
        """Probe, and grade the consents found; a refusal outweighs them."""
        handles = self._standings.handles(phones)
        which = np.zeros(phones.size, dtype=np.intp)
        probed = self._standings.probe(handles, Scopes((sender,), (group,), which))
        bits = np.full(phones.size, category_bit, dtype=np.int64)
        grounds, _resting = fold_columns(
            self._standings.terms,
            probed.refused,
            probed.unclear,
            probed.terms,
            probed.given_s,
            bits,
            at // 1000,
        )
        return Known(grounds, probed.number)


class Scrubbed(NamedTuple):
    """The sum of a scrub. ``reasons`` counts by rule, in the policy's order."""

    sender: str
    category: str
    at: int
    position: int
    rulebook: str
    rows: int
    allowed: int
    held: int
    refused: int
    reasons: dict[str, int]


class Scrub:
    """One list, judged batch by batch.

    InputError when sender or category is wrong, NoRulebookError when no book is in force.
    """

    def __init__(self, desk: Desk, sender: str, category: str, at: int, engine: Engine) -> None:
        """``at`` is when the campaign is to be sent, epoch ms."""
        about = About([], "")
        word = about.word("category", Category, category)
        party = desk.ledger.register.party(sender)
        if party is None:
            about.wrong("sender", f"{sender!r} is not registered", "register the party first")
        if word is None or party is None:
            raise InputError(about.problems)
        suspended = desk.ledger.register.suspended(sender, at)
        self._sender_state = SenderState.SUSPENDED if suspended else SenderState.OK
        self._sender, self._group, self._category = sender, party.group, word
        self._at, self._engine, self._position = at, engine, desk.ledger.position
        self._policy: Policy = desk.policy(at)
        self._counts = np.zeros(1 + len(RULES), dtype=np.int64)
        self._verdicts = np.zeros(len(Verdict), dtype=np.int64)

    def judge(self, phones: U64s) -> U8s:
        """The code of each number: ``ALLOWED``, or 1 + the place of the first rule it breaks.

        A number of 0 stands for one that is no Chinese mobile number.
        """
        known = self._engine.look_up(
            phones, self._sender, self._group, self._category.bit, self._at
        )
        columns: dict[str, Column] = {name: 0 for name, _kind in FIELDS}
        columns |= {"declared": int(Kind.COMMERCIAL), "read": int(Kind.COMMERCIAL)}
        columns["sender"] = int(self._sender_state)
        # Wide integers: the policy's tables are addressed by products of these.
        columns["grounds"] = known.grounds.astype(np.int64)
        columns["number"] = np.where(
            phones == 0, int(NumberState.INVALID), known.number.astype(np.int64)
        )
        bits = self._policy.reasons(columns, phones.size)
        lowest = (bits & (~bits + np.uint64(1))).astype(np.float64)
        codes = np.zeros(phones.size, dtype=np.uint8)
        broken = bits != 0
        # Powers of two are exact in a float, and so are their logarithms.
        codes[broken] = 1 + np.log2(lowest[broken]).astype(np.uint8)
        self._counts += np.bincount(codes, minlength=self._counts.size)
        verdicts = self._policy.verdicts(bits)
        self._verdicts += np.bincount(verdicts, minlength=self._verdicts.size)
        return codes

    def sum(self) -> Scrubbed:
        """What came of it so far."""
        counts = self._counts.tolist()
        passed, held, refused = self._verdicts.tolist()
        return Scrubbed(
            sender=self._sender,
            category=self._category.name.lower(),
            at=self._at,
            position=self._position,
            rulebook=self._policy.book.name,
            rows=passed + held + refused,
            allowed=passed,
            held=held,
            refused=refused,
            reasons={
                rule.name: count for rule, count in zip(RULES, counts[1:], strict=True) if count
            },
        )


def reason(code: int) -> str:
    """The rule behind a code, empty for ``ALLOWED``."""
    return RULES[code - 1].name if code else ""
