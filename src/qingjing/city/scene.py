"""The stage on which a plan is written: people, what is on record of them, what is sent.

Scenes call ``person``, ``consent``, ``refuse``, ``say`` and ``send``; the stage keeps the
random numbers, writes the texts and gives everything its tag.
"""

from __future__ import annotations

import hashlib
import random
from typing import Final, Literal

import msgspec

from qingjing.city.cast import CARRIERS, SHOPS, Shop
from qingjing.city.texts import Writer
from qingjing.kernel.numbers import carrier_of
from qingjing.kernel.words import Carrier, NumberState, Phone

Must = Literal["pass", "refuse", "hold", "stop", "either"]
"""What has to become of a message. ``stop``: it is taken and must not leave any more;
``either``: a refusal comes while it is on its way, so only the order tells."""

GOOD: Final = "good"
WAVES: Final = 6
"""The parts of the day; within one, messages go out together and replies come after them."""
BUSY: Final = WAVES
"""The wave in which the carriers take nothing for a while, and people reply meanwhile."""
NIGHT: Final = WAVES + 1
SLOW: Final = Carrier.TELECOM
"""The carrier that is not silent in the busy wave but answers "slow down" to everything."""

FEW_DAYS: Final = (400, 366, 200, 181, 91, 60, 40, 31, 29, 20, 14, 7, 3)
"""How long ago things happened: a few days, each of which is recorded as one transaction."""

_PURPOSES: Final = {
    "retail": ("retail", "other"),
    "food": ("food", "retail", "other"),
    "health": ("health", "retail", "other"),
}
_DOORS: Final = {
    "ticked": ("web", "app"),
    "replied": ("reply",),
    "signed": ("paper",),
    "spoken": ("call",),
    "confirmed": ("app",),
    "requested": ("web", "call"),
    "default": ("import",),
    "pre_ticked": ("web",),
    "bundled": ("app",),
}


class Person(msgspec.Struct, frozen=True):
    """Someone with a number."""

    tag: str
    phone: Phone
    carrier: Carrier


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """A consent or request on record. ``wave`` is set when it is recorded during the day,
    before that wave; its time is then ``ago`` days before that all the same."""

    person: Person
    shop: Shop
    act: str
    door: str
    ago: int
    purposes: tuple[str, ...]
    shown: str = ""
    term_days: int = 0
    per_count: int = 0
    per_days: int = 0
    wave: int | None = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal on record: by a reply to ``port`` in these words, or else on a web page."""

    person: Person
    group: str
    ago: int
    port: str = ""
    words: str = ""


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a number."""

    person: Person
    state: NumberState
    ago: int


Past = Consent | Refusal | Noted


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What a person writes back during the day. ``racing``: while messages are under way."""

    person: Person
    port: str
    group: str
    words: str
    meant: Literal["refusing", "unclear", "harmless"]
    wave: int
    racing: bool = False


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message as it is submitted, and the truth about it. ``like`` names the violation
    that a good message looks like."""

    tag: str
    person: Person
    account: str
    service: str
    port: str
    body: str
    text: str
    group: str
    marketing: bool
    wave: int
    violation: str
    like: str
    must: Must


class TooFewPeople(Exception):  # noqa: N818  # the state that it names
    """The plan needs more people than the city has; the text says how many to ask for."""


