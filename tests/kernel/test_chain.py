"""The Merkle log: hashing as published, and proofs that hold for the truth and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingjing.kernel import chain

# Leaves and roots of the certificate-transparency reference tree (RFC 6962 implementations).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive_root(rows: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word, sharing nothing with the code under test."""
    if not rows:
        return hashlib.sha256(b"").digest()
    if len(rows) == 1:
        return hashlib.sha256(b"\x00" + rows[0]).digest()
    split = 1
    while split * 2 < len(rows):
        split *= 2
    return hashlib.sha256(
        b"\x01" + naive_root(rows[:split]) + naive_root(rows[split:])
    ).digest()


def sides(index: int, size: int) -> str:
    """On which side each sibling of a leaf's path stands, from the leaf up (RFC 6962 PATH)."""
    if size == 1:
        return ""
    split = 1
    while split * 2 < size:
        split *= 2
    if index < split:
        return sides(index, split) + "R"
    return sides(index - split, size - split) + "L"


def rows_of(count: int) -> list[bytes]:
    """Distinct rows, so that every index has a hash of its own."""
    return [b"row %d" % at for at in range(count)]


def changed(data: bytes, at: int, bit: int) -> bytes:
    """The data with one bit turned over."""
    place = at % len(data)
    return data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :]


def stored_tree(
    leaves: list[bytes],
) -> tuple[chain.Tree, chain.Nodes, list[tuple[int, int, int]]]:
    """A tree with its rows kept as the ledger keeps them, and a list of what is read."""
    tree, nodes = chain.Tree().extend(leaves)
    rows = {(0, at): leaf for at, leaf in enumerate(leaves)}
    rows |= {(node.level, node.at): node.hash for node in nodes}
    read: list[tuple[int, int, int]] = []

    def serve(level: int, start: int, stop: int) -> list[bytes]:
        read.append((level, start, stop))
        return [rows[level, at] for at in range(start, stop)]

    return tree, serve, read


def test_the_reference_tree_has_its_published_roots() -> None:
    """Sizes 0 to 8 of the reference tree hash as published, and as the RFC's own recursion."""
    expected = [EMPTY, *ROOTS]

    for size, published in enumerate(expected):
        rows = LEAVES[:size]
        assert naive_root(rows).hex() == published
        assert chain.root(chain.leaf_hashes(rows)).hex() == published
        assert chain.batch_root(rows).root.hex() == published
        assert chain.Tree().extend(chain.leaf_hashes(rows)).tree.root().hex() == published


def test_the_reference_paths_are_the_published_ones() -> None:
    """Inclusion of leaf 5 in 8 and consistency of 6 with 8 give the reference implementation's
    hashes."""
    nodes = chain.held(chain.leaf_hashes(LEAVES))

    inclusion = [step.hex() for step in chain.inclusion(5, 8, nodes)]
    consistency = [step.hex() for step in chain.consistency(6, 8, nodes)]

    assert inclusion == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        ROOTS[3],
    ]
    assert consistency == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        ROOTS[3],
    ]


def test_leaf_and_node_hashes_cannot_stand_in_for_each_other() -> None:
    """A leaf that holds two hashes end to end does not hash like the node over them."""
    left, right = chain.leaf_hash(b"a"), chain.leaf_hash(b"b")

    assert chain.leaf_hash(left + right) != chain.node_hash(left, right)


@given(st.lists(st.binary(max_size=5), max_size=70))
def test_every_root_is_that_of_the_recursive_definition(rows: list[bytes]) -> None:
    """Pairing level by level gives the tree that the RFC defines by recursion."""
    assert chain.batch_root(rows).root == naive_root(rows)


@given(st.lists(st.lists(st.binary(max_size=3), max_size=40), max_size=8))
def test_a_tree_grown_in_any_steps_has_the_same_root(steps: list[list[bytes]]) -> None:
    """However the leaves arrive, and whether or not the tree was saved between, one root."""
    tree, rows = chain.Tree(), list[bytes]()

    for step in steps:
        rows += step
        grown = tree.extend(chain.leaf_hashes(step)).tree
        tree = chain.Tree.from_bytes(grown.to_bytes())

        assert tree == grown
        assert tree.size == len(rows)
        assert tree.root() == naive_root(rows)


