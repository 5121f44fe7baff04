"""The fold of a person's facts for one sender: what a message to that person can rest on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Act, ReplyMeaning, Standing


class Grounds(msgspec.Struct, frozen=True, kw_only=True):
    """One consent or request as the gate sees it; ``position`` is its fact in the ledger."""

    position: int
    recorded_at: int
    given_at: int
    act: Act
    purposes: int
    shown: bool
    term_s: int
    per_count: int
    per_days: int


RANK: Final = (
    GroundsState.NONE,
    GroundsState.LATE,
    GroundsState.NOT_EXPLICIT,
    GroundsState.NOT_SHOWN,
    GroundsState.OTHER_CATEGORY,
    GroundsState.EXPIRED,
    GroundsState.REQUEST,
    GroundsState.CONSENT,
)
# How near to sound; of several consents the nearest one speaks for the person.

_STANDING: Final = {
    GroundsState.CONSENT: Standing.CONSENTED,
    GroundsState.REQUEST: Standing.REQUESTED,
    GroundsState.REFUSED: Standing.REFUSED,
    GroundsState.UNCLEAR: Standing.UNCLEAR,
}


def grade(grounds: Grounds, category_bit: int, at: int) -> GroundsState:
    """How well one consent holds for this category at this time: its first defect, or sound.

    Explicit (民法典 §1033), shown (PIPL §17), for this purpose (PIPL §14), within its term
    (Order 31 Art 18), recorded before the send. Terms run in whole seconds.
    """
    now_s, given_s = at // 1000, grounds.given_at // 1000
    if grounds.recorded_at > at or given_s > now_s:
        return GroundsState.LATE
    if not grounds.act.explicit:
        return GroundsState.NOT_EXPLICIT
    if not grounds.shown and grounds.act is not Act.REQUESTED:
        return GroundsState.NOT_SHOWN
    if not grounds.purposes & category_bit:
        return GroundsState.OTHER_CATEGORY
    if grounds.term_s and now_s >= given_s + grounds.term_s:
        return GroundsState.EXPIRED
    return GroundsState.REQUEST if grounds.act is Act.REQUESTED else GroundsState.CONSENT


def fold(
    refused: bool, unclear: bool, candidates: Iterable[Grounds], category_bit: int, at: int
) -> tuple[GroundsState, Grounds | None]:
    """State and grounds it rests on. A refusal outweighs all, an unclear reply holds."""
    best: tuple[GroundsState, Grounds | None] = (GroundsState.NONE, None)
    for grounds in candidates:
        state = grade(grounds, category_bit, at)
        if best[1] is None or RANK.index(state) > RANK.index(best[0]):
            best = (state, grounds)
    if refused:
        return GroundsState.REFUSED, best[1]
    if unclear:
        return GroundsState.UNCLEAR, best[1]
    return best


def unclear_after(unclear: bool, meaning: ReplyMeaning) -> bool:
    """Does an unclear reply hold, once this was heard? A call for help settles nothing."""
    return unclear if meaning is ReplyMeaning.HELP else meaning is ReplyMeaning.UNCLEAR


def standing(state: GroundsState) -> Standing:
    """The glossary's word for a state: weak grounds are no standing at all."""
    return _STANDING.get(state, Standing.NONE)
