"""The bulk scrub: a list from Parquet against consents and refusals, results written.

    python bench/scrub.py --numbers 20000000 --consents 100000000 --refusals 20000000

Two ways of ours: ``qingjing scrub`` over the exact index, and the scope map made beforehand.
The peer is DuckDB with two threads on a database file of its own, consents minus refusals
already subtracted into one table keyed by number, asked the same question about the same file
in the same run, its results and reasons written as Parquet too. All take turns; medians are
printed. Of the peer's settings (order kept or not, lz4 or none) the fastest is taken.
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
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from figures import figure, show
from numpy.typing import NDArray

from qingjing.app import shipped_rulebooks
from qingjing.desk import register
from qingjing.desk.rulebook import adopt_missing
from qingjing.desk.scrub import Scrub, reason
from qingjing.desk.send import Desk
from qingjing.desk.texts import Reader
from qingjing.doors.cli.scrub import scrub_list
from qingjing.doors.feeds import numbers
from qingjing.kernel import facts as f
from qingjing.kernel.rules import RULES
from qingjing.kernel.words import Act, Category, Door
from qingjing.ledger import memory, scrub, snapshot
from qingjing.ledger.core import Ledger
from qingjing.ledger.scopemap import ScopeMap
from qingjing.ledger.vault import KeyFile, Vault

SENDER, GROUP = "qinghe", "qinghe-group"
FIRST, SPAN = 13_000_000_000, 7_000_000_000
STEP, SHIFT = 1_500_450_271, 123_456_789  # a prime: its multiples visit every number once
NOW = 1_795_492_800_000
GIVEN_S = NOW // 1000 - 86_400
DAY_S = 86_400
REASONS = [reason(code) for code in range(1 + len(RULES))]
PARTY = {
    "party": SENDER,
    "name": "青禾商城(北京)有限公司",
    "role": "platform",
    "credit_code": "91110105MA00QHXC1P",
    "group": GROUP,
}
Counts = tuple[int, dict[str, int]]
"""How many may be sent to, and how many not, by reason."""


class Bench:
    """Seeded inputs, the index, the map, the peer's database, in one scratch folder.

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

    def map(self, ledger: Ledger) -> tuple[ScopeMap, list[dict[str, Any]]]:
        """The scope map, built, saved and loaded again, and how long each took."""
        campaign = ledger.standings._index.campaign(SENDER, GROUP)
        bit, path = Category.RETAIL.bit, self.folder / "retail.map"
        span_s, nobody = (NOW // 1000, NOW // 1000 + 30 * DAY_S), np.zeros(0, np.uint64)
        terms = ledger.standings.terms
        ScopeMap.build(campaign_of_nobody(ledger), terms, bit, span_s, nobody)  # compiles
        built, made = timed(lambda: ScopeMap.build(campaign, terms, bit, span_s, nobody))
        saved, _ = timed(lambda: made.save(path, ledger.position))
        size = made.bytes / (campaign.consents.used + campaign.refusals.used)
        loaded, found = timed(lambda: ScopeMap.load(path, campaign, bit, ledger.position))
        return found, [
            figure("scope map, build", built, "s"),
            figure("scope map, size", size, "bytes/standing"),
            figure("scope map, save", saved, "s"),
            figure("scope map, load", loaded, "s"),
        ]

    def command(self, ledger: Ledger) -> Counts:
        """Scrub the list as ``qingjing scrub`` does."""
        job = Scrub(Desk(ledger, Reader(bytes), 1), SENDER, "retail", NOW)
        rows = sum(scrub_list(job, numbers(self.list), self.folder / "command.parquet"))
        done = job.sum()
        assert rows == done.rows == done.allowed + done.refused
        return done.allowed, done.reasons

    def mapped(self, ledger: Ledger, answers: ScopeMap) -> Counts:
        """Scrub the list by the map, into a file of the allowed and one of the refused."""
        job = Scrub(Desk(ledger, Reader(bytes), 1), SENDER, "retail", NOW)
        job._standings = Mapped(ledger, answers)  # type: ignore[assignment]  # looks up alone
        out = (self.folder / "allowed.parquet", self.folder / "refused.parquet")
        done = scrub.scrub(self.list, *out, job.judge, REASONS)
        assert done.rows == done.allowed + done.refused == self.count
        return done.allowed, done.reasons


class Mapped:
    """The standings' look-up with the map before it."""

    def __init__(self, ledger: Ledger, answers: ScopeMap) -> None:
        self._standings, self._answers = ledger.standings, answers

    def look_up(
        self, phones: NDArray[np.uint64], sender: str, group: str, bit: int, at: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """By the map, by the exact index where the map asks back."""
        exact: scrub.LookUp = lambda some: self._standings.look_up(some, sender, group, bit, at)  # noqa: E731
        return scrub.with_map(self._answers, exact, at // 1000)(phones)


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
            f"COPY (SELECT l.phone, CASE WHEN s.open THEN '' WHEN s.phone IS NOT NULL "
            f"THEN 'not_refused' ELSE 'grounds_present' END AS reason "
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


def campaign_of_nobody(ledger: Ledger) -> Any:
    """A campaign over empty tables."""
    empty = memory.open_ledger(Vault(KeyFile.generate("empty")), origin="empty")
    campaign = ledger.standings._index.campaign(SENDER, GROUP)
    tables = empty.standings._index.campaign(SENDER, GROUP)
    return tables._replace(key=campaign.key, salts=campaign.salts)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what came of it."""
    begun = time.perf_counter()
    made = work()
    return time.perf_counter() - begun, made


async def indexed(bench: Bench) -> tuple[Ledger, list[dict[str, Any]]]:
    """The ledger over the bench's standings, and the figures of its index."""
    vault = Vault(KeyFile.generate("bench"))
    ledger = memory.open_ledger(vault, origin="bench")
    built = await bench.fill(ledger)
    index = ledger.standings._index
    begun = time.perf_counter()
    await ledger.save(bench.folder / "snapshot")
    saved = time.perf_counter() - begun
    some = bench.numbers[:1_000_000]

    def restart() -> str:
        loaded = snapshot.load(bench.folder / "snapshot", vault, ledger.store, None)
        loaded.standings.look_up(some, SENDER, GROUP, Category.RETAIL.bit, NOW)
        return loaded.warning

    restarted, warning = timed(restart)
    assert not warning, warning
    return ledger, [
        figure("index, build", built, "s"),
        figure("index, size", index.bytes / index.standings, "bytes/standing"),
        figure("index, save", saved, "s"),
        figure("index, restart until a million are looked up", restarted, "s"),
    ]


async def measure(
    count: int, consents: int, refusals: int, rounds: int
) -> list[dict[str, Any]]:
    """All figures."""
    folder = Path(tempfile.mkdtemp(prefix="qingjing-scrub-", dir="/var/tmp"))
    try:
        bench = Bench(folder, count, consents, refusals)
        ledger, index = await indexed(bench)
        answers, maps = bench.map(ledger)
        peer = Peer(bench)
        assert bench.command(ledger) == bench.mapped(ledger, answers)  # compiles the kernels
        times: dict[str, list[float]] = {"map": [], "command": [], "peer": []}
        for _ in range(rounds):
            took, ours = timed(lambda: bench.mapped(ledger, answers))
            times["map"].append(took)
            took, exact = timed(lambda: bench.command(ledger))
            times["command"].append(took)
            took, _nothing = timed(lambda: peer.ask(peer.settings))
            times["peer"].append(took)
            assert ours == exact == peer.counts(), (ours, exact, peer.counts())
        peer.database.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rates = {name: count / statistics.median(taken) for name, taken in times.items()}
    return [
        figure("scrub by map, to Parquet", rates["map"], "numbers/s", "DuckDB", rates["peer"]),
        figure("qingjing scrub", rates["command"], "numbers/s", "DuckDB", rates["peer"]),
        *index,
        *maps,
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
