"""The files of a run: one JSON object a line, numbers masked, no texts.

``truth.jsonl`` says what had to happen and is written before anything is sent; the others say
what was seen from outside the gateway: its answers and reports to customers, what carriers
received, and what people wrote back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from qingjing.city.plan import Plan
from qingjing.kernel.words import mask

RUN: Final = "run.json"
TRUTH: Final = "truth.jsonl"
ANSWERS: Final = "answers.jsonl"
RECEIVED: Final = "received.jsonl"
REPORTS: Final = "reports.jsonl"
REPLIES: Final = "replies.jsonl"
R = TypeVar("R", bound=msgspec.Struct)


class OutError(Exception):
    """A folder that cannot be used; the text names the remedy."""


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """One message and what had to become of it (``scene.Must``)."""

    tag: str
    violation: str
    like: str
    must: str
    person: str
    phone: str
    carrier: str
    account: str
    group: str
    marketing: bool
    text: str
    characters: int
    wave: int


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway answered to each part; -1 for no answer."""

    tag: str
    results: tuple[int, ...]
    ids: tuple[int, ...]


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """The final states that the customer was told, one a part that it was told of."""

    tag: str
    stats: tuple[str, ...]


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """One message as a carrier received it; the tag is empty when nobody submitted it.

    ``order`` is the place of its first part in the carrier's order of things, and ``times``
    how often it came, whole or not.
    """

    tag: str
    carrier: str
    order: int
    phone: str
    port: str
    whole: bool
    times: int


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """One reply: what was meant by it, and its place in the carrier's order when the gateway
    had acknowledged it. Times are the city's, epoch ms."""

    person: str
    phone: str
    carrier: str
    port: str
    group: str
    words: str
    meant: str
    wave: int
    order: int
    said_at: int
    acknowledged_at: int


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The run as a whole. ``repeated``: reports that customers were told twice."""

    seed: int
    day: date
    people: int
    messages: int
    facts: int
    seconds: float
    repeated: int


def prepare(out: Path) -> None:
    """Make the folder; OutError when there is something in it already."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        full = any(out.iterdir())
    except OSError as error:
        raise OutError(f"{out}: {error.strerror}: name another folder") from error
    if full:
        raise OutError(f"{out} is not empty: name a new folder")


def truths(plan: Plan) -> list[Truth]:
    """The truth about a plan's messages."""
    return [
        Truth(
            tag=message.tag,
            violation=message.violation,
            like=message.like,
            must=message.must,
            person=message.person.tag,
            phone=mask(message.person.phone.digits),
            carrier=message.person.carrier.name.lower(),
            account=message.account,
            group=message.group,
            marketing=message.marketing,
            text=message.text,
            characters=len(message.body),
            wave=message.wave,
        )
        for message in plan.messages
    ]


def write(out: Path, name: str, rows: Iterable[msgspec.Struct]) -> None:
    """Write a file of rows."""
    encoder = msgspec.json.Encoder()
    (out / name).write_bytes(b"".join(encoder.encode(row) + b"\n" for row in rows))


def read(out: Path, name: str, kind: type[R]) -> list[R]:
    """Read a file of rows; OutError names the file and line that cannot be read."""
    path = out / name
    decoder = msgspec.json.Decoder(kind)
    rows: list[R] = []
    try:
        lines: list[Any] = path.read_bytes().splitlines()
    except OSError as error:
        remedy = "name a folder that `qingjing city run` has written"
        raise OutError(f"{path}: {error.strerror}: {remedy}") from error
    for number, line in enumerate(lines, 1):
        try:
            rows.append(decoder.decode(line))
        except msgspec.DecodeError as error:
            raise OutError(f"{path}, line {number}: {error}: run the city again") from error
    return rows
