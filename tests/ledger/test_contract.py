"""What every ledger promises, whatever it is stored in: one suite over memory and SQLite."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ledger_facts import (
    ANNA,
    AT,
    BO,
    BOOK,
    KEYS,
    ORIGIN,
    Place,
    consent,
    decided,
    moved,
    party,
    record,
    refusal,
    reply,
    within,
)

from qingjing.desk import ports
from qingjing.kernel import chain, note
from qingjing.kernel import facts as f
from qingjing.kernel.rows import DECIDED, rows_root
from qingjing.kernel.rulebook import canonical, digest, read_rulebook
from qingjing.kernel.words import (
    Act,
    Category,
    NumberState,
    ReplyMeaning,
)
from qingjing.ledger import check
from qingjing.ledger.core import Ledger, Transaction
from qingjing.ledger.imports import ROW
from qingjing.ledger.store import LedgerBroken
from qingjing.ledger.vault import Vault, verify


@pytest.fixture(params=["memory", "sqlite"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place of each kind."""
    return Place(request.param, tmp_path / "ledger")


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    """An empty ledger, closed at the end."""
    opened = place.open()
    yield opened
    asyncio.run(opened.close())


def test_positions_run_from_one_without_a_gap(ledger: Ledger) -> None:
    """The first fact stands at position 1, the next transaction goes on where it ended."""
    assert record(ledger, party("a"), party("b")) == [1, 2]
    assert record(ledger, party("c")) == [3]
    assert ledger.position == 3


def test_a_fact_is_found_again_as_it_was_recorded(ledger: Ledger) -> None:
    """The fact at a position, and the bytes that the log hashes; nothing beyond the end."""
    record(ledger, party("a"))

    found = ledger.fact(1)

    assert found == f.Recorded(1, AT, party("a"))
    assert ledger.encoded(1) == f.encode(f.Recorded(1, AT, party("a")))
    assert ledger.fact(0) is None
    assert ledger.fact(2) is None


def test_what_is_appended_is_known_at_once_in_the_same_transaction(ledger: Ledger) -> None:
    """Register, standings and look-ups see a fact before it is committed."""

    def work(t: Transaction) -> None:
        t.append(party("m1"))
        position = t.append(consent(ledger))
        handle = ledger.find(ANNA).handle
        batch = decided(ledger, t, 100, 3)
        move = moved(t, 101)

        assert t.position == ledger.position == move
        assert ledger.register.party("m1") == party("m1")
        assert [g.position for g in ledger.standings.person(handle, "m1", "g1").grounds] == [2]
        assert [recorded.position for recorded in ledger.facts_of(handle)] == [position]
        assert ledger.decided_batch(102) == ledger.batch(batch)
        assert ledger.moved_batches(101) == (ledger.batch(move),)
        assert list(ledger.batches_since(0)) == [batch, move]

    within(ledger, work)


def test_rulebooks_are_adopted_in_order(ledger: Ledger) -> None:
    """Each adoption adds a book, whole, as it was written."""
    book = read_rulebook(BOOK.read_text("utf-8"))
    other = msgspec.structs.replace(book, version=book.version + 1)

    for one in (book, other):
        record(
            ledger,
            f.RulebookAdopted(
                name=one.name,
                version=one.version,
                digest=digest(one),
                rulebook=msgspec.Raw(canonical(one)),
            ),
        )

    assert ledger.books == (book, other)


def test_transactions_wait_for_each_other(ledger: Ledger) -> None:
    """A second transaction begins only when the first has committed."""
    order: list[str] = []

    async def one(name: str) -> None:
        """A transaction that gives way twice."""
        async with ledger.transaction(AT) as t:
            order.append(f"{name} in")
            await asyncio.sleep(0)
            t.append(party(name))
            await asyncio.sleep(0)
            order.append(f"{name} out")

    async def both() -> None:
        """Two at the same time."""
        await asyncio.gather(one("a"), one("b"))

    asyncio.run(both())

    assert order == ["a in", "a out", "b in", "b out"]


def test_an_empty_transaction_commits_nothing(ledger: Ledger) -> None:
    """No fact, no new position, no new size."""
    within(ledger, lambda _t: None)

    assert (ledger.position, ledger.size) == (0, 0)


