"""Settle: what the carrier answered and reported, and what the customer was told."""

from __future__ import annotations

from collections.abc import Iterable

from qingjing.desk.outbox import (
    BLOCKED,
    REJECTED,
    UNKNOWN,
    Flight,
    Outbox,
    end_part,
    upstream_key,
)
from qingjing.kernel.rows import Moved


def accepted(
    outbox: Outbox, message: int, part: int, upstream: bytes, link: int, at: int
) -> None:
    """The carrier took a part under its own id. A report that came before is matched now."""
    flight = outbox.flights.get(message)
    if flight is None or part not in flight.open_parts:
        return  # too late: the part has had its end as UNKNOWN
    outbox.move(Moved.ACCEPTED, message, at, upstream=upstream, part=part, link=link)
    key = upstream_key(link, upstream)
    outbox.awaiting[key] = (message, part)
    early = outbox.early(key)
    if early is not None:
        reported(outbox, upstream, early, link, at)


def rejected(outbox: Outbox, message: int, part: int, result: int, link: int, at: int) -> None:
    """The carrier refused a part: that part has its end."""
    flight = outbox.flights.get(message)
    if flight is None or part not in flight.open_parts:
        return
    stat = str(result).encode()
    outbox.move(Moved.REJECTED, message, at, stat=stat, part=part, link=link)
    end_part(outbox, flight, part, REJECTED, at)


def silent(outbox: Outbox, message: int, part: int, link: int, at: int) -> None:
    """No answer came, or the connection broke: UNKNOWN, and never a second sending."""
    flight = outbox.flights.get(message)
    if flight is None or part not in flight.open_parts:
        return
    outbox.move(Moved.UNKNOWN, message, at, stat=UNKNOWN, part=part, link=link)
    end_part(outbox, flight, part, UNKNOWN, at)


def reported(outbox: Outbox, upstream: bytes, stat: bytes, link: int, at: int) -> bool:
    """A final report of a part; False when it belongs to nothing that is known (yet)."""
    key = upstream_key(link, upstream)
    found = outbox.awaiting.pop(key, None)
    if found is None:
        outbox.remember_early(key, stat, at)
        return False
    message, part = found
    flight = outbox.flights.get(message)
    if flight is None:
        return False
    outbox.move(Moved.REPORTED, message, at, upstream=upstream, stat=stat, part=part, link=link)
    if stat in BLOCKED:
        outbox.blocked.append(flight)
    end_part(outbox, flight, part, stat, at)
    return True


def overdue(outbox: Outbox, before: int) -> list[Flight]:
    """Messages from before a time that still wait for a carrier, oldest first."""
    found: list[Flight] = []
    for flight in outbox.flights.values():
        if flight.submitted_at >= before:
            break
        if flight.open_parts:
            found.append(flight)
    return found


def give_up(outbox: Outbox, flights: Iterable[Flight], at: int) -> None:
    """Wait no longer for reports of these: their end is UNKNOWN. A report that comes after
    all is for nothing that is known, so that no customer is told twice."""
    for flight in flights:
        for part in sorted(flight.open_parts):
            silent(outbox, flight.message, part, 0, at)
    flights_now = outbox.flights
    outbox.awaiting = {
        key: (message, part)
        for key, (message, part) in outbox.awaiting.items()
        if message in flights_now and part in flights_now[message].open_parts
    }


def told(outbox: Outbox, message: int, at: int) -> None:
    """The customer has taken the report: the message is settled."""
    if outbox.flights.pop(message, None) is not None:
        outbox.move(Moved.TOLD, message, at)
