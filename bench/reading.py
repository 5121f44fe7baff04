"""How many texts a second one core reads: new ones, ones of a known template, and campaigns.

``python bench/reading.py`` prints a table; ``--json`` one object a figure. Processor time is
counted, so that a busy machine changes the figures by its caches alone.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from figures import figure, show

from qingjing.desk.texts import Reader
from qingjing.text.campaigns import Campaigns, core, shingles_of, signatures, similarity
from qingjing.text.normalise import normalise, normalise_with_map
from qingjing.text.reading import read
from qingjing.text.similar import SIMILAR_AT
from qingjing.text.teach.compose import compose

ROUNDS = 3
TEXTS = 6_000
PLANTED = 2_000
COPIES = 3


def main() -> None:
    """Measure and print."""
    chance = Random(7)
    texts = list({row.text for row in compose(chance, 30, 3_000)})
    chance.shuffle(texts)
    texts = texts[:TEXTS]
    warm = texts[0]
    read(warm)
    normalise_with_map(warm)
    cores = [core(text) for text in texts]
    signatures(cores[:2])
    found = {
        "normalised": rate(lambda: [normalise(text) for text in texts], len(texts)),
        "normalised with map": rate(
            lambda: [normalise_with_map(text) for text in texts], len(texts)
        ),
        "read, new": rate(lambda: [read(text) for text in texts], len(texts)),
        "read, template seen": seen(chance),
        "campaign signatures": rate(lambda: signatures(cores), len(cores)),
        **planted(chance, cores),
    }
    units = {"planted pairs": "pairs", "planted recall": ""}
    figures = [
        figure(f"reading, {name}", value, units.get(name, "texts/s"))
        for name, value in found.items()
    ]
    show(figures, as_json="--json" in sys.argv)


def rate(work: Callable[[], Any], size: int) -> float:
    """Texts a second, the best of some rounds."""
    best = 0.0
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        best = max(best, size / (time.process_time() - started))
    return best


def seen(chance: Random) -> float:
    """Texts a second of which the gate knows the template, each with a code of its own."""
    reader = Reader(os.urandom)
    form = "【示例商城】您的验证码是{},5分钟内有效,请勿泄露给他人。"
    texts = [form.format(chance.randint(100_000, 999_999)) for _ in range(15_000)]
    reader.text(texts[0])
    started = time.process_time()
    for text in texts:
        reader.text(text)
    return len(texts) / (time.process_time() - started)


def planted(chance: Random, cores: Sequence[str]) -> dict[str, float]:
    """Small rewordings planted among others: how many are found, how fast they are added."""
    base = [one for one in dict.fromkeys(cores) if len(one) > 25][:PLANTED]
    pairs = [(one, reworded(chance, one)) for one in base for _ in range(COPIES)]
    every = [one for pair in pairs for one in pair]
    chance.shuffle(every)
    campaigns = Campaigns()
    started = time.process_time()
    places = dict(zip(every, campaigns.add_cores(every), strict=True))
    spent = time.process_time() - started
    near = [pair for pair in pairs if similarity(*shingles_of(pair)) >= SIMILAR_AT]
    hits = sum(campaigns.cluster(places[a]) == campaigns.cluster(places[b]) for a, b in near)
    return {
        "campaign texts added": len(every) / spent,
        "planted pairs": float(len(near)),
        "planted recall": hits / len(near),
    }


def reworded(chance: Random, text: str) -> str:
    """One to three characters exchanged, left out or put in."""
    characters = list(text)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(characters))
        match chance.randrange(3):
            case 0:
                characters[place] = chance.choice("的了在是我有和人这中大")
            case 1:
                del characters[place]
            case _:
                characters.insert(place, chance.choice("亲请快哦吧呢"))
    return "".join(characters)


if __name__ == "__main__":
    main()
