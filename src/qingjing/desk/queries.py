"""Queries: what looking back asks of the record, named so that the same is asked again.

A query reads the decided messages of a span of the record and says how many of those it looked
at are what it asks for. It reads rows and paths alone: no number and no text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qingjing.desk.entries import Problem
from qingjing.desk.ports import Ledger
from qingjing.kernel import facts as f
from qingjing.kernel.rows import DECIDED, may_leave
from qingjing.kernel.rules import RULES
from qingjing.kernel.words import Verdict

Params = tuple[tuple[str, str], ...]
_BITS: Final = {rule.name: 1 << bit for bit, rule in enumerate(RULES)}


class Span(NamedTuple):
    """Positions of the record: after the first, up to and with the last."""

    after: int
    last: int


class Answer(NamedTuple):
    """How many messages were looked at, how many are hits, whether that passes, in words."""

    seen: int
    hits: int
    passed: bool
    words: str


class Decided(NamedTuple):
    """The messages of one batch on the paths that are looked at."""

    fact: f.MessagesDecided
    at: int
    rows: NDArray[Any]


def decided(ledger: Ledger, span: Span, params: Mapping[str, str]) -> Iterator[Decided]:
    """Decided messages of a party (as sender or submitter), port and signature, batch by batch.

    ``params`` may have ``party``, ``port`` and ``signature``; what is not named is any.
    """
    party, port, signature = (params.get(k, "") for k in ("party", "port", "signature"))
    for position in ledger.batches_since(span.after):
        if position > span.last:
            return
        batch = ledger.batch(position)
        fact = batch.recorded.fact
        if not isinstance(fact, f.MessagesDecided):
            continue
        wanted = [
            (not party or party in (lane.sender, lane.submitter))
            and (not port or port == lane.port)
            and (not signature or signature == lane.signature)
            for lane in fact.lanes
        ]
        if any(wanted):
            rows = np.frombuffer(batch.rows, dtype=DECIDED)
            yield Decided(fact, batch.recorded.at, rows[np.array(wanted)[rows["lane"]]])


def _refused(ledger: Ledger, span: Span, params: Mapping[str, str]) -> Answer:
    """Messages that the gate did not pass, for some reasons or for any."""
    named = [name for name in params.get("reasons", "").split(",") if name]
    bits = np.uint64(sum(_BITS[name] for name in named) or (1 << 64) - 1)
    most = int(params.get("most", "0"))
    seen = hits = 0
    for batch in decided(ledger, span, params):
        seen += batch.rows.size
        stopped = batch.rows["verdict"] != Verdict.PASS
        hits += int((stopped & (batch.rows["reasons"] & bits != 0)).sum())
    why = f" ({', '.join(named)})" if named else ""
    words = f"{hits} of {seen} messages were stopped{why}; {most} may be"
    return Answer(seen, hits, hits <= most, words)


def _signatures(ledger: Ledger, span: Span, params: Mapping[str, str]) -> Answer:
    """Signatures under which a port's messages left: a port of one tenant has one."""
    most, seen, found = int(params.get("most", "1")), 0, set[str]()
    for batch in decided(ledger, span, params):
        left = batch.rows[may_leave(batch.rows)]
        seen += left.size
        found |= {batch.fact.lanes[lane].signature for lane in np.unique(left["lane"])}
    words = f"{seen} messages left under {len(found)} signatures; {most} may be"
    return Answer(seen, len(found), len(found) <= most, words)


Query = Callable[[Ledger, Span, Mapping[str, str]], Answer]
QUERIES: Final[dict[str, Query]] = {"refused": _refused, "signatures": _signatures}
"""By name. ``refused`` takes party, port, signature, reasons (rules, by commas) and most (0);
``signatures`` takes port, party and most (1)."""

_PARAMS: Final = {
    "refused": {"party", "port", "signature", "reasons", "most"},
    "signatures": {"party", "port", "most"},
}


BREACHES: Final = (
    *("illegal_content", "sender_free", "port_granted", "kind_in_scope", "signature_in_scope"),
    *("signature_registered", "chain_declared", "grounds_present", "grounds_explicit"),
    *("grounds_shown", "kind_honest"),
)
"""Reasons that say that a sender tried what it may not: not those of an ordinary day, such as a
person who has refused since, an hour, or a cap."""


def default_query(party: str, port: str, signature: str) -> tuple[str, Params]:
    """What is asked where nothing else is named: was any breach tried on this path?"""
    named = (("party", party), ("port", port), ("signature", signature))
    chosen = tuple((key, value) for key, value in named if value)
    return "refused", (*chosen, ("reasons", ",".join(BREACHES)))


def wrong_params(query: str, params: Params) -> list[Problem]:
    """What is wrong with a query and its parameters."""
    if query not in QUERIES:
        remedy = f"use {', '.join(QUERIES)}"
        return [Problem("", "query", f"there is no query {query!r}", remedy)]
    problems = []
    for key, value in params:
        remedy = f"{query} takes {', '.join(sorted(_PARAMS[query]))}"
        if key not in _PARAMS[query]:
            problems.append(Problem("", "params", f"{key!r} is none", remedy))
        elif key == "most" and not value.isdecimal():
            problems.append(Problem("", "most", f"{value!r} is no number", "give 0 or more"))
        elif key == "reasons":
            unknown = [name for name in value.split(",") if name not in _BITS]
            if unknown:
                problem = f"{', '.join(unknown)} are no reasons"
                problems.append(Problem("", "reasons", problem, "see docs/reasons.md"))
    if not {"party", "port", "signature"} & {key for key, value in params if value}:
        remedy = "name a party, a port or a signature"
        problems.append(Problem("", "params", "ask about everything", remedy))
    return problems


def answer(ledger: Ledger, span: Span, query: str, params: Params) -> Answer:
    """Ask it. KeyError when there is no such query: ``wrong_params`` tells before."""
    return QUERIES[query](ledger, span, dict(params))
