"""Facts of complaints: what came, how it was read, traced, and what became of the lead.

``complaint`` is everywhere the position of the first ``complaint.received/1`` of a case; a case
has at most one lead, which ``case.moved/1`` takes from party to party. No fact holds a number:
the complainant is a keyed hash, and all words stand under seal beside.
"""

from __future__ import annotations

from enum import Enum
from typing import Literal

from qingjing.kernel.facts.fact import Fact
from qingjing.kernel.words import Door


class CaseStep(Enum):
    """What can happen to a lead (线索), in the order of its life."""

    FORWARDED = "forwarded"
    REMINDED = "reminded"
    ESCALATED = "escalated"
    STOPPED = "stopped"
    RESUMED = "resumed"
    HANDED = "handed"
    ANSWERED = "answered"
    DISPUTED = "disputed"
    DECIDED = "decided"


class Stop(Enum):
    """The only reasons for which a clock stops (中止事由)."""

    AWAITS_COMPLAINANT = "awaits_complainant"
    POLICE = "police"
    COURT = "court"
    FORCE_MAJEURE = "force_majeure"


class Outcome(Enum):
    """What the officer, or the record by itself, decided."""

    UPHELD = "upheld"
    DISMISSED = "dismissed"
    UNRESOLVED = "unresolved"


class ComplaintReceived(Fact, frozen=True, kw_only=True, tag="complaint.received/1"):
    """A complaint, or (``complaint`` > 0) what was added to one that lacked something.

    Number complained of and text stand under seal beside; ``words`` is the hash of that.
    ``port`` is the number complained of when it is an access code, empty when it is a person's.
    ``told_at`` is when the message came as the complainant says, 0 when not said. ``lacks``
    names what is missing still. ``disclose``: the party complained of may know who complains.
    ``exchange`` is the id of the message by which another installation handed it over, with
    its digest. ``commitment`` = SHA-256(salt, what was said), to be opened off-line.
    """

    person: bytes
    handle: int
    complaint: int = 0
    door: Door
    port: str
    told_at: int
    lacks: tuple[str, ...]
    disclose: bool
    centre: str
    rulebook: str
    forward_days: int
    answer_days: int
    exchange: str = ""
    words: bytes
    commitment: bytes = b""


class ComplaintUnderstood(Fact, frozen=True, kw_only=True, tag="complaint.understood/1"):
    """How the text complained of was read: kind, category, signature, template.

    ``duplicate_of``: the same person complained of the same before, in that complaint; linked,
    never merged. ``flags``: what in the pattern of complaining is unusual; nothing is dropped.
    """

    complaint: int
    read_kind: int
    read_category: int
    confidence: float
    signature: str
    template_key: int
    duplicate_of: int = 0
    flags: tuple[str, ...] = ()


class ComplaintLinked(Fact, frozen=True, kw_only=True, tag="complaint.linked/1"):
    """All complaints with the template of ``complaint`` are of the campaign of ``to``."""

    complaint: int
    to: int


class ComplaintTraced(Fact, frozen=True, kw_only=True, tag="complaint.traced/1"):
    """Which message it is about, or who is next to ask.

    ``ours``: ``message`` of our record, decided by fact ``decision`` on ``grounds`` (a
    ``GroundsState`` by name, or NOT_NEEDED), ``late`` being a consent that claims an earlier
    day but was recorded after the send. ``elsewhere``: ``party`` holds the port. ``unknown``:
    neither. ``certainty`` is 0 to 1; ``alike`` counts messages that fit as well. ``network`` is
    that of the port's prefix, empty when it tells none.
    """

    complaint: int
    outcome: Literal["ours", "elsewhere", "unknown"]
    message: int = 0
    decision: int = 0
    grounds: str = ""
    late: int = 0
    party: str = ""
    network: str = ""
    certainty: float = 0.0
    alike: int = 0
    why: str


class LeadRaised(Fact, frozen=True, kw_only=True, tag="lead.raised/1"):
    """A lead to the first party of ``chain`` (sender to provider) that cannot show its
    upstream's consent or contract; ``why`` says what it cannot show."""

    complaint: int
    party: str
    chain: tuple[str, ...]
    why: str


class CaseMoved(Fact, frozen=True, kw_only=True, tag="case.moved/1"):
    """One step of a case. ``by`` is who did it, ``party`` whom it is about.

    ``reason`` is a ``Stop`` by value for STOPPED, else a short reason; ``outcome`` is given by
    DECIDED, and ``finding`` is what that opened. ``checked`` is what the machine made of the
    evidence of an ANSWERED. Words and evidence stand under seal beside, ``words`` is the hash,
    empty without any. ``exchange`` is the message by which another installation told of it.
    """

    complaint: int
    step: CaseStep
    by: str
    party: str = ""
    reason: str = ""
    outcome: Outcome | None = None
    finding: str = ""
    checked: str = ""
    exchange: str = ""
    words: bytes = b""
    commitment: bytes = b""


class PeerKeyed(Fact, frozen=True, kw_only=True, tag="peer.keyed/1"):
    """The public key by which another installation, acting for ``party``, signs what it sends.

    An empty ``key`` ends the trust.
    """

    party: str
    key: str
