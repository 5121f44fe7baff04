"""Masking before reading: what varies is hidden, and no meaning appears or is lost by it."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingjing.desk.texts import masked, read_body
from qingjing.kernel.words import Kind

EVENT = re.compile(r"(?<![0-9])(?:618|11|12|1111|1212)(?![0-9])")
BODIES = st.text("0123456789aTtDdqx退订订单号双 .-:年月/", max_size=40)


@given(BODIES)
def test_no_event_number_appears_by_masking(body: str) -> None:
    """Every event number of a masked text stood at the same place of the body."""
    shown = masked(body)

    assert len(shown) == len(body)
    for match in EVENT.finditer(shown):
        assert body[match.start() : match.end()] == match.group()


@given(BODIES)
def test_masking_twice_changes_nothing_more(body: str) -> None:
    """A masked text is its own mask."""
    assert masked(masked(body)) == masked(body)


@given(st.from_regex(r"618[0-9]{1,9}", fullmatch=True))
def test_an_order_number_that_begins_with_618_is_no_sale(number: str) -> None:
    """Order numbers and pick-up codes are read alike, whatever they begin with."""
    for body in (
        f"【示例商城】您的订单{number}已出库",
        f"【示例到家】您的餐品备好,取餐码{number}",
    ):
        assert read_body(body) == read_body(body.replace("618", "734"))
        assert read_body(body).kind is Kind.SERVICE


@pytest.mark.parametrize(
    ("number", "form"),
    [
        ("13912345678", "mobile"),
        ("8613912345678", "mobile"),
        ("4001234567", "service"),
        ("400-123-4567", "service"),
        ("02112345678", "fixed"),
        ("0571-81234567", "fixed"),
        ("057181234567", "fixed"),
        ("95588", "short"),
        ("10086", "short"),
        ("12306", "short"),
    ],
)
def test_a_masked_phone_number_is_still_one(number: str, form: str) -> None:
    """The form of each kind of number is found after masking."""
    phones = read_body(f"【示例商城】详询{number}。").phones

    assert [phone.form for phone in phones] == [form]


@pytest.mark.parametrize("words", ["618大促", "双11", "5折", "10GB流量", "24h", "10086"])
def test_numbers_with_a_meaning_of_their_own_are_kept(words: str) -> None:
    """Short numbers, quantities and public numbers stay as they are."""
    assert masked(words) == words


@pytest.mark.parametrize("keyword", ["TD", "td", "QX", "TDZD"])
def test_a_keyword_glued_to_a_link_outlives_the_mask(keyword: str) -> None:
    """The letters before 退订 are a notice, not the end of the link's code."""
    notice = read_body(f"【示例商城】全场5折 s.example.cn/Ab12{keyword}退订").notice

    assert notice is not None
    assert notice.keyword == keyword.upper()


def test_a_link_code_that_ends_like_a_keyword_is_masked_to_no_other() -> None:
    """The instruction after the link is what counts."""
    notice = read_body("【示例商城】全场5折 s.example.cn/Ab12qx拒收请回复R").notice

    assert notice is not None
    assert notice.keyword == "R"


def test_texts_that_differ_in_codes_alone_share_a_mask() -> None:
    """One reading serves a campaign."""
    assert masked("验证码482913") == masked("验证码618111")


@pytest.mark.parametrize("piece", ["a", "1a", "a1", "1", "td退"])
def test_no_hostile_text_is_slow_to_mask(piece: str) -> None:
    """Ten thousand pieces take no second."""
    started = time.process_time()
    masked(piece * 10_000)

    assert time.process_time() - started < 1.0
