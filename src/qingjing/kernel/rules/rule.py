"""What a rule is: a predicate over a few fields of the case vector, with its words."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

from qingjing.kernel.vector import Vector


@dataclass(frozen=True)
class Rule:
    """One rule. ``duty`` is its row in ``docs/law.csv``; the sentences travel with each hit.

    ``fires`` names the vector fields that it looks at as its parameters.
    """

    name: str
    duty: str
    fires: Callable[..., bool]
    zh: str
    en: str
    remedy_zh: str
    remedy_en: str

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The vector fields that the predicate depends on."""
        return tuple(inspect.signature(self.fires).parameters)

    @cached_property
    def _pick(self) -> Callable[[Vector], object]:
        return attrgetter(*self.fields)

    def hits(self, vector: Vector) -> bool:
        """Does the rule fire in this case?"""
        picked = self._pick(vector)
        return self.fires(*picked) if isinstance(picked, tuple) else self.fires(picked)
