"""Capture: words come before the showing, the showing before the act, and the log proves it."""

from __future__ import annotations

import hashlib

import msgspec
import pytest
from test_prove import ANNA, BO, MORNING, World, decided, holds, to, world

from qingjing.desk import capture, wordings
from qingjing.desk.capture import SHOWING_MS, Acted
from qingjing.desk.consent import refuse
from qingjing.desk.entries import InputError, moment
from qingjing.desk.wordings import Worded
from qingjing.kernel import facts as f
from qingjing.kernel.words import Act, Door, PartyRole, Phone, Verdict

WORDS = "我同意接收青禾商城的促销短信,每月不超过2条,有效期一年,可随时回复R退订"
TOKEN = "0123456789abcdef0123456789abcdef"
BEFORE = MORNING - 3_600_000


def stated(
    made: World,
    text: str = WORDS,
    *,
    further: tuple[str, ...] = (),
    confirm: bool = False,
    at: int = BEFORE,
) -> Worded:
    """Words with their terms."""
    return made.act(
        lambda t: wordings.state(
            made.ledger,
            t,
            "spring",
            "qinghe",
            text,
            ("retail",),
            per_count=2,
            per_days=30,
            term_days=365,
            further=further,
            confirm=confirm,
        ),
        at,
    )


def show(
    made: World, wording: str, token: str = TOKEN, *, empty: bool = True, at: int = BEFORE
) -> int:
    """The words are shown; the fact's position."""
    return made.act(
        lambda t: capture.show(
            made.ledger, t, token, wording, door="app", empty=empty, device="iOS 19, app 8.2"
        ),
        at,
    ).position


def act(
    made: World,
    wording: str,
    token: str = TOKEN,
    phone: Phone = ANNA,
    at: int = MORNING - 1000,
    how: str = "ticked",
) -> Acted:
    """The person acts."""
    return made.act(
        lambda t: capture.act(made.ledger, t, phone.digits, wording, token=token, how=how), at
    )


def passes(made: World, phone: Phone = ANNA) -> bool:
    """Does the gate pass a sale to this person? Its proof must say the same."""
    report = made.verify(made.submit(to(phone)))
    holds(report)
    return decided(report)[0] is Verdict.PASS


def fact_at(made: World, position: int) -> f.ConsentRecorded:
    """The consent at a position."""
    recorded = made.ledger.fact(position)
    assert recorded is not None
    assert isinstance(recorded.fact, f.ConsentRecorded)
    return recorded.fact


def test_a_box_that_was_shown_empty_and_ticked_grounds_a_message() -> None:
    """Words, showing, act stand in the log in this order; the proof is the showing's hash."""
    made = world()
    worded = stated(made)
    shown = show(made, worded.wording)
    done = act(made, worded.wording)
    fact = fact_at(made, done.positions[0])

    assert worded.position < shown < done.positions[0]
    assert (fact.act, fact.door, done.shown) == (Act.TICKED, Door.APP, True)
    assert fact.shown == hashlib.sha256(made.ledger.encoded(shown) or b"").hexdigest()
    assert (fact.purposes, fact.per_count, fact.per_days, fact.term_s) == (2, 2, 30, 31_536_000)
    assert fact.given_at == MORNING - 1000
    assert passes(made)


@pytest.mark.parametrize(("token", "shown"), [("", False), ("f" * 32, False)])
def test_an_act_without_a_showing_before_it_is_recorded_as_not_shown(
    token: str, *, shown: bool
) -> None:
    """It is no tick either, for nobody can say that the box was empty; it grounds nothing."""
    made = world()
    worded = stated(made)
    done = act(made, worded.wording, token)

    assert (done.act, done.shown) == ("unknown", shown)
    assert not passes(made)


def test_a_box_that_was_not_empty_is_a_ticked_one_of_nobody() -> None:
    """Whatever the platform calls it: PRE_TICKED, and it grounds nothing."""
    made = world()
    worded = stated(made)
    show(made, worded.wording, empty=False)
    done = act(made, worded.wording)

    assert (done.act, done.shown) == ("pre_ticked", True)
    assert not passes(made)


def test_a_showing_is_good_for_one_act() -> None:
    """The second person who comes with it is refused, and nothing is recorded."""
    made = world()
    worded = stated(made)
    show(made, worded.wording)
    act(made, worded.wording)
    at = made.ledger.position

    with pytest.raises(InputError, match="was used"):
        act(made, worded.wording, phone=BO)
    assert made.ledger.position == at


def test_a_showing_after_the_act_proves_nothing() -> None:
    """Recorded too late, or so long ago that nobody looked at it any more: not shown."""
    made = world()
    worded = stated(made)
    show(made, worded.wording, at=MORNING)
    assert not act(made, worded.wording, at=MORNING - 1000).shown

    show(made, worded.wording, "a" * 32)
    assert not act(made, worded.wording, "a" * 32, at=BEFORE + SHOWING_MS + 1).shown


def test_other_words_than_those_shown_are_refused() -> None:
    """An act names what was on the screen."""
    made = world()
    worded = stated(made)
    show(made, worded.wording)
    other = made.act(
        lambda t: wordings.state(
            made.ledger, t, "x", "qinghe", WORDS, ("any",), per_count=1, per_days=7, term_days=9
        )
    )

    with pytest.raises(InputError, match="other words were shown"):
        act(made, other.wording)


def test_nobody_can_act_on_words_that_have_been_changed() -> None:
    """Neither show nor act: the new version is to be shown (PIPL §14)."""
    made = world()
    old = stated(made)
    show(made, old.wording)
    new = stated(made, WORDS.replace("2条", "1条"))
    assert new.wording != old.wording

    with pytest.raises(InputError, match="has been changed"):
        act(made, old.wording)
    with pytest.raises(InputError, match="has been changed"):
        show(made, old.wording, "b" * 32)


