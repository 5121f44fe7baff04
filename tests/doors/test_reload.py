"""Accounts and routes change while the gateway runs; what did not change notices nothing."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from control_house import Service
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from gateway_house import CONSENTED, ENVIRONMENT, PORT, House, house, settings
from gateway_talk import free_port
from sgip_house import ENVIRONMENT as sgip_environment  # noqa: N811 - beside the other house's
from sgip_house import UNICOM, Town
from test_gateway import OFFER, Talk, submit
from test_gateway_sgip import play, submits

from qingjing.app import _reloading
from qingjing.doors.gateway.gateway import CARRIERS, FIXED
from qingjing.settings import Account, Api, Limits, Listener, Settings, SettingsError, Tls
from qingjing.wire.sgip import State


@pytest.fixture
def running() -> Iterator[House]:
    """A gateway with three carriers and one account."""
    with house() as made:
        yield made


def account(**given: Any) -> Account:
    """An account like that of the house."""
    return Account(party="tongda", port=PORT, secret_env="CUSTOMER", **given)


def now(running: House) -> Settings:
    """The settings that the gateway goes by."""
    return running.gateway._settings


def reload(
    running: House, changed: Settings, environ: dict[str, str] | None = None
) -> list[str]:
    """Hand other settings in; what changed."""
    given = ENVIRONMENT | (environ or {})
    done = running.call(lambda: running.gateway.reload(changed, given))
    assert done.restart == []
    return done.changed


def with_accounts(running: House, **accounts: Account) -> Settings:
    """The same with other accounts."""
    return msgspec.structs.replace(now(running), accounts=accounts)


def passes(talk: Talk) -> bool:
    """Does an offer pass and arrive?"""
    (answer,) = talk.send(submit(OFFER, CONSENTED))
    talk.house.until(lambda: answer.Result != 0 or answer.Msg_Id in talk.client.reports)
    return answer.Result == 0


def test_a_new_account_is_let_in_and_the_old_one_stays_connected(running: House) -> None:
    """Who was there goes on in the same session."""
    old = Talk(running)
    own = {"900001": now(running).accounts["900001"]}
    assert reload(running, with_accounts(running, **own, **{"900002": account()})) == ["900002"]
    assert Talk(running, account="900002").status == 0
    assert old.client.line is not None
    assert passes(old)


def test_an_account_that_is_gone_is_hung_up_on_and_not_let_in_again(running: House) -> None:
    """Its connections end at once."""
    talk = Talk(running)
    assert set(reload(running, with_accounts(running, **{"900002": account()}))) == {
        "900001",
        "900002",
    }
    running.until(lambda: talk.client.line is None)
    assert Talk(running).status != 0


def test_another_secret_must_be_given_from_then_on(running: House) -> None:
    """Also by who was logged in with the old one."""
    talk = Talk(running)
    assert reload(running, now(running), {"CUSTOMER": "999999"}) == ["900001"]
    running.until(lambda: talk.client.line is None)
    assert Talk(running).status != 0


def test_a_route_that_changed_is_connected_anew_and_the_others_stay(running: House) -> None:
    """Messages go over the new connections; nothing is lost meanwhile."""
    talk = Talk(running)
    routes = dict(now(running).routes)
    routes["mobile"] = msgspec.structs.replace(routes["mobile"], connections=3, window=8)
    changed = msgspec.structs.replace(now(running), routes=routes)
    assert reload(running, changed) == ["mobile"]
    running.until(lambda: running.gateway.carriers.connected == 7)
    assert passes(talk)
    running.until(lambda: not running.gateway.carriers._retired)


def test_what_waits_for_a_route_leaves_when_it_comes(running: House) -> None:
    """Without a route to its carrier a message stays queued."""
    talk = Talk(running)
    routes = dict(now(running).routes)
    mobile = routes.pop("mobile")
    without = msgspec.structs.replace(now(running), routes=routes)
    assert reload(running, without) == ["mobile"]
    running.until(lambda: running.gateway.carriers.connected == 4)
    (answer,) = talk.send(submit(OFFER, CONSENTED))
    assert answer.Result == 0
    assert not talk.client.reports
    again = msgspec.structs.replace(without, routes=routes | {"mobile": mobile})
    assert reload(running, again) == ["mobile"]
    running.until(lambda: answer.Msg_Id in talk.client.reports)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"accounts": {"x": Account(party="tongda", secret_env="NONE")}}, "NONE"),
        ({"accounts": {"x": account(kinds={"A": "nothing"})}}, "nothing"),
    ],
)
def test_settings_that_cannot_be_taken_change_nothing(
    running: House, changes: dict[str, Any], said: str
) -> None:
    """The error says what to do, and everything goes on as it was."""
    before = now(running)
    with pytest.raises(SettingsError, match=said):
        reload(running, msgspec.structs.replace(before, **changes))
    assert now(running) is before
    assert passes(Talk(running))


def test_an_address_that_is_taken_changes_nothing(running: House) -> None:
    """Neither the listeners that would have worked, nor accounts and routes."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        listeners = now(running).listeners | {
            "cmpp": Listener(port=free_port()),
            "smpp": Listener(port=port),
        }
        changed = msgspec.structs.replace(
            with_accounts(running, **{"900002": account()}), listeners=listeners
        )
        before = dict(running.gateway.ports)
        with pytest.raises(SettingsError, match=r"listeners\.smpp: .*; free the port"):
            reload(running, changed)
    assert running.gateway.ports == before
    assert passes(Talk(running))


