"""What goes over the API, field by field: the schema in /v1/openapi.json is made of this."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

TEXT_MAX: Final = 1_000
"""Characters of a message: fifteen parts. Carriers take few long messages of more."""
NAME_MAX: Final = 64
"""As names of parties and groups (desk.entries)."""
KEY_MAX: Final = 64
"""Characters of an idempotency key: room for a UUID with a prefix."""
LIST_MAX: Final = 64
"""Names in one list of a request: categories, kinds and parties are fewer."""

Number = Annotated[
    str, Meta(min_length=1, max_length=32, description="the person's number; never shown whole")
]
Name = Annotated[str, Meta(min_length=1, max_length=NAME_MAX)]
Maybe = Annotated[str, Meta(max_length=NAME_MAX)]
Words = Annotated[str, Meta(max_length=500)]
Declared = Literal[
    "unclear", "verification", "service", "commercial", "public", "personal", "asking"
]
Verdict = Literal["pass", "hold", "refuse"]
Epoch = Annotated[int, Meta(description="epoch milliseconds, UTC")]


class In(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something handed in."""


class Out(msgspec.Struct, frozen=True, kw_only=True):
    """Something answered."""


# Problems


class Wrong(Out, frozen=True, kw_only=True):
    """One thing that is wrong with what was handed in, and what would mend it."""

    field: Annotated[str, Meta(description="where it stands; empty for the whole")]
    problem: Annotated[str, Meta(description="what is wrong; numbers are masked")]
    remedy: Annotated[str, Meta(description="what would mend it")]


class ProblemDetails(Out, frozen=True, kw_only=True):
    """RFC 9457."""

    type: Annotated[str, Meta(description="urn:qingjing:problem:NAME")]
    title: str
    title_zh: str
    status: int
    detail: str
    errors: list[Wrong] = msgspec.field(default_factory=list)


# Messages


class Message(In, frozen=True, kw_only=True):
    """One message to one person."""

    to: Number
    text: Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)]
    port: Annotated[str, Meta(max_length=21, description="default: the account's own port")] = (
        ""
    )
    declared: Declared = "unclear"
    ref: Annotated[str, Meta(max_length=NAME_MAX, description="yours; comes back")] = ""


class Messages(In, frozen=True, kw_only=True):
    """Messages to be decided together, each for itself."""

    messages: Annotated[list[Message], Meta(min_length=1)]


class Rule(Out, frozen=True, kw_only=True):
    """Why a message may not leave, and what would mend it."""

    effect: Verdict
    duty: Annotated[str, Meta(description="the duty in docs/law.csv")]
    en: str
    zh: str
    remedy_en: str
    remedy_zh: str


class Answer(Out, frozen=True, kw_only=True):
    """What became of one message, in the order of the request."""

    to: Annotated[str, Meta(description="masked")]
    ref: str
    state: Literal["decided", "slow_down", "unreadable"]
    message: Annotated[str | None, Meta(description="its id; none when it was not decided")] = (
        None
    )
    verdict: Verdict | None = None
    reasons: Annotated[list[str], Meta(description="names of rules, see `rules`")] = (
        msgspec.field(default_factory=list)
    )


class Answers(Out, frozen=True, kw_only=True):
    """Answers to the messages of a request."""

    answers: list[Answer]
    rules: Annotated[dict[str, Rule], Meta(description="the rules that any answer names")]


class Question(In, frozen=True, kw_only=True):
    """A message that is not sent."""

    to: Number
    text: Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)]
    port: Annotated[str, Meta(max_length=21, description="default: the account's own port")] = (
        ""
    )
    declared: Declared = "unclear"
    carrier: Literal["", "mobile", "unicom", "telecom", "broadnet"] = ""
    at: Annotated[
        str, Meta(max_length=40, description="as if sent then (Beijing time); default: now")
    ] = ""


class Reading(Out, frozen=True, kw_only=True):
    """How a text was read."""

    kind: str
    category: str
    why: list[str]
    signature: str
    notice: str


class Explained(Out, frozen=True, kw_only=True):
    """What the gate would say, and everything that it rests on."""

    verdict: Verdict
    reasons: list[str]
    rules: dict[str, Rule]
    reading: Reading
    declared: str
    counts_as: str
    sender: str
    group: str
    port: str
    carrier: str
    grant: str
    facts: list[int]
    standing: str
    grounds: int
    grounds_en: str
    grounds_zh: str
    rulebook: str
    case: int
    position: int


class Step(Out, frozen=True, kw_only=True):
    """Something that happened to a message, or to a part of it."""

    what: Literal["released", "stopped", "answered", "rejected", "unknown", "reported", "told"]
    at: Epoch
    part: Annotated[int, Meta(description="from 1; 0 for the whole")]
    stat: str
    reasons: list[str]


class Status(Out, frozen=True, kw_only=True):
    """A message, from its decision to its end."""

    message: str
    account: str
    state: Literal[
        "refused", "held", "queued", "released", "stopped", "answered", "reported", "told"
    ]
    verdict: Verdict
    reasons: list[str]
    rules: dict[str, Rule]
    port: str
    signature: str
    sender: str
    decided_at: Epoch
    rulebook: str
    position: Annotated[int, Meta(description="of the decision, in the ledger")]
    steps: list[Step]


# What comes back


class Report(Out, frozen=True, kw_only=True):
    """The end of a message."""

    id: str
    message: str
    to: Annotated[str, Meta(description="masked")]
    port: str
    stat: Annotated[str, Meta(description="DELIVRD, or why not")]
    submitted_at: Epoch
    done_at: Epoch


class Reply(Out, frozen=True, kw_only=True):
    """What a person wrote to one of the account's ports."""

    id: str
    sender: Annotated[str, Meta(description="the person's number, whole")]
    port: str
    words: str
    meaning: Literal["opt_out", "opt_in", "help", "complaint", "unclear"]
    at: Epoch


class Reports(Out, frozen=True, kw_only=True):
    """A page of reports, the oldest first."""

    items: list[Report]
    next: Annotated[str, Meta(description="the cursor of the next page")]
    more: bool


class Replies(Out, frozen=True, kw_only=True):
    """A page of replies, the oldest first."""

    items: list[Reply]
    next: Annotated[str, Meta(description="the cursor of the next page")]
    more: bool


class Hook(In, frozen=True, kw_only=True):
    """An address that is to be told."""

    url: Annotated[str, Meta(min_length=1, max_length=500)]
    kinds: Annotated[list[Literal["report", "reply"]], Meta(min_length=1, max_length=2)] = (
        msgspec.field(default_factory=lambda: ["report", "reply"])
    )


class Hooked(Out, frozen=True, kw_only=True):
    """An address that is told."""

    id: str
    url: str
    kinds: list[str]
    made_at: Epoch
    waiting: Annotated[int, Meta(description="events that are tried again")]
    dead: Annotated[int, Meta(description="deliveries given up")]


class NewHook(Out, frozen=True, kw_only=True):
    """A new one, with its secret, which is not told again."""

    id: str
    url: str
    kinds: list[str]
    secret: Annotated[str, Meta(description="whsec_ and Base64: the key of the HMAC")]


class Hooks(Out, frozen=True, kw_only=True):
    """All of the account's."""

    items: list[Hooked]


class Dead(Out, frozen=True, kw_only=True):
    """A delivery that was given up."""

    id: str
    events: int
    tries: int
    problem: str


class DeadLetters(Out, frozen=True, kw_only=True):
    """The deliveries of a webhook that were given up, the oldest first."""

    items: list[Dead]


class Retried(Out, frozen=True, kw_only=True):
    """How many deliveries are tried again."""

    retried: int
