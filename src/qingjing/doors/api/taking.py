"""The shapes of taking consent: showings, acts, papers, confirmations."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from qingjing.desk import capture
from qingjing.doors.api.people import Through, When
from qingjing.doors.api.shapes import Epoch, In, Number, Out, Words

WordingName = Annotated[
    str, Meta(min_length=1, max_length=100, description="registered words, with their hash")
]


class Showing(In, frozen=True, kw_only=True):
    """Words are about to be shown; to be told before the page is drawn."""

    wording: WordingName
    door: Through
    empty: Annotated[bool, Meta(description="the box stands empty")]
    device: Annotated[
        str, Meta(max_length=capture.DEVICE_MAX, description="its kind, no identifier")
    ] = ""


class Shown(Out, frozen=True, kw_only=True):
    """A recorded showing. Its token is handed in with the act, once, and told nobody else."""

    token: str
    position: int
    until: Epoch


class Act(In, frozen=True, kw_only=True):
    """What the person did, now."""

    phone: Number
    wording: WordingName
    token: Annotated[
        str, Meta(max_length=capture.TOKEN_LENGTH, description="of the showing; empty: none")
    ] = ""
    door: Through = "web"
    how: Annotated[str, Meta(min_length=1, max_length=20)] = "ticked"
    evidence: Words = ""


class Paper(In, frozen=True, kw_only=True):
    """A consent on paper or by call, with the SHA-256 of scan or recording."""

    phone: Number
    wording: WordingName
    given_at: When
    door: Through
    file_hash: Annotated[str, Meta(pattern="^[0-9a-fA-F]{64}$")]


class Confirmation(In, frozen=True, kw_only=True):
    """The person confirms an act that waits."""

    phone: Number
    position: Annotated[int, Meta(ge=1, le=2**53)]
    door: Through
    evidence: Annotated[str, Meta(min_length=1, max_length=500)]


class Acted(Out, frozen=True, kw_only=True):
    """What it was recorded as: a consent for each party that the words name."""

    positions: list[int]
    act: str
    shown: Annotated[bool, Meta(description="a showing came before it")]
    confirm: Annotated[bool, Meta(description="it counts once confirmed")]
    refused: Annotated[bool, Meta(description="a refusal still outweighs it")]
