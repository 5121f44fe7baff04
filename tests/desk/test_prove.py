"""Prove: what a decision rests on is collected whole, and shows no more than it must."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
import pytest

from qingjing.desk import consent, release, send, settle
from qingjing.desk.bundle import Bundle, Openings, write
from qingjing.desk.entries import moment
from qingjing.desk.hear import hear
from qingjing.desk.outbox import Outbox
from qingjing.desk.paths import Submit
from qingjing.desk.ports import Transaction
from qingjing.desk.prove import ProofError, prove
from qingjing.desk.texts import Reader
from qingjing.desk.verify import Report, Result, verify
from qingjing.doors.cli.proofs import in_words
from qingjing.kernel import facts as f
from qingjing.kernel.batch import names
from qingjing.kernel.note import Key
from qingjing.kernel.rows import Moved
from qingjing.kernel.rulebook import canonical, digest, read_rulebook
from qingjing.kernel.words import (
    Act,
    Carrier,
    Door,
    Filing,
    Kind,
    NumberState,
    PartyRole,
    Phone,
    Verdict,
)
from qingjing.ledger import memory
from qingjing.ledger.core import Ledger
from qingjing.ledger.vault import KeyFile, Vault

NAME = "log.example.cn/qingjing"
MORNING = moment("2026-05-20 10:00")
ANNA, BO = Phone.parse("13800138000"), Phone.parse("13900139000")
PORT, SIGNATURE = "106900010001", "青禾商城"
SALE = "【青禾商城】秋装上新,全场满200减50,拒收请回复R"
BOOKS = Path(__file__).parents[2] / "src" / "qingjing" / "rulebooks"
EVER = (0, 2**53)
T = TypeVar("T")


class World(NamedTuple):
    """A ledger in memory with a shop that may send, and the desk in front of it."""

    ledger: Ledger
    desk: send.Desk

    def act(self, verb: Callable[[Transaction], T], at: int = MORNING) -> T:
        """One verb in a transaction of its own."""

        async def run() -> T:
            """The transaction, to be run to its end."""
            async with self.ledger.transaction(at) as t:
                return verb(t)

        return asyncio.run(run())

    def consented(self, phone: Phone = ANNA, at: int = MORNING, **changes: object) -> int:
        """A sound consent of a person to the shop's retail offers."""

        def record(t: Transaction) -> int:
            person = t.remember(phone)
            fact = f.ConsentRecorded(
                person=person.key,
                handle=person.handle,
                sender="qinghe",
                purposes=2,
                act=Act.TICKED,
                door=Door.WEB,
                given_at=at - 1000,
                wording="w1",
                shown="9f86",
                term_s=86_400 * 365,
            )
            return t.append(msgspec.structs.replace(fact, **changes))

        return self.act(record, at)

    def submit(self, *submits: Submit, at: int = MORNING) -> int:
        """Decide messages; the id of the first."""
        decided = self.act(lambda t: send.decide(self.desk, submits, t), at)
        return int(decided.rows["message"][0])

    def prove(
        self,
        message: int,
        *,
        include_number: bool = False,
        since: int = 0,
        imports: Path | None = None,
    ) -> Bundle:
        """The proof of a message, an hour later."""
        return prove(
            self.ledger,
            message,
            MORNING + 3_600_000,
            key=self.ledger.key,
            include_number=include_number,
            since=since,
            imports=imports,
        )

    def verify(self, message: int) -> Report:
        """The report on a message's proof, under the ledger's own key."""
        return verify(write(self.prove(message)), [self.ledger.key])


def to(phone: Phone | None, body: str = SALE, **changes: object) -> Submit:
    """One submit of the shop's provider."""
    digits = phone.digits if phone is not None else "10086"
    submit = Submit(
        account="yuntong-1",
        submitter="yuntong",
        port=PORT,
        phone=phone,
        carrier=Carrier.MOBILE,
        declared=Kind.COMMERCIAL,
        body=body,
        original=f"submit {digits} ".encode() + body.encode(),
        wants_report=True,
    )
    return msgspec.structs.replace(submit, **changes)


