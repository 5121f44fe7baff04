"""The map to SMGP statuses, beside that of ``results``.

128 to 255 are the gateways' own (3.0.3, statuses): a reason is its CMPP number and 28 more. 1,
busy, is all that asks to send again; 75 is a quota of the day.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from qingjing.doors.gateway.dialect import Trouble
from qingjing.doors.gateway.results import RESULTS, result
from qingjing.wire.smgp import Status

TROUBLES: Final[Mapping[int, Status]] = MappingProxyType(
    {
        Trouble.SLOW_DOWN: Status.BUSY,
        Trouble.UNREADABLE: Status.STRUCTURE,
        Trouble.AGAIN: Status.DUPLICATE_SEQUENCE,
    }
)
"""What an offer is answered that could not be decided."""
_MORE: Final = 28

STATUSES: Final[Mapping[str, int]] = MappingProxyType(
    {reason: number + _MORE for reason, number in RESULTS.items()}
)
"""What a submit that did not pass is answered: the number of its first reason."""


def status(outcome: int) -> int:
    """The SMGP Status of an outcome: 0 when taken, the number of the first of its reason bits,
    or the protocol's own for a ``Trouble``."""
    return result(outcome, TROUBLES, _MORE)
