"""``qingjing complaint``: take in, trace, hand over, answer, decide, exchange, count."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cyclopts import App, Parameter

from qingjing.desk import casestats, lead
from qingjing.desk import complaint as desk_complaint
from qingjing.desk.complaint import Complaint, Receipt
from qingjing.desk.entries import Problem, day_start, told
from qingjing.desk.said import found, said_of
from qingjing.desk.send import Desk
from qingjing.desk.steps import due_of
from qingjing.desk.trace import trace
from qingjing.doors import feeds
from qingjing.doors.cli.output import (
    Json,
    Shared,
    problem_objects,
    problems,
    say,
    say_json,
    table,
)
from qingjing.doors.feeds import FeedError
from qingjing.kernel import facts as f
from qingjing.kernel.cases import Case

app = App(name="complaint", help="Complaints: take in, trace, hand over, answer, decide.")

ROWS: Final = 100
"""Complaints of an import in one call of a running service: its customers wait so long."""
TRACED: Final = 500
"""Cases traced in one walk over the messages of their windows."""

Number = Annotated[str, Parameter(help="the receipt number")]
By = Annotated[str, Parameter(help="who does it, as it is to be recorded")]
File = Annotated[Path, Parameter(help="a file")]


@app.command
async def receive(
    phone: Annotated[str, Parameter(help="the complainant's mobile number")],
    words: Annotated[str, Parameter(help="as it came: NUMBER*TEXT, NUMBER#TEXT, free words")],
    *,
    door: Annotated[str, Parameter(help="reply, web, app, call, paper, ...")] = "reply",
    told_at: Annotated[str, Parameter(help="when the message came, Beijing time")] = "",
    disclose: Annotated[
        bool, Parameter(negative="", help="the party may know who complains")
    ] = False,
    centre: Annotated[str, Parameter(help="a centre that has its own terms")] = "",
    as_json: Json = False,
    session: Shared,
) -> int:
    """Take in one complaint; the receipt says what lacks.

    ```
    qingjing complaint receive 13800138000 "106900010001*【青禾商城】全场满200减50"
    ```
    """
    given = Complaint(
        phone=phone, words=words, door=door, told_at=told_at, disclose=disclose, centre=centre
    )
    return _tell(await session.write(desk_complaint.receive, given), as_json)


@app.command
async def complete(
    number: Number,
    code: str,
    words: str,
    *,
    told_at: str = "",
    as_json: Json = False,
    session: Shared,
) -> int:
    """Add what a complaint lacks, by receipt number and code.

    ```
    qingjing complaint complete 20261112-4711 ABCDEFGH2345 "全场满200减50,拒收请回复R"
    ```
    """
    found = await session.write(
        desk_complaint.complete, number, code, words=words, told_at=told_at
    )
    return _tell(found, as_json)


def _tell(receipt: Receipt, as_json: bool) -> int:
    if as_json:
        say_json(receipt._asdict())
        return 0
    say(f"received: {receipt.number}, code {receipt.code}")
    if receipt.lacks:
        say(receipt.ask_zh, receipt.ask_en)
    if receipt.duplicate_of:
        say(f"linked to the same complaint {receipt.duplicate_of}")
    return 0


@app.command(name="import")
async def import_(
    path: Annotated[Path, Parameter(help="CSV, JSON (a list) or JSON lines")],
    *,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Take in a file of complaints, row by row: phone, words or number and text, told_at,
    door, disclose, centre. Rows with an error are told and left out.

    ```
    qingjing complaint import complaints.csv --json
    ```
    """
    rows = read_complaints(path)
    receipts: list[Receipt] = []
    wrong = [row for row in rows if isinstance(row, Problem)]
    good = [row for row in rows if not isinstance(row, Problem)]
    async with session.clerk() as clerk:
        for start in range(0, len(good), ROWS):
            part = good[start : start + ROWS]
            given = tuple(one for _, one in part)
            taken = await clerk.write(desk_complaint.receive_many, given)
            receipts += taken.receipts
            for problem in taken.problems:
                row = part[int(problem.where.removeprefix("row ")) - 1][0]
                wrong.append(problem._replace(where=f"row {row}"))
    if as_json:
        plain = [receipt._asdict() for receipt in receipts]
        say_json({"receipts": plain, "problems": problem_objects(wrong)})
        return 0
    lacking = sum(bool(receipt.lacks) for receipt in receipts)
    rows_left = len({problem.where for problem in wrong})
    say(f"{len(receipts)} taken, {lacking} of them lack something, {rows_left} left out")
    problems(wrong, rows_left)
    return 0


def read_complaints(path: Path) -> list[tuple[int, Complaint] | Problem]:
    """The rows of a file, each a complaint or what is wrong with it. FeedError when it cannot
    be read at all."""
    text = feeds.text(path)
    suffix = path.suffix.lower()
    plain: list[tuple[int, Any]]
    try:
        if suffix == ".csv":
            plain = list(enumerate(csv.DictReader(text.splitlines(keepends=True)), 2))
        elif suffix == ".jsonl":
            lines = enumerate(text.splitlines(), 1)
            plain = [(row, json.loads(line)) for row, line in lines if line.strip()]
        else:
            plain = list(enumerate(json.loads(text), 1))
    except (json.JSONDecodeError, TypeError, csv.Error) as error:
        raise FeedError(f"{path}: {error}; give CSV with a header, or JSON") from None
    return [_row(row, one) for row, one in plain]


