"""SMPP's own: binds, forms of long messages, receipts, what is not served, and its carriers."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gateway_house import ALSO_CONSENTED, CONSENTED, PORT, STRANGER, House, house
from gateway_talk import LONG, OFFER, Talk, account

from qingjing.doors.gateway.dialect import Trouble
from qingjing.doors.gateway.dialects import smpp as dialect
from qingjing.doors.gateway.results import RESULTS
from qingjing.doors.gateway.results_smpp import STATUSES, TROUBLES
from qingjing.settings import Smpp
from qingjing.wire import content
from qingjing.wire import smpp_pdus as pdus
from qingjing.wire.content import Part, decode_text
from qingjing.wire.protocol import PDU
from qingjing.wire.smpp import Status
from qingjing.wire.smpp_message import Way, with_part
from qingjing.wire.smpp_receipt import read_receipt
from qingjing.wire.smpp_tables import TAGS
from qingjing.wire.tlv import Tlv, make

UCS2 = content.UCS2
SENDER = Tlv(0x1400, b"P1234567890\0")
OTHER = Tlv(0x1401, b"T1\0")


@pytest.fixture(scope="module")
def running() -> Iterator[House]:
    """An SMPP customer and SMPP carriers that are sent one vendor's parameter."""
    habits = Smpp(tags=(SENDER.tag,))
    accounts = account("smpp", connections_max=100)
    with house(accounts=accounts, protocol="smpp", smpp=habits) as made:
        yield made


Opened = Callable[..., Talk]


@pytest.fixture
def opened(running: House) -> Iterator[Opened]:
    """Logs customers in, who hang up at the end: else they took what others wait for."""
    made: list[Talk] = []

    def talk(**options: Any) -> Talk:
        made.append(Talk(running, "smpp", **options))
        return made[-1]

    yield talk
    for one in made:
        if one.client.line is not None:
            one.hang_up()


def submit(body: str, phone: str = CONSENTED, **fields: Any) -> pdus.SubmitSm:
    """A submit_sm of a short text, with a receipt asked for."""
    values: dict[str, Any] = {
        "source_addr": PORT,
        "destination_addr": phone,
        "registered_delivery": 1,
        "data_coding": UCS2,
        "short_message": body.encode("utf-16-be"),
    }
    return pdus.SubmitSm(**(values | fields))


def text_at(running: House, place: int = -1) -> str | bytes:
    """The text of something that the carrier received."""
    received = running.carriers["mobile"].received[place]
    size = content.read_udh(received.content).size if received.udhi else 0
    return decode_text(received.content[size:], received.coding)


def whole_at(running: House, since: int) -> str | bytes:
    """The text that the parts since then join to."""
    received = running.carriers["mobile"].received[since:]
    return content.join([Part(x.udhi, x.coding, x.content) for x in received])


def parts(body: str) -> list[Part]:
    """Its parts, as a customer cuts it."""
    return content.split(body, UCS2, 7)


@pytest.mark.parametrize("form", ["udh", "sar", "both", "payload"])
def test_a_long_text_is_read_in_every_form(running: House, opened: Opened, form: str) -> None:
    """A header, three parameters, both of them (the header holds), or one message_payload."""
    person = f"1380013820{['udh', 'sar', 'both', 'payload'].index(form)}"
    running.consent(person)
    talk, before = opened(), len(running.carriers["mobile"].received)
    bare = submit("", person, short_message=b"")
    if form == "payload":
        payload = make(TAGS, 0x0424, LONG.encode("utf-16-be"))
        submits = [bare._replace(tlvs=(payload,))]
    else:
        way = Way.SAR if form == "sar" else Way.UDH
        submits = [with_part(bare, part, way=way) for part in parts(LONG)]
    if form == "both":
        wrong = (make(TAGS, 0x020C, 9), make(TAGS, 0x020E, 3), make(TAGS, 0x020F, 3))
        submits = [one._replace(tlvs=wrong) for one in submits]
    answers = talk.send(*submits)

    assert {answer.Result for answer in answers} == {0}
    assert talk.reported(answers) == {"DELIVRD"}
    assert whole_at(running, before) == LONG


