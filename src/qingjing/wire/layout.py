"""Layouts: a tuple of fields compiled into an encoder and a decoder.

Neighbouring fixed fields become one :class:`struct.Struct`, and a list of exactly one item,
which is what nearly every message has, is read as part of the struct around it.

Errors name fields and never their values: a number in a log is a person in a log.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Hashable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Generic, TypeVar, cast

from .errors import Hint, LocalProtocolError, RemoteProtocolError
from .fields import Absent, Content, Count, Field, Raw, Text, TextList
from .steps import Run, preparer, read_text, steps, write_text

__all__ = ["PREFIX_SIZE", "AnswerLayout", "Header", "Layout", "Table"]

P = TypeVar("P", bound=tuple[Any, ...])

_PREFIX = struct.Struct(">II")
PREFIX_SIZE = _PREFIX.size
"""Octets of length and command, with which every frame begins."""
_MEMO_MAX = 4096
"""How many padded texts are remembered. Service codes, fee codes and sender numbers of one
gateway are a few hundred; a peer that sends rubbish only makes the memo start afresh."""


class _Memo(dict[bytes, str]):
    """Padded bytes to text, remembered: the same few dozen values fill most fields."""

    def __missing__(self, raw: bytes) -> str:
        text = read_text(raw)
        if len(self) >= _MEMO_MAX:
            self.clear()
        self[raw] = text
        return text


_memo = _Memo()


def _write_raw(name: str, size: int, raw: object) -> bytes:
    """The bytes of a raw field, or LocalProtocolError: struct would pad or cut silently."""
    if not isinstance(raw, bytes) or len(raw) != size:
        raise LocalProtocolError(f"{name}: exactly {size} bytes are needed")
    return raw


def _picker(order: Sequence[int], width: int) -> Callable[[Any], tuple[Any, ...]]:
    """A function that puts values in ``order``; the identity costs a copy and no more."""
    if list(order) == list(range(width)):
        return tuple
    # itemgetter of one index gives the bare value, of two or more a tuple.
    return itemgetter(*order) if len(order) > 1 else lambda values: (values[order[0]],)


class Table(Generic[P]):
    """One layout: writes a PDU to bytes and reads it back.

    :param pdu: the NamedTuple class. Its attributes are the names of ``fields`` in any order,
        without the counting ones.
    :param fields: the fields in wire order.
    """

    def __init__(self, pdu: type[P], fields: tuple[Field, ...]) -> None:
        self.pdu, self.fields = pdu, fields
        names: tuple[str, ...] = pdu._fields  # type: ignore[attr-defined]
        defaults: Mapping[str, Any] = pdu._field_defaults  # type: ignore[attr-defined]
        wire = [f for f in fields if not isinstance(f, Absent)]
        absent = [f.name for f in fields if isinstance(f, Absent)]
        if {f.name for f in fields if not isinstance(f, Count)} != set(names):
            raise LocalProtocolError(f"{pdu.__name__}: the class and its table differ")
        place = {name: i for i, name in enumerate(names)}
        self._counted = [place[f.of] for f in wire if isinstance(f, Count)]
        place |= {
            f.name: len(names) + i
            for i, f in enumerate(f for f in wire if isinstance(f, Count))
        }
        self._to_wire = _picker([place[f.name] for f in wire], len(place))
        held = {f.name: i for i, f in enumerate(wire)}
        held |= {name: len(wire) + i for i, name in enumerate(absent)}
        self._to_pdu = _picker([held[name] for name in names], len(held))
        self._absent = [defaults[name] for name in absent]
        self._write_absent = [(place[name], name, defaults[name]) for name in absent]
        self._compile_checks(wire, place, held)
        self._any = steps(wire, fuse=False)
        self._one = steps(wire, fuse=True)

    def _compile_checks(
        self, wire: Sequence[Field], place: Mapping[str, int], held: Mapping[str, int]
    ) -> None:
        """Note where texts, raw bytes, the list and its count stand, for both directions."""
        texts = [f for f in wire if isinstance(f, Text)]
        self._memo_at = [held[f.name] for f in texts if not f.varied]
        self._varied_at = [held[f.name] for f in texts if f.varied]
        self._write_texts = [(place[f.name], f.name, f.size) for f in texts]
        self._write_raws = [(place[f.name], f.name, f.size) for f in wire if isinstance(f, Raw)]
        prepared = [(f, preparer(f)) for f in wire]
        self._prepared = [(place[f.name], prepare) for f, prepare in prepared if prepare]
        self._contents = [
            (place[f.name], f.name)
            for f, prepare in prepared
            if isinstance(f, Content) and not prepare
        ]
        self._list = next((f for f in wire if isinstance(f, TextList)), None)
        self._list_place = place[self._list.name] if self._list else 0
        self._list_held = held[self._list.name] if self._list else 0
        counts = [
            f.name for f in wire if self._list and getattr(f, "of", "") == self._list.name
        ]
        before = wire[: held[counts[0]]] if counts else []
        self._list_count_offset = sum(getattr(f, "size", 0) for f in before)
        checked = texts or self._write_raws or self._counted or self._prepared
        self._plain = not (checked or self._absent)

    def decode(self, data: bytes, at: int = 0) -> P:
        """Read the PDU that fills ``data`` from ``at`` to its end.

        :raises RemoteProtocolError: not fatal, with a hint.
        """
        values: list[Any] = []
        # One destination is what nearly every message has: then the whole head is one struct.
        single = self._list is not None and self._is_single(data, at)
        try:
            for step in self._one if single else self._any:
                at = step.read(data, at, values)
            if at != len(data):
                raise RemoteProtocolError(
                    f"{len(data)} bytes where the fields make {at}", hint=Hint.LENGTH
                )
            memo = _memo
            for i in self._memo_at:
                values[i] = memo[values[i]]
            for i in self._varied_at:
                values[i] = read_text(values[i])
            if single:
                values[self._list_held] = (read_text(values[self._list_held]),)
        except struct.error:
            raise RemoteProtocolError(
                f"{len(data)} bytes end inside a field", hint=Hint.LENGTH
            ) from None
        except UnicodeDecodeError:
            raise RemoteProtocolError(
                "a text field is not ASCII", hint=Hint.STRUCTURE
            ) from None
        values += self._absent
        return tuple.__new__(self.pdu, self._to_pdu(values))

    def _is_single(self, data: bytes, at: int) -> bool:
        """Whether the list's count, which is one byte in every table, is one."""
        at += self._list_count_offset
        return data[at : at + 1] == b"\x01"

    def values(self, pdu: P) -> list[Any]:
        """The PDU's values, checked and ready for the structs."""
        self._expect(pdu)
        values = list(pdu)
        for i, name, default in self._write_absent:
            if values[i] != default:
                raise LocalProtocolError(f"{name}: this version has no such field")
        for i, name, size in self._write_texts:
            values[i] = write_text(name, size, values[i])
        for i, name, size in self._write_raws:
            values[i] = _write_raw(name, size, values[i])
        for i, name in self._contents:
            if not isinstance(values[i], bytes):
                raise LocalProtocolError(f"{name}: bytes are needed")
        for i, prepare in self._prepared:
            values[i] = prepare(values[i])
        if (field := self._list) is not None:
            items = values[self._list_place]
            if not isinstance(items, tuple) or not field.least <= len(items) <= field.most:
                raise LocalProtocolError(
                    f"{field.name}: a tuple of {field.least} to {field.most} items is needed"
                )
            values[self._list_place] = [
                write_text(field.name, field.size, item) for item in items
            ]
        values += [len(values[i]) for i in self._counted]
        return values

    def _expect(self, pdu: object) -> None:
        """Refuse to write one PDU with the layout of another."""
        if type(pdu) is not self.pdu:
            raise LocalProtocolError(f"{type(pdu).__name__} where {self.pdu.__name__} is due")

    def body(self, values: Sequence[Any]) -> bytes:
        """The bytes of checked values."""
        out: list[bytes] = []
        wire = self._to_wire(values)
        try:
            for step in self._any:
                step.write(wire, out)
        except struct.error as error:
            raise LocalProtocolError(f"{self.pdu.__name__}: {error}") from None
        return b"".join(out)

    def encode(self, pdu: P) -> bytes:
        """Write the PDU.

        :raises LocalProtocolError: when a value does not fit its field.
        """
        return self.body(self.values(pdu))


