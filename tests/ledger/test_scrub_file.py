"""The bulk scrub of a file, and the scope map, against the columnar probe and fold."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from qingjing.kernel import facts as f
from qingjing.kernel.fold import fold_columns
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Act
from qingjing.ledger import keyhash, scrub
from qingjing.ledger.index import Index
from qingjing.ledger.keyhash import HandleKey, U64s
from qingjing.ledger.scopemap import ASK, MapRefusedError, ScopeMap
from qingjing.ledger.scrub import DUPLICATE, Done, Problem, ScrubError
from qingjing.ledger.terms import TermsTable

KEY = HandleKey(bytes(range(16)))
PEOPLE = 24
PHONES = np.arange(13800138000, 13800138000 + PEOPLE, dtype=np.uint64)
HANDLES = keyhash.handles(KEY, PHONES)
NOBODY = np.zeros(0, np.uint64)
NOW = 1_800_000_000
SPAN = (NOW, NOW + 1000)
BIT = 2
REASONS = ("", "refused", "odd", "invalid")


class Scopes(NamedTuple):
    """Sender and group of each message, as the desk gives them."""

    senders: tuple[str, ...]
    groups: tuple[str, ...]
    which: NDArray[np.intp]


class World:
    """Some persons' consents, refusals and liftings, in an index and its terms."""

    def __init__(self) -> None:
        """Nobody said anything."""
        self.index, self.terms = Index(KEY), TermsTable()

    def consent(self, person: int, sender: str, given_s: int, **terms: Any) -> None:
        """A consent, sound unless the terms say otherwise."""
        act = list(Act).index(terms.get("act", Act.TICKED))
        purposes, shown = terms.get("purposes", BIT), terms.get("shown", True)
        row = self.terms.add([(1, 0, terms.get("term_s", 0), purposes, 0, 0, act, shown)])
        times = np.array([given_s], np.uint32)
        self.index.add(HANDLES[person : person + 1], sender, row, times)

    def build(self, odd: U64s = NOBODY, span_s: tuple[int, int] = SPAN) -> ScopeMap:
        """The map of the scope that is tested."""
        campaign = self.index.campaign("s", "g")
        return ScopeMap.build(campaign, self.terms.rows, BIT, span_s, odd)

    def fold(self, phones: U64s, now_s: int) -> NDArray[np.uint8]:
        """What the gate's probe and fold say."""
        scopes = Scopes(("s",), ("g",), np.zeros(phones.size, np.intp))
        refused, terms, given_s = self.index.probe(keyhash.handles(KEY, phones), scopes)
        unclear, bits = np.zeros(phones.size, np.bool_), np.full(phones.size, BIT)
        table = self.terms.rows
        return fold_columns(table, refused, unclear, terms, given_s, bits, now_s)[0]

    def exact(self, now_s: int) -> scrub.LookUp:
        """The same as a look-up."""
        return lambda phones: (self.fold(phones, now_s), np.zeros(phones.size, np.uint8))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Consents of every kind to two senders, refusals of two groups and of all, liftings."""
    world = World()
    moments = st.sampled_from([NOW - 5000, NOW - 10, NOW, NOW + 1, NOW + 500, NOW + 5000])
    for _ in range(draw(st.integers(0, 60))):
        person, what = draw(st.integers(0, PEOPLE - 1)), draw(st.integers(0, 5))
        group = draw(st.sampled_from(["g", "g", "h", f.ALL_GROUPS]))
        if what == 0:
            world.index.refuse(int(HANDLES[person]), group, draw(moments))
        elif what == 1:
            world.index.lift(int(HANDLES[person]), group)
        else:
            world.consent(
                person,
                draw(st.sampled_from(["s", "s", "other"])),
                draw(moments),
                act=draw(st.sampled_from(list(Act))),
                purposes=draw(st.sampled_from([BIT, BIT, 4])),
                shown=draw(st.booleans()),
                term_s=draw(st.sampled_from([0, 5, 5500, 1 << 31])),
            )
    return world


@settings(max_examples=120, deadline=None)
@given(worlds(), st.sampled_from([NOW, NOW + 1, NOW + 499, NOW + 500, NOW + 999]))
def test_the_map_says_what_probe_and_fold_say_or_asks_back(world: World, now_s: int) -> None:
    """Every person, at any time in the span; with the index behind it the very same."""
    answers, expected = world.build(), world.fold(PHONES, now_s)
    found = answers.look_up(PHONES, now_s)
    told = found != ASK
    assert found[told].tolist() == expected[told].tolist()
    whole, _number = scrub.with_map(answers, world.exact(now_s), now_s)(PHONES)
    assert whole.tolist() == expected.tolist()


@settings(max_examples=40, deadline=None)
@given(world=worlds(), later=worlds(), rows=st.lists(st.integers(0, PEOPLE - 1), max_size=60))
def test_scrubbed_files_hold_what_probe_and_fold_say_of_each_row(
    tmp_path_factory: pytest.TempPathFactory, world: World, later: World, rows: list[int]
) -> None:
    """Verdict, reason and order; every row in one file."""
    folder = tmp_path_factory.mktemp("scrub")
    reasons = ["", *(state.name for state in GroundsState if state)]
    phones, exact = PHONES[rows], world.exact(NOW)
    answers = world.build(odd=HANDLES[later.fold(PHONES, NOW) == GroundsState.REFUSED])
    look_up = scrub.with_map(answers, exact, NOW)
    write(folder / "list.parquet", pa.array(phones.astype(np.int64)))
    results = folder / "a.parquet", folder / "r.parquet"
    done = scrub.scrub(folder / "list.parquet", *results, lambda x: look_up(x)[0], reasons)

    expected = [reasons[state] for state in world.fold(phones, NOW)]
    pairs = list(zip(phones.tolist(), expected, strict=True))
    assert column(results[0]) == [phone for phone, why in pairs if not why]
    refused = list(zip(column(results[1]), column(results[1], "reason"), strict=True))
    assert refused == [(phone, why) for phone, why in pairs if why]
    assert (done.rows, done.invalid, done.broken) == (len(rows), 0, 0)
    assert done.allowed + done.refused == done.rows
    assert sum(done.reasons.values()) == done.refused


def test_a_map_answers_for_its_span_and_asks_back_for_newer_facts(tmp_path: Path) -> None:
    """Outside the span it says nothing; who was noted is asked for, after a load too."""
    world = World()
    for person in range(PEOPLE):
        world.consent(person, "s", NOW - 10)
    answers, strangers = world.build(), keyhash.handles(KEY, PHONES + np.uint64(1000))
    answers.ask(np.concatenate([HANDLES[:2], strangers[:1]]))
    answers.save(tmp_path / "map", 7)
    loaded = ScopeMap.load(tmp_path / "map", world.index.campaign("s", "g"), BIT, 7)
    for one in (answers, loaded):
        assert one.look_up(PHONES[:3], NOW).tolist() == [ASK, ASK, GroundsState.CONSENT]
        for time in (NOW - 1, NOW + 1000):
            with pytest.raises(ValueError, match="span"):
                one.look_up(PHONES, time)
    with pytest.raises(ValueError, match="full"):
        answers.ask(np.arange(1, 1 << 16, dtype=np.uint64))
    with pytest.raises(ValueError, match="no span"):
        world.build(span_s=(NOW, NOW))


def test_a_foreign_stale_or_damaged_map_is_refused(tmp_path: Path) -> None:
    """Another position, key, sender, group or category; a cut or changed file."""
    world, path = World(), tmp_path / "map"
    world.consent(0, "s", NOW - 10)
    campaign = world.index.campaign("s", "g")
    world.build().save(path, 7)
    assert path.stat().st_size % 8 == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["map"]

    foreign = Index(HandleKey(bytes(16))).campaign("s", "g")
    wrong = [(campaign, BIT, 8), (campaign, 4, 7), (foreign, BIT, 7)]
    wrong += [(world.index.campaign(*scope), BIT, 7) for scope in (("t", "g"), ("s", "h"))]
    for arguments in wrong:
        with pytest.raises(MapRefusedError):
            ScopeMap.load(path, *arguments)
    whole = path.read_bytes()
    changed = whole[:-1] + bytes([whole[-1] ^ 1])
    head = whole[:60] + bytes([whole[60] ^ 1]) + whole[61:]
    for damaged in (b"", whole[:100], whole[:-8], changed, head, whole + bytes(8)):
        path.write_bytes(damaged)
        with pytest.raises(MapRefusedError):
            ScopeMap.load(path, campaign, BIT, 7)


def judge(phones: U64s) -> NDArray[np.uint8]:
    """Refuses what is divisible by three, holds the rest of the odd numbers."""
    codes = np.where(phones % np.uint64(3) == 0, 1, np.where(phones % np.uint64(2), 2, 0))
    codes[phones == 0] = 3
    return codes.astype(np.uint8)


def write(path: Path, phones: Any, name: str = "phone") -> Path:
    """A list as Parquet."""
    pq.write_table(pa.table({name: phones}), path)
    return path


def column(path: Path, name: str = "phone") -> list[Any]:
    """A column of a result."""
    read = pcsv.read_csv if path.suffix == ".csv" else pq.read_table
    values: list[Any] = read(path).column(name).to_pylist()
    return values


def run(source: Path, suffix: str = ".parquet", **options: Any) -> tuple[Done, Path, Path]:
    """A scrub into the same folder."""
    allowed, refused = source.with_name(f"a{suffix}"), source.with_name(f"r{suffix}")
    return scrub.scrub(source, allowed, refused, judge, REASONS, **options), allowed, refused


WRITTEN = [13800138000, 13800138001, 13800138002, 13800138003, 12, 13800138002]


@pytest.mark.parametrize(
    "phones",
    [
        pa.array(WRITTEN, pa.int64()),
        pa.array(WRITTEN, pa.uint64()),
        pa.array([*WRITTEN[:4], None, WRITTEN[5]], pa.int64()),
        pa.array(WRITTEN, pa.float64()),
        pa.array([x + 8_600_000_000_000 for x in WRITTEN]),
        pa.array([str(x) for x in WRITTEN]),
        pa.array([f"+86{x}" for x in WRITTEN], pa.large_string()),
        pa.array([f"0086{x} " for x in WRITTEN]).dictionary_encode(),
        pa.array([*(f"86{x}" for x in WRITTEN[:4]), None, "13800138002"]),
    ],
)
def test_a_number_is_read_whatever_the_type_of_its_column(tmp_path: Path, phones: Any) -> None:
    """And stands in the results as it was written."""
    done, allowed, refused = run(write(tmp_path / "list.parquet", phones))
    codes = judge(np.array([0 if x == 12 else x for x in WRITTEN], np.uint64))
    assert column(allowed) == phones.filter(pa.array(codes == 0)).to_pylist()
    assert column(refused) == phones.filter(pa.array(codes != 0)).to_pylist()
    assert column(refused, "reason") == [REASONS[code] for code in codes if code]
    assert (done.rows, done.allowed, done.refused, done.invalid) == (6, 2, 4, 1)
    assert [problem.row for problem in done.problems] == [5]


@pytest.mark.parametrize(
    "text", ["0x303A32F00", "00138001380", "138001380000", "１３８００１３８０００", ""]
)
def test_what_is_no_number_is_refused(tmp_path: Path, text: str) -> None:
    """Also where a cast to an integer would make one of it; told masked, by row."""
    done, _allowed, refused = run(write(tmp_path / "list.parquet", pa.array([text])))
    assert (done.refused, done.invalid) == (1, 1)
    assert column(refused, "reason") == ["invalid"]
    assert len(text) < 8 or done.problems[0].value.count("*") == len(text) - 7


def test_a_second_occurrence_is_a_duplicate(tmp_path: Path) -> None:
    """Only of what would be allowed: the others have a reason already."""
    texts = ["13800138002", "+8613800138002", "13800138003", "13800138003"]
    phones = pa.array(texts, pa.string())
    done, allowed, refused = run(write(tmp_path / "list.parquet", phones), once=True)
    assert column(allowed) == ["13800138002"]
    assert column(refused, "reason") == [DUPLICATE, "refused", "refused"]
    assert done.reasons == {"refused": 2, DUPLICATE: 1}


def test_rows_of_a_csv_keep_their_numbers_over_broken_ones(tmp_path: Path) -> None:
    """Rows in = allowed + refused + broken; each bad row is told by number."""
    source = tmp_path / "list.csv"
    source.write_text(
        'name,phone\na,13800138004\nb\nc,12\nd,x,y\n"e,e",13800138002\nf,1234567890\n'
    )
    done, allowed, refused = run(source, ".csv")
    assert (done.rows, done.allowed, done.refused) == (6, 2, 2)
    assert (done.invalid, done.broken) == (2, 2)
    assert column(allowed) == [13800138004, 13800138002]
    assert column(refused, "reason") == ["invalid", "invalid"]
    assert done.problems == (
        Problem(3, "", "has 1 cells instead of 2"),
        Problem(4, "12", "no mainland mobile"),
        Problem(5, "", "has 3 cells instead of 2"),
        Problem(7, "123***7890", "no mainland mobile"),
    )


def test_problems_are_told_up_to_a_bound_and_counted_beyond(tmp_path: Path) -> None:
    """A list of rubbish does not fill the memory."""
    size = scrub.PROBLEMS_MAX + 10
    done = run(write(tmp_path / "list.parquet", pa.array(["x"] * size)))[0]
    assert (done.invalid, len(done.problems)) == (size, scrub.PROBLEMS_MAX)


def test_a_long_list_goes_through_in_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many batches, told one by one."""
    monkeypatch.setattr(scrub, "BATCH_ROWS", 1000)
    monkeypatch.setattr(scrub, "_SYNC_STEP", 1 << 12)
    phones = np.random.default_rng(3).permutation(
        np.arange(13e9, 13e9 + 10_500).astype(np.int64)
    )
    told: list[int] = []
    source = write(tmp_path / "list.parquet", pa.array(phones))
    done, allowed, refused = run(source, progress=told.append)
    codes = judge(phones.astype(np.uint64))
    assert column(allowed) == phones[codes == 0].tolist()
    assert column(refused) == phones[codes != 0].tolist()
    assert (sum(told), len(told)) == (done.rows, 11)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_an_empty_list_gives_empty_results(tmp_path: Path, suffix: str) -> None:
    """With their columns."""
    done, allowed, refused = run(
        write(tmp_path / "list.parquet", pa.array([], pa.int64())), suffix
    )
    assert done.rows == 0
    assert (column(allowed), column(refused, "reason")) == ([], [])


