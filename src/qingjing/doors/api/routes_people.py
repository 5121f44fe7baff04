"""Routes of people and lists: consents, refusals, scrubs."""

from __future__ import annotations

from typing import Annotated, Any, Final

import structlog
from litestar import delete, get, post
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.response import File

from qingjing.desk import consent
from qingjing.desk.entries import About, InputError
from qingjing.desk.explain import grounds_words
from qingjing.desk.scrub import Scrub
from qingjing.doors.api import lists
from qingjing.doors.api.people import (
    Consent,
    Given,
    Job,
    Jobs,
    LookUp,
    Person,
    PersonFact,
    Recorded,
    Refusal,
    Standing,
    Withdrawal,
)
from qingjing.doors.api.problems import ApiError, masked
from qingjing.doors.api.rooms import Asked, Here, Who, opened_by
from qingjing.doors.api.shapes import NAME_MAX
from qingjing.doors.cli.consent import look_up
from qingjing.doors.cli.proofs import fact_words
from qingjing.kernel import facts as f
from qingjing.kernel.words import mask

_log = structlog.get_logger("qingjing.api")

FORMATS: Final[dict[str, lists.Format]] = {
    "text/csv": "csv",
    "application/vnd.apache.parquet": "parquet",
}
"""Media types of a list."""

FACTS_MAX: Final = 1_000
"""Facts of a person that are told, the newest; nobody has as many."""


@post("/v1/consents", summary="Record a consent", **opened_by("consents"))
async def record(data: JSONBody[Consent], rooms: Here, visitor: Who) -> Given:
    """Record one consent or request as it was given, sound or not: the gate judges it."""
    visitor.must_reach(rooms.desk.ledger, "sender", data.sender)
    terms = consent.Terms(
        sender=data.sender,
        purposes=tuple(data.purposes),
        act=data.act,
        wording=data.wording,
        shown=data.shown,
        term_days=data.term_days,
        per_count=data.per_count,
        per_days=data.per_days,
    )
    given = await rooms.clerk.write(
        consent.record,
        data.phone,
        terms,
        given_at=data.given_at,
        door=data.door,
        evidence=data.evidence,
    )
    return Given(position=given.position, lifted=given.lifted, refused=given.refused)


@post("/v1/consents/withdrawals", summary="Withdraw a consent", **opened_by("consents"))
async def withdraw(data: JSONBody[Withdrawal], rooms: Here, visitor: Who) -> Recorded:
    """The person takes back what it agreed to: a refusal of the sender's whole group."""
    visitor.must_reach(rooms.desk.ledger, "sender", data.sender)
    position = await rooms.clerk.write(
        consent.refuse, data.phone, data.sender, door=data.door, evidence=data.evidence
    )
    return Recorded(position=position)


@post(
    "/v1/consents/lookups",
    summary="What a person agreed to and refused",
    status_code=200,
    **opened_by("consents"),
)
async def person(data: JSONBody[LookUp], rooms: Here, visitor: Who) -> Person:
    """By number, towards the senders that the key acts for; who looked and why is logged."""
    ledger = rooms.desk.ledger
    about = About([], "")
    number = about.phone(data.phone)
    if number is None:
        raise InputError(about.problems)
    found = await rooms.clerk.ask(look_up, number, rooms.when())
    why = masked(data.reason)
    _log.info("person looked up", account=visitor.account, key=visitor.key.id, reason=why)
    standings = [
        Standing(
            sender=one.sender,
            group=one.group,
            standing=one.state.name.lower(),
            grounds=one.grounds.position if one.grounds else 0,
            reason_en=grounds_words(one.state, one.grounds, "en"),
            reason_zh=grounds_words(one.state, one.grounds, "zh"),
        )
        for one in found.standings
        if visitor.reaches(ledger, one.sender)
    ]
    facts = [fact for fact in found.facts if _concerns(fact.fact, rooms, visitor)]
    return Person(
        phone=mask(number.digits),
        number=found.number.name.lower(),
        standings=standings,
        facts=[_told(fact) for fact in facts[-FACTS_MAX:]],
    )


