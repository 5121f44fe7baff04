"""The hash chain: a Merkle tree over the facts, and proofs that need no trust in who keeps it.

Hashing is that of RFC 9162 section 2.1 (unchanged from RFC 6962 section 2.1): a leaf is
``SHA-256(0x00 || data)``, an inner node ``SHA-256(0x01 || left || right)``, the root of an
empty tree ``SHA-256("")``. The two prefixes keep a leaf from being passed off as a node.

Layout. The ledger stores the leaf hashes, 32 bytes each, by index. That alone is enough for
every proof. It may also store the roots of complete subtrees of 256, 65,536, ... leaves
(levels 8, 16, ...), which ``Tree.extend`` hands out as they become complete; a proof then
reads about 256 hashes a level of eight instead of the whole log.

A message batch of n rows is one fact whose body carries the root over its rows. A row is
proved by its path in the batch's tree and the fact's path in the log (``check_row``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = hashlib.sha256().digest()

STORED_STEP: Final = 8
"""Levels between two stored rows of subtree roots: 256 to one, so they add 0.4 % of space."""

_READ_LEVELS_MAX: Final = 12
"""One read folds at most 2**12 hashes (128 KB): a proof over bare leaves stays small."""

Nodes = Callable[[int, int, int], Sequence[bytes]]
"""``nodes(level, start, stop)`` gives the stored hashes ``start <= index < stop`` of a level.

Level 0 is the leaf hashes; a higher level, always a multiple of 8, is asked for only when the
caller has said that it is stored.
"""

_sha256 = hashlib.sha256


class ChainError(ValueError):
    """A stored hash or a saved tree is missing or damaged: the log's keeper must repair it."""


class Node(NamedTuple):
    """The root of a complete subtree: ``2**level`` leaves from ``at * 2**level`` on."""

    level: int
    at: int
    hash: bytes


class Grown(NamedTuple):
    """What ``Tree.extend`` gives: the larger tree, and nodes to store, of levels 8, 16..."""

    tree: Tree
    nodes: list[Node]


class Batch(NamedTuple):
    """A batch's root, for the fact's body, and its leaf hashes, for paths of single rows."""

    root: bytes
    leaves: list[bytes]


class RowProof(msgspec.Struct, frozen=True):
    """Where a row stands: index and path in its batch, index and path of the fact in the log.

    The sizes are left out on purpose. The number of rows is read from the fact, the size of
    the log from the signed checkpoint: neither may be the claim of whoever hands in the proof.
    """

    row_index: int
    row_path: tuple[bytes, ...]
    fact_index: int
    fact_path: tuple[bytes, ...]


def leaf_hash(data: bytes) -> bytes:
    """Hash of one leaf, 32 bytes (RFC 9162 section 2.1.1)."""
    return _sha256(b"\x00" + data).digest()


def leaf_hashes(rows: Iterable[bytes]) -> list[bytes]:
    """``leaf_hash`` of many rows in one tight loop."""
    sha256 = _sha256
    return [sha256(b"\x00" + row).digest() for row in rows]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node over two 32-byte hashes, 32 bytes (RFC 9162 section 2.1.1)."""
    return _sha256(b"\x01" + left + right).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """Root over leaf *hashes* in order (RFC 9162 section 2.1.1); of none, ``EMPTY_ROOT``."""
    row = list(leaves)
    if not row:
        return EMPTY_ROOT
    while len(row) > 1:
        # A last hash without a partner is no node yet: it rises as it is. That pairing gives
        # the RFC's tree, which splits at the largest power of two below the size.
        alone = row.pop() if len(row) & 1 else None
        row = _paired(row)
        if alone is not None:
            row.append(alone)
    return row[0]


def batch_root(rows: Iterable[bytes]) -> Batch:
    """Root and leaf hashes of a batch's rows, in their order in the batch."""
    leaves = leaf_hashes(rows)
    return Batch(root(leaves), leaves)


def held(leaves: Sequence[bytes]) -> Nodes:
    """Serve proofs from leaf hashes in memory, as for the rows of one batch."""

    def nodes(_level: int, start: int, stop: int) -> Sequence[bytes]:
        return leaves[start:stop]

    return nodes


