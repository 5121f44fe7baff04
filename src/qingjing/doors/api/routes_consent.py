"""Routes of taking consent: words are shown, then acted on, then confirmed."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import post
from litestar.params import JSONBody

from qingjing.desk import capture, wordings
from qingjing.doors.api.rooms import Here, Who, opened_by
from qingjing.doors.api.taking import Act, Acted, Confirmation, Paper, Showing, Shown


@post("/v1/consents/showings", summary="Words are shown", **opened_by("consents"))
async def show(data: JSONBody[Showing], rooms: Here, visitor: Who) -> Shown:
    """Record that these words are shown now; an act without it counts as not shown."""
    _reach(rooms, visitor, data.wording)
    token = rooms.desk.reader.salt().hex()
    shown = await rooms.clerk.write(
        capture.show, token, data.wording, door=data.door, empty=data.empty, device=data.device
    )
    return Shown(token=token, position=shown.position, until=shown.until)


@post("/v1/consents/acts", summary="A person acts on words", **opened_by("consents"))
async def act(data: JSONBody[Act], rooms: Here, visitor: Who) -> Acted:
    """Record the act of this moment; a ticked box needs a showing that says it was empty."""
    _reach(rooms, visitor, data.wording)
    acted = await rooms.clerk.write(
        capture.act,
        data.phone,
        data.wording,
        token=data.token,
        door=data.door,
        how=data.how,
        evidence=data.evidence,
    )
    return _told(acted)


@post("/v1/consents/papers", summary="A consent on paper or by call", **opened_by("consents"))
async def paper(data: JSONBody[Paper], rooms: Here, visitor: Who) -> Acted:
    """Record it with the hash of its evidence; the words must have been registered before."""
    _reach(rooms, visitor, data.wording)
    acted = await rooms.clerk.write(
        capture.paper,
        data.phone,
        data.wording,
        given_at=data.given_at,
        door=data.door,
        file_hash=data.file_hash,
    )
    return _told(acted)


@post("/v1/consents/confirmations", summary="A person confirms", **opened_by("consents"))
async def confirm(data: JSONBody[Confirmation], rooms: Here, visitor: Who) -> Acted:
    """Double opt-in: the consent counts from now on."""
    waiting = rooms.desk.ledger.fact(data.position)
    _reach(rooms, visitor, getattr(waiting.fact, "wording", "") if waiting else "")
    acted = await rooms.clerk.write(
        capture.confirm, data.phone, data.position, door=data.door, evidence=data.evidence
    )
    return _told(acted)


def _reach(rooms: Here, visitor: Who, wording: str) -> None:
    """The key must act for the sender of the words; unknown words are told by the desk."""
    stated = wordings.find(rooms.desk.ledger, wording)
    if stated is not None:
        visitor.must_reach(rooms.desk.ledger, "wording", stated.fact.sender)


def _told(acted: capture.Acted) -> Acted:
    return msgspec.convert(acted._asdict(), Acted)


ROUTES: tuple[Any, ...] = (show, act, paper, confirm)
