"""Where the modes stand, and that the points are those of the truth, labelled by mode and fixed by the seed."""

import math
from typing import Any

import pytest
import torch
from scipy import stats

from trainables.data import load
from trainables.data.catalogue import DATASETS
from trainables.data.synthetic import Grid, KnownMixture, Ring, Sixteen

NAMES = [name for name, kind in DATASETS.items() if issubclass(kind, KnownMixture)]
WRITTEN: dict[str, Any] = {"means": [[0, 0], [3, 1], [0, 4]], "variances": [0.04, 0.01, 0.25], "weights": [1, 2, 1]}


def settings(name: str) -> dict[str, Any]:
    return dict(WRITTEN) if name == "mixture" else {}


def test_a_ring_has_its_first_mode_at_angle_zero_and_no_mode_twice() -> None:
    means = Ring(modes=4, radius=3.0).exact().means
    expected = torch.tensor([[3, 0], [0, 3], [-3, 0], [0, -3]], dtype=torch.float64)
    torch.testing.assert_close(means, expected, atol=1e-15, rtol=0)
    eight = Ring(modes=8).exact().means
    neighbours = 2 * 2.0 * math.sin(math.pi / 8)  # the chord; a doubled mode would make it 0
    distances = torch.pdist(eight)
    assert distances.min().item() == pytest.approx(neighbours)
    assert (distances < neighbours * 1.001).sum() == 8


def test_the_covariance_of_a_ring() -> None:
    covariance = Ring(modes=8, radius=2.0, std=0.02).exact().covariance
    expected = (2.0**2 / 2 + 0.02**2) * torch.eye(2, dtype=torch.float64)
    torch.testing.assert_close(covariance, expected, atol=1e-14, rtol=0)


def test_a_grid_by_rows() -> None:
    means = Grid(modes=9, spacing=0.5).exact().means
    assert means.tolist() == [[x, y] for x in (-0.5, 0.0, 0.5) for y in (-0.5, 0.0, 0.5)]


@pytest.mark.parametrize(("grid", "side"), [(Grid(), 5), (Grid(modes=4), 2), (Sixteen(), 4)])
def test_the_covariance_of_a_grid(grid: Grid | Sixteen, side: int) -> None:
    truth = grid.exact()
    assert truth.modes == side**2
    assert truth.mean.tolist() == pytest.approx([0, 0], abs=1e-15)
    expected = grid.spacing**2 * (side**2 - 1) / 12 + grid.std**2
    torch.testing.assert_close(truth.covariance, expected * torch.eye(2, dtype=torch.float64))


@pytest.mark.parametrize("name", ["ring", "grid"])
def test_there_are_not_more_modes_than_can_be_counted(name: str) -> None:
    said = r"^data\.modes: expected a whole number from 1 to 10,000, got 100000000$"
    with pytest.raises(ValueError, match=said):
        load(name, modes=10**8)


def test_a_grid_must_be_square() -> None:
    with pytest.raises(ValueError, match=r"^data\.modes: expected a square number, 25 for a grid of 5 x 5, got 5$"):
        load("grid", modes=5)


def test_one_gaussian_has_no_labels() -> None:
    data = load("gaussian", mean=-2.0, std=3.0, points=20_000, heldout=50)
    assert (data.shape, data.classes) == ((1,), 0)
    assert data.labels is None
    assert data.heldout_labels is None
    assert stats.kstest(data.train.squeeze(-1).numpy(), "norm", args=(-2.0, 3.0)).pvalue > 0.01


def test_a_gaussian_of_many_dimensions() -> None:
    plane = load("gaussian", dimensions=2, points=4000, heldout=10)
    assert plane.mixture is not None
    assert plane.mixture.mean.tolist() == [4, 4]
    many = load("gaussian", dimensions=5, mean=1.0, std=2.0, points=4000, heldout=10)
    assert (many.shape, many.mixture, many.labels) == ((5,), None, None)
    torch.testing.assert_close(many.train.mean(0), torch.ones(5), atol=0.15, rtol=0)
    torch.testing.assert_close(torch.cov(many.train.T), 4 * torch.eye(5), atol=0.4, rtol=0)


