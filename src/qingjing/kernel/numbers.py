"""Which network a mobile number belongs to by its prefix (号段), as allotted by MIIT.

Ported numbers (携号转网) keep their prefix: a look-up that knows them goes before this table.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from qingjing.kernel.words import Carrier, Phone

_PREFIXES: Final[dict[Carrier, str]] = {
    Carrier.MOBILE: (
        "134 135 136 137 138 139 147 148 150 151 152 157 158 159 165 172 178 182 183 184 187 "
        "188 195 197 198 1703 1705 1706"
    ),
    Carrier.UNICOM: (
        "130 131 132 145 146 155 156 166 167 171 175 176 185 186 196 1704 1707 1708 1709"
    ),
    Carrier.TELECOM: (
        "133 149 153 162 173 174 177 180 181 189 190 191 193 199 1349 1700 1701 1702"
    ),
    Carrier.BROADNET: "192",
}

_TABLE: Final[dict[int, Carrier]] = {
    int(prefix): carrier for carrier, row in _PREFIXES.items() for prefix in row.split()
}


def carrier_of(phone: Phone) -> Carrier:
    """The network of a number; ANY when the prefix is not allotted (no route then fits)."""
    four = _TABLE.get(phone // 10_000_000)
    return four or _TABLE.get(phone // 100_000_000, Carrier.ANY)


class Ported:
    """The networks of numbers, of which some have moved (携号转网): called like ``carrier_of``.

    :param phones: the numbers that moved, ascending.
    :param carriers: the ``Carrier`` that each is with now.
    """

    def __init__(self, phones: Sequence[int], carriers: Sequence[int]) -> None:
        if len(phones) != len(carriers):
            raise ValueError("each number that moved needs one carrier")
        self._phones, self._carriers = phones, carriers

    def __len__(self) -> int:
        """How many have moved."""
        return len(self._phones)

    def __call__(self, phone: Phone) -> Carrier:
        """The network of a number."""
        at = bisect_left(self._phones, phone)
        if at < len(self._phones) and self._phones[at] == phone:
            return Carrier(self._carriers[at])
        return carrier_of(phone)
