"""A copy of a stencil is, to the byte, what the codec would have written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingjing.wire import cmpp, cmpp_tables, smpp_tables
from qingjing.wire.cmpp_tables import LAYOUTS, V20, V30, Command
from qingjing.wire.errors import LocalProtocolError
from qingjing.wire.events import Answered
from qingjing.wire.session import Session
from qingjing.wire.smpp_pdus import SubmitSm
from qingjing.wire.stencil import Stencil, span

PHONES = st.integers(10**10, 10**11 - 1).map(str)


@given(
    st.sampled_from([V20, V30]),
    st.binary(max_size=140),
    st.text("%0aB", max_size=20),
    PHONES,
    st.integers(0, 2**32 - 1),
)
def test_a_copy_is_what_the_codec_writes(
    version: int, content: bytes, port: str, phone: str, sequence: int
) -> None:
    """Whatever stands around the hole, percent signs among it."""
    layout = LAYOUTS[version][Command.SUBMIT]
    sample = cmpp_tables.Submit(Src_Id=port, Dest_terminal_Id=("1" * 11,), Msg_Content=content)
    stencil = Stencil(layout, sample, [span(layout.fields, sample, "Dest_terminal_Id")])

    copy = stencil.fill(sequence, (stencil.pad(0, phone),))

    assert copy == layout.encode_as(sample._replace(Dest_terminal_Id=(phone,)), sequence)


def test_a_field_behind_the_content_is_found() -> None:
    """Lists and contents before a field count with the length that they have."""
    layout = LAYOUTS[V30][Command.SUBMIT]
    sample = cmpp_tables.Submit(
        Dest_terminal_Id=("1", "2"), Msg_Content=b"abc", LinkID="x" * 20
    )
    start, end = span(layout.fields, sample, "LinkID")
    assert layout.encode(sample)[start:end] == b"x" * 20
    with pytest.raises(KeyError):
        span(layout.fields, sample, "Reserve")


def test_a_closed_text_is_found_without_its_end() -> None:
    """Numbers of SMPP vary in length: a stencil serves those that are as long as its sample."""
    layout = smpp_tables.LAYOUTS[smpp_tables.V34][smpp_tables.Command.submit_sm]
    sample = SubmitSm(
        service_type="MKT", source_addr="106", destination_addr="0" * 11, short_message=b"abc"
    )
    stencil = Stencil(layout, sample, [span(layout.fields, sample, "destination_addr")])
    begin, end = span(layout.fields, sample, "short_message")

    assert stencil.sizes == (11,)
    assert stencil.fill(7, (b"13800138000",)) == layout.encode_as(
        sample._replace(destination_addr="13800138000"), 7
    )
    assert layout.encode(sample)[begin:end] == b"abc"


def test_a_session_sends_copies_like_any_request() -> None:
    """They are numbered, fill the window, and their answers come back with the token."""
    ours = Session(cmpp.PROTOCOL, window=1, now=0.0)
    theirs = Session(cmpp.PROTOCOL, window=1, now=0.0)
    layout = LAYOUTS[V30][Command.SUBMIT]
    sample = cmpp_tables.Submit(Dest_terminal_Id=("1",))
    stencil = Stencil(layout, sample, [span(layout.fields, sample, "Dest_terminal_Id")])
    with pytest.raises(LocalProtocolError, match="OPEN"):
        ours.request(stencil, "early", 0.0, (stencil.pad(0, "2"),))
    ours.request(cmpp_tables.Connect(), "login", 0.0)
    theirs.receive(ours.outgoing(), 0.0)
    theirs.accept(cmpp_tables.ConnectResp())
    ours.receive(theirs.outgoing(), 0.0)

    ours.request(stencil, "token", 0.0, (stencil.pad(0, "2"),))
    with pytest.raises(LocalProtocolError, match="unanswered"):
        ours.request(stencil, "too many", 0.0, (stencil.pad(0, "3"),))
    (heard,) = theirs.receive(ours.outgoing(), 0.0)
    assert isinstance(heard, cmpp_tables.Submit)
    assert heard.Dest_terminal_Id == ("2",)
    answer = cmpp_tables.SubmitResp(heard.Sequence_Id, 7, 0)
    theirs.respond(answer)
    assert ours.receive(theirs.outgoing(), 0.0) == [Answered("token", answer)]
