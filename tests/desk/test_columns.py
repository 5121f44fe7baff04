"""The gate in columns and the gate in a page of code, over everything that a ledger can hold.

``send.decide`` probes indexes in batches; here each message is decided once more by
``kernel.gate`` over a dossier that is put together from the bare facts, one by one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import product
from typing import Any, Final, NamedTuple

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from qingjing.app import shipped_rulebooks
from qingjing.desk import rulebook, send
from qingjing.desk.entries import moment
from qingjing.desk.paths import Submit
from qingjing.desk.texts import Reader, read_body, view_of
from qingjing.kernel import facts as f
from qingjing.kernel.batch import names
from qingjing.kernel.dossier import Counts, Dossier, Message, TextView, declared_kind
from qingjing.kernel.gate import Decision
from qingjing.kernel.gate import decide as decide_one
from qingjing.kernel.kinds import effective, is_marketing
from qingjing.kernel.register import Lane
from qingjing.kernel.rulebook import Cap, Rulebook, choose
from qingjing.kernel.standing import Grounds, fold
from qingjing.kernel.words import (
    Act,
    Carrier,
    Category,
    Door,
    Filing,
    Kind,
    NumberState,
    PartyRole,
    Phone,
    ReplyMeaning,
    Verdict,
)
from qingjing.kernel.workdays import beijing_date
from qingjing.ledger import memory
from qingjing.ledger.core import Transaction
from qingjing.ledger.vault import KeyFile, Vault

DAY: Final = 86_400_000
PEOPLE: Final = tuple(Phone(13_800_138_000 + i) for i in range(3))
SENDERS: Final = {"a": "one", "b": "one", "c": "two", "p": "p"}
PORTS: Final = ("1069001", "1069002", "1069003", "1069009", "")
SIGNATURES: Final = ("青禾商城", "青禾优选", "白石书店")
BODIES: Final = (
    "【{}】双11会员日全场满300减50,精选好物低至5折,拒收请回复R",
    "【{}】秋装上新,全场满200减50,点击 https://qh.example.cn/a 抢购,拒收请回复R",
    "【{}】秋装上新,全场满200减50,今晚8点抢先购",
    "【{}】低息贷款最高20万,当天到账,详询客服,回T退订",
    "【{}】是否同意接收本店促销短信?每月4条,期限一年,回复Y同意,不回复视为拒绝,拒收请回复R",
    "【{}】是否同意接收本店促销短信?回复Y同意",
    "【{}】您的验证码是482913,5分钟内有效,请勿泄露给他人。",
    "【{}】您的订单已发货,请注意查收。拒收请回复R",
    "【{}】您的订单已发货,请注意查收,另有优惠券满100减20",
    "澳门首家线上赌场上线啦,注册送888",
    "【{}】秋装上新,全场满200减50,拒收请回复TDTDTDTDTDTDTDTDTD12345678901",
    "今天天气不错",
    "",
)
BEGINNINGS: Final = tuple(
    moment(text) for text in ("2026-04-30 20:59", "2026-11-24 08:00", "2026-11-24 12:00")
)
GAPS: Final = (0, 1000, 999, -1, -1000, 60_000, 9 * 3_600_000, DAY - 1000, DAY, 2 * DAY)
VAULT: Final = Vault(KeyFile.generate("columns"))
READER: Final = Reader(bytes)
MARKETING: Final = (1 << Kind.COMMERCIAL) | (1 << Kind.ASKING)
PLAIN: Final = (1 << Kind.SERVICE) | (1 << Kind.VERIFICATION)
EVER: Final = 1 << 50
PLACES: Final = st.integers(0, 2)

What = tuple[str, dict[str, Any]]


class Step(NamedTuple):
    """One turn: how long after the last, what is recorded, what is submitted; is the ledger
    opened anew before?"""

    gap: int
    changes: list[f.Fact]
    facts: list[tuple[int, What]]
    submits: list[Submit]
    anew: bool


EVERYTHING: Final[dict[str, Any]] = {"kinds": MARKETING | PLAIN}
TIMES: Final[dict[str, Any]] = {"valid_from": 0, "valid_until": EVER}
PARTIES: Final = [
    f.PartyRegistered(party=name, name=name, role=PartyRole.AGENT, credit_code="x", group=group)
    for name, group in SENDERS.items()
]
SHOPS: Final = tuple(zip(PORTS, SIGNATURES, "abc", strict=False))
REGISTERED: Final = [
    f.PortRegistered(port=port, holder="p", licence="x", **EVERYTHING, **TIMES)
    for port, _, _ in SHOPS
]
SIGNED: Final = [
    f.SignatureRegistered(signature=name, owner=shop, source="app", proof="x", **EVERYTHING)
    for _, name, shop in SHOPS
]
GRANTS: Final = [
    f.GrantMade(
        grant=port,
        sender=shop,
        port=port,
        signature=name,
        **{"chain": (shop, "p")} | EVERYTHING | TIMES,
    )
    for port, name, shop in SHOPS
]
FILINGS: Final = [
    filing
    for (port, name, _), carrier in product(SHOPS, tuple(Carrier)[1:4])
    for filing in (
        f.PortFiled(port=port, carrier=carrier, state=Filing.FILED),
        f.SignatureFiled(signature=name, carrier=carrier, state=Filing.FILED),
    )
]
TIDY: Final[list[f.Fact]] = [*PARTIES, *REGISTERED, *SIGNED, *GRANTS, *FILINGS]
"""A register in which three shops may send whatever they like."""


def changes(begun: int) -> st.SearchStrategy[f.Fact]:
    """What can become of a register."""
    times = st.sampled_from([begun, begun + DAY, EVER])
    kinds = st.sampled_from([MARKETING | PLAIN, MARKETING, 1 << Kind.COMMERCIAL, PLAIN, 0])
    shops, anew = st.sampled_from("abcp"), msgspec.structs.replace
    senders = st.sampled_from([(), ("a", "b", "c")])
    chains = st.sampled_from([("a", "p"), ("b", "x", "p"), ("c", "p"), ()])
    return st.one_of(
        st.builds(anew, st.sampled_from(REGISTERED), kinds=kinds, valid_until=times),
        st.builds(anew, st.sampled_from(SIGNED), kinds=kinds, senders=senders),
        st.builds(anew, st.sampled_from(GRANTS), kinds=kinds, valid_from=times),
        st.builds(anew, st.sampled_from(GRANTS), chain=chains, valid_until=times),
        st.builds(anew, st.sampled_from(FILINGS), state=st.sampled_from(list(Filing))),
        st.builds(f.GrantEnded, grant=st.sampled_from(PORTS[:3]), reason=st.just("x")),
        st.builds(f.PartySuspended, party=shops, reason=st.just("x"), until=times),
        st.builds(f.PartyReinstated, party=shops, reason=st.just("x")),
        st.sampled_from(TIDY),
    )


def book_of(house: int, carrier: int, **changes: Any) -> Rulebook:
    """A house's own book: the newest shipped one with other caps."""
    book, since = shipped_rulebooks()[-1], shipped_rulebooks()[0].since
    rules = tuple(msgspec.structs.replace(rule, cap=Cap(carrier, 24)) for rule in book.carriers)
    own = msgspec.structs.replace(book, name="own", since=since, carriers=rules)
    return msgspec.structs.replace(own, house_cap=Cap(house, 24), **changes)


