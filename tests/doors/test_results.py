"""The maps from reasons to each protocol's numbers: total, apart, and as the page has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from qingjing.doors.gateway import results, results_sgip, results_smgp, results_smpp
from qingjing.doors.gateway.dialect import Trouble
from qingjing.doors.gateway.results_pages import statuses_table
from qingjing.kernel.rules import RULES
from qingjing.wire import cmpp, sgip, smgp, smpp

PAGE = (Path(__file__).parents[2] / "docs" / "protocols.md").read_text("utf-8")
MAPS = {
    "cmpp": (results.result, range(100, 200), {cmpp.Result.FLOW_CONTROL}),
    "sgip": (results_sgip.result, range(101, 256), sgip.TEMPORARY),
    "smgp": (results_smgp.status, range(128, 256), {smgp.Status.BUSY}),
    "smpp": (results_smpp.status, range(0x400, 0x500), smpp.TEMPORARY),
}


@pytest.mark.parametrize("protocol", MAPS)
def test_every_reason_has_one_number_of_the_vendors_own(protocol: str) -> None:
    """None is left out, none shares another's, and none asks to send again."""
    number, own, again = MAPS[protocol]
    numbers = [number(1 << bit) for bit in range(len(RULES))]

    assert len(set(numbers)) == len(RULES)
    assert all(one in own for one in numbers)
    assert not set(numbers) & {int(one) for one in again}


@pytest.mark.parametrize("protocol", MAPS)
def test_the_first_reason_speaks_and_only_too_much_asks_to_send_again(protocol: str) -> None:
    """0 for what was taken; of several reasons the first in the policy's order."""
    number, _own, again = MAPS[protocol]

    assert number(0) == 0
    assert number(0b1100) == number(0b0100)
    for trouble in Trouble:
        asks = number(int(trouble)) in again
        assert asks == (trouble is Trouble.SLOW_DOWN)


def test_the_numbers_of_the_page_are_those_of_the_code() -> None:
    """``docs/protocols.md`` has between its markers what ``statuses_table`` makes."""
    name = "qingjing.doors.gateway.results_pages.statuses_table"
    head = f"<!-- statuses: begin, made by {name} -->"
    made = PAGE.partition(head)[2].partition("<!-- statuses: end -->")[0]

    assert made.strip("\n") == statuses_table()
