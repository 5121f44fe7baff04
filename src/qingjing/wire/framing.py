"""Cutting a stream of bytes into frames."""

from __future__ import annotations

import struct

from .errors import Hint, RemoteProtocolError
from .protocol import Protocol

__all__ = ["Framer"]

_PREFIX = struct.Struct(">II")


class Framer:
    """Keeps the unfinished end of the stream, never more than one frame after a read.

    :param frame_max: octets above which a length is taken for rubbish.
    """

    def __init__(self, protocol: Protocol, frame_max: int) -> None:
        self._least, self._most = protocol.header.size, frame_max
        self._strays = protocol.strays
        self._stray = False
        self._buffer = b""
        self._at = 0

    def feed(self, data: bytes) -> None:
        """Add what was read."""
        rest = self._buffer[self._at :]
        self._buffer = rest + data if rest else data
        self._at = 0

    def next_frame(self) -> tuple[int, bytes] | None:
        """The next whole frame and its command, or None when more bytes are needed.

        :raises RemoteProtocolError: fatal, when a length makes no sense: where the next frame
            begins cannot be known any more.
        """
        buffer, at = self._buffer, self._at
        if self._stray:
            at = self._skip_stray(buffer, at)
        if len(buffer) - at < _PREFIX.size:
            return None
        length: int
        command: int
        length, command = _PREFIX.unpack_from(buffer, at)
        if not self._least <= length <= self._most:
            raise RemoteProtocolError(
                f"a frame of {length} octets", hint=Hint.LENGTH, fatal=True
            )
        end = at + length
        if end > len(buffer):
            return None
        self._at = end
        if self._strays is not None and (command, length) == self._strays[:2]:
            self._stray = True
        return command, buffer[at:end]

    def _skip_stray(self, buffer: bytes, at: int) -> int:
        """Skip the octets that some peers do not count; go on waiting while they may come."""
        octets = self._strays.octets if self._strays else b""
        here = buffer[at : at + len(octets)]
        self._stray = len(here) < len(octets) and octets.startswith(here)
        if here == octets:
            self._at = at + len(octets)
        return self._at
