"""Keyed hashes of people and scopes, and the ordered slots that they address.

A person's **handle** is SipHash-2-4 of the phone number under a secret of 128 bits. A person's
key under a scope (a sender, a group, a cap) is an Even-Mansour cipher of the handle under the
scope's **salt**, itself SipHash of the scope's name: ``mix(handle ^ salt) ^ salt``, with a
public permutation ``mix``. So a batch over many scopes costs one SipHash a number, and one
multiply-and-shift mix a scope.

Why a file of such keys cannot be enumerated: there are only seven thousand million mainland
numbers, and whoever can compute the key of a number can try them all. Each trial needs the
number's handle, the handle is a pseudo-random function of the number under the secret, and the
secret stands in no index file. What the file alone does show is how many entries there are and
what stands beside a key; the salts hide which keys of two scopes are one person.

The kernels below also search and fill the **slots** of ``index.Slots``: an open-addressing
table with linear probing whose home grows with the key, so that entries stand in ascending
order with gaps. A search for an absent key ends at the first larger one, growing is one
sequential pass, and any capacity will do, not only powers of two.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

U64s = NDArray[np.uint64]
U32s = NDArray[np.uint32]
Bools = NDArray[np.bool_]
F = TypeVar("F", bound=Callable[..., Any])

SECRET_SIZE: Final = 16
RUN_MAX: Final = 8
"""Entries under one key. A ninth takes the place of the oldest: a run must stay short."""

LINE: Final = np.uint64(4)
"""Slots in a line of the cache. All homes are the first of one: a search mostly ends in it."""

_THREADS: Final = 2
_PART_BITS: Final = 16  # entries of a part that is sorted at once: a megabyte
_SPLIT_MIN: Final = 1 << 15  # below this a thread costs more than it saves
_DOMAIN: Final = b"qingjing"  # 8 bytes before every name: no salt is the handle of a number
_ZERO, _ONE, _U32 = np.uint64(0), np.uint64(1), np.uint64(32)
_LOW: Final = np.uint64(0xFFFFFFFF)
_RUN_MAX: Final = np.uint64(RUN_MAX)
_MIX: Final = np.uint64(0xBEA225F9EB34556D)  # Maiga's mx3, the three-round finalizer
_LENGTH_8: Final = np.uint64(8 << 56)  # SipHash's last block: the length in its top byte
_INIT0, _INIT1 = np.uint64(0x736F6D6570736575), np.uint64(0x646F72616E646F6D)
_INIT2, _INIT3 = np.uint64(0x6C7967656E657261), np.uint64(0x7465646279746573)
_FINAL, _WIDTH, _TOP_BYTE = np.uint64(0xFF), np.uint64(64), np.uint64(56)
_R13, _R16, _R17, _R21, _R29 = (np.uint64(n) for n in (13, 16, 17, 21, 29))


def compiled(function: F) -> F:
    """Numba's nopython compilation at first call, kept on disk, without the GIL, and typed."""
    return cast(F, numba.njit(cache=True, nogil=True)(function))


def inlined(function: F) -> F:
    """The same for what goes into the loops of others, where a call would keep the compiler
    from vector instructions."""
    return cast(F, numba.njit(cache=True, nogil=True, inline="always")(function))


