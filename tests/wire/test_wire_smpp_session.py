"""SMPP on a session: binds of three kinds, refusals by generic_nack, and the way out."""

from __future__ import annotations

from typing import Any

import pytest
from wire_pair import SessionPair

from qingjing.wire import smpp
from qingjing.wire.errors import Hint, LocalProtocolError
from qingjing.wire.events import (
    Answered,
    BadRequest,
    Closing,
    Limits,
    Reason,
    TimedOut,
    UnknownCommand,
    Unmatched,
)
from qingjing.wire.session import Session
from qingjing.wire.smpp import Status
from qingjing.wire.smpp_pdus import (
    AlertNotification,
    BindReceiver,
    BindReceiverResp,
    BindTransceiver,
    BindTransceiverResp,
    BindTransmitter,
    CancelSm,
    CancelSmResp,
    DataSm,
    DataSmResp,
    DeliverSm,
    DeliverSmResp,
    EnquireLink,
    GenericNack,
    Outbind,
    QuerySm,
    QuerySmResp,
    SubmitSm,
    SubmitSmResp,
    Unbind,
    UnbindResp,
)
from qingjing.wire.smpp_tables import LAYOUTS, TAGS, V33, V34, Command
from qingjing.wire.states import State
from qingjing.wire.tlv import make

L34 = LAYOUTS[V34]
ONE = SubmitSm(destination_addr="8613800138000", short_message=b"hello")
LOGINS: tuple[type[Any], ...] = (BindReceiver, BindTransmitter, BindTransceiver)


def bound(
    kind: type[Any] = BindTransceiver, version: int = V34, window: int = 16
) -> SessionPair:
    """Two sessions bound by one of the three logins."""
    pair = SessionPair(
        protocol=smpp.PROTOCOL, window=window, limits=Limits(frame_max=smpp.FRAME_MAX)
    )
    bind = kind(system_id="user1", password="pass1", interface_version=version)
    pair.client.request(bind, "login", 0.0)
    (told,) = pair.to_server()
    assert isinstance(told, kind)
    pair.server.accept(smpp.bind_answer(told, Status.ROK, "SMSC"))
    pair.to_client()
    return pair


def encoded(command: Command, pdu: tuple[Any, ...]) -> bytes:
    """The frame of a PDU."""
    return L34[command].encode(pdu)


def header(command: int, status: int = 0, sequence: int = 9, length: int = 16) -> bytes:
    """A frame of nothing but a header."""
    return b"".join(n.to_bytes(4, "big") for n in (length, command, status, sequence))


@pytest.mark.parametrize("version", [V33, V34])
@pytest.mark.parametrize("kind", LOGINS)
def test_three_logins_bind_a_connection(kind: type[Any], version: int) -> None:
    """Both ends are bound and speak the client's version."""
    pair = bound(kind, version)
    assert pair.client.state == pair.server.state == State.BOUND
    assert pair.server.version == version


def test_a_wrong_password_is_answered_without_a_body_and_ends_the_connection() -> None:
    """Sixteen octets are enough to be understood."""
    pair = SessionPair(protocol=smpp.PROTOCOL)
    pair.client.request(BindTransmitter(system_id="user1"), "login", 0.0)
    (bind,) = pair.to_server()
    assert isinstance(bind, BindTransmitter)
    pair.server.reject(smpp.bind_answer(bind, Status.RINVPASWD))
    frame = pair.server.outgoing()
    assert frame == header(Command.bind_transmitter_resp, 0x0E, 1)
    answered, closing = pair.client.receive(frame, 0.0)
    assert answered[0] == "login"
    assert closing == Closing(Reason.REFUSED)


def test_an_answer_of_another_login_ends_the_connection() -> None:
    """A receiver is not let in as a transceiver."""
    pair = SessionPair(protocol=smpp.PROTOCOL)
    pair.client.request(BindReceiver(), None, 0.0)
    frame = encoded(Command.bind_transceiver_resp, BindTransceiverResp(0, 1))
    (closing,) = pair.client.receive(frame, 0.0)
    assert isinstance(closing, Closing)
    pair.to_server()
    with pytest.raises(LocalProtocolError):
        pair.server.accept(BindTransceiverResp())
    pair.server.accept(BindReceiverResp())


