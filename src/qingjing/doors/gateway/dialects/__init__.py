"""The dialects, by the name that the settings use."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from qingjing.doors.gateway.dialect import Dialect
from qingjing.doors.gateway.dialects.cmpp import Cmpp
from qingjing.doors.gateway.dialects.sgip import Sgip
from qingjing.doors.gateway.dialects.smgp import Smgp
from qingjing.doors.gateway.dialects.smpp import Smpp
from qingjing.settings import Account, Route

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {"cmpp": Cmpp(), "sgip": Sgip(), "smgp": Smgp(), "smpp": Smpp()}
)
"""What is spoken with everybody alike, and before it is known with whom."""


def spoken_with(peer: Account | Route) -> Dialect:
    """What is spoken with one customer or carrier, with its habits."""
    return Smpp(peer.smpp) if peer.protocol == "smpp" else DIALECTS[peer.protocol]
