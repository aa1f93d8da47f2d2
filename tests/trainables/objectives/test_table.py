"""Every row of the table against brute force, quadrature and the pointwise laws of a separable objective."""

from __future__ import annotations

import math
import sys
import types
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm
from torch import Tensor

from trainables import own_code
from trainables.objectives.expression import parse
from trainables.objectives.table import GENERATOR_LOSSES, OBJECTIVES, Game, Objective, check, resolve

ALPHAS = (-1.0, -0.5, 0.25, 0.5, 0.75, 1.5, 2.0, 3.0)
CASES: list[dict[str, object]] = [
    *[dict[str, object](name=name) for name in OBJECTIVES],
    *[dict[str, object](name="alpha", alpha=alpha) for alpha in ALPHAS],
    *[dict[str, object](name="alpha_loss", alpha_d=order) for order in (0.3, 0.7, 1.0, 2.0)],
    {"name": "energy", "m": 3.5},
    {"name": "least_squares", "a": -1.0, "b": 1.0, "c": 0.0},
    {"name": "least_squares", "a": 1.0, "b": 0.0, "c": 0.0},
]
POINTWISE = [case for case in CASES if OBJECTIVES[str(case["name"])].optimal is not None]
KINKED = ("hinge", "energy")  # d* sits on a kink, where r = -g'/f' does not hold
SATURATED = ("absolute_error", "total_variation")  # d* is infinite
SMOOTH = [case for case in POINTWISE if case["name"] not in (*KINKED, *SATURATED)]


def named(case: Mapping[str, object]) -> str:
    return "-".join(str(value) for value in case.values())


def double(values: object) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float64)


def formula(game: Game, text: str | None) -> Callable[[Tensor], Tensor]:
    """A row's formula of r."""
    assert text is not None
    expression = parse(text, ("r",), game.parameters)
    return lambda r: expression(r=r)


