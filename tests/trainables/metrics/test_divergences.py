"""True divergences against closed forms, with tails, edges and infinities, and variational bounds below them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import beta, cauchy, expon, laplace, norm, uniform

from trainables.data.mixture import Mixture
from trainables.metrics.divergences import DIVERGENCES, by_quadrature, of_mixtures, variational_bound
from trainables.objectives import OBJECTIVES
from trainables.objectives.induced import explain, resolved

Array = NDArray[np.float64]
Gaussians = tuple[float, float, float, float]  # mean and std of p, of q


def mixture(*parts: tuple[float, float, float]) -> Mixture:
    """Of (weight, mean, std)."""
    weights, means, stds = (torch.tensor(column, dtype=torch.float64) for column in zip(*parts, strict=True))
    return Mixture(weights, means[:, None], stds**2)


def kl(m1: float, s1: float, m2: float, s2: float) -> float:
    return math.log(s2 / s1) + (s1**2 + (m1 - m2) ** 2) / (2 * s2**2) - 1 / 2


def chi2(m1: float, s1: float, m2: float, s2: float) -> float:
    """int p^2/q - 1, infinite where p's variance is twice q's or more, and where float64 cannot hold it."""
    left = 2 * s2**2 - s1**2
    if left <= 0 or (m1 - m2) ** 2 / left > 700:
        return math.inf
    return s2**2 / (s1 * math.sqrt(left)) * math.exp((m1 - m2) ** 2 / left) - 1


def hellinger(m1: float, s1: float, m2: float, s2: float) -> float:
    total = s1**2 + s2**2
    return 2 - 2 * math.sqrt(2 * s1 * s2 / total) * math.exp(-((m1 - m2) ** 2) / (4 * total))


def variation(m1: float, s1: float, m2: float, s2: float) -> float:
    """By normal distribution functions between the places where the densities cross."""
    a, b = 1 / s2**2 - 1 / s1**2, 2 * (m1 / s1**2 - m2 / s2**2)
    c = m2**2 / s2**2 - m1**2 / s1**2 - 2 * math.log(s1 / s2)
    crossings = sorted(np.roots([a, b, c]).real if a else [-c / b])
    steps = [norm(m1, s1).cdf(crossings) - norm(m2, s2).cdf(crossings)]
    return float(np.abs(np.diff(np.concatenate([[0.0], *steps, [0.0]]))).sum() / 2)


CLOSED: dict[str, Callable[..., float]] = {
    "kl": kl,
    "reverse_kl": lambda m1, s1, m2, s2: kl(m2, s2, m1, s1),
    "jeffrey": lambda m1, s1, m2, s2: kl(m1, s1, m2, s2) + kl(m2, s2, m1, s1),
    "pearson_chi2": chi2,
    "neyman_chi2": lambda m1, s1, m2, s2: chi2(m2, s2, m1, s1),
    "squared_hellinger": hellinger,
    "total_variation": variation,
}
CASES: list[Gaussians] = [
    (0.0, 1.0, 1.0, 2.0),
    (0.0, 1.0, 3.0, 0.5),
    (0.0, 2.0, 0.0, 1.0),
    (0.0, 1.0, 0.2, 0.72),
    (-3.0, 0.01, 5.0, 3.0),
    (0.0, 1.0, 0.3, 1.0),
    (-20.0, 0.5, 20.0, 0.6),
]


@pytest.mark.golden
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("name", CLOSED)
def test_gaussians_have_closed_forms(name: str, case: Gaussians) -> None:
    """The largest relative error is 3e-12, where it is not infinite in both."""
    expected = pytest.approx(CLOSED[name](*case), rel=1e-11)
    m1, s1, m2, s2 = case
    p, q = norm(m1, s1), norm(m2, s2)
    assert of_mixtures(name, mixture((1, m1, s1)), mixture((1, m2, s2))) == expected
    assert by_quadrature(name, p.logpdf, q.logpdf, -60, 60, log=True) == expected


@pytest.mark.golden
@pytest.mark.parametrize("case", [CASES[0], CASES[1], CASES[2], CASES[3], CASES[5]], ids=str)
@pytest.mark.parametrize("name", CLOSED)
def test_plain_densities_do_as_well_where_they_do_not_underflow(name: str, case: Gaussians) -> None:
    m1, s1, m2, s2 = case
    found = by_quadrature(name, norm(m1, s1).pdf, norm(m2, s2).pdf, -50, 50)
    assert found == pytest.approx(CLOSED[name](*case), rel=1e-8)  # Pearson's tail is cut where q underflows


@pytest.mark.golden
def test_jensen_shannon_by_its_definition() -> None:
    for m1, s1, m2, s2 in CASES[:4]:
        p, q = norm(m1, s1), norm(m2, s2)

        def integrand(x: float, p: object = p, q: object = q) -> float:
            a, b = float(p.pdf(x)), float(q.pdf(x))  # type: ignore[attr-defined]
            middle = (a + b) / 2
            return sum(part * math.log(part / middle) for part in (a, b) if part > 0) / 2

        expected = sum(quad(integrand, low, low + 5, epsabs=1e-13)[0] for low in range(-25, 25, 5))
        found = of_mixtures("jensen_shannon", mixture((1, m1, s1)), mixture((1, m2, s2)))
        assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.golden
def test_infinite_chi2_of_gaussians_is_said() -> None:
    """p's variance of 2 and more against 1; just below it is finite."""
    for std, infinite in ((1.3, False), (1.4, False), (math.sqrt(2), True), (1.5, True), (3.0, True)):
        found = of_mixtures("pearson_chi2", mixture((1, 0, std)), mixture((1, 0, 1)))
        assert math.isinf(found) is infinite
        assert by_quadrature("pearson_chi2", norm(0, std).pdf, norm.pdf, -50, 50) == pytest.approx(found, rel=1e-6)
        assert of_mixtures("neyman_chi2", mixture((1, 0, 1)), mixture((1, 0, std))) == pytest.approx(found, rel=1e-9)


