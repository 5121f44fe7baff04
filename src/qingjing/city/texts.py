"""The texts of the city: read from ``texts.toml``, filled in as senders fill in theirs."""

from __future__ import annotations

import random
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Final

from qingjing.kernel.words import Carrier

_SURNAMES: Final = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_CITIES: Final = ("滨江", "临湖", "东山", "河阳", "安岭", "望川")
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"
_TRIES_MAX: Final = 200
"""A list that has anything new left gives it within as many tries, but for wild bad luck."""
_TAIL_SHARE: Final = 0.08
"""How many sign at the end of the text, as was usual before the head became the rule."""


@cache
def shipped() -> dict[str, Any]:
    """The package's own texts."""
    return tomllib.loads((files(__package__) / "texts.toml").read_text("utf-8"))


class Writer:
    """Writes texts, never the same to anyone twice."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._written: set[tuple[str, str]] = set()

    def text(self, table: str, kind: str, to: str, carrier: Carrier) -> tuple[str, str]:
        """A text to one number without signature and notice, and its name.

        A person who is written to twice gets two different texts.
        """
        texts: list[str] = shipped()[table][kind]
        fitting = [
            place
            for place, text in enumerate(texts)
            if carrier is not Carrier.TELECOM or "{link}" not in text
        ]
        for _ in range(_TRIES_MAX):
            place = self._chance.choice(fitting)
            written = self._filled(texts[place])
            if (to, written) not in self._written:
                self._written.add((to, written))
                return written, f"{table}.{kind}.{place + 1}"
        raise ValueError(f"texts.toml, [{table}] {kind}: too few texts to write another one")

    def signed(self, text: str, signature: str, notice: str) -> str:
        """The whole body."""
        if signature and self._chance.random() < _TAIL_SHARE:
            return f"{text}{notice}【{signature}】"
        return f"【{signature}】{text}{notice}" if signature else f"{text}{notice}"

    def notice(self, carrier: Carrier) -> str:
        """An opt-out notice as the carrier takes it."""
        which = "unicom" if carrier is Carrier.UNICOM else "others"
        return str(self._chance.choice(shipped()["notices"][which]))

    def reply(self, kind: str) -> str:
        """What a person writes back."""
        return str(self._chance.choice(shipped()["replies"][kind]))

    def consent_words(self, name: str, kinds: str, limit: str) -> str:
        """The words beside a consent box."""
        words = str(self._chance.choice(shipped()["consent"]["words"]))
        return words.format(name=name, kinds=kinds, limit=limit)

    def _filled(self, text: str) -> str:
        chance = self._chance
        values = {
            "link": "s.example.cn/" + "".join(chance.choices(_LETTERS, k=6)),
            "code": f"{chance.randrange(100_000, 1_000_000)}",
            "code4": f"{chance.randrange(1000, 10_000)}",
            "no": f"{chance.randrange(10**11, 10**12)}",
            "tail": f"{chance.randrange(1000, 10_000)}",
            "a": str(chance.choice((20, 30, 50, 66, 88, 99, 100, 128, 199, 268, 399, 599))),
            "b": f"{chance.randrange(100, 2000)}",
            "d": f"11月{chance.randrange(12, 30)}日",
            "h": f"{chance.randrange(9, 20)}",
            "name": chance.choice(_SURNAMES) + chance.choice(("女士", "先生")),
            "city": chance.choice(_CITIES),
        }
        return text.format_map(values)
