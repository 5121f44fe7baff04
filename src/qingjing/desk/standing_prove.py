"""Prove a person's standing at a time, from the ledger: see ``desk.standing_proof``."""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path

import msgspec

from qingjing.desk import absence
from qingjing.desk.absence import Entries, Listing, ListingError, What, entry_of, key_of
from qingjing.desk.bundle import Row
from qingjing.desk.ports import Head, Ledger
from qingjing.desk.prove import ProofError
from qingjing.desk.standing_proof import (
    Claim,
    Gap,
    Manifest,
    Neighbour,
    Standing,
    attested,
    says,
    size_of,
)
from qingjing.kernel.chain import inclusion
from qingjing.kernel.note import Key
from qingjing.kernel.words import Phone


def prove(
    ledger: Ledger,
    phone: Phone,
    what: What,
    name: str,
    at: int,
    now: int,
    *,
    key: Key,
    absent: bool,
    imports: Path | None = None,
) -> Standing:
    """The proof that at a time (epoch ms) there was no such fact in the log, or that there was.

    For absence the log is taken as it was signed first at that time or after it, or, when such
    a fact came before that, as the facts' own times tell; for presence as it was signed last
    before. ProofError when the claim is false, or not yet to be proved.
    """
    newest = ledger.checkpoint(now).encode()
    size = size_of(newest)
    handle = ledger.find(phone).handle
    if at > now:
        raise ProofError("the time is in the future: nothing can be said of it")
    gaps: list[Gap] = []
    shown: Row | None = None
    if absent:
        moment = next((h for h in ledger.heads.checkpoints() if h.at >= at), None)
        seen = moment.note if moment else newest
        key_hash = key_of(what, handle, name)
        bound, gaps = _gaps(ledger, imports, key_hash, (size_of(seen), at), size)
        facts = {gap.fact: ledger.encoded(gap.fact) or b"" for gap in gaps}
    else:
        heads = [h for h in ledger.heads.checkpoints() if h.at <= at]
        shown, head = _shown(ledger, handle, what, name, heads, size)
        seen, bound = head.note, head.size
        facts = {shown.fact: shown.data}
        shown = msgspec.structs.replace(shown, data=b"")
    claim = Claim(absent, what, name, phone.digits, handle, at, bound)
    return Standing(
        Manifest(
            key=key.text(),
            claim=claim,
            signature=ledger.heads.attest(attested(claim, newest, seen)),
            moment=tuple(ledger.heads.consistency(size_of(seen), size)),
            gaps=tuple(gaps),
            fact=shown,
        ),
        newest,
        seen,
        facts,
    )


def _gaps(
    ledger: Ledger, imports: Path | None, key: bytes, until: tuple[int, int], size: int
) -> tuple[int, list[Gap]]:
    """Up to which fact nothing stands under this key, and the gaps that show it.

    ``until`` is the size signed and the time meant: the first is tried, then the second.
    """
    signed, at = until
    try:
        known = absence.listings(ledger, ledger.marked(absence.MARK))
        listed = [
            (one, absence.changes(ledger, imports, one.fact.after, one.fact.through))
            for one in absence.cover(known, signed)
        ]
        for one, entries in listed:
            if absence.root_of(entries) != one.fact.root:
                problem = f"listing {one.fact.number} does not follow from the facts"
                raise ListingError(f"{problem}: run `qingjing ledger listing --check`")
        low, high = entry_of(key, 0), entry_of(key, signed)
        there = [absence.between(entries, low, high) for _one, entries in listed]
        bound = signed
        if any(there):
            bound = bisect_right(range(1, signed + 1), at, key=lambda p: _at(ledger, p))
            high = entry_of(key, bound)
        return bound, [
            _gap(ledger, listing, entries, absence.neighbours(entries, low, high), size)
            for listing, entries in listed
        ]
    except ListingError as error:
        raise ProofError(str(error)) from None


def _at(ledger: Ledger, position: int) -> int:
    recorded = ledger.fact(position)
    return recorded.at if recorded else 0


def _gap(
    ledger: Ledger,
    listing: Listing,
    entries: Entries,
    places: tuple[int | None, int | None],
    size: int,
) -> Gap:
    left, right = (
        None
        if place is None
        else Neighbour(
            place,
            entries[place].tobytes(),
            inclusion(place, len(entries), absence.hashed(entries)),
        )
        for place in places
    )
    path = tuple(ledger.inclusion(listing.position, size))
    return Gap(listing.position, path, left, right)


def _shown(
    ledger: Ledger, handle: int, what: What, name: str, heads: list[Head], size: int
) -> tuple[Row, Head]:
    """The newest such fact in the last head before the time, with its path."""
    head = heads[-1] if heads else None
    for recorded in reversed(ledger.facts_of(handle)):
        if says(recorded.fact, what, name, handle) and head and recorded.position <= head.size:
            data = ledger.encoded(recorded.position) or b""
            path = tuple(ledger.inclusion(recorded.position, size))
            return Row(recorded.position, recorded.position - 1, data, path), head
    raise ProofError(
        f"no {what} of this person and {name} was recorded one by one in a log signed by then "
        "(an imported one is proved with the message that rests on it)"
    )
