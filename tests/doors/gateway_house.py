"""A gateway with its carriers on loopback, in a thread of its own, for clients that block."""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from qingjing.app import shipped_rulebooks
from qingjing.city.carrier import CarrierSimulator, Habits
from qingjing.city.sgip_carrier import SgipCarrier
from qingjing.city.sgip_customer import SgipCustomer
from qingjing.desk import consent, register
from qingjing.desk.entries import told
from qingjing.desk.rulebook import adopt_missing
from qingjing.desk.send import Desk
from qingjing.desk.texts import Reader
from qingjing.doors.gateway.dialect import Dialect
from qingjing.doors.gateway.gateway import CARRIERS, Gateway, Senses
from qingjing.kernel.facts import WordingRegistered
from qingjing.ledger import memory
from qingjing.ledger.core import Ledger
from qingjing.ledger.vault import KeyFile, Vault
from qingjing.settings import Account, Limits, Listener, Route, Settings, Sgip, SgipRoute

T = TypeVar("T")

PORT = "106900010001"
SERVICE_PORT = "106900010002"
SECOND_PORT = "106900010003"
CONSENTED = "13800138000"
ALSO_CONSENTED = "13900139000"
STRANGER = "13800138001"
WORDS = "我同意青禾商城每月至多30条、为期一年的零售营销短信"
NOON = 1_795_492_800_000
"""2026-11-24 12:00 in Beijing, within every marketing hour."""


def description() -> dict[str, Any]:
    """A platform, its provider, two marketing ports, a service port, two signatures."""
    from datetime import date

    since, until = date(2024, 1, 1), date(2030, 1, 1)
    carriers = ["mobile", "unicom", "telecom"]
    ports = (
        (PORT, ["commercial", "asking"]),
        (SECOND_PORT, ["commercial", "asking"]),
        (SERVICE_PORT, ["service", "verification"]),
    )
    signatures = ("青禾商城", "青禾优选")
    grants = ((PORT, 0), (SECOND_PORT, 1), (SERVICE_PORT, 0))
    return {
        "parties": [
            {
                "party": "qinghe",
                "name": "青禾商城(北京)有限公司",
                "role": "platform",
                "credit_code": "91110105MA00QHXC1P",
                "group": "qinghe-group",
            },
            {
                "party": "tongda",
                "name": "通达短信服务有限公司",
                "role": "provider",
                "credit_code": "91440300MA5TDTX21X",
                "licences": ["B2-20240001"],
            },
        ],
        "ports": [
            {
                "port": port,
                "holder": "tongda",
                "kinds": kinds,
                "licence": "号〔2024〕00001",
                "valid_from": since,
                "valid_until": until,
            }
            for port, kinds in ports
        ],
        "signatures": [
            {
                "signature": signature,
                "owner": "qinghe",
                "source": "enterprise",
                "proof": "营业执照",
                "kinds": ["commercial", "service", "verification", "asking"],
            }
            for signature in signatures
        ],
        "grants": [
            {
                "grant": f"qinghe-{port}",
                "sender": "qinghe",
                "port": port,
                "signature": signatures[which],
                "kinds": dict(ports)[port],
                "chain": ["qinghe", "tongda"],
                "valid_from": since,
                "valid_until": until,
            }
            for port, which in grants
        ],
        "filings": [
            *({"port": port, "carriers": carriers, "state": "filed"} for port, _ in ports),
            *({"signature": x, "carriers": carriers, "state": "filed"} for x in signatures),
        ],
    }


async def furnish(ledger: Ledger, at: int) -> None:
    """The rulebooks, the register, a wording and one person's consent."""
    async with ledger.transaction(at) as t:
        adopt_missing(ledger, t, shipped_rulebooks())
        register.load(ledger, t, description())
        worded = consent.wording(ledger, t, "members", "qinghe", WORDS)
    async with ledger.transaction(at) as t:
        for phone in (CONSENTED, ALSO_CONSENTED):
            agree(ledger, t, phone, at, worded.wording)


def agree(ledger: Ledger, t: Any, phone: str, at: int, wording: str) -> None:
    """A sound consent of a person to the platform's retail marketing."""
    consent.record(
        ledger,
        t,
        phone,
        consent.Terms(
            sender="qinghe",
            purposes=("any",),
            act="ticked",
            wording=wording,
            shown="screen 17",
            term_days=365,
        ),
        given_at=told(at - 86_400_000),
        door="app",
    )


