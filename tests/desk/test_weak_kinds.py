"""A year of consents, sound ones and every weak kind: the gate tells them all apart."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any, Final, NamedTuple

import msgspec
import pytest
from test_prove import MORNING, World, to, world

from qingjing.desk import capture, consent, send, wordings
from qingjing.desk.consent import Terms
from qingjing.desk.entries import told
from qingjing.desk.grade import Case, grade
from qingjing.desk.ports import Transaction
from qingjing.kernel import facts as f
from qingjing.kernel.batch import names
from qingjing.kernel.words import Category, PartyRole, Phone, Verdict

DAY: Final = 86_400_000
PEOPLE: Final = 1_500
SOUND: Final = ("captured", "paper", "replied", "requested", "confirmed")
WEAK: Final = {
    "default": "grounds_explicit",
    "pre_ticked": "grounds_explicit",
    "bundled": "grounds_explicit",
    "silence": "grounds_explicit",
    "not_shown": "grounds_shown",
    "other_purpose": "grounds_for_category",
    "other_merchant": "grounds_present",
    "expired": "grounds_unexpired",
    "back_dated": "grounds_before_send",
    "no_box": "grounds_explicit",
}
WORDS: Final = "我同意接收青禾商城的促销短信,每月不超过2条,有效期一年"
TERMS: Final = Terms(
    sender="qinghe",
    purposes=("retail",),
    act="ticked",
    shown="9f86",
    term_days=365,
    per_count=2,
    per_days=30,
)


class Planted(NamedTuple):
    """One person with one consent of one kind, given so many days ago."""

    phone: Phone
    kind: str
    ago: int


def plan(seed: int) -> list[Planted]:
    """Every kind often, on days all over the year; a number a person."""
    chance = random.Random(seed)
    kinds = (*SOUND, *WEAK)
    people = [
        Planted(
            Phone(13_800_000_000 + place),
            kinds[place % len(kinds)],
            chance.randrange(1, 360),
        )
        for place in range(PEOPLE)
    ]
    # In the order in which it happened; what expired is older than its term.
    people = [
        one._replace(ago=one.ago + 366) if one.kind == "expired" else one for one in people
    ]
    return sorted(people, key=lambda one: -one.ago)


def enter(made: World, t: Transaction, one: Planted, wording: str) -> None:
    """The consent, through the verb by which such a thing comes in."""
    terms, door = TERMS, "web"
    changes: dict[str, Any] = {
        "default": {"act": "default"},
        "bundled": {"act": "bundled"},
        "silence": {"act": "silent"},
        "not_shown": {"shown": ""},
        "other_purpose": {"purposes": ("finance", "travel")},
        "other_merchant": {"sender": "m2", "purposes": ("any",)},
        "replied": {"act": "replied"},
        "requested": {"act": "requested", "shown": ""},
        "confirmed": {"act": "confirmed"},
    }
    digits = one.phone.digits
    if one.kind in ("captured", "pre_ticked", "no_box"):
        token = f"{one.phone + 0:032x}"
        if one.kind != "no_box":
            empty = one.kind == "captured"
            capture.show(made.ledger, t, token, wording, door="app", empty=empty)
        capture.act(made.ledger, t, digits, wording, token=token, door="app")
    elif one.kind == "paper":
        capture.paper(
            made.ledger,
            t,
            digits,
            wording,
            given_at=told(t.at - 60_000),
            door="paper",
            file_hash="ab" * 32,
        )
    else:
        terms = msgspec.structs.replace(terms, **changes.get(one.kind, {}))
        at = told(t.at - 60_000)
        consent.record(made.ledger, t, digits, terms, given_at=at, door=door)


def lived(people: list[Planted]) -> World:
    """The year, day by day; what is back-dated comes into the log after the send alone."""
    made = world()
    merchant = f.PartyRegistered(
        party="m2", name="m2", role=PartyRole.MERCHANT, credit_code="", group="g-qinghe"
    )
    start = MORNING - 800 * DAY
    made.act(lambda t: t.append(merchant), start)
    worded = made.act(
        lambda t: wordings.state(
            made.ledger,
            t,
            "year",
            "qinghe",
            WORDS,
            ("retail",),
            per_count=2,
            per_days=30,
            term_days=365,
        ),
        start,
    )
    for ago in sorted({one.ago for one in people}, reverse=True):
        today = [one for one in people if one.ago == ago and one.kind != "back_dated"]

        def verb(t: Transaction, today: list[Planted] = today) -> None:
            for one in today:
                enter(made, t, one, worded.wording)

        made.act(verb, MORNING - ago * DAY)
    return made


def back_date(made: World, people: list[Planted], at: int) -> None:
    """Consents that say they are old and are recorded now."""

    def verb(t: Transaction) -> None:
        for one in people:
            when = told(MORNING - one.ago * DAY)
            consent.record(made.ledger, t, one.phone.digits, TERMS, given_at=when, door="web")

    made.act(verb, at)


def decided(made: World, people: list[Planted], at: int) -> dict[Phone, tuple[str, ...]]:
    """The gate's reasons for a promotion to each of them."""
    submits = [to(one.phone) for one in people]
    rows = made.act(lambda t: send.decide(made.desk, submits, t), at).rows
    assert ((rows["verdict"] == Verdict.PASS) == (rows["reasons"] == 0)).all()
    return {
        one.phone: names(int(row["reasons"])) for one, row in zip(people, rows, strict=True)
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_weak_consent_grounds_a_message_and_every_valid_one_does(seed: int) -> None:
    """And each weak one is refused for what is wrong with it, and nothing else."""
    people = plan(seed)
    made = lived(people)
    reasons = decided(made, people, MORNING)

    expected = {one.phone: (WEAK[one.kind],) if one.kind in WEAK else () for one in people}
    # What is not in the log yet is not there at all.
    expected |= {one.phone: ("grounds_present",) for one in people if one.kind == "back_dated"}
    wrong = {one.kind for one in people if reasons[one.phone] != expected[one.phone]}
    assert wrong == set()
    counts = Counter(one.kind for one in people)
    assert set(counts) == {*SOUND, *WEAK}
    assert min(counts.values()) == PEOPLE // len(counts)


def test_what_was_back_dated_after_the_send_does_not_ground_it_afterwards() -> None:
    """The send of the morning stays without grounds, whatever the record says at noon."""
    people = [one for one in plan(4) if one.kind == "back_dated"]
    made = lived(people)
    before = decided(made, people, MORNING)
    back_date(made, people, MORNING + 3_600_000)
    assert set(before.values()) == {("grounds_present",)}

    for one in people:
        person = made.ledger.find(one.phone)
        (grounds,) = made.ledger.standings.person(person.handle, "qinghe", "g-qinghe").grounds
        case = Case(
            grounds=grounds,
            agreed_with="qinghe",
            sender="qinghe",
            category_bit=Category.RETAIL.bit,
            at=MORNING,
        )
        graded = grade(case)
        assert [c.name for c in graded.lacking if c.binding] == ["in_log_before"]
