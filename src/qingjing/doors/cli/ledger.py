"""``qingjing ledger``: prove what is stored, fold it anew, sign it, say how it stands."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from cyclopts import App, Parameter

from qingjing.desk.entries import told
from qingjing.desk.forget import forget as erase
from qingjing.desk.ports import Ledger, Transaction
from qingjing.desk.send import Desk
from qingjing.doors.cli.output import NEGATIVE, Json, Shared, complain, say, say_json, table
from qingjing.kernel.note import parse_note
from qingjing.kernel.rulebook import choose

app = App(name="ledger", help="The record: verify, rebuild, checkpoint, status, forget.")


@app.command
def verify(*, as_json: Json = False, session: Shared) -> int:
    """Prove the whole record from its bytes: every hash, signature, batch and imported file.

    Reads everything once, at about 100,000 facts a second. Exit code 1 when something is not
    as it was written; each finding names its place.

    ```
    qingjing ledger verify
    qingjing ledger verify --json
    ```
    """
    report = session.house.verify_ledger(session.settings)
    if as_json:
        findings = [{"position": at, "problem": problem} for at, problem in report.findings]
        say_json(
            {
                "sound": report.sound,
                "facts": report.size,
                "root": report.root.hex(),
                "checkpoints": report.checkpoints,
                "batches": report.batches,
                "findings": findings,
            }
        )
    else:
        table(
            ("", ""),
            [
                ("facts", report.size),
                ("root", report.root.hex()),
                ("checkpoints", report.checkpoints),
                ("batches", report.batches),
                ("findings", len(report.findings)),
            ],
        )
        for at, problem in report.findings:
            complain(f"fact {at}: {problem}" if at else problem)
        say("sound" if report.sound else "NOT sound: restore the ledger from a backup")
    return 0 if report.sound else NEGATIVE


@app.command
async def rebuild(*, as_json: Json = False, session: Shared) -> int:
    """Fold register and standings anew from the first fact, and save them.

    The facts themselves are only read. Needed when a snapshot is lost or doubted.

    ```
    qingjing ledger rebuild
    ```
    """
    position = await session.house.rebuild_ledger(session.settings)
    if as_json:
        say_json({"position": position})
    else:
        say(f"rebuilt from {position} facts")
    return 0


@app.command
async def checkpoint(*, as_json: Json = False, session: Shared) -> int:
    """Sign the record as it is now, and print the note for a witness to keep.

    Whoever keeps it can prove later that nothing before it was changed or put in between.

    ```
    qingjing ledger checkpoint > checkpoint.txt
    ```
    """
    note = await session.write(sign)
    if as_json:
        say_json({"note": note})
    else:
        say(*note.splitlines())
    return 0


@app.command
async def checkpoints(*, as_json: Json = False, session: Shared) -> int:
    """List the checkpoints that were signed, on schedule or asked for, and who signed each.

    ```
    qingjing ledger checkpoints
    ```
    """
    async with session.beside() as desk:
        kept = desk.ledger.heads.checkpoints()
    rows = [(told(x.at), x.size, [s.name for s in parse_note(x.note).signatures]) for x in kept]
    if as_json:
        say_json({"checkpoints": [{"at": a, "size": n, "signed": by} for a, n, by in rows]})
    else:
        table(("at", "facts", "signed by"), [(a, n, ", ".join(by)) for a, n, by in rows])
    return 0


@app.command
async def forget(
    number: Annotated[str, Parameter(help="the person's number")],
    *,
    door: Annotated[str, Parameter(help="through which door it was asked for")] = "command",
    evidence: Annotated[str, Parameter(help="where the request is kept; no number")] = "",
    as_json: Json = False,
    session: Shared,
) -> int:
    """Erase what is kept of a person: number, words, texts. That it refused stays in force.

    Ends its consents, and records that it was done. Reads every batch on record, so that the
    service must be stopped. Backups are not reached. Cannot be undone.

    ```
    qingjing ledger forget 13800138000 --door call --evidence "letter 2026-17"
    ```
    """
    async with session.desk() as desk, desk.ledger.transaction(session.now) as t:
        done = erase(desk, t, number, door=door, evidence=evidence)
    if as_json:
        say_json(done._asdict())
    elif not done.position:
        say("nothing is kept of this person")
    else:
        say(
            f"erased, fact {done.position}: words of {done.replies} replies, "
            f"what was sent to the person in {done.batches} batches",
            f"consents withdrawn: {', '.join(done.groups) or 'there were none'}",
        )
    return 0


@app.command
async def status(*, as_json: Json = False, session: Shared) -> int:
    """Say how far the record has come and what it holds.

    ```
    qingjing ledger status --json
    ```
    """
    settings = session.settings
    folder = settings.path(settings.data)
    status = await session.ask(look_at, session.now)
    found: dict[str, object] = {
        "name": settings.name,
        "folder": str(folder),
        "bytes": sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
    }
    found |= status._asdict()
    del found["rulebooks"]
    if as_json:
        say_json(found | {"rulebooks": status.rulebooks})
    else:
        table(("", ""), [*found.items(), ("rulebooks", ", ".join(status.rulebooks))])
    return 0


class Status(NamedTuple):
    """How far the record has come, and what it holds."""

    facts: int
    parties: int
    rulebook: str
    last_message: int
    rulebooks: tuple[str, ...]


def look_at(desk: Desk, at: int) -> Status:
    """How the record stands; ``rulebook`` is the one in force at a time (epoch ms)."""
    ledger = desk.ledger
    book = choose(ledger.books, at)
    return Status(
        facts=ledger.position,
        parties=len(ledger.register.parties()),
        rulebook=book.name if book else "",
        last_message=ledger.marked("message"),
        rulebooks=tuple(adopted.name for adopted in ledger.books),
    )


def sign(ledger: Ledger, t: Transaction) -> str:
    """Sign the record as it is; the note."""
    return ledger.checkpoint(t.at)
