"""The files that bulk imports of consents name: one row a person, sorted by handle."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from qingjing.kernel.facts import ConsentsImported
from qingjing.ledger.store import LedgerBroken

ROW: Final = np.dtype([("handle", "<u8"), ("given_s", "<u4")])
"""One imported consent, 12 bytes: ``rows_root`` of the fact is taken over these."""

_RESTORE: Final = "restore the folder of imports from a backup"


def read(folder: Path | None, fact: ConsentsImported) -> NDArray[Any]:
    """The rows of an import, as ``ROW`` records.

    LedgerBroken when the file is missing, unreadable or not of the length that the fact tells:
    consents that cannot be read must not look as if nobody had given any.
    """
    if folder is None:
        raise LedgerBroken(f"the import {fact.file} has no folder", "open it with one")
    path = folder / fact.file
    try:
        table = pq.read_table(path, columns=["handle", "given_s"])
        rows = np.empty(table.num_rows, dtype=ROW)
        for name in ("handle", "given_s"):
            rows[name] = table.column(name).to_numpy()
    except (OSError, pa.ArrowException, KeyError) as error:
        raise LedgerBroken(f"the import {path} cannot be read: {error}", _RESTORE) from None
    if len(rows) != fact.count:
        raise LedgerBroken(
            f"the import {path} has {len(rows)} rows instead of {fact.count}", _RESTORE
        )
    return rows
