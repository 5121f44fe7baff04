"""The page about protocols, and the fuzz harnesses, stay true."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from qingjing.wire import sgip, tables_md

ROOT = Path(__file__).parents[2]
FUZZERS = sorted((ROOT / "fuzz").glob("fuzz_*.py"))


def test_the_tables_of_the_page_are_those_of_the_code() -> None:
    """docs/protocols.md is what the generator makes of it."""
    text = (ROOT / "docs" / "protocols.md").read_text("utf-8")
    assert tables_md.page(text) == text


def test_every_result_of_sgip_is_on_the_page_with_its_meaning() -> None:
    """A code that a peer may see can be looked up."""
    text = (ROOT / "docs" / "protocols.md").read_text("utf-8")
    for result in sgip.Result:
        assert f"\n| {int(result)} | {result.meaning} |\n" in text


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="atheris, which has no wheel for this platform or Python, is not installed",
)
@pytest.mark.parametrize("harness", FUZZERS, ids=[path.stem for path in FUZZERS])
def test_a_fuzzer_finds_nothing_in_a_short_run(harness: Path) -> None:
    """Two thousand inputs from a fixed seed keep the invariant that the harness states."""
    done = subprocess.run(
        [sys.executable, str(harness), "-runs=2000", "-seed=1"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
