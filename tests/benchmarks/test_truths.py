import math

import pytest
import torch

from benchmarks.truths import SIGNS, entropy, reverse_kl, truths
from trainables.data import Mixture, load

RING = load(name="ring", points=10).mixture


def drawn(mixture, count, seed=0):
    return mixture.sample(count, torch.Generator().manual_seed(seed))[0]


def test_entropy_of_a_gaussian():
    points = 0.1 * torch.randn(20_000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert entropy(points) == pytest.approx(math.log(2 * math.pi * math.e * 0.01), abs=0.03)


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_reverse_kl_of_widened_modes(scale):
    """Smoothed by a third of a standard deviation, the variances are scale^2 + 1/9 and 1 + 1/9 times a mode's."""
    ratio = (scale**2 + 1 / 9) / (1 + 1 / 9)
    widened = Mixture(RING.weights, RING.means, scale**2 * RING.variances)
    expected = ratio - 1 - math.log(ratio)  # of Gaussians in the plane
    assert reverse_kl(drawn(widened, 20_000), RING) == pytest.approx(expected, abs=0.05)


def test_reverse_kl_grows_with_the_distance_however_far():
    near, far = (drawn(RING, 1000) + shift for shift in (5.0, 50.0))
    assert 10 * reverse_kl(near, RING) < reverse_kl(far, RING) < math.inf


def test_truths_of_perfect_samples_and_of_half_of_the_modes():
    half = Mixture(RING.weights[:4], RING.means[:4], RING.variances[:4])
    found = truths(RING, 50_000)(torch.stack([drawn(RING, 50_000), drawn(half, 50_000)]))
    assert list(found) == list(SIGNS)
    js = (math.log(4 / 3) + (math.log(2 / 3) + math.log(2)) / 2) / 2  # of (1, 0) from (1/2, 1/2)
    assert found["density_js"].tolist() == pytest.approx([0, js], abs=2e-3)
    assert found["reverse_kl"].tolist() == pytest.approx([0, math.log(2)], abs=0.03)
    assert found["high_quality"].tolist() == pytest.approx([1 - math.exp(-4.5)] * 2, abs=2e-3)
    assert found["covered"].tolist() == [1, 0.5]
    assert found["balance"].tolist() == pytest.approx([0, js], abs=1e-3)
