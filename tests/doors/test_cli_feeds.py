"""Feeds: files of others, row by row, and what is said when they cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qingjing.desk.entries import Problem
from qingjing.doors import feeds


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """A file of this text."""
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_chinese_spreadsheet_is_read_as_it_comes(tmp_path: Path, encoding: str) -> None:
    """Columns are known by their Chinese headings, in any of the usual encodings."""
    text = "姓名,手机号,同意时间\n王一,13800138000,2026-05-01 09:30\n"
    feed = feeds.consents(write(tmp_path / "a.csv", text, encoding))
    assert list(feed.rows) == [(2, "13800138000", "2026-05-01 09:30")]
    assert feed.ignored == ("姓名",)


def test_row_numbers_are_those_of_the_spreadsheet(tmp_path: Path) -> None:
    """The header is row 1, and an empty line still counts."""
    text = "phone,given_at\n1,a\n\n2,b\n"
    assert [row[0] for row in feeds.consents(write(tmp_path / "a.csv", text)).rows] == [2, 4]


@pytest.mark.parametrize("line", ["13800138000", "13800138000,2026-05-01,x"])
def test_half_a_row_is_told_and_the_others_are_read(tmp_path: Path, line: str) -> None:
    """A row of another width has lost or shifted its cells: none of them is sure."""
    text = f"phone,given_at\n{line}\n13900139000,2026-05-02\n"
    half, whole = feeds.consents(write(tmp_path / "a.csv", text)).rows
    assert isinstance(half, Problem)
    assert half.where == "row 2"
    assert "instead of 2" in half.problem
    assert whole == (3, "13900139000", "2026-05-02")


def test_an_open_quote_ends_the_reading(tmp_path: Path) -> None:
    """It swallows the rest of the file, and that is said."""
    text = 'phone,given_at\n13800138000,2026-05-01\n"13900139000,2026-05-01\n'
    rows = list(feeds.consents(write(tmp_path / "a.csv", text)).rows)
    assert rows[0] == (2, "13800138000", "2026-05-01")
    assert isinstance(rows[1], Problem)
    assert "close the quote" in rows[1].remedy


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("name,given_at", "no column for phone among 'name', 'given_at'"),
        ("phone,mobile,given_at", "several columns for phone"),
        ("phone,day", "--given-at-column"),
        ("phone,phone,given_at", "two columns have one name"),
        ("", "no column for phone among none"),
    ],
)
def test_columns_that_are_not_plain_must_be_named(
    tmp_path: Path, header: str, says: str
) -> None:
    """A guess that could be wrong is not made."""
    with pytest.raises(feeds.FeedError, match=says):
        feeds.consents(write(tmp_path / "a.csv", header and f"{header}\n"))


def test_a_named_column_is_taken_or_told(tmp_path: Path) -> None:
    """A column that is named goes before any guess."""
    path = write(tmp_path / "a.csv", "phone,work,given_at\n1,2,3\n")
    assert list(feeds.consents(path, phone="work").rows) == [(2, "2", "3")]
    with pytest.raises(feeds.FeedError, match="no column 'home'"):
        feeds.consents(path, phone="home")


def test_parquet_columns_of_any_sensible_type_are_read(tmp_path: Path) -> None:
    """Integers, floats that an export made of them, texts, timestamps, and nothing."""
    path = tmp_path / "a.parquet"
    table = pa.table(
        {
            "msisdn": pa.array([13800138000.0, None]),
            "time": pa.array([datetime(2026, 5, 1, 9, 30), None]),  # noqa: DTZ001
        }
    )
    pq.write_table(table, path)
    feed = feeds.consents(path)
    assert feed.total == 2
    assert list(feed.rows) == [(1, "13800138000", "2026-05-01 09:30:00"), (2, "", "")]


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.xlsx", b"", "neither .csv nor .parquet"),
        ("a.parquet", b"no parquet", "is not Parquet"),
        ("a.csv", b"phone,given_at\n\xff\xff\xff\n", "neither UTF-8 nor GB18030"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    tmp_path: Path, name: str, data: bytes, says: str
) -> None:
    """The error names the file and the remedy."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(feeds.FeedError, match=says):
        list(feeds.consents(tmp_path / name).rows)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("none.csv", feeds.consents),
        ("none.parquet", feeds.consents),
        ("none.toml", feeds.register_file),
        ("none.txt", feeds.text),
    ],
)
def test_a_missing_file_is_told(
    tmp_path: Path, name: str, read: Callable[[Path], object]
) -> None:
    """And where it was looked for."""
    with pytest.raises(feeds.FeedError, match=f"{name} cannot be read"):
        read(tmp_path / name)


def test_one_table_of_the_register_may_be_a_csv_file(tmp_path: Path) -> None:
    """Its name tells the table; semicolons part lists; empty cells leave a field out."""
    text = "port,holder,kinds,region\n106900010001,tongda,commercial; asking,\n"
    described = feeds.register_file(write(tmp_path / "ports.csv", text))
    entry = {"port": "106900010001", "holder": "tongda", "kinds": ["commercial", "asking"]}
    assert described == {"ports": [entry]}
    again = feeds.register_file(write(tmp_path / "2026.csv", text), "ports")
    assert again == described
    with pytest.raises(feeds.FeedError, match="'2026' is no table"):
        feeds.register_file(tmp_path / "2026.csv")


def test_a_register_csv_with_a_cell_too_many_is_not_read_in_silence(tmp_path: Path) -> None:
    """The surplus stays in the entry under a name that the desk refuses."""
    text = "port,holder\n106900010001,tongda,x\n"
    (entry,) = feeds.register_file(write(tmp_path / "ports.csv", text))["ports"]
    assert entry["more cells than the header"] == ["x"]


def test_text_and_toml_that_are_none_are_told(tmp_path: Path) -> None:
    """Another encoding, another format: which file, and what to do."""
    with pytest.raises(feeds.FeedError, match="is not UTF-8; save it as UTF-8"):
        feeds.text(write(tmp_path / "a.txt", "青禾", "gb18030"))
    with pytest.raises(feeds.FeedError, match="is not TOML"):
        feeds.register_file(write(tmp_path / "a.toml", "[[parties"))


def test_a_damaged_parquet_file_says_how_far_it_was_read(tmp_path: Path) -> None:
    """What comes after the damage is unknown, not empty."""
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"phone": list(range(9_000)), "time": ["x"] * 9_000}), path)
    data = path.read_bytes()
    path.write_bytes(data[:100] + bytes(200) + data[300:])
    with pytest.raises(feeds.FeedError, match="is damaged after row 0"):
        list(feeds.consents(path).rows)
    with pytest.raises(feeds.FeedError, match="is damaged after row 0"):
        list(feeds.numbers(path).chunks)


def test_numbers_are_read_a_chunk_at_a_time_and_none_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ``Phone.parse`` reads them; what it refuses is 0."""
    monkeypatch.setattr(feeds, "BATCH_ROWS", 2)
    written = ["13800138000", " +8613800138000 ", "008613800138000", "12800138000", "", "８"]
    path = write(tmp_path / "a.csv", "phone\n" + "".join(f'"{w}"\n' for w in written))
    chunks = list(feeds.numbers(path).chunks)
    assert [w for chunk in chunks for w in chunk.written.to_pylist()] == written
    assert [row for chunk in chunks for row in chunk.rows.tolist()] == list(range(2, 8))
    phones = [phone for chunk in chunks for phone in chunk.phones.tolist()]
    assert phones == [13800138000] * 3 + [0] * 3
