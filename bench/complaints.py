"""How fast complaints are taken in on disk, one commit each: bench/complaints.py."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from qingjing.app import shipped_rulebooks
from qingjing.desk.complaint import Complaint, receive
from qingjing.desk.rulebook import adopt_missing
from qingjing.ledger import sqlite
from qingjing.ledger.vault import KeyFile, Vault


async def run(count: int) -> None:
    """Take in so many, each by its own transaction; print rate, p50 and p99 and the opening."""
    vault = Vault(KeyFile.generate("bench"))
    with tempfile.TemporaryDirectory() as folder:
        ledger, _ = sqlite.open_ledger(Path(folder), vault, origin="bench")
        async with ledger.transaction(1_779_242_400_000) as t:
            adopt_missing(ledger, t, shipped_rulebooks())
        took = []
        for number in range(count):
            words = f"10690001{number % 97:04}*【青禾商城】第{number % 50}波全场满{number}减50"
            given = Complaint(phone=str(13_800_000_000 + number), words=words, door="reply")
            begun = time.perf_counter()
            async with ledger.transaction(1_779_242_400_000 + number) as t:
                receive(ledger, t, given)
            took.append(time.perf_counter() - begun)
        await ledger.close()
        begun = time.perf_counter()
        again, _ = sqlite.open_ledger(Path(folder), vault, origin="bench")
        opened = time.perf_counter() - begun
        await again.close()
    took.sort()
    p50, p99 = took[count // 2] * 1000, took[count * 99 // 100] * 1000
    print(f"{count / sum(took):.0f} complaints/s, p50 {p50:.2f} ms, p99 {p99:.2f} ms")
    print(f"opened anew in {opened:.2f} s: {count / opened:.0f} complaints/s folded")


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000))
