"""The sealed part of a decided batch: numbers, texts and the submitted bytes themselves.

Kept beside the rows, encrypted; the rows carry only commitments to it, so that what is sealed
can be erased and the chain stays whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec
import pyarrow as pa

from qingjing.kernel.rows import row_salt

CONTEXT = b"messages.decided/1"
"""Associated data of the encryption: a sealed batch cannot be passed off as another kind."""


class Sealed(msgspec.Struct, frozen=True, array_like=True):
    """What a batch keeps under seal; one entry a message, and one a distinct text.

    ``references`` has the customer's ids of all parts, where a message had several.
    """

    salt: bytes
    phones: list[int]
    originals: list[bytes]
    bodies: list[str]
    body_salts: list[bytes]
    references: dict[int, list[int]]

    def original_salt(self, index: int) -> bytes:
        """The salt under which the row commits to the submitted bytes."""
        return row_salt(self.salt, index)

    def erased(self, index: int) -> bool:
        """Is what this message had gone? A message that never had a number keeps its bytes."""
        return not self.phones[index] and not self.originals[index]


def without(sealed: Sealed, texts: Sequence[int], own: Sequence[int], digits: str) -> Sealed:
    """The same without the messages at the places ``own``, whose person has this number.

    ``texts`` tells which text each message has. A text goes when no other message that is
    there has it; other messages' bytes go, too, when the number stands in them.
    """
    gone = {at for at in range(len(texts)) if sealed.erased(at)} | set(own)
    others = {text for at, text in enumerate(texts) if at not in gone}
    named = digits.encode()
    bare = [at in gone or named in original for at, original in enumerate(sealed.originals)]
    unused = set(range(len(sealed.bodies))) - others
    return msgspec.structs.replace(
        sealed,
        phones=[0 if at in gone else phone for at, phone in enumerate(sealed.phones)],
        originals=[
            b"" if bare[at] else original for at, original in enumerate(sealed.originals)
        ],
        bodies=["" if at in unused else body for at, body in enumerate(sealed.bodies)],
        body_salts=[b"" if at in unused else x for at, x in enumerate(sealed.body_salts)],
    )


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    size: int
    data: bytes


def commitments(sealed: Sealed) -> bytes:
    """The rows' commitments to the submitted bytes, sixteen bytes each.

    The same as ``rows.commit(sealed.original_salt(i), original)[:16]``, in one tight loop.
    """
    sha, salt = hashlib.sha256, sealed.salt
    return b"".join(
        sha(sha(salt + i.to_bytes(4, "big")).digest()[:16] + original).digest()[:16]
        for i, original in enumerate(sealed.originals)
    )


_ENCODER = msgspec.msgpack.Encoder()
_SEALED = msgspec.msgpack.Decoder(Sealed)
_PACKED = msgspec.msgpack.Decoder(_Packed)


def pack(sealed: Sealed) -> bytes:
    """Bytes to be sealed, compressed (zstd: frames of one campaign are much alike)."""
    plain = _ENCODER.encode(sealed)
    data = pa.compress(plain, codec="zstd", asbytes=True)
    return _ENCODER.encode(_Packed(len(plain), data))


def unpack(data: bytes) -> Sealed:
    """The sealed part of a batch after decryption."""
    packed = _PACKED.decode(data)
    plain = pa.decompress(packed.data, packed.size, codec="zstd", asbytes=True)
    return _SEALED.decode(plain)
