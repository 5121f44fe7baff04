"""Readings measured on published corpora, none of whose rows is part of this project.

The Chinese part of the NUS SMS corpus (Chen & Kan 2013) for personal messages, and the test
split of the FBS SMS dataset (Zhang et al., CCS 2020) for spam. Both predate 2019.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from qingjing.kernel.words import Kind
from qingjing.text.reading import read

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("QINGJING_DATA", ROOT.parent / "shared" / "data"))
UNWANTED = (Kind.COMMERCIAL, Kind.ILLEGAL)


def rows(name: str) -> list[str]:
    """The lines of one corpus, or a skip that says what is missing."""
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"{path} is absent; set QINGJING_DATA to the folder of the corpora")
    return path.read_text(encoding="utf-8").splitlines()


def test_personal_messages_are_seldom_taken_for_marketing() -> None:
    """At most 3 % of 4,000 personal messages are read as commercial or illegal."""
    sample = random.Random(12321).sample(rows("nus_zh/data.txt"), 4000)
    wrong = sum(read(text).kind in UNWANTED for text in sample)

    assert wrong / len(sample) <= 0.03


def test_spam_is_mostly_read_as_such() -> None:
    """At least 85 % of the spam test split is read as commercial or illegal."""
    table = [row.split("\t") for row in rows("fbs_sms/data.tsv")[1:]]
    texts = [row[5].replace(" ", "") for row in table if row[3] == "test"]
    hits = sum(read(text).kind in UNWANTED for text in texts)

    assert hits / len(texts) >= 0.85
