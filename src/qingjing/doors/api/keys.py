"""API keys: made by a command, kept as hashes, each with scopes, senders and a rate."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from qingjing.desk.entries import About, InputError, shown
from qingjing.doors.api.store import Store

SCOPES: Final = (
    "decide",
    "messages",
    "proofs",
    "reports",
    "webhooks",
    "consents",
    "refusals",
    "scrubs",
    "complaints",
    "leads",
    "register",
    "rulebooks",
    "admin",
)
"""One a group of resources. ``admin`` holds all others, acts for every sender and account, and
alone writes to the register."""

EVERYONE: Final = "*"
"""As a sender: all of them."""

PER_S: Final = 100
"""Requests and messages a second, when none was said: some eight million a day."""
PER_S_MAX: Final = 100_000
BURST_S: Final = 10
"""Seconds of its rate that a key may use at once."""

_HEAD: Final = "qj"
_ID_BYTES: Final = 6
_SECRET_BYTES: Final = 32
"""256 bits of chance: not to be guessed, so a fast hash of it is safe to keep."""


class Key(NamedTuple):
    """A key as it is kept. Times are epoch ms; ``revoked_at`` is 0 when it is in force."""

    id: str
    account: str
    hash: bytes
    scopes: frozenset[str]
    senders: frozenset[str]
    per_s: int
    note: str
    made_at: int
    revoked_at: int

    def may(self, scope: str) -> bool:
        """Does it open this group of resources?"""
        return scope in self.scopes or "admin" in self.scopes


class Wanted(NamedTuple):
    """A key as it is asked for. Without ``senders`` it acts for its account's own group."""

    account: str
    scopes: tuple[str, ...]
    senders: tuple[str, ...] = ()
    per_s: int = PER_S
    note: str = ""


class Keys:
    """All keys; read anew when a command has changed them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen = -1
        self._known: dict[str, Key] = {}

    def all(self) -> list[Key]:
        """Every key, also revoked ones, the oldest first."""
        rows = self._store.read(
            "SELECT id, account, hash, scopes, senders, per_s, note, made_at, revoked_at"
            " FROM key ORDER BY made_at, id"
        )
        return [
            Key(i, account, digest, _set(scopes), _set(senders), per_s, note, made, revoked)
            for i, account, digest, scopes, senders, per_s, note, made, revoked in rows
        ]

    def find(self, text: str) -> Key | None:
        """The key in force that this is; None when it is none."""
        changes = self._store.changes
        if changes != self._seen:
            self._seen, self._known = changes, {key.id: key for key in self.all()}
        head, _, rest = text.partition("_")
        name, _, secret = rest.partition("_")
        key = self._known.get(name) if head == _HEAD else None
        if key is None or key.revoked_at or not hmac.compare_digest(key.hash, _hash(secret)):
            return None
        return key

    def create(self, wanted: Wanted, at: int, token: Callable[[int], bytes]) -> tuple[Key, str]:
        """Make a key; the key itself is nowhere but in the second value.

        ``token`` gives bytes of chance. InputError when a scope or the rate is wrong.
        """
        about = About([], "")
        for scope in wanted.scopes:
            if scope not in SCOPES:
                about.wrong("scope", f"{shown(scope)} is none", f"use {', '.join(SCOPES)}")
        if not wanted.scopes:
            about.wrong("scope", "is missing", f"name at least one of {', '.join(SCOPES)}")
        if not 1 <= wanted.per_s <= PER_S_MAX:
            about.wrong("per-s", f"{wanted.per_s} is no rate", f"give 1 to {PER_S_MAX}")
        if not about.sound:
            raise InputError(about.problems)
        secret = urlsafe_b64encode(token(_SECRET_BYTES)).rstrip(b"=").decode()
        key = Key(
            id=token(_ID_BYTES).hex(),
            account=wanted.account,
            hash=_hash(secret),
            scopes=frozenset(wanted.scopes),
            senders=frozenset(wanted.senders),
            per_s=wanted.per_s,
            note=wanted.note,
            made_at=at,
            revoked_at=0,
        )
        row = (*key[:3], _text(key.scopes), _text(key.senders), *key[5:])

        def write(db: sqlite3.Connection) -> None:
            db.execute("INSERT INTO key VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

        self._store.write_now(write)
        return key, f"{_HEAD}_{key.id}_{secret}"

    def revoke(self, name: str, at: int) -> bool:
        """From now on the key opens nothing; False when none in force has this id."""

        def write(db: sqlite3.Connection) -> bool:
            query = "UPDATE key SET revoked_at = ? WHERE id = ? AND revoked_at = 0"
            return db.execute(query, (at, name)).rowcount == 1

        return self._store.write_now(write)


class Bucket:
    """A token bucket that may go below nothing: a large request is let in and paid for then."""

    def __init__(self, per_s: int, now: float) -> None:
        self._per_s, self._most = per_s, per_s * BURST_S
        self._left, self._at = float(self._most), now

    def wait(self, now: float) -> float:
        """Seconds until the next request is let in; 0 for now."""
        self._left = min(self._most, self._left + (now - self._at) * self._per_s)
        self._at = now
        return 0.0 if self._left > 0 else (1 - self._left) / self._per_s

    def take(self, cost: int) -> None:
        """Pay for a request."""
        self._left -= cost


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _text(names: Iterable[str]) -> str:
    return " ".join(sorted(names))
