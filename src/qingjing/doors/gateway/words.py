"""The words of offers, reports and replies, as the dialects read and write them alike."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from qingjing.wire import content
from qingjing.wire.content import CODINGS, Concat, Part
from qingjing.wire.errors import RemoteProtocolError

_ON_ITS_WAY: Final = frozenset({"", "ACCEPTD", "ENROUTE", "SCHEDUL"})
"""States that are not the last, which a gateway keeps to itself."""
_LAST: Final = frozenset({"DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "UNKNOWN", "REJECTD"})
"""The words of the texts for the last one."""


_WRITTEN_OUT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "DELIVERED": "DELIVRD",
        "UNDELIVERABLE": "UNDELIV",
        "UNDELIVERED": "UNDELIV",
        "REJECTED": "REJECTD",
        "ACCEPTED": "ACCEPTD",
    }
)
"""The same words at carriers that do not know that they have seven letters."""


def final(stat: str) -> str:
    """A carrier's state if it is the last one, its own words among them; else empty."""
    word = _WRITTEN_OUT.get(stat, stat)
    return "" if word in _ON_ITS_WAY else word


def told(stat: str) -> tuple[str, str]:
    """A state in a word of the text, and the carrier's own where it was none of these: then
    the message was not delivered."""
    return (stat, "") if stat in _LAST else ("UNDELIV", stat)


def headed(data: bytes, *, udhi: bool) -> tuple[Concat | None, bytes]:
    """Which part of a long message a content is, None for a whole one; and the content without
    its header.

    :raises RemoteProtocolError: when the header makes no sense.
    """
    if not udhi:
        return None, data
    header = content.read_udh(data)
    concat = header.concat
    return None if concat is None or concat.total == 1 else concat, data[header.size :]


def short(text: str) -> tuple[int, bytes]:
    """Coding and content of a reply that goes on to a customer, cut to one short message."""
    coding = content.ASCII if text.isascii() else content.UCS2
    return coding, content.encode_text(text, coding)[: content.PART_MAX]


def words(part: Part, codings: Mapping[int, str] = CODINGS) -> str:
    """What a person wrote, without its header; what cannot be decoded is kept as it can be,
    and reads unclear."""
    udhi, coding, data = part
    try:
        if udhi:
            data = data[content.read_udh(data).size :]
        text = content.decode_text(data, coding, codings)
    except RemoteProtocolError:
        return data.decode("gb18030", "replace")
    return text if isinstance(text, str) else f"<{len(text)} octets of coding {coding}>"
