"""The data that a model is taught from, as a file declares them; texts in, labelled rows out.

Nothing is read from disk here: the caller hands in each source's text.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from random import Random
from typing import Any, Final

import msgspec

from qingjing.kernel.words import Category, Kind
from qingjing.text.teach.compose import Row, compose

FORMS: Final = ("tsv", "csv", "lines", "composed")
_SEGMENTED: Final = re.compile(r"(?<=[^\x00-\x7f]) (?=\S)|(?<=\S) (?=[^\x00-\x7f])")


class SourceError(ValueError):
    """A declaration or a source that cannot be used; the text names it and the remedy."""


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One declared source; see ``sources.toml``."""

    name: str
    form: str
    terms: str
    path: str = ""
    text: str = "text"
    label: str = ""
    category: str = ""
    split: str = ""
    all: str = ""
    joined: bool = False
    labels: dict[str, str] = {}
    masks: dict[str, str] = {}
    share: float = 1.0
    each: int = 0
    mixed: int = 0
    seed: int = 0


class Labelled(msgspec.Struct, frozen=True):
    """One row of a source: what it is, the corpus's own label, and its split if it has one."""

    row: Row
    label: str
    split: str
    share: float


def shipped() -> str:
    """The declaration that the package's own model is taught from."""
    return (files(__package__) / "sources.toml").read_text(encoding="utf-8")


def parse(text: str) -> tuple[Source, ...]:
    """Read a declaration; SourceError for an unknown field, form or meaning."""
    try:
        declared = msgspec.convert(tomllib.loads(text).get("source", []), list[Source])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SourceError(f"sources: {error}") from None
    if not declared:
        raise SourceError("sources: no [[source]] is declared")
    for source in declared:
        if source.form not in FORMS:
            raise SourceError(f"{source.name}: form is one of {', '.join(FORMS)}")
        for meaning in (*source.labels.values(), *filter(None, [source.all])):
            means(meaning, source.name)
    return tuple(declared)


def means(meaning: str, where: str) -> tuple[Kind, Category | None, bool]:
    """``commercial.retail`` as kind and category; ``commercial+`` is a mixed notice."""
    name, _, category = meaning.partition(".")
    mixed = name.endswith("+")
    try:
        kind = Kind[name.rstrip("+").upper()]
        return kind, Category[category.upper()] if category else None, mixed
    except KeyError as error:
        raise SourceError(f"{where}: {meaning!r}: {error} is no kind or category") from None


def rows(source: Source, content: str) -> Iterator[Labelled]:
    """The rows of one source. ``content`` is its text, empty for composed ones."""
    if source.form == "composed":
        for row in compose(Random(source.seed), source.each, source.mixed):
            yield Labelled(row, "", "", source.share)
        return
    if source.form == "lines":
        kind, category, mixed = means(source.all, source.name)
        for line in content.splitlines():
            if line.strip():
                row = Row(_clean(source, line.strip()), kind, category, mixed, "", source.name)
                yield Labelled(row, source.all, "", source.share)
        return
    yield from _table(source, content)


def _table(source: Source, content: str) -> Iterator[Labelled]:
    """The rows of a table with a head line."""
    lines = io.StringIO(content, newline="")
    if source.form == "tsv":
        table = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    else:
        table = csv.DictReader(lines)
    wanted = {source.text, source.label, source.category, source.split} - {""}
    if missing := wanted.difference(table.fieldnames or ()):
        raise SourceError(f"{source.name}: there is no column {', '.join(sorted(missing))}")
    for record in table:
        label = record[source.label] if source.label else source.all
        meaning = source.labels.get(label, "") if source.labels else label
        if source.category and meaning and record[source.category]:
            meaning = f"{meaning}.{record[source.category]}"
        if not meaning and not source.labels:
            continue
        kind, category, mixed = (
            means(meaning, source.name) if meaning else (Kind.UNCLEAR, None, False)
        )
        text = _clean(source, record[source.text])
        row = Row(text, kind, category, mixed, "", source.name)
        yield Labelled(row, label, record[source.split] if source.split else "", source.share)


def _clean(source: Source, text: str) -> str:
    """A row as a message would have it: no masks of the corpus, no segmentation."""
    for pattern, written in source.masks.items():
        text = re.sub(pattern, written, text)
    return _SEGMENTED.sub("", text) if source.joined else text


def describe(declared: tuple[Source, ...]) -> list[dict[str, Any]]:
    """Name and terms of each source, as the model's card has them."""
    return [{"name": source.name, "terms": source.terms} for source in declared]
