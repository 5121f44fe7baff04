"""A year of the city: the same by its seed, and the detectors find what was planted in it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from qingjing.__main__ import House
from qingjing.city.year import Options, Planted, Year, make_year, write_year
from qingjing.city.year_lookalikes import LOOKALIKES
from qingjing.city.year_plants import VIOLATIONS
from qingjing.city.year_score import judged
from qingjing.doors.cli.main import run
from qingjing.watch.alarm import Alarm, Detector

SMALL = Options(seed=3, senders=70, days=150, volume=5.0, plants=2)


@pytest.fixture(scope="module")
def year() -> Year:
    """A small year."""
    return make_year(SMALL)


@pytest.fixture(scope="module")
def folder(year: Year, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small year, written."""
    made = tmp_path_factory.mktemp("year")
    write_year(year, made)
    return made


class Cli:
    """The program, its folder, and what it says."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Nothing was said."""
        self._folder, self._capsys = folder, capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Run one command line: its exit code, what it said, and what it complained of."""
        code = run(House(), words)
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def write(self, name: str, text: str) -> str:
        """A file in the folder."""
        (self._folder / name).write_text(text, encoding="utf-8")
        return str(self._folder / name)


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The program."""
    return Cli(tmp_path, capsys)


def test_the_same_seed_gives_the_same_year_and_another_one_another(year: Year) -> None:
    """Log, register, texts and truth."""
    again, other = make_year(SMALL), make_year(msgspec.structs.replace(SMALL, seed=4))

    assert again.log.equals(year.log)
    assert again[1:] == year[1:]
    assert not other.log.equals(year.log)
    assert other.register["signatures"] != year.register["signatures"]


def test_every_violation_and_every_lookalike_has_its_messages(year: Year) -> None:
    """None is planted that never sends, and every look-alike is there."""
    assert all(one.messages for one in year.truth if not one.innocent)
    assert {one.name for one in year.truth if one.innocent} == set(LOOKALIKES)
    assert {one.name for one in year.truth} <= {*VIOLATIONS, *LOOKALIKES}


def test_a_year_that_cannot_be_planted_says_what_is_wrong() -> None:
    """An unknown weight, too few senders."""
    with pytest.raises(ValueError, match="'nonsense' is not planted; one of sublet_named"):
        make_year(msgspec.structs.replace(SMALL, weights={"nonsense": 2}))
    with pytest.raises(ValueError, match="60 senders"):
        make_year(msgspec.structs.replace(SMALL, senders=5))


def planted(kind: Detector, subject: str, since: int, innocent: bool = False) -> Planted:
    """A plant on a port."""
    return Planted(
        name="form", kind=kind, subject=subject, innocent=innocent, since=since, messages=9
    )


def alarm(kind: Detector, port: str, at: int) -> Alarm:
    """An alarm about a port."""
    return Alarm(
        kind=kind,
        port=port,
        score=1,
        since=0,
        at=at,
        messages=1,
        words_zh="",
        words_en="",
        evidence=(),
    )


def test_an_alarm_before_the_first_violation_is_false_and_the_miss_is_counted() -> None:
    """Chance hits are no findings; the delay runs from the first message."""
    day = 86_400_000
    truth = [
        planted("sublet_port", "1", 10 * day),
        planted("sublet_port", "2", 10 * day),
        planted("sublet_port", "3", 10 * day, innocent=True),
    ]
    told = [alarm("sublet_port", port, at) for port, at in (("1", 12 * day), ("2", day))]
    told.append(alarm("sublet_port", "3", 11 * day))
    row = judged([(truth, told)])[0]

    assert (row.recall, row.right, row.alarms, row.delay_days) == (0.5, 1, 3, 2.0)
    assert row.missed == {"form": 1}
    assert row.false == {"other": 1, "form": 1}


