"""Came back under another name (换名再发): who was stopped, and who goes on in its place.

SAMR Order 37 Art 16: after a refusal nobody sends again under another name (不得更换名义后再次
发送). A stop is a measure of the register, or a name of which nearly all is refused. What the
stopped one alone had (texts, links, landing owner, accounts, audience) is kept; whoever shows
it first after the stop, and was not declared to follow, is weighed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from math import log2
from typing import Final, NamedTuple

from qingjing.watch.alarm import ROWS_KEPT, Alarm, Evidence, at_least, surely
from qingjing.watch.logs import REFUSED, Cell
from qingjing.watch.ties import View

# Weights of evidence in natural units; docs/detectors.md has the table and its reasons.
SAME_TEXT, TEXTS_MAX = 1.25, 2.5
SAME_LINK: Final = 3.5
SAME_LANDING: Final = 3.25
SAME_OWNER: Final = 2.5
SAME_NAME: Final = 3.0
AUDIENCE_MAX: Final = 2.5
AUDIENCE_TAKEN: Final = 0.25
"""The surely shared part of a name's persons that weighs in full: who comes back takes its
audience along, and two shops of one trade have a tenth in common by themselves."""
SOON: Final = ((7, 0.75), (30, 0.25))
"""Days after the stop, and what they add."""

PEOPLE_MAX: Final = 4_096
"""Sampled persons of a name: enough to compare audiences."""
_PEOPLE_MIN: Final = 6
_REFUSED_SHARE: Final = 0.8
_REFUSED_MIN: Final = 10

Name = tuple[str, str]
"""A signature on a port."""


class _Profile:
    """What a name has shown: each text, link and sender with the day of its first use."""

    def __init__(self, day: int) -> None:
        self.began, self.last, self.n = day, day, 0
        self.families: dict[int, int] = {}
        self.domains: dict[str, int] = {}
        self.senders: dict[str, int] = {}
        self.people: set[int] = set()


class _Stop(NamedTuple):
    """A stop and what the stopped one alone had; weights of texts and links from 0 to 1."""

    day: int
    at: int
    names: frozenset[Name]
    families: dict[int, float]
    domains: dict[str, float]
    groups: frozenset[str]
    people: frozenset[int]
    zh: str
    en: str


class _Trace:
    """What a name has shown of a stopped one."""

    def __init__(self, since: int) -> None:
        self.since, self.n = since, 0
        self.families: set[int] = set()
        self.domains: set[str] = set()
        self.rows: list[int] = []


class Returns:
    """Names, stops, and traces of the stopped."""

    def __init__(self) -> None:
        """Nobody was stopped."""
        self._profiles: dict[Name, _Profile] = {}
        self._stops: list[_Stop] = []
        self._measured = 0
        self._refused: dict[Name, int] = {}
        self._traces: dict[tuple[int, Name], _Trace] = {}
        self._universe: set[int] = set()

    def examine(self, view: View) -> list[Alarm]:
        """Take a day in; names that are surely a return."""
        self._stops = [s for s in self._stops if view.day - s.day <= view.limits.stop_days]
        self._begin(view)
        cells: dict[Name, list[Cell]] = {}
        for cell in view.cells:
            cells.setdefault((cell.signature, cell.port), []).append(cell)
        for name, ours in cells.items():
            self._learn(view, name, ours)
        found = []
        for stop in self._stops:
            for name, ours in cells.items():
                alarm = self._compare(view, stop, name, ours)
                if alarm is not None:
                    found.append(alarm)
        self._refusals(view, cells)
        if view.day % 7 == 0:
            self._forget(view)
        return found

    def _learn(self, view: View, name: Name, cells: list[Cell]) -> None:
        profile = self._profiles.setdefault(name, _Profile(view.day))
        profile.last = view.day
        for cell in cells:
            profile.n += cell.n
            profile.families.setdefault(cell.family, view.day)
            profile.senders.setdefault(view.now.group(cell.sender), view.day)
            if cell.domain:
                profile.domains.setdefault(cell.domain, view.day)
        people = view.people.get(name, set())
        if len(profile.people) < PEOPLE_MAX:
            profile.people |= people
        if len(self._universe) < 64 * PEOPLE_MAX:
            self._universe |= people

    def _begin(self, view: View) -> None:
        """Stops by measures that were taken before this day's end."""
        measures = sorted(view.now.register.measures, key=lambda one: one.at)
        for one in measures[self._measured :]:
            if one.at >= view.end:
                break
            self._measured += 1
            names = {
                name
                for name in self._profiles
                if (one.signature and name[0] == one.signature)
                or (one.port and name[1] == one.port)
                or (one.party and self._is_of(view, name, one.party))
            }
            who = one.party or one.signature or one.port
            self._stop(view, names, one.at, (f"对{who}的处置", f"the measure against {who}"))

    def _is_of(self, view: View, name: Name, party: str) -> bool:
        group = view.now.group(party)
        return view.now.owner(name[0]) == group or group in self._profiles[name].senders

    def _refusals(self, view: View, cells: dict[Name, list[Cell]]) -> None:
        """Stops by a gate or carrier that refuses nearly all of a name."""
        for name, ours in cells.items():
            sent = sum(cell.n for cell in ours)
            refused = sum(cell.n for cell in ours if cell.verdict == REFUSED)
            if refused < _REFUSED_MIN or refused < _REFUSED_SHARE * sent:
                continue
            if self._refused.get(name, -1000) < view.day - view.limits.stop_days:
                first = min(cell.first for cell in ours if cell.verdict == REFUSED)
                words = f"【{name[0]}】被拒", f"the refusal of {name[0]}"
                self._stop(view, {name}, first, words)
            self._refused[name] = view.day

    def _stop(self, view: View, names: Iterable[Name], at: int, words: tuple[str, str]) -> None:
        stopped = frozenset(names)
        profiles = [self._profiles[name] for name in stopped]
        if not profiles:
            return
        ties = view.ties
        families = {f: ties.own(ties.families[f]) for p in profiles for f in p.families
                    if f in ties.families}  # fmt: skip
        domains = {
            d: ties.own(ties.domains[d])
            for p in profiles
            for d in p.domains
            if d in ties.domains and not view.now.shared(d)
        }
        owners = {view.now.owner(name[0]) for name in stopped}
        groups = frozenset(owners | {g for p in profiles for g in p.senders}) - {""}
        people = frozenset(person for p in profiles for person in p.people)
        self._stops.append(
            _Stop(view.day, at, stopped, families, domains, groups, people, *words)
        )

    def _compare(self, view: View, stop: _Stop, name: Name, cells: list[Cell]) -> Alarm | None:
        if name in stop.names or self._declared(view, stop, name):
            return None
        profile = self._profiles[name]
        fresh = profile.began >= stop.day
        key = stop.at, name
        trace = self._traces.get(key)
        for cell in cells:
            if cell.first <= stop.at:
                continue
            text = profile.families[cell.family] >= stop.day and stop.families.get(cell.family)
            link = cell.domain and profile.domains[cell.domain] >= stop.day
            linked = link and stop.domains.get(cell.domain)
            if not (fresh or text or linked):
                continue
            trace = trace or self._traces.setdefault(key, _Trace(cell.first))
            trace.n += cell.n
            trace.families |= {cell.family} if text else set()
            trace.domains |= {cell.domain} if linked else set()
            if len(trace.rows) < ROWS_KEPT:
                trace.rows.append(cell.row)
        if trace is None or trace.n < view.limits.messages:
            return None
        told = list(self._reasons(view, stop, name, trace, fresh))
        weight = sum(one for one, _ in told)
        after = (trace.since - stop.at) // 86_400_000
        if told:
            weight += next((extra for days, extra in SOON if after < days), 0.0)
        if weight < view.limits.evidence:
            return None
        others = "、".join(sorted({one[0] for one in stop.names})[:3])
        return Alarm(
            kind="came_back",
            party=view.now.party(cells[0].sender),
            port=name[1],
            signature=name[0],
            score=surely(weight, view.limits.evidence),
            since=trace.since,
            at=view.end,
            messages=trace.n,
            words_zh=f"{stop.zh}之后{after}天,【{others}】改以【{name[0]}】在{name[1]}再发",
            words_en=f"{after} days after {stop.en}, {others} came back as {name[0]} "
            f"on port {name[1]}",
            evidence=tuple(one for _, one in told),
        )

    def _declared(self, view: View, stop: _Stop, name: Name) -> bool:
        """Was the name's place in the register settled before the stop, or as a successor?"""
        stopped = {one[0] for one in stop.names}
        for one in view.now.entries.get(name[0], ()):
            if one.replaces in stopped:
                return True
            since = one.valid_from.toordinal() if one.valid_from else 0
            owned = view.now.group(one.owner) in stop.groups
            if owned and since < stop.day and name[0] not in stopped:
                return True
        return False

    def _reasons(
        self, view: View, stop: _Stop, name: Name, trace: _Trace, fresh: bool
    ) -> Iterator[tuple[float, Evidence]]:
        rows = tuple(trace.rows)
        texts = sum(stop.families[family] for family in trace.families)
        if texts:
            zh = f"{len(trace.families)}种文案与被停者相同"
            en = f"{len(trace.families)} of its texts are the stopped one's"
            yield min(TEXTS_MAX, SAME_TEXT * texts), Evidence(zh, en, rows)
        links = sum(stop.domains[domain] for domain in trace.domains)
        if links:
            which = "、".join(sorted(trace.domains)[:3])
            zh, en = f"链接域名相同:{which}", f"the same link domain: {which}"
            yield SAME_LINK * min(1.0, links), Evidence(zh, en, rows)
        if not fresh:
            return
        profile = self._profiles[name]
        landings = {view.now.landing(domain) for domain in profile.domains} - {""}
        owner = view.now.owner(name[0])
        senders = set(profile.senders)
        if name[0] in {one[0] for one in stop.names}:
            zh, en = "同一签名换了端口", "the same signature on another port"
            yield SAME_NAME, Evidence(zh, en, rows)
        elif same := ({owner} | senders) & stop.groups:
            who = "、".join(sorted(same))
            zh, en = f"同一实际控制人:{who}", f"the same controller: {who}"
            yield SAME_OWNER, Evidence(zh, en, rows)
        if not links and (same := landings & stop.groups):
            who = "、".join(sorted(same))
            zh, en = f"落地页仍属{who}", f"its links lead to pages of {who}"
            yield SAME_LANDING, Evidence(zh, en, rows)
        yield from self._audience(stop, profile, rows)

    def _audience(
        self, stop: _Stop, profile: _Profile, rows: tuple[int, ...]
    ) -> Iterator[tuple[float, Evidence]]:
        """How much oftener its persons are the stopped one's than chance would have it."""
        count = len(profile.people)
        if count < _PEOPLE_MIN:
            return
        shared = len(profile.people & stop.people)
        chance = max(len(stop.people) / max(len(self._universe), 1), 0.01)
        lift = (shared / count) / chance
        if shared >= _PEOPLE_MIN // 2 and lift > 2:
            zh = f"抽样用户{count}人中{shared}人是被停者的用户,为随机的{lift:.0f}倍"
            en = f"{shared} of {count} sampled persons were written to by the stopped one, "
            en += f"{lift:.0f} times chance"
            taken = min(1.0, at_least(shared, count) / AUDIENCE_TAKEN)
            yield taken * min(AUDIENCE_MAX, 0.75 * log2(lift)), Evidence(zh, en, rows)

    def _forget(self, view: View) -> None:
        since = view.day - view.limits.window_days
        self._profiles = {n: p for n, p in self._profiles.items() if p.last >= since}
        stops = {stop.at for stop in self._stops}
        self._traces = {key: t for key, t in self._traces.items() if key[0] in stops}
        self._refused = {n: day for n, day in self._refused.items() if day >= since}
        alive: Counter[int] = Counter()
        for profile in self._profiles.values():
            alive.update(profile.people)
        self._universe = set(alive)
