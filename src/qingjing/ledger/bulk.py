"""Bulk look-up: a campaign's list against the index in one pass, without the GIL.

The same as a probe and a fold, a block of numbers at a time. What costs time in it are cache
misses and branches that cannot be foreseen. So each step is a loop of its own over the block:
hashes alone are vector instructions; every key's home is asked for before the first is looked
at, so that many misses are under way at once; and searching a line of four slots has no branch,
but a list of those found and a list of those who may stand in a later line.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qingjing.kernel.fold import ACTS
from qingjing.kernel.standing import RANK
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Act
from qingjing.ledger.index import REFUSED, TAIL, Campaign
from qingjing.ledger.keyhash import (
    LINE,
    U64s,
    compiled,
    first_of,
    home,
    in_threads,
    scoped_key,
    siphash_u64,
)
from qingjing.ledger.prefetch import prefetch

_BLOCK: Final = 128
"""Numbers looked up together: their lines of two tables fill half of a level-1 cache."""

_NEVER: Final = np.int64(1 << 32)
"""In place of when earlier consents ended: after every time, for whoever refuses."""

_EXPLICIT: Final = np.array([act.explicit for act in ACTS])
_REQUESTED: Final = ACTS.index(Act.REQUESTED)
_RANKS: Final = np.array([RANK.index(x) if x in RANK else -1 for x in GroundsState], np.int8)
_NONE: Final = int(GroundsState.NONE)
_IS_REFUSED: Final = int(GroundsState.REFUSED)
_REQUEST: Final = int(GroundsState.REQUEST)
_EXPIRED: Final = int(GroundsState.EXPIRED)
_LATE: Final = int(GroundsState.LATE)
_ZERO, _ONE, _TWO, _FOUR, _SIX, _U32 = (np.uint64(n) for n in (0, 1, 2, 4, 6, 32))
_LOW: Final = np.uint64(0xFFFFFFFF)


class Known(NamedTuple):
    """A ``GroundsState`` and a ``NumberState`` for each number."""

    grounds: NDArray[np.uint8]
    number: NDArray[np.uint8]


def look_up(
    campaign: Campaign, terms: NDArray[Any], phones: U64s, category_bit: int, at: int
) -> Known:
    """How each number stands towards the campaign's sender at a time, epoch ms.

    Unclear replies and noted numbers are not looked at.
    """
    grounds = np.empty(phones.size, np.uint8)
    lasting = row_states(terms, category_bit, at)
    terms_s = terms["term_s"].astype(np.int64)
    now_s = at // 1000

    def work(start: int, stop: int) -> None:
        judge(
            phones[start:stop],
            grounds[start:stop],
            campaign.key.k0,
            campaign.key.k1,
            campaign.salts,
            campaign.consents.slots,
            campaign.refusals.slots,
            campaign.everyone.slots,
            campaign.everyone.used > 0,
            lasting,
            terms_s,
            now_s,
        )

    in_threads(work, phones.size)
    return Known(grounds, np.zeros(phones.size, np.uint8))


def row_states(terms: NDArray[Any], category_bit: int, at: int) -> NDArray[np.uint8]:
    """The state of each terms row as far as it is the same for all who consented under it:
    ``fold.grade_columns`` without when they did."""
    requested = terms["act"] == _REQUESTED
    state = np.where(requested, np.uint8(_REQUEST), np.uint8(GroundsState.CONSENT))
    state[(terms["purposes"] & category_bit) == 0] = GroundsState.OTHER_CATEGORY
    state[(terms["shown"] == 0) & ~requested] = GroundsState.NOT_SHOWN
    state[~_EXPLICIT[terms["act"]]] = GroundsState.NOT_EXPLICIT
    state[terms["recorded_at"] > at] = _LATE
    return state


@compiled
def grade(state: Any, term_s: Any, given_s: Any, now_s: Any) -> Any:
    """A consent's state at a time: late before all, expired only where otherwise sound."""
    if given_s > now_s:
        return _LATE
    if state <= _REQUEST and term_s and now_s >= given_s + term_s:
        return _EXPIRED
    return state


@compiled
def best(
    slots: Any, at: Any, key: Any, ended_s: Any, lasting: Any, terms_s: Any, now_s: Any
) -> Any:
    """The state of the consent nearest to sound, of those from slot ``at`` on."""
    state = _NONE
    while slots[at, 0] == key:
        given_s = np.int64(slots[at, 1] >> _U32)
        if given_s > ended_s:
            row = slots[at, 1] & _LOW
            graded = grade(np.int64(lasting[row]), terms_s[row], given_s, now_s)
            if _RANKS[graded] > _RANKS[state]:
                state = graded
        at += _ONE
    return state


