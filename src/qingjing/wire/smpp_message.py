"""What an SMPP message carries: its alphabet, its text, and which part of a longer one it is.

A sender marks the parts of a long message in one of three ways (5.2.12, 5.3.2.22 to 24,
5.3.2.32): a user data header before the text, three optional parameters, or no parts at all and
the whole text in ``message_payload``. All are read into one form, a part with a user data
header (:class:`qingjing.wire.content.Part`), so that what comes after knows one way only.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import TypeVar

from .content import GBK, GSM, UCS2, Codings, Concat, Part, read_udh
from .errors import Hint, LocalProtocolError, RemoteProtocolError
from .smpp_pdus import DataSm, DeliverSm, SubmitMulti, SubmitSm
from .smpp_tables import TAGS
from .tlv import Tlv, get, make

__all__ = ["SHORT_MAX", "UDHI", "Way", "codings", "read_part", "with_part"]

UDHI = 0x40
"""Bit of ``esm_class``: the text begins with a user data header (5.2.12)."""
SHORT_MAX = 254
"""Octets of ``short_message`` (5.2.22)."""

_SAR = (0x020C, 0x020E, 0x020F)
_PAYLOAD = 0x0424
_HEADER_OF_SAR = 6

M = TypeVar("M", SubmitSm, SubmitMulti, DeliverSm)


class Way(Enum):
    """How the parts of a long message are marked, by the upstream's setting."""

    UDH = "udh"
    SAR = "sar"


def codings(default: str = GSM, others: Mapping[int, str] = MappingProxyType({})) -> Codings:
    """The alphabets by ``data_coding`` (5.2.19), for the functions of
    :mod:`qingjing.wire.content`. What is not here stays bytes.

    :param default: what 0 means to this peer: ``"gsm"``, ``"latin-1"`` or ``"ascii"``.
    :param others: what this peer means by other numbers.
    """
    return {
        0: default,
        1: "ascii",
        3: "latin-1",
        6: "iso8859-5",
        7: "iso8859-8",
        UCS2: "utf-16-be",
        # No number of the text; gateways in China use it as in the other protocols.
        GBK: "gb18030",
        # GSM 03.38, 4: the same alphabets with a class; 10 and 18 are shown at once.
        **dict.fromkeys(range(0x10, 0x14), default),
        **dict.fromkeys(range(0x18, 0x1C), "utf-16-be"),
        **dict.fromkeys(range(0xF0, 0xF4), default),
        **others,
    }


def read_part(message: SubmitSm | SubmitMulti | DeliverSm | DataSm) -> Part:
    """The text of a message with its user data header, whichever way it was sent.

    Where both a header and the optional parameters say which part it is, which occurs, the
    header holds. Parameters that count from 0 or beyond their total say nothing.

    :raises RemoteProtocolError: not fatal, when both ``short_message`` and ``message_payload``
        are filled, or the header or a parameter makes no sense.
    """
    payload = get(TAGS, message.tlvs, _PAYLOAD)
    short = b"" if isinstance(message, DataSm) else message.short_message
    if short and payload:
        raise RemoteProtocolError("a text in two places", hint=Hint.STRUCTURE)
    content = payload if isinstance(payload, bytes) and payload else short
    headed = bool(message.esm_class & UDHI)
    sar = _sar(message.tlvs)
    if sar is None or (headed and read_udh(content).concat is not None):
        return Part(int(headed), message.data_coding, content)
    if not headed:
        content = b"\0" + content
    if content[0] + _HEADER_OF_SAR > 0xFF:
        raise RemoteProtocolError("a header with no room", hint=Hint.STRUCTURE)
    element = bytes((8, 4)) + sar.reference.to_bytes(2, "big") + bytes((sar.total, sar.number))
    header = bytes((content[0] + _HEADER_OF_SAR,)) + element
    return Part(1, message.data_coding, header + content[1:])


def _sar(tlvs: tuple[Tlv, ...]) -> Concat | None:
    """Which part the optional parameters say it is."""
    reference, total, number = (get(TAGS, tlvs, tag) for tag in _SAR)
    if not isinstance(reference, int) or not isinstance(total, int):
        return None
    if not isinstance(number, int) or not 1 <= number <= total <= 0xFF:
        return None
    return Concat(reference & 0xFFFF, total, number)


def with_part(message: M, part: Part, *, way: Way = Way.UDH) -> M:
    """The message with this part in it. A text longer than ``short_message`` holds goes into
    ``message_payload``: that is the third way, for upstreams that cut by themselves.

    :param way: how to mark it as a part. A header that holds more than that always stays.
    :raises LocalProtocolError: when the part's header makes no sense.
    """
    headed, coding, content = part
    tlvs = tuple(t for t in message.tlvs if t.tag not in {*_SAR, _PAYLOAD})
    if headed and way is Way.SAR:
        try:
            size, concat = read_udh(content)
        except RemoteProtocolError as error:
            raise LocalProtocolError(f"a part that cannot be sent: {error}") from None
        if concat is not None and size <= _HEADER_OF_SAR + 1:
            tlvs += tuple(
                make(TAGS, tag, value) for tag, value in zip(_SAR, concat, strict=True)
            )
            headed, content = 0, content[size:]
    if len(content) > SHORT_MAX:
        tlvs += (make(TAGS, _PAYLOAD, content),)
        content = b""
    return message._replace(
        esm_class=message.esm_class & ~UDHI | (UDHI if headed else 0),
        data_coding=coding,
        short_message=content,
        tlvs=tlvs,
    )
