"""What API accounts are told: reports and replies, kept until they are fetched or too old.

Kept under the ledger's seal and in order. A notice counts as taken once it is on disk: from
then on the account can pull it, and its webhooks are told.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from qingjing.desk.ports import Ledger
from qingjing.doors.api.problems import ApiError
from qingjing.doors.api.shapes import Replies, Reply, Report, Reports, Wrong
from qingjing.doors.api.store import Store
from qingjing.doors.gateway.dialect import Notice
from qingjing.kernel.words import mask
from qingjing.text import reply

CONTEXT: Final = b"api.event/1"
"""Associated data of the seal: an event cannot be passed off as another kind of thing."""

ROOM: Final = 1_000_000
"""Notices are taken as they come: what bounds them is the disk, and ``keep_days``."""


class Event(NamedTuple):
    """One thing to be told. ``seq`` orders them, over all accounts."""

    seq: int
    kind: str
    body: Report | Reply


class Mailbox:
    """Takes one account's notices from the gateway."""

    def __init__(self, events: Events, account: str) -> None:
        self._events, self._account = events, account

    @property
    def room(self) -> int:
        """Nothing once the log is closing: the gateway keeps what it has, and the record."""
        return 0 if self._events.closing else ROOM

    def deliver(self, notice: Notice) -> None:
        """Take one; the gateway is told when it is on disk."""
        self._events.put(self._account, notice)


class Events:
    """The log of events."""

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        when: Callable[[], int],
        taken: Callable[[Notice], None],
        spawn: Callable[[Any], None],
    ) -> None:
        """``taken`` is told of notices that are safe; ``spawn`` runs what must not fail."""
        self._ledger, self._store, self._when = ledger, store, when
        self._taken, self._spawn = taken, spawn
        self._fresh: list[tuple[str, Notice]] = []
        self._writing = 0
        self._kept = asyncio.Event()
        self._kept.set()
        self.closing = False
        self.news: Callable[[], None] = lambda: None

    def put(self, account: str, notice: Notice) -> None:
        """Take a notice; all of one turn are one write."""
        if not self._fresh:
            self._writing += 1
            self._kept.clear()
            self._spawn(self._keep())
        self._fresh.append((account, notice))

    async def _keep(self) -> None:
        fresh, self._fresh = self._fresh, []
        try:
            await self._write([self._row(account, notice) for account, notice in fresh])
            for _account, notice in fresh:
                self._taken(notice)
            self.news()
        finally:
            self._writing -= 1
            if not self._writing:
                self._kept.set()

    async def _write(self, rows: list[tuple[object, ...] | None]) -> None:
        def write(db: sqlite3.Connection) -> None:
            # A report that was on disk before a crash is told once more, and known by its id.
            db.executemany(
                "INSERT OR IGNORE INTO event (account, kind, message, at, sealed)"
                " VALUES (?, ?, ?, ?, ?)",
                [row for row in rows if row is not None],
            )

        await self._store.write(write)

    async def close(self) -> None:
        """Take no more; what was taken is on disk when this returns."""
        self.closing = True
        await self._kept.wait()

    def _row(self, account: str, notice: Notice) -> tuple[object, ...] | None:
        at = self._when()
        if notice.words is not None:
            body: Reply | Report = Reply(
                id="",
                sender=notice.phone,
                port=notice.port,
                words=notice.words,
                meaning=reply.read(notice.words).meaning.value,
                at=at,
            )
            kind, message = "reply", None
        elif notice.message:
            body = Report(
                id="",
                message=str(notice.message),
                to=mask(notice.phone),
                port=notice.port,
                stat=notice.stat,
                submitted_at=notice.submitted_at,
                done_at=notice.done_at,
            )
            # The id may have 64 bits, and the file's integers have a sign.
            kind, message = "report", _signed(notice.message)
        else:
            return None  # what did not pass was answered so, each message for itself
        sealed = self._ledger.seal(msgspec.json.encode(body), CONTEXT)
        return account, kind, message, at, sealed

    def after(
        self, account: str, kinds: tuple[str, ...], after: int, upto: int, most: int
    ) -> list[Event]:
        """The events of an account after a place, the oldest first."""
        marks = ", ".join("?" * len(kinds))
        rows = self._store.read(
            "SELECT seq, kind, sealed FROM event WHERE account = ? AND seq > ? AND seq <= ?"
            f" AND kind IN ({marks}) ORDER BY seq LIMIT ?",
            *(account, after, upto, *kinds, most),
        )
        return [Event(seq, kind, self._body(seq, kind, sealed)) for seq, kind, sealed in rows]

    def places(self, account: str, kinds: tuple[str, ...], after: int, most: int) -> list[int]:
        """Where the events of an account after a place stand, the oldest first."""
        marks = ", ".join("?" * len(kinds))
        rows = self._store.read(
            f"SELECT seq FROM event WHERE account = ? AND seq > ? AND kind IN ({marks})"
            " ORDER BY seq LIMIT ?",
            *(account, after, *kinds, most),
        )
        return [seq for (seq,) in rows]

    def _body(self, seq: int, kind: str, sealed: bytes) -> Report | Reply:
        shape: type[Report] | type[Reply] = Report if kind == "report" else Reply
        found = msgspec.json.decode(self._ledger.unseal(sealed, CONTEXT), type=shape)
        return msgspec.structs.replace(found, id=f"e{seq}")

    def reports(self, account: str, cursor: str, most: int) -> Reports:
        """A page of reports after a cursor."""
        page, following, more = self._page(account, "report", cursor, most)
        items = [event.body for event in page if isinstance(event.body, Report)]
        return Reports(items=items, next=following, more=more)

    def replies(self, account: str, cursor: str, most: int) -> Replies:
        """A page of replies after a cursor."""
        page, following, more = self._page(account, "reply", cursor, most)
        items = [event.body for event in page if isinstance(event.body, Reply)]
        return Replies(items=items, next=following, more=more)

    def _page(
        self, account: str, kind: str, cursor: str, most: int
    ) -> tuple[list[Event], str, bool]:
        after = _place(cursor)
        found = self.after(account, (kind,), after, _SEQ_MAX, most + 1)
        page = found[:most]
        return page, f"e{page[-1].seq if page else after}", len(found) > most

    def last(self) -> int:
        """The place of the newest event."""
        rows = self._store.read("SELECT max(seq) FROM event")
        return int(rows[0][0] or 0)


_SEQ_MAX: Final = (1 << 63) - 1


def _place(cursor: str) -> int:
    digits = cursor.removeprefix("e")
    if not cursor:
        return 0
    if not (digits.isascii() and digits.isdigit() and int(digits) <= _SEQ_MAX):
        wrong = Wrong(
            field="after",
            problem="is no cursor",
            remedy="send `next` of the last page, or leave it out for the oldest",
        )
        raise ApiError("invalid", "see errors", [wrong])
    return int(digits)


def _signed(number: int) -> int:
    return number - (1 << 64) if number >= 1 << 63 else number
