"""One session, and two joined in memory: logins, windows, faults and ends."""

from __future__ import annotations

from dataclasses import replace

import pytest
from wire_pair import SECRET, SessionPair, login

from qingjing.wire import cmpp
from qingjing.wire.cmpp_tables import (
    LAYOUTS,
    V20,
    V30,
    ActiveTest,
    Cancel,
    CancelResp,
    Command,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Query,
    Submit,
    SubmitResp,
    Terminate,
    TerminateResp,
)
from qingjing.wire.errors import Hint, LocalProtocolError
from qingjing.wire.events import (
    Answered,
    BadAnswer,
    BadRequest,
    Closing,
    Reason,
    TimedOut,
    UnknownCommand,
    Unmatched,
)
from qingjing.wire.session import Session
from qingjing.wire.states import State

ONE = Submit(Dest_terminal_Id=("13800138000",), Msg_Content=b"hello")
L30 = LAYOUTS[V30]


@pytest.fixture
def pair() -> SessionPair:
    """Two sessions bound over CMPP 3.0."""
    pair = SessionPair()
    pair.connect()
    return pair


def submit(sequence: int, content: bytes = b"hello") -> bytes:
    """The frame of a submit as a client writes it."""
    return L30[Command.SUBMIT].encode(ONE._replace(Sequence_Id=sequence, Msg_Content=content))


@pytest.mark.parametrize(("version", "status_width"), [(0x20, 1), (0x21, 1), (0x30, 4)])
def test_a_login_chooses_the_layouts_of_its_connection(version: int, status_width: int) -> None:
    """The answer has the client's layout, and the client tells it by its length alone."""
    pair = SessionPair()
    answer = pair.connect(version)
    assert answer.Status == 0
    source = login(version).AuthenticatorSource
    assert answer.AuthenticatorISMG == cmpp.authenticator_ismg(0, source, SECRET, status_width)
    expected = V30 if version == V30 else V20
    assert pair.client.version == pair.server.version == expected
    assert pair.client.state == pair.server.state == State.BOUND


def test_an_account_set_to_2_0_may_be_answered_in_2_0(pair: SessionPair) -> None:
    """The server may speak another version than the client asked for."""
    pair = SessionPair()
    pair.client.request(login(V30), None, 0.0)
    pair.to_server()
    pair.server.accept(ConnectResp(Version=V20), version=V20)
    pair.to_client()
    assert pair.client.version == pair.server.version == V20


def test_a_wrong_digest_is_answered_and_both_ends_close() -> None:
    """The client hears status 3 with a zero digest before the connection ends."""
    pair = SessionPair()
    pair.client.request(login(secret=b"guess"), "login", 0.0)
    (connect,) = pair.to_server()
    assert isinstance(connect, Connect)
    status = cmpp.login_status(connect, SECRET)
    pair.server.reject(cmpp.connect_answer(connect, status, SECRET))
    assert pair.server.state == State.CLOSED
    answered, closing = pair.to_client()
    assert answered == Answered("login", ConnectResp(1, 3, bytes(16), V30))
    assert closing == Closing(Reason.REFUSED)


def test_accepting_and_rejecting_must_mean_what_they_say(pair: SessionPair) -> None:
    """No login waits, or the answer says the opposite: our own error."""
    with pytest.raises(LocalProtocolError):
        pair.server.accept(ConnectResp())
    fresh = SessionPair()
    with pytest.raises(LocalProtocolError):
        fresh.server.accept(ConnectResp())
    fresh.client.request(login(), None, 0.0)
    fresh.to_server()
    with pytest.raises(LocalProtocolError):
        fresh.server.accept(ConnectResp(Status=3))
    with pytest.raises(LocalProtocolError):
        fresh.server.reject(ConnectResp(Status=0))
    with pytest.raises(LocalProtocolError):
        fresh.server.reject(SubmitResp())


