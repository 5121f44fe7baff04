"""Rulebooks as data: which rules, with which effect, which hours, caps and carrier rules.

A rulebook is adopted by a fact and chosen by the send time (Order 31 until 2026-04-30, Order
74 from 2026-05-01). Whatever the law's sources leave open is named in ``unverified``, stays
configurable here, and ``qingjing rulebook show`` says so.
"""

from __future__ import annotations

import hashlib
import tomllib
from datetime import date
from typing import Final, Literal

import msgspec

from qingjing.kernel.words import Carrier, Kind, Verdict
from qingjing.kernel.workdays import beijing_date


class RulebookError(ValueError):
    """The rulebook's text is wrong; the message names the field and the remedy."""


class Cap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most ``count`` messages in ``window_h`` hours; a count of 0 means no cap."""

    count: int = 0
    window_h: int = 24


class CarrierRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one carrier asks of texts from a day on (Beijing); the newest that applies holds.

    ``notice``: who must carry an opt-out notice. ``keywords``: forms it accepts, empty for any.
    ``links``: does it carry messages with links. ``filing``: must port and signature be filed.
    """

    carrier: str
    since: date
    notice: Literal["none", "commercial", "all"] = "commercial"
    keywords: tuple[str, ...] = ()
    links: bool = True
    filing: bool = True
    cap: Cap = Cap()
    source: str = ""


class Rulebook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rulebook. Days are Beijing days; ``until`` is the last day in force (None: open)."""

    name: str
    version: int
    title_zh: str
    title_en: str
    since: date
    until: date | None = None
    rules: dict[str, Literal["refuse", "hold", "off"]]
    open_hour: int = 8
    close_hour: int = 22
    house_cap: Cap = Cap()
    carriers: tuple[CarrierRule, ...] = ()
    identity: Literal["signature", "contact"] = "signature"
    asking_silence_days: int = 7
    retention_months: int = 6
    forward_days: int = 5
    answer_days: int = 15
    unverified: tuple[str, ...] = ()

    def effect(self, rule: str) -> Verdict:
        """What a hit of this rule means.

        A book names every rule that was known when it was adopted (``desk.rulebook`` asks for
        it); a rule that it does not name is younger than the book and not part of it, so that
        decisions under old books can be computed again for ever.
        """
        match self.rules.get(rule, "off"):
            case "off":
                return Verdict.PASS
            case "hold":
                return Verdict.HOLD
            case _:
                return Verdict.REFUSE

    def carrier_rule(self, carrier: Carrier, day: date) -> CarrierRule:
        """The rule of a carrier on a day: its own newest, else the newest for ``any``."""
        found: CarrierRule | None = None
        for rule in self.carriers:
            if rule.since > day or rule.carrier not in (carrier.name.lower(), "any"):
                continue
            if found is None or _precedence(rule) >= _precedence(found):
                found = rule
        return found or CarrierRule(carrier="any", since=self.since)

    def in_force(self, day: date) -> bool:
        """Is the book in force on this day?"""
        return self.since <= day and (self.until is None or day <= self.until)


def _precedence(rule: CarrierRule) -> tuple[bool, date]:
    return rule.carrier != "any", rule.since


def read_rulebook(text: str) -> Rulebook:
    """A rulebook from its TOML text; RulebookError names what is wrong."""
    try:
        book = msgspec.convert(tomllib.loads(text), Rulebook)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise RulebookError(f"rulebook: {error}; see docs/concepts.md, Rulebook") from error
    if not 0 <= book.open_hour < book.close_hour <= 24:
        raise RulebookError(
            f"rulebook {book.name}: open_hour {book.open_hour} must be before close_hour "
            f"{book.close_hour}, both within 0 to 24"
        )
    if book.until is not None and book.until < book.since:
        raise RulebookError(
            f"rulebook {book.name}: until {book.until} is before since {book.since}; "
            "until is the last day in force"
        )
    known = [carrier.name.lower() for carrier in Carrier]
    for rule in book.carriers:
        if rule.carrier not in known:
            # A misspelt carrier's rule would never apply, and nobody would notice.
            raise RulebookError(
                f"rulebook {book.name}: carriers.carrier {rule.carrier!r} is not known; "
                f"use one of {', '.join(known)}"
            )
    return book


def canonical(book: Rulebook) -> bytes:
    """The bytes that a fact carries and a digest names."""
    return msgspec.json.encode(book, order="sorted")


def digest(book: Rulebook) -> str:
    """SHA-256 of the canonical bytes, in hex: two books with one digest are the same book."""
    return hashlib.sha256(canonical(book)).hexdigest()


def choose(books: tuple[Rulebook, ...], at: int) -> Rulebook | None:
    """The book in force at a send time; of several, the one adopted last."""
    day = beijing_date(at / 1000)
    return next((book for book in reversed(books) if book.in_force(day)), None)


def difference(old: Rulebook, new: Rulebook) -> list[tuple[str, str, str]]:
    """Field by field what changed: (name, old, new), rules and carrier rules spelled out."""
    before, after = _flat(old), _flat(new)
    names = [*before, *(name for name in after if name not in before)]
    changes = [(name, before.get(name, ""), after.get(name, "")) for name in names]
    return [change for change in changes if change[1] != change[2]]


def _flat(book: Rulebook) -> dict[str, str]:
    plain = msgspec.to_builtins(book)
    flat = {f"rule {name}": effect for name, effect in plain.pop("rules").items()}
    for rule in plain.pop("carriers"):
        label = f"carrier {rule.pop('carrier')} since {rule.pop('since')}"
        flat |= {f"{label}: {name}": str(value) for name, value in rule.items()}
    return {name: str(value) for name, value in plain.items()} | flat


MARKETING_KINDS: Final = (1 << Kind.COMMERCIAL) | (1 << Kind.ASKING)
"""The mask of kinds that a marketing port or signature may carry."""
