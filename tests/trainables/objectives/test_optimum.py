"""The critic's optimum: plateaus, peaks, edges, rounding error, and convexity whatever the pair."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.objectives.optimum import derivatives, optimum
from trainables.objectives.table import Game, resolve

RATIOS = np.array([1e-4, 1e-2, 0.5, 1.0, 2.0, 1e2, 1e4])
SHARES = RATIOS / (1 + RATIOS)


def pair(f: str, g: str) -> Game:
    return resolve({"name": "mine", "f": f, "g": g})


def test_two_peaks_of_one_height_are_not_unique() -> None:
    found = optimum(pair("-(d**2 - 4)**2", "-(d**2 - 4)**2"), RATIOS)
    np.testing.assert_allclose(found.place, -2, rtol=1e-12)
    np.testing.assert_allclose(found.value, 0, atol=1e-20)
    assert found.finite.all()
    assert not found.unique.any()


@pytest.mark.golden
def test_the_higher_of_two_peaks_is_the_optimum() -> None:
    found = optimum(pair("d - (d**2 - 4)**2", "-(d**2 - 4)**2"), RATIOS)
    np.testing.assert_allclose(4 * found.place * (found.place**2 - 4), SHARES, rtol=1e-9)
    assert (found.place > 0).all()
    assert found.unique.all()


@pytest.mark.golden
def test_a_plateau_that_reaches_to_infinity_has_a_finite_end() -> None:
    found = optimum(pair("min(0, d - 1)", "0"), [0.5, 2.0])
    np.testing.assert_allclose(found.place, 1, rtol=1e-12)
    assert found.finite.all()
    assert not found.unique.any()
    np.testing.assert_allclose(optimum(pair("0", "min(0, -3 - d)"), [0.5, 2.0]).place, -3, rtol=1e-12)


@pytest.mark.golden
def test_a_plateau_between_two_kinks_is_met_in_its_middle() -> None:
    found = optimum(pair("min(0, d + 7)", "min(0, -d - 2)"), [1.0])
    assert found.place[0] == pytest.approx(-4.5, rel=1e-9)
    assert not found.unique[0]


@pytest.mark.golden
def test_steep_and_far_optima() -> None:
    steep = optimum(pair("-softplus(-10000*d)", "-softplus(10000*d)"), RATIOS)
    np.testing.assert_allclose(steep.place, np.log(RATIOS) / 1e4, rtol=1e-9, atol=1e-18)
    far = optimum(pair("-(d/1e15 - 1)**2", "-(d/1e15 + 1)**2"), RATIOS)
    np.testing.assert_allclose(far.place, 1e15 * (RATIOS - 1) / (RATIOS + 1), rtol=1e-9, atol=1)


def test_infinity_is_told_from_a_large_number() -> None:
    found = optimum(pair("tanh(d)", "-tanh(d)"), [0.5, 1.0, 2.0])
    np.testing.assert_array_equal(found.place, [-math.inf, math.nan, math.inf])
    np.testing.assert_allclose(found.value, [0.5, 0, 1], atol=1e-12)
    np.testing.assert_array_equal(found.finite, [False, False, False])
    np.testing.assert_array_equal(found.unique, [True, False, True])


def test_an_unbounded_pair_has_an_infinite_value() -> None:
    found = optimum(pair("d", "-d"), [0.5, 1.0, 2.0])
    np.testing.assert_array_equal(found.value, [math.inf, 0, math.inf])


@pytest.mark.parametrize(
    "f", ["d", "d**3", "exp(d)", "log(1 + d**2)", "sqrt(1 + abs(d))", "d*log(1 + d**2)", "3*d + log(1 + abs(d))"]
)
def test_what_grows_without_end_is_unbounded(f: str) -> None:
    assert np.isposinf(optimum(pair(f, "0"), RATIOS).value).all()
    assert np.isposinf(optimum(pair("0", f), RATIOS).value).all()


@pytest.mark.parametrize("power", [1.5, 1.1, 1.05, 1.02])
def test_what_may_have_its_optimum_farther_out_than_is_sought_is_not_called_unbounded(power: float) -> None:
    """r d - |d|^p / p has its optimum at r^(1/(p - 1))."""
    r = np.logspace(-4, 4, 17)
    found, place = optimum(pair("d", f"-abs(d)**{power}/{power}"), r), r ** (1 / (power - 1))
    within = place < 1e29
    np.testing.assert_allclose(found.place[within], place[within], rtol=1e-9, atol=1e-35)
    np.testing.assert_allclose(found.value[within], ((1 - 1 / power) * r * place)[within], rtol=1e-9, atol=1e-35)
    assert np.isnan(found.value[place > 1e31]).all()
    assert np.isnan(found.place[place > 1e31]).all()
    assert not found.finite[place > 1e31].any()
    assert (place > 1e31).any() == (power < 1.5)


@pytest.mark.golden
def test_rounding_error_is_no_optimum() -> None:
    # g = 1 - e^(d/2), written so that it is the rounding of e^d, up to 1e290, from d = 72 on.
    found = optimum(pair("1 - exp(-d/2)", "(exp(d/2) - 1)**2 - exp(d)*(1 - exp(-d/2))"), RATIOS)
    np.testing.assert_allclose(found.place, np.log(RATIOS), atol=1e-6)
    np.testing.assert_allclose(found.value, (np.sqrt(RATIOS) - 1) ** 2, rtol=1e-9, atol=1e-12)


def test_a_ratio_is_judged_on_its_own() -> None:
    game = resolve({"name": "jeffrey"})
    together = optimum(game, RATIOS)
    for index, r in enumerate(RATIOS):
        alone = optimum(game, [r])
        assert alone.place[0] == pytest.approx(together.place[index], rel=1e-12, abs=1e-14)
        assert alone.value[0] == pytest.approx(together.value[index], rel=1e-12, abs=1e-14)


def test_split_gives_back_the_pieces() -> None:
    whole = optimum(resolve({"name": "kl"}), RATIOS)
    first, second, third = whole.split([2, 4, 1])
    assert [len(part.place) for part in (first, second, third)] == [2, 4, 1]
    np.testing.assert_array_equal(np.concatenate([first.value, second.value, third.value]), whole.value)
    np.testing.assert_array_equal(second.unique, whole.unique[2:6])


def decimals(low: float, high: float) -> st.SearchStrategy[float]:
    return st.integers(round(100 * low), round(100 * high)).map(lambda number: number / 100)


@pytest.mark.property
@settings(max_examples=25, deadline=None)
@given(
    decimals(0.1, 3), decimals(-2, 2), decimals(0.1, 3), decimals(-2, 2),
    st.lists(decimals(-7, 7), min_size=3, max_size=3, unique=True),
)  # fmt: skip
def test_phi_is_convex_whatever_the_pair(a: float, b: float, c: float, k: float, logs: list[float]) -> None:
    """A supremum of lines is convex, also of functions that are not concave."""
    game = pair(f"sin({k}*d)*{a} - softplus(-d)", f"cos(d)*{c} - softplus(d + {b})")
    low, middle, high = np.exp(sorted(logs))
    below, between, above = optimum(game, [low, middle, high]).value
    chord = below + (above - below) * (middle - low) / (high - low)
    assert between <= chord + 1e-6 * (1 + abs(chord))  # the best of many peaks is found to the scan's resolution


@pytest.mark.golden
def test_derivatives() -> None:
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)
    first, second, third = derivatives(lambda d: d**3 + d.exp(), x, 3)
    torch.testing.assert_close(first, 3 * x**2 + x.exp())
    torch.testing.assert_close(second, 6 * x + x.exp())
    torch.testing.assert_close(third, 6 + x.exp())
    assert not derivatives(lambda d: torch.ones_like(d), x)[0].any()
    assert not derivatives(lambda d: 2 * d, x, 2)[1].any()


@pytest.mark.golden
@pytest.mark.parametrize("order", [1.5, 4.0, 10.0, 40.0])
def test_an_optimum_on_heights_that_rounding_makes_flat_is_found_by_the_slope(order: float) -> None:
    game = resolve({"name": "alpha_loss", "alpha_d": order, "alpha_g": order})
    found = optimum(game, RATIOS)
    np.testing.assert_allclose(found.place, order * np.log(RATIOS), rtol=1e-6, atol=1e-9)  # Sypherd et al. 2022
    assert found.finite.all()
    assert found.unique.all()
    infinite = optimum(pair("-exp(-d)", "0"), RATIOS)  # rises for ever, whatever its heights
    assert np.isposinf(infinite.place).all()
    assert not infinite.finite.any()
