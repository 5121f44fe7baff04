"""The register's verbs: a description is checked whole, and written once."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from qingjing.desk import register
from qingjing.desk.entries import InputError, Problem, day_start, last_day, moment
from qingjing.desk.ports import Ledger
from qingjing.kernel import facts as f
from qingjing.kernel.vector import ChainState, PortState, SenderState, SignatureState
from qingjing.kernel.words import Carrier, Filing
from qingjing.ledger import memory
from qingjing.ledger.vault import KeyFile, Vault

NOW = moment("2026-11-24 10:00")
EXAMPLE = Path(__file__).parents[2] / "docs" / "register.example.toml"


@pytest.fixture
def imports(tmp_path: Path) -> Path:
    """The folder of imported files, which the first import makes."""
    return tmp_path / "imports"


@pytest.fixture
def ledger(imports: Path) -> Ledger:
    """A ledger in memory."""
    vault = Vault(KeyFile.generate("test/ledger"))
    return memory.open_ledger(vault, origin="test/ledger", imports=imports)


@pytest.fixture
def description() -> dict[str, Any]:
    """The example file, free to be spoilt."""
    return deepcopy(tomllib.loads(EXAMPLE.read_text("utf-8")))


def load(ledger: Ledger, description: Mapping[str, Any], at: int = NOW) -> tuple[f.Fact, ...]:
    """Load in a transaction of its own."""

    async def act() -> tuple[f.Fact, ...]:
        async with ledger.transaction(at) as t:
            return register.load(ledger, t, description)

    return asyncio.run(act())


def wrong(ledger: Ledger, description: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Load what is wrong, and see that nothing of it was written."""
    before = ledger.position
    with pytest.raises(InputError) as caught:
        load(ledger, description)
    assert ledger.position == before
    return caught.value.problems


def fields(problems: tuple[Problem, ...]) -> list[tuple[str, str]]:
    """Where the problems are."""
    return [(problem.where, problem.field) for problem in problems]


def test_the_example_file_loads_and_opens_a_path(ledger: Ledger) -> None:
    """Everything that the gate asks of a path is in the example."""
    load(ledger, tomllib.loads(EXAMPLE.read_text("utf-8")))
    lane = ledger.register.lane("qinghe", "106900010001", "青禾商城", Carrier.MOBILE, NOW)
    assert lane.sender_state is SenderState.OK
    assert lane.port_state is PortState.OK
    assert lane.signature_state is SignatureState.OK
    assert lane.chain_state is ChainState.OK
    assert lane.group == "qinghe-group"


def test_loading_twice_writes_nothing_the_second_time(
    ledger: Ledger, description: dict[str, Any]
) -> None:
    """A file may be loaded any number of times."""
    assert load(ledger, description)
    position = ledger.position
    assert load(ledger, description) == ()
    assert ledger.position == position


def test_a_changed_file_writes_what_changed_alone(
    ledger: Ledger, description: dict[str, Any]
) -> None:
    """One rejected filing that came through is one fact."""
    load(ledger, description)
    description["filings"][-1] |= {"state": "filed", "reason": ""}
    assert load(ledger, description) == (
        f.SignatureFiled(signature="青禾商城", carrier=Carrier.TELECOM, state=Filing.FILED),
    )


def test_all_problems_are_told_at_once_and_nothing_is_written(
    ledger: Ledger, description: dict[str, Any]
) -> None:
    """Good entries beside bad ones are not written either."""
    description["parties"][0]["credit_code"] = "911101050000000000"
    description["ports"][0]["kinds"] = ["comercial"]
    description["grants"][0]["chain"] = ["tongda"]
    description["filings"][0]["state"] = "done"
    assert fields(wrong(ledger, description)) == [
        ("parties 1", "credit_code"),
        ("ports 1", "kinds"),
        ("grants 1", "chain"),
        ("filings 1", "state"),
    ]


def test_a_problem_names_place_value_and_remedy(
    ledger: Ledger, description: dict[str, Any]
) -> None:
    """Whoever reads the error can mend it without looking elsewhere."""
    description["parties"][1]["role"] = "shop"
    (problem,) = wrong(ledger, description)
    assert str(problem).startswith("parties 2: role: 'shop' is none of platform, merchant")


def test_a_table_that_is_no_list_is_told(ledger: Ledger) -> None:
    """One pair of brackets too few makes a table of one entry."""
    assert fields(wrong(ledger, {"parties": {"party": "qinghe"}})) == [("", "parties")]


@pytest.mark.parametrize("field", ["kinds", "name", "licence"])
def test_what_must_be_stated_is_missed(
    ledger: Ledger, description: dict[str, Any], field: str
) -> None:
    """An empty list and an empty text say nothing."""
    table = "parties" if field == "name" else "ports"
    description[table][0][field] = [] if field == "kinds" else " "
    assert fields(wrong(ledger, description)) == [(f"{table} 1", field)]


