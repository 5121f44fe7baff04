"""Proofs about one person at one time: this consent was in the log by then, or none was.

The file is a bundle like that of a decision (``desk.bundle``: one form, every byte counts). The
claim and the digests of both checkpoints stand under the log's signature, so that no byte can
be changed, and an operator who lies about whose handle it is has signed the lie.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

import msgspec

from qingjing.desk.absence import (
    ENTRY_SIZE,
    Listing,
    What,
    entry_of,
    key_of,
)
from qingjing.desk.anchor import ed25519_verify
from qingjing.desk.bundle import BUNDLE_BYTES_MAX, BundleError, Row, unzipped, zipped
from qingjing.desk.checks import Findings, Report, Result
from qingjing.kernel import facts as f
from qingjing.kernel.chain import (
    EMPTY_ROOT,
    check_consistency,
    check_inclusion,
    leaf_hash,
)
from qingjing.kernel.note import (
    Checkpoint,
    Key,
    NoteError,
    check,
    parse_checkpoint,
    parse_note,
)
from qingjing.kernel.words import Phone

ATTESTED: Final = "qingjing.standing/1\n"
"""How the signed claim begins: no checkpoint and no receipt does."""

_MANIFEST, _CHECKPOINT, _MOMENT = "manifest.json", "checkpoint.txt", "moment.txt"


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is claimed: at the time ``at`` (epoch ms), the first ``size`` facts held no consent
    of this number to, or refusal of, ``name``; or (``absent`` false) held the one shown."""

    absent: bool
    what: What
    name: str
    number: str
    handle: int
    at: int
    size: int


class Neighbour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change in a listing, with the path to the listing's root."""

    index: int
    entry: bytes
    path: tuple[bytes, ...]


class Gap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A listing's fact in the log, and the two neighbours between which nothing stands."""

    fact: int
    path: tuple[bytes, ...]
    left: Neighbour | None
    right: Neighbour | None


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where everything stands. ``moment`` is the path from the moment's log to the newest."""

    format: Literal["qingjing.standing/1"] = "qingjing.standing/1"
    key: str
    claim: Claim
    signature: bytes
    moment: tuple[bytes, ...]
    gaps: tuple[Gap, ...]
    fact: Row | None


class Standing(NamedTuple):
    """The parts of a proof; ``facts`` are stored bytes by position."""

    manifest: Manifest
    checkpoint: bytes
    moment: bytes
    facts: dict[int, bytes]


def is_standing(data: bytes) -> bool:
    """Does the file look like one of these, so that ``verify`` here should judge it?"""
    return b'{"format":"qingjing.standing/1"' in data[:200]


def write(proof: Standing) -> bytes:
    """The file's bytes, the same for ever."""
    return zipped(_members(proof))


def _members(proof: Standing) -> dict[str, bytes]:
    named = {f"facts/{position}.json": data for position, data in sorted(proof.facts.items())}
    encoded = msgspec.json.encode(proof.manifest)
    return {_MANIFEST: encoded, _CHECKPOINT: proof.checkpoint, _MOMENT: proof.moment} | named


def read(data: bytes) -> Standing:
    """Read what ``write`` wrote; BundleError names what is wrong. Nothing is believed yet."""
    if len(data) > BUNDLE_BYTES_MAX:
        raise BundleError(f"{len(data)} bytes, over the limit of {BUNDLE_BYTES_MAX}")
    members = unzipped(data)
    try:
        manifest = msgspec.json.decode(members[_MANIFEST], type=Manifest)
        places = [gap.fact for gap in manifest.gaps]
        places += [manifest.fact.fact] if manifest.fact else []
        facts = {place: members[f"facts/{place}.json"] for place in places}
        found = Standing(manifest, members[_CHECKPOINT], members[_MOMENT], facts)
    except KeyError as error:
        raise BundleError(f"member {error} is missing") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"member {_MANIFEST!r}: {error}") from None
    if write(found) != data:
        raise BundleError("not in its one canonical form: bytes were changed or added")
    return found


def size_of(checkpoint: bytes) -> int:
    """How many facts a checkpoint is of."""
    return parse_checkpoint(parse_note(checkpoint).text).size


def attested(claim: Claim, checkpoint: bytes, moment: bytes) -> str:
    """What the log signs: the claim, and the digests of both checkpoints."""
    digests = [hashlib.sha256(data).hexdigest() for data in (checkpoint, moment)]
    return ATTESTED + msgspec.json.encode([claim, *digests]).decode() + "\n"


def says(fact: f.Fact, what: What, name: str, handle: int) -> bool:
    """Is this the person's consent to that sender, or refusal of that group?"""
    match fact:
        case f.ConsentRecorded():
            return (what, name, handle) == ("consent", fact.sender, fact.handle)
        case f.RefusalRecorded():
            return (what, name, handle) == ("refusal", fact.group, fact.handle)
        case _:
            return False


