"""Absence: what is not in the log at a time can be proved, and nothing else can."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qingjing.desk import absence, consent
from qingjing.desk.absence import ListingError, What
from qingjing.desk.anchor import witness
from qingjing.desk.checks import Report, Result
from qingjing.desk.prove import ProofError
from qingjing.desk.standing_proof import Standing, attested, write
from qingjing.desk.standing_prove import prove
from qingjing.desk.verify import verify
from qingjing.doors.cli.proofs import as_object, in_words
from qingjing.kernel import facts as f
from qingjing.kernel.note import Key, parse_note
from qingjing.kernel.words import Act, Door, PartyRole, Phone
from qingjing.ledger import memory
from qingjing.ledger.core import Ledger
from qingjing.ledger.vault import KeyFile, Vault

NAME = "log.example.cn/qingjing"
KEYS = KeyFile.generate(NAME)
ANNA, BO, CAI = (Phone.parse(f"1380013800{n}") for n in range(3))
HOUR = 3_600_000
START = 1_780_000_000_000


class Log:
    """A ledger in memory whose clock goes on by an hour a step."""

    def __init__(self, imports: Path | None = None) -> None:
        self.ledger: Ledger = memory.open_ledger(Vault(KEYS), origin=NAME, imports=imports)
        self.imports, self.now = imports, START

    def add(self, *made: Any) -> int:
        """A step: facts or functions of a transaction; the last position."""
        self.now += HOUR

        async def run() -> int:
            """In a transaction of its own."""
            async with self.ledger.transaction(self.now) as t:
                for one in made:
                    t.append(one(t) if callable(one) else one)
            return self.ledger.position

        return asyncio.run(run())

    def sign(self) -> bytes:
        """A checkpoint of now."""
        return self.ledger.checkpoint(self.now).encode()

    def list_changes(self) -> int:
        """Sign, then list all changes since the last listing; the fact's position, or 0."""
        self.sign()
        size = self.ledger.position
        newest = self.ledger.marked(absence.MARK)
        drafted = absence.draft(self.ledger, self.imports, newest, size)
        if drafted is None:
            return 0
        self.now += HOUR

        async def run() -> int:
            """In a transaction of its own."""
            async with self.ledger.transaction(self.now) as t:
                return absence.enter(self.ledger, t, drafted)

        return asyncio.run(run())

    def prove(
        self, phone: Phone, what: What, name: str, at: int, *, absent: bool = True
    ) -> Standing:
        """The proof, made an hour from now."""
        return prove(
            self.ledger,
            phone,
            what,
            name,
            at,
            self.now + HOUR,
            key=self.ledger.key,
            absent=absent,
            imports=self.imports,
        )


def consented(phone: Phone, sender: str = "qinghe") -> Any:
    """A consent, to be appended."""

    def made(t: Any) -> f.ConsentRecorded:
        """The fact."""
        person = t.remember(phone)
        return f.ConsentRecorded(
            person=person.key,
            handle=person.handle,
            sender=sender,
            purposes=2,
            act=Act.TICKED,
            door=Door.WEB,
            given_at=START,
        )

    return made


def refused(phone: Phone, group: str = "qinghe") -> Any:
    """A refusal, to be appended."""

    def made(t: Any) -> f.RefusalRecorded:
        """The fact."""
        person = t.remember(phone)
        return f.RefusalRecorded(
            person=person.key, handle=person.handle, group=group, door=Door.REPLY
        )

    return made


def checked(proof: Standing, *keys: Key) -> Report:
    """The report of whoever knows nothing but the file."""
    return verify(write(proof), keys or None)


def failing(report: Report) -> set[str]:
    """The checks that fail."""
    return {finding.check for finding in report.of(Result.FAILS)}


def test_no_consent_at_a_time_is_proved_off_line_and_said_in_words() -> None:
    """Anna agreed later, others before: at that time there was none of hers."""
    log = Log()
    log.add(consented(BO), refused(ANNA))
    log.list_changes()
    then = log.now
    log.add(consented(ANNA), consented(CAI))
    log.list_changes()
    report = checked(log.prove(ANNA, "consent", "qinghe", then), log.ledger.key)

    assert report.ok, report.findings
    english, chinese = in_words(report, "en"), in_words(report, "zh")
    assert any("held no consent of 13800138000 towards qinghe" in line for line in english)
    assert any("没有13800138000对qinghe的同意" in line for line in chinese)
    assert as_object(report)["claim"]["absent"] is True


