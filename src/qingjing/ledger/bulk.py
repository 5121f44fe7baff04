"""Bulk look-up: a campaign's list against the index in one pass, without the GIL.

The same as a probe and a fold, a number at a time: keyed handle, refusals, consents, grade. In
blocks: first all keys of a block, then one touch of each key's home, so that many cache misses
are under way at once, then the search itself, which finds its lines at hand. Refusals are few
against the numbers of a list, so a sieve is asked first.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qingjing.kernel.fold import ACTS
from qingjing.kernel.standing import RANK
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Act
from qingjing.ledger.index import REFUSED, Campaign, sieve_bit
from qingjing.ledger.keyhash import (
    U64s,
    compiled,
    first_of,
    home,
    in_threads,
    scoped_key,
    siphash_u64,
)

_BLOCK: Final = 256
_EXPLICIT: Final = np.array([act.explicit for act in ACTS])
_REQUESTED: Final = ACTS.index(Act.REQUESTED)
_RANKS: Final = np.array([RANK.index(x) if x in RANK else -1 for x in GroundsState], np.int8)
_NONE: Final = int(GroundsState.NONE)
_IS_REFUSED: Final = int(GroundsState.REFUSED)
_REQUEST: Final = int(GroundsState.REQUEST)
_EXPIRED: Final = int(GroundsState.EXPIRED)
_LATE: Final = int(GroundsState.LATE)


class Known(NamedTuple):
    """A ``GroundsState`` and a ``NumberState`` for each number."""

    grounds: NDArray[np.uint8]
    number: NDArray[np.uint8]


def look_up(
    campaign: Campaign, terms: NDArray[Any], phones: U64s, category_bit: int, now_s: int
) -> Known:
    """How each number stands towards the campaign's sender. Noted numbers are not looked at."""
    grounds = np.empty(phones.size, np.uint8)
    lasting = timeless(terms, category_bit)
    terms_s = terms["term_s"].astype(np.int64)
    consents, refusals, everyone = campaign.consents, campaign.refusals, campaign.everyone

    def work(start: int, stop: int) -> None:
        judge(
            phones[start:stop],
            grounds[start:stop],
            campaign.key.k0,
            campaign.key.k1,
            campaign.salts,
            consents.slots,
            np.uint64(consents.capacity),
            refusals.slots,
            np.uint64(refusals.capacity),
            refusals.sieve(),
            everyone.slots,
            np.uint64(everyone.capacity),
            everyone.used > 0,
            lasting,
            terms_s,
            now_s,
        )

    in_threads(work, phones.size)
    return Known(grounds, np.zeros(phones.size, np.uint8))


def timeless(terms: NDArray[Any], category_bit: int) -> NDArray[np.uint8]:
    """The state of each terms row as far as it does not depend on the time: ``grade``."""
    requested = terms["act"] == _REQUESTED
    state = np.where(requested, np.uint8(_REQUEST), np.uint8(GroundsState.CONSENT))
    state[(terms["purposes"] & category_bit) == 0] = GroundsState.OTHER_CATEGORY
    state[(terms["shown"] == 0) & ~requested] = GroundsState.NOT_SHOWN
    state[~_EXPLICIT[terms["act"]]] = GroundsState.NOT_EXPLICIT
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
def refusal(slots: Any, capacity: Any, key: Any) -> Any:
    """Does the key refuse, and when was a refusal made that has been lifted since (0: none)?"""
    end = np.uint64(slots.shape[0] - 1)
    at = first_of(slots, home(key, capacity), end, key)
    refused, ended_s = False, np.int64(0)
    while at < end and slots[at, 0] == key:
        time = np.int64(slots[at, 1] >> np.uint64(32))
        if time:
            if slots[at, 1] & np.uint64(0xFFFFFFFF) == np.uint64(REFUSED):
                refused = True
            else:
                ended_s = max(ended_s, time)
        at += np.uint64(1)
    return refused, ended_s


@compiled
def best(
    slots: Any, capacity: Any, key: Any, ended_s: Any, lasting: Any, terms_s: Any, now_s: Any
) -> Any:
    """The state of the consent that is nearest to sound."""
    end = np.uint64(slots.shape[0] - 1)
    at = first_of(slots, home(key, capacity), end, key)
    state = _NONE
    while at < end and slots[at, 0] == key:
        given_s = np.int64(slots[at, 1] >> np.uint64(32))
        if given_s > ended_s:
            row = slots[at, 1] & np.uint64(0xFFFFFFFF)
            graded = grade(np.int64(lasting[row]), terms_s[row], given_s, now_s)
            if _RANKS[graded] > _RANKS[state]:
                state = graded
        at += np.uint64(1)
    return state


@compiled
def judge(
    phones: Any,
    out: Any,
    k0: Any,
    k1: Any,
    salts: Any,
    consents: Any,
    consents_cap: Any,
    refusals: Any,
    refusals_cap: Any,
    sieve: Any,
    everyone: Any,
    everyone_cap: Any,
    any_everyone: Any,
    lasting: Any,
    terms_s: Any,
    now_s: Any,
) -> Any:
    """Fill ``out`` with the GroundsState of each number, block by block."""
    keys = np.empty((_BLOCK, 3), np.uint64)
    maybe, words = np.empty(_BLOCK, np.uint64), np.uint64(sieve.size)
    touched = np.uint64(0)  # returned, so that the touches are not optimised away
    for start in range(0, phones.size, _BLOCK):
        size = min(_BLOCK, phones.size - start)
        for j in range(size):
            handle = siphash_u64(k0, k1, phones[start + j])
            for k in range(3):
                keys[j, k] = scoped_key(handle, salts[k])
        for j in range(size):
            touched ^= consents[home(keys[j, 0], consents_cap), 0]
            bit = sieve_bit(keys[j, 1], words)
            maybe[j] = sieve[bit >> np.uint64(6)] >> (bit & np.uint64(63)) & np.uint64(1)
        for j in range(size):
            refused, ended_s = False, np.int64(0)
            if maybe[j]:
                refused, ended_s = refusal(refusals, refusals_cap, keys[j, 1])
            if any_everyone:
                of_all, ended_all = refusal(everyone, everyone_cap, keys[j, 2])
                refused |= of_all
                ended_s = max(ended_s, ended_all)
            if refused:
                out[start + j] = _IS_REFUSED
            else:
                key = keys[j, 0]
                out[start + j] = best(
                    consents, consents_cap, key, ended_s, lasting, terms_s, now_s
                )
    return touched
