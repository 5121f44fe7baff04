"""Register: parties, ports, signatures, grants, filings: checked whole before any is written.

A description is a mapping of tables, as a register file has them; every field stands in
``docs/register.example.toml``. A single command is a description with one entry. Everything
that is wrong is told at once, nothing is written when anything is, and what the register holds
already is not written again: loading the same file twice changes nothing.

Days are Beijing days. ``valid_until`` is the last day on which something holds; facts carry
the moment after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from stdnum.cn import uscc

from qingjing.desk import alike, papers
from qingjing.desk.codes import code_of
from qingjing.desk.draft import Draft, filed
from qingjing.desk.entries import (
    About,
    ContractEntry,
    DocumentEntry,
    FilingEntry,
    GrantEntry,
    InputError,
    LetterEntry,
    PartyEntry,
    PortEntry,
    Problem,
    SignatureEntry,
    day_end,
    read_entries,
)
from qingjing.desk.ports import Ledger, Transaction
from qingjing.kernel import facts as f
from qingjing.kernel.rulebook import MARKETING_KINDS
from qingjing.kernel.words import Carrier, Filing, PartyRole
from qingjing.text.extract import find_signature
from qingjing.text.normalise import normalise

SIGNATURE_LENGTH_MIN: Final = 2
SIGNATURE_LENGTH_MAX: Final = 32
"""The widest bounds that a vendor publishes: 2 to 12 with most, 2 to 32 with one."""


def load(ledger: Ledger, t: Transaction, description: Mapping[str, Any]) -> tuple[f.Fact, ...]:
    """Check a description against itself and the register, and record what is new in it.

    The facts recorded, none when all was known; for each new signature that is like one of
    another group, the finding that this group is told of. InputError with every problem found,
    and then nothing is recorded.
    """
    draft = Draft(ledger)
    for where, entry in read_entries(description, draft.problems):
        match entry:
            case PartyEntry():
                _take_party(draft, where, entry)
            case PortEntry():
                _take_port(draft, where, entry)
            case SignatureEntry():
                _take_signature(draft, where, entry)
            case GrantEntry():
                _take_grant(draft, where, entry)
            case FilingEntry():
                _take_filing(draft, where, entry)
            case DocumentEntry():
                papers.take_document(draft, where, entry)
            case LetterEntry():
                papers.take_letter(draft, where, entry)
            case ContractEntry():
                papers.take_contract(draft, where, entry)
    if draft.problems:
        raise InputError(draft.problems)
    known = set(ledger.register.signatures())
    for fact in draft.facts:
        t.append(fact)
    told: list[f.Fact] = []
    for fact in draft.facts:
        if isinstance(fact, f.SignatureRegistered) and fact.signature not in known:
            told += alike.tell(ledger, t, fact)
    return (*draft.facts, *told)


def suspend(
    ledger: Ledger, t: Transaction, party: str, reason: str, until: date | None = None
) -> f.PartySuspended:
    """From now on nothing of this sender leaves; ``until`` is the last day, None for open."""
    end = None if until is None else day_end(until)
    problems = _about_party(ledger, party, reason)
    if end is not None and end <= t.at:
        problems.append(Problem("", "until", f"{until} is over", "name today or a later day"))
    if problems:
        raise InputError(problems)
    fact = f.PartySuspended(party=party, reason=reason, until=end)
    t.append(fact)
    return fact


def reinstate(ledger: Ledger, t: Transaction, party: str, reason: str) -> f.PartyReinstated:
    """The suspension ends; InputError when there is none."""
    problems = _about_party(ledger, party, reason)
    if not problems and not ledger.register.stopped_at_once(party, t.at):
        remedy = "nothing to end; a measure ends by `qingjing measure lift`"
        problems.append(Problem("", "party", f"{party!r} is not suspended", remedy))
    if problems:
        raise InputError(problems)
    fact = f.PartyReinstated(party=party, reason=reason)
    t.append(fact)
    return fact


def end_grant(ledger: Ledger, t: Transaction, grant: str, reason: str) -> f.GrantEnded:
    """The grant holds no longer; InputError when it is not in force."""
    problems = [] if reason.strip() else [_NO_REASON]
    if ledger.register.grant(grant) is None:
        remedy = "name a grant that was made and has not ended"
        problems.append(Problem("", "grant", f"{grant!r} is not known", remedy))
    if problems:
        raise InputError(problems)
    fact = f.GrantEnded(grant=grant, reason=reason)
    t.append(fact)
    return fact


def filing(ledger: Ledger, carrier: Carrier, *, port: str = "", signature: str = "") -> Filing:
    """The filing state of a port or signature at a carrier; DRAFTING when nothing was filed."""
    fact = filed(ledger, carrier, port, signature)
    return Filing.DRAFTING if fact is None else fact.state


_NO_REASON: Final = Problem("", "reason", "is empty", "say why, for whoever reads it later")


def _about_party(ledger: Ledger, party: str, reason: str) -> list[Problem]:
    problems = [] if reason.strip() else [_NO_REASON]
    if ledger.register.party(party) is None:
        remedy = "name a registered party"
        problems.append(Problem("", "party", f"{party!r} is not registered", remedy))
    return problems


def _take_party(draft: Draft, where: str, entry: PartyEntry) -> None:
    about = About(draft.problems, where)
    draft.once(draft.parties, about, "party", entry.party)
    about.name("party", entry.party)
    about.filled("name", entry.name)
    group = entry.group or entry.party
    about.name("group", group)
    role = about.word("role", PartyRole, entry.role)
    if not uscc.is_valid(entry.credit_code):
        remedy = "copy the 18 characters of the business licence (统一社会信用代码)"
        about.wrong("credit_code", f"{entry.credit_code!r} fails its check digit", remedy)
    draft.parties[entry.party] = None
    if about.sound and role is not None:
        fact = f.PartyRegistered(
            party=entry.party,
            name=entry.name,
            role=role,
            credit_code=uscc.compact(entry.credit_code),
            group=group,
            licences=entry.licences,
        )
        draft.parties[entry.party] = fact
        if fact != draft.ledger.register.party(entry.party):
            draft.facts.append(fact)


def _take_port(draft: Draft, where: str, entry: PortEntry) -> None:
    about = About(draft.problems, where)
    draft.once(draft.ports, about, "port", entry.port)
    kinds = about.kinds(entry.kinds)
    draft.refer(about, "holder", entry.holder)
    about.filled("licence", entry.licence)
    start, end = about.span(entry.valid_from, entry.valid_until)
    _check_port(about, entry.port, kinds)
    known = draft.ledger.register.port(entry.port)
    if known is not None and known.licence == entry.licence:
        _check_use(about, known, entry.holder, kinds)
    fact = f.PortRegistered(
        port=entry.port,
        holder=entry.holder,
        kinds=kinds,
        licence=entry.licence,
        valid_from=start,
        valid_until=end,
        region=entry.region,
    )
    draft.ports[entry.port] = fact
    if about.sound and fact != known:
        draft.facts.append(fact)


def _check_use(about: About, known: f.PortRegistered, holder: str, kinds: int) -> None:
    """Neither use nor holder changes under the same licence (2020-10 码号资源使用: 不得擅自改变
    用途, 不得转让)."""
    remedy = "name the new licence or assignment that allows it"
    if kinds & ~known.kinds:
        about.wrong("kinds", "would widen the use of the port under its old licence", remedy)
    if holder != known.holder:
        problem = f"would take the port from {known.holder!r} under its old licence"
        about.wrong("holder", problem, remedy)


def _check_port(about: About, port: str, kinds: int) -> None:
    """Digits and length (21 octets on the wire), and the range's own rules where certain."""
    if not (port.isascii() and port.isdigit() and 3 <= len(port) <= 21):
        about.wrong("port", f"{port!r} is no port", "write its 3 to 21 digits and nothing else")
        return
    found = code_of(port)
    if found is None:
        return
    if found.carries == "nothing":
        about.wrong(
            "port", f"{port}: {found.prefix} is {found.use}", "such ports carry no messages"
        )
    elif len(port) < found.length:
        remedy = f"an access code of {found.prefix} has {found.length} digits"
        about.wrong("port", f"{port} is cut short", remedy)
    elif found.carries == "public" and kinds & MARKETING_KINDS:
        remedy = "take commercial and asking from its kinds"
        about.wrong("kinds", f"{found.prefix} is for {found.use}", remedy)


