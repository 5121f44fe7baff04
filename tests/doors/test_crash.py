"""kill -9 of the serving process in the middle of its work, for real."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qingjing.city.carrier import CarrierSimulator, Habits
from qingjing.city.customer import CustomerClient
from qingjing.desk import evidence
from qingjing.doors.gateway.results import RESULTS
from qingjing.kernel.facts import MessagesDecided, MessagesMoved
from qingjing.kernel.rows import DECIDED, MOVE, Moved
from qingjing.kernel.words import Verdict
from qingjing.ledger import sqlite
from qingjing.ledger.core import Ledger
from qingjing.ledger.vault import Vault, load
from qingjing.wire import cmpp_tables

ROOT = Path(__file__).parents[2]
PORT = "106900010001"
OFFER = "【青禾商城】双11会员日全场满300减50,精选好物低至5折,拒收请回复R".encode("utf-16-be")
COUNT, PEOPLE, REFUSING = 20_000, 20_100, range(20_000, 20_050)
ENVIRONMENT = {"CUSTOMER": "888888", "CARRIER": "secret"}
SETTINGS = """
name = "crash"
[listener]
port = 0
[accounts.900001]
party = "tongda"
secret_env = "CUSTOMER"
window = 500
[routes.mobile]
number = 1
carrier = "mobile"
host = "127.0.0.1"
port = {port}
account = "106901"
secret_env = "CARRIER"
connections = 2
window = 200
"""


def phone(number: int) -> str:
    """The number of a person; each is written to once."""
    return str(13_800_000_000 + number)


class Server:
    """``qingjing serve`` as a process that can be killed."""

    def __init__(self, folder: Path) -> None:
        """Nothing runs yet."""
        self.folder = folder
        self.process: asyncio.subprocess.Process

    async def command(self, *words: str) -> None:
        """Run one command of the product to its end."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "qingjing", "--config", str(self.folder / "qingjing.toml")),
            *words,
            stdout=asyncio.subprocess.DEVNULL,
        )
        assert await process.wait() == 0, words

    async def furnish(self, carrier: int) -> None:
        """Settings, keys, register, consents of everyone."""
        (self.folder / "qingjing.toml").write_text(SETTINGS.format(port=carrier), "utf-8")
        await self.command("keys", "create")
        await self.command("register", "load", str(ROOT / "bench" / "register.toml"))
        rows = "".join(f"{phone(i)},2026-01-01 09:00\n" for i in range(PEOPLE))
        (self.folder / "members.csv").write_text("phone,given_at\n" + rows, "utf-8")
        await self.command(
            *("consent", "import", str(self.folder / "members.csv"), "--sender", "qinghe"),
            *("--purpose", "any", "--act", "ticked", "--shown", "screen"),
        )

    async def start(self) -> int:
        """Serve; the port."""
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "qingjing", "--config", str(self.folder / "qingjing.toml")),
            "serve",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | ENVIRONMENT,
        )
        stderr = self.process.stderr
        assert stderr is not None
        while line := (await stderr.readline()).decode():
            if "listening on port" in line:
                return int(line.rsplit(" ", 1)[1])
        raise AssertionError("the server ended before it listened")

    async def end(self, number: signal.Signals) -> None:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        await self.process.communicate()


def submit(number: int) -> cmpp_tables.Submit:
    """An offer to one person."""
    return cmpp_tables.Submit(
        Msg_src="900001",
        Src_Id=PORT,
        Dest_terminal_Id=(phone(number),),
        Msg_Content=OFFER,
    )


async def connect(port: int) -> CustomerClient:
    """A logged-in customer."""
    loop = asyncio.get_running_loop()
    client = CustomerClient(account="900001", secret=b"888888", clock=loop.time, window=500)
    assert await client.connect(port) == 0
    return client


async def send(client: CustomerClient, numbers: list[int]) -> None:
    """Submit until done or until the connection is gone."""
    try:
        for number in numbers:
            await client.submit(submit(number), number)
        await client.settle(len(numbers))
    except ConnectionError:
        pass


