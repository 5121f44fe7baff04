"""``qingjing finding`` and ``qingjing measure``: what was proved, and what is done about it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from qingjing.desk import findings as desk_findings
from qingjing.desk import measures as desk_measures
from qingjing.desk.entries import InputError, Problem, moment, one_of, told
from qingjing.desk.findings import Charge
from qingjing.desk.send import Desk
from qingjing.doors.cli.output import Json, Shared, say, say_json, table
from qingjing.kernel import facts as f
from qingjing.kernel.oversight import LADDER, Finding, Measure
from qingjing.kernel.words import Step, Subject

app = App(name="measure", help="The ladder of measures (处置): take, confirm, appeal, lift.")
finding = App(name="finding", help="Findings (认定): what was proved, open until put right.")

By = Annotated[str, Parameter(help="who acts, by name or badge")]
Why = Annotated[str, Parameter(help="for whoever reads it later")]
Found = Annotated[str, Parameter(help="the finding, such as f42")]
Taken = Annotated[str, Parameter(help="the measure, such as m43")]


def _word(words: Any, field: str, name: str) -> Any:
    try:
        return one_of(words, name)
    except ValueError as error:
        raise InputError([Problem("", field, str(error), "correct the name")]) from None


def _tell(fact: f.Fact, name: str, as_json: bool) -> None:
    if as_json:
        say_json({"fact": msgspec.to_builtins(fact)})
    else:
        proposed = isinstance(fact, f.MeasureProposed)
        also = ": another person must confirm it" if proposed else ""
        say(f"{name}: {fact.__struct_config__.tag}{also}")


@app.command
async def ladder(*, as_json: Json = False, session: Shared) -> int:
    """The steps, the mildest first: what each does, on what, and which take two people.

    ```
    qingjing measure ladder
    ```
    """
    zh = session.lang == "zh"
    rows: list[dict[str, Any]] = [
        {
            "step": rung.step.value,
            "on": [subject.value for subject in Subject if subject in rung.subjects],
            "people": 2 if rung.severe else 1,
            "effect": rung.zh if zh else rung.en,
        }
        for rung in LADDER
    ]
    if as_json:
        say_json({"ladder": rows})
    else:
        heads = ("step", "people", "on", "effect")
        table(heads, [[r["step"], r["people"], ", ".join(r["on"]), r["effect"]] for r in rows])
    return 0


@app.command
async def take(
    step: Annotated[str, Parameter(help="warn, correct, slow, withhold, suspend, terminate")],
    subject: Annotated[str, Parameter(help="party, port or signature")],
    name: str,
    *,
    reason: Why,
    by: By,
    finding: Found = "",
    until: Annotated[date | None, Parameter(help="its last day")] = None,
    due: Annotated[date | None, Parameter(help="put right by the end of this day")] = None,
    rate: Annotated[int, Parameter(help="parts a second (slow)")] = 0,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Take a measure; a severe one is proposed, and binds when another person confirms it.

    ```
    qingjing measure take suspend port 106900010001 --finding f42 --reason 转租 --by 王敏
    qingjing measure take slow party qinghe --rate 20 --reason 投诉率偏高 --by 王敏
    ```
    """
    words = _word(Step, "step", step), _word(Subject, "subject", subject)
    fact = await session.write(
        desk_measures.take, *words, name, reason, by, finding, until, due, rate
    )
    _tell(fact, fact.measure, as_json)
    return 0


@app.command
async def confirm(measure: Taken, *, by: By, as_json: Json = False, session: Shared) -> int:
    """Confirm what another person proposed: a severe measure, or its end.

    ```
    qingjing measure confirm m43 --by 李强
    ```
    """
    fact = await session.write(desk_measures.confirm, measure, by)
    _tell(fact, measure, as_json)
    return 0


@app.command
async def lift(
    measure: Taken, *, reason: Why, by: By, as_json: Json = False, session: Shared
) -> int:
    """End a measure; the end of a severe one is proposed. It is looked back at.

    ```
    qingjing measure lift m43 --reason 整改完成 --by 王敏
    ```
    """
    fact = await session.write(desk_measures.lift, measure, reason, by)
    _tell(fact, measure, as_json)
    return 0


@app.command
async def appeal(
    measure: Taken, *, reason: Why, by: By, as_json: Json = False, session: Shared
) -> int:
    """Note the objection of whom it concerns; the measure stays until it is lifted.

    ```
    qingjing measure appeal m43 --reason 签名同属一个集团 --by tongda
    ```
    """
    fact = await session.write(desk_measures.appeal, measure, reason, by)
    _tell(fact, measure, as_json)
    return 0


