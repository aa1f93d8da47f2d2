"""The experiment on nearness: what it says of measurements by hand, and of faults that it makes."""

import numpy as np
import pytest
import torch

from benchmarks import near_the_data as n
from trainables.data import from_arrays

FLOOR = {"high_quality": 0.99, "modes_covered": 8, "modes_held": 8, "fid": 0.001, "precision": 0.95, "coverage": 0.97}


@pytest.mark.parametrize(
    ("changed", "not_near"),
    [
        ({}, set()),
        ({"high_quality": 0.5}, {"modes"}),
        ({"modes_covered": 6}, {"modes"}),
        ({"fid": 0.1}, {"precision, FID"}),
        ({"coverage": 0.8}, {"precision, coverage 0.9"}),
    ],
)
def test_every_way_asks_for_what_it_says(changed, not_near):
    measured = {name: np.array([float(value)]) for name, value in (FLOOR | changed).items()}
    said = n.ways(measured, FLOOR)
    assert {name for name, values in said.items() if not values[0]} == not_near
    assert len(said) == 2 + len(n.SUPPORTS)


@pytest.mark.parametrize("draw", [n.moons, n.spiral])
def test_the_faults_are_those_that_are_named(draw):
    random = torch.Generator().manual_seed(0)
    data = from_arrays(draw(4000, random).numpy())
    made = dict(n.faults(data, draw, random))
    points, middle = data.train.double(), data.train[:, 0].double().median()
    assert {tuple(sets.shape) for sets in made.values()} == {(n.SETS, n.SAMPLES, 2)}
    blob = made["a blob of their mean and covariance"].view(-1, 2)
    torch.testing.assert_close(blob.mean(0), points.mean(0), atol=0.05, rtol=0)
    torch.testing.assert_close(blob.T.cov(), points.T.cov(), atol=0.05, rtol=0)
    assert (made["one half missing"][..., 0] <= middle).all()
    share = (made["one half three times as often"][..., 0] <= middle).double().mean().item()
    assert share == pytest.approx(0.75, abs=0.02)
    assert len(made["every 200th point alone"].view(-1, 2).unique(dim=0)) == 18
    assert made["none"].std().item() == pytest.approx(points.std().item(), abs=0.05)
