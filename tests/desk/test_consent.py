"""Consent: recorded as given, imported row by row, and never stronger than a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from qingjing.desk import consent, explain, register
from qingjing.desk.consent import ROW, Given, ImportReport, Row, Terms
from qingjing.desk.entries import InputError, Problem, moment, purposes_mask, purposes_names
from qingjing.desk.ports import Ledger, Transaction
from qingjing.kernel import facts as f
from qingjing.kernel.rows import rows_root
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import PURPOSE_ANY, Act, Category, Door, Phone
from qingjing.ledger import memory
from qingjing.ledger.vault import KeyFile, Vault

NOW = moment("2026-11-24 10:00")
LATER = moment("2026-11-24 12:00")
PHONE = "13800138000"
TERMS = Terms(
    sender="qinghe",
    purposes=("retail",),
    act="ticked",
    wording="qinghe@1f2e3d4c5b6a",
    shown="9f86d081",
    term_days=365,
    per_count=4,
    per_days=30,
)
T = TypeVar("T")


def act(ledger: Ledger, verb: Callable[[Transaction], T], at: int = NOW) -> T:
    """One verb in a transaction of its own."""

    async def run() -> T:
        async with ledger.transaction(at) as t:
            return verb(t)

    return asyncio.run(run())


@pytest.fixture
def imports(tmp_path: Path) -> Path:
    """The folder of imported files, which the first import makes."""
    return tmp_path / "imports"


@pytest.fixture
def ledger(imports: Path) -> Ledger:
    """A ledger in memory."""
    vault = Vault(KeyFile.generate("test/ledger"))
    return memory.open_ledger(vault, origin="test/ledger", imports=imports)


@pytest.fixture(autouse=True)
def shops(ledger: Ledger) -> None:
    """Two shops of one group, and one of another."""
    code = "91110105MA00QHXC1P"
    parties = [
        {"party": party, "name": party, "role": "merchant", "credit_code": code, "group": group}
        for party, group in (("qinghe", "green"), ("qinghe-two", "green"), ("other", "blue"))
    ]
    act(ledger, lambda t: register.load(ledger, t, {"parties": parties}), NOW - 1000)


def record(
    ledger: Ledger,
    *,
    terms: Terms = TERMS,
    given_at: str = "2026-11-24 09:00",
    door: str = "web",
    at: int = NOW,
    phone: str = PHONE,
) -> Given:
    """Record a consent."""
    return act(
        ledger,
        lambda t: consent.record(ledger, t, phone, terms, given_at=given_at, door=door),
        at,
    )


def refuse(ledger: Ledger, group: str = "green", at: int = NOW) -> int:
    """Record a refusal."""
    return act(ledger, lambda t: consent.refuse(ledger, t, PHONE, group, door="reply"), at)


def state(ledger: Ledger, sender: str = "qinghe", at: int = LATER) -> GroundsState:
    """How the person stands towards a sender."""
    found = explain.person(ledger, Phone.parse(PHONE), at)
    states = {s.sender: s.state for s in found.standings}
    return states.get(sender, GroundsState.NONE)


def test_a_consent_is_recorded_as_it_was_given(ledger: Ledger) -> None:
    """Act, door, time, words, term and frequency stand in the fact; the number does not."""
    given = record(ledger)
    recorded = ledger.fact(given.position)
    assert recorded is not None
    fact = recorded.fact
    assert isinstance(fact, f.ConsentRecorded)
    assert (fact.act, fact.door, fact.purposes) == (Act.TICKED, Door.WEB, Category.RETAIL.bit)
    assert fact.given_at == moment("2026-11-24 09:00")
    assert (fact.term_s, fact.per_count, fact.per_days) == (365 * 86_400, 4, 30)
    assert PHONE.encode() not in f.encode(recorded)
    assert state(ledger) is GroundsState.CONSENT
    assert state(ledger, "qinghe-two") is GroundsState.NONE


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sender": "nobody"}, "sender"),
        ({"purposes": ("retial",)}, "purposes"),
        ({"purposes": ()}, "purposes"),
        ({"act": "nodded"}, "act"),
        ({"term_days": -1}, "term_days"),
        ({"per_count": 4, "per_days": 0}, "per_count"),
        ({"per_count": 70_000}, "per_count"),
    ],
)
def test_wrong_terms_are_told_by_field(
    ledger: Ledger, changes: dict[str, Any], field: str
) -> None:
    """And nothing is written."""
    before = ledger.position
    with pytest.raises(InputError) as caught:
        record(ledger, terms=msgspec.structs.replace(TERMS, **changes))
    assert [problem.field for problem in caught.value.problems] == [field]
    assert ledger.position == before


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"phone": "12800138000"}, "phone"),
        ({"phone": "1380013800"}, "phone"),
        ({"given_at": "2026-13-01"}, "given_at"),
        ({"given_at": "2026-11-24 10:01"}, "given_at"),
        ({"given_at": "1969-12-31"}, "given_at"),
        ({"door": "window"}, "door"),
    ],
)
def test_wrong_numbers_and_times_are_told_by_field(
    ledger: Ledger, changes: dict[str, Any], field: str
) -> None:
    """A time in the future is wrong: nobody consented tomorrow."""
    with pytest.raises(InputError) as caught:
        record(ledger, **changes)
    assert [problem.field for problem in caught.value.problems] == [field]


def test_an_error_never_shows_a_number(ledger: Ledger) -> None:
    """Not in its own field, and not where it strayed into another."""
    with pytest.raises(InputError) as caught:
        record(ledger, phone="138001380001", given_at="13900139000")
    assert "138001380001" not in str(caught.value)
    assert "139****9000" in str(caught.value)


def test_purposes_are_categories_or_any() -> None:
    """And read back by the same names."""
    assert purposes_mask(["any"]) == PURPOSE_ANY
    mask = purposes_mask(["Retail", " food "])
    assert purposes_names(mask) == ("retail", "food")
    assert purposes_names(PURPOSE_ANY) == ("any",)


@pytest.mark.parametrize("door", ["reply", "web", "app"])
def test_the_persons_own_later_act_lifts_a_refusal(ledger: Ledger, door: str) -> None:
    """Refused at ten, ticked at eleven: the person wants it again."""
    record(ledger)
    refuse(ledger)
    assert state(ledger) is GroundsState.REFUSED
    given = record(ledger, given_at="2026-11-24 11:00", door=door, at=LATER)
    assert (given.lifted, given.refused) == (True, False)
    assert state(ledger) is GroundsState.CONSENT


@pytest.mark.parametrize(
    ("changes", "door", "given_at"),
    [
        ({}, "paper", "2026-11-24 11:00"),
        ({}, "call", "2026-11-24 11:00"),
        ({}, "import", "2026-11-24 11:00"),
        ({}, "command", "2026-11-24 11:00"),
        ({"act": "pre_ticked"}, "web", "2026-11-24 11:00"),
        ({"act": "silent"}, "web", "2026-11-24 11:00"),
        ({}, "web", "2026-11-24 09:59"),
        ({"sender": "other"}, "web", "2026-11-24 11:00"),
    ],
)
def test_nothing_else_lifts_a_refusal(
    ledger: Ledger, changes: dict[str, Any], door: str, given_at: str
) -> None:
    """A paper, a list, a box ticked beforehand, an older act, a word to another group."""
    refuse(ledger)
    terms = msgspec.structs.replace(TERMS, **changes)
    given = record(ledger, terms=terms, given_at=given_at, door=door, at=LATER)
    assert not given.lifted
    assert given.refused == (terms.sender == "qinghe")
    assert state(ledger) is GroundsState.REFUSED


def test_a_refusal_of_everyone_is_not_lifted_by_a_word_to_one(ledger: Ledger) -> None:
    """One click at one shop does not take back that the person wants to be left alone."""
    refuse(ledger, f.ALL_GROUPS)
    given = record(ledger, given_at="2026-11-24 11:00", at=LATER)
    assert (given.lifted, given.refused) == (False, True)
    assert state(ledger) is GroundsState.REFUSED


def test_a_refusal_holds_for_the_whole_group(ledger: Ledger) -> None:
    """Named by one of its shops, meant for all of them, and for nobody else."""
    record(ledger, terms=msgspec.structs.replace(TERMS, sender="qinghe-two"))
    record(ledger, terms=msgspec.structs.replace(TERMS, sender="other"))
    position = refuse(ledger, "qinghe")
    recorded = ledger.fact(position)
    assert recorded is not None
    assert isinstance(recorded.fact, f.RefusalRecorded)
    assert recorded.fact.group == "green"
    assert state(ledger, "qinghe-two") is GroundsState.REFUSED
    assert state(ledger, "other") is GroundsState.CONSENT


@pytest.mark.parametrize(
    ("phone", "group", "door", "field"),
    [
        ("1", "green", "web", "phone"),
        (PHONE, "grey", "web", "group"),
        (PHONE, "green", "roof", "door"),
    ],
)
def test_a_wrong_refusal_is_told(
    ledger: Ledger, phone: str, group: str, door: str, field: str
) -> None:
    """A refusal of a group that does not exist would protect nobody."""
    with pytest.raises(InputError) as caught:
        act(ledger, lambda t: consent.refuse(ledger, t, phone, group, door=door))
    assert [problem.field for problem in caught.value.problems] == [field]


def test_words_are_named_by_what_they_say(ledger: Ledger) -> None:
    """Other words have another name, whatever they are called."""

    def worded(text: str) -> str:
        return act(ledger, lambda t: consent.wording(ledger, t, "q", "qinghe", text)).wording

    assert worded("我同意接收促销短信") != worded("我同意接收促销短信和电话")
    assert worded("我同意接收促销短信") == worded("我同意接收促销短信")
    with pytest.raises(InputError, match="wording: 'a b' is no name"):
        act(ledger, lambda t: consent.wording(ledger, t, "a b", "qinghe", "x"))
    with pytest.raises(InputError, match="text: is empty"):
        act(ledger, lambda t: consent.wording(ledger, t, "q", "qinghe", " "))
    with pytest.raises(InputError, match="sender: 'nobody' is not registered"):
        act(ledger, lambda t: consent.wording(ledger, t, "q", "nobody", "x"))


def bring_in(
    ledger: Ledger, rows: Iterable[Row], folder: Path, terms: Terms = TERMS
) -> ImportReport:
    """Import rows."""
    return act(ledger, lambda t: consent.import_consents(ledger, t, rows, terms, folder))


def test_an_import_takes_the_good_rows_and_tells_the_bad(ledger: Ledger, imports: Path) -> None:
    """Each bad row with its number, field and remedy; the good ones are one fact."""
    rows: list[Row] = [
        (2, PHONE, "2026-05-01 09:30"),
        (3, "12345", "2026-05-01"),
        (4, "13900139000", "yesterday"),
        (5, "13900139000", "2027-01-01"),
        Problem("row 6", "", "has 1 cells instead of 2", "complete the row"),
        (7, "", ""),
        (8, "13700137000", "2026/5/2"),
    ]
    report = bring_in(ledger, rows, imports)
    assert (report.rows, report.taken, report.left, report.repeated) == (7, 2, 5, 0)
    assert [(p.where, p.field) for p in report.problems] == [
        ("row 3", "phone"),
        ("row 4", "given_at"),
        ("row 5", "given_at"),
        ("row 6", ""),
        ("row 7", "phone"),
        ("row 7", "given_at"),
    ]
    assert all(problem.remedy for problem in report.problems)
    recorded = ledger.fact(report.position)
    assert recorded is not None
    assert isinstance(recorded.fact, f.ConsentsImported)
    assert recorded.fact.count == 2
    assert state(ledger) is GroundsState.CONSENT


def test_an_imported_file_proves_its_rows(ledger: Ledger, imports: Path) -> None:
    """Sorted by person, under the root that the fact names, under a name made of the root."""
    report = bring_in(
        ledger, [(i, f"138001380{i:02}", "2026-05-01") for i in range(50)], imports
    )
    recorded = ledger.fact(report.position)
    assert recorded is not None
    assert isinstance(recorded.fact, f.ConsentsImported)
    table = pq.read_table(imports / report.file)
    rows = np.zeros(table.num_rows, dtype=ROW)
    for name in ("handle", "given_s"):
        rows[name] = table[name].to_numpy()
    assert (np.diff(rows["handle"].astype(object)) > 0).all()
    assert rows_root(rows.tobytes(), ROW.itemsize) == recorded.fact.rows_root
    assert recorded.fact.rows_root.hex() in report.file
    again = bring_in(
        ledger, [(i, f"138001380{i:02}", "2026-05-01") for i in reversed(range(50))], imports
    )
    assert again.file == report.file


def test_of_a_persons_rows_the_newest_counts(ledger: Ledger, imports: Path) -> None:
    """Written in two ways, a number is one person."""
    rows: list[Row] = [
        (2, PHONE, "2026-05-01"),
        (3, f"+86{PHONE}", "2026-06-01"),
        (4, f"86{PHONE}", "2026-04-01"),
    ]
    report = bring_in(ledger, rows, imports)
    assert (report.taken, report.repeated, report.left) == (1, 2, 0)
    (found,) = explain.person(ledger, Phone.parse(PHONE), NOW).standings
    assert found.grounds is not None
    assert found.grounds.given_at == moment("2026-06-01")


def test_an_import_never_lifts_a_refusal(ledger: Ledger, imports: Path) -> None:
    """However late its rows say that the person consented."""
    refuse(ledger, at=NOW - 500)
    bring_in(ledger, [(2, PHONE, "2026-11-24 10:00")], imports)
    assert state(ledger) is GroundsState.REFUSED


@pytest.mark.parametrize("rows", [[], [(2, "1", "2")]])
def test_an_import_without_a_good_row_writes_nothing(
    ledger: Ledger, imports: Path, rows: list[Row]
) -> None:
    """Neither a fact nor a file."""
    before = ledger.position
    report = bring_in(ledger, rows, imports)
    assert (report.taken, report.position, report.file) == (0, 0, "")
    assert ledger.position == before
    assert not list(imports.glob("*"))


def test_wrong_terms_stop_an_import_before_it_reads(ledger: Ledger, imports: Path) -> None:
    """No row is looked at, nothing is written."""
    rows = iter([(2, PHONE, "2026-05-01")])
    with pytest.raises(InputError, match="sender: 'nobody' is not registered"):
        bring_in(ledger, rows, imports, msgspec.structs.replace(TERMS, sender="nobody"))
    assert list(rows) == [(2, PHONE, "2026-05-01")]


def test_row_errors_kept_are_bounded(
    ledger: Ledger, imports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong column is wrong in every row: all are counted, the first are told."""
    monkeypatch.setattr(consent, "PROBLEMS_KEPT_MAX", 3)
    report = bring_in(ledger, ((i, "x", "2026-05-01") for i in range(10)), imports)
    assert (report.left, len(report.problems)) == (10, 3)
