"""What the routes work with, and how each of them is described."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from qingjing.desk.send import Desk
from qingjing.doors.api.admission import Visitor
from qingjing.doors.api.events import Events
from qingjing.doors.api.hooks import HookBook
from qingjing.doors.api.lists import Lists
from qingjing.doors.api.problems import RESPONSES
from qingjing.doors.api.sending import Sender
from qingjing.doors.control import Own
from qingjing.doors.gateway.gateway import Gateway
from qingjing.kernel.note import Key
from qingjing.settings import Api


class Rooms(NamedTuple):
    """Everything behind the routes. ``when`` gives epoch ms; ``imports`` is a folder."""

    desk: Desk
    clerk: Own
    gateway: Gateway
    sender: Sender
    events: Events
    hooks: HookBook
    lists: Lists
    settings: Api
    when: Callable[[], int]
    key: Key
    imports: Path


Here = NamedDependency[SkipValidation[Rooms]]
Who = NamedDependency[SkipValidation[Visitor]]
Asked = Request[Any, Any, Any]

PUBLIC: Final[dict[str, Any]] = {
    "responses": RESPONSES,
    "security": [{}],
    "tags": ["service"],
}
"""A route for everybody."""


def opened_by(scope: str, **more: Any) -> dict[str, Any]:
    """A route that keys of a scope open."""
    return {"opt": {"scope": scope}, "tags": [scope], "responses": RESPONSES, **more}
