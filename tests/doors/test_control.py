"""The control door: what commands do while the service runs, over real sockets."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from control_house import DECIDE, PEOPLE, PORT, TERMS, Service, connect, offer, phone

from qingjing import app
from qingjing.__main__ import House
from qingjing.city.carrier import CarrierSimulator
from qingjing.desk import consent
from qingjing.desk.entries import InputError
from qingjing.desk.ports import Ledger, Transaction
from qingjing.desk.send import Desk
from qingjing.desk.texts import Reader
from qingjing.doors.control import (
    CALL_MAX,
    SOCKET,
    Door,
    DoorError,
    NoDoorError,
    UnansweredError,
    Verbs,
    running,
)
from qingjing.doors.gateway.results import RESULTS
from qingjing.kernel.facts import PartyReinstated
from qingjing.kernel.words import Phone
from qingjing.ledger import beside, memory, sqlite
from qingjing.ledger.store import LedgerBroken, LedgerBusy
from qingjing.ledger.vault import KeyFile, Vault, load
from qingjing.settings import load as load_settings
from test_docs import commands

REFUSED = 7
"""A person who has refused in the shared service."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One that serves, without a carrier."""
    made = Service(tmp_path_factory.mktemp("served"))
    made.start()
    yield made
    assert made.end() == 0


async def until(ready: Callable[[], bool]) -> None:
    """Wait until something holds, at most half a minute."""
    for _ in range(3000):
        if ready():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("waited in vain")


def test_a_refusal_or_suspension_entered_while_serving_stops_what_is_queued(
    tmp_path: Path,
) -> None:
    """Once the command has said so, nothing more in its scope leaves."""

    async def play() -> None:
        loop = asyncio.get_running_loop()
        carrier = CarrierSimulator(secret=b"secret", clock=loop.time, seed=1)
        service = await asyncio.to_thread(Service, tmp_path, await carrier.start())
        customer = await connect(await asyncio.to_thread(service.start))
        await until(lambda: carrier.connections == 1)

        async def send(*numbers: int) -> None:
            """Submit, wait for the answers, and for the first to fill the carrier's window."""
            already = len(carrier.received)
            for number in numbers:
                await customer.submit(offer(number), number)
            customer.flush()
            await until(lambda: set(numbers) <= set(customer.answers))
            assert {customer.answers[number].Result for number in numbers} == {0}
            await until(lambda: len(carrier.received) > already)

        carrier.hold()
        await send(0, 1, 2, 3)
        told = await service.command("consent", "refuse", phone(1), "--group", "qinghe")
        assert (told.code, told.err) == (0, "")
        carrier.go_on()
        await until(lambda: len(carrier.received) == 3)
        assert [part.phone for part in carrier.received] == [phone(0), phone(2), phone(3)]

        carrier.hold()
        await send(4, 5, 6)
        told = await service.command("register", "suspend", "qinghe", "--reason", "投诉超标")
        assert told.code == 0, told.err
        carrier.go_on()
        stopped = [customer.answers[number].Msg_Id for number in (1, 5, 6)]
        await until(lambda: set(stopped) <= set(customer.reports))
        assert {customer.reports[message] for message in stopped} == {"REJECTD"}
        assert [part.phone for part in carrier.received[3:]] == [phone(4)]
        await customer.submit(offer(8), 8)
        customer.flush()
        await until(lambda: 8 in customer.answers)
        assert customer.answers[8].Result == RESULTS["sender_free"]

        await service.command("register", "reinstate", "qinghe", "--reason", "整改完成")
        await send(9)
        assert carrier.received[-1].phone == phone(9)
        assert await asyncio.to_thread(service.end) == 0
        assert (await service.command("ledger", "verify")).code == 0
        customer.close()
        await carrier.stop()

    asyncio.run(play())


