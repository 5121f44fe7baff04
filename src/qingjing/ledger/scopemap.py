"""The scope map: one campaign's standings folded together, one memory access a number.

The exact index answers a number with two or three searches in tables of 16-byte slots, for it
must know every sender, group and time. For one large scope (sender, group, category) the answer
can be made beforehand: one table of 8-byte slots, addressed by the person's key under the
sender, with the graded answer in the low four bits. It is made of what the index holds, in one
pass: a refusal's key is turned back into a handle with the group's salt (``keyhash.unscoped``)
and forth into the sender's key, so that no list of numbers is needed and none is kept.

What is traded for it:

* Eight bytes a slot at half fill, so 16 bytes for every consent and refusal of *all* senders
  and groups. Entries of other scopes come out as keys of nobody and are never found; they cost
  room alone. A map is for a ledger whose large part is that scope.
* An answer is for a **span** of time. Whose state changes within it (a term that ends, a
  consent that begins) gets the answer ``ASK``: look into the exact index. So do lifted
  refusals, unclear replies and noted numbers. A time outside the span is a ValueError.
* It is true at one position of the ledger. Persons about whom facts came later are noted by
  ``ask``; a saved map of another position is refused.

On disk it tells what the index tells: keys under a secret that stands in no file.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from qingjing.kernel.standing import RANK
from qingjing.kernel.vector import GroundsState
from qingjing.ledger.bulk import grade, timeless
from qingjing.ledger.index import REFUSED, Campaign
from qingjing.ledger.keyhash import (
    HandleKey,
    U64s,
    compiled,
    home,
    in_threads,
    scoped,
    scoped_key,
    siphash_u64,
    unscoped_key,
)

U8s = NDArray[np.uint8]

ASK: Final = 14
"""In place of a ``GroundsState``: the map does not say, the exact index does."""

_FILL: Final = 1 / 2
_TAIL: Final = 1 << 8
_BLOCK: Final = 512
_MAGIC: Final = b"QJSCOPE1"
_HEAD_SIZE: Final = 4096  # a page, so that the slots behind it are mapped on a page's edge
_NONE: Final = int(GroundsState.NONE)
_IS_REFUSED: Final = int(GroundsState.REFUSED)
_REQUEST: Final = int(GroundsState.REQUEST)
_RANKS: Final = np.array([RANK.index(x) if x in RANK else -1 for x in GroundsState], np.int8)
_ZERO, _ONE, _FOUR, _U32 = (np.uint64(n) for n in (0, 1, 4, 32))
_CODE: Final = np.uint64(15)
_LOW: Final = np.uint64(0xFFFFFFFF)


class MapRefusedError(Exception):
    """A saved map that must not be used: damaged, of another key, scope or position."""


class _Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a map is of: ledger position, key, scope, span of time in seconds, size."""

    position: int
    identity: int
    salts: tuple[int, int, int]
    category_bit: int
    from_s: int
    until_s: int
    slots: int
    used: int
    digest: str


