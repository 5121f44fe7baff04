"""Whoever offers much waits for itself, and nobody waits for it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from qingjing.desk.fair import FairQueue
from qingjing.doors.gateway.dialect import Caller, Offer
from qingjing.doors.gateway.inbox import Inbound, Inbox
from qingjing.settings import Limits

SMALL = Limits(inbox_max=4, batch_max=6, queue_max=6, patience_s=5)


class Held:
    """Remembers who is held."""

    def __init__(self) -> None:
        self.now: dict[str, bool] = {}

    def __call__(self, account: str, held: bool) -> None:
        """Note it."""
        self.now[account] = held


def offered(account: str, token: int = 0, *, numbers: int = 1, since: int = 0) -> Inbound:
    """One offer to some numbers."""
    source: Any = None
    offer = Offer(("1",) * numbers, "", "", b"", "", None, False, b"")
    return Inbound(source, token, Caller(account, "party", {}), offer, since)


def accounts(taken: list[Inbound]) -> Counter[str]:
    """How many of each account."""
    return Counter(inbound.caller.account for inbound in taken)


def test_a_turn_takes_from_all_accounts_alike() -> None:
    """A campaign of one account leaves room for the few of another, and goes on after."""
    inbox = Inbox(SMALL, {}, Held())
    for token in range(20):
        inbox.put(offered("big", token))
    inbox.put(offered("small", 100))
    assert accounts(inbox.take({}, 0)) == {"big": 3, "small": 1}
    assert [one.token for one in inbox.take({}, 0)] == [3, 4, 5, 6, 7, 8]


def test_an_account_whose_messages_wait_for_a_carrier_is_not_taken_from() -> None:
    """Its offers wait; another's do not."""
    inbox = Inbox(SMALL, {}, Held())
    for account in ("slow", "quick"):
        for token in range(3):
            inbox.put(offered(account, token))
    assert accounts(inbox.take({"slow": 6}, 0)) == {"quick": 3}
    assert accounts(inbox.take({"slow": 5}, 0)) == {"slow": 1}
    assert len(inbox) == 2


def test_a_rate_is_kept_in_parts_and_saved_up_for_one_second() -> None:
    """Two parts a second: a submit to three numbers is paid for by the next seconds."""
    inbox = Inbox(SMALL, {"a": 2}, Held())
    for token in range(4):
        inbox.put(offered("a", token, numbers=3 if token == 0 else 1))
    assert [x.token for x in inbox.take({}, 0)] == [0]
    assert inbox.take({}, 400) == []
    assert [x.token for x in inbox.take({}, 1000)] == [1]
    assert [x.token for x in inbox.take({}, 60_000)] == [2, 3]


def test_a_clock_set_back_gives_no_rate_away() -> None:
    """Nothing is saved up by time that did not pass."""
    inbox = Inbox(SMALL, {"a": 1}, Held())
    for token in range(3):
        inbox.put(offered("a", token, since=10_000))
    assert len(inbox.take({}, 10_000)) == 1
    assert inbox.take({}, 0) == []
    assert len(inbox.take({}, 1_000)) == 1


def test_an_account_with_many_waiting_is_read_no_further_until_half_is_gone() -> None:
    """Only that account's connections are held."""
    held = Held()
    inbox = Inbox(SMALL, {}, held)
    for token in range(4):
        inbox.put(offered("a", token))
    inbox.put(offered("b"))
    assert held.now == {"a": True}
    inbox.take({"a": 5}, 0)
    assert held.now == {"a": True}
    inbox.take({}, 0)
    assert held.now == {"a": False}


def test_who_cannot_be_held_is_turned_away_in_the_end() -> None:
    """Twice what is read from a connection."""
    inbox = Inbox(SMALL, {}, Held())
    assert not inbox.full("a")
    for token in range(8):
        assert not inbox.full("a")
        inbox.put(offered("a", token))
    assert inbox.full("a")
    assert not inbox.full("b")


def test_what_waited_too_long_is_given_back_to_be_told() -> None:
    """Oldest first; what is younger stays."""
    inbox = Inbox(SMALL, {}, Held())
    for since in (0, 1, 9_000):
        inbox.put(offered("a", since, since=since))
    assert [x.token for x in inbox.overdue(5_001)] == [0]
    assert [x.token for x in inbox.overdue(6_000)] == [1]
    assert len(inbox) == 1


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), max_size=40),
    st.integers(0, 12),
)
def test_accounts_take_turns_in_a_queue_and_nothing_is_lost(
    things: list[tuple[str, int]], room: int
) -> None:
    """Each account's things keep their order; nobody gets two before another's one."""
    queue: FairQueue[tuple[str, int, int]] = FairQueue()
    for place, (account, cost) in enumerate(things):
        queue.put(account, (account, cost, place))
    first, left = queue.take(room, lambda thing: thing[1])
    assert sum(cost for _, cost, _ in first) == room - left <= room
    everything = first + queue.take(1 << 30, lambda thing: thing[1])[0]
    assert len(queue) == 0
    assert sorted(place for *_, place in everything) == list(range(len(things)))
    for account in "abc":
        places = [place for name, _, place in everything if name == account]
        assert places == sorted(places)
    counts = Counter(name for name, *_ in things)
    for end in range(len(first)):
        seen = Counter(name for name, *_ in first[: end + 1])
        for name, count in counts.items():
            assert seen[name] >= min(count, max(seen.values(), default=0) - 1)
