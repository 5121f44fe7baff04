"""Golden frames, both ways and three ways."""

from __future__ import annotations

from typing import Any

import pytest
from wire_vectors import PROTOCOLS, VECTORS, frame_of, layout_of

from qingjing.wire.fields import Count, Uint
from qingjing.wire.framing import Framer


def plain(value: Any) -> Any:
    """A value as the files write it: bytes in hexadecimal, lists and records as lists."""
    if isinstance(value, bytes):
        return value.hex()
    return [plain(item) for item in value] if isinstance(value, tuple) else value


each = pytest.mark.parametrize("vector", VECTORS, ids=[v["name"] for v in VECTORS])


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
        read = plain(getattr(pdu, name))
        if isinstance(field, Uint):
            value = int(value)
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
    framer = Framer(PROTOCOLS[vector["protocol"]], 4096)
    found = []
    for at in range(0, len(stream), step):
        framer.feed(stream[at : at + step])
        for command, run in framer.runs():
            found += [(command, one) for one in run]
    assert found == [(vector["command"], frame)]


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_command_has_a_golden_frame(name: str) -> None:
    """No PDU is proved by our own two ends alone."""
    commands = set(PROTOCOLS[name].layouts[PROTOCOLS[name].first])
    assert {v["command"] for v in VECTORS if v["protocol"] == name} == commands
