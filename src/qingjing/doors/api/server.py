"""The API's server: everything behind the routes built, served on the gateway's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from litestar import Litestar
from litestar.datastructures import ResponseHeader
from litestar.di import Provide
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.router import Router

from qingjing import __version__
from qingjing.desk.send import Desk
from qingjing.doors.api import (
    routes_complaints,
    routes_consent,
    routes_log,
    routes_messages,
    routes_people,
    routes_rest,
)
from qingjing.doors.api.admission import Admission, Connection, Guest, guest
from qingjing.doors.api.courier import Courier
from qingjing.doors.api.events import Events, Mailbox
from qingjing.doors.api.hooks import HookBook
from qingjing.doors.api.keys import Keys
from qingjing.doors.api.lists import Apart, Lists
from qingjing.doors.api.problems import on_error
from qingjing.doors.api.rooms import Here, Rooms
from qingjing.doors.api.sending import Sender
from qingjing.doors.api.store import Store
from qingjing.doors.control import Own
from qingjing.doors.gateway.gateway import Gateway, Senses
from qingjing.doors.listening import Listening, Tasks
from qingjing.kernel.note import Key
from qingjing.settings import Settings, SettingsError

SWEEP_S: Final = 3_600.0
"""How often what is too old is deleted."""
SWEEP_ROWS: Final = 20_000
"""Rows deleted at once: some tens of milliseconds, between two turns."""
DAY_MS: Final = 86_400_000


class Means(NamedTuple):
    """What the composition root hands in: senses, chance, the ledger's key, other processes."""

    senses: Senses
    token: Callable[[int], bytes]
    """Bytes of chance, not to be guessed."""
    key: Key
    """The ledger's public key."""
    apart: Apart
    """Judges a list in a process of its own."""
    imports: Path
    """The folder of imported consents."""


class ApiServer:
    """Open with ``start``, close with ``stop`` while the gateway still turns."""

    def __init__(self, desk: Desk, gateway: Gateway, settings: Settings, means: Means) -> None:
        """SettingsError when the settings do not fit, StoreError when the file does not."""
        if settings.api is None:
            raise SettingsError("the settings have no [api]")
        self._settings, self._api, self._gateway = settings, settings.api, gateway
        self._desk = desk
        routes_log.witnesses(settings.api)  # a wrong key is told now, not when one signs
        self._tasks = Tasks(gateway.fail)
        senses = means.senses
        folder = settings.path(settings.data)
        self._store = Store(folder)
        self._when = senses.when
        api, when, store = self._api, senses.when, self._store
        self._events = Events(
            desk.ledger, store, when, gateway.customers.taken, self._tasks.spawn
        )
        hooks = HookBook(
            desk.ledger, store, self._events, api, when, means.token, senses.chance
        )
        self._courier = Courier(hooks, api, when)
        self._events.news = self._courier.news
        self.rooms = Rooms(
            desk=desk,
            clerk=Own(desk, when),
            gateway=gateway,
            sender=Sender(
                desk, gateway.engine, store, when, api.answer_s, settings.limits.inbox_max
            ),
            events=self._events,
            hooks=hooks,
            lists=Lists(folder, store, api, means.apart, when, means.token),
            settings=api,
            when=when,
            key=means.key,
            imports=means.imports,
        )
        self._admission = Admission(Keys(store), _guests(settings), senses.clock)
        self.app = application(self.rooms, self._admission, self._sound)
        self._listening = Listening("api", self.app, settings, self._api)

    @property
    def port(self) -> int:
        """The port that the listener has."""
        return self._listening.port

    async def start(self) -> None:
        """Listen. SettingsError when the address cannot be had."""
        self.reload(self._settings)
        await self._listening.start(self._tasks.spawn)
        for work in (self._courier.run(), self.rooms.lists.run(), self._sweep()):
            self._tasks.spawn(work)

    def reload(self, settings: Settings) -> None:
        """Go on with the accounts of other settings, which the gateway goes by already."""
        self._admission.guests = _guests(settings)
        for name, account in settings.accounts.items():
            ours = account.protocol == "http"
            taker = Mailbox(self._events, name) if ours else None
            self._gateway.customers.attach(name, taker)

    async def stop(self) -> None:
        """Take no more requests, answer those that run, close."""
        await self._listening.stop()
        if not self._gateway.failed.done():  # else nobody answers any more
            await self.rooms.sender.finish()
        await self._events.close()
        await self._tasks.stop()
        await self._courier.close()
        self._store.close()

    def _sound(self) -> None:
        """After an error: a ledger that broke ends the service."""
        try:
            _ = self._desk.ledger.position
        except Exception as broken:
            self._gateway.fail(broken)

    async def _sweep(self) -> None:
        """Delete what is too old, a little at a time."""
        while True:
            before = self._when() - self._api.keep_days * DAY_MS
            await self.rooms.lists.drop_older(before)
            for table in ("answer", "event"):
                while await self._store.write(_older(table, before)):
                    await asyncio.sleep(1)
            await asyncio.sleep(SWEEP_S)


def _older(table: str, before: int) -> Callable[[Any], bool]:
    """Deletes some rows of before a time; are there more?"""
    key = "seq" if table == "event" else "account, key"
    query = (
        f"DELETE FROM {table} WHERE ({key}) IN"
        f" (SELECT {key} FROM {table} WHERE at < ? LIMIT {SWEEP_ROWS})"
    )

    def write(db: Any) -> bool:
        return bool(db.execute(query, (before,)).rowcount == SWEEP_ROWS)

    return write


def application(rooms: Rooms, admission: Admission, sound: Callable[[], None]) -> Litestar:
    """The routes with their guard, errors and document. ``sound`` is called after an error."""

    async def after_error(_error: Exception, _scope: Any) -> None:
        """Whatever it was, is the ledger whole?"""
        sound()

    def visitor_of(request: Connection, rooms: Here) -> Any:
        del rooms  # so that the two come in turn: at once they cost a task each
        return request.state["visitor"]

    api = rooms.settings
    small = Router(
        "/",
        route_handlers=[
            *routes_messages.ROUTES,
            *routes_people.ROUTES,
            *routes_consent.ROUTES,
            *routes_complaints.ROUTES,
            *routes_rest.ROUTES,
            *routes_log.ROUTES,
        ],
        request_max_body_size=api.body_bytes_max,
    )
    large = Router(
        "/", route_handlers=routes_people.LIST_ROUTES, request_max_body_size=api.list_bytes_max
    )
    return Litestar(
        route_handlers=[small, large],
        guards=[admission.admit],
        dependencies={
            "rooms": Provide(lambda: rooms, sync_to_thread=False),
            "visitor": Provide(visitor_of, sync_to_thread=False),
        },
        response_headers=[ResponseHeader(name="Cache-Control", value="no-store")],
        exception_handlers={Exception: on_error},
        after_exception=[after_error],
        openapi_config=OpenAPIConfig(
            title="Qingjing 清净",
            version=__version__,
            description="Decides marketing SMS before they leave. docs/api.md says how.",
            # The framework answers for all below its path itself: ours is a route of its own.
            path="/schema",
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
            components=Components(
                security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}
            ),
            security=[{"key": []}],
            use_handler_docstrings=True,
        ),
        logging_config=None,
        debug=False,
    )


def _guests(settings: Settings) -> dict[str, Guest]:
    return {name: guest(name, account) for name, account in settings.accounts.items()}
