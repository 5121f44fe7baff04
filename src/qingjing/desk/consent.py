"""Consent: record one, import many, refuse.

A consent is written down as it was given, sound or not: the gate judges it at every send. Only
the person's own act through a reply, the web or an app, later than the refusal, lifts a
refusal; a list or a paper never does.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from qingjing.desk.entries import About, InputError, Problem, purposes_mask
from qingjing.desk.entries import purposes_names as purposes_names  # others know it from here
from qingjing.desk.ports import Ledger, Transaction
from qingjing.desk.wordings import wording as wording
from qingjing.kernel import facts as f
from qingjing.kernel.rows import rows_root
from qingjing.kernel.words import Act, Door

OWN_DOORS: Final = frozenset({Door.REPLY, Door.WEB, Door.APP})
"""The doors through which a person acts in person, and may take a refusal back."""

ROW: Final = np.dtype([("handle", "<u8"), ("given_s", "<u4")])
"""One imported consent, 12 bytes: what ``rows_root`` is taken over."""

PROBLEMS_KEPT_MAX: Final = 10_000
"""Row errors kept for the report; the rest are counted: a wrong column is wrong in each row."""

CHUNK: Final = 1 << 16
"""Rows hashed at once."""
IMPORT_ROWS: Final = 100_000
"""People in one fact of an import: they enter the standings in about 100 ms, a turn."""

_DAY_S: Final = 86_400
_U16_MAX: Final = 0xFFFF
_TERM_DAYS_MAX: Final = 36_500


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a consent is for, as handed in.

    ``purposes`` are categories by name, or ``any``. ``wording`` names the registered words and
    ``shown`` the proof that they were shown. ``term_days`` is 0 when no term was stated,
    ``per_count`` and ``per_days`` when no frequency was.
    """

    sender: str
    purposes: tuple[str, ...]
    act: str
    wording: str = ""
    shown: str = ""
    term_days: int = 0
    per_count: int = 0
    per_days: int = 0


class Given(NamedTuple):
    """A recorded consent. ``refused`` is true when an earlier refusal still outweighs it."""

    position: int
    lifted: bool
    refused: bool


class ImportReport(NamedTuple):
    """What an import took and what it left.

    ``repeated`` counts rows of a person who has a newer one in the same file; ``left`` rows
    with an error, of which ``problems`` holds the first ``PROBLEMS_KEPT_MAX``. ``position`` is
    that of the last fact, 0 when no row was good, and then nothing was recorded.
    """

    rows: int
    taken: int
    repeated: int
    left: int
    position: int
    file: str
    problems: tuple[Problem, ...]


class Drafted(NamedTuple):
    """An import that is ready to be recorded."""

    report: ImportReport
    facts: tuple[f.ConsentsImported, ...]


Row = tuple[int, str, str] | Problem
"""Row number, phone and time of consent; or why the door could not read the row at all."""


class _Read(NamedTuple):
    """Terms once read."""

    group: str
    purposes: int
    act: Act


def record(
    ledger: Ledger,
    t: Transaction,
    phone: str,
    terms: Terms,
    *,
    given_at: str,
    door: str,
    evidence: str = "",
) -> Given:
    """Record one consent or request; InputError names every field that is wrong.

    An earlier refusal of the sender's group is lifted when this is the person's own act. A
    refusal of all senders stays: a word to one of them does not take it back.
    """
    about = About([], "")
    read = read_terms(ledger, about, terms)
    number = about.phone(phone)
    at = about.past("given_at", given_at, t.at)
    through = about.word("door", Door, door)
    if number is None or read is None or through is None or not about.sound:
        raise InputError(about.problems)
    person = t.remember(number)
    refused = refusals(ledger, person.handle)
    position = t.append(
        f.ConsentRecorded(
            person=person.key,
            handle=person.handle,
            door=through,
            given_at=at,
            evidence=evidence,
            **_agreed(terms, read),
        )
    )
    lifts = _lifts(read, through, at, refused.get(read.group))
    if lifts:
        t.append(
            f.RefusalLifted(
                person=person.key,
                handle=person.handle,
                group=read.group,
                door=through,
                evidence=f"fact {position}",
            )
        )
        del refused[read.group]
    return Given(position, lifts, bool(refused.keys() & {read.group, f.ALL_GROUPS}))


