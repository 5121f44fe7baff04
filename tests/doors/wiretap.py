"""What crosses a wire: recorded between two programs, and written for tshark to judge."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

_RAW_IP = 101
_PIECE = 1400
_CLIENT, _SERVER = b"\x0a\0\0\x01", b"\x0a\0\0\x02"
_CLIENT_PORT = 40_000


class Said(NamedTuple):
    """Bytes as they were read, and who said them."""

    by_client: bool
    data: bytes


class Tap:
    """A relay for one connection: dial ``port``, and read what was said."""

    def __init__(self, target: int) -> None:
        self.said: list[Said] = []
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        client, _address = self._server.accept()
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            back = threading.Thread(target=self._carry, args=(server, client, False))
            back.start()
            self._carry(client, server, True)
            back.join()

    def _carry(self, source: socket.socket, sink: socket.socket, by_client: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self.said.append(Said(by_client, data))
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Wait until both ends have hung up."""
        self._thread.join(10)
        self._server.close()


@contextmanager
def tap(target: int) -> Iterator[Tap]:
    """A relay that is over when its connection is."""
    made = Tap(target)
    yield made
    made.close()


def write_pcap(path: Path, said: Sequence[Said], port: int) -> None:
    """A capture of one TCP connection, as if the server had listened on ``port``."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, _RAW_IP)]
    sent = {True: 1, False: 1}
    moment = 0
    for by_client, data in said:
        for at in range(0, len(data), _PIECE):
            piece = data[at : at + _PIECE]
            packet = _packet(by_client, piece, sent[by_client], sent[not by_client], port)
            out.append(struct.pack("<IIII", 1_795_492_800, moment, len(packet), len(packet)))
            out.append(packet)
            sent[by_client] += len(piece)
            moment += 1
    path.write_bytes(b"".join(out))


def _packet(by_client: bool, data: bytes, sequence: int, ack: int, port: int) -> bytes:
    """An IPv4 packet; checksums are zero, which tshark does not look at unless it is asked."""
    ports = (_CLIENT_PORT, port) if by_client else (port, _CLIENT_PORT)
    hosts = (_CLIENT, _SERVER) if by_client else (_SERVER, _CLIENT)
    tcp = struct.pack(">HHIIBBHHH", *ports, sequence, ack, 0x50, 0x18, 65535, 0, 0)
    size = 20 + len(tcp) + len(data)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, size, 1, 0x4000, 64, 6, 0, *hosts)
    return ip + tcp + data
