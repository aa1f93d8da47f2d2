import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats
from torch import Tensor

from trainables.data import load
from trainables.metrics.modes import class_modes, histogram, histogram_divergences, mixture_modes, nearest_mode


def ring() -> tuple[Tensor, Tensor, Tensor]:
    angles = 2 * math.pi * torch.arange(8, dtype=torch.float64) / 8
    means = torch.stack([angles.cos(), angles.sin()], 1)
    return torch.full((8,), 1 / 8), means, torch.full((8,), 0.02**2)


@pytest.mark.golden
@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_a_perfect_sampler_has_the_chi_squared_fraction_of_high_quality(dimensions: int) -> None:
    # P(χ²_d <= 9): 99.73 %, 98.89 % and 97.07 %.
    exact = stats.chi2(dimensions).cdf(9)
    points = 0.1 * torch.randn(1, 200_000, dimensions, generator=torch.Generator().manual_seed(0))
    measured = mixture_modes(points, torch.ones(1), torch.zeros(1, dimensions), torch.tensor([0.01]))
    assert measured["high_quality"].item() == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 200_000))


@pytest.mark.golden
def test_the_floor_of_the_reverse_kl() -> None:
    # E KL(q̂‖w) = (K − 1)/2n to first order.
    data = load("ring", points=10, heldout=10)
    assert data.mixture is not None
    generator = torch.Generator().manual_seed(0)
    samples = torch.stack([data.mixture.sample(2500, generator)[0] for _ in range(200)])
    measured = mixture_modes(samples, data.mixture.weights, data.mixture.means, data.mixture.variances)
    assert measured["reverse_kl"].mean().item() == pytest.approx(7 / 5000, rel=0.1)
    assert (measured["modes"] == 8).all()
    assert measured["high_quality"].mean().item() == pytest.approx(0.9889, abs=1e-3)


def test_a_collapsed_generator() -> None:
    weights, means, variances = ring()
    measured = mixture_modes(means[3].expand(1, 500, 2), weights, means, variances)
    assert measured["modes"].item() == 1
    assert measured["high_quality"].item() == 1
    assert measured["reverse_kl"].item() == pytest.approx(math.log(8))
    assert measured["mode_histogram"].tolist() == [[0, 0, 0, 500, 0, 0, 0, 0]]
    # JS of a point mass and the uniform over 8: ½ log(16/9) + ½ (⅛ log(2/9) + ⅞ log 2).
    exact = 0.5 * math.log(16 / 9) + 0.5 * (math.log(2 / 9) / 8 + 7 * math.log(2) / 8)
    assert measured["mode_js"].item() == pytest.approx(exact)


def test_samples_far_from_every_mode_belong_but_capture_nothing() -> None:
    weights, means, variances = ring()
    measured = mixture_modes((0.5 * means).unsqueeze(0), weights, means, variances)
    assert measured["modes"].item() == 0
    assert measured["high_quality"].item() == 0
    assert measured["mode_histogram"].tolist() == [[1] * 8]
    assert measured["reverse_kl"].item() == pytest.approx(0, abs=1e-12)


def test_the_edge_of_high_quality_is_three_of_the_modes_own_deviations() -> None:
    means, variances = torch.tensor([[0.0], [100.0]]), torch.tensor([1.0, 4.0])
    samples = torch.tensor([2.99, 3.01, 100 - 5.99, 100 + 6.01]).reshape(4, 1, 1)
    measured = mixture_modes(samples, torch.ones(2) / 2, means, variances)
    assert measured["high_quality"].tolist() == [1, 0, 1, 0]
    assert measured["modes"].tolist() == [1, 0, 1, 0]


def test_a_tight_mode_far_from_the_origin() -> None:
    means = torch.tensor([[1e4, 0.0], [-1e4, 0.0]])
    samples = torch.tensor([[[1e4 + 0.002, 0.0]]], dtype=torch.float64)
    _, squared = nearest_mode(samples, means)
    assert squared.item() == pytest.approx(4e-6, abs=1e-6)


def test_a_replica_that_is_not_finite_is_nan_alone() -> None:
    weights, means, variances = ring()
    samples = means.expand(2, 8, 2).clone()
    samples[0, 0, 0] = torch.inf
    measured = mixture_modes(samples, weights, means, variances)
    for name in ("modes", "high_quality", "reverse_kl", "mode_js"):
        assert measured[name].isnan().tolist() == [True, False]
    assert measured["mode_histogram"].tolist() == [[0] * 8, [1] * 8]


def test_classes_are_captured_by_any_sample() -> None:
    measured = class_modes(torch.tensor([[0, 0, 0, 2], [0, 1, 2, 3]]), torch.full((4,), 0.25))
    assert measured["modes"].tolist() == [2, 4]
    assert measured["mode_histogram"].tolist() == [[3, 0, 1, 0], [1, 1, 1, 1]]
    assert measured["reverse_kl"][1].item() == pytest.approx(0, abs=1e-12)
    assert "high_quality" not in measured


def test_a_mode_that_the_data_lack_is_infinitely_wrong() -> None:
    measured = histogram_divergences(torch.tensor([[1, 1]]), torch.tensor([1.0, 0.0]))
    assert measured["reverse_kl"].item() == math.inf
    assert measured["mode_js"].isfinite().all()


def test_a_masked_histogram_counts_the_masked() -> None:
    counts = histogram(torch.tensor([[0, 1, 1]]), 3, torch.tensor([[True, False, True]]))
    assert counts.tolist() == [[1, 1, 0]]


@pytest.mark.property
@given(st.lists(st.integers(0, 50), min_size=2, max_size=12).filter(any), st.integers(0, 1000))
def test_divergences_as_scipy_has_them(counts: list[int], seed: int) -> None:
    weights = 0.01 + torch.rand(len(counts), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    weights = weights / weights.sum()
    measured = histogram_divergences(torch.tensor([counts]), weights)
    q, w = torch.tensor(counts).double() / sum(counts), weights
    middle = ((q + w) / 2).numpy()
    kl = special.rel_entr(q.numpy(), w.numpy()).sum()
    js = (special.rel_entr(q.numpy(), middle).sum() + special.rel_entr(w.numpy(), middle).sum()) / 2
    assert measured["reverse_kl"].item() == pytest.approx(kl, abs=1e-12)
    assert measured["mode_js"].item() == pytest.approx(js, abs=1e-12)
    assert 0 <= measured["mode_js"].item() <= math.log(2)
