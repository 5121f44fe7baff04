"""Who is behind it: the owner of a port or signature, its standing and its filings."""

from __future__ import annotations

from typing import Final

import msgspec

from qingjing.desk.codes import code_of
from qingjing.kernel.register import Register
from qingjing.kernel.words import Carrier, Filing, Subject

Parties = tuple[tuple[str, str], ...]


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """What anyone may know of a port or signature.

    ``names`` are the full names of owner or holder and of whoever may send with it now;
    ``standing`` is ok, suspended or expired; ``filings`` are by carrier.
    """

    subject: str
    name: str
    owner: str
    owner_name: str
    credit_code: str
    standing: str
    measures: tuple[str, ...]
    senders: Parties
    filings: Parties
    use: str = ""
    issuer: str = ""


_CARRIERS: Final = tuple(carrier for carrier in Carrier if carrier is not Carrier.ANY)


def owners(register: Register, name: str, at: int) -> list[Owner]:
    """Port and signature of a name, as the register says at a time; empty when there is none.

    For another day than today hand in the register as it was: ``Ledger.register_at``.
    """
    found = []
    port, signature = register.port(name), register.signature(name)
    if port is not None:
        valid = port.valid_from <= at < port.valid_until
        found.append(_owner(register, Subject.PORT, name, port.holder, valid, at))
    if signature is not None:
        found.append(_owner(register, Subject.SIGNATURE, name, signature.owner, True, at))
    return found


def _owner(
    register: Register, subject: Subject, name: str, party: str, valid: bool, at: int
) -> Owner:
    on = [m for m in register.oversight.on(subject, name) if m.binds(at)]
    stopped = register.suspended(party, at) or register.stopped(subject, name, at)
    known = register.party(party)
    grants = [
        grant
        for grant in register.grants()
        if (grant.port if subject is Subject.PORT else grant.signature) == name
        and grant.valid_from <= at < grant.valid_until
    ]
    filed = {
        carrier: state
        for of, what, carrier, state, _since in register.filings()
        if (of, what) == (subject, name)
    }
    code = code_of(name) if subject is Subject.PORT else None
    return Owner(
        subject=subject.value,
        name=name,
        owner=party,
        owner_name=known.name if known else "",
        credit_code=known.credit_code if known else "",
        standing="suspended" if stopped else "ok" if valid else "expired",
        measures=tuple(f"{m.fact.measure} {m.fact.step.value}" for m in on),
        senders=tuple(
            (sender, found.name if (found := register.party(sender)) else "")
            for sender in dict.fromkeys(grant.sender for grant in grants)
        ),
        filings=tuple(
            (carrier.name.lower(), filed.get(carrier, Filing.DRAFTING).value)
            for carrier in _CARRIERS
        ),
        use=code.use if code else "",
        issuer=code.issuer if code else "",
    )
