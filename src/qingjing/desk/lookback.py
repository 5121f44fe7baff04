"""Look back 回头看: the same question again after 7, 30 and 90 Beijing days.

What has ended (a closed finding, a lifted measure) and what was granted is examined by its own
query over the record since, and a sample of its messages is drawn by a plan that anyone can
draw again. What did not pass opens again by itself: the service's clock calls for what is due.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import timedelta
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from qingjing.desk.entries import InputError, Problem, day_start
from qingjing.desk.findings import Charge, open_
from qingjing.desk.ports import Ledger, Transaction
from qingjing.desk.queries import Params, Span, answer, decided, default_query
from qingjing.kernel import facts as f
from qingjing.kernel.oversight import AFTER_DAYS, Ended
from qingjing.kernel.words import Carrier, Subject, Verdict
from qingjing.kernel.workdays import beijing_date

SAMPLE: Final = 60
"""Messages that a look back draws for a person to read. If 60 drawn at random show nothing,
then with 95 % confidence less than 5 % of all are bad (1 - 0.05^(1/60))."""


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sampling plan: from it and the record anyone draws the same messages.

    Messages of ``party``, ``port`` and ``signature`` decided after position ``after`` up to
    ``last``. ``strata`` are among carrier, signature, verdict; each gets its share of ``size``
    by largest remainder, at least one. Within a stratum those with the least hashes are drawn,
    least first: splitmix64 of the id xor the first eight bytes of SHA-256(seed).
    """

    after: int
    last: int
    size: int
    seed: str
    strata: tuple[str, ...] = ("carrier", "verdict")
    party: str = ""
    port: str = ""
    signature: str = ""

    def encode(self) -> str:
        """The plan as it is printed and recorded."""
        return msgspec.json.encode(self, order="deterministic").decode()


class Drawn(NamedTuple):
    """One drawn message: its id and its stratum in words."""

    message: int
    stratum: str


class Booking(NamedTuple):
    """One look back: what, how many days after its end, and when it is due (epoch ms)."""

    ended: Ended
    after_days: int
    due: int


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What a look back saw, before it is recorded."""

    fact: f.LookedBack
    party: str
    port: str
    signature: str
    since: int
    messages: tuple[int, ...]


def bookings(ledger: Ledger) -> list[Booking]:
    """Every look back that was not done yet, the first due first."""
    oversight = ledger.register.oversight
    found = [
        Booking(ended, days, _due(ended.at, days))
        for ended in oversight.ended()
        for days in AFTER_DAYS
        if (ended.matter, ended.position, days) not in oversight.looks
    ]
    return sorted(found, key=lambda one: (one.due, one.ended.position, one.after_days))


def due(ledger: Ledger, at: int) -> list[Booking]:
    """Those whose day has come, the first due first."""
    return [one for one in bookings(ledger) if one.due <= at]


def _due(at: int, days: int) -> int:
    return day_start(beijing_date(at / 1000) + timedelta(days=days))


def examine(ledger: Ledger, booking: Booking, seed: str = "") -> Look:
    """Ask the matter's query over the record since its end, and draw its sample.

    Reads alone, so that it can be done beside a service that goes on.
    """
    ended = booking.ended
    query, params, since = _question(ledger, ended)
    named = dict(params)
    party, port, signature = (named.get(k, "") for k in ("party", "port", "signature"))
    span = Span(ended.position, ledger.position)
    plan = Plan(
        after=span.after,
        last=span.last,
        size=SAMPLE,
        seed=seed or f"{ended.matter}@{ended.position}+{booking.after_days}",
        party=party,
        port=port,
        signature=signature,
    )
    drawn, told = draw(ledger, plan), answer(ledger, span, query, params)
    fact = f.LookedBack(
        matter=ended.matter,
        ended=ended.position,
        after_days=booking.after_days,
        query=query,
        params=params,
        seen=told.seen,
        hits=told.hits,
        passed=told.passed,
        words=told.words,
        plan=plan.encode(),
        drawn=hashlib.sha256(listed(drawn)).digest(),
    )
    return Look(
        fact=fact,
        party=party,
        port=port,
        signature=signature,
        since=since,
        messages=tuple(one.message for one in drawn),
    )


def _question(ledger: Ledger, ended: Ended) -> tuple[str, Params, int]:
    """Query and parameters of a matter, and since when it runs."""
    what, _, name = ended.matter.partition(" ")
    register = ledger.register
    if what == "finding":
        found = register.oversight.findings[name].fact
        return found.query, found.params, ended.at
    if what == "measure":
        taken = register.oversight.measures[name].fact
        finding = register.oversight.findings.get(taken.finding)
        if finding is not None:
            return finding.fact.query, finding.fact.params, ended.at
        path = {taken.subject: taken.name}
        query, params = default_query(*(path.get(subject, "") for subject in Subject))
        return query, params, ended.at
    grant = register.grant(name)
    if grant is None:  # ended since: ``Oversight`` forgets such a booking with the grant
        raise InputError([Problem("", "grant", f"{name!r} has ended", "nothing to examine")])
    # A port that was granted to one sender carries that sender's signature alone.
    return "signatures", (("port", grant.port), ("most", "1")), ended.at


def record(ledger: Ledger, t: Transaction, look: Look) -> tuple[f.Fact, ...]:
    """Record a look back; what did not pass opens again. Done already, nothing is written."""
    fact = look.fact
    key = (fact.matter, fact.ended, fact.after_days)
    if key in ledger.register.oversight.looks:
        return ()
    t.append(fact)
    again = None if fact.passed else _open_again(ledger, t, look)
    return (fact,) if again is None else (fact, again)


def _open_again(ledger: Ledger, t: Transaction, look: Look) -> f.Fact | None:
    fact = look.fact
    what, _, name = fact.matter.partition(" ")
    oversight = ledger.register.oversight
    reason = f"after {fact.after_days} days: {fact.words}"
    if what == "measure":
        name = oversight.measures[name].fact.finding or name
    known = oversight.findings.get(name) if what != "grant" else None
    if known is not None:
        if not known.closed or (what == "finding" and known.closed != fact.ended):
            return None  # it is open, or was closed anew since: then that is looked back at
        reopened = f.FindingReopened(finding=known.fact.finding, by="", reason=reason)
        t.append(reopened)
        return reopened
    charge = Charge(
        what=f"lookback {what}",
        party=_party(ledger, look, name),
        port=look.port,
        signature=look.signature,
        words=f"{fact.matter}: {reason}",
        since=look.since,
        messages=look.messages,
        query=fact.query,
        params=fact.params,
    )
    return open_(ledger, t, charge, by="look back")


def _party(ledger: Ledger, look: Look, name: str) -> str:
    """Who answers for it: the party named, else the grant's sender, the owner or the holder."""
    register = ledger.register
    grant, port = register.grant(name), register.port(look.port)
    signature = register.signature(look.signature)
    if look.party or grant is not None:
        return look.party or (grant.sender if grant else "")
    return signature.owner if signature else port.holder if port else ""


