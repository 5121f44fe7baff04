"""Checkpoints as signed notes: a log's size and root in a text that anyone can read and check.

The format is that of public transparency logs: C2SP ``signed-note`` for text and signature
lines, ``tlog-checkpoint`` for the three lines of a checkpoint, ``tlog-cosignature`` (Ed25519,
v1) for the line by which a witness says "I saw this, and it only added to what I saw before"::

    log.example/qingjing
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — log.example/qingjing Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurm...

Text in, text out: Ed25519 itself is passed in, since this room holds no cryptography.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Final

import msgspec

from qingjing.kernel.chain import HASH_SIZE

NOTE_BYTES_MAX: Final = 1 << 20
"""A note larger than this is no checkpoint; Go's ``sumdb/note`` chose the same megabyte."""

SIGNATURES_MAX: Final = 100
"""C2SP asks that at least 16 be accepted; 100 is the limit of Go's ``sumdb/note``."""

Sign = Callable[[bytes], bytes]
"""``sign(message)`` gives the 64-byte Ed25519 signature (RFC 8032)."""

Verify = Callable[[bytes, bytes, bytes], bool]
"""``verify(public_key, signature, message)``: is it an Ed25519 signature of the message?"""

_DASH: Final = "\u2014 "
_PUBLIC_KEY_SIZE: Final = 32
_SIGNATURE_SIZE: Final = 64
_TIME_SIZE: Final = 8


class NoteError(ValueError):
    """A note not to be believed; ``line`` (from 1) is where it fails, 0 for the whole."""

    def __init__(self, line: int, problem: str) -> None:
        """Keep the line apart, for a caller that shows the text."""
        super().__init__(f"line {line}: {problem}" if line else problem)
        self.line = line


class SignatureKind(IntEnum):
    """What a key signs with: the type byte of C2SP ``signed-note``, section Signature types."""

    ED25519 = 0x01
    COSIGNATURE = 0x04


class Key(msgspec.Struct, frozen=True):
    """A public key under its name. NoteError when the name or the key is malformed."""

    name: str
    public_key: bytes
    kind: SignatureKind = SignatureKind.ED25519

    def __post_init__(self) -> None:
        """A name holds neither white space nor ``+``, which the text formats need."""
        if not _is_name(self.name):
            raise NoteError(0, f"key name {self.name!r} is empty or holds a space or a plus")
        if len(self.public_key) != _PUBLIC_KEY_SIZE:
            raise NoteError(
                0, f"an Ed25519 public key has 32 bytes, not {len(self.public_key)}"
            )

    @property
    def id(self) -> bytes:
        """Four bytes that find the key: SHA-256 of name, newline, type byte and key, cut."""
        head = self.name.encode() + b"\n" + bytes([self.kind])
        return hashlib.sha256(head + self.public_key).digest()[:4]

    def text(self) -> str:
        """``name+id+key``, the form in which public logs publish a key (C2SP verifier key)."""
        material = base64.b64encode(bytes([self.kind]) + self.public_key).decode()
        return f"{self.name}+{self.id.hex()}+{material}"

    @classmethod
    def parse(cls, text: str) -> Key:
        """Read what ``text`` wrote; NoteError when it is malformed or its id does not match."""
        name, _, rest = text.partition("+")
        key_id, _, material = rest.partition("+")
        data = _decoded(material, 1)
        if not data or data[0] not in tuple(SignatureKind):
            raise NoteError(1, "the key is of a type that is not supported")
        key = cls(name, data[1:], SignatureKind(data[0]))
        if key.id.hex() != key_id:
            raise NoteError(1, f"key id {key_id!r} is not that of the key: {key.id.hex()!r}")
        return key