def test_what_is_there_cannot_be_proved_absent_and_can_be_proved_present() -> None:
    """By consent, by refusal, and only for the right person, name and time."""
    log = Log()
    log.add(consented(BO), refused(ANNA))
    log.list_changes()
    early = log.now
    log.add(consented(ANNA))
    log.list_changes()

    with pytest.raises(ProofError, match="there is such a fact"):
        log.prove(ANNA, "consent", "qinghe", log.now)
    with pytest.raises(ProofError, match="no consent of this person"):
        log.prove(ANNA, "consent", "qinghe", early, absent=False)
    report = checked(log.prove(ANNA, "consent", "qinghe", log.now, absent=False))
    assert report.ok, report.findings
    assert any("held a consent of 13800138000" in line for line in in_words(report, "en"))
    assert checked(log.prove(ANNA, "refusal", "qinghe", early, absent=False)).ok
    assert checked(log.prove(ANNA, "consent", "other", log.now)).ok
    assert checked(log.prove(CAI, "refusal", f.ALL_GROUPS, log.now)).ok


def test_an_imported_consent_is_there(tmp_path: Path) -> None:
    """One import is one fact, and a person in its file is not absent."""
    log = Log(tmp_path)
    role = PartyRole.PLATFORM
    log.add(
        f.PartyRegistered(
            party="qinghe", name="青禾", role=role, credit_code="", group="qinghe"
        )
    )
    terms = consent.Terms(sender="qinghe", purposes=("retail",), act="ticked")
    rows = [
        (n, str(phone), "2026-05-01 10:00")
        for n, phone in enumerate((13800138000, 13800138002))
    ]
    drafted = consent.draft_import(log.ledger, rows, terms, tmp_path, START)
    log.add(*drafted.facts)
    log.list_changes()

    with pytest.raises(ProofError, match="there is such a fact"):
        log.prove(ANNA, "consent", "qinghe", log.now)
    assert checked(log.prove(BO, "consent", "qinghe", log.now)).ok
    next(tmp_path.glob("*.parquet")).unlink()
    with pytest.raises(ProofError, match="restore it from its backup"):
        log.prove(BO, "consent", "qinghe", log.now)


def test_what_is_not_listed_yet_is_not_proved() -> None:
    """It says what to do; a time to come is refused as well."""
    log = Log()
    log.add(consented(BO))
    log.sign()
    with pytest.raises(ProofError, match="qingjing ledger listing"):
        log.prove(ANNA, "consent", "qinghe", log.now)
    with pytest.raises(ProofError, match="future"):
        log.prove(ANNA, "consent", "qinghe", log.now + 9 * HOUR)


def test_any_changed_byte_fails() -> None:
    """Every byte of a small proof of each kind, one bit of each turned over."""
    log = Log()
    log.add(consented(BO), refused(CAI))
    log.list_changes()
    absent = write(log.prove(ANNA, "consent", "qinghe", log.now))
    present = write(log.prove(CAI, "refusal", "qinghe", log.now, absent=False))
    for data in (absent, present):
        assert verify(data).ok
        for place in range(len(data)):
            changed = bytearray(data)
            changed[place] ^= 1 << place % 8
            assert not verify(bytes(changed)).ok, place
        assert not verify(data + b"\x00").ok
        assert not verify(data[:-1]).ok


