"""Drift: a signature beyond its scope (扩大签名使用范围), a port beyond its declared use."""

from __future__ import annotations

from collections import Counter
from typing import Literal, NamedTuple

from qingjing.kernel.words import Category
from qingjing.watch.alarm import MARKETING, ROWS_KEPT, Alarm, Evidence, at_least
from qingjing.watch.logs import Cell
from qingjing.watch.ties import View

What = Literal["signature", "port"]


class _Aside(NamedTuple):
    """What was outside in one way: ``how`` is sender, kind or category; ``value`` which."""

    how: str
    value: str
    zh: str
    en: str


class _Trail:
    """One signature's or port's uses outside of one part of its scope."""

    def __init__(self, since: int) -> None:
        self.since, self.last, self.n, self.before = since, 0, 0, 0
        self.families: set[int] = set()
        self.rows: list[int] = []
        self.party = ""


class Drift:
    """Counts what is outside, by signature or port and by how it is outside."""

    def __init__(self, what: What) -> None:
        """``what`` is looked at."""
        self._what: What = what
        self._trails: dict[tuple[str, _Aside], _Trail] = {}
        self._totals: Counter[str] = Counter()

    def examine(self, view: View) -> list[Alarm]:
        """Take a day in; what is surely outside by now."""
        touched: dict[tuple[str, _Aside], _Trail] = {}
        for cell in view.cells:
            subject = cell.signature if self._what == "signature" else cell.port
            self._totals[subject] += cell.n
            for aside in self._asides(view, cell):
                key = subject, aside
                trail = self._trails.get(key)
                if trail is None:
                    trail = self._trails[key] = _Trail(cell.first)
                    trail.before = self._totals[subject] - cell.n
                trail.n += cell.n
                trail.since, trail.last = min(trail.since, cell.first), view.day
                trail.families.add(cell.family)
                trail.party = view.now.party(cell.sender)
                if len(trail.rows) < ROWS_KEPT:
                    trail.rows.append(cell.row)
                touched[key] = trail
        if view.day % 7 == 0:
            since = view.day - view.limits.window_days
            self._trails = {k: t for k, t in self._trails.items() if t.last >= since}
        found = []
        for (subject, aside), trail in touched.items():
            share = at_least(trail.n, self._totals[subject] - trail.before)
            if trail.n >= view.limits.messages and share >= view.limits.share:
                found.append(self._alarm(view, subject, aside, trail))
        return found

    def _asides(self, view: View, cell: Cell) -> list[_Aside]:
        return _of_signature(view, cell) if self._what == "signature" else _of_port(view, cell)

    def _alarm(self, view: View, subject: str, aside: _Aside, trail: _Trail) -> Alarm:
        ported = self._what == "port"
        whole = self._totals[subject] - trail.before
        zh = f"{'端口' if ported else '签名'}{subject}:{aside.zh},{trail.n}条(共{whole}条)"
        en = f"{self._what.title()} {subject}: {aside.en}, {trail.n} of {whole} messages"
        texts = len(trail.families)
        return Alarm(
            kind="port_drift" if ported else "signature_drift",
            party=trail.party,
            port=subject if ported else "",
            signature="" if ported else subject,
            # Past the noise of reading, what remains unsure is the register, not the count.
            score=round(at_least(trail.n, trail.n + 0.1), 3),
            since=trail.since,
            at=view.end,
            messages=trail.n,
            words_zh=zh,
            words_en=en,
            evidence=(
                Evidence(aside.zh, aside.en, tuple(trail.rows)),
                Evidence(f"涉及{texts}种文案", f"in {texts} different texts"),
            ),
        )


def _of_signature(view: View, cell: Cell) -> list[_Aside]:
    scope = view.now.scopes.get(cell.signature)
    if scope is None:
        return []
    found = []
    group = view.now.group(cell.sender)
    if cell.sender and group not in scope.groups:
        zh, en = f"由{group}使用,未经授权", f"used by {group}, whom nobody authorised"
        found.append(_Aside("sender", group, zh, en))
    markets, kind, category = view.ties.said(cell.family)
    if not markets:
        return found
    if not scope.kinds >> int(kind) & 1:
        zh, en = (
            f"用于{kind.name},不在登记用途内",
            f"used for {kind.name.lower()}, not declared",
        )
        found.append(_Aside("kind", kind.name, zh, en))
    if category is not Category.OTHER and not scope.categories >> int(category) & 1:
        trade = category.name.lower()
        found.append(
            _Aside(
                "category",
                trade,
                f"用于{trade}类目,不在登记范围内",
                f"sells {trade}, not declared",
            )
        )
    return found


def _of_port(view: View, cell: Cell) -> list[_Aside]:
    declared = view.now.kinds.get(cell.port)
    if declared is None:
        return []
    markets, kind, _ = view.ties.said(cell.family)
    if not markets or kind not in MARKETING or declared >> int(kind) & 1:
        return []
    what = kind.name.lower()
    return [
        _Aside(
            "kind", what, f"登记用途之外发送{what}", f"carries {what}, outside its declared use"
        )
    ]
