"""Parts of long messages: joined before anything is decided, kept durably once answered.

A client that waits for each answer before it sends the next part must be answered early; what
was answered is never lost, so such parts are recorded first. Half a message is never sent:
parts whose rest does not come are dropped, and the customer is told so by a report.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from qingjing.desk import evidence
from qingjing.desk.ports import Ledger, Transaction
from qingjing.kernel.facts import MessagesDecided, PartsKept

CONTEXT: Final = b"parts.kept/1"

Key = tuple[str, str, str, int, int]
"""Account, port, number, the sender's reference and how many parts (not the connection:
clients spread parts over connections)."""


class Part(msgspec.Struct, frozen=True, array_like=True):
    """One part as it came. ``number`` counts from 1; ``at`` is epoch ms."""

    key: Key
    number: int
    content: bytes
    codec: str
    declared: int
    original: bytes
    reference: int
    wants_report: bool
    at: int
    failures_only: bool = False


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[Part])


class Joiner:
    """Parts that wait for their rest."""

    def __init__(self, parts_max: int) -> None:
        self.parts_max = parts_max
        self._waiting: dict[Key, dict[int, Part]] = {}
        self._count = 0
        self._kept: dict[int, int] = {}
        # reference of a kept part -> position of the fact that keeps it

    def __len__(self) -> int:
        """How many parts wait."""
        return self._count

    def __iter__(self) -> Iterator[Part]:
        """The parts that wait."""
        for waiting in self._waiting.values():
            yield from waiting.values()

    @property
    def full(self) -> bool:
        """No more parts can be kept: the door says "slow down"."""
        return self._count >= self.parts_max

    def add(self, part: Part) -> list[Part] | None:
        """All parts in order when this one completes the message, else None.

        A part number that is already there (``has``) is not taken again.
        """
        waiting = self._waiting.setdefault(part.key, {})
        if part.number in waiting:
            return None
        waiting[part.number] = part
        self._count += 1
        total = part.key[4]
        if len(waiting) < total:
            return None
        self._forget(part.key)
        return [waiting[number] for number in range(1, total + 1)]

    def has(self, part: Part) -> bool:
        """Is this part number there already?"""
        return part.number in self._waiting.get(part.key, ())

    def expires(self, before: int) -> bool:
        """Is there anything that ``expired`` would drop?"""
        return any(
            all(part.at < before for part in waiting.values())
            for waiting in self._waiting.values()
        )

    def expired(self, before: int) -> list[Part]:
        """Parts that came before a time and whose rest did not; they wait no longer."""
        dropped: list[Part] = []
        for key in list(self._waiting):
            parts = list(self._waiting[key].values())
            if all(part.at < before for part in parts):
                self._forget(key)
                dropped += parts
        return dropped

    def _forget(self, key: Key) -> None:
        parts = self._waiting.pop(key)
        self._count -= len(parts)
        for part in parts.values():
            self._kept.pop(part.reference, None)

    def keep(self, ledger: Ledger, t: Transaction, parts: Iterable[Part], node: int) -> None:
        """Record parts that are about to be answered though their message is not whole."""
        kept = list(parts)
        if not kept:
            return
        cipher = ledger.seal(_ENCODER.encode(kept), CONTEXT)
        fact = PartsKept(
            node=str(node), count=len(kept), sealed_hash=hashlib.sha256(cipher).digest()
        )
        position = t.append(fact)
        t.attach(position, b"", cipher)
        self._kept |= {part.reference: position for part in kept}

    def low_water(self, position: int) -> int:
        """Where recovery must begin: before the oldest fact that keeps a waiting part."""
        return min(self._kept.values(), default=position + 1) - 1


def recover(ledger: Ledger, parts_max: int) -> Joiner:
    """The waiting parts as the record has them: kept, and in no decided message."""
    joiner = Joiner(parts_max)
    decided: set[int] = set()
    kept: list[tuple[int, Part]] = []
    for position in ledger.batches_since(ledger.marked("low_water")):
        batch = ledger.batch(position)
        if isinstance(batch.recorded.fact, PartsKept):
            parts = _DECODER.decode(ledger.unseal(batch.sealed, CONTEXT))
            kept += [(position, part) for part in parts]
        elif isinstance(batch.recorded.fact, MessagesDecided):
            sealed = evidence.unpack(ledger.unseal(batch.sealed, evidence.CONTEXT))
            decided |= {ref for refs in sealed.references.values() for ref in refs}
    for position, part in kept:
        if part.reference not in decided:
            joiner.add(part)
            joiner._kept[part.reference] = position
    return joiner
