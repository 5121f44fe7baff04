"""The person's pages, served on the gateway's own loop beside the API."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import structlog
from litestar import Litestar, Request, Response
from litestar.datastructures import MutableScopeHeaders
from litestar.di import Provide
from litestar.exceptions import HTTPException

from qingjing.desk.peace import Wordings
from qingjing.desk.send import Desk
from qingjing.doors.control import Own
from qingjing.doors.gateway.gateway import Gateway
from qingjing.doors.listening import Listening, Tasks
from qingjing.doors.pages import routes
from qingjing.doors.pages.codes import HOUR_MS, Codes, Rate, Sessions
from qingjing.doors.pages.post import Post
from qingjing.doors.pages.view import View
from qingjing.settings import Pages, Settings, SettingsError

_log = structlog.get_logger("qingjing.pages")

FORM_BYTES_MAX: Final = 8_192
"""A form: a number, a code, a token."""

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: with it a browser would say no origin of its forms.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}
"""Of every answer: nothing from elsewhere, no script, in nobody's frame."""
_HSTS: Final = "max-age=31536000"


class Rooms(NamedTuple):
    """What the routes work with. ``when`` gives epoch ms; ``secret`` signs forms."""

    desk: Desk
    clerk: Own
    codes: Codes
    sessions: Sessions
    checks: Rate
    post: Post
    view: View
    wordings: Wordings
    settings: Pages
    secret: bytes
    when: Callable[[], int]

    def token(self, what: str) -> str:
        """What a form must bring back: nobody else can make it."""
        return hmac.new(self.secret, what.encode(), hashlib.sha256).hexdigest()[:32]


class PagesServer:
    """Open with ``start``, close with ``stop`` while the gateway still turns."""

    def __init__(
        self,
        desk: Desk,
        gateway: Gateway,
        settings: Settings,
        when: Callable[[], int],
        token: Callable[[int], bytes],
    ) -> None:
        """``token`` gives bytes of chance. SettingsError when there are no pages."""
        if settings.pages is None:
            raise SettingsError("the settings have no [pages]")
        pages = settings.pages
        self._gateway = gateway
        self.rooms = Rooms(
            desk=desk,
            clerk=Own(desk, when),
            codes=Codes(pages, token),
            sessions=Sessions(pages, token),
            checks=Rate(pages.check_hour_max, HOUR_MS),
            post=Post(gateway.engine, settings),
            view=View(desk.ledger),
            wordings=Wordings(desk.ledger),
            settings=pages,
            secret=token(32),
            when=when,
        )
        self.app = application(self.rooms, self._sound)
        self._listening = Listening("pages", self.app, settings, pages)
        self._tasks = Tasks(gateway.fail)

    @property
    def port(self) -> int:
        """The port that the listener has."""
        return self._listening.port

    async def start(self) -> None:
        """Listen. SettingsError when the address cannot be had."""
        await self._listening.start(self._tasks.spawn)

    async def stop(self) -> None:
        """Take no more requests, answer those that run, close."""
        await self._listening.stop()
        await self._tasks.stop()

    def _sound(self) -> None:
        """After an error: a ledger that broke ends the service."""
        try:
            _ = self.rooms.desk.ledger.position
        except Exception as broken:
            self._gateway.fail(broken)


def application(rooms: Rooms, sound: Callable[[], None]) -> Litestar:
    """The routes with headers and errors. ``sound`` is called after a mistake of ours."""

    def on_error(request: Request[Any, Any, Any], error: Exception) -> Response[str]:
        """Whatever was raised, as a page."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        if status >= 500:
            _log.error("page failed", error=type(error).__name__)
            sound()
        return routes.problem(rooms, request, status)

    headers = dict(HEADERS)
    if not rooms.settings.plain_http:
        headers["Strict-Transport-Security"] = _HSTS

    async def clothe(message: Any, _scope: Any) -> None:
        """Errors of the framework, too, leave with all headers."""
        if message["type"] == "http.response.start":
            MutableScopeHeaders(message).update(headers)

    return Litestar(
        route_handlers=list(routes.ROUTES),
        dependencies={"rooms": Provide(lambda: rooms, sync_to_thread=False)},
        before_send=[clothe],
        exception_handlers={Exception: on_error},
        request_max_body_size=FORM_BYTES_MAX,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
