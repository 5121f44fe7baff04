"""An alarm: who does what, since when, how sure, on which messages; and its limits."""

from __future__ import annotations

from math import exp, sqrt
from typing import Final, Literal

import msgspec

from qingjing.kernel.words import Kind

Detector = Literal[
    "sublet_port",
    "signature_drift",
    "port_drift",
    "came_back",
    "route_shopping",
    "undeclared_chain",
    "complaint_rate",
    "dead_reply_port",
]
DETECTORS: Final[tuple[Detector, ...]] = Detector.__args__  # type: ignore[attr-defined]
MARKETING: Final = frozenset({Kind.COMMERCIAL, Kind.ASKING, Kind.ILLEGAL})
"""What drift towards is a violation; milder than declared harms nobody."""
ROWS_KEPT: Final = 5
"""Messages that an evidence row names: enough to look at, and the log has the rest."""


class Evidence(msgspec.Struct, frozen=True):
    """One sentence of evidence; ``rows`` are rows of the log that show it."""

    zh: str
    en: str
    rows: tuple[int, ...] = ()


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """What a person should look at. ``score`` is how sure, from 0 to 1; times are epoch ms.

    ``kind`` is the detector. ``since`` is the first message that it rests on, ``at`` the end of
    the day on which it was raised, ``messages`` how many it rests on so far.
    """

    kind: Detector
    party: str = ""
    port: str = ""
    signature: str = ""
    score: float
    since: int
    at: int
    messages: int
    words_zh: str
    words_en: str
    evidence: tuple[Evidence, ...]

    @property
    def subject(self) -> str:
        """What the alarm is about: it is raised once for it within ``Limits.quiet_days``."""
        if self.kind in ("sublet_port", "port_drift", "dead_reply_port"):
            return self.port
        if self.kind in ("signature_drift", "came_back"):
            return self.signature
        return self.party


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The detectors' settings, each with its reason.

    ``messages``: fewer are a slip of a hand. ``share``: of the traffic of a port or signature,
    at 95 %: less is noise of reading and routing. ``evidence``: weight of evidence (natural
    units; see docs/detectors.md) from which a sublet or a return is told. ``window_days``: how
    long a trace is remembered. ``stop_days``: how long after a measure a return is looked for.
    ``complaints_warn`` and ``complaints_close``: valid complaints per million messages in 30
    days at which a vendor suspends and closes. ``sure``: probability that a rate is above its
    limit. ``quiet_days``: an alarm is not raised again sooner. ``sample``: one person in so
    many is remembered, to compare audiences.
    """

    messages: int = 4
    share: float = 0.005
    evidence: float = 3.5
    window_days: int = 90
    stop_days: int = 90
    complaints_warn: float = 0.25
    complaints_close: float = 0.4
    sure: float = 0.95
    quiet_days: int = 90
    sample: int = 8


def at_least(hits: float, count: float, z: float = 1.645) -> float:
    """The lower end of a share's interval (Wilson 1927), one-sided 95 % by default."""
    if count <= 0:
        return 0.0
    share, square = hits / count, z * z / count
    spread = z * sqrt(max(share * (1 - share), 0.0) / count + square / (4 * count))
    return max(0.0, (share + square / 2 - spread) / (1 + square))


def surely(weight: float, limit: float) -> float:
    """A weight of evidence as a probability: 0.9 where the alarm begins."""
    return round(1 / (1 + exp(-(weight - limit + 2.2))), 3)
