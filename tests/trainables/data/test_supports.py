"""Drawn points lie where they should: on their curve up to the noise, evenly, and embedded modes in their subspace."""

import math
from typing import Any

import pytest
import torch

from trainables.data import check, load

SMALL: dict[str, Any] = {"points": 4000, "heldout": 500}


def test_a_line_is_filled_evenly() -> None:
    train = load("line", length=2.0, angle=30.0, std=0.0, **SMALL).train.double()
    turn = math.radians(30)
    along = train @ torch.tensor([math.cos(turn), math.sin(turn)], dtype=torch.float64)
    across = train @ torch.tensor([-math.sin(turn), math.cos(turn)], dtype=torch.float64)
    assert float(across.abs().max()) < 1e-6
    assert (float(along.min()), float(along.max())) == pytest.approx((-1, 1), abs=0.01)
    assert float(along.var()) == pytest.approx(4 / 12, rel=0.05)


def test_a_circle_is_filled_evenly_and_noisy_as_said() -> None:
    train = load("circle", radius=3.0, std=0.1, **SMALL).train.double()
    radii, angles = train.norm(dim=1), torch.atan2(train[:, 1], train[:, 0])
    assert float(radii.std()) == pytest.approx(0.1, rel=0.05)
    assert float(radii.mean()) == pytest.approx(3, abs=0.01)
    assert torch.histc(angles, 8, -math.pi, math.pi).tolist() == pytest.approx([500] * 8, abs=90)


def test_a_swiss_roll_is_scikit_learns() -> None:
    from sklearn.datasets import make_swiss_roll

    theirs = torch.from_numpy(make_swiss_roll(4000, noise=0.25, random_state=0)[0][:, [0, 2]] / 7.5)
    ours = load("swiss_roll", **SMALL).train.double()
    for mine, known in zip(ours.T, theirs.T, strict=True):
        levels = torch.linspace(0.05, 0.95, 10, dtype=torch.float64)
        torch.testing.assert_close(mine.quantile(levels), known.quantile(levels), atol=0.12, rtol=0)


def test_embedded_modes_lie_apart_in_a_subspace() -> None:
    data = load("embedded_mixture", modes=3, intrinsic=7, dimensions=20, **SMALL)
    assert data.labels is not None
    assert (data.shape, data.classes, data.mixture) == ((20,), 3, None)
    assert data.labels.bincount().tolist() == pytest.approx([4000 / 3] * 3, rel=0.08)
    values = torch.linalg.svdvals(data.train.double())
    assert int((values > 1e-3 * values[0]).sum()) == 7
    for label in range(3):
        mode = data.train[data.labels == label].double()
        held = data.heldout[data.heldout_labels == label].double()
        assert float((mode - mode.mean(0)).square().sum(1).mean()) == pytest.approx(7 * 0.1**2, rel=0.05)
        torch.testing.assert_close(mode.mean(0), held.mean(0), atol=0.05, rtol=0)


def test_the_held_out_points_do_not_depend_on_the_number_of_others() -> None:
    for name in ("circle", "embedded_mixture"):
        few, many = (load(name, points=points, heldout=30) for points in (10, 20))
        assert torch.equal(few.heldout, many.heldout)
        assert not torch.equal(load(name, points=10, heldout=30, seed=1).heldout, few.heldout)


def test_a_subspace_larger_than_the_space_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^data\.intrinsic: expected at most data\.dimensions = 5, got 6$"):
        check("embedded_mixture", intrinsic=6, dimensions=5)
