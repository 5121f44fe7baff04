"""Webhooks: events pushed to an account's address, signed, tried again, never lost in silence.

A hook has its place in the log of events. What comes after it is handed out in deliveries, each
a stretch of the log that stays the same over all tries; one that is given up is a dead letter,
to be listed and tried again. While the other side is away a few deliveries are tried again, and
the rest waits in the log.
"""

from __future__ import annotations

import sqlite3
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

import msgspec

from qingjing.desk.ports import Ledger
from qingjing.doors.api.events import Event, Events
from qingjing.doors.api.problems import ApiError, masked, not_found
from qingjing.doors.api.shapes import (
    Dead,
    DeadLetters,
    Hook,
    Hooked,
    Hooks,
    NewHook,
    Reply,
    Report,
    Wrong,
)
from qingjing.doors.api.store import Store
from qingjing.settings import Api

CONTEXT: Final = b"api.hook/1"
"""Associated data of the seal over a hook's secret."""

SECRET_BYTES: Final = 32
ID_BYTES: Final = 6
EVENTS_MAX: Final = 100
"""Events of one delivery: about 30 KB, which any receiver takes at once."""
WINDOW: Final = 4
"""Deliveries of a hook that are out or waiting for another try."""
FIRST_WAIT_MS: Final = 5_000
WAIT_MS_MAX: Final = 3_600_000
"""Waits double from five seconds to an hour, half of it by chance: receivers that come back are
not met by everybody at once."""
PROBLEM_MAX: Final = 200


class Delivery(NamedTuple):
    """A stretch of the log on its way to a hook."""

    id: int
    hook: str
    first: int
    last: int
    tries: int


class Target(NamedTuple):
    """Where a hook's deliveries go."""

    id: str
    account: str
    url: str
    kinds: tuple[str, ...]
    secret: bytes


class Pushed(msgspec.Struct, frozen=True):
    """The body of a delivery."""

    events: list[dict[str, object]]


