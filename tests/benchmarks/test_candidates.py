import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.spatial.distance import cdist
from scipy.stats import rice

from benchmarks import candidates as c
from trainables.data import Mixture, load

RING = load(name="ring", points=3000)
EXACT = RING.mixture


def drawn(count, seed=0, mixture=EXACT):
    return mixture.sample(count, torch.Generator().manual_seed(seed))[0][None]


@pytest.mark.parametrize("shells", [1, 4])
def test_bins_hold_what_the_data_hold(shells):
    shares, own = c.bins(drawn(200_000), EXACT, shells)
    assert own.sum() == pytest.approx(1)
    assert own[-1] == pytest.approx(math.exp(-4.5))  # beyond 3 standard deviations in the plane
    assert own[0] == pytest.approx((1 - math.exp(-4.5)) / 8 / shells)
    assert shares[0].numpy() == pytest.approx(own.numpy(), abs=4 * math.sqrt(0.125 / 200_000))


def test_shells_are_counted_outwards():
    radii = torch.tensor([0.0, 2.99, 3.01]) * 0.02
    points = EXACT.means[1] + torch.stack([radii.double(), torch.zeros(3, dtype=torch.float64)], -1)
    shares, _ = c.bins(points[None], EXACT, 4)
    assert shares[0].nonzero().flatten().tolist() == [4, 7, 32]


def test_divergences_of_shares():
    apart, same = torch.tensor([[1.0, 0.0], [0.5, 0.5]]).double(), torch.tensor([0.5, 0.5]).double()
    one_side = (math.log(4 / 3) + (math.log(2 / 3) + math.log(2)) / 2) / 2
    assert c.jensen_shannon(apart, same).tolist() == pytest.approx([one_side, 0])
    assert c.total_variation(apart, same).tolist() == [0.5, 0]


def test_four_shells_are_mass_js():
    samples = drawn(1000) + torch.linspace(0, 0.1, 1000)[:, None]
    found = c.jensen_shannon(*c.bins(samples, EXACT, 4))
    assert found.numpy() == pytest.approx(c.candidates(RING, 1000)["mass_js"].measure(samples).numpy())


@pytest.mark.parametrize("ratio", [0.0, 0.7, 30.0])
def test_mean_distance_is_rices(ratio):
    variance = 0.3
    found = c.mean_distance(torch.tensor(ratio**2 * variance).double(), torch.tensor(variance).double())
    expected = rice.mean(ratio, scale=math.sqrt(variance)) if ratio else math.sqrt(math.pi / 2 * variance)
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_energy_of_two_gaussians():
    """In one direction only, from samples: 2 E|x - y| - E|x - x'| - E|y - y'| with every mean taken over many pairs."""
    p = Mixture(torch.ones(1), torch.zeros(1, 2), torch.ones(1))
    x, y = drawn(2000, 1, p)[0] + torch.tensor([2.0, 0.0]), drawn(2000, 2, p)[0]
    within = cdist(x, x).sum() / (2000 * 1999)
    by_samples = 2 * cdist(x, y).mean() - within - math.sqrt(math.pi)  # E|y - y'| of N(0, 2 I)
    assert float(c.energy(x[None], p)) == pytest.approx(by_samples, abs=0.1)
    exact = 2 * float(rice.mean(2 / math.sqrt(2), scale=math.sqrt(2))) - 2 * math.sqrt(math.pi)
    assert float(c.energy(x[None], p)) == pytest.approx(exact, abs=0.1)


def test_bandwidths_halve_from_the_spread_to_the_modes():
    found = c.bandwidths(EXACT)
    assert found[0] == pytest.approx(math.sqrt(4 + 2 * 0.02**2))
    assert found[-1] <= 0.02 < found[-2]
    assert np.diff(np.log2(found)) == pytest.approx(-1)


def test_multiscale_mmd_of_two_gaussians():
    """The mean over many unbiased estimates is the exact one, by quadrature over the squared distance."""
    p = Mixture(torch.ones(1), torch.zeros(1, 2), torch.ones(1))
    q = Mixture(torch.ones(1), torch.zeros(1, 2), 4 * torch.ones(1))

    def kernel(variance):  # the squared length of N(0, v I) in the plane is exponential with mean 2 v
        over = [quad(lambda t, s=s: math.exp(-t / (2 * s * s) - t / (2 * variance)) / (2 * variance), 0, np.inf)[0]
                for s in c.bandwidths(p)]  # fmt: skip
        return sum(over)

    exact = kernel(8) + kernel(2) - 2 * kernel(5)
    estimates = c.multiscale_mmd(torch.cat([drawn(300, seed, q) for seed in range(40)]), p)
    assert float(estimates.mean()) == pytest.approx(exact, abs=4 * float(estimates.std()) / math.sqrt(40))


def test_every_candidate_prefers_perfect_samples_to_half_of_the_modes_or_is_blind_to_it():
    half = Mixture(EXACT.weights[:4], EXACT.means[:4], EXACT.variances[:4])
    samples = torch.cat([drawn(1000), drawn(1000, mixture=half)])
    for name, way in c.candidates(RING, 1000).items():
        perfect, worse = (way.sign * way.measure(samples)).tolist()
        assert worse > perfect or name == "high_quality", name