@cache
def keys() -> KeyFile:
    """The ledger's keys, one set for all tests."""
    return KeyFile.generate(NAME)


def world(imports: Path | None = None) -> World:
    """Shop, provider, port, signature, filings, grant, wording and both rulebooks."""
    ledger = memory.open_ledger(Vault(keys()), origin=NAME, imports=imports)
    made = World(ledger, send.Desk(ledger, Reader(bytes), node=1))

    def found(t: Transaction) -> None:
        for fact in register_facts():
            t.append(fact)

    made.act(found, moment("2026-01-02"))
    return made


def register_facts() -> list[f.Fact]:
    """What the register of the tests is made of."""
    facts: list[f.Fact] = []
    for name in ("order31-2015", "order74-2026"):
        book = read_rulebook((BOOKS / f"{name}.toml").read_text("utf-8"))
        facts.append(
            f.RulebookAdopted(
                name=book.name,
                version=book.version,
                digest=digest(book),
                rulebook=msgspec.Raw(canonical(book)),
            )
        )
    for party, role in (("qinghe", PartyRole.PLATFORM), ("yuntong", PartyRole.PROVIDER)):
        facts.append(
            f.PartyRegistered(
                party=party, name=party, role=role, credit_code="", group=f"g-{party}"
            )
        )
    facts += [
        f.PortRegistered(
            port=PORT,
            holder="yuntong",
            kinds=0xFF,
            licence="B2-1",
            valid_from=EVER[0],
            valid_until=EVER[1],
        ),
        f.PortFiled(port=PORT, carrier=Carrier.MOBILE, state=Filing.FILED),
        f.SignatureRegistered(
            signature=SIGNATURE, owner="qinghe", source="trademark", proof="p", kinds=0xFF
        ),
        f.SignatureFiled(signature=SIGNATURE, carrier=Carrier.MOBILE, state=Filing.FILED),
        f.GrantMade(
            grant="g1",
            sender="qinghe",
            port=PORT,
            signature=SIGNATURE,
            kinds=0xFF,
            chain=("qinghe", "yuntong"),
            valid_from=EVER[0],
            valid_until=EVER[1],
        ),
        f.WordingRegistered(wording="w1", sender="qinghe", text="同意接收青禾商城的促销短信"),
    ]
    return facts


def holds(report: Report) -> None:
    """Nothing fails, nothing differs."""
    assert [finding.en for finding in report.of(Result.FAILS)] == []
    assert [finding.en for finding in report.of(Result.DIFFERS)] == []
    assert report.ok


def decided(report: Report) -> tuple[Verdict, tuple[str, ...], str]:
    """Verdict, reasons and rulebook of a report."""
    found = report.proven
    assert found is not None
    row = found.row
    return Verdict(int(row["verdict"])), names(int(row["reasons"])), found.batch.rulebook


def test_a_passed_message_is_proved_with_the_consent_that_it_rests_on() -> None:
    """Verdict, rulebook and consent come out of the bundle as they went into the ledger."""
    made = world()
    consent_at = made.consented()
    report = made.verify(made.submit(to(ANNA)))
    holds(report)
    assert decided(report) == (Verdict.PASS, (), "order74-2026")
    found = report.proven
    assert found is not None
    assert found.grounds is not None
    assert found.grounds.position == consent_at
    kinds = {type(fact.fact) for fact in found.earlier()}
    assert kinds >= {f.WordingRegistered, f.RulebookAdopted, f.GrantMade, f.PortFiled}


