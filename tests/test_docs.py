"""What is undocumented fails: words, fact kinds and reasons stand in the pages."""

from __future__ import annotations

import ast
import inspect
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

import qingjing
from qingjing.doors.cli.reasons_page import reasons_page
from qingjing.kernel import vector, words
from qingjing.kernel.facts import KINDS
from qingjing.kernel.rulebook import read_rulebook
from qingjing.kernel.rules import RULES
from qingjing.kernel.vector import FIELDS

DOCS: Final = Path(__file__).parents[1] / "docs"
CONCEPTS: Final = (DOCS / "concepts.md").read_text(encoding="utf-8")
REASONS: Final = (DOCS / "reasons.md").read_text(encoding="utf-8")
BOOKS: Final = [
    read_rulebook(path.read_text(encoding="utf-8"))
    for path in sorted((Path(qingjing.__file__).parent / "rulebooks").glob("*.toml"))
]


def public_names(module: ModuleType) -> list[str]:
    """The classes, functions and constants that a module itself defines for others."""
    names: list[str] = []
    for node in ast.parse(inspect.getsource(module)).body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                names.append(name)
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.append(name)
            case ast.Assign(targets=targets):
                names += [target.id for target in targets if isinstance(target, ast.Name)]
    return [name for name in names if not name.startswith("_")]


NAMES: Final = [*public_names(words), *public_names(vector)]
MEMBERS: Final = [
    member.name
    for module in (words, vector)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Enum) and kind.__module__ == module.__name__
    for member in kind
]


def test_the_words_of_the_field_are_found() -> None:
    """The list is not empty by accident: it holds classes, functions and constants."""
    assert {"Kind", "Phone", "mask", "PURPOSE_ANY"} <= set(NAMES)
    assert {"Vector", "FIELDS", "case_number"} <= set(NAMES)
    assert "PRE_TICKED" in MEMBERS


@pytest.mark.parametrize("name", NAMES)
def test_every_public_word_stands_in_the_concepts(name: str) -> None:
    """One name per idea, and the page says what it is."""
    assert f"`{name}`" in CONCEPTS


@pytest.mark.parametrize("name", sorted(set(MEMBERS)))
def test_every_value_of_an_enumeration_stands_in_the_concepts(name: str) -> None:
    """Not the type alone: each thing that it can say."""
    assert f"`{name}`" in CONCEPTS


@pytest.mark.parametrize("tag", sorted(KINDS))
def test_every_kind_of_fact_stands_in_the_concepts(tag: str) -> None:
    """With its version, under the idea that it belongs to."""
    assert f"`{tag}`" in CONCEPTS


@pytest.mark.parametrize("field", [name for name, _kind in FIELDS])
def test_every_field_of_the_case_vector_stands_in_the_concepts(field: str) -> None:
    """In the table of the vector, by the name that a rule's parameters use."""
    assert f"`{field}`" in CONCEPTS


def test_every_heading_of_the_concepts_is_in_both_languages() -> None:
    """An English word comes with its Chinese term."""
    headings = [line for line in CONCEPTS.splitlines() if line.startswith("#")]

    assert len(headings) > 20
    for heading in headings:
        assert any("\u4e00" <= character <= "\u9fff" for character in heading), heading
        assert any(character.isascii() and character.isalpha() for character in heading)


def test_the_page_of_reasons_is_the_one_that_the_rules_make() -> None:
    """What is committed is what ``reasons_page`` says of the shipped books."""
    assert reasons_page(BOOKS) == REASONS


def test_every_reason_has_its_section_in_policy_order() -> None:
    """A reader who was given a reason finds it, and its remedy, by its name."""
    headings = [line for line in REASONS.splitlines() if line.startswith("## ")]

    assert [f"## {n}. `{rule.name}`" for n, rule in enumerate(RULES, start=1)] == headings
    for rule in RULES:
        for told in (rule.zh, rule.en, rule.remedy_zh, rule.remedy_en, rule.duty):
            assert told in REASONS


def test_the_page_of_reasons_says_what_a_hit_means_in_each_shipped_book() -> None:
    """One effect a book in every section, and no reason is without its why."""
    assert [book.name for book in BOOKS] == ["order31-2015", "order74-2026"]
    for book in BOOKS:
        assert REASONS.count(f"`{book.name}` ") == len(RULES)
    assert "* Why: \n" not in REASONS
