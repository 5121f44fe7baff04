"""The command line: what its commands are handed, and how a run of it looks to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Literal, ParamSpec, Protocol, TypeVar

from qingjing.desk.send import Desk
from qingjing.doors.control import Asking, Clerk, NoDoorError, Own, Writing, running
from qingjing.settings import Settings, load

Lang = Literal["en", "zh"]
P = ParamSpec("P")
R = TypeVar("R")


class HouseError(Exception):
    """Keys or ledger cannot be opened, or failed; the text names the remedy."""


class BusyError(HouseError):
    """Another process has the ledger open."""


class LedgerReport(Protocol):
    """What proving the whole record gave: see ``House.verify_ledger``."""

    @property
    def sound(self) -> bool:
        """Is everything as it was written?"""
        ...

    @property
    def size(self) -> int:
        """How many facts there are."""
        ...

    @property
    def root(self) -> bytes:
        """The Merkle root over the facts as they are now."""
        ...

    @property
    def checkpoints(self) -> int:
        """How many signed checkpoints were checked."""
        ...

    @property
    def batches(self) -> int:
        """How many message batches were checked."""
        ...

    @property
    def findings(self) -> Sequence[tuple[int, str]]:
        """What is wrong: the fact's position, 0 for the whole, and the problem in words."""
        ...


class House(Protocol):
    """What the composition root hands to the commands: everything behind the desk."""

    def now(self) -> int:
        """The clock, epoch ms."""
        ...

    def open_desk(self, settings: Settings) -> AbstractAsyncContextManager[Desk]:
        """Open ledger and desk; HouseError when they cannot be opened or fail.

        BusyError when another process has them.
        """
        ...

    def open_beside(self, settings: Settings) -> AbstractAsyncContextManager[Desk]:
        """Open ledger and desk to read, whoever has them; HouseError when that cannot be."""
        ...

    async def serve(
        self,
        settings: Settings,
        ready: Callable[[Mapping[str, int]], None],
        until: asyncio.Event,
        anew: asyncio.Queue[Settings],
    ) -> None:
        """Run the gateway until the event is set; ``ready`` is told its ports by protocol, and
        accounts and routes are those of the last settings that came by ``anew``."""
        ...

    def verify_ledger(self, settings: Settings) -> LedgerReport:
        """Prove everything that is stored, from the bytes up."""
        ...

    async def rebuild_ledger(self, settings: Settings) -> int:
        """Fold all projections from the first fact and save them; how many facts there are."""
        ...

    def create_keys(self, settings: Settings) -> str:
        """Make a new key file; its public key as text. HouseError when there is one."""
        ...

    def rotate_keys(self, settings: Settings) -> int:
        """Add a data key to the key file; its number."""
        ...

    def public_key(self, settings: Settings) -> str:
        """The public key that verifies this ledger's checkpoints, as text."""
        ...


class Session:
    """One run: who composes, which settings file, which language."""

    def __init__(self, house: House, config: Path, lang: Lang) -> None:
        """Nothing is read until a command asks for it."""
        self.house, self.config, self.lang = house, config, lang

    @property
    def settings(self) -> Settings:
        """The settings of ``--config``; SettingsError when they are wrong."""
        return load(self.config)

    @property
    def now(self) -> int:
        """The time at which the command acts, epoch ms."""
        return self.house.now()

    @asynccontextmanager
    async def clerk(self) -> AsyncIterator[Clerk]:
        """Whoever has the ledger open: this process, or the service that runs."""
        settings = self.settings
        folder = settings.path(settings.data)
        async with AsyncExitStack() as stack:
            clerk: Clerk
            try:
                desk = await stack.enter_async_context(self.house.open_desk(settings))
                clerk = Own(desk, self.house.now)
            except BusyError:
                try:
                    clerk = await stack.enter_async_context(running(folder))
                except NoDoorError:
                    raise BusyError(
                        f"another process has the ledger in {folder} open and takes no "
                        "commands; wait for its end, or try again when the service has started"
                    ) from None
            yield clerk

    async def write(self, verb: Writing[P, R], /, *args: P.args, **given: P.kwargs) -> R:
        """Run one verb that records, here or in the service that runs; committed then."""
        async with self.clerk() as clerk:
            return await clerk.write(verb, *args, **given)

    async def ask(self, verb: Asking[P, R], /, *args: P.args, **given: P.kwargs) -> R:
        """Run one verb that only looks, here or in the service that runs: for short ones."""
        async with self.clerk() as clerk:
            return await clerk.ask(verb, *args, **given)

    def beside(self) -> AbstractAsyncContextManager[Desk]:
        """Ledger and desk to read, as they are now, beside a service that goes on: for what
        takes long. Caps are not counted in it."""
        return self.house.open_beside(self.settings)

    def desk(self) -> AbstractAsyncContextManager[Desk]:
        """Ledger and desk for this process alone: refused while a service runs."""
        return self.house.open_desk(self.settings)

    @property
    def imports(self) -> Path:
        """The folder of imported consent files."""
        settings = self.settings
        return settings.path(settings.data) / "imports"
