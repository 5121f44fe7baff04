"""Consents, refusals, lists, register and rulebooks by the API, and the client for them."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from api_house import ApiHouse, api_house, once, person, sent, somebody
from gateway_house import PORT, STRANGER, description

from qingjing.client import Client, Message, ProblemError
from qingjing.doors.api import people as p
from qingjing.doors.api import shapes as s
from qingjing.settings import Api


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    """One service for the tests of this file."""
    with api_house(tmp_path_factory.mktemp("people"), Api(port=0, lists_max=3)) as made:
        yield made


@pytest.fixture
def admin(house: ApiHouse) -> Iterator[Client]:
    """The typed client with a key for everything."""
    with Client(house.url, house.key("admin")) as client:
        yield client


@pytest.fixture
def crm(house: ApiHouse) -> Iterator[Client]:
    """That of the sender itself, for its own people."""
    key = house.key("consents", "refusals", "scrubs", "messages", account="other")
    with Client(house.url, key) as client:
        yield client


def consented(number: str, **more: object) -> p.Consent:
    """A sound consent."""
    plain = {
        "phone": number,
        "sender": "qinghe",
        "purposes": ["retail"],
        "act": "ticked",
        "given_at": "2026-11-02 09:00",
        "door": "web",
        "shown": "screen 17",
        "term_days": 365,
    }
    return p.Consent(**(plain | more))  # type: ignore[arg-type]


def verdict(client: Client, number: str) -> str | None:
    """What the gate would say to an offer to somebody."""
    return client.decide(s.Question(**sent(number))).verdict


def test_a_consent_makes_the_next_message_pass(admin: Client, crm: Client) -> None:
    """And its withdrawal stops the one after it."""
    number = "13800137001"
    before = verdict(admin, number)
    given = crm.record_consent(consented(number))
    between = verdict(admin, number)
    withdrawn = crm.withdraw_consent(p.Withdrawal(phone=number, sender="qinghe", door="app"))
    after = verdict(admin, number)

    assert (before, between, after) == ("refuse", "pass", "refuse")
    assert (given.lifted, given.refused) == (False, False)
    assert withdrawn.position > given.position


def test_a_refusal_stops_what_follows(crm: Client) -> None:
    """Of the sender's whole group."""
    number = somebody()
    crm.refuse(p.Refusal(phone=number, group="qinghe", door="call"))
    answer = crm.send(Message(**sent(number))).answers[0]

    assert answer.reasons == ["not_refused"]
    assert crm.record_consent(consented(number, given_at="2026-11-01 09:00")).refused


def test_a_person_is_looked_up_with_the_reason_of_each_standing(crm: Client) -> None:
    """Masked, with the fact that it rests on, in both languages."""
    found = crm.look_up(person(1), "ticket 4711")

    assert found.phone.startswith("138****")
    (standing,) = found.standings
    assert (standing.sender, standing.standing) == ("qinghe", "consent")
    assert standing.reason_en.startswith("the person consented")
    assert standing.reason_zh.startswith("用户已同意")
    assert [fact.kind for fact in found.facts] == ["consent.recorded/1"]
    assert found.facts[0].position == standing.grounds


def test_a_key_acts_for_its_senders_alone(house: ApiHouse) -> None:
    """The provider's own key sees nothing of a merchant's people; one made for it does."""
    with Client(house.url, house.key("consents", "refusals", "scrubs")) as provider:
        found = provider.look_up(person(1), "curiosity")
        assert (found.standings, found.facts) == ([], [])
        for call in (
            lambda: provider.record_consent(consented(STRANGER)),
            lambda: provider.refuse(p.Refusal(phone=STRANGER, group="qinghe", door="call")),
            lambda: provider.refuse(p.Refusal(phone=STRANGER, group="*", door="call")),
        ):
            with pytest.raises(ProblemError) as refused:
                call()
            assert refused.value.details.type == "urn:qingjing:problem:no-reach"
    named = house.key("consents", senders=("qinghe",))
    with Client(house.url, named) as provider:
        assert provider.look_up(person(1), "for the merchant").standings
    everyone = house.key("refusals", senders=("*",))
    with Client(house.url, everyone) as centre:
        assert centre.refuse(p.Refusal(phone=STRANGER, group="*", door="complaint")).position


def test_every_wrong_field_of_a_consent_is_named_at_once(crm: Client) -> None:
    """Nothing is recorded, and no number stands whole in the answer."""
    wrong = consented("23800138000", act="nodded", given_at="yesterday", door="window")
    with pytest.raises(ProblemError) as refused:
        crm.record_consent(wrong)

    details = refused.value.details
    assert {one.field for one in details.errors} == {"phone", "act", "given_at", "door"}
    assert all(one.remedy for one in details.errors)
    assert "23800138000" not in str(refused.value)


