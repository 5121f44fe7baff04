"""What customers offered becomes decided messages, and for each offer its answer.

All whole messages of a turn are decided as one batch. Parts whose rest has not come are
recorded and wait; what was taken and does not leave after all is told by a report.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import structlog

from qingjing.desk import outbox, parts, send
from qingjing.desk.paths import Submit
from qingjing.desk.ports import Transaction
from qingjing.doors.gateway import translate
from qingjing.doors.gateway.dialect import Trouble
from qingjing.doors.gateway.inbox import Inbound
from qingjing.doors.gateway.retries import Retries
from qingjing.doors.gateway.translate import References
from qingjing.kernel.rows import may_leave
from qingjing.settings import Limits
from qingjing.wire.errors import RemoteProtocolError

_log = structlog.get_logger("qingjing.intake")


class Ready(NamedTuple):
    """An answer that is ready for after the commit: for each number its id and outcome."""

    inbound: Inbound
    references: Sequence[int]
    outcomes: Sequence[int]


class Refused(Protocol):
    """Tells an account of parts that were taken and did not pass (``Customers.refused``)."""

    def __call__(
        self, account: str, ids: Iterable[tuple[int, bytes]], to: str, port: str, at: int
    ) -> None:
        """Report them as rejected, at a time (epoch ms)."""


class Intake:
    """The joiner of long messages, what came before, and the desk that decides.

    :param box: where what passed is queued; the caller's own.
    """

    def __init__(
        self,
        desk: send.Desk,
        box: outbox.Outbox,
        limits: Limits,
        references: References,
        at: int,
    ) -> None:
        self._desk, self._outbox, self._references = desk, box, references
        self._wait_ms = limits.segment_wait_s * 1000
        self._joiner = parts.recover(desk.ledger, limits.segments_max)
        self._retries = Retries(box, self._joiner, at)
        self.refused: Refused

    def limit(self, limits: Limits) -> None:
        """Other limits from now on."""
        self._wait_ms = limits.segment_wait_s * 1000
        self._joiner.parts_max = limits.segments_max

    def expiring(self, at: int) -> bool:
        """Do any parts wait that have waited for long enough?"""
        return bool(len(self._joiner)) and self._joiner.expires(at - self._wait_ms)

    def low_water(self, position: int) -> int:
        """Where a restart must begin to read for the parts that wait."""
        return self._joiner.low_water(position)

    def decide(self, inbox: list[Inbound], t: Transaction) -> list[Ready]:
        """Decide all whole messages of the turn, and answer every offer.

        An offer to several numbers is taken when any of them passed. Parts whose rest has not
        come are recorded and taken. Whoever was told so of what does not leave after all is
        told by a report.
        """
        submits: list[Submit] = []
        replies: list[Ready] = []
        asked: list[tuple[Inbound, tuple[int, ...]]] = []
        fresh: list[parts.Part] = []
        for inbound in inbox:
            known = self._retries.known(inbound.caller, inbound.offer, t.at)
            if known is not None:
                replies.append(turned_away(inbound, known))
                continue
            references = self._references.take(len(inbound.offer.to), t.at)
            trouble = self._place(inbound, references, submits, fresh, t.at)
            if trouble is not None:
                replies.append(turned_away(inbound, trouble))
            else:
                asked.append((inbound, references))
        reasons = self._reasons(submits, t)
        waiting = [part for part in fresh if self._joiner.has(part)]
        self._joiner.keep(self._desk.ledger, t, waiting, self._desk.node)
        found = {
            reference: bits
            for submit, bits in zip(submits, reasons, strict=True)
            for reference in submit.references
        }
        accepted = set(found)
        for inbound, references in asked:
            outcomes = [found.get(reference, 0) for reference in references]
            replies.append(Ready(inbound, references, outcomes))
            if all(outcomes):
                accepted.difference_update(references)
            else:
                self._retries.taken(inbound.caller, inbound.offer, t.at)
        self._report_refused(submits, reasons, accepted, t.at)
        self._drop_expired(t.at)
        return replies

    def _place(
        self,
        inbound: Inbound,
        references: tuple[int, ...],
        submits: list[Submit],
        fresh: list[parts.Part],
        at: int,
    ) -> Trouble | None:
        """Turn an offer into messages of the batch, or into parts that wait; what it is
        answered with at once, None when it was taken."""
        caller, offer = inbound.caller, inbound.offer
        try:
            if offer.concat is None:
                submits += translate.submits(offer, caller, references, self._desk.carrier_of)
                return None
        except RemoteProtocolError as error:
            _log.info("unreadable content", account=caller.account, error=str(error))
            return Trouble.UNREADABLE
        if self._joiner.full:
            return Trouble.SLOW_DOWN
        found = translate.parts_of(offer, caller, offer.concat, references, at)
        if any(self._joiner.has(part) for part in found):
            return Trouble.AGAIN
        for part in found:
            fresh.append(part)
            together = self._joiner.add(part)
            if together is not None:
                submits.append(translate.joined(together, caller, self._desk.carrier_of))
        return None

    def _reasons(self, submits: list[Submit], t: Transaction) -> list[int]:
        """The reason bits of each message, decided and recorded; 0 for those that leave."""
        if not submits:
            return []
        decided = send.decide(self._desk, submits, t)
        self._outbox.admit(decided, submits, t.position)
        rows = decided.rows
        reasons: list[int] = np.where(may_leave(rows), 0, rows["reasons"]).tolist()
        return reasons

    def _report_refused(
        self, submits: list[Submit], reasons: list[int], accepted: set[int], at: int
    ) -> None:
        """Report what was taken, now or as an early part, and did not pass."""
        for submit, bits in zip(submits, reasons, strict=True):
            if not bits or not submit.wants_report:
                continue
            origins = self._outbox.origins(submit.account, submit.original)
            ids = translate.named(submit.references, origins)
            told = [one for one in ids if one[0] in accepted]
            to = translate.shown(submit.to)
            self.refused(submit.account, told, to, submit.port, at)

    def _drop_expired(self, at: int) -> None:
        """Half a message is never sent; whoever was told that it is taken is told so."""
        for part in self._joiner.expired(at - self._wait_ms):
            account, port, to, _reference, _total = part.key
            _log.info("half a long message", account=account, port=port, part=part.number)
            if part.wants_report:
                origins = self._outbox.origins(account, part.original)
                ids = translate.named((part.reference,), origins)
                self.refused(account, ids, translate.shown(to), port, at)


def turned_away(inbound: Inbound, trouble: int) -> Ready:
    """The answer to an offer that is not decided: a Trouble, or 0 to one that was taken."""
    count = len(inbound.offer.to)
    return Ready(inbound, (0,) * count, (int(trouble),) * count)
