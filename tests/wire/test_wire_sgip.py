"""SGIP's own arithmetic: numbers, results, logins, phone numbers, reports."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_peers import ZERO
from wire_vectors import golden

from qingjing.wire import sgip
from qingjing.wire.content import Part, join, split
from qingjing.wire.errors import LocalProtocolError, RemoteProtocolError
from qingjing.wire.events import Limits
from qingjing.wire.sgip_tables import LAYOUTS, V12, Bind, Command, Report, Submit, TraceNode

LAYOUT = LAYOUTS[V12]
SP = 3025000001


def test_a_golden_number_is_a_node_a_moment_and_a_count() -> None:
    """Three unsigned integers; a provider's node needs the sign's bit."""
    number = golden("sgip_submit_gbk").SequenceNumber
    parts = sgip.split_msg_id(number)
    assert parts == sgip.MsgId(SP, 1124063509, 7)
    assert parts.node > 0x7FFFFFFF
    assert sgip.compose_msg_id(parts) == number


@given(value=st.binary(min_size=12, max_size=12))
def test_a_number_splits_and_composes(value: bytes) -> None:
    """Any twelve bytes, whatever node made them."""
    assert sgip.compose_msg_id(sgip.split_msg_id(value)) == value


@pytest.mark.parametrize("parts", [(1 << 32, 0, 0), (0, -1, 0), (0, 0, "7")])
def test_a_part_that_does_not_fit_is_our_own_error(parts: tuple[int, int, int]) -> None:
    """Nothing is cut to 32 bits in silence, nor is a number of another length split."""
    with pytest.raises(LocalProtocolError):
        sgip.compose_msg_id(sgip.MsgId(*parts))
    with pytest.raises(LocalProtocolError):
        sgip.split_msg_id(b"short")


def test_numbers_carry_the_moment_they_were_drawn_at() -> None:
    """The clock of the sessions began at 06:35:09; the counter never starts again."""
    draw = sgip.NodeNumbers(SP, ZERO)
    drawn = [sgip.split_msg_id(draw(now)) for now in (0.0, 0.9, 1.0, 86_400.0, 86_400.5)]
    assert [parts.time for parts in drawn] == [
        1124063509,
        1124063509,
        1124063510,
        1125063509,
        1125063509,
    ]
    assert [parts.counter for parts in drawn] == [0, 1, 2, 3, 4]
    assert {parts.node for parts in drawn} == {SP}


def test_a_second_begins_where_the_wall_clock_says() -> None:
    """A session clock that began within a second turns within its own seconds."""
    draw = sgip.NodeNumbers(SP, ZERO + timedelta(milliseconds=750))
    assert [sgip.split_msg_id(draw(now)).time for now in (0.2, 0.25)] == [
        1124063509,
        1124063510,
    ]


@pytest.mark.parametrize("month", [1, 12])
def test_the_moment_has_no_year_and_no_leading_zero(month: int) -> None:
    """January's numbers have nine digits, December's ten."""
    draw = sgip.NodeNumbers(1, datetime(2026, month, 2, 3, 4, 5))  # noqa: DTZ001
    assert sgip.split_msg_id(draw(0.0)).time == month * 10**8 + 2030405


@given(st.integers(1, 7), st.data())
def test_processes_of_one_node_never_draw_the_same(step: int, data: st.DataObject) -> None:
    """Each keeps to its own numbers modulo the step, around the end of 32 bits too."""
    span = (1 << 32) - (1 << 32) % step
    start = span - step * data.draw(st.integers(1, 3))
    drawn: set[bytes] = set()
    for i in range(step):
        draw = sgip.NodeNumbers(SP, ZERO, first=start + i, step=step)
        mine = {draw(0.0) for _ in range(6)}
        assert len(mine) == 6
        assert {sgip.split_msg_id(number).counter % step for number in mine} == {i}
        assert not drawn & mine
        drawn |= mine


def test_a_node_of_no_32_bits_is_our_own_error() -> None:
    """It is found when the node is set up, not with the first message."""
    with pytest.raises(LocalProtocolError):
        sgip.NodeNumbers(1 << 32, ZERO)


@pytest.mark.parametrize(
    ("bind", "result"),
    [
        (Bind(LoginType=1, LoginName="333", LoginPassword="0555"), sgip.Result.OK),
        (Bind(LoginType=1, LoginName="333", LoginPassword="0556"), sgip.Result.LOGIN),
        (Bind(LoginType=1, LoginName="333"), sgip.Result.LOGIN),
        (Bind(LoginType=2, LoginName="333", LoginPassword="0555"), sgip.Result.LOGIN_TYPE),
    ],
)
def test_a_login_needs_its_password_and_the_right_listener(
    bind: Bind, result: sgip.Result
) -> None:
    """A gateway that dials the provider's submitting side is told the login type is wrong."""
    assert sgip.login_result(bind, "0555", sgip.LoginType.SP) == result


