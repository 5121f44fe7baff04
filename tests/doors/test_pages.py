"""The person's pages by plain requests: proving a number, seeing, refusing, taking back."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from gateway_house import ALSO_CONSENTED, CONSENTED, STRANGER, WORDS
from pages_house import PagesHouse, enter, forms, pages_house, send

from qingjing.desk import consent
from qingjing.kernel.words import Phone


@pytest.fixture
def house() -> Iterator[PagesHouse]:
    """Pages with the shipped bounds."""
    with pages_house() as made:
        yield made


def refused(house: PagesHouse, phone: str) -> set[str]:
    """The groups that a number refuses, by the ledger."""
    ledger = house.house.desk.ledger
    return set(consent.refusals(ledger, ledger.find(Phone.parse(phone)).handle))


def test_a_proven_number_shows_who_holds_its_consent_with_act_and_words(
    house: PagesHouse,
) -> None:
    """And nothing of it stands on a page before."""
    with house.client() as client:
        first = client.get("/zh")
        assert "set-cookie" not in first.headers
        page = enter(house, client, CONSENTED)

    assert page.url.path == "/zh/peace"
    assert "青禾商城(北京)有限公司" in page.text
    assert WORDS in page.text
    assert "你勾选了方框" in page.text
    assert CONSENTED not in page.text


def test_one_act_refuses_every_sender_and_is_in_force_at_once(house: PagesHouse) -> None:
    """一键清净: one form, one confirmation, and the ledger knows it."""
    with house.client() as client:
        page = enter(house, client, CONSENTED)
        done = send(client, page, place=0)

    assert refused(house, CONSENTED) == {"*"}
    assert "已拒收,已生效" in done.text
    assert done.url.params["done"]


def test_a_refusal_is_taken_back_by_a_tick_alone_and_brings_no_consent_back(
    house: PagesHouse,
) -> None:
    """PIPL §15: what was withdrawn stays withdrawn."""
    with house.client() as client:
        send(client, enter(house, client, CONSENTED), place=0)
        page = client.get("/zh/allow", params={"group": "*"})
        missed = send(client, page)
        assert missed.status_code == 422
        assert refused(house, CONSENTED) == {"*"}
        back = send(client, page, sure="yes")

    assert refused(house, CONSENTED) == set()
    assert "拒收已取消" in back.text
    assert "已终止" in back.text


def test_a_link_leads_to_a_refusal_of_its_sender_in_two_steps(house: PagesHouse) -> None:
    """Number, code, done: the whole group is refused."""
    with house.client() as client:
        page = client.get("/en/refuse", params={"sender": "qinghe"})
        assert "青禾商城(北京)有限公司" in page.text
        asked = send(client, page, phone=STRANGER)
        done = send(client, asked, code=house.code(STRANGER))

    assert refused(house, STRANGER) == {"qinghe-group"}
    assert "Refused, and in force" in done.text


def test_known_and_unknown_numbers_are_answered_alike(house: PagesHouse) -> None:
    """The same page, the same status, the same length, and a code to both."""
    pages = []
    for phone in (CONSENTED, STRANGER):
        with house.client() as client:
            pages.append(send(client, client.get("/zh"), phone=phone))
        house.code(phone)

    known, unknown = pages
    assert (known.status_code, known.url.path) == (unknown.status_code, unknown.url.path)
    assert _without_token(known) == _without_token(unknown)


def _without_token(page: httpx.Response) -> str:
    _action, fields = forms(page)[0]
    return page.text.replace(fields["token"], "").replace("8000", "").replace("8001", "")


def test_a_form_without_its_token_or_from_elsewhere_does_nothing(house: PagesHouse) -> None:
    """Every form: 403, and the ledger is as before."""
    with house.client() as client:
        page = enter(house, client, CONSENTED)
        for action, fields in [*forms(client.get("/zh")), *forms(page)]:
            assert client.post(action, data=fields | {"token": "0" * 32}).status_code == 403
            assert client.post(action, data={}).status_code == 403
            far = client.post(action, data=fields, headers={"Sec-Fetch-Site": "cross-site"})
            assert far.status_code == 403
    assert refused(house, CONSENTED) == set()


def test_a_session_is_new_held_by_its_cookie_alone_and_ends(house: PagesHouse) -> None:
    """A planted cookie opens nothing and is not taken over; time and leaving end a session."""
    with house.client() as client:
        client.cookies.set("peace", "0" * 64, domain="127.0.0.1", path="/")
        assert client.get("/zh/peace").url.path == "/zh"
        page = enter(house, client, CONSENTED)
        kept = client.cookies["peace"]
        assert kept != "0" * 64
        send(client, page, place=-1)
        client.cookies.set("peace", kept, domain="127.0.0.1", path="/")
        assert client.get("/zh/peace").url.path == "/zh"
    with house.client() as client:
        enter(house, client, CONSENTED, count=2)
        house.house.now += 21 * 60_000
        assert client.get("/zh/peace").url.path == "/zh"


def test_answers_carry_strict_headers_errors_too(house: PagesHouse) -> None:
    """No script, no frame, no cache, cookies for this site alone."""
    with house.client() as client:
        asked = client.post("/zh/code", data={})
        page = send(client, client.get("/zh"), phone=ALSO_CONSENTED)
        for answer in (asked, page, client.get("/zh/nowhere"), client.get("/pages.css")):
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-frame-options"] == "DENY"
        cookie = page.history[0].headers["set-cookie"].lower()

    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert page.headers["cache-control"] == "no-store"


def test_over_tls_the_cookie_is_bound_to_the_host() -> None:
    """Without ``plain_http`` the cookie is Secure and __Host-, and HSTS is said."""
    with pages_house(plain_http=False) as house, house.client() as client:
        page = send(client, client.get("/zh"), phone=CONSENTED)
        cookie = page.history[0].headers["set-cookie"]

    assert cookie.startswith("__Host-ticket=")
    assert "Secure" in cookie
    assert "max-age" in page.headers["strict-transport-security"]


def test_what_is_no_number_is_told_beside_the_field(house: PagesHouse) -> None:
    """422, in the language of the page, and no code leaves."""
    with house.client() as client:
        page = send(client, client.get("/en"), phone="12345")

    assert page.status_code == 422
    assert "11 digits" in page.text
    assert 'aria-invalid="true"' in page.text
