"""SMGP's own matters: digests, ids, parts, reports, and connections of one direction."""

from __future__ import annotations

import contextlib
from hashlib import md5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_pair import SessionPair
from wire_vectors import golden

from qingjing.wire import smgp
from qingjing.wire.content import UCS2, Part, join, split
from qingjing.wire.errors import Hint, LocalProtocolError, RemoteProtocolError
from qingjing.wire.events import Answered, BadRequest, Closing, Limits, Reason, UnknownCommand
from qingjing.wire.smgp import LoginMode, Status
from qingjing.wire.smgp_message import (
    REPORT_SIZE,
    Report,
    read_part,
    read_report,
    with_part,
    write_report,
)
from qingjing.wire.smgp_tables import (
    LAYOUTS,
    TAGS,
    V13,
    V30,
    Command,
    Deliver,
    DeliverResp,
    Exit,
    ExitResp,
    Login,
    LoginResp,
    Query,
    Submit,
    SubmitResp,
)
from qingjing.wire.tlv import Tlv, get, make

SECRET = b"12345678"
L30 = LAYOUTS[V30]
ONE = Submit(DestTermID=("18900138000",), MsgContent=b"hello")
NAME = bytes.fromhex("01006111240635000258")


def login(mode: int = LoginMode.BOTH, version: int = V30, secret: bytes = SECRET) -> Login:
    """The login of account 10001."""
    when = smgp.timestamp(3, 1, 0, 0, 0)
    digest = smgp.authenticator_client("10001", secret, when)
    return Login(0, "10001", digest, mode, when, version)


def bound(mode: int = LoginMode.BOTH, version: int = V30) -> SessionPair:
    """Two sessions bound in one of the three modes."""
    pair = SessionPair(protocol=smgp.PROTOCOL)
    pair.client.request(login(mode, version), "login", 0.0)
    (told,) = pair.to_server()
    assert isinstance(told, Login)
    pair.server.accept(smgp.login_answer(told, smgp.login_status(told, SECRET), SECRET))
    pair.to_client()
    return pair


def test_the_worked_example_of_the_text() -> None:
    """1 March is 0x11F0E540, hashed as 0301000000."""
    assert smgp.timestamp(3, 1, 0, 0, 0) == 0x11F0E540
    expected = md5(b"10001" + bytes(7) + SECRET + b"0301000000").digest()
    assert smgp.authenticator_client("10001", SECRET, 0x11F0E540) == expected


def test_the_golden_login_knows_the_secret_and_so_does_its_answer() -> None:
    """The digests of the vectors are those we compute; a wrong secret is refused."""
    told: Login = golden("smgp_login")
    assert smgp.login_status(told, SECRET) == Status.OK
    assert smgp.login_status(told, b"12345679") == Status.DIGEST
    answer: LoginResp = golden("smgp_login_resp")
    assert smgp.accepts_server(answer, told.AuthenticatorClient, SECRET)
    assert not smgp.accepts_server(answer, told.AuthenticatorClient, b"wrong")
    assert smgp.login_answer(told, 0, SECRET) == answer
    assert smgp.login_answer(told, Status.DIGEST) == golden("smgp_login_resp_fail")


def test_a_short_account_logs_in_padded_or_not() -> None:
    """The text leaves open how an account shorter than eight is hashed; both are let in."""
    for padded in (False, True):
        digest = smgp.authenticator_client("333", SECRET, 1, padded=padded)
        assert smgp.accepts_client(Login(0, "333", digest, TimeStamp=1), SECRET)


@pytest.mark.parametrize(("version", "status"), [(0x40, 22), (0x31, 0), (V30, 0), (V13, 0)])
def test_a_higher_major_version_is_refused(version: int, status: int) -> None:
    """1.3 and 3.0 have the same layouts."""
    assert smgp.login_status(login(version=version), SECRET) == status


