"""What the reader is measured by, each with its aim; what is taught is never measured."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.resources import files
from random import Random
from typing import Final

import msgspec
import numpy as np

from qingjing.kernel.words import Category, Kind
from qingjing.text.measure import Measures, measure
from qingjing.text.model import pack, unpack
from qingjing.text.normalise import normalise
from qingjing.text.parts import pieces, take_apart
from qingjing.text.reading import Reading, read, read_parts
from qingjing.text.teach.compose import Row
from qingjing.text.teach.learn import learn, rows_of, scores, share_of
from qingjing.text.teach.perturb import DISGUISES, keywords
from qingjing.text.teach.sources import Labelled
from qingjing.text.teach.split import Taught
from qingjing.text.teach.train import balanced, prepare, subset, teach, warmth

UNWANTED: Final = (Kind.COMMERCIAL, Kind.ILLEGAL)
FOLDS: Final = 5
EVERY: Final = 4
"""Of composed rows that are held out, one in so many is read: they are alike."""
BINS: Final = 10
SEED: Final = 12321


class Figure(msgspec.Struct, frozen=True):
    """One figure. ``aim`` is what it should be at least, or at most where ``least`` is false.

    ``rows`` is how many texts it rests on, ``about`` what it says.
    """

    name: str
    value: float
    aim: float
    rows: int
    about: str
    least: bool = True

    @property
    def reached(self) -> bool:
        """Whether the aim is reached."""
        return self.value >= self.aim if self.least else self.value <= self.aim


def macro(found: Measures[str]) -> float:
    """The mean F1 over the labels that are true of some text; UNCLEAR only costs recall."""
    truths = [score.f1 for score in found.scores.values() if score.truth]
    return sum(truths) / max(1, len(truths))


def weighted(found: Measures[str]) -> float:
    """The mean F1, each label weighing as many texts as it is true of."""
    total = sum(score.truth for score in found.scores.values())
    return sum(score.f1 * score.truth for score in found.scores.values()) / max(1, total)


def kinds(pairs: Iterable[tuple[Kind, Kind]]) -> Measures[str]:
    """Measures of kinds, by name."""
    return measure((truth.name, got.name) for truth, got in pairs)


def written() -> list[Row]:
    """The texts that were written by hand to be measured and that nothing is taught from."""
    source = (files(__package__) / "written.toml").read_text(encoding="utf-8")
    return [
        Row(
            text,
            Kind[group["kind"].upper()],
            Category[group["category"].upper()] if "category" in group else None,
            group.get("mixed", False),
        )
        for group in tomllib.loads(source)["group"]
        for text in group["texts"]
    ]


def of_written() -> Iterator[Figure]:
    """The shipped reader on the hand-written texts."""
    rows = written()
    readings = [(row, read(row.text)) for row in rows]
    found = kinds((row.kind, got.kind) for row, got in readings)
    count = len(rows)
    yield Figure("written kinds", macro(found), 0.93, count, "kind macro-F1, by hand")
    mixed = [got.mixed for row, got in readings if row.mixed]
    yield Figure("written mixed", _mean(mixed), 0.9, len(mixed), "mixed notices found")
    told = [got.category is row.category for row, got in readings if row.category is not None]
    yield Figure("written categories", _mean(told), 0.85, len(told), "line of trade told")
    calibration = _calibration((row.kind, got) for row, got in readings)
    yield Figure(
        "written calibration", calibration, 0.05, count, "expected calibration error", False
    )
    yield from _disguised(rows, macro(found), found.scores["SERVICE"].f1)


def _disguised(rows: Sequence[Row], clean: float, service: float) -> Iterator[Figure]:
    """The same texts under each disguise, against themselves."""
    words = [keywords(normalise(row.text).text) for row in rows]
    total = sum(map(len, words))
    for name, disguise in DISGUISES.items():
        chance = Random(SEED)
        texts = [disguise(chance, row.text) for row in rows]
        kept = sum(
            len(before & keywords(normalise(text).text))
            for before, text in zip(words, texts, strict=True)
        )
        found = kinds(
            (row.kind, read(text).kind) for row, text in zip(rows, texts, strict=True)
        )
        yield Figure(f"{name} words", kept / total, 0.97, total, "hits kept under disguise")
        yield Figure(
            f"{name} kinds", clean - macro(found), 0.02, len(rows), "macro-F1 lost", False
        )
        yield Figure(
            f"{name} service",
            service - found.scores["SERVICE"].f1,
            0.02,
            len(rows),
            "F1 of service lost",
            False,
        )


def of_composed(taught: Sequence[Taught]) -> Iterator[Figure]:
    """Models taught without some wordings, or some industries, on those."""
    others = [one for each in taught if each.source.form != "composed" for one in each.train]
    ours = [one for each in taught if each.source.form == "composed" for one in each.train]
    if not ours:
        return
    base = [one for one in others if one.row.kind]
    for name, key in (("wordings", _host), ("industries", _industry)):
        pairs = list(_folded(ours, base, key))
        found = kinds((row.kind, got.kind) for row, got in pairs)
        about = f"kind macro-F1, {name} held out"
        yield Figure(f"composed {name}", macro(found), 0.97, len(pairs), about)


def _host(row: Row) -> str:
    """The wording of a row; of a mixed one, that of its notice."""
    return row.group.split("+")[0]


def _industry(row: Row) -> str:
    """The industry; kinds that have one alone are parted by wording."""
    trades = (Kind.VERIFICATION, Kind.SERVICE, Kind.COMMERCIAL)
    return row.industry if row.kind in trades else _host(row)


def _folded(
    ours: Sequence[Labelled], base: Sequence[Labelled], key: Callable[[Row], str]
) -> Iterator[tuple[Row, Reading]]:
    """Rows read by a model that was taught none of their fold."""
    everything = [*ours, *base]
    lesson = prepare([one.row for one in everything], [one.share for one in everything])
    warm = warmth(lesson)
    folds = np.full(len(everything), -1)
    folds[: len(ours)] = [int(share_of(key(one.row)) * FOLDS) for one in ours]
    for fold in range(FOLDS):
        inside = np.flatnonzero(folds != fold)
        part = msgspec.structs.replace(
            lesson,
            rows=subset(lesson.rows, inside),
            kinds=lesson.kinds[inside],
            categories=lesson.categories[inside],
            shares=lesson.shares[inside],
        )
        model = unpack(pack(teach(part), warm, {}))
        for at in np.flatnonzero(folds == fold)[::EVERY]:
            row = everything[int(at)].row
            yield row, read_parts(row.text, take_apart(row.text), model)


def of_corpora(taught: Sequence[Taught]) -> Iterator[Figure]:
    """The corpora's own test rows: their labels by a model of theirs, and the shipped one."""
    for each in taught:
        if not each.test:
            continue
        labels = each.source.labels
        if len(set(labels.values())) > 2:
            yield from _own_labels(each)
        if each.source.all == "personal":
            wrong = [read(one.row.text).kind in UNWANTED for one in each.test]
            about = "personal read as unwanted"
            yield Figure(
                f"{each.source.name} unwanted", _mean(wrong), 0.02, len(wrong), about, False
            )
        if set(labels) == {"ham", "spam"}:
            pairs = [(one.label, _spam(read(one.row.text))) for one in each.test]
            found = measure(pairs)
            yield Figure(
                f"{each.source.name} spam", found.scores["spam"].f1, 0.97, len(pairs), "spam F1"
            )


