"""SMGP 3.0.3 (China Telecom): the PDUs of a service provider and a gateway, as tables.

Source: China Telecom's SMGP 3.0.3 (2008). Names of fields are the text's. All integers are
big-endian. Texts are ASCII, padded with NUL, and may fill their field to its last byte.

Versions 1.3 and 3.0 have the same layouts. Optional parameters are of 3.0 alone by the text,
but what logs in as 1.3 sends them, and a long message cannot do without.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from .fields import Content, Count, Field, Raw, Text, TextList, Tlvs, Uint
from .layout import Header, Layout
from .tlv import Tlv

__all__ = [
    "HEADER",
    "LAYOUTS",
    "TAGS",
    "V13",
    "V30",
    "ActiveTest",
    "ActiveTestResp",
    "Command",
    "Deliver",
    "DeliverResp",
    "Exit",
    "ExitResp",
    "Login",
    "LoginResp",
    "Query",
    "QueryResp",
    "Submit",
    "SubmitResp",
]

V13 = 0x13
"""Version byte of SMGP 1.3, and the name of its layouts."""
V30 = 0x30
"""Version byte of SMGP 3.0, and the name of its layouts, which are the same."""


class Command(IntEnum):
    """Request ids; a response is its request with the top bit set. 5 and those above 7 are
    between gateways."""

    LOGIN = 0x00000001
    SUBMIT = 0x00000002
    DELIVER = 0x00000003
    ACTIVE_TEST = 0x00000004
    EXIT = 0x00000006
    QUERY = 0x00000007
    LOGIN_RESP = 0x80000001
    SUBMIT_RESP = 0x80000002
    DELIVER_RESP = 0x80000003
    ACTIVE_TEST_RESP = 0x80000004
    EXIT_RESP = 0x80000006
    QUERY_RESP = 0x80000007


class Login(NamedTuple):
    """Log in. ``LoginMode`` 0 sends, 1 receives, 2 does both; ``TimeStamp`` is MMDDHHMMSS."""

    SequenceID: int = 0
    ClientID: str = ""
    AuthenticatorClient: bytes = bytes(16)
    LoginMode: int = 2
    TimeStamp: int = 0
    ClientVersion: int = V30


class LoginResp(NamedTuple):
    """Answer to a login; ``Status`` 0 accepts. The digest is zero when the login fails."""

    SequenceID: int = 0
    Status: int = 0
    AuthenticatorServer: bytes = bytes(16)
    ServerVersion: int = V30


class Submit(NamedTuple):
    """One message, or one part of a long one, to 1 to 100 numbers."""

    SequenceID: int = 0
    MsgType: int = 6
    NeedReport: int = 1
    Priority: int = 0
    ServiceID: str = ""
    FeeType: str = "00"
    FeeCode: str = "000000"
    FixedFee: str = "000000"
    MsgFormat: int = 8
    ValidTime: str = ""
    AtTime: str = ""
    SrcTermID: str = ""
    ChargeTermID: str = ""
    DestTermID: tuple[str, ...] = ()
    MsgContent: bytes = b""
    Reserve: str = ""
    tlvs: tuple[Tlv, ...] = ()


class SubmitResp(NamedTuple):
    """Answer to a submit: the id the gateway gave, and :class:`~qingjing.wire.smgp.Status`."""

    SequenceID: int = 0
    MsgID: bytes = bytes(10)
    Status: int = 0


class Deliver(NamedTuple):
    """A person's message, or a report on one of ours (``IsReport`` 1)."""

    SequenceID: int = 0
    MsgID: bytes = bytes(10)
    IsReport: int = 0
    MsgFormat: int = 0
    RecvTime: str = ""
    SrcTermID: str = ""
    DestTermID: str = ""
    MsgContent: bytes = b""
    Reserve: str = ""
    tlvs: tuple[Tlv, ...] = ()


class DeliverResp(NamedTuple):
    """Answer to a deliver; ``MsgID`` is copied from it."""

    SequenceID: int = 0
    MsgID: bytes = bytes(10)
    Status: int = 0


