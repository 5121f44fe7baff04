"""Readings: hand-written messages, the legal line, and what no disguise may change."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingjing.kernel.words import Category, Kind
from qingjing.text import lexicon
from qingjing.text.measure import measure
from qingjing.text.normalise import normalise
from qingjing.text.reading import read

DATA = tomllib.loads(Path(__file__).with_name("messages.toml").read_text(encoding="utf-8"))
CASES: list[tuple[dict[str, Any], str]] = [
    (group, text) for group in DATA["group"] for text in group["texts"]
]
BY_KIND = {
    kind: [text for group, text in CASES if Kind[group["kind"].upper()] is kind]
    for kind in Kind
}
COMMERCIAL = st.sampled_from(BY_KIND[Kind.COMMERCIAL])
NOTICES = st.sampled_from(
    [
        "拒收请回复R",
        "回T退订",
        "退订回T",
        "回复TD退订",
        "TD退订",
        "退订回N",
        " 退订回复N或者TD",
        "Reply R",
    ]
)
WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


@pytest.mark.parametrize(("group", "text"), CASES)
def test_a_message_is_read_as_its_group_says(group: dict[str, Any], text: str) -> None:
    """Kind, category where one is told, and whether a promotion hangs on a notice."""
    reading = read(text)

    assert Kind[group["kind"].upper()] is reading.kind, reading.weighed
    if "category" in group:
        assert Category[group["category"].upper()] is reading.category, reading.weighed
    assert reading.mixed == group.get("mixed", False)
    if "complete" in group:
        assert reading.states is not None
        assert reading.states.complete == group["complete"], reading.states


def test_the_table_is_large_enough_to_mean_something() -> None:
    """At least 120 messages, every kind among them, and no kind below 0.95 F1."""
    got = measure((Kind[group["kind"].upper()], read(text).kind) for group, text in CASES)

    assert len(CASES) >= 120
    assert set(got.scores) == set(Kind)
    assert min(score.f1 for score in got.scores.values()) >= 0.95


@given(st.text())
def test_every_text_has_one_reading(body: str) -> None:
    """Reading never raises and gives the same answer twice."""
    reading = read(body)

    assert reading == read(body)
    assert 0.0 <= reading.confidence <= 1.0
    assert (reading.span is not None) == reading.mixed
    assert (reading.states is not None) == reading.asking


@given(COMMERCIAL, st.data())
def test_invisible_characters_change_no_commercial_text(text: str, data: st.DataObject) -> None:
    """Zero-width characters anywhere leave the kind as it is."""
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=8))
    hidden = data.draw(st.sampled_from("\u200b\u200c\u200d\u2060\ufeff\u00ad"))
    for place in sorted(places, reverse=True):
        text = text[:place] + hidden + text[place:]

    assert read(text).kind is Kind.COMMERCIAL


@given(COMMERCIAL)
def test_full_width_forms_change_no_commercial_text(text: str) -> None:
    """Full-width letters, digits and punctuation leave the kind as it is."""
    assert read(text.translate(WIDE)).kind is Kind.COMMERCIAL


@given(st.sampled_from(BY_KIND[Kind.SERVICE] + BY_KIND[Kind.VERIFICATION]), NOTICES)
def test_a_notice_makes_no_service_text_commercial(text: str, notice: str) -> None:
    """Since 2026-05 one carrier wants the suffix on every message: it proves nothing."""
    assert read(text + notice).kind is read(text).kind


@pytest.mark.parametrize("text", BY_KIND[Kind.PERSONAL])
def test_a_notice_makes_no_chat_commercial(text: str) -> None:
    """Personal words with a copied suffix are at most unclear."""
    assert read(text + "拒收请回复R").kind in (Kind.PERSONAL, Kind.UNCLEAR)


def test_the_span_of_a_mixed_message_shows_the_promotion() -> None:
    """The offsets are those of the body as it came, disguises included."""
    body = "【示例商城】您的订单已發貨。\u200b另有满减\u200b券待領 s.example.cn/x"
    reading = read(body)

    assert reading.mixed
    assert reading.span is not None
    assert body[slice(*reading.span)] == "满减\u200b券待領"


def test_the_whole_reading_of_a_commercial_message() -> None:
    """Every field of one message is what a person would note down."""
    reading = read(
        "【示例商城】双11抢先购今晚8点开始,爆款低至5折,戳 s.example.cn/Ab12 拒收请回复R"
    )

    assert (reading.kind, reading.category) == (Kind.COMMERCIAL, Category.RETAIL)
    assert (reading.signature, reading.signature_place) == ("示例商城", "head")
    assert not reading.lookalike_signature
    assert reading.notice is not None
    assert (reading.notice.keyword, reading.notice.usable) == ("R", True)
    assert [link.domain for link in reading.links] == ["example.cn"]
    assert reading.identity
    assert not reading.contact
    assert reading.evasions == 0
    assert ("爆款", 3) in reading.weighed


def test_evasions_are_counted_where_they_cut_words() -> None:
    """A cut key word, an invisible character and a split link are three; spaces are none."""
    assert read("【示例】限时特 价,秒\u200b杀 s . example . cn/x 退订回T").evasions == 3
    assert read("【示例】您的订单 已发货 请查收").evasions == 0


def test_identity_needs_a_signature_or_a_name_with_a_number() -> None:
    """A company's name alone identifies nobody who can be called."""
    assert read("【示例商城】全场5折").identity
    assert read("东方示例公司全场5折,电话02188886666").identity
    assert not read("东方示例公司全场5折").identity
    assert not read("全场5折,电话02188886666").identity


