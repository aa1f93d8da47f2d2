import math

import numpy as np
import pytest
from scipy.stats import binom, hypergeom

from analysis.results.hops import hops, multinomial_noise


@pytest.mark.golden
@pytest.mark.parametrize(("n", "rest"), [(6, 6), (6, 4), (1, 5), (50, 50)])
def test_noise_against_enumeration_of_all_deals(n, rest):
    for held in range(n + rest + 1):
        share = hypergeom(n + rest, held, n)
        dealt = np.arange(n + 1)
        expected = (share.pmf(dealt) * np.abs(dealt / n - (held - dealt) / rest)).sum()  # both modes the same, halved
        first = min(held, n)
        counts = [first, n - first], [held - first, rest - held + first]
        assert multinomial_noise(*counts) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.golden
@pytest.mark.parametrize(("n", "p"), [(5, 0.5), (30, 0.5), (60, 0.02), (60, 0.99)])
def test_hops_of_two_modes_average_to_nothing_exactly(n, p):
    counts = np.arange(n + 1)
    weights = binom.pmf(counts, n, p)
    pairs = np.stack(np.broadcast_arrays(counts[:, None], counts), -1)
    moved = hops(np.stack([pairs, n - pairs], -1))[..., 1]
    assert (weights[:, None] * weights * moved).sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("modes", "n"), [(8, 2500), (25, 500), (1000, 2500)])
def test_hops_of_a_sampler_that_stays_average_to_nothing(modes, n):
    generator = np.random.default_rng(1)
    weights = generator.dirichlet(np.ones(modes))
    counts = generator.multinomial(n, weights, size=2001)
    moved = hops(counts)[1:]
    assert abs(moved.mean()) < 4 * moved.std() / math.sqrt(1000)  # successive hops share a sample


def test_hops_between_samples_of_unequal_sizes():
    generator = np.random.default_rng(2)
    weights = np.full(8, 1 / 8)
    pairs = np.stack([generator.multinomial(2000, weights, 4000), generator.multinomial(300, weights, 4000)], 1)
    moved = hops(pairs)[:, 1]
    assert abs(moved.mean()) < 4 * moved.std() / math.sqrt(4000)


def test_a_full_move_is_one_and_half_a_move_a_half():
    moved = hops([[2500, 0], [0, 2500], [0, 2500]])
    assert math.isnan(moved[0])
    assert moved[1] == pytest.approx(1 - 1 / math.sqrt(math.pi * 2500), rel=1e-4)
    assert moved[2] == 0
    half = hops([[10**6, 0], [10**6 // 2, 10**6 // 2]])[1]
    assert half == pytest.approx(0.5, abs=1e-3)


def test_an_empty_histogram_has_no_hop():
    assert np.isnan(hops([[5, 5], [0, 0], [5, 5]])).all()
    assert hops(np.zeros((4, 0, 3))).shape == (4, 0)