@app.command
async def answer(
    measure: Taken, *, reason: Why, by: By, as_json: Json = False, session: Shared
) -> int:
    """Turn an appeal down, with reasons; one that is right lifts the measure instead.

    ```
    qingjing measure answer m43 --reason 集团关系未登记 --by 赵岚
    ```
    """
    fact = await session.write(desk_measures.answer, measure, reason, by)
    _tell(fact, measure, as_json)
    return 0


@app.command(name="list")
async def list_(*, as_json: Json = False, session: Shared) -> int:
    """All measures and proposals, the newest last, with their evidence in ``--json``.

    ```
    qingjing measure list
    ```
    """
    rows = await session.ask(look_at_measures, session.now)
    if as_json:
        say_json({"measures": rows})
    else:
        heads = ("measure", "state", "step", "subject", "name", "finding", "by", "reason")
        table(heads, [[row[head] for head in heads] for row in rows])
    return 0


def look_at_measures(desk: Desk, at: int) -> list[dict[str, Any]]:
    """Every measure with its state, and what is proposed."""
    oversight = desk.ledger.register.oversight
    rows = [
        {"state": _state(known, at), **msgspec.to_builtins(known.fact)}
        for known in oversight.measures.values()
    ]
    for proposed, _position in oversight.proposed.values():
        state = "lifting proposed" if proposed.lift else "proposed"
        rows.append({"state": state, **msgspec.to_builtins(proposed)})
    return rows


def _state(known: Measure, at: int) -> str:
    if not known.binds(at):
        return "lifted" if known.lifted else "over"
    return "under appeal" if known.appeal else "in force"


@finding.command(name="open")
async def open_(
    what: Annotated[str, Parameter(help="the kind, such as sublet, drift, relapse")],
    *,
    party: str,
    words: Annotated[str, Parameter(help="what was found, in a sentence")],
    since: Annotated[str, Parameter(help="when it began, Beijing time")],
    by: By,
    port: str = "",
    signature: str = "",
    evidence: Annotated[list[str] | None, Parameter(negative="")] = None,
    query: Annotated[str, Parameter(help="what looking back asks: refused, signatures")] = "",
    params: Annotated[
        list[str] | None, Parameter(name="--param", negative="", help="NAME=VALUE; repeat")
    ] = None,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Open a finding, with the question that looking back will ask again.

    ```
    qingjing finding open sublet --party tongda --port 106900010001 --since 2026-11-01
      --words "端口上有七个无关签名" --query signatures --param port=106900010001 --by 王敏
    ```
    """
    try:
        began = moment(since)
    except ValueError as error:
        raise InputError([Problem("", "since", str(error), "correct it")]) from None
    pairs = (text.partition("=") for text in params or ())
    charge = Charge(
        what=what,
        party=party,
        port=port,
        signature=signature,
        words=words,
        since=began,
        evidence=tuple(evidence or ()),
        query=query,
        params=tuple((key, value) for key, _, value in pairs),
    )
    fact = await session.write(desk_findings.open_, charge, by)
    _tell(fact, fact.finding, as_json)
    return 0


@finding.command
async def close(
    finding: Found, *, reason: Why, by: By, as_json: Json = False, session: Shared
) -> int:
    """It was put right, and how: looking back begins.

    ```
    qingjing finding close f42 --reason 已清退 --by 王敏
    ```
    """
    fact = await session.write(desk_findings.close, finding, reason, by)
    _tell(fact, finding, as_json)
    return 0


@finding.command
async def reopen(
    finding: Found, *, reason: Why, by: By, as_json: Json = False, session: Shared
) -> int:
    """It was not put right.

    ```
    qingjing finding reopen f42 --reason 再次出现 --by 王敏
    ```
    """
    fact = await session.write(desk_findings.reopen, finding, reason, by)
    _tell(fact, finding, as_json)
    return 0


@finding.command(name="list")
async def list_findings(*, as_json: Json = False, session: Shared) -> int:
    """All findings with their evidence: who, what, since when, how sure.

    ```
    qingjing finding list --json
    ```
    """
    rows = await session.ask(look_at_findings)
    if as_json:
        say_json({"findings": rows})
    else:
        heads = ("finding", "state", "what", "party", "port", "signature", "since", "words")
        plain = [row | {"since": told(row["since"])} for row in rows]
        table(heads, [[row[head] for head in heads] for row in plain])
    return 0


def look_at_findings(desk: Desk) -> list[dict[str, Any]]:
    """Every finding with its state."""
    return [
        {"state": _standing(known), "reopened": known.reopened}
        | msgspec.to_builtins(known.fact)
        for known in desk.ledger.register.oversight.findings.values()
    ]


def _standing(known: Finding) -> str:
    if known.closed:
        return "closed"
    return "reopened" if known.reopened else "open"
