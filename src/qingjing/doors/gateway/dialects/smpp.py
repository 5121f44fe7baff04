"""SMPP 3.4 and 3.3, as the gateway speaks it with one peer."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2s
from typing import Final

from qingjing.doors.gateway.dialect import Cut, Notice, Offer, Outcome, Piece, Reply, Report
from qingjing.doors.gateway.moments import report_time
from qingjing.doors.gateway.results_smpp import SLOW_DOWN, status
from qingjing.doors.gateway.words import final, headed, told, words
from qingjing.settings import Route
from qingjing.settings import Smpp as Habits
from qingjing.wire import content, smpp
from qingjing.wire import smpp_pdus as pdus
from qingjing.wire.content import Part
from qingjing.wire.errors import LocalProtocolError, RemoteProtocolError
from qingjing.wire.events import Limits
from qingjing.wire.protocol import PDU
from qingjing.wire.session import Session
from qingjing.wire.smpp import TEMPORARY, Status
from qingjing.wire.smpp_message import SHORT_MAX, Way, codings, read_part, with_part
from qingjing.wire.smpp_receipt import (
    RECEIPT,
    IdRule,
    Receipt,
    answer_key,
    is_intermediate,
    is_receipt,
    read_receipt,
    receipt_keys,
    receipt_tlvs,
    write_receipt,
)
from qingjing.wire.smpp_tables import LAYOUTS, V33, V34, Command
from qingjing.wire.stencil import Span, Stencil, span
from qingjing.wire.tlv import read_tlvs, write_tlvs

NAME: Final = "qingjing"
"""Our system_id, for customers."""
KEY_MAX: Final = 16
"""Octets of a carrier's id in the record (``rows.MOVE``)."""
_ID_AT, _TLV_HEAD = 3, 4
"""Where the id stands in a receipt's text, after ``id:``, and in a parameter."""
_VENDORS: Final = range(0x1400, 0x4000)
_BINDS: Final = {"receives": pdus.BindReceiver, "sends": pdus.BindTransmitter}


