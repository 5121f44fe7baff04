"""The rules of the house, held by a machine."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
SOURCE: Final = ROOT / "src" / "qingjing"
CODE: Final = sorted(SOURCE.rglob("*.py"))

LINES_MAX: Final = 400
FUNCTION_MAX: Final = 70
"""A hard stop; fifty is the aim."""

VAGUE: Final = {"utils", "util", "helpers", "helper", "manager", "managers", "base", "common"}
TEXTS: Final = {
    ".py",
    ".md",
    ".toml",
    ".csv",
    ".sql",
    ".json",
    ".yml",
    ".yaml",
    ".txt",
    ".html",
}

# Taken apart, so that this file does not hold what it looks for.
BANNED: Final = [
    r"\bTO" + r"DO\b",
    r"\bFIX" + r"ME\b",
    r"\bX" + r"XX\b",
    r"py" + r"pi\.org",
    r"files\.python" + r"hosted\.org",
    r"/wo" + r"rk/",
    r"/ro" + r"ot/",
    r"/ho" + r"me/",
]

FORBID: Final = """
import importlib, os, pkgutil, sys, threading

package, home = sys.argv[1:]
sys.path.insert(0, home)
ours = os.path.join(home, package)
writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND
deeds = ("socket.", "subprocess.", "sqlite3.connect", "os.mkdir", "os.remove", "os.rename")

def from_us():
    # Compilers of numerical code look, on decoration, where their cache could be kept.
    frame, inner = sys._getframe(2), False
    while frame is not None:
        name = frame.f_code.co_filename
        if f"{os.sep}numba{os.sep}" in name:
            return False
        if name.startswith(ours):
            return True
        frame = frame.f_back
    return False

def watch(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        wrote = flags & writing if isinstance(flags, int) else set(mode or "r") & set("wax+")
        if wrote and from_us():
            raise SystemExit(f"import opens {path!r} for writing")
    elif event.startswith(deeds) and from_us():
        raise SystemExit(f"import does {event} {arguments!r}")

class Watched(dict):
    def _look(self, key):
        if sys._getframe(2).f_code.co_filename.startswith(ours):
            raise SystemExit(f"import reads the environment: {key}")
    def __getitem__(self, key):
        self._look(key)
        return super().__getitem__(key)
    def get(self, key, default=None):
        self._look(key)
        return super().get(key, default)
    def __contains__(self, key):
        self._look(key)
        return super().__contains__(key)

started = threading.active_count()
os.environ = Watched(os.environ)
os.getenv = os.environ.get
sys.addaudithook(watch)
root = importlib.import_module(package)
found = pkgutil.walk_packages(root.__path__, f"{package}.")
names = [package, *(module.name for module in found)]
for name in names:
    importlib.import_module(name)
if threading.active_count() != started:
    raise SystemExit("import starts a thread")
sys.__stdout__.write(f"imported {len(names)}")
"""


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def committed() -> list[Path]:
    """The texts of the project: what is kept in it, not what tools leave beside it."""
    rooms = [ROOT / name for name in ("src", "tests", "docs", "fuzz", "bench", ".ci")]
    paths = [path for room in rooms for path in room.rglob("*") if path.suffix in TEXTS]
    tops = [path for path in ROOT.iterdir() if path.suffix in TEXTS and path.name != "uv.lock"]
    return sorted(path for path in paths + tops if path.is_file())


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the project's folder."""
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )


def test_the_house_has_files_to_look_at() -> None:
    """The checks below look at something."""
    assert len(CODE) > 50
    assert SOURCE / "kernel" / "gate.py" in CODE
    assert ROOT / "docs" / "law.csv" in committed()


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    """What does not fit holds more than one idea."""
    long = {
        str(path.relative_to(ROOT)): count
        for path in CODE
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > LINES_MAX
    }

    assert long == {}


def test_no_function_is_longer_than_seventy_lines() -> None:
    """Its docstring included."""
    long = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": count
        for path in CODE
        for node in functions(path)
        if node.end_lineno and (count := node.end_lineno - node.lineno + 1) > FUNCTION_MAX
    }

    assert long == {}


def test_no_file_has_a_name_that_says_nothing() -> None:
    """A file is named by its noun, not by being of use."""
    assert [path for path in CODE if path.stem in VAGUE or path.parent.name in VAGUE] == []


@pytest.mark.parametrize("banned", BANNED)
def test_no_text_holds_what_belongs_elsewhere(banned: str) -> None:
    """No notes to self, no registry addresses, no paths of somebody's machine."""
    pattern = re.compile(banned)
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in committed()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]

    assert found == []


def test_what_is_banned_would_be_found() -> None:
    """Each pattern fits the thing that it is meant for."""
    samples = [
        "# TO" + "DO: later",
        "FIX" + "ME",
        "X" + "XX",
        "https://py" + "pi.org/simple",
        "files.python" + "hosted.org",
        "/wo" + "rk/here",
        "/ro" + "ot/x",
        "/ho" + "me/x",
    ]
    for pattern, sample in zip(BANNED, samples, strict=True):
        assert re.search(pattern, sample)


def test_importing_any_module_does_nothing() -> None:
    """No file is written, no socket or thread opened, no environment read by being imported."""
    done = run(sys.executable, "-B", "-c", FORBID, "qingjing", str(SOURCE.parent))

    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"imported \d+", done.stdout)
    assert int(done.stdout.split()[1]) >= len(CODE)


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("open(__file__ + '.txt', 'w')", "for writing"),
        ("import pathlib; pathlib.Path(__file__ + '.txt').touch()", "for writing"),
        ("import socket; socket.socket()", "socket.__new__"),
        ("import subprocess; subprocess.run(['true'])", "subprocess.Popen"),
        ("import os; os.environ.get('PATH')", "environment: PATH"),
        ("import os; os.getenv('PATH')", "environment: PATH"),
        (
            "import threading as t; t.Thread(target=t.Event().wait, daemon=True).start()",
            "thread",
        ),
    ],
)
def test_a_module_that_does_something_on_import_would_be_found(
    tmp_path: Path, deed: str, told: str
) -> None:
    """The watch is awake: each forbidden deed stops the import and is named."""
    guilty = tmp_path / "guilty"
    guilty.mkdir()
    (guilty / "__init__.py").write_text("", encoding="utf-8")
    (guilty / "deed.py").write_text(deed, encoding="utf-8")
    done = run(sys.executable, "-B", "-c", FORBID, "guilty", str(tmp_path))

    assert done.returncode == 1
    assert told in done.stderr


def test_rooms_import_in_one_direction() -> None:
    """The contracts in ``pyproject.toml`` hold."""
    lint = Path(sys.executable).with_name("lint-imports")
    done = run(str(lint), "--no-cache")

    assert done.returncode == 0, done.stdout + done.stderr


def test_no_command_waits_for_statistics_that_it_does_not_use() -> None:
    """SciPy's distributions take a second to import; only what measures and examines needs
    them."""
    code = "import sys, qingjing.doors.cli.main; sys.exit('scipy.stats' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
