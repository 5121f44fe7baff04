"""Absence: sorted lists of all standing changes, in the log, so that what is not there shows.

A Merkle path proves that a fact is in the log; that none is takes an order. A **listing** is a
fact with the root of an RFC 6962 tree over the standing changes of some stretch of the log,
sorted: 40 octets each, the change's key and the position of its fact. Between two neighbours
nothing stands, and two paths show that they are neighbours.

A key is the SHA-256 over what changed (a consent or a refusal), the person's keyed handle and
the sender or group. Whoever has the facts can build each listing anew (``audit``); whoever is
shown two neighbours learns two hashes, and could only recognise a handle that it knows.

Listing n reaches back to listing n - lowbit(n), as the sums of a Fenwick tree do: some
log2(n) listings cover the whole log, and each change is listed as often at most.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from qingjing.desk.consent import ROW
from qingjing.desk.ports import Ledger, Transaction
from qingjing.kernel import facts as f
from qingjing.kernel.chain import Nodes, Tree, leaf_hashes
from qingjing.kernel.rows import rows_root

What = Literal["consent", "refusal"]

ENTRY_SIZE: Final = 40
"""A key of 32 octets and a position of 8, big-endian: bytes sort as the pair does."""

MARK: Final = "listing"
"""The ledger's mark for the position of the newest listing."""

_CHUNK: Final = 1 << 16
_DOMAIN: Final = b"qingjing/change/1\x00"
_TAGS: Final = {
    str(kind.__struct_config__.tag).encode()
    for kind in (f.ConsentRecorded, f.ConsentsImported, f.RefusalRecorded)
}

Entries = NDArray[np.uint8]
"""Sorted changes, a row of ``ENTRY_SIZE`` octets each."""


class Stored(Protocol):
    """The facts, by position, as they are stored."""

    def encoded(self, position: int) -> bytes | None: ...


class ListingError(Exception):
    """A listing cannot be built, or covers too little. Says what to do."""


class Listing(NamedTuple):
    """A listing with its place in the log."""

    position: int
    fact: f.ChangesListed

    @property
    def reach(self) -> int:
        """Up to where nothing is missing: a listing right behind its stretch is no change."""
        return self.fact.through + (self.position == self.fact.through + 1)


def key_of(what: What, handle: int, name: str) -> bytes:
    """The key of a person's consent to a sender, or refusal of a group: 32 octets."""
    return hashlib.sha256(_prefix(what, name) + handle.to_bytes(8, "little")).digest()


def entry_of(key: bytes, position: int) -> bytes:
    """One change as it stands in a listing."""
    return key + position.to_bytes(8, "big")


def _prefix(what: What, name: str) -> bytes:
    scope = name.encode()
    return _DOMAIN + what.encode() + b"\x00" + len(scope).to_bytes(4, "big") + scope


def changes(stored: Stored, imports: Path | None, after: int, through: int) -> Entries:
    """The changes of the facts after a position and up to another, sorted.

    ``imports`` is the folder of imported consents. ListingError when a fact or file is missing.
    """
    single, parts = bytearray(), list[Entries]()
    for position in range(after + 1, through + 1):
        data = stored.encoded(position)
        if data is None:
            raise ListingError(f"fact {position} is missing: run `qingjing ledger verify`")
        start = data.find(b'"kind":"') + 8  # the tag stands in front, after two numbers
        if data[start : data.find(b'"', start)] not in _TAGS:
            continue
        match f.decode(data).fact:
            case f.ConsentRecorded(handle=handle, sender=sender):
                single += entry_of(key_of("consent", handle, sender), position)
            case f.RefusalRecorded(handle=handle, group=group):
                single += entry_of(key_of("refusal", handle, group), position)
            case f.ConsentsImported() as fact:
                parts.append(_imported(fact, imports, position))
            case _:
                pass
    parts.append(np.frombuffer(bytes(single), np.uint8).reshape(-1, ENTRY_SIZE))
    every = np.concatenate(parts)
    words = np.ascontiguousarray(every).view(">u8")
    return np.ascontiguousarray(every[np.lexsort(words.T[::-1])])


def _imported(fact: f.ConsentsImported, imports: Path | None, position: int) -> Entries:
    """The changes of a whole import, one a person."""
    rows = np.zeros(fact.count, dtype=ROW)
    try:
        table = pq.read_table((imports or Path()) / fact.file, columns=["handle", "given_s"])
        for name in ("handle", "given_s"):
            rows[name] = table[name].to_numpy()
    except (OSError, pa.ArrowException, KeyError, ValueError):
        raise ListingError(f"{fact.file} cannot be read: restore it from its backup") from None
    if rows_root(rows.tobytes(), ROW.itemsize) != fact.rows_root:
        raise ListingError(f"{fact.file} is not what was imported: restore it from its backup")
    sha, prefix = hashlib.sha256, _prefix("consent", fact.sender)
    handles, tail = rows["handle"].tobytes(), position.to_bytes(8, "big")
    made = bytearray()
    for at in range(0, len(handles), 8):
        made += sha(prefix + handles[at : at + 8]).digest() + tail
    return np.frombuffer(bytes(made), np.uint8).reshape(-1, ENTRY_SIZE)


