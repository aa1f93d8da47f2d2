from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from scipy.integrate import dblquad, quad
from torch import Tensor

from trainables.data import load
from trainables.data.mixture import Mixture
from trainables.metrics.densities import WEIGHTS, Grid, Pair, integral, smoothed_divergences


def mixture(weights: list[float], means: list[list[float]], variances: list[float]) -> Mixture:
    return Mixture(*(torch.tensor(part, dtype=torch.float64) for part in (weights, means, variances)))


P = mixture([0.5, 0.5], [[-1.0], [1.0]], [0.25, 0.25])
Q = mixture([1.0], [[0.3]], [1.0])


def drawn(which: Mixture, replicas: int, count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.stack([which.sample(count, generator)[0] for _ in range(replicas)])


def density(which: Mixture, *x: float) -> float:
    return float(which.density(torch.tensor(x, dtype=torch.float64)))


TEXTBOOK: dict[str, Callable[[float, float], float]] = {
    "density_js": lambda p, q: (p * math.log(2 * p / (p + q)) + q * math.log(2 * q / (p + q))) / 2,
    "density_kl": lambda p, q: p * math.log(p / q),
    "density_reverse_kl": lambda p, q: q * math.log(q / p),
    "density_tv": lambda p, q: abs(p - q) / 2,
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_are_the_textbooks_integrands(name: str) -> None:
    for p, q in ((0.3, 0.7), (2.0, 0.1), (1.0, 1.0), (1e-3, 5.0)):
        weighed = (p + q) * WEIGHTS[name](torch.tensor(math.log(p / q), dtype=torch.float64))
        assert weighed.item() == pytest.approx(TEXTBOOK[name](p, q), abs=1e-14)


@pytest.mark.parametrize("name", WEIGHTS)
def test_many_samples_on_a_line_come_to_the_smoothed_truth(name: str) -> None:
    grid = Grid(P, 2500)
    wide = mixture([1.0], [[0.3]], [1.0 + float(grid.smoothed.variances[0] - P.variances[0])])
    truth, _ = quad(lambda x: TEXTBOOK[name](density(grid.smoothed, x), density(wide, x)), -7, 7, limit=300)
    found = smoothed_divergences(drawn(Q, 1, 1_000_000), grid)[name].item()
    assert found == pytest.approx(truth, rel=0.01)


def test_in_the_plane_too() -> None:
    p = mixture([0.5, 0.5], [[-1.0, 0.0], [1.0, 0.0]], [0.25, 0.25])
    q = mixture([1.0], [[0.0, 0.2]], [0.5])
    grid = Grid(p, 20_000)
    added = float(grid.smoothed.variances[0]) - 0.25
    wide = mixture([1.0], [[0.0, 0.2]], [0.5 + added])

    def tv(y: float, x: float) -> float:
        return abs(density(grid.smoothed, x, y) - density(wide, x, y)) / 2

    truth, _ = dblquad(tv, -4, 4, -4, 4, epsabs=1e-3)
    found = smoothed_divergences(drawn(q, 1, 200_000), grid)["density_tv"].item()
    assert found == pytest.approx(truth, abs=0.005)


@pytest.mark.parametrize("name", ["ring", "grid", "gaussian"])
def test_both_densities_have_mass_one_and_a_perfect_sampler_a_small_floor(name: str) -> None:
    truth = load(name, points=10, heldout=10).mixture
    assert truth is not None
    grid = Grid(truth, 2500)
    samples = drawn(truth, 1, 2500)
    pair = grid.pair(samples[0])
    for part in (pair.log_p, pair.log_q):
        assert (part.exp() * pair.volume).sum().item() == pytest.approx(1, abs=1e-6)
    floor = {key: values.item() for key, values in smoothed_divergences(samples, grid).items()}
    assert 0 < floor["density_js"] < 0.02
    assert 0 < floor["density_tv"] < 0.13
    assert 0 < floor["density_kl"] < 0.12


def test_smoothing_only_lowers() -> None:
    few, many = Grid(P, 100), Grid(P, 10**6)
    assert few.bandwidth > many.bandwidth
    samples = drawn(Q, 1, 500_000)
    for name, value in smoothed_divergences(samples, few).items():
        assert value.item() < smoothed_divergences(samples, many)[name].item()


def test_a_collapsed_generator_of_a_ring() -> None:
    """All samples in one of eight modes: TV 7/8; KL no more than n samples can show."""
    truth = load("ring", points=10, heldout=10).mixture
    assert truth is not None
    one = Mixture(torch.ones(1), truth.means[:1], truth.variances[:1])
    found = smoothed_divergences(drawn(one, 1, 2500), Grid(truth, 2500))
    assert found["density_tv"].item() == pytest.approx(7 / 8, abs=0.01)
    assert found["density_reverse_kl"].item() == pytest.approx(math.log(8), rel=0.02)
    assert 0.8 * math.log(2501) * 7 / 8 < found["density_kl"].item() <= math.log(2501)


def test_samples_beyond_the_grid_count_and_stay_finite() -> None:
    found = smoothed_divergences(torch.full((1, 100, 1), 1e30, dtype=torch.float64), Grid(P, 100))
    assert found["density_tv"].item() == pytest.approx(100 / 101, abs=1e-6)
    assert 0 < found["density_reverse_kl"].item() < 100
    assert all(value.isfinite().all() for value in found.values())


def test_alone_is_in_company() -> None:
    samples = drawn(Q, 3, 500)
    together, alone = smoothed_divergences(samples, Grid(P, 500)), smoothed_divergences(samples[1:2], Grid(P, 500))
    for name, values in together.items():
        assert values.shape == (3,)
        assert values[1] == alone[name][0]


def test_a_sample_does_not_vouch_for_itself() -> None:
    grid = Grid(P, 1)
    sample = torch.tensor([[1.0]], dtype=torch.float64)
    own, other = grid.at(sample, sample, own=True), grid.at(sample, sample)
    assert own.log_q.item() == pytest.approx(own.log_p.item())
    assert other.log_q.item() > own.log_q.item()
    far = torch.tensor([[50.0]], dtype=torch.float64)
    assert grid.at(far, far, own=True).log_q.item() == pytest.approx(grid.at(far, far).log_p.item())


def test_densities_are_read_at_points() -> None:
    grid = Grid(P, 200_000)
    points = torch.linspace(-2, 2, 41, dtype=torch.float64).unsqueeze(1)
    pair = grid.at(drawn(P, 1, 200_000)[0], points)
    assert pair.log_p.exp().numpy() == pytest.approx(P.density(points).numpy(), abs=0.02)
    assert pair.log_q.exp().numpy() == pytest.approx(pair.log_p.exp().numpy(), abs=0.02)


def test_where_both_densities_vanish_nothing_is_added() -> None:
    nothing = torch.full((2,), -math.inf, dtype=torch.float64)
    gone = Pair(torch.tensor([-800.0, -math.inf], dtype=torch.float64), nothing, torch.ones(2))
    assert all(integral(gone, weigh).item() == 0 for weigh in WEIGHTS.values())


def test_more_dimensions_are_refused() -> None:
    with pytest.raises(ValueError, match="expected a mixture in 1 or 2 dimensions, got one in 3"):
        Grid(mixture([1.0], [[0.0, 0.0, 0.0]], [1.0]), 100)
