"""A run: the plan is played against the real gateway over real sockets.

Customers of both platforms submit over SMPP and CMPP; three carriers, one each on CMPP, SMPP
and SMGP, take, report and misbehave a little; people write back in between. The day goes by in
waves: within one, everything goes on at once; between two, everything has been answered.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec

from qingjing.city import history, out, world
from qingjing.city.carrier import CarrierSimulator, Habits
from qingjing.city.cast import CARRIERS, QINGLAN, YUANSHAN
from qingjing.city.customer import Answer, CustomerClient
from qingjing.city.out import Run
from qingjing.city.plan import Plan
from qingjing.city.scene import BUSY, NIGHT, SLOW, WAVES, Message, Reply
from qingjing.city.sgip_carrier import SgipCarrier
from qingjing.city.tongues import pieces
from qingjing.city.witness import delivered
from qingjing.city.world import WAVE_MS, Clock, Day, World
from qingjing.desk.send import Desk
from qingjing.doors.gateway.gateway import CARRIERS as SGIP_CARRIERS
from qingjing.doors.gateway.gateway import Gateway, Senses
from qingjing.kernel.words import Carrier, mask
from qingjing.settings import Settings
from qingjing.wire import content

_HABITS: Final = {
    Carrier.MOBILE: Habits(
        report_after_s=0.1, early_report=0.02, twice=0.02, undelivered=0.02, throttle=0.01
    ),
    Carrier.UNICOM: Habits(report_after_s=0.3, twice=0.05, undelivered=0.03),
    Carrier.TELECOM: Habits(report_after_s=0.05, early_report=0.05, cut_at=60),
}
_LOGINS: Final = (
    (QINGLAN.account, "3.4", content.UCS2),
    (QINGLAN.account, "3.4", content.UCS2),
    (YUANSHAN.account, "2.0", content.GBK),
)
"""Each customer's connections: account, version, and the coding that it prefers."""

PATIENCE_S: Final = 30.0
"""How long a run waits for carriers' connections and for the last reports."""
_POLL_S: Final = 0.02


