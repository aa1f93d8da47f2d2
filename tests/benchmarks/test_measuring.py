import numpy as np
import pytest
import torch

from benchmarks.candidates import candidates
from benchmarks.generators import Stack, degraded
from benchmarks.measuring import Measured, measured, seen
from benchmarks.truths import SIGNS
from trainables.data import load

RING = load(name="ring", std=0.1, points=2000)  # wide modes, for a coarse and quick grid
NAMES = ["fid", "mass_js", "high_quality"]
WAYS = {name: way for name, way in candidates(RING, 500).items() if name in NAMES}


def stack():
    kinds = degraded(RING.mixture)
    chosen = [kinds["perfect"], kinds["half the modes"], kinds["blob"]]

    def draw(count, seed):
        return torch.stack([one.sample(count, torch.Generator().manual_seed(seed))[0] for one in chosen])

    return Stack(("perfect", "half", "blob"), ("a", "b", "c"), draw)


@pytest.fixture(scope="module")
def twice():
    return measured(RING.mixture, [stack(), stack()], WAYS, samples=500, truth_samples=5000)


def test_stacks_stand_side_by_side(twice):
    assert twice.trainings == ("a", "b", "c") * 2
    assert twice.values.shape == (len(NAMES), 2, 6)
    assert twice.truth.shape == (len(SIGNS), 2, 6)
    assert twice.columns.shape == (len(NAMES) + len(SIGNS), 6)
    assert (twice.cost > 0).all()
    assert np.array_equal(twice.values[..., :3], twice.values[..., 3:])


def test_less_is_better_everywhere(twice):
    perfect, half, blob = twice.truth.mean(1)[:, :3].T
    assert (perfect <= half + 1e-2).all()
    assert (perfect <= blob + 1e-2).all()
    place = NAMES.index("high_quality")
    assert twice.values[place, 0, 0] == pytest.approx(-0.989, abs=0.02)


def test_the_error_of_a_truth_is_half_the_difference_of_its_halves():
    truth = np.array([[[1.0, 5.0], [2.0, 4.0]]])
    found = Measured(("a", "b"), np.zeros((0, 2, 2)), truth, np.zeros(0))
    assert found.errors.tolist() == [0.5]
    assert found.columns.tolist() == [[1.5, 4.5]]


def test_fid_does_not_see_the_blob_and_mass_does():
    found = seen(RING.mixture, WAYS, 500)
    assert list(found) == [kind for kind in degraded(RING.mixture) if kind != "perfect"]
    assert abs(found["blob"][NAMES.index("fid")]) < 3
    assert found["blob"][NAMES.index("mass_js")] > 30
