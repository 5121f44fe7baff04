"""The service looks back by its own clock: nobody asks it to."""

from __future__ import annotations

import asyncio
import random
import time
import tomllib
from pathlib import Path

from qingjing import app
from qingjing.desk import findings, register, send
from qingjing.desk.entries import moment
from qingjing.desk.findings import Charge
from qingjing.desk.paths import Submit
from qingjing.doors.gateway.gateway import Senses
from qingjing.kernel.words import Carrier, Kind, Phone
from qingjing.ledger import vault
from qingjing.settings import Settings, load

DAY = 86_400_000
NOW = moment("2026-11-24 10:00")
EXAMPLE = Path(__file__).parents[2] / "docs" / "register.example.toml"
FOREIGN = "【白石书店】您的验证码是482913，5分钟内有效，请勿泄露给他人。"
WAIT_S = 60


def silent(_text: str) -> None:
    """What opening has to say is of no interest here."""


async def plant(settings: Settings) -> str:
    """A finding that is closed, and a relapse a minute later; the finding's name."""
    async with app.open_desk(settings, now=lambda: NOW, warn=silent) as desk:
        async with desk.ledger.transaction(NOW) as t:
            register.load(desk.ledger, t, tomllib.loads(EXAMPLE.read_text("utf-8")))
            charge = Charge(
                what="drift", party="tongda", port="106900010002", words="x", since=NOW
            )
            name = findings.open_(desk.ledger, t, charge, "王敏").finding
            findings.close(desk.ledger, t, name, "已整改", "王敏")
        submit = Submit(
            account="900001",
            submitter="tongda",
            port="106900010002",
            phone=Phone(13_800_138_000),
            carrier=Carrier.MOBILE,
            declared=Kind.UNCLEAR,
            body=FOREIGN,
            original=b"x",
        )
        async with desk.ledger.transaction(NOW + 60_000) as t:
            send.decide(desk, [submit], t)
    return name


async def served(settings: Settings, at: int, name: str) -> bool:
    """Serve at a time until the finding is open again, or nothing is due; is it?"""
    until, ready = asyncio.Event(), asyncio.Event()
    senses = Senses(time.monotonic, lambda: at, random.Random(7).random)
    task = asyncio.create_task(
        app.serve(
            settings,
            senses=senses,
            warn=silent,
            ready=lambda _ports: ready.set(),
            until=until,
        )
    )
    await asyncio.wait_for(ready.wait(), WAIT_S)
    for _ in range(100 if at > NOW + DAY else 5):
        await asyncio.sleep(0.05)
        async with app.open_beside(settings, now=lambda: at, warn=silent) as beside:
            again = not beside.ledger.register.oversight.findings[name].closed
        if again:
            break
    until.set()
    await asyncio.wait_for(task, WAIT_S)
    return again


def test_a_planted_relapse_is_reopened_without_anyone_asking(tmp_path: Path) -> None:
    """Not on the sixth day; on the seventh."""
    path = tmp_path / "qingjing.toml"
    path.write_text('name = "test/ledger"\n', "utf-8")
    settings = load(path)
    vault.create(settings.path(settings.keys), settings.name)
    name = asyncio.run(plant(settings))
    assert not asyncio.run(served(settings, NOW + DAY, name))
    assert asyncio.run(served(settings, NOW + 7 * DAY, name))
