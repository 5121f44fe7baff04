"""Codes that say what they mean."""

from __future__ import annotations

from enum import IntEnum
from typing import Self

__all__ = ["Meaning"]


class Meaning(IntEnum):
    """A protocol's codes, written ``NAME = number, "words"``."""

    meaning: str
    """What was wrong, in words."""

    def __new__(cls, value: int, meaning: str = "") -> Self:
        """A code with its meaning."""
        code = int.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code
