"""Figures as every benchmark prints them."""

from __future__ import annotations

import json
from typing import Any


def figure(
    name: str, value: float, unit: str, peer: str = "", peer_value: float = 0.0
) -> dict[str, Any]:
    """One figure; the ratio is ours to the peer's, in the same run."""
    ratio = round(value / peer_value, 3) if peer_value else None
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "peer": peer or None,
        "peer_value": round(peer_value, 3) if peer else None,
        "ratio": ratio,
    }


def show(figures: list[dict[str, Any]], *, as_json: bool) -> None:
    """A table for people, or one JSON object a line."""
    for found in figures:
        if as_json:
            print(json.dumps(found, ensure_ascii=False))
            continue
        peer = ""
        if found["peer"]:
            peer = f"   {found['ratio']} of {found['peer']} ({found['peer_value']:,})"
        print(f"{found['name']:46} {found['value']:>16,} {found['unit']}{peer}")
