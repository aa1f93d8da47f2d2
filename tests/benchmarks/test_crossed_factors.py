import numpy as np
import pytest

from analysis.statistics.factors import of_differences, of_levels
from analysis.statistics.repeats import by_mean
from benchmarks import crossed_factors
from benchmarks.crossed_factors import LAWS, along, converged, scores, told


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
