"""The courier: carries deliveries to webhooks, to no address that it must not reach."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import socket
from base64 import b64encode
from collections.abc import Callable
from typing import Final

import httpx
import structlog

from qingjing.doors.api.hooks import Delivery, HookBook, Target
from qingjing.settings import Api

_log = structlog.get_logger("qingjing.api")

LOOK_S: Final = 1.0
"""How often deliveries whose time has come are looked for; news are handed out at once."""
CALLS_MAX: Final = 32
"""Calls at the same time, over all hooks."""


class WrongPlaceError(Exception):
    """The address leads where webhooks may not go."""


class Courier:
    """``run`` until cancelled."""

    def __init__(self, book: HookBook, settings: Api, when: Callable[[], int]) -> None:
        self._book, self._when = book, when
        self._networks = [ipaddress.ip_network(text) for text in settings.hook_networks]
        self._client = httpx.AsyncClient(
            timeout=settings.hook_wait_s,
            limits=httpx.Limits(max_connections=CALLS_MAX),
            headers={"User-Agent": "qingjing"},
            trust_env=False,
        )
        self._wake = asyncio.Event()
        self._out: dict[int, asyncio.Task[None]] = {}

    def news(self) -> None:
        """There are events: look now."""
        self._wake.set()

    async def run(self) -> None:
        """Draw, and carry what is due."""
        while True:
            for target in self._book.targets():
                await self._book.draw(target)
                for delivery in self._book.due(target):
                    if delivery.id not in self._out and len(self._out) < CALLS_MAX:
                        self._begin(target, delivery)
            try:
                await asyncio.wait_for(self._wake.wait(), LOOK_S)
            except TimeoutError:
                continue
            self._wake.clear()

    def _begin(self, target: Target, delivery: Delivery) -> None:
        task = asyncio.ensure_future(self._carry(target, delivery))
        self._out[delivery.id] = task
        task.add_done_callback(lambda _task: self._out.pop(delivery.id, None))

    async def close(self) -> None:
        """End calls that are out: what was not answered is tried again after the next start."""
        for task in list(self._out.values()):
            task.cancel()
        await asyncio.gather(*self._out.values(), return_exceptions=True)
        await self._client.aclose()

    async def _carry(self, target: Target, delivery: Delivery) -> None:
        body = self._book.body(target, delivery)
        if body is None:
            await self._book.done(delivery)
            return
        try:
            status = await self._call(target, delivery, body)
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            OSError,
            WrongPlaceError,
            ValueError,
        ) as error:
            problem = str(error) or type(error).__name__
        except Exception as error:
            # A mistake of ours counts as a try, too: else it would be made every second.
            _log.error("webhook failed", hook=target.id, error=type(error).__name__)
            problem = f"a mistake of ours ({type(error).__name__})"
        else:
            if 200 <= status < 300:
                await self._book.done(delivery)
                self._wake.set()
                return
            problem = f"answered {status}"
        _log.info("webhook failed", hook=target.id, tries=delivery.tries + 1)
        await self._book.failed(delivery, problem)

    async def _call(self, target: Target, delivery: Delivery, body: bytes) -> int:
        """One try. The address that was looked at is the one that is called."""
        url = httpx.URL(target.url)
        address = await self._address(url)
        if url.scheme != "https" and not self._inside(address):
            raise WrongPlaceError("plain http:// outside: replies hold numbers; give https://")
        name, at = f"d{delivery.id}", str(self._when() // 1000)
        response = await self._client.post(
            url.copy_with(host=address),
            content=body,
            headers={
                "Host": url.netloc.decode(),
                "Content-Type": "application/json",
                "webhook-id": name,
                "webhook-timestamp": at,
                "webhook-signature": signature(target.secret, name, at, body),
            },
            extensions={"sni_hostname": url.host},
            follow_redirects=False,
        )
        return response.status_code

    async def _address(self, url: httpx.URL) -> str:
        loop = asyncio.get_running_loop()
        port = url.port or (443 if url.scheme == "https" else 80)
        found = await loop.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
        addresses = [str(one[4][0]) for one in found]
        for address in addresses:
            if not (public(address) or self._inside(address)):
                raise WrongPlaceError(
                    f"{url.host} leads to a private address: have its network put into"
                    " api.hook_networks"
                )
        return addresses[0]

    def _inside(self, address: str) -> bool:
        """Is it in a network that the operator named?"""
        return any(_read(address) in network for network in self._networks)


def public(address: str) -> bool:
    """Is it one of the whole world's, and of nobody's inside?"""
    found = _read(address)
    return found.is_global and not found.is_multicast


def _read(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    found = ipaddress.ip_address(address.split("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def signature(secret: bytes, name: str, at: str, body: bytes) -> str:
    """``webhook-signature`` as the Standard Webhooks convention has it: its version, and the
    HMAC-SHA256 over id, seconds and body."""
    mac = hmac.new(secret, f"{name}.{at}.".encode() + body, hashlib.sha256)
    return f"v1,{b64encode(mac.digest()).decode()}"
