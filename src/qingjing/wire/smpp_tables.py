"""SMPP 3.4: the field table of every PDU, and the optional parameters by their tag.

Sections are those of the SMPP Protocol Specification v3.4, Issue 1.2. A peer that bound as 3.3
is never sent optional parameters (3.4); those that it sends are read all the same, for many
programs name the wrong version. Neither version's PDUs differ in anything else.

Texts are closed by a NUL and their size is a maximum; none is padded.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from . import smpp_pdus as pdus
from .fields import Content, Count, CText, Field, Raw, Records, Tlvs, Uint
from .layout import AnswerLayout, Header, Layout

__all__ = ["HEADER", "LAYOUTS", "TAGS", "V33", "V34", "Command"]


class Command(IntEnum):
    """Command ids (5.1.2.1); an answer is its request with the top bit set."""

    bind_receiver = 0x00000001
    bind_transmitter = 0x00000002
    query_sm = 0x00000003
    submit_sm = 0x00000004
    deliver_sm = 0x00000005
    unbind = 0x00000006
    replace_sm = 0x00000007
    cancel_sm = 0x00000008
    bind_transceiver = 0x00000009
    outbind = 0x0000000B
    enquire_link = 0x00000015
    submit_multi = 0x00000021
    alert_notification = 0x00000102
    data_sm = 0x00000103
    generic_nack = 0x80000000
    bind_receiver_resp = 0x80000001
    bind_transmitter_resp = 0x80000002
    query_sm_resp = 0x80000003
    submit_sm_resp = 0x80000004
    deliver_sm_resp = 0x80000005
    unbind_resp = 0x80000006
    replace_sm_resp = 0x80000007
    cancel_sm_resp = 0x80000008
    bind_transceiver_resp = 0x80000009
    enquire_link_resp = 0x80000015
    submit_multi_resp = 0x80000021
    data_sm_resp = 0x80000103


V33 = 0x33
"""``interface_version`` of SMPP 3.3, and the name of the layouts for it and all before it."""
V34 = 0x34
"""``interface_version`` of SMPP 3.4, and the name of its layouts."""

HEADER = Header(
    (
        Uint("command_status", 4, "0 in a request; in an answer see Status"),
        Uint("sequence_number", 4, "the sender's own counter; the answer repeats it"),
    ),
    "sequence_number",
    "command_status",
)
"""Section 3.2: command_length, command_id, command_status, sequence_number, 16 bytes."""

TAGS: Mapping[int, Field] = MappingProxyType(
    {
        0x0005: Uint("dest_addr_subunit", 1, "0 unknown, 1 display, 2 device, 3 SIM, 4 other"),
        0x0006: Uint("dest_network_type", 1),
        0x0007: Uint("dest_bearer_type", 1),
        0x0008: Uint("dest_telematics_id", 2),
        0x000D: Uint("source_addr_subunit", 1),
        0x000E: Uint("source_network_type", 1),
        0x000F: Uint("source_bearer_type", 1),
        0x0010: Uint("source_telematics_id", 1),
        0x0017: Uint("qos_time_to_live", 4, "seconds"),
        0x0019: Uint("payload_type", 1),
        0x001D: CText("additional_status_info_text", 256, "why an answer is bad, in words"),
        0x001E: CText("receipted_message_id", 65, "the id that a receipt is about"),
        0x0030: Uint("ms_msg_wait_facilities", 1),
        0x0201: Uint("privacy_indicator", 1),
        0x0202: Content("source_subaddress"),
        0x0203: Content("dest_subaddress"),
        0x0204: Uint("user_message_reference", 2),
        0x0205: Uint("user_response_code", 1),
        0x020A: Uint("source_port", 2),
        0x020B: Uint("destination_port", 2),
        0x020C: Uint("sar_msg_ref_num", 2, "which long message this is a part of"),
        0x020D: Uint("language_indicator", 1),
        0x020E: Uint("sar_total_segments", 1, "of how many parts"),
        0x020F: Uint("sar_segment_seqnum", 1, "which of them, from 1"),
        0x0210: Uint("sc_interface_version", 1, "the highest version the server speaks"),
        0x0302: Uint("callback_num_pres_ind", 1),
        0x0303: Content("callback_num_atag"),
        0x0304: Uint("number_of_messages", 1),
        0x0381: Content("callback_num"),
        0x0420: Uint("dpf_result", 1),
        0x0421: Uint("set_dpf", 1),
        0x0422: Uint("ms_availability_status", 1, "0 available, 1 denied, 2 unavailable"),
        0x0423: Raw("network_error_code", 3, "the network's type, and two bytes of its code"),
        0x0424: Content("message_payload", "the text, when short_message is empty"),
        0x0425: Uint("delivery_failure_reason", 1),
        0x0426: Uint("more_messages_to_send", 1),
        0x0427: Uint("message_state", 1, "see States"),
        0x0501: Raw("ussd_service_op", 1),
        0x1201: Uint("display_time", 1),
        0x1203: Uint("sms_signal", 2),
        0x1204: Uint("ms_validity", 1),
        0x130C: Content("alert_on_message_delivery", "empty: its being there says it"),
        0x1380: Uint("its_reply_type", 1),
        0x1383: Raw("its_session_info", 2),
    }
)
"""Section 5.3.2. Tags that are not here are carried as they are; 0x1400 to 0x3FFF are the
vendors' own."""


