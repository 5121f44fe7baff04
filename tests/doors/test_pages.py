"""The person's pages by plain requests: proving a number, seeing, refusing, taking back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gateway_house import ALSO_CONSENTED, CONSENTED, NOON, STRANGER, WORDS, furnish
from pages_house import PagesHouse, enter, forms, pages_house, send

from qingjing.desk import consent
from qingjing.desk.notices import Line, note_lines
from qingjing.desk.peace import Held, Wordings, peace
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Act, Door, Phone
from qingjing.ledger import memory
from qingjing.ledger.vault import KeyFile, Vault


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


def test_a_receipts_code_can_be_checked_by_anyone_and_shows_no_number(
    house: PagesHouse,
) -> None:
    """From the overview to the page; a code that is none is told; looking has its bound."""
    with house.client() as client:
        page = send(client, enter(house, client, CONSENTED), place=0)
    code = re.search('receipt[?]code=([^"]*)', page.text)
    assert code is not None
    with house.client() as client:
        found = client.get("/en/receipt", params={"code": code[1]})
        assert "in force" in found.text
        assert CONSENTED not in found.text
        assert "8000" not in found.text
        assert "no such receipt" in client.get("/en/receipt?code=0000-0000-0000").text
        for _ in range(house.server.rooms.settings.check_hour_max - 2):
            assert client.get("/en/receipt?code=x").status_code == 200
        over = client.get("/en/receipt", params={"code": code[1]})
        assert over.status_code == 429
        assert int(over.headers["retry-after"]) > 0


def test_a_refusal_is_confirmed_by_sms_where_that_is_set() -> None:
    """Through the gate, from the same port; a refusal does not stop it."""
    with pages_house(confirm=True) as house, house.client() as client:
        send(client, enter(house, client, CONSENTED), place=0)
        house.house.until(lambda: len(house.texts(CONSENTED)) == 2)
        text = house.texts(CONSENTED)[-1]

    assert "已拒收所有发送方" in text


def test_a_new_owner_sees_nothing_of_the_one_before_and_the_refusals_that_hold(
    house: PagesHouse,
) -> None:
    """After a note that the number changed hands."""
    ledger = house.house.desk.ledger

    async def change() -> None:
        """A refusal; then the number goes to somebody else, and is in service again."""
        async with ledger.transaction(house.house.now) as t:
            consent.refuse(ledger, t, CONSENTED, "qinghe", door="call")
            for event in ("reassigned", "in-service"):
                line = Line(2, CONSENTED, "2026-11-24 11:59")
                note_lines(ledger, t, [line], event=event, source="m", reuse_days=90)

    house.house.call(change)
    with house.client() as client:
        page = enter(house, client, CONSENTED)

    assert WORDS not in page.text
    assert "没有发送方持有你的同意" in page.text
    assert "只显示此后的记录" in page.text
    assert "生效中" in page.text


def test_a_consent_from_a_list_is_shown_as_it_stands(tmp_path: Path) -> None:
    """Imports have no fact of their own for a person: theirs are found all the same, and end
    with a refusal."""

    async def look() -> tuple[Held, Held]:
        """Before the refusal, and after."""
        vault = Vault(KeyFile.generate("house"))
        ledger = memory.open_ledger(vault, origin="house", imports=tmp_path)
        await furnish(ledger, NOON)
        terms = consent.Terms(sender="qinghe", purposes=("retail",), act="pre_ticked")
        rows: list[consent.Row] = [(2, STRANGER, "2026-11-01 10:00")]
        phone, words = Phone.parse(STRANGER), Wordings(ledger)
        async with ledger.transaction(NOON) as t:
            consent.import_consents(ledger, t, rows, terms, tmp_path)
        before = await peace(ledger, words, phone, NOON + 1)
        async with ledger.transaction(NOON) as t:
            consent.refuse(ledger, t, STRANGER, "*", door="web")
        after = await peace(ledger, words, phone, NOON + 1)
        return before.held[0], after.held[0]

    before, after = asyncio.run(look())
    assert (before.sender, before.act, before.door) == ("qinghe", Act.PRE_TICKED, Door.IMPORT)
    assert before.state is GroundsState.NOT_EXPLICIT
    assert after.state is GroundsState.REFUSED
