"""Routes of messages: decide, send, look, prove, and what comes back."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import HeaderParameter, JSONBody, PathParameter, QueryParameter

from qingjing.desk.bundle import write as write_bundle
from qingjing.desk.entries import About, InputError
from qingjing.desk.explain import Explanation, explain, grounds_words
from qingjing.desk.explain import Question as Wanted
from qingjing.desk.prove import prove
from qingjing.doors.api.admission import DECLARED
from qingjing.doors.api.problems import ApiError
from qingjing.doors.api.record import status
from qingjing.doors.api.rooms import Asked, Here, Who, opened_by
from qingjing.doors.api.sending import VERDICTS, Request, digest_of, rules_of
from qingjing.doors.api.shapes import (
    KEY_MAX,
    Answers,
    Explained,
    Message,
    Messages,
    Question,
    Reading,
    Replies,
    Reports,
    Status,
    Wrong,
)
from qingjing.kernel.words import Carrier, Category, Kind

PROOF_COST = 20
"""A proof reads a hundred facts: as much as twenty other requests."""

IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=KEY_MAX,
        pattern="^[!-~]+$",
        description="yours, new for each request and the same for each repetition of it",
    ),
]
After = Annotated[
    str, QueryParameter(max_length=24, description="`next` of the last page; empty: the oldest")
]
Limit = Annotated[int, QueryParameter(ge=1, description="and at most page_max")]
MessageId = Annotated[
    str, PathParameter(pattern="^[0-9]{1,20}$", description="as answered when it was sent")
]


class _Parts(msgspec.Struct):
    messages: list[msgspec.Raw]


@post(
    "/v1/decide",
    summary="Decide a message without sending it",
    status_code=200,
    **opened_by("decide"),
)
async def decide(data: JSONBody[Question], rooms: Here, visitor: Who) -> Explained:
    """Decide one message and say why; nothing is recorded or counted."""
    about = About([], "")
    at = about.moment("at", data.at) if data.at else rooms.when()
    number = about.phone(data.to)
    if number is None or not about.sound:
        raise InputError(
            problem._replace(field=_TO.get(problem.field, problem.field))
            for problem in about.problems
        )
    question = Wanted(
        submitter=visitor.guest.party,
        port=data.port or visitor.guest.port,
        phone=number,
        body=data.text,
        declared=DECLARED[data.declared],
        carrier=Carrier[data.carrier.upper()] if data.carrier else None,
    )
    found = await rooms.clerk.ask(explain, question, at)
    return _explained(found, rooms, at)


_TO = {"phone": "to"}


def _explained(found: Explanation, rooms: Here, at: int) -> Explained:
    reading, lane = found.text, found.lane
    reasons = [reason.rule for reason in found.reasons]
    return Explained(
        verdict=VERDICTS[found.verdict],
        reasons=reasons,
        rules=rules_of(reasons, rooms.desk.policy(at).book),
        reading=Reading(
            kind=Kind(reading.kind).name.lower(),
            category=Category(reading.category).name.lower(),
            why=list(found.why),
            signature=reading.signature,
            notice=reading.notice,
        ),
        declared=found.declared.name.lower(),
        counts_as=found.counts_as.name.lower(),
        sender=lane.sender,
        group=lane.group,
        port=lane.port,
        carrier=lane.carrier.name.lower(),
        grant=lane.grant,
        facts=list(lane.facts),
        standing=found.grounds_state.name.lower(),
        grounds=found.grounds.position if found.grounds else 0,
        grounds_en=grounds_words(found.grounds_state, found.grounds, "en"),
        grounds_zh=grounds_words(found.grounds_state, found.grounds, "zh"),
        rulebook=found.rulebook,
        case=found.case,
        position=found.position,
    )


@post("/v1/messages", summary="Send a message", status_code=200, **opened_by("messages"))
async def send(
    data: JSONBody[Message], request: Asked, rooms: Here, visitor: Who, key: IdempotencyKey
) -> Answers:
    """Decide a message and queue it if it may leave; answered once that is on disk."""
    body = await request.body()
    return await rooms.sender.send(
        Request(visitor.guest, key, digest_of(body), [data], [body.strip()])
    )


@post("/v1/messages/batch", summary="Send messages", status_code=200, **opened_by("messages"))
async def send_batch(
    data: JSONBody[Messages], request: Asked, rooms: Here, visitor: Who, key: IdempotencyKey
) -> Answers:
    """Decide messages, each for itself, and queue those that may leave."""
    count, most = len(data.messages), rooms.settings.batch_max
    if count > most:
        wrong = Wrong(
            field="messages",
            problem=f"are {count}",
            remedy=f"send at most {most} in one request",
        )
        raise ApiError("invalid", "see errors", [wrong])
    visitor.pay(count)
    body = await request.body()
    parts = [bytes(part) for part in msgspec.json.decode(body, type=_Parts).messages]
    return await rooms.sender.send(
        Request(visitor.guest, key, digest_of(body), data.messages, parts)
    )


@get("/v1/messages/{message:str}", summary="What became of a message", **opened_by("messages"))
async def look(message: MessageId, rooms: Here, visitor: Who) -> Status:
    """A message from its decision to its end, with every step."""
    return status(rooms.desk, visitor, message)


@get(
    "/v1/messages/{message:str}/proof",
    summary="The proof of a decision",
    media_type="application/zip",
    **opened_by("proofs"),
)
async def proof(message: MessageId, rooms: Here, visitor: Who) -> Response[bytes]:
    """A bundle that `qingjing verify` checks, without the person's number (docs/proofs.md)."""
    found = status(rooms.desk, visitor, message)
    visitor.pay(PROOF_COST)
    bundle = await rooms.clerk.ask(
        lambda desk: prove(
            desk.ledger, int(message), rooms.when(), key=rooms.key, imports=rooms.imports
        )
    )
    name = f'attachment; filename="proof-{found.message}.zip"'
    return Response(
        write_bundle(bundle),
        media_type="application/zip",
        headers={"Content-Disposition": name},
    )


@get("/v1/reports", summary="What became of messages", **opened_by("reports"))
async def reports(rooms: Here, visitor: Who, after: After = "", limit: Limit = 100) -> Reports:
    """A page of the account's reports, the oldest first."""
    return rooms.events.reports(visitor.account, after, _most(rooms, limit))


@get("/v1/replies", summary="What people wrote back", **opened_by("reports"))
async def replies(rooms: Here, visitor: Who, after: After = "", limit: Limit = 100) -> Replies:
    """A page of replies to the account's ports, the oldest first."""
    return rooms.events.replies(visitor.account, after, _most(rooms, limit))


def _most(rooms: Here, limit: int) -> int:
    return min(limit, rooms.settings.page_max)


ROUTES: tuple[Any, ...] = (decide, send, send_batch, look, proof, reports, replies)
