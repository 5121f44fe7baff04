"""Interchange: leads, answers and states between installations, as signed JSON.

One message is one JSON object in its one canonical form: what it says, and an Ed25519
signature by the key of the installation's ledger. Its id is the origin and a place in the
origin's log, so that it is the same message for ever: sent twice it does nothing twice, and
another under the same id is refused. ``docs/complaints.md`` has the format, beside it stands
the JSON Schema that ``schema`` makes.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

from qingjing.desk.anchor import ed25519_verify
from qingjing.desk.complaint import record, understand
from qingjing.desk.entries import About, InputError, Problem
from qingjing.desk.lead import EVIDENCE_MAX, WORDS_MAX, judge
from qingjing.desk.ports import Ledger, Transaction
from qingjing.desk.said import Said, found, said_of
from qingjing.desk.steps import move, sealed_of, words_of
from qingjing.desk.trace import fingerprint
from qingjing.desk.weigh import weigh
from qingjing.kernel import facts as f
from qingjing.kernel.cases import TERM_MAX, Case, CaseState, Move
from qingjing.kernel.facts import CaseStep, Outcome
from qingjing.kernel.note import Key, NoteError, check, parse_note
from qingjing.kernel.words import Door
from qingjing.text.complaint import TEXT_MAX, is_personal, sender_number

FORMAT: Final = "qingjing.interchange/1"
MESSAGE_MAX: Final = 2 * EVIDENCE_MAX
"""Bytes of one message: the evidence in base64, and room."""

Text = Annotated[str, Meta(max_length=TEXT_MAX)]
Short = Annotated[str, Meta(max_length=200)]
Days = Annotated[int, Meta(ge=1, le=TERM_MAX)]
Epoch = Annotated[int, Meta(ge=0, le=253_402_300_800_000)]
Id = Annotated[str, Meta(min_length=3, max_length=300, pattern=r"^\S+/[0-9]+$")]


class _Message(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"
):
    """``id`` is origin/position; ``to`` the name of the installation that it is meant for."""

    id: Id
    origin: Short
    to: Short
    at: Epoch


class Lead(_Message, frozen=True, kw_only=True, tag="lead"):
    """A complaint that the receiver must answer.

    ``phone`` is the complainant's number when it may be disclosed; else empty, and
    ``fingerprint`` is scrypt(number, ``nonce``, n=4096, r=8, p=1, 16 bytes), by which whoever
    sent to that number can know it again.
    """

    number: Annotated[str, Meta(max_length=21)]
    text: Text
    told_at: Epoch
    received_at: Epoch
    rulebook: Short
    answer_days: Days
    phone: Annotated[str, Meta(max_length=11)] = ""
    fingerprint: bytes = b""
    nonce: bytes = b""
    why: Short = ""


class Answer(_Message, frozen=True, kw_only=True, tag="answer"):
    """What the receiver of the lead ``re`` says, with a proof bundle or case pack."""

    re: Id
    words: Annotated[str, Meta(max_length=WORDS_MAX)]
    evidence: bytes = b""


class State(_Message, frozen=True, kw_only=True, tag="state"):
    """What became of the lead ``re`` at its origin. ``against`` is whom the finding names."""

    re: Id
    outcome: Literal["upheld", "dismissed", "unresolved"]
    reason: Short
    against: Short = ""


Message = Lead | Answer | State


class Envelope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message with the signature of its origin over ``signed_text``, in base64."""

    format: Literal["qingjing.interchange/1"]
    message: Message
    signature: str


class Exchanged(NamedTuple):
    """What a message did here. ``new`` is false when it had come before."""

    kind: str
    id: str
    number: str
    new: bool


def signed_text(message: Message) -> str:
    """What is signed: the format and the message's deterministic JSON, a line each."""
    return f"{FORMAT}\n{msgspec.json.encode(message, order='deterministic').decode()}\n"


def schema() -> dict[str, Any]:
    """The JSON Schema of a message in its envelope (2020-12)."""
    return msgspec.json.schema(Envelope)


def write(ledger: Ledger, message: Message) -> bytes:
    """A message as it travels, signed by this ledger's key."""
    note = parse_note(ledger.sign(signed_text(message)))
    line = note.signatures[0].text().strip()
    envelope = Envelope(format="qingjing.interchange/1", message=message, signature=line)
    return msgspec.json.encode(envelope, order="deterministic")


