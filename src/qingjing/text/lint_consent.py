"""Consent-screen lint: what in a page, a form or an agreement makes a consent worth nothing.

Pure and total: a text in, findings out, each with its quote, place, clause and remedy. It reads
what is written, not what scripts do later, so no finding is no proof of consent.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from qingjing.text import lint_checks
from qingjing.text.lint_checks import Hit
from qingjing.text.lint_page import Page, read_markup
from qingjing.text.lint_screen import read_screen

SOURCE_MAX: Final = 1_000_000
"""Characters of one page; a longer one is a whole program, to be given page by page."""

QUOTE_MAX: Final = 90
"""Characters of a quote: enough to find it and to see what it says."""

_MARKUP: Final = re.compile(r"<(?:!doctype|[a-z][\w.-]*)(?:\s[^<>]*)?/?>", re.IGNORECASE)


class SourceError(ValueError):
    """A text that cannot be linted; the message says why and what to do."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a screen.

    ``code`` names it (a table of ``lint_consent.toml``). ``line`` counts from 1, ``offset``
    from 0 in the source; ``selector`` is empty for plain text. ``clause`` is the law, ``duty``
    its row in ``docs/law.csv``.
    """

    code: str
    quote: str
    line: int
    offset: int
    selector: str
    clause: str
    duty: str
    zh: str
    en: str
    remedy_zh: str
    remedy_en: str


@cache
def table() -> dict[str, dict[str, str]]:
    """All that can be found, by code, in order: clause, duty, words and remedy."""
    text = (files(__package__) / "lint_consent.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def lint(source: str) -> tuple[Finding, ...]:
    """The findings of one screen, in the order of the source.

    ``source`` is HTML, a component or mini-program template, an agreement's text, or the text
    read off a screenshot. SourceError when it is longer than ``SOURCE_MAX``.
    """
    if len(source) > SOURCE_MAX:
        raise SourceError(
            f"{len(source)} characters are more than {SOURCE_MAX}: give one page at a time"
        )
    page = page_of(source)
    told: dict[tuple[str, int], Finding] = {}
    for hit in lint_checks.run(page):
        told.setdefault((hit.code, hit.place.offset), _finding(hit))
    order = list(table())
    return tuple(sorted(told.values(), key=lambda f: (f.offset, order.index(f.code))))


def page_of(source: str) -> Page:
    """The screen that a source shows: markup where there is a tag, else plain text."""
    return read_markup(source) if _MARKUP.search(source) else read_screen(source)


def _finding(hit: Hit) -> Finding:
    words = table()[hit.code]
    quote = " ".join(hit.quote.split())
    return Finding(
        code=hit.code,
        quote=quote if len(quote) <= QUOTE_MAX else f"{quote[: QUOTE_MAX - 1]}…",
        line=hit.place.line,
        offset=hit.place.offset,
        selector=hit.place.selector,
        clause=words["clause"],
        duty=words["duty"],
        zh=_fill(words["zh"], hit.fill),
        en=_fill(words["en"], hit.fill_en or hit.fill),
        remedy_zh=words["remedy_zh"],
        remedy_en=words["remedy_en"],
    )


def _fill(sentence: str, words: str) -> str:
    """A sentence with what is particular to this hit in its one gap."""
    return re.sub(r"\{\w+\}", lambda _: words, sentence)
