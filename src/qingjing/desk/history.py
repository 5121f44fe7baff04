"""The register's history of one path: what a proof shows besides what the path rests on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from qingjing.desk.ports import Ledger
from qingjing.kernel import facts as f
from qingjing.kernel.words import Subject

HISTORY: Final = (
    f.PartyRegistered,
    f.PartySuspended,
    f.PartyReinstated,
    f.PortRegistered,
    f.PortFiled,
    f.SignatureRegistered,
    f.SignatureFiled,
    f.GrantMade,
    f.GrantEnded,
    f.LetterRecorded,
    f.ContractRecorded,
    f.MeasureTaken,
    f.MeasureLifted,
    f.WordingRegistered,
)
"""What the register is made of, and the words that people were shown."""

_TAGS: Final = {
    str(kind.__struct_config__.tag).encode() for kind in (*HISTORY, f.RulebookAdopted)
}


def history(
    ledger: Ledger, before: int, lane: f.LaneUsed, batch: f.MessagesDecided, wording: str
) -> set[int]:
    """The register's history of this path, the words shown, and the rulebook's adoption.

    More than ``lane.facts``, which names only what was found: an ended grant or a lifted
    suspension is part of the answer too.
    """
    past = list(_past(ledger, before))
    grants = {x.fact.grant: x.fact for x in past if isinstance(x.fact, f.GrantMade)}
    own = grants.get(lane.grant)
    parties = {lane.submitter, lane.sender, *(own.chain if own else ())}
    measured = {
        *((Subject.PARTY, party) for party in parties),
        (Subject.PORT, lane.port),
        (Subject.SIGNATURE, lane.signature),
    }
    measures = set[str]()
    found, adopted = set[int](), set[int]()
    for x in past:
        match x.fact:
            case f.PartyRegistered() | f.PartySuspended() | f.PartyReinstated() as fact:
                has_part = fact.party in parties
            case f.PortRegistered() as fact:
                has_part = fact.port == lane.port
            case f.SignatureRegistered() as fact:
                has_part = fact.signature == lane.signature
            case f.PortFiled() as fact:
                has_part = fact.port == lane.port and fact.carrier is lane.carrier
            case f.SignatureFiled() as fact:
                has_part = fact.signature == lane.signature and fact.carrier is lane.carrier
            case f.GrantMade() | f.GrantEnded() as fact:
                grant = grants[fact.grant]
                # As the register does: another's grant on the same port is not looked at.
                has_part = grant.port == lane.port and lane.submitter in (
                    grant.sender,
                    *grant.chain,
                )
            case f.LetterRecorded() as fact:
                has_part = lane.signature in fact.signatures and fact.sender == lane.sender
            case f.ContractRecorded() as fact:
                has_part = {fact.upstream, fact.downstream} <= parties
            case f.MeasureTaken() as fact:
                has_part = (fact.subject, fact.name) in measured
                measures |= {fact.measure} if has_part else set()
            case f.MeasureLifted() as fact:
                has_part = fact.measure in measures
            case f.WordingRegistered() as fact:
                has_part = fact.wording == wording
            case fact:
                has_part = False
                if isinstance(fact, f.RulebookAdopted) and (fact.name, fact.digest) == (
                    batch.rulebook,
                    batch.rulebook_digest,
                ):
                    adopted = {x.position}
        found |= {x.position} if has_part else set()
    return found | adopted


def _past(ledger: Ledger, before: int) -> Iterator[f.Recorded]:
    """Facts of the register, wordings and rulebooks before a position.

    All facts are looked at, but only these few are decoded: the tag stands in front, after two
    numbers.
    """
    for position in range(1, before):
        data = ledger.encoded(position) or b""
        start = data.find(b'"kind":"') + 8
        if data[start : data.find(b'"', start)] in _TAGS:
            yield f.decode(data)
