"""SGIP sessions in both directions: logins, numbers, faults and ends."""

from __future__ import annotations

from typing import Any

import pytest
from wire_peers import ZERO, Peer, sgip_peer
from wire_sgip import DOWN, LAYOUT, NUMBER, ONE, TRACES, UP, frame, pair, told

from qingjing.wire import sgip
from qingjing.wire.errors import Hint, LocalProtocolError
from qingjing.wire.events import (
    Answered,
    BadRequest,
    Closing,
    Reason,
    UnknownCommand,
)
from qingjing.wire.protocol import PDU
from qingjing.wire.session import Session
from qingjing.wire.sgip_tables import (
    Bind,
    BindResp,
    Command,
    Deliver,
    DeliverResp,
    Report,
    ReportResp,
    Submit,
    SubmitResp,
    Trace,
    TraceNode,
    TraceResp,
    Unbind,
    UnbindResp,
    UserRpt,
    UserRptResp,
)
from qingjing.wire.states import State


@pytest.mark.parametrize(
    ("login_type", "request_", "answer"),
    [
        (UP, ONE, SubmitResp(Result=11)),
        (UP, Trace(UserNumber="8613800138000"), TraceResp(Nodes=(TraceNode(NodeId="1"),))),
        (DOWN, Deliver(UserNumber="8613800138000", MessageContent=b"T"), DeliverResp()),
        (DOWN, Report(SubmitSequenceNumber=NUMBER, State=2, ErrorCode=25), ReportResp()),
        (DOWN, UserRpt(UserNumber="8613800138000"), UserRptResp()),
        (TRACES, Trace(UserNumber="8613800138000"), TraceResp()),
    ],
)
def test_who_dials_asks_and_who_listens_answers(
    login_type: int, request_: Any, answer: Any
) -> None:
    """The provider submits over its own connection, the gateway delivers over another; the
    answer repeats the twelve bytes."""
    client, server = pair(login_type)
    client.request(request_, "mine", 0.0)
    (heard,) = server.receive(client.outgoing(), 0.0)
    number = heard[0]
    assert heard == request_._replace(SequenceNumber=number)
    answer = answer._replace(SequenceNumber=number)
    server.respond(answer)
    assert client.receive(server.outgoing(), 0.0) == [Answered("mine", answer)]


@pytest.mark.parametrize(
    ("login_type", "request_", "answer"),
    [
        (DOWN, ONE, SubmitResp(NUMBER, 7)),
        (DOWN, Trace(), TraceResp(NUMBER, (TraceNode(7),))),
        (UP, Deliver(), DeliverResp(NUMBER, 7)),
        (UP, Report(), ReportResp(NUMBER, 7)),
        (UP, UserRpt(), UserRptResp(NUMBER, 7)),
        (TRACES, ONE, SubmitResp(NUMBER, 7)),
    ],
)
def test_what_the_login_does_not_carry_is_refused_and_the_connection_lives(
    login_type: int, request_: Any, answer: PDU
) -> None:
    """Section 3.7.2.4.2: a submit to a provider is answered with the reason; we ask none."""
    client, server = pair(login_type)
    with pytest.raises(LocalProtocolError):
        client.request(request_, None, 0.0)
    with pytest.raises(LocalProtocolError):
        server.request(request_, None, 0.0)
    command = next(c for c in Command if LAYOUT[c].pdu is type(request_))
    stream = frame(command, request_._replace(SequenceNumber=NUMBER))
    assert server.receive(stream, 0.0) == [BadRequest(command, NUMBER, Hint.COMMAND, True)]
    assert told(server.outgoing()) == answer
    assert server.state == State.BOUND


def test_a_duplex_account_hears_its_reports_on_its_own_connection() -> None:
    """Aggregators send them where the provider has dialled; submits go on up."""
    node = sgip.protocol(sgip.NodeNumbers(1, ZERO), duplex=True)
    client, server = Peer(node, Bind(), BindResp(), ONE).pair()
    server.request(Report(), "report", 0.0)
    client.request(ONE, "submit", 0.0)
    (report,) = client.receive(server.outgoing(), 0.0)
    client.respond(ReportResp(report[0]))
    (submit,) = server.receive(client.outgoing()[:-29], 0.0)
    assert isinstance(submit, Submit)
    with pytest.raises(LocalProtocolError):
        client.request(Bind(), None, 0.0)


