"""CMPP 2.0 and 3.0, as the gateway speaks it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from qingjing.doors.gateway.dialect import Cut, Notice, Offer, Outcome, Piece, Reply, Report
from qingjing.doors.gateway.moments import report_time, stamp
from qingjing.doors.gateway.results import result
from qingjing.doors.gateway.words import final, headed, short, words
from qingjing.settings import Route
from qingjing.wire import cmpp, content
from qingjing.wire.cmpp_tables import (
    LAYOUTS,
    REPORT_20,
    REPORT_30,
    V20,
    V30,
    Cancel,
    CancelResp,
    Command,
    Connect,
    Deliver,
    DeliverResp,
    Query,
    QueryResp,
    Submit,
    SubmitResp,
)
from qingjing.wire.cmpp_tables import Report as ReportContent
from qingjing.wire.events import Limits
from qingjing.wire.protocol import PDU
from qingjing.wire.session import Session
from qingjing.wire.stencil import Stencil, span

_ID: Final = struct.Struct(">Q")
_STAT_MAX: Final = 7
"""Octets of Stat; other protocols have longer words."""


class Cmpp:
    """The dialect. Both versions: the session knows which one is spoken."""

    name = "cmpp"
    wire = cmpp.PROTOCOL
    limits = Limits()
    cut = Cut()
    up, down = int(Command.SUBMIT), int(Command.DELIVER)

    def account(self, pdu: PDU) -> str | None:
        """Source_Addr of a CONNECT."""
        return pdu.Source_Addr if isinstance(pdu, Connect) else None

    def welcome(self, pdu: PDU, secret: bytes | None) -> tuple[PDU, bool]:
        """CONNECT_RESP."""
        assert isinstance(pdu, Connect)
        if secret is None:
            return cmpp.connect_answer(pdu, cmpp.Status.SOURCE_ADDRESS), False
        status = cmpp.login_status(pdu, secret)
        if status != cmpp.Status.OK:
            return cmpp.connect_answer(pdu, status), False
        return cmpp.connect_answer(pdu, 0, secret), True

    def offer(self, pdu: PDU, original: bytes) -> Offer | None:
        """A SUBMIT."""
        if type(pdu) is not Submit:
            return None
        concat, data = headed(pdu.Msg_Content, udhi=pdu.TP_udhi == 1)
        return Offer(
            pdu.Dest_terminal_Id,
            pdu.Src_Id,
            pdu.Service_Id,
            data,
            content.CODINGS.get(pdu.Msg_Fmt, ""),
            concat,
            pdu.Registered_Delivery == 1,
            original,
        )

    def answer(self, pdu: PDU, references: Sequence[int], outcomes: Sequence[int]) -> PDU:
        """SUBMIT_RESP: the first number's id; the others' ids follow it one by one."""
        assert isinstance(pdu, Submit)
        if 0 in outcomes:
            return SubmitResp(pdu.Sequence_Id, references[0], 0)
        return SubmitResp(pdu.Sequence_Id, 0, result(outcomes[0]))

    def decline(self, pdu: PDU) -> PDU | None:
        """Counts are all zero; what was acknowledged cannot be called back."""
        match pdu:
            case Query():
                return QueryResp(*pdu[:4])
            case Cancel():
                return CancelResp(pdu.Sequence_Id, 1)
            case Deliver():
                return DeliverResp(pdu.Sequence_Id, pdu.Msg_Id, cmpp.Result.COMMAND)
            case _:
                return None

    def notify(self, session: Session, notice: Notice, now: float) -> None:
        """DELIVER: a report, or a person's words."""
        if notice.words is None:
            minutes = report_time(notice.submitted_at), report_time(notice.done_at)
            stat = notice.stat[:_STAT_MAX]
            stencil = _report(session.version, notice.port, stat, *minutes)
            reference, phone = _ID.pack(notice.reference), notice.phone.encode()
            phones = (phone.ljust(size, b"\0") for size in stencil.sizes[1::2])
            first, second = phones
            session.request(stencil, notice, now, (reference, first, reference, second))
            return
        coding, data = short(notice.words)
        deliver = Deliver(
            Msg_Id=notice.reference,
            Dest_Id=notice.port,
            Src_terminal_Id=notice.phone,
            Msg_Fmt=coding,
            Msg_Content=data,
        )
        session.request(deliver, notice, now)

    def taken(self, pdu: PDU) -> bool:
        """DELIVER_RESP. 8 asks to slow down."""
        return bool(pdu[2] != cmpp.Result.FLOW_CONTROL)

    def greeting(self, route: Route, secret: bytes, at: int) -> PDU:
        """CONNECT."""
        moment = cmpp.timestamp(*stamp(at))
        return Connect(
            Source_Addr=route.account,
            AuthenticatorSource=cmpp.authenticator_source(route.account, secret, moment),
            Version=V20 if route.version == "2.0" else V30,
            Timestamp=moment,
        )

    def send(
        self, session: Session, route: Route, piece: Piece, token: object, now: float
    ) -> None:
        """SUBMIT."""
        phone, *shared, _extra = piece
        stencil = _submit(session.version, route.account, *shared)
        session.request(stencil, token, now, (stencil.pad(0, phone),))

    def outcome(self, pdu: PDU) -> Outcome:
        """SUBMIT_RESP. What was told to slow down has not been taken."""
        _sequence, msg_id, result = pdu
        return Outcome(result, _ID.pack(msg_id), result == cmpp.Result.FLOW_CONTROL)

    def news(self, pdu: PDU) -> Report | Reply | None:
        """DELIVER."""
        if not isinstance(pdu, Deliver):
            return None
        if pdu.Registered_Delivery == 1:
            report = cmpp.read_report(pdu.Msg_Content)
            return Report(_ID.pack(report.Msg_Id), final(report.Stat))
        part = content.Part(pdu.TP_udhi, pdu.Msg_Fmt, pdu.Msg_Content)
        return Reply(pdu.Src_terminal_Id, pdu.Dest_Id, words(part))

    def thanks(self, pdu: PDU) -> PDU | None:
        """DELIVER_RESP."""
        assert isinstance(pdu, Deliver)
        return DeliverResp(pdu.Sequence_Id, pdu.Msg_Id, 0)


