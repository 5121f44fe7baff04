"""Routes of complaints: for apps and carriers, for who must answer, for installations."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import get, post
from litestar.params import JSONBody
from msgspec import Meta

from qingjing.desk import complaint, interchange, lead
from qingjing.desk.said import said_of
from qingjing.desk.send import Desk
from qingjing.desk.steps import due_of
from qingjing.doors.api.rooms import Here, Who, opened_by
from qingjing.doors.api.shapes import Epoch, In, Maybe, Name, Number, Out
from qingjing.kernel.cases import CaseState
from qingjing.kernel.words import Category, Kind
from qingjing.text.complaint import TEXT_MAX

Text = Annotated[str, Meta(max_length=TEXT_MAX)]
Receipt = Annotated[str, Meta(min_length=1, max_length=40, description="receipt number")]
Code = Annotated[str, Meta(min_length=1, max_length=20, description="code of the receipt")]
Answer = Annotated[str, Meta(min_length=1, max_length=lead.WORDS_MAX)]
LEADS_MAX = 1_000
"""Leads told at once, the oldest first: those are due first."""


class NewComplaint(In, frozen=True, kw_only=True):
    """A complaint: number and text, or free words, or both."""

    phone: Number
    words: Text = ""
    number: Annotated[str, Meta(max_length=32, description="the number complained of")] = ""
    text: Text = ""
    told_at: Annotated[str, Meta(max_length=40, description="when the message came")] = ""
    door: Literal["reply", "web", "app", "call", "paper", "carrier"] = "app"
    disclose: Annotated[bool, Meta(description="the party may know who complains")] = False
    centre: Maybe = ""


class Received(Out, frozen=True, kw_only=True):
    """The receipt. The code is not told again; ``lacks`` is what is asked for."""

    number: str
    code: str
    lacks: list[str]
    ask_zh: str
    ask_en: str
    duplicate_of: str
    flags: list[str]


class Addition(In, frozen=True, kw_only=True):
    """What a complaint lacked."""

    number: Receipt
    code: Code
    words: Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)]
    told_at: Annotated[str, Meta(max_length=40)] = ""


class LookUp(In, frozen=True, kw_only=True):
    """Which complaint, and that it is one's own."""

    number: Receipt
    code: Code


class Standing(Out, frozen=True, kw_only=True):
    """How a complaint stands. ``due`` is a Beijing day, or says why there is none."""

    number: str
    state: str
    received_at: Epoch
    lacks: list[str]
    kind: str
    category: str
    forwarded_at: Epoch
    due: str
    stopped: str
    answer: str
    outcome: str
    reason: str
    reason_zh: str
    reason_en: str
    duplicate_of: str


class Dispute(In, frozen=True, kw_only=True):
    """The complainant does not accept it."""

    number: Receipt
    code: Code
    words: Answer


class Fact(Out, frozen=True, kw_only=True):
    """Where it stands in the log."""

    position: int


class Lead(Out, frozen=True, kw_only=True):
    """A lead as the party that must answer sees it: who complains is there only if that person
    agreed."""

    number: str
    party: str
    port: str
    text: str
    told_at: Epoch
    received_at: Epoch
    kind: str
    category: str
    why: str
    why_zh: str
    why_en: str
    due: str
    phone: Annotated[str, Meta(description="empty unless the complainant agreed")]


class Leads(Out, frozen=True, kw_only=True):
    """Leads that wait for an answer, the oldest first."""

    items: list[Lead]


class LeadAnswer(In, frozen=True, kw_only=True):
    """What the party says, with a proof bundle or case pack in base64."""

    number: Receipt
    party: Name
    words: Answer
    evidence: bytes = b""


class Weighed(Out, frozen=True, kw_only=True):
    """What the machine made of the evidence, and where the case stands now."""

    checked: str
    state: str


class Exchanged(Out, frozen=True, kw_only=True):
    """What a message of another installation did; ``new`` is false when it had come before."""

    kind: str
    id: str
    number: str
    new: bool


@post("/v1/complaints", summary="Take in a complaint", **opened_by("complaints"))
async def receive(data: JSONBody[NewComplaint], rooms: Here) -> Received:
    """Answered when it is on disk; what lacks is named and asked for, nothing is dropped."""
    given = complaint.Complaint(**msgspec.structs.asdict(data))
    return _received(await rooms.clerk.write(complaint.receive, given))


