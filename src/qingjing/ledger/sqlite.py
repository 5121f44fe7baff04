"""The ledger in one SQLite file: the default store.

One connection writes, in one thread of its own; another reads, on the event loop, what has
been committed. WAL with ``synchronous=FULL``: a commit that returned is on disk. A second
process that opens the same ledger is refused by a lock on a file beside the database.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from qingjing.ledger import snapshot
from qingjing.ledger.core import Ledger
from qingjing.ledger.migrate import migrate
from qingjing.ledger.store import (
    BLOCK_BITS,
    Attached,
    Entry,
    Known,
    LedgerBroken,
    LedgerBusy,
    Signed,
    Unit,
)
from qingjing.ledger.vault import Vault

DATABASE: Final = "ledger.db"
IMPORTS: Final = "imports"
SNAPSHOT: Final = "snapshot"
_LOCK: Final = "ledger.lock"

_SIGN: Final = 1 << 63
_WAL_PAGES: Final = 4000  # 16 MB between two checkpoints of the WAL: a few a minute under load
_STEP: Final = 512  # facts a query, so that a fold neither holds a cursor nor the whole log

_ENTRY: Final = "SELECT position, kind, at, register, body, leaf FROM fact "


def signed(number: int) -> int:
    """An unsigned 64-bit number as the signed one of the same bits: all that SQLite knows."""
    return number - (1 << 64) if number & _SIGN else number


class SqliteStore:
    """The tables of ``migrations``. LedgerBroken when they cannot be opened."""

    def __init__(self, directory: Path, vault: Vault) -> None:
        """Open or create the database in a directory, for this vault's keys alone."""
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(directory / _LOCK)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        path = directory / DATABASE
        self._writer = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._reader = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._thread.submit(_prepare, self._writer, vault.identity).result()
            self._reader.execute("PRAGMA query_only = 1")
        except sqlite3.Error as error:
            self.close()
            raise LedgerBroken(
                f"{path} cannot be opened: {error}", "restore it from a backup"
            ) from error
        except LedgerBroken:
            self.close()
            raise

    async def commit(self, unit: Unit) -> None:
        """Make a unit durable in one transaction; sqlite3.Error when it could not be."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, _write, self._writer, unit)

    def entry(self, position: int) -> Entry | None:
        """The fact at a position."""
        row = self._reader.execute(_ENTRY + "WHERE position = ?", (position,)).fetchone()
        return None if row is None else _entry(row)

    def entries(self, after: int, *, register: bool = False) -> Iterator[Entry]:
        """Facts after a position, in order; with ``register`` only those of that history."""
        which = "register = 1 AND " if register else ""
        query = f"{_ENTRY}WHERE {which}position > ? ORDER BY position LIMIT {_STEP}"
        while rows := self._reader.execute(query, (after,)).fetchall():
            yield from map(_entry, rows)
            after = rows[-1][0]

    def leaves(self, start: int, stop: int) -> Sequence[bytes]:
        """Leaf hashes of leaf indexes ``start <= index < stop``."""
        query = "SELECT leaf FROM fact WHERE position > ? AND position <= ? ORDER BY position"
        return [leaf for (leaf,) in self._reader.execute(query, (start, stop))]

    def nodes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        """Subtree roots of a stored level."""
        query = "SELECT hash FROM node WHERE level = ? AND at >= ? AND at < ? ORDER BY at"
        return [node for (node,) in self._reader.execute(query, (level, start, stop))]

    def attached(self, position: int) -> Attached | None:
        """What is kept beside a fact."""
        query = "SELECT rows, sealed FROM batch WHERE position = ?"
        row = self._reader.execute(query, (position,)).fetchone()
        return None if row is None else Attached(*row)

    def batches(self, after: int) -> list[int]:
        """Positions after this one beside which something is kept, in order."""
        query = "SELECT position FROM batch WHERE position > ? ORDER BY position"
        return [position for (position,) in self._reader.execute(query, (after,))]

    def span(self, message: int) -> int | None:
        """Position of the decided batch whose span holds this message id."""
        query = (
            "SELECT last, position FROM decided WHERE first <= ? ORDER BY first DESC LIMIT 1"
        )
        row = self._reader.execute(query, (signed(message),)).fetchone()
        return None if row is None or signed(message) > row[0] else int(row[1])

    def block(self, message: int) -> list[int]:
        """Positions of the moved batches that touch the block of this message id, in order."""
        query = "SELECT position FROM moved WHERE block = ? ORDER BY position"
        block = (message >> BLOCK_BITS,)
        return [position for (position,) in self._reader.execute(query, block)]

    def of(self, handle: int) -> list[int]:
        """Positions of one person's facts, in order."""
        query = "SELECT position FROM person_fact WHERE handle = ? ORDER BY position"
        return [position for (position,) in self._reader.execute(query, (signed(handle),))]

    def person(self, key: bytes) -> Known | None:
        """A person by key."""
        query = "SELECT handle, number FROM person WHERE key = ?"
        row = self._reader.execute(query, (key,)).fetchone()
        return None if row is None else Known(row[0] % (1 << 64), row[1])

    def size(self) -> int:
        """How many facts are stored: positions run from 1 without a gap."""
        query = "SELECT coalesce(max(position), 0) FROM fact"
        return int(self._reader.execute(query).fetchone()[0])

    def frontier(self) -> bytes:
        """The newest saved frontier of the tree; empty when none."""
        query = "SELECT value FROM meta WHERE name = 'frontier'"
        row = self._reader.execute(query).fetchone()
        return b"" if row is None else bytes(row[0])

    def marks(self) -> dict[str, int]:
        """All marks."""
        rows = self._reader.execute("SELECT name, value FROM mark")
        return {name: value % (1 << 64) for name, value in rows}

    def checkpoint(self, size: int) -> Signed | None:
        """The checkpoint of a size."""
        query = "SELECT size, note, at FROM checkpoint WHERE size = ?"
        row = self._reader.execute(query, (size,)).fetchone()
        return None if row is None else Signed(*row)

    def checkpoints(self) -> list[Signed]:
        """All checkpoints, smallest first."""
        query = "SELECT size, note, at FROM checkpoint ORDER BY size"
        return [Signed(*row) for row in self._reader.execute(query)]

    def sign(self, signed: Signed, at: int) -> None:
        """Store a checkpoint, durably; sqlite3.Error when it could not be."""
        query = "INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?)"
        values = (signed.size, at, signed.note)
        self._thread.submit(self._writer.execute, query, values).result()

    def close(self) -> None:
        """Close the connections and let go of the lock. Closing twice does nothing."""
        if self._lock < 0:
            return
        self._reader.close()
        self._thread.submit(self._writer.close).result()
        self._thread.shutdown()
        os.close(self._lock)
        self._lock = -1