@st.composite
def books(draw: st.DrawFn) -> Rulebook:
    """An own book with other effects and caps."""
    effect = st.sampled_from(["refuse", "refuse", "hold", "off"])
    few = st.integers(0, 2)
    return book_of(
        draw(few),
        draw(few),
        rules={name: draw(effect) for name in shipped_rulebooks()[-1].rules},
        identity=draw(st.sampled_from(["signature", "contact"])),
    )


SOUND: Final[dict[str, Any]] = {
    "sender": "a",
    "purposes": 0xFFFF,
    "act": Act.TICKED,
    "ago": DAY,
    "shown": "x",
    "term_s": 0,
    "per": (0, 0),
}
DEFECTS: Final[list[dict[str, Any]]] = [
    *({"purposes": category.bit} for category in (Category.RETAIL, Category.FOOD)),
    *({"act": act} for act in Act),
    *({"ago": ago} for ago in (0, 1, 40 * DAY, -1000, -DAY)),
    *({"term_s": term_s} for term_s in (1, 86_400, 3 * 86_400)),
    {"shown": ""},
    {"shown": "", "act": Act.REQUESTED},
    *[dict[str, Any]() for _ in range(3)],
]
CONSENTS: Final[list[What]] = [("consent", SOUND | {"sender": sender}) for sender in "abc"]


