"""The bundle: one decision with everything that proves it, as one zip file.

The format stands in ``docs/proofs.md``. There is exactly one way to write a bundle: members in
a fixed order, stored and not compressed, no times, no comments, JSON in canonical form. What
is read must be byte for byte what would be written, so nothing can be changed or added in a
corner that no check looks at, and a small file cannot unfold into a large one. The container
is written here by hand: what a library writes may change with its versions, and a bundle must
stay readable for ever.

``read`` believes nothing yet; ``proven`` says what of it the log vouches for.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, TypeVar

import msgspec
import numpy as np

from qingjing.desk.consent import ROW as IMPORTED
from qingjing.kernel import facts as f
from qingjing.kernel.chain import check_inclusion, leaf_hash
from qingjing.kernel.note import Checkpoint
from qingjing.kernel.rows import DECIDED, MOVE, Moved, commit
from qingjing.kernel.vector import Vector, from_case_number
from qingjing.kernel.words import Category, Verdict

BUNDLE_BYTES_MAX: Final = 64 << 20
"""The largest part is the batch's fact: 100,000 messages of different texts make 40 MB."""

MEMBERS_MAX: Final = 4_096
"""A decision rests on a dozen facts; the rest is for who wrote back often, and many parts."""

SALT_SIZE: Final = 16
"""Fixed: were it not, a byte could move from a salt to the text and hash alike."""

TEXT_MAX: Final = 40_000
"""Characters of an opened text: 255 parts of 153 are the longest message that there can be."""

TIME_MAX: Final = 253_402_300_800_000
"""The year 10000 in epoch ms: no calendar here reaches beyond."""

_MANIFEST, _CHECKPOINT = "manifest.json", "checkpoint.txt"
_ROW, _OPENINGS, _IMPORTED = "row.bin", "openings.json", "imported.bin"


class BundleError(ValueError):
    """The file is no bundle, or one that was changed; the message says what is wrong."""


class Row(msgspec.Struct, frozen=True):
    """Bytes with their place: a row's in the batch of ``fact``, a fact's own in the log."""

    fact: int
    index: int
    data: bytes
    path: tuple[bytes, ...]


