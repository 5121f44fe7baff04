"""Likeness: variables and disguises do not matter, wording does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qingjing.text.similar import SIMILAR_AT, shingles, similarity, template_key

ASKING = "【示例商城】是否同意接收我店优惠信息?每月不超过2条,期限1年,回复Y同意,不回复视为拒绝。"
AGAIN = (
    "【示例商城】您是否同意接收本店优惠信息?每月不超过4条,期限2年,回复Y同意,不回复视为拒绝。"
)
OTHER = "【示例商城】我们想每周给您寄一封新书短讯,为期半年,愿意的话请回Y。"


def test_the_same_asking_with_small_edits_is_similar() -> None:
    """A reworded line or another figure does not make a new asking."""
    assert similarity(ASKING, AGAIN) >= SIMILAR_AT


def test_another_asking_of_the_same_sender_is_not() -> None:
    """The shared signature alone makes nothing similar."""
    assert similarity(ASKING, OTHER) < SIMILAR_AT


def test_variables_and_disguises_share_a_template() -> None:
    """Order numbers, names, amounts, links, width and invisible characters are masked."""
    first = template_key("尊敬的王先生,您的订单SF123已发货,共99元 s.example.cn/a")

    assert first == template_key("尊敬的李先生,您的订\u200b单ＳＦ9已发货,共5元 s.example.cn/b")
    assert first != template_key("尊敬的王先生,您的订单SF123已签收,共99元 s.example.cn/a")


def test_keys_are_stable() -> None:
    """The key is part of stored facts, so its value may never change."""
    assert template_key("【示例商城】您的验证码是482913") == KEY
    assert -(2**63) <= KEY < 2**63


KEY = -8008776451298843675


@given(st.text(), st.text())
def test_similarity_is_symmetric_and_bounded(a: str, b: str) -> None:
    """From 0 to 1, the same both ways, and 1 for a text with itself."""
    assert 0.0 <= similarity(a, b) <= 1.0
    assert similarity(a, b) == similarity(b, a)
    assert similarity(a, a) == 1.0


def test_short_texts_are_their_own_shingle() -> None:
    """Two characters still compare; an empty text has nothing."""
    assert shingles("你好") == {"你好"}
    assert shingles("") == frozenset()
