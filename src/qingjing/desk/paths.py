"""What a batch shares: paths, texts and their combinations, each worked out once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from qingjing.desk.texts import Text
from qingjing.kernel import dossier as d
from qingjing.kernel.kinds import effective, is_marketing
from qingjing.kernel.register import Lane
from qingjing.kernel.rulebook import CarrierRule, Rulebook
from qingjing.kernel.words import Carrier, Kind, Phone
from qingjing.kernel.workdays import beijing_date


class Submit(msgspec.Struct, kw_only=True, gc=False):
    """One message to one person, as a door hands it in.

    ``submitter`` is the party of the account, ``original`` the submitted bytes of all parts,
    ``references`` the ids given to the customer, one a part; ``phone`` is None when the
    destination, ``to``, was no Chinese mobile number.
    """

    account: str
    submitter: str
    port: str
    phone: Phone | None
    to: str = ""
    carrier: Carrier
    declared: Kind
    body: str
    original: bytes
    references: tuple[int, ...] = (0,)
    wants_report: bool = False
    failures_only: bool = False
    """No report when it is delivered: silence then means success."""


COMBINED: Final = (
    "declared",
    "read",
    "sender",
    "port",
    "signature",
    "chain",
    "scope",
    "notice",
    "identity",
    "link",
    "asking",
)
"""The vector fields that lane, text and declaration settle between them."""

CATEGORY_BIT: Final = len(COMBINED)
MARKETING: Final = CATEGORY_BIT + 1
ASKING: Final = CATEGORY_BIT + 2
CATEGORY: Final = CATEGORY_BIT + 3
CAP_COUNT: Final = CATEGORY_BIT + 4
CAP_WINDOW_H: Final = CATEGORY_BIT + 5
"""Further columns of a combination, after the vector fields."""

LaneKey = tuple[str, str, str, Carrier]
"""Submitting party, port, signature, carrier."""


class Paths:
    """The lists that rows point into, grown as submits are placed."""

    def __init__(
        self,
        book: Rulebook,
        at: int,
        lane: Callable[[LaneKey, int], Lane],
        text: Callable[[str], Text],
    ) -> None:
        self._book, self._at, self._lane, self._text = book, at, lane, text
        self._day = beijing_date(at / 1000)
        self.lanes: list[Lane] = []
        self.accounts: list[str] = []
        self.texts: list[Text] = []
        self.fields: list[tuple[int, ...]] = []
        self._lane_places: dict[tuple[str, LaneKey], int] = {}
        self._text_places: dict[str, int] = {}
        self._combined: dict[tuple[int, int, Kind], int] = {}
        self._rules: dict[Carrier, CarrierRule] = {}

    def place(self, submit: Submit) -> tuple[int, int, int]:
        """Places of lane, text and combination for one submit."""
        text_at = self._text_places.get(submit.body)
        if text_at is None:
            text_at = self._text_places[submit.body] = len(self.texts)
            self.texts.append(self._text(submit.body))
        signature = self.texts[text_at].view.signature
        lane_key = (submit.submitter, submit.port, signature, submit.carrier)
        lane_at = self._lane_places.get((submit.account, lane_key))
        if lane_at is None:
            lane_at = self._lane_places[submit.account, lane_key] = len(self.lanes)
            self.lanes.append(self._lane(lane_key, self._at))
            self.accounts.append(submit.account)
        key = (lane_at, text_at, submit.declared)
        combined = self._combined.get(key)
        if combined is None:
            combined = self._combined[key] = len(self.fields)
            self.fields.append(self._combine(*key))
        return lane_at, text_at, combined

    def _rule(self, carrier: Carrier) -> CarrierRule:
        rule = self._rules.get(carrier)
        if rule is None:
            rule = self._rules[carrier] = self._book.carrier_rule(carrier, self._day)
        return rule

    def _combine(self, lane_at: int, text_at: int, submitted: Kind) -> tuple[int, ...]:
        lane, view = self.lanes[lane_at], self.texts[text_at].view
        rule = self._rule(lane.carrier)
        declared = d.declared_kind(submitted, view.kind, lane)
        port, signature = d.filed_states(lane, rule)
        return (
            declared,
            view.kind,
            lane.sender_state,
            port,
            signature,
            lane.chain_state,
            d.scope_state(declared, view.kind, lane.kinds),
            d.notice_state(view, rule),
            d.identity_state(view, self._book),
            d.link_state(view, rule),
            d.asking_state(declared, view, asked=False),
            view.category.bit,
            is_marketing(declared, view.kind),
            effective(declared, view.kind) is Kind.ASKING,
            view.category,
            rule.cap.count,
            rule.cap.window_h,
        )
