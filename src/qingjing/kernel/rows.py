"""The fixed-size records of message batches: what is hashed, row by row, into the log.

A batch is one fact whose ``rows_root`` covers its rows; a row is little-endian, packed, and
carries no number and no text, only the keyed handle and commitments. ``Decided`` rows belong
to ``messages.decided/1``, ``Move`` rows to ``messages.moved/1``.
"""

from __future__ import annotations

import hashlib
import struct
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from qingjing.kernel.chain import batch_root
from qingjing.kernel.words import Verdict

DECIDED: Final = np.dtype(
    [
        ("message", "<u8"),  # the message's id: node in the top 16 bits, then a counter
        ("submitted_at", "<u8"),  # epoch ms
        ("handle", "<u8"),  # keyed handle of the person
        ("original", "V16"),  # SHA-256(row salt, submitted bytes), first 16 bytes
        ("reference", "<u8"),  # the id that the customer was given for the first part
        ("case", "<u8"),  # vector.case_number
        ("reasons", "<u8"),  # bit i: RULES[i]
        ("grounds", "<u8"),  # ledger position of the consent, 0 without
        ("lane", "<u4"),  # place in the fact's lanes
        ("text", "<u4"),  # place in the fact's texts
        ("verdict", "u1"),
        ("parts", "u1"),  # parts that the customer submitted
        ("flags", "<u2"),  # bit 0: a report is wanted; 1: only of a failure; 2: shadow mode
    ]
)
"""One decided message, 84 bytes."""

WANTS_REPORT: Final = 1
FAILURES_ONLY: Final = 2
SHADOW: Final = 4
"""The account is in shadow mode and there is a number: it leaves, whatever was decided."""


def may_leave(rows: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of decided messages may be released."""
    passed: NDArray[np.bool_] = rows["verdict"] == Verdict.PASS
    return passed | (rows["flags"] & SHADOW).astype(np.bool_)


class Moved(IntEnum):
    """What can happen to a message after its decision, in the order of its life."""

    RELEASED = 1
    STOPPED = 2
    ACCEPTED = 3
    REJECTED = 4
    UNKNOWN = 5
    REPORTED = 6
    TOLD = 7


MOVE: Final = np.dtype(
    [
        ("message", "<u8"),
        ("at", "<u8"),  # epoch ms
        ("upstream", "V16"),  # the carrier's id of the part, zero-padded on the right
        ("stat", "S8"),  # status word of a report, or the carrier's result in decimal
        ("reasons", "<u8"),  # the bits that stopped it, or would have but for shadow mode
        ("what", "u1"),  # Moved
        ("part", "u1"),  # from 1; 0 for the whole message
        ("link", "<u2"),  # number of the carrier connection
    ]
)
"""One step of a message or of one part, 52 bytes."""

MOVE_ROW: Final = struct.Struct("<QQ16s8sQBBH")
"""The same for one row at a time."""


def row_salt(batch_salt: bytes, index: int) -> bytes:
    """The salt of one row: giving one away tells nothing about the others."""
    return hashlib.sha256(batch_salt + index.to_bytes(4, "big")).digest()[:16]


def commit(salt: bytes, data: bytes) -> bytes:
    """The commitment to data sealed elsewhere: even short texts cannot be guessed."""
    return hashlib.sha256(salt + data).digest()


def split(data: bytes, size: int) -> list[bytes]:
    """The rows of a stored batch; ``size`` is DECIDED.itemsize or MOVE.itemsize."""
    return [data[start : start + size] for start in range(0, len(data), size)]


def rows_root(data: bytes, size: int) -> bytes:
    """The RFC 6962 root over a batch's rows."""
    return batch_root(split(data, size)).root
