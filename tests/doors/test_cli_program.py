"""The program as its user meets it: its help, its exit codes, its environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_cli import DECIDE, EXAMPLE, Cli


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Keys, and the example's register."""
    made = Cli(tmp_path, capsys)
    made("keys", "create")
    made("register", "load", str(EXAMPLE))
    return made


COMMANDS = (
    "decide",
    "scrub",
    *(f"consent {c}" for c in ("record", "import", "refuse", "wording", "show")),
    *(f"register {c}" for c in ("load", "party", "port", "signature", "grant", "filing")),
    *(f"register {c}" for c in ("suspend", "reinstate", "end-grant", "show")),
    *(f"ledger {c}" for c in ("verify", "rebuild", "checkpoint", "status")),
    *(f"keys {c}" for c in ("create", "rotate", "show")),
    *(f"rulebook {c}" for c in ("show", "diff", "adopt")),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """Each command's help shows how it is called, and its ``--json``."""
    said = Cli(tmp_path, capsys)(*command.split(), "--help")
    assert said.count(f"qingjing {command}") > 1 or f"zh {command}" in said
    assert "--json" in said


def outside(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "qingjing", *words],
        cwd=folder,
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_real_program_answers_and_ends_as_it_says(tmp_path: Path) -> None:
    """Settings beside it, the real clock: help, an error, keys, a register, a decision."""
    (tmp_path / "qingjing.toml").write_text('name = "test/ledger"\n', "utf-8")
    shown = outside(tmp_path, "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "register" in shown.stdout
    missing = outside(tmp_path, "ledger", "status")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "Traceback" not in missing.stderr
    assert outside(tmp_path, "keys", "create").returncode == 0
    assert outside(tmp_path, "register", "load", str(EXAMPLE)).returncode == 0
    decided = outside(tmp_path, *DECIDE, "--json")
    assert decided.returncode == 1
    assert json.loads(decided.stdout)["verdict"] == "refuse"


def test_keys_may_come_from_the_environment(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a platform hands secrets over that way, no key file is needed."""
    monkeypatch.setenv("QINGJING_KEYS", (cli.folder / "keys.toml").read_text("utf-8"))
    (cli.folder / "keys.toml").unlink()
    assert cli.json("ledger", "status")["parties"] == 3
    monkeypatch.setenv("QINGJING_KEYS", "nonsense")
    cli("ledger", "status", code=2)
    assert "QINGJING_KEYS" in cli.err
