"""A gateway between customers and carriers of which some speak SGIP, in the test's own loop."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway_house import CONSENTED, NOON, PORT, agree, furnish

from qingjing.city.carrier import CarrierSimulator, Habits
from qingjing.city.customer import CustomerClient
from qingjing.city.sgip_carrier import SgipCarrier
from qingjing.city.sgip_customer import SgipCustomer, Told
from qingjing.desk.send import Desk
from qingjing.desk.texts import Reader
from qingjing.doors.gateway.gateway import CARRIERS, Gateway, Senses
from qingjing.kernel.facts import WordingRegistered
from qingjing.ledger import sqlite
from qingjing.ledger.core import Ledger
from qingjing.ledger.vault import KeyFile, Vault
from qingjing.settings import (
    Account,
    Limits,
    Listener,
    Route,
    Settings,
    Sgip,
    SgipAccount,
    SgipRoute,
)
from qingjing.wire import sgip_tables

UNICOM = "13000130000"
UNICOM_LATER = "13000130001"
OURS, NODE = 110_002, 3_010_054_321
ENVIRONMENT = {"CUSTOMER": "888888", "CARRIER": "secret", "BACK": "back-secret"}


class Town:
    """One customer on CMPP, one on SGIP; China Mobile on CMPP, China Unicom on SGIP."""

    def __init__(self, folder: Path, habits: Habits | None, duplex: bool) -> None:
        self.loop = asyncio.get_running_loop()
        self.folder, self.duplex = folder, duplex
        self.vault = Vault(KeyFile.generate("town"))
        self.ahead = 0.0
        self.mobile = CarrierSimulator(
            secret=b"secret", clock=self.clock, seed=1, habits=habits
        )
        self.unicom = SgipCarrier(
            secret=b"secret", clock=self.clock, seed=2, habits=habits, duplex=duplex
        )
        self.sgip = self.customer()
        self.ports: dict[str, int] = {}
        self.ledger: Ledger
        self.gateway: Gateway
        self.cmpp: CustomerClient

    def clock(self) -> float:
        """Seconds of everybody's clock; ``ahead`` sets it forward."""
        return self.loop.time() + self.ahead

    def when(self) -> int:
        """Epoch ms: from noon on, as fast as the clock."""
        return NOON + int((self.clock() - self._began) * 1000)

    def customer(self, first: int = 0, **options: Any) -> SgipCustomer:
        """A customer on SGIP; another run of it with other numbers."""
        settled: dict[str, Any] = {
            "account": "qinghe-sgip",
            "secret": b"888888",
            "back": None if self.duplex else b"back-secret",
        }
        return SgipCustomer(clock=self.clock, first=first, **settled | options)

    async def open(self) -> None:
        """Carriers, the customer's listener, a furnished ledger."""
        self._began = self.clock()
        self.ports = {
            "mobile": await self.mobile.start(),
            "unicom": await self.unicom.start(),
        }
        if not self.duplex:
            self.ports["back"] = await self.sgip.listen()
        self.ledger = self._ledger()
        await furnish(self.ledger, NOON - 3_600_000)
        await self.agree(UNICOM, UNICOM_LATER)
        await self.serve()

    def _ledger(self) -> Ledger:
        return sqlite.open_ledger(self.folder, self.vault, origin="town").ledger

    async def agree(self, *phones: str) -> None:
        """These people consent."""
        words = next(
            fact.wording
            for position in range(1, self.ledger.position + 1)
            if isinstance(fact := self.ledger.fact(position).fact, WordingRegistered)  # type: ignore[union-attr]  # positions are there
        )
        async with self.ledger.transaction(self.when()) as t:
            for phone in phones:
                agree(self.ledger, t, phone, NOON - 3_600_000, words)

    def settings(self) -> Settings:
        """Of this town."""
        duplex = self.duplex
        back = SgipAccount(duplex=True)
        if not duplex:
            back = SgipAccount(
                host="127.0.0.1",
                port=self.ports["back"],
                account="qingjing",
                secret_env="BACK",
            )
        return Settings(
            listeners={"cmpp": Listener(port=0), "sgip": Listener(port=0)},
            sgip=Sgip(node=OURS, port=0),
            accounts={
                "900001": Account(party="tongda", secret_env="CUSTOMER"),
                "qinghe-sgip": Account(
                    party="qinghe", protocol="sgip", secret_env="CUSTOMER", sgip=back
                ),
            },
            routes={
                "mobile": self._route(1, "mobile"),
                "unicom": self._route(
                    2,
                    "unicom",
                    protocol="sgip",
                    sgip=SgipRoute(node=NODE, company="54321", account="unicom", duplex=duplex),
                ),
            },
            limits=Limits(segment_wait_s=600),
            checkpoint_s=3600,
        )

    def _route(self, number: int, carrier: Any, **fields: Any) -> Route:
        return Route(
            number=number,
            carrier=carrier,
            host="127.0.0.1",
            port=self.ports[carrier],
            account="106901",
            secret_env="CARRIER",
            **fields,
        )

    async def serve(self) -> None:
        """Start the gateway; the customers log in."""
        desk = Desk(self.ledger, Reader(os.urandom), 1)
        senses = Senses(self.clock, self.when, random.Random(7).random)
        self.gateway = Gateway(desk, self.settings(), ENVIRONMENT, senses)
        await self.gateway.start()
        if not self.duplex:
            self.unicom.tell(self.gateway.ports[CARRIERS], "unicom")
        await self.until(lambda: self.gateway.carriers.connected == 2)
        self.cmpp = CustomerClient(account="900001", secret=b"888888", clock=self.clock)
        assert await self.cmpp.connect(self.gateway.ports["cmpp"]) == 0
        await self.login()

    async def login(self) -> None:
        """The customer on SGIP dials."""
        assert await self.sgip.connect(self.gateway.ports["sgip"]) == 0

    async def crash(self) -> None:
        """The gateway is gone in the middle of its work; nothing is finished."""
        self.gateway.listeners.close()
        for task in self.gateway._tasks:
            task.cancel()
        await asyncio.gather(*self.gateway._tasks, return_exceptions=True)
        await self.gateway.carriers.stop()
        await self.gateway.callbacks.stop()
        self.gateway.visitors.stop()
        for line in list(self.gateway.customers.lines):
            line.close()
        await self.ledger.close()
        await self.until(lambda: self.sgip.line is None)

    async def restart(self) -> None:
        """Start again on what the disk has."""
        self.ledger = self._ledger()
        self.sgip, old = self.customer(first=1_000_000), self.sgip
        old.answers.clear()
        if not self.duplex:
            old.deafen()
            self.ports["back"] = await self.sgip.listen()
        await self.serve()

    async def close(self) -> None:
        """Stop everything."""
        await self.gateway.stop()
        self.sgip.deafen()
        self.sgip.close()
        self.cmpp.close()
        await self.mobile.stop()
        await self.unicom.stop()
        await self.ledger.close()

    async def until(self, ready: Callable[[], bool]) -> None:
        """Wait until something holds, at most half a minute."""
        for _ in range(3_000):
            if ready():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("waited in vain")

    async def send(self, *pdus: sgip_tables.Submit) -> list[sgip_tables.SubmitResp]:
        """The customer on SGIP submits, and waits for the answers."""
        tags = [object() for _ in pdus]
        for tag, pdu in zip(tags, pdus, strict=True):
            await self.sgip.submit(pdu, tag)
        self.sgip.flush()
        await self.until(lambda: all(tag in self.sgip.answers for tag in tags))
        return [sgip_tables.SubmitResp(*self.sgip.answers[tag].pdu) for tag in tags]

    def state(self, answer: sgip_tables.SubmitResp, phone: str = CONSENTED) -> int | None:
        """What the customer was told of a number of its submit."""
        told = self.told(answer, phone)
        return None if told is None else told.state

    def told(self, answer: sgip_tables.SubmitResp, phone: str = CONSENTED) -> Told | None:
        """The report of a number of a submit."""
        return self.sgip.told.get((answer.SequenceNumber, "86" + phone))


@asynccontextmanager
async def town(
    folder: Path, habits: Habits | None = None, *, duplex: bool = False
) -> AsyncIterator[Town]:
    """Start everything on loopback; stop it in reverse."""
    made = Town(folder, habits, duplex)
    await made.open()
    try:
        yield made
    finally:
        await made.close()


__all__ = ["NODE", "OURS", "PORT", "UNICOM", "UNICOM_LATER", "Town", "town"]