def test_listeners_open_move_and_close_and_who_is_connected_stays(running: House) -> None:
    """The old address is closed to new connections."""
    talk, old = Talk(running), running.port
    moved = {"cmpp": Listener(port=free_port()), "smpp": now(running).listeners["smpp"]}
    changed = msgspec.structs.replace(now(running), listeners=moved)
    assert reload(running, changed) == ["cmpp", "sgip", "smgp"]
    assert running.port == moved["cmpp"].port != old
    assert set(running.gateway.ports) == {"cmpp", "smpp"}
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", old), timeout=5)
    assert passes(talk)
    assert Talk(running).status == 0


def test_a_renewed_certificate_is_shown_from_then_on(running: House, tmp_path: Path) -> None:
    """Under the same file names; and one that cannot be read changes nothing."""

    def shown() -> bytes:
        context = ssl._create_unverified_context()
        address = ("127.0.0.1", running.port)
        with socket.create_connection(address, 5) as raw, context.wrap_socket(raw) as tls:
            found = tls.getpeercert(binary_form=True)
            tls.unwrap().close()
        running.until(lambda: not running.gateway.customers.lines)
        return found or b""

    tls = Tls(certificate=str(tmp_path / "c.pem"), key=str(tmp_path / "k.pem"))
    listeners = now(running).listeners | {"cmpp": Listener(port=free_port(), tls=tls)}
    changed = msgspec.structs.replace(now(running), listeners=listeners)
    first = certify(tmp_path)
    assert reload(running, changed) == ["cmpp"]
    assert shown() == first
    second = certify(tmp_path)
    assert shown() == first
    assert reload(running, changed) == []
    assert shown() == second != first
    (tmp_path / "c.pem").write_text("none", "utf-8")
    with pytest.raises(SettingsError, match=r"tls.certificate .*c\.pem"):
        reload(running, changed)
    assert shown() == second