def read(data: bytes, key: Key | None = None) -> Message:
    """Read a message, and if there is a key check that it signed it.

    InputError says what is wrong: form, version, size, signature.
    """
    if len(data) > MESSAGE_MAX:
        raise _wrong("message", f"has {len(data)} bytes", f"at most {MESSAGE_MAX}")
    try:
        envelope = msgspec.json.decode(data, type=Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong("message", f"is not {FORMAT}: {error}", "see its schema") from None
    if msgspec.json.encode(envelope, order="deterministic") != data.strip():
        raise _wrong("message", "is not in its one canonical form", "send it as it was signed")
    message = envelope.message
    if message.id.rpartition("/")[0] != message.origin:
        raise _wrong("id", "is not of its origin", "an id is ORIGIN/POSITION")
    if key is not None:
        text = signed_text(message) + "\n" + envelope.signature + "\n"
        try:
            check(parse_note(text.encode()), (key,), ed25519_verify)
        except NoteError as error:
            raise _wrong("signature", str(error), "is the key the origin's?") from None
    return message


def trust(ledger: Ledger, t: Transaction, party: str, key: str) -> int:
    """From now on take what this key signs for a party; an empty key ends the trust."""
    about = About([], "")
    if ledger.register.party(party) is None:
        about.wrong("party", f"{party!r} is not known", "register the party first")
    try:
        text = Key.parse(key).text() if key else ""
    except NoteError as error:
        about.wrong("key", str(error), "give the line that `qingjing keys show` prints")
    if not about.sound:
        raise InputError(about.problems)
    return t.append(f.PeerKeyed(party=party, key=text))


def told(ledger: Ledger, number: str) -> bytes:
    """The newest thing that another installation must know of a case: the lead that it was
    forwarded, our answer to its lead, or how we decided. The same again is the same bytes."""
    case = found(ledger, number)
    if case.received.exchange and (step := case.last(CaseStep.ANSWERED)) is not None:
        return write(ledger, _answer(ledger, case, step))
    lead = _forwarded(ledger, case)
    if lead is None:
        raise _wrong("number", "is not with another installation", "forward it first")
    decided = case.last(CaseStep.DECIDED)
    if decided is None or decided.fact.outcome is None:
        return write(ledger, _lead(ledger, case, lead))
    return write(
        ledger,
        State(
            **_head(ledger, lead.fact.party, decided),
            re=_id(ledger, lead.position),
            outcome=decided.fact.outcome.value,
            reason=decided.fact.reason,
            against=decided.fact.party,
        ),
    )


def _forwarded(ledger: Ledger, case: Case) -> Move | None:
    """The newest forwarding to a party whose installation is known."""
    for step in reversed(case.moves):
        to = step.fact.step in (CaseStep.FORWARDED, CaseStep.HANDED)
        if to and ledger.cases.peers.get(step.fact.party):
            return step
    return None


def _id(ledger: Ledger, position: int) -> str:
    return f"{ledger.key.name}/{position}"


def _head(ledger: Ledger, party: str, step: Move) -> dict[str, Any]:
    peer = Key.parse(ledger.cases.peers[party]).name
    return {
        "id": _id(ledger, step.position),
        "origin": ledger.key.name,
        "to": peer,
        "at": step.at,
    }


def _lead(ledger: Ledger, case: Case, step: Move) -> Lead:
    said = said_of(ledger, case)
    if said is None:
        raise _wrong("number", "what was said was erased", "decide it without an answer")
    nonce = ledger.keyed(b"lead nonce %d" % case.complaint)
    shown = case.received.disclose
    return Lead(
        **_head(ledger, step.fact.party, step),
        number=said.number,
        text=said.text,
        told_at=case.told_at,
        received_at=case.at,
        rulebook=case.received.rulebook,
        answer_days=case.received.answer_days,
        phone=said.phone if shown else "",
        fingerprint=b"" if shown else fingerprint(said.phone, nonce),
        nonce=b"" if shown else nonce,
        why=case.lead.why if case.lead else "",
    )


def _answer(ledger: Ledger, case: Case, step: Move) -> Answer:
    origin, _, _digest = case.received.exchange.partition(" ")
    peer = next(
        party
        for party, key in ledger.cases.peers.items()
        if key and Key.parse(key).name == origin.rpartition("/")[0]
    )
    sealed = sealed_of(ledger, step)
    return Answer(
        **_head(ledger, peer, step),
        re=origin,
        words=words_of(ledger, step),
        evidence=sealed.evidence if sealed else b"",
    )


def take(ledger: Ledger, t: Transaction, data: bytes) -> Exchanged:
    """Take in one message of an installation that is trusted; InputError when it is not, is
    meant for another, or does not fit what is known here. Acknowledge after the commit."""
    message = read(data)
    party, key = _peer(ledger, message.origin)
    read(data, key)
    if message.to != ledger.key.name:
        raise _wrong("to", f"is {message.to!r}", f"this installation is {ledger.key.name!r}")
    kind = str(message.__struct_config__.tag)
    digest = hashlib.sha256(signed_text(message).encode()).hexdigest()[:32]
    place = ledger.cases.exchanged(message.id)
    if place:
        recorded = ledger.fact(place)
        told = getattr(recorded.fact, "exchange", "") if recorded else ""
        if told != f"{message.id} {digest}":
            raise _wrong("id", "came before with another content", "a message never changes")
        complaint = getattr(recorded.fact, "complaint", 0) if recorded else 0
        case = ledger.cases.case(complaint or place)
        return Exchanged(kind, message.id, case.number if case else "", False)
    exchange = f"{message.id} {digest}"
    match message:
        case Lead():
            case = _take_lead(ledger, t, message, exchange)
        case Answer():
            case = _take_answer(ledger, t, message, party, exchange)
        case State():
            case = _take_state(ledger, t, message, exchange)
    return Exchanged(kind, message.id, case.number, True)


def _peer(ledger: Ledger, origin: str) -> tuple[str, Key]:
    for party, text in ledger.cases.peers.items():
        if text and (key := Key.parse(text)).name == origin:
            return party, key
    raise _wrong("origin", f"{origin!r} is not trusted", "`qingjing complaint trust` its key")


def _take_lead(ledger: Ledger, t: Transaction, lead: Lead, exchange: str) -> Case:
    number = sender_number(lead.number)
    if not number or not lead.text.strip():
        raise _wrong("lead", "lacks number or text", "a lead is of a valid complaint")
    about = About([], "")
    phone = about.phone(lead.phone) if lead.phone else None
    if not about.sound:
        raise InputError(about.problems)
    person = t.remember(phone) if phone is not None else None
    fact = f.ComplaintReceived(
        person=person.key if person else b"",
        handle=person.handle if person else 0,
        door=Door.COMPLAINT,
        port="" if is_personal(number) else number,
        told_at=lead.told_at,
        lacks=(),
        disclose=bool(lead.phone),
        centre=lead.origin,
        rulebook=lead.rulebook,
        forward_days=lead.answer_days,
        answer_days=lead.answer_days,
        exchange=exchange,
        words=b"",
    )
    said = Said(b"", lead.phone, "", number, lead.text, lead.fingerprint, lead.nonce)
    case = ledger.cases.case(record(ledger, t, fact, said))
    assert case is not None
    understand(ledger, t, case)
    return case


def _take_answer(
    ledger: Ledger, t: Transaction, answer: Answer, party: str, exchange: str
) -> Case:
    case = _of(ledger, answer.re)
    if case.state is not CaseState.FORWARDED or case.party != party:
        raise _wrong("re", f"is {case.state.value}, with {case.party}", "answer what you have")
    weighed = weigh(ledger, case, answer.evidence)
    fact = f.CaseMoved(
        complaint=case.complaint,
        step=CaseStep.ANSWERED,
        by=answer.origin,
        party=party,
        checked=weighed.checked,
        exchange=exchange,
    )
    move(ledger, t, fact, answer.words, answer.evidence)
    judge(ledger, t, case, weighed.checked, weighed.sender)
    return case


def _take_state(ledger: Ledger, t: Transaction, state: State, exchange: str) -> Case:
    """The origin of a lead that we took says how it decided: the case is closed here, too."""
    case = ledger.cases.case(ledger.cases.exchanged(state.re))
    if case is None or state.re.rpartition("/")[0] != state.origin:
        raise _wrong("re", "is no lead of this origin that came here", "send the lead first")
    t.append(
        f.CaseMoved(
            complaint=case.complaint,
            step=CaseStep.DECIDED,
            by=state.origin,
            party=state.against,
            reason=state.reason,
            outcome=Outcome(state.outcome),
            exchange=exchange,
        )
    )
    return case


def _of(ledger: Ledger, message: str) -> Case:
    """The case of a message that we sent, by its id."""
    origin, _, place = message.rpartition("/")
    recorded = ledger.fact(int(place)) if origin == ledger.key.name else None
    case = None
    if recorded is not None and isinstance(recorded.fact, f.CaseMoved):
        case = ledger.cases.case(recorded.fact.complaint)
    if case is None:
        raise _wrong("re", "is no message of this installation", "name the lead's id")
    return case


def _wrong(field: str, problem: str, remedy: str) -> InputError:
    return InputError([Problem("", field, problem, remedy)])
