"""The case vector: all that the policy depends on, as a tuple of small enumerations.

A dossier reduces to one vector; a rule is a predicate over a few of its fields; the batch form
of the gate is those predicates tabulated. Because every field is small, every combination can
be enumerated and the invariants of the law proved over all of them.

In every enumeration 0 is the harmless value, so a vector of zeros with sound grounds passes.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from qingjing.kernel.words import Kind, NumberState


class SenderState(IntEnum):
    """Is the sender registered and free to send?"""

    OK = 0
    UNKNOWN = 1
    SUSPENDED = 2


class PortState(IntEnum):
    """May this sender use this port towards this carrier now?"""

    OK = 0
    UNKNOWN = 1
    NOT_GRANTED = 2
    EXPIRED = 3
    NOT_FILED = 4


class SignatureState(IntEnum):
    """Is the signature there, known, in scope for sender and port, filed with the carrier?"""

    OK = 0
    ABSENT = 1
    UNREGISTERED = 2
    OUT_OF_SCOPE = 3
    NOT_FILED = 4


class ChainState(IntEnum):
    """Is the path from sender to carrier declared, link by link?"""

    OK = 0
    UNDECLARED = 1


class ScopeState(IntEnum):
    """Do port, signature and grant allow this kind of message?"""

    OK = 0
    FORBIDDEN = 1


class GroundsState(IntEnum):
    """The person's standing towards the sender with the quality of what it rests on."""

    CONSENT = 0
    REQUEST = 1
    NONE = 2
    REFUSED = 3
    UNCLEAR = 4
    EXPIRED = 5
    OTHER_CATEGORY = 6
    NOT_SHOWN = 7
    NOT_EXPLICIT = 8
    LATE = 9


class Over(IntEnum):
    """Would this message go over the cap?"""

    NO = 0
    YES = 1


class HourState(IntEnum):
    """Is it an hour in which marketing may be sent?"""

    OPEN = 0
    QUIET = 1


class NoticeState(IntEnum):
    """The opt-out notice, measured against the carrier's rule of the day.

    MISSING matters for marketing alone; MISSING_ALWAYS where the carrier wants it on every SMS.
    """

    OK = 0
    MISSING = 1
    MISSING_ALWAYS = 2
    UNUSABLE = 3


class IdentityState(IntEnum):
    """Does the text show who is sending?"""

    OK = 0
    MISSING = 1


class LinkState(IntEnum):
    """Does the text carry links where the carrier takes none?"""

    OK = 0
    FORBIDDEN = 1


class AskingState(IntEnum):
    """A request for consent: complete, lacking type/frequency/term, or asked before."""

    OK = 0
    INCOMPLETE = 1
    REPEATED = 2


class GapState(IntEnum):
    """Was everything that the dossier needs at hand?"""

    NONE = 0
    SOME = 1


class Vector(NamedTuple):
    """One case. Declared and read kind are kept apart: their difference is itself a finding."""

    declared: Kind
    read: Kind
    grounds: GroundsState
    sender: SenderState = SenderState.OK
    port: PortState = PortState.OK
    signature: SignatureState = SignatureState.OK
    chain: ChainState = ChainState.OK
    scope: ScopeState = ScopeState.OK
    consent_frequency: Over = Over.NO
    house_cap: Over = Over.NO
    carrier_cap: Over = Over.NO
    hour: HourState = HourState.OPEN
    notice: NoticeState = NoticeState.OK
    identity: IdentityState = IdentityState.OK
    link: LinkState = LinkState.OK
    asking: AskingState = AskingState.OK
    number: NumberState = NumberState.OK
    gap: GapState = GapState.NONE


FIELDS: Final[tuple[tuple[str, type[IntEnum]], ...]] = tuple(
    (name, kind)
    for name, kind in zip(
        Vector._fields,
        (
            Kind,
            Kind,
            GroundsState,
            SenderState,
            PortState,
            SignatureState,
            ChainState,
            ScopeState,
            Over,
            Over,
            Over,
            HourState,
            NoticeState,
            IdentityState,
            LinkState,
            AskingState,
            NumberState,
            GapState,
        ),
        strict=True,
    )
)
"""Field name and enumeration, in the order in which a case number is composed."""

RADICES: Final[dict[str, int]] = {name: len(kind) for name, kind in FIELDS}


def _strides() -> dict[str, int]:
    strides: dict[str, int] = {}
    stride = 1
    for name, radix in RADICES.items():
        strides[name] = stride
        stride *= radix
    return strides


STRIDES: Final = _strides()
"""What one step of a field adds to the case number."""


def case_number(vector: Vector) -> int:
    """The vector as one integer (mixed radix), as it stands in a decided row."""
    return sum(
        int(value) * stride for value, stride in zip(vector, STRIDES.values(), strict=True)
    )


def from_case_number(number: int) -> Vector:
    """The vector of a case number; ValueError when it is none."""
    values: list[IntEnum] = []
    rest = number
    for _name, kind in FIELDS:
        rest, value = divmod(rest, len(kind))
        values.append(kind(value))
    if rest or number < 0:
        raise ValueError(f"case number {number} is out of range")
    return Vector(*values)  # type: ignore[arg-type]  # FIELDS holds the types in order