def _concerns(fact: f.Fact, rooms: Here, visitor: Who) -> bool:
    """Is a fact about a sender that the key acts for, or about all of them?"""
    match fact:
        case f.ConsentRecorded(sender=name):
            return visitor.reaches(rooms.desk.ledger, name)
        case f.RefusalRecorded(group=name) | f.RefusalLifted(group=name):
            return name == f.ALL_GROUPS or visitor.reaches(rooms.desk.ledger, name)
        case f.ReplyHeard(group=name):
            return visitor.reaches(rooms.desk.ledger, name)
        case _:
            return visitor.acts_for_all()


def _told(recorded: f.Recorded) -> PersonFact:
    return PersonFact(
        position=recorded.position,
        recorded_at=recorded.at,
        kind=str(recorded.fact.__struct_config__.tag),
        summary=fact_words(recorded, "en").partition(": ")[2],
    )


@post("/v1/refusals", summary="Record a refusal", **opened_by("refusals"))
async def refuse(data: JSONBody[Refusal], rooms: Here, visitor: Who) -> Recorded:
    """From its commit on no marketing of the whole group leaves for this person."""
    visitor.must_reach(rooms.desk.ledger, "group", data.group)
    position = await rooms.clerk.write(
        consent.refuse, data.phone, data.group, door=data.door, evidence=data.evidence
    )
    return Recorded(position=position)


class _Upload(Operation):
    """The operation of a route whose body is a file."""

    def __post_init__(self) -> None:
        """Describe the body."""
        schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        content = {media: OpenAPIMediaType(schema=schema) for media in FORMATS}
        self.request_body = RequestBody(content=content, required=True)


ListId = Annotated[str, PathParameter(max_length=40, description="a list's id")]
SenderName = Annotated[str, QueryParameter(min_length=1, max_length=NAME_MAX)]


@post(
    "/v1/scrubs",
    summary="Scrub a list",
    status_code=202,
    operation_class=_Upload,
    **opened_by("scrubs"),
)
async def scrub(
    request: Asked,
    rooms: Here,
    visitor: Who,
    sender: SenderName,
    category: SenderName,
    at: Annotated[
        str, QueryParameter(max_length=40, description="when it is to be sent; default: now")
    ] = "",
    phone_column: Annotated[
        str, QueryParameter(max_length=NAME_MAX, description="default: phone, 手机号, ...")
    ] = "",
) -> Job:
    """Take a list, CSV or Parquet as its Content-Type says; it is judged in its turn."""
    kind = FORMATS.get(request.headers.get("content-type", "").partition(";")[0].strip())
    if kind is None:
        raise ApiError("media-type", f"send Content-Type {' or '.join(FORMATS)}")
    visitor.must_reach(rooms.desk.ledger, "sender", sender)
    about = About([], "")
    when = about.moment("at", at) if at else rooms.when()
    if not about.sound:
        raise InputError(about.problems)
    Scrub(rooms.desk, sender, category, when)  # what is wrong is told before it is read
    asked = lists.Asked(sender, category, when, phone_column, kind)
    return await rooms.lists.take(visitor.account, asked, request.stream())


@get("/v1/scrubs", summary="All lists", **opened_by("scrubs"))
async def scrubs(rooms: Here, visitor: Who) -> Jobs:
    """The account's lists, the newest first."""
    return rooms.lists.of(visitor.account)


@get("/v1/scrubs/{list_id:str}", summary="How far a list has come", **opened_by("scrubs"))
async def scrubbed(list_id: ListId, rooms: Here, visitor: Who) -> Job:
    """A list's state, the rows judged so far, and the sum when it is done."""
    return rooms.lists.find(visitor.account, list_id)


@get(
    "/v1/scrubs/{list_id:str}/result",
    summary="The result of a list",
    media_type="application/octet-stream",
    **opened_by("scrubs"),
)
async def result(list_id: ListId, rooms: Here, visitor: Who) -> File:
    """Every row of the list with its answer and reason, in the list's own format."""
    path, kind = rooms.lists.result(visitor.account, list_id)
    return File(path, filename=f"{list_id}.{kind}", media_type="application/octet-stream")


@delete("/v1/scrubs/{list_id:str}", summary="Delete a list", **opened_by("scrubs"))
async def remove(list_id: ListId, rooms: Here, visitor: Who) -> None:
    """Delete a list and its result."""
    await rooms.lists.remove(visitor.account, list_id)


ROUTES: tuple[Any, ...] = (record, withdraw, person, refuse)
LIST_ROUTES: tuple[Any, ...] = (scrub, scrubs, scrubbed, result, remove)
"""Routes whose requests may be as large as a list."""
