"""What is undocumented fails: words, fact kinds and reasons stand in the pages."""

from __future__ import annotations

import ast
import inspect
import json
import re
import tomllib
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Final

import msgspec
import pytest
from cyclopts import App

import qingjing
from qingjing import settings
from qingjing.doors.cli.main import COMMANDS
from qingjing.doors.cli.reasons_page import reasons_page
from qingjing.doors.gateway.gateway import login
from qingjing.doors.gateway.results import RESULTS, results_table
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


OPERATING: Final = (DOCS / "operating.md").read_text(encoding="utf-8")
COMMANDS_PAGE: Final = (DOCS / "cli.md").read_text(encoding="utf-8")
PROTOCOLS: Final = (DOCS / "protocols.md").read_text(encoding="utf-8")
EXAMPLE: Final = DOCS / "qingjing.example.toml"

SETTINGS: Final[list[tuple[str, type[msgspec.Struct]]]] = [
    ("", settings.Settings),
    ("listeners.NAME.", settings.Listener),
    ("api.", settings.Api),
    ("pages.", settings.Pages),
    ("accounts.NAME.", settings.Account),
    ("routes.NAME.", settings.Route),
    ("*.smpp.", settings.Smpp),
    ("sgip.", settings.Sgip),
    ("accounts.NAME.sgip.", settings.SgipAccount),
    ("routes.NAME.sgip.", settings.SgipRoute),
    ("*.tls.", settings.Tls),
    ("limits.", settings.Limits),
]


def all_settings() -> Iterator[tuple[str, str]]:
    """Every setting as the page names it, and its default as TOML or JSON has it."""
    for prefix, kind in SETTINGS:
        for field in msgspec.structs.fields(kind):
            if (prefix, field.name) == ("", "folder"):
                continue  # where the file stood: set on loading, whatever the file says
            yield prefix + field.name, _default(prefix, field)


def _default(prefix: str, field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    default = field.default
    if default is msgspec.NODEFAULT:
        default = field.default_factory()
    tables = isinstance(default, msgspec.Struct) or (not prefix and default == {})
    return "–" if tables else f"`{json.dumps(default)}`"


def all_commands(app: App, path: tuple[str, ...]) -> Iterator[str]:
    """The commands that do something, as they are typed."""
    for name in app:
        if not name.startswith("-"):
            below = list(all_commands(app[name], (*path, name)))
            if not below or app[name].default_command:
                yield " ".join((*path, name))
            yield from below


def commands() -> list[str]:
    """Every command and sub-command of the program."""
    app = App(name="qingjing")
    for command in COMMANDS:
        app.command(command)
    return list(all_commands(app, ("qingjing",)))


def test_every_struct_of_the_settings_is_walked() -> None:
    """None is forgotten, should another be added."""
    kinds = vars(settings).values()
    ours = [k for k in kinds if isinstance(k, type) and issubclass(k, msgspec.Struct)]

    assert set(ours) == {kind for _prefix, kind in SETTINGS}


@pytest.mark.parametrize(("name", "default"), list(all_settings()))
def test_every_setting_has_its_row_with_default_and_reason(name: str, default: str) -> None:
    """An operator finds each by its name, with what holds when it is left out and why."""
    row = rf"^\| `{re.escape(name)}` \| {re.escape(default)} \| \S.*\S \|$"

    assert len(re.findall(row, OPERATING, re.MULTILINE)) == 1, f"| `{name}` | {default} | ..."


def test_no_row_of_the_settings_is_about_what_is_not_there() -> None:
    """A setting that was taken away leaves no row."""
    part = OPERATING.partition("\n## Settings\n")[2].partition("\n## Keys\n")[0]
    names = re.findall(r"^\| `([^`]*)` \|", part, re.MULTILINE)

    assert sorted(names) == sorted(name for name, _default in all_settings())


def test_the_example_of_the_settings_loads_and_its_accounts_can_log_in() -> None:
    """Copied as it is, it is understood; only secrets have to be given."""
    loaded = settings.load(EXAMPLE)
    environ = {account.secret_env: "secret" for account in loaded.accounts.values()}

    assert loaded.routes
    for name, account in loaded.accounts.items():
        assert len(name) <= settings.NAME_MAX[account.protocol]
        assert login(loaded, name, account, environ).caller.kinds


def test_the_example_has_every_setting_and_loads_with_all_of_them(tmp_path: Path) -> None:
    """What stands behind a # is a setting too."""
    optional = re.compile(r"^# (\[[a-z0-9.-]+\]|[a-z_]+ = .*)$", re.MULTILINE)
    text = optional.sub(r"\1", EXAMPLE.read_text(encoding="utf-8"))
    whole = tmp_path / "qingjing.toml"
    whole.write_text(text, encoding="utf-8")
    loaded = settings.load(whole)
    found = tomllib.loads(text)
    tables = ("listeners", "accounts", "routes")
    listener, account, route = (next(iter(found[name].values())) for name in tables)

    assert loaded.listeners["cmpp"].tls is not None
    assert {*found, "folder"} == set(settings.Settings.__struct_fields__)
    for table, kind in (
        (listener, settings.Listener),
        (found["api"], settings.Api),
        (found["pages"], settings.Pages),
        (account, settings.Account),
        (route, settings.Route),
        (account["smpp"], settings.Smpp),
        (route["smpp"], settings.Smpp),
        (found["sgip"], settings.Sgip),
        (account["sgip"], settings.SgipAccount),
        (route["sgip"], settings.SgipRoute),
        (route["tls"], settings.Tls),
        (found["limits"], settings.Limits),
    ):
        assert set(table) == set(kind.__struct_fields__), kind


def test_the_example_states_the_true_defaults_of_the_limits() -> None:
    """It says that they are the defaults."""
    assert settings.load(EXAMPLE).limits == settings.Limits()


def test_the_commands_of_the_program_are_found() -> None:
    """The list is not empty by accident."""
    assert {"qingjing serve", "qingjing consent import", "qingjing city run"} <= set(commands())


def test_every_command_has_one_row_with_an_example() -> None:
    """In ``docs/cli.md``: what it does, and how it is typed; no row is about another."""
    rows = re.findall(
        r"^\| `(qingjing [^`]*)` \| \S.* \| `(.*)` \|$", COMMANDS_PAGE, re.MULTILINE
    )

    assert sorted(name for name, _example in rows) == sorted(commands())
    for name, example in rows:
        plain = re.sub(r" --(config|lang) \S+", "", example)
        assert plain == name or plain.startswith(f"{name} ")


def test_the_results_of_the_page_are_those_of_the_code() -> None:
    """``docs/protocols.md`` has between its markers what ``results_table`` makes."""
    head = "<!-- results: begin, made by qingjing.doors.gateway.results.results_table -->"
    made = PROTOCOLS.partition(head)[2].partition("<!-- results: end -->")[0]

    assert made.strip("\n") == results_table()
    assert made.count("\n| ") == 1 + len(RESULTS) == 1 + len(RULES)
