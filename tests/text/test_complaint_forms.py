"""Forwarded complaints: the known forms, full-width, and free words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingjing.text.complaint import (
    TEXT_MAX,
    Forwarded,
    ask_for,
    is_personal,
    network_of,
    read_forwarded,
    sender_number,
)

PORT, SALE = "106900010001", "【青禾商城】秋装上新:全场满200减50*拒收请回复R"


@pytest.mark.parametrize(
    "words",
    [
        f"{PORT}*{SALE}",
        f"{PORT}#{SALE}",
        f"{PORT}:{SALE}",
        f"{PORT}＊{SALE}",
        f"{PORT}＃ {SALE}",
        f"{PORT}：{SALE}",
        f"１０６９０００１０００１*{SALE}",
        f"ljdxjb#{PORT}#{SALE}",
        f"举报 {PORT} * {SALE}",
        f"1069 0001 0001*{SALE}",
        f"我收到{PORT}发来的“{SALE}”,请处理",
        f"号码{PORT} 短信内容:{SALE}",
        f"{SALE}\n",
    ],
)
def test_number_and_text_are_read_from_every_form(words: str) -> None:
    """The text as it came, separators within it and all."""
    number = "" if words.startswith("【") else PORT

    assert read_forwarded(words) == Forwarded(number, SALE)


@pytest.mark.parametrize(
    ("words", "lacks"),
    [
        (f"{PORT}*", ("text",)),
        (f"{PORT}", ("text",)),
        (SALE, ("number",)),
        ("垃圾短信太烦了,管管吧", ("number", "text")),
        ("", ("number", "text")),
        ("123*abc", ("number", "text")),
    ],
)
def test_what_lacks_is_named_and_asked_for(words: str, lacks: tuple[str, ...]) -> None:
    """In both languages, with the receipt number."""
    found = read_forwarded(words)

    assert found.lacks == lacks
    zh, en = ask_for(found.lacks, "20260521-7")
    assert "20260521-7" in zh
    assert "20260521-7" in en


@given(st.text(max_size=300))
def test_any_words_have_a_reading(words: str) -> None:
    """Total, and what is taken for the text is part of what came."""
    found = read_forwarded(words)

    assert found.text in words
    assert len(found.text) <= TEXT_MAX


@given(
    st.from_regex(r"10(65|69)[0-9]{4,14}", fullmatch=True),
    st.sampled_from("*#:＊＃："),
    st.text(st.characters(blacklist_categories=("Cs", "Zs", "Zl", "Zp", "Cc")), min_size=1).map(
        str.strip
    ),
)
def test_the_form_gives_back_what_was_put_in(number: str, sign: str, text: str) -> None:
    """Whatever the text, as long as it is one."""
    found = read_forwarded(f"{number}{sign}{text}")

    assert (found.number, found.text) == (number, text[:TEXT_MAX])


def test_numbers_are_read_as_senders_have_them() -> None:
    """Access codes and mobile numbers; a mobile number is a person's."""
    assert sender_number("+86 138-0013-8000") == "13800138000"
    assert is_personal("13800138000")
    assert not is_personal(PORT)
    assert sender_number("1069") == ""
    assert sender_number("9" * 22) == ""
    assert (network_of("10657001"), network_of("10690001")) == ("mobile", "")
