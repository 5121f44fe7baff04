"""What was said: the sealed part of a complaint, and the receipt that opens its status."""

from __future__ import annotations

import hmac
from base64 import b32encode
from typing import Final

import msgspec

from qingjing.desk.entries import InputError, Problem
from qingjing.desk.ports import Ledger
from qingjing.kernel.cases import Case
from qingjing.kernel.rows import commit

CONTEXT: Final = b"complaint.received/1"
"""Associated data under which what came is sealed."""
CODE_LENGTH: Final = 12
"""Characters of five bits: 60 bits are not guessed at an API's rates."""


class Said(msgspec.Struct, frozen=True, array_like=True):
    """What stands under seal beside a complaint. ``salt`` keeps its hash from telling it.

    ``words`` are what came, as it came; ``number`` and ``text`` what was understood of them.
    ``phone`` is the complainant's; empty, when another installation keeps it to itself, and
    then ``fingerprint`` under ``nonce`` is what it may be recognised by.
    """

    salt: bytes
    phone: str
    words: str
    number: str
    text: str
    fingerprint: bytes = b""
    nonce: bytes = b""


def commitment(said: Said) -> bytes:
    """What the fact commits to: words, number complained of, text; not who complains."""
    return commit(said.salt, msgspec.json.encode([said.words, said.number, said.text]))


def said_of(ledger: Ledger, case: Case) -> Said | None:
    """What the complainant said, additions included; None when it was erased."""
    found: Said | None = None
    for position in case.words:
        sealed = ledger.batch(position).sealed
        if not sealed:
            return None
        part = msgspec.msgpack.decode(ledger.unseal(sealed, CONTEXT), type=Said)
        if found is not None:
            part = msgspec.structs.replace(
                found,
                words=f"{found.words}\n{part.words}",
                number=found.number or part.number,
                text=found.text or part.text,
            )
        found = part
    return found


def code_of(ledger: Ledger, complaint: int) -> str:
    """The code that opens a complaint's status; only this ledger's keys make it."""
    return b32encode(ledger.keyed(b"complaint code %d" % complaint)).decode()[:CODE_LENGTH]


def opened(ledger: Ledger, number: str, code: str) -> Case:
    """The case of a receipt number and its code.

    InputError, the same for a wrong number and a wrong code: which there are is not told.
    """
    case = ledger.cases.by_number(number)
    right = code_of(ledger, case.complaint if case else 0)
    given = code.strip().upper().encode("utf-8", "replace")
    if not hmac.compare_digest(given, right.encode()) or case is None:
        problem = "number and code do not belong together"
        raise InputError([Problem("", "code", problem, "see the receipt that you were given")])
    return case


def found(ledger: Ledger, number: str) -> Case:
    """The case of a receipt number, for an officer; InputError when there is none."""
    case = ledger.cases.by_number(number)
    if case is None:
        raise InputError(
            [Problem("", "number", "is not known", "see `qingjing complaint list`")]
        )
    return case
