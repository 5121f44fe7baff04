"""The API as a part of the service: started, stopped, over TLS, and what is kept how long."""

from __future__ import annotations

import io
import ipaddress
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import pytest
from api_house import api_house, once, person, sent
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from gateway_house import STRANGER

from qingjing.__main__ import House
from qingjing.city.carrier import CarrierSimulator
from qingjing.client import Client, Message
from qingjing.doors.cli import main
from qingjing.doors.listening import bound
from qingjing.settings import Api, SettingsError, Tls, load

DAY_MS = 86_400_000
SETTINGS = """
name = "service"
[api]
port = 0
[accounts.shop]
party = "qinghe"
protocol = "http"
"""


def command(folder: Path, *words: str) -> str:
    """One command that must be done; its output."""
    out = io.StringIO()
    with redirect_stdout(out):
        assert main.run(House(), ["--config", str(folder / "qingjing.toml"), *words]) == 0
    return out.getvalue()


def test_the_service_serves_the_api_with_the_gateway(tmp_path: Path) -> None:
    """It tells its port; a key made beside it opens it; SIGTERM ends it well."""
    (tmp_path / "qingjing.toml").write_text(SETTINGS, "utf-8")
    command(tmp_path, "keys", "create")
    process = subprocess.Popen(
        (sys.executable, "-m", "qingjing", "serve"),
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    assert process.stderr is not None
    port = 0
    for line in process.stderr:
        if "http: listening on port" in line:
            port = int(line.rsplit(" ", 1)[1])
            break
    made = command(
        tmp_path, "api-key", "create", "--account", "shop", "--scope", "rulebooks", "--json"
    )
    with Client(f"http://127.0.0.1:{port}", msgspec.json.decode(made)["key"]) as client:
        ready, books = client.ready(), client.rulebooks()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)

    assert ready.carriers == 0
    assert len(books.items) == 2
    assert process.returncode == 0


def certificate(folder: Path) -> Tls:
    """A certificate of this machine, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "here")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "api.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "api.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return Tls(certificate="api.crt", key="api.key")


def test_over_tls_nothing_goes_in_the_clear(tmp_path: Path) -> None:
    """Who trusts the certificate is served; who speaks plainly is not."""
    api = Api(port=0, tls=certificate(tmp_path))
    trust = ssl.create_default_context(cafile=str(tmp_path / "api.crt"))
    with api_house(tmp_path, api) as house:
        url = house.url.replace("http:", "https:")
        with Client(url, house.key("rulebooks"), verify=trust) as client:
            assert client.rulebooks().items
        with pytest.raises(httpx.TransportError):
            httpx.get(house.url + "/health", trust_env=False)


def test_a_port_that_is_taken_is_told_with_the_setting() -> None:
    """Before anything is served."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SettingsError, match=r"api\.port"):
            bound("api", Api(port=taken.getsockname()[1]))


def test_an_account_by_http_without_the_api_is_told(tmp_path: Path) -> None:
    """Nobody would take what it is to be told."""
    text = SETTINGS.replace("[api]\nport = 0\n", "")
    (tmp_path / "qingjing.toml").write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=r"there is no \[api\]"):
        load(tmp_path / "qingjing.toml")


def test_a_list_that_a_stop_cut_off_is_judged_after_the_start(tmp_path: Path) -> None:
    """From its beginning; what an upload left that was cut off is gone."""
    (tmp_path / "list.csv").write_text(f"phone\n{STRANGER}\n" * 20_000, "utf-8")
    with api_house(tmp_path) as house:
        with Client(house.url, house.key("admin")) as client:
            job = client.scrub(tmp_path / "list.csv", "qinghe", "retail")
        house.stop()
        lists = tmp_path / "data" / "lists"
        (lists / "lffff.in.csv").write_text("phone\n", "utf-8")
        house.start()
        with Client(house.url, house.key("admin")) as client:
            deadline = time.monotonic() + 60
            while (found := client.scrubbed(job.id)).state in ("waiting", "running"):
                assert time.monotonic() < deadline
                time.sleep(0.1)

        assert (found.state, found.rows, found.refused) == ("done", 39_999, 39_999)
        assert not (lists / "lffff.in.csv").exists()


