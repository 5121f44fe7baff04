"""Fuzz the SMPP sessions, and what reads the messages they tell.

Invariant: whatever bytes a peer sends, at whatever cuts, before and after the login, a session
of either role raises nothing, tells Closing at most once and last, and every request it has
told can be answered. What a message carries is read or is the peer's fault.

Run: ``python fuzz/fuzz_smpp.py -runs=20000``
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import atheris
from driving import drive

with atheris.instrument_imports(include=["qingjing.wire"]):
    from qingjing.wire import smpp
    from qingjing.wire.content import join
    from qingjing.wire.errors import RemoteProtocolError
    from qingjing.wire.events import Limits
    from qingjing.wire.session import Session
    from qingjing.wire.smpp_message import codings, read_part
    from qingjing.wire.smpp_pdus import (
        BindReceiver,
        BindTransceiver,
        BindTransmitter,
        DataSm,
        DeliverSm,
        SubmitMulti,
        SubmitSm,
    )
    from qingjing.wire.smpp_receipt import IdRule, read_receipt, receipt_keys
    from qingjing.wire.smpp_tables import V33, V34

LOGINS: tuple[type[Any], ...] = (BindReceiver, BindTransmitter, BindTransceiver)
CODINGS = codings()


def fresh() -> Session:
    """A session that nobody has logged in to."""
    limits = Limits(owed_max=8, frame_max=smpp.FRAME_MAX)
    return Session(smpp.PROTOCOL, window=4, limits=limits, now=0.0)


def bound(kind: type[Any], version: int, *, client: bool) -> Session:
    """A session of one role that has logged in."""
    ends = fresh(), fresh()
    ends[0].request(kind(interface_version=version), "login", 0.0)
    (bind,) = ends[1].receive(ends[0].outgoing(), 0.0)
    ends[1].accept(smpp.bind_answer(bind, 0))  # type: ignore[arg-type]
    ends[0].receive(ends[1].outgoing(), 0.0)
    if client and kind is not BindReceiver:
        ends[0].request(SubmitSm(), "submit", 0.0)
        ends[0].outgoing()
    return ends[0] if client else ends[1]


def read(event: object) -> None:
    """Read what a message carries, as its owner would."""
    with contextlib.suppress(RemoteProtocolError):
        if isinstance(event, SubmitSm | SubmitMulti | DeliverSm | DataSm):
            join([read_part(event)], CODINGS)
    with contextlib.suppress(RemoteProtocolError):
        if isinstance(event, DeliverSm | DataSm):
            receipt = read_receipt(event)
            assert all(receipt_keys(receipt, rule) for rule in IdRule)


def one_input(data: bytes) -> None:
    """One run: the first two bytes choose the session and the cuts."""
    if len(data) < 2:
        return
    kind, version = LOGINS[(data[0] & 3) % 3], (V33, V34)[data[0] >> 2 & 1]
    role, step, rest = data[0] >> 3 & 3, 1 + data[1], data[2:]
    if role == 0:
        drive(smpp.PROTOCOL, fresh(), rest, step, read)
    else:
        drive(smpp.PROTOCOL, bound(kind, version, client=role == 1), rest, step, read)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
