"""Whatever bytes come, a session tells events and raises nothing."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from wire_pair import SessionPair
from wire_strategies import pdus

from qingjing.wire import cmpp
from qingjing.wire.cmpp_tables import LAYOUTS, V20, V30, Command, Connect, Submit
from qingjing.wire.errors import RemoteProtocolError
from qingjing.wire.events import Closing
from qingjing.wire.session import Session

_LAYOUTS = [*LAYOUTS[V20].values(), *LAYOUTS[V30].values()]


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Lawful frames of both versions, some of them cut, lengthened or with bytes changed."""
    stream = b""
    for layout in draw(st.lists(st.sampled_from(_LAYOUTS), min_size=1, max_size=6)):
        frame = bytearray(layout.encode(draw(pdus(layout))))
        if draw(st.booleans()):
            for at in draw(st.lists(st.integers(0, len(frame) - 1), max_size=4)):
                frame[at] = draw(st.integers(0, 255))
        if draw(st.booleans()):
            frame = frame[: draw(st.integers(0, len(frame)))] + draw(st.binary(max_size=9))
            frame[:4] = len(frame).to_bytes(4, "big")
        stream += frame
    return stream


def feed(session: Session, stream: bytes, step: int) -> None:
    """Feed a stream in pieces; Closing may only come last."""
    events: list[Any] = []
    for at in range(0, len(stream), step):
        events += session.receive(stream[at : at + step], 0.0)
        session.tick(0.0)
    session.outgoing()
    assert not any(isinstance(event, Closing) for event in events[:-1])


@settings(max_examples=150)
@given(stream=st.binary(max_size=300) | streams(), step=st.integers(1, 400))
def test_a_server_survives_any_bytes(stream: bytes, step: int) -> None:
    """Before and after the login, at any cut, nothing is raised."""
    feed(Session(cmpp.PROTOCOL, window=16, now=0.0), stream, step)
    pair = SessionPair()
    pair.connect()
    feed(pair.server, stream, step)


@settings(max_examples=150)
@given(stream=st.binary(max_size=300) | streams(), step=st.integers(1, 400))
def test_a_client_survives_any_bytes(stream: bytes, step: int) -> None:
    """With a login or a submit outstanding, at any cut, nothing is raised."""
    pair = SessionPair()
    pair.connect(V20)
    pair.client.request(Submit(Dest_terminal_Id=("1",)), None, 0.0)
    feed(pair.client, stream, step)
    early = SessionPair()
    early.client.request(Connect(), None, 0.0)
    feed(early.client, stream, step)


@settings(max_examples=150)
@given(body=st.binary(max_size=400), layout=st.sampled_from(_LAYOUTS))
def test_a_decoder_of_any_body_reads_or_blames_the_peer(body: bytes, layout: Any) -> None:
    """Nothing but RemoteProtocolError leaves a layout, and what is read can be written."""
    frame = (12 + len(body)).to_bytes(4, "big") + layout.command.to_bytes(4, "big") + b"1234"
    try:
        pdu = layout.decode(frame + body)
    except RemoteProtocolError:
        return
    assert layout.decode(layout.encode(pdu)) == pdu


def test_every_version_knows_every_command() -> None:
    """A session may look any command up once the version is known."""
    assert set(LAYOUTS[V20]) == set(LAYOUTS[V30]) == {int(c) for c in Command}
