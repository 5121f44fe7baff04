"""Where a city is played: what it needs of the composition root, its settings and its clock."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol

from qingjing.city.cast import CARRIERS, PLATFORMS, QINGLAN, SERVICES
from qingjing.desk.entries import day_start
from qingjing.desk.send import Desk
from qingjing.kernel.words import Carrier
from qingjing.settings import Account, Listener, Route, Settings, Sgip, SgipRoute

HOUR_MS: Final = 3_600_000
WAVE_MS: Final = HOUR_MS + HOUR_MS // 2
"""From one wave of the day to the next."""

WINDOW: Final = 16
"""Unanswered submits on a carrier connection: few, so that messages have to queue."""

_SECRETS: Final = {"CITY_CUSTOMER": "customer-secret", "CITY_CARRIER": "carrier-secret"}


class World(Protocol):
    """What the city is given by the composition root; ``doors.cli.House`` fits by shape."""

    def open_desk(self, settings: Settings) -> AbstractAsyncContextManager[Desk]:
        """Open ledger and desk for as long as the block lasts."""
        ...

    def create_keys(self, settings: Settings) -> object:
        """Make the ledger's keys where the settings say."""
        ...


class Day(NamedTuple):
    """The day on which a city is played: its hours, and mornings before it, in epoch ms."""

    date: date

    @property
    def morning(self) -> int:
        """When it begins: ten in the morning, Beijing time."""
        return day_start(self.date) + 10 * HOUR_MS

    @property
    def nightfall(self) -> int:
        """When its night wave is sent: half past ten."""
        return day_start(self.date) + 22 * HOUR_MS + HOUR_MS // 2

    def before(self, days: int) -> int:
        """A morning so many days before."""
        return day_start(self.date - timedelta(days=days)) + 9 * HOUR_MS


class Clock:
    """Two clocks: ``seconds`` of the loop, and ``when``, the city's time of day.

    The city's time runs as fast as the loop's and can be set forward, to evening or night.
    """

    def __init__(self, at: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._base = at
        self._since = self._loop.time()

    def seconds(self) -> float:
        """Seconds that never go back."""
        return self._loop.time()

    def when(self) -> int:
        """The city's time, epoch ms."""
        return self._base + int((self._loop.time() - self._since) * 1000)

    def set_forward(self, at: int) -> None:
        """Go on at this time, unless it has passed already."""
        self._base = max(at, self.when())
        self._since = self._loop.time()


def settings(out: Path, ports: dict[Carrier, int]) -> Settings:
    """The gateway's settings in the city: ledger and keys in ``out``, carriers at ``ports``."""
    return Settings(
        name="qingjing-city",
        data="ledger",
        keys="keys.toml",
        folder=str(out.resolve()),
        listeners={"cmpp": Listener(port=0), "smpp": Listener(port=0)},
        sgip=Sgip(port=0),
        accounts={
            platform.account: Account(
                party=platform.party,
                protocol="smpp" if platform is QINGLAN else "cmpp",
                secret_env="CITY_CUSTOMER",
                kinds=dict(SERVICES),
            )
            for platform in PLATFORMS
        },
        routes={
            carrier.name.lower(): Route(
                number=int(carrier),
                carrier=_NAMES[carrier],
                host="127.0.0.1",
                port=ports[carrier],
                account="900001",
                protocol=SPOKEN[carrier],
                secret_env="CITY_CARRIER",
                window=WINDOW,
                sgip=SgipRoute(node=3_010_000_001),
            )
            for carrier in CARRIERS
        },
    )


SPOKEN: Final[dict[Carrier, Literal["cmpp", "sgip", "smgp"]]] = {
    Carrier.MOBILE: "cmpp",
    Carrier.UNICOM: "sgip",
    Carrier.TELECOM: "smgp",
}
"""What each carrier of the city speaks."""
_NAMES: Final[dict[Carrier, Literal["mobile", "unicom", "telecom"]]] = {
    Carrier.MOBILE: "mobile",
    Carrier.UNICOM: "unicom",
    Carrier.TELECOM: "telecom",
}


def environment() -> dict[str, str]:
    """The secrets of the city's accounts and routes; loopback alone ever sees them."""
    return dict(_SECRETS)
