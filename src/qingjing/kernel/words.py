"""The words of the field: one name per idea, the same in code, tables, pages and law register.

Each word stands in ``docs/concepts.md`` with its Chinese term. Enumerations that travel in
facts carry stable string values; those that the gate reduces to are small integers, because
the policy is a table over them.
"""

from __future__ import annotations

import re
from enum import Enum, IntEnum
from typing import Final

PURPOSE_ANY: Final = 0xFFFF


class Kind(IntEnum):
    """What a message is (类别). ``UNCLEAR`` is a word: not knowing never becomes a pass.

    COMMERCIAL introduces or sells goods, services or business opportunities; SERVICE is about
    something the person already has (order, account); PUBLIC is non-profit; ASKING requests a
    consent (Order 31 Art 18).
    """

    UNCLEAR = 0
    VERIFICATION = 1
    SERVICE = 2
    COMMERCIAL = 3
    PUBLIC = 4
    PERSONAL = 5
    ILLEGAL = 6
    ASKING = 7


class Category(IntEnum):
    """The product line of a commercial or illegal message; also the purposes of a consent.

    A consent's purposes are a 16-bit mask of ``1 << category``; ``PURPOSE_ANY`` covers all.
    """

    OTHER = 0
    RETAIL = 1
    FINANCE = 2
    TELECOM = 3
    REAL_ESTATE = 4
    EDUCATION = 5
    TRAVEL = 6
    HEALTH = 7
    FOOD = 8
    ENTERTAINMENT = 9
    AUTOMOTIVE = 10
    INVOICES = 11
    GAMBLING = 12
    FRAUD = 13
    RECRUITMENT = 14

    @property
    def bit(self) -> int:
        """The category's bit in a purposes mask."""
        return 1 << int(self)


class Verdict(IntEnum):
    """The gate's answer, in order of severity."""

    PASS = 0
    HOLD = 1
    REFUSE = 2


class Standing(IntEnum):
    """Where a person stands towards a sender: the fold of the person's facts (同意状态)."""

    NONE = 0
    CONSENTED = 1
    REQUESTED = 2
    REFUSED = 3
    UNCLEAR = 4


class Act(Enum):
    """How a consent was given. Only the explicit acts can ground a message (民法典 §1033).

    REQUESTED is no consent to future messages in general: the person asked for this (请求).
    """

    TICKED = "ticked"
    REPLIED = "replied"
    SIGNED = "signed"
    SPOKEN = "spoken"
    CONFIRMED = "confirmed"
    REQUESTED = "requested"
    DEFAULT = "default"
    PRE_TICKED = "pre_ticked"
    BUNDLED = "bundled"
    SILENT = "silent"
    UNKNOWN = "unknown"

    @property
    def explicit(self) -> bool:
        """True for an act of the person's own; default, bundled, silent, unknown are none."""
        return self in _EXPLICIT


_EXPLICIT: Final = frozenset(
    {Act.TICKED, Act.REPLIED, Act.SIGNED, Act.SPOKEN, Act.CONFIRMED, Act.REQUESTED}
)


class Door(Enum):
    """Through which door a fact came in."""

    REPLY = "reply"
    WEB = "web"
    APP = "app"
    CALL = "call"
    PAPER = "paper"
    COMPLAINT = "complaint"
    CARRIER = "carrier"
    IMPORT = "import"
    COMMAND = "command"


class ReplyMeaning(Enum):
    """What a person's reply means (上行). The reading is total: every text has one."""

    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    HELP = "help"
    COMPLAINT = "complaint"
    UNCLEAR = "unclear"


class PartyRole(Enum):
    """What a party does in the chain (主体)."""

    PLATFORM = "platform"
    MERCHANT = "merchant"
    AGENT = "agent"
    PROVIDER = "provider"
    CARRIER = "carrier"
    CENTRE = "centre"
    REGULATOR = "regulator"


class Carrier(IntEnum):
    """The networks of mainland China; ``ANY`` in a table means every carrier."""

    ANY = 0
    MOBILE = 1
    UNICOM = 2
    TELECOM = 3
    BROADNET = 4


class NumberState(IntEnum):
    """What is known of the number: assigned, out of service (空号), re-assigned (二次放号)."""

    OK = 0
    EMPTY = 1
    RECYCLED = 2
    INVALID = 3


class Filing(Enum):
    """State of a port or signature at one carrier (报备)."""

    DRAFTING = "drafting"
    APPROVED = "approved"
    FILING = "filing"
    FILED = "filed"
    REJECTED = "rejected"
    LAPSED = "lapsed"


class Step(Enum):
    """The steps of the ladder of measures (处置), the mildest first."""

    WARN = "warn"
    CORRECT = "correct"
    SLOW = "slow"
    WITHHOLD = "withhold"
    SUSPEND = "suspend"
    TERMINATE = "terminate"


class Subject(Enum):
    """What a measure, a document or a finding is about."""

    PARTY = "party"
    PORT = "port"
    SIGNATURE = "signature"


# Mainland mobile numbers are eleven digits from 13 to 19; peers write them with +86, 86, 0086.
_PHONE = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})", re.ASCII)


class Phone(int):
    """A mainland mobile number as an integer that never prints itself.

    ``Phone.parse`` accepts ``13800138000``, ``8613800138000``, ``+8613800138000`` and
    ``008613800138000``; ``str`` and ``repr`` mask it, ``digits`` gives it away on purpose.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Phone:
        """Read a number; ValueError (masked) when it is no Chinese mobile number."""
        if len(text) == 11 and text.isascii() and text.isdigit() and "13" <= text[:2] <= "19":
            return cls(text)
        match = _PHONE.fullmatch(text.strip())
        if match is None:
            raise ValueError(
                f"phone {mask(text)!r} is no mainland mobile number: "
                "expected 11 digits from 13 to 19, with or without +86"
            )
        return cls(match.group(1))

    @property
    def digits(self) -> str:
        """The eleven digits, for the wire and for nothing else."""
        return int.__repr__(self)

    def __repr__(self) -> str:
        return f"Phone({mask(self.digits)})"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return repr(self)


def mask(text: str) -> str:
    """Hide the middle of a number or secret: ``13800138000`` becomes ``138****8000``.

    Anything shorter than eight characters is hidden but for its first two.
    """
    if len(text) < 8:
        return text[:2] + "*" * max(0, len(text) - 2)
    return text[:3] + "*" * (len(text) - 7) + text[-4:]


def mask_body(text: str) -> str:
    """A body as it may appear in logs: its length alone."""
    return f"<{len(text)} characters>"
