"""SGIP 1.2: every PDU that a service provider (SP) and a gateway (SMG) exchange, as tables.

Source: China Unicom's SGIP 1.2 (October 2001), whose sections are named here. What gateways
say to each other's name server (4.2.3.6 to 4.2.3.15) and to billing (4.3.1) is left out.

All integers are big-endian. Texts are ASCII, padded with NUL.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

from .fields import Content, Count, Field, Raw, Records, Text, TextList, Uint
from .layout import Header, Layout

__all__ = [
    "HEADER",
    "LAYOUTS",
    "V12",
    "Bind",
    "BindResp",
    "Command",
    "Deliver",
    "DeliverResp",
    "Report",
    "ReportResp",
    "Submit",
    "SubmitResp",
    "Trace",
    "TraceNode",
    "TraceResp",
    "Unbind",
    "UnbindResp",
    "UserRpt",
    "UserRptResp",
]

V12 = 0x12
"""The name of the only layouts. Nothing on the wire tells a version."""


class Command(IntEnum):
    """Command ids (5.1, where they are called message ids); an answer has the top bit set."""

    BIND = 0x00000001
    UNBIND = 0x00000002
    SUBMIT = 0x00000003
    DELIVER = 0x00000004
    REPORT = 0x00000005
    USERRPT = 0x00000011
    TRACE = 0x00001000
    BIND_RESP = 0x80000001
    UNBIND_RESP = 0x80000002
    SUBMIT_RESP = 0x80000003
    DELIVER_RESP = 0x80000004
    REPORT_RESP = 0x80000005
    USERRPT_RESP = 0x80000011
    TRACE_RESP = 0x80001000


class Bind(NamedTuple):
    """Log in. The password crosses the net in clear; it is left out of ``repr``."""

    SequenceNumber: bytes = bytes(12)
    LoginType: int = 1
    LoginName: str = ""
    LoginPassword: str = ""
    Reserve: str = ""

    def __repr__(self) -> str:
        return f"Bind({self.SequenceNumber!r}, {self.LoginType}, {self.LoginName!r})"


class BindResp(NamedTuple):
    """Answer to a login: a :class:`~qingjing.wire.sgip.Result`."""

    SequenceNumber: bytes = bytes(12)
    Result: int = 0
    Reserve: str = ""


class Unbind(NamedTuple):
    """Log out; the side that logged in does."""

    SequenceNumber: bytes = bytes(12)


class UnbindResp(NamedTuple):
    """Answer to a logout; both sides then close."""

    SequenceNumber: bytes = bytes(12)


class Submit(NamedTuple):
    """One message, or one part of a long one, to 1 to 100 numbers, all with 86 before them.

    ``SequenceNumber`` is the id of the message: reports name it. ``MessageContent`` begins
    with a user data header when ``TP_udhi`` is 1.
    """

    SequenceNumber: bytes = bytes(12)
    SPNumber: str = ""
    ChargeNumber: str = "000000000000000000000"
    UserNumber: tuple[str, ...] = ()
    CorpId: str = ""
    ServiceType: str = ""
    FeeType: int = 1
    FeeValue: str = "0"
    GivenValue: str = "0"
    AgentFlag: int = 0
    MorelatetoMTFlag: int = 2
    Priority: int = 0
    ExpireTime: str = ""
    ScheduleTime: str = ""
    ReportFlag: int = 1
    TP_pid: int = 0
    TP_udhi: int = 0
    MessageCoding: int = 8
    MessageType: int = 0
    MessageContent: bytes = b""
    Reserve: str = ""


class SubmitResp(NamedTuple):
    """Answer to a submit: a :class:`~qingjing.wire.sgip.Result`. It gives no id."""

    SequenceNumber: bytes = bytes(12)
    Result: int = 0
    Reserve: str = ""


class Deliver(NamedTuple):
    """A person's message. Unlike in CMPP, the person's number comes first."""

    SequenceNumber: bytes = bytes(12)
    UserNumber: str = ""
    SPNumber: str = ""
    TP_pid: int = 0
    TP_udhi: int = 0
    MessageCoding: int = 0
    MessageContent: bytes = b""
    Reserve: str = ""


class DeliverResp(NamedTuple):
    """Answer to a deliver: a :class:`~qingjing.wire.sgip.Result`."""

    SequenceNumber: bytes = bytes(12)
    Result: int = 0
    Reserve: str = ""


class Report(NamedTuple):
    """What became of one number of a submit: ``SubmitSequenceNumber`` and ``UserNumber``.

    ``State`` is a :class:`~qingjing.wire.sgip.State`, ``ErrorCode`` says why it failed. No
    time is in it.
    """

    SequenceNumber: bytes = bytes(12)
    SubmitSequenceNumber: bytes = bytes(12)
    ReportType: int = 0
    UserNumber: str = ""
    State: int = 0
    ErrorCode: int = 0
    Reserve: str = ""


class ReportResp(NamedTuple):
    """Answer to a report: a :class:`~qingjing.wire.sgip.Result`."""

    SequenceNumber: bytes = bytes(12)
    Result: int = 0
    Reserve: str = ""


class UserRpt(NamedTuple):
    """The gateway tells a provider what became of a person's number."""

    SequenceNumber: bytes = bytes(12)
    SPNumber: str = ""
    UserNumber: str = ""
    UserCondition: int = 0
    Reserve: str = ""