def test_what_ends_during_a_stop_is_told_after_the_start(tmp_path: Path) -> None:
    """The gateway goes on for a while without the API: nothing is taken that nobody keeps."""
    with api_house(tmp_path) as house:
        with Client(house.url, house.key("admin")) as client:
            for carrier in house.carriers.values():
                house.call(lambda carrier=carrier: _hold(carrier))  # type: ignore[misc]
            message = client.send(Message(**sent(person(1)))).answers[0].message
            assert message is not None
            house.until(lambda: client.message(message).state == "released")
        house.call(house.api.stop)
        for carrier in house.carriers.values():
            house.call(lambda carrier=carrier: _go_on(carrier))  # type: ignore[misc]
        house.until(lambda: bool(house.gateway.engine.customers._boxes["shop"].waiting))
        assert not house.gateway.failed.done()
        house.stop()
        house.start()
        with Client(house.url, house.key("admin")) as client:
            house.until(lambda: bool(client.reports().items))

            assert [one.message for one in client.reports().items] == [message]


async def _hold(carrier: CarrierSimulator) -> None:
    carrier.hold()


async def _go_on(carrier: CarrierSimulator) -> None:
    carrier.go_on()


def test_what_is_too_old_is_deleted(tmp_path: Path) -> None:
    """Answers, events and lists; the ledger keeps what it has."""
    (tmp_path / "list.csv").write_text(f"phone\n{STRANGER}\n", "utf-8")
    with api_house(tmp_path, Api(port=0, keep_days=2)) as house:
        with Client(house.url, house.key("admin")) as client:
            message = client.send(Message(**sent(person(0))), key="old").answers[0].message
            assert message is not None
            deadline = time.monotonic() + 60
            while not client.reports().items:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            job = client.scrub(tmp_path / "list.csv", "qinghe", "retail")
            house.until(lambda: client.scrubbed(job.id).state == "done")
        house.stop()
        house.now += 3 * DAY_MS
        house.start()
        with Client(house.url, house.key("admin")) as client:
            house.until(lambda: not client.reports().items)
            house.until(lambda: not client.scrubs().items)
            assert client.message(message).state == "told"
        with sqlite3.connect(tmp_path / "data" / "api.db") as db:
            assert db.execute("SELECT count(*) FROM answer").fetchone() == (0,)
        db.close()


def test_a_body_that_does_not_come_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection is closed, and the others go on."""
    monkeypatch.setattr("qingjing.doors.listening.BODY_WAIT_S", 0.2)
    with api_house(tmp_path) as house:
        head = (
            "POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
            f"Authorization: Bearer {house.key('messages')}\r\n"
            "Content-Type: application/json\r\nIdempotency-Key: k\r\n\r\n{"
        )
        with socket.create_connection(("127.0.0.1", house.api.port)) as slow:
            slow.settimeout(30)
            slow.sendall(head.encode())
            answer = slow.recv(65_536)
        with house.client("rulebooks") as client:
            assert client.get("/v1/rulebooks").status_code == 200

    assert answer.startswith(b"HTTP/1.1 400")


def test_more_messages_than_may_wait_are_put_off(tmp_path: Path) -> None:
    """503 before anything of them is taken; the key is free."""
    with api_house(tmp_path) as house, house.client("messages") as client:
        house.api.rooms.sender._most = 1
        two = {"messages": [sent(STRANGER), sent(STRANGER)]}
        answer = client.post("/v1/messages/batch", json=two, headers=once("many"))
        house.api.rooms.sender._most = 2
        again = client.post("/v1/messages/batch", json=two, headers=once("many"))

    assert answer.status_code == 503
    assert again.status_code == 200
