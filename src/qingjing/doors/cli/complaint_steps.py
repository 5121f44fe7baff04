"""``qingjing complaint``, steps of officer, party and complainant; packs and exchange."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from qingjing.desk import casepack, interchange, lead
from qingjing.desk.said import found
from qingjing.doors.cli.complaint import By, File, Number
from qingjing.doors.cli.complaint import app as app
from qingjing.doors.cli.output import NEGATIVE, Json, Shared, complain, say, say_json
from qingjing.kernel.note import Key

Words = Annotated[str, Parameter(help="in words, for the file")]


@app.command
async def hand(
    number: Number, party: str, *, reason: Words, by: By = "officer", session: Shared
) -> int:
    """Hand a lead over to another party; its term to answer begins anew.

    ```
    qingjing complaint hand 20261112-4711 qinghe --reason "the provider showed its contract"
    ```
    """
    return _done(await session.write(lead.hand, number, party, reason, by))


@app.command
async def stop(
    number: Number,
    reason: Annotated[str, Parameter(help="awaits_complainant, police, court, force_majeure")],
    *,
    by: By = "officer",
    session: Shared,
) -> int:
    """Stop the clock, for a named reason alone.

    ```
    qingjing complaint stop 20261112-4711 police
    ```
    """
    return _done(await session.write(lead.stop, number, reason, by))


@app.command
async def resume(number: Number, *, by: By = "officer", session: Shared) -> int:
    """Let the clock go on.

    ```
    qingjing complaint resume 20261112-4711
    ```
    """
    return _done(await session.write(lead.resume, number, by))


@app.command
async def answer(
    number: Number,
    party: str,
    words: Words,
    *,
    evidence: Annotated[Path | None, Parameter(help="a proof bundle or case pack")] = None,
    session: Shared,
) -> int:
    """Record the answer of the party that has the lead; its evidence is checked at once.

    ```
    qingjing complaint answer 20261112-4711 qinghe "用户已于5月1日勾选同意" --evidence proof.zip
    ```
    """
    data = evidence.read_bytes() if evidence else b""
    say(f"evidence: {await session.write(lead.answer, number, party, words, data)}")
    return 0


@app.command
async def dispute(number: Number, code: str, words: Words, *, session: Shared) -> int:
    """The complainant does not accept the answer: once.

    ```
    qingjing complaint dispute 20261112-4711 ABCDEFGH2345 "我从未注册过"
    ```
    """
    return _done(await session.write(lead.dispute, number, code, words))


@app.command
async def decide(
    number: Number,
    outcome: Annotated[str, Parameter(help="upheld, dismissed, unresolved")],
    reason: Annotated[str, Parameter(help="one of lead.REASONS, such as no_grounds")],
    *,
    words: Words = "",
    party: Annotated[str, Parameter(help="on whom it falls; default: who has the lead")] = "",
    by: By = "officer",
    session: Shared,
) -> int:
    """Decide a case, with a reason and words.

    ```
    qingjing complaint decide 20261112-4711 upheld no_grounds --by officer-7
    ```
    """
    return _done(await session.write(lead.decide, number, outcome, reason, words, party, by))


@app.command
async def pack(number: Number, out: File, *, session: Shared) -> int:
    """Write the case pack for court or regulator: one zip that is verified off-line.

    ```
    qingjing complaint pack 20261112-4711 case.zip
    ```
    """
    async with session.beside() as desk:
        data = casepack.pack(desk.ledger, found(desk.ledger, number), session.now)
    out.write_bytes(data)
    say(f"{out}: {len(data)} bytes; `qingjing complaint check {out}` verifies it")
    return 0


@app.command
def check(
    path: File,
    *,
    key: Annotated[str, Parameter(help="the public key that you trust, one line")] = "",
    as_json: Json = False,
) -> int:
    """Verify a case pack, without ledger and without trusting who made it.

    ```
    qingjing complaint check case.zip --key "log.example.cn+0a1b2c3d+..."
    ```
    """
    checked = casepack.verify_pack(path.read_bytes(), [Key.parse(key)] if key else None)
    case = checked.case
    if as_json:
        outcome = case.outcome.value if case and case.outcome else ""
        late = checked.late is not None
        say_json({"ok": checked.ok, "failed": checked.failed, "outcome": outcome, "late": late})
    else:
        for problem in checked.failed:
            complain(problem)
        if case is not None:
            say(f"{case.number} of {checked.origin}: {case.state.value}")
        say("holds" if checked.ok else "does not hold")
    return 0 if checked.ok else NEGATIVE


@app.command
async def trust(
    party: Annotated[str, Parameter(help="the party that the installation acts for")],
    key: Annotated[str, Parameter(help="its public key, one line; empty: no longer")],
    *,
    session: Shared,
) -> int:
    """Take what another installation signs, for a party of the register.

    ```
    qingjing complaint trust yuntong "provider.example.cn+0a1b2c3d+..."
    ```
    """
    position = await session.write(interchange.trust, party, key)
    say(f"recorded as fact {position}")
    return 0


@app.command
async def send(number: Number, out: File, *, session: Shared) -> int:
    """Write what another installation must know of a case: lead, answer or state.

    ```
    qingjing complaint send 20261112-4711 lead.json
    ```
    """
    async with session.beside() as desk:
        out.write_bytes(interchange.told(desk.ledger, number))
    say(f"{out} is to be handed to the other installation")
    return 0


@app.command
async def take(path: File, *, as_json: Json = False, session: Shared) -> int:
    """Take in a message of another installation; a second time does nothing.

    ```
    qingjing complaint take lead.json
    ```
    """
    done = await session.write(interchange.take, path.read_bytes())
    if as_json:
        say_json(done._asdict())
    else:
        say(f"{done.kind} {done.id}: {done.number}{'' if done.new else ' (known)'}")
    return 0


def _done(position: int) -> int:
    say(f"recorded as fact {position}")
    return 0
