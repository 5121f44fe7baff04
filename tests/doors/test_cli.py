"""The command line on a real folder: what it writes, what it says, how it ends."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qingjing.__main__ import House
from qingjing.desk.entries import moment
from qingjing.doors.cli.main import run

NOW = moment("2026-11-24 10:00")
EXAMPLE = Path(__file__).parents[2] / "docs" / "register.example.toml"
PHONE = "13800138000"
SALE = "【青禾商城】秋装上新，全场满200减50，拒收请回复R"
DECIDE = ("decide", SALE, "--submitter", "qinghe", "--port", "106900010001", "--phone", PHONE)
GIVEN = ("--door", "web", "--given-at", "2026-05-01 09:30")
TERMS = ("--sender", "qinghe", "--purpose", "retail", "--act", "ticked", "--shown", "9f86")


class StillHouse(House):
    """The real house, with a clock that stands still until it is moved."""

    at = NOW

    def now(self) -> int:
        """The same moment, again and again."""
        return self.at


class Cli:
    """The command line in this process."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys, self.house = folder, capsys, StillHouse()
        self.config = folder / "qingjing.toml"
        self.config.write_text('name = "test/ledger"\n', "utf-8")
        self.out = self.err = ""

    def __call__(self, *words: str, code: int = 0) -> str:
        """Run, and see that it ends as it should; its output."""
        found = run(self.house, ["--config", str(self.config), *words])
        self.out, self.err = self._capsys.readouterr()
        assert found == code, self.out + self.err
        return self.out

    def json(self, *words: str, code: int = 0) -> Any:
        """Run with ``--json``; what came."""
        return json.loads(self(*words, "--json", code=code))

    def write(self, name: str, text: str) -> str:
        """A file in the folder; its path."""
        (self.folder / name).write_text(text, "utf-8")
        return str(self.folder / name)


@pytest.fixture
def bare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Settings alone."""
    return Cli(tmp_path, capsys)


@pytest.fixture
def cli(bare: Cli) -> Cli:
    """Keys, and the example's register."""
    bare("keys", "create")
    bare("register", "load", str(EXAMPLE))
    return bare


def test_keys_are_made_once(bare: Cli) -> None:
    """For their owner alone; an existing file is never overwritten."""
    key = bare.json("keys", "create")["public_key"]
    assert (bare.folder / "keys.toml").stat().st_mode & 0o777 == 0o600
    assert bare("keys", "show").strip() == key
    bare("keys", "create", code=2)
    assert "keys.toml" in bare.err
    assert bare.json("keys", "show")["public_key"] == key
    assert bare.json("keys", "rotate") == {"data_key": 2}
    assert "data key 3" in bare("keys", "rotate")
    assert bare("keys", "show").strip() == key


def test_without_keys_nothing_opens(bare: Cli) -> None:
    """And the remedy is told."""
    bare("ledger", "status", code=2)
    assert "key file" in bare.err
    assert not (bare.folder / "data").exists()


def test_wrong_settings_are_told(bare: Cli) -> None:
    """A missing file, and a field that is none."""
    bare.config.write_text("colour = 1\n", "utf-8")
    bare("ledger", "status", code=2)
    assert "colour" in bare.err
    bare.config.unlink()
    bare("ledger", "status", code=2)
    assert "qingjing.toml" in bare.err


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("consent", "nonsense"),
        ("decide",),
        ("decide", SALE, "--colour", "red"),
        ("consent", "record", PHONE, *TERMS, *GIVEN, "--term-days", "soon"),
    ],
)
def test_wrong_words_end_with_two(bare: Cli, words: tuple[str, ...]) -> None:
    """And say what was not understood."""
    bare(*words, code=2)
    assert bare.err


def test_a_register_file_is_loaded_once(cli: Cli) -> None:
    """The second loading writes nothing."""
    assert cli.json("register", "load", str(EXAMPLE))["written"] == 0
    assert "nothing was written" in cli("register", "load", str(EXAMPLE))


def test_a_wrong_register_file_tells_all_and_writes_nothing(cli: Cli) -> None:
    """Every error in one go, each on its line."""
    before = cli.json("ledger", "status")["facts"]
    text = EXAMPLE.read_text("utf-8")
    text = text.replace('role = "platform"', 'role = "shop"')
    text = text.replace('kinds = ["service", "verification"]', 'kinds = ["sevice"]')
    cli("register", "load", cli.write("wrong.toml", text), code=2)
    for place in ("parties 1: role", "ports 2: kinds", "grants 2: kinds"):
        assert place in cli.err
    assert cli.json("ledger", "status")["facts"] == before


