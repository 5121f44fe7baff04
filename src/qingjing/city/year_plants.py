"""What is planted in the city's year: each violation, in several forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from qingjing.city.year_cast import CODE, SELL, TELL, TRADES, Cast, Company, usual
from qingjing.kernel.words import Category


@dataclass
class Plant:
    """One plant; ``number`` marks its streams."""

    name: str
    kind: str
    subject: str
    innocent: bool
    number: int
    also: list[tuple[str, str]] = field(default_factory=list)


Made = tuple[str, str, list[tuple[str, str]]]
"""Detector, subject, and what else it truly is."""
Planter = Callable[[Cast, int], Made]


def ran(cast: Cast, volume: float = 1.0) -> dict[str, Any]:
    """When it begins, how much it sends a day, and for how long."""
    begin = cast.day()
    mean = float(np.clip(cast.chance.lognormvariate(np.log(25 * volume), 0.7), 6, 400))
    return {"begin": begin, "end": begin + cast.chance.randrange(20, 120), "volume": mean}


def other(cast: Cast, trade: str) -> str:
    return cast.chance.choice([one for one in TRADES if one != trade])


# Violations


def _sublet_named(cast: Cast, number: int) -> Made:
    """A registered sender uses another's port with its own name, by the holder's account."""
    host, guest = cast.take(), cast.company()
    sender = cast.chance.choice((host.party, guest.party))
    cast.stream(guest, SELL, port=host.sells, sender=sender, provider=host.provider,
                plant=number, **ran(cast))  # fmt: skip
    also = [("signature_drift", guest.signature)] if sender == host.party else []
    return "sublet_port", host.sells, also


def _sublet_unknown(cast: Cast, number: int) -> Made:
    """Somebody whom the register does not know, with a name and links of its own."""
    host = cast.take()
    trade = other(cast, host.trade)
    texts = {SELL: cast.wordings(SELL, trade, cast.chance.randrange(2, 6))}
    cast.stream(host, SELL, signature=cast.name(trade), domains=[cast.link()], texts=texts,
                category=int(Category[trade.upper()]), people=cast.audience(800),
                hour=cast.chance.uniform(8, 21), plant=number, **ran(cast))  # fmt: skip
    return "sublet_port", host.sells, []


def _sublet_hidden(cast: Cast, number: int) -> Made:
    """Another's trade and links behind the host's own name."""
    host = cast.take()
    guest = cast.company(other(cast, host.trade))
    cast.stream(guest, SELL, port=host.sells, sender=host.party, signature=host.signature,
                provider=host.provider, plant=number, **ran(cast))  # fmt: skip
    return "sublet_port", host.sells, [("signature_drift", host.signature)]


def _drift_sender(cast: Cast, number: int) -> Made:
    """Somebody else signs with a registered name, on a port of its own."""
    user, owner = cast.take(), cast.take()
    cast.stream(user, SELL, signature=owner.signature, plant=number, **ran(cast))
    return "signature_drift", owner.signature, [("sublet_port", user.sells)]


def _drift_kind(cast: Cast, number: int) -> Made:
    """A name that was registered for notices sends marketing."""
    one = cast.company()
    entry = next(s for s in cast.register["signatures"] if s["signature"] == one.signature)
    entry["kinds"] = ["service", "verification"]
    cast.stream(one, TELL, CODE, port=one.tells)
    cast.stream(one, SELL, plant=number, **ran(cast))
    return "signature_drift", one.signature, []


def _drift_category(cast: Cast, number: int) -> Made:
    """A name sells what is outside its scope and its licence."""
    one = cast.take()
    trade = other(cast, one.trade)
    cast.stream(one, SELL, category=int(Category[trade.upper()]), plant=number,
                texts={SELL: cast.wordings(SELL, trade, 4)}, **ran(cast))  # fmt: skip
    return "signature_drift", one.signature, []


def _drift_port(cast: Cast, number: int) -> Made:
    """A port for notices turns to marketing."""
    one = cast.take()
    cast.stream(one, SELL, port=one.tells, plant=number, **ran(cast))
    return "port_drift", one.tells, []


def stopped(cast: Cast, how: str) -> tuple[Company, int]:
    """A company that sends until it is stopped, by a measure or by refusals."""
    one = cast.company()
    usual(cast, one)
    day = cast.day(0.35, 0.75)
    moment = day - cast.chance.uniform(0.1, 0.4)
    ports = [one.sells] if how in ("port", "refused") else [one.sells, one.tells]
    cast.end(one, day, ports)
    if how == "refused":
        cast.stream(one, SELL, begin=day, end=day + 2, refused=0.97, volume=max(one.volume, 25))
    else:
        key = {"party": one.party, "signature": one.signature, "port": one.sells}[how]
        cast.register["measures"].append({"at": moment, how: key, "reason": "complaints"})
    return one, day


def _shell(cast: Cast, one: Company, day: int, ties: set[str]) -> dict[str, Any]:
    """What goes on under a new name, as far as it keeps these ties."""
    chance = cast.chance
    found: dict[str, Any] = {"people": cast.audience(len(one.people)), "domains": [cast.link()]}
    if "link" in ties:
        found["domains"] = [one.domain]
    elif "landing" in ties:
        cast.register["domains"].append({"domain": found["domains"][0], "owner": one.party})
    if "audience" in ties:
        keep = int(len(one.people) * chance.uniform(0.6, 1.0))
        found["people"] = np.concatenate(
            [one.people[:keep], found["people"][: len(one.people) - keep]]
        )
    found["texts"] = {SELL: cast.wordings(SELL, one.trade, 5)}
    if "texts" in ties:
        found["texts"] = {SELL: tuple(_reworded(cast, key) for key in one.texts[SELL])}
    found |= {"volume": max(8.0, one.volume), "begin": day, "end": day + 90}
    return found


def _reworded(cast: Cast, key: int) -> int:
    """A text as it comes back: as it was, or slightly changed."""
    body = cast.texts[key]
    how = cast.chance.random()
    if how < 0.4:
        return key
    if how < 0.7:
        return cast.text(cast.chance.choice(("亲,", "提醒您:", "福利来了,")) + body)
    return cast.text(
        body.rstrip(",。! ") + cast.chance.choice(("!速来", ",欢迎光临", ",先到先得"))
    )


def _came_back(cast: Cast, number: int) -> Made:
    """Stopped, and back within weeks under a name that hides part of what it was."""
    chance = cast.chance
    one, day = stopped(cast, chance.choice(("party", "signature", "port", "refused")))
    ties = {chance.choice(("link", "landing", "audience"))}
    ties |= set(chance.sample(("link", "landing", "audience", "texts"), chance.randrange(1, 3)))
    if not ties - {"audience"}:
        ties.add("texts")
    begin = day + 1 + chance.randrange(0, 25)
    shell = cast.company(one.trade, valid_from=begin)
    cast.stream(shell, SELL, plant=number, **_shell(cast, one, begin, ties))
    return "came_back", shell.signature, []


def _moved_on(cast: Cast, number: int) -> Made:
    """Stopped, and back as the same company under a new signature or by another provider."""
    chance = cast.chance
    one, day = stopped(cast, chance.choice(("signature", "port")))
    begin = day + 1 + chance.randrange(0, 20)
    provider = chance.choice(cast.providers)
    fresh = one._replace(
        provider=provider,
        sells=cast.port(provider, (SELL,), valid_from=begin),
        signature=cast.name(one.trade),
    )
    entry = {"signature": fresh.signature, "owner": one.party, "valid_from": begin}
    cast.register["signatures"].append(entry)
    cast.grant(fresh, fresh.sells, valid_from=begin)
    cast.stream(fresh, SELL, plant=number, begin=begin, end=begin + 90,
                volume=max(8.0, one.volume))  # fmt: skip
    return "came_back", fresh.signature, []


def campaign(cast: Cast, one: Company, day: int, **more: Any) -> dict[str, Any]:
    """One text that a provider refuses at noon and that is sent on later."""
    key = cast.text(cast.texts[cast.chance.choice(one.texts[SELL])] + f",第{day}期专享回馈活动")
    volume = cast.chance.uniform(15, 80)
    same = {"texts": {SELL: (key,)}, "volume": volume, "begin": day, "end": day + 1}
    return same | more


def _shopping(cast: Cast, number: int) -> Made:
    """Refused by the own provider, and sent by another some hours later."""
    one, day = cast.take(), cast.day()
    second = cast.chance.choice([p for p in cast.providers if p != one.provider])
    text = campaign(cast, one, day)
    cast.stream(one, SELL, refused=0.93, **text | {"hour": 10.0})
    declared = cast.chance.random() < 0.5
    if declared:
        cast.grant(one, one.sells, chain=[one.party, second])
    later = cast.chance.choice((0, 1, 2))
    moved = text | {"begin": day + later, "end": day + later + 1, "hour": 20.0}
    after = day + later + 0.8
    cast.stream(one, SELL, provider=second, after=after - (day + later), plant=number, **moved)
    return "route_shopping", one.group, [] if declared else [("undeclared_chain", one.group)]


def _undeclared(cast: Cast, number: int) -> Made:
    """Messages come by a provider that no declared chain has."""
    one = cast.take()
    second = cast.chance.choice([p for p in cast.providers if p != one.provider])
    cast.stream(one, SELL, provider=second, plant=number, **ran(cast))
    return "undeclared_chain", one.group, []


def _complained(cast: Cast, number: int) -> Made:
    """A sender of whom people complain."""
    one = cast.take()
    cast.stream(one, SELL, complaints=cast.chance.uniform(1e-3, 8e-3), plant=number,
                **ran(cast, 4))  # fmt: skip
    return "complaint_rate", one.party, []


def _dead(cast: Cast, number: int) -> Made:
    """Replies to a port reach nobody, from the first day or from some day on."""
    one = cast.company()
    day = cast.day() if cast.chance.random() < 0.5 else 0
    volume = max(one.volume, 30.0)
    if day:
        cast.stream(one, SELL, end=day, volume=volume)
    cast.stream(one, SELL, begin=day, replies=0.0, volume=volume, plant=number)
    return "dead_reply_port", one.sells, []


VIOLATIONS: Final[dict[str, Planter]] = {
    "sublet_named": _sublet_named,
    "sublet_unknown": _sublet_unknown,
    "sublet_hidden": _sublet_hidden,
    "drift_sender": _drift_sender,
    "drift_kind": _drift_kind,
    "drift_category": _drift_category,
    "drift_port": _drift_port,
    "came_back": _came_back,
    "moved_on": _moved_on,
    "route_shopping": _shopping,
    "undeclared_chain": _undeclared,
    "complained": _complained,
    "dead_replies": _dead,
}
KINDS: Final = {
    "sublet_named": "sublet_port",
    "sublet_unknown": "sublet_port",
    "sublet_hidden": "sublet_port",
    "drift_sender": "signature_drift",
    "drift_kind": "signature_drift",
    "drift_category": "signature_drift",
    "drift_port": "port_drift",
    "came_back": "came_back",
    "moved_on": "came_back",
    "route_shopping": "route_shopping",
    "undeclared_chain": "undeclared_chain",
    "complained": "complaint_rate",
    "dead_replies": "dead_reply_port",
}
"""Which forms share a detector's number of plants."""