def test_a_refused_message_is_proved_with_the_refusal() -> None:
    """The reply and the refusal are in the bundle, and the standing is recomputed from them."""
    made = world()
    made.consented()
    made.act(lambda t: hear(made.desk, t, ANNA, PORT, "T"))
    report = made.verify(made.submit(to(ANNA)))
    holds(report)
    assert decided(report)[:2] == (Verdict.REFUSE, ("not_refused",))
    found = report.proven
    assert found is not None
    kinds = {type(fact.fact) for fact in found.earlier()}
    assert kinds >= {f.ReplyHeard, f.RefusalRecorded}


def test_a_message_to_a_person_nobody_knows_is_proved_without_grounds() -> None:
    """No consent: refused, and the absence is told as what only the record knows."""
    report = world_of_one(to(BO))
    holds(report)
    assert decided(report)[:2] == (Verdict.REFUSE, ("grounds_present",))
    assert "absence" in {finding.check for finding in report.of(Result.RECORD)}


def world_of_one(submit: Submit) -> Report:
    """A fresh world, one message."""
    made = world()
    return made.verify(made.submit(submit))


def test_a_held_message_is_proved() -> None:
    """An unclear reply holds marketing; the bundle shows the reply's reading."""
    made = world()
    made.consented()
    made.act(lambda t: hear(made.desk, t, ANNA, PORT, "在吗?你们是哪里"))
    report = made.verify(made.submit(to(ANNA)))
    holds(report)
    assert decided(report)[:2] == (Verdict.HOLD, ("refusal_clear",))


def test_a_decision_keeps_the_rulebook_of_its_day() -> None:
    """Before 1 May 2026 the old order's book is in the bundle, after it the new one's."""
    made = world()
    made.consented(at=moment("2026-04-01"))
    old = made.submit(to(ANNA), at=moment("2026-04-30 10:00"))
    new = made.submit(to(ANNA), at=moment("2026-05-01 10:00"))
    for message, book in ((old, "order31-2015"), (new, "order74-2026")):
        report = made.verify(message)
        holds(report)
        assert decided(report)[2] == book


@pytest.mark.parametrize(
    ("submit", "reason"),
    [
        (to(ANNA, carrier=Carrier.UNICOM), "port_filed"),
        (to(ANNA, port="106900019999"), "port_known"),
        (to(ANNA, submitter="nobody"), "sender_known"),
        (to(ANNA, body="【别家】秋装上新,全场满200减50,拒收请回复R"), "signature_registered"),
        (to(ANNA, body="【青禾商城】秋装上新,全场满200减50"), "notice_present"),
        (to(None), "number_valid"),
    ],
)
def test_what_is_wrong_with_a_path_is_recomputed(submit: Submit, reason: str) -> None:
    """Whatever the register lacks, the bundle's facts lead to the same reasons."""
    made = world()
    made.consented()
    report = made.verify(made.submit(submit))
    holds(report)
    assert reason in decided(report)[1]


def test_a_suspension_and_its_end_are_part_of_the_proof() -> None:
    """Suspended: refused; reinstated: passed; both follow from the bundle."""
    made = world()
    made.consented()
    suspended = f.PartySuspended(party="qinghe", reason="complaints")
    made.act(lambda t: t.append(suspended))
    during = made.submit(to(ANNA))
    made.act(lambda t: t.append(f.PartyReinstated(party="qinghe", reason="done")))
    after = made.submit(to(ANNA))
    for message, expected in ((during, ("sender_free",)), (after, ())):
        report = made.verify(message)
        holds(report)
        assert decided(report)[1] == expected


def test_the_number_is_shown_only_when_asked_for() -> None:
    """Without it neither number nor submitted bytes are in the file; the row still holds."""
    made = world()
    made.consented()
    message = made.submit(to(ANNA))
    closed, opened = made.prove(message), made.prove(message, include_number=True)
    assert ANNA.digits.encode() not in write(closed)
    assert opened.openings.number is not None
    assert opened.openings.number.number == ANNA.digits
    holds(verify(write(closed), [made.ledger.key]))
    holds(verify(write(opened), [made.ledger.key]))


