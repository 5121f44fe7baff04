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

from typing import Any, Final, get_args

import msgspec

from qingjing.kernel.facts.complaints import (
    CaseMoved,
    CaseStep,
    ComplaintLinked,
    ComplaintReceived,
    ComplaintTraced,
    ComplaintUnderstood,
    LeadRaised,
    Outcome,
    PeerKeyed,
    Stop,
)
from qingjing.kernel.facts.messages import (
    LaneUsed,
    MessagesDecided,
    MessagesMoved,
    PartsKept,
    TextRead,
)
from qingjing.kernel.facts.oversight import (
    AppealAnswered,
    FindingClosed,
    FindingOpened,
    FindingReopened,
    LookedBack,
    MeasureAppealed,
    MeasureLifted,
    MeasureProposed,
    MeasureTaken,
)
from qingjing.kernel.facts.people import (
    ALL_GROUPS,
    AskingOpened,
    AskingPut,
    ChangesListed,
    ConsentRecorded,
    ConsentsImported,
    NumberNoted,
    PersonForgotten,
    RefusalLifted,
    RefusalRecorded,
    ReplyHeard,
    ShowingUsed,
    WordingRegistered,
    WordingShown,
    WordingStated,
)
from qingjing.kernel.facts.register import (
    AccountShadowed,
    ContractRecorded,
    DocumentKept,
    GrantEnded,
    GrantMade,
    LetterRecorded,
    PartyRegistered,
    PartyReinstated,
    PartySuspended,
    PortFiled,
    PortRegistered,
    RulebookAdopted,
    SignatureFiled,
    SignatureRegistered,
)

__all__ = [
    "ALL_GROUPS",
    "KINDS",
    "AccountShadowed",
    "AppealAnswered",
    "AskingOpened",
    "AskingPut",
    "CaseMoved",
    "CaseStep",
    "ChangesListed",
    "ComplaintLinked",
    "ComplaintReceived",
    "ComplaintTraced",
    "ComplaintUnderstood",
    "ConsentRecorded",
    "ConsentsImported",
    "ContractRecorded",
    "DocumentKept",
    "Fact",
    "FindingClosed",
    "FindingOpened",
    "FindingReopened",
    "GrantEnded",
    "GrantMade",
    "LaneUsed",
    "LeadRaised",
    "LetterRecorded",
    "LookedBack",
    "MeasureAppealed",
    "MeasureLifted",
    "MeasureProposed",
    "MeasureTaken",
    "MessagesDecided",
    "MessagesMoved",
    "NumberNoted",
    "Outcome",
    "PartsKept",
    "PartyRegistered",
    "PartyReinstated",
    "PartySuspended",
    "PeerKeyed",
    "PersonForgotten",
    "PortFiled",
    "PortRegistered",
    "Recorded",
    "RefusalLifted",
    "RefusalRecorded",
    "ReplyHeard",
    "RulebookAdopted",
    "ShowingUsed",
    "SignatureFiled",
    "SignatureRegistered",
    "Stop",
    "TextRead",
    "WordingRegistered",
    "WordingShown",
    "WordingStated",
    "decode",
    "encode",
]

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
    | WordingStated
    | WordingShown
    | ShowingUsed
    | AskingOpened
    | AskingPut
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
    | ContractRecorded
    | DocumentKept
    | LetterRecorded
    | AppealAnswered
    | FindingClosed
    | FindingOpened
    | FindingReopened
    | LookedBack
    | MeasureAppealed
    | MeasureLifted
    | MeasureProposed
    | MeasureTaken
    | ChangesListed
    | MessagesDecided
    | MessagesMoved
    | ComplaintReceived
    | ComplaintUnderstood
    | ComplaintLinked
    | ComplaintTraced
    | LeadRaised
    | CaseMoved
    | PeerKeyed
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
