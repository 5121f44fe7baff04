"""The golden frames of all protocols, and the layouts that read them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from qingjing.wire import cmpp, sgip, smgp, smpp
from qingjing.wire.layout import Layout
from qingjing.wire.protocol import Protocol

PROTOCOLS: dict[str, Protocol] = {
    "cmpp": cmpp.PROTOCOL,
    "sgip": sgip.PROTOCOL,
    "smgp": smgp.PROTOCOL,
    "smpp": smpp.PROTOCOL,
}
"""Protocols by the file of their vectors."""


def _vectors(protocol: str) -> list[dict[str, Any]]:
    """The vectors of one file, each with its protocol."""
    path = Path(__file__).parent / "vectors" / f"{protocol}.toml"
    vectors: list[dict[str, Any]] = tomllib.loads(path.read_text("utf-8"))["vector"]
    return [{"protocol": protocol, **vector} for vector in vectors]


VECTORS = [vector for protocol in PROTOCOLS for vector in _vectors(protocol)]


def named(name: str) -> dict[str, Any]:
    """The vector of this name."""
    (vector,) = (v for v in VECTORS if v["name"] == name)
    return vector


def layout_of(vector: dict[str, Any]) -> Layout[Any]:
    """The layout that reads this vector: that of its version, or the next older one."""
    layouts = PROTOCOLS[vector["protocol"]].layouts
    return layouts[max(v for v in layouts if v <= vector["version"])][vector["command"]]


def frame_of(vector: dict[str, Any]) -> bytes:
    """The bytes of this vector."""
    return bytes.fromhex(vector["hex"])


def golden(name: str) -> Any:
    """The PDU of the vector of this name."""
    return layout_of(named(name)).decode(frame_of(named(name)))