WHILE_SERVING: dict[str, tuple[int, tuple[str, ...], str]] = {
    "decide": (0, (*DECIDE[1:], "--phone", phone(1)), "PASS"),
    "scrub": (0, ("LIST", "--out", "OUT", "--sender", "qinghe", "--category", "retail"), "40"),
    "consent wording": (0, ("spring", "--sender", "qinghe", "--text", "我同意"), "spring@"),
    "consent record": (
        0,
        (phone(90), *TERMS, "--door", "web", "--given-at", "2026-01-01 09:30"),
        "recorded as fact",
    ),
    "consent import": (0, ("LIST", *TERMS), "40 people taken"),
    "consent state": (
        0,
        (
            *("stated", "--sender", "qinghe", "--purpose", "retail", "--per-count", "2"),
            *("--per-days", "30", "--term-days", "365"),
            *("--text", "我同意接收青禾商城的促销短信,每月不超过2条,有效期一年"),
        ),
        "stated@",
    ),
    "consent paper": (
        2,
        (phone(1), "--wording", "w@1", "--given-at", "2026-01-01", "--file", "LIST"),
        "states no terms",
    ),
    "consent grade": (0, ("LIST", "--sender", "qinghe", "--purpose", "retail"), "of 40 claims"),
    "consent obstacles": (0, (), "sender"),
    "ask open": (2, ("spring", "--wording", "w@1"), "states no terms"),
    "ask show": (0, ("qinghe",), "asking"),
    "consent refuse": (0, (phone(REFUSED), "--group", "qinghe"), "recorded as fact"),
    "consent show": (0, (phone(1),), "the person consented"),
    "register load": (0, ("REGISTER",), "nothing was written"),
    "register party": (
        0,
        *(
            (
                "maida",
                "--name",
                "麦达",
                "--role",
                "agent",
                "--credit-code",
                "91110105MA00QHXC1P",
            ),
        ),
        "party.registered",
    ),
    "register port": (
        0,
        (
            *("106900010009", "--holder", "tongda", "--kind", "service", "--licence", "号"),
            *("--valid-from", "2024-05-01", "--valid-until", "2029-04-30"),
        ),
        "port.registered",
    ),
    "register signature": (
        0,
        (
            *("青禾优选", "--owner", "qinghe", "--source", "trademark", "--proof", "商标1"),
            *("--kind", "service"),
        ),
        "signature.registered",
    ),
    "register grant": (
        0,
        (
            *("more", "--sender", "qinghe", "--port", "106900010009", "--signature"),
            *("青禾优选", "--kind", "service", "--chain", "qinghe", "--chain", "tongda"),
            *("--valid-from", "2026-01-01", "--valid-until", "2026-12-31"),
        ),
        "grant.made",
    ),
    "register filing": (
        0,
        ("--signature", "青禾优选", "--carrier", "mobile", "--state", "filed"),
        "signature.filed",
    ),
    "register document": (
        0,
        (
            *("LIST", "--what", "permit", "--subject", "party", "--name", "qinghe"),
            *("--number", "7", "--category", "finance", "--valid-until", "2090-01-01"),
        ),
        "document.kept",
    ),
    "register letter": (
        0,
        (
            *("l1", "--file", "LIST", "--owner", "qinghe", "--credit-code", "CODE"),
            *("--sender", "maida", "--signature", "青禾优选"),
            *("--valid-from", "2026-01-01", "--valid-until", "2090-01-01"),
        ),
        "letter.recorded",
    ),
    "register contract": (
        0,
        (
            *("c1", "--file", "LIST", "--upstream", "qinghe", "--downstream", "tongda"),
            *("--valid-from", "2026-01-01", "--valid-until", "2090-01-01"),
        ),
        "contract.recorded",
    ),
    "register import-form": (
        0,
        ("FORM", "--vendor", "qiniu", "--kind", "service"),
        "signature.registered",
    ),
    "register export-form": (0, ("FORM2", "--vendor", "volcengine"), "written to"),
    "register due": (0, ("--days", "3650"), "runs out"),
    "register who": (0, ("青禾优选",), "qinghe"),
    "register suspend": (0, ("maida", "--reason", "试", "--until", "2090-01-01"), "suspended"),
    "register reinstate": (0, ("maida", "--reason", "试"), "reinstated"),
    "register end-grant": (0, ("more", "--reason", "试"), "grant.ended"),
    "finding open": (
        0,
        (
            *("drift", "--party", "maida", "--words", "试", "--since", "2026-01-01"),
            *("--by", "甲"),
        ),
        "finding.opened",
    ),
    "finding close": (0, ("FINDING", "--reason", "试", "--by", "甲"), "finding.closed"),
    "finding reopen": (0, ("FINDING", "--reason", "试", "--by", "甲"), "finding.reopened"),
    "finding list": (0, (), "reopened"),
    "measure ladder": (0, (), "terminate"),
    "measure take": (
        0,
        ("suspend", "party", "maida", "--reason", "试", "--by", "甲"),
        "another person must confirm it",
    ),
    "measure confirm": (0, ("MEASURE", "--by", "乙"), "measure.taken"),
    "measure appeal": (0, ("MEASURE", "--reason", "试", "--by", "maida"), "measure.appealed"),
    "measure answer": (0, ("MEASURE", "--reason", "试", "--by", "丙"), "appeal.answered"),
    "measure lift": (0, ("MEASURE", "--reason", "试", "--by", "甲"), "measure.proposed"),
    "measure list": (0, (), "lifting proposed"),
    "lookback due": (0, ("--all",), "grant"),
    "lookback run": (0, (), "matter"),
    "lookback plan": (0, ("--size", "5", "--seed", "x"), '"seed":"x"'),
    "lookback draw": (2, ("nothing.json",), "cannot be read"),
    "lookback record": (0, (), "maida"),
    "register show": (0, (PORT,), "tongda"),
    "complaint receive": (0, (phone(9), "106900010001*【青禾商城】全场满200减50"), "code"),
    "complaint complete": (2, ("CASE", "ABCDEFGH2345", "文字"), "do not belong together"),
    "complaint import": (0, ("LIST",), "0 taken"),
    "complaint status": (2, ("CASE", "ABCDEFGH2345"), "do not belong together"),
    "complaint list": (0, (), "106900010001"),
    "complaint show": (0, ("CASE",), "open"),
    "complaint work": (0, (), "1 forwarded"),
    "complaint hand": (0, ("CASE", "qinghe", "--reason", "试"), "recorded as fact"),
    "complaint stop": (0, ("CASE", "police"), "recorded as fact"),
    "complaint resume": (0, ("CASE",), "recorded as fact"),
    "complaint answer": (0, ("CASE", "qinghe", "已取得同意"), "evidence: none"),
    "complaint dispute": (2, ("CASE", "ABCDEFGH2345", "不"), "do not belong together"),
    "complaint decide": (0, ("CASE", "upheld", "no_grounds"), "recorded as fact"),
    "complaint stats": (0, ("--since", "2026-01-01", "--until", "2027-01-01"), "complaints"),
    "complaint pack": (0, ("CASE", "PACK"), "bytes"),
    "complaint check": (0, ("PACK",), "holds"),
    "complaint trust": (2, ("qinghe", "no key"), "not supported"),
    "complaint send": (2, ("CASE", "LEAD"), "forward it first"),
    "complaint take": (2, ("LEAD",), "name a file that is there"),
    "consent receipt": (2, (phone(1), "--sender", "qinghe"), "recorded one by one"),
    "consent check-receipt": (1, ("0A1B-2C3D-4E5F",), "no such receipt"),
    "consent numbers": (
        2,
        ("NUMBERS", "--event", "disconnected", "--source", "运营商"),
        "no column for day",
    ),
    "consent refusals": (0, ("NUMBERS", "--group", "qinghe-group"), "1 recorded"),
    "ledger checkpoints": (0, (), "signed by"),
    "ledger listing": (0, (), "listing 1"),
    "prove absence": (
        0,
        ("--number", phone(1), "--sender", "qinghe", "--at", "2026-05-20", "--out", "PACK"),
        "",
    ),
    "prove presence": (
        2,
        ("--number", phone(1), "--group", "qinghe", "--at", "2026-05-20", "--out", "PACK"),
        "one by one",
    ),
    "share ask": (0, ("NUMBERS", "--out", "QUESTION", "--secret", "SECRET"), "1 numbers"),
    "share answer": (0, ("QUESTION", "--group", "qinghe", "--out", "ANSWER"), "answered"),
    "share match": (0, ("NUMBERS", "ANSWER", "--out", "MATCH", "--secret", "SECRET"), "of 1"),
    "share export": (0, ("--group", "qinghe", "--out", "BLACK"), "refusals in"),
    "share take": (0, ("BLACK", "--group", "qinghe", "--door", "carrier"), "recorded"),
    "ledger status": (0, (), "order74-2026"),
    "ledger verify": (0, (), "sound"),
    "ledger rebuild": (2, (), "it would save its own"),
    "ledger forget": (2, (phone(1),), "stop it first"),
    "ledger checkpoint": (0, (), "control"),
    "prove": (2, ("5", "--out", "OUT"), "not in the ledger"),
    "verify": (1, ("OUT",), "not a zip file"),
    "keys create": (2, (), "keys.toml"),
    "keys rotate": (0, (), "restart every process"),
    "keys show": (0, (), "control"),
    "api-key create": (0, ("--account", "900001", "--scope", "reports"), "keep it now"),
    "api-key list": (0, (), "900001"),
    "api-key revoke": (2, ("0",), "no key in force"),
    "rulebook show": (0, ("order31-2015",), "order31-2015"),
    "rulebook diff": (1, ("order31-2015", "order74-2026"), "since"),
    "rulebook adopt": (0, ("BOOK",), "adopted as fact"),
    "shadow begin": (0, ("900009", "--reason", "试"), "nothing is blocked"),
    "shadow enforce": (0, ("900009", "--reason", "试"), "decisions hold"),
    "shadow report": (0, (), "no account"),
    "serve": (2, (), "one process writes a ledger"),
}
"""Each command, its exit code while a service runs, how it is called, what it says."""


