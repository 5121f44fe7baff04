"""Obstacles: what stands between a person's no and its effect, sender by sender.

Measured on what left and on what was heard. Three things are obstacles: marketing that left
after a refusal; a port whose replies nobody answers for; a port from which no reply ever comes,
where others as large have theirs. What the log cannot see is whether a reply that reached this
gateway was passed on to the customer; its effect does not depend on that.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from statistics import median
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from qingjing.desk.ports import Ledger
from qingjing.kernel import facts as f
from qingjing.kernel.batch import kinds
from qingjing.kernel.rows import DECIDED, MOVE, Moved
from qingjing.kernel.words import Door, Kind, ReplyMeaning

CHANCE: Final = 1e-4
"""How likely a port with half the usual replies may be called silent by mistake."""

PEERS_MIN: Final = 3
"""Ports of the same size that a silent one is held against; with fewer nobody can tell."""

PEER_SIZE: Final = 4
"""A peer has sent at most so many times as much, or as little."""

_AWAY: Final = frozenset({Door.COMPLAINT, Door.CARRIER, Door.CALL})
_KINDS: Final = (
    f.MessagesDecided,
    f.MessagesMoved,
    f.ReplyHeard,
    f.RefusalRecorded,
    f.RefusalLifted,
)
_TAGS: Final = {str(kind.__struct_config__.tag).encode() for kind in _KINDS}


class Obstacles(msgspec.Struct, frozen=True, kw_only=True):
    """One sender. ``obstacles`` are those found, none for a good one.

    ``effect_ms`` are the median, the 95th percentile and the longest time from a refusal to the
    last marketing that left after it, 0 where none did. ``elsewhere`` counts refusals of
    its people by complaint, carrier or call. ``lost`` counts noes on ports of nobody.
    """

    sender: str
    group: str
    sent: int
    refusals: int
    effect_ms: tuple[int, int, int]
    after_refusal: int
    example: int
    elsewhere: int
    silent_ports: tuple[str, ...]
    uncompared_ports: tuple[str, ...]
    lost: int
    obstacles: tuple[str, ...]


class _Said:
    """What was heard: spans of refusal by person and group, replies by port."""

    def __init__(self) -> None:
        self.spans: dict[tuple[int, str], list[list[int]]] = defaultdict(list)
        self.doors: dict[tuple[int, str], Door] = {}
        self.replies: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()

    def hear(self, recorded: f.Recorded) -> None:
        """One fact."""
        match recorded.fact:
            case f.RefusalRecorded() as no:
                spans = self.spans[no.handle, no.group]
                if not spans or spans[-1][1]:
                    spans.append([recorded.at, 0])
                self.doors.setdefault((no.handle, no.group), no.door)
            case f.RefusalLifted() as yes:
                for span in self.spans[yes.handle, yes.group][-1:]:
                    span[1] = span[1] or recorded.at
            case f.ReplyHeard() as reply:
                self.replies[reply.port] += 1
                refuses = reply.meaning in (ReplyMeaning.OPT_OUT, ReplyMeaning.COMPLAINT)
                self.lost[reply.port] += refuses and not reply.group
            case _:
                pass

    def refused_at(self, handle: int, group: str, at: int) -> int:
        """Since when the person refuses the group at a time; 0 when it does not."""
        for key in ((handle, group), (handle, f.ALL_GROUPS)):
            for start, end in self.spans.get(key, ()):
                if start < at and (not end or at < end):
                    return start
        return 0


class _Sent:
    """Marketing of one sender that left."""

    def __init__(self, group: str) -> None:
        self.group = group
        self.ports: Counter[str] = Counter()
        self.people: set[int] = set()
        self.late: dict[tuple[int, int], int] = {}
        self.after = self.example = 0

    def leave(self, port: str, handle: int, message: int, at: int, refused_at: int) -> None:
        """One message left, to somebody who refused at a time, or 0."""
        self.ports[port] += 1
        self.people.add(handle)
        if refused_at:
            self.after += 1
            self.example = self.example or message
            key = (handle, refused_at)
            self.late[key] = max(self.late.get(key, 0), at - refused_at)


def report(ledger: Ledger, since: int = 0) -> list[Obstacles]:
    """Every sender whose marketing left since a time (epoch ms), the worst first.

    Reads the log once; memory is some 150 bytes a message that left in that time, so that of a
    large ledger one asks for the last months.
    """
    said, lanes, decided, moved = _Said(), list[tuple[str, str, str]](), _Parts(), _Parts()
    for recorded in _past(ledger):
        said.hear(recorded)
        if recorded.at < since:
            continue
        if isinstance(recorded.fact, f.MessagesDecided):
            rows = np.frombuffer(ledger.batch(recorded.position).rows, DECIDED)
            kind = kinds(rows["case"])
            rows = rows[(kind == Kind.COMMERCIAL) | (kind == Kind.ASKING)]
            place = rows["lane"].astype(np.int64) + len(lanes)
            decided.add(rows["message"], rows["handle"], place)
            lanes += [(lane.sender, lane.group, lane.port) for lane in recorded.fact.lanes]
        elif isinstance(recorded.fact, f.MessagesMoved):
            rows = np.frombuffer(ledger.batch(recorded.position).rows, MOVE)
            rows = rows[rows["what"] == Moved.RELEASED]
            moved.add(rows["message"], rows["at"], rows["at"])
    senders = _left(said, lanes, decided, moved)
    sizes: Counter[str] = Counter()
    for sent in senders.values():
        sizes.update(sent.ports)
    found = [_judged(name, sent, said, sizes) for name, sent in senders.items()]
    return sorted(found, key=lambda one: (-len(one.obstacles), -one.after_refusal, one.sender))


class _Parts:
    """Three columns that grow."""

    def __init__(self) -> None:
        self._parts: list[tuple[NDArray[Any], ...]] = []

    def add(self, *columns: NDArray[Any]) -> None:
        """More rows; copied, so that nothing holds on to a whole batch."""
        self._parts.append(tuple(column.astype(np.uint64) for column in columns))

    def columns(self) -> tuple[NDArray[np.uint64], ...]:
        """All rows, sorted by the first column."""
        if not self._parts:
            return tuple(np.zeros(0, np.uint64) for _ in range(3))
        whole = tuple(np.concatenate(part) for part in zip(*self._parts, strict=True))
        order = np.argsort(whole[0], kind="stable")
        return tuple(column[order] for column in whole)


def _left(
    said: _Said, lanes: list[tuple[str, str, str]], decided: _Parts, moved: _Parts
) -> dict[str, _Sent]:
    """What left, by sender."""
    messages, handles, places = decided.columns()
    released, times, _ = moved.columns()
    if not messages.size:
        return {}
    at = np.minimum(np.searchsorted(messages, released), messages.size - 1)
    known = messages[at] == released
    rows = at[known]
    senders: dict[str, _Sent] = {}
    columns = (messages[rows], handles[rows], places[rows], times[known])
    for message, handle, place, then in zip(*(c.tolist() for c in columns), strict=True):
        name, group, port = lanes[place]
        sent = senders.setdefault(name, _Sent(group))
        refused_at = said.refused_at(handle, group, then)
        sent.leave(port, handle, message, then, refused_at)
    return senders


def _judged(name: str, sent: _Sent, said: _Said, sizes: Counter[str]) -> Obstacles:
    groups = (sent.group, f.ALL_GROUPS)
    refused = [k for h in sent.people for k in ((h, g) for g in groups) if k in said.doors]
    times = sorted([*sent.late.values(), *([0] * max(0, len(refused) - len(sent.late)))]) or [0]
    ports = {port: _silence(port, said, sizes) for port in sent.ports}
    silent = tuple(sorted(port for port, state in ports.items() if state is True))
    lost = sum(
        count
        for port, count in said.lost.items()
        if count and any(port.startswith(own) for own in sent.ports)
    )
    found = (("after_refusal", sent.after), ("silent_port", silent), ("lost_replies", lost))
    return Obstacles(
        sender=name,
        group=sent.group,
        sent=sent.ports.total(),
        refusals=len(refused),
        effect_ms=(
            times[len(times) // 2],
            times[min(len(times) - 1, math.ceil(len(times) * 0.95) - 1)],
            times[-1],
        ),
        after_refusal=sent.after,
        example=sent.example,
        elsewhere=sum(said.doors[key] in _AWAY for key in refused),
        silent_ports=silent,
        uncompared_ports=tuple(sorted(p for p, state in ports.items() if state is None)),
        lost=lost,
        obstacles=tuple(what for what, there in found if there),
    )


def _silence(port: str, said: _Said, sizes: Counter[str]) -> bool | None:
    """Is a port silent where others are not? None when there is too little to compare.

    Of ``n`` messages, at half the median rate ``p`` of its peers, no reply at all comes with
    probability ``exp(-n * p / 2)`` (Poisson). Half: lines of trade differ in what is replied.
    """
    own = sizes[port]
    if said.replies[port]:
        return False
    rates = [
        said.replies[other] / count
        for other, count in sizes.items()
        if other != port and own <= PEER_SIZE * count and count <= PEER_SIZE * own
    ]
    if len(rates) < PEERS_MIN:
        return None
    expected = own * median(rates) / 2
    return True if math.exp(-expected) < CHANCE else None


def _past(ledger: Ledger) -> Iterator[f.Recorded]:
    """The facts that matter here: the tag stands in front, only these are decoded."""
    for position in range(1, ledger.position + 1):
        data = ledger.encoded(position) or b""
        start = data.find(b'"kind":"') + 8
        if data[start : data.find(b'"', start)] in _TAGS:
            yield f.decode(data)
