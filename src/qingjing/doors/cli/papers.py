"""``qingjing register``: papers with their terms, what lapses, and who is behind a name."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from qingjing.desk import filings as desk_filings
from qingjing.desk.entries import InputError, Problem, day_end, last_day, shown
from qingjing.desk.owner import owners
from qingjing.desk.send import Desk
from qingjing.doors.cli.output import Json, Shared, say, say_json, table
from qingjing.doors.cli.register import Day, LastDay, enter
from qingjing.doors.cli.register import app as app
from qingjing.doors.feeds import FeedError

PAPER_MAX = 64 << 20
"""Octets of a file that is hashed: a scanned contract has a few."""

File = Annotated[Path, Parameter(help="the file; its SHA-256 is recorded, it stays with you")]


@app.command
async def document(
    file: File,
    *,
    what: Annotated[
        str, Parameter(help="licence, permit, trademark, app, letter, contract, other")
    ],
    subject: Annotated[str, Parameter(help="party, port or signature")],
    name: str,
    number: Annotated[str, Parameter(help="the document's own number")],
    category: Annotated[str, Parameter(help="the trade that a permit opens")] = "",
    valid_until: LastDay | None = None,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Record a document by its hash.

    ```
    qingjing register document 许可证.pdf --what permit --subject party --name qinghe-finance
      --number 沪金监〔2024〕7号 --category finance --valid-until 2027-12-31
    ```
    """
    digest, size = _read(file)
    entry = {
        "document": digest,
        "what": what,
        "subject": subject,
        "name": name,
        "number": number,
        "size": size,
        "category": category,
        "valid_until": valid_until,
    }
    return await enter(session, {"documents": [entry]}, as_json)


@app.command
async def letter(
    letter: Annotated[str, Parameter(help="its name here")],
    *,
    file: File,
    owner: Annotated[str, Parameter(help="the party that owns the signatures")],
    credit_code: Annotated[str, Parameter(help="the grantor's code as the letter has it")],
    sender: str,
    signatures: Annotated[list[str], Parameter(name="--signature", negative="")],
    valid_from: Day,
    valid_until: LastDay,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Record an authorisation letter (授权书): after its last day the messages stop.

    ```
    qingjing register letter l-2026 --file 授权书.pdf --owner qinghe
      --credit-code 91110105MA00QHXC1P --sender qinghe-finance --signature 青禾商城
      --valid-from 2026-01-01 --valid-until 2026-12-31
    ```
    """
    entry = {
        "letter": letter,
        "owner": owner,
        "credit_code": credit_code,
        "sender": sender,
        "signatures": signatures,
        "document": _read(file)[0],
        "valid_from": valid_from,
        "valid_until": valid_until,
    }
    return await enter(session, {"letters": [entry]}, as_json)


@app.command
async def contract(
    contract: Annotated[str, Parameter(help="its number")],
    *,
    file: File,
    upstream: Annotated[str, Parameter(help="the party that hands messages in")],
    downstream: Annotated[str, Parameter(help="the party that takes them")],
    valid_from: Day,
    valid_until: LastDay,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Record the contract (合同) of a link: after its last day the chain is undeclared.

    ```
    qingjing register contract HT-2026-17 --file 合同.pdf --upstream qinghe --downstream tongda
      --valid-from 2026-01-01 --valid-until 2026-12-31
    ```
    """
    entry = {
        "contract": contract,
        "upstream": upstream,
        "downstream": downstream,
        "document": _read(file)[0],
        "valid_from": valid_from,
        "valid_until": valid_until,
    }
    return await enter(session, {"contracts": [entry]}, as_json)


@app.command
async def due(
    *,
    days: Annotated[int, Parameter(help="how far to look ahead")] = 30,
    as_json: Json = False,
    session: Shared,
) -> int:
    """What runs out within some days or has run out, waits too long, lies unused, is missing.

    ```
    qingjing register due --days 30
    ```
    """
    rows = await session.ask(reminders, session.now, days, session.settings.dormant_days)
    if as_json:
        say_json({"due": rows})
    elif rows:
        heads = ("what", "day", "words")
        table(heads, [[row[head] for head in heads] for row in rows])
    else:
        say("nothing is due")
    return 0


def reminders(desk: Desk, at: int, days: int, dormant_days: int) -> list[dict[str, Any]]:
    """Reminders for a page, each with its Beijing day."""
    return [
        {"day": str(last_day(one.at)) if one.at else ""} | msgspec.to_builtins(one)
        for one in desk_filings.due(desk.ledger, at, days, dormant_days)
    ]


@app.command
async def who(
    name: Annotated[str, Parameter(help="a port or signature")],
    *,
    at: Annotated[date | None, Parameter(help="as of the end of this Beijing day")] = None,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Who is behind a port or signature: owner, standing, senders, filings; on any day.

    ```
    qingjing register who 106900010001
    qingjing register who 青禾商城 --at 2026-05-01
    ```
    """
    moment = session.now if at is None else min(session.now, day_end(at) - 1)
    found = await session.ask(owned, name, moment, at is not None)
    if not found:
        remedy = "name a port or signature as it stands in a message, without brackets"
        raise InputError([Problem("", "name", f"{shown(name)} is not registered", remedy)])
    if as_json:
        say_json({"owners": found})
    else:
        for one in found:
            table(
                (one.pop("subject"), ""), [(key, _words(value)) for key, value in one.items()]
            )
    return 0


def owned(desk: Desk, name: str, at: int, then: bool) -> list[dict[str, Any]]:
    """Owners for a page; ``then``: of the register as it was at that time."""
    register = desk.ledger.register_at(at) if then else desk.ledger.register
    return [msgspec.to_builtins(one) for one in owners(register, name, at)]


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value
    return ", ".join(" ".join(one) if not isinstance(one, str) else one for one in value)


def _read(file: Path) -> tuple[str, int]:
    """SHA-256 and size of a file; FeedError when it cannot be used."""
    try:
        size = file.stat().st_size
        if not 0 < size <= PAPER_MAX:
            raise FeedError(f"{file} has {size} octets; hand in a file of 1 to {PAPER_MAX}")
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest(), size
    except OSError as error:
        raise FeedError(f"{file} cannot be read: {error.strerror}; check the path") from None
