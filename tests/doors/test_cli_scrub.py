"""``qingjing scrub``: every row of a list comes back, with who may be sent to and why not."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from test_cli import EXAMPLE, TERMS, Cli

from qingjing.doors import feeds

TO = ("--sender", "qinghe", "--category", "retail")
HEAD = "姓名,手机号\n"


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Ten people who consented, the first of whom refused."""
    made = Cli(tmp_path, capsys)
    made("keys", "create")
    made("register", "load", str(EXAMPLE))
    rows = "".join(f"1380013800{i},2026-05-01\n" for i in range(10))
    made("consent", "import", made.write("in.csv", f"phone,given_at\n{rows}"), *TERMS)
    made("consent", "refuse", "13800138000", "--group", "qinghe")
    return made


def result(path: Path) -> list[tuple[str, ...]]:
    """The rows of a result, without their numbers' order being touched."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [tuple(row) for row in csv.reader(file)]


def test_every_row_comes_back_with_its_reason(cli: Cli) -> None:
    """Allowed, refused, never asked, no number, half a row."""
    text = HEAD + "a,13800138001\nb,13800138000\nc,+8613900139000\nd,12345\ne\n"
    source, out = cli.write("list.csv", text), cli.folder / "out.csv"
    summed = cli.json("scrub", source, "--out", str(out), *TO)
    assert result(out) == [
        ("row", "phone", "allowed", "reason"),
        ("2", "13800138001", "yes", ""),
        ("3", "13800138000", "no", "not_refused"),
        ("4", "+8613900139000", "no", "grounds_present"),
        ("5", "12345", "no", "number_valid"),
        ("6", "", "no", "number_valid"),
    ]
    assert (summed["rows"], summed["allowed"], summed["refused"]) == (5, 1, 4)
    assert summed["reasons"] == {"number_valid": 2, "not_refused": 1, "grounds_present": 1}
    assert out.stat().st_mode & 0o777 == 0o600


def test_a_parquet_list_gives_a_parquet_result(cli: Cli) -> None:
    """Numbers as integers, nulls, more rows than one batch holds."""
    numbers: list[int | None] = [13800138000 + i for i in range(70_000)]
    pq.write_table(pa.table({"mobile": [*numbers, None]}), cli.folder / "list.parquet")
    out = cli.folder / "out.parquet"
    said = cli("scrub", str(cli.folder / "list.parquet"), "--out", str(out), *TO)
    table = pq.read_table(out)
    assert table.num_rows == 70_001
    assert sum(table["allowed"].to_pylist()) == 9
    assert table["reason"].to_pylist()[0] == "not_refused"
    assert "70001 rows: 9 allowed" in said


def test_a_hole_in_a_later_chunk_of_whole_numbers_is_a_row_like_any_other(cli: Cli) -> None:
    """The column keeps its type from the first chunk to the last."""
    size = feeds.LIST_ROWS + 2
    numbers = pa.array([13800138000] * size, pa.int64())
    mask = pa.array([False] * (size - 2) + [True, False])
    holed = pc.if_else(mask, pa.scalar(None, pa.int64()), numbers)
    pq.write_table(pa.table({"mobile": holed}), cli.folder / "list.parquet")
    out = cli.folder / "out.parquet"
    cli("scrub", str(cli.folder / "list.parquet"), "--out", str(out), *TO)
    last = pq.read_table(out).slice(size - 3).to_pylist()
    assert [row["phone"] for row in last] == [13800138000, None, 13800138000]
    assert [row["reason"] for row in last] == ["not_refused", "number_valid", "not_refused"]


def test_the_sum_speaks_chinese(cli: Cli) -> None:
    """The sentences are those of the rules."""
    source = cli.write("list.csv", HEAD + "a,13800138000\n")
    out = str(cli.folder / "out.csv")
    assert "拒收" in cli("--lang", "zh", "scrub", source, "--out", out, *TO)
    assert "13800138000" not in cli.out + cli.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--sender", "nobody", "--category", "retail"), "sender: 'nobody'"),
        (("--sender", "qinghe", "--category", "retial"), "category: 'retial'"),
        ((*TO, "--at", "noon"), "at: 'noon'"),
        ((*TO, "--phone-column", "x"), "no column 'x'"),
        ((*TO, "--at", "1999-01-01"), "no adopted rulebook"),
    ],
)
def test_a_wrong_order_writes_nothing(cli: Cli, words: tuple[str, ...], says: str) -> None:
    """Sender, category, time, column: told, and no result appears."""
    source, out = cli.write("list.csv", HEAD + "a,13800138001\n"), cli.folder / "out.csv"
    cli("scrub", source, "--out", str(out), *words, code=2)
    assert says in cli.err
    assert not out.exists()


def test_a_result_that_cannot_be_written_is_told(cli: Cli) -> None:
    """An unknown kind of file, and a folder that is not there."""
    source = cli.write("list.csv", HEAD + "a,13800138001\n")
    cli("scrub", source, "--out", "out.xlsx", *TO, code=2)
    assert "out.xlsx is neither" in cli.err
    cli("scrub", source, "--out", str(cli.folder / "none" / "out.csv"), *TO, code=2)
    assert "cannot be written" in cli.err


def test_a_damaged_list_leaves_the_old_result(cli: Cli) -> None:
    """Half a result never takes the place of a whole one."""
    out = Path(cli.write("out.parquet", "old"))
    pq.write_table(pa.table({"phone": list(range(200_000))}), cli.folder / "list.parquet")
    data = (cli.folder / "list.parquet").read_bytes()
    (cli.folder / "list.parquet").write_bytes(data[:100] + bytes(200) + data[300:])
    cli("scrub", str(cli.folder / "list.parquet"), "--out", str(out), *TO, code=2)
    assert out.read_text("utf-8") == "old"
    assert not list(cli.folder.glob(".*.new"))
