"""Two hundred connections, ten of them slow or hostile: the others lose nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from gateway_house import CONSENTED, PORT, SERVICE_PORT, House, house
from test_gateway import CODE, submit

from qingjing.city.customer import CustomerClient
from qingjing.settings import Account
from qingjing.wire import cmpp, cmpp_tables
from qingjing.wire.cmpp_tables import LAYOUTS, V30, Command

GOOD, MESSAGES, WINDOW = 190, 20, 16
FRAME = LAYOUTS[V30][Command.SUBMIT].encode(submit(CODE, CONSENTED, port=SERVICE_PORT))


@pytest.fixture
def running() -> Iterator[House]:
    """A gateway that lets one account in on many connections, and a bad one on ten."""
    good = Account(
        party="tongda", port=PORT, secret_env="CUSTOMER", connections_max=200, window=WINDOW
    )
    bad = Account(party="tongda", port=PORT, secret_env="CUSTOMER", connections_max=10)
    with house(accounts={"900001": good, "900002": bad}) as made:
        yield made


def login(account: str) -> bytes:
    """A good CONNECT."""
    digest = cmpp.authenticator_source(account, b"888888", 1_124_120_000)
    pdu = cmpp_tables.Connect(1, account, digest, V30, 1_124_120_000)
    return LAYOUTS[V30][Command.CONNECT].encode(pdu)


async def loris(port: int, until: asyncio.Event) -> None:
    """Half a CONNECT, byte by byte, and never the rest."""
    _reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for octet in login("900002")[:-1]:
        writer.write(bytes([octet]))
        await asyncio.sleep(0.01)
    await until.wait()
    writer.close()


async def half(port: int, until: asyncio.Event) -> None:
    """Logs in, and stops in the middle of a SUBMIT."""
    _reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(login("900002") + FRAME[:-20])
    await until.wait()
    writer.close()


async def deaf(port: int, until: asyncio.Event) -> None:
    """Submits, reads nothing, answers no report."""
    _reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
    writer.write(login("900002"))
    for sequence in range(2, 400):
        writer.write(FRAME[:8] + sequence.to_bytes(4, "big") + FRAME[12:])
    await until.wait()
    writer.close()


async def rubbish(port: int, until: asyncio.Event) -> None:
    """Comes again and again with bytes that are no protocol."""
    while not until.is_set():
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\xff" * 4096)
        await asyncio.sleep(0.05)
        writer.close()


async def good(port: int, number: int) -> CustomerClient:
    """A customer that keeps to the protocol: its messages, until all is answered."""
    loop = asyncio.get_running_loop()
    client = CustomerClient(account="900001", secret=b"888888", clock=loop.time, window=WINDOW)
    assert await client.connect(port) == 0
    for i in range(MESSAGES):
        await client.submit(submit(CODE, CONSENTED, port=SERVICE_PORT), (number, i))
    await client.settle(MESSAGES)
    return client


def test_the_others_lose_nothing(running: House) -> None:
    """Every submit is answered 0, every message is reported, though ten misbehave."""
    bad = [loris] * 3 + [half] * 2 + [deaf] * 3 + [rubbish] * 2

    async def run() -> list[CustomerClient]:
        until = asyncio.Event()
        nuisances = [asyncio.create_task(one(running.port, until)) for one in bad]
        await asyncio.sleep(0.2)
        clients = await asyncio.gather(*(good(running.port, i) for i in range(GOOD)))
        while sum(len(client.reports) for client in clients) < GOOD * MESSAGES:
            await asyncio.sleep(0.05)
        until.set()
        await asyncio.gather(*nuisances)
        for client in clients:
            client.close()
        return clients

    clients = asyncio.run_coroutine_threadsafe(
        asyncio.wait_for(run(), 120), running.loop
    ).result(130)
    answers = [answer for client in clients for answer in client.answers.values()]
    assert len(answers) == GOOD * MESSAGES
    assert {answer.Result for answer in answers} == {0}
    assert len({answer.Msg_Id for answer in answers}) == GOOD * MESSAGES
    assert all(not client.lost for client in clients)
