"""SGIP on real sockets, towards customers and carriers, with the other protocols between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from gateway_house import ALSO_CONSENTED, CONSENTED, PORT, STRANGER
from sgip_house import NODE, UNICOM, UNICOM_LATER, Town, town
from test_gateway import LONG, OFFER

from qingjing.city.carrier import Habits
from qingjing.city.tongues import pieces
from qingjing.doors.gateway.dialect import Reply
from qingjing.doors.gateway.gateway import CARRIERS
from qingjing.doors.gateway.results import RESULTS
from qingjing.wire import content, sgip, sgip_tables
from qingjing.wire.protocol import PDU
from qingjing.wire.sgip import ReportFlag, State


def play(
    folder: Path,
    work: Callable[[Town], Awaitable[None]],
    habits: Habits | None = None,
    *,
    duplex: bool = False,
) -> None:
    """Run a story in a town of its own."""

    async def run() -> None:
        async with town(folder, habits, duplex=duplex) as made:
            await work(made)

    asyncio.run(run())


def submits(
    phone: str, body: str = OFFER, *, reference: int = 0, report: int = ReportFlag.ALWAYS
) -> list[sgip_tables.Submit]:
    """A text as the Submits of its parts."""
    return [
        sgip_tables.Submit(
            SPNumber=PORT,
            UserNumber=(sgip.prefixed(phone),),
            CorpId="12345",
            ReportFlag=report,
            TP_udhi=part.tp_udhi,
            MessageCoding=part.msg_fmt,
            MessageContent=part.content,
        )
        for part in content.split(body, content.UCS2, reference)
    ]


def short(phone: str, body: str = OFFER, report: int = ReportFlag.ALWAYS) -> sgip_tables.Submit:
    """One Submit."""
    (pdu,) = submits(phone, body, report=report)
    return pdu


def test_a_message_of_an_sgip_customer_reaches_a_cmpp_carrier_and_is_reported_back(
    tmp_path: Path,
) -> None:
    """0, the text at the carrier, and a report of that number over a connection of ours."""

    async def story(here: Town) -> None:
        (answer,) = await here.send(short(CONSENTED))
        await here.until(lambda: here.state(answer) is not None)

        (received,) = here.mobile.received
        told = here.told(answer)
        assert answer.Result == 0
        assert (received.phone, received.port) == (CONSENTED, PORT)
        assert content.decode_text(received.content, received.coding) == OFFER
        assert told == (State.DELIVERED, 0, "qingjing")
        await here.until(lambda: here.gateway.engine.unsettled == 0)

    play(tmp_path, story)


def test_a_message_of_a_cmpp_customer_reaches_an_sgip_carrier_and_is_reported_back(
    tmp_path: Path,
) -> None:
    """The carrier is given our node's number, tells of it over its own connection, and the
    customer hears of the id that it was given."""

    async def story(here: Town) -> None:
        (piece,) = pieces(PORT, UNICOM, OFFER, content.UCS2, 1)
        await here.cmpp.send(piece, 1)
        here.cmpp.flush()
        await here.until(lambda: bool(here.cmpp.reports))

        (received,) = here.unicom.received
        number = sgip.split_msg_id(received.msg_id.to_bytes(12, "big"))
        assert here.cmpp.answers[1].Result == 0
        assert here.cmpp.reports == {here.cmpp.answers[1].Msg_Id: "DELIVRD"}
        assert (received.phone, number.node) == (UNICOM, NODE)
        assert content.decode_text(received.content, received.coding) == OFFER
        assert here.unicom.calls == 1

    play(tmp_path, story)


@pytest.mark.parametrize("duplex", [False, True], ids=["both ways", "duplex"])
def test_a_long_message_goes_from_sgip_to_sgip_and_each_part_is_reported(
    tmp_path: Path, duplex: bool
) -> None:
    """The last part first: whole at the carrier; each number of the customer has a report."""

    async def story(here: Town) -> None:
        parts = submits(UNICOM, LONG, reference=9)
        answers = await here.send(*reversed(parts))
        await here.until(lambda: len(here.sgip.told) == len(parts))

        received = [content.Part(x.udhi, x.coding, x.content) for x in here.unicom.received]
        assert len(parts) > 1
        assert [answer.Result for answer in answers] == [0] * len(parts)
        assert all(here.state(answer, UNICOM) == State.DELIVERED for answer in answers)
        assert content.join(received) == LONG
        assert here.sgip.told_again == 0

    play(tmp_path, story, duplex=duplex)


def test_a_reply_t_over_sgip_takes_effect_and_goes_on_to_the_sgip_customer(
    tmp_path: Path,
) -> None:
    """Acknowledged, then refused at once: and the words come over our connection."""

    async def story(here: Town) -> None:
        await here.unicom.say(UNICOM, PORT, "T")
        refused, passed = await here.send(short(UNICOM), short(UNICOM_LATER))
        await here.until(lambda: bool(here.sgip.replies))

        (reply,) = here.sgip.replies
        assert refused.Result == RESULTS["not_refused"]
        assert passed.Result == 0
        assert reply == Reply(UNICOM, PORT, "T")

    play(tmp_path, story)


def test_what_an_sgip_customer_may_not_do_is_refused_with_its_reason(tmp_path: Path) -> None:
    """Reasons by their numbers; bad content 5, billing without a message 30, a part twice 9."""

    async def story(here: Town) -> None:
        part = submits(CONSENTED, LONG, reference=7)[0]
        answers = await here.send(
            short(STRANGER),
            short(CONSENTED, OFFER.replace("青禾", "白禾")),
            short(CONSENTED)._replace(MessageContent=b"\x4e"),
            short(CONSENTED, report=ReportFlag.BILLING),
            part,
            part,
            short(CONSENTED),
        )

        reasons = [RESULTS["grounds_present"], RESULTS["signature_registered"]]
        assert [x.Result for x in answers] == [*reasons, 5, 30, 0, 9, 0]

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("flag", "undelivered", "told"),
    [
        (ReportFlag.FAILURE, 0.0, None),
        (ReportFlag.FAILURE, 1.0, State.FAILED),
        (ReportFlag.ALWAYS, 1.0, State.FAILED),
        (ReportFlag.NEVER, 1.0, None),
    ],
)
def test_a_report_comes_when_its_flag_asks_for_it(
    tmp_path: Path, flag: int, undelivered: float, told: int | None
) -> None:
    """Failures alone, always, never: whatever is not reported is settled all the same."""

    async def story(here: Town) -> None:
        (answer,) = await here.send(short(CONSENTED, report=flag))
        await here.until(lambda: here.gateway.engine.unsettled == 0)
        await here.until(lambda: here.mobile.reported == 1)

        assert here.state(answer) == told

    play(tmp_path, story, Habits(undelivered=undelivered))


def test_a_submit_to_a_hundred_is_reported_number_by_number(tmp_path: Path) -> None:
    """One answer; a report of each number under the one number of the Submit."""

    async def story(here: Town) -> None:
        phones = [f"1380013{place}" for place in range(8200, 8298)]
        await here.agree(*phones)
        numbers = tuple("86" + phone for phone in [*phones, STRANGER, "12345"])
        (answer,) = await here.send(short(CONSENTED)._replace(UserNumber=numbers))
        await here.until(lambda: len(here.sgip.told) == 100)

        assert answer.Result == 0
        assert all(here.state(answer, phone) == State.DELIVERED for phone in phones)
        assert here.told(answer, STRANGER) == (2, 30, "qingjing")
        assert here.told(answer, "12345") == (2, 30, "qingjing")

    play(tmp_path, story)


def test_idle_connections_end_and_are_dialled_again_when_there_is_something_to_say(
    tmp_path: Path,
) -> None:
    """After a minute of silence nothing is connected; the next message finds its way, both
    up to the carrier and back to the customer."""

    async def story(here: Town) -> None:
        (first,) = await here.send(short(UNICOM))
        await here.until(lambda: here.state(first, UNICOM) is not None)
        calls = here.sgip.calls, here.unicom.calls
        here.ahead += 61.0
        await here.until(lambda: not (here.unicom.dialled or here.sgip.visitors))
        await here.until(lambda: here.sgip.line is None and here.unicom.back is None)
        await asyncio.sleep(0.6)
        assert not here.unicom.dialled, "dialled though there is nothing to say"

        await here.login()
        (second,) = await here.send(short(UNICOM))
        await here.until(lambda: here.state(second, UNICOM) is not None)
        assert calls == (1, 1)
        assert (here.sgip.calls, here.unicom.calls) == (2, 2)
        assert len(here.unicom.dialled) == 1

    play(tmp_path, story)


def test_a_duplex_connection_to_a_carrier_comes_back_by_itself(tmp_path: Path) -> None:
    """Reports come on it, so it must be there; a message that was sent is still reported."""

    async def story(here: Town) -> None:
        here.unicom.behave(Habits(report_after_s=0.3))
        (answer,) = await here.send(short(UNICOM))
        await here.until(lambda: len(here.unicom.received) == 1)
        here.unicom.dialled[0].close()
        await here.until(lambda: here.state(answer, UNICOM) is not None)

        assert len(here.unicom.dialled) == 1
        assert here.sgip.calls == 0

    play(tmp_path, story, duplex=True)


def test_a_cut_carrier_connection_is_unknown_and_the_next_message_passes(
    tmp_path: Path,
) -> None:
    """What was handed over and not answered fails for the customer, and is sent once."""

    async def story(here: Town) -> None:
        (lost,) = await here.send(short(UNICOM))
        await here.until(lambda: here.state(lost, UNICOM) is not None)
        (passed,) = await here.send(short(UNICOM_LATER))
        await here.until(lambda: here.state(passed, UNICOM_LATER) is not None)

        assert here.state(lost, UNICOM) == State.FAILED
        assert here.state(passed, UNICOM_LATER) == State.DELIVERED
        assert [x.phone for x in here.unicom.received] == [UNICOM, UNICOM_LATER]

    play(tmp_path, story, Habits(cut_at=1))


def test_reports_are_kept_while_the_customers_listener_is_away(tmp_path: Path) -> None:
    """Nobody listens at its address; when it does again, it is told."""

    async def story(here: Town) -> None:
        here.sgip.deafen()
        answers = await here.send(short(CONSENTED), short(ALSO_CONSENTED))
        await here.until(lambda: here.mobile.reported == 2)
        await asyncio.sleep(0.5)
        assert not here.sgip.told
        assert here.gateway.engine.unsettled == 2

        await here.sgip.listen(here.ports["back"])
        await here.until(lambda: len(here.sgip.told) == 2)
        assert here.state(answers[0]) == State.DELIVERED
        assert here.state(answers[1], ALSO_CONSENTED) == State.DELIVERED

    play(tmp_path, story)


def test_a_report_after_a_restart_names_the_submit_of_before(tmp_path: Path) -> None:
    """The customer's own numbers, of a short message, of all parts of a long one and of a part
    whose rest never came, are read from the record; and ours do not repeat."""

    async def story(here: Town) -> None:
        here.mobile.hold()
        here.unicom.behave(Habits(report_after_s=3_600.0))
        long = submits(CONSENTED, LONG, reference=9)
        half = submits(ALSO_CONSENTED, LONG, reference=5)[0]
        answers = await here.send(short(CONSENTED), *long, half)
        (waiting,) = await here.send(short(UNICOM))
        await here.until(lambda: len(here.mobile.received) == len(long) + 1)
        await here.until(lambda: len(here.unicom.received) == 1)
        await here.crash()
        assert not here.sgip.told

        await here.restart()
        here.ahead += 3_600.0
        await here.until(lambda: here.sgip.line is None)
        await here.login()
        await here.send(short(UNICOM_LATER))
        await here.until(lambda: len(here.sgip.told) >= len(answers) + 1)
        states = [here.state(answer) for answer in answers[:-1]]
        assert states == [State.FAILED] * len(states), "handed over and never answered"
        assert here.state(answers[-1], ALSO_CONSENTED) == State.FAILED
        await here.until(lambda: here.state(waiting, UNICOM) == State.DELIVERED)
        await here.until(lambda: len(here.unicom.received) == 2)
        ids = [sgip.split_msg_id(x.msg_id.to_bytes(12, "big")) for x in here.unicom.received]
        assert len({number.counter % 64 for number in ids}) == 2

    play(tmp_path, story)


async def asked(port: int, *pdus: PDU) -> list[int]:
    """The Results of these, sent under their own numbers over a new connection that says
    nothing more."""
    layouts = sgip_tables.LAYOUTS[sgip_tables.V12]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    commands = {sgip_tables.Bind: 1, sgip_tables.Submit: 3}
    bind = sgip_tables.Bind(bytes(12), 1, "qinghe-sgip", "888888")
    results: list[int] = []
    for pdu in (bind, *pdus):
        writer.write(layouts[commands[type(pdu)]].encode(pdu))
        answer = await reader.readexactly(29)
        assert answer[8:20] == pdu[0]
        results.append(answer[20])
    writer.close()
    await writer.wait_closed()
    return results[1:]


def test_what_is_sent_again_over_another_connection_goes_to_nobody_twice(
    tmp_path: Path,
) -> None:
    """The same number is the same message: 0 again, also after a restart, also for a part that
    waits; another text under it 9. What was refused is decided anew."""

    async def story(here: Town) -> None:
        here.mobile.hold()
        port = here.gateway.ports["sgip"]
        number, second, third = (bytes(11) + bytes((n,)) for n in (1, 2, 3))
        offer = short(CONSENTED)._replace(SequenceNumber=number)
        half = submits(ALSO_CONSENTED, LONG)[0]._replace(SequenceNumber=second)
        refused = short(UNICOM.replace("130", "131"))._replace(SequenceNumber=third)
        no = RESULTS["grounds_present"]
        assert await asked(port, offer, half, refused) == [0, 0, no]
        other = offer._replace(MessageContent=OFFER[:-1].encode("utf-16-be"))
        assert await asked(port, offer, half, other) == [0, 0, 9]
        await here.agree(UNICOM.replace("130", "131"))
        assert await asked(port, refused) == [0]
        await here.until(lambda: len(here.mobile.received) == 1)

        await here.crash()
        await here.restart()
        assert await asked(here.gateway.ports["sgip"], offer, half) == [0, 0]
        await here.until(lambda: here.gateway.engine.idle)
        assert len(here.mobile.received) == 1

    play(tmp_path, story)


@pytest.mark.parametrize(
    "habits",
    [Habits(early_report=1.0), Habits(twice=1.0), Habits(throttle=0.5)],
    ids=["early", "twice", "throttled"],
)
def test_reports_over_the_other_connection_find_their_message(
    tmp_path: Path, habits: Habits
) -> None:
    """Before the answer, doubled, after throttling: one report a message, sent once."""

    async def story(here: Town) -> None:
        answers = await here.send(short(UNICOM), short(UNICOM_LATER))
        await here.until(lambda: here.gateway.engine.unsettled == 0)

        assert here.state(answers[0], UNICOM) == State.DELIVERED
        assert here.state(answers[1], UNICOM_LATER) == State.DELIVERED
        assert len(here.unicom.received) == 2
        assert here.sgip.told_again == 0

    play(tmp_path, story, habits)


def test_who_does_not_fit_is_not_let_in_on_either_listener(tmp_path: Path) -> None:
    """A wrong secret or account 1, the login type of the other listener 4."""

    async def story(here: Town) -> None:
        ports = here.gateway.ports
        tries = [
            (ports["sgip"], here.customer(secret=b"wrong")),
            (ports["sgip"], here.customer(account="nobody")),
            (ports["sgip"], here.customer(account="900001")),
            (ports[CARRIERS], here.customer(account="unicom", secret=b"secret")),
            (ports[CARRIERS], here.customer()),
        ]
        assert [await client.connect(port) for port, client in tries] == [1, 1, 1, 4, 1]
        await here.until(lambda: len(here.gateway.visitors) == 0)

    play(tmp_path, story)
