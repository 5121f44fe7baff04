"""``qingjing serve``: the gateway as a service, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from typing import Annotated

from cyclopts import Parameter

from qingjing.doors.cli import Session
from qingjing.doors.cli.output import complain
from qingjing.settings import Settings, SettingsError


async def serve(*, session: Annotated[Session, Parameter(parse=False)]) -> int:
    """Decide and carry messages over all protocols, until SIGTERM or Ctrl-C.

    Accounts, routes and limits stand in the settings file (docs/operating.md). On a stop the
    gateway takes no more, waits a little for carriers' answers and closes; what was
    acknowledged is on record at any moment. On SIGHUP it reads its settings
    anew; what only a restart changes is named.

    Examples
    --------
    qingjing --config qingjing.toml serve
    """
    until = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, until.set)
    anew: asyncio.Queue[Settings] = asyncio.Queue()
    loop.add_signal_handler(signal.SIGHUP, _read, session, anew)
    await session.house.serve(session.settings, _ready, until, anew)
    return 0


def _read(session: Session, anew: asyncio.Queue[Settings]) -> None:
    """Read the settings file again; one that is wrong is told and changes nothing."""
    try:
        anew.put_nowait(session.settings)
    except SettingsError as error:
        complain(f"settings not reloaded: {error}")


def _ready(ports: Mapping[str, int]) -> None:
    """A line for each listener, in the order of the settings."""
    for protocol, port in ports.items():
        complain(f"{protocol}: listening on port {port}")
    if not ports:
        complain("no listener in the settings")
