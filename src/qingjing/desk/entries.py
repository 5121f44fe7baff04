"""Entries: what doors hand in, how it is read, and what is said when it is wrong.

A problem is a value that names the place, the field, what is wrong and the remedy; a verb
collects them all and raises one ``InputError``. Personal data stand in a problem masked.
Days are Beijing days, and a time without an offset is Beijing time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from enum import Enum
from typing import Any, Final, Literal, NamedTuple, TypeVar

import msgspec

from qingjing.kernel.words import PURPOSE_ANY, Category, Kind, Phone, mask
from qingjing.kernel.workdays import beijing_date, beijing_midnight

BEIJING: Final = timezone(timedelta(hours=8), "Beijing")
DAY_MS: Final = 86_400_000
_PAST_S_MAX: Final = 0xFFFFFFFE  # the standing index keeps times in 32 bits, and one is taken
_SHOWN_MAX: Final = 60
_NUMBER: Final = re.compile(r"[0-9]{8,}", re.ASCII)
_MOMENT: Final = re.compile(
    r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?"
    r"(?:[ T]\s*([0-9]{1,2})(:[0-9]{2}.*))?",
    re.ASCII,
)
E = TypeVar("E", bound=Enum)

NAME_LENGTH_MAX: Final = 64
"""Names of parties, groups and grants: they stand in every lane and every caps scope."""


class Problem(NamedTuple):
    """One thing that is wrong with what was handed in, and what would mend it."""

    where: str
    field: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        place = ": ".join(part for part in (self.where, self.field) if part)
        return f"{place}: {self.problem}; {self.remedy}"


class InputError(Exception):
    """What was handed in is wrong, and nothing of it was written."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """``problems`` are all that were found."""
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of a description."""


class PartyEntry(Entry, frozen=True, kw_only=True):
    """A party (主体). ``group`` is its real controller; left out, it stands for itself."""

    party: str
    name: str
    role: str
    credit_code: str
    group: str = ""
    licences: tuple[str, ...] = ()


class PortEntry(Entry, frozen=True, kw_only=True):
    """A port (端口): access code and extension, with its holder and approved use."""

    port: str
    holder: str
    kinds: tuple[str, ...]
    licence: str
    valid_from: date
    valid_until: date
    region: str = ""


class SignatureEntry(Entry, frozen=True, kw_only=True):
    """A signature (签名), without its brackets."""

    signature: str
    owner: str
    source: Literal["enterprise", "trademark", "app"]
    proof: str
    kinds: tuple[str, ...]
    senders: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()


class GrantEntry(Entry, frozen=True, kw_only=True):
    """Who may use which port with which signature, under which chain from sender to carrier."""

    grant: str
    sender: str
    port: str
    signature: str
    kinds: tuple[str, ...]
    chain: tuple[str, ...]
    valid_from: date
    valid_until: date


class FilingEntry(Entry, frozen=True, kw_only=True):
    """The filing state (报备) of a port or of a signature at some carriers."""

    carriers: tuple[str, ...]
    state: str
    port: str = ""
    signature: str = ""
    reason: str = ""


class DocumentEntry(Entry, frozen=True, kw_only=True):
    """A document (材料), by the SHA-256 of its file; ``category`` is the trade of a permit."""

    document: str
    what: str
    subject: str
    name: str
    number: str
    size: int = 0
    category: str = ""
    valid_until: date | None = None


class LetterEntry(Entry, frozen=True, kw_only=True):
    """An authorisation letter (授权书), with its grantor's credit code."""

    letter: str
    owner: str
    credit_code: str
    sender: str
    signatures: tuple[str, ...]
    document: str
    valid_from: date
    valid_until: date


class ContractEntry(Entry, frozen=True, kw_only=True):
    """The contract (合同) of one link of a chain."""

    contract: str
    upstream: str
    downstream: str
    document: str
    valid_from: date
    valid_until: date


TABLES: Final[dict[str, type[Entry]]] = {
    "parties": PartyEntry,
    "ports": PortEntry,
    "signatures": SignatureEntry,
    "grants": GrantEntry,
    "filings": FilingEntry,
    "documents": DocumentEntry,
    "letters": LetterEntry,
    "contracts": ContractEntry,
}
"""The tables of a register file, in the order in which they are entered."""


def read_entries(
    description: Mapping[str, Any], problems: list[Problem]
) -> Iterator[tuple[str, Entry]]:
    """The entries of a description in table order, each with where it stands.

    Whatever cannot be read is added to ``problems``.
    """
    for table in description:
        if table not in TABLES:
            problem = f"there is no table {table!r}"
            problems.append(Problem("", table, problem, f"use {', '.join(TABLES)}"))
    for table, kind in TABLES.items():
        found = description.get(table, ())
        if not isinstance(found, Sequence) or isinstance(found, str):
            remedy = f"write each entry under [[{table}]]"
            problems.append(Problem("", table, "is not a list of entries", remedy))
            continue
        for number, plain in enumerate(found, 1):
            where = f"{table} {number}"
            try:
                yield where, msgspec.convert(plain, kind, strict=False)
            except msgspec.ValidationError as error:
                problems.append(_unread(where, plain, kind, str(error)))


def _unread(where: str, plain: object, kind: type[Entry], error: str) -> Problem:
    problem, _, path = error.partition(" - at `$.")
    field = path.rstrip("`").partition("[")[0]
    if field and isinstance(plain, Mapping) and field in plain:
        problem = f"{shown(str(plain[field]))}: {problem}"
    return Problem(where, field, problem, _fields(kind))


def _fields(kind: type[Entry]) -> str:
    told = [
        field.name if field.required else f"{field.name} (optional)"
        for field in msgspec.structs.fields(kind)
    ]
    return "its fields are " + ", ".join(told)


