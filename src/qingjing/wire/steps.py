"""The steps of a layout: each reads and writes one stretch of a frame.

Neighbouring fixed fields are one step, read by one struct; whatever has a length of its own is
a step of its own. A step's ``prepare`` turns one value of a PDU into bytes and checks it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

from .errors import Hint, LocalProtocolError, RemoteProtocolError
from .fields import Content, Count, CText, Field, Raw, Records, Text, TextList, Tlvs, Uint
from .tlv import read_tlvs, write_tlvs

__all__ = ["Run", "Step", "preparer", "read_text", "steps", "write_text"]

_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}


class Step(Protocol):
    """One stretch of a frame."""

    def read(self, data: bytes, at: int, values: list[Any]) -> int:
        """Append what stands at ``at``; return where it ends."""

    def write(self, values: Sequence[Any], out: list[bytes]) -> None:
        """Append the bytes of this step's values."""


def read_text(raw: bytes) -> str:
    """The text in a padded field; raises UnicodeDecodeError, which the table translates."""
    return raw.partition(b"\0")[0].strip(b" ").decode("ascii")


def write_text(name: str, size: int, text: object) -> bytes:
    """The bytes of a text field before padding, or LocalProtocolError."""
    if not isinstance(text, str) or not text.isascii() or "\0" in text:
        raise LocalProtocolError(f"{name}: only ASCII text without NUL fits")
    if len(text) > size:
        raise LocalProtocolError(f"{name}: {len(text)} characters do not fit in {size}")
    return text.encode("ascii")


