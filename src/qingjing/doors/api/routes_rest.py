"""Routes of register, rulebooks, webhooks, and of the service itself."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import delete, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from qingjing.desk import register
from qingjing.desk.entries import InputError, Problem, shown
from qingjing.doors.api.people import (
    Book,
    Books,
    Change,
    Difference,
    Entries,
    GrantEnd,
    Health,
    Ready,
    RegisterIn,
    Reinstatement,
    Suspension,
    Written,
)
from qingjing.doors.api.problems import ApiError, not_found
from qingjing.doors.api.rooms import PUBLIC, Asked, Here, Who, opened_by
from qingjing.doors.api.shapes import NAME_MAX, DeadLetters, Hook, Hooks, NewHook, Retried
from qingjing.doors.cli.register import look_up
from qingjing.kernel.facts import Fact
from qingjing.kernel.rulebook import Rulebook, choose, difference, digest

EntryName = Annotated[str, PathParameter(min_length=1, max_length=NAME_MAX)]
BookName = Annotated[str, QueryParameter(min_length=1, max_length=NAME_MAX)]


@get("/v1/register", summary="All parties", **opened_by("register"))
async def parties(rooms: Here) -> Entries:
    """All registered parties."""
    found = await rooms.clerk.ask(look_up, "", rooms.when())
    return Entries(parties=found["parties"])


@get("/v1/register/{name:str}", summary="What is registered", **opened_by("register"))
async def entry(name: EntryName, rooms: Here) -> Entries:
    """What is registered under a name: party, port, signature or grant."""
    found = await rooms.clerk.ask(look_up, name, rooms.when())
    if not found:
        raise not_found("register", "name a party, port, signature or grant")
    return Entries(**found)


@post("/v1/register", summary="Register", status_code=200, **opened_by("admin"))
async def load(data: JSONBody[RegisterIn], rooms: Here) -> Written:
    """Record what is new in a description; with any error nothing of it is written."""
    facts = await rooms.clerk.write(register.load, _description(data))
    return _written(*facts)


def _description(data: RegisterIn) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(data)
    return plain


@post("/v1/register/suspensions", summary="Suspend a party", **opened_by("admin"))
async def suspend(data: JSONBody[Suspension], rooms: Here) -> Written:
    """From its commit on nothing of this sender leaves, not even what is queued."""
    until = None if data.until is None else _day(data.until)
    return _written(await rooms.clerk.write(register.suspend, data.party, data.reason, until))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        problem = Problem("", "until", f"{shown(text)} is no day", "write 2026-05-01")
        raise InputError([problem]) from None


@post("/v1/register/reinstatements", summary="End a suspension", **opened_by("admin"))
async def reinstate(data: JSONBody[Reinstatement], rooms: Here) -> Written:
    """The suspension ends."""
    return _written(await rooms.clerk.write(register.reinstate, data.party, data.reason))


@post("/v1/register/grant-ends", summary="End a grant", **opened_by("admin"))
async def end_grant(data: JSONBody[GrantEnd], rooms: Here) -> Written:
    """The grant holds no longer."""
    return _written(await rooms.clerk.write(register.end_grant, data.grant, data.reason))


def _written(*facts: Fact) -> Written:
    kinds = Counter(str(fact.__struct_config__.tag) for fact in facts)
    return Written(written=len(facts), kinds=dict(kinds))


@get("/v1/rulebooks", summary="All rulebooks", **opened_by("rulebooks"))
async def books(rooms: Here) -> Books:
    """All adopted rulebooks, in order of adoption."""
    known = rooms.desk.ledger.books
    now = choose(known, rooms.when())
    return Books(
        items=[
            Book(
                name=book.name,
                version=book.version,
                title_en=book.title_en,
                title_zh=book.title_zh,
                since=str(book.since),
                until=str(book.until or ""),
                digest=digest(book),
                in_force=book is now,
                unverified=list(book.unverified),
            )
            for book in known
        ]
    )


@get("/v1/rulebooks/diff", summary="Compare two rulebooks", **opened_by("rulebooks"))
async def diff(rooms: Here, old: BookName, new: BookName) -> Difference:
    """What differs from one adopted rulebook to another, field by field."""
    before, after = _book(rooms, old), _book(rooms, new)
    changes = [Change(field=a, old=b, new=c) for a, b, c in difference(before, after)]
    return Difference(old=before.name, new=after.name, changes=changes)


def _book(rooms: Here, name: str) -> Rulebook:
    known = rooms.desk.ledger.books
    found = next((book for book in reversed(known) if book.name == name), None)
    if found is None:
        raise not_found("rulebook", "give a name that GET /v1/rulebooks lists")
    return found


HookId = Annotated[str, PathParameter(max_length=40, description="a webhook's id")]


@post("/v1/webhooks", summary="Be told", **opened_by("webhooks"))
async def add_hook(data: JSONBody[Hook], rooms: Here, visitor: Who) -> NewHook:
    """An address that is told of reports and replies from now on; its secret is told once."""
    return await rooms.hooks.add(visitor.account, data)


@get("/v1/webhooks", summary="All webhooks", **opened_by("webhooks"))
async def hooks(rooms: Here, visitor: Who) -> Hooks:
    """The account's webhooks, with what waits and what was given up."""
    return rooms.hooks.of(visitor.account)


@delete("/v1/webhooks/{hook:str}", summary="Delete a webhook", **opened_by("webhooks"))
async def remove_hook(hook: HookId, rooms: Here, visitor: Who) -> None:
    """It is told no more; what it was not told can still be pulled."""
    await rooms.hooks.remove(visitor.account, hook)


@get(
    "/v1/webhooks/{hook:str}/dead-letters",
    summary="Deliveries given up",
    **opened_by("webhooks"),
)
async def dead(hook: HookId, rooms: Here, visitor: Who) -> DeadLetters:
    """The oldest deliveries that were given up, with the last problem of each."""
    return rooms.hooks.dead(visitor.account, hook, rooms.settings.page_max)


@post(
    "/v1/webhooks/{hook:str}/dead-letters/retries",
    summary="Try them again",
    status_code=200,
    **opened_by("webhooks"),
)
async def retry(hook: HookId, rooms: Here, visitor: Who) -> Retried:
    """Try all that were given up again."""
    return Retried(retried=await rooms.hooks.retry(visitor.account, hook))


@get("/v1/openapi.json", include_in_schema=False, **PUBLIC)
async def document(request: Asked) -> dict[str, Any]:
    """The OpenAPI document."""
    return request.app.openapi_schema.to_schema()


@get("/health", summary="Does it run?", **PUBLIC)
async def health() -> Health:
    """It runs: the loop that answers this is the one that decides."""
    return Health()


@get("/ready", summary="Does it take messages?", **PUBLIC)
async def ready(rooms: Here) -> Ready:
    """Ledger, rulebook and engine are there; how many carriers are, it says."""
    try:
        rooms.desk.policy(rooms.when())
        position = rooms.desk.ledger.position
    except Exception:
        raise ApiError("not-ready", "ledger or rulebook are not there: see the log") from None
    gateway = rooms.gateway
    return Ready(
        position=position,
        carriers=gateway.carriers.connected,
        unsettled=gateway.engine.unsettled,
    )


ROUTES: tuple[Any, ...] = (
    *(parties, entry, load, suspend, reinstate, end_grant),
    *(books, diff),
    *(add_hook, hooks, remove_hook, dead, retry),
    *(document, health, ready),
)