def in_threads(work: Callable[[int, int], Any], size: int) -> list[Any]:
    """Run ``work(start, stop)`` over the parts of ``range(size)``; the results in order.

    ``work`` releases the GIL. A small range is one part, done in the calling thread; a large
    one has many, so that no thread waits long for a slower one.
    """
    parts = size // _SPLIT_MIN
    if parts < _THREADS:
        return [work(0, size)]
    edges = [size * part // parts for part in range(parts + 1)]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(work, edges[:-1], edges[1:]))


class HandleKey:
    """The 16-byte secret of one ledger's handles. Never prints itself.

    ValueError for any other length. ``identity`` names the key without giving it away, so that
    an index saved under another key is refused instead of finding nobody.
    """

    __slots__ = ("identity", "k0", "k1", "secret")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SECRET_SIZE:
            raise ValueError(f"a handle key has {SECRET_SIZE} bytes, not {len(secret)}")
        self.secret: Final = bytes(secret)
        self.k0: Final = np.uint64(int.from_bytes(secret[:8], "little"))
        self.k1: Final = np.uint64(int.from_bytes(secret[8:], "little"))
        self.identity: Final = salt(self, "identity", 0)

    def __repr__(self) -> str:
        return f"HandleKey({self.identity:016x})"


def siphash(key: HandleKey, message: bytes) -> int:
    """SipHash-2-4 of any bytes, 64 bits (Aumasson and Bernstein, 2012)."""
    return int(_siphash_bytes(key.k0, key.k1, np.frombuffer(message, np.uint8)))


def handle(key: HandleKey, phone: int) -> int:
    """The handle of one eleven-digit number: SipHash of its 8 bytes, little endian."""
    return int(siphash_u64(key.k0, key.k1, np.uint64(phone)))


def handles(key: HandleKey, phones: U64s) -> U64s:
    """The handles of numbers u64[n], as u64[n]."""
    out = np.empty(phones.size, np.uint64)

    def work(start: int, stop: int) -> None:
        _handles(key.k0, key.k1, phones[start:stop], out[start:stop])

    in_threads(work, phones.size)
    return out


def salt(key: HandleKey, kind: str, scope: int | str) -> int:
    """The 64-bit salt of a scope: ``kind`` says what is scoped ("sender", "group", a cap)."""
    name = b"i%d" % scope if isinstance(scope, int) else b"s" + scope.encode()
    return siphash(key, _DOMAIN + kind.encode() + b"\0" + name)


def scoped(handles: U64s, salts: U64s | int) -> U64s:
    """The keys u64[n] of persons under scopes; ``salts`` is u64[n], or one for all. Never 0."""
    out = np.empty(handles.size, np.uint64)
    many = np.broadcast_to(np.asarray(salts, np.uint64), handles.shape)

    def work(start: int, stop: int) -> None:
        _scoped(handles[start:stop], many[start:stop], out[start:stop])

    in_threads(work, handles.size)
    return out


# Below, every number is an unsigned 64-bit one on purpose: Numba makes a float of a sum of a
# signed and an unsigned integer.


@inlined
def _rotated(x: Any, bits: Any) -> Any:
    return (x << bits) | (x >> (_WIDTH - bits))


@inlined
def _sip_round(v0: Any, v1: Any, v2: Any, v3: Any) -> Any:
    v0 += v1
    v1 = _rotated(v1, _R13) ^ v0
    v0 = _rotated(v0, _U32)
    v2 += v3
    v3 = _rotated(v3, _R16) ^ v2
    v0 += v3
    v3 = _rotated(v3, _R21) ^ v0
    v2 += v1
    v1 = _rotated(v1, _R17) ^ v2
    return v0, v1, _rotated(v2, _U32), v3


@compiled
def _absorbed(v0: Any, v1: Any, v2: Any, v3: Any, block: Any) -> Any:
    v0, v1, v2, v3 = _sip_round(v0, v1, v2, v3 ^ block)
    v0, v1, v2, v3 = _sip_round(v0, v1, v2, v3)
    return v0 ^ block, v1, v2, v3


@compiled
def _finished(v0: Any, v1: Any, v2: Any, v3: Any) -> Any:
    v2 ^= _FINAL
    for _ in range(4):
        v0, v1, v2, v3 = _sip_round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3


@compiled
def _siphash_bytes(k0: Any, k1: Any, data: Any) -> Any:
    v0, v1, v2, v3 = k0 ^ _INIT0, k1 ^ _INIT1, k0 ^ _INIT2, k1 ^ _INIT3
    block = np.uint64(data.size & 0xFF) << _TOP_BYTE
    whole = data.size - data.size % 8
    for start in range(0, whole, 8):
        full = _ZERO
        for i in range(8):
            full |= np.uint64(data[start + i]) << np.uint64(8 * i)
        v0, v1, v2, v3 = _absorbed(v0, v1, v2, v3, full)
    for i in range(whole, data.size):
        block |= np.uint64(data[i]) << np.uint64(8 * (i - whole))
    v0, v1, v2, v3 = _absorbed(v0, v1, v2, v3, block)
    return _finished(v0, v1, v2, v3)


@inlined
def siphash_u64(k0: Any, k1: Any, number: Any) -> Any:
    """SipHash of one 8-byte number, its eight rounds in a row: a loop over it, and nothing
    else, compiles to vector instructions, 2.5 times as fast."""
    v0, v1, v2, v3 = k0 ^ _INIT0, k1 ^ _INIT1, k0 ^ _INIT2, k1 ^ _INIT3
    v0, v1, v2, v3 = _sip_round(v0, v1, v2, v3 ^ number)
    v0, v1, v2, v3 = _sip_round(v0, v1, v2, v3)
    v0, v1, v2, v3 = _sip_round(v0 ^ number, v1, v2, v3 ^ _LENGTH_8)
    v0, v1, v2, v3 = _sip_round(v0, v1, v2, v3)
    v0, v1, v2, v3 = _sip_round(v0 ^ _LENGTH_8, v1, v2 ^ _FINAL, v3)
    v0, v1, v2, v3 = _sip_round(v0, v1, v2, v3)
    v0, v1, v2, v3 = _sip_round(v0, v1, v2, v3)
    v0, v1, v2, v3 = _sip_round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3


@compiled
def _handles(k0: Any, k1: Any, phones: Any, out: Any) -> None:
    for i in range(phones.size):
        out[i] = siphash_u64(k0, k1, phones[i])


@compiled
def scoped_key(handle: Any, salt: Any) -> Any:
    """The key of one handle under one salt, for other kernels; ``scoped`` for everyone else."""
    x = handle ^ salt
    x = (x ^ (x >> _U32)) * _MIX
    x = (x ^ (x >> _R29)) * _MIX
    x = (x ^ (x >> _U32)) * _MIX
    return max((x ^ (x >> _R29)) ^ salt, _ONE)


@compiled
def _scoped(handles: Any, salts: Any, out: Any) -> None:
    for i in range(handles.size):
        out[i] = scoped_key(handles[i], salts[i])


@compiled
def home(key: Any, capacity: Any) -> Any:
    """The first slot at which a key may stand, the first of a line: in proportion to its upper
    32 bits."""
    return ((key >> _U32) * (capacity // LINE) >> _U32) * LINE


@compiled
def first_of(slots: Any, at: Any, end: Any, key: Any) -> Any:
    """The first slot from ``at`` that is empty or holds ``key`` or a larger one, or ``end``."""
    while at < end and slots[at, 0] != _ZERO and slots[at, 0] < key:
        at += _ONE
    return at


@compiled
def put(slots: Any, capacity: Any, end: Any, key: Any, word: Any) -> Any:
    """Add one entry below slot ``end``: 0 in place of a live one, 1 of a dead one, 2 in a slot
    of its own, 3 when there is no room."""
    at = first_of(slots, home(key, capacity), end, key)
    free = oldest = stop = at
    dead = False
    while stop < end and slots[stop, 0] == key:
        alive = slots[stop, 1] >> _U32 != _ZERO
        if slots[stop, 1] & _LOW == word & _LOW:
            slots[stop, 1] = word
            return 0 if alive else 1
        if not alive:
            dead, free = True, stop
        if slots[stop, 1] >> _U32 < slots[oldest, 1] >> _U32:
            oldest = stop
        stop += _ONE
    if dead or stop - at >= _RUN_MAX:
        slots[free if dead else oldest, 1] = word
        return 1 if dead else 0
    gap = stop
    while gap < end and slots[gap, 0] != _ZERO:
        gap += _ONE
    if gap >= end:
        return 3
    while gap > stop:
        slots[gap, 0], slots[gap, 1] = slots[gap - _ONE, 0], slots[gap - _ONE, 1]
        gap -= _ONE
    slots[stop, 0], slots[stop, 1] = key, word
    return 2


@compiled
def add(slots: Any, capacity: Any, keys: Any, words: Any) -> Any:
    """Put entries in order until one finds no room: how many were put, taken slots, revived."""
    end = np.uint64(slots.shape[0] - 1)
    taken = revived = 0
    for i in range(keys.size):
        how = put(slots, capacity, end, keys[i], words[i])
        if how == 3:
            return i, taken, revived
        taken += how == 2
        revived += how == 1
    return keys.size, taken, revived


@compiled
def kill(slots: Any, capacity: Any, key: Any) -> Any:
    """Mark the entries of a key dead; how many were alive."""
    end = np.uint64(slots.shape[0] - 1)
    at = first_of(slots, home(key, capacity), end, key)
    gone = 0
    while slots[at, 0] == key:
        gone += slots[at, 1] >> _U32 != _ZERO
        slots[at, 1] &= _LOW
        at += _ONE
    return gone


@compiled
def rehash(old: Any, new: Any, capacity: Any) -> Any:
    """Copy the live entries, which stand in order, to a larger table: how many found room."""
    free = _ZERO
    last = np.uint64(new.shape[0] - 1)
    count = 0
    for i in range(old.shape[0]):
        if old[i, 1] >> _U32 != _ZERO:
            at = max(home(old[i, 0], capacity), free)
            if at >= last:
                return count
            new[at, 0], new[at, 1] = old[i, 0], old[i, 1]
            free = at + _ONE
            count += 1
    return count


def ordered(keys: U64s, words: U64s) -> U64s:
    """Entries u64[n, 2] in the order of key and word: dealt out by the upper bits first, so
    that each part is sorted within the cache."""
    bits = max(len(keys).bit_length() - _PART_BITS, 0)
    ends = np.zeros(1 << bits, np.int64)
    rows = np.empty((len(keys), 2), np.uint64)
    deal(keys, words, np.uint64(bits), ends, rows)

    def work(start: int, stop: int) -> None:
        first, last = np.searchsorted(ends, (start, stop), side="right").tolist()
        begin = int(ends[first - 1]) if first else 0
        for end in ends[first:last].tolist():
            part = rows[begin:end]
            order = np.argsort(part[:, 0])
            sorted_keys = part[order, 0]
            if (sorted_keys[1:] == sorted_keys[:-1]).any():
                order = np.lexsort((part[:, 1], part[:, 0]))
            rows[begin:end] = part[order]
            begin = end

    in_threads(work, len(keys))
    return rows


@compiled
def deal(keys: Any, words: Any, bits: Any, ends: Any, rows: Any) -> None:
    """Put entries into parts by their keys' upper bits; ``ends`` becomes where each ends."""
    down = np.uint64(63) - bits
    for i in range(keys.size):  # shifted twice: no shift by 64 when there is one part alone
        ends[(keys[i] >> _ONE) >> down] += 1
    total = 0
    for part in range(ends.size):
        total += ends[part]
        ends[part] = total - ends[part]
    for i in range(keys.size):
        part = (keys[i] >> _ONE) >> down
        rows[ends[part], 0], rows[ends[part], 1] = keys[i], words[i]
        ends[part] += 1
