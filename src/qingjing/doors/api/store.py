"""What the API keeps beside the ledger: keys, answers, events, webhooks, scrub jobs.

One small SQLite file in the ledger's folder. Nothing in it decides anything: what was decided
is in the ledger, and a lost file costs keys, webhooks and what was not yet fetched. Personal
data stand in it under the ledger's seal alone, and for ``api.keep_days`` at most.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

T = TypeVar("T")

FILE: Final = "api.db"

BUSY_S: Final = 2.0
"""How long a command that makes a key may hold the file; it takes milliseconds."""

_SCHEMA: Final = """
CREATE TABLE key (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, hash BLOB NOT NULL, scopes TEXT NOT NULL,
    senders TEXT NOT NULL, per_s INTEGER NOT NULL, note TEXT NOT NULL,
    made_at INTEGER NOT NULL, revoked_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE answer (
    account TEXT NOT NULL, key TEXT NOT NULL, digest BLOB NOT NULL, count INTEGER NOT NULL,
    position INTEGER NOT NULL, at INTEGER NOT NULL, answer BLOB,
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_at ON answer (at);
CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, kind TEXT NOT NULL,
    message INTEGER, at INTEGER NOT NULL, sealed BLOB NOT NULL,
    UNIQUE (account, message)
) STRICT;
CREATE INDEX event_account ON event (account, kind, seq);
CREATE INDEX event_at ON event (at);
CREATE TABLE hook (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, url TEXT NOT NULL, kinds TEXT NOT NULL,
    sealed BLOB NOT NULL, upto INTEGER NOT NULL, made_at INTEGER NOT NULL
) STRICT;
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT, hook TEXT NOT NULL, first INTEGER NOT NULL,
    last INTEGER NOT NULL, count INTEGER NOT NULL, tries INTEGER NOT NULL,
    due_at INTEGER NOT NULL, dead INTEGER NOT NULL DEFAULT 0, problem TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX delivery_hook ON delivery (hook, dead, due_at);
CREATE TABLE job (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, asked BLOB NOT NULL, state TEXT NOT NULL,
    made_at INTEGER NOT NULL, done_at INTEGER NOT NULL DEFAULT 0,
    sum BLOB, problem TEXT NOT NULL DEFAULT ''
) STRICT;
PRAGMA user_version = 1;
"""

_VERSION: Final = 1


class StoreError(Exception):
    """The file cannot be used; the text names the remedy."""


class Store:
    """The file, open. Reads are at once; writes of one round of the loop are one commit."""

    def __init__(self, folder: Path) -> None:
        """Open it, or make it for its owner alone; StoreError when it cannot be used."""
        self._path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA secure_delete = ON")
            self._build()
        except (OSError, sqlite3.Error) as error:
            remedy = "it must be on a local disk that the service may write to"
            raise StoreError(f"{self._path} cannot be used: {error}; {remedy}") from error
        self._waiting: list[tuple[Callable[[sqlite3.Connection], Any], Any]] = []

    def _build(self) -> None:
        with _Unit(self._db):
            (found,) = self._db.execute("PRAGMA user_version").fetchone()
            if found == 0:
                for statement in _SCHEMA.split(";\n"):
                    self._db.execute(statement)
            elif found != _VERSION:
                raise sqlite3.DatabaseError(f"it is of version {found}, and this of {_VERSION}")

    @property
    def changes(self) -> int:
        """A number that is another one when another process has written."""
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def read(self, query: str, *values: object) -> list[Any]:
        """Rows of a query, as committed."""
        return self._db.execute(query, values).fetchall()

    def write_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """One write, durable when this returns: for commands and for the start."""
        with _Unit(self._db):
            return work(self._db)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Write with whatever else is written in this round of the loop; durable then."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting.append((work, done))
        return await done

    async def change(self, query: str, *values: object) -> int:
        """Write by one statement, likewise; how many rows it changed."""
        return await self.write(lambda db: db.execute(query, values).rowcount)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            with _Unit(self._db):
                results = [work(self._db) for work, _done in waiting]
        except Exception as error:
            for _work, done in waiting:
                if not done.done():
                    done.set_exception(error)
            return
        for (_work, done), result in zip(waiting, results, strict=True):
            if not done.done():
                done.set_result(result)

    def close(self) -> None:
        """Close it; whoever still waits is written first."""
        if self._waiting:
            self._flush()
        self._db.close()


class _Unit:
    """A transaction that begins as a writing one: two processes may write."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")
