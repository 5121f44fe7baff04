"""``qingjing shadow``: decide and record everything, block nothing, see what would be."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from qingjing.desk import shadow
from qingjing.desk.entries import day_start
from qingjing.doors.cli.output import Json, Shared, say, say_json, table
from qingjing.kernel.facts import AccountShadowed

app = App(
    name="shadow", help="Let an account's messages leave for a time, whatever was decided."
)

Name = Annotated[str, Parameter(help="the account, as in the settings")]
Why = Annotated[str, Parameter(help="for whoever reads it later")]


@app.command
async def begin(account: Name, *, reason: Why, as_json: Json = False, session: Shared) -> int:
    """From now on nothing of this account is blocked: refusals of persons neither.

    ```
    qingjing shadow begin 900001 --reason "first fortnight with a new customer"
    ```
    """
    fact = await session.write(shadow.begin, account, reason)
    return _tell(fact, as_json)


@app.command
async def enforce(account: Name, *, reason: Why, as_json: Json = False, session: Shared) -> int:
    """From now on decisions hold, for what is queued too.

    ```
    qingjing shadow enforce 900001 --reason "consents are complete"
    ```
    """
    fact = await session.write(shadow.enforce, account, reason)
    return _tell(fact, as_json)


@app.command
async def report(
    account: Annotated[str, Parameter(help="one account; default: all")] = "",
    *,
    since: Annotated[date | None, Parameter(help="a Beijing day, YYYY-MM-DD")] = None,
    as_json: Json = False,
    session: Shared,
) -> int:
    """What left in shadow mode that would have been blocked, and why, path by path.

    ```
    qingjing shadow report
    qingjing shadow report 900001 --since 2026-11-01 --json
    ```
    """
    async with session.beside() as desk:
        found = shadow.report(desk.ledger, account, 0 if since is None else day_start(since))
        now = shadow.shadowed(desk.ledger)
    if as_json:
        say_json({"shadowed": now, "paths": msgspec.to_builtins(found)})
        return 0
    say(f"in shadow mode now: {', '.join(now) or 'no account'}")
    if not found:
        say("nothing was decided in shadow mode")
        return 0
    heads = (
        "account",
        "sender",
        "port",
        "signature",
        "left",
        "refused",
        "held",
        "reasons",
        "e.g.",
    )
    table(
        heads,
        [
            (
                one.account,
                one.sender,
                one.port,
                one.signature,
                one.left,
                one.refused,
                one.held,
                ", ".join(f"{name} {count}" for name, count in one.reasons.items()),
                one.example or "",
            )
            for one in found
        ],
    )
    say("`qingjing prove MESSAGE` proves one; docs/reasons.md says how to mend each reason.")
    return 0


def _tell(fact: AccountShadowed, as_json: bool) -> int:
    if as_json:
        say_json({"account": fact.account, "shadow": fact.shadow})
    elif fact.shadow:
        say(f"{fact.account}: shadow mode; nothing is blocked until `qingjing shadow enforce`")
    else:
        say(f"{fact.account}: decisions hold from now on")
    return 0
