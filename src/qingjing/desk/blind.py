"""Blind: which of my numbers are refused at yours, without either showing a list.

Diffie-Hellman private set intersection (Meadows 1986; Huberman, Franklin and Hogg 1999) over
Curve25519, with X25519 of RFC 7748 as the one operation. A number is hashed to a point; the
asker raises it to a secret of its own, the answerer to one of its own, and either order gives
the same value. Secrets are drawn for one exchange and thrown away: that is the rotation.

Against a keyed hash under a shared key: there, whoever has the key can try out all ten digits
behind the 1 in minutes. Here nobody can try out anything without the other's answer, number by
number, and ``ROWS_MAX`` bounds those. ``docs/proofs.md`` says what each learns, and from whom
this does not protect.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from qingjing.desk.consent import refusals, refuse
from qingjing.desk.entries import About, InputError
from qingjing.desk.ports import Ledger, Transaction
from qingjing.kernel import facts as f
from qingjing.kernel.words import Door, Phone

ROWS_MAX: Final = 100_000
"""Numbers that one question may hold: to try out all ten thousand million at one such question
a day takes 270 years. A larger campaign asks several times, and the answerer sees it."""

TAKEN_MAX: Final = 1_000
"""Refusals recorded in one transaction: a turn of the gateway waits some 50 ms for them."""

_SIZE: Final = 32
_P: Final = 2**255 - 19
_A: Final = 486_662
_DOMAIN: Final = b"qingjing/blind/1\x00"
_TAGS: Final = {
    str(kind.__struct_config__.tag).encode() for kind in (f.RefusalRecorded, f.RefusalLifted)
}


class BlindError(ValueError):
    """A file of an exchange is none, or belongs to another exchange. Says what to do."""


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="question/1"):
    """What the asker sends: how many numbers, and an exchange's name of 16 octets."""

    exchange: bytes
    count: int


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="answer/1"):
    """What the answerer sends back: the question's values raised, then its refusals' own."""

    exchange: bytes
    count: int
    refused: int


class Secret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The asker's secret, for this exchange alone."""

    exchange: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Secret(hidden)"


