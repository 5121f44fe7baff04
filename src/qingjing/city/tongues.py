"""How the city speaks each protocol: the gateway's own dialects from the other side, and the
little that only a customer or a carrier needs.

What is seen is told in CMPP's numbers, so that one table says why in any protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from qingjing.doors.gateway import results_sgip, results_smgp, results_smpp
from qingjing.doors.gateway.dialect import Dialect, Piece
from qingjing.doors.gateway.dialects.cmpp import Cmpp
from qingjing.doors.gateway.dialects.sgip import Sgip
from qingjing.doors.gateway.dialects.smgp import Smgp
from qingjing.doors.gateway.dialects.smpp import Smpp
from qingjing.doors.gateway.results import RESULTS, TROUBLES
from qingjing.wire import (
    cmpp_tables,
    content,
    sgip,
    sgip_tables,
    smgp_message,
    smgp_tables,
    smpp_message,
)
from qingjing.wire import smpp_pdus as pdus
from qingjing.wire.content import Part
from qingjing.wire.protocol import PDU


class Tongue(NamedTuple):
    """One protocol.

    ``submit`` is a customer's submit of a piece with its service, ``part`` what a carrier reads
    in one, ``reference`` the gateway's id behind an answer's or a report's, ``result`` a status
    in CMPP's numbers.
    """

    dialect: Dialect
    submit: Callable[[str, Piece, str], PDU]
    part: Callable[[Any], Part]
    reference: Callable[[bytes], int]
    result: Callable[[int], int]


def pieces(port: str, phone: str, body: str, coding: int, reference: int) -> list[Piece]:
    """A text as the parts that a customer submits; ``coding`` as far as it holds it."""
    parts = content.split(body, coding, reference)
    return [
        Piece(phone, port, len(parts), number, *part) for number, part in enumerate(parts, 1)
    ]


def _cmpp(account: str, piece: Piece, service: str) -> PDU:
    return cmpp_tables.Submit(
        Pk_total=piece.total,
        Pk_number=piece.number,
        Service_Id=service,
        TP_udhi=piece.udhi,
        Msg_Fmt=piece.coding,
        Msg_src=account,
        Src_Id=piece.port,
        Dest_terminal_Id=(piece.phone,),
        Msg_Content=piece.content,
    )


def _sgip(_account: str, piece: Piece, service: str) -> PDU:
    return sgip_tables.Submit(
        SPNumber=piece.port,
        UserNumber=(sgip.prefixed(piece.phone),),
        ServiceType=service,
        TP_udhi=piece.udhi,
        MessageCoding=piece.coding,
        MessageContent=piece.content,
    )


def _smgp(_account: str, piece: Piece, service: str) -> PDU:
    submit = smgp_tables.Submit(
        ServiceID=service, SrcTermID=piece.port, DestTermID=(piece.phone,)
    )
    return smgp_message.with_part(submit, Part(piece.udhi, piece.coding, piece.content))


def _smpp(_account: str, piece: Piece, service: str) -> PDU:
    submit = pdus.SubmitSm(
        service_type=service,
        source_addr=piece.port,
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=piece.phone,
        registered_delivery=1,
    )
    part = Part(piece.udhi, piece.coding, piece.content)
    return smpp_message.with_part(submit, _plain(part, "ascii", content.GSM))


def _plain(part: Part, had: str, wanted: str) -> Part:
    """A part whose coding 0 is one alphabet, in the other."""
    if part.msg_fmt != content.ASCII:
        return part
    size = content.read_udh(part.content).size if part.tp_udhi else 0
    text = content.decode_text(part.content[size:], 0, {0: had})
    assert isinstance(text, str)
    return part._replace(
        content=part.content[:size] + content.encode_text(text, 0, {0: wanted})
    )


def _smpp_part(submit: Any) -> Part:
    """A part in CMPP's codings."""
    return _plain(smpp_message.read_part(submit), content.GSM, "ascii")


def _numbers(statuses: Mapping[str, int], troubles: Mapping[int, Any]) -> Callable[[int], int]:
    """From a protocol's statuses to CMPP's results; others stay as they are."""
    known = {int(status): RESULTS[reason] for reason, status in statuses.items()}
    known |= {int(status): TROUBLES[trouble] for trouble, status in troubles.items()}
    return lambda status: known.get(status, status)


TONGUES: Final[Mapping[str, Tongue]] = MappingProxyType(
    {
        "cmpp": Tongue(
            Cmpp(),
            _cmpp,
            lambda pdu: Part(pdu.TP_udhi, pdu.Msg_Fmt, pdu.Msg_Content),
            lambda upstream: int.from_bytes(upstream, "big"),
            lambda result: result,
        ),
        "sgip": Tongue(
            Sgip(),
            _sgip,
            lambda pdu: Part(pdu.TP_udhi, pdu.MessageCoding, pdu.MessageContent),
            lambda upstream: int.from_bytes(upstream, "big"),
            _numbers(RESULTS, results_sgip.TROUBLES),
        ),
        "smgp": Tongue(
            Smgp(),
            _smgp,
            smgp_message.read_part,
            lambda upstream: int(upstream.hex()),
            _numbers(results_smgp.STATUSES, results_smgp.TROUBLES),
        ),
        "smpp": Tongue(
            Smpp(),
            _smpp,
            _smpp_part,
            lambda upstream: int(upstream or b"0", 16),
            _numbers(results_smpp.STATUSES, results_smpp.TROUBLES),
        ),
    }
)
"""By the name that the settings use."""
