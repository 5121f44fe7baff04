"""The weather vane on series whose outbreaks are known."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

import chinese_calendar
import numpy as np
import pytest

from qingjing.doors.cli.watch import measure as command
from qingjing.watch import measure, modes
from qingjing.watch.arrays import Floats, Ints
from qingjing.watch.baseline import forecast, seasonal
from qingjing.watch.evidence import LEAD, evidence, onset, surprise
from qingjing.watch.farrington import farrington
from qingjing.watch.peaks import PEAKS, day_of, peak_weeks
from qingjing.watch.score import score
from qingjing.watch.series import JUDGED, SCENARIOS, WEEKS, benchmark
from qingjing.watch.spikes import FIRST_DAY, KINDS, factor

ROOT: Final = Path(__file__).parents[2]
DATA: Final = Path(os.environ.get("QINGJING_DATA", ROOT.parent / "shared" / "data"))


def test_the_same_seed_makes_the_same_series_and_another_makes_others() -> None:
    """Figures can be had again by anyone."""
    one, same, other = benchmark(3, 1), benchmark(3, 1), benchmark(4, 1)

    assert (one.counts == same.counts).all()
    assert (one.counts != other.counts).any()


def test_series_have_the_mean_and_the_variance_of_their_scenario() -> None:
    """Over many series without outbreaks, within the error of so many."""
    quiet = benchmark(1, 40, past=False).quiet.reshape(len(SCENARIOS), 40, WEEKS)
    for scenario, counts in zip(SCENARIOS, quiet, strict=True):
        mean = scenario.mean()
        assert counts.mean() == pytest.approx(mean.mean(), rel=0.08)
        ratio = ((counts - mean) ** 2).mean() / mean.mean()
        assert ratio == pytest.approx(scenario.phi, rel=0.12)


def test_an_outbreak_lies_between_its_first_and_last_week_with_a_case() -> None:
    """And only cases are added."""
    made = benchmark(2, 2)
    added = (made.counts - made.quiet)[:, -JUDGED:]

    assert (added >= 0).all()
    assert not added[~made.truth()].any()
    rows = np.arange(len(added))
    for edge in (made.start, made.end):
        assert (added[rows, edge - (WEEKS - JUDGED)] > 0).all()


def test_scores_of_alarms_that_are_the_truth_are_perfect_and_of_none_are_nil() -> None:
    """The measures mean what they say."""
    truth = benchmark(2, 2).truth()
    none = np.zeros_like(truth)
    perfect, silent = score(none, truth, truth), score(none, none, truth)

    assert [perfect[m].value for m in ("FPR", "POD", "POD1week", "F1")] == [0, 1, 1, 1]
    assert [silent[m].value for m in ("POD", "sensitivity", "PPV", "F1")] == [0, 0, 0, 0]
    assert silent["specificity"].value == 1


def test_what_comes_later_changes_no_earlier_forecast() -> None:
    """Nothing is learnt from the weeks that are judged."""
    counts = benchmark(6, 1).counts[:8]
    later = counts.copy()
    later[:, -5:] += 80
    design = seasonal(WEEKS)
    before, after = forecast(counts, 12, design), forecast(later, 12, design)
    some = modes.odds_of(counts, 12), modes.odds_of(later, 12)

    for one, other in zip(before, after, strict=True):
        assert np.array_equal(one[:, :-5], other[:, :-5])
    for mode in modes.Mode:
        assert np.allclose(some[0][mode][:, :7], some[1][mode][:, :7])
        assert (some[1][mode][:, 7] > some[0][mode][:, 7]).all()


def test_evidence_grows_with_a_second_week_and_a_week_alone_says_less() -> None:
    """Half of an outbreak comes in its first week: what goes on is surer than what began."""
    mean = np.full((2, 12), 10.0)
    y = mean.copy()
    y[:, LEAD] = 17
    y[0, LEAD + 1] = 16
    odds = evidence(y, mean, 1.5 * mean)

    assert odds[0, LEAD + 1] > odds[0, LEAD] > odds[0, LEAD - 1]
    assert odds[0, LEAD + 1] > odds[1, LEAD + 1]
    assert onset(y, mean, 1.5 * mean)[0].argmax() == LEAD


def test_moments_and_the_exact_convolution_of_few_cases_agree_where_they_meet() -> None:
    """At a standard deviation of three the evidence takes no step."""
    mean = np.array([[5.99] * 9, [6.01] * 9])
    y = np.tile(np.array([5.0, 6, 4, 7, 6, 14, 12, 7, 6]), (2, 1))
    low, high = evidence(y, mean, 1.5 * mean)

    assert np.abs(low - high).max() < 0.15


def test_a_surprise_is_a_normal_deviate_on_quiet_series() -> None:
    """Above 2.33 lies one count in a hundred."""
    quiet = benchmark(8, 4, past=False).quiet
    means = np.repeat([s.mean() for s in SCENARIOS], 4, axis=0)
    phi = np.repeat([s.phi for s in SCENARIOS], 4)[:, None]
    z = surprise(quiet.astype(float), means, phi * means)

    assert (z > 2.326).mean() == pytest.approx(0.01, abs=0.002)


@pytest.mark.slow
def test_the_vane_holds_its_false_alarms_and_beats_farrington() -> None:
    """On series of a seed that set no threshold."""
    rows = dict(measure.table(benchmark(31, 10)))
    ours, first, rival = (
        rows[name] for name in (modes.Mode.EVIDENCE, modes.Mode.FIRST, measure.FARRINGTON)
    )

    assert ours["FPR"].value < 0.01 + 2 * ours["FPR"].error
    assert first["FPR"].value < 0.01 + 2 * first["FPR"].error
    assert ours["F1"].value > rival["F1"].value + 0.1
    assert ours["POD"].value > rival["POD"].value


@pytest.mark.slow
def test_the_vane_reaches_its_aims_on_the_shared_series(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """FPR, weekly F1 and POD of the evidence mode, as the command prints them."""
    folder = DATA / "watch"
    if not (folder / "series.parquet").exists():
        pytest.skip(f"{folder} is absent; set QINGJING_DATA to the folder of the corpora")
    command(data=folder, as_json=True)
    told = json.loads(capsys.readouterr().out)["sources"][str(folder)]
    ours = told[modes.Mode.EVIDENCE]

    assert ours["FPR"]["value"] <= 0.01
    assert ours["F1"]["value"] >= 0.56
    assert ours["POD"]["value"] >= 0.57
    first = told[modes.Mode.FIRST]
    assert first["FPR"]["value"] <= 0.01
    assert first["POD1week"]["value"] >= 0.43 - 2 * first["POD1week"]["error"]


def test_the_festival_of_the_table_is_the_published_one() -> None:
    """The lunar new year lies within each year's published Spring Festival holiday."""
    for year in range(2008, 2027):
        _off, name = chinese_calendar.get_holiday_detail(day_of("spring_festival", year))
        assert name == "Spring Festival"
    with pytest.raises(ValueError, match="2036"):
        day_of("spring_festival", 2036)


