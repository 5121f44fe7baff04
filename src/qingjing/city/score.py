"""The score of a run: what was planted, what was found, and what must never have happened.

It reads the files alone, so that it can be checked, and doctored files be caught.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

import msgspec

from qingjing.city import out
from qingjing.city.scene import GOOD
from qingjing.city.violations import VIOLATIONS
from qingjing.doors.gateway.results import RESULTS

SHOWN_MAX: Final = 20
"""Tags kept of each thing that went wrong: enough to look into."""

_REASONS: Final = {result: reason for reason, result in RESULTS.items()}
_HOLDS: Final = frozenset({"dossier_complete", "refusal_clear", "kind_clear"})
"""What the shipped rulebooks hold; everything else they refuse."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One violation. ``found``: not sent, and for a fitting reason. ``precision``: of all that
    was not sent for these reasons, the part that they name rightly. ``missed`` are tags."""

    name: str
    planted: int
    found: int
    recall: float
    precision: float
    missed: tuple[str, ...]


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """What must not happen at all; tags of messages.

    ``refused_yet_received``: a carrier received what had been refused. ``after_refusal``: a
    carrier received marketing of a group after that person's refusal of it was acknowledged.
    ``received_twice``. ``vanished``: taken, and neither received nor reported. ``unanswered``.
    ``strange``: received, and never submitted.
    """

    refused_yet_received: tuple[str, ...]
    after_refusal: tuple[str, ...]
    received_twice: tuple[str, ...]
    vanished: tuple[str, ...]
    unanswered: tuple[str, ...]
    strange: tuple[str, ...]


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """The score. ``good_refused`` and ``good_held`` are (tag, text, reason) of messages."""

    messages: int
    good: int
    passed: int
    refused: int
    held: int
    received: int
    rows: tuple[Row, ...]
    good_refused: tuple[tuple[str, str, str], ...]
    good_held: tuple[tuple[str, str, str], ...]
    faults: Faults

    @property
    def recall(self) -> float:
        """The part of all planted violations that was found."""
        planted = sum(row.planted for row in self.rows)
        return sum(row.found for row in self.rows) / planted if planted else 1.0

    @property
    def ok(self) -> bool:
        """Everything found, nothing good refused, nothing that must not happen."""
        return (
            all(row.found == row.planted for row in self.rows)
            and not self.good_refused
            and not any(msgspec.structs.astuple(self.faults))
        )


class _Fate(msgspec.Struct, frozen=True):
    """What became of one message, as seen from outside."""

    truth: out.Truth
    outcome: Literal["passed", "refused", "held", "unanswered"]
    reason: str
    received: out.Delivered | None
    stats: tuple[str, ...]


def score(folder: Path) -> Score:
    """Score a run by its files; OutError when they cannot be read."""
    truths = out.read(folder, out.TRUTH, out.Truth)
    answers = {row.tag: row for row in out.read(folder, out.ANSWERS, out.Answered)}
    reports = {row.tag: row for row in out.read(folder, out.REPORTS, out.Reported)}
    delivered = out.read(folder, out.RECEIVED, out.Delivered)
    received = {row.tag: row for row in delivered if row.tag}
    fates = [
        _fate(truth, answers.get(truth.tag), reports.get(truth.tag), received.get(truth.tag))
        for truth in truths
    ]
    refusals = _refusals(out.read(folder, out.REPLIES, out.Heard))
    good = [fate for fate in fates if fate.truth.violation == GOOD]
    outcomes = Counter(fate.outcome for fate in fates)
    return Score(
        messages=len(fates),
        good=len(good),
        passed=outcomes["passed"],
        refused=outcomes["refused"],
        held=outcomes["held"],
        received=len(delivered),
        rows=tuple(_rows(fates, refusals)),
        good_refused=_told(fate for fate in good if fate.outcome == "refused"),
        good_held=_told(fate for fate in good if fate.outcome == "held"),
        faults=_faults(fates, delivered, refusals),
    )


def reason_of(results: Iterable[int]) -> str:
    """The rule behind the answers to a message's parts; empty when none refused it.

    Of a long message all parts but the last are answered before it is decided.
    """
    code = next((result for result in results if result > 0), 0)
    return _REASONS.get(code, f"result {code}") if code else ""


def _fate(
    truth: out.Truth,
    answer: out.Answered | None,
    report: out.Reported | None,
    received: out.Delivered | None,
) -> _Fate:
    results = answer.results if answer else (-1,)
    stats = report.stats if report else ()
    reason = reason_of(results)
    outcome: Literal["passed", "refused", "held", "unanswered"] = "passed"
    if reason:
        outcome = "held" if reason in _HOLDS else "refused"
    elif -1 in results:
        outcome = "unanswered"
    return _Fate(truth, outcome, reason, received, stats)


def _told(fates: Iterable[_Fate]) -> tuple[tuple[str, str, str], ...]:
    return tuple((fate.truth.tag, fate.truth.text, fate.reason) for fate in fates)


_Refusals = dict[tuple[str, str], int]
"""Person and group to the place in the carrier's order at which the refusal held."""