def test_the_detectors_find_what_was_planted_in_a_written_year(
    cli: Cli, folder: Path, year: Year
) -> None:
    """From files, by the program, with evidence whose rows are rows of the log."""
    words = (
        "--register",
        str(folder / "register.json"),
        "--templates",
        str(folder / "templates.csv"),
        "--json",
    )
    code, out, _ = cli("detect", "log", str(folder / "log.parquet"), *words)
    found = json.loads(out)
    alarms = [msgspec.convert(one, Alarm) for one in found["alarms"]]
    rows = {row.detector: row for row in judged([(year.truth, alarms)])}

    assert code == 1
    assert found["rows"] == year.log.num_rows
    for name in ("sublet_port", "signature_drift", "port_drift", "came_back"):
        assert (rows[name].recall, rows[name].precision) == (1.0, 1.0), rows[name]
    for one in alarms:
        assert one.words_zh
        assert one.evidence
        for row in (row for evidence in one.evidence for row in evidence.rows):
            line = year.log.slice(row - 1, 1).to_pylist()[0]
            assert one.port in ("", line["port"]) or one.kind == "undeclared_chain"


def test_a_foreign_log_in_csv_gives_the_same_alarms(cli: Cli, folder: Path) -> None:
    """With headings of its own, times in words, and a file that names its columns."""
    table = pq.read_table(folder / "log.parquet").slice(0, 40_000)
    own = folder / "part.parquet"
    pq.write_table(table, own)
    names = {"port": "src_id", "signature": "签名", "sender": "who", "person": "手机号"}
    renamed = table.rename_columns([names.get(name, name) for name in table.column_names])
    kept = (pa.int64(), pa.int32(), pa.uint64())
    types = [(f.name, f.type if f.type in kept else pa.string()) for f in renamed.schema]
    plain = renamed.cast(pa.schema(types))
    foreign = folder / "foreign.csv"
    pacsv.write_csv(plain, foreign)
    mapped = cli.write("columns.toml", 'sender = "who"\n')
    register = ("--register", str(folder / "register.json"), "--json")
    _, first, _ = cli("detect", "log", str(own), *register)
    _, second, _ = cli("detect", "log", str(foreign), *register, "--columns", mapped)

    assert json.loads(second)["rows"] == 40_000
    first_kinds, second_kinds = (
        [(one["kind"], one["port"], one["at"]) for one in json.loads(text)["alarms"]]
        for text in (first, second)
    )
    assert sorted(first_kinds) == sorted(second_kinds)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("time,content\n1,x\n", "no column for port"),
        ("at,port,signature,kind\n1767196800000,1,a,verkauf\n", "column kind: 'verkauf'"),
        ("at,port,signature\nyesterday,1,a\n", "write 2026-11-11 10:00:00"),
    ],
)
def test_a_log_that_cannot_be_read_is_refused_with_field_and_remedy(
    cli: Cli, folder: Path, text: str, told: str
) -> None:
    """And nothing is told of it."""
    register = str(folder / "register.json")
    code, out, error = cli("detect", "log", cli.write("log.csv", text), "--register", register)

    assert (code, out) == (2, "")
    assert told in error


def test_bodies_are_read_where_a_log_has_no_kinds(cli: Cli, folder: Path) -> None:
    """Marketing on a port for notices is found by its text alone."""
    register = cli.write(
        "register.json",
        json.dumps(
            {
                "parties": [{"party": "shop"}],
                "ports": [{"port": "1069002", "holder": "shop", "kinds": ["service"]}],
                "signatures": [{"signature": "青禾商城", "owner": "shop"}],
            }
        ),
    )
    path = folder / "bodies.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("时间", "端口号", "内容"))
        for minute in range(8):
            text = (
                f"【青禾商城】双11狂欢，全场满300减{minute + 10}，点 s.example.cn/a 拒收请回复R"
            )
            writer.writerow((f"2026-11-11 10:0{minute}:00", "1069002", text))
    code, out, _ = cli("detect", "log", str(path), "--register", register, "--json")
    (alarm,) = json.loads(out)["alarms"]

    assert (code, alarm["kind"], alarm["messages"]) == (1, "port_drift", 8)