def test_a_transaction_is_of_no_use_after_its_block(ledger: Ledger) -> None:
    """A fact appended too late would be answered for and never stored."""
    late = within(ledger, lambda t: t)

    with pytest.raises(RuntimeError, match="over"):
        late.append(party())


def test_a_failure_before_anything_was_recorded_leaves_the_ledger_as_it_was(
    ledger: Ledger,
) -> None:
    """Refused input is an everyday thing: the ledger goes on."""

    def fail(t: Transaction) -> None:
        t.remember(ANNA)
        raise KeyError("input")

    with pytest.raises(KeyError):
        within(ledger, fail)

    assert record(ledger, party()) == [1]


def test_a_failure_after_something_was_recorded_stores_nothing_and_stops_the_ledger(
    place: Place,
) -> None:
    """What was folded cannot be unfolded, so the ledger refuses all until opened anew."""
    ledger = place.open()
    record(ledger, party("kept"))

    def fail(t: Transaction) -> None:
        t.append(party("lost"))
        raise KeyError("bug")

    with pytest.raises(KeyError):
        within(ledger, fail)

    for use in (
        lambda: ledger.position,
        lambda: ledger.register,
        lambda: ledger.standings,
        lambda: ledger.books,
        lambda: ledger.fact(1),
        lambda: ledger.checkpoint(AT),
        lambda: record(ledger, party()),
    ):
        with pytest.raises(LedgerBroken, match="open it anew"):
            use()
    again = asyncio.run(place.reopen(ledger))
    assert (again.position, again.register.party("lost")) == (1, None)
    asyncio.run(again.close())


def test_a_failure_after_messages_were_counted_stops_the_ledger(ledger: Ledger) -> None:
    """A reservation that no fact tells of would hold back messages that nobody had decided."""

    def fail(_t: Transaction) -> None:
        ledger.standings.note_asked(np.ones(1, np.uint64), ["g1"], np.ones(1, np.uint64))
        raise KeyError("bug")

    with pytest.raises(KeyError):
        within(ledger, fail)

    with pytest.raises(LedgerBroken):
        _ = ledger.position


def test_a_fact_that_does_not_fold_stops_the_ledger(ledger: Ledger) -> None:
    """A suspension of a party that nobody knows is a bug of the caller, never half a fold."""
    with pytest.raises(KeyError):
        record(ledger, f.PartySuspended(party="nobody", reason=""))

    with pytest.raises(LedgerBroken, match="folded"):
        _ = ledger.position


def test_a_cancelled_transaction_is_whole_or_absent(place: Place) -> None:
    """Cancelling while the commit is on its way waits for it; then the fact is there."""
    ledger = place.open()

    async def go() -> None:
        """Cancel as soon as the commit has begun."""

        async def work() -> None:
            """One fact."""
            async with ledger.transaction(AT) as t:
                t.append(party())

        task = asyncio.ensure_future(work())
        await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(go())

    again = asyncio.run(place.reopen(ledger))
    assert again.position == 1
    asyncio.run(again.close())


def test_facts_of_a_person_are_that_persons_alone_in_order(ledger: Ledger) -> None:
    """Consents, refusals, replies and number notes, oldest first, and nobody else's."""
    anna, bo = ledger.find(ANNA), ledger.find(BO)
    facts = (
        consent(ledger),
        reply(ledger, ReplyMeaning.UNCLEAR),
        refusal(ledger),
        f.NumberNoted(
            person=anna.key, handle=anna.handle, state=NumberState.EMPTY, source="carrier"
        ),
    )

    record(ledger, party(), facts[0], consent(ledger, BO), *facts[1:])

    assert tuple(recorded.fact for recorded in ledger.facts_of(anna.handle)) == facts
    assert [recorded.position for recorded in ledger.facts_of(bo.handle)] == [3]
    assert ledger.facts_of(12345) == ()


def test_a_person_is_remembered_once_and_found_without_being_kept(ledger: Ledger) -> None:
    """The same number gives the same person; finding alone stores nothing."""
    found = ledger.find(ANNA)
    first = within(ledger, lambda t: t.remember(ANNA))
    second = within(ledger, lambda t: t.remember(ANNA))

    assert found == first == second
    known = ledger.store.person(found.key)
    assert known is not None
    assert known.handle == found.handle
    assert Vault(KEYS).open_phone(known.number, found.key) == ANNA
    assert ledger.store.person(ledger.find(BO).key) is None


