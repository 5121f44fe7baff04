"""What a store must keep and answer, and the shelf, which does it in memory.

One transaction is one ``Unit``: everything that a commit makes durable together. A shelf holds
units and answers the questions that the ledger asks; the memory store is a shelf, and so is
the unit that has not been committed yet, so that what a transaction wrote can be read in it.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, Protocol

import msgspec
import numpy as np

from qingjing.kernel import facts as f
from qingjing.kernel.chain import Node
from qingjing.kernel.rows import DECIDED, MOVE

BLOCK_BITS: Final = 10
"""Moves are found by blocks of 1,024 message ids: a batch of moves touches a few of them, and
the moves of one message stand in the few hundred batches that touch its block."""

_REGISTER: Final = (
    f.PartyRegistered,
    f.PartySuspended,
    f.PartyReinstated,
    f.PortRegistered,
    f.PortFiled,
    f.SignatureRegistered,
    f.SignatureFiled,
    f.GrantMade,
    f.GrantEnded,
    f.RulebookAdopted,
    f.ComplaintReceived,
    f.ComplaintUnderstood,
    f.ComplaintLinked,
    f.ComplaintTraced,
    f.LeadRaised,
    f.CaseMoved,
    f.PeerKeyed,
    f.AccountShadowed,
    f.ContractRecorded,
    f.DocumentKept,
    f.LetterRecorded,
    f.AppealAnswered,
    f.FindingClosed,
    f.FindingOpened,
    f.FindingReopened,
    f.LookedBack,
    f.MeasureAppealed,
    f.MeasureLifted,
    f.MeasureProposed,
    f.MeasureTaken,
)


class LedgerBroken(Exception):  # noqa: N818  # the state that it names, as operators call it
    """The ledger cannot be trusted to go on, or cannot be opened. Says what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        """``remedy`` is what an operator can do."""
        super().__init__(f"{problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy


class LedgerBusy(LedgerBroken):
    """Another process has the ledger open, and one process writes it."""


class Entry(NamedTuple):
    """One stored fact: its bytes and its leaf hash. ``register``: part of the small register
    and rulebook history, which is folded anew at each opening."""

    position: int
    kind: str
    at: int
    register: bool
    body: bytes
    leaf: bytes


class Attached(NamedTuple):
    """A batch's rows and its sealed part."""

    rows: bytes
    sealed: bytes


class Known(NamedTuple):
    """A person as the table has it: handle, and the number under seal."""

    handle: int
    number: bytes


class Signed(NamedTuple):
    """A stored checkpoint, first signed ``at`` (epoch ms)."""

    size: int
    note: bytes
    at: int = 0


class Unit(msgspec.Struct):
    """What one commit stores. ``spans`` are (first, last, position) of decided batches,
    ``blocks`` (block, position) of moved ones, ``persons`` (handle, position). ``replaced``
    and ``forgotten`` are the only things that a commit takes away: see ``person.forgotten``."""

    entries: list[Entry] = []
    attached: dict[int, Attached] = {}
    spans: list[tuple[int, int, int]] = []
    blocks: list[tuple[int, int]] = []
    persons: list[tuple[int, int]] = []
    people: dict[bytes, Known] = {}
    replaced: dict[int, bytes] = {}
    forgotten: list[bytes] = []
    marks: dict[str, int] = {}
    nodes: list[Node] = []
    frontier: bytes = b""

    def __bool__(self) -> bool:
        """Is there anything that must be committed? Marks alone wait for the next commit."""
        return bool(self.entries or self.people)

    def add(self, recorded: f.Recorded, body: bytes, leaf: bytes) -> None:
        """Take one fact in."""
        fact = recorded.fact
        kind = str(fact.__struct_config__.tag)
        register = isinstance(fact, _REGISTER)
        self.entries.append(Entry(recorded.position, kind, recorded.at, register, body, leaf))
        handle = getattr(fact, "handle", None)
        if handle is not None:
            self.persons.append((handle, recorded.position))

    def attach(self, recorded: f.Recorded, attached: Attached) -> None:
        """Keep a batch beside its fact, and note which messages it is about."""
        position = recorded.position
        self.attached[position] = attached
        if not attached.rows:
            return
        if isinstance(recorded.fact, f.MessagesDecided):
            ids = np.frombuffer(attached.rows, dtype=DECIDED)["message"]
            self.spans.append((int(ids.min()), int(ids.max()), position))
        elif isinstance(recorded.fact, f.MessagesMoved):
            ids = np.frombuffer(attached.rows, dtype=MOVE)["message"]
            blocks = np.unique(ids >> np.uint64(BLOCK_BITS))
            self.blocks += [(block, position) for block in blocks.tolist()]

    def entry(self, position: int) -> Entry | None:
        """The fact at a position, if it is in this unit."""
        index = position - self.entries[0].position if self.entries else -1
        return self.entries[index] if 0 <= index < len(self.entries) else None

    def batches(self, after: int) -> list[int]:
        """Positions after this one beside which this unit keeps something."""
        return sorted(position for position in self.attached if position > after)

    def span(self, message: int) -> int | None:
        """The decided batch of this unit whose span holds a message id."""
        return span_of(sorted(self.spans), message)

    def block(self, message: int) -> list[int]:
        """The moved batches of this unit that touch the block of a message id."""
        return [at for block, at in self.blocks if block == message >> BLOCK_BITS]

    def of(self, handle: int) -> list[int]:
        """One person's facts in this unit."""
        return [position for known, position in self.persons if known == handle]


class Reading(Protocol):
    """The questions that the ledger asks of what is stored."""

    def entry(self, position: int) -> Entry | None:
        """The fact at a position."""
        ...

    def entries(self, after: int, *, register: bool = False) -> Iterator[Entry]:
        """Facts after a position, in order; with ``register`` only those of that history."""
        ...

    def leaves(self, start: int, stop: int) -> Sequence[bytes]:
        """Leaf hashes of leaf indexes ``start <= index < stop``."""
        ...

    def nodes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        """Subtree roots of a stored level."""
        ...

    def attached(self, position: int) -> Attached | None:
        """What is kept beside a fact."""
        ...

    def batches(self, after: int) -> list[int]:
        """Positions after this one beside which something is kept, in order."""
        ...

    def span(self, message: int) -> int | None:
        """Position of the decided batch whose span holds this message id."""
        ...

    def block(self, message: int) -> list[int]:
        """Positions of the moved batches that touch the block of this message id, in order."""
        ...

    def of(self, handle: int) -> list[int]:
        """Positions of one person's facts, in order."""
        ...

    def person(self, key: bytes) -> Known | None:
        """A person by key."""
        ...


class Store(Reading, Protocol):
    """Where units become durable. One writer."""

    async def commit(self, unit: Unit) -> None:
        """Make a unit durable, all of it or nothing. Any exception means: unknown."""
        ...

    def size(self) -> int:
        """How many facts are stored."""
        ...

    def frontier(self) -> bytes:
        """The newest saved frontier of the tree, which may lag behind; empty when none."""
        ...

    def marks(self) -> dict[str, int]:
        """All marks."""
        ...

    def checkpoint(self, size: int) -> Signed | None:
        """The checkpoint of a size."""
        ...

    def checkpoints(self) -> list[Signed]:
        """All checkpoints, smallest first."""
        ...

    def sign(self, signed: Signed, at: int) -> None:
        """Store a checkpoint, durably; one of a size that is there takes its place."""
        ...

    def close(self) -> None:
        """Let go of files and locks."""
        ...


class Shelf:
    """Units in memory."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._attached: dict[int, Attached] = {}
        self._spans: list[tuple[int, int, int]] = []
        self._blocks: dict[int, list[int]] = {}
        self._persons: dict[int, list[int]] = {}
        self._people: dict[bytes, Known] = {}
        self._nodes: dict[int, list[bytes]] = {}

    def put(self, unit: Unit) -> None:
        """Add what a unit holds."""
        self._entries += unit.entries
        self._attached |= unit.attached
        for span in unit.spans:
            insort(self._spans, span)
        for block, position in unit.blocks:
            self._blocks.setdefault(block, []).append(position)
        for handle, position in unit.persons:
            self._persons.setdefault(handle, []).append(position)
        self._people |= unit.people
        for position, sealed in unit.replaced.items():
            self._attached[position] = self._attached[position]._replace(sealed=sealed)
        for key in unit.forgotten:
            self._people.pop(key, None)
        for node in unit.nodes:
            self._nodes.setdefault(node.level, []).append(node.hash)

    def entry(self, position: int) -> Entry | None:
        """The fact at a position."""
        index = position - 1
        return self._entries[index] if 0 <= index < len(self._entries) else None

    def entries(self, after: int, *, register: bool = False) -> Iterator[Entry]:
        """Facts after a position, in order; with ``register`` only those of that history."""
        return (entry for entry in self._entries[after:] if entry.register or not register)

    def leaves(self, start: int, stop: int) -> Sequence[bytes]:
        """Leaf hashes of leaf indexes ``start <= index < stop``."""
        return [entry.leaf for entry in self._entries[start:stop]]

    def nodes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        """Subtree roots of a stored level."""
        return self._nodes.get(level, [])[start:stop]

    def attached(self, position: int) -> Attached | None:
        """What is kept beside a fact."""
        return self._attached.get(position)

    def batches(self, after: int) -> list[int]:
        """Positions after this one beside which something is kept, in order."""
        return sorted(position for position in self._attached if position > after)

    def span(self, message: int) -> int | None:
        """Position of the decided batch whose span holds this message id."""
        return span_of(self._spans, message)

    def block(self, message: int) -> list[int]:
        """Positions of the moved batches that touch the block of this message id, in order."""
        return self._blocks.get(message >> BLOCK_BITS, [])

    def of(self, handle: int) -> list[int]:
        """Positions of one person's facts, in order."""
        return self._persons.get(handle, [])

    def person(self, key: bytes) -> Known | None:
        """A person by key."""
        return self._people.get(key)


def span_of(spans: Sequence[tuple[int, int, int]], message: int) -> int | None:
    """The position of the span that holds a message id; ids of two batches never interleave."""
    index = bisect_right(spans, message, key=lambda span: span[0]) - 1
    if index < 0:
        return None
    _first, last, position = spans[index]
    return position if message <= last else None
