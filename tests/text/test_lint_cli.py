"""The commands of the lint: what they say and how they end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from qingjing.__main__ import House
from qingjing.doors.cli.main import run

SCREENS: Final = Path(__file__).with_name("screens")
SALE: Final = "【青禾商城】秋装上新,全场满200减50"


class Cli:
    """The command line in this process, in a folder with neither settings nor ledger."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.err = ""

    def __call__(self, *words: str, code: int = 0) -> str:
        """Run, and see that it ends as it should; its output."""
        found = run(House(), words)
        out, self.err = self._capsys.readouterr()
        assert found == code, out + self.err
        return out

    def json(self, *words: str, code: int = 0) -> Any:
        """Run with ``--json``; what came."""
        return json.loads(self(*words, "--json", code=code))


@pytest.fixture
def cli(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Cli:
    """The command line, with nothing around it."""
    monkeypatch.chdir(tmp_path)
    return Cli(capsys)


def test_a_bad_screen_ends_with_one_and_its_findings(cli: Cli) -> None:
    """For people with line, quote, clause and remedy; for programs as one object."""
    page = str(SCREENS / "bad" / "01-plain-form-checked.html")
    told = cli("--lang", "zh", "lint", "consent", page, code=1)
    found = cli.json("lint", "consent", page, code=1)["findings"]

    assert f"{page}:11: box_preticked" in told
    assert "接收青禾商城的优惠活动短信" in told
    assert "民法典" in told
    assert {row["code"] for row in found} == {"box_preticked", "details_missing"}
    assert all(row["page"] == page for row in found)


def test_a_good_screen_ends_with_nought(cli: Cli) -> None:
    """And says that nothing was found."""
    assert "nothing found" in cli(
        "lint", "consent", str(SCREENS / "good" / "01-separate-unticked.html")
    )


def test_a_page_that_is_not_there_is_a_wrong_input(cli: Cli) -> None:
    """Exit code 2, and the file is named."""
    cli("lint", "consent", "nowhere.html", code=2)

    assert "nowhere.html" in cli.err


def test_a_text_is_judged_without_a_ledger(cli: Cli) -> None:
    """By carrier and day, with the SMS to pay for and the text mended."""
    words = ("lint", "message", SALE + ",回T退订", "--date", "2026-11-11")
    told = cli(*words, "--carrier", "unicom", code=1)
    found = cli.json(*words, code=1)

    assert "notice_present" in told
    assert found["verdicts"] == {
        "mobile": "pass",
        "unicom": "refuse",
        "telecom": "pass",
        "broadnet": "pass",
    }
    assert found["parts"] == 1
    assert found["mended"].endswith("拒收请回复R")
    assert found["rulebook"] == "order74-2026"


def test_a_text_that_may_leave_ends_with_nought(cli: Cli) -> None:
    """Hours count only where a time was given; the signature is put before the text."""
    body = "秋装上新,全场满200减50,拒收请回复R"
    given = ("lint", "message", body, "--signature", "青禾商城", "--date")

    assert "may leave" in cli(*given, "2026-11-11")
    assert "quiet_hours" in cli(*given, "2026-11-11 22:10", code=1)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--date", "2014-01-01"), "no shipped rulebook"),
        (("--carrier", "nobody"), "carrier"),
        (("--declared", "gift"), "declared"),
    ],
)
def test_a_wrong_word_is_told_with_its_remedy(
    cli: Cli, words: tuple[str, ...], told: str
) -> None:
    """Exit code 2, and nothing is judged."""
    cli("lint", "message", SALE, *words, code=2)

    assert told in cli.err
