"""A customer of any protocol in the gateway's loop, used from the test's thread."""

from __future__ import annotations

import socket
from itertools import count
from typing import Any

from gateway_house import PORT, House

from qingjing.city.customer import Answer, CustomerClient
from qingjing.city.sgip_customer import SgipCustomer
from qingjing.city.tongues import pieces
from qingjing.doors.gateway.dialect import Piece
from qingjing.settings import Account, SgipAccount
from qingjing.wire import content
from qingjing.wire.protocol import PDU

OFFER = "【青禾商城】双11会员日全场满300减50,精选好物低至5折,拒收请回复R"
_RUNS = count(1)
"""Each client of a customer on SGIP has numbers of its own."""
LONG = OFFER.replace(
    ",拒收",
    ",即日起至11月30日每天10点限量抢购,先到先得,数码家电美妆零食全部参加,到店自提再享会员折上折,拒收",
)


def free_port() -> int:
    """A port that nobody listens on: in SGIP the gateway must know its customer's before."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def account(protocol: str, **fields: Any) -> dict[str, Account]:
    """The one account of a house, on a protocol."""
    spoken: Any = protocol
    if protocol == "sgip":
        fields["sgip"] = SgipAccount(host="127.0.0.1", port=free_port())
    made = Account(party="tongda", protocol=spoken, port=PORT, secret_env="CUSTOMER", **fields)
    return {"900001": made}


class Talk:
    """One logged-in client; ``status`` is what its login was answered."""

    def __init__(
        self, running: House, protocol: str = "cmpp", *, port: int = 0, **options: Any
    ) -> None:
        """``port`` is another than the gateway's own, where something stands between."""
        self.house = running
        options = {"account": "900001", "secret": b"888888"} | options
        self.client = self._client(running, protocol, options)
        dialled = port or running.gateway.ports[protocol]
        self.status = running.call(lambda: self.client.connect(dialled))
        self.tags = 0

    def _client(self, running: House, protocol: str, options: dict[str, Any]) -> CustomerClient:
        if protocol != "sgip":
            return CustomerClient(clock=running.loop.time, protocol=protocol, **options)
        # The listener is the account's: whoever comes first has it.
        made = SgipCustomer(
            clock=running.loop.time, back=b"888888", first=next(_RUNS) * 1_000, **options
        )
        back = next(iter(running.gateway.callbacks._calls.values())).port
        if running.listener is None:
            running.listener = made
            running.call(lambda: made.listen(back))
        return made

    def send(self, *items: Piece | PDU) -> list[Answer]:
        """Submit pieces or PDUs at once and wait for their answers."""
        tags = range(self.tags, self.tags + len(items))
        self.tags += len(items)

        async def work() -> None:
            for tag, item in zip(tags, items, strict=True):
                if isinstance(item, Piece):
                    await self.client.send(item, tag)
                else:
                    await self.client.submit(item, tag)
            self.client.flush()

        self.house.call(work)
        self.house.until(lambda: all(tag in self.client.answers for tag in tags))
        return [self.client.answers[tag] for tag in tags]

    def text(
        self, body: str, *phones: str, port: str = PORT, coding: int = content.UCS2
    ) -> list[Answer]:
        """Submit a text of any length to some persons."""
        return self.send(
            *(
                piece
                for number, phone in enumerate(phones)
                for piece in pieces(port, phone, body, coding, number)
            )
        )

    def reported(self, answers: list[Answer]) -> set[str]:
        """Wait for the reports of these; their states."""
        ids = {answer.Msg_Id for answer in answers}
        self.house.until(lambda: ids <= set(self.client.reports))
        return {self.client.reports[one] for one in ids}

    def raw(self, data: bytes) -> None:
        """Write bytes that no session would."""

        async def work() -> None:
            assert self.client.line is not None
            assert self.client.line._transport is not None
            self.client.line._transport.write(data)

        self.house.call(work)

    def hang_up(self) -> None:
        """Close the connection and wait until it is gone."""

        async def work() -> None:
            self.client.close()

        self.house.call(work)
        self.house.until(lambda: self.client.line is None)