def test_a_register_table_is_loaded_from_csv(cli: Cli) -> None:
    """Half rows and unknown columns are told by row."""
    head = "party,name,role,credit_code,group\n"
    good = "new,新主体,merchant,91110105MA00QHXC1P,\n"
    assert cli.json("register", "load", cli.write("parties.csv", head + good))["written"] == 1
    half = cli.write("parties.csv", head + "half,半个\n")
    cli("register", "load", half, code=2)
    assert "parties 1" in cli.err
    assert "role" in cli.err
    odd = cli.write("parties.csv", head.replace("group", "gruop") + good.replace(",\n", ",x\n"))
    cli("register", "load", odd, code=2)
    assert "gruop" in cli.err


def test_every_register_fact_has_its_command(cli: Cli) -> None:
    """Party, port, signature, grant, filing; suspend, reinstate, end."""
    days = ("--valid-from", "2026-01-01", "--valid-until", "2026-12-31")
    code = ("--credit-code", "91110105MA00QHXC1P")
    cli("register", "party", "lan", "--name", "蓝店", "--role", "merchant", *code)
    port = ("register", "port", "106900010003", "--holder", "tongda", "--licence", "x")
    cli(*port, "--kind", "commercial", *days)
    signature = ("register", "signature", "蓝店", "--owner", "lan", "--source", "app")
    cli(*signature, "--proof", "x", "--kind", "commercial")
    grant = ("register", "grant", "g", "--sender", "lan", "--port", "106900010003")
    cli(*grant, "--signature", "蓝店", "--kind", "commercial", "--chain", "lan", *days, code=2)
    assert "chain" in cli.err
    chain = ("--chain", "lan", "--chain", "tongda")
    cli(*grant, "--signature", "蓝店", "--kind", "commercial", *chain, *days)
    for what in (("--port", "106900010003"), ("--signature", "蓝店")):
        cli("register", "filing", *what, "--carrier", "mobile", "--state", "filed")
    found = cli.json("register", "show", "106900010003")["port"]
    assert (found["filed_mobile"], found["filed_unicom"]) == ("filed", "drafting")
    assert (found["valid_from"], found["valid_until"]) == ("2026-01-01", "2026-12-31")
    assert cli.json("register", "show", "g")["grant"]["kinds"] == ["commercial"]
    cli("register", "suspend", "lan", "--reason", "投诉", "--until", "2026-12-01")
    assert cli.json("register", "show", "lan")["party"]["suspended"] is True
    cli("register", "reinstate", "lan", "--reason", "整改")
    assert cli.json("register", "show", "lan")["party"]["suspended"] is False
    cli("register", "end-grant", "g", "--reason", "到期")
    cli("register", "show", "g", code=2)
    assert "蓝店" in cli("register", "show")
    assert "commercial" in cli("register", "show", "蓝店")


def test_a_consent_makes_the_difference(cli: Cli) -> None:
    """Refused without it, passed with it, refused again after a refusal."""
    refused = cli.json(*DECIDE, code=1)
    assert refused["verdict"] == "refuse"
    assert [reason["rule"] for reason in refused["reasons"]] == ["grounds_present"]
    position = cli.json("consent", "record", PHONE, *TERMS, *GIVEN)["position"]
    passed = cli.json(*DECIDE)
    assert (passed["verdict"], passed["grounds"]) == ("pass", position)
    assert "given 2026-05-01 09:30:00" in passed["grounds_en"]
    cli("consent", "refuse", PHONE, "--group", "qinghe", "--door", "call")
    assert cli.json(*DECIDE, code=1)["standing"] == "refused"


def test_a_decision_is_explained_in_both_languages(cli: Cli) -> None:
    """Verdict, sentence and remedy."""
    assert "No consent or request" in cli(*DECIDE, code=1)
    chinese = cli("--lang", "zh", *DECIDE, code=1)
    assert "拒绝" in chinese
    assert "没有该用户对该发送主体的同意或请求" in chinese