@pytest.mark.golden
@pytest.mark.parametrize("name", DIVERGENCES)
def test_disjoint_supports(name: str) -> None:
    expected = {"jensen_shannon": math.log(2), "squared_hellinger": 2.0, "total_variation": 1.0}.get(name, math.inf)
    for p, q in ((uniform(0, 1), uniform(2, 1)), (uniform(0, 1), uniform(1, 2)), (norm(-50, 0.3), norm(50, 0.3))):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the Gaussians underflow
            found = by_quadrature(name, p.pdf, q.pdf, -60, 60)
        assert found == pytest.approx(expected, rel=1e-12)
        assert found <= expected


@pytest.mark.golden
def test_overlapping_uniforms() -> None:
    p, q = uniform(0, 2), uniform(0, 1)
    shannon = (0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(2) + math.log(1 / 0.75)) / 2
    expected = {
        "kl": math.inf, "reverse_kl": math.log(2), "jeffrey": math.inf, "pearson_chi2": math.inf,
        "neyman_chi2": 1.0, "squared_hellinger": 2 - math.sqrt(2), "total_variation": 0.5, "jensen_shannon": shannon,
    }  # fmt: skip
    for name, value in expected.items():
        assert by_quadrature(name, p.pdf, q.pdf, -1, 3) == pytest.approx(value, rel=1e-9)
        assert by_quadrature(name, p.logpdf, q.logpdf, -1, 3, log=True) == pytest.approx(value, rel=1e-9)


@pytest.mark.golden
def test_densities_with_one_tail_and_with_a_kink() -> None:
    # KL of exponentials of rate a from rate b: log(a/b) + b/a - 1.
    found = by_quadrature("kl", expon(0, 0.5).pdf, expon(0, 2).pdf, -1, 60)
    assert found == pytest.approx(math.log(4) + 1 / 4 - 1, rel=1e-10)
    # KL of Laplace densities with scales b1, b2: log(b2/b1) + b1/b2 - 1.
    found = by_quadrature("kl", laplace(0, 1).pdf, laplace(0, 3).pdf, -80, 80)
    assert found == pytest.approx(math.log(3) + 1 / 3 - 1, rel=1e-9)
    # Pearson's chi^2 of exponentials: a^2/(b (2a - b)) - 1, infinite from b = 2a.
    found = by_quadrature("pearson_chi2", expon(0, 1).pdf, expon(0, 1 / 1.5).pdf, 0, 40)
    assert found == pytest.approx(1 / 3, rel=1e-6)
    assert by_quadrature("pearson_chi2", expon(0, 1).pdf, expon(0, 1 / 2.5).pdf, 0, 40) == math.inf


@pytest.mark.golden
def test_heavy_tails() -> None:
    # E x^2 is infinite under a Cauchy density, and so is KL from it to a Gaussian; between Cauchy densities of scales a
    # and b it is log((a + b)^2/(4ab)).
    assert by_quadrature("kl", cauchy.logpdf, norm.logpdf, -1000, 1000, log=True) == math.inf
    between = by_quadrature("kl", cauchy.logpdf, cauchy(0, 3).logpdf, -1e6, 1e6, log=True)
    assert between == pytest.approx(math.log(16 / 12), rel=1e-5)


