"""What is on record before the day begins, written through the desk's own verbs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from qingjing.city.cast import PROVIDER, REINSTATED, SUSPENDED
from qingjing.city.plan import Plan
from qingjing.city.scene import Consent, Noted, Past, Refusal
from qingjing.city.world import HOUR_MS, Day
from qingjing.desk import consent, hear, register
from qingjing.desk.entries import told
from qingjing.desk.ports import Transaction
from qingjing.desk.send import Desk
from qingjing.kernel import facts as f

_REGISTERED: Final = 430
"""Days before the day of the city on which its register was entered."""


async def enter(desk: Desk, plan: Plan, day: Day) -> None:
    """Register, wordings, suspensions, consents, refusals: each at its time."""
    ledger = desk.ledger
    async with ledger.transaction(day.before(_REGISTERED)) as t:
        register.load(ledger, t, plan.register)
        for sender, words in plan.words.items():
            consent.wording(ledger, t, _wording(sender), sender, words)
    past = [fact for fact in plan.past if not _late(fact)]
    for ago, facts in groupby(past, key=lambda fact: fact.ago):
        # Recorded some hours after the act, and well before that day ends.
        async with ledger.transaction(day.before(ago) + HOUR_MS) as t:
            _record(desk, t, list(facts), day.before(ago))
    async with ledger.transaction(day.before(2)) as t:
        register.suspend(ledger, t, SUSPENDED.party, "多次未经同意发送营销短信")
        register.suspend(ledger, t, REINSTATED.party, "签名材料待补")
    async with ledger.transaction(day.before(1)) as t:
        register.reinstate(ledger, t, REINSTATED.party, f"{PROVIDER}已核实补正材料")


async def enter_late(desk: Desk, plan: Plan, day: Day, wave: int, at: int) -> None:
    """The consents that come into the record only now, before this wave."""
    late = [fact for fact in plan.past if isinstance(fact, Consent) and fact.wave == wave]
    if late:
        async with desk.ledger.transaction(at) as t:
            for fact in late:
                _consent(desk, t, fact, day.before(fact.ago))


def _record(desk: Desk, t: Transaction, facts: Sequence[Past], given_at: int) -> None:
    for fact in facts:
        match fact:
            case Consent():
                _consent(desk, t, fact, given_at)
            case Refusal(port=""):
                consent.refuse(desk.ledger, t, fact.person.phone.digits, fact.group, door="web")
            case Refusal():
                hear.hear(desk, t, fact.person.phone, fact.port, fact.words)
            case Noted():
                person = t.remember(fact.person.phone)
                t.append(
                    f.NumberNoted(
                        person=person.key,
                        handle=person.handle,
                        state=fact.state,
                        source="carrier",
                    )
                )


def _consent(desk: Desk, t: Transaction, fact: Consent, given_at: int) -> None:
    terms = consent.Terms(
        sender=fact.shop.party,
        purposes=fact.purposes,
        act=fact.act,
        wording=_wording(fact.shop.party) if fact.shown else "",
        shown=fact.shown,
        term_days=fact.term_days,
        per_count=fact.per_count,
        per_days=fact.per_days,
    )
    consent.record(
        desk.ledger,
        t,
        fact.person.phone.digits,
        terms,
        given_at=told(given_at),
        door=fact.door,
    )


def _late(fact: Past) -> bool:
    return isinstance(fact, Consent) and fact.wave is not None


def _wording(sender: str) -> str:
    return f"{sender}-1"
