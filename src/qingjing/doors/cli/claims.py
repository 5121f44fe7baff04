"""``qingjing consent grade``: what an old list would be worth, and its import as claims."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from qingjing.desk.claims import Claims, ClaimsReport
from qingjing.desk.consent import Terms
from qingjing.desk.entries import Problem
from qingjing.doors import claims as feed
from qingjing.doors.cli import Session
from qingjing.doors.cli.consent import (
    PerCount,
    PerDays,
    Purposes,
    Sender,
    Shown,
    TermDays,
    Wording,
    enter,
)
from qingjing.doors.cli.consent import (
    app as app,
)
from qingjing.doors.cli.output import (
    BAD_INPUT,
    Json,
    Shared,
    problem_objects,
    problems,
    progress,
    say,
    say_json,
)
from qingjing.kernel import facts as f


@app.command
async def grade(
    file: Annotated[Path, Parameter(help="CSV or Parquet")],
    *,
    sender: Sender,
    purposes: Purposes,
    act: Annotated[str, Parameter(help="how, where a row does not say; default: unknown")] = (
        "unknown"
    ),
    wording: Wording = "",
    shown: Shown = "",
    term_days: TermDays = 0,
    per_count: PerCount = 0,
    per_days: PerDays = 0,
    category: Annotated[
        str, Parameter(help="what would be sold; default: what each claim is for")
    ] = "",
    phone_column: Annotated[str, Parameter(help="default: phone, 手机号, ...")] = "",
    given_at_column: Annotated[str, Parameter(help="default: given_at, 同意时间, ...")] = "",
    enter_claims: Annotated[
        bool, Parameter(name="--enter", negative="", help="record the claims afterwards")
    ] = False,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Grade a list of old consents: how many would hold up now, and why not the others.

    Columns act, wording, shown, term_days, per_count and per_days are read where they are
    there; where they are not, or a cell is empty, the options count. Nothing is written unless
    ``--enter`` is given: then every claim is recorded, the weak ones too, and the gate judges
    each of them at every send.

    ```
    qingjing consent grade members.parquet --sender qinghe --purpose retail --json
    qingjing consent grade members.csv --sender qinghe --purpose retail --act ticked
      --shown 9f86d0... --enter
    ```
    """
    terms = Terms(
        sender=sender,
        purposes=tuple(purposes),
        act=act,
        wording=wording,
        shown=shown,
        term_days=term_days,
        per_count=per_count,
        per_days=per_days,
    )
    drafted: tuple[f.ConsentsImported, ...] = ()
    with progress("claims", 0) as bar:
        async with session.beside() as desk:
            claims = Claims(
                desk.ledger, terms, session.now, category=category, keep=enter_claims
            )
            for batch in feed.batches(file, phone=phone_column, given_at=given_at_column):
                if isinstance(batch, Problem):
                    claims.skip(batch)
                else:
                    claims.take(batch)
                    bar.advance(bar.task_ids[0], len(batch.rows))
            if enter_claims:
                drafted = tuple(claims.draft(session.imports, feed.digest(file)))
    entered = await enter(session, drafted)
    report = claims.report()
    _tell(report, entered, session, as_json)
    return BAD_INPUT if report.left else 0


def _tell(
    report: ClaimsReport, entered: list[tuple[int, str]], session: Session, as_json: bool
) -> None:
    zh, en = report.words()
    if as_json:
        facts = [{"position": position, "file": name} for position, name in entered]
        say_json(
            {
                "claims": report.claims,
                "hold": report.hold,
                "left": report.left,
                "reasons": report.reasons,
                "remarks": report.remarks,
                "words_zh": zh,
                "words_en": en,
                "problems": problem_objects(report.problems),
                "facts": facts,
            }
        )
        return
    say(zh if session.lang == "zh" else en)
    for name, count in report.remarks.items():
        say(f"of those that hold, {count:,} lack {name}")
    say(*(f"fact {position}, {name}" for position, name in entered))
    problems(report.problems, report.left)
