"""``qingjing consent state``, ``paper``, ``obstacles``: words, papers, and what noes meet."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from qingjing.desk import capture, obstacles, wordings
from qingjing.desk.entries import day_start
from qingjing.doors import claims, feeds
from qingjing.doors.cli.claims import app as app
from qingjing.doors.cli.consent import Number, Purposes, Sender
from qingjing.doors.cli.output import NEGATIVE, Json, Shared, say, say_json, table


@app.command
async def state(
    name: Annotated[str, Parameter(help="a name; a hash of the words is added to it")],
    *,
    sender: Sender,
    purposes: Purposes,
    per_count: Annotated[int, Parameter(help="stated frequency: at most so many ...")],
    per_days: Annotated[int, Parameter(help="... in so many days")],
    term_days: Annotated[int, Parameter(help="stated validity from the act on")],
    text: Annotated[str, Parameter(help="the exact words")] = "",
    file: Annotated[Path | None, Parameter(help="read the words from a UTF-8 file")] = None,
    further: Annotated[
        list[str] | None, Parameter(help="a further party that the words name; repeat")
    ] = None,
    confirm: Annotated[
        bool, Parameter(negative="", help="an act counts once it was confirmed")
    ] = False,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Register words with the type, frequency and term that they state, to be shown and asked.

    ```
    qingjing consent state spring --sender qinghe --purpose retail --per-count 2 --per-days 30
      --term-days 365 --text "我同意接收青禾商城的促销短信,每月不超过2条,有效期一年"
    ```
    """
    words = text if file is None else feeds.text(file)
    worded = await session.write(
        wordings.state,
        name,
        sender,
        words,
        purposes,
        per_count=per_count,
        per_days=per_days,
        term_days=term_days,
        further=further or [],
        confirm=confirm,
    )
    if as_json:
        say_json(worded._asdict())
    else:
        say(f"recorded as fact {worded.position}; acts and askings name it {worded.wording}")
    return 0


@app.command
async def paper(
    phone: Number,
    *,
    wording: Annotated[str, Parameter(help="the registered words on the form, or read out")],
    given_at: Annotated[str, Parameter(help="when it was signed or said (Beijing time)")],
    file: Annotated[Path, Parameter(help="the scan or recording; its hash is recorded")],
    door: Annotated[str, Parameter(help="paper or call")] = "paper",
    as_json: Json = False,
    session: Shared,
) -> int:
    """Record a consent on paper or by call, with its evidence file's SHA-256.

    ```
    qingjing consent paper 13800138000 --wording spring@1f2e3d4c5b6a --given-at "2026-05-01"
      --file scan-0017.pdf
    ```
    """
    acted = await session.write(
        capture.paper,
        phone,
        wording,
        given_at=given_at,
        door=door,
        file_hash=claims.digest(file),
    )
    if as_json:
        say_json(acted._asdict())
        return 0
    say(*(f"recorded as fact {position}" for position in acted.positions))
    if acted.refused:
        say("the person has refused this sender, and a paper does not lift it")
    return 0


@app.command(name="obstacles")
async def show_obstacles(
    *,
    since: Annotated[date | None, Parameter(help="count what left from that day on")] = None,
    as_json: Json = False,
    session: Shared,
) -> int:
    """What stands between a no and its effect, sender by sender; exit code 1 if anything does.

    Marketing that left after a refusal, noes on ports that nobody answers for, ports from which
    no reply ever comes where others as large have theirs. Reads the log once, beside a service.

    ```
    qingjing consent obstacles --since 2026-09-01 --json
    ```
    """
    async with session.beside() as desk:
        found = obstacles.report(desk.ledger, 0 if since is None else day_start(since))
    if as_json:
        say_json({"senders": msgspec.to_builtins(found)})
    else:
        heads = ("sender", "sent", "refusals", "effect", "after", "e.g.", "silent", "lost", "")
        table(
            heads,
            [
                (
                    one.sender,
                    one.sent,
                    one.refusals,
                    "/".join(f"{ms / 1000:.0f} s" for ms in one.effect_ms),
                    one.after_refusal,
                    one.example or "",
                    ", ".join(one.silent_ports),
                    one.lost,
                    ", ".join(one.obstacles),
                )
                for one in found
            ],
        )
    return NEGATIVE if any(one.obstacles for one in found) else 0
