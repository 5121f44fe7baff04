"""Measures: the figures by hand."""

from __future__ import annotations

from qingjing.text.measure import measure


def test_the_figures_are_those_of_the_textbook() -> None:
    """Two of three a are hit; one b is taken for a; the shares follow."""
    got = measure([("a", "a"), ("a", "a"), ("a", "b"), ("b", "b"), ("b", "a")])

    assert got.confusion == {("a", "a"): 2, ("a", "b"): 1, ("b", "b"): 1, ("b", "a"): 1}
    assert got.scores["a"].precision == 2 / 3
    assert got.scores["a"].recall == 2 / 3
    assert got.scores["b"].f1 == 0.5
    assert got.accuracy == 3 / 5
    assert abs(got.macro_f1 - (2 / 3 + 1 / 2) / 2) < 1e-12


def test_nothing_measured_is_zero_everywhere() -> None:
    """Without pairs there is no score, and no division by nothing."""
    nothing: list[tuple[str, str]] = []
    got = measure(nothing)

    assert got.scores == {}
    assert got.accuracy == 0.0
    assert got.macro_f1 == 0.0


def test_a_label_never_read_has_no_precision() -> None:
    """A label that only occurs as truth scores 0, not an error."""
    got = measure([("a", "b")])

    assert got.scores["a"].precision == 0.0
    assert got.scores["b"].recall == 0.0
    assert got.scores["a"].f1 == 0.0
