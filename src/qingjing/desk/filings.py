"""What lapses and what waits: terms that run out, filings with their age, signatures unused.

A signature that carries nothing for long is lapsed by the carriers (one lapses it after five
months); so that nobody learns it from a refused campaign, it lapses here as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import msgspec

from qingjing.desk.entries import DAY_MS
from qingjing.desk.ports import Ledger, Transaction
from qingjing.kernel import facts as f
from qingjing.kernel.oversight import AFTER_DAYS
from qingjing.kernel.register import FOREVER
from qingjing.kernel.words import Carrier, Filing, Step, Subject

WAITS_DAYS: Final = 14
"""A filing that takes longer is asked for: carriers take 3 to 10 working days."""

LISTED_DAYS: Final = AFTER_DAYS[1]
"""What ran out longer ago is history, and no reminder."""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """One reminder. ``what`` is ends, over, waits, rejected, unused, missing or correct."""

    what: str
    name: str
    words: str
    at: int
    """When it ends or ended, or since when it waits, epoch ms; 0 without a date."""


def used_mark(carrier: Carrier, signature: str) -> str:
    """The mark that keeps the last Beijing-ish day on which a signature carried a message."""
    return f"used {carrier.name} {signature}"


def due(ledger: Ledger, at: int, days: int, dormant_days: int) -> list[Due]:
    """What ends within so many days or has ended, waits too long, lies unused, or is missing.

    ``dormant_days`` 0: signatures do not lapse for lying unused.
    """
    found = [
        *_terms(ledger, at, at + days * DAY_MS),
        *_waiting(ledger, at),
        *(
            Due(
                what="unused",
                name=name,
                words=f"{name} carried nothing at {carrier.name.lower()}: it lapses soon",
                at=since,
            )
            for name, carrier, since in _unused(
                ledger, at + days * DAY_MS, dormant_days, Filing.FILED
            )
        ),
        *_missing(ledger),
    ]
    return sorted(found, key=lambda one: (one.at or FOREVER, one.what, one.name))


def lapse(ledger: Ledger, t: Transaction, dormant_days: int) -> tuple[f.SignatureFiled, ...]:
    """Let signatures lapse at the carriers where they carried nothing for so many days."""
    lapsed = tuple(
        f.SignatureFiled(
            signature=name,
            carrier=carrier,
            state=Filing.LAPSED,
            reason=f"no message for {dormant_days} days",
        )
        for name, carrier, _since in _unused(ledger, t.at, dormant_days, Filing.FILED)
    )
    for fact in lapsed:
        t.append(fact)
    return lapsed


def _unused(
    ledger: Ledger, at: int, dormant_days: int, state: Filing
) -> Iterator[tuple[str, Carrier, int]]:
    """Signature, carrier and last use, where that is so many days before a time."""
    if not dormant_days:
        return
    for subject, name, carrier, filed, since in list(ledger.register.filings()):
        if subject is Subject.SIGNATURE and filed is state:
            last = max(since, ledger.marked(used_mark(carrier, name)))
            if last + dormant_days * DAY_MS <= at:
                yield name, carrier, last


def _terms(ledger: Ledger, at: int, until: int) -> Iterator[Due]:
    register = ledger.register
    ends = [(f"port {x}", p.valid_until) for x in register.ports() if (p := register.port(x))]
    ends += [(f"grant {grant.grant}", grant.valid_until) for grant in register.grants()]
    for papers in register.letters.values():
        last = max(papers, key=lambda letter: letter.valid_until)
        ends.append((f"letter {last.letter} for {last.sender}", last.valid_until))
    for contracts in register.contracts.values():
        newest = max(contracts, key=lambda contract: contract.valid_until)
        ends.append((f"contract {newest.contract}", newest.valid_until))
    for (_subject, of), documents in register.documents.items():
        ends += [(f"{d.what} {d.number} of {of}", d.valid_until or FOREVER) for d in documents]
    for name, end in dict.fromkeys(ends):
        if at - LISTED_DAYS * DAY_MS < end <= at:
            yield Due(what="over", name=name, words=f"{name} has run out", at=end)
        elif at < end <= until:
            yield Due(what="ends", name=name, words=f"{name} runs out", at=end)
    for measure in register.oversight.measures.values():
        fact = measure.fact
        if fact.step is Step.CORRECT and measure.binds(at) and (fact.due or 0) <= until:
            words = f"{fact.subject.value} {fact.name} is to be put right: {fact.reason}"
            yield Due(what="correct", name=fact.measure, words=words, at=fact.due or 0)


def _waiting(ledger: Ledger, at: int) -> Iterator[Due]:
    for subject, name, carrier, state, since in ledger.register.filings():
        days = (at - since) // DAY_MS
        where = f"{subject.value} {name} at {carrier.name.lower()}"
        if state in (Filing.FILING, Filing.APPROVED) and days >= WAITS_DAYS:
            words = f"{where}: {state.value} for {days} days"
            yield Due(what="waits", name=name, words=words, at=since)
        elif state is Filing.REJECTED:
            words = f"{where}: rejected {days} days ago and not filed anew"
            yield Due(what="rejected", name=name, words=words, at=since)


def _missing(ledger: Ledger) -> Iterator[Due]:
    """Senders of another's signature without a letter, links without a contract."""
    register = ledger.register
    for grant in register.grants():
        signature = register.signature(grant.signature)
        owner = signature.owner if signature else grant.sender
        if grant.sender != owner and (grant.signature, grant.sender) not in register.letters:
            words = f"{grant.sender} uses {grant.signature} of {owner} without a letter"
            yield Due(what="missing", name=f"grant {grant.grant}", words=words, at=0)
        for link in pairwise(grant.chain):
            if link not in register.contracts:
                words = f"{link[0]} hands to {link[1]} without a contract on record"
                yield Due(what="missing", name=f"grant {grant.grant}", words=words, at=0)
