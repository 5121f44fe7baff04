"""SMPP 3.4: the protocol value, logins, refusals.

Layouts stand in :mod:`qingjing.wire.smpp_tables`, what a message carries in
:mod:`qingjing.wire.smpp_message`, receipts in :mod:`qingjing.wire.smpp_receipt`. Sections are
those of the SMPP Protocol Specification v3.4, Issue 1.2.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeAlias, cast

from . import smpp_pdus as pdus
from .errors import Hint, RemoteProtocolError
from .protocol import PDU, Protocol
from .smpp_status import TEMPORARY, Status
from .smpp_tables import HEADER, LAYOUTS, TAGS, V33, V34, Command
from .tlv import Tlv, get, make

__all__ = [
    "FRAME_MAX",
    "PROTOCOL",
    "TEMPORARY",
    "Bind",
    "BindResp",
    "Status",
    "accepts_password",
    "bind_answer",
    "declined",
]

FRAME_MAX = 0x10000
"""``Limits.frame_max`` for SMPP, in octets: a ``message_payload`` may have nearly 64 KiB. 255
parts of 134 octets, the longest message that a header can count, are half of it."""

_SEQUENCE_MAX = 0x7FFFFFFF
_SC_INTERFACE_VERSION = 0x0210

Bind: TypeAlias = pdus.BindReceiver | pdus.BindTransmitter | pdus.BindTransceiver
"""A login; which of the three says what the connection carries."""
BindResp: TypeAlias = (
    pdus.BindReceiverResp | pdus.BindTransmitterResp | pdus.BindTransceiverResp
)
"""The answer to it."""

_BIND_ANSWERS: Mapping[type, type[BindResp]] = {
    pdus.BindReceiver: pdus.BindReceiverResp,
    pdus.BindTransmitter: pdus.BindTransmitterResp,
    pdus.BindTransceiver: pdus.BindTransceiverResp,
}


def accepts_password(bind: Bind, password: str) -> bool:
    """Whether the client knows the password, compared in constant time.

    It crosses the net in clear, so accounts should be bound to addresses, and TLS offered.
    """
    return hmac.compare_digest(bind.password.encode(), password.encode())


def bind_answer(bind: Bind, status: int, system_id: str = "") -> BindResp:
    """The answer to a login (4.1.2). A client of 3.4 is told that we speak 3.4; one of 3.3
    must be sent no optional parameter.

    :param system_id: the server's name.
    """
    tlvs: tuple[Tlv, ...] = ()
    if status == Status.ROK and _version_of_login(bind) == V34:
        tlvs = (make(TAGS, _SC_INTERFACE_VERSION, V34),)
    name = "" if status else system_id
    return _BIND_ANSWERS[type(bind)](status, bind.sequence_number, name, tlvs)


def _version_of_login(bind: Bind) -> int:
    """3.4 for 0x34 and above (0x50 is SMPP 5.0); everything below is 3.3 or older (5.2.4)."""
    return V34 if bind.interface_version >= V34 else V33


def _version_of_answer(frame: bytes) -> int:
    """The server's version. The text takes silence for 3.3, but most servers of 3.4 say
    nothing, so only a server that names an older version is one."""
    command = int.from_bytes(frame[4:8], "big")
    try:
        answer = LAYOUTS[V34][command].decode(frame)
        version = get(TAGS, answer.tlvs, _SC_INTERFACE_VERSION)
    except RemoteProtocolError:
        return V34
    return V33 if isinstance(version, int) and version < V34 else V34


def _accepted(answer: BindResp) -> bool:
    """Whether this login answer lets us in."""
    return answer.command_status == Status.ROK


_UPWARD = frozenset(
    int(c)
    for c in (
        Command.submit_sm,
        Command.submit_multi,
        Command.query_sm,
        Command.cancel_sm,
        Command.replace_sm,
    )
)
_DOWNWARD = frozenset({int(Command.deliver_sm), int(Command.alert_notification)})


def _barred(bind: Bind) -> frozenset[int]:
    """Section 2.3: what a receiver does not ask and a transmitter is not sent. data_sm goes
    both ways, so it is the owner's to judge."""
    match bind:
        case pdus.BindReceiver():
            return _UPWARD
        case pdus.BindTransmitter():
            return _DOWNWARD
        case _:
            return frozenset()


