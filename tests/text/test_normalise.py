"""Normal forms: disguises come off, offsets lead back, and nothing is too odd to normalise."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opencc import OpenCC

from qingjing.text.normalise import normalise, normalise_with_map, tables

ODD = st.text(
    alphabet=st.sampled_from(
        "贷款发票ＴＤ訂ﾊﾟé e\u0301각각ΣΑΣßİ\u200b.-😀👨\u200d👩\ufe0f\n,。①㈱"
    )
)
BODIES = st.one_of(st.text(), ODD)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("ＴＤ退订", "td退订"),
        ("優惠開始,請退訂", "优惠开始,请退订"),
        ("贷\u200b款", "贷款"),
        ("贷 款", "贷款"),
        ("发.票", "发票"),
        ("代*开-发_票", "代开发票"),
        ("贷💰款", "贷款"),
        ("餸彩金", "送彩金"),
        ("不要,退订", "不要,退订"),
        ("s.example.cn/Ab", "s.example.cn/ab"),
        ("贷\u0336款\u0336", "贷款"),
        ("", ""),
    ],
)
def test_a_disguise_comes_off(body: str, text: str) -> None:
    """Each known disguise leads to the plain words; sentence punctuation stays."""
    assert text == normalise(body).text


def test_disguises_are_counted_and_emoji_families_are_not() -> None:
    """Invisible characters inside words and look-alikes count; a joined emoji hides nothing."""
    assert normalise("贷\u200b款餸").hidden == 2
    assert normalise("\ufeff你好👨\u200d👩\u200d👧").hidden == 0


def test_plain_keeps_case_and_traditional_forms() -> None:
    """Links and signatures are looked for in the plain form, where case is kept."""
    assert normalise("ＡＢ.cn/Xy優\u200b惠").plain == "AB.cn/Xy優惠"


@given(BODIES)
def test_the_map_belongs_to_the_same_text(body: str) -> None:
    """Offsets are as many as characters plus one, rise, and stay inside the body."""
    normal, offsets = normalise_with_map(body)

    assert normal == normalise(body)
    assert len(offsets) == len(normal.text) + 1
    assert offsets[-1] == len(body)
    assert all(left <= right for left, right in pairwise(offsets))


@given(st.text(alphabet="贷款发票 .\u200bＴT訂"))
def test_the_map_leads_back_to_the_same_character(body: str) -> None:
    """Where one character stands for one, its offset shows the character it came from."""
    normal, offsets = normalise_with_map(body)

    for character, offset in zip(normal.text, offsets, strict=False):
        source = unicodedata.normalize("NFKC", body[offset]).casefold()
        assert character == source.replace("訂", "订")


@given(BODIES)
def test_normalising_a_plain_form_again_finds_nothing_hidden(body: str) -> None:
    """The plain form holds no invisible character any more."""
    assert "\u200b" not in normalise(body).plain
    assert "\ufe0f" not in normalise(body).text


@pytest.mark.parametrize(
    ("spaced", "meant"),
    [
        (
            "【锦 程】您 有 一 份《合 同》待 签,请 查 收。",
            "【锦程】您有一份《合同》待签,请查收。",
        ),
        ("满,3,0,0,减,5,0,元", "满300减50元"),
        ("低*息.贷 款|秒-批", "低息贷款秒批"),
    ],
)
def test_of_a_text_cut_into_characters_the_punctuation_stays(spaced: str, meant: str) -> None:
    """What parts the characters goes; brackets and commas that say something do not."""
    assert normalise(spaced).text == meant


def test_the_table_is_that_of_opencc() -> None:
    """Every traditional character of the BMP reads as OpenCC reads it, or is a look-alike."""
    table = tables()
    convert = OpenCC("t2s").convert
    for code in range(0x3400, 0xA000):
        simplified = convert(chr(code))
        if simplified != chr(code) and not table.odd.match(chr(code)):
            assert table.characters[code] == simplified
