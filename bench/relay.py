"""HTTP in, SMPP out, beside Kannel: the same texts, the same sink, the servers' processor time.

    python bench/relay.py --messages 50000

Ours decides every message and has it on disk before it answers. Kannel (Debian's, its default
store, which is never forced to disk) decides nothing. Each takes its requests in the form that
is fastest for it: ours a batch of 1,000; Kannel one recipient a request and, as another figure,
20, for a request of its carries one text alone. Sink and clients are this process, whose time
does not count: what is compared is messages per second of the servers' processor time, which
other work on the machine moves less than the clock. No receipts are sent: it is the way out
that is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import struct
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import uvloop
from figures import figure, show
from gateway import ENVIRONMENT, OFFERS, PORT, Server, command, furnish

_HEAD = struct.Struct(">IIII")
_SUBMIT, _BINDS, _ASKED = 4, {1, 2, 9}, {6, 0x15}
EACH, CLIENTS = 1_000, 4
KANNEL = """
group = core
admin-port = {admin}
admin-password = admin
smsbox-port = {box}
box-allow-ip = "127.0.0.1"
log-file = "/dev/null"
log-level = 4
{store}

group = smsc
smsc = smpp
smsc-id = sink
host = 127.0.0.1
port = {sink}
transceiver-mode = true
smsc-username = 106901
smsc-password = secret
system-type = ""
max-pending-submits = 500

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {send}
log-file = "/dev/null"
log-level = 4

group = sendsms-user
username = u
password = p
max-messages = 5

group = sms-service
keyword = default
text = ""
max-messages = 0
"""


class Sink(asyncio.Protocol):
    """A carrier on SMPP that takes every bind and every submit."""

    received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self.transport, self._rest = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answer whole frames in one write."""
        buffer, at, out = self._rest + data, 0, []
        while len(buffer) - at >= 16:
            length, kind, _status, sequence = _HEAD.unpack_from(buffer, at)
            if len(buffer) - at < length:
                break
            if kind == _SUBMIT:
                Sink.received += 1
                body = b"%x\0" % Sink.received
            else:
                body = b"sink\0" if kind in _BINDS else b""
            if kind == _SUBMIT or kind in _BINDS or kind in _ASKED:
                out += (_HEAD.pack(16 + len(body), kind | 1 << 31, 0, sequence), body)
            at += length
        self._rest = buffer[at:]
        if out:
            self.transport.write(b"".join(out))  # type: ignore[attr-defined]  # a Transport


