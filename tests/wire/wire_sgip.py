"""What the tests of SGIP sessions share: two bound ends, and frames made by hand."""

from __future__ import annotations

from wire_peers import sgip_peer

from qingjing.wire import sgip
from qingjing.wire.events import Limits
from qingjing.wire.protocol import PDU
from qingjing.wire.session import Session
from qingjing.wire.sgip_tables import LAYOUTS, V12, Command, Submit

LAYOUT = LAYOUTS[V12]
ONE = Submit(UserNumber=("8613800138000",), MessageContent=b"hello")
NUMBER = sgip.compose_msg_id(sgip.MsgId(3025000001, 1124063509, 77))
UP, DOWN, TRACES = 1, 2, 11


def pair(login_type: int = UP, *, limits: Limits = sgip.LIMITS) -> tuple[Session, Session]:
    """Who dialled, and who listened."""
    return sgip_peer(login_type, ONE).pair(limits)


def frame(command: Command, pdu: PDU) -> bytes:
    """The frame of a PDU, with the number it holds."""
    return LAYOUT[command].encode(pdu)


def told(answers: bytes) -> PDU:
    """The one answer that was queued."""
    pdu: PDU = LAYOUT[int.from_bytes(answers[4:8], "big")].decode(answers)
    return pdu
