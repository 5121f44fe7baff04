"""Complain: whatever came is kept as it came, read, linked and acknowledged; nothing is lost.

A complaint is valid (有效) when it has who complains, the number complained of and the text.
What lacks is asked for, and the clock begins when it is there. The complainant is known by a
keyed hash; number, text and words stand under seal beside the fact. A complaint is a refusal,
too.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

import msgspec

from qingjing.desk.consent import refusals
from qingjing.desk.entries import About, InputError, Problem
from qingjing.desk.ports import Ledger, Transaction
from qingjing.desk.said import CONTEXT, Said, code_of, commitment, opened, said_of
from qingjing.desk.send import Desk, NoRulebookError
from qingjing.desk.steps import due_of, words_of
from qingjing.desk.texts import masked
from qingjing.kernel import facts as f
from qingjing.kernel.cases import DAY_MS, TERM_MAX, Case, CaseState
from qingjing.kernel.rulebook import Rulebook, choose
from qingjing.kernel.words import Door, Phone
from qingjing.text import complaint as forms
from qingjing.text.reading import Reading, read

COMPLETE_DAYS: Final = 7
"""Days within which an SMS by the same person completes what it sent before."""


class Complaint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A complaint as a door hands it in: free ``words``, or ``number`` and ``text``, or both.

    ``told_at`` is when the message came, as the complainant says.
    """

    phone: str
    words: str = ""
    number: str = ""
    text: str = ""
    told_at: str = ""
    door: str = "web"
    disclose: bool = False
    centre: str = ""


class Receipt(NamedTuple):
    """The acknowledgement, to be given after the commit. ``code`` opens the status.

    ``ask_zh`` and ``ask_en`` ask for what lacks; ``refused`` is the group whose marketing stops
    from now on.
    """

    number: str
    code: str
    lacks: tuple[str, ...]
    ask_zh: str
    ask_en: str
    duplicate_of: str
    flags: tuple[str, ...]
    refused: str


class Taken(NamedTuple):
    """What came of many: a receipt for each that was taken, a problem for each that was not."""

    receipts: tuple[Receipt, ...]
    problems: tuple[Problem, ...]


def receive(ledger: Ledger, t: Transaction, given: Complaint) -> Receipt:
    """Take in one complaint; InputError when not even who complains can be known.

    By SMS, what the same person sends within ``COMPLETE_DAYS`` completes what lacked before.
    """
    about = About([], "")
    phone = about.phone(given.phone)
    told_at = about.past("told_at", given.told_at, t.at) if given.told_at else 0
    door = about.word("door", Door, given.door)
    if given.number and not forms.sender_number(given.number):
        about.wrong("number", "is no number that a message can come from", "5 to 21 digits")
    if len(given.text) > forms.TEXT_MAX or len(given.words) > 2 * forms.TEXT_MAX:
        about.wrong(
            "text", f"is longer than {forms.TEXT_MAX} characters", "give its first part"
        )
    if phone is None or door is None or not about.sound:
        raise InputError(about.problems)
    read = forms.read_forwarded(given.words)
    said = Said(
        salt=b"",
        phone=phone.digits,
        words=given.words,
        number=forms.sender_number(given.number) or read.number,
        text=given.text.strip() or read.text,
    )
    earlier = _completes(ledger, phone, said, t.at) if door is Door.REPLY else None
    if earlier is not None:
        return _complete(ledger, t, earlier, said, told_at)
    return _begin(ledger, t, given, said, phone, door, told_at)


def receive_many(ledger: Ledger, t: Transaction, given: Sequence[Complaint]) -> Taken:
    """Take in many; one that is wrong is told and stops no other."""
    receipts: list[Receipt] = []
    problems: list[Problem] = []
    for place, one in enumerate(given, 1):
        try:
            receipts.append(receive(ledger, t, one))
        except InputError as error:
            problems += [problem._replace(where=f"row {place}") for problem in error.problems]
    return Taken(tuple(receipts), tuple(problems))


