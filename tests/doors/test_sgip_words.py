"""What SGIP needs beside its dialect: results, ids, the settings' two directions, visitors."""

from __future__ import annotations

import asyncio
import ipaddress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from qingjing.city.carrier import Habits
from qingjing.city.sgip_carrier import SgipCarrier
from qingjing.doors.gateway.carriers import Arrival
from qingjing.doors.gateway.dialect import Report, Trouble
from qingjing.doors.gateway.links import DELAY_S_MAX, patience
from qingjing.doors.gateway.nodes import TURNS, Nodes, origins
from qingjing.doors.gateway.results import BY_BIT
from qingjing.doors.gateway.results_sgip import TROUBLES, result, sgip_table, stat, state
from qingjing.doors.gateway.visitors import LINES_MAX, Visit, Visitors
from qingjing.kernel.rules import RULES
from qingjing.settings import SettingsError, load
from qingjing.wire import cmpp_tables, sgip, sgip_tables
from qingjing.wire.sgip import Result, State

PROTOCOLS = Path(__file__).parents[2] / "docs" / "protocols.md"
NOON = 1_795_492_800_000


def test_every_reason_and_trouble_has_a_result_of_one_octet_that_means_nothing_else() -> None:
    """Reasons have vendor's numbers, the same as in CMPP; troubles have SGIP's own words."""
    own = {int(code) for code in Result}
    numbers = [result(1 << bit) for bit in range(len(RULES))]

    assert numbers == list(BY_BIT)
    assert all(number <= 0xFF and number not in own for number in numbers)
    assert set(TROUBLES) == set(Trouble)
    assert result(0) == 0


def test_only_slow_down_asks_a_customer_to_send_again() -> None:
    """Clients send again on 11: no refusal may have it, nor 88."""
    again = [trouble for trouble in Trouble if result(trouble) in sgip.TEMPORARY]

    assert again == [Trouble.SLOW_DOWN]
    assert not sgip.TEMPORARY & set(BY_BIT)


@pytest.mark.parametrize("word", ["DELIVRD", "EXPIRED", "UNDELIV", "REJECTD"])
def test_a_state_that_we_write_is_read_as_the_same_word(word: str) -> None:
    """One gateway of ours behind another changes nothing."""
    assert stat(*state(word)) == word


@pytest.mark.parametrize("word", ["UNKNOWN", "DELETED", "MK:0001", ""])
def test_every_other_word_is_a_failure(word: str) -> None:
    """SGIP has no word for not knowing; it is never told as delivered."""
    assert state(word) == (State.FAILED, Result.SYSTEM)


def test_any_state_and_error_has_a_word_and_only_waiting_has_none() -> None:
    """Vendors' error codes and states of another world are failures."""
    assert stat(State.WAITING, 0) == ""
    assert stat(State.DELIVERED, 99) == "DELIVRD"
    for error in range(256):
        assert stat(State.FAILED, error) in {"REJECTD", "EXPIRED", "UNDELIV"}
        assert stat(7, error) != "DELIVRD"


def test_the_page_of_protocols_has_the_tables_of_the_code() -> None:
    """Between its markers stands what ``sgip_table`` makes."""
    head = "<!-- sgip words: begin, made by qingjing.doors.gateway.results_sgip.sgip_table -->"
    page = PROTOCOLS.read_text(encoding="utf-8")
    made = page.partition(head)[2].partition("<!-- sgip words: end -->")[0]

    assert made.strip("\n") == sgip_table()


# Ids


def test_starts_that_follow_each_other_give_no_number_twice_in_the_same_second() -> None:
    """However many each gives: their counts never meet, also as they go round."""
    given: list[set[bytes]] = []
    for start in range(1, TURNS + 1):
        numbers = Nodes(lambda: 5.0, lambda: NOON, start).numbers(3_010_012_345)
        given.append({numbers(5.0) for _ in range(100)})

    assert all(len(numbers) == 100 for numbers in given)
    assert len(set().union(*given)) == 100 * TURNS


def test_a_node_has_one_count_and_another_node_another() -> None:
    """Whatever connections ask; the time is Beijing's, by the sessions' clock."""
    nodes = Nodes(lambda: 100.0, lambda: NOON, 1)
    first, again, other = (nodes.numbers(node) for node in (7, 7, 8))
    ids = [sgip.split_msg_id(numbers(161.0)) for numbers in (first, again, other)]

    assert first is again
    assert [number.node for number in ids] == [7, 7, 8]
    assert ids[0].counter != ids[1].counter
    assert {number.time for number in ids} == {1124120101}


def frame(number: bytes, body: bytes = b"x") -> bytes:
    """A Submit."""
    layout = sgip_tables.LAYOUTS[sgip_tables.V12][sgip_tables.Command.SUBMIT]
    submit = sgip_tables.Submit(number, UserNumber=("8613800138000",), MessageContent=body)
    return layout.encode(submit)


def test_the_customers_ids_are_read_from_the_frames_of_all_parts() -> None:
    """In their order, whatever stands in the frames."""
    numbers = [bytes(range(n, n + 12)) for n in (0, 50, 100)]
    original = b"".join(map(frame, numbers))

    assert origins(sgip.PROTOCOL, original) == tuple(numbers)
    assert origins(sgip.PROTOCOL, b"") == ()


