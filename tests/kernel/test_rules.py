"""One case a rule in which it fires and no other does, and a message that makes the case."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec import structs

import qingjing
from qingjing.kernel.dossier import Counts, Dossier, Message, TextView, declared_kind, reduce
from qingjing.kernel.gate import Decision, decide, hits, rules_of
from qingjing.kernel.register import FOREVER, Lane
from qingjing.kernel.rulebook import Rulebook, read_rulebook
from qingjing.kernel.rules import BY_NAME, RULES
from qingjing.kernel.standing import Grounds
from qingjing.kernel.vector import (
    AskingState,
    ChainState,
    GapState,
    GroundsState,
    HourState,
    IdentityState,
    LinkState,
    NoticeState,
    Over,
    PortState,
    ScopeState,
    SenderState,
    SignatureState,
    Vector,
    case_number,
)
from qingjing.kernel.words import Act, Carrier, Category, Kind, NumberState, Verdict

BOOK: Final = read_rulebook(
    (Path(qingjing.__file__).parent / "rulebooks" / "order74-2026.toml").read_text(
        encoding="utf-8"
    )
)
NOON: Final = int(
    datetime(2026, 6, 1, 12, tzinfo=timezone(timedelta(hours=8))).timestamp() * 1000
)
HOUR_MS: Final = 3_600_000

SOUND: Final = Vector(Kind.COMMERCIAL, Kind.COMMERCIAL, GroundsState.CONSENT)
"""A commercial message with a consent and nothing against it."""

ONLY: Final[dict[str, dict[str, Any]]] = {
    "illegal_content": {"read": Kind.ILLEGAL},
    "dossier_complete": {"gap": GapState.SOME},
    "sender_known": {"sender": SenderState.UNKNOWN},
    "sender_free": {"sender": SenderState.SUSPENDED},
    "port_known": {"port": PortState.UNKNOWN},
    "port_granted": {"port": PortState.NOT_GRANTED},
    "port_valid": {"port": PortState.EXPIRED},
    "port_filed": {"port": PortState.NOT_FILED},
    "kind_in_scope": {"scope": ScopeState.FORBIDDEN},
    "signature_present": {"signature": SignatureState.ABSENT},
    "signature_registered": {"signature": SignatureState.UNREGISTERED},
    "signature_in_scope": {"signature": SignatureState.OUT_OF_SCOPE},
    "signature_filed": {"signature": SignatureState.NOT_FILED},
    "chain_declared": {"chain": ChainState.UNDECLARED},
    "number_valid": {"number": NumberState.INVALID},
    "number_assigned": {"number": NumberState.EMPTY},
    "number_same_person": {"number": NumberState.RECYCLED},
    "not_refused": {"grounds": GroundsState.REFUSED},
    "refusal_clear": {"grounds": GroundsState.UNCLEAR},
    "grounds_present": {"grounds": GroundsState.NONE},
    "grounds_explicit": {"grounds": GroundsState.NOT_EXPLICIT},
    "grounds_shown": {"grounds": GroundsState.NOT_SHOWN},
    "grounds_for_category": {"grounds": GroundsState.OTHER_CATEGORY},
    "grounds_unexpired": {"grounds": GroundsState.EXPIRED},
    "grounds_before_send": {"grounds": GroundsState.LATE},
    "consent_frequency": {"consent_frequency": Over.YES},
    "house_cap": {"house_cap": Over.YES},
    "carrier_cap": {"carrier_cap": Over.YES},
    "quiet_hours": {"hour": HourState.QUIET},
    "notice_present": {"notice": NoticeState.MISSING},
    "notice_usable": {"notice": NoticeState.UNUSABLE},
    "identity_shown": {"identity": IdentityState.MISSING},
    "kind_honest": {"declared": Kind.SERVICE},
    "kind_clear": {
        "declared": Kind.UNCLEAR,
        "read": Kind.UNCLEAR,
    },
    "asking_complete": {"read": Kind.ASKING, "asking": AskingState.INCOMPLETE},
    "asking_once": {"read": Kind.ASKING, "asking": AskingState.REPEATED},
    "links_accepted": {"link": LinkState.FORBIDDEN},
}
"""What to change of the sound case so that exactly this rule fires."""

LANE: Final = Lane(
    submitter="shop",
    sender="shop",
    group="holding",
    port="106900001234",
    signature="示例商城",
    carrier=Carrier.MOBILE,
    grant="g1",
    kinds=0xFF,
    sender_state=SenderState.OK,
    port_state=PortState.OK,
    signature_state=SignatureState.OK,
    chain_state=ChainState.OK,
    facts=(1, 2, 3),
    until=FOREVER,
)
CONSENT: Final = Grounds(
    position=7,
    recorded_at=NOON - 86_400_000,
    given_at=NOON - 86_400_000,
    act=Act.TICKED,
    purposes=Category.RETAIL.bit,
    shown=True,
    term_s=0,
    per_count=2,
    per_days=30,
)
MESSAGE: Final = Message(
    message=1,
    submitted_at=NOON,
    declared=Kind.COMMERCIAL,
    text=TextView(
        kind=Kind.COMMERCIAL, category=Category.RETAIL, signature="示例商城", notice="R"
    ),
)
DOSSIER: Final = Dossier(position=99, lane=LANE, grounds=(CONSENT,))

TEXT, ROAD, RECORD, SAYS = "text", "lane", "dossier", "message"
MADE_BY: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "illegal_content": (TEXT, {"kind": Kind.ILLEGAL}),
    "dossier_complete": (RECORD, {"gaps": ("standing",)}),
    "sender_known": (ROAD, {"sender_state": SenderState.UNKNOWN}),
    "sender_free": (ROAD, {"sender_state": SenderState.SUSPENDED}),
    "port_known": (ROAD, {"port_state": PortState.UNKNOWN}),
    "port_granted": (ROAD, {"port_state": PortState.NOT_GRANTED}),
    "port_valid": (ROAD, {"port_state": PortState.EXPIRED}),
    "port_filed": (ROAD, {"port_state": PortState.NOT_FILED}),
    "kind_in_scope": (ROAD, {"kinds": 1 << Kind.SERVICE | 1 << Kind.VERIFICATION}),
    "signature_present": (ROAD, {"signature_state": SignatureState.ABSENT}),
    "signature_registered": (ROAD, {"signature_state": SignatureState.UNREGISTERED}),
    "signature_in_scope": (ROAD, {"signature_state": SignatureState.OUT_OF_SCOPE}),
    "signature_filed": (ROAD, {"signature_state": SignatureState.NOT_FILED}),
    "chain_declared": (ROAD, {"chain_state": ChainState.UNDECLARED}),
    "number_valid": (RECORD, {"number": NumberState.INVALID}),
    "number_assigned": (RECORD, {"number": NumberState.EMPTY}),
    "number_same_person": (RECORD, {"number": NumberState.RECYCLED}),
    "not_refused": (RECORD, {"refused": True}),
    "refusal_clear": (RECORD, {"unclear": True}),
    "grounds_present": (RECORD, {"grounds": ()}),
    "grounds_explicit": (RECORD, {"grounds": (structs.replace(CONSENT, act=Act.BUNDLED),)}),
    "grounds_shown": (RECORD, {"grounds": (structs.replace(CONSENT, shown=False),)}),
    "grounds_for_category": (TEXT, {"category": Category.FINANCE}),
    "grounds_unexpired": (RECORD, {"grounds": (structs.replace(CONSENT, term_s=60),)}),
    "grounds_before_send": (
        RECORD,
        {"grounds": (structs.replace(CONSENT, recorded_at=NOON + 1),)},
    ),
    "consent_frequency": (RECORD, {"counts": Counts(consent=2)}),
    "house_cap": (RECORD, {"counts": Counts(house=BOOK.house_cap.count)}),
    "carrier_cap": (RECORD, {"counts": Counts(carrier=10)}),
    "quiet_hours": (SAYS, {"submitted_at": NOON + 9 * HOUR_MS}),
    "notice_present": (TEXT, {"notice": ""}),
    "notice_usable": (TEXT, {"notice_usable": False}),
    "identity_shown": (TEXT, {"identity": False}),
    "kind_honest": (SAYS, {"declared": Kind.VERIFICATION}),
    "asking_complete": (TEXT, {"kind": Kind.ASKING, "asking_complete": False}),
    "links_accepted": (TEXT, {"links": True}),
}
"""What to change of the sound message, its path or its dossier; two need more than that."""


def decided(
    message: Message = MESSAGE, dossier: Dossier = DOSSIER, book: Rulebook = BOOK
) -> Decision:
    """The gate's answer."""
    return decide(message, dossier, book)


