"""Campaigns: found again however they are signed and reworded, and only then."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from qingjing.text.campaigns import Campaigns, core, shingles_of, similarity
from qingjing.text.similar import SIMILAR_AT
from qingjing.text.teach.compose import compose

TEXT = (
    "【甲店】双11抢先购今晚8点开始,全场爆款低至5折,更有好礼等您来拿,"
    "戳 s.example.cn/Ab12 拒收请回复R"
)


def test_signature_notice_and_variables_are_no_part_of_a_core() -> None:
    """The same campaign of another shop, with another link and day, has the same core."""
    other = TEXT.replace("甲店", "乙铺").replace("8点", "9点").replace("拒收请回复R", "回T退订")

    assert core(TEXT) == core(other)


def test_a_campaign_is_found_again_when_slightly_reworded() -> None:
    """A changed word keeps the cluster; another text has its own."""
    campaigns = Campaigns()
    first = campaigns.add(TEXT)

    assert first == campaigns.add(TEXT.replace("全场", "店内"))
    assert first != campaigns.add("【甲店】您的订单已发货,单号SF123")
    assert len(campaigns) == 3


def test_two_clusters_become_one_when_a_text_between_them_comes() -> None:
    """The smaller number stays, so that what was told before stays true."""
    a = "春季新款连衣裙上市全场五折起欢迎新老会员进店选购"
    b = a.replace("春季", "夏季").replace("五折", "六折")
    c = b.replace("连衣裙", "牛仔裤").replace("进店", "到店")
    campaigns = Campaigns(0.5)
    far, near = similarity(*shingles_of([a, c])), similarity(*shingles_of([a, b]))

    assert far < 0.5 <= near
    assert campaigns.add_cores([a, c]) == [0, 1]
    assert campaigns.add_cores([b]) == [0]


def test_every_planted_pair_is_found() -> None:
    """Of rewordings as similar as the limit or more none is missed."""
    chance = Random(3)
    cores = sorted({core(row.text) for row in compose(chance, 1, 50)})
    pairs = []
    for one in cores:
        if len(one) > 20:
            place = chance.randrange(len(one))
            pairs.append((one, one[:place] + chance.choice("的了请亲") + one[place + 1 :]))
    campaigns = Campaigns()
    places = campaigns.add_cores([one for pair in pairs for one in pair])
    near = [at for at, pair in enumerate(pairs) if similarity(*shingles_of(pair)) >= SIMILAR_AT]

    assert len(near) > 100
    assert all(
        campaigns.cluster(places[2 * at]) == campaigns.cluster(places[2 * at + 1])
        for at in near
    )


@given(st.lists(st.text(alphabet="甲乙丙丁戊", max_size=12), max_size=8))
def test_order_and_batches_change_no_clusters(cores: list[str]) -> None:
    """Added one by one, at once or backwards: the same texts are together."""

    def together(order: list[str], *, batch: bool) -> set[frozenset[str]]:
        campaigns = Campaigns()
        if batch:
            campaigns.add_cores(order)
        else:
            for one in order:
                campaigns.add_cores([one])
        found: dict[int, set[str]] = {}
        for one in order:
            found.setdefault(campaigns.add_cores([one])[0], set()).add(one)
        return {frozenset(group) for group in found.values()}

    expected = together(cores, batch=True)

    assert expected == together(cores, batch=False)
    assert expected == together(cores[::-1], batch=True)


@given(st.text(), st.text())
def test_similarity_is_that_of_the_sets(a: str, b: str) -> None:
    """What compiled code counts is what Python's sets count."""
    left, right = ({t[i : i + 3] for i in range(len(t) - 2)} or {t} - {""} for t in (a, b))
    union = left | right
    expected = len(left & right) / len(union) if union else 1.0

    assert similarity(*shingles_of([a, b])) == expected
