"""Independent SMPP programs, unchanged: the same bytes on both sides, and whole sessions."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest
import smpp34
from smpplib import smpp as smpplib_pdus
from smpplib.client import Client
from wire_vectors import VECTORS, frame_of, layout_of

from qingjing.wire import smpp
from qingjing.wire.content import Part, split
from qingjing.wire.events import Answered, Closing, Event, Limits, Reason
from qingjing.wire.session import Session
from qingjing.wire.smpp_message import SHORT_MAX, Way, codings, read_part, with_part
from qingjing.wire.smpp_pdus import (
    BindTransceiver,
    DataSm,
    DeliverSm,
    DeliverSmResp,
    SubmitSm,
    SubmitSmResp,
    Unbind,
)
from qingjing.wire.smpp_receipt import (
    RECEIPT,
    IdRule,
    Receipt,
    read_receipt,
    receipt_keys,
    receipt_tlvs,
    write_receipt,
)
from qingjing.wire.smpp_tables import LAYOUTS, TAGS, V34, Command
from qingjing.wire.states import State
from qingjing.wire.tlv import Tlv, make

L34 = LAYOUTS[V34]
SMPPLIB = Client("127.0.0.1", 0, allow_unknown_opt_params=True)
OFFER = "【青禾商城】双11会员日全场满300减50,拒收请回复R"
LONG = OFFER * 4
RECEIVED = Receipt("1A2B3C", "DELIVRD", submit_date="2611240635", done_date="2611240636")
DELIVERY = DeliverSm(
    source_addr="8613800138000",
    destination_addr="10690021",
    esm_class=RECEIPT,
    short_message=write_receipt(RECEIVED),
    tlvs=receipt_tlvs(RECEIVED),
)
VENDOR = Tlv(0x1400, b"P1234567890")

# What smpplib has classes for.
THEIRS = {
    Command.bind_receiver,
    Command.bind_transmitter,
    Command.bind_transceiver,
    Command.submit_sm,
    Command.submit_sm_resp,
    Command.deliver_sm,
    Command.query_sm,
    Command.data_sm,
    Command.enquire_link,
    Command.unbind,
    Command.generic_nack,
    Command.alert_notification,
}
FRAMES = [v for v in VECTORS if v["protocol"] == "smpp"]


@pytest.mark.parametrize(
    "vector", [v for v in FRAMES if v["command"] in THEIRS], ids=lambda v: v["name"]
)
def test_smpplib_reads_every_field_as_we_do(vector: dict[str, Any]) -> None:
    """Every field of every golden frame that it has a class for."""
    ours = layout_of(vector).decode(frame_of(vector))
    theirs = smpplib_pdus.parse_pdu(
        frame_of(vector), client=SMPPLIB, allow_unknown_opt_params=True
    )
    if vector["name"] == "smpp_submit_sm_resp_throttled":
        assert (theirs.status, theirs.sequence) == ours[:2]
        return
    for field in layout_of(vector).fields[2:]:
        if field.name in ours._fields and field.name != "tlvs":
            mine = getattr(ours, field.name)
            mine = mine.encode() if isinstance(mine, str) else mine
            assert getattr(theirs, field.name) == mine, field.name


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        ("bind_transceiver", {"system_id": "user1", "password": "pass1"}),
        ("submit_sm", {"short_message": b"hello", "registered_delivery": 1}),
        ("submit_sm", {"short_message": bytes(SHORT_MAX), "data_coding": 8, "esm_class": 64}),
        ("submit_sm", {"message_payload": bytes(600), "sar_msg_ref_num": 7}),
        ("deliver_sm", {"short_message": b"id:1 stat:DELIVRD", "receipted_message_id": "1"}),
        ("submit_sm_resp", {"message_id": "1A2B3C"}),
        ("enquire_link", {}),
        ("unbind", {}),
    ],
)
def test_what_smpplib_writes_we_read_and_write_again(
    command: str, fields: dict[str, Any]
) -> None:
    """Byte for byte, with its optional parameters."""
    numbers: dict[str, Any] = {}
    if command in {"submit_sm", "deliver_sm"}:
        numbers = {"source_addr": "10690021", "destination_addr": "8613800138000"}
    written = smpplib_pdus.make_pdu(command, client=SMPPLIB, **numbers, **fields).generate()
    layout = L34[int.from_bytes(written[4:8], "big")]
    pdu = layout.decode(written)
    for name, value in fields.items():
        tag = next((t for t, field in TAGS.items() if field.name == name), None)
        if tag is None:
            assert getattr(pdu, name) == value
        else:
            assert make(TAGS, tag, value) in pdu.tlvs
    assert layout.encode(pdu) == written


@pytest.mark.parametrize(
    "vector",
    [v for v in FRAMES if v["command"] in {Command.submit_sm, Command.deliver_sm}],
    ids=lambda v: v["name"],
)
def test_smpp34_reads_and_writes_messages_as_we_do(vector: dict[str, Any]) -> None:
    """Every field and parameter of the golden messages, and the bytes again."""
    frame = frame_of(vector)
    ours, theirs = layout_of(vector).decode(frame), smpp34.decode(frame)
    assert isinstance(theirs, smpp34.SubmitSm | smpp34.DeliverSm)
    for name in ours._fields[1:]:
        if name == "tlvs":
            assert [(t.tag, bytes(t.value)) for t in theirs.tlvs] == list(ours.tlvs)
        else:
            assert getattr(theirs, name) == getattr(ours, name), name
    assert theirs.encode() == frame


@pytest.mark.parametrize("vector", FRAMES, ids=lambda v: v["name"])
def test_smpp34_reads_every_header_as_we_do(vector: dict[str, Any]) -> None:
    """Those that it has no class for it cuts as we do."""
    theirs = smpp34.decode(frame_of(vector))
    assert theirs.sequence_number == layout_of(vector).decode(frame_of(vector))[1]
    assert theirs.command_id == vector["command"]


@pytest.mark.parametrize("coding", [0, 8])
@pytest.mark.parametrize("way", Way)
def test_the_parts_we_cut_smpp34_carries(way: Way, coding: int) -> None:
    """Headers, parameters and a vendor's own go through it unchanged."""
    text = LONG if coding else "a" * 400
    for part in split(text, coding, 7, codings=codings()):
        submit = with_part(SubmitSm(0, 7, tlvs=(VENDOR,)), part, way=way)
        frame = L34[Command.submit_sm].encode(submit)
        theirs = smpp34.decode(frame)
        assert isinstance(theirs, smpp34.SubmitSm)
        assert theirs.encode() == frame
        assert read_part(L34[Command.submit_sm].decode(theirs.encode())) == read_part(submit)


