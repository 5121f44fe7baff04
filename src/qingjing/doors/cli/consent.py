"""``qingjing consent``: record one, import a list, take a refusal, show what a person said."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NamedTuple

from cyclopts import App, Parameter

from qingjing.desk import consent as desk_consent
from qingjing.desk.consent import Given, ImportReport, Terms
from qingjing.desk.entries import About, InputError, Problem, purposes_names, told
from qingjing.desk.explain import SenderStanding, grounds_words, person
from qingjing.desk.ports import Ledger, Transaction
from qingjing.desk.send import Desk
from qingjing.doors import feeds
from qingjing.doors.cli import Session
from qingjing.doors.cli.output import (
    BAD_INPUT,
    Json,
    Shared,
    complain,
    counted,
    problem_objects,
    problems,
    progress,
    say,
    say_json,
    table,
)
from qingjing.kernel import facts as f
from qingjing.kernel.words import NumberState, Phone, mask

app = App(name="consent", help="Consents and refusals: record, import, show.")

Purposes = Annotated[
    list[str],
    Parameter(name="--purpose", negative="", help="a category such as retail, or any; repeat"),
]
Act = Annotated[str, Parameter(help="how: ticked, replied, signed, spoken, confirmed, ...")]
Wording = Annotated[str, Parameter(help="the registered words that were shown")]
Shown = Annotated[str, Parameter(help="hash of the proof that they were shown")]
TermDays = Annotated[int, Parameter(help="validity from the act on; 0: none was stated")]
PerCount = Annotated[int, Parameter(help="agreed frequency: at most so many ...")]
PerDays = Annotated[int, Parameter(help="... in so many days; both or neither")]
Sender = Annotated[str, Parameter(help="the party that may send")]
Number = Annotated[str, Parameter(help="the person's number; never printed whole")]


@app.command
async def record(
    phone: Number,
    *,
    sender: Sender,
    purposes: Purposes,
    act: Act,
    given_at: Annotated[str, Parameter(help="when the person did it (Beijing time)")],
    door: Annotated[str, Parameter(help="reply, web, app, call, paper, ...")],
    wording: Wording = "",
    shown: Shown = "",
    term_days: TermDays = 0,
    per_count: PerCount = 0,
    per_days: PerDays = 0,
    evidence: Annotated[str, Parameter(help="where the evidence is kept")] = "",
    as_json: Json = False,
    session: Shared,
) -> int:
    """Record one consent, or request, as it was given.

    It is written down sound or not: the gate judges it at every send. A person's own act
    through a reply, the web or an app, later than a refusal of the sender's group, lifts it.

    ```
    qingjing consent record 13800138000 --sender qinghe --purpose retail --act ticked
      --door web --given-at "2026-05-01 09:30" --wording qinghe@1f2e3d4c5b6a --shown 9f86d0...
      --term-days 365 --per-count 4 --per-days 30
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
    given = await session.write(
        desk_consent.record, phone, terms, given_at=given_at, door=door, evidence=evidence
    )
    _tell_given(given, as_json)
    return 0


def _tell_given(given: Given, as_json: bool) -> None:
    if as_json:
        say_json(given._asdict())
        return
    say(f"recorded as fact {given.position}")
    if given.lifted:
        say("an earlier refusal of the sender's group is lifted")
    if given.refused:
        say(
            "the person has refused this sender, and this does not lift it: marketing stays off"
        )


@app.command(name="import")
async def import_list(
    file: Annotated[Path, Parameter(help="CSV or Parquet")],
    *,
    sender: Sender,
    purposes: Purposes,
    act: Act,
    wording: Wording = "",
    shown: Shown = "",
    term_days: TermDays = 0,
    per_count: PerCount = 0,
    per_days: PerDays = 0,
    phone_column: Annotated[
        str, Parameter(help="default: phone, mobile, 手机号, 号码, ...")
    ] = "",
    given_at_column: Annotated[str, Parameter(help="default: given_at, 同意时间, ...")] = "",
    as_json: Json = False,
    session: Shared,
) -> int:
    """Import a list of consents with common terms, one row a person.

    Rows with an error are left out and told, with their row number and the remedy; the exit
    code is then 2. A refusal is never lifted by a list. A list of more than 100,000 people is
    recorded as several facts, one after the other.

    ```
    qingjing consent import members.csv --sender qinghe --purpose retail --act ticked
      --wording qinghe@1f2e3d4c5b6a --shown 9f86d0... --term-days 365
    qingjing consent import members.parquet --sender qinghe --purpose any --act signed
      --phone-column msisdn --given-at-column signed_on --json
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
    feed = feeds.consents(file, phone=phone_column, given_at=given_at_column)
    with progress("consents", feed.total) as bar:
        # Reading takes the time, and is done beside a service; what it enters is short.
        async with session.beside() as desk:
            rows = counted(feed.rows, bar)
            drafted = desk_consent.draft_import(
                desk.ledger, rows, terms, session.imports, session.now
            )
    entered = await enter(session, drafted.facts)
    _tell_import(drafted.report, entered, feed.ignored, as_json)
    return BAD_INPUT if drafted.report.left else 0