def test_a_connection_carries_what_it_was_bound_for() -> None:
    """A receiver submits nothing and a transmitter is sent nothing; data_sm goes both ways."""
    receiver = bound(BindReceiver)
    with pytest.raises(LocalProtocolError):
        receiver.client.request(ONE, None, 0.0)
    frame = encoded(Command.submit_sm, ONE._replace(sequence_number=9))
    assert receiver.server.receive(frame, 0.0) == [
        BadRequest(Command.submit_sm, 9, Hint.COMMAND, True)
    ]
    assert receiver.server.outgoing() == header(Command.submit_sm_resp, Status.RINVBNDSTS)
    receiver.server.request(DeliverSm(), None, 0.0)
    assert isinstance(receiver.to_client()[0], DeliverSm)
    transmitter = bound(BindTransmitter)
    with pytest.raises(LocalProtocolError):
        transmitter.server.request(DeliverSm(), None, 0.0)
    transmitter.server.request(DataSm(), None, 0.0)
    assert isinstance(transmitter.to_client()[0], DataSm)


def test_answers_come_in_any_order_with_or_without_a_body() -> None:
    """Throttling is sixteen octets; the other two still find their requests."""
    pair = bound()
    for token in "abc":
        pair.client.request(ONE, token, 0.0)
    first, second, third = pair.to_server()
    pair.server.respond(SubmitSmResp(0, third[1], "1A2B3E"))
    pair.server.respond(SubmitSmResp(Status.RTHROTTLED, first[1]))
    pair.server.respond(SubmitSmResp(0, second[1], "1A2B3D"))
    assert pair.to_client() == [
        Answered("c", SubmitSmResp(0, 4, "1A2B3E")),
        Answered("a", SubmitSmResp(0x58, 2)),
        Answered("b", SubmitSmResp(0, 3, "1A2B3D")),
    ]


def test_generic_nack_answers_whatever_waits_under_its_number() -> None:
    """Also what waited too long; under a number that nobody waits for it is unmatched."""
    pair = bound()
    pair.client.request(ONE, "a", 0.0)
    nack = encoded(Command.generic_nack, GenericNack(3, 2))
    assert pair.client.receive(nack, 0.0) == [Answered("a", GenericNack(3, 2))]
    assert pair.client.receive(nack, 0.0) == [Unmatched(GenericNack(3, 2))]
    assert pair.client.room == 16
    pair.client.request(ONE, "b", 0.0)
    assert pair.client.tick(60.0) == [TimedOut("b")]
    late = encoded(Command.generic_nack, GenericNack(3, 3))
    assert pair.client.receive(late, 61.0) == [Answered("b", GenericNack(3, 3), late=True)]


def test_a_server_that_knows_no_such_login_refuses_it_by_generic_nack() -> None:
    """One of 3.3 has no bind_transceiver: the client is told, and may bind twice instead."""
    pair = SessionPair(protocol=smpp.PROTOCOL)
    pair.client.request(BindTransceiver(), "login", 0.0)
    stray = encoded(Command.generic_nack, GenericNack(Status.RINVCMDID, 7))
    assert pair.client.receive(stray, 0.0) == [Unmatched(GenericNack(3, 7))]
    assert pair.client.state == State.LOGIN_SENT
    nack = encoded(Command.generic_nack, GenericNack(Status.RINVCMDID, 1))
    assert pair.client.receive(nack, 0.0) == [
        Answered("login", GenericNack(3, 1)),
        Closing(Reason.REFUSED),
    ]


def test_an_unknown_command_is_answered_by_generic_nack_and_the_connection_lives() -> None:
    """Under its own number; an unknown answer is answered by nothing."""
    pair = bound()
    frames = header(0x0000_7777) + header(0x8000_7777)
    assert pair.server.receive(frames, 0.0) == [
        UnknownCommand(0x7777, 9),
        UnknownCommand(0x80007777, 9),
    ]
    assert pair.server.outgoing() == header(Command.generic_nack, Status.RINVCMDID)
    assert pair.server.state == State.BOUND


