"""At registration, whoever owns what a new signature pretends to be is told."""

from __future__ import annotations

from typing import Any

import pytest
from register_house import House

from qingjing.kernel import facts as f

RIVAL: dict[str, Any] = {
    "party": "rival",
    "name": "别家",
    "role": "merchant",
    "credit_code": "91110105MA00QHXC1P",
}


def signature(name: str, owner: str) -> dict[str, Any]:
    """A signature of an owner."""
    return {
        "signature": name,
        "owner": owner,
        "source": "trademark",
        "proof": "商标9",
        "kinds": ["service"],
    }


@pytest.fixture
def house() -> House:
    """The example's register, and a stranger."""
    house = House()
    house.load(parties=[RIVAL])
    return house


def test_a_lookalike_of_another_group_is_recorded_and_told(house: House) -> None:
    """Registered all the same: a likeness blocks nothing by itself."""
    facts = house.load(signatures=[signature("青和商城", "rival")])
    registered, told = facts
    assert isinstance(registered, f.SignatureRegistered)
    assert isinstance(told, f.FindingOpened)
    assert (told.what, told.party, told.told) == ("lookalike", "rival", "qinghe")
    assert "读音相同" in told.words
    assert "商标注册证" in told.evidence[0]
    assert house.ledger.register.signature("青和商城") == registered


def test_a_holding_with_many_brands_is_its_own_affair(house: House) -> None:
    """The same words, and nobody to be told."""
    facts = house.load(signatures=[signature("青禾优选", "qinghe-finance")])
    assert [type(fact) for fact in facts] == [f.SignatureRegistered]


def test_a_lookalike_is_told_once(house: House) -> None:
    """A new description of the same signature is no new signature."""
    entry = signature("青和商城", "rival")
    house.load(signatures=[entry])
    facts = house.load(signatures=[entry | {"kinds": ["service", "verification"]}])
    assert [type(fact) for fact in facts] == [f.SignatureRegistered]
    assert len(house.ledger.register.oversight.findings) == 1
