"""Independent SMPP programs, unchanged: clients of our listener, and carriers of our routes."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import aiosmpplib
import pytest
import smpp34
from gateway_house import (
    ALSO_CONSENTED,
    CONSENTED,
    PORT,
    STRANGER,
    House,
    house,
)
from gateway_talk import LONG, OFFER, Talk, account
from peers_house import SCRIPTS, needs_net_smpp, needs_node, peer
from smpplib.client import Client
from smpplib.exceptions import PDUError

from qingjing.doors.gateway.results_smpp import STATUSES
from qingjing.wire.content import UCS2, Part, decode_text, join, split
from qingjing.wire.smpp import Status

OTHERS = tuple(f"1380013840{i}" for i in range(6))


@pytest.fixture(scope="module")
def running() -> Iterator[House]:
    """An SMPP customer's gateway; its carriers speak SMPP too."""
    with house(accounts=account("smpp"), protocol="smpp") as made:
        made.consent(*OTHERS)
        yield made


def texts(running: House, since: int) -> list[str | bytes]:
    """The whole texts that the carrier received since."""
    got = running.carriers["mobile"].received[since:]
    parts = [Part(x.udhi, x.coding, x.content) for x in got]
    whole = [decode_text(x.content, x.msg_fmt) for x in parts if not x.tp_udhi]
    long = [x for x in parts if x.tp_udhi]
    return [*whole, join(long)] if long else whole


def test_smpplibs_client_submits_short_and_long_and_is_refused(running: House) -> None:
    """0 and a receipt for each part; our own status for who did not agree."""
    before = len(running.carriers["mobile"].received)
    client = Client("127.0.0.1", running.gateway.ports["smpp"], allow_unknown_opt_params=True)
    answered: list[Any] = []
    receipts: list[bytes] = []
    client.set_message_sent_handler(lambda pdu: answered.append(pdu.message_id))
    client.set_message_received_handler(lambda pdu: receipts.append(pdu.receipted_message_id))
    client.connect()
    client.bind_transceiver(system_id="900001", password="888888")
    common = {"source_addr": PORT, "registered_delivery": True, "data_coding": UCS2}

    def send(phone: str, part: Part) -> None:
        body, esm = part.content, 0x40 * part.tp_udhi
        client.send_message(destination_addr=phone, short_message=body, esm_class=esm, **common)

    for part in [*split(OFFER, UCS2, 1), *split(LONG, UCS2, 2)]:
        send(OTHERS[0], part)
    while len(receipts) < 3:
        client.read_once()
    send(STRANGER, Part(0, UCS2, OFFER.encode("utf-16-be")))
    with pytest.raises(PDUError) as refused:
        client.read_once()
    client.unbind()
    client.disconnect()

    assert sorted(answered) == sorted(receipts)
    assert texts(running, before) == [OFFER, LONG]
    assert STATUSES["grounds_present"] in refused.value.args


def test_smpp34s_client_submits_and_hears_its_receipt(running: House) -> None:
    """A client whose core is another language's."""
    before = len(running.carriers["mobile"].received)

    async def run() -> tuple[Any, Any, Any]:
        port = running.gateway.ports["smpp"]
        client = smpp34.Client("127.0.0.1", port, "900001", "888888", bind_type="TRX")
        smsc = await client.connect()
        body = OFFER.encode("utf-16-be")
        common: dict[str, Any] = {
            "source_addr": PORT,
            "data_coding": UCS2,
            "registered_delivery": 1,
        }
        passed = await smsc.submit_sm(OTHERS[1], body, **common)
        receipt = await smsc.next()
        refused = await smsc.submit_sm(STRANGER, body, **common)
        await smsc.unbind()
        await client.stop()
        return passed, receipt, refused

    passed, receipt, refused = asyncio.run(run())
    assert passed.is_success
    assert f"id:{passed.message_id} ".encode() in receipt.short_message
    assert b"stat:DELIVRD" in receipt.short_message
    assert refused.command_status == STATUSES["grounds_present"]
    assert texts(running, before) == [OFFER]


def test_nodes_client_submits_short_and_long_and_hears_its_receipts(running: House) -> None:
    """The long text comes in one message_payload, and leaves in parts."""
    needs_node()
    before = len(running.carriers["mobile"].received)
    port = str(running.gateway.ports["smpp"])
    script = str(SCRIPTS / "esme.js")
    args = ("900001", "888888", PORT, OTHERS[2], OFFER, LONG)
    with peer("node", script, port, *args) as node:
        said = [node.json() for _ in range(5)]
        node.end()
        node.process.wait(30)
    ids = {x["id"] for x in said if "id" in x}

    assert said[0] == {"bind": 0}
    assert [x["status"] for x in said if "status" in x] == [0, 0]
    assert {x["receipt"] for x in said if "receipt" in x} == ids
    assert texts(running, before) == [OFFER, LONG]


def test_node_with_a_wrong_password_is_not_let_in(running: House) -> None:
    """It is told why."""
    needs_node()
    port = str(running.gateway.ports["smpp"])
    script = str(SCRIPTS / "esme.js")
    with peer("node", script, port, "900001", "wrong", PORT, STRANGER) as node:
        assert node.json() == {"bind": Status.RINVPASWD}


