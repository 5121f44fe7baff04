"""The field tables of ``docs/protocols.md``, made from the layouts.

``python -m qingjing.wire.tables_md < docs/protocols.md`` writes the page with fresh tables.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from . import cmpp_tables, sgip_tables, smgp, smgp_tables, smpp_status, smpp_tables
from .fields import Absent, Content, Count, CText, Field, Raw, Records, TextList, Tlvs, Uint
from .layout import Layout, Table

__all__ = ["SECTIONS", "Section", "page"]


class Section(NamedTuple):
    """The tables of one protocol: a column for each version, the PDUs under their titles, and
    the optional parameters by their tag, and the statuses."""

    name: str
    versions: tuple[str, ...]
    tables: tuple[tuple[str, tuple[Table[Any], ...]], ...]
    tags: Mapping[int, Field] = MappingProxyType({})
    statuses: Mapping[int, str] = MappingProxyType({})

    @property
    def begin(self) -> str:
        """The line before the tables."""
        return f"<!-- {self.name} tables: begin, made by python -m qingjing.wire.tables_md -->"

    @property
    def end(self) -> str:
        """The line after them."""
        return f"<!-- {self.name} tables: end -->"


def _pdus(
    prefix: str, commands: Iterable[IntEnum], versions: Iterable[Mapping[int, Layout[Any]]]
) -> tuple[tuple[str, tuple[Table[Any], ...]], ...]:
    """Every command's tables, an answer behind its request."""
    columns = tuple(versions)
    return tuple(
        (f"{prefix}{c.name} `{c:#010x}`", tuple(column[c] for column in columns))
        for c in sorted(commands, key=lambda c: (c & 0x7FFFFFFF, c))
    )


def _size(field: Field) -> str:
    """The octets of a field, as a cell."""
    match field:
        case Absent():
            return "–"
        case Content() | Records():
            return "counted"
        case CText(most=most):
            return f"1..{most}"
        case Tlvs(written=written):
            return "to the end" if written else "read only"
        case TextList(size=size, least=least, most=most):
            return f"{size} × {least}..{most}"
        case _:
            return str(field.size)


def _kind(field: Field) -> str:
    """The type of a field, as a cell."""
    match field:
        case Uint():
            return "integer"
        case Count(of=of):
            return f"count of {of}"
        case Raw() | Content():
            return "bytes"
        case Records():
            return "records"
        case Tlvs():
            return "optional parameters"
        case CText():
            return "text and NUL"
        case _:
            return "text"


def _table(
    title: str, versions: tuple[str, ...], tables: tuple[Table[Any], ...]
) -> Iterator[str]:
    """One PDU in all versions, whose tables name the same fields in the same order."""
    yield from (f"### {title}", "")
    yield f"| field | {' | '.join(versions)} | type | meaning |"
    yield "|---" * (len(versions) + 3) + "|"
    yield from _rows(*(table.fields for table in tables))
    yield ""


def _rows(*columns: tuple[Field, ...]) -> Iterator[str]:
    """A row for each field, and behind records one for each of theirs."""
    for fields in zip(*columns, strict=True):
        told = next((f for f in fields if not isinstance(f, Absent)), fields[0])
        sizes = " | ".join(_size(f) for f in fields)
        yield f"| `{told.name}` | {sizes} | {_kind(told)} | {told.note} |"
        if isinstance(told, Records):
            for kind, parts in told.kinds:
                rows = _rows(*[parts] * len(columns))
                yield from (row.replace("| `", f"| `{kind.__name__}.", 1) for row in rows)


def _tags(name: str, tags: Mapping[int, Field]) -> Iterator[str]:
    """The optional parameters of a protocol."""
    yield from (f"### Optional parameters of {name.upper()}", "")
    yield from ("| tag | name | octets | type | meaning |", "|---|---|---|---|---|")
    for tag, field in sorted(tags.items()):
        size = "any" if isinstance(field, Content) else _size(field)
        yield f"| `{tag:#06x}` | `{field.name}` | {size} | {_kind(field)} | {field.note} |"
    yield ""


def _statuses(name: str, statuses: Mapping[int, str]) -> Iterator[str]:
    """What the answers of a protocol say."""
    yield from (f"### Status of {name.upper()}", "", "| status | meaning |", "|---|---|")
    for status, meaning in statuses.items():
        yield f"| {status} | {meaning} |"
    yield ""


SECTIONS = (
    Section(
        "cmpp",
        ("2.0, 2.1", "3.0"),
        (
            *_pdus("CMPP_", cmpp_tables.Command, cmpp_tables.LAYOUTS.values()),
            (
                "Status report, the content of CMPP_DELIVER",
                (cmpp_tables.REPORT_20, cmpp_tables.REPORT_30),
            ),
        ),
    ),
    Section(
        "sgip",
        ("octets",),
        _pdus("SGIP_", sgip_tables.Command, sgip_tables.LAYOUTS.values()),
    ),
    Section(
        "smgp",
        ("octets",),
        _pdus("SMGP_", smgp_tables.Command, [smgp_tables.LAYOUTS[smgp_tables.V30]]),
        smgp_tables.TAGS,
        {int(status): status.meaning for status in smgp.Status},
    ),
    Section(
        "smpp",
        ("3.3", "3.4"),
        _pdus("", smpp_tables.Command, smpp_tables.LAYOUTS.values()),
        smpp_tables.TAGS,
        {int(status): f"ESME_{status.name}: {status.meaning}" for status in smpp_status.Status},
    ),
)
"""One for each protocol, in the order of the page."""


def page(text: str) -> str:
    """The page with the tables between its markers replaced."""
    for section in SECTIONS:
        lines: list[str] = []
        for title, tables in section.tables:
            lines += _table(title, section.versions, tables)
        lines += _tags(section.name, section.tags) if section.tags else ()
        lines += _statuses(section.name, section.statuses) if section.statuses else ()
        head, _, rest = text.partition(section.begin)
        _, _, tail = rest.partition(section.end)
        text = "\n".join((head + section.begin, "", *lines, section.end + tail))
    return text


if __name__ == "__main__":  # pragma: no cover
    sys.stdout.write(page(sys.stdin.read()))
