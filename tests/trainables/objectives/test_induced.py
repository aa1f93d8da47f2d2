"""Every row against its closed form, custom pairs in ratio form, and errors in pairs of a user."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from trainables.objectives import finite
from trainables.objectives.expression import parse
from trainables.objectives.induced import DEFAULT_RATIOS, Explanation, explain
from trainables.objectives.known_divergences import KNOWN
from trainables.objectives.table import OBJECTIVES, Game, Objective, resolve

Array = NDArray[np.float64]
RATIOS = np.logspace(-4, 4, 82)  # without 1
ALPHAS = (-3.0, -1.0, -0.5, 0.25, 0.5, 0.75, 1.5, 2.0, 3.0, 5.0)


def pair(f: str, g: str, generator: str = "saturating") -> Game:
    """A pair of a user's own, as a configuration states it."""
    return resolve({"name": "mine", "f": f, "g": g, "generator": generator})


def closest(found: Array, expected: Array) -> float:
    """The largest error, relative to 1 + |expected|; infinities must agree."""
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(found[~finite], expected[~finite])
    return float(np.max(np.abs(found[finite] - expected[finite]) / (1 + np.abs(expected[finite])), initial=0.0))


# d*(r) and phi(r), written independently of the table and in forms that do not cancel.
def entropy(r: Array) -> Array:
    """r log r - (1 + r) log(1 + r)."""
    return -r * np.log1p(1 / r) - np.log1p(r)


TRUTHS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "minimax": (np.log, entropy),
    "non_saturating": (np.log, entropy),
    "least_squares": (lambda r: r / (r + 1), lambda r: -r / (r + 1) / 2),
    "hinge": (lambda r: np.where(r > 1, 1.0, -1.0), lambda r: -2 * np.minimum(r, 1)),
    "absolute_error": (lambda r: np.where(r > 1, np.inf, -np.inf), lambda r: -np.minimum(r, 1) / 2),
    "total_variation": (lambda r: np.where(r > 1, np.inf, -np.inf), lambda r: np.abs(r - 1) / 2),
    "kl": (lambda r: 1 + np.log(r), lambda r: r * np.log(r)),
    "reverse_kl": (np.log, lambda r: np.log(1 / r)),
    "pearson_chi2": (lambda r: 2 * r - 2, lambda r: np.square(1 - r)),
    "neyman_chi2": (lambda r: np.log(r * r), lambda r: np.square(np.sqrt(r) - 1 / np.sqrt(r))),
    "squared_hellinger": (lambda r: np.log(np.sqrt(r)), lambda r: np.square(1 - np.sqrt(r))),
    "jensen_shannon": (np.log, lambda r: entropy(r) + (1 + r) * math.log(2)),
    "jeffrey": (np.log, lambda r: r * np.log(r) + np.log(1 / r)),
    "exponential": (lambda r: np.log(np.sqrt(r)), lambda r: -np.sqrt(4 * r)),
    "alpha_loss": (lambda r: np.log(np.sqrt(r)), lambda r: -np.sqrt(4 * r)),  # of order 1/2
    "energy": (lambda r: np.where(r > 1, 0.0, 1.0), lambda r: -np.minimum(r, 1)),
}


@pytest.mark.golden
@pytest.mark.parametrize("name", TRUTHS)
def test_every_row_is_found_from_its_functions_alone(name: str) -> None:
    """The largest error on r from 1e-4 to 1e4 is 4e-15, of d* and of phi."""
    found = explain(name, RATIOS)
    place, value = TRUTHS[name]
    assert closest(found.optimal_critic, place(RATIOS)) < 1e-14
    assert closest(found.divergence, value(RATIOS)) < 1e-14


@pytest.mark.golden
@pytest.mark.parametrize("name", [name for name, row in OBJECTIVES.items() if row.optimal])
def test_the_table_states_what_is_found(name: str) -> None:
    """The largest error is 1e-12, of minimax's phi as the table writes it, which cancels at r = 1e4."""
    row, r = OBJECTIVES[name], torch.as_tensor(RATIOS)
    assert row.optimal is not None
    assert row.phi is not None
    place, value = (parse(text, ("r",), row.parameters)(r=r).numpy() for text in (row.optimal, row.phi))
    found = explain(name, RATIOS)
    assert closest(found.optimal_critic, place) < 1e-14
    assert closest(found.divergence, value) < 2e-12


def test_all_rows_but_the_unbounded_one_are_tested() -> None:
    assert {*TRUTHS, "alpha", "wasserstein"} == set(OBJECTIVES)


