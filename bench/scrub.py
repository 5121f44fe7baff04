"""The bulk scrub: a list from Parquet against consents and refusals, results written.

    python bench/scrub.py --numbers 20000000 --consents 100000000 --refusals 20000000

The peer is DuckDB with two threads on a database file of its own, consents minus refusals
already subtracted into one table, asked the same question about the same file in the same run,
its results written as Parquet too. The two take turns; medians are printed.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from figures import figure, show

from qingjing.app import shipped_rulebooks
from qingjing.desk import register
from qingjing.desk.rulebook import adopt_missing
from qingjing.desk.scrub import Scrub
from qingjing.desk.send import Desk
from qingjing.desk.texts import Reader
from qingjing.doors.cli.scrub import scrub_list
from qingjing.doors.feeds import numbers
from qingjing.kernel import facts as f
from qingjing.kernel.words import Act, Door
from qingjing.ledger import memory, snapshot
from qingjing.ledger.core import Ledger
from qingjing.ledger.vault import KeyFile, Vault

SENDER, GROUP = "qinghe", "qinghe-group"
SPAN = 7_000_000_000
NOW = 1_795_492_800_000
GIVEN_S = NOW // 1000 - 86_400
PARTY = {
    "party": SENDER,
    "name": "青禾商城(北京)有限公司",
    "role": "platform",
    "credit_code": "91110105MA00QHXC1P",
    "group": GROUP,
}


class Bench:
    """Seeded inputs, the index, the peer's database, in one scratch folder."""

    def __init__(self, folder: Path, numbers: int, consents: int, refusals: int) -> None:
        self.folder = folder
        draw = np.random.default_rng(7)
        # Consents and refusals are drawn without repeats; every second number of the list has
        # consented, and some of those have refused.
        everyone = np.unique(draw.integers(0, SPAN, int(consents * 1.02), dtype=np.int64))
        draw.shuffle(everyone)
        self.consents = everyone[:consents] + 13_000_000_000
        self.refusals = self.consents[draw.permutation(consents)[: refusals // 2]]
        strangers = draw.integers(0, SPAN, refusals - len(self.refusals), dtype=np.int64)
        self.refusals = np.unique(np.concatenate([self.refusals, strangers + 13_000_000_000]))
        some = self.consents[draw.integers(0, consents, numbers // 2)]
        others = draw.integers(0, SPAN, numbers - len(some), dtype=np.int64) + 13_000_000_000
        self.numbers = draw.permutation(np.concatenate([some, others]))
        self.list = folder / "list.parquet"
        table = pa.table({"phone": self.numbers})
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
        handles = standings.handles(self.consents.astype(np.uint64))
        given_s = np.full(len(handles), GIVEN_S, np.uint32)
        standings._index.add(handles, SENDER, row, given_s)
        refusing = standings.handles(self.refusals.astype(np.uint64))
        standings._index.refuse_many(refusing, GROUP, GIVEN_S)
        return time.perf_counter() - begun

    def ours(self, ledger: Ledger) -> int:
        """Scrub the list as ``qingjing scrub`` does; how many may be sent to."""
        desk = Desk(ledger, Reader(bytes), 1)
        job = Scrub(desk, SENDER, "retail", NOW)
        out = self.folder / "ours.parquet"
        rows = sum(scrub_list(job, numbers(self.list), out))
        done = job.sum()
        assert rows == done.rows == done.allowed + done.refused
        return done.allowed

    def peer(self) -> duckdb.DuckDBPyConnection:
        """DuckDB on its own file with the pre-subtracted table."""
        database = duckdb.connect(str(self.folder / "peer.db"))
        database.execute("SET threads = 2; SET preserve_insertion_order = false")
        consents = pa.table({"phone": self.consents})
        refusals = pa.table({"phone": self.refusals})
        database.register("c", consents)
        database.register("r", refusals)
        database.execute("CREATE TABLE refused AS SELECT phone FROM r")
        database.execute("CREATE TABLE open AS SELECT phone FROM c ANTI JOIN r USING (phone)")
        database.unregister("c")
        database.unregister("r")
        database.execute("CHECKPOINT")
        return database

    def ask(self, database: duckdb.DuckDBPyConnection) -> int:
        """The same question to the peer; how many may be sent to."""
        source = f"read_parquet('{self.list}')"
        database.execute(
            f"COPY (SELECT l.phone, o.phone IS NOT NULL AS allowed, "
            f"CASE WHEN o.phone IS NOT NULL THEN '' "
            f"WHEN l.phone IN (SELECT phone FROM refused) THEN 'not_refused' "
            f"ELSE 'grounds_present' END AS reason "
            f"FROM {source} l LEFT JOIN open o ON l.phone = o.phone) "
            f"TO '{self.folder / 'theirs.parquet'}' (FORMAT parquet, COMPRESSION lz4)"
        )
        found = database.execute(
            f"SELECT count(*) FROM '{self.folder / 'theirs.parquet'}' WHERE allowed"
        ).fetchone()
        return int(found[0]) if found else 0


async def measure(
    count: int, consents: int, refusals: int, rounds: int
) -> list[dict[str, Any]]:
    """All figures."""
    folder = Path(tempfile.mkdtemp(prefix="qingjing-scrub-", dir="/var/tmp"))
    try:
        bench = Bench(folder, count, consents, refusals)
        vault = Vault(KeyFile.generate("bench"))
        ledger = memory.open_ledger(vault, origin="bench")
        built = await bench.fill(ledger)
        index = ledger.standings._index
        size = index.bytes / index.standings
        begun = time.perf_counter()
        await ledger.save(folder / "snapshot")
        saved = time.perf_counter() - begun
        del index
        begun = time.perf_counter()
        loaded = snapshot.load(folder / "snapshot", vault, ledger.store, None)
        some = bench.numbers[:1_000_000].astype(np.uint64)
        loaded.standings.look_up(some, SENDER, GROUP, 2, NOW)
        restarted = time.perf_counter() - begun
        assert not loaded.warning, loaded.warning
        del loaded
        database = bench.peer()
        bench.ours(ledger)  # compiles the kernels
        ours, theirs = [], []
        for _ in range(rounds):
            begun = time.perf_counter()
            allowed = bench.ours(ledger)
            ours.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            assert bench.ask(database) == allowed
            theirs.append(time.perf_counter() - begun)
        database.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rate = count / statistics.median(ours)
    peer = count / statistics.median(theirs)
    return [
        figure("scrub, Parquet to Parquet", rate, "numbers/s", "DuckDB", peer),
        figure("index, build", built, "s"),
        figure("index, size", size, "bytes/standing"),
        figure("index, save", saved, "s"),
        figure("index, restart until a million are looked up", restarted, "s"),
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
