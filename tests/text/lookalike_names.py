"""Seeded names: owned signatures, others that pretend to be one of them, and innocent ones."""

from __future__ import annotations

import random
from typing import Final, NamedTuple

from qingjing.text import disguise
from qingjing.text.normalise import tables

TAILS: Final = (
    *("商城", "旗舰店", "超市", "银行", "科技", "教育", "旅行", "医院", "保险", "物流", "书店"),
    *("金融", "美食", "服饰", "生鲜", "家居", "健身", "影城", "药房", "集团", "酒店", "汽车"),
)
SWAPS: Final = (
    *("旗舰店", "会员中心", "官方商城", "优选", "福利社", "特卖", "客服", "贷款", "信用卡"),
    *("分期", "助手", "活动中心", "钱包", "俱乐部", "专卖店", "折扣", "团购", "在线"),
)
PLACES: Final = ("北京", "上海", "深圳", "杭州", "成都", "武汉", "西安", "江苏", "四川")
KINDS: Final = (
    *("glyph", "letters", "sound", "pinyin", "traditional", "spacing", "short"),
    *("generic", "place", "halves", "order"),
)


class Case(NamedTuple):
    """A new signature, what was done to whom; of an innocent one ``of`` is empty."""

    name: str
    kind: str
    of: str


class Names:
    """Names by chance, the same for the same seed."""

    def __init__(self, seed: int, count: int) -> None:
        """``count`` owned signatures, no two with one core."""
        self.chance = random.Random(seed)
        # The 3,755 common characters of GB 2312, as names are written.
        self.characters = [
            bytes((row, cell)).decode("gb2312")
            for row in range(0xB0, 0xD7)
            for cell in range(0xA1, 0xFF)
        ]
        traditional = tables().characters
        self.back: dict[str, list[str]] = {}
        for code, plain in traditional.items():
            self.back.setdefault(plain, []).append(chr(code))
        self.cores: dict[str, str] = {}
        while len(self.cores) < count:
            core = self.core()
            tail = self.chance.choice(TAILS) if self.chance.random() < 0.8 else ""
            place = self.chance.choice(PLACES) if self.chance.random() < 0.1 else ""
            if len(core) + len(tail) >= 3:
                self.cores.setdefault(core, place + core + tail)
        self.latin = [self.word() for _ in range(count // 20)]
        self.owned = [*self.cores.values(), *self.latin]

    def core(self) -> str:
        """Two to four characters."""
        size = self.chance.choices((2, 3, 4), (60, 30, 10))[0]
        return "".join(self.chance.choice(self.characters) for _ in range(size))

    def word(self) -> str:
        """A made-up Latin brand."""
        pick = self.chance.choice
        return "".join(pick("bdfgklmnprstvz") + pick("aeio") for _ in range(pick((3, 4))))

    def pretending(self) -> Case:
        """A signature that pretends to be an owned one, by one of the kinds."""
        while True:
            kind = self.chance.choice(KINDS)
            core = self.chance.choice(list(self.cores))
            name = self.cores[core]
            if kind == "letters":
                name = self.chance.choice(self.latin)
            made = getattr(self, f"_{kind}")(name, core)
            if made and made != name and made not in self.owned:
                return Case(made, kind, name)

    def innocent(self) -> Case:
        """One that pretends nothing, however near it may look to a hasty rule."""
        while True:
            kind = self.chance.choice(("new", "common", "one", "inside", "two", "latin"))
            made = getattr(self, f"_innocent_{kind}")()
            if made and made not in self.owned:
                return Case(made, kind, "")

    def _put(self, name: str, core: str, ways: dict[int, list[str]]) -> str:
        """One character of the core exchanged for one of its ways."""
        start = name.index(core)
        places = [start + i for i in range(len(core)) if ways.get(i)]
        if not places:
            return ""
        place = self.chance.choice(places)
        way = self.chance.choice(ways[place - start])
        return name[:place] + way + name[place + 1 :]

    def _glyph(self, name: str, core: str) -> str:
        ways: dict[int, list[str]] = {}
        for i, character in enumerate(core):
            pairs = disguise.lookalikes()
            ways[i] = [b for a, b in pairs if a == character]
            ways[i] += [a for a, b in pairs if b == character]
        return self._put(name, core, ways)

    def _letters(self, name: str, _core: str) -> str:
        for a, b in (("o", "0"), ("l", "1"), ("a", "а"), ("e", "е"), ("m", "rn"), ("i", "і")):
            if a in name and self.chance.random() < 0.5:
                return name.replace(a, b, 1)
        return name.upper()

    def _sound(self, name: str, core: str) -> str:
        return self._put(
            name,
            core,
            {i: [x for x in disguise.alike(c) if x != c] for i, c in enumerate(core)},
        )

    def _pinyin(self, name: str, core: str) -> str:
        return name.replace(core, "".join(map(disguise.sound, core)), 1)

    def _traditional(self, name: str, core: str) -> str:
        return self._put(name, core, {i: self.back.get(c, []) for i, c in enumerate(core)})

    def _spacing(self, name: str, _core: str) -> str:
        place = self.chance.randrange(1, len(name))
        way = self.chance.choice((" ", "\u3000", "\u200b", "·", "-", "."))
        return name[:place] + way + name[place:]

    def _short(self, name: str, core: str) -> str:
        if not name.startswith(core) or len(name) < 4 or len(core) > 3:
            return ""
        return self.chance.choice((name[0] + name[-1], name[0] + name[2]))

    def _generic(self, _name: str, core: str) -> str:
        return core + self.chance.choice(SWAPS)

    def _place(self, _name: str, core: str) -> str:
        return self.chance.choice(PLACES) + core + self.chance.choice(("", *SWAPS))

    def _halves(self, name: str, core: str) -> str:
        ways = {i: [w for w in disguise.halves(c) if len(w) == 2] for i, c in enumerate(core)}
        return self._put(name, core, ways)

    def _order(self, name: str, core: str) -> str:
        return name.replace(core, core[1] + core[0] + core[2:], 1)

    def _innocent_new(self) -> str:
        return self.core() + self.chance.choice(("", *TAILS))

    def _innocent_common(self) -> str:
        pick = self.chance.choice
        return pick((*PLACES, "官方", "")) + pick(TAILS) + pick(SWAPS)

    def _innocent_one(self) -> str:
        """Shares one character of two, and the trade, with an owned one."""
        core = self.chance.choice(list(self.cores))
        other = self.chance.choice(self.characters)
        made = self.chance.choice((core[0] + other, other + core[-1]))
        return self.cores[core].replace(core, made, 1)

    def _innocent_inside(self) -> str:
        """A longer brand that begins as a short one does."""
        core = self.chance.choice([core for core in self.cores if len(core) == 2])
        return core + self.core()[:2] + self.chance.choice(TAILS)

    def _innocent_two(self) -> str:
        """Differs in two places of three or four."""
        core = list(self.chance.choice([core for core in self.cores if len(core) > 2]))
        for place in self.chance.sample(range(len(core)), 2):
            core[place] = self.chance.choice(self.characters)
        return "".join(core) + self.chance.choice(TAILS)

    def _innocent_latin(self) -> str:
        return self.word() + self.word()
