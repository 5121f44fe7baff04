"""What the desk needs of the ledger, as Protocols that the ledger fits by shape.

One transaction is one commit. ``append`` gives each fact its position and folds it into the
projections at once, so that whatever is decided later in the same transaction already knows
it; on leaving the block everything is durable, and only then may anyone be answered. If a
commit fails the ledger refuses all further work until it is opened anew (fail closed).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from qingjing.kernel.cases import Cases
from qingjing.kernel.facts import Fact, Recorded
from qingjing.kernel.note import Key
from qingjing.kernel.register import Register
from qingjing.kernel.rulebook import Rulebook
from qingjing.kernel.standing import Grounds
from qingjing.kernel.words import NumberState, Phone
from qingjing.kernel.workdays import Calendar

U64s = NDArray[np.uint64]
U32s = NDArray[np.uint32]
U16s = NDArray[np.uint16]
U8s = NDArray[np.uint8]
Bools = NDArray[np.bool_]
Places = NDArray[np.intp]


class Person(Protocol):
    """A person as facts name it: 16-byte keyed hash and 64-bit keyed handle of the number."""

    @property
    def key(self) -> bytes: ...

    @property
    def handle(self) -> int: ...


class Scopes(NamedTuple):
    """Sender and group of each message: ``which[i]`` is message i's place in the two lists."""

    senders: Sequence[str]
    groups: Sequence[str]
    which: Places


class StandingColumns(Protocol):
    """What the standing index knows, a row a message.

    ``terms`` and ``given_s`` have one column a candidate consent, 0xFFFFFFFF where there is
    none; ``terms`` are rows of ``Standings.terms``.
    """

    @property
    def refused(self) -> Bools: ...

    @property
    def unclear(self) -> Bools: ...

    @property
    def number(self) -> U8s: ...

    @property
    def terms(self) -> U32s: ...

    @property
    def given_s(self) -> U32s: ...


class PersonStanding(Protocol):
    """The same for one person and sender, for the scalar form and for explanation."""

    @property
    def refused(self) -> bool: ...

    @property
    def unclear(self) -> bool: ...

    @property
    def number(self) -> NumberState: ...

    @property
    def grounds(self) -> tuple[Grounds, ...]: ...


class Standings(Protocol):
    """The standing index at the ledger's position, probed in batches."""

    @property
    def terms(self) -> NDArray[Any]:
        """The interned consent terms: structured rows with at least the fields purposes (u2),
        act (u1, place in ``words.Act``), shown (u1), term_s (u4), per_count (u2), per_days
        (u2) and position (u8)."""
        ...

    def handles(self, phones: U64s) -> U64s:
        """Keyed handles of eleven-digit numbers."""
        ...

    def probe(self, handles: U64s, scopes: Scopes) -> StandingColumns:
        """Everything that is known of these persons towards these senders and groups."""
        ...

    def person(self, handle: int, sender: str, group: str) -> PersonStanding:
        """One probe, with the consents spelled out."""
        ...

    def look_up(
        self, phones: U64s, sender: str, group: str, category_bit: int, at: int
    ) -> tuple[U8s, U8s]:
        """A ``GroundsState`` and a ``NumberState`` for each number of a campaign's list, at a
        time (epoch ms): ``probe`` and ``fold`` in one pass, for millions."""
        ...

    def asked(self, handles: U64s, groups: Sequence[str], topics: U64s) -> Bools:
        """Was this person asked by this group about this topic before?"""
        ...

    def note_asked(self, handles: U64s, groups: Sequence[str], topics: U64s) -> None:
        """Remember askings that were passed."""
        ...

    def reserve(
        self,
        uses: Sequence[tuple[str, str, str]],
        which: Places,
        handles: U64s,
        now_s: int,
        window_s: U32s,
        most: U16s,
        binding: Bools,
        commit: Bools,
    ) -> Bools:
        """Count marketing messages in order; a row a cap, True where one more is over it.

        ``uses[which[i]]`` are the scopes of message i (``dossier.cap_scopes``); ``window_s``
        and ``most`` have a row a cap, and a most of 0 is no cap. A message of ``commit`` counts
        under all its scopes unless it is over a cap that is ``binding``.
        """
        ...

    def void(
        self,
        uses: Sequence[tuple[str, str, str]],
        which: Places,
        handles: U64s,
        at_s: U32s,
    ) -> None:
        """Give back reservations made at these times: the message did not leave."""
        ...


