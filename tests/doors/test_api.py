"""Messages by the HTTP API: decided in the gateway's turn, answered once, told to their end."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from api_house import OFFER, ApiHouse, api_house, once, sent, somebody
from gateway_house import CONSENTED, PORT, STRANGER

from qingjing.city.customer import CustomerClient, text_submit
from qingjing.desk.verify import verify
from qingjing.doors.api.shapes import Answers, Status
from qingjing.settings import Api


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    """One service for the tests of this file."""
    with api_house(tmp_path_factory.mktemp("api")) as made:
        yield made


@pytest.fixture(scope="module")
def shop(house: ApiHouse) -> Iterator[httpx.Client]:
    """A client of the account ``shop`` with a key for everything that an account does."""
    with house.client("decide", "messages", "proofs", "reports") as client:
        yield client


def wait_for(client: httpx.Client, message: str, state: str) -> Status:
    """The status of a message once it has come to a state."""
    deadline = time.monotonic() + 30
    while True:
        answer = client.get(f"/v1/messages/{message}")
        assert answer.status_code == 200, answer.text
        found = msgspec.json.decode(answer.content, type=Status)
        if found.state == state:
            return found
        assert time.monotonic() < deadline, f"{found.state} and not {state}"
        time.sleep(0.02)


def send(client: httpx.Client, key: str, *messages: dict[str, Any]) -> Answers:
    """Send a batch under a key."""
    answer = client.post(
        "/v1/messages/batch", json={"messages": list(messages)}, headers=once(key)
    )
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=Answers)


def test_a_message_goes_its_whole_way(house: ApiHouse, shop: httpx.Client) -> None:
    """Decided, released, answered, reported, told; and the carrier had it once."""
    before = sum(carrier.count for carrier in house.carriers.values())
    answer = shop.post("/v1/messages", json=sent(ref="17"), headers=once("whole-way"))
    (one,) = answer.json()["answers"]

    assert answer.status_code == 200
    assert one["to"].startswith("138****")
    assert (one["ref"], one["verdict"], one["reasons"]) == ("17", "pass", [])
    found = wait_for(shop, one["message"], "told")
    assert [step.what for step in found.steps] == ["released", "answered", "reported", "told"]
    assert found.steps[2].stat == "DELIVRD"
    assert (found.account, found.sender, found.port) == ("shop", "qinghe", PORT)
    assert sum(carrier.count for carrier in house.carriers.values()) == before + 1


def test_a_batch_is_answered_message_by_message(shop: httpx.Client) -> None:
    """In the order of the request, each with its own reasons, and each rule told once."""
    found = send(
        shop,
        "batch-1",
        sent(ref="a"),
        sent(STRANGER, ref="b"),
        sent("12345", ref="c"),
        sent(STRANGER, ref="d"),
    )

    assert [one.ref for one in found.answers] == ["a", "b", "c", "d"]
    assert [one.verdict for one in found.answers] == ["pass", "refuse", "refuse", "refuse"]
    assert found.answers[1].reasons == ["grounds_present"]
    assert "number_valid" in found.answers[2].reasons
    assert len({one.message for one in found.answers}) == 4
    assert set(found.rules) == {name for one in found.answers for name in one.reasons}
    rule = found.rules["grounds_present"]
    assert rule.effect == "refuse"
    assert all((rule.duty, rule.en, rule.zh, rule.remedy_en, rule.remedy_zh))


def test_a_refused_message_says_why_when_it_is_asked_again(shop: httpx.Client) -> None:
    """Its status has the decision, its reasons and the rulebook, and no steps."""
    (one,) = send(shop, "refused-1", sent(STRANGER)).answers
    assert one.message is not None
    found = wait_for(shop, one.message, "refused")

    assert found.reasons == ["grounds_present"]
    assert found.rulebook == "order74-2026"
    assert found.steps == []


def test_the_same_key_and_body_are_answered_the_same(
    house: ApiHouse, shop: httpx.Client
) -> None:
    """Octet for octet, and nothing is decided twice."""
    message = sent()
    first = shop.post("/v1/messages", json=message, headers=once("same-1"))
    position = house.desk.ledger.position
    again = shop.post("/v1/messages", json=message, headers=once("same-1"))

    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    wait_for(shop, first.json()["answers"][0]["message"], "told")
    decided = [
        at
        for at in house.desk.ledger.batches_since(position)
        if hasattr(house.desk.ledger.batch(at).recorded.fact, "rulebook")
    ]
    assert decided == []


def test_the_same_key_with_another_body_is_refused(shop: httpx.Client) -> None:
    """As a problem that says so; of another account it is another key."""
    shop.post("/v1/messages", json=sent(), headers=once("other-1"))
    other = shop.post("/v1/messages", json=sent(ref="x"), headers=once("other-1"))

    assert other.status_code == 422
    assert other.json()["type"] == "urn:qingjing:problem:key-reused"


def test_a_key_belongs_to_its_account(house: ApiHouse, shop: httpx.Client) -> None:
    """Two accounts may use the same idempotency key."""
    shop.post("/v1/messages", json=sent(), headers=once("mine-1"))
    with house.client("messages", account="other") as other:
        answer = other.post("/v1/messages", json=sent(ref="x"), headers=once("mine-1"))

    assert answer.status_code == 200


def test_one_request_sent_twice_at_once_is_decided_once(house: ApiHouse) -> None:
    """The second waits for the first and is answered the same."""
    key, message = house.key("messages"), sent()

    async def both() -> list[httpx.Response]:
        """All of them, not one after the other."""
        head = {"Authorization": f"Bearer {key}", **once("at-once")}
        async with httpx.AsyncClient(base_url=house.url, trust_env=False) as client:
            calls = [client.post("/v1/messages", json=message, headers=head) for _ in range(8)]
            return list(await asyncio.gather(*calls))

    found = asyncio.run(both())

    assert {answer.status_code for answer in found} == {200}
    assert len({answer.content for answer in found}) == 1


def test_without_an_idempotency_key_nothing_is_sent(shop: httpx.Client) -> None:
    """Sent twice is the one mistake that nobody can take back."""
    answer = shop.post("/v1/messages", json=sent())

    assert answer.status_code == 422
    (wrong,) = answer.json()["errors"]
    assert (wrong["field"].lower(), wrong["problem"]) == ("idempotency-key", "is missing")


def test_a_message_of_another_account_is_not_there(house: ApiHouse, shop: httpx.Client) -> None:
    """As if it did not exist; an admin key sees it."""
    (one,) = send(shop, "private-1", sent(STRANGER)).answers
    with house.client("messages", "proofs", account="other") as other:
        assert other.get(f"/v1/messages/{one.message}").status_code == 404
        assert other.get(f"/v1/messages/{one.message}/proof").status_code == 404
        assert other.get("/v1/messages/18446744073709551616").status_code == 404
    with house.client("admin", account="other") as admin:
        assert admin.get(f"/v1/messages/{one.message}").status_code == 200


def test_a_proof_can_be_checked_by_anybody(house: ApiHouse, shop: httpx.Client) -> None:
    """It holds under the ledger's own key, and has no number in it."""
    (one,) = send(shop, "proof-1", sent(STRANGER)).answers
    answer = shop.get(f"/v1/messages/{one.message}/proof")
    report = verify(answer.content, [house.api.rooms.key], None)

    assert answer.headers["content-type"] == "application/zip"
    assert report.ok, report.findings
    assert STRANGER.encode() not in answer.content


