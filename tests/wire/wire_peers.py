"""What it takes to log in and to ask, protocol by protocol."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from qingjing.wire import (
    cmpp,
    cmpp_tables,
    sgip,
    sgip_tables,
    smgp,
    smgp_tables,
    smpp,
    smpp_pdus,
    smpp_tables,
)
from qingjing.wire.events import Limits
from qingjing.wire.protocol import PDU, Protocol
from qingjing.wire.session import Session


class Peer(NamedTuple):
    """A protocol, a login and the answer that lets it in, and a request."""

    protocol: Protocol
    login: PDU
    answer: PDU
    request: PDU

    def session(self, limits: Limits | None = None) -> Session:
        """One end that nobody has logged in to."""
        return Session(self.protocol, window=16, limits=limits or Limits(), now=0.0)

    def pair(self, limits: Limits | None = None) -> tuple[Session, Session]:
        """A client and a server that are bound."""
        client, server = self.session(limits), self.session(limits)
        client.request(self.login, "login", 0.0)
        server.receive(client.outgoing(), 0.0)
        server.accept(self.answer)
        client.receive(server.outgoing(), 0.0)
        return client, server

    def layouts(self) -> list[Any]:
        """The layouts of all versions."""
        return [x for layouts in self.protocol.layouts.values() for x in layouts.values()]


ZERO = datetime(2026, 11, 24, 6, 35, 9)  # noqa: DTZ001 - Beijing's time, whatever the machine's
"""When the clock of the tests read 0."""


def sgip_peer(login_type: int, request: PDU) -> Peer:
    """SGIP with one node at either end: their numbers do not meet."""
    node = sgip.protocol(sgip.NodeNumbers(3025000001, ZERO))
    bind = sgip_tables.Bind(LoginType=login_type, LoginName="333", LoginPassword="0555")
    return Peer(node, bind, sgip_tables.BindResp(), request)


def peers() -> dict[str, Peer]:
    """All of them, afresh: SGIP's count goes on for ever."""
    to = ("13800138000",)
    submit = cmpp_tables.Submit(Dest_terminal_Id=to)
    return {
        "cmpp 2.0": Peer(
            cmpp.PROTOCOL,
            cmpp_tables.Connect(Version=cmpp_tables.V20),
            cmpp_tables.ConnectResp(),
            submit,
        ),
        "cmpp 3.0": Peer(
            cmpp.PROTOCOL, cmpp_tables.Connect(), cmpp_tables.ConnectResp(), submit
        ),
        "smgp": Peer(
            smgp.PROTOCOL,
            smgp_tables.Login(),
            smgp_tables.LoginResp(),
            smgp_tables.Submit(DestTermID=to),
        ),
        "smpp 3.3": Peer(
            smpp.PROTOCOL,
            smpp_pdus.BindTransmitter(interface_version=smpp_tables.V33),
            smpp_pdus.BindTransmitterResp(),
            smpp_pdus.SubmitSm(),
        ),
        "smpp 3.4": Peer(
            smpp.PROTOCOL,
            smpp_pdus.BindTransceiver(),
            smpp_pdus.BindTransceiverResp(),
            smpp_pdus.SubmitSm(),
        ),
        "smpp down": Peer(
            smpp.PROTOCOL,
            smpp_pdus.BindReceiver(),
            smpp_pdus.BindReceiverResp(),
            smpp_pdus.DataSm(),
        ),
        "sgip up": sgip_peer(1, sgip_tables.Submit(UserNumber=("8613800138000",))),
        "sgip down": sgip_peer(2, sgip_tables.Report(UserNumber="8613800138000")),
    }