@pytest.mark.parametrize("version", [V13, V30])
def test_a_login_says_the_version_of_its_connection(version: int) -> None:
    """The server answers its highest; what logs in as 1.3 sends parameters all the same."""
    pair = bound(version=version)
    assert pair.server.version == version
    udhi = make(TAGS, 2, 1)
    pair.client.request(ONE._replace(tlvs=(udhi,)), None, 0.0)
    assert pair.to_server()[0][-1] == (udhi,)
    assert smgp.PROTOCOL.version_of_answer(L30[Command.LOGIN_RESP].encode(LoginResp())) == V30
    old = L30[Command.LOGIN_RESP].encode(LoginResp(ServerVersion=V13))
    assert smgp.PROTOCOL.version_of_answer(old) == V13


def test_a_wrong_digest_is_answered_and_both_ends_close() -> None:
    """Status 21 with a zero digest."""
    pair = SessionPair(protocol=smgp.PROTOCOL)
    pair.client.request(login(secret=b"guess"), "login", 0.0)
    (told,) = pair.to_server()
    assert isinstance(told, Login)
    pair.server.reject(smgp.login_answer(told, smgp.login_status(told, SECRET)))
    assert pair.to_client() == [
        Answered("login", LoginResp(1, 21, bytes(16))),
        Closing(Reason.REFUSED),
    ]


def test_a_connection_carries_what_its_mode_says() -> None:
    """Mode 0 submits alone, mode 1 deliveries alone: reports come on the other connection."""
    sends, receives = bound(LoginMode.SEND), bound(LoginMode.RECEIVE)
    for pair, asker, pdu in (
        (sends, sends.server, Deliver()),
        (receives, receives.client, ONE),
        (receives, receives.client, Query()),
    ):
        with pytest.raises(LocalProtocolError):
            asker.request(pdu, None, 0.0)
        assert pair.client.room == 16
    frame = L30[Command.SUBMIT].encode(ONE._replace(SequenceID=9))
    assert receives.server.receive(frame, 0.0) == [
        BadRequest(Command.SUBMIT, 9, Hint.COMMAND, True)
    ]
    refused = L30[Command.SUBMIT_RESP].decode(receives.server.outgoing())
    assert refused == SubmitResp(9, Status=Status.COMMAND)
    receives.server.request(Deliver(), None, 0.0)
    assert isinstance(receives.to_client()[0], Deliver)


def cut(command: Command, pdu: tuple[object, ...]) -> bytes:
    """A frame whose last body octet is missing and whose length says so."""
    frame = L30[command].encode(pdu)[:-1]
    return len(frame).to_bytes(4, "big") + frame[4:]


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        (cut(Command.SUBMIT, ONE._replace(SequenceID=9)), SubmitResp(9, Status=10)),
        (
            cut(Command.SUBMIT, ONE._replace(SequenceID=9, tlvs=(make(TAGS, 2, 1),))),
            SubmitResp(9, Status=10),
        ),
        (cut(Command.DELIVER, Deliver(9, NAME)), DeliverResp(9, NAME, 10)),
        (bytes.fromhex("0000000e00000003000000090000"), DeliverResp(9, Status=10)),
        (cut(Command.QUERY, Query(9)), None),
    ],
)
def test_a_bad_request_is_refused_and_the_connection_lives(
    frame: bytes, answer: tuple[object, ...] | None
) -> None:
    """Status 10 for a wrong length and for a parameter that is cut off."""
    pair = bound()
    bad, good = pair.server.receive(frame + L30[Command.SUBMIT].encode(ONE), 0.0)
    assert isinstance(bad, BadRequest)
    assert (bad.sequence, bad.answered) == (9, answer is not None)
    assert isinstance(good, Submit)
    sent = pair.server.outgoing()
    command = int.from_bytes(frame[4:8], "big") | 0x80000000
    assert sent == b"" if answer is None else L30[command].decode(sent) == answer


def test_an_unknown_command_is_told_and_a_malformed_login_refused() -> None:
    """SMGP has no general refusal, but a login's answer has a status."""
    pair = bound()
    forward = bytes.fromhex("0000000c0000000500000005")
    assert pair.server.receive(forward, 0.0) == [UnknownCommand(5, 5)]
    assert pair.server.outgoing() == b""
    fresh = SessionPair(protocol=smgp.PROTOCOL)
    (closing,) = fresh.server.receive(cut(Command.LOGIN, login()), 0.0)
    assert isinstance(closing, Closing)
    assert L30[Command.LOGIN_RESP].decode(fresh.server.outgoing()).Status == Status.STRUCTURE


