"""Signatures that pretend: found by each kind, and the innocent left alone."""

from __future__ import annotations

import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lookalike_names import KINDS, Names

from qingjing.text.lookalike import LARGE, WORDS, How, Index, core, skeleton

OWNED = ("青禾商城", "招商银行", "拼多多", "淘宝网", "taobao", "中国工商银行", "白石书店")
CASES = 2_000


@pytest.fixture(scope="module")
def index() -> Index:
    """A few that everyone knows how to imitate."""
    return Index(OWNED)


@pytest.mark.parametrize(
    ("name", "of", "how"),
    [
        ("青 禾商城", "青禾商城", How.LOOKS),
        ("青禾\u200b商城", "青禾商城", How.LOOKS),
        ("青禾·商城", "青禾商城", How.LOOKS),
        ("淘寶網", "淘宝网", How.LOOKS),
        ("taoba0", "taobao", How.LOOKS),
        ("TaoBаo", "taobao", How.LOOKS),
        ("青禾旗舰店", "青禾商城", How.GENERIC),
        ("北京青禾会员中心", "青禾商城", How.GENERIC),
        ("青和商城", "青禾商城", How.SOUNDS),
        ("qinghe商城", "青禾商城", How.SOUNDS),
        ("陶宝网", "淘宝网", How.SOUNDS),
        ("招行", "招商银行", How.SHORT),
        ("工行信用卡", "中国工商银行", How.SHORT),
        ("禾青商城", "青禾商城", How.ORDER),
        ("拼多夕", "拼多多", How.EDIT),
    ],
)
def test_each_way_of_pretending_is_seen_and_named(
    index: Index, name: str, of: str, how: How
) -> None:
    """By the surest way that fits."""
    assert (of, how) in index.screen(name)


@pytest.mark.parametrize(
    "name",
    [
        *("青禾商城", "青木商城", "白石园林", "优惠商城", "官方客服", "北京书店", "京东方"),
        *("招财银行", "拼团", "多多益善", "甲乙丙丁", "amazon"),
    ],
)
def test_the_innocent_are_left_alone(index: Index, name: str) -> None:
    """One's own name, common words alone, one shared character, a longer brand."""
    assert index.screen(name) == []


def test_a_signature_of_common_words_has_no_core() -> None:
    """It belongs to nobody, so that nobody can be imitated by it."""
    assert core("会员服务中心") == core("北京旗舰店") == ""
    assert core("北京青禾超市") == "青禾"
    assert skeleton("Ｔａｏ Ｂ@o") == "taobo"


def test_every_way_has_words_in_both_languages() -> None:
    """A person reads why."""
    assert set(WORDS) == set(How)
    assert all(zh and en for zh, en in WORDS.values())


@pytest.mark.parametrize("seed", [7001, 7002, 7003, 7004, 7005])
def test_lookalikes_are_found_and_innocents_spared_on_seeds_that_no_tuning_saw(
    seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Recall at least .98 at no more than 2 % false; each kind is found nine times in ten."""
    names = Names(seed, 2_000)
    index = Index(names.owned)
    planted, found, false = Counter[str](), Counter[str](), 0
    for _ in range(CASES):
        case = names.pretending()
        planted[case.kind] += 1
        found[case.kind] += any(one.name == case.of for one in index.screen(case.name))
        false += bool(index.screen(names.innocent().name))
    recall = found.total() / CASES
    with capsys.disabled():
        told = f"recall {recall:.4f}, false {false / CASES:.4f}"
        sys.stdout.write(f"\nlook-alikes, seed {seed}: {told}\n")
    assert set(planted) == set(KINDS)
    assert recall >= 0.98
    assert false <= 0.02 * CASES
    assert all(found[kind] >= 0.9 * count for kind, count in planted.items())


def test_in_a_large_register_two_characters_are_believed_less() -> None:
    """They are a coincidence there, but for institutions, and for the same words around."""
    names = Names(7, LARGE)
    index = Index([*names.owned, "招商银行", "青禾商城", "青石商场"])
    ways = {name: [one.how for one in index.screen(name)] for name in ("招行", "青合商城")}
    assert How.SHORT in ways["招行"]
    assert How.SOUNDS in ways["青合商城"]
    assert ("青石商场", How.SHORT) not in index.screen("青商")


@given(st.text(max_size=12))
def test_any_text_can_be_screened(text: str) -> None:
    """Total, and never like itself."""
    index = Index([*OWNED, text])
    assert all(one.name != text for one in index.screen(text))