def certify(folder: Path) -> bytes:
    """Write a new certificate of this machine and its key; its bytes."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    pem = serialization.Encoding.PEM
    (folder / "c.pem").write_bytes(made.public_bytes(pem))
    (folder / "k.pem").write_bytes(key.private_bytes(pem, form, plain))
    return made.public_bytes(serialization.Encoding.DER)


def test_other_limits_hold_at_once(running: House) -> None:
    """One connection more than there may be is turned away, one fewer let in."""
    first = Talk(running)
    changed = msgspec.structs.replace(now(running), limits=Limits(connections_max=1))
    assert reload(running, changed) == ["limits"]
    with socket.create_connection(("127.0.0.1", running.port), timeout=5) as second:
        assert second.recv(1) == b""
    assert passes(first)
    reload(running, msgspec.structs.replace(changed, limits=Limits(connections_max=2)))
    assert Talk(running).status == 0


def test_what_only_a_restart_changes_is_named_and_the_rest_holds(running: House) -> None:
    """Each time, for as long as the file differs from what runs."""
    changed = msgspec.structs.replace(
        with_accounts(running, **{"900001": account(), "900002": account()}),
        node=2,
        gateway_code=7,
        api=Api(),
    )
    for new in (["900002"], []):
        done = running.call(lambda: running.gateway.reload(changed, ENVIRONMENT))
        assert done.changed == new
        assert done.restart == ["node", "gateway_code", "api"]
    assert now(running).node == 1
    assert passes(Talk(running, account="900002"))


def test_every_setting_takes_effect_or_is_named() -> None:
    """One that is added must be put on one side or the other."""
    live = {"listeners", "sgip", "accounts", "routes", "ported", "limits", "checkpoint_s"}
    assert {"folder", "sgip.node", *Settings.__struct_fields__} == {"folder", *FIXED, *live}


def test_a_list_of_moved_numbers_takes_effect(running: House, tmp_path: Path) -> None:
    """The next message to such a number leaves over its new carrier's route."""
    path, told = tmp_path / "moved.csv", list[str]()
    path.write_text(f"phone,carrier\n{CONSENTED},telecom\n", "utf-8")
    anew: asyncio.Queue[Settings] = asyncio.Queue()
    with_list = msgspec.structs.replace(now(running), ported=str(path))

    async def work() -> None:
        await anew.put(with_list)
        async with _reloading(
            running.desk, running.gateway, None, anew, told.append, ENVIRONMENT
        ):
            while not told:
                await asyncio.sleep(0.01)

    talk = Talk(running)
    assert passes(talk)
    running.call(work)
    assert told == ["settings reloaded: ported"]
    assert passes(talk)
    assert [len(running.carriers[x].received) for x in ("mobile", "telecom")] == [1, 1]


def test_both_ways_back_of_sgip_move(tmp_path: Path) -> None:
    """The customer's listener and the name by which its carrier dials us."""

    async def story(here: Town) -> None:
        old, here.sgip = here.sgip, here.customer(first=500_000)
        here.ports["back"] = await here.sgip.listen()
        settings = here.settings()
        unicom = settings.routes["unicom"]
        named = msgspec.structs.replace(unicom.sgip, account="another")
        routes = settings.routes | {
            "unicom": msgspec.structs.replace(unicom, sgip=named),
        }
        changed = msgspec.structs.replace(settings, routes=routes)
        done = await here.gateway.reload(changed, sgip_environment)
        assert done.restart == []
        assert set(done.changed) == {"unicom", "qinghe-sgip"}
        here.unicom.tell(here.gateway.ports[CARRIERS], "another")
        await here.login()
        (answer,) = await here.send(*submits(UNICOM, OFFER))
        await here.until(lambda: here.state(answer, UNICOM) == State.DELIVERED)
        assert not old.told
        old.deafen()
        old.close()

    play(tmp_path, story)


def test_the_same_settings_change_nothing(running: House) -> None:
    """Nobody is hung up on."""
    talk = Talk(running)
    same = msgspec.convert(msgspec.to_builtins(now(running)), Settings)
    assert reload(running, same) == []
    assert passes(talk)
    assert settings({"mobile": 1}).accounts.keys() == same.accounts.keys()


def test_the_service_reads_its_settings_anew_on_a_hangup(tmp_path: Path) -> None:
    """SIGHUP: a new account in the file is let in; a wrong file is told and changes nothing."""
    service = Service(tmp_path)
    service.start()
    assert service.process is not None
    assert service.process.stderr is not None
    (tmp_path / "moved.csv").write_text("phone,carrier\n13800000001,unicom\n", "utf-8")
    (tmp_path / "wrong.csv").write_text("phone,carrier\n13800000001,who\n", "utf-8")
    path = tmp_path / "qingjing.toml"
    good = path.read_text("utf-8")
    more = good + '\n[accounts.900002]\nparty = "tongda"\nsecret_env = "CUSTOMER"\n'
    api = "node = 2\n" + more + "[api]\n"
    for text, said in (
        (more, "settings reloaded: 900002"),
        (api, "settings reloaded: nothing changed; restart for node, api"),
        (api, "settings reloaded: nothing changed; restart for node, api"),
        ('ported = "moved.csv"\n' + more, "settings reloaded: ported"),
        ('ported = "wrong.csv"\n' + more, "settings not reloaded: "),
        (more, "settings reloaded: ported"),
        ("[", "settings not reloaded"),
    ):
        path.write_text(text, "utf-8")
        service.process.send_signal(signal.SIGHUP)
        assert any(said in line for line in service.process.stderr)
    assert service.end() == 0
