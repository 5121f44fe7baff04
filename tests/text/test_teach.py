"""Teaching: composed rows, declared sources, a model from one's own rows, and the command."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import cast

import pytest

from qingjing.doors.cli import House
from qingjing.doors.cli.main import run
from qingjing.kernel.words import Category, Kind
from qingjing.text.model import unpack
from qingjing.text.parts import take_apart
from qingjing.text.reading import read_parts
from qingjing.text.teach import sources
from qingjing.text.teach.compose import Row, compose
from qingjing.text.teach.measures import of_written, written
from qingjing.text.teach.perturb import DISGUISES
from qingjing.text.teach.sources import SourceError
from qingjing.text.teach.split import held_out
from qingjing.text.teach.train import train

DISGUISED = [f"{name} kinds" for name in DISGUISES]
OURS = """
[[source]]
name = "ours"
form = "csv"
path = "ours.csv"
terms = "our own"
text = "text"
label = "kind"
category = "line"
"""


def test_the_same_seed_composes_the_same_rows() -> None:
    """And another seed others; every kind is among them, and no slot is left open."""
    first = list(compose(Random(1), 1, 30))

    assert first == list(compose(Random(1), 1, 30))
    assert first != list(compose(Random(2), 1, 30))
    assert set(Kind) - {Kind.UNCLEAR} == {row.kind for row in first}
    assert sum(row.mixed for row in first) == 30
    assert [row.text for row in first if "{" in row.text or "|" in row.text] == []


def test_no_composed_text_is_one_of_those_that_measure() -> None:
    """What was written to be measured is taught by nothing."""
    measured = {row.text for row in written()}

    assert len(measured) >= 300
    assert measured.isdisjoint(row.text for row in compose(Random(5), 3, 300))


def test_rows_come_as_their_source_declares() -> None:
    """A CSV with kinds and lines of trade, blank ones left out."""
    (source,) = sources.parse(OURS)
    content = 'text,kind,line\n"五折,速来",commercial,food\n您的餐到了,service,\n在吗,,\n'
    found = [one.row for one in sources.rows(source, content)]

    assert found == [
        Row("五折,速来", Kind.COMMERCIAL, Category.FOOD, False, "", "ours"),
        Row("您的餐到了", Kind.SERVICE, None, False, "", "ours"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no \\[\\[source\\]\\]"),
        ("[[source]]\nname='a'\nform='xls'\nterms=''", "form is one of"),
        ("[[source]]\nname='a'\nform='lines'\nterms=''\nall='spam'", "no kind or category"),
        ("[[source]]\nname='a'\nform='tsv'\nterms=''\nfoo=1", "foo"),
    ],
)
def test_a_faulty_declaration_says_what_is_wrong(text: str, told: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(SourceError, match=told):
        sources.parse(text)


def test_a_table_without_its_column_is_refused() -> None:
    """The column is named."""
    (source,) = sources.parse(OURS)
    with pytest.raises(SourceError, match="line"):
        list(sources.rows(source, "text,kind\na,service\n"))


def test_near_duplicates_are_held_out_together() -> None:
    """A text and its variants all teach or all measure."""
    texts = [row.text for row in compose(Random(1), 1, 0) if len(row.text) > 40]
    again = [f"{text}。" for text in texts]

    assert held_out(texts + again)[: len(texts)] == held_out(texts + again)[len(texts) :]
    assert any(held_out(texts))


def test_a_model_learns_from_ones_own_rows() -> None:
    """Few rows suffice for a word that nobody else knows; the same rows make the same file."""
    rows = [row for row in compose(Random(4), 3, 60) if row.kind is not Kind.PERSONAL]
    rows += [
        Row(f"【青禾】格隆布{n}号已派,请于{n}点前验格", Kind.SERVICE, None) for n in range(1, 9)
    ]
    made = train(rows, [1.0] * len(rows), {})
    text = "【青禾】格隆布已派,请验格"

    assert made == train(rows, [1.0] * len(rows), {})
    assert read_parts(text, take_apart(text), unpack(made)).kind is Kind.SERVICE


def test_disguises_change_texts_and_only_with_their_chance() -> None:
    """Each does something, and the same thing for the same chance."""
    text = "【示例】贷款免费领取,发票代开,戳 s.example.cn/x 优惠高"
    for name, disguise in DISGUISES.items():
        assert disguise(Random(1), text) != text, name
        assert disguise(Random(1), text) == disguise(Random(1), text)


def test_the_hand_written_texts_are_read_as_they_are() -> None:
    """The figures of the card that need no corpus: kinds, mixed notices, disguises."""
    found = {figure.name: figure for figure in of_written()}

    assert found["written kinds"].value >= 0.93
    assert found["written mixed"].value >= 0.9
    assert found["written calibration"].value <= 0.05
    assert max(one.value for name, one in found.items() if name.endswith(" service")) <= 0.02
    assert max(one.value for name, one in found.items() if name in DISGUISED) <= 0.02


def reading(*words: str) -> int:
    """Run one command of the reader, which needs no house: it opens neither keys nor ledger."""
    return run(cast("House", None), ["reading", *words])


def test_a_reading_is_shown_with_its_spans(capsys: pytest.CaptureFixture[str]) -> None:
    """As a table and as JSON."""
    text = "【示例商城】全场5折,速来抢购 拒收请回复R"

    assert reading("show", text) == 0
    assert "COMMERCIAL RETAIL" in capsys.readouterr().out
    assert reading("show", text, "--json") == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "COMMERCIAL"


def test_the_command_teaches_from_declared_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The model goes where it is told, with its voucher; an absent source is named."""
    rows = "".join(f'"{row.text}",{row.kind.name},\n' for row in compose(Random(4), 1, 0))
    (tmp_path / "ours.csv").write_text("text,kind,line\n" + rows, encoding="utf-8")
    absent = OURS.replace('"ours"', '"gone"').replace("ours.csv", "gone.csv")
    (tmp_path / "ours.toml").write_text(OURS + absent, encoding="utf-8")
    out = tmp_path / "model"
    words = ["train", "--data", str(tmp_path), "--sources", str(tmp_path / "ours.toml")]

    assert reading(*words, "--out", str(out), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["absent"] == ["gone"]
    assert unpack((out / "model.npz").read_bytes()).about["rows"] == told["rows"]
    assert "sha256" in (out / "model.toml").read_text(encoding="utf-8")


def test_nothing_to_learn_from_is_an_error(tmp_path: Path) -> None:
    """Exit code 2, and no file."""
    (tmp_path / "ours.toml").write_text(OURS, encoding="utf-8")
    words = ["train", "--sources", str(tmp_path / "ours.toml"), "--data", str(tmp_path)]

    assert reading(*words, "--out", str(tmp_path / "m")) == 2
    assert not (tmp_path / "m").exists()
