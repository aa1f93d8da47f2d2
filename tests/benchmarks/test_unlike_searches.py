import numpy as np
import pytest

from analysis.statistics.repeats import by_mean
from benchmarks.error_rates import told
from benchmarks.unlike_searches import SEEDS, drawn, lumpy, steady


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
