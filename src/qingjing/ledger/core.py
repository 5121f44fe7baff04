"""The ledger: facts in, one transaction at a time; projections and proofs out.

What both stores share. A fact gets its position when it is appended and is folded at once into
the register, the rulebooks and the standings, so that whatever is decided later in the same
transaction already knows it. Leaving the block commits. An exception inside the block leaves
nothing stored; if something had been folded by then, or if a commit fails, memory and disk no
longer agree, and the ledger refuses everything until it is opened anew (fail closed).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import msgspec

from qingjing.kernel import chain, note
from qingjing.kernel.cases import Cases
from qingjing.kernel.facts import Fact, Recorded, RulebookAdopted, decode, encode
from qingjing.kernel.register import Register
from qingjing.kernel.rulebook import Rulebook
from qingjing.kernel.words import Phone
from qingjing.kernel.workdays import Calendar
from qingjing.ledger import calendar, snapshot
from qingjing.ledger.heads import ALL_LEVELS, Heads, tree_of
from qingjing.ledger.standings import StandingsFold
from qingjing.ledger.store import Attached, Known, LedgerBroken, Signed, Store, Unit
from qingjing.ledger.transaction import Batch, Person
from qingjing.ledger.transaction import Transaction as Transaction  # others know it from here
from qingjing.ledger.vault import Vault

FRONTIER_STEP: Final = 1024
"""Facts after which the tree's frontier is saved again: about a millisecond of hashing to catch
up at an opening, and no page more to write in most commits."""

_REOPEN: Final = "open it anew: what is on disk is whole"


class Ledger:
    """The record over one store. ``memory.open_ledger`` and ``sqlite.open_ledger`` build it."""

    def __init__(
        self, store: Store, vault: Vault, standings: StandingsFold, *, origin: str
    ) -> None:
        """Fold what is stored; ``standings`` may already be at some position (a snapshot).

        LedgerBroken when what is stored does not hold together.
        """
        self.store: Final = store
        self.heads: Final = Heads(store, vault, self._sound)
        self._vault = vault
        self._origin = origin
        self._lock = asyncio.Lock()
        self._open: Transaction | None = None
        self._unit = Unit()
        self._broken: LedgerBroken | None = None
        self._tree = tree_of(store)
        self._saved = self._tree.size
        self._marks = store.marks()
        self._marked: dict[str, int] = {}
        self._register = Register()
        self.cases: Final = Cases()
        self._books: tuple[Rulebook, ...] = ()
        self._digests: tuple[str, ...] = ()
        self._standings = standings
        for entry in store.entries(0, register=True):
            self._fold_register(decode(entry.body))
        for entry in store.entries(standings.position):
            standings.replay(decode(entry.body), store)
        self._standings_at = standings.changes

    @property
    def register(self) -> Register:
        """The register at the ledger's position."""
        self._sound()
        return self._register

    def register_at(self, at: int) -> Register:
        """The register as it was at a time, epoch ms: folded anew from its history."""
        self._sound()
        then = Register()
        for entry in self.store.entries(0, register=True):
            if entry.at <= at:
                then.apply(decode(entry.body))
        return then

    @property
    def standings(self) -> StandingsFold:
        """The standing index at the ledger's position."""
        self._sound()
        return self._standings

    @property
    def books(self) -> tuple[Rulebook, ...]:
        """All adopted rulebooks, in order of adoption."""
        self._sound()
        return self._books

    def rulebook_digest(self, book: Rulebook) -> str:
        """The digest of one of ``books``, of the bytes that were adopted.

        LookupError when the book is none of them.
        """
        for known, digest in zip(self.books, self._digests, strict=True):
            if known is book:
                return digest
        raise LookupError(f"rulebook {book.name} was not adopted here")

    @property
    def position(self) -> int:
        """Position of the last fact."""
        self._sound()
        return self._tree.size + len(self._unit.entries)

    @property
    def size(self) -> int:
        """How many facts are committed."""
        return self._tree.size

    @property
    def key(self) -> note.Key:
        """The public key that verifies this ledger's checkpoints."""
        return self._vault.key

    @asynccontextmanager
    async def transaction(self, at: int) -> AsyncIterator[Transaction]:
        """Begin at a time, epoch ms; one at a time, others wait. Leaving the block commits.

        LedgerBroken when an earlier transaction or commit failed half-way.
        """
        async with self._lock:
            self._sound()
            self._open = t = Transaction(self, at)
            self._standings_at = self._standings.changes
            try:
                yield t
            except BaseException:
                self._abandon()
                raise
            finally:
                self._open = None
            await self._commit()

    def fact(self, position: int) -> Recorded | None:
        """The fact at a position."""
        body = self.encoded(position)
        return None if body is None else decode(body)

    def encoded(self, position: int) -> bytes | None:
        """The stored bytes of a fact."""
        self._sound()
        entry = self._unit.entry(position) or self.store.entry(position)
        return None if entry is None else entry.body

    def facts_of(self, handle: int) -> tuple[Recorded, ...]:
        """Consents, refusals, replies and number notes of one person, oldest first.

        Bulk imports are not among them: ``standings.person`` names the import's position.
        """
        self._sound()
        # While a commit is on its way its facts are in both.
        positions = sorted({*self.store.of(handle), *self._unit.of(handle)})
        return tuple(self._recorded(position) for position in positions)

    def find(self, phone: Phone) -> Person:
        """The person of a number, without keeping anything."""
        return Person(self._vault.person_key(phone), self._standings.handle(phone))

    def number(self, key: bytes) -> Phone | None:
        """The number of a person by key; None when none is kept, or it was forgotten."""
        known = self.store.person(key) or self._unit.people.get(key)
        return None if known is None else self._vault.open_phone(known.number, key)

    def decided_batch(self, message: int) -> Batch | None:
        """The batch that holds the decision of a message."""
        self._sound()
        position = self._unit.span(message) or self.store.span(message)
        return None if position is None else self.batch(position)

    def moved_batches(self, message: int) -> tuple[Batch, ...]:
        """The batches that may hold moves of a message, oldest first."""
        self._sound()
        positions = sorted({*self.store.block(message), *self._unit.block(message)})
        return tuple(self.batch(position) for position in positions)

    def batches_since(self, position: int) -> Sequence[int]:
        """Positions of facts after a position that have a batch beside them, oldest first."""
        self._sound()
        return sorted({*self.store.batches(position), *self._unit.batches(position)})

    def batch(self, position: int) -> Batch:
        """A batch by its fact's position; LookupError when there is none."""
        self._sound()
        attached = self._unit.attached.get(position) or self.store.attached(position)
        if attached is None:
            raise LookupError(f"no batch stands at position {position}")
        sealed = self._unit.replaced.get(position, attached.sealed)
        return Batch(self._recorded(position), attached.rows, sealed)

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Encrypt personal data at rest (``Vault.seal``)."""
        return self._vault.seal(plain, context)

    def unseal(self, sealed: bytes, context: bytes) -> bytes:
        """Decrypt it; VaultError when data or context were changed."""
        return self._vault.open(sealed, context)

    def mark(self, name: str, value: int) -> None:
        """Remember a number durably with the next commit, or when the ledger is closed."""
        self._sound()
        if self._marks.get(name) != value:
            self._marks[name] = self._marked[name] = value

    def marked(self, name: str) -> int:
        """The number last marked, 0 when never."""
        self._sound()
        return self._marks.get(name, 0)

    def checkpoint(self, at: int) -> str:
        """A signed checkpoint of everything committed so far, as note text.

        The same size gives the same text. Stored durably before it is returned; ``at`` (epoch
        ms) is kept beside the first of a size and is no part of it.
        """
        self._sound()
        known = self.store.checkpoint(self._tree.size)
        if known is not None:
            return known.note.decode()
        text = note.Checkpoint(self._origin, self._tree.size, self._tree.root()).text()
        data = self.sign(text)
        self.store.sign(Signed(self._tree.size, data, at), at)
        return data.decode()

    @cached_property
    def calendar(self) -> Calendar:
        """The published working days."""
        return calendar.shipped()

    def sign(self, text: str) -> bytes:
        """A text as a note under the ledger's key: a checkpoint's, or one that cannot be read
        as a checkpoint, to which whoever hands it in sees."""
        return note.Note(text, (note.sign(text, self._vault.key, self._vault.sign),)).encode()

    def keyed(self, name: bytes) -> bytes:
        """16 bytes that follow from a name of five bytes or more, which makes more digits than
        any number has, and that nobody without the keys can guess."""
        return self._vault.person_key(Phone(int.from_bytes(b"\x01" + name)))

    def inclusion(self, position: int, size: int) -> list[bytes]:
        """The inclusion path of a fact in the log of that size.

        ValueError unless ``1 <= position <= size`` and ``size`` facts are committed.
        """
        self._sound()
        if size > self._tree.size:
            raise ValueError(f"{size} facts are asked for, but {self._tree.size} are committed")
        return list(chain.inclusion(position - 1, size, self.heads.nodes, stored=ALL_LEVELS))

    async def save(self, folder: Path) -> None:
        """Save the standings to a folder, so that an opening replays only what comes after.

        OSError when it cannot be written; the ledger itself is none the worse.
        """
        async with self._lock:
            self._sound()
            last = self.store.leaves(self._tree.size - 1, self._tree.size)
            leaf = last[0] if last else b""
            await asyncio.to_thread(snapshot.save, folder, self._standings, leaf)

    async def close(self) -> None:
        """Write outstanding marks and let go of the store. Closing twice does nothing."""
        async with self._lock:
            try:
                if self._broken is None and self._marked:
                    await self.store.commit(Unit(marks=self._marked))
            finally:
                self.store.close()
                self._break("the ledger is closed", "open it anew")

    # What follows serves Transaction and ``check``.

    def _append(self, t: Transaction, fact: Fact) -> int:
        self._in(t)
        recorded = Recorded(self._tree.size + len(self._unit.entries) + 1, t.at, fact)
        body = encode(recorded)
        try:
            self._fold_register(recorded)
            self._standings.apply(recorded)
        except BaseException as error:
            self._break(f"a fact could not be folded: {error!r}", _REOPEN)
            raise
        self._unit.add(recorded, body, chain.leaf_hash(body))
        return recorded.position

    def _attach(self, t: Transaction, position: int, attached: Attached) -> None:
        self._in(t)
        entry = self._unit.entry(position)
        if entry is None:
            raise ValueError(f"position {position} is not of this transaction")
        self._unit.attach(decode(entry.body), attached)

    def _remember(self, t: Transaction, phone: Phone) -> Person:
        self._in(t)
        person = self.find(phone)
        if person.key not in self._unit.people and self.store.person(person.key) is None:
            number = self._vault.seal_phone(phone, person.key)
            self._unit.people[person.key] = Known(person.handle, number)
        return person

    def _replace(self, t: Transaction, position: int, sealed: bytes) -> None:
        self._in(t)
        self.batch(position)
        self._unit.replaced[position] = sealed

    def _forget(self, t: Transaction, key: bytes) -> bool:
        self._in(t)
        known = self.store.person(key) is not None
        if known:
            self._unit.forgotten.append(key)
        return known

    def _fold_register(self, recorded: Recorded) -> None:
        fact = recorded.fact
        if isinstance(fact, RulebookAdopted):
            self._books += (msgspec.json.decode(fact.rulebook, type=Rulebook),)
            self._digests += (fact.digest,)
        else:
            self._register.apply(recorded)
            self.cases.apply(recorded)

    def _in(self, t: Transaction) -> None:
        self._sound()
        if t is not self._open:
            raise RuntimeError("this transaction is over: its block was left")

    def _sound(self) -> None:
        if self._broken is not None:
            raise LedgerBroken(self._broken.problem, self._broken.remedy)

    def _break(self, problem: str, remedy: str) -> None:
        if self._broken is None:
            self._broken = LedgerBroken(problem, remedy)

    def _abandon(self) -> None:
        """Drop what was not committed; it cannot be unfolded, so if there was any, stop."""
        if self._unit.entries or self._standings.changes != self._standings_at:
            self._break("a transaction failed after it had changed what is known", _REOPEN)
        self._unit = Unit()

    async def _commit(self) -> None:
        unit = self._unit
        if not unit:
            return
        self._marked, unit.marks = {}, self._marked
        tree, unit.nodes = self._tree.extend([entry.leaf for entry in unit.entries])
        saves = tree.size - self._saved >= FRONTIER_STEP
        unit.frontier = tree.to_bytes() if saves else b""
        cancelled, failed = await _finished(self.store.commit(unit))
        if failed is not None:
            self._break(f"a commit failed: {failed!r}", f"free the disk, then {_REOPEN}")
            raise failed
        self._saved = tree.size if saves else self._saved
        self._tree, self._unit = tree, Unit()
        if cancelled:
            raise asyncio.CancelledError

    def _recorded(self, position: int) -> Recorded:
        found = self.fact(position)
        if found is None:
            self._break(f"fact {position} is missing", "restore the ledger from a backup")
            raise LedgerBroken(f"fact {position} is missing", "restore it from a backup")
        return found


async def _finished(work: Coroutine[Any, Any, None]) -> tuple[bool, BaseException | None]:
    """Wait to the end of a commit, whatever happens: was the waiting cancelled, did it fail?

    A commit that was begun may have reached the disk: to leave it would be not to know.
    """
    task, cancelled = asyncio.ensure_future(work), False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    return cancelled, task.exception()
