"""A ledger with the example's register, and what happens in it turn by turn."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from qingjing.app import shipped_rulebooks
from qingjing.desk import register, rulebook, send
from qingjing.desk.entries import moment
from qingjing.desk.paths import Submit
from qingjing.desk.ports import Ledger, Transaction
from qingjing.desk.texts import Reader
from qingjing.kernel import facts as f
from qingjing.kernel.batch import names
from qingjing.kernel.words import Carrier, Kind, Phone
from qingjing.ledger import memory
from qingjing.ledger.vault import KeyFile, Vault

DAY: Final = 86_400_000
NOW: Final = moment("2026-11-24 10:00")
EXAMPLE: Final = Path(__file__).parents[2] / "docs" / "register.example.toml"
SALE: Final = "【青禾商城】秋装上新，全场满200减50，拒收请回复R"
CODE: Final = "【青禾商城】您的验证码是482913，5分钟内有效，请勿泄露给他人。"
OFFERS: Final = "106900010001"
CODES: Final = "106900010002"
VAULT: Final = Vault(KeyFile.generate("test/ledger"))
P = ParamSpec("P")
R = TypeVar("R")


class House:
    """One ledger in memory, its desk, and a clock that is moved by hand."""

    def __init__(self) -> None:
        self.ledger = memory.open_ledger(VAULT, origin="test/ledger")
        self.desk = send.Desk(self.ledger, Reader(bytes), 1)
        self.at = NOW
        self.do(rulebook.adopt_missing, shipped_rulebooks())
        self.do(register.load, tomllib.loads(EXAMPLE.read_text("utf-8")))

    def do(
        self,
        verb: Callable[Concatenate[Ledger, Transaction, P], R],
        *args: P.args,
        **given: P.kwargs,
    ) -> R:
        """Run a verb in a transaction of its own."""

        async def act() -> R:
            async with self.ledger.transaction(self.at) as t:
                return verb(self.ledger, t, *args, **given)

        return asyncio.run(act())

    def load(self, **tables: list[dict[str, Any]]) -> tuple[f.Fact, ...]:
        """Register some entries."""
        return self.do(register.load, tables)

    def send(
        self,
        body: str = CODE,
        *,
        port: str = CODES,
        carrier: Carrier = Carrier.MOBILE,
        count: int = 1,
    ) -> list[tuple[str, ...]]:
        """Decide messages to so many persons; the reasons of each."""
        submits: Sequence[Submit] = [
            Submit(
                account="900001",
                submitter="tongda",
                port=port,
                phone=Phone(13_800_138_000 + i),
                carrier=carrier,
                declared=Kind.UNCLEAR,
                body=body,
                original=b"x",
            )
            for i in range(count)
        ]

        async def act() -> send.Decided:
            async with self.ledger.transaction(self.at) as t:
                return send.decide(self.desk, submits, t)

        return [names(int(bits)) for bits in asyncio.run(act()).rows["reasons"]]