class Since(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An earlier state of the log, and the path that proves that it was only added to."""

    size: int
    root: bytes
    path: tuple[bytes, ...]


class OpenedText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The message's text, and the salt under which its fact commits to it."""

    salt: bytes
    text: str

    def opens(self, commitment: bytes) -> bool:
        """Is this what was committed to?"""
        held = len(self.salt) == SALT_SIZE and len(self.text) <= TEXT_MAX
        return held and commit(self.salt, self.text.encode()) == commitment


class OpenedNumber(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The number, and the submitted bytes that hold it, with the salt of the row."""

    salt: bytes
    original: bytes
    number: str

    def opens(self, commitment: bytes) -> bool:
        """Is this what was committed to, and the number in it?"""
        held = len(self.salt) == SALT_SIZE and len(self.number) == 11
        held = held and self.number.encode() in self.original
        return held and commit(self.salt, self.original).startswith(commitment)


class Openings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is shown of the sealed part: nothing that the row does not commit to."""

    text: OpenedText | None = None
    number: OpenedNumber | None = None


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """One decision and its proof. ``key`` is the ledger's public key, as ``note.Key.text``.

    ``facts`` are in the order of their positions; ``imported`` is the person's row in the file
    of a bulk import; ``moves`` are what happened to the message later.
    """

    key: str
    checkpoint: bytes
    row: Row
    facts: tuple[Row, ...]
    imported: Row | None = None
    moves: tuple[Row, ...] = ()
    since: Since | None = None
    openings: Openings = Openings()


class _Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fact: int
    index: int
    path: tuple[bytes, ...]


class _Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where everything stands; the things themselves are the other members."""

    format: Literal["qingjing.bundle/1"]
    key: str
    facts: tuple[_Place, ...]
    row: _Place
    imported: _Place | None
    moves: tuple[_Place, ...]
    since: Since | None


def write(bundle: Bundle) -> bytes:
    """The bundle's bytes, the same for ever; BundleError when it is over the limits."""
    members = _members(bundle)
    if len(members) > MEMBERS_MAX:
        raise BundleError(f"{len(members)} members, over the limit of {MEMBERS_MAX}")
    data = zipped(members)
    if len(data) > BUNDLE_BYTES_MAX:
        raise BundleError(f"{len(data)} bytes, over the limit of {BUNDLE_BYTES_MAX}")
    return data


def read(data: bytes) -> Bundle:
    """Read what ``write`` wrote; BundleError names what is wrong. Nothing is believed yet."""
    if len(data) > BUNDLE_BYTES_MAX:
        raise BundleError(f"{len(data)} bytes, over the limit of {BUNDLE_BYTES_MAX}")
    members = unzipped(data)
    manifest = _decoded(members, _MANIFEST, _Manifest)
    names = _names(manifest)
    there = manifest.imported
    for name in members:
        if name not in names:
            raise BundleError(f"unknown member {name[:80]!r}")
    for name in names:
        if name not in members:
            raise BundleError(f"member {name!r} is missing")
    found = Bundle(
        key=manifest.key,
        checkpoint=members[_CHECKPOINT],
        row=_row(manifest.row, members[_ROW], _ROW, DECIDED.itemsize),
        facts=tuple(
            Row(place.fact, place.index, members[_fact_name(place)], place.path)
            for place in manifest.facts
        ),
        imported=None
        if there is None
        else _row(there, members[_IMPORTED], _IMPORTED, IMPORTED.itemsize),
        moves=tuple(
            _row(place, members[_move_name(place)], _move_name(place), MOVE.itemsize)
            for place in manifest.moves
        ),
        since=manifest.since,
        openings=_decoded(members, _OPENINGS, Openings),
    )
    if zipped(_members(found)) != data:
        raise BundleError(
            "not in its one canonical form: bytes were changed, or the file was packed anew"
        )
    return found


def _members(bundle: Bundle) -> dict[str, bytes]:
    """Names and bytes, in the order in which they are written."""
    manifest = _Manifest(
        format="qingjing.bundle/1",
        key=bundle.key,
        facts=tuple(map(_place, bundle.facts)),
        row=_place(bundle.row),
        imported=None if bundle.imported is None else _place(bundle.imported),
        moves=tuple(map(_place, bundle.moves)),
        since=bundle.since,
    )
    members = {
        _MANIFEST: msgspec.json.encode(manifest),
        _CHECKPOINT: bundle.checkpoint,
        _ROW: bundle.row.data,
        _OPENINGS: msgspec.json.encode(bundle.openings),
    }
    if bundle.imported is not None:
        members[_IMPORTED] = bundle.imported.data
    members |= {_fact_name(row): row.data for row in bundle.facts}
    return members | {_move_name(row): row.data for row in bundle.moves}


def _names(manifest: _Manifest) -> list[str]:
    """The members that must be there; BundleError when one stands twice or out of order."""
    positions = [place.fact for place in manifest.facts]
    steps = [(place.fact, place.index) for place in manifest.moves]
    if positions != sorted(set(positions)) or steps != sorted(set(steps)):
        raise BundleError("facts or moves are not in order, or stand twice")
    imported = [] if manifest.imported is None else [_IMPORTED]
    facts = [_fact_name(place) for place in manifest.facts]
    moves = [_move_name(place) for place in manifest.moves]
    return [_MANIFEST, _CHECKPOINT, _ROW, _OPENINGS, *imported, *facts, *moves]


def _fact_name(row: Row | _Place) -> str:
    return f"facts/{row.fact}.json"


def _move_name(row: Row | _Place) -> str:
    return f"moves/{row.fact}-{row.index}.bin"


def _place(row: Row) -> _Place:
    return _Place(row.fact, row.index, row.path)


def _row(place: _Place, data: bytes, name: str, size: int) -> Row:
    if len(data) != size:
        raise BundleError(f"member {name!r} has {len(data)} bytes instead of {size}")
    return Row(place.fact, place.index, data, place.path)


_T = TypeVar("_T")


def _decoded(members: Mapping[str, bytes], name: str, kind: type[_T]) -> _T:
    if name not in members:
        raise BundleError(f"member {name!r} is missing")
    try:
        return msgspec.json.decode(members[name], type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"member {name!r}: {error}") from None


class Proven(NamedTuple):
    """What the log vouches for: decoded facts, and the row with what it points to."""

    bundle: Bundle
    facts: dict[int, f.Recorded]
    decision: f.Recorded
    batch: f.MessagesDecided
    row: Any
    lane: f.LaneUsed
    text: f.TextRead
    vector: Vector

    @property
    def grounds(self) -> f.Recorded | None:
        """The consent or request that the row names, when it is at hand."""
        return self.facts.get(int(self.row["grounds"]))

    def earlier(self) -> list[f.Recorded]:
        """The facts before the decision, oldest first."""
        place = self.decision.position
        return [fact for position, fact in self.facts.items() if position < place]


def in_batch(row: Row, fact: f.MessagesDecided | f.MessagesMoved | f.ConsentsImported) -> bool:
    """Does the row's path lead to the root that the fact carries?"""
    leaf = leaf_hash(row.data)
    return check_inclusion(leaf, row.index, fact.count, row.path, fact.rows_root)


def proven(bundle: Bundle, point: Checkpoint) -> Proven:
    """What is in the log of this checkpoint; BundleError when anything is not."""
    facts = {row.fact: fact_in(row, point) for row in bundle.facts}
    decision = facts.get(bundle.row.fact)
    if decision is None or not isinstance(decision.fact, f.MessagesDecided):
        raise BundleError(f"fact {bundle.row.fact} is no decided batch")
    batch, row = decision.fact, np.frombuffer(bundle.row.data, DECIDED)[0]
    if not in_batch(bundle.row, batch):
        raise BundleError("the row is not in the batch of its decision")
    sound = (
        int(row["message"]) == batch.first_message + bundle.row.index
        and int(row["submitted_at"]) == decision.at
        and 0 <= decision.at < TIME_MAX
        and int(row["lane"]) < len(batch.lanes)
        and int(row["text"]) < len(batch.texts)
        and int(row["verdict"]) in tuple(Verdict)
    )
    if not sound:
        raise BundleError("the row does not fit the batch of its decision")
    lane, text = batch.lanes[int(row["lane"])], batch.texts[int(row["text"])]
    try:
        vector = from_case_number(int(row["case"]))
        Category(text.category)
    except ValueError as error:
        raise BundleError(str(error)) from None
    return Proven(bundle, facts, decision, batch, row, lane, text, vector)


def fact_in(row: Row, point: Checkpoint) -> f.Recorded:
    """A fact that is in the log of this checkpoint; BundleError when it is not."""
    try:
        fact = f.decode(row.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(f"fact {row.fact}: {error}") from None
    hashed = leaf_hash(row.data)
    held = check_inclusion(hashed, row.index, point.size, row.path, point.root)
    if not held or not fact.position == row.fact == row.index + 1:
        raise BundleError(f"fact {row.fact} is not in the log at that position")
    return fact


def step_proven(found: Proven, row: Row) -> bool:
    """Is this later step of the message in the log, and after the decision?"""
    recorded, move = found.facts.get(row.fact), np.frombuffer(row.data, MOVE)[0]
    return bool(
        recorded is not None
        and isinstance(recorded.fact, f.MessagesMoved)
        and recorded.position > found.decision.position
        and in_batch(row, recorded.fact)
        and move["message"] == found.row["message"]
        and int(move["what"]) in tuple(Moved)
    )


# The container: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16, stored members alone.
_LOCAL: Final = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END: Final = struct.Struct("<4sHHHHIIH")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_VERSION: Final = 20
_MADE_BY: Final = 3 << 8 | _VERSION  # Unix, so that the mode below is looked at
_DAY: Final = 1 << 5 | 1  # 1 January 1980, the first day that the format knows
_MODE: Final = 0o100644 << 16


def zipped(members: Mapping[str, bytes]) -> bytes:
    """The members as a zip file."""
    body, index = bytearray(), bytearray()
    for name, data in members.items():
        head = (_VERSION, 0, 0, 0, _DAY, zlib.crc32(data), len(data), len(data), len(name), 0)
        index += _CENTRAL.pack(_CENTRAL_MARK, _MADE_BY, *head, 0, 0, 0, _MODE, len(body))
        index += name.encode()
        body += _LOCAL.pack(_LOCAL_MARK, *head) + name.encode() + data
    count = len(members)
    end = _END.pack(_END_MARK, 0, 0, count, count, len(index), len(body), 0)
    return bytes(body + index + end)


def unzipped(data: bytes) -> dict[str, bytes]:
    """The members of a zip file that ``zipped`` wrote, from its start to its index.

    The index itself is not read: ``read`` compares it with the one that belongs there.
    """
    members: dict[str, bytes] = {}
    at = 0
    if not data.startswith(_LOCAL_MARK):
        raise BundleError("not a zip file")
    while data.startswith(_LOCAL_MARK, at):
        if len(members) >= MEMBERS_MAX:
            raise BundleError(f"more than {MEMBERS_MAX} members")
        name, start, end = _member(data, at)
        if name in members:
            raise BundleError(f"member {name[:80]!r} stands twice")
        members[name] = data[start:end]
        at = end
    if not data.startswith(_CENTRAL_MARK, at):
        raise BundleError(f"damaged at byte {at}: neither a member nor the index begins there")
    return members


def _member(data: bytes, at: int) -> tuple[str, int, int]:
    """Name, first byte and end of the member whose header is at ``at``."""
    if at + _LOCAL.size > len(data):
        raise BundleError("cut off within a member's header")
    _mark, _version, flags, method, _time, _day, crc, packed, size, name_size, extra = (
        _LOCAL.unpack_from(data, at)
    )
    start = at + _LOCAL.size + name_size + extra
    name = data[at + _LOCAL.size : start - extra].decode("ascii", "backslashreplace")
    if method or packed != size:
        raise BundleError(f"member {name[:80]!r} is compressed; members are stored as they are")
    if flags or extra:
        raise BundleError(f"member {name[:80]!r} is encrypted or has extra fields")
    if start + size > len(data):
        raise BundleError(f"member {name[:80]!r} is cut off")
    if zlib.crc32(data[start : start + size]) != crc:
        raise BundleError(f"member {name[:80]!r} is damaged: its checksum does not fit")
    return name, start, start + size
