"""``qingjing rulebook``: show, compare and adopt the rules that the gate goes by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from qingjing.desk.entries import InputError, Problem, shown
from qingjing.desk.rulebook import adopt as desk_adopt
from qingjing.desk.send import Desk
from qingjing.doors import feeds
from qingjing.doors.cli import Lang, Session
from qingjing.doors.cli.output import Json, Shared, say, say_json, table
from qingjing.kernel.rulebook import Rulebook, choose, difference, digest, read_rulebook
from qingjing.kernel.rules import RULES

app = App(name="rulebook", help="The rules that the gate goes by: show, compare, adopt.")

Book = Annotated[str, Parameter(help="an adopted rulebook's name, or a .toml file")]


@app.command
async def show(
    book: Annotated[
        str, Parameter(help="a name or a .toml file; default: the one in force")
    ] = "",
    *,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Show a rulebook: its rules, hours, caps, and what in it no source settles.

    ```
    qingjing rulebook show
    qingjing --lang zh rulebook show order31-2015
    qingjing rulebook show ours.toml --json
    ```
    """
    found = await _book(session, book)
    if as_json:
        say_json(msgspec.to_builtins(found) | {"digest": digest(found)})
        return 0
    _tell(found, session.lang)
    return 0


@app.command
async def diff(old: Book, new: Book, *, as_json: Json = False, session: Shared) -> int:
    """Compare two rulebooks field by field. Exit code 1 when they differ.

    ```
    qingjing rulebook diff order31-2015 order74-2026
    qingjing rulebook diff order74-2026 ours.toml --json
    ```
    """
    before, after = await _book(session, old), await _book(session, new)
    changes = difference(before, after)
    if as_json:
        keys = ("field", "old", "new")
        say_json({"changes": [dict(zip(keys, change, strict=True)) for change in changes]})
    elif changes:
        table(("field", before.name, after.name), changes)
    else:
        say("no difference")
    return 1 if changes else 0


@app.command
async def adopt(file: Path, *, as_json: Json = False, session: Shared) -> int:
    """Adopt a rulebook: from now on the gate goes by it on the days that it names.

    A book that is adopted already, byte for byte, is not adopted again.

    ```
    qingjing rulebook adopt ours.toml
    ```
    """
    book = read_rulebook(feeds.text(file))
    position = await session.write(desk_adopt, book)
    if as_json:
        say_json({"name": book.name, "digest": digest(book), "position": position or 0})
    elif position is None:
        say(f"{book.name} is adopted already")
    else:
        say(f"{book.name} adopted as fact {position}")
    return 0


def _tell(found: Rulebook, lang: Lang) -> None:
    chinese = lang == "zh"
    say(found.title_zh if chinese else found.title_en)
    ends = found.until or ("现行" if chinese else "open")
    table(
        ("", ""),
        [
            ("name", f"{found.name} (version {found.version})"),
            ("in force", f"{found.since} to {ends}"),
            ("hours", f"{found.open_hour}:00 to {found.close_hour}:00"),
            ("house cap", f"{found.house_cap.count} in {found.house_cap.window_h} h"),
            ("identity", found.identity),
            ("unverified", ", ".join(found.unverified) or "-"),
            ("digest", digest(found)),
        ],
    )
    rows = [
        (r.name, found.rules.get(r.name, "off"), r.duty, r.zh if chinese else r.en)
        for r in RULES
    ]
    table(("rule", "effect", "duty", "says"), rows)
    table(
        ("carrier", "since", "notice", "keywords", "links", "filing", "cap", "source"),
        [
            (
                c.carrier,
                c.since,
                c.notice,
                ", ".join(c.keywords) or "any",
                c.links,
                c.filing,
                f"{c.cap.count} in {c.cap.window_h} h",
                c.source,
            )
            for c in found.carriers
        ],
    )


async def _book(session: Session, name: str) -> Rulebook:
    if name.endswith(".toml"):
        return read_rulebook(feeds.text(Path(name)))
    return await session.ask(adopted, name, session.now)


def adopted(desk: Desk, name: str, at: int) -> Rulebook:
    """The newest adopted rulebook of a name, without one the book in force at a time."""
    books = desk.ledger.books
    if not name:
        found = choose(books, at)
    else:
        found = next((book for book in reversed(books) if book.name == name), None)
    if found is None:
        there = ", ".join(book.name for book in books) or "none"
        remedy = f"adopted are: {there}; or name a .toml file"
        raise InputError([Problem("", "book", f"{shown(name)} is not adopted", remedy)])
    return found
