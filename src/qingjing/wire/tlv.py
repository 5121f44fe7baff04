"""Optional parameters: a tag of two bytes, a length of two, and a value.

A PDU holds them as they came, so that what nobody here knows goes through unchanged and in its
place. What a protocol knows is read and made through its table of tags.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .errors import Hint, LocalProtocolError, RemoteProtocolError
from .fields import CText, Field, Text, Uint

__all__ = ["Tlv", "get", "make", "read_tlvs", "write_tlvs"]

_HEAD = struct.Struct(">HH")
_UINT_MAX = 8


class Tlv(NamedTuple):
    """One optional parameter; ``value`` is the bytes on the wire."""

    tag: int
    value: bytes


def read_tlvs(data: bytes, at: int) -> tuple[Tlv, ...]:
    """The parameters from ``at`` to the end of ``data``, in their order.

    :raises RemoteProtocolError: not fatal, when ``at`` is past the end or the last is cut off.
    """
    end = len(data)
    if at == end:
        return ()
    if at > end:
        raise RemoteProtocolError(f"{end} bytes end inside a field", hint=Hint.LENGTH)
    found: list[Tlv] = []
    while at < end:
        if at + _HEAD.size > end:
            break
        tag, size = _HEAD.unpack_from(data, at)
        at += _HEAD.size + size
        found.append(Tlv(tag, data[at - size : at]))
    if at != end:
        raise RemoteProtocolError("an optional parameter is cut off", hint=Hint.STRUCTURE)
    return tuple(found)


def write_tlvs(tlvs: object) -> bytes:
    """The bytes of a tuple of parameters.

    :raises LocalProtocolError: when it is none, or one does not fit its tag or its length.
    """
    if not isinstance(tlvs, tuple):
        raise LocalProtocolError("optional parameters: a tuple of Tlv is needed")
    out: list[bytes] = []
    for tlv in tlvs:
        if not isinstance(tlv, Tlv) or not isinstance(tlv.value, bytes):
            raise LocalProtocolError("optional parameters: a tuple of Tlv is needed")
        try:
            out += (_HEAD.pack(tlv.tag, len(tlv.value)), tlv.value)
        except struct.error as error:
            raise LocalProtocolError(f"an optional parameter: {error}") from None
    return b"".join(out)


def make(known: Mapping[int, Field], tag: int, value: int | str | bytes) -> Tlv:
    """The parameter of this tag and value.

    :param known: what the values of the protocol's tags are.
    :raises LocalProtocolError: when the value is not what the tag holds, or does not fit.
    """
    field = known.get(tag)
    if isinstance(field, Uint) and isinstance(value, int) and 0 <= value < 256**field.size:
        return Tlv(tag, value.to_bytes(field.size, "big"))
    if isinstance(field, CText | Text) and isinstance(value, str):
        size = field.most - 1 if isinstance(field, CText) else field.size
        if value.isascii() and "\0" not in value and len(value) <= size:
            raw = value.encode("ascii")
            return Tlv(tag, raw + b"\0" if isinstance(field, CText) else raw.ljust(size, b"\0"))
    elif not isinstance(field, Uint | CText | Text) and isinstance(value, bytes):
        return Tlv(tag, value)
    raise LocalProtocolError(f"tag {tag:#06x}: the value does not fit")


def get(known: Mapping[int, Field], tlvs: Iterable[Tlv], tag: int) -> int | str | bytes | None:
    """The value of the first parameter of this tag; None when there is none.

    Integers may have another width than the text gives them, and texts may lack their NUL or
    their padding: all of it is sent.

    :param known: what the values of the protocol's tags are.
    :raises RemoteProtocolError: not fatal, when the value is no such thing at all.
    """
    raw = next((tlv.value for tlv in tlvs if tlv.tag == tag), None)
    if raw is None:
        return None
    field = known.get(tag)
    if isinstance(field, Uint):
        if not 1 <= len(raw) <= _UINT_MAX:
            raise RemoteProtocolError(f"{field.name}: no integer", hint=Hint.STRUCTURE)
        return int.from_bytes(raw, "big")
    if isinstance(field, CText | Text):
        text = raw.partition(b"\0")[0]
        if not text.isascii():
            raise RemoteProtocolError(f"{field.name}: not ASCII", hint=Hint.STRUCTURE)
        return text.decode("ascii")
    return raw
