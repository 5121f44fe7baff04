"""Claims: an old list is graded before it is believed, in columns, as the gate would."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from test_prove import MORNING, World, world

from qingjing.desk.claims import TERMS_MAX, Claims, ClaimsReport
from qingjing.desk.consent import Terms, refuse
from qingjing.desk.entries import InputError, Problem, moment, told
from qingjing.desk.explain import person
from qingjing.desk.grade import RULE_OF, SOUND
from qingjing.doors import claims as feed
from qingjing.kernel.words import PURPOSE_ANY, Phone

COMMON = Terms(sender="qinghe", purposes=("any",), act="unknown")
HEADS = ("phone", "given_at", "act", "shown", "term_days", "per_count", "per_days")
ROWS = [
    ("13800000001", "2026-05-01 09:30:00", "ticked", "9f86", "365", "2", "30"),
    ("13800000002", "2026/5/1 9:30", "勾选", "9f86", "", "", ""),
    ("13800000003", "2026-05-01", "default", "9f86", "365", "2", "30"),
    ("13800000004", "2026-05-01", "ticked", "", "365", "2", "30"),
    ("13800000005", "2024-05-01", "ticked", "9f86", "365", "2", "30"),
    ("13800000006", "2026-05-01", "", "9f86", "365", "2", "30"),
    ("13800000007", "2026-05-01", "ticked", "9f86", "365", "2", "30"),
    ("12345", "2026-05-01", "ticked", "9f86", "365", "2", "30"),
    ("13800000008", "2027-05-01", "ticked", "9f86", "365", "2", "30"),
    ("13800000009", "nonsense", "ticked", "9f86", "365", "2", "30"),
    ("13800000010", "2026-05-01", "clicked", "9f86", "365", "2", "30"),
    ("13800000011", "2026-05-01", "ticked", "9f86", "ever", "2", "30"),
    ("13800000012", "2026-02-30", "ticked", "9f86", "365", "2", "30"),
]


def table() -> pa.Table:
    """The rows above."""
    return pa.table({head: [row[at] for row in ROWS] for at, head in enumerate(HEADS)})


def written(folder: Path, ending: str, rows: pa.Table | None = None) -> Path:
    """The list as a file."""
    path = folder / f"claims{ending}"
    found = table() if rows is None else rows
    (pc.write_csv if ending == ".csv" else pq.write_table)(found, path)
    return path


def graded(
    made: World, path: Path, terms: Terms = COMMON, *, keep: bool = False, category: str = ""
) -> Claims:
    """All claims of a file, taken."""
    claims = Claims(made.ledger, terms, MORNING, keep=keep, category=category)
    for batch in feed.batches(path):
        if isinstance(batch, Problem):
            claims.skip(batch)
        else:
            claims.take(batch)
    return claims


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_list_is_graded_and_told_back_with_reasons(tmp_path: Path, ending: str) -> None:
    """So many would hold up, the others not, each under its reason; refusals count."""
    made = world()
    made.act(lambda t: refuse(made.ledger, t, "13800000007", "qinghe", door="web"))

    report = graded(made, written(tmp_path, ending)).report()

    assert (report.claims, report.hold, report.left) == (13, 2, 6)
    assert report.reasons == {
        "grounds_explicit": 2,
        "grounds_shown": 1,
        "grounds_unexpired": 1,
        "not_refused": 1,
    }
    assert report.remarks == {"worded_before": 2, "frequency_stated": 1, "term_stated": 1}
    zh, en = report.words()
    assert "13 条主张中 2 条站得住" in zh
    assert "of 13 claims 2 would hold up" in en


def test_rows_that_cannot_be_read_are_told_with_row_field_and_remedy(tmp_path: Path) -> None:
    """Row numbers are those of a spreadsheet, and no number is shown."""
    report = graded(world(), written(tmp_path, ".csv")).report()

    told_of = [(problem.where, problem.field) for problem in report.problems]
    assert told_of == [
        ("row 9", "phone"),
        ("row 10", "given_at"),
        ("row 11", "given_at"),
        ("row 12", "act"),
        ("row 13", "term_days"),
        ("row 14", "given_at"),
    ]
    assert all(problem.remedy for problem in report.problems)
    assert "1380000" not in str(report.problems)


def test_a_torn_row_is_left_out_and_counted(tmp_path: Path) -> None:
    """The rows around it are graded all the same."""
    path = tmp_path / "torn.csv"
    good = "13800000001,2026-05-01,ticked,9f86,365,2,30\n"
    path.write_text(",".join(HEADS) + "\n" + good + "13800000002,2026\n" + good, "utf-8")

    report = graded(world(), path).report()

    assert (report.claims, report.hold, report.left) == (3, 2, 1)


def test_a_list_in_gb18030_reads_like_any_other(tmp_path: Path) -> None:
    """As Chinese spreadsheets write it."""
    path = tmp_path / "旧表.csv"
    path.write_text("手机号,同意时间,同意方式\n13800000001,2026年5月1日,勾选\n", "gb18030")

    report = graded(world(), path, msgspec.structs.replace(COMMON, shown="p"))

    assert (report.report().claims, report.report().hold) == (1, 1)


def enter(made: World, claims: Claims, folder: Path) -> int:
    """Record the claims as an import; how many people."""
    facts = list(claims.draft(folder, "ab" * 32))
    made.act(lambda t: [t.append(fact) for fact in facts])
    return sum(fact.count for fact in facts)


def test_what_is_graded_to_hold_is_what_the_gate_lets_through_once_imported(
    tmp_path: Path,
) -> None:
    """A random list of two thousand: the counts are those of the persons' own standings."""
    chance = random.Random(5)
    rows = [
        (
            str(13_900_000_000 + place),
            told(MORNING - chance.randrange(1, 900) * 86_400_000),
            chance.choice(
                ["ticked", "signed", "requested", "default", "bundled", "silent", ""]
            ),
            chance.choice(["", "9f86", f"p{place}"]),
            chance.choice(["", "30", "365"]),
            "2",
            "30",
        )
        for place in range(2_000)
    ]
    columns = {head: [row[at] for row in rows] for at, head in enumerate(HEADS)}
    path = written(tmp_path, ".parquet", pa.table(columns))
    made = world(tmp_path / "imports")
    claims = graded(made, path, keep=True)
    assert made.ledger.facts_of(made.ledger.find(Phone(13_900_000_000)).handle) == ()

    assert enter(made, claims, tmp_path / "imports") == 2_000

    report: ClaimsReport = claims.report()
    states = []
    for row in rows:
        found = person(made.ledger, Phone.parse(row[0]), MORNING).standings
        states += [one.state for one in found if one.sender == "qinghe"]
    assert report.hold == sum(state in SOUND for state in states)
    names, counts = np.unique(
        [RULE_OF[s] for s in states if s not in SOUND], return_counts=True
    )
    assert report.reasons == dict(zip(names.tolist(), counts.tolist(), strict=True))
    assert 0 < report.hold < 2_000


