"""The law register: every duty has a rule or a written reason, and every rule a duty."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Final

import pytest

from qingjing.kernel.rules import BY_NAME, RULES
from qingjing.kernel.rules.rule import Rule

PATH: Final = Path(__file__).parents[2] / "docs" / "law.csv"
COLUMNS: Final = [
    "id",
    "source",
    "article",
    "duty_zh",
    "duty_en",
    "rules",
    "status",
    "reason",
]
ROWS: Final = list(csv.DictReader(PATH.read_text(encoding="utf-8").splitlines()))
DUTIES: Final = {row["id"]: row for row in ROWS}


def rules_of(row: dict[str, str]) -> list[str]:
    """The rules that serve a duty."""
    return row["rules"].split()


def test_the_register_has_its_eight_columns_in_every_row() -> None:
    """No cell too few or too many, in the order that people know."""
    for row in ROWS:
        assert list(row) == COLUMNS
        assert None not in row.values()


def test_every_duty_has_one_id() -> None:
    """Ids are D and three digits, unique, and the rows stand in their order."""
    ids = [row["id"] for row in ROWS]

    assert all(re.fullmatch(r"D-\d{3}", duty) for duty in ids)
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_serves_a_duty_that_names_it(rule: Rule) -> None:
    """From the code to the law and back."""
    assert rule.name in rules_of(DUTIES[rule.duty])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_every_rule_that_a_duty_names_serves_it(row: dict[str, str]) -> None:
    """From the law to the code and back: no rule is claimed that does not say so itself."""
    for name in rules_of(row):
        assert BY_NAME[name].duty == row["id"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_every_duty_has_a_rule_or_a_written_reason(row: dict[str, str]) -> None:
    """A duty is in force by a rule, or later or out of scope for a reason that can be read."""
    if rules_of(row):
        assert row["status"] == "in force"
    else:
        assert row["status"] in ("later", "out of scope")
        assert len(row["reason"].split()) >= 2


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_every_duty_says_where_it_comes_from_and_what_it_asks(row: dict[str, str]) -> None:
    """Source, article, and the duty in both languages."""
    for column in ("source", "article", "duty_zh", "duty_en"):
        assert row[column].strip() == row[column] != ""
    assert re.search(r"[\u4e00-\u9fff]", row["duty_zh"])
    assert re.search(r"[a-z]", row["duty_en"])


def test_the_first_thirty_eight_duties_are_those_of_the_gate() -> None:
    """A new rule takes the next free number above; these ids never change their meaning."""
    assert {f"D-{number:03d}" for number in range(1, 39)} <= set(DUTIES)
    assert {rule.duty for rule in RULES} <= set(DUTIES)
    assert len({rule.duty for rule in RULES}) == len(RULES)
