"""Opt-out notices: every wording in use is found, and tricks are called by their name."""

from __future__ import annotations

import pytest

from qingjing.text.normalise import normalise
from qingjing.text.notice import Notice, find_notice

BODY = "【示例商城】全场5折,戳 s.example.cn/Ab12"


def found(body: str) -> Notice:
    """The notice of a body that must have one."""
    notice = find_notice(normalise(body).text)
    assert notice is not None, body
    return notice


@pytest.mark.parametrize(
    ("suffix", "keyword"),
    [
        ("拒收请回复R", "R"),
        (" 拒收请回复 R。", "R"),
        ("拒收请回复Ｒ", "R"),
        ("拒收請回覆R", "R"),
        ("回T退订", "T"),
        ("退订回T", "T"),
        ("回TD退订", "TD"),
        ("回复TD退订", "TD"),
        ("TD退订", "TD"),
        ("td退订", "TD"),
        ("回N退订", "N"),
        ("退订回N", "N"),
        ("退订回复N", "N"),
        ("退订回复N或者TD", "N"),
        ("回复TDZD退订", "TDZD"),
        ("回复R拒收", "R"),
        ("退订请回复“T”", "T"),
        ("如需取消此类短信请回复TD", "TD"),
        ("回复TD可退订", "TD"),
        ("发送TD到10691234即可退订", "TD"),
        (" Reply R", "R"),
        (" reply STOP to unsubscribe", "STOP"),
        ("退-订 回 T", "T"),
        ("退订回0000", "0000"),
        ("不再接收请回复QX", "QX"),
    ],
)
def test_a_wording_in_use_is_found_with_its_keyword(suffix: str, keyword: str) -> None:
    """Each suffix is found at the end of a body, glued or not, and works."""
    notice = found(BODY + suffix)

    assert keyword == notice.keyword
    assert notice.usable
    assert notice.why == ""


@pytest.mark.parametrize("end", ["qx", "td", "Abqx", "tdzd"])
def test_a_link_that_ends_like_a_keyword_is_no_keyword(end: str) -> None:
    """The instruction after a link counts, not the link's last letters before 拒收."""
    assert found(f"全场5折 s.example.cn/{end}拒收请回复R").keyword == "R"
    assert found(f"全场5折 s.example.cn/{end}取消订阅请回T").keyword == "T"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (BODY + "退订请登录APP", "login"),
        (BODY + "退订请到个人中心", "login"),
        (BODY + "退订点击 s.example.cn/td", "link"),
        (BODY + "退订戳s.example.cn/td", "link"),
        (BODY + "退订请致电4001234567", "call"),
        (BODY + "复TD退订", "复"),
        ("【示例商城】回T退订。全场5折起,今晚八点正式开抢,千款好物等您来挑,机会难得", "buried"),
    ],
)
def test_an_obstacle_is_no_usable_notice(body: str, why: str) -> None:
    """A login, a link, a call, a missing 回 and a buried notice are found and named."""
    notice = found(body)

    assert not notice.usable
    assert why in notice.why


@pytest.mark.parametrize("tail", ["【示例商城】", " s.example.cn/x", "。", "!【示例商城】"])
def test_a_signature_or_link_may_follow_a_notice(tail: str) -> None:
    """What is no sentence of its own does not bury the notice before it."""
    assert found("全场5折,拒收请回复R" + tail).usable


@pytest.mark.parametrize("suffix", ["退订回T退订", "回T退订 回T退订", "回T退订,拒收请回复R"])
def test_a_suffix_added_twice_is_marked(suffix: str) -> None:
    """Two suffixes side by side are one doubled notice."""
    assert found(BODY + suffix).doubled


@pytest.mark.parametrize(
    "body",
    [
        BODY,
        "",
        "您已退订成功",
        "不退订",
        "您的订单已取消",
        "取消订单请联系客服",
        "send me a text",
    ],
)
def test_talk_of_refusal_is_no_notice(body: str) -> None:
    """A text that tells no way out has no notice."""
    assert find_notice(normalise(body).text) is None
