"""Verify: check a bundle with nothing but the bundle, and trust in no one who handed it in.

First the log (signature, paths), then the facts (order, whose they are, what is opened), then
the decision: recomputed from the facts under the rulebook that the bundle carries, and compared
with the record field by field. A bundle that fails the first is not interpreted at all.
Nothing but the arguments is looked at. What cannot be known off-line is told as such
(``Result.RECORD``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from qingjing.desk.anchor import ed25519_verify
from qingjing.desk.bundle import Bundle, BundleError, Proven, proven, read, step_proven
from qingjing.desk.checks import Findings
from qingjing.desk.checks import Report as Report  # others know these two from here
from qingjing.desk.checks import Result as Result
from qingjing.desk.edition import edition
from qingjing.desk.prove import HISTORY, imported_at, recounted
from qingjing.desk.standing_proof import is_standing
from qingjing.desk.standing_proof import verify as verify_standing
from qingjing.desk.texts import read_body, view_of
from qingjing.kernel import facts as f
from qingjing.kernel.batch import names
from qingjing.kernel.chain import check_consistency
from qingjing.kernel.dossier import TextView
from qingjing.kernel.gate import hits
from qingjing.kernel.note import Checkpoint, Key, NoteError, check, parse_checkpoint, parse_note
from qingjing.kernel.register import Lane, Register
from qingjing.kernel.rulebook import Rulebook
from qingjing.kernel.rules import RULES
from qingjing.kernel.words import Verdict
from qingjing.kernel.workdays import beijing_date


def verify(
    data: bytes, keys: Iterable[Key] | None = None, earlier: bytes | None = None
) -> Report:
    """Check a bundle. Pure and total: whatever the bytes, the answer is a report.

    ``keys`` are public keys that the caller trusts, the ledger's or a witness's; without any
    the key is taken from the bundle itself, and the report says so. ``earlier`` is a
    checkpoint that the caller or a witness kept: the bundle's log must only have added to it.
    """
    if is_standing(data):
        return verify_standing(data, keys, earlier)
    findings = Findings()
    try:
        bundle = read(data)
    except BundleError as error:
        findings.judge("bundle", False, str(error))
        return Report(ok=False, findings=tuple(findings))
    point = _signed(bundle, keys, findings)
    found: Proven | None = None
    if point is not None:
        _only_added(bundle, point, earlier, findings)
        try:
            found = proven(bundle, point)
            findings.judge("inclusion", True)
        except BundleError as error:
            findings.judge("inclusion", False, str(error))
    # What the log does not vouch for is not interpreted: no forger's words in the answer.
    if not findings.ok:
        found = None
    if found is not None:
        _check_facts(found, findings)
        _recompute(found, _check_openings(found, findings), findings)
    return Report(ok=findings.ok, findings=tuple(findings), proven=found)


def fingerprint(key: Key) -> str:
    """A public key in a form that people can compare over the telephone or on a web page."""
    return f"SHA-256 {hashlib.sha256(key.public_key).hexdigest()}"


def _signed(
    bundle: Bundle, keys: Iterable[Key] | None, findings: Findings
) -> Checkpoint | None:
    """The checkpoint, when the key that the bundle names signed it."""
    try:
        key = Key.parse(bundle.key)
        note = parse_note(bundle.checkpoint)
        check(note, (key,), ed25519_verify)
        point = parse_checkpoint(note.text)
    except NoteError as error:
        findings.judge("signature", False, str(error))
        return None
    whose = f"{key.name}, {fingerprint(key)}"
    findings.add("signature", Result.HOLDS, whose)
    trusted = tuple(keys or ())
    if keys is None:
        findings.add("key", Result.RECORD, whose)
    else:
        try:
            who = check(note, trusted, ed25519_verify)
            findings.add("trust", Result.HOLDS, ", ".join(one.key.name for one in who))
        except NoteError as error:
            findings.judge("trust", False, str(error))
    known = {(one.name, one.id) for one in (key, *trusted)}
    others = [line.name for line in note.signatures if (line.name, line.key_id) not in known]
    if others:
        findings.add("cosignatures", Result.RECORD, ", ".join(others))
    return point


def _only_added(
    bundle: Bundle, point: Checkpoint, earlier: bytes | None, findings: Findings
) -> None:
    """The log only grew since the state that the bundle names, and that is the one kept."""
    since, states = bundle.since, [(point.size, point.root)]
    if since is not None:
        states.append((since.size, since.root))
        grown = check_consistency(since.size, point.size, since.root, point.root, since.path)
        findings.judge("since", grown, f"{since.size} facts")
    if earlier is None:
        return
    try:
        kept = parse_checkpoint(parse_note(earlier).text)
    except NoteError as error:
        findings.judge("witness", False, str(error))
        return
    same = kept.origin == point.origin and (kept.size, kept.root) in states
    detail = f"kept: {kept.size} facts of {kept.origin}; no path from these to the bundle's log"
    findings.judge("witness", same, detail)


def _check_facts(found: Proven, findings: Findings) -> None:
    """Everything in the bundle has a part in this decision; what it rests on came before it."""
    position, moved = found.decision.position, {row.fact for row in found.bundle.moves}
    later = {position, *moved, *(fact.position for fact in erasures(found))}
    late = {
        place
        for place, fact in found.facts.items()
        if place not in later and (place > position or fact.at > found.decision.at)
    }
    named = int(found.row["grounds"])
    late |= {named} if named >= position else set()
    detail = f"at {sorted(late)}, the decision at {position}"
    findings.judge("before", not late, detail)
    foreign = [
        place for place, fact in found.facts.items() if not _has_part(found, fact, moved)
    ]
    if named and found.grounds is None:
        foreign.append(named)
    findings.judge("parts", not foreign, f"at {foreign}")
    if found.bundle.moves:
        findings.judge("moves", all(step_proven(found, row) for row in found.bundle.moves))


def erasures(found: Proven) -> list[f.Recorded]:
    """Later facts by which something of this person was erased beside the decision."""
    place, handle = found.decision.position, int(found.row["handle"])
    return [
        recorded
        for recorded in found.facts.values()
        if isinstance(recorded.fact, f.PersonForgotten)
        and recorded.position > place
        and recorded.fact.handle == handle
        and place in dict(recorded.fact.replaced)
    ]


def _has_part(found: Proven, recorded: f.Recorded, moved: set[int]) -> bool:
    """Is this the fact of this decision, person, sender, rulebook, or of the register?"""
    fact, position, row = recorded.fact, recorded.position, found.row
    match fact:
        case f.MessagesDecided():
            return position == found.decision.position
        case f.MessagesMoved():
            return position in moved
        case f.ConsentRecorded():
            named = position == row["grounds"] and fact.sender == found.lane.sender
            return bool(named and fact.handle == row["handle"])
        case f.ConsentsImported():
            return bool(position == row["grounds"] and fact.sender == found.lane.sender)
        case f.RefusalRecorded() | f.RefusalLifted() | f.ReplyHeard() | f.NumberNoted():
            return bool(fact.handle == row["handle"])
        case f.PersonForgotten():
            return recorded in erasures(found)
        case f.RulebookAdopted():
            return fact.name == found.batch.rulebook
        case _:
            return isinstance(fact, HISTORY)


def _check_openings(found: Proven, findings: Findings) -> TextView | None:
    """What is shown in clear is what the record committed to; the text as it reads now."""
    text, number = found.bundle.openings.text, found.bundle.openings.number
    for fact in erasures(found):
        findings.add("erased", Result.RECORD, f"fact {fact.position}")
    if number is None:
        findings.add("number", Result.RECORD, "not shown")
    else:
        findings.judge("number", number.opens(found.row["original"].tobytes()))
    same = found.batch.reader == edition()
    if same:
        findings.add("reader", Result.HOLDS, edition())
    else:
        detail = f"{found.batch.reader or 'none'}, here {edition()}"
        findings.add("reader", Result.RECORD if found.batch.reader else Result.FAILS, detail)
    if text is None:
        findings.add("text", Result.RECORD, "not shown")
        return None
    if not findings.judge("text", text.opens(found.text.commitment)):
        return None
    view = view_of(read_body(text.text))
    then = (found.text.kind, found.text.category, found.text.signature, found.text.notice)
    if then != (view.kind, view.category, view.signature, view.notice):
        # Readings get better with editions; which one was right is for a person to say. The
        # same edition reads a text in one way alone.
        detail = f"this version reads {view.kind.name}, {view.category.name}"
        result = Result.FAILS if same else Result.DIFFERS
        findings.add("reading", result, f"{detail}, {view.signature}, {view.notice}")
        return None
    findings.judge("reading", True)
    return view


def _recompute(found: Proven, view: TextView | None, findings: Findings) -> None:
    """The decision once more, from its facts."""
    book, lane = _book(found), _lane(found)
    named = f"{found.batch.rulebook}, SHA-256 {found.batch.rulebook_digest or 'not told'}"
    findings.judge("rulebook", book is not None, f"{named}: not in the bundle")
    findings.judge("lane", lane is not None)
    if book is None or lane is None:
        return
    if found.bundle.imported is not None:
        findings.judge("import", imported_at(found) is not None)
    for name, computed in recounted(found, lane, book, view).items():
        findings.field(name, getattr(found.vector, name), computed)
    fired = hits(found.vector, book)
    bits = sum(1 << RULES.index(rule) for rule in fired)
    told = names(int(found.row["reasons"]))
    findings.judge("reasons", bits == found.row["reasons"], f"recorded: {', '.join(told)}")
    verdict = max((book.effect(rule.name) for rule in fired), default=Verdict.PASS)
    findings.judge("verdict", verdict == found.row["verdict"], f"recomputed: {verdict.name}")
    findings.add("absence", Result.RECORD)


def _book(found: Proven) -> Rulebook | None:
    """The rulebook that the batch names, to the byte: adopted before, in force on the day."""
    adopted = [x.fact for x in found.earlier() if isinstance(x.fact, f.RulebookAdopted)]
    if len(adopted) != 1:
        return None
    try:
        book = msgspec.json.decode(adopted[0].rulebook, type=Rulebook)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    # Of the bytes: a book written before a field was thought of keeps its digest.
    whole = hashlib.sha256(adopted[0].rulebook).hexdigest()
    same = whole == adopted[0].digest == found.batch.rulebook_digest
    same = same and book.name == found.batch.rulebook
    return book if same and book.in_force(beijing_date(found.decision.at / 1000)) else None


def _lane(found: Proven) -> Lane | None:
    """The path, resolved anew from the facts before the decision; None when it differs."""
    register, used, at = Register(), found.lane, found.decision.at
    try:
        for recorded in found.earlier():
            register.apply(recorded)
        lane = register.lane(used.submitter, used.port, used.signature, used.carrier, at)
    except (KeyError, ValueError):  # a filing, a suspension or an end of what is not there
        return None
    now = (lane.sender, lane.group, lane.grant, lane.kinds, lane.facts, lane.signature)
    then = (used.sender, used.group, used.grant, used.kinds, used.facts, found.text.signature)
    return lane if now == then else None
