"""``qingjing lookback``: what is examined again, by which sample, and who came back to it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from qingjing.desk import findings as desk_findings
from qingjing.desk import lookback as desk_lookback
from qingjing.desk.entries import InputError, Problem, told
from qingjing.desk.lookback import Plan
from qingjing.desk.send import Desk
from qingjing.doors import feeds
from qingjing.doors.cli.output import Json, Shared, say, say_json, table

app = App(
    name="lookback", help="Look back (回头看): the same question again after 7, 30, 90 days."
)


@app.command
async def due(
    *,
    to_come: Annotated[
        bool, Parameter(name="--all", negative="", help="later ones, too")
    ] = False,
    as_json: Json = False,
    session: Shared,
) -> int:
    """What is to be examined again by now.

    ```
    qingjing lookback due --all
    ```
    """
    rows = await session.ask(booked, session.now, to_come)
    if as_json:
        say_json({"due": rows})
    else:
        table(("matter", "after_days", "due"), [list(row.values())[:3] for row in rows])
    return 0


def booked(desk: Desk, at: int, to_come: bool) -> list[dict[str, Any]]:
    """Bookings for a page: of all matters, or those that are due."""
    found = (
        desk_lookback.bookings(desk.ledger) if to_come else desk_lookback.due(desk.ledger, at)
    )
    return [
        {"matter": one.ended.matter, "after_days": one.after_days, "due": told(one.due)}
        for one in found
    ]


@app.command
async def run(*, as_json: Json = False, session: Shared) -> int:
    """Examine what is due now; what did not pass opens again. The service does so by itself.

    ```
    qingjing lookback run
    ```
    """
    async with session.beside() as desk:
        waiting = desk_lookback.due(desk.ledger, session.now)
        looks = [desk_lookback.examine(desk.ledger, booking) for booking in waiting]
    rows: list[dict[str, Any]] = []
    for look in looks:
        facts = await session.write(desk_lookback.record, look)
        again = [str(fact.__struct_config__.tag) for fact in facts[1:]]
        rows.append(msgspec.to_builtins(look.fact) | {"opened_again": bool(again)})
    if as_json:
        say_json({"looks": rows})
    else:
        heads = ("matter", "after_days", "passed", "opened_again", "words")
        table(heads, [[row[head] for head in heads] for row in rows])
    return 0 if all(row["passed"] for row in rows) else 1


@app.command
async def plan(
    *,
    size: int,
    seed: Annotated[str, Parameter(help="any words; who did not send them chooses")],
    strata: Annotated[
        list[str] | None,
        Parameter(name="--stratum", negative="", help="carrier, signature, verdict; repeat"),
    ] = None,
    party: str = "",
    port: str = "",
    signature: str = "",
    after: Annotated[int, Parameter(help="position after which messages were decided")] = 0,
    session: Shared,
) -> int:
    """Print a sampling plan over the record as it is now: one line, to be kept.

    ```
    qingjing lookback plan --size 60 --seed "2026 第四季度" --port 106900010001 > plan.json
    ```
    """
    async with session.beside() as desk:
        last = desk.ledger.position
    chosen = tuple(strata) if strata else ("carrier", "verdict")
    made = Plan(
        after=after,
        last=last,
        size=size,
        seed=seed,
        strata=chosen,
        party=party,
        port=port,
        signature=signature,
    )
    say(made.encode())
    return 0


@app.command
async def draw(
    plan: Annotated[Path, Parameter(help="a printed plan")], *, session: Shared
) -> int:
    """Draw the messages of a plan: ids with their strata, the same bytes for whoever draws.

    ```
    qingjing lookback draw plan.json
    ```
    """
    try:
        read = msgspec.json.decode(feeds.text(plan), type=Plan)
    except msgspec.MsgspecError as error:
        problem = Problem("", "plan", str(error), "hand in what `lookback plan` printed")
        raise InputError([problem]) from None
    async with session.beside() as desk:
        sys.stdout.write(desk_lookback.listed(desk_lookback.draw(desk.ledger, read)).decode())
    return 0


@app.command
async def record(*, as_json: Json = False, session: Shared) -> int:
    """Each party's record: findings, relapses (屡犯) and measures, the most relapses first.

    ```
    qingjing lookback record
    ```
    """
    rows = await session.ask(records)
    if as_json:
        say_json({"parties": rows})
    else:
        heads = ("party", "findings", "open", "closed", "relapses", "rate", "measures")
        table(heads, [[row[head] for head in heads] for row in rows])
    return 0


def records(desk: Desk) -> list[dict[str, Any]]:
    """Recidivism per party, for a page."""
    return [msgspec.to_builtins(one) for one in desk_findings.recidivism(desk.ledger)]
