"""The plan of a city: from a seed to everything that will be sent, said and recorded.

The same seed and options give the same plan, byte for byte. Every message carries the truth
about itself; nothing in the gateway ever sees that.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from qingjing.city.cast import CARRIERS, SHOPS, SUSPENDED, Shop, register
from qingjing.city.lookalikes import LOOKALIKES
from qingjing.city.scene import BUSY, Message, Past, Person, Reply, Stage
from qingjing.city.violations import BY_NAME, VIOLATIONS
from qingjing.kernel.words import Carrier

FILLERS: Final = 24
"""Messages that fill each carrier's window before those of the busy wave that must wait."""

_BACKGROUND: Final = {"verification": 25, "service": 35, "commercial": 35, "asking": 5}
_GROUP_MAX: Final = 2
"""Marketing messages of one group to one person in the background, below the house cap of 3."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a city is made from. ``share`` is the part of messages that are violations;
    ``weights`` shifts it between them by name (1 where nothing is said, 0 for none of it)."""

    seed: int = 1
    messages: int = 3000
    people: int = 0
    """0: as many as the messages need."""
    share: float = 0.25
    weights: Mapping[str, float] = {}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that will happen. ``fillers`` are tags of messages of the busy wave that go
    first; ``words`` are the consent texts by sender."""

    options: Options
    register: dict[str, list[dict[str, Any]]]
    words: dict[str, str]
    people: tuple[Person, ...]
    past: tuple[Past, ...]
    messages: tuple[Message, ...]
    replies: tuple[Reply, ...]
    fillers: frozenset[str]


class OptionsError(ValueError):
    """Options that no city can be made from; the text names the remedy."""


def make_plan(options: Options) -> Plan:
    """The plan of these options; OptionsError or TooFewPeople when there is none."""
    _check(options)
    chance = random.Random(options.seed)
    people = options.people or 400 + options.messages
    stage = Stage(chance, people)
    entries = register(chance)
    words = {shop.party: _words(stage, shop) for shop in SHOPS}
    for violation, count in _counts(options).items():
        for _ in range(count):
            BY_NAME[violation].plant(stage)
    few = max(2, round(options.messages * options.share / 2 / len(LOOKALIKES)))
    for scene in LOOKALIKES:
        for _ in range(few):
            scene(stage)
    before = len(stage.messages)
    _fill_windows(stage)
    fillers = frozenset(message.tag for message in stage.messages[before:])
    _background(stage, options.messages - len(stage.messages))
    chance.shuffle(stage.messages)
    return Plan(
        options=options,
        register=entries,
        words=words,
        people=tuple(stage.people),
        past=tuple(sorted(stage.past, key=lambda fact: -fact.ago)),
        messages=tuple(sorted(stage.messages, key=lambda message: message.wave)),
        replies=tuple(stage.replies),
        fillers=fillers,
    )


def _check(options: Options) -> None:
    unknown = [name for name in options.weights if name not in BY_NAME]
    if unknown:
        known = ", ".join(BY_NAME)
        raise OptionsError(f"there is no violation {', '.join(unknown)}: use {known}")
    if not 0 <= options.share <= 0.8:
        raise OptionsError(f"share {options.share} is not from 0 to 0.8")
    if options.messages < 300:
        raise OptionsError(f"{options.messages} messages are no city: ask for 300 or more")


def _counts(options: Options) -> dict[str, int]:
    """How many of each violation: shares by weight, at least two of whatever has a weight."""
    weights = {violation.name: 1.0 for violation in VIOLATIONS} | dict(options.weights)
    total = sum(weights.values())
    if not options.share or not total:
        return {}
    each = options.messages * options.share / total
    return {name: max(2, round(w * each)) for name, w in weights.items() if w > 0}


def _words(stage: Stage, shop: Shop) -> str:
    return stage.writer.consent_words(shop.name, "促销活动", "每月不超过8条，有效期一年")


def _fill_windows(stage: Stage) -> None:
    """Service messages enough to fill every carrier's window in the busy wave."""
    for carrier in CARRIERS:
        for _ in range(FILLERS):
            shop = stage.shop(filed=carrier)
            stage.send(shop, _anyone(stage, carrier), "service", wave=BUSY)


def _anyone(stage: Stage, carrier: Carrier | None = None, shop: Shop | None = None) -> Person:
    """Anyone at all: codes and notices go to everyone."""
    while True:
        person = stage.chance.choice(stage.people)
        unfiled = shop is not None and shop.unfiled is person.carrier
        if not unfiled and carrier in (None, person.carrier):
            return person


def _background(stage: Stage, count: int) -> None:
    """The traffic of every day, all of it good."""
    agreed = _agreements(stage)
    kinds = stage.chance.choices(list(_BACKGROUND), list(_BACKGROUND.values()), k=max(0, count))
    had: Counter[tuple[str, str]] = Counter()
    for kind in kinds:
        if kind == "commercial" and agreed:
            person, shop = agreed.pop()
            had[person.tag, shop.group] += 1
            if had[person.tag, shop.group] <= _GROUP_MAX:
                stage.send(shop, person, "commercial")
                continue
        if kind == "asking":
            shop = stage.shop()
            stage.send(shop, stage.person(shop=shop), "asking")
            continue
        shop = stage.shop()
        plain = "verification" if kind == "verification" else "service"
        stage.send(shop, _anyone(stage, shop=shop), plain)


def _agreements(stage: Stage) -> list[tuple[Person, Shop]]:
    """Half of the people of whom nothing is on record agree to one shop, two or three."""
    others = stage.others()
    agreed: list[tuple[Person, Shop]] = []
    for person in stage.chance.sample(others, len(others) // 2):
        stage.take(person)
        for _ in range(stage.chance.choice((1, 1, 2, 3))):
            shop = stage.shop(but=(SUSPENDED,), filed=person.carrier)
            if (person, shop) in agreed[-3:]:
                continue
            act = "requested" if stage.chance.random() < 0.1 else ""
            per = stage.chance.choice(((0, 0), (0, 0), (4, 30), (1, 7)))
            term = stage.chance.choice((0, 0, 365, 730))
            stage.consent(person, shop, act, term_days=term, per=per)
            agreed.append((person, shop))
    stage.chance.shuffle(agreed)
    return agreed
