"""Hear: a person's reply is kept word for word, read, and takes effect in one transaction."""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

from qingjing.desk import askings
from qingjing.desk.ports import Ledger, Person, Transaction
from qingjing.desk.send import Desk
from qingjing.kernel.facts import RefusalRecorded, ReplyHeard
from qingjing.kernel.words import Door, Phone, ReplyMeaning
from qingjing.text import reply

CONTEXT: Final = b"reply.heard/1"
"""Associated data under which a reply's words are sealed."""

SALT_SIZE: Final = 16
"""Random bytes before the words: of a sealed "T" the hash alone, which stays when the words
are erased, must not tell that it was a "T"."""


class Heard(NamedTuple):
    """What was made of a reply. ``refused`` is the group whose marketing stops now, if any."""

    person: Person
    meaning: ReplyMeaning
    group: str
    refused: str
    position: int


def hear(desk: Desk, t: Transaction, phone: Phone, port: str, words: str) -> Heard:
    """Record and read one reply to a port.

    A refusal holds for the whole group that answers for the port at this moment; a threat to
    complain is a refusal too; what is unclear holds the group's marketing until a person has
    read it, or until its writer says something clear, which a call for help is not. On a port
    that nobody answers for the words are kept and nothing else follows. A yes to an asking that
    still waits for its answer is a consent under the words that were asked.
    """
    person = t.remember(phone)
    group = desk.ledger.register.group_of_port(port) or ""
    meaning = reply.read(words).meaning
    sealed = desk.ledger.seal(desk.reader.salt() + words.encode(), CONTEXT)
    position = t.append(
        ReplyHeard(
            person=person.key,
            handle=person.handle,
            port=port,
            group=group,
            meaning=meaning,
            words=hashlib.sha256(sealed).digest(),
        )
    )
    t.attach(position, b"", sealed)
    refused = ""
    if group and meaning in (ReplyMeaning.OPT_OUT, ReplyMeaning.COMPLAINT):
        refused = group
        t.append(
            RefusalRecorded(
                person=person.key,
                handle=person.handle,
                group=group,
                door=Door.REPLY,
                port=port,
                evidence=f"fact {position}",
            )
        )
    if group and meaning is ReplyMeaning.OPT_IN:
        askings.answered(desk.ledger, t, person, group, position)
    return Heard(person, meaning, group, refused, position)


def words_of(ledger: Ledger, position: int) -> str | None:
    """The words of the reply at a position; None when they were erased.

    LookupError when no words were kept there.
    """
    sealed = ledger.batch(position).sealed
    return ledger.unseal(sealed, CONTEXT)[SALT_SIZE:].decode() if sealed else None
