"""Two densities under quadrature: what is integrated, and what their zeros and tails are taken for."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import norm, uniform

from trainables.data.mixture import Mixture
from trainables.metrics.divergences import DIVERGENCES
from trainables.metrics.overlap import REACH, Overlap, landmarks, log_density, logarithm
from trainables.metrics.quadrature import integrate

TWO = Mixture(torch.tensor([0.3, 0.7]), torch.tensor([[-1.0], [2.0]]), torch.tensor([0.25, 4.0]))


@pytest.mark.golden
def test_the_five_integrands() -> None:
    overlap = Overlap(DIVERGENCES["total_variation"], uniform(0, 2).logpdf, uniform(1, 2).logpdf)
    x = np.array([[0.25, 0.5, 1.25, 1.5, 2.25, 2.5, 7.0]])
    height, p, q, only_p, only_q = overlap(x)
    np.testing.assert_array_equal(p[0], [0.5, 0.5, 0.5, 0.5, 0, 0, 0])
    np.testing.assert_array_equal(q[0], [0, 0, 0.5, 0.5, 0.5, 0.5, 0])
    np.testing.assert_array_equal(height, np.abs(p - q) / 2)
    np.testing.assert_array_equal(only_p[0], [0.5, 0.5, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(only_q[0], [0, 0, 0, 0, 0.5, 0.5, 0])


def test_a_zero_at_a_single_place_is_overlooked() -> None:
    overlap = Overlap(DIVERGENCES["kl"], uniform(0, 1).logpdf, lambda x: np.where(x == 0.5, -np.inf, 0.0))
    overlap(np.array([[0.4, 0.5, 0.6]]))
    assert overlap.alone == ([], [])
    overlap(np.array([[0.4, 0.5, 0.5]]))
    assert overlap.alone[0]


def test_an_edge_is_told_from_underflow() -> None:
    # Of N(0, 5^2)'s mass 1e-14 lies beyond 38.6, where N(0, 1) underflows, and as much as nothing outside +-45.
    edges = np.linspace(-60, 60, 257)
    for q, expected in ((norm.pdf, 25 / 2 - 1 / 2 - math.log(5)), (uniform(-45, 90).pdf, math.inf)):
        overlap = Overlap(DIVERGENCES["kl"], norm(0, 5).logpdf, logarithm("q", q, log=False))
        found = integrate(overlap, edges)
        assert overlap.judge(found, -60, 60, exact=False) == pytest.approx(expected, rel=1e-9)


@pytest.mark.golden
def test_landmarks_and_log_densities_of_a_mixture() -> None:
    places = landmarks(TWO)
    for mean, std in ((-1.0, 0.5), (2.0, 2.0)):
        for steps in (0, 1, -8, REACH, -REACH):
            assert np.isclose(places, mean + steps * std).any()
    x = np.array([[-1.0, 0.0], [3.0, 40.0]])
    expected = np.log(0.3 * norm(-1, 0.5).pdf(x) + 0.7 * norm(2, 2).pdf(x))
    np.testing.assert_allclose(log_density(TWO)(x), expected, rtol=1e-6)


def test_plain_densities_become_logarithms_without_warnings() -> None:
    logs = logarithm("p", uniform(0, 1).pdf, log=False)(np.array([0.5, 2.0]))
    np.testing.assert_array_equal(logs, [0.0, -np.inf])
    with pytest.raises(ValueError, match=r"p: expected a density, got -1\.0 at 2"):
        logarithm("p", lambda x: 1 - x, log=False)(np.array([0.5, 2.0]))
