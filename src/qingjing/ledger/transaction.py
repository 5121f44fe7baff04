"""One unit of work on a ledger, and what is read in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from qingjing.kernel.facts import Fact, Recorded
from qingjing.kernel.words import Phone
from qingjing.ledger.store import Attached

if TYPE_CHECKING:
    from qingjing.ledger.core import Ledger


class Person(NamedTuple):
    """A person as facts name it: 16-byte keyed hash and 64-bit keyed handle of the number."""

    key: bytes
    handle: int


class Batch(NamedTuple):
    """A stored batch: its fact, its rows, its sealed part."""

    recorded: Recorded
    rows: bytes
    sealed: bytes


class Transaction:
    """One unit of work. Of no use once its block is left."""

    def __init__(self, ledger: Ledger, at: int) -> None:
        self.at = at
        self._ledger = ledger

    @property
    def position(self) -> int:
        """Position of the last fact, those of this transaction included."""
        return self._ledger.position

    def append(self, fact: Fact) -> int:
        """Record a fact and fold it; its position."""
        return self._ledger._append(self, fact)

    def attach(self, position: int, rows: bytes, sealed: bytes) -> None:
        """Keep a batch's rows and sealed part beside the fact at ``position``.

        ValueError when that fact is not one of this transaction.
        """
        self._ledger._attach(self, position, Attached(rows, sealed))

    def remember(self, phone: Phone) -> Person:
        """The person of a number; the number itself is kept, sealed under the person's key."""
        return self._ledger._remember(self, phone)

    def replace(self, position: int, sealed: bytes) -> None:
        """Exchange what stands under seal beside a fact, which an erasure alone may do.

        A ``person.forgotten/1`` of this transaction names the hash of the new. LookupError when
        nothing stands there.
        """
        self._ledger._replace(self, position, sealed)

    def forget(self, key: bytes) -> bool:
        """Drop the sealed number of a person; was there one?"""
        return self._ledger._forget(self, key)