async def http(port: int, requests: Iterator[bytes], good: tuple[int, ...]) -> list[bytes]:
    """Ask over one connection that is kept open, one request after the other; the bodies."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    bodies: list[bytes] = []
    for request in requests:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        size = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        bodies.append(await reader.readexactly(size))
        if int(head.split(b" ")[1]) not in good:
            raise SystemExit(f"refused: {head!r} {bodies[-1][:300]!r}")
        if b"connection: close" in head:
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    writer.close()
    return bodies


def batches(key: str, run: str, first: int, last: int) -> Iterator[bytes]:
    """Requests of ours for these numbers of people."""
    for at in range(first, last, EACH):
        people = range(at, min(at + EACH, last))
        texts = [
            {"to": str(13800000000 + i), "text": text_of(i // 20), "declared": "commercial"}
            for i in people
        ]
        body = json.dumps({"messages": texts}, ensure_ascii=False).encode()
        yield (
            f"POST /v1/messages/batch HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer {key}\r\n"
            f"Idempotency-Key: {run}-{at}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body


def singles(first: int, last: int, each: int) -> Iterator[bytes]:
    """Requests of Kannel's for the same."""
    for at in range(first, last, each):
        people = "+".join(str(13800000000 + i) for i in range(at, min(at + each, last)))
        text = quote(text_of(at // 20))
        yield (
            f"GET /cgi-bin/sendsms?username=u&password=p&from={PORT}&to={people}&coding=2"
            f"&charset=UTF-8&text={text} HTTP/1.1\r\nHost: b\r\nConnection: keep-alive\r\n\r\n"
        ).encode()


def text_of(i: int) -> str:
    """Every tenth group of 20 people has a text of its own."""
    return OFFERS[0 if i % 10 == 0 else i % 3].format(code=f"Ab{i:06d}")


async def arrived(count: int) -> None:
    """Wait until the sink has so many."""
    for _ in range(60_000):
        if Sink.received >= count:
            return
        await asyncio.sleep(0.01)
    raise SystemExit(f"the sink got {Sink.received} of {count}")


def cpu(*processes: int) -> float:
    """Processor seconds of these processes so far."""
    total = 0
    for process in processes:
        stat = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(stat[11]) + int(stat[12])
    return total / os.sysconf("SC_CLK_TCK")


async def ours(folder: Path, sink: int, count: int, warm: int) -> float:
    """Messages a second of processor time of ours, warm."""
    config = folder / "qingjing.toml"
    config.write_text(
        'name = "bench"\n[api]\nport = 0\n[accounts.shop]\nparty = "tongda"\n'
        f'protocol = "http"\nport = "{PORT}"\n[limits]\nqueue_max = {count + warm}\n'
        f'[routes.m]\nnumber = 1\ncarrier = "mobile"\nhost = "127.0.0.1"\nport = {sink}\n'
        'protocol = "smpp"\naccount = "106901"\nsecret_env = "CARRIER"\nwindow = 500\n',
        "utf-8",
    )
    await furnish(folder, config, count + warm)
    asked = ("api-key", "create", "--account", "shop", "--scope", "messages")
    key = await command("--config", str(config), *asked, "--per-s", "100000")
    server = Server(config)
    port = await server.start()
    begun = 0.0
    try:
        for run, first, last in (("warm", 0, warm), ("run", warm, warm + count)):
            before, begun = Sink.received, server.usage()[0]
            step = -(-(last - first) // CLIENTS)
            cuts = [(x, min(x + step, last)) for x in range(first, last, step)]
            asked_at = [http(port, batches(key, run, *cut), (200, 201, 202)) for cut in cuts]
            bodies = [body for found in await asyncio.gather(*asked_at) for body in found]
            passed = sum(body.count(b'"verdict":"pass"') for body in bodies)
            if passed != last - first:
                raise SystemExit(f"{passed} of {last - first} passed: {bodies[0][:600]!r}")
            await arrived(before + last - first)
        return count / (server.usage()[0] - begun)
    finally:
        await server.stop()


async def kannel(folder: Path, sink: int, count: int, warm: int, each: int) -> float:
    """The same of Kannel's two processes."""
    ports = dict(zip(("admin", "box", "send"), free_ports(3), strict=True))
    config = folder / f"kannel-{each}.conf"
    config.write_text(KANNEL.format(sink=sink, store="", **ports), "utf-8")
    made: list[asyncio.subprocess.Process] = []
    quiet = asyncio.subprocess.DEVNULL
    try:
        for name, opened in (("bearerbox", ports["box"]), ("smsbox", ports["send"])):
            program = shutil.which(name)
            if program is None:
                raise SystemExit("needs Kannel: apt-get install kannel")
            made.append(
                await asyncio.create_subprocess_exec(
                    program, "-v", "4", str(config), stdout=quiet, stderr=quiet, cwd=folder
                )
            )
            await reachable(opened)
        await asyncio.sleep(2)  # its bind
        pids = [process.pid for process in made]
        begun = 0.0
        for first, last in ((0, warm), (warm, warm + count)):
            before, begun = Sink.received, cpu(*pids)
            step = -(-(last - first) // (4 * CLIENTS) // 20) * 20
            cuts = [(x, min(x + step, last)) for x in range(first, last, step)]
            found = [http(ports["send"], singles(*cut, each), (200, 202)) for cut in cuts]
            await asyncio.gather(*found)
            await arrived(before + last - first)
        return count / (cpu(*pids) - begun)
    finally:
        for process in reversed(made):
            process.terminate()
            await process.wait()


def free_ports(count: int) -> list[int]:
    """Ports that nobody has."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return found


async def reachable(port: int) -> None:
    """Wait until something listens there."""
    for _ in range(600):
        try:
            _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise SystemExit(f"nothing listens on port {port}")


async def measure(count: int) -> list[dict[str, object]]:
    """All in turns, in the same minutes."""
    folder = Path(tempfile.mkdtemp(prefix="qingjing-relay-", dir="/var/tmp"))
    sink = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    port, warm = sink.sockets[0].getsockname()[1], min(count, 5_000)
    try:
        rate = await ours(folder, port, count, warm)
        peers = {
            each: await kannel(folder, port, count, warm, each)
            for each in (1, 20)
            if shutil.which("bearerbox")
        }
    finally:
        sink.close()
        shutil.rmtree(folder, ignore_errors=True)
    names = {1: "Kannel, one recipient a request", 20: "Kannel, 20 recipients a request"}
    return [
        figure("relay, HTTP in, SMPP out", rate, "messages/CPU s", names[each], peer)
        for each, peer in peers.items()
    ] + [figure("relay, server CPU", 1e6 / rate, "µs/message")]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    show(uvloop.run(measure(chosen.messages)), as_json=chosen.json)


if __name__ == "__main__":
    os.environ |= ENVIRONMENT
    sys.exit(main())
