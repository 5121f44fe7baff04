"""What a decided batch counts: the caps and askings that its passed messages use up.

The desk reserves while it decides; the same counts are worked out here from the stored rows,
so that a restart knows what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qingjing.kernel.batch import kinds
from qingjing.kernel.dossier import cap_scopes
from qingjing.kernel.facts import MessagesDecided
from qingjing.kernel.rows import DECIDED, MOVE, Moved
from qingjing.kernel.words import Kind, Verdict

U64s = NDArray[np.uint64]
Places = NDArray[np.intp]

Find = Callable[[int], tuple[MessagesDecided, bytes] | None]
"""The decided batch of a message id: its fact and its rows."""


class Counted(NamedTuple):
    """Marketing messages of one second that left the gate; arrays have one entry each.

    ``uses`` are the scopes of each lane, ``lane`` is a place in them. ``asking`` marks the
    requests for consent, ``topics`` is what they ask about.
    """

    at_s: int
    uses: list[tuple[str, str, str]]
    groups: list[str]
    lane: Places
    handles: U64s
    asking: NDArray[np.bool_]
    topics: U64s


def counted(fact: MessagesDecided, data: bytes) -> Iterator[Counted]:
    """What a decided batch counts, second by second."""
    rows = np.frombuffer(data, dtype=DECIDED)
    yield from _counted(fact, rows[rows["verdict"] == Verdict.PASS])


def given_back(data: bytes, find: Find) -> Iterator[Counted]:
    """What a moved batch gives back: messages that were stopped before they left."""
    moves = np.frombuffer(data, dtype=MOVE)
    whole = (moves["what"] == Moved.STOPPED) & (moves["part"] == 0)
    stopped = moves["message"][whole].tolist()
    while stopped:
        found = find(stopped[0])
        if found is None:
            stopped = stopped[1:]
            continue
        fact, decided = found
        rows = np.frombuffer(decided, dtype=DECIDED)
        here = np.isin(rows["message"], np.array(stopped, dtype=np.uint64))
        yield from _counted(fact, rows[here & (rows["verdict"] == Verdict.PASS)])
        inside = {stopped[0], *rows["message"].tolist()}
        stopped = [message for message in stopped if message not in inside]


def _counted(fact: MessagesDecided, rows: NDArray[Any]) -> Iterator[Counted]:
    kind = kinds(rows["case"])
    marketing = (kind == Kind.COMMERCIAL) | (kind == Kind.ASKING)
    if not marketing.any():
        return
    rows, kind = rows[marketing], kind[marketing]
    categories = np.array([text.category for text in fact.texts], dtype=np.uint64)
    seconds = rows["submitted_at"] // np.uint64(1000)
    for second in np.unique(seconds).tolist():
        here = seconds == second
        yield Counted(
            at_s=second,
            uses=[cap_scopes(lane) for lane in fact.lanes],
            groups=[lane.group for lane in fact.lanes],
            lane=rows["lane"][here].astype(np.intp),
            handles=np.ascontiguousarray(rows["handle"][here]),
            asking=kind[here] == Kind.ASKING,
            topics=categories[rows["text"][here]],
        )
