"""SGIP 1.2: the protocol value, numbers that are message ids, results, logins.

The layouts stand in :mod:`qingjing.wire.sgip_tables`; sections are those of China Unicom's
SGIP 1.2 (October 2001).

Whoever dials speaks, and the other side answers (3.1): a provider dials the gateway to submit,
and the gateway dials the provider to deliver and report. So both have a client and a listener,
and all connections of a node draw their numbers from one source. A connection lives as long
as there is something to say: its end by silence is no fault.
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, NamedTuple, cast

from .errors import Hint, LocalProtocolError
from .events import Limits
from .meaning import Meaning
from .protocol import PDU, Numbers, Protocol
from .sgip_tables import (
    HEADER,
    LAYOUTS,
    V12,
    Bind,
    BindResp,
    Command,
    DeliverResp,
    ReportResp,
    SubmitResp,
    TraceNode,
    TraceResp,
    UserRptResp,
)

__all__ = [
    "LIMITS",
    "PROTOCOL",
    "SP_PAYS",
    "TEMPORARY",
    "WINDOW",
    "LoginType",
    "MsgId",
    "NodeNumbers",
    "ReportFlag",
    "Result",
    "State",
    "UserCondition",
    "bare",
    "compose_msg_id",
    "login_result",
    "prefixed",
    "protocol",
    "reported",
    "split_msg_id",
]

WINDOW = 32
"""Unanswered requests of one connection at the most (3.1)."""

LIMITS = Limits(answer_s=30.0)
"""The text's timers (3.1): 30 s for an answer; 60 s of silence end a connection. A connection
for traces waits 300 s for an answer (4.4)."""

SP_PAYS = "0" * 21
"""ChargeNumber of a message that its sender pays for; it fills the field to its last byte."""


class Result(Meaning):
    """Result of an answer and ErrorCode of a report (5.2), each with its ``meaning``.

    1 to 20 stand in answers, 21 and more in reports. Vendors have codes of their own.
    """

    OK = 0, "accepted"
    LOGIN = 1, "account or password"
    REPEATED_LOGIN = 2, "second login on a connection"
    CONNECTIONS = 3, "too many connections"
    LOGIN_TYPE = 4, "login type"
    FORMAT = 5, "a value out of its range"
    PHONE_NUMBER = 6, "phone number, or no 86 before it"
    COMMAND = 7, "command id, which the text calls message id"
    LENGTH = 8, "length"
    SEQUENCE = 9, "sequence number: repeated, or malformed"
    GNS = 10, "operation of the name server"
    BUSY = 11, "queue full: send again later"
    NODE_UNREACHABLE = 21, "next node out of service"
    ROUTE = 22, "wrong route"
    NO_ROUTE = 23, "no route"
    BILLED_NUMBER = 24, "billed number"
    USER_UNREACHABLE = 25, "phone off or out of reach"
    PHONE_FULL = 26, "memory of the phone is full"
    PHONE_WITHOUT_SMS = 27, "phone has no SMS"
    PHONE_ERROR = 28, "phone failed to receive"
    USER_UNKNOWN = 29, "unknown user"
    NOT_OFFERED = 30, "function not offered"
    DEVICE = 31, "illegal device"
    SYSTEM = 32, "system failure"
    CENTRE_FULL = 33, "queue of the message centre is full"
    THROTTLED = 88, "too many at once; not in the text, but some gateways' word for it"


TEMPORARY = frozenset({Result.BUSY, Result.THROTTLED})
"""Results of an answer after which the same request may be sent again, later."""


class LoginType(IntEnum):
    """What a connection is for (4.2.3.1.1). 4 to 6 are the name server's."""

    SP = 1
    """The provider has dialled the gateway, to submit."""
    SMG = 2
    """The gateway has dialled the provider, to deliver and report."""
    SMG_TO_SMG = 3
    TEST = 11
    """Traces alone."""