def judged(client: Client, job: p.Job) -> p.Job:
    """A list once it is judged."""
    deadline = time.monotonic() + 60
    while job.state in ("waiting", "running"):
        assert time.monotonic() < deadline, job.state
        time.sleep(0.1)
        job = client.scrubbed(job.id)
    return job


def test_a_list_is_judged_and_its_result_handed_out(crm: Client, tmp_path: Path) -> None:
    """CSV in, CSV out: each row with its answer and its reason."""
    number = somebody()
    (tmp_path / "list.csv").write_text(f"name,phone\na,{number}\nb,{STRANGER}\nc,x\n", "utf-8")
    job = judged(crm, crm.scrub(tmp_path / "list.csv", "qinghe", "retail"))
    crm.scrub_result(job.id, tmp_path / "result.csv")
    with (tmp_path / "result.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))

    assert (job.state, job.rows, job.allowed, job.refused) == ("done", 3, 1, 2)
    assert [(row["phone"], row["allowed"]) for row in rows] == [
        (number, "yes"),
        (STRANGER, "no"),
        ("x", "no"),
    ]
    assert job.reasons is not None
    assert set(job.reasons) == {row["reason"] for row in rows} - {""}
    crm.delete_scrub(job.id)
    with pytest.raises(ProblemError):
        crm.scrubbed(job.id)


def test_a_list_may_be_parquet(house: ApiHouse, crm: Client, tmp_path: Path) -> None:
    """Its result is Parquet too; its files are the service's own."""
    table = pa.table({"phone": pa.array([int(somebody()), 5], pa.int64())})
    pq.write_table(table, tmp_path / "list.parquet")
    job = judged(crm, crm.scrub(tmp_path / "list.parquet", "qinghe", "retail"))
    crm.scrub_result(job.id, tmp_path / "result.parquet")
    kept = list((house.folder / "data" / "lists").glob(f"{job.id}.*"))

    assert pq.read_table(tmp_path / "result.parquet")["allowed"].to_pylist() == [True, False]
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept if path.suffix != ".rows")
    assert not any(".in." in path.name for path in kept)
    crm.delete_scrub(job.id)


def test_a_list_that_cannot_be_read_says_why(crm: Client, tmp_path: Path) -> None:
    """Its state is failed, with the remedy."""
    (tmp_path / "list.csv").write_text("name\na\n", "utf-8")
    job = judged(crm, crm.scrub(tmp_path / "list.csv", "qinghe", "retail"))

    assert job.state == "failed"
    assert "no column for phone" in job.problem
    with pytest.raises(ProblemError) as refused:
        crm.scrub_result(job.id, tmp_path / "out.csv")
    assert refused.value.details.status == 409
    crm.delete_scrub(job.id)


def test_a_list_is_refused_before_it_is_read(
    house: ApiHouse, crm: Client, tmp_path: Path
) -> None:
    """For a sender or category that is none, and in a media type that is none."""
    (tmp_path / "list.csv").write_text("phone\n", "utf-8")
    for sender, category, status in (("qinghe", "nothing", 422), ("tongda", "retail", 403)):
        with pytest.raises(ProblemError) as refused:
            crm.scrub(tmp_path / "list.csv", sender, category)
        assert refused.value.details.status == status
    with house.client("scrubs", account="other") as plain:
        answer = plain.post(
            "/v1/scrubs?sender=qinghe&category=retail",
            content=b"phone\n",
            headers={"Content-Type": "text/plain"},
        )
    assert answer.status_code == 415


def test_an_account_keeps_no_more_lists_than_its_limit(crm: Client, tmp_path: Path) -> None:
    """The next is refused until one is deleted."""
    (tmp_path / "list.csv").write_text(f"phone\n{STRANGER}\n", "utf-8")
    jobs = [crm.scrub(tmp_path / "list.csv", "qinghe", "retail") for _ in range(3)]
    with pytest.raises(ProblemError) as refused:
        crm.scrub(tmp_path / "list.csv", "qinghe", "retail")

    assert refused.value.details.status == 409
    assert len(crm.scrubs().items) == 3
    for job in jobs:
        judged(crm, job)
        crm.delete_scrub(job.id)