class UserRptResp(NamedTuple):
    """Answer to a user report: a :class:`~qingjing.wire.sgip.Result`."""

    SequenceNumber: bytes = bytes(12)
    Result: int = 0
    Reserve: str = ""


class Trace(NamedTuple):
    """Ask which way one number's copy of a submit went."""

    SequenceNumber: bytes = bytes(12)
    SubmitSequenceNumber: bytes = bytes(12)
    UserNumber: str = ""
    Reserve: str = ""


class TraceNode(NamedTuple):
    """One node that a traced message went through; times are yymmddhhmmss."""

    Result: int = 0
    NodeId: str = ""
    ReceiveTime: str = ""
    SendTime: str = ""
    Reserve: str = ""


class TraceResp(NamedTuple):
    """Answer to a trace, within five minutes."""

    SequenceNumber: bytes = bytes(12)
    Nodes: tuple[TraceNode, ...] = ()


HEADER = Header(
    (Raw("SequenceNumber", 12, "node, MMDDhhmmss, counter; the answer repeats it"),),
    "SequenceNumber",
)
"""Section 4.2.2: Message Length, Command ID, Sequence Number, 20 bytes in all."""

_RESERVE = Text("Reserve", 8, "unused")
_RESULT = (Uint("Result", 1, "0 accepted, else see Result"), _RESERVE)
_SP = Text("SPNumber", 21, "the provider's number")
_USER = Text("UserNumber", 21, "the person's number, with 86", varied=True)
_SUBMIT_ID = Raw("SubmitSequenceNumber", 12, "the sequence number of the submit")
_MESSAGE = (
    Uint("TP_pid", 1, "GSM 03.40, 9.2.3.9"),
    Uint("TP_udhi", 1, "1: the content begins with a user data header"),
    Uint("MessageCoding", 1, "0 ASCII, 3 SIM, 4 binary, 8 UCS2, 15 GBK"),
)
_CONTENT = (
    Count("MessageLength", 4, "MessageContent", "bytes of content"),
    Content("MessageContent", "text, with its user data header if TP_udhi is 1"),
    _RESERVE,
)

_BIND: tuple[Field, ...] = (
    Uint("LoginType", 1, "1 SP to SMG, 2 SMG to SP, 3 SMG to SMG, 11 test"),
    Text("LoginName", 16, "account at the side that listens"),
    # Varied, so that no memo keeps a password.
    Text("LoginPassword", 16, "in clear", varied=True),
    _RESERVE,
)
"""Section 4.2.3.1."""

