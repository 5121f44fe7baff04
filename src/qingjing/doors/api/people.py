"""The shapes of consents, refusals, scrubs, register and rulebooks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from qingjing.doors.api.shapes import LIST_MAX, Epoch, In, Maybe, Name, Number, Out, Words

When = Annotated[
    str,
    Meta(min_length=1, max_length=40, description="ISO 8601; Beijing time without an offset"),
]
Through = Annotated[
    str, Meta(min_length=1, max_length=20, description="reply, web, app, call, paper, ...")
]
Day = Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Some = Annotated[list[Name], Meta(max_length=LIST_MAX)]


class Consent(In, frozen=True, kw_only=True):
    """A consent or request, as it was given."""

    phone: Number
    sender: Name
    purposes: Annotated[
        list[Name], Meta(min_length=1, max_length=LIST_MAX, description="categories, or any")
    ]
    act: Annotated[str, Meta(min_length=1, max_length=20, description="ticked, signed, ...")]
    given_at: When
    door: Through
    wording: Annotated[str, Meta(max_length=100, description="the registered words")] = ""
    shown: Annotated[str, Meta(max_length=100, description="hash of the proof")] = ""
    term_days: Annotated[int, Meta(ge=0, le=36_500)] = 0
    per_count: Annotated[int, Meta(ge=0, le=65_535)] = 0
    per_days: Annotated[int, Meta(ge=0, le=65_535)] = 0
    evidence: Words = ""


class Given(Out, frozen=True, kw_only=True):
    """A recorded consent."""

    position: int
    lifted: Annotated[bool, Meta(description="an earlier refusal has ended")]
    refused: Annotated[bool, Meta(description="a refusal still outweighs it")]


class Withdrawal(In, frozen=True, kw_only=True):
    """A person takes back what it agreed to: the sender's whole group leaves it alone."""

    phone: Number
    sender: Name
    door: Through = "web"
    evidence: Words = ""


class Refusal(In, frozen=True, kw_only=True):
    """A refusal that did not come as a reply."""

    phone: Number
    group: Annotated[
        str,
        Meta(min_length=1, max_length=64, description="a group or party; * for every sender"),
    ]
    door: Through
    evidence: Words = ""


class Recorded(Out, frozen=True, kw_only=True):
    """The place of a fact."""

    position: int


class LookUp(In, frozen=True, kw_only=True):
    """Whose record is looked at, and why."""

    phone: Number
    reason: Annotated[
        str, Meta(min_length=1, max_length=200, description="logged; no name in it")
    ]


class Standing(Out, frozen=True, kw_only=True):
    """Where a person stands towards a sender, and on what."""

    sender: str
    group: str
    standing: str
    grounds: Annotated[int, Meta(description="position of the fact, 0 without")]
    reason_en: str
    reason_zh: str


class PersonFact(Out, frozen=True, kw_only=True):
    """One thing that a person did."""

    position: int
    recorded_at: Epoch
    kind: str
    summary: str


class Person(Out, frozen=True, kw_only=True):
    """What is known of a person towards the senders that the key acts for."""

    phone: Annotated[str, Meta(description="masked")]
    number: str
    standings: list[Standing]
    facts: list[PersonFact]


# Scrubs

JobState = Literal["waiting", "running", "done", "failed"]


class Job(Out, frozen=True, kw_only=True):
    """A list that is scrubbed."""

    id: str
    state: JobState
    sender: str
    category: str
    made_at: Epoch
    rows: Annotated[int, Meta(description="judged so far")]
    allowed: int | None = None
    held: int | None = None
    refused: int | None = None
    reasons: dict[str, int] | None = None
    position: int | None = None
    rulebook: str | None = None
    problem: str = ""


class Jobs(Out, frozen=True, kw_only=True):
    """All of the account's, the newest first."""

    items: list[Job]


# Register


class PartyIn(In, frozen=True, kw_only=True):
    """A party, as in a register file."""

    party: Name
    name: Name
    role: Name
    credit_code: Annotated[str, Meta(min_length=1, max_length=32)]
    group: Maybe = ""
    licences: Some = msgspec.field(default_factory=list)


