"""``qingjing register import-form`` and ``export-form``: signatures in vendors' field names."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from qingjing.desk import register as desk_register
from qingjing.desk import vendors
from qingjing.desk.entries import InputError
from qingjing.desk.ports import Ledger, Transaction
from qingjing.doors import feeds
from qingjing.doors.cli.output import Json, Shared, say
from qingjing.doors.cli.papers import app as app
from qingjing.doors.cli.register import Kinds, tell
from qingjing.doors.feeds import FeedError
from qingjing.kernel import facts as f

Vendor = Annotated[str, Parameter(help="qiniu or volcengine")]


@app.command
async def import_form(
    file: Annotated[Path, Parameter(help="CSV, with the vendor's own field names")],
    *,
    vendor: Vendor,
    kinds: Kinds,
    as_json: Json = False,
    session: Shared,
) -> int:
    """Register the signatures of a vendor's form, and the companies that own them.

    Errors are told row by row; with any, nothing is written.

    ```
    qingjing register import-form signatures.csv --vendor qiniu --kind service
    ```
    """
    rows = feeds.form(file)
    tell(await session.write(enter_form, vendor, rows, kinds), as_json)
    return 0


def enter_form(
    ledger: Ledger, t: Transaction, vendor: str, rows: list[dict[str, Any]], kinds: list[str]
) -> tuple[f.Fact, ...]:
    """Record what is new in a form's rows. InputError by rows."""
    entries = vendors.description(ledger.register, vendor, rows, kinds)
    try:
        return desk_register.load(ledger, t, entries)
    except InputError as error:
        raise vendors.in_rows(error.problems, entries) from None


@app.command
async def export_form(
    file: Annotated[Path, Parameter(help="the CSV file to write; it must not be there")],
    *,
    vendor: Vendor,
    session: Shared,
) -> int:
    """Write all signatures in a vendor's field names; what it asks of persons stays empty.

    ```
    qingjing register export-form signatures.csv --vendor volcengine
    ```
    """
    async with session.beside() as desk:
        head, rows = vendors.exported(desk.ledger.register, vendor)
        try:
            with file.open("x", encoding="utf-8-sig", newline="") as opened:
                csv.writer(opened).writerows([head, *rows])
        except OSError as error:
            problem = f"{file} cannot be written: {error.strerror}"
            raise FeedError(f"{problem}; name a new file") from None
    say(f"written to {file}")
    return 0