@pytest.mark.parametrize("length", [0, 15, smpp.FRAME_MAX + 1])
def test_a_senseless_length_is_answered_before_the_end(length: int) -> None:
    """generic_nack with ESME_RINVCMDLEN and number 0: the frame's own cannot be known."""
    pair = bound()
    (closing,) = pair.server.receive(header(4, length=length), 0.0)
    assert isinstance(closing, Closing)
    assert closing.reason == Reason.BROKEN
    assert pair.server.outgoing() == header(Command.generic_nack, Status.RINVCMDLEN, 0)


def test_a_payload_of_nearly_64_kib_is_one_frame() -> None:
    """Section 5.3.2.32, with the limit that the protocol names."""
    pair = bound()
    payload = make(TAGS, 0x0424, bytes(65_000))
    pair.client.request(DataSm(tlvs=(payload,)), "a", 0.0)
    (told,) = pair.to_server()
    assert told[-1] == (payload,)
    pair.server.respond(DataSmResp(0, told[1], "7"))
    assert pair.to_client() == [Answered("a", DataSmResp(0, 2, "7"))]


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        (header(4), header(0x80000004, Status.RINVBNDSTS)),
        (header(0x15), header(0x80000015, Status.RINVBNDSTS)),
        (header(6), header(0x80000006, Status.RINVBNDSTS)),
        (header(0x7777), header(0x80000000, Status.RINVCMDID)),
        (header(0x80000004), b""),
        (header(1), header(0x80000001, Status.RINVCMDLEN)),
        (header(1, length=18) + b"xx", header(0x80000001, Status.RINVCMDLEN)),
    ],
)
def test_what_comes_before_a_login_is_refused_and_ends_the_connection(
    frame: bytes, answer: bytes
) -> None:
    """A stranger is told why, in the answer of what it asked; answers are not answered."""
    server = Session(smpp.PROTOCOL, window=16, now=0.0)
    (closing,) = server.receive(frame, 0.0)
    assert isinstance(closing, Closing)
    assert closing.reason == Reason.BROKEN
    assert server.outgoing() == answer


def test_a_second_bind_is_told_that_it_is_bound_already() -> None:
    """ESME_RALYBND, and the end: what it wants cannot be known."""
    pair = bound()
    (closing,) = pair.server.receive(encoded(Command.bind_receiver, BindReceiver(0, 9)), 0.0)
    assert isinstance(closing, Closing)
    assert pair.server.outgoing() == header(Command.bind_receiver_resp, Status.RALYBND)


@pytest.mark.parametrize(
    ("command", "pdu", "answer", "status"),
    [
        (Command.submit_sm, ONE, Command.submit_sm_resp, Status.RINVCMDLEN),
        (Command.deliver_sm, DeliverSm(), Command.deliver_sm_resp, Status.RINVCMDLEN),
        (Command.query_sm, QuerySm(), Command.query_sm_resp, Status.RINVCMDLEN),
        (Command.cancel_sm, CancelSm(), Command.cancel_sm_resp, Status.RINVCMDLEN),
        (Command.alert_notification, AlertNotification(), Command.generic_nack, 2),
    ],
)
def test_a_request_that_cannot_be_read_is_refused_and_the_connection_lives(
    command: Command, pdu: Any, answer: Command, status: int
) -> None:
    """In the answer of its own command, which needs no body; what has none gets the nack."""
    pair = bound()
    frame = encoded(command, pdu._replace(sequence_number=9))[:-1]
    frame = len(frame).to_bytes(4, "big") + frame[4:]
    bad, good = pair.server.receive(frame + encoded(Command.submit_sm, ONE), 0.0)
    assert bad == BadRequest(command, 9, Hint.LENGTH, True)
    assert isinstance(good, SubmitSm)
    assert pair.server.outgoing() == header(answer, status)


def test_a_receiver_that_is_asked_too_much_says_so_for_the_moment() -> None:
    """ESME_RTHROTTLED for a submit, ESME_RX_T_APPN for a deliver: both ask to try again."""
    pair = SessionPair(protocol=smpp.PROTOCOL, limits=Limits(owed_max=0))
    pair.client.request(BindTransceiver(), None, 0.0)
    pair.to_server()
    pair.server.accept(BindTransceiverResp())
    pair.to_client()
    pair.client.request(ONE, "up", 0.0)
    pair.server.request(DeliverSm(), "down", 0.0)
    refused = BadRequest(Command.submit_sm, 2, Hint.BUSY, True)
    assert pair.to_server() == [refused]
    assert pair.to_client() == [
        BadRequest(Command.deliver_sm, 1, Hint.BUSY, True),
        Answered("up", SubmitSmResp(Status.RTHROTTLED, 2)),
    ]
    assert pair.to_server() == [Answered("down", DeliverSmResp(Status.RX_T_APPN, 1))]