def test_a_dry_run_records_nothing(house: ApiHouse, shop: httpx.Client) -> None:
    """It says what the gate would say at any time, and why."""
    house.until(lambda: house.gateway.engine.unsettled == 0)
    position = house.desk.ledger.position
    number = somebody()
    day = shop.post("/v1/decide", json=sent(number, at="2026-12-01 12:00")).json()
    night = shop.post("/v1/decide", json=sent(number, at="2026-12-01 23:30")).json()

    assert day["verdict"] == "pass"
    assert night["verdict"] == "refuse"
    assert night["reasons"] == ["quiet_hours"]
    assert night["rules"]["quiet_hours"]["remedy_zh"]
    assert day["grounds_en"].startswith("the person consented")
    assert house.desk.ledger.position == position


def test_reports_come_page_by_page_and_each_once(shop: httpx.Client) -> None:
    """A cursor goes on where the last page ended; one at the end stays there."""
    found = send(shop, "pages", *(sent() for _ in range(5)))
    assert all(one.verdict == "pass" for one in found.answers), found
    last = found.answers[-1].message
    assert last is not None
    wait_for(shop, last, "told")
    seen: list[str] = []
    cursor, more = "", True
    while more:
        page = shop.get("/v1/reports", params={"after": cursor, "limit": 2}).json()
        assert len(page["items"]) <= 2
        seen += [item["message"] for item in page["items"]]
        cursor, more = page["next"], page["more"]

    assert len(seen) == len(set(seen))
    assert {one.message for one in found.answers} <= set(seen)
    assert shop.get("/v1/reports", params={"after": cursor}).json()["items"] == []


