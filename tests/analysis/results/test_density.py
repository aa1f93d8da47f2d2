from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from analysis.record.snapshots import Snapshots
from analysis.results.density import densities


def row(samples, means=((-1.0,), (1.0,)), stds=(0.3, 0.3), weights=None):
    steps = np.arange(1, len(samples) + 1)
    given = [None if one is None else np.asarray(one, float) for one in (means, stds, weights)]
    return Snapshots("a", "t", 0, steps, np.asarray(samples, float), *given)


def test_the_truth_is_the_mixtures_own_density():
    found = densities(row(np.zeros((1, 50, 1)), weights=(0.25, 0.75)))
    expected = 0.25 * norm.pdf(found.x, -1, 0.3) + 0.75 * norm.pdf(found.x, 1, 0.3)
    np.testing.assert_allclose(found.truth, expected)


def test_what_is_beyond_or_not_finite_is_counted_and_missing_from_the_mass():
    samples = np.r_[np.random.default_rng(0).normal(0, 0.3, 80), [np.nan] * 10, [99.0] * 10]
    found = densities(row(samples.reshape(1, -1, 1)))
    assert found.outside == pytest.approx([0.2])
    assert np.trapezoid(found.generated[0], found.x) == pytest.approx(0.8, abs=0.02)


def test_a_collapsed_generator_is_a_finite_peak():
    found = densities(row(np.zeros((1, 100, 1))))
    assert np.isfinite(found.generated).all()
    assert found.x[np.argmax(found.generated[0])] == pytest.approx(0, abs=0.02)


def test_without_a_mixture_the_truth_is_unknown_and_the_samples_set_the_axis():
    found = densities(row(np.linspace(10, 20, 100).reshape(1, -1), means=None, stds=None))
    assert np.isnan(found.truth).all()
    assert found.x[0] < 10 < 20 < found.x[-1]


def test_all_not_finite_is_no_density():
    assert np.isnan(densities(row(np.full((1, 5, 1), np.nan))).generated).all()


def test_more_dimensions_have_none():
    with pytest.raises(ValueError, match=r"expected samples of one dimension, got \(2,\)"):
        densities(row(np.zeros((1, 5, 2))))


def test_a_density_that_the_trial_put_aside_is_taken_as_it_is():
    x, generated = np.linspace(-2, 2, 5), np.array([[0.0, 0.1, 0.8, 0.1, 0.0]])
    found = densities(replace(row(np.zeros((1, 50, 1))), x=x, generated=generated))
    assert found.x is x
    assert found.generated is generated
    np.testing.assert_allclose(found.truth, 0.5 * norm.pdf(x, -1, 0.3) + 0.5 * norm.pdf(x, 1, 0.3))
    assert found.outside == pytest.approx([0])