class Smpp:
    """The dialect, with the habits of one peer."""

    name = "smpp"
    wire = smpp.PROTOCOL
    limits = Limits(frame_max=smpp.FRAME_MAX)
    up, down = int(Command.submit_sm), int(Command.deliver_sm)

    def __init__(self, habits: Habits | None = None) -> None:
        self._habits = habits = habits or Habits()
        self._codings = codings(habits.alphabet)
        self._ids = IdRule(habits.ids)
        codec = content.GSM if habits.alphabet == content.GSM else "ascii"
        most = 160 if codec == content.GSM else habits.ascii_max
        self.cut = Cut(codec, most, whole=habits.long == "payload")

    def account(self, pdu: PDU) -> str | None:
        """system_id of a bind."""
        return pdu.system_id if isinstance(pdu, smpp.Bind) else None

    def welcome(self, pdu: PDU, secret: bytes | None) -> tuple[PDU, bool]:
        """The answer to a bind of any kind."""
        assert isinstance(pdu, smpp.Bind)
        if secret is None:
            return smpp.bind_answer(pdu, Status.RINVSYSID), False
        if not smpp.accepts_password(pdu, secret.decode()):
            return smpp.bind_answer(pdu, Status.RINVPASWD), False
        return smpp.bind_answer(pdu, Status.ROK, NAME), True

    def offer(self, pdu: PDU, original: bytes) -> Offer | None:
        """A submit_sm, submit_multi or data_sm; none for another time, and none in place of an
        earlier one. What is sent to a list of ours goes to a number that is none."""
        if not isinstance(pdu, pdus.SubmitSm | pdus.SubmitMulti | pdus.DataSm):
            return None
        if _unserved(pdu):
            return None
        part = read_part(pdu)
        concat, data = headed(part.content, udhi=bool(part.tp_udhi))
        wanted = pdu.registered_delivery & 3
        return Offer(
            _numbers(pdu),
            pdu.source_addr,
            pdu.service_type,
            data,
            self._codings.get(part.msg_fmt, ""),
            concat,
            wanted in {1, 2},
            original,
            failures_only=wanted == 2,
        )

    def answer(self, pdu: PDU, references: Sequence[int], outcomes: Sequence[int]) -> PDU:
        """The answer of the same kind: the first number's id; the others' follow it one by one.
        A submit_multi is told, too, which numbers were left out."""
        failed = 0 if 0 in outcomes else status(outcomes[0])
        name = "" if failed else message_id(references[0])
        match pdu:
            case pdus.SubmitMulti():
                left_out = tuple(
                    pdus.UnsuccessSme(1, 1, number, status(outcome))
                    for number, outcome in zip(_numbers(pdu), outcomes, strict=False)
                    if outcome and not failed
                )
                return pdus.SubmitMultiResp(failed, pdu.sequence_number, name, left_out)
            case pdus.DataSm():
                return pdus.DataSmResp(failed, pdu.sequence_number, name)
            case _:
                return pdus.SubmitSmResp(failed, pdu[1], name)

    def decline(self, pdu: PDU) -> PDU | None:
        """What was acknowledged is not asked after, called back or replaced."""
        match pdu:
            case pdus.AlertNotification() | pdus.Outbind():
                return None
            case pdus.SubmitSm() if _unserved(pdu):
                return pdus.SubmitSmResp(_unserved(pdu), pdu.sequence_number)
            case pdus.SubmitMulti() if _unserved(pdu):
                return pdus.SubmitMultiResp(_unserved(pdu), pdu.sequence_number)
            case _:
                return smpp.declined(pdu)

    def notify(self, session: Session, notice: Notice, now: float) -> None:
        """deliver_sm: a receipt, or a person's words."""
        phone = self._habits.prefix + notice.phone if notice.phone else ""
        if notice.words is None:
            stencil = _receipt(
                session.version,
                self._habits,
                len(phone),
                notice.port,
                notice.stat,
                report_time(notice.submitted_at),
                report_time(notice.done_at),
            )
            number, name = phone.encode(), message_id(notice.reference).encode()
            names = (name,) * (len(stencil.sizes) - 1)
            session.request(stencil, notice, now, (number, *names))
            return
        message = pdus.DeliverSm(
            *(0, 0, "", *self._habits.dest, phone, *self._habits.source, notice.port)
        )
        coding, data = self._encoded(notice.words)
        if session.version == V33:
            data = data[:SHORT_MAX]  # a longer one would need a parameter
        session.request(with_part(message, Part(0, coding, data)), notice, now)

    def _encoded(self, text: str) -> tuple[int, bytes]:
        """A text in the peer's default alphabet, or in UCS2."""
        try:
            return 0, content.encode_text(text, 0, self._codings)
        except LocalProtocolError:
            return content.UCS2, content.encode_text(text, content.UCS2)

    def taken(self, pdu: PDU) -> bool:
        """The answer to a deliver_sm, or generic_nack."""
        return pdu[0] not in TEMPORARY

    def greeting(self, route: Route, secret: bytes, at: int) -> PDU:
        """A bind of the route's mode."""
        del at  # the login has no time in it
        return _BINDS.get(route.mode, pdus.BindTransceiver)(
            system_id=route.account,
            password=secret.decode(),
            system_type=self._habits.system_type,
            interface_version=V33 if route.version == "3.3" else V34,
        )

    def send(
        self, session: Session, route: Route, piece: Piece, token: object, now: float
    ) -> None:
        """submit_sm."""
        del route  # its habits are known
        phone = self._habits.prefix + piece.phone
        stencil = _submit(
            self._habits,
            len(phone),
            piece.port,
            piece.udhi,
            piece.coding,
            piece.content,
            piece.extra,
        )
        session.request(stencil, token, now, (phone.encode(),))

    def outcome(self, pdu: PDU) -> Outcome:
        """submit_sm_resp, with or without a body, or generic_nack."""
        found: int = pdu[0]
        name = pdu.message_id if isinstance(pdu, pdus.SubmitSmResp) else ""
        return Outcome(found, key(answer_key(name, self._ids)), found in SLOW_DOWN)

    def news(self, pdu: PDU) -> Report | Reply | None:
        """deliver_sm or data_sm: a receipt, or a person's words."""
        if not isinstance(pdu, pdus.DeliverSm | pdus.DataSm):
            return None
        if not is_receipt(pdu.esm_class):
            text = words(read_part(pdu), self._codings)
            return Reply(pdu.source_addr, pdu.destination_addr, text)
        receipt = read_receipt(pdu)
        stat = "" if is_intermediate(pdu.esm_class) else final(receipt.stat)
        first, *others = (key(name) for name in receipt_keys(receipt, self._ids))
        return Report(first, stat, others[0] if others else b"")

    def thanks(self, pdu: PDU) -> PDU | None:
        """deliver_sm_resp or data_sm_resp; what else a carrier may ask is declined."""
        match pdu:
            case pdus.DeliverSm():
                return pdus.DeliverSmResp(Status.ROK, pdu.sequence_number)
            case pdus.DataSm():
                return pdus.DataSmResp(Status.ROK, pdu.sequence_number)
            case _:
                return self.decline(pdu)


