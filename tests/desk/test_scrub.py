"""Scrub: the gate's own policy, over what depends on person and sender alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import pytest

from qingjing.app import shipped_rulebooks
from qingjing.desk import consent, register, rulebook
from qingjing.desk.consent import Terms
from qingjing.desk.entries import InputError, moment
from qingjing.desk.ports import Ledger, Transaction
from qingjing.desk.scrub import ALLOWED, Scrub, reason
from qingjing.desk.send import Desk, NoRulebookError
from qingjing.desk.texts import Reader
from qingjing.kernel import facts as f
from qingjing.kernel.words import NumberState, Phone, ReplyMeaning
from qingjing.ledger import memory
from qingjing.ledger.vault import KeyFile, Vault

NOW = moment("2026-11-24 10:00")
TERMS = Terms(sender="qinghe", purposes=("retail",), act="ticked", shown="9f86")
STANDINGS = ("sound", "none", "refused", "unclear", "food", "default", "unshown", "recycled")
REASONS = [
    "",
    "grounds_present",
    "not_refused",
    "refusal_clear",
    "grounds_for_category",
    "grounds_explicit",
    "grounds_shown",
    "number_same_person",
]
T = TypeVar("T")


def act(ledger: Ledger, verb: Callable[[Transaction], T]) -> T:
    """One verb in a transaction of its own."""

    async def run() -> T:
        async with ledger.transaction(NOW - 1000) as t:
            return verb(t)

    return asyncio.run(run())


def phone(standing: str) -> Phone:
    """The person in a standing."""
    return Phone(13800138000 + STANDINGS.index(standing))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """One shop, and a person in every standing."""
    vault = Vault(KeyFile.generate("test/ledger"))
    ledger = memory.open_ledger(vault, origin="test/ledger", imports=tmp_path)
    party = {
        "party": "qinghe",
        "name": "青禾",
        "role": "platform",
        "credit_code": "91110105MA00QHXC1P",
    }
    changes: dict[str, dict[str, Any]] = {
        "food": {"purposes": ("food",)},
        "default": {"act": "default"},
        "unshown": {"shown": ""},
    }

    def found(t: Transaction) -> None:
        rulebook.adopt_missing(ledger, t, shipped_rulebooks())
        register.load(ledger, t, {"parties": [party]})
        for standing in STANDINGS:
            if standing != "none":
                terms = msgspec.structs.replace(TERMS, **changes.get(standing, {}))
                number = phone(standing).digits
                consent.record(ledger, t, number, terms, given_at="2026-05-01", door="web")
        consent.refuse(ledger, t, phone("refused").digits, "qinghe", door="reply")
        person = t.remember(phone("unclear"))
        t.append(
            f.ReplyHeard(
                person=person.key,
                handle=person.handle,
                port="1069",
                group="qinghe",
                meaning=ReplyMeaning.UNCLEAR,
                words=b"",
            )
        )
        person = t.remember(phone("recycled"))
        t.append(
            f.NumberNoted(
                person=person.key,
                handle=person.handle,
                state=NumberState.RECYCLED,
                source="carrier",
            )
        )

    act(ledger, found)
    return Desk(ledger, Reader(bytes), node=1)


def job(desk: Desk, sender: str = "qinghe", category: str = "retail", at: int = NOW) -> Scrub:
    """A scrub over the standing index."""
    return Scrub(desk, sender, category, at)


def test_each_number_gets_the_reason_that_the_gate_would_give(desk: Desk) -> None:
    """In the policy's order: the first rule that is broken."""
    phones = np.array([phone(standing) for standing in STANDINGS], dtype=np.uint64)
    assert [reason(code) for code in job(desk).judge(phones).tolist()] == REASONS


def test_a_row_without_a_number_is_judged_too(desk: Desk) -> None:
    """Every row of a list has an answer."""
    codes = job(desk).judge(np.zeros(2, dtype=np.uint64))
    assert [reason(code) for code in codes.tolist()] == ["number_valid", "number_valid"]
    assert job(desk).judge(np.zeros(0, dtype=np.uint64)).size == 0


def test_the_sum_counts_by_verdict_and_reason(desk: Desk) -> None:
    """Over all batches; who, for what, when, at which position, by which book."""
    work = job(desk)
    phones = np.array([phone(standing) for standing in STANDINGS], dtype=np.uint64)
    for _ in range(3):
        work.judge(phones)
    done = work.sum()
    assert (done.sender, done.category, done.at) == ("qinghe", "retail", NOW)
    assert (done.position, done.rulebook) == (desk.ledger.position, "order74-2026")
    assert (done.rows, done.allowed, done.held, done.refused) == (24, 3, 3, 18)
    assert done.reasons == dict.fromkeys(sorted(REASONS[1:], key=list(done.reasons).index), 3)


def test_a_suspended_sender_may_send_to_nobody(desk: Desk) -> None:
    """Not even to those who consented."""
    act(desk.ledger, lambda t: register.suspend(desk.ledger, t, "qinghe", "投诉"))
    codes = job(desk).judge(np.array([phone("sound")], dtype=np.uint64))
    assert reason(int(codes[0])) == "sender_free"


def test_a_rule_that_is_off_refuses_nobody(desk: Desk) -> None:
    """The rulebook in force at the time of the campaign decides, as at the gate."""
    shipped = shipped_rulebooks()[1]
    rules = shipped.rules | {"grounds_for_category": "off"}
    book = msgspec.structs.replace(shipped, name="ours", rules=rules)
    act(desk.ledger, lambda t: rulebook.adopt(desk.ledger, t, book))
    assert job(desk).judge(np.array([phone("food")], dtype=np.uint64)).tolist() == [ALLOWED]


def test_a_wrong_campaign_is_told(desk: Desk) -> None:
    """Sender and category by field; a time before any rulebook."""
    with pytest.raises(InputError) as caught:
        job(desk, sender="nobody", category="retial")
    assert {problem.field for problem in caught.value.problems} == {"sender", "category"}
    with pytest.raises(NoRulebookError):
        job(desk, at=moment("1999-01-01"))
