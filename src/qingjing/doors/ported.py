"""The list of numbers that moved to another network (携号转网), as carriers hand it out."""

from __future__ import annotations

from array import array
from pathlib import Path
from types import MappingProxyType
from typing import Final

from qingjing.desk.entries import Problem
from qingjing.doors import feeds
from qingjing.kernel.numbers import Ported
from qingjing.kernel.words import Carrier, Phone, mask

CARRIER_NAMES: Final = ("carrier", "network", "operator", "运营商", "网络")
_CARRIERS: Final = MappingProxyType(
    {
        "mobile": Carrier.MOBILE,
        "移动": Carrier.MOBILE,
        "unicom": Carrier.UNICOM,
        "联通": Carrier.UNICOM,
        "telecom": Carrier.TELECOM,
        "电信": Carrier.TELECOM,
        "broadnet": Carrier.BROADNET,
        "广电": Carrier.BROADNET,
    }
)


def read(path: Path) -> Ported:
    """Read the list, CSV or Parquet: columns ``phone`` and ``carrier``. The last row of a
    number counts. Nine octets a number are kept.

    :raises FeedError: naming the first row that is wrong; half a list would route wrongly.
    """
    feed = feeds.pairs(path, ("phone", "", feeds.PHONE_NAMES), ("carrier", "", CARRIER_NAMES))
    moved: dict[int, int] = {}
    for row in feed.rows:
        if isinstance(row, Problem):
            raise feeds.FeedError(f"{path}: {row}")
        number, phone, carrier = row
        try:
            moved[Phone.parse(phone)] = _CARRIERS[carrier.strip().lower()]
        except (KeyError, ValueError):
            raise feeds.FeedError(
                f"{path}: row {number}: {mask(phone)}, {carrier!r}: a mobile number and one of "
                f"{', '.join(_CARRIERS)} are needed; mend the row and start again"
            ) from None
    phones = array("Q", sorted(moved))
    return Ported(phones, array("B", (moved[phone] for phone in phones)))