class Transaction(Protocol):
    """One unit of work."""

    at: int
    """The time of everything recorded here, epoch ms."""

    @property
    def position(self) -> int:
        """Position of the last fact, those of this transaction included."""
        ...

    def append(self, fact: Fact) -> int:
        """Record a fact; its position."""
        ...

    def attach(self, position: int, rows: bytes, sealed: bytes) -> None:
        """Keep a batch's rows and its sealed part beside the fact at ``position``."""
        ...

    def remember(self, phone: Phone) -> Person:
        """The person of a number, the number itself kept encrypted."""
        ...

    def replace(self, position: int, sealed: bytes) -> None:
        """Exchange what stands under seal beside an earlier fact: for an erasure alone."""
        ...

    def forget(self, key: bytes) -> bool:
        """Drop the sealed number of a person; was there one?"""
        ...


class Batch(Protocol):
    """A stored batch: its fact, its rows, its sealed part."""

    @property
    def recorded(self) -> Recorded: ...

    @property
    def rows(self) -> bytes: ...

    @property
    def sealed(self) -> bytes: ...


class Head(Protocol):
    """A checkpoint as it was signed: note text as bytes, time in epoch ms."""

    @property
    def size(self) -> int: ...

    @property
    def note(self) -> bytes: ...

    @property
    def at(self) -> int: ...


class Heads(Protocol):
    """The log's signed heads, as others see them."""

    def checkpoints(self) -> Sequence[Head]:
        """Every checkpoint that was signed, the smallest first."""
        ...

    def consistency(self, first: int, second: int) -> list[bytes]:
        """The path from the log of ``first`` facts to that of ``second``; ValueError when
        there is none."""
        ...

    def countersign(self, data: bytes, witnesses: Iterable[Key]) -> list[str]:
        """Keep what witnesses wrote under a checkpoint; who they are, or NoteError."""
        ...

    def attest(self, text: str) -> bytes:
        """The log's signature under a text that says what it is and is no checkpoint."""
        ...

    def derived(self, label: bytes) -> bytes:
        """A secret of 32 bytes for one purpose, the same for the ledger's life."""
        ...


class Ledger(Protocol):
    """The record: facts in, projections and proofs out."""

    @property
    def heads(self) -> Heads:
        """Its signed heads."""
        ...

    @property
    def register(self) -> Register:
        """The register at the ledger's position."""
        ...

    def register_at(self, at: int) -> Register:
        """The register as it was at a time, epoch ms."""
        ...

    @property
    def standings(self) -> Standings:
        """The standing index at the ledger's position."""
        ...

    @property
    def cases(self) -> Cases:
        """Complaints and what became of them, at the ledger's position."""
        ...

    @property
    def calendar(self) -> Calendar:
        """The published working days."""
        ...

    @property
    def key(self) -> Key:
        """The public key that verifies what this ledger signs."""
        ...

    def sign(self, text: str) -> bytes:
        """A text that is no checkpoint, as a note under the ledger's key."""
        ...

    def keyed(self, name: bytes) -> bytes:
        """16 bytes that follow from a name, and that nobody without the keys can guess."""
        ...

    @property
    def books(self) -> tuple[Rulebook, ...]:
        """All adopted rulebooks, in order of adoption."""
        ...

    def rulebook_digest(self, book: Rulebook) -> str:
        """The digest of one of ``books``, of the bytes that were adopted."""
        ...

    @property
    def position(self) -> int:
        """Position of the last fact."""
        ...

    def transaction(self, at: int) -> AbstractAsyncContextManager[Transaction]:
        """Begin; one at a time, others wait."""
        ...

    def fact(self, position: int) -> Recorded | None:
        """The fact at a position."""
        ...

    def encoded(self, position: int) -> bytes | None:
        """The stored bytes of a fact."""
        ...

    def facts_of(self, handle: int) -> tuple[Recorded, ...]:
        """Consents, refusals, replies and number notes of one person, oldest first."""
        ...

    def find(self, phone: Phone) -> Person:
        """The person of a number, without keeping anything."""
        ...

    def number(self, key: bytes) -> Phone | None:
        """The number of a person by key; None when none is kept."""
        ...

    def decided_batch(self, message: int) -> Batch | None:
        """The batch that holds the decision of a message."""
        ...

    def moved_batches(self, message: int) -> tuple[Batch, ...]:
        """The batches that may hold moves of a message."""
        ...

    def batches_since(self, position: int) -> Sequence[int]:
        """Positions of decided and moved batches after a position, oldest first."""
        ...

    def batch(self, position: int) -> Batch:
        """A batch by its fact's position."""
        ...

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Encrypt personal data at rest."""
        ...

    def unseal(self, sealed: bytes, context: bytes) -> bytes:
        """Decrypt it."""
        ...

    def mark(self, name: str, value: int) -> None:
        """Remember a number durably with the next commit (such as the outbox's low water)."""
        ...

    def marked(self, name: str) -> int:
        """The number last marked, 0 when never."""
        ...

    def checkpoint(self, at: int) -> str:
        """A signed checkpoint of everything committed so far, as note text."""
        ...

    def inclusion(self, position: int, size: int) -> list[bytes]:
        """The inclusion path of a fact in the log of that size."""
        ...
