"""Layouts: a tuple of fields compiled into an encoder and a decoder.

Neighbouring fixed fields become one :class:`struct.Struct`, and a list of exactly one item,
which is what nearly every message has, is read as part of the struct around it.

Errors name fields and never their values: a number in a log is a person in a log.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Hashable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Generic, TypeAlias, TypeVar, cast

from .errors import Hint, LocalProtocolError, RemoteProtocolError
from .fields import Absent, Content, Count, Field, Raw, Text, TextList, Uint

__all__ = ["Header", "Layout", "Table"]

P = TypeVar("P", bound=tuple[Any, ...])

_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
_PREFIX = struct.Struct(">II")
_MEMO_MAX = 4096
"""How many padded texts are remembered. Service codes, fee codes and sender numbers of one
gateway are a few hundred; a peer that sends rubbish only makes the memo start afresh."""


def _read_text(raw: bytes) -> str:
    """The text in a padded field; raises UnicodeDecodeError, which the table translates."""
    return raw.partition(b"\0")[0].strip(b" ").decode("ascii")


class _Memo(dict[bytes, str]):
    """Padded bytes to text, remembered: the same few dozen values fill most fields."""

    def __missing__(self, raw: bytes) -> str:
        text = _read_text(raw)
        if len(self) >= _MEMO_MAX:
            self.clear()
        self[raw] = text
        return text


_memo = _Memo()


def _write_text(name: str, size: int, text: object) -> bytes:
    """The bytes of a text field before padding, or LocalProtocolError."""
    if not isinstance(text, str) or not text.isascii() or "\0" in text:
        raise LocalProtocolError(f"{name}: only ASCII text without NUL fits")
    if len(text) > size:
        raise LocalProtocolError(f"{name}: {len(text)} characters do not fit in {size}")
    return text.encode("ascii")


def _write_raw(name: str, size: int, raw: object) -> bytes:
    """The bytes of a raw field, or LocalProtocolError: struct would pad or cut silently."""
    if not isinstance(raw, bytes) or len(raw) != size:
        raise LocalProtocolError(f"{name}: exactly {size} bytes are needed")
    return raw


class _Run:
    """Neighbouring fixed fields, read and written by one struct."""

    def __init__(self, first: int, fields: Sequence[Field]) -> None:
        codes = "".join(
            _CODES[f.size] if isinstance(f, Uint | Count) else f"{f.size}s"
            for f in fields
            if not isinstance(f, Absent | Content)
        )
        self.struct = struct.Struct(">" + codes)
        self.size: int = self.struct.size
        self._from, self._to = first, first + len(fields)

    def read(self, data: bytes, at: int, values: list[Any]) -> int:
        """Append what stands at ``at``; return where it ends."""
        values += self.struct.unpack_from(data, at)
        return at + self.size

    def write(self, values: Sequence[Any], out: list[bytes]) -> None:
        """Append the bytes of this step's values."""
        out.append(self.struct.pack(*values[self._from : self._to]))


class _Many:
    """A counted list of texts."""

    def __init__(self, index: int, count_at: int, field: TextList) -> None:
        self._index, self._count_at, self._field = index, count_at, field

    def read(self, data: bytes, at: int, values: list[Any]) -> int:
        """Append what stands at ``at``; return where it ends."""
        field = self._field
        count: int = values[self._count_at]
        if not field.least <= count <= field.most:
            raise RemoteProtocolError(
                f"{field.name}: {count} items, not {field.least} to {field.most}",
                hint=Hint.STRUCTURE,
            )
        end = at + count * field.size
        values.append(
            tuple(_read_text(data[i : i + field.size]) for i in range(at, end, field.size))
        )
        return end

    def write(self, values: Sequence[Any], out: list[bytes]) -> None:
        """Append the bytes of this step's values."""
        size = self._field.size
        out.extend(item.ljust(size, b"\0") for item in values[self._index])


