"""The tallies against a plain list of what was counted."""

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
USES = (("c:a", "h:one", "k:x"), ("c:b", "h:one", "k:y"), ("c:c", "h:two", "k:x"))
START = 1_800_000_000


class Count(NamedTuple):
    """One message to be counted: a window and a most for each cap."""

    use: int
    person: int
    window_s: tuple[int, int, int]
    most: tuple[int, int, int]
    commit: bool


class Batch(NamedTuple):
    """Messages of one moment, or (``void``) some of that age given back."""

    after_s: int
    counts: tuple[Count, ...]
    binding: tuple[bool, bool, bool]
    void: bool


def triple(values: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[int, int, int]]:
    """One value for each cap."""
    return st.tuples(values, values, values)


counts = st.builds(
    Count,
    st.integers(0, 2),
    st.integers(0, PEOPLE - 1),
    triple(st.sampled_from([1, 10, 60])),
    triple(st.integers(0, 3)),
    st.booleans(),
)
batches = st.lists(
    st.builds(
        Batch,
        st.integers(-5, 40),
        st.lists(counts, max_size=8).map(tuple),
        st.tuples(st.booleans(), st.booleans(), st.booleans()),
        st.sampled_from([False, False, True]),
    ),
    max_size=20,
)
ALL = (True, True, True)


class Model:
    """What the tallies should know: person, scopes and time of each message."""

    def __init__(self) -> None:
        """Nothing counted."""
        self.log: list[tuple[int, int, int]] = []

    def reserve(
        self, count: Count, now_s: int, binding: tuple[bool, bool, bool]
    ) -> tuple[bool, ...]:
        """Is one more over each cap? If no binding one, it counts."""
        over = []
        for cap in range(3):
            inside = sum(
                person == count.person
                and USES[use][cap] == USES[count.use][cap]
                and time > now_s - count.window_s[cap]
                for person, use, time in self.log
            )
            over.append(bool(count.most[cap]) and inside >= count.most[cap])
        stopped = any(x and y for x, y in zip(over, binding, strict=True))
        if count.commit and not stopped:
            self.log.append((count.person, count.use, now_s))
        return tuple(over)

    def void(self, count: Count, at_s: int) -> None:
        """One message of that second less."""
        one = (count.person, count.use, at_s)
        if one in self.log:
            self.log.remove(one)


def columns(counts: tuple[Count, ...]) -> tuple[NDArray[np.intp], U64s]:
    """Places of the scopes, and handles."""
    which = np.array([count.use for count in counts], np.intp)
    return which, HANDLES[[count.person for count in counts]]


def reserve(
    tally: Tally,
    counts: tuple[Count, ...],
    now_s: int,
    binding: tuple[bool, bool, bool] = ALL,
) -> list[tuple[bool, ...]]:
    """Count a batch; what each message is over."""
    which, handles = columns(counts)
    over = tally.reserve(
        USES,
        which,
        handles,
        now_s,
        np.array([count.window_s for count in counts], np.uint32).reshape(-1, 3).T,
        np.array([count.most for count in counts], np.uint16).reshape(-1, 3).T,
        np.array(binding),
        np.array([count.commit for count in counts], np.bool_),
    )
    return [tuple(one) for one in over.T.tolist()]


@settings(max_examples=200, deadline=None)
@given(batches)
def test_the_tallies_count_as_a_list_of_messages_would(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[Batch]
) -> None:
    """Counting, giving back, a clock set back, and a save and a load in the middle."""
    tally, model, now_s = Tally(), Model(), START
    for number, batch in enumerate(drawn):
        if batch.void:
            which, handles = columns(batch.counts)
            at_s = np.full(len(batch.counts), now_s, np.uint32)
            tally.void(USES, which, handles, at_s)
            for count in batch.counts:
                model.void(count, now_s)
            continue
        now_s += batch.after_s
        expected = [model.reserve(count, now_s, batch.binding) for count in batch.counts]
        assert reserve(tally, batch.counts, now_s, batch.binding) == expected
        if number == len(drawn) // 2:
            folder = tmp_path_factory.mktemp("tally")
            tally.save(folder)
            tally = Tally()
            tally.load(folder)


