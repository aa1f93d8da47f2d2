"""The mixture against scipy's densities and quadrature, closed forms, and the samples against the truth."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from trainables.data import Mixture

WEIGHTS, MEANS, VARIANCES = [0.2, 0.3, 0.5], [-3.0, 0.0, 5.0], [1.0, 0.01, 4.0]


def mixture(weights: list[float], means: list[list[float]], variances: list[float]) -> Mixture:
    return Mixture(*(torch.tensor(values, dtype=torch.float64) for values in (weights, means, variances)))


@pytest.fixture
def line() -> Mixture:
    return mixture(WEIGHTS, [[mean] for mean in MEANS], VARIANCES)


@pytest.fixture
def plane() -> Mixture:
    return mixture([0.25, 0.75], [[0.0, 0.0], [2.0, -1.0]], [0.5, 0.09])


def column(values: list[float]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).unsqueeze(-1)


def test_density_in_one_dimension_is_scipys(line: Mixture) -> None:
    x = np.linspace(-8, 12, 401)
    expected = sum(w * stats.norm.pdf(x, m, math.sqrt(v)) for w, m, v in zip(WEIGHTS, MEANS, VARIANCES, strict=True))
    np.testing.assert_allclose(line.density(torch.tensor(x).unsqueeze(-1)), expected, rtol=1e-12)


def test_density_in_two_dimensions_is_scipys(plane: Mixture) -> None:
    x = np.random.default_rng(0).normal(size=(3, 50, 2)) * 2
    first = stats.multivariate_normal.pdf(x, [0, 0], 0.5 * np.eye(2))
    second = stats.multivariate_normal.pdf(x, [2, -1], 0.09 * np.eye(2))
    np.testing.assert_allclose(plane.density(torch.tensor(x)), 0.25 * first + 0.75 * second, rtol=1e-12)


def test_density_integrates_to_one(line: Mixture, plane: Mixture) -> None:
    on_line, _ = integrate.quad(lambda x: line.density(column([x])).item(), -20, 30, points=MEANS, limit=200)
    assert on_line == pytest.approx(1, abs=1e-9)
    axis = torch.linspace(-8, 8, 1601, dtype=torch.float64)  # the trapezoid rule is spectrally accurate here
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), dim=-1)
    assert plane.density(grid).sum().item() * 0.01**2 == pytest.approx(1, abs=1e-12)


def test_log_density_far_away_is_that_of_the_mode_which_reaches_farthest(line: Mixture) -> None:
    x = 1e8  # p underflows beyond some 77 from the widest mode
    expected = math.log(0.5) - 0.5 * math.log(2 * math.pi * 4.0) - (x - 5.0) ** 2 / 8
    assert line.log_density(column([x])).item() == pytest.approx(expected, rel=1e-14)
    assert line.density(column([x])).item() == 0


@pytest.mark.parametrize(("x", "expected"), [(1e200, -math.inf), (math.inf, -math.inf), (math.nan, math.nan)])
def test_log_density_beyond_the_floats(line: Mixture, x: float, expected: float) -> None:
    assert line.log_density(column([x])).item() == pytest.approx(expected, nan_ok=True)


def test_log_density_of_float32_points_is_computed_in_float64(line: Mixture) -> None:
    x = torch.tensor([[0.1]])
    assert line.log_density(x).dtype == torch.float64
    assert torch.equal(line.log_density(x), line.log_density(x.double()))


def test_score_of_a_single_gaussian() -> None:
    x = torch.tensor([[1.0, 4.0]], dtype=torch.float64, requires_grad=True)
    mixture([1.0], [[2.0, 2.0]], [0.25]).log_density(x).sum().backward()
    torch.testing.assert_close(x.grad, torch.tensor([[4.0, -8.0]], dtype=torch.float64))


def test_moments_in_closed_form() -> None:
    both = mixture([1.0, 3.0], [[0.0, 0.0], [4.0, 8.0]], [1.0, 2.0])  # relative weights: 1/4, 3/4
    assert both.mean.tolist() == [3.0, 6.0]
    # within 1/4 + 6/4; between w(1-w) (4, 8)(4, 8)ᵀ
    assert both.covariance.tolist() == [[1.75 + 3.0, 6.0], [6.0, 1.75 + 12.0]]


def test_moments_are_those_of_the_density(line: Mixture) -> None:
    def moment(power: int) -> float:
        value, _ = integrate.quad(
            lambda x: x**power * line.density(column([x])).item(), -20, 30, points=MEANS, limit=200
        )
        return float(value)

    assert line.mean.item() == pytest.approx(moment(1), rel=1e-9)
    assert line.covariance.item() == pytest.approx(moment(2) - moment(1) ** 2, rel=1e-9)


def test_cdf_is_scipys_and_keeps_its_digits_in_the_tail(line: Mixture) -> None:
    x = np.concatenate([np.linspace(-40, 12, 105), [-np.inf, np.inf]])
    expected = sum(w * stats.norm.cdf(x, m, math.sqrt(v)) for w, m, v in zip(WEIGHTS, MEANS, VARIANCES, strict=True))
    np.testing.assert_allclose(line.cdf(torch.tensor(x).unsqueeze(-1)), expected, rtol=1e-10)


def test_quantile_is_brents_root(line: Mixture) -> None:
    probabilities = [1e-12, 1e-4, 0.1, 0.199, 0.35, 0.4999, 0.5, 0.77, 0.999999]
    found = line.quantile(torch.tensor(probabilities, dtype=torch.float64))
    assert found.shape == (9, 1)
    for probability, x in zip(probabilities, found.squeeze(-1).tolist(), strict=True):
        root = optimize.brentq(lambda at, p=probability: line.cdf(column([at])).item() - p, -30, 30, xtol=1e-13)
        # where the cdf is nearly flat, rounding of the cdf moves the root by its error over the slope
        slack = 1e-12 + 4e-16 / line.density(column([x])).item()
        assert x == pytest.approx(root, abs=slack)


@pytest.mark.property
@settings(deadline=None, max_examples=100)
@given(
    modes=st.lists(st.tuples(st.floats(0.01, 10), st.floats(-50, 50), st.floats(1e-4, 100)), min_size=1, max_size=5),
    probability=st.floats(1e-300, 1 - 1e-12),
)
def test_quantile_inverts_the_cdf(modes: list[tuple[float, float, float]], probability: float) -> None:
    weights, means, variances = (list(part) for part in zip(*modes, strict=True))
    truth = mixture(weights, [[mean] for mean in means], variances)
    x = truth.quantile(torch.tensor([probability], dtype=torch.float64))
    # the cdf's own slope times the rounding of x bounds what an exact inverse can give
    slack = 1e-14 + 4e-16 * x.abs().item() * truth.density(x).item()
    assert truth.cdf(x).item() == pytest.approx(probability, abs=slack)
    # near 1 the cdf is flat to the last digit, so a point to the left may round to one above
    assert truth.cdf(x - 1e-9 * (1 + x.abs())).item() <= probability + 2.3e-16


def test_quantile_at_the_ends_and_outside(line: Mixture) -> None:
    found = line.quantile(torch.tensor([0.0, 1.0, -0.1, 1.1, math.nan], dtype=torch.float64)).squeeze(-1)
    assert found[:2].tolist() == [-math.inf, math.inf]
    assert found[2:].isnan().all()


def test_quantile_of_one_gaussian_is_exact_at_the_median() -> None:
    assert mixture([1.0], [[4.0]], [0.25]).quantile(torch.tensor(0.5)).tolist() == [4.0]


def test_quantile_between_far_modes_is_the_left_end_of_the_plateau() -> None:
    truth = mixture([1.0, 1.0], [[-1000.0], [1000.0]], [1.0, 1.0])
    x = truth.quantile(torch.tensor([0.5], dtype=torch.float64)).item()
    assert -992 < x < -990  # the left mode's cdf rounds to 1 some 8.3 deviations out
    assert truth.cdf(column([x])).item() == 0.5


def test_quantiles_of_uniforms_follow_the_mixture(line: Mixture) -> None:
    uniforms = torch.rand(5000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    drawn = line.quantile(uniforms)
    assert stats.kstest(line.cdf(drawn).numpy(), "uniform").pvalue > 0.01


def test_samples_follow_the_mixture(line: Mixture) -> None:
    x, labels = line.sample(20_000, torch.Generator().manual_seed(2))
    assert x.shape == (20_000, 1)
    assert labels.dtype == torch.int64
    assert stats.kstest(line.cdf(x).numpy(), "uniform").pvalue > 0.01
    counts = labels.bincount().numpy()
    assert stats.chisquare(counts, 20_000 * np.array(WEIGHTS)).pvalue > 0.01
    for mode, (mean, variance) in enumerate(zip(MEANS, VARIANCES, strict=True)):
        own = x[labels == mode, 0].numpy()
        assert stats.kstest(own, "norm", args=(mean, math.sqrt(variance))).pvalue > 0.01


def test_sample_moments_in_two_dimensions(plane: Mixture) -> None:
    x, _ = plane.sample(40_000, torch.Generator().manual_seed(3))
    error = 4 * (plane.covariance.diagonal() / 40_000).sqrt()
    assert ((x.mean(0) - plane.mean).abs() < error).all()
    torch.testing.assert_close(x.T.cov(), plane.covariance, rtol=0.03, atol=0.01)


def test_the_generator_fixes_the_sample(plane: Mixture) -> None:
    first, again, other = (plane.sample(9, torch.Generator().manual_seed(seed))[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_to_keeps_the_mixture(plane: Mixture) -> None:
    moved = plane.to("cpu")
    assert torch.equal(moved.means, plane.means)
    assert (moved.modes, moved.dimensions) == (2, 2)


@pytest.mark.parametrize(
    ("weights", "means", "variances", "message"),
    [
        ([1.0], [1.0], [1.0], r"means: expected shape \(modes, dimensions\), got \(1,\)"),
        ([1.0], [[1.0], [2.0]], [1.0, 1.0], r"weights: expected one number for each of the 2 means, got shape \(1,\)"),
        ([1.0, 0.0], [[1.0], [2.0]], [1.0, 1.0], r"weights: expected positive finite numbers, got \[1.0, 0.0\]"),
        ([1.0], [[1.0]], [-1.0], r"variances: expected positive finite numbers, got \[-1.0\]"),
        ([1.0], [[math.nan]], [1.0], r"means: expected finite numbers, got \[\[nan\]\]"),
    ],
)
def test_a_mixture_that_is_none(
    weights: list[float], means: list[list[float]], variances: list[float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        mixture(weights, means, variances)


def test_points_of_another_dimension(plane: Mixture, line: Mixture) -> None:
    with pytest.raises(ValueError, match=r"expected points of shape \(..., 2\), got \(5, 1\)"):
        plane.log_density(torch.zeros(5, 1))
    with pytest.raises(ValueError, match=r"expected points of shape \(..., 1\), got \(\)"):
        line.cdf(torch.tensor(1.0))


def test_cdf_and_quantile_need_one_dimension(plane: Mixture) -> None:
    with pytest.raises(ValueError, match="a cdf needs a mixture in 1 dimension, this one has 2"):
        plane.cdf(torch.zeros(1, 2))
    with pytest.raises(ValueError, match="a cdf needs a mixture in 1 dimension, this one has 2"):
        plane.quantile(torch.tensor([0.5]))