def test_an_exit_and_a_heartbeat_are_answered_inside() -> None:
    """Both are nothing but a header."""
    pair = bound()
    pair.now = Limits().idle_s
    pair.client.tick(pair.now)
    assert pair.to_server() == []
    assert pair.to_client() == []
    pair.client.request(Exit(), "bye", pair.now)
    assert pair.to_server() == [Closing(Reason.PEER_LEFT)]
    assert pair.to_client() == [Answered("bye", ExitResp(3)), Closing(Reason.WE_LEFT)]


def test_sequence_numbers_go_round() -> None:
    """All 32 bits are used."""
    following = smgp.PROTOCOL.next_sequence
    assert following is not None
    assert (following(None), following(0xFFFFFFFF)) == (1, 0)


def test_an_id_is_twenty_digits() -> None:
    """Gateway, month to minute without seconds, and a counter of six digits."""
    parts = smgp.MsgId(10061, 11, 24, 6, 35, 258)
    assert smgp.split_msg_id(NAME) == parts
    assert smgp.compose_msg_id(parts) == NAME
    assert golden("smgp_submit_resp").MsgID == NAME
    with pytest.raises(LocalProtocolError, match="sequence"):
        smgp.compose_msg_id(parts._replace(sequence=1_000_000))


@pytest.mark.parametrize("raw", ["6495c36ac4ea6b00000b", "0000ff06121423277475", "01"])
def test_an_id_of_other_octets_is_kept_and_not_read(raw: str) -> None:
    """Gateways send such; they stay what they are on both ways."""
    name = bytes.fromhex(raw)
    assert smgp.split_msg_id(name) is None
    if len(name) == 10:
        layout = L30[Command.SUBMIT_RESP]
        assert layout.decode(layout.encode(SubmitResp(1, name))).MsgID == name


def test_a_mass_submit_has_an_id_for_each_number() -> None:
    """The counter goes up and round at a million; one that is no number is for all."""
    last = NAME[:7] + bytes.fromhex("999999")
    assert smgp.msg_ids(last, 2) == [last, NAME[:7] + bytes(3)]
    strange = NAME[:7] + b"\0\0\x0b"
    assert smgp.msg_ids(strange, 2) == [strange, strange]


def test_a_long_message_is_marked_in_its_parameters() -> None:
    """The golden part says so; ours are marked like it, and join again."""
    part = golden("smgp_submit_long1of2")
    assert read_part(part).tp_udhi == 1
    plain = part._replace(tlvs=())
    assert read_part(plain).tp_udhi == 0
    assert with_part(plain, read_part(part)) == part
    text = "清净" * 50
    link = make(TAGS, 3, "link")
    sent = [with_part(ONE._replace(tlvs=(link,)), p) for p in split(text, UCS2, 7)]
    assert [get(TAGS, s.tlvs, 9) for s in sent] == [2, 2]
    assert [get(TAGS, s.tlvs, 0x0A) for s in sent] == [1, 2]
    assert all(link in s.tlvs for s in sent)
    assert join(read_part(s) for s in sent) == text
    assert with_part(sent[0], Part(0, 0, b"a")).tlvs == (link,)
    other = with_part(ONE, Part(1, 0, bytes.fromhex("06050400010002")))
    assert [t.tag for t in other.tlvs] == [1, 2]
    with pytest.raises(LocalProtocolError):
        with_part(ONE, Part(1, 0, b"\x05"))


