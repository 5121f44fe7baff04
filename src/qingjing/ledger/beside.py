"""The ledger opened to read beside the process that writes it: one moment, and no lock.

SQLite's WAL lets others read while one writes. All that is read is of the moment of opening,
for as long as it is open; what commits meanwhile is kept in the WAL for that long.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from qingjing.kernel.facts import decode
from qingjing.ledger import snapshot
from qingjing.ledger.core import Ledger
from qingjing.ledger.migrate import migrations
from qingjing.ledger.sqlite import DATABASE, IMPORTS, SNAPSHOT, Opened, SqliteStore
from qingjing.ledger.store import LedgerBroken, Signed, Unit
from qingjing.ledger.vault import Vault

_APART: Final = (
    "SELECT body FROM fact WHERE position > ? AND kind NOT GLOB 'messages.*' ORDER BY position"
)


def ready(directory: Path) -> bool:
    """Is there a database of this program's version, so that it can be read as it is?"""
    path = directory / DATABASE
    if not path.is_file():
        return False
    connection = sqlite3.connect(path)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error as error:
        raise _unreadable(path, error) from error
    finally:
        connection.close()
    return bool(version == len(migrations()))


class BesideStore(SqliteStore):
    """The tables as they are at this moment. It records nothing."""

    def __init__(self, directory: Path, vault: Vault) -> None:
        """Open a database that is ``ready``; LedgerBroken when it is another vault's."""
        path = directory / DATABASE
        self._reader = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._reader.execute("PRAGMA query_only = 1")
            self._reader.execute("BEGIN")
            query = "SELECT value FROM meta WHERE name = 'identity'"
            row = self._reader.execute(query).fetchone()
        except sqlite3.Error as error:
            self._reader.close()
            raise _unreadable(path, error) from error
        if row is None or row[0] != vault.identity:
            self._reader.close()
            raise LedgerBroken(
                "the key file is not that of this ledger", "name the key file it was made with"
            )

    def apart(self, after: int) -> Iterator[bytes]:
        """Facts after a position but those of messages, in order: few against all."""
        for (body,) in self._reader.execute(_APART, (after,)):
            yield body

    async def commit(self, unit: Unit) -> NoReturn:  # noqa: ARG002  # the store's shape
        """LedgerBroken: nothing is recorded here."""
        raise LedgerBroken(
            "the ledger was opened to read", "record through the one that writes"
        )

    def sign(self, signed: Signed, at: int) -> None:
        """A signed checkpoint is true whether it is kept or not; here it is not."""

    def close(self) -> None:
        """Let go. Closing twice does nothing."""
        self._reader.close()


class Facts(NamedTuple):
    """Facts by position out of a store, with no index built over them."""

    store: BesideStore

    def encoded(self, position: int) -> bytes | None:
        """The stored bytes of a fact."""
        entry = self.store.entry(position)
        return None if entry is None else entry.body


def open_beside(directory: Path, vault: Vault, *, origin: str) -> Opened:
    """The ledger in a directory as it is at this moment, whoever has it open.

    It must be ``ready``. Standings are those of the last snapshot and of what was recorded
    since, **without what messages counted since** (caps, askings): for whoever does not look at
    caps. LedgerBroken when it is damaged or belongs to other keys.
    """
    store = BesideStore(directory, vault)
    try:
        loaded = snapshot.load(directory / SNAPSHOT, vault, store, directory / IMPORTS)
        standings = loaded.standings
        for body in store.apart(standings.position):
            standings.apply(decode(body))
        standings.position = store.size()
        return Opened(Ledger(store, vault, standings, origin=origin), loaded.warning)
    except BaseException:
        store.close()
        raise


def _unreadable(path: Path, error: sqlite3.Error) -> LedgerBroken:
    return LedgerBroken(f"{path} cannot be opened: {error}", "restore it from a backup")
