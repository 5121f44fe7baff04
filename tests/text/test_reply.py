"""Replies: every form of refusal is heard, and nothing is read into what is not one."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingjing.kernel.words import ReplyMeaning
from qingjing.text import reply
from qingjing.text.normalise import normalise

FORMS = tomllib.loads(Path(__file__).with_name("forms.toml").read_text(encoding="utf-8"))
CASES = [(ReplyMeaning(name), form) for name, forms in FORMS.items() for form in forms]
REFUSALS = [form for meaning, form in CASES if meaning is ReplyMeaning.OPT_OUT]
# Words as well as noise, because noise alone seldom gets past the first line.
PIECES = st.sampled_from(
    [*REFUSALS, "不", "取消", "吗", "?", ",", " ", "谢谢", "投诉", "Y", "发"]
)
BODIES = st.one_of(st.text(), st.lists(PIECES, max_size=6).map("".join))


@pytest.mark.parametrize(("meaning", "form"), CASES)
def test_a_form_has_the_meaning_of_the_table(meaning: ReplyMeaning, form: str) -> None:
    """Every form of the table is read as a person would read it."""
    assert meaning is reply.read(form).meaning


def test_the_table_is_large_enough_to_mean_something() -> None:
    """At least 150 forms are checked, and every meaning has some."""
    assert len(CASES) >= 150
    assert set(ReplyMeaning) == {meaning for meaning, _ in CASES}


@given(BODIES)
def test_every_text_has_one_meaning(body: str) -> None:
    """Reading never raises, gives the same answer twice and says why."""
    first = reply.read(body)

    assert first == reply.read(body)
    assert first.why


@given(
    st.sampled_from(REFUSALS), st.sampled_from(["", " ", "。", "!", "🙏", "\u200b", "\n", "…"])
)
def test_what_trails_a_refusal_does_not_undo_it(form: str, tail: str) -> None:
    """Punctuation, emoji and invisible characters behind a refusal change nothing."""
    assert reply.read(form + tail).meaning is ReplyMeaning.OPT_OUT


def test_a_complaint_refuses_as_well() -> None:
    """A threat to complain stops marketing like an opt-out; help and consent do not."""
    assert reply.read("再发投诉你").refuses
    assert reply.read("T").refuses
    assert not reply.read("Y").refuses
    assert not reply.read("不退订").refuses


def test_a_long_letter_goes_to_a_person() -> None:
    """Beyond the length limit a word such as 取消 proves nothing."""
    letter = "关于上周的预约,我想说明一下情况。" * 12 + "退订"

    assert ReplyMeaning.UNCLEAR is reply.read(letter).meaning


def test_every_shipped_word_is_written_as_it_is_looked_for() -> None:
    """A word that cleaning would change could never match."""
    source = Path(reply.__file__).with_name("replies.toml").read_text(encoding="utf-8")
    data = tomllib.loads(source)
    lists = [data["keywords"], data["refusing"], data["courtesy"]]
    lists += [
        words
        for name in ("opt_out", "opt_in", "help", "complaint")
        for words in data[name].values()
    ]

    assert [word for words in lists for word in words if normalise(word).text != word] == []
