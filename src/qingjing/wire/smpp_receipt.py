"""Delivery receipts of SMPP, and the ids by which they find their submit.

Appendix B only suggests how the text of a receipt looks, so servers vary it. The optional
parameters say the same without doubt, where a server sends them. Worse is that many give an id
in one form when they accept a message and in another in its receipt: how is a setting of each
upstream.
"""

from __future__ import annotations

import re
from enum import Enum, IntEnum
from typing import NamedTuple

from .content import UCS2, read_udh
from .errors import Hint, RemoteProtocolError
from .smpp_message import read_part
from .smpp_pdus import DataSm, DeliverSm
from .smpp_tables import TAGS
from .tlv import Tlv, get, make

__all__ = [
    "RECEIPT",
    "IdRule",
    "MessageState",
    "Receipt",
    "answer_key",
    "is_intermediate",
    "is_receipt",
    "read_receipt",
    "receipt_keys",
    "receipt_tlvs",
    "write_receipt",
]

RECEIPT = 0x04
"""``esm_class`` of a delivery receipt (5.2.12)."""
_KIND, _INTERMEDIATE = 0x3C, 0x20
_MESSAGE_ID, _STATE, _NETWORK_ERROR = 0x001E, 0x0427, 0x0423
_TEXT_MAX = 20


class MessageState(IntEnum):
    """``message_state`` (5.2.28)."""

    ENROUTE = 1
    DELIVERED = 2
    EXPIRED = 3
    DELETED = 4
    UNDELIVERABLE = 5
    ACCEPTED = 6
    UNKNOWN = 7
    REJECTED = 8


_STATS = {
    MessageState.ENROUTE: "ENROUTE",
    MessageState.DELIVERED: "DELIVRD",
    MessageState.EXPIRED: "EXPIRED",
    MessageState.DELETED: "DELETED",
    MessageState.UNDELIVERABLE: "UNDELIV",
    MessageState.ACCEPTED: "ACCEPTD",
    MessageState.UNKNOWN: "UNKNOWN",
    MessageState.REJECTED: "REJECTD",
}
"""The word of Appendix B for each state."""
_STATES = {stat: state for state, stat in _STATS.items()}


class Receipt(NamedTuple):
    """What became of a message. What a receipt does not say is empty.

    ``message_id`` is the id in its text and ``receipted_message_id`` that in its parameters.
    ``stat`` is a word of Appendix B or the server's own; ``err`` is the network's. Dates are
    YYMMDDhhmm or YYMMDDhhmmss, ``sub`` and ``dlvrd`` three digits.
    """

    message_id: str
    stat: str
    err: str = "000"
    sub: str = "001"
    dlvrd: str = "001"
    submit_date: str = ""
    done_date: str = ""
    text: str = ""
    receipted_message_id: str = ""


_KEYS = re.compile(r"(?:^|\s)(id|sub|dlvrd|submit[ _]date|done[ _]date|stat|err|te?xt):", re.I)


def is_receipt(esm_class: int) -> bool:
    """Whether a deliver_sm or data_sm of this class reports on a message of ours: at its end,
    or on its way (5.2.12)."""
    return esm_class & _KIND in {RECEIPT, _INTERMEDIATE}


def is_intermediate(esm_class: int) -> bool:
    """Whether it reports on a message on its way alone, whatever state it names (5.2.12)."""
    return esm_class & _KIND == _INTERMEDIATE


def read_receipt(message: DeliverSm | DataSm) -> Receipt:
    """The receipt in a message that :func:`is_receipt`.

    The parameters hold where they and the text differ, save for the id, of which both are told.
    Keys may be in any case, and any may be missing.

    :raises RemoteProtocolError: not fatal, when there is no id in it.
    """
    udhi, coding, content = read_part(message)
    words = content[read_udh(content).size :] if udhi else content
    told = _told(words.decode("utf-16-be" if coding == UCS2 else "latin-1", "replace"))
    receipted = get(TAGS, message.tlvs, _MESSAGE_ID)
    state = get(TAGS, message.tlvs, _STATE)
    error = get(TAGS, message.tlvs, _NETWORK_ERROR)
    if not (receipted or told.get("id")):
        raise RemoteProtocolError("a receipt without an id", hint=Hint.STRUCTURE)
    stat = told.get("stat", "").upper()
    if isinstance(state, int) and state in _STATS:
        stat = _STATS[MessageState(state)]
    err = told.get("err", "")
    if not err and isinstance(error, bytes):
        err = f"{int.from_bytes(error[1:], 'big'):03}"
    return Receipt(
        message_id=told.get("id", ""),
        stat=stat,
        err=err,
        sub=told.get("sub", ""),
        dlvrd=told.get("dlvrd", ""),
        submit_date=told.get("submit date", ""),
        done_date=told.get("done date", ""),
        text=told.get("text", ""),
        receipted_message_id=str(receipted or ""),
    )


