"""Grade: how well one consent would hold, check by check, in words.

Whether it grounds a message is the gate's judgement (``standing.grade``) and nobody else's:
each binding check asks the gate about a sound consent in which that one thing alone is as it
is here.
What the law wants besides, and the gate cannot refuse a message for, is graded beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from qingjing.kernel.rules import BY_NAME
from qingjing.kernel.standing import Grounds
from qingjing.kernel.standing import grade as judge
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import PURPOSE_ANY, Act

SOUND: Final = frozenset({GroundsState.CONSENT, GroundsState.REQUEST})
"""What grounds a message."""

RULE_OF: Final = {
    GroundsState.NONE: "grounds_present",
    GroundsState.LATE: "grounds_before_send",
    GroundsState.NOT_EXPLICIT: "grounds_explicit",
    GroundsState.NOT_SHOWN: "grounds_shown",
    GroundsState.OTHER_CATEGORY: "grounds_for_category",
    GroundsState.EXPIRED: "grounds_unexpired",
    GroundsState.REFUSED: "not_refused",
    GroundsState.UNCLEAR: "refusal_clear",
}
"""The rule that stops a message which rests on this."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A consent, and the message that it is to ground: sender, category, time (epoch ms).

    ``worded_at`` is when the words that it names came into the log, 0 when they never did.
    """

    grounds: Grounds
    agreed_with: str
    sender: str
    category_bit: int
    at: int
    worded_at: int = 0


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at. A ``binding`` one that is not met: it grounds nothing."""

    name: str
    met: bool
    binding: bool
    zh: str
    en: str


class Graded(msgspec.Struct, frozen=True, kw_only=True):
    """``state`` is the gate's word; NONE when the consent is another sender's."""

    state: GroundsState
    checks: tuple[Check, ...]

    @property
    def holds(self) -> bool:
        """Does it ground the message?"""
        return self.state in SOUND

    @property
    def lacking(self) -> tuple[Check, ...]:
        """What is not met, the binding first."""
        return tuple(sorted((c for c in self.checks if not c.met), key=lambda c: not c.binding))


_MET: Final = {
    "same_sender": ("同意的对象就是发送主体", "Given to this very sender"),
    "explicit": ("用户的明示行为", "An act of the person's own"),
    "separate": ("单独取得,未与其他事项捆绑", "Asked for separately, bundled with nothing"),
    "shown": ("能证明展示过文本", "The words were shown, with proof"),
    "purpose": ("用途包含此类营销", "For this kind of marketing"),
    "unexpired": ("在告知的期限内", "Within the term that was stated"),
    "in_log_before": ("发送前已在册", "In the log before the send"),
}
_OF: Final = {
    "same_sender": GroundsState.NONE,
    "explicit": GroundsState.NOT_EXPLICIT,
    "separate": GroundsState.NOT_EXPLICIT,
    "shown": GroundsState.NOT_SHOWN,
    "purpose": GroundsState.OTHER_CATEGORY,
    "unexpired": GroundsState.EXPIRED,
    "in_log_before": GroundsState.LATE,
}
_ASIDE: Final[tuple[tuple[str, Callable[[Case], bool], str, str, str, str], ...]] = (
    (
        "worded_before",
        lambda c: 0 < c.worded_at <= c.grounds.given_at,
        "文本在同意之前已登记",
        "The words were registered before the act",
        "文本未在同意之前登记,无法排除事后改动",
        "The words were not registered before the act, and may have been changed since",
    ),
    (
        "frequency_stated",
        lambda c: bool(c.grounds.per_count and c.grounds.per_days),
        "告知了频次",
        "A frequency was stated",
        "未告知频次",
        "No frequency was stated",
    ),
    (
        "term_stated",
        lambda c: bool(c.grounds.term_s),
        "告知了期限",
        "A term was stated",
        "未告知期限",
        "No term was stated",
    ),
)


def grade(case: Case) -> Graded:
    """Grade a consent for a message. Pure and total."""
    own = case.sender == case.agreed_with
    g, at = case.grounds, case.at
    state = judge(g, case.category_bit, at) if own else GroundsState.NONE
    perfect = Grounds(
        position=g.position,
        recorded_at=at,
        given_at=at,
        act=Act.TICKED,
        purposes=PURPOSE_ANY,
        shown=True,
        term_s=0,
        per_count=0,
        per_days=0,
    )
    bundled = g.act is Act.BUNDLED
    only: dict[str, dict[str, Any]] = {
        "explicit": {} if bundled else {"act": g.act},
        "separate": {"act": g.act} if bundled else {},
        # A request brings its own words: what was shown matters with what was done.
        "shown": {"shown": g.shown, "act": g.act if g.act.explicit else Act.TICKED},
        "purpose": {"purposes": g.purposes},
        "unexpired": {"term_s": g.term_s, "given_at": min(g.given_at, at)},
        "in_log_before": {"recorded_at": g.recorded_at, "given_at": g.given_at},
    }
    met = {"same_sender": own} | {
        name: judge(msgspec.structs.replace(perfect, **part), case.category_bit, at) in SOUND
        for name, part in only.items()
    }
    checks = [_binding(name, met[name]) for name in _MET]
    for name, holds, zh, en, not_zh, not_en in _ASIDE:
        good = holds(case)
        words = (zh, en) if good else (not_zh, not_en)
        checks.append(Check(name=name, met=good, binding=False, zh=words[0], en=words[1]))
    return Graded(state=state, checks=tuple(checks))


def _binding(name: str, met: bool) -> Check:
    rule = BY_NAME[RULE_OF[_OF[name]]]
    zh, en = _MET[name] if met else (rule.zh, rule.en)
    return Check(name=name, met=met, binding=True, zh=zh, en=en)
