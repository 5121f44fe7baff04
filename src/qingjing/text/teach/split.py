"""Which rows teach and which are measured: near-duplicates always together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from qingjing.text.campaigns import Campaigns, core
from qingjing.text.teach.learn import share_of
from qingjing.text.teach.sources import Labelled, Source, rows

HELD_OUT = 0.3
"""The share of a source without splits of its own that is measured and never taught."""


class Taught(msgspec.Struct, frozen=True):
    """One source's rows, parted. Rows that mean nothing to the reader are in ``test`` alone."""

    source: Source
    train: list[Labelled]
    test: list[Labelled]


def part(source: Source, content: str) -> Taught:
    """Part a source as it declares, or by near-duplicate cluster; composed rows all teach."""
    found = list(rows(source, content))
    if source.form == "composed":
        return Taught(source, found, [])
    held = [one.split == "test" for one in found]
    if not source.split:
        held = held_out([one.row.text for one in found])
    pairs = list(zip(found, held, strict=True))
    return Taught(
        source,
        [one for one, out in pairs if not out],
        [one for one, out in pairs if out],
    )


def held_out(texts: Sequence[str]) -> list[bool]:
    """Whether each text is held out: the same answer for all of a cluster, in any process."""
    campaigns = Campaigns()
    cores = [core(text) for text in texts]
    clusters = campaigns.add_cores(cores)
    first: dict[int, str] = {}
    for cluster, one in zip(clusters, cores, strict=True):
        first.setdefault(cluster, one)
    return [share_of(first[cluster]) < HELD_OUT for cluster in clusters]


def all_train(taught: Iterable[Taught]) -> list[Labelled]:
    """Every row that teaches."""
    return [one for each in taught for one in each.train if one.row.kind]
