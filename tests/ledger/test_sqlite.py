"""The ledger on disk: opened anew, opened twice, killed, torn and changed behind its back."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_facts import (
    ANNA,
    AT,
    BO,
    KEYS,
    ORIGIN,
    Step,
    consent,
    decided,
    known,
    party,
    play,
    record,
    refusal,
    sent,
    steps,
    stopped,
    within,
)

from qingjing.kernel import chain
from qingjing.kernel import facts as f
from qingjing.kernel.rows import rows_root
from qingjing.kernel.words import Act, Kind
from qingjing.ledger import check, migrate, sqlite
from qingjing.ledger.core import Ledger
from qingjing.ledger.imports import ROW
from qingjing.ledger.store import LedgerBroken
from qingjing.ledger.vault import KeyFile, Vault


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the ledger lives."""
    return tmp_path / "data"


def opened(folder: Path) -> Ledger:
    """The ledger, its snapshot used if it is of use."""
    return sqlite.open_ledger(folder, Vault(KEYS), origin=ORIGIN).ledger


def closed(ledger: Ledger, folder: Path | None = None) -> None:
    """Close; with a snapshot when the folder is given."""
    asyncio.run(sqlite.close_ledger(ledger, folder) if folder else ledger.close())


def full(folder: Path) -> Ledger:
    """A ledger with something of everything: 300 parties, people, batches, two checkpoints."""
    ledger = opened(folder)
    record(ledger, *[party(f"p{i}") for i in range(300)])
    ledger.checkpoint(AT)
    within(ledger, lambda t: (t.remember(ANNA), t.append(consent(ledger))))
    record(ledger, consent(ledger, BO, act=Act.SIGNED), refusal(ledger, BO))
    play(ledger, [sent(0, Kind.COMMERCIAL), stopped(0), sent(1, Kind.ASKING)])
    ledger.checkpoint(AT)
    return ledger


def verified(folder: Path) -> list[tuple[int, str]]:
    """What verification finds in the ledger of a folder."""
    store = sqlite.SqliteStore(folder, Vault(KEYS))
    try:
        report = check.verify(store, Vault(KEYS).key, folder=folder / sqlite.IMPORTS)
        assert report.sound == (not report.findings)
        return [(finding.position, finding.problem) for finding in report.findings]
    finally:
        store.close()


def change(folder: Path, sql: str, *values: object) -> None:
    """Change the database behind the ledger's back."""
    with sqlite3.connect(folder / sqlite.DATABASE) as connection:
        assert connection.execute(sql, values).rowcount == 1
    connection.close()


def flipped(folder: Path, table: str, column: str, where: str, at: int = 5) -> None:
    """Change one byte of one value."""
    with sqlite3.connect(folder / sqlite.DATABASE) as connection:
        query = f"SELECT {column} FROM {table} WHERE {where}"
        value = bytearray(connection.execute(query).fetchone()[0])
        value[at] ^= 1
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (bytes(value),))
    connection.close()


@pytest.mark.parametrize("with_snapshot", [False, True])
def test_a_ledger_that_is_opened_again_gives_the_same_answers(
    folder: Path, with_snapshot: bool
) -> None:
    """A restart is not felt, whether it loads a snapshot or folds everything."""
    ledger = full(folder)
    before = (known(ledger), ledger.position, ledger.checkpoint(AT), ledger.register.parties())
    closed(ledger, folder if with_snapshot else None)

    again, warning = sqlite.open_ledger(folder, Vault(KEYS), origin=ORIGIN)

    assert bool(warning) is not with_snapshot
    after = (known(again), again.position, again.checkpoint(AT), again.register.parties())
    assert after == before
    assert record(again, refusal(again)) == [before[1] + 1]
    assert again.standings.person(again.find(ANNA).handle, "m1", "g1").refused
    closed(again)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(chosen=st.lists(steps, max_size=15), cut=st.integers(0, 15))
def test_a_snapshot_and_the_later_facts_give_the_whole(
    tmp_path: Path, chosen: list[Step], cut: int
) -> None:
    """Saved at any point, loaded, the rest replayed: the same as one unbroken run."""
    folder = tmp_path / "data"
    shutil.rmtree(folder, ignore_errors=True)
    ledger = opened(folder)
    play(ledger, chosen[:cut])
    asyncio.run(ledger.save(folder / sqlite.SNAPSHOT))
    play(ledger, chosen[cut:])
    before = known(ledger)
    closed(ledger)

    again = opened(folder)

    assert known(again) == before
    closed(again)


def test_a_new_ledger_opens_without_a_warning(folder: Path) -> None:
    """There is no snapshot to miss before the first fact."""
    ledger, warning = sqlite.open_ledger(folder, Vault(KEYS), origin=ORIGIN)

    assert warning == ""
    closed(ledger, folder)
    ledger, warning = sqlite.open_ledger(folder, Vault(KEYS), origin=ORIGIN)
    assert warning == ""
    closed(ledger)


