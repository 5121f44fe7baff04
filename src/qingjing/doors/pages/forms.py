"""Cookies and forms: one cookie while a code waits, one while a number is open."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from litestar import Request
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException

from qingjing.doors.pages.codes import HOUR_MS, Session

if TYPE_CHECKING:
    from qingjing.doors.pages.server import Rooms

Asked = Request[Any, Any, Any]


def _named(rooms: Rooms, name: str) -> str:
    return name if rooms.settings.plain_http else f"__Host-{name}"


def cookie(rooms: Rooms, name: str, value: str, age_s: int) -> Cookie:
    """A cookie of the pages: for this site and host alone, out of any script's reach."""
    return Cookie(
        key=_named(rooms, name),
        value=value,
        max_age=age_s,
        path="/",
        secure=not rooms.settings.plain_http,
        httponly=True,
        samesite="strict",
    )


def held(rooms: Rooms, request: Asked, name: str) -> str:
    """What the browser holds under a name."""
    return request.cookies.get(_named(rooms, name), "")


def session_of(rooms: Rooms, request: Asked) -> Session | None:
    """The open session of this browser."""
    return rooms.sessions.find(held(rooms, request, "peace"), rooms.when())


def start_token(rooms: Rooms, hours_ago: int = 0) -> str:
    """The token of a form that comes before any session; it holds an hour or two."""
    return rooms.token(f"start {rooms.when() // HOUR_MS - hours_ago}")


async def form_of(request: Asked, *tokens: str) -> dict[str, str]:
    """The fields of a form that is ours: sent from our page, with its token."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    fields = {name: str(value) for name, value in (await request.form()).items()}
    given = fields.get("token", "").encode()
    if site not in ("same-origin", "none") or not any(
        hmac.compare_digest(given, token.encode()) for token in tokens
    ):
        raise HTTPException(status_code=403)
    return fields


def came_from(request: Asked) -> str:
    """The address that the request came from."""
    return request.client.host if request.client else ""
