"""Dialects by themselves: ids in the record, cuts, letters that a protocol writes otherwise."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from gateway_house import settings
from hypothesis import given
from hypothesis import strategies as st

from qingjing.doors.gateway import translate
from qingjing.doors.gateway.carriers import Carriers
from qingjing.doors.gateway.dialect import Cut, Outcome, Reply, Report
from qingjing.doors.gateway.dialects import spoken_with
from qingjing.doors.gateway.dialects.cmpp import Cmpp
from qingjing.doors.gateway.dialects.smgp import Smgp
from qingjing.doors.gateway.dialects.smpp import KEY_MAX, Smpp, extra, key
from qingjing.doors.gateway.links import Way
from qingjing.kernel.words import Phone
from qingjing.settings import Route, SettingsError
from qingjing.settings import Smpp as Habits
from qingjing.wire import cmpp_tables, gsm, smgp_tables
from qingjing.wire import smpp_pdus as pdus
from qingjing.wire.cmpp_tables import REPORT_30
from qingjing.wire.cmpp_tables import Report as Told
from qingjing.wire.errors import RemoteProtocolError
from qingjing.wire.smpp import Status
from qingjing.wire.smpp_tables import LAYOUTS, V34, Command
from qingjing.wire.tlv import Tlv, write_tlvs

SIGNS = "[A] @home_1 {50% off} ~ $9 |x| ^^ \\o/ "


@given(st.text("0123456789abcdefXYZ-", max_size=64), st.text("0123456789abc", max_size=64))
def test_a_carriers_id_has_sixteen_octets_in_the_record_and_stays_apart(
    one: str, other: str
) -> None:
    """Itself where it is short, its digest where it is long; two ids are two."""
    assert len(key(one)) <= KEY_MAX
    assert (key(one) == key(other)) == (one == other)


def test_generic_nack_is_an_answer() -> None:
    """With the status that it has: throttled is later, anything else is no."""
    speaks = Smpp()
    throttled = pdus.GenericNack(Status.RTHROTTLED, 7)

    assert speaks.outcome(throttled) == Outcome(Status.RTHROTTLED, b"", slow_down=True)
    assert speaks.outcome(pdus.GenericNack(3, 7)) == Outcome(3, b"")
    assert speaks.outcome(pdus.SubmitSmResp(Status.RSYSERR, 7)) == Outcome(8, b"")


@pytest.mark.parametrize(
    ("habits", "cut"),
    [
        (Habits(), Cut("gsm", 160)),
        (Habits(alphabet="ascii", ascii_max=140), Cut("ascii", 140)),
        (Habits(alphabet="latin-1"), Cut("ascii", 160)),
        (Habits(long="payload"), Cut("gsm", 160, whole=True)),
    ],
)
def test_texts_are_cut_as_the_carrier_wants_them(habits: Habits, cut: Cut) -> None:
    """The parts hold the text, none is longer than the air takes, and each is whole."""
    assert Smpp(habits).cut == cut
    body = SIGNS * 8
    pieces = [
        translate.piece(Phone("13800138000"), "106", body, number, 7, cut)
        for number in range(1, translate.part_count(body, cut) + 1)
    ]
    texts = []
    for piece in pieces:
        data = piece.content[6 if piece.udhi else 0 :]
        texts.append(gsm.decode(data) if cut.codec == "gsm" else data.decode())
        assert cut.whole or len(piece.content) <= 160

    assert "".join(texts) == body
    assert {piece.total for piece in pieces} == {len(pieces)}


def test_what_the_plain_coding_lacks_goes_as_ucs2() -> None:
    """Chinese, a line end in ASCII, a backtick in GSM."""
    for body, cut in (("好", Cut()), ("a\nb", Cut()), ("`", Cut("gsm", 160, whole=True))):
        (part,) = translate.split_body(body, cut)
        assert part.msg_fmt == 8
        assert part.content == body.encode("utf-16-be")


def test_routes_to_one_carrier_must_cut_alike() -> None:
    """The error names them and what to mend."""
    routes = settings({"mobile": 1, "unicom": 2}).routes
    other = Route(number=9, carrier="mobile", host="h", port=1, account="a", protocol="smpp")
    ways = {
        name: Way(name, route, b"", None, spoken_with(route))
        for name, route in {**routes, "smpp": other}.items()
    }

    with pytest.raises(SettingsError, match="mobile, smpp to mobile cut texts differently"):
        Carriers(ways, float, int, float, print, print, {})


def test_vendors_parameters_are_read_from_the_submitted_bytes() -> None:
    """Those of the vendors' range, in their order; nothing in other bytes."""
    tlvs = (Tlv(0x1401, b"b"), Tlv(0x0204, b"\0\1"), Tlv(0x1400, b"a\0"))
    frame = LAYOUTS[V34][Command.submit_sm].encode(pdus.SubmitSm(tlvs=tlvs))
    wanted = write_tlvs((tlvs[0], tlvs[2]))

    assert extra(frame) == wanted
    assert extra(frame + frame) == wanted
    for other in (b"", b"\0\0\0\x10", frame[:30], b"\xff" * 40):
        assert extra(other) == b""


