"""Whatever happens in whatever order: after a "T" nothing of the group's marketing leaves."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from qingjing.app import shipped_rulebooks
from qingjing.desk import hear, outbox, release, send, settle
from qingjing.desk.paths import Submit
from qingjing.desk.rulebook import adopt_missing
from qingjing.desk.send import Desk
from qingjing.desk.texts import Reader
from qingjing.kernel import facts as f
from qingjing.kernel.words import (
    Act,
    Carrier,
    Door,
    Filing,
    Kind,
    PartyRole,
    Phone,
    ReplyMeaning,
)
from qingjing.ledger import memory
from qingjing.ledger.vault import KeyFile, Vault

NOON = 1_795_492_800_000
PEOPLE = [Phone(13800138000 + i) for i in range(4)]
# Two merchants of one group under their own port and signature, and one of another group.
SHOPS = (
    ("a", "one", "1069001", "青禾商城"),
    ("b", "one", "1069002", "青禾优选"),
    ("c", "two", "1069003", "白石书店"),
)
OFFER = "【{}】双11会员日全场满300减50,精选好物低至5折,拒收请回复R"
CODE = "【{}】您的验证码是482913,5分钟内有效,请勿泄露给他人。"
NOTICE = "【{}】您的订单已发货,请注意查收。"
UNCLEAR = ("哦", "今天有空吗")
REFUSALS = ("T", "退订", "别再发了", "td")
ALL_KINDS = (1 << Kind.COMMERCIAL) | (1 << Kind.VERIFICATION) | (1 << Kind.SERVICE)


def facts() -> list[f.Fact]:
    """The register, open to everything that the machine sends."""
    found: list[f.Fact] = []
    for party, group, port, signature in SHOPS:
        found += [
            f.PartyRegistered(
                party=party, name=party, role=PartyRole.MERCHANT, credit_code="x", group=group
            ),
            f.PortRegistered(
                port=port,
                holder=party,
                kinds=ALL_KINDS,
                licence="x",
                valid_from=0,
                valid_until=2 * NOON,
            ),
            f.SignatureRegistered(
                signature=signature,
                owner=party,
                source="enterprise",
                proof="x",
                kinds=ALL_KINDS,
            ),
            f.PortFiled(port=port, carrier=Carrier.MOBILE, state=Filing.FILED),
            f.SignatureFiled(signature=signature, carrier=Carrier.MOBILE, state=Filing.FILED),
            f.GrantMade(
                grant=party,
                sender=party,
                port=port,
                signature=signature,
                kinds=ALL_KINDS,
                chain=(party,),
                valid_from=0,
                valid_until=2 * NOON,
            ),
        ]
    return found


class Releases(RuleBasedStateMachine):
    """The real verbs over the memory ledger; the model knows who refused whom."""

    @initialize()
    def begin(self) -> None:
        """An empty ledger with a register and everyone's consent to everyone."""
        self.loop = asyncio.new_event_loop()
        self.vault, self.store = Vault(KeyFile.generate("machine")), memory.MemoryStore()
        self.now = NOON
        self.refused: set[tuple[int, str]] = set()
        self.released: Counter[int] = Counter()
        self.open: list[tuple[int, int]] = []
        self.taken: list[tuple[int, int, bytes]] = []
        self.passed: dict[int, tuple[int, str, bool]] = {}
        self.held: set[tuple[int, str]] = set()
        self.rejected: set[int] = set()
        self.stopped: set[int] = set()
        self.told: Counter[int] = Counter()
        self.breaches: list[str] = []
        self.open_desk()
        self.run(self.furnish())
        self.box = outbox.Outbox()

    def open_desk(self) -> None:
        """The desk over the store as it is."""
        self.ledger = memory.open_ledger(self.vault, origin="machine", store=self.store)
        self.desk = Desk(self.ledger, Reader(bytes), 1)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run one transaction."""
        self.now += 1000
        self.loop.run_until_complete(work)

    async def furnish(self) -> None:
        """Rulebooks, register, consents."""
        async with self.ledger.transaction(self.now) as t:
            adopt_missing(self.ledger, t, shipped_rulebooks())
            for fact in facts():
                t.append(fact)
            for phone in PEOPLE:
                for shop in SHOPS:
                    self.agree(t, phone, shop[0])

    def agree(self, t: Any, phone: Phone, sender: str) -> None:
        """A sound consent, given now."""
        who = t.remember(phone)
        t.append(
            f.ConsentRecorded(
                person=who.key,
                handle=who.handle,
                sender=sender,
                purposes=0xFFFF,
                act=Act.TICKED,
                door=Door.APP,
                given_at=self.now,
                shown="x",
            )
        )

    @rule(
        person=st.integers(0, 3),
        shop=st.sampled_from(SHOPS),
        text=st.sampled_from([OFFER, OFFER, CODE, NOTICE]),
    )
    def submit(self, person: int, shop: tuple[str, str, str, str], text: str) -> None:
        """A message comes in: marketing to one who refused must not even pass."""
        body, offer = text.format(shop[3]), text is OFFER
        made = Submit(
            account="x",
            submitter=shop[0],
            port=shop[2],
            phone=PEOPLE[person],
            carrier=Carrier.MOBILE,
            declared=Kind.UNCLEAR,
            body=body,
            original=b"x",
            wants_report=True,
        )

        async def work() -> None:
            async with self.ledger.transaction(self.now) as t:
                decided = send.decide(self.desk, [made], t)
                self.box.admit(decided, [made], t.position)
                self.finish(t)
            passed = decided.rows["reasons"][0] == 0
            if passed:
                self.passed[int(decided.rows["message"][0])] = (person, shop[1], offer)
            if not offer and not passed:
                self.breaches.append("a code or a notice was refused")
            if passed and offer and (person, shop[1]) in self.refused | self.held:
                self.breaches.append("marketing passed after a refusal")

        self.run(work())

    @rule(
        person=st.integers(0, 3), shop=st.sampled_from(SHOPS), words=st.sampled_from(REFUSALS)
    )
    def refuse(self, person: int, shop: tuple[str, str, str, str], words: str) -> None:
        """A reply to one port refuses the whole group from its commit on."""

        async def work() -> None:
            async with self.ledger.transaction(self.now) as t:
                heard = hear.hear(self.desk, t, PEOPLE[person], shop[2], words)
            assert heard.refused == shop[1]
            self.refused.add((person, shop[1]))
            self.held.discard((person, shop[1]))

        self.run(work())

    @rule(person=st.integers(0, 3), shop=st.sampled_from(SHOPS), words=st.sampled_from(UNCLEAR))
    def mumble(self, person: int, shop: tuple[str, str, str, str], words: str) -> None:
        """A reply that nobody understands holds the group's marketing."""

        async def work() -> None:
            async with self.ledger.transaction(self.now) as t:
                heard = hear.hear(self.desk, t, PEOPLE[person], shop[2], words)
            assert heard.meaning is ReplyMeaning.UNCLEAR
            self.held.add((person, shop[1]))

        self.run(work())

    @rule(person=st.integers(0, 3), shop=st.sampled_from(SHOPS))
    def agree_again(self, person: int, shop: tuple[str, str, str, str]) -> None:
        """The person lifts its refusal and consents anew to this shop."""

        async def work() -> None:
            async with self.ledger.transaction(self.now) as t:
                who = t.remember(PEOPLE[person])
                t.append(
                    f.RefusalLifted(
                        person=who.key, handle=who.handle, group=shop[1], door=Door.APP
                    )
                )
                self.now += 1000
                self.agree(t, PEOPLE[person], shop[0])
            self.refused.discard((person, shop[1]))
            self.held.discard((person, shop[1]))

        self.run(work())

    @rule(room=st.integers(0, 5))
    def release(self, room: int) -> None:
        """Some of what waits leaves."""

        async def work() -> None:
            async with self.ledger.transaction(self.now) as t:
                leaving = release.release(
                    self.desk, self.box, Carrier.MOBILE, room, lambda _body: 1, t
                )
                self.finish(t)
            for flight in leaving:
                self.left(flight)

        self.run(work())

    def left(self, flight: outbox.Flight) -> None:
        """Check what leaves against the model."""
        person = PEOPLE.index(flight.phone)
        self.released[flight.message] += 1
        self.open.append((flight.message, 1))
        if flight.marketing and (person, flight.lane.group) in self.refused | self.held:
            self.breaches.append("marketing left after a refusal")

    @precondition(lambda self: self.open)
    @rule(place=st.integers(0, 99), how=st.sampled_from(["accepted", "rejected", "silent"]))
    def answer(self, place: int, how: str) -> None:
        """The carrier answers, refuses or says nothing."""
        message, part = self.open.pop(place % len(self.open))
        # Ids that end in zero octets are ids like any other.
        upstream = (message << 8).to_bytes(9, "big")[1:]

        async def work() -> None:
            async with self.ledger.transaction(self.now) as t:
                if how == "accepted":
                    settle.accepted(self.box, message, part, upstream, 1, self.now)
                    self.taken.append((message, part, upstream))
                elif how == "rejected":
                    settle.rejected(self.box, message, part, 9, 1, self.now)
                    self.rejected.add(message)
                else:
                    settle.silent(self.box, message, part, 1, self.now)
                self.finish(t)

        self.run(work())

    @precondition(lambda self: self.taken)
    @rule(place=st.integers(0, 99), stat=st.sampled_from([b"DELIVRD", b"UNDELIV"]))
    def report(self, place: int, stat: bytes) -> None:
        """A report of something that the carrier took finds its message."""
        _message, _part, upstream = self.taken.pop(place % len(self.taken))

        async def work() -> None:
            async with self.ledger.transaction(self.now) as t:
                assert settle.reported(self.box, upstream, stat, 1, self.now)
                self.finish(t)

        self.run(work())

    @rule()
    def restart(self) -> None:
        """The process ends and begins anew; what was out and unanswered is never sent again."""
        self.open_desk()
        self.box = outbox.recover(self.desk, self.now)
        self.open.clear()

        async def work() -> None:
            async with self.ledger.transaction(self.now) as t:
                self.finish(t)

        self.run(work())

    def finish(self, t: Any) -> None:
        """What the engine does at the end of every turn; the customer takes every report."""
        while self.box.to_tell:
            told = self.box.to_tell.popleft()
            self.tell(told.flight.message, told.stat)
            settle.told(self.box, told.flight.message, self.now)
        self.box.flush(t, 1)
        self.ledger.mark("low_water", self.box.low_water(t.position))

    def tell(self, message: int, stat: bytes) -> None:
        """A message has its end; one that no carrier refused was stopped at its release."""
        self.told[message] += 1
        if stat == outbox.REJECTED and message not in self.rejected:
            self.stopped.add(message)
            if not self.passed[message][2]:
                self.breaches.append("a code or a notice was stopped")

    def counted(self, most: int) -> list[bool]:
        """Of each person and group: does the house cap count at least so many?"""
        size, uses = (3, 2 * len(PEOPLE)), [("", "h:one", ""), ("", "h:two", "")]
        handles = [self.ledger.find(phone).handle for phone in PEOPLE for _ in uses]
        over = self.ledger.standings.reserve(
            uses,
            np.tile(np.arange(2), len(PEOPLE)),
            np.array(handles, np.uint64),
            self.now // 1000,
            np.full(size, 86_400, np.uint32),
            np.full(size, most, np.uint16),
            np.ones(3, np.bool_),
            np.zeros(len(handles), np.bool_),
        )[1]
        return [bool(one) for one in over]

    @invariant()
    def what_left_or_waits_is_counted_and_nothing_else(self) -> None:
        """A message that was stopped is given back to the caps, also over a restart."""
        if not hasattr(self, "breaches"):
            return
        offers = Counter(
            (person, group)
            for message, (person, group, offer) in self.passed.items()
            if offer and message not in self.stopped
        )
        found = [offers[person, group] for person in range(4) for group in ("one", "two")]
        for most in range(1, 5):
            assert self.counted(most) == [count >= most for count in found]

    @invariant()
    def nothing_that_must_never_happen_has_happened(self) -> None:
        """No breach, nothing twice, nothing without a decision."""
        if not hasattr(self, "breaches"):
            return
        assert self.breaches == []
        assert not self.released or max(self.released.values()) == 1
        assert set(self.released) <= set(self.passed)
        assert not self.told or max(self.told.values()) == 1

    async def settle_all(self) -> None:
        """Everything leaves, the carrier falls silent, and nothing is waited for any longer."""
        async with self.ledger.transaction(self.now) as t:
            release.release(self.desk, self.box, Carrier.MOBILE, 10_000, lambda _body: 1, t)
            late = settle.overdue(self.box, self.now + 1)
            settle.give_up(self.box, late, self.now)
            self.finish(t)

    def teardown(self) -> None:
        """In the end every passed message is settled, once; close the loop."""
        if not hasattr(self, "loop"):
            return
        try:
            if hasattr(self, "box"):
                self.run(self.settle_all())
                self.nothing_that_must_never_happen_has_happened()
                self.what_left_or_waits_is_counted_and_nothing_else()
                assert set(self.told) == set(self.passed)
                assert not self.box.flights
                assert not self.box.awaiting
        finally:
            self.loop.close()


TestReleases = Releases.TestCase
TestReleases.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
