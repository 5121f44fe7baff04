"""SMGP 3.0.3: the protocol value, digests, message ids, statuses.

The layouts stand in :mod:`qingjing.wire.smgp_tables`, parts and status reports in
:mod:`qingjing.wire.smgp_message`.
"""

from __future__ import annotations

import hmac
from collections.abc import Hashable
from enum import IntEnum
from hashlib import md5
from typing import NamedTuple, cast

from .errors import Hint, LocalProtocolError
from .login import accepts, digest, timestamp
from .meaning import Meaning
from .protocol import PDU, Protocol
from .smgp_tables import (
    HEADER,
    LAYOUTS,
    V13,
    V30,
    Command,
    DeliverResp,
    Login,
    LoginResp,
    SubmitResp,
)

__all__ = [
    "PROTOCOL",
    "LoginMode",
    "MsgId",
    "Status",
    "accepts_client",
    "accepts_server",
    "authenticator_client",
    "authenticator_server",
    "compose_msg_id",
    "login_answer",
    "login_status",
    "msg_ids",
    "split_msg_id",
    "timestamp",
]


class LoginMode(IntEnum):
    """What a connection carries: of a client that sends, its submits; of one that receives,
    deliveries and reports, which therefore come on another connection than the submit."""

    SEND = 0
    RECEIVE = 1
    BOTH = 2


class Status(Meaning):
    """``Status`` of every answer; 128 to 255 are the gateways' own.

    ``BUSY`` means "slow down and send it again", never "refused". Flow control has no code of
    its own: ``QUOTA`` is a hard one, of the day.
    """

    OK = 0, "accepted"
    BUSY = 1, "busy, send it again"
    CONNECTIONS = 2, "too many connections"
    STRUCTURE = 10, "structure"
    COMMAND = 11, "command"
    DUPLICATE_SEQUENCE = 12, "sequence number used twice"
    ADDRESS = 20, "IP address"
    DIGEST = 21, "digest"
    VERSION = 22, "version too high"
    MSG_TYPE = 30, "MsgType"
    PRIORITY = 31, "Priority"
    FEE_TYPE = 32, "FeeType"
    FEE_CODE = 33, "FeeCode"
    MSG_FORMAT = 34, "MsgFormat"
    TIME_FORMAT = 35, "form of a time"
    MSG_LENGTH = 36, "MsgLength"
    EXPIRED = 37, "valid no longer"
    QUERY_TYPE = 38, "QueryType"
    ROUTING = 39, "routing"
    FIXED_FEE = 40, "FixedFee"
    UPDATE_TYPE = 41, "UpdateType"
    ROUTE_ID = 42, "RouteId"
    SERVICE_ID = 43, "ServiceID"
    VALID_TIME = 44, "ValidTime"
    AT_TIME = 45, "AtTime"
    SRC_TERM_ID = 46, "SrcTermID"
    DEST_TERM_ID = 47, "DestTermID"
    CHARGE_TERM_ID = 48, "ChargeTermID"
    SP_CODE = 49, "code of the service provider"
    SRC_GATEWAY_ID = 56, "SrcGatewayID"
    QUERY_TERM_ID = 57, "QueryTermID"
    NO_ROUTE = 58, "no route"
    SP_TYPE = 59, "SPType"
    LAST_ROUTE_ID = 60, "LastRouteID"
    ROUTE_TYPE = 61, "RouteType"
    DEST_GATEWAY_ID = 62, "id of the destination gateway"
    DEST_GATEWAY_IP = 63, "address of the destination gateway"
    DEST_GATEWAY_PORT = 64, "port of the destination gateway"
    TERM_RANGE_ID = 65, "TermRangeID"
    PROVINCE_CODE = 66, "ProvinceCode"
    USER_TYPE = 67, "UserType"
    NO_ROUTE_UPDATE = 68, "route not to be updated here"
    SP_ID = 69, "SPID"
    SP_ACCESS_TYPE = 70, "SPAccessType"
    ROUTE_UPDATE = 71, "route update failed"
    TIME = 72, "Time"
    MSERVICE_ID = 73, "MServiceID"
    FORBIDDEN_HOUR = 74, "no sending at this time"
    QUOTA = 75, "more than the quota of the day"
    ACCOUNT_EXPIRED = 76, "the account has expired"


_NULS, _ACCOUNT_SIZE = 7, 8


def authenticator_client(
    client_id: str, secret: bytes, when: int, *, padded: bool = False
) -> bytes:
    """``AuthenticatorClient``: MD5 of account, seven NUL, secret and timestamp.

    :param secret: the shared secret, at most 15 octets by the text.
    :param when: the TimeStamp field; it is hashed as ten digits, zeros on the left.
    :param padded: hash an account shorter than eight as eight octets. The text does not say;
        most implementations hash it as it is, gosmgp's server example wants it padded.
    """
    return digest(client_id, _NULS, secret, when, _ACCOUNT_SIZE if padded else 0)


def accepts_client(login: Login, secret: bytes) -> bool:
    """Whether the client knows the secret; either reading of a short account counts."""
    given, account = login.AuthenticatorClient, login.ClientID
    return accepts(given, account, _NULS, secret, login.TimeStamp, _ACCOUNT_SIZE)


def authenticator_server(status: int, client_digest: bytes, secret: bytes) -> bytes:
    """``AuthenticatorServer``: MD5 of Status (four octets), AuthenticatorClient and secret.

    :param client_digest: AuthenticatorClient of the login that is answered.
    """
    data = status.to_bytes(4, "big") + client_digest + secret
    return md5(data, usedforsecurity=False).digest()