@pytest.mark.parametrize("stat", ["", "ACCEPTD", "ENROUTE", "SCHEDUL"])
def test_in_cmpp_too_a_state_on_the_way_is_no_end(stat: str) -> None:
    """Taken for the end, it would close the message before its delivery; DELIVRD is one."""
    for word, said in ((stat, ""), ("DELIVRD", "DELIVRD"), ("CA:0054", "CA:0054")):
        told = REPORT_30.encode(Told(7, word, "2611241200", "2611241200", "13800138000"))
        news = Cmpp().news(cmpp_tables.Deliver(Registered_Delivery=1, Msg_Content=told))
        assert news == Report((7).to_bytes(8, "big"), said)


def test_in_cmpp_too_a_reply_is_read_without_its_header() -> None:
    """A part of a long reply that says T: with the header in it, it would say nothing."""
    for coding, letters in ((0, b"T"), (8, "退订".encode("utf-16-be"))):
        data = b"\5\0\3\7\2\1" + letters
        long = cmpp_tables.Deliver(
            Dest_Id="106", Src_terminal_Id="138", TP_udhi=1, Msg_Fmt=coding, Msg_Content=data
        )
        assert Cmpp().news(long) == Reply("138", "106", {0: "T", 8: "退订"}[coding])
    broken = cmpp_tables.Deliver(TP_udhi=1, Msg_Content=b"\x99T")
    assert Cmpp().news(broken) == Reply("", "", b"\x99T".decode("gb18030", "replace"))


TLVS = st.lists(
    st.builds(
        Tlv,
        st.sampled_from([1, 2, 9, 10, 0x1E, 0x20C, 0x20E, 0x20F, 0x423, 0x424, 0x427, 0x1400]),
        st.binary(max_size=20),
    ),
    max_size=5,
).map(tuple)


@given(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=254), TLVS)
def test_whatever_smpp_carries_is_read_or_refused(
    esm_class: int, coding: int, data: bytes, tlvs: tuple[Tlv, ...]
) -> None:
    """Submits, messages and receipts of any content: an offer, news, or the remote's fault."""
    speaks, carried = Smpp(), (esm_class, coding, data, tlvs)
    names = ("esm_class", "data_coding", "short_message", "tlvs")
    fields: dict[str, Any] = dict(zip(names, carried, strict=True))
    with suppress(RemoteProtocolError):
        offer = speaks.offer(pdus.SubmitSm(**fields), b"")
        assert offer is not None
        translate.body_of(offer.content, offer.codec)
    with suppress(RemoteProtocolError):
        assert speaks.news(pdus.DeliverSm(**fields)) is not None


@given(st.integers(0, 1), st.integers(0, 255), st.binary(max_size=255), TLVS)
def test_whatever_smgp_carries_is_read_or_refused(
    report: int, coding: int, data: bytes, tlvs: tuple[Tlv, ...]
) -> None:
    """The same."""
    speaks = Smgp()
    submit = smgp_tables.Submit(DestTermID=("1",), MsgFormat=coding, MsgContent=data, tlvs=tlvs)
    deliver = smgp_tables.Deliver(IsReport=report, MsgFormat=coding, MsgContent=data, tlvs=tlvs)
    with suppress(RemoteProtocolError):
        offer = speaks.offer(submit, b"")
        assert offer is not None
        translate.body_of(offer.content, offer.codec)
    with suppress(RemoteProtocolError):
        assert speaks.news(deliver) is not None