@pytest.mark.parametrize(
    "frame",
    [
        submit(1),
        L30[Command.ACTIVE_TEST].encode(ActiveTest(1)),
        L30[Command.SUBMIT_RESP].encode(SubmitResp(1)),
        bytes.fromhex("0000000c0000777700000001"),
    ],
)
def test_anything_before_the_login_ends_the_connection(frame: bytes) -> None:
    """The first PDU must be CONNECT."""
    server = Session(cmpp.PROTOCOL, window=16, now=0.0)
    (closing,) = server.receive(frame, 0.0)
    assert isinstance(closing, Closing)
    assert closing.reason == Reason.BROKEN
    assert closing.error is not None
    assert closing.error.fatal
    assert server.receive(frame, 0.0) == []
    assert server.tick(99.0) == []
    assert server.next_deadline() is None


def test_a_malformed_login_is_refused_before_the_end() -> None:
    """The client learns status 1, in the layout every version can guess."""
    frame = L30[Command.CONNECT].encode(login())[4:-1]
    server = Session(cmpp.PROTOCOL, window=16, now=0.0)
    (closing,) = server.receive(bytes((0, 0, 0, 38)) + frame, 0.0)
    assert isinstance(closing, Closing)
    assert closing.reason == Reason.BROKEN
    answer = LAYOUTS[V20][Command.CONNECT_RESP].decode(server.outgoing())
    assert answer.Status == cmpp.Status.STRUCTURE


@pytest.mark.parametrize(
    "frame",
    [
        L30[Command.CONNECT_RESP].encode(ConnectResp(77)),
        L30[Command.CONNECT_RESP].encode(ConnectResp(1))[:3] + b"\x20" + bytes(4),
        bytes.fromhex("0000001f800000010000000100") + bytes(18),
    ],
)
def test_a_login_answer_that_makes_no_sense_ends_the_connection(frame: bytes) -> None:
    """It answers another number, or its length is of no version."""
    client = Session(cmpp.PROTOCOL, window=16, now=0.0)
    client.request(login(), None, 0.0)
    (closing,) = client.receive(frame.ljust(64, b"\0"), 0.0)
    assert isinstance(closing, Closing)
    assert closing.reason == Reason.BROKEN


def test_a_second_login_ends_the_connection(pair: SessionPair) -> None:
    """A bound session has no row for a login."""
    (closing,) = pair.server.receive(L30[Command.CONNECT].encode(login()), 0.0)
    assert isinstance(closing, Closing)
    assert closing.reason == Reason.BROKEN


def test_a_lost_socket_gives_back_what_was_unanswered_once(pair: SessionPair) -> None:
    """Tokens are told when the socket is gone, and not a second time."""
    pair.client.request(ONE, "a", 0.0)
    assert pair.client.abandon() == ("a",)
    assert pair.client.abandon() == ()


def test_a_login_must_come_in_time() -> None:
    """A stranger who says nothing is closed at the login timer."""
    server = Session(cmpp.PROTOCOL, window=16, now=100.0)
    assert server.next_deadline() == 110.0
    assert server.tick(109.9) == []
    assert server.tick(110.0) == [Closing(Reason.NO_LOGIN)]


def test_requests_and_answers_meet_by_their_token(pair: SessionPair) -> None:
    """Answers in another order than the requests still find theirs."""
    for token in ("a", "b"):
        pair.client.request(ONE, token, 0.0)
    first, second = pair.to_server()
    assert pair.server.owes(first[0])
    assert pair.server.original(first[0]) == submit(first[0])
    pair.server.respond(SubmitResp(second[0], 22))
    pair.server.respond(SubmitResp(first[0], 11))
    assert not pair.server.owes(first[0])
    assert not pair.server.owes(second[0])
    assert pair.to_client() == [
        Answered("b", SubmitResp(3, 22)),
        Answered("a", SubmitResp(2, 11)),
    ]


def test_both_ends_ask_on_one_connection_with_counters_of_their_own(pair: SessionPair) -> None:
    """SUBMIT goes up and DELIVER down; equal numbers do not meet."""
    pair.client.request(ONE, "up", 0.0)
    pair.server.request(Deliver(Msg_Content=b"T"), "down", 0.0)
    (up,), (down,) = pair.to_server(), pair.to_client()
    pair.server.respond(SubmitResp(up[0]))
    pair.client.respond(DeliverResp(down[0]))
    assert [e[0] for e in (*pair.to_server(), *pair.to_client())] == ["down", "up"]