def _received(receipt: complaint.Receipt) -> Received:
    return msgspec.convert(receipt._asdict(), Received)


@post("/v1/complaints/additions", summary="Add what lacked", **opened_by("complaints"))
async def add(data: JSONBody[Addition], rooms: Here) -> Received:
    """By receipt number and code; the clock begins when nothing lacks any more."""
    receipt = await rooms.clerk.write(
        complaint.complete, data.number, data.code, words=data.words, told_at=data.told_at
    )
    return _received(receipt)


@post(
    "/v1/complaints/lookups",
    summary="How a complaint stands",
    status_code=200,
    **opened_by("complaints"),
)
async def look_up(data: JSONBody[LookUp], rooms: Here) -> Standing:
    """By receipt number and code; a wrong one and an unknown one are answered alike."""
    found = await rooms.clerk.ask(complaint.status, data.number, data.code)
    zh, en = lead.REASONS.get(found.reason, ("", ""))
    plain = found._asdict() | {
        "kind": Kind(found.kind).name.lower(),
        "category": Category(found.category).name.lower(),
        "reason_zh": zh,
        "reason_en": en,
    }
    return msgspec.convert(plain, Standing)


@post("/v1/complaints/disputes", summary="Dispute an answer", **opened_by("complaints"))
async def dispute(data: JSONBody[Dispute], rooms: Here) -> Fact:
    """The complainant does not accept the answer or the decision: once."""
    position = await rooms.clerk.write(lead.dispute, data.number, data.code, data.words)
    return Fact(position=position)


@get("/v1/leads", summary="Leads to answer", **opened_by("leads"))
async def leads(rooms: Here, visitor: Who) -> Leads:
    """Those of the parties that the key acts for, with the day by which to answer."""
    ledger = rooms.desk.ledger
    parties = {
        party.party
        for party in ledger.register.parties()
        if visitor.reaches(ledger, party.party)
    }
    return Leads(items=await rooms.clerk.ask(leads_of, tuple(sorted(parties))))


def leads_of(desk: Desk, parties: tuple[str, ...]) -> list[Lead]:
    """The leads that some parties have now."""
    ledger = desk.ledger
    found: list[Lead] = []
    for case in ledger.cases.open():
        if case.state is not CaseState.FORWARDED or case.party not in parties:
            continue
        said, understood = said_of(ledger, case), case.understood
        why = case.lead.why if case.lead else ""
        zh, en = lead.REASONS.get(why, ("", ""))
        found.append(
            Lead(
                number=case.number,
                party=case.party,
                port=case.port,
                text=said.text if said else "",
                told_at=case.told_at,
                received_at=case.at,
                kind=Kind(understood.read_kind if understood else 0).name.lower(),
                category=Category(understood.read_category if understood else 0).name.lower(),
                why=why,
                why_zh=zh,
                why_en=en,
                due=due_of(ledger, case),
                phone=said.phone if said and case.received.disclose else "",
            )
        )
        if len(found) == LEADS_MAX:
            break
    return found


@post(
    "/v1/leads/answers",
    summary="Answer a lead",
    request_max_body_size=interchange.MESSAGE_MAX,
    **opened_by("leads"),
)
async def answer(data: JSONBody[LeadAnswer], rooms: Here, visitor: Who) -> Weighed:
    """The evidence is checked at once; what the log shows by itself is decided at once."""
    visitor.must_reach(rooms.desk.ledger, "party", data.party)
    checked = await rooms.clerk.write(
        lead.answer, data.number, data.party, data.words, data.evidence, visitor.account
    )
    case = rooms.desk.ledger.cases.by_number(data.number)
    return Weighed(checked=checked, state=case.state.value if case else "")


@post(
    "/v1/interchange",
    summary="Take a message of another installation",
    status_code=200,
    request_max_body_size=interchange.MESSAGE_MAX,
    **opened_by("leads"),
)
async def exchange(data: JSONBody[interchange.Envelope], rooms: Here) -> Exchanged:
    """Signed by a trusted key and meant for this installation; again it does nothing."""
    message = msgspec.json.encode(data, order="deterministic")
    done = await rooms.clerk.write(interchange.take, message)
    return Exchanged(**done._asdict())


ROUTES: tuple[Any, ...] = (receive, add, look_up, dispute, leads, answer, exchange)
