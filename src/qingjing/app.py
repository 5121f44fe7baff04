"""The composition root: opens everything in order, closes it in reverse.

Nothing else in the package reads the clock or rolls dice for itself: both are handed in here.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, contextmanager, nullcontext
from datetime import date
from functools import cache, partial
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from qingjing.desk import absence, filings, lookback
from qingjing.desk.ports import Ledger
from qingjing.desk.rulebook import adopt_missing
from qingjing.desk.scrub import Scrubbed
from qingjing.desk.send import Desk
from qingjing.desk.texts import Reader
from qingjing.doors import ported
from qingjing.doors.cli.verbs import VERBS
from qingjing.doors.control import Door
from qingjing.doors.feeds import FeedError
from qingjing.doors.gateway.gateway import Gateway, Senses
from qingjing.kernel.facts import ChangesListed
from qingjing.kernel.numbers import Ported, carrier_of
from qingjing.kernel.rulebook import Rulebook, read_rulebook
from qingjing.kernel.words import Carrier, Phone
from qingjing.kernel.workdays import beijing_date
from qingjing.ledger import beside, sqlite, vault
from qingjing.ledger.vault import KeyFile, Vault
from qingjing.settings import Settings, SettingsError

if TYPE_CHECKING:
    # At run time only where it is served: its libraries would make every command slower.
    from qingjing.doors.api.lists import Order
    from qingjing.doors.api.server import ApiServer
    from qingjing.doors.pages.server import PagesServer


def keys_of(settings: Settings, environ: Mapping[str, str] = os.environ) -> KeyFile:
    """The ledger's keys, from ``QINGJING_KEYS`` if it is set, else from the key file.

    VaultError when they cannot be used.
    """
    if environ.get(vault.ENVIRONMENT_VARIABLE):
        return vault.from_environment(environ)
    return vault.load(settings.path(settings.keys))


def shipped_rulebooks() -> tuple[Rulebook, ...]:
    """The rulebooks that come with the package, the oldest first."""
    folder = resources.files("qingjing").joinpath("rulebooks")
    files = [file for file in folder.iterdir() if file.name.endswith(".toml")]
    books = [read_rulebook(file.read_text("utf-8")) for file in files]
    return tuple(sorted(books, key=lambda book: book.since))


@asynccontextmanager
async def open_beside(
    settings: Settings,
    *,
    now: Callable[[], int],
    warn: Callable[[str], None],
    environ: Mapping[str, str] = os.environ,
) -> AsyncIterator[Desk]:
    """Ledger and desk as they are at this moment, to read, whoever has the ledger open.

    For what takes long and must not stop a service: scrubs, proofs. What messages counted is
    not in it, so caps are not to be asked here. A ledger that is not there yet, or is older
    than this program, is opened as ``open_desk`` does before. Errors as there.
    """
    folder = settings.path(settings.data)
    if not beside.ready(folder):
        async with open_desk(settings, now=now, warn=warn, environ=environ):
            pass
    ledger, warning = beside.open_beside(
        folder, Vault(keys_of(settings, environ)), origin=settings.name
    )
    if warning:
        warn(warning)
    try:
        yield _desk(ledger, settings)
    finally:
        await ledger.close()


def _desk(ledger: Ledger, settings: Settings) -> Desk:
    """The desk over a ledger. The list of numbers that moved is read when the first number is
    looked up: most commands look up none."""

    @cache
    def moved() -> Ported:
        return ported.read(settings.path(settings.ported))

    def carrier(phone: Phone) -> Carrier:
        return moved()(phone)

    look_up = carrier if settings.ported else carrier_of
    return Desk(ledger, Reader(secrets.token_bytes), settings.node, look_up)


@asynccontextmanager
async def open_desk(
    settings: Settings,
    *,
    now: Callable[[], int],
    warn: Callable[[str], None],
    environ: Mapping[str, str] = os.environ,
) -> AsyncIterator[Desk]:
    """Keys, ledger, rulebooks, desk, for as long as the block lasts.

    A new ledger adopts the shipped rulebooks. ``now`` gives epoch ms; ``warn`` is told what
    does no harm but takes time. VaultError or LedgerBroken when it cannot be opened.
    """
    folder = settings.path(settings.data)
    ledger, warning = sqlite.open_ledger(
        folder, Vault(keys_of(settings, environ)), origin=settings.name
    )
    if warning:
        warn(warning)
    try:
        opened_at = ledger.position
        async with ledger.transaction(now()) as t:
            adopt_missing(ledger, t, shipped_rulebooks())
        yield _desk(ledger, settings)
        grown = ledger.position != opened_at
    except BaseException:
        await ledger.close()
        raise
    # Saving an index of millions takes seconds: not worth it when nothing was added to it.
    if warning or grown:
        await sqlite.close_ledger(ledger, folder)
    else:
        await ledger.close()


async def serve(
    settings: Settings,
    *,
    senses: Senses,
    warn: Callable[[str], None],
    ready: Callable[[Mapping[str, int]], None],
    until: asyncio.Event,
    anew: asyncio.Queue[Settings] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Run the gateway until ``until`` is set; ``ready`` is told the ports that it listens on,
    by protocol.

    What is acknowledged is on record at any moment. A part that fails ends the whole: half a
    gateway would not be noticed. Commands on this ledger are taken at the control door; the
    HTTP API is served when the settings have one. What comes by ``anew`` replaces the settings
    while it runs, as far as ``Gateway.reload`` goes.
    """
    async with open_desk(settings, now=senses.when, warn=warn, environ=environ) as desk:
        if settings.ported:  # before anyone waits for it
            desk.carrier_of = ported.read(settings.path(settings.ported))
        gateway = Gateway(desk, settings, environ, senses)
        await gateway.start()
        api: ApiServer | None = None
        pages: PagesServer | None = None
        door = Door(desk, VERBS, senses.when, gateway.fail, os.geteuid())
        # What was built until now stays; what comes is mostly freed by its count. Looking
        # for cycles among a hundred thousand messages on their way would stop the loop.
        gc.freeze()
        gc.set_threshold(100_000, 50, 100)
        try:
            await door.open(settings.path(settings.data))
            ports = dict(gateway.ports)
            if settings.api is not None:
                api = api_server(desk, gateway, settings, senses, environ)
                await api.start()
                ports["http"] = api.port
            if settings.pages is not None:
                pages = pages_server(desk, gateway, settings, senses)
                await pages.start()
                ports["pages"] = pages.port
            ready(ports)
            async with (
                _reloading(desk, gateway, api, anew, warn, environ),
                _looking_back(desk, settings, senses, environ, gateway.fail),
                _listing(desk, settings, senses, gateway.fail),
            ):
                await gateway.run(until)
        finally:
            await door.close()
            if pages is not None:
                await pages.stop()
            if api is not None:
                await api.stop()
            await gateway.stop()