def consents() -> st.SearchStrategy[What]:
    """Consents with a defect or without, with a frequency or without."""
    per = [(0, 0), (0, 0), (1, 1), (2, 30), (1, 0)]
    return st.builds(
        lambda sender, per, defect: (
            "consent",
            SOUND | {"sender": sender, "per": per} | defect,
        ),
        st.sampled_from("abc"),
        st.sampled_from(per),
        st.sampled_from(DEFECTS),
    )


def events() -> st.SearchStrategy[tuple[int, What]]:
    """What can be recorded of a person."""
    groups, meanings = ("one", "two", f.ALL_GROUPS), tuple(ReplyMeaning)
    others: list[What] = [
        *(("refuse", {"group": group}) for group in groups),
        *(("lift", {"group": group}) for group in groups),
        *(("reply", {"group": x, "meaning": y}) for x, y in product(groups[:2], meanings)),
        *(("note", {"state": state}) for state in tuple(NumberState)[:3]),
    ]
    return st.tuples(PLACES, consents() | st.sampled_from(others))


def offer(place: int, person: int, body: str = BODIES[0], **changes: Any) -> Submit:
    """A message whose submitter, port and signature belong together, but for the changes."""
    made = Submit(
        account="x",
        submitter="abc"[place],
        port=PORTS[place],
        phone=PEOPLE[person],
        carrier=Carrier.MOBILE,
        declared=Kind.UNCLEAR,
        body=body.format(changes.pop("name", SIGNATURES[place])),
        original=b"x",
    )
    return msgspec.structs.replace(made, **changes)


ODD: Final[list[dict[str, Any]]] = [
    *({"submitter": name} for name in ("a", "b", "p", "nobody")),
    *({"port": port} for port in PORTS),
    *({"carrier": carrier} for carrier in Carrier),
    *({"declared": kind} for kind in Kind),
    *({"name": name} for name in ("别家", *SIGNATURES)),
    *[{"phone": None}, *[{}] * 24],
]
SUBMITS: Final = st.builds(
    lambda odd, *rest: offer(*rest, **odd),
    st.sampled_from(ODD),
    st.sampled_from([0, 0, 1, 2]),
    st.sampled_from([0, 0, 0, 1, 2]),
    st.sampled_from([BODIES[0]] * len(BODIES) + list(BODIES)),
)


def steps(begun: int) -> st.SearchStrategy[Step]:
    """Turns in which anything may happen."""
    return st.builds(
        Step,
        st.sampled_from(GAPS),
        st.lists(changes(begun), max_size=1),
        st.lists(events(), max_size=3),
        st.lists(SUBMITS, min_size=1, max_size=8),
        st.booleans(),
    )


def fact_of(who: Any, what: What, at: int) -> f.Fact:
    """What is recorded of a person at a time."""
    name, values = what
    whose = {"person": who.key, "handle": who.handle}
    if name == "consent":
        plain = {name: x for name, x in values.items() if name not in ("ago", "per")}
        plain |= dict(zip(("per_count", "per_days"), values["per"], strict=True))
        return f.ConsentRecorded(**whose, **plain, door=Door.APP, given_at=at - values["ago"])
    if name == "refuse":
        return f.RefusalRecorded(**whose, **values, door=Door.REPLY)
    if name == "lift":
        return f.RefusalLifted(**whose, **values, door=Door.APP)
    if name == "reply":
        return f.ReplyHeard(**whose, **values, port="1069001", words=b"")
    return f.NumberNoted(**whose, **values, source="carrier")


class Known(NamedTuple):
    """What the facts of one person come to, for one sender."""

    refused: bool
    unclear: bool
    number: NumberState
    grounds: tuple[Grounds, ...]


