"""The gateway on real sockets: answers, reports, refusals, long messages, bad input."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from gateway_house import (
    ALSO_CONSENTED,
    CONSENTED,
    PORT,
    SECOND_PORT,
    SERVICE_PORT,
    STRANGER,
    House,
    house,
)

from qingjing.city.carrier import Habits
from qingjing.city.customer import Answer, CustomerClient
from qingjing.doors.gateway.results import RESULTS
from qingjing.wire import cmpp, cmpp_tables, content

OFFER = "【青禾商城】双11会员日全场满300减50,精选好物低至5折,拒收请回复R"
SECOND_OFFER = OFFER.replace("青禾商城", "青禾优选")
CODE = "【青禾商城】您的验证码是482913,5分钟内有效,请勿泄露给他人。"


@pytest.fixture
def running() -> Iterator[House]:
    """A gateway of its own for each test."""
    with house() as made:
        yield made


class Talk:
    """A client in the gateway's loop, used from the test's thread."""

    def __init__(self, running: House, **options: Any) -> None:
        self.house = running
        known = {"account": "900001", "secret": b"888888"} | options
        self.client = CustomerClient(clock=running.loop.time, **known)
        self.status = running.call(lambda: self.client.connect(running.port))
        self.tags = 0

    def send(self, *pdus: cmpp_tables.Submit) -> list[Answer]:
        """Submit some PDUs at once and wait for their answers."""
        tags = list(range(self.tags, self.tags + len(pdus)))
        self.tags += len(pdus)

        async def work() -> None:
            for tag, pdu in zip(tags, pdus, strict=True):
                await self.client.submit(pdu, tag)
            self.client.flush()

        self.house.call(work)
        self.house.until(lambda: all(tag in self.client.answers for tag in tags))
        return [self.client.answers[tag] for tag in tags]

    def raw(self, data: bytes) -> None:
        """Write bytes that no session would."""

        async def work() -> None:
            assert self.client.line is not None
            assert self.client.line._transport is not None
            self.client.line._transport.write(data)

        self.house.call(work)


def submit(
    body: str, *phones: str, port: str = PORT, report: int = 1, **fields: Any
) -> cmpp_tables.Submit:
    """One SUBMIT."""
    return cmpp_tables.Submit(
        Msg_src="900001",
        Src_Id=port,
        Dest_terminal_Id=phones,
        Registered_Delivery=report,
        Msg_Content=body.encode("utf-16-be"),
        **fields,
    )


def test_a_passed_message_reaches_the_carrier_and_its_report_the_customer(
    running: House,
) -> None:
    """0 with an id, the text at the carrier, DELIVRD under that id."""
    talk = Talk(running)
    (answer,) = talk.send(submit(OFFER, CONSENTED))

    running.until(lambda: answer.Msg_Id in talk.client.reports)
    received = running.carriers["mobile"].received[-1]
    assert answer.Result == 0
    assert talk.client.reports[answer.Msg_Id] == "DELIVRD"
    assert content.decode_text(received.content, received.coding) == OFFER
    running.until(lambda: running.gateway.engine.unsettled == 0)


def test_each_refusal_tells_its_own_reason(running: House) -> None:
    """No consent, foreign port, unknown signature, no notice, disguised, no mobile number."""
    talk = Talk(running)
    answers = talk.send(
        submit(OFFER, STRANGER),
        submit(OFFER, CONSENTED, port="10690099"),
        submit(OFFER.replace("青禾", "白禾"), CONSENTED),
        submit(OFFER.replace(",拒收请回复R", ""), CONSENTED),
        submit(OFFER, CONSENTED, port=SERVICE_PORT),
        submit(OFFER, "12345"),
    )

    codes = [answer.Result for answer in answers]
    assert codes[:4] == [
        RESULTS["grounds_present"],
        RESULTS["port_known"],
        RESULTS["signature_registered"],
        RESULTS["notice_present"],
    ]
    assert codes[4] == RESULTS["kind_in_scope"]
    assert codes[5] == RESULTS["number_valid"]
    assert all(answer.Msg_Id == 0 for answer in answers)
    assert not any(simulator.received for simulator in running.carriers.values())


def test_a_reply_t_stops_the_whole_group_on_every_port_and_signature(running: House) -> None:
    """After T to one port, the other port and signature are refused too; codes still pass."""
    talk = Talk(running)
    assert [answer.Result for answer in talk.send(submit(OFFER, CONSENTED))] == [0]
    before = running.desk.ledger.position

    async def reply() -> bool:
        return running.carriers["mobile"].reply(CONSENTED, PORT, "T")

    assert running.call(reply)
    running.until(lambda: running.desk.ledger.position > before + 1)
    answers = talk.send(
        submit(OFFER, CONSENTED),
        submit(SECOND_OFFER, CONSENTED, port=SECOND_PORT),
        submit(CODE, CONSENTED, port=SERVICE_PORT),
        submit(OFFER, ALSO_CONSENTED),
    )

    stopped = RESULTS["not_refused"]
    assert [answer.Result for answer in answers] == [stopped, stopped, 0, 0]
    running.until(lambda: len(talk.client.replies) == 1)
    assert talk.client.replies[0].words == "T"


def test_what_was_queued_before_a_refusal_does_not_leave_after_it() -> None:
    """A throttling carrier keeps messages queued; T stops them, and the customer is told."""
    with house(Habits(throttle=1.0)) as running:
        talk = Talk(running)
        mobile = running.carriers["mobile"]
        # The windows of two connections fill up with what the carrier will not take.
        for i in range(64):
            running.consent(f"1380013{8100 + i}")
        filling = [submit(OFFER, f"1380013{8100 + i}") for i in range(64)]
        talk.send(*filling)
        (queued,) = talk.send(submit(OFFER, CONSENTED))
        assert queued.Result == 0

        async def reply() -> bool:
            return mobile.reply(CONSENTED, PORT, "退订")

        assert running.call(reply)
        running.until(lambda: len(talk.client.replies) == 1)
        mobile.behave(Habits())
        running.until(lambda: queued.Msg_Id in talk.client.reports)

        assert talk.client.reports[queued.Msg_Id] == "REJECTD"
        assert CONSENTED not in {received.phone for received in mobile.received}


def test_a_submit_to_many_passes_whom_it_may_and_reports_the_others(running: House) -> None:
    """One PDU, two numbers: 0 for the PDU, DELIVRD for the one, REJECTD for the other."""
    talk = Talk(running)
    (answer,) = talk.send(submit(OFFER, CONSENTED, STRANGER))
    first, second = cmpp.msg_ids(answer.Msg_Id, 2)

    running.until(lambda: {first, second} <= set(talk.client.reports))
    assert answer.Result == 0
    assert talk.client.reports[first] == "DELIVRD"
    assert talk.client.reports[second] == "REJECTD"


def long_parts(body: str, phone: str, reference: int) -> list[cmpp_tables.Submit]:
    """A long text as the PDUs of its parts."""
    parts = content.split(body, content.UCS2, reference)
    return [
        cmpp_tables.Submit(
            Pk_total=len(parts),
            Pk_number=number,
            TP_udhi=1,
            Msg_src="900001",
            Src_Id=PORT,
            Dest_terminal_Id=(phone,),
            Msg_Content=part.content,
        )
        for number, part in enumerate(parts, 1)
    ]


LONG = OFFER.replace(
    ",拒收", ",数码家电美妆零食全部参加,到店自提再享会员折上折,先到先得" * 2 + ",拒收"
)


def test_parts_of_a_long_message_in_any_order_arrive_whole_and_each_is_reported(
    running: House,
) -> None:
    """The last part first: every part is answered 0 and gets its own report."""
    talk = Talk(running)
    answers = talk.send(*reversed(long_parts(LONG, CONSENTED, 9)))
    references = {answer.Msg_Id for answer in answers}

    running.until(lambda: references <= set(talk.client.reports))
    received = running.carriers["mobile"].received
    parts = [content.Part(x.udhi, x.coding, x.content) for x in received]
    assert [answer.Result for answer in answers] == [0] * len(answers)
    assert content.join(parts) == LONG


def test_half_a_long_message_is_never_sent_and_its_part_is_reported(running: House) -> None:
    """A part whose rest does not come is answered, dropped in time, and reported REJECTD."""
    talk = Talk(running)
    (answer,) = talk.send(long_parts(LONG, CONSENTED, 10)[0])

    running.until(lambda: answer.Msg_Id in talk.client.reports)
    assert answer.Result == 0
    assert talk.client.reports[answer.Msg_Id] == "REJECTD"
    assert running.carriers["mobile"].received == []


def test_bad_contents_are_answered_and_the_connection_goes_on(running: House) -> None:
    """An odd UCS2 length, a broken header, GBK that is none: structure error, then business."""
    talk = Talk(running)
    odd = submit("", CONSENTED)._replace(Msg_Content=b"\x4e")
    header = submit("", CONSENTED)._replace(TP_udhi=1, Msg_Content=b"\x99abc")
    gbk = submit("", CONSENTED)._replace(Msg_Fmt=15, Msg_Content=b"\xff\xff\xff")
    answers = talk.send(odd, header, gbk, submit(OFFER, CONSENTED))

    structure = int(cmpp.Result.STRUCTURE)
    assert [answer.Result for answer in answers] == [structure, structure, structure, 0]


def test_garbage_ends_one_connection_and_no_other(running: House) -> None:
    """A frame of an impossible length closes its connection; the other goes on."""
    bad, good = Talk(running), Talk(running)
    bad.raw(b"\xff\xff\xff\xff\x00\x00\x00\x04")

    running.until(lambda: bad.client.line is None)
    assert [answer.Result for answer in good.send(submit(OFFER, CONSENTED))] == [0]


def test_a_stranger_and_a_wrong_secret_are_not_let_in(running: House) -> None:
    """Status 2 for an unknown account, 3 for a wrong digest."""

    async def connect(account: str, secret: bytes) -> int:
        client = CustomerClient(account=account, secret=secret, clock=running.loop.time)
        return await client.connect(running.port)

    assert running.call(lambda: connect("999999", b"888888")) == 2
    assert running.call(lambda: connect("900001", b"wrong")) == 3


def test_a_customer_on_cmpp_2_gets_reports_in_its_own_layout(running: House) -> None:
    """Result of one octet, a report of sixty."""
    talk = Talk(running, version="2.0")
    (passed, refused) = talk.send(submit(OFFER, CONSENTED), submit(OFFER, STRANGER))

    running.until(lambda: passed.Msg_Id in talk.client.reports)
    assert passed.Result == 0
    assert refused.Result == RESULTS["grounds_present"]


def test_a_report_waits_for_a_customer_that_is_away(running: House) -> None:
    """The customer hangs up after the answer and finds the report when it comes back."""
    for simulator in running.carriers.values():
        simulator.behave(Habits(report_after_s=0.3))
    talk = Talk(running)
    (answer,) = talk.send(submit(OFFER, CONSENTED))

    async def hang_up() -> None:
        talk.client.close()
        await asyncio.sleep(0)

    running.call(hang_up)
    running.until(lambda: talk.client.line is None)
    running.until(lambda: running.carriers["mobile"].reported == 1)
    back = Talk(running)
    running.until(lambda: answer.Msg_Id in back.client.reports)
    assert back.client.reports[answer.Msg_Id] == "DELIVRD"


@pytest.mark.parametrize(
    "habits",
    [
        Habits(early_report=1.0),
        Habits(twice=1.0),
        Habits(report_after_s=0.2),
        Habits(throttle=0.5),
    ],
    ids=["early", "twice", "late", "throttled"],
)
def test_reports_find_their_message_however_the_carrier_behaves(habits: Habits) -> None:
    """Early, doubled, late on another connection, after throttling: one report a message."""
    with house(habits) as running:
        talk = Talk(running)
        answers = talk.send(submit(OFFER, CONSENTED), submit(OFFER, ALSO_CONSENTED))

        references = {answer.Msg_Id for answer in answers}
        running.until(lambda: references <= set(talk.client.reports))
        assert {talk.client.reports[reference] for reference in references} == {"DELIVRD"}
        running.until(lambda: running.gateway.engine.unsettled == 0)
        assert len(running.carriers["mobile"].received) == 2


def test_a_cut_carrier_connection_means_unknown_and_never_a_second_sending() -> None:
    """The carrier takes it and breaks the line: UNKNOWN for the customer, sent once."""
    with house(Habits(cut=1.0)) as running:
        talk = Talk(running)
        (answer,) = talk.send(submit(OFFER, CONSENTED))

        running.until(lambda: answer.Msg_Id in talk.client.reports)
        running.carriers["mobile"].behave(Habits())
        assert talk.client.reports[answer.Msg_Id] == "UNKNOWN"
        assert len(running.carriers["mobile"].received) == 1
