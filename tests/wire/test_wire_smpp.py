"""SMPP's own matters: versions, alphabets, parts of long messages, refusals."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_vectors import golden

from qingjing.wire import content, gsm, smpp
from qingjing.wire.content import GSM, Part, join, split
from qingjing.wire.errors import Hint, LocalProtocolError, RemoteProtocolError
from qingjing.wire.smpp import Status
from qingjing.wire.smpp_message import SHORT_MAX, Way, codings, read_part, with_part
from qingjing.wire.smpp_pdus import (
    BindTransceiver,
    BindTransceiverResp,
    CancelSm,
    CancelSmResp,
    DataSm,
    DeliverSm,
    DistributionList,
    QuerySmResp,
    SmeAddress,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
)
from qingjing.wire.smpp_tables import HEADER, LAYOUTS, TAGS, V33, V34, Command
from qingjing.wire.tlv import Tlv, make

L34 = LAYOUTS[V34]
CODINGS = codings()
VENDOR = Tlv(0x1400, b"P1234567890")
REFUSED = Status.RINVDSTADR


def frame(command: int, status: int, body: bytes) -> bytes:
    """A frame whose length is right."""
    head = (16 + len(body), command, status, 9)
    return b"".join(n.to_bytes(4, "big") for n in head) + body


@pytest.mark.parametrize("command", [c for c in Command if c >= 0x80000000])
@pytest.mark.parametrize("status", [0, 0x58])
def test_an_answer_may_have_no_body(command: Command, status: int) -> None:
    """Sixteen octets are an answer, whatever its status; a failed one is written so."""
    bare = frame(command, status, b"")
    pdu = L34[command].decode(bare)
    assert pdu[:2] == (status, 9)
    if status:
        assert L34[command].encode(pdu) == bare


def test_a_failed_answer_may_have_a_body_and_even_a_senseless_one() -> None:
    """The status is what counts: the rest is read if it can be."""
    layout = L34[Command.submit_sm_resp]
    assert layout.decode(frame(layout.command, 8, b"77\0")) == SubmitSmResp(8, 9, "77")
    assert layout.encode(SubmitSmResp(8, 9, "77")) == frame(layout.command, 8, b"77\0")
    assert layout.decode(frame(layout.command, 8, b"\xff")) == SubmitSmResp(8, 9)
    with pytest.raises(RemoteProtocolError) as caught:
        layout.decode(frame(layout.command, 0, b"\xff"))
    assert (caught.value.hint, caught.value.sequence) == (Hint.LENGTH, 9)
    query = L34[Command.query_sm_resp]
    assert query.decode(frame(query.command, 0x67, b"")) == QuerySmResp(0x67, 9)


def test_optional_parameters_go_through_in_their_order() -> None:
    """A vendor's own among them, such as a registered sender's number; twice if it is twice."""
    tlvs = (VENDOR, make(TAGS, 0x0204, 77), VENDOR)
    submit = SubmitSm(0, 1, short_message=b"hello", tlvs=tlvs)
    assert L34[Command.submit_sm].decode(L34[Command.submit_sm].encode(submit)) == submit


def test_a_peer_of_3_3_is_read_with_parameters_and_sent_none() -> None:
    """3.4 must not send them (section 3.4); what names the wrong version sends them anyway."""
    old, new = LAYOUTS[V33][Command.submit_sm], L34[Command.submit_sm]
    submit = SubmitSm(0, 1, tlvs=(VENDOR,))
    assert old.decode(new.encode(submit)) == submit
    with pytest.raises(LocalProtocolError):
        old.encode(submit)
    assert old.encode(submit._replace(tlvs=())) == new.encode(submit._replace(tlvs=()))


@pytest.mark.parametrize(
    ("octets", "hint"),
    [
        ("0424", Hint.STRUCTURE),
        ("042400", Hint.STRUCTURE),
        ("04240005ff", Hint.STRUCTURE),
    ],
)
def test_a_parameter_that_is_cut_off_is_the_peers_fault(octets: str, hint: Hint) -> None:
    """The last one promises more than the frame holds."""
    whole = L34[Command.submit_sm].encode(SubmitSm(0, 9))
    bad = frame(Command.submit_sm, 0, whole[16:] + bytes.fromhex(octets))
    with pytest.raises(RemoteProtocolError) as caught:
        L34[Command.submit_sm].decode(bad)
    assert caught.value.hint == hint


def test_a_short_message_has_254_octets_and_not_255() -> None:
    """Section 5.2.21: the 255th is refused on both ways."""
    layout = L34[Command.submit_sm]
    full = layout.encode(SubmitSm(0, 9, short_message=bytes(SHORT_MAX)))
    assert len(layout.decode(full).short_message) == SHORT_MAX
    with pytest.raises(LocalProtocolError):
        layout.encode(SubmitSm(short_message=bytes(255)))
    body = full[16:].replace(b"\xfe" + bytes(SHORT_MAX), b"\xff" + bytes(255))
    with pytest.raises(RemoteProtocolError) as caught:
        layout.decode(frame(Command.submit_sm, 0, body))
    assert caught.value.hint == Hint.STRUCTURE


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        (b"1" * 20 + b"\0", None),
        (b"1" * 21 + b"\0", Hint.STRUCTURE),
        (b"1" * 10, Hint.LENGTH),
        (b"1\xff\0", Hint.STRUCTURE),
    ],
)
def test_a_closed_text_has_a_maximum_and_a_nul(source: bytes, hint: Hint | None) -> None:
    """21 octets with the NUL; too long, never closed, or no ASCII is the peer's fault."""
    body = b"1A2B3C\0\0\1" + source
    if hint is None:
        assert L34[Command.query_sm].decode(frame(3, 0, body)).source_addr == "1" * 20
        return
    with pytest.raises(RemoteProtocolError) as caught:
        L34[Command.query_sm].decode(frame(3, 0, body))
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    "bad",
    [
        SubmitSm(source_addr="1" * 21),
        SubmitSm(source_addr="号"),
        SubmitSm(source_addr=b"1"),  # type: ignore[arg-type]
        SubmitSm(short_message="text"),  # type: ignore[arg-type]
        SubmitSm(tlvs=[VENDOR]),  # type: ignore[arg-type]
        SubmitSm(tlvs=((1, b""),)),  # type: ignore[arg-type]
        SubmitSm(tlvs=(Tlv(70000, b""),)),
        SubmitSm(tlvs=(Tlv(1, bytes(70000)),)),
    ],
)
def test_what_does_not_fit_is_our_own_error(bad: SubmitSm) -> None:
    """Nothing is cut in silence: not a password, not a number, not a parameter."""
    with pytest.raises(LocalProtocolError):
        L34[Command.submit_sm].encode(bad)