@pytest.mark.golden
@pytest.mark.parametrize("alpha", ALPHAS)
def test_alpha_divergences(alpha: float) -> None:
    found = explain({"name": "alpha", "alpha": alpha}, RATIOS)
    place = (RATIOS ** (alpha - 1) - 1) / (alpha - 1)
    if alpha < 1:  # softplus(-d*) = r^(alpha - 1)/(1 - alpha)
        least = RATIOS ** (alpha - 1) / (1 - alpha)
        place = -least - np.log(-np.expm1(-least))
    value = (RATIOS**alpha - 1 - alpha * (RATIOS - 1)) / (alpha * (alpha - 1))
    assert closest(found.optimal_critic, place) < 1e-11
    assert closest(found.divergence, value) < 1e-13
    # Beyond 36.7 torch's second derivative of softplus is 0 in float64: NaN, as rounding hides the bend.
    hidden = (alpha < 1) & (found.optimal_critic > 36.7)
    assert hidden.sum() == (2 if alpha == -3 else 0)
    assert np.isnan(found.critic_curvature[hidden]).all()
    # Above 1 d* comes as near to g's edge as rounding: (alpha - 1) d* + 1 is r^(alpha - 1).
    edge = (alpha > 1) & (RATIOS ** (alpha - 1) < 1e-13)
    assert edge.any() == (alpha == 5)
    assert np.isnan(found.critic_curvature[edge]).all()
    told, expected = ~hidden & ~edge, RATIOS ** (alpha - 2)
    assert closest(found.critic_curvature[told], expected[told]) < 1e-8
    if alpha > 1:
        np.testing.assert_allclose(found.critic_curvature[told], expected[told], rtol=1e-2)


@pytest.mark.golden
@pytest.mark.parametrize(("a", "b"), [(0.0, 1.0), (-1.0, 1.0), (1.0, 0.0), (2.0, 5.0)])
def test_least_squares_with_any_labels(a: float, b: float) -> None:
    found = explain({"name": "least_squares", "a": a, "b": b}, RATIOS)
    assert closest(found.optimal_critic, (b * RATIOS + a) / (RATIOS + 1)) < 1e-14
    assert closest(found.divergence, -((b - a) ** 2) / 2 * RATIOS / (RATIOS + 1)) < 1e-14
    assert found.matches == "triangular"
    assert found.scale == pytest.approx((b - a) ** 2 / 8, rel=1e-9)
    assert found.shift == pytest.approx(-((b - a) ** 2) / 4, rel=1e-12)


# phi''(r), by hand.
CURVATURES: dict[str, Callable[[Array], Array]] = {
    "minimax": lambda r: 1 / (r * (1 + r)),
    "non_saturating": lambda r: 1 / (r * (1 + r)),
    "least_squares": lambda r: (1 + r) ** -3.0,
    "kl": lambda r: 1 / r,
    "reverse_kl": lambda r: r**-2.0,
    "pearson_chi2": lambda r: 0 * r + 2,
    "neyman_chi2": lambda r: 2 * r**-3.0,
    "squared_hellinger": lambda r: r**-1.5 / 2,
    "jensen_shannon": lambda r: 1 / (r * (1 + r)),
    "jeffrey": lambda r: 1 / r + r**-2.0,
    "exponential": lambda r: r**-1.5 / 2,
    "alpha": lambda r: r**-1.5,
}


@pytest.mark.golden
@pytest.mark.parametrize("name", CURVATURES)
def test_a_saturating_generator_follows_the_divergence_and_a_non_saturating_one_its_curvature_over_r(name: str) -> None:
    expected = CURVATURES[name](RATIOS)
    for rule, followed in (("saturating", expected), ("non_saturating", expected / RATIOS)):
        found = explain(name, RATIOS, rule)
        np.testing.assert_allclose(found.critic_curvature, expected, rtol=1e-9)
        np.testing.assert_allclose(found.generator_curvature, followed, rtol=1e-9)
        np.testing.assert_allclose(found.log_ratio, np.log(RATIOS), atol=1e-9)
        assert found.generator_descends
        assert found.ascends_at == ()
        assert (found.finite, found.unique, found.is_divergence, found.strict) == (True,) * 4


@pytest.mark.parametrize("name", ["hinge", "absolute_error", "total_variation", "energy"])
def test_all_curvature_of_a_total_variation_sits_in_a_kink(name: str) -> None:
    found = explain(name, RATIOS)
    assert not found.critic_curvature.any()
    assert not found.generator_curvature.any()
    assert np.isnan(found.log_ratio).all()
    assert found.strict
    assert found.generator_descends
    assert found.generator_matches == "total_variation"