class Carrier:
    """Our server: it lets in who knows the password, takes all, and reports on it at once."""

    def __init__(self) -> None:
        self.session = Session(
            smpp.PROTOCOL, window=16, limits=Limits(frame_max=smpp.FRAME_MAX), now=0.0
        )
        self.heard: list[Event] = []

    def hear(self, event: Event) -> None:
        """Take one event."""
        self.heard.append(event)
        if isinstance(event, BindTransceiver):
            known = smpp.accepts_password(event, "pass1")
            answer = smpp.bind_answer(event, 0 if known else smpp.Status.RINVPASWD, "SMSC")
            (self.session.accept if known else self.session.reject)(answer)
        if isinstance(event, SubmitSm):
            self.session.respond(SubmitSmResp(0, event.sequence_number, "1A2B3C"))
            self.session.request(DELIVERY, "receipt", 0.0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        await play(self.session, reader, writer, self.hear)


async def play(
    session: Session,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    hear: Callable[[Event], None],
) -> None:
    """Carry bytes between a session and a socket until either ends."""
    while session.state != State.CLOSED and (data := await reader.read(65536)):
        for event in session.receive(data, 0.0):
            hear(event)
        writer.write(session.outgoing())
        await writer.drain()
    writer.close()


def with_smpplib(port: int, password: str) -> list[Any]:
    """A whole session of smpplib's client; what it was sent."""
    got: list[Any] = []
    client = Client("127.0.0.1", port, allow_unknown_opt_params=True)
    client.set_message_sent_handler(lambda pdu: got.append(pdu.message_id))
    client.set_message_received_handler(lambda pdu: got.append(pdu.receipted_message_id))
    client.connect()
    try:
        client.bind_transceiver(system_id="user1", password=password)
        client.send_message(
            source_addr="10690021",
            destination_addr="8613800138000",
            short_message=OFFER.encode("utf-16-be"),
            data_coding=8,
            registered_delivery=True,
        )
        client.read_once()
        client.read_once()
        client.unbind()
    finally:
        client.disconnect()
    return got


def test_smpplibs_client_submits_to_our_server_and_gets_its_receipt() -> None:
    """Bind, submit, receipt, unbind."""
    carrier = Carrier()

    async def run() -> list[Any]:
        server = await asyncio.start_server(carrier.serve, "127.0.0.1", 0)
        async with asyncio.timeout(30), server:
            port = server.sockets[0].getsockname()[1]
            return await asyncio.to_thread(with_smpplib, port, "pass1")

    assert asyncio.run(run()) == [b"1A2B3C", b"1A2B3C"]
    bind, submit, answered, closing = carrier.heard
    assert isinstance(bind, BindTransceiver)
    assert isinstance(submit, SubmitSm)
    assert read_part(submit) == Part(0, 8, OFFER.encode("utf-16-be"))
    assert isinstance(answered, Answered)
    assert isinstance(answered.pdu, DeliverSmResp)
    assert closing == Closing(Reason.PEER_LEFT)


def test_smpp34s_client_submits_to_our_server_and_gets_its_receipt() -> None:
    """The same with a client whose core is another language's, and a vendor's parameter."""
    carrier = Carrier()

    async def run() -> tuple[Any, Any]:
        server = await asyncio.start_server(carrier.serve, "127.0.0.1", 0)
        async with asyncio.timeout(30), server:
            port = server.sockets[0].getsockname()[1]
            client = smpp34.Client("127.0.0.1", port, "user1", "pass1", bind_type="TRX")
            smsc = await client.connect()
            tlvs = [smpp34.Tlv(*VENDOR)]
            answer = await smsc.submit_sm("8613800138000", b"hello", tlvs=tlvs)
            receipt = await smsc.next()
            await smsc.unbind()
            await client.stop()
            return answer, receipt

    answer, receipt = asyncio.run(run())
    assert (answer.is_success, answer.message_id) == (True, "1A2B3C")
    assert receipt.short_message == DELIVERY.short_message
    assert [(t.tag, bytes(t.value)) for t in receipt.tlvs] == list(DELIVERY.tlvs)
    (submit,) = (e for e in carrier.heard if isinstance(e, SubmitSm))
    assert VENDOR in submit.tlvs


def free_port() -> int:
    """A port that nothing listens on; smpp34's server does not tell which it was given."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def carry(server: smpp34.Server) -> None:
    """smpp34's server: it takes what is short and sends a receipt, and refuses the rest."""
    esmes: dict[str, smpp34.Esme] = {}
    while not isinstance(event := await server.next(), smpp34.Unbound):
        if isinstance(event, smpp34.Esme):
            esmes[event.session_id] = event
        elif event.short_message == b"hello":
            event.accept("1A2B3C")
            await esmes[event.session_id].deliver_sm(
                event.source_addr,
                b"id:1A2B3C stat:DELIVRD",
                source_addr=event.destination_addr,
                esm_class=RECEIPT,
            )
        else:
            event.reject(smpp.Status.RTHROTTLED)


def test_our_client_submits_to_smpp34s_server() -> None:
    """One is taken and reported on, one throttled without a body, and both sides part."""
    session = Session(smpp.PROTOCOL, window=16, now=0.0)
    heard: list[Event] = []

    def hear(event: Event) -> None:
        heard.append(event)
        if isinstance(event, Answered) and event.token == "login":
            session.request(SubmitSm(source_addr="106", short_message=b"hello"), 1, 0.0)
            session.request(SubmitSm(source_addr="106", short_message=b"more"), 2, 0.0)
        if isinstance(event, DeliverSm):
            session.respond(DeliverSmResp(0, event.sequence_number))
        told = [e for e in heard if isinstance(e, DeliverSm | DataSm)]
        answers = [e for e in heard if isinstance(e, Answered)]
        if session.state == State.BOUND and told and len(answers) == 3:
            session.request(Unbind(), "bye", 0.0)

    async def run() -> None:
        port = free_port()
        server = smpp34.Server("127.0.0.1", port, system_id="SMSC")
        await server.start()
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            group.create_task(carry(server))
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            session.request(BindTransceiver(system_id="u", password="p"), "login", 0.0)
            writer.write(session.outgoing())
            await play(session, reader, writer, hear)
        await server.stop()

    asyncio.run(run())
    answers = {e.token: e.pdu for e in heard if isinstance(e, Answered)}
    assert answers[1][::2] == (0, "1A2B3C")
    assert answers[2][0] == smpp.Status.RTHROTTLED
    (receipt,) = (read_receipt(e) for e in heard if isinstance(e, DeliverSm))
    assert receipt_keys(receipt, IdRule.AS_IS) == ("1A2B3C",)
    # It mostly hangs up before its answer to the unbind is out: then the socket tells the end.
    assert heard[-1] == Closing(Reason.WE_LEFT) or session.abandon() == ("bye",)
