"""Forget: a person's data go, the refusal stays, and the log is as whole as before."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path
from typing import cast

import msgspec
import pytest
from test_prove import (
    ANNA,
    BO,
    MORNING,
    NAME,
    PORT,
    World,
    decided,
    holds,
    keys,
    register_facts,
    to,
    world,
)
from test_verify import Home

from qingjing.desk import consent, evidence, outbox, parts, release, send, settle
from qingjing.desk.bundle import write
from qingjing.desk.entries import InputError, moment
from qingjing.desk.explain import person as look_at
from qingjing.desk.forget import Forgotten, forget
from qingjing.desk.hear import hear, words_of
from qingjing.desk.ports import Transaction
from qingjing.desk.prove import ProofError
from qingjing.desk.texts import Reader
from qingjing.desk.verify import Result, erasures, verify
from qingjing.doors.cli import House, Session
from qingjing.doors.cli import ledger as ledger_commands
from qingjing.doors.cli.proofs import in_words
from qingjing.kernel import facts as f
from qingjing.kernel import note
from qingjing.kernel.vector import GroundsState
from qingjing.kernel.words import Carrier, Phone, Verdict
from qingjing.ledger import check, memory, sqlite
from qingjing.ledger.core import Ledger
from qingjing.ledger.vault import Vault

LATER = MORNING + 60_000
OWN = "【青禾商城】安先生,您的专属优惠满200减50,拒收请回复R"


def forgotten(made: World, phone: Phone = ANNA, at: int = LATER) -> Forgotten:
    """A person is erased, by a letter."""
    return made.act(
        lambda t: forget(made.desk, t, phone.digits, door="paper", evidence="letter 17"), at
    )


def sound(ledger: Ledger, folder: Path | None = None) -> None:
    """Everything that is stored proves itself."""
    assert check.verify(ledger.store, ledger.key, folder=folder).findings == ()


def delivered(made: World, *bodies: str, phone: Phone = ANNA, at: int = MORNING) -> int:
    """Messages that passed, left and arrived; nobody waits for a report. The first one's id."""
    submits = [to(phone, body, wants_report=False) for body in bodies]
    box = outbox.Outbox()

    def go(t: Transaction) -> int:
        """Decided and released."""
        done = send.decide(made.desk, submits, t)
        assert set(done.rows["verdict"].tolist()) == {int(Verdict.PASS)}
        box.admit(done, submits, t.position)
        release.release(made.desk, box, Carrier.MOBILE, 100, lambda _body: 1, t)
        box.flush(t, 1)
        return int(done.rows["message"][0])

    first = made.act(go, at)

    def end(t: Transaction) -> None:
        """Taken and reported."""
        for place in range(len(submits)):
            up = f"up-{first + place}".encode()
            settle.accepted(box, first + place, 1, up, 1, t.at)
            settle.reported(box, up, b"DELIVRD", 1, t.at)
        box.flush(t, 1)

    made.act(end, at)
    assert not box.flights
    return first


def sealed_of(made: World, message: int) -> evidence.Sealed:
    """What is under seal beside a message's decision."""
    batch = made.ledger.decided_batch(message)
    assert batch is not None
    return evidence.unpack(made.ledger.unseal(batch.sealed, evidence.CONTEXT))


def test_number_words_and_texts_are_gone() -> None:
    """What was sealed beside the facts no longer opens to anything of the person."""
    made = world()
    made.consented()
    heard = made.act(lambda t: hear(made.desk, t, ANNA, PORT, "Y"))
    message = delivered(made, OWN)
    key = made.ledger.find(ANNA).key
    assert made.ledger.store.person(key) is not None

    done = forgotten(made)

    assert (done.replies, done.batches, done.groups) == (1, 1, ("g-qinghe",))
    assert made.ledger.store.person(key) is None
    assert words_of(made.ledger, heard.position) is None
    sealed = sealed_of(made, message)
    assert (sealed.phones, sealed.originals, sealed.bodies) == ([0], [b""], [""])
    assert sealed.body_salts == [b""]
    sound(made.ledger)