@pytest.mark.parametrize("first", [(1 << 48) + 1, (0x8000 << 48) + 1, (0xFFFF << 48) + 1])
def test_a_decided_batch_is_found_by_each_of_its_messages(ledger: Ledger, first: int) -> None:
    """Any id of a batch leads to it, on low and high nodes; the ids around it lead nowhere."""
    one = within(ledger, lambda t: decided(ledger, t, first, 5))
    two = within(ledger, lambda t: decided(ledger, t, first + 10, 5))

    def position(message: int) -> int | None:
        batch = ledger.decided_batch(message)
        return None if batch is None else batch.recorded.position

    assert [position(first + at) for at in (0, 4, 10, 14)] == [one, one, two, two]
    assert [position(first + at) for at in (-1, 5, 9, 15)] == [None] * 4


def test_moved_batches_of_a_message_hold_all_its_moves(ledger: Ledger) -> None:
    """However far apart the messages of one batch are, each leads to it."""
    far = (0xFFFF << 48) + 7
    one = within(ledger, lambda t: moved(t, 5, 9_000, far))
    two = within(ledger, lambda t: moved(t, 5))

    def positions(message: int) -> list[int]:
        return [batch.recorded.position for batch in ledger.moved_batches(message)]

    assert positions(5) == [one, two]
    assert positions(9_000) == positions(far) == [one]
    assert positions(1 << 40) == []


def test_a_batch_is_kept_byte_for_byte(ledger: Ledger) -> None:
    """Rows and sealed part come back as they were attached, with their fact."""
    position = within(ledger, lambda t: decided(ledger, t, 1, 2))

    batch = ledger.batch(position)

    assert isinstance(batch.recorded.fact, f.MessagesDecided)
    assert rows_root(batch.rows, DECIDED.itemsize) == batch.recorded.fact.rows_root
    assert ledger.unseal(batch.sealed, b"test") == b"numbers and texts"
    assert list(ledger.batches_since(0)) == [position]
    assert list(ledger.batches_since(position)) == []
    with pytest.raises(LookupError):
        ledger.batch(position + 1)


def test_parts_that_are_kept_stand_among_the_batches(ledger: Ledger) -> None:
    """Parts of long messages have a sealed part and no rows."""

    def keep(t: Transaction) -> int:
        sealed = hashlib.sha256(b"sealed").digest()
        position = t.append(f.PartsKept(node="1", count=1, sealed_hash=sealed))
        t.attach(position, b"", b"sealed")
        return position

    position = within(ledger, keep)

    assert list(ledger.batches_since(0)) == [position]
    assert ledger.batch(position)[1:] == (b"", b"sealed")


def test_nothing_is_attached_to_an_earlier_transactions_fact(ledger: Ledger) -> None:
    """What has been committed is not added to."""
    (position,) = record(ledger, party())

    with pytest.raises(ValueError, match="not of this transaction"):
        within(ledger, lambda t: t.attach(position, b"", b""))


def test_what_is_sealed_opens_under_its_own_context_alone(ledger: Ledger) -> None:
    """A sealed value cannot be passed off as another kind."""
    sealed = ledger.seal(b"words", b"reply.heard/1")

    assert ledger.unseal(sealed, b"reply.heard/1") == b"words"
    with pytest.raises(Exception, match="changed"):
        ledger.unseal(sealed, b"other")


def test_marks_are_known_at_once_and_durable_with_the_next_commit(place: Place) -> None:
    """A mark rides with the next commit; without one, closing writes it."""
    ledger = place.open()
    assert ledger.marked("low_water") == 0
    ledger.mark("low_water", 7)
    assert ledger.marked("low_water") == 7
    record(ledger, party())
    ledger.mark("message", 1 << 48)

    again = asyncio.run(place.reopen(ledger))

    assert (again.marked("low_water"), again.marked("message")) == (7, 1 << 48)
    asyncio.run(again.close())


def test_marks_hold_unsigned_64_bit_numbers(place: Place) -> None:
    """The last message id of a high node is a mark too."""
    ledger = place.open()
    ledger.mark("message", (0xFFFF << 48) + 5)

    again = asyncio.run(place.reopen(ledger))

    assert again.marked("message") == (0xFFFF << 48) + 5
    asyncio.run(again.close())