def test_growing_a_tree_leaves_the_old_one_as_it_was() -> None:
    """A transaction that rolls back goes on with the tree it had."""
    tree = chain.Tree().extend(chain.leaf_hashes(rows_of(5))).tree
    before = tree.to_bytes()

    tree.extend(chain.leaf_hashes(rows_of(300)))

    assert tree.to_bytes() == before


@given(st.lists(st.integers(0, 700), max_size=5))
def test_stored_nodes_come_out_once_and_complete(steps: list[int]) -> None:
    """Whatever the steps, level 8 gets each complete run of 256 leaves once and in order."""
    leaves = chain.leaf_hashes(rows_of(sum(steps)))
    tree, nodes = chain.Tree(), list[chain.Node]()

    for step in steps:
        tree, more = tree.extend(leaves[tree.size : tree.size + step])
        nodes += more

    expected = [
        chain.Node(8, at, chain.root(leaves[256 * at : 256 * (at + 1)]))
        for at in range(len(leaves) // 256)
    ]
    assert nodes == expected


def test_level_sixteen_is_handed_out_too() -> None:
    """65,536 leaves complete one node of level 16, which is the whole tree's root."""
    leaves = [bytes(32)] * 65_536

    tree, nodes = chain.Tree().extend(leaves)

    assert [node.at for node in nodes if node.level == 8] == list(range(256))
    assert [node for node in nodes if node.level == 16] == [chain.Node(16, 0, tree.root())]


@pytest.mark.parametrize("data", [b"", bytes(7), (3).to_bytes(8, "big") + bytes(32), bytes(9)])
def test_a_damaged_saved_tree_is_refused(data: bytes) -> None:
    """Too few or too many bytes for the size they begin with raise ChainError."""
    with pytest.raises(chain.ChainError, match="saved tree"):
        chain.Tree.from_bytes(data)


@pytest.mark.parametrize(
    ("size", "peaks"), [(-1, ()), (1, ()), (1, (b"short",)), (1 << 64, ())]
)
def test_a_tree_whose_peaks_do_not_fit_is_refused(size: int, peaks: tuple[bytes, ...]) -> None:
    """A tree made by hand must have one 32-byte peak for each set bit of its size."""
    with pytest.raises(chain.ChainError, match="peaks"):
        chain.Tree(size, peaks)


@given(st.data(), st.integers(1, 130))
def test_every_leaf_is_proved(data: st.DataObject, size: int) -> None:
    """The path of any leaf in any size leads to the root that the recursion gives."""
    rows = rows_of(size)
    index = data.draw(st.integers(0, size - 1))

    path = chain.inclusion(index, size, chain.held(chain.leaf_hashes(rows)))

    leaf = chain.leaf_hash(rows[index])
    assert len(path) == len(sides(index, size))
    assert chain.check_inclusion(leaf, index, size, path, naive_root(rows))


@given(st.data(), st.integers(2, 70))
def test_any_changed_byte_breaks_an_inclusion_proof(data: st.DataObject, size: int) -> None:
    """One bit of leaf, root or path, one step more or less, another index: all fail."""
    rows = rows_of(size)
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(-1, size + 1).filter(lambda at: at != index))
    at, bit = data.draw(st.integers(0, 31)), data.draw(st.integers(0, 7))
    path = list(chain.inclusion(index, size, chain.held(chain.leaf_hashes(rows))))
    step = data.draw(st.integers(0, len(path) - 1))
    leaf, root = chain.leaf_hash(rows[index]), naive_root(rows)
    bent = [*path[:step], changed(path[step], at, bit), *path[step + 1 :]]

    assert not chain.check_inclusion(changed(leaf, at, bit), index, size, path, root)
    assert not chain.check_inclusion(leaf, index, size, path, changed(root, at, bit))
    assert not chain.check_inclusion(leaf, index, size, bent, root)
    assert not chain.check_inclusion(leaf, other, size, path, root)
    assert not chain.check_inclusion(leaf, index, size, path[:-1], root)
    assert not chain.check_inclusion(leaf, index, size, [*path, root], root)


