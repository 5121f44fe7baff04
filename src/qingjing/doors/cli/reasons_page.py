"""The page of reasons, ``docs/reasons.md``: made from the policy, so it cannot be wrong."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Final

from qingjing.kernel.rulebook import Rulebook
from qingjing.kernel.rules import RULES
from qingjing.kernel.rules.rule import Rule
from qingjing.kernel.words import Verdict

_HEAD: Final = """\
# Reasons 判定理由

Every reason for which a message is held or refused, in the order in which reasons are told. A
decision lists all that apply; the severest effect is the verdict. The duties stand in
[law.csv](law.csv), the words in [concepts.md](concepts.md).

This page is made from the rules in `kernel/rules` and the shipped rulebooks; a test holds it to
them.
"""

_EFFECTS: Final = {
    Verdict.PASS: "off 不启用",
    Verdict.HOLD: "HOLD 暂缓",
    Verdict.REFUSE: "REFUSE 拒发",
}


def reasons_page(books: Sequence[Rulebook]) -> str:
    """The page: one section a rule, with its effect in each of these books."""
    sections = [_section(place, rule, books) for place, rule in enumerate(RULES, start=1)]
    return "\n".join([_HEAD, *sections])


def _section(place: int, rule: Rule, books: Sequence[Rulebook]) -> str:
    effects = "; ".join(f"`{book.name}` {_EFFECTS[book.effect(rule.name)]}" for book in books)
    fields = ", ".join(f"`{name}`" for name in rule.fields)
    lines = [
        f"## {place}. `{rule.name}`",
        "",
        f"{rule.zh}。",
        f"{rule.en}.",
        "",
        f"* Why: {_why(rule)}",
        f"* 怎么办: {rule.remedy_zh}",
        f"* Remedy: {rule.remedy_en}",
        f"* Duty 义务: {rule.duty}",
        f"* Looks at 依据: {fields}",
        f"* Effect 结果: {effects}",
        "",
    ]
    return "\n".join(lines)


def _why(rule: Rule) -> str:
    """The first sentence of the rule's file, which names the clause."""
    module = inspect.getmodule(rule.fires)
    return inspect.cleandoc((module and module.__doc__) or "").partition("\n\n")[0]
