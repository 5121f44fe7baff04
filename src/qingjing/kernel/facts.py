"""Every kind of fact that the ledger can hold: a closed, versioned union.

A fact is never edited. Its tag carries kind and version (``consent.recorded/1``); a new
version is a new type beside the old one, and ``tests/kernel/golden`` keeps one file for every
kind and version ever written, which must decode for ever. Encoded as JSON with the fields in
their declared order, so that equal facts are equal bytes.

Times are epoch milliseconds, UTC. ``person`` is the 16-byte keyed hash of the number and
``handle`` the 64-bit keyed handle that the standing index uses: no fact holds a number.
``kinds`` is a mask of ``1 << Kind``; ``purposes`` a mask of ``Category.bit``.
"""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

import msgspec

from qingjing.kernel.words import (
    Act,
    Carrier,
    Door,
    Filing,
    NumberState,
    PartyRole,
    ReplyMeaning,
)

ALL_GROUPS: Final = "*"
"""The group of a refusal that holds against every sender (一键清净)."""


class _Fact(msgspec.Struct, frozen=True, tag_field="kind"):
    """What all facts share: they never change, and say in ``kind`` what they are."""


class PartyRegistered(_Fact, frozen=True, kw_only=True, tag="party.registered/1"):
    """A party, or its newest description. ``group`` is the real controller (SAMR Order 37)."""

    party: str
    name: str
    role: PartyRole
    credit_code: str
    group: str
    licences: tuple[str, ...] = ()


class PartySuspended(_Fact, frozen=True, kw_only=True, tag="party.suspended/1"):
    """From now on nothing of this sender leaves, until ``until`` (None: until reinstated)."""

    party: str
    reason: str
    until: int | None = None


class PartyReinstated(_Fact, frozen=True, kw_only=True, tag="party.reinstated/1"):
    """The suspension ends."""

    party: str
    reason: str


class PortRegistered(_Fact, frozen=True, kw_only=True, tag="port.registered/1"):
    """A port (access code and extension) with its holder, approved kinds and validity."""

    port: str
    holder: str
    kinds: int
    licence: str
    valid_from: int
    valid_until: int
    region: str = ""


class PortFiled(_Fact, frozen=True, kw_only=True, tag="port.filed/1"):
    """The filing state (报备) of a port at one carrier."""

    port: str
    carrier: Carrier
    state: Filing
    reason: str = ""


class SignatureRegistered(_Fact, frozen=True, kw_only=True, tag="signature.registered/1"):
    """A signature with owner and scope. No ``senders``: the owner; no ``ports``: any."""

    signature: str
    owner: str
    source: Literal["enterprise", "trademark", "app"]
    proof: str
    kinds: int
    senders: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()


class SignatureFiled(_Fact, frozen=True, kw_only=True, tag="signature.filed/1"):
    """The filing state of a signature at one carrier."""

    signature: str
    carrier: Carrier
    state: Filing
    reason: str = ""


class GrantMade(_Fact, frozen=True, kw_only=True, tag="grant.made/1"):
    """Who may use which port with which signature for which kinds, under which chain.

    ``chain`` runs from the sender to the party that submits to the carrier.
    """

    grant: str
    sender: str
    port: str
    signature: str
    kinds: int
    chain: tuple[str, ...]
    valid_from: int
    valid_until: int


class GrantEnded(_Fact, frozen=True, kw_only=True, tag="grant.ended/1"):
    """The grant holds no longer."""

    grant: str
    reason: str


class WordingRegistered(_Fact, frozen=True, kw_only=True, tag="wording.registered/1"):
    """The exact words that a person is shown when asked to consent, before anyone sees them."""

    wording: str
    sender: str
    text: str


class ConsentRecorded(_Fact, frozen=True, kw_only=True, tag="consent.recorded/1"):
    """A person's consent (同意), or request (``act`` REQUESTED), towards one sender.

    ``shown`` is the hash of the proof that the words were shown; empty when there is none.
    ``term_s`` is its validity in seconds from ``given_at``, 0 when no term was stated; at most
    ``per_count`` messages in ``per_days`` days, 0 when no frequency was stated.
    """

    person: bytes
    handle: int
    sender: str
    purposes: int
    act: Act
    door: Door
    given_at: int
    wording: str = ""
    shown: str = ""
    term_s: int = 0
    per_count: int = 0
    per_days: int = 0
    evidence: str = ""