def _refusals(replies: Iterable[out.Heard]) -> _Refusals:
    found: _Refusals = {}
    for reply in replies:
        if reply.meant == "refusing":
            key = (reply.person, reply.group)
            found[key] = min(reply.order, found.get(key, reply.order))
    return found


def _too_late(fate: _Fate, refusals: _Refusals) -> bool:
    """Did a carrier receive it after the person's refusal held?"""
    if fate.received is None or not fate.truth.marketing:
        return False
    held_from = refusals.get((fate.truth.person, fate.truth.group))
    return held_from is not None and fate.received.order > held_from


def _found(fate: _Fate, fitting: frozenset[str], refusals: _Refusals) -> bool:
    match fate.truth.must:
        case "either":
            return not _too_late(fate, refusals)
        case "stop" if fate.outcome == "passed":
            return fate.received is None and "REJECTD" in fate.stats
        case "hold":
            return fate.outcome == "held" and fate.reason in fitting
        case _:
            return fate.outcome in ("refused", "held") and fate.reason in fitting


def _rows(fates: list[_Fate], refusals: _Refusals) -> Iterable[Row]:
    named = {violation.name: violation.fitting for violation in VIOLATIONS}
    stopped = [fate for fate in fates if fate.reason]
    right = Counter(
        fate.reason for fate in stopped if fate.reason in named.get(fate.truth.violation, ())
    )
    total = Counter(fate.reason for fate in stopped)
    for name, fitting in named.items():
        planted = [fate for fate in fates if fate.truth.violation == name]
        if not planted:
            continue
        missed = [f.truth.tag for f in planted if not _found(f, fitting, refusals)]
        named_so = sum(total[reason] for reason in fitting)
        rightly = sum(right[reason] for reason in fitting)
        yield Row(
            name=name,
            planted=len(planted),
            found=len(planted) - len(missed),
            recall=round(1 - len(missed) / len(planted), 4),
            precision=round(rightly / named_so, 4) if named_so else 1.0,
            missed=tuple(missed[:SHOWN_MAX]),
        )


def _faults(fates: list[_Fate], delivered: list[out.Delivered], refusals: _Refusals) -> Faults:
    def tags(found: Iterable[_Fate]) -> tuple[str, ...]:
        return tuple(fate.truth.tag for fate in found)

    return Faults(
        refused_yet_received=tags(f for f in fates if f.reason and f.received is not None),
        after_refusal=tags(f for f in fates if _too_late(f, refusals)),
        received_twice=tuple(row.tag for row in delivered if row.times > 1),
        vanished=tags(
            f for f in fates if f.outcome == "passed" and not f.received and not f.stats
        ),
        unanswered=tags(f for f in fates if f.outcome == "unanswered"),
        strange=tuple(f"{row.carrier} {row.port}" for row in delivered if not row.tag),
    )