# name: matches, scale, shift, what the default generator descends, whether its slope fades as the critic wins.
DESCRIBED: dict[str, tuple[str | None, float | None, float | None, str | None, bool]] = {
    "minimax": ("jensen_shannon", 2, -math.log(4), "jensen_shannon", True),
    "non_saturating": ("jensen_shannon", 2, -math.log(4), "kl of the mixture to the data", False),
    "least_squares": ("triangular", 1 / 8, -1 / 4, None, False),
    "hinge": ("total_variation", 2, -2, "total_variation", False),
    "wasserstein": (None, None, None, None, False),
    "absolute_error": ("total_variation", 1 / 2, -1 / 2, "total_variation", True),
    "total_variation": ("total_variation", 1, 0, "total_variation", True),
    "kl": ("kl", 1, 0, "kl", True),
    "reverse_kl": ("reverse_kl", 1, 0, "reverse_kl", False),
    "pearson_chi2": ("pearson_chi2", 1, 0, "pearson_chi2", True),
    "neyman_chi2": ("neyman_chi2", 1, 0, "neyman_chi2", False),
    "squared_hellinger": ("squared_hellinger", 1, 0, "squared_hellinger", True),
    "jensen_shannon": ("jensen_shannon", 2, 0, "jensen_shannon", True),
    "jeffrey": ("jeffrey", 1, 0, "jeffrey", False),
    "exponential": ("squared_hellinger", 1, -2, "squared_hellinger", True),
    "alpha": ("squared_hellinger", 2, 0, "squared_hellinger", True),
    "alpha_loss": ("squared_hellinger", 1, -2, None, True),
    "energy": ("total_variation", 1, -1, "total_variation", False),
}


@pytest.mark.golden
@pytest.mark.parametrize("name", OBJECTIVES)
def test_what_each_row_is_said_to_do(name: str) -> None:
    found = explain(name)
    matches, scale, shift, generator, saturates = DESCRIBED[name]
    assert (found.matches, found.generator_matches, found.saturates) == (matches, generator, saturates)
    assert found.scale == (None if scale is None else pytest.approx(scale, rel=1e-9))
    assert found.shift == (None if shift is None else pytest.approx(shift, abs=1e-12))
    assert found.is_divergence is (name != "wasserstein")
    assert found.sentence.startswith(f"{name}: ")
    assert (matches or "unbounded") in found.sentence


@pytest.mark.golden
def test_what_non_saturating_generators_descend() -> None:
    """The divergence whose descent each non-saturating loss is; Poole et al. 2016."""
    followed = {
        "minimax": "kl of the mixture to the data",
        "kl": "reverse_kl",
        "pearson_chi2": "kl",
        "reverse_kl": "neyman_chi2",
        "jeffrey": "reverse_kl + neyman_chi2/2",
        "jensen_shannon": "kl of the mixture to the data",
    }
    for name, divergence in followed.items():
        assert explain(name, generator_loss="non_saturating").generator_matches == divergence
    for alpha in (0.5, 2.0, 3.0):  # D_alpha -> D_(alpha - 1), whose phi'' is r^(alpha - 3)
        found = explain({"name": "alpha", "alpha": alpha}, RATIOS, "non_saturating")
        np.testing.assert_allclose(found.generator_curvature, RATIOS ** (alpha - 3), rtol=1e-8)


def test_names_do_not_depend_on_the_ratios_asked_for() -> None:
    assert explain("pearson_chi2", [2.0]).matches == "pearson_chi2"
    assert explain("neyman_chi2", [1.0, 3.0], "saturating").generator_matches == "neyman_chi2"


def test_a_divergence_with_a_kink_is_not_taken_for_its_smooth_part() -> None:
    # phi = |r - 1| + (r - 1)^2/4: away from 1 it bends like pearson_chi2/4.
    found = explain(pair("d", "-d - relu(abs(d) - 1)**2"), RATIOS)
    assert closest(found.divergence, np.abs(RATIOS - 1) + (RATIOS - 1) ** 2 / 4) < 1e-12
    assert found.matches is None
    assert found.generator_matches is None


class TestGeneratorsThatClimb:
    def test_least_squares_with_the_middle_as_target_climbs_where_the_data_lead(self) -> None:
        # Mao et al. 2017, labels -1 and 1, target 0: l' = d* changes its sign at r = 1.
        found = explain({"name": "least_squares", "a": -1.0, "b": 1.0, "c": 0.0}, RATIOS)
        expected = -2 * (RATIOS - 1) / (RATIOS + 1) ** 3 / RATIOS
        np.testing.assert_allclose(found.generator_curvature, expected, rtol=1e-8, atol=1e-15)
        assert not found.generator_descends
        assert found.ascends_at == tuple(RATIOS[RATIOS > 1])
        assert "climbs for r from 1.12 to 1e+04" in found.sentence

    def test_over_ratios_where_it_does_not_climb_it_descends(self) -> None:
        objective = {"name": "least_squares", "a": -1.0, "b": 1.0, "c": 0.0}
        assert explain(objective, RATIOS[RATIOS < 1]).generator_descends

    def test_a_wrong_sign_climbs_everywhere(self) -> None:
        found = explain(pair("-softplus(-d)", "-softplus(d)", "d"), RATIOS)
        assert found.ascends_at == tuple(RATIOS)

    def test_a_jump_upwards_is_a_climb(self) -> None:
        ratios = [0.01, 0.5, 2.0, 50.0]
        found = explain(pair("min(0, d - 1)", "min(0, -1 - d)", "d"), ratios)
        assert found.ascends_at == (0.5, 2.0)
        assert not found.generator_descends
        assert not found.generator_curvature.any()

    def test_a_constant_loss_moves_nothing(self) -> None:
        found = explain(pair("-softplus(-d)", "-softplus(d)", "3"), RATIOS)
        assert not found.generator_descends
        assert found.ascends_at == ()
        assert "moves no divergence" in found.sentence


