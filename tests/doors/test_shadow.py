"""Shadow mode over real sockets: everything is decided and recorded, nothing is blocked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from gateway_house import ALSO_CONSENTED, CONSENTED, STRANGER, House, house
from test_gateway import OFFER, Talk, submit

from qingjing.city.carrier import Habits
from qingjing.desk import shadow
from qingjing.desk.entries import InputError
from qingjing.doors.gateway.results import RESULTS
from qingjing.kernel.facts import MessagesMoved
from qingjing.kernel.rows import MOVE, Moved


@pytest.fixture
def running() -> Iterator[House]:
    """A gateway with three carriers."""
    with house() as made:
        yield made


def act(running: House, verb: Callable[..., Any], *words: str) -> Any:
    """Run a verb as a command would, in the running gateway's ledger."""

    async def work() -> Any:
        async with running.desk.ledger.transaction(running.now) as t:
            return verb(running.desk.ledger, t, *words)

    return running.call(work)


def results(talk: Talk, *submits: Any) -> list[int]:
    """The results of some submits."""
    return [answer.Result for answer in talk.send(*submits)]


def test_what_would_be_refused_leaves_and_is_reported_as_such() -> None:
    """Answered 0, sent, delivered; the record and the report say why it should not have."""
    with house() as running:
        act(running, shadow.begin, "900001", "first fortnight")
        talk = Talk(running)
        (answer,) = talk.send(submit(OFFER, STRANGER))
        assert answer.Result == 0
        assert results(talk, submit(OFFER, CONSENTED)) == [0]
        running.until(lambda: len(talk.client.reports) == 2)
        assert talk.client.reports[answer.Msg_Id] == "DELIVRD"

        (path,) = shadow.report(running.desk.ledger)
        assert (path.account, path.left, path.refused, path.held) == ("900001", 2, 1, 0)
        assert path.reasons == {"grounds_present": 1}
        assert shadow.report(running.desk.ledger, "another") == []
        assert shadow.report(running.desk.ledger, since=running.now + 3_600_000) == []


def test_a_number_that_is_none_is_refused_even_so() -> None:
    """There is nothing that it could be sent to."""
    with house() as running:
        act(running, shadow.begin, "900001", "trial")
        assert results(Talk(running), submit(OFFER, "12345")) == [RESULTS["number_valid"]]


def test_one_command_makes_decisions_hold_again() -> None:
    """For what comes from then on."""
    with house() as running:
        act(running, shadow.begin, "900001", "trial")
        talk = Talk(running)
        assert results(talk, submit(OFFER, STRANGER)) == [0]
        act(running, shadow.enforce, "900001", "trial over")
        refused = [RESULTS["grounds_present"]]
        assert results(talk, submit(OFFER, STRANGER)) == refused


def test_what_is_queued_when_decisions_begin_to_hold_is_stopped() -> None:
    """It waits behind a throttled carrier; the customer is told, and nothing leaves."""
    with house(habits=Habits(throttle=1.0)) as running:
        act(running, shadow.begin, "900001", "trial")
        talk = Talk(running)
        (bad, good) = talk.send(submit(OFFER, STRANGER), submit(OFFER, ALSO_CONSENTED))
        act(running, shadow.enforce, "900001", "trial over")
        running.until(lambda: bad.Msg_Id in talk.client.reports)
        assert talk.client.reports[bad.Msg_Id] == "REJECTD"
        assert good.Msg_Id not in talk.client.reports


def test_a_refusal_heard_while_it_waits_is_noted_and_does_not_stop_it() -> None:
    """The release says what would have stopped the message."""
    with house() as running:
        act(running, shadow.begin, "900001", "trial")
        talk = Talk(running)
        running.reply(CONSENTED, "106900010001", "T")
        assert results(talk, submit(OFFER, CONSENTED)) == [0]
        running.until(lambda: len(talk.client.reports) == 1)

        ledger = running.desk.ledger
        moved = [ledger.batch(position) for position in ledger.batches_since(0)]
        rows = np.concatenate(
            [
                np.frombuffer(batch.rows, MOVE)
                for batch in moved
                if isinstance(batch.recorded.fact, MessagesMoved)
            ]
        )
        (released,) = rows[rows["what"] == Moved.RELEASED]
        assert released["reasons"] != 0


@pytest.mark.parametrize(
    ("verb", "words", "said"),
    [
        (shadow.enforce, ("900001", "why"), "not in shadow mode"),
        (shadow.begin, ("", "why"), "account"),
        (shadow.begin, ("900001", ""), "reason"),
    ],
)
def test_a_senseless_switch_is_refused_and_nothing_is_written(
    running: House, verb: Callable[..., Any], words: tuple[str, ...], said: str
) -> None:
    """The error names the field."""
    before = running.desk.ledger.position
    with pytest.raises(InputError, match=said):
        act(running, verb, *words)
    assert running.desk.ledger.position == before
    assert shadow.shadowed(running.desk.ledger) == ()


def test_other_accounts_are_not_spared(running: House) -> None:
    """Shadow mode is one account's."""
    act(running, shadow.begin, "someone", "trial")
    assert results(Talk(running), submit(OFFER, STRANGER)) == [RESULTS["grounds_present"]]
