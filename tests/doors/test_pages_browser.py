"""The person's pages in a real browser: a phone without JavaScript, and axe on every page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from gateway_house import ALSO_CONSENTED, CONSENTED, PORT, STRANGER
from pages_house import PagesHouse, pages_house
from playwright.sync_api import Browser, Page, sync_playwright

from qingjing.desk import consent
from qingjing.doors.gateway.dialect import Caller, Offer
from qingjing.kernel.words import Kind, Phone

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed: apt-get install chromium"
)
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
OFFER = "【青禾商城】双11会员日全场满300减50,精选好物低至5折,拒收请回复R"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield found
        found.close()


class Taker:
    """Whoever offers a message and wants no answer."""

    def answer(self, *_answer: Any) -> None:
        """Nobody waits."""

    def flush(self) -> None:
        """Nothing is written."""


def offer(house: PagesHouse, phone: str) -> None:
    """A promotion for a person, handed to the gate."""
    caller = Caller("900001", "tongda", {"": Kind.COMMERCIAL}, PORT)
    one = Offer((phone,), PORT, "", OFFER.encode(), "utf-8", None, False, phone.encode())

    async def work() -> None:
        """In the gateway's loop."""
        house.house.gateway.engine.offered(Taker(), 0, caller, one)

    house.house.call(work)


def send_offer(house: PagesHouse, phone: str) -> None:
    """The same, until the carrier has it."""
    before = len(house.texts(phone))
    offer(house, phone)
    house.house.until(lambda: len(house.texts(phone)) > before)


def test_a_phone_without_javascript_sees_everything_and_takes_it_back(browser: Browser) -> None:
    """Number, code, consents, messages; all quiet; and no promotion comes any more."""
    with pages_house() as house:
        send_offer(house, CONSENTED)
        context = browser.new_context(java_script_enabled=False, locale="zh-CN", **PHONE)  # type: ignore[arg-type]  # a plain dict
        page = context.new_page()
        page.goto(house.url)
        assert page.url == f"{house.url}/zh"
        page.get_by_label("手机号").fill(CONSENTED)
        page.get_by_role("button", name="获取验证码").click()
        page.get_by_label("6 位验证码").fill(house.code(CONSENTED))
        page.get_by_role("button", name="确认").click()
        assert page.get_by_role("heading", name="138****8000").is_visible()
        assert page.get_by_text("双11会员日全场满300减50").is_visible()
        page.get_by_role("link", name="同意记录").click()
        page.get_by_role("button", name="全部拒收").click()
        assert page.get_by_role("status").get_by_text("已拒收,已生效").is_visible()
        assert context.cookies()[0]["httpOnly"]
        page.get_by_role("link", name="English").click()
        assert page.get_by_text("You refuse marketing from every sender.").is_visible()
        page.get_by_role("link", name="Take it back").click()
        page.get_by_role("link", name="No, leave it in force").click()
        page.get_by_role("button", name="Leave").click()
        page.goto(f"{house.url}/en/peace")
        assert page.url == f"{house.url}/en"
        context.close()

        ledger = house.house.desk.ledger
        person = ledger.find(Phone.parse(CONSENTED))
        assert set(consent.refusals(ledger, person.handle)) == {"*"}
        offer(house, CONSENTED)
        send_offer(house, ALSO_CONSENTED)  # decided after it, and there
        assert sum(OFFER[-8:] in text for text in house.texts(CONSENTED)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(
    browser: Browser, lang: str, scheme: str, tmp_path: Path
) -> None:
    """Every page and its error, on a phone; axe itself needs JavaScript."""
    with pages_house() as house:
        send_offer(house, CONSENTED)
        context = browser.new_context(color_scheme=scheme, bypass_csp=True, **PHONE)  # type: ignore[arg-type]  # plain values
        page = context.new_page()
        seen: list[str] = []

        def look(name: str) -> None:
            """Axe, no sideways scrolling, and a picture."""
            found = Axe().run(page, options={"runOnly": TAGS})
            assert found.violations_count == 0, f"{name}: {found.generate_report()}"
            assert found.response["passes"]
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 390, f"{name} is {wide} wide"
            page.screenshot(path=tmp_path / f"{name}-{lang}-{scheme}.png", full_page=True)
            seen.append(name)

        _walk(house, page, lang, look)
        context.close()

    assert seen == [
        "start", "refuse", "start-wrong", "code", "code-wrong", "peace", "done", "quiet",
        "receipt", "receipt-wrong",
        "allow", "allow-wrong", "lifted", "over", "nowhere",
    ]  # fmt: skip


TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def _walk(house: PagesHouse, page: Page, lang: str, look: Any) -> None:
    """Through every page that there is."""
    home = f"{house.url}/{lang}"
    page.goto(home)
    look("start")
    page.goto(f"{home}/refuse?sender=qinghe")
    look("refuse")
    page.goto(home)
    page.locator("#phone").fill("12345")
    page.locator("main form button").click()
    look("start-wrong")
    page.locator("#phone").fill(CONSENTED)
    page.locator("main form button").click()
    look("code")
    page.locator("#code").fill("not it")
    page.locator("main form button").click()
    look("code-wrong")
    page.locator("#code").fill(house.code(CONSENTED))
    page.locator("main form button").click()
    look("peace")
    page.locator("article button").first.click()
    look("done")
    page.locator("button.all").click()
    look("quiet")
    page.locator("a[href*=receipt]").first.click()
    look("receipt")
    page.locator("#code").fill("0000-0000-0000")
    page.locator("main form button").click()
    look("receipt-wrong")
    page.goto(f"{home}/peace")
    page.locator("a[href*=allow]").first.click()
    look("allow")
    page.locator("main form button").click()
    look("allow-wrong")
    page.locator("#sure").check()
    page.locator("main form button").click()
    look("lifted")
    page.goto(home)
    page.locator("#phone").fill(STRANGER)
    page.locator("main form button").click()
    for _ in range(5):
        page.locator("#code").fill("not it")
        page.locator("main form button").click()
    look("over")
    page.goto(f"{home}/nowhere")
    look("nowhere")
