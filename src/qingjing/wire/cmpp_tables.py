"""CMPP 2.0, 2.1 and 3.0: every PDU that a service provider and a gateway exchange, as tables.

Sources: China Mobile's CMPP 2.0 (2002) and CMPP 3.0.0 (QB-GF-028-2003). The sections named
here are those of 2.0, whose order 3.0.0 keeps. Version 2.1 uses the layouts of 2.0. A field
that only one version has stays in the one class with its empty value as the default.

All integers are big-endian. Texts are ASCII, padded with NUL.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

from .fields import Absent, Content, Count, Field, Raw, Text, TextList, Uint
from .layout import Header, Layout, Table

__all__ = [
    "HEADER",
    "LAYOUTS",
    "REPORT_20",
    "REPORT_30",
    "V20",
    "V30",
    "ActiveTest",
    "ActiveTestResp",
    "Cancel",
    "CancelResp",
    "Command",
    "Connect",
    "ConnectResp",
    "Deliver",
    "DeliverResp",
    "Query",
    "QueryResp",
    "Report",
    "Submit",
    "SubmitResp",
    "Terminate",
    "TerminateResp",
]

V20 = 0x20
"""Version byte of CMPP 2.0, and the name of its layouts, which 2.1 shares."""
V30 = 0x30
"""Version byte of CMPP 3.0, and the name of its layouts."""


class Command(IntEnum):
    """Command ids; a response is its request with the top bit set. There is no 3."""

    CONNECT = 0x00000001
    TERMINATE = 0x00000002
    SUBMIT = 0x00000004
    DELIVER = 0x00000005
    QUERY = 0x00000006
    CANCEL = 0x00000007
    ACTIVE_TEST = 0x00000008
    CONNECT_RESP = 0x80000001
    TERMINATE_RESP = 0x80000002
    SUBMIT_RESP = 0x80000004
    DELIVER_RESP = 0x80000005
    QUERY_RESP = 0x80000006
    CANCEL_RESP = 0x80000007
    ACTIVE_TEST_RESP = 0x80000008


class Connect(NamedTuple):
    """Log in. ``Timestamp`` is MMDDHHMMSS as one decimal integer, local time of the sender."""

    Sequence_Id: int = 0
    Source_Addr: str = ""
    AuthenticatorSource: bytes = bytes(16)
    Version: int = V30
    Timestamp: int = 0


class ConnectResp(NamedTuple):
    """Answer to a login; ``Status`` 0 accepts. The digest is zero when the login fails."""

    Sequence_Id: int = 0
    Status: int = 0
    AuthenticatorISMG: bytes = bytes(16)
    Version: int = V30


class Terminate(NamedTuple):
    """Log out; either side may."""

    Sequence_Id: int = 0


class TerminateResp(NamedTuple):
    """Answer to a logout."""

    Sequence_Id: int = 0


class Submit(NamedTuple):
    """One message, or one part of a long one, to 1 to 100 numbers."""

    Sequence_Id: int = 0
    Msg_Id: int = 0
    Pk_total: int = 1
    Pk_number: int = 1
    Registered_Delivery: int = 1
    Msg_level: int = 0
    Service_Id: str = ""
    Fee_UserType: int = 2
    Fee_terminal_Id: str = ""
    Fee_terminal_type: int = 0
    TP_pId: int = 0
    TP_udhi: int = 0
    Msg_Fmt: int = 8
    Msg_src: str = ""
    FeeType: str = "01"
    FeeCode: str = "000000"
    ValId_Time: str = ""
    At_Time: str = ""
    Src_Id: str = ""
    Dest_terminal_Id: tuple[str, ...] = ()
    Dest_terminal_type: int = 0
    Msg_Content: bytes = b""
    Reserve: str = ""
    LinkID: str = ""


class SubmitResp(NamedTuple):
    """Answer to a submit: the id the gateway gave, and :class:`~qingjing.wire.cmpp.Result`."""

    Sequence_Id: int = 0
    Msg_Id: int = 0
    Result: int = 0


class Deliver(NamedTuple):
    """A person's message, or a report on one of ours (``Registered_Delivery`` 1)."""

    Sequence_Id: int = 0
    Msg_Id: int = 0
    Dest_Id: str = ""
    Service_Id: str = ""
    TP_pid: int = 0
    TP_udhi: int = 0
    Msg_Fmt: int = 0
    Src_terminal_Id: str = ""
    Src_terminal_type: int = 0
    Registered_Delivery: int = 0
    Msg_Content: bytes = b""
    Reserved: str = ""
    LinkID: str = ""


class DeliverResp(NamedTuple):
    """Answer to a deliver; ``Msg_Id`` is copied from it."""

    Sequence_Id: int = 0
    Msg_Id: int = 0
    Result: int = 0