def snapshot_files(folder: Path) -> list[Path]:
    """The files of the one snapshot, the manifest among them."""
    (place,) = (folder / sqlite.SNAPSHOT).iterdir()
    return sorted(place.iterdir())


def _torn(folder: Path) -> None:
    largest = max(snapshot_files(folder), key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:-1])


def _manifest(folder: Path) -> Path:
    return next(path for path in snapshot_files(folder) if path.name == "manifest.json")


def _without_manifest(folder: Path) -> None:
    _manifest(folder).unlink()


def _not_a_manifest(folder: Path) -> None:
    _manifest(folder).write_text("{")


def _missing_file(folder: Path) -> None:
    next(path for path in snapshot_files(folder) if path.name != "manifest.json").unlink()


def _other_format(folder: Path) -> None:
    manifest = _manifest(folder)
    manifest.write_bytes(manifest.read_bytes().replace(b'"format":2', b'"format":1'))


@pytest.mark.parametrize(
    "harm", [_torn, _without_manifest, _not_a_manifest, _missing_file, _other_format]
)
def test_a_torn_snapshot_is_ignored_with_a_warning(
    folder: Path, harm: Callable[[Path], None]
) -> None:
    """A snapshot is time saved and never more: without it everything is folded anew."""
    ledger = full(folder)
    before = known(ledger)
    closed(ledger, folder)
    harm(folder)

    again, warning = sqlite.open_ledger(folder, Vault(KEYS), origin=ORIGIN)

    assert "folded from the first fact" in warning
    assert known(again) == before
    closed(again, folder)
    again, warning = sqlite.open_ledger(folder, Vault(KEYS), origin=ORIGIN)
    assert warning == ""
    closed(again)


def test_a_snapshot_of_another_log_is_ignored(folder: Path, tmp_path: Path) -> None:
    """After a database is restored from a backup, a snapshot of its lost future is foreign."""
    closed(full(folder), folder)
    other = tmp_path / "other"
    ledger = opened(other)
    record(ledger, *[party(f"q{i}") for i in range(400)])
    closed(ledger)
    shutil.copytree(folder / sqlite.SNAPSHOT, other / sqlite.SNAPSHOT)

    again, warning = sqlite.open_ledger(other, Vault(KEYS), origin=ORIGIN)

    assert "another log" in warning
    assert again.standings.person(again.find(ANNA).handle, "m1", "g1").grounds == ()
    closed(again)


def test_a_snapshot_from_a_later_position_than_the_log_is_ignored(
    folder: Path, tmp_path: Path
) -> None:
    """What the log does not hold is not known."""
    closed(full(folder), folder)
    shutil.copytree(folder / sqlite.SNAPSHOT, tmp_path / "kept")
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "kept", folder / sqlite.SNAPSHOT)

    again, warning = sqlite.open_ledger(folder, Vault(KEYS), origin=ORIGIN)

    assert "another log" in warning
    closed(again)


def test_a_second_process_is_refused_while_the_ledger_is_open(folder: Path) -> None:
    """One process writes; the other is told to wait, and may open it afterwards."""
    ledger = opened(folder)

    with pytest.raises(LedgerBroken, match="another process has the ledger"):
        opened(folder)

    closed(ledger)
    closed(opened(folder))


def test_a_ledger_is_refused_under_other_keys(folder: Path) -> None:
    """Under other keys no refusal would be found again."""
    closed(full(folder))

    with pytest.raises(LedgerBroken, match="key file is not that of this ledger"):
        sqlite.open_ledger(folder, Vault(KeyFile.generate("other/log")), origin=ORIGIN)

    closed(opened(folder))


def test_a_newer_database_is_refused(folder: Path) -> None:
    """An old program leaves alone what it does not understand."""
    closed(full(folder))
    with sqlite3.connect(folder / sqlite.DATABASE) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()

    with pytest.raises(LedgerBroken, match="version 999, this program"):
        opened(folder)


def test_a_file_that_is_no_database_is_refused(folder: Path) -> None:
    """A damaged file is said to be damaged, and nothing is written to it."""
    folder.mkdir()
    (folder / sqlite.DATABASE).write_bytes(b"not a database, but long enough" * 100)

    with pytest.raises(LedgerBroken, match="cannot be opened"):
        opened(folder)


