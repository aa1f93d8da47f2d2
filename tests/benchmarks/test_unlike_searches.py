import numpy as np
import pytest

from analysis.statistics.repeats import by_mean
from benchmarks.error_rates import told
from benchmarks.unlike_searches import (
    INTERVALS,
    SCORES,
    SEEDS,
    alike_scores,
    drawn,
    lasting,
    lumpy,
    scored,
    steady,
    told_by_quality,
    unlike,
    unlike_times,
    varied,
    worse_scores,
)


def test_searches_follow_their_laws():
    found = drawn([lumpy(0.3, 0.9, 0.0), steady(0.5)], 10, 1000)
    assert found.shape == (1000, 2, 10, SEEDS)
    assert found[:, 1].mean() == pytest.approx(0.5, abs=0.01)
    wholly_bad = (found[:, 0].sum(-1) == 0).mean()
    assert wholly_bad == pytest.approx(0.7, abs=0.02)
    assert found[:, 0].mean() == pytest.approx(0.27, abs=0.02)
    np.testing.assert_array_equal(found, drawn([lumpy(0.3, 0.9, 0.0), steady(0.5)], 10, 1000))


@pytest.mark.parametrize(("repeats", "chance"), [(2, 0.0), (3, 2 / 64)])
def test_searches_wholly_good_or_bad_are_told_apart_as_often_as_coins_fall_so(repeats, chance):
    found = told(by_mean(drawn([lumpy(0.5)] * 2, repeats, 2000))).mean()
    assert found == pytest.approx(chance, abs=4 * np.sqrt(max(chance, 1e-9) / 2000))


def test_a_correlation_is_that_of_two_replicas_of_a_search():
    found = drawn([varied(0.3, 0.2), steady(0.3)], 10, 2000)[:, 0]
    assert found.mean() == pytest.approx(0.3, abs=0.01)
    first, second = found[..., 0].ravel(), found[..., 1].ravel()
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(0.2, abs=0.03)


def test_beside_an_arm_whose_searches_are_alike_only_searches_alone_hold_the_difference():
    cells = drawn([lumpy(0.5), steady(0.5)], 3, 1000)
    covered = {}
    for name, ends in INTERVALS.items():
        low, high = ends(cells)
        covered[name] = float(np.mean((low <= 0) & (high >= 0)))
    assert covered["the method"] < 0.85
    assert covered["by searches alone"] > 0.98
    assert covered["own parts"] > 0.93


def test_of_times_too_only_searches_alone_hold_the_difference_beside_an_arm_whose_searches_are_alike():
    cells = lasting([lumpy(0.5), steady(0.5)], 3, 1000)
    assert cells.mean((0, 2, 3)) == pytest.approx([0.75, 0.75], abs=0.02)
    (low, high), (alone_low, alone_high) = (INTERVALS[name](cells) for name in ("the method", "by searches alone"))
    assert np.mean((low <= 0) & (high >= 0)) < 0.9
    assert np.mean((alone_low <= 0) & (alone_high >= 0)) > 0.98


@pytest.mark.parametrize("table", [unlike, unlike_times])
def test_the_table_of_unlike_arms_has_a_row_for_each_pair(table):
    made = table(20).splitlines()
    assert len(made) == 14
    assert len({line.count("|") for line in made}) == 1


def test_scores_follow_their_laws():
    found = scored("sd 0.2, half of them far worse", 3, 4, 1000, worse=1.0)
    assert found.shape == (1000, 3, 4, SEEDS)
    assert (found > 5).mean() == pytest.approx(0.5, abs=0.02)
    assert ((found > 5).mean(-1) % 1 == 0).all()
    good = np.where(found < 5, found, np.nan)
    assert np.nanmean(good, (0, 2, 3)) == pytest.approx([1, 0, 0], abs=0.03)
    assert np.nanstd(good[:, 1]) == pytest.approx((0.5**2 + 0.2**2) ** 0.5, rel=0.03)
    assert (scored("sd 0.2, three in ten infinite", 2, 5, 1000) == np.inf).mean() == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("name", [name for name in SCORES if "half" in name])
def test_two_searches_that_end_wholly_tell_arms_apart_by_quality_as_coins_fall_and_are_warned_of(name):
    apart, sure = told_by_quality(scored(name, 2, 2, 2000))
    assert apart.mean() > 0.08
    assert not sure.any()


@pytest.mark.slow
@pytest.mark.parametrize("arms", [2, 3, 6, 12])
@pytest.mark.parametrize("name", SCORES)
def test_what_is_told_without_the_warning_keeps_the_level(name, arms):
    for repeats in (2, 3, 4, 5, 10):
        _, sure = told_by_quality(scored(name, arms, repeats, 1000))
        assert sure.any(-1).mean() <= 0.05 + 3 * (0.05 * 0.95 / 1000) ** 0.5, repeats


def test_tight_searches_are_told_apart_without_the_warning():
    apart, sure = told_by_quality(scored("sd 0.2", 6, 3, 300, worse=1.5))
    assert sure[:, :5].mean() == pytest.approx(apart[:, :5].mean(), abs=0.01)
    assert apart[:, :5].mean() > 0.9


@pytest.mark.parametrize(("table", "rows"), [(alike_scores, 28), (worse_scores, 12)])
def test_the_tables_of_scores_have_their_rows(table, rows):
    made = table(4).splitlines()
    assert len(made) == 2 + rows
    assert len({line.count("|") for line in made}) == 1
