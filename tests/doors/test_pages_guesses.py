"""Wrong codes do not get in: the bounds that are shipped, against who guesses."""

from __future__ import annotations

import random

import pytest
from gateway_house import CONSENTED
from hypothesis import given
from hypothesis import strategies as st
from pages_house import BOUNDS, pages_house, send

from qingjing.doors.pages.codes import DAY_MS, MINUTE_MS, Busy, Codes, Rate, Sessions, network
from qingjing.kernel.words import Phone

PHONE = Phone.parse("13800138000")


def codes(seed: int = 0) -> Codes:
    """Codes under the shipped bounds, with chance that can be repeated."""
    return Codes(BOUNDS, random.Random(seed).randbytes)


def person(phone: Phone) -> str:
    """A stand-in for the keyed hash."""
    return phone.digits


@pytest.mark.slow
def test_a_thousand_wrong_codes_do_not_get_in() -> None:
    """Over HTTP, under the shipped bounds, for six hours; no session opens, and at most three
    codes were there to be guessed."""
    with pages_house() as house, house.client() as client:
        page = send(client, client.get("/zh"), phone=CONSENTED)
        right, guess, ticket = {house.code(CONSENTED)}, 0, page
        for turn in range(1_000):
            if turn % 25 == 24:
                house.house.now += 9 * MINUTE_MS
                asked = send(client, client.get("/zh"), phone=CONSENTED)
                ticket = asked if asked.url.path == "/zh/code" else ticket
                right |= {text[-6:] for text in _codes(house.texts(CONSENTED))}
            guess = next(n for n in range(guess + 1, 10**6) if f"{n:06}" not in right)
            tried = send(client, ticket, code=f"{guess:06}")
            assert tried.status_code in (403, 422, 429)
            assert "peace" not in client.cookies
        assert client.get("/zh/peace").url.path == "/zh"
        sent = house.texts(CONSENTED)

    assert len(sent) <= BOUNDS.number_day_max


def _codes(texts: list[str]) -> list[str]:
    return [text.split("验证码是")[1][:6] for text in texts]


def test_the_right_code_gets_in_and_only_once() -> None:
    """So the test above fails for the right reason."""
    made = codes()
    ticket, code = made.ask(PHONE, person(PHONE), "192.0.2.1", "*", 0)

    assert made.enter(ticket, code, person, 1).phone == PHONE
    assert made.enter(ticket, code, person, 2).outcome == "over"


def test_a_code_is_over_after_five_wrong_entries_and_its_number_waits() -> None:
    """Then the right one does not fit either, and no new one is sent for ten minutes."""
    made = codes()
    ticket, code = made.ask(PHONE, person(PHONE), "192.0.2.1", "", 0)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    outcomes = [made.enter(ticket, wrong, person, 1).outcome for _ in range(5)]

    assert outcomes == ["wrong"] * 4 + ["over"]
    assert made.enter(ticket, code, person, 2).outcome == "over"
    assert made.ask(PHONE, person(PHONE), "192.0.2.1", "", 10 * MINUTE_MS)[1] == ""
    assert made.ask(PHONE, person(PHONE), "192.0.2.1", "", 10 * MINUTE_MS + 1)[1] != ""


def test_a_code_is_over_after_ten_minutes() -> None:
    """To the millisecond."""
    made = codes()
    first = made.ask(PHONE, person(PHONE), "192.0.2.1", "", 0)
    assert made.waits(first[0], 10 * MINUTE_MS - 1) is not None
    assert made.enter(*first, person, 10 * MINUTE_MS).outcome == "over"


def test_an_asking_beyond_the_bound_looks_like_any_other_and_nothing_fits() -> None:
    """Its ticket is there, its code was never made known; an empty entry is wrong too."""
    made = codes()
    for _ in range(BOUNDS.number_hour_max):
        assert made.ask(PHONE, person(PHONE), "192.0.2.1", "", 0)[1]
    ticket, code = made.ask(PHONE, person(PHONE), "192.0.2.1", "", 0)

    assert code == ""
    assert made.waits(ticket, 0) is not None
    assert made.enter(ticket, "", person, 0).outcome == "wrong"
    assert made.enter(ticket, "\0" * 6, person, 0).outcome == "wrong"