async def until(ready: Callable[[], bool]) -> None:
    """Wait until something holds, at most a minute."""
    for _ in range(6000):
        if ready():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("waited in vain")


async def run(folder: Path, kill_at: int) -> tuple[CarrierSimulator, list[CustomerClient]]:
    """Refusals, then messages, kill -9 after ``kill_at`` answers, restart, the rest."""
    loop = asyncio.get_running_loop()
    carrier = CarrierSimulator(
        secret=b"secret", clock=loop.time, seed=1, habits=Habits(report_after_s=0.3)
    )
    server = Server(folder)
    await server.furnish(await carrier.start())
    first = await connect(await server.start())
    await until(lambda: carrier.connections == 2)
    for number in REFUSING:
        assert carrier.reply(phone(number), PORT, "T")
    await until(lambda: len(first.replies) == len(REFUSING))
    sending = asyncio.create_task(send(first, list(range(COUNT))))
    await until(lambda: len(first.answers) >= kill_at)
    await server.end(signal.SIGKILL)
    await sending
    assert len(first.answers) < COUNT, "everything was answered before the kill"

    again = await connect(await server.start())
    # What was submitted and not answered is left alone: nobody knows, and twice is worse.
    touched = set(first.answers) | set(first.lost)
    rest = [number for number in range(COUNT) if number not in touched]
    await send(again, [*rest, *REFUSING])
    accepted = [x for client in (first, again) for x in client.answers.values() if not x.Result]
    wanted = {answer.Msg_Id for answer in accepted}
    await until(lambda: wanted <= {*first.reports, *again.reports})
    await server.end(signal.SIGTERM)
    await server.command("ledger", "verify")
    again.close()
    await carrier.stop()
    return carrier, [first, again]


def moves_and_passes(ledger: Ledger) -> tuple[set[int], set[int], Counter[int]]:
    """Numbers with a recorded PASS, numbers released, and how often each was released."""
    passed: dict[int, int] = {}
    released: Counter[int] = Counter()
    for position in ledger.batches_since(0):
        batch = ledger.batch(position)
        fact = batch.recorded.fact
        if isinstance(fact, MessagesDecided):
            sealed = evidence.unpack(ledger.unseal(batch.sealed, evidence.CONTEXT))
            for place, row in enumerate(np.frombuffer(batch.rows, DECIDED)):
                if row["verdict"] == Verdict.PASS:
                    passed[int(row["message"])] = sealed.phones[place]
        elif isinstance(fact, MessagesMoved):
            rows = np.frombuffer(batch.rows, MOVE)
            released.update(rows["message"][rows["what"] == Moved.RELEASED].tolist())
    return set(passed.values()), {passed[message] for message in released}, released


@pytest.mark.slow
@pytest.mark.parametrize("kill_at", [3_000, 12_000])
def test_a_kill_loses_nothing_acknowledged_and_sends_nothing_twice(
    tmp_path: Path, kill_at: int
) -> None:
    """Acknowledged messages have their end, sent ones a decision, and "T" its force."""
    folder = tmp_path / "ledger"
    folder.mkdir()
    carrier, clients = asyncio.run(run(folder, kill_at))

    received = Counter(part.phone for part in carrier.received)
    assert max(received.values()) == 1
    for client in clients:
        for number, answer in client.answers.items():
            if number in REFUSING:
                assert answer.Result == RESULTS["not_refused"]
            else:
                assert answer.Result == 0
                report = clients[0].reports | clients[1].reports
                assert phone(number) in received or report[answer.Msg_Id] == "UNKNOWN"
    assert not any(phone(number) in received for number in REFUSING)
    ledger = sqlite.open_ledger(folder / "data", Vault(load(folder / "keys.toml")), origin="x")
    passed, left, released = moves_and_passes(ledger.ledger)
    assert {int(number) for number in received} <= left <= passed
    assert max(released.values()) == 1
    asyncio.run(ledger.ledger.close())
    shutil.rmtree(folder)