def moment(text: str) -> int:
    """A time as epoch ms, Beijing time unless it has an offset.

    ISO 8601, and as spreadsheets write it: ``2026/5/1 9:30``, ``2026年5月1日``. A day alone is
    its first moment, so that a term runs out rather early than late. ValueError when it is no
    time.
    """
    match = _MOMENT.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError
        year, month, day, hour, rest = match.groups(default="")
        clock = f"T{hour:0>2}{rest}" if hour else ""
        read = datetime.fromisoformat(f"{year}-{month:0>2}-{day:0>2}{clock}")
    except ValueError:
        remedy = "write 2026-05-01 09:30:00 (Beijing), or with an offset"
        raise ValueError(f"{shown(text)} is no time: {remedy}") from None
    if read.tzinfo is None:
        read = read.replace(tzinfo=BEIJING)
    return round(read.timestamp() * 1000)


def shown(value: str) -> str:
    """A value as an error may quote it: short, and without a number that strayed into it."""
    return repr(_NUMBER.sub(lambda found: mask(found.group()), value)[:_SHOWN_MAX])


def told(at: int) -> str:
    """A time for people: Beijing, to the second."""
    return f"{datetime.fromtimestamp(at // 1000, BEIJING):%Y-%m-%d %H:%M:%S}"


def day_start(day: date) -> int:
    """The first moment of a Beijing day, epoch ms."""
    return beijing_midnight(day) * 1000


def day_end(day: date) -> int:
    """The moment after a Beijing day, epoch ms."""
    return day_start(day) + DAY_MS


def last_day(until: int) -> date:
    """The last Beijing day before a moment: what ``valid_until`` was written as."""
    return beijing_date((until - 1) / 1000)


def kinds_mask(names: Iterable[str]) -> int:
    """The mask of some kinds by name; ValueError names the one that is none."""
    return sum({1 << one_of(Kind, name) for name in names})


def purposes_mask(names: Sequence[str]) -> int:
    """The mask of some categories by name; ValueError names the one that is none."""
    if [name.strip().lower() for name in names] == ["any"]:
        return PURPOSE_ANY
    known = {category.name.lower(): category.bit for category in Category}
    for name in names:
        if name.strip().lower() not in known:
            raise ValueError(f"{name!r} is none of any, {', '.join(known)}")
    return sum({known[name.strip().lower()] for name in names})


def purposes_names(mask: int) -> tuple[str, ...]:
    """The categories of a mask by name, ``any`` when it covers all."""
    if mask == PURPOSE_ANY:
        return ("any",)
    return tuple(category.name.lower() for category in Category if mask & category.bit)


def one_of(words: type[E], name: str) -> E:
    """The word of that name, whatever its case; ValueError lists those that there are."""
    for word in words:
        if word.name.lower() == name.strip().lower():
            return word
    known = ", ".join(word.name.lower() for word in words)
    raise ValueError(f"{shown(name)} is none of {known}")


class About:
    """Collects the problems of one entry."""

    def __init__(self, problems: list[Problem], where: str) -> None:
        """``problems`` is added to; ``where`` is the entry's place."""
        self.problems, self.where, self.sound = problems, where, True

    def wrong(self, field: str, problem: str, remedy: str) -> None:
        """Note a problem."""
        self.sound = False
        self.problems.append(Problem(self.where, field, problem, remedy))

    def name(self, field: str, value: str) -> None:
        """Names travel in facts, scopes and commands: short, printable, without white space."""
        if not value or len(value) > NAME_LENGTH_MAX or not _plain(value) or value == "*":
            remedy = f"use 1 to {NAME_LENGTH_MAX} characters without spaces, not '*'"
            self.wrong(field, f"{shown(value)} is no name", remedy)

    def filled(self, field: str, value: str) -> None:
        """What must be stated."""
        if not value.strip():
            self.wrong(field, "is empty", "state it")

    def kinds(self, names: tuple[str, ...]) -> int:
        """A mask of kinds, never empty."""
        try:
            mask = kinds_mask(names)
        except ValueError as error:
            self.wrong("kinds", str(error), "correct the name")
            return 0
        if not mask:
            self.wrong("kinds", "is empty", "name at least one kind, such as commercial")
        return mask

    def word(self, field: str, words: type[E], name: str) -> E | None:
        """A word by its name."""
        try:
            return one_of(words, name)
        except ValueError as error:
            self.wrong(field, str(error), "correct the name")
            return None

    def phone(self, text: str) -> Phone | None:
        """A mainland mobile number."""
        try:
            return Phone.parse(text)
        except ValueError as error:
            self.wrong("phone", *_halves(error))
            return None

    def moment(self, field: str, text: str) -> int:
        """A time, epoch ms; 0 when it is none."""
        try:
            return moment(text)
        except ValueError as error:
            self.wrong(field, *_halves(error))
            return 0

    def past(self, field: str, text: str, now: int) -> int:
        """A time that is not in the future, epoch ms."""
        at = self.moment(field, text)
        if not 0 <= at // 1000 <= _PAST_S_MAX or at > now:
            problem = f"{shown(text)} is not between 1970 and now ({told(now)})"
            self.wrong(field, problem, "give the time of the act itself, Beijing time")
        return at

    def span(self, start: date, end: date) -> tuple[int, int]:
        """A span of Beijing days, the last included, as [from, until) in epoch ms."""
        if end < start:
            self.wrong("valid_until", f"{end} is before {start}", "put the two in order")
        return day_start(start), day_end(end)


def _plain(name: str) -> bool:
    return name.isprintable() and not any(map(str.isspace, name))


def _halves(error: ValueError) -> tuple[str, str]:
    """Problem and remedy of a message that tells both, the second after a colon."""
    problem, _, remedy = str(error).rpartition(": ")
    return problem, remedy
