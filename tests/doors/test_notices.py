"""What carriers tell: blocks in reports and lists, numbers that were given up."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from gateway_house import (
    ALSO_CONSENTED,
    CONSENTED,
    NOON,
    PORT,
    STRANGER,
    House,
    furnish,
    house,
)
from test_pages_browser import OFFER, Taker

from qingjing.city.carrier import Habits
from qingjing.desk.entries import InputError
from qingjing.desk.notices import Line, note_lines, refuse_lines
from qingjing.doors.gateway.dialect import Caller, Offer
from qingjing.kernel import facts as f
from qingjing.kernel.words import Door, Kind, NumberState, Phone
from qingjing.ledger import memory
from qingjing.ledger.core import Ledger
from qingjing.ledger.vault import KeyFile, Vault


def awaited(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that awaits, in a loop of its own."""

    @wraps(test)
    def run(*given: Any, **named: Any) -> None:
        """Once."""
        asyncio.run(test(*given, **named))

    return run


def offered(running: House, phone: str, mark: bytes) -> None:
    """A promotion for a person, handed to the gate."""
    caller = Caller("900001", "tongda", {"": Kind.COMMERCIAL}, PORT)
    one = Offer((phone,), PORT, "", OFFER.encode(), "utf-8", None, True, mark)

    async def work() -> None:
        """In the gateway's loop."""
        running.gateway.engine.offered(Taker(), 0, caller, one)

    running.call(work)


def refusals(ledger: Any, phone: str) -> list[f.RefusalRecorded]:
    """What a number refused."""
    person = ledger.find(Phone.parse(phone))
    facts = [one.fact for one in ledger.facts_of(person.handle)]
    return [fact for fact in facts if isinstance(fact, f.RefusalRecorded)]


def test_a_report_of_a_block_refuses_the_whole_group_and_once() -> None:
    """MBBLACK: the next promotion to the person does not leave; others' do."""
    with house(Habits(undelivered=1.0, undelivered_as="MBBLACK")) as running:
        ledger = running.desk.ledger
        offered(running, CONSENTED, b"1")
        running.until(lambda: bool(refusals(ledger, CONSENTED)))
        (first,) = refusals(ledger, CONSENTED)
        offered(running, CONSENTED, b"2")
        offered(running, ALSO_CONSENTED, b"3")
        running.until(lambda: bool(refusals(ledger, ALSO_CONSENTED)))
        received = [x.phone for x in running.carriers["mobile"].received]

    assert (first.group, first.door, first.port) == ("qinghe-group", Door.CARRIER, PORT)
    assert len(refusals_kept := [x for x in received if x.endswith(CONSENTED)]) == 1
    assert refusals_kept


def test_a_report_without_a_reason_refuses_nothing() -> None:
    """REJECTD and UNDELIV say nothing of the person's will."""
    with house(Habits(undelivered=1.0, undelivered_as="REJECTD")) as running:
        offered(running, CONSENTED, b"1")
        running.until(lambda: running.gateway.engine.unsettled > 0)
        running.until(lambda: _reported(running))
        assert refusals(running.desk.ledger, CONSENTED) == []


def _reported(running: House) -> bool:
    ledger = running.desk.ledger
    return any(b"REJECTD" in ledger.batch(at).rows for at in ledger.batches_since(0))


async def furnished() -> Ledger:
    """The platform's ledger, with two people's consents of yesterday."""
    ledger = memory.open_ledger(Vault(KeyFile.generate("house")), origin="house")
    await furnish(ledger, NOON)
    return ledger


@awaited
async def test_a_list_of_blocks_is_taken_row_by_row_and_errors_are_told() -> None:
    """By port, party or for all; the same again records nothing."""
    ledger = await furnished()
    lines = [
        Line(2, CONSENTED, PORT),
        Line(3, ALSO_CONSENTED, "qinghe"),
        Line(4, "12345", PORT),
        Line(5, STRANGER, "10690000"),
        Line(6, STRANGER, "*"),
    ]
    given = {"group": "", "door": "carrier", "evidence": "list 1"}
    async with ledger.transaction(NOON) as t:
        first = refuse_lines(ledger, t, lines, **given)
    async with ledger.transaction(NOON) as t:
        again = refuse_lines(ledger, t, lines, **given)

    assert (first.recorded, first.known) == (3, 0)
    assert (again.recorded, again.known) == (0, 3)
    assert [problem.where for problem in first.problems] == ["row 4", "row 5"]
    assert "12345" not in str(first.problems)
    assert [x.group for x in refusals(ledger, CONSENTED)] == ["qinghe-group"]
    assert [x.group for x in refusals(ledger, STRANGER)] == ["*"]