class House:
    """A running gateway: its ports, its desk, its carriers, and a way into its loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, gateway: Gateway, desk: Desk) -> None:
        self.loop, self.gateway, self.desk = loop, gateway, desk
        self.carriers: dict[str, CarrierSimulator] = {}
        self.listener: SgipCustomer | None = None
        self.now = NOON

    @property
    def port(self) -> int:
        """Where customers connect over CMPP."""
        return self.gateway.ports["cmpp"]

    def consent(self, *phones: str) -> None:
        """Give more persons' consent."""

        async def work() -> None:
            ledger = self.desk.ledger
            words = next(
                fact.wording
                for position in range(1, ledger.position + 1)
                if isinstance(fact := ledger.fact(position).fact, WordingRegistered)  # type: ignore[union-attr]  # positions are there
            )
            async with ledger.transaction(self.now) as t:
                for phone in phones:
                    agree(ledger, t, phone, self.now, words)  # type: ignore[arg-type]  # a Ledger of core

        self.call(work)

    def reply(self, phone: str, port: str, words: str, carrier: str = "mobile") -> None:
        """A person writes back; wait until the gateway has acknowledged it."""

        async def work() -> int:
            return await self.carriers[carrier].say(phone, port, words)

        self.call(work)

    def call(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine in the gateway's loop and wait for it."""

        async def run() -> T:
            return await work()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(30)

    def until(self, ready: Callable[[], bool]) -> None:
        """Wait until something holds, at most half a minute."""
        deadline = time.monotonic() + 30
        while not ready():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.01)


LISTENERS: dict[Any, Listener] = {
    name: Listener(port=0) for name in ("cmpp", "sgip", "smgp", "smpp")
}
NODE = 3_010_054_320
"""Of the first route on SGIP; the others count on."""


def settings(
    ports: dict[str, int], accounts: dict[str, Account] | None = None, **route: Any
) -> Settings:
    """Settings of a gateway with one account and a route to each carrier."""
    return Settings(
        listeners=LISTENERS,
        sgip=Sgip(node=110_002, port=0),
        accounts=accounts
        or {"900001": Account(party="tongda", port=PORT, secret_env="CUSTOMER")},
        routes={
            name: Route(
                number=number,
                carrier=name,  # type: ignore[arg-type]  # the three names of the table above
                host="127.0.0.1",
                account="106901",
                secret_env="CARRIER",
                sgip=SgipRoute(node=NODE + number),
                **{"port": port, "connections": 2} | route,
            )
            for number, (name, port) in enumerate(ports.items(), 1)
        },
        limits=Limits(segment_wait_s=1),
        checkpoint_s=3600,
    )


ENVIRONMENT = {"CUSTOMER": "888888", "CARRIER": "secret"}


@contextmanager
def house(
    habits: Habits | None = None,
    accounts: dict[str, Account] | None = None,
    *,
    dialect: Dialect | None = None,
    **route: Any,
) -> Iterator[House]:
    """Start everything on loopback; stop it in reverse.

    ``route`` are further settings of each route, its protocol among them; ``dialect`` is what
    the carriers speak, where they have habits of their own.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    built: list[House] = []

    async def start() -> None:
        protocol = route.get("protocol", "cmpp")
        simulators = {
            name: SgipCarrier(secret=b"secret", clock=loop.time, seed=number, habits=habits)
            if protocol == "sgip"
            else CarrierSimulator(
                secret=b"secret",
                clock=loop.time,
                seed=number,
                habits=habits,
                protocol=protocol,
                dialect=dialect,
            )
            for number, name in enumerate(("mobile", "unicom", "telecom"))
        }
        ports = {name: await simulator.start() for name, simulator in simulators.items()}
        ledger = memory.open_ledger(Vault(KeyFile.generate("house")), origin="house")
        await furnish(ledger, NOON - 3_600_000)
        desk = Desk(ledger, Reader(os.urandom), 1)
        begun = loop.time()
        senses = Senses(
            loop.time,
            lambda: built[0].now + int((loop.time() - begun) * 1000) if built else NOON,
            random.Random(7).random,
        )
        gateway = Gateway(desk, settings(ports, accounts, **route), ENVIRONMENT, senses)
        await gateway.start()
        for simulator in simulators.values():
            if isinstance(simulator, SgipCarrier):
                simulator.tell(gateway.ports[CARRIERS], "106901")
        made = House(loop, gateway, desk)
        made.carriers = dict(simulators)
        built.append(made)

    asyncio.run_coroutine_threadsafe(start(), loop).result(60)
    made = built[0]
    try:
        wanted = 3 * route.get("connections", 2) * (2 if route.get("mode") == "pairs" else 1)
        made.until(lambda: made.gateway.carriers.connected == wanted)
        yield made
    finally:

        async def stop() -> None:
            await made.gateway.stop()
            if made.listener is not None:
                made.listener.deafen()
            for simulator in made.carriers.values():
                await simulator.stop()
            await made.desk.ledger.close()  # type: ignore[attr-defined]  # a Ledger of core

        asyncio.run_coroutine_threadsafe(stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