APART = ("city ", "demo", "detect ", "lint ", "reading ", "watch ", "witness ")


def test_no_command_is_left_out_of_the_table() -> None:
    """Whoever adds a command says what it does while the service runs. The city has a ledger
    of its own, a witness another organisation's; lint, reading, detect and watch need none."""
    ours = {name.removeprefix("qingjing ") for name in commands()}
    assert {name for name in ours if not name.startswith(APART)} == set(WHILE_SERVING)


@pytest.mark.parametrize("command", WHILE_SERVING)
def test_each_command_works_while_serving_or_says_why_not(
    service: Service, command: str
) -> None:
    """In the order of the table, over one service; its exit codes are those without one."""
    code, words, says = WHILE_SERVING[command]
    books = Path(consent.__file__).parents[1] / "rulebooks"
    own = (books / "order74-2026.toml").read_text("utf-8").replace("order74-2026", "ours")
    files = {
        "LIST": str(service.folder / "members.csv"),
        "OUT": str(service.folder / "OUT.csv"),
        "REGISTER": str(Path(__file__).parents[2] / "bench" / "register.toml"),
        "FORM": service.write(
            "form.csv",
            "signature,company_name,company_credit_code,source\n"
            "云帆图书,云帆图书有限公司,91110105MA00QHXE2W,enterprises_and_institutions\n",
        ),
        "FORM2": str(service.folder / "form2.csv"),
        "CODE": service.run("register", "show", "qinghe", "--json").json()["party"][
            "credit_code"
        ],
        "BOOK": service.write("ours.toml", own),
        "NUMBERS": service.write("numbers.csv", f"phone\n{phone(8)}\n"),
        **{
            name: str(service.folder / name.lower())
            for name in ("PACK", "LEAD", "QUESTION", "ANSWER", "SECRET")
        },
        **{name: str(service.folder / f"{name.lower()}.csv") for name in ("MATCH", "BLACK")},
    }
    if "CASE" in words:
        listed = service.run("complaint", "list", "--json").json()["cases"]
        files["CASE"] = listed[-1]["number"]
    for word, room in (("FINDING", "finding"), ("MEASURE", "measure")):
        if word in words:
            listed = service.run(room, "list", "--json").json()[f"{room}s"]
            files[word] = listed[-1][room]
    found = service.run(*command.split(), *(files.get(word, word) for word in words))
    assert found.code == code, found
    assert says in found.out + found.err
    assert "Traceback" not in found.err


