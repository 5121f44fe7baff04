"""Facts of messages: what was decided, in batches, and what happened to them since."""

from __future__ import annotations

import msgspec

from qingjing.kernel.facts.fact import Fact
from qingjing.kernel.words import Carrier


class PartsKept(Fact, frozen=True, kw_only=True, tag="parts.kept/1"):
    """Parts of long messages that were answered before the rest had come, under seal beside.

    They are decided with the rest, or dropped: half a message is never sent.
    """

    node: str
    count: int
    sealed_hash: bytes


class LaneUsed(msgspec.Struct, frozen=True, kw_only=True):
    """One resolved path of a decided batch: rows point to it by its place in the list.

    ``kinds`` is what the path allows, ``facts`` the ledger positions that it rests on.
    """

    account: str
    submitter: str
    sender: str
    group: str
    port: str
    signature: str
    carrier: Carrier
    kinds: int
    grant: str
    facts: tuple[int, ...]


class TextRead(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of a decided batch. ``commitment`` = SHA-256(salt, text)."""

    commitment: bytes
    kind: int
    category: int
    signature: str
    notice: str
    confidence: float
    template_key: int


class MessagesDecided(Fact, frozen=True, kw_only=True, tag="messages.decided/1"):
    """What the gate decided in one batch. Rows are fixed-size records under ``rows_root``.

    ``rulebook_digest`` is that of the adopted bytes, ``reader`` of what read the texts.
    """

    node: str
    rulebook: str
    rulebook_digest: str = ""
    reader: str = ""
    first_message: int
    count: int
    passed: int
    rows_root: bytes
    sealed_hash: bytes
    lanes: tuple[LaneUsed, ...]
    texts: tuple[TextRead, ...]


class MessagesMoved(Fact, frozen=True, kw_only=True, tag="messages.moved/1"):
    """What happened to messages after their decision, in one batch: see ``rows.Move``."""

    node: str
    count: int
    rows_root: bytes
