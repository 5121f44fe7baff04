"""The command line: what its commands are handed, and how a run of it looks to them."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Literal, Protocol

from qingjing.desk.send import Desk
from qingjing.kernel.rulebook import Rulebook
from qingjing.settings import Settings, load

Lang = Literal["en", "zh"]


class House(Protocol):
    """What the composition root hands to the commands: everything behind the desk."""

    def now(self) -> int:
        """The clock, epoch ms."""
        ...

    def open_desk(self, settings: Settings) -> AbstractAsyncContextManager[Desk]:
        """Open ledger and desk; SettingsError when they cannot be opened."""
        ...

    def create_keys(self, settings: Settings) -> str:
        """Make a new key file; its public key as text. SettingsError when there is one."""
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

    def desk(self) -> AbstractAsyncContextManager[Desk]:
        """Ledger and desk, open for as long as the block lasts."""
        return self.house.open_desk(self.settings)

    def books(self, found: tuple[Rulebook, ...], name: str) -> Rulebook | None:
        """The rulebook of that name, the one adopted last."""
        return next((book for book in reversed(found) if book.name == name), None)