def test_the_judged_weeks_have_each_peak_once() -> None:
    """And the week after each."""
    columns = peak_weeks(FIRST_DAY, WEEKS)[-JUDGED:]

    assert columns.sum(axis=0).tolist() == [1] * 2 * len(PEAKS)
    assert [day_of(peak, 2026).isoformat() for peak in PEAKS] == [
        "2026-11-11",
        "2026-06-18",
        "2026-02-17",
    ]


def test_a_known_peak_is_expected_and_what_comes_on_top_is_not() -> None:
    """Double 11 alone raises nothing; half as much again does, and so does the unknown peak."""
    rng = np.random.default_rng(5)
    mean = 30 * factor(KINDS[0])
    counts = rng.poisson(np.tile(mean, (4, 1)))
    columns = peak_weeks(FIRST_DAY, WEEKS)
    sale = int(np.flatnonzero(columns[:, 0])[-1]) + 1
    more = counts.copy()
    more[:, sale - 1] = 135
    evidence_mode = modes.Mode.EVIDENCE

    def last(some: Ints, events: Floats | None) -> list[bool]:
        known = None if events is None else events[:sale]
        return [bool(a) for a in modes.alarms(some[:, :sale], 8, known)[evidence_mode][:, -1]]

    assert not any(last(counts, columns))
    assert all(last(more, columns))
    assert all(last(counts, None))


def test_a_series_without_a_case_is_quiet_and_its_first_cases_are_noticed() -> None:
    """A history of zeros has a forecast like any other."""
    counts = np.zeros((2, 200), dtype=np.int64)
    counts[1, -1] = 12
    told = modes.alarms(counts, 60)

    for mode in modes.Mode:
        assert not told[mode][0].any()
        assert not told[mode][1, :-1].any()
        assert told[mode][1, -1]


def test_a_history_of_a_few_weeks_is_enough_and_none_is_refused() -> None:
    """A new stream is watched from its second month on."""
    counts = np.array([[3, 4, 2, 5, 3, 4, 3, 2, 30]])

    assert modes.alarms(counts, 1)[modes.Mode.EVIDENCE].tolist() == [[True]]
    assert modes.alarms(counts[:, :8], 1)[modes.Mode.EVIDENCE].tolist() == [[False]]
    with pytest.raises(ValueError, match="nothing to learn from"):
        modes.alarms(counts, 9)


@pytest.mark.parametrize("name", ["k1", "m1", "n1"])
def test_labelled_outbreaks_of_real_series_are_found_with_no_more_false_alarms(
    name: str,
) -> None:
    """Each labelled outbreak; where Farrington can judge, alarms beside labels are fewer."""
    path = DATA / "watch" / "real" / f"{name}.csv"
    if not path.exists():
        pytest.skip(f"{path} is absent; set QINGJING_DATA to the folder of the corpora")
    rows = np.genfromtxt(path, delimiter=",", skip_header=1, usecols=(3, 4), dtype=np.int64)
    counts, truth = rows[:, 0][None], rows[:, 1] > 0
    ours = modes.alarms(counts, len(truth) - LEAD - 1)[modes.Mode.EVIDENCE][0]
    both = 100  # weeks before which there are two years
    theirs = counts[0, -both:] > farrington(counts, both, years=2)[0]

    assert (ours & truth[-len(ours) :]).any()
    assert not truth[-both:].any()
    assert modes.alarms(counts, both)[modes.Mode.EVIDENCE].sum() <= theirs.sum()
