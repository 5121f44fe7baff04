"""``qingjing register``: parties, ports, signatures, grants, filings, by file or one by one."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from qingjing.desk import register as desk_register
from qingjing.desk.entries import InputError, Problem, last_day, shown
from qingjing.desk.ports import Ledger
from qingjing.desk.send import Desk
from qingjing.doors import feeds
from qingjing.doors.cli import Session
from qingjing.doors.cli.output import Json, Shared, say, say_json, table
from qingjing.kernel.facts import Fact, FindingOpened
from qingjing.kernel.register import FOREVER
from qingjing.kernel.words import Carrier, Kind
from qingjing.kernel.workdays import beijing_date

app = App(name="register", help="Who may send from which port with which signature.")

Kinds = Annotated[
    list[str], Parameter(name="--kind", negative="", help="commercial, service, ...; repeat")
]
Day = Annotated[date, Parameter(help="a Beijing day, YYYY-MM-DD")]
LastDay = Annotated[date, Parameter(help="the last day, YYYY-MM-DD")]
Why = Annotated[str, Parameter(help="for whoever reads it later")]


@app.command
async def load(
    file: Annotated[Path, Parameter(help="a TOML register file, or one table of it as CSV")],
    *,
    table: Annotated[str, Parameter(help="the table of a CSV file; default: its name")] = "",
    as_json: Json = False,
    session: Shared,
) -> int:
    """Load a register file. Every error is told; with any, nothing is written.

    What the register holds already is not written again, so a file may be loaded any number of
    times. ``docs/register.example.toml`` shows every field.

    ```
    qingjing register load register.toml
    qingjing register load parties.csv
    qingjing register load 2026-06.csv --table grants --json
    ```
    """
    return await enter(session, feeds.register_file(file, table), as_json)


@app.command
async def party(
    party: Annotated[str, Parameter(help="its short name here")],
    *,
    name: Annotated[str, Parameter(help="the full name")],
    role: Annotated[str, Parameter(help="platform, merchant, agent, provider, carrier, ...")],
    credit_code: Annotated[str, Parameter(help="统一社会信用代码, 18 characters")],
    group: Annotated[str, Parameter(help="its real controller; default: itself")] = "",
    licences: Annotated[list[str] | None, Parameter(name="--licence", negative="")] = None,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Register a party, or its newest description.

    ```
    qingjing register party qinghe --name "青禾商城有限公司" --role platform
      --credit-code 91110000600037341L --group qinghe-group
    ```
    """
    entry = {
        "party": party,
        "name": name,
        "role": role,
        "credit_code": credit_code,
        "group": group,
        "licences": licences or [],
    }
    return await enter(session, {"parties": [entry]}, as_json)


@app.command
async def port(
    port: Annotated[str, Parameter(help="access code and extension, digits alone")],
    *,
    holder: Annotated[str, Parameter(help="the party that it was assigned to")],
    kinds: Kinds,
    licence: Annotated[str, Parameter(help="number of the licence or assignment")],
    valid_from: Day,
    valid_until: LastDay,
    region: Annotated[str, Parameter(help="where it may be used")] = "",
    as_json: Json = False,
    session: Shared,
) -> int:
    """Register a port.

    ```
    qingjing register port 106900010001 --holder tongda --kind commercial
      --licence "号〔2024〕01234" --valid-from 2024-05-01 --valid-until 2029-04-30
    ```
    """
    entry = {
        "port": port,
        "holder": holder,
        "kinds": kinds,
        "licence": licence,
        "valid_from": valid_from,
        "valid_until": valid_until,
        "region": region,
    }
    return await enter(session, {"ports": [entry]}, as_json)


