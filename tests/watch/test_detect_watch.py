"""The detectors, each on a log of a few lines: what is told, and what is none of it."""

from __future__ import annotations

from datetime import date
from itertools import count
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingjing.kernel.words import Category, Kind
from qingjing.watch.alarm import Alarm, Limits, at_least, surely
from qingjing.watch.declared import (
    Declared,
    Domain,
    Grant,
    Measure,
    Party,
    Port,
    Register,
    Signature,
)
from qingjing.watch.detect import Watch
from qingjing.watch.logs import Names, Rows, digests, merged
from qingjing.watch.rates import Law, fitted

DAY_MS = 86_400_000
START = 1_767_196_800_000
"""Midnight of 2026-01-01 in Beijing."""

SHOP = Party(party="shop", name="青禾商城", group="qinghe", industries=("retail",))
LOAN = Party(party="loan", name="速易贷", industries=("finance",))
REGISTER = Register(
    parties=(SHOP, LOAN, Party(party="tongda")),
    ports=(
        Port(port="1069001", holder="tongda", kinds=("commercial",)),
        Port(port="1069002", holder="tongda", kinds=("service", "verification")),
        Port(port="1069009", holder="tongda", kinds=("commercial",)),
    ),
    signatures=(
        Signature(signature="青禾商城", owner="shop", kinds=("commercial", "service")),
        Signature(signature="速易贷", owner="loan"),
    ),
    grants=(
        Grant(sender="shop", port="1069001", signature="青禾商城", chain=("shop", "tongda")),
        Grant(sender="shop", port="1069002", signature="青禾商城", chain=("shop", "tongda")),
        Grant(sender="loan", port="1069009", signature="速易贷", chain=("loan", "tongda")),
    ),
    domains=(Domain("qinghe.example", "shop"), Domain("suyi.example", "loan")),
)

_people = count(1)


class Log:
    """A log as it is written, day by day."""

    def __init__(self, register: Register = REGISTER) -> None:
        """Nothing is sent."""
        self.names = Names()
        self.watch = Watch(register, self.names, Limits(sample=1))
        self.told: list[Alarm] = []
        self._rows: list[dict[str, Any]] = []

    def send(self, many: int, **message: Any) -> None:
        """So many messages of today; what is not named is a promotion of the shop."""
        usual: dict[str, Any] = {
            "port": "1069001",
            "signature": "青禾商城",
            "sender": "shop",
            "provider": "tongda",
            "domain": "",
            "kind": Kind.COMMERCIAL,
            "category": Category.RETAIL,
            "family": 1,
            "verdict": 0,
            "hour": 10.0,
            "reply": False,
            "complaint": 0,
            "people": (),
        }
        row = usual | message
        people = row.pop("people") or [next(_people) for _ in range(many)]
        self._rows += [row | {"person": people[at % len(people)]} for at in range(many)]

    def close(self, day: int) -> list[Alarm]:
        """End the day with this number; its alarms."""
        rows, self._rows = self._rows, []
        words = ("port", "signature", "sender", "provider", "domain")
        codes = {name: self.names.codes([row[name] for row in rows]) for name in words}
        for name in ("kind", "category", "family", "verdict"):
            codes[name] = np.array([int(row[name]) for row in rows], np.int64)
        at = [
            START + day * DAY_MS + int(row["hour"] * 3_600_000) + n
            for n, row in enumerate(rows)
        ]
        replies = np.array([row["reply"] for row in rows], np.bool_)
        columns = Rows(
            np.array(at, np.int64),
            np.arange(len(rows)) + 1,
            codes,
            np.array([row["person"] for row in rows], np.uint64),
            replies,
            replies,
            np.array([row["complaint"] for row in rows], np.int64),
        )
        found = [alarm for one in digests(columns, 1) for alarm in self.watch.examine(one)]
        self.told += found
        return found

    def usual(self, days: range) -> None:
        """Days on which the shop sends what it always does, and is answered."""
        for day in days:
            self.send(40, domain="qinghe.example", family=1 + day % 3)
            self.send(2, reply=True)
            self.send(20, port="1069002", kind=Kind.SERVICE, category=Category.OTHER, family=9)
            assert self.close(day) == []

    def kinds(self) -> list[str]:
        """The detectors that told something."""
        return [alarm.kind for alarm in self.told]