class Opened(NamedTuple):
    """An open ledger, and a warning when its snapshot was of no use ("" when all is well)."""

    ledger: Ledger
    warning: str


def open_ledger(directory: Path, vault: Vault, *, origin: str) -> Opened:
    """The ledger in a directory, created when there is none.

    The directory holds ``ledger.db``, ``ledger.lock``, ``imports/`` (files that imports name)
    and ``snapshot/``. LedgerBroken when another process has it open, when the database is newer
    than this program, belongs to other keys or is damaged.
    """
    store = SqliteStore(directory, vault)
    try:
        loaded = snapshot.load(directory / SNAPSHOT, vault, store, directory / IMPORTS)
        ledger = Ledger(store, vault, loaded.standings, origin=origin)
        return Opened(ledger, loaded.warning)
    except BaseException:
        store.close()
        raise


async def close_ledger(ledger: Ledger, directory: Path) -> None:
    """Save the snapshot and close."""
    try:
        await ledger.save(directory / SNAPSHOT)
    finally:
        await ledger.close()


def _prepare(connection: sqlite3.Connection, identity: bytes) -> None:
    """Migrate, and bind a new database to the keys: under others nobody would be found."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    # What an erasure takes away is overwritten, not only unlinked from the tables.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
    migrate(connection)
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('identity', ?)", (identity,))
    row = connection.execute("SELECT value FROM meta WHERE name = 'identity'").fetchone()
    if row[0] != identity:
        raise LedgerBroken(
            "the key file is not that of this ledger", "name the key file it was made with"
        )


def _locked(path: Path) -> int:
    """Hold the directory for this process; LedgerBusy when another has it."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise LedgerBusy(
            f"another process has the ledger in {path.parent} open",
            "stop it first: one process writes a ledger",
        ) from None
    return lock


def _entry(row: tuple[int, str, int, int, bytes, bytes]) -> Entry:
    position, kind, at, register, body, leaf = row
    return Entry(position, kind, at, bool(register), body, leaf)


def _write(connection: sqlite3.Connection, unit: Unit) -> None:
    """One unit, one transaction, in the writer's thread."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        _insert(connection, unit)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _insert(connection: sqlite3.Connection, unit: Unit) -> None:
    many = connection.executemany
    many(
        "INSERT INTO fact (position, kind, at, register, body, leaf) VALUES (?,?,?,?,?,?)",
        unit.entries,
    )
    for sql, values in (
        ("INSERT INTO batch VALUES (?, ?, ?)", ((at, *a) for at, a in unit.attached.items())),
        (
            "INSERT INTO decided VALUES (?, ?, ?)",
            ((signed(first), signed(last), at) for first, last, at in unit.spans),
        ),
        ("INSERT INTO moved VALUES (?, ?)", unit.blocks),
        (
            "INSERT INTO person_fact VALUES (?, ?)",
            ((signed(handle), at) for handle, at in unit.persons),
        ),
        (
            "INSERT INTO person VALUES (?, ?, ?)",
            ((key, signed(k.handle), k.number) for key, k in unit.people.items()),
        ),
        (
            "UPDATE batch SET sealed = ? WHERE position = ?",
            ((sealed, at) for at, sealed in unit.replaced.items()),
        ),
        ("DELETE FROM person WHERE key = ?", ((key,) for key in unit.forgotten)),
        ("INSERT INTO node VALUES (?, ?, ?)", unit.nodes),
        (
            "INSERT OR REPLACE INTO mark VALUES (?, ?)",
            ((name, signed(value)) for name, value in unit.marks.items()),
        ),
    ):
        many(sql, values)
    if unit.frontier:
        query = "INSERT OR REPLACE INTO meta VALUES ('frontier', ?)"
        connection.execute(query, (unit.frontier,))
