"""Papers 材料: documents by their hash, authorisation letters and contracts with their terms.

The files stay with the house; recorded is the SHA-256 by which a file that is
shown later can be told to be the one that was shown then.
"""

from __future__ import annotations

from typing import Final

from stdnum.cn import uscc

from qingjing.desk.draft import Draft
from qingjing.desk.entries import (
    About,
    ContractEntry,
    DocumentEntry,
    LetterEntry,
    day_end,
    shown,
)
from qingjing.kernel import facts as f
from qingjing.kernel.words import Category, Subject

LETTER_SIGNATURES_MAX: Final = 100
"""Signatures of one letter, as a vendor's form has it."""

WHATS: Final = ("licence", "permit", "trademark", "app", "letter", "contract", "other")


def take_document(draft: Draft, where: str, entry: DocumentEntry) -> None:
    """One document about a party, port or signature; a permit names the trade it opens."""
    about = About(draft.problems, where)
    digest = _digest(about, entry.document)
    subject = about.word("subject", Subject, entry.subject)
    about.filled("number", entry.number)
    if entry.what not in WHATS:
        about.wrong("what", f"{shown(entry.what)} is none", f"use {', '.join(WHATS)}")
    if (entry.what == "permit") is not bool(entry.category):
        about.wrong("category", "goes with a permit", "name the trade that the permit opens")
    elif entry.category:
        about.word("category", Category, entry.category)
    if subject is not None and not _known(draft, subject, entry.name):
        remedy = "register it first"
        about.wrong("name", f"{subject.value} {entry.name!r} is not registered", remedy)
    if not about.sound or subject is None:
        return
    fact = f.DocumentKept(
        document=digest,
        what=entry.what,
        subject=subject,
        name=entry.name,
        number=entry.number,
        size=entry.size,
        category=entry.category.strip().lower(),
        valid_until=None if entry.valid_until is None else day_end(entry.valid_until),
    )
    if fact not in draft.ledger.register.documents.get((subject, entry.name), ()):
        draft.facts.append(fact)


def take_letter(draft: Draft, where: str, entry: LetterEntry) -> None:
    """A letter by which the owner of signatures lets a sender use them."""
    about = About(draft.problems, where)
    draft.once(_seen(draft, "letter", entry.letter), about, "letter", entry.letter)
    about.name("letter", entry.letter)
    draft.refer(about, "owner", entry.owner)
    draft.refer(about, "sender", entry.sender)
    digest = _digest(about, entry.document)
    start, end = about.span(entry.valid_from, entry.valid_until)
    owner = draft.parties.get(entry.owner) or draft.ledger.register.party(entry.owner)
    if owner is not None and uscc.compact(entry.credit_code) != owner.credit_code:
        problem = f"{shown(entry.credit_code)} is not the code of {entry.owner!r}"
        about.wrong("credit_code", problem, "the letter must be given by the owner itself")
    if not 0 < len(entry.signatures) <= LETTER_SIGNATURES_MAX:
        remedy = f"name 1 to {LETTER_SIGNATURES_MAX}"
        about.wrong("signatures", f"are {len(entry.signatures)}", remedy)
    for name in entry.signatures:
        signature = draft.signature(name)
        if signature is None:
            about.wrong("signatures", f"{name!r} is not registered", "register it first")
        elif signature.owner != entry.owner:
            problem = f"{name!r} belongs to {signature.owner!r}"
            about.wrong("signatures", problem, "only its owner can let others use it")
    fact = f.LetterRecorded(
        letter=entry.letter,
        owner=entry.owner,
        sender=entry.sender,
        signatures=entry.signatures,
        document=digest,
        valid_from=start,
        valid_until=end,
    )
    letters = draft.ledger.register.letters
    known = [x for name in entry.signatures for x in letters.get((name, entry.sender), ())]
    if about.sound and fact not in known:
        draft.facts.append(fact)


def take_contract(draft: Draft, where: str, entry: ContractEntry) -> None:
    """The contract of one link of a chain."""
    about = About(draft.problems, where)
    draft.once(_seen(draft, "contract", entry.contract), about, "contract", entry.contract)
    about.name("contract", entry.contract)
    draft.refer(about, "upstream", entry.upstream)
    draft.refer(about, "downstream", entry.downstream)
    if entry.upstream == entry.downstream:
        about.wrong("downstream", "is the upstream", "name the two ends of the link")
    digest = _digest(about, entry.document)
    start, end = about.span(entry.valid_from, entry.valid_until)
    fact = f.ContractRecorded(
        contract=entry.contract,
        upstream=entry.upstream,
        downstream=entry.downstream,
        document=digest,
        valid_from=start,
        valid_until=end,
    )
    known = draft.ledger.register.contracts.get((entry.upstream, entry.downstream), ())
    if about.sound and fact not in known:
        draft.facts.append(fact)


def _seen(draft: Draft, what: str, name: str) -> set[str]:
    """The names of such papers that stood in this file before; this one is added."""
    before = {known for kind, known in draft.papers if kind == what}
    draft.papers.add((what, name))
    return before


def _digest(about: About, text: str) -> bytes:
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        remedy = "give the SHA-256 of the file, 64 hexadecimal digits"
        about.wrong("document", f"{shown(text)} is no hash", remedy)
    return digest


def _known(draft: Draft, subject: Subject, name: str) -> bool:
    if subject is Subject.PARTY:
        return draft.has_party(name)
    known = draft.port(name) if subject is Subject.PORT else draft.signature(name)
    return known is not None
