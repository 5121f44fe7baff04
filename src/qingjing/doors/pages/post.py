"""Texts of the pages to a person: through the gate, like everyone's messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import structlog

from qingjing.doors.gateway.dialect import Caller, Offer
from qingjing.doors.gateway.engine import Engine
from qingjing.kernel.batch import names
from qingjing.kernel.words import Kind, Phone
from qingjing.settings import Settings

_log = structlog.get_logger("qingjing.pages")

KINDS: Final = {"code": Kind.VERIFICATION, "confirmation": Kind.SERVICE}
"""What a text of ours may be."""


class Post:
    """Offers texts and tells the log when one was refused: an operator must mend that."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        """``settings`` have pages, and these an account: ``settings.load`` saw to it."""
        assert settings.pages is not None
        pages = settings.pages
        account = settings.accounts[pages.account]
        self._engine, self._signature = engine, pages.signature
        self._port = pages.sms_port or account.port
        self._caller = Caller(pages.account, account.party, dict(KINDS), self._port)
        self.refused = 0
        """Texts that the gate did not let pass, since the start."""

    def send(self, phone: Phone, text: str, kind: str) -> None:
        """Offer it to the next turn. Nobody waits for the answer: its time would tell something
        of the number."""
        body = f"【{self._signature}】{text}"
        offer = Offer(
            to=(phone.digits,),
            port=self._port,
            service=kind,
            content=body.encode(),
            codec="utf-8",
            concat=None,
            wants_report=False,
            original=msgspec.json.encode({"pages": kind, "to": phone.digits, "text": body}),
        )
        self._engine.offered(self, kind, self._caller, offer)

    def answer(
        self, token: Any, references: Sequence[int], outcomes: Sequence[int], at: int
    ) -> None:
        """The gate's answer; no word of the number goes into the log."""
        del references, at
        if outcomes[0]:
            self.refused += 1
            reasons = list(names(outcomes[0])) if outcomes[0] > 0 else ["slow_down"]
            _log.warning("text refused by the gate", kind=token, reasons=reasons)

    def flush(self) -> None:
        """Nothing is written back."""
