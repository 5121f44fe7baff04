"""A year of a city as a log: some hundred senders, planted violations, and look-alikes.

No sockets and no gate: what a carrier or a regulator would be handed. All names, domains and
numbers are made up. The same options give the same year, byte for byte.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from qingjing.city.year_cast import Cast, Stream, cast_of
from qingjing.city.year_lookalikes import LOOKALIKES
from qingjing.city.year_plants import KINDS, VIOLATIONS, Plant
from qingjing.kernel.words import Category, Kind

BEGIN: Final = date(2026, 1, 1)
_BEGIN_MS: Final = 1_767_196_800_000
_DAY_MS: Final = 86_400_000
_CARRIERS: Final = ("mobile", "unicom", "telecom", "broadnet")
_SHARES: Final = (0.58, 0.2, 0.19, 0.03)
_WEEK: Final = np.array([1.1, 1.0, 0.95, 1.05, 1.2, 0.9, 0.8])
_VERDICTS: Final = ("pass", "hold", "refuse", "fail")
_REPLIES: Final = ("", "opt_out", "help", "unclear")


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A year. ``volume``: the median sender's messages a day. ``plants``: of each violation.

    ``weights`` multiply the number of one violation or look-alike by name. ``misread``: the
    share of messages whose kind is read wrongly. ``people``: how many the city has.
    """

    seed: int = 1
    senders: int = 150
    days: int = 365
    volume: float = 12.0
    plants: int = 8
    weights: dict[str, float] = {}
    misread: float = 0.01
    people: int = 60_000


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """What was planted: ``name`` of the form; ``kind`` is the detector that it is meant for.

    ``also`` are further violations that it truly is, as (kind, subject): to find them is no
    false alarm, to miss them no miss. ``innocent``: a look-alike, of which nothing is wrong.
    ``since`` is the first message, epoch ms.
    """

    name: str
    kind: str
    subject: str
    innocent: bool
    since: int
    messages: int
    also: tuple[tuple[str, str], ...] = ()


class Year(NamedTuple):
    """The log in time order, the register as plain data, the texts by template, the truth."""

    log: Any
    register: dict[str, Any]
    texts: dict[int, str]
    truth: tuple[Planted, ...]


def make_year(options: Options) -> Year:
    """Make the year of the options. ValueError when they name what does not exist."""
    unknown = set(options.weights) - {*VIOLATIONS, *LOOKALIKES}
    if unknown:
        known = ", ".join([*VIOLATIONS, *LOOKALIKES])
        raise ValueError(f"weights: {min(unknown)!r} is not planted; one of {known}")
    if options.days < 120 or options.senders < 60:
        raise ValueError("a year needs 120 days and 60 senders or more to plant anything in")
    chance = random.Random(options.seed)
    cast = cast_of(chance, options.senders, options.days, options.volume, options.people)
    plants = plant(chance, cast, options.plants, options.weights)
    log, first, counts = _written(cast, options)
    truth = tuple(
        Planted(
            name=one.name,
            kind=one.kind,
            subject=one.subject,
            innocent=one.innocent,
            since=int(first[number]),
            messages=int(counts[number]),
            also=tuple(one.also),
        )
        for number, one in enumerate(plants, 1)
        if counts[number] or one.innocent
    )
    return Year(log, _dated(cast.register), cast.texts, truth)


def plant(
    chance: random.Random, cast: Cast, each: int, weights: dict[str, float]
) -> list[Plant]:
    """Plant everything: ``each`` of every detector's violations, half as many look-alikes.

    The forms of one detector share its number by chance.
    """
    plants: list[Plant] = []
    for table, share, innocent in ((VIOLATIONS, 1.0, False), (LOOKALIKES, 0.5, True)):
        for name, planter in table.items():
            forms = sum(KINDS.get(one) == KINDS.get(name) for one in table)
            mean = each * weights.get(name, 1.0) * share / (1 if innocent else forms)
            for _ in range(int(mean) + (chance.random() < mean % 1)):
                number = len(plants) + 1
                kind, subject, also = planter(cast, number)
                plants.append(Plant(name, kind, subject, innocent, number, also))
    return plants