def test_a_cursor_that_is_none_is_told(shop: httpx.Client) -> None:
    """With its field and the remedy."""
    answer = shop.get("/v1/reports", params={"after": "yesterday"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "after"


def test_too_large_a_batch_is_told_before_anything_is_decided(shop: httpx.Client) -> None:
    """With its number and the limit."""
    answer = shop.post(
        "/v1/messages/batch",
        json={"messages": [sent(STRANGER, text="x")] * 1001},
        headers=once("large"),
    )

    assert answer.status_code == 422
    assert "1000" in answer.json()["errors"][0]["remedy"]


def test_too_large_a_request_is_not_read(shop: httpx.Client) -> None:
    """The bound is on octets, whatever is in them."""
    answer = shop.post("/v1/messages", content=b" " * 1_100_000, headers=once("huge"))

    assert answer.status_code == 413


def test_a_reply_is_told_to_its_account(tmp_path: Path) -> None:
    """To the sender's, which comes first in the port's chain: number, words, and how they were
    read. The refusal holds already."""
    with (
        api_house(tmp_path) as house,
        house.client("messages") as shop,
        house.client("reports", account="other") as sender,
    ):
        (one,) = send(shop, "reply", sent(CONSENTED)).answers
        assert one.message is not None
        wait_for(shop, one.message, "told")
        house.call(lambda: _reply(house, CONSENTED, "R"))
        deadline = time.monotonic() + 30
        while not (found := sender.get("/v1/replies").json()["items"]):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        (after,) = send(shop, "after", sent(CONSENTED)).answers

        assert [item["words"] for item in found] == ["R"]
        assert found[0]["meaning"] == "opt_out"
        assert found[0]["sender"].endswith(CONSENTED)
        assert after.reasons == ["not_refused"]
        sealed = (tmp_path / "data" / "api.db").read_bytes()
        assert CONSENTED.encode() not in sealed


async def _reply(house: ApiHouse, phone: str, words: str) -> None:
    house.carriers["mobile"].reply(phone, PORT, words)


def test_a_crash_between_decision_and_answer_sends_nothing_twice(tmp_path: Path) -> None:
    """The request that found no answer is sent again after the start: it is answered with what
    the ledger has, and what was not decided before is decided then."""
    with api_house(tmp_path) as house, house.client("messages") as shop:
        key, three = once("crashed"), [sent(ref="a"), sent(STRANGER, ref="b"), sent(ref="c")]
        first = shop.post("/v1/messages/batch", json={"messages": three}, headers=key)
        house.until(lambda: house.gateway.engine.unsettled == 0)
        house.stop()
        forget_answers(tmp_path)
        house.start()
        position = house.desk.ledger.position
        with house.client("messages") as later:
            again = later.post("/v1/messages/batch", json={"messages": three}, headers=key)
            stored = later.post("/v1/messages/batch", json={"messages": three}, headers=key)

        assert again.status_code == 200
        assert again.json() == first.json() == stored.json()
        assert house.desk.ledger.position == position


def forget_answers(folder: Path) -> None:
    """The file as a crash leaves it that came after the ledger's commit."""
    with sqlite3.connect(folder / "data" / "api.db") as db:
        changed = db.execute("UPDATE answer SET answer = NULL").rowcount
    db.close()
    assert changed


def test_a_report_that_was_not_fetched_is_there_after_a_start(tmp_path: Path) -> None:
    """It was on disk before the record said that it is told."""
    with api_house(tmp_path) as house, house.client("messages") as shop:
        (one,) = send(shop, "kept", sent()).answers
        assert one.message is not None
        wait_for(shop, one.message, "told")
        house.stop()
        house.start()
        with house.client("reports") as later:
            found = later.get("/v1/reports").json()["items"]

        assert [item["message"] for item in found] == [one.message]


def test_a_decision_that_is_late_is_answered_under_its_key_later(tmp_path: Path) -> None:
    """503 for now; the decision stands, and the same request gets it."""
    api = Api(port=0, answer_s=0)
    with api_house(tmp_path, api) as house, house.client("messages") as shop:
        message = sent(CONSENTED)
        late = shop.post("/v1/messages", json=message, headers=once("late"))
        assert late.status_code == 503
        assert late.headers["retry-after"]
        deadline = time.monotonic() + 30
        while True:
            answer = shop.post("/v1/messages", json=message, headers=once("late"))
            if answer.status_code == 200:
                break
            assert time.monotonic() < deadline
            time.sleep(0.05)

        assert answer.json()["answers"][0]["verdict"] == "pass"
        house.until(lambda: house.gateway.engine.unsettled == 0)
        assert sum(c.count for c in house.carriers.values()) == 1


def test_customers_of_both_doors_are_decided_side_by_side(house: ApiHouse) -> None:
    """One by CMPP, one by HTTP: each is answered and told on its own door."""

    async def both() -> tuple[int, dict[str, Any], list[Any]]:
        """Both customers, and what each was told."""
        loop = asyncio.get_running_loop()
        old = CustomerClient(account="900001", secret=b"888888", clock=loop.time, window=500)
        assert await old.connect(house.gateway.ports["cmpp"]) == 0
        submit = text_submit("900001", PORT, somebody(), OFFER)
        head = {"Authorization": f"Bearer {house.key('messages')}", **once("side")}
        async with httpx.AsyncClient(base_url=house.url, trust_env=False) as new:
            await old.submit(submit, "mine")
            _, by_http = await asyncio.gather(
                old.settle(1), new.post("/v1/messages", json=sent(), headers=head)
            )
        deadline = loop.time() + 20
        while not old.reports and loop.time() < deadline:
            await asyncio.sleep(0.02)
        told = list(old.reports.values())
        old.close()
        return old.answers["mine"].Result, by_http.json(), told

    result, answered, told = asyncio.run(both())

    assert result == 0
    assert answered["answers"][0]["verdict"] == "pass"
    assert told == ["DELIVRD"]
