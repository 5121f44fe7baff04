"""Edition: exactly which reader read a text, as one digest that the record carries.

A reading follows from the text, from the code and words of the room ``text`` with the masking
of ``desk.texts``, and from the tables of others that it looks into. Their bytes and versions
are the edition: two that are equal read every text alike, so whoever holds the same release can
read the text again.
"""

from __future__ import annotations

import hashlib
import unicodedata
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Final

ROOM: Final = "qingjing.text"
"""Its ``.py`` and ``.toml`` files, by name, are the reader."""

TABLES: Final = ("tldextract",)
"""Packages with a table that a reading depends on, such as what is a domain."""


@cache
def edition() -> str:
    """SHA-256, in hex, over the tables' versions, then name, size and bytes of each file."""
    found = [file for file in files(ROOM).iterdir() if file.name.endswith((".py", ".toml"))]
    masking = files("qingjing.desk").joinpath("texts.py")
    named = {f"text/{file.name}": file for file in found} | {"desk/texts.py": masking}
    digest = hashlib.sha256(f"unicode {unicodedata.unidata_version}\n".encode())
    for name in TABLES:
        digest.update(f"{name} {version(name)}\n".encode())
    for name, file in sorted(named.items()):
        data = file.read_bytes()
        digest.update(f"{name} {len(data)}\n".encode() + data)
    return digest.hexdigest()
