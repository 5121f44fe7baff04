"""Fuzz the SGIP sessions.

Invariant: whatever bytes a peer sends, at whatever cuts, before and after the login, a session
of either role and of every login type raises nothing, tells Closing at most once and last, and
every request it has told can be answered.

Run: ``python fuzz/fuzz_sgip.py -runs=20000``
"""

from __future__ import annotations

import sys
from datetime import datetime

import atheris
from driving import drive

with atheris.instrument_imports(include=["qingjing.wire"]):
    from qingjing.wire import sgip
    from qingjing.wire.events import Limits
    from qingjing.wire.protocol import Protocol
    from qingjing.wire.session import Session
    from qingjing.wire.sgip_tables import (
        LAYOUTS,
        V12,
        Bind,
        BindResp,
        Command,
        Report,
        Submit,
        Trace,
    )

LAYOUT = LAYOUTS[V12]
ZERO = datetime(2026, 11, 24)  # noqa: DTZ001 - Beijing's time, whatever the machine's
REQUESTS = {
    1: Submit(UserNumber=("1",)),
    2: Report(),
    3: Submit(UserNumber=("1",)),
    11: Trace(),
}


def open_one(protocol: Protocol) -> Session:
    """A session that nobody has logged in to."""
    return Session(protocol, window=4, limits=Limits(owed_max=8), now=0.0)


def bound(protocol: Protocol, login_type: int, *, client: bool) -> Session:
    """A session of one role that has logged in; a client waits for an answer."""
    session = open_one(protocol)
    if client:
        session.request(Bind(LoginType=login_type), "login", 0.0)
        number = session.outgoing()[8:20]
        session.receive(LAYOUT[Command.BIND_RESP].encode(BindResp(number)), 0.0)
        session.request(REQUESTS[login_type], "asked", 0.0)
    else:
        session.receive(LAYOUT[Command.BIND].encode(Bind(LoginType=login_type)), 0.0)
        session.accept(BindResp())
    session.outgoing()
    return session


def one_input(data: bytes) -> None:
    """One run: the first two bytes choose the session and the cuts."""
    if len(data) < 2:
        return
    login_type, step, rest = tuple(REQUESTS)[data[0] & 3], 1 + data[1], data[2:]
    numbers = sgip.NodeNumbers(1, ZERO)
    protocol = sgip.protocol(numbers, duplex=bool(data[0] & 4))
    role = data[0] >> 3 & 3
    if role == 0:
        drive(protocol, open_one(protocol), rest, step)
    else:
        drive(protocol, bound(protocol, login_type, client=role == 1), rest, step)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