def _told(text: str) -> dict[str, str]:
    """The fields of a receipt's text; what follows the last key is the message's beginning."""
    told: dict[str, str] = {}
    found = list(_KEYS.finditer(text))
    for i, match in enumerate(found):
        key = match[1].lower().replace("_", " ")
        if key in {"text", "txt"}:
            told.setdefault("text", text[match.end() :])
            break
        end = found[i + 1].start() if i + 1 < len(found) else len(text)
        told.setdefault(key, text[match.end() : end].strip(" \0\r\n"))
    return told


def write_receipt(receipt: Receipt) -> bytes:
    """The text of a receipt as Appendix B suggests it, for ``short_message`` with
    ``data_coding`` 0 and :data:`RECEIPT`. Characters that are not ASCII become ``?``."""
    r = receipt
    line = (
        f"id:{r.message_id} sub:{r.sub} dlvrd:{r.dlvrd} submit date:{r.submit_date} "
        f"done date:{r.done_date} stat:{r.stat} err:{r.err} text:{r.text[:_TEXT_MAX]}"
    )
    return line.encode("ascii", "replace")


def receipt_tlvs(receipt: Receipt) -> tuple[Tlv, ...]:
    """The same in parameters, for peers of 3.4: the id, and the state if it is one of the
    text's.

    :raises LocalProtocolError: when the id does not fit.
    """
    name = receipt.receipted_message_id or receipt.message_id
    tlvs = (make(TAGS, _MESSAGE_ID, name),)
    state = _STATES.get(receipt.stat)
    return tlvs if state is None else (*tlvs, make(TAGS, _STATE, state))


class IdRule(Enum):
    """How an upstream's receipts name what its answers named: a setting of each upstream."""

    AS_IS = "as-is"
    """The same text."""
    HEX_THEN_DECIMAL = "hex-then-decimal"
    """The answer is hexadecimal, the receipt decimal: 1A2B3C is 0001715004."""
    DECIMAL_THEN_HEX = "decimal-then-hex"
    STRIP_ZEROS = "strip-zeros"
    """Zeros on the left come and go."""
    FOLD_CASE = "fold-case"
    """Letters change their case."""


# 64 is what message_id holds; a receipt's text could be longer than any number should be.
_HEX, _DECIMAL = re.compile(r"[0-9A-Fa-f]{1,64}"), re.compile(r"[0-9]{1,64}")


def answer_key(message_id: str, rule: IdRule) -> str:
    """What to remember of the id in an answer, so that its receipt finds it."""
    match rule:
        case IdRule.HEX_THEN_DECIMAL:
            return _number(message_id, 16)
        case IdRule.DECIMAL_THEN_HEX:
            return _number(message_id, 10)
        case IdRule.STRIP_ZEROS:
            return message_id.lstrip("0") or "0"
        case IdRule.FOLD_CASE:
            return message_id.lower()
        case _:
            return message_id


def receipt_keys(receipt: Receipt, rule: IdRule) -> tuple[str, ...]:
    """What to look for, the likelier first: at most two keys, to be compared as text.

    The parameter mostly repeats the answer's form. When it repeats the text's instead it is
    not read as the answer's, for that might be the id of another message.
    """
    text, parameter = receipt.message_id, receipt.receipted_message_id
    keys = [answer_key(parameter, rule)] if parameter and parameter != text else []
    if text:
        base = {IdRule.HEX_THEN_DECIMAL: 10, IdRule.DECIMAL_THEN_HEX: 16}.get(rule)
        keys.append(answer_key(text, rule) if base is None else _number(text, base))
    return tuple(dict.fromkeys(keys))


def _number(text: str, base: int) -> str:
    """A number in any base as one text; what is no number stays as it is."""
    digits = _HEX if base == 16 else _DECIMAL
    return str(int(text, base)) if digits.fullmatch(text) else text
