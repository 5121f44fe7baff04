"""Each form in which people say no is in force, everywhere, before the next release."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from test_prove import ANNA, BO, EVER, MORNING, PORT, World, to, world

from qingjing.desk import outbox, release, send
from qingjing.desk.hear import hear
from qingjing.desk.paths import Submit
from qingjing.desk.ports import Transaction
from qingjing.kernel import facts as f
from qingjing.kernel.batch import names
from qingjing.kernel.words import Carrier, Filing, Kind, PartyRole, Phone

FORMS: Final = tomllib.loads(
    (Path(__file__).parents[1] / "text" / "forms.toml").read_text("utf-8")
)
NOES: Final = sorted({*FORMS["opt_out"], *FORMS["complaint"]})
OTHER_PORT, SISTER, SISTER_PORT = "106900010002", "青禾超市", "106900020001"
CODE: Final = "【青禾商城】您的验证码是481920,5分钟内有效,请勿泄露。"


def spread() -> World:
    """The shop has a second port; its group has a sister shop with another provider."""
    made = world()
    ports = (
        ("qinghe", OTHER_PORT, "青禾商城", "yuntong"),
        ("sister", SISTER_PORT, SISTER, "second"),
    )
    facts: list[f.Fact] = [
        f.PartyRegistered(
            party=party, name=party, role=role, credit_code="", group=f"g-{group}"
        )
        for party, role, group in (
            ("sister", PartyRole.MERCHANT, "qinghe"),
            ("second", PartyRole.PROVIDER, "second"),
        )
    ]
    facts += [
        f.SignatureRegistered(
            signature=SISTER, owner="sister", source="app", proof="p", kinds=0xFF
        ),
        f.SignatureFiled(signature=SISTER, carrier=Carrier.MOBILE, state=Filing.FILED),
    ]
    for sender, port, signature, provider in ports:
        facts += [
            f.PortRegistered(
                port=port,
                holder=provider,
                kinds=0xFF,
                licence="B2-1",
                valid_from=EVER[0],
                valid_until=EVER[1],
            ),
            f.PortFiled(port=port, carrier=Carrier.MOBILE, state=Filing.FILED),
            f.GrantMade(
                grant=port,
                sender=sender,
                port=port,
                signature=signature,
                kinds=0xFF,
                chain=(sender, provider),
                valid_from=EVER[0],
                valid_until=EVER[1],
            ),
        ]
    made.act(lambda t: [t.append(fact) for fact in facts], MORNING - 86_400_000)
    for phone in (ANNA, BO):
        for sender in ("qinghe", "sister"):
            made.consented(phone, MORNING - 3_600_000, sender=sender)
    return made


def offers(phone: Phone) -> list[Submit]:
    """A promotion on each port, through each provider."""
    sister = to(phone).body.replace("青禾商城", SISTER)
    return [
        to(phone),
        to(phone, port=OTHER_PORT),
        to(phone, sister, port=SISTER_PORT, submitter="second", account="second-1"),
    ]


class House:
    """Desk and outbox: what was admitted waits, what is released has left."""

    def __init__(self) -> None:
        """Nothing waits."""
        self.made, self.box, self.now = spread(), outbox.Outbox(), MORNING

    def submit(self, *submits: Submit) -> list[tuple[str, ...]]:
        """Decide and queue; the reasons of each."""
        self.now += 1000

        def verb(t: Transaction) -> Any:
            decided = send.decide(self.made.desk, list(submits), t)
            self.box.admit(decided, list(submits), t.position)
            self.box.flush(t, 1)
            return decided.rows["reasons"].tolist()

        return [names(reasons) for reasons in self.made.act(verb, self.now)]

    def release(self) -> list[outbox.Flight]:
        """What leaves now."""
        self.now += 1000

        def verb(t: Transaction) -> list[outbox.Flight]:
            found = release.release(
                self.made.desk, self.box, Carrier.MOBILE, 1_000, lambda _body: 1, t
            )
            self.box.flush(t, 1)
            return found

        return self.made.act(verb, self.now)


def test_there_are_at_least_sixty_forms() -> None:
    """Distinct ones, as people write them."""
    assert len(NOES) >= 60


def test_without_a_no_everything_leaves() -> None:
    """So that what is stopped below is stopped by the no alone."""
    house = House()
    assert house.submit(*offers(ANNA), *offers(BO)) == [()] * 6

    assert len(house.release()) == 6


@pytest.mark.parametrize("form", NOES, ids=range(len(NOES)))
def test_a_no_is_in_force_across_group_ports_and_providers_before_the_next_release(
    form: str,
) -> None:
    """What waits is stopped, what comes is refused, on every port and for the sister, too; the
    other person is sent to, and codes go on."""
    house = House()
    assert house.submit(*offers(ANNA), *offers(BO)) == [()] * 6
    heard = house.made.act(lambda t: hear(house.made.desk, t, ANNA, PORT, form), house.now)

    left = house.release()

    assert heard.refused == "g-qinghe"
    assert {flight.phone for flight in left} == {BO}
    assert len(left) == 3
    assert house.submit(*offers(ANNA)) == [("not_refused",)] * 3
    code = msgspec.structs.replace(to(ANNA, CODE), declared=Kind.VERIFICATION)
    assert house.submit(code) == [()]
    assert [flight.body for flight in house.release()] == [CODE]
