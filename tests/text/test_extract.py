"""What is picked out of a message: signatures, links, numbers, money, codes and times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingjing.text import extract
from qingjing.text.extract import Number, Signature
from qingjing.text.normalise import normalise


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        ("【示例商城】全场5折", Signature("示例商城", "head", False)),
        ("\ufeff 【示\u200b例商城】全场5折", Signature("示例商城", "head", False)),
        ("全场5折【示例商城】", Signature("示例商城", "tail", False)),
        ("全场5折【示例商城】。", Signature("示例商城", "tail", False)),
        ("全场5折【示例商城】拒收请回复R", Signature("示例商城", "tail", False)),
        ("[示例商城]全场5折", Signature("示例商城", "head", True)),
        ("［示例商城］全场5折", Signature("示例商城", "head", True)),
        ("〔示例商城〕全场5折", Signature("示例商城", "head", True)),
        ("〖示例商城〗全场5折", Signature("示例商城", "head", True)),
        ("『示例商城』全场5折", Signature("示例商城", "head", True)),
        ("全场5折「示例商城」", Signature("示例商城", "tail", True)),
        ("[示例]全场5折【示例商城】", Signature("示例商城", "tail", False)),
        ("全场【大促】5折", None),
        ("【123456】是您的验证码", None),
        ("【】全场5折", None),
        ("", None),
    ],
)
def test_a_signature_is_found_at_its_place(body: str, signature: Signature | None) -> None:
    """Head before tail, true brackets before look-alikes, digits never."""
    assert signature == extract.find_signature(normalise(body).plain)


@pytest.mark.parametrize(
    ("body", "url", "domain", "split"),
    [
        ("戳 s.example.cn/Ab12 拒收", "s.example.cn/Ab12", "example.cn", False),
        ("戳s.example.com.cn/x退订回T", "s.example.com.cn/x", "example.com.cn", False),
        (
            "点https://m.example.com/a?b=1领取",
            "https://m.example.com/a?b=1",
            "example.com",
            False,
        ),
        ("s . example . cn/x", "s.example.cn/x", "example.cn", True),
        ("s .example .cn / x9", "s.example.cn/x9", "example.cn", True),
        ("网址 d88x.com", "d88x.com", "d88x.com", False),
        ("ｓ.ｅｘａｍｐｌｅ.ｃｎ/ｘ", "s.example.cn/x", "example.cn", False),
        ("s.example.cn/Ab12TD退订", "s.example.cn/Ab12", "example.cn", False),
    ],
)
def test_a_link_is_found_with_its_domain(body: str, url: str, domain: str, split: bool) -> None:
    """Links with scheme, bare, written apart and glued to text give url and domain."""
    (link,) = extract.find_links(normalise(body).plain)

    assert (url, domain, split) == (link.url, link.domain, link.split)


def test_short_link_hosts_are_known() -> None:
    """A link of a public shortener is marked, because it hides where it leads."""
    (link,) = extract.find_links("戳 t.cn/A6abc")

    assert link.short


@pytest.mark.parametrize(
    "body", ["满5.5折", "3.14", "ok.so I said", "See you. Me too", "a@b.com"]
)
def test_prose_is_no_link(body: str) -> None:
    """Numbers, sentences and mail addresses are no links."""
    assert extract.find_links(body) == ()


@pytest.mark.parametrize(
    ("body", "numbers"),
    [
        ("电话13800138000", [("13800138000", "mobile")]),
        ("电话138-0013-8000", [("13800138000", "mobile")]),
        ("详询400-123-4567", [("4001234567", "service")]),
        ("热线02188886666", [("02188886666", "fixed")]),
        ("热线(021)88886666", [("02188886666", "fixed")]),
        ("请拨95588或10086", [("95588", "short"), ("10086", "short")]),
        ("奖金10000元", []),
        ("单号12345678901234", []),
        ("验证码482913", []),
    ],
)
def test_a_phone_number_is_told_from_other_digits(
    body: str, numbers: list[tuple[str, str]]
) -> None:
    """Mobile, fixed, 400 and five-digit numbers are found; amounts and codes are not."""
    assert numbers == [(number.digits, number.form) for number in extract.find_phones(body)]


def test_a_mobile_number_does_not_print_itself() -> None:
    """The representation masks a person's number and shows a company's."""
    assert "0013" not in repr(Number("13800138000", "mobile"))
    assert "95588" in repr(Number("95588", "short"))


def test_money_codes_and_times_are_picked_out() -> None:
    """Discounts, prices, codes and times come as they are written."""
    assert extract.find_discounts("全场5折,满300减50,第二件半价") == (
        "5折",
        "满300减",
        "第二件",
        "半价",
    )
    assert extract.find_prices("仅¥99,原价1,299元") == ("¥99,", "1,299元")
    assert extract.find_codes("您的验证码是482913") == ("482913",)
    assert extract.find_codes("829104(动态验证码)") == ("829104",)
    assert extract.find_codes("单号829104") == ()
    assert extract.find_times("11月11日20:00开始,今晚见") == ("11月11日20:00", "今晚")


@given(st.text())
def test_no_text_is_too_odd(body: str) -> None:
    """Every extractor takes every string."""
    normal = normalise(body)
    extract.find_signature(normal.plain)
    extract.find_links(normal.plain)
    extract.find_phones(normal.text)
    extract.find_discounts(normal.text)
    extract.find_prices(normal.text)
    extract.find_codes(normal.text)
    extract.find_times(normal.text)
    extract.find_notice(normal.text)
