"""What the logins of CMPP and SMGP have in common: a time as a number, and an MD5 of a secret.

Digests are compared in constant time. The texts have no nonce: whoever saw one login can
replay it, so accounts should also be bound to addresses.
"""

from __future__ import annotations

import hmac
from hashlib import md5

__all__ = ["accepts", "digest", "timestamp"]


def timestamp(month: int, day: int, hour: int, minute: int, second: int) -> int:
    """The time of a login: MMDDHHMMSS as one decimal integer."""
    return (((month * 100 + day) * 100 + hour) * 100 + minute) * 100 + second


def digest(account: str, nuls: int, secret: bytes, when: int, width: int = 0) -> bytes:
    """MD5 of account, some NUL, secret and timestamp.

    :param when: the timestamp; it is hashed as ten digits, zeros on the left.
    :param width: hash a shorter account as so many octets, padded with NUL.
    """
    name = account.encode("ascii", "replace").ljust(width, b"\0")
    return md5(name + bytes(nuls) + secret + b"%010d" % when, usedforsecurity=False).digest()


def accepts(
    given: bytes, account: str, nuls: int, secret: bytes, when: int, width: int
) -> bool:
    """Whether a digest was made with the secret; either reading of a short account counts."""
    plain, padded = (
        hmac.compare_digest(digest(account, nuls, secret, when, x), given) for x in (0, width)
    )
    return plain or padded