class TestPairsSomebodyWrote:
    ratios = np.array([1e-4, 1e-2, 0.5, 1.0, 2.0, 1e2, 1e4])

    @pytest.mark.golden
    @pytest.mark.parametrize(("f", "g", "edge"), [("log(d)", "log(1 - d)", 0.0), ("log(d - 0.3)", "log(1.3 - d)", 0.3)])
    def test_logarithms_of_a_probability_have_a_bounded_domain(self, f: str, g: str, edge: float) -> None:
        found = explain(pair(f, g), RATIOS)
        assert closest(found.optimal_critic, edge + RATIOS / (1 + RATIOS)) < 1e-14
        assert closest(found.divergence, entropy(RATIOS)) < 1e-12
        assert found.matches == "jensen_shannon"

    @pytest.mark.golden
    def test_a_domain_narrower_than_the_scan(self) -> None:
        found = explain(pair("log(d - 5)", "log(5.01 - d)"), self.ratios)
        share = self.ratios / (1 + self.ratios)
        np.testing.assert_allclose(found.optimal_critic, 5 + 0.01 * share, rtol=1e-12)
        np.testing.assert_allclose(found.divergence, entropy(self.ratios) + (1 + self.ratios) * np.log(0.01), rtol=1e-9)

    @pytest.mark.golden
    def test_roots(self) -> None:
        inside = explain(pair("sqrt(d)", "-d"), RATIOS)
        assert closest(inside.optimal_critic, RATIOS**2 / 4) < 1e-12
        assert closest(inside.divergence, RATIOS**2 / 4) < 1e-12
        assert inside.matches == "pearson_chi2"
        assert inside.scale == pytest.approx(1 / 4, rel=1e-9)

    def test_an_optimum_on_the_edge_of_the_domain(self) -> None:
        found = explain(pair("-sqrt(d)", "-sqrt(d)"), self.ratios)
        assert not found.optimal_critic.any()
        assert not found.divergence.any()
        assert found.finite
        assert not found.is_divergence

    @pytest.mark.golden
    def test_a_link_keeps_d_in_the_domain(self) -> None:
        found = explain(replace(pair("log(d)", "log(1 - d)"), link=torch.sigmoid), RATIOS)
        assert closest(found.optimal_critic, RATIOS / (1 + RATIOS)) < 1e-14
        assert found.finite

    def test_a_kink_between_two_flats_is_not_unique(self) -> None:
        found = explain(pair("-abs(d - 1)", "-abs(d + 1)"), self.ratios)
        np.testing.assert_allclose(found.optimal_critic, np.sign(np.log(self.ratios)), atol=1e-12)
        assert closest(found.divergence, -2 * np.minimum(self.ratios, 1)) < 1e-14
        assert (found.finite, found.unique) == (True, False)
        assert explain(pair("-abs(d - 1)", "-abs(d + 1)"), [0.5, 2.0]).unique

    def test_a_supremum_that_is_only_neared_is_at_infinity(self) -> None:
        found = explain(pair("-exp(-d)", "0"), self.ratios)
        assert np.array_equal(found.optimal_critic, np.full(7, np.inf))
        assert closest(found.divergence, np.zeros(7)) < 1e-15
        assert not found.finite
        assert not found.is_divergence

    def test_a_flat_pair_has_no_optimum(self) -> None:
        found = explain(pair("0*d", "1 - 0*d"), self.ratios)
        assert np.isnan(found.optimal_critic).all()
        assert closest(found.divergence, np.ones(7)) == 0
        assert (found.finite, found.unique, found.is_divergence, found.generator_descends) == (False,) * 4
        assert "phi is linear" in found.sentence

    def test_equal_functions_tell_nothing_apart(self) -> None:
        found = explain(pair("-(d - 0.3)**2", "-(d - 0.3)**2"), self.ratios)
        np.testing.assert_allclose(found.optimal_critic, 0.3)
        assert not found.is_divergence
        assert found.matches is None

    @pytest.mark.parametrize(("f", "g"), [("exp(d)", "-d"), ("d", "-d/2"), ("d**3", "-d"), ("log(1 + relu(d))", "0")])
    def test_unbounded_pairs(self, f: str, g: str) -> None:
        found = explain(pair(f, g), [1.0, 2.0])
        assert np.isposinf(found.divergence).all()
        assert (found.finite, found.is_divergence, found.generator_descends) == (False,) * 3
        assert found.matches is None
        assert found.generator_matches is None
        assert "unbounded" in found.sentence

    @pytest.mark.parametrize(
        ("f", "g", "said"),
        [
            ("3*d", "-3*d", "with a Lipschitz critic it is an integral probability metric"),
            ("-(d-1)**2", "d**3", "unbounded even where p = q"),  # by d = c: c**3 - (c - 1)**2
            ("d", "-d/2", "unbounded even where p = q"),
            ("relu(1-d)", "relu(1+d)", "losses, which are minimised, are given as their negatives"),  # hinge's
            ("d**3", "-d**3", "nor, with a Lipschitz critic, an integral probability metric"),
        ],
    )
    def test_what_a_lipschitz_critic_makes_of_an_unbounded_pair(self, f: str, g: str, said: str) -> None:
        assert said in explain(pair(f, g), [0.5, 2.0]).sentence

    def test_wasserstein_is_bounded_at_equality_alone(self) -> None:
        found = explain("wasserstein", [0.5, 1.0, 2.0])
        np.testing.assert_array_equal(found.divergence, [np.inf, 0, np.inf])
        np.testing.assert_array_equal(found.optimal_critic, [-np.inf, np.nan, np.inf])
        assert found.value_at_equality == 0

    @pytest.mark.parametrize("size", [1e-6, 1e8])
    def test_the_size_of_a_pair_is_read_off(self, size: float) -> None:
        found = explain(pair(f"-{size}*softplus(-d)", f"-{size}*softplus(d)"), RATIOS)
        assert closest(found.optimal_critic, np.log(RATIOS)) < 1e-12
        assert found.scale == pytest.approx(2 * size, rel=1e-9)
        assert found.strict


