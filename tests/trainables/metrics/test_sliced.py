import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from torch import Tensor

from trainables.data import Mixture
from trainables.metrics.sliced import sliced_wasserstein, slices, wasserstein_1d, wasserstein_to_mixture


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def two_modes() -> Mixture:
    return Mixture(torch.tensor([0.3, 0.7]), torch.tensor([[-1.0], [2.0]]), torch.tensor([0.25, 1.0]))


@pytest.mark.property
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 10**6))
def test_as_scipys_wasserstein_distance(n: int, m: int, seed: int) -> None:
    x, y = normal(2, n, seed=seed), 2 * normal(m, seed=seed + 1) + 1
    exact = [stats.wasserstein_distance(replica.numpy(), y.numpy()) for replica in x]
    assert wasserstein_1d(x, y.sort().values).tolist() == pytest.approx(exact, rel=1e-10)


@pytest.mark.golden
@pytest.mark.parametrize("c", [-3.0, 0.0, 0.7])
def test_a_point_mass_from_a_gaussian(c: float) -> None:
    # E|X − c| of the standard normal is 2φ(c) + c(2Φ(c) − 1).
    mixture = Mixture(torch.ones(1), torch.zeros(1, 1), torch.ones(1))
    exact = 2 * stats.norm.pdf(c) + c * (2 * stats.norm.cdf(c) - 1)
    for n in (1, 7):
        collapsed = torch.full((1, n), c, dtype=torch.float64)
        assert wasserstein_to_mixture(collapsed, mixture).item() == pytest.approx(exact, rel=1e-9)


def test_the_distance_to_a_mixture_by_quadrature() -> None:
    # W₁ = ∫ |F_n − F|, split at the samples.
    samples, mixture = normal(1, 12, seed=3), two_modes()
    points = np.sort(samples[0].numpy())

    def gap(t: float) -> float:
        truth = 0.3 * stats.norm.cdf(t, -1, 0.5) + 0.7 * stats.norm.cdf(t, 2, 1)
        return float(abs(np.searchsorted(points, t, side="right") / 12 - truth))

    edges = [-12.0, *points, 12.0]
    exact = sum(integrate.quad(gap, low, high, limit=200, epsabs=1e-11)[0] for low, high in itertools.pairwise(edges))
    assert wasserstein_to_mixture(samples, mixture).item() == pytest.approx(exact, rel=1e-6)


def test_a_large_reference_sample_approaches_the_mixture() -> None:
    mixture, samples = two_modes(), normal(3, 500)
    reference = mixture.sample(400_000, torch.Generator().manual_seed(1))[0].squeeze(-1).sort().values
    exact = wasserstein_to_mixture(samples, mixture)
    torch.testing.assert_close(wasserstein_1d(samples, reference), exact, rtol=0.01, atol=0)


def test_the_floor_in_one_dimension_falls_with_the_root_of_n() -> None:
    mixture, generator = two_modes(), torch.Generator().manual_seed(0)
    mean = {}
    for n in (100, 1600):
        fresh = torch.stack([mixture.sample(n, generator)[0].squeeze(-1) for _ in range(200)])
        mean[n] = wasserstein_to_mixture(fresh, mixture).mean().item()
    assert mean[100] / mean[1600] == pytest.approx(4, rel=0.15)


@pytest.mark.golden
def test_a_shift_in_every_direction() -> None:
    # Projections shift by θ·v, of mean square ‖v‖²/d over directions.
    y = normal(500, 2)
    reference = slices(y, 4096, torch.Generator().manual_seed(0))
    shift = torch.tensor([3.0, 4.0])
    distance = sliced_wasserstein((y + shift).unsqueeze(0), reference).item()
    assert distance == pytest.approx(5 / math.sqrt(2), rel=0.02)


@pytest.mark.parametrize(("n", "m"), [(50, 50), (30, 70), (90, 40), (1, 9)])
def test_sliced_in_one_dimension_is_w2(n: int, m: int) -> None:
    x, y = normal(1, n, 1), 2 * normal(m, 1, seed=1)
    # Repeating each point brings both samples to the same size, where W₂ pairs sorted points.
    many_x, many_y = (points.flatten().repeat_interleave(n * m // points.numel()).sort().values for points in (x, y))
    exact = (many_x - many_y).square().mean().sqrt().item()
    reference = slices(y, 3, torch.Generator().manual_seed(0))
    assert sliced_wasserstein(x, reference).item() == pytest.approx(exact, rel=1e-9)


def test_the_generator_fixes_the_directions() -> None:
    y = normal(20, 5)
    first, again = (slices(y, 7, torch.Generator().manual_seed(4)) for _ in range(2))
    other = slices(y, 7, torch.Generator().manual_seed(5))
    assert torch.equal(first.directions, again.directions)
    assert not torch.equal(first.directions, other.directions)
    torch.testing.assert_close(first.directions.norm(dim=0), torch.ones(7, dtype=torch.float64))


def test_a_collapsed_generator_is_farther_than_a_fresh_sample() -> None:
    reference = slices(normal(1000, 2), 64, torch.Generator().manual_seed(0))
    fresh, collapsed = normal(1, 1000, 2, seed=1), torch.zeros(1, 1000, 2)
    assert sliced_wasserstein(collapsed, reference).item() > 5 * sliced_wasserstein(fresh, reference).item()


def test_a_replica_that_is_not_finite_is_nan_alone() -> None:
    samples = normal(2, 10, 1)
    samples[0, 0] = torch.nan
    reference = slices(normal(10, 1), 3, torch.Generator().manual_seed(0))
    for distance in (
        sliced_wasserstein(samples, reference),
        wasserstein_1d(samples.squeeze(-1), torch.arange(4.0)),
        wasserstein_to_mixture(samples.squeeze(-1), two_modes()),
    ):
        assert distance.isnan().tolist() == [True, False]
