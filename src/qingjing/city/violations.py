"""The violations of the city, by name: each scene plants one message that must not pass.

What the scene tells beside it (a sound consent, a first message that is fair) is there so that
nothing but the violation is wrong with the message.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from qingjing.city.cast import QINGLAN, SHOP, SHOPS, SUSPENDED, YUANSHAN, Shop
from qingjing.city.scene import BUSY, NIGHT, SLOW, WAVES, Must, Stage
from qingjing.kernel.words import Carrier, NumberState


class Violation(NamedTuple):
    """One kind of violation. ``fitting`` are the first reasons that name it rightly."""

    name: str
    plant: Callable[[Stage], None]
    fitting: frozenset[str]


_GROUP_SHOPS: Final = {
    group: tuple(shop for shop in SHOPS if shop.group == group)
    for group in (QINGLAN.group, YUANSHAN.group)
}
_UNREGISTERED: Final = (
    "青岚优惠购",
    "双11会场",
    "绿野优品旗舰",
    "远山内购会",
    "会员中心",
    "品牌特卖",
)
EARLY: Final = (0, 1, 2)
LATE: Final = (3, 4, WAVES - 1)


def two_of_a_group(stage: Stage) -> tuple[Shop, Shop]:
    """Two senders of one group. One of them may sell on the other group's platform."""
    first, second = stage.chance.sample(
        _GROUP_SHOPS[stage.chance.choice(list(_GROUP_SHOPS))], 2
    )
    return first, second


def _no_consent(stage: Stage) -> None:
    shop = stage.shop()
    person = stage.person(shop=shop)
    stage.send(shop, person, "commercial", violation="no_consent", must="refuse")


def _weak(name: str, act: str) -> Callable[[Stage], None]:
    def plant(stage: Stage) -> None:
        shop = stage.shop()
        person = stage.person(shop=shop)
        stage.consent(person, shop, act)
        stage.send(shop, person, "commercial", violation=name, must="refuse")

    return plant


def _not_shown(stage: Stage) -> None:
    shop = stage.shop()
    person = stage.person(shop=shop)
    stage.consent(person, shop, shown=False)
    stage.send(shop, person, "commercial", violation="not_shown", must="refuse")


def _refused(stage: Stage, shop: Shop, sender: Shop, name: str, port: str = "") -> None:
    """A refusal towards ``shop``'s group, long ago or today, and a message of ``sender``."""
    fit = [c for c in (Carrier.MOBILE, Carrier.UNICOM, Carrier.TELECOM) if c != sender.unfiled]
    person = stage.person(*fit)
    stage.consent(person, sender, ago=91)
    if shop is not sender:
        stage.consent(person, shop, ago=60)
    if stage.chance.random() < 0.5:
        stage.refuse(person, shop, stage.chance.choice((40, 20, 7, 3)))
        wave = stage.chance.randrange(WAVES)
    else:
        if stage.chance.random() < 0.5 and person.carrier != shop.unfiled:
            stage.send(shop, person, "commercial", wave=stage.chance.choice(EARLY))
        stage.say(person, shop, "refusing", EARLY[-1])
        wave = stage.chance.choice(LATE)
    kind = "asking" if stage.chance.random() < 0.1 else "commercial"
    stage.send(sender, person, kind, violation=name, must="refuse", wave=wave, port=port)


def _after_refusal(stage: Stage) -> None:
    shop = stage.shop()
    _refused(stage, shop, shop, "after_refusal")


def _after_refusal_other_signature(stage: Stage) -> None:
    shop, sender = two_of_a_group(stage)
    _refused(stage, shop, sender, "after_refusal_other_signature")


def _after_refusal_other_port(stage: Stage) -> None:
    shop = stage.shop()
    _refused(stage, shop, shop, "after_refusal_other_port", port=shop.second)


def _unregistered_signature(stage: Stage) -> None:
    shop = stage.shop()
    person = stage.person(shop=shop)
    stage.consent(person, shop)
    signature = "" if stage.chance.random() < 0.2 else stage.chance.choice(_UNREGISTERED)
    stage.send(
        shop,
        person,
        "commercial",
        violation="unregistered_signature",
        must="refuse",
        signature=signature,
    )


