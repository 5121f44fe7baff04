"""CMPP's own arithmetic: digests, ids, reports, results."""

from __future__ import annotations

from hashlib import md5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_vectors import golden

from qingjing.wire import cmpp
from qingjing.wire.cmpp_tables import (
    REPORT_20,
    REPORT_30,
    V20,
    Connect,
    ConnectResp,
    Deliver,
    Report,
)
from qingjing.wire.errors import Hint, LocalProtocolError, RemoteProtocolError

REPORT = Report(7, "DELIVRD", "2611240635", "2611240636", "13800138000", 9)


def test_a_short_account_logs_in_padded_or_not() -> None:
    """The text leaves open how an account shorter than six is hashed; both are let in."""
    for padded in (False, True):
        digest = cmpp.authenticator_source("901", b"888888", 301000000, padded=padded)
        connect = Connect(1, "901", digest, V20, 301000000)
        assert cmpp.accepts_source(connect, b"888888")
        assert not cmpp.accepts_source(connect, b"888887")


def test_the_timestamp_is_hashed_with_its_leading_zero() -> None:
    """1 March is 0301000000, ten digits; without the zero logins fail until October."""
    assert cmpp.timestamp(3, 1, 0, 0, 0) == 301000000
    expected = md5(b"900001" + bytes(9) + b"888888" + b"0301000000").digest()
    assert cmpp.authenticator_source("900001", b"888888", 301000000) == expected


@pytest.mark.parametrize(("version", "status"), [(0x40, 4), (0x30, 4), (0x21, 0), (0x20, 0)])
def test_a_higher_major_version_is_refused(version: int, status: int) -> None:
    """An account held to 2.x refuses 3.0 with status 4, before the digest is looked at."""
    digest = cmpp.authenticator_source("900001", b"s", 1) if not status else bytes(16)
    connect = Connect(1, "900001", digest, version, 1)
    assert cmpp.login_status(connect, b"s", highest=0x21) == status
    assert cmpp.connect_answer(connect, 4).AuthenticatorISMG == bytes(16)


@given(value=st.integers(0, 2**64 - 1))
def test_a_msg_id_splits_and_composes(value: int) -> None:
    """Any 64 bits split into parts that compose to them again."""
    assert cmpp.compose_msg_id(cmpp.split_msg_id(value)) == value


def test_a_msg_id_of_december_needs_the_top_bit() -> None:
    """Months 8 to 12 make the id larger than a signed 64-bit integer."""
    value = cmpp.compose_msg_id(cmpp.MsgId(12, 31, 23, 59, 59, 1001, 65535))
    assert value > 2**63
    assert cmpp.msg_ids(value, 2) == [value, value - 65535]
    with pytest.raises(LocalProtocolError, match="gateway"):
        cmpp.compose_msg_id(cmpp.MsgId(12, 31, 23, 59, 59, 1 << 22, 0))


def test_a_report_is_read_by_its_length() -> None:
    """60 and 71 octets both occur on connections of both versions; more is ignored."""
    short, long = REPORT_20.encode(REPORT), REPORT_30.encode(REPORT)
    assert (len(short), len(long)) == (60, 71)
    for body in (short, long, long + b"xx"):
        assert cmpp.read_report(body) == REPORT


@pytest.mark.parametrize("size", range(15, 72))
@pytest.mark.parametrize("table", [REPORT_20, REPORT_30])
def test_a_report_may_lack_its_tail(table: type, size: int) -> None:
    """The id and the state are always read; the number as soon as it is all there."""
    body = table.encode(REPORT)  # type: ignore[attr-defined]
    report = cmpp.read_report(body[:size])
    assert report[:2] == REPORT[:2]
    if size >= 46:
        assert report.Dest_terminal_Id == "13800138000"


@pytest.mark.parametrize(
    ("body", "hint"), [(bytes(14), Hint.LENGTH), (b"\xff" * 60, Hint.STRUCTURE)]
)
def test_a_report_without_a_state_is_the_peers_fault(body: bytes, hint: Hint) -> None:
    """Too short for a state, or a state that is no text."""
    with pytest.raises(RemoteProtocolError) as caught:
        cmpp.read_report(body)
    assert caught.value.hint == hint


@pytest.mark.parametrize("name", ["cmpp2.0_connect", "cmpp2.1_connect", "cmpp3.0_connect"])
def test_the_golden_logins_know_the_secret(name: str) -> None:
    """The digest of the vectors is the one we compute, and a wrong secret is refused."""
    connect: Connect = golden(name)
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
    answer: ConnectResp = golden(name)
    source = bytes.fromhex("90d00c1d517abd0b4f65f6bcf8535d16")
    assert cmpp.accepts_ismg(answer, source, b"888888")
    assert not cmpp.accepts_ismg(answer, source, b"wrong")


def test_the_golden_report_reads_as_published() -> None:
    """The body of the report vector holds the submit's id, its state and its number."""
    deliver: Deliver = golden("cmpp2.0_deliver_report")
    report = cmpp.read_report(deliver.Msg_Content)
    assert cmpp.split_msg_id(report.Msg_Id) == cmpp.MsgId(11, 24, 6, 35, 9, 1001, 258)
    assert report[1:] == ("DELIVRD", "2611240635", "2611240636", "13800138000", 7)
