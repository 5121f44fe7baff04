"""Verify: no changed byte, no forged order and no rewritten log gets past a reader."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given, settings
from hypothesis import strategies as st
from test_prove import ANNA, BO, MORNING, World, holds, to, world

from qingjing.desk import consent
from qingjing.desk.bundle import BUNDLE_BYTES_MAX, Bundle, BundleError, Row, Since, read, write
from qingjing.desk.edition import edition
from qingjing.desk.hear import hear
from qingjing.desk.prove import HISTORY
from qingjing.desk.verify import Report, Result, fingerprint, verify
from qingjing.doors.cli import House, Session, proofs
from qingjing.kernel import chain, note
from qingjing.kernel import facts as f
from qingjing.kernel.rows import DECIDED, rows_root
from qingjing.kernel.rulebook import canonical, digest
from qingjing.kernel.vector import GroundsState, Over, case_number, from_case_number
from qingjing.kernel.words import Verdict

EXAMPLES = settings(max_examples=300, deadline=None)


@cache
def passed() -> tuple[World, Bundle]:
    """A message that passed, with everything shown that can be shown."""
    made = world()
    made.act(lambda t: hear(made.desk, t, ANNA, to(ANNA).port, "Y"))
    size = made.ledger.position
    made.consented()
    message = made.submit(to(ANNA))
    return made, made.prove(message, include_number=True, since=size)


def packed(members: list[tuple[str, bytes]]) -> bytes:
    """Members as ``write`` packs them, whatever is in them."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            target.writestr(info, data)
    return file.getvalue()


def members_of(data: bytes) -> list[tuple[str, bytes]]:
    """Names and bytes of a zip file."""
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        return [(name, source.read(name)) for name in source.namelist()]


def failed(report: Report) -> set[str]:
    """The checks that fail."""
    return {finding.check for finding in report.of(Result.FAILS)}


def test_the_whole_bundle_verifies() -> None:
    """With number, text, and a path from an earlier size."""
    made, bundle = passed()
    report = verify(write(bundle), [made.ledger.key])
    holds(report)
    assert {"since", "number", "text", "reading"} <= {x.check for x in report.findings}


@given(place=st.data(), change=st.integers(1, 255))
@EXAMPLES
def test_no_changed_byte_of_a_member_verifies(place: st.DataObject, change: int) -> None:
    """Even with the checksums of the container set right again."""
    _made, bundle = passed()
    members = members_of(write(bundle))
    at = place.draw(st.integers(0, len(members) - 1))
    name, data = members[at]
    byte = place.draw(st.integers(0, len(data) - 1))
    changed = data[:byte] + bytes([data[byte] ^ change]) + data[byte + 1 :]
    members[at] = (name, changed)
    assert not verify(packed(members)).ok


@given(place=st.integers(0), change=st.integers(1, 255))
@EXAMPLES
def test_no_changed_byte_of_the_file_verifies(place: int, change: int) -> None:
    """Headers, index and all: a file that was changed anywhere is refused."""
    data = write(passed()[1])
    at = place % len(data)
    changed = data[:at] + bytes([data[at] ^ change]) + data[at + 1 :]
    report = verify(changed)
    assert not report.ok
    assert report.proven is None


