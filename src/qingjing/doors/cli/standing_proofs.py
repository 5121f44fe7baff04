"""``qingjing prove absence`` and ``presence``, and the listings on which they rest."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from qingjing.desk import absence
from qingjing.desk.absence import ListingError, What
from qingjing.desk.bundle import BundleError
from qingjing.desk.entries import InputError, Problem, moment, told
from qingjing.desk.prove import ProofError
from qingjing.desk.standing_proof import Claim, write
from qingjing.desk.standing_prove import prove as collect
from qingjing.doors.cli import Session
from qingjing.doors.cli.ledger import app as ledger_app
from qingjing.doors.cli.ledger import sign
from qingjing.doors.cli.output import (
    BAD_INPUT,
    NEGATIVE,
    Json,
    Shared,
    complain,
    hand_out,
    say,
    say_json,
    table,
)
from qingjing.kernel.note import Key, NoteError
from qingjing.kernel.words import Phone

Number = Annotated[str, Parameter(help="the person's number; it stands in the file")]
Sender = Annotated[str, Parameter(help="no consent to this sender, or this one")]
Group = Annotated[str, Parameter(help="instead: no refusal of this group, or this one; *: all")]
At = Annotated[str, Parameter(help="the time, in Beijing")]
Out = Annotated[Path | None, Parameter(help="write there, not to standard output")]


async def prove_absence(
    *,
    number: Number,
    at: At,
    sender: Sender = "",
    group: Group = "",
    out: Out = None,
    session: Shared,
) -> int:
    """Prove that at a time no consent to a sender, or refusal of a group, was in the log.

    Needs a listing that reaches so far: `qingjing ledger listing`, or `listing_s` of a service.

    ```
    qingjing prove absence --number 13800138000 --sender qinghe --at "2026-05-20 10:00" > no.zip
    ```
    """
    return await _prove(session, number, sender, group, at, out, absent=True)


async def prove_presence(
    *,
    number: Number,
    at: At,
    sender: Sender = "",
    group: Group = "",
    out: Out = None,
    session: Shared,
) -> int:
    """Prove that a consent to a sender, or a refusal of a group, was in the log by a time.

    ```
    qingjing prove presence --number 13800138000 --group qinghe --at "2026-05-20" > yes.zip
    ```
    """
    return await _prove(session, number, sender, group, at, out, absent=False)


async def _prove(
    session: Session,
    number: str,
    sender: str,
    group: str,
    at: str,
    out: Path | None,
    *,
    absent: bool,
) -> int:
    if out is None and sys.stdout.isatty():
        complain("a proof is a zip file: send it to a file with > proof.zip or --out")
        return BAD_INPUT
    if bool(sender) == bool(group):
        remedy = "give --sender for consents or --group for refusals"
        raise InputError([Problem("", "sender", "one of the two is meant", remedy)])
    what: What = "consent" if sender else "refusal"
    try:
        phone, then = Phone.parse(number), moment(at)
        async with session.beside() as desk:
            proof = collect(
                desk.ledger,
                phone,
                what,
                sender or group,
                then,
                session.now,
                key=Key.parse(session.house.public_key(session.settings)),
                absent=absent,
                imports=session.imports,
            )
        hand_out(write(proof), out)
    except (ProofError, BundleError, NoteError, OSError, ValueError) as error:
        complain(str(error))
        return BAD_INPUT
    return 0


@ledger_app.command
async def listing(
    *,
    check: Annotated[
        bool, Parameter(negative="", help="build every listing anew from the facts")
    ] = False,
    as_json: Json = False,
    session: Shared,
) -> int:
    """List all standing changes since the last listing, so that absence can be proved.

    Signs the record first. With `--check` nothing is written, every listing is built anew from
    the facts, and the exit code is 1 when one does not follow from them.

    ```
    qingjing ledger listing
    qingjing ledger listing --check
    ```
    """
    try:
        if check:
            return await _audit(session, as_json)
        await session.write(sign)
        async with session.beside() as desk:
            ledger = desk.ledger
            newest, size = ledger.marked(absence.MARK), ledger.position
            drafted = absence.draft(ledger, session.imports, newest, size)
    except ListingError as error:
        complain(str(error))
        return BAD_INPUT
    position = await session.write(absence.enter, drafted) if drafted else 0
    if as_json:
        say_json({"position": position, "count": drafted.count if drafted and position else 0})
    elif drafted and position:
        say(f"fact {position}: listing {drafted.number}, {drafted.count} changes")
    else:
        say("nothing came since the last listing")
    return 0


async def _audit(session: Session, as_json: bool) -> int:
    async with session.beside() as desk:
        ledger = desk.ledger
        newest = ledger.marked(absence.MARK)
        known = absence.listings(ledger, newest)
        wrong = dict(absence.audit(ledger, session.imports, newest))
    rows = [
        (place, x.number, x.after, x.through, x.count, wrong.get(place, ""))
        for place, x in known
    ]
    names = ("fact", "number", "after", "through", "changes", "problem")
    if as_json:
        say_json({"listings": [dict(zip(names, row, strict=True)) for row in rows]})
    else:
        table(names, rows)
    return NEGATIVE if wrong else 0


def claim_words(claim: Claim, chinese: bool) -> str:
    """What is proved, as one sentence."""
    at = told(claim.at)
    if chinese:
        what = "同意" if claim.what == "consent" else "拒收"
        whose = "向一切主体" if claim.name == "*" else f"对{claim.name}"
        state = "没有" if claim.absent else "已有"
        return f"北京时间{at},日志(共{claim.size}条事实)中{state}{claim.number}{whose}的{what}"
    verb = "no" if claim.absent else "a"
    towards = "every sender" if claim.name == "*" else claim.name
    return (
        f"At {at} Beijing time the log, of {claim.size} facts, held {verb} {claim.what} of "
        f"{claim.number} towards {towards}"
    )


def claim_object(claim: Claim) -> dict[str, Any]:
    """The same for programs."""
    return {
        name: getattr(claim, name)
        for name in ("absent", "what", "name", "number", "at", "size")
    }
