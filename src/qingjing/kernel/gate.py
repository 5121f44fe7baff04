"""The gate: a message, its dossier and a rulebook become a decision, for ever the same."""

from __future__ import annotations

import msgspec

from qingjing.kernel.dossier import Dossier, Message, reduce
from qingjing.kernel.rulebook import Rulebook
from qingjing.kernel.rules import RULES
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.standing import fold
from qingjing.kernel.vector import Vector, case_number
from qingjing.kernel.words import Verdict


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The gate's answer: verdict, every reason in order, what it rests on, under which book.

    ``grounds`` is the position of the consent or request, 0 without one; ``case`` the vector's
    number; ``position`` how far the ledger had come.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    grounds: int
    case: int
    rulebook: str
    position: int

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules behind the reasons, with their sentences and remedies."""
        return rules_of(self.reasons)


def rules_of(reasons: tuple[str, ...]) -> tuple[Rule, ...]:
    """The rules of these names, in the policy's order."""
    return tuple(rule for rule in RULES if rule.name in reasons)


def hits(vector: Vector, book: Rulebook) -> tuple[Rule, ...]:
    """The rules that fire in this case and that the book has in force, in order."""
    return tuple(
        rule
        for rule in RULES
        if rule.hits(vector) and book.effect(rule.name) is not Verdict.PASS
    )


def decide(message: Message, dossier: Dossier, book: Rulebook) -> Decision:
    """Decide one message. Same inputs, same decision; the batch form means the same."""
    vector = reduce(message, dossier, book)
    fired = hits(vector, book)
    _state, resting = fold(
        dossier.refused,
        dossier.unclear,
        dossier.grounds,
        message.text.category.bit,
        message.submitted_at,
    )
    return Decision(
        verdict=max((book.effect(rule.name) for rule in fired), default=Verdict.PASS),
        reasons=tuple(rule.name for rule in fired),
        grounds=resting.position if resting else 0,
        case=case_number(vector),
        rulebook=book.name,
        position=dossier.position,
    )
