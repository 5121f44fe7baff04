"""Vendors' forms: their field names in and out, errors by row."""

from __future__ import annotations

import pytest
from register_house import House

from qingjing.desk.entries import InputError
from qingjing.desk.vendors import FORMS, description, exported, in_rows
from qingjing.doors.cli.vendors import enter_form

ROW = {
    "signature": "云帆图书",
    "company_name": "云帆图书有限公司",
    "company_credit_code": "91440300MA5TDTX21X",
    "source": "trade_name",
    "desc": "商标7",
    "identity_no": "110101199003070000",
}
NEW = ROW | {"company_credit_code": "91110105MA00QHXE2W", "signature": "白石书店"}


@pytest.fixture
def house() -> House:
    """The example's register."""
    return House()


def wrong(house: House, *rows: dict[str, str], vendor: str = "qiniu") -> list[tuple[str, str]]:
    """Rows and fields that are wrong; nothing is written."""
    before = house.ledger.position
    with pytest.raises(InputError) as caught:
        house.do(enter_form, vendor, list(rows), ["service"])
    assert house.ledger.position == before
    return [(problem.where, problem.field) for problem in caught.value.problems]


def test_a_form_registers_under_the_party_that_has_its_code(house: House) -> None:
    """And nothing of a person comes in."""
    house.do(enter_form, "qiniu", [dict(ROW)], ["service"])
    signature = house.ledger.register.signature("云帆图书")
    assert signature is not None
    assert (signature.owner, signature.source, signature.proof) == (
        "tongda",
        "trademark",
        "商标7",
    )
    fact = house.ledger.encoded(house.ledger.position) or b""
    assert b"19900307" not in fact


def test_errors_are_told_by_the_row_that_a_spreadsheet_shows(house: House) -> None:
    """The form's own, and those of the register."""
    assert wrong(house, dict(ROW), ROW | {"source": "website", "signature": ""}) == [
        ("row 3", "signature"),
        ("row 3", "source"),
    ]
    unsound = NEW | {"company_credit_code": "911101050000000000"}
    assert ("row 3", "credit_code") in wrong(house, dict(ROW), unsound)
    assert wrong(house, dict(ROW), ROW | {"signature": "云"}) == [("row 3", "signature")]
    assert wrong(house, dict(ROW), vendor="nobody") == [("", "vendor")]


@pytest.mark.parametrize("vendor", FORMS)
def test_what_is_exported_is_imported_again_without_a_change(house: House, vendor: str) -> None:
    """Each vendor's form carries a signature there and back."""
    house.do(enter_form, "qiniu", [dict(ROW)], ["service"])
    head, rows = exported(house.ledger.register, vendor)
    table = [dict(zip(head, row, strict=True)) for row in rows]
    assert [row[head[0]] for row in table] == ["青禾商城", "云帆图书"]
    assert not any(row[name] for row in table for name in FORMS[vendor].personal)
    assert house.do(enter_form, vendor, table[1:], ["service"]) == ()


def test_a_problem_of_no_row_stays_as_it_is(house: House) -> None:
    """Such as one of the whole file."""
    entries = description(house.ledger.register, "qiniu", [dict(ROW)], ["service"])
    error = InputError([])
    assert in_rows(error.problems, entries).problems == ()