def test_what_was_done_is_on_record_without_the_number() -> None:
    """The fact names the keyed hash, the door, and what is left beside which facts."""
    made = world()
    made.consented()
    message = delivered(made, OWN)
    done = forgotten(made)
    recorded = made.ledger.fact(done.position)
    batch = made.ledger.decided_batch(message)

    assert recorded is not None
    assert batch is not None
    fact = recorded.fact
    assert isinstance(fact, f.PersonForgotten)
    left = hashlib.sha256(batch.sealed).digest()
    assert fact.replaced == ((batch.recorded.position, left),)
    assert (fact.person, fact.evidence) == (made.ledger.find(ANNA).key, "letter 17")
    for at in range(1, made.ledger.position + 1):
        assert ANNA.digits.encode() not in (made.ledger.encoded(at) or b"")


def test_others_keep_what_is_theirs() -> None:
    """A text that others were sent, too, stays; so do their numbers and their proofs."""
    made = world()
    for phone in (ANNA, BO):
        made.consented(phone)

    def both(t: Transaction) -> int:
        """One batch: a text of both, and one of Anna's alone."""
        rows = send.decide(made.desk, [to(ANNA), to(BO), to(ANNA, OWN)], t).rows
        made.ledger.mark("low_water", t.position)
        return int(rows["message"][0])

    first = made.act(both)
    forgotten(made)
    sealed = sealed_of(made, first)

    assert sealed.phones == [0, int(BO), 0]
    assert sealed.bodies == [to(BO).body, ""]
    assert [bool(original) for original in sealed.originals] == [False, True, False]
    bundle = made.prove(first + 1, include_number=True)
    holds(verify(write(bundle), [made.ledger.key]))
    assert bundle.openings.number is not None
    forgotten(made, BO)
    assert sealed_of(made, first).bodies == ["", ""]
    sound(made.ledger)


def test_bytes_of_others_that_name_the_number_go_too() -> None:
    """One submit to two numbers: its bytes hold both, whosever row they are kept for."""
    made = world()
    original = f"{ANNA.digits} {BO.digits}".encode()

    def both(t: Transaction) -> int:
        """One submit, two persons."""
        submits = [to(ANNA, original=original), to(BO, original=original)]
        return int(send.decide(made.desk, submits, t).rows["message"][0])

    first = made.act(both)
    forgotten(made)

    assert sealed_of(made, first).originals == [b"", b""]
    assert sealed_of(made, first).phones == [0, int(BO)]
    holds(made.verify(first + 1))


def test_a_refusal_survives_and_a_list_does_not_bring_the_person_back(tmp_path: Path) -> None:
    """Consents are withdrawn: neither the old list nor the refusal's end revives them."""
    made = world(tmp_path)
    terms = consent.Terms(sender="qinghe", purposes=("retail",), act="ticked", shown="9f86")
    rows = [(1, ANNA.digits, "2026-05-01"), (2, BO.digits, "2026-05-01")]

    def load(t: Transaction) -> object:
        """The shop's list."""
        return consent.import_consents(made.ledger, t, rows, terms, tmp_path)

    made.act(load)
    holds(made.verify(delivered(made, OWN)))
    assert forgotten(made).groups == ("g-qinghe",)
    made.act(load, LATER + 1000)
    found = look_at(made.ledger, ANNA, LATER + 2000)
    assert [one.state for one in found.standings] == [GroundsState.REFUSED]
    report = made.verify(made.submit(to(ANNA), at=LATER + 2000))
    holds(report)
    assert decided(report)[:2] == (Verdict.REFUSE, ("not_refused",))
    other = made.verify(made.submit(to(BO), at=LATER + 2000))
    assert decided(other)[:2] == (Verdict.PASS, ())

    anew = consent.Terms(sender="qinghe", purposes=("food",), act="ticked", shown="9f86")
    made.act(
        lambda t: consent.record(
            made.ledger, t, ANNA.digits, anew, given_at="2026-05-20 10:02:00", door="web"
        ),
        moment("2026-05-20 10:03"),
    )
    standing = made.ledger.standings.person(made.ledger.find(ANNA).handle, "qinghe", "g-qinghe")
    assert not standing.refused
    assert [grounds.purposes for grounds in standing.grounds] == [1 << 8]


