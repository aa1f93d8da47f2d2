import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats
from torch import Tensor

from trainables.data import load
from trainables.metrics.modes import (
    class_modes,
    high_quality_share,
    histogram,
    histogram_divergences,
    mass_js,
    mixture_modes,
    nearest_mode,
    shell_bounds,
)


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
    for name in ("modes", "modes_held", "modes_covered"):
        assert (measured[name] == 8).all()
    assert measured["high_quality"].mean().item() == pytest.approx(0.9889, abs=1e-3)
    # 33 bins have 32 degrees of freedom: E JS = 32/8n to first order.
    assert measured["mass_js"].mean().item() == pytest.approx(4 / 2500, rel=0.1)


def test_shells_hold_equal_parts_of_a_mode_and_tell_one_that_is_shrunken_or_beside_its_place() -> None:
    for dimensions in (1, 2, 5):
        bounds = [*shell_bounds(dimensions, torch.device("cpu")).tolist(), 9.0]
        parts = np.diff(stats.chi2(dimensions).cdf([0, *bounds]))
        assert parts == pytest.approx([parts.sum() / 4] * 4)
    generator = torch.Generator().manual_seed(1)
    one = torch.zeros(1, 2), torch.ones(1)
    drawn = torch.randn(10, 2500, 2, generator=generator, dtype=torch.float64)
    moved = torch.tensor([1.0, 0.0])
    found = {
        name: float(mixture_modes(samples, torch.ones(1), *one)["mass_js"].mean())
        for name, samples in {"true": drawn, "shrunken": 0.3 * drawn, "beside": drawn + moved}.items()
    }
    assert found["true"] < 0.001
    assert found["shrunken"] > 0.3
    assert found["beside"] > 20 * found["true"]


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
    assert (measured["modes_held"].item(), measured["modes_covered"].item()) == (1, 1)


def test_samples_far_from_every_mode_belong_but_capture_nothing() -> None:
    weights, means, variances = ring()
    measured = mixture_modes((0.5 * means).unsqueeze(0), weights, means, variances)
    assert measured["modes"].item() == 0
    assert measured["high_quality"].item() == 0
    assert measured["mode_histogram"].tolist() == [[1] * 8]
    assert measured["reverse_kl"].item() == pytest.approx(0, abs=1e-12)
    assert (measured["modes_held"].item(), measured["modes_covered"].item()) == (8, 0)
    # All are in the bin of no mode, to which the data give 1 - p: JS = ½ log(1/m) + ½ (p log 2 + (1-p) log((1-p)/m)),
    # m = (2 - p)/2.
    p = 1 - math.exp(-4.5)
    middle = (2 - p) / 2
    exact = 0.5 * math.log(1 / middle) + 0.5 * (p * math.log(2) + (1 - p) * math.log((1 - p) / middle))
    assert measured["mass_js"].item() == pytest.approx(exact)


def test_one_lucky_sample_captures_a_mode_and_a_tenth_of_its_share_holds_it() -> None:
    weights, means, variances = ring()
    # Of 800 samples a mode should have 100, of which 98.9 are of high quality: 10 are a tenth of both.
    counts = [1, 9, 10, 11, 0, 0, 0, 769]
    samples = torch.cat([mean.expand(count, 2) for mean, count in zip(means, counts, strict=True)]).unsqueeze(0)
    measured = mixture_modes(samples, weights, means, variances)
    assert [measured[name].item() for name in ("modes", "modes_held", "modes_covered")] == [5, 3, 3]
    # Moved out of every mode but to its own side, the samples still hold their modes and cover none.
    measured = mixture_modes(0.8 * samples, weights, means, variances)
    assert [measured[name].item() for name in ("modes", "modes_held", "modes_covered")] == [0, 3, 0]


def test_a_mode_is_measured_by_its_own_weight() -> None:
    means, variances = torch.tensor([[0.0], [100.0]]), torch.ones(2)
    weights = torch.tensor([0.9, 0.1], dtype=torch.float64)
    rare = mixture_modes(torch.tensor([0.0] * 990 + [100.0] * 10).reshape(1, -1, 1), weights, means, variances)
    frequent = mixture_modes(torch.tensor([0.0] * 10 + [100.0] * 990).reshape(1, -1, 1), weights, means, variances)
    assert (rare["modes_held"].item(), frequent["modes_held"].item()) == (2, 1)


def test_a_blob_over_the_ring_has_modes_and_no_mass_in_them() -> None:
    # N(0, 2 I) has the ring's moments: FID nearly 0, but hardly a sample of high quality.
    data = load("ring", points=10, heldout=10)
    assert data.mixture is not None
    blob = math.sqrt(2) * torch.randn(20, 2500, 2, generator=torch.Generator().manual_seed(0))
    measured = mixture_modes(blob, data.mixture.weights, data.mixture.means, data.mixture.variances)
    assert (measured["modes_held"] == 8).all()
    assert (measured["modes_covered"] == 0).all()
    assert (measured["mass_js"] > 0.6).all()


@pytest.mark.property
@given(st.lists(st.integers(0, 50), min_size=1, max_size=12).filter(any), st.integers(0, 100), st.integers(1, 3))
def test_where_the_mass_lies_as_scipy_has_it(good: list[int], rest: int, dimensions: int) -> None:
    share = float(stats.chi2(dimensions).cdf(9))
    assert high_quality_share(dimensions) == pytest.approx(share, rel=1e-12)
    q = torch.tensor([*good, rest]).double() / (sum(good) + rest)
    p = torch.tensor([share / len(good)] * len(good) + [1 - share], dtype=torch.float64)
    middle = ((q + p) / 2).numpy()
    js = (special.rel_entr(q.numpy(), middle).sum() + special.rel_entr(p.numpy(), middle).sum()) / 2
    assert mass_js(torch.tensor([good]), sum(good) + rest, p[:-1]).item() == pytest.approx(js, abs=1e-12)


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
    samples = means.repeat(2, 2, 1)
    samples[0, 0, 0] = torch.inf
    measured = mixture_modes(samples, weights, means, variances)
    for name in ("modes", "modes_held", "modes_covered", "high_quality", "reverse_kl", "mass_js", "mass_js_error"):
        assert measured[name].isnan().tolist() == [True, False]
    assert measured["mode_histogram"].tolist() == [[0] * 8, [2] * 8]


def test_classes_are_captured_by_any_sample() -> None:
    measured = class_modes(torch.tensor([[0, 0, 0, 2], [0, 1, 2, 3]]), torch.full((4,), 0.25))
    assert measured["modes"].tolist() == measured["modes_held"].tolist() == measured["modes_covered"].tolist() == [2, 4]
    assert measured["mode_histogram"].tolist() == [[3, 0, 1, 0], [1, 1, 1, 1]]
    assert measured["reverse_kl"][1].item() == pytest.approx(0, abs=1e-12)
    assert "high_quality" not in measured


def test_a_class_is_held_by_a_tenth_of_its_share_and_never_without_one() -> None:
    predicted = torch.tensor([[0] * 96 + [1] * 3 + [2]])
    measured = class_modes(predicted, torch.tensor([0.5, 0.3, 0.2, 0.0], dtype=torch.float64))
    assert measured["modes"].tolist() == [3]
    assert measured["modes_held"].tolist() == measured["modes_covered"].tolist() == [2]


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