class Query(NamedTuple):
    """Ask for the counts of a day; ``QueryTime`` is YYYYMMDD."""

    SequenceID: int = 0
    QueryTime: str = ""
    QueryType: int = 0
    QueryCode: str = ""


class QueryResp(NamedTuple):
    """The counts of a day, in messages and users."""

    SequenceID: int = 0
    QueryTime: str = ""
    QueryType: int = 0
    QueryCode: str = ""
    MT_TLMsg: int = 0
    MT_Tlusr: int = 0
    MT_Scs: int = 0
    MT_WT: int = 0
    MT_FL: int = 0
    MO_Scs: int = 0
    MO_WT: int = 0
    MO_FL: int = 0
    Reserve: str = ""


class ActiveTest(NamedTuple):
    """A heartbeat; either side may."""

    SequenceID: int = 0


class ActiveTestResp(NamedTuple):
    """Answer to a heartbeat."""

    SequenceID: int = 0


class Exit(NamedTuple):
    """Log out; either side may."""

    SequenceID: int = 0


class ExitResp(NamedTuple):
    """Answer to a logout."""

    SequenceID: int = 0


HEADER = Header(
    (Uint("SequenceID", 4, "the sender's own counter; the answer repeats it"),), "SequenceID"
)
"""PacketLength, RequestID, SequenceID, 12 bytes in all."""

TAGS: Mapping[int, Field] = MappingProxyType(
    {
        0x0001: Uint("TP_pid", 1, "GSM 03.40, 9.2.3.9"),
        0x0002: Uint("TP_udhi", 1, "1: the content begins with a user data header"),
        0x0003: Text("LinkID", 20, "session of an ordered service"),
        0x0004: Uint(
            "ChargeUserType", 1, "who pays: 0 destination, 1 source, 2 sender, 3 other"
        ),
        0x0005: Uint("ChargeTermType", 1, "0 real number, 1 pseudonym"),
        0x0006: Content("ChargeTermPseudo", "pseudonym of the number billed"),
        0x0007: Uint("DestTermType", 1, "0 real number, 1 pseudonym"),
        0x0008: Content("DestTermPseudo", "pseudonym of the destination"),
        0x0009: Uint("PkTotal", 1, "parts of this message, from 1"),
        0x000A: Uint("PkNumber", 1, "this part, from 1"),
        0x000B: Uint("SubmitMsgType", 1, "0 a message, 1 to 5 notices of a subscription"),
        0x000C: Uint("SPDealResult", 1, "how the subscription went: 0 well, 1 not"),
        0x000D: Uint("SrcTermType", 1, "0 real number, 1 pseudonym"),
        0x000E: Content("SrcTermPseudo", "pseudonym of the handset"),
        0x000F: Uint("NodesCount", 1, "how many gateways it went through"),
        0x0010: Text("MsgSrc", 8, "the sender's account"),
        0x0011: Uint("SrcType", 1, "where it comes from"),
        0x0012: Text("MServiceID", 21, "business code"),
    }
)
"""The optional parameters by tag; their order is free."""

