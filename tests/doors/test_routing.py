"""Which route a message takes: by its port, then cost, then health."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from gateway_house import (
    ALSO_CONSENTED,
    CONSENTED,
    ENVIRONMENT,
    PORT,
    SECOND_PORT,
    SERVICE_PORT,
    House,
    house,
    settings,
)
from hypothesis import given
from hypothesis import strategies as st
from test_gateway import CODE, OFFER, SECOND_OFFER, Talk, submit

from qingjing.city.carrier import Habits
from qingjing.doors.gateway.dialects import spoken_with
from qingjing.doors.gateway.links import Link, Way
from qingjing.doors.gateway.trunks import Room, Trunks
from qingjing.kernel.words import Carrier
from qingjing.settings import Account, SettingsError, load

NAMES = ("mobile", "unicom", "telecom")


@pytest.fixture
def running() -> Iterator[House]:
    """A gateway with three simulators."""
    with house() as made:
        yield made


def port_of(running: House, name: str) -> int:
    """Where a simulator listens."""
    server = running.carriers[name]._server
    assert server is not None
    return int(server.sockets[0].getsockname()[1])


def reroute(running: House, **routes: dict[str, Any]) -> None:
    """All three simulators are China Mobile's from now on, each with its own settings."""
    first = settings({name: port_of(running, name) for name in NAMES})
    changed = msgspec.structs.replace(
        first,
        routes={
            name: msgspec.structs.replace(first.routes[name], carrier="mobile", **more)
            for name, more in routes.items()
        },
    )

    running.call(lambda: running.gateway.reload(changed, ENVIRONMENT))
    wanted = 2 * len(routes)
    running.until(lambda: running.gateway.carriers.connected == wanted)


def took(running: House) -> dict[str, list[str]]:
    """The ports of what each simulator has received."""
    return {name: [x.port for x in running.carriers[name].received] for name in NAMES}


def all_reported(talk: Talk, *pdus: Any) -> None:
    """Submit, and wait for every report."""
    answers = talk.send(*pdus)
    assert {answer.Result for answer in answers} == {0}
    talk.house.until(lambda: all(x.Msg_Id in talk.client.reports for x in answers))


def test_the_route_that_says_most_of_the_port_carries_it(running: House) -> None:
    """Whole port before its beginning, its beginning before none, whatever they cost."""
    reroute(
        running,
        mobile={"cost": 0},
        unicom={"ports": ("1069000100",), "cost": 5},
        telecom={"ports": (SECOND_PORT, "1"), "cost": 9},
    )
    talk = Talk(running)
    all_reported(
        talk,
        submit(OFFER, CONSENTED),
        submit(SECOND_OFFER, ALSO_CONSENTED, port=SECOND_PORT),
        submit(CODE, CONSENTED, port=SERVICE_PORT),
    )
    assert took(running)["mobile"] == []
    assert sorted(took(running)["unicom"]) == [PORT, SERVICE_PORT]
    assert took(running)["telecom"] == [SECOND_PORT]


def test_what_no_route_carries_waits_until_one_does(running: House) -> None:
    """It goes over no line at which its port is not filed; and keeps nobody else waiting."""
    reroute(running, mobile={"ports": (SERVICE_PORT,)}, unicom={"ports": (SECOND_PORT,)})
    talk = Talk(running)
    (waiting,) = talk.send(submit(OFFER, CONSENTED))
    assert waiting.Result == 0
    all_reported(talk, submit(CODE, CONSENTED, port=SERVICE_PORT))
    assert took(running) == {"mobile": [SERVICE_PORT], "unicom": [], "telecom": []}
    reroute(
        running,
        mobile={"ports": (SERVICE_PORT,)},
        unicom={"ports": (SECOND_PORT,)},
        telecom={"ports": (PORT[:6],)},
    )
    running.until(lambda: waiting.Msg_Id in talk.client.reports)
    assert took(running)["telecom"] == [PORT]


def test_a_route_that_slows_down_rests_and_the_next_dearer_one_takes_it(
    running: House,
) -> None:
    """Each message leaves once, and its reports come from the route that took it."""
    reroute(running, mobile={"cost": 0}, unicom={"cost": 1})
    running.carriers["mobile"].behave(Habits(throttle=1.0))
    talk = Talk(running)
    all_reported(talk, *(submit(CODE, CONSENTED, port=SERVICE_PORT) for _ in range(20)))
    assert took(running) == {"mobile": [], "unicom": [SERVICE_PORT] * 20, "telecom": []}


