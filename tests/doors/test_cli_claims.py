"""Claims and words on the command line: graded without a trace, entered when asked."""

from __future__ import annotations

from typing import Any

import pytest
from test_cli import EXAMPLE, PHONE, Cli

TEXT = "我同意接收青禾商城的促销短信,每月不超过2条,有效期一年"
ROWS = (
    f"phone,given_at,act,shown\n{PHONE},2026-05-01 09:30,ticked,p1\n"
    "13800138001,2026-05-02,default,p2\n13800138002,2026-05-03,ticked,\n"
)
STATED = ("--per-count", "2", "--per-days", "30", "--term-days", "365")
SENDER = ("--sender", "qinghe", "--purpose", "retail")


@pytest.fixture
def cli(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Keys, and the example's register."""
    made = Cli(tmp_path, capsys)
    made("keys", "create")
    made("register", "load", str(EXAMPLE))
    return made


def standing(cli: Cli, phone: str) -> list[str]:
    """Where a person stands towards the shop."""
    found = cli.json("consent", "show", phone)["standings"]
    return [one["standing"] for one in found if one["sender"] == "qinghe"]


def test_a_list_is_graded_and_nothing_is_written(cli: Cli) -> None:
    """Counts and reasons, in both languages."""
    path = cli.write("old.csv", ROWS)
    before = cli.json("ledger", "status")
    report = cli.json("consent", "grade", path, *SENDER)

    assert (report["claims"], report["hold"], report["left"]) == (3, 1, 0)
    assert report["reasons"] == {"grounds_explicit": 1, "grounds_shown": 1}
    assert "of 3 claims 1 would hold up" in cli("consent", "grade", path, *SENDER)
    assert "3 条主张中 1 条站得住" in cli("--lang", "zh", "consent", "grade", path, *SENDER)
    assert cli.json("ledger", "status") == before
    assert standing(cli, PHONE) == []


def test_claims_that_are_entered_are_judged_by_the_gate(cli: Cli) -> None:
    """All of them are on record, and one alone is a consent."""
    path = cli.write("old.csv", ROWS)
    report = cli.json("consent", "grade", path, *SENDER, "--enter")

    assert len(report["facts"]) == 3
    assert standing(cli, PHONE) == ["consent"]
    assert standing(cli, "13800138001") == ["not_explicit"]
    assert standing(cli, "13800138002") == ["not_shown"]


def test_a_list_with_a_wrong_row_ends_with_2_and_tells_it(cli: Cli) -> None:
    """As an import does."""
    path = cli.write("old.csv", ROWS + "12,2026-05-01,ticked,p\n")
    cli("consent", "grade", path, *SENDER, code=2)

    assert "row 5: phone" in cli.err


def test_words_are_stated_and_a_paper_is_recorded_under_them(cli: Cli) -> None:
    """With the hash of the scan; a day later, for the words must be older than the act."""
    worded = cli.json("consent", "state", "spring", *SENDER, *STATED, "--text", TEXT)
    scan = cli.write("scan.txt", "signed")
    paper = ("consent", "paper", PHONE, "--wording", worded["wording"], "--file", scan)
    cli(*paper, "--given-at", "2026-11-24", code=2)
    assert "registered after the act" in cli.err

    cli.house.at += 86_400_000
    acted = cli.json(*paper, "--given-at", "2026-11-24 20:00")

    assert (acted["act"], acted["shown"]) == ("signed", True)
    assert standing(cli, PHONE) == ["consent"]
    cli(*paper, "--given-at", "2026-11-24 20:00", "--door", "web", code=2)


def test_words_without_a_frequency_are_not_taken(cli: Cli) -> None:
    """Field and remedy are told."""
    cli("consent", "state", "x", *SENDER, *STATED, "--text", "同意接收促销短信", code=2)

    assert "does not state the frequency" in cli.err


ASKING = (
    "【青禾商城】想征求您的同意:今后向您发送家电促销短信,每月不超过2条,有效期一年。"
    "同意请回复Y,不回复视为拒绝。拒收请回复R"
)


def test_an_asking_is_opened_under_its_words_and_shown(cli: Cli) -> None:
    """Its text is that of the words; a second one like it is told to be so."""
    for name, text in (("a", ASKING), ("b", ASKING.replace("2条", "3条"))):
        worded = cli.json("consent", "state", name, *SENDER, *STATED, "--text", text)
        opened = cli.json("ask", "open", name, "--wording", worded["wording"])

    assert opened["similar"] == "a"
    found = cli.json("ask", "show", "qinghe")["askings"]
    assert [(one["asking"], one["asked"]) for one in found] == [("a", 0), ("b", 0)]
    cli("ask", "show", "nobody", code=2)
    cli("ask", "open", "c", "--wording", "none@1", code=2)


def test_obstacles_of_a_quiet_ledger_are_none(cli: Cli) -> None:
    """Nothing left, so nothing stood in the way."""
    assert cli.json("consent", "obstacles", "--since", "2026-09-01") == {"senders": []}
    cli("consent", "obstacles")