def _foreign_port(stage: Stage) -> None:
    shop = stage.shop()
    other = stage.shop(but=(shop,))
    person = stage.person(shop=shop)
    stage.consent(person, shop)
    stage.send(
        shop,
        person,
        "commercial",
        violation="foreign_port",
        must="refuse",
        port=other.marketing,
    )


def _expired_consent(stage: Stage) -> None:
    shop = stage.shop()
    person = stage.person(shop=shop)
    # The terms end yesterday or earlier.
    ago, term = stage.chance.choice(((366, 365), (181, 180), (91, 90), (31, 30), (400, 180)))
    stage.consent(person, shop, ago=ago, term_days=term)
    stage.send(shop, person, "commercial", violation="expired_consent", must="refuse")


def _other_category(stage: Stage) -> None:
    shop = SHOP[stage.chance.choice(("qinglan", "lvye", "yuanshan"))]
    person = stage.person()
    stage.consent(person, shop, purposes=("retail", "other"))
    trade = stage.chance.choice(("finance", "finance", "travel", "education"))
    selling = shop._replace(trade=trade)
    stage.send(selling, person, "commercial", violation="other_category", must="refuse")


def _other_merchant(stage: Stage) -> None:
    asked, sender = two_of_a_group(stage)
    person = stage.person()
    stage.consent(person, asked, purposes=("any",))
    stage.send(sender, person, "commercial", violation="other_merchant", must="refuse")


def _over_frequency(stage: Stage) -> None:
    shop = stage.shop()
    person = stage.person(shop=shop)
    most, days = stage.chance.choice(((1, 7), (2, 30), (1, 1), (2, 7)))
    stage.consent(person, shop, per=(most, days))
    for wave in range(most):
        stage.send(shop, person, "commercial", like="over_frequency", wave=wave)
    wave = stage.chance.choice(LATE)
    stage.send(shop, person, "commercial", violation="over_frequency", must="refuse", wave=wave)


def _disguised_marketing(stage: Stage) -> None:
    name = "disguised_marketing"
    kind = stage.chance.choice(("mixed", "mixed", "commercial"))
    if stage.chance.random() < 0.3:
        platform = stage.chance.choice((QINGLAN, YUANSHAN))
        shop = SHOP[platform.party]
        port, notice = platform.mixed, True
    else:
        shop = stage.shop()
        port, notice = shop.service, stage.chance.random() < 0.5
    person = stage.person(shop=shop)
    stage.consent(person, shop, purposes=("any",))
    notice = notice or person.carrier is Carrier.UNICOM
    stage.send(
        shop,
        person,
        kind,
        violation=name,
        must="refuse",
        port=port,
        service="SVC",
        notice=notice,
    )


def _missing_notice(stage: Stage) -> None:
    name = "missing_notice"
    shop = stage.shop()
    if stage.chance.random() < 0.25:
        # China Unicom wants it on every text, also where nothing is sold.
        shop = stage.shop(filed=Carrier.UNICOM)
        person = stage.person(Carrier.UNICOM)
        kind = stage.chance.choice(("service", "verification"))
    else:
        person = stage.person(shop=shop)
        kind = "commercial"
    stage.consent(person, shop)
    stage.send(shop, person, kind, violation=name, must="refuse", notice=False)


def _night(stage: Stage) -> None:
    shop = stage.shop()
    person = stage.person(shop=shop)
    stage.consent(person, shop)
    stage.send(shop, person, "commercial", violation="night", must="refuse", wave=NIGHT)


def _consent_recorded_after_send(stage: Stage) -> None:
    name = "consent_recorded_after_send"
    shop = stage.shop()
    person = stage.person(shop=shop)
    recorded = stage.chance.choice(LATE)
    # It is dated back to before the send; what counts is when it came into the record.
    stage.consent(person, shop, ago=7, wave=recorded)
    sent = stage.chance.choice(EARLY)
    stage.send(shop, person, "commercial", violation=name, must="refuse", wave=sent)


def _not_filed_with_carrier(stage: Stage) -> None:
    shop = SHOP["yingyue"]
    person = stage.person(Carrier.UNICOM)
    stage.consent(person, shop)
    kind = "commercial" if stage.chance.random() < 0.7 else "service"
    stage.send(shop, person, kind, violation="not_filed_with_carrier", must="refuse")


def _suspended_sender(stage: Stage) -> None:
    person = stage.person()
    stage.consent(person, SUSPENDED)
    kind = "commercial" if stage.chance.random() < 0.7 else "service"
    stage.send(SUSPENDED, person, kind, violation="suspended_sender", must="refuse")