@given(
    st.lists(
        st.tuples(st.integers(0, 3_600_000), st.integers(0, 6), st.booleans()), max_size=150
    )
)
def test_no_order_of_askings_gives_a_number_more_than_its_guesses(
    steps: list[tuple[int, int, bool]],
) -> None:
    """From any addresses, with any waiting: in any day at most five codes of five tries."""
    made, now = codes(), 0
    live: dict[str, int] = {}
    at: list[int] = []
    for wait, address, fresh in steps:
        now += wait
        try:
            if fresh or not live:
                ticket, code = made.ask(PHONE, person(PHONE), f"192.0.2.{address}", "", now)
                if code:
                    live[ticket] = 0
                    at.append(now)
            else:
                ticket = list(live)[address % len(live)]
                live[ticket] += made.waits(ticket, now) is not None
                made.enter(ticket, "wrong!", person, now)
        except Busy:
            pass

    assert all(tries <= BOUNDS.code_tries for tries in live.values())
    for begin in at:
        within = [t for t in at if begin <= t < begin + DAY_MS]
        assert len(within) <= BOUNDS.number_day_max


def test_guessers_from_everywhere_share_one_bound() -> None:
    """A thousand wrong entries over all numbers and addresses, then nobody enters."""
    made, wrong = codes(), 0
    for n in range(BOUNDS.wrong_hour_max // BOUNDS.code_tries):
        phone = Phone.parse(str(13_900_000_000 + n))
        ticket, code = made.ask(phone, person(phone), f"198.51.{n >> 8}.{n & 255}", "", n)
        for _ in range(BOUNDS.code_tries):
            guess = "000000" if code != "000000" else "000001"
            assert made.enter(ticket, guess, person, n).outcome != "proven"
            wrong += 1
    ticket, code = made.ask(PHONE, person(PHONE), "192.0.2.1", "", 1_000)
    with pytest.raises(Busy):
        made.enter(ticket, code, person, 1_000)

    assert wrong == BOUNDS.wrong_hour_max


def test_one_address_asks_twenty_times_an_hour_and_a_household_is_one() -> None:
    """All of an IPv6 /64 count together; others go on."""
    made = codes()
    for n in range(BOUNDS.address_hour_max):
        made.ask(PHONE, person(PHONE), f"2001:db8:1:2::{n:x}", "", 0)
    with pytest.raises(Busy) as busy:
        made.ask(PHONE, person(PHONE), "2001:db8:1:2:ffff::1", "", 0)

    assert 0 < busy.value.retry_s <= 3_601
    assert made.ask(PHONE, person(PHONE), "2001:db8:1:3::1", "", 0)
    assert network("::ffff:192.0.2.1") == network("192.0.2.1")


def test_everything_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Askings by the hour's bound, counters and sessions by their own; the next one waits."""
    made = codes()
    for n in range(BOUNDS.hour_max):
        made.ask(PHONE, f"p{n}", f"198.51.{n >> 8}.{n & 255}", "", 0)
    with pytest.raises(Busy):
        made.ask(PHONE, "another", "192.0.2.1", "", 0)
    assert len(made) == BOUNDS.hour_max

    monkeypatch.setattr("qingjing.doors.pages.codes.KEYS_MAX", 10)
    rate = Rate(1, 1_000)
    for n in range(10):
        assert rate.wait(str(n), 0) == 0
        rate.take(str(n), 0)
    assert rate.wait("new", 0) > 0
    assert rate.wait("new", 1_000) == 0

    sessions = Sessions(BOUNDS, random.Random(1).randbytes)
    for _ in range(BOUNDS.sessions_max):
        sessions.begin(PHONE, 0)
    with pytest.raises(Busy):
        sessions.begin(PHONE, 0)
