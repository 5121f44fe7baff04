"""What a customer sends again under the same number, over whatever connection."""

from __future__ import annotations

from functools import partial

from qingjing.desk.outbox import Outbox
from qingjing.desk.parts import Joiner
from qingjing.doors.gateway.dialect import Caller, Offer, Trouble
from qingjing.doors.gateway.nodes import origins
from qingjing.doors.gateway.retries import KEEP_MS, Retries
from qingjing.wire import sgip, sgip_tables

NOON = 1_795_492_800_000
OURS = Caller("a", "qinghe", {}, own_ids=True)
OTHER = Caller("b", "qinghe", {})


def offer(number: int, body: bytes = b"x") -> Offer:
    """A Submit of the customer."""
    layout = sgip_tables.LAYOUTS[sgip_tables.V12][sgip_tables.Command.SUBMIT]
    original = layout.encode(
        sgip_tables.Submit(
            number.to_bytes(12, "big"), UserNumber=("8613800138000",), MessageContent=body
        )
    )
    return Offer(("13800138000",), "1069", "", body, "ascii", None, True, original)


def retries() -> Retries:
    """Of a gateway with an account on SGIP and nothing on its way."""
    read = partial(origins, sgip.PROTOCOL)
    box = Outbox({"a": read, "b": read})
    return Retries(box, Joiner(10), NOON)


def test_what_was_taken_is_remembered_for_three_minutes_and_what_was_refused_is_not() -> None:
    """A sender gives up after three tries of a minute; a refusal may have lost its reason."""
    known = retries()
    assert known.known(OURS, offer(1), NOON) is None
    known.taken(OURS, offer(1), NOON)
    assert known.known(OURS, offer(2), NOON) is None

    assert known.known(OURS, offer(1), NOON + KEEP_MS) == 0
    assert known.known(OURS, offer(1, b"y"), NOON + KEEP_MS) == Trouble.AGAIN
    assert known.known(OURS, offer(2), NOON + 1) is None
    assert known.known(OURS, offer(1), NOON + KEEP_MS + 1) is None


def test_what_is_being_decided_this_moment_is_asked_for_once_more() -> None:
    """Nobody knows yet what became of the first: neither 0 nor a second decision."""
    known = retries()
    assert known.known(OURS, offer(1), NOON) is None
    assert known.known(OURS, offer(1), NOON) == Trouble.SLOW_DOWN


def test_nothing_is_remembered_of_an_account_whose_numbers_are_no_ids() -> None:
    """CMPP's begin anew with each connection, whatever else is read from its frames."""
    known = retries()
    known.taken(OTHER, offer(1), NOON)
    assert known.known(OTHER, offer(1), NOON) is None
    assert len(known) == 0


def test_the_oldest_ids_are_forgotten_when_time_is_over() -> None:
    """So that memory holds three minutes and no more."""
    known = retries()
    for number in range(100):
        known.taken(OURS, offer(number), NOON)
    known.taken(OURS, offer(100), NOON + KEEP_MS + 1)

    assert len(known) == 1
