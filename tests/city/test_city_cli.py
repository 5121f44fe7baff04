"""``qingjing city`` and ``qingjing demo``, through the command line's own front door."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qingjing.__main__ import House
from qingjing.city import out
from qingjing.city.violations import BY_NAME
from qingjing.doors.cli import city
from qingjing.doors.cli.main import run
from qingjing.doors.cli.output import BAD_INPUT

COMMANDS = (city.app, city.demo)


def command(*words: str) -> int:
    """Run one command line."""
    return run(House(), words, COMMANDS)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that ``city run`` has written."""
    folder = tmp_path_factory.mktemp("cli") / "city"
    command(
        "city", "run", "--out", str(folder), "--messages", "500", "--share", "0.3",
        "--weight.night", "0", "--json",
    )  # fmt: skip
    return folder


def test_a_run_writes_its_files(played: Path) -> None:
    """Truth, answers, what was received, reports, replies, and the run itself."""
    written = {path.name for path in played.iterdir()}

    assert {out.RUN, out.TRUTH, out.ANSWERS, out.RECEIVED, out.REPORTS, out.REPLIES} <= written


def test_score_tells_every_violation(played: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As one JSON object: planted, found, recall and precision of each that has a weight."""
    command("city", "score", str(played), "--json")
    found = json.loads(capsys.readouterr().out)

    assert {row["name"] for row in found["rows"]} == set(BY_NAME) - {"night"}
    assert {"planted", "found", "recall", "precision"} <= set(found["rows"][0])


def test_score_prints_a_table(played: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For people: a line a violation."""
    command("city", "score", str(played))
    printed = capsys.readouterr().out

    assert "expired_consent" in printed
    assert "recall" in printed


def test_the_exit_code_follows_the_score(
    played: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 when everything is as it must be, 1 when it is not."""
    code = command("city", "score", str(played), "--json")

    assert code == (0 if json.loads(capsys.readouterr().out)["ok"] else 1)


@pytest.mark.parametrize(
    "words",
    [
        ("score", "nowhere"),
        ("run", "--out", "x", "--messages", "7"),
        ("run", "--out", "x", "--weight.nonsense", "1"),
    ],
)
def test_bad_input_is_told(
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 2 and a sentence, nothing written."""
    monkeypatch.chdir(tmp_path)

    assert command("city", *words) == BAD_INPUT
    assert capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_demo_tells_its_story(
    lang: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reasons, a refusal with its times, a proof that holds and a changed one that does not."""
    code = command(
        "--lang", lang, "demo", "--out", str(tmp_path / "demo"), "--messages", "500"
    )  # fmt: skip
    printed = capsys.readouterr().out

    assert code == 0
    assert "grounds_present" in printed
    assert "REJECTD" in printed
    assert ("holds; with" if lang == "en" else "通过;改动") in printed
    assert (tmp_path / "demo" / "proof.zip").is_file()
