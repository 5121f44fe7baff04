"""Good messages that look like violations: each scene sends one that must pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from qingjing.city.cast import QINGLAN, REINSTATED, SHOP, Shop
from qingjing.city.scene import NIGHT, WAVES, Stage
from qingjing.city.violations import EARLY, LATE, two_of_a_group
from qingjing.kernel.words import Carrier, NumberState


def _sound(stage: Stage, shop: Shop, like: str, act: str = "", **how: str) -> None:
    person = stage.person(shop=shop)
    stage.consent(person, shop, act)
    stage.send(shop, person, "commercial", like=like, **how)  # type: ignore[arg-type]


def _no_consent(stage: Stage) -> None:
    """The person asked for it."""
    _sound(stage, stage.shop(), "no_consent", "requested")


def _made_good(like: str, weak: str, sound: str) -> Callable[[Stage], None]:
    """A weak consent, and later one by the person's own act."""

    def plant(stage: Stage) -> None:
        shop = stage.shop()
        person = stage.person(shop=shop)
        stage.consent(person, shop, weak, ago=200)
        stage.consent(person, shop, sound, ago=20)
        stage.send(shop, person, "commercial", like=like)

    return plant


def _after_refusal(stage: Stage) -> None:
    """Refused once, and later agreed again in person."""
    shop = stage.shop()
    person = stage.person(shop=shop)
    stage.consent(person, shop, ago=200)
    stage.refuse(person, shop, 60)
    stage.consent(person, shop, "ticked", ago=14)
    stage.send(shop, person, "commercial", like="after_refusal")


def _after_refusal_code(stage: Stage) -> None:
    """A refusal of marketing does not stop codes and notices."""
    shop = stage.shop()
    person = stage.person(shop=shop)
    stage.consent(person, shop, ago=91)
    stage.refuse(person, shop, 7)
    kind = stage.chance.choice(("verification", "service"))
    stage.send(shop, person, kind, like="after_refusal")


def _other_signature(stage: Stage) -> None:
    """Refused the platform's group; a shop that only rents a place there goes on."""
    shop = SHOP["molan"]
    person = stage.person()
    stage.consent(person, shop, ago=60)
    stage.consent(person, SHOP["lvye"], ago=60)
    stage.refuse(person, SHOP["lvye"], 20)
    stage.send(shop, person, "commercial", like="after_refusal_other_signature")


def _other_port(stage: Stage) -> None:
    """The same signature on its own second port."""
    shop = stage.shop()
    _sound(stage, shop, "after_refusal_other_port", port=shop.second)


def _foreign_port(stage: Stage) -> None:
    """A shop of the other group sells on this platform, over a port that is its own."""
    _sound(stage, SHOP["chuyun"], "foreign_port")


def _expired(stage: Stage) -> None:
    """The last days of the term."""
    shop = stage.shop()
    person = stage.person(shop=shop)
    ago, term = stage.chance.choice(((29, 30), (366, 367), (91, 92), (181, 182), (60, 61)))
    stage.consent(person, shop, ago=ago, term_days=term)
    stage.send(shop, person, "commercial", like="expired_consent")


def _other_category(stage: Stage) -> None:
    """Another trade than the shop's usual one, under a consent to anything it offers."""
    shop = SHOP["qinglan"]
    person = stage.person()
    stage.consent(person, shop, purposes=("any",))
    selling = shop._replace(trade=stage.chance.choice(("finance", "travel", "food")))
    stage.send(selling, person, "commercial", like="other_category")


def _other_merchant(stage: Stage) -> None:
    """Two shops of a group, each with a consent of its own."""
    first, second = two_of_a_group(stage)
    person = stage.person()
    for shop in (first, second):
        stage.consent(person, shop)
        stage.send(shop, person, "commercial", like="other_merchant")


def _over_frequency(stage: Stage) -> None:
    """Service messages and codes do not count."""
    shop = stage.shop()
    person = stage.person(shop=shop)
    stage.consent(person, shop, per=(1, 7))
    for kind in ("service", "verification", "service", "commercial"):
        stage.send(shop, person, kind, like="over_frequency")


def _disguised(stage: Stage) -> None:
    """A service message that ends with an opt-out notice is no marketing for that."""
    shop = stage.shop()
    person = stage.person(shop=shop)
    stage.send(shop, person, "service", like="disguised_marketing", notice=True)


