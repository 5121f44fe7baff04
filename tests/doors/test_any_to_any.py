"""Customers of each protocol to carriers of each protocol, over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from gateway_house import ALSO_CONSENTED, CONSENTED, PORT, STRANGER, House, house
from gateway_talk import LONG, OFFER, Talk, account

from qingjing.doors.gateway.dialect import Reply
from qingjing.doors.gateway.results import RESULTS
from qingjing.wire.content import Part, decode_text, join

SPOKEN = ("cmpp", "sgip", "smgp", "smpp")


class Pair(NamedTuple):
    """A gateway between a customer's protocol and a carrier's, and a customer."""

    running: House
    customer: str
    talk: Talk


@pytest.fixture(
    scope="module",
    params=[(customer, carrier) for customer in SPOKEN for carrier in SPOKEN],
    ids="-".join,
)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A gateway for each pair."""
    customer, carrier = request.param
    with house(accounts=account(customer), protocol=carrier) as running:
        yield Pair(running, customer, Talk(running, customer))


def test_a_short_text_arrives_and_its_report_comes_back(pair: Pair) -> None:
    """0 with an id, the text at the carrier, DELIVRD under that id, and nothing is owed."""
    mobile = pair.running.carriers["mobile"]
    answers = pair.talk.text(OFFER, CONSENTED)

    assert [answer.Result for answer in answers] == [0]
    assert pair.talk.reported(answers) == {"DELIVRD"}
    received = mobile.received[-1]
    assert (received.phone, received.port) == (CONSENTED, PORT)
    assert decode_text(received.content, received.coding) == OFFER
    pair.running.until(lambda: pair.running.gateway.engine.unsettled == 0)


def test_a_long_text_arrives_whole_and_each_part_is_reported(pair: Pair) -> None:
    """The carrier's parts join to the text; the customer hears of each of its own."""
    person = "13800138101"
    pair.running.consent(person)
    mobile = pair.running.carriers["mobile"]
    before = len(mobile.received)
    answers = pair.talk.text(LONG, person)

    assert [answer.Result for answer in answers] == [0, 0]
    assert pair.talk.reported(answers) == {"DELIVRD"}
    parts = [Part(x.udhi, x.coding, x.content) for x in mobile.received[before:]]
    assert join(parts) == LONG


def test_a_plain_text_is_read_with_every_sign(pair: Pair) -> None:
    """Signs that GSM writes otherwise: the brackets are found, and the signature in them."""
    body = "[A] @home_1 {50% off} ~ $9 |x| ^^ \\o/"
    (answer,) = pair.talk.text(body, CONSENTED, coding=0)

    assert answer.Result == RESULTS["signature_registered"]


def test_a_refusal_tells_its_reason_in_the_protocols_own_numbers(pair: Pair) -> None:
    """No consent: the one reason, whoever asks."""
    (answer,) = pair.talk.text(OFFER, STRANGER)

    assert answer.Result == RESULTS["grounds_present"]
    status = answer.pdu[{"smpp": 0, "sgip": 1}.get(pair.customer, 2)]
    base = {"cmpp": 100, "sgip": 100, "smgp": 128, "smpp": 0x400}[pair.customer]
    assert status == RESULTS["grounds_present"] - 100 + base


def test_a_reply_is_heard_and_takes_effect(pair: Pair) -> None:
    """The customer gets the words with a plain number; after T nothing passes any more."""
    person = "13800138102"
    pair.running.consent(person)
    (before,) = pair.talk.text(OFFER, person)
    pair.running.reply(person, PORT, "T")
    (after,) = pair.talk.text(OFFER, person)

    assert (before.Result, after.Result) == (0, RESULTS["not_refused"])
    pair.running.until(lambda: Reply(person, PORT, "T") in pair.talk.client.replies)


def test_a_chinese_reply_keeps_its_words(pair: Pair) -> None:
    """In whatever coding it crosses."""
    pair.running.reply(ALSO_CONSENTED, PORT, "请问几点营业?")

    said = Reply(ALSO_CONSENTED, PORT, "请问几点营业?")
    pair.running.until(lambda: said in pair.talk.client.replies)


def test_what_a_carrier_throttles_is_sent_again_and_arrives_once(pair: Pair) -> None:
    """Slow down, then go on: one sending, one report."""
    people = [f"138001382{i:02}" for i in range(20)]
    pair.running.consent(*people)
    mobile = pair.running.carriers["mobile"]
    before = len(mobile.received)
    mobile.slow_down()
    answers = pair.talk.text(OFFER, *people)
    assert {answer.Result for answer in answers} == {0}
    assert len(mobile.received) == before
    mobile.go_on()

    assert pair.talk.reported(answers) == {"DELIVRD"}
    assert sorted(x.phone for x in mobile.received[before:]) == people


def test_a_lost_carrier_is_dialled_again(pair: Pair) -> None:
    """What is submitted meanwhile waits, and leaves when the connection is back."""
    person = "13800138103"
    pair.running.consent(person)
    mobile = pair.running.carriers["mobile"]

    async def hang_up() -> None:
        mobile.hang_up()

    pair.running.call(hang_up)
    pair.running.until(lambda: mobile.connections == 0)
    answers = pair.talk.text(OFFER, person)

    assert pair.talk.reported(answers) == {"DELIVRD"}
    assert mobile.received[-1].phone == person


def test_a_customer_that_comes_back_finds_its_reports(pair: Pair) -> None:
    """Hang up after the answer; the next connection brings what happened meanwhile."""
    person = "13800138104"
    pair.running.consent(person)
    mobile = pair.running.carriers["mobile"]
    mobile.hold()
    gone = Talk(pair.running, pair.customer)
    answers = gone.text(OFFER, person)
    gone.hang_up()
    mobile.go_on()

    assert pair.talk.reported(answers) == {"DELIVRD"}