def test_a_proof_of_its_own_in_each_row_stands_under_the_hash_of_the_list(
    tmp_path: Path,
) -> None:
    """One fact for the whole of them, which names the list that has the proofs."""
    rows = [(f"1380000{n:04}", "2026-05-01", "ticked", f"proof{n}") for n in range(50)]
    columns = {head: [row[at] for row in rows] for at, head in enumerate(HEADS[:4])}
    made = world(tmp_path / "imports")
    claims = graded(made, written(tmp_path, ".csv", pa.table(columns)), keep=True)

    (fact,) = claims.draft(tmp_path / "imports", "ab" * 32)

    assert (fact.count, fact.shown, fact.purposes) == (50, "ab" * 32, PURPOSE_ANY)


def test_a_column_that_is_no_term_is_refused_before_it_makes_a_thousand_facts(
    tmp_path: Path,
) -> None:
    """A wording a row is a mistake, and nothing is recorded."""
    count = TERMS_MAX + 1
    columns = {
        "phone": [str(13_800_000_000 + n) for n in range(count)],
        "given_at": ["2026-05-01"] * count,
        "wording": [f"w{n}" for n in range(count)],
    }

    with pytest.raises(InputError, match="different terms"):
        graded(world(), written(tmp_path, ".parquet", pa.table(columns)))


def test_a_category_that_no_claim_is_for_holds_nothing(tmp_path: Path) -> None:
    """The purposes of the list are retail; a loan offer rests on none of them."""
    terms = Terms(sender="qinghe", purposes=("retail",), act="ticked", shown="p")
    path = written(tmp_path, ".csv")

    assert graded(world(), path, terms, category="finance").report().hold == 0
    assert graded(world(), path, terms, category="retail").report().hold > 0


def test_common_terms_that_are_wrong_are_told_before_anything_is_read(tmp_path: Path) -> None:
    """Field by field."""
    with pytest.raises(InputError, match="sender"):
        graded(
            world(), tmp_path / "none.csv", Terms(sender="x", purposes=("any",), act="ticked")
        )


def test_a_claim_given_before_the_words_were_registered_holds_with_a_remark(
    tmp_path: Path,
) -> None:
    """Back-dated or not: the log cannot tell, and says so."""
    made = world()
    assert moment("2026-05-01") < MORNING
    report = graded(made, written(tmp_path, ".csv")).report()

    assert report.remarks["worded_before"] == report.hold
    asyncio.run(made.ledger.close())
