"""Between CMPP's words and the desk's: submits in, parts out, reports both ways."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

from qingjing.desk.parts import Part
from qingjing.desk.paths import Submit
from qingjing.kernel.numbers import carrier_of
from qingjing.kernel.words import Carrier, Kind, Phone
from qingjing.wire import cmpp, cmpp_tables, content
from qingjing.wire.errors import RemoteProtocolError

_UNDECLARED: Final = Kind.UNCLEAR
_NO_CARRIER: Final = Carrier.ANY
# Members of an enumeration are slow to reach through their class, and this is the hot path.
BEIJING: Final = timezone(timedelta(hours=8))


class Caller:
    """What a logged-in customer brings to each of its submits."""

    def __init__(
        self, account: str, party: str, kinds: dict[str, Kind], port: str = ""
    ) -> None:
        self.account = account
        self.party = party
        self.port = port
        self.kinds = kinds


class References:
    """Msg_Ids for customers: Beijing time, gateway code, a counter that goes round in 16 bits.

    More than 65,536 in one second borrow from the seconds to come, so that ids stay unique.
    """

    def __init__(self, gateway: int, at: int) -> None:
        self._gateway = gateway
        self._second = at // 1000
        self._sequence = 0

    def take(self, count: int, at: int) -> tuple[int, ...]:
        """``count`` ids in a row, only the counter differing (CMPP 3.0, appendix on groups)."""
        second = at // 1000
        if second > self._second:
            self._second, self._sequence = second, 0
        if self._sequence + count > 0xFFFF:
            self._second, self._sequence = self._second + 1, 0
        first = _composed(self._second, self._gateway) | self._sequence
        self._sequence += count
        return tuple(range(first, first + count))


@lru_cache(maxsize=4)
def _composed(second: int, gateway: int) -> int:
    when = datetime.fromtimestamp(second, UTC).astimezone(BEIJING)
    return cmpp.compose_msg_id(
        cmpp.MsgId(when.month, when.day, when.hour, when.minute, when.second, gateway, 0)
    )


def phone_of(text: str) -> Phone | None:
    """The number, or None: what is no Chinese mobile number is decided as such, not lost."""
    try:
        return Phone.parse(text)
    except ValueError:
        return None


def body_of(data: bytes, coding: int) -> str:
    """The text of a content. What is not text (binary, SIM data) is shown as such, and the
    reading of it stays unclear; RemoteProtocolError when the bytes are not in their coding."""
    text = content.decode_text(data, coding)
    return text if isinstance(text, str) else f"<{len(data)} octets of coding {coding}>"


def submits(
    pdu: cmpp_tables.Submit, caller: Caller, frame: bytes, references: tuple[int, ...]
) -> list[Submit]:
    """One submit for each destination of a whole message."""
    body = body_of(pdu.Msg_Content, pdu.Msg_Fmt)
    return [
        whole(
            caller,
            port_of(pdu, caller),
            to,
            declared_of(pdu, caller),
            body,
            frame,
            (reference,),
            pdu,
        )
        for to, reference in zip(pdu.Dest_terminal_Id, references, strict=True)
    ]


def port_of(pdu: cmpp_tables.Submit, caller: Caller) -> str:
    """The port: Src_Id, or the account's own where the client leaves it empty (some do)."""
    return pdu.Src_Id or caller.port


def declared_of(pdu: cmpp_tables.Submit, caller: Caller) -> Kind:
    """The declared kind: what the account's Service_Id stands for, UNCLEAR when nothing."""
    return caller.kinds.get(pdu.Service_Id, _UNDECLARED)


def whole(
    caller: Caller,
    port: str,
    to: str,
    declared: Kind,
    body: str,
    original: bytes,
    references: tuple[int, ...],
    pdu: cmpp_tables.Submit,
) -> Submit:
    """A whole message to one number."""
    phone = phone_of(to)
    return Submit(
        account=caller.account,
        submitter=caller.party,
        port=port,
        phone=phone,
        carrier=_NO_CARRIER if phone is None else carrier_of(phone),
        declared=declared,
        body=body,
        original=original,
        references=references,
        wants_report=pdu.Registered_Delivery == 1,
    )


