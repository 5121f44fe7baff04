"""The ledger's signed heads, as others see them: listed, connected, countersigned, attested."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from qingjing.kernel import chain, note
from qingjing.ledger.store import LedgerBroken, Signed, Store
from qingjing.ledger.vault import Vault, verify

ALL_LEVELS: Final = 56  # stored levels 8, 16, ... 56 reach past any log

ATTESTED: Final = "qingjing."
"""How every attested text begins, so that none can pass for a checkpoint of this log."""


class Heads:
    """The heads of one ledger. ``sound`` raises when the ledger is broken."""

    def __init__(self, store: Store, vault: Vault, sound: Callable[[], None]) -> None:
        self._store, self._vault, self._sound = store, vault, sound

    def nodes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        """Stored hashes of a level (``chain.Nodes``)."""
        if level == 0:
            return self._store.leaves(start, stop)
        return self._store.nodes(level, start, stop)

    def checkpoints(self) -> list[Signed]:
        """Every checkpoint that was signed, the smallest first."""
        self._sound()
        return self._store.checkpoints()

    def consistency(self, first: int, second: int) -> list[bytes]:
        """The path from the log of ``first`` facts to that of ``second``, both committed.

        ValueError unless ``0 <= first <= second <= size``.
        """
        self._sound()
        if second > self._store.size():
            raise ValueError(f"{second} facts are asked for, but not so many are committed")
        return list(chain.consistency(first, second, self.nodes, stored=ALL_LEVELS))

    def countersign(self, data: bytes, witnesses: Iterable[note.Key]) -> list[str]:
        """Keep what witnesses wrote under a checkpoint of ours; the names of those who did.

        NoteError when the text is no checkpoint that we signed, or a signature by a known
        witness fails, or none of them signed. Lines by others are not kept.
        """
        self._sound()
        handed = note.parse_note(data)
        size = note.parse_checkpoint(handed.text).size
        kept = self._store.checkpoint(size)
        if kept is None or note.parse_note(kept.note).text != handed.text:
            raise note.NoteError(0, f"this log signed no such checkpoint of {size} facts")
        found = note.check(handed, witnesses, verify)
        names = [(one.key.name, one.key.id) for one in found]
        whole = note.parse_note(kept.note)
        there = {(line.name, line.key_id) for line in whole.signatures}
        for line in handed.signatures:
            who = (line.name, line.key_id)
            if who in names and who not in there:
                whole, there = whole.signed(line), there | {who}
        self._store.sign(Signed(size, whole.encode(), kept.at), kept.at)
        return [name for name, _id in names]

    def attest(self, text: str) -> bytes:
        """The log's signature under a text of its own kind, 64 bytes (RFC 8032).

        ValueError unless the text begins with ``ATTESTED``: no checkpoint does.
        """
        self._sound()
        if not text.startswith(ATTESTED):
            raise ValueError("what is attested must say what it is")
        return self._vault.sign(text.encode())

    def derived(self, label: bytes) -> bytes:
        """A secret for one purpose, 32 bytes, the same for the ledger's life (HMAC-SHA256)."""
        return hmac.digest(self._vault.handle_key, b"qingjing\x00" + label, hashlib.sha256)


def tree_of(store: Store) -> chain.Tree:
    """The tree as it was at the last commit: the saved frontier and the leaves since."""
    saved = store.frontier()
    try:
        tree = chain.Tree.from_bytes(saved) if saved else chain.Tree()
        size = store.size()
        leaves = store.leaves(tree.size, size)
        if tree.size + len(leaves) != size:
            raise chain.ChainError(f"{size} facts, but not all their leaf hashes")
        return tree.extend(leaves).tree
    except chain.ChainError as error:
        raise LedgerBroken(f"the log is damaged: {error}", "restore it from a backup") from None
