"""Rates with their uncertainty: complaints per million, and replies that never come.

Both are counts over messages. Rates of senders scatter as a gamma law, counts about them as
Poisson's: so a sender of few messages is drawn towards what is usual, and one of many speaks
for itself (empirical Bayes; Robbins 1956, Clayton and Kaldor 1987).
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, gammaln, gdtr

from qingjing.watch.alarm import Alarm, Evidence
from qingjing.watch.ties import View

MONTH_DAYS: Final = 30
MILLION: Final = 1_000_000
SILENT_AT: Final = 0.001
"""A silence so unlikely by chance is told: one port in a thousand, over all its silences, of
which each reply begins a new one."""
_LEARN_FROM: Final = 20

Floats = NDArray[np.float64]


class Law(NamedTuple):
    """A gamma law of rates: shape, and messages that it is worth."""

    shape: float
    size: float


USUAL: Final = Law(0.5, 0.5 / (0.1 / MILLION))
"""Where too few complaints are known to learn from: a tenth of a complaint per million."""
UNHEARD: Final = Law(1.0, 100.0)
"""Where too few replies are known: about one in a hundred messages, and little trust in it."""


def fitted(counts: Floats, sizes: Floats, usual: Law = USUAL) -> Law:
    """The gamma law under which these counts are likeliest, on a grid; ``usual`` if too few."""
    if counts.sum() < _LEARN_FROM or len(counts) < 10:
        return usual
    mean = counts.sum() / sizes.sum()
    shapes = np.geomspace(0.02, 20, 24)[:, None, None]
    means = (mean * np.geomspace(0.05, 4, 24))[None, :, None]
    worth = shapes / means
    k, n = counts[None, None, :], sizes[None, None, :]
    likely = (
        gammaln(k + shapes) - gammaln(shapes) + shapes * np.log(worth / (worth + n))
    ) + k * np.log(np.maximum(n, 1e-9) / (worth + n))
    best = np.unravel_index(int(likely.sum(axis=2).argmax()), (24, 24))
    shape = float(shapes[best[0], 0, 0])
    return Law(shape, shape / float(means[0, best[1], 0]))


class Complaints:
    """Complaints and messages by sender over the last thirty days."""

    def __init__(self) -> None:
        """No message is known."""
        self._days: deque[dict[str, list[int]]] = deque(maxlen=MONTH_DAYS)

    def examine(self, view: View) -> list[Alarm]:
        """Take a day in; senders whose rate is surely above the vendors' limits."""
        today: dict[str, list[int]] = {}
        for cell in view.cells:
            count = today.setdefault(view.now.party(cell.sender), [0, 0, cell.first, cell.row])
            count[0] += cell.n
            count[1] += cell.complaints
            if cell.complaints:
                count[3] = cell.row
        self._days.append(today)
        senders = sorted({sender for day in self._days for sender in day})
        sums = np.array(
            [
                [sum(day.get(s, (0, 0))[at] for day in self._days) for at in (0, 1)]
                for s in senders
            ],
            np.float64,
        ).reshape(-1, 2)
        sizes, counts = sums[:, 0], sums[:, 1]
        law = fitted(counts, sizes)
        found = []
        for place in np.flatnonzero(counts > 1).tolist():
            alarm = self._weigh(view, senders[place], int(counts[place]), sizes[place], law)
            if alarm is not None:
                found.append(alarm)
        return found

    def _weigh(self, view: View, who: str, count: int, sent: float, law: Law) -> Alarm | None:
        shape, size = law.shape + count, law.size + sent
        limits = view.limits
        sure = {
            at: 1 - float(gdtr(size / MILLION, shape, at))
            for at in (limits.complaints_warn, limits.complaints_close)
        }
        if sure[limits.complaints_warn] < limits.sure:
            return None
        rate, low, high = (
            float(value) / size * MILLION
            for value in (shape, gammaincinv(shape, 0.05), gammaincinv(shape, 0.95))
        )
        closing = sure[limits.complaints_close] >= limits.sure
        limit = limits.complaints_close if closing else limits.complaints_warn
        days = [day[who] for day in self._days if who in day]
        rows = tuple(day[3] for day in days if day[1])[-5:]
        zh = f"{who}三十天内{sent:.0f}条短信有{count}起投诉:每百万{rate:.2g}"
        zh += f"(90%区间{low:.2g}-{high:.2g})"
        en = f"{who}: {count} complaints on {sent:.0f} messages in thirty days, {rate:.2g} per "
        en += f"million (90 % interval {low:.2g} to {high:.2g})"
        return Alarm(
            kind="complaint_rate",
            party=who,
            score=round(sure[limit], 3),
            since=next(day[2] for day in days if day[1]),
            at=view.end,
            messages=int(sent),
            words_zh=f"{zh},高于{limit}",
            words_en=f"{en}, above {limit}",
            evidence=(Evidence(f"投诉{count}起", f"{count} complaints", rows),),
        )


class DeadReplies:
    """Ports on which marketing goes out and no reply comes back, though replies are usual."""

    def __init__(self) -> None:
        """No port is known."""
        self._ports: dict[str, list[int]] = {}

    def examine(self, view: View) -> list[Alarm]:
        """Take a day in; ports that have been silent too long to be chance."""
        touched = set()
        for cell in view.cells:
            if cell.verdict > 1 or not view.ties.said(cell.family).markets:
                continue
            # Messages and replies up to the last reply; messages since, the first of them, row.
            port = self._ports.setdefault(cell.port, [0, 0, 0, cell.first, cell.row, 0])
            if not port[2]:
                port[3:5] = [cell.first, cell.row]
            port[2] += cell.n
            port[5] = view.day
            touched.add(cell.port)
            if cell.replies:
                port[:3] = [port[0] + port[2], port[1] + cell.replies, 0]
        if not touched:
            return []
        known = np.array([port[:3] for port in self._ports.values()], np.float64)
        answered = known[known[:, 1] > 0]
        law = fitted(answered[:, 1], answered[:, 0] + answered[:, 2], UNHEARD)
        since = view.day - view.limits.window_days
        if view.day % 7 == 0:
            self._ports = {name: port for name, port in self._ports.items() if port[5] >= since}
        return [
            _silent(view, name, port, chance)
            for name in sorted(touched)
            if law.size
            and (chance := _chance(port := self._ports[name], law)) * (1 + port[1]) < SILENT_AT
        ]


def _chance(port: list[int], law: Law) -> float:
    """How likely this many messages bring no reply, by the port's own past and its peers."""
    sent, replies, silent = port[:3]
    size = law.size + sent
    return float((size / (size + silent)) ** (law.shape + replies))


def _silent(view: View, name: str, port: list[int], chance: float) -> Alarm:
    sent, replies, silent = port[:3]
    before = (
        f"此前{sent}条有{replies}条回复",
        f"before, {sent} messages had {replies} replies",
    )
    return Alarm(
        kind="dead_reply_port",
        port=name,
        score=round(1 - chance, 4),
        since=port[3],
        at=view.end,
        messages=silent,
        words_zh=f"端口{name}连续{silent}条营销短信没有一条回复,偶然的可能为{chance:.1g}",
        words_en=f"Port {name}: {silent} marketing messages in a row, no reply; by chance "
        f"that has probability {chance:.1g}",
        evidence=(Evidence(*before, (port[4],)),),
    )