class Tree(msgspec.Struct, frozen=True):
    """A growing log by its frontier: its size and the roots of its complete subtrees.

    ``peaks`` runs from the largest subtree to the smallest, one for each set bit of ``size``.
    A value, not an object with state: a transaction that rolls back just keeps the old one.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """ChainError when the peaks do not fit the size."""
        fits = 0 <= self.size < 1 << 64 and len(self.peaks) == self.size.bit_count()
        if not fits or any(len(peak) != HASH_SIZE for peak in self.peaks):
            raise ChainError(
                f"a tree of {self.size} leaves cannot have {len(self.peaks)} peaks"
            )

    def extend(self, leaves: Iterable[bytes]) -> Grown:
        """The tree with these leaf *hashes* added, in about one hashing a leaf.

        ``nodes`` of the answer may be stored to make proofs cheap, or ignored.
        """
        peaks = dict(zip(_levels(self.size), self.peaks, strict=True))
        row, start, level = list(leaves), self.size, 0
        size, complete = self.size + len(row), list[Node]()
        while row:
            if start & 1:  # the peak of this level now finds its partner
                row.insert(0, peaks.pop(level))
                start -= 1
            if len(row) & 1:
                peaks[level] = row.pop()
            row, start, level = _paired(row), start >> 1, level + 1
            if level % STORED_STEP == 0:
                complete += [Node(level, start + at, one) for at, one in enumerate(row)]
        return Grown(Tree(size, tuple(peaks[at] for at in _levels(size))), complete)

    def root(self) -> bytes:
        """The root now, in at most 63 hashings."""
        return _folded(self.peaks) if self.peaks else EMPTY_ROOT

    def to_bytes(self) -> bytes:
        """Eight bytes of size, big-endian, then the peaks: enough to go on after a restart."""
        return self.size.to_bytes(8, "big") + b"".join(self.peaks)

    @classmethod
    def from_bytes(cls, data: bytes) -> Tree:
        """Read what ``to_bytes`` wrote; ChainError when it is damaged."""
        size, body = int.from_bytes(data[:8], "big"), data[8:]
        if len(data) < 8 or len(body) != HASH_SIZE * size.bit_count():
            raise ChainError(f"a saved tree of {len(data)} bytes does not hold its own peaks")
        peaks = (body[at : at + HASH_SIZE] for at in range(0, len(body), HASH_SIZE))
        return cls(size, tuple(peaks))


def inclusion(index: int, size: int, nodes: Nodes, *, stored: int = 0) -> tuple[bytes, ...]:
    """The path that proves leaf ``index`` to be in the log of ``size`` leaves.

    RFC 9162 section 2.1.3.1, from the leaf upwards. ``stored`` is the highest level that
    ``nodes`` can serve (0: leaves alone; 8, 16, ...). ValueError when the leaf is not in the
    log, ChainError when ``nodes`` gives too few hashes.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a log of {size} leaves")
    path, start, stop = [], 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(_span(middle, stop, nodes, stored))
            stop = middle
        else:
            path.append(_span(start, middle, nodes, stored))
            start = middle
    return tuple(reversed(path))


def check_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root_hash: bytes
) -> bool:
    """True when ``path`` leads from the leaf hash to the root (RFC 9162 section 2.1.3.2).

    Size and root must come from one signed checkpoint. A path alone does not fix the size:
    the path of leaf 0 has the same shape in a log of 6 and in one of 7.
    """
    if not 0 <= index < size or not _all_hashes((leaf, root_hash, *path)):
        return False
    at, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            # On the right edge the tree has no partner for a while: rise to where it has one.
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root_hash


def consistency(first: int, second: int, nodes: Nodes, *, stored: int = 0) -> tuple[bytes, ...]:
    """The path that proves the log of ``first`` leaves to be the start of that of ``second``.

    RFC 9162 section 2.1.4.1; empty when the sizes are equal or the first is 0. ``stored`` as
    for ``inclusion``. ValueError unless ``0 <= first <= second``.
    """
    if not 0 <= first <= second:
        raise ValueError(f"a log of {first} leaves cannot be the start of one of {second}")
    if first in (0, second):
        return ()
    path, start, stop, old_is_node = [], 0, second, True
    while stop != first:
        middle = start + _split(stop - start)
        if first <= middle:
            path.append(_span(middle, stop, nodes, stored))
            stop = middle
        else:
            path.append(_span(start, middle, nodes, stored))
            start, old_is_node = middle, False
    if not old_is_node:
        path.append(_span(start, stop, nodes, stored))
    return tuple(reversed(path))


