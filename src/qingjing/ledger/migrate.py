"""Forward-only migrations: numbered SQL files beside this one, each run in one transaction.

The number of the last one run stands in ``PRAGMA user_version``. A database that is newer than
the code is refused: an old program would write what the new one no longer understands.
"""

from __future__ import annotations

import re
import sqlite3
from importlib import resources
from typing import Final

from qingjing.ledger.store import LedgerBroken

_NAME: Final = re.compile(r"(\d{4})_[a-z_]+\.sql")


def migrations() -> list[tuple[int, str]]:
    """The shipped migrations, (number, SQL), numbered from 1 without a gap."""
    folder = resources.files("qingjing.ledger").joinpath("migrations")
    found = sorted(
        (int(match.group(1)), file.read_text("utf-8"))
        for file in folder.iterdir()
        if (match := _NAME.fullmatch(file.name))
    )
    if [number for number, _ in found] != list(range(1, len(found) + 1)):
        raise LedgerBroken("the ledger's migrations are not all there", "install Qingjing anew")
    return found


def migrate(connection: sqlite3.Connection) -> int:
    """Bring the database to the newest version; how many migrations were run.

    ``connection`` must be in autocommit mode. LedgerBroken when the database is newer than
    this program; sqlite3.Error leaves the database at the last whole version.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    known = migrations()
    if version > len(known):
        raise LedgerBroken(
            f"the ledger's database has version {version}, this program knows {len(known)}",
            "open it with the newer Qingjing that wrote it",
        )
    for number, sql in known[version:]:
        try:
            connection.executescript(f"BEGIN;\n{sql}\nPRAGMA user_version = {number};\nCOMMIT;")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    return len(known) - version
