"""The PDUs of SMPP 3.4 as classes.

Source: SMPP Protocol Specification v3.4, Issue 1.2; the sections named here are its own. Every
PDU begins with ``command_status``, which is 0 in a request, and ``sequence_number``.
``tlvs`` are the optional parameters in the order in which they stand: see
:data:`qingjing.wire.smpp_tables.TAGS`.
"""

from __future__ import annotations

from typing import NamedTuple

from .tlv import Tlv

__all__ = [
    "AlertNotification",
    "BindReceiver",
    "BindReceiverResp",
    "BindTransceiver",
    "BindTransceiverResp",
    "BindTransmitter",
    "BindTransmitterResp",
    "CancelSm",
    "CancelSmResp",
    "DataSm",
    "DataSmResp",
    "DeliverSm",
    "DeliverSmResp",
    "DistributionList",
    "EnquireLink",
    "EnquireLinkResp",
    "GenericNack",
    "Outbind",
    "QuerySm",
    "QuerySmResp",
    "ReplaceSm",
    "ReplaceSmResp",
    "SmeAddress",
    "SubmitMulti",
    "SubmitMultiResp",
    "SubmitSm",
    "SubmitSmResp",
    "Unbind",
    "UnbindResp",
    "UnsuccessSme",
]


class BindReceiver(NamedTuple):
    """Log in to receive (4.1.3). ``interface_version`` is 0x34 for 3.4."""

    command_status: int = 0
    sequence_number: int = 0
    system_id: str = ""
    password: str = ""
    system_type: str = ""
    interface_version: int = 0x34
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: str = ""


class BindTransmitter(NamedTuple):
    """Log in to send (4.1.1)."""

    command_status: int = 0
    sequence_number: int = 0
    system_id: str = ""
    password: str = ""
    system_type: str = ""
    interface_version: int = 0x34
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: str = ""


class BindTransceiver(NamedTuple):
    """Log in to send and to receive (4.1.5)."""

    command_status: int = 0
    sequence_number: int = 0
    system_id: str = ""
    password: str = ""
    system_type: str = ""
    interface_version: int = 0x34
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: str = ""


class BindReceiverResp(NamedTuple):
    """Answer to a receiver (4.1.4); ``system_id`` is the server's."""

    command_status: int = 0
    sequence_number: int = 0
    system_id: str = ""
    tlvs: tuple[Tlv, ...] = ()


class BindTransmitterResp(NamedTuple):
    """Answer to a transmitter (4.1.2)."""

    command_status: int = 0
    sequence_number: int = 0
    system_id: str = ""
    tlvs: tuple[Tlv, ...] = ()


class BindTransceiverResp(NamedTuple):
    """Answer to a transceiver (4.1.6)."""

    command_status: int = 0
    sequence_number: int = 0
    system_id: str = ""
    tlvs: tuple[Tlv, ...] = ()


class Outbind(NamedTuple):
    """The server has dialled and asks the client to bind as a receiver (4.1.7). No answer."""

    command_status: int = 0
    sequence_number: int = 0
    system_id: str = ""
    password: str = ""


class Unbind(NamedTuple):
    """Log out (4.2.1); either side may."""

    command_status: int = 0
    sequence_number: int = 0


class UnbindResp(NamedTuple):
    """Answer to a logout (4.2.2)."""

    command_status: int = 0
    sequence_number: int = 0


class GenericNack(NamedTuple):
    """The answer to what is no PDU of ours (4.3.1); it refuses whatever it answers."""

    command_status: int = 0
    sequence_number: int = 0


class SubmitSm(NamedTuple):
    """One message, or one part of a long one, to one number (4.4.1)."""

    command_status: int = 0
    sequence_number: int = 0
    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""
    tlvs: tuple[Tlv, ...] = ()


class SubmitSmResp(NamedTuple):
    """Answer to a submit (4.4.2): the id that the server gave."""

    command_status: int = 0
    sequence_number: int = 0
    message_id: str = ""
    tlvs: tuple[Tlv, ...] = ()


