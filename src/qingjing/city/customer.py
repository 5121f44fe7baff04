"""A platform's SMS client of the city: logs in, submits, hears what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from qingjing.city.tongues import TONGUES, pieces
from qingjing.doors.gateway.dialect import Dialect, News, Piece, Reply, Report
from qingjing.doors.gateway.line import Line
from qingjing.settings import Route
from qingjing.wire import content
from qingjing.wire.events import Answered, BadAnswer, Closing, Event, TimedOut
from qingjing.wire.protocol import PDU
from qingjing.wire.session import Session

_WHEN: Final = 1_795_482_000_000
"""The time in every login: nobody looks at it."""


class Answer(NamedTuple):
    """What was answered to a submit, in CMPP's numbers; ``pdu`` as it came."""

    Result: int
    Msg_Id: int
    pdu: PDU


class CustomerClient:
    """One login. ``answers`` by the caller's own tag, ``reports`` by the gateway's id, which
    is that of CMPP in any protocol.

    ``repeated`` counts reports that came again although they had been taken.

    :param protocol: what it speaks, as the settings name it.
    :param version: as the settings name it too.
    :param mode: likewise: ``sends``, ``receives`` or ``both``.
    """

    def __init__(
        self,
        *,
        account: str,
        secret: bytes,
        clock: Callable[[], float],
        version: str = "",
        window: int = 64,
        protocol: str = "cmpp",
        mode: str = "both",
        dialect: Dialect | None = None,
    ) -> None:
        self._secret, self._clock, self._window = secret, clock, window
        self._tongue = TONGUES[protocol]
        self._dialect = dialect or self._tongue.dialect
        self._login = Route(
            number=0,
            carrier="mobile",
            host="",
            port=0,
            account=account,
            version=version,
            mode=mode,  # type: ignore[arg-type]  # one of the three
        )
        self.answers: dict[Any, Answer] = {}
        self.reports: dict[int, str] = {}
        self.repeated = 0
        self.replies: list[Reply] = []
        self.lost: list[Any] = []
        self.line: Line | None = None
        self._progress = asyncio.Event()
        self._status: asyncio.Future[int]

    async def connect(self, port: int, host: str = "127.0.0.1") -> int:
        """Log in; the status of the answer, -1 when the connection ended without one."""
        loop = asyncio.get_running_loop()
        self._status = loop.create_future()
        await loop.create_connection(self._made, host, port)
        return await self._status

    def _made(self) -> Line:
        dialect = self._dialect
        session = Session(
            dialect.wire, window=self._window, limits=dialect.limits, now=self._clock()
        )
        return Line(dialect, session, self._events, self._opened, self._gone, self._clock)

    def _opened(self, line: Line) -> bool:
        self.line = line
        greeting = self._dialect.greeting(self._login, self._secret, _WHEN)
        line.session.request(greeting, "login", self._clock())
        return True

    def _gone(self, line: Line) -> None:
        self.lost += line.session.abandon()
        self.line = None
        if not self._status.done():
            self._status.set_result(-1)
        self._progress.set()

    def _events(self, line: Line, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Answered):
                self._answered(event)
            elif isinstance(event, TimedOut | BadAnswer):
                self.lost.append(event.token)
            elif isinstance(event, Closing):
                self.lost += event.unanswered
                line.close()
            elif not isinstance(event, News):
                self._told(line, event)
        self._progress.set()

    def _answered(self, event: Answered) -> None:
        if event.token == "login":
            status_at = self._dialect.wire.header.status_at
            self._status.set_result(event.pdu[1 if status_at is None else status_at])
            return
        result, upstream, _slow = self._dialect.outcome(event.pdu)
        tongue = self._tongue
        reference = 0 if result else tongue.reference(upstream)
        self.answers[event.token] = Answer(tongue.result(result), reference, event.pdu)

    def _told(self, line: Line, pdu: PDU) -> None:
        news = self._dialect.news(pdu)
        line.thank(pdu)
        if isinstance(news, Report):
            reference = self._tongue.reference(news.upstream)
            self.repeated += reference in self.reports
            self.reports[reference] = news.stat
        elif news is not None:
            self.replies.append(news)

    async def submit(self, pdu: PDU, tag: Any) -> None:
        """Submit one PDU as soon as the window has room; ConnectionError when it is gone."""
        while self.line is not None and not self.line.session.room:
            self.line.flush()
            await self.progress()
        if self.line is None:
            raise ConnectionError("the gateway closed the connection")
        self.line.session.request(pdu, tag, self._clock())

    async def send(self, piece: Piece, tag: Any, service: str = "") -> None:
        """Submit one piece of a text, likewise."""
        await self.submit(self._tongue.submit(self._login.account, piece, service), tag)

    def flush(self) -> None:
        """Write what was submitted."""
        if self.line is not None:
            self.line.flush()

    async def progress(self) -> None:
        """Wait until something arrives."""
        self._progress.clear()
        await self._progress.wait()

    async def settle(self, expected: int) -> None:
        """Wait until so many submits are answered (or lost with the connection)."""
        self.flush()
        while len(self.answers) + len(self.lost) < expected and self.line is not None:
            await self.progress()

    def close(self) -> None:
        """Hang up."""
        if self.line is not None:
            self.line.close()


def text_submit(
    account: str, port: str, phone: str, body: str, service: str = "", protocol: str = "cmpp"
) -> PDU:
    """A short text as one submit with a report asked for."""
    (piece,) = pieces(port, phone, body, content.UCS2, 0)
    return TONGUES[protocol].submit(account, piece, service)