def complete(
    ledger: Ledger,
    t: Transaction,
    number: str,
    code: str,
    *,
    words: str = "",
    told_at: str = "",
) -> Receipt:
    """Add what lacked, by receipt number and code; InputError when these do not fit."""
    case = opened(ledger, number, code)
    about = About([], "")
    at = about.past("told_at", told_at, t.at) if told_at else 0
    if not case.lacks:
        about.wrong("number", "nothing lacks", "wait for the answer, or dispute it")
    if not about.sound:
        raise InputError(about.problems)
    read, lacks = forms.read_forwarded(words), case.lacks
    text = read.text or ("" if read.number else words.strip())
    said = Said(
        b"",
        "",
        words,
        read.number if "number" in lacks else "",
        text if "text" in lacks else "",
    )
    return _complete(ledger, t, case, said, at)


def _begin(
    ledger: Ledger,
    t: Transaction,
    given: Complaint,
    said: Said,
    phone: Phone,
    door: Door,
    told_at: int,
) -> Receipt:
    book = choose(ledger.books, t.at)
    if book is None:
        raise NoRulebookError("no rulebook is in force: its days are the complaint's clock")
    forward_days, answer_days = terms(book, given.centre)
    lacks = forms.Forwarded(said.number, said.text).lacks
    person = t.remember(phone)  # last, so that what is refused leaves nothing behind
    fact = f.ComplaintReceived(
        person=person.key,
        handle=person.handle,
        door=door,
        port=_port(said.number),
        told_at=told_at,
        lacks=lacks,
        disclose=given.disclose,
        centre=given.centre,
        rulebook=book.name,
        forward_days=forward_days,
        answer_days=answer_days,
        words=b"",
    )
    complaint = record(ledger, t, fact, said)
    return _understood(ledger, t, complaint)


def record(ledger: Ledger, t: Transaction, fact: f.ComplaintReceived, said: Said) -> int:
    """Write the fact with its words under seal; its position."""
    salt = ledger.keyed(b"complaint salt %d" % (t.position + 1))
    said = msgspec.structs.replace(said, salt=salt)
    sealed = ledger.seal(msgspec.msgpack.encode(said), CONTEXT)
    hashed = hashlib.sha256(sealed).digest()
    fact = msgspec.structs.replace(fact, words=hashed, commitment=commitment(said))
    position = t.append(fact)
    t.attach(position, b"", sealed)
    return position


def _port(number: str) -> str:
    return "" if forms.is_personal(number) else number


def _complete(ledger: Ledger, t: Transaction, case: Case, said: Said, told_at: int) -> Receipt:
    whole = said_of(ledger, case)
    had = whole or Said(b"", "", "", "", "")
    number, text = had.number or said.number, had.text or said.text
    fact = msgspec.structs.replace(
        case.received,
        complaint=case.complaint,
        port=_port(said.number) or case.port,
        told_at=told_at or case.told_at,
        lacks=forms.Forwarded(number, text).lacks,
        exchange="",
    )
    record(ledger, t, fact, said)
    return _understood(ledger, t, case.complaint)


def _understood(ledger: Ledger, t: Transaction, complaint: int) -> Receipt:
    """Read, link and flag what is complete; let the refusal take effect; the receipt."""
    case = ledger.cases.case(complaint)
    assert case is not None  # recorded a moment ago, in the same transaction
    duplicate, refused = 0, ""
    flags: tuple[str, ...] = ()
    if not case.lacks:
        duplicate, flags = understand(ledger, t, case)
        refused = ledger.register.group_of_port(case.port) or ""
        refused = refuse(ledger, t, case, refused)
    first = ledger.cases.case(duplicate)
    asked = forms.ask_for(case.lacks, case.number) if case.lacks else ("", "")
    code = code_of(ledger, complaint)
    same = first.number if first else ""
    return Receipt(case.number, code, case.lacks, *asked, same, flags, refused)


def understand(ledger: Ledger, t: Transaction, case: Case) -> tuple[int, tuple[str, ...]]:
    """Read the text complained of: kind, category, template; earlier same; what is unusual."""
    said = said_of(ledger, case)
    reading = _read(masked(said.text if said else ""))
    handle = case.received.handle
    duplicate = (
        ledger.cases.same(handle, case.port, reading.template_key, t.at) if handle else 0
    )
    flags = ledger.cases.flags(handle, reading.template_key, t.at)
    t.append(
        f.ComplaintUnderstood(
            complaint=case.complaint,
            read_kind=int(reading.kind),
            read_category=int(reading.category),
            confidence=round(reading.confidence, 4),
            signature=reading.signature or "",
            template_key=reading.template_key,
            duplicate_of=duplicate,
            flags=flags,
        )
    )
    return duplicate, flags


