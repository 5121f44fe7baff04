"""Life cycles: papers with terms, filings with age, one tenant a port, unused signatures."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from typing import Any

import pytest
from register_house import CODE, CODES, DAY, NOW, OFFERS, House

from qingjing.desk import filings
from qingjing.desk.codes import code_of, codes
from qingjing.desk.entries import InputError, moment
from qingjing.desk.owner import owners
from qingjing.kernel import facts as f
from qingjing.kernel.words import Carrier, Filing

HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
QINGHE = "91110105MA00QHXC1P"
LETTER: dict[str, Any] = {
    "letter": "l1",
    "owner": "qinghe",
    "credit_code": QINGHE,
    "sender": "qinghe",
    "signatures": ["青禾商城"],
    "document": HASH,
    "valid_from": date(2026, 1, 1),
    "valid_until": date(2026, 11, 24),
}
CONTRACT: dict[str, Any] = {
    "contract": "c1",
    "upstream": "qinghe",
    "downstream": "tongda",
    "document": HASH,
    "valid_from": date(2026, 1, 1),
    "valid_until": date(2026, 11, 24),
}
PERMIT: dict[str, Any] = {
    "document": HASH,
    "what": "permit",
    "subject": "party",
    "name": "qinghe-finance",
    "number": "7",
    "category": "finance",
    "valid_until": date(2026, 12, 1),
}
PORT: dict[str, Any] = {
    "port": CODES,
    "holder": "tongda",
    "kinds": ["service", "verification"],
    "licence": "号〔2024〕00001",
    "valid_from": date(2024, 5, 1),
    "valid_until": date(2029, 4, 30),
}


@pytest.fixture
def house() -> House:
    """The example's register."""
    return House()


def wrong(house: House, **tables: list[dict[str, Any]]) -> list[str]:
    """The fields that are wrong; nothing is written."""
    before = house.ledger.position
    with pytest.raises(InputError) as caught:
        house.load(**tables)
    assert house.ledger.position == before
    return [problem.field for problem in caught.value.problems]


def what(house: House, days: int = 30) -> dict[str, str]:
    """The reminders by name."""
    return {one.name: one.what for one in filings.due(house.ledger, house.at, days, 150)}


def test_an_expired_letter_stops_the_next_message(house: House) -> None:
    """On its last day the code leaves, on the day after it does not; a new letter opens."""
    house.load(letters=[LETTER])
    assert house.send() == [()]
    house.at += DAY
    assert house.send() == [("signature_in_scope",)]
    house.load(letters=[LETTER | {"letter": "l2", "valid_until": date(2027, 11, 24)}])
    assert house.send() == [()]


def test_an_expired_link_makes_the_chain_undeclared_at_the_gate(house: House) -> None:
    """One contract that ran out is enough."""
    house.load(contracts=[CONTRACT])
    assert house.send() == [()]
    house.at += DAY
    assert house.send() == [("chain_declared",)]


def test_an_expired_filing_stops_messages_for_that_carrier_only(house: House) -> None:
    """Lapsed at one network, the others go on."""
    notice = "【青禾商城】您的验证码是482913，5分钟内有效，请勿泄露给他人。拒收请回复R"
    lapsed = {"carriers": ["mobile"], "state": "lapsed", "signature": "青禾商城"}
    assert house.send(notice) == house.send(notice, carrier=Carrier.UNICOM) == [()]
    house.load(filings=[lapsed])
    assert house.send(notice) == [("signature_filed",)]
    assert house.send(notice, carrier=Carrier.UNICOM) == [()]


def test_papers_are_recorded_once(house: House) -> None:
    """The same file again changes nothing."""
    tables = {"letters": [LETTER], "contracts": [CONTRACT], "documents": [PERMIT]}
    assert len(house.load(**deepcopy(tables))) == 3
    assert house.load(**deepcopy(tables)) == ()


@pytest.mark.parametrize(
    ("table", "entry", "field"),
    [
        ("letters", LETTER | {"credit_code": "91440300MA5TDTX21X"}, "credit_code"),
        ("letters", LETTER | {"signatures": []}, "signatures"),
        ("letters", LETTER | {"signatures": ["青禾商城"] * 101}, "signatures"),
        ("letters", LETTER | {"signatures": ["别家"]}, "signatures"),
        ("letters", LETTER | {"document": "9f86"}, "document"),
        ("letters", LETTER | {"sender": "nobody"}, "sender"),
        ("letters", LETTER | {"valid_until": date(2025, 1, 1)}, "valid_until"),
        ("contracts", CONTRACT | {"downstream": "qinghe"}, "downstream"),
        ("contracts", CONTRACT | {"document": "zz"}, "document"),
        ("documents", PERMIT | {"category": "colour"}, "category"),
        ("documents", PERMIT | {"category": ""}, "category"),
        ("documents", PERMIT | {"what": "diploma", "category": ""}, "what"),
        ("documents", PERMIT | {"name": "nobody"}, "name"),
    ],
)
def test_a_paper_that_proves_nothing_is_refused(
    house: House, table: str, entry: dict[str, Any], field: str
) -> None:
    """The field is named."""
    assert field in wrong(house, **{table: [entry]})


def test_the_credit_code_is_checked_against_a_party_of_the_same_file(house: House) -> None:
    """Not only against those that were there before."""
    new = {
        "party": "new",
        "name": "新主体",
        "role": "merchant",
        "credit_code": "91110105MA00QHXE2W",
    }
    signature = {
        "signature": "新主体",
        "owner": "new",
        "source": "enterprise",
        "proof": "x",
        "kinds": ["service"],
    }
    letter = LETTER | {"owner": "new", "signatures": ["新主体"]}
    assert wrong(house, parties=[new], signatures=[signature], letters=[letter]) == [
        "credit_code"
    ]


