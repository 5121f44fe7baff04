"""Paths: refused here and sent again there (route shopping), and undeclared chains."""

from __future__ import annotations

from collections import Counter

from qingjing.watch.alarm import ROWS_KEPT, Alarm, Evidence, at_least, surely
from qingjing.watch.logs import REFUSED, Cell
from qingjing.watch.ties import View

DAYS_MAX = 14
"""A text that is sent elsewhere later than this was not moved because of the refusal."""
_HALF = 0.5
_SURPRISE = 0.05


class _Refused:
    """A text of a sender that a path refused: first refusal, and what the paths did with it."""

    def __init__(self, day: int) -> None:
        self.day = day
        self.sent: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.begun: dict[str, int] = {}
        self.ended: dict[str, int] = {}
        self.first: dict[str, int] = {}
        self.rows: dict[str, list[int]] = {}


class Shopping:
    """Texts by sender, and the paths that each sender uses anyway."""

    def __init__(self) -> None:
        """No text is known."""
        self._texts: dict[tuple[str, int], _Refused] = {}
        self._usual: dict[str, Counter[str]] = {}

    def examine(self, view: View) -> list[Alarm]:
        """Take a day in; senders who got past a refusal by another path."""
        touched: dict[tuple[str, int], _Refused] = {}
        for cell in sorted(view.cells, key=lambda one: one.first):
            group = view.now.group(cell.sender)
            if not group:
                continue  # a log without senders: nobody can be said to have moved a text
            key = group, cell.family
            text = self._texts.get(key)
            if text is None or view.day - text.day > DAYS_MAX:
                text = self._texts[key] = _Refused(view.day)
            path = cell.provider
            text.sent[path] += cell.n
            text.begun[path] = min(cell.first, text.begun.get(path, cell.first))
            text.ended[path] = max(cell.last, text.ended.get(path, 0))
            if cell.verdict == REFUSED:
                text.refused[path] += cell.n
                text.first[path] = min(cell.first, text.first.get(path, cell.first))
            rows = text.rows.setdefault(path, [])
            if len(rows) < ROWS_KEPT:
                rows.append(cell.row)
            text.day = view.day if not text.refused else text.day
            touched[key] = text
        found = [
            self._weigh(view, group, text)
            for (group, _), text in touched.items()
            if text.refused
        ]
        for cell in view.cells:
            usual = self._usual.setdefault(view.now.group(cell.sender), Counter())
            usual[cell.provider] += cell.n
        if view.day % 7 == 0:
            since = view.day - DAYS_MAX
            self._texts = {k: t for k, t in self._texts.items() if t.day >= since}
        return [alarm for alarm in found if alarm is not None]

    def _weigh(self, view: View, group: str, text: _Refused) -> Alarm | None:
        for refusing, refused in text.refused.items():
            before = text.sent[refusing] - refused
            if at_least(refused, text.sent[refusing], 1.0) <= _HALF and refused <= before:
                continue
            for other, begun in text.begun.items():
                passed = text.sent[other] - text.refused[other]
                if other == refusing or begun <= text.first[refusing]:
                    continue
                if passed < view.limits.messages or not self._new(group, other, text, refusing):
                    continue
                return _shopped(view, group, text, (refusing, other), (refused, passed))
        return None

    def _new(self, group: str, other: str, text: _Refused, refusing: str) -> bool:
        """Is it strange for this sender that nothing went there before the refusal?

        One who splits every text over two providers would have used both from the start.
        """
        usual = self._usual.get(group, Counter())
        share = (usual[other] + 0.5) / (usual.total() + 1.0)
        if share < _SURPRISE:
            return True
        begun = text.begun[refusing]
        passed = (text.begun[other] - begun) / max(text.ended[refusing] - begun, 1)
        silent = min(passed, 1.0) * text.sent[refusing]
        return bool((1 - share) ** silent < _SURPRISE)


def _shopped(
    view: View, group: str, text: _Refused, paths: tuple[str, str], counts: tuple[int, int]
) -> Alarm:
    (refusing, other), (refused, passed) = paths, counts
    hours = (text.begun[other] - text.first[refusing]) / 3_600_000
    rows = (*text.rows[refusing][:2], *text.rows[other][:3])
    return Alarm(
        kind="route_shopping",
        party=group,
        score=round(at_least(passed, passed + 0.5), 3),
        since=text.begun[other],
        at=view.end,
        messages=passed,
        words_zh=f"{group}的文案被{refusing}拒绝{refused}条,"
        f"{hours:.0f}小时后经{other}发出{passed}条",
        words_en=f"A text of {group} was refused by {refusing} {refused} times, and "
        f"{hours:.0f} hours later went out by {other}, {passed} times",
        evidence=(
            Evidence(
                f"此前该文案从未经{other}", f"the text had never gone by {other} before", rows
            ),
        ),
    )


class Chains:
    """Senders whose messages come by a provider that is no link of any declared chain."""

    def __init__(self) -> None:
        """No path is known."""
        self._paths: dict[tuple[str, str, str], list[int]] = {}

    def examine(self, view: View) -> list[Alarm]:
        """Take a day in; paths that were used often enough to be no accident."""
        touched: dict[tuple[str, str, str], list[Cell]] = {}
        for cell in view.cells:
            group = view.now.group(cell.sender)
            chain = view.now.chains.get((group, cell.port))
            if chain and cell.provider and cell.provider not in chain:
                touched.setdefault((group, cell.port, cell.provider), []).append(cell)
        found = []
        for key, cells in touched.items():
            count = self._paths.setdefault(key, [0, cells[0].first, 0])
            count[0] += sum(cell.n for cell in cells)
            count[2] = view.day
            if count[0] >= view.limits.messages:
                found.append(_undeclared(view, key, cells, count))
        if view.day % 7 == 0:
            since = view.day - view.limits.window_days
            self._paths = {k: c for k, c in self._paths.items() if c[2] >= since}
        return found


def _undeclared(
    view: View, key: tuple[str, str, str], cells: list[Cell], count: list[int]
) -> Alarm:
    group, port, provider = key
    chain = "、".join(sorted(view.now.chains[group, port]))
    rows = tuple(cell.row for cell in cells[:ROWS_KEPT])
    return Alarm(
        kind="undeclared_chain",
        party=group,
        port=port,
        score=surely(view.limits.evidence + count[0] / 10, view.limits.evidence),
        since=count[1],
        at=view.end,
        messages=count[0],
        words_zh=f"{group}在端口{port}的短信经{provider}提交,申报的链路只有{chain}",
        words_en=f"Messages of {group} on port {port} come by {provider}; the declared chain "
        f"has {chain}",
        evidence=(
            Evidence(f"{count[0]}条经{provider}", f"{count[0]} messages by {provider}", rows),
        ),
    )