def _spam(got: Reading) -> str:
    return "spam" if got.kind in UNWANTED else "ham"


def _own_labels(each: Taught) -> Iterator[Figure]:
    """A model of the corpus's own labels, signature and notice seen, on its test rows."""
    names = sorted({one.label for one in (*each.train, *each.test)})
    train = [
        (one.label, one.row.text) for one in (*each.train, *each.test) if one.split != "test"
    ]
    test = [(one.label, one.row.text) for one in each.test if one.split == "test"]
    truth = np.array([names.index(label) for label, _ in train], dtype=np.int64)
    rows = rows_of([pieces(take_apart(text), whole=True) for _, text in train])
    costs = balanced(truth, np.ones(len(truth)), 1.0)
    weights = learn(rows, truth, len(names), costs)
    asked = rows_of([pieces(take_apart(text), whole=True) for _, text in test])
    best = scores(asked, weights).argmax(axis=1)
    pairs = [(label, names[at]) for (label, _), at in zip(test, best, strict=True)]
    found = measure(pairs)
    coarse = measure((a.split(":")[0], b.split(":")[0]) for a, b in pairs)
    name, count = each.source.name, len(pairs)
    classes = sum(score.truth > 0 for score in found.scores.values())
    yield Figure(f"{name} macro", macro(found), 0.92, count, f"macro-F1 over {classes} classes")
    yield Figure(f"{name} weighted", weighted(found), 0.975, count, "weighted F1")
    yield Figure(
        f"{name} coarse", weighted(coarse), 0.984, count, "weighted F1, coarse classes"
    )
    unwanted = [one for one in each.test if one.row.kind in UNWANTED]
    hit = [read(one.row.text).kind in UNWANTED for one in unwanted]
    yield Figure(f"{name} unwanted", _mean(hit), 0.95, len(hit), "spam read as unwanted")


def of_everything(taught: Sequence[Taught]) -> Iterator[Figure]:
    """All figures that the sources at hand allow."""
    yield from of_written()
    yield from of_corpora(taught)
    yield from of_composed(taught)


def _calibration(pairs: Iterable[tuple[Kind, Reading]]) -> float:
    """Expected calibration error over readings that are not UNCLEAR."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for truth, got in pairs:
        if got.kind is not Kind.UNCLEAR:
            place = min(BINS - 1, int(got.confidence * BINS))
            bins[place].append((got.confidence, got.kind is truth))
    total = sum(map(len, bins))
    gaps = [
        abs(_mean(sure for sure, _ in one) - _mean(right for _, right in one)) * len(one)
        for one in bins
    ]
    return sum(gaps) / max(1, total)


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0
