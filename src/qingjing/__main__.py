"""``qingjing``, or ``python -m qingjing``: the command line over the real clock and ledger."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from qingjing import app
from qingjing.desk.send import Desk
from qingjing.doors.cli import BusyError, HouseError
from qingjing.doors.cli.main import run
from qingjing.doors.cli.output import complain
from qingjing.doors.gateway.gateway import Senses
from qingjing.ledger import beside, check, sqlite, vault
from qingjing.ledger.store import LedgerBroken, LedgerBusy
from qingjing.ledger.vault import Vault, VaultError
from qingjing.settings import Settings


class House:
    """What the commands are handed: see ``doors.cli.House``."""

    def now(self) -> int:
        """The clock, epoch ms."""
        return time.time_ns() // 1_000_000

    @asynccontextmanager
    async def open_desk(self, settings: Settings) -> AsyncIterator[Desk]:
        """Open ledger and desk; HouseError when they cannot be opened or fail."""
        with _told():
            async with app.open_desk(settings, now=self.now, warn=complain) as desk:
                yield desk

    @asynccontextmanager
    async def open_beside(self, settings: Settings) -> AsyncIterator[Desk]:
        """Open ledger and desk to read, whoever has them; HouseError when that cannot be."""
        with _told():
            async with app.open_beside(settings, now=self.now, warn=complain) as desk:
                yield desk

    async def serve(
        self,
        settings: Settings,
        ready: Callable[[Mapping[str, int]], None],
        until: asyncio.Event,
        anew: asyncio.Queue[Settings],
    ) -> None:
        """Run the gateway; HouseError when keys or ledger cannot be opened or fail."""
        senses = Senses(time.monotonic, self.now, random.SystemRandom().random)
        with _told():
            await app.serve(
                settings, senses=senses, warn=complain, ready=ready, until=until, anew=anew
            )

    def verify_ledger(self, settings: Settings) -> check.Report:
        """Prove everything that is stored, from the bytes up."""
        with _told():
            folder, keys = settings.path(settings.data), Vault(app.keys_of(settings))
            kind = beside.BesideStore if beside.ready(folder) else sqlite.SqliteStore
            store = kind(folder, keys)
            try:
                return check.verify(store, keys.key, folder=_imports(settings))
            finally:
                store.close()

    async def rebuild_ledger(self, settings: Settings) -> int:
        """Fold all projections from the first fact and save them; how many facts there are."""
        with _told():
            folder, keys = settings.path(settings.data), Vault(app.keys_of(settings))
            try:
                store = sqlite.SqliteStore(folder, keys)
            except LedgerBusy as busy:
                raise LedgerBroken(
                    f"{busy.problem}, with these indexes in its memory",
                    "stop it first: it would save its own over what is built here",
                ) from None
            try:
                imports = _imports(settings)
                ledger = check.rebuild(store, keys, origin=settings.name, folder=imports)
                await ledger.save(folder / sqlite.SNAPSHOT)
                return ledger.position
            finally:
                store.close()

    def create_keys(self, settings: Settings) -> str:
        """Make a new key file; its public key as text."""
        with _told():
            keys = vault.create(settings.path(settings.keys), settings.name)
            return Vault(keys).key.text()

    def rotate_keys(self, settings: Settings) -> int:
        """Add a data key to the key file; its number."""
        with _told():
            return vault.rotate(settings.path(settings.keys)).current

    def public_key(self, settings: Settings) -> str:
        """The public key that verifies this ledger's checkpoints, as text."""
        with _told():
            return Vault(app.keys_of(settings)).key.text()


def _imports(settings: Settings) -> Path:
    return settings.path(settings.data) / sqlite.IMPORTS


@contextmanager
def _told() -> Iterator[None]:
    """Say in the doors' words what went wrong behind them."""
    try:
        yield
    except LedgerBusy as error:
        raise BusyError(str(error)) from error
    except (VaultError, LedgerBroken) as error:
        raise HouseError(str(error)) from error
    except PermissionError as error:
        remedy = "run this as the user that the service runs as"
        raise HouseError(f"{error.filename} cannot be opened; {remedy}") from error


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(House(), sys.argv[1:]))


if __name__ == "__main__":
    main()