class Run:
    """Neighbouring fixed fields, read and written by one struct."""

    def __init__(self, first: int, fields: Sequence[Field]) -> None:
        codes = "".join(
            _CODES[f.size] if isinstance(f, Uint | Count) else f"{f.size}s"
            for f in fields
            if isinstance(f, Uint | Count | Text | Raw | TextList)
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


def _expect_count(field: TextList | Records, count: int) -> None:
    """Refuse a number of items that the text does not allow."""
    if not field.least <= count <= field.most:
        raise RemoteProtocolError(
            f"{field.name}: {count} items, not {field.least} to {field.most}",
            hint=Hint.STRUCTURE,
        )


class _Many:
    """A counted list of texts."""

    def __init__(self, index: int, count_at: int, field: TextList) -> None:
        self._index, self._count_at, self._field = index, count_at, field

    def read(self, data: bytes, at: int, values: list[Any]) -> int:
        """Append what stands at ``at``; return where it ends."""
        field = self._field
        count: int = values[self._count_at]
        _expect_count(field, count)
        end = at + count * field.size
        values.append(
            tuple(read_text(data[i : i + field.size]) for i in range(at, end, field.size))
        )
        return end

    def write(self, values: Sequence[Any], out: list[bytes]) -> None:
        """Append the bytes of this step's values."""
        size = self._field.size
        out.extend(item.ljust(size, b"\0") for item in values[self._index])


class _Ready:
    """What :func:`preparer` has already turned into bytes."""

    def __init__(self, index: int) -> None:
        self._index = index

    def write(self, values: Sequence[Any], out: list[bytes]) -> None:
        """Append the bytes of this step's values."""
        out.append(values[self._index])


class _Counted(_Ready):
    """Counted bytes."""

    def __init__(self, index: int, count_at: int) -> None:
        super().__init__(index)
        self._count_at = count_at

    def read(self, data: bytes, at: int, values: list[Any]) -> int:
        """Append what stands at ``at``; return where it ends."""
        end = at + cast(int, values[self._count_at])
        values.append(data[at:end])
        return end


class _Bounded(_Counted):
    """Counted bytes of which there may not be as many as the count can say."""

    def __init__(self, index: int, count_at: int, name: str, most: int) -> None:
        super().__init__(index, count_at)
        self._name, self._most = name, most

    def read(self, data: bytes, at: int, values: list[Any]) -> int:
        """Append what stands at ``at``; return where it ends."""
        if (count := values[self._count_at]) > self._most:
            raise RemoteProtocolError(
                f"{self._name}: {count} bytes, not {self._most}", hint=Hint.STRUCTURE
            )
        return super().read(data, at, values)


class _Closed(_Ready):
    """A text up to its NUL."""

    def __init__(self, index: int, field: CText) -> None:
        super().__init__(index)
        self._name, self._most = field.name, field.most

    def read(self, data: bytes, at: int, values: list[Any]) -> int:
        """Append what stands at ``at``; return where it ends."""
        end = data.find(b"\0", at, at + self._most)
        if end < 0:
            hint = Hint.LENGTH if at + self._most > len(data) else Hint.STRUCTURE
            raise RemoteProtocolError(f"{self._name}: not closed by a NUL", hint=hint)
        values.append(data[at:end].decode("ascii"))
        return end + 1


class _Tail(_Ready):
    """Optional parameters up to the end."""

    def read(self, data: bytes, at: int, values: list[Any]) -> int:
        """Append what stands at ``at``; return where it ends."""
        values.append(read_tlvs(data, at))
        return len(data)


class _Listed(_Ready):
    """Counted records."""

    def __init__(self, index: int, count_at: int, field: Records) -> None:
        super().__init__(index)
        self._count_at, self._field = count_at, field
        self._kinds = [(kind, steps(fields, fuse=False)) for kind, fields in field.kinds]

    def read(self, data: bytes, at: int, values: list[Any]) -> int:
        """Append what stands at ``at``; return where it ends."""
        count: int = values[self._count_at]
        _expect_count(self._field, count)
        records: list[Any] = []
        for _ in range(count):
            number = 1
            if len(self._kinds) > 1:
                number, at = int.from_bytes(data[at : at + 1], "big"), at + 1
                if not 1 <= number <= len(self._kinds):
                    raise RemoteProtocolError(
                        f"{self._field.name}: a record of no known kind", hint=Hint.STRUCTURE
                    )
            kind, parts = self._kinds[number - 1]
            record: list[Any] = []
            for part in parts:
                at = part.read(data, at, record)
            texts = (read_text(v) if isinstance(v, bytes) else v for v in record)
            records.append(kind(*texts))
        values.append(tuple(records))
        return at

    def write(self, values: Sequence[Any], out: list[bytes]) -> None:
        """Append the bytes of this step's values."""
        out.extend(values[self._index])


def steps(wire: Sequence[Field], *, fuse: bool) -> tuple[Step, ...]:
    """Group the fields on the wire into steps; ``fuse`` reads a list as one single text."""
    count_of = {f.of: i for i, f in enumerate(wire) if isinstance(f, Count)}
    found: list[Step] = []
    run: list[Field] = []
    for index, field in enumerate(wire):
        step: Step
        match field:
            case TextList() if not fuse:
                step = _Many(index, count_of[field.name], field)
            case Content(name=name, most=None):
                step = _Counted(index, count_of[name])
            case Content(name=name, most=int(most)):
                step = _Bounded(index, count_of[name], name, most)
            case CText():
                step = _Closed(index, field)
            case Records():
                step = _Listed(index, count_of[field.name], field)
            case Tlvs():
                step = _Tail(index)
            case _:
                run.append(field)
                continue
        if run:
            found.append(Run(index - len(run), run))
            run = []
        found.append(step)
    if run:
        found.append(Run(len(wire) - len(run), run))
    return tuple(found)


def preparer(field: Field) -> Callable[[object], Any] | None:
    """What checks a value of this field and makes it ready for its step; None for the rest,
    which the table checks by itself."""
    match field:
        case CText(name=name, most=most):
            return lambda text: write_text(name, most - 1, text) + b"\0"
        case Content(name=name, most=int(most)):
            return lambda content: _prepare_content(name, most, content)
        case Tlvs(name=name, written=written):
            return lambda tlvs: _prepare_tlvs(name, tlvs, written=written)
        case Records():
            return lambda records: _prepare_records(field, records)
        case _:
            return None


def _prepare_content(name: str, most: int, content: object) -> bytes:
    """Counted bytes, as they are."""
    if not isinstance(content, bytes) or len(content) > most:
        raise LocalProtocolError(f"{name}: at most {most} bytes are needed")
    return content


def _prepare_tlvs(name: str, tlvs: object, *, written: bool) -> bytes:
    """Optional parameters, where the version has them."""
    if tlvs and not written:
        raise LocalProtocolError(f"{name}: this version has no optional parameters")
    return write_tlvs(tlvs)


def _prepare_records(field: Records, records: object) -> list[bytes]:
    """Each record's bytes; the list is what its count counts."""
    if not isinstance(records, tuple) or not field.least <= len(records) <= field.most:
        raise LocalProtocolError(
            f"{field.name}: a tuple of {field.least} to {field.most} records is needed"
        )
    return [_prepare_record(field, record) for record in records]


def _prepare_record(field: Records, record: object) -> bytes:
    """One record's bytes, with the byte that tells its kind where there are several."""
    number = next((i for i, (kind, _) in enumerate(field.kinds) if type(record) is kind), None)
    if number is None or not isinstance(record, tuple):
        raise LocalProtocolError(f"{field.name}: a record of no known kind")
    out = bytes((number + 1,)) if len(field.kinds) > 1 else b""
    for part, value in zip(field.kinds[number][1], record, strict=True):
        if isinstance(part, CText):
            out += write_text(part.name, part.most - 1, value) + b"\0"
        elif isinstance(part, Text):
            out += write_text(part.name, part.size, value).ljust(part.size, b"\0")
        elif isinstance(value, int) and 0 <= value < 256**part.size:
            out += value.to_bytes(part.size, "big")
        else:
            raise LocalProtocolError(f"{part.name}: an integer of {part.size} bytes is needed")
    return out