class SignatureLine(msgspec.Struct, frozen=True):
    """One signature as it stands: whose it says it is, the key's id, the bytes after the id."""

    name: str
    key_id: bytes
    signature: bytes

    def text(self) -> str:
        """The line, without its newline."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}"


class Note(msgspec.Struct, frozen=True):
    """A text, its final newline included, and the lines under it; unknown ones are kept."""

    text: str
    signatures: tuple[SignatureLine, ...]

    def encode(self) -> bytes:
        """The note's bytes. NoteError when the text could not be read back."""
        lines = "".join(line.text() + "\n" for line in self.signatures)
        data = f"{self.text}\n{lines}".encode()
        if parse_note(data) != self:
            raise NoteError(0, "the text or a signature would not be read back as it is")
        return data

    def signed(self, line: SignatureLine) -> Note:
        """The note with one more signature below the others, as when a witness countersigns."""
        return Note(self.text, (*self.signatures, line))


class Signed(msgspec.Struct, frozen=True):
    """Who signed; ``at_s``, seconds since 1970, for a cosignature alone."""

    key: Key
    at_s: int | None = None


class Checkpoint(msgspec.Struct, frozen=True):
    """A log's state: whose log, how many leaves, the root over them, further opaque lines."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The text (C2SP ``tlog-checkpoint``); NoteError when it could not be read back."""
        third = base64.b64encode(self.root).decode()
        text = "\n".join((self.origin, str(self.size), third, *self.extensions)) + "\n"
        if parse_checkpoint(text) != self:
            raise NoteError(0, "an origin or extension line would not be read back as it is")
        return text


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint from a note's text, which must be in its one canonical form.

    NoteError with the line at fault.
    """
    _refuse_control_characters(text)
    if not text.endswith("\n"):
        raise NoteError(text.count("\n") + 1, "the last line has no newline")
    lines = text[:-1].split("\n")
    for number, line in enumerate(lines, 1):
        if not line:
            raise NoteError(number, "an empty line")
    if len(lines) < 3:
        raise NoteError(len(lines), "a checkpoint has an origin, a size and a root")
    origin, size, third, *extensions = lines
    # str.isdigit also takes other scripts' digits; a size of 2**64 and more is no log's.
    decimal = size.isascii() and size.isdigit() and len(size) <= 20 and str(int(size)) == size
    if not decimal or int(size) >= 1 << 64:
        raise NoteError(2, f"size {size[:24]!r} is not a plain decimal number")
    root = _decoded(third, 3)
    if len(root) != HASH_SIZE:
        raise NoteError(3, f"a root has 32 bytes, not {len(root)}")
    return Checkpoint(origin, int(size), root, tuple(extensions))


def parse_note(data: bytes) -> Note:
    """Read a signed note (C2SP ``signed-note``) without judging its signatures.

    NoteError with the line at fault. ``check`` must follow before the text is believed.
    """
    if len(data) > NOTE_BYTES_MAX:
        raise NoteError(0, f"a note of {len(data)} bytes is over the limit of {NOTE_BYTES_MAX}")
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise NoteError(data.count(b"\n", 0, error.start) + 1, "not UTF-8") from None
    _refuse_control_characters(whole)
    # The text may hold empty lines of its own: the last one parts it from the signatures.
    head, blank, tail = whole.rpartition("\n\n")
    first = head.count("\n") + 3
    if not blank or not head or not tail:
        raise NoteError(whole.count("\n") + 1, "no blank line with signatures below it")
    if not tail.endswith("\n"):
        raise NoteError(whole.count("\n") + 1, "the last line has no newline")
    lines = tail[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise NoteError(first + SIGNATURES_MAX, f"more than {SIGNATURES_MAX} signatures")
    return Note(
        head + "\n", tuple(_parsed_line(line, first + n) for n, line in enumerate(lines))
    )


def sign(text: str, key: Key, signer: Sign) -> SignatureLine:
    """Sign a note's text as its author, with the private half of ``key``."""
    if key.kind is not SignatureKind.ED25519:
        raise NoteError(0, f"{key.name} is a witness's key: it countersigns with `cosign`")
    return SignatureLine(key.name, key.id, signer(text.encode()))


