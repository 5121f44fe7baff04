"""Hear: words are kept beside their fact, and only a clear one ends what an unclear began."""

from __future__ import annotations

import hashlib
import os

import numpy as np
import pytest
from test_prove import ANNA, MORNING, PORT, World, decided, holds, to, world

from qingjing.desk.explain import Question, explain
from qingjing.desk.hear import Heard, hear, words_of
from qingjing.desk.ports import Scopes
from qingjing.desk.send import Desk
from qingjing.desk.texts import Reader
from qingjing.kernel import facts as f
from qingjing.kernel.standing import unclear_after
from qingjing.kernel.words import Kind, Phone, ReplyMeaning, Verdict
from qingjing.ledger import check

UNCLEAR, HELP, YES, NO = "在吗?你们是哪里的店", "帮助", "Y", "T"


def said(made: World, words: str, phone: Phone = ANNA) -> Heard:
    """One reply to the shop's port."""
    return made.act(lambda t: hear(made.desk, t, phone, PORT, words))


def fact_at(made: World, position: int) -> f.ReplyHeard:
    """The reply at a position."""
    recorded = made.ledger.fact(position)
    assert recorded is not None
    assert isinstance(recorded.fact, f.ReplyHeard)
    return recorded.fact


def test_the_words_stand_beside_the_fact_and_not_in_it() -> None:
    """The fact has the hash of the sealed words; what is sealed opens to what was said."""
    made = world()
    heard = said(made, "你们是哪里的店")
    batch = made.ledger.batch(heard.position)

    assert fact_at(made, heard.position).words == hashlib.sha256(batch.sealed).digest()
    assert words_of(made.ledger, heard.position) == "你们是哪里的店"
    report = check.verify(made.ledger.store, made.ledger.key, folder=None)
    assert report.sound


def test_the_same_words_twice_have_different_hashes() -> None:
    """What stays when the words are erased must not tell that they were a "T"."""
    made = world()
    made = World(made.ledger, Desk(made.ledger, Reader(os.urandom), node=1))

    one, two = said(made, NO), said(made, NO)

    assert fact_at(made, one.position).words != fact_at(made, two.position).words
    assert words_of(made.ledger, one.position) == words_of(made.ledger, two.position) == NO


def test_words_that_were_changed_beside_the_fact_are_found() -> None:
    """The hash in the log holds them."""
    made = world()
    heard = said(made, NO)
    sealed = made.ledger.seal(b"x" * 16 + b"Y", b"reply.heard/1")
    made.ledger.store._attached[heard.position] = (  # type: ignore[attr-defined]
        made.ledger.store.attached(heard.position)._replace(sealed=sealed)  # type: ignore[union-attr]
    )

    (found,) = check.verify(made.ledger.store, made.ledger.key, folder=None).findings

    assert found == (heard.position, "its sealed part was changed")


def holds_marketing(made: World) -> bool:
    """Does an unclear reply hold the shop's marketing? Asked singly, in columns, and of both
    forms of the gate, which must agree."""
    standings, person = made.ledger.standings, made.ledger.find(ANNA)
    alone = standings.person(person.handle, "qinghe", "g-qinghe").unclear
    scopes = Scopes(["qinghe"], ["g-qinghe"], np.zeros(1, np.intp))
    column = standings.probe(np.array([person.handle], np.uint64), scopes).unclear
    question = Question(
        submitter="yuntong", port=PORT, phone=ANNA, body=to(ANNA).body, declared=Kind.COMMERCIAL
    )
    scalar = explain(made.desk, question, MORNING)
    report = made.verify(made.submit(to(ANNA)))
    holds(report)
    verdict, reasons, _book = decided(report)
    assert verdict is scalar.verdict
    assert list(reasons) == [reason.rule for reason in scalar.reasons]
    assert alone == bool(column[0]) == (verdict is Verdict.HOLD)
    return alone


@pytest.mark.parametrize("call", [HELP, "?", "help", "你是谁"])
def test_a_call_for_help_does_not_end_the_hold_of_an_unclear_reply(call: str) -> None:
    """It says neither yes nor no: nobody has settled yet what the person meant."""
    made = world()
    made.consented()
    said(made, UNCLEAR)
    assert holds_marketing(made)

    heard = said(made, call)

    assert (heard.meaning, heard.group) == (ReplyMeaning.HELP, "g-qinghe")
    assert holds_marketing(made)


def test_a_clear_word_of_the_person_ends_the_hold_after_a_call_for_help() -> None:
    """Yes ends it and marketing goes on; no ends it and is a refusal."""
    made = world()
    made.consented()
    for words in (UNCLEAR, HELP, YES):
        said(made, words)
    assert not holds_marketing(made)

    for words in (HELP, UNCLEAR, HELP, NO):
        said(made, words)
    report = made.verify(made.submit(to(ANNA)))
    holds(report)
    assert decided(report)[:2] == (Verdict.REFUSE, ("not_refused",))


def test_a_call_for_help_alone_holds_nothing() -> None:
    """Who asks who we are has not said stop."""
    made = world()
    made.consented()
    said(made, HELP)
    assert not holds_marketing(made)


@pytest.mark.parametrize("before", [False, True])
def test_of_all_meanings_unclear_alone_begins_a_hold_and_help_alone_leaves_it(
    before: bool,
) -> None:
    """The rule in one line, for the fold and for whoever counts it again."""
    after = {meaning: unclear_after(before, meaning) for meaning in ReplyMeaning}
    assert after.pop(ReplyMeaning.UNCLEAR)
    assert after.pop(ReplyMeaning.HELP) is before
    assert not any(after.values())