def _row(row: int, plain: Any) -> tuple[int, Complaint] | Problem:
    filled = (
        {str(k).strip(): v for k, v in plain.items() if v not in ("", None)}
        if isinstance(plain, dict)
        else plain
    )
    if isinstance(filled, dict):
        filled.setdefault("door", "import")
    try:
        return row, msgspec.convert(filled, Complaint, strict=False)
    except msgspec.ValidationError as error:
        remedy = "its fields are " + ", ".join(Complaint.__struct_fields__)
        return Problem(f"row {row}", "", str(error), remedy)


@app.command
async def status(number: Number, code: str, *, as_json: Json = False, session: Shared) -> int:
    """What the complainant is told, by receipt number and code.

    ```
    qingjing complaint status 20261112-4711 ABCDEFGH2345
    ```
    """
    state = await session.ask(desk_complaint.status, number, code)
    if as_json:
        say_json(state._asdict())
    else:
        table(("", ""), [(k, v) for k, v in state._asdict().items() if v not in ("", 0, ())])
    return 0


@app.command(name="list")
async def list_(
    *,
    state: Annotated[str, Parameter(help="one state alone")] = "",
    party: Annotated[str, Parameter(help="one party alone")] = "",
    as_json: Json = False,
    session: Shared,
) -> int:
    """All cases with their clocks.

    ```
    qingjing complaint list --state forwarded
    ```
    """
    async with session.beside() as desk:
        rows = [
            line(desk, case)
            for case in desk.ledger.cases
            if state in ("", case.state.value) and party in ("", case.party)
        ]
    if as_json:
        say_json({"cases": rows})
    elif rows:
        table(tuple(rows[0]), [tuple(row.values()) for row in rows])
    else:
        say("no case")
    return 0


def line(desk: Desk, case: Case) -> dict[str, Any]:
    """One case in a line: nobody's number, nobody's words."""
    understood = case.understood
    return {
        "number": case.number,
        "state": case.state.value,
        "port": case.port,
        "party": case.party,
        "why": case.lead.why if case.lead else "",
        "due": due_of(desk.ledger, case),
        "stopped": case.stopped.value if case.stopped else "",
        "flags": "/".join(understood.flags) if understood else "",
        "outcome": case.outcome.value if case.outcome else "",
    }


@app.command
async def show(number: Number, *, as_json: Json = False, session: Shared) -> int:
    """One case whole, for an officer: what was said, every step, what it rests on.

    ```
    qingjing complaint show 20261112-4711 --json
    ```
    """
    async with session.beside() as desk:
        case = found(desk.ledger, number)
        said = said_of(desk.ledger, case)
        plain = line(desk, case) | {
            "text": said.text if said else "",
            "complained_of": said.number if said else "",
            "traced": msgspec.to_builtins(case.traced),
            "lead": msgspec.to_builtins(case.lead),
            "campaign": desk.ledger.cases.campaign(case.complaint),
            "steps": [
                {"fact": step.position, "at": told(step.at)}
                | {k: v for k, v in msgspec.to_builtins(step.fact).items() if v}
                for step in case.moves
            ],
        }
    if as_json:
        say_json(plain)
    else:
        table(("", ""), [(k, v) for k, v in plain.items() if v not in ("", None)])
    return 0


@app.command
async def work(*, as_json: Json = False, session: Shared) -> int:
    """One round over all cases: trace, raise and forward leads, link campaigns, remind,
    escalate, decide what the record shows. To be run daily or oftener; never twice the same.

    ```
    qingjing complaint work
    ```
    """
    async with session.beside() as desk:
        waiting = [
            case for case in desk.ledger.cases.open() if case.traced is None and not case.lacks
        ]
        traced: list[f.ComplaintTraced] = []
        for start in range(0, len(waiting), TRACED):
            traced += trace(desk.ledger, waiting[start : start + TRACED], session.now)
        links = casestats.campaigns(desk.ledger)
    raised = 0
    done: dict[str, list[str]] = {}
    async with session.clerk() as clerk:
        for one in traced:
            raised += bool(await clerk.write(lead.enter, one))
        linked = await clerk.write(casestats.link, links)
        while any(round_ := await clerk.write(lead.work)):
            for name, numbers in round_._asdict().items():
                done.setdefault(name, []).extend(numbers)
    counts = {"traced": len(traced), "raised": raised, "linked": linked}
    if as_json:
        say_json(counts | done)
    else:
        counts |= {name: len(numbers) for name, numbers in done.items()}
        say(", ".join(f"{count} {name}" for name, count in counts.items()))
    return 0


@app.command
async def stats(
    *,
    since: Annotated[date, Parameter(help="a Beijing day, YYYY-MM-DD")],
    until: Annotated[date, Parameter(help="the day after the last")],
    as_json: Json = False,
    session: Shared,
) -> int:
    """Shares, trends, complaints per million with interval, handling by party.

    ```
    qingjing complaint stats --since 2026-10-01 --until 2027-01-01 --json
    ```
    """
    async with session.beside() as desk:
        counted = casestats.stats(desk.ledger, day_start(since), day_start(until))
    plain: dict[str, Any] = msgspec.to_builtins(counted)
    if as_json:
        say_json(plain)
    else:
        table(("", ""), list(plain.items()))
    return 0