# phi and phi' of r, written in x.
PIECES = (
    ("x*log(x)", "log(x) + 1"),
    ("-log(x)", "-1/x"),
    ("(x - 1)**2", "2*(x - 1)"),
    ("(sqrt(x) - 1)**2", "1 - 1/sqrt(x)"),
    ("x*log(x) - (1 + x)*log((1 + x)/2)", "log(2*x/(1 + x))"),
)


def decimals(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers short enough for a formula."""
    return st.integers(round(100 * low), round(100 * high)).map(lambda number: number / 100)


weights = decimals(0.1, 3)


@st.composite
def convex(draw: st.DrawFn) -> tuple[str, str]:
    """A random convex phi, strictly so, and its derivative: known generators, softened hinges, and a line."""
    chosen = draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=3, unique=True))
    terms = [(draw(weights), *piece) for piece in chosen]
    for _ in range(draw(st.integers(0, 2))):
        steep, place = draw(decimals(0.2, 5)), draw(decimals(0.2, 5))
        hinge = f"softplus({steep}*(x - {place}))", f"{steep}*sigmoid({steep}*(x - {place}))"
        terms.append((draw(weights), *hinge))
    shift, tilt = draw(decimals(-2, 2)), draw(decimals(-2, 2))
    terms += [(1.0, f"({shift}) + ({tilt})*x", f"({tilt})")]
    phi, slope = (" + ".join(f"{term[0]}*({term[index]})" for term in terms) for index in (1, 2))
    return phi, slope


@pytest.mark.property
@settings(max_examples=25, deadline=None)
@given(convex())
def test_any_convex_function_gives_back_itself_in_ratio_form(drawn: tuple[str, str]) -> None:
    """f(d) = phi'(e^d), g(d) = phi(e^d) - e^d phi'(e^d) has d* = log r: the critic is the log ratio."""
    phi, slope = drawn
    f, value = (text.replace("exp", "EXP").replace("x", "exp(d)").replace("EXP", "exp") for text in (slope, phi))
    r = np.logspace(-3, 3, 25)
    found = explain(pair(f, f"{value} - exp(d)*({f})"), r)
    expected = parse(phi, ("x",))(x=torch.as_tensor(r)).numpy()
    size = np.abs(expected).max()
    np.testing.assert_allclose(found.divergence, expected, rtol=1e-9, atol=1e-12 * size)
    np.testing.assert_allclose(found.optimal_critic, np.log(r), atol=1e-6)
    assert (found.finite, found.is_divergence, found.strict, found.generator_descends) == (True,) * 4
    assert (found.critic_curvature > 0).all()
    np.testing.assert_allclose(found.generator_curvature, found.critic_curvature, rtol=1e-6)


@pytest.mark.parametrize(
    ("loss", "low", "high"),
    [
        ("d**3", math.inf, math.inf),
        ("-d**2", math.inf, -math.inf),
        ("-d", -1, -1),
        ("-tanh(d)", 0, 0),
        ("-softplus(d)", 0, -1),
    ],
)
def test_a_slope_against_an_infinite_critic_is_its_limit(loss: str, low: float, high: float) -> None:
    """l' = 3d², -2d, -1, -1/cosh²(d) and -sigmoid(d) as d goes to minus and to plus infinity."""
    found = explain({"name": "mine", "f": "d", "g": "-d"}, [0.5, 2.0], loss)
    assert found.optimal_critic.tolist() == [-math.inf, math.inf]
    assert found.generator_slope.tolist() == pytest.approx([low, high])


# fmt: off
KEYS = {
    "name", "f", "g", "generator", "ratios", "optimal_critic", "divergence", "generator_curvature", "value_at_equality",
    "is_divergence", "strict", "generator_descends", "matches", "dirac_eigenvalues",
}
# fmt: on


class TestToDict:
    @pytest.mark.parametrize("name", OBJECTIVES)
    def test_every_row_is_plain_json_with_the_promised_keys(self, name: str) -> None:
        found = explain(name, [0.5, 1.0, 2.0])
        plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        assert plain.keys() >= KEYS
        assert plain["name"] == name
        assert plain["generator"] == found.generator
        assert plain["ratios"] == [0.5, 1.0, 2.0]
        assert len(plain["optimal_critic"]) == len(plain["divergence"]) == len(plain["generator_curvature"]) == 3
        assert [len(value) for value in plain["dirac_eigenvalues"]] == [2, 2]

    def test_infinite_and_missing_numbers_are_words(self) -> None:
        plain = explain("wasserstein", [0.5, 1.0, 2.0]).to_dict()
        assert plain["optimal_critic"] == ["-inf", "nan", "inf"]
        assert plain["divergence"] == ["inf", 0.0, "inf"]
        assert plain["matches"] is None
        assert plain["is_divergence"] is False

    def test_functions_in_python_are_shown_by_their_names(self) -> None:
        def real(d: Tensor) -> Tensor:
            return -(1 - d).square()

        def fake(d: Tensor) -> Tensor:
            return -d.square()

        row = Objective("mine", real, fake, "saturating", "", "a test")
        found = explain(replace(resolve({"name": "minimax"}), objective=row, f=real, g=fake, loss=fake), [0.5, 2.0])
        plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        assert (plain["f"], plain["g"]) == ("real", "fake")
        assert plain["optimal_critic"] == pytest.approx([1 / 3, 2 / 3])

    def test_a_pair_without_a_derivative_at_0_has_no_eigenvalues(self) -> None:
        plain = explain(pair("log(d)", "sqrt(d) - d"), [1.0]).to_dict()
        json.dumps(plain, allow_nan=False)
        assert "nan" in str(plain["dirac_eigenvalues"]) or "inf" in str(plain["dirac_eigenvalues"])


@pytest.mark.golden
def test_dirac_eigenvalues_are_those_of_the_flow() -> None:
    """+-i sqrt(g'(0) l'(0)), Mescheder et al. 2018, with g'(0) and l'(0) by hand."""
    products = {"minimax": 1 / 4, "non_saturating": 1 / 4, "wasserstein": 1, "kl": math.exp(-2), "jeffrey": 4}
    for name, product in products.items():
        first, second = explain(name, [1.0]).dirac_eigenvalues
        assert first == -second
        assert first.real == 0
        assert abs(first.imag) == pytest.approx(math.sqrt(product), rel=1e-12)


def test_what_is_given_may_be_a_name_a_mapping_or_a_game() -> None:
    def described(found: Explanation) -> dict[str, Any]:
        return {key: value for key, value in found.to_dict().items() if key not in ("name", "f", "g", "sentence")}

    by_name: Mapping[str, Any] = described(explain("jeffrey"))
    assert by_name == described(explain({"name": "jeffrey"}))
    assert by_name == described(explain(pair("1 + d - exp(-d)", "1 - d - exp(d)")))
    assert explain("kl").ratios is not DEFAULT_RATIOS or len(DEFAULT_RATIOS) == 161


@pytest.mark.parametrize("ratios", [[0.0, 1.0], [-1.0], [math.inf], [math.nan], [[1.0, 2.0]]])
def test_ratios_are_positive_and_finite(ratios: Any) -> None:
    with pytest.raises(ValueError, match="ratios: expected positive finite numbers"):
        explain("kl", ratios)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="objective: unknown name 'hinges'; did you mean 'hinge'"):
        explain("hinges")


