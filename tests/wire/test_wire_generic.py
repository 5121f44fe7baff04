"""The machinery carries protocols that are not CMPP."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest
from wire_pair import login

from qingjing.wire import cmpp
from qingjing.wire.cmpp_tables import LAYOUTS, V30, ActiveTest, Command, ConnectResp, Submit
from qingjing.wire.errors import Hint, LocalProtocolError, RemoteProtocolError
from qingjing.wire.events import Closing, Reason, TimedOut
from qingjing.wire.fields import Content, Count, Raw, TextList, Uint
from qingjing.wire.layout import Header, Layout
from qingjing.wire.session import Session


class Note(NamedTuple):
    """A PDU of no real protocol: a 12-octet sequence, and two counted fields side by side."""

    Number: bytes = bytes(12)
    To: tuple[str, ...] = ("1",)
    Body: bytes = b""


HEADER = Header((Raw("Number", 12),), "Number")
LAYOUT = Layout(
    3,
    HEADER,
    Note,
    (Count("n", 1, "To"), Count("m", 4, "Body"), TextList("To", 4, 1, 9), Content("Body")),
)


@pytest.mark.parametrize("to", [("1",), ("1", "22", "333")])
def test_a_long_sequence_and_neighbouring_counted_fields_come_back(to: tuple[str, ...]) -> None:
    """Headers of 20 octets and four-octet lengths, as SGIP has them, need no new code."""
    note = Note(b"abcdefghijkl", to, b"body")
    frame = LAYOUT.encode(note)
    assert HEADER.size == 20
    assert len(frame) == 20 + 5 + 4 * len(to) + 4
    assert LAYOUT.decode(frame) == note
    assert LAYOUT.decode(LAYOUT.encode_as(note, b"x" * 12)).Number == b"x" * 12
    with pytest.raises(RemoteProtocolError) as caught:
        LAYOUT.decode(frame + b"!")
    assert caught.value.sequence == b"abcdefghijkl"
    assert caught.value.hint == Hint.LENGTH


def test_a_status_before_the_sequence_is_a_header_too() -> None:
    """SMPP puts command_status between the command and the sequence number."""
    header = Header((Uint("command_status", 4), Uint("sequence_number", 4)), "sequence_number")
    assert header.size == 16
    assert header.sequence_at == 1
    assert header.sequence(bytes(12) + b"\0\0\0\x07") == 7


def test_a_protocol_without_heartbeats_waits_for_answers_before_it_is_idle() -> None:
    """While an answer is awaited silence ends nothing, and no heartbeat can be asked for."""
    answers = {c: a for c, a in cmpp.PROTOCOL.answers.items() if c != Command.ACTIVE_TEST}
    quiet = replace(cmpp.PROTOCOL, heartbeat=None, answers=answers)
    client = Session(quiet, window=1, now=0.0)
    client.request(login(), "login", 0.0)
    client.receive(LAYOUTS[V30][Command.CONNECT_RESP].encode(ConnectResp(1)), 0.0)
    with pytest.raises(LocalProtocolError):
        client.request(ActiveTest(), None, 20.0)
    client.request(Submit(Dest_terminal_Id=("1",)), "mine", 20.0)
    client.outgoing()
    assert client.next_deadline() == 30.0
    assert client.tick(30.0) == []
    assert client.next_deadline() == 60.0
    assert client.tick(60.0) == []
    assert client.outgoing() == b""
    assert client.tick(80.0) == [TimedOut("mine")]
    assert client.tick(90.0) == [Closing(Reason.IDLE)]
    logout = int.from_bytes(client.outgoing()[4:8], "big")
    assert logout == Command.TERMINATE


def test_numbers_that_are_ids_are_those_of_a_node_and_of_no_connection() -> None:
    """Without them one can listen and not ask; with them all connections draw from one."""
    stranger = replace(cmpp.PROTOCOL, next_sequence=None)
    with pytest.raises(LocalProtocolError, match="CMPP"):
        Session(stranger, window=1, now=0.0).request(login(), None, 0.0)
    drawn = iter((7, 8))
    node = replace(stranger, numbers=lambda _now: next(drawn))
    for number in (7, 8):
        client = Session(node, window=1, now=0.0)
        client.request(login(), None, 0.0)
        assert client.outgoing()[8:12] == number.to_bytes(4, "big")


def test_a_session_that_never_gets_its_login_answer_names_the_login() -> None:
    """The token of the login is among what stays unanswered."""
    client = Session(cmpp.PROTOCOL, window=1, now=0.0)
    client.request(login(), "login", 0.0)
    assert client.tick(10.0) == [Closing(Reason.NO_LOGIN, ("login",))]