@pytest.mark.golden
def test_densities_that_vanish_at_an_end_or_at_a_point() -> None:
    # p and q of Beta(3, 1) and Beta(5.5, 1): int p^2/q = 9/5.5 int x^(4 - 4.5) = 2 * 9/5.5.
    p, q = beta(3, 1).pdf, beta(5.5, 1).pdf
    assert by_quadrature("pearson_chi2", p, q, 0, 1) == pytest.approx(18 / 5.5 - 1, rel=1e-6)
    # Beta(1, 1) against Beta(2, 1): int 1/(2x) diverges, KL does not: int -log(2x) = 1 - log 2.
    assert by_quadrature("pearson_chi2", beta(1, 1).pdf, beta(2, 1).pdf, 0, 1) == math.inf
    assert by_quadrature("kl", beta(1, 1).pdf, beta(2, 1).pdf, 0, 1) == pytest.approx(1 - math.log(2), rel=1e-9)
    # A density that touches 0 at one place, here even one that is looked at, is no support of its own.
    touching = by_quadrature("kl", uniform(-1, 2).pdf, lambda x: 1.5 * x * x * (np.abs(x) <= 1), -1, 1)
    assert touching == pytest.approx(-math.log(3) + 2, rel=1e-8)


def test_underflow_with_mass_is_infinite_and_warns() -> None:
    narrow = norm(0, 0.1)
    with pytest.warns(UserWarning, match=r"q underflows to 0 where p has a mass of 0.000\d+.*log=True"):
        assert by_quadrature("kl", norm.pdf, narrow.pdf, -20, 20) == math.inf
    with pytest.warns(UserWarning, match="p underflows to 0 where q has a mass"):
        assert by_quadrature("reverse_kl", narrow.pdf, norm.pdf, -20, 20) == math.inf
    exact = by_quadrature("kl", norm.logpdf, narrow.logpdf, -20, 20, log=True)
    assert exact == pytest.approx(kl(0, 1, 0, 0.1), rel=1e-10)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_a_density_is_at_0_from_itself(name: str) -> None:
    assert by_quadrature(name, norm.pdf, norm.pdf, -45, 45) == pytest.approx(0, abs=1e-14)
    two = mixture((0.33, -1, 0.25), (0.67, 2, 1.4))
    assert of_mixtures(name, two, two) == pytest.approx(0, abs=1e-14)


def test_a_narrow_mode_in_a_wide_interval_is_found() -> None:
    found = by_quadrature("kl", norm(0.1234, 1e-3).pdf, norm(0, 5).pdf, -40, 40)
    assert found == pytest.approx(kl(0.1234, 1e-3, 0, 5), rel=1e-9)
    farther = of_mixtures("kl", mixture((0.5, -100, 1e-4), (0.5, 100, 1e-4)), mixture((1, 0, 100)))
    assert farther == pytest.approx(kl(100, 1e-4, 0, 100) - math.log(2), rel=1e-9)


@pytest.mark.golden
def test_close_densities_have_half_the_fisher_information() -> None:
    """KL(N(0, 1), N(e, 1)) = e^2/2 without cancellation."""
    for shift in (1e-2, 1e-4):
        found = of_mixtures("kl", mixture((1, 0, 1)), mixture((1, shift, 1)))
        assert found == pytest.approx(shift**2 / 2, rel=1e-5)
        assert of_mixtures("pearson_chi2", mixture((1, 0, 1)), mixture((1, shift, 1))) == pytest.approx(
            math.expm1(shift**2), rel=1e-9
        )


means = st.floats(-5, 5)
stds = st.floats(0.05, 4)


@pytest.mark.property
@settings(max_examples=60, deadline=None)
@given(means, stds, means, stds)
def test_inequalities(m1: float, s1: float, m2: float, s2: float) -> None:
    """Bounds, symmetries and the inequalities between divergences."""
    p, q = mixture((0.4, m1, s1), (0.6, m1 + 2, s1 / 2)), mixture((1, m2, s2))
    d = {name: of_mixtures(name, p, q) for name in DIVERGENCES}
    back = {name: of_mixtures(name, q, p) for name in DIVERGENCES}
    assert all(value >= 0 for value in d.values())
    assert d["jensen_shannon"] <= math.log(2)
    assert d["squared_hellinger"] <= 2
    assert d["total_variation"] <= 1
    for name, other in {
        "kl": "reverse_kl", "pearson_chi2": "neyman_chi2", "jeffrey": "jeffrey", "jensen_shannon": "jensen_shannon",
        "squared_hellinger": "squared_hellinger", "total_variation": "total_variation",
    }.items():  # fmt: skip
        assert d[name] == pytest.approx(back[other], rel=1e-9, abs=1e-12)
    slack = 1 + 1e-9
    assert d["jeffrey"] == pytest.approx(d["kl"] + d["reverse_kl"], rel=1e-9)
    assert 2 * d["total_variation"] ** 2 <= d["kl"] * slack  # Pinsker
    assert d["squared_hellinger"] / 2 <= d["total_variation"] * slack  # Le Cam
    assert d["total_variation"] <= math.sqrt(d["squared_hellinger"]) * slack
    assert d["kl"] <= math.log1p(d["pearson_chi2"]) * slack
    assert d["jensen_shannon"] <= math.log(2) * d["total_variation"] * slack