def test_a_checkpoint_is_signed_and_the_same_for_the_same_size(place: Place) -> None:
    """Same size, same text, whenever it is asked for, also after a restart."""
    ledger = place.open()
    record(ledger, party("a"), party("b"), party("c"))
    text = ledger.checkpoint(AT)

    signed = note.parse_note(text.encode())
    found = note.parse_checkpoint(signed.text)

    assert note.check(signed, [place.vault.key], verify)
    assert (found.origin, found.size) == (ORIGIN, 3)
    bodies = [ledger.encoded(position) or b"" for position in (1, 2, 3)]
    assert found.root == chain.root(map(chain.leaf_hash, bodies))
    assert ledger.checkpoint(AT + 1) == text
    again = asyncio.run(place.reopen(ledger))
    assert again.checkpoint(AT + 2) == text
    asyncio.run(again.close())


def test_every_fact_is_proved_by_its_path_to_the_checkpoint(ledger: Ledger) -> None:
    """An inclusion path leads from a fact's bytes to the signed root, at any size."""
    record(ledger, *[party(f"p{i}") for i in range(300)])
    early = note.parse_checkpoint(note.parse_note(ledger.checkpoint(AT).encode()).text)
    record(ledger, *[party(f"q{i}") for i in range(300)])
    late = note.parse_checkpoint(note.parse_note(ledger.checkpoint(AT).encode()).text)

    for found, positions in ((early, (1, 256, 257, 300)), (late, (1, 300, 512, 600))):
        for position in positions:
            leaf = chain.leaf_hash(ledger.encoded(position) or b"")
            path = ledger.inclusion(position, found.size)
            assert chain.check_inclusion(leaf, position - 1, found.size, path, found.root)
    with pytest.raises(ValueError, match="committed"):
        ledger.inclusion(1, 601)
    with pytest.raises(ValueError, match="not in a log"):
        ledger.inclusion(301, 300)


def test_the_log_goes_on_after_a_restart_as_if_there_had_been_none(place: Place) -> None:
    """The tree is picked up where it was: roots and paths are those of one unbroken log."""
    ledger = place.open()
    record(ledger, *[party(f"p{i}") for i in range(1500)])
    record(ledger, *[party(f"q{i}") for i in range(10)])

    again = asyncio.run(place.reopen(ledger))
    record(again, *[party(f"r{i}") for i in range(200)])

    found = note.parse_checkpoint(note.parse_note(again.checkpoint(AT).encode()).text)
    bodies = [again.encoded(position) or b"" for position in range(1, 1711)]
    assert found.root == chain.root(map(chain.leaf_hash, bodies))
    assert check.verify(again.store, again.key, folder=None).findings == ()
    asyncio.run(again.close())


def test_an_imported_consent_grounds_like_a_recorded_one(place: Place) -> None:
    """The rows of the file that the fact names are standings, also after a restart."""
    ledger = place.open()
    handle = ledger.find(BO).handle
    rows = np.array([(handle, AT // 1000 - 5)], dtype=ROW)
    table = pa.table({"handle": rows["handle"].copy(), "given_s": rows["given_s"].copy()})
    pq.write_table(table, place.imports / "some.parquet")
    fact = f.ConsentsImported(
        sender="m1",
        purposes=Category.RETAIL.bit,
        act=Act.SIGNED,
        wording="",
        shown="ab",
        term_s=0,
        per_count=0,
        per_days=0,
        count=1,
        rows_root=rows_root(rows.tobytes(), ROW.itemsize),
        file="some.parquet",
    )
    record(ledger, fact)

    again = asyncio.run(place.reopen(ledger))

    (found,) = again.standings.person(handle, "m1", "g1").grounds
    assert (found.position, found.act, found.given_at) == (1, Act.SIGNED, AT - 5000)
    asyncio.run(again.close())
    (place.imports / "some.parquet").unlink()
    with pytest.raises(LedgerBroken, match="restore"):
        place.open()


def test_the_ledger_has_the_shape_that_the_desk_asks_for(ledger: Ledger) -> None:
    """The room knows nothing of the desk; that it fits is held by the type checker here."""
    fits: ports.Ledger = ledger
    standings: ports.Standings = ledger.standings
    t: ports.Transaction = Transaction(ledger, AT)

    assert (fits.position, len(standings.terms), t.at) == (0, 0, AT)
