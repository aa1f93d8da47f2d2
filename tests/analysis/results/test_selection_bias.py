import math

import numpy as np
import pytest

from analysis.results.selection_bias import _change, _median, selection_bias
from analysis.statistics.bootstrap import Resampling
from analysis.statistics.intervals import fewest


def test_winners_meet_their_score_on_fresh_seeds(scored, of_phase):
    rows = scored(
        ("a", "search", 0, [5.0] * 8),
        ("a", "search", 3, [1.0, 1.1, 1.2, 1.3, 1.0, 1.1, 1.2, 1.3]),
        ("a", "confirm", 3, np.linspace(2, 3, 32).tolist()),
        ("b", "search", 1, [1.0, 2.0, 3.0, 4.0]),
        ("b", "confirm", 1, [1.1, 2.1, 3.1, 4.1]),
    )
    a, b = selection_bias(
        of_phase(rows, "search"), of_phase(rows, "confirm"), "fid", resampling=Resampling(np.random.default_rng(0))
    )
    assert (a.arm, a.index, a.search.estimate, a.search.n) == ("a", 3, pytest.approx(1.15), 8)
    assert (a.confirmed.estimate, a.confirmed.n) == (2.5, 32)
    assert a.change.estimate == pytest.approx(1.35)
    assert a.change.low > 0
    assert (a.biased, b.biased) == (True, False)
    assert b.change.low < 0 < b.change.high
    assert a.change.captures == "seeds"


def test_winners_of_repeats_are_compared_with_their_own_search(scored, of_phase):
    rows = scored(
        ("a", "search", (0, 3), [1.0] * 4),
        ("a", "search", (2, 3), [5.0] * 4),
        ("a", "confirm", (0, 3), [2.0] * 4),
        ("a", "confirm", (2, 3), [5.5] * 4),
    )
    found = selection_bias(
        of_phase(rows, "search"), of_phase(rows, "confirm"), "fid", resampling=Resampling(np.random.default_rng(0))
    )
    assert [(one.repeat, one.index, one.search.estimate, one.confirmed.estimate) for one in found] == [
        (0, 3, 1.0, 2.0),
        (2, 3, 5.0, 5.5),
    ]


def test_selection_bias_where_more_is_better_turns_the_sign(scored, of_phase):
    rows = scored(("a", "search", 0, [9.0, 9.1, 9.2, 9.3] * 2), ("a", "confirm", 0, np.linspace(5, 6, 16).tolist()))
    (found,) = selection_bias(
        of_phase(rows, "search"),
        of_phase(rows, "confirm"),
        "fid",
        mode="max",
        resampling=Resampling(np.random.default_rng(0)),
    )
    assert found.change.estimate == pytest.approx(5.5 - 9.15)
    assert found.change.high < 0
    assert found.corrected.estimate == pytest.approx(9.15, abs=0.01)  # of a single configuration: nothing was chosen
    assert found.corrected.low < 9.15 < found.corrected.high
    assert found.biased


def test_selection_bias_of_what_diverged_and_of_what_was_stopped(scored, of_phase):
    rows = scored(
        ("a", "search", 0, [math.nan] * 4),
        ("a", "confirm", 0, [math.nan] * 8),
        ("b", "search", 0, [1.0] * 4),
        ("b", "confirm", 0, [math.nan] * 8),
        ("c", "search", 0, None),
        ("c", "confirm", 0, [1.0, 2.0, 3.0]),
    )
    a, b, c = selection_bias(
        of_phase(rows, "search"), of_phase(rows, "confirm"), "fid", resampling=Resampling(np.random.default_rng(0))
    )
    assert (a.change.estimate, a.biased) == (0, False)
    assert (b.change.estimate, b.biased) == (math.inf, True)
    assert math.isnan(c.search.estimate)
    assert (c.biased, c.confirmed.estimate) == (False, 2)
    assert "no score in the search" in c.search.method


@pytest.mark.parametrize("searched", [2, 3, 4, 8])
@pytest.mark.parametrize("spread", [0.5, 1.5])
def test_the_change_is_covered_and_honest_winners_are_rarely_called_biased(searched, spread):
    """A few seeds of the search and 32 fresh ones of one distribution: no change, whatever it is like."""
    generator = np.random.default_rng(3)
    covered, called = 0, 0
    for _ in range(300):
        scores = np.exp(spread * generator.normal(size=searched + 32))
        *_, change, p = _change(scores[:searched], scores[searched:], *[Resampling(generator, 400)] * 2)
        covered += change.low <= 0 <= change.high
        called += p <= 0.05 and change.estimate > 0
    print(f"change, {searched} and 32 seeds, spread {spread}: {covered / 300:.3f}, biased {called / 300:.3f}")
    assert covered / 300 >= 0.92
    assert called / 300 <= 0.05


@pytest.mark.parametrize("seeds", [2, 3, 4, 6, 8])
def test_a_median_has_an_interval_where_it_is_covered(seeds):
    """Two values enclose their median in half of all samples, and four in 7 of 8."""
    generator = np.random.default_rng(4)
    drawn = [_median(np.exp(generator.normal(size=seeds)), Resampling(generator)) for _ in range(1000)]
    if seeds < fewest():
        assert all(math.isnan(one.low) and math.isnan(one.high) for one in drawn)
        assert drawn[0].method == "no interval: fewer than 6 seeds"
    else:
        assert np.mean([one.low <= 1 <= one.high for one in drawn]) >= 0.92


def test_too_few_seeds_have_no_interval_of_the_change(scored, of_phase):
    """Of 2 and 4 seeds the least p is 2 of 15."""
    rows = scored(("a", "search", 0, [1.0, 1.1]), ("a", "confirm", 0, [2.0, 2.1, 2.2, 2.3]))
    (found,) = selection_bias(
        of_phase(rows, "search"), of_phase(rows, "confirm"), "fid", resampling=Resampling(np.random.default_rng(0))
    )
    assert found.change.estimate == pytest.approx(1.1)
    assert math.isnan(found.change.low)
    assert math.isnan(found.change.high)
    assert not found.biased


def test_better_on_fresh_seeds_is_no_bias_and_many_winners_are_corrected_together(scored, of_phase):
    def found(*arms):
        rows = scored(
            *(row for arm, before, after in arms for row in (
                (arm, "search", 0, [before, before + 0.1]), (arm, "confirm", 0, [*np.linspace(after, after + 0.5, 8)]),
            ))
        )  # fmt: skip
        return selection_bias(
            of_phase(rows, "search"), of_phase(rows, "confirm"), "fid", resampling=Resampling(np.random.default_rng(0))
        )

    (alone,) = found(("b", 1.0, 2.0))
    assert alone.biased
    better, worse = found(("a", 2.0, 1.0), ("b", 1.0, 2.0))
    assert (better.biased, better.change.high < 0) == (False, True)
    assert worse.change.low > 0
    assert not worse.biased  # p is 2 of 45, which is above .05 once corrected for two
