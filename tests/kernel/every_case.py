"""Every combination of the case vector under a rulebook, slice by slice.

The law's words are said here once more, from the declared and the read kind alone: the code
under proof is not asked what sells, what asks and what is plain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import product
from math import prod
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

import qingjing
from qingjing.kernel.batch import Policy
from qingjing.kernel.rulebook import Rulebook, read_rulebook
from qingjing.kernel.vector import RADICES, GroundsState, NoticeState
from qingjing.kernel.words import Kind, NumberState, Verdict

CASES: Final = 1_179_648_000
OUTER: Final = ("declared", "read", "grounds")
INNER: Final = tuple(name for name in RADICES if name not in OUTER)
SHAPE: Final = tuple(RADICES[name] for name in INNER)
SIZE: Final = prod(SHAPE)
NEAR: Final = 5
"""The first inner fields (sender to scope) make one factor of a slice, the rest the other."""

PLAIN: Final = (Kind.VERIFICATION, Kind.SERVICE, Kind.PUBLIC)
SOUND: Final = (GroundsState.CONSENT, GroundsState.REQUEST)
MARKETING_ONLY: Final = ("consent_frequency", "house_cap", "carrier_cap", "hour", "identity")
NEVER_FORGIVEN: Final = (
    "sender",
    "port",
    "signature",
    "chain",
    "scope",
    "link",
    "asking",
    "gap",
)
"""Fields in which anything but 0 stops every kind of message."""

Bits = NDArray[np.uint64]
Verdicts = NDArray[np.uint8]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Slice:
    """All cases of one declared kind, read kind and standing: one axis an inner field."""

    declared: Kind
    read: Kind
    grounds: GroundsState
    bits: Bits
    verdicts: Verdicts
    consented: Verdicts
    """The same slice with a sound consent."""

    @property
    def kinds(self) -> tuple[Kind, Kind]:
        """Declared and read."""
        return self.declared, self.read

    @property
    def passes(self) -> Bools:
        """Where the message leaves."""
        return np.equal(self.verdicts, Verdict.PASS)

    @property
    def illegal(self) -> bool:
        """Either says so."""
        return Kind.ILLEGAL in self.kinds

    @property
    def sells(self) -> bool:
        """Either says commercial."""
        return Kind.COMMERCIAL in self.kinds

    @property
    def asks(self) -> bool:
        """Either says that it asks for a consent."""
        return Kind.ASKING in self.kinds

    @property
    def silent(self) -> bool:
        """Neither sells, asks nor is illegal."""
        return not (self.illegal or self.sells or self.asks)

    @property
    def plain(self) -> bool:
        """Read as verification, service or public, and nothing worse declared."""
        return self.silent and self.read in PLAIN

    @property
    def unclear(self) -> bool:
        """Nothing worse declared, and what it is cannot be told."""
        return self.silent and self.read not in PLAIN

    @property
    def disguised(self) -> bool:
        """Marketing that was declared as something milder."""
        worse = (Kind.COMMERCIAL, Kind.ASKING)
        milder = self.declared is Kind.ASKING and self.read is Kind.COMMERCIAL
        return milder or (self.declared in PLAIN and self.read in worse)


def along(array: Verdicts, name: str) -> Verdicts:
    """A view with one inner field as the middle one of three axes."""
    axis = INNER.index(name)
    return array.reshape(prod(SHAPE[:axis]), SHAPE[axis], prod(SHAPE[axis + 1 :]))


class Slicer:
    """A compiled policy, cut into slices. The tables are the policy's own, only broadcast."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def bits(self, outer: dict[str, int]) -> Bits:
        """The reason bits of every case of a slice."""
        near = np.zeros((*SHAPE[:NEAR], *[1] * (len(SHAPE) - NEAR)), dtype=np.uint64)
        far = np.zeros((*[1] * NEAR, *SHAPE[NEAR:]), dtype=np.uint64)
        across: list[Bits] = []
        for fields, table in self.policy.tables:
            part = self._part(fields, table, outer)
            if max(part.shape[NEAR:]) == 1:
                near |= part
            elif max(part.shape[:NEAR]) == 1:
                far |= part
            else:
                across.append(part)
        whole: Bits = near.reshape(-1, 1) | far.reshape(1, -1)
        return reduce(np.bitwise_or, across, whole.reshape(SHAPE))

    def _part(self, fields: tuple[str, ...], table: Bits, outer: dict[str, int]) -> Bits:
        whole = table.reshape([RADICES[name] for name in fields])
        cut: Bits = whole[tuple(outer.get(name, slice(None)) for name in fields)]
        left = [name for name in fields if name not in outer]
        order = sorted(range(len(left)), key=lambda place: INNER.index(left[place]))
        shape = [RADICES[name] if name in left else 1 for name in INNER]
        return np.asarray(cut).transpose(order).reshape(shape)


def slices(
    book: Rulebook, pairs: Iterable[tuple[Kind, Kind]] = tuple(product(Kind, Kind))
) -> Iterator[Slice]:
    """Every slice of these pairs of declared and read kind; of all pairs, every case."""
    policy = Policy(book)
    slicer = Slicer(policy)
    for declared, read in pairs:
        consented: Verdicts | None = None
        for grounds in GroundsState:
            bits = slicer.bits(dict(zip(OUTER, (declared, read, grounds), strict=True)))
            verdicts = policy.verdicts(bits)
            consented = verdicts if consented is None else consented
            yield Slice(declared, read, grounds, bits, verdicts, consented)


def shipped(name: str) -> Rulebook:
    """A rulebook of the package."""
    path = Path(qingjing.__file__).parent / "rulebooks" / f"{name}.toml"
    return read_rulebook(path.read_text(encoding="utf-8"))


def lawful(cut: Slice) -> Bools:
    """Where a message may leave, said in one breath and without the rules."""
    marketing = cut.sells or cut.asks
    if cut.sells:
        grounded = cut.grounds in SOUND
    else:
        grounded = cut.plain or cut.grounds not in (GroundsState.REFUSED, GroundsState.UNCLEAR)
    allowed: dict[str, tuple[int, ...]] = dict.fromkeys(NEVER_FORGIVEN, (0,))
    allowed["number"] = (0,) if marketing else (0, NumberState.EMPTY, NumberState.RECYCLED)
    allowed["notice"] = (0,) if marketing else (0, NoticeState.MISSING, NoticeState.UNUSABLE)
    if marketing:
        allowed |= dict.fromkeys(MARKETING_ONLY, (0,))
    result = np.array(grounded and not (cut.illegal or cut.disguised or cut.unclear))
    for axis, (name, radix) in enumerate(zip(INNER, SHAPE, strict=True)):
        values = np.isin(np.arange(radix), allowed.get(name, tuple(range(radix))))
        result = result & values.reshape([-1 if place == axis else 1 for place in range(15)])
    return np.broadcast_to(result, SHAPE)


def flat_columns() -> dict[str, NDArray[np.uint8]]:
    """The inner fields of every case of a slice, in the order in which a slice is laid out."""
    axes = np.meshgrid(
        *[np.arange(r, dtype=np.uint8) for r in SHAPE], indexing="ij", copy=False
    )
    return {name: axis.ravel() for name, axis in zip(INNER, axes, strict=True)}
