"""Kannel, unchanged, as an SMPP customer: its HTTP in front, our listener behind."""

from __future__ import annotations

import http.server
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway_house import CONSENTED, PORT, STRANGER, house
from gateway_talk import LONG, OFFER, account, free_port
from peers_house import needs, peer

from qingjing.wire.content import Part, decode_text, join

CONFIG = """
group = core
admin-port = {admin}
admin-password = admin
smsbox-port = {box}
box-allow-ip = "127.0.0.1"
log-level = 0

group = smsc
smsc = smpp
smsc-id = qingjing
host = 127.0.0.1
port = {smpp}
transceiver-mode = true
smsc-username = 900001
smsc-password = 888888
system-type = ""
interface-version = 34

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {send}
sendsms-chars = "0123456789"

group = sendsms-user
username = u
password = p
concatenation = true
max-messages = 5

group = sms-service
keyword = default
text = ""
max-messages = 0
"""


class Heard(http.server.BaseHTTPRequestHandler):
    """What Kannel calls when a receipt came."""

    paths: list[str]

    def do_GET(self) -> None:
        """Note it."""
        self.paths.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - likewise
        """Nothing on the terminal."""


@contextmanager
def hearing() -> Iterator[tuple[int, list[str]]]:
    """A listener for receipts: its port, and the paths that were called."""
    paths: list[str] = []
    handler = type("Handler", (Heard,), {"paths": paths})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1], paths
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def send(port: int, hook: int, to: str, text: str) -> None:
    """Hand a text to Kannel. ``%d`` in the receipt: 1 delivered, 2 not, 8 taken, 16 refused."""
    query = urllib.parse.urlencode(
        {
            "username": "u",
            "password": "p",
            "from": PORT,
            "to": to,
            "coding": "2",
            "charset": "UTF-8",
            "text": text,
            "dlr-mask": "31",
            "dlr-url": f"http://127.0.0.1:{hook}/{to}/%d",
        }
    )
    url = f"http://127.0.0.1:{port}/cgi-bin/sendsms?{query}"
    with urllib.request.urlopen(url, timeout=20) as answer:
        assert answer.status in {200, 202}


def test_kannel_submits_short_and_long_and_hears_of_both(tmp_path: Path) -> None:
    """Passed texts are accepted (8) and delivered (1); the refused one is rejected (16)."""
    needs("bearerbox", "apt-get install kannel")
    ports = {name: free_port() for name in ("admin", "box", "send")}
    config = tmp_path / "kannel.conf"
    with house(accounts=account("smpp")) as running, hearing() as (hook, paths):
        smpp = running.gateway.ports["smpp"]
        config.write_text(CONFIG.format(smpp=smpp, **ports), "utf-8")
        with peer("bearerbox", "-v", "0", str(config)):
            running.until(lambda: _open(ports["admin"]))
            with peer("smsbox", "-v", "0", str(config)):
                running.until(lambda: bool(running.gateway.customers.lines))
                running.until(lambda: _open(ports["send"]))
                for to, text in ((CONSENTED, OFFER), (CONSENTED, LONG), (STRANGER, OFFER)):
                    send(ports["send"], hook, to, text)
                wanted = [f"/{CONSENTED}/1"] * 2 + [f"/{STRANGER}/16"]
                running.until(lambda: all(paths.count(x) >= wanted.count(x) for x in wanted))
    received = running.carriers["mobile"].received
    parts = [Part(x.udhi, x.coding, x.content) for x in received]

    assert decode_text(parts[0].content, parts[0].msg_fmt) == OFFER
    assert join(parts[1:]) == LONG


def _open(port: int) -> bool:
    """Whether something answers there."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