class RunError(Exception):
    """The gateway could not be played against; the text says what failed."""


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is over: its files are written; ``settings`` open its ledger again."""

    folder: Path
    settings: Settings
    run: Run


async def run(
    house: World,
    plan: Plan,
    folder: Path,
    day: Day,
    told: Callable[[str], None] = lambda _: None,
) -> Played:
    """Play a plan and write what was seen to ``folder``; ``told`` hears of each step.

    ``day`` must not be before the time at which ``house`` opens the ledger: what is on record
    has to be older than the decisions that rest on it. OutError when the folder is not new,
    RunError when the gateway fails.
    """
    out.prepare(folder)
    out.write(folder, out.TRUTH, out.truths(plan))
    clock = Clock(day.morning)
    began = clock.seconds()
    carriers = _simulators(plan.options.seed, clock)
    ports = {carrier: await simulator.start() for carrier, simulator in carriers.items()}
    settings = world.settings(folder, ports)
    try:
        house.create_keys(settings)
        async with house.open_desk(settings) as desk:
            told(f"putting {len(plan.past)} consents and refusals on record")
            await history.enter(desk, plan, day)
            play = _Play(plan, day, desk, settings, clock, carriers)
            await play.through(told)
            facts = desk.ledger.position
            play.write(folder)
    finally:
        for simulator in carriers.values():
            await simulator.stop()
    result = Run(
        seed=plan.options.seed,
        day=day.date,
        people=len(plan.people),
        messages=len(plan.messages),
        facts=facts,
        seconds=round(clock.seconds() - began, 1),
        repeated=sum(customer.repeated for customer in play.customers),
    )
    (folder / out.RUN).write_bytes(msgspec.json.encode(result))
    return Played(folder=folder, settings=settings, run=result)


def _simulators(seed: int, clock: Clock) -> dict[Carrier, CarrierSimulator]:
    """The carriers, each with its habits and its own chance."""
    secret = world.environment()["CITY_CARRIER"].encode()
    made: dict[Carrier, CarrierSimulator] = {}
    for carrier in CARRIERS:
        own, habits, protocol = seed * 10 + carrier, _HABITS[carrier], world.SPOKEN[carrier]
        made[carrier] = (
            SgipCarrier(secret=secret, clock=clock.seconds, seed=own, habits=habits)
            if protocol == "sgip"
            else CarrierSimulator(
                secret=secret, clock=clock.seconds, seed=own, habits=habits, protocol=protocol
            )
        )
    return made


class _Play:
    """One day of the city."""

    def __init__(
        self,
        plan: Plan,
        day: Day,
        desk: Desk,
        settings: Settings,
        clock: Clock,
        carriers: dict[Carrier, CarrierSimulator],
    ) -> None:
        self._plan, self._day, self._desk = plan, day, desk
        self._settings, self._clock, self._carriers = settings, clock, carriers
        self._chance = random.Random(plan.options.seed)
        senses = Senses(clock.seconds, clock.when, self._chance.random)
        self._gateway = Gateway(desk, settings, world.environment(), senses)
        secret = world.environment()["CITY_CUSTOMER"].encode()
        self.customers = [
            CustomerClient(
                account=account,
                secret=secret,
                clock=clock.seconds,
                version=version,
                protocol=settings.accounts[account].protocol,
            )
            for account, version, _coding in _LOGINS
        ]
        self._submitted = [0] * len(self.customers)
        self._parts: dict[str, int] = {}
        self._heard: list[out.Heard] = []

    async def through(self, told: Callable[[str], None]) -> None:
        """The whole day and a piece of the night."""
        await self._gateway.start()
        for name, carrier in self._carriers.items():
            if isinstance(carrier, SgipCarrier):
                account = self._settings.routes[name.name.lower()].account
                carrier.tell(self._gateway.ports[SGIP_CARRIERS], account)
        try:
            for customer, (account, *_) in zip(self.customers, _LOGINS, strict=True):
                protocol = self._settings.accounts[account].protocol
                status = await customer.connect(self._gateway.ports[protocol])
                if status != 0:
                    raise RunError(f"a login was answered {status}")
            await self._until(
                lambda: all(carrier.connections for carrier in self._carriers.values()),
                "the gateway's connections to the carriers",
            )
            for wave in range(WAVES):
                told(f"wave {wave + 1} of {WAVES}")
                await self._wave(wave)
            told("the carriers are busy, and people write back")
            await self._busy()
            self._clock.set_forward(self._day.nightfall)
            told("night")
            await self._submit(self._of(NIGHT))
            await self._until(self._settled, "")
        finally:
            for customer in self.customers:
                customer.close()
            await self._gateway.stop()

    async def _until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until something holds; RunError when ``what`` is named and it never does."""
        deadline = self._clock.seconds() + PATIENCE_S
        while not holds():
            if self._gateway.failed.done():
                self._gateway.failed.result()
            if self._clock.seconds() > deadline:
                if what:
                    raise RunError(f"waited {PATIENCE_S:.0f} s for {what}")
                return
            await asyncio.sleep(_POLL_S)

    def _of(self, wave: int) -> list[Message]:
        return [message for message in self._plan.messages if message.wave == wave]

    async def _wave(self, wave: int) -> None:
        """Messages and racing replies at once; when all is reported, the other replies.

        What a carrier has not taken yet would otherwise be stopped by a reply that belongs to
        the time after it.
        """
        self._clock.set_forward(self._day.morning + wave * WAVE_MS)
        await history.enter_late(self._desk, self._plan, self._day, wave, self._clock.when())
        replies = [reply for reply in self._plan.replies if reply.wave == wave]
        await asyncio.gather(
            self._submit(self._of(wave)),
            self._say([reply for reply in replies if reply.racing], pause_s=0.002),
        )
        await self._until(self._settled, "")
        await self._say([reply for reply in replies if not reply.racing])

    async def _busy(self) -> None:
        """The carriers are busy, so that messages wait; people refuse meanwhile.

        Two answer nothing, and what comes behind a full window waits in the queue. One answers
        "slow down" to everything: what was handed to it already waits to be handed over again.
        """
        self._clock.set_forward(self._day.morning + BUSY * WAVE_MS)
        for name, carrier in self._carriers.items():
            if name is SLOW:
                carrier.slow_down()
            else:
                carrier.hold()
        messages = self._of(BUSY)
        first = [
            m for m in messages if (m.tag in self._plan.fillers) != (m.person.carrier is SLOW)
        ]
        await self._submit(first)
        await self._submit([m for m in messages if m not in first])
        await self._say([reply for reply in self._plan.replies if reply.wave == BUSY])
        for carrier in self._carriers.values():
            carrier.go_on()

    # Customers

    async def _submit(self, messages: Iterable[Message]) -> None:
        """Submit over all connections at once, and wait until everything is answered."""
        shares: list[list[Message]] = [[] for _ in _LOGINS]
        for place, message in enumerate(messages):
            fit = [n for n, login in enumerate(_LOGINS) if login[0] == message.account]
            shares[fit[place % len(fit)]].append(message)
        await asyncio.gather(*(self._hand_in(n, share) for n, share in enumerate(shares)))

    async def _hand_in(self, place: int, messages: list[Message]) -> None:
        customer = self.customers[place]
        for message in messages:
            parts = pieces(
                message.port,
                message.person.phone.digits,
                message.body,
                _LOGINS[place][2],
                int(message.tag[1:]),
            )
            self._parts[message.tag] = len(parts)
            for number, piece in enumerate(parts):
                await customer.send(piece, (message.tag, number), message.service)
            self._submitted[place] += len(parts)
        await customer.settle(self._submitted[place])

    def _settled(self) -> bool:
        """Has every part that was answered 0 been reported, over whichever connection?"""
        reported = set().union(*(customer.reports for customer in self.customers))
        return all(
            answer.Result != 0 or answer.Msg_Id in reported
            for customer in self.customers
            for answer in customer.answers.values()
        )

    # People

    async def _say(self, replies: list[Reply], pause_s: float = 0.0) -> None:
        """People write back; wait until the gateway has acknowledged it all."""
        saying: list[asyncio.Task[None]] = []
        for reply in replies:
            saying.append(asyncio.create_task(self._say_one(reply)))
            await asyncio.sleep(pause_s)
        await self._until(lambda: all(task.done() for task in saying), "replies to be taken")
        await asyncio.gather(*saying)

    async def _say_one(self, reply: Reply) -> None:
        person, said_at = reply.person, self._clock.when()
        carrier = self._carriers[person.carrier]
        order = await carrier.say(person.phone.digits, reply.port, reply.words)
        self._heard.append(
            out.Heard(
                person=person.tag,
                phone=mask(person.phone.digits),
                carrier=person.carrier.name.lower(),
                port=reply.port,
                group=reply.group,
                words=reply.words,
                meant=reply.meant,
                wave=reply.wave,
                order=order,
                said_at=said_at,
                acknowledged_at=self._clock.when(),
            )
        )

    # What was seen

    def write(self, folder: Path) -> None:
        """Write what customers, carriers and people saw."""
        out.write(folder, out.ANSWERS, (self._answered(m) for m in self._plan.messages))
        reports = {id_: s for customer in self.customers for id_, s in customer.reports.items()}
        rows = (self._reported(message, reports) for message in self._plan.messages)
        out.write(folder, out.REPORTS, rows)
        received = [
            row
            for carrier, simulator in self._carriers.items()
            for row in delivered(carrier, simulator.received, self._plan.messages)
        ]
        out.write(folder, out.RECEIVED, received)
        out.write(folder, out.REPLIES, self._heard)

    def _answers(self, message: Message) -> list[Answer | None]:
        parts = range(self._parts[message.tag])
        found = [[c.answers.get((message.tag, n)) for c in self.customers] for n in parts]
        return [next((answer for answer in part if answer), None) for part in found]

    def _answered(self, message: Message) -> out.Answered:
        answers = self._answers(message)
        return out.Answered(
            tag=message.tag,
            results=tuple(-1 if answer is None else answer.Result for answer in answers),
            ids=tuple(0 if answer is None else answer.Msg_Id for answer in answers),
        )

    def _reported(self, message: Message, reports: dict[int, str]) -> out.Reported:
        ids = [answer.Msg_Id for answer in self._answers(message) if answer is not None]
        stats = tuple(reports[one] for one in ids if one in reports)
        return out.Reported(tag=message.tag, stats=stats)
