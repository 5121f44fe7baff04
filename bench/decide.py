"""The gate alone: one decision's latency, and decisions a second in batches.

    python bench/decide.py --json

The scalar form is the peer of the batch: the same meaning, message by message. Everything is
in memory; the durable record is part of ``bench/gateway.py``.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from pathlib import Path
from typing import Any

from figures import figure, show

from qingjing.app import shipped_rulebooks
from qingjing.desk import register, send
from qingjing.desk.explain import Question, explain
from qingjing.desk.paths import Submit
from qingjing.desk.rulebook import adopt_missing
from qingjing.desk.send import Desk
from qingjing.desk.texts import Reader
from qingjing.doors.feeds import register_file
from qingjing.kernel import facts as f
from qingjing.kernel.numbers import carrier_of
from qingjing.kernel.words import Act, Door, Kind, Phone
from qingjing.ledger import memory
from qingjing.ledger.core import Ledger
from qingjing.ledger.vault import KeyFile, Vault

NOW = 1_795_492_800_000
PORT = "106900010001"
OFFER = "【青禾商城】双11会员日全场满300减50,精选好物低至5折,戳 s.example.cn/{code} 拒收请回复R"


async def furnish(ledger: Ledger, people: int) -> None:
    """Rulebooks, register, and a consent of everyone."""
    description = register_file(Path(__file__).with_name("register.toml"))
    async with ledger.transaction(NOW - 1000) as t:
        adopt_missing(ledger, t, shipped_rulebooks())
        register.load(ledger, t, description)
    async with ledger.transaction(NOW - 1000) as t:
        for i in range(people):
            who = ledger.find(Phone(13_800_000_000 + i))
            t.append(
                f.ConsentRecorded(
                    person=who.key,
                    handle=who.handle,
                    sender="qinghe",
                    purposes=0xFFFF,
                    act=Act.TICKED,
                    door=Door.APP,
                    given_at=NOW - 86_400_000,
                    shown="screen",
                )
            )


def submits(count: int, unique: int) -> list[Submit]:
    """Messages to as many persons; every ``unique``-th text is seen once."""
    made = []
    for i in range(count):
        phone = Phone(13_800_000_000 + i)
        code = f"Ab{i:06d}" if i % unique == 0 else "Ab00"
        made.append(
            Submit(
                account="900001",
                submitter="tongda",
                port=PORT,
                phone=phone,
                carrier=carrier_of(phone),
                declared=Kind.UNCLEAR,
                body=OFFER.format(code=code),
                original=bytes(200),
            )
        )
    return made


async def measure(size: int, rounds: int) -> list[dict[str, Any]]:
    """All figures; medians over the rounds."""
    ledger = memory.open_ledger(Vault(KeyFile.generate("bench")), origin="bench")
    await furnish(ledger, size * (rounds + 1))
    desk = Desk(ledger, Reader(bytes), 1)
    batch, single = [], []
    everyone = submits(size * (rounds + 1), 10)
    for number in range(rounds + 1):
        part = everyone[number * size : (number + 1) * size]
        async with ledger.transaction(NOW) as t:
            begun = time.perf_counter()
            decided = send.decide(desk, part, t)
            took = time.perf_counter() - begun
        assert not decided.rows["reasons"].any()
        batch += [size / took] if number else []
    for submit in everyone[: 200 * rounds]:
        question = Question("tongda", PORT, submit.phone, submit.body)
        begun = time.perf_counter()
        explain(desk, question, NOW)
        single.append(time.perf_counter() - begun)
    latency = statistics.median(single)
    rate = statistics.median(batch)
    return [
        figure("decisions in batches", rate, "messages/s", "one by one", 1 / latency),
        figure("one decision, explained", latency * 1e6, "µs"),
    ]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    show(asyncio.run(measure(chosen.size, chosen.rounds)), as_json=chosen.json)


if __name__ == "__main__":
    main()