def test_parts_that_wait_aside_take_the_routes_that_a_reload_brings(running: House) -> None:
    """Asked to slow down by the old route, they leave by the new one."""
    reroute(running, mobile={})
    running.carriers["mobile"].behave(Habits(throttle=1.0))
    talk = Talk(running)
    (answer,) = talk.send(submit(OFFER, CONSENTED))
    running.until(lambda: running.gateway.carriers.outstanding == 1)
    reroute(running, unicom={"ports": (PORT,)})
    running.until(lambda: answer.Msg_Id in talk.client.reports)
    assert took(running) == {"mobile": [], "unicom": [PORT], "telecom": []}


def links(*ports: tuple[str, ...], carrier: str = "mobile") -> list[Link]:
    """One connection of a route for each of these."""
    (route,) = settings({carrier: 1}).routes.values()
    routes = [msgspec.structs.replace(route, ports=x, number=n) for n, x in enumerate(ports, 1)]
    return [Link(Way(str(x.number), x, b"", None, spoken_with(x))) for x in routes]


@pytest.mark.parametrize("writer", ["900001", "900002", ""])
def test_a_reply_goes_to_the_account_that_wrote_last_else_to_the_ports_own(writer: str) -> None:
    """Three accounts of one party: by who wrote, and the third has the port for its own."""
    accounts = {
        "900001": Account(party="tongda", secret_env="CUSTOMER"),
        "900002": Account(party="tongda", secret_env="CUSTOMER"),
        "900003": Account(party="tongda", secret_env="CUSTOMER", port=PORT),
    }
    with house(accounts=accounts) as running:
        talks = {name: Talk(running, account=name) for name in accounts}
        for name in ("900002", "900001", writer) if writer else ():
            all_reported(talks[name], submit(OFFER, CONSENTED))
        running.reply(CONSENTED, PORT, "?")
        heard = writer or "900003"
        running.until(lambda: bool(talks[heard].client.replies))
        assert [name for name, talk in talks.items() if talk.client.replies] == [heard]


DIGITS = st.text("01", min_size=1, max_size=4)


@given(st.lists(st.lists(DIGITS, max_size=3).map(tuple), max_size=5), DIGITS)
def test_exactly_those_with_the_longest_beginning_carry_a_port(
    ports: list[tuple[str, ...]], port: str
) -> None:
    """As a look at every route says; of another carrier, none."""
    made = links(*ports)

    def fits(link: Link) -> int:
        of = [len(x) for x in link.way.route.ports if port.startswith(x)]
        return max(of, default=-1 if link.way.route.ports else 0)

    best = max((fits(link) for link in made), default=-1)
    wanted = {link for link in made if fits(link) == best} if best >= 0 else set()
    assert set(Trunks(made).of(Carrier.MOBILE, port).links) == wanted
    assert Trunks(made).of(Carrier.UNICOM, port).links == []


def test_two_trunks_on_one_connection_are_not_given_its_room_twice() -> None:
    """What would be released twice as much would wait aside, and be UNKNOWN after a crash."""
    made = links(("1",), ("1", "2"))
    trunks = Trunks(made)
    one, two = trunks.of(Carrier.MOBILE, "10"), trunks.of(Carrier.MOBILE, "20")
    room = Room([two, one], lambda _link: 8)
    assert (room.of(two), room.of(one)) == (8, 16)
    room.spend(two, 5)
    assert (room.of(two), room.of(one)) == (3, 11)
    room.spend(one, 11)
    assert not room


@pytest.mark.parametrize("port", ["", "10690a", "1" * 22])
def test_a_port_that_is_none_is_told_at_the_start(tmp_path: Path, port: str) -> None:
    """With the route and what is right."""
    path = tmp_path / "qingjing.toml"
    path.write_text(
        '[routes.m]\nnumber = 1\ncarrier = "mobile"\nhost = "h"\nport = 1\n'
        f'account = "1"\nports = ["{port}"]\n',
        "utf-8",
    )
    with pytest.raises(SettingsError, match=r"route 'm': ports: .* 1 to 21 digits"):
        load(path)