@lru_cache(maxsize=4096)
def _read(body: str) -> Reading:
    """The reading of a masked text, as the gate makes it: campaigns are complained of a lot."""
    return read(body)


def refuse(ledger: Ledger, t: Transaction, case: Case, group: str) -> str:
    """A complaint is a refusal of the group; empty when there is none or it is refused."""
    own = case.received
    if not group or not own.handle or group in refusals(ledger, own.handle):
        return ""
    t.append(
        f.RefusalRecorded(
            person=own.person,
            handle=own.handle,
            group=group,
            door=Door.COMPLAINT,
            port=case.port,
            evidence=f"fact {case.complaint}",
        )
    )
    return group


def _completes(ledger: Ledger, phone: Phone, said: Said, at: int) -> Case | None:
    """The person's newest complaint, when it lacks just what comes now."""
    for recorded in reversed(ledger.facts_of(ledger.find(phone).handle)):
        fact = recorded.fact
        if not isinstance(fact, f.ComplaintReceived) or fact.complaint:
            continue
        case = ledger.cases.case(recorded.position)
        fresh = at - recorded.at <= COMPLETE_DAYS * DAY_MS
        if case is None or not fresh or case.state is not CaseState.INCOMPLETE:
            return None
        lacking = forms.Forwarded(said.number, said.text).lacks
        return case if lacking and set(case.lacks) - set(lacking) else None
    return None


class Status(NamedTuple):
    """What the complainant is told. Times are epoch ms, ``due`` a Beijing day or empty."""

    number: str
    state: str
    received_at: int
    lacks: tuple[str, ...]
    kind: int
    category: int
    forwarded_at: int
    due: str
    stopped: str
    answer: str
    outcome: str
    reason: str
    duplicate_of: str


def status(desk: Desk, number: str, code: str) -> Status:
    """How a complaint stands, by number and code. InputError when they do not fit."""
    ledger = desk.ledger
    case = opened(ledger, number, code)
    understood, decided = case.understood, case.last(f.CaseStep.DECIDED)
    forwarded = case.first(f.CaseStep.FORWARDED)
    answered = case.last(f.CaseStep.ANSWERED)
    first = ledger.cases.case(understood.duplicate_of) if understood else None
    return Status(
        number=case.number,
        state=case.state.value,
        received_at=case.at,
        lacks=case.lacks,
        kind=understood.read_kind if understood else 0,
        category=understood.read_category if understood else 0,
        forwarded_at=forwarded.at if forwarded else 0,
        due=due_of(ledger, case),
        stopped=case.stopped.value if case.stopped else "",
        answer=words_of(ledger, answered) if answered else "",
        outcome=case.outcome.value if case.outcome else "",
        reason=decided.fact.reason if decided else "",
        duplicate_of=first.number if first else "",
    )


@cache
def _centres() -> dict[str, dict[str, dict[str, Any]]]:
    return tomllib.loads(files("qingjing").joinpath("centres.toml").read_text("utf-8"))


def terms(book: Rulebook, centre: str) -> tuple[int, int]:
    """Working days to forward and to answer: the centre's own, else the rulebook's.

    InputError when a centre is named that the table does not have for this rulebook.
    """
    if not centre:
        return book.forward_days, book.answer_days
    row = _centres().get(centre, {}).get(book.name)
    if row is None:
        known = ", ".join(_centres()) or "none"
        remedy = f"use one of {known}, or none for the rulebook's own days"
        raise InputError([Problem("", "centre", f"{centre!r} has no terms here", remedy)])
    days = int(row["forward_days"]), int(row["answer_days"])
    if not all(0 < one <= TERM_MAX for one in days):
        raise ValueError(f"centres.toml: {centre}: days must be 1 to {TERM_MAX}")
    return days
