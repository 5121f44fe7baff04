"""The whole ledger in memory: for tests, demonstrations and trials. Nothing outlives it."""

from __future__ import annotations

from pathlib import Path

from qingjing.ledger.core import Ledger
from qingjing.ledger.standings import StandingsFold
from qingjing.ledger.store import Shelf, Signed, Unit
from qingjing.ledger.vault import Vault


class MemoryStore(Shelf):
    """A shelf that all units are put on."""

    def __init__(self) -> None:
        super().__init__()
        self._marks: dict[str, int] = {}
        self._checkpoints: dict[int, Signed] = {}

    async def commit(self, unit: Unit) -> None:
        """Keep a unit."""
        self.put(unit)
        self._marks |= unit.marks

    def size(self) -> int:
        """How many facts are kept."""
        return len(self._entries)

    def frontier(self) -> bytes:
        """None is saved: the leaves are at hand."""
        return b""

    def marks(self) -> dict[str, int]:
        """All marks."""
        return dict(self._marks)

    def checkpoint(self, size: int) -> Signed | None:
        """The checkpoint of a size."""
        return self._checkpoints.get(size)

    def checkpoints(self) -> list[Signed]:
        """All checkpoints, smallest first."""
        return [self._checkpoints[size] for size in sorted(self._checkpoints)]

    def sign(self, signed: Signed, at: int) -> None:  # noqa: ARG002  # no table to read it in
        """Keep a checkpoint."""
        self._checkpoints[signed.size] = signed

    def close(self) -> None:
        """Nothing is held open."""


def open_ledger(
    vault: Vault, *, origin: str, imports: Path | None = None, store: MemoryStore | None = None
) -> Ledger:
    """A ledger in memory. ``imports`` is the folder of the files that imports name.

    ``store``, of an earlier ledger that was closed, is opened again as a restart would.
    """
    standings = StandingsFold(vault.handle_key, imports)
    return Ledger(store or MemoryStore(), vault, standings, origin=origin)
