"""Receipts: signed, without a number, and found again by a code that nobody guesses."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qingjing.desk import receipt
from qingjing.desk.entries import InputError
from qingjing.desk.receipt import SMS_MAX, canonical, check, code_of, make, verify
from qingjing.desk.send import Desk
from qingjing.desk.texts import Reader
from qingjing.kernel import facts as f
from qingjing.kernel.note import NoteError, parse_checkpoint
from qingjing.kernel.words import Act, Door, PartyRole, Phone
from qingjing.ledger import memory
from qingjing.ledger.core import Ledger
from qingjing.ledger.vault import KeyFile, Vault

NAME = "log.example.cn/qingjing"
AT = 1_780_000_000_000
DAY = 86_400_000
ANNA, BO = Phone.parse("13800138000"), Phone.parse("13900139000")
PAGE = "sms.example.cn/r"


def opened() -> Ledger:
    """A ledger in memory with one shop."""
    return memory.open_ledger(Vault(KeyFile.generate(NAME)), origin=NAME)


def desk_of(ledger: Ledger) -> Desk:
    """The desk over it."""
    return Desk(ledger, Reader(bytes), node=1)


async def add(ledger: Ledger, at: int, phone: Phone, **consent: object) -> int:
    """A consent of a person to the shop, or a refusal of its group; the fact's position."""
    async with ledger.transaction(at) as t:
        if ledger.register.party("qinghe") is None:
            t.append(
                f.PartyRegistered(
                    party="qinghe",
                    name="青禾商城",
                    role=PartyRole.PLATFORM,
                    credit_code="91110105MA00QHXC1P",
                    group="qinghe-group",
                )
            )
        who = t.remember(phone)
        if not consent:
            group = "qinghe-group"
            door = Door.REPLY
            return t.append(
                f.RefusalRecorded(person=who.key, handle=who.handle, group=group, door=door)
            )
        fact = f.ConsentRecorded(
            person=who.key,
            handle=who.handle,
            sender="qinghe",
            purposes=2,
            act=Act.TICKED,
            door=Door.WEB,
            given_at=at - 1000,
            wording="w@1",
            shown="9f86",
            term_s=86_400 * 365,
        )
        return t.append(msgspec.structs.replace(fact, **consent))


SOUND = {"wording": "w@1"}


def test_a_receipt_says_what_it_stands_for_and_how_it_stands_now() -> None:
    """In force, expired, withdrawn, of a consent; in force of a refusal. Never a number."""
    import asyncio

    async def run() -> None:
        """The history of one person."""
        ledger = opened()
        desk = desk_of(ledger)
        position = await add(ledger, AT, ANNA, **SOUND)
        made = make(desk, ANNA, "qinghe", "", AT, PAGE)
        assert made.state.position == position
        assert made.state.state == "in force"
        later = check(ledger, made.code, AT + 366 * DAY)
        assert later is not None
        assert later.state == "expired"
        await add(ledger, AT + DAY, ANNA)
        gone = check(ledger, made.code.lower().replace("-", " "), AT + DAY)
        assert gone is not None
        assert gone.state == "refused"
        assert "已撤回" in gone.zh
        assert "withdrawn" in gone.en
        no = make(desk, ANNA, "", "qinghe-group", AT + DAY, PAGE)
        assert (no.state.kind, no.state.state) == ("refusal", "in force")
        for one in (made, no):
            assert len(one.sms) <= SMS_MAX
            for text in (one.json, one.sms, one.code, repr(one.state)):
                assert ANNA.digits not in text
        weak = await add(ledger, AT + DAY, BO, act=Act.PRE_TICKED)
        found = check(ledger, code_of(ledger, weak), AT + DAY)
        assert found is not None
        assert found.state == "weak"
        with pytest.raises(InputError, match="one by one"):
            make(desk, BO, "", "qinghe-group", AT, PAGE)
        with pytest.raises(InputError, match="shorter"):
            make(desk, BO, "qinghe", "", AT, "https://" + "x" * 60)

    asyncio.run(run())


def test_a_signed_receipt_is_checked_off_line_and_any_changed_byte_fails() -> None:
    """By the log's public key alone; it is canonical JSON and names the fact's leaf."""
    import asyncio

    async def run() -> None:
        """One receipt."""
        ledger = opened()
        await add(ledger, AT, ANNA, **SOUND)
        made = make(desk_of(ledger), ANNA, "qinghe", "", AT, PAGE)
        data = made.json.encode()
        checked = verify(data, ledger.key)
        assert not checked.problem
        assert checked.body["purposes"] == [{"lawful_basis": "consent", "purpose": "retail"}]
        for place in range(len(data)):
            changed = bytearray(data)
            changed[place] ^= 1 << place % 7
            assert verify(bytes(changed), ledger.key).problem, place
        assert verify(b"\xff", ledger.key).problem
        other = memory.open_ledger(Vault(KeyFile.generate(NAME)), origin=NAME)
        assert "did not sign" in verify(data, other.key).problem

    asyncio.run(run())


@settings(max_examples=200, deadline=None)
@given(st.integers(1, (1 << 32) - 1))
def test_a_code_is_twelve_characters_and_names_one_fact(position: int) -> None:
    """The permutation is undone by whoever has the key."""
    text = code_of(LEDGER, position)
    word = 0
    for one in text.replace("-", ""):
        word = word << 5 | receipt._ALPHABET.index(one)

    assert len(text.replace("-", "")) == 12
    assert receipt._permuted(LEDGER, word, range(9, -1, -1)) == position


LEDGER = opened()


def test_wrong_codes_find_nothing() -> None:
    """Five thousand guesses, and every neighbour of a true code."""
    import asyncio
    import random

    async def run() -> None:
        """A ledger with one consent."""
        ledger = opened()
        position = await add(ledger, AT, ANNA, **SOUND)
        true = code_of(ledger, position).replace("-", "")
        chance = random.Random(5)
        near = [
            true[:at] + one + true[at + 1 :]
            for at in range(12)
            for one in receipt._ALPHABET
            if one != true[at]
        ]
        wild = ["".join(chance.choices(receipt._ALPHABET, k=12)) for _ in range(5_000)]
        assert check(ledger, true, AT) is not None
        assert all(check(ledger, code, AT) is None for code in near + wild)
        for odd in ("", "U" * 12, true + "0", "一" * 12):
            assert check(ledger, odd, AT) is None
        assert check(opened(), true, AT) is None
        with pytest.raises(InputError, match="beyond"):
            code_of(ledger, 1 << 32)

    asyncio.run(run())


def test_nothing_attested_can_pass_for_a_checkpoint() -> None:
    """The key signs both, so their texts must never be taken for each other."""
    ledger = opened()
    with pytest.raises(ValueError, match="say what it is"):
        ledger.heads.attest(f"{NAME}\n1\nAAAA\n")
    with pytest.raises(NoteError):
        parse_checkpoint(receipt.ATTESTED.decode() + '{"a":1}')


def test_canonical_json_is_that_of_rfc_8785() -> None:
    """For what receipts hold: held against an independent implementation."""
    rfc8785 = pytest.importorskip("rfc8785", reason="an independent RFC 8785 is not installed")
    value = {"b": 'é中\u001f"\\/\u007f\u2028', "a": [1, True, None, {"z": 1, "Y": 2}], "_": ""}

    assert canonical(value) == rfc8785.dumps(value)
