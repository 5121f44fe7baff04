"""Messages of our own making: wordings by trade, with choices and slots filled in.

``(one|of|these)`` is a choice, also nested and also empty; ``{name}`` is a slot. No published
corpus has today's verification codes, service notices and requests for consent; these have the
forms of 2014 to 2026. Chance comes from the caller, so that the same seed makes the same rows.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import msgspec

from qingjing.kernel.words import Category, Kind
from qingjing.text.teach.fillings import MADE

if TYPE_CHECKING:
    from random import Random

FILES: Final = ("verification", "service", "commercial", "other")

UNSIGNED: Final = {
    Kind.PERSONAL: 1.0,
    Kind.ILLEGAL: 0.6,
    Kind.COMMERCIAL: 0.15,
    Kind.PUBLIC: 0.08,
}
"""The share of texts of a kind without signature; 0.04 for the others."""

NOTICED: Final = {Kind.COMMERCIAL: 0.8, Kind.PERSONAL: 0.03, Kind.ILLEGAL: 0.15}
"""The share with an opt-out notice; 0.15 for the others, as one carrier wants it on all."""

OFTENER: Final = {Kind.VERIFICATION: 4, Kind.PUBLIC: 2, Kind.PERSONAL: 2, Kind.ASKING: 6}
"""Kinds of few wordings with many choices each are composed so many times as often."""

_DEPTH: Final = 5
"""How deep slots may hold slots: link, domain, word."""

_SLOT: Final = re.compile(r"\{([a-z0-9]+)\}")


class Row(msgspec.Struct, frozen=True):
    """One labelled text. ``category`` is None where it is not known.

    ``group`` names the wording that it was made of, ``industry`` the trade: what is held out
    together when generalisation is measured.
    """

    text: str
    kind: Kind
    category: Category | None
    mixed: bool = False
    group: str = ""
    industry: str = ""


class _Wording(msgspec.Struct, frozen=True):
    kind: Kind
    category: Category | None
    industry: str
    signs: tuple[str, ...]
    text: str
    group: str


class _Stock(msgspec.Struct, frozen=True):
    wordings: tuple[_Wording, ...]
    tails: tuple[tuple[Category, str, str], ...]
    slots: dict[str, tuple[str, ...]]


@cache
def _stock() -> _Stock:
    """All wordings of the package, read at first use."""
    folder = files(__package__) / "wordings"

    def table(name: str) -> dict[str, Any]:
        return tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))

    wordings: list[_Wording] = []
    tails: list[tuple[Category, str, str]] = []
    for name in FILES:
        data = table(name)
        for group in data["group"]:
            category = Category[group["category"].upper()] if "category" in group else None
            label = f"{group['kind']}.{group.get('category', '')}.{group['industry']}"
            wordings += [
                _Wording(
                    Kind[group["kind"].upper()],
                    category,
                    group["industry"],
                    tuple(group["signs"].split()),
                    text,
                    f"{label}.{at}",
                )
                for at, text in enumerate(group["texts"])
            ]
        for tail in data.get("tails", ()):
            category = Category[tail["category"].upper()]
            tails += [
                (category, text, f"tail.{tail['category']}.{at}")
                for at, text in enumerate(tail["texts"])
            ]
    slots = {name: tuple(line.split("|")) for name, line in table("slots").items()}
    return _Stock(tuple(wordings), tuple(tails), slots)


def compose(chance: Random, each: int, mixed: int) -> Iterator[Row]:
    """``each`` texts of every wording, then ``mixed`` promotions on notices or codes.

    Beside every second of those stand the promotion alone and a notice of two sentences: not
    the words, nor the length, but both together make a message mixed.
    """
    stock = _stock()
    for wording in stock.wordings:
        for _ in range(each * OFTENER.get(wording.kind, 1)):
            yield _row(chance, wording)
    hosts = [one for one in stock.wordings if one.kind in (Kind.SERVICE, Kind.VERIFICATION)]
    services = [one for one in hosts if one.kind is Kind.SERVICE]
    for at, host in enumerate(chance.choices(hosts, k=mixed)):
        category, text, group = chance.choice(stock.tails)
        sign = chance.choice(host.signs)
        body, tail = _sentence(chance, host.text, sign), _sentence(chance, text, sign)
        joint = chance.choice("。。。！,， ；~")
        names = (f"{host.group}+{group}", host.industry)
        hung = _dress(chance, body + joint + tail, sign, Kind.COMMERCIAL, noticed=0.3)
        yield Row(hung, Kind.COMMERCIAL, category, True, *names)
        if at % 2:
            continue
        more = _sentence(chance, chance.choice(services).text, sign)
        alone = _dress(chance, tail, sign, Kind.COMMERCIAL, noticed=0.5)
        yield Row(alone, Kind.COMMERCIAL, category, False, *names)
        if host.kind is Kind.SERVICE:
            both = _dress(chance, body + joint + more, sign, Kind.SERVICE, noticed=0.15)
            yield Row(both, Kind.SERVICE, None, False, *names)


def _sentence(chance: Random, text: str, sign: str) -> str:
    return _fill(chance, text, sign).strip().rstrip("。，,")


def _row(chance: Random, wording: _Wording) -> Row:
    sign = chance.choice(wording.signs) if wording.signs else ""
    body = _fill(chance, wording.text, sign).strip()
    if wording.kind in (Kind.SERVICE, Kind.VERIFICATION) and chance.random() < 0.35:
        closing = _fill(chance, chance.choice(_stock().slots["sure"]), sign)
        body = body.rstrip("。，") + chance.choice("。。，！ ") + closing
    text = _dress(chance, body, sign, wording.kind, NOTICED.get(wording.kind, 0.15))
    return Row(text, wording.kind, wording.category, False, wording.group, wording.industry)


def _dress(chance: Random, body: str, sign: str, kind: Kind, noticed: float) -> str:
    """Signature, notice and the habits of punctuation."""
    if chance.random() < 0.25:
        body = body.translate(_NARROW)
    elif chance.random() < 0.12:
        body = re.sub(r"[，。！？：；、（）~]", "", body)
    if chance.random() < noticed:
        body = (
            body.rstrip("。，, ")
            + chance.choice(("", "", " ", "，", "。", ","))
            + (chance.choice(_stock().slots["notice"]))
        )
    if not sign or chance.random() < UNSIGNED.get(kind, 0.04):
        return body
    place = chance.random()
    if place < 0.1:
        return f"{body}【{sign}】"
    if place < 0.13:
        return f"[{sign}]{body}"
    return f"【{sign}】{body}"


_NARROW: Final = str.maketrans("，。！？：；（）", ",.!?:;()")


def _fill(chance: Random, text: str, sign: str) -> str:
    """One text of a wording."""
    chosen = _choose(chance, text)
    for _ in range(_DEPTH):
        if "{" not in chosen:
            break
        chosen = _SLOT.sub(lambda match: _slot(chance, match[1], sign), chosen)
    return chosen


def _choose(chance: Random, text: str) -> str:
    """Resolve the choices, the innermost first."""
    while True:
        end = text.find(")")
        if end < 0:
            return text
        start = text.rfind("(", 0, end)
        if start < 0:
            raise ValueError(f"a bracket closes that was not opened: {text!r}")
        pick = chance.choice(text[start + 1 : end].split("|"))
        text = text[:start] + pick + text[end + 1 :]


def _slot(chance: Random, name: str, sign: str) -> str:
    """One slot's filling, which may hold slots itself."""
    if name == "sign":
        return sign
    made = MADE.get(name)
    if made is not None:
        return made(chance)
    return chance.choice(_stock().slots[name])
