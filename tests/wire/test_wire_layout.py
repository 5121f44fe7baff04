"""The field language: what it writes it reads, and whose fault the rest is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_strategies import pdus
from wire_vectors import PROTOCOLS

from qingjing.wire.cmpp_tables import (
    LAYOUTS,
    REPORT_20,
    REPORT_30,
    V20,
    V30,
    Cancel,
    Command,
    Connect,
    QueryResp,
    Submit,
    SubmitResp,
)
from qingjing.wire.errors import Hint, LocalProtocolError, RemoteProtocolError
from qingjing.wire.fields import Content, Count, Uint
from qingjing.wire.layout import Layout, Table

ALL = [
    pytest.param(layout, id=f"{version:x}-{Command(command).name}")
    for version, layouts in LAYOUTS.items()
    for command, layout in layouts.items()
]
EVERY = [
    pytest.param(layout, id=f"{name}-{version:x}-{layout.pdu.__name__}")
    for name, protocol in PROTOCOLS.items()
    for version, layouts in protocol.layouts.items()
    for layout in layouts.values()
]
SUBMIT = LAYOUTS[V30][Command.SUBMIT]
ONE = Submit(7, Dest_terminal_Id=("13800138000",), Msg_Content=b"hello")


@pytest.mark.parametrize("layout", EVERY)
@settings(max_examples=30)
@given(data=st.data())
def test_every_pdu_comes_back_as_it_was(layout: Layout[Any], data: st.DataObject) -> None:
    """Reading what was written gives the PDU again, and its length is what it says."""
    pdu = data.draw(pdus(layout))
    frame = layout.encode(pdu)
    assert int.from_bytes(frame[:4], "big") == len(frame)
    assert int.from_bytes(frame[4:8], "big") == layout.command
    assert layout.decode(frame) == pdu


@pytest.mark.parametrize(("table", "size"), [(REPORT_20, 60), (REPORT_30, 71)])
@settings(max_examples=30)
@given(data=st.data())
def test_every_report_comes_back_as_it_was(
    table: Table[Any], size: int, data: st.DataObject
) -> None:
    """Report bodies have 60 or 71 octets and keep their values."""
    report = data.draw(pdus(table))
    body = table.encode(report)
    assert len(body) == size
    assert table.decode(body) == report


@pytest.mark.parametrize("layout", ALL)
def test_a_frame_may_be_written_under_another_number(layout: Layout[Any]) -> None:
    """The session fills the number in."""
    pdu = layout.pdu()
    if isinstance(pdu, Submit):
        pdu = ONE
    assert layout.encode_as(pdu, 5)[8:12] == bytes((0, 0, 0, 5))


@pytest.mark.parametrize("layout", ALL)
def test_a_frame_of_another_length_is_told_so(layout: Layout[Any]) -> None:
    """One octet too many or too few is a length error that names the command and number."""
    pdu = layout.pdu(Sequence_Id=9)
    if isinstance(pdu, Submit):
        pdu = pdu._replace(Dest_terminal_Id=("1", "2"), Msg_Content=b"x")
    frame = layout.encode(pdu)
    shorter = [] if len(frame) == 12 else [frame[:-1], frame[:12]]
    for bad in [*shorter, frame + b"\0"]:
        with pytest.raises(RemoteProtocolError) as caught:
            layout.decode(bad)
        assert caught.value.hint == Hint.LENGTH
        assert (caught.value.command, caught.value.sequence) == (layout.command, 9)
        assert not caught.value.fatal


@pytest.mark.parametrize("count", [0, 101, 255])
def test_a_submit_to_too_few_or_too_many_is_a_structure_error(count: int) -> None:
    """CMPP 7.4.3.1: DestUsr_tl is 1 to 100."""
    frame = bytearray(SUBMIT.encode(ONE))
    at = 12 + 8 + 4 + 10 + 1 + 32 + 1 + 3 + 6 + 2 + 6 + 17 + 17 + 21
    assert frame[at] == 1
    frame[at] = count
    with pytest.raises(RemoteProtocolError) as caught:
        SUBMIT.decode(bytes(frame))
    assert caught.value.hint == Hint.STRUCTURE


def test_a_text_that_is_not_ascii_is_a_structure_error() -> None:
    """Bytes above 7F in a text field are the peer's fault, not a UnicodeDecodeError."""
    frame = SUBMIT.encode(ONE).replace(b"13800138000", b"1380013800\xff")
    with pytest.raises(RemoteProtocolError) as caught:
        SUBMIT.decode(frame)
    assert caught.value.hint == Hint.STRUCTURE