_SUBMIT = {
    Hint.STRUCTURE: Status.RSUBMITFAIL,
    Hint.LENGTH: Status.RINVCMDLEN,
    Hint.COMMAND: Status.RINVBNDSTS,
    Hint.DUPLICATE: Status.RSUBMITFAIL,
    Hint.BUSY: Status.RTHROTTLED,
}
_DELIVER = {
    **_SUBMIT,
    Hint.STRUCTURE: Status.RX_R_APPN,
    Hint.DUPLICATE: Status.RX_R_APPN,
    Hint.BUSY: Status.RX_T_APPN,
}
_BIND = {**_SUBMIT, Hint.STRUCTURE: Status.RBINDFAIL, Hint.COMMAND: Status.RALYBND}
_NACK = {**_SUBMIT, Hint.STRUCTURE: Status.RSYSERR, Hint.COMMAND: Status.RINVCMDID}

_FAILURES: Mapping[int, tuple[Callable[..., Any], Mapping[Hint, Status]]] = {
    Command.bind_receiver: (pdus.BindReceiverResp, _BIND),
    Command.bind_transmitter: (pdus.BindTransmitterResp, _BIND),
    Command.bind_transceiver: (pdus.BindTransceiverResp, _BIND),
    Command.submit_sm: (pdus.SubmitSmResp, _SUBMIT),
    Command.submit_multi: (pdus.SubmitMultiResp, _SUBMIT),
    Command.data_sm: (pdus.DataSmResp, _SUBMIT),
    Command.deliver_sm: (pdus.DeliverSmResp, _DELIVER),
    Command.query_sm: (pdus.QuerySmResp, {**_SUBMIT, Hint.STRUCTURE: Status.RQUERYFAIL}),
    Command.cancel_sm: (pdus.CancelSmResp, {**_SUBMIT, Hint.STRUCTURE: Status.RCANCELFAIL}),
    Command.replace_sm: (pdus.ReplaceSmResp, {**_SUBMIT, Hint.STRUCTURE: Status.RREPLACEFAIL}),
    Command.unbind: (pdus.UnbindResp, _SUBMIT),
    Command.enquire_link: (pdus.EnquireLinkResp, _SUBMIT),
}


def _refusal(frame: bytes, sequence: Hashable, hint: Hint) -> PDU | None:
    """The answer that refuses a request: its own kind, or generic_nack when it has none.
    Answers are never answered."""
    command, number = int.from_bytes(frame[4:8], "big"), cast(int, sequence)
    if command & 0x80000000:
        return None
    kind, statuses = _FAILURES.get(command, (pdus.GenericNack, _NACK))
    return cast(PDU, kind(statuses[hint], number))


_DECLINED: Mapping[type, tuple[Callable[..., Any], Status]] = {
    pdus.QuerySm: (pdus.QuerySmResp, Status.RQUERYFAIL),
    pdus.CancelSm: (pdus.CancelSmResp, Status.RCANCELFAIL),
    pdus.ReplaceSm: (pdus.ReplaceSmResp, Status.RREPLACEFAIL),
    pdus.SubmitMulti: (pdus.SubmitMultiResp, Status.RSUBMITFAIL),
    pdus.DataSm: (pdus.DataSmResp, Status.RSUBMITFAIL),
    pdus.SubmitSm: (pdus.SubmitSmResp, Status.RSUBMITFAIL),
    pdus.DeliverSm: (pdus.DeliverSmResp, Status.RX_P_APPN),
}


def declined(request: PDU) -> PDU:
    """The polite answer to a request that the owner does not serve at all: it failed, for good.

    :param request: a request that :meth:`qingjing.wire.session.Session.receive` told.
    """
    kind, status = _DECLINED[type(request)]
    return cast(PDU, kind(status, request[HEADER.sequence_at]))


def _next_sequence(previous: Hashable) -> int:
    """Section 5.1.4: 1 to 0x7FFFFFFF, and round."""
    return 1 if previous in (None, _SEQUENCE_MAX) else cast(int, previous) + 1


_UNANSWERED = frozenset({Command.outbind, Command.alert_notification})

PROTOCOL = Protocol(
    name="SMPP",
    header=HEADER,
    layouts=LAYOUTS,
    first=V34,
    answers={
        int(c): c | 0x80000000 for c in Command if c < 0x80000000 and c not in _UNANSWERED
    },
    login=frozenset(
        {
            int(Command.bind_receiver),
            int(Command.bind_transmitter),
            int(Command.bind_transceiver),
        }
    ),
    logout=int(Command.unbind),
    heartbeat=int(Command.enquire_link),
    version_of_login=_version_of_login,
    version_of_answer=_version_of_answer,
    accepted=_accepted,
    refusal=_refusal,
    next_sequence=_next_sequence,
    nack=int(Command.generic_nack),
    invitations=frozenset({int(Command.outbind)}),
    notices=frozenset({int(Command.alert_notification)}),
    barred=_barred,
)
"""SMPP, for :class:`qingjing.wire.session.Session`. Its owner gives ``Limits`` whose
``frame_max`` is :data:`FRAME_MAX`."""
