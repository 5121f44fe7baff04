"""Between what the dialects read and what the desk decides: offers in, pieces out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, repeat
from typing import Final

from qingjing.desk.parts import Part
from qingjing.desk.paths import Submit
from qingjing.doors.gateway.dialect import Caller, Cut, Offer, Piece
from qingjing.doors.gateway.moments import stamp
from qingjing.kernel.words import Carrier, Kind, Phone
from qingjing.wire import cmpp, content, gsm
from qingjing.wire.errors import Hint, LocalProtocolError, RemoteProtocolError

_UNDECLARED: Final = Kind.UNCLEAR
_NO_CARRIER: Final = Carrier.ANY
# Members of an enumeration are slow to reach through their class, and this is the hot path.


class References:
    """Ids for customers, in CMPP's form: Beijing time, gateway code, a counter that goes round
    in 16 bits.

    More than 65,536 in one second borrow from the seconds to come, so that ids stay unique.
    """

    def __init__(self, gateway: int, at: int) -> None:
        self._gateway = gateway
        self._second = at // 1000
        self._sequence = 0
        self._base = _composed(self._second, gateway)

    def take(self, count: int, at: int) -> tuple[int, ...]:
        """``count`` ids in a row, only the counter differing (CMPP 3.0, appendix on groups)."""
        second = at // 1000
        if second > self._second:
            self._begin(second)
        if self._sequence + count > 0xFFFF:
            self._begin(self._second + 1)
        first = self._base | self._sequence
        self._sequence += count
        return (first,) if count == 1 else tuple(range(first, first + count))

    def _begin(self, second: int) -> None:
        self._second, self._sequence = second, 0
        self._base = _composed(second, self._gateway)


def _composed(second: int, gateway: int) -> int:
    return cmpp.compose_msg_id(cmpp.MsgId(*stamp(second * 1000), gateway, 0))


def named(references: Sequence[int], origins: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    """The ids that we gave, each with the customer's own, which is empty where it has none."""
    return zip(references, chain(origins, repeat(b"")), strict=False)


def phone_of(text: str) -> Phone | None:
    """The number, or None: what is no Chinese mobile number is decided as such, not lost."""
    try:
        return Phone.parse(text)
    except ValueError:
        return None


def shown(to: str) -> str:
    """A destination as a report names it: by its eleven digits, or as the customer wrote it,
    as far as the narrowest field of any protocol goes (21 octets)."""
    phone = phone_of(to)
    return to[:21] if phone is None else phone.digits


@lru_cache(maxsize=20_000)
def body_of(data: bytes, codec: str) -> str:
    """The text of a content, kept as long as ``texts`` keeps its reading. What is not text
    (binary, SIM data) is shown as such, and the reading of it stays unclear;
    RemoteProtocolError when the bytes are not in their coding."""
    if not codec:
        return f"<{len(data)} octets that are no text>"
    if codec == content.GSM:
        return gsm.decode(data)
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        raise RemoteProtocolError(f"content is not {codec}", hint=Hint.STRUCTURE) from None


def submits(
    offer: Offer,
    caller: Caller,
    references: tuple[int, ...],
    carrier_of: Callable[[Phone], Carrier],
) -> list[Submit]:
    """One submit for each number of a whole message."""
    body = body_of(offer.content, offer.codec)
    port, declared = _port(offer, caller), _declared(offer, caller)
    made: list[Submit] = []
    for to, reference in zip(offer.to, references, strict=True):
        phone = phone_of(to)
        made.append(
            Submit(
                account=caller.account,
                submitter=caller.party,
                port=port,
                phone=phone,
                to=to,
                carrier=_NO_CARRIER if phone is None else carrier_of(phone),
                declared=declared,
                body=body,
                original=offer.original,
                references=(reference,),
                wants_report=offer.wants_report,
                failures_only=offer.failures_only,
            )
        )
    return made


def _port(offer: Offer, caller: Caller) -> str:
    """The port, or the account's own where the client leaves it empty (some do)."""
    return offer.port or caller.port


def _declared(offer: Offer, caller: Caller) -> Kind:
    """The declared kind: what the account's service stands for, UNCLEAR when nothing."""
    return caller.kinds.get(offer.service, _UNDECLARED)


def parts_of(
    offer: Offer,
    caller: Caller,
    concat: content.Concat,
    references: tuple[int, ...],
    at: int,
) -> list[Part]:
    """One part for each number of a long message's part."""
    return [
        Part(
            key=(caller.account, _port(offer, caller), to, concat.reference, concat.total),
            number=concat.number,
            content=offer.content,
            codec=offer.codec,
            declared=int(_declared(offer, caller)),
            original=offer.original,
            reference=reference,
            wants_report=offer.wants_report,
            at=at,
            failures_only=offer.failures_only,
        )
        for to, reference in zip(offer.to, references, strict=True)
    ]


def joined(parts: list[Part], caller: Caller, carrier_of: Callable[[Phone], Carrier]) -> Submit:
    """The whole message of all its parts, decided as one."""
    first = parts[0]
    account, port, to, _reference, _total = first.key
    data = b"".join(part.content for part in parts)
    try:
        body = body_of(data, first.codec)
    except RemoteProtocolError:
        # Its parts were answered before: decided as what it is, a text that nobody can read.
        body = f"<{len(data)} octets not in {first.codec}>"
    offer = Offer((to,), port, "", b"", "", None, True, b"".join(x.original for x in parts))
    (submit,) = submits(offer, caller, (first.reference,), carrier_of)
    submit.account, submit.body, submit.declared = account, body, Kind(first.declared)
    submit.references = tuple(part.reference for part in parts)
    submit.wants_report = any(part.wants_report for part in parts)
    submit.failures_only = all(part.failures_only for part in parts if part.wants_report)
    return submit


_CUT: Final = Cut()


@lru_cache(maxsize=20_000)
def split_body(body: str, cut: Cut = _CUT) -> tuple[content.Part, ...]:
    """The carrier parts of a body: in the plain coding where it holds it, else in UCS2. Kept
    per text: a campaign has few. The reference is set when a message leaves (``piece``)."""
    plain = cut.codec == content.GSM or all(" " <= c <= "~" for c in body)
    coding = content.ASCII if plain else content.UCS2
    codings = {content.ASCII: cut.codec, content.UCS2: content.CODINGS[content.UCS2]}
    if not cut.whole:
        return tuple(content.split(body, coding, 0, ascii_max=cut.most, codings=codings))
    try:
        return (content.Part(0, coding, content.encode_text(body, coding, codings)),)
    except LocalProtocolError:
        data = content.encode_text(body, content.UCS2)
        return (content.Part(0, content.UCS2, data),)


def part_count(body: str, cut: Cut = _CUT) -> int:
    """Into how many parts a body is split."""
    return len(split_body(body, cut))


def piece(
    phone: Phone,
    port: str,
    body: str,
    number: int,
    reference: int,
    cut: Cut = _CUT,
    extra: bytes = b"",
) -> Piece:
    """One part of a body, with the message's own concatenation reference (8 bits)."""
    parts = split_body(body, cut)
    udhi, coding, data = parts[number - 1]
    if udhi:
        data = data[:3] + bytes((reference & 0xFF,)) + data[4:]
    return Piece(phone.digits, port, len(parts), number, udhi, coding, data, extra)
