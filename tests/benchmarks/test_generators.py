import pytest
import torch

from benchmarks.generators import OBJECTIVES, degraded, trained
from trainables.data import load

RING = load(name="ring", points=500)


@pytest.fixture(scope="module")
def looks():
    """Each stack's names and trainings, and two draws of each made while it could be drawn from."""
    return [
        (stack.names, stack.trainings, stack.draw(5, 0), stack.draw(5, 0), stack.draw(5, 1))
        for stack in trained(RING, steps=8, replicas=2)
    ]


def test_every_population_is_looked_at_early_and_at_its_end(looks):
    assert len(looks) == 2 * len(OBJECTIVES["ring"])
    names = [name for names, *_ in looks for name in names]
    assert len(set(names)) == len(names)
    assert names[0] == "ring, non_saturating, none, seed 0, step 2"
    assert names[2] == "ring, non_saturating, none, seed 0, step 8"
    assert looks[0][1] == looks[1][1]


def test_draws_are_fixed_by_their_seed(looks):
    for _, _, one, same, other in looks:
        assert one.shape == (2, 5, 2)
        assert torch.equal(one, same)
        assert not torch.equal(one, other)


def test_replicas_differ_in_their_rates():
    from benchmarks.generators import RATES, _spec

    random = torch.Generator().manual_seed(0)
    specs = [_spec("ring", 8, "hinge", "r1", place, random) for place in range(8)]
    rates = [rate for spec in specs for rate in (spec.generator_lr, spec.critic_lr)]
    assert len(set(rates)) == 16
    assert all(RATES[0] <= rate <= RATES[1] for rate in rates)
    assert {(spec.ema, spec.penalty["weight"]) for spec in specs} == {
        (ema, weight) for weight in (0.03, 0.1, 0.3, 1.0) for ema in (0.0, 0.99)
    }


def test_what_is_wrong_with_a_degraded_generator():
    found = degraded(RING.mixture)
    assert found.pop("perfect") is RING.mixture
    blob = found["blob"]
    assert torch.allclose(blob.covariance, RING.mixture.covariance)
    assert blob.variances.tolist() == pytest.approx([2.0], abs=1e-3)
    assert found["half the modes"].modes == 4
    assert found["shrunken to 0.3 std"].variances[0] == pytest.approx(0.006**2)
    assert found["widened to 2 std"].variances[0] == pytest.approx(0.04**2)
    assert found["imbalanced, 1 to K"].weights.tolist() == pytest.approx([k / 36 for k in range(1, 9)])
    moved = (found["moved by 1 std"].means - RING.mixture.means).norm(dim=1)
    assert moved.tolist() == pytest.approx([0.02] * 8)