def test_what_was_entered_through_the_door_is_seen_by_every_way_of_looking(
    service: Service,
) -> None:
    """By the service itself, by a list scrubbed beside it, and by the next command."""
    who = phone(11)
    before = service.run("ledger", "status", "--json").json()["facts"]
    put = service.run("consent", "refuse", who, "--all", "--door", "call", "--json")
    assert put.json() == {"position": before + 1, "group": "*"}
    decided = service.run(*DECIDE, "--phone", who, "--json")
    assert (decided.code, decided.json()["standing"]) == (1, "refused")
    shown = service.run("consent", "show", who, "--json").json()
    assert [fact["position"] for fact in shown["facts"]] == [before + 1]
    out = service.folder / "beside.csv"
    words = ("scrub", str(service.folder / "members.csv"), "--out", str(out))
    assert service.run(*words, "--sender", "qinghe", "--category", "retail").code == 0
    refused = [row for row in out.read_text("utf-8-sig").splitlines() if "not_refused" in row]
    assert who in "".join(refused)


def test_what_is_wrong_is_told_as_without_a_service(service: Service) -> None:
    """Every field with its remedy, and nothing is written."""
    before = service.run("ledger", "status", "--json").json()["facts"]
    wrong = service.run("consent", "refuse", "12", "--group", "nobody", "--door", "window")
    assert wrong.code == 2
    assert [line.split(":")[1].strip() for line in wrong.err.splitlines()] == [
        "phone",
        "door",
        "group",
    ]
    assert service.run("ledger", "status", "--json").json()["facts"] == before


