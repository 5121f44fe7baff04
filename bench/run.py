"""``make bench``: every benchmark at a size that fits in some minutes, one after the other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

RUNS = (
    ("gateway.py", "--messages", "100000"),
    ("relay.py", "--messages", "20000"),
    ("decide.py",),
    ("reading.py",),
    ("scrub.py", "--numbers", "5000000", "--consents", "20000000", "--refusals", "4000000"),
)


def main() -> None:
    """Run them; arguments such as --json are handed on to each."""
    for name, *options in RUNS:
        path = Path(__file__).with_name(name)
        subprocess.run([sys.executable, str(path), *options, *sys.argv[1:]], check=True)


if __name__ == "__main__":
    main()