_SUBMIT: tuple[Field, ...] = (
    _SP,
    Text("ChargeNumber", 21, "who pays: empty each user, 21 zeros the SP", varied=True),
    Count("UserCount", 1, "UserNumber", "number of destinations"),
    TextList("UserNumber", 21, 1, 100, "destinations, with 86"),
    Text("CorpId", 5, "company code"),
    Text("ServiceType", 10, "business code"),
    Uint("FeeType", 1, "0 sent free, 1 free, 2 per message, 3 monthly, 4 by the SP"),
    Text("FeeValue", 6, "amount in fen"),
    Text("GivenValue", 6, "amount given to the user, in fen"),
    Uint("AgentFlag", 1, "0 receivable, 1 received"),
    Uint("MorelatetoMTFlag", 1, "0 first after an MO, 1 later, 2 without MO, 3 system"),
    Uint("Priority", 1, "0 to 9"),
    Text("ExpireTime", 16, "valid until, yymmddhhmmss032+, or empty"),
    Text("ScheduleTime", 16, "send at, yymmddhhmmss032+, or empty"),
    Uint("ReportFlag", 1, "0 report a failure, 1 report all, 2 none, 3 billing only"),
    *_MESSAGE,
    Uint("MessageType", 1, "0 short message"),
    *_CONTENT,
)
"""Section 4.2.3.3."""

_REPORT: tuple[Field, ...] = (
    _SUBMIT_ID,
    Uint("ReportType", 1, "0 of a submit, 1 of a forwarded deliver"),
    _USER,
    Uint("State", 1, "0 delivered, 1 waiting, 2 failed"),
    Uint("ErrorCode", 1, "why it failed, see Result"),
    _RESERVE,
)
"""Section 4.2.3.5."""

_USERRPT: tuple[Field, ...] = (
    _SP,
    _USER,
    Uint("UserCondition", 1, "0 cancelled, 1 suspended for debt, 2 restored"),
    _RESERVE,
)
"""Section 4.3.3."""

_TRACE_RESP: tuple[Field, ...] = (
    Count("Count", 1, "Nodes", "nodes that the message went through"),
    Records(
        "Nodes",
        (
            (
                TraceNode,
                (
                    Uint("Result", 1, "0 passed on, 1 waiting, else see Result"),
                    Text("NodeId", 6, "node"),
                    Text("ReceiveTime", 16, "yymmddhhmmss"),
                    Text("SendTime", 16, "yymmddhhmmss"),
                    _RESERVE,
                ),
            ),
        ),
        0,
        255,
        "one for each node",
    ),
)
"""Section 4.4.2."""

_BODIES: dict[Command, tuple[type[Any], tuple[Field, ...]]] = {
    Command.BIND: (Bind, _BIND),
    Command.BIND_RESP: (BindResp, _RESULT),
    Command.UNBIND: (Unbind, ()),
    Command.UNBIND_RESP: (UnbindResp, ()),
    Command.SUBMIT: (Submit, _SUBMIT),
    Command.SUBMIT_RESP: (SubmitResp, _RESULT),
    Command.DELIVER: (Deliver, (_USER, _SP, *_MESSAGE, *_CONTENT)),
    Command.DELIVER_RESP: (DeliverResp, _RESULT),
    Command.REPORT: (Report, _REPORT),
    Command.REPORT_RESP: (ReportResp, _RESULT),
    Command.USERRPT: (UserRpt, _USERRPT),
    Command.USERRPT_RESP: (UserRptResp, _RESULT),
    Command.TRACE: (Trace, (_SUBMIT_ID, _USER, _RESERVE)),
    Command.TRACE_RESP: (TraceResp, _TRACE_RESP),
}

LAYOUTS: dict[int, dict[int, Layout[Any]]] = {
    V12: {int(c): Layout(c, HEADER, pdu, fields) for c, (pdu, fields) in _BODIES.items()}
}
"""Layouts by version and command."""
