"""HTTP listeners: uvicorn on the gateway's own loop, for the API and for people's pages."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog
import uvicorn

from qingjing.settings import LOOPBACK, Api, Pages, Settings, SettingsError

GRACE_S: Final = 10
"""How long requests that run may take at a stop."""
IDLE_S: Final = 30
"""How long an idle connection is kept: clients that send now and then keep theirs."""
BODY_WAIT_S: Final = 20
"""How long the next piece of a body is waited for: saying little holds no connection."""
BACKLOG: Final = 1_024
HEAD_BYTES_MAX: Final = 16_384
"""Octets of a request's head."""


class Listening:
    """One listener; ``name`` is its table in the settings."""

    def __init__(self, name: str, app: Any, settings: Settings, at: Api | Pages) -> None:
        """Nothing is open yet."""
        self._name, self._at, self._app = name, at, app
        self._files = (
            tuple(str(settings.path(file)) for file in (at.tls.certificate, at.tls.key))
            if at.tls
            else (None, None)
        )
        self._server: Server | None = None
        self._socket: socket.socket | None = None

    @property
    def port(self) -> int:
        """The port that it has."""
        if self._socket is None:
            raise RuntimeError(f"{self._name} has not been started")
        return int(self._socket.getsockname()[1])

    async def start(self, spawn: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        """Listen. ``spawn`` runs what serves. SettingsError when the address cannot be had."""
        at = self._at
        self._socket = bound(self._name, at)
        config = uvicorn.Config(
            patient(self._app),
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            http="httptools",
            ws="none",
            limit_concurrency=at.connections_max,
            timeout_keep_alive=IDLE_S,
            timeout_graceful_shutdown=GRACE_S,
            h11_max_incomplete_event_size=HEAD_BYTES_MAX,
            proxy_headers=bool(at.proxies),
            forwarded_allow_ips=list(at.proxies),
            ssl_certfile=self._files[0],
            ssl_keyfile=self._files[1],
        )
        self._server = Server(config)
        spawn(self._server.serve([self._socket]))
        while not self._server.started:
            await asyncio.sleep(0.01)
        log = structlog.get_logger(f"qingjing.{self._name}")
        if at.tls is None and at.host not in LOOPBACK:
            log.warning("without TLS", host=at.host)
        log.info("listening", host=at.host, port=self.port)

    async def stop(self) -> None:
        """Take no more requests, and answer those that run."""
        if self._server is not None:
            self._server.should_exit = True
            await self._server.ended.wait()


class Tasks:
    """What a part of the service has under way. One that fails takes the whole down: half a
    service would not be noticed."""

    def __init__(self, fail: Callable[[BaseException], None]) -> None:
        self._fail = fail
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin it."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._fail(error)

    async def stop(self) -> None:
        """End all of it."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def patient(app: Any) -> Any:
    """An application that gives up on a body that does not come: each piece has its time."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        """The application, with a body that has its time."""
        whole = False

        async def waited() -> Any:
            """The next piece; the end of the connection when it does not come."""
            nonlocal whole
            if whole:
                return await receive()
            try:
                piece = await asyncio.wait_for(receive(), BODY_WAIT_S)
            except TimeoutError:
                return {"type": "http.disconnect"}
            whole = not piece.get("more_body", False)
            return piece

        await app(scope, waited, send)

    return wrapped


class Server(uvicorn.Server):
    """uvicorn on a loop that has its own signals: who serves decides when it ends."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ended = asyncio.Event()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until ``should_exit``."""
        try:
            await super().serve(sockets)
        finally:
            self.ended.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


def bound(name: str, at: Api | Pages) -> socket.socket:
    """A socket that listens there. SettingsError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in at.host else socket.AF_INET
    # The protocol named: asyncio sends at once (TCP_NODELAY) only on sockets that say it.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((at.host, at.port))
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        remedy = f"free it, or change {name}.host or {name}.port"
        where = f"{at.host} port {at.port}"
        raise SettingsError(f"{name}: {where}: {error.strerror}; {remedy}") from None
    found.setblocking(False)
    return found
