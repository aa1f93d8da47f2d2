"""Adaptive quadrature against integrals that are known, smooth and not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.polynomial.legendre import leggauss
from scipy.integrate import quad

from trainables.metrics.quadrature import GAUSS, KRONROD, NODES, Array, Integrals, integrate


def integral(function: object, low: float, high: float, panels: int = 4) -> Integrals:
    assert callable(function)
    return integrate(lambda x: np.stack([function(x)]), np.linspace(low, high, panels + 1))


@pytest.mark.golden
def test_the_rule_is_kronrods() -> None:
    """Exact up to degree 22, its Gauss part numpy's own 7-point rule (exact up to 13)."""
    for degree in range(0, 23, 2):
        assert KRONROD @ NODES**degree == pytest.approx(2 / (degree + 1), rel=1e-14)
    assert abs(KRONROD @ NODES**24 - 2 / 25) > 1e-10
    nodes, weights = leggauss(7)
    np.testing.assert_allclose(NODES[1::2], nodes, atol=1e-15)
    np.testing.assert_allclose(GAUSS[1::2], weights, rtol=1e-14)
    assert (np.diff(NODES) > 0).all()


@pytest.mark.golden
@pytest.mark.parametrize(
    ("function", "low", "high", "value"),
    [
        (np.cos, 0.0, 1.0, math.sin(1)),
        (lambda x: np.exp(-x * x / 2), -40.0, 40.0, math.sqrt(2 * math.pi)),
        (lambda x: 1 / (1 + x * x), -1e3, 1e3, 2 * math.atan(1e3)),
        (lambda x: np.abs(x - 0.3), 0.0, 1.0, (0.09 + 0.49) / 2),
        (lambda x: np.where(x > math.pi, 2.0, 1.0), 0.0, 10.0, 20 - math.pi),
        (lambda x: np.sqrt(x), 0.0, 1.0, 2 / 3),
        (lambda x: np.log(x), 0.0, 1.0, -1.0),
        (lambda x: np.sin(200 * x) ** 2, 0.0, math.pi, math.pi / 2),
    ],
)
def test_known_integrals(function: object, low: float, high: float, value: float) -> None:
    found = integral(function, low, high)
    assert found.value[0] == pytest.approx(value, rel=1e-11)
    assert abs(found.value[0] - value) <= found.error[0] + 1e-13 * abs(value)


@pytest.mark.golden
def test_an_integrable_singularity_converges() -> None:
    assert integral(lambda x: 1 / np.sqrt(x), 0.0, 1.0).value[0] == pytest.approx(2, rel=1e-9)


def test_what_does_not_converge_keeps_its_error() -> None:
    found = integral(lambda x: 1 / x, 0.0, 1.0)
    assert found.error[0] > 1e-3 * found.value[0]


def test_an_infinite_integrand_is_an_infinite_integral() -> None:
    assert integral(lambda x: np.where(x > 0.5, np.inf, 0.0), 0.0, 1.0).value[0] == math.inf


def test_several_functions_share_their_places() -> None:
    calls: list[tuple[int, ...]] = []

    def both(x: Array) -> Array:
        calls.append(x.shape)
        assert (np.diff(x) > 0).all()
        return np.stack([np.cos(x), np.abs(x - 0.123)])

    found = integrate(both, [0.0, 0.5, 1.0])
    assert found.value.shape == found.error.shape == (2,)
    assert found.value[0] == pytest.approx(math.sin(1), rel=1e-12)
    assert found.value[1] == pytest.approx(quad(lambda x: abs(x - 0.123), 0, 1, points=[0.123])[0], rel=1e-11)
    assert calls[0] == (2, 15)
    assert all(panels == 2 for panels, _ in calls[1:])  # only the panel with the kink is halved, again and again


def test_a_looser_tolerance_needs_fewer_places() -> None:
    places = []
    for relative in (1e-3, 1e-12):
        count = 0

        def function(x: Array) -> Array:
            nonlocal count
            count += x.size
            return np.exp(-50 * x * x)[None]

        integrate(function, [-10.0, 10.0], relative=relative)
        places.append(count)
    assert places[0] < places[1]