def test_the_standings_folded_anew_are_the_same(tmp_path: Path) -> None:
    """From the first fact, with the sealed parts gone: nothing of the fold was in them."""
    made = on_disk(tmp_path)
    made.consented()
    made.act(lambda t: hear(made.desk, t, ANNA, PORT, "在吗?你们是哪里的店"))
    made.act(lambda t: hear(made.desk, t, ANNA, PORT, "Y"))
    delivered(made, OWN, to(ANNA).body)
    made.consented(BO)
    forgotten(made)
    folded = check.rebuild(made.ledger.store, Vault(keys()), origin=NAME, folder=None)

    for phone in (ANNA, BO):
        handle = made.ledger.find(phone).handle
        now, then = (
            x.standings.person(handle, "qinghe", "g-qinghe") for x in (made.ledger, folded)
        )
        assert now == then


def test_checkpoints_from_before_are_continued() -> None:
    """Nothing that was hashed has changed: who kept a checkpoint sees a log that only grew."""
    made = world()
    made.consented()
    message = delivered(made, OWN)
    kept = made.ledger.checkpoint(MORNING).encode()
    size = note.parse_checkpoint(note.parse_note(kept).text).size
    forgotten(made)

    holds(verify(write(made.prove(message, since=size)), [made.ledger.key], kept))
    sound(made.ledger)


def test_a_message_to_the_person_is_still_proved_and_says_what_was_erased() -> None:
    """Consent, rulebook, reading and verdict are there; text and number are not, and why."""
    made = world()
    made.consented()
    message = delivered(made, OWN)
    before = made.prove(message, include_number=True)
    done = forgotten(made)
    bundle = made.prove(message)
    report = verify(write(bundle), [made.ledger.key])

    holds(report)
    assert decided(report)[:2] == (Verdict.PASS, ())
    assert bundle.openings.text is None
    (told,) = [finding for finding in report.findings if finding.check == "erased"]
    assert told.result is Result.RECORD
    assert f"fact {done.position}" in told.en
    assert report.proven is not None
    assert [fact.position for fact in erasures(report.proven)] == [done.position]
    for lang, word in (("en", "person.forgotten"), ("zh", "删除个人数据")):
        assert any(word in line for line in in_words(report, lang))  # type: ignore[arg-type]
    with pytest.raises(ProofError, match="erased: prove without the number"):
        made.prove(message, include_number=True)
    holds(verify(write(before), [made.ledger.key]))


def test_an_erasure_of_another_person_has_no_part_in_a_proof() -> None:
    """Nor has one that leaves this decision alone, put in by whoever hands the bundle over."""
    made = world()
    for phone in (ANNA, BO):
        made.consented(phone)
    first, second = delivered(made, OWN), delivered(made, to(BO).body, phone=BO)
    done = forgotten(made, BO)
    mine, other = made.prove(first), made.prove(second)
    erased = [row for row in other.facts if row.fact == done.position]
    facts = tuple(sorted([*mine.facts, *erased], key=lambda row: row.fact))
    report = verify(write(msgspec.structs.replace(mine, facts=facts)), [made.ledger.key])

    assert {x.check for x in report.of(Result.FAILS)} == {"before", "parts"}


def test_parts_that_were_kept_go_with_the_person() -> None:
    """Parts answered before their rest had come hold number and text as well."""
    made = world()
    both = [
        parts.Part(
            key=("acc", PORT, phone.digits, 7, 2),
            number=1,
            content=b"half",
            codec="ascii",
            declared=0,
            original=b"half",
            reference=reference,
            wants_report=False,
            at=MORNING,
        )
        for reference, phone in enumerate((ANNA, BO), 1)
    ]
    joiner = parts.Joiner(10)
    made.act(lambda t: joiner.keep(made.ledger, t, both, 1))
    position = made.ledger.position
    with pytest.raises(InputError, match="are on their way"):
        forgotten(made)

    made.ledger.mark("low_water", position)
    assert forgotten(made).batches == 1
    sealed = made.ledger.batch(position).sealed
    left = msgspec.msgpack.decode(
        made.ledger.unseal(sealed, parts.CONTEXT), type=list[parts.Part]
    )
    assert left == both[1:]
    sound(made.ledger)


def test_a_message_on_its_way_is_waited_for() -> None:
    """It needs the number to arrive; nothing is erased, and the number is not told."""
    made = world()
    made.consented()
    message = made.submit(to(ANNA))
    with pytest.raises(InputError, match="are on their way") as error:
        forgotten(made)

    assert ANNA.digits not in str(error.value)
    assert sealed_of(made, message).phones == [int(ANNA)]
    assert forgotten(made, BO).position == 0


