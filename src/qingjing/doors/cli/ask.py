"""``qingjing ask``: open a request for consent that goes out by SMS, and see how it went."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from qingjing.desk import askings
from qingjing.desk.entries import InputError, Problem
from qingjing.doors.cli.output import Json, Shared, say, say_json, table

app = App(name="ask", help="Requests for consent by SMS: open, show.")


@app.command(name="open")
async def open_asking(
    name: Annotated[str, Parameter(help="the asking's name")],
    *,
    wording: Annotated[str, Parameter(help="stated words, whose text is the message itself")],
    silence_days: Annotated[
        int, Parameter(help="days in which a yes counts; 0: those of the rulebook")
    ] = 0,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Open an asking: its messages, sent word for word, are answered under these words.

    They are sent like any message, by the sender's own account, and go through the gate. A yes
    in time is a consent; silence is refusal, and neither the same nor anything similar is asked
    of that person again.

    ```
    qingjing ask open spring --wording ask-spring@1f2e3d4c5b6a --silence-days 7
    ```
    """
    opened = await session.write(askings.open_asking, name, wording, silence_days=silence_days)
    if as_json:
        say_json(opened._asdict())
        return 0
    say(f"recorded as fact {opened.position}")
    if opened.similar:
        say(f"it is like {opened.similar}: who was asked that is not asked this")
    return 0


@app.command
async def show(
    sender: Annotated[str, Parameter(help="the sender, or its group")],
    *,
    as_json: Json = False,
    session: Shared,
) -> int:
    """How the askings of a sender's group went: asked, agreed, refused, silent, waiting.

    Reads the whole log, beside a running service.

    ```
    qingjing ask show qinghe --json
    ```
    """
    async with session.beside() as desk:
        party = desk.ledger.register.party(sender)
        groups = {known.group for known in desk.ledger.register.parties()}
        group = sender if party is None else party.group
        if group not in groups:
            remedy = "name a registered party or group"
            raise InputError([Problem("", "sender", f"{sender!r} is not known", remedy)])
        found = askings.tallies(desk.ledger, group, session.now)
    if as_json:
        say_json({"group": group, "askings": [one._asdict() for one in found]})
    else:
        table(askings.Tally._fields, found)
    return 0
