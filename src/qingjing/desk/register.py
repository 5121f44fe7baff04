"""Register: parties, ports, signatures, grants, filings: checked whole before any is written.

A description is a mapping of tables, as a register file has them; every field stands in
``docs/register.example.toml``. A single command is a description with one entry. Everything
that is wrong is told at once, nothing is written when anything is, and what the register holds
already is not written again: loading the same file twice changes nothing.

Days are Beijing days. ``valid_until`` is the last day on which something holds; facts carry
the moment after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from stdnum.cn import uscc

from qingjing.desk.entries import (
    DAY_MS,
    About,
    FilingEntry,
    GrantEntry,
    InputError,
    PartyEntry,
    PortEntry,
    Problem,
    SignatureEntry,
    day_start,
    read_entries,
)
from qingjing.desk.ports import Ledger, Transaction
from qingjing.kernel import facts as f
from qingjing.kernel.rulebook import MARKETING_KINDS
from qingjing.kernel.words import Carrier, Filing, Kind, PartyRole
from qingjing.text.extract import find_signature
from qingjing.text.normalise import normalise

SIGNATURE_LENGTH_MIN: Final = 2
SIGNATURE_LENGTH_MAX: Final = 32
"""The widest bounds that a vendor publishes: 2 to 12 with most, 2 to 32 with one."""


class _Range(NamedTuple):
    prefix: str
    length_min: int
    use: str
    kinds: int = 0xFF


_PUBLIC: Final = 1 << Kind.PUBLIC
# 短消息类服务接入代码, as far as its table and the plan of 2010 agree. 1067 and 1068 are
# left open: the plan keeps them in reserve, yet 1068 is seen in use. Lengths are of the access
# code alone.
_RANGES: Final = (
    _Range("1060", 0, "kept in reserve", 0),
    _Range("1061", 0, "kept in reserve", 0),
    _Range("1062", 8, "provincial, charged"),
    _Range("10630", 8, "provincial third-party platforms"),
    *(_Range(f"1063{y}", 12, "provincial, an enterprise's own use") for y in range(5, 9)),
    _Range("10639", 8, "provincial public interest", _PUBLIC),
    _Range("1064", 0, "for machines (M2M)", 0),
    _Range("1065", 8, "the carriers' own business"),
    _Range("1066", 8, "cross-province, charged"),
    _Range("10690", 8, "cross-province third-party platforms"),
    *(_Range(f"1069{y}", 12, "cross-province, an enterprise's own use") for y in range(5, 9)),
    _Range("10699", 8, "cross-province public interest", _PUBLIC),
)


def load(ledger: Ledger, t: Transaction, description: Mapping[str, Any]) -> tuple[f.Fact, ...]:
    """Check a description against itself and the register, and record what is new in it.

    The facts recorded, none when all was known. InputError with every problem found, and then
    nothing is recorded.
    """
    draft = _Draft(ledger)
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
    if draft.problems:
        raise InputError(draft.problems)
    for fact in draft.facts:
        t.append(fact)
    return tuple(draft.facts)


def suspend(
    ledger: Ledger, t: Transaction, party: str, reason: str, until: date | None = None
) -> f.PartySuspended:
    """From now on nothing of this sender leaves; ``until`` is the last day, None for open."""
    end = None if until is None else day_start(until) + DAY_MS
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
    fact = _filed(ledger, carrier, port, signature)
    return Filing.DRAFTING if fact is None else fact.state


_NO_REASON: Final = Problem("", "reason", "is empty", "say why, for whoever reads it later")


def _about_party(ledger: Ledger, party: str, reason: str) -> list[Problem]:
    problems = [] if reason.strip() else [_NO_REASON]
    if ledger.register.party(party) is None:
        remedy = "name a registered party"
        problems.append(Problem("", "party", f"{party!r} is not registered", remedy))
    return problems


def _filed(
    ledger: Ledger, carrier: Carrier, port: str, signature: str
) -> f.PortFiled | f.SignatureFiled | None:
    # The filing in force is among the facts that a path over the carrier rests on.
    lane = ledger.register.lane("", port, signature, carrier, 0)
    found = (ledger.fact(position) for position in lane.facts)
    return next(
        (r.fact for r in found if r and isinstance(r.fact, f.PortFiled | f.SignatureFiled)),
        None,
    )


class _Draft:
    """What a description adds, laid over the register, so that entries may refer to others."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.facts: list[f.Fact] = []
        self.problems: list[Problem] = []
        self.parties: dict[str, f.PartyRegistered | None] = {}
        self.ports: dict[str, f.PortRegistered | None] = {}
        self.signatures: dict[str, f.SignatureRegistered | None] = {}
        self.grants: set[str] = set()

    def once(self, known: Iterable[str], about: About, field: str, value: str) -> None:
        """An entry that stands in a description twice says two things."""
        if value in known:
            about.wrong(field, f"{value!r} stands in the file twice", "keep one of the two")

    def has_party(self, party: str) -> bool:
        """Is it registered, or described in this file, even if wrongly?"""
        return party in self.parties or self.ledger.register.party(party) is not None

    def refer(self, about: About, field: str, party: str) -> None:
        """A reference to a party."""
        if not self.has_party(party):
            about.wrong(field, f"party {party!r} is not registered", "register it, or add it")

    def port(self, port: str) -> f.PortRegistered | None:
        """The port as it will be."""
        return self.ports.get(port) or self.ledger.register.port(port)

    def signature(self, signature: str) -> f.SignatureRegistered | None:
        """The signature as it will be."""
        return self.signatures.get(signature) or self.ledger.register.signature(signature)