def test_forgetting_twice_finds_nothing_left() -> None:
    """And a person who was never known leaves no trace of having asked."""
    made = world()
    made.consented()
    made.act(lambda t: hear(made.desk, t, ANNA, PORT, "T"))
    first = forgotten(made)
    position = made.ledger.position

    assert (bool(first.position), first.groups) == (True, ())
    assert forgotten(made) == forgotten(made, BO) == Forgotten(0, (), 0, 0)
    assert made.ledger.position == position


def test_whoever_comes_back_is_known_anew() -> None:
    """A new consent keeps the number again, and a second request erases that as well."""
    made = world()
    made.consented()
    forgotten(made)
    key = made.ledger.find(ANNA).key
    made.consented(at=LATER + 1000)
    assert made.ledger.store.person(key) is not None

    assert forgotten(made, at=LATER + 2000).position
    assert made.ledger.store.person(key) is None
    sound(made.ledger)


@pytest.mark.parametrize(
    ("number", "door", "problem"),
    [("12", "paper", "no mainland mobile number"), (ANNA.digits, "window", "is none of")],
)
def test_what_is_wrong_with_a_request_is_named(number: str, door: str, problem: str) -> None:
    """Nothing is erased then."""
    made = world()
    with pytest.raises(InputError, match=problem):
        made.act(lambda t: forget(made.desk, t, number, door=door))


def on_disk(folder: Path) -> World:
    """The same world in a SQLite file, with salts that cannot be guessed."""
    ledger = sqlite.open_ledger(folder, Vault(keys()), origin=NAME).ledger
    made = World(ledger, send.Desk(ledger, Reader(os.urandom), node=1))

    def found(t: Transaction) -> None:
        """The register."""
        for fact in register_facts():
            t.append(fact)

    made.act(found, moment("2026-01-02"))
    return made


def test_what_was_erased_is_in_no_file_of_the_ledger(tmp_path: Path) -> None:
    """The sealed bytes are overwritten, not only unlinked; opened again all is as it was."""
    made = on_disk(tmp_path)
    made.consented()
    heard = made.act(lambda t: hear(made.desk, t, ANNA, PORT, "请不要再发了" * 50))
    message = made.submit(to(ANNA, OWN))
    batch = made.ledger.decided_batch(message)
    person = made.ledger.store.person(made.ledger.find(ANNA).key)
    assert batch is not None
    assert person is not None
    gone = [made.ledger.batch(heard.position).sealed, batch.sealed, person.number]
    forgotten(made)
    asyncio.run(made.ledger.close())

    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    for sealed in gone:
        for start in range(0, len(sealed) - 16, 64):
            assert sealed[start : start + 16] not in stored
    again = sqlite.open_ledger(tmp_path, Vault(keys()), origin=NAME).ledger
    sound(again, tmp_path / sqlite.IMPORTS)
    assert words_of(again, heard.position) is None
    asyncio.run(again.close())


def test_an_erasure_that_was_undone_is_found() -> None:
    """What a backup brought back beside the fact is not what the record says was left."""
    made = world()
    heard = made.act(lambda t: hear(made.desk, t, ANNA, PORT, "Y"))
    store = made.ledger.store
    before = store.attached(heard.position)
    forgotten(made)
    assert isinstance(store, memory.MemoryStore)
    assert before is not None
    store._attached[heard.position] = before

    report = check.verify(store, made.ledger.key, folder=None)

    assert report.findings == (
        (heard.position, "its sealed part is not what an erasure left of it"),
    )


def test_the_command_says_what_was_erased(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For people and for programs; the number is in neither answer."""
    made = world()
    made.consented()
    delivered(made, OWN)
    config = tmp_path / "qingjing.toml"
    config.write_text("")
    session = Session(cast(House, Home(made)), config, "en")

    assert asyncio.run(ledger_commands.forget(ANNA.digits, door="call", session=session)) == 0
    told = capsys.readouterr().out
    assert "in 1 batches" in told
    assert "consents withdrawn: g-qinghe" in told
    assert asyncio.run(ledger_commands.forget(ANNA.digits, session=session)) == 0
    assert capsys.readouterr().out == "nothing is kept of this person\n"
    again = ledger_commands.forget(ANNA.digits, as_json=True, session=session)
    assert asyncio.run(again) == 0
    nothing = {"position": 0, "groups": [], "replies": 0, "batches": 0}
    assert msgspec.json.decode(capsys.readouterr().out) == nothing
