"""Carriers on SMPP, each with its habits: ids, forms of long messages, binds, full queues."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_house import ALSO_CONSENTED, CONSENTED, house
from gateway_talk import LONG, OFFER, Talk, account

from qingjing.city.carrier import Habits
from qingjing.doors.gateway.dialect import Notice
from qingjing.doors.gateway.dialects import smpp as dialect
from qingjing.settings import Smpp
from qingjing.wire import content
from qingjing.wire import smpp_pdus as pdus
from qingjing.wire.content import Part
from qingjing.wire.protocol import PDU
from qingjing.wire.session import Session
from qingjing.wire.smpp import Status
from qingjing.wire.smpp_receipt import Receipt, write_receipt
from qingjing.wire.smpp_tables import TAGS
from qingjing.wire.tlv import make


class Decimal(dialect.Smpp):
    """A carrier whose receipts write in decimal what its answers wrote in hexadecimal, with
    zeros on the left, and in no parameter."""

    def notify(self, session: Session, notice: Notice, now: float) -> None:
        """Such a receipt."""
        if notice.words is not None:
            super().notify(session, notice, now)
            return
        receipt = Receipt(f"{notice.reference:025}", notice.stat)
        deliver = pdus.DeliverSm(esm_class=4, short_message=write_receipt(receipt))
        session.request(deliver, notice, now)


class Wordy(dialect.Smpp):
    """A carrier with ids of 64 characters, more than the record holds."""

    def answer(self, pdu: PDU, references: Any, outcomes: Any) -> PDU:
        """Such an id."""
        answer = super().answer(pdu, references, outcomes)
        assert isinstance(answer, pdus.SubmitSmResp)
        name = answer.message_id.rjust(64, "z") if answer.message_id else ""
        return answer._replace(message_id=name)

    def notify(self, session: Session, notice: Notice, now: float) -> None:
        """The same in a receipt's parameter."""
        name = dialect.message_id(notice.reference).rjust(64, "z")
        tlvs = (make(TAGS, 0x001E, name), make(TAGS, 0x0427, 2))
        session.request(pdus.DeliverSm(esm_class=4, tlvs=tlvs), notice, now)


class Full(dialect.Smpp):
    """A carrier whose queue is full now and then."""

    def answer(self, pdu: PDU, references: Any, outcomes: Any) -> PDU:
        """ESME_RMSGQFUL, without a body."""
        answer = super().answer(pdu, references, outcomes)
        if answer[0] == Status.RTHROTTLED:
            return pdus.SubmitSmResp(Status.RMSGQFUL, answer[1])
        return answer


@pytest.mark.parametrize(
    ("speaks", "habits"),
    [
        (Decimal(), Smpp(ids="hex-then-decimal")),
        (Wordy(), Smpp()),
        (Full(), Smpp(alphabet="latin-1", ascii_max=140)),
        (None, Smpp(long="sar")),
        (None, Smpp(long="payload")),
        (None, Smpp(prefix="86", source=(5, 0), dest=(0, 1), system_type="VMA")),
    ],
    ids=["decimal", "wordy", "full", "sar", "payload", "prefix"],
)
def test_reports_find_their_message_whatever_the_carriers_habits(
    speaks: dialect.Smpp | None, habits: Smpp
) -> None:
    """Short and long, reported once each, whole at the carrier, also after throttling."""
    with house(
        Habits(throttle=0.3), account("smpp"), dialect=speaks, protocol="smpp", smpp=habits
    ) as running:
        talk = Talk(running, "smpp")
        assert talk.reported(talk.text(OFFER, CONSENTED)) == {"DELIVRD"}
        assert talk.reported(talk.text(LONG, ALSO_CONSENTED)) == {"DELIVRD"}
        got = running.carriers["mobile"].received
        assert content.join([Part(x.udhi, x.coding, x.content) for x in got[1:]]) == LONG
        running.until(lambda: running.gateway.engine.unsettled == 0)
        assert got[0].phone == habits.prefix + CONSENTED


def test_a_pair_of_connections_sends_on_one_and_hears_on_the_other() -> None:
    """Transmitters and receivers: receipts come on another connection than their submit."""
    with house(accounts=account("smpp"), protocol="smpp", mode="pairs") as running:
        talk = Talk(running, "smpp")
        assert talk.reported(talk.text(OFFER, CONSENTED)) == {"DELIVRD"}


class Verbose(dialect.Smpp):
    """A carrier with states of its own, longer than seven letters."""

    def __init__(self, word: str) -> None:
        """``word`` is the state of every receipt."""
        super().__init__()
        self._word = word

    def notify(self, session: Session, notice: Notice, now: float) -> None:
        """A receipt without parameters."""
        text = f"id:{dialect.message_id(notice.reference)} stat:{self._word}"
        deliver = pdus.DeliverSm(esm_class=4, short_message=text.encode())
        session.request(deliver, notice, now)


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("DELIVERED", ("DELIVRD", "DELIVRD")),
        ("MK:00012345", ("MK:0001", "UNDELIV")),
    ],
)
def test_a_long_state_fits_every_customers_report(word: str, told: tuple[str, str]) -> None:
    """CMPP has room for seven letters of a carrier's own; SMGP has six words."""
    for protocol, stat in zip(("cmpp", "smgp"), told, strict=True):
        accounts, speaks = account(protocol), Verbose(word)
        with house(accounts=accounts, dialect=speaks, protocol="smpp") as running:
            talk = Talk(running, protocol)
            assert talk.reported(talk.text(OFFER, CONSENTED)) == {stat}
            running.until(lambda running=running: running.gateway.engine.unsettled == 0)  # type: ignore[misc]  # bound at once


def test_what_a_protocol_has_no_room_for_ends_nothing() -> None:
    """A number that is too long with its prefix, written past the settings' check: the part is
    refused here, the customer told, and the next message leaves."""
    with house(accounts=account("smpp"), protocol="smpp") as running:
        talk = Talk(running, "smpp")
        for link in running.gateway.carriers._links:
            link.dialect._habits = Smpp(prefix="9" * 12)  # type: ignore[attr-defined]  # SMPP's
            if link.line is not None:
                link.line.dialect = link.dialect
        unfit = talk.text(OFFER, CONSENTED)
        assert talk.reported(unfit) == {"REJECTD"}
        for link in running.gateway.carriers._links:
            link.dialect._habits = Smpp()  # type: ignore[attr-defined]  # SMPP's
        assert talk.reported(talk.text(OFFER, ALSO_CONSENTED)) == {"DELIVRD"}
