"""The bulk scrub: a list from Parquet against consents and refusals, results written.

    python bench/scrub.py --numbers 20000000 --consents 100000000 --refusals 20000000

Ours is what ``qingjing scrub`` does after a restart, over the index that its snapshot gave.
The peer is DuckDB with two threads on a database file of its own, consents minus refusals
already subtracted into one table keyed by number, asked the same question about the same file
in the same run, the same three columns written as Parquet too. Of its settings (order kept or
not, lz4 or none) the fastest is taken. The two take turns; medians are printed.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from figures import figure, show
from numpy.typing import NDArray

from qingjing.app import shipped_rulebooks
from qingjing.desk import register
from qingjing.desk.rulebook import adopt_missing
from qingjing.desk.scrub import Scrub
from qingjing.desk.send import Desk
from qingjing.desk.texts import Reader
from qingjing.doors.cli.scrub import scrub_list
from qingjing.doors.feeds import numbers
from qingjing.kernel import facts as f
from qingjing.kernel.words import Act, Category, Door
from qingjing.ledger import memory, snapshot
from qingjing.ledger.core import Ledger
from qingjing.ledger.vault import KeyFile, Vault

SENDER, GROUP = "qinghe", "qinghe-group"
FIRST, SPAN = 13_000_000_000, 7_000_000_000
STEP, SHIFT = 1_500_450_271, 123_456_789  # a prime: its multiples visit every number once
NOW = 1_795_492_800_000
GIVEN_S = NOW // 1000 - 86_400
PARTY = {
    "party": SENDER,
    "name": "青禾商城(北京)有限公司",
    "role": "platform",
    "credit_code": "91110105MA00QHXC1P",
    "group": GROUP,
}

T = TypeVar("T")
Counts = tuple[int, dict[str, int]]
"""How many may be sent to, and how many not, by reason."""


class Bench:
    """Seeded inputs, the index and the list, in one scratch folder.

    Consents are the first numbers in a scattered order of all, refusals the last half as many
    of those and as many strangers. Of the list every second number has consented.
    """

    def __init__(self, folder: Path, numbers: int, consents: int, refusals: int) -> None:
        self.folder, self.count = folder, numbers
        self.consents = scattered(np.arange(consents, dtype=np.uint64))
        first = max(consents - refusals // 2, 0)
        self.refusals = scattered(np.arange(first, first + refusals, dtype=np.uint64))
        draw = np.random.default_rng(7)
        some = draw.integers(0, consents, numbers // 2, dtype=np.uint64)
        others = draw.integers(consents, SPAN, numbers - some.size, dtype=np.uint64)
        self.numbers = scattered(draw.permutation(np.concatenate([some, others])))
        self.list = folder / "list.parquet"
        table = pa.table({"phone": self.numbers.view(np.int64)})
        pq.write_table(table, self.list, compression="lz4", use_dictionary=False)

    async def fill(self, ledger: Ledger) -> float:
        """The index over all of it; how long that took, in seconds.

        Straight into the index: what is measured here is the look-up. That an import of these
        rows is one fact over a file is measured by nothing here.
        """
        async with ledger.transaction(NOW) as t:
            adopt_missing(ledger, t, shipped_rulebooks())
            register.load(ledger, t, {"parties": [PARTY]})
            t.append(
                f.ConsentRecorded(
                    person=bytes(16),
                    handle=1,
                    sender=SENDER,
                    purposes=0xFFFF,
                    act=Act.TICKED,
                    door=Door.IMPORT,
                    given_at=GIVEN_S * 1000,
                    shown="proof",
                )
            )
        standings = ledger.standings
        begun = time.perf_counter()
        row = len(standings.terms) - 1
        handles = standings.handles(self.consents)
        given_s = np.full(len(handles), GIVEN_S, np.uint32)
        standings._index.add(handles, SENDER, row, given_s)
        refusing = standings.handles(self.refusals)
        standings._index.refuse_many(refusing, GROUP, GIVEN_S)
        return time.perf_counter() - begun

    def ours(self, ledger: Ledger) -> Counts:
        """Scrub the list as ``qingjing scrub`` does."""
        job = Scrub(Desk(ledger, Reader(bytes), 1), SENDER, "retail", NOW)
        rows = sum(scrub_list(job, numbers(self.list), self.folder / "ours.parquet"))
        done = job.sum()
        assert rows == done.rows == done.allowed + done.refused == self.count
        return done.allowed, done.reasons


class Peer:
    """DuckDB on its own file with the pre-subtracted table, at its best settings."""

    def __init__(self, bench: Bench) -> None:
        self.out = bench.folder / "theirs.parquet"
        self.list = bench.list
        self.database = duckdb.connect(str(bench.folder / "peer.db"))
        self.database.execute("SET threads = 2")
        consents = pa.table({"phone": bench.consents.view(np.int64)})
        refusals = pa.table({"phone": bench.refusals.view(np.int64)})
        self.database.register("c", consents)
        self.database.register("r", refusals)
        self.database.execute(
            "CREATE TABLE standing AS SELECT phone, true AS open FROM c ANTI JOIN r "
            "USING (phone) UNION ALL SELECT phone, false FROM r"
        )
        self.database.unregister("c")
        self.database.unregister("r")
        self.database.execute("CHECKPOINT")
        choices = list(itertools.product(("true", "false"), ("lz4", "uncompressed")))
        self.settings = min(choices, key=lambda choice: timed(lambda: self.ask(choice))[0])

    def ask(self, settings: tuple[str, str]) -> None:
        """The question, its answer written."""
        order, codec = settings
        self.database.execute(f"SET preserve_insertion_order = {order}")
        self.database.execute(
            f"COPY (SELECT l.phone, coalesce(s.open, false) AS allowed, CASE WHEN s.open "
            f"THEN '' WHEN s.phone IS NOT NULL THEN 'not_refused' "
            f"ELSE 'grounds_present' END AS reason "
            f"FROM read_parquet('{self.list}') l LEFT JOIN standing s ON l.phone = s.phone) "
            f"TO '{self.out}' (FORMAT parquet, COMPRESSION {codec})"
        )

    def counts(self) -> Counts:
        """What the last answer says."""
        query = f"SELECT reason, count(*) FROM read_parquet('{self.out}') GROUP BY reason"
        found = dict(self.database.execute(query).fetchall())
        return found.pop("", 0), found


def scattered(places: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The numbers at these places of a scattered order of all mainland numbers."""
    step, shift, span = np.uint64(STEP), np.uint64(SHIFT), np.uint64(SPAN)
    return (places * step + shift) % span + np.uint64(FIRST)


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds, and what came of it."""
    begun = time.perf_counter()
    made = work()
    return time.perf_counter() - begun, made


async def restarted(bench: Bench) -> tuple[Ledger, list[dict[str, Any]]]:
    """The ledger as it is after a restart from its snapshot, and the figures of its index."""
    vault = Vault(KeyFile.generate("bench"))
    built = memory.open_ledger(vault, origin="bench")
    build_s = await bench.fill(built)
    index = built.standings._index
    size = index.bytes / index.standings
    begun = time.perf_counter()
    await built.save(bench.folder / "snapshot")
    save_s = time.perf_counter() - begun
    store = built.store
    some = bench.numbers[:1_000_000]
    del built, index

    def restart() -> Ledger:
        loaded = snapshot.load(bench.folder / "snapshot", vault, store, None)
        assert not loaded.warning, loaded.warning
        loaded.standings.look_up(some, SENDER, GROUP, Category.RETAIL.bit, NOW)
        return Ledger(store, vault, loaded.standings, origin="bench")

    restart_s, ledger = timed(restart)
    return ledger, [
        figure("index, build", build_s, "s"),
        figure("index, size", size, "bytes/standing"),
        figure("index, save", save_s, "s"),
        figure("index, restart until a million are looked up", restart_s, "s"),
    ]


async def measure(
    count: int, consents: int, refusals: int, rounds: int
) -> list[dict[str, Any]]:
    """All figures."""
    folder = Path(tempfile.mkdtemp(prefix="qingjing-scrub-", dir="/var/tmp"))
    try:
        bench = Bench(folder, count, consents, refusals)
        ledger, figures = await restarted(bench)
        peer = Peer(bench)
        bench.ours(ledger)  # compiles the kernels
        ours, theirs = [], []
        for _ in range(rounds):
            # Both write a new file: what it costs to be rid of an old one is no part of it.
            (bench.folder / "ours.parquet").unlink(missing_ok=True)
            peer.out.unlink(missing_ok=True)
            took, found = timed(lambda: bench.ours(ledger))
            ours.append(took)
            took, _nothing = timed(lambda: peer.ask(peer.settings))
            theirs.append(took)
            assert found == peer.counts(), (found, peer.counts())
        peer.database.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rates = [count / statistics.median(taken) for taken in (ours, theirs)]
    return [
        figure("scrub, Parquet to Parquet", rates[0], "numbers/s", "DuckDB", rates[1]),
        *figures,
    ]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--numbers", type=int, default=2_000_000)
    parser.add_argument("--consents", type=int, default=10_000_000)
    parser.add_argument("--refusals", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    show(
        asyncio.run(measure(chosen.numbers, chosen.consents, chosen.refusals, chosen.rounds)),
        as_json=chosen.json,
    )


if __name__ == "__main__":
    main()