def _lifts(read: _Read, door: Door, given_at: int, refused_at: int | None) -> bool:
    """Is this the person's own act, later than its refusal of the group?"""
    own = read.act.explicit and door in OWN_DOORS
    return own and refused_at is not None and given_at > refused_at


def _agreed(terms: Terms, read: _Read) -> dict[str, Any]:
    """What a consent and an import have in common."""
    return {
        "sender": terms.sender,
        "purposes": read.purposes,
        "act": read.act,
        "wording": terms.wording,
        "shown": terms.shown,
        "term_s": terms.term_days * _DAY_S,
        "per_count": terms.per_count,
        "per_days": terms.per_days,
    }


def refusals(ledger: Ledger, handle: int) -> dict[str, int]:
    """The groups that a person refuses now, each with the time of its last refusal."""
    found: dict[str, int] = {}
    for recorded in ledger.facts_of(handle):
        match recorded.fact:
            case f.RefusalRecorded(group=group):
                found[group] = recorded.at
            case f.RefusalLifted(group=group):
                found.pop(group, None)
            case _:
                pass
    return found


def refuse(
    ledger: Ledger,
    t: Transaction,
    phone: str,
    group: str,
    *,
    door: str,
    port: str = "",
    evidence: str = "",
) -> int:
    """Record a refusal towards a group, or ``facts.ALL_GROUPS``; its position.

    ``group`` may also name a party: its whole group is meant (SAMR Order 37 Art 16).
    """
    about = About([], "")
    number = about.phone(phone)
    through = about.word("door", Door, door)
    party = ledger.register.party(group)
    meant = group if party is None else party.group
    groups = {known.group for known in ledger.register.parties()}
    if meant not in groups and meant != f.ALL_GROUPS:
        remedy = f"name a registered group or party, or {f.ALL_GROUPS!r} for every sender"
        about.wrong("group", f"{group!r} is not known", remedy)
    if number is None or through is None or not about.sound:
        raise InputError(about.problems)
    person = t.remember(number)
    return t.append(
        f.RefusalRecorded(
            person=person.key,
            handle=person.handle,
            group=meant,
            door=through,
            port=port,
            evidence=evidence,
        )
    )


def import_consents(
    ledger: Ledger, t: Transaction, rows: Iterable[Row], terms: Terms, folder: Path
) -> ImportReport:
    """Import consents with common terms: ``draft_import``, and the record of it."""
    report, facts = draft_import(ledger, rows, terms, folder, t.at)
    for fact in facts:
        report = report._replace(position=t.append(fact), file=fact.file)
    return report


def draft_import(
    ledger: Ledger, rows: Iterable[Row], terms: Terms, folder: Path, now: int
) -> Drafted:
    """Everything of an import but its record: a fact for every ``IMPORT_ROWS`` people, each
    over a file of rows, sorted by person, that is on disk; one never recorded does no harm.

    Rows with an error are left out and told; of a person's rows the newest counts. ``now`` is
    in epoch ms. InputError when the terms themselves are wrong.
    """
    about = About([], "")
    read = read_terms(ledger, about, terms)
    if read is None or not about.sound:
        raise InputError(about.problems)
    gathered = _gather(ledger, rows, now)
    good = gathered.newest()
    facts = draft_rows(ledger, good, terms, folder)
    repeated = gathered.rows - gathered.left - good.size
    left, problems = gathered.left, tuple(gathered.problems)
    report = ImportReport(gathered.rows, good.size, repeated, left, 0, "", problems)
    return Drafted(report, tuple(facts))


def draft_rows(
    ledger: Ledger, good: NDArray[Any], terms: Terms, folder: Path
) -> list[f.ConsentsImported]:
    """The facts over rows that are read already, one row a person, ascending by handle."""
    about = About([], "")
    read = read_terms(ledger, about, terms)
    if read is None or not about.sound:
        raise InputError(about.problems)
    facts: list[f.ConsentsImported] = []
    for start in range(0, good.size, IMPORT_ROWS):
        part = good[start : start + IMPORT_ROWS]
        root = rows_root(part.tobytes(), ROW.itemsize)
        file, agreed = _store(folder, part, root), _agreed(terms, read)
        facts.append(f.ConsentsImported(count=part.size, rows_root=root, file=file, **agreed))
    return facts


