"""Webhooks: signed, tried again, dead letters kept, and nothing called that must not be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from api_house import ApiHouse, api_house, once, sent

from qingjing.client import SIGNATURE_AGE_S, SignatureError, delivered
from qingjing.doors.api.courier import public, signature
from qingjing.doors.api.hooks import EVENTS_MAX
from qingjing.settings import Api


class Post(NamedTuple):
    """A delivery as it came."""

    path: str
    head: Mapping[str, str]
    body: bytes


class Receiver:
    """Somebody's own server, on loopback; ``status`` is what it answers."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.status = 204
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                head = {name.lower(): value for name, value in self.headers.items()}
                receiver.posts.append(Post(self.path, head, body))
                self.send_response(receiver.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_words: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/events"

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver for a test."""
    made = Receiver()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    """One service for the tests of this file; two tries, so that letters die soon."""
    api = Api(port=0, hook_networks=("127.0.0.0/8",), hook_tries=2)
    with api_house(tmp_path_factory.mktemp("hooks"), api) as made:
        yield made


@pytest.fixture(scope="module")
def shop(house: ApiHouse) -> Iterator[httpx.Client]:
    """A client of the account ``shop``."""
    with house.client("messages", "webhooks", "reports") as client:
        yield client


def until(ready: Callable[[], Any]) -> None:
    """Wait until something holds, at most half a minute."""
    deadline = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def send(client: httpx.Client, key: str) -> str:
    """Send a message that may leave; its id."""
    answer = client.post("/v1/messages", json=sent(), headers=once(key)).json()
    return str(answer["answers"][0]["message"])


def add(client: httpx.Client, url: str, **more: Any) -> dict[str, Any]:
    """A new webhook."""
    answer = client.post("/v1/webhooks", json={"url": url, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def listed(client: httpx.Client, hook: str) -> dict[str, Any]:
    """A webhook as the list has it."""
    items = client.get("/v1/webhooks").json()["items"]
    found: dict[str, Any] = next(item for item in items if item["id"] == hook)
    return found


def test_an_event_is_pushed_signed_and_told_once(house: ApiHouse, shop: httpx.Client) -> None:
    """The receiver checks it with its secret; what was answered with 2xx is done."""
    with receiver() as there:
        hook = add(shop, there.url)
        message = send(shop, "pushed")
        until(lambda: there.posts)
        (post,) = there.posts
        now_s = house.api.rooms.when() / 1000
        (event,) = delivered(hook["secret"], post.head, post.body, now_s)

        assert post.path == "/events"
        assert (event["kind"], event["message"]) == ("report", message)
        assert event["stat"] == "DELIVRD"
        until(lambda: not listed(shop, hook["id"])["waiting"])
        assert "secret" not in listed(shop, hook["id"])
        assert shop.delete(f"/v1/webhooks/{hook['id']}").status_code == 204
        assert shop.delete(f"/v1/webhooks/{hook['id']}").status_code == 404


def test_what_came_before_a_hook_is_not_pushed(shop: httpx.Client) -> None:
    """It begins with what comes after it was made."""
    message = send(shop, "before")
    until(lambda: message in shop.get("/v1/reports", params={"limit": 500}).text)
    with receiver() as there:
        hook = add(shop, there.url)
        later = send(shop, "after")
        until(lambda: there.posts)

        assert message.encode() not in there.posts[0].body
        assert later.encode() in there.posts[0].body
        shop.delete(f"/v1/webhooks/{hook['id']}")


def test_what_is_not_taken_dies_after_its_tries_and_can_be_tried_again(
    house: ApiHouse, shop: httpx.Client
) -> None:
    """With a wait between, the last problem told, and the same delivery over all tries."""
    with receiver() as there:
        there.status = 500
        hook = add(shop, there.url)
        message = send(shop, "dies")
        until(lambda: there.posts)
        until(lambda: listed(shop, hook["id"])["waiting"] == 1)
        assert len(there.posts) == 1
        house.now += 3_600_000
        until(lambda: listed(shop, hook["id"])["dead"] == 1)
        letters = shop.get(f"/v1/webhooks/{hook['id']}/dead-letters").json()["items"]
        assert [(one["events"], one["tries"]) for one in letters] == [(1, 2)]
        assert letters[0]["problem"] == "answered 500"

        there.status = 200
        answer = shop.post(f"/v1/webhooks/{hook['id']}/dead-letters/retries")
        assert answer.json() == {"retried": 1}
        until(lambda: len(there.posts) == 3)
        assert {post.body for post in there.posts} == {there.posts[0].body}
        assert {post.head["webhook-id"] for post in there.posts} == {letters[0]["id"]}
        until(lambda: not listed(shop, hook["id"])["waiting"])
        assert listed(shop, hook["id"])["dead"] == 0
        assert message.encode() in there.posts[0].body
        shop.delete(f"/v1/webhooks/{hook['id']}")


def test_a_receiver_that_is_away_is_told_all_when_it_is_back(
    house: ApiHouse, shop: httpx.Client
) -> None:
    """A few deliveries are tried again, the rest waits in the log; nothing is passed over."""
    with receiver() as there:
        there.status = 503
        hook = add(shop, there.url)
        messages = [send(shop, f"away-{number}") for number in range(6)]
        until(lambda: listed(shop, hook["id"])["waiting"] >= 1)
        there.status = 200
        house.now += 60_000
        until(lambda: all(any(m.encode() in p.body for p in there.posts) for m in messages))
        until(lambda: not listed(shop, hook["id"])["waiting"])
        shop.delete(f"/v1/webhooks/{hook['id']}")


def test_a_redirect_is_not_followed(house: ApiHouse, shop: httpx.Client) -> None:
    """It is an answer like any other that is no 2xx."""
    with receiver() as there:
        there.status = 302
        hook = add(shop, there.url)
        send(shop, "redirect")
        until(lambda: listed(shop, hook["id"])["waiting"] == 1)

        assert [post.path for post in there.posts] == ["/events"]
        shop.delete(f"/v1/webhooks/{hook['id']}")
    assert not house.gateway.failed.done()


def test_a_hook_of_another_account_is_not_there(house: ApiHouse, shop: httpx.Client) -> None:
    """Neither to be seen nor to be deleted, nor its letters."""
    hook = add(shop, "https://example.com/x")["id"]
    with house.client("webhooks", account="other") as other:
        assert other.get("/v1/webhooks").json() == {"items": []}
        assert other.delete(f"/v1/webhooks/{hook}").status_code == 404
        assert other.get(f"/v1/webhooks/{hook}/dead-letters").status_code == 404
        assert other.post(f"/v1/webhooks/{hook}/dead-letters/retries").status_code == 404
    shop.delete(f"/v1/webhooks/{hook}")


def test_an_account_has_no_more_hooks_than_its_limit(house: ApiHouse) -> None:
    """The next is refused with the remedy."""
    with house.client("webhooks", account="other") as client:
        for number in range(10):
            add(client, f"https://example.com/{number}")
        answer = client.post("/v1/webhooks", json={"url": "https://example.com/more"})

    assert answer.status_code == 409


@pytest.mark.parametrize(
    "url", ["ftp://example.com", "example.com", "https://", "https://u:p@example.com/", "x\n"]
)
def test_what_is_no_address_is_refused(shop: httpx.Client, url: str) -> None:
    """At once, and named."""
    answer = shop.post("/v1/webhooks", json={"url": url})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "url"


def test_the_insides_of_a_house_are_not_called(tmp_path: Path) -> None:
    """An address that leads to a private network is a problem, whatever its name."""
    with (
        api_house(tmp_path, Api(port=0)) as house,
        house.client("messages", "webhooks") as shop,
        receiver() as there,
    ):
        for url in (there.url, there.url.replace("127.0.0.1", "localhost")):
            add(shop, url)
        send(shop, "inside")
        until(
            lambda: (
                [item["waiting"] for item in shop.get("/v1/webhooks").json()["items"]] == [1, 1]
            )
        )
        time.sleep(0.2)

        assert there.posts == []


@pytest.mark.parametrize(
    ("address", "outside"),
    [
        ("8.8.8.8", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("2001:4860:4860::8888", True),
    ],
)
def test_what_is_public_is_told_from_what_is_not(address: str, outside: bool) -> None:
    """Also behind the cloak of an IPv6 address."""
    assert public(address) is outside


SECRET = "whsec_" + "QUFB" * 8
HEAD = {"webhook-id": "d1", "webhook-timestamp": "1700000000"}
BODY = b'{"events":[]}'
GOOD = signature(b"AAA" * 8, "d1", "1700000000", BODY)


@pytest.mark.parametrize(
    ("head", "body", "now_s"),
    [
        ({"webhook-signature": GOOD}, BODY + b" ", 1_700_000_000),
        ({"webhook-signature": "v1,AAAA"}, BODY, 1_700_000_000),
        ({"webhook-signature": ""}, BODY, 1_700_000_000),
        ({"webhook-signature": GOOD, "webhook-id": "d2"}, BODY, 1_700_000_000),
        ({"webhook-signature": GOOD}, BODY, 1_700_000_000 + SIGNATURE_AGE_S + 1),
        ({"webhook-signature": GOOD, "webhook-timestamp": "soon"}, BODY, 1_700_000_000),
    ],
)
def test_a_delivery_that_was_touched_or_is_old_is_not_believed(
    head: dict[str, str], body: bytes, now_s: float
) -> None:
    """Body, id and time are all under the signature."""
    with pytest.raises(SignatureError):
        delivered(SECRET, HEAD | head, body, now_s)


def test_a_delivery_with_several_signatures_needs_one_that_fits() -> None:
    """As while a secret is exchanged."""
    head = HEAD | {"webhook-signature": f"v1,AAAA {GOOD}"}

    assert delivered(SECRET, head, BODY, 1_700_000_000) == []
    assert EVENTS_MAX == 100
