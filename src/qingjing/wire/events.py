"""What a session can tell its owner, and the limits it keeps.

A request to be answered is told as the PDU itself; everything else is one of these.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, TypeAlias

from .errors import Hint, RemoteProtocolError
from .protocol import PDU

__all__ = [
    "Answered",
    "BadAnswer",
    "BadRequest",
    "Closing",
    "Event",
    "Limits",
    "Reason",
    "Repeated",
    "TimedOut",
    "UnknownCommand",
    "Unmatched",
]


class Answered(NamedTuple):
    """The peer answered our request ``token``; ``late`` when it had already timed out."""

    token: object
    pdu: PDU
    late: bool = False


class Unmatched(NamedTuple):
    """A well-formed answer to nothing we asked, or to another kind of request."""

    pdu: PDU


class BadRequest(NamedTuple):
    """A request that could not be read or accepted and that the session has answered itself.

    ``answered`` is false when that command's answer has no field to say no.
    """

    command: int
    sequence: Hashable
    hint: Hint
    answered: bool


class BadAnswer(NamedTuple):
    """An answer that could not be read. ``token`` is our request, whose fate is now unknown."""

    token: object
    error: RemoteProtocolError


class UnknownCommand(NamedTuple):
    """A frame of a command the protocol does not have. Only a protocol with an answer that
    refuses any request has answered it."""

    command: int
    sequence: Hashable


class Repeated(NamedTuple):
    """A request came again, byte for byte; ``answered`` when its answer was sent again."""

    command: int
    sequence: Hashable
    answered: bool


class TimedOut(NamedTuple):
    """The peer did not answer our request in time. Whether it acted on it is not known, so
    the session never sends it again by itself."""

    token: object


class Reason(Enum):
    """Why a session ends."""

    PEER_LEFT = "the peer logged out"
    WE_LEFT = "we logged out"
    REFUSED = "the login was refused"
    NO_LOGIN = "no login in time"
    SILENT = "heartbeats were not answered"
    IDLE = "there was nothing to say"
    """How a connection of a protocol without heartbeats ends: no fault, dial when needed."""
    BROKEN = "the peer broke the protocol"


class Closing(NamedTuple):
    """The session is over: write what :meth:`Session.outgoing` still holds, then close.

    ``unanswered`` are the tokens of our requests whose fate is unknown, oldest first.
    ``error`` says what the peer did when the reason is BROKEN.
    """

    reason: Reason
    unanswered: tuple[object, ...] = ()
    error: RemoteProtocolError | None = None


Event: TypeAlias = PDU


@dataclass(frozen=True)
class Limits:
    """Every maximum and every timer of a session. Times are in seconds."""

    frame_max: int = 4096
    """Octets of one frame. The largest lawful PDU of the three fixed-layout protocols, 100
    destinations and a full content, takes 3,618. A larger length is no frame at all, and
    nothing is kept for it. One unfinished frame is all that a session ever buffers."""
    owed_max: int = 1024
    """Requests of the peer that we have not answered. The text gives a window of 16 and one
    read of 64 KiB holds about 350; past this the session itself answers "slow down"."""
    memory_max: int = 1024
    """Answered requests remembered for repeats. At the window of 16 with 60 s of patience a
    lawful repeat is at most a few hundred requests back; 1,024 answers are about 100 KiB."""
    memory_s: float = 180.0
    """How long they are remembered: three tries of 60 s, after which a sender must give up.
    Later the same bytes are a new request."""
    answer_s: float = 60.0
    """How long we wait for an answer: T of the carriers' texts."""
    idle_s: float = 30.0
    """Silence after which we send a heartbeat. The texts say 3 minutes; firewalls on the way
    forget a connection sooner, and 30 s is what gateways use. Where the protocol has none, the
    end that logged in logs out."""
    quiet_s: float = 60.0
    """Silence after which the end that was logged in to closes, where the protocol has no
    heartbeat: SGIP's text says 60 s. The client, whose request could cross the closing, has
    left before."""
    beats_max: int = 3
    """Unanswered heartbeats after which the peer is dead: N of the carriers' texts."""
    login_s: float = 10.0
    """How long a connection may stay without a finished login, so that idle strangers cost
    nothing; the texts name no value, 5 to 10 s is common."""
