"""A draft: what a description adds to the register, checked before any of it is written."""

from __future__ import annotations

from collections.abc import Iterable

from qingjing.desk.entries import About, Problem
from qingjing.desk.ports import Ledger
from qingjing.kernel import facts as f
from qingjing.kernel.words import Carrier


def filed(
    ledger: Ledger, carrier: Carrier, port: str, signature: str
) -> f.PortFiled | f.SignatureFiled | None:
    """The filing in force of a port or signature at a carrier."""
    # The filing in force is among the facts that a path over the carrier rests on.
    lane = ledger.register.lane("", port, signature, carrier, 0)
    found = (ledger.fact(position) for position in lane.facts)
    return next(
        (r.fact for r in found if r and isinstance(r.fact, f.PortFiled | f.SignatureFiled)),
        None,
    )


class Draft:
    """What a description adds, laid over the register, so that entries may refer to others."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.facts: list[f.Fact] = []
        self.problems: list[Problem] = []
        self.parties: dict[str, f.PartyRegistered | None] = {}
        self.ports: dict[str, f.PortRegistered | None] = {}
        self.signatures: dict[str, f.SignatureRegistered | None] = {}
        self.grants: set[str] = set()
        self.granted: dict[str, list[f.GrantMade]] = {}
        """Grants of this file by port."""
        self.papers: set[tuple[str, str]] = set()

    def once(self, known: Iterable[str], about: About, field: str, value: str) -> None:
        """An entry that stands in a description twice says two things."""
        if value in known:
            about.wrong(field, f"{value!r} stands in the file twice", "keep one of the two")

    def has_party(self, party: str) -> bool:
        """Is it registered, or described in this file, even if wrongly?"""
        return party in self.parties or self.ledger.register.party(party) is not None

    def refer(self, about: About, field: str, party: str) -> None:
        """A reference to a party."""
        if not self.has_party(party):
            about.wrong(field, f"party {party!r} is not registered", "register it, or add it")

    def port(self, port: str) -> f.PortRegistered | None:
        """The port as it will be."""
        return self.ports.get(port) or self.ledger.register.port(port)

    def signature(self, signature: str) -> f.SignatureRegistered | None:
        """The signature as it will be."""
        return self.signatures.get(signature) or self.ledger.register.signature(signature)