@given(st.data(), st.integers(1, 40), st.integers(0, 45))
def test_another_size_fails_unless_the_path_has_the_same_shape(
    data: st.DataObject, size: int, claimed: int
) -> None:
    """A path is bound to its size only as far as its shape: the checkpoint fixes the rest."""
    rows = rows_of(size)
    index = data.draw(st.integers(0, size - 1))
    path = chain.inclusion(index, size, chain.held(chain.leaf_hashes(rows)))

    holds = chain.check_inclusion(
        chain.leaf_hash(rows[index]), index, claimed, path, naive_root(rows)
    )

    assert holds == (index < claimed and sides(index, claimed) == sides(index, size))


def test_a_byte_moved_between_neighbours_is_refused() -> None:
    """Hashes of other lengths than 32 never pass, though end to end they read the same."""
    first, second = chain.leaf_hash(b"a"), chain.leaf_hash(b"b")
    root = chain.node_hash(first, second)

    assert chain.check_inclusion(first, 0, 2, (second,), root)
    assert not chain.check_inclusion(first + second[:1], 0, 2, (second[1:],), root)


def test_every_prefix_of_a_log_is_proved_consistent() -> None:
    """All pairs of sizes up to 40: the proof holds for the two true roots."""
    rows = rows_of(40)
    nodes = chain.held(chain.leaf_hashes(rows))
    roots = [naive_root(rows[:size]) for size in range(41)]

    for second in range(41):
        for first in range(second + 1):
            path = chain.consistency(first, second, nodes)
            assert chain.check_consistency(first, second, roots[first], roots[second], path)


@given(st.data(), st.integers(2, 70))
def test_any_changed_byte_breaks_a_consistency_proof(data: st.DataObject, second: int) -> None:
    """One bit of either root or of the path, one step more or less: all fail."""
    rows = rows_of(second)
    first = data.draw(st.integers(1, second - 1))
    at, bit = data.draw(st.integers(0, 31)), data.draw(st.integers(0, 7))
    path = list(chain.consistency(first, second, chain.held(chain.leaf_hashes(rows))))
    step = data.draw(st.integers(0, len(path) - 1))
    old, new = naive_root(rows[:first]), naive_root(rows)
    bent = [*path[:step], changed(path[step], at, bit), *path[step + 1 :]]

    assert not chain.check_consistency(first, second, changed(old, at, bit), new, path)
    assert not chain.check_consistency(first, second, old, changed(new, at, bit), path)
    assert not chain.check_consistency(first, second, old, new, bent)
    assert not chain.check_consistency(first, second, old, new, path[:-1])
    assert not chain.check_consistency(first, second, old, new, [*path, new])


@given(st.data(), st.integers(2, 60))
def test_a_log_with_an_edited_row_is_not_consistent(data: st.DataObject, second: int) -> None:
    """Back-dating: a log whose past was edited cannot show a path from the old root."""
    rows = rows_of(second)
    first = data.draw(st.integers(1, second - 1))
    place = data.draw(st.integers(0, first - 1))
    edited = [*rows[:place], b"edited", *rows[place + 1 :]]

    path = chain.consistency(first, second, chain.held(chain.leaf_hashes(edited)))

    old, new = naive_root(rows[:first]), naive_root(edited)
    assert not chain.check_consistency(first, second, old, new, path)


