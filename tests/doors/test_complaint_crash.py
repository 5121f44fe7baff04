"""kill -9 of the process that takes complaints in: whatever was acknowledged is there."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from qingjing.desk.said import code_of, said_of
from qingjing.ledger import check, sqlite
from qingjing.ledger.vault import Vault, load

ROOT = Path(__file__).parents[2]
PORT = "106900010001"
SERVER = """
import asyncio, sys
from pathlib import Path
from qingjing.desk.complaint import Complaint, receive
from qingjing.ledger import sqlite
from qingjing.ledger.vault import Vault, load
folder = Path(sys.argv[1])

async def run():
    vault = Vault(load(folder / "keys.toml"))
    ledger, _ = sqlite.open_ledger(folder / "data", vault, origin="c")
    number = int(sys.argv[2])
    while True:
        async with ledger.transaction(1779242400000 + number) as t:
            phone = str(13800000000 + number % 1000)
            given = Complaint(phone=phone, words=f"{PORT}*【青禾】第{number}封促销全场五折")
            receipt = receive(ledger, t, given)
        print(number, receipt.number, receipt.code, flush=True)
        number += 1

PORT = "106900010001"
asyncio.run(run())
"""


async def command(folder: Path, *words: str) -> str:
    """Run one command of the product to its end; what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "qingjing", "--config", str(folder / "qingjing.toml")),
        *words,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, words
    return out.decode()


async def killed(folder: Path, first: int, lines: int) -> list[list[str]]:
    """Take complaints in until so many were told, then kill -9; what was acknowledged."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SERVER, str(folder), str(first)),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ,
    )
    assert process.stdout is not None
    told = [(await process.stdout.readline()).decode().split() for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    rest, _ = await process.communicate()
    whole = rest.decode().rpartition("\n")[0]
    return told + [line.split() for line in whole.splitlines()]


def test_no_acknowledged_complaint_is_lost_over_a_kill(tmp_path: Path) -> None:
    """Three times in the middle of the work: each receipt is on record with its words, its code
    is the same, and the ledger proves whole."""
    (tmp_path / "qingjing.toml").write_text('name = "c"\n', "utf-8")
    told: list[list[str]] = []

    async def run() -> None:
        """Furnish, then kill thrice."""
        await command(tmp_path, "keys", "create")
        await command(tmp_path, "register", "load", str(ROOT / "bench" / "register.toml"))
        for turn in range(3):
            told.extend(await killed(tmp_path, 10_000 * turn, 60))

    asyncio.run(run())
    vault = Vault(load(tmp_path / "keys.toml"))
    ledger, _ = sqlite.open_ledger(tmp_path / "data", vault, origin="c")
    assert len(told) >= 180
    for number, receipt, code in told:
        case = ledger.cases.by_number(receipt)
        assert case is not None
        assert code_of(ledger, case.complaint) == code
        said = said_of(ledger, case)
        assert said is not None
        assert said.text == f"【青禾】第{number}封促销全场五折"
    assert len(ledger.cases) - len(told) in range(4)  # committed, killed before it was told
    assert check.verify(ledger.store, ledger.key, folder=None).sound
    asyncio.run(ledger.close())


def test_the_commands_take_a_file_in_work_and_tell(tmp_path: Path) -> None:
    """Rows with errors are told and left out; a round traces them; the pack verifies."""
    (tmp_path / "qingjing.toml").write_text('name = "c"\n', "utf-8")
    rows = [
        f"13800138000,{PORT}*【青禾商城】双11全场五折,",
        "1380013,x,",
        f"13900139000,,{PORT}",
        "13900139001,我要举报,",
    ]
    text = "phone,words,number\n" + "\n".join(rows)
    (tmp_path / "c.csv").write_text(text, "utf-8")

    async def run() -> None:
        """Every step by its command."""
        await command(tmp_path, "keys", "create")
        await command(tmp_path, "register", "load", str(ROOT / "bench" / "register.toml"))
        path = str(tmp_path / "c.csv")
        done = json.loads(await command(tmp_path, "complaint", "import", path, "--json"))
        assert [one["lacks"] for one in done["receipts"]] == [[], ["text"], ["number", "text"]]
        assert [one["where"] for one in done["problems"]] == ["row 3"]
        first = done["receipts"][0]
        worked = json.loads(await command(tmp_path, "complaint", "work", "--json"))
        assert (worked["traced"], worked["raised"]) == (1, 1)
        assert worked["forwarded"] == [first["number"]]
        again = json.loads(await command(tmp_path, "complaint", "work", "--json"))
        assert again == {"traced": 0, "raised": 0, "linked": 0}
        state = await command(
            tmp_path, "complaint", "status", first["number"], first["code"], "--json"
        )
        assert json.loads(state)["state"] == "forwarded"
        listed = json.loads(await command(tmp_path, "complaint", "list", "--json"))
        assert len(listed["cases"]) == 3
        assert "13800138000" not in str(listed)
        zipped = str(tmp_path / "case.zip")
        await command(tmp_path, "complaint", "pack", first["number"], zipped)
        checked = json.loads(await command(tmp_path, "complaint", "check", zipped, "--json"))
        assert checked["ok"]
        counted = await command(
            *(tmp_path, "complaint", "stats", "--since", "2020-01-01"),
            *("--until", "2100-01-01", "--json"),
        )
        assert json.loads(counted)["complaints"] == 3

    asyncio.run(run())