def test_parameters_may_be_trimmed_padded_strange_or_unknown() -> None:
    """All of it is sent; an integer without octets is the peer's fault."""
    tlvs = (
        Tlv(3, b"link"),
        Tlv(0x10, b"10001\0\0\0"),
        Tlv(2, b"\0\1"),
        Tlv(99, b"x"),
        Tlv(9, b""),
    )
    assert get(TAGS, tlvs, 3) == "link"
    assert get(TAGS, tlvs, 0x10) == "10001"
    assert get(TAGS, tlvs, 2) == 1
    assert get(TAGS, tlvs, 99) == b"x"
    assert get(TAGS, tlvs, 4) is None
    for tag, strange in ((9, tlvs), (3, (Tlv(3, b"\xff"),))):
        with pytest.raises(RemoteProtocolError):
            get(TAGS, strange, tag)
    assert make(TAGS, 3, "link").value == b"link".ljust(20, b"\0")
    with pytest.raises(LocalProtocolError):
        make(TAGS, 3, "x" * 21)


DIGITS = st.from_regex(r"[0-9]{10}", fullmatch=True)


@given(
    name=st.binary(min_size=10, max_size=10),
    stat=st.sampled_from(["DELIVRD", "UNDELIV", "MK:0001"]),
    err=st.sampled_from(["000", "001", "999", "XA1"]),
    submitted=DIGITS,
    done=DIGITS,
    text=st.text("验证码abc: id", max_size=8),
)
def test_a_report_is_read_as_it_is_written(
    name: bytes, stat: str, err: str, submitted: str, done: str, text: str
) -> None:
    """Whatever its ten octets of id look like: they are counted and never searched."""
    report = Report(name, stat, err, "001", "001", submitted, done, text)
    body = write_report(report)
    assert len(body) == REPORT_SIZE
    assert read_report(body) == report


@pytest.mark.parametrize(
    "body",
    [
        b"id:" + NAME + b"sub:001 dlvrd:001 submit_date:2611240635 done_date:2611240636 "
        b"stat:DELIVRD err:000 txt:" + "001退".encode("gb18030"),
        b"ID:" + NAME + b" Sub:001 Dlvrd:001 Submit date:2611240635 Done date:2611240636 "
        b"Stat:DELIVRD Err:000 Text:" + "001退".encode("gb18030") + bytes(12),
        b"id:" + NAME.hex().encode() + b" sub:001 dlvrd:001 submit date:2611240635 "
        b"done date:2611240636 stat:DELIVRD err:000 text:" + "001退".encode("gb18030"),
        NAME + b" sub:001 dlvrd:001 submit date:2611240635 done date:2611240636 "
        b"stat:DELIVRD err:000 text:" + "001退".encode("gb18030"),
    ],
)
def test_a_report_may_look_otherwise(body: bytes) -> None:
    """No space after the id, underscores, another case, an id in digits, or no key for it."""
    assert read_report(body) == Report(
        NAME, "DELIVRD", "000", "001", "001", "2611240635", "2611240636", "001退"
    )


@pytest.mark.parametrize("body", [b"", b"id:", b"id:" + NAME, b"stat:DELIVRD", bytes(122)])
def test_a_report_without_an_id_or_a_state_is_the_peers_fault(body: bytes) -> None:
    """Nothing can be done with it."""
    with pytest.raises(RemoteProtocolError) as caught:
        read_report(body)
    assert caught.value.hint == Hint.STRUCTURE


@given(body=st.binary(max_size=140))
def test_any_octets_are_a_report_or_the_peers_fault(body: bytes) -> None:
    """Nothing but RemoteProtocolError."""
    for content in (body, b"id:" + body, NAME + b"stat:" + body):
        with contextlib.suppress(RemoteProtocolError):
            assert len(read_report(content).MsgID) == 10


@pytest.mark.parametrize(
    "report", [Report(b"short", "DELIVRD"), Report(NAME, "DELIVERED"), Report(NAME, "成功")]
)
def test_a_report_that_does_not_fit_is_our_own_error(report: Report) -> None:
    """An id of another size, a state too long or no ASCII; a text is cut at a character."""
    with pytest.raises(LocalProtocolError):
        write_report(report)
    long = write_report(Report(NAME, "DELIVRD", Text="0" + "退" * 20))
    assert read_report(long).Text == "0" + "退" * 9


def test_every_status_has_a_meaning_and_is_found_by_its_number() -> None:
    """The words are for people; the numbers are the text's."""
    assert Status(75) is Status.QUOTA
    assert all(status.meaning for status in Status)
