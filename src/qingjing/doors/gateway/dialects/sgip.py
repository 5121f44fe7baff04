"""SGIP 1.2, as the gateway speaks it.

Whoever dials asks, the other side answers (3.1): so there is a dialect for each of the two
logins, and for each node that we speak as, whose sessions draw that node's numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from qingjing.doors.gateway.dialect import Cut, Notice, Offer, Outcome, Piece, Reply, Report
from qingjing.doors.gateway.results_sgip import result, stat, state
from qingjing.doors.gateway.words import headed, short, words
from qingjing.settings import Route
from qingjing.wire import content, sgip
from qingjing.wire import sgip_tables as tables
from qingjing.wire.content import Part
from qingjing.wire.events import Limits
from qingjing.wire.protocol import PDU, Numbers
from qingjing.wire.session import Session
from qingjing.wire.sgip import LoginType, ReportFlag
from qingjing.wire.stencil import Stencil, span

DUPLEX: Final = replace(sgip.LIMITS, idle_s=300.0, quiet_s=330.0)
"""Timers of connections that also bring reports, seconds: they must last until a report comes,
most within minutes. A logout and login every five minutes shows that the peer lives, for the
protocol has nothing else that would; the end that listens waits a little longer."""


class Sgip:
    """The dialect of one node.

    :param login: who dials: SP, a provider to submit; SMG, a gateway to deliver and report.
    :param numbers: the node's; None where nothing is asked, on listeners of one-way accounts.
    :param duplex: the provider's connection also brings its reports and replies.
    :param prefix: what the other side has before the numbers of people; with it and without
        are read.
    """

    name = "sgip"
    cut = Cut()
    up, down = int(tables.Command.SUBMIT), int(tables.Command.DELIVER)

    def __init__(
        self,
        login: LoginType = LoginType.SP,
        numbers: Numbers | None = None,
        *,
        duplex: bool = False,
        prefix: str = "86",
    ) -> None:
        self._login, self._prefix = login, prefix
        self.wire = sgip.protocol(numbers, duplex=duplex)
        self.limits: Limits = DUPLEX if duplex else sgip.LIMITS

    def account(self, pdu: PDU) -> str | None:
        """LoginName of a Bind."""
        return pdu.LoginName if isinstance(pdu, tables.Bind) else None

    def welcome(self, pdu: PDU, secret: bytes | None) -> tuple[PDU, bool]:
        """Bind_Resp; the login type is that of the listener."""
        assert isinstance(pdu, tables.Bind)
        code = sgip.Result.LOGIN
        if secret is not None:
            code = sgip.login_result(pdu, secret.decode(), self._login)
        return tables.BindResp(pdu.SequenceNumber, code), code == sgip.Result.OK

    def offer(self, pdu: PDU, original: bytes) -> Offer | None:
        """A Submit; one for billing alone is not to be sent to anybody, and makes none."""
        if type(pdu) is not tables.Submit or pdu.ReportFlag == ReportFlag.BILLING:
            return None
        concat, data = headed(pdu.MessageContent, udhi=pdu.TP_udhi == 1)
        return Offer(
            tuple(map(sgip.bare, pdu.UserNumber)),
            pdu.SPNumber,
            pdu.ServiceType,
            data,
            content.CODINGS.get(pdu.MessageCoding, ""),
            concat,
            sgip.reported(pdu.ReportFlag, failed=True),
            original,
            failures_only=not sgip.reported(pdu.ReportFlag, failed=False),
        )

    def answer(self, pdu: PDU, references: Sequence[int], outcomes: Sequence[int]) -> PDU:
        """Submit_Resp: a result and no id, for the customer's own number is the message's."""
        del references
        assert isinstance(pdu, tables.Submit)
        code = 0 if 0 in outcomes else result(outcomes[0])
        return tables.SubmitResp(pdu.SequenceNumber, code)

    def decline(self, pdu: PDU) -> PDU | None:
        """Nothing else is served: 7, and 30 for a Submit that makes no offer."""
        billing = isinstance(pdu, tables.Submit)
        return _answer(pdu, sgip.Result.NOT_OFFERED if billing else sgip.Result.COMMAND)

    def notify(self, session: Session, notice: Notice, now: float) -> None:
        """A Report or a Deliver.

        What is told of a message whose submitted bytes were erased names no submit: zeros.
        """
        if notice.words is None:
            found, error = state(notice.stat)
            report = tables.Report(
                SubmitSequenceNumber=notice.origin or bytes(12),
                UserNumber=self._prefix + sgip.bare(notice.phone),
                State=found,
                ErrorCode=error,
            )
            session.request(report, notice, now)
            return
        coding, data = short(notice.words)
        deliver = tables.Deliver(
            UserNumber=self._prefix + sgip.bare(notice.phone),
            SPNumber=notice.port,
            MessageCoding=coding,
            MessageContent=data,
        )
        session.request(deliver, notice, now)

    def taken(self, pdu: PDU) -> bool:
        """Report_Resp or Deliver_Resp."""
        return pdu[1] not in sgip.TEMPORARY

    def greeting(self, route: Route, secret: bytes, at: int) -> PDU:
        """Bind."""
        del at  # the login has no time in it
        return self.bind(route.account, secret)

    def bind(self, account: str, secret: bytes) -> PDU:
        """The login of this side under a name. The password crosses the net in clear."""
        return tables.Bind(
            LoginType=self._login, LoginName=account, LoginPassword=secret.decode()
        )

    def send(
        self, session: Session, route: Route, piece: Piece, token: object, now: float
    ) -> None:
        """Submit."""
        company, service = route.sgip.company, route.sgip.service
        stencil = _submit(company, service, piece.port, piece.udhi, piece.coding, piece.content)
        phone = stencil.pad(0, self._prefix + piece.phone)
        session.request(stencil, token, now, (phone,))

    def outcome(self, pdu: PDU) -> Outcome:
        """Submit_Resp. The id is the number of our Submit, which the answer repeats."""
        assert isinstance(pdu, tables.SubmitResp)
        slow_down = pdu.Result in sgip.TEMPORARY
        return Outcome(pdu.Result, pdu.SequenceNumber, slow_down)

    def news(self, pdu: PDU) -> Report | Reply | None:
        """A Report of a submit, or a Deliver."""
        if isinstance(pdu, tables.Report) and pdu.ReportType == 0:
            return Report(pdu.SubmitSequenceNumber, stat(pdu.State, pdu.ErrorCode))
        if isinstance(pdu, tables.Deliver):
            part = Part(int(pdu.TP_udhi == 1), pdu.MessageCoding, pdu.MessageContent)
            return Reply(sgip.bare(pdu.UserNumber), pdu.SPNumber, words(part))
        return None

    def thanks(self, pdu: PDU) -> PDU | None:
        """The answer to a carrier's request. UserRpt and reports of forwarded delivers are
        taken note of; what a carrier does not ask of us is 7."""
        taken = isinstance(pdu, tables.Report | tables.Deliver | tables.UserRpt)
        return _answer(pdu, sgip.Result.OK if taken else sgip.Result.COMMAND)


_ANSWERS: Final[Mapping[type[Any], Callable[[bytes, int], PDU]]] = MappingProxyType(
    {
        tables.Submit: tables.SubmitResp,
        tables.Deliver: tables.DeliverResp,
        tables.Report: tables.ReportResp,
        tables.UserRpt: tables.UserRptResp,
        tables.Trace: lambda number, code: tables.TraceResp(number, (tables.TraceNode(code),)),
    }
)


def _answer(pdu: PDU, code: int) -> PDU | None:
    make = _ANSWERS.get(type(pdu))
    return None if make is None else make(pdu[0], code)


@lru_cache(maxsize=20_000)
def _submit(
    company: str, service: str, port: str, udhi: int, coding: int, data: bytes
) -> Stencil:
    """A part of one text, for any number; as many are kept as texts (``texts.CACHE_MAX``)."""
    layout = tables.LAYOUTS[tables.V12][tables.Command.SUBMIT]
    sample = tables.Submit(
        SPNumber=port,
        UserNumber=("",),
        CorpId=company,
        ServiceType=service,
        ReportFlag=ReportFlag.ALWAYS,
        TP_udhi=udhi,
        MessageCoding=coding,
        MessageContent=data,
    )
    return Stencil(layout, sample, [span(layout.fields, sample, "UserNumber")])
