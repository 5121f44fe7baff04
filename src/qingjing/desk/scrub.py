"""Scrub: a campaign's list of numbers against what every person said, before anything is sent.

The same policy as the gate's, over what depends on the person and the sender alone. It does
not replace the gate: hours, caps, text and path are judged when a message is submitted, and
whoever refuses after the scrub is still left alone.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from qingjing.desk.entries import About, InputError
from qingjing.desk.ports import U8s, U64s
from qingjing.desk.send import Desk
from qingjing.kernel.batch import Column, Policy
from qingjing.kernel.rules import RULES
from qingjing.kernel.vector import FIELDS, GroundsState, SenderState
from qingjing.kernel.words import Category, Kind, NumberState, Verdict

ALLOWED: Final = 0
"""The code of a number that may be sent to; any other code is 1 + the place of a rule."""


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

    def __init__(self, desk: Desk, sender: str, category: str, at: int) -> None:
        """``at`` is when the campaign is to be sent, epoch ms."""
        about = About([], "")
        word = about.word("category", Category, category)
        party = desk.ledger.register.party(sender)
        if party is None:
            about.wrong("sender", f"{sender!r} is not registered", "register the party first")
        if word is None or party is None:
            raise InputError(about.problems)
        suspended = desk.ledger.register.suspended(sender, at)
        sender_state = SenderState.SUSPENDED if suspended else SenderState.OK
        self._sender, self._group, self._category = sender, party.group, word
        self._at, self._position = at, desk.ledger.position
        self._standings = desk.ledger.standings
        self._policy: Policy = desk.policy(at)
        self._codes = _codes(self._policy, sender_state)
        self._counts = np.zeros(1 + len(RULES), dtype=np.int64)

    def judge(self, phones: U64s) -> U8s:
        """The code of each number: ``ALLOWED``, or 1 + the place of the first rule it breaks.

        A number of 0 stands for one that is no Chinese mobile number.
        """
        grounds, number = self._standings.look_up(
            phones, self._sender, self._group, self._category.bit, self._at
        )
        number[phones == 0] = NumberState.INVALID
        codes: U8s = self._codes.take(number * np.uint8(len(GroundsState)) + grounds)
        self._counts += np.bincount(codes, minlength=self._counts.size)
        return codes

    def sum(self) -> Scrubbed:
        """What came of it so far."""
        counts = self._counts.tolist()
        effects = [self._policy.book.effect(rule.name) for rule in RULES]
        by_effect = dict.fromkeys(Verdict, 0) | {Verdict.PASS: counts[ALLOWED]}
        for effect, count in zip(effects, counts[1:], strict=True):
            by_effect[effect] += count
        passed, held, refused = by_effect.values()
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


def _codes(policy: Policy, sender: SenderState) -> U8s:
    """The code of every number state (rows) and grounds state (columns): the policy, asked
    once about every case that a list can hold."""
    states, grounds = np.indices((len(NumberState), len(GroundsState))).reshape(2, -1)
    columns: dict[str, Column] = {name: 0 for name, _kind in FIELDS}
    columns |= {"declared": int(Kind.COMMERCIAL), "read": int(Kind.COMMERCIAL)}
    columns |= {"sender": int(sender), "grounds": grounds, "number": states}
    bits = policy.reasons(columns, states.size).tolist()
    codes = [(word & -word).bit_length() for word in bits]
    return np.array(codes, np.uint8).reshape(len(NumberState), len(GroundsState))