class Query(NamedTuple):
    """Ask for the counts of a day; ``Time`` is YYYYMMDD."""

    Sequence_Id: int = 0
    Time: str = ""
    Query_Type: int = 0
    Query_Code: str = ""
    Reserve: str = ""


class QueryResp(NamedTuple):
    """The counts of a day, in messages and users."""

    Sequence_Id: int = 0
    Time: str = ""
    Query_Type: int = 0
    Query_Code: str = ""
    MT_TLMsg: int = 0
    MT_Tlusr: int = 0
    MT_Scs: int = 0
    MT_WT: int = 0
    MT_FL: int = 0
    MO_Scs: int = 0
    MO_WT: int = 0
    MO_FL: int = 0


class Cancel(NamedTuple):
    """Ask to drop a message that has not left yet."""

    Sequence_Id: int = 0
    Msg_Id: int = 0


class CancelResp(NamedTuple):
    """Answer to a cancel: ``Success_Id`` 0 dropped, 1 failed."""

    Sequence_Id: int = 0
    Success_Id: int = 0


class ActiveTest(NamedTuple):
    """A heartbeat; either side may."""

    Sequence_Id: int = 0


class ActiveTestResp(NamedTuple):
    """Answer to a heartbeat."""

    Sequence_Id: int = 0
    Reserved: int = 0


class Report(NamedTuple):
    """The content of a status report. Times are YYMMDDHHMM; the id is the submit's."""

    Msg_Id: int = 0
    Stat: str = ""
    Submit_time: str = ""
    Done_time: str = ""
    Dest_terminal_Id: str = ""
    SMSC_sequence: int = 0


HEADER = Header(
    (Uint("Sequence_Id", 4, "the sender's own counter; the answer repeats it"),), "Sequence_Id"
)
"""Section 7.3: Total_Length, Command_Id, Sequence_Id, 12 bytes in all."""

_MSG_ID = Uint("Msg_Id", 8, "see Msg_Id below; zero from a service provider")
_SERVICE = Text("Service_Id", 10, "business code")
_UDHI = Uint("TP_udhi", 1, "1: the content begins with a user data header")
_FMT = Uint("Msg_Fmt", 1, "0 ASCII, 3 SIM, 4 binary, 8 UCS2, 15 GBK")


def _submit(new: bool) -> tuple[Field, ...]:
    """Section 7.4.3.1, SUBMIT."""
    phone = 32 if new else 21
    return (
        _MSG_ID,
        Uint("Pk_total", 1, "parts of this message, from 1"),
        Uint("Pk_number", 1, "this part, from 1"),
        Uint("Registered_Delivery", 1, "0 no report, 1 report, 2 billing record (2.0 only)"),
        Uint("Msg_level", 1, "priority, 0 to 9"),
        _SERVICE,
        Uint("Fee_UserType", 1, "who pays: 0 destination, 1 source, 2 sender, 3 next field"),
        Text("Fee_terminal_Id", phone, "number billed when Fee_UserType is 3", varied=True),
        _only(new, Uint("Fee_terminal_type", 1, "0 real number, 1 pseudonym")),
        Uint("TP_pId", 1, "GSM 03.40, 9.2.3.9"),
        _UDHI,
        _FMT,
        Text("Msg_src", 6, "the sender's account"),
        Text("FeeType", 2, "01 free, 02 per message, 03 monthly"),
        Text("FeeCode", 6, "amount in fen"),
        Text("ValId_Time", 17, "valid until, SMPP 3.3 time, or empty"),
        Text("At_Time", 17, "send at, SMPP 3.3 time, or empty"),
        Text("Src_Id", 21, "sender number that the phone shows"),
        Count("DestUsr_tl", 1, "Dest_terminal_Id", "number of destinations"),
        TextList("Dest_terminal_Id", phone, 1, 100, "destinations"),
        _only(new, Uint("Dest_terminal_type", 1, "one byte for the whole list")),
        Count("Msg_Length", 1, "Msg_Content", "bytes of content"),
        Content("Msg_Content", "text, with its user data header if TP_udhi is 1"),
        _only(not new, Text("Reserve", 8, "unused")),
        _only(new, Text("LinkID", 20, "session of an ordered service")),
    )


def _deliver(new: bool) -> tuple[Field, ...]:
    """Section 7.4.5.1, DELIVER."""
    return (
        Uint("Msg_Id", 8, "id of this message; not that of the message reported on"),
        Text("Dest_Id", 21, "number written to; in a report the Src_Id of the submit"),
        _SERVICE,
        Uint("TP_pid", 1, "GSM 03.40, 9.2.3.9"),
        _UDHI,
        _FMT,
        Text(
            "Src_terminal_Id",
            32 if new else 21,
            "the handset; in a report the destination",
            varied=True,
        ),
        _only(new, Uint("Src_terminal_type", 1, "0 real number, 1 pseudonym")),
        Uint("Registered_Delivery", 1, "0 a person's message, 1 a status report"),
        Count("Msg_Length", 1, "Msg_Content", "bytes of content"),
        Content("Msg_Content", "text, or the report body below"),
        _only(not new, Text("Reserved", 8, "unused")),
        _only(new, Text("LinkID", 20, "session of an ordered service")),
    )