class Stage:
    """What a plan is written on."""

    def __init__(self, chance: random.Random, people: int) -> None:
        self.chance = chance
        self.writer = Writer(chance)
        self.people = [_person(chance, number) for number in range(people)]
        self.past: list[Past] = []
        self.replies: list[Reply] = []
        self.messages: list[Message] = []
        self._fresh = {
            carrier: [person for person in self.people if person.carrier is carrier]
            for carrier in CARRIERS
        }

    def person(self, *carriers: Carrier, shop: Shop | None = None) -> Person:
        """Someone of whom nothing is on record; of these carriers, or any that takes the
        shop's signature."""
        fit = [
            carrier
            for carrier in carriers or CARRIERS
            if self._fresh[carrier] and not (shop is not None and carrier is shop.unfiled)
        ]
        if not fit:
            raise TooFewPeople(
                f"{len(self.people)} people are too few for this plan: ask for more people"
            )
        return self._fresh[self.chance.choice(fit)].pop()

    def others(self) -> list[Person]:
        """Those of whom nothing is on record yet."""
        return [person for fresh in self._fresh.values() for person in fresh]

    def take(self, person: Person) -> None:
        """Somebody of ``others`` is from now on someone of whom something is on record."""
        self._fresh[person.carrier].remove(person)

    def consent(
        self,
        person: Person,
        shop: Shop,
        act: str = "",
        *,
        ago: int = 0,
        purposes: tuple[str, ...] = (),
        shown: bool = True,
        term_days: int = 0,
        per: tuple[int, int] = (0, 0),
        wave: int | None = None,
    ) -> None:
        """Put a consent on record; by a sound act, some while ago, unless told otherwise."""
        act = act or self.chance.choice(("ticked", "replied", "signed", "spoken", "confirmed"))
        proof = hashlib.sha256(f"{person.tag} {shop.party} {act}".encode()).hexdigest()
        self.past.append(
            Consent(
                person=person,
                shop=shop,
                act=act,
                door=self.chance.choice(_DOORS[act]),
                ago=ago or self.chance.choice((60, 40, 31, 29)),
                purposes=purposes or self.purposes(shop),
                shown=proof if shown and act != "requested" else "",
                term_days=term_days,
                per_count=per[0],
                per_days=per[1],
                wave=wave,
            )
        )

    def purposes(self, shop: Shop) -> tuple[str, ...]:
        """What people agree to at a shop: anything it offers, or its own trade."""
        if self.chance.random() < 0.4:
            return ("any",)
        return _PURPOSES.get(shop.trade, (shop.trade, "other"))

    def refuse(self, person: Person, shop: Shop, ago: int) -> None:
        """Put a refusal on record: by a reply to one of the shop's ports, or on a page."""
        if self.chance.random() < 0.7:
            words = self.writer.reply("refusing")
            refusal = Refusal(
                person=person, group=shop.group, ago=ago, port=shop.marketing, words=words
            )
        else:
            refusal = Refusal(person=person, group=shop.group, ago=ago)
        self.past.append(refusal)

    def note(self, person: Person, state: NumberState, ago: int) -> None:
        """Put on record what became of a number."""
        self.past.append(Noted(person=person, state=state, ago=ago))

    def say(
        self,
        person: Person,
        shop: Shop,
        meant: Literal["refusing", "unclear", "harmless"],
        wave: int,
        *,
        racing: bool = False,
    ) -> None:
        """The person writes back to the shop's port after this wave, or during it."""
        self.replies.append(
            Reply(
                person=person,
                port=shop.marketing,
                group=shop.group,
                words=self.writer.reply(meant),
                meant=meant,
                wave=wave,
                racing=racing,
            )
        )

    def send(
        self,
        shop: Shop,
        person: Person,
        kind: str,
        *,
        violation: str = GOOD,
        must: Must = "pass",
        like: str = "",
        wave: int | None = None,
        port: str = "",
        signature: str | None = None,
        account: str = "",
        service: str | None = None,
        notice: bool | None = None,
    ) -> None:
        """Submit a message of ``kind``: a list of texts of the shop's trade, or of any."""
        carrier = person.carrier
        table = shop.trade if kind in ("commercial", "service") else "any"
        text, name = self.writer.text(table, kind, person.tag, carrier)
        marketing = kind not in ("service", "verification")
        if notice is None:
            notice = marketing or carrier is Carrier.UNICOM
        ending = self.writer.notice(carrier) if notice else ""
        signed = shop.signature if signature is None else signature
        declared = _declared(kind) if service is None else service
        usual = shop.service if declared in ("SVC", "OTP") else shop.marketing
        self.messages.append(
            Message(
                tag=f"m{len(self.messages) + 1:05d}",
                person=person,
                account=account or shop.account,
                service=declared,
                port=port or usual,
                body=self.writer.signed(text, signed, ending),
                text=name,
                group=shop.group,
                marketing=marketing,
                wave=self.chance.randrange(WAVES) if wave is None else wave,
                violation=violation,
                like=like,
                must=must,
            )
        )

    def shop(self, *, but: tuple[Shop, ...] = (), filed: Carrier | None = None) -> Shop:
        """A shop that may send, none of ``but``; with a signature filed at ``filed``."""
        return self.chance.choice(
            [
                shop
                for shop in SHOPS
                if shop.party != "shanhu"
                and shop not in but
                and (filed is None or shop.unfiled is not filed)
            ]
        )


def _declared(kind: str) -> str:
    """The Service_Id that an honest sender puts on a kind of text."""
    return {"service": "SVC", "verification": "OTP", "commercial": "MKT", "mixed": "MKT"}.get(
        kind, "ASK"
    )


_PREFIXES: Final = {
    Carrier.MOBILE: (
        "134", "135", "136", "137", "138", "139", "147", "150", "151", "152", "157", "158",
        "159", "165", "172", "178", "182", "183", "184", "187", "188", "195", "197", "198",
    ),
    Carrier.UNICOM: (
        "130", "131", "132", "145", "155", "156", "166", "167", "171", "175", "176", "185",
        "186", "196",
    ),
    Carrier.TELECOM: (
        "133", "149", "153", "173", "177", "180", "181", "189", "190", "191", "193", "199",
    ),
}  # fmt: skip
_SHARES: Final = (57, 22, 21)


def _person(chance: random.Random, number: int) -> Person:
    """A number of the city: the block 0000 behind each prefix, which belongs to no area."""
    carrier = chance.choices(CARRIERS, _SHARES)[0]
    phone = Phone(int(f"{chance.choice(_PREFIXES[carrier])}0{number:07d}"))
    if carrier_of(phone) is not carrier:
        raise ValueError(f"prefix of {phone} is not of {carrier.name}")
    return Person(f"p{number:05d}", phone, carrier)
