"""Scrubs: a list is taken, judged in a process of its own, and its result handed out.

One at a time, at a lower priority: the gateway does not wait for a list. How far it has come
and what came of it stand on disk; one that a stop cut off is judged again from its beginning.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, Literal

import msgspec
import structlog

from qingjing.desk.entries import InputError
from qingjing.desk.scrub import Scrub, Scrubbed
from qingjing.desk.send import Desk
from qingjing.doors import feeds
from qingjing.doors.api.people import Job, Jobs, JobState
from qingjing.doors.api.problems import ApiError, masked, not_found
from qingjing.doors.api.store import Store
from qingjing.doors.cli.scrub import scrub_list
from qingjing.doors.feeds import FeedError
from qingjing.settings import Api

_log = structlog.get_logger("qingjing.api")

FOLDER: Final = "lists"
NICE: Final = 10
ID_BYTES: Final = 9
PROBLEM_MAX: Final = 300
Format = Literal["csv", "parquet"]


class Order(msgspec.Struct, frozen=True):
    """A list to be judged: its files, and for which campaign."""

    source: str
    out: str
    progress: str
    sender: str
    category: str
    at: int
    phone_column: str


class Asked(msgspec.Struct, frozen=True):
    """What was asked of a list."""

    sender: str
    category: str
    at: int
    phone_column: str
    format: Format


Apart = Callable[[Order], Scrubbed]
"""Judges an order in a process of its own: a function that can be sent there."""


def judge(desk: Desk, order: Order) -> Scrubbed:
    """Judge a list where this is called, noting how far it has come. Errors as ``Scrub``'s."""
    os.nice(NICE)
    job = Scrub(desk, order.sender, order.category, order.at)
    feed = feeds.numbers(Path(order.source), phone=order.phone_column)
    progress, rows = Path(order.progress), 0
    for count in scrub_list(job, feed, Path(order.out)):
        rows += count
        progress.write_text(str(rows), "ascii")
    return job.sum()


