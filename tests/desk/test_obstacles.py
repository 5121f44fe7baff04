"""Obstacles: the planted bad senders are found, every one, and none of the good."""

from __future__ import annotations

import random
from typing import Final

import msgspec
import pytest
from test_prove import EVER, MORNING, World, keys, register_facts, to

from qingjing.desk import consent, obstacles, send
from qingjing.desk.hear import hear
from qingjing.desk.obstacles import Obstacles
from qingjing.desk.ports import Transaction
from qingjing.desk.texts import Reader
from qingjing.kernel import facts as f
from qingjing.kernel.rows import MOVE_ROW, Moved, rows_root
from qingjing.kernel.words import Carrier, Door, Filing, PartyRole, Phone
from qingjing.ledger import memory
from qingjing.ledger.vault import Vault

GOOD: Final = tuple(f"good-{n}" for n in range(8))
SENDS_ON: Final = ("on-0", "on-1")
SILENT: Final = ("silent-0", "silent-1")
LOSES: Final = ("loses-0",)
SENDERS: Final = (*GOOD, *SENDS_ON, *SILENT, *LOSES)
PEOPLE: Final = 400
MINUTE: Final = 60_000
SALE: Final = "】秋装上新,全场满200减50,拒收请回复R"


def port_of(sender: str) -> str:
    """Each sender has a port of its own."""
    return f"1069{SENDERS.index(sender):04}"


def facts() -> list[f.Fact]:
    """The register: every sender with port, signature and grant."""
    found = register_facts()[:4]  # the rulebooks, a shop, the provider
    for sender in SENDERS:
        port = port_of(sender)
        found += [
            f.PartyRegistered(
                party=sender,
                name=sender,
                role=PartyRole.MERCHANT,
                credit_code="",
                group=f"g-{sender}",
            ),
            f.PortRegistered(
                port=port,
                holder="yuntong",
                kinds=0xFF,
                licence="B2-1",
                valid_from=EVER[0],
                valid_until=EVER[1],
            ),
            f.PortFiled(port=port, carrier=Carrier.MOBILE, state=Filing.FILED),
            f.SignatureRegistered(
                signature=sender, owner=sender, source="app", proof="p", kinds=0xFF
            ),
            f.SignatureFiled(signature=sender, carrier=Carrier.MOBILE, state=Filing.FILED),
            f.GrantMade(
                grant=sender,
                sender=sender,
                port=port,
                signature=sender,
                kinds=0xFF,
                chain=(sender, "yuntong"),
                valid_from=EVER[0],
                valid_until=EVER[1],
            ),
        ]
    return found


def town() -> World:
    """A ledger with these senders."""
    ledger = memory.open_ledger(Vault(keys()), origin="town")
    made = World(ledger, send.Desk(ledger, Reader(bytes), node=1))
    made.act(lambda t: [t.append(fact) for fact in facts()], MORNING - 86_400_000)
    return made


def wave(made: World, sender: str, people: list[Phone], at: int, *, shadow: bool) -> None:
    """Promotions of a sender; what passed leaves a minute later, in shadow mode everything."""
    base = to(people[0])
    submits = [
        msgspec.structs.replace(
            base,
            phone=phone,
            port=port_of(sender),
            body=f"【{sender}{SALE}",
            original=phone.digits.encode(),
        )
        for phone in people
    ]

    def verb(t: Transaction) -> list[int]:
        rows = send.decide(made.desk, submits, t).rows
        return [int(row["message"]) for row in rows if shadow or row["verdict"] == 0]

    left = made.act(verb, at)
    data = b"".join(
        MOVE_ROW.pack(message, at + MINUTE, b"", b"", 0, Moved.RELEASED, 0, 0)
        for message in left
    )

    def leave(t: Transaction) -> None:
        fact = f.MessagesMoved(
            node="1", count=len(left), rows_root=rows_root(data, MOVE_ROW.size)
        )
        t.attach(t.append(fact), data, b"")

    made.act(leave, at + MINUTE)