def changed(part: str, changes: dict[str, Any]) -> tuple[Message, Dossier]:
    """The sound message with something changed in one of its parts."""
    match part:
        case "text":
            text = structs.replace(MESSAGE.text, **changes)
            return structs.replace(MESSAGE, text=text), DOSSIER
        case "lane":
            return MESSAGE, structs.replace(DOSSIER, lane=structs.replace(LANE, **changes))
        case "dossier":
            return MESSAGE, structs.replace(DOSSIER, **changes)
        case _:
            return structs.replace(MESSAGE, **changes), DOSSIER


def at_carrier(carrier: Carrier) -> Dossier:
    """The sound dossier on another network."""
    return structs.replace(DOSSIER, lane=structs.replace(LANE, carrier=carrier))


def test_every_rule_has_its_case() -> None:
    """A rule without a case here is not finished; the cases stand in policy order."""
    assert set(ONLY) == set(BY_NAME)
    assert set(BY_NAME) - set(MADE_BY) == {"kind_clear", "asking_once"}


def test_nothing_stands_against_the_sound_case() -> None:
    """The vector of the sound message is the sound case, and it passes."""
    assert hits(SOUND, BOOK) == ()
    assert reduce(MESSAGE, DOSSIER, BOOK) == SOUND


@pytest.mark.parametrize("name", ONLY)
def test_there_is_a_case_in_which_exactly_this_rule_fires(name: str) -> None:
    """No rule hides behind another one."""
    # An asking message is declared as one: under another declaration it would be disguised.
    vector = SOUND._replace(**ONLY[name])
    if vector.read is Kind.ASKING:
        vector = vector._replace(declared=Kind.ASKING)

    assert [rule.name for rule in hits(vector, BOOK)] == [name]


