"""What the city's tests stand on: the real ledger and desk, opened at a time of the test's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

from qingjing import app
from qingjing.city.plan import Options, make_plan
from qingjing.city.run import run
from qingjing.city.world import Day
from qingjing.desk.send import Desk
from qingjing.ledger import vault
from qingjing.settings import Settings

DAY = Day(date(2026, 11, 11))
OPENED_AT = DAY.before(1)


class CityHouse:
    """Opens the ledger on the day before the city's."""

    @asynccontextmanager
    async def open_desk(self, settings: Settings) -> AsyncIterator[Desk]:
        """The composition root's own desk."""

        def warn(text: str) -> None:
            """A new ledger has nothing to warn of."""
            raise AssertionError(text)

        async with app.open_desk(settings, now=lambda: OPENED_AT, warn=warn) as desk:
            yield desk

    def create_keys(self, settings: Settings) -> object:
        """Keys in the city's folder."""
        return vault.create(settings.path(settings.keys), settings.name)


def play(seed: int, messages: int, folder: Path) -> Path:
    """Play a city to its end; the folder of its files."""
    plan = make_plan(Options(seed=seed, messages=messages))
    asyncio.run(run(CityHouse(), plan, folder, DAY))
    return folder
