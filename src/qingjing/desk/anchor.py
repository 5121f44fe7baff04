"""Anchor: what a witness makes of a log's checkpoint, and what it refuses to countersign.

A witness is run by someone else. It keeps the last head that it saw and takes a newer one only
with the path (RFC 9162 section 2.1.4) that proves that facts were added and none was changed,
moved or taken away. Then it countersigns (C2SP ``tlog-cosignature``). It sees no fact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

from qingjing.kernel import note
from qingjing.kernel.chain import check_consistency
from qingjing.kernel.note import Checkpoint, Key, NoteError, SignatureKind


class Wrong(Enum):
    """Why a checkpoint is not countersigned.

    FORKED convicts the log before anyone: its own signature is under two heads of one size.
    SHRUNK and REWRITTEN are what a witness sees when it asks the log itself; handed in by
    somebody else, an old head or a wrong path may be that somebody's doing.
    """

    UNSIGNED = "unsigned"
    FOREIGN = "foreign"
    SHRUNK = "shrunk"
    FORKED = "forked"
    REWRITTEN = "rewritten"


_WORDS: Final = {
    Wrong.UNSIGNED: (
        "检查点没有日志密钥的有效签名:{detail}",
        "the log's key did not sign this checkpoint: {detail}",
    ),
    Wrong.FOREIGN: (
        "检查点属于另一日志:{detail}",
        "the checkpoint is another log's: {detail}",
    ),
    Wrong.SHRUNK: (
        "日志变短:先前有{old}条事实,现在只有{new}条,有事实被删除",
        "the log shrank: it had {old} facts and now shows {new}; facts were taken away",
    ),
    Wrong.FORKED: (
        "日志分叉:同为{new}条事实,签署了两个不同的根,历史被改写,或对不同的人出示不同的日志",
        "the log forked: it signed two different roots over {new} facts; it rewrote "
        "its history, or shows different logs to different readers",
    ),
    Wrong.REWRITTEN: (
        "历史被改写:现在的{new}条事实不是先前{old}条事实的延续",
        "history was rewritten: the {new} facts of now do not continue the {old} seen before",
    ),
}


class RefusedError(Exception):
    """The checkpoint is not countersigned; ``wrong`` says why, ``zh`` and ``en`` in words."""

    def __init__(self, wrong: Wrong, *, old: int = 0, new: int = 0, detail: str = "") -> None:
        zh, en = (words.format(old=old, new=new, detail=detail) for words in _WORDS[wrong])
        super().__init__(en)
        self.wrong, self.zh, self.en = wrong, zh, en


Paths = Callable[[int, int], Sequence[bytes]]
"""``paths(first, second)``: the consistency path that the log offers, whatever it is worth."""


def signed(data: bytes, log: Key) -> tuple[note.Note, Checkpoint]:
    """A checkpoint that the log signed; RefusedError when it is none of this log's."""
    try:
        found = note.parse_note(data)
        note.check(found, (log,), ed25519_verify)
        point = note.parse_checkpoint(found.text)
    except NoteError as error:
        raise RefusedError(Wrong.UNSIGNED, detail=str(error)) from None
    return found, point


def judge(last: Checkpoint | None, new: Checkpoint, path: Sequence[bytes]) -> None:
    """Does the new head continue the last one seen? RefusedError with the reason if not."""
    if last is None:
        return
    if new.origin != last.origin:
        raise RefusedError(Wrong.FOREIGN, detail=f"{new.origin!r}, not {last.origin!r}")
    if new.size < last.size:
        raise RefusedError(Wrong.SHRUNK, old=last.size, new=new.size)
    if check_consistency(last.size, new.size, last.root, new.root, path):
        return
    wrong = Wrong.FORKED if new.size == last.size else Wrong.REWRITTEN
    raise RefusedError(wrong, old=last.size, new=new.size)


class Witness(NamedTuple):
    """A witness's key pair. Its text form is that of ``sumdb/note`` private keys."""

    key: Key
    seed: bytes

    def __repr__(self) -> str:
        return f"Witness(name={self.key.name!r}, seed hidden)"

    def cosign(self, found: note.Note, at_s: int) -> note.Note:
        """The checkpoint with the witness's line below it; ``at_s`` in seconds since 1970."""
        private = ed25519.Ed25519PrivateKey.from_private_bytes(self.seed)
        return found.signed(note.cosign(found.text, self.key, at_s, private.sign))


def witness(name: str, seed: bytes) -> Witness:
    """The witness of a name with a secret seed of 32 bytes; NoteError on a bad name."""
    private = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes_raw()
    return Witness(Key(name, public, SignatureKind.COSIGNATURE), seed)


def ed25519_verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Is it a signature of the message by that key (RFC 8032)?"""
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
