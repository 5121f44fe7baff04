"""The register: who may use which port and signature for what, as the fold of its facts.

``Register.lane`` resolves one path (submitting party, port, signature, carrier) to everything
that the gate needs of it. A lane holds until the register changes or until ``Lane.until``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import msgspec

from qingjing.kernel import facts as f
from qingjing.kernel.oversight import STOPS, Measure, Oversight
from qingjing.kernel.rulebook import MARKETING_KINDS
from qingjing.kernel.terms import FOREVER as FOREVER  # others know it from here
from qingjing.kernel.terms import Times
from qingjing.kernel.vector import ChainState, PortState, SenderState, SignatureState
from qingjing.kernel.words import Carrier, Filing, Step, Subject


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """One resolved path. ``facts`` are the positions it rests on, ``kinds`` what is allowed."""

    submitter: str
    sender: str
    group: str
    port: str
    signature: str
    carrier: Carrier
    grant: str
    kinds: int
    sender_state: SenderState
    port_state: PortState
    signature_state: SignatureState
    chain_state: ChainState
    facts: tuple[int, ...]
    until: int


class _Party(msgspec.Struct):
    fact: f.PartyRegistered
    position: int
    suspended_until: int = 0


class _Held(msgspec.Struct):
    """A port or signature with its filing states: carrier to (state, position, time)."""

    fact: f.PortRegistered | f.SignatureRegistered
    position: int
    filings: dict[Carrier, tuple[Filing, int, int]]


class _Grant(msgspec.Struct):
    fact: f.GrantMade
    position: int


class Register:
    """The fold. ``apply`` takes every fact of the log and keeps what concerns the register."""

    def __init__(self) -> None:
        self.position = 0
        """Position of the last fact that changed the register; older lanes are stale."""
        self._parties: dict[str, _Party] = {}
        self._ports: dict[str, _Held] = {}
        self._signatures: dict[str, _Held] = {}
        self._grants: dict[str, _Grant] = {}
        self._grants_of_port: dict[str, list[str]] = {}
        self.letters: dict[tuple[str, str], list[f.LetterRecorded]] = {}
        """Authorisation letters by signature and sender."""
        self.contracts: dict[tuple[str, str], list[f.ContractRecorded]] = {}
        """Contracts by link: upstream and downstream."""
        self.documents: dict[tuple[Subject, str], list[f.DocumentKept]] = {}
        """Documents by what they are about."""
        self.oversight = Oversight()
        """Findings, measures and looking back."""
        self.shadowed: frozenset[str] = frozenset()
        """Accounts in shadow mode."""

    def apply(self, recorded: f.Recorded) -> None:
        """Take one fact in; facts of other rooms pass by."""
        fact, position = recorded.fact, recorded.position
        concerned = self.oversight.apply(recorded)
        match fact:
            case f.PartyRegistered():
                self._register_party(fact, position)
            case f.PartySuspended():
                party = self._parties[fact.party]
                party.suspended_until = FOREVER if fact.until is None else fact.until
            case f.PartyReinstated():
                self._parties[fact.party].suspended_until = 0
            case f.PortRegistered():
                self._ports[fact.port] = _keep(self._ports.get(fact.port), fact, position)
            case f.SignatureRegistered():
                held = self._signatures.get(fact.signature)
                self._signatures[fact.signature] = _keep(held, fact, position)
            case f.PortFiled():
                filed = (fact.state, position, recorded.at)
                self._ports[fact.port].filings[fact.carrier] = filed
            case f.SignatureFiled():
                filed = (fact.state, position, recorded.at)
                self._signatures[fact.signature].filings[fact.carrier] = filed
            case f.GrantMade():
                self._end(fact.grant)  # made anew: the newest description holds
                self._grants[fact.grant] = _Grant(fact, position)
                self._grants_of_port.setdefault(fact.port, []).append(fact.grant)
            case f.GrantEnded():
                self._end(fact.grant)
            case f.AccountShadowed():
                others = self.shadowed - {fact.account}
                self.shadowed = others | {fact.account} if fact.shadow else others
            case f.LetterRecorded():
                for signature in fact.signatures:
                    self.letters.setdefault((signature, fact.sender), []).append(fact)
            case f.ContractRecorded():
                link = (fact.upstream, fact.downstream)
                self.contracts.setdefault(link, []).append(fact)
            case f.DocumentKept():
                self.documents.setdefault((fact.subject, fact.name), []).append(fact)
            case _ if not concerned:
                return
        self.position = position

    def _register_party(self, fact: f.PartyRegistered, position: int) -> None:
        known = self._parties.get(fact.party)
        if known is None:
            self._parties[fact.party] = _Party(fact, position)
        else:
            # A new description does not end a suspension.
            known.fact, known.position = fact, position

    def _end(self, grant: str) -> None:
        ended = self._grants.pop(grant, None)
        if ended is not None:
            self._grants_of_port[ended.fact.port].remove(grant)

    def party(self, party: str) -> f.PartyRegistered | None:
        """The newest description of a party."""
        known = self._parties.get(party)
        return None if known is None else known.fact

    def parties(self) -> tuple[f.PartyRegistered, ...]:
        """All parties, in the order of their first registration."""
        return tuple(known.fact for known in self._parties.values())

    def suspended(self, party: str, at: int) -> bool:
        """Is the party suspended at this time, by whoever stopped it at once or a measure?"""
        return self.stopped(Subject.PARTY, party, at) or self.stopped_at_once(party, at)

    def stopped(self, subject: Subject, name: str, at: int) -> bool:
        """Does a measure stop this?"""
        found = self.oversight.on(subject, name)
        return any(m.fact.step in STOPS and m.binds(at) for m in found)

    def stopped_at_once(self, party: str, at: int) -> bool:
        """Is the party suspended by ``party.suspended/1``?"""
        known = self._parties.get(party)
        return known is not None and known.suspended_until > at

    def port(self, port: str) -> f.PortRegistered | None:
        """The port's newest registration."""
        held = self._ports.get(port)
        return held.fact if held and isinstance(held.fact, f.PortRegistered) else None

    def signature(self, signature: str) -> f.SignatureRegistered | None:
        """The signature's newest registration."""
        held = self._signatures.get(signature)
        return held.fact if held and isinstance(held.fact, f.SignatureRegistered) else None

    def grant(self, grant: str) -> f.GrantMade | None:
        """A grant that was made and has not ended."""
        known = self._grants.get(grant)
        return None if known is None else known.fact

    def grants(self) -> tuple[f.GrantMade, ...]:
        """All grants that were made and have not ended, the oldest first."""
        return tuple(known.fact for known in self._grants.values())

    def grants_on(self, port: str) -> tuple[f.GrantMade, ...]:
        """The grants of a port, the oldest first."""
        return tuple(self._grants[name].fact for name in self._grants_of_port.get(port, ()))

    def filings(self) -> Iterator[tuple[Subject, str, Carrier, Filing, int]]:
        """Every filing in force: of what, at whom, its state and since when (epoch ms)."""
        for subject, table in (
            (Subject.PORT, self._ports),
            (Subject.SIGNATURE, self._signatures),
        ):
            for name, held in table.items():
                for carrier, (state, _position, at) in held.filings.items():
                    yield subject, name, carrier, state, at

    def ports(self) -> tuple[str, ...]:
        """All ports, in the order of their first registration."""
        return tuple(self._ports)

    def signatures(self) -> tuple[str, ...]:
        """All signatures, in the order of their first registration."""
        return tuple(self._signatures)

    def chain_of_port(self, port: str) -> tuple[str, ...]:
        """Who has a part in a port's newest grant, from sender to provider; empty without."""
        names = self._grants_of_port.get(port)
        return self._grants[names[-1]].fact.chain if names else ()

    def group_of_port(self, port: str) -> str | None:
        """The group that answers for a port: the sender of its newest grant, else its holder.

        A reply belongs to the group whose messages carry the port (scope of a refusal).
        """
        for name in reversed(self._grants_of_port.get(port, [])):
            sender = self._parties.get(self._grants[name].fact.sender)
            if sender is not None:
                return sender.fact.group
        registered = self.port(port)
        holder = self._parties.get(registered.holder) if registered else None
        return None if holder is None else holder.fact.group

    def lane(
        self, submitter: str, port: str, signature: str, carrier: Carrier, at: int
    ) -> Lane:
        """Resolve one path at one time. Total: what is missing is a state, not an error."""
        times = Times(at)
        granted = self._grant(submitter, port, signature, times)
        sender = granted.fact.sender if granted else submitter
        sender_state, party = self._sender(sender, submitter, times)
        measures = self._measures((sender, submitter), port, signature)
        binding = [measure for measure in measures if _binds(measure, times)]
        if sender_state is SenderState.OK and any(m.fact.step in STOPS for m in binding):
            sender_state = SenderState.SUSPENDED
        port_state, held_port = self._port(port, carrier, granted, times)
        signature_state, held_signature = self._signature(
            signature, port, sender, carrier, granted, times
        )
        kinds = -1
        if any(measure.fact.step is Step.WITHHOLD for measure in binding):
            kinds = ~MARKETING_KINDS
        positions = [measure.position for measure in binding]
        for held in (held_port, held_signature):
            if held is not None:
                kinds &= held.fact.kinds
                positions.append(held.position)
                positions += [held.filings[carrier][1]] if carrier in held.filings else []
        if granted is not None:
            kinds &= granted.fact.kinds
            positions.append(granted.position)
        if party is not None:
            positions.append(party.position)
        return Lane(
            submitter=submitter,
            sender=sender,
            group=party.fact.group if party else sender,
            port=port,
            signature=signature,
            carrier=carrier,
            grant=granted.fact.grant if granted else "",
            kinds=kinds & 0xFF,
            sender_state=sender_state,
            port_state=port_state,
            signature_state=signature_state,
            chain_state=self._chain(granted, submitter, held_port, times),
            facts=tuple(sorted(positions)),
            until=times.until,
        )

    def _grant(self, submitter: str, port: str, signature: str, times: Times) -> _Grant | None:
        """The grant that fits best: right signature first, then valid now, then newest.

        Only grants that the submitter has a part in are looked at: another's port is foreign.
        """
        best: tuple[tuple[bool, bool, int], _Grant] | None = None
        for name in self._grants_of_port.get(port, ()):
            known = self._grants[name]
            fact = known.fact
            if submitter != fact.sender and submitter not in fact.chain:
                continue
            # Every grant that could fit bounds the lane: one may fit better from its day on.
            valid = times.within(fact.valid_from, fact.valid_until)
            fit = (fact.signature == signature, valid, known.position)
            if best is None or fit > best[0]:
                best = (fit, known)
        return None if best is None else best[1]

    def _sender(
        self, sender: str, submitter: str, times: Times
    ) -> tuple[SenderState, _Party | None]:
        party = self._parties.get(sender)
        if party is None or submitter not in self._parties:
            return SenderState.UNKNOWN, party
        stopped = max(party.suspended_until, self._parties[submitter].suspended_until)
        return (SenderState.SUSPENDED if times.before(stopped) else SenderState.OK), party

    def _port(
        self, port: str, carrier: Carrier, granted: _Grant | None, times: Times
    ) -> tuple[PortState, _Held | None]:
        held = self._ports.get(port)
        if held is None or not isinstance(held.fact, f.PortRegistered):
            return PortState.UNKNOWN, None
        if granted is None:
            return PortState.NOT_GRANTED, held
        spans = (
            (held.fact.valid_from, held.fact.valid_until),
            (granted.fact.valid_from, granted.fact.valid_until),
        )
        valid = [times.within(start, end) for start, end in spans]
        if not all(valid):
            return PortState.EXPIRED, held
        if not _filed(held, carrier):
            return PortState.NOT_FILED, held
        return PortState.OK, held

    def _measures(
        self, parties: tuple[str, str], port: str, signature: str
    ) -> Iterator[Measure]:
        """All measures that touch a path."""
        on = self.oversight.on
        for party in dict.fromkeys(parties):
            yield from on(Subject.PARTY, party)
        yield from on(Subject.PORT, port)
        yield from on(Subject.SIGNATURE, signature)

    def slowed(self, party: str, at: int) -> int:
        """The least rate that a measure leaves a party, parts a second; 0: none does."""
        found = self.oversight.on(Subject.PARTY, party)
        rates = [m.fact.rate for m in found if m.fact.step is Step.SLOW and m.binds(at)]
        return min(rates, default=0)

    def _signature(
        self,
        signature: str,
        port: str,
        sender: str,
        carrier: Carrier,
        granted: _Grant | None,
        times: Times,
    ) -> tuple[SignatureState, _Held | None]:
        if not signature:
            return SignatureState.ABSENT, None
        held = self._signatures.get(signature)
        if held is None or not isinstance(held.fact, f.SignatureRegistered):
            return SignatureState.UNREGISTERED, None
        fact = held.fact
        in_scope = (
            sender in (fact.senders or (fact.owner,))
            and (not fact.ports or port in fact.ports)
            and (granted is None or granted.fact.signature == signature)
            and times.termed(self.letters.get((signature, sender), ()))
        )
        if not in_scope:
            return SignatureState.OUT_OF_SCOPE, held
        if not _filed(held, carrier):
            return SignatureState.NOT_FILED, held
        return SignatureState.OK, held

    def _chain(
        self,
        granted: _Grant | None,
        submitter: str,
        held_port: _Held | None,
        times: Times,
    ) -> ChainState:
        """Declared from sender to submitter, every party known, the port's holder among them,
        no link's contract over."""
        if granted is None or held_port is None:
            return ChainState.UNDECLARED
        chain = granted.fact.chain
        holder = held_port.fact.holder if isinstance(held_port.fact, f.PortRegistered) else ""
        declared = (
            bool(chain)
            and chain[0] == granted.fact.sender
            and submitter in chain
            and holder in chain
            and all(link in self._parties for link in chain)
            and all(times.termed(self.contracts.get(link, ())) for link in pairwise(chain))
        )
        return ChainState.OK if declared else ChainState.UNDECLARED


def _keep(
    held: _Held | None, fact: f.PortRegistered | f.SignatureRegistered, position: int
) -> _Held:
    """The newest registration keeps the filings: they belong to the port or signature."""
    return _Held(fact, position, {} if held is None else held.filings)


def _binds(measure: Measure, times: Times) -> bool:
    until = FOREVER if measure.fact.until is None else measure.fact.until
    return not measure.lifted and times.before(until)


def _filed(held: _Held, carrier: Carrier) -> bool:
    state = held.filings.get(carrier)
    return state is not None and state[0] is Filing.FILED