class SmeAddress(NamedTuple):
    """One number among the destinations of a submit_multi (4.5.1.1, dest_flag 1)."""

    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""


class DistributionList(NamedTuple):
    """A list kept by the server, among the destinations of a submit_multi (dest_flag 2)."""

    dl_name: str = ""


class UnsuccessSme(NamedTuple):
    """A number that a submit_multi was not accepted for, and why (4.5.2.1)."""

    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    error_status_code: int = 0


class SubmitMulti(NamedTuple):
    """One message to several numbers (4.5.1)."""

    command_status: int = 0
    sequence_number: int = 0
    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_address: tuple[SmeAddress | DistributionList, ...] = ()
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""
    tlvs: tuple[Tlv, ...] = ()


class SubmitMultiResp(NamedTuple):
    """Answer to a submit_multi (4.5.2): one id, and the numbers left out."""

    command_status: int = 0
    sequence_number: int = 0
    message_id: str = ""
    unsuccess_sme: tuple[UnsuccessSme, ...] = ()
    tlvs: tuple[Tlv, ...] = ()


class DeliverSm(NamedTuple):
    """A person's message or a receipt (4.6.1). Times, replace flag, default id are unused."""

    command_status: int = 0
    sequence_number: int = 0
    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""
    tlvs: tuple[Tlv, ...] = ()


class DeliverSmResp(NamedTuple):
    """Answer to a deliver (4.6.2); ``message_id`` is unused."""

    command_status: int = 0
    sequence_number: int = 0
    message_id: str = ""
    tlvs: tuple[Tlv, ...] = ()


class DataSm(NamedTuple):
    """A message of either direction whose text is in ``message_payload`` (4.7.1)."""

    command_status: int = 0
    sequence_number: int = 0
    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    esm_class: int = 0
    registered_delivery: int = 0
    data_coding: int = 0
    tlvs: tuple[Tlv, ...] = ()


class DataSmResp(NamedTuple):
    """Answer to a data_sm (4.7.2)."""

    command_status: int = 0
    sequence_number: int = 0
    message_id: str = ""
    tlvs: tuple[Tlv, ...] = ()


class QuerySm(NamedTuple):
    """Ask what became of a message (4.8.1); the source is that of its submit."""

    command_status: int = 0
    sequence_number: int = 0
    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""


class QuerySmResp(NamedTuple):
    """What became of it (4.8.2); ``final_date`` is empty while it has not ended."""

    command_status: int = 0
    sequence_number: int = 0
    message_id: str = ""
    final_date: str = ""
    message_state: int = 0
    error_code: int = 0


class CancelSm(NamedTuple):
    """Ask to drop a message that has not left yet, or all to a number (4.9.1)."""

    command_status: int = 0
    sequence_number: int = 0
    service_type: str = ""
    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""


class CancelSmResp(NamedTuple):
    """Answer to a cancel (4.9.2)."""

    command_status: int = 0
    sequence_number: int = 0


class ReplaceSm(NamedTuple):
    """Ask to put another text in the place of one that has not left yet (4.10.1)."""

    command_status: int = 0
    sequence_number: int = 0
    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""


class ReplaceSmResp(NamedTuple):
    """Answer to a replace (4.10.2)."""

    command_status: int = 0
    sequence_number: int = 0


class EnquireLink(NamedTuple):
    """A heartbeat (4.11.1); either side may."""

    command_status: int = 0
    sequence_number: int = 0


class EnquireLinkResp(NamedTuple):
    """Answer to a heartbeat (4.11.2)."""

    command_status: int = 0
    sequence_number: int = 0


class AlertNotification(NamedTuple):
    """A number can be reached again (4.12.1). No answer."""

    command_status: int = 0
    sequence_number: int = 0
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    esme_addr_ton: int = 0
    esme_addr_npi: int = 0
    esme_addr: str = ""
    tlvs: tuple[Tlv, ...] = ()