def message_id(reference: int) -> str:
    """The message_id under which a customer knows a message: the id that it was given, as
    sixteen hexadecimal digits in lower case. Its first digit is a month, so none is lost to
    clients that drop zeros."""
    return f"{reference:016x}"


def key(name: str) -> bytes:
    """A carrier's message_id as the record holds it: itself, or where it has more than 16
    octets its BLAKE2s digest of 16."""
    raw = name.encode()
    return raw if len(raw) <= KEY_MAX else blake2s(raw, digest_size=KEY_MAX).digest()


def extra(original: bytes) -> bytes:
    """The vendors' parameters of a submitted frame (of the first part's, where it had more),
    as they stood in it; empty when the bytes are no frame of ours, or erased.

    That frame is kept under seal with the decision, so that a restart finds them there.
    """
    layout = LAYOUTS[V34].get(int.from_bytes(original[4:8], "big"))
    try:
        size = int.from_bytes(original[:4], "big")
        tlvs = getattr(layout.decode(original[:size]), "tlvs", ()) if layout else ()
    except (RemoteProtocolError, struct.error):
        return b""
    return write_tlvs(tuple(tlv for tlv in tlvs if tlv.tag in _VENDORS))


def _unserved(pdu: PDU) -> int:
    """Why a submit makes no offer: it is for another time, or in place of an earlier one."""
    if getattr(pdu, "schedule_delivery_time", ""):
        return Status.RINVSCHED
    return Status.RINVSUBREP if getattr(pdu, "replace_if_present_flag", 0) else 0


def _numbers(pdu: pdus.SubmitSm | pdus.SubmitMulti | pdus.DataSm) -> tuple[str, ...]:
    """Whom a submit is for."""
    if not isinstance(pdu, pdus.SubmitMulti):
        return (pdu.destination_addr,)
    return tuple(
        one.destination_addr if isinstance(one, pdus.SmeAddress) else one.dl_name
        for one in pdu.dest_address
    )


@lru_cache(maxsize=20_000)
def _submit(
    habits: Habits, digits: int, port: str, udhi: int, coding: int, data: bytes, extra: bytes
) -> Stencil:
    """A part of one text, for any number of so many digits; as many are kept as texts
    (``texts.CACHE_MAX``).

    Written with the parameters that the settings ask for even where the bind says 3.3: whoever
    set them knows the carrier.
    """
    layout = LAYOUTS[V34][Command.submit_sm]
    tags = frozenset(habits.tags)
    sample = pdus.SubmitSm(
        *(0, 0, "", *habits.source, port, *habits.dest, "0" * digits),
        registered_delivery=1,
        tlvs=tuple(tlv for tlv in read_tlvs(extra, 0) if tlv.tag in tags),
    )
    way = Way.SAR if habits.long == "sar" else Way.UDH
    sample = with_part(sample, Part(udhi, coding, data), way=way)
    return Stencil(layout, sample, [span(layout.fields, sample, "destination_addr")])


@lru_cache(maxsize=10_000)
def _receipt(
    version: int, habits: Habits, digits: int, port: str, stat: str, submitted: str, done: str
) -> Stencil:
    """A receipt of one state and minute, for any message and number of so many digits."""
    word, own = told(stat)
    delivered = word == "DELIVRD"
    receipt = Receipt(
        "0" * KEY_MAX,
        word,
        err="000" if delivered else "999",
        dlvrd="001" if delivered else "000",
        submit_date=submitted,
        done_date=done,
        text=own,
    )
    layout = LAYOUTS[version][Command.deliver_sm]
    sample = pdus.DeliverSm(
        *(0, 0, "", *habits.dest, "0" * digits, *habits.source, port),
        esm_class=RECEIPT,
        short_message=write_receipt(receipt),
        tlvs=receipt_tlvs(receipt) if version == V34 else (),
    )
    begin, end = span(layout.fields, sample, "short_message")
    holes: list[Span] = [
        span(layout.fields, sample, "source_addr"),
        (begin + _ID_AT, begin + _ID_AT + KEY_MAX),
    ]
    if version == V34:
        holes.append((end + _TLV_HEAD, end + _TLV_HEAD + KEY_MAX))
    return Stencil(layout, sample, holes)
