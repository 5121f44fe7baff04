"""What the API says when it cannot do what was asked: RFC 9457, one shape for all of it.

Each kind has its status and title here; a problem of what was handed in names field, value
(masked) and remedy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from traceback import extract_tb
from typing import Any, Final, NamedTuple

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec

from qingjing.desk.bundle import BundleError
from qingjing.desk.entries import InputError, Problem
from qingjing.desk.prove import ProofError
from qingjing.desk.send import NoRulebookError
from qingjing.doors.api.shapes import ProblemDetails, Wrong
from qingjing.doors.feeds import FeedError
from qingjing.kernel.words import mask

_log = structlog.get_logger("qingjing.api")

MEDIA: Final = "application/problem+json"
_GONE: Final = "client disconnected prematurely"
"""What the framework says of a body that did not come: nobody is there to be answered."""
_QUOTED: Final = re.compile(r"parameter '([^']*)'")
_NUMBER: Final = re.compile(r"[0-9]{8,}", re.ASCII)


class Sort(NamedTuple):
    """A kind of problem."""

    status: int
    en: str
    zh: str


SORTS: Final = {
    "unreadable": Sort(400, "The request cannot be read", "请求无法读取"),
    "no-key": Sort(401, "No valid API key", "API密钥无效"),
    "wrong-address": Sort(403, "Not from this address", "来源地址不允许"),
    "no-scope": Sort(403, "The key does not open this", "密钥权限不足"),
    "no-reach": Sort(403, "The key does not act for this sender", "密钥不代表该主体"),
    "not-found": Sort(404, "There is no such thing", "资源不存在"),
    "method": Sort(405, "This cannot be done here", "方法不允许"),
    "conflict": Sort(409, "Not in its present state", "当前状态不允许"),
    "too-large": Sort(413, "The request is too large", "请求过大"),
    "media-type": Sort(415, "Not in this media type", "媒体类型不支持"),
    "invalid": Sort(422, "What was handed in is wrong", "提交内容有误"),
    "key-reused": Sort(
        422, "The idempotency key stands for another request", "幂等键已用于其他请求"
    ),
    "too-many": Sort(429, "Too many requests", "请求过于频繁"),
    "internal": Sort(500, "A mistake of ours", "服务内部错误"),
    "slow-down": Sort(503, "Too much waits already", "系统繁忙,请稍后再试"),
    "not-ready": Sort(503, "Not ready", "服务未就绪"),
}
"""Every kind, in the order of its status."""

_BY_STATUS: Final = {400: "unreadable", 404: "not-found", 405: "method", 413: "too-large"}

RESPONSES: Final = {
    status: ResponseSpec(
        data_container=ProblemDetails,
        generate_examples=False,
        media_type=MEDIA,
        description="; ".join(s.en for s in SORTS.values() if s.status == status),
    )
    for status in sorted({sort.status for sort in SORTS.values()})
}
"""What any route may answer besides its own."""


class ApiError(Exception):
    """Answer with this problem. ``sort`` is a name of ``SORTS``."""

    def __init__(
        self, sort: str, detail: str, errors: Iterable[Wrong] = (), retry_s: int = 0
    ) -> None:
        super().__init__(detail)
        self.sort, self.detail, self.errors, self.retry_s = sort, detail, list(errors), retry_s


def not_found(what: str, remedy: str) -> ApiError:
    """There is no such thing, or not for this caller: the two are not told apart."""
    return ApiError("not-found", f"{what}: {remedy}")


def answer(error: ApiError) -> Response[ProblemDetails]:
    """The response to an error."""
    sort = SORTS[error.sort]
    headers = {"Retry-After": str(error.retry_s)} if error.retry_s else {}
    if sort.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = ProblemDetails(
        type=f"urn:qingjing:problem:{error.sort}",
        title=sort.en,
        title_zh=sort.zh,
        status=sort.status,
        detail=error.detail,
        errors=error.errors,
    )
    return Response(body, status_code=sort.status, media_type=MEDIA, headers=headers)


def invalid(problems: Iterable[Problem]) -> ApiError:
    """What verbs found wrong, as a problem."""
    errors = [
        Wrong(
            field=".".join(part for part in (p.where, p.field) if part),
            problem=p.problem,
            remedy=p.remedy,
        )
        for p in problems
    ]
    return ApiError("invalid", "nothing was recorded; see errors", errors)


def on_error(_request: Request[Any, Any, Any], error: Exception) -> Response[ProblemDetails]:
    """Whatever was raised, as a problem: the one map from errors to the outside."""
    match error:
        case ApiError():
            found = error
        case InputError():
            found = invalid(error.problems)
        case FeedError() | ProofError() | BundleError():
            found = ApiError("invalid", str(error))
        case NoRulebookError():
            found = ApiError("not-ready", str(error))
        case ValidationException():
            found = ApiError("invalid", "see errors", _unread(error))
        case HTTPException() if error.status_code < 500 or error.detail == _GONE:
            found = _of_framework(error)
        case _:
            found = _mistake(error)
    return answer(found)


def _of_framework(error: HTTPException) -> ApiError:
    sort = _BY_STATUS.get(error.status_code, "unreadable")
    detail = {
        "unreadable": "send what the schema in /v1/openapi.json says",
        "not-found": "see the routes in /v1/openapi.json",
        "method": "see the methods in /v1/openapi.json",
        "too-large": "send it in parts; docs/api.md has the limits",
    }[sort]
    return ApiError(sort, detail)


def _unread(error: ValidationException) -> list[Wrong]:
    """The framework's own list: a message and a key, never a value. One that is missing has no
    list, and stands in quotation marks."""
    remedy = "send what the schema in /v1/openapi.json says"
    found = error.extra
    told = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    missing = _QUOTED.search(error.detail)
    if not told and missing is not None:
        return [Wrong(field=missing.group(1), problem="is missing", remedy=remedy)]
    return [
        Wrong(
            field=str(one.get("key", "")).removeprefix("data").lstrip("."),
            problem=masked(str(one.get("message", ""))),
            remedy=remedy,
        )
        for one in told
    ]


def _mistake(error: Exception) -> ApiError:
    """A mistake of ours is told by its place alone: its words may hold personal data."""
    trace = extract_tb(error.__traceback__)
    place = f"{trace[-1].name}, line {trace[-1].lineno}" if trace else "nowhere"
    _log.error("request failed", error=type(error).__name__, place=place)
    return ApiError("internal", "it may or may not be recorded; look, or ask us")


def masked(text: str) -> str:
    """A text without numbers that strayed into it."""
    return _NUMBER.sub(lambda found: mask(found.group()), text)