def test_consistency_of_equal_and_empty_logs_is_decided_by_roots_alone() -> None:
    """The cases that the RFC leaves out: equal sizes, the empty log, sizes out of order."""
    one, two = naive_root([b"a"]), naive_root([b"a", b"b"])
    empty = chain.EMPTY_ROOT

    assert chain.check_consistency(0, 0, empty, empty, ())
    assert chain.check_consistency(0, 2, empty, two, ())
    assert chain.check_consistency(2, 2, two, two, ())
    assert not chain.check_consistency(0, 0, one, one, ())
    assert not chain.check_consistency(0, 2, one, two, ())
    assert not chain.check_consistency(0, 2, empty, two, (two,))
    assert not chain.check_consistency(2, 2, one, two, ())
    assert not chain.check_consistency(2, 2, two, two, (two,))
    assert not chain.check_consistency(2, 1, two, one, ())
    assert not chain.check_consistency(1, 2, one, two, ())


def test_a_proof_of_what_cannot_be_is_an_error() -> None:
    """A leaf outside the log, or a log said to start with a longer one, raise ValueError."""
    nodes = chain.held(chain.leaf_hashes(LEAVES))

    with pytest.raises(ValueError, match="leaf 8 is not in a log of 8"):
        chain.inclusion(8, 8, nodes)
    with pytest.raises(ValueError, match="cannot be the start"):
        chain.consistency(8, 7, nodes)


def test_proofs_from_stored_levels_are_those_from_bare_leaves() -> None:
    """With level 8 stored the paths are the same bytes, for some hundred hashes, not all."""
    leaves = chain.leaf_hashes(rows_of(10_000))
    tree, serve, read = stored_tree(leaves)
    held = chain.held(leaves)

    for index in (0, 255, 256, 4_097, 9_983, 9_984, 9_999):
        read.clear()
        path = chain.inclusion(index, 10_000, serve, stored=8)
        assert path == chain.inclusion(index, 10_000, held)
        assert chain.check_inclusion(leaves[index], index, 10_000, path, tree.root())
        assert sum(stop - start for _, start, stop in read) < 600
    for first in (1, 256, 300, 8_192, 9_999):
        path = chain.consistency(first, 10_000, serve, stored=8)
        assert path == chain.consistency(first, 10_000, held)


def test_bare_leaves_are_read_in_bounded_pieces() -> None:
    """A log that stores leaves alone is read 4,096 hashes at a time, not as a whole."""
    leaves = chain.leaf_hashes(rows_of(20_000))
    tree, serve, read = stored_tree(leaves)

    path = chain.inclusion(19_999, 20_000, serve)

    assert chain.check_inclusion(leaves[19_999], 19_999, 20_000, path, tree.root())
    assert max(stop - start for _, start, stop in read) == 4_096


@pytest.mark.parametrize("last", [[], [b"short"]])
def test_a_missing_or_damaged_stored_hash_is_named(last: list[bytes]) -> None:
    """A table that lacks a whole row makes no proof: ChainError says which hashes it lacks."""
    leaves = [*chain.leaf_hashes(LEAVES)[:7], *last]

    with pytest.raises(chain.ChainError, match="hashes 4 to 7 of level 0 are not all stored"):
        chain.inclusion(0, 8, chain.held(leaves))


def test_a_row_is_proved_through_its_batch_and_the_log() -> None:
    """The row's path leads to the root in the fact, and the fact's path to the log's root."""
    rows = rows_of(500)
    batch = chain.batch_root(rows)
    fact = batch.root + len(rows).to_bytes(4, "big")
    facts = [b"other", fact, b"another"]
    log = chain.leaf_hashes(facts)
    proof = chain.RowProof(
        row_index=321,
        row_path=chain.inclusion(321, 500, chain.held(batch.leaves)),
        fact_index=1,
        fact_path=chain.inclusion(1, 3, chain.held(log)),
    )

    def batch_of(data: bytes) -> tuple[bytes, int]:
        return data[:32], int.from_bytes(data[32:], "big")

    def holds(row: bytes, body: bytes) -> bool:
        return chain.check_row(
            row, body, proof, batch_of=batch_of, size=3, root_hash=naive_root(facts)
        )

    assert holds(rows[321], fact)
    assert not holds(rows[320], fact)
    assert not holds(rows[321], changed(fact, 40, 0))
    assert not holds(rows[321], batch.root + (501).to_bytes(4, "big"))
