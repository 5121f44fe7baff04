"""What users of other gateways complain of (docs/protocols.md, "What others are blamed for").

Each is a test here, or stands there with where it is shown.
"""

from __future__ import annotations

import asyncio

import pytest
from gateway_house import CONSENTED, PORT, house
from gateway_talk import LONG, OFFER, Talk, account

from qingjing.city.carrier import Habits
from qingjing.city.tongues import pieces
from qingjing.wire.content import UCS2, Part, join

SPOKEN = ("cmpp", "smgp", "smpp")
each_protocol = pytest.mark.parametrize("protocol", SPOKEN)


def people(count: int) -> list[str]:
    """So many persons."""
    return [f"1380014{i:04}" for i in range(count)]


@each_protocol
def test_a_part_that_is_never_answered_holds_up_nothing_else(protocol: str) -> None:
    """A carrier is silent about the second part of a long message: all that is handed over
    after it arrives and is reported."""
    with house(Habits(silent_part=2), account(protocol), protocol=protocol) as running:
        running.consent(*people(40))
        talk = Talk(running, protocol)
        long = talk.text(LONG, CONSENTED)
        others = talk.text(OFFER, *people(40))

        assert {answer.Result for answer in long} == {0}
        assert talk.reported(others) == {"DELIVRD"}
        assert not {answer.Msg_Id for answer in long} & set(talk.client.reports)


@each_protocol
@pytest.mark.parametrize(
    "habits", [Habits(early_report=1.0), Habits()], ids=["before", "together"]
)
def test_a_report_that_comes_with_its_answer_is_not_lost(protocol: str, habits: Habits) -> None:
    """Before it, in a read of its own, and behind it in the same read."""
    with house(habits, account(protocol), protocol=protocol) as running:
        running.consent(*people(30))
        talk = Talk(running, protocol)

        assert talk.reported(talk.text(OFFER, *people(30))) == {"DELIVRD"}
        running.until(lambda: running.gateway.engine.unsettled == 0)


@each_protocol
def test_the_window_counts_parts(protocol: str) -> None:
    """Long messages to a carrier that holds its answers: no connection has more parts
    unanswered than its window says."""
    with house(accounts=account(protocol), protocol=protocol, window=4) as running:
        running.consent(*people(12))
        talk, mobile = Talk(running, protocol), running.carriers["mobile"]
        mobile.hold()
        answers = talk.text(LONG, *people(12))
        running.until(lambda: mobile.count == 8)
        assert len(mobile.received) == 8
        mobile.go_on()

        assert talk.reported(answers) == {"DELIVRD"}


@each_protocol
def test_a_throttled_part_keeps_its_place_and_its_report(protocol: str) -> None:
    """Half of what is handed over is told to slow down, again and again: parts of a message
    arrive once each, and each message is reported."""
    with house(Habits(throttle=0.5), account(protocol), protocol=protocol) as running:
        running.consent(*people(10))
        talk = Talk(running, protocol)
        answers = talk.text(LONG, *people(10))

        assert talk.reported(answers) == {"DELIVRD"}
        received = running.carriers["mobile"].received
        assert len(received) == 20
        for person in people(10):
            parts = [Part(x.udhi, x.coding, x.content) for x in received if x.phone == person]
            assert join(parts) == LONG


@each_protocol
def test_each_part_of_a_long_message_has_its_own_report(protocol: str) -> None:
    """Whatever the order of the carrier's answers; one undelivered part speaks for all."""
    with house(Habits(undelivered=1.0), account(protocol), protocol=protocol) as running:
        talk = Talk(running, protocol)
        answers = talk.text(LONG, CONSENTED)

        assert len({answer.Msg_Id for answer in answers}) == 2
        assert talk.reported(answers) == {"UNDELIV"}


@each_protocol
def test_reports_find_another_connection_when_theirs_is_gone(protocol: str) -> None:
    """And a customer that does not read holds up nobody else's."""
    accounts = account(protocol) | {
        "900002": account(protocol)["900001"],
    }
    with house(accounts=accounts, protocol=protocol) as running:
        running.consent(*people(20))
        deaf = Talk(running, protocol)
        other = Talk(running, protocol, account="900002")
        assert deaf.client.line is not None
        deaf.client.line.hold(True)

        async def submit() -> None:
            for place, person in enumerate(people(20)[:10]):
                (piece,) = pieces(PORT, person, OFFER, UCS2, 0)
                await deaf.client.send(piece, place)
            deaf.client.flush()

        running.call(submit)
        assert other.reported(other.text(OFFER, *people(20)[10:])) == {"DELIVRD"}
        running.until(lambda: running.carriers["mobile"].reported >= 20)
        deaf.hang_up()
        again = Talk(running, protocol)
        running.until(lambda: running.gateway.engine.unsettled == 0)
        assert set(again.client.reports.values()) <= {"DELIVRD"}


@each_protocol
def test_a_storm_of_logins_leaves_the_others_alone(protocol: str) -> None:
    """Two hundred come and go, more at a time than the account may: what is logged in is."""
    with house(accounts=account(protocol), protocol=protocol) as running:
        talk = Talk(running, protocol)

        async def storm() -> int:
            port, refused = running.gateway.ports[protocol], 0
            for _ in range(10):
                crowd = [
                    talk._client(running, protocol, {"account": "900001", "secret": b"888888"})
                    for _ in range(20)
                ]
                statuses = await asyncio.gather(*(one.connect(port) for one in crowd))
                refused += sum(status != 0 for status in statuses)
                for one in crowd:
                    one.close()
                await asyncio.sleep(0.02)
            return refused

        assert running.call(storm) >= 100
        assert talk.reported(talk.text(OFFER, CONSENTED)) == {"DELIVRD"}
        running.until(lambda: len(running.gateway.customers.lines) == 1)


@each_protocol
def test_a_carrier_that_breaks_the_protocol_is_left_and_dialled_again(protocol: str) -> None:
    """A frame of four gigabytes ends that connection, and what it said before counts."""
    with house(Habits(garbage_at=1), account(protocol), protocol=protocol) as running:
        running.consent(*people(2))
        talk, mobile = Talk(running, protocol), running.carriers["mobile"]
        first = talk.text(OFFER, people(2)[0])
        running.until(lambda: mobile.count == 1)
        second = talk.text(OFFER, people(2)[1])

        assert talk.reported(second) == {"DELIVRD"}
        running.until(lambda: first[0].Msg_Id in talk.client.reports)
        running.until(lambda: mobile.connections == 2)


def test_a_short_account_name_logs_in_in_every_protocol() -> None:
    """Three letters, where a digest over padded fields would differ."""
    for protocol in SPOKEN:
        accounts = {"abc": account(protocol)["900001"]}
        with house(accounts=accounts) as running:
            assert Talk(running, protocol, account="abc").status == 0


def test_nothing_is_added_to_a_text() -> None:
    """A text that fills one part to its last character stays one part, character by character:
    the signature is the sender's own, and judged, not put there."""
    body = "【青禾商城】" + "会员日全场满减" * 7 + "惠,拒收请回复R"
    assert len(body) < 70
    body = body.replace("惠", "惠" * (71 - len(body)))
    with house(accounts=account("smpp")) as running:
        answers = Talk(running, "smpp").text(body, CONSENTED)
        running.until(lambda: running.carriers["mobile"].count == 1)
        (received,) = running.carriers["mobile"].received

    assert [answer.Result for answer in answers] == [0]
    assert len(body) == 70
    assert received.content == body.encode("utf-16-be")
