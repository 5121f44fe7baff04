"""The tallies against a plain dictionary of lists of times."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from qingjing.ledger import keyhash
from qingjing.ledger.keyhash import HandleKey, U64s
from qingjing.ledger.tally import Tally

KEY = HandleKey(bytes(range(16)))
PEOPLE = 4
HANDLES = keyhash.handles(KEY, np.arange(13800138000, 13800138000 + PEOPLE, dtype=np.uint64))
SCOPES = ("house", "carrier")
START = 1_800_000_000


class Count(NamedTuple):
    """One message to be counted."""

    scope: int
    person: int
    window_s: int
    limit: int
    commit: bool


class Batch(NamedTuple):
    """Messages of one moment, or (``void``) some of that age given back."""

    after_s: int
    counts: tuple[Count, ...]
    void: bool


batches = st.lists(
    st.builds(
        Batch,
        st.integers(0, 40),
        st.lists(
            st.builds(
                Count,
                st.integers(0, 1),
                st.integers(0, PEOPLE - 1),
                st.sampled_from([1, 10, 60]),
                st.integers(0, 3),
                st.booleans(),
            ),
            max_size=8,
        ).map(tuple),
        st.sampled_from([False, False, True]),
    ),
    max_size=20,
)


class Model:
    """What the tallies should know: the times of each (scope, person)."""

    def __init__(self) -> None:
        """Nothing counted."""
        self.times: dict[tuple[int, int], list[int]] = {}

    def reserve(self, count: Count, now_s: int) -> bool:
        """Is one more over the limit? If not, it counts."""
        times = self.times.setdefault((count.scope, count.person), [])
        inside = sum(time > now_s - count.window_s for time in times)
        over = bool(count.limit) and inside >= count.limit
        if count.commit and not over:
            times.append(now_s)
        return over

    def void(self, count: Count, at_s: int) -> None:
        """One message of that second less."""
        times = self.times.get((count.scope, count.person), [])
        if at_s in times:
            times.remove(at_s)


def columns(counts: tuple[Count, ...]) -> tuple[NDArray[np.intp], U64s]:
    """Places of the scopes, and handles."""
    which = np.array([count.scope for count in counts], np.intp)
    return which, HANDLES[[count.person for count in counts]]


def reserve(tally: Tally, counts: tuple[Count, ...], now_s: int) -> list[bool]:
    """Count a batch."""
    which, handles = columns(counts)
    over: list[bool] = tally.reserve(
        SCOPES,
        which,
        handles,
        now_s,
        np.array([count.window_s for count in counts], np.uint32),
        np.array([count.limit for count in counts], np.uint16),
        np.array([count.commit for count in counts], np.bool_),
    ).tolist()
    return over


@settings(max_examples=150, deadline=None)
@given(batches)
def test_the_tallies_count_as_lists_of_times_would(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[Batch]
) -> None:
    """Counting, giving back, and a save and a load in the middle."""
    tally, model, now_s = Tally(KEY), Model(), START
    for number, batch in enumerate(drawn):
        if batch.void:
            which, handles = columns(batch.counts)
            at_s = np.full(len(batch.counts), now_s, np.uint32)
            tally.void(SCOPES, which, handles, at_s)
            for count in batch.counts:
                model.void(count, now_s)
            continue
        now_s += batch.after_s
        expected = [model.reserve(count, now_s) for count in batch.counts]
        assert reserve(tally, batch.counts, now_s) == expected
        if number == len(drawn) // 2:
            folder = tmp_path_factory.mktemp("tally")
            tally.save(folder)
            tally = Tally(KEY)
            tally.load(folder)


def test_what_no_window_reaches_is_dropped_and_nothing_else() -> None:
    """Far more messages than are kept: the counts inside the window stay exact."""
    tally, model = Tally(KEY), Model()
    for step in range(600):
        now_s = START + step * 10
        counts = tuple(Count(0, person, 60, 7, True) for person in range(PEOPLE)) * 3
        expected = [model.reserve(count, now_s) for count in counts]
        assert reserve(tally, counts, now_s) == expected
    assert sum(map(len, model.times.values())) > 2 * 1024
    assert tally.rows <= 1024


def test_a_log_grows_when_all_of_it_still_counts() -> None:
    """One window over everything: no message is forgotten."""
    tally = Tally(KEY)
    counts = (Count(0, 0, 1 << 20, 60_000, True),)
    for step in range(3000):
        assert reserve(tally, counts, START + step) == [False]
    over = reserve(tally, (Count(0, 0, 1 << 20, 3000, False),) * 2, START + 3000)
    assert over == [True, True]


def test_only_what_was_counted_in_that_second_is_given_back() -> None:
    """Another second, scope or person changes nothing."""
    tally, one = Tally(KEY), (Count(0, 0, 60, 1, True),)
    reserve(tally, one, START)
    for scope, person, at_s in ((0, 0, START + 1), (1, 0, START), (0, 1, START)):
        which = np.array([scope], np.intp)
        tally.void(SCOPES, which, HANDLES[person : person + 1], np.array([at_s], np.uint32))
    assert reserve(tally, one, START + 1) == [True]
    tally.void(SCOPES, np.zeros(1, np.intp), HANDLES[:1], np.array([START], np.uint32))
    assert reserve(tally, one, START + 1) == [False]


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"no archive"])
def test_a_damaged_log_is_refused(tmp_path: Path, damage: bytes) -> None:
    """A foreign or cut file is an error, not an empty log."""
    tally = Tally(KEY)
    reserve(tally, (Count(0, 0, 60, 1, True),), START)
    tally.save(tmp_path)
    (tmp_path / "tally.npz").write_bytes(damage)
    with pytest.raises((OSError, ValueError)):
        Tally(KEY).load(tmp_path)


def test_a_log_with_columns_of_two_lengths_is_refused(tmp_path: Path) -> None:
    """Half a row is nobody's message."""
    window_s = np.array([60])
    owners, times = np.ones(3, np.uint64), np.ones(2, np.uint32)
    np.savez(tmp_path / "tally.npz", times=times, owners=owners, window_s=window_s)
    with pytest.raises(ValueError, match="tally"):
        Tally(KEY).load(tmp_path)
