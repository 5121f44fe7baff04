"""Standings: what the facts say of a person, live, folded anew, and in two parts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_facts import (
    ANNA,
    AT,
    BO,
    KEYS,
    ORIGIN,
    Step,
    consent,
    decided,
    known,
    moved,
    party,
    play,
    record,
    refusal,
    reply,
    steps,
    t_fact,
    within,
)

from qingjing.kernel import facts as f
from qingjing.kernel.fold import ABSENT
from qingjing.kernel.rows import Moved
from qingjing.kernel.words import Act, Door, Kind, NumberState, Phone, ReplyMeaning
from qingjing.ledger import check, memory
from qingjing.ledger.core import Ledger
from qingjing.ledger.standings import PersonStanding
from qingjing.ledger.vault import Vault


class Scopes(NamedTuple):
    """Sender and group of each message, as the desk gives them."""

    senders: tuple[str, ...]
    groups: tuple[str, ...]
    which: np.ndarray[tuple[int], np.dtype[np.intp]]


@pytest.fixture
def ledger() -> Ledger:
    """An empty ledger in memory."""
    return memory.open_ledger(Vault(KEYS), origin=ORIGIN)


def of(ledger: Ledger, phone: Phone = ANNA, group: str = "g1") -> PersonStanding:
    """Where a person stands towards sender m1 of a group."""
    return ledger.standings.person(ledger.find(phone).handle, "m1", group)


def noted(ledger: Ledger, state: NumberState) -> f.NumberNoted:
    """A note on Anna's number."""
    person = ledger.find(ANNA)
    return f.NumberNoted(person=person.key, handle=person.handle, state=state, source="c")


def lifted(ledger: Ledger, group: str = "g1") -> f.RefusalLifted:
    """Anna takes a refusal back."""
    person = ledger.find(ANNA)
    return f.RefusalLifted(person=person.key, handle=person.handle, group=group, door=Door.WEB)


def test_a_consent_is_a_candidate_with_its_terms(ledger: Ledger) -> None:
    """What the person agreed to comes back field by field, with the fact it rests on."""
    fact = consent(
        ledger, act=Act.SIGNED, term_s=3600, per_count=4, per_days=30, purposes=0x8002
    )
    (position,) = record(ledger, fact)

    (found,) = of(ledger).grounds

    assert (found.position, found.recorded_at) == (position, AT)
    assert (found.given_at, found.act, found.purposes) == (AT - 60_000, Act.SIGNED, 0x8002)
    assert (found.shown, found.term_s, found.per_count, found.per_days) == (True, 3600, 4, 30)
    assert of(ledger, BO).grounds == ()


