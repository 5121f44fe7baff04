"""CMPP 2.0 and 3.0: the protocol value, digests, message ids, results and status reports.

The layouts stand in :mod:`qingjing.wire.cmpp_tables`; the sections named here are those of
CMPP 2.0 (2002), whose order CMPP 3.0.0 (QB-GF-028-2003) keeps.
"""

from __future__ import annotations

import hmac
from collections.abc import Hashable
from enum import IntEnum
from hashlib import md5
from typing import NamedTuple, cast

from .cmpp_tables import (
    HEADER,
    LAYOUTS,
    REPORT_20,
    REPORT_30,
    V20,
    V30,
    CancelResp,
    Command,
    Connect,
    ConnectResp,
    DeliverResp,
    Report,
    SubmitResp,
)
from .errors import Hint, LocalProtocolError, RemoteProtocolError
from .login import accepts, digest, timestamp
from .protocol import PDU, Protocol, Stray

__all__ = [
    "PROTOCOL",
    "MsgId",
    "Result",
    "Status",
    "accepts_ismg",
    "accepts_source",
    "authenticator_ismg",
    "authenticator_source",
    "compose_msg_id",
    "connect_answer",
    "login_status",
    "msg_ids",
    "read_report",
    "split_msg_id",
    "timestamp",
]


class Result(IntEnum):
    """Answers to SUBMIT and DELIVER (7.4.3.2, 7.4.5.2). 10 to 13 are of 3.0; 100 to 199 vary.

    ``FLOW_CONTROL`` means "slow down and send it again", never "refused": clients do so.
    """

    OK = 0
    STRUCTURE = 1
    COMMAND = 2
    DUPLICATE_SEQUENCE = 3
    LENGTH = 4
    FEE_CODE = 5
    OVER_LENGTH = 6
    SERVICE_CODE = 7
    FLOW_CONTROL = 8
    NOT_SERVED = 9
    SRC_ID = 10
    MSG_SRC = 11
    FEE_TERMINAL_ID = 12
    DEST_TERMINAL_ID = 13


class Status(IntEnum):
    """Answers to CONNECT (7.4.1.2)."""

    OK = 0
    STRUCTURE = 1
    SOURCE_ADDRESS = 2
    DIGEST = 3
    VERSION = 4
    OTHER = 5


_NULS, _ACCOUNT_SIZE = 9, 6


def authenticator_source(
    source_addr: str, secret: bytes, when: int, *, padded: bool = False
) -> bytes:
    """``AuthenticatorSource`` (7.4.1.1): MD5 of account, nine NUL, secret and timestamp.

    :param secret: the shared secret in the coding the two sides agreed on.
    :param when: the Timestamp field; it is hashed as ten digits, zeros on the left.
    :param padded: hash an account shorter than six as six octets. The text does not say;
        most implementations hash it as it is, gocmpp's server example wants it padded.
    """
    return digest(source_addr, _NULS, secret, when, _ACCOUNT_SIZE if padded else 0)


def accepts_source(connect: Connect, secret: bytes) -> bool:
    """Whether the client knows the secret; either reading of a short account counts."""
    given, account = connect.AuthenticatorSource, connect.Source_Addr
    return accepts(given, account, _NULS, secret, connect.Timestamp, _ACCOUNT_SIZE)


def authenticator_ismg(status: int, source_digest: bytes, secret: bytes, width: int) -> bytes:
    """``AuthenticatorISMG`` (7.4.1.2): MD5 of Status, AuthenticatorSource and secret.

    :param source_digest: AuthenticatorSource of the login that is answered.
    :param width: octets of Status inside the digest, 1 or 4. The text does not say; we send
        as many as the version's field has on the wire.
    """
    data = status.to_bytes(width, "big") + source_digest + secret
    return md5(data, usedforsecurity=False).digest()


def accepts_ismg(answer: ConnectResp, source_digest: bytes, secret: bytes) -> bool:
    """Whether the server knows the secret; Status of one octet and of four both count.

    Servers compute this digest in so many ways that a mismatch is worth a line in the log and
    not a closed connection.
    """
    narrow, broad = (
        hmac.compare_digest(
            authenticator_ismg(answer.Status & mask, source_digest, secret, width),
            answer.AuthenticatorISMG,
        )
        for mask, width in ((0xFF, 1), (0xFFFFFFFF, 4))
    )
    return narrow or broad


def login_status(connect: Connect, secret: bytes, *, highest: int = V30) -> Status:
    """What to answer a login of a known account.

    :param highest: the highest version the account may speak; a client of a higher major
        version is told so.
    """
    if connect.Version >> 4 > highest >> 4:
        return Status.VERSION
    return Status.OK if accepts_source(connect, secret) else Status.DIGEST


def connect_answer(
    connect: Connect, status: int, secret: bytes = b"", *, highest: int = V30
) -> ConnectResp:
    """The answer to a login, in the client's version; the digest is zero on refusal."""
    width = 4 if _version_of_login(connect) == V30 else 1
    proof = (
        bytes(16)
        if status
        else authenticator_ismg(status, connect.AuthenticatorSource, secret, width)
    )
    return ConnectResp(connect.Sequence_Id, status, proof, highest)


