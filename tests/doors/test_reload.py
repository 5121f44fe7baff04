"""Accounts and routes change while the gateway runs; what did not change notices nothing."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from control_house import Service
from gateway_house import CONSENTED, ENVIRONMENT, PORT, House, house, settings
from test_gateway import OFFER, Talk, submit

from qingjing.settings import Account, Limits, Settings, SettingsError


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
    """Hand other settings in."""

    async def work() -> list[str]:
        return running.gateway.reload(changed, ENVIRONMENT | (environ or {}))

    return running.call(work)


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
        ({"limits": Limits(batch_max=1)}, "limits changed"),
        ({"node": 2}, "node changed"),
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
    path = tmp_path / "qingjing.toml"
    good = path.read_text("utf-8")
    more = good + '\n[accounts.900002]\nparty = "tongda"\nsecret_env = "CUSTOMER"\n'
    for text, said in ((more, "settings reloaded: 900002"), ("[", "settings not reloaded")):
        path.write_text(text, "utf-8")
        service.process.send_signal(signal.SIGHUP)
        assert any(said in line for line in service.process.stderr)
    assert service.end() == 0