def test_a_signatures_scope_names_known_senders_and_ports(
    ledger: Ledger, description: dict[str, Any]
) -> None:
    """And a grant stays on the ports that it names."""
    description["signatures"][0] |= {"senders": ["qinghe", "nobody"], "ports": ["1069000"]}
    assert fields(wrong(ledger, description)) == [
        ("signatures 1", "senders"),
        ("signatures 1", "ports"),
        ("grants 1", "port"),
        ("grants 2", "port"),
    ]


@pytest.mark.parametrize("table", ["colours", "party"])
def test_an_unknown_table_is_told(ledger: Ledger, table: str) -> None:
    """A misspelt table would otherwise be left out in silence."""
    assert fields(wrong(ledger, {table: []})) == [("", table)]


def test_an_unknown_field_is_told(ledger: Ledger, description: dict[str, Any]) -> None:
    """A misspelt field would otherwise leave its default in force."""
    description["parties"][0]["gruop"] = "x"
    (problem,) = wrong(ledger, description)[:1]
    assert "gruop" in problem.problem
    assert "group (optional)" in problem.remedy


@pytest.mark.parametrize(
    ("port", "says"),
    [
        ("10690001000A", "is no port"),
        ("12", "is no port"),
        ("1" * 22, "is no port"),
        ("1064123456", "for machines"),
        ("1060123456", "in reserve"),
        ("106950001", "cut short"),
        ("10690", "cut short"),
    ],
)
def test_a_port_that_cannot_be_one_is_refused(
    ledger: Ledger, description: dict[str, Any], port: str, says: str
) -> None:
    """Digits, length and the ranges of the numbering plan."""
    description["ports"] = [description["ports"][0] | {"port": port}]
    problems = wrong(ledger, description)
    assert (problems[0].where, problems[0].field) == ("ports 1", "port")
    assert says in problems[0].problem


def test_a_public_interest_port_carries_no_marketing(
    ledger: Ledger, description: dict[str, Any]
) -> None:
    """10639 and 10699 are for public interest alone."""
    description["ports"][1]["port"] = "106990010002"
    description["ports"][1]["kinds"] = ["public", "commercial"]
    assert ("ports 2", "kinds") in fields(wrong(ledger, description))


@pytest.mark.parametrize(
    "signature", ["【青禾商城】", "青", "1234", "青" * 33, "ＡＢＣ商城", "青禾\u200b商城"]
)
def test_a_signature_that_no_text_would_show_is_refused(
    ledger: Ledger, description: dict[str, Any], signature: str
) -> None:
    """What the reader does not find again can never be in scope."""
    description |= {"grants": [], "filings": []}
    description["signatures"][0]["signature"] = signature
    assert fields(wrong(ledger, description)) == [("signatures 1", "signature")]


def test_a_signature_keeps_its_owner(ledger: Ledger, description: dict[str, Any]) -> None:
    """One signature, one qualification: another party cannot take it over."""
    load(ledger, description)
    taken = description["signatures"][0] | {"owner": "tongda"}
    (problem,) = wrong(ledger, {"signatures": [taken]})
    assert problem.field == "owner"
    assert "belongs to 'qinghe'" in problem.problem


def test_the_same_entry_twice_is_told(ledger: Ledger, description: dict[str, Any]) -> None:
    """Two descriptions of one party in one file contradict each other sooner or later."""
    description["parties"].append(description["parties"][0])
    assert fields(wrong(ledger, description)) == [("parties 4", "party")]


def test_a_party_cannot_be_or_join_the_group_of_everyone(
    ledger: Ledger, description: dict[str, Any]
) -> None:
    """``*`` in a refusal means every group; a group of that name would be refused by all."""
    description["parties"][0]["group"] = "*"
    assert fields(wrong(ledger, description)) == [("parties 1", "group")]


def test_a_grant_stays_within_the_scope_of_its_signature(
    ledger: Ledger, description: dict[str, Any]
) -> None:
    """The use of a signature is not widened by whoever lends a port."""
    description["grants"][0] |= {
        "sender": "qinghe-finance",
        "chain": ["qinghe-finance", "tongda"],
    }
    assert fields(wrong(ledger, description)) == [("grants 1", "sender")]


def test_a_grant_names_known_parties_ports_and_signatures(
    ledger: Ledger, description: dict[str, Any]
) -> None:
    """What a grant refers to is registered, or in the same file."""
    description["grants"] = [
        description["grants"][0]
        | {"port": "106900019999", "signature": "别家", "chain": ["qinghe", "nobody"]}
    ]
    assert set(fields(wrong(ledger, description))) == {
        ("grants 1", "chain"),
        ("grants 1", "port"),
        ("grants 1", "signature"),
    }


