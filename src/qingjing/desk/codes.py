"""Access codes 接入代码: what the plan says of a port's first digits (``codes.toml``)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the plan. ``length`` is that of the access code alone, 0 when it is open."""

    prefix: str
    use: str
    length: int = 0
    region: Literal["", "province", "country"] = ""
    issuer: str = ""
    carries: Literal["messages", "public", "nothing"] = "messages"


@cache
def codes() -> tuple[Code, ...]:
    """The plan, read at first use."""
    text = (files(__package__) / "codes.toml").read_text(encoding="utf-8")
    return msgspec.convert(tuple(tomllib.loads(text)["code"]), tuple[Code, ...])


def code_of(port: str) -> Code | None:
    """What the plan says of a port; None where it says nothing."""
    return next((code for code in codes() if port.startswith(code.prefix)), None)