def test_a_message_may_come_on_standard_input(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And another time and carrier may be asked about."""
    with (tmp_path / "sms.txt").open("w+", encoding="utf-8") as file:
        file.write(SALE + "\n")
        file.seek(0)
        monkeypatch.setattr(sys, "stdin", file)
        asked = ("--carrier", "telecom", "--at", "2026-11-24 23:30")
        answer = cli.json("decide", *DECIDE[2:], *asked, code=1)
    assert answer["carrier"] == "telecom"
    assert {"quiet_hours", "signature_filed"} <= {r["rule"] for r in answer["reasons"]}
    wrong = ("--carrier", "pigeon", "--at", "noon", "--declared", "spam")
    cli(*DECIDE, *wrong, code=2)
    assert [line.split(":")[1] for line in cli.err.splitlines()[-3:]] == [
        " declared",
        " carrier",
        " at",
    ]


def test_a_number_is_never_printed_whole(cli: Cli) -> None:
    """Not when shown, not when decided, not in an error."""
    said = cli("consent", "record", PHONE, *TERMS, *GIVEN)
    said += cli("consent", "show", PHONE) + cli("consent", "show", PHONE, "--json")
    said += cli(*DECIDE) + cli(*DECIDE, "--json")
    cli("consent", "record", f"{PHONE}1", *TERMS, *GIVEN, code=2)
    cli("consent", "record", PHONE, *TERMS, *GIVEN[:2], "--given-at", PHONE, code=2)
    assert PHONE not in said + cli.err
    assert "138****8000" in said


def test_a_person_is_shown(cli: Cli) -> None:
    """Facts in order, and how each sender stands."""
    cli("consent", "record", PHONE, *TERMS, *GIVEN)
    cli("consent", "refuse", PHONE, "--all")
    shown = cli.json("consent", "show", PHONE)
    assert [fact["kind"] for fact in shown["facts"]] == [
        "consent.recorded/1",
        "refusal.recorded/1",
    ]
    assert {s["standing"] for s in shown["standings"]} == {"refused"}
    assert "用户已拒收" in cli("--lang", "zh", "consent", "show", PHONE)
    cli("consent", "show", "12", code=2)


def test_a_refusal_is_of_one_group_or_of_all(cli: Cli) -> None:
    """Neither and both are refused."""
    cli("consent", "refuse", PHONE, code=2)
    cli("consent", "refuse", PHONE, "--group", "qinghe", "--all", code=2)
    cli("consent", "refuse", PHONE, "--group", "nobody", code=2)
    assert "nobody" in cli.err


def test_lifting_is_told(cli: Cli) -> None:
    """Both when the person's own act lifts a refusal, and when an older one does not."""
    cli("consent", "refuse", PHONE, "--group", "qinghe")
    said = cli("consent", "record", PHONE, *TERMS, *GIVEN)
    assert "does not lift" in said
    cli.house.at += 3_600_000
    own = ("--door", "app", "--given-at", "2026-11-24 10:30")
    assert "is lifted" in cli("consent", "record", PHONE, *TERMS, *own)
    assert "refusal.lifted/1" in cli("consent", "show", PHONE)


def test_words_are_registered_under_their_hash(cli: Cli) -> None:
    """From the command line or from a file; an empty text is refused."""
    words = ("consent", "wording", "qh", "--sender", "qinghe")
    first = cli.json(*words, "--text", "我同意")["wording"]
    assert first.startswith("qh@")
    assert first in cli(*words, "--file", cli.write("words.txt", "我同意\n"))
    cli(*words, code=2)
    assert "text: is empty" in cli.err


def test_a_list_is_imported_with_row_errors(cli: Cli) -> None:
    """Good rows are taken, bad ones told by number, field and remedy; the exit code is two."""
    rows = f"姓名,手机号,同意时间\n王,{PHONE},2026-05-01 09:30\n李,123,2026-05-01\n赵,x\n"
    path = cli.write("list.csv", rows)
    said = cli("consent", "import", path, *TERMS, code=2)
    assert "3 rows: 1 people taken" in said
    assert "row 3: phone" in cli.err
    assert "row 4: has 2 cells instead of 3" in cli.err
    assert cli.json(*DECIDE)["verdict"] == "pass"
    report = cli.json("consent", "import", path, *TERMS, code=2)
    assert (report["rows"], report["taken"], report["left"]) == (3, 1, 2)
    assert report["ignored_columns"] == ["姓名"]


def test_many_row_errors_are_told_in_part(cli: Cli) -> None:
    """Twenty for people, all for programs."""
    path = cli.write("list.csv", "phone,given_at\n" + "x,2026-05-01\n" * 30)
    assert "nothing was recorded" in cli("consent", "import", path, *TERMS, code=2)
    assert "and 10 rows more" in cli.err
    assert len(cli.json("consent", "import", path, *TERMS, code=2)["problems"]) == 30


def test_a_parquet_list_is_imported_and_outlives_a_rebuild(cli: Cli) -> None:
    """The file that the fact names is read again."""
    table = pa.table({"msisdn": [int(PHONE)], "on": ["2026-05-01"]})
    pq.write_table(table, cli.folder / "list.parquet")
    words = ("consent", "import", str(cli.folder / "list.parquet"), *TERMS)
    cli(*words, code=2)
    assert "--given-at-column" in cli.err
    assert cli.json(*words, "--given-at-column", "on")["taken"] == 1
    facts = cli.json("ledger", "rebuild")["position"]
    assert f"rebuilt from {facts} facts" in cli("ledger", "rebuild")
    assert cli.json(*DECIDE)["verdict"] == "pass"


def test_a_sound_ledger_is_proved(cli: Cli) -> None:
    """Every fact, and the checkpoint that was signed."""
    note = cli("ledger", "checkpoint")
    assert note.startswith("test/ledger\n")
    assert cli.json("ledger", "checkpoint")["note"] == note
    report = cli.json("ledger", "verify")
    assert (report["sound"], report["checkpoints"], report["findings"]) == (True, 1, [])
    assert "sound" in cli("ledger", "verify")
    assert "order74-2026" in cli("ledger", "status")


def test_a_changed_fact_is_found(cli: Cli) -> None:
    """One letter in one body: the exit code is one, and the place is told."""
    with sqlite3.connect(cli.folder / "data" / "ledger.db") as database:
        (body,) = database.execute("SELECT body FROM fact WHERE position = 3").fetchone()
        changed = body.replace(b"qinghe", b"qinghx")
        database.execute("UPDATE fact SET body = ? WHERE position = 3", (changed,))
    database.close()
    report = cli.json("ledger", "verify", code=1)
    assert not report["sound"]
    assert report["findings"][0]["position"] == 3
    cli("ledger", "verify", code=1)
    assert "fact 3" in cli.err


def test_other_keys_are_refused(cli: Cli) -> None:
    """Under another key no refusal would be found again."""
    (cli.folder / "keys.toml").rename(cli.folder / "old.toml")
    cli("keys", "create")
    cli("ledger", "status", code=2)
    assert "keys" in cli.err or "key file" in cli.err


def test_rulebooks_are_shown_and_compared(cli: Cli) -> None:
    """The one in force, another by name, one of a file; a difference ends with one."""
    assert cli.json("rulebook", "show")["name"] == "order74-2026"
    assert "第74号" in cli("--lang", "zh", "rulebook", "show")
    assert "quiet_hours" in cli("rulebook", "show", "order31-2015")
    changes = cli.json("rulebook", "diff", "order31-2015", "order74-2026", code=1)["changes"]
    assert "close_hour" in {change["field"] for change in changes} or changes
    assert "no difference" in cli("rulebook", "diff", "order74-2026", "order74-2026")
    cli("rulebook", "show", "order99", code=2)
    assert "order74-2026" in cli.err


def test_a_rulebook_is_adopted_once_and_then_holds(cli: Cli) -> None:
    """An operator's own book goes before the shipped one of the same days."""
    shipped = Path(sys.modules["qingjing"].__file__ or "").parent / "rulebooks"
    text = (shipped / "order74-2026.toml").read_text("utf-8")
    ours = text.replace('name = "order74-2026"', 'name = "ours"')
    ours = ours.replace("open_hour = 8", "open_hour = 11")
    path = cli.write("ours.toml", ours)
    cli("rulebook", "diff", "order74-2026", path, code=1)
    assert cli.json("rulebook", "adopt", path)["position"]
    assert "adopted already" in cli("rulebook", "adopt", path)
    assert "quiet_hours" in {r["rule"] for r in cli.json(*DECIDE, code=1)["reasons"]}
    cli(
        "rulebook", "adopt", cli.write("bad.toml", ours.replace("quiet_hours", "quiet")), code=2
    )
    assert "quiet" in cli.err
    cli("rulebook", "adopt", cli.write("bad.toml", "name = 1"), code=2)
    assert "rulebook" in cli.err
