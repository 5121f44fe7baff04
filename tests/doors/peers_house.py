"""Programs that others wrote, as processes of their own: started, read line by line, ended."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "peers"
PATIENCE_S = 30


def needs(program: str, how: str) -> None:
    """Skip where a program is not installed; ``.ci/run`` installs them all."""
    if shutil.which(program) is None:
        pytest.skip(f"needs {program}: {how}")


def needs_node() -> None:
    """Skip where node or its package smpp is not there."""
    needs("node", "apt-get install nodejs npm")
    if not (ROOT / ".peers" / "node_modules" / "smpp").is_dir():
        pytest.skip("needs node's package smpp: npm install --prefix .peers smpp@0.5.1")


def needs_net_smpp() -> None:
    """Skip where Perl or its module is not there."""
    needs("perl", "apt-get install perl")
    asked = ("perl", "-MNet::SMPP", "-e1")
    if subprocess.run(asked, capture_output=True, check=False).returncode:
        pytest.skip("needs Perl's Net::SMPP: apt-get install libnet-smpp-perl")


class Peer:
    """A program that runs. Its lines are read as they come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._found: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._found.put(line.rstrip("\n"))
        self._found.put(None)

    def line(self) -> str:
        """The next line; an error when the program ended or said nothing."""
        found = self._found.get(timeout=PATIENCE_S)
        assert found is not None, f"{self.process.args!r} ended: {self.lines[-3:]}"
        self.lines.append(found)
        return found

    def until(self, holds: Callable[[str], bool]) -> str:
        """The next line of which something holds."""
        while not holds(line := self.line()):
            pass
        return line

    def json(self) -> Any:
        """The next line, read."""
        return json.loads(self.line())

    def end(self) -> None:
        """Close its input, by which ours know that it is over."""
        assert self.process.stdin is not None
        self.process.stdin.close()


@contextmanager
def peer(*command: str, **environment: str) -> Iterator[Peer]:
    """Start a program; kill it at the end if it has not ended by itself."""
    node = {"NODE_PATH": str(ROOT / ".peers" / "node_modules")}
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        env=os.environ | node | environment,
    )
    try:
        yield Peer(process)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
