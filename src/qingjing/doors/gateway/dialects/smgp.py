"""SMGP 3.0 and 1.3, as the gateway speaks it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from qingjing.doors.gateway.dialect import Cut, Notice, Offer, Outcome, Piece, Reply, Report
from qingjing.doors.gateway.moments import report_time, stamp
from qingjing.doors.gateway.results_smgp import status
from qingjing.doors.gateway.words import final, headed, short, told, words
from qingjing.settings import Route
from qingjing.wire import content, smgp
from qingjing.wire.content import Part
from qingjing.wire.events import Limits
from qingjing.wire.protocol import PDU
from qingjing.wire.session import Session
from qingjing.wire.smgp import LoginMode, Status
from qingjing.wire.smgp_message import Report as ReportContent
from qingjing.wire.smgp_message import read_part, read_report, with_part, write_report
from qingjing.wire.smgp_tables import (
    LAYOUTS,
    V13,
    V30,
    Command,
    Deliver,
    DeliverResp,
    Login,
    LoginResp,
    Query,
    QueryResp,
    Submit,
    SubmitResp,
)
from qingjing.wire.stencil import Stencil, span

_MODES: Final = {"receives": LoginMode.RECEIVE, "sends": LoginMode.SEND}
_LAYOUTS: Final = LAYOUTS[V30]
"""Those of both versions."""
_ID_AT, _ID_SIZE = 3, 10
"""Where the id stands in a report, after ``id:``."""


class Smgp:
    """The dialect. Both versions have the same layouts."""

    name = "smgp"
    wire = smgp.PROTOCOL
    limits = Limits()
    cut = Cut()
    up, down = int(Command.SUBMIT), int(Command.DELIVER)

    def account(self, pdu: PDU) -> str | None:
        """ClientID of a Login."""
        return pdu.ClientID if isinstance(pdu, Login) else None

    def welcome(self, pdu: PDU, secret: bytes | None) -> tuple[PDU, bool]:
        """Login_Resp."""
        assert isinstance(pdu, Login)
        if secret is None:
            return LoginResp(pdu.SequenceID, Status.ADDRESS), False
        found = smgp.login_status(pdu, secret)
        return smgp.login_answer(pdu, found, secret), found == Status.OK

    def offer(self, pdu: PDU, original: bytes) -> Offer | None:
        """A Submit; one for another time makes none."""
        if type(pdu) is not Submit or pdu.AtTime:
            return None
        udhi, coding, data = read_part(pdu)
        concat, data = headed(data, udhi=bool(udhi))
        return Offer(
            pdu.DestTermID,
            pdu.SrcTermID,
            pdu.ServiceID,
            data,
            content.CODINGS.get(coding, ""),
            concat,
            pdu.NeedReport == 1,
            original,
        )

    def answer(self, pdu: PDU, references: Sequence[int], outcomes: Sequence[int]) -> PDU:
        """Submit_Resp: the first number's id; the others' ids follow it one by one."""
        if 0 in outcomes:
            return SubmitResp(pdu[0], msg_id(references[0]), Status.OK)
        return SubmitResp(pdu[0], Status=status(outcomes[0]))

    def decline(self, pdu: PDU) -> PDU | None:
        """Counts are all zero; what is for another time is to be submitted then."""
        match pdu:
            case Query():
                return QueryResp(*pdu[:4])
            case Deliver():
                return DeliverResp(pdu.SequenceID, pdu.MsgID, Status.COMMAND)
            case Submit():
                return SubmitResp(pdu.SequenceID, Status=Status.AT_TIME)
            case _:
                return None

    def notify(self, session: Session, notice: Notice, now: float) -> None:
        """Deliver: a report, or a person's words."""
        if notice.words is None:
            minutes = report_time(notice.submitted_at), report_time(notice.done_at)
            stencil = _report(notice.port, notice.stat, *minutes)
            reference = msg_id(notice.reference)
            phone = stencil.pad(1, notice.phone)
            session.request(stencil, notice, now, (reference, phone, reference))
            return
        coding, data = short(notice.words)
        deliver = Deliver(
            MsgFormat=coding,
            RecvTime=f"20{report_time(notice.done_at)}00",
            SrcTermID=notice.phone,
            DestTermID=notice.port,
            MsgContent=data,
        )
        session.request(deliver, notice, now)

    def taken(self, pdu: PDU) -> bool:
        """Deliver_Resp."""
        return bool(pdu[2] != Status.BUSY)

    def greeting(self, route: Route, secret: bytes, at: int) -> PDU:
        """Login."""
        moment = smgp.timestamp(*stamp(at))
        return Login(
            ClientID=route.account,
            AuthenticatorClient=smgp.authenticator_client(route.account, secret, moment),
            LoginMode=_MODES.get(route.mode, LoginMode.BOTH),
            TimeStamp=moment,
            ClientVersion=V13 if route.version == "1.3" else V30,
        )

    def send(
        self, session: Session, route: Route, piece: Piece, token: object, now: float
    ) -> None:
        """Submit."""
        del route  # a Submit does not name the account
        stencil = _submit(piece.port, piece.udhi, piece.coding, piece.content)
        session.request(stencil, token, now, (stencil.pad(0, piece.phone),))

    def outcome(self, pdu: PDU) -> Outcome:
        """Submit_Resp. What was told to slow down has not been taken."""
        _sequence, upstream, found = pdu
        return Outcome(found, upstream, found == Status.BUSY)

    def news(self, pdu: PDU) -> Report | Reply | None:
        """Deliver."""
        if not isinstance(pdu, Deliver):
            return None
        if pdu.IsReport == 1:
            report = read_report(pdu.MsgContent)
            return Report(report.MsgID, final(report.Stat))
        return Reply(pdu.SrcTermID, pdu.DestTermID, words(read_part(pdu)))

    def thanks(self, pdu: PDU) -> PDU | None:
        """Deliver_Resp."""
        if not isinstance(pdu, Deliver):
            return None
        return DeliverResp(pdu.SequenceID, pdu.MsgID, Status.OK)


