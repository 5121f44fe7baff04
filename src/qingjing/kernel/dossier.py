"""The message and its dossier: all that the gate may look at, and how it becomes a vector."""

from __future__ import annotations

import msgspec

from qingjing.kernel.facts import LaneUsed
from qingjing.kernel.kinds import effective, is_marketing
from qingjing.kernel.register import Lane
from qingjing.kernel.rulebook import MARKETING_KINDS, CarrierRule, Rulebook
from qingjing.kernel.standing import Grounds, fold
from qingjing.kernel.vector import (
    AskingState,
    GapState,
    HourState,
    IdentityState,
    LinkState,
    NoticeState,
    Over,
    PortState,
    ScopeState,
    SignatureState,
    Vector,
)
from qingjing.kernel.words import Category, Kind, NumberState
from qingjing.kernel.workdays import beijing_date, beijing_hour


class TextView(msgspec.Struct, frozen=True, kw_only=True):
    """What the text says, as far as the gate is concerned (made by ``text.reading``).

    ``notice`` is the keyword that the opt-out notice asks for, empty without a notice.
    """

    kind: Kind
    category: Category
    signature: str
    notice: str = ""
    notice_usable: bool = True
    identity: bool = True
    contact: bool = False
    links: bool = False
    asking_complete: bool = True


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one person. ``declared`` is UNCLEAR when nothing was declared."""

    message: int
    submitted_at: int
    declared: Kind
    text: TextView


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many marketing messages this person has had within each cap's window."""

    consent: int = 0
    house: int = 0
    carrier: int = 0


def cap_scopes(lane: Lane | LaneUsed) -> tuple[str, str, str]:
    """Under what a marketing message counts, in the order of :class:`Counts`: its sender (the
    consent's frequency), its group (the house's cap), its signature at a carrier."""
    return f"c:{lane.sender}", f"h:{lane.group}", f"k:{lane.carrier.name}:{lane.signature}"


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """What was known when the message was decided, at one ledger position.

    ``gaps`` names what should have been looked up and could not be.
    """

    position: int
    lane: Lane
    refused: bool = False
    unclear: bool = False
    grounds: tuple[Grounds, ...] = ()
    counts: Counts = Counts()
    asked: bool = False
    number: NumberState = NumberState.OK
    gaps: tuple[str, ...] = ()


def declared_kind(declared: Kind, read: Kind, lane: Lane) -> Kind:
    """What the sender declared: by the submit itself, else by its path.

    A path open to one kind declares it. A path open to marketing alone declares an asking as
    such and everything else as commercial, so that the strictest rules apply.
    """
    if declared is not Kind.UNCLEAR or not lane.kinds:
        return declared
    if lane.kinds.bit_count() == 1:
        return Kind(lane.kinds.bit_length() - 1)
    if not lane.kinds & ~MARKETING_KINDS:
        return Kind.ASKING if read is Kind.ASKING else Kind.COMMERCIAL
    return declared


def scope_state(declared: Kind, read: Kind, kinds: int) -> ScopeState:
    """Is the kind that the message counts as allowed on this path? UNCLEAR has its own rule."""
    kind = effective(declared, read)
    if kind is Kind.UNCLEAR:
        return ScopeState.OK if kinds else ScopeState.FORBIDDEN
    return ScopeState.OK if kinds >> kind & 1 else ScopeState.FORBIDDEN


def notice_state(text: TextView, rule: CarrierRule) -> NoticeState:
    """The notice against the carrier's rule of the day (广告法 §43, Order 31 Art 19)."""
    if rule.notice == "none":
        return NoticeState.OK
    if not text.notice or (rule.keywords and text.notice not in rule.keywords):
        return NoticeState.MISSING_ALWAYS if rule.notice == "all" else NoticeState.MISSING
    return NoticeState.OK if text.notice_usable else NoticeState.UNUSABLE


def identity_state(text: TextView, book: Rulebook) -> IdentityState:
    """Does the text show who is sending, and how to reach them where the book asks for it?"""
    shown = text.identity and (text.contact or book.identity == "signature")
    return IdentityState.OK if shown else IdentityState.MISSING


def link_state(text: TextView, rule: CarrierRule) -> LinkState:
    """Links where the carrier takes none are forbidden."""
    return LinkState.FORBIDDEN if text.links and not rule.links else LinkState.OK


def hour_state(at: int, book: Rulebook) -> HourState:
    """Within the marketing hours of the book (Beijing)?"""
    opened = book.open_hour <= beijing_hour(at / 1000) < book.close_hour
    return HourState.OPEN if opened else HourState.QUIET


def filed_states(lane: Lane, rule: CarrierRule) -> tuple[PortState, SignatureState]:
    """Port and signature of the path; a lacking filing counts where the carrier asks for it."""
    port, signature = lane.port_state, lane.signature_state
    if not rule.filing:
        port = PortState.OK if port is PortState.NOT_FILED else port
        signature = SignatureState.OK if signature is SignatureState.NOT_FILED else signature
    return port, signature


def asking_state(declared: Kind, text: TextView, *, asked: bool) -> AskingState:
    """Type, frequency and term stated, and not asked before (Order 31 Art 18)."""
    if effective(declared, text.kind) is not Kind.ASKING:
        return AskingState.OK
    if asked:
        return AskingState.REPEATED
    return AskingState.OK if text.asking_complete else AskingState.INCOMPLETE


def over(marketing: bool, count: int, limit: int) -> Over:
    """Would one more go over the limit? A limit of 0 is none; caps count marketing alone."""
    return Over.YES if marketing and limit and count >= limit else Over.NO


def reduce(message: Message, dossier: Dossier, book: Rulebook) -> Vector:
    """The case vector of a message under a rulebook. Total and pure."""
    text, lane, at = message.text, dossier.lane, message.submitted_at
    declared = declared_kind(message.declared, text.kind, lane)
    rule = book.carrier_rule(lane.carrier, beijing_date(at / 1000))
    grounds, resting = fold(
        dossier.refused, dossier.unclear, dossier.grounds, text.category.bit, at
    )
    marketing = is_marketing(declared, text.kind)
    frequency = resting.per_count if resting else 0
    port, signature = filed_states(lane, rule)
    return Vector(
        declared=declared,
        read=text.kind,
        grounds=grounds,
        sender=lane.sender_state,
        port=port,
        signature=signature,
        chain=lane.chain_state,
        scope=scope_state(declared, text.kind, lane.kinds),
        consent_frequency=over(marketing, dossier.counts.consent, frequency),
        house_cap=over(marketing, dossier.counts.house, book.house_cap.count),
        carrier_cap=over(marketing, dossier.counts.carrier, rule.cap.count),
        hour=hour_state(at, book),
        notice=notice_state(text, rule),
        identity=identity_state(text, book),
        link=link_state(text, rule),
        asking=asking_state(declared, text, asked=dossier.asked),
        number=dossier.number,
        gap=GapState.SOME if dossier.gaps else GapState.NONE,
    )