@app.command
async def signature(
    signature: Annotated[str, Parameter(help="without its brackets")],
    *,
    owner: Annotated[str, Parameter(help="the party that it belongs to")],
    source: Annotated[str, Parameter(help="enterprise, trademark or app")],
    proof: Annotated[str, Parameter(help="licence, certificate or filing number")],
    kinds: Kinds,
    senders: Annotated[list[str] | None, Parameter(name="--sender", negative="")] = None,
    ports: Annotated[list[str] | None, Parameter(name="--port", negative="")] = None,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Register a signature with its owner and scope.

    ```
    qingjing register signature 青禾商城 --owner qinghe --source trademark
      --proof "商标 12345678" --kind commercial --kind service
    ```
    """
    entry = {
        "signature": signature,
        "owner": owner,
        "source": source,
        "proof": proof,
        "kinds": kinds,
        "senders": senders or [],
        "ports": ports or [],
    }
    return await enter(session, {"signatures": [entry]}, as_json)


@app.command
async def grant(
    grant: Annotated[str, Parameter(help="the grant's name")],
    *,
    sender: Annotated[str, Parameter(help="the party whose messages they are")],
    port: str,
    signature: str,
    kinds: Kinds,
    chain: Annotated[
        list[str],
        Parameter(negative="", help="each party from the sender on, in order; repeat"),
    ],
    valid_from: Day,
    valid_until: LastDay,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Grant a port to a sender, for a signature and some kinds, under a declared chain.

    ```
    qingjing register grant qinghe-2026 --sender qinghe --port 106900010001
      --signature 青禾商城 --kind commercial --chain qinghe --chain tongda
      --valid-from 2026-01-01 --valid-until 2026-12-31
    ```
    """
    entry = {
        "grant": grant,
        "sender": sender,
        "port": port,
        "signature": signature,
        "kinds": kinds,
        "chain": chain,
        "valid_from": valid_from,
        "valid_until": valid_until,
    }
    return await enter(session, {"grants": [entry]}, as_json)


@app.command
async def filing(
    *,
    state: Annotated[
        str, Parameter(help="drafting, approved, filing, filed, rejected, lapsed")
    ],
    carriers: Annotated[
        list[str], Parameter(name="--carrier", negative="", help="mobile, unicom, ...; repeat")
    ],
    port: str = "",
    signature: str = "",
    reason: Why = "",
    as_json: Json = False,
    session: Shared,
) -> int:
    """Note the filing state (报备) of a port or a signature at some carriers.

    ```
    qingjing register filing --signature 青禾商城 --carrier mobile --state filed
    qingjing register filing --port 106900010001 --carrier unicom --carrier telecom
      --state rejected --reason "材料不全"
    ```
    """
    entry = {
        "carriers": carriers,
        "state": state,
        "port": port,
        "signature": signature,
        "reason": reason,
    }
    return await enter(session, {"filings": [entry]}, as_json)


@app.command
async def suspend(
    party: str,
    *,
    reason: Why,
    until: LastDay | None = None,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Suspend a sender: from now on nothing of it leaves.

    ```
    qingjing register suspend qinghe --reason "投诉超标" --until 2026-06-30
    ```
    """
    fact = await session.write(desk_register.suspend, party, reason, until)
    tell((fact,), as_json)
    return 0


@app.command
async def reinstate(party: str, *, reason: Why, as_json: Json = False, session: Shared) -> int:
    """End a suspension.

    ```
    qingjing register reinstate qinghe --reason "整改完成"
    ```
    """
    tell((await session.write(desk_register.reinstate, party, reason),), as_json)
    return 0


@app.command
async def end_grant(grant: str, *, reason: Why, as_json: Json = False, session: Shared) -> int:
    """End a grant.

    ```
    qingjing register end-grant qinghe-2026 --reason "合同终止"
    ```
    """
    tell((await session.write(desk_register.end_grant, grant, reason),), as_json)
    return 0


@app.command
async def show(
    name: Annotated[
        str, Parameter(help="a party, port, signature or grant; default: all parties")
    ] = "",
    *,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Show what the register holds under a name, or list the parties.

    ```
    qingjing register show
    qingjing register show 106900010001 --json
    ```
    """
    found = await session.ask(look_up, name, session.now)
    if not found:
        remedy = (
            "name a party, port, signature or grant; without a name, all parties are listed"
        )
        raise InputError([Problem("", "name", f"{shown(name)} is not registered", remedy)])
    if as_json:
        say_json(found)
    elif name:
        for what, fields in found.items():
            table((what, ""), [(key, _words(value)) for key, value in fields.items()])
    else:
        heads = ("party", "name", "role", "group", "suspended")
        table(heads, [[_words(p[head]) for head in heads] for p in found["parties"]])
    return 0


def look_up(desk: Desk, name: str, at: int) -> dict[str, Any]:
    """What the register holds under a name, as a register file would say it; all parties
    without one."""
    ledger, register = desk.ledger, desk.ledger.register
    if not name:
        return {"parties": [_party(ledger, p.party, at) for p in register.parties()]}
    found: dict[str, Any] = {}
    if register.party(name) is not None:
        found["party"] = _party(ledger, name, at)
    if (port := register.port(name)) is not None:
        found["port"] = _plain(port) | _filings(ledger, port=name)
    if (signature := register.signature(name)) is not None:
        found["signature"] = _plain(signature) | _filings(ledger, signature=name)
    if (grant := register.grant(name)) is not None:
        found["grant"] = _plain(grant)
    return found


def _party(ledger: Ledger, party: str, at: int) -> dict[str, Any]:
    fact = ledger.register.party(party)
    return (
        {}
        if fact is None
        else _plain(fact) | {"suspended": ledger.register.suspended(party, at)}
    )


def _filings(ledger: Ledger, *, port: str = "", signature: str = "") -> dict[str, Any]:
    carriers = [carrier for carrier in Carrier if carrier is not Carrier.ANY]
    return {
        f"filed_{carrier.name.lower()}": desk_register.filing(
            ledger, carrier, port=port, signature=signature
        ).value
        for carrier in carriers
    }


def _plain(fact: Fact) -> dict[str, Any]:
    """A fact's fields as they are written in a register file."""
    plain: dict[str, Any] = {}
    for field in fact.__struct_fields__:
        value = getattr(fact, field)
        if field == "kinds":
            value = [kind.name.lower() for kind in Kind if value >> kind & 1]
        elif field == "valid_from":
            value = str(beijing_date(value / 1000))
        elif field in ("valid_until", "until"):
            value = None if value is None or value >= FOREVER else str(last_day(value))
        elif isinstance(value, bytes):
            value = value.hex()
        elif isinstance(value, Carrier):
            value = value.name.lower()
        elif isinstance(value, tuple):
            value = list(value)
        plain[field] = value.value if hasattr(value, "value") else value
    return plain


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


async def enter(session: Session, description: Any, as_json: bool) -> int:
    """Record what is new in a description, and tell it."""
    tell(await session.write(desk_register.load, description), as_json)
    return 0


def tell(facts: tuple[Fact, ...], as_json: bool) -> None:
    """What was written, and of which likeness whom."""
    kinds = [str(fact.__struct_config__.tag) for fact in facts]
    if as_json:
        written = [{"kind": k} | _plain(fact) for k, fact in zip(kinds, facts, strict=True)]
        say_json({"written": len(facts), "facts": written})
    elif not facts:
        say("the register holds all of it already; nothing was written")
    else:
        counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
        table(("written", ""), counts.items())
        for fact in facts:
            if isinstance(fact, FindingOpened):
                say(f"{fact.finding}: {fact.words} ({fact.told} is told)")