def test_a_file_too_large_for_one_turn_is_refused_with_the_remedy(service: Service) -> None:
    """Customers must not wait while somebody loads a register of a thousand ports."""
    port = (
        '[[ports]]\nport = "{}"\nholder = "tongda"\nkinds = ["service"]\n'
        'licence = "号〔2024〕00001"\nvalid_from = 2024-01-01\nvalid_until = 2030-01-01\n'
    )
    ports = [port.format(106_900_020_000 + number) for number in range(3000)]
    found = service.run("register", "load", service.write("ports.toml", "".join(ports)))
    assert found.code == 2
    assert "in parts" in found.err
    some = service.run("register", "load", service.write("some.toml", "".join(ports[:800])))
    assert (some.code, "800" in some.out) == (0, True)


def test_the_socket_is_its_owners_and_understands_its_own_words_alone(
    service: Service,
) -> None:
    """Garbage is answered or hung up on, and the service goes on."""
    path = service.data / SOCKET
    assert path.stat().st_mode & 0o777 == 0o600

    def put(data: bytes, length: int = 0) -> bytes:
        """Send one message; what comes back."""
        with socket.socket(socket.AF_UNIX) as mine:
            mine.connect(str(path))
            mine.sendall(struct.pack("!I", length or len(data)) + data)
            mine.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: mine.recv(65536), b""))

    assert put(b"", CALL_MAX + 1) == b""
    assert put(b"{", 100) == b""
    for wrong in (
        b"\xff\xfe",
        b"{}",
        b'{"verb": "os.remove", "given": {"path": "x"}}',
        b'{"verb": "qingjing.desk.consent.refuse", "given": {"phone": 1}}',
        b'{"verb": "qingjing.desk.consent.refuse", "given": {"colour": "red"}}',
        b'{"verb": "qingjing.desk.consent.refuse", "given": {}}',
    ):
        answer = msgspec.json.decode(put(wrong)[4:])
        assert "does not understand" in answer["error"]
    assert service.run("ledger", "status").code == 0