def test_a_witness_bears_the_time_out() -> None:
    """Its clock says how the log was then; without it the time is the operator's word."""
    log = Log()
    log.add(consented(BO))
    log.list_changes()
    then = log.now
    log.add(refused(BO))
    log.sign()
    log.list_changes()
    own = witness("witness.example.cn", bytes(32))
    for head in log.ledger.heads.checkpoints():
        whole = own.cosign(parse_note(head.note), head.at // 1000 + 1)
        assert log.ledger.heads.countersign(whole.encode(), [own.key]) == [own.key.name]
    for name, absent in (("consent", True), ("refusal", True)):
        report = checked(log.prove(ANNA, name, "qinghe", then, absent=absent), own.key)  # type: ignore[arg-type]
        assert report.ok, report.findings
        assert "time" in {finding.check for finding in report.of(Result.HOLDS)}
    plain = checked(log.prove(ANNA, "consent", "qinghe", then))
    assert "time" in {finding.check for finding in plain.of(Result.RECORD)}


def forged(log: Log, proof: Standing, **claim: Any) -> Standing:
    """The operator signs whatever it likes."""
    changed = msgspec.structs.replace(proof.manifest.claim, **claim)
    text = attested(changed, proof.checkpoint, proof.moment)
    signature = log.ledger.heads.attest(text)
    manifest = msgspec.structs.replace(proof.manifest, claim=changed, signature=signature)
    return proof._replace(manifest=manifest)


def test_an_operator_with_its_own_key_cannot_prove_what_is_false() -> None:
    """Another name, another handle's gap, a shorter cover, a wider gap: each is found."""
    log = Log()
    log.add(consented(ANNA), consented(BO), refused(CAI))
    log.list_changes()
    early = log.now
    log.add(consented(CAI, "other"), refused(BO))
    log.list_changes()
    log.add(refused(ANNA))
    log.list_changes()
    good = log.prove(CAI, "consent", "qinghe", log.now)
    anna, bo = (log.ledger.find(phone).handle for phone in (ANNA, BO))
    shorter = good.manifest.gaps[:-1]
    facts = {gap.fact: good.facts[gap.fact] for gap in shorter}
    cut = good._replace(
        manifest=msgspec.structs.replace(good.manifest, gaps=shorter), facts=facts
    )

    assert checked(good).ok
    assert failing(checked(forged(log, good, handle=anna, number=ANNA.digits))) & {"neighbours"}
    assert failing(checked(forged(log, good, handle=bo, number=BO.digits))) & {"neighbours"}
    assert failing(checked(forged(log, cut))) == {"coverage"}
    assert failing(checked(forged(log, good, absent=False))) == {"present"}
    with_early = log.prove(CAI, "consent", "qinghe", early)
    assert failing(checked(forged(log, with_early, size=log.ledger.position))) == {"claim"}


def test_an_auditor_who_builds_the_listings_anew_finds_the_one_that_leaves_something_out() -> (
    None
):
    """The root is in the log, so that it can be held against the facts for ever."""
    log = Log()
    log.add(consented(ANNA), consented(BO))
    newest = log.ledger.marked(absence.MARK)
    drafted = absence.draft(log.ledger, None, newest, log.ledger.position)
    assert drafted is not None
    entries = absence.changes(log.ledger, None, 0, log.ledger.position)
    false = msgspec.structs.replace(drafted, count=1, root=absence.root_of(entries[:1]))
    log.add(false)
    place = log.ledger.position
    assert list(absence.audit(log.ledger, None, place)) == [
        (place, "listing 1 does not follow from the facts")
    ]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from((ANNA, BO, CAI)),
            st.sampled_from(("consent", "refusal")),
            st.sampled_from(("a", "b")),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_absence_is_proved_exactly_when_it_is_true(
    steps: list[tuple[Phone, What, str, bool]],
) -> None:
    """For every person, name and time, however the listings were cut."""
    log = Log()
    log.add(refused(Phone.parse("13912345678"), "elsewhere"))
    log.list_changes()
    times = [log.now]
    true: dict[tuple[Phone, What, str], int] = {}
    for phone, what, name, lists in steps:
        make = consented if what == "consent" else refused
        log.add(make(phone, name))
        true.setdefault((phone, what, name), log.now)
        log.sign()
        times.append(log.now)
        if lists:
            log.list_changes()
    log.list_changes()
    newest = log.ledger.marked(absence.MARK)
    assert not list(absence.audit(log.ledger, None, newest))
    kinds: tuple[What, What] = ("consent", "refusal")
    for phone, what, name in [(p, w, n) for p in (ANNA, BO) for w in kinds for n in "ab"]:
        for at in (times[0], times[len(times) // 2], times[-1]):
            absent = true.get((phone, what, name), at + 1) > at
            if absent:
                assert checked(log.prove(phone, what, name, at)).ok
            else:
                with pytest.raises(ProofError, match="there is such a fact"):
                    log.prove(phone, what, name, at)
            if not absent:
                assert checked(log.prove(phone, what, name, at, absent=False)).ok


def test_two_listings_drafted_at_once_are_not_both_entered() -> None:
    """The second says so by 0, and nothing is recorded."""
    log = Log()
    log.add(consented(ANNA))
    drafted = absence.draft(log.ledger, None, 0, log.ledger.position)
    assert drafted is not None
    assert log.list_changes()
    size = log.ledger.position

    async def run() -> int:
        """In a transaction of its own."""
        async with log.ledger.transaction(log.now) as t:
            return absence.enter(log.ledger, t, drafted)

    assert asyncio.run(run()) == 0
    assert log.ledger.position == size
    assert log.list_changes() == 0
    with pytest.raises(ListingError, match="no listing"):
        absence.listings(log.ledger, 1)
