"""A customer and a carrier that cost next to nothing, so that what is measured is the gateway.

Both speak CMPP 3.0 by patching frames that the product's own codec has written once: what
differs from message to message is a number here and an id there. They answer everything that
they get, keep the window, and count.
"""

from __future__ import annotations

import abc
import asyncio
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, cast

from qingjing.wire import cmpp, cmpp_tables
from qingjing.wire.cmpp_tables import LAYOUTS, REPORT_30, V30, Command

_HEAD = struct.Struct(">III")
_RESP = struct.Struct(">IIIQI")
_UINT = struct.Struct(">I")
_LONG = struct.Struct(">Q")
_TABLES = LAYOUTS[V30]
_PHONE = "13800000000"
_PHONE_SIZE = 32


def _frame(pdu: Any) -> bytes:
    """A PDU as the codec writes it."""
    kinds = {layout.pdu: layout for layout in _TABLES.values()}
    return kinds[type(pdu)].encode(pdu)


def _frames(buffer: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Offset, length, command and sequence of each whole frame."""
    at, size = 0, len(buffer)
    while size - at >= _HEAD.size:
        length, command, sequence = _HEAD.unpack_from(buffer, at)
        if size - at < length:
            return
        yield at, length, command, sequence
        at += length


class _Peer(asyncio.Protocol, abc.ABC):
    """Frames in, bytes out, one write a read."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by class

    def data_received(self, data: bytes) -> None:
        """Take whole frames, keep the rest."""
        buffer = self._rest + data if self._rest else data
        out: list[bytes] = []
        end = 0
        for at, length, command, sequence in _frames(buffer):
            self.take(buffer, at, command, sequence, out)
            end = at + length
        self._rest = buffer[end:]
        self.after(out)
        if out:
            self.transport.write(b"".join(out))

    @abc.abstractmethod
    def take(
        self, buffer: bytes, at: int, command: int, sequence: int, out: list[bytes]
    ) -> None:
        """One frame, at a place of the buffer; what answers it goes out."""

    def beat(self, command: int, sequence: int, out: list[bytes]) -> None:
        """Answer a heartbeat."""
        if command == Command.ACTIVE_TEST:
            out.append(_frame(cmpp_tables.ActiveTestResp(sequence)))

    def after(self, out: list[bytes]) -> None:
        """A read has been taken."""


class Carrier(_Peer):
    """Accepts every login and every submit, and reports each as delivered."""

    received = 0
    report_frame = _frame(
        cmpp_tables.Deliver(
            Dest_Id="1069",
            Src_terminal_Id=_PHONE,
            Registered_Delivery=1,
            Msg_Content=REPORT_30.encode(
                cmpp_tables.Report(1, "DELIVRD", "2611241200", "2611241200", _PHONE)
            ),
        )
    )
    id_at = report_frame.index(_LONG.pack(1) + b"DELIVRD")
    phones_at = (
        report_frame.index(_PHONE.encode()),
        report_frame.rindex(_PHONE.encode()),
    )
    phone_in = _frame(cmpp_tables.Submit(Dest_terminal_Id=(_PHONE,))).index(_PHONE.encode())
    cuts = (
        report_frame[12 + 8 : phones_at[0]],
        report_frame[phones_at[0] + 11 : id_at],
        report_frame[id_at + 8 : phones_at[1]],
        report_frame[phones_at[1] + 11 :],
    )

    def take(
        self, buffer: bytes, at: int, command: int, sequence: int, out: list[bytes]
    ) -> None:
        """Answer, and report at once."""
        if command == Command.SUBMIT:
            Carrier.received += 1
            number = Carrier.received
            first, second, third, fourth = self.cuts
            phone = buffer[at + self.phone_in : at + self.phone_in + 11]
            out += (
                _RESP.pack(24, Command.SUBMIT_RESP, sequence, number, 0),
                _HEAD.pack(len(self.report_frame), Command.DELIVER, number & 0xFFFFFFFF),
                _LONG.pack(number),
                first,
                phone,
                second,
                _LONG.pack(number),
                third,
                phone,
                fourth,
            )
        elif command == Command.CONNECT:
            out.append(_frame(cmpp_tables.ConnectResp(sequence)))
        else:
            self.beat(command, sequence, out)


class Customer(_Peer):
    """Logs in and keeps its window full until everything is answered and reported."""

    def __init__(self, account: str, secret: bytes, window: int) -> None:
        super().__init__()
        self._account, self._secret, self._window = account, secret, window
        self.ready = asyncio.Event()
        self.news = asyncio.Event()
        self._todo: Iterator[bytes] = iter(())
        self.sent = self.answered = self.refused = self.reported = 0
        self.results: Counter[int] = Counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Log in."""
        super().connection_made(transport)
        moment = cmpp.timestamp(11, 24, 12, 0, 0)
        digest = cmpp.authenticator_source(self._account, self._secret, moment)
        self.transport.write(_frame(cmpp_tables.Connect(1, self._account, digest, V30, moment)))

    def submit(self, frames: Iterator[bytes]) -> None:
        """Begin to send these frames, with sequence numbers of our own."""
        self._todo = frames
        out: list[bytes] = []
        self.after(out)
        self.transport.write(b"".join(out))

    def take(
        self, buffer: bytes, at: int, command: int, sequence: int, out: list[bytes]
    ) -> None:
        """Count answers and reports."""
        if command == Command.SUBMIT_RESP:
            self.answered += 1
            result = _UINT.unpack_from(buffer, at + 20)[0]
            self.results[result] += 1
            self.refused += result != 0
        elif command == Command.DELIVER:
            self.reported += 1
            number = _LONG.unpack_from(buffer, at + 12)[0]
            out.append(_RESP.pack(24, Command.DELIVER_RESP, sequence, number, 0))
        elif command == Command.CONNECT_RESP:
            if _UINT.unpack_from(buffer, at + 12)[0]:
                raise SystemExit("login refused")
            self.ready.set()
        else:
            self.beat(command, sequence, out)

    def after(self, out: list[bytes]) -> None:
        """Fill the window again."""
        while self.sent - self.answered < self._window:
            frame = next(self._todo, None)
            if frame is None:
                break
            self.sent += 1
            out += (frame[:8], _UINT.pack(self.sent & 0xFFFFFFFF), frame[12:])
        self.news.set()


def submits(
    account: str,
    port: str,
    bodies: Sequence[str],
    first: int,
    count: int,
    step: int,
    every: int,
) -> Iterator[bytes]:
    """SUBMIT frames to ``13800000000 + i`` for each i of the range; every so manieth body is
    one that is never seen again (``{code}`` in the first body)."""
    code = "Ab000000"
    cut = [_cut(account, port, body.format(code=code), "") for body in bodies]
    head, middle, tail = _cut(account, port, bodies[0].format(code=code), code)
    for i in range(first, count, step):
        phone = b"%011d" % (13800000000 + i)
        if every and i % every == 0:
            yield b"".join((head, phone, middle, f"Ab{i:06d}"[:8].encode("utf-16-be"), tail))
        else:
            before, after, _ = cut[i % len(cut)]
            yield b"".join((before, phone, after))


def _cut(account: str, port: str, body: str, code: str) -> tuple[bytes, bytes, bytes]:
    """A frame around its phone number and its code."""
    frame = _frame(
        cmpp_tables.Submit(
            Msg_src=account,
            Src_Id=port,
            Dest_terminal_Id=(_PHONE,),
            Msg_Content=body.encode("utf-16-be"),
        )
    )
    at = frame.index(_PHONE.encode())
    end = at + len(_PHONE)
    if not code:
        return frame[:at], frame[end:], b""
    mark = code.encode("utf-16-be")
    place = frame.index(mark)
    return frame[:at], frame[end:place], frame[place + len(mark) :]
