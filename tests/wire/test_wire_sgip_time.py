"""What time, silence and repetition do to an SGIP session."""

from __future__ import annotations

import pytest
from wire_peers import sgip_peer
from wire_sgip import NUMBER, ONE, UP, frame, pair, told

from qingjing.wire import sgip
from qingjing.wire.errors import Hint, LocalProtocolError
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
from qingjing.wire.session import Session
from qingjing.wire.sgip_tables import (
    BindResp,
    Command,
    Submit,
    SubmitResp,
    Unbind,
    UnbindResp,
)


def test_the_same_request_is_heard_once_and_another_under_its_number_is_refused() -> None:
    """Section 3.7.2.4.3. The number is the message's id, so this holds after the answer too."""
    _, server = pair()
    first = frame(Command.SUBMIT, ONE._replace(SequenceNumber=NUMBER))
    other = frame(Command.SUBMIT, ONE._replace(SequenceNumber=NUMBER, MessageContent=b"no"))
    refused = BadRequest(Command.SUBMIT, NUMBER, Hint.DUPLICATE, True)
    heard, again, bad = server.receive(first + first + other, 0.0)
    assert isinstance(heard, Submit)
    assert (again, bad) == (Repeated(Command.SUBMIT, NUMBER, False), refused)
    assert told(server.outgoing()) == SubmitResp(NUMBER, sgip.Result.SEQUENCE)
    server.respond(SubmitResp(NUMBER))
    answer = server.outgoing()
    assert server.receive(first + other, 1.0) == [
        Repeated(Command.SUBMIT, NUMBER, True),
        refused,
    ]
    assert server.outgoing() == answer + frame(Command.SUBMIT_RESP, SubmitResp(NUMBER, 9))


def test_another_request_under_an_old_number_is_new_when_it_is_forgotten() -> None:
    """The memory of answers is bounded by time."""
    _, server = pair(limits=Limits(memory_s=10.0))
    server.receive(frame(Command.SUBMIT, ONE._replace(SequenceNumber=NUMBER)), 0.0)
    server.respond(SubmitResp(NUMBER))
    other = ONE._replace(SequenceNumber=NUMBER, MessageContent=b"no")
    assert server.receive(frame(Command.SUBMIT, other), 11.0) == [other]


def test_a_peer_that_ignores_every_window_is_told_the_node_is_busy() -> None:
    """Result 11 asks to come again; it refuses nothing for good."""
    _, server = pair(limits=Limits(owed_max=1))
    later = sgip.compose_msg_id(sgip.split_msg_id(NUMBER)._replace(counter=78))
    frames = [frame(Command.SUBMIT, ONE._replace(SequenceNumber=n)) for n in (NUMBER, later)]
    server.receive(b"".join(frames), 0.0)
    assert told(server.outgoing()) == SubmitResp(later, sgip.Result.BUSY)
    assert sgip.Result.BUSY in sgip.TEMPORARY


def test_the_window_of_the_text_is_ours_to_keep() -> None:
    """The thirty-third unanswered request is our own error."""
    peer = sgip_peer(UP, ONE)
    client = Session(peer.protocol, window=sgip.WINDOW, now=0.0)
    client.request(peer.login, "login", 0.0)
    client.receive(frame(Command.BIND_RESP, BindResp(client.outgoing()[8:20])), 0.0)
    for token in range(32):
        client.request(ONE, token, 0.0)
    with pytest.raises(LocalProtocolError, match="32"):
        client.request(ONE, 32, 0.0)


def test_an_account_may_have_a_window_of_its_own() -> None:
    """It is known with the login, when the session is there already."""
    peer = sgip_peer(UP, ONE)
    client, server = peer.session(), peer.session()
    client.request(peer.login, "login", 0.0)
    server.receive(client.outgoing(), 0.0)
    server.accept(BindResp(), window=sgip.WINDOW)
    assert server.room == 32


def test_an_answer_in_vain_is_told_after_thirty_seconds_and_late_ones_are_late() -> None:
    """Section 3.1. The request is never sent again by the session."""
    client, server = pair()
    client.request(ONE, "mine", 5.0)
    (heard,) = server.receive(client.outgoing(), 5.0)
    assert client.tick(34.0) == []
    assert client.next_deadline() == 35.0
    assert client.tick(35.0) == [TimedOut("mine")]
    assert client.outgoing() == b""
    server.respond(SubmitResp(heard[0]))
    stream = server.outgoing()
    assert client.receive(stream, 36.0) == [Answered("mine", SubmitResp(heard[0]), late=True)]
    assert client.receive(stream, 36.0) == [Unmatched(SubmitResp(heard[0]))]


def test_an_idle_client_logs_out_before_the_server_hangs_up() -> None:
    """After 30 s, while the text lets a server hang up after 60; nobody is at fault."""
    client, server = pair()
    assert client.next_deadline() == 30.0
    assert server.next_deadline() == 60.0
    assert client.tick(29.9) == []
    assert client.tick(30.0) == [Closing(Reason.IDLE)]
    assert client.next_deadline() is None
    assert server.receive(client.outgoing(), 30.0) == [Closing(Reason.PEER_LEFT)]
    assert isinstance(told(server.outgoing()), UnbindResp)


def test_an_idle_server_hangs_up_without_a_word() -> None:
    """Commands are the client's: one that neither speaks nor logs out is cut off."""
    _, server = pair()
    assert server.tick(59.9) == []
    assert server.tick(60.0) == [Closing(Reason.IDLE)]
    assert server.outgoing() == b""


def test_whatever_comes_puts_the_end_off() -> None:
    """Both clocks start again with every frame."""
    client, server = pair()
    client.request(ONE, "mine", 25.0)
    (heard,) = server.receive(client.outgoing(), 25.0)
    server.respond(SubmitResp(heard[0]))
    client.receive(server.outgoing(), 26.0)
    assert client.next_deadline() == 56.0
    assert server.next_deadline() == 85.0


def test_nobody_is_idle_while_an_answer_is_owed() -> None:
    """The client waits for it and the server is making it; then silence counts anew."""
    client, server = pair(limits=Limits(answer_s=100.0))
    client.request(ONE, "mine", 10.0)
    (heard,) = server.receive(client.outgoing(), 10.0)
    assert client.tick(30.0) == []
    assert client.next_deadline() == 60.0
    assert server.tick(70.0) == []
    server.respond(SubmitResp(heard[0]))
    assert client.receive(server.outgoing(), 71.0) == [Answered("mine", SubmitResp(heard[0]))]
    assert client.outgoing() == b""
    assert client.next_deadline() == 101.0
    assert server.next_deadline() == 130.0
    assert server.tick(130.0) == [Closing(Reason.IDLE)]


def test_an_unanswered_logout_ends_with_its_time() -> None:
    """A gateway that closes without an answer, or never closes, keeps nobody."""
    client, _ = pair()
    client.request(Unbind(), "bye", 0.0)
    assert client.tick(29.0) == []
    assert client.tick(30.0) == [TimedOut("bye"), Closing(Reason.WE_LEFT)]
