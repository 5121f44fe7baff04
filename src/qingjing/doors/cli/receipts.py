"""``qingjing consent receipt`` and ``check-receipt``: for the person, and for whoever asks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from qingjing.desk import receipt as desk_receipt
from qingjing.desk.entries import About, InputError
from qingjing.doors.cli.capture import app as app  # that of `consent`
from qingjing.doors.cli.output import BAD_INPUT, NEGATIVE, Json, Shared, complain, say, say_json
from qingjing.kernel.note import NOTE_BYTES_MAX, Key, NoteError


@app.command
async def receipt(
    number: Annotated[str, Parameter(help="the person's number; never printed")],
    *,
    sender: Annotated[str, Parameter(help="of the consent to this sender")] = "",
    group: Annotated[str, Parameter(help="of the refusal of this group; *: of all")] = "",
    page: Annotated[str, Parameter(help="where codes can be looked up, for the SMS")] = "",
    as_json: Json = False,
    session: Shared,
) -> int:
    """Give the receipt of a person's newest consent to a sender, or refusal of a group.

    With `--json` it is the signed receipt alone, for a file. It holds no number.

    ```
    qingjing consent receipt 13800138000 --sender qinghe --page sms.example.cn/r
    qingjing consent receipt 13800138000 --group qinghe --json > receipt.json
    ```
    """
    about = About([], "")
    if bool(sender) == bool(group):
        about.wrong("sender", "one of the two is meant", "give --sender or --group")
    phone = about.phone(number)
    if phone is None or not about.sound:
        raise InputError(about.problems)
    made = await session.ask(desk_receipt.make, phone, sender, group, session.now, page)
    if as_json:
        say(made.json)
    else:
        say(made.state.zh if session.lang == "zh" else made.state.en, made.code, made.sms)
    return 0


@app.command
async def check_receipt(
    receipt: Annotated[str, Parameter(help="a code, or the file of a signed receipt")],
    *,
    key: Annotated[Path | None, Parameter(help="the log's public key, for a file")] = None,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Say what a receipt stands for. Exit code 1 when it is none.

    A code is looked up in the ledger; a file is checked against `--key` and needs no ledger.

    ```
    qingjing consent check-receipt 0A1B-2C3D-4E5F
    qingjing consent check-receipt receipt.json --key ledger.pub
    ```
    """
    if key is not None:
        return _file(Path(receipt), key, as_json)
    found = await session.ask(desk_receipt.look, receipt, session.now)
    if as_json:
        say_json({"found": found is not None} | (found._asdict() if found else {}))
    elif found is None:
        say("没有这个凭证" if session.lang == "zh" else "there is no such receipt")
    else:
        say(found.zh if session.lang == "zh" else found.en)
    return 0 if found else NEGATIVE


def _file(path: Path, key: Path, as_json: bool) -> int:
    try:
        with path.open("rb") as file:
            data = file.read(NOTE_BYTES_MAX)
        public = Key.parse(key.read_text("utf-8").strip())
    except (OSError, NoteError, UnicodeDecodeError) as error:
        complain(str(error))
        return BAD_INPUT
    checked = desk_receipt.verify(data, public)
    if as_json:
        say_json(
            {"ok": not checked.problem, "problem": checked.problem, "receipt": checked.body}
        )
    elif checked.problem:
        complain(checked.problem)
    else:
        event = checked.body["event"]
        who = checked.body["parties"][0]["party_id"]
        place = checked.body["record_id"]
        say(f"signed by {public.name}: {event['event_type']}, {who}, fact {place}")
    return NEGATIVE if checked.problem else 0