def draw(ledger: Ledger, plan: Plan) -> list[Drawn]:
    """The messages of a plan, by stratum and then by hash. InputError when it asks for none.

    Memory: sixteen bytes a message that the plan covers.
    """
    problems = []
    if plan.size < 1 or not set(plan.strata) <= {"carrier", "signature", "verdict"}:
        remedy = "a size from 1, and strata among carrier, signature, verdict"
        problems.append(Problem("", "plan", "cannot be drawn", remedy))
    if not 0 <= plan.after <= plan.last <= ledger.position:
        remedy = "draw it from the record that it was made of"
        problems.append(Problem("", "last", f"position {plan.last} is not there", remedy))
    if problems:
        raise InputError(problems)
    key = np.uint64(int.from_bytes(hashlib.sha256(plan.seed.encode()).digest()[:8], "big"))
    strata: dict[str, list[NDArray[np.uint64]]] = {}
    named = {"party": plan.party, "port": plan.port, "signature": plan.signature}
    for batch in decided(ledger, Span(plan.after, plan.last), named):
        pairs = np.stack([batch.rows["lane"], batch.rows["verdict"]], axis=1)
        for lane, verdict in np.unique(pairs, axis=0).tolist():
            here = (pairs == (lane, verdict)).all(axis=1)
            words = _stratum(plan.strata, batch.fact.lanes[lane], verdict)
            strata.setdefault(words, []).append(batch.rows["message"][here])
    found = {words: np.concatenate(ids) for words, ids in sorted(strata.items())}
    shares = _shares({words: ids.size for words, ids in found.items()}, plan.size)
    drawn: list[Drawn] = []
    for words, ids in found.items():
        order = np.lexsort((ids, mixed(ids ^ key)))[: shares[words]]
        drawn += [Drawn(int(ids[place]), words) for place in order]
    return drawn


def _stratum(strata: tuple[str, ...], lane: f.LaneUsed, verdict: int) -> str:
    values = {
        "carrier": Carrier(lane.carrier).name.lower(),
        "signature": lane.signature,
        "verdict": Verdict(verdict).name.lower(),
    }
    return " ".join(values[name] for name in strata)


def _shares(sizes: dict[str, int], size: int) -> dict[str, int]:
    """How many of each stratum: in proportion by largest remainder, one at least, never more
    than it has."""
    total = sum(sizes.values())
    if total <= size:
        return sizes
    shares = {words: max(1, size * count // total) for words, count in sizes.items()}
    order = sorted(sizes, key=lambda words: (-(size * sizes[words] % total), words))
    for words in order:
        if sum(shares.values()) < size and shares[words] < sizes[words]:
            shares[words] += 1
    return shares


def mixed(ids: NDArray[Any]) -> NDArray[np.uint64]:
    """splitmix64's finaliser: a fixed permutation of 64-bit integers, well mixed."""
    x = ids.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed_: NDArray[np.uint64] = x ^ (x >> np.uint64(31))
    return mixed_


def listed(drawn: list[Drawn]) -> bytes:
    """The drawn messages as they are printed and hashed: a CSV line each."""
    return "".join(f"{one.message},{one.stratum}\n" for one in drawn).encode()


def progress(ledger: Ledger) -> dict[str, int]:
    """How many looks back passed, did not, and are to come."""
    looks = ledger.register.oversight.looks.values()
    counts = Counter("passed" if look.passed else "failed" for look in looks)
    return {
        "passed": counts["passed"],
        "failed": counts["failed"],
        "to_come": len(bookings(ledger)),
    }
