"""Snapshots of the standings: what an opening loads instead of folding the whole log.

A snapshot is a folder named by its position, whole from the moment it has its name: it is
written beside, synced, then renamed. Its manifest binds it to the keys, to the log (by the leaf
hash of the last fact in it) and to the bytes of its files. One that does not fit is ignored and
everything is folded anew: a snapshot is never more than time saved.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from qingjing.ledger.standings import StandingsFold
from qingjing.ledger.store import Reading
from qingjing.ledger.vault import Vault

FORMAT: Final = 2
_MANIFEST: Final = "manifest.json"


class Loaded(NamedTuple):
    """Standings to go on from, and why a snapshot was of no use ("" when all is well)."""

    standings: StandingsFold
    warning: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a snapshot is of: ``leaf`` of the fact at ``position``, SHA-256 of each file."""

    format: int
    position: int
    leaf: bytes
    identity: int
    files: dict[str, str]


def save(root: Path, standings: StandingsFold, leaf: bytes) -> None:
    """Write a snapshot and drop the older ones. OSError when it cannot be written.

    ``leaf`` is the leaf hash of the fact at the standings' position. Nothing may change the
    standings meanwhile.
    """
    beside = root / ".new"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    standings.save(beside)
    manifest = Manifest(
        format=FORMAT,
        position=standings.position,
        leaf=leaf,
        identity=standings.identity,
        files={path.name: _digest(path) for path in sorted(beside.iterdir())},
    )
    (beside / _MANIFEST).write_bytes(msgspec.json.encode(manifest))
    for path in (*beside.iterdir(), beside):
        _sync(path)
    place = root / str(standings.position)
    shutil.rmtree(place, ignore_errors=True)
    beside.rename(place)
    _sync(root)
    for path in root.iterdir():
        if path != place:
            shutil.rmtree(path, ignore_errors=True)


def load(root: Path, vault: Vault, stored: Reading, folder: Path | None) -> Loaded:
    """The newest snapshot if it fits the keys and the log, else empty standings.

    ``folder`` holds the files that imports name. Never fails: the warning says why not.
    """
    fresh = StandingsFold(vault.handle_key, folder)
    place = _newest(root)
    if place is None:
        folded = "" if stored.entry(1) is None else "there is no snapshot"
        return Loaded(fresh, folded and f"{folded}: everything is folded from the first fact")
    try:
        manifest = msgspec.json.decode((place / _MANIFEST).read_bytes(), type=Manifest)
        problem = _problem(place, manifest, fresh.identity, stored)
        if not problem:
            return Loaded(StandingsFold.load(place, vault.handle_key, folder), "")
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        problem = f"is damaged ({error})"
    return Loaded(
        fresh, f"snapshot {place} {problem}: everything is folded from the first fact"
    )


def _newest(root: Path) -> Path | None:
    if not root.is_dir():
        return None
    places = [path for path in root.iterdir() if path.name.isdecimal()]
    return max(places, key=lambda path: int(path.name), default=None)


def _problem(place: Path, manifest: Manifest, identity: int, stored: Reading) -> str:
    """Why a snapshot must not be used, or "" when it may."""
    if manifest.format != FORMAT:
        return f"has format {manifest.format}, this program knows {FORMAT}"
    if manifest.identity != identity:
        return "was made under other keys"
    last = stored.entry(manifest.position)
    if (b"" if last is None else last.leaf) != manifest.leaf:
        return f"is of another log: fact {manifest.position} is not the same"
    for name, digest in manifest.files.items():
        if _digest(place / name) != digest:
            return f"is damaged ({name} was changed)"
    return ""


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