def test_curvature_that_rounding_hides_is_not_told_and_is_no_climb() -> None:
    found = explain({"name": "alpha_loss", "alpha_d": 10.0, "alpha_g": 10.0}, RATIOS)
    assert np.isnan(found.critic_curvature).any()
    assert not (found.critic_curvature < 0).any()
    assert found.generator_descends
    assert found.ascends_at == ()


class TestLargeOrders:
    """Of optima as near to the edge of a domain as rounding, or past what slopes can be held at."""

    @pytest.mark.parametrize(("alpha", "least"), [(4.0, 1e-4), (12.0, 0.1), (40.0, 0.5)])
    def test_slopes_at_an_edge_are_of_the_optimum_and_curvature_there_is_not_told(
        self, alpha: float, least: float
    ) -> None:
        r = np.array([1e-4, 1e-3, 1e-2, 0.1, 0.5, 1.0, 2.0])
        found = explain({"name": "alpha", "alpha": alpha}, r)
        np.testing.assert_allclose(found.generator_slope, -r, rtol=1e-3)  # l' = g'(d*) = -r f'(d*)
        told = r >= least
        for curvature in (found.critic_curvature, found.generator_curvature):
            np.testing.assert_allclose(curvature[told], r[told] ** (alpha - 2), rtol=1e-3)
            assert np.isnan(curvature[~told]).all()
        np.testing.assert_allclose(found.log_ratio[told], np.log(r[told]), atol=1e-3)
        assert np.isnan(found.log_ratio[~told]).all()
        assert found.saturates is True

    def test_a_loss_that_is_not_g_has_no_slope_that_could_be_told_there(self) -> None:
        found = explain({"name": "alpha", "alpha": 12.0}, [1e-3, 1.0], "2*g")
        assert np.isnan(found.generator_slope[0])
        assert found.generator_slope[1] == pytest.approx(-2)
        assert found.saturates is None
        plain = explain({"name": "alpha", "alpha": 12.0}, [1e-3, 1.0], "non_saturating")
        assert plain.generator_slope.tolist() == [-1, -1]

    def test_a_critic_past_what_slopes_can_be_held_at_has_no_kink(self) -> None:
        r = np.array([1e-4, 0.5, 1.0, 2.0, 1e4])
        found = explain({"name": "alpha_loss", "alpha_d": 100.0}, r)
        assert np.isinf(found.optimal_critic).tolist() == [True, False, False, False, True]  # 100 log r
        assert np.isnan(found.critic_curvature[[0, 4]]).all()
        assert np.isnan(found.generator_curvature[[0, 4]]).all()
        assert found.log_ratio[[1, 3]] == pytest.approx(np.log([0.5, 2]))

    @pytest.mark.parametrize("name", ["absolute_error", "total_variation"])
    def test_a_critic_at_infinity_bends_nowhere(self, name: str) -> None:
        found = explain(name, [1e-4, 0.9, 1.1, 1e4])
        assert np.isinf(found.optimal_critic).all()
        assert not found.critic_curvature.any()

    def test_a_kink_and_a_plateau_are_no_rounding(self) -> None:
        found = explain("hinge", RATIOS)
        assert not found.critic_curvature.any()
        assert (found.generator_slope == -1).all()