P, Q = mixture((0.33, -1, math.sqrt(0.065)), (0.67, 2, math.sqrt(2))), mixture((1, 1.0, 1.8))
INTERVAL = (-30.0, 30.0)


def density(of: Mixture) -> Callable[[Array], Array]:
    return lambda x: of.density(torch.from_numpy(x)[..., None]).numpy()


def log_ratio(x: Array) -> Array:
    places = torch.from_numpy(x)[..., None]
    return (P.log_density(places) - Q.log_density(places)).numpy()


OPTIMAL: dict[str, Callable[[Array], Array]] = {
    "minimax": lambda t: t,
    "kl": lambda t: 1 + t,
    "reverse_kl": lambda t: t,
    "pearson_chi2": lambda t: 2 * np.expm1(t),
    "neyman_chi2": lambda t: 2 * t,
    "squared_hellinger": lambda t: t / 2,
    "jensen_shannon": lambda t: t,
    "jeffrey": lambda t: t,
    "hinge": np.sign,
    "total_variation": lambda t: 400 * np.sign(t),
}


class TestVariationalBound:
    @pytest.mark.golden
    @pytest.mark.parametrize("name", OPTIMAL)
    def test_the_optimal_critic_attains_the_divergence(self, name: str) -> None:
        described = explain(name)
        assert described.matches is not None
        assert described.scale is not None
        assert described.shift is not None
        bound = variational_bound(
            resolved(name), lambda x: OPTIMAL[name](log_ratio(x)), density(P), density(Q), *INTERVAL
        )
        truth = of_mixtures(described.matches, P, Q)
        assert (bound - described.shift) / described.scale == pytest.approx(truth, rel=1e-6)

    @pytest.mark.property
    @settings(max_examples=40, deadline=None)
    @given(
        st.sampled_from([name for name in OPTIMAL if name != "neyman_chi2"]),
        st.lists(st.floats(-1, 1), min_size=4, max_size=4),
    )
    def test_no_critic_is_above_the_divergence(self, name: str, numbers: list[float]) -> None:
        a, b, c, k = numbers
        described = explain(name, [1.0])
        assert described.matches is not None
        assert described.scale is not None
        assert described.shift is not None
        bound = variational_bound(
            resolved(name), lambda x: a + b * np.tanh(x) + c * np.sin(k * x), density(P), density(Q), *INTERVAL
        )
        assert (bound - described.shift) / described.scale <= of_mixtures(described.matches, P, Q) + 1e-9

    def test_a_critic_that_knows_nothing_bounds_nothing(self) -> None:
        bound = variational_bound(resolved("minimax"), np.zeros_like, density(P), density(Q), *INTERVAL)
        assert bound == pytest.approx(-math.log(4), rel=1e-9)

    def test_an_infinitely_wrong_critic(self) -> None:
        wrong = variational_bound(
            resolved("reverse_kl"), lambda x: np.full_like(x, -1e4), density(P), density(Q), *INTERVAL
        )
        assert wrong == -math.inf

    def test_names_are_the_objectives(self) -> None:
        assert set(DIVERGENCES) <= set(OBJECTIVES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("kll", norm.pdf, norm.pdf, -9, 9), "divergence: unknown name 'kll'; did you mean 'kl'"),
        (("kl", norm.pdf, norm.pdf, 9, -9), "low, high: expected two finite numbers, the lower first, got 9 and -9"),
        (("kl", norm.pdf, norm.pdf, -9, math.inf), "low, high: expected two finite numbers.*inf"),
        (("kl", norm.pdf, norm.pdf, 0, 9), r"p: expected a density on \[0, 9\], its integral there is 0.5"),
        (("kl", norm.pdf, lambda x: 2 * norm.pdf(x), -9, 9), "q: expected a density .* its integral there is 2"),
        (("kl", norm.pdf, lambda x: norm.pdf(x) - 0.01, -9, 9), "q: expected a density, got -0.0.* at -"),
        (("kl", lambda x: x * math.nan, norm.pdf, -9, 9), "p: expected a density, got nan at -"),
        (("kl", lambda x: 0.1, norm.pdf, -9, 9), r"p: expected densities of the points' shape \(256, 15\), got \(\)"),
    ],
)
def test_wrong_arguments_are_refused(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        by_quadrature(*arguments)  # type: ignore[arg-type]


def test_mixtures_in_two_dimensions_are_refused() -> None:
    flat = Mixture(torch.ones(1), torch.zeros(1, 2), torch.ones(1))
    with pytest.raises(ValueError, match="expected mixtures in 1 dimension, got one in 2"):
        of_mixtures("kl", flat, flat)
    with pytest.raises(ValueError, match="divergence: unknown name 'js'"):
        of_mixtures("js", P, Q)
