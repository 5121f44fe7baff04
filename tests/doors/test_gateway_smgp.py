"""SMGP's own: ids, login modes, versions, reports, what is not served, and its carriers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gateway_house import CONSENTED, PORT, STRANGER, House, house
from gateway_talk import LONG, OFFER, Talk, account

from qingjing.city.carrier import Habits
from qingjing.city.tongues import TONGUES, pieces
from qingjing.doors.gateway.dialect import Notice, Trouble
from qingjing.doors.gateway.dialects import smgp as dialect
from qingjing.doors.gateway.results_smgp import STATUSES, TROUBLES
from qingjing.wire import smgp, smgp_tables
from qingjing.wire.content import UCS2
from qingjing.wire.protocol import PDU
from qingjing.wire.session import Session
from qingjing.wire.smgp import Status
from qingjing.wire.smgp_message import Report, write_report

Opened = Callable[..., Talk]


@pytest.fixture(scope="module")
def running() -> Iterator[House]:
    """An SMGP customer and SMGP carriers."""
    accounts = account("smgp", connections_max=100)
    with house(accounts=accounts, protocol="smgp") as made:
        yield made


@pytest.fixture
def opened(running: House) -> Iterator[Opened]:
    """Logs customers in, who hang up at the end: else they took what others wait for."""
    made: list[Talk] = []

    def talk(**options: Any) -> Talk:
        made.append(Talk(running, "smgp", **options))
        return made[-1]

    yield talk
    for one in made:
        if one.client.line is not None:
            one.hang_up()


def submit(body: str, *phones: str, **fields: Any) -> smgp_tables.Submit:
    """A Submit of a short text, with a report asked for."""
    (piece,) = pieces(PORT, phones[0], body, UCS2, 0)
    made = TONGUES["smgp"].submit("", piece, "")
    assert isinstance(made, smgp_tables.Submit)
    return made._replace(DestTermID=phones, **fields)


def test_an_id_is_twenty_digits_and_those_of_a_mass_submit_follow_it(
    running: House, opened: Opened
) -> None:
    """Digits of decimal in ten octets; each number is reported under its own."""
    person = "13800138301"
    running.consent(person)
    talk = opened()
    (answer,) = talk.send(submit(OFFER, person, STRANGER))
    first = answer.pdu[1]
    second = smgp.msg_ids(first, 2)[1]
    reference = TONGUES["smgp"].reference
    running.until(lambda: {reference(first), reference(second)} <= set(talk.client.reports))

    assert (len(first), first.hex().isdecimal()) == (10, True)
    assert talk.client.reports[reference(first)] == "DELIVRD"
    assert talk.client.reports[reference(second)] == "REJECTD"


def test_no_two_references_have_one_id() -> None:
    """Every id of 64 bits has its own ten octets, the largest among them."""
    ids = [0, 1, 999_999, 1_000_000, (1 << 64) - 1, *(1 << bit for bit in range(64))]

    assert [int(dialect.msg_id(one).hex()) for one in ids] == ids


def test_who_is_not_let_in_is_told_why(opened: Opened) -> None:
    """20 for an account or address, 21 for the digest."""
    assert opened(account="nobody").status == Status.ADDRESS
    assert opened(secret=b"wrong").status == Status.DIGEST


def test_reports_go_to_the_connection_that_receives(running: House, opened: Opened) -> None:
    """LoginMode 0 is sent no Deliver; its reports come on that of mode 1."""
    person = "13800138302"
    running.consent(person)
    sends, receives = opened(mode="sends"), opened(mode="receives")
    answers = sends.text(OFFER, person)

    assert receives.reported(answers) == {"DELIVRD"}
    assert sends.client.reports == {}


def test_a_client_of_13_sends_long_texts_and_hears_of_them(
    running: House, opened: Opened
) -> None:
    """Its parameters are read although its version has none by the text."""
    person = "13800138303"
    running.consent(person)
    talk = opened(version="1.3")
    answers = talk.text(LONG, person)

    assert {answer.Result for answer in answers} == {0}
    assert talk.reported(answers) == {"DELIVRD"}


def test_what_is_not_served_has_its_answer(opened: Opened) -> None:
    """Another time: 45. Counts: zero. A broken content: 10. A part that comes again: 12."""
    talk = opened()
    later = submit(OFFER, CONSENTED, AtTime="261125090000032+")
    query = smgp_tables.Query(QueryTime="20261124")
    odd = submit(OFFER, CONSENTED, MsgContent=b"\x4e")
    part = TONGUES["smgp"].submit("", pieces(PORT, CONSENTED, LONG, UCS2, 9)[0], "")
    talk.client._answered = lambda event: seen.append(event.pdu)  # type: ignore[method-assign]  # a wire tap
    seen: list[Any] = []

    async def work() -> None:
        for pdu in (later, query, odd, part, part):
            await talk.client.submit(pdu, None)
        talk.client.flush()

    talk.house.call(work)
    talk.house.until(lambda: len(seen) == 5)
    by_number = sorted(seen, key=lambda pdu: int(pdu[0]))

    assert by_number[0].Status == Status.AT_TIME
    assert by_number[1][1] == "20261124"
    assert by_number[2].Status == TROUBLES[Trouble.UNREADABLE] == Status.STRUCTURE
    assert by_number[3].Status == 0
    assert by_number[4].Status == TROUBLES[Trouble.AGAIN]


def test_every_status_of_ours_is_a_vendors() -> None:
    """128 to 255, one a reason."""
    assert len(set(STATUSES.values())) == len(STATUSES)
    assert all(128 <= status <= 255 for status in STATUSES.values())


class Rude(dialect.Smgp):
    """A carrier whose ids hold spaces and colons, and whose reports are written otherwise."""

    def answer(self, pdu: PDU, references: Any, outcomes: Any) -> PDU:
        """Such an id."""
        answer = super().answer(pdu, references, outcomes)
        assert isinstance(answer, smgp_tables.SubmitResp)
        return answer._replace(MsgID=_rude(references[0]) if references[0] else bytes(10))

    def notify(self, session: Session, notice: Notice, now: float) -> None:
        """Such a report."""
        if notice.words is not None:
            super().notify(session, notice, now)
            return
        report = write_report(Report(_rude(notice.reference), "MK:0001"))
        report = report.replace(b"submit date", b"submit_date").replace(b" text:", b" txt:")
        deliver = smgp_tables.Deliver(IsReport=1, MsgContent=report)
        session.request(deliver, notice, now)


def _rude(reference: int) -> bytes:
    return b" :" + reference.to_bytes(8, "big")


def test_a_carriers_own_word_reaches_the_customer_as_undelivered() -> None:
    """The text of a report has six words for the end: another one means that it failed."""
    with house(Habits(), account("smgp"), protocol="smgp", dialect=Rude()) as running:
        talk = Talk(running, "smgp")
        assert talk.reported(talk.text(OFFER, CONSENTED)) == {"UNDELIV"}
        running.until(lambda: running.gateway.engine.unsettled == 0)


def test_a_pair_of_connections_sends_on_one_and_hears_on_the_other() -> None:
    """LoginMode 0 and 1 towards the carrier; version 1.3."""
    with house(
        accounts=account("smgp"), protocol="smgp", mode="pairs", version="1.3"
    ) as running:
        talk = Talk(running, "smgp")
        assert talk.reported(talk.text(LONG, CONSENTED)) == {"DELIVRD"}