@compiled
def ending(slots: Any, at: Any, key: Any, ended_s: Any) -> Any:
    """When consents ended by the refusals from slot ``at`` on: _NEVER while one holds, the time
    of one that has been lifted, else ``ended_s``."""
    while slots[at, 0] == key:
        time = np.int64(slots[at, 1] >> _U32)
        if time:
            holds = slots[at, 1] & _LOW == np.uint64(REFUSED)
            ended_s = max(ended_s, _NEVER if holds else time)
        at += _ONE
    return ended_s


@compiled
def rekey(handles: Any, salt: Any, slots: Any, keys: Any, size: Any) -> None:
    """The keys of a block's handles under one salt, and their homes on the way to the cache."""
    homes = np.uint64(slots.shape[0] - TAIL)
    for j in range(size):
        keys[j] = scoped_key(handles[j], salt)
    for j in range(size):
        prefetch(slots, home(keys[j], homes))


@compiled
def find(slots: Any, keys: Any, size: Any, who: Any, where: Any, late: Any) -> Any:
    """Put the place of each key that is in the table into ``who``, its first slot into
    ``where``; how many.

    Whoever is not there is written, too, and written over by the next. ``late`` are those
    whose line has smaller keys alone: (key - 1) makes the largest of a free slot's 0.
    """
    homes, end = np.uint64(slots.shape[0] - TAIL), np.uint64(slots.shape[0] - 1)
    words = slots.ravel()  # two a slot
    count = passed = 0
    for j in range(size):
        key = keys[j]
        at = home(key, homes)
        not_first = np.uint64(words[_TWO * at] != key)
        not_second = not_first & np.uint64(words[_TWO * at + _TWO] != key)
        not_third = not_second & np.uint64(words[_TWO * at + _FOUR] != key)
        last = words[_TWO * at + _SIX]
        who[count], where[count] = j, at + not_first + not_second + not_third
        count += not_third & np.uint64(last != key) == _ZERO
        late[passed] = j
        passed += last - _ONE < key - _ONE
    for i in range(passed):
        prefetch(slots, home(keys[late[i]], homes) + LINE)
    for i in range(passed):
        key = keys[late[i]]
        at = first_of(slots, home(key, homes) + LINE, end, key)
        who[count], where[count] = late[i], at
        count += slots[at, 0] == key
    return count


@compiled
def judge(
    phones: Any,
    out: Any,
    k0: Any,
    k1: Any,
    salts: Any,
    consents: Any,
    refusals: Any,
    everyone: Any,
    any_everyone: Any,
    lasting: Any,
    terms_s: Any,
    now_s: Any,
) -> None:
    """Fill ``out`` with the GroundsState of each number, block by block."""
    handles, ended_s = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.int64)
    keys = np.empty((3, _BLOCK), np.uint64)
    who, late = np.empty(_BLOCK + 1, np.int64), np.empty(_BLOCK + 1, np.int64)
    where = np.empty(_BLOCK + 1, np.uint64)
    out[:] = _NONE
    for start in range(0, phones.size, _BLOCK):
        size = min(_BLOCK, phones.size - start)
        for j in range(size):  # alone in its loop: see siphash_u64
            handles[j] = siphash_u64(k0, k1, phones[start + j])
        rekey(handles, salts[0], consents, keys[0], size)
        rekey(handles, salts[1], refusals, keys[1], size)
        if any_everyone:
            rekey(handles, salts[2], everyone, keys[2], size)
        ended_s[:] = 0
        for i in range(find(refusals, keys[1], size, who, where, late)):
            j = who[i]
            ended_s[j] = ending(refusals, where[i], keys[1, j], ended_s[j])
            if ended_s[j] == _NEVER:
                out[start + j] = _IS_REFUSED
        for i in range(find(everyone, keys[2], size, who, where, late) if any_everyone else 0):
            j = who[i]
            ended_s[j] = ending(everyone, where[i], keys[2, j], ended_s[j])
            if ended_s[j] == _NEVER:
                out[start + j] = _IS_REFUSED
        for i in range(find(consents, keys[0], size, who, where, late)):
            j = who[i]
            if ended_s[j] != _NEVER:
                out[start + j] = best(
                    consents, where[i], keys[0, j], ended_s[j], lasting, terms_s, now_s
                )
