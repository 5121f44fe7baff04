"""The reader's digest is what the page says: it can be counted from a release's files."""

from __future__ import annotations

import hashlib
import unicodedata
from importlib.metadata import version
from pathlib import Path

import qingjing
from qingjing.desk.edition import edition

HOME = Path(qingjing.__file__).parent


def test_the_digest_of_the_reader_can_be_counted_from_its_files() -> None:
    """As ``docs/proofs.md`` says: versions, then name, length and bytes of each file."""
    told = f"unicode {unicodedata.unidata_version}\ntldextract {version('tldextract')}\n"
    digest = hashlib.sha256(told.encode())
    files = [path for path in (HOME / "text").iterdir() if path.suffix in (".py", ".toml")]
    for path in [HOME / "desk" / "texts.py", *sorted(files)]:
        name, data = path.relative_to(HOME).as_posix(), path.read_bytes()
        digest.update(f"{name} {len(data)}\n".encode() + data)

    assert edition() == digest.hexdigest()
    assert {"lexicon.toml", "characters.toml", "reading.py"} <= {path.name for path in files}
