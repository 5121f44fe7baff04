"""Golden frames, both ways and three ways."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from qingjing.wire import cmpp
from qingjing.wire.cmpp_tables import LAYOUTS, V20, V30, Command, Connect, ConnectResp, Deliver
from qingjing.wire.fields import Count, Uint
from qingjing.wire.framing import Framer
from qingjing.wire.layout import Layout

VECTORS: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "vectors" / "cmpp.toml").read_text("utf-8")
)["vector"]
each = pytest.mark.parametrize("vector", VECTORS, ids=[v["name"] for v in VECTORS])


def layout_of(vector: dict[str, Any]) -> Layout[Any]:
    """The layout that reads this vector."""
    return LAYOUTS[V30 if vector["version"] == V30 else V20][vector["command"]]


def frame_of(vector: dict[str, Any]) -> bytes:
    """The bytes of this vector."""
    return bytes.fromhex(vector["hex"])


@each
def test_a_golden_frame_reads_as_its_published_fields(vector: dict[str, Any]) -> None:
    """Every field of every vector has the value its maker wrote into it."""
    layout, published = layout_of(vector), vector["fields"]
    pdu = layout.decode(frame_of(vector))
    kinds = {field.name: field for field in layout.fields}
    assert set(published) <= set(kinds)
    for name, value in published.items():
        field = kinds[name]
        if isinstance(field, Count):
            assert len(getattr(pdu, field.of)) == value
            continue
        read = getattr(pdu, name)
        if isinstance(read, bytes):
            read = read.hex()
        elif isinstance(field, Uint):
            value = int(value)
        elif isinstance(value, list):
            value = tuple(value)
        assert read == value, name


@each
def test_a_golden_frame_is_written_back_byte_for_byte(vector: dict[str, Any]) -> None:
    """Encoding what was decoded gives the very same frame."""
    layout = layout_of(vector)
    assert layout.encode(layout.decode(frame_of(vector))) == frame_of(vector)


@each
@pytest.mark.parametrize("step", [10_000, 1, 7])
def test_a_golden_frame_is_found_however_the_stream_is_cut(
    vector: dict[str, Any], step: int
) -> None:
    """Whole, byte by byte or in sevens, with half a frame behind: one frame is cut out."""
    frame = frame_of(vector)
    stream = frame + frame[: len(frame) // 2]
    framer = Framer(cmpp.PROTOCOL, 4096)
    found = []
    for at in range(0, len(stream), step):
        framer.feed(stream[at : at + step])
        while (got := framer.next_frame()) is not None:
            found.append(got)
    assert found == [(vector["command"], frame)]


@pytest.mark.parametrize("name", ["cmpp2.0_connect", "cmpp2.1_connect", "cmpp3.0_connect"])
def test_the_golden_logins_know_the_secret(name: str) -> None:
    """The digest of the vectors is the one we compute, and a wrong secret is refused."""
    (vector,) = (v for v in VECTORS if v["name"] == name)
    connect: Connect = layout_of(vector).decode(frame_of(vector))
    assert cmpp.login_status(connect, b"888888") == cmpp.Status.OK
    assert cmpp.login_status(connect, b"888889") == cmpp.Status.DIGEST


@pytest.mark.parametrize(
    "name",
    [
        "cmpp2.0_connect_resp_ok",
        "cmpp3.0_connect_resp_ok_status4",
        "cmpp3.0_connect_resp_ok_status1",
    ],
)
def test_a_client_accepts_both_readings_of_the_server_digest(name: str) -> None:
    """Status of one octet and of four inside the digest both prove the secret."""
    (vector,) = (v for v in VECTORS if v["name"] == name)
    answer: ConnectResp = layout_of(vector).decode(frame_of(vector))
    source = bytes.fromhex("90d00c1d517abd0b4f65f6bcf8535d16")
    assert cmpp.accepts_ismg(answer, source, b"888888")
    assert not cmpp.accepts_ismg(answer, source, b"wrong")


def test_the_golden_report_reads_as_published() -> None:
    """The body of the report vector holds the submit's id, its state and its number."""
    (vector,) = (v for v in VECTORS if v["name"] == "cmpp2.0_deliver_report")
    deliver: Deliver = layout_of(vector).decode(frame_of(vector))
    report = cmpp.read_report(deliver.Msg_Content)
    assert cmpp.split_msg_id(report.Msg_Id) == cmpp.MsgId(11, 24, 6, 35, 9, 1001, 258)
    assert report[1:] == ("DELIVRD", "2611240635", "2611240636", "13800138000", 7)


def test_every_command_has_a_golden_frame() -> None:
    """No PDU is proved by our own two ends alone."""
    assert {v["command"] for v in VECTORS} == {int(c) for c in Command}