class ScopeMap:
    """The answers of one scope for the times from ``from_s`` up to before ``until_s``."""

    def __init__(
        self, campaign: Campaign, category_bit: int, span_s: tuple[int, int], slots: U64s
    ) -> None:
        """Over slots that are filled already: ``build`` and ``load`` make maps."""
        self._campaign, self._category_bit = campaign, category_bit
        self.from_s, self.until_s = span_s
        self._slots = slots
        self.used = 0

    @classmethod
    def build(
        cls,
        campaign: Campaign,
        terms: NDArray[Any],
        category_bit: int,
        span_s: tuple[int, int],
        odd: U64s,
    ) -> ScopeMap:
        """From what the index holds now. ``terms`` are ``terms.TERMS`` rows; ``odd`` the
        handles of which more is known than the index holds (unclear replies, noted numbers).

        ValueError when the span holds no time.
        """
        from_s, until_s = span_s
        if not 0 < from_s < until_s:
            raise ValueError(f"from {from_s} to {until_s} is no span of time")
        tables = (campaign.consents, campaign.refusals, campaign.everyone)
        entries = sum(table.used for table in tables) + odd.size
        made = cls(campaign, category_bit, span_s, _empty(entries))
        made.used = int(
            lay(
                made._slots,
                np.uint64(made.capacity),
                campaign.consents.slots,
                timeless(terms, category_bit),
                terms["term_s"].astype(np.int64),
                from_s,
                until_s,
            )
        )
        sender = campaign.salts[0]
        for table, salt in zip(tables[1:], campaign.salts[1:], strict=True):
            made.used += int(
                overlay(made._slots, np.uint64(made.capacity), table.slots, salt, sender)
            )
        made.ask(odd)
        return made

    @property
    def capacity(self) -> int:
        """Homes; a little less than the slots."""
        return self._slots.size - _TAIL

    @property
    def bytes(self) -> int:
        """Memory of the slots."""
        return self._slots.nbytes

    def look_up(self, phones: U64s, now_s: int) -> U8s:
        """A ``GroundsState`` for each number u64[n], or ``ASK``, as u8[n].

        ValueError when ``now_s`` is outside the span.
        """
        if not self.from_s <= now_s < self.until_s:
            raise ValueError(f"{now_s} is not in the span {self.from_s} to {self.until_s}")
        out = np.empty(phones.size, np.uint8)
        key, sender = self._campaign.key, self._campaign.salts[0]
        capacity = np.uint64(self.capacity)

        def work(start: int, stop: int) -> None:
            part = slice(start, stop)
            read(self._slots, capacity, phones[part], out[part], key.k0, key.k1, sender)

        in_threads(work, phones.size)
        return out

    def ask(self, handles: U64s) -> None:
        """From now on the exact index answers for these persons: facts about them are newer."""
        if self.used + handles.size > self.capacity * (1 + _FILL) / 2:
            raise ValueError("the map is full: build it anew")
        keys = scoped(handles, int(self._campaign.salts[0]))
        self.used += int(mark(self._slots, np.uint64(self.capacity), keys))

    def save(self, path: Path, position: int) -> None:
        """Write the map as of a ledger position, whole or not at all. OSError when it fails."""
        head = _Head(
            position=position,
            identity=self._campaign.key.identity,
            salts=_salts(self._campaign),
            category_bit=self._category_bit,
            from_s=self.from_s,
            until_s=self.until_s,
            slots=self._slots.size,
            used=self.used,
            digest=_digest(self._slots),
        )
        beside = path.with_name(f".{path.name}.new")
        try:
            with beside.open("wb") as file:
                file.write(_sealed(head, self._campaign.key))
                file.write(self._slots.data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path, campaign: Campaign, category_bit: int, position: int) -> ScopeMap:
        """Map what ``save`` wrote; later changes are kept in memory (copy on write).

        ``position`` is the ledger's now. MapRefusedError when the map is damaged or cut, of
        another key, scope or position; OSError when it cannot be read.
        """
        with path.open("rb") as file:
            head = _opened(file.read(_HEAD_SIZE), campaign.key)
            length = os.fstat(file.fileno()).st_size
        if (head.salts, head.category_bit) != (_salts(campaign), category_bit):
            raise MapRefusedError(f"{path} is of another sender, group or category")
        if head.position != position:
            raise MapRefusedError(f"{path} is of position {head.position}, not {position}")
        if length != _HEAD_SIZE + 8 * head.slots:
            raise MapRefusedError(f"{path} is cut or has grown")
        slots = np.memmap(path, np.uint64, "c", _HEAD_SIZE, (head.slots,))
        if _digest(slots) != head.digest:
            raise MapRefusedError(f"{path} was changed")
        made = cls(campaign, category_bit, (head.from_s, head.until_s), np.asarray(slots))
        made.used = head.used
        return made


def _empty(entries: int) -> U64s:
    return np.zeros(int(entries / _FILL) + 2 * _TAIL, np.uint64)


def _salts(campaign: Campaign) -> tuple[int, int, int]:
    sender, group, everyone = campaign.salts.tolist()
    return sender, group, everyone


def _digest(slots: U64s) -> str:
    """SipHash is a number at a time; over gigabytes a sum and a product of all words will do
    against damage, and the head that holds it is sealed with the key."""
    return f"{int(checksum(slots)):016x}"


def _sealed(head: _Head, key: HandleKey) -> bytes:
    body = msgspec.msgpack.encode(head)
    seal = hashlib.blake2b(body, key=key.secret, digest_size=32).digest()
    data = _MAGIC + seal + len(body).to_bytes(4, "little") + body
    return data.ljust(_HEAD_SIZE, b"\0")


def _opened(data: bytes, key: HandleKey) -> _Head:
    body = data[44 : 44 + int.from_bytes(data[40:44], "little")]
    seal = hashlib.blake2b(body, key=key.secret, digest_size=32).digest()
    if len(data) != _HEAD_SIZE or data[:8] != _MAGIC or data[8:40] != seal:
        raise MapRefusedError("no scope map, or one made under another key")
    return msgspec.msgpack.decode(body, type=_Head)


@compiled
def checksum(slots: Any) -> Any:
    """A sum over all words that depends on their places."""
    total = _ZERO
    for i in range(slots.size):
        total = total * np.uint64(0x9E3779B97F4A7C15) + slots[i]
    return total