class PortIn(In, frozen=True, kw_only=True):
    """A port, as in a register file."""

    port: Annotated[str, Meta(min_length=1, max_length=21)]
    holder: Name
    kinds: Some
    licence: Name
    valid_from: Day
    valid_until: Day
    region: Maybe = ""


class SignatureIn(In, frozen=True, kw_only=True):
    """A signature, as in a register file."""

    signature: Name
    owner: Name
    source: Literal["enterprise", "trademark", "app"]
    proof: Annotated[str, Meta(min_length=1, max_length=200)]
    kinds: Some
    senders: Some = msgspec.field(default_factory=list)
    ports: Some = msgspec.field(default_factory=list)


class GrantIn(In, frozen=True, kw_only=True):
    """A grant, as in a register file."""

    grant: Name
    sender: Name
    port: Annotated[str, Meta(min_length=1, max_length=21)]
    signature: Name
    kinds: Some
    chain: Some
    valid_from: Day
    valid_until: Day


class FilingIn(In, frozen=True, kw_only=True):
    """A filing state, as in a register file."""

    carriers: Some
    state: Name
    port: Annotated[str, Meta(max_length=21)] = ""
    signature: Maybe = ""
    reason: Words = ""


class RegisterIn(In, frozen=True, kw_only=True):
    """Entries for the register: those of docs/register.example.toml, as JSON."""

    parties: Annotated[list[PartyIn], Meta(max_length=1_000)] = msgspec.field(
        default_factory=list
    )
    ports: Annotated[list[PortIn], Meta(max_length=1_000)] = msgspec.field(default_factory=list)
    signatures: Annotated[list[SignatureIn], Meta(max_length=1_000)] = msgspec.field(
        default_factory=list
    )
    grants: Annotated[list[GrantIn], Meta(max_length=1_000)] = msgspec.field(
        default_factory=list
    )
    filings: Annotated[list[FilingIn], Meta(max_length=1_000)] = msgspec.field(
        default_factory=list
    )


class Written(Out, frozen=True, kw_only=True):
    """What was new and is recorded now, by kind of fact."""

    written: int
    kinds: dict[str, int]


class Suspension(In, frozen=True, kw_only=True):
    """From now on nothing of this sender leaves."""

    party: Name
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    until: Day | None = None


class Reinstatement(In, frozen=True, kw_only=True):
    """The suspension ends."""

    party: Name
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class GrantEnd(In, frozen=True, kw_only=True):
    """The grant holds no longer."""

    grant: Name
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class Entries(Out, frozen=True, kw_only=True):
    """What is registered: under a name by what it names; without one, all parties."""

    parties: list[dict[str, Any]] = msgspec.field(default_factory=list)
    party: dict[str, Any] | None = None
    port: dict[str, Any] | None = None
    signature: dict[str, Any] | None = None
    grant: dict[str, Any] | None = None


# Rulebooks


class Book(Out, frozen=True, kw_only=True):
    """An adopted rulebook."""

    name: str
    version: int
    title_en: str
    title_zh: str
    since: str
    until: str
    digest: str
    in_force: bool
    unverified: list[str]


class Books(Out, frozen=True, kw_only=True):
    """All adopted rulebooks, in order of adoption."""

    items: list[Book]


class Change(Out, frozen=True, kw_only=True):
    """One field that differs."""

    field: str
    old: str
    new: str


class Difference(Out, frozen=True, kw_only=True):
    """What differs from one rulebook to another."""

    old: str
    new: str
    changes: list[Change]


class Health(Out, frozen=True, kw_only=True):
    """It runs."""

    status: Literal["ok"] = "ok"


class Ready(Out, frozen=True, kw_only=True):
    """It takes messages. Counts are of this moment."""

    status: Literal["ready"] = "ready"
    position: int
    carriers: Annotated[int, Meta(description="connections to carriers that are up")]
    unsettled: Annotated[int, Meta(description="messages that passed and have no end yet")]