async def enter(
    session: Session, drafted: tuple[f.ConsentsImported, ...]
) -> list[tuple[int, str]]:
    """Record the drafted facts, each in a transaction of its own; position and file of each."""
    entered: list[tuple[int, str]] = []
    if not drafted:
        return entered
    try:
        async with session.clerk() as clerk:
            for fact in drafted:
                entered.append((await clerk.write(enter_import, fact), fact.file))
    except Exception:
        taken = sum(fact.count for fact in drafted[: len(entered)])
        all_of_them = sum(fact.count for fact in drafted)
        complain(f"{taken} of {all_of_them} people are recorded; import the list once more:")
        raise
    return entered


def enter_import(ledger: Ledger, t: Transaction, drafted: f.ConsentsImported) -> int:
    """Record one drafted import, whose file is in its place; the fact's position."""
    if ledger.register.party(drafted.sender) is None:
        remedy = "register the party first"
        raise InputError([Problem("", "sender", f"{drafted.sender!r} is not known", remedy)])
    return t.append(drafted)


def _tell_import(
    report: ImportReport,
    entered: list[tuple[int, str]],
    ignored: tuple[str, ...],
    as_json: bool,
) -> None:
    if as_json:
        plain = report._asdict() | {"problems": problem_objects(report.problems)}
        facts = [{"position": position, "file": file} for position, file in entered]
        last = facts[-1] if facts else {}
        say_json(plain | last | {"facts": facts, "ignored_columns": list(ignored)})
        return
    say(
        f"{report.rows} rows: {report.taken} people taken, {report.repeated} repeated, "
        f"{report.left} left out",
        *(f"fact {position}, {file}" for position, file in entered),
        *([] if entered else ["nothing was recorded"]),
    )
    if ignored:
        say(f"columns not read: {', '.join(ignored)}")
    problems(report.problems, report.left)


@app.command
async def refuse(
    phone: Number,
    *,
    group: Annotated[str, Parameter(help="the group, or a party whose group is meant")] = "",
    everyone: Annotated[
        bool, Parameter(name="--all", negative="", help="every sender")
    ] = False,
    door: Annotated[str, Parameter(help="reply, web, call, complaint, ...")] = "command",
    evidence: Annotated[str, Parameter(help="where the evidence is kept")] = "",
    as_json: Json = False,
    session: Shared,
) -> int:
    """Record a refusal: from now on no marketing of the whole group leaves for this person.

    ```
    qingjing consent refuse 13800138000 --group qinghe --door call
    qingjing consent refuse 13800138000 --all
    ```
    """
    about = About([], "")
    if bool(group) == everyone:
        about.wrong("group", "a refusal is of one group or of all", "give --group or --all")
        raise InputError(about.problems)
    meant = f.ALL_GROUPS if everyone else group
    position = await session.write(
        desk_consent.refuse, phone, meant, door=door, evidence=evidence
    )
    if as_json:
        say_json({"position": position, "group": meant})
    else:
        say(f"recorded as fact {position}")
    return 0


