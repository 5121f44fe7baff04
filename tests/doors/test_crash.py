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
from typing import NamedTuple

import numpy as np
import pytest
from open_hours import open_book

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
[listeners.cmpp]
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

    def route(self, carrier: int) -> None:
        """Settings with the carrier's port."""
        (self.folder / "qingjing.toml").write_text(SETTINGS.format(port=carrier), "utf-8")

    async def furnish(self) -> None:
        """Keys, register, consents of everyone."""
        self.route(1)
        await self.command("keys", "create")
        await self.command("rulebook", "adopt", open_book(self.folder))
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


class Ran(NamedTuple):
    """What came of a run."""

    carrier: CarrierSimulator
    clients: list[CustomerClient]
    record: Record

    @property
    def reports(self) -> dict[int, str]:
        """What the customer was told, over all its connections."""
        return {ref: stat for client in self.clients for ref, stat in client.reports.items()}


class Record(NamedTuple):
    """What stands in the ledger: the passed messages, and how often each was moved how."""

    phones: dict[int, str]
    references: dict[int, int]
    moves: Counter[tuple[int, int]]

    def made(self, what: Moved) -> Counter[int]:
        """How often each message made this move."""
        return Counter({m: n for (m, moved), n in self.moves.items() if moved == what})

    @property
    def untold(self) -> set[int]:
        """The customer's ids of passed messages whose end the customer has not taken."""
        told = self.made(Moved.TOLD)
        return {ref for message, ref in self.references.items() if message not in told}


def read_record(ledger: Ledger) -> Record:
    """All batches of a ledger."""
    record = Record({}, {}, Counter())
    for position in ledger.batches_since(0):
        batch = ledger.batch(position)
        fact = batch.recorded.fact
        if isinstance(fact, MessagesDecided):
            sealed = evidence.unpack(ledger.unseal(batch.sealed, evidence.CONTEXT))
            rows = np.frombuffer(batch.rows, DECIDED)
            for place in np.flatnonzero(rows["verdict"] == Verdict.PASS).tolist():
                message = int(rows["message"][place])
                record.phones[message] = str(int(sealed.phones[place]))
                record.references[message] = int(rows["reference"][place])
        elif isinstance(fact, MessagesMoved):
            rows = np.frombuffer(batch.rows, MOVE)
            pairs = zip(rows["message"].tolist(), rows["what"].tolist(), strict=True)
            record.moves.update(pairs)
    return record


async def stopped(server: Server) -> Record:
    """Stop as an operator would, and read the record."""
    await server.end(signal.SIGTERM)
    data, keys = server.folder / "data", Vault(load(server.folder / "keys.toml"))
    opened = sqlite.open_ledger(data, keys, origin="crash")
    record = read_record(opened.ledger)
    await opened.ledger.close()
    return record


async def run(folder: Path, kill_at: tuple[int, int]) -> Ran:
    """Refusals, then messages, kill -9 in their midst, restart, the rest, until all is told."""
    loop = asyncio.get_running_loop()
    carrier = CarrierSimulator(
        secret=b"secret", clock=loop.time, seed=1, habits=Habits(report_after_s=0.3)
    )
    server = Server(folder)
    server.route(await carrier.start())
    first = await connect(await server.start())
    await until(lambda: carrier.connections == 2)
    taken = [carrier.say(phone(number), PORT, "T") for number in REFUSING]
    await asyncio.gather(*taken)
    sending = asyncio.create_task(send(first, list(range(COUNT))))
    answers, reports = kill_at
    await until(lambda: len(first.answers) >= answers and len(first.reports) >= reports)
    await server.end(signal.SIGKILL)
    await sending
    assert len(first.answers) < COUNT, "everything was answered before the kill"

    again = await connect(await server.start())
    # What was submitted and not answered is left alone: nobody knows, and twice is worse.
    touched = set(first.answers) | set(first.lost)
    rest = [number for number in range(COUNT) if number not in touched]
    await send(again, [*rest, *REFUSING])
    clients = [first, again]
    accepted = [x for client in clients for x in client.answers.values() if not x.Result]
    wanted = {answer.Msg_Id for answer in accepted}
    ran = Ran(carrier, clients, await settled(server, clients, wanted))
    await server.command("ledger", "verify")
    for client in clients:
        client.close()
    await carrier.stop()
    return ran


async def reported(wanted: set[int], clients: list[CustomerClient]) -> None:
    """Wait until these ids have had their reports, over any of these connections."""

    def there() -> bool:
        enough = sum(len(client.reports) for client in clients) >= len(wanted)
        return enough and wanted <= set().union(*(client.reports for client in clients))

    await until(there)


async def settled(server: Server, clients: list[CustomerClient], wanted: set[int]) -> Record:
    """Wait for the reports that are wanted, stop, and see whom the record still owes one:
    what passed and was never acknowledged, or was told and not taken before the stop. They
    come over the next connection; in the end nobody is owed anything."""
    listening = clients
    for _ in range(5):
        await reported(wanted, listening)
        record = await stopped(server)
        wanted = record.untold
        if not wanted:
            return record
        clients.append(await connect(await server.start()))
        listening = clients[-1:]
    raise AssertionError(f"{len(wanted)} messages are never settled")


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with keys and a ledger in which everyone consented, to be copied."""
    folder = tmp_path_factory.mktemp("furnished")
    asyncio.run(Server(folder).furnish())
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("kill_at", [(3_000, 0), (3_000, 3_000)], ids=["answers", "reports"])
def test_a_kill_loses_nothing_acknowledged_and_sends_nothing_twice(
    furnished: Path, tmp_path: Path, kill_at: tuple[int, int]
) -> None:
    """Acknowledged messages have their end, sent ones a decision, and "T" its force."""
    folder = tmp_path / "ledger"
    shutil.copytree(furnished, folder)
    ran = asyncio.run(run(folder, kill_at))

    received = Counter(part.phone for part in ran.carrier.received)
    assert max(received.values()) == 1
    for client in ran.clients:
        for number, answer in client.answers.items():
            if number in REFUSING:
                assert answer.Result == RESULTS["not_refused"]
            else:
                assert answer.Result == 0
                assert phone(number) in received or ran.reports[answer.Msg_Id] == "UNKNOWN"
    assert not any(phone(number) in received for number in REFUSING)
    check_record(ran.record, set(received))
    shutil.rmtree(folder)


def check_record(record: Record, received: set[str]) -> None:
    """What was sent had passed and was released, once; what passed was told, once."""
    released, told = record.made(Moved.RELEASED), record.made(Moved.TOLD)
    assert received <= {record.phones[message] for message in released}
    assert set(told) == set(record.phones)
    assert max(released.values()) == max(told.values()) == 1