@asynccontextmanager
async def _reloading(
    desk: Desk,
    gateway: Gateway,
    api: ApiServer | None,
    anew: asyncio.Queue[Settings] | None,
    warn: Callable[[str], None],
    environ: Mapping[str, str],
) -> AsyncIterator[None]:
    """Take the settings that come, while the block lasts; wrong ones change nothing."""

    async def take(queue: asyncio.Queue[Settings]) -> None:
        while True:
            settings = await queue.get()
            try:
                moved = carrier_of
                if settings.ported:  # it may be long: others go on meanwhile
                    path = settings.path(settings.ported)
                    moved = await asyncio.to_thread(ported.read, path)
                changed, restart = await gateway.reload(settings, environ)
            except (SettingsError, FeedError) as error:
                warn(f"settings not reloaded: {error}")
                continue
            if settings.ported or desk.carrier_of is not carrier_of:
                changed.append("ported")
            desk.carrier_of = moved
            if api is not None:
                api.reload(settings)
            told = f"settings reloaded: {', '.join(changed) or 'nothing changed'}"
            warn(f"{told}; restart for {', '.join(restart)}" if restart else told)

    task = None if anew is None else asyncio.create_task(take(anew))
    try:
        yield
    finally:
        if task is not None:
            task.cancel()


@contextmanager
def _meanwhile(
    work: Coroutine[Any, Any, None], fail: Callable[[BaseException], None]
) -> Iterator[None]:
    """Let work go on while the block lasts; what it dies of goes to ``fail``."""

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            fail(error)

    task = asyncio.create_task(work)
    task.add_done_callback(ended)
    try:
        yield
    finally:
        task.cancel()