def lived(seed: int) -> World:
    """Two waves: after the first some people say no, each in some way."""
    made, chance = town(), random.Random(seed)
    crowd = [Phone(13_800_000_000 + n) for n in range(PEOPLE)]
    terms = consent.Terms(sender="", purposes=("any",), act="ticked", shown="9f86")

    def agree(t: Transaction) -> None:
        for sender in SENDERS:
            own = msgspec.structs.replace(terms, sender=sender)
            for phone in crowd:
                consent.record(
                    made.ledger, t, phone.digits, own, given_at="2026-05-01", door="web"
                )

    made.act(agree, MORNING - 3_600_000)
    for sender in SENDERS:
        wave(made, sender, crowd, MORNING, shadow=False)
        for phone in chance.sample(crowd, chance.randrange(24, 48)):
            at = MORNING + MINUTE * chance.randrange(2, 60)
            made.act(lambda t, s=sender, p=phone: say_no(made, t, s, p, chance), at)  # type: ignore[misc]
        later = MORNING + 5 * 3_600_000
        wave(made, sender, crowd, later, shadow=sender in SENDS_ON)
    return made


def say_no(
    made: World, t: Transaction, sender: str, phone: Phone, chance: random.Random
) -> None:
    """By a reply; where replies go nowhere, to the centre; where they are lost, to nobody."""
    port = port_of(sender)
    if sender in SILENT:
        consent.refuse(made.ledger, t, phone.digits, sender, door="complaint")
    elif sender in LOSES and chance.random() < 0.3:
        hear(made.desk, t, phone, port + "99", "T")
    else:
        hear(made.desk, t, phone, port, chance.choice(["T", "退订", "R"]))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_planted_bad_sender_is_found_and_no_good_one(seed: int) -> None:
    """Recall 1.0 and precision 1.0, each for its own reason."""
    found: dict[str, Obstacles] = {
        one.sender: one for one in obstacles.report(lived(seed).ledger)
    }

    assert set(found) == set(SENDERS)
    expected = {
        **dict.fromkeys(GOOD, ()),
        **dict.fromkeys(SENDS_ON, ("after_refusal",)),
        **dict.fromkeys(SILENT, ("silent_port",)),
        **dict.fromkeys(LOSES, ("lost_replies",)),
    }
    assert {name: one.obstacles for name, one in found.items()} == expected
    for name in GOOD:
        assert found[name].effect_ms == (0, 0, 0)
        assert found[name].refusals >= 24
    for name in SENDS_ON:
        one = found[name]
        assert one.after_refusal == one.refusals
        assert 3_600_000 < one.effect_ms[0] <= one.effect_ms[1] <= one.effect_ms[2]
        assert one.example
    for name in SILENT:
        assert found[name].silent_ports == (port_of(name),)
        assert found[name].elsewhere == found[name].refusals


def test_a_port_too_small_to_compare_is_said_to_be_so() -> None:
    """No replies of five messages are no sign of anything."""
    made = town()
    wave(made, "good-0", [Phone(13_800_000_000 + n) for n in range(5)], MORNING, shadow=True)
    (one,) = obstacles.report(made.ledger)

    assert (one.obstacles, one.uncompared_ports) == ((), (port_of("good-0"),))


def test_what_left_before_the_time_asked_for_does_not_count() -> None:
    """An old matter is not a new one."""
    made = town()
    wave(made, "good-0", [Phone(13_800_000_000)], MORNING, shadow=True)

    assert obstacles.report(made.ledger, since=MORNING + 1) == []


def test_a_refusal_that_was_taken_back_stands_in_nobodys_way() -> None:
    """Between its lifting and the next one, marketing may leave."""
    made = town()
    phone = Phone(13_800_000_000)
    made.act(lambda t: hear(made.desk, t, phone, port_of("good-0"), "T"), MORNING)
    person = made.ledger.find(phone)
    lifted = f.RefusalLifted(
        person=person.key, handle=person.handle, group="g-good-0", door=Door.WEB
    )
    made.act(lambda t: t.append(lifted), MORNING + MINUTE)
    wave(made, "good-0", [phone], MORNING + 2 * MINUTE, shadow=True)
    (one,) = obstacles.report(made.ledger)

    assert one.after_refusal == 0
