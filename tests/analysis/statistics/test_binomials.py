import math

import numpy as np
import pytest

from analysis.statistics.binomials import log_choose


@pytest.mark.golden
def test_coefficients_are_pythons_own() -> None:
    found = np.exp(log_choose(np.array([5, 5, 40]), np.array([0, 2, 20])))
    np.testing.assert_allclose(found, [math.comb(5, 0), math.comb(5, 2), math.comb(40, 20)])


def test_large_numbers_have_a_logarithm() -> None:
    stirling = 100_000 * math.log(2) - 0.5 * math.log(math.pi * 50_000)
    assert log_choose(100_000, 50_000) == pytest.approx(stirling, abs=1e-3)
