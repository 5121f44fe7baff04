"""The HTTP API with gateway, carriers and a ledger on disk, in a thread of its own."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from secrets import token_bytes
from typing import Any, TypeVar

import httpx
from gateway_house import ENVIRONMENT, NOON, PORT, furnish
from gateway_house import settings as gateway_settings

from qingjing import app
from qingjing.city.carrier import CarrierSimulator, Habits
from qingjing.desk import consent
from qingjing.desk.send import Desk
from qingjing.doors.api.keys import Keys, Wanted
from qingjing.doors.api.server import ApiServer
from qingjing.doors.api.store import Store
from qingjing.doors.gateway.gateway import Gateway, Senses
from qingjing.ledger import vault
from qingjing.settings import Account, Api, Settings

T = TypeVar("T")

PEOPLE = 60
"""People who consented: a few messages a day reach one's caps."""
TERMS = consent.Terms(sender="qinghe", purposes=("any",), act="ticked", shown="screen 17")
GIVEN = "2026-11-01 09:00"

OFFER = "【青禾商城】双11会员日全场满300减50,精选好物低至5折,拒收请回复R"
ACCOUNTS = {
    "shop": Account(party="tongda", protocol="http", port=PORT),
    "other": Account(party="qinghe", protocol="http", port=PORT),
    "far": Account(party="tongda", protocol="http", port=PORT, allow=("192.0.2.0/24",)),
    "900001": Account(party="tongda", port=PORT, secret_env="CUSTOMER"),
}


class ApiHouse:
    """A folder, and the service over it, to be started and stopped."""

    def __init__(self, folder: Path, api: Api) -> None:
        """The ledger is made and furnished; nothing runs yet."""
        self.folder, self.api_settings = folder, api
        self.now = NOON
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self._stack = AsyncExitStack()
        self.carriers: dict[str, CarrierSimulator] = {}
        self.desk: Desk
        self.gateway: Gateway
        self.api: ApiServer
        self.settings: Settings
        self.habits: Habits | None = None
        vault.create(folder / "keys.toml", "house")

    def call(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run a coroutine in the service's loop and wait for it."""

        async def run() -> T:
            """What runs there."""
            return await work()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(60)

    def until(self, ready: Callable[[], bool]) -> None:
        """Wait until something holds, at most half a minute."""
        deadline = time.monotonic() + 30
        while not ready():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.01)

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        self._stack = AsyncExitStack()
        for number, name in enumerate(("mobile", "unicom", "telecom")):
            simulator = CarrierSimulator(
                secret=b"secret", clock=loop.time, seed=number, habits=self.habits
            )
            self.carriers[name] = simulator
        ports = {name: await one.start() for name, one in self.carriers.items()}
        plain = gateway_settings(ports, ACCOUNTS)
        self.settings = app_settings(plain, self.folder, self.api_settings)
        begun = loop.time()
        senses = Senses(
            loop.time,
            lambda: self.now + int((loop.time() - begun) * 1000),
            random.Random(7).random,
        )
        self.desk = await self._stack.enter_async_context(
            app.open_desk(
                self.settings, now=senses.when, warn=lambda _text: None, environ=ENVIRONMENT
            )
        )
        if not self.desk.ledger.register.parties():
            await furnish(self.desk.ledger, NOON - 3_600_000)  # type: ignore[arg-type]
            async with self.desk.ledger.transaction(NOON - 3_600_000) as t:
                for number in range(PEOPLE):
                    consent.record(
                        self.desk.ledger, t, person(number), TERMS, given_at=GIVEN, door="app"
                    )
        self.gateway = Gateway(self.desk, self.settings, ENVIRONMENT, senses)
        await self.gateway.start()
        self.api = app.api_server(self.desk, self.gateway, self.settings, senses, ENVIRONMENT)
        await self.api.start()

    def start(self) -> None:
        """Start everything on loopback."""
        self.call(self._start)
        self.until(lambda: self.gateway.carriers.connected == 6)

    async def _stop(self) -> None:
        await self.api.stop()
        await self.gateway.stop()
        for simulator in self.carriers.values():
            await simulator.stop()
        await self._stack.aclose()

    def stop(self) -> None:
        """Stop it in reverse."""
        self.call(self._stop)

    def end(self) -> None:
        """Give the loop back."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    def key(self, *scopes: str, account: str = "shop", **more: Any) -> str:
        """A new key, made as the command makes it: from outside."""
        store = Store(self.folder / "data")
        wanted = Wanted(account, scopes or ("admin",), **more)
        _key, text = Keys(store).create(wanted, self.now, token_bytes)
        store.close()
        return text

    @property
    def url(self) -> str:
        """Where the API listens."""
        return f"http://127.0.0.1:{self.api.port}"

    def client(self, *scopes: str, account: str = "shop", **more: Any) -> httpx.Client:
        """A client with a new key."""
        key = self.key(*scopes, account=account, **more)
        return httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
            trust_env=False,
        )


def app_settings(plain: Settings, folder: Path, api: Api) -> Settings:
    """The gateway's settings with a folder and the API."""
    import msgspec

    return msgspec.structs.replace(plain, folder=str(folder), name="house", api=api)


@contextmanager
def api_house(
    folder: Path, api: Api | None = None, habits: Habits | None = None
) -> Iterator[ApiHouse]:
    """A running API in an empty folder."""
    house = ApiHouse(folder, api or Api(port=0, hook_networks=("127.0.0.0/8",)))
    house.habits = habits
    house.start()
    try:
        yield house
    finally:
        house.stop()
        house.end()


def person(number: int) -> str:
    """The number of one who consented."""
    assert number < PEOPLE
    return str(13_800_139_000 + number)


_unspent = iter(range(PEOPLE))


def somebody() -> str:
    """The number of one who consented and was sent nothing yet, in this file's service."""
    return person(next(_unspent))


def sent(number: str = "", **more: Any) -> dict[str, Any]:
    """A message that may leave, to somebody new unless a number is given."""
    return {"to": number or somebody(), "text": OFFER, "declared": "commercial", **more}


def once(key: str) -> dict[str, str]:
    """The header of an idempotency key."""
    return {"Idempotency-Key": key}
