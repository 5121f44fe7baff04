"""The model: its file, its scores, and why a text is read as it is."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingjing.kernel.words import Kind
from qingjing.text import model
from qingjing.text.explain import explain
from qingjing.text.grams import BITS, cue_buckets, face, grams
from qingjing.text.model import COLUMNS, KINDS, ModelError, pack, probabilities, unpack
from qingjing.text.parts import cues, seen, take_apart

WEIGHTS = np.random.Generator(np.random.PCG64(1)).normal(size=((1 << BITS) + 1, COLUMNS))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("您的验证码是482913,5分钟内有效", "您的验证码是00分钟内有效"),
        ("戳 s.example.cn/ab12 领取", "戳ʟ领取"),
        ("电话13800138000", "电话ᴘ"),
        ("加微信ab12345", "加微信ᴡ"),
        ("订单12345678901已发货。", "订单000已发货"),
        ("your code is 5521", "yourʔcodeʔisʔ00"),
    ],
)
def test_the_model_sees_no_variables(text: str, shown: str) -> None:
    """Codes, links, numbers and accounts are signs; punctuation is gone."""
    assert shown == face(text)


def test_a_score_is_the_sum_of_its_pieces() -> None:
    """What compiled code adds up is what the weights say."""
    small = WEIGHTS.astype(np.float32)
    found = unpack(pack(small, 1.0, {}, least=0.0))
    shown, signs = "免费领取优惠券", [1, 40]
    pieces = np.concatenate([grams(shown), cue_buckets()[signs]])
    expected = small[pieces].sum(axis=0) / np.sqrt(len(pieces)) + small[-1]

    assert found.scores(shown, signs) == pytest.approx(expected, abs=0.2)


def test_a_file_that_is_no_model_is_refused_in_words() -> None:
    """Noise, another layout and a missing part are told; nothing is loaded."""
    with pytest.raises(ModelError, match="no model file"):
        unpack(b"nonsense")
    out = io.BytesIO()
    np.savez(out, format=np.int64(99), bits=np.int64(BITS))
    with pytest.raises(ModelError, match="another version"):
        unpack(out.getvalue())


def test_the_shipped_model_is_the_one_vouched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest in the voucher is that of the file; another file is refused."""
    assert model.shipped().about["rows"] > 10_000
    monkeypatch.setattr(model, "FILE", "lexicon.toml")
    model.shipped.cache_clear()
    with pytest.raises(ModelError, match="vouches"):
        model.shipped()
    monkeypatch.undo()
    model.shipped.cache_clear()


@given(st.text())
def test_probabilities_sum_to_one(body: str) -> None:
    """For every text, whatever it is."""
    parts = take_apart(body)
    found = probabilities(model.shipped(), model.shipped().scores(seen(parts), cues(parts)))

    assert len(found) == len(KINDS)
    assert sum(found) == pytest.approx(1.0)


def test_the_clause_that_sells_weighs_most() -> None:
    """In a mixed message the explanation points at the promotion, in the body as it came."""
    body = "【示例商城】您的订单已發货。另有满减\u200b券待领 s.example.cn/x"
    spans = explain(body)

    assert "满减\u200b券待领" in body[spans[0].start : spans[0].end]
    assert spans[0].weight > 0
    assert explain("") == ()


@given(st.text())
def test_every_explanation_lies_in_the_body(body: str) -> None:
    """Spans are slices of the body."""
    for span in explain(body):
        assert 0 <= span.start < span.end <= len(body)


def test_every_kind_but_unclear_has_a_column() -> None:
    """The model can say all that a message can be."""
    assert set(Kind) - {Kind.UNCLEAR} == set(KINDS)
