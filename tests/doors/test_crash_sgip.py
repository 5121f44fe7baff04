"""kill -9 of the serving process between an SGIP customer and its reports, for real."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
from pathlib import Path

import pytest
from test_crash import OFFER, PORT, Server, furnished, phone, until

from qingjing.city.carrier import CarrierSimulator, Habits
from qingjing.city.sgip_customer import SgipCustomer
from qingjing.wire import sgip_tables
from qingjing.wire.sgip import State

__all__ = ["furnished"]

COUNT = 600
SETTINGS = """
name = "crash"
[listeners.sgip]
port = 0
[sgip]
node = 110002
[accounts.tongda]
party = "tongda"
protocol = "sgip"
secret_env = "CUSTOMER"
sgip = {{ host = "127.0.0.1", port = {back} }}
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


def submit(number: int) -> sgip_tables.Submit:
    """An offer to one person."""
    return sgip_tables.Submit(
        SPNumber=PORT, UserNumber=("86" + phone(number),), MessageContent=OFFER
    )


class Customer(SgipCustomer):
    """A customer that remembers which number of a Submit was whose."""

    def numbers(self) -> dict[int, bytes]:
        """By person, the number of the Submit that was answered 0."""
        return {tag: answer.pdu[0] for tag, answer in self.answers.items() if not answer.Result}


async def connect(port: int, back: int, first: int) -> Customer:
    """A customer that listens and has logged in."""
    clock = asyncio.get_running_loop().time
    made = Customer(
        account="tongda", secret=b"888888", clock=clock, back=b"888888", first=first
    )
    await made.listen(back)
    assert await made.connect(port) == 0
    return made


async def run(folder: Path) -> None:
    """Submit, kill when some are reported and others not, restart, and hear the rest."""
    loop = asyncio.get_running_loop()
    carrier = CarrierSimulator(
        secret=b"secret", clock=loop.time, seed=1, habits=Habits(report_after_s=1.0)
    )
    with socket.create_server(("127.0.0.1", 0)) as found:
        back = int(found.getsockname()[1])
    server = Server(folder)
    text = SETTINGS.format(port=await carrier.start(), back=back)
    (folder / "qingjing.toml").write_text(text, "utf-8")
    first = await connect(await server.start(), back, 0)
    await until(lambda: carrier.connections == 2)
    for number in range(COUNT):
        await first.submit(submit(number), number)
    first.flush()
    await until(lambda: len(first.answers) == COUNT and len(first.told) >= COUNT // 10)
    first.deafen()
    await server.end(signal.SIGKILL)
    await until(lambda: first.line is None)
    numbers = first.numbers()
    assert len(numbers) == COUNT
    untold = {
        person: number
        for person, number in numbers.items()
        if (number, "86" + phone(person)) not in first.told
    }
    assert untold, "everything was told before the kill"

    again = await connect(await server.start(), back, COUNT)
    wanted = {(number, "86" + phone(person)) for person, number in untold.items()}
    await until(lambda: wanted <= set(again.told))
    assert all(told.state in (State.DELIVERED, State.FAILED) for told in again.told.values())
    known = {(number, "86" + phone(person)) for person, number in numbers.items()}
    assert set(again.told) <= known, "a report of nothing that was submitted"
    again.deafen()
    again.close()
    await server.end(signal.SIGTERM)
    await carrier.stop()


@pytest.mark.slow
def test_reports_after_a_kill_name_the_submits_of_before(
    furnished: Path, tmp_path: Path
) -> None:
    """Each under the twelve octets that the customer gave it, and none of another."""
    folder = tmp_path / "ledger"
    shutil.copytree(furnished, folder)
    asyncio.run(run(folder))
    shutil.rmtree(folder)