def msg_id(reference: int) -> bytes:
    """The MsgID under which a customer knows a message: the id that it was given, which is
    unique, as the twenty decimal digits that ten octets hold. So no two are alike, clients
    that want digits find digits, and the ids of a mass submit go up by one."""
    return bytes.fromhex(f"{reference:020}")


@lru_cache(maxsize=20_000)
def _submit(port: str, udhi: int, coding: int, data: bytes) -> Stencil:
    """A part of one text, for any number; as many are kept as texts (``texts.CACHE_MAX``)."""
    layout = _LAYOUTS[Command.SUBMIT]
    sample = with_part(Submit(SrcTermID=port, DestTermID=("",)), Part(udhi, coding, data))
    return Stencil(layout, sample, [span(layout.fields, sample, "DestTermID")])


@lru_cache(maxsize=10_000)
def _report(port: str, stat: str, submitted: str, done: str) -> Stencil:
    """A report of one state and minute, for any message."""
    word, own = told(stat)
    inner = ReportContent(
        bytes(_ID_SIZE),
        word,
        Err="000" if word == "DELIVRD" else "999",
        Submit_date=submitted,
        Done_date=done,
        Text=f"{len(own):03}{own}" if own else "",
    )
    layout = _LAYOUTS[Command.DELIVER]
    sample = Deliver(
        IsReport=1, RecvTime=f"20{done}00", DestTermID=port, MsgContent=write_report(inner)
    )
    begin, _end = span(layout.fields, sample, "MsgContent")
    return Stencil(
        layout,
        sample,
        [
            span(layout.fields, sample, "MsgID"),
            span(layout.fields, sample, "SrcTermID"),
            (begin + _ID_AT, begin + _ID_AT + _ID_SIZE),
        ],
    )