class MsgId(NamedTuple):
    """The parts of a Msg_Id (7.4.3.2): local time without a year, gateway code, counter."""

    month: int
    day: int
    hour: int
    minute: int
    second: int
    gateway: int
    sequence: int


_WIDTHS = (4, 5, 5, 6, 6, 22, 16)


def compose_msg_id(parts: MsgId) -> int:
    """The unsigned 64-bit Msg_Id of these parts; months 8 to 12 set its top bit.

    :raises LocalProtocolError: when a part does not fit its bits.
    """
    value = 0
    for name, part, width in zip(MsgId._fields, parts, _WIDTHS, strict=True):
        if not 0 <= part < 1 << width:
            raise LocalProtocolError(f"{name} {part} does not fit in {width} bits of a Msg_Id")
        value = value << width | part
    return value


def split_msg_id(value: int) -> MsgId:
    """The parts of a Msg_Id that this text's rule made.

    Aggregators put other things into it: an upstream's id is to be kept and compared whole.
    """
    parts: list[int] = []
    for width in reversed(_WIDTHS):
        parts.append(value & ((1 << width) - 1))
        value >>= width
    return MsgId(*reversed(parts))


def msg_ids(first: int, count: int) -> list[int]:
    """The ids of a submit's ``count`` destinations: only the 16-bit counter goes round."""
    return [first & ~0xFFFF | (first + i) & 0xFFFF for i in range(count)]


def read_report(content: bytes) -> Report:
    """The status report in a DELIVER whose Registered_Delivery is 1.

    The layout is chosen by length and not by the connection's version, for 60-octet reports
    are sent over 3.0 and 71-octet ones over 2.0. A missing tail reads as empty.

    :raises RemoteProtocolError: not fatal, when not even the id and the state are there.
    """
    if len(content) < 15:
        raise RemoteProtocolError(
            f"a report of {len(content)} octets", hint=Hint.LENGTH, command=Command.DELIVER
        )
    # From 67 octets on, a 32-octet number and at most the sequence is missing; below that the
    # number has 21, save for odd lengths where the NUL that pads it tells its end.
    if len(content) >= 67:
        return REPORT_30.decode(content[:71].ljust(71, b"\0"))
    if len(content) <= 60:
        return REPORT_20.decode(content.ljust(60, b"\0"))
    return REPORT_30.decode(content[:67].ljust(71, b"\0"))


def _version_of_login(connect: Connect) -> int:
    """The layouts in which to answer: 2.0 for 1.2, 2.0 and 2.1, else 3.0."""
    return V30 if connect.Version >= V30 else V20


def _version_of_answer(frame: bytes) -> int:
    """The layouts of the server that sent this CONNECT_RESP: 33 octets are 3.0, 30 are 2.0."""
    return V30 if len(frame) == 33 else V20


def _accepted(answer: ConnectResp) -> bool:
    """Whether this login answer lets us in."""
    return answer.Status == Status.OK


_RESULTS = {
    Hint.STRUCTURE: Result.STRUCTURE,
    Hint.LENGTH: Result.LENGTH,
    Hint.COMMAND: Result.COMMAND,
    Hint.DUPLICATE: Result.DUPLICATE_SEQUENCE,
    Hint.BUSY: Result.FLOW_CONTROL,
}


def _refusal(frame: bytes, sequence: Hashable, hint: Hint) -> PDU | None:
    """The answer that refuses a request. QUERY, TERMINATE and ACTIVE_TEST have none."""
    command, number = int.from_bytes(frame[4:8], "big"), cast(int, sequence)
    if command == Command.CONNECT:
        return ConnectResp(number, Status.STRUCTURE, Version=V20)
    if command == Command.SUBMIT:
        return SubmitResp(number, 0, _RESULTS[hint])
    if command == Command.DELIVER:
        # The answer repeats the Msg_Id, which may be readable although the rest is not.
        msg_id = frame[12:20] if len(frame) >= 20 else b""
        return DeliverResp(number, int.from_bytes(msg_id, "big"), _RESULTS[hint])
    if command == Command.CANCEL:
        return CancelResp(number, 1)
    return None


def _next_sequence(previous: Hashable) -> int:
    """Section 7.3: a counter of step 1 that goes round; it starts at 1."""
    return 1 if previous is None else (cast(int, previous) + 1) & 0xFFFFFFFF


_REQUESTS = tuple(c for c in Command if c < 0x80000000)

PROTOCOL = Protocol(
    name="CMPP",
    header=HEADER,
    layouts=LAYOUTS,
    first=V20,
    answers={int(c): c | 0x80000000 for c in _REQUESTS},
    login=frozenset({int(Command.CONNECT)}),
    logout=int(Command.TERMINATE),
    heartbeat=int(Command.ACTIVE_TEST),
    version_of_login=_version_of_login,
    version_of_answer=_version_of_answer,
    accepted=_accepted,
    refusal=_refusal,
    next_sequence=_next_sequence,
    # pycmpp 2.0.2 answers ACTIVE_TEST with length 13 but writes the four letters "0x00" where
    # one octet belongs: 30 is the reserved octet, 78 30 30 would break the framing.
    strays=Stray(int(Command.ACTIVE_TEST_RESP), 13, b"x00"),
)
"""CMPP, for :class:`qingjing.wire.session.Session`."""