@compiled
def place(slots: Any, capacity: Any, key: Any) -> Any:
    """The slot of a key, or the free one where it would stand. The home goes by the key's upper
    half and the slot keeps its lower 60 bits: together the whole key is compared."""
    at = home(key, capacity)
    want = key << _FOUR
    while slots[at] != _ZERO and slots[at] & ~_CODE != want:
        at += _ONE
        if at == slots.size:
            at = _ZERO
    return at


@compiled
def lasting_state(
    slots: Any, start: Any, stop: Any, lasting: Any, terms_s: Any, from_s: Any, until_s: Any
) -> Any:
    """The state of a run of consents that holds for the whole span, or ASK."""
    state = _NONE
    for at in range(start, stop):
        given_s = np.int64(slots[at, 1] >> _U32)
        if given_s:
            row = slots[at, 1] & _LOW
            plain = np.int64(lasting[row])
            if from_s < given_s < until_s:
                return ASK
            if plain <= _REQUEST and terms_s[row] and from_s < given_s + terms_s[row] < until_s:
                return ASK
            graded = grade(plain, terms_s[row], given_s, from_s)
            if _RANKS[graded] > _RANKS[state]:
                state = graded
    return state


@compiled
def lay(
    slots: Any,
    capacity: Any,
    consents: Any,
    lasting: Any,
    terms_s: Any,
    from_s: Any,
    until_s: Any,
) -> Any:
    """Enter the consents, which stand in the order of their keys; how many keys."""
    count = 0
    at = 0
    while at < consents.shape[0]:
        key = consents[at, 0]
        stop = at + 1
        while stop < consents.shape[0] and consents[stop, 0] == key:
            stop += 1
        if key != _ZERO:
            state = lasting_state(consents, at, stop, lasting, terms_s, from_s, until_s)
            if state != _NONE:
                slots[place(slots, capacity, key)] = key << _FOUR | np.uint64(state + 1)
                count += 1
        at = stop
    return count


@compiled
def overlay(slots: Any, capacity: Any, refusals: Any, salt: Any, sender: Any) -> Any:
    """Enter refusals over consents; a lifted one is for the exact index. How many new keys."""
    keys = np.empty(_BLOCK, np.uint64)
    words = np.empty(_BLOCK, np.uint64)
    count = filled = 0
    for i in range(refusals.shape[0]):
        if refusals[i, 1] >> _U32 != _ZERO:
            keys[filled] = scoped_key(unscoped_key(refusals[i, 0], salt), sender)
            words[filled] = refusals[i, 1] & _LOW
            filled += 1
        if filled == _BLOCK or i == refusals.shape[0] - 1:
            touched = _ZERO
            for j in range(filled):
                touched |= slots[home(keys[j], capacity)]
            for j in range(filled):
                at = place(slots, capacity, keys[j])
                count += slots[at] == _ZERO
                if words[j] == np.uint64(REFUSED):
                    slots[at] = keys[j] << _FOUR | np.uint64(_IS_REFUSED + 1)
                elif slots[at] & _CODE != np.uint64(_IS_REFUSED + 1):
                    slots[at] = keys[j] << _FOUR | np.uint64(ASK + 1)
            filled = 0
    return count


@compiled
def mark(slots: Any, capacity: Any, keys: Any) -> Any:
    """Give these keys the answer ASK; how many are new."""
    count = 0
    for i in range(keys.size):
        at = place(slots, capacity, keys[i])
        count += slots[at] == _ZERO
        slots[at] = keys[i] << _FOUR | np.uint64(ASK + 1)
    return count


@compiled
def read(
    slots: Any, capacity: Any, phones: Any, out: Any, k0: Any, k1: Any, sender: Any
) -> Any:
    """The answers, block by block: first every key's home is touched, then it is searched."""
    keys = np.empty(_BLOCK, np.uint64)
    touched = _ZERO  # returned, so that the touches are not optimised away
    for start in range(0, phones.size, _BLOCK):
        size = min(_BLOCK, phones.size - start)
        for j in range(size):  # alone in its loop: see siphash_u64
            keys[j] = siphash_u64(k0, k1, phones[start + j])
        for j in range(size):
            keys[j] = scoped_key(keys[j], sender)
        for j in range(size):  # and this in its own, so that many misses are under way at once
            touched ^= slots[home(keys[j], capacity)]
        for j in range(size):
            word = slots[place(slots, capacity, keys[j])]
            out[start + j] = (word & _CODE) - _ONE if word != _ZERO else _NONE
    return touched