def test_an_asking_states_type_frequency_and_term_or_not() -> None:
    """What Order 31 Art 18 demands of a request is told one by one."""
    states = read("【示例商城】回复Y同意接收营销短信,不回复视为拒绝").states

    assert states is not None
    assert not states.complete
    assert (states.frequency, states.term) == (False, False)
    full = read("【示例商城】回复Y同意接收优惠信息,每月2条,期限1年").states
    assert full is not None
    assert full.complete


def test_an_offer_dressed_as_an_asking_is_commercial() -> None:
    """A request for consent that sells already is commercial, and still seen as asking."""
    reading = read("【示例商城】全场3折限时秒杀,优惠券限量抢!回复Y同意接收优惠信息")

    assert reading.kind is Kind.COMMERCIAL
    assert reading.asking


@pytest.mark.parametrize(
    "offer", ["今晚秒杀", "全场5折", "羽绒服199元", "同意即送好礼", "戳 s.example.cn/k"]
)
def test_an_offer_beside_an_asking_makes_it_commercial(offer: str) -> None:
    """The same request is ASKING without the offer and COMMERCIAL with it."""
    asking = "【示例服装】征求您的同意:每月2条新品促销短信,期限1年,愿意请回Y"

    assert read(asking).kind is Kind.ASKING
    assert read(f"{asking}。{offer}").kind is Kind.COMMERCIAL


@pytest.mark.parametrize(
    ("words", "frequency", "term"),
    [
        ("每周最多1条", True, False),
        ("每月不超过4次", True, False),
        ("每两周1条", True, False),
        ("2条/月", True, False),
        ("频率:每季1次", True, False),
        ("频次不定", False, False),
        ("有效期至2027年11月", False, True),
        ("为期一年", False, True),
        ("期限12个月", False, True),
        ("期限半年", False, True),
        ("一年内有效", False, True),
    ],
)
def test_frequency_and_term_are_known_in_many_wordings(
    words: str, frequency: bool, term: bool
) -> None:
    """Each wording states what it states and nothing else."""
    states = read(f"【示例书店】是否同意接收促销短信({words})?同意请回Y").states

    assert states is not None
    assert (states.frequency, states.term) == (frequency, term)


def test_a_signature_tells_the_trade_only_where_the_body_does_not() -> None:
    """A loan is FINANCE whoever signs; bare words of selling leave it to the signature."""
    assert read("【示例火锅】现金贷秒到账,利息5折").category is Category.FINANCE
    assert read("【示例火锅】全场满100减50").category is Category.FOOD
    assert read("【示例某某】全场满100减50").category is Category.RETAIL


@pytest.mark.parametrize("number", ["6180042", "96180", "618.5", "3-618", "618元", "A618"])
def test_a_piece_of_a_number_is_no_day_of_sales(number: str) -> None:
    """618 counts as a whole number only, and not as an amount."""
    assert ("618", 3) not in read(f"【示例商城】大促{number}抢购,全场狂欢").weighed
    assert ("618", 3) in read("【示例商城】大促618抢购,全场狂欢").weighed


def test_a_cancelled_flight_that_asks_for_a_call_is_no_service() -> None:
    """The same words are a notice where nobody can be reached by them, and else a lure."""
    told = "【示例航空】您乘坐的航班因天气取消,请改签"

    assert read(told).kind is Kind.SERVICE
    assert read(told + ",致电4001234567").kind is not Kind.SERVICE


def test_latin_words_count_whole_only() -> None:
    """No word is found inside a longer Latin one."""
    assert read("meeting in september accepted").weighed == ()


def test_a_faulty_lexicon_says_what_is_wrong() -> None:
    """An unknown table, a weight out of range and a repeated word are named."""
    for text, part in (
        ('[selling.other]\n"a" = 1', "selling.other"),
        ('[commercial.other]\n"a" = 9', "weight"),
        ('[commercial.other]\n"a" = 1\n[service.other]\n"a" = 1', "another table"),
    ):
        with pytest.raises(lexicon.LexiconError, match=part):
            lexicon.parse(text)


def test_every_shipped_word_is_written_as_it_is_looked_for() -> None:
    """A word that normalising would change could never match."""
    words = [entry.word for entry in lexicon.shipped().entries]

    assert [normalise(word).text for word in words] == words


def test_reading_keeps_pace() -> None:
    """Thousands of fresh texts a second on one core; the floor allows for a busy machine."""
    texts = [f"{text}{number}" for number in range(20) for _, text in CASES]
    read("热身 s.example.cn/a")
    started = time.process_time()
    for text in texts:
        read(text)

    assert len(texts) / (time.process_time() - started) > 4_000


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a.",
        "a . ",
        "1",
        "1-",
        "【a",
        "回",
        "退订回",
        "同意接收",
        "您的",
        "贷 ",
        "贷\u200b",
        "贷",
    ],
)
def test_no_hostile_text_is_slow(piece: str) -> None:
    """Two thousand pieces that invite patterns to search back and forth take no second."""
    body = piece * 2_000 + "13800138000 a.cn"
    read("热身 s.example.cn/a")
    started = time.process_time()
    read(body)

    assert time.process_time() - started < 1.0