def _mixed(stage: Stage) -> None:
    """A notice with an offer behind it, declared as what it is, to someone who agreed."""
    shop = stage.shop()
    person = stage.person(shop=shop)
    stage.consent(person, shop, purposes=("any",))
    port = QINGLAN.mixed if shop.party == QINGLAN.party else shop.marketing
    stage.send(shop, person, "mixed", like="disguised_marketing", port=port)


def _missing_notice(stage: Stage) -> None:
    """Where the carrier does not ask for it, codes and notices go without."""
    shop = stage.shop()
    person = stage.person(Carrier.MOBILE, Carrier.TELECOM)
    kind = stage.chance.choice(("service", "verification"))
    stage.send(shop, person, kind, like="missing_notice", notice=False)


def _night(stage: Stage) -> None:
    """Codes and notices go at night."""
    shop = stage.shop()
    person = stage.person(shop=shop)
    kind = stage.chance.choice(("service", "verification"))
    stage.send(shop, person, kind, like="night", wave=NIGHT)


def _recorded_before(stage: Stage) -> None:
    """Consented this morning, and recorded before the send."""
    shop = stage.shop()
    person = stage.person(shop=shop)
    stage.consent(person, shop, "ticked", ago=3, wave=stage.chance.choice(EARLY))
    wave = stage.chance.choice(LATE)
    stage.send(shop, person, "commercial", like="consent_recorded_after_send", wave=wave)


def _not_filed(stage: Stage) -> None:
    """The same signature towards a carrier that has taken it."""
    _sound(stage, SHOP["yingyue"], "not_filed_with_carrier")


def _suspended(stage: Stage) -> None:
    """A sender whose suspension has ended."""
    _sound(stage, REINSTATED, "suspended_sender")


def _asking(stage: Stage) -> None:
    """Asked for the first time, with everything stated."""
    shop = stage.shop()
    person = stage.person(shop=shop)
    stage.send(shop, person, "asking", like="asking_incomplete")


def _asking_others(stage: Stage) -> None:
    """Asked by two senders that have nothing to do with each other."""
    person = stage.person(Carrier.MOBILE, Carrier.TELECOM)
    for party in ("molan", "yingyue"):
        stage.send(SHOP[party], person, "asking", like="asking_repeated")


def _recycled(stage: Stage) -> None:
    """The new owner of a number signs in somewhere: a code is no marketing."""
    shop = stage.shop()
    person = stage.person(shop=shop)
    stage.consent(person, shop, ago=200)
    stage.note(person, NumberState.RECYCLED, 20)
    stage.send(shop, person, "verification", like="recycled_number")


def _harmless_reply(stage: Stage) -> None:
    """A question is no refusal."""
    shop = stage.shop()
    person = stage.person(shop=shop)
    stage.consent(person, shop)
    stage.say(person, shop, "harmless", EARLY[-1])
    stage.send(shop, person, "commercial", like="unclear_reply", wave=stage.chance.choice(LATE))


def _unregistered(stage: Stage) -> None:
    """Registered signatures that share their beginning with the platform's."""
    _sound(stage, SHOP["qinglan-finance"], "unregistered_signature")


def _racing(stage: Stage) -> None:
    """Someone else of another group was refused by the person a moment ago."""
    shop, other = SHOP["heting"], SHOP["qinglan"]
    person = stage.person()
    stage.consent(person, shop)
    stage.consent(person, other)
    wave = stage.chance.randrange(WAVES)
    stage.say(person, other, "refusing", wave, racing=True)
    stage.send(shop, person, "commercial", like="racing_refusal", wave=wave)


LOOKALIKES: Final[tuple[Callable[[Stage], None], ...]] = (
    _no_consent,
    _made_good("default_consent", "default", "ticked"),
    _made_good("pre_ticked", "pre_ticked", "ticked"),
    _made_good("bundled", "bundled", "signed"),
    _after_refusal,
    _after_refusal_code,
    _other_signature,
    _other_port,
    _unregistered,
    _foreign_port,
    _expired,
    _other_category,
    _other_merchant,
    _over_frequency,
    _disguised,
    _mixed,
    _missing_notice,
    _night,
    _recorded_before,
    _not_filed,
    _suspended,
    _asking,
    _asking_others,
    _recycled,
    _harmless_reply,
    _racing,
)
