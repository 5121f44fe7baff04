"""Connections that we open to customers: in SGIP whoever has something to say dials.

One to an account, while there is something to tell it. It ends by silence, which is no fault,
and is opened again for the next notice; when it cannot be opened, ever more patiently.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import structlog

from qingjing.doors.gateway.customers import Customers
from qingjing.doors.gateway.dialects.sgip import Sgip
from qingjing.doors.gateway.line import Line
from qingjing.doors.gateway.links import patience
from qingjing.wire.events import Answered, Closing, Event, Reason
from qingjing.wire.protocol import PDU
from qingjing.wire.session import Session

_log = structlog.get_logger("qingjing.callbacks")

OPEN_S = 10.0
"""How long a connection may take to open: a firewall that drops says nothing for minutes."""


class Call(NamedTuple):
    """An account with the address of its own listener, and our login there."""

    account: str
    host: str
    port: int
    dialect: Sgip
    greeting: PDU
    window: int


class _Talk:
    """One connection to a customer, from its opening to its end."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.welcomed = False
        self.reason: Reason | None = None


class Callbacks:
    """The connections to all such customers."""

    def __init__(
        self,
        calls: Sequence[Call],
        customers: Customers,
        clock: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        self._calls = {call.account: call for call in calls}
        self._customers, self._clock, self._chance = customers, clock, chance
        self._lines: dict[Line, str] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Dial whenever there is something to tell."""
        for account, call in self._calls.items():
            self._tasks[account] = asyncio.create_task(self._keep(call))

    def reload(self, calls: Sequence[Call], changed: Collection[str]) -> list[str]:
        """Dial these from now on. Where a call or its account ``changed`` or is gone, it ends;
        what was not answered on it is told again. The accounts of those."""
        new = {call.account: call for call in calls}
        over = [x for x in self._calls if x in changed or not _same(self._calls[x], new.get(x))]
        for account in over:
            self._tasks.pop(account).cancel()
            for line in [line for line, theirs in self._lines.items() if theirs == account]:
                line.close()
        self._calls = new
        for account, call in new.items():
            if account not in self._tasks:
                self._tasks[account] = asyncio.create_task(self._keep(call))
        return over

    async def stop(self) -> None:
        """Close all connections."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for line in list(self._lines):
            line.close()

    def tick(self) -> None:
        """Let time pass on every connection."""
        for line in list(self._lines):
            line.tick()

    async def _keep(self, call: Call) -> None:
        """Dial when there is something to tell; wait before a dial that follows a failure."""
        tries = 0
        while True:
            await self._customers.mail(call.account)
            talk = _Talk()
            try:
                await self._dial(call, talk)
                await talk.over.wait()
            except OSError as error:  # a time-out is one, too
                _log.info("no connection", account=call.account, error=str(error))
            if talk.reason is Reason.IDLE:
                tries = 0
                continue
            tries = 0 if talk.welcomed else tries
            refused = talk.reason is Reason.REFUSED
            delay = patience(tries, self._chance(), refused=refused)
            tries = min(tries + 1, 10)
            await asyncio.sleep(delay)

    async def _dial(self, call: Call, talk: _Talk) -> None:
        def opened(line: Line) -> bool:
            self._lines[line] = call.account
            line.session.request(call.greeting, "login", self._clock())
            return True

        def lost(line: Line) -> None:
            self._lines.pop(line, None)
            self._customers.lost(line)
            talk.over.set()

        def events(line: Line, found: list[Event]) -> None:
            self._events(call, talk, line, found)

        def line() -> Line:
            dialect = call.dialect
            session = Session(
                dialect.wire, window=call.window, limits=dialect.limits, now=self._clock()
            )
            return Line(dialect, session, events, opened, lost, self._clock)

        loop = asyncio.get_running_loop()
        async with asyncio.timeout(OPEN_S):
            await loop.create_connection(line, call.host, call.port)

    def _events(self, call: Call, talk: _Talk, line: Line, events: list[Event]) -> None:
        """What happens on a connection is the customers' affair, as on those they opened."""
        for event in events:
            if isinstance(event, Closing):
                talk.reason = event.reason
            elif isinstance(event, Answered) and event.token == "login":
                talk.welcomed = line.session.room > 0
                if talk.welcomed:
                    _log.info("login", account=call.account)
                    self._customers.join(line, call.account)
        self._customers.events(line, events)


def _same(old: Call, new: Call | None) -> bool:
    """Is it the same address with the same login?"""
    return new is not None and old._replace(dialect=new.dialect) == new
