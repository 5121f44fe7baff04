"""The gateway: customers' listeners, carriers' connections, the engine, and the clock."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, NamedTuple

import structlog

from qingjing.desk.send import Desk
from qingjing.doors.gateway import directions
from qingjing.doors.gateway.callbacks import Callbacks
from qingjing.doors.gateway.carriers import Carriers
from qingjing.doors.gateway.customers import Customers, Login
from qingjing.doors.gateway.dialect import Caller
from qingjing.doors.gateway.engine import Engine
from qingjing.doors.gateway.line import Line
from qingjing.doors.gateway.links import Way
from qingjing.doors.gateway.nodes import Nodes
from qingjing.doors.gateway.translate import References
from qingjing.doors.gateway.visitors import Visitors
from qingjing.kernel.words import Kind
from qingjing.settings import (
    PORTS,
    Account,
    Listener,
    Route,
    Settings,
    SettingsError,
    Sgip,
    Tls,
    secret,
)

_log = structlog.get_logger("qingjing.gateway")

TICK_S = 0.2
"""How often time-outs are looked at; much shorter than any of them."""
CARRIERS = "sgip carriers"
"""Name of the port where carriers dial us."""
DRAIN_S_MAX = 10.0
"""How long a stop waits for what carriers still owe answers for."""


class Senses(NamedTuple):
    """What the composition root alone may read: two clocks and chance."""

    clock: Callable[[], float]
    """Seconds that never go back."""
    when: Callable[[], int]
    """Epoch milliseconds."""
    chance: Callable[[], float]
    """A number from 0 to 1."""


class Gateway:
    """Open with ``start``, close with ``stop``: everything acknowledged is on record."""

    def __init__(
        self, desk: Desk, settings: Settings, environ: Mapping[str, str], senses: Senses
    ) -> None:
        self._desk, self._settings, self._senses = desk, settings, senses
        when = senses.when
        references = References(settings.gateway_code, when())
        self._nodes = nodes = Nodes(senses.clock, when, next_start(desk))
        self.engine = Engine(
            desk,
            settings.limits,
            references,
            when,
            _rates(settings, desk, when()),
            directions.own_ids(settings),
        )
        self.customers = Customers(
            logins(settings, environ),
            settings.limits,
            senses.clock,
            self.engine.offered,
            self.engine.told,
        )
        self.carriers = Carriers(
            ways(settings, environ, nodes),
            senses.clock,
            when,
            senses.chance,
            self.engine.answered,
            self.engine.arrived,
            _spoken(settings),
        )
        self.engine.join(self.customers, self.carriers)
        calls = directions.calls(settings, nodes, environ)
        self.callbacks = Callbacks(calls, self.customers, senses.clock, senses.chance)
        self._visits = directions.visits(settings, environ)
        self.visitors = Visitors(self._visits, senses.clock, self.engine.arrived)
        self._servers: dict[str, asyncio.Server] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.failed: asyncio.Future[None]

    @property
    def ports(self) -> dict[str, int]:
        """The ports that are listened on, by protocol, as the settings have them; ``CARRIERS``
        is that where carriers dial us."""
        return {
            name: int(server.sockets[0].getsockname()[1])
            for name, server in self._servers.items()
        }

    async def start(self) -> None:
        """Connect to carriers, then listen to customers."""
        loop = asyncio.get_running_loop()
        self.failed = loop.create_future()
        self.carriers.start()
        self.callbacks.start()
        self._spawn(self.engine.run())
        self._spawn(self._pass_time())
        self._spawn(self._sign())
        if self._visits:
            await self._listen(CARRIERS, self.visitors.line, self._settings.sgip)
        for name, listener in self._settings.listeners.items():
            dialect = directions.listening(self._settings, self._nodes, name)
            await self._listen(name, partial(self.customers.line, dialect), listener)

    async def _listen(
        self, name: str, line: Callable[[], Line], listener: Listener | Sgip
    ) -> None:
        self._servers[name] = await asyncio.get_running_loop().create_server(
            line,
            listener.host,
            PORTS[name] if listener.port is None else listener.port,
            ssl=server_tls(self._settings, listener.tls),
        )
        port = self.ports[name]
        _log.info("listening", protocol=name, host=listener.host, port=port)

    async def run(self, until: asyncio.Event) -> None:
        """Wait until the event is set; raise what made a part of the gateway fail."""
        stopping = asyncio.ensure_future(until.wait())
        ends: set[asyncio.Future[Any]] = {stopping, self.failed}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if self.failed.done():
            self.failed.result()

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A part that fails takes the gateway down: half a gateway would not be noticed."""
        if not task.cancelled() and (error := task.exception()):
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        """End ``run`` with this error: something that the gateway rests on has failed."""
        if not self.failed.done():
            self.failed.set_exception(error)

    def reload(self, settings: Settings, environ: Mapping[str, str]) -> list[str]:
        """Go on with the accounts and routes of other settings; the names of the changed.

        Connections of what did not change stay as they are.

        :raises SettingsError: before anything has changed: a secret is missing, or something
            differs that only a restart can change.
        """
        was, will = _fixed(self._settings), _fixed(settings)
        fixed = [name for name in was if was[name] != will[name]]
        if fixed:
            raise SettingsError(f"{', '.join(fixed)} changed: restart for that")
        accounts, routes = logins(settings, environ), ways(settings, environ, self._nodes)
        changed = self.carriers.reload(routes, _spoken(settings))
        changed += self.customers.reload(accounts)
        self.engine.reload(_rates(settings, self._desk, self._senses.when()))
        self._settings = settings
        return changed

    async def stop(self) -> None:
        """Take no more, wait a while for carriers' answers, finish the turn, close."""
        for server in self._servers.values():
            server.close()
        for line in list(self.customers.lines):
            line.hold(True)
        deadline = self._senses.clock() + DRAIN_S_MAX
        while self._senses.clock() < deadline and not (
            self.engine.idle and self.carriers.outstanding == 0
        ):
            self.engine.nudge()
            await asyncio.sleep(TICK_S / 4)
        self.engine.stop()
        await self._tasks[0]
        await self.carriers.stop()
        await self.callbacks.stop()
        self.visitors.stop()
        for line in list(self.customers.lines):
            line.close()
        for task in self._tasks[1:]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pass_time(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.customers.tick()
            self.carriers.tick()
            self.callbacks.tick()
            self.visitors.tick()
            # A measure that slows a sender binds, and ends, within one tick.
            self.engine.rate(_rates(self._settings, self._desk, self._senses.when()))
            self.engine.nudge()

    async def _sign(self) -> None:
        """Sign the log now and then, so that what came later cannot be made to look earlier."""
        signed = 0
        while True:
            await asyncio.sleep(self._settings.checkpoint_s)
            if self._desk.ledger.position > signed:
                signed = self._desk.ledger.position
                self._desk.ledger.checkpoint(self._senses.when())


def login(settings: Settings, name: str, account: Account, environ: Mapping[str, str]) -> Login:
    """An account of the settings, ready for the door."""
    what = f"account {name}"
    word = ""  # who comes by the API has keys, and no connection that a secret would open
    if account.protocol != "http":
        word = secret(settings, account.secret_env, account.secret_file, what, environ)
    known = {kind.name.lower(): kind for kind in Kind}
    for service, kind in account.kinds.items():
        if kind not in known:
            choices = ", ".join(known)
            raise SettingsError(f"{what}: kinds.{service}: {kind!r} is none of {choices}")
    kinds = {service: known[kind] for service, kind in account.kinds.items()}
    return Login(
        caller=Caller(
            name, account.party, kinds, account.port, own_ids=account.protocol == "sgip"
        ),
        secret=word.encode(),
        account=account,
        networks=tuple(ipaddress.ip_network(text) for text in account.allow),
        one_way=directions.one_way(account),
        dialect=directions.habits(account),
    )


def logins(settings: Settings, environ: Mapping[str, str]) -> dict[str, Login]:
    """All accounts, ready for the door."""
    accounts = settings.accounts.items()
    return {name: login(settings, name, account, environ) for name, account in accounts}


def ways(settings: Settings, environ: Mapping[str, str], nodes: Nodes) -> dict[str, Way]:
    """All routes, ready for the door."""
    routes = settings.routes.items()
    return {name: way(settings, name, route, environ, nodes) for name, route in routes}


def _rates(settings: Settings, desk: Desk, at: int) -> dict[str, int]:
    """The rate of each account in parts a second, 0 for none: what the settings give it, or
    less where a measure slows its party."""
    slowed = desk.ledger.register.slowed
    return {
        name: min(filter(None, (account.rate, slowed(account.party, at))), default=0)
        for name, account in settings.accounts.items()
    }


def _spoken(settings: Settings) -> dict[str, str]:
    return {name: account.protocol for name, account in settings.accounts.items()}


def _fixed(settings: Settings) -> dict[str, object]:
    """What a reload does not change. In SGIP both ends dial, and who answers is arranged at
    the start."""
    names = ("name", "data", "keys", "node", "gateway_code", "listeners", "limits", "api")
    accounts = {n: x for n, x in settings.accounts.items() if x.protocol == "sgip"}
    routes = {n: x for n, x in settings.routes.items() if x.protocol == "sgip"}
    peers = {"sgip": settings.sgip, "SGIP accounts": accounts, "SGIP routes": routes}
    return {name: getattr(settings, name) for name in names} | peers


def next_start(desk: Desk) -> int:
    """Which start this is: durable with the first commit, before which nothing leaves."""
    start = desk.ledger.marked("start") + 1
    desk.ledger.mark("start", start)
    return start


def way(
    settings: Settings, name: str, route: Route, environ: Mapping[str, str], nodes: Nodes
) -> Way:
    """A route of the settings, ready for the door."""
    word = secret(settings, route.secret_env, route.secret_file, f"route {name}", environ)
    tls = client_tls(settings, route.tls)
    return Way(name, route, word.encode(), tls, directions.routed(route, nodes))


def server_tls(settings: Settings, tls: Tls | None) -> ssl.SSLContext | None:
    """The listener's certificate, TLS 1.2 or later; None for plain TCP."""
    if tls is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.path(tls.certificate), settings.path(tls.key))
    return context


def client_tls(settings: Settings, tls: Tls | None) -> ssl.SSLContext | None:
    """Trust of a carrier connection: its own authority, or the system's."""
    if tls is None:
        return None
    authority = str(settings.path(tls.authority)) if tls.authority else None
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=authority)
    if tls.certificate:
        context.load_cert_chain(settings.path(tls.certificate), settings.path(tls.key))
    return context
