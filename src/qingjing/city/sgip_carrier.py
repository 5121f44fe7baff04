"""A carrier of the city on SGIP: it is dialled to submit, and dials the gateway to tell it.

All else it does as the other carriers do, with their habits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from qingjing.city.carrier import CarrierSimulator, Habits, _Report
from qingjing.doors.gateway.dialect import Notice
from qingjing.doors.gateway.dialects.sgip import Sgip
from qingjing.doors.gateway.line import Line
from qingjing.doors.gateway.moments import BEIJING
from qingjing.wire import sgip_tables
from qingjing.wire.events import Event
from qingjing.wire.session import Session
from qingjing.wire.sgip import LoginType, NodeNumbers

NODE: Final = 110_001
MORNING: Final = datetime(2026, 11, 24, 9, tzinfo=BEIJING)
_EARLY_S: Final = 0.2
"""How long an answer waits for its early report, which takes the other connection."""


class SgipCarrier(CarrierSimulator):
    """One carrier. The id of what it took is the number of its Submit.

    :param duplex: it tells on the connections that it is dialled on, and never dials.
    """

    def __init__(
        self,
        *,
        secret: bytes,
        clock: Callable[[], float],
        seed: int,
        habits: Habits | None = None,
        keep: bool = True,
        duplex: bool = False,
    ) -> None:
        numbers = NodeNumbers(NODE, MORNING)
        dialect = Sgip(LoginType.SP, numbers, duplex=duplex)
        super().__init__(
            secret=secret,
            clock=clock,
            seed=seed,
            habits=habits,
            keep=keep,
            protocol="sgip",
            dialect=dialect,
        )
        self._down = Sgip(LoginType.SMG, numbers)
        self._where: tuple[int, str] | None = None
        self._dialling: asyncio.Task[None] | None = None
        self.back: Line | None = None
        self.calls = 0

    @property
    def dialled(self) -> list[Line]:
        """The connections that the gateway opened."""
        return [line for line in self._lines if line is not self.back]

    def tell(self, port: int, account: str) -> None:
        """Where the gateway listens for this carrier, and the name to use there."""
        self._where = (port, account)

    def owe(self, number: int, phone: str) -> None:
        """Report a message of this id as delivered, whoever took it."""
        self._late.append(_Report(0.0, Notice(0, number, phone, "", "DELIVRD")))

    async def stop(self) -> None:
        """Close everything."""
        if self._dialling is not None:
            self._dialling.cancel()
            await asyncio.gather(self._dialling, return_exceptions=True)
        await super().stop()

    # The other connection

    def _flush_late(self) -> None:
        due = self._saying or any(report.due <= self._clock() for report in self._late)
        busy = self._dialling is not None and not self._dialling.done()
        if due and self._where and not (self.back or busy):
            self._dialling = asyncio.create_task(self._dial(*self._where))
        super()._flush_late()

    async def _dial(self, port: int, account: str) -> None:
        dialect = self._down
        session = Session(dialect.wire, window=1024, limits=dialect.limits, now=self._clock())

        def opened(line: Line) -> bool:
            self.back = line
            self.calls += 1
            line.session.request(dialect.bind(account, self._secret), "login", self._clock())
            return True

        def lost(line: Line) -> None:
            self.back = None
            self._lost(line)

        line = Line(dialect, session, self._answered, opened, lost, self._clock)
        try:
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: line, "127.0.0.1", port)
        except OSError:
            await asyncio.sleep(_EARLY_S)

    def _answered(self, line: Line, events: list[Event]) -> None:
        """Once logged in, it is one of the connections to tell on."""
        self._events(line, events)
        if line.session.room and line not in self._lines:
            self._opened(line)

    # Submits

    def _take(self, pdu: Any, offer: Any) -> int:
        self._next_id = int.from_bytes(pdu.SequenceNumber, "big") - 1
        return super()._take(pdu, offer)

    def _answer(self, taken: Any) -> None:
        if not self._happens(self._habits.early_report):
            super()._answer(taken)
            return
        line, pdu, offer, msg_id = taken
        self._report(line, offer, msg_id, now=True)
        answer = sgip_tables.SubmitResp(pdu.SequenceNumber, 0)

        def late() -> None:
            if line in self._lines:
                line.session.respond(answer)
                line.flush()

        asyncio.get_running_loop().call_later(_EARLY_S, late)

    def _hand(self, line: Line, notice: Notice) -> None:
        notice.origin = notice.reference.to_bytes(12, "big")
        super()._hand(line, notice)
