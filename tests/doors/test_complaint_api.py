"""Complaints over the API: receipt, status for who has the code, leads for who must answer."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import httpx
import pytest
from api_house import ApiHouse, api_house
from gateway_house import PORT

from qingjing.desk import interchange, lead
from qingjing.desk.trace import trace
from qingjing.ledger import memory
from qingjing.ledger.vault import KeyFile, Vault

TEXT = "【青禾商城】双11会员日全场满300减50,精选好物低至5折,拒收请回复R"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    """One service for the tests of this file."""
    with api_house(tmp_path_factory.mktemp("complaints")) as made:
        yield made


def complained(client: httpx.Client, phone: str, **more: object) -> dict[str, str]:
    """A complaint that was taken in; its receipt."""
    answer = client.post(
        "/v1/complaints", json={"phone": phone, "number": PORT, "text": TEXT, **more}
    )
    assert answer.status_code == 201, answer.text
    receipt: dict[str, str] = answer.json()
    return receipt


def status(client: httpx.Client, number: str, code: str) -> httpx.Response:
    """The status, for whoever has the code."""
    return client.post("/v1/complaints/lookups", json={"number": number, "code": code})


def worked(house: ApiHouse) -> None:
    """One round of the centre: trace, raise, forward."""
    ledger = house.desk.ledger

    async def work() -> None:
        """In the service's own loop."""
        open_ = [case for case in ledger.cases if case.traced is None and not case.lacks]
        for found in trace(ledger, open_, house.now):
            await house.api.rooms.clerk.write(lead.enter, found)
        await house.api.rooms.clerk.write(lead.work)

    house.call(work)


def test_a_receipt_opens_its_own_status_and_no_other(house: ApiHouse) -> None:
    """Number and code; everything else is answered alike, and says nothing of whose it is."""
    with house.client("complaints") as client:
        one = complained(client, "13800155001")
        other = complained(client, "13800155002")
        told = status(client, one["number"], one["code"]).json()
        assert (told["state"], told["kind"], told["category"]) == (
            "open",
            "commercial",
            "retail",
        )
        wrong = [
            status(client, one["number"], other["code"]),
            status(client, "20261101-1", one["code"]),
            status(client, "x", "y"),
        ]
        assert {answer.status_code for answer in wrong} == {422}
        assert len({answer.text for answer in wrong}) == 1


def test_what_lacks_is_asked_for_and_added(house: ApiHouse) -> None:
    """By words alone."""
    with house.client("complaints") as client:
        answer = client.post("/v1/complaints", json={"phone": "13800155003", "words": "太烦"})
        receipt = answer.json()
        assert receipt["lacks"] == ["number", "text"]
        assert receipt["ask_zh"]
        added = client.post(
            "/v1/complaints/additions",
            json={
                "number": receipt["number"],
                "code": receipt["code"],
                "words": f"{PORT}*{TEXT}",
            },
        )
        assert added.json()["lacks"] == []


def test_a_wrong_number_is_told_masked_and_nothing_is_recorded(house: ApiHouse) -> None:
    """422, with field and remedy."""
    before = house.desk.ledger.position
    with house.client("complaints") as client:
        answer = client.post("/v1/complaints", json={"phone": "1380015500", "words": "x"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "phone"
    assert "1380015500" not in answer.text
    assert house.desk.ledger.position == before


def test_the_party_sees_its_leads_and_who_complained_only_if_that_person_agreed(
    house: ApiHouse,
) -> None:
    """Another party's key sees none of them, and may not answer."""
    with house.client("complaints") as client:
        hidden = complained(client, "13800155004")
        named = complained(client, "13800155005", disclose=True)
    worked(house)
    with house.client("leads", account="shop") as holder:
        leads = {one["number"]: one for one in holder.get("/v1/leads").json()["items"]}
        assert leads[hidden["number"]]["phone"] == ""
        assert "13800155004" not in str(leads)
        assert leads[named["number"]]["phone"] == "13800155005"
        assert leads[named["number"]]["text"] == TEXT
        assert leads[named["number"]]["due"]
        party = leads[named["number"]]["party"]
    outsider = "other" if party == "tongda" else "shop"
    body = {"number": named["number"], "party": party, "words": "已核实"}
    with house.client("leads", account=outsider) as client:
        assert client.get("/v1/leads").json()["items"] == []
        assert client.post("/v1/leads/answers", json=body).status_code == 403
    with house.client("leads", account="shop") as holder:
        body["evidence"] = base64.b64encode(b"no zip").decode()
        answered = holder.post("/v1/leads/answers", json=body).json()
        assert answered == {"checked": "invalid", "state": "answered"}
    with house.client("complaints") as client:
        told = status(client, named["number"], named["code"]).json()
        assert (told["state"], told["answer"]) == ("answered", "已核实")
        dispute = {"number": named["number"], "code": named["code"], "words": "还在发"}
        assert client.post("/v1/complaints/disputes", json=dispute).status_code == 201
        assert client.post("/v1/complaints/disputes", json=dispute).status_code == 422


def test_a_message_of_an_installation_that_is_not_trusted_is_refused(house: ApiHouse) -> None:
    """Whatever it says; the problem names the origin."""
    message = interchange.State(
        id="a.example.cn/7",
        origin="a.example.cn",
        to="house",
        at=1,
        re="a.example.cn/5",
        outcome="upheld",
        reason="late",
    )
    ledger = house.desk.ledger
    data = interchange.write(ledger, message)
    with house.client("leads") as client:
        answer = client.post(
            "/v1/interchange", content=data, headers={"Content-Type": "application/json"}
        )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "origin"


def test_a_lead_of_a_trusted_installation_is_taken_over_http_and_again_does_nothing(
    house: ApiHouse,
) -> None:
    """Signed by the centre's own ledger; the second time is answered alike."""
    vault = Vault(KeyFile.generate("centre.example.cn"))
    centre = memory.open_ledger(vault, origin="centre.example.cn")

    async def trust() -> None:
        """The centre acts for a party of the register."""
        key = centre.key.text()
        await house.api.rooms.clerk.write(interchange.trust, "qinghe", key)

    house.call(trust)
    message = interchange.Lead(
        id="centre.example.cn/17",
        origin="centre.example.cn",
        to=house.desk.ledger.key.name,
        at=house.now,
        number=PORT,
        text=TEXT,
        told_at=0,
        received_at=house.now,
        rulebook="order74-2026",
        answer_days=15,
        phone="13800155006",
    )
    data = interchange.write(centre, message)
    with house.client("leads") as client:
        headers = {"Content-Type": "application/json"}
        first, again = (
            client.post("/v1/interchange", content=data, headers=headers) for _ in range(2)
        )
    assert (first.status_code, first.json()["new"]) == (200, True)
    assert (again.status_code, again.json()["new"]) == (200, False)
    case = house.desk.ledger.cases.by_number(first.json()["number"])
    assert case is not None
    assert case.port == PORT