def test_a_submit_to_many_names_numbers_and_lists() -> None:
    """dest_flag tells which; an answer names those that were left out."""
    many: SubmitMulti = golden("smpp_submit_multi")
    assert many.dest_address == (SmeAddress(1, 1, "8613800138000"), DistributionList("vip"))
    left_out: SubmitMultiResp = golden("smpp_submit_multi_resp")
    assert left_out.unsuccess_sme[0].error_status_code == REFUSED
    layout = L34[Command.submit_multi]
    raw = layout.encode(many)
    for at, octet in ((28 + 0, 0), (29, 3)):
        bad = bytearray(raw)
        assert bad[at] in {1, 2}
        bad[at] = octet
        with pytest.raises(RemoteProtocolError) as caught:
            layout.decode(bytes(bad))
        assert caught.value.hint == Hint.STRUCTURE


@pytest.mark.parametrize(
    "dests",
    [
        (),
        (DistributionList("vip"),) * 255,
        [DistributionList("vip")],
        ("13800138000",),
        (SmeAddress(dest_addr_ton=256),),
        (SmeAddress(dest_addr_ton="1"),),  # type: ignore[arg-type]
        (DistributionList("x" * 21),),
    ],
)
def test_destinations_that_do_not_fit_are_our_own_error(dests: Any) -> None:
    """None, too many, of no known kind, or with a field that holds no such value."""
    with pytest.raises(LocalProtocolError):
        L34[Command.submit_multi].encode(SubmitMulti(dest_address=dests))


@given(text=st.text(st.sampled_from(sorted(gsm._OCTETS)), max_size=400))
def test_the_gsm_alphabet_is_read_as_it_is_written(text: str) -> None:
    """All its characters, those of two octets among them."""
    assert gsm.decode(gsm.encode(text)) == text


def test_the_gsm_alphabet_is_not_ascii() -> None:
    """The commercial at is 0, the dollar 2, the underscore 17; the euro takes two octets."""
    assert gsm.encode("@$_€[") == bytes.fromhex("000211 1b65 1b3c")
    assert len(gsm._BASIC) == 128
    assert gsm.decode(b"a\x1b") == "a "
    assert gsm.decode(b"\x1b\x1b\x1ba") == "  a"
    with pytest.raises(RemoteProtocolError):
        gsm.decode(b"\x80")
    with pytest.raises(LocalProtocolError):
        gsm.encode("退")