@pytest.mark.parametrize("name", MADE_BY)
def test_a_message_meets_exactly_this_rule(name: str) -> None:
    """What was read, looked up or counted reaches the rule that it concerns."""
    message, dossier = changed(*MADE_BY[name])
    dossier = at_carrier(Carrier.TELECOM) if name == "links_accepted" else dossier
    message = (
        structs.replace(message, declared=Kind.ASKING)
        if message.text.kind is Kind.ASKING
        else message
    )

    assert decided(message, dossier).reasons == (name,)


def test_a_person_is_asked_once() -> None:
    """Asked before and silent since: the same question is not put again."""
    text = structs.replace(MESSAGE.text, kind=Kind.ASKING)
    asking = structs.replace(MESSAGE, declared=Kind.ASKING, text=text)
    stranger = structs.replace(DOSSIER, grounds=())
    asked = structs.replace(stranger, asked=True)

    assert decided(asking, stranger).verdict is Verdict.PASS
    assert decided(asking, asked).reasons == ("asking_once",)


def test_a_message_of_unclear_kind_waits_whatever_the_person_agreed_to() -> None:
    """Not knowing what it is never makes it leave."""
    text = structs.replace(MESSAGE.text, kind=Kind.UNCLEAR)
    unclear = structs.replace(MESSAGE, declared=Kind.UNCLEAR, text=text)
    mixed = structs.replace(LANE, kinds=(1 << Kind.COMMERCIAL) | (1 << Kind.SERVICE))
    waits = decided(unclear, structs.replace(DOSSIER, lane=mixed))

    assert (waits.verdict, waits.reasons) == (Verdict.HOLD, ("kind_clear",))


def test_a_path_for_marketing_alone_declares_what_nobody_declared() -> None:
    """An asking is one there, and everything else commercial: the strictest rules apply."""
    lane = structs.replace(LANE, kinds=(1 << Kind.COMMERCIAL) | (1 << Kind.ASKING))
    text = structs.replace(MESSAGE.text, kind=Kind.UNCLEAR)
    message = structs.replace(MESSAGE, declared=Kind.UNCLEAR, text=text)

    assert declared_kind(Kind.UNCLEAR, Kind.ASKING, lane) is Kind.ASKING
    assert declared_kind(Kind.UNCLEAR, Kind.SERVICE, lane) is Kind.COMMERCIAL
    assert decided(message, structs.replace(DOSSIER, lane=lane)).verdict is Verdict.PASS


def test_a_verification_code_leaves_at_night_to_a_person_who_refused() -> None:
    """A refusal stops marketing and nothing else."""
    text = structs.replace(MESSAGE.text, kind=Kind.VERIFICATION, notice="", identity=False)
    code = structs.replace(
        MESSAGE, declared=Kind.VERIFICATION, submitted_at=NOON + 14 * HOUR_MS, text=text
    )
    refused = structs.replace(
        DOSSIER, refused=True, grounds=(), counts=Counts(consent=9, house=9, carrier=99)
    )

    assert decided(code, refused).verdict is Verdict.PASS


def test_china_unicom_takes_no_code_without_the_notice() -> None:
    """Its wording is asked of every text: 回T退订 is another wording."""
    text = structs.replace(MESSAGE.text, kind=Kind.VERIFICATION)
    code = structs.replace(MESSAGE, declared=Kind.VERIFICATION, text=text)
    for notice, reasons in (("R", ()), ("T", ("notice_present",)), ("", ("notice_present",))):
        message = structs.replace(code, text=structs.replace(text, notice=notice))

        assert decided(message, at_carrier(Carrier.UNICOM)).reasons == reasons