def test_the_window_is_ours_to_keep() -> None:
    """The third request of a window of two is our own error, and an answer makes room."""
    pair = SessionPair(window=2)
    assert pair.client.room == 0
    pair.connect()
    assert pair.client.room == 2
    pair.client.request(ONE, 1, 0.0)
    pair.client.request(ONE, 2, 0.0)
    assert pair.client.room == 0
    with pytest.raises(LocalProtocolError):
        pair.client.request(ONE, 3, 0.0)
    first, _ = pair.to_server()
    pair.server.respond(SubmitResp(first[0]))
    pair.to_client()
    assert pair.client.room == 1


@pytest.mark.parametrize("pdu", [SubmitResp(), ActiveTest(), (1, 2), login()])
def test_only_requests_are_asked_and_only_when_they_may(
    pair: SessionPair, pdu: tuple[object, ...]
) -> None:
    """Answers, heartbeats, foreign tuples and second logins are our own error."""
    with pytest.raises(LocalProtocolError):
        pair.client.request(pdu, None, 0.0)
    assert pair.client.outgoing() == b""


@pytest.mark.parametrize("pdu", [SubmitResp(99), SubmitResp([]), DeliverResp(2)])  # type: ignore[arg-type]
def test_only_what_was_asked_is_answered(pair: SessionPair, pdu: tuple[object, ...]) -> None:
    """A number nobody asked with, or an answer of another kind, is our own error."""
    pair.client.request(ONE, None, 0.0)
    (request,) = pair.to_server()
    with pytest.raises(LocalProtocolError):
        pair.server.respond(pdu)
    assert pair.server.owes(request[0])
    with pytest.raises(LocalProtocolError):
        pair.server.original(99)


def test_an_answer_to_nothing_is_told_as_such(pair: SessionPair) -> None:
    """Neither an unknown number nor another kind of answer settles a request."""
    pair.client.request(ONE, "mine", 0.0)
    stray = L30[Command.SUBMIT_RESP].encode(SubmitResp(50))
    other = L30[Command.CANCEL_RESP].encode(CancelResp(2))
    assert pair.client.receive(stray + other, 0.0) == [
        Unmatched(SubmitResp(50)),
        Unmatched(CancelResp(2)),
    ]
    assert pair.client.room == 15


def test_an_answer_that_cannot_be_read_leaves_the_fate_unknown(pair: SessionPair) -> None:
    """A SUBMIT_RESP of the 2.0 length on a 3.0 connection names our request."""
    pair.client.request(ONE, "mine", 0.0)
    short = LAYOUTS[V20][Command.SUBMIT_RESP].encode(SubmitResp(2))
    mine, foreign = pair.client.receive(short + short, 0.0)
    assert isinstance(mine, BadAnswer)
    assert isinstance(foreign, BadAnswer)
    assert (mine.token, mine.error.hint, foreign.token) == ("mine", Hint.LENGTH, None)


def cut(command: Command, pdu: tuple[object, ...]) -> bytes:
    """A frame whose last body octet is missing and whose length says so."""
    frame = L30[command].encode(pdu)[:-1]
    return len(frame).to_bytes(4, "big") + frame[4:]


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        (cut(Command.SUBMIT, ONE._replace(Sequence_Id=9)), SubmitResp(9, 0, 4)),
        (cut(Command.DELIVER, Deliver(9, 77)), DeliverResp(9, 77, 4)),
        (bytes.fromhex("0000000e00000005000000090000"), DeliverResp(9, 0, 4)),
        (cut(Command.CANCEL, Cancel(9)), CancelResp(9, 1)),
        (cut(Command.QUERY, Query(9)), None),
    ],
)
def test_a_bad_request_is_refused_and_the_connection_lives(
    pair: SessionPair, frame: bytes, answer: tuple[object, ...] | None
) -> None:
    """The session answers itself where the command has a field for it, and goes on."""
    bad, good = pair.server.receive(frame + submit(40), 0.0)
    command = int.from_bytes(frame[4:8], "big")
    assert bad == BadRequest(command, 9, Hint.LENGTH, answer is not None)
    assert isinstance(good, Submit)
    sent = pair.server.outgoing()
    assert sent == b"" if answer is None else L30[command | 0x80000000].decode(sent) == answer


