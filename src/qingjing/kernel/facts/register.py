"""Facts of the register: parties, ports, signatures, grants, accounts and rulebooks."""

from __future__ import annotations

from typing import Literal

import msgspec

from qingjing.kernel.facts.fact import Fact
from qingjing.kernel.words import Carrier, Filing, PartyRole, Subject


class PartyRegistered(Fact, frozen=True, kw_only=True, tag="party.registered/1"):
    """A party, or its newest description. ``group`` is the real controller (SAMR Order 37)."""

    party: str
    name: str
    role: PartyRole
    credit_code: str
    group: str
    licences: tuple[str, ...] = ()


class PartySuspended(Fact, frozen=True, kw_only=True, tag="party.suspended/1"):
    """From now on nothing of this sender leaves, until ``until`` (None: until reinstated)."""

    party: str
    reason: str
    until: int | None = None


class PartyReinstated(Fact, frozen=True, kw_only=True, tag="party.reinstated/1"):
    """The suspension ends."""

    party: str
    reason: str


class PortRegistered(Fact, frozen=True, kw_only=True, tag="port.registered/1"):
    """A port (access code and extension) with its holder, approved kinds and validity."""

    port: str
    holder: str
    kinds: int
    licence: str
    valid_from: int
    valid_until: int
    region: str = ""


class PortFiled(Fact, frozen=True, kw_only=True, tag="port.filed/1"):
    """The filing state (报备) of a port at one carrier."""

    port: str
    carrier: Carrier
    state: Filing
    reason: str = ""


class SignatureRegistered(Fact, frozen=True, kw_only=True, tag="signature.registered/1"):
    """A signature with owner and scope. No ``senders``: the owner; no ``ports``: any."""

    signature: str
    owner: str
    source: Literal["enterprise", "trademark", "app"]
    proof: str
    kinds: int
    senders: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()


class SignatureFiled(Fact, frozen=True, kw_only=True, tag="signature.filed/1"):
    """The filing state of a signature at one carrier."""

    signature: str
    carrier: Carrier
    state: Filing
    reason: str = ""


class GrantMade(Fact, frozen=True, kw_only=True, tag="grant.made/1"):
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


class GrantEnded(Fact, frozen=True, kw_only=True, tag="grant.ended/1"):
    """The grant holds no longer."""

    grant: str
    reason: str


class DocumentKept(Fact, frozen=True, kw_only=True, tag="document.kept/1"):
    """A document (材料) that proves something, by its hash; the file stays with the house.

    ``what`` is licence, permit, trademark, app, letter, contract or other. ``category`` is the
    trade that a permit opens, empty otherwise. ``valid_until`` None: without term.
    """

    document: bytes
    what: str
    subject: Subject
    name: str
    number: str
    size: int
    category: str = ""
    valid_until: int | None = None


class LetterRecorded(Fact, frozen=True, kw_only=True, tag="letter.recorded/1"):
    """An authorisation letter (授权书): the owner of signatures lets a sender use them.

    Once there is one for a signature and sender, the signature is in that sender's scope only
    within the term of a letter.
    """

    letter: str
    owner: str
    sender: str
    signatures: tuple[str, ...]
    document: bytes
    valid_from: int
    valid_until: int


class ContractRecorded(Fact, frozen=True, kw_only=True, tag="contract.recorded/1"):
    """The contract (合同) of one link of a chain: ``upstream`` hands to ``downstream``.

    Once there is one for a link, the link is declared only within the term of a contract.
    """

    contract: str
    upstream: str
    downstream: str
    document: bytes
    valid_from: int
    valid_until: int


class AccountShadowed(Fact, frozen=True, kw_only=True, tag="account.shadowed/1"):
    """A customer's account is in shadow mode from now on, or (``shadow`` false) no longer:
    its messages are decided and recorded, and leave whatever was decided."""

    account: str
    shadow: bool
    reason: str


class RulebookAdopted(Fact, frozen=True, kw_only=True, tag="rulebook.adopted/1"):
    """A rulebook, whole, as canonical JSON: decisions name it and anyone can read it here."""

    name: str
    version: int
    digest: str
    rulebook: msgspec.Raw