def accepts_server(answer: LoginResp, client_digest: bytes, secret: bytes) -> bool:
    """Whether the server knows the secret. Servers compute this digest in so many ways that a
    mismatch is worth a line in the log and not a closed connection."""
    expected = authenticator_server(answer.Status, client_digest, secret)
    return hmac.compare_digest(expected, answer.AuthenticatorServer)


def login_status(login: Login, secret: bytes, *, highest: int = V30) -> Status:
    """What to answer a login of a known account.

    :param highest: the highest version the account may speak; a client of a higher major
        version is told so.
    """
    if login.ClientVersion >> 4 > highest >> 4:
        return Status.VERSION
    return Status.OK if accepts_client(login, secret) else Status.DIGEST


def login_answer(
    login: Login, status: int, secret: bytes = b"", *, highest: int = V30
) -> LoginResp:
    """The answer to a login; the digest is zero on refusal."""
    proof = (
        bytes(16) if status else authenticator_server(status, login.AuthenticatorClient, secret)
    )
    return LoginResp(login.SequenceID, status, proof, highest)


class MsgId(NamedTuple):
    """The parts of a MsgID: gateway code of six digits (area, 06, ordinal), local time without
    year and seconds, counter to 999999."""

    gateway: int
    month: int
    day: int
    hour: int
    minute: int
    sequence: int


_DIGITS = (6, 2, 2, 2, 2, 6)
_COUNTER = 1_000_000


def compose_msg_id(parts: MsgId) -> bytes:
    """The ten octets of a MsgID: twenty decimal digits, two in an octet.

    :raises LocalProtocolError: when a part does not fit its digits.
    """
    for name, part, digits in zip(MsgId._fields, parts, _DIGITS, strict=True):
        if not 0 <= part < 10**digits:
            raise LocalProtocolError(f"{name} {part} has no place in {digits} digits")
    digits_all = (f"{p:0{n}}" for p, n in zip(parts, _DIGITS, strict=True))
    return bytes.fromhex("".join(digits_all))


def split_msg_id(raw: bytes) -> MsgId | None:
    """The parts of a MsgID that this text's rule made; None when it is not all digits.

    Gateways put other octets into it: an upstream's id is to be kept and compared whole. Its
    text is ``raw.hex()``.
    """
    text = raw.hex()
    if len(raw) != 10 or not text.isdecimal():
        return None
    parts: list[int] = []
    at = 0
    for digits in _DIGITS:
        parts.append(int(text[at : at + digits]))
        at += digits
    return MsgId(*parts)


def msg_ids(first: bytes, count: int) -> list[bytes]:
    """The ids of a submit's ``count`` destinations: the counter goes up and round. When it is
    not made of digits, the one id is for all."""
    if not first[7:].hex().isdecimal():
        return [first] * count
    start = int(first[7:].hex())
    return [first[:7] + bytes.fromhex(f"{(start + i) % _COUNTER:06}") for i in range(count)]


def _version_of_login(login: Login) -> int:
    """The version in which to answer."""
    return V30 if login.ClientVersion >= V30 else V13


def _version_of_answer(frame: bytes) -> int:
    """The server's version, which is the last octet of a LOGIN_RESP."""
    return V30 if frame[-1] >= V30 else V13


def _accepted(answer: LoginResp) -> bool:
    """Whether this login answer lets us in."""
    return answer.Status == Status.OK


_BARRED = {
    LoginMode.SEND: frozenset({int(Command.DELIVER)}),
    LoginMode.RECEIVE: frozenset({int(Command.SUBMIT), int(Command.QUERY)}),
}


def _barred(login: Login) -> frozenset[int]:
    """What a connection of this LoginMode does not carry."""
    return _BARRED.get(cast(LoginMode, login.LoginMode), frozenset())


_STATUSES = {
    Hint.STRUCTURE: Status.STRUCTURE,
    Hint.LENGTH: Status.STRUCTURE,
    Hint.COMMAND: Status.COMMAND,
    Hint.DUPLICATE: Status.DUPLICATE_SEQUENCE,
    Hint.BUSY: Status.BUSY,
}


def _refusal(frame: bytes, sequence: Hashable, hint: Hint) -> PDU | None:
    """The answer that refuses a request. QUERY, EXIT and ACTIVE_TEST have none."""
    command, number = int.from_bytes(frame[4:8], "big"), cast(int, sequence)
    if command == Command.LOGIN:
        return LoginResp(number, _STATUSES[hint])
    if command == Command.SUBMIT:
        return SubmitResp(number, Status=_STATUSES[hint])
    if command == Command.DELIVER:
        # The answer repeats the MsgID, which may be readable although the rest is not.
        msg_id = frame[12:22] if len(frame) >= 22 else bytes(10)
        return DeliverResp(number, msg_id, _STATUSES[hint])
    return None


def _next_sequence(previous: Hashable) -> int:
    """A counter of step 1 that goes round; it starts at 1."""
    return 1 if previous is None else (cast(int, previous) + 1) & 0xFFFFFFFF


PROTOCOL = Protocol(
    name="SMGP",
    header=HEADER,
    layouts=LAYOUTS,
    first=V30,
    answers={int(c): c | 0x80000000 for c in Command if c < 0x80000000},
    login=frozenset({int(Command.LOGIN)}),
    logout=int(Command.EXIT),
    heartbeat=int(Command.ACTIVE_TEST),
    version_of_login=_version_of_login,
    version_of_answer=_version_of_answer,
    accepted=_accepted,
    refusal=_refusal,
    next_sequence=_next_sequence,
    barred=_barred,
)
"""SMGP, for :class:`qingjing.wire.session.Session`."""
