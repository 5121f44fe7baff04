"""Complaints: kept as they came, read, linked, private; and they are refusals."""

from __future__ import annotations

import pytest
from test_prove import ANNA, BO, MORNING, PORT, SALE, World, to, world

from qingjing.desk import casestats, lead
from qingjing.desk.complaint import (
    Complaint,
    Receipt,
    complete,
    receive,
    receive_many,
    status,
    terms,
)
from qingjing.desk.entries import InputError
from qingjing.desk.forget import forget
from qingjing.desk.said import Said, said_of
from qingjing.desk.trace import trace
from qingjing.kernel import facts as f
from qingjing.kernel.cases import PERSON_HOUR, TEXT_HOUR, Case, CaseState
from qingjing.kernel.facts import CaseStep
from qingjing.kernel.words import Category, Kind, Phone
from qingjing.ledger import check

HOUR = 3_600_000


def complained(
    made: World,
    words: str = f"{PORT}*{SALE}",
    phone: Phone = ANNA,
    at: int = MORNING,
    **more: str,
) -> Receipt:
    """One complaint by SMS."""
    given = Complaint(phone=phone.digits, words=words, **{"door": "reply"} | more)  # type: ignore[arg-type]
    return made.act(lambda t: receive(made.ledger, t, given), at)


def case_of(made: World, receipt: Receipt) -> Case:
    """The case of a receipt."""
    case = made.ledger.cases.by_number(receipt.number)
    assert case is not None
    return case


def said(made: World, receipt: Receipt) -> Said:
    """What was said."""
    found = said_of(made.ledger, case_of(made, receipt))
    assert found is not None
    return found


def test_a_complaint_is_kept_as_it_came_and_no_fact_holds_number_or_words() -> None:
    """The sealed part opens to the words; the facts have neither number nor text."""
    made = world()
    receipt = complained(made)

    assert said(made, receipt).words == f"{PORT}*{SALE}"
    assert said(made, receipt).text == SALE
    for position in range(1, made.ledger.position + 1):
        stored = made.ledger.encoded(position) or b""
        assert ANNA.digits.encode() not in stored
        assert "全场满200减50".encode() not in stored
    assert check.verify(made.ledger.store, made.ledger.key, folder=None).sound


def test_the_text_complained_of_is_read_for_kind_and_category() -> None:
    """By the reader of the gate."""
    made = world()
    understood = case_of(made, complained(made)).understood

    assert understood is not None
    assert understood.read_kind == Kind.COMMERCIAL
    assert understood.read_category == Category.RETAIL
    assert understood.signature == "青禾商城"


def test_a_complaint_refuses_the_group_and_nothing_of_it_passes_any_more() -> None:
    """From its commit on, by the door COMPLAINT."""
    made = world()
    made.consented()
    receipt = complained(made)
    message = made.submit(to(ANNA), at=MORNING + HOUR)

    assert receipt.refused == "g-qinghe"
    batch = made.ledger.decided_batch(message)
    assert batch is not None
    assert isinstance(batch.recorded.fact, f.MessagesDecided)
    assert batch.recorded.fact.passed == 0


def test_what_lacks_is_asked_for_and_the_next_message_completes_it() -> None:
    """One case, one receipt number; the clock begins when it is whole."""
    made = world()
    first = complained(made, f"{PORT}*")
    assert first.lacks == ("text",)
    assert first.ask_zh
    assert case_of(made, first).state is CaseState.INCOMPLETE
    second = complained(made, SALE, at=MORNING + HOUR)

    assert (second.number, second.code, second.lacks) == (first.number, first.code, ())
    case = case_of(made, first)
    assert (case.state, case.valid_at, case.port) == (CaseState.OPEN, MORNING + HOUR, PORT)
    assert said(made, first).text == SALE
    assert said(made, first).number == PORT


