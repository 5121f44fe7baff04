"""The dialects, by the name that the settings use."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from qingjing.doors.gateway.dialect import Dialect
from qingjing.doors.gateway.dialects.cmpp import Cmpp
from qingjing.doors.gateway.dialects.sgip import Sgip

DIALECTS: Mapping[str, Dialect] = MappingProxyType({"cmpp": Cmpp(), "sgip": Sgip()})