@pytest.mark.parametrize(
    ("event", "day", "state"),
    [
        ("disconnected", "2026-11-24 11:59", NumberState.EMPTY),
        ("reassigned", "2026-11-24 11:59", NumberState.RECYCLED),
        ("disconnected", "2026-11-20", None),
        ("reassigned", "2026-08-01", None),
    ],
)
@awaited
async def test_consents_fall_with_a_number_unless_its_owner_gave_them_since(
    event: str, day: str, state: NumberState | None
) -> None:
    """The consent is of 23 November, noon; None: the row is overtaken."""
    ledger = await furnished()
    async with ledger.transaction(NOON + 60_000) as t:
        noted = note_lines(
            ledger,
            t,
            [Line(2, CONSENTED, day), Line(3, ALSO_CONSENTED, "2031-01-01")],
            event=event,
            source="mobile",
            reuse_days=90,
        )
    person = ledger.find(Phone.parse(CONSENTED))
    known = ledger.standings.person(person.handle, "qinghe", "qinghe-group")

    assert (noted.recorded, noted.known) == ((0, 1) if state is None else (1, 0))
    assert known.number is (state or NumberState.OK)
    assert bool(known.grounds) is (state is None)
    assert [problem.where for problem in noted.problems] == ["row 3"]


@awaited
async def test_a_number_given_up_long_ago_counts_as_somebody_elses_and_comes_back_bare() -> (
    None
):
    """The 90-day rule; in service again it may be asked, and what fell stays fallen."""
    ledger = await furnished()
    later = NOON + 100 * 86_400_000
    person = ledger.find(Phone.parse(CONSENTED))
    day = {"source": "mobile", "reuse_days": 90}
    for event, on, state in (
        ("disconnected", "2026-11-25", NumberState.RECYCLED),
        ("in-service", "2027-03-01", NumberState.OK),
    ):
        async with ledger.transaction(later) as t:
            note_lines(ledger, t, [Line(2, CONSENTED, on)], event=event, **day)  # type: ignore[arg-type]  # a Ledger of core
        known = ledger.standings.person(person.handle, "qinghe", "qinghe-group")
        assert known.number is state
        assert known.grounds == ()


@awaited
async def test_an_event_that_is_none_is_told() -> None:
    """And a list without a source."""
    ledger = await furnished()
    async with ledger.transaction(NOON) as t:
        with pytest.raises(InputError, match="source: is empty"):
            note_lines(ledger, t, [], event="gone", source="", reuse_days=90)
        with pytest.raises(InputError, match="door"):
            refuse_lines(ledger, t, [], group="", door="window", evidence="")


def test_the_commands_read_files_and_tell_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two lists through the program; the exit code says that a row was left out."""
    from qingjing.__main__ import House as Program
    from qingjing.doors.cli import main

    (tmp_path / "qingjing.toml").write_text('name = "service"\n', "utf-8")
    for name, rows in (
        ("stop.csv", [["手机号"], [CONSENTED], ["1"]]),
        ("gone.csv", [["号码", "日期"], [CONSENTED, "2026-01-02"], [STRANGER, "soon"]]),
    ):
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)

    def run(*words: str) -> tuple[int, Any]:
        """One command; its exit code, and what it said."""
        config = ("--config", str(tmp_path / "qingjing.toml"))
        code = main.run(Program(), [*config, *words])
        out = capsys.readouterr().out
        return code, json.loads(out) if out.startswith("{") else out

    run("keys", "create")
    code, told = run(
        "consent", "refusals", str(tmp_path / "stop.csv"), "--group", "*", "--json"
    )
    assert (code, told["rows"], told["recorded"], told["left"]) == (2, 2, 1, 1)
    gone = ("consent", "numbers", str(tmp_path / "gone.csv"), "--source", "m", "--json")
    code, told = run(*gone, "--event", "disconnected")
    assert (code, told["rows"], told["recorded"], told["left"]) == (2, 2, 1, 1)
    assert "row 3" in str(told["problems"])
