"""Good messages of the city's year that look like violations: nothing of them is wrong."""

from __future__ import annotations

from typing import Final

import numpy as np

from qingjing.city.year_cast import SELL, TELL, Cast
from qingjing.city.year_plants import Made, Planter, campaign, other, ran, stopped
from qingjing.kernel.words import Category


def _seasonal(cast: Cast, number: int) -> Made:
    """A shop that is silent for most of the year."""
    one = cast.company("retail")
    begin = int(cast.days * 0.8)
    cast.stream(one, SELL, begin=begin, end=begin + 40, volume=60.0, plant=number)
    return "sublet_port", one.sells, []


def _moved_port(cast: Cast, number: int) -> Made:
    """A port that a provider gives to another customer, as the register says."""
    old, new, day = cast.company(), cast.company(), cast.day()
    for row in cast.register["grants"]:
        if row["sender"] == old.party and row["port"] == old.sells:
            row["valid_until"] = day - 1
    cast.stream(old, SELL, end=day)
    chain = [new.party, old.provider]
    cast.grant(new, old.sells, chain=chain, valid_from=day)
    cast.stream(new, SELL, port=old.sells, provider=old.provider, begin=day, plant=number)
    return "sublet_port", old.sells, []


def _misrouted(cast: Cast, number: int) -> Made:
    """A slip: two or three messages of another customer, once."""
    host, guest = cast.chance.sample(cast.companies, 2)
    day = cast.day()
    cast.stream(guest, SELL, port=host.sells, provider=host.provider, plant=number,
                begin=day, end=day + 2, volume=6.0,
                limit=cast.chance.randrange(1, 4))  # fmt: skip
    return "sublet_port", host.sells, []


def _partner(cast: Cast, number: int) -> Made:
    """A shop's own promotion with a link to its partner."""
    one, partner = cast.chance.sample(cast.companies, 2)
    cast.stream(one, SELL, domains=[partner.domain], plant=number, **ran(cast))
    return "sublet_port", one.sells, []


def _abbreviated(cast: Cast, number: int) -> Made:
    """The own name with a word more, not yet registered, over own links."""
    one = cast.chance.choice(cast.companies)
    name = one.signature + cast.chance.choice(("会员", "APP", "旗舰店"))
    cast.stream(one, SELL, signature=name, plant=number, **ran(cast))
    return "sublet_port", one.sells, []


def _product_line(cast: Cast, number: int) -> Made:
    """A new line of trade, licensed and registered before its first message."""
    one, day = cast.company(), cast.day()
    trade = other(cast, one.trade)
    party = next(p for p in cast.register["parties"] if p["party"] == one.party)
    party["industries"] = [one.trade, trade]
    cast.stream(one, SELL)
    cast.stream(one, SELL, category=int(Category[trade.upper()]), begin=day, plant=number,
                texts={SELL: cast.wordings(SELL, trade, 4)})  # fmt: skip
    return "signature_drift", one.signature, []


def _authorised(cast: Cast, number: int) -> Made:
    """A dealer who signs with a brand's name, by grant."""
    dealer, brand, day = cast.company(), cast.chance.choice(cast.companies), cast.day()
    cast.grant(dealer, dealer.sells, brand.signature, valid_from=day)
    for party in cast.register["parties"]:
        if party["party"] == dealer.party:
            party["industries"] = [dealer.trade, brand.trade]
    cast.grant(brand, dealer.sells, chain=[brand.party, dealer.party, dealer.provider])
    cast.stream(dealer, SELL, signature=brand.signature, begin=day, plant=number,
                texts=brand.texts, category=int(Category[brand.trade.upper()]))  # fmt: skip
    return "signature_drift", brand.signature, []


def _wordy_notices(cast: Cast, number: int) -> Made:
    """Notices of which the reader takes every fifth for marketing."""
    one = cast.chance.choice(cast.companies)
    when = ran(cast)
    for kinds, share in (((TELL,), 0.8), ((SELL,), 0.2)):
        texts = {kinds[0]: one.texts[TELL][:2]}
        more = when | {"volume": when["volume"] * share, "texts": texts, "port": one.tells}
        cast.stream(one, *kinds, plant=number, **more)
    return "port_drift", one.tells, []


