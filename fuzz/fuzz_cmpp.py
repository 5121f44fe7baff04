"""Fuzz the CMPP sessions.

Invariant: whatever bytes a peer sends, at whatever cuts, before and after the login, a session
of either role raises nothing, tells Closing at most once and last, and every request it has
told can be answered.

Run: ``python fuzz/fuzz_cmpp.py -runs=20000``
"""

from __future__ import annotations

import sys

import atheris

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
    from qingjing.wire.events import Closing, Limits
    from qingjing.wire.session import Session
    from qingjing.wire.states import State


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


def drive(session: Session, data: bytes, step: int) -> None:
    """Feed the bytes in pieces, answer what is told, and hold the invariant."""
    answers = cmpp.PROTOCOL.answers
    closed = False
    for at in range(0, len(data), step):
        assert not closed or session.state == State.CLOSED
        for event in session.receive(data[at : at + step], float(at)):
            assert not closed
            closed = isinstance(event, Closing)
            layouts = LAYOUTS[session.version].values()
            kind = next((layout for layout in layouts if layout.pdu is type(event)), None)
            if kind is not None and not isinstance(event, Connect):
                answer = LAYOUTS[session.version][answers[kind.command]]
                session.respond(answer.pdu(event[0]))
    session.tick(1e6)
    session.outgoing()


def one_input(data: bytes) -> None:
    """One run: the first two bytes choose the session and the cuts."""
    if len(data) < 2:
        return
    version, step, rest = (V20, V30)[data[0] & 1], 1 + data[1], data[2:]
    role = data[0] >> 1 & 3
    if role == 0:
        drive(Session(cmpp.PROTOCOL, window=4, now=0.0), rest, step)
    else:
        drive(bound(version, client=role == 1), rest, step)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
