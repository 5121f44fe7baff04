"""Who sends in the city's year: companies, holdings, providers, their texts and their lists."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qingjing.kernel.words import Category, Kind
from qingjing.text.normalise import normalise
from qingjing.text.parts import body_range, take_apart
from qingjing.text.similar import template_key
from qingjing.text.teach.compose import compose

TRADES: Final = (
    "retail",
    "finance",
    "travel",
    "education",
    "health",
    "food",
    "entertainment",
    "automotive",
    "real_estate",
    "recruitment",
    "telecom",
)
SELL, TELL, CODE = Kind.COMMERCIAL, Kind.SERVICE, Kind.VERIFICATION
_FIRST: Final = "青墨远绿珊映荷驰初巷晴松云竹溪禾岚星栖言朴岸橙柚雁鹿鲸枫澜序简拾归原"
_LAST: Final = "岚兰山野瑚月亭源帆味川石舟林声田谷河桥木舍屋汀洲湾塔光羽鸣町里园坊集"
_SUFFIX: Final = {
    "retail": ("优品", "商城", "生活馆"),
    "finance": ("金服", "普惠", "钱包"),
    "travel": ("旅行", "假期", "出行"),
    "education": ("书院", "学堂", "教育"),
    "health": ("健康", "美妆", "体检"),
    "food": ("到家", "茶饮", "餐厅"),
    "entertainment": ("影城", "游戏", "剧场"),
    "automotive": ("养车", "汽车", "租车"),
    "real_estate": ("置业", "公寓", "地产"),
    "recruitment": ("招聘", "人才", "职达"),
    "telecom": ("通信", "宽带", "云网"),
}
_SYLLABLES: Final = tuple("lan mo yuan ye shan yue he chi wei qing song zhu xi lu".split())  # noqa: SIM905


class Stream(NamedTuple):
    """Messages that a sender sends alike. Words are codes of ``Cast.words``.

    ``begin`` and ``end`` are days of the year, the end not included. ``volume`` is a day's
    mean, ``peak`` what the autumn adds, ``limit`` how many there are at most, ``after`` the
    part of the day before which none is sent. ``replies``, ``complaints``, ``refused`` and
    ``failed`` are shares. ``plant`` is the number of the plant that it belongs to, or 0.
    """

    sender: int
    port: int
    signature: int
    provider: int
    kinds: tuple[Kind, ...]
    shares: tuple[float, ...]
    category: int
    texts: dict[Kind, tuple[int, ...]]
    domains: tuple[int, ...]
    people: NDArray[np.int64]
    hour: float
    volume: float
    begin: int = 0
    end: int = 100_000
    peak: float = 0.3
    limit: int = 0
    after: float = 0.0
    replies: float = 0.01
    complaints: float = 1e-7
    refused: float = 0.003
    failed: float = 0.01
    plant: int = 0


class Company(NamedTuple):
    """A sender. ``sells`` and ``tells`` are its ports for marketing and for notices."""

    party: str
    group: str
    trade: str
    signature: str
    domain: str
    provider: str
    sells: str
    tells: str
    texts: dict[Kind, tuple[int, ...]]
    people: NDArray[np.int64]
    hour: float
    volume: float
    replies: float


@dataclass
class Cast:
    """The city as it is being made; ``spare`` are companies that nothing is planted on yet."""

    chance: random.Random
    days: int
    register: dict[str, list[dict[str, Any]]]
    population: int
    volume: float
    words: list[str] = field(default_factory=lambda: [""])
    texts: dict[int, str] = field(default_factory=dict)
    streams: list[Stream] = field(default_factory=list)
    companies: list[Company] = field(default_factory=list)
    spare: list[Company] = field(default_factory=list)
    providers: list[str] = field(default_factory=list)
    stock: dict[tuple[Kind, str], list[str]] = field(default_factory=dict)
    _codes: dict[str, int] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)

    def code(self, word: str) -> int:
        """The code of a word."""
        if word and word not in self._codes:
            self._codes[word] = len(self.words)
            self.words.append(word)
        return self._codes.get(word, 0)

    def new(self, make: Any) -> str:
        """A word that was not there before."""
        while True:
            word = str(make())
            if word not in self._taken:
                self._taken.add(word)
                return word

    def name(self, trade: str) -> str:
        """A new signature."""
        chance = self.chance
        return self.new(
            lambda: chance.choice(_FIRST) + chance.choice(_LAST) + chance.choice(_SUFFIX[trade])
        )

    def link(self) -> str:
        """A new domain."""
        chance = self.chance
        top = chance.choice((".com", ".cn", ".net", ".shop"))
        return self.new(
            lambda: "".join(chance.choices(_SYLLABLES, k=chance.choice((2, 3)))) + top
        )

    def extension(self, provider: str) -> str:
        """A new port under a provider's access code."""
        base = 10690 * 1000 + 100 + self.providers.index(provider)
        return self.new(lambda: f"{base}{self.chance.randrange(10_000):04d}")

    def audience(self, size: int) -> NDArray[np.int64]:
        """A list of persons."""
        ours = self.chance.sample(range(1, self.population), min(size, self.population // 2))
        return np.array(ours, np.int64)

    def wordings(self, kind: Kind, trade: str, count: int) -> tuple[int, ...]:
        """Texts of a kind, as template keys; a text may be another sender's too."""
        stock = self.stock.get((kind, trade)) or self.stock[kind, ""]
        return tuple(map(self.text, self.chance.sample(stock, min(count, len(stock)))))

    def text(self, body: str) -> int:
        """A text's template key."""
        key = template_key(body)
        self.texts[key] = body
        return key

    def grant(self, company: Company, port: str, signature: str = "", **more: Any) -> None:
        """A grant of a port under the company's own chain, unless another is given."""
        row = {
            "sender": company.party,
            "port": port,
            "signature": signature or company.signature,
            "chain": [company.party, company.provider],
        }
        self.register["grants"].append(row | more)

    def port(self, provider: str, kinds: tuple[Kind, ...], **more: Any) -> str:
        """A new port in the register, held by the provider."""
        number = self.extension(provider)
        row = {"port": number, "holder": provider, "kinds": [k.name.lower() for k in kinds]}
        self.register["ports"].append(row | more)
        return number

    def stream(self, company: Company, *kinds: Kind, **more: Any) -> Stream:
        """A stream of the company's own, changed by what is given in words or values."""
        for name in ("sender", "port", "signature", "provider"):
            if name in more:
                more[name] = self.code(more[name])
        if "domains" in more:
            more["domains"] = tuple(map(self.code, more["domains"]))
        made = Stream(
            self.code(company.party),
            self.code(company.sells),
            self.code(company.signature),
            self.code(company.provider),
            kinds,
            tuple(1 / len(kinds) for _ in kinds),
            int(Category[company.trade.upper()]),
            company.texts,
            (self.code(company.domain),),
            company.people,
            company.hour,
            company.volume,
            replies=company.replies,
        )._replace(**more)
        self.streams.append(made)
        return made

    def company(self, trade: str = "", group: str = "", port: str = "", **more: Any) -> Company:
        """A new company with register entries and no messages. ``port``: one that it shares.

        ``more`` goes to its register entries (``valid_from``).
        """
        chance = self.chance
        trade = trade or chance.choice(TRADES)
        party = f"p{len(self.register['parties']):04d}"
        provider = chance.choice(self.providers)
        volume = float(np.clip(chance.lognormvariate(np.log(self.volume), 0.9), 3, 900))
        sells = port or self.port(provider, (SELL,), **more)
        made = Company(
            party,
            group or party,
            trade,
            self.name(trade),
            self.link(),
            provider,
            sells,
            self.port(provider, (TELL, CODE), **more),
            {
                SELL: self.wordings(SELL, trade, chance.randrange(4, 9)),
                TELL: self.wordings(TELL, "", chance.randrange(3, 7)),
                CODE: self.wordings(CODE, "", 2),
            },
            self.audience(int(200 + 25 * volume)),
            chance.uniform(9, 20),
            volume,
            chance.lognormvariate(np.log(0.012), 0.4),
        )
        self.declare(made, **more)
        return made

    def declare(self, company: Company, **more: Any) -> None:
        """The company's entries: party, signature, grants, domain."""
        self.register["parties"].append(
            {
                "party": company.party,
                "name": f"{company.signature}有限公司",
                "role": "merchant",
                "group": company.group,
                "industries": [company.trade],
            }
        )
        kinds = [kind.name.lower() for kind in (SELL, TELL, CODE)]
        row = {"signature": company.signature, "owner": company.party, "kinds": kinds}
        self.register["signatures"].append(row | more)
        for port in (company.sells, company.tells):
            self.grant(company, port, **more)
        self.register["domains"].append({"domain": company.domain, "owner": company.party})

    def end(self, company: Company, day: int, ports: list[str]) -> None:
        """What the company sends on these ports ends before the day."""
        sender, ours = self.code(company.party), set(map(self.code, ports))
        self.streams = [
            one._replace(end=min(one.end, day))
            if one.sender == sender and one.port in ours
            else one
            for one in self.streams
        ]

    def take(self, trade: str = "") -> Company:
        """A company on which nothing else is planted; ValueError when none is left."""
        fitting = [one for one in self.spare if not trade or one.trade == trade]
        if not fitting:
            raise ValueError(f"senders: too few of trade {trade or 'any'} for so many plants")
        found = self.chance.choice(fitting)
        self.spare.remove(found)
        return found

    def day(self, low: float = 0.3, high: float = 0.85) -> int:
        """A day of the year on which something may begin."""
        return int(self.chance.uniform(low, high) * self.days)


def cast_of(
    chance: random.Random, senders: int, days: int, volume: float, population: int
) -> Cast:
    """The companies of a city with their usual messages; holdings share ports and names."""
    tables = ("parties", "ports", "signatures", "grants", "domains", "measures")
    cast = Cast(chance, days, {name: [] for name in tables}, population, volume)
    cast.stock = _stock(chance)
    for number in range(4):
        cast.providers.append(f"provider-{number}")
        cast.register["parties"].append(
            {"party": f"provider-{number}", "name": cast.name("telecom"), "role": "provider"}
        )
    cast.register["domains"].append({"domain": "t.example.cn", "shared": True})
    while len(cast.companies) < senders:
        if chance.random() < 0.03:
            cast.companies += _holding(cast)
        else:
            cast.companies.append(cast.company())
    for one in cast.companies:
        usual(cast, one)
    singles = [one for one in cast.companies if one.group == one.party]
    cast.spare = singles
    return cast


def _holding(cast: Cast) -> list[Company]:
    """Brands of one controller, most of them on one extension."""
    first = cast.company(group=f"g{len(cast.companies)}")
    brands = [first]
    for _ in range(cast.chance.randrange(2, 7)):
        shared = first.sells if cast.chance.random() < 0.7 else ""
        brand = cast.company(group=first.group, port=shared)
        brands.append(brand)
    return brands


def usual(cast: Cast, one: Company) -> None:
    """What a company sends all year: marketing, and notices and codes."""
    links = [one.domain, "t.example.cn"] if cast.chance.random() < 0.4 else [one.domain]
    cast.stream(one, SELL, domains=links)
    share = cast.chance.uniform(0.3, 1.5)
    cast.stream(one, TELL, CODE, port=one.tells, volume=one.volume * share)


def _stock(chance: random.Random) -> dict[tuple[Kind, str], list[str]]:
    """Texts by kind and trade, without signature and notice."""
    found: dict[tuple[Kind, str], list[str]] = {}
    for row in compose(chance, 14, 0):
        if row.kind not in (SELL, TELL, CODE):
            continue
        trade = row.category.name.lower() if row.category and row.kind is SELL else ""
        parts = take_apart(row.text)
        text = normalise(row.text).text
        body = "".join(text[start:end] for start, end in body_range(parts))
        if len(body) > 10:
            found.setdefault((row.kind, trade), []).append(body)
    return found
