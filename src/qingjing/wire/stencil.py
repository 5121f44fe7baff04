"""Stencils: a request that is written once and sent many times, each time with other numbers.

A campaign is one text to a million people. What its frames share is laid out, checked and
padded once; a copy is the bytes of a number and of an id put into their places.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from .fields import Absent, Content, CText, Field, TextList
from .layout import PREFIX_SIZE, Layout
from .protocol import PDU

__all__ = ["Span", "Stencil", "span"]

Span = tuple[int, int]
"""Where a field begins and ends, in octets from the start of the frame."""


def span(fields: Sequence[Field], values: object, name: str, at: int = PREFIX_SIZE) -> Span:
    """Where a field of a PDU stands; ``at`` is where the first field begins.

    The fields before it must be fixed, lists, contents or closed texts. Of a closed text it is
    the characters: a stencil of these serves numbers that are as long as the sample's.
    """
    for field in fields:
        if isinstance(field, Absent):
            continue
        closing = isinstance(field, CText)
        if isinstance(field, TextList):
            size = len(getattr(values, field.name)) * field.size
        elif isinstance(field, Content | CText):
            size = len(getattr(values, field.name))
        else:
            size = field.size  # type: ignore[union-attr]
        if field.name == name:
            return at, at + size
        at += size + closing
    raise KeyError(name)


class Stencil:
    """A PDU's frame with holes.

    :param layout: the PDU's layout.
    :param pdu: a sample; what it has in the holes must fit but is never sent.
    :param holes: where copies differ, in order and apart. The sequence number comes by itself.
    """

    def __init__(self, layout: Layout[Any], pdu: PDU, holes: Sequence[Span]) -> None:
        frame = layout.encode(pdu)
        header = layout.header
        self.layout = layout
        self.sizes = tuple(end - start for start, end in holes)
        """Octets of each hole."""
        self._number = header.write_sequence
        pieces: list[bytes] = []
        at = 0
        for start, end in (header.sequence_span, *holes):
            pieces.append(frame[at:start].replace(b"%", b"%%"))
            at = end
        pieces.append(frame[at:].replace(b"%", b"%%"))
        self._form = b"%b".join(pieces)

    def pad(self, hole: int, text: str) -> bytes:
        """An ASCII text as a hole takes it, padded with NUL."""
        return text.encode("ascii").ljust(self.sizes[hole], b"\0")

    def fill(self, sequence: Hashable, values: tuple[bytes, ...]) -> bytes:
        """A copy. Each value must be exactly as long as its hole: it is not looked at again."""
        return self._form % (self._number(sequence), *values)
