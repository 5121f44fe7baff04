"""Replies measured: how a thousand of them are read, and what is never read into one."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingjing.kernel.words import ReplyMeaning
from qingjing.text import reply
from qingjing.text.measure import Measures, measure
from qingjing.text.normalise import normalise

HERE: Final = Path(__file__).parent
PAGE: Final = HERE.parents[1] / "docs" / "replies.md"
SETS: Final = {name: HERE / f"{name}.toml" for name in ("replies_set", "replies_blind")}
ORDER: Final = ("opt_out", "complaint", "opt_in", "help", "unclear")
REFUSING: Final = ("opt_out", "complaint")
FORMS: Final = tomllib.loads((HERE / "forms.toml").read_text(encoding="utf-8"))


def rows(name: str) -> Iterator[tuple[str, str]]:
    """The (truth, reply) pairs of one set."""
    for meaning, themes in tomllib.loads(SETS[name].read_text(encoding="utf-8")).items():
        for replies in themes.values():
            for body in replies:
                yield meaning, body


def measured(name: str) -> Measures[str]:
    """One set against the reader."""
    return measure((truth, reply.read(body).meaning.value) for truth, body in rows(name))


def confusion(name: str) -> str:
    """The confusion table of one set as it stands in ``docs/replies.md``."""
    got = measured(name)
    lines = [f"| truth \\ read | {' | '.join(ORDER)} | all | heard |", "|---" * 8 + "|"]
    for truth in ORDER:
        counts = [got.confusion.get((truth, read), 0) for read in ORDER]
        share = f"{got.scores[truth].recall:.1%}"
        lines.append(f"| {truth} | {' | '.join(map(str, counts))} | {sum(counts)} | {share} |")
    precise = [f"{got.scores[name].precision:.1%}" for name in ORDER]
    lines.append(f"| precision | {' | '.join(precise)} | | {got.accuracy:.1%} |")
    return "\n".join(lines)


REFUSALS: Final = [
    body for name in SETS for truth, body in rows(name) if truth in REFUSING
]  # fmt: skip


def test_the_sets_are_large_and_do_not_repeat_one_another() -> None:
    """At least 400 replies that no other set or table has, every meaning among them."""
    bodies = [body for name in SETS for _, body in rows(name)]
    forms = {form for group in FORMS.values() for form in group}

    assert len(list(rows("replies_set"))) >= 400
    assert len(bodies) == len(set(bodies))
    assert not forms & {body for _, body in rows("replies_set")}
    for name in SETS:
        assert {truth for truth, _ in rows(name)} == {meaning.value for meaning in ReplyMeaning}


@pytest.mark.parametrize("body", REFUSALS)
def test_no_refusal_is_read_as_consent_or_as_a_call_for_help(body: str) -> None:
    """The worst error, of which there is none: marketing would go on."""
    assert reply.read(body).meaning not in (ReplyMeaning.OPT_IN, ReplyMeaning.HELP)


@pytest.mark.parametrize("name", SETS)
def test_nothing_else_is_read_as_consent(name: str) -> None:
    """What is no yes is not read as one: neither irony nor a question nor a hedge."""
    wrong = [
        body
        for truth, body in rows(name)
        if truth != "opt_in" and reply.read(body).meaning is ReplyMeaning.OPT_IN
    ]

    assert wrong == []


@pytest.mark.parametrize(
    ("name", "least", "most"), [("replies_set", 0.98, 0.01), ("replies_blind", 0.9, 0.02)]
)
def test_refusals_are_heard_and_little_else_is_taken_for_one(
    name: str, least: float, most: float
) -> None:
    """The share of refusals heard, and of unclear replies that stop marketing for good."""
    got = measured(name)
    unclear = got.scores["unclear"].truth
    wrong = sum(got.confusion.get(("unclear", read), 0) for read in REFUSING)

    assert got.scores["opt_out"].recall >= least
    assert got.scores["complaint"].recall >= least
    assert wrong / unclear <= most


@pytest.mark.parametrize("name", SETS)
def test_the_page_has_the_table_that_is_measured(name: str) -> None:
    """``docs/replies.md`` says what the reader does today."""
    made = confusion(name)

    assert made in PAGE.read_text(encoding="utf-8"), f"the table of {name} is now:\n{made}"


@given(st.sampled_from(REFUSALS), st.sampled_from(FORMS["opt_in"] + FORMS["help"]))
def test_a_yes_beside_a_refusal_makes_no_consent_of_it(refusal: str, other: str) -> None:
    """In either order: what is mixed is a refusal or unclear."""
    for body in (f"{refusal},{other}", f"{other},{refusal}"):
        assert reply.read(body).meaning is not ReplyMeaning.OPT_IN


@given(
    st.sampled_from(FORMS["opt_in"]), st.sampled_from(["吗", "?", "才怪", "个头", "但是", "不"])
)
def test_a_yes_with_a_doubt_is_no_consent(form: str, doubt: str) -> None:
    """A consent is the whole reply or none."""
    assert reply.read(form + doubt).meaning is not ReplyMeaning.OPT_IN


def test_every_shipped_phrase_is_written_as_it_is_looked_for() -> None:
    """Normalised, lower case, single spaces, no apostrophes."""
    source = Path(reply.__file__).with_name("replies.toml").read_text(encoding="utf-8")
    data = tomllib.loads(source)
    phrases = data["opt_out"]["phrases"] + data["complaint"]["phrases"]

    assert [p for p in phrases if normalise(" ".join(p.split())).text != p] == []
    assert [p for p in phrases if not p.replace(" ", "").isalpha()] == []