class ConsentsImported(_Fact, frozen=True, kw_only=True, tag="consents.imported/1"):
    """A bulk import of consents with common terms: one fact over a sealed file.

    ``rows_root`` is the RFC 6962 root over the file's rows, so that each row can be proved.
    """

    sender: str
    purposes: int
    act: Act
    wording: str
    shown: str
    term_s: int
    per_count: int
    per_days: int
    count: int
    rows_root: bytes
    file: str


class RefusalRecorded(_Fact, frozen=True, kw_only=True, tag="refusal.recorded/1"):
    """A person's refusal (拒收) towards a whole group, or towards ``ALL_GROUPS``."""

    person: bytes
    handle: int
    group: str
    door: Door
    port: str = ""
    evidence: str = ""


class RefusalLifted(_Fact, frozen=True, kw_only=True, tag="refusal.lifted/1"):
    """The person, by an explicit act of its own, wants this group's messages again."""

    person: bytes
    handle: int
    group: str
    door: Door
    evidence: str = ""


class ReplyHeard(_Fact, frozen=True, kw_only=True, tag="reply.heard/1"):
    """What a person wrote back to a port, and how it was read. UNCLEAR holds marketing.

    ``words`` is the SHA-256 of the sealed words beside this fact, empty when none are kept.
    ``group`` answered for the port at that moment; none for a HELP, which ends no hold.
    """

    person: bytes
    handle: int
    port: str
    group: str
    meaning: ReplyMeaning
    words: bytes


class PartsKept(_Fact, frozen=True, kw_only=True, tag="parts.kept/1"):
    """Parts of long messages that were answered before the rest had come, under seal beside.

    They are decided with the rest, or dropped: half a message is never sent.
    """

    node: str
    count: int
    sealed_hash: bytes


class NumberNoted(_Fact, frozen=True, kw_only=True, tag="number.noted/1"):
    """A number was reported out of service or re-assigned; earlier consents fall with it."""

    person: bytes
    handle: int
    state: NumberState
    source: str


class PersonForgotten(_Fact, frozen=True, kw_only=True, tag="person.forgotten/1"):
    """A person's number, words and texts were erased (PIPL §47); what the person refused holds.

    ``replaced``: positions of facts, with the SHA-256 of what is left under seal beside each.
    """

    person: bytes
    handle: int
    door: Door
    replaced: tuple[tuple[int, bytes], ...]
    evidence: str = ""


class RulebookAdopted(_Fact, frozen=True, kw_only=True, tag="rulebook.adopted/1"):
    """A rulebook, whole, as canonical JSON: decisions name it and anyone can read it here."""

    name: str
    version: int
    digest: str
    rulebook: msgspec.Raw


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


class AccountShadowed(_Fact, frozen=True, kw_only=True, tag="account.shadowed/1"):
    """A customer's account is in shadow mode from now on, or (``shadow`` false) no longer:
    its messages are decided and recorded, and leave whatever was decided."""

    account: str
    shadow: bool
    reason: str


class MessagesDecided(_Fact, frozen=True, kw_only=True, tag="messages.decided/1"):
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


class MessagesMoved(_Fact, frozen=True, kw_only=True, tag="messages.moved/1"):
    """What happened to messages after their decision, in one batch: see ``rows.Move``."""

    node: str
    count: int
    rows_root: bytes


Fact = (
    PartyRegistered
    | PartySuspended
    | PartyReinstated
    | PortRegistered
    | PortFiled
    | SignatureRegistered
    | SignatureFiled
    | GrantMade
    | GrantEnded
    | WordingRegistered
    | ConsentRecorded
    | ConsentsImported
    | RefusalRecorded
    | RefusalLifted
    | ReplyHeard
    | PartsKept
    | NumberNoted
    | PersonForgotten
    | RulebookAdopted
    | AccountShadowed
    | MessagesDecided
    | MessagesMoved
)

KINDS: Final[dict[str, type[Any]]] = {
    str(kind.__struct_config__.tag): kind for kind in get_args(Fact)
}
"""Tag to type, for every kind that can be written."""


class Recorded(msgspec.Struct, frozen=True):
    """A fact with its place and time in the log: the unit that is hashed into the chain."""

    position: int
    at: int
    fact: Fact


_ENCODER = msgspec.json.Encoder(order="deterministic")
_DECODER = msgspec.json.Decoder(Recorded)


def encode(recorded: Recorded) -> bytes:
    """The bytes that are stored, hashed and proved."""
    return _ENCODER.encode(recorded)


def decode(data: bytes) -> Recorded:
    """Read stored bytes of any version ever written; ``msgspec.ValidationError`` if foreign."""
    return _DECODER.decode(data)
