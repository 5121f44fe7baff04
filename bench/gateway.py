"""The gateway end to end: client, decision, durable record, carrier, report, on this machine.

    python bench/gateway.py --messages 200000 --json

The server runs as its own process on SQLite (WAL, FULL); the client and the carrier simulator
share one other process. The peer is that same client talking straight to that same simulator:
what the harness does on this machine in this minute without a gate between.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import uvloop
from figures import figure, show
from load import Carrier, Customer, submits

PORT = "106900010001"
OFFERS = (
    "【青禾商城】双11会员日全场满300减50,精选好物低至5折,戳 s.example.cn/{code} 拒收请回复R",
    "【青禾商城】会员{code}专享:满200减30券已到账,11月30日前有效,拒收请回复R",
    "【青禾商城】年货节开抢,爆款直降,今晚8点抢先购,拒收请回复R",
)
ENVIRONMENT = {"CUSTOMER": "888888", "CARRIER": "secret"}


def write_settings(folder: Path, carrier: int) -> Path:
    """Settings of one account and one route over four connections."""
    lines = [
        'name = "bench"',
        'keys = "keys.toml"',
        "[listeners.cmpp]",
        "port = 0",
        "[accounts.900001]",
        'party = "tongda"',
        'secret_env = "CUSTOMER"',
        "window = 500",
    ]
    for number, name in enumerate(("mobile", "unicom", "telecom"), 1):
        lines += [
            f"[routes.{name}]",
            f"number = {number}",
            f'carrier = "{name}"',
            'host = "127.0.0.1"',
            f"port = {carrier}",
            'account = "106901"',
            'secret_env = "CARRIER"',
            "connections = 2",
            "window = 500",
        ]
    path = folder / "qingjing.toml"
    path.write_text("\n".join(lines), "utf-8")
    return path


async def command(*words: str) -> str:
    """Run one command of the product; the first word that it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "qingjing", *words, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"failed: qingjing {' '.join(words)}")
    return said.decode().split(maxsplit=1)[0] if said.strip() else ""


def open_book(folder: Path) -> str:
    """The newest shipped rulebook without quiet hours: this runs by the wall clock."""
    book = resources.files("qingjing.rulebooks") / "order74-2026.toml"
    text = book.read_text("utf-8").replace("open_hour = 8\n", "open_hour = 0\n")
    text = text.replace("close_hour = 21\n", "close_hour = 24\n")
    path = folder / "open.toml"
    path.write_text(text.replace('"order74-2026"', '"open"', 1), "utf-8")
    return str(path)


async def furnish(folder: Path, config: Path, numbers: int) -> None:
    """Keys, register, and the consents of everyone who will be written to."""
    at = ("--config", str(config))
    root = Path(__file__).parents[1]
    await command(*at, "keys", "create")
    await command(*at, "rulebook", "adopt", open_book(folder))
    await command(*at, "register", "load", str(root / "bench" / "register.toml"))
    rows = "\n".join(f"{13800000000 + i},2026-01-01 09:00:00" for i in range(numbers))
    (folder / "members.csv").write_text("phone,given_at\n" + rows, "utf-8")
    await command(
        *at,
        "consent",
        "import",
        str(folder / "members.csv"),
        "--sender",
        "qinghe",
        "--purpose",
        "any",
        "--act",
        "ticked",
        "--shown",
        "screen",
    )


class Server:
    """``qingjing serve`` in a process of its own."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._process: asyncio.subprocess.Process

    async def start(self) -> int:
        """Start it; the port."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "qingjing",
            "--config",
            str(self._config),
            "serve",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | ENVIRONMENT,
        )
        stderr = self._process.stderr
        assert stderr is not None
        while True:
            line = (await stderr.readline()).decode()
            if not line:
                raise SystemExit("the server ended before it listened")
            if "listening on port" in line:
                return int(line.rsplit(" ", 1)[1])

    def usage(self) -> tuple[float, int]:
        """CPU seconds and resident bytes of the process so far."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks = os.sysconf("SC_CLK_TCK")
        return (int(stat[11]) + int(stat[12])) / ticks, int(stat[21]) * resource.getpagesize()

    async def stop(self) -> None:
        """Stop it as an operator would."""
        self._process.send_signal(signal.SIGTERM)
        await self._process.communicate()


async def drive(
    port: int, count: int, unique: float, halfway: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Submit ``count`` messages over four connections and wait for all reports."""
    loop = asyncio.get_running_loop()
    customers = []
    for _ in range(4):
        _transport, customer = await loop.create_connection(
            lambda: Customer("900001", b"888888", 500), "127.0.0.1", port
        )
        await customer.ready.wait()
        customers.append(customer)
    every = round(1 / unique) if unique else 0
    begun, before = loop.time(), Carrier.received
    for i, customer in enumerate(customers):
        customer.submit(submits("900001", PORT, OFFERS, i, count, len(customers), every))
    half = False
    while True:
        refused = sum(customer.refused for customer in customers)
        answered = sum(customer.answered for customer in customers)
        if answered == count and sum(x.reported for x in customers) >= count - refused:
            break
        if not half and answered > count // 2:
            half = True
            halfway()
        await asyncio.sleep(0.005)
    took = loop.time() - begun
    for customer in customers:
        customer.transport.close()
    if Carrier.received - before != count - refused:
        raise SystemExit("the carrier got another number of messages than passed")
    results = sum((customer.results for customer in customers), Counter())
    return {"seconds": took, "refused": refused, "results": dict(results)}


async def measure(count: int, unique: float, peer_count: int) -> list[dict[str, Any]]:
    """Both runs, one after the other, in the same minute."""
    loop = asyncio.get_running_loop()
    folder = Path(tempfile.mkdtemp(prefix="qingjing-bench-", dir="/var/tmp"))
    sink = await loop.create_server(Carrier, "127.0.0.1", 0)
    sink_port = sink.sockets[0].getsockname()[1]
    try:
        config = write_settings(folder, sink_port)
        await furnish(folder, config, count)
        server = Server(config)
        port = await server.start()
        peer = await drive(sink_port, peer_count, unique)
        await asyncio.sleep(1)
        warm_cpu, warm_rss = server.usage()
        own_cpu = time.process_time()
        resident: list[int] = []
        ours = await drive(port, count, unique, lambda: resident.append(server.usage()[1]))
        own_cpu = time.process_time() - own_cpu
        cpu, rss = server.usage()
        size = sum(x.stat().st_size for x in (folder / "data").rglob("*") if x.is_file())
        await server.stop()
    finally:
        sink.close()
        shutil.rmtree(folder, ignore_errors=True)
    if ours["refused"]:
        raise SystemExit(f"messages were refused, by result: {ours['results']}")
    rate, peer_rate = count / ours["seconds"], peer_count / peer["seconds"]
    return [
        figure("gateway, end to end", rate, "messages/s", "the harness alone", peer_rate),
        figure("gateway, server CPU", (cpu - warm_cpu) / count * 1e6, "µs/message"),
        figure("gateway, harness CPU", own_cpu / count * 1e6, "µs/message"),
        figure("gateway, resident growth", (rss - warm_rss) / 2**20, "MiB"),
        figure("gateway, of it in the second half", (rss - resident[0]) / 2**20, "MiB"),
        figure("gateway, disk", size / count, "bytes/message"),
    ]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--unique", type=float, default=0.1, help="share of texts seen once")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    begun = time.monotonic()
    figures = uvloop.run(measure(chosen.messages, chosen.unique, min(chosen.messages, 50_000)))
    show(figures, as_json=chosen.json)
    if not chosen.json:
        print(f"took {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