class Header:
    """What follows the length and the command in every frame of one protocol.

    All four carriers' protocols begin with two 4-byte integers, the total length and the
    command; after that come a sequence number of their own width and sometimes a status.

    :param fields: the fields after the command.
    :param sequence: the name of the one that pairs a request with its answer.
    :param status: the name of the one that says whether an answer is good, if it is here.
    """

    def __init__(
        self, fields: tuple[Field, ...], sequence: str, status: str | None = None
    ) -> None:
        self.fields = fields
        run = Run(0, fields)
        self._struct = run.struct
        self.size = _PREFIX.size + run.struct.size
        """Bytes of the whole header."""
        names = [f.name for f in fields]
        self.sequence_at = names.index(sequence)
        """Index of the sequence number in every PDU of the protocol."""
        start = PREFIX_SIZE + Run(0, fields[: self.sequence_at]).size
        number = Run(0, fields[self.sequence_at : self.sequence_at + 1])
        self.sequence_span = (start, start + number.size)
        """Where the sequence number stands in every frame."""
        self.write_sequence: Callable[[Any], bytes] = number.struct.pack
        """The bytes of a sequence number."""
        self.status_at = None if status is None else names.index(status)
        """Index of the status in every PDU of the protocol, where the header has it."""

    def sequence(self, frame: bytes) -> Hashable:
        """The sequence number of a frame that is at least a header long."""
        value: Hashable = self.read(frame)[self.sequence_at]
        return value

    def read(self, frame: bytes) -> tuple[Any, ...]:
        """The header's fields, of a frame that is at least a header long."""
        return self._struct.unpack_from(frame, _PREFIX.size)


