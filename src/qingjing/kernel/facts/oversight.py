"""Facts of oversight: findings, the measures that follow them, and looking back at both.

``by`` is the person who acts, by name or badge as the house keeps them.
"""

from __future__ import annotations

from qingjing.kernel.facts.fact import Fact
from qingjing.kernel.words import Step, Subject


class FindingOpened(Fact, frozen=True, kw_only=True, tag="finding.opened/1"):
    """What was found (认定): who, what, since when, how sure, on which evidence.

    ``score`` is from 0 to 1. ``evidence`` says in words what was seen, ``messages`` are ids of
    messages that show it. ``told`` is a party whose right is touched. ``query`` and ``params``
    are what looking back asks again.
    """

    finding: str
    what: str
    party: str
    port: str
    signature: str
    since: int
    score: float
    words: str
    evidence: tuple[str, ...]
    messages: tuple[int, ...]
    query: str
    params: tuple[tuple[str, str], ...]
    by: str
    told: str = ""


class FindingClosed(Fact, frozen=True, kw_only=True, tag="finding.closed/1"):
    """Put right, says whoever closes it: what looking back will check."""

    finding: str
    by: str
    reason: str


class FindingReopened(Fact, frozen=True, kw_only=True, tag="finding.reopened/1"):
    """It was not put right. ``by`` is empty when looking back found it."""

    finding: str
    by: str
    reason: str


class MeasureProposed(Fact, frozen=True, kw_only=True, tag="measure.proposed/1"):
    """One person proposes a severe measure, or with ``lift`` its end; another confirms it.

    ``until`` is the moment at which it ends by itself, None for never; ``due`` the moment until
    which things are to be put right (CORRECT), ``rate`` parts a second (SLOW).
    """

    measure: str
    step: Step
    subject: Subject
    name: str
    finding: str
    reason: str
    evidence: tuple[str, ...]
    by: str
    until: int | None = None
    due: int | None = None
    rate: int = 0
    lift: bool = False


class MeasureTaken(Fact, frozen=True, kw_only=True, tag="measure.taken/1"):
    """A measure (处置) is in force from now on. Fields as of ``measure.proposed/1``."""

    measure: str
    step: Step
    subject: Subject
    name: str
    finding: str
    reason: str
    evidence: tuple[str, ...]
    by: str
    confirmed_by: str = ""
    until: int | None = None
    due: int | None = None
    rate: int = 0


class MeasureAppealed(Fact, frozen=True, kw_only=True, tag="measure.appealed/1"):
    """Whom it concerns objects (申诉), with reasons. The measure stays until it is lifted."""

    measure: str
    by: str
    reason: str


class AppealAnswered(Fact, frozen=True, kw_only=True, tag="appeal.answered/1"):
    """The appeal was looked at and the measure stays; one that succeeds lifts the measure."""

    measure: str
    by: str
    reason: str


class MeasureLifted(Fact, frozen=True, kw_only=True, tag="measure.lifted/1"):
    """The measure holds no longer."""

    measure: str
    by: str
    reason: str
    confirmed_by: str = ""


class LookedBack(Fact, frozen=True, kw_only=True, tag="lookback.done/1"):
    """A re-examination (回头看): the same query over the record since, and a drawn sample.

    ``matter`` is ``finding f12``, ``measure m8`` or ``grant NAME``, ``ended`` the position of
    the fact that ended it, ``after_days`` 7, 30 or 90. Of ``seen`` messages ``hits`` are what
    the query asks for. ``plan`` is the sampling plan as canonical JSON, from which anyone draws
    the same messages; ``drawn`` the SHA-256 of the drawn list.
    """

    matter: str
    ended: int
    after_days: int
    query: str
    params: tuple[tuple[str, str], ...]
    seen: int
    hits: int
    passed: bool
    words: str
    plan: str
    drawn: bytes
