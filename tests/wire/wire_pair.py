"""Two sessions joined in memory: what one writes, the other reads."""

from __future__ import annotations

from qingjing.wire import cmpp
from qingjing.wire.cmpp_tables import V30, Connect, ConnectResp
from qingjing.wire.events import Event, Limits
from qingjing.wire.protocol import Protocol
from qingjing.wire.session import Session

SECRET = b"888888"
WHEN = cmpp.timestamp(10, 21, 8, 5, 10)


def login(version: int = V30, secret: bytes = SECRET) -> Connect:
    """The login of account 900001."""
    digest = cmpp.authenticator_source("900001", secret, WHEN)
    return Connect(0, "900001", digest, version, WHEN)


class SessionPair:
    """A client and a server, and a clock that the test turns."""

    def __init__(
        self,
        *,
        window: int = 16,
        limits: Limits | None = None,
        protocol: Protocol = cmpp.PROTOCOL,
    ) -> None:
        limits = limits or Limits()
        self.now = 0.0
        self.client = Session(protocol, window=window, limits=limits, now=0.0)
        self.server = Session(protocol, window=window, limits=limits, now=0.0)

    def to_server(self) -> list[Event]:
        """Carry what the client has queued; what the server tells."""
        return self.server.receive(self.client.outgoing(), self.now)

    def to_client(self) -> list[Event]:
        """Carry what the server has queued; what the client tells."""
        return self.client.receive(self.server.outgoing(), self.now)

    def connect(self, version: int = V30) -> ConnectResp:
        """Log in; the answer as the client read it."""
        self.client.request(login(version), "login", self.now)
        (connect,) = self.to_server()
        assert isinstance(connect, Connect)
        status = cmpp.login_status(connect, SECRET)
        self.server.accept(cmpp.connect_answer(connect, status, SECRET))
        (answered,) = self.to_client()
        answer = answered[1]
        assert isinstance(answer, ConnectResp)
        return answer
