from __future__ import annotations

import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.stats import mannwhitneyu
from torch import Tensor

from trainables.metrics import memorisation as module
from trainables.metrics.memorisation import memorisation, nearest, prepared


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("dimensions", [2, 20])
def test_neighbours_are_scipys(dimensions: int) -> None:
    points, queries = normal(300, dimensions), normal(70, dimensions, seed=1)
    apart = cdist(queries.double().numpy(), points.double().numpy())
    distances, indices = nearest(queries, prepared(points, queries))
    assert distances.numpy() == pytest.approx(apart.min(1))
    assert indices.tolist() == apart.argmin(1).tolist()


def test_tree_and_products_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    points, heldout, samples = normal(300, 2), normal(50, 2, seed=1), normal(2, 40, 2, seed=2)
    by_tree = memorisation(samples, prepared(points, heldout))
    monkeypatch.setattr(module, "FLAT", 0)
    reference = prepared(points, heldout)
    assert reference.tree is None
    assert torch.equal(memorisation(samples, reference), by_tree)


def test_it_is_the_mann_whitney_statistic() -> None:
    points, heldout, samples = normal(300, 3), normal(80, 3, seed=1), 0.7 * normal(1, 60, 3, seed=2)
    reference = prepared(points, heldout)
    theirs = mannwhitneyu(nearest(heldout, reference)[0].numpy(), nearest(samples[0], reference)[0].numpy()).statistic
    assert memorisation(samples, reference).item() == pytest.approx(theirs / (80 * 60))


@pytest.mark.parametrize("dimensions", [2, 30])
def test_fresh_samples_copies_and_strangers(dimensions: int) -> None:
    points = normal(2000, dimensions)
    fresh, copies, strange = normal(500, dimensions, seed=2), points[:500], 5 + normal(500, dimensions, seed=3)
    reference = prepared(points, normal(500, dimensions, seed=1))
    found = memorisation(torch.stack([fresh, copies, strange]), reference)
    assert found[0].item() == pytest.approx(0.5, abs=0.06)
    assert found[1].item() == 1
    assert found[2].item() < 0.01


def test_ties_count_half() -> None:
    points = torch.zeros(4, 1)
    assert memorisation(torch.ones(1, 5, 1), prepared(points, torch.ones(3, 1))).item() == 0.5


def test_a_replica_that_is_not_finite_touches_no_other() -> None:
    samples = normal(3, 50, 2, seed=1)
    reference = prepared(normal(100, 2), normal(50, 2, seed=2))
    clean = memorisation(samples, reference)
    samples[1, 3, 0] = torch.nan
    spoilt = memorisation(samples, reference)
    assert spoilt[1].isnan()
    assert torch.equal(spoilt[[0, 2]], clean[[0, 2]])