def test_someone_else_on_a_port_is_told_on_the_first_day() -> None:
    """With who, where, since when, and the rows that show it."""
    log = Log()
    log.usual(range(5))
    log.send(40, domain="qinghe.example")
    log.send(6, signature="速易贷", domain="suyi.example", category=Category.FINANCE, family=50)

    (alarm, *others) = log.close(5)

    assert (alarm.kind, alarm.port, alarm.party) == ("sublet_port", "1069001", "loan")
    assert alarm.score > 0.9
    assert alarm.since == START + 5 * DAY_MS + 10 * 3_600_000 + 40
    assert alarm.at - alarm.since < DAY_MS
    assert alarm.messages == 6
    assert alarm.evidence[0].rows == (41,)
    assert "速易贷" in alarm.evidence[0].zh
    assert {one.kind for one in others} == {"signature_drift"}  # shop's account signs for loan


def test_a_trade_and_links_of_another_behind_the_own_name_are_a_sublet() -> None:
    """A tenant that signs as its landlord does."""
    log = Log()
    log.usual(range(5))
    for family in (50, 51):
        log.send(10, domain="suyi.example", category=Category.FINANCE, family=family)
    log.close(5)

    assert "sublet_port" in log.kinds()


@pytest.mark.parametrize(
    "message",
    [
        {"many": 3, "signature": "速易贷", "domain": "suyi.example"},
        {"many": 30, "domain": "suyi.example"},
        {"many": 30, "signature": "青禾商城会员", "family": 40},
        {"many": 30, "signature": "新品牌", "domain": "qinghe.example", "family": 40},
    ],
    ids=["slip", "partner's link", "longer name", "own link"],
)
def test_what_only_looks_like_a_sublet_is_none(message: dict[str, Any]) -> None:
    """A slip of three, a partner's link, the own name with a word more, own links."""
    log = Log()
    log.usual(range(5))
    log.send(**message)
    log.close(5)

    assert "sublet_port" not in log.kinds()


def test_marketing_on_a_port_for_notices_is_drift_of_the_port() -> None:
    """And a notice that is read as marketing now and then is none."""
    log = Log()
    log.usual(range(5))
    log.send(30, port="1069002", kind=Kind.SERVICE, category=Category.OTHER, family=9)
    log.send(8, port="1069002", family=9)
    assert log.close(5) == []
    log.send(8, port="1069002", family=70)

    (alarm,) = log.close(6)

    assert (alarm.kind, alarm.port) == ("port_drift", "1069002")


def test_a_signature_that_sells_another_trade_drifts_unless_it_was_declared() -> None:
    """A new line that the register has is no drift."""
    declared = Register(
        parties=REGISTER.parties,
        ports=REGISTER.ports,
        grants=REGISTER.grants,
        signatures=(
            Signature(
                signature="青禾商城",
                owner="shop",
                categories=("retail", "travel"),
                valid_from=date(2026, 1, 1),
            ),
        ),
    )
    for register, kinds in ((REGISTER, ["signature_drift"]), (declared, [])):
        log = Log(register)
        log.usual(range(5))
        log.send(8, category=Category.TRAVEL, family=80)
        log.close(5)

        assert log.kinds() == kinds


def stopped(**measure: Any) -> Register:
    """The register with a measure on the fifth day, and a newcomer's port."""
    return Register(
        parties=(*REGISTER.parties, Party(party="fresh", name="新岸", industries=("retail",))),
        ports=(*REGISTER.ports, Port(port="1069003", holder="tongda", kinds=("commercial",))),
        signatures=(
            *REGISTER.signatures,
            Signature(signature="新岸", owner="fresh", valid_from=date(2026, 1, 7)),
        ),
        grants=(
            *REGISTER.grants,
            Grant(sender="fresh", port="1069003", signature="新岸", chain=("fresh", "tongda")),
        ),
        domains=(Domain("qinghe.example", "shop"),),
        measures=(Measure(at=START + 5 * DAY_MS + 3_600_000, **measure),),
    )


FRESH = {"port": "1069003", "signature": "新岸", "sender": "fresh"}


@pytest.mark.parametrize("measure", [{"party": "shop"}, {"signature": "青禾商城"}])
def test_who_was_stopped_and_comes_back_under_another_name_is_told(
    measure: dict[str, str],
) -> None:
    """By its links and its texts, on the first day."""
    log = Log(stopped(**measure))
    log.usual(range(6))
    log.send(6, **FRESH, domain="qinghe.example", family=2)

    (alarm,) = log.close(7)

    assert (alarm.kind, alarm.signature, alarm.party) == ("came_back", "新岸", "fresh")
    assert len(alarm.evidence) == 2


def test_a_newcomer_with_a_text_of_the_stopped_one_is_no_return() -> None:
    """Agencies sell a text twice; without link, owner or audience it proves nothing."""
    log = Log(stopped(party="shop"))
    log.usual(range(6))
    log.send(6, **FRESH, domain="xinan.example", family=2)
    log.send(20, **FRESH, domain="xinan.example", family=60)

    assert log.close(7) == []