def test_words_that_state_no_terms_cannot_be_acted_on() -> None:
    """Registered is not enough: type, frequency and term must be stated, in the text too."""
    made = world()
    bare = made.act(
        lambda t: wordings.wording(made.ledger, t, "bare", "qinghe", "同意接收短信"), BEFORE
    )
    with pytest.raises(InputError, match="states no terms"):
        show(made, bare.wording)
    with pytest.raises(InputError, match="does not state the frequency") as wrong:
        stated(made, "我同意接收青禾商城的促销短信,有效期一年")
    assert [problem.field for problem in wrong.value.problems] == ["text"]


def test_a_consent_serves_no_other_party_unless_the_words_named_it() -> None:
    """A shop of another group is named in the words, or is none of theirs (PIPL §23)."""
    made = world()
    shop = f.PartyRegistered(
        party="m2", name="示例小店", role=PartyRole.MERCHANT, credit_code="", group="m2"
    )
    made.act(lambda t: t.append(shop), BEFORE)
    with pytest.raises(InputError, match="does not name 示例小店"):
        stated(made, further=("m2",))
    alone = stated(made)
    show(made, alone.wording)
    assert len(act(made, alone.wording).positions) == 1

    both = stated(made, WORDS.replace("青禾商城", "青禾商城和示例小店"), further=("m2",))
    show(made, both.wording, "c" * 32)
    done = act(made, both.wording, "c" * 32, BO)

    assert [fact_at(made, one).sender for one in done.positions] == ["qinghe", "m2"]


def test_where_words_ask_for_confirmation_the_act_alone_grounds_nothing() -> None:
    """Double opt-in: it counts from the confirmation on, and only for the person who acted."""
    made = world()
    worded = stated(made, confirm=True)
    show(made, worded.wording)
    done = act(made, worded.wording)
    assert (done.confirm, done.act) == (True, "unknown")
    assert not passes(made)

    def confirm(phone: Phone) -> Acted:
        return made.act(
            lambda t: capture.confirm(
                made.ledger, t, phone.digits, done.positions[0], door="app", evidence="code"
            ),
            MORNING - 500,
        )

    with pytest.raises(InputError, match="no act of this person"):
        confirm(BO)
    assert confirm(ANNA).act == "confirmed"
    assert passes(made)


def test_a_confirmation_does_not_make_good_what_was_not_shown() -> None:
    """An act without a showing waits for nothing."""
    made = world()
    worded = stated(made, confirm=True)
    done = act(made, worded.wording, "")

    with pytest.raises(InputError, match="waits for no confirmation"):
        made.act(
            lambda t: capture.confirm(
                made.ledger, t, ANNA.digits, done.positions[0], door="app", evidence="code"
            )
        )


def paper(made: World, wording: str, given_at: str, file_hash: str = "ab" * 32) -> Acted:
    """A signed form."""
    return made.act(
        lambda t: capture.paper(
            made.ledger,
            t,
            ANNA.digits,
            wording,
            given_at=given_at,
            door="paper",
            file_hash=file_hash,
        )
    )


def test_a_paper_needs_its_scan_and_words_that_are_older() -> None:
    """With both it grounds a message; with words registered afterwards it is not taken."""
    made = world()
    worded = stated(made, at=moment("2026-05-01"))

    with pytest.raises(InputError, match="registered after the act"):
        paper(made, worded.wording, "2026-04-30")
    with pytest.raises(InputError, match="SHA-256"):
        paper(made, worded.wording, "2026-05-02", "scan.pdf")
    done = paper(made, worded.wording, "2026-05-02")

    fact = fact_at(made, done.positions[0])
    assert (fact.act, fact.shown, fact.evidence) == (
        Act.SIGNED,
        "ab" * 32,
        f"sha256 {'ab' * 32}",
    )
    assert passes(made)


def test_an_act_on_the_screen_lifts_a_refusal_and_a_paper_does_not() -> None:
    """Only what is surely the person's own takes a refusal back."""
    made = world()
    worded = stated(made, at=moment("2026-05-01"))
    made.act(lambda t: refuse(made.ledger, t, ANNA.digits, "qinghe", door="web"), BEFORE - 9)
    assert paper(made, worded.wording, "2026-05-02").refused
    assert not passes(made)

    show(made, worded.wording)
    assert not act(made, worded.wording).refused
    assert passes(made)


@pytest.mark.parametrize("device", ["x" * 65, "IMEI 860123456789012", "a\nb"])
def test_a_device_is_a_kind_and_no_identifier(device: str) -> None:
    """A serial number in that field is refused."""
    made = world()
    worded = stated(made)
    with pytest.raises(InputError, match="no kind of device"):
        made.act(
            lambda t: capture.show(
                made.ledger, t, TOKEN, worded.wording, door="web", empty=True, device=device
            )
        )


def test_the_facts_hold_neither_number_nor_token() -> None:
    """The token is a secret until it is used, the number always is."""
    made = world()
    worded = stated(made)
    show(made, worded.wording)
    act(made, worded.wording)
    for position in range(1, made.ledger.position + 1):
        body = made.ledger.encoded(position) or b""
        assert TOKEN.encode() not in body
        assert ANNA.digits.encode() not in body


def test_the_shapes_of_the_results_can_be_sent() -> None:
    """What the control door and the API answer."""
    assert msgspec.json.decode(msgspec.json.encode(Acted((1,), "ticked", True, False, False)))