def test_bytes_that_hold_other_peoples_numbers_are_not_shown() -> None:
    """One submit to two numbers: proving one must not give away the other."""
    made = world()
    original = f"{ANNA.digits} {BO.digits} {SALE}".encode()
    message = made.submit(to(ANNA, original=original), to(BO, original=original))
    holds(made.verify(message))
    with pytest.raises(ProofError, match="other numbers"):
        made.prove(message, include_number=True)


def test_a_number_that_the_submitted_bytes_do_not_hold_is_not_claimed() -> None:
    """What cannot be checked by the reader is not written into the file."""
    made = world()
    message = made.submit(to(ANNA, original=b"by some other door"))
    with pytest.raises(ProofError, match="no such number"):
        made.prove(message, include_number=True)


def test_an_unknown_message_has_no_proof() -> None:
    """The id is named, so that a slip of the pen is seen."""
    with pytest.raises(ProofError, match="message 7 is not"):
        world().prove(7)


def test_proving_twice_gives_the_same_bytes() -> None:
    """A bundle is a value: the same decision at the same size of the log, the same file."""
    made = world()
    message = made.submit(to(ANNA))
    assert write(made.prove(message)) == write(made.prove(message))


def test_what_happened_later_is_part_of_the_proof() -> None:
    """Release, the carrier's yes and its report are rows in the log after the decision."""
    made = world()
    made.consented()
    outbox = Outbox()

    def go(t: Transaction) -> int:
        submits = [to(ANNA)]
        decided = send.decide(made.desk, submits, t)
        outbox.admit(decided, submits, t.position)
        return int(decided.rows["message"][0])

    message = made.act(go)

    def leave(t: Transaction) -> None:
        release.release(made.desk, outbox, Carrier.MOBILE, 10, lambda _body: 1, t)
        outbox.flush(t, 1)

    made.act(leave)

    def answer(t: Transaction) -> None:
        settle.accepted(outbox, message, 1, b"up-1", 1, t.at)
        settle.reported(outbox, b"up-1", b"DELIVRD", 1, t.at)
        outbox.flush(t, 1)

    made.act(answer)
    bundle = made.prove(message)
    assert [row.data[48] for row in bundle.moves] == [
        Moved.RELEASED,
        Moved.ACCEPTED,
        Moved.REPORTED,
    ]
    report = verify(write(bundle), [made.ledger.key])
    holds(report)
    assert sum(line.startswith("Then ") for line in in_words(report, "en")) == 3
    assert "其后 2026-05-20 10:00:00 状态报告 DELIVRD" in in_words(report, "zh")


def test_an_imported_consent_is_proved_by_its_row(tmp_path: Path) -> None:
    """With the file at hand the person's row is proved; without it the record is believed."""
    made = world(tmp_path)
    terms = consent.Terms(
        sender="qinghe", purposes=("retail",), act="ticked", shown="9f86", term_days=365
    )
    people = (ANNA, BO, *(Phone(13700137000 + n) for n in range(20)))
    rows = [(n, phone.digits, "2026-05-01") for n, phone in enumerate(people, 1)]
    made.act(lambda t: consent.import_consents(made.ledger, t, rows, terms, tmp_path))
    message = made.submit(to(ANNA))
    with_row, without = made.prove(message, imports=tmp_path), made.prove(message)
    assert with_row.imported is not None
    assert without.imported is None
    for bundle, result in ((with_row, Result.HOLDS), (without, Result.RECORD)):
        report = verify(write(bundle), [made.ledger.key])
        holds(report)
        assert decided(report)[0] is Verdict.PASS
        found = {finding.check: finding.result for finding in report.findings}
        assert found["field grounds"] is result