def verify(
    data: bytes, keys: Iterable[Key] | None = None, earlier: bytes | None = None
) -> Report:
    """Check such a file off-line. Pure and total: whatever the bytes, the answer is a report.

    ``keys`` and ``earlier`` as for ``desk.verify``: trusted public keys, a kept checkpoint.
    """
    findings = Findings()
    try:
        proof = read(data)
    except BundleError as error:
        findings.judge("bundle", False, str(error))
        return Report(ok=False, findings=tuple(findings))
    manifest, claim = proof.manifest, proof.manifest.claim
    try:
        key = Key.parse(manifest.key)
        newest, then = (_point(note, key) for note in (proof.checkpoint, proof.moment))
    except NoteError as error:
        findings.judge("signature", False, str(error))
        return Report(ok=False, findings=tuple(findings))
    text = attested(claim, proof.checkpoint, proof.moment)
    signed = ed25519_verify(key.public_key, manifest.signature, text.encode())
    if findings.judge("claim", signed and _plain(claim, then)):
        _trust(proof, key, keys, findings)
        grown = check_consistency(
            then.size, newest.size, then.root, newest.root, manifest.moment
        )
        findings.judge("moment", grown, f"{then.size} and {newest.size} facts")
        if earlier is not None:
            _kept(earlier, (newest, then), findings)
        checked = _check_gaps if claim.absent else _check_fact
        checked(proof, newest, findings)
        findings.add("handle", Result.RECORD)
    ok = findings.ok
    return Report(ok=ok, findings=tuple(findings), claim=claim if ok else None)


def _plain(claim: Claim, then: Checkpoint) -> bool:
    try:
        phone = Phone.parse(claim.number)
    except ValueError:
        return False
    return phone.digits == claim.number and 0 <= claim.size <= then.size and claim.handle >= 0


def _point(data: bytes, key: Key) -> Checkpoint:
    found = parse_note(data)
    check(found, (key,), ed25519_verify)
    return parse_checkpoint(found.text)


def _trust(proof: Standing, key: Key, keys: Iterable[Key] | None, findings: Findings) -> None:
    """Who signed, and whether a trusted witness's clock bears the time out."""
    whose = f"{key.name}, SHA-256 {hashlib.sha256(key.public_key).hexdigest()}"
    findings.add("signature", Result.HOLDS, whose)
    claim, trusted = proof.manifest.claim, tuple(keys or ())
    exact = claim.size == size_of(proof.moment)
    if keys is None:
        findings.add("key", Result.RECORD, whose)
        findings.add("time", Result.RECORD)
        return
    try:
        who = check(parse_note(proof.moment), trusted, ed25519_verify)
        findings.add("trust", Result.HOLDS, ", ".join(one.key.name for one in who))
    except NoteError as error:
        findings.judge("trust", False, str(error))
        return
    times = [one.at_s * 1000 for one in who if one.at_s is not None]
    # For absence the witness must have looked at that time or after it; for presence before.
    borne = any((at + 999 >= claim.at) if claim.absent else (at <= claim.at) for at in times)
    findings.add("time", Result.HOLDS if borne and exact else Result.RECORD)


def _kept(earlier: bytes, points: tuple[Checkpoint, ...], findings: Findings) -> None:
    try:
        kept = parse_checkpoint(parse_note(earlier).text)
    except NoteError as error:
        findings.judge("witness", False, str(error))
        return
    same = [(one.origin, one.size, one.root) for one in points]
    detail = f"kept: {kept.size} facts of {kept.origin}; not one of the bundle's two heads"
    findings.judge("witness", (kept.origin, kept.size, kept.root) in same, detail)


def _recorded(
    proof: Standing, position: int, path: tuple[bytes, ...], newest: Checkpoint
) -> f.Recorded | None:
    """A fact that is in the log where it claims; None when it is not."""
    data = proof.facts[position]
    try:
        recorded = f.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    held = check_inclusion(leaf_hash(data), position - 1, newest.size, path, newest.root)
    return recorded if held and recorded.position == position else None


def _check_gaps(proof: Standing, newest: Checkpoint, findings: Findings) -> None:
    """The listings cover the whole log of then, and nothing stands between the neighbours."""
    claim, covered, reach = proof.manifest.claim, 0, 0
    key, empty = key_of(claim.what, claim.handle, claim.name), True
    sound = proof.manifest.fact is None
    for gap in proof.manifest.gaps:
        recorded = _recorded(proof, gap.fact, gap.path, newest)
        if recorded is None or not isinstance(recorded.fact, f.ChangesListed):
            sound = False
            break
        fact = recorded.fact
        sound = sound and fact.after == covered and covered <= fact.through < gap.fact
        covered, reach = fact.through, Listing(gap.fact, fact).reach
        empty = empty and _empty(gap, fact, key, claim.size)
    detail = f"{reach} of {claim.size} facts"
    findings.judge("coverage", sound and reach >= claim.size, detail)
    findings.judge("neighbours", sound and empty)


def _empty(gap: Gap, fact: f.ChangesListed, key: bytes, size: int) -> bool:
    """Are these neighbours in this listing, with the key's changes up to ``size`` between?"""
    left, right = gap.left, gap.right
    for one in (left, right):
        if one is not None and not (
            len(one.entry) == ENTRY_SIZE
            and check_inclusion(
                leaf_hash(one.entry), one.index, fact.count, one.path, fact.root
            )
        ):
            return False
    if left is None and right is None:
        return fact.count == 0 and fact.root == EMPTY_ROOT
    after = -1 if left is None else left.index
    beside = after + 1 == (fact.count if right is None else right.index)
    below = left is None or left.entry < entry_of(key, 0)
    above = right is None or right.entry > entry_of(key, size)
    return beside and below and above


def _check_fact(proof: Standing, newest: Checkpoint, findings: Findings) -> None:
    """The fact shown is this person's, and was in the log of then."""
    claim, row = proof.manifest.claim, proof.manifest.fact
    recorded = _recorded(proof, row.fact, row.path, newest) if row else None
    held = (
        recorded is not None
        and row is not None
        and not proof.manifest.gaps
        and (row.index, row.data) == (row.fact - 1, b"")
        and row.fact <= claim.size
        and says(recorded.fact, claim.what, claim.name, claim.handle)
    )
    findings.judge("present", held)
