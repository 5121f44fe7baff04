"""Release: hand out what passed, after one more look at refusals, in the same transaction.

Check at use: what was decided minutes ago may have been refused since. From the commit of a
refusal on, no marketing message of the group leaves to that person (flow (b) of the design).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Final

import numpy as np

from qingjing.desk import caps
from qingjing.desk.outbox import REJECTED, Flight, Outbox, end_part
from qingjing.desk.ports import Scopes, Transaction
from qingjing.desk.send import Desk
from qingjing.kernel.register import Lane
from qingjing.kernel.rows import Moved
from qingjing.kernel.rules import RULES
from qingjing.kernel.vector import PortState, SenderState, SignatureState

_BIT: Final = {rule.name: 1 << bit for bit, rule in enumerate(RULES)}

QUEUE_MS_MAX: Final = 86_400_000
"""A marketing message that waited a day is stopped: its hour and its offer are past."""


def release(
    desk: Desk,
    outbox: Outbox,
    way: Hashable,
    room: int,
    parts: Callable[[str], int],
    t: Transaction,
) -> list[Flight]:
    """The messages that may leave by a way out now, in order; noted as RELEASED.

    ``room`` is how many parts its connections can take, ``parts`` into how many a
    body is split. What may not leave any more is noted as STOPPED with its reason, and given
    back to the caps. Of an account in shadow mode everything leaves; what would have stopped it
    is noted. The caller hands out what is returned after the commit, not before.
    """
    flights = outbox.take(way, room, parts)
    if not flights:
        return []
    stopped = _stopped(desk, flights, t.at)
    leaving: list[Flight] = []
    gone: list[Flight] = []
    shadowed = desk.ledger.register.shadowed
    for flight, reasons in zip(flights, stopped, strict=True):
        if not reasons or flight.account in shadowed:
            count = parts(flight.body)
            flight.open_parts = {1} if count == 1 else set(range(1, count + 1))
            outbox.move(Moved.RELEASED, flight.message, t.at, part=count, reasons=reasons)
            leaving.append(flight)
            continue
        outbox.move(Moved.STOPPED, flight.message, t.at, reasons=reasons)
        end_part(outbox, flight, 0, REJECTED, t.at)
        gone.append(flight)
    _give_back(desk, gone)
    return leaving


def again(
    desk: Desk,
    outbox: Outbox,
    waiting: Sequence[tuple[Flight, int]],
    parts: Callable[[str], int],
    t: Transaction,
) -> list[bool]:
    """May these released parts, which no carrier has taken, still leave? In their order.

    A part that may not is noted as STOPPED; a message of one part as a whole (part 0), and then
    its caps are given back. Of a longer one, something may have left.
    """
    if not waiting:
        return []
    gone: list[Flight] = []
    stopped = _stopped(desk, [flight for flight, _part in waiting], t.at)
    shadowed = desk.ledger.register.shadowed
    for (flight, part), reasons in zip(waiting, stopped, strict=True):
        if reasons and flight.account not in shadowed:
            whole = parts(flight.body) == 1
            ended = 0 if whole else part
            outbox.move(Moved.STOPPED, flight.message, t.at, reasons=reasons, part=ended)
            end_part(outbox, flight, ended, REJECTED, t.at)
            if whole:
                gone.append(flight)
    _give_back(desk, gone)
    return [
        not reasons or flight.account in shadowed
        for (flight, _part), reasons in zip(waiting, stopped, strict=True)
    ]


def _give_back(desk: Desk, gone: Sequence[Flight]) -> None:
    """The caps of marketing messages that do not leave; what never passed was not counted."""
    back = [flight for flight in gone if flight.marketing and not flight.reasons]
    if back:
        caps.give_back(
            desk.ledger.standings,
            [flight.lane for flight in back],
            np.array([flight.handle for flight in back], dtype=np.uint64),
            np.array([flight.submitted_at for flight in back], dtype=np.int64),
        )


def _stopped(desk: Desk, flights: Sequence[Flight], at: int) -> list[int]:
    """The reason bits that stop each message now; 0 for those that may leave."""
    handles = np.array([flight.handle for flight in flights], dtype=np.uint64)
    lanes = {id(flight.lane): flight.lane for flight in flights}
    place_of = {name: place for place, name in enumerate(lanes)}
    scopes = Scopes(
        [lane.sender for lane in lanes.values()],
        [lane.group for lane in lanes.values()],
        np.array([place_of[id(flight.lane)] for flight in flights], dtype=np.intp),
    )
    probed = desk.ledger.standings.probe(handles, scopes)
    refused, unclear = probed.refused.tolist(), probed.unclear.tolist()
    reasons: list[int] = []
    paths: dict[int, int] = {}
    for place, flight in enumerate(flights):
        known = paths.get(id(flight.lane))
        bits = paths[id(flight.lane)] = _path(desk, flight.lane, at) if known is None else known
        if flight.marketing:
            bits |= _BIT["not_refused"] if refused[place] else 0
            bits |= _BIT["refusal_clear"] if unclear[place] else 0
            bits |= _BIT["quiet_hours"] if at - flight.submitted_at > QUEUE_MS_MAX else 0
        reasons.append(bits | flight.reasons)
    return reasons


def _path(desk: Desk, old: Lane, at: int) -> int:
    """A suspended sender or an ended grant stops what is queued, too."""
    lane = desk.lane((old.submitter, old.port, old.signature, old.carrier), at)
    if lane is old:
        return 0
    bits = 0
    if lane.sender_state is not SenderState.OK:
        bits |= _BIT["sender_free"]
    if lane.port_state not in (PortState.OK, old.port_state):
        bits |= _BIT["port_granted"]
    if lane.signature_state not in (SignatureState.OK, old.signature_state):
        bits |= _BIT["signature_in_scope"]
    return bits