def test_a_text_that_one_provider_refused_and_another_sent_is_told() -> None:
    """Unless the sender's texts go by both anyway, and this one did from the start."""
    for late, both, kinds in ((18.0, False, ["route_shopping"]), (10.0, True, [])):
        log = Log()
        for day in range(5):
            log.send(40, domain="qinghe.example")
            log.send(40 * both, domain="qinghe.example", provider="other")
            log.close(day)
        log.send(2, family=90, verdict=2)
        log.send(8, family=90, provider="other", hour=late)
        log.send(28, family=90, verdict=2)
        log.close(5)

        assert [kind for kind in log.kinds() if kind == "route_shopping"] == kinds
        assert "undeclared_chain" in log.kinds()  # the other provider is in no chain


def test_ports_that_no_reply_comes_back_from_are_told_when_chance_is_ruled_out() -> None:
    """After as many messages as would have brought a dozen replies."""
    log = Log()
    log.usual(range(5))
    days = 0
    while "dead_reply_port" not in log.kinds():
        log.send(40, domain="qinghe.example")
        log.close(5 + days)
        days += 1

    assert 3 < days < 30


def test_two_complaints_on_few_messages_do_not_make_a_rate_but_many_do() -> None:
    """A small sender is drawn towards what is usual."""
    log = Log()
    log.send(1000)
    log.send(1, complaint=1)
    assert log.close(0) == []
    log.send(8, complaint=1)
    (alarm,) = log.close(1)

    assert (alarm.kind, alarm.party) == ("complaint_rate", "shop")


def test_an_alarm_is_told_once_while_it_goes_on() -> None:
    """And a day that is past is not taken again."""
    log = Log()
    log.usual(range(5))
    for day in range(5, 12):
        log.send(8, port="1069002", family=70)
        log.close(day)

    assert log.kinds() == ["port_drift"]
    log.send(1)
    with pytest.raises(ValueError, match="sort the days"):
        log.close(5)


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_lower_end_of_a_share_is_below_it_and_grows_with_it(hits: int, more: int) -> None:
    """It is never above the share itself."""
    whole = hits + more

    assert 0 <= at_least(hits, whole) <= hits / whole
    assert at_least(hits, whole) <= at_least(hits + 1, whole + 1)
    assert surely(3.5, 3.5) == pytest.approx(0.9, abs=0.01)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=60))
def test_a_day_in_pieces_has_the_cells_of_the_whole(rows: list[tuple[int, int]]) -> None:
    """However a log is cut into batches, nothing is counted twice or lost."""

    def made(some: list[tuple[int, int]], first: int) -> Rows:
        size = len(some)
        empty = np.zeros(size, np.int64)
        names = ("signature", "sender", "provider", "kind", "category", "domain", "verdict")
        codes = dict.fromkeys(names, empty)
        codes |= {
            "port": np.array([one for one, _ in some], np.int64),
            "family": np.array([two for _, two in some], np.int64),
        }
        row = np.arange(first, first + size)
        people = np.arange(first, first + size).astype(np.uint64)
        none = np.zeros(size, np.bool_)
        return Rows(START + row, row, codes, people, none, none, empty)

    half = len(rows) // 2
    parts = digests(made(rows[:half], 1), 1) + digests(made(rows[half:], 1 + half), 1)
    (whole,), (joined,) = digests(made(rows, 1), 1), merged(parts)

    assert whole.cells["n"].sum() == len(rows)
    for name, column in whole.cells.items():
        assert column.tolist() == joined.cells[name].tolist(), name
    assert sorted(whole.people.tolist()) == sorted(joined.people.tolist())


def test_the_gamma_law_of_rates_is_found_again() -> None:
    """From counts that were drawn of one, within what so many senders can tell."""
    dice = np.random.default_rng(7)
    sizes = dice.integers(1_000, 50_000, 400).astype(np.float64)
    counts = dice.poisson(dice.gamma(2.0, 1e-3 / 2.0, 400) * sizes).astype(np.float64)
    law = fitted(counts, sizes, Law(1.0, 1.0))

    assert law.shape == pytest.approx(2.0, rel=0.4)
    assert law.shape / law.size == pytest.approx(1e-3, rel=0.25)


def test_a_port_belongs_to_its_users_of_the_day() -> None:
    """A grant that ends and one that begins move a port at midnight."""
    grants = (
        Grant(sender="shop", port="1", valid_until=date(2026, 1, 31)),
        Grant(sender="loan", port="1", valid_from=date(2026, 2, 1)),
    )
    now = Declared(Register(parties=(SHOP, LOAN), grants=grants))
    now.turn(date(2026, 1, 31).toordinal())
    before = set(now.users["1"])
    now.turn(date(2026, 2, 1).toordinal())

    assert (before, set(now.users["1"])) == ({"qinghe"}, {"loan"})
