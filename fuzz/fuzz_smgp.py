"""Fuzz the SMGP sessions, and what reads the messages they tell.

Invariant: whatever bytes a peer sends, at whatever cuts, before and after the login, a session
of either role raises nothing, tells Closing at most once and last, and every request it has
told can be answered. What a message carries is read or is the peer's fault.

Run: ``python fuzz/fuzz_smgp.py -runs=20000``
"""

from __future__ import annotations

import contextlib
import sys

import atheris
from driving import drive

with atheris.instrument_imports(include=["qingjing.wire"]):
    from qingjing.wire import smgp
    from qingjing.wire.content import join
    from qingjing.wire.errors import RemoteProtocolError
    from qingjing.wire.events import Limits
    from qingjing.wire.session import Session
    from qingjing.wire.smgp_message import read_part, read_report
    from qingjing.wire.smgp_tables import (
        LAYOUTS,
        V30,
        Command,
        Deliver,
        Login,
        LoginResp,
        Submit,
    )

L30 = LAYOUTS[V30]


def fresh() -> Session:
    """A session that nobody has logged in to."""
    return Session(smgp.PROTOCOL, window=4, limits=Limits(owed_max=8), now=0.0)


def bound(mode: int, *, client: bool) -> Session:
    """A session of one role that has logged in."""
    session = fresh()
    if client:
        session.request(Login(LoginMode=mode), "login", 0.0)
        session.receive(L30[Command.LOGIN_RESP].encode(LoginResp(1)), 0.0)
        if mode != smgp.LoginMode.RECEIVE:
            session.request(Submit(DestTermID=("1",)), "submit", 0.0)
    else:
        session.receive(L30[Command.LOGIN].encode(Login(1, LoginMode=mode)), 0.0)
        session.accept(LoginResp())
    session.outgoing()
    return session


def read(event: object) -> None:
    """Read what a message carries, as its owner would."""
    with contextlib.suppress(RemoteProtocolError):
        if isinstance(event, Submit | Deliver):
            join([read_part(event)])
    with contextlib.suppress(RemoteProtocolError):
        if isinstance(event, Deliver):
            assert len(read_report(event.MsgContent).MsgID) == 10


def one_input(data: bytes) -> None:
    """One run: the first two bytes choose the session and the cuts."""
    if len(data) < 2:
        return
    mode, role, step, rest = data[0] & 3, data[0] >> 2 & 3, 1 + data[1], data[2:]
    session = fresh() if role == 0 else bound(mode, client=role == 1)
    drive(smgp.PROTOCOL, session, rest, step, read)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
