"""``qingjing serve`` as a process of its own, one carrier, and commands beside it."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import msgspec
from open_hours import open_book

from qingjing.__main__ import House
from qingjing.city.customer import CustomerClient
from qingjing.doors.cli import main
from qingjing.wire import cmpp_tables

ROOT = Path(__file__).parents[2]
PORT = "106900010001"
OFFER = "【青禾商城】双11会员日全场满300减50,精选好物低至5折,拒收请回复R"
ENVIRONMENT = {"CUSTOMER": "888888", "CARRIER": "secret"}
SETTINGS = """
name = "control"
[listeners.cmpp]
port = 0
[accounts.900001]
party = "tongda"
secret_env = "CUSTOMER"
window = 500
[routes.mobile]
number = 1
carrier = "mobile"
host = "127.0.0.1"
port = {port}
account = "106901"
secret_env = "CARRIER"
window = 1
"""
PEOPLE = 40
DECIDE = ("decide", OFFER, "--submitter", "tongda", "--port", PORT, "--declared", "commercial")
TERMS = ("--sender", "qinghe", "--purpose", "any", "--act", "ticked", "--shown", "screen")


def phone(number: int) -> str:
    """The number of a person."""
    return str(13_800_000_000 + number)


class Ran(msgspec.Struct):
    """A command that has ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """What it printed with ``--json``."""
        return msgspec.json.decode(self.out)


class Service:
    """A ledger in a folder, and the service over it as a process that can be killed."""

    def __init__(self, folder: Path, carrier: int = 9) -> None:
        """Settings, keys, register, and consents of ``PEOPLE``; ``carrier`` is its port."""
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None
        self.port = 0
        (folder / "qingjing.toml").write_text(SETTINGS.format(port=carrier), "utf-8")
        rows = "".join(f"{phone(i)},2026-01-01 09:00\n" for i in range(PEOPLE))
        self.write("members.csv", "phone,given_at\n" + rows)
        for words in (
            ("keys", "create"),
            ("rulebook", "adopt", open_book(folder)),
            ("register", "load", str(ROOT / "bench" / "register.toml")),
            ("consent", "import", str(folder / "members.csv"), *TERMS),
        ):
            assert self.run(*words).code == 0, words

    @property
    def data(self) -> Path:
        """The ledger's folder."""
        return self.folder / "data"

    def write(self, name: str, text: str) -> str:
        """A file in the folder; its path."""
        (self.folder / name).write_text(text, "utf-8")
        return str(self.folder / name)

    def run(self, *words: str) -> Ran:
        """One command, in this process: one at a time."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main.run(House(), ["--config", str(self.folder / "qingjing.toml"), *words])
        return Ran(code, out.getvalue(), err.getvalue())

    async def command(self, *words: str) -> Ran:
        """The same in a thread."""
        return await asyncio.to_thread(self.run, *words)

    def start(self) -> int:
        """Serve; the port, which is kept too."""
        self.process = subprocess.Popen(
            (sys.executable, "-m", "qingjing", "serve"),
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | ENVIRONMENT,
        )
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if "listening on port" in line:
                self.port = int(line.rsplit(" ", 1)[1])
                return self.port
        raise AssertionError("the service ended before it listened")

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.communicate(timeout=120)
        return self.process.returncode


def offer(number: int) -> cmpp_tables.Submit:
    """An offer to one person."""
    return cmpp_tables.Submit(
        Msg_src="900001",
        Src_Id=PORT,
        Dest_terminal_Id=(phone(number),),
        Msg_Content=OFFER.encode("utf-16-be"),
        Registered_Delivery=1,
    )


async def connect(port: int) -> CustomerClient:
    """A logged-in customer."""
    loop = asyncio.get_running_loop()
    client = CustomerClient(account="900001", secret=b"888888", clock=loop.time, window=500)
    assert await client.connect(port) == 0
    return client