def _address(prefix: str, name: str, most: int, note: str) -> tuple[Uint, Uint, CText]:
    """Type of number, numbering plan and number (5.2.5 to 5.2.9)."""
    return (
        Uint(f"{prefix}_ton", 1, "0 unknown, 1 international, 5 alphanumeric"),
        Uint(f"{prefix}_npi", 1, "0 unknown, 1 E.164"),
        CText(name, most, note),
    )


def _source(most: int = 21) -> tuple[Uint, Uint, CText]:
    """The sender's number."""
    return _address("source_addr", "source_addr", most, "who sends")


def _dest(most: int = 21) -> tuple[Uint, Uint, CText]:
    """The receiver's number."""
    return _address("dest_addr", "destination_addr", most, "whom to")


_SERVICE = CText("service_type", 6, "the application; empty for plain messages")
_MESSAGE_ID = CText("message_id", 65, "the id that the server gave, as text")
_ESM = Uint("esm_class", 1, "bits: mode 03, receipt or reply 3C, user data header 40, path 80")
_REPORT = Uint(
    "registered_delivery", 1, "bits 03: 0 none, 1 always, 2 on failure; 10 also between"
)
_CODING = Uint("data_coding", 1, "see Codings")
_TIMES = (
    CText("schedule_delivery_time", 17, "YYMMDDhhmmsstnnp, relative with p = R, or empty"),
    CText("validity_period", 17, "the same form, or empty"),
)
_TEXT = (
    Count("sm_length", 1, "short_message", "bytes of text, 0 to 254"),
    Content("short_message", "text, with its header if esm_class says so", 254),
)
_AFTER_ADDRESSES = (
    _ESM,
    Uint("protocol_id", 1, "GSM 03.40, 9.2.3.9"),
    Uint("priority_flag", 1, "0 to 3"),
    *_TIMES,
    _REPORT,
    Uint("replace_if_present_flag", 1, "1: in place of one not yet sent"),
    _CODING,
    Uint("sm_default_msg_id", 1, "a text kept by the server"),
    *_TEXT,
)
_BIND = (
    CText("system_id", 16, "account"),
    CText("password", 65, "in clear; the text allows 9, longer ones are used"),
    CText("system_type", 13, "kind of client"),
    Uint("interface_version", 1, "0x34 for 3.4"),
    *_address("addr", "address_range", 41, "which numbers the client serves"),
)
_DESTINATIONS = (
    Count("number_of_dests", 1, "dest_address", "number of destinations"),
    Records(
        "dest_address",
        ((pdus.SmeAddress, _dest()), (pdus.DistributionList, (CText("dl_name", 21, "list"),))),
        1,
        254,
        "after dest_flag: 1 a number, 2 a list of the server",
    ),
)
_LEFT_OUT = (
    Count("no_unsuccess", 1, "unsuccess_sme", "how many were left out"),
    Records(
        "unsuccess_sme",
        ((pdus.UnsuccessSme, (*_dest(), Uint("error_status_code", 4, "why"))),),
        0,
        254,
        "destinations that were not accepted",
    ),
)


