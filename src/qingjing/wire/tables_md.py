"""The field tables of ``docs/protocols.md``, made from the layouts.

``python -m qingjing.wire.tables_md < docs/protocols.md`` writes the page with fresh tables.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from .cmpp_tables import LAYOUTS, REPORT_20, REPORT_30, V20, V30, Command
from .fields import Absent, Content, Count, Field, Raw, TextList, Uint
from .layout import Table

__all__ = ["BEGIN", "END", "page", "tables"]

BEGIN = "<!-- cmpp tables: begin, made by python -m qingjing.wire.tables_md -->"
END = "<!-- cmpp tables: end -->"


def _size(field: Field) -> str:
    """The octets of a field, as a cell."""
    match field:
        case Absent():
            return "–"
        case Content():
            return "counted"
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
        case _:
            return "text"


def _table(title: str, old: Table[Any], new: Table[Any]) -> Iterator[str]:
    """One PDU in both versions, whose tables name the same fields in the same order."""
    yield from (f"### {title}", "")
    yield "| field | 2.0, 2.1 | 3.0 | type | meaning |"
    yield "|---|---|---|---|---|"
    for a, b in zip(old.fields, new.fields, strict=True):
        kind = _kind(b if isinstance(a, Absent) else a)
        yield f"| `{a.name}` | {_size(a)} | {_size(b)} | {kind} | {a.note} |"
    yield ""


def tables() -> str:
    """All tables, in the order of the commands."""
    lines: list[str] = []
    for command in sorted(Command, key=lambda c: (c & 0x7FFFFFFF, c)):
        title = f"CMPP_{command.name} `{command:#010x}`"
        lines += _table(title, LAYOUTS[V20][command], LAYOUTS[V30][command])
    lines += _table("Status report, the content of CMPP_DELIVER", REPORT_20, REPORT_30)
    return "\n".join(lines)


def page(text: str) -> str:
    """The page with the tables between its markers replaced."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{tables()}\n{END}{tail}"


if __name__ == "__main__":  # pragma: no cover
    sys.stdout.write(page(sys.stdin.read()))