@app.command
async def wording(
    name: Annotated[str, Parameter(help="a name; a hash of the words is added to it")],
    *,
    sender: Sender,
    text: Annotated[str, Parameter(help="the exact words")] = "",
    file: Annotated[Path | None, Parameter(help="read the words from a UTF-8 file")] = None,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Register the exact words that people are shown, before anyone sees them.

    ```
    qingjing consent wording qinghe --sender qinghe --text "我同意接收青禾商城的促销短信…"
    qingjing consent wording qinghe --sender qinghe --file words.txt
    ```
    """
    words = text if file is None else feeds.text(file)
    worded = await session.write(desk_consent.wording, name, sender, words)
    if as_json:
        say_json(worded._asdict())
    else:
        say(f"recorded as fact {worded.position}; consents name it {worded.wording}")
    return 0


@app.command
async def show(phone: Number, *, as_json: Json = False, session: Shared) -> int:
    """Show what a person consented to and refused, and where that leaves each sender.

    ```
    qingjing consent show 13800138000
    qingjing --lang zh consent show 13800138000 --json
    ```
    """
    about = About([], "")
    number = about.phone(phone)
    if number is None:
        raise InputError(about.problems)
    found = await session.ask(look_up, number, session.now)
    if as_json:
        say_json(_object(found, number))
        return 0
    say(f"{mask(number.digits)}  number {found.number.name.lower()}")
    table(
        ("sender", "group", "standing"),
        [
            (s.sender, s.group, grounds_words(s.state, s.grounds, session.lang))
            for s in found.standings
        ],
    )
    rows = [
        (r.position, told(r.at), r.fact.__struct_config__.tag, _summary(r.fact))
        for r in found.facts
    ]
    table(("fact", "recorded", "kind", ""), rows)
    return 0


class Found(NamedTuple):
    """What is known of a person, but for the keys."""

    number: NumberState
    facts: tuple[f.Recorded, ...]
    standings: tuple[SenderStanding, ...]


def look_up(desk: Desk, phone: Phone, at: int) -> Found:
    """What the ledger knows of a person, and how the person stands towards each sender."""
    record = person(desk.ledger, phone, at)
    return Found(record.number, record.facts, record.standings)


def _object(found: Found, number: Phone) -> dict[str, Any]:
    return {
        "phone": mask(number.digits),
        "number": found.number.name.lower(),
        "standings": [
            {
                "sender": s.sender,
                "group": s.group,
                "standing": s.state.name.lower(),
                "grounds": s.grounds.position if s.grounds else 0,
                "grounds_en": grounds_words(s.state, s.grounds, "en"),
                "grounds_zh": grounds_words(s.state, s.grounds, "zh"),
            }
            for s in found.standings
        ],
        "facts": [
            {
                "position": r.position,
                "recorded_at": told(r.at),
                "kind": r.fact.__struct_config__.tag,
                "summary": _summary(r.fact),
            }
            for r in found.facts
        ],
    }


def _summary(fact: f.Fact) -> str:
    """What a person's fact says, in a few words and without personal data."""
    match fact:
        case f.ConsentRecorded():
            purposes = ", ".join(purposes_names(fact.purposes))
            how = f"{fact.act.value} through {fact.door.value}"
            return f"{fact.sender} for {purposes}, {how}, given {told(fact.given_at)}"
        case f.RefusalRecorded() | f.RefusalLifted():
            group = "every group" if fact.group == f.ALL_GROUPS else f"group {fact.group}"
            return f"{group} through {fact.door.value}"
        case f.ReplyHeard():
            return f"to port {fact.port}, read as {fact.meaning.value}"
        case f.NumberNoted():
            return f"{fact.state.name.lower()}, says {fact.source}"
        case f.PersonForgotten():
            return "personal data erased; refusals stay"
        case _:
            return ""