def check_consistency(
    first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]
) -> bool:
    """True when the log with the second root only adds to that with the first.

    RFC 9162 section 2.1.4.2, and by hand what it leaves out: equal sizes need equal roots,
    and every log starts from the empty one.
    """
    if not 0 <= first <= second or not _all_hashes((first_root, second_root, *path)):
        return False
    if first == second:
        return (
            not path and first_root == second_root and (first > 0 or first_root == EMPTY_ROOT)
        )
    if first == 0:
        return not path and first_root == EMPTY_ROOT
    # A power of two is a node of the second tree, so the proof need not repeat its root.
    steps = [first_root, *path] if first.bit_count() == 1 else list(path)
    if not path:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def check_row(
    row: bytes,
    fact: bytes,
    proof: RowProof,
    *,
    batch_of: Callable[[bytes], tuple[bytes, int]],
    size: int,
    root_hash: bytes,
) -> bool:
    """True when the row is in the batch that the fact declares, and the fact is in the log.

    ``batch_of`` reads batch root and number of rows from the fact's own bytes; ``size`` and
    ``root_hash`` are a signed checkpoint's.
    """
    batch, rows = batch_of(fact)
    in_batch = check_inclusion(leaf_hash(row), proof.row_index, rows, proof.row_path, batch)
    return in_batch and check_inclusion(
        leaf_hash(fact), proof.fact_index, size, proof.fact_path, root_hash
    )


def _paired(row: list[bytes]) -> list[bytes]:
    """The next level up: each two neighbours hashed into one node."""
    sha256, each = _sha256, iter(row)
    return [sha256(b"\x01" + a + b).digest() for a, b in zip(each, each, strict=True)]


def _folded(peaks: Sequence[bytes]) -> bytes:
    """Root over complete subtrees, the largest first: the small ones join first."""
    found = peaks[-1]
    for peak in reversed(peaks[:-1]):
        found = node_hash(peak, found)
    return found


def _levels(size: int) -> list[int]:
    """Levels of the complete subtrees of a log, the largest first: the set bits of its size."""
    return [level for level in range(size.bit_length() - 1, -1, -1) if size >> level & 1]


def _split(size: int) -> int:
    """The largest power of two below ``size``, where RFC 9162 section 2.1.1 splits a tree."""
    return 1 << ((size - 1).bit_length() - 1)


def _all_hashes(values: Sequence[bytes]) -> bool:
    """Whether each has 32 bytes: were other lengths let through, a byte could move from one
    hash to its neighbour in a node, and the forged pair would hash alike.
    """
    return all(len(value) == HASH_SIZE for value in values)


def _span(start: int, stop: int, nodes: Nodes, stored: int) -> bytes:
    """Root over the leaves from ``start`` to ``stop``, a range that a tree split gave."""
    peaks = []
    for level in _levels(stop - start):
        peaks.append(_complete(level, start >> level, nodes, stored))
        start += 1 << level
    return _folded(peaks)


def _complete(level: int, index: int, nodes: Nodes, stored: int) -> bytes:
    """Root of one complete subtree, from the highest stored level at or below it."""
    base = min(stored, level) // STORED_STEP * STORED_STEP
    if level - base > _READ_LEVELS_MAX:
        left = _complete(level - 1, 2 * index, nodes, stored)
        return node_hash(left, _complete(level - 1, 2 * index + 1, nodes, stored))
    count = 1 << (level - base)
    row = list(nodes(base, index * count, (index + 1) * count))
    if len(row) != count or not _all_hashes(row):
        raise ChainError(
            f"hashes {index * count} to {(index + 1) * count - 1} of level {base} are not all "
            f"stored: got {len(row)} of {count}"
        )
    return root(row)
