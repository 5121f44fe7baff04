"""``qingjing city`` and ``qingjing demo``: the synthetic city against the real gateway."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import structlog
from cyclopts import App, Parameter
from rich.console import Console

from qingjing.city.out import OutError
from qingjing.city.plan import Options, OptionsError, Plan, make_plan
from qingjing.city.run import Played, RunError, run
from qingjing.city.scene import TooFewPeople
from qingjing.city.score import Score, score
from qingjing.city.story import Story
from qingjing.city.world import Day
from qingjing.doors.cli import Session
from qingjing.doors.cli.output import (
    BAD_INPUT,
    NEGATIVE,
    Json,
    Shared,
    complain,
    progress,
    say,
    say_json,
    table,
)
from qingjing.kernel.note import Key
from qingjing.kernel.workdays import beijing_date

app = App(name="city", help="A seeded city with planted violations: play it, score it.")

_BAD = (OutError, OptionsError, RunError, TooFewPeople)
STEPS = 9
"""Steps that a run tells of."""


@app.command(name="run")
async def run_city(
    *,
    seed: Annotated[int, Parameter(help="the same seed gives the same city")] = 1,
    out: Annotated[Path, Parameter(help="a new folder for what was seen")],
    messages: Annotated[int, Parameter(help="how many are submitted, 300 or more")] = 3000,
    people: Annotated[int, Parameter(help="how many there are; 0: as many as needed")] = 0,
    share: Annotated[float, Parameter(help="the part of messages that are violations")] = 0.25,
    weight: Annotated[
        dict[str, float] | None,
        Parameter(help="more or less of one violation: --weight.night 0", negative=""),
    ] = None,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Play a city: customers, carriers and people against the gateway, over real sockets.

    Ledger and keys are made in the folder, beside what was planted and what was seen. Exit
    code 1 when a violation was missed, a good message refused, or what must never happen did.

    ```
    qingjing city run --seed 7 --out out/city-7
    qingjing city run --out out/nights --messages 1000 --share 0.4 --weight.night 5
    ```
    """
    options = Options(
        seed=seed, messages=messages, people=people, share=share, weights=weight or {}
    )
    try:
        played = await play(session, make_plan(options), out)
        found = score(out)
    except _BAD as error:
        complain(str(error))
        return BAD_INPUT
    if as_json:
        say_json({"run": msgspec.to_builtins(played.run)} | as_object(found))
    else:
        say(f"{played.run.messages} messages in {played.run.seconds} s; see {out}", "")
        _tell(found)
    return 0 if found.ok else NEGATIVE


@app.command(name="score")
def score_city(
    folder: Annotated[Path, Parameter(help="what `qingjing city run` wrote")],
    *,
    as_json: Json = False,
) -> int:
    """Score a run by its files: each violation with planted, found, recall and precision.

    Exit code 1 when a violation was missed, a good message was refused, or what must never
    happen did.

    ```
    qingjing city score out/city-7
    qingjing city score out/city-7 --json
    ```
    """
    try:
        found = score(folder)
    except OutError as error:
        complain(str(error))
        return BAD_INPUT
    if as_json:
        say_json(as_object(found))
    else:
        _tell(found)
    return 0 if found.ok else NEGATIVE


async def play(session: Session, plan: Plan, out: Path) -> Played:
    """Play a city with a progress bar; the gateway's own log stays quiet meanwhile."""
    with progress("city", STEPS) as bar, _quiet():
        task = bar.task_ids[0]

        def told(what: str) -> None:
            """Move the bar on to the next step."""
            bar.update(task, description=what, advance=1)

        return await run(session.house, plan, out, tomorrow(session), told)


def tomorrow(session: Session) -> Day:
    """The day of the city: its ledger is opened today, and its record is older than its day."""
    return Day(beijing_date(session.now / 1000) + timedelta(days=1))


@contextmanager
def _quiet() -> Iterator[None]:
    """Only errors of the gateway are worth a line here: thousands of messages pass by."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        yield
    finally:
        structlog.configure(**before)


def as_object(found: Score) -> dict[str, Any]:
    """The score for programs."""
    plain: dict[str, Any] = msgspec.to_builtins(found)
    return {"ok": found.ok, "recall": round(found.recall, 4)} | plain


def _tell(found: Score) -> None:
    rows = [
        (
            row.name,
            str(row.planted),
            str(row.found),
            f"{row.recall:.3f}",
            f"{row.precision:.3f}",
            " ".join(row.missed[:3]),
        )
        for row in found.rows
    ]
    table(("violation", "planted", "found", "recall", "precision", "missed"), rows)
    say("")
    heads = ("good messages", str(found.good))
    table(
        heads,
        (
            ("good, refused", str(len(found.good_refused))),
            ("good, held", str(len(found.good_held))),
            *(
                (name.replace("_", " "), str(len(tags)))
                for name, tags in msgspec.structs.asdict(found.faults).items()
            ),
        ),
    )
    for tag, text, reason in (*found.good_refused, *found.good_held)[:10]:
        say(f"  {tag} ({text}): {reason}")
    say("", "everything as it must be" if found.ok else "NOT as it must be")


async def demo(
    *,
    out: Annotated[
        Path | None, Parameter(help="a new folder; default: one among temporary files")
    ] = None,
    seed: Annotated[int, Parameter(help="the same seed gives the same city")] = 11,
    messages: Annotated[int, Parameter(help="how many are submitted, 300 or more")] = 2000,
    session: Shared,
) -> int:
    """See it work: a small city against the real gateway, and what became of its messages.

    Two platforms, three carriers and some thousands of people on loopback, with the ledger in
    SQLite; then one refusal taking effect, and one decision explained and proved. It tells what
    happened and judges nothing: `qingjing city run` does.

    ```
    qingjing demo
    qingjing --lang zh demo --out out/demo --seed 3
    ```
    """
    folder = out or Path(tempfile.mkdtemp(prefix="qingjing-demo-"))
    console = Console(highlight=False)
    try:
        plan = make_plan(Options(seed=seed, messages=messages))
        played = await play(session, plan, folder)
        story = Story(plan, score(folder), folder, session.lang)
    except _BAD as error:
        complain(str(error))
        return BAD_INPUT
    story.passed_and_refused(console)
    story.refusal_takes_effect(console)
    key = Key.parse(session.house.public_key(played.settings))
    async with session.house.open_desk(played.settings) as desk:
        story.proved(console, desk, key, tomorrow(session).nightfall)
    story.where_next(console)
    return 0
