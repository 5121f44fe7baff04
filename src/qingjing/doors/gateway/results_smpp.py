"""The map to SMPP statuses, beside that of ``results``.

0x400 to 0x4FF are the vendors' own (3.4, 5.1.3): a reason is 0x400 and its CMPP number less
100. 0x58 and 0x14 ask to send again and never refuse.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from qingjing.doors.gateway.dialect import Trouble
from qingjing.doors.gateway.results import RESULTS, result
from qingjing.wire.smpp import Status

TROUBLES: Final[Mapping[int, Status]] = MappingProxyType(
    {
        Trouble.SLOW_DOWN: Status.RTHROTTLED,
        Trouble.UNREADABLE: Status.RSUBMITFAIL,
        Trouble.AGAIN: Status.RSUBMITFAIL,
    }
)
"""What an offer is answered that could not be decided."""
_MORE: Final = 0x400 - 100

STATUSES: Final[Mapping[str, int]] = MappingProxyType(
    {reason: number + _MORE for reason, number in RESULTS.items()}
)
"""What a submit that did not pass is answered: the number of its first reason."""

SLOW_DOWN: Final = frozenset({Status.RTHROTTLED, Status.RMSGQFUL})
"""What of a carrier's answers says that it has not taken a message and would later. A system
error does not: nobody knows what it did before."""


def status(outcome: int) -> int:
    """The SMPP command_status of an outcome: 0 when taken, the number of the first of its
    reason bits, or the protocol's own for a ``Trouble``."""
    return result(outcome, TROUBLES, _MORE)
