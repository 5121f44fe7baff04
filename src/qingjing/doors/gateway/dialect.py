"""What the gateway says in no protocol's words, and what it asks of a protocol's dialect.

The engine knows offers, outcomes, reports and replies. A dialect turns a protocol's PDUs into
them and back: one object for each protocol, without state of its own, beside the codec's
session, which knows nothing of meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

import msgspec

from qingjing.kernel.words import Kind
from qingjing.settings import Route
from qingjing.wire.content import Concat
from qingjing.wire.events import BadRequest, Limits, Repeated, UnknownCommand, Unmatched
from qingjing.wire.protocol import PDU
from qingjing.wire.protocol import Protocol as WireProtocol
from qingjing.wire.session import Session

News: TypeAlias = BadRequest | Repeated | UnknownCommand | Unmatched
"""What a session tells its owner for the log alone."""


class Caller:
    """What a logged-in customer brings to each of its submits.

    :param own_ids: its submits' numbers are their ids, whatever connection they come over.
    """

    def __init__(
        self,
        account: str,
        party: str,
        kinds: dict[str, Kind],
        port: str = "",
        *,
        own_ids: bool = False,
    ) -> None:
        self.account = account
        self.own_ids = own_ids
        self.party = party
        self.port = port
        self.kinds = kinds


class Offer(NamedTuple):
    """A customer's submit: one text, or one part of a long one, to some numbers.

    ``service`` is what declares its kind (Service_Id and the like), ``content`` the bytes
    without user data header, ``codec`` Python's name of their coding, ``content.GSM``, or
    empty when they are no text; ``original`` is the frame, byte for byte.
    """

    to: tuple[str, ...]
    port: str
    service: str
    content: bytes
    codec: str
    concat: Concat | None
    wants_report: bool
    original: bytes
    failures_only: bool = False
    """With ``wants_report``: no report of what is delivered."""


class Trouble(IntEnum):
    """Why an offer is answered without a decision; below 0, where reason bits are not."""

    SLOW_DOWN = -1
    """Too much waits already: try again soon."""
    UNREADABLE = -2
    """The content is not in its coding, or its header makes no sense."""
    AGAIN = -3
    """A part with this number has come before."""


class Source(Protocol):
    """Where an offer came from, and where its answer goes."""

    def answer(
        self, token: Any, references: Sequence[int], outcomes: Sequence[int], at: int
    ) -> None:
        """Answer, after the commit: for each number the id that was given, and its reason bits
        (0: taken) or a :class:`Trouble`."""

    def flush(self) -> None:
        """Write what was answered."""


class Notice(msgspec.Struct, gc=False):
    """What a customer is told: a report of one part, or a person's reply (``words``).

    The part is named by the ``reference`` that we gave it, or by its ``origin``, the customer's
    own id, in protocols where a number is the id of its message.
    """

    message: int
    reference: int
    phone: str
    port: str
    stat: str = ""
    submitted_at: int = 0
    done_at: int = 0
    words: str | None = None
    tries: int = 0
    origin: bytes = b""


class Outcome(NamedTuple):
    """A carrier's answer to a part: its result (0: taken), its id, and "later, please"."""

    result: int
    upstream: bytes
    slow_down: bool = False


class Report(NamedTuple):
    """A carrier's report of a part. ``stat`` is empty for one that is not final; ``also`` is
    another form of the id, where a carrier writes it in two."""

    upstream: bytes
    stat: str
    also: bytes = b""


class Reply(NamedTuple):
    """What a person wrote to a port; the number as the carrier gave it."""

    phone: str
    port: str
    words: str


class Cut(NamedTuple):
    """How texts are cut for a carrier. ``codec`` is that of plain ones (coding 0), ``ascii`` or
    ``content.GSM``; the others are UCS2. ``most`` are the octets of a single plain one.
    ``whole``: they are not cut, for the carrier does it."""

    codec: str = "ascii"
    most: Literal[140, 160] = 140
    whole: bool = False


class Piece(NamedTuple):
    """One part on its way to a carrier. ``content`` begins with its header where it has one.

    ``coding`` is 0, whatever is plain there, or 8, UCS2. ``extra`` is what of the customer's
    submit goes on where both speak the same protocol, as that protocol writes it.
    """

    phone: str
    port: str
    total: int
    number: int
    udhi: int
    coding: int
    content: bytes
    extra: bytes = b""


class Dialect(Protocol):
    """One protocol's way of saying all this. PDUs are those of its tables.

    Readers raise RemoteProtocolError when a content cannot be read.
    """

    name: str
    """As in the settings: ``cmpp``, ``sgip``, ``smgp``, ``smpp``."""
    wire: WireProtocol
    """For the sessions."""
    limits: Limits
    """Likewise: its timers and maxima."""
    cut: Cut
    """For carriers."""
    up: int
    """The command that carries a piece; some logins bar it."""
    down: int
    """The command that carries a notice; likewise."""

    # Towards customers, who log in to us

    def account(self, pdu: PDU) -> str | None:
        """The account that this PDU would log in; None when it is no login."""

    def welcome(self, pdu: PDU, secret: bytes | None) -> tuple[PDU, bool]:
        """The answer to a login and whether it lets in; without a secret it does not."""

    def offer(self, pdu: PDU, original: bytes) -> Offer | None:
        """The offer that a request makes; None when it makes none."""

    def answer(self, pdu: PDU, references: Sequence[int], outcomes: Sequence[int]) -> PDU:
        """The answer to an offer's request. 0 when anything was taken: the rest is reported."""

    def decline(self, pdu: PDU) -> PDU | None:
        """The answer to any other request, which we do not serve."""

    def notify(self, session: Session, notice: Notice, now: float) -> None:
        """Send a report or a reply, with the notice as its token."""

    def taken(self, pdu: PDU) -> bool:
        """Whether a notice that is answered so has been taken; else it is wanted later."""

    # Towards carriers, to whom we log in

    def greeting(self, route: Route, secret: bytes, at: int) -> PDU:
        """Our login, at a time (epoch ms)."""

    def send(
        self, session: Session, route: Route, piece: Piece, token: object, now: float
    ) -> None:
        """Send one piece."""

    def outcome(self, pdu: PDU) -> Outcome:
        """What the carrier answered to a part."""

    def news(self, pdu: PDU) -> Report | Reply | None:
        """What a carrier's request tells; None when nothing that we serve."""

    def thanks(self, pdu: PDU) -> PDU | None:
        """Its answer, once what it told is on record."""