def test_the_register_is_read_and_written(admin: Client) -> None:
    """A description that is known writes nothing; a wrong one nothing either."""
    whole = description()
    whole["ports"] = [
        port | {"valid_from": "2024-01-01", "valid_until": "2030-01-01"}
        for port in whole["ports"]
    ]
    entries = p.RegisterIn(
        parties=[p.PartyIn(**party) for party in whole["parties"]],
        ports=[p.PortIn(**port) for port in whole["ports"]],
    )
    assert admin.load_register(entries).written == 0
    broken = p.RegisterIn(
        parties=[p.PartyIn(party="x", name="x", role="shop", credit_code="91110105MA00QHXC1P")]
    )
    with pytest.raises(ProblemError) as refused:
        admin.load_register(broken)

    assert refused.value.details.errors[0].field == "parties 1.role"
    port = admin.register(PORT).port
    assert port is not None
    assert port["holder"] == "tongda"
    assert admin.register("青禾商城").signature is not None
    assert {party["party"] for party in admin.register().parties} == {"qinghe", "tongda"}
    with pytest.raises(ProblemError):
        admin.register("nobody")


def test_a_suspension_stops_what_follows_until_it_ends(admin: Client) -> None:
    """By the next decision."""
    number = somebody()
    admin.suspend(p.Suspension(party="qinghe", reason="投诉超标", until="2030-01-01"))
    stopped = admin.decide(s.Question(**sent(number)))
    admin.reinstate(p.Reinstatement(party="qinghe", reason="整改完成"))

    assert "sender_free" in stopped.reasons
    assert verdict(admin, number) == "pass"
    with pytest.raises(ProblemError):
        admin.reinstate(p.Reinstatement(party="qinghe", reason="again"))
    with pytest.raises(ProblemError):
        admin.suspend(p.Suspension(party="qinghe", reason="x", until="2030-02-31"))


def test_a_grant_ends(admin: Client) -> None:
    """And is not there to be ended again."""
    ended = admin.end_grant(p.GrantEnd(grant="qinghe-106900010003", reason="合同终止"))

    assert ended.kinds == {"grant.ended/1": 1}
    with pytest.raises(ProblemError):
        admin.end_grant(p.GrantEnd(grant="qinghe-106900010003", reason="again"))


def test_rulebooks_are_listed_and_compared(admin: Client) -> None:
    """One is in force; what differs is told field by field."""
    books = admin.rulebooks().items
    found = admin.rulebook_diff("order31-2015", "order74-2026")

    assert [book.name for book in books if book.in_force] == ["order74-2026"]
    assert "since" in {change.field for change in found.changes}
    with pytest.raises(ProblemError):
        admin.rulebook_diff("order31-2015", "ours")


def test_the_client_says_the_whole_of_the_service(admin: Client) -> None:
    """Messages, proofs, reports, webhooks, health: each route that it has not shown above."""
    batch = admin.send_batch([Message(**sent()), Message(**sent(STRANGER))])
    message = batch.answers[0].message
    assert message is not None
    deadline = time.monotonic() + 30
    while admin.message(message).state != "told":
        assert time.monotonic() < deadline
        time.sleep(0.05)

    assert admin.proof(message).startswith(b"PK")
    assert message in {report.message for report in admin.every_report()}
    assert admin.replies().items == []
    hook = admin.add_webhook(s.Hook(url="https://example.com/", kinds=["reply"]))
    assert [one.id for one in admin.webhooks().items] == [hook.id]
    assert admin.dead_letters(hook.id).items == []
    assert admin.retry_dead_letters(hook.id).retried == 0
    admin.delete_webhook(hook.id)
    assert admin.health().status == "ok"
    assert admin.ready().carriers == 6


def test_the_client_waits_when_it_is_told_to(house: ApiHouse) -> None:
    """A key that is over its rate: the request goes through a second later."""
    with Client(house.url, house.key("rulebooks", per_s=2)) as client:
        found = [client.rulebooks() for _ in range(25)]

    assert len(found) == 25


def test_the_client_tells_an_answer_that_is_not_of_the_api(house: ApiHouse) -> None:
    """Such as a proxy's: with its status, and no field."""
    with Client(house.url, "x") as client, pytest.raises(ProblemError) as refused:
        client.rulebooks()
    assert refused.value.details.status == 401
    with Client("http://127.0.0.1:9", "x") as nobody, pytest.raises(httpx.TransportError):
        nobody.record_consent(consented(STRANGER))


def test_an_idempotency_key_of_the_callers_own_is_kept(house: ApiHouse, crm: Client) -> None:
    """Two sends under one key are one message."""
    message = Message(**sent())
    first, again = (crm.send(message, key="own-1") for _ in range(2))

    assert first == again
    with house.client("messages", account="other") as plain:
        other = plain.post("/v1/messages", json=sent(STRANGER), headers=once("own-1"))
    assert other.status_code == 422