def test_results_are_whole_or_not_there(tmp_path: Path) -> None:
    """A scrub that fails leaves older results and nothing half-written; files are private."""
    source = write(tmp_path / "list.parquet", pa.array(WRITTEN))
    _done, allowed, refused = run(source)
    before = allowed.read_bytes(), refused.read_bytes()
    assert {path.stat().st_mode & 0o777 for path in (allowed, refused)} == {0o600}

    def fails(phones: U64s) -> NDArray[np.uint8]:
        raise RuntimeError(str(phones.size))

    with pytest.raises(RuntimeError):
        scrub.scrub(source, allowed, refused, fails, REASONS)
    source.write_bytes(source.read_bytes()[:-4])
    with pytest.raises(ScrubError):
        run(source)
    assert (allowed.read_bytes(), refused.read_bytes()) == before
    assert sorted(x.name for x in tmp_path.iterdir()) == [
        "a.parquet",
        "list.parquet",
        "r.parquet",
    ]


def test_what_cannot_be_used_is_told_with_a_remedy(tmp_path: Path) -> None:
    """A missing file or column, a type without numbers, an unknown ending, one file twice."""
    source = write(tmp_path / "list.parquet", pa.array(WRITTEN))
    table = tmp_path / "list.csv"
    table.write_text("mobile\n13800138000\n")
    with pytest.raises(ScrubError, match="phone"):
        run(table)
    with pytest.raises(ScrubError, match="has no column 'tel', but phone"):
        run(source, column="tel")
    with pytest.raises(ScrubError, match="check the path"):
        run(tmp_path / "none.parquet")
    with pytest.raises(ScrubError, match="neither"):
        run(source, ".txt")
    with pytest.raises(ScrubError, match="three files"):
        scrub.scrub(source, source, tmp_path / "r.parquet", judge, REASONS)
    with pytest.raises(ScrubError, match="cannot be written"):
        scrub.scrub(source, tmp_path / "no/a.csv", tmp_path / "r.csv", judge, REASONS)
    write(source, pa.array([[1], [2]]))
    with pytest.raises(ScrubError, match="holds no numbers"):
        run(source)
