"""Asking campaigns: people are asked by SMS whether they want to be sent something.

The words are registered first, with type, frequency and term, and go out word for word through
the gate like any message. A yes in time is a consent under those words. Silence is refusal: of
the subject, which the same and similar askings of a group share, for ever (Order 31 Art 18).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qingjing.desk import wordings
from qingjing.desk.capture import record_consents, settle
from qingjing.desk.entries import DAY_MS, About, InputError
from qingjing.desk.ports import Bools, Ledger, Person, Transaction, U64s
from qingjing.desk.texts import read_body, view_of
from qingjing.kernel import facts as f
from qingjing.kernel.facts.people import SUBJECTS
from qingjing.kernel.register import Lane
from qingjing.kernel.rows import MOVE, Moved
from qingjing.kernel.rulebook import choose
from qingjing.kernel.words import Act, Category, Door, Kind
from qingjing.text.normalise import normalise
from qingjing.text.similar import SIMILAR_AT, similarity

SILENCE_DAYS_MAX: Final = 90
"""A yes after a quarter of a year is hardly an answer to what was asked then."""


class Opened(NamedTuple):
    """An opened asking. ``similar`` names an earlier one that it shares its subject with."""

    position: int
    similar: str


class Tally(NamedTuple):
    """How an asking went: people, each in one of the last four."""

    asking: str
    asked: int
    agreed: int
    refused: int
    silent: int
    waiting: int


def open_asking(
    ledger: Ledger, t: Transaction, name: str, wording: str, *, silence_days: int = 0
) -> Opened:
    """Open an asking under stated words, whose text is the message itself, signature and all.

    ``silence_days`` 0 takes those of the rulebook in force. InputError when the text is no
    request for consent that states type, frequency and term, or asks for what the words do not
    cover.
    """
    about = About([], "")
    about.name("asking", name)
    stated = wordings.latest(ledger, about, wording)
    book = choose(ledger.books, t.at)
    days = silence_days or (book.asking_silence_days if book else 0)
    if not 1 <= days <= SILENCE_DAYS_MAX:
        about.wrong("silence_days", f"{days} is no time to answer", f"1 to {SILENCE_DAYS_MAX}")
    if stated is None:
        raise InputError(about.problems)
    party = ledger.register.party(stated.fact.sender)
    group = party.group if party is not None else ""
    text = wordings.text_of(ledger, stated)
    view = view_of(read_body(text))
    if view.kind is not Kind.ASKING or not view.asking_complete:
        remedy = "ask, state type, frequency and term, and offer nothing"
        about.wrong("wording", f"its text is read as {view.kind.name.lower()}", remedy)
    elif not view.signature:
        about.wrong("wording", "its text has no signature", "write the message as it goes out")
    elif not stated.fact.purposes & (view.category or Category.RETAIL).bit:
        # Words of selling as such, which name no line of trade, ask for retail.
        said = (view.category or Category.RETAIL).name.lower()
        about.wrong("wording", f"its text asks for {said}", "state that purpose, or none else")
    earlier = _opened(ledger, group)
    if any(one.fact.asking == name for one in _facts(earlier)):
        about.wrong("asking", f"{name!r} was opened before", "choose another name")
    if not about.sound:
        raise InputError(about.problems)
    like = next((one for one in _facts(earlier) if _similar(one.fact.text, text)), None)
    fact = f.AskingOpened(
        handle=_handle(group),
        asking=name,
        sender=stated.fact.sender,
        group=group,
        wording=wording,
        subject=like.fact.subject if like else t.position + 1,
        silence_days=days,
        text=text,
    )
    return Opened(t.append(fact), like.fact.asking if like else "")


def find(ledger: Ledger, lane: Lane, body: str) -> f.Recorded | None:
    """The opened asking of this sender that a message puts, word for word; the latest."""
    plain = normalise(body).text
    for one in reversed(_opened(ledger, lane.group)):
        fact = one.fact
        assert isinstance(fact, f.AskingOpened)
        if fact.sender == lane.sender and normalise(fact.text).text == plain:
            return one
    return None


def asked(ledger: Ledger, handles: U64s, opened: Sequence[f.Recorded | None]) -> Bools:
    """Was each person asked the subject of its opened asking before?"""
    found = np.zeros(len(handles), np.bool_)
    places = [place for place, one in enumerate(opened) if one is not None]
    facts = [one.fact for one in opened if one is not None]
    if places:
        known = [fact for fact in facts if isinstance(fact, f.AskingOpened)]
        topics = np.array([SUBJECTS + fact.subject for fact in known], np.uint64)
        groups = [fact.group for fact in known]
        found[places] = ledger.standings.asked(handles[places], groups, topics)
    return found


def note(t: Transaction, rows: NDArray[Any], opened: Sequence[f.Recorded | None]) -> None:
    """Note that people were asked, by the decided rows that passed."""
    for row, one in zip(rows, opened, strict=True):
        if one is None or not isinstance(one.fact, f.AskingOpened):
            continue
        t.append(
            f.AskingPut(
                handle=int(row["handle"]),
                group=one.fact.group,
                asking=one.position,
                subject=one.fact.subject,
                message=int(row["message"]),
                until=t.at + one.fact.silence_days * DAY_MS,
            )
        )


def answered(ledger: Ledger, t: Transaction, person: Person, group: str, reply: int) -> int:
    """A yes to the latest asking that waits for one: the consent's position, 0 without any.

    None waits once it was answered by yes or no, its time is over, its words have been
    changed, or its message never left.
    """
    put: f.Recorded | None = None
    for one in ledger.facts_of(person.handle):
        match one.fact:
            case f.AskingPut(group=asker) if asker == group:
                put = one
            case f.RefusalRecorded(group=refused) if refused in (group, f.ALL_GROUPS):
                put = None
            case f.ConsentRecorded(act=Act.REPLIED, door=Door.REPLY):
                put = None
            case _:
                pass
    if put is None or not isinstance(put.fact, f.AskingPut) or t.at >= put.fact.until:
        return 0
    opened = ledger.fact(put.fact.asking)
    if opened is None or not isinstance(opened.fact, f.AskingOpened):
        return 0
    stated = wordings.latest(ledger, About([], ""), opened.fact.wording)
    if stated is None or not _left(ledger, put.fact.message):
        return 0
    proof = hashlib.sha256(ledger.encoded(put.position) or b"").hexdigest()
    told = f"fact {reply}"
    positions = record_consents(t, person, stated, Act.REPLIED, Door.REPLY, proof, told)
    settle(ledger, t, person, stated, Act.REPLIED, Door.REPLY)
    return positions[0]


def tallies(ledger: Ledger, group: str, at: int) -> list[Tally]:
    """How the askings of a group went until now; reads the log once."""
    names = {one.position: one.fact.asking for one in _facts(_opened(ledger, group))}
    counts = {position: [0, 0, 0, 0] for position in names}
    for put in _put(ledger):
        if put.fact.asking in counts:
            counts[put.fact.asking][_end(ledger, put, at)] += 1
    return [Tally(names[place], sum(ends), *ends) for place, ends in counts.items()]


class _Put(NamedTuple):
    position: int
    fact: f.AskingPut


class _Open(NamedTuple):
    position: int
    fact: f.AskingOpened


def _facts(opened: Sequence[f.Recorded]) -> Iterator[_Open]:
    for one in opened:
        if isinstance(one.fact, f.AskingOpened):
            yield _Open(one.position, one.fact)


def _put(ledger: Ledger) -> Iterator[_Put]:
    """All that was put. The tag stands in front: only these few facts are decoded."""
    tag = f'"kind":"{f.AskingPut.__struct_config__.tag}"'.encode()
    for position in range(1, ledger.position + 1):
        data = ledger.encoded(position) or b""
        if tag in data[:96]:
            fact = f.decode(data).fact
            if isinstance(fact, f.AskingPut):
                yield _Put(position, fact)


def _end(ledger: Ledger, put: _Put, at: int) -> int:
    """0 agreed, 1 refused, 2 silent, 3 waiting: by the first clear word since."""
    for one in ledger.facts_of(put.fact.handle):
        if one.position <= put.position or one.at >= put.fact.until:
            continue
        match one.fact:
            case f.ConsentRecorded(act=Act.REPLIED, door=Door.REPLY):
                return 0
            case f.RefusalRecorded(group=group) if group in (put.fact.group, f.ALL_GROUPS):
                return 1
            case _:
                pass
    return 2 if at >= put.fact.until else 3


def _left(ledger: Ledger, message: int) -> bool:
    """Did the message leave? What nobody got nobody can answer."""
    for batch in ledger.moved_batches(message):
        rows = np.frombuffer(batch.rows, MOVE)
        if bool(((rows["message"] == message) & (rows["what"] == Moved.RELEASED)).any()):
            return True
    return False


def _similar(one: str, other: str) -> bool:
    return similarity(one, other) >= SIMILAR_AT


def _opened(ledger: Ledger, group: str) -> tuple[f.Recorded, ...]:
    return ledger.facts_of(_handle(group))


def _handle(group: str) -> int:
    """The handle under which all askings of a group are found."""
    return int.from_bytes(hashlib.sha256(b"asking\0" + group.encode()).digest()[:8], "big")
