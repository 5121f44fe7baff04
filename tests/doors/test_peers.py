"""Independent CMPP clients, unchanged, against our server."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cmppy import Cmppy
from cmppy.request import SubmitReq
from gateway_house import ALSO_CONSENTED, CONSENTED, PORT, STRANGER, House, house
from pycmpp.cmpp import Cmpp

from qingjing.doors.gateway.results import RESULTS
from qingjing.wire.content import Part, decode_text, join

OFFER = "【青禾商城】双11会员日全场满300减50,精选好物低至5折,拒收请回复R"
LONG_TAIL = (
    ",即日起至11月30日每天10点限量抢购,先到先得,数码家电美妆零食全部参加,到店自提再享会员折上折"
)


def _data() -> Path:
    return Path(os.environ.get("QINGJING_DATA", "../shared/data"))


def _real_texts() -> list[str]:
    """Retail texts of a public corpus, with a signature and a notice as the law wants them."""
    path = _data() / "fbs_sms" / "data.tsv"
    if not path.exists():
        pytest.skip(f"needs the corpus fbs_sms in {path.parent} (or set QINGJING_DATA)")
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()[1:]]
    texts = [row[5].replace(" ", "") for row in rows if row[1] == "AD:Retail"]
    return [f"【青禾商城】{text},拒收请回复R" for text in texts]


@pytest.fixture(scope="module")
def running() -> Iterator[House]:
    """One gateway for all clients."""
    with house() as made:
        yield made


def _cmppy(house: House, request: SubmitReq) -> int:
    with contextlib.redirect_stdout(io.StringIO()):
        return int(Cmppy("127.0.0.1", house.port, "900001", "888888").request(request).result)


def test_cmppy_is_passed_for_a_person_who_consented_and_refused_for_one_who_did_not(
    running: House,
) -> None:
    """CMPP 3.0: result 0 for the one, the reason's number for the other."""
    passed = SubmitReq("900001", OFFER, PORT, [CONSENTED])
    refused = SubmitReq("900001", OFFER, PORT, [f"86{STRANGER}"])

    assert _cmppy(running, passed) == 0
    assert _cmppy(running, refused) == RESULTS["grounds_present"]


def test_cmppy_sends_a_long_message_part_by_part_over_two_connections(running: House) -> None:
    """Each part is answered before the next is sent, and the whole arrives at the carrier."""
    mobile = running.carriers["mobile"]
    before = len(mobile.received)
    body = OFFER.replace(",拒收", LONG_TAIL + ",拒收")
    pieces = (body[:60], body[60:])
    for number, piece in enumerate(pieces, 1):
        header = bytes((5, 0, 3, 77, 2, number)).decode("utf-16-be")
        request = SubmitReq(
            "900001", header + piece, PORT, [CONSENTED], pk_total=2, pk_number=number, tp_udhi=1
        )
        assert _cmppy(running, request) == 0

    running.until(lambda: len(mobile.received) >= before + 2)
    parts = [Part(x.udhi, x.coding, x.content) for x in mobile.received[before:]]
    assert join(parts) == body


def test_cmppy_with_a_wrong_secret_is_not_let_in(running: House) -> None:
    """The login is refused and no request goes through."""
    with contextlib.redirect_stdout(io.StringIO()):
        answer = Cmppy("127.0.0.1", running.port, "900001", "wrong").request(
            SubmitReq("900001", OFFER, PORT, [CONSENTED])
        )
    assert answer is None


class _Listening(logging.Handler):
    """What pycmpp logs of the answers it got: it offers no other way to see them."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line."""
        self.lines.append(record.getMessage())

    def answers(self) -> list[str]:
        """The lines about answers to submits."""
        return [line for line in self.lines if line.startswith("发送") and "msg_id" in line]


@contextlib.contextmanager
def _pycmpp(house: House) -> Iterator[tuple[Cmpp, _Listening]]:
    listening = _Listening()
    logger = logging.getLogger("pycmpp")
    logger.addHandler(listening)
    logger.setLevel(logging.DEBUG)
    client = Cmpp("127.0.0.1", house.port, "900001", "888888", PORT, client_heartbeat=False)
    client.connect()
    client.auth()
    reader = threading.Thread(target=_read, args=(client,), daemon=True)
    reader.start()
    try:
        house.until(lambda: any("短信网关连接成功" in line for line in listening.lines))
        yield client, listening
    finally:
        client.so.shutdown(socket.SHUT_RDWR)
        client.so.close()
        reader.join(5)
        logger.removeHandler(listening)


def _read(client: Cmpp) -> None:
    """pycmpp's own handlers on each frame, without its loop, which never ends."""
    stream = client.so.makefile("rb")
    while header := stream.read(12):
        message = header + stream.read(int.from_bytes(header[:4], "big") - 12)
        handler = client.handlers.get(int.from_bytes(header[4:8], "big"))
        if handler is not None:
            handler(client, message)()


def test_pycmpp_gets_the_right_answers_for_real_texts_short_and_long(running: House) -> None:
    """CMPP 2.0, Src_Id empty: passed for the one, refused for the other, whole at the end."""
    texts = _real_texts()
    short = next(text for text in texts if 40 < len(text) < 68)
    long = next(text for text in texts if 90 < len(text) < 130)
    mobile = running.carriers["mobile"]
    before = len(mobile.received)
    with _pycmpp(running) as (client, listening):
        client.submit(short, [ALSO_CONSENTED])
        running.until(lambda: len(listening.answers()) == 1)
        client.submit(long, [ALSO_CONSENTED])
        running.until(lambda: len(listening.answers()) == 3)
        client.submit(short, [STRANGER])
        running.until(lambda: len(listening.answers()) == 4)

    assert [line.split(";")[0] for line in listening.answers()] == ["发送成功"] * 3 + [
        "发送失败"
    ]
    running.until(lambda: len(mobile.received) == before + 3)
    first, *rest = mobile.received[before:]
    assert decode_text(first.content, first.coding) == short
    assert join([Part(x.udhi, x.coding, x.content) for x in rest]) == long