@pytest.mark.parametrize("original", [bytes(64), b'{"to": "13800138000"}', b"\xff" * 40, b"ab"])
def test_bytes_of_another_protocol_are_read_to_their_end(original: bytes) -> None:
    """An account may have changed its protocol while messages were on their way."""
    assert all(len(origin) == 12 for origin in origins(sgip.PROTOCOL, original))


def test_a_cmpp_frame_gives_an_id_too_and_it_means_nothing() -> None:
    """The same account, on CMPP before."""
    layout = cmpp_tables.LAYOUTS[cmpp_tables.V30][cmpp_tables.Command.SUBMIT]
    original = layout.encode(cmpp_tables.Submit(Dest_terminal_Id=("13800138000",)))

    assert len(origins(sgip.PROTOCOL, original)) == 1


# Redialling


def test_patience_grows_to_a_minute_and_chance_spreads_it() -> None:
    """Half a second, then twice as long each time; half of it is chance."""
    longest = [patience(tries, 1.0, refused=False) for tries in range(12)]

    assert longest[0] == 0.5
    assert all(later in (2 * earlier, DELAY_S_MAX) for earlier, later in pairwise(longest))
    assert patience(3, 0.0, refused=False) == longest[3] / 2
    assert patience(0, 0.0, refused=True) == DELAY_S_MAX / 2


# Settings

ACCOUNT = '[accounts.a]\nparty = "p"\nprotocol = "sgip"\nsecret_env = "S"\n'
ROUTE = """
[routes.{name}]
number = {number}
carrier = "unicom"
host = "h"
port = 8801
account = "us"
protocol = "sgip"
secret_env = "S"
sgip = {{ node = 3010012345, company = "12345" }}
"""


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (ACCOUNT, "sgip.node"),
        (ACCOUNT + "[sgip]\nnode = 1", "duplex"),
        (ACCOUNT + 'sgip = { host = "h", duplex = true }\n[sgip]\nnode = 1', "one of the two"),
        (ROUTE.format(name="r", number=1).replace("node = 3010012345, ", ""), "node"),
        (ROUTE.format(name="r", number=1).replace('12345"', '123456"'), "company"),
        (ROUTE.format(name="r", number=1) + ROUTE.format(name="s", number=2), "route 's'"),
    ],
)
def test_settings_that_leave_no_way_back_are_refused(
    tmp_path: Path, text: str, named: str
) -> None:
    """A node is missing, or the customer's address, or two routes cannot be told apart."""
    path = tmp_path / "qingjing.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=named):
        load(path)


# Carriers that dial us


def visit(route: str, number: int, node: int, network: str = "127.0.0.0/8") -> Visit:
    """A route whose carrier logs in as "unicom"."""
    networks = (ipaddress.ip_network(network),)
    return Visit(route, number, node, "unicom", b"secret", networks)


async def reported(visits: list[Visit], nodes: list[int]) -> list[Arrival]:
    """What arrives when a carrier reports messages of these nodes over one login."""
    loop = asyncio.get_running_loop()
    arrived: list[Arrival] = []

    def take(arrival: Arrival) -> None:
        arrived.append(arrival)
        arrival.line.thank(arrival.pdu)

    visitors = Visitors(visits, loop.time, take)
    server = await loop.create_server(visitors.line, "127.0.0.1", 0)
    carrier = SgipCarrier(secret=b"secret", clock=loop.time, seed=1, habits=Habits())
    await carrier.start()
    carrier.tell(server.sockets[0].getsockname()[1], "unicom")
    for node in nodes:
        number = int.from_bytes(sgip.compose_msg_id(sgip.MsgId(node, 1124090000, 1)), "big")
        carrier.owe(number, "13000130000")
    for _ in range(200):
        if len(arrived) == len(nodes):
            break
        await asyncio.sleep(0.01)
    visitors.tick()
    await carrier.stop()
    visitors.stop()
    server.close()
    return arrived


def test_routes_that_share_a_login_are_told_apart_by_the_node_of_their_messages() -> None:
    """A report is of the route whose number its id begins with; of no known one, the first."""
    visits = [visit("a", 1, 11), visit("b", 2, 22)]
    arrived = asyncio.run(reported(visits, [22, 11, 33]))

    assert [arrival.link for arrival in arrived] == [2, 1, 1]
    assert all(isinstance(x.news, Report) and x.news.stat == "DELIVRD" for x in arrived)


def test_a_carrier_from_another_address_is_not_let_in() -> None:
    """Its secret can be read on the line; its address cannot be taken so easily."""
    arrived = asyncio.run(reported([visit("a", 1, 11, "192.0.2.0/24")], [11]))

    assert arrived == []


def test_more_connections_than_carriers_have_machines_are_turned_away() -> None:
    """A stranger cannot take all sockets."""

    async def story() -> int:
        loop = asyncio.get_running_loop()
        visitors = Visitors([visit("a", 1, 11)], loop.time, lambda _arrival: None)
        server = await loop.create_server(visitors.line, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        opened: list[Any] = []
        for _ in range(LINES_MAX + 3):
            opened.append(await asyncio.open_connection("127.0.0.1", port))
        ends = [asyncio.create_task(reader.read()) for reader, _writer in opened]
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED, timeout=30)
        while len(done) < 3:
            await asyncio.sleep(0.01)
            done = {end for end in ends if end.done()}
        held = len(visitors)
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        for _reader, writer in opened:
            writer.close()
        server.close()
        return held

    assert asyncio.run(story()) == LINES_MAX
