"""Rulebook: adopt one, whole, as a fact; from then on the gate goes by it."""

from __future__ import annotations

import msgspec

from qingjing.desk.entries import InputError, Problem, shown
from qingjing.desk.ports import Ledger, Transaction
from qingjing.kernel.facts import RulebookAdopted
from qingjing.kernel.rulebook import Rulebook, canonical, digest
from qingjing.kernel.rules import BY_NAME


def adopt(ledger: Ledger, t: Transaction, book: Rulebook) -> int | None:
    """Adopt a rulebook; its position, or None when the book of that name is this one already.

    InputError when it names a rule that does not exist or leaves one out: a book says of every
    rule that is known on its day what a hit means, so that nothing is off by oversight.
    """
    problems = [
        Problem(
            book.name, f"rules.{name}", f"there is no rule {shown(name)}", "correct the name"
        )
        for name in book.rules
        if name not in BY_NAME
    ]
    problems += [
        Problem(
            book.name,
            f"rules.{name}",
            "the book does not say what a hit means",
            'add it as "refuse", "hold" or "off"',
        )
        for name in BY_NAME
        if name not in book.rules
    ]
    if problems:
        raise InputError(problems)
    known = next((b for b in reversed(ledger.books) if b.name == book.name), None)
    if known is not None and digest(known) == digest(book):
        return None
    return t.append(
        RulebookAdopted(
            name=book.name,
            version=book.version,
            digest=digest(book),
            rulebook=msgspec.Raw(canonical(book)),
        )
    )


def adopt_missing(
    ledger: Ledger, t: Transaction, shipped: tuple[Rulebook, ...]
) -> tuple[int, ...]:
    """Adopt the shipped books whose names are new here; the positions.

    A book of a known name is left alone, even where a newer one is shipped: the operator may
    have adopted his own. ``qingjing rulebook diff`` tells, ``adopt`` takes it.
    """
    known = {book.name for book in ledger.books}
    adopted = (adopt(ledger, t, book) for book in shipped if book.name not in known)
    return tuple(position for position in adopted if position is not None)
