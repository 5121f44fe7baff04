"""``qingjing share``: refusals of two organisations compared blindly, and lists out and in."""

from __future__ import annotations

import csv
import os
import secrets
from pathlib import Path
from typing import IO, Annotated, Any, Final

import msgspec
from cyclopts import App, Parameter

from qingjing.desk import blind
from qingjing.desk.blind import BlindError
from qingjing.desk.entries import InputError, Problem, told
from qingjing.doors import feeds
from qingjing.doors.cli.output import BAD_INPUT, Json, Shared, complain, say, say_json
from qingjing.kernel.words import Phone

app = App(name="share", help="Refusals shared: ask, answer, match blindly; export, take lists.")

FIELDS: Final = ("phone", "refused_at", "group", "door")
_READ: Final = 1 << 30
"""Octets of an answer: thirty million refusals."""

Out = Annotated[Path, Parameter(help="written for its owner alone; never over another")]
Secret = Annotated[Path, Parameter(name="--secret", help="for this exchange alone")]
Group = Annotated[str, Parameter(help="the group whose refusals are meant")]
PhoneColumn = Annotated[str, Parameter(help="default: phone, mobile, 手机号, 号码, ...")]


@app.command
def ask(
    file: Annotated[Path, Parameter(help="our campaign's numbers, CSV or Parquet")],
    *,
    out: Out,
    secret: Secret = Path("share.secret"),
    phone_column: PhoneColumn = "",
    as_json: Json = False,
) -> int:
    """Ask another organisation which of our numbers refuse it, and show it none of them.

    Makes a new secret each time; hand the question over, and keep the secret for the match.

    ```
    qingjing share ask list.csv --out question.bin --secret share.secret
    ```
    """
    made = blind.Secret(secrets.token_bytes(16), secrets.token_bytes(32))
    phones = _numbers(file, phone_column)
    if len(phones) > blind.ROWS_MAX:
        complain(
            f"{len(phones)} numbers: ask about {blind.ROWS_MAX} at most, in several questions"
        )
        return BAD_INPUT
    try:
        _write(secret, msgspec.json.encode(made))
        _write(out, blind.ask(phones, made))
    except OSError as error:
        return _bad(f"{error.filename}: {error.strerror}; name a new file")
    _tell(as_json, f"{len(phones)} numbers asked about in {out}", numbers=len(phones))
    return 0