def plain(person: int, window_s: int, most: int, commit: bool = True, use: int = 0) -> Count:
    """A message with the same window and most for every cap."""
    return Count(use, person, (window_s,) * 3, (most,) * 3, commit)


def test_what_no_window_reaches_is_dropped_and_nothing_else() -> None:
    """Far more messages than are kept: the counts inside the window stay exact."""
    tally, model, sent = Tally(), Model(), 0
    for step in range(600):
        now_s = START + step * 10
        counts = tuple(plain(person, 60, 7) for person in range(PEOPLE)) * 3
        expected = [model.reserve(count, now_s, ALL) for count in counts]
        assert reserve(tally, counts, now_s) == expected
        sent += sum(not any(over) for over in expected)
        model.log = [one for one in model.log if one[2] > now_s - 60]
    assert sent > 2 * 1024
    assert tally.rows <= 1024


def test_a_log_grows_when_all_of_it_still_counts() -> None:
    """One window over everything: no message is forgotten."""
    tally = Tally()
    one = (plain(0, 1 << 20, 60_000),)
    for step in range(3000):
        assert reserve(tally, one, START + step) == [(False,) * 3]
    over = reserve(tally, (plain(0, 1 << 20, 3000, commit=False),) * 2, START + 3000)
    assert over == [ALL, ALL]


def test_a_batch_larger_than_the_log_finds_room() -> None:
    """Ten thousand messages at once, into an empty log."""
    tally = Tally()
    many = tuple(plain(place % PEOPLE, 60, 0) for place in range(10_000))
    reserve(tally, many, START)
    assert tally.rows == 10_000


def test_only_what_was_counted_in_that_second_is_given_back() -> None:
    """Another second, sender or person changes nothing."""
    tally, one = Tally(), (plain(0, 60, 1),)
    reserve(tally, one, START)
    for use, person, at_s in ((0, 0, START + 1), (1, 0, START), (0, 1, START)):
        which = np.array([use], np.intp)
        tally.void(USES, which, HANDLES[person : person + 1], np.array([at_s], np.uint32))
    assert reserve(tally, one, START + 1) == [ALL]
    tally.void(USES, np.zeros(1, np.intp), HANDLES[:1], np.array([START], np.uint32))
    assert reserve(tally, one, START + 1) == [(False,) * 3]


def test_what_a_later_cap_stops_uses_up_no_earlier_one() -> None:
    """One a day by signature, two by group: another shop of the group may still send."""
    tally = Tally()
    first = Count(0, 0, (60,) * 3, (0, 2, 1), True)
    other = first._replace(use=1)
    assert reserve(tally, (first, first, other), START) == [
        (False, False, False),
        (False, False, True),
        (False, False, False),
    ]


def test_a_cap_that_binds_nobody_is_told_and_counted() -> None:
    """Its rule is off: what is over it goes, and counts."""
    tally, one = Tally(), (plain(0, 60, 1),)
    none = (False, False, False)
    assert reserve(tally, one * 2, START, none) == [(False,) * 3, ALL]
    assert tally.rows == 2


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"no archive"])
def test_a_damaged_log_is_refused(tmp_path: Path, damage: bytes) -> None:
    """A foreign or cut file is an error, not an empty log."""
    tally = Tally()
    reserve(tally, (plain(0, 60, 1),), START)
    tally.save(tmp_path)
    (tmp_path / "tally.npz").write_bytes(damage)
    with pytest.raises((OSError, ValueError)):
        Tally().load(tmp_path)


@pytest.mark.parametrize("marks", [np.ones(2, np.uint32), np.full(3, 2, np.uint32)])
def test_a_log_whose_columns_do_not_fit_is_refused(
    tmp_path: Path, marks: NDArray[np.uint32]
) -> None:
    """Half a row is nobody's message, and a mark without scopes counts under nothing."""
    np.savez(
        tmp_path / "tally.npz",
        times=np.ones(3, np.uint32),
        owners=np.ones(3, np.uint64),
        marks=marks,
        scopes=np.array([["c:a", "h:one", "k:x"]]),
        window_s=np.array([60]),
    )
    with pytest.raises(ValueError, match="tally"):
        Tally().load(tmp_path)