def known(facts: Sequence[f.Recorded], sender: str, group: str) -> Known:
    """The facts of a person, told from the first to the last."""
    refused: dict[str, bool] = {}
    said_no_s: dict[str, int] = {}
    ended_s = 0
    unclear, number = False, NumberState.OK
    grounds: list[Grounds] = []
    for recorded in facts:
        fact = recorded.fact
        match fact:
            case f.ConsentRecorded(sender=to) if to == sender:
                grounds.append(grounds_of(recorded, fact))
            case f.RefusalRecorded(group=to) if to in (group, f.ALL_GROUPS):
                refused[to], said_no_s[to] = True, recorded.at // 1000
            case f.RefusalLifted(group=to) if to in refused:
                refused[to], ended_s = False, max(ended_s, said_no_s[to])
            case f.NumberNoted():
                number = fact.state
                grounds = grounds if number is NumberState.OK else []
        meaning = getattr(fact, "meaning", None)
        if getattr(fact, "group", None) == group and meaning is not ReplyMeaning.HELP:
            unclear = meaning is ReplyMeaning.UNCLEAR
    alive = [one for one in grounds if one.given_at // 1000 > ended_s]
    # Of equals the latest speaks: the one given last, then the one recorded last.
    alive.sort(key=lambda one: (-(one.given_at // 1000), -one.position))
    return Known(any(refused.values()), unclear, number, tuple(alive))


def grounds_of(recorded: f.Recorded, fact: f.ConsentRecorded) -> Grounds:
    """One consent as the gate sees it."""
    return Grounds(
        position=recorded.position,
        recorded_at=recorded.at,
        given_at=fact.given_at,
        act=fact.act,
        purposes=fact.purposes,
        shown=bool(fact.shown),
        term_s=fact.term_s,
        per_count=fact.per_count,
        per_days=fact.per_days,
    )


@lru_cache(maxsize=200)
def view(body: str) -> TextView:
    """The reading of a body, without the desk's caches."""
    return view_of(read_body(body))


class Sent(NamedTuple):
    """A marketing message that passed: for the caps, and for what was asked."""

    handle: int
    lane: Lane
    at_s: int
    asking: bool
    category: Category


def same(topic: tuple[int, str, Category], before: set[tuple[int, str, Category]]) -> bool:
    """Was this asked before? Of what nobody knows, any topic counts as the same."""
    handle, group, category = topic
    return any(
        (handle, group) == one[:2]
        and (category is one[2] or Category.OTHER in (category, one[2]))
        for one in before
    )


class Scalar:
    """The gate one by one, with a memory of what passed."""

    def __init__(self) -> None:
        """Nothing was sent."""
        self.sent: list[Sent] = []

    def batch(self, desk: send.Desk, submits: list[Submit], at: int) -> list[Decision]:
        """Decide in order. Whoever stands twice in one batch was asked by the first, passed
        or not: the desk says so (``send``), and it is the safe side."""
        book = choose(desk.ledger.books, at)
        assert book is not None
        asked: set[tuple[int, str, Category]] = set()
        return [self.one(desk, submit, at, book, asked) for submit in submits]

    def one(
        self,
        desk: send.Desk,
        submit: Submit,
        at: int,
        book: Rulebook,
        asked: set[tuple[int, str, Category]],
    ) -> Decision:
        """Decide one message from the bare facts."""
        text, ledger = view(submit.body), desk.ledger
        path = (submit.submitter, submit.port, text.signature, submit.carrier)
        lane = ledger.register.lane(*path, at)
        handle = ledger.find(submit.phone).handle if submit.phone else 0
        one = known(ledger.facts_of(handle) if handle else (), lane.sender, lane.group)
        _state, resting = fold(one.refused, one.unclear, one.grounds, text.category.bit, at)
        declared = declared_kind(submit.declared, text.kind, lane)
        asking = effective(declared, text.kind) is Kind.ASKING
        topic = (handle, lane.group, text.category)
        dossier = Dossier(
            position=ledger.position,
            lane=lane,
            refused=one.refused,
            unclear=one.unclear,
            grounds=one.grounds,
            counts=self.counts(handle, lane, resting, book, at),
            asked=same(topic, asked)
            or same(
                topic, {(x.handle, x.lane.group, x.category) for x in self.sent if x.asking}
            ),
            number=one.number if submit.phone else NumberState.INVALID,
        )
        message = Message(message=0, submitted_at=at, declared=submit.declared, text=text)
        decision = decide_one(message, dossier, book)
        if asking:
            asked.add(topic)
        if decision.verdict is Verdict.PASS and is_marketing(declared, text.kind):
            self.sent.append(Sent(handle, lane, at // 1000, asking, text.category))
        return decision

    def counts(
        self, handle: int, lane: Lane, resting: Grounds | None, book: Rulebook, at: int
    ) -> Counts:
        """How many passed within each window."""
        rule = book.carrier_rule(lane.carrier, beijing_date(at / 1000))

        def within(window_s: int, same: Callable[[Lane], object]) -> int:
            return sum(
                one.handle == handle
                and same(one.lane) == same(lane)
                and one.at_s > at // 1000 - window_s
                for one in self.sent
            )

        days = resting.per_days if resting else 0
        return Counts(
            consent=within(days * 86_400, lambda x: x.sender),
            house=within(book.house_cap.window_h * 3600, lambda x: x.group),
            carrier=within(rule.cap.window_h * 3600, lambda x: (x.carrier, x.signature)),
        )


class House:
    """A ledger in memory with a desk over it."""

    def __init__(self, own: Rulebook | None, at: int) -> None:
        """Rulebooks and register are recorded."""
        self.store = memory.MemoryStore()
        self.open()

        def begin(t: Transaction) -> None:
            rulebook.adopt_missing(self.ledger, t, shipped_rulebooks())
            if own is not None:
                rulebook.adopt(self.ledger, t, own)

        self.act(begin, at)
        self.record(TIDY, [], at)

    def open(self) -> None:
        """Open the ledger over what is stored."""
        self.ledger = memory.open_ledger(VAULT, origin="columns", store=self.store)
        self.desk = send.Desk(self.ledger, READER, 1)

    def act(self, verb: Callable[[Transaction], Any], at: int) -> Any:
        """One verb in a transaction of its own."""

        async def run() -> Any:
            async with self.ledger.transaction(at) as t:
                return verb(t)

        return asyncio.run(run())

    def record(self, changes: list[f.Fact], facts: list[tuple[int, What]], at: int) -> None:
        """Record facts of the register and of persons."""

        def work(t: Transaction) -> None:
            for fact in changes:
                t.append(fact)
            for person, what in facts:
                t.append(fact_of(t.remember(PEOPLE[person]), what, at))

        self.act(work, at)


def check(house: House, scalar: Scalar, submits: list[Submit], at: int) -> None:
    """Both forms give each message the same."""
    expected = scalar.batch(house.desk, submits, at)
    rows = house.act(lambda t: send.decide(house.desk, submits, t), at).rows
    for submit, row, one in zip(submits, rows, expected, strict=True):
        told = (names(int(row["reasons"])), Verdict(row["verdict"]))
        assert told == (one.reasons, one.verdict), submit
        assert (int(row["case"]), int(row["grounds"])) == (one.case, one.grounds), submit


@settings(max_examples=250, deadline=None)
@given(st.data(), st.sampled_from(BEGINNINGS), st.booleans())
def test_a_batch_is_decided_as_each_message_would_be_alone(
    data: st.DataObject, begun: int, own: bool
) -> None:
    """Case, reasons, verdict and grounds agree, before and after the ledger is opened anew."""
    house = House(data.draw(books()) if own else None, begun - 2 * DAY)
    per = data.draw(st.sampled_from([(0, 0), (1, 1), (2, 30)]))
    sound: list[What] = [("consent", what | {"per": per}) for _, what in CONSENTS]
    agreed = data.draw(st.lists(st.tuples(PLACES, consents()), max_size=8))
    house.record([], [(0, what) for what in sound] + agreed, begun - DAY)
    house.record(data.draw(st.lists(changes(begun), max_size=2)), [], begun)
    scalar, at = Scalar(), begun
    for step in data.draw(st.lists(steps(begun), min_size=1, max_size=5)):
        at += step.gap
        if step.anew:
            house.open()
        house.record(step.changes, step.facts, at)
        check(house, scalar, step.submits, at)


def test_what_a_later_cap_refuses_does_not_use_up_an_earlier_one_in_its_batch() -> None:
    """One a day by signature, two by group: the other shop's offer may still go."""
    at = BEGINNINGS[2]
    house = House(book_of(2, 1), at - 2 * DAY)
    house.record([], [(0, x) for x in CONSENTS], at - DAY)
    check(house, Scalar(), [offer(0, 0), offer(0, 0), offer(1, 0)], at)


def test_what_was_recorded_later_than_now_is_late_when_the_clock_steps_back() -> None:
    """A consent recorded a second after the send, by a clock that was set back, is late."""
    at = BEGINNINGS[2]
    house = House(None, at - 2 * DAY)
    house.record([], [(0, x) for x in CONSENTS], at)
    check(house, Scalar(), [offer(0, 0)], at - 1000)