class TestNoMoreIsSaidThanWasFound:
    """Of the rows with any numbers: all of them are divergences, by the closed forms below."""

    logs = np.concatenate([np.linspace(-9, 9, 25), [-1e-2, -1e-4, 0.0, 1e-4, 1e-2]])

    @staticmethod
    def phi(objective: Mapping[str, Any], logs: Array) -> Array:
        """phi at r = e^log, in forms that neither cancel nor overflow where it does not."""
        r = np.exp(logs)
        match objective["name"]:
            case "alpha":
                order = objective["alpha"]
                return np.asarray((np.expm1(order * logs) - order * np.expm1(logs)) / (order * (order - 1)))
            case "alpha_loss":
                order = objective["alpha_d"]
                if abs(order - 1) < 1e-7:  # nearer to its limit than the difference below is exact
                    return entropy(r)
                excess = np.logaddexp(0, order * logs) / order - np.logaddexp(0, logs)
                return np.asarray(order / (order - 1) * (1 + r) * np.expm1(excess))
            case "least_squares":
                return np.asarray(-((objective["b"] - objective["a"]) ** 2) / 2 * r / (1 + r))
            case "energy":
                return np.asarray(-objective["m"] * np.minimum(r, 1))
        raise KeyError(objective["name"])

    @staticmethod
    @st.composite
    def numbered(draw: st.DrawFn) -> dict[str, Any]:
        """A row that has numbers, with any of those that it may have."""
        log = lambda low, high: math.exp(draw(st.floats(math.log(low), math.log(high))))  # noqa: E731
        name = draw(st.sampled_from([name for name, row in OBJECTIVES.items() if row.parameters]))
        drawn: dict[str, dict[str, Any]] = {
            "alpha": {"alpha": draw(st.sampled_from([-1.0, 1.0])) * log(1e-3, 1e3)},
            "alpha_loss": {"alpha_d": log(0.02, 1e4), "alpha_g": log(0.02, 1e4)},
            "least_squares": {"a": draw(st.integers(-9, 9)) * log(1e-9, 1e9), "b": log(1e-9, 1e9), "c": log(1e-9, 1e9)},
            "energy": {"m": log(1e-20, 1e20)},
        }
        return {"name": name, **drawn[name]}

    @pytest.mark.property
    @settings(max_examples=120, deadline=None)
    @given(numbered())
    @example({"name": "least_squares", "a": 0.0, "b": 4.5e-5, "c": 1.8e8})  # whose loss moves by less than its rounding
    def test_of_any_row_with_any_numbers(self, objective: dict[str, Any]) -> None:
        try:
            game = resolve(objective)
            finite.require(game)
        except ValueError:
            event("refused")
            return
        found = explain(game, np.exp(self.logs))
        with np.errstate(over="ignore"):
            expected = self.phi(objective, self.logs)
        told = np.isfinite(found.divergence)
        size = np.abs(expected[told]) + (
            found.divergence[told].size and np.abs(expected[np.abs(self.logs) < 0.1]).max()
        )
        assert (np.abs(found.divergence[told] - expected[told]) <= 1e-6 * size).all()
        assert not np.isinf(found.divergence).any()  # each is finite for every r
        event("all found" if told.all() else "not found for some r")
        assert ("not found for r" in found.sentence) == bool(found.limits)
        assert found.limits or told.all()
        if (beside := told[np.abs(self.logs) < 0.1]).all():
            assert found.is_divergence
            assert "the critic estimates" in found.sentence
        assert beside.all() or "is not known" in found.sentence
        for false in ("unbounded", "no f-divergence", "phi is linear", "moves no divergence"):
            assert false not in found.sentence
        if found.matches is not None:
            r = np.exp(self.logs)
            known = parse(KNOWN[found.matches], ("r",))(r=torch.as_tensor(r)).numpy()
            terms = np.stack([known, np.ones_like(r), r], 1) / (1 + r)[:, None]
            rest = terms @ np.linalg.lstsq(terms, expected / (1 + r))[0] - expected / (1 + r)
            assert np.abs(rest).max() <= 1e-5 * np.ptp(expected / (1 + r))

    def test_a_best_critic_beyond_what_is_sought_is_not_taken_for_an_unbounded_objective(self) -> None:
        found = explain({"name": "alpha", "alpha": 12})
        still = "as the critic still gains at |d| = 1e+30"
        assert found.sentence == (
            f"alpha: the critic estimates a divergence, not found for r >= 708, {still}; the saturating generator"
            " descends the same; its gradient fades as the critic wins."
        )
        assert (found.is_divergence, found.generator_descends, found.finite) == (True, True, False)
        assert np.isnan(found.divergence[-1])
        assert np.isnan(found.generator_slope[-1])
        winning = explain({"name": "alpha", "alpha": -12})
        assert f"not found for r <= 0.00398, {still}" in winning.sentence
        assert winning.saturates is None
        assert "gradient" not in winning.sentence

    def test_nor_is_anything_claimed_where_none_is_found_next_to_1(self) -> None:
        found = explain({"name": "alpha", "alpha": 1e4})
        assert found.sentence == (
            "alpha: no best critic was found near p = q with |d| up to 1e+30, so that what it estimates is not known."
        )
        assert not found.is_divergence
        assert found.matches is None

    def test_a_divergence_may_be_infinite_for_some_ratios(self) -> None:
        """r d - max(d, 0) - max(d - 1, 0) is highest at 0 up to r = 1, at 1 up to r = 2, and has no bound beyond."""
        found = explain(pair("d", "-relu(d) - relu(d - 1)"), [0.5, 1.5, 1.9, 2.5, 10.0])
        np.testing.assert_allclose(found.divergence, [0, 0.5, 0.9, math.inf, math.inf], atol=1e-12)
        assert found.is_divergence
        assert "estimates a divergence, infinite for r >= " in found.sentence
        assert "not found" not in found.sentence

    @pytest.mark.parametrize("order", [100.0, 1000.0, 1e5])
    def test_a_bend_at_1_that_is_sharp_is_not_taken_for_a_kink(self, order: float) -> None:
        found = explain({"name": "alpha_loss", "alpha_d": order, "alpha_g": order})
        assert found.matches is None
        assert found.generator_matches is None

    @pytest.mark.parametrize("size", [1e-20, 1e-6, 1e12])
    def test_small_pairs_are_divergences_too(self, size: float) -> None:
        found = explain({"name": "energy", "m": size})
        assert (found.is_divergence, found.generator_descends, found.matches) == (True, True, "total_variation")
        assert explain({"name": "least_squares", "b": size}).is_divergence

    def test_numbers_that_are_added_hide_no_bend(self) -> None:
        found = explain(pair("1e6 - softplus(-d)", "-1e6 - softplus(d)"))
        assert found.is_divergence
        assert not explain(pair("1e6 + 0.5*d", "1e6 - 0.5*abs(d) - 0.5*d"), [0.5, 1.0]).sentence.startswith("unbounded")