def concat_of(pdu: cmpp_tables.Submit) -> content.Concat | None:
    """Which part of which long message this is; None for a whole message."""
    if pdu.TP_udhi != 1:
        return None
    found = content.read_udh(pdu.Msg_Content).concat
    return found if found is not None and found.total > 1 else None


def parts_of(
    pdu: cmpp_tables.Submit,
    caller: Caller,
    frame: bytes,
    concat: content.Concat,
    references: tuple[int, ...],
    at: int,
) -> list[Part]:
    """One part for each destination of a long message's part."""
    size = content.read_udh(pdu.Msg_Content).size
    return [
        Part(
            key=(caller.account, port_of(pdu, caller), to, concat.reference, concat.total),
            number=concat.number,
            content=pdu.Msg_Content[size:],
            coding=pdu.Msg_Fmt,
            declared=int(declared_of(pdu, caller)),
            original=frame,
            reference=reference,
            wants_report=pdu.Registered_Delivery == 1,
            at=at,
        )
        for to, reference in zip(pdu.Dest_terminal_Id, references, strict=True)
    ]


def joined(parts: list[Part], caller: Caller) -> Submit:
    """The whole message of all its parts, decided as one."""
    first = parts[0]
    account, port, to, _reference, _total = first.key
    phone = phone_of(to)
    data = b"".join(part.content for part in parts)
    try:
        body = body_of(data, first.coding)
    except RemoteProtocolError:
        # Its parts were answered before: decided as what it is, a text that nobody can read.
        body = f"<{len(data)} octets not in coding {first.coding}>"
    return Submit(
        account=account,
        submitter=caller.party,
        port=port,
        phone=phone,
        carrier=_NO_CARRIER if phone is None else carrier_of(phone),
        declared=Kind(first.declared),
        body=body,
        original=b"".join(part.original for part in parts),
        references=tuple(part.reference for part in parts),
        wants_report=any(part.wants_report for part in parts),
    )


@lru_cache(maxsize=20_000)
def split_body(body: str) -> tuple[content.Part, ...]:
    """The carrier parts of a body: ASCII where it is plain, else UCS2. Kept per text: a
    campaign has few. The reference is set when a message leaves (``with_reference``)."""
    coding = content.ASCII if all(" " <= c <= "~" for c in body) else content.UCS2
    return tuple(content.split(body, coding, 0))


def part_count(body: str) -> int:
    """Into how many parts a body is split."""
    return len(split_body(body))


def with_reference(part: content.Part, reference: int) -> bytes:
    """A part's content with the message's own concatenation reference (8 bits)."""
    if not part.tp_udhi:
        return part.content
    return part.content[:3] + bytes((reference & 0xFF,)) + part.content[4:]


def report_time(at: int) -> str:
    """YYMMDDHHMM in Beijing."""
    return _minute(at // 60_000)


@lru_cache(maxsize=4_096)
def _minute(minute: int) -> str:
    when = datetime.fromtimestamp(minute * 60, UTC).astimezone(BEIJING)
    return when.strftime("%y%m%d%H%M")


def connect_time(at: int) -> int:
    """The Timestamp of a CONNECT: MMDDHHMMSS in Beijing, as one integer."""
    when = datetime.fromtimestamp(at / 1000, UTC).astimezone(BEIJING)
    return cmpp.timestamp(when.month, when.day, when.hour, when.minute, when.second)


def words_of(deliver: cmpp_tables.Deliver) -> str:
    """The words of a reply; what cannot be decoded is kept as it can be, and reads unclear."""
    try:
        return body_of(deliver.Msg_Content, deliver.Msg_Fmt)
    except RemoteProtocolError:
        return deliver.Msg_Content.decode("gb18030", "replace")