def _layouts(tlvs: Tlvs) -> dict[int, Layout[Any]]:
    """The layouts of one version by command."""
    message = (_SERVICE, *_source(), *_dest(), *_AFTER_ADDRESSES, tlvs)
    bind_resp = (CText("system_id", 16, "the server's name"), tlvs)
    answer = (_MESSAGE_ID, tlvs)
    bodies: dict[Command, tuple[type[Any], tuple[Field, ...]]] = {
        Command.bind_receiver: (pdus.BindReceiver, _BIND),
        Command.bind_transmitter: (pdus.BindTransmitter, _BIND),
        Command.bind_transceiver: (pdus.BindTransceiver, _BIND),
        Command.outbind: (pdus.Outbind, _BIND[:2]),
        Command.unbind: (pdus.Unbind, ()),
        Command.unbind_resp: (pdus.UnbindResp, ()),
        Command.generic_nack: (pdus.GenericNack, ()),
        Command.submit_sm: (pdus.SubmitSm, message),
        Command.deliver_sm: (pdus.DeliverSm, message),
        Command.submit_multi: (
            pdus.SubmitMulti,
            (_SERVICE, *_source(), *_DESTINATIONS, *_AFTER_ADDRESSES, tlvs),
        ),
        Command.data_sm: (
            pdus.DataSm,
            (_SERVICE, *_source(65), *_dest(65), _ESM, _REPORT, _CODING, tlvs),
        ),
        Command.query_sm: (pdus.QuerySm, (_MESSAGE_ID, *_source())),
        Command.cancel_sm: (pdus.CancelSm, (_SERVICE, _MESSAGE_ID, *_source(), *_dest())),
        Command.cancel_sm_resp: (pdus.CancelSmResp, ()),
        Command.replace_sm: (
            pdus.ReplaceSm,
            (
                _MESSAGE_ID,
                *_source(),
                *_TIMES,
                _REPORT,
                Uint("sm_default_msg_id", 1, "a text kept by the server"),
                *_TEXT,
            ),
        ),
        Command.replace_sm_resp: (pdus.ReplaceSmResp, ()),
        Command.enquire_link: (pdus.EnquireLink, ()),
        Command.enquire_link_resp: (pdus.EnquireLinkResp, ()),
        Command.alert_notification: (
            pdus.AlertNotification,
            (*_source(65), *_address("esme_addr", "esme_addr", 65, "whom it is told"), tlvs),
        ),
    }
    answers: dict[Command, tuple[type[Any], tuple[Field, ...]]] = {
        Command.bind_receiver_resp: (pdus.BindReceiverResp, bind_resp),
        Command.bind_transmitter_resp: (pdus.BindTransmitterResp, bind_resp),
        Command.bind_transceiver_resp: (pdus.BindTransceiverResp, bind_resp),
        Command.submit_sm_resp: (pdus.SubmitSmResp, answer),
        Command.deliver_sm_resp: (pdus.DeliverSmResp, answer),
        Command.submit_multi_resp: (pdus.SubmitMultiResp, (_MESSAGE_ID, *_LEFT_OUT, tlvs)),
        Command.data_sm_resp: (pdus.DataSmResp, answer),
        Command.query_sm_resp: (
            pdus.QuerySmResp,
            (
                _MESSAGE_ID,
                CText("final_date", 17, "when it ended, or empty"),
                Uint("message_state", 1, "see States"),
                Uint("error_code", 1, "the network's own"),
            ),
        ),
    }
    return {
        **{int(c): Layout(c, HEADER, pdu, fields) for c, (pdu, fields) in bodies.items()},
        **{
            int(c): AnswerLayout(c, HEADER, pdu, fields) for c, (pdu, fields) in answers.items()
        },
    }


_NOTE = "see Optional parameters"

LAYOUTS: dict[int, dict[int, Layout[Any]]] = {
    V33: _layouts(Tlvs("tlvs", TAGS, _NOTE, written=False)),
    V34: _layouts(Tlvs("tlvs", TAGS, _NOTE)),
}
"""Layouts by version and command."""
