"""What time and repetition do to a session."""

from __future__ import annotations

import pytest
from wire_pair import SessionPair

from qingjing.wire import cmpp
from qingjing.wire.cmpp_tables import (
    LAYOUTS,
    V30,
    CancelResp,
    Command,
    Submit,
    SubmitResp,
)
from qingjing.wire.errors import Hint
from qingjing.wire.events import (
    Answered,
    BadRequest,
    Closing,
    Limits,
    Reason,
    Repeated,
    TimedOut,
    Unmatched,
)

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


def test_a_silent_carrier_is_told_and_never_asked_again(pair: SessionPair) -> None:
    """After 60 s the token times out, nothing is sent again, and a late answer is late."""
    pair.client.request(ONE, "mine", 5.0)
    (told,) = pair.to_server()
    pair.server.respond(SubmitResp(told[0], 11))
    assert pair.client.tick(64.0) == []  # but this sends a heartbeat
    pair.client.outgoing()
    assert pair.client.next_deadline() == 65.0
    assert pair.client.tick(65.0) == [TimedOut("mine")]
    assert pair.client.outgoing() == b""
    assert pair.client.room == 16
    pair.now = 66.0
    assert pair.to_client() == [Answered("mine", SubmitResp(told[0], 11), late=True)]
    other = L30[Command.CANCEL_RESP].encode(CancelResp(told[0]))
    assert pair.client.receive(other, 66.0) == [Unmatched(CancelResp(told[0]))]


def test_late_requests_are_remembered_for_one_window_only() -> None:
    """The oldest late request is forgotten, and its answer is then unmatched."""
    pair = SessionPair(window=1)
    pair.connect()
    for start in (0.0, 60.0):
        pair.client.request(ONE, start, start)
        pair.client.tick(start + 60.0)
    stream = b"".join(L30[Command.SUBMIT_RESP].encode(SubmitResp(n)) for n in (2, 3, 4))
    kinds = [type(event) for event in pair.client.receive(stream, 121.0)]
    assert kinds.count(Answered) == 1


def test_idleness_is_answered_by_heartbeats_and_death_by_closing(pair: SessionPair) -> None:
    """Three unanswered heartbeats, 30 s apart, end the session with what was outstanding."""
    pair.client.request(ONE, "mine", 59.0)
    beats = b""
    for now in (30.0, 60.0, 90.0):
        assert pair.client.next_deadline() == now
        assert pair.client.tick(now) == []
        beats += pair.client.outgoing()
    assert pair.client.tick(118.0) == []
    assert pair.client.tick(119.0) == [TimedOut("mine")]
    assert pair.client.tick(120.0) == [Closing(Reason.SILENT)]
    assert beats.count(bytes.fromhex("0000000c00000008")) == 3


def test_a_heartbeat_is_answered_inside_and_keeps_both_ends_alive(pair: SessionPair) -> None:
    """Neither owner hears of it, and the idle clock starts again."""
    pair.now = 30.0
    pair.client.tick(30.0)
    assert pair.to_server() == []
    assert pair.to_client() == []
    assert pair.client.next_deadline() == 60.0


@pytest.mark.parametrize("answer", ["0000000c80000008{}", "0000000d80000008{}00"])
def test_a_heartbeat_answer_may_lack_its_reserved_octet(pair: SessionPair, answer: str) -> None:
    """Peers of before 2.0 send 12 octets; both lengths prove life."""
    stream = bytes.fromhex(answer.format("00000002")) + submit(40)
    assert pair.server.receive(stream, 20.0) == [ONE._replace(Sequence_Id=40)]
    assert pair.server.next_deadline() == 50.0


@pytest.mark.parametrize("step", [100, 1, 14, 15])
def test_three_stray_octets_after_a_heartbeat_answer_are_skipped(
    pair: SessionPair, step: int
) -> None:
    """pycmpp 2.0.2 says 13 and writes 16; however it is cut, the framing survives."""
    stream = bytes.fromhex("0000000d800000080000000230783030") * 2 + submit(40)
    events = []
    for at in range(0, len(stream), step):
        events += pair.server.receive(stream[at : at + step], 0.0)
    assert events == [ONE._replace(Sequence_Id=40)]


def test_a_repeated_request_never_reaches_the_owner_twice(pair: SessionPair) -> None:
    """Unanswered it is ignored; answered it gets the very same bytes again."""
    frame = submit(40)
    assert pair.server.receive(frame + frame, 0.0) == [
        ONE._replace(Sequence_Id=40),
        Repeated(Command.SUBMIT, 40, False),
    ]
    pair.server.respond(SubmitResp(40, 123))
    answer = pair.server.outgoing()
    assert pair.server.receive(frame, 1.0) == [Repeated(Command.SUBMIT, 40, True)]
    assert pair.server.outgoing() == answer


def test_another_request_under_the_same_number_is_not_swallowed(pair: SessionPair) -> None:
    """While the first waits it is refused as a duplicate; later it is a new request."""
    pair.server.receive(submit(40), 0.0)
    other = submit(40, b"other")
    assert pair.server.receive(other, 0.0) == [
        BadRequest(Command.SUBMIT, 40, Hint.DUPLICATE, True)
    ]
    refused = L30[Command.SUBMIT_RESP].decode(pair.server.outgoing())
    assert refused == SubmitResp(40, 0, cmpp.Result.DUPLICATE_SEQUENCE)
    pair.server.respond(SubmitResp(40, 1))
    (told,) = pair.server.receive(other, 0.0)
    assert isinstance(told, Submit)
    assert told.Msg_Content == b"other"


def test_the_memory_of_repeats_ends_by_age_and_by_number() -> None:
    """After its time, or with too many after it, the same bytes are a new request."""
    pair = SessionPair(limits=Limits(memory_max=2, memory_s=10.0, idle_s=1e9))
    pair.connect()
    for number in (1, 2, 3):
        pair.server.receive(submit(number), 0.0)
        pair.server.respond(SubmitResp(number))
    assert pair.server.receive(submit(3), 10.0) == [Repeated(Command.SUBMIT, 3, True)]
    assert isinstance(pair.server.receive(submit(1), 10.0)[0], Submit)
    assert isinstance(pair.server.receive(submit(2), 11.0)[0], Submit)


def test_a_peer_that_ignores_every_window_is_told_to_slow_down() -> None:
    """Past the limit of unanswered requests the answer is flow control, not a refusal."""
    pair = SessionPair(limits=Limits(owed_max=1))
    pair.connect()
    assert pair.server.receive(submit(1) + submit(2), 0.0) == [
        ONE._replace(Sequence_Id=1),
        BadRequest(Command.SUBMIT, 2, Hint.BUSY, True),
    ]
    answer = L30[Command.SUBMIT_RESP].decode(pair.server.outgoing())
    assert answer.Result == cmpp.Result.FLOW_CONTROL
    pair.server.respond(SubmitResp(1))
    assert isinstance(pair.server.receive(submit(2), 0.0)[0], Submit)