class Lists:
    """The lists of all accounts."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        settings: Api,
        apart: Apart,
        when: Callable[[], int],
        token: Callable[[int], bytes],
    ) -> None:
        self._folder, self._store, self._settings = folder / FOLDER, store, settings
        self._apart, self._when, self._token = apart, when, token
        self._wake = asyncio.Event()
        self._coming: set[str] = set()

    async def take(self, account: str, asked: Asked, body: AsyncIterator[bytes]) -> Job:
        """Take a list; it is judged when its turn comes. ApiError when there are too many."""
        rows = self._store.read("SELECT count(*) FROM job WHERE account = ?", account)
        if rows[0][0] >= self._settings.lists_max:
            detail = f"an account keeps at most {self._settings.lists_max} lists: delete one"
            raise ApiError("conflict", detail)
        name = f"l{self._token(ID_BYTES).hex()}"
        self._folder.mkdir(parents=True, exist_ok=True)
        source = self._source(name, asked)
        self._coming.add(name)
        try:
            made = os.open(source, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(made, "wb") as file:
                async for piece in body:
                    file.write(piece)
            query = (
                "INSERT INTO job (id, account, asked, state, made_at)"
                " VALUES (?, ?, ?, 'waiting', ?)"
            )
            data = msgspec.json.encode(asked)
            await self._store.change(query, name, account, data, self._when())
        except BaseException:
            source.unlink(missing_ok=True)
            raise
        finally:
            self._coming.discard(name)
        self._wake.set()
        return self.find(account, name)

    def find(self, account: str, name: str) -> Job:
        """An account's list; ApiError when it has none of this id."""
        rows = self._store.read(f"{_SELECT} WHERE account = ? AND id = ?", *(account, name))
        if not rows:
            raise not_found("list", "give an id that GET /v1/scrubs lists")
        return self._job(*rows[0])

    def of(self, account: str) -> Jobs:
        """All lists of an account, the newest first."""
        rows = self._store.read(
            f"{_SELECT} WHERE account = ? ORDER BY made_at DESC, id LIMIT ?",
            *(account, self._settings.lists_max),
        )
        return Jobs(items=[self._job(*row) for row in rows])

    def result(self, account: str, name: str) -> tuple[Path, Format]:
        """The result's file and what it is; ApiError while there is none."""
        job = self.find(account, name)
        if job.state != "done":
            raise ApiError("conflict", f"the list is {job.state}: wait until it is done")
        asked = self._asked(name)
        return self._out(name, asked), asked.format

    async def remove(self, account: str, name: str) -> None:
        """Delete a list and its result; ApiError while it is judged."""
        if self.find(account, name).state == "running":
            raise ApiError("conflict", "the list is being judged: wait until it is done")
        await self._drop([name])

    async def drop_older(self, before: int) -> None:
        """Delete lists that were taken before a time (epoch ms)."""
        rows = self._store.read(
            "SELECT id FROM job WHERE made_at < ? AND state != 'running'", before
        )
        await self._drop([name for (name,) in rows])

    async def _drop(self, names: list[str]) -> None:
        for name in names:
            await self._store.change("DELETE FROM job WHERE id = ?", name)
        if names:
            self._tidy()

    # Judging

    async def run(self) -> None:
        """Judge lists one after the other, until cancelled."""
        self._tidy()
        while True:
            self._wake.clear()
            rows = self._store.read(
                "SELECT id, asked FROM job WHERE state IN ('waiting', 'running')"
                " ORDER BY made_at, id LIMIT 1"
            )
            for name, asked in rows:
                await self._judge(name, msgspec.json.decode(asked, type=Asked))
            if not rows:
                await self._wake.wait()

    def _tidy(self) -> None:
        """Delete files of no list: an upload that a crash cut off left them."""
        known = {name for (name,) in self._store.read("SELECT id FROM job")} | self._coming
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            if path.name.lstrip(".").partition(".")[0] not in known:
                path.unlink()

    async def _judge(self, name: str, asked: Asked) -> None:
        if not await self._note(name, "running"):
            return  # it was deleted just now
        order = Order(
            source=str(self._source(name, asked)),
            out=str(self._out(name, asked)),
            progress=str(self._rows(name)),
            sender=asked.sender,
            category=asked.category,
            at=asked.at,
            phone_column=asked.phone_column,
        )
        found = await self._elsewhere(order)
        if isinstance(found, Scrubbed):
            await self._note(name, "done", data=msgspec.json.encode(found._asdict()))
        else:
            problem = masked(found.replace(order.source, "the list"))
            await self._note(name, "failed", problem=problem[:PROBLEM_MAX])
        self._source(name, asked).unlink(missing_ok=True)

    async def _elsewhere(self, order: Order) -> Scrubbed | str:
        """Judge an order in a process of its own; what came of it, or the problem."""
        there = get_context("spawn")
        reading, writing = there.Pipe(duplex=False)
        process = there.Process(target=_judged, args=(self._apart, order, writing), daemon=True)
        process.start()
        writing.close()
        try:
            found: Scrubbed | str = await asyncio.to_thread(reading.recv)
        except EOFError:
            _log.error("list failed", code=process.exitcode)
            return "it was cut off: upload it again, and tell us if it happens twice"
        finally:
            process.kill()  # it has said what it had to say, or nobody listens any more
            await asyncio.to_thread(process.join)
        return found

    async def _note(
        self, name: str, state: JobState, *, data: bytes | None = None, problem: str = ""
    ) -> bool:
        """Note a list's state; False when there is no such list any more."""
        at = self._when() if state in ("done", "failed") else 0

        query = "UPDATE job SET state = ?, done_at = ?, sum = ?, problem = ? WHERE id = ?"
        return await self._store.change(query, state, at, data, problem, name) == 1

    # Where things are

    def _asked(self, name: str) -> Asked:
        ((asked,),) = self._store.read("SELECT asked FROM job WHERE id = ?", name)
        return msgspec.json.decode(asked, type=Asked)

    def _source(self, name: str, asked: Asked) -> Path:
        return self._folder / f"{name}.in.{asked.format}"

    def _out(self, name: str, asked: Asked) -> Path:
        return self._folder / f"{name}.out.{asked.format}"

    def _rows(self, name: str) -> Path:
        return self._folder / f"{name}.rows"

    def _job(
        self, name: str, asked: bytes, state: JobState, made: int, data: bytes | None, why: str
    ) -> Job:
        wanted = msgspec.json.decode(asked, type=Asked)
        done = msgspec.json.decode(data) if data else {}
        try:
            rows = int(self._rows(name).read_text("ascii"))
        except (OSError, ValueError):
            rows = 0
        return Job(
            id=name,
            state=state,
            sender=wanted.sender,
            category=wanted.category,
            made_at=made,
            rows=done.get("rows", rows),
            problem=why,
            **{key: done.get(key) for key in _SUM},
        )


def _judged(apart: Apart, order: Order, pipe: Connection) -> None:
    """What the other process does: judge, and say what came of it."""
    try:
        pipe.send(apart(order))
    except (InputError, FeedError) as error:
        pipe.send(str(error))


_SELECT: Final = "SELECT id, asked, state, made_at, sum, problem FROM job"
_SUM: Final = ("allowed", "held", "refused", "reasons", "position", "rulebook")