@pytest.mark.parametrize(
    ("coding", "octets", "text"),
    [
        (0, "00", "@"),
        (1, "40", "@"),
        (3, "e9", "é"),
        (8, "90008ba2", "退订"),
        (0x18, "90008ba2", "退订"),
        (0x10, "00", "@"),
        (0xF1, "00", "@"),
        (15, "cdcbb6a9", "退订"),
        (4, "00", b"\0"),
        (0xF5, "00", b"\0"),
    ],
)
def test_a_number_names_an_alphabet(coding: int, octets: str, text: str | bytes) -> None:
    """Plain, with a class, and those that are none of text."""
    assert content.decode_text(bytes.fromhex(octets), coding, CODINGS) == text


def test_what_zero_means_is_a_setting_of_the_peer() -> None:
    """GSM 03.38 in most of the world, Latin-1 at some; other numbers can be added."""
    assert content.decode_text(b"@\xe9", 0, codings("latin-1")) == "@é"
    assert content.decode_text(b"\xb2\xe2", 245, codings(others={245: "gb18030"})) == "测"


@settings(max_examples=60)
@given(
    text=st.text("aZ@{}€ éñ退订😀", max_size=500),
    coding=st.sampled_from([0, 1, 3, 8, 15]),
    way=st.sampled_from(Way),
    wide=st.booleans(),
)
def test_a_long_message_comes_back_whichever_way_it_was_cut(
    text: str, coding: int, way: Way, wide: bool
) -> None:
    """With a header or with parameters, in any alphabet, through the frame and back."""
    parts = split(text, coding, 0x1234, wide=wide, codings=CODINGS)
    layout = L34[Command.submit_sm]
    sent = [with_part(SubmitSm(tlvs=(VENDOR,)), part, way=way) for part in parts]
    assert all(VENDOR in submit.tlvs for submit in sent)
    read = [read_part(layout.decode(layout.encode(submit))) for submit in sent]
    assert join(reversed(read), CODINGS) == text
    assert all(bool(s.esm_class & 0x40) is (way is Way.UDH and len(parts) > 1) for s in sent)


@pytest.mark.parametrize(
    ("text", "sizes"), [("a" * 160, [160]), ("a" * 161, [159, 14]), ("€" * 81, [158, 16])]
)
def test_gsm_text_has_160_septets_or_153_a_part(text: str, sizes: list[int]) -> None:
    """An escape and its character are never parted."""
    parts = split(text, 0, 1, codings=CODINGS)
    assert [len(p.content) for p in parts] == sizes
    assert CODINGS[parts[0].msg_fmt] == GSM


def test_the_three_ways_are_read_into_one_form() -> None:
    """A header, three parameters, or all of it in message_payload."""
    udh = read_part(golden("smpp_submit_sm_udh1of2"))
    assert (udh.tp_udhi, udh.content[:6].hex()) == (1, "050003070201")
    sar = read_part(golden("smpp_submit_sm_sar"))
    assert sar == Part(1, 8, bytes.fromhex("0608040007020190008ba2"))
    assert read_part(golden("smpp_submit_sm_payload")) == Part(0, 8, "退订".encode("utf-16-be"))
    assert read_part(golden("smpp_data_sm")) == Part(0, 8, "退订".encode("utf-16-be"))


def sar(reference: int = 7, total: int = 2, number: int = 1) -> tuple[Tlv, ...]:
    """The three parameters of a part."""
    pairs = ((0x020C, reference), (0x020E, total), (0x020F, number))
    return tuple(make(TAGS, tag, value) for tag, value in pairs)


def test_a_header_and_parameters_together_are_read_by_the_header() -> None:
    """It occurs; a header without a part number takes it from the parameters."""
    both = SubmitSm(esm_class=0x40, short_message=bytes.fromhex("0500035a020161"), tlvs=sar(9))
    assert read_part(both).content.hex() == "0500035a020161"
    port = both._replace(short_message=bytes.fromhex("06050400010002") + b"a")
    assert read_part(port).content.hex() == "0c080400090201" + "050400010002" + "61"
    full = both._replace(short_message=b"\xfd\x70\xfb" + bytes(251))
    with pytest.raises(RemoteProtocolError):
        read_part(full)


@pytest.mark.parametrize("tlvs", [sar(7, 2, 0), sar(7, 2, 3), sar(7, 0, 0), sar()[:2]])
def test_parameters_that_count_wrongly_say_nothing(tlvs: tuple[Tlv, ...]) -> None:
    """Such parts occur, and are plain messages."""
    assert read_part(DeliverSm(short_message=b"a", tlvs=tlvs)) == Part(0, 0, b"a")


