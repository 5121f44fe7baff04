"""A platform's SMS client of the city: logs in over CMPP, submits, hears what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from qingjing.doors.gateway.dialects import DIALECTS
from qingjing.doors.gateway.line import Line
from qingjing.wire import cmpp, cmpp_tables, content
from qingjing.wire.events import Answered, Closing, Event, TimedOut
from qingjing.wire.session import Session


class CustomerClient:
    """One login. ``answers`` by the caller's own tag, ``reports`` by the gateway's id.

    ``repeated`` counts reports that came again although they had been taken.
    """

    def __init__(
        self,
        *,
        account: str,
        secret: bytes,
        clock: Callable[[], float],
        version: int = cmpp_tables.V30,
        window: int = 64,
    ) -> None:
        self._account, self._secret, self._clock = account, secret, clock
        self._version, self._window = version, window
        self.answers: dict[Any, cmpp_tables.SubmitResp] = {}
        self.reports: dict[int, str] = {}
        self.repeated = 0
        self.replies: list[cmpp_tables.Deliver] = []
        self.lost: list[Any] = []
        self.line: Line | None = None
        self._progress = asyncio.Event()
        self._status: asyncio.Future[int]

    async def connect(self, port: int, host: str = "127.0.0.1") -> int:
        """Log in; the Status of the answer."""
        loop = asyncio.get_running_loop()
        self._status = loop.create_future()
        await loop.create_connection(self._made, host, port)
        return await self._status

    def _made(self) -> Line:
        session = Session(cmpp.PROTOCOL, window=self._window, now=self._clock())
        return Line(
            DIALECTS["cmpp"], session, self._events, self._opened, self._gone, self._clock
        )

    def _opened(self, line: Line) -> bool:
        self.line = line
        when = 1124090000
        line.session.request(
            cmpp_tables.Connect(
                Source_Addr=self._account,
                AuthenticatorSource=cmpp.authenticator_source(
                    self._account, self._secret, when
                ),
                Version=self._version,
                Timestamp=when,
            ),
            "login",
            self._clock(),
        )
        return True

    def _gone(self, line: Line) -> None:
        self.lost += line.session.abandon()
        self.line = None
        if not self._status.done():
            self._status.set_result(-1)
        self._progress.set()

    def _events(self, line: Line, events: list[Event]) -> None:
        for event in events:
            if type(event) is Answered:
                if event.token == "login":
                    self._status.set_result(event.pdu[1])
                elif isinstance(event.pdu, cmpp_tables.SubmitResp):
                    self.answers[event.token] = event.pdu
            elif type(event) is cmpp_tables.Deliver:
                self._deliver(line, event)
            elif type(event) is TimedOut:
                self.lost.append(event.token)
            elif type(event) is Closing:
                self.lost += event.unanswered
                line.close()
        self._progress.set()

    def _deliver(self, line: Line, deliver: cmpp_tables.Deliver) -> None:
        line.session.respond(cmpp_tables.DeliverResp(deliver.Sequence_Id, deliver.Msg_Id, 0))
        if deliver.Registered_Delivery == 1:
            report = cmpp.read_report(deliver.Msg_Content)
            self.repeated += report.Msg_Id in self.reports
            self.reports[report.Msg_Id] = report.Stat
        else:
            self.replies.append(deliver)

    async def submit(self, pdu: cmpp_tables.Submit, tag: Any) -> None:
        """Submit one PDU as soon as the window has room; ConnectionError when it is gone."""
        while self.line is not None and not self.line.session.room:
            self.line.flush()
            await self.progress()
        if self.line is None:
            raise ConnectionError("the gateway closed the connection")
        self.line.session.request(pdu, tag, self._clock())

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
    account: str, port: str, phone: str, body: str, service: str = ""
) -> cmpp_tables.Submit:
    """A short text as one SUBMIT with a report asked for."""
    return cmpp_tables.Submit(
        Service_Id=service,
        Msg_src=account,
        Src_Id=port,
        Dest_terminal_Id=(phone,),
        Msg_Fmt=content.UCS2,
        Msg_Content=body.encode("utf-16-be"),
    )


def text_submits(
    account: str,
    port: str,
    phone: str,
    body: str,
    service: str = "",
    *,
    coding: int = content.UCS2,
    reference: int = 0,
) -> list[cmpp_tables.Submit]:
    """A text of any length as the SUBMITs of its parts; ``coding`` as far as it holds it."""
    parts = content.split(body, coding, reference)
    return [
        cmpp_tables.Submit(
            Pk_total=len(parts),
            Pk_number=number,
            Service_Id=service,
            TP_udhi=part.tp_udhi,
            Msg_Fmt=part.msg_fmt,
            Msg_src=account,
            Src_Id=port,
            Dest_terminal_Id=(phone,),
            Msg_Content=part.content,
        )
        for number, part in enumerate(parts, 1)
    ]