def test_what_lacks_can_be_added_by_number_and_code() -> None:
    """And by nobody who does not have the code."""
    made = world()
    receipt = complained(made, "太烦了", door="web")
    with pytest.raises(InputError, match="do not belong together"):
        made.act(lambda t: complete(made.ledger, t, receipt.number, "A" * 12, words=SALE))
    words = f"{PORT}*{SALE}"
    done = made.act(
        lambda t: complete(made.ledger, t, receipt.number, receipt.code, words=words)
    )

    assert done.lacks == ()


def test_nobody_reads_anothers_complaint() -> None:
    """Number and code must both be right; a wrong one and an unknown one look alike."""
    made = world()
    anna, bo = complained(made), complained(made, phone=BO)
    own = status(made.desk, anna.number, anna.code)
    assert own.state == "open"
    problems = set()
    for number, code in (
        (anna.number, bo.code),
        (bo.number, anna.code),
        ("20260520-999999", anna.code),
        ("20260519-" + anna.number.split("-")[1], anna.code),
        ("", ""),
        (anna.number, "\ud800"),
    ):
        with pytest.raises(InputError) as told:
            status(made.desk, number, code)
        problems.add(str(told.value))
    assert len(problems) == 1
    assert anna.code != bo.code


def test_the_same_complaint_of_the_same_person_is_linked_and_never_merged() -> None:
    """Other variables: the template is the same. Another person's is no duplicate."""
    made = world()
    first = complained(made)
    again = complained(made, f"{PORT}#{SALE.replace('200', '299')}", at=MORNING + HOUR)
    other = complained(made, phone=BO, at=MORNING + HOUR)

    assert again.duplicate_of == first.number
    assert again.number != first.number
    assert other.duplicate_of == ""
    assert len(made.ledger.cases) == 3


def test_who_complains_all_the_time_is_flagged_and_still_heard() -> None:
    """A bot's complaints are kept, each with its receipt."""
    made = world()
    receipts = [
        complained(made, f"{PORT}*{SALE}第{n}版", at=MORNING + n * 1000)
        for n in range(PERSON_HOUR + 2)
    ]

    assert receipts[0].flags == ()
    assert "person_hour" in receipts[-1].flags
    assert len({receipt.number for receipt in receipts}) == PERSON_HOUR + 2


def test_a_text_that_comes_by_the_hundred_in_an_hour_is_flagged_and_still_heard() -> None:
    """From many people: a large campaign or an organised one, for a person to look at."""
    made = world()
    given = [
        Complaint(phone=f"{13_800_400_000 + n}", words=f"{PORT}*{SALE}", door="import")
        for n in range(TEXT_HOUR + 1)
    ]
    taken = made.act(lambda t: receive_many(made.ledger, t, given))

    assert [receipt.flags for receipt in taken.receipts[:-1]] == [()] * TEXT_HOUR
    assert taken.receipts[-1].flags == ("text_hour",)


def test_complaints_that_somebody_organised_are_pointed_out() -> None:
    """Twenty people complain of a number of ours, and nobody of them got anything from it."""
    made = world()
    given = [
        Complaint(phone=f"{13_800_400_000 + n}", words=f"{PORT}*{SALE}", door="import")
        for n in range(casestats.MASS_CASES)
    ]
    made.act(lambda t: receive_many(made.ledger, t, given))
    for found in trace(made.ledger, made.ledger.cases, MORNING):
        made.act(lambda t, x=found: lead.enter(made.ledger, t, x))  # type: ignore[misc]

    counted = casestats.stats(made.ledger, MORNING - HOUR, MORNING + HOUR)
    assert counted.suspicious_numbers == [PORT]
    assert counted.complaints == casestats.MASS_CASES


def test_of_many_the_wrong_ones_are_told_and_stop_no_other() -> None:
    """Row by row, masked."""
    made = world()
    good = Complaint(phone=ANNA.digits, words=f"{PORT}*{SALE}", door="import")
    bad = Complaint(phone="13800138", words="x", door="import")
    taken = made.act(lambda t: receive_many(made.ledger, t, [good, bad, good]))

    assert len(taken.receipts) == 2
    assert [problem.where for problem in taken.problems] == ["row 2"]
    assert "13800138" not in str(taken.problems)