def hashed(entries: Entries) -> Nodes:
    """Leaf hashes of a listing's tree, made when they are asked for."""

    def nodes(_level: int, start: int, stop: int) -> Sequence[bytes]:
        return leaf_hashes(row.tobytes() for row in entries[start:stop])

    return nodes


def root_of(entries: Entries) -> bytes:
    """The root of a listing's tree; of none, that of the empty tree."""
    tree, nodes = Tree(), hashed(entries)
    for start in range(0, len(entries), _CHUNK):
        tree = tree.extend(nodes(0, start, min(start + _CHUNK, len(entries)))).tree
    return tree.root()


def listings(stored: Stored, newest: int) -> list[Listing]:
    """All listings up to the one at the position ``newest`` (0: none), the oldest first.

    ListingError when one is not where the next says.
    """
    found: list[Listing] = []
    while newest:
        data = stored.encoded(newest)
        fact = f.decode(data).fact if data else None
        if not isinstance(fact, f.ChangesListed):
            raise ListingError(f"fact {newest} is no listing: run `qingjing ledger verify`")
        found.append(Listing(newest, fact))
        newest = fact.before
    return found[::-1]


def draft(
    stored: Stored, imports: Path | None, newest: int, through: int
) -> f.ChangesListed | None:
    """The next listing, up to a position; None when nothing came since the last.

    Reads the facts and hashes their changes, 100,000 facts in a second and a million imported
    people in eight: so beside a service and not in its loop.
    """
    known = listings(stored, newest)
    number = len(known) + 1
    back = number - (number & -number)
    after = known[back - 1].fact.through if back else 0
    if known and through <= known[-1].reach:
        return None
    entries = changes(stored, imports, after, through)
    return f.ChangesListed(
        number=number,
        before=newest,
        after=after,
        through=through,
        count=len(entries),
        root=root_of(entries),
    )


def enter(ledger: Ledger, t: Transaction, drafted: f.ChangesListed) -> int:
    """Record a drafted listing; its position, or 0 when another came in between."""
    if ledger.marked(MARK) != drafted.before or drafted.through > ledger.position:
        return 0
    position = t.append(drafted)
    ledger.mark(MARK, position)
    return position


def cover(known: Sequence[Listing], size: int) -> list[Listing]:
    """The fewest listings that cover the first ``size`` facts, in order, or ListingError."""
    last = next((at for at, one in enumerate(known, 1) if one.reach >= size), 0)
    if size and not last:
        reach = known[-1].reach if known else 0
        remedy = "run `qingjing ledger listing` first, or wait for listing_s"
        raise ListingError(f"{size} facts are asked for, and {reach} are listed; {remedy}")
    found: list[Listing] = []
    while last:
        found.append(known[last - 1])
        last -= last & -last
    return found[::-1]


def audit(stored: Stored, imports: Path | None, newest: int) -> Iterator[tuple[int, str]]:
    """Does each listing follow from the facts? Position and problem of each that does not."""
    known = listings(stored, newest)
    for number, (position, fact) in enumerate(known, 1):
        back = number - (number & -number)
        after = known[back - 1].fact.through if back else 0
        if (fact.number, fact.after) != (number, after) or not after <= fact.through < position:
            yield position, f"listing {fact.number} is not the one that belongs here"
            continue
        entries = changes(stored, imports, fact.after, fact.through)
        if (len(entries), root_of(entries)) != (fact.count, fact.root):
            yield position, f"listing {fact.number} does not follow from the facts"


def neighbours(entries: Entries, low: bytes, high: bytes) -> tuple[int | None, int | None]:
    """The last place before ``low`` and the first after ``high``, None at an end.

    ListingError when a change stands between.
    """
    left, right = _count_below(entries, low), _count_below(entries, high + b"\x00")
    if left != right:
        raise ListingError("there is such a fact: absence cannot be proved")
    return (left - 1 if left else None), (right if right < len(entries) else None)


def between(entries: Entries, low: bytes, high: bytes) -> bool:
    """Does a change stand from ``low`` to ``high``, both included?"""
    return _count_below(entries, low) != _count_below(entries, high + b"\x00")


def _count_below(entries: Any, bound: bytes) -> int:
    low, high = 0, len(entries)
    while low < high:
        middle = (low + high) // 2
        if entries[middle].tobytes() < bound:
            low = middle + 1
        else:
            high = middle
    return low