def _take_signature(draft: Draft, where: str, entry: SignatureEntry) -> None:
    about = About(draft.problems, where)
    draft.once(draft.signatures, about, "signature", entry.signature)
    _check_signature(about, entry.signature)
    draft.refer(about, "owner", entry.owner)
    about.filled("proof", entry.proof)
    for sender in entry.senders:
        draft.refer(about, "senders", sender)
    for port in entry.ports:
        if draft.port(port) is None:
            about.wrong("ports", f"port {port!r} is not registered", "register it first")
    known = draft.ledger.register.signature(entry.signature)
    if known is not None and known.owner != entry.owner:
        # One signature, one qualification (law.md §3.1): else whoever files last owns it.
        problem = f"{entry.signature!r} belongs to {known.owner!r}"
        about.wrong("owner", problem, "let its owner name you among its senders")
    fact = f.SignatureRegistered(
        signature=entry.signature,
        owner=entry.owner,
        source=entry.source,
        proof=entry.proof,
        kinds=about.kinds(entry.kinds),
        senders=entry.senders,
        ports=entry.ports,
    )
    draft.signatures[entry.signature] = fact
    if about.sound and fact != known:
        draft.facts.append(fact)


def _check_signature(about: About, signature: str) -> None:
    """What the reader would not find again in a text can never be in scope."""
    if not SIGNATURE_LENGTH_MIN <= len(signature) <= SIGNATURE_LENGTH_MAX:
        remedy = f"use {SIGNATURE_LENGTH_MIN} to {SIGNATURE_LENGTH_MAX} characters"
        about.wrong("signature", f"{signature!r} has {len(signature)} characters", remedy)
        return
    found = find_signature(normalise(f"【{signature}】您好").plain)
    if found is None or found.lookalike or found.text != signature:
        read = "nothing" if found is None else repr(found.text)
        remedy = "write it without brackets, not in digits alone, in half-width letters"
        about.wrong("signature", f"{signature!r} is read in a message as {read}", remedy)


