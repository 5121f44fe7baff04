"""Taking consent by the API: words, showing, act, and then the message passes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from api_house import ApiHouse, api_house, sent

from qingjing.client import Client, ProblemError
from qingjing.desk import wordings
from qingjing.desk.ports import Transaction
from qingjing.desk.wordings import Worded
from qingjing.doors.api import shapes as s
from qingjing.doors.api import taking as c
from qingjing.settings import Api

NUMBER = "13800137777"
TEXT = "我同意接收青禾商城的促销短信,每月不超过2条,有效期一年"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    """One service for the tests of this file."""
    with api_house(tmp_path_factory.mktemp("consent"), Api(port=0)) as made:
        yield made


@pytest.fixture(scope="module")
def wording(house: ApiHouse) -> str:
    """Words that state their terms."""

    def verb(t: Transaction) -> Worded:
        return wordings.state(
            house.desk.ledger,
            t,
            "api",
            "qinghe",
            TEXT,
            ("retail",),
            per_count=2,
            per_days=30,
            term_days=365,
        )

    async def run() -> Worded:
        async with house.desk.ledger.transaction(house.now - 1000) as t:
            return verb(t)

    return house.call(run).wording


@pytest.fixture
def crm(house: ApiHouse) -> Iterator[Client]:
    """The sender's own client."""
    with Client(house.url, house.key("consents", account="other")) as client:
        yield client


@pytest.fixture
def shop(house: ApiHouse) -> Iterator[Client]:
    """A client that may ask what the gate would say."""
    with Client(house.url, house.key("admin")) as client:
        yield client


def verdict(client: Client, number: str) -> str | None:
    """What the gate would say to an offer."""
    return client.decide(s.Question(**sent(number))).verdict


def test_words_shown_and_ticked_make_the_next_message_pass(
    crm: Client, shop: Client, wording: str
) -> None:
    """And the token is good once."""
    before = verdict(shop, NUMBER)
    shown = crm.show_wording(c.Showing(wording=wording, door="web", empty=True))
    done = crm.act(c.Act(phone=NUMBER, wording=wording, token=shown.token))

    assert (done.act, done.shown, done.refused) == ("ticked", True, False)
    assert done.positions[0] > shown.position
    assert (before, verdict(shop, NUMBER)) == ("refuse", "pass")
    with pytest.raises(ProblemError, match="was used"):
        crm.act(c.Act(phone="13800137778", wording=wording, token=shown.token))


def test_a_tick_that_nothing_was_shown_for_is_none(
    crm: Client, shop: Client, wording: str
) -> None:
    """Recorded, and worth nothing."""
    number = "13800137779"
    done = crm.act(c.Act(phone=number, wording=wording))

    assert (done.act, done.shown) == ("unknown", False)
    assert verdict(shop, number) == "refuse"


def test_a_paper_is_taken_with_the_hash_of_its_scan_alone(crm: Client, wording: str) -> None:
    """And not for a day on which the words were not registered yet."""
    paper = c.Paper(
        phone=NUMBER, wording=wording, given_at="2026-11-01", door="paper", file_hash="ab" * 32
    )
    with pytest.raises(ProblemError, match="registered after the act"):
        crm.record_paper(paper)


def test_a_key_takes_no_consent_for_another_sender(house: ApiHouse, wording: str) -> None:
    """The provider's key cannot show the shop's words, act on them or confirm."""
    with Client(house.url, house.key("consents")) as provider:
        for call in (
            lambda: provider.show_wording(c.Showing(wording=wording, door="web", empty=True)),
            lambda: provider.act(c.Act(phone=NUMBER, wording=wording)),
        ):
            with pytest.raises(ProblemError) as refused:
                call()
            assert refused.value.details.type == "urn:qingjing:problem:no-reach"


def test_a_confirmation_of_nothing_is_told(crm: Client) -> None:
    """Whoever asks for it."""
    with pytest.raises(ProblemError, match="no act of this person"):
        crm.confirm(c.Confirmation(phone=NUMBER, position=1, door="web", evidence="code"))