def _take_party(draft: _Draft, where: str, entry: PartyEntry) -> None:
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
        if fact != draft.ledger.register.party(entry.party):
            draft.facts.append(fact)


def _take_port(draft: _Draft, where: str, entry: PortEntry) -> None:
    about = About(draft.problems, where)
    draft.once(draft.ports, about, "port", entry.port)
    kinds = about.kinds(entry.kinds)
    draft.refer(about, "holder", entry.holder)
    about.filled("licence", entry.licence)
    start, end = about.span(entry.valid_from, entry.valid_until)
    _check_port(about, entry.port, kinds)
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
    if about.sound and fact != draft.ledger.register.port(entry.port):
        draft.facts.append(fact)


def _check_port(about: About, port: str, kinds: int) -> None:
    """Digits and length (21 octets on the wire), and the range's own rules where certain."""
    if not (port.isascii() and port.isdigit() and 3 <= len(port) <= 21):
        about.wrong("port", f"{port!r} is no port", "write its 3 to 21 digits and nothing else")
        return
    found = next((r for r in _RANGES if port.startswith(r.prefix)), None)
    if found is None:
        return
    if not found.kinds:
        about.wrong(
            "port", f"{port}: {found.prefix} is {found.use}", "such ports carry no messages"
        )
    elif len(port) < found.length_min:
        remedy = f"an access code of {found.prefix} has {found.length_min} digits"
        about.wrong("port", f"{port} is cut short", remedy)
    elif kinds & ~found.kinds & MARKETING_KINDS:
        remedy = "take commercial and asking from its kinds"
        about.wrong("kinds", f"{found.prefix} is for {found.use}", remedy)


def _take_signature(draft: _Draft, where: str, entry: SignatureEntry) -> None:
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


def _take_grant(draft: _Draft, where: str, entry: GrantEntry) -> None:
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
    known = draft.ledger.register.grant(entry.grant)
    if about.sound and fact != known:
        if known is not None:
            # A grant is not edited: the old one ends, so that no port keeps it.
            draft.facts.append(f.GrantEnded(grant=entry.grant, reason="made anew"))
        draft.facts.append(fact)


def _check_scope(draft: _Draft, about: About, entry: GrantEntry) -> None:
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


def _take_filing(draft: _Draft, where: str, entry: FilingEntry) -> None:
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


def _stage_filing(draft: _Draft, entry: FilingEntry, carrier: Carrier, state: Filing) -> None:
    fact: f.PortFiled | f.SignatureFiled
    if entry.port:
        fact = f.PortFiled(port=entry.port, carrier=carrier, state=state, reason=entry.reason)
    else:
        fact = f.SignatureFiled(
            signature=entry.signature, carrier=carrier, state=state, reason=entry.reason
        )
    if fact != _filed(draft.ledger, carrier, entry.port, entry.signature):
        draft.facts.append(fact)
