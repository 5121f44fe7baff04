"""What the pages tell people to type can be typed, and both front pages say the same."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from cyclopts import App

from qingjing.__main__ import House
from qingjing.doors.cli.main import COMMANDS, run

ROOT: Final = Path(__file__).parents[1]
ENGLISH: Final = ROOT / "README.md"
CHINESE: Final = ROOT / "README.zh.md"
PAGES: Final = [ENGLISH, CHINESE, *sorted((ROOT / "docs").glob("*.md"))]
"""Written by ``make bench``: named before it is there."""


def blocks(text: str) -> list[str]:
    """The fenced blocks of a page, with their languages."""
    return re.findall(r"^ *```.*?^ *```$", text, re.DOTALL | re.MULTILINE)


def prose(text: str) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)


def headings(text: str) -> list[int]:
    """The levels of a page's headings, in order."""
    return [len(marks) for marks in re.findall(r"^(#+) ", prose(text), re.MULTILINE)]


def words_of(line: str) -> list[str]:
    """The words after ``qingjing`` as the program is handed them, without redirections."""
    words = shlex.split(line, comments=True)
    ends = [at for at, word in enumerate(words) if word in {">", "<", "|", "&&"}]
    return words[1 : ends[0]] if ends else words[1:]


def typed() -> Iterator[tuple[str, str]]:
    """Every whole command of a page: lines of blocks, and the examples of docs/cli.md."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines = [line.strip() for block in blocks(text) for line in block.splitlines()]
        if page.name == "cli.md":
            lines += re.findall(r"\| `(qingjing [^`]*)` \|$", text, re.MULTILINE)
        for line in lines:
            command = line.removeprefix(".venv/bin/")
            if command.startswith("qingjing ") and "qingjing: " not in command:
                yield page.name, command


def named() -> Iterator[tuple[str, str]]:
    """Every command that a sentence of a page names, with or without its options."""
    for page in PAGES:
        text = prose(page.read_text(encoding="utf-8"))
        for line in re.findall(r"`(qingjing [^`]*)`", text):
            if line != "qingjing COMMAND --help":
                yield page.name, line


TYPED: Final = sorted(set(typed()))
NAMED: Final = sorted(set(named()))


def commands() -> App:
    """All commands under one roof, without anything behind them."""
    app = App(name="qingjing")
    for command in COMMANDS:
        app.command(command)
    return app


def for_the_command(words: list[str]) -> list[str]:
    """Without the options that every command shares: the program reads them first."""
    rest = list(words)
    for option in ("--config", "--lang"):
        if option in rest:
            at = rest.index(option)
            del rest[at : at + 2]
    return rest


def path_of(words: list[str]) -> list[str]:
    """The command and sub-command that words begin with."""
    path: list[str] = []
    app = commands()
    for word in for_the_command(words):
        if word.startswith("-") or word not in app:
            break
        path.append(word)
        app = app[word]
    return path


def test_both_front_pages_have_the_same_sections() -> None:
    """As many headings, of the same levels, and as many points in the list."""
    english, chinese = (page.read_text(encoding="utf-8") for page in (ENGLISH, CHINESE))

    assert len(headings(english)) > 3
    assert headings(english) == headings(chinese)
    assert english.count("\n* ") == chinese.count("\n* ")


def test_both_front_pages_show_the_same_blocks_and_links() -> None:
    """The same picture, the same commands, the same pages to go on to."""
    english, chinese = (page.read_text(encoding="utf-8") for page in (ENGLISH, CHINESE))
    link = r"\]\((?!README)([^)]*)\)"

    assert len(blocks(english)) == 3
    assert blocks(english) == blocks(chinese)
    assert set(re.findall(link, english)) == set(re.findall(link, chinese))
    assert "](README.zh.md)" in english
    assert "](README.md)" in chinese


def test_the_commands_are_found() -> None:
    """The lists are not empty by accident."""
    assert ("README.md", "qingjing register load register.toml") in TYPED
    assert len(TYPED) > 40
    assert ("operating.md", "qingjing keys create") in NAMED


@pytest.mark.parametrize(("page", "line"), TYPED)
def test_every_command_to_type_is_understood_as_written(page: str, line: str) -> None:
    """Its words, options and their types are those of the program."""
    words = for_the_command(words_of(line.partition(" #")[0]))
    if "--help" in words:
        assert run(House(), words) == 0, page
        return
    command, _bound, _unparsed = commands().parse_args(
        words, exit_on_error=False, print_error=False
    )

    assert path_of(words), page
    assert callable(command)


@pytest.mark.parametrize(("page", "line"), sorted({*TYPED, *NAMED}))
def test_every_command_that_a_page_names_has_its_help(
    page: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--help`` of it exits 0 and says more than the list of all commands."""
    path = path_of(words_of(line))

    assert path, f"{page}: {line}"
    assert run(House(), [*path, "--help"]) == 0
    assert f"qingjing {' '.join(path)}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "target",
    sorted(set(re.findall(r"(?:^|`)make ([a-z]+)", ENGLISH.read_text("utf-8"), re.MULTILINE))),
)
def test_every_make_target_of_the_front_page_is_there(target: str) -> None:
    """``make X`` of the README is a rule of the Makefile."""
    assert f"\n{target}: " in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    """Pages of this project name files that are there."""
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", prose(page.read_text(encoding="utf-8"))):
        if "://" not in link:
            assert (page.parent / link).is_file(), f"{page.name}: {link}"


def test_what_the_front_page_copies_is_there() -> None:
    """Both examples that the first set-up begins with."""
    text = ENGLISH.read_text(encoding="utf-8")
    copied = re.findall(r"^cp (\S+) ", text, re.MULTILINE)

    assert copied == ["docs/qingjing.example.toml", "docs/register.example.toml"]
    assert all((ROOT / name).is_file() for name in copied)