class ReportFlag(IntEnum):
    """When a submit wants a report (4.2.3.3.1). It is no boolean; see :func:`reported`."""

    FAILURE = 0
    """Only if it fails: silence then means success."""
    ALWAYS = 1
    NEVER = 2
    BILLING = 3
    """A monthly fee, not to be sent to anybody; a report is wanted."""


class State(IntEnum):
    """State of a report (4.2.3.5.1, 5.4)."""

    DELIVERED = 0
    WAITING = 1
    """Not the last word: ENROUTE or ACCEPTED."""
    FAILED = 2
    """EXPIRED, DELETED, UNDELIVERABLE, UNKNOWN or REJECTED; ErrorCode says why."""


class UserCondition(IntEnum):
    """What became of a person's number (4.3.3)."""

    CANCELLED = 0
    SUSPENDED = 1
    RESTORED = 2


class MsgId(NamedTuple):
    """The parts of a sequence number (3.4): the node that made it, MMDDhhmmss as one decimal
    integer, and a counter. A provider's node is 3AAAAQQQQQ: area code and company code."""

    node: int
    time: int
    counter: int


_MSG_ID = struct.Struct(">III")


def compose_msg_id(parts: MsgId) -> bytes:
    """The twelve bytes of these parts.

    :raises LocalProtocolError: when a part does not fit in 32 bits without a sign.
    """
    try:
        return _MSG_ID.pack(*parts)
    except struct.error as error:
        raise LocalProtocolError(f"a sequence number: {error}") from None


def split_msg_id(value: bytes) -> MsgId:
    """The parts of a sequence number. One of another node is to be kept and compared whole.

    :raises LocalProtocolError: when it has not twelve bytes.
    """
    if len(value) != _MSG_ID.size:
        raise LocalProtocolError(f"a sequence number of {len(value)} bytes")
    return MsgId(*_MSG_ID.unpack(value))


class NodeNumbers:
    """The sequence numbers of one node, for all its connections, either way (3.4).

    :param node: the node's number, unsigned: a provider's needs all 32 bits.
    :param zero: when, in Beijing's time, the sessions' clock read 0.
    :param first: the first counter. A start within a second of the end of an earlier one has
        to give another, or its first ids were used before.
    :param step: processes that share a node take turns: the i-th of n has ``first`` i, or any
        number that leaves i when divided by n, and ``step`` n.
    """

    def __init__(self, node: int, zero: datetime, *, first: int = 0, step: int = 1) -> None:
        compose_msg_id(MsgId(node, 0, first))
        self._node, self._zero, self._counter, self._step = node, zero, first, step
        # Going round must not lead into another process's numbers.
        self._span = (1 << 32) - (1 << 32) % step
        self._second, self._time = -1, 0
        self._fraction = zero.microsecond / 1e6

    def __call__(self, now: float) -> bytes:
        """A number nobody was given before, at ``now`` seconds of the sessions' clock."""
        second = int(now + self._fraction)
        if second != self._second:
            moment = self._zero.replace(microsecond=0) + timedelta(seconds=second)
            self._second, self._time = second, int(f"{moment:%m%d%H%M%S}")
        counter = self._counter
        self._counter = (counter + self._step) % self._span
        return _MSG_ID.pack(self._node, self._time, counter)


def login_result(bind: Bind, password: str, login_type: int) -> Result:
    """What to answer a login of a known account.

    The password crosses the net in clear and is compared in constant time; accounts should be
    bound to addresses.

    :param login_type: what this listener is for.
    """
    if bind.LoginType != login_type:
        return Result.LOGIN_TYPE
    right = hmac.compare_digest(bind.LoginPassword.encode(), password.encode())
    return Result.OK if right else Result.LOGIN


def prefixed(number: str) -> str:
    """A person's number as SGIP writes it, with 86; eleven digits begin with 1."""
    return "86" + bare(number)


def bare(number: str) -> str:
    """A person's number without + and 86."""
    return number.removeprefix("+").removeprefix("86")