def read_terms(ledger: Ledger, about: About, terms: Terms) -> _Read | None:
    """Terms as they are meant; None, and problems, when they are wrong."""
    party = ledger.register.party(terms.sender)
    if party is None:
        problem = f"{terms.sender!r} is not registered"
        about.wrong("sender", problem, "register the party first: qingjing register party")
    purposes = 0
    try:
        purposes = purposes_mask(terms.purposes)
        if not purposes:
            about.wrong("purposes", "is empty", "name what was agreed to, such as retail")
    except ValueError as error:
        about.wrong("purposes", str(error), "correct the name")
    act = about.word("act", Act, terms.act)
    check_terms(about, terms)
    if party is None or act is None:
        return None
    return _Read(party.group, purposes, act)


def check_terms(about: About, terms: Terms) -> None:
    """Are term and frequency what they can be?"""
    if not 0 <= terms.term_days <= _TERM_DAYS_MAX:
        remedy = f"give 0 to {_TERM_DAYS_MAX} days, 0 when no term was stated"
        about.wrong("term_days", f"{terms.term_days} is no term", remedy)
    frequency = (terms.per_count, terms.per_days)
    if not all(0 <= part <= _U16_MAX for part in frequency) or (
        0 in frequency and any(frequency)
    ):
        problem = f"{terms.per_count} in {terms.per_days} days is no frequency"
        about.wrong("per_count", problem, "give both numbers, or neither")


class _Gathered:
    """Rows as they are read: handles and times in chunks, problems beside them."""

    def __init__(self) -> None:
        self.rows = self.left = 0
        self.problems: list[Problem] = []
        self.chunks: list[NDArray[Any]] = []

    def leave(self, problems: list[Problem]) -> None:
        """Leave a row out, for these reasons."""
        self.left += 1
        self.problems += problems[: PROBLEMS_KEPT_MAX - len(self.problems)]

    def newest(self) -> NDArray[Any]:
        """One row a person, the newest, ascending by handle."""
        if not self.chunks:
            return np.zeros(0, dtype=ROW)
        return newest(np.concatenate(self.chunks))


def newest(every: NDArray[Any]) -> NDArray[Any]:
    """Of each person's rows the newest, ascending by handle."""
    every = every[np.lexsort((every["given_s"], every["handle"]))]
    last = every["handle"][1:] != every["handle"][:-1]
    return np.ascontiguousarray(every[np.append(last, True)[: every.size]])


def _gather(ledger: Ledger, rows: Iterable[Row], now: int) -> _Gathered:
    gathered = _Gathered()
    phones: list[int] = []
    given: list[int] = []

    def flush() -> None:
        chunk = np.zeros(len(phones), dtype=ROW)
        chunk["handle"] = ledger.standings.handles(np.array(phones, dtype=np.uint64))
        chunk["given_s"] = given
        gathered.chunks.append(chunk)
        phones.clear()
        given.clear()

    for row in rows:
        gathered.rows += 1
        if isinstance(row, Problem):
            gathered.leave([row])
            continue
        number, phone, given_at = row
        about = About([], f"row {number}")
        found, at = about.phone(phone), about.past("given_at", given_at, now)
        if found is None or not about.sound:
            gathered.leave(about.problems)
            continue
        phones.append(found)
        given.append(at // 1000)
        if len(phones) >= CHUNK:
            flush()
    if phones:
        flush()
    return gathered


def _store(folder: Path, rows: NDArray[Any], root: bytes) -> str:
    """Write the rows under a name made of their root, and bring them onto disk."""
    name = f"consents-{root.hex()}.parquet"
    table = pa.table({"handle": rows["handle"].copy(), "given_s": rows["given_s"].copy()})
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{name}.new"
    with beside.open("wb") as file:
        pq.write_table(table, file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(folder / name)
    # Until the folder is synced too, a crash can lose a file whose data are safe.
    opened = os.open(folder, os.O_RDONLY)
    os.fsync(opened)
    os.close(opened)
    return name
