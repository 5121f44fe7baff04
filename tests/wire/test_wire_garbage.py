"""Whatever bytes come, a session tells events and raises nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_peers import Peer, peers
from wire_strategies import pdus

from qingjing.wire.errors import RemoteProtocolError
from qingjing.wire.events import Closing
from qingjing.wire.fields import Tlvs
from qingjing.wire.layout import Layout
from qingjing.wire.session import Session

each = pytest.mark.parametrize("name", peers())


@st.composite
def streams(draw: st.DrawFn, peer: Peer) -> bytes:
    """Lawful frames of all versions, some of them cut, lengthened or with bytes changed."""
    stream = b""
    layouts = st.sampled_from(peer.layouts())
    for layout in draw(st.lists(layouts, min_size=1, max_size=6)):
        frame = bytearray(layout.encode(draw(pdus(layout))))
        if draw(st.booleans()):
            for at in draw(st.lists(st.integers(0, len(frame) - 1), max_size=4)):
                frame[at] = draw(st.integers(0, 255))
        if draw(st.booleans()):
            frame = frame[: draw(st.integers(0, len(frame)))] + draw(st.binary(max_size=9))
            frame[:4] = len(frame).to_bytes(4, "big")
        stream += frame
    return stream


def read_only(layout: Layout[Any], pdu: Any) -> bool:
    """Whether it holds optional parameters that its version does not write."""
    tails = [field for field in layout.fields if isinstance(field, Tlvs)]
    return any(getattr(pdu, tail.name) and not tail.written for tail in tails)


def feed(session: Session, stream: bytes, step: int) -> None:
    """Feed a stream in pieces; Closing may only come last."""
    events: list[Any] = []
    for at in range(0, len(stream), step):
        events += session.receive(stream[at : at + step], 0.0)
        session.tick(0.0)
    session.outgoing()
    assert not any(isinstance(event, Closing) for event in events[:-1])


@each
@settings(max_examples=100)
@given(data=st.data())
def test_a_server_survives_any_bytes(name: str, data: st.DataObject) -> None:
    """Before and after the login, at any cut, nothing is raised."""
    peer = peers()[name]
    stream = data.draw(st.binary(max_size=300) | streams(peer))
    step = data.draw(st.integers(1, 400))
    feed(peer.session(), stream, step)
    feed(peer.pair()[1], stream, step)


@each
@settings(max_examples=100)
@given(data=st.data())
def test_a_client_survives_any_bytes(name: str, data: st.DataObject) -> None:
    """With a login or a request outstanding, at any cut, nothing is raised."""
    peer = peers()[name]
    stream = data.draw(st.binary(max_size=300) | streams(peer))
    step = data.draw(st.integers(1, 400))
    client, _ = peer.pair()
    client.request(peer.request, None, 0.0)
    feed(client, stream, step)
    early = peer.session()
    early.request(peer.login, None, 0.0)
    feed(early, stream, step)


@each
@settings(max_examples=100)
@given(data=st.data())
def test_a_decoder_of_any_body_reads_or_blames_the_peer(name: str, data: st.DataObject) -> None:
    """Nothing but RemoteProtocolError leaves a layout, and what is read can be written."""
    peer = peers()[name]
    layout = data.draw(st.sampled_from(peer.layouts()))
    size = layout.header.size
    body = data.draw(st.binary(max_size=400))
    frame = (size + len(body)).to_bytes(4, "big") + layout.command.to_bytes(4, "big")
    try:
        pdu = layout.decode(frame + bytes(size - 8) + body)
    except RemoteProtocolError:
        return
    if read_only(layout, pdu):
        return
    assert layout.decode(layout.encode(pdu)) == pdu


@each
def test_every_version_knows_every_command(name: str) -> None:
    """A session may look any command up once the version is known."""
    protocol = peers()[name].protocol
    commands = set(protocol.answers) | set(protocol.answers.values())
    assert all(commands <= set(layouts) for layouts in protocol.layouts.values())