@app.command
async def answer(
    question: Annotated[Path, Parameter(help="what the other's `share ask` wrote")],
    *,
    group: Group,
    out: Out,
    most: Annotated[int, Parameter(help="numbers that are answered at most")] = blind.ROWS_MAX,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Answer such a question from the refusals in force here, and show none of them.

    The asker learns how many there are, and which of its own numbers are among them.

    ```
    qingjing share answer question.bin --group qinghe --out answer.bin
    ```
    """
    try:
        async with session.beside() as desk:
            phones = [one.phone for one in blind.refused(desk.ledger, group)]
        made = blind.answer(_bytes(question), phones, secrets.token_bytes(32), most)
        _write(out, made)
    except OSError as error:
        return _bad(f"{error.filename}: {error.strerror}; name a new file")
    except BlindError as error:
        return _bad(str(error))
    _tell(as_json, f"answered from {len(phones)} refusals in {out}", refusals=len(phones))
    return 0


@app.command
def match(
    file: Annotated[Path, Parameter(help="the numbers that were asked about")],
    answer: Annotated[Path, Parameter(help="what the other's `share answer` wrote")],
    *,
    out: Out,
    secret: Secret = Path("share.secret"),
    phone_column: PhoneColumn = "",
    as_json: Json = False,
) -> int:
    """Find which of our numbers are refused at the other, and write them as CSV.

    Throw the secret away afterwards.

    ```
    qingjing share match list.csv answer.bin --out refused.csv --secret share.secret
    ```
    """
    phones = _numbers(file, phone_column)
    try:
        places = blind.match(
            _bytes(answer), msgspec.json.decode(_bytes(secret), type=blind.Secret)
        )
        if places and places[-1] >= len(phones):
            return _bad("the list is not the one that was asked about: name that one")
        lines = "".join(f"{phones[place].digits}\n" for place in places)
        _write(out, f"phone\n{lines}".encode())
    except OSError as error:
        return _bad(f"{error.filename}: {error.strerror}; name a new file")
    except msgspec.MsgspecError:
        return _bad(f"{secret} is no secret of `share ask`: name the right file")
    except BlindError as error:
        return _bad(str(error))
    _tell(
        as_json,
        f"{len(places)} of {len(phones)} numbers are refused there: {out}",
        refused=len(places),
        numbers=len(phones),
    )
    return 0


@app.command
async def export(
    *,
    group: Group,
    out: Out,
    columns: Annotated[
        str, Parameter(help="NAME=FIELD,...; fields: phone, refused_at, group, door")
    ] = ",".join(f"{name}={name}" for name in FIELDS),
    header: Annotated[bool, Parameter(help="a first line with the names")] = True,
    encoding: Annotated[str, Parameter(help="such as utf-8-sig or gb18030")] = "utf-8",
    as_json: Json = False,
    session: Shared,
) -> int:
    """Write the refusals in force of a group, with numbers, as a vendor's CSV wants them.

    ```
    qingjing share export --group qinghe --out black.csv --columns 手机号=phone,时间=refused_at
    qingjing share export --group qinghe --out black.txt --columns phone=phone --no-header
    ```
    """
    pairs = [part.partition("=") for part in columns.split(",")]
    wrong = [name for _name, _, name in pairs if name not in FIELDS]
    if wrong:
        remedy = f"use {', '.join(FIELDS)}, as in 手机号=phone"
        raise InputError([Problem("", "columns", f"{wrong[0]!r} is no field", remedy)])
    async with session.beside() as desk:
        found = list(blind.refused(desk.ledger, group))
    try:
        with _opened(out, encoding) as file:
            rows = csv.writer(file, lineterminator="\n")
            if header:
                rows.writerow(name for name, _, _field in pairs)
            for one in found:
                row = (one.phone.digits, told(one.at), one.group, one.door.value)
                given = dict(zip(FIELDS, row, strict=True))
                rows.writerow(given[field] for _name, _, field in pairs)
    except OSError as error:
        return _bad(f"{error.filename}: {error.strerror}; name a new file")
    except (LookupError, UnicodeEncodeError):
        return _bad(f"--encoding {encoding} is unknown, or cannot write this: use utf-8")
    _tell(as_json, f"{len(found)} refusals in {out}", refusals=len(found))
    return 0


@app.command
async def take(
    file: Annotated[Path, Parameter(help="a vendor's or carrier's list, CSV or Parquet")],
    *,
    group: Group,
    door: Annotated[str, Parameter(help="carrier or import")] = "import",
    evidence: Annotated[str, Parameter(help="where the list is kept; no number")] = "",
    phone_column: PhoneColumn = "",
    as_json: Json = False,
    session: Shared,
) -> int:
    """Record a list of refusals: from now on no marketing of the group leaves for these people.

    Who is refused already is passed over, so that a list can be taken again and again. A row
    without a number stops the whole list before anything is recorded.

    ```
    qingjing share take black.csv --group qinghe --door carrier --evidence "MBBLACK 2026-05-20"
    ```
    """
    phones = [phone.digits for phone in _numbers(file, phone_column)]
    recorded = known = 0
    async with session.clerk() as clerk:
        for at in range(0, len(phones), blind.TAKEN_MAX):
            part = tuple(phones[at : at + blind.TAKEN_MAX])
            done = await clerk.write(blind.take, part, group, door, evidence)
            recorded, known = recorded + done.recorded, known + done.known
    words = f"{recorded} refusals recorded, {known} were there already"
    _tell(as_json, words, recorded=recorded, known=known)
    return 0


def _numbers(file: Path, column: str) -> list[Phone]:
    """All numbers of a list; InputError names the rows that have none."""
    phones: list[Phone] = []
    wrong: list[Problem] = []
    for chunk in feeds.numbers(file, phone=column).chunks:
        for row, value in zip(chunk.rows.tolist(), chunk.phones.tolist(), strict=True):
            if value:
                phones.append(Phone(value))
            else:
                remedy = "correct it or take the row out"
                wrong.append(Problem(f"row {row}", "phone", "is no mobile number", remedy))
    if wrong:
        raise InputError(wrong[:20])
    return phones


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_READ)


def _opened(path: Path, encoding: str = "") -> IO[Any]:
    """A new file for its owner alone: numbers and secrets stand in these."""
    made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    if not encoding:
        return open(made, "wb")
    try:
        return open(made, "w", encoding=encoding, newline="")
    except LookupError:
        os.close(made)
        path.unlink()
        raise


def _write(path: Path, data: bytes) -> None:
    with _opened(path) as file:
        file.write(data)


def _bad(problem: str) -> int:
    complain(problem)
    return BAD_INPUT


def _tell(as_json: bool, words: str, **counts: int) -> None:
    if as_json:
        say_json(counts)
    else:
        say(words)
