"""What is filled into a wording's slots where a list will not do: codes, amounts, links."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

Filling = Callable[["Random"], str]

_DIGITS: Final = "0123456789"
_LETTERS: Final = "abcdefghkmnpqrstwxyz"
_PATH: Final = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKMNPQ23456789"
_MIXED: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def _some(characters: str, size: int) -> Filling:
    return lambda chance: "".join(chance.choices(characters, k=size))


def _one(values: Sequence[object]) -> Filling:
    return lambda chance: str(chance.choice(values))


def code(chance: Random) -> str:
    """Mostly four or six digits; some in two groups, some letters and digits."""
    size = chance.choice((4, 4, 5, 6, 6, 6, 6, 8))
    digits = "".join(chance.choices(_DIGITS, k=size))
    if chance.random() < 0.06:
        return f"{digits[:-3]} {digits[-3:]}"
    if chance.random() < 0.05:
        return "".join(chance.choices(_MIXED, k=6))
    return digits


def amount(chance: Random) -> str:
    """An amount of money, from one to a hundred thousand."""
    whole = chance.choice((1, 10, 100, 1000, 10000)) * chance.uniform(1, 10)
    return f"{whole:,.2f}" if chance.random() < 0.7 else f"{int(whole)}"


def date(chance: Random) -> str:
    """A day, in the forms in use."""
    month, day, year = chance.randint(1, 12), chance.randint(1, 28), chance.randint(14, 26)
    return chance.choice(
        (
            f"{month}月{day}日",
            f"{month:02}月{day:02}日",
            f"{month}月{day}号",
            f"{month}-{day}",
            f"20{year}年{month}月{day}日",
            f"20{year}-{month:02}-{day:02}",
        )
    )


def _path(chance: Random) -> str:
    return "".join(chance.choices(_PATH, k=chance.randint(1, 7)))


def _account(chance: Random) -> str:
    letters = "".join(chance.choices(_LETTERS, k=chance.choice((0, 2, 3, 5))))
    return letters + "".join(chance.choices(_DIGITS, k=chance.choice((4, 6, 8, 9))))


def _order(chance: Random) -> str:
    prefix = chance.choice(("", "SF", "YT", "E", "NO.", "JD"))
    return prefix + "".join(chance.choices(_DIGITS, k=chance.randint(8, 15)))


def _pick(chance: Random) -> str:
    return f"{chance.randint(1, 30)}-{chance.randint(1, 9)}-{chance.randint(1000, 9999)}"


def _time(chance: Random) -> str:
    return f"{chance.randint(0, 23)}:{chance.choice(('00', '30', '15', '45', '08'))}"


def _prefixed(prefixes: Sequence[str], characters: str, size: int) -> Filling:
    return lambda chance: chance.choice(prefixes) + "".join(chance.choices(characters, k=size))


MADE: Final[dict[str, Filling]] = {
    "code": code,
    "amount": amount,
    "date": date,
    "path": _path,
    "wx": _account,
    "order": _order,
    "pick": _pick,
    "time": _time,
    "n": _some("123456789", 1),
    "d2": _some(_DIGITS, 2),
    "d5": _some(_DIGITS, 5),
    "tail": _some(_DIGITS, 4),
    "l5": _some("abcdefghijkmRTYUP2345", 6),
    "m": _one((9, 19, 29, 39, 50, 59, 88, 99, 100, 128, 188, 199, 299, 399, 500, 888)),
    "m2": _one((300, 500, 699, 999, 1000, 1999, 2000, 3000, 5000, 8000)),
    "w": _one((1, 2, 3, 5, 8, 10, 15, 20, 30, 50)),
    "gb": _one((1, 2, 3, 5, 10, 20, 30, 50, 100)),
    "pct": _one(range(50, 100)),
    "rate": _one([f"{rate}%" for rate in (0.02, 0.03, 0.05, 1.5, 2.9, 3.6, 4.5, 7.2, 10.8)]),
    "year": _one(range(2024, 2029)),
    "key": _prefixed(("A", "B", "C", "K1", "L", "N8", "Y", "TC", "LL", "10"), _DIGITS, 1),
    "phone": _prefixed(("13", "15", "18", "17", "19"), _DIGITS, 9),
    "flight": _prefixed(("CA", "MU", "CZ", "3U", "HU"), _DIGITS, 4),
    "train": _prefixed("GDKTZ", "123456789", 3),
    "card": _prefixed(("6228", "6222", "6217"), "0123456789 ", 15),
    "plate": _prefixed([f"{a}{b}" for a in "京沪粤川浙苏鲁鄂" for b in "ABCD"], "ABC01234*", 5),
}
"""The fillings by the name of their slot."""