def test_a_text_in_two_places_is_refused(opened: Opened) -> None:
    """short_message and message_payload at once: the submit fails, the connection lives."""
    talk = opened()
    doubled = submit(OFFER, tlvs=(make(TAGS, 0x0424, b"x"),))
    (answer, good) = talk.send(doubled, submit(OFFER, ALSO_CONSENTED))

    assert answer.pdu[0] == TROUBLES[Trouble.UNREADABLE] == Status.RSUBMITFAIL
    assert good.Result == 0


def test_who_is_not_let_in_is_told_why(opened: Opened) -> None:
    """Another code for an unknown account than for a wrong password."""
    assert opened(account="nobody").status == Status.RINVSYSID
    assert opened(secret=b"wrong").status == Status.RINVPASWD


def test_receipts_go_to_the_receiver_of_a_pair(running: House, opened: Opened) -> None:
    """A transmitter is sent nothing; what it submits is reported on the receiver's side."""
    person = "13800138210"
    running.consent(person)
    sends = opened(mode="sends")
    receives = opened(mode="receives")
    answers = sends.text(OFFER, person)

    assert receives.reported(answers) == {"DELIVRD"}
    assert sends.client.reports == {}


def test_a_receiver_cannot_submit(running: House, opened: Opened) -> None:
    """The bind carries nothing up: ESME_RINVBNDSTS."""
    talk = opened(mode="receives")
    before = running.desk.ledger.position
    talk.raw(struct.pack(">IIII", 16, 4, 0, 77) + struct.pack(">IIII", 16, 0x15, 0, 78))
    (answer,) = opened().send(submit(OFFER, STRANGER))

    assert answer.Result == RESULTS["grounds_present"]
    assert running.desk.ledger.position == before + 1
    assert talk.client.line is not None


def test_the_id_of_an_answer_is_that_of_its_receipt(running: House, opened: Opened) -> None:
    """Sixteen small hexadecimal digits, in the text and in the parameter."""
    person = "13800138211"
    running.consent(person)
    talk = opened()
    heard: list[pdus.DeliverSm] = []
    told = talk.client._told

    def listen(line: Any, pdu: Any) -> None:
        heard.append(pdu)
        told(line, pdu)

    talk.client._told = listen  # type: ignore[method-assign]  # a wire tap
    answers = talk.send(submit(OFFER, person))
    talk.reported(answers)

    name = answers[0].pdu[2]
    receipt = read_receipt(heard[-1])
    assert len(name) == 16
    assert name == name.lower()
    assert not name.startswith("0")
    assert receipt.message_id == receipt.receipted_message_id == name
    assert (receipt.stat, receipt.err, receipt.dlvrd) == ("DELIVRD", "000", "001")
    assert len(receipt.submit_date) == len(receipt.done_date) == 10
    assert (heard[-1].source_addr, heard[-1].destination_addr) == (person, PORT)


def test_a_receipt_of_failures_alone_is_not_sent_for_what_is_delivered(
    running: House,
    opened: Opened,
) -> None:
    """registered_delivery 2; 0 wants none at all."""
    person, other = "13800138212", "13800138213"
    running.consent(person, other)
    talk = opened()
    quiet = talk.send(
        submit(OFFER, person, registered_delivery=2),
        submit(OFFER, other, registered_delivery=0),
    )
    running.until(lambda: running.gateway.engine.unsettled == 0)

    assert {answer.Result for answer in quiet} == {0}
    assert not {answer.Msg_Id for answer in quiet} & set(talk.client.reports)


def test_submit_multi_tells_who_was_left_out(running: House, opened: Opened) -> None:
    """One id for the first, and the reason of each number that did not pass."""
    person = "13800138214"
    running.consent(person)
    talk = opened()
    values = submit(OFFER)._asdict()
    for name in ("dest_addr_ton", "dest_addr_npi", "destination_addr"):
        del values[name]
    to = (pdus.SmeAddress(1, 1, STRANGER), pdus.SmeAddress(1, 1, person))
    (pdu,) = _send_raw(talk, pdus.SubmitMulti(**values, dest_address=to))

    assert pdu.command_status == 0
    assert [(x.destination_addr, x.error_status_code) for x in pdu.unsuccess_sme] == [
        (STRANGER, STATUSES["grounds_present"])
    ]


def _send_raw(talk: Talk, *requests: PDU) -> list[Any]:
    """Requests of other kinds, and their answers as they came."""
    talk.client.answers.clear()
    return [answer.pdu for answer in talk.send(*requests)]