def write_year(year: Year, folder: Path) -> None:
    """Write ``log.parquet``, ``register.json``, ``templates.csv`` and ``truth.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(year.log, folder / "log.parquet", row_group_size=1 << 18)
    (folder / "register.json").write_bytes(msgspec.json.encode(year.register))
    (folder / "truth.json").write_bytes(msgspec.json.encode(year.truth))
    lines = (f"{key},{_quoted(text)}\n" for key, text in sorted(year.texts.items()))
    text = "template,text\n" + "".join(lines)
    (folder / "templates.csv").write_text(text, encoding="utf-8")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _dated(register: dict[str, Any]) -> dict[str, Any]:
    """Days of the year as dates, and as moments where a measure was taken."""
    made: dict[str, Any] = {}
    for table, rows in register.items():
        made[table] = []
        for row in rows:
            row = dict(row)
            for name in ("valid_from", "valid_until"):
                if name in row:
                    row[name] = BEGIN + timedelta(days=row[name])
            if "at" in row:
                row["at"] = _BEGIN_MS + int(row["at"] * _DAY_MS)
            made[table].append(row)
    return made


def _written(cast: Cast, options: Options) -> tuple[Any, NDArray[Any], NDArray[Any]]:
    """All streams as one table in time order; first moment and count of each plant."""
    dice = np.random.default_rng(options.seed)
    parts = [part for one in cast.streams if (part := _stream(dice, one, options)) is not None]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(columns["at"], kind="stable")
    columns = {name: column[order] for name, column in columns.items()}
    plants = columns.pop("plant")
    size = max(one.plant for one in cast.streams) + 2
    first = np.zeros(size, np.int64)
    found, places = np.unique(plants, return_index=True)
    first[found] = columns["at"][places]
    words: dict[str, tuple[str, ...]] = {
        "kind": tuple(kind.name.lower() for kind in Kind),
        "category": tuple(category.name.lower() for category in Category),
        "carrier": _CARRIERS,
        "verdict": _VERDICTS,
        "reply": _REPLIES,
    }
    for name in ("port", "signature", "sender", "provider", "domain"):
        words[name] = tuple(cast.words)
    table = pa.table(
        {
            name: pa.DictionaryArray.from_arrays(pa.array(column), pa.array(words[name]))
            if name in words
            else pa.array(column)
            for name, column in columns.items()
        }
    )
    return table, first, np.bincount(plants, minlength=size)


def _stream(
    dice: np.random.Generator, stream: Stream, options: Options
) -> dict[str, NDArray[Any]] | None:
    """The messages of one stream."""
    days = np.arange(stream.begin, min(stream.end, options.days))
    busy = stream.volume * _WEEK[days % 7] * (1 + stream.peak * ((days % 365) > 300))
    counts = dice.poisson(busy) if len(days) else np.zeros(0, np.int64)
    if stream.limit and len(counts):
        counts = np.minimum(counts, np.maximum(0, stream.limit - (np.cumsum(counts) - counts)))
    size = int(counts.sum())
    if not size:
        return None
    minutes = np.clip(dice.normal(stream.hour * 60, 150, size), 1, 1438)
    moment = minutes * 60_000 + dice.integers(0, 60_000, size)
    if stream.after:
        moment = np.maximum(moment, stream.after * _DAY_MS + dice.integers(0, 60_000, size))
    at = _BEGIN_MS + np.repeat(days, counts) * _DAY_MS + moment.astype(np.int64)
    kinds = np.array([int(kind) for kind in stream.kinds])
    kind = kinds[dice.choice(len(kinds), size, p=stream.shares)]
    template = np.zeros(size, np.int64)
    for one in np.unique(kind).tolist():
        ours = kind == one
        template[ours] = dice.choice(np.array(stream.texts[Kind(one)]), int(ours.sum()))
    sells = kind == int(Kind.COMMERCIAL)
    linked = dice.random(size) < np.where(sells, 0.6, 0.15)
    domain = np.where(linked, dice.choice(np.array(stream.domains), size), 0)
    misread = dice.random(size) < options.misread
    read = np.where(misread, dice.choice([2, 3, 0], size), kind)
    verdict = dice.choice(4, size, p=_verdicts(stream))
    replied = sells & (verdict == 0) & (dice.random(size) < stream.replies)
    same = (("port", stream.port), ("signature", stream.signature), ("sender", stream.sender))
    return {
        "at": at,
        **{name: np.full(size, code, np.int32) for name, code in same},
        "provider": np.full(size, stream.provider, np.int32),
        "carrier": dice.choice(4, size, p=_SHARES).astype(np.int32),
        "kind": read.astype(np.int32),
        "category": np.where(read == int(Kind.COMMERCIAL), stream.category, 0).astype(np.int32),
        "template": template,
        "domain": domain.astype(np.int32),
        "person": dice.choice(stream.people, size).astype(np.uint64),
        "verdict": verdict.astype(np.int32),
        "reply": np.where(replied, dice.choice([1, 1, 1, 2, 3], size), 0).astype(np.int32),
        "complaint": (sells & (dice.random(size) < stream.complaints)).astype(np.int32),
        "plant": np.full(size, stream.plant, np.int64),
    }


def _verdicts(stream: Stream) -> list[float]:
    """Shares of pass, hold, refuse and fail."""
    refused, failed = stream.refused, stream.failed
    return [1 - refused - failed, 0.0, refused, failed]
