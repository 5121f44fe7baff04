"""The pages over a gateway and carriers on loopback, and how a code gets to a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

import httpx
import msgspec
from gateway_house import SERVICE_PORT, House
from gateway_house import house as gateway_house

from qingjing import app
from qingjing.doors.gateway.gateway import Senses
from qingjing.doors.pages.server import PagesServer
from qingjing.settings import Account, Pages, Settings

BOUNDS = Pages(
    account="pages", signature="青禾商城", sms_port=SERVICE_PORT, port=0, plain_http=True
)
"""The bounds that are shipped, on any free port of this machine."""
_CODE = re.compile("验证码是([0-9]{6})|code ([0-9]{6})")


class PagesHouse:
    """Pages over a running gateway."""

    def __init__(self, house: House, server: PagesServer) -> None:
        self.house, self.server = house, server

    @property
    def url(self) -> str:
        """Where they are."""
        return f"http://127.0.0.1:{self.server.port}"

    def client(self, **headers: str) -> httpx.Client:
        """A browser without a screen, that goes where it is sent."""
        return httpx.Client(
            base_url=self.url,
            headers=headers,
            timeout=30,
            trust_env=False,
            follow_redirects=True,
        )

    def texts(self, phone: str) -> list[str]:
        """What a phone got from any carrier, oldest first."""
        return [
            one.content.decode("utf-16-be")
            for carrier in self.house.carriers.values()
            for one in carrier.received
            if one.phone.endswith(phone)
        ]

    def code(self, phone: str, count: int = 1) -> str:
        """The last code that a phone got, of so many."""
        found: list[str] = []

        def came() -> bool:
            """Have they come?"""
            codes = (_CODE.search(text) for text in self.texts(phone))
            found[:] = [match.group(1) or match.group(2) for match in codes if match]
            return len(found) >= count

        self.house.until(came)
        return found[-1]


@contextmanager
def pages_house(**bounds: Any) -> Iterator[PagesHouse]:
    """Pages with other bounds than the shipped ones where they are named."""
    account = Account(party="tongda", port=SERVICE_PORT, secret_env="CUSTOMER")
    with gateway_house(accounts={"900001": account}) as house:
        settings = Settings(
            accounts={"pages": account}, pages=msgspec.structs.replace(BOUNDS, **bounds)
        )
        found: list[PagesServer] = []

        async def start() -> None:
            """In the gateway's loop."""

            senses = Senses(lambda: 0.0, lambda: house.now, lambda: 0.5)
            found.append(app.pages_server(house.desk, house.gateway, settings, senses))
            await found[0].start()

        house.call(start)
        try:
            yield PagesHouse(house, found[0])
        finally:
            house.call(found[0].stop)


class _Fields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Forms and their fields."""
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((found["action"], {}))
        elif tag == "input" and self.forms and found.get("type") != "checkbox":
            self.forms[-1][1][found["name"]] = found.get("value", "")


def forms(page: httpx.Response) -> list[tuple[str, dict[str, str]]]:
    """The forms of a page: where each goes, and its fields."""
    parser = _Fields()
    parser.feed(page.text)
    return parser.forms


def send(client: httpx.Client, page: httpx.Response, place: int = 0, **fields: str) -> Any:
    """Fill in a form of a page and send it."""
    action, found = forms(page)[place]
    return client.post(action, data=found | fields)


def enter(
    house: PagesHouse, client: httpx.Client, phone: str, count: int = 1
) -> httpx.Response:
    """Prove a number; the overview."""
    asked = send(client, client.get("/zh"), phone=phone)
    page: httpx.Response = send(client, asked, code=house.code(phone, count))
    return page


__all__ = ["BOUNDS", "PagesHouse", "enter", "forms", "pages_house", "send"]
