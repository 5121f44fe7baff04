"""What an SMGP message carries: a part of a longer one, or a report on one of ours."""

from __future__ import annotations

import re
from typing import NamedTuple

from .content import Part, read_udh
from .errors import Hint, LocalProtocolError, RemoteProtocolError
from .smgp_tables import TAGS, Deliver, Submit
from .tlv import get, make

__all__ = ["REPORT_SIZE", "Report", "read_part", "read_report", "with_part", "write_report"]

_TP_PID, _TP_UDHI, _PK_TOTAL, _PK_NUMBER = 0x0001, 0x0002, 0x0009, 0x000A


def read_part(message: Submit | Deliver) -> Part:
    """The content with its coding and whether a user data header begins it.

    That stands in an optional parameter alone, which 3.0.3 has instead of CMPP's field.

    :raises RemoteProtocolError: not fatal, when that parameter makes no sense.
    """
    udhi = get(TAGS, message.tlvs, _TP_UDHI)
    return Part(int(bool(udhi)), message.MsgFormat, message.MsgContent)


def with_part(message: Submit, part: Part) -> Submit:
    """The message with this part in it, marked in the parameters as gateways want it.

    :raises LocalProtocolError: when the part's header makes no sense.
    """
    mine = {_TP_PID, _TP_UDHI, _PK_TOTAL, _PK_NUMBER}
    tlvs = tuple(t for t in message.tlvs if t.tag not in mine)
    if part.tp_udhi:
        try:
            concat = read_udh(part.content).concat
        except RemoteProtocolError as error:
            raise LocalProtocolError(f"a part that cannot be sent: {error}") from None
        pairs = [(_TP_PID, 0), (_TP_UDHI, 1)]
        if concat is not None:
            pairs += [(_PK_TOTAL, concat.total), (_PK_NUMBER, concat.number)]
        tlvs = (*(make(TAGS, tag, value) for tag, value in pairs), *tlvs)
    return message._replace(MsgFormat=part.msg_fmt, MsgContent=part.content, tlvs=tlvs)


class Report(NamedTuple):
    """The content of a status report. ``MsgID`` is the submit's, ten octets as they are.

    Dates are YYMMDDHHMM, ``sub`` and ``dlvrd`` three digits, ``Stat`` DELIVRD, EXPIRED,
    DELETED, UNDELIV, ACCEPTD, UNKNOWN or REJECTD, ``Err`` 000 to 010, 999 or the carrier's own.
    ``Text`` is three digits of length and the message's beginning. What a report does not say
    is empty.
    """

    MsgID: bytes
    Stat: str
    Err: str = "000"
    sub: str = "001"
    dlvrd: str = "001"
    Submit_date: str = ""
    Done_date: str = ""
    Text: str = ""


REPORT_SIZE = 122
"""Octets of a report whose text is full."""

_ID, _TEXT_MAX = 10, 20
_KEYS = re.compile(rb"(sub|dlvrd|submit[ _]date|done[ _]date|stat|err|te?xt):", re.I)
_HEX = re.compile(rb"[0-9A-Fa-f]{20}")


def read_report(content: bytes) -> Report:
    """The status report in a DELIVER whose IsReport is 1.

    The id is ten octets that may look like anything, so they are counted and never searched;
    after them keys are sought, in any case and order. Some gateways write the id as twenty
    digits, or leave out the ``id:`` before it.

    :raises RemoteProtocolError: not fatal, when there is no id or no state.
    """
    at = 3 if content[:3].lower() == b"id:" else 0
    msg_id, rest = content[at : at + _ID], content[at + _ID :]
    if _HEX.match(content, at):
        msg_id, rest = bytes.fromhex(content[at : at + 20].decode()), content[at + 20 :]
    told = _told(rest)
    if len(msg_id) < _ID or "stat" not in told:
        raise RemoteProtocolError("a report without an id or a state", hint=Hint.STRUCTURE)
    return Report(
        MsgID=msg_id,
        Stat=told["stat"],
        Err=told.get("err", ""),
        sub=told.get("sub", ""),
        dlvrd=told.get("dlvrd", ""),
        Submit_date=told.get("submit date", ""),
        Done_date=told.get("done date", ""),
        Text=told.get("text", ""),
    )


def _told(rest: bytes) -> dict[str, str]:
    """The fields after the id; the last is in GB18030 at most gateways."""
    told: dict[str, str] = {}
    found = list(_KEYS.finditer(rest))
    for i, match in enumerate(found):
        key = match[1].decode("ascii").lower().replace("_", " ")
        end = found[i + 1].start() if i + 1 < len(found) else len(rest)
        if key in {"text", "txt"}:
            told["text"] = rest[match.end() :].rstrip(b"\0").decode("gb18030", "replace")
            break
        told.setdefault(key, rest[match.end() : end].decode("latin-1").strip(" \0"))
    return told


def write_report(report: Report) -> bytes:
    """The content of a status report, :data:`REPORT_SIZE` octets. A longer text is cut.

    :raises LocalProtocolError: when another field does not fit.
    """
    if len(report.MsgID) != _ID:
        raise LocalProtocolError(f"MsgID: exactly {_ID} bytes are needed")
    out = b"id:" + report.MsgID
    for key, size, value in (
        ("sub", 3, report.sub),
        ("dlvrd", 3, report.dlvrd),
        ("submit date", 10, report.Submit_date),
        ("done date", 10, report.Done_date),
        ("stat", 7, report.Stat),
        ("err", 3, report.Err),
    ):
        if not value.isascii() or len(value) > size:
            raise LocalProtocolError(f"{key}: it does not fit in {size} characters")
        out += f" {key}:{value:{size}}".encode("ascii")
    text = report.Text.encode("gb18030", "replace")[:_TEXT_MAX]
    whole = text.decode("gb18030", "ignore").encode("gb18030")
    return out + b" text:" + whole.ljust(_TEXT_MAX, b"\0")