def test_all_connections_of_a_node_draw_from_one_count() -> None:
    """A number is the id of its message, so no two connections may give the same."""
    peer = sgip_peer(UP, ONE)
    clients = [peer.pair()[0] for _ in range(2)]
    numbers = []
    for client in clients * 2:
        client.request(ONE, None, 61.0)
        numbers.append(client.outgoing()[8:20])
    assert len(set(numbers)) == 4
    assert {sgip.split_msg_id(number).time for number in numbers} == {1124063610}


def test_a_listener_without_numbers_answers_and_cannot_ask() -> None:
    """PROTOCOL alone is good for a side that only listens."""
    server = Session(sgip.PROTOCOL, window=32, now=0.0)
    server.receive(frame(Command.BIND, Bind(NUMBER)), 0.0)
    server.accept(BindResp())
    assert told(server.outgoing()) == BindResp(NUMBER)
    client = Session(sgip.PROTOCOL, window=32, now=0.0)
    with pytest.raises(LocalProtocolError, match="SGIP"):
        client.request(Bind(), None, 0.0)


def test_a_refused_login_is_told_why_and_both_ends_close() -> None:
    """The client hears the result before the end."""
    peer = sgip_peer(DOWN, ONE)
    client, server = peer.session(), peer.session()
    client.request(peer.login, "login", 0.0)
    (bind,) = server.receive(client.outgoing(), 0.0)
    assert isinstance(bind, Bind)
    server.reject(BindResp(Result=sgip.login_result(bind, "0555", sgip.LoginType.SP)))
    answered, closing = client.receive(server.outgoing(), 0.0)
    assert answered == Answered("login", BindResp(bind.SequenceNumber, 4))
    assert closing == Closing(Reason.REFUSED)
    assert server.state == client.state == State.CLOSED


def test_a_second_login_is_told_so_and_the_connection_lives() -> None:
    """Section 5.2: result 2 is kept for it."""
    _, server = pair()
    stream = frame(Command.BIND, Bind(NUMBER))
    assert server.receive(stream, 0.0) == [BadRequest(Command.BIND, NUMBER, Hint.COMMAND, True)]
    assert told(server.outgoing()) == BindResp(NUMBER, sgip.Result.REPEATED_LOGIN)
    (heard,) = server.receive(frame(Command.SUBMIT, ONE), 0.0)
    assert isinstance(heard, Submit)


def test_a_malformed_login_is_refused_before_the_end() -> None:
    """A login that is too short is told so, and nothing else is read."""
    server = sgip_peer(UP, ONE).session()
    cut = frame(Command.BIND, Bind(NUMBER))[4:-1]
    (closing,) = server.receive(bytes((0, 0, 0, 60)) + cut, 0.0)
    assert isinstance(closing, Closing)
    assert closing.reason == Reason.BROKEN
    assert told(server.outgoing()) == BindResp(NUMBER, sgip.Result.LENGTH)


@pytest.mark.parametrize("command", [Command.SUBMIT, Command.UNBIND, Command.SUBMIT_RESP])
def test_anything_before_the_login_ends_the_connection(command: Command) -> None:
    """Strangers are not answered."""
    server = sgip_peer(UP, ONE).session()
    pdu = ONE if command == Command.SUBMIT else LAYOUT[command].pdu()
    (closing,) = server.receive(frame(command, pdu), 0.0)
    assert isinstance(closing, Closing)
    assert server.outgoing() == b""


def cut(command: Command, pdu: PDU) -> bytes:
    """A frame whose last octet is missing and whose length says so."""
    short = frame(command, pdu)[:-1]
    return len(short).to_bytes(4, "big") + short[4:]


