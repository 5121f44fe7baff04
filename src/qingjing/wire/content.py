"""What stands in a message's content: codings, user data headers, parts of long messages.

The codings are numbered alike in CMPP (``Msg_Fmt``), SGIP and SMGP (``MsgFormat``): 0 ASCII
with one octet a character, 8 UCS2 which in reality is UTF-16BE, 15 GBK which is read as its
superset GB18030. SMPP has numbers of its own, some of which each peer fills as it likes: they
are an argument. Everything else (4 binary, 3 SIM commands) stays bytes: we do not guess.

A long message is several parts, each beginning with a user data header (GSM 03.40, 9.2.3.24)
whose concatenation element says which part of how many it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from . import gsm
from .errors import Hint, LocalProtocolError, RemoteProtocolError

__all__ = [
    "ASCII",
    "CODINGS",
    "GBK",
    "GSM",
    "PART_MAX",
    "UCS2",
    "Codings",
    "Concat",
    "Part",
    "Udh",
    "decode_text",
    "encode_text",
    "join",
    "read_udh",
    "split",
]

ASCII, UCS2, GBK = 0, 8, 15

PART_MAX = 140
"""Octets of one short message on the air (GSM 03.40, 9.2.3.24: TP-UD)."""
_GSM_MAX = 160  # the septets that fit into them

GSM = "gsm"
"""Name of the alphabet of :mod:`qingjing.wire.gsm`, which Python has no codec for."""

Codings: TypeAlias = Mapping[int, str]
"""Which coding of text a number is: Python's name of it, or :data:`GSM`."""

CODINGS: Codings = MappingProxyType({ASCII: "ascii", UCS2: "utf-16-be", GBK: "gb18030"})
"""Those of CMPP, SGIP and SMGP."""
_CONCAT_8, _CONCAT_16 = 0x00, 0x08  # information element ids, GSM 03.40 9.2.3.24


class Concat(NamedTuple):
    """Which part of which long message: the reference is the sender's, numbers start at 1."""

    reference: int
    total: int
    number: int


class Udh(NamedTuple):
    """A user data header: its octets in all, and its concatenation element if it has one."""

    size: int
    concat: Concat | None


class Part(NamedTuple):
    """One short message of a text, ready for the fields of the same names."""

    tp_udhi: int
    msg_fmt: int
    content: bytes


def decode_text(content: bytes, msg_fmt: int, codings: Codings = CODINGS) -> str | bytes:
    """The text of ``content`` without its header; bytes when the coding is not one of text.

    :param codings: what the numbers mean, as everywhere below.
    :raises RemoteProtocolError: not fatal, when the bytes are not in that coding.
    """
    codec = codings.get(msg_fmt)
    if codec is None:
        return content
    if codec == GSM:
        return gsm.decode(content)
    try:
        return content.decode(codec)
    except UnicodeDecodeError as error:
        raise RemoteProtocolError(
            f"content is not {codec}: {error.reason} at octet {error.start}",
            hint=Hint.STRUCTURE,
        ) from None


def encode_text(text: str, msg_fmt: int, codings: Codings = CODINGS) -> bytes:
    """The content of ``text``.

    :raises LocalProtocolError: when the coding is not one of text or cannot hold this one.
    """
    codec = codings.get(msg_fmt)
    if codec is None:
        raise LocalProtocolError(f"coding {msg_fmt} is not a coding of text")
    if codec == GSM:
        return gsm.encode(text)
    try:
        return text.encode(codec)
    except UnicodeEncodeError as error:
        raise LocalProtocolError(
            f"{codec} cannot hold U+{ord(text[error.start]):04X}"
        ) from None


def read_udh(content: bytes) -> Udh:
    """The user data header at the start of a content whose TP_udhi is 1.

    A concatenation element that counts parts from 0 or beyond its own total is read as none:
    such parts occur, and are delivered as plain messages.

    :raises RemoteProtocolError: not fatal, when the header is longer than the content or its
        elements do not fill it.
    """
    if not content or (size := content[0] + 1) > len(content):
        raise RemoteProtocolError(
            f"a user data header does not fit in {len(content)} octets", hint=Hint.STRUCTURE
        )
    concat: Concat | None = None
    at = 1
    while at < size:
        if at + 2 > size or (end := at + 2 + content[at + 1]) > size:
            raise RemoteProtocolError(
                "an element of the user data header is cut off", hint=Hint.STRUCTURE
            )
        element, value = content[at], content[at + 2 : end]
        at = end
        if (element, len(value)) in {(_CONCAT_8, 3), (_CONCAT_16, 4)}:
            found = Concat(int.from_bytes(value[:-2], "big"), value[-2], value[-1])
            if 1 <= found.number <= found.total:
                concat = found
    return Udh(size, concat)


