"""What may be taken away beside the facts, and what the record then has to say of it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from ledger_facts import ANNA, BO, BOOK, Place, consent, decided, party, record, within

from qingjing.kernel import facts as f
from qingjing.kernel.rulebook import Rulebook, canonical, read_rulebook
from qingjing.kernel.words import Door
from qingjing.ledger import check
from qingjing.ledger.core import Ledger, Transaction


@pytest.fixture(params=["memory", "sqlite"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place for each store."""
    return Place(request.param, tmp_path)


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    """A ledger with two persons and one batch, at position 3."""
    opened = place.open()
    record(opened, party("m1"), consent(opened))
    within(opened, begin)
    yield opened
    asyncio.run(opened.close())


def begin(t: Transaction) -> None:
    """Two persons are known; Anna was sent two messages."""
    t.remember(ANNA)
    t.remember(BO)
    decided(t._ledger, t, 100, 2)


def book() -> Rulebook:
    """A rulebook as it is shipped."""
    return read_rulebook(BOOK.read_text("utf-8"))


def erased(ledger: Ledger, t: Transaction, position: int, left: bytes) -> int:
    """An erasure beside one fact, and what is recorded of it."""
    person = ledger.find(ANNA)
    hashed = ((position, hashlib.sha256(left).digest()),)
    fact = f.PersonForgotten(
        person=person.key, handle=person.handle, door=Door.PAPER, replaced=hashed
    )
    at = t.append(fact)
    t.replace(position, left)
    return at


def findings(ledger: Ledger) -> list[str]:
    """What a proof of everything finds."""
    report = check.verify(ledger.store, ledger.key, folder=None)
    return [finding.problem for finding in report.findings]


def test_what_was_replaced_is_known_at_once_and_after_opening(
    place: Place, ledger: Ledger
) -> None:
    """In the transaction, after its commit, and by whoever opens the ledger next."""
    rows = ledger.batch(3).rows

    def work(t: Transaction) -> int:
        """One erasure."""
        position = erased(ledger, t, 3, b"left")
        assert ledger.batch(3).sealed == b"left"
        return position

    position = within(ledger, work)
    assert (ledger.batch(3).rows, ledger.batch(3).sealed) == (rows, b"left")
    assert [x.position for x in ledger.facts_of(ledger.find(ANNA).handle)] == [2, position]
    again = asyncio.run(place.reopen(ledger))
    assert (again.batch(3).rows, again.batch(3).sealed) == (rows, b"left")
    assert findings(again) == []
    asyncio.run(again.close())


def test_a_number_that_was_dropped_is_gone_and_others_stay(ledger: Ledger) -> None:
    """Whether there was one is told; a person who comes back is kept anew."""
    anna, bo = ledger.find(ANNA).key, ledger.find(BO).key

    def work(t: Transaction) -> list[bool]:
        """Anna is dropped, and someone who is not known."""
        erased(ledger, t, 3, b"")
        return [t.forget(anna), t.forget(bytes(16))]

    assert within(ledger, work) == [True, False]
    assert ledger.store.person(anna) is None
    assert ledger.store.person(bo) is not None

    within(ledger, lambda t: t.remember(ANNA))
    assert ledger.store.person(anna) is not None


def test_nothing_can_be_replaced_where_nothing_stands(ledger: Ledger) -> None:
    """A slip of the position is not an erasure."""

    def work(t: Transaction) -> None:
        """Beside a party."""
        with pytest.raises(LookupError, match="no batch stands at position 1"):
            t.replace(1, b"")

    within(ledger, work)


def test_an_erasure_that_is_abandoned_takes_nothing_away(ledger: Ledger) -> None:
    """An error in the block: nothing is stored, and nothing is gone."""
    sealed = ledger.batch(3).sealed

    def work(t: Transaction) -> None:
        """Half of it."""
        t.replace(3, b"")
        t.forget(ledger.find(ANNA).key)
        raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        within(ledger, work)
    assert ledger.batch(3).sealed == sealed
    assert ledger.store.person(ledger.find(ANNA).key) is not None


def test_what_is_taken_away_without_a_word_is_found(ledger: Ledger) -> None:
    """Only what a fact tells of may differ from what was hashed."""

    def work(t: Transaction) -> None:
        """An erasure of which nothing is said."""
        t.append(party("m2"))
        t.replace(3, b"left")

    within(ledger, work)
    assert findings(ledger) == ["its sealed part was changed"]


def test_what_is_left_must_be_what_the_record_says(ledger: Ledger) -> None:
    """A later exchange of the rest is found, and a second erasure speaks for itself."""
    within(ledger, lambda t: erased(ledger, t, 3, b"left"))

    def work(t: Transaction) -> None:
        """Something else under the same word."""
        t.append(party("m2"))
        t.replace(3, b"more than was left")

    within(ledger, work)
    assert findings(ledger) == ["its sealed part is not what an erasure left of it"]
    within(ledger, lambda t: erased(ledger, t, 3, b""))
    assert findings(ledger) == []


def test_the_digest_of_a_rulebook_is_that_of_the_adopted_bytes(
    place: Place, ledger: Ledger
) -> None:
    """Not of what this program would write: a book keeps its digest for ever."""
    with pytest.raises(LookupError, match="was not adopted here"):
        ledger.rulebook_digest(book())
    data = msgspec.json.format(canonical(book()), indent=1)
    own = hashlib.sha256(data).hexdigest()
    fact = f.RulebookAdopted(name="b", version=1, digest=own, rulebook=msgspec.Raw(data))
    record(ledger, fact)
    assert ledger.rulebook_digest(ledger.books[0]) == own
    again = asyncio.run(place.reopen(ledger))
    assert again.rulebook_digest(again.books[0]) == own
    asyncio.run(again.close())
