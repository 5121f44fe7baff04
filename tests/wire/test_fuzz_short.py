"""Each fuzzer of a codec runs for some seconds; for ten minutes by hand, as its file says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[2] / "fuzz"
SECONDS = 5
RUNS_MIN = 100
"""Fewer in that time, and nothing was tried."""


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["cmpp", "sgip", "smgp", "smpp"])
def test_some_seconds_of_random_bytes_find_nothing(codec: str, tmp_path: Path) -> None:
    """The fuzzer ends by its time and not by a finding, and has tried something."""
    pytest.importorskip("atheris", reason="needs atheris: pip install atheris")
    words = (
        f"-max_total_time={SECONDS}",
        f"-artifact_prefix={tmp_path}/",
        "-print_final_stats=1",
    )
    done = subprocess.run(
        [sys.executable, str(FUZZ / f"fuzz_{codec}.py"), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (runs,) = [x for x in done.stderr.splitlines() if "number_of_executed_units" in x]
    assert int(runs.split(":")[-1]) >= RUNS_MIN
