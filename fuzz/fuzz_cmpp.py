"""Fuzz the CMPP sessions.

Invariant: whatever bytes a peer sends, at whatever cuts, before and after the login, a session
of either role raises nothing, tells Closing at most once and last, and every request it has
told can be answered.

Run: ``python fuzz/fuzz_cmpp.py -runs=20000``
"""

from __future__ import annotations

import sys

import atheris
from driving import drive

with atheris.instrument_imports(include=["qingjing.wire"]):
    from qingjing.wire import cmpp
    from qingjing.wire.cmpp_tables import (
        LAYOUTS,
        V20,
        V30,
        Command,
        Connect,
        ConnectResp,
        Submit,
    )
    from qingjing.wire.events import Limits
    from qingjing.wire.session import Session


def bound(version: int, *, client: bool) -> Session:
    """A session of one role that has logged in."""
    session = Session(cmpp.PROTOCOL, window=4, limits=Limits(owed_max=8), now=0.0)
    layouts = LAYOUTS[version]
    if client:
        session.request(Connect(Version=version), "login", 0.0)
        session.receive(layouts[Command.CONNECT_RESP].encode(ConnectResp(1)), 0.0)
        session.request(Submit(Dest_terminal_Id=("1",)), "submit", 0.0)
    else:
        session.receive(layouts[Command.CONNECT].encode(Connect(1, Version=version)), 0.0)
        session.accept(ConnectResp())
    session.outgoing()
    return session


def one_input(data: bytes) -> None:
    """One run: the first two bytes choose the session and the cuts."""
    if len(data) < 2:
        return
    version, step, rest = (V20, V30)[data[0] & 1], 1 + data[1], data[2:]
    role = data[0] >> 1 & 3
    if role == 0:
        drive(cmpp.PROTOCOL, Session(cmpp.PROTOCOL, window=4, now=0.0), rest, step)
    else:
        drive(cmpp.PROTOCOL, bound(version, client=role == 1), rest, step)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