@pytest.mark.parametrize(
    ("login_type", "stream", "hint", "answer"),
    [
        (UP, cut(Command.SUBMIT, ONE._replace(SequenceNumber=NUMBER)), Hint.LENGTH, 8),
        (DOWN, cut(Command.DELIVER, Deliver(NUMBER)), Hint.LENGTH, 8),
        (DOWN, cut(Command.REPORT, Report(NUMBER)), Hint.LENGTH, 8),
        (DOWN, cut(Command.USERRPT, UserRpt(NUMBER)), Hint.LENGTH, 8),
        (
            UP,
            frame(Command.SUBMIT, ONE._replace(SequenceNumber=NUMBER)).replace(
                b"8613800138000", b"861380013800\xff"
            ),
            Hint.STRUCTURE,
            5,
        ),
    ],
)
def test_a_bad_request_is_refused_and_the_connection_lives(
    login_type: int, stream: bytes, hint: Hint, answer: int
) -> None:
    """The result is the text's code for length or format."""
    _, server = pair(login_type)
    command = Command(int.from_bytes(stream[4:8], "big"))
    assert server.receive(stream, 0.0) == [BadRequest(command, NUMBER, hint, True)]
    assert told(server.outgoing())[:2] == (NUMBER, answer)
    assert server.state == State.BOUND


def test_a_bad_trace_is_refused_in_the_record_of_a_node() -> None:
    """Its answer has a result for each node and none for itself."""
    _, server = pair(TRACES)
    server.receive(cut(Command.TRACE, Trace(NUMBER)), 0.0)
    assert told(server.outgoing()) == TraceResp(NUMBER, (TraceNode(8),))


@pytest.mark.parametrize("command", [6, 0xF, 0x10, 0x80000006, 0x7777])
def test_what_gateways_say_among_themselves_is_told_and_not_answered(command: int) -> None:
    """Routes and billing are not ours; the framing is sound, so the connection lives."""
    _, server = pair()
    stream = (20).to_bytes(4, "big") + command.to_bytes(4, "big") + NUMBER
    assert server.receive(stream, 0.0) == [UnknownCommand(command, NUMBER)]
    assert server.outgoing() == b""
    assert server.state == State.BOUND


def test_after_a_logout_what_was_asked_before_is_still_answered() -> None:
    """The client says no more and goes on reading; the server answers, then both close."""
    client, server = pair()
    client.request(ONE, "first", 0.0)
    client.request(ONE, "second", 0.0)
    client.request(Unbind(), "bye", 0.0)
    with pytest.raises(LocalProtocolError):
        client.request(ONE, "more", 0.0)
    first, second, closing = server.receive(client.outgoing(), 0.0)
    assert closing == Closing(Reason.PEER_LEFT)
    unbound = server.outgoing()
    server.respond(SubmitResp(first[0]))
    assert client.receive(server.outgoing(), 1.0) == [Answered("first", SubmitResp(first[0]))]
    assert client.state == State.LEAVING
    answered, closed = client.receive(unbound, 1.0)
    assert answered == Answered("bye", UnbindResp(answered[1][0]))
    assert closed == Closing(Reason.WE_LEFT, ("second",))
    server.respond(SubmitResp(second[0]))


@pytest.mark.parametrize("step", [1, 13])
def test_a_conversation_survives_any_cut(step: int) -> None:
    """Login, three submits and logout, however the stream is cut."""
    peer = sgip_peer(UP, ONE)
    client, server = peer.session(), peer.session()
    client.request(peer.login, None, 0.0)
    stream = client.outgoing()
    client.receive(frame(Command.BIND_RESP, BindResp(stream[8:20])), 0.0)
    for token in range(3):
        client.request(ONE, token, 0.0)
    client.request(Unbind(), None, 0.0)
    stream += client.outgoing()
    kinds = []
    for at in range(0, len(stream), step):
        for event in server.receive(stream[at : at + step], 0.0):
            kinds.append(type(event))
            if isinstance(event, Bind):
                server.accept(BindResp())
    assert kinds == [Bind, Submit, Submit, Submit, Closing]