def cosign(text: str, key: Key, at_s: int, signer: Sign) -> SignatureLine:
    """Countersign a checkpoint as a witness at ``at_s``, whole seconds since 1970.

    Only after ``chain.check_consistency`` against the last checkpoint seen: that is what the
    line states (C2SP ``tlog-cosignature``, Ed25519 signed message).
    """
    if key.kind is not SignatureKind.COSIGNATURE:
        raise NoteError(0, f"{key.name} is not a witness's key: it signs with `sign`")
    parse_checkpoint(text)
    stamp = at_s.to_bytes(_TIME_SIZE, "big")
    return SignatureLine(key.name, key.id, stamp + signer(_cosigned(text, at_s)))


def check(note: Note, keys: Iterable[Key], verify: Verify) -> tuple[Signed, ...]:
    """Who of ``keys`` signed, each once, in the order of the lines; at least one.

    NoteError when a line by a known key fails, for then the note is forged or damaged, and
    when no known key signed at all. Lines by unknown keys are passed over (C2SP
    ``signed-note``, section Signatures).
    """
    known = {(key.name, key.id): key for key in keys}
    found: dict[Key, Signed] = {}
    first = note.text.count("\n") + 2
    for number, line in enumerate(note.signatures, first):
        key = known.get((line.name, line.key_id))
        if key is None:
            continue
        signed = _checked(note.text, key, line.signature, verify)
        if signed is None:
            raise NoteError(number, f"the signature of {key.name} does not fit the text")
        found.setdefault(key, signed)
    if not found:
        raise NoteError(0, "no known key signed this note")
    return tuple(found.values())


def _checked(text: str, key: Key, signature: bytes, verify: Verify) -> Signed | None:
    """Whether one known key's signature holds; None when not."""
    if key.kind is SignatureKind.ED25519:
        whole = len(signature) == _SIGNATURE_SIZE
        return (
            Signed(key) if whole and verify(key.public_key, signature, text.encode()) else None
        )
    at_s, rest = int.from_bytes(signature[:_TIME_SIZE], "big"), signature[_TIME_SIZE:]
    # C2SP tlog-cosignature: the time must not exceed 2**63 - 1.
    if len(rest) != _SIGNATURE_SIZE or at_s >= 1 << 63:
        return None
    return Signed(key, at_s) if verify(key.public_key, rest, _cosigned(text, at_s)) else None


def _cosigned(text: str, at_s: int) -> bytes:
    """The message under a cosignature: two lines of its own keep it apart from a plain one."""
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()


def _parsed_line(line: str, number: int) -> SignatureLine:
    """One signature line, strictly."""
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not _is_name(name):
        raise NoteError(number, "not a signature line: an em dash, a name, a signature")
    data = _decoded(encoded, number)
    if len(data) < 5:
        raise NoteError(number, "a signature has a key id of 4 bytes and something after it")
    return SignatureLine(name, data[:4], data[4:])


def _decoded(text: str, number: int) -> bytes:
    """Base64 of RFC 4648 section 4, in its one canonical form."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise NoteError(number, "not base64") from None
    # Spare bits after the last byte could differ unseen; one note must have one text.
    if base64.b64encode(data).decode() != text:
        raise NoteError(number, "not base64 in its canonical form")
    return data


def _is_name(name: str) -> bool:
    """A key name is not empty and holds no Unicode space and no plus (C2SP signed-note)."""
    return bool(name) and "+" not in name and not any(one.isspace() for one in name)


def _refuse_control_characters(text: str) -> None:
    """C2SP signed-note, section Format: none below U+0020 but the newline."""
    for place, one in enumerate(text):
        if one < " " and one != "\n":
            line = text.count("\n", 0, place) + 1
            raise NoteError(line, f"control character U+{ord(one):04X}")
