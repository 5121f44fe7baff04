"""Routes of the log itself, for witnesses and for whoever keeps a checkpoint: open to all.

They tell how many facts there are and hashes over them, and nothing of any fact.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.params import JSONBody, QueryParameter

from qingjing.doors.api.problems import ApiError, not_found
from qingjing.doors.api.rooms import PUBLIC, Here
from qingjing.kernel.note import Key, NoteError
from qingjing.settings import Api, SettingsError

NOTE_MAX = 1 << 16
"""Characters of a note: a checkpoint and a hundred signatures have a fifth of that."""

Size = Annotated[int, QueryParameter(ge=0, lt=1 << 62, description="facts")]


class SignedHead(msgspec.Struct, frozen=True):
    """A signed checkpoint (C2SP ``tlog-checkpoint``), with all countersignatures known."""

    note: Annotated[str, msgspec.Meta(max_length=NOTE_MAX)]


class Path(msgspec.Struct, frozen=True):
    """A consistency path (RFC 9162 section 2.1.4), each hash as base64."""

    first: int
    second: int
    path: list[str]


class Countersigned(msgspec.Struct, frozen=True):
    """The witnesses whose signatures were kept."""

    witnesses: list[str]


def witnesses(settings: Api) -> list[Key]:
    """The keys of the witnesses; SettingsError when one is none."""
    try:
        return [Key.parse(text) for text in settings.witnesses]
    except NoteError as error:
        raise SettingsError(f"api.witnesses: {error}; give name+id+key as it stands") from None


@get("/v1/log/checkpoint", summary="The newest checkpoint", **PUBLIC)
async def checkpoint(rooms: Here) -> SignedHead:
    """The last checkpoint that was signed on schedule."""
    kept = rooms.desk.ledger.heads.checkpoints()
    if not kept:
        raise not_found("checkpoint", "none was signed yet: wait for checkpoint_s")
    return SignedHead(kept[-1].note.decode())


@get("/v1/log/consistency", summary="That the log only grew", **PUBLIC)
async def consistency(rooms: Here, first: Size, second: Size) -> Path:
    """The path from the log of so many facts to that of more."""
    try:
        path = rooms.desk.ledger.heads.consistency(first, second)
    except ValueError as error:
        raise not_found("consistency", str(error)) from None
    return Path(first, second, [b64encode(one).decode() for one in path])


@post("/v1/log/cosignatures", summary="Countersign", status_code=200, **PUBLIC)
async def cosign(data: JSONBody[SignedHead], rooms: Here) -> Countersigned:
    """A witness of the settings hands its signature under a checkpoint of ours back."""
    known = witnesses(rooms.settings)
    try:
        names = rooms.desk.ledger.heads.countersign(data.note.encode(), known)
    except NoteError as error:
        raise ApiError("invalid", f"{error}; witnesses stand in api.witnesses") from None
    return Countersigned(names)


ROUTES: tuple[Any, ...] = (checkpoint, consistency, cosign)
