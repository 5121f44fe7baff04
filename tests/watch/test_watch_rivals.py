"""The detectors to compare with compute what others compute."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from qingjing.watch.ears import ears
from qingjing.watch.farrington import farrington
from qingjing.watch.series import benchmark

WEEKS: Final = 4
SCRIPT: Final = """
suppressMessages(library(surveillance))
arguments <- commandArgs(TRUE)
y <- as.matrix(read.csv(arguments[1], header = FALSE))
judged <- (ncol(y) - 3):ncol(y)
quietly <- function(x) suppressWarnings(x)
told <- sapply(seq_len(nrow(y)), function(i) {
  s <- sts(observed = matrix(y[i, ], ncol = 1), start = c(2001, 1), frequency = 52)
  f <- quietly(farringtonFlexible(s, control = list(range = judged, b = 5, w = 3,
    noPeriods = 10, pastWeeksNotIncluded = 26, weightsThreshold = 2.58, pThresholdTrend = 1,
    thresholdMethod = "nbPlugin", alpha = 0.01, limit54 = c(0, 4))))
  c1 <- alarms(earsC(s, control = list(range = judged, method = "C1")))
  c2 <- alarms(earsC(s, control = list(range = judged, method = "C2")))
  c(upperbound(f)[, 1], c1[, 1], c2[, 1])
})
write.table(t(told), arguments[2], sep = ",", row.names = FALSE, col.names = FALSE)
"""


@pytest.mark.slow
def test_farrington_and_ears_agree_with_the_surveillance_package_of_r(tmp_path: Path) -> None:
    """Upper bounds to 1e-4, alarms exactly, on one series of each scenario."""
    program = shutil.which("Rscript")
    if program is None:
        pytest.skip("Rscript is not installed")
    asked = [program, "-e", "library(surveillance)"]
    there = subprocess.run(asked, capture_output=True, check=False)
    if there.returncode:
        pytest.skip("R has no package surveillance")
    counts = benchmark(5, 2).counts[::2]
    np.savetxt(tmp_path / "y.csv", counts, fmt="%d", delimiter=",")
    (tmp_path / "bounds.R").write_text(SCRIPT, encoding="utf-8")
    command = [program, "bounds.R", "y.csv", "told.csv"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=300)
    told = np.genfromtxt(tmp_path / "told.csv", delimiter=",")

    assert np.abs(farrington(counts, WEEKS) - told[:, :WEEKS]).max() < 1e-4
    assert (ears(counts, WEEKS, 1) == told[:, WEEKS : 2 * WEEKS]).all()
    assert (ears(counts, WEEKS, 2) == told[:, 2 * WEEKS :]).all()


def test_farrington_wants_five_years_of_history() -> None:
    """It says so rather than compute with less."""
    with pytest.raises(ValueError, match="5 years"):
        farrington(np.ones((1, 270), dtype=np.int64), 20)


def test_ears_c3_adds_up_what_three_periods_have_beyond_one_deviation() -> None:
    """Two deviations above the mean three times over are an alarm of C3 and not of C2."""
    quiet = [8, 12, 8, 12, 8, 12, 10] * 2
    counts = np.array([[*quiet, 14, 14, 14], [*quiet, 10, 10, 10]])

    assert not ears(counts, 1, 2).any()
    assert ears(counts, 1, 3).tolist() == [[True], [False]]