def _take_grant(draft: Draft, where: str, entry: GrantEntry) -> None:
    about = About(draft.problems, where)
    draft.once(draft.grants, about, "grant", entry.grant)
    draft.grants.add(entry.grant)
    about.name("grant", entry.grant)
    for link in {entry.sender, *entry.chain}:
        draft.refer(about, "sender" if link == entry.sender else "chain", link)
    if entry.chain[:1] != (entry.sender,):
        about.wrong("chain", f"does not begin with {entry.sender!r}", "begin with the sender")
    _check_scope(draft, about, entry)
    start, end = about.span(entry.valid_from, entry.valid_until)
    _check_tenant(draft, about, entry, start, end)
    fact = f.GrantMade(
        grant=entry.grant,
        sender=entry.sender,
        port=entry.port,
        signature=entry.signature,
        kinds=about.kinds(entry.kinds),
        chain=entry.chain,
        valid_from=start,
        valid_until=end,
    )
    draft.granted.setdefault(entry.port, []).append(fact)
    known = draft.ledger.register.grant(entry.grant)
    if about.sound and fact != known:
        if known is not None:
            # A grant is not edited: the old one ends, so that no port keeps it.
            draft.facts.append(f.GrantEnded(grant=entry.grant, reason="made anew"))
        draft.facts.append(fact)


def _check_scope(draft: Draft, about: About, entry: GrantEntry) -> None:
    """Port and signature are known, the chain holds the port's holder, the scope is not widened
    (不得扩大签名使用范围)."""
    port, signature = draft.port(entry.port), draft.signature(entry.signature)
    if port is None:
        about.wrong("port", f"port {entry.port!r} is not registered", "register it first")
    elif port.holder not in entry.chain:
        problem = f"does not contain {port.holder!r}, the holder of port {entry.port}"
        about.wrong("chain", problem, "name every party from the sender to the carrier")
    if signature is None:
        remedy = "register it first"
        about.wrong("signature", f"{entry.signature!r} is not registered", remedy)
        return
    if entry.sender not in (signature.senders or (signature.owner,)):
        problem = f"{entry.sender!r} may not use signature {entry.signature!r}"
        about.wrong("sender", problem, "have its owner name the sender in senders")
    if signature.ports and entry.port not in signature.ports:
        problem = f"signature {entry.signature!r} is not for port {entry.port}"
        about.wrong("port", problem, "add the port to the signature's ports")


def _check_tenant(draft: Draft, about: About, entry: GrantEntry, start: int, end: int) -> None:
    """One extension never carries two signatures at one time."""
    kept = [
        x for x in draft.ledger.register.grants_on(entry.port) if x.grant not in draft.grants
    ]
    for other in (*kept, *draft.granted.get(entry.port, ())):
        overlaps = start < other.valid_until and other.valid_from < end
        if overlaps and other.signature != entry.signature:
            problem = f"{entry.port} carries {other.signature!r} by grant {other.grant!r}"
            about.wrong("signature", problem, "use an extension of its own, or end that grant")
            return


def _take_filing(draft: Draft, where: str, entry: FilingEntry) -> None:
    about = About(draft.problems, where)
    state = about.word("state", Filing, entry.state)
    if bool(entry.port) == bool(entry.signature):
        about.wrong("port", "a filing is of one port or one signature", "name one of the two")
    elif entry.port and draft.port(entry.port) is None:
        about.wrong("port", f"port {entry.port!r} is not registered", "register it first")
    elif entry.signature and draft.signature(entry.signature) is None:
        remedy = "register it first"
        about.wrong("signature", f"{entry.signature!r} is not registered", remedy)
    if not entry.carriers:
        about.wrong("carriers", "is empty", "name at least one carrier")
    for name in entry.carriers:
        carrier = about.word("carriers", Carrier, name)
        if carrier is Carrier.ANY:
            about.wrong("carriers", "'any' files nowhere", "name each carrier")
        elif about.sound and carrier is not None and state is not None:
            _stage_filing(draft, entry, carrier, state)


def _stage_filing(draft: Draft, entry: FilingEntry, carrier: Carrier, state: Filing) -> None:
    fact: f.PortFiled | f.SignatureFiled
    if entry.port:
        fact = f.PortFiled(port=entry.port, carrier=carrier, state=state, reason=entry.reason)
    else:
        fact = f.SignatureFiled(
            signature=entry.signature, carrier=carrier, state=state, reason=entry.reason
        )
    if fact != filed(draft.ledger, carrier, entry.port, entry.signature):
        draft.facts.append(fact)