def slope(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(function(x).sum(), x)
    return gradient


def ratios() -> Tensor:
    """81 ratios in [1e-4, 1e4] without 1."""
    return double(np.logspace(-4, 4, 82))


def argmax(objective: Callable[[Tensor], Tensor], rows: int) -> Tensor:
    """Where each row of a unimodal function of (rows, n) peaks on [-19, 19]: a grid, then a golden section."""
    grid = torch.linspace(-19, 19, 4001, dtype=torch.float64).expand(rows, -1)
    best = objective(grid).argmax(1).clamp(1, 3999)[:, None]
    low, high = grid.gather(1, best - 1), grid.gather(1, best + 1)
    golden = (math.sqrt(5) - 1) / 2
    for _ in range(45):
        left, right = high - golden * (high - low), low + golden * (high - low)
        keep_left = objective(left) >= objective(right)
        low, high = low.where(keep_left, left), right.where(keep_left, high)
    return (low + high) / 2


def test_the_table_is_complete() -> None:
    documented = """minimax non_saturating least_squares hinge wasserstein absolute_error total_variation kl reverse_kl
    pearson_chi2 neyman_chi2 squared_hellinger jensen_shannon jeffrey exponential alpha alpha_loss energy"""
    assert list(OBJECTIVES) == documented.split()
    assert all(row.name == name and row.source and row.induces for name, row in OBJECTIVES.items())


@pytest.mark.golden
@pytest.mark.parametrize("case", POINTWISE, ids=named)
def test_optimal_and_phi_are_the_maximum_found_by_search(case: dict[str, object]) -> None:
    game, r = resolve(case), ratios()
    # The search runs over the critic's raw output, so it also shows that the link lets the critic reach d*.
    column = r[:, None]

    def objective(s: Tensor) -> Tensor:
        d = game.link(s.sinh())
        value = column * game.f(d) + game.g(d)
        return value.nan_to_num(nan=-math.inf)  # neyman's -inf + inf, where f dominates

    found = argmax(objective, len(r))
    d, peak = game.link(found.sinh())[:, 0], objective(found)[:, 0]
    optimal, phi = formula(game, game.objective.optimal)(r), formula(game, game.objective.phi)(r)
    torch.testing.assert_close(peak, phi, rtol=1e-7, atol=1e-9)
    if case["name"] in SATURATED:
        assert torch.equal(optimal, (r - 1).sign() * math.inf)
        assert torch.equal(d.sign(), optimal.sign())
        assert (d.abs() > 15).all()  # where tanh is 1 in float64
    else:
        torch.testing.assert_close(d, optimal, rtol=2e-4, atol=2e-4)


@pytest.mark.golden
@pytest.mark.parametrize("case", POINTWISE, ids=named)
def test_f_and_g_at_the_optimum_give_phi(case: dict[str, object]) -> None:
    game, r = resolve(case), ratios()
    d = formula(game, game.objective.optimal)(r)
    phi = formula(game, game.objective.phi)(r)
    torch.testing.assert_close(r * game.f(d) + game.g(d), phi, rtol=1e-9, atol=1e-10)


P, Q = norm(0.3, 1.0), norm(-0.4, 0.8)  # q's tails are lighter: the chi^2 of p under q still exists, alpha = 3 does not


def divergences(case: Mapping[str, object]) -> float:
    """sup F from the divergence that the table states, by quadrature of its textbook integrand."""

    def integral(integrand: Callable[[float, float], float]) -> float:
        edges = [-12.0, *crossings(), 12.0]
        pieces = [quad(lambda x: integrand(P.pdf(x), Q.pdf(x)), *ends, limit=200)[0] for ends in pairwise(edges)]
        return float(sum(pieces))

    parameters = {"alpha": 0.5, "m": 1.0, "a": 0.0, "b": 1.0, "alpha_d": 0.5, **case}
    order = float(str(parameters["alpha_d"]))
    alpha, m, a, b = (float(str(parameters[name])) for name in ("alpha", "m", "a", "b"))

    def total_variation() -> float:
        return integral(lambda p, q: abs(p - q) / 2)

    def shannon() -> float:
        return integral(lambda p, q: (p * math.log(2 * p / (p + q)) + q * math.log(2 * q / (p + q))) / 2)

    def hellinger() -> float:
        return integral(lambda p, q: (math.sqrt(p) - math.sqrt(q)) ** 2)

    def power(p: float, q: float) -> float:
        return float(p**alpha * q ** (1 - alpha) - alpha * p - (1 - alpha) * q) / alpha / (alpha - 1)

    def arimoto(p: float, q: float) -> float:
        return order / (order - 1) * (float(p**order + q**order) ** (1 / order) - p - q)

    values: dict[str, Callable[[], float]] = {
        "alpha_loss": lambda: 2 * shannon() - math.log(4) if order == 1 else integral(arimoto),
        "minimax": lambda: 2 * shannon() - math.log(4),
        "non_saturating": lambda: 2 * shannon() - math.log(4),
        "least_squares": lambda: -((b - a) ** 2) * (2 - integral(lambda p, q: (p - q) ** 2 / (p + q))) / 8,
        "hinge": lambda: 2 * total_variation() - 2,
        "absolute_error": lambda: total_variation() / 2 - 0.5,
        "total_variation": total_variation,
        "kl": lambda: integral(lambda p, q: p * math.log(p / q)),
        "reverse_kl": lambda: integral(lambda p, q: q * math.log(q / p)),
        "pearson_chi2": lambda: integral(lambda p, q: (p - q) ** 2 / q),
        "neyman_chi2": lambda: integral(lambda p, q: (p - q) ** 2 / p),
        "squared_hellinger": hellinger,
        "jensen_shannon": lambda: 2 * shannon(),
        "jeffrey": lambda: integral(lambda p, q: (p - q) * math.log(p / q)),
        "exponential": lambda: hellinger() - 2,
        "alpha": lambda: integral(power),
        "energy": lambda: m * (total_variation() - 1),
    }
    return values[str(case["name"])]()


def crossings() -> list[float]:
    """Where the two densities are equal: roots of a quadratic."""
    (m1, s1), (m2, s2) = (P.mean(), P.std()), (Q.mean(), Q.std())
    a, b = 1 / s2**2 - 1 / s1**2, 2 * (m1 / s1**2 - m2 / s2**2)
    c = m2**2 / s2**2 - m1**2 / s1**2 - 2 * math.log(s1 / s2)
    return sorted(float(root) for root in np.roots([a, b, c]))


@pytest.mark.golden
@pytest.mark.parametrize("case", [case for case in POINTWISE if case.get("alpha") != 3.0], ids=named)
def test_the_supremum_is_the_stated_divergence(case: dict[str, object]) -> None:
    game = resolve(case)
    optimal, phi = formula(game, game.objective.optimal), formula(game, game.objective.phi)
    x = np.linspace(-12, 12, 100_001)
    p, q = double(P.pdf(x)), double(Q.pdf(x))
    d = optimal(double(np.exp(P.logpdf(x) - Q.logpdf(x))))
    # E_p f(d*) + E_q g(d*): what a critic trained to optimality would report.
    reported = np.trapezoid((p * game.f(d) + q * game.g(d)).numpy(), x)
    expected = divergences(case)
    assert reported == pytest.approx(expected, rel=1e-6, abs=1e-8)
    under_q = np.trapezoid((q * phi(double(np.exp(P.logpdf(x) - Q.logpdf(x))))).numpy(), x)
    assert under_q == pytest.approx(expected, rel=1e-6, abs=1e-8)


@pytest.mark.golden
def test_the_wasserstein_functional_of_the_kantorovich_potential_is_the_distance() -> None:
    # For a shift of 0.7 the optimal 1-Lipschitz critic is d(x) = x and W1 is the shift.
    game = resolve({"name": "wasserstein"})
    x = np.linspace(-12, 12, 20_001)
    p, q = double(norm(0.7, 1).pdf(x)), double(norm(0, 1).pdf(x))
    d = double(x)
    assert np.trapezoid((p * game.f(d) + q * game.g(d)).numpy(), x) == pytest.approx(0.7, rel=1e-9)


@pytest.mark.parametrize("case", SMOOTH, ids=named)
def test_the_ratio_can_be_read_back_from_the_critic(case: dict[str, object]) -> None:
    game, r = resolve(case), ratios()
    d = formula(game, game.objective.optimal)(r)
    torch.testing.assert_close(-slope(game.g, d) / slope(game.f, d), r, rtol=1e-7, atol=0)


@pytest.mark.parametrize("case", POINTWISE, ids=named)
def test_the_slope_of_phi_is_f_at_the_optimum(case: dict[str, object]) -> None:
    game, r = resolve(case), ratios()
    phi, optimal = formula(game, game.objective.phi), formula(game, game.objective.optimal)
    torch.testing.assert_close(slope(phi, r), game.f(optimal(r)), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("case", SMOOTH, ids=named)
def test_what_the_generator_follows(case: dict[str, object]) -> None:
    """-l'(d*) d*'(r) / r is phi'' for the saturating loss and phi''/r for the non-saturating one."""
    r = double(np.logspace(-1, 1, 21))
    row = resolve(case).objective
    optimal, phi = formula(resolve(case), row.optimal), formula(resolve(case), row.phi)
    curvature = slope(lambda x: torch.autograd.grad(phi(x).sum(), x, create_graph=True)[0], r)
    for rule, expected in (("saturating", curvature), ("non_saturating", curvature / r)):
        loss = resolve(case, rule).loss
        followed = -slope(loss, optimal(r)) * slope(optimal, r) / r
        torch.testing.assert_close(followed, expected, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_generator_losses(case: dict[str, object]) -> None:
    game, d = resolve(case), torch.linspace(0.01, 0.3, 30, dtype=torch.float64)
    toward_real = game.objective.orientation
    assert torch.equal(resolve(case, "saturating").loss(d), game.g(d))
    assert torch.equal(resolve(case, "non_saturating").loss(d), -game.f(d))
    assert torch.equal(resolve(case, "critic_mean").loss(d), -toward_real * d)
    for rule in GENERATOR_LOSSES:
        assert resolve(case, rule).loss_name == rule
        # Whatever the loss, a generator in front of a critic of the right orientation moves towards real.
        assert (toward_real * slope(resolve(case, rule).loss, d) <= 0).all()


def test_default_generator_losses() -> None:
    d = torch.linspace(-2, 2, 9, dtype=torch.float64)
    assert torch.equal(resolve({"name": "least_squares", "c": 0.5}).loss(d), (d - 0.5) ** 2 / 2)
    assert torch.equal(resolve({"name": "energy"}).loss(d), d)
    assert resolve({"name": "hinge"}).loss_name == "critic_mean"
    torch.testing.assert_close(resolve({"name": "minimax"}).loss(d), (1 - d.sigmoid()).log())
    torch.testing.assert_close(resolve({"name": "non_saturating"}).loss(d), -d.sigmoid().log())


@pytest.mark.parametrize("name", ["minimax", "non_saturating"])
def test_minimax_is_binary_cross_entropy(name: str) -> None:
    d = torch.linspace(-30, 30, 61, dtype=torch.float64)
    game = resolve({"name": name})
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    torch.testing.assert_close(-game.f(d), bce(d, torch.ones_like(d), reduction="none"))
    torch.testing.assert_close(-game.g(d), bce(d, torch.zeros_like(d), reduction="none"))


@pytest.mark.parametrize("case", CASES, ids=named)
def test_boundary_is_the_optimum_where_the_densities_agree(case: dict[str, object]) -> None:
    game = resolve(case)
    if game.objective.name in ("wasserstein", "energy"):
        assert game.objective.boundary is None
    elif game.objective.name in SATURATED:
        assert game.objective.boundary == 0.0
    else:
        one = torch.ones(1, dtype=torch.float64)
        assert float(formula(game, game.objective.optimal)(one)) == pytest.approx(game.objective.boundary, abs=1e-12)


@pytest.mark.parametrize("case", POINTWISE, ids=named)
def test_orientation_says_on_which_side_of_the_boundary_real_samples_score(case: dict[str, object]) -> None:
    game = resolve(case)
    real, fake = formula(game, game.objective.optimal)(double([2.0, 0.5]))
    assert math.copysign(1, float(real - fake)) == game.objective.orientation


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", CASES, ids=named)
def test_extreme_critics_overflow_to_infinity_and_never_to_nan(case: dict[str, object], dtype: torch.dtype) -> None:
    raw = torch.tensor([-1e3, -300.0, -90.0, -17.0, 0.0, 17.0, 90.0, 300.0, 1e3], dtype=dtype)
    for rule in ("default", *GENERATOR_LOSSES):
        game = resolve(case, rule)
        for function in (game.f, game.g, game.loss):
            through_link = lambda x, function=function: function(game.link(x))  # noqa: B023, E731
            assert not through_link(raw).isnan().any()
            assert not slope(through_link, raw).isnan().any()
            assert not slope(function, game.link(raw)).isnan().any()


@pytest.mark.golden
def test_overflow_has_the_sign_of_the_limit() -> None:
    far = torch.tensor([-1e3, 1e3])
    limits = {
        "minimax": ([-1e3, 0], [0, -1e3]),
        "kl": ([-1e3, 1e3], [0, -math.inf]),
        "reverse_kl": ([-math.inf, 0], [1001, -999]),
        "neyman_chi2": ([-math.inf, 1], [math.inf, -2]),
        "squared_hellinger": ([-math.inf, 1], [1, -math.inf]),
        "jeffrey": ([-math.inf, 1001], [1001, -math.inf]),
        "exponential": ([-math.inf, 0], [0, -math.inf]),
        "absolute_error": ([-0.5, 0], [0, -0.5]),
        "total_variation": ([-0.5, 0.5], [0.5, -0.5]),
    }
    for name, (f, g) in limits.items():
        game = resolve({"name": name})
        torch.testing.assert_close(game.f(far), torch.tensor(f, dtype=torch.float32))
        torch.testing.assert_close(game.g(far), torch.tensor(g, dtype=torch.float32))


@pytest.mark.golden
@pytest.mark.parametrize("alpha", [a for a in ALPHAS if a < 1])
def test_alpha_below_1_is_the_papers_conjugate_behind_its_output_activation(alpha: float) -> None:
    """Nowozin et al. 2016, table 6: f = t and g = -((t (alpha - 1) + 1)^(alpha/(alpha - 1)) - 1)/alpha at
    t = 1/(1 - alpha) - log(1 + e^-d)."""
    d = torch.linspace(-30, 8, 77, dtype=torch.float64)
    game, t = resolve({"name": "alpha", "alpha": alpha}), 1 / (1 - alpha) - (1 + (-d).exp()).log()
    torch.testing.assert_close(game.f(d), t)
    conjugate = ((t * (alpha - 1) + 1) ** (alpha / (alpha - 1)) - 1) / alpha
    torch.testing.assert_close(game.g(d), -conjugate, rtol=1e-7, atol=1e-9)


@pytest.mark.golden
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("alpha", [a for a in ALPHAS if a < 1])
def test_alpha_below_1_far_out_is_rounded_no_more_than_its_numbers(alpha: float, dtype: torch.dtype) -> None:
    """From d = 17 (37) on 1/(1 - alpha) - softplus(-d) is rounded to its limit; g = (1 - x)/alpha with
    x = ((1 - alpha) e^-d)^(alpha/(alpha - 1)) must not be, nor its derivatives -x c/alpha and -x c^2/alpha,
    c = alpha/(1 - alpha), as long as they can be held."""
    game, c = resolve({"name": "alpha", "alpha": alpha}), alpha / (1 - alpha)
    d = torch.tensor([18.0, 25.0, 40.0, 60.0, 80.0, 1e3, 1e4], dtype=dtype)
    x = (c * (double(d) - math.log(1 - alpha))).exp()
    first = slope(game.g, d)
    second = slope(lambda at: torch.autograd.grad(game.g(at).sum(), at, create_graph=True)[0], d)
    held = x.abs() * max(1, c**2) / abs(alpha) < torch.finfo(dtype).max / 2
    assert held[:2].all()
    close = max(1e-7, 400 * torch.finfo(dtype).eps)  # of what is left out, e^-18, and of an exponent's rounding
    for found, expected in ((game.g(d), (1 - x) / alpha), (first, -x * c / alpha), (second, -x * c**2 / alpha)):
        torch.testing.assert_close(found[held], expected[held].to(dtype), rtol=close, atol=1e-30)
    assert not game.g(d).isnan().any()
    assert not first.isnan().any()


def test_the_link_of_energy_is_positive_and_twice_differentiable() -> None:
    game = resolve({"name": "energy"})
    x = torch.linspace(-40, 40, 81, dtype=torch.float64, requires_grad=True)
    assert (game.link(x) >= 0).all()
    assert torch.autograd.gradgradcheck(game.link, x)


def test_the_alpha_loss_is_the_papers_and_its_players_have_orders_of_their_own() -> None:
    """Minus l(y, D) = alpha/(alpha - 1) [1 - P(y)^((alpha - 1)/alpha)] with P(1) = D = sigmoid(d), P(0) = 1 - D; the
    generator minimises -l(0, D) at its own order (Welfert et al. 2024)."""
    d = torch.linspace(-8, 8, 33, dtype=torch.float64)
    game = resolve({"name": "alpha_loss", "alpha_d": 0.3, "alpha_g": 2.0})
    for function, order, probability in (
        (game.f, 0.3, d.sigmoid()),
        (game.g, 0.3, (-d).sigmoid()),
        (game.loss, 2.0, (-d).sigmoid()),
    ):
        torch.testing.assert_close(function(d), order / (order - 1) * (probability ** ((order - 1) / order) - 1))
    both, log = resolve({"name": "alpha_loss", "alpha_d": 1.0, "alpha_g": 1.0}), resolve({"name": "minimax"})
    for ours, theirs in ((both.f, log.f), (both.g, log.g), (both.loss, log.loss)):
        assert torch.equal(ours(d), theirs(d))
    near = resolve({"name": "alpha_loss", "alpha_d": 1 + 1e-6})
    torch.testing.assert_close(near.f(d), log.f(d), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("case", [c for c in CASES if c["name"] != "energy"], ids=named)
def test_other_critics_are_used_as_they_are(case: dict[str, object]) -> None:
    d = torch.randn(10)
    assert resolve(case).link(d) is d


raw_outputs = st.floats(-6, 6, allow_nan=False)
smooth = st.sampled_from(SMOOTH)


@pytest.mark.property
@settings(max_examples=150, deadline=None)
@given(smooth, raw_outputs)
def test_every_output_of_the_critic_is_optimal_for_the_ratio_read_from_it(case: dict[str, object], raw: float) -> None:
    game = resolve(case)
    d = game.link(double([raw]))
    r = -slope(game.g, d) / slope(game.f, d)
    assume(1e-6 < float(r) < 1e6)  # pearson's g has its peak at r = 0, beyond which no ratio belongs to d
    torch.testing.assert_close(formula(game, game.objective.optimal)(r), d, rtol=1e-6, atol=1e-6)


@pytest.mark.property
@settings(max_examples=200, deadline=None)
@given(st.sampled_from(POINTWISE), st.floats(-9, 9), raw_outputs)
def test_no_critic_beats_phi(case: dict[str, object], log_r: float, raw: float) -> None:
    game, r = resolve(case), double([math.exp(log_r)])
    d, phi = game.link(double([raw])), formula(game, game.objective.phi)(r)
    assert float(r * game.f(d) + game.g(d)) <= float(phi) + 1e-9 * (1 + float(phi.abs()))


@pytest.mark.property
@settings(max_examples=200, deadline=None)
@given(st.sampled_from(POINTWISE), st.floats(0.01, 50), st.floats(0.01, 50), st.floats(0, 1))
def test_phi_is_convex(case: dict[str, object], one: float, two: float, share: float) -> None:
    game = resolve(case)
    phi = formula(game, game.objective.phi)
    ends = share * phi(double([one])) + (1 - share) * phi(double([two]))
    between = phi(double([share * one + (1 - share) * two]))
    assert float(between) <= float(ends) + 1e-9 * (1 + float(ends.abs()))


@pytest.mark.parametrize(
    ("given_objective", "message"),
    [
        ({"name": "hinges"}, "objective: unknown name 'hinges'; did you mean 'hinge'"),
        ({"name": "hinge", "margin": 1}, "objective hinge.margin: unknown setting"),
        ({"name": "least_squares", "aa": 1}, "objective least_squares.aa: unknown setting; .*a"),
        ({"name": "alpha", "alpha": 1}, "objective.alpha: expected a number other than 0 and 1.*got 1"),
        ({"name": "alpha", "alpha": 0.0}, "objective.alpha: expected a number other than 0 and 1.*got 0.0"),
        ({"name": "alpha", "alpha": math.inf}, "objective.alpha: expected a finite number, got inf"),
        ({"name": "alpha_loss", "alpha_g": 0}, r"objective.alpha_g: expected a number in \(0, inf\), got 0"),
        ({"name": "energy", "m": 0}, r"objective.m: expected a number in \(0, inf\), got 0"),
        ({"name": "least_squares", "a": 1.0}, "objective.a: expected a label other than b = 1.0, got 1.0"),
    ],
)
def test_wrong_values_are_refused(given_objective: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resolve(given_objective)


@pytest.mark.parametrize(
    ("given_objective", "message"),
    [
        ({}, "objective: expected one of minimax, .*got null"),
        ({"name": "alpha", "alpha": "half"}, "objective.alpha: expected a number, got 'half'"),
        ({"name": "alpha", "alpha": True}, "objective.alpha: expected a number, got true"),
    ],
)
def test_wrong_types_are_refused(given_objective: dict[str, object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        resolve(given_objective)


MINE = {"name": "mine", "f": "-softplus(-d)", "g": "-softplus(d)", "generator": "-f"}


def test_a_pair_of_the_user_s_own_is_the_built_in_one_when_the_formulas_are() -> None:
    d = torch.linspace(-5, 5, 11)
    mine, theirs = resolve(MINE), resolve({"name": "non_saturating"})
    for part in ("f", "g", "loss"):
        assert torch.equal(getattr(mine, part)(d), getattr(theirs, part)(d))
    assert mine.loss_name == "-f"
    assert mine.objective.boundary is None


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ({**MINE, "name": "minimax"}, "objective.name: expected a name of your own beside f and g, got 'minimax'"),
        ({**MINE, "name": "../up"}, r"objective.name: expected lower-case letters, .* got '../up'"),
        ({"name": "mine", "f": "d"}, "objective.g: expected a formula of d, got nothing"),
        ({**MINE, "f": "d.real"}, r"objective.f: 'd.real' is not allowed in a formula"),
        ({**MINE, "f": "__import__('os')"}, r"objective.f: '__import__\('os'\)' is not allowed"),
        ({**MINE, "g": "open(d)"}, r"objective.g: 'open\(d\)' is not allowed in a formula: the functions are exp"),
        ({**MINE, "generator": "h - d"}, "generator_loss: 'h' is not allowed in a formula: a formula knows d, f, g"),
        ({**MINE, "weight": 2}, "weight: unknown setting"),
        (
            {"name": "os:abort"},
            "objective: expected a trainables.objectives.table.Objective at 'os:abort', got builtin",
        ),
        ({"name": "no_such_module:x"}, "objective: expected a module 'no_such_module' in .* or installed, got none"),
        ({"name": "os:no_such_thing"}, "objective: nothing at 'os:no_such_thing'"),
        ({"name": "os:__name__"}, "objective: unknown name 'os:__name__'"),
    ],
)
def test_pairs_that_cannot_be_are_refused(
    objective: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_code, "_now", None)
    own_code.allow(tmp_path)
    with pytest.raises((ValueError, TypeError), match=message):
        resolve(objective)


def test_a_misspelt_generator_loss_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="generator_loss: unknown name 'saturate'; did you mean 'saturating'"):
        resolve({"name": "minimax"}, "saturate")
    with pytest.raises(
        ValueError, match="generator_loss: unknown name 'non-saturating'; did you mean 'non_saturating'"
    ):
        resolve({"name": "minimax"}, "non-saturating")
    assert float(resolve({"name": "minimax"}, "d-pi").loss(torch.zeros(1))) == pytest.approx(-math.pi)


def test_a_row_in_python_may_hold_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("users_objectives")
    row = Objective("cubic", lambda d: d - d**3 / 3, lambda d: -d, "saturating", "", "the user's")
    monkeypatch.setattr(module, "row", row, raising=False)
    monkeypatch.setitem(sys.modules, "users_objectives", module)
    monkeypatch.setattr(own_code, "_now", None)
    check({"name": "users_objectives:row"}, "-f + d")
    with pytest.raises(own_code.NotAllowed, match="objective: 'users_objectives:row' is the user's own code"):
        resolve({"name": "users_objectives:row"}, "-f + d")
    own_code.allow(tmp_path)
    game = resolve({"name": "users_objectives:row"}, "-f + d")
    assert float(game.f(torch.tensor(3.0))) == -6.0
    assert float(game.loss(torch.tensor(3.0))) == 9.0


def test_a_row_resolves_to_itself() -> None:
    row = Objective("cubic", lambda d: d - d**3 / 3, "-a*d", parameters={"a": 2.0})
    game, d = resolve(row, "non_saturating"), torch.tensor(3.0)
    assert game.objective is row
    assert (float(game.f(d)), float(game.g(d)), float(game.loss(d))) == (-6.0, -6.0, 6.0)
    assert float(resolve(row).loss(d)) == float(game.g(d))
