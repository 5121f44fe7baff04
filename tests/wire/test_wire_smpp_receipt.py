"""Delivery receipts, and the ids by which they find their submit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_vectors import golden

from qingjing.wire.errors import RemoteProtocolError
from qingjing.wire.smpp_message import UDHI
from qingjing.wire.smpp_pdus import DataSm, DeliverSm
from qingjing.wire.smpp_receipt import (
    RECEIPT,
    IdRule,
    MessageState,
    Receipt,
    answer_key,
    is_intermediate,
    is_receipt,
    read_receipt,
    receipt_keys,
    receipt_tlvs,
    write_receipt,
)
from qingjing.wire.smpp_tables import TAGS
from qingjing.wire.tlv import Tlv, make

WORDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=":"))


def told(text: str, *tlvs: Tlv) -> Receipt:
    """The receipt in a deliver of this text."""
    return read_receipt(DeliverSm(esm_class=RECEIPT, short_message=text.encode(), tlvs=tlvs))


def test_the_golden_receipt_names_its_submit_twice() -> None:
    """Decimal in the text, and as the answer gave it in the parameter."""
    receipt = read_receipt(golden("smpp_deliver_sm_receipt"))
    assert receipt == Receipt(
        "0001715004",
        "DELIVRD",
        submit_date="2611240635",
        done_date="2611240636",
        text="hello",
        receipted_message_id="1A2B3C",
    )
    answer = golden("smpp_submit_sm_resp").message_id
    for rule in (IdRule.AS_IS, IdRule.HEX_THEN_DECIMAL):
        assert answer_key(answer, rule) in receipt_keys(receipt, rule)


@pytest.mark.parametrize(
    ("esm_class", "yes"),
    [(0x04, True), (0x44, True), (0x07, True), (0x20, True), (0x00, False), (0x08, False)],
)
def test_a_receipt_is_told_by_some_bits_of_the_class(esm_class: int, yes: bool) -> None:
    """A header or a mode beside it does not hide it."""
    assert is_receipt(esm_class) is yes


@given(
    name=WORDS.filter(bool),
    stat=st.sampled_from(["DELIVRD", "UNDELIV", "REJECTD"]),
    err=WORDS.filter(bool),
    date=st.from_regex(r"[0-9]{10}([0-9]{2})?", fullmatch=True),
)
def test_a_receipt_is_read_as_it_is_written(name: str, stat: str, err: str, date: str) -> None:
    """Ids and codes of any form, dates with and without seconds."""
    receipt = Receipt(name, stat, err, "001", "000", date, date, "id:x stat:y")
    assert read_receipt(DeliverSm(short_message=write_receipt(receipt))) == receipt


@pytest.mark.parametrize(
    "text",
    [
        "ID:77 SUB:001 Stat:DELIVRD Err:12 Text:",
        "stat:delivrd id:77 err:12",
        "id:77 stat:DELIVRD submit_date:2611240635 err:12 txt:hello",
        "id: 77  stat: DELIVRD err: 12",
        "id:77\0 stat:DELIVRD\r\nerr:12",
    ],
)
def test_a_receipt_may_look_otherwise(text: str) -> None:
    """Case, order, underscores, spaces and missing fields vary: Appendix B only suggests."""
    receipt = told(text)
    assert (receipt.message_id, receipt.stat, receipt.err) == ("77", "DELIVRD", "12")


def test_the_parameters_hold_against_the_text() -> None:
    """State and error; what the text lacks they supply."""
    state = make(TAGS, 0x0427, MessageState.UNDELIVERABLE)
    error = make(TAGS, 0x0423, b"\x03\x00\x45")
    name = make(TAGS, 0x001E, "77")
    assert told("id:1 stat:DELIVRD", state).stat == "UNDELIV"
    assert told("", name, state, error) == Receipt(
        "", "UNDELIV", "069", "", "", receipted_message_id="77"
    )
    strange = make(TAGS, 0x0427, 99)
    assert told("id:1 stat:DELIVRD", strange).stat == "DELIVRD"


def test_a_receipt_stands_in_a_payload_in_ucs2_or_behind_a_header_too() -> None:
    """Wherever the text is, it is the same receipt."""
    text = "id:77 stat:EXPIRED"
    payload = make(TAGS, 0x0424, text.encode())
    wide = DeliverSm(data_coding=8, short_message=text.encode("utf-16-be"))
    headed = DeliverSm(
        esm_class=UDHI, short_message=bytes.fromhex("0500035a0101") + text.encode()
    )
    for message in (DataSm(tlvs=(payload,)), wide, headed):
        receipt = read_receipt(message)
        assert (receipt.message_id, receipt.stat) == ("77", "EXPIRED")


def test_a_receipt_without_an_id_is_the_peers_fault() -> None:
    """Nothing can be done with it."""
    with pytest.raises(RemoteProtocolError):
        told("stat:DELIVRD")


@given(octets=st.binary(max_size=254), coding=st.sampled_from([0, 8]), udhi=st.booleans())
def test_any_octets_are_a_receipt_or_the_peers_fault(
    octets: bytes, coding: int, udhi: bool
) -> None:
    """Nothing but RemoteProtocolError."""
    message = DeliverSm(
        esm_class=UDHI * udhi, data_coding=coding, short_message=b"id:" + octets
    )
    try:
        receipt = read_receipt(message)
    except RemoteProtocolError:
        return
    for rule in IdRule:
        assert receipt_keys(receipt, rule)


@pytest.mark.parametrize(
    ("rule", "answer", "receipt", "found"),
    [
        (IdRule.AS_IS, "1A2B3C", "1A2B3C", True),
        (IdRule.AS_IS, "1A2B3C", "1a2b3c", False),
        (IdRule.AS_IS, "007", "7", False),
        (IdRule.HEX_THEN_DECIMAL, "1A2B3C", "0001715004", True),
        (IdRule.HEX_THEN_DECIMAL, "10", "10", False),
        (IdRule.DECIMAL_THEN_HEX, "1715004", "1a2b3c", True),
        (IdRule.STRIP_ZEROS, "007", "7", True),
        (IdRule.STRIP_ZEROS, "000", "0", True),
        (IdRule.FOLD_CASE, "1A2B3C", "1a2b3c", True),
        (IdRule.HEX_THEN_DECIMAL, "c-1A", "c-1A", True),
        (IdRule.HEX_THEN_DECIMAL, "9" * 65, "9" * 65, True),
    ],
)
def test_an_id_finds_its_submit_by_the_upstreams_rule(
    rule: IdRule, answer: str, receipt: str, found: bool
) -> None:
    """Hexadecimal here and decimal there; what is no number stays as it is."""
    keys = receipt_keys(Receipt(receipt, "DELIVRD"), rule)
    assert (answer_key(answer, rule) in keys) is found


def test_a_parameter_that_repeats_the_text_is_not_read_as_the_answers() -> None:
    """1715004 as hexadecimal would be the id of another message."""
    receipt = Receipt("1715004", "DELIVRD", receipted_message_id="1715004")
    assert receipt_keys(receipt, IdRule.HEX_THEN_DECIMAL) == ("1715004",)
    assert receipt_keys(receipt._replace(message_id=""), IdRule.AS_IS) == ("1715004",)


def test_a_receipt_is_told_in_parameters_as_well() -> None:
    """The id, and the state where the word is one of the text's."""
    assert receipt_tlvs(Receipt("77", "DELIVRD")) == (
        Tlv(0x001E, b"77\0"),
        Tlv(0x0427, b"\x02"),
    )
    assert receipt_tlvs(Receipt("77", "MK:1234")) == (Tlv(0x001E, b"77\0"),)


def test_a_notice_on_the_way_is_no_end_whatever_it_says() -> None:
    """5.2.12: intermediate notification, beside any mode and header bit."""
    assert is_intermediate(0x20)
    assert is_intermediate(0x63)
    assert not is_intermediate(0x04)
    assert not is_intermediate(0x24)
