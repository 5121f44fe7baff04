"""Who may come in: key, address, scope and rate, looked at before anything is read."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import structlog
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from qingjing.desk.ports import Ledger
from qingjing.doors.api.keys import EVERYONE, Bucket, Key, Keys
from qingjing.doors.api.problems import ApiError
from qingjing.doors.api.shapes import Wrong
from qingjing.doors.gateway.dialect import Caller
from qingjing.kernel import facts as f
from qingjing.kernel.words import Kind
from qingjing.settings import Account

_log = structlog.get_logger("qingjing.api")

DECLARED: Final[dict[str, Kind]] = {
    kind.name.lower(): kind for kind in Kind if kind is not Kind.ILLEGAL
}
"""What an API message may declare, by name."""

Connection = ASGIConnection[Any, Any, Any, Any]


class Guest(NamedTuple):
    """An account of the settings, as the API lets it in."""

    account: str
    party: str
    port: str
    caller: Caller
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


def guest(name: str, account: Account) -> Guest:
    """An account of the settings. Its API messages declare a kind by name."""
    return Guest(
        account=name,
        party=account.party,
        port=account.port,
        caller=Caller(name, account.party, DECLARED, account.port),
        networks=tuple(ipaddress.ip_network(text) for text in account.allow),
    )


class Visitor(NamedTuple):
    """Whoever was let in: an account, by one of its keys."""

    guest: Guest
    key: Key
    bucket: Bucket

    @property
    def account(self) -> str:
        """The account's name."""
        return self.guest.account

    @property
    def admin(self) -> bool:
        """Does its key act for every sender and account?"""
        return "admin" in self.key.scopes

    def pay(self, cost: int) -> None:
        """Count what a request brought, beyond the request itself, against the key's rate."""
        self.bucket.take(cost)

    def sees(self, account: str) -> bool:
        """May it see what belongs to this account?"""
        return self.admin or account == self.account

    def acts_for_all(self) -> bool:
        """Does it act for every sender?"""
        return self.admin or EVERYONE in self.key.senders

    def reaches(self, ledger: Ledger, name: str) -> bool:
        """Does it act for this party or group? Its own group, and the senders of its key."""
        if self.acts_for_all():
            return True
        own = {_group(ledger, self.guest.party)}
        own |= {_group(ledger, sender) for sender in self.key.senders}
        return name != f.ALL_GROUPS and _group(ledger, name) in own

    def must_reach(self, ledger: Ledger, field: str, name: str) -> None:
        """ApiError unless it acts for this party or group."""
        if not self.reaches(ledger, name):
            remedy = "have a key made with --sender for it"
            wrong = Wrong(
                field=field, problem=f"not a sender of key {self.key.id}", remedy=remedy
            )
            raise ApiError("no-reach", "see errors", [wrong])


def _group(ledger: Ledger, name: str) -> str:
    party = ledger.register.party(name)
    return name if party is None else party.group


class Admission:
    """The guard of every route. A route says its scope in ``opt``; one without is for all."""

    def __init__(
        self, keys: Keys, guests: Mapping[str, Guest], clock: Callable[[], float]
    ) -> None:
        """``clock`` gives seconds that never go back."""
        self._keys, self._clock = keys, clock
        self.guests = guests
        self._buckets: dict[str, Bucket] = {}

    async def admit(self, connection: Connection, handler: BaseRouteHandler) -> None:
        """Let a request in, with its visitor in the connection's state; or ApiError."""
        scope = handler.opt.get("scope")
        if scope is None:
            return
        visitor = self._known(connection)
        if not visitor.key.may(scope):
            detail = f"key {visitor.key.id} has no scope {scope!r}: have one made that has"
            raise ApiError("no-scope", detail)
        wait = visitor.bucket.wait(self._clock())
        if wait:
            detail = f"key {visitor.key.id} may do {visitor.key.per_s} a second; wait"
            raise ApiError("too-many", detail, retry_s=int(wait) + 1)
        visitor.pay(1)
        connection.state["visitor"] = visitor

    def _known(self, connection: Connection) -> Visitor:
        scheme, _, text = connection.headers.get("authorization", "").partition(" ")
        key = self._keys.find(text.strip()) if scheme.lower() == "bearer" else None
        guest = self.guests.get(key.account) if key else None
        peer = connection.client.host if connection.client else ""
        if key is None or guest is None:
            _log.warning("key refused", peer=peer)
            remedy = "send Authorization: Bearer KEY, with a key of `qingjing api-key create`"
            raise ApiError("no-key", remedy)
        if not _within(peer, guest):
            _log.warning("address refused", account=guest.account, peer=peer)
            detail = f"account {guest.account} may not call from here: see accounts.*.allow"
            raise ApiError("wrong-address", detail)
        bucket = self._buckets.get(key.id)
        if bucket is None:
            bucket = self._buckets[key.id] = Bucket(key.per_s, self._clock())
        return Visitor(guest, key, bucket)


def _within(peer: str, guest: Guest) -> bool:
    try:
        address = ipaddress.ip_address(peer.split("%")[0])
    except ValueError:
        return False
    return any(address in network for network in guest.networks)