def test_one_extension_never_carries_two_signatures(house: House) -> None:
    """While the first grant runs; another grant of the same signature is fine, and so is the
    next tenant afterwards."""
    second = {
        "signature": "青禾优选",
        "owner": "qinghe",
        "source": "trademark",
        "proof": "x",
        "kinds": ["service"],
    }
    grant = {
        "grant": "other",
        "sender": "qinghe",
        "port": CODES,
        "signature": "青禾优选",
        "kinds": ["service"],
        "chain": ["qinghe", "tongda"],
        "valid_from": date(2026, 12, 31),
        "valid_until": date(2027, 12, 31),
    }
    house.load(signatures=[second])
    assert wrong(house, grants=[grant]) == ["signature"]
    house.load(grants=[grant | {"valid_from": date(2027, 1, 1)}])
    same = grant | {"grant": "same", "signature": "青禾商城", "valid_until": date(2026, 12, 31)}
    house.load(grants=[same])
    twice = [
        grant | {"grant": "a", "port": OFFERS, "valid_from": date(2028, 1, 1)},
        same | {"grant": "b", "port": OFFERS, "valid_from": date(2028, 1, 1)},
    ]
    for entry in twice:
        entry["valid_until"] = date(2028, 2, 1)
    assert wrong(house, grants=twice) == ["signature"]


@pytest.mark.parametrize(
    ("change", "field"),
    [({"kinds": ["service", "commercial"]}, "kinds"), ({"holder": "qinghe"}, "holder")],
)
def test_a_change_of_use_or_holder_needs_a_new_licence(
    house: House, change: dict[str, Any], field: str
) -> None:
    """不得擅自改变用途, 不得转让; narrowing is free."""
    assert wrong(house, ports=[PORT | change]) == [field]
    house.load(ports=[PORT | {"kinds": ["service"]}])
    house.load(ports=[PORT | change | {"licence": "号〔2026〕00009"}])


def test_the_plan_of_access_codes_is_read_from_its_file() -> None:
    """Prefixes do not hide each other; each says who issues it or that it carries nothing."""
    prefixes = [code.prefix for code in codes()]
    assert len(set(prefixes)) == len(prefixes) == 18
    for code in codes():
        assert code.issuer or code.carries == "nothing"
        assert code_of(code.prefix + "0000000") == code
    assert code_of("95588") is None


def test_reminders_name_what_runs_out_waits_and_is_missing(house: House) -> None:
    """With how long it waits."""
    house.load(letters=[LETTER], documents=[PERMIT])
    house.load(filings=[{"carriers": ["unicom"], "state": "filing", "signature": "青禾商城"}])
    found = what(house)
    assert found["letter l1 for qinghe"] == "ends"
    assert found["permit 7 of qinghe-finance"] == "ends"
    assert found["grant qinghe-service-2026"] == "missing"
    assert found["青禾商城"] == "rejected"
    house.at += 14 * DAY
    found = what(house)
    assert found["letter l1 for qinghe"] == found["permit 7 of qinghe-finance"] == "over"
    words = [one.words for one in filings.due(house.ledger, house.at, 30, 150)]
    assert "signature 青禾商城 at unicom: filing for 14 days" in words
    house.at += 60 * DAY
    assert "letter l1 for qinghe" not in what(house)


def test_a_signature_that_carried_nothing_lapses_where_it_did_not(house: House) -> None:
    """Carrier by carrier, and not while it is used; nought lets nothing lapse."""
    house.at += 100 * DAY
    house.at = moment("2026-12-30 12:00")
    assert house.send(CODE) == [()]
    house.at = NOW + 150 * DAY
    assert house.do(filings.lapse, 0) == ()
    (lapsed,) = house.do(filings.lapse, 150)
    assert lapsed == f.SignatureFiled(
        signature="青禾商城",
        carrier=Carrier.UNICOM,
        state=Filing.LAPSED,
        reason="no message for 150 days",
    )
    assert house.do(filings.lapse, 150) == ()
    house.at += 37 * DAY
    assert [fact.carrier for fact in house.do(filings.lapse, 150)] == [Carrier.MOBILE]


def test_who_is_behind_a_name_is_told_as_of_any_day(house: House) -> None:
    """A port that changed hands belongs to whoever held it on that day."""
    first = house.at
    house.at += 10 * DAY
    house.load(ports=[PORT | {"holder": "qinghe", "licence": "号〔2026〕00009"}])
    (now,) = owners(house.ledger.register, CODES, house.at)
    (then,) = owners(house.ledger.register_at(first), CODES, first)
    assert (now.owner, then.owner) == ("qinghe", "tongda")
    assert then.owner_name == "通达短信服务有限公司"
    assert dict(then.filings) == {
        "mobile": "filed",
        "unicom": "filed",
        "telecom": "filed",
        "broadnet": "drafting",
    }
    assert [sender for sender, _name in then.senders] == ["qinghe"]
    assert (then.standing, then.issuer) == ("ok", "工业和信息化部")
    assert owners(house.ledger.register_at(first - 1), CODES, first - 1) == []
    (signature,) = owners(house.ledger.register, "青禾商城", house.at)
    assert (signature.owner, signature.subject) == ("qinghe", "signature")