def _rebrand(cast: Cast, number: int) -> Made:
    """Stopped, put right, and renamed: the register says what the new name follows."""
    one, day = stopped(cast, cast.chance.choice(("signature", "port")))
    begin = day + cast.chance.randrange(10, 40)
    fresh = one._replace(signature=cast.name(one.trade))
    entry = {"signature": fresh.signature, "owner": one.party, "valid_from": begin}
    cast.register["signatures"].append(entry | {"replaces": one.signature})
    cast.grant(fresh, one.sells, valid_from=begin)
    cast.stream(fresh, SELL, begin=begin, plant=number)
    return "came_back", fresh.signature, []


def _copied(cast: Cast, number: int) -> Made:
    """A newcomer of the same trade, soon after a stop, with texts of the same agency."""
    one, day = stopped(cast, cast.chance.choice(("party", "signature", "port", "refused")))
    begin = day + cast.chance.randrange(1, 30)
    new = cast.company(one.trade, valid_from=begin)
    shared = one.texts[SELL][:2] + new.texts[SELL]
    keep = len(new.people) // 20
    people = np.concatenate([one.people[:keep], new.people[keep:]])
    cast.stream(new, SELL, begin=begin, texts={SELL: shared}, people=people, plant=number)
    return "came_back", new.signature, []


def _sister(cast: Cast, number: int) -> Made:
    """Another brand of a stopped company's group, which goes on as it did before."""
    one, day = stopped(cast, "signature")
    sister = cast.company(one.trade, group=one.group)
    cast.stream(sister, SELL, begin=day - 60, plant=number)
    return "came_back", sister.signature, []


def _two_ways(cast: Cast, number: int) -> Made:
    """A sender of two providers, by which every text goes; one of them refuses some."""
    one, day = cast.company(), cast.day()
    second = cast.chance.choice([p for p in cast.providers if p != one.provider])
    cast.grant(one, one.sells, chain=[one.party, second])
    for provider in (one.provider, second):
        cast.stream(one, SELL, provider=provider, volume=max(one.volume, 10.0))
    text = campaign(cast, one, day)
    cast.stream(one, SELL, provider=second, plant=number, **text)
    cast.stream(one, SELL, refused=0.9, plant=number, **text)
    return "route_shopping", one.group, []


def _busy(cast: Cast, number: int) -> Made:
    """A technical failure, after which a second provider stands in, as declared."""
    one, day = cast.take(), cast.day()
    second = cast.chance.choice([p for p in cast.providers if p != one.provider])
    cast.grant(one, one.sells, chain=[one.party, second])
    text = campaign(cast, one, day)
    cast.stream(one, SELL, refused=0.0, failed=0.95, **text | {"hour": 10.0})
    cast.stream(one, SELL, provider=second, after=0.8, plant=number, **text | {"hour": 20.0})
    return "route_shopping", one.group, []


def _new_provider(cast: Cast, number: int) -> Made:
    """A sender that changes its provider, as the register says."""
    one, day = cast.company(), cast.day()
    second = cast.chance.choice([p for p in cast.providers if p != one.provider])
    cast.stream(one, SELL, end=day)
    cast.grant(one, one.sells, chain=[one.party, second], valid_from=day)
    cast.stream(one, SELL, provider=second, begin=day, plant=number)
    return "undeclared_chain", one.group, []


def _unlucky(cast: Cast, number: int) -> Made:
    """One complaint, of a small sender."""
    one = cast.chance.choice(cast.companies)
    cast.stream(one, SELL, complaints=1.0, begin=cast.day(), limit=1, plant=number)
    return "complaint_rate", one.party, []


def _loyal(cast: Cast, number: int) -> Made:
    """Members who hardly ever reply."""
    one = cast.company()
    cast.stream(one, SELL, replies=0.004, volume=max(one.volume, 25.0), plant=number)
    return "dead_reply_port", one.sells, []


LOOKALIKES: Final[dict[str, Planter]] = {
    "seasonal_shop": _seasonal,
    "moved_port": _moved_port,
    "misrouted": _misrouted,
    "partner_link": _partner,
    "longer_name": _abbreviated,
    "new_product_line": _product_line,
    "authorised_dealer": _authorised,
    "wordy_notices": _wordy_notices,
    "declared_rebrand": _rebrand,
    "copied_texts": _copied,
    "sister_brand": _sister,
    "two_ways": _two_ways,
    "stand_in": _busy,
    "new_provider": _new_provider,
    "unlucky": _unlucky,
    "loyal_members": _loyal,
}