def _report(new: bool) -> tuple[Field, ...]:
    """Section 7.4.5.1, the content of a status report."""
    return (
        Uint("Msg_Id", 8, "the id that SUBMIT_RESP gave, binary"),
        Text("Stat", 7, "DELIVRD, EXPIRED, UNDELIV, REJECTD, XX:nnnn ..."),
        Text("Submit_time", 10, "YYMMDDHHMM"),
        Text("Done_time", 10, "YYMMDDHHMM"),
        Text("Dest_terminal_Id", 32 if new else 21, "destination", varied=True),
        Uint("SMSC_sequence", 4, "sequence number of the message centre"),
    )


def _only(here: bool, field: Uint | Text) -> Field:
    """The field where this version has it, and its absence where not."""
    return field if here else Absent(field.name, field.note)


def _layouts(new: bool) -> dict[int, Layout[Any]]:
    """The layouts of one version by command."""
    status = 4 if new else 1
    msg_id = Uint("Msg_Id", 8, "the id this answer is about")
    result = Uint("Result", status, "0 accepted; see Result below")
    day = (
        Text("Time", 8, "day, YYYYMMDD"),
        Uint("Query_Type", 1, "0 all, 1 by Service_Id"),
        Text("Query_Code", 10, "Service_Id when Query_Type is 1"),
    )
    connect = (
        Text("Source_Addr", 6, "account"),
        Raw("AuthenticatorSource", 16, "MD5(account, nine NUL, secret, timestamp)"),
        Uint("Version", 1, "high nibble major, low nibble minor"),
        Uint("Timestamp", 4, "MMDDHHMMSS as a decimal integer"),
    )
    connect_resp = (
        Uint("Status", status, "0 ok, 1 structure, 2 account, 3 digest, 4 version, 5 other"),
        Raw("AuthenticatorISMG", 16, "MD5(Status, AuthenticatorSource, secret)"),
        Uint("Version", 1, "highest version the server speaks"),
    )
    bodies: dict[Command, tuple[type[Any], tuple[Field, ...]]] = {
        Command.CONNECT: (Connect, connect),
        Command.CONNECT_RESP: (ConnectResp, connect_resp),
        Command.TERMINATE: (Terminate, ()),
        Command.TERMINATE_RESP: (TerminateResp, ()),
        Command.SUBMIT: (Submit, _submit(new)),
        Command.SUBMIT_RESP: (SubmitResp, (msg_id, result)),
        Command.DELIVER: (Deliver, _deliver(new)),
        Command.DELIVER_RESP: (DeliverResp, (msg_id, result)),
        Command.QUERY: (Query, (*day, Text("Reserve", 8, "unused"))),
        Command.QUERY_RESP: (QueryResp, (*day, *_counters())),
        Command.CANCEL: (Cancel, (msg_id,)),
        Command.CANCEL_RESP: (
            CancelResp,
            (Uint("Success_Id", status, "0 dropped, 1 failed"),),
        ),
        Command.ACTIVE_TEST: (ActiveTest, ()),
        Command.ACTIVE_TEST_RESP: (ActiveTestResp, (Uint("Reserved", 1, "unused"),)),
    }
    return {int(c): Layout(c, HEADER, pdu, fields) for c, (pdu, fields) in bodies.items()}


def _counters() -> tuple[Field, ...]:
    """Section 7.4.4.2: eight counts of a day."""
    return (
        Uint("MT_TLMsg", 4, "messages received from the sender"),
        Uint("MT_Tlusr", 4, "users received from the sender"),
        Uint("MT_Scs", 4, "forwarded"),
        Uint("MT_WT", 4, "waiting to be forwarded"),
        Uint("MT_FL", 4, "not forwarded"),
        Uint("MO_Scs", 4, "delivered to the sender"),
        Uint("MO_WT", 4, "waiting to be delivered"),
        Uint("MO_FL", 4, "not delivered"),
    )


LAYOUTS: dict[int, dict[int, Layout[Any]]] = {V20: _layouts(new=False), V30: _layouts(new=True)}
"""Layouts by version and command."""

REPORT_20: Table[Report] = Table(Report, _report(new=False))
"""Body of a status report with a 21-byte number, 60 bytes in all."""
REPORT_30: Table[Report] = Table(Report, _report(new=True))
"""Body of a status report with a 32-byte number, 71 bytes in all."""
