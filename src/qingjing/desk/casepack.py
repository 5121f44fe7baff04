"""The case pack: one zip for court or regulator, verified off-line with nothing but itself.

It holds the facts of one complaint (as it came, how it was read, traced, every step), each
with its path to one signed checkpoint; the words that these facts commit to; the proof of the
message's decision with its grounds or their absence (``desk.bundle``); and the facts that show
a consent to be back-dated. Written in one canonical way, as bundles are, and read as strictly.
``verify_pack`` folds the case anew, so that states and clocks come from the facts and from
nobody's word. It does not have the complainant's number.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from qingjing.desk import bundle as b
from qingjing.desk.anchor import ed25519_verify
from qingjing.desk.checks import Report, Result
from qingjing.desk.ports import Ledger
from qingjing.desk.prove import leaf_of, prove
from qingjing.desk.said import Said, commitment, said_of
from qingjing.desk.steps import sealed_of, step_commitment, step_digest
from qingjing.desk.verify import verify
from qingjing.kernel import facts as f
from qingjing.kernel.cases import Case, Cases
from qingjing.kernel.note import Checkpoint, Key, NoteError, check, parse_checkpoint, parse_note

FORMAT: Final = "qingjing.case/1"
_MANIFEST, _CHECKPOINT, _WORDS, _PROOF = (
    "manifest.json",
    "checkpoint.txt",
    "words.json",
    "proof.zip",
)


class _Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fact: int
    path: tuple[bytes, ...]


class _Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: Literal["qingjing.case/1"]
    key: str
    complaint: int
    facts: tuple[_Place, ...]
    proof: bool


class Opened(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What opens one fact's commitment: a complaint's words, or a step's. ``evidence`` is not
    in the pack, but its hash is; proofs among it are checked when it comes."""

    fact: int
    salt: bytes
    words: str
    number: str = ""
    text: str = ""
    evidence: str = ""


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. ``failed`` are the checks that do not hold; ``case`` is folded anew.

    ``proof`` is the report on the message's decision; ``late`` the consent that is shown to
    have entered the log after the send, though it claims an earlier day.
    """

    failed: tuple[str, ...]
    origin: str = ""
    size: int = 0
    case: Case | None = None
    opened: tuple[Opened, ...] = ()
    proof: Report | None = None
    late: f.ConsentRecorded | None = None

    @property
    def ok(self) -> bool:
        """Nothing fails."""
        return not self.failed


def pack(ledger: Ledger, case: Case, at: int) -> bytes:
    """The pack of a case under a checkpoint signed at ``at`` (epoch ms), its text shown.

    Everything must be committed: not to be called within a transaction that wrote.
    """
    traced = case.traced
    proof = b""
    if traced is not None and traced.outcome == "ours":
        proof = b.write(prove(ledger, traced.message, at, key=ledger.key))
    checkpoint = ledger.checkpoint(at).encode()
    size = parse_checkpoint(parse_note(checkpoint).text).size
    rows = [leaf_of(ledger, position, size) for position in sorted(_positions(case))]
    manifest = _Manifest(
        format="qingjing.case/1",
        key=ledger.key.text(),
        complaint=case.complaint,
        facts=tuple(_Place(row.fact, row.path) for row in rows),
        proof=bool(proof),
    )
    opened = msgspec.json.encode(_openings(ledger, case))
    return _written(manifest, checkpoint, opened, proof, {row.fact: row.data for row in rows})


def _written(
    manifest: _Manifest, checkpoint: bytes, words: bytes, proof: bytes, facts: dict[int, bytes]
) -> bytes:
    members = {_MANIFEST: msgspec.json.encode(manifest), _CHECKPOINT: checkpoint, _WORDS: words}
    members |= {_PROOF: proof} if proof else {}
    return b.zipped(members | {f"facts/{at}.json": data for at, data in facts.items()})


def _positions(case: Case) -> set[int]:
    """Where the facts of a case stand, with the consent that came too late."""
    found = {*case.words, *(step.position for step in case.moves)}
    found |= {case.understood_at, case.traced_at, case.lead_at} - {0}
    if case.traced is not None and case.traced.late:
        found.add(case.traced.late)
    return found


def _openings(ledger: Ledger, case: Case) -> list[Opened]:
    opened: list[Opened] = []
    for position in case.words:
        said = said_of(ledger, msgspec.structs.replace(case, complaint=position, added=[]))
        if said is not None:
            opened.append(Opened(position, said.salt, said.words, said.number, said.text))
    for step in case.moves:
        sealed = sealed_of(ledger, step)
        if sealed is not None:
            digest = step_digest(sealed.evidence)
            opened.append(Opened(step.position, sealed.salt, sealed.words, evidence=digest))
    return opened


def verify_pack(data: bytes, keys: Iterable[Key] | None = None) -> Checked:
    """Check a pack. Pure and total: whatever the bytes, there is an answer.

    ``keys`` are public keys that the caller trusts; without any, the pack's own is taken, and
    the caller must compare it.
    """
    try:
        members = b.unzipped(data)
        manifest = msgspec.json.decode(members.get(_MANIFEST, b""), type=_Manifest)
        opened = msgspec.json.decode(members.get(_WORDS, b""), type=tuple[Opened, ...])
        names = {place.fact: members[f"facts/{place.fact}.json"] for place in manifest.facts}
        proof = members[_PROOF] if manifest.proof else b""
        words = msgspec.json.encode(opened)
        if _written(manifest, members[_CHECKPOINT], words, proof, names) != data:
            return Checked(failed=("pack: not in its one canonical form",))
        point = _signed(manifest, members[_CHECKPOINT], keys)
        rows = [b.Row(x.fact, x.fact - 1, names[x.fact], x.path) for x in manifest.facts]
        facts = [b.fact_in(row, point) for row in rows]
        case = _folded(facts, manifest.complaint)
    except (b.BundleError, NoteError, msgspec.MsgspecError, LookupError, ValueError) as error:
        return Checked(failed=(f"pack: {error}",))
    failed = [problem for one in opened if (problem := _unopened(facts, one))]
    report = verify(proof, [Key.parse(manifest.key)]) if proof else None
    late = _late(facts, report)
    failed += _unproved(case, report, late)
    return Checked(
        failed=tuple(failed),
        origin=point.origin,
        size=point.size,
        case=case,
        opened=opened,
        proof=report,
        late=late,
    )


def _signed(manifest: _Manifest, checkpoint: bytes, keys: Iterable[Key] | None) -> Checkpoint:
    key, note = Key.parse(manifest.key), parse_note(checkpoint)
    check(note, (key,), ed25519_verify)
    if keys is not None:
        check(note, tuple(keys), ed25519_verify)
    return parse_checkpoint(note.text)


def _folded(facts: list[f.Recorded], complaint: int) -> Case:
    """The case that the facts make; ValueError when they make another, or none."""
    cases = Cases()
    positions = [recorded.position for recorded in facts]
    if positions != sorted(set(positions)):
        raise ValueError("facts are not in order, or stand twice")
    for recorded in facts:
        cases.apply(recorded)
    case = cases.case(complaint)
    if case is None or len(cases) != 1:
        raise ValueError("the facts are not those of one complaint")
    return case


def _unopened(facts: list[f.Recorded], one: Opened) -> str:
    """What is wrong with an opening; empty when it is what its fact commits to."""
    for recorded in facts:
        if recorded.position != one.fact:
            continue
        match recorded.fact:
            case f.ComplaintReceived(commitment=told):
                said = Said(one.salt, "", one.words, one.number, one.text)
                held = commitment(said) == told
            case f.CaseMoved(commitment=told):
                held = step_commitment(one.salt, one.words, one.evidence) == told
            case _:
                held = False
        return "" if held and len(one.salt) == b.SALT_SIZE else f"words of fact {one.fact}"
    return f"words of fact {one.fact}: no such fact"


def _late(facts: list[f.Recorded], report: Report | None) -> f.ConsentRecorded | None:
    """A consent of this very person to this sender, later in the log than the decision."""
    found = report.proven if report else None
    for recorded in facts:
        fact = recorded.fact
        if found is None or not isinstance(fact, f.ConsentRecorded):
            continue
        own = fact.handle == int(found.row["handle"]) and fact.sender == found.lane.sender
        back_dated = fact.given_at <= found.decision.at
        if own and back_dated and recorded.position > found.decision.position:
            return fact
    return None


def _unproved(
    case: Case, report: Report | None, late: f.ConsentRecorded | None
) -> Iterable[str]:
    """What the case claims of its message that the proof does not bear out."""
    traced = case.traced
    if report is None:
        if traced is not None and traced.outcome == "ours":
            yield "the message was traced, and its proof is not in the pack"
        return
    yield from (finding.en for finding in report.of(Result.FAILS))
    if report.proven is None or traced is None:
        return
    if int(report.proven.row["message"]) != traced.message:
        yield "the proof is of another message than was traced"
    if traced.late and late is None:
        yield "no consent in the pack came later than the send"
