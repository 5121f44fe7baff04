"""The standing index against a plain dictionary."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qingjing.kernel.facts import ALL_GROUPS
from qingjing.kernel.fold import ABSENT
from qingjing.kernel.vector import GroundsState
from qingjing.ledger import bulk, keyhash
from qingjing.ledger.index import Index
from qingjing.ledger.keyhash import HandleKey
from qingjing.ledger.terms import TermsTable

KEY = HandleKey(bytes(range(16)))
PEOPLE = 6
HANDLES = keyhash.handles(KEY, np.arange(13800138000, 13800138000 + PEOPLE, dtype=np.uint64))
SENDERS, GROUPS = ("s0", "s1"), ("g0", "g1")


class Scopes(NamedTuple):
    """Sender and group of each message, as the desk gives them."""

    senders: tuple[str, ...]
    groups: tuple[str, ...]
    which: np.ndarray[tuple[int], np.dtype[np.intp]]


class Step(NamedTuple):
    """One thing that happens: to a person, under scope 0 or 1 (2: all groups)."""

    what: str
    person: int
    scope: int
    row: int
    time: int


steps = st.lists(
    st.builds(
        Step,
        st.sampled_from(["add", "refuse", "lift"]),
        st.integers(0, PEOPLE - 1),
        st.integers(0, 2),
        st.integers(0, keyhash.RUN_MAX - 1),
        st.integers(1, 1 << 31),
    ),
    max_size=60,
)


class Model:
    """What the index should know, in plain dictionaries."""

    def __init__(self) -> None:
        """Nothing."""
        self.consents: dict[tuple[int, int], dict[int, int]] = {}
        self.refusals: dict[tuple[int, str], int] = {}
        self.ended: dict[tuple[int, str], int] = {}

    def play(self, index: Index, step: Step) -> None:
        """Do one step here and there."""
        handle, group = int(HANDLES[step.person]), (*GROUPS, ALL_GROUPS)[step.scope]
        if step.what == "add":
            sender = step.scope % 2
            self.consents.setdefault((step.person, sender), {})[step.row] = step.time
            given_s = np.array([step.time], np.uint32)
            index.add(np.array([handle], np.uint64), SENDERS[sender], step.row, given_s)
        elif step.what == "refuse":
            self.refusals[step.person, group] = step.time
            index.refuse(handle, group, step.time)
        else:
            said = self.refusals.pop((step.person, group), 0)
            before = self.ended.get((step.person, group), 0)
            self.ended[step.person, group] = max(said, before)
            index.lift(handle, group)

    def check(self, index: Index) -> None:
        """Every person towards every scope, in one probe."""
        pairs = [(person, scope) for person in range(PEOPLE) for scope in range(2)]
        handles = HANDLES[[person for person, _ in pairs]]
        which = np.array([scope for _, scope in pairs], np.intp)
        refused, rows, given_s = index.probe(handles, Scopes(SENDERS, GROUPS, which))
        for i, (person, scope) in enumerate(pairs):
            there = rows[i] != ABSENT
            found = dict(zip(rows[i][there].tolist(), given_s[i][there].tolist(), strict=True))
            own, every = (person, GROUPS[scope]), (person, ALL_GROUPS)
            ended = max(self.ended.get(own, 0), self.ended.get(every, 0))
            agreed = self.consents.get(pairs[i], {})
            assert found == {row: time for row, time in agreed.items() if time > ended}
            assert refused[i] == (own in self.refusals or every in self.refusals)


@settings(max_examples=60, deadline=None)
@given(before=steps, after=steps)
def test_the_index_knows_what_a_dictionary_knows(
    tmp_path_factory: pytest.TempPathFactory, before: list[Step], after: list[Step]
) -> None:
    """Consents, refusals and liftings in any order, with a save and a load between."""
    model, index = Model(), Index(KEY)
    for step in before:
        model.play(index, step)
    model.check(index)
    folder = tmp_path_factory.mktemp("index")
    index.save(folder)
    loaded = Index(KEY)
    loaded.load(folder)
    model.check(loaded)
    for step in after:
        model.play(loaded, step)
    model.check(loaded)

    again = Index(KEY)
    again.load(folder)
    assert again.standings == index.standings


@pytest.mark.parametrize("size", [5_000, 200_000])
def test_a_bulk_of_consents_is_the_same_as_one_after_the_other(size: int) -> None:
    """Growth and bulk entry lose nobody and invent nobody; the later of two equals counts."""
    numbers = np.arange(13100000000, 13100000000 + size, dtype=np.uint64)
    handles = keyhash.handles(KEY, numbers)
    twice = np.concatenate([handles, handles[: size // 2]])
    given_s = np.arange(1, twice.size + 1, dtype=np.uint32)
    index = Index(KEY)
    index.add(twice, "s0", 7, given_s)
    expected = given_s[:size].copy()
    expected[: size // 2] = given_s[size:]

    which = np.zeros(size, np.intp)
    refused, rows, times = index.probe(handles, Scopes(("s0",), ("g0",), which))
    strangers = keyhash.handles(KEY, numbers + np.uint64(10_000_000))
    none = index.probe(strangers, Scopes(("s0",), ("g0",), which))[1]

    assert not refused.any()
    assert rows.shape == (size, 1)
    assert (rows[:, 0] == 7).all()
    assert np.array_equal(times[:, 0], expected)
    assert (none == ABSENT).all()
    assert index.standings == size


def test_a_key_keeps_its_latest_consents() -> None:
    """One more than fit takes the place of the oldest, so that no run grows without end."""
    index = Index(KEY)
    for row in range(keyhash.RUN_MAX + 3):
        index.add(HANDLES[:1], "s0", row, np.array([row + 1], np.uint32))

    _refused, rows, _times = index.probe(
        HANDLES[:1], Scopes(("s0",), ("g0",), np.zeros(1, np.intp))
    )

    assert sorted(rows[0].tolist()) == list(range(3, keyhash.RUN_MAX + 3))


@pytest.mark.parametrize("wrong", [np.zeros((8, 2), np.uint64), np.zeros(4096, np.uint32)])
def test_files_that_hold_no_table_are_refused(
    tmp_path: Path, wrong: np.ndarray[tuple[int, ...], np.dtype[np.generic]]
) -> None:
    """A foreign or cut file is an error, not an empty index."""
    Index(KEY).save(tmp_path)
    np.save(tmp_path / "refusals.npy", wrong)

    with pytest.raises(ValueError, match="refusals"):
        Index(KEY).load(tmp_path)

    (tmp_path / "refusals.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises((OSError, ValueError)):
        Index(KEY).load(tmp_path)


def test_many_threads_find_everyone_who_refused() -> None:
    """A list that is long enough for two threads: nobody who refused is let through."""
    numbers = np.arange(13100000000, 13100000000 + 400_000, dtype=np.uint64)
    terms = TermsTable()
    terms.add([(1, 0, 0, 0xFFFF, 0, 0, 0, True)])
    handles = keyhash.handles(KEY, numbers)
    index = Index(KEY)
    index.add(handles, "s0", 0, np.full(handles.size, 5, np.uint32))
    index.refuse_many(handles[::2], "g0", 9)
    known = bulk.look_up(index.campaign("s0", "g0"), terms.rows, numbers, 1, 100_000)
    assert (known.grounds[::2] == GroundsState.REFUSED).all()
    assert (known.grounds[1::2] == GroundsState.CONSENT).all()
