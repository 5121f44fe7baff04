"""The statuses of SMPP 3.4 (5.1.3), each with its meaning."""

from __future__ import annotations

from .meaning import Meaning

__all__ = ["TEMPORARY", "Status"]


class Status(Meaning):
    """``command_status`` of an answer. 0x400 to 0x4FF are the vendors' own."""

    ROK = 0x00, "no error"
    RINVMSGLEN = 0x01, "length of the message"
    RINVCMDLEN = 0x02, "length of the frame"
    RINVCMDID = 0x03, "unknown command"
    RINVBNDSTS = 0x04, "not allowed on a connection bound like this"
    RALYBND = 0x05, "bound already"
    RINVPRTFLG = 0x06, "priority"
    RINVREGDLVFLG = 0x07, "registered_delivery"
    RSYSERR = 0x08, "system error"
    RINVSRCADR = 0x0A, "source address"
    RINVDSTADR = 0x0B, "destination address"
    RINVMSGID = 0x0C, "unknown message id"
    RBINDFAIL = 0x0D, "bind failed"
    RINVPASWD = 0x0E, "password"
    RINVSYSID = 0x0F, "account"
    RCANCELFAIL = 0x11, "cancel failed"
    RREPLACEFAIL = 0x13, "replace failed"
    RMSGQFUL = 0x14, "queue full"
    RINVSERTYP = 0x15, "service_type"
    RINVNUMDESTS = 0x33, "number of destinations"
    RINVDLNAME = 0x34, "name of a list"
    RINVDESTFLAG = 0x40, "dest_flag"
    RINVSUBREP = 0x42, "submit that replaces"
    RINVESMCLASS = 0x43, "esm_class"
    RCNTSUBDL = 0x44, "list cannot be submitted to"
    RSUBMITFAIL = 0x45, "submit failed"
    RINVSRCTON = 0x48, "type of the source number"
    RINVSRCNPI = 0x49, "plan of the source number"
    RINVDSTTON = 0x50, "type of the destination number"
    RINVDSTNPI = 0x51, "plan of the destination number"
    RINVSYSTYP = 0x53, "system_type"
    RINVREPFLAG = 0x54, "replace_if_present_flag"
    RINVNUMMSGS = 0x55, "number of messages"
    RTHROTTLED = 0x58, "too many at once"
    RINVSCHED = 0x61, "schedule_delivery_time"
    RINVEXPIRY = 0x62, "validity_period"
    RINVDFTMSGID = 0x63, "sm_default_msg_id"
    RX_T_APPN = 0x64, "the receiver cannot now, send again later"
    RX_P_APPN = 0x65, "the receiver cannot, ever"
    RX_R_APPN = 0x66, "the receiver refuses this message"
    RQUERYFAIL = 0x67, "query failed"
    RINVOPTPARSTREAM = 0xC0, "optional parameters cannot be read"
    ROPTPARNOTALLWD = 0xC1, "optional parameter not allowed"
    RINVPARLEN = 0xC2, "length of an optional parameter"
    RMISSINGOPTPARAM = 0xC3, "optional parameter missing"
    RINVOPTPARAMVAL = 0xC4, "value of an optional parameter"
    RDELIVERYFAILURE = 0xFE, "delivery failed"
    RUNKNOWNERR = 0xFF, "unknown error"


TEMPORARY = frozenset({Status.RSYSERR, Status.RMSGQFUL, Status.RTHROTTLED, Status.RX_T_APPN})
"""What asks to slow down and send the same again. A client must not read "refused" in them,
nor a server say them when it means that."""