_MSG_ID = Raw("MsgID", 10, "see MsgID")
_FMT = Uint("MsgFormat", 1, "0 ASCII, 3 SIM, 4 binary, 8 UCS2, 15 GB18030, 246 (U)SIM")
_TEXT = (
    Count("MsgLength", 1, "MsgContent", "bytes of content"),
    Content("MsgContent", "text, with its user data header if TP_udhi is 1; or the report"),
    Text("Reserve", 8, "unused"),
    Tlvs("tlvs", TAGS, "see Optional parameters"),
)
_SUBMIT = (
    Uint("MsgType", 1, "6 to a handset, 0 from one, 7 between two"),
    Uint("NeedReport", 1, "0 no report, 1 report"),
    Uint("Priority", 1, "0 low to 3 high"),
    Text("ServiceID", 10, "business code"),
    Text("FeeType", 2, "00 free, 01 per message, 02 monthly, 03 capped"),
    Text("FeeCode", 6, "amount in fen"),
    Text("FixedFee", 6, "monthly amount or cap in fen"),
    _FMT,
    Text("ValidTime", 17, "valid until, SMPP time, or empty"),
    Text("AtTime", 17, "send at, SMPP time, or empty"),
    Text("SrcTermID", 21, "sender number that the phone shows"),
    Text("ChargeTermID", 21, "number billed; empty: the destination", varied=True),
    Count("DestTermIDCount", 1, "DestTermID", "number of destinations"),
    TextList("DestTermID", 21, 1, 100, "destinations"),
    *_TEXT,
)
_DELIVER = (
    _MSG_ID,
    Uint("IsReport", 1, "0 a person's message, 1 a status report"),
    _FMT,
    Text("RecvTime", 14, "YYYYMMDDHHMMSS", varied=True),
    Text("SrcTermID", 21, "the handset; in a report the destination", varied=True),
    Text("DestTermID", 21, "number written to; in a report the SrcTermID of the submit"),
    *_TEXT,
)
_DAY = (
    Text("QueryTime", 8, "day, YYYYMMDD"),
    Uint("QueryType", 1, "0 all, 1 by business code"),
    Text("QueryCode", 10, "business code when QueryType is 1"),
)
_COUNTERS = (
    Uint("MT_TLMsg", 4, "messages received from the sender"),
    Uint("MT_Tlusr", 4, "users received from the sender"),
    Uint("MT_Scs", 4, "forwarded"),
    Uint("MT_WT", 4, "waiting to be forwarded"),
    Uint("MT_FL", 4, "not forwarded"),
    Uint("MO_Scs", 4, "delivered to the sender"),
    Uint("MO_WT", 4, "waiting to be delivered"),
    Uint("MO_FL", 4, "not delivered"),
    Text("Reserve", 8, "unused"),
)
_ANSWER = (
    Raw("MsgID", 10, "the id this answer is about"),
    Uint("Status", 4, "0 accepted, else see Status"),
)
_LOGIN = (
    Text("ClientID", 8, "account"),
    Raw("AuthenticatorClient", 16, "MD5(account, seven NUL, secret, timestamp)"),
    Uint("LoginMode", 1, "0 sends, 1 receives, 2 both"),
    Uint("TimeStamp", 4, "MMDDHHMMSS as a decimal integer"),
    Uint("ClientVersion", 1, "high nibble major, low nibble minor"),
)
_LOGIN_RESP = (
    Uint("Status", 4, "0 accepted, else see Status"),
    Raw("AuthenticatorServer", 16, "MD5(Status, AuthenticatorClient, secret)"),
    Uint("ServerVersion", 1, "highest version the server speaks"),
)
_BODIES: dict[Command, tuple[type[Any], tuple[Field, ...]]] = {
    Command.LOGIN: (Login, _LOGIN),
    Command.LOGIN_RESP: (LoginResp, _LOGIN_RESP),
    Command.SUBMIT: (Submit, _SUBMIT),
    Command.SUBMIT_RESP: (SubmitResp, _ANSWER),
    Command.DELIVER: (Deliver, _DELIVER),
    Command.DELIVER_RESP: (DeliverResp, _ANSWER),
    Command.ACTIVE_TEST: (ActiveTest, ()),
    Command.ACTIVE_TEST_RESP: (ActiveTestResp, ()),
    Command.EXIT: (Exit, ()),
    Command.EXIT_RESP: (ExitResp, ()),
    Command.QUERY: (Query, _DAY),
    Command.QUERY_RESP: (QueryResp, (*_DAY, *_COUNTERS)),
}

_LAYOUTS = {int(c): Layout(c, HEADER, pdu, fields) for c, (pdu, fields) in _BODIES.items()}

LAYOUTS: dict[int, dict[int, Layout[Any]]] = {V13: _LAYOUTS, V30: _LAYOUTS}
"""Layouts by version and command."""
