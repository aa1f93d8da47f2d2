import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

from trainables.metrics.frechet import (
    frechet_between,
    frechet_distance,
    gaussian_from_moments,
    gaussian_from_samples,
)


def correlated(count: int, width: int, seed: int, replicas: int = 1) -> Tensor:
    """Samples (R, n, d) whose coordinates have unequal variances and are correlated."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(width, width, generator=generator, dtype=torch.float64) / width**0.5
    shift = torch.rand(width, generator=generator, dtype=torch.float64)
    noise = torch.randn(replicas, count, width, generator=generator, dtype=torch.float64)
    return torch.matmul(noise, mixing) + shift


def by_sqrtm(x: Tensor, y: Tensor) -> float:
    """The textbook formula, with a matrix square root."""
    (a, b), (s, t) = (x.numpy().mean(0), y.numpy().mean(0)), (np.cov(x.numpy().T), np.cov(y.numpy().T))
    root = np.asarray(scipy.linalg.sqrtm(s @ t))
    return float(((a - b) ** 2).sum() + np.trace(s) + np.trace(t) - 2 * np.trace(root).real)


@pytest.mark.parametrize("width", [2, 5, 64, 300])
def test_as_scipys_matrix_square_root(width: int) -> None:
    x, y = correlated(4 * width, width, 0), correlated(3 * width, width, 1)[0]
    assert frechet_distance(x, gaussian_from_samples(y)).item() == pytest.approx(by_sqrtm(x[0], y), rel=1e-6)


def test_as_torch_fidelity_from_the_same_features() -> None:
    x, y = correlated(500, 64, 0), correlated(400, 64, 1)[0]
    theirs = fid_statistics_to_metric(fid_features_to_statistics(x[0]), fid_features_to_statistics(y), False)
    ours = frechet_distance(x, gaussian_from_samples(y)).item()
    assert ours == pytest.approx(theirs["frechet_inception_distance"], rel=1e-9)


def test_moments_and_samples_agree() -> None:
    x, y = correlated(300, 8, 0, replicas=3), correlated(200, 8, 1)[0]
    covariances = torch.stack([torch.cov(replica.T) for replica in x])
    reference = gaussian_from_moments(y.mean(0), torch.cov(y.T))
    torch.testing.assert_close(
        frechet_between(x.mean(1), covariances, reference), frechet_distance(x, gaussian_from_samples(y))
    )


@pytest.mark.golden
def test_commuting_covariances_have_a_closed_form() -> None:
    # For diagonal covariances d² = ‖μ₁ − μ₂‖² + Σ (σ₁ − σ₂)² (Dowson & Landau 1982).
    first, second = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.5, 2.5, 0.0])
    reference = gaussian_from_moments(torch.zeros(3), first.square().diag())
    distance = frechet_between(torch.tensor([[1.0, 0.0, 2.0]]), second.square().diag()[None], reference)
    assert distance.item() == pytest.approx(5.0 + 0.25 + 0.25 + 9.0, rel=1e-12)


@pytest.mark.golden
@pytest.mark.parametrize(("points", "width"), [(40, 2), (400, 30)])
def test_a_shift_costs_its_square(points: int, width: int) -> None:
    x = correlated(points, width, 0)
    shifted = frechet_distance(x + 3.0, gaussian_from_samples(x[0]))
    assert shifted.item() == pytest.approx(9.0 * width, rel=1e-9)


@pytest.mark.parametrize(("generated", "real"), [(20, 30), (30, 20), (200, 20), (20, 200)])
def test_fewer_samples_than_features(generated: int, real: int) -> None:
    # Against the exact singular value form on the centred samples, which needs no covariance at all.
    x, y = correlated(generated, 100, 0), correlated(real, 100, 1)[0]
    a, b = (x[0] - x[0].mean(0)) / (generated - 1) ** 0.5, (y - y.mean(0)) / (real - 1) ** 0.5
    overlap = torch.linalg.svdvals(a @ b.T).sum()
    exact = (x[0].mean(0) - y.mean(0)).square().sum() + a.square().sum() + b.square().sum() - 2 * overlap
    ours = frechet_distance(x, gaussian_from_samples(y)).item()
    assert ours == pytest.approx(exact.item(), rel=1e-7)


def test_samples_equal_to_the_reference_have_distance_nought() -> None:
    for x in (correlated(500, 20, 0), correlated(20, 500, 0)):
        assert frechet_distance(x, gaussian_from_samples(x[0])).item() <= 1e-9 * x.var(1).sum().item()


def test_a_collapsed_replica_is_measured() -> None:
    # All samples in one point c: d² = ‖c − μ‖² + tr Σ.
    y = correlated(300, 10, 1)[0]
    collapsed = torch.full((1, 50, 10), 0.25)
    exact = (0.25 - y.mean(0)).square().sum() + torch.cov(y.T).trace()
    assert frechet_distance(collapsed, gaussian_from_samples(y)).item() == pytest.approx(exact.item(), rel=1e-12)


def test_a_reference_without_variance() -> None:
    x = correlated(50, 3, 0)
    reference = gaussian_from_moments(x[0].mean(0), torch.zeros(3, 3))
    assert frechet_distance(x, reference).item() == pytest.approx(torch.cov(x[0].T).trace().item(), rel=1e-12)


def test_constant_coordinates_change_nothing() -> None:
    # As the always blank corners of digits: both covariances are singular.
    x, y = correlated(400, 6, 0), correlated(300, 6, 1)[0]
    blank = torch.nn.functional.pad
    with_blanks = frechet_distance(blank(x, (2, 3)), gaussian_from_samples(blank(y, (2, 3))))
    torch.testing.assert_close(with_blanks, frechet_distance(x, gaussian_from_samples(y)), rtol=1e-10, atol=0)


def test_a_nearly_singular_covariance_keeps_its_digits() -> None:
    # Squaring would leave an error of about 1e-8 in each small standard deviation; the answer is exact.
    tiny = torch.logspace(0, -12, 7, dtype=torch.float64)
    x = torch.linalg.qr(correlated(100, 7, 0)[0] - correlated(100, 7, 0)[0].mean(0))[0] * tiny
    doubled = frechet_distance(2 * x[None] - x.mean(0), gaussian_from_samples(x))
    assert doubled.item() == pytest.approx(x.var(0).sum().item(), rel=1e-12)


def test_each_replica_is_measured_as_if_alone() -> None:
    x, reference = correlated(200, 5, 0, replicas=4), gaussian_from_samples(correlated(300, 5, 1)[0])
    alone = torch.cat([frechet_distance(x[i : i + 1], reference) for i in range(4)])
    torch.testing.assert_close(frechet_distance(x, reference), alone, rtol=1e-12, atol=0)


def test_a_replica_that_is_not_finite_is_nan_alone() -> None:
    x = correlated(50, 4, 0, replicas=3)
    x[1, 7, 2] = torch.nan
    distance = frechet_distance(x, gaussian_from_samples(x[0]))
    assert distance.isnan().tolist() == [False, True, False]


def test_a_mask_leaves_samples_out() -> None:
    x, reference = correlated(60, 4, 0, replicas=2), gaussian_from_samples(correlated(300, 4, 1)[0])
    present = torch.arange(60) < torch.tensor([[60], [35]])
    apart = torch.cat([frechet_distance(x[:1], reference), frechet_distance(x[1:, :35], reference)])
    torch.testing.assert_close(frechet_distance(x, reference, present), apart)


def test_float32_samples_are_measured_in_float64() -> None:
    x, reference = correlated(100, 4, 0), gaussian_from_samples(correlated(300, 4, 1)[0])
    distance = frechet_distance(x.float() + 1000, reference)
    assert distance.dtype == torch.float64
    assert distance.item() == pytest.approx(frechet_distance((x.float() + 1000).double(), reference).item(), rel=1e-12)


def test_one_sample_has_no_covariance() -> None:
    reference = gaussian_from_samples(correlated(30, 3, 0)[0])
    with pytest.raises(ValueError, match="needs at least 2 samples, got 1"):
        frechet_distance(torch.zeros(2, 1, 3), reference)


@pytest.mark.property
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(2, 40), st.integers(2, 40))
def test_symmetric_and_not_negative(seed: int, width: int, n: int, m: int) -> None:
    x, y = correlated(n, width, seed), correlated(m, width, seed + 1)
    there = frechet_distance(x, gaussian_from_samples(y[0])).item()
    back = frechet_distance(y, gaussian_from_samples(x[0])).item()
    assert there >= 0
    assert there == pytest.approx(back, rel=1e-7, abs=1e-9)