def test_an_unknown_command_is_told_and_not_answered(pair: SessionPair) -> None:
    """CMPP has no general refusal; the connection lives."""
    forward = bytes.fromhex("0000000c0000000900000005")
    assert pair.server.receive(forward, 0.0) == [UnknownCommand(9, 5)]
    assert pair.server.outgoing() == b""
    assert pair.server.state == State.BOUND


@pytest.mark.parametrize("length", [0, 11, 4097, 0xFFFFFFFF])
def test_a_senseless_length_ends_the_connection_but_loses_nothing_before_it(
    pair: SessionPair, length: int
) -> None:
    """What came in the same read is told first; our outstanding requests are named."""
    pair.server.request(Deliver(), "down", 0.0)
    good, closing = pair.server.receive(submit(40) + length.to_bytes(4, "big") * 3, 0.0)
    assert isinstance(good, Submit)
    assert isinstance(closing, Closing)
    assert closing.reason == Reason.BROKEN
    assert closing.unanswered == ("down",)


def test_a_logout_is_answered_and_what_was_asked_before_may_still_be(pair: SessionPair) -> None:
    """The server answers TERMINATE at once and can still answer the submit before it."""
    pair.client.request(ONE, "mine", 0.0)
    pair.client.request(Terminate(), "bye", 0.0)
    assert pair.client.state == State.LEAVING
    assert pair.client.room == 0
    with pytest.raises(LocalProtocolError):
        pair.client.request(ONE, "more", 0.0)
    told, closing = pair.to_server()
    assert closing == Closing(Reason.PEER_LEFT)
    pair.server.respond(SubmitResp(told[0], 5))
    assert pair.client.next_deadline() == 60.0
    answered, closed = pair.to_client()
    assert answered == Answered("bye", TerminateResp(3))
    assert closed == Closing(Reason.WE_LEFT, ("mine",))


def test_an_unanswered_logout_ends_with_its_time(pair: SessionPair) -> None:
    """A peer that does not answer TERMINATE does not keep us, and gets no heartbeats."""
    pair.client.request(Terminate(), "bye", 0.0)
    pair.client.outgoing()
    assert pair.client.tick(59.0) == []
    assert pair.client.outgoing() == b""
    assert pair.client.tick(60.0) == [TimedOut("bye"), Closing(Reason.WE_LEFT)]


def test_a_logout_answer_of_another_number_does_not_end_it(pair: SessionPair) -> None:
    """Only the answer to our own logout closes."""
    pair.client.request(Terminate(), "bye", 0.0)
    stray = L30[Command.TERMINATE_RESP].encode(TerminateResp(77))
    assert pair.client.receive(stray, 0.0) == [Unmatched(TerminateResp(77))]
    assert pair.client.state == State.LEAVING


def test_sequence_numbers_go_round_without_meeting_a_waiting_one() -> None:
    """Section 7.3: the counter wraps; a number still waiting is passed over."""
    following = cmpp.PROTOCOL.next_sequence
    assert following is not None
    assert (following(None), following(1), following(0xFFFFFFFF)) == (1, 2, 0)
    drawn = iter((1, 2, 2, 3))  # as if four thousand million requests lay between
    round_again = replace(cmpp.PROTOCOL, numbers=lambda _now: next(drawn))
    pair = SessionPair(window=3, protocol=round_again)
    pair.connect()
    pair.client.request(ONE, "slow", 0.0)
    pair.client.request(ONE, "next", 0.0)
    assert [event[0] for event in pair.to_server()] == [2, 3]
