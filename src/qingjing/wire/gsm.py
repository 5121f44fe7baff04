"""GSM 03.38 (3GPP TS 23.038, 6.2.1): the default alphabet of SMPP's servers.

An octet holds one septet, as SMPP sends it; nothing is packed. A character of the extension
takes two octets, of which the first is an escape.
"""

from __future__ import annotations

from .errors import Hint, LocalProtocolError, RemoteProtocolError

__all__ = ["decode", "encode"]

_ESCAPE = 0x1B
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
_OCTETS = {
    **{character: bytes((i,)) for i, character in enumerate(_BASIC) if i != _ESCAPE},
    **{character: bytes((_ESCAPE, i)) for i, character in _EXTENSION.items()},
}


def encode(text: str) -> bytes:
    """The octets of ``text``.

    :raises LocalProtocolError: when the alphabet lacks one of its characters.
    """
    try:
        return b"".join([_OCTETS[character] for character in text])
    except KeyError as error:
        raise LocalProtocolError(f"gsm cannot hold U+{ord(error.args[0]):04X}") from None


def decode(content: bytes) -> str:
    """The text of ``content``. An escape before what the extension lacks is skipped, and one
    at the end is a space, as 6.2.1 asks of those that know no extension.

    :raises RemoteProtocolError: not fatal, when an octet is no septet.
    """
    if not content.isascii():
        raise RemoteProtocolError("content is not gsm: an octet above 7F", hint=Hint.STRUCTURE)
    head, *rest = content.split(b"\x1b")
    text = "".join([_BASIC[octet] for octet in head])
    for piece in rest:
        if not piece:
            text += " "
            continue
        text += _EXTENSION.get(piece[0], _BASIC[piece[0]])
        text += "".join([_BASIC[octet] for octet in piece[1:]])
    return text