class HookBook:
    """All hooks and their deliveries."""

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        events: Events,
        settings: Api,
        when: Callable[[], int],
        token: Callable[[int], bytes],
        chance: Callable[[], float],
    ) -> None:
        self._ledger, self._store, self._events, self._settings = (
            ledger,
            store,
            events,
            settings,
        )
        self._when, self._token, self._chance = when, token, chance

    # What an account does with its hooks

    async def add(self, account: str, wanted: Hook) -> NewHook:
        """A new hook: it is told what comes from now on. Its secret is not told again."""
        if len(self.of(account).items) >= self._settings.hooks_max:
            detail = f"an account has at most {self._settings.hooks_max} webhooks: delete one"
            raise ApiError("conflict", detail)
        _check(wanted.url)
        name, secret = f"w{self._token(ID_BYTES).hex()}", self._token(SECRET_BYTES)
        kinds = list(dict.fromkeys(wanted.kinds))
        row = (
            name,
            account,
            wanted.url,
            " ".join(kinds),
            self._ledger.seal(secret, CONTEXT),
            self._events.last(),
            self._when(),
        )

        await self._store.change("INSERT INTO hook VALUES (?, ?, ?, ?, ?, ?, ?)", *row)
        told = f"whsec_{b64encode(secret).decode()}"
        return NewHook(id=name, url=wanted.url, kinds=list(kinds), secret=told)

    def of(self, account: str) -> Hooks:
        """An account's hooks, the oldest first."""
        rows = self._store.read(
            "SELECT id, url, kinds, made_at,"
            " (SELECT coalesce(sum(count), 0) FROM delivery WHERE hook = h.id AND dead = 0),"
            " (SELECT count(*) FROM delivery WHERE hook = h.id AND dead = 1)"
            " FROM hook h WHERE account = ? ORDER BY made_at, id",
            account,
        )
        return Hooks(
            items=[
                Hooked(
                    id=i, url=url, kinds=kinds.split(), made_at=made, waiting=waiting, dead=dead
                )
                for i, url, kinds, made, waiting, dead in rows
            ]
        )

    async def remove(self, account: str, hook: str) -> None:
        """Delete a hook and what it was to be told."""
        self._own(account, hook)

        await self._store.write(partial(_removed, hook))

    def dead(self, account: str, hook: str, most: int) -> DeadLetters:
        """The oldest deliveries that were given up."""
        self._own(account, hook)
        rows = self._store.read(
            "SELECT id, count, tries, problem FROM delivery WHERE hook = ? AND dead = 1"
            " ORDER BY id LIMIT ?",
            *(hook, most),
        )
        items = [
            Dead(id=f"d{i}", events=count, tries=tries, problem=problem)
            for i, count, tries, problem in rows
        ]
        return DeadLetters(items=items)

    async def retry(self, account: str, hook: str) -> int:
        """Try all that were given up again; how many."""
        self._own(account, hook)
        query = (
            "UPDATE delivery SET dead = 0, tries = 0, due_at = ? WHERE hook = ? AND dead = 1"
        )
        return await self._store.change(query, self._when(), hook)

    def _own(self, account: str, hook: str) -> None:
        found = self._store.read(
            "SELECT 1 FROM hook WHERE id = ? AND account = ?", *(hook, account)
        )
        if not found:
            raise not_found("webhook", "give an id that GET /v1/webhooks lists")

    # What the courier does with them

    def targets(self) -> list[Target]:
        """All hooks, with their secrets."""
        rows = self._store.read("SELECT id, account, url, kinds, sealed FROM hook")
        return [
            Target(i, account, url, tuple(k.split()), self._ledger.unseal(sealed, CONTEXT))
            for i, account, url, kinds, sealed in rows
            for k in (kinds,)
        ]

    async def draw(self, target: Target) -> None:
        """Make deliveries of what has come since, while the hook's window has room."""
        rows = self._store.read(
            "SELECT upto, (SELECT count(*) FROM delivery WHERE hook = h.id AND dead = 0)"
            " FROM hook h WHERE id = ?",
            target.id,
        )
        for upto, out in rows:
            place, at = upto, self._when()
            for _ in range(WINDOW - out):
                found = self._events.places(target.account, target.kinds, place, EVENTS_MAX)
                if not found:
                    return
                place = found[-1]
                row = (target.id, found[0], place, len(found), at)
                await self._store.write(partial(_drawn, row))

    def due(self, target: Target) -> list[Delivery]:
        """The deliveries of a hook whose time has come, the oldest first."""
        rows = self._store.read(
            "SELECT id, hook, first, last, tries FROM delivery"
            " WHERE hook = ? AND dead = 0 AND due_at <= ? ORDER BY id LIMIT ?",
            *(target.id, self._when(), WINDOW),
        )
        return [Delivery(*row) for row in rows]

    def body(self, target: Target, delivery: Delivery) -> bytes | None:
        """What is sent; None when its events are too old and gone."""
        found = self._events.after(
            target.account, target.kinds, delivery.first - 1, delivery.last, EVENTS_MAX
        )
        return (
            msgspec.json.encode(Pushed([_plain(event) for event in found])) if found else None
        )

    async def done(self, delivery: Delivery) -> None:
        """The other side has it."""

        await self._store.change("DELETE FROM delivery WHERE id = ?", delivery.id)

    async def failed(self, delivery: Delivery, problem: str) -> None:
        """Another try later, or a dead letter."""
        tries = delivery.tries + 1
        wait = min(WAIT_MS_MAX, FIRST_WAIT_MS << min(tries - 1, 20))
        due = self._when() + int(wait * (0.5 + self._chance() / 2))
        dead = int(tries >= self._settings.hook_tries)
        query = "UPDATE delivery SET tries = ?, due_at = ?, dead = ?, problem = ? WHERE id = ?"
        told = masked(problem)[:PROBLEM_MAX]
        await self._store.change(query, tries, due, dead, told, delivery.id)


def _removed(hook: str, db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM hook WHERE id = ?", (hook,))
    db.execute("DELETE FROM delivery WHERE hook = ?", (hook,))


def _drawn(row: tuple[object, ...], db: sqlite3.Connection) -> None:
    db.execute(
        "INSERT INTO delivery (hook, first, last, count, tries, due_at)"
        " VALUES (?, ?, ?, ?, 0, ?)",
        row,
    )
    db.execute("UPDATE hook SET upto = ? WHERE id = ?", (row[2], row[0]))


def _plain(event: Event) -> dict[str, object]:
    body: Report | Reply = event.body
    return {"kind": event.kind, **msgspec.structs.asdict(body)}


def _check(url: str) -> None:
    """What can be told of an address at once; where it leads is looked at before each call."""
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0]
    if scheme not in ("https", "http") or not host or "@" in host or not url.isprintable():
        remedy = "give an https:// address without user and password"
        raise ApiError(
            "invalid",
            "see errors",
            [Wrong(field="url", problem="is no address", remedy=remedy)],
        )