def test_a_migration_that_fails_leaves_the_last_whole_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each migration is one transaction: a later start finds a database that it knows."""
    good = migrate.migrations()
    bad = [*good, (len(good) + 1, "CREATE TABLE half (x); CREATE TABLE fact (x);")]
    connection = sqlite3.connect(":memory:", isolation_level=None)
    assert migrate.migrate(connection) == len(good)
    monkeypatch.setattr(migrate, "migrations", lambda: bad)

    with pytest.raises(sqlite3.OperationalError):
        migrate.migrate(connection)

    tables = "SELECT count(*) FROM sqlite_master WHERE name = 'half'"
    assert connection.execute(tables).fetchone() == (0,)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(good),)
    connection.close()


def test_a_commit_that_fails_stops_the_ledger_and_stores_nothing(folder: Path) -> None:
    """When the disk says no, nobody is answered, and nothing goes on until opened anew."""
    ledger = opened(folder)
    within(ledger, lambda t: decided(ledger, t, 1, 2))

    with pytest.raises(sqlite3.IntegrityError):  # a message id is never used twice
        within(ledger, lambda t: decided(ledger, t, 1, 2))

    with pytest.raises(LedgerBroken, match="a commit failed"):
        record(ledger, party())
    closed(ledger)
    again = opened(folder)
    assert again.position == 1
    closed(again)


def test_numbers_are_nowhere_in_the_files_in_clear(folder: Path) -> None:
    """Neither database nor snapshot holds a number's digits or bytes."""
    ledger = full(folder)
    within(ledger, lambda t: t.remember(BO))
    closed(ledger, folder)

    forms = [
        form
        for phone in (ANNA, BO)
        for form in (
            phone.digits.encode(),
            int(phone).to_bytes(5, "big"),
            int(phone).to_bytes(5, "little"),
        )
    ]
    for path in folder.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        assert not any(form in data for form in forms), path


def test_a_ledger_whose_facts_are_missing_stops(folder: Path) -> None:
    """What an index points to must be there: else the database is damaged, and said to be."""
    ledger = full(folder)
    change(folder, "DELETE FROM fact WHERE position = 302")

    with pytest.raises(LedgerBroken, match="fact 302 is missing"):
        ledger.facts_of(ledger.find(BO).handle)

    with pytest.raises(LedgerBroken, match="fact 302 is missing"):
        _ = ledger.position
    closed(ledger)


def test_a_log_shorter_than_its_saved_tree_is_refused(folder: Path) -> None:
    """Facts that were cut off cannot be grown over in silence."""
    ledger = opened(folder)
    record(ledger, *[party(f"p{i}") for i in range(1100)])
    closed(ledger)
    change(folder, "DELETE FROM fact WHERE position = 1100")

    with pytest.raises(LedgerBroken, match="the log is damaged"):
        opened(folder)


def test_an_unharmed_ledger_verifies(folder: Path) -> None:
    """Every hash, checkpoint and batch is as it was written."""
    closed(full(folder))

    assert verified(folder) == []


HARMS: dict[str, tuple[Callable[[Path], None], int, str]] = {
    "a byte of a body": (
        lambda folder: flipped(folder, "fact", "body", "position = 7", 60),
        7,
        "body and leaf hash differ",
    ),
    "a byte of a leaf": (
        lambda folder: flipped(folder, "fact", "leaf", "position = 7"),
        7,
        "body and leaf hash differ",
    ),
    "a byte of decided rows": (
        lambda folder: flipped(folder, "batch", "rows", "position = 304"),
        304,
        "its rows were changed",
    ),
    "a byte of moved rows": (
        lambda folder: flipped(folder, "batch", "rows", "position = 305"),
        305,
        "its rows were changed",
    ),
    "a byte of a sealed part": (
        lambda folder: flipped(folder, "batch", "sealed", "position = 304"),
        304,
        "its sealed part was changed",
    ),
    "a cut batch": (
        lambda folder: change(folder, "UPDATE batch SET rows = x'00' WHERE position = 305"),
        305,
        "1 bytes of rows, not 52",
    ),
    "a batch that is gone": (
        lambda folder: change(folder, "DELETE FROM batch WHERE position = 305"),
        305,
        "its batch is missing",
    ),
    "a batch too many": (
        lambda folder: change(folder, "INSERT INTO batch VALUES (9, x'00', x'00')"),
        9,
        "a fact that tells of none",
    ),
    "a byte of a checkpoint's text": (
        lambda folder: flipped(folder, "checkpoint", "note", "size = 300", 20),
        300,
        "not to be believed",
    ),
    "a byte of a signature": (
        lambda folder: flipped(folder, "checkpoint", "note", "size = 300", -10),
        300,
        "not to be believed",
    ),
    "a checkpoint under another size": (
        lambda folder: change(folder, "UPDATE checkpoint SET size = 299 WHERE size = 300"),
        299,
        "the checkpoint is of 300 facts",
    ),
    "a subtree's root": (
        lambda folder: flipped(folder, "node", "hash", "level = 8"),
        256,
        "the stored root of 256 facts differs",
    ),
    "a fact's time": (
        lambda folder: change(folder, "UPDATE fact SET at = at - 1 WHERE position = 301"),
        301,
        "not of this place",
    ),
    "a fact that is gone": (
        lambda folder: change(folder, "DELETE FROM fact WHERE position = 302"),
        303,
        "facts 302 to here are missing",
    ),
}