def test_a_grant_made_anew_takes_the_old_ones_place(
    ledger: Ledger, description: dict[str, Any]
) -> None:
    """The old grant ends in the same transaction, so that no port keeps it."""
    load(ledger, description)
    description["grants"][0]["valid_until"] = date(2027, 12, 31)
    ended, made = load(ledger, description)
    assert isinstance(ended, f.GrantEnded)
    assert ledger.register.grant("qinghe-marketing-2026") == made


def test_a_span_is_of_beijing_days_the_last_included(
    ledger: Ledger, description: dict[str, Any]
) -> None:
    """A port valid until 30 April may be used on 30 April, Beijing time."""
    load(ledger, description)
    port = ledger.register.port("106900010001")
    assert port is not None
    assert port.valid_from == moment("2024-05-01 00:00")
    assert port.valid_until == moment("2029-05-01 00:00")
    assert last_day(port.valid_until) == date(2029, 4, 30)
    assert day_start(date(2024, 5, 1)) == port.valid_from


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [("2026-02-30", "2026-12-31", "valid_from"), ("2026-12-31", "2026-01-01", "valid_until")],
)
def test_wrong_dates_are_told(
    ledger: Ledger, description: dict[str, Any], start: str, end: str, field: str
) -> None:
    """A day that there is not, and a span that ends before it begins."""
    description["grants"][0] |= {"valid_from": start, "valid_until": end}
    assert ("grants 1", field) in fields(wrong(ledger, description))


def test_filings_are_kept_carrier_by_carrier(
    ledger: Ledger, description: dict[str, Any]
) -> None:
    """Filed with one carrier says nothing of another."""
    load(ledger, description)
    states = [
        register.filing(ledger, carrier, signature="青禾商城")
        for carrier in (Carrier.MOBILE, Carrier.TELECOM, Carrier.BROADNET)
    ]
    assert states == [Filing.FILED, Filing.REJECTED, Filing.DRAFTING]


@pytest.mark.parametrize(
    "entry",
    [
        {"carriers": ["any"], "state": "filed", "port": "106900010001"},
        {"carriers": [], "state": "filed", "port": "106900010001"},
        {"carriers": ["mobile"], "state": "filed"},
        {"carriers": ["mobile"], "state": "filed", "signature": "别家"},
    ],
)
def test_a_filing_is_of_one_known_thing_at_named_carriers(
    ledger: Ledger, description: dict[str, Any], entry: dict[str, Any]
) -> None:
    """A filing nowhere, of nothing or of something unknown is refused."""
    load(ledger, description)
    assert wrong(ledger, {"filings": [entry]})


def test_a_suspension_runs_to_the_end_of_its_last_day(
    ledger: Ledger, description: dict[str, Any]
) -> None:
    """Suspended until the 30th means: on the 30th too."""
    load(ledger, description)

    async def act() -> None:
        async with ledger.transaction(NOW) as t:
            register.suspend(ledger, t, "qinghe", "投诉超标", date(2026, 11, 30))

    asyncio.run(act())
    assert ledger.register.suspended("qinghe", moment("2026-11-30 23:59:59"))
    assert not ledger.register.suspended("qinghe", moment("2026-12-01"))


def test_what_is_not_suspended_cannot_be_reinstated(
    ledger: Ledger, description: dict[str, Any]
) -> None:
    """Suspend and reinstate; a second reinstating, or one of nobody, is refused."""
    load(ledger, description)

    async def act() -> None:
        async with ledger.transaction(NOW) as t:
            register.suspend(ledger, t, "qinghe", "投诉超标")
            register.reinstate(ledger, t, "qinghe", "整改完成")
        assert not ledger.register.suspended("qinghe", NOW)
        async with ledger.transaction(NOW) as t:
            for party, reason in (("qinghe", "again"), ("nobody", "x"), ("qinghe", "")):
                with pytest.raises(InputError):
                    register.reinstate(ledger, t, party, reason)
            with pytest.raises(InputError, match="is over"):
                register.suspend(ledger, t, "qinghe", "late", date(2026, 11, 1))

    asyncio.run(act())


def test_an_ended_grant_opens_no_path(ledger: Ledger, description: dict[str, Any]) -> None:
    """The port is no longer granted; ending it again is refused."""
    load(ledger, description)

    async def act() -> None:
        async with ledger.transaction(NOW) as t:
            register.end_grant(ledger, t, "qinghe-marketing-2026", "合同终止")
        async with ledger.transaction(NOW) as t:
            with pytest.raises(InputError, match="is not known"):
                register.end_grant(ledger, t, "qinghe-marketing-2026", "合同终止")

    asyncio.run(act())
    lane = ledger.register.lane("qinghe", "106900010001", "青禾商城", Carrier.MOBILE, NOW)
    assert lane.port_state is PortState.NOT_GRANTED