def test_net_smpps_client_submits_and_hears_its_receipt(running: House) -> None:
    """Perl: passed for the one, and the receipt names its id."""
    needs_net_smpp()
    before = len(running.carriers["mobile"].received)
    port = str(running.gateway.ports["smpp"])
    script = str(SCRIPTS / "esme.pl")
    with peer("perl", script, port, "900001", "888888", PORT, OTHERS[3], OFFER) as perl:
        _submit, status, name = perl.until(lambda line: line.startswith("submit")).split()
        receipt = perl.until(lambda line: line.startswith("deliver"))
        assert perl.process.wait(30) == 0

    assert status == "0"
    assert f"id:{name} " in receipt
    assert texts(running, before) == [OFFER]


def free_port() -> int:
    """A port that nothing listens on; smpp34's server does not tell which it was given."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def carry(server: smpp34.Server, got: list[Any]) -> None:
    """smpp34's server as a carrier: it throttles the first, then takes all and reports."""
    esmes: dict[str, smpp34.Esme] = {}
    while True:
        event = await server.next()
        if isinstance(event, smpp34.Esme):
            esmes[event.session_id] = event
        elif isinstance(event, smpp34.Unbound):
            esmes.pop(event.session_id, None)
        elif not got:
            got.append(None)
            event.reject(Status.RTHROTTLED)
        else:
            got.append(event)
            name = f"{len(got):X}F"
            event.accept(name)
            await esmes[event.session_id].deliver_sm(
                event.source_addr,
                f"id:{name} stat:DELIVRD".encode(),
                source_addr=event.destination_addr,
                esm_class=4,
            )


async def serve(port: int, got: list[Any], ending: threading.Event) -> None:
    """The server, until the test is over."""
    server = smpp34.Server("127.0.0.1", port, system_id="SMSC")
    await server.start()
    task = asyncio.create_task(carry(server, got))
    await asyncio.to_thread(ending.wait, 60)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await server.stop()


def test_smpp34s_server_is_a_carrier_like_another() -> None:
    """A CMPP customer's long text: throttled once, taken, reported."""
    port, got = free_port(), []  # type: tuple[int, list[Any]]
    ending = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(serve(port, got, ending)))
    thread.start()
    with house(protocol="smpp", port=port) as running:
        talk = Talk(running)
        assert talk.reported(talk.text(LONG, CONSENTED)) == {"DELIVRD"}
    ending.set()
    thread.join(30)
    parts = [Part(1, x.data_coding, bytes(x.short_message)) for x in got[1:]]
    assert join(parts) == LONG


def test_nodes_server_is_a_carrier_like_another() -> None:
    """An SMPP customer's short and long texts, reported under ids in capitals."""
    needs_node()
    with peer("node", str(SCRIPTS / "smsc.js")) as node:
        port = node.json()["port"]
        with house(accounts=account("smpp"), protocol="smpp", port=port) as running:
            talk = Talk(running, "smpp")
            assert talk.reported(talk.text(OFFER, CONSENTED)) == {"DELIVRD"}
            assert talk.reported(talk.text(LONG, ALSO_CONSENTED)) == {"DELIVRD"}
        said = [node.json() for _ in range(3)]

    assert said[0] == {"to": CONSENTED, "from": PORT, "text": OFFER, "udh": False}
    assert "".join(x["text"] for x in said[1:]) == LONG
    assert all(x["udh"] for x in said[1:])


class Hook(aiosmpplib.AbstractHook):  # type: ignore[misc]  # it has no types
    """What aiosmpplib's client got."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.got: asyncio.Queue[Any] = asyncio.Queue()

    async def sending(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
        """Nothing to note."""

    async def received(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
        """Note answers to submits, and receipts."""
        del pdu, client_id
        if isinstance(smpp_message, aiosmpplib.SubmitSmResp | aiosmpplib.DeliverSm):
            await self.got.put(smpp_message)

    async def send_error(self, smpp_message: Any, error: Exception, client_id: str) -> None:
        """An error there is one here."""
        del smpp_message, client_id
        raise error


# It leaves its writer to the garbage collector when its loop is closed already.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_aiosmpplibs_client_submits_and_hears_its_receipt(running: House) -> None:
    """Passed, and the receipt is read as one of its own message."""
    before = len(running.carriers["mobile"].received)

    async def run() -> tuple[list[Any], list[Any]]:
        hook = Hook()
        port = running.gateway.ports["smpp"]
        esme = aiosmpplib.ESME(
            "127.0.0.1", port, "900001", "888888", hook=hook, log_level="ERROR"
        )
        message = aiosmpplib.SubmitSm(
            short_message=OFFER,
            source=aiosmpplib.PhoneNumber(PORT),
            destination=aiosmpplib.PhoneNumber(OTHERS[4]),
            encoding="ucs2",
            log_id="1",
        )
        await esme.broker.enqueue(message)
        task = asyncio.create_task(esme.start())
        async with asyncio.timeout(30):
            got = [await hook.got.get() for _ in range(2)]
        await esme.stop()
        with suppress(asyncio.CancelledError, TimeoutError):
            await asyncio.wait_for(task, 10)
        answers = [x for x in got if isinstance(x, aiosmpplib.SubmitSmResp)]
        return answers, [x for x in got if isinstance(x, aiosmpplib.DeliverSm)]

    answers, receipts = asyncio.run(run())
    assert [answer.command_status for answer in answers] == [0]
    assert [receipt.is_receipt() for receipt in receipts] == [True]
    assert receipts[0].parse_receipt()["id"] == answers[0].message_id
    assert texts(running, before) == [OFFER]