def test_a_gaussian_with_a_spectrum_has_it_along_axes_of_the_seed() -> None:
    spread = [3.0, 1.0, 0.5, 0.1]
    settings: dict[str, Any] = {"spectrum": spread, "points": 20_000, "heldout": 20_000}
    data = load("gaussian", **settings)
    assert data.shape == (4,)
    for part in (data.train, data.heldout):
        deviations = torch.linalg.eigvalsh(torch.cov(part.T.double())).sqrt().flip(0)
        assert deviations.tolist() == pytest.approx(spread, rel=0.03)
    covariance, same, other = (
        torch.cov(part.T) for part in (data.train, data.heldout, load("gaussian", **settings, seed=1).train)
    )
    torch.testing.assert_close(covariance, same, atol=0.3, rtol=0)
    assert float((covariance - other).abs().max()) > 1
    axis = load("gaussian", spectrum={"low": 0.01, "high": 1.0, "count": 75}, points=10, heldout=10)
    assert axis.shape == (75,)


def test_a_mixture_written_down() -> None:
    data = load("mixture", **WRITTEN, points=100, heldout=10)
    assert (data.shape, data.classes) == ((2,), 3)
    assert data.mixture is not None
    assert data.mixture.weights.tolist() == [0.25, 0.5, 0.25]
    assert data.mixture.variances.tolist() == [0.04, 0.01, 0.25]


def test_a_mixture_on_a_line_with_equal_weights() -> None:
    data = load("mixture", means=[-1.0, 2], variances=[1, 1], points=10, heldout=10)
    assert (data.shape, data.classes) == ((1,), 2)
    assert data.mixture is not None
    assert data.mixture.weights.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("key", ["weights", "variances"])
def test_lists_of_unequal_length(key: str) -> None:
    with pytest.raises(ValueError, match=rf"^data\.{key}: expected 3 numbers, one for each mean, got \[1.0, 2.0\]$"):
        load("mixture", **{**WRITTEN, key: [1, 2]})


@pytest.mark.parametrize("name", NAMES)
def test_points_are_the_truths(name: str) -> None:
    data = load(name, **settings(name), points=20_000, heldout=2_000)
    assert data.mixture is not None
    assert (len(data.train), len(data.heldout)) == (20_000, 2_000)
    truth = data.mixture
    for points in (data.train, data.heldout):
        error = 4 * (truth.covariance.diagonal() / len(points)).sqrt()
        assert ((points.double().mean(0) - truth.mean).abs() < error).all()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "gaussian"])
def test_the_label_is_the_mode(name: str) -> None:
    data = load(name, **settings(name), points=20_000, heldout=2_000)
    assert data.mixture is not None
    assert data.labels is not None
    standard = (data.train.double() - data.mixture.means[data.labels]) / data.mixture.variances[
        data.labels
    ].sqrt().unsqueeze(-1)
    squared = standard.square().sum(-1).numpy()
    assert stats.kstest(squared, "chi2", args=(data.shape[0],)).pvalue > 0.001
    expected = 20_000 * data.mixture.weights.numpy()
    assert stats.chisquare(data.labels.bincount(minlength=data.classes).numpy(), expected).pvalue > 0.001


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_fixes_the_points(name: str) -> None:
    first, again, other = (load(name, **settings(name), points=50, heldout=50, seed=seed) for seed in (7, 7, 8))
    assert torch.equal(first.train, again.train)
    assert torch.equal(first.heldout, again.heldout)
    assert not torch.equal(first.train, other.train)
    assert not torch.equal(first.heldout, other.heldout)
    assert not torch.equal(first.train, first.heldout)


def test_more_training_points_leave_the_heldout_ones() -> None:
    few, many = (load("ring", points=points, heldout=50) for points in (10, 1_000))
    assert torch.equal(few.heldout, many.heldout)


def test_points_are_not_the_noise_of_a_generator_with_the_same_seed() -> None:
    data = load("gaussian", mean=0.0, std=1.0, points=1_000, heldout=10, seed=3)
    noise = torch.randn(1_000, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    correlation = torch.corrcoef(torch.stack([data.train.squeeze(-1).double(), noise]))[0, 1]
    assert abs(correlation.item()) < 0.15
