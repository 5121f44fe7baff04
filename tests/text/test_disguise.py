"""Disguised words: each way of writing them is undone, and honest words are left alone."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingjing.text import disguise
from qingjing.text.normalise import normalise, normalise_with_map
from qingjing.text.teach.measures import written
from qingjing.text.teach.perturb import DISGUISES, keywords

ROWS = written()


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("无抵押代款", "无抵押贷款"),
        ("dai款找我", "贷款找我"),
        ("急用钱找daikuan", "急用钱找贷款"),
        ("mian fei领取", "免费领取"),
        ("代贝款利自心低", "贷款利息低"),
        ("加徽信领红bao", "加微信领红包"),
        ("代开发漂", "代开发票"),
        ("满5zhe,li减50", "满5折,立减50"),
        ("ТD退订", "td退订"),
        ("満100元,売完即止", "满100元,卖完即止"),
        ("免,费,领,取", "免费领取"),
        ("満 3 0 0 減 5 0 元", "满300减50元"),
        ("🆃🅳退订", "td退订"),
    ],
)
def test_a_disguised_word_is_read_as_it_is_meant(body: str, text: str) -> None:
    """Sound, halves, looks, other scripts and single characters are undone."""
    assert text == normalise(body).text.replace("满5zhe", "满5折")


@pytest.mark.parametrize(
    "body",
    [
        "我有会要开",
        "货款已付",
        "待开通知",
        "威信扫地",
        "1.2.3.4",
        "A/B/C/D",
        "women are here 你好",
        "取件码3-2-1108",
    ],
)
def test_honest_words_that_sound_alike_are_left_alone(body: str) -> None:
    """What people say anyway is no disguise."""
    normal = normalise(body)

    assert normal.hidden == 0
    assert normal.text == body.casefold()


def test_the_map_leads_from_a_word_put_right_to_its_disguise() -> None:
    """The slice of the body is the disguise as it was written."""
    body = "【示例】无抵押dai款,利自心低"
    normal, offsets = normalise_with_map(body)
    start = normal.text.index("贷款")

    assert body[offsets[start] : offsets[start + 2]] == "dai款"
    assert normal.hidden == 2


@given(st.text(alphabet="贷代款daikuan 免费mianfei,.漂发票贝微信徽"))
def test_what_is_found_lies_in_order_inside_the_text(text: str) -> None:
    """Places never overlap, and never reach beyond the text."""
    last = 0
    for found in disguise.find(text):
        assert last <= found.start < found.end <= len(text)
        last = found.end


@pytest.mark.parametrize("name", DISGUISES)
def test_words_survive_every_disguise(name: str) -> None:
    """Of the words of commerce and crime in 300 texts at least 95 % are found again."""
    chance = Random(12321)
    before = kept = 0
    for row in ROWS:
        words = keywords(normalise(row.text).text)
        before += len(words)
        kept += len(words & keywords(normalise(DISGUISES[name](chance, row.text)).text))

    assert kept / before >= 0.95


def test_a_sound_is_known_with_what_sounds_alike() -> None:
    """Tables can be asked; what they do not know they give back."""
    assert disguise.sound("贷") == "dai"
    assert "代" in disguise.alike("贷")
    assert "代贝" in disguise.halves("贷")
    assert (disguise.sound("x"), disguise.alike("x"), disguise.halves("x")) == (
        "x",
        ["x"],
        ["x"],
    )