@lru_cache(maxsize=20_000)
def _submit(
    version: int,
    account: str,
    port: str,
    total: int,
    number: int,
    udhi: int,
    coding: int,
    data: bytes,
) -> Stencil:
    """A part of one text, for any number; as many are kept as texts (``texts.CACHE_MAX``)."""
    layout = LAYOUTS[version][Command.SUBMIT]
    sample = Submit(
        Pk_total=total,
        Pk_number=number,
        Registered_Delivery=1,
        TP_udhi=udhi,
        Msg_Fmt=coding,
        Msg_src=account,
        Src_Id=port,
        Dest_terminal_Id=("",),
        Msg_Content=data,
    )
    return Stencil(layout, sample, [span(layout.fields, sample, "Dest_terminal_Id")])


@lru_cache(maxsize=10_000)
def _report(version: int, port: str, stat: str, submitted: str, done: str) -> Stencil:
    """A report of one state and minute, for any message: its id and number stand twice."""
    table = REPORT_30 if version == V30 else REPORT_20
    inner = ReportContent(Stat=stat, Submit_time=submitted, Done_time=done)
    layout = LAYOUTS[version][Command.DELIVER]
    sample = Deliver(Dest_Id=port, Registered_Delivery=1, Msg_Content=table.encode(inner))
    begin, _end = span(layout.fields, sample, "Msg_Content")
    return Stencil(
        layout,
        sample,
        [
            span(layout.fields, sample, "Msg_Id"),
            span(layout.fields, sample, "Src_terminal_Id"),
            span(table.fields, inner, "Msg_Id", begin),
            span(table.fields, inner, "Dest_terminal_Id", begin),
        ],
    )