def test_a_long_list_is_imported_between_turns(tmp_path: Path) -> None:
    """Messages are decided between its slices, and the report is that of one import."""
    people = consent.IMPORT_ROWS + 500

    async def play() -> None:
        service = await asyncio.to_thread(Service, tmp_path)
        customer = await connect(await asyncio.to_thread(service.start))
        rows = "".join(f"{phone(1000 + i)},2026-01-02 09:00\n" for i in range(people))
        again = f"{phone(1000)},2026-01-03 09:00\n{phone(1)},soon\n"
        path = service.write("many.csv", "phone,given_at\n" + rows + again)
        sent = 0
        importing = asyncio.create_task(
            service.command("consent", "import", path, *TERMS, "--json")
        )
        while not importing.done():
            await customer.submit(offer(sent % PEOPLE), sent)
            customer.flush()
            sent += 1
            await asyncio.sleep(0.005)
        found = await importing
        report = found.json()
        assert (found.code, report["taken"], report["repeated"]) == (2, people, 1)
        assert [problem["field"] for problem in report["problems"]] == ["given_at"]
        positions = [fact["position"] for fact in report["facts"]]
        assert len(positions) == 2
        assert positions[1] > positions[0] + 1, "nothing was decided between the slices"
        await until(lambda: len(customer.answers) == sent)
        show = await service.command("consent", "show", phone(1000), "--json")
        (standing,) = show.json()["standings"]
        assert standing["grounds"] in positions
        assert await asyncio.to_thread(service.end) == 0
        assert (await service.command("ledger", "verify")).code == 0
        customer.close()

    asyncio.run(play())


def test_a_dead_services_socket_is_no_door_and_the_next_one_takes_its_place(
    tmp_path: Path,
) -> None:
    """After kill -9 commands open the ledger themselves; a clean stop leaves no socket."""
    service = Service(tmp_path)
    service.start()
    service.end(signal.SIGKILL)
    assert (service.data / SOCKET).exists()
    assert service.run("consent", "refuse", phone(1), "--group", "qinghe").code == 0
    service.start()
    assert service.run("consent", "refuse", phone(2), "--group", "qinghe").code == 0
    assert service.end() == 0
    assert not (service.data / SOCKET).exists()


def echo(desk: Desk, words: str, times: int = 1) -> str:
    """Say it back."""
    return words * times + str(desk.ledger.position)


def stumble(ledger: Ledger, t: Transaction, party: str) -> int:
    """A verb that a mistake was made in: it records before it is sure."""
    del ledger
    return t.append(PartyReinstated(party=party, reason=""))


def blunder(desk: Desk) -> None:
    """One that only looks, with a mistake in it."""
    del desk
    raise IndexError(phone(1))


def regret(ledger: Ledger, t: Transaction) -> None:
    """Another: it records, then finds what was handed in wrong."""
    consent.refuse(ledger, t, phone(1), "*", door="call")
    raise InputError(())


@asynccontextmanager
async def opened(
    folder: Path, owner: int | None = None
) -> AsyncIterator[tuple[Door, list[BaseException]]]:
    """A door over a ledger in memory, and what it said had failed."""
    ledger = memory.open_ledger(Vault(KeyFile.generate("door")), origin="door")
    failed: list[BaseException] = []
    door = Door(
        Desk(ledger, Reader(os.urandom), 1),
        Verbs((stumble, regret), (echo, blunder)),
        lambda: 0,
        failed.append,
        os.geteuid() if owner is None else owner,
    )
    await door.open(folder)
    try:
        yield door, failed
    finally:
        await door.close()


def test_calls_are_answered_in_any_folder_and_by_several_at_once(tmp_path: Path) -> None:
    """Also where its path is longer than a socket's address may be."""
    folder = tmp_path / ("long" * 40)
    folder.mkdir()

    async def call(times: int) -> str:
        async with running(folder) as clerk:
            assert await clerk.ask(echo, "a") == "a0"
            return await clerk.ask(echo, "b", times=times)

    async def play() -> None:
        async with opened(folder) as (_door, failed):
            found = await asyncio.gather(*map(call, range(20)))
            assert found == ["b" * times + "0" for times in range(20)]
        assert failed == []
        with pytest.raises(NoDoorError):
            await call(1)

    asyncio.run(play())


