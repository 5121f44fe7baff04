"""What ties messages to someone: whose text, whose link, whose name; learnt day by day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import log
from typing import Final, NamedTuple, TypeVar

from qingjing.kernel.words import Category, Kind
from qingjing.watch.alarm import MARKETING, Limits, at_least
from qingjing.watch.declared import Declared
from qingjing.watch.logs import Cell

COMMON_AT: Final = 4
"""From so many unrelated groups a text or link is anybody's and says nothing of who sends."""
KEPT_MAX: Final = 200_000
"""Texts and links remembered, some 150 MB; past that the oldest go."""
_OWNED: Final = 0.8

T = TypeVar("T", int, str)


class Tie:
    """A text or a link: the groups that used it, as what it was read, and when last."""

    __slots__ = ("categories", "groups", "kinds", "last")

    def __init__(self) -> None:
        """Nothing is known of it yet."""
        self.groups: Counter[str] = Counter()
        self.kinds: Counter[Kind] = Counter()
        self.categories: Counter[Category] = Counter()
        self.last = 0


class Said(NamedTuple):
    """Whether a text is marketing, its kind, and its line of trade, OTHER where unsure."""

    markets: bool
    kind: Kind
    category: Category


class View(NamedTuple):
    """A day as the detectors see it. ``people`` are sampled persons by signature and port."""

    day: int
    end: int
    cells: Sequence[Cell]
    people: dict[tuple[str, str], set[int]]
    now: Declared
    ties: Ties
    limits: Limits


class Ties:
    """All that is known of texts and links."""

    def __init__(self, now: Declared) -> None:
        """Whose a message is, is asked of the register."""
        self._now = now
        self.families: dict[int, Tie] = {}
        self.domains: dict[str, Tie] = {}
        self._said: dict[int, Said] = {}

    def note(self, day: int, cells: Sequence[Cell], keep: int) -> None:
        """Take a day in, and forget what was not seen for ``keep`` days."""
        self._said.clear()
        for cell in cells:
            group = self.sender(cell)
            family = self.families.get(cell.family)
            if family is None:
                family = self.families[cell.family] = Tie()
            family.kinds[cell.kind] += cell.n
            family.categories[cell.category] += cell.n
            _seen(family, group, cell.n, day)
            if cell.domain:
                domain = self.domains.get(cell.domain)
                if domain is None:
                    domain = self.domains[cell.domain] = Tie()
                _seen(domain, group, cell.n, day)
        if day % 7 == 0:
            self.families = _kept(self.families, day - keep)
            self.domains = _kept(self.domains, day - keep)

    def sender(self, cell: Cell) -> str:
        """Whose a message is by its name: the signature's owner, or a name that none owns."""
        owner = self._now.owner(cell.signature)
        if owner or not cell.signature:
            return owner or self._now.group(cell.sender)
        return f"?{cell.signature}"

    def said(self, family: int) -> Said:
        """What a text is: one text is one thing, what most of its readings say."""
        said = self._said.get(family)
        if said is None:
            tie = self.families[family]
            kinds, whole = tie.kinds, tie.kinds.total()
            kind = max(kinds, key=kinds.__getitem__)
            category = max(tie.categories, key=tie.categories.__getitem__)
            sells = sum(kinds[one] for one in MARKETING)
            sure = at_least(tie.categories[category], whole, 1.0) > 0.5
            said = Said(
                at_least(sells, whole, 1.0) > 0.5, kind, category if sure else Category.OTHER
            )
            self._said[family] = said
        return said

    def landing(self, domain: str) -> str:
        """Who owns what a link leads to: by the register, or by who alone has used it."""
        declared = self._now.landing(domain)
        if declared or self._now.shared(domain) or domain not in self.domains:
            return declared
        groups = self.domains[domain].groups
        group, count = groups.most_common(1)[0]
        owned = len(groups) < COMMON_AT and count >= _OWNED * groups.total()
        return group if owned and not group.startswith("?") else ""

    def own(self, tie: Tie) -> float:
        """How much a text or link tells of its user: 1 if one group has it, 0 if many do."""
        return max(0.0, 1 - log(max(len(tie.groups), 1)) / log(COMMON_AT))


def _seen(tie: Tie, group: str, count: int, day: int) -> None:
    tie.last = day
    if group in tie.groups or len(tie.groups) < 2 * COMMON_AT:
        tie.groups[group] += count


def _kept(ties: dict[T, Tie], since: int) -> dict[T, Tie]:
    fresh = {key: tie for key, tie in ties.items() if tie.last >= since}
    if len(fresh) > KEPT_MAX:
        newest = sorted(fresh, key=lambda key: fresh[key].last, reverse=True)[:KEPT_MAX]
        fresh = {key: fresh[key] for key in newest}
    return fresh