@pytest.mark.parametrize("harm", HARMS)
def test_verification_finds_what_was_changed_and_where(folder: Path, harm: str) -> None:
    """A change behind the ledger's back is told in words, with its position."""
    closed(full(folder))
    do, position, words = HARMS[harm]
    do(folder)

    found = verified(folder)

    assert any(at == position and words in problem for at, problem in found), found


def test_a_rewritten_fact_does_not_fit_the_signed_checkpoints(folder: Path) -> None:
    """Whoever changes a body and its leaf hash together still lacks the signing key."""
    closed(full(folder))
    ledger = opened(folder)
    body = ledger.encoded(7) or b""
    closed(ledger)
    forged = body.replace(b'"group":"g1"', b'"group":"g2"')
    leaf = chain.leaf_hash(forged)
    change(folder, "UPDATE fact SET body = ?, leaf = ? WHERE position = 7", forged, leaf)

    found = verified(folder)

    assert (300, "the checkpoint's root is not that of the facts") in found
    assert (306, "the checkpoint's root is not that of the facts") in found


def test_a_log_that_was_cut_is_shorter_than_its_checkpoint(folder: Path) -> None:
    """Dropping the newest facts is found by the checkpoint that was signed over them."""
    closed(full(folder))
    change(folder, "DELETE FROM fact WHERE position = 306")

    assert (306, "the checkpoint is of more than the 305 facts") in verified(folder)


def test_a_changed_import_is_found(folder: Path) -> None:
    """A row more or less, or another row, is not what the fact's root is over."""
    ledger = opened(folder)
    rows = np.array([(1, 2), (3, 4)], dtype=ROW)
    (folder / sqlite.IMPORTS).mkdir()
    place = folder / sqlite.IMPORTS / "i.parquet"
    pq.write_table(pa.table({"handle": [1, 3], "given_s": [2, 4]}), place)
    fact = f.ConsentsImported(
        sender="m1",
        purposes=2,
        act=Act.SIGNED,
        wording="",
        shown="",
        term_s=0,
        per_count=0,
        per_days=0,
        count=2,
        rows_root=rows_root(rows.tobytes(), ROW.itemsize),
        file="i.parquet",
    )
    record(ledger, fact)
    closed(ledger)
    assert verified(folder) == []

    pq.write_table(pa.table({"handle": [1, 3], "given_s": [2, 5]}), place)
    assert verified(folder) == [(1, "the rows of the import i.parquet were changed")]

    pq.write_table(pa.table({"handle": [1], "given_s": [2]}), place)
    ((position, problem),) = verified(folder)
    assert (position, "1 rows instead of 2" in problem) == (1, True)


LOOP = """
import asyncio, sys
from pathlib import Path
from qingjing.kernel import chain
from qingjing.kernel import facts as f
from qingjing.kernel.words import PartyRole
from qingjing.ledger import sqlite
from qingjing.ledger.vault import KeyFile, Vault

async def main(folder, keys):
    vault = Vault(KeyFile.parse(keys))
    ledger = sqlite.open_ledger(folder, vault, origin="qingjing/test").ledger
    while True:
        async with ledger.transaction(1) as t:
            for i in range(5):
                position = t.append(f.PartyRegistered(
                    party=f"p{i}", name="", role=PartyRole.MERCHANT, credit_code="", group="g"))
                ledger.mark("last", position)
        if position % 500 == 0:
            ledger.checkpoint(1)
        print(position, flush=True)

asyncio.run(main(Path(sys.argv[1]), sys.stdin.read()))
"""


@pytest.fixture
def loop(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that commits five facts at a time and prints what has been committed."""
    command = [sys.executable, "-c", LOOP, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(KEYS.text().encode())
        process.stdin.close()
        yield process
        process.kill()


@pytest.mark.parametrize("lines", [1, 150, 400])
def test_a_killed_process_loses_nothing_it_had_answered_for(
    folder: Path, loop: subprocess.Popen[bytes], lines: int
) -> None:
    """After ``kill -9`` everything printed as committed is there, whole, and verifies."""
    assert loop.stdout is not None
    for _ in range(lines):
        loop.stdout.readline()
    loop.send_signal(signal.SIGKILL)
    printed = [int(line) for line in loop.stdout.read().split(b"\n")[:-1]]
    told = max([5 * lines, *printed])

    ledger = opened(folder)

    assert ledger.position >= told
    assert ledger.position % 5 == 0
    assert ledger.marked("last") == ledger.position
    closed(ledger)
    assert verified(folder) == []