def test_another_user_is_turned_away(tmp_path: Path) -> None:
    """The file's mode keeps all out but the superuser, who is told to be the service's user."""

    async def play() -> None:
        async with opened(tmp_path, os.geteuid() + 1), running(tmp_path) as clerk:
            with pytest.raises(DoorError, match="as the user"):
                await clerk.ask(echo, "a")

    asyncio.run(play())


def test_a_mistake_in_a_verb_does_not_end_the_service_unless_the_ledger_broke(
    tmp_path: Path,
) -> None:
    """A question must not stop the traffic. What broke the ledger is left open, and the
    service ends: half a service would not be noticed."""

    async def play() -> None:
        for verb, given in ((stumble, ("nobody",)), (regret, ())):
            async with opened(tmp_path) as (_door, failed), running(tmp_path) as clerk:
                with pytest.raises(DoorError, match="IndexError in blunder") as told:
                    await clerk.ask(blunder)
                assert phone(1) not in str(told.value)
                assert await clerk.ask(echo, "still ") == "still 0"
                assert failed == []
                with pytest.raises(UnansweredError):
                    await clerk.write(verb, *given)
                assert [type(error) for error in failed] == [LedgerBroken]

    asyncio.run(play())


def test_a_service_that_ends_before_it_answers_leaves_it_open(tmp_path: Path) -> None:
    """Exit code 3: a program that enters refusals must not take it for done, nor for undone."""
    made = Service(tmp_path)

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4)
        writer.close()

    async def play() -> None:
        async with app.open_desk(
            load_settings(tmp_path / "qingjing.toml"), now=lambda: 0, warn=print
        ):
            told = await made.command("consent", "refuse", phone(1), "--all")
            assert (told.code, "takes no commands" in told.err) == (2, True)
            server = await asyncio.start_unix_server(hang_up, made.data / SOCKET)
            told = await made.command("consent", "refuse", phone(1), "--all")
            assert (told.code, "is not known" in told.err) == (3, True)
            server.close()

    asyncio.run(play())


def test_what_is_read_beside_a_writer_is_of_one_moment(tmp_path: Path) -> None:
    """It knows all that was committed by then and nothing later, and records nothing."""
    made = Service(tmp_path)
    settings = load_settings(tmp_path / "qingjing.toml")
    house = House()

    async def play() -> None:
        async with house.open_desk(settings) as desk:
            ledger = desk.ledger
            async with ledger.transaction(house.now()) as t:
                consent.refuse(ledger, t, phone(1), "qinghe", door="call")
            async with house.open_beside(settings) as seen:
                async with ledger.transaction(house.now()) as t:
                    consent.refuse(ledger, t, phone(2), "qinghe", door="call")
                last = seen.ledger.position
                assert last == ledger.position - 1
                assert seen.ledger.encoded(last) == ledger.encoded(last)
                assert seen.ledger.encoded(last + 1) is None
                for number in range(4):
                    for which, refused in ((ledger, (1, 2)), (seen.ledger, (1,))):
                        handle = which.find(Phone.parse(phone(number))).handle
                        standing = which.standings.person(handle, "qinghe", "qinghe-group")
                        assert standing.refused == (number in refused)
                        assert bool(standing.grounds)
                note = seen.ledger.checkpoint(house.now())
                with pytest.raises(LedgerBroken, match="opened to read"):
                    async with seen.ledger.transaction(house.now()) as t:
                        consent.refuse(seen.ledger, t, phone(3), "qinghe", door="call")
            assert f"\n{last}\n" in note

    asyncio.run(play())
    vault = Vault(load(made.folder / "keys.toml"))
    store = sqlite.SqliteStore(made.data, vault)
    with pytest.raises(LedgerBusy):
        sqlite.SqliteStore(made.data, vault)
    beside.BesideStore(made.data, vault).close()
    with pytest.raises(LedgerBroken, match="key file"):
        beside.BesideStore(made.data, Vault(KeyFile.generate("other")))
    store.close()
    assert not beside.ready(tmp_path / "nowhere")