def test_requests_that_are_not_served_are_declined() -> None:
    """A cancel and a query get the failure that is theirs."""
    pair = bound()
    pair.client.request(CancelSm(), "c", 0.0)
    pair.client.request(QuerySm(), "q", 0.0)
    for request in pair.to_server():
        pair.server.respond(smpp.declined(request))
    assert pair.to_client() == [
        Answered("c", CancelSmResp(Status.RCANCELFAIL, 2)),
        Answered("q", QuerySmResp(Status.RQUERYFAIL, 3)),
    ]


def test_enquire_link_is_answered_inside_also_when_the_window_is_full() -> None:
    """Neither owner hears of it."""
    pair = bound(window=1)
    pair.client.request(ONE, "a", 0.0)
    pair.now = 30.0
    pair.client.tick(30.0)
    (told,) = pair.to_server()
    assert isinstance(told, SubmitSm)
    assert pair.server.outgoing() == header(Command.enquire_link_resp, 0, 3)
    with pytest.raises(LocalProtocolError):
        pair.client.request(EnquireLink(), None, 30.0)


def test_an_alert_is_told_and_owed_nothing() -> None:
    """It takes no room in the window, and comes as often as it is sent."""
    pair = bound(window=1)
    alert = AlertNotification(source_addr="8613800138000", esme_addr="10690021")
    pair.server.request(alert, None, 0.0)
    pair.server.request(alert, None, 0.0)
    assert pair.server.room == 1
    told = pair.to_client()
    assert [event[-2] for event in told] == ["10690021"] * 2
    assert not pair.client.owes(told[0][1])
    with pytest.raises(LocalProtocolError):
        bound(BindTransmitter).server.request(alert, None, 0.0)


def test_a_server_that_dials_asks_to_be_bound() -> None:
    """outbind has no answer: the client binds as a receiver on the same connection."""
    pair = SessionPair(protocol=smpp.PROTOCOL)
    pair.server.request(Outbind(system_id="SMSC", password="pw"), None, 0.0)
    (told,) = pair.to_client()
    assert told == Outbind(0, 1, "SMSC", "pw")
    pair.client.request(BindReceiver(system_id="user1"), "login", 0.0)
    (bind,) = pair.to_server()
    assert isinstance(bind, BindReceiver)
    pair.server.accept(smpp.bind_answer(bind, 0))
    assert pair.to_client()[0][0] == "login"
    assert pair.client.state == pair.server.state == State.BOUND
    with pytest.raises(LocalProtocolError):
        pair.server.request(Outbind(), None, 0.0)


def test_an_unbind_is_answered_or_refused_and_is_the_end_either_way() -> None:
    """Its own answer, or a nack under its number."""
    pair = bound()
    pair.client.request(Unbind(), "bye", 0.0)
    assert pair.to_server() == [Closing(Reason.PEER_LEFT)]
    assert pair.to_client() == [Answered("bye", UnbindResp(0, 2)), Closing(Reason.WE_LEFT)]
    other = bound()
    other.client.request(Unbind(), "bye", 0.0)
    nack = GenericNack(Status.RSYSERR, 2)
    assert other.client.receive(encoded(Command.generic_nack, nack), 0.0) == [
        Answered("bye", nack),
        Closing(Reason.WE_LEFT),
    ]


def test_sequence_numbers_go_round_at_thirty_one_bits() -> None:
    """Section 5.1.4: 1 to 0x7FFFFFFF; those of the peer may be any."""
    following = smpp.PROTOCOL.next_sequence
    assert following is not None
    assert (following(None), following(1), following(0x7FFFFFFF)) == (1, 2, 1)
    pair = bound()
    frame = encoded(Command.submit_sm, ONE._replace(sequence_number=0xFFFFFFFF))
    assert pair.server.receive(frame, 0.0)[0][1] == 0xFFFFFFFF