@given(data=st.binary(max_size=300))
@EXAMPLES
def test_any_bytes_get_an_answer(data: bytes) -> None:
    """Garbage is no bundle, with and without a start that looks like one."""
    assert failed(verify(data)) == {"bundle"}
    assert failed(verify(write(passed()[1])[:400] + data)) == {"bundle"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda m: [*m, ("notes.txt", b"hello")], "unknown member 'notes.txt'"),
        (lambda m: [*m, ("../../etc/passwd", b"x")], "unknown member '../../etc/passwd'"),
        (lambda m: [m[0], *m[2:]], "member 'checkpoint.txt' is missing"),
        (lambda m: m[1:], "member 'manifest.json' is missing"),
        (lambda m: [m[1], m[0], *m[2:]], "canonical form"),
        (lambda m: [(n, d + b" " * (n == "row.bin")) for n, d in m], "85 bytes"),
        (lambda m: [(n, d + b" " * (n == "openings.json")) for n, d in m], "canonical form"),
        (lambda m: [(n, d * (n != "manifest.json")) for n, d in m], "member 'manifest.json'"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(
    change: Callable[[list[tuple[str, bytes]]], list[tuple[str, bytes]]], problem: str
) -> None:
    """No unknown members, none missing, one order, sizes as they must be."""
    with pytest.raises(BundleError, match=problem):
        read(packed(change(members_of(write(passed()[1])))))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_stands_twice_is_refused() -> None:
    """Which of the two a program would read is nobody's guess."""
    members = members_of(write(passed()[1]))
    with pytest.raises(BundleError, match="stands twice"):
        read(packed([members[0], *members]))


def test_a_compressed_bundle_is_refused() -> None:
    """A small file cannot unfold into a large one."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in members_of(write(passed()[1])):
            target.writestr(name, data)
    with pytest.raises(BundleError, match="is compressed"):
        read(file.getvalue())


def test_a_bundle_over_the_limit_is_refused() -> None:
    """Before anything in it is looked at; and none is written either."""
    with pytest.raises(BundleError, match="over the limit"):
        read(bytes(BUNDLE_BYTES_MAX + 1))
    bundle = passed()[1]
    rows = tuple(Row(n, 0, b"", ()) for n in range(5_000))
    with pytest.raises(BundleError, match="over the limit"):
        write(msgspec.structs.replace(bundle, moves=rows))


def test_without_a_trusted_key_the_report_says_so() -> None:
    """And gives the fingerprint to compare."""
    made, bundle = passed()
    report = verify(write(bundle))
    assert report.ok
    (told,) = [finding for finding in report.findings if finding.check == "key"]
    assert told.result is Result.RECORD
    assert fingerprint(made.ledger.key) in told.en
    assert fingerprint(made.ledger.key) in told.zh


class Forger:
    """An operator with the ledger's facts and a key of his own, who writes them anew."""

    def __init__(self, facts: list[f.Recorded], name: str) -> None:
        self.facts = [f.encode(fact) for fact in facts]
        private = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        self.key = note.Key(name, private.public_key().public_bytes_raw())
        self._sign = private.sign

    def bundle(self, old: Bundle, row: Row, positions: list[int]) -> Bundle:
        """A bundle over his log, signed with his key, every path as it must be."""
        leaves = chain.leaf_hashes(self.facts)
        size, nodes = len(leaves), chain.held(leaves)
        text = note.Checkpoint(self.key.name, size, chain.root(leaves)).text()
        signed = note.Note(text, (note.sign(text, self.key, self._sign),)).encode()
        facts = tuple(
            Row(at, at - 1, self.facts[at - 1], chain.inclusion(at - 1, size, nodes))
            for at in positions
        )
        return msgspec.structs.replace(
            old, key=self.key.text(), checkpoint=signed, facts=facts, row=row, since=None
        )


def forged(*, late: bool, name: str = "log.example.cn/qingjing") -> tuple[Forger, Bundle]:
    """A log in which a message without consent seems to have one.

    The facts are those of a refused message; the decision is rewritten to rest on a consent,
    which is written after the decision (``late``) or slipped in before it.
    """
    made = world()
    message = made.submit(to(ANNA))
    old = made.prove(message)
    consent_at = made.consented()
    facts = [made.ledger.fact(at) for at in range(1, consent_at + 1)]
    every = [fact for fact in facts if fact is not None]
    decision, consent = every[-2:]
    place = consent.position if late else decision.position
    row = np.frombuffer(old.row.data, DECIDED).copy()
    vector = from_case_number(int(row["case"][0]))._replace(grounds=GroundsState.CONSENT)
    row["case"], row["reasons"], row["verdict"] = case_number(vector), 0, Verdict.PASS
    row["grounds"] = place
    batch = cast(f.MessagesDecided, decision.fact)
    batch = msgspec.structs.replace(
        batch, passed=1, rows_root=rows_root(row.tobytes(), DECIDED.itemsize)
    )
    moved = decision.position + (0 if late else 1)
    pair = [f.Recorded(moved, MORNING, batch), f.Recorded(place, MORNING, consent.fact)]
    forger = Forger([*every[:-2], *sorted(pair, key=lambda fact: fact.position)], name)
    positions = [row.fact for row in old.facts if row.fact != old.row.fact]
    found = Row(moved, 0, row.tobytes(), ())
    return forger, forger.bundle(old, found, sorted([*positions, place, moved]))


def test_a_consent_recorded_after_the_send_is_not_passed_off_as_earlier() -> None:
    """Its place in the log is after the decision, and the report says at which."""
    forger, bundle = forged(late=True)
    report = verify(write(bundle), [forger.key])
    assert "before" in failed(report)


def test_a_forged_position_is_not_in_the_log() -> None:
    """Writing an earlier position into the consent changes its bytes: its path fails."""
    forger, bundle = forged(late=True)
    last = bundle.facts[-1]
    early = f.decode(last.data)
    lied = f.encode(msgspec.structs.replace(early, position=1))
    for fact in (
        msgspec.structs.replace(last, data=lied),
        msgspec.structs.replace(last, data=lied, fact=1, index=0),
    ):
        facts = sorted([*bundle.facts[1:-1], fact], key=lambda row: row.fact)
        report = verify(
            write(msgspec.structs.replace(bundle, facts=tuple(facts))), [forger.key]
        )
        assert failed(report) == {"inclusion"}
        assert report.proven is None


def test_a_log_rewritten_under_another_key_is_not_believed() -> None:
    """In itself it is whole: only a key that one trusts tells it from the true one."""
    made, _bundle = passed()
    forger, bundle = forged(late=False)
    assert verify(write(bundle), [forger.key]).ok
    assert failed(verify(write(bundle), [made.ledger.key])) == {"trust"}


def test_a_rewritten_log_fails_against_a_checkpoint_that_was_kept() -> None:
    """Whoever kept an earlier checkpoint needs no key to see that history was changed."""
    made = world()
    made.submit(to(ANNA))
    kept = made.ledger.checkpoint(MORNING).encode()
    forger, bundle = forged(late=False)
    state = note.parse_checkpoint(note.parse_note(kept).text)
    leaves = chain.leaf_hashes(forger.facts)
    path = chain.consistency(state.size, len(leaves), chain.held(leaves))
    own = Since(state.size, chain.root(leaves[: state.size]), path)
    claimed = Since(state.size, state.root, path)
    for since, problems in (
        (None, {"witness"}),
        (own, {"witness"}),
        (claimed, {"since"}),
    ):
        report = verify(write(msgspec.structs.replace(bundle, since=since)), None, kept)
        assert failed(report) == problems


def test_the_honest_log_continues_the_checkpoint_that_was_kept() -> None:
    """The same question, and the answer is yes; without the path it cannot be told."""
    made = world()
    kept = made.ledger.checkpoint(MORNING).encode()
    size = made.ledger.position
    message = made.submit(to(ANNA))
    with_path, without = made.prove(message, since=size), made.prove(message)
    holds(verify(write(with_path), [made.ledger.key], kept))
    assert failed(verify(write(without), [made.ledger.key], kept)) == {"witness"}
    assert failed(verify(write(without), [made.ledger.key], b"no note")) == {"witness"}
    now = made.ledger.checkpoint(MORNING).encode()
    holds(verify(write(without), [made.ledger.key], now))


def test_a_witness_may_be_trusted_instead_of_the_ledger() -> None:
    """A countersignature under the checkpoint, and its key handed to the reader."""
    made, bundle = passed()
    private = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
    public = private.public_key().public_bytes_raw()
    witness = note.Key("centre.example", public, note.SignatureKind.COSIGNATURE)
    plain = note.parse_note(bundle.checkpoint)
    both = plain.signed(note.cosign(plain.text, witness, MORNING // 1000, private.sign))
    data = write(msgspec.structs.replace(bundle, checkpoint=both.encode()))
    holds(verify(data, [witness]))
    unchecked = verify(data, [made.ledger.key])
    assert "cosignatures" in {finding.check for finding in unchecked.of(Result.RECORD)}
    assert failed(verify(write(bundle), [witness])) == {"trust"}


def swapped(bundle: Bundle, **changes: Any) -> set[str]:
    """What fails when a part of a bundle is exchanged."""
    return failed(verify(write(msgspec.structs.replace(bundle, **changes))))


def test_parts_of_another_bundle_do_not_fit() -> None:
    """Row, text, number and facts are each tied to this decision."""
    made = world()
    made.act(lambda t: hear(made.desk, t, BO, to(BO).port, "T"))
    made.consented()
    first, second = to(ANNA), to(BO, "【青禾商城】冬装上新,全场满200减50,拒收请回复R")
    message = made.submit(first, second)
    mine = made.prove(message, include_number=True)
    other = made.prove(message + 1, include_number=True)
    opened = mine.openings
    assert swapped(mine, row=other.row) >= {"parts", "text", "number"}
    assert swapped(mine, openings=other.openings) == {"text", "number"}
    assert opened.number is not None
    number = msgspec.structs.replace(opened.number, number="13800138001")
    assert swapped(mine, openings=msgspec.structs.replace(opened, number=number)) == {"number"}
    union = {row.fact: row for row in (*mine.facts, *other.facts)}
    facts = tuple(union[at] for at in sorted(union))
    assert "parts" in swapped(mine, facts=facts)


def test_a_byte_does_not_move_from_the_salt_to_the_text() -> None:
    """Salt and text are hashed end to end: a shorter salt is refused."""
    _made, bundle = passed()
    opened = bundle.openings.text
    assert opened is not None
    moved = msgspec.structs.replace(
        opened, salt=opened.salt[:-1], text=chr(opened.salt[-1]) + opened.text
    )
    changed = msgspec.structs.replace(bundle.openings, text=moved)
    assert swapped(bundle, openings=changed) == {"text"}


@pytest.mark.parametrize("kind", [*HISTORY[:1], f.PortFiled, f.GrantMade, f.RulebookAdopted])
def test_a_fact_left_out_is_missed(kind: type) -> None:
    """What the decision rests on cannot be kept back."""
    _made, bundle = passed()
    kept = tuple(row for row in bundle.facts if type(f.decode(row.data).fact) is not kind)
    assert swapped(bundle, facts=kept) & {"lane", "rulebook"}


def test_a_row_of_another_batch_is_not_in_this_one() -> None:
    """A row is read only from the decided batch that holds it."""
    _made, bundle = passed()
    row = bundle.row
    other = bundle.facts[0].fact
    for changes in ({"fact": other}, {"fact": 999}, {"path": (bytes(32),)}, {"index": 1}):
        changed = msgspec.structs.replace(row, **changes)
        assert swapped(bundle, row=changed) == {"inclusion"}


def test_facts_out_of_order_are_refused() -> None:
    """One order, so that there is one file."""
    _made, bundle = passed()
    data = write(msgspec.structs.replace(bundle, facts=bundle.facts[::-1]))
    with pytest.raises(BundleError, match="not in order"):
        read(data)


def test_a_register_without_its_beginning_is_no_register() -> None:
    """A filing of a port that is not there cannot be folded."""
    _made, bundle = passed()
    kept = tuple(
        row for row in bundle.facts if type(f.decode(row.data).fact) is not f.PortRegistered
    )
    assert swapped(bundle, facts=kept) == {"lane"}


def test_a_consent_left_out_is_missed() -> None:
    """The row names its place."""
    _made, bundle = passed()
    kept = tuple(
        row for row in bundle.facts if type(f.decode(row.data).fact) is not f.ConsentRecorded
    )
    assert "parts" in swapped(bundle, facts=kept)


def unchanged(_row: np.ndarray[Any, Any]) -> None:
    """Leave the row as it is."""


def rewritten(
    change: Callable[[np.ndarray[Any, Any]], None] = unchanged, **reading: object
) -> Report:
    """The report on a decision that its own operator recorded otherwise than it follows.

    ``reading`` is what he says of the text; ``reader``, in it, who read it.
    """
    reader = str(reading.pop("reader", edition()))
    made = world()
    made.consented()
    old = made.prove(made.submit(to(ANNA)))
    row = np.frombuffer(old.row.data, DECIDED).copy()
    change(row)
    every = [made.ledger.fact(at) for at in range(1, made.ledger.position + 1)]
    facts = [fact for fact in every if fact is not None]
    batch = cast(f.MessagesDecided, facts[-1].fact)
    batch = msgspec.structs.replace(
        batch,
        rows_root=rows_root(row.tobytes(), DECIDED.itemsize),
        reader=reader,
        texts=(msgspec.structs.replace(batch.texts[0], **reading),),
    )
    facts[-1] = msgspec.structs.replace(facts[-1], fact=batch)
    forger = Forger(facts, "log.example.cn/qingjing")
    found = Row(old.row.fact, 0, row.tobytes(), ())
    bundle = forger.bundle(old, found, [x.fact for x in old.facts])
    return verify(write(bundle), [forger.key])


def test_a_text_that_reads_otherwise_now_is_shown_to_a_person() -> None:
    """Read by another edition, it proves nothing either way: the record's word is taken."""
    report = rewritten(notice="TD", reader="another")
    assert report.ok
    assert "reader" in {finding.check for finding in report.of(Result.RECORD)}
    assert {finding.check for finding in report.of(Result.DIFFERS)} == {"reading"}
    assert "field notice" in {finding.check for finding in report.of(Result.RECORD)}


def test_the_same_reader_cannot_have_read_the_text_otherwise() -> None:
    """Bytes that are equal read alike: a false reading under their name is found out."""
    report = rewritten(notice="TD")
    assert failed(report) == {"reading"}
    assert "reader" in {finding.check for finding in report.of(Result.HOLDS)}


def test_a_decision_that_does_not_say_who_read_the_text_is_none() -> None:
    """Without it nobody could read the text again in years to come."""
    assert failed(rewritten(reader="")) == {"reader"}


def test_a_false_kind_is_found_in_the_case() -> None:
    """The case must say what the batch's reading says, and the signature that of the path."""
    assert failed(rewritten(kind=2, reader="another")) == {"field read"}
    assert failed(rewritten(signature="别家", reader="another")) == {"lane"}
    assert failed(rewritten(category=99)) == {"inclusion"}


def exchanged(change: Callable[[f.RulebookAdopted], f.RulebookAdopted]) -> set[str]:
    """What fails when an operator proves a decision with another book of the same name."""
    made = world()
    made.consented()
    old = made.prove(made.submit(to(ANNA)))
    every = [made.ledger.fact(at) for at in range(1, made.ledger.position + 1)]
    facts = [fact for fact in every if fact is not None]
    for place, recorded in enumerate(facts):
        adopted = recorded.fact
        if isinstance(adopted, f.RulebookAdopted) and adopted.name == "order74-2026":
            facts[place] = msgspec.structs.replace(recorded, fact=change(adopted))
    forger = Forger(facts, "log.example.cn/qingjing")
    bundle = forger.bundle(old, old.row, [x.fact for x in old.facts])
    return failed(verify(write(bundle), [forger.key]))


def with_bytes(adopted: f.RulebookAdopted, data: bytes) -> f.RulebookAdopted:
    """The same adoption of other bytes, with their own true digest."""
    own = hashlib.sha256(data).hexdigest()
    return msgspec.structs.replace(adopted, rulebook=msgspec.Raw(data), digest=own)


def test_a_rulebook_that_differs_in_a_byte_is_not_the_one_decided_under() -> None:
    """Even where it means the same, and its own digest is right: the decision names another."""

    def blank(adopted: f.RulebookAdopted) -> f.RulebookAdopted:
        return with_bytes(adopted, bytes(adopted.rulebook).replace(b":", b": ", 1))

    def softer(adopted: f.RulebookAdopted) -> f.RulebookAdopted:
        data = bytes(adopted.rulebook)
        return with_bytes(adopted, data.replace(b'"open_hour":8', b'"open_hour":7'))

    def renamed(adopted: f.RulebookAdopted) -> f.RulebookAdopted:
        return msgspec.structs.replace(adopted, digest="0" * 64)

    assert exchanged(lambda adopted: adopted) == set()
    for change in (blank, softer, renamed):
        assert exchanged(change) == {"rulebook"}


def test_of_two_books_of_one_name_the_proof_has_the_one_decided_under() -> None:
    """A newer one, not in force that day, does not stand in for it."""
    made = world()
    made.consented()
    book = made.ledger.books[-1]
    later = msgspec.structs.replace(book, version=9, since=date(2027, 1, 1))
    fact = f.RulebookAdopted(
        name=later.name,
        version=9,
        digest=digest(later),
        rulebook=msgspec.Raw(canonical(later)),
    )
    made.act(lambda t: t.append(fact))
    report = made.verify(made.submit(to(ANNA)))
    holds(report)
    assert report.proven is not None
    assert report.proven.batch.rulebook_digest == digest(book)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("read", 2),
        ("grounds", 1),
        ("sender", 1),
        ("port", 2),
        ("signature", 3),
        ("chain", 1),
        ("scope", 1),
        ("hour", 1),
        ("notice", 1),
        ("identity", 1),
        ("link", 1),
        ("asking", 1),
        ("number", 1),
        ("consent_frequency", 1),
    ],
)
def test_a_false_case_is_found_by_counting_again(field: str, value: int) -> None:
    """Whatever the operator's own log says, the facts say otherwise, field by field."""

    def lie(row: np.ndarray[Any, Any]) -> None:
        vector = from_case_number(int(row["case"][0]))
        kind = type(getattr(vector, field))
        row["case"] = case_number(vector._replace(**{field: kind(value)}))

    assert f"field {field}" in failed(rewritten(lie))


def test_a_consent_that_a_refusal_ended_is_not_passed_off_as_standing() -> None:
    """The refusal was lifted by another consent: what was agreed before it stays ended."""
    made = world()
    ended_at = made.consented()
    made.act(lambda t: hear(made.desk, t, ANNA, to(ANNA).port, "T"))
    terms = consent.Terms(sender="qinghe", purposes=("food",), act="ticked", shown="9f86")
    made.act(
        lambda t: consent.record(
            made.ledger, t, ANNA.digits, terms, given_at="2026-05-20 10:00:01", door="web"
        ),
        MORNING + 2000,
    )
    old = made.prove(made.submit(to(ANNA), at=MORNING + 3000))
    row = np.frombuffer(old.row.data, DECIDED).copy()
    anew_at = int(row["grounds"][0])
    vector = from_case_number(int(row["case"][0]))
    assert vector.grounds is GroundsState.OTHER_CATEGORY
    vector = vector._replace(grounds=GroundsState.CONSENT, consent_frequency=Over.NO)
    row["case"], row["reasons"], row["verdict"] = case_number(vector), 0, Verdict.PASS
    row["grounds"] = ended_at
    every = [made.ledger.fact(at) for at in range(1, made.ledger.position + 1)]
    facts = [fact for fact in every if fact is not None]
    batch = msgspec.structs.replace(
        cast(f.MessagesDecided, facts[-1].fact),
        rows_root=rows_root(row.tobytes(), DECIDED.itemsize),
    )
    facts[-1] = msgspec.structs.replace(facts[-1], fact=batch)
    forger = Forger(facts, "log.example.cn/qingjing")
    shown = sorted({ended_at, *(x.fact for x in old.facts)} - {anew_at})
    bundle = forger.bundle(old, Row(old.row.fact, 0, row.tobytes(), ()), shown)

    assert failed(verify(write(bundle), [forger.key])) == {"field grounds"}


def test_false_reasons_and_verdicts_are_found_by_counting_again() -> None:
    """They follow from the case and the rulebook, or they are wrong."""

    def reasons(row: np.ndarray[Any, Any]) -> None:
        row["reasons"] = 2

    def verdict(row: np.ndarray[Any, Any]) -> None:
        row["verdict"] = Verdict.REFUSE

    assert failed(rewritten(reasons)) == {"reasons"}
    assert failed(rewritten(verdict)) == {"verdict"}


@pytest.mark.parametrize(
    ("field", "value"),
    [("message", 5), ("lane", 3), ("text", 3), ("verdict", 9), ("case", 2**63)],
)
def test_a_row_that_points_nowhere_is_not_interpreted(field: str, value: int) -> None:
    """Even when its log vouches for it."""

    def lie(row: np.ndarray[Any, Any]) -> None:
        row[field] = value

    assert failed(rewritten(lie)) == {"inclusion"}


NOWHERE = Session(cast(House, None), Path("nowhere.toml"), "en")


def test_the_command_tells_what_was_decided(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In both languages, with the reasons' sentences and the facts; exit code 0."""
    made = world()
    message = made.submit(to(BO))
    path, key = tmp_path / "bundle.zip", tmp_path / "ledger.pub"
    path.write_bytes(write(made.prove(message)))
    key.write_text(f"# the ledger's\n\n{made.ledger.key.text()}\n")
    chinese = Session(cast(House, None), Path("nowhere.toml"), "zh")
    assert proofs.verify(path, key=key, session=NOWHERE) == 0
    english = capsys.readouterr().out
    assert proofs.verify(path, key=key, session=chinese) == 0
    both = english, capsys.readouterr().out
    for words, told in zip(
        both, ("Reason grounds_present", "理由 grounds_present"), strict=True
    ):
        assert str(message) in words
        assert told in words
        assert "order74-2026" in words
        assert "2026-05-20 10:00:00" in words
    assert both[0].startswith("Verified")
    assert both[1].startswith("验证通过")


def test_the_command_gives_one_object_for_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Findings, decision, and the words in both languages."""
    path = tmp_path / "bundle.zip"
    path.write_bytes(write(passed()[1]))
    assert proofs.verify(path, as_json=True, session=NOWHERE) == 0
    told = msgspec.json.decode(capsys.readouterr().out)
    assert told["ok"] is True
    assert told["decision"]["verdict"] == "pass"
    assert {"words_en", "words_zh", "findings"} <= told.keys()


def test_the_command_fails_on_a_changed_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1 and the words; 2 for a file that is not there or a key that is none."""
    path = tmp_path / "bundle.zip"
    data = bytearray(write(passed()[1]))
    data[1000] ^= 1
    path.write_bytes(data)
    assert proofs.verify(path, session=NOWHERE) == 1
    assert capsys.readouterr().out.startswith("NOT verified")
    assert proofs.verify(tmp_path / "other.zip", session=NOWHERE) == 2
    assert proofs.verify(path, key=path, session=NOWHERE) == 2


def test_a_bundle_goes_to_standard_output(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The same bytes as into a file: what a shell redirects."""
    made = world()
    message = made.submit(to(ANNA))
    config = tmp_path / "qingjing.toml"
    config.write_text("")
    session = Session(cast(House, Home(made)), config, "en")
    assert asyncio.run(proofs.prove(message, session=session)) == 0
    assert capsysbinary.readouterr().out == write(made.prove(message))


class Home:
    """A house with the ledger of a test in it."""

    def __init__(self, made: World) -> None:
        self.made = made

    def now(self) -> int:
        """The clock."""
        return MORNING

    def public_key(self, _settings: object) -> str:
        """The ledger's key."""
        return self.made.ledger.key.text()

    def open_desk(self, _settings: object) -> Home:
        """The desk that is open already."""
        return self

    open_beside = open_desk

    async def __aenter__(self) -> Any:
        return self.made.desk

    async def __aexit__(self, *_what: object) -> None:
        """Nothing to close."""


def test_the_command_proves_what_the_other_verifies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the ledger to a file, from an earlier checkpoint on; an unknown message is 2."""
    made = world()
    kept = tmp_path / "witness.txt"
    kept.write_text(made.ledger.checkpoint(MORNING))
    message = made.submit(to(ANNA))
    config, out = tmp_path / "qingjing.toml", tmp_path / "bundle.zip"
    config.write_text("")
    session = Session(cast(House, Home(made)), config, "en")
    done = proofs.prove(message, out=out, with_number=True, since=kept, session=session)
    assert asyncio.run(done) == 0
    assert proofs.verify(out, witnessed=kept, session=NOWHERE) == 0
    assert ANNA.digits in capsys.readouterr().out
    assert asyncio.run(proofs.prove(7, out=out, session=session)) == 2
    assert "message 7 is not in the ledger" in capsys.readouterr().err


def test_a_bundle_verifies_elsewhere_without_anything(tmp_path: Path) -> None:
    """Another process, another folder, an empty environment: the file is all there is."""
    path = tmp_path / "bundle.zip"
    path.write_bytes(write(passed()[1]))
    (tmp_path / "elsewhere").mkdir()
    program = (
        "import sys; from pathlib import Path; from qingjing.doors.cli import Session, proofs; "
        "session = Session(None, Path('none'), 'en'); "
        "sys.exit(proofs.verify(Path(sys.argv[1]), session=session))"
    )
    for change, code in ((0, 0), (1, 1)):
        data = bytearray(path.read_bytes())
        data[2000] ^= change
        path.write_bytes(data)
        run = subprocess.run(
            [sys.executable, "-c", program, str(path)],
            env={},
            cwd=tmp_path / "elsewhere",
            capture_output=True,
            check=False,
        )
        assert run.returncode == code, run.stderr.decode()
    assert os.listdir(tmp_path / "elsewhere") == []
