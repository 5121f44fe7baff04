"""Codings, user data headers, and long messages in parts."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qingjing.wire.content import (
    ASCII,
    GBK,
    UCS2,
    Concat,
    Part,
    Udh,
    decode_text,
    encode_text,
    join,
    read_udh,
    split,
)
from qingjing.wire.errors import Hint, LocalProtocolError, RemoteProtocolError

TEXTS = st.text(
    st.sampled_from("aZ 退订清净𠮷😀ü€") | st.characters(exclude_categories=["Cs"]),
    max_size=400,
)


@settings(max_examples=80)
@given(
    text=TEXTS | st.text("abc@_", max_size=500),
    fmt=st.sampled_from([ASCII, UCS2, GBK]),
    reference=st.integers(0, 0xFFFF),
    wide=st.booleans(),
    ascii_max=st.sampled_from([140, 160]),
    seed=st.randoms(use_true_random=False),
)
def test_joining_what_was_split_gives_the_text(
    text: str,
    fmt: int,
    reference: int,
    wide: bool,
    ascii_max: Literal[140, 160],
    seed: object,
) -> None:
    """In any order, and every part reads alone: no character is cut."""
    parts = split(text, fmt, reference, ascii_max=ascii_max, wide=wide)
    shuffled = parts[:]
    seed.shuffle(shuffled)  # type: ignore[attr-defined]
    assert join(shuffled) == text
    for number, part in enumerate(parts, 1):
        most = ascii_max if part.msg_fmt == ASCII else 140
        assert len(part.content) <= most
        if len(parts) > 1:
            udh = read_udh(part.content)
            expected = reference if wide else reference & 0xFF
            assert udh == Udh(6 + wide, Concat(expected, len(parts), number))
            decode_text(part.content[udh.size :], part.msg_fmt)


@pytest.mark.parametrize(
    ("text", "fmt", "ascii_max", "sizes"),
    [
        ("清" * 70, UCS2, 140, [140]),
        ("清" * 71, UCS2, 140, [140, 14]),
        ("清" * 66 + "😀", UCS2, 140, [136]),
        ("清" * 66 + "😀" + "清" * 10, UCS2, 140, [138, 30]),
        ("清" * 70, GBK, 140, [140]),
        ("a" + "清" * 70, GBK, 140, [139, 14]),
        ("a" * 140, ASCII, 140, [140]),
        ("a" * 141, ASCII, 140, [140, 13]),
        ("a" * 160, ASCII, 160, [160]),
        ("a" * 161, ASCII, 160, [159, 14]),
        ("", UCS2, 140, [0]),
    ],
)
def test_parts_have_the_sizes_of_the_budget(
    text: str, fmt: int, ascii_max: Literal[140, 160], sizes: list[int]
) -> None:
    """70 or 67 characters of UCS2; 140 or 134, or 160 or 153, octets of ASCII."""
    assert [len(p.content) for p in split(text, fmt, 1, ascii_max=ascii_max)] == sizes


def test_a_wide_reference_costs_a_whole_ucs2_character() -> None:
    """133 octets are left, of which 132 hold 66 characters."""
    first, second = split("清" * 71, UCS2, 0x1234, wide=True)
    assert first.content[:7] == bytes.fromhex("06080412340201")
    assert (len(first.content), len(second.content)) == (139, 17)


def test_a_text_that_ascii_cannot_hold_goes_as_ucs2() -> None:
    """The preference is one, not an order."""
    assert split("退订", ASCII, 1) == [Part(0, UCS2, "退订".encode("utf-16-be"))]


@pytest.mark.parametrize(
    ("text", "fmt"), [("\ud800", UCS2), ("\ud800", GBK), ("a", 4), ("a" * 50_000, UCS2)]
)
def test_a_text_that_cannot_be_sent_is_our_fault(text: str, fmt: int) -> None:
    """Half a surrogate pair, a coding that is none of text, more parts than can be counted."""
    with pytest.raises(LocalProtocolError):
        split(text, fmt, 1)


@pytest.mark.parametrize(
    ("content", "fmt"),
    [(b"\xff", ASCII), (b"\0", UCS2), (b"\xd8\0\0A", UCS2), (b"\xd8\0", UCS2), (b"\x81", GBK)],
)
def test_a_text_that_cannot_be_read_is_the_peers_fault(content: bytes, fmt: int) -> None:
    """Odd octets, lone surrogates and cut pairs are told, never a UnicodeDecodeError."""
    with pytest.raises(RemoteProtocolError) as caught:
        decode_text(content, fmt)
    assert caught.value.hint == Hint.STRUCTURE
    assert not caught.value.fatal


@pytest.mark.parametrize("fmt", [3, 4, 0x18, 0xF6])
def test_a_coding_that_is_none_of_text_stays_bytes(fmt: int) -> None:
    """We do not guess what binary and class bits mean."""
    assert decode_text(b"\x01\xff", fmt) == b"\x01\xff"


def test_gbk_is_read_as_its_superset() -> None:
    """The text of a golden frame, and a character that only GB18030 has."""
    assert decode_text(bytes.fromhex("cdcbb6a9"), GBK) == "退订"
    assert decode_text(encode_text("𠮷", GBK), GBK) == "𠮷"


@pytest.mark.parametrize(
    ("content", "udh"),
    [
        ("0500035a0201", Udh(6, Concat(0x5A, 2, 1))),
        ("06080412340202", Udh(7, Concat(0x1234, 2, 2))),
        ("0b0504158a158a0003070301ff", Udh(12, Concat(7, 3, 1))),
        ("06050415811581", Udh(7, None)),
        ("0500035a0000", Udh(6, None)),
        ("0500035a0203", Udh(6, None)),
        ("0500035a0200", Udh(6, None)),
        ("00", Udh(1, None)),
    ],
)
def test_a_user_data_header_is_read(content: str, udh: Udh) -> None:
    """8 and 16 bit references, other elements before them, and counts that make no sense."""
    assert read_udh(bytes.fromhex(content)) == udh


@pytest.mark.parametrize("content", ["", "0500035a02", "0200", "030003ff", "0100"])
def test_a_broken_user_data_header_is_the_peers_fault(content: str) -> None:
    """Longer than the content, or elements that do not fill it."""
    with pytest.raises(RemoteProtocolError):
        read_udh(bytes.fromhex(content))


def test_a_character_that_the_sender_cut_in_two_is_joined() -> None:
    """Octets are joined before they are read."""
    pair = "😀".encode("utf-16-be")
    head = bytes.fromhex("0500030102")
    parts = [
        Part(1, UCS2, bytes.fromhex("050003010202") + pair[2:]),
        Part(1, UCS2, bytes.fromhex("050003010201") + pair[:2]),
    ]
    assert head[:4] == parts[0].content[:4]
    assert join(parts) == "😀"


def test_parts_of_two_codings_are_read_one_by_one() -> None:
    """Some senders choose the coding of each part; binary among text is refused."""
    one = Part(1, ASCII, bytes.fromhex("050003010201") + b"T")
    two = Part(1, UCS2, bytes.fromhex("050003010202") + "退".encode("utf-16-be"))
    assert join([two, one]) == "T退"
    with pytest.raises(RemoteProtocolError):
        join([one, two._replace(msg_fmt=4)])
