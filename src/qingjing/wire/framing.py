"""Cutting a stream of bytes into frames."""

from __future__ import annotations

import struct
from collections.abc import Iterator

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

    def runs(self) -> Iterator[tuple[int, list[bytes]]]:
        """Whole frames, those of one command that came in a row together.

        :raises RemoteProtocolError: fatal, after what came before it, when a length makes no
            sense: where the next frame begins cannot be known any more.
        """
        buffer, least, most = self._buffer, self._least, self._most
        prefix, strays = _PREFIX.unpack_from, self._strays
        run: list[bytes] = []
        running, wrong = -1, None
        at = self._skip_stray(buffer, self._at) if self._stray else self._at
        while len(buffer) - at >= _PREFIX.size:
            length, command = prefix(buffer, at)
            if not least <= length <= most:
                wrong = length
                break
            end = at + length
            if end > len(buffer):
                break
            if command != running:
                if run:
                    yield running, run
                running, run = command, []
            run.append(buffer[at:end])
            self._at = at = end
            if strays is not None and (command, length) == strays[:2]:
                self._stray = True
                at = self._skip_stray(buffer, at)
        if run:
            yield running, run
        if wrong is not None:
            raise RemoteProtocolError(
                f"a frame of {wrong} octets", hint=Hint.LENGTH, fatal=True
            )

    def _skip_stray(self, buffer: bytes, at: int) -> int:
        """Skip the octets that some peers do not count; go on waiting while they may come."""
        octets = self._strays.octets if self._strays else b""
        here = buffer[at : at + len(octets)]
        self._stray = len(here) < len(octets) and octets.startswith(here)
        if here == octets:
            self._at = at + len(octets)
        return self._at