class _Counted:
    """Counted bytes."""

    def __init__(self, index: int, count_at: int) -> None:
        self._index, self._count_at = index, count_at

    def read(self, data: bytes, at: int, values: list[Any]) -> int:
        """Append what stands at ``at``; return where it ends."""
        end = at + cast(int, values[self._count_at])
        values.append(data[at:end])
        return end

    def write(self, values: Sequence[Any], out: list[bytes]) -> None:
        """Append the bytes of this step's values."""
        out.append(values[self._index])


_Step: TypeAlias = _Run | _Many | _Counted


def _steps(wire: Sequence[Field], *, fuse: bool) -> tuple[_Step, ...]:
    """Group the fields on the wire into steps; ``fuse`` reads a list as one single text."""
    count_of = {f.of: i for i, f in enumerate(wire) if isinstance(f, Count)}
    steps: list[_Step] = []
    run: list[Field] = []
    for index, field in enumerate(wire):
        counted = isinstance(field, Content) or (isinstance(field, TextList) and not fuse)
        if not counted:
            run.append(field)
            continue
        if run:
            steps.append(_Run(index - len(run), run))
            run = []
        if isinstance(field, TextList):
            steps.append(_Many(index, count_of[field.name], field))
        else:
            steps.append(_Counted(index, count_of[field.name]))
    if run:
        steps.append(_Run(len(wire) - len(run), run))
    return tuple(steps)


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
        self._any = _steps(wire, fuse=False)
        self._one = _steps(wire, fuse=True)

    def _compile_checks(
        self, wire: Sequence[Field], place: Mapping[str, int], held: Mapping[str, int]
    ) -> None:
        """Note where texts, raw bytes, the list and its count stand, for both directions."""
        texts = [f for f in wire if isinstance(f, Text)]
        self._memo_at = [held[f.name] for f in texts if not f.varied]
        self._varied_at = [held[f.name] for f in texts if f.varied]
        self._write_texts = [(place[f.name], f.name, f.size) for f in texts]
        self._write_raws = [(place[f.name], f.name, f.size) for f in wire if isinstance(f, Raw)]
        self._contents = [(place[f.name], f.name) for f in wire if isinstance(f, Content)]
        self._list = next((f for f in wire if isinstance(f, TextList)), None)
        self._list_place = place[self._list.name] if self._list else 0
        self._list_held = held[self._list.name] if self._list else 0
        counts = [
            f.name for f in wire if self._list and getattr(f, "of", "") == self._list.name
        ]
        before = wire[: held[counts[0]]] if counts else []
        self._list_count_offset = sum(getattr(f, "size", 0) for f in before)
        self._plain = not (texts or self._write_raws or self._counted or self._absent)

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
                values[i] = _read_text(values[i])
            if single:
                values[self._list_held] = (_read_text(values[self._list_held]),)
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
            values[i] = _write_text(name, size, values[i])
        for i, name, size in self._write_raws:
            values[i] = _write_raw(name, size, values[i])
        for i, name in self._contents:
            if not isinstance(values[i], bytes):
                raise LocalProtocolError(f"{name}: bytes are needed")
        if (field := self._list) is not None:
            items = values[self._list_place]
            if not isinstance(items, tuple) or not field.least <= len(items) <= field.most:
                raise LocalProtocolError(
                    f"{field.name}: a tuple of {field.least} to {field.most} items is needed"
                )
            values[self._list_place] = [
                _write_text(field.name, field.size, item) for item in items
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
    """

    def __init__(self, fields: tuple[Field, ...], sequence: str) -> None:
        self.fields = fields
        run = _Run(0, fields)
        self._struct = run.struct
        self.size = _PREFIX.size + run.struct.size
        """Bytes of the whole header."""
        self.sequence_at = [f.name for f in fields].index(sequence)
        """Index of the sequence number in every PDU of the protocol."""

    def sequence(self, frame: bytes) -> Hashable:
        """The sequence number of a frame that is at least a header long."""
        value: Hashable = self._struct.unpack_from(frame, _PREFIX.size)[self.sequence_at]
        return value


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
            run = cast(_Run, self._any[0])
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