def test_a_password_shows_in_no_log() -> None:
    """SGIP's password is in clear, so the login's repr leaves it out."""
    bind = golden("sgip_bind_sp")
    assert bind.LoginPassword == "0555"
    assert "0555" not in repr(bind)
    assert "333" in repr(bind)


@pytest.mark.parametrize("number", ["13800138000", "8613800138000", "+8613800138000"])
def test_a_number_goes_out_with_86_and_comes_in_without(number: str) -> None:
    """However it was written before."""
    assert sgip.prefixed(number) == "8613800138000"
    assert sgip.bare(number) == "13800138000"


@pytest.mark.parametrize(
    ("flag", "delivered", "failed"),
    [(0, False, True), (1, True, True), (2, False, False), (3, True, True), (9, False, True)],
)
def test_a_report_flag_is_no_boolean(flag: int, delivered: bool, failed: bool) -> None:
    """Zero asks for failures alone, two for nothing; flags kept for later mean the default."""
    assert sgip.reported(flag, failed=False) == delivered
    assert sgip.reported(flag, failed=True) == failed


def test_every_result_has_its_own_meaning() -> None:
    """A code is told in words, and those of the text are all there."""
    meanings = [result.meaning for result in sgip.Result]
    assert all(meanings)
    assert len(set(meanings)) == len(meanings)
    assert {*range(12), *range(21, 34)} <= {int(result) for result in sgip.Result}
    assert sgip.Result(11) in sgip.TEMPORARY


def test_a_report_names_the_submit_by_its_number() -> None:
    """The answer to a submit gives no id: the submit's own number is it."""
    report: Report = golden("sgip_report_failed")
    assert report.SubmitSequenceNumber == golden("sgip_submit_gbk").SequenceNumber
    assert (report.State, report.ErrorCode) == (sgip.State.FAILED, sgip.Result.USER_UNKNOWN)


def test_a_trace_tells_every_node_it_went_through() -> None:
    """The nodes are records of texts and results, in their order."""
    first, second = golden("sgip_trace_resp").Nodes
    assert first == TraceNode(0, "100001", "011124063509", "011124063510")
    assert second == TraceNode(1, "100011", "011124063510", "")


def test_a_number_that_fills_its_field_has_no_nul() -> None:
    """Twenty-one zeros say that the sender pays, and leave no room for an end."""
    submit: Submit = golden("sgip_submit_gbk")
    assert submit.ChargeNumber == sgip.SP_PAYS
    assert LAYOUT[Command.SUBMIT].encode(submit).count(b"0" * 21 + b"\x01") == 1


def test_long_messages_are_cut_and_joined_as_in_cmpp() -> None:
    """The header of a part stands in the content, and TP_udhi says so; there are no counts."""
    text = "【清净】" + "您好" * 60 + ",拒收请回复R"
    layout = LAYOUT[Command.SUBMIT]
    parts = split(text, 8, 42)
    assert len(parts) == 2
    read = []
    for udhi, coding, content in parts:
        submit = Submit(
            UserNumber=("8613800138000",),
            TP_udhi=udhi,
            MessageCoding=coding,
            MessageContent=content,
        )
        back: Submit = layout.decode(layout.encode(submit))
        read.append(Part(back.TP_udhi, back.MessageCoding, back.MessageContent))
    assert join(reversed(read)) == text


def test_the_largest_submit_fits_the_frame_limit() -> None:
    """A hundred numbers and 255 octets exceed the text's 2 KiB, and not ours."""
    submit = Submit(UserNumber=("8" * 21,) * 100, MessageContent=bytes(255))
    frame = LAYOUT[Command.SUBMIT].encode(submit)
    assert 2048 < len(frame) <= Limits().frame_max


@pytest.mark.parametrize("count", [0, 101])
def test_a_submit_goes_to_one_to_a_hundred(count: int) -> None:
    """Neither nobody nor more, whether we write it or they do."""
    layout = LAYOUT[Command.SUBMIT]
    with pytest.raises(LocalProtocolError):
        layout.encode(Submit(UserNumber=("8613800138000",) * count))
    frame = layout.encode(Submit(UserNumber=("8613800138000",)))
    numbers = frame[63:84] * count
    forged = frame[:62] + bytes((count,)) + numbers + frame[84:]
    with pytest.raises(RemoteProtocolError, match="UserNumber"):
        layout.decode(len(forged).to_bytes(4, "big") + forged[4:])


def test_a_four_byte_length_that_lies_is_the_peers_fault() -> None:
    """Nothing is kept for four thousand million octets that are not there."""
    frame = bytearray(LAYOUT[Command.DELIVER].encode(golden("sgip_deliver")))
    frame[65:69] = b"\xff\xff\xff\xff"
    with pytest.raises(RemoteProtocolError):
        LAYOUT[Command.DELIVER].decode(bytes(frame))
