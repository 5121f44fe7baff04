"""The field language: what the tables of a protocol are written in.

A PDU's layout is one tuple of fields. :mod:`qingjing.wire.layout` compiles it into an encoder
and a decoder; the pages in ``docs/protocols.md`` and the generators of the tests are derived
from the same tuple, so a layout is written down exactly once.

Counting fields are part of the wire but not of the PDU: they are computed from what they count
when writing and checked when reading, so that the two can never disagree. Fields that another
version of the protocol has and this one lacks are listed as :class:`Absent`, so that one class
serves all versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

__all__ = [
    "Absent",
    "CText",
    "Content",
    "Count",
    "Field",
    "Raw",
    "Records",
    "Text",
    "TextList",
    "Tlvs",
    "Uint",
]


class Uint(NamedTuple):
    """An unsigned big-endian integer of 1, 2, 4 or 8 bytes."""

    name: str
    size: int
    note: str = ""


class Text(NamedTuple):
    """ASCII text in a fixed number of bytes, padded with NUL on the right.

    Reading cuts at the first NUL and strips spaces, for some peers pad with spaces and some
    fill the field to its last byte. ``varied`` marks a field that holds a person's number:
    it differs every time, so remembering it would only fill the memo.
    """

    name: str
    size: int
    note: str = ""
    varied: bool = False


class CText(NamedTuple):
    """ASCII text closed by a NUL: of ``most`` bytes at the most, the NUL among them.

    SMPP's C-Octet String. Nothing is stripped, for nothing pads it.
    """

    name: str
    most: int
    note: str = ""


class Raw(NamedTuple):
    """Bytes of a fixed number, kept as they are."""

    name: str
    size: int
    note: str = ""


class Count(NamedTuple):
    """An unsigned integer that counts the items or bytes of a later field ``of``."""

    name: str
    size: int
    of: str
    note: str = ""


class TextList(NamedTuple):
    """Fixed texts of ``size`` bytes each, as many as its :class:`Count` says."""

    name: str
    size: int
    least: int
    most: int
    note: str = ""


class Content(NamedTuple):
    """Bytes, as many as its :class:`Count` says; not above ``most`` where the text says so."""

    name: str
    note: str = ""
    most: int | None = None


class Records(NamedTuple):
    """Records of several fields, as many as its :class:`Count` says.

    ``kinds`` are the classes that a record may have, each with its fields, which are integers
    and texts in the order of the class. Where there are several kinds, a byte before each
    record tells which it is, counted from 1.
    """

    name: str
    kinds: tuple[tuple[type[Any], tuple[Uint | Text | CText, ...]], ...]
    least: int
    most: int
    note: str = ""


class Tlvs(NamedTuple):
    """Optional parameters up to the end of the frame: a tag, a length and a value each.

    They are kept as they came and in their order, those that nobody here knows among them.
    ``known`` says by tag what a value is, for :mod:`qingjing.wire.tlv` to read and to make.
    Where ``written`` is false they are read and must not be sent.
    """

    name: str
    known: Mapping[int, Field]
    note: str = ""
    written: bool = True


class Absent(NamedTuple):
    """A field of the PDU that this version does not put on the wire."""

    name: str
    note: str = ""


Field: TypeAlias = (
    Uint | Text | CText | Raw | Count | TextList | Content | Records | Tlvs | Absent
)
