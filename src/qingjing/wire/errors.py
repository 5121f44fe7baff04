"""Whose fault it is: the two errors of this room, and the hint for the reply.

As in h11, :class:`LocalProtocolError` means that *we* tried something illegal and
:class:`RemoteProtocolError` that *they* did. Whatever bytes arrive, nothing else leaves the
room; any other exception is a bug in it.
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum

__all__ = ["Hint", "LocalProtocolError", "RemoteProtocolError"]


class Hint(Enum):
    """What was wrong with one PDU, in words that every protocol can turn into its own code."""

    STRUCTURE = "structure"
    """A field cannot hold the value it holds, or a text is not in its declared coding."""
    LENGTH = "length"
    """The frame is longer or shorter than its fields add up to."""
    COMMAND = "command"
    """The command is unknown here or not allowed now."""
    DUPLICATE = "duplicate"
    """Another, still unanswered request carries the same sequence number."""
    BUSY = "busy"
    """Too many requests are unanswered: the peer should slow down and send this one again."""


class LocalProtocolError(Exception):
    """We tried something the protocol forbids; nothing was sent or changed."""


class RemoteProtocolError(Exception):
    """The peer sent something the protocol forbids.

    :ivar fatal: the framing or the state is lost, so the only way on is to close. When false,
        only this PDU is bad and the connection may live.
    :ivar hint: what to tell the peer.
    :ivar command: the command id of the bad PDU, or None when it cannot be known.
    :ivar sequence: the sequence number of the bad PDU, or None when it cannot be known.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: Hint,
        fatal: bool = False,
        command: int | None = None,
        sequence: Hashable = None,
    ) -> None:
        super().__init__(message)
        self.fatal = fatal
        self.hint = hint
        self.command = command
        self.sequence = sequence
