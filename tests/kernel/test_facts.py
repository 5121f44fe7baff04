"""Facts that were ever written stay readable, byte for byte."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from qingjing.kernel.facts import KINDS, decode, encode

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))


def kind_of(path: Path) -> str:
    """The tag that a golden file's name stands for: ``port.filed-1`` is ``port.filed/1``."""
    name, _, version = path.stem.rpartition("-")
    return f"{name}/{version}"


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_fact_decodes_to_its_type_and_encodes_to_the_same_bytes(path: Path) -> None:
    """What was stored once is read as its kind and version, and would be hashed the same."""
    stored = path.read_bytes()

    recorded = decode(stored)

    assert type(recorded.fact) is KINDS[kind_of(path)]
    assert encode(recorded) == stored


def test_every_kind_and_version_has_one_golden_file() -> None:
    """No kind can be added without the bytes that hold it to its word, and none taken away."""
    assert sorted(KINDS) == sorted(kind_of(path) for path in GOLDEN)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_fact_shows_every_field_of_its_type(path: Path) -> None:
    """A golden file holds all fields, so that none can be renamed or dropped unseen."""
    raw = msgspec.json.decode(path.read_bytes())["fact"]

    fields = {field.encode_name for field in msgspec.structs.fields(KINDS[kind_of(path)])}

    assert raw.keys() == fields | {"kind"}


def test_a_fact_of_an_unknown_kind_or_version_is_refused() -> None:
    """A newer ledger's facts are not guessed at."""
    with pytest.raises(msgspec.ValidationError):
        decode(b'{"position":1,"at":0,"fact":{"kind":"party.registered/99"}}')


def test_a_fact_that_lacks_a_field_is_refused() -> None:
    """A damaged body is no fact, even when it is well-formed JSON."""
    with pytest.raises(msgspec.ValidationError):
        decode(b'{"position":1,"at":0,"fact":{"kind":"party.reinstated/1","party":"m1"}}')


def test_equal_facts_are_equal_bytes() -> None:
    """Fields stand in their declared order, so two encodings never differ."""
    for path in GOLDEN:
        recorded = decode(path.read_bytes())

        assert encode(recorded) == encode(decode(encode(recorded)))