def test_a_centre_has_its_own_terms_and_an_unknown_one_is_refused() -> None:
    """The table is data; what it has not is not guessed."""
    made = world()
    books = {book.name: book for book in made.ledger.books}

    assert terms(books["order31-2015"], "") == (5, 15)
    assert terms(books["order31-2015"], "12321-draft-2020") == (3, 15)
    with pytest.raises(InputError, match="no terms"):
        complained(made, centre="nowhere")


def test_forgetting_a_person_takes_the_words_of_its_complaints() -> None:
    """The case stays, and the refusal."""
    made = world()
    receipt = complained(made)
    made.act(lambda t: forget(made.desk, t, ANNA.digits, door="paper"), MORNING + HOUR)

    assert said_of(made.ledger, case_of(made, receipt)) is None
    assert check.verify(made.ledger.store, made.ledger.key, folder=None).sound


def test_projections_are_rebuilt_from_the_facts() -> None:
    """A fold of the log from its start has the same cases."""
    made = world()
    complained(made)
    complained(made, f"{PORT}*", phone=BO)
    from qingjing.kernel.cases import Cases

    anew = Cases()
    for position in range(1, made.ledger.position + 1):
        recorded = made.ledger.fact(position)
        assert recorded is not None
        anew.apply(recorded)

    assert list(anew) == list(made.ledger.cases)


def test_a_case_without_a_trace_is_handed_over_answered_disputed_once_and_decided() -> None:
    """By people, where the record shows nothing by itself."""
    made = world()
    receipt = complained(made)
    number = receipt.number
    made.act(
        lambda t: lead.hand(made.ledger, t, number, "yuntong", "holds the port", "officer")
    )
    made.act(lambda t: lead.stop(made.ledger, t, number, "police", "officer"), MORNING + HOUR)
    with pytest.raises(InputError, match="none of awaits_complainant"):
        made.act(lambda t: lead.stop(made.ledger, t, number, "holiday", "officer"))
    assert status(made.desk, number, receipt.code).stopped == "police"
    made.act(lambda t: lead.resume(made.ledger, t, number, "officer"), MORNING + 2 * HOUR)
    with pytest.raises(InputError, match="not with"):
        made.act(lambda t: lead.answer(made.ledger, t, number, "qinghe", "不是我们"))
    checked = made.act(lambda t: lead.answer(made.ledger, t, number, "yuntong", "已处理"))
    assert checked == "none"
    assert status(made.desk, number, receipt.code).answer == "已处理"
    made.act(lambda t: lead.dispute(made.ledger, t, number, receipt.code, "还在发"))
    made.act(lambda t: lead.decide(made.ledger, t, number, "upheld", "no_answer"))
    with pytest.raises(InputError, match="disputed before"):
        made.act(lambda t: lead.dispute(made.ledger, t, number, receipt.code, "再次"))
    case = case_of(made, receipt)
    decided = case.last(CaseStep.DECIDED)
    assert decided is not None
    assert decided.fact.party == "yuntong"


def test_a_round_reminds_once_and_escalates_once() -> None:
    """Three working days before the end, and after it; a stopped clock is left alone."""
    made = world()
    number = complained(made).number
    made.act(
        lambda t: lead.hand(made.ledger, t, number, "yuntong", "holds the port", "officer")
    )
    day = 24 * HOUR
    told: list[tuple[int, str]] = []
    for later in range(40):
        done = made.act(lambda t: lead.work(made.ledger, t), MORNING + later * day)
        told += [(later, "reminded") for _ in done.reminded]
        told += [(later, "escalated") for _ in done.escalated]
    # From Wednesday 20 May 2026, 15 working days end on Wednesday 10 June.
    assert told == [(16, "reminded"), (22, "escalated")]


def test_rates_have_an_exact_interval() -> None:
    """Garwood's figures for three events; none complained of has no lower bound."""
    three = casestats.rate(3, 1_000_000)
    assert (three.low, three.high) == (0.6187, 8.7673)
    assert casestats.rate(0, 1_000_000).low == 0
    assert casestats.rate(0, 1_000_000).high == 3.6889
