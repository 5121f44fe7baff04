"""``qingjing consent refusals`` and ``numbers``: carriers' lists of blocks and of numbers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import Parameter

from qingjing.desk.entries import Problem
from qingjing.desk.notices import LINES_MAX, Line, Noted, note_lines, refuse_lines
from qingjing.doors import feeds
from qingjing.doors.cli import Session
from qingjing.doors.cli.output import (
    BAD_INPUT,
    Json,
    Shared,
    problem_objects,
    problems,
    say,
    say_json,
)
from qingjing.doors.cli.receipts import app as app

PORT_NAMES: Final = (
    "port",
    "src_id",
    "group",
    "party",
    "端口",
    "端口号",
    "码号",
    "集团",
    "主体",
)
DAY_NAMES: Final = ("day", "date", "on", "time", "日期", "时间")
_CELL_MAX: Final = 64

PhoneColumn = Annotated[str, Parameter(help="default: phone, mobile, 手机号, 号码, ...")]


@app.command
async def refusals(
    file: Annotated[Path, Parameter(help="CSV or Parquet, a row a person")],
    *,
    group: Annotated[
        str, Parameter(help="a group or party, * for all; default: each row's port")
    ] = "",
    door: Annotated[str, Parameter(help="carrier, call, paper, ...")] = "carrier",
    evidence: Annotated[str, Parameter(help="where the list is kept")] = "",
    phone_column: PhoneColumn = "",
    port_column: Annotated[str, Parameter(help="default: port, 端口, 码号, ...")] = "",
    as_json: Json = False,
    session: Shared,
) -> int:
    """Record a refusal for each row of a list: carriers' blocks, a call centre's list.

    Rows with an error are left out and told, and the exit code is then 2. Who refuses already
    is counted as known: the same list again records nothing.

    ```
    qingjing consent refusals blocks.csv --evidence mobile-2026-11-24
    qingjing consent refusals stop.parquet --group qinghe --door call
    ```
    """
    lines = (
        _alone(file, phone_column)
        if group
        else _paired(
            file, ("phone", phone_column, feeds.PHONE_NAMES), ("port", port_column, PORT_NAMES)
        )
    )
    given = {"group": group, "door": door, "evidence": evidence}
    return await _enter(session, refuse_lines, lines, given, as_json)


@app.command
async def numbers(
    file: Annotated[Path, Parameter(help="CSV or Parquet, a row a number")],
    *,
    event: Annotated[str, Parameter(help="disconnected, reassigned or in-service")],
    source: Annotated[str, Parameter(help="who says so")],
    phone_column: PhoneColumn = "",
    day_column: Annotated[str, Parameter(help="default: day, date, 日期, ...")] = "",
    as_json: Json = False,
    session: Shared,
) -> int:
    """Note what happened to numbers: given up, given to somebody else, in service again.

    Earlier consents fall. A number given up ``reuse_days`` ago (settings) counts as
    re-assigned. A row that a later consent of its owner overtakes is counted as known.

    ```
    qingjing consent numbers gone.csv --event disconnected --source mobile
    qingjing consent numbers new.csv --event reassigned --source mobile --json
    ```
    """
    lines = _paired(
        file, ("phone", phone_column, feeds.PHONE_NAMES), ("day", day_column, DAY_NAMES)
    )
    given = {"event": event, "source": source, "reuse_days": session.settings.reuse_days}
    return await _enter(session, note_lines, lines, given, as_json)


def _paired(file: Path, first: Any, second: Any) -> Iterator[Line | Problem]:
    for row in feeds.pairs(file, first, second).rows:
        if isinstance(row, Problem):
            yield row
        else:
            yield Line(row[0], row[1][:_CELL_MAX], row[2][:_CELL_MAX])


def _alone(file: Path, phone: str) -> Iterator[Line | Problem]:
    for chunk in feeds.numbers(file, phone=phone).chunks:
        written = chunk.written.to_pylist()
        for row, number in zip(chunk.rows.tolist(), written, strict=True):
            yield Line(row, str(number)[:_CELL_MAX], "")


async def _enter(
    session: Session,
    verb: Any,
    lines: Iterator[Line | Problem],
    given: dict[str, Any],
    as_json: bool,
) -> int:
    """Enter the rows, so many in a transaction, and tell what became of them."""
    rows, recorded, known, wrong = 0, 0, 0, list[Problem]()
    async with session.clerk() as clerk:
        while part := list(islice(lines, LINES_MAX)):
            rows += len(part)
            wrong += [line for line in part if isinstance(line, Problem)]
            good = [line for line in part if isinstance(line, Line)]
            noted: Noted = await clerk.write(verb, good, **given)
            recorded, known = recorded + noted.recorded, known + noted.known
            wrong += noted.problems
    if as_json:
        told = {"rows": rows, "recorded": recorded, "known": known, "left": len(wrong)}
        say_json(told | {"problems": problem_objects(wrong)})
    else:
        say(f"{rows} rows: {recorded} recorded, {known} known, {len(wrong)} problems")
        problems(wrong, len(wrong))
    return BAD_INPUT if wrong else 0