class Layout(Table[P]):
    """A table with a frame header: reads and writes whole frames of one command.

    :param command: the command id.
    :param header: the protocol's header; its fields come before ``fields``.
    """

    def __init__(
        self, command: int, header: Header, pdu: type[P], fields: tuple[Field, ...]
    ) -> None:
        super().__init__(pdu, header.fields + fields)
        self.command, self.header = command, header
        self._fixed: struct.Struct | None = None
        if self._plain:
            # Nothing but integers: the whole frame, with its constant length, is one pack.
            run = cast(Run, self._any[0])
            self._fixed = struct.Struct(">II" + run.struct.format.lstrip(">"))

    def encode_as(self, pdu: P, sequence: Hashable) -> bytes:
        """Write the frame with another sequence number than the PDU holds.

        :raises LocalProtocolError: when a value does not fit its field.
        """
        values = self.values(pdu)
        values[self.header.sequence_at] = sequence
        body = self.body(values)
        return _PREFIX.pack(len(body) + _PREFIX.size, self.command) + body

    def encode(self, pdu: P) -> bytes:
        """Write the frame.

        :raises LocalProtocolError: when a value does not fit its field.
        """
        if (fixed := self._fixed) is None:
            return self.encode_as(pdu, pdu[self.header.sequence_at])
        self._expect(pdu)
        try:
            return fixed.pack(fixed.size, self.command, *self._to_wire(pdu))
        except struct.error as error:
            raise LocalProtocolError(f"{self.pdu.__name__}: {error}") from None

    def decode(self, data: bytes, at: int = _PREFIX.size) -> P:
        """Read one whole frame, whose length and command the caller has looked at.

        :raises RemoteProtocolError: not fatal, with hint, command and sequence.
        """
        try:
            return super().decode(data, at)
        except RemoteProtocolError as error:
            error.command, error.sequence = self.command, self.header.sequence(data)
            raise

    def decode_run(self, frames: Sequence[bytes]) -> list[P | RemoteProtocolError]:
        """:meth:`decode` of many frames; the error of each that cannot be read."""
        if (fixed := self._fixed) is None or self._to_pdu is not tuple:
            return [self._tried(frame) for frame in frames]
        new, pdu, unpack, size = tuple.__new__, self.pdu, fixed.unpack, fixed.size
        return [
            new(pdu, unpack(frame)[2:]) if len(frame) == size else self._tried(frame)
            for frame in frames
        ]

    def _tried(self, frame: bytes) -> P | RemoteProtocolError:
        try:
            return self.decode(frame)
        except RemoteProtocolError as error:
            return error


class AnswerLayout(Layout[P]):
    """An answer whose body is missing when its header says that the request failed.

    A failed one is written without a body unless it has something to say in it. Reading takes
    an answer without a body whatever its status, and of a failed one no more than the header
    when the rest makes no sense: that the request failed is then still told.
    """

    def __init__(
        self, command: int, header: Header, pdu: type[P], fields: tuple[Field, ...]
    ) -> None:
        super().__init__(command, header, pdu, fields)
        self._body_at = len(header.fields)
        self._empty = pdu()[self._body_at :]

    def encode_as(self, pdu: P, sequence: Hashable) -> bytes:
        """Write the frame with another sequence number than the PDU holds.

        :raises LocalProtocolError: when a value does not fit its field.
        """
        frame = super().encode_as(pdu, sequence)
        if self._failed(pdu) and pdu[self._body_at :] == self._empty:
            size = self.header.size
            return _PREFIX.pack(size, self.command) + frame[_PREFIX.size : size]
        return frame

    def decode(self, data: bytes, at: int = _PREFIX.size) -> P:
        """Read one whole frame, whose length and command the caller has looked at.

        :raises RemoteProtocolError: not fatal, with hint, command and sequence.
        """
        head = self.header.read(data)
        bare = tuple.__new__(self.pdu, head + self._empty)
        if len(data) == self.header.size:
            return bare
        try:
            return super().decode(data, at)
        except RemoteProtocolError:
            if self._failed(head):
                return bare
            raise

    def _failed(self, values: Sequence[Any]) -> bool:
        """Whether the header says so."""
        return self.header.status_at is not None and values[self.header.status_at] != 0
