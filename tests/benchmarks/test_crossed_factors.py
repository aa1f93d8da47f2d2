import numpy as np
import pytest

from analysis.statistics.factors import of_differences, of_levels
from analysis.statistics.repeats import by_mean
from benchmarks import crossed_factors
from benchmarks.crossed_factors import ENDS, LAWS, along, at, converged, once, scores, told


def test_arms_have_the_means_that_were_asked_for_whatever_their_searches_follow():
    means = along((2, 2), 0.3, 0.7)
    assert means.tolist() == [0.3, 0.7, 0.3, 0.7]
    for law in LAWS.values():
        found = converged(means, law, 5, 4, 4000)
        assert found.mean((0, 2, 3)) == pytest.approx(means, abs=0.03)
    alone = converged(means, LAWS["wholly"], 8, 1, 4000)
    assert alone.shape == (4000, 4, 8, 1)
    assert alone.mean((2, 3)).var(0) == pytest.approx(means * (1 - means) / 8, rel=0.15)  # one search: its replicas
    costs = scores(np.array([0.0, -1.0]), 0.0, 3, 4, 4000)
    assert costs.mean((0, 2, 3)) == pytest.approx([0, -1], abs=0.02)


def test_what_is_told_is_asked_of_some_factors_or_of_any():
    effects = by_mean(converged(along((2, 2), 0.1, 0.9), LAWS["differing little"], 10, 16, 20))
    alone = of_levels(effects, (2, 2))
    assert told(alone, 1) == told(alone) == 1
    assert told(alone, 0) < 0.5
    assert told(of_differences(effects, (2, 2))) < 0.5


@pytest.mark.parametrize("table", [crossed_factors.errors, crossed_factors.found])
def test_every_table_is_made(table, monkeypatch):
    monkeypatch.setattr(crossed_factors, "CROSSINGS", ((2, 2), (2, 2, 2)))
    monkeypatch.setattr(crossed_factors, "SIZES", ((3, 4), (8, 1)))
    made = table(8).splitlines()
    assert len(made) == 6
    assert len({line.count("|") for line in made}) == 1
    assert "| 2 × 2 × 2 | 1 × 8 |" in made[-1]


@pytest.mark.golden
@pytest.mark.parametrize("of", [of_levels, of_differences])
@pytest.mark.parametrize("replicas", [8, 16, 32])
@pytest.mark.parametrize("arms", ENDS)
def test_intervals_of_arms_searched_once_hold_what_is_true_near_0_and_1(arms, replicas, of):
    """Exact, over all counts that there can be."""
    alone, now = once(ENDS[arms], replicas, of)
    assert now.min() >= 0.95
    assert (now >= alone).all()
    if (arms, of) == ("p, p, 0, 0", of_levels):
        assert alone.min() < 0.86


def test_how_often_intervals_hold_is_what_simulations_find():
    means = at(ENDS["p, 0, 0, p"], 0.1)
    assert means.tolist() == [0.1, 0, 0, 0.1]
    drawn = converged(means, LAWS["much"], 16, 1, 4000)  # of one search, by its mean
    low, high = of_differences(by_mean(drawn), (2, 2)).ends()
    held = once(ENDS["p, 0, 0, p"], 16, of_differences)[1][np.isclose(crossed_factors.GRID, 0.1)].item()
    found = ((low <= 0.2) & (high >= 0.2)).mean()
    assert found == pytest.approx(held, abs=4 * (held * (1 - held) / 4000) ** 0.5)


def test_the_table_near_0_and_1_is_made():
    made = crossed_factors.near_ends(4).splitlines()
    assert len(made) == 2 + len(ENDS)
    assert made[2].startswith("| p, p, 0, 0 | 98.8% (83.0%) |")
