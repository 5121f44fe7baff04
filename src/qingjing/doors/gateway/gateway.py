"""The gateway: customers' listeners, carriers' connections, the engine, and the clock."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, NamedTuple

import structlog
from msgspec.structs import replace

from qingjing.desk.send import Desk
from qingjing.doors.gateway import directions
from qingjing.doors.gateway.callbacks import Callbacks
from qingjing.doors.gateway.carriers import Carriers
from qingjing.doors.gateway.customers import Customers, Login
from qingjing.doors.gateway.dialect import Caller
from qingjing.doors.gateway.engine import Engine
from qingjing.doors.gateway.line import Line
from qingjing.doors.gateway.links import Way, links_of
from qingjing.doors.gateway.listeners import Listeners
from qingjing.doors.gateway.nodes import Nodes
from qingjing.doors.gateway.translate import References
from qingjing.doors.gateway.trunks import Trunks
from qingjing.doors.gateway.visitors import Visitors
from qingjing.kernel.words import Kind
from qingjing.settings import (
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
FIXED: Final = (
    *("name", "data", "keys", "node", "gateway_code", "api", "pages", "reuse_days"),
    *("dormant_days", "listing_s", "sgip.node"),
)
"""Settings that only a restart changes."""
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


class Reloaded(NamedTuple):
    """What other settings changed, by name, and what of them needs a restart."""

    changed: list[str]
    restart: list[str]


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
        visits = directions.visits(settings, environ)
        self.visitors = Visitors(visits, senses.clock, self.engine.arrived)
        self.listeners = Listeners(self._line)
        self._tasks: list[asyncio.Task[None]] = []
        self.failed: asyncio.Future[None]

    @property
    def ports(self) -> dict[str, int]:
        """The ports that are listened on, by protocol, as the settings have them; ``CARRIERS``
        is that where carriers dial us."""
        return self.listeners.ports

    async def start(self) -> None:
        """Connect to carriers, then listen to customers."""
        self.failed = asyncio.get_running_loop().create_future()
        self.carriers.start()
        self.callbacks.start()
        self._spawn(self.engine.run())
        self._spawn(self._pass_time())
        self._spawn(self._sign())
        await self.listeners.arrange(self._settings, self._wanted(self._settings))

    def _wanted(self, settings: Settings) -> dict[str, Listener | Sgip]:
        """Where to listen: in SGIP carriers dial us, too."""
        dialled = any(
            x.protocol == "sgip" and not x.sgip.duplex for x in settings.routes.values()
        )
        back: dict[str, Listener | Sgip] = {CARRIERS: settings.sgip} if dialled else {}
        return back | dict(settings.listeners.items())

    def _line(self, name: str) -> Line:
        """A new connection's protocol."""
        if name == CARRIERS:
            return self.visitors.line()
        return self.customers.line(directions.listening(self._settings, self._nodes, name))

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

    async def reload(self, settings: Settings, environ: Mapping[str, str]) -> Reloaded:
        """Go on with other settings. Connections of what did not change stay as they are.

        :raises SettingsError: before anything has changed: a secret is missing, an address is
            taken, or the like.
        """
        restart = [x for x in FIXED if _fixed(settings)[x] != _fixed(self._settings)[x]]
        settings = _held(settings, self._settings)
        accounts, routes = logins(settings, environ), ways(settings, environ, self._nodes)
        calls = directions.calls(settings, self._nodes, environ)
        visits = directions.visits(settings, environ)
        Trunks(x for one in routes.values() for x in links_of(one))  # do they fit together?
        changed = await self.listeners.arrange(settings, self._wanted(settings))
        changed += self.carriers.reload(routes, _spoken(settings))
        changed += self.customers.reload(accounts, settings.limits)
        changed += self.callbacks.reload(calls, changed)
        changed += self.visitors.reload(visits)
        if settings.limits != self._settings.limits:
            changed.append("limits")
        if settings.checkpoint_s != self._settings.checkpoint_s:
            changed.append("checkpoint_s")
        rates = _rates(settings, self._desk, self._senses.when())
        self.engine.reload(rates, settings.limits, directions.own_ids(settings))
        self._settings = settings
        if restart:
            _log.warning("restart needed", settings=restart)
        return Reloaded(list(dict.fromkeys(changed)), restart)

    async def stop(self) -> None:
        """Take no more, wait a while for carriers' answers, finish the turn, close."""
        self.listeners.close()
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
    """What a reload does not change: what the ledger and the ids that were given rest on, and
    the HTTP API."""
    own = {name: getattr(settings, name) for name in FIXED if name != "sgip.node"}
    return own | {"sgip.node": settings.sgip.node}


def _held(settings: Settings, old: Settings) -> Settings:
    """Other settings, but what a reload does not change as it was."""
    kept = {name: getattr(old, name) for name in FIXED if name != "sgip.node"}
    sgip = replace(settings.sgip, node=old.sgip.node)
    return replace(settings, sgip=sgip, **kept)


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


def client_tls(settings: Settings, tls: Tls | None) -> ssl.SSLContext | None:
    """Trust of a carrier connection: its own authority, or the system's."""
    if tls is None:
        return None
    authority = str(settings.path(tls.authority)) if tls.authority else None
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=authority)
    if tls.certificate:
        context.load_cert_chain(settings.path(tls.certificate), settings.path(tls.key))
    return context