def reported(report_flag: int, *, failed: bool) -> bool:
    """Whether a submit of this ReportFlag is to be reported. Flags the text keeps for later
    mean what its default means: a failure is reported."""
    if report_flag in (ReportFlag.ALWAYS, ReportFlag.BILLING):
        return True
    return failed and report_flag != ReportFlag.NEVER


_CARRIED: Mapping[int, frozenset[Command]] = {
    LoginType.SP: frozenset({Command.SUBMIT, Command.TRACE}),
    LoginType.SMG: frozenset({Command.DELIVER, Command.REPORT, Command.USERRPT}),
    LoginType.TEST: frozenset({Command.TRACE}),
}
_REQUESTS = frozenset(c for c in Command if c < 0x80000000)
_TALK = _REQUESTS - {Command.BIND, Command.UNBIND}


def _barred(bind: Bind) -> frozenset[int]:
    """Tables 3-4 and 3-5: what a connection of this login does not carry; nor a second login.
    Between gateways everything goes."""
    carried = _CARRIED.get(bind.LoginType, _TALK)
    return frozenset(int(c) for c in _TALK - carried | {Command.BIND})


def _barred_on_duplex(_bind: Bind) -> frozenset[int]:
    """Where the provider's own connection also brings its reports: a second login alone."""
    return frozenset({int(Command.BIND)})


_RESULTS = {
    Hint.STRUCTURE: Result.FORMAT,
    Hint.LENGTH: Result.LENGTH,
    Hint.COMMAND: Result.COMMAND,
    Hint.DUPLICATE: Result.SEQUENCE,
    Hint.BUSY: Result.BUSY,
}
_ANSWERS: Mapping[int, Callable[[bytes, int], Any]] = {
    Command.BIND: BindResp,
    Command.SUBMIT: SubmitResp,
    Command.DELIVER: DeliverResp,
    Command.REPORT: ReportResp,
    Command.USERRPT: UserRptResp,
    Command.TRACE: lambda number, result: TraceResp(number, (TraceNode(result),)),
}


def _refusal(frame: bytes, sequence: Hashable, hint: Hint) -> PDU | None:
    """The answer that refuses a request. UNBIND has none."""
    command, result = int.from_bytes(frame[4:8], "big"), _RESULTS[hint]
    if command == Command.BIND and hint == Hint.COMMAND:
        result = Result.REPEATED_LOGIN
    answer = _ANSWERS.get(command)
    return None if answer is None else cast(PDU, answer(cast(bytes, sequence), result))


def _version(_login: object) -> int:
    """There is one."""
    return V12


def _accepted(answer: BindResp) -> bool:
    """Whether this login answer lets us in."""
    return answer.Result == Result.OK


PROTOCOL = Protocol(
    name="SGIP",
    header=HEADER,
    layouts=LAYOUTS,
    first=V12,
    answers={int(c): c | 0x80000000 for c in _REQUESTS},
    login=frozenset({int(Command.BIND)}),
    logout=int(Command.UNBIND),
    heartbeat=None,
    version_of_login=_version,
    version_of_answer=_version,
    accepted=_accepted,
    refusal=_refusal,
    next_sequence=None,
    barred=_barred,
)
"""SGIP, for :class:`qingjing.wire.session.Session`: good for a listener, that only answers.
Whoever asks needs the numbers of its node: see :func:`protocol`."""


def protocol(numbers: Numbers | None, *, duplex: bool = False) -> Protocol:
    """SGIP as one node speaks it.

    :param numbers: shared by all connections of the node; a :class:`NodeNumbers`. None where
        nothing is asked.
    :param duplex: for accounts whose own connection also brings deliveries and reports, which
        is not in the text but common with aggregators. Such a connection wants a long
        ``Limits.idle_s`` and ``quiet_s``, or it ends before the reports come.
    """
    barred = _barred_on_duplex if duplex else _barred
    return replace(PROTOCOL, numbers=numbers, barred=barred)
