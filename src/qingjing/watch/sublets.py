"""Sublet ports (违规转租): a port that serves someone to whom nobody granted it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from math import log10
from typing import Final, NamedTuple

from qingjing.kernel.words import Category
from qingjing.watch.alarm import MARKETING, ROWS_KEPT, Alarm, Evidence, at_least, surely
from qingjing.watch.logs import Cell
from qingjing.watch.ties import View

# Weights of evidence in natural units; docs/detectors.md has the table and its reasons.
FOREIGN_NAME: Final = 3.0
UNKNOWN_NAME: Final = 1.5
FOREIGN_LINK: Final = 2.0
FOREIGN_TRADE: Final = 1.0
SEVERAL: Final = 0.5
_HOURS_APART: Final = 4 * 60
_SILENT_AT: Final = 300
"""Marketing messages without one reply that say that nobody reads replies."""


class _Tenant:
    """What was seen of someone who uses a port without a grant."""

    def __init__(self, since: int) -> None:
        self.since, self.last = since, 0
        self.n = self.named = self.unknown = self.linked = self.trade = 0
        self.replies = self.minutes = self.before = 0
        self.families: set[int] = set()
        self.days: set[int] = set()
        self.names: set[str] = set()
        self.rows: list[int] = []


class _Mark(NamedTuple):
    tenant: str
    named: bool
    unknown: bool
    linked: bool
    trade: bool


class Sublets:
    """Ports and their tenants. ``totals``: messages and minutes of day by port."""

    def __init__(self) -> None:
        """No port is known."""
        self._tenants: dict[tuple[str, str], _Tenant] = {}
        self._totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        self._families: dict[str, set[int]] = defaultdict(set)

    def examine(self, view: View) -> list[Alarm]:
        """Take a day in; ports whose evidence is enough."""
        touched: dict[tuple[str, str], _Tenant] = {}
        for cell in view.cells:
            mark = _mark(view, cell)
            if mark is None:
                total = self._totals[cell.port]
                total[0] += cell.n
                total[1] += cell.minutes
                self._families[cell.port].add(cell.family)
                continue
            key = cell.port, mark.tenant
            tenant = self._tenants.get(key)
            if tenant is None:
                tenant = self._tenants[key] = _Tenant(cell.first)
                tenant.before = self._totals[cell.port][0]
            _add(tenant, cell, mark, view.day)
            touched[key] = tenant
        if view.day % 7 == 0:
            since = view.day - view.limits.window_days
            self._tenants = {k: t for k, t in self._tenants.items() if t.last >= since}
        found = [
            self._weigh(view, port, whom, tenant) for (port, whom), tenant in touched.items()
        ]
        return [alarm for alarm in found if alarm is not None]

    def _weigh(self, view: View, port: str, whom: str, tenant: _Tenant) -> Alarm | None:
        home = self._totals[port]
        share = at_least(tenant.n, home[0] - tenant.before + tenant.n)
        if tenant.n < view.limits.messages or share < view.limits.share:
            return None
        told = list(self._reasons(port, whom, tenant))
        weight = sum(one for one, _ in told) + min(1.0, log10(tenant.n / view.limits.messages))
        if weight < view.limits.evidence:
            return None
        users = "、".join(sorted(view.now.users.get(port, ()))) or "?"
        who = whom.removeprefix("?")
        return Alarm(
            kind="sublet_port",
            party=who,
            port=port,
            signature=min(tenant.names, default=""),
            score=surely(weight, view.limits.evidence),
            since=tenant.since,
            at=view.end,
            messages=tenant.n,
            words_zh=f"端口{port}登记的使用者是{users},却有{tenant.n}条短信为{who}发送",
            words_en=f"Port {port} is declared for {users}, yet {tenant.n} messages serve "
            f"{who}, to whom no grant was made",
            evidence=tuple(evidence for _, evidence in told),
        )

    def _reasons(
        self, port: str, whom: str, tenant: _Tenant
    ) -> Iterator[tuple[float, Evidence]]:
        rows = tuple(tenant.rows)
        names = "、".join(sorted(tenant.names)[:3])
        if tenant.named:
            zh = f"签名【{names}】属于{whom},{tenant.named}条"
            en = f"signature {names} belongs to {whom}: {tenant.named} messages"
            yield FOREIGN_NAME, Evidence(zh, en, rows)
        elif tenant.unknown:
            zh = f"签名【{names}】无人登记,{tenant.unknown}条"
            en = f"signature {names} is nobody's in the register: {tenant.unknown} messages"
            yield UNKNOWN_NAME, Evidence(zh, en, rows)
        if tenant.linked:
            zh, en = "链接的落地页属于他人", "links lead to pages of someone else"
            yield (
                FOREIGN_LINK,
                Evidence(f"{zh},{tenant.linked}条", f"{en}: {tenant.linked}", rows),
            )
        if tenant.trade:
            zh, en = "行业超出许可", "the line of trade is outside the users' licences"
            yield FOREIGN_TRADE, Evidence(f"{zh},{tenant.trade}条", f"{en}: {tenant.trade}")
        if not tenant.families & self._families.get(port, set()):
            zh, en = (
                "文案与端口使用者的文案无一相同",
                "none of its texts is one of the users' own",
            )
            yield SEVERAL, Evidence(zh, en)
        if len(tenant.families) > 1:
            zh, en = f"{len(tenant.families)}种文案", f"{len(tenant.families)} different texts"
            yield SEVERAL, Evidence(zh, en)
        if len(tenant.days) > 2:
            zh, en = f"持续{len(tenant.days)}天", f"on {len(tenant.days)} days"
            yield SEVERAL, Evidence(zh, en)
        sent, minutes = self._totals[port]
        if sent > 50 and abs(minutes / sent - tenant.minutes / tenant.n) > _HOURS_APART:
            zh, en = "发送时段不同", "it is sent at other hours than the users' own"
            yield SEVERAL, Evidence(zh, en)
        if tenant.n >= _SILENT_AT and not tenant.replies:
            zh, en = "用户回复无人处理", "not one reply is known: nobody seems to read them"
            yield SEVERAL, Evidence(zh, en)


def _add(tenant: _Tenant, cell: Cell, mark: _Mark, day: int) -> None:
    tenant.n += cell.n
    tenant.named += cell.n * mark.named
    tenant.unknown += cell.n * mark.unknown
    tenant.linked += cell.n * mark.linked
    tenant.trade += cell.n * mark.trade
    tenant.replies += cell.replies
    tenant.minutes += cell.minutes
    tenant.since, tenant.last = min(tenant.since, cell.first), day
    tenant.families.add(cell.family)
    tenant.days.add(day)
    tenant.names.add(cell.signature)
    if len(tenant.rows) < ROWS_KEPT:
        tenant.rows.append(cell.row)


def _mark(view: View, cell: Cell) -> _Mark | None:
    """Whom a message serves, if not one of the port's users; None if it does or may."""
    now, ties = view.now, view.ties
    users = now.users.get(cell.port)
    if not users:
        return None  # nobody declared the port at all: that is for the register to settle
    owner = now.owner(cell.signature)
    if owner and owner not in users:
        landing = ties.landing(cell.domain)
        return _Mark(owner, True, False, bool(landing) and landing not in users, False)
    landing = ties.landing(cell.domain)
    linked = bool(landing) and landing not in users
    trade = _foreign_trade(view, cell, users)
    if owner or not cell.signature:
        # Under the users' own name: a partner's link is no sublet, another's whole trade is.
        return _Mark(landing, False, False, True, True) if linked and trade else None
    if landing in users or now.akin(cell.signature, users):
        return None
    return _Mark(f"?{cell.signature}", False, True, linked, trade)


def _foreign_trade(view: View, cell: Cell, users: set[str]) -> bool:
    if cell.kind not in MARKETING:
        return False
    category = view.ties.said(cell.family).category
    licensed = 0
    for group in users:
        industries = view.now.industries.get(group, 0)
        if not industries:
            return False
        licensed |= industries
    return category is not Category.OTHER and not licensed >> int(category) & 1