LOOK_BACK_S: Final = 60.0
"""How often the service asks whether a look back is due: they are due by the day."""


@asynccontextmanager
async def _looking_back(
    desk: Desk,
    settings: Settings,
    senses: Senses,
    environ: Mapping[str, str],
    fail: Callable[[BaseException], None],
) -> AsyncIterator[None]:
    """Look back at what is due, while the block lasts, without anyone asking; once a day let
    signatures that lie unused lapse.

    What is examined is read beside the service, in a thread: customers do not wait for it.
    """

    def examined(waiting: Sequence[lookback.Booking]) -> list[lookback.Look]:
        async def work() -> list[lookback.Look]:
            async with open_beside(
                settings, now=senses.when, warn=lambda _text: None, environ=environ
            ) as beside:
                return [lookback.examine(beside.ledger, booking) for booking in waiting]

        return asyncio.run(work())

    async def pass_time() -> None:
        lapsed = date.min
        while True:
            if (today := beijing_date(senses.when() / 1000)) > lapsed:
                async with desk.ledger.transaction(senses.when()) as t:
                    filings.lapse(desk.ledger, t, settings.dormant_days)
                lapsed = today
            waiting = lookback.due(desk.ledger, senses.when())
            for look in await asyncio.to_thread(examined, waiting) if waiting else ():
                async with desk.ledger.transaction(senses.when()) as t:
                    lookback.record(desk.ledger, t, look)
            await asyncio.sleep(LOOK_BACK_S)

    with _meanwhile(pass_time(), fail):
        yield


@asynccontextmanager
async def _listing(
    desk: Desk, settings: Settings, senses: Senses, fail: Callable[[BaseException], None]
) -> AsyncIterator[None]:
    """List standing changes now and then, while the block lasts. A process apart reads and
    hashes them: that takes seconds, and messages would wait."""
    ledger = desk.ledger

    async def work() -> None:
        spawn = multiprocessing.get_context("spawn")
        while True:
            await asyncio.sleep(settings.listing_s)
            ledger.checkpoint(senses.when())  # of all that is listed
            pool, newest = ProcessPoolExecutor(1, spawn), ledger.marked(absence.MARK)
            try:
                drafting = pool.submit(list_apart, settings, newest, ledger.position)
                drafted = await asyncio.wrap_future(drafting)
            finally:
                pool.shutdown(wait=False)
            if drafted is not None:
                async with ledger.transaction(senses.when()) as t:
                    absence.enter(ledger, t, drafted)

    with _meanwhile(work(), fail) if settings.listing_s else nullcontext():
        yield


def list_apart(settings: Settings, newest: int, through: int) -> ChangesListed | None:
    """Draft a listing beside the service that has the ledger: run in a process of its own."""
    folder = settings.path(settings.data)
    store = beside.BesideStore(folder, Vault(keys_of(settings)))
    try:
        return absence.draft(beside.Facts(store), folder / sqlite.IMPORTS, newest, through)
    finally:
        store.close()


def api_server(
    desk: Desk,
    gateway: Gateway,
    settings: Settings,
    senses: Senses,
    environ: Mapping[str, str] = os.environ,
) -> ApiServer:
    """The HTTP API over a desk and a gateway, to be started. Errors as ``ApiServer``'s."""
    from qingjing.doors.api.server import ApiServer, Means

    means = Means(
        senses=senses,
        token=secrets.token_bytes,
        key=Vault(keys_of(settings, environ)).key,
        apart=partial(scrub_apart, settings),
        imports=settings.path(settings.data) / sqlite.IMPORTS,
    )
    return ApiServer(desk, gateway, settings, means)


def pages_server(
    desk: Desk, gateway: Gateway, settings: Settings, senses: Senses
) -> PagesServer:
    """The person's pages over a desk and a gateway, to be started. SettingsError as there."""
    from qingjing.doors.pages.server import PagesServer

    return PagesServer(desk, gateway, settings, senses.when, secrets.token_bytes)


def scrub_apart(settings: Settings, order: Order) -> Scrubbed:
    """Judge a list beside the service that has the ledger: run in a process of its own."""
    from qingjing.doors.api.lists import judge

    async def work() -> Scrubbed:
        async with open_beside(settings, now=lambda: order.at, warn=lambda _text: None) as desk:
            return judge(desk, order)

    return asyncio.run(work())