def test_a_damaged_import_is_not_proved_from(tmp_path: Path) -> None:
    """A file that is not the one imported is an operator's matter, not a verifier's."""
    made = world(tmp_path)
    terms = consent.Terms(sender="qinghe", purposes=("retail",), act="ticked", shown="9f86")
    rows = [(1, ANNA.digits, "2026-05-01"), (2, BO.digits, "2026-05-01")]
    done = made.act(lambda t: consent.import_consents(made.ledger, t, rows, terms, tmp_path))
    message = made.submit(to(ANNA))
    other = made.act(
        lambda t: consent.import_consents(made.ledger, t, rows[:1], terms, tmp_path)
    )
    (tmp_path / other.file).replace(tmp_path / done.file)
    with pytest.raises(ProofError, match="not what was imported"):
        made.prove(message, imports=tmp_path)


def test_the_path_from_an_earlier_size_is_added_when_asked_for() -> None:
    """From every earlier size; a size that the log never had is refused."""
    made = world()
    message = made.submit(to(ANNA))
    size = made.ledger.position
    for since in range(1, size + 1):
        holds(verify(write(made.prove(message, since=since)), [made.ledger.key]))
    with pytest.raises(ProofError, match="between 1 and that"):
        made.prove(message, since=size + 1)


def test_a_bundle_is_a_plain_zip_file() -> None:
    """Any zip program opens it, and the library's own writer makes the same bytes."""
    made = world()
    data = write(made.prove(made.submit(to(ANNA))))
    again = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as read, zipfile.ZipFile(again, "w") as written:
        assert read.testzip() is None
        for member in read.infolist():
            info = zipfile.ZipInfo(member.filename)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            written.writestr(info, read.read(member))
    assert again.getvalue() == data


def test_the_key_in_the_bundle_is_the_ledgers() -> None:
    """As public logs publish a key, so that anyone can compare it."""
    made = world()
    assert Key.parse(made.prove(made.submit(to(ANNA))).key) == made.ledger.key


def test_a_consent_from_before_the_number_fell_grounds_nothing() -> None:
    """The new owner of a number is another person: the note on it is part of the proof."""
    made = world()
    made.consented()

    def note(t: Transaction) -> None:
        person = t.remember(ANNA)
        for state in (NumberState.RECYCLED, NumberState.OK):
            t.append(
                f.NumberNoted(
                    person=person.key, handle=person.handle, state=state, source="carrier"
                )
            )

    made.act(note)
    without = made.verify(made.submit(to(ANNA)))
    made.consented()
    anew = made.verify(made.submit(to(ANNA)))
    for report, expected in ((without, ("grounds_present",)), (anew, ())):
        holds(report)
        assert decided(report)[1] == expected


def test_a_refusal_taken_back_is_part_of_the_proof() -> None:
    """Unclear, then refused, then consented anew by the person's own act: passed."""
    made = world()
    made.act(lambda t: hear(made.desk, t, ANNA, PORT, "在吗?你们是哪里"))
    made.act(lambda t: hear(made.desk, t, ANNA, PORT, "T"))
    terms = consent.Terms(sender="qinghe", purposes=("any",), act="ticked", shown="9f86")
    made.act(
        lambda t: consent.record(
            made.ledger, t, ANNA.digits, terms, given_at="2026-05-20 10:00:01", door="web"
        ),
        MORNING + 2000,
    )
    report = made.verify(made.submit(to(ANNA), at=MORNING + 3000))
    holds(report)
    assert decided(report)[:2] == (Verdict.PASS, ())


def test_what_was_erased_is_not_shown_and_the_rest_holds() -> None:
    """Without the sealed part the reading stands on the record alone."""
    made = world()
    made.consented()
    message = made.submit(to(ANNA))
    bundle = msgspec.structs.replace(made.prove(message), openings=Openings())
    report = verify(write(bundle), [made.ledger.key])
    holds(report)
    assert {"text", "number", "field notice"} <= {
        finding.check for finding in report.of(Result.RECORD)
    }