@pytest.mark.parametrize(
    ("hours", "reasons"),
    [
        (-4.0, ()),
        (-4.0 - 1 / HOUR_MS, ("quiet_hours",)),
        (9.0, ("quiet_hours",)),
        (9.0 - 1 / HOUR_MS, ()),
    ],
)
def test_marketing_hours_run_from_eight_to_before_nine_at_night(
    hours: float, reasons: tuple[str, ...]
) -> None:
    """To the millisecond, in Beijing."""
    message = structs.replace(MESSAGE, submitted_at=NOON + round(hours * HOUR_MS))

    assert decided(message).reasons == reasons


def test_a_cap_lets_its_count_through_and_not_one_more() -> None:
    """Three a day means a third one and no fourth; a count of zero is no cap."""
    under = structs.replace(DOSSIER, counts=Counts(house=BOOK.house_cap.count - 1))
    free = structs.replace(CONSENT, per_count=0)
    many = structs.replace(DOSSIER, grounds=(free,), counts=Counts(consent=1_000))

    assert decided(dossier=under).verdict is Verdict.PASS
    assert decided(dossier=many).verdict is Verdict.PASS


def test_what_was_not_declared_is_declared_by_a_path_for_one_kind() -> None:
    """A promotion on a port for verification codes alone is disguised, and out of scope."""
    lane = structs.replace(LANE, kinds=1 << Kind.VERIFICATION)
    message = structs.replace(MESSAGE, declared=Kind.UNCLEAR)
    found = decided(message, structs.replace(DOSSIER, lane=lane))

    assert found.reasons == ("kind_in_scope", "kind_honest")


def test_an_unclear_message_on_a_path_for_nothing_is_out_of_scope() -> None:
    """What is allowed nowhere is not allowed because nobody knows what it is."""
    text = structs.replace(MESSAGE.text, kind=Kind.UNCLEAR)
    message = structs.replace(MESSAGE, declared=Kind.UNCLEAR, text=text)
    lane = structs.replace(LANE, kinds=0)

    found = decided(message, structs.replace(DOSSIER, lane=lane))
    assert found.reasons == ("kind_in_scope", "kind_clear")


def test_a_lacking_filing_counts_where_the_carrier_asks_for_it() -> None:
    """Before filing was asked for, nothing was lacking."""
    lane = structs.replace(
        LANE, port_state=PortState.NOT_FILED, signature_state=SignatureState.NOT_FILED
    )
    dossier = structs.replace(DOSSIER, lane=lane)
    rules = tuple(structs.replace(rule, filing=False) for rule in BOOK.carriers)

    assert decided(dossier=dossier).reasons == ("port_filed", "signature_filed")
    assert decided(dossier=dossier, book=structs.replace(BOOK, carriers=rules)).reasons == ()


@pytest.mark.parametrize(("contact", "reasons"), [(True, ()), (False, ("identity_shown",))])
def test_a_book_may_ask_for_a_contact_in_the_text(
    contact: bool, reasons: tuple[str, ...]
) -> None:
    """Then the name of the sender alone is not enough."""
    book = structs.replace(BOOK, identity="contact")
    text = structs.replace(MESSAGE.text, contact=contact)

    assert decided(structs.replace(MESSAGE, text=text), book=book).reasons == reasons


def test_a_carrier_that_asks_for_no_notice_gets_none() -> None:
    """Its rule says so in the book; no shipped book has one."""
    rules = tuple(structs.replace(rule, notice="none") for rule in BOOK.carriers)
    text = structs.replace(MESSAGE.text, notice="", notice_usable=False)
    message = structs.replace(MESSAGE, text=text)

    assert decided(message, book=structs.replace(BOOK, carriers=rules)).reasons == ()


def test_a_decision_says_what_it_rests_on() -> None:
    """Grounds, case, book and how far the ledger had come; reasons come with their rules."""
    passed = decided()
    refused = decided(dossier=structs.replace(DOSSIER, refused=True, grounds=()))

    assert (passed.verdict, passed.grounds, passed.position) == (Verdict.PASS, 7, 99)
    assert (passed.case, passed.rulebook) == (case_number(SOUND), "order74-2026")
    assert (refused.verdict, refused.grounds) == (Verdict.REFUSE, 0)
    assert refused.rules == (BY_NAME["not_refused"],) == rules_of(refused.reasons)


def test_the_severest_reason_decides_and_all_are_told() -> None:
    """A gap alone holds; with a refusal it refuses, and both are named in policy order."""
    gap = structs.replace(DOSSIER, gaps=("caps",))
    both = decided(dossier=structs.replace(gap, refused=True))

    assert decided(dossier=gap).verdict is Verdict.HOLD
    assert both.verdict is Verdict.REFUSE
    assert both.reasons == ("dossier_complete", "not_refused")


def test_the_cases_and_the_policy_speak_of_the_same_fields() -> None:
    """A rule names the fields that it looks at, and its case changes one of them."""
    for rule in RULES:
        assert set(rule.fields) & set(ONLY[rule.name])
