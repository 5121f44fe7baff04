"""The bulk look-up says what the probe and the fold say, for every person."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qingjing.kernel import facts as f
from qingjing.kernel.fold import fold_columns
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Act, Category, Door, NumberState, Phone, ReplyMeaning
from qingjing.ledger import bulk, keyhash
from qingjing.ledger.index import Index
from qingjing.ledger.keyhash import HandleKey
from qingjing.ledger.standings import StandingsFold
from qingjing.ledger.terms import TermsTable

PEOPLE = 8
PHONES = np.arange(13800138000, 13800138000 + PEOPLE, dtype=np.uint64)
NOW = 1_795_492_800_000


class Scopes(NamedTuple):
    """Sender and group of each message, as the desk gives them."""

    senders: tuple[str, ...]
    groups: tuple[str, ...]
    which: np.ndarray[tuple[int], np.dtype[np.intp]]


@st.composite
def facts(draw: st.DrawFn) -> list[tuple[int, str, dict[str, Any]]]:
    """What happens to some persons: consents of every kind, refusals, replies, notes."""
    person = st.integers(0, PEOPLE - 1)
    moment = st.sampled_from([NOW - 400 * 86_400_000, NOW - 86_400_000, NOW - 1000, NOW + 5000])
    consent = st.fixed_dictionaries(
        {
            "sender": st.sampled_from(["a", "b"]),
            "purposes": st.sampled_from([Category.RETAIL.bit, Category.FINANCE.bit, 0xFFFF]),
            "act": st.sampled_from(list(Act)),
            "given_at": moment,
            "shown": st.sampled_from(["", "proof"]),
            "term_s": st.sampled_from([0, 3600, 365 * 86_400]),
        }
    )
    group = st.sampled_from(["g", "h", f.ALL_GROUPS])
    step = st.one_of(
        st.tuples(person, st.just("consent"), consent),
        st.tuples(
            person, st.sampled_from(["refuse", "lift"]), st.fixed_dictionaries({"group": group})
        ),
        st.tuples(person, st.just("unclear"), st.fixed_dictionaries({"group": st.just("g")})),
        st.tuples(
            person,
            st.just("number"),
            st.fixed_dictionaries({"state": st.sampled_from(list(NumberState)[:3])}),
        ),
    )
    return draw(st.lists(step, max_size=40))


def fact(kind: str, handle: int, values: dict[str, Any]) -> f.Fact:
    """The fact of one step."""
    who: dict[str, Any] = {"person": bytes(16), "handle": handle}
    match kind:
        case "consent":
            return f.ConsentRecorded(**who, **values, door=Door.APP)
        case "refuse":
            return f.RefusalRecorded(**who, **values, door=Door.REPLY)
        case "lift":
            return f.RefusalLifted(**who, **values, door=Door.APP)
        case "unclear":
            return f.ReplyHeard(
                **who,
                **values,
                port="1069",
                meaning=ReplyMeaning.UNCLEAR,
                words=b"",
            )
        case _:
            return f.NumberNoted(**who, **values, source="carrier")


@settings(max_examples=150, deadline=None)
@given(facts())
def test_a_list_is_looked_up_as_the_gate_would_probe_and_fold(
    steps: list[tuple[int, str, dict[str, Any]]],
) -> None:
    """Grounds and number state agree for every person, sender, group and category."""
    standings = StandingsFold(bytes(range(16)), None)
    for position, (person, kind, values) in enumerate(steps, 1):
        handle = standings.handle(Phone(int(PHONES[person])))
        at = NOW - 2_000_000 + position
        standings.apply(f.Recorded(position, at, fact(kind, handle, values)))
    cases = itertools.product(
        (("a", "g"), ("b", "h")),
        (Category.RETAIL, Category.FINANCE),
        (NOW, NOW - 2_000_000 + len(steps) // 2),  # later than all facts, and in their midst
    )
    for (sender, group), category, at in cases:
        known = standings.look_up(PHONES, sender, group, category.bit, at)
        scopes = Scopes((sender,), (group,), np.zeros(PEOPLE, np.intp))
        found = standings.probe(standings.handles(PHONES), scopes)
        bits = np.full(PEOPLE, category.bit)
        state, _row = fold_columns(standings.terms, *found[:2], *found[3:], bits, at)
        assert known.grounds.tolist() == state.tolist()
        assert known.number.tolist() == found.number.tolist()


def said(index: Index, terms: TermsTable, handles: np.ndarray[Any, np.dtype[np.uint64]]) -> Any:
    """What the probe and the fold say of these persons towards sender a of group g."""
    scopes = Scopes(("a",), ("g",), np.zeros(handles.size, np.intp))
    refused, rows, given_s = index.probe(handles, scopes)
    bits, clear = np.ones(handles.size, np.int64), np.zeros(handles.size, np.bool_)
    return fold_columns(terms.rows, refused, clear, rows, given_s, bits, 100_000)[0]


@pytest.mark.parametrize("people", [500, 682, 4_096, 150_000])
def test_full_lines_hide_nobody(people: int, tmp_path: Path) -> None:
    """Tables filled to their limit, in which whole lines overflow into the next, several
    consents and refusals of a person, and strangers: also after a save and a load."""
    draw, key = np.random.default_rng(people), HandleKey(bytes(range(16)))
    numbers = np.arange(13100000000, 13100000000 + 2 * people, dtype=np.uint64)
    handles, terms, index = keyhash.handles(key, numbers), TermsTable(), Index(key)
    terms.add([(1, row * 99_999, 9 * row, 1 + row // 3, 0, 0, row, True) for row in range(4)])
    for row in range(4):
        some = draw.permutation(handles[:people])[: people // (1 + row)]
        index.add(some, "a", row, draw.integers(1, 200, some.size).astype(np.uint32))
    for group in ("g", "h", f.ALL_GROUPS):
        refusing = draw.permutation(handles)[: people // 2]
        index.refuse_many(refusing, group, 50)
        for handle in refusing[:100].tolist():
            index.lift(handle, group)

    loaded = Index(key)
    index.save(tmp_path)
    loaded.load(tmp_path)

    for one in (index, loaded):
        known = bulk.look_up(one.campaign("a", "g"), terms.rows, numbers, 1, 100_000)
        assert np.array_equal(known.grounds, said(one, terms, handles))
        assert set(known.grounds.tolist()) >= {
            GroundsState.CONSENT,
            GroundsState.NONE,
            GroundsState.REFUSED,
            GroundsState.EXPIRED,
            GroundsState.LATE,
        }


def test_whoever_must_be_looked_up_apart_is_found_in_a_long_list() -> None:
    """Unclear replies and noted numbers: the same in one long list and in short ones, and a
    later word of the person is heeded at once."""
    standings = StandingsFold(bytes(range(16)), None)
    phones = np.arange(13700000000, 13700000000 + 40_000, dtype=np.uint64)
    consent = {"sender": "a", "purposes": 0xFFFF, "act": Act.TICKED, "given_at": 1000}
    turns: list[tuple[str, dict[str, Any]]] = [
        ("unclear", {"group": "g"}),
        ("number", {"state": NumberState.RECYCLED}),
        ("consent", consent | {"shown": "proof"}),
    ]
    for position, place in enumerate(range(0, phones.size, 100), 1):
        kind, values = turns[place // 100 % 3]
        handle = standings.handle(Phone(int(phones[place])))
        standings.apply(f.Recorded(position, NOW - 1000, fact(kind, handle, values)))

    def looked_up(size: int) -> list[int]:
        parts = [phones[start : start + size] for start in range(0, phones.size, size)]
        known = [standings.look_up(part, "a", "g", 1, NOW) for part in parts]
        return [
            int(x) for one in known for x in (one.grounds.astype(np.int64) * 8 + one.number)
        ]

    whole = looked_up(phones.size)
    assert whole == looked_up(1_000)
    assert whole[0] == GroundsState.UNCLEAR * 8
    assert whole[100] == GroundsState.NONE * 8 + NumberState.RECYCLED
    assert whole[200] == GroundsState.CONSENT * 8

    refusal = fact("refuse", standings.handle(Phone(int(phones[0]))), {"group": "g"})
    standings.apply(f.Recorded(1000, NOW, refusal))
    assert looked_up(phones.size)[0] == GroundsState.REFUSED * 8