@pytest.mark.parametrize("padding", [b"\0" * 21, b" " * 21, b"\0junk".ljust(21, b"x")])
def test_a_text_ends_at_nul_and_loses_its_spaces(padding: bytes) -> None:
    """Peers pad with NUL, with spaces, or leave rubbish behind the NUL."""
    frame = SUBMIT.encode(ONE).replace(
        b"13800138000".ljust(32, b"\0"), b"13800138000" + padding
    )
    assert SUBMIT.decode(frame).Dest_terminal_Id == ("13800138000",)


def test_a_text_may_fill_its_field_to_the_last_byte() -> None:
    """There is no terminator in a full field."""
    full = ONE._replace(Src_Id="1" * 21)
    assert SUBMIT.decode(SUBMIT.encode(full)) == full


@pytest.mark.parametrize(
    "bad",
    [
        ONE._replace(Src_Id="1" * 22),
        ONE._replace(Src_Id="号"),
        ONE._replace(Src_Id="a\0b"),
        ONE._replace(Src_Id=b"106"),  # type: ignore[arg-type]
        ONE._replace(Pk_total=256),
        ONE._replace(Pk_total="1"),  # type: ignore[arg-type]
        ONE._replace(Msg_Content="text"),  # type: ignore[arg-type]
        ONE._replace(Msg_Content=bytes(256)),
        ONE._replace(Dest_terminal_Id=()),
        ONE._replace(Dest_terminal_Id=("1",) * 101),
        ONE._replace(Dest_terminal_Id="13800138000"),  # type: ignore[arg-type]
        ONE._replace(Dest_terminal_Id=None),  # type: ignore[arg-type]
        ONE._replace(Reserve="x"),
        SubmitResp(),
    ],
)
def test_what_does_not_fit_is_our_fault_and_is_not_written(bad: Any) -> None:
    """A value that its field cannot hold raises LocalProtocolError and is never cut short."""
    with pytest.raises(LocalProtocolError) as caught:
        SUBMIT.encode(bad)
    assert "13800138000" not in str(caught.value)


def test_a_digest_of_another_size_is_not_padded() -> None:
    """struct would pad or cut it; we refuse."""
    with pytest.raises(LocalProtocolError):
        LAYOUTS[V30][Command.CONNECT].encode(Connect(AuthenticatorSource=b"short"))


def test_integers_that_do_not_fit_are_our_fault_on_the_short_way_too() -> None:
    """PDUs of nothing but integers are written by one struct, with the same error."""
    with pytest.raises(LocalProtocolError):
        LAYOUTS[V30][Command.SUBMIT_RESP].encode(SubmitResp(1, -1, 0))
    with pytest.raises(LocalProtocolError):
        LAYOUTS[V30][Command.SUBMIT_RESP].encode(Cancel(1, 1))


def test_a_field_of_3_0_is_not_dropped_in_silence_on_2_0() -> None:
    """A pseudonym marked as one must not go out as a real number."""
    with pytest.raises(LocalProtocolError, match="Dest_terminal_type"):
        LAYOUTS[V20][Command.SUBMIT].encode(ONE._replace(Dest_terminal_type=1))


def test_the_texts_that_repeat_are_remembered_within_bounds() -> None:
    """More different codes than the memo holds still read right."""
    layout = LAYOUTS[V20][Command.QUERY_RESP]
    for number in range(5000):
        pdu = QueryResp(1, f"{number:08}")
        assert layout.decode(layout.encode(pdu)) == pdu


def test_a_class_and_its_table_must_agree() -> None:
    """A misspelt field is found when the table is made, not when a frame comes."""
    with pytest.raises(LocalProtocolError):
        Table(SubmitResp, (Uint("Sequence_Id", 4), Count("n", 1, "Text"), Content("Text")))
