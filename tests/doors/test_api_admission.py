"""Who may come in: keys, scopes, addresses, rates; and how a refusal of it looks."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from secrets import token_bytes

import httpx
import msgspec
import pytest
from api_house import ApiHouse, api_house, once, sent
from gateway_house import ENVIRONMENT, PORT

from qingjing.__main__ import House
from qingjing.desk.entries import InputError
from qingjing.doors.api.keys import BURST_S, Bucket, Keys, Wanted
from qingjing.doors.api.shapes import ProblemDetails
from qingjing.doors.api.store import Store, StoreError
from qingjing.doors.cli import main
from qingjing.settings import Account, Settings


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    """One service for the tests of this file."""
    with api_house(tmp_path_factory.mktemp("admission")) as made:
        yield made


def problem(answer: httpx.Response) -> ProblemDetails:
    """The problem of an answer; nothing else may come with an error's status."""
    assert answer.headers["content-type"] == "application/problem+json"
    found = msgspec.json.decode(answer.content, type=ProblemDetails)
    assert found.status == answer.status_code
    return found


def bare(house: ApiHouse, key: str) -> httpx.Client:
    """A client that says this after Bearer."""
    head = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.Client(base_url=house.url, headers=head, trust_env=False)


@pytest.mark.parametrize("key", ["", "x", "qj_", "qj_000000000000_abc", "qj__"])
def test_what_is_no_key_opens_nothing(house: ApiHouse, key: str) -> None:
    """401, with how to say it, and not a word about which half was wrong."""
    with bare(house, key) as client:
        answer = client.get("/v1/reports")

    assert problem(answer).type == "urn:qingjing:problem:no-key"
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_with_another_secret_opens_nothing(house: ApiHouse) -> None:
    """Its id alone is no key."""
    name = "_".join(house.key("reports").split("_")[:2])
    with bare(house, f"{name}_{'A' * 43}") as client:
        assert client.get("/v1/reports").status_code == 401


def test_a_key_opens_its_scopes_alone(house: ApiHouse) -> None:
    """What it was not made for is 403, told with the key's id."""
    with house.client("reports") as client:
        assert client.get("/v1/reports").status_code == 200
        refused = client.post("/v1/messages", json=sent(), headers=once("scope"))
        assert client.post("/v1/register", json={}).status_code == 403

    assert problem(refused).type == "urn:qingjing:problem:no-scope"


def test_a_revoked_key_opens_nothing_at_once(house: ApiHouse) -> None:
    """The service that runs knows it at its next request."""
    key = house.key("reports")
    with bare(house, key) as client:
        assert client.get("/v1/reports").status_code == 200
        store = Store(house.folder / "data")
        assert Keys(store).revoke(key.split("_")[1], house.now)
        assert not Keys(store).revoke(key.split("_")[1], house.now)
        store.close()
        assert client.get("/v1/reports").status_code == 401


def test_a_key_of_an_account_that_is_gone_opens_nothing(house: ApiHouse) -> None:
    """The settings say who there is."""
    with house.client("reports", account="nobody") as client:
        assert client.get("/v1/reports").status_code == 401


def test_an_account_is_let_in_from_its_addresses_alone(house: ApiHouse) -> None:
    """As on the gateway's other doors."""
    with house.client("reports", account="far") as client:
        answer = client.get("/v1/reports")

    assert problem(answer).type == "urn:qingjing:problem:wrong-address"


def test_nobody_is_believed_about_his_address(house: ApiHouse) -> None:
    """No proxy is named in the settings."""
    with house.client("reports", account="far") as client:
        answer = client.get("/v1/reports", headers={"X-Forwarded-For": "192.0.2.7"})

    assert answer.status_code == 403


def test_beyond_its_rate_a_key_waits(house: ApiHouse) -> None:
    """429 with the seconds; another key of the same account goes on."""
    with house.client("reports", per_s=1) as slow, house.client("reports") as other:
        answers = [slow.get("/v1/reports") for _ in range(BURST_S + 2)]
        assert other.get("/v1/reports").status_code == 200

    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    assert problem(answers[-1]).type == "urn:qingjing:problem:too-many"
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_a_bucket_lets_a_large_request_in_and_makes_it_pay() -> None:
    """What was taken too much is waited for; it never holds more than its burst."""
    bucket = Bucket(10, 0.0)
    assert bucket.wait(0.0) == 0
    bucket.take(200)

    assert bucket.wait(0.0) == pytest.approx(10.1)
    assert bucket.wait(10.0) > 0
    assert bucket.wait(10.2) == 0
    assert bucket.wait(10_000.0) == 0
    bucket.take(10 * BURST_S)
    assert bucket.wait(10_000.0) > 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/nothing", 404), ("PUT", "/v1/decide", 405), ("GET", "/", 404)],
)
def test_what_is_not_there_is_a_problem_too(
    house: ApiHouse, method: str, path: str, status: int
) -> None:
    """One shape for all errors, with or without a key."""
    with bare(house, "") as client:
        answer = client.request(method, path)

    assert problem(answer).status == status


