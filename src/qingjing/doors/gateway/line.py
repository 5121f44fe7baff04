"""One connection: a socket joined to a session. The same for customers and for carriers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

from qingjing.doors.gateway.dialect import Dialect
from qingjing.wire.events import Event
from qingjing.wire.protocol import PDU
from qingjing.wire.session import Session

WRITE_MAX = 1 << 20
"""Bytes that may wait for a slow peer: about a second of full traffic. Beyond, we stop reading
from it (it is owed too much) and hand it nothing new."""


class Line(asyncio.Protocol):
    """Reads into the session, hands its events on, writes what it queued: once a turn.

    A ``dialect.Source``: what it offered is answered on it, whatever has become of it since.
    """

    def __init__(
        self,
        dialect: Dialect,
        session: Session,
        on_events: Callable[[Line, list[Event]], None],
        on_open: Callable[[Line], bool],
        on_lost: Callable[[Line], None],
        clock: Callable[[], float],
    ) -> None:
        self.dialect, self.session = dialect, session
        self._sequence_at = dialect.wire.header.sequence_at
        self.writable = True
        self.carries = True
        """Whether we ask on it what we are here for: some logins let only the peer ask."""
        self.account = ""
        self._on_events, self._on_open, self._on_lost = on_events, on_open, on_lost
        self._clock = clock
        self._transport: asyncio.Transport | None = None
        self._held = False
        self._answers: list[PDU] = []

    @property
    def peer(self) -> str:
        """The peer's address, without its port."""
        found = self._transport.get_extra_info("peername") if self._transport else None
        return str(found[0]) if found else ""

    @property
    def room(self) -> int:
        """How many more requests it takes now."""
        return self.session.room if self.writable and self.carries else 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open; ``on_open`` may turn it away."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_MAX)
        if not self._on_open(self):
            self._transport.abort()
            return
        self.flush()

    def data_received(self, data: bytes) -> None:
        """Bytes came: whatever they are, the session makes events of them."""
        events = self.session.receive(data, self._clock())
        if events:
            self._on_events(self, events)
        self.flush()

    def answer(
        self, token: PDU, references: Sequence[int], outcomes: Sequence[int], at: int
    ) -> None:
        """Queue the answer to the request that made an offer."""
        del at
        self._answers.append(self.dialect.answer(token, references, outcomes))

    def thank(self, pdu: PDU) -> None:
        """Queue the answer to news whose content is on record."""
        thanks = self.dialect.thanks(pdu)
        if thanks is not None:
            self._answers.append(thanks)

    def original(self, pdu: PDU) -> bytes:
        """The frame of a request that waits for its answer, byte for byte."""
        return self.session.original(pdu[self._sequence_at])

    def tick(self) -> None:
        """Let time pass: heartbeats, time-outs."""
        deadline = self.session.next_deadline()
        if deadline is not None and self._clock() >= deadline:
            events = self.session.tick(self._clock())
            if events:
                self._on_events(self, events)
            self.flush()

    def flush(self) -> None:
        """Write what is queued, in one write."""
        if self._answers:
            self.session.respond_all(self._answers)
            self._answers.clear()
        data = self.session.outgoing()
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Write what is queued, then close."""
        self.flush()
        if self._transport is not None:
            self._transport.close()

    def hold(self, held: bool) -> None:
        """Stop or go on reading, when more came than can be decided."""
        self._held = held
        self._read()

    def pause_writing(self) -> None:
        """The peer does not take what we send: stop reading from it, too."""
        self.writable = False
        self._read()

    def resume_writing(self) -> None:
        """It takes it again."""
        self.writable = True
        self._read()

    def _read(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._held or not self.writable:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone, whoever closed it."""
        del exc  # a peer that resets is as gone as one that closes
        self._on_lost(self)