def split(
    text: str,
    fmt_preference: int,
    reference: int,
    *,
    ascii_max: Literal[140, 160] = 140,
    wide: bool = False,
    codings: Codings = CODINGS,
) -> list[Part]:
    """Cut a text into as few short messages as hold it.

    No character is cut: neither a surrogate pair nor a GBK or GB18030 sequence nor an escape
    of the GSM alphabet. A text that the preferred coding cannot hold goes as UCS2.

    :param fmt_preference: a number of ``codings``.
    :param reference: the same for all parts; a sender must not use it again for the same
        destination within the receiver's memory, some minutes. It is taken modulo its width.
    :param ascii_max: octets of a single ASCII message. Gateways differ: 140, then 134 a part,
        or 160, then 153 a part, as if the octets were packed septets. Those of the GSM
        alphabet are, so it always has the longer.
    :param wide: write a 16-bit reference, with a header of 7 octets instead of 6.
    :raises LocalProtocolError: when no coding holds the text or it needs more than 255 parts.
    """
    fmt, whole = _encoded(text, fmt_preference, codings)
    single = {"ascii": ascii_max, GSM: _GSM_MAX}.get(codings[fmt], PART_MAX)
    if len(whole) <= single:
        return [Part(0, fmt, whole)]
    # 153 septets and a 6-octet header are 140 octets; the 7-octet header leaves 152.
    room = (153 if single == _GSM_MAX else 134) - wide
    pieces = _pieces(text, fmt, room, codings)
    total = len(pieces)
    if total > 255:
        raise LocalProtocolError(f"a text of {total} parts: the header counts up to 255")
    head = (
        bytes((6, _CONCAT_16, 4)) + (reference & 0xFFFF).to_bytes(2, "big")
        if wide
        else bytes((5, _CONCAT_8, 3, reference & 0xFF))
    )
    return [
        Part(1, fmt, head + bytes((total, number)) + piece)
        for number, piece in enumerate(pieces, 1)
    ]


def _encoded(text: str, preference: int, codings: Codings) -> tuple[int, bytes]:
    """The coding that a text goes in, and its octets."""
    try:
        return preference, encode_text(text, preference, codings)
    except LocalProtocolError:
        if preference not in codings or preference == UCS2:
            raise
    return UCS2, encode_text(text, UCS2, codings)


def _pieces(text: str, fmt: int, room: int, codings: Codings) -> list[bytes]:
    """The encoded text in pieces of at most ``room`` octets, each of whole characters."""
    pieces: list[bytes] = []
    piece = bytearray()
    for character in text:
        octets = encode_text(character, fmt, codings)
        if len(piece) + len(octets) > room:
            pieces.append(bytes(piece))
            piece.clear()
        piece += octets
    pieces.append(bytes(piece))
    return pieces


def join(parts: Iterable[Part], codings: Codings = CODINGS) -> str | bytes:
    """The text of all parts of one message, in any order.

    The octets are joined before they are read, for some senders do cut a character in two.
    Parts of different codings, which occur too, are read one by one.

    :param parts: every part once. The key by which a receiver collects them is the account,
        source, destination, reference and total; never the connection.
    :raises RemoteProtocolError: not fatal, on a bad header or coding, or when the octets of
        text and other codings are mixed.
    """
    numbered: list[tuple[int, int, bytes]] = []
    for udhi, fmt, content in parts:
        udh = read_udh(content) if udhi else Udh(0, None)
        number = udh.concat.number if udh.concat else 0
        numbered.append((number, fmt, content[udh.size :]))
    numbered.sort(key=lambda item: item[0])
    formats = {fmt for _, fmt, _ in numbered}
    if len(formats) == 1:
        whole = b"".join(octets for _, _, octets in numbered)
        return decode_text(whole, formats.pop(), codings)
    texts: list[str] = []
    for _, fmt, octets in numbered:
        text = decode_text(octets, fmt, codings)
        if isinstance(text, bytes):
            raise RemoteProtocolError(
                f"a part of coding {fmt} among parts of text", hint=Hint.STRUCTURE
            )
        texts.append(text)
    return "".join(texts)