def test_data_sm_is_an_offer_like_another(running: House, opened: Opened) -> None:
    """Its text is in message_payload."""
    person = "13800138215"
    running.consent(person)
    talk = opened()
    payload = make(TAGS, 0x0424, OFFER.encode("utf-16-be"))
    (pdu,) = _send_raw(
        talk,
        pdus.DataSm(
            source_addr=PORT, destination_addr=person, data_coding=UCS2, tlvs=(payload,)
        ),
    )

    assert isinstance(pdu, pdus.DataSmResp)
    assert (pdu.command_status, len(pdu.message_id)) == (0, 16)


def test_what_is_not_served_is_declined_by_its_own_answer(
    running: House, opened: Opened
) -> None:
    """Scheduled, replacing, query, cancel, replace: each has its code, and nothing is sent."""
    talk, mobile = opened(), running.carriers["mobile"]
    before = len(mobile.received)
    later, instead, query, cancel, replace = _send_raw(
        talk,
        submit(OFFER, schedule_delivery_time="261125090000032+"),
        submit(OFFER, replace_if_present_flag=1),
        pdus.QuerySm(message_id="1"),
        pdus.CancelSm(message_id="1"),
        pdus.ReplaceSm(message_id="1", short_message=b"x"),
    )

    assert later[0] == Status.RINVSCHED
    assert instead[0] == Status.RINVSUBREP
    assert query[0] == Status.RQUERYFAIL
    assert cancel[0] == Status.RCANCELFAIL
    assert replace[0] == Status.RREPLACEFAIL
    assert len(mobile.received) == before


def test_a_vendors_parameter_goes_on_to_a_carrier_that_is_to_have_it(
    running: House, opened: Opened
) -> None:
    """The registered sender's id does; another parameter stays here."""
    person = "13800138216"
    running.consent(person)
    talk, mobile = opened(), running.carriers["mobile"]
    seen: list[Any] = []
    take = mobile._take

    def listen(pdu: Any, offer: Any) -> int:
        seen.append(pdu)
        return take(pdu, offer)

    mobile._take = listen  # type: ignore[method-assign]  # a wire tap
    talk.reported(talk.send(submit(OFFER, person, tlvs=(SENDER, OTHER))))

    assert SENDER in seen[-1].tlvs
    assert OTHER not in seen[-1].tlvs


class Busy(dialect.Smpp):
    """A customer that cannot take receipts at first."""

    refusing = 2

    def thanks(self, pdu: PDU) -> PDU | None:
        """Later, please, a few times."""
        if self.refusing:
            self.refusing -= 1
            return pdus.DeliverSmResp(Status.RX_T_APPN, pdu[1])
        return super().thanks(pdu)


def test_a_receipt_that_cannot_be_taken_now_comes_again(running: House, opened: Opened) -> None:
    """ESME_RX_T_APPN is no refusal: after a pause it is offered again."""
    person = "13800138217"
    running.consent(person)
    busy = Busy()
    talk = opened(dialect=busy)
    talk.reported(talk.text(OFFER, person))
    running.until(lambda: busy.refusing == 0 and running.gateway.engine.unsettled == 0)

    assert talk.client.repeated == 2


def test_an_account_on_33_is_sent_no_parameters() -> None:
    """Its receipts have the id in their text alone."""
    with house(accounts=account("smpp")) as running:
        talk = Talk(running, "smpp", version="3.3")
        answers = talk.text(OFFER, CONSENTED)
        assert talk.reported(answers) == {"DELIVRD"}


def test_one_message_with_a_bad_number_is_no_bad_connection(opened: Opened) -> None:
    """An empty number and a list's name are decided: no mobile number."""
    talk = opened()
    (empty,) = talk.send(submit(OFFER, ""))

    assert empty.pdu[0] == STATUSES["number_valid"]


def test_a_customers_habits_are_its_own() -> None:
    """Latin-1 where others have GSM, and numbers with a prefix in what it is told."""
    habits = Smpp(alphabet="latin-1", prefix="86")
    with house(accounts=account("smpp", smpp=habits), protocol="smgp") as running:
        talk = Talk(running, "smpp")
        plain = submit("", short_message=b"[A] x", data_coding=0)
        (answer,) = talk.send(plain)
        running.reply(CONSENTED, PORT, "T?")
        running.until(lambda: len(talk.client.replies) == 1)

    assert answer.Result == RESULTS["signature_registered"]
    assert talk.client.replies[0].phone == f"86{CONSENTED}"