def test_a_text_in_two_places_is_the_peers_fault() -> None:
    """Section 5.3.2.32 allows one of them only; an empty one does no harm."""
    payload = make(TAGS, 0x0424, b"b")
    with pytest.raises(RemoteProtocolError):
        read_part(SubmitSm(short_message=b"a", tlvs=(payload,)))
    assert read_part(SubmitSm(short_message=b"a", tlvs=(Tlv(0x0424, b""),))).content == b"a"
    assert read_part(DataSm()) == Part(0, 0, b"")


def test_a_text_too_long_for_short_message_goes_into_the_payload() -> None:
    """Up to 64 KiB; a header that cannot be read is our own error."""
    submit = with_part(SubmitSm(), Part(0, 8, bytes(1000)))
    assert submit.short_message == b""
    assert read_part(submit) == Part(0, 8, bytes(1000))
    with pytest.raises(LocalProtocolError):
        with_part(submit, Part(1, 8, b"\x05"), way=Way.SAR)
    kept = with_part(submit, Part(1, 8, bytes.fromhex("06050400010002")), way=Way.SAR)
    assert kept.esm_class == 0x40


@pytest.mark.parametrize(
    ("version", "tlvs"), [(0x34, (Tlv(0x0210, b"\x34"),)), (0x33, ()), (0x50, None), (0, ())]
)
def test_only_a_client_of_3_4_is_told_our_version(
    version: int, tlvs: tuple[Tlv, ...] | None
) -> None:
    """A client of 3.3 must be sent no parameter, and a refused one learns nothing."""
    bind = BindTransceiver(0, 5, "user1", "pass1", interface_version=version)
    answer = smpp.bind_answer(bind, Status.ROK, "SMSC")
    expected = (Tlv(0x0210, b"\x34"),) if tlvs is None else tlvs
    assert answer == BindTransceiverResp(0, 5, "SMSC", expected)
    refused = BindTransceiverResp(Status.RINVPASWD, 5)
    assert smpp.bind_answer(bind, Status.RINVPASWD, "SMSC") == refused
    assert smpp.accepts_password(bind, "pass1")
    assert not smpp.accepts_password(bind, "pass2")


@pytest.mark.parametrize(
    ("tlvs", "version"),
    [
        ((), V34),
        ((Tlv(0x0210, b"\x34"),), V34),
        ((Tlv(0x0210, b"\x33"),), V33),
        ((Tlv(0x0210, b""),), V34),
    ],
)
def test_a_server_that_says_nothing_is_one_of_3_4(tlvs: tuple[Tlv, ...], version: int) -> None:
    """The text says the opposite; most servers of 3.4 do not name it."""
    frame = L34[Command.bind_transceiver_resp].encode(BindTransceiverResp(0, 1, "S", tlvs))
    assert smpp.PROTOCOL.version_of_answer(frame) == version


def test_what_the_owner_does_not_serve_is_declined_for_good() -> None:
    """A cancel is answered that it failed, with its own number."""
    assert smpp.declined(CancelSm(0, 7)) == CancelSmResp(Status.RCANCELFAIL, 7)
    for pdu in (SubmitSm, DeliverSm, DataSm, SubmitMulti):
        assert smpp.declined(pdu())[HEADER.status_at or 0] not in {0, *smpp.TEMPORARY}


def test_every_status_has_a_meaning_and_is_found_by_its_number() -> None:
    """The words are for people; the numbers are those of 5.1.3."""
    assert Status(0x58) is Status.RTHROTTLED
    assert all(status.meaning for status in Status)
    assert max(Status) == 0xFF


@pytest.mark.parametrize(
    ("tag", "value", "octets"),
    [
        (0x0427, 2, "02"),
        (0x001E, "1A2B", "3141324200"),
        (0x0424, b"\0", "00"),
        (0x0423, b"\3\0\1", "030001"),
        (0x1400, b"x", "78"),
    ],
)
def test_a_parameter_is_made_as_its_tag_wants(
    tag: int, value: int | str | bytes, octets: str
) -> None:
    """Integers, closed texts, and bytes for what nobody here knows."""
    assert make(TAGS, tag, value) == Tlv(tag, bytes.fromhex(octets))


@pytest.mark.parametrize(
    ("tag", "value"),
    [(0x0427, 256), (0x0427, "2"), (0x001E, "x" * 65), (0x001E, "a\0"), (0x1400, "x")],
)
def test_a_parameter_of_another_kind_is_our_own_error(tag: int, value: int | str) -> None:
    """A text for an integer, or one that is too long."""
    with pytest.raises(LocalProtocolError):
        make(TAGS, tag, value)