def test_a_wrong_field_is_named_with_its_remedy_and_without_its_value(house: ApiHouse) -> None:
    """The number in it is masked."""
    with house.client("decide") as client:
        wrong = client.post("/v1/decide", json={"to": 13800138000, "text": "x"})
        none = client.post("/v1/decide", json={"to": "23800138000", "text": "x"})
        broken = client.post("/v1/decide", content=b"{")
        more = client.post("/v1/decide", json={**sent("1"), "colour": "red"})

    assert problem(wrong).errors[0].field == "to"
    assert problem(none).errors[0].field == "to"
    assert "23800138000" not in none.text
    assert "238****8000" in none.text
    assert problem(broken).status == 400
    assert "colour" in problem(more).errors[0].problem


def test_accounts_are_let_in_and_turned_away_as_the_settings_say_now(house: ApiHouse) -> None:
    """Read anew while it serves: a new account, changed addresses, one that is gone."""
    old = house.settings
    new = Account(party="tongda", protocol="http")
    near = Account(party="tongda", protocol="http", port=PORT)
    kept = {name: one for name, one in old.accounts.items() if name != "other"}
    changed = msgspec.structs.replace(old, accounts=kept | {"new": new, "far": near})

    async def reload(settings: Settings) -> None:
        """As the service does on a hangup."""
        await house.gateway.reload(settings, ENVIRONMENT)
        house.api.reload(settings)

    with (
        house.client("reports", account="new") as fresh,
        house.client("reports", account="far") as far,
        house.client("reports", account="other") as gone,
    ):
        before = [one.get("/v1/reports").status_code for one in (fresh, far, gone)]
        house.call(lambda: reload(changed))
        after = [one.get("/v1/reports").status_code for one in (fresh, far, gone)]
        house.call(lambda: reload(old))

    assert before == [401, 403, 200]
    assert after == [200, 200, 401]


def test_a_key_is_kept_as_its_hash(tmp_path: Path) -> None:
    """The file has neither the key nor a part of its secret."""
    store = Store(tmp_path)
    key, text = Keys(store).create(Wanted("shop", ("reports",)), 1, token_bytes)
    store.close()
    secret = text.split("_", 2)[2].encode()
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert secret not in held
    assert key.hash in held
    assert (tmp_path / "api.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted("shop", ()),
        Wanted("shop", ("everything",)),
        Wanted("shop", ("reports",), per_s=0),
        Wanted("shop", ("reports",), per_s=10**9),
    ],
)
def test_a_key_that_says_nothing_is_not_made(tmp_path: Path, wanted: Wanted) -> None:
    """A scope that there is, and a rate."""
    store = Store(tmp_path)
    with pytest.raises(InputError):
        Keys(store).create(wanted, 1, token_bytes)
    assert Keys(store).all() == []
    store.close()


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    """Rather than read as what it is not."""
    store = Store(tmp_path)
    store.write_now(lambda db: db.execute("PRAGMA user_version = 9"))
    store.close()
    with pytest.raises(StoreError, match="version 9"):
        Store(tmp_path)


SETTINGS = """
[api]
port = 0
[accounts.shop]
party = "qinghe"
protocol = "http"
"""


def command(folder: Path, *words: str) -> tuple[int, str, str]:
    """One command; code, output, errors."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        config = str(folder / "qingjing.toml")
        code = main.run(House(), ["--config", config, "api-key", *words])
    return code, out.getvalue(), err.getvalue()


def test_keys_are_made_listed_and_revoked_by_commands(tmp_path: Path) -> None:
    """The key is shown once; a list never has it."""
    (tmp_path / "qingjing.toml").write_text(SETTINGS, "utf-8")
    code, out, _ = command(
        tmp_path, "create", "--account", "shop", "--scope", "reports", "--note", "CRM", "--json"
    )
    made = msgspec.json.decode(out)
    assert code == 0
    code, listed, _ = command(tmp_path, "list")
    assert code == 0
    assert made["id"] in listed
    assert made["key"].split("_", 2)[2] not in listed
    assert command(tmp_path, "revoke", made["id"])[0] == 0
    code, _, err = command(tmp_path, "revoke", made["id"])
    assert code == 2
    assert "no key in force" in err
    code, out, _ = command(tmp_path, "list", "--json")
    assert msgspec.json.decode(out)["keys"][0]["revoked_at"]


def test_a_key_for_an_account_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """A slip of the hand is told at once."""
    (tmp_path / "qingjing.toml").write_text(SETTINGS, "utf-8")
    code, out, err = command(tmp_path, "create", "--account", "shpo", "--scope", "reports")

    assert (code, out) == (2, "")
    assert "[accounts.NAME]" in err