def _asking_incomplete(stage: Stage) -> None:
    shop = stage.shop()
    person = stage.person(shop=shop)
    stage.send(shop, person, "asking_incomplete", violation="asking_incomplete", must="refuse")


def _asking_repeated(stage: Stage) -> None:
    shop = stage.shop()
    person = stage.person(shop=shop)
    stage.send(shop, person, "asking", like="asking_repeated", wave=stage.chance.choice(EARLY))
    wave = stage.chance.choice(LATE)
    stage.send(shop, person, "asking", violation="asking_repeated", must="refuse", wave=wave)


def _recycled_number(stage: Stage) -> None:
    shop = stage.shop()
    person = stage.person(shop=shop)
    stage.consent(person, shop, ago=200)
    stage.note(person, NumberState.RECYCLED, 20)
    stage.send(shop, person, "commercial", violation="recycled_number", must="refuse")


def _unclear_reply(stage: Stage) -> None:
    shop = stage.shop()
    person = stage.person(shop=shop)
    stage.consent(person, shop)
    stage.say(person, shop, "unclear", EARLY[-1])
    wave = stage.chance.choice(LATE)
    stage.send(shop, person, "commercial", violation="unclear_reply", must="hold", wave=wave)


def _racing(
    name: str, must: Must, wave: int | None, *carriers: Carrier
) -> Callable[[Stage], None]:
    def plant(stage: Stage) -> None:
        shop = stage.shop()
        person = stage.person(*carriers, shop=shop)
        stage.consent(person, shop)
        at = stage.chance.randrange(WAVES) if wave is None else wave
        stage.say(person, shop, "refusing", at, racing=True)
        stage.send(shop, person, "commercial", violation=name, must=must, wave=at)

    return plant


VIOLATIONS: Final = tuple(
    Violation(name, plant, frozenset(fitting.split()))
    for name, plant, fitting in (
        ("no_consent", _no_consent, "grounds_present"),
        ("default_consent", _weak("default_consent", "default"), "grounds_explicit"),
        ("pre_ticked", _weak("pre_ticked", "pre_ticked"), "grounds_explicit"),
        ("bundled", _weak("bundled", "bundled"), "grounds_explicit"),
        ("not_shown", _not_shown, "grounds_shown"),
        ("after_refusal", _after_refusal, "not_refused"),
        ("after_refusal_other_signature", _after_refusal_other_signature, "not_refused"),
        ("after_refusal_other_port", _after_refusal_other_port, "not_refused"),
        (
            "queued_at_refusal",
            _racing("queued_at_refusal", "stop", BUSY, Carrier.MOBILE, Carrier.UNICOM),
            "not_refused",
        ),
        (
            "slowed_at_refusal",
            _racing("slowed_at_refusal", "stop", BUSY, SLOW),
            "not_refused",
        ),
        ("racing_refusal", _racing("racing_refusal", "either", None), "not_refused"),
        (
            "unregistered_signature",
            _unregistered_signature,
            "signature_registered signature_present",
        ),
        ("foreign_port", _foreign_port, "port_granted signature_in_scope"),
        ("expired_consent", _expired_consent, "grounds_unexpired"),
        ("other_category", _other_category, "grounds_for_category"),
        ("other_merchant", _other_merchant, "grounds_present"),
        ("over_frequency", _over_frequency, "consent_frequency"),
        ("disguised_marketing", _disguised_marketing, "kind_honest kind_in_scope"),
        ("missing_notice", _missing_notice, "notice_present"),
        ("night", _night, "quiet_hours"),
        (
            "consent_recorded_after_send",
            _consent_recorded_after_send,
            "grounds_present grounds_before_send",
        ),
        ("not_filed_with_carrier", _not_filed_with_carrier, "signature_filed port_filed"),
        ("suspended_sender", _suspended_sender, "sender_free"),
        ("asking_incomplete", _asking_incomplete, "asking_complete"),
        ("asking_repeated", _asking_repeated, "asking_once"),
        ("recycled_number", _recycled_number, "number_same_person"),
        ("unclear_reply", _unclear_reply, "refusal_clear"),
    )
)
BY_NAME: Final = {violation.name: violation for violation in VIOLATIONS}
