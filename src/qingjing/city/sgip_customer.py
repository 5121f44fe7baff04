"""A platform's SGIP client of the city: dials to submit, and listens for what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

from qingjing.city.customer import CustomerClient
from qingjing.city.sgip_carrier import MORNING
from qingjing.doors.gateway.dialects.sgip import Sgip
from qingjing.doors.gateway.line import Line
from qingjing.wire import sgip_tables
from qingjing.wire.events import Event
from qingjing.wire.protocol import PDU
from qingjing.wire.session import Session
from qingjing.wire.sgip import LoginType, NodeNumbers

NODE: Final = 3_010_012_345
"""A provider of Beijing: it needs all 32 bits."""


class Told(NamedTuple):
    """A report as it came; ``name`` is the login that brought it, empty on our own line."""

    state: int
    error: int
    name: str


class SgipCustomer(CustomerClient):
    """One login, and a listener. What it is told of each number of a submit is in ``told``,
    by the number of the Submit and the person's.

    :param back: the secret of the gateway's login here; without one the customer takes reports
        on its own connection.
    :param first: sets the numbers of one run apart from another's.
    """

    def __init__(
        self,
        *,
        account: str,
        secret: bytes,
        clock: Callable[[], float],
        back: bytes | None = None,
        first: int = 0,
    ) -> None:
        numbers = NodeNumbers(NODE, MORNING, first=first)
        dialect = Sgip(LoginType.SP, numbers, duplex=back is None)
        super().__init__(
            account=account,
            secret=secret,
            clock=clock,
            window=32,
            protocol="sgip",
            dialect=dialect,
        )
        self._back = back
        self._down = Sgip(LoginType.SMG)
        self._server: asyncio.Server | None = None
        self.visitors: set[Line] = set()
        self.calls = 0
        self.told: dict[tuple[bytes, str], Told] = {}
        self.told_again = 0

    async def listen(self, port: int = 0) -> int:
        """Open the listener for reports and replies; its port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._visited, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    def deafen(self) -> None:
        """Close the listener and what came through it."""
        if self._server is not None:
            self._server.close()
        for line in list(self.visitors):
            line.close()

    def _visited(self) -> Line:
        dialect = self._down
        session = Session(dialect.wire, window=1, limits=dialect.limits, now=self._clock())

        def opened(line: Line) -> bool:
            self.visitors.add(line)
            self.calls += 1
            return True

        return Line(dialect, session, self._heard, opened, self.visitors.discard, self._clock)

    def _heard(self, line: Line, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, sgip_tables.Bind):
                answer, welcome = self._down.welcome(event, self._back)
                if welcome:
                    line.account = event.LoginName
                    line.session.accept(answer)
                else:
                    line.session.reject(answer)
                    line.close()
            else:
                self._events(line, [event])

    def _told(self, line: Line, pdu: PDU) -> None:
        if isinstance(pdu, sgip_tables.Report):
            key = (pdu.SubmitSequenceNumber, pdu.UserNumber)
            self.told_again += key in self.told
            self.told[key] = Told(pdu.State, pdu.ErrorCode, line.account)
        super()._told(line, pdu)
