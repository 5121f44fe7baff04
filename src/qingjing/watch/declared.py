"""What the register says on a day: groups, users of ports, scopes of signatures, chains.

Reads the fields of a register file (see docs/operating.md); what it lacks, nobody declared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import msgspec

from qingjing.kernel.words import Category, Kind

ANY = -1
"""A mask of kinds or categories that leaves nothing out."""


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """From when to when an entry holds; None is open. Days of Beijing, both included."""

    valid_from: date | None = None
    valid_until: date | None = None

    def holds(self, day: int) -> bool:
        """On the day with this ordinal?"""
        return (self.valid_from is None or self.valid_from.toordinal() <= day) and (
            self.valid_until is None or day <= self.valid_until.toordinal()
        )


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """``group`` is the real controller; ``industries`` are categories of its licence."""

    party: str
    name: str = ""
    group: str = ""
    industries: tuple[str, ...] = ()


class Port(Term, frozen=True, kw_only=True):
    """A port's holder and declared kinds."""

    port: str
    holder: str
    kinds: tuple[str, ...] = ()


class Signature(Term, frozen=True, kw_only=True):
    """A signature's owner and scope; ``replaces`` is the name that it follows, as declared."""

    signature: str
    owner: str
    kinds: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    replaces: str = ""


class Grant(Term, frozen=True, kw_only=True):
    """Who may use a port, and by which chain."""

    sender: str
    port: str
    signature: str = ""
    kinds: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()


class Domain(msgspec.Struct, frozen=True):
    """Who owns what a link leads to; ``shared``: a shortener or a portal that anyone uses."""

    domain: str
    owner: str = ""
    shared: bool = False


class Account(msgspec.Struct, frozen=True):
    """Whose account submits."""

    account: str
    party: str


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A measure against a party, port or signature; ``at`` in epoch ms."""

    at: int
    party: str = ""
    port: str = ""
    signature: str = ""
    reason: str = ""


class Register(msgspec.Struct, frozen=True):
    """The whole register, every version of every entry."""

    parties: tuple[Party, ...] = ()
    ports: tuple[Port, ...] = ()
    signatures: tuple[Signature, ...] = ()
    grants: tuple[Grant, ...] = ()
    domains: tuple[Domain, ...] = ()
    accounts: tuple[Account, ...] = ()
    measures: tuple[Measure, ...] = ()


class Scope(NamedTuple):
    """What a signature may be used for: by which groups, for which kinds and categories."""

    owner: str
    groups: frozenset[str]
    kinds: int
    categories: int


class Declared:
    """The register as of the day that was asked for last."""

    def __init__(self, register: Register) -> None:
        """Nothing holds before ``turn`` names a day."""
        self.register = register
        self._parties = {one.party: one for one in register.parties}
        self._accounts = {one.account: one.party for one in register.accounts}
        self._groups: dict[str, str] = {}
        self._domains = {one.domain: one for one in register.domains}
        terms: Iterable[Term] = (*register.ports, *register.signatures, *register.grants)
        turns = {one.valid_from.toordinal() for one in terms if one.valid_from}
        turns |= {one.valid_until.toordinal() + 1 for one in terms if one.valid_until}
        self._turns = sorted(turns)
        self._turn: tuple[int, ...] = (-1,)
        self.industries: dict[str, int] = defaultdict(int)
        for party in register.parties:
            self.industries[self.group(party.party)] |= _mask(Category, party.industries, 0)

    def turn(self, day: int) -> None:
        """Hold what is declared on this day (an ordinal)."""
        passed = tuple(turn for turn in self._turns if turn <= day)
        if passed == self._turn:
            return
        self._turn = passed
        register = self.register
        self.kinds: dict[str, int] = {}
        self.users: dict[str, set[str]] = defaultdict(set)
        self.chains: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.scopes: dict[str, Scope] = {}
        self.entries: dict[str, list[Signature]] = defaultdict(list)
        self.names: dict[str, set[str]] = defaultdict(set)
        for party in register.parties:
            self.names[self.group(party.party)].add(party.name or party.party)
        for port in register.ports:
            if port.holds(day):
                mask = _mask(Kind, port.kinds, ANY)
                self.kinds[port.port] = self.kinds.get(port.port, 0) | mask
        allowed: dict[str, set[str]] = defaultdict(set)
        for grant in register.grants:
            if grant.holds(day):
                group = self.group(grant.sender)
                self.users[grant.port].add(group)
                self.chains[group, grant.port].update(grant.chain)
                allowed[grant.signature].add(group)
        for port in register.ports:
            if port.holds(day) and not self.users.get(port.port):
                self.users[port.port].add(self.group(port.holder))
        for one in register.signatures:
            if one.holds(day):
                owner = self.group(one.owner)
                self.entries[one.signature].append(one)
                self.names[owner].add(one.signature)
                groups = {owner, *map(self.group, one.senders), *allowed[one.signature]}
                self.scopes[one.signature] = Scope(
                    owner,
                    frozenset(groups),
                    _mask(Kind, one.kinds, ANY),
                    _mask(Category, one.categories, self.industries.get(owner) or ANY),
                )

    def party(self, sender: str) -> str:
        """The party behind an account, or the sender itself."""
        return self._accounts.get(sender, sender)

    def group(self, sender: str) -> str:
        """The real controller of a party or account, itself where none is declared."""
        group = self._groups.get(sender)
        if group is None:
            party = self._parties.get(self.party(sender))
            group = party.group or party.party if party else self.party(sender)
            self._groups[sender] = group
        return group

    def owner(self, signature: str) -> str:
        """The group that owns a signature, empty where nobody declared it."""
        scope = self.scopes.get(signature)
        return scope.owner if scope else ""

    def landing(self, domain: str) -> str:
        """The group that owns what a link leads to, empty where not known or anybody's."""
        known = self._domains.get(domain)
        return self.group(known.owner) if known and known.owner and not known.shared else ""

    def shared(self, domain: str) -> bool:
        """Is it declared to be anybody's?"""
        known = self._domains.get(domain)
        return known is not None and known.shared

    def akin(self, signature: str, groups: Iterable[str]) -> bool:
        """Is it a name of one of the groups, or one with a word more or less?"""
        return any(
            name in signature or signature in name
            for group in groups
            for name in self.names.get(group, ())
            if name
        )


def _mask(words: type[Kind] | type[Category], names: Iterable[str], empty: int) -> int:
    found = 0
    for name in names:
        found |= 1 << int(words[name.upper()])
    return found or empty