def test_the_latest_consents_come_first(ledger: Ledger) -> None:
    """Of several consents the newest is the first candidate."""
    for minutes in (30, 10, 20):
        record(ledger, consent(ledger, given_at=AT - minutes * 60_000))

    given = [(AT - found.given_at) // 60_000 for found in of(ledger).grounds]

    assert given == [10, 20, 30]


def test_terms_beyond_the_table_are_clipped_to_the_stricter_side(ledger: Ledger) -> None:
    """A frequency or term that does not fit never becomes a looser one."""
    record(ledger, consent(ledger, per_count=70_000, per_days=7, term_s=1 << 40, given_at=-5))

    (found,) = of(ledger).grounds

    assert (found.per_count, found.term_s, found.given_at) == (0xFFFF, 0xFFFFFFFF, 1000)


def test_a_refusal_holds_for_the_whole_group_and_no_other(ledger: Ledger) -> None:
    """SAMR Order 37: who refuses a sender refuses all senders under one control."""
    record(ledger, refusal(ledger, group="g1"))

    assert of(ledger, group="g1").refused
    assert not of(ledger, group="g2").refused
    assert not of(ledger, BO).refused


def test_a_refusal_of_all_groups_holds_for_every_group(ledger: Ledger) -> None:
    """One act against everyone; taking one group's refusal back does not end it."""
    record(ledger, refusal(ledger, group=f.ALL_GROUPS), refusal(ledger, group="g1"))
    record(ledger, lifted(ledger, "g1"))

    assert of(ledger, group="g1").refused
    assert of(ledger, group="g2").refused

    record(ledger, lifted(ledger, f.ALL_GROUPS))

    assert not of(ledger, group="g1").refused


def test_a_lifted_refusal_can_be_refused_again(ledger: Ledger) -> None:
    """The last word of the person counts, however often it changes."""
    for _ in range(3):
        record(ledger, refusal(ledger))
        assert of(ledger).refused
        record(ledger, lifted(ledger))
        assert not of(ledger).refused


@pytest.mark.parametrize("clearing", ["refusal", "lift", "opt_out"])
def test_an_unclear_reply_holds_until_a_clear_word_of_that_person(
    ledger: Ledger, clearing: str
) -> None:
    """UNCLEAR holds the group's marketing; a later clear word of the same person ends it."""
    record(ledger, reply(ledger, ReplyMeaning.UNCLEAR))
    assert of(ledger).unclear
    assert not of(ledger, BO).unclear
    assert not of(ledger, group="g2").unclear

    record(ledger, refusal(ledger, BO), refusal(ledger, group="g2"), consent(ledger))
    record(ledger, reply(ledger, ReplyMeaning.HELP))
    assert of(ledger).unclear

    clear: dict[str, f.Fact] = {
        "refusal": refusal(ledger),
        "lift": lifted(ledger),
        "opt_out": reply(ledger, ReplyMeaning.OPT_OUT),
    }
    record(ledger, clear[clearing])
    assert not of(ledger).unclear


@pytest.mark.parametrize("state", [NumberState.EMPTY, NumberState.RECYCLED])
def test_consents_fall_with_the_number(ledger: Ledger, state: NumberState) -> None:
    """Who has the number now never consented; a consent given after the note counts."""
    record(ledger, consent(ledger), consent(ledger, BO), noted(ledger, state))
    assert (of(ledger).number, of(ledger).grounds) == (state, ())
    assert len(of(ledger, BO).grounds) == 1

    (position,) = record(ledger, consent(ledger))
    record(ledger, noted(ledger, NumberState.OK))

    assert of(ledger).number is NumberState.OK
    assert [found.position for found in of(ledger).grounds] == [position]


def test_a_batch_is_probed_like_its_persons(ledger: Ledger) -> None:
    """Columns and single persons give the same answers, message by message."""
    record(
        ledger,
        consent(ledger),
        consent(ledger, act=Act.SIGNED),
        consent(ledger, BO, sender="m2"),
        refusal(ledger, BO, group="g2"),
        reply(ledger, ReplyMeaning.UNCLEAR, BO),
        noted(ledger, NumberState.RECYCLED),
        consent(ledger),
    )
    senders, groups = ("m1", "m2", "m1"), ("g1", "g1", "g2")
    persons = [ledger.find(phone).handle for phone in (ANNA, BO)]
    pairs = [(handle, place) for handle in persons for place in range(3)]
    which = np.array([place for _, place in pairs], dtype=np.intp)
    handles = np.array([handle for handle, _ in pairs], dtype=np.uint64)

    found = ledger.standings.probe(handles, Scopes(senders, groups, which))

    for row, (handle, place) in enumerate(pairs):
        one = ledger.standings.person(handle, senders[place], groups[place])
        terms = found.terms[row][found.terms[row] != ABSENT]
        positions = ledger.standings.terms["position"][terms].tolist()
        assert (found.refused[row], found.unclear[row]) == (one.refused, one.unclear)
        assert found.number[row] == one.number
        assert positions == [grounds.position for grounds in one.grounds]


def test_handles_of_a_batch_are_those_of_each_number(ledger: Ledger) -> None:
    """The batch form and the single form name the same person."""
    numbers = np.array([ANNA, BO], dtype=np.uint64)

    assert ledger.standings.handles(numbers).tolist() == [
        ledger.find(ANNA).handle,
        ledger.find(BO).handle,
    ]


def over(ledger: Ledger, limit: int, cap: int = 0, *, at_s: int = AT // 1000) -> bool:
    """Would one more message to Anna go over a limit a day? Nothing is counted."""
    scopes = ["", "", ""]
    scopes[cap] = ("c:m1", "h:g1", "k:MOBILE:s")[cap]
    return _over(ledger, limit, (scopes[0], scopes[1], scopes[2]), cap, at_s)


def _over(
    ledger: Ledger, limit: int, scopes: tuple[str, str, str], cap: int, at_s: int
) -> bool:
    found = ledger.standings.reserve(
        [scopes],
        np.zeros(1, np.intp),
        np.array([ledger.find(ANNA).handle], np.uint64),
        at_s,
        np.full((3, 1), 86_400, np.uint32),
        np.full((3, 1), limit, np.uint16),
        np.ones(3, np.bool_),
        np.zeros(1, np.bool_),
    )
    return bool(found[cap, 0])


@pytest.mark.parametrize("kind", [Kind.COMMERCIAL, Kind.ASKING])
def test_passed_marketing_counts_under_sender_group_and_signature(
    ledger: Ledger, kind: Kind
) -> None:
    """A decided batch uses up the consent's frequency, the house's and the carrier's cap."""
    position = within(ledger, lambda t: decided(ledger, t, 1, 2, kind=kind))
    ledger.standings.count(t_fact(ledger, position), ledger.batch(position).rows)

    for cap in range(3):
        assert over(ledger, 2, cap)
        assert not over(ledger, 3, cap)
        assert not over(ledger, 2, cap, at_s=AT // 1000 + 90_000)
    assert not _over(ledger, 1, ("c:m2", "", ""), 0, AT // 1000)


def test_other_kinds_count_nowhere(ledger: Ledger) -> None:
    """A verification code uses up no cap."""
    position = within(ledger, lambda t: decided(ledger, t, 1, 2, kind=Kind.VERIFICATION))
    ledger.standings.count(t_fact(ledger, position), ledger.batch(position).rows)

    assert not over(ledger, 1)


def test_a_passed_asking_is_remembered_for_its_topic(ledger: Ledger) -> None:
    """Silence is refusal: the same is not asked twice by the same group."""
    position = within(ledger, lambda t: decided(ledger, t, 1, 1, kind=Kind.ASKING))
    ledger.standings.count(t_fact(ledger, position), ledger.batch(position).rows)
    handles = np.full(3, ledger.find(ANNA).handle, np.uint64)

    asked = ledger.standings.asked(handles, ["g1", "g1", "g2"], np.array([1, 2, 1], np.uint64))

    assert asked.tolist() == [True, False, False]


def test_counts_are_kept_for_as_long_as_any_frequency_looks_back(ledger: Ledger) -> None:
    """Folding many messages anew drops none that a consent's frequency still counts."""
    record(ledger, consent(ledger, per_count=4, per_days=30))
    within(ledger, lambda t: decided(ledger, t, 1, 900), AT)
    within(ledger, lambda t: decided(ledger, t, 1001, 900), AT + 60_000)

    anew = check.rebuild(ledger.store, Vault(KEYS), origin=ORIGIN, folder=None)

    assert over(anew, 1800, at_s=AT // 1000 + 100)
    assert not over(anew, 1801, at_s=AT // 1000 + 100)


def test_a_stopped_message_gives_back_what_it_had_reserved(ledger: Ledger) -> None:
    """What did not leave counts nowhere, also after everything is folded anew."""
    position = within(ledger, lambda t: decided(ledger, t, 1, 3))
    within(ledger, lambda t: moved(t, 2, 3, 999, what=Moved.STOPPED))

    anew = check.rebuild(ledger.store, Vault(KEYS), origin=ORIGIN, folder=None)

    assert position == 1
    assert over(anew, 1)
    assert not over(anew, 2)


def test_released_messages_give_nothing_back(ledger: Ledger) -> None:
    """Only a message that was stopped before it left is given back."""
    within(ledger, lambda t: decided(ledger, t, 1, 2))
    within(ledger, lambda t: moved(t, 1, what=Moved.RELEASED))

    anew = check.rebuild(ledger.store, Vault(KEYS), origin=ORIGIN, folder=None)

    assert over(anew, 2)


@settings(max_examples=25, deadline=None)
@given(chosen=st.lists(steps, max_size=25))
def test_folding_anew_gives_what_was_known_live(chosen: list[Step]) -> None:
    """Projections are a function of the facts: dropped and folded again they are the same."""
    vault, store = Vault(KEYS), memory.MemoryStore()
    live = memory.open_ledger(vault, origin=ORIGIN, store=store)
    play(live, chosen)

    anew = check.rebuild(store, vault, origin=ORIGIN, folder=None)

    assert known(anew) == known(live)


@settings(max_examples=25, deadline=None)
@given(chosen=st.lists(steps, max_size=25), cut=st.integers(0, 25))
def test_folding_a_part_and_then_the_rest_gives_the_whole(chosen: list[Step], cut: int) -> None:
    """A restart between any two transactions is not felt by what comes after."""
    vault, store = Vault(KEYS), memory.MemoryStore()
    whole = memory.open_ledger(vault, origin=ORIGIN)
    play(whole, chosen)
    first = memory.open_ledger(vault, origin=ORIGIN, store=store)
    play(first, chosen[:cut])

    rest = memory.open_ledger(vault, origin=ORIGIN, store=store)
    play(rest, chosen[cut:])

    assert known(rest) == known(whole)
    assert rest.checkpoint(AT) == whole.checkpoint(AT)


def test_the_register_is_folded_from_its_own_history(ledger: Ledger) -> None:
    """Suspension and reinstatement survive among other facts."""
    record(ledger, party("m1"), consent(ledger), f.PartySuspended(party="m1", reason="r"))

    anew = check.rebuild(ledger.store, Vault(KEYS), origin=ORIGIN, folder=None)

    assert anew.register.suspended("m1", AT)
    assert anew.register.position == ledger.register.position == 3