def point(phone: Phone, exchange: bytes) -> bytes:
    """A number as a point of the curve, by trying on: 32 octets, never one of its twist.

    Whether a hash is on the curve or on its twist would show through any blinding: one bit of
    each number, to compare over exchanges.
    """
    seed = _DOMAIN + exchange + phone.digits.encode()
    for attempt in range(256):
        made = hashlib.sha256(seed + bytes([attempt])).digest()
        u = int.from_bytes(made, "little") & ((1 << 255) - 1)
        square = (u * u % _P * u + _A * u * u + u) % _P
        if u < _P and pow(square, (_P - 1) // 2, _P) == 1:
            return u.to_bytes(_SIZE, "little")
    raise AssertionError("a hash that is on no curve 256 times")  # a chance of 2**-256


class _Raise:
    """One secret exponent."""

    def __init__(self, key: bytes) -> None:
        self._key = X25519PrivateKey.from_private_bytes(key)

    def __call__(self, value: bytes) -> bytes:
        """The value raised; BlindError for a point of small order, which hides nothing."""
        try:
            return self._key.exchange(X25519PublicKey.from_public_bytes(value))
        except ValueError:
            raise BlindError("a value is no point of an honest party: ask them") from None


def ask(phones: Iterable[Phone], secret: Secret) -> bytes:
    """The question about these numbers, in their order."""
    raised = _Raise(secret.key)
    values = [raised(point(phone, secret.exchange)) for phone in phones]
    return _file(Question(secret.exchange, len(values)), values)


def answer(data: bytes, phones: Iterable[Phone], key: bytes, most: int = ROWS_MAX) -> bytes:
    """The answer to a question, from the numbers that are refused here.

    ``key`` is 32 octets of chance, drawn for this answer and kept nowhere. BlindError when the
    question is none, or asks for more than ``most``.
    """
    head, values = _read(data)
    if not isinstance(head, Question) or head.count != len(values):
        raise BlindError("not a question: hand in what `qingjing share ask` wrote")
    if len(values) > most:
        raise BlindError(f"it asks for {len(values)} numbers, and {most} are answered at once")
    raised = _Raise(key)
    # Sorted, so that their order tells nothing; the asker's keep theirs, to be found again.
    own = sorted(raised(point(phone, head.exchange)) for phone in set(phones))
    head_out = Reply(head.exchange, len(values), len(own))
    return _file(head_out, [*(raised(value) for value in values), *own])


def match(data: bytes, secret: Secret) -> list[int]:
    """The places of the asker's numbers that are refused at the answerer, from 0."""
    head, values = _read(data)
    if not isinstance(head, Reply) or head.count + head.refused != len(values):
        raise BlindError("not an answer: hand in what `qingjing share answer` wrote")
    if head.exchange != secret.exchange:
        raise BlindError("the answer is to another question: find the key of that one")
    raised = _Raise(secret.key)
    refused = {raised(value) for value in values[head.count :]}
    return [place for place, value in enumerate(values[: head.count]) if value in refused]


_HEADS = Question | Reply


def _file(head: _HEADS, values: Sequence[bytes]) -> bytes:
    """A line of JSON, then the values as they are."""
    return msgspec.json.encode(head) + b"\n" + b"".join(values)


def _read(data: bytes) -> tuple[_HEADS, list[bytes]]:
    line, _, body = data.partition(b"\n")
    try:
        head = msgspec.json.decode(line, type=Question | Reply)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BlindError("not a file of an exchange") from None
    if len(body) % _SIZE:
        raise BlindError("the file is cut off: fetch it again")
    return head, [body[at : at + _SIZE] for at in range(0, len(body), _SIZE)]


class Refused(NamedTuple):
    """A refusal in force, with the number."""

    phone: Phone
    at: int
    group: str
    door: Door


def refused(ledger: Ledger, group: str) -> Iterator[Refused]:
    """The refusals in force of a group, and of all, oldest first, but of who was forgotten.

    Looks at every fact, and decodes refusals alone: about 100,000 facts a second.
    """
    held: dict[tuple[bytes, str], f.Recorded] = {}
    for position in range(1, ledger.position + 1):
        data = ledger.encoded(position) or b""
        start = data.find(b'"kind":"') + 8
        if data[start : data.find(b'"', start)] not in _TAGS:
            continue
        recorded = f.decode(data)
        match recorded.fact:
            case f.RefusalRecorded(person=key, group=name) if name in (group, f.ALL_GROUPS):
                held.setdefault((key, name), recorded)
            case f.RefusalLifted(person=key, group=name):
                held.pop((key, name), None)
            case _:
                pass
    for (key, name), recorded in held.items():
        phone = ledger.number(key)
        if phone is not None and isinstance(recorded.fact, f.RefusalRecorded):
            yield Refused(phone, recorded.at, name, recorded.fact.door)


class Taken(NamedTuple):
    """What was recorded: new refusals, and numbers that were refused already."""

    recorded: int
    known: int


def take(
    ledger: Ledger,
    t: Transaction,
    phones: tuple[str, ...],
    group: str,
    door: str,
    evidence: str,
) -> Taken:
    """Record refusals of a group from a list by a carrier or another organisation.

    At most ``TAKEN_MAX`` at once. InputError when anything is wrong; then nothing is recorded.
    """
    about = About([], "")
    if door not in (Door.CARRIER.value, Door.IMPORT.value):
        about.wrong("door", f"{door!r} is no list's", "give carrier or import")
    if len(phones) > TAKEN_MAX:
        about.wrong("phones", f"{len(phones)} at once", f"hand in {TAKEN_MAX} at most")
    numbers = [about.phone(text) for text in phones]
    party = ledger.register.party(group)
    meant = party.group if party else group
    if not about.sound:
        raise InputError(about.problems)
    known = 0
    for number in dict.fromkeys(numbers):
        assert number is not None
        if meant in refusals(ledger, ledger.find(number).handle):
            known += 1
        else:
            refuse(ledger, t, number.digits, group, door=door, evidence=evidence)
    return Taken(len(set(numbers)) - known, known)
