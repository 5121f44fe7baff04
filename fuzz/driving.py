"""What the fuzzers of sessions have in common: feeding, answering, and the invariant."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qingjing.wire.protocol import Protocol
    from qingjing.wire.session import Session


def nothing(_event: object) -> None:
    """Look at no event."""


def drive(
    protocol: Protocol,
    session: Session,
    data: bytes,
    step: int,
    look: Callable[[object], None] = nothing,
) -> None:
    """Feed the bytes in pieces, answer what is told, and hold the invariant: nothing is
    raised, Closing is told at most once and last, and every request told can be answered.

    :param look: what the owner does with every event.
    """
    closed = False
    for at in range(0, len(data), step):
        for event in session.receive(data[at : at + step], float(at)):
            assert not closed
            closed = type(event).__name__ == "Closing"
            look(event)
            layouts = protocol.layouts[session.version]
            kind = next((x for x in layouts.values() if x.pdu is type(event)), None)
            if kind is None or kind.command in protocol.login:
                continue
            if (answer := protocol.answers.get(kind.command)) is not None:
                at_number = kind.header.sequence_at
                name = kind.header.fields[at_number].name
                session.respond(layouts[answer].pdu(**{name: event[at_number]}))
    session.tick(1e6)
    session.outgoing()
