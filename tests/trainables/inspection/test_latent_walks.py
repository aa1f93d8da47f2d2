from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from trainables.inspection.latent_walks import PAIRS, PATHS, along, gallery, neighbour_pairs, walks
from trainables.spec import Spec
from trainables.training import Training

RING: dict[str, Any] = {"name": "ring", "points": 200, "heldout": 100}


def training(**changes: Any) -> Training:
    values: dict[str, Any] = {
        "data": {"name": "digits"}, "steps": 2, "evaluations": 1, "batch_size": 16, "latent_dim": 4,
        "generator": {"hidden": [8]}, "critic": {"hidden": [8]},
        "evaluation": {"samples": 100, "neighbour_samples": 50}, **changes,
    }  # fmt: skip
    return Training(Spec(**values), [1, 2])


def test_a_great_circle_keeps_its_distance_and_its_pace() -> None:
    start, end = torch.tensor([[3.0, 0.0, 0.0]]), torch.tensor([[0.0, 3.0, 0.0]])
    points = along(start, end, torch.linspace(0, 1, 5), "normal")
    assert points.shape == (1, 5, 3)
    assert points.norm(dim=2).numpy() == pytest.approx(3.0)
    assert points[0, 2].tolist() == pytest.approx([3 / math.sqrt(2), 3 / math.sqrt(2), 0])
    assert points[0].diff(dim=0).norm(dim=1).numpy() == pytest.approx(6 * math.sin(math.pi / 16), rel=1e-5)


def test_other_walks_are_straight() -> None:
    start, end, share = torch.tensor([[1.0, 2.0]]), torch.tensor([[-1.0, 0.0]]), torch.tensor([0.0, 0.5, 1.0])
    assert along(start, end, share, "uniform")[0].tolist() == [[1, 2], [0, 1], [-1, 0]]
    assert along(torch.tensor([[2.0]]), torch.tensor([[-1.0]]), share, "normal").flatten().tolist() == [2, 0.5, -1]
    parallel = along(torch.tensor([[1.0, 1.0]]), torch.tensor([[2.0, 2.0]]), share, "normal")
    assert parallel[0].tolist() == [[1, 1], [1.5, 1.5], [2, 2]]


def test_walks_begin_and_end_at_samples_of_the_pictures_latents() -> None:
    run = training()
    made = walks(run)
    ends = run.samples(2 * PATHS)[0]
    assert made.shape == (2, PATHS, 10, 1, 8, 8)
    torch.testing.assert_close(made[:, :, 0], ends[:, :PATHS])
    torch.testing.assert_close(made[:, :, -1], ends[:, PATHS:], rtol=1e-4, atol=1e-5)


def test_a_conditional_walk_keeps_its_label() -> None:
    run = training(model="cgan")
    made = walks(run, 3)
    latents = run.model.latents(6, run.context.streams("pictures"))
    asked = run.generate(latents[:, :3], torch.tensor([[0, 1, 2]]).expand(2, 3))
    torch.testing.assert_close(made[:, :, 0], asked)


def test_a_copy_stands_beside_its_original() -> None:
    run = training(model="oracle")
    run.model.data.heldout.copy_(run.data.train[5].expand_as(run.data.heldout))  # type: ignore[attr-defined]
    pairs = neighbour_pairs(run, 1, 6)
    assert pairs.shape == (1, 6, 2, 1, 8, 8)
    assert torch.equal(pairs[:, :, 0], pairs[:, :, 1])


def test_neighbours_are_training_images_and_the_nearest() -> None:
    run = training()
    pairs = neighbour_pairs(run, 2, 5)
    flat = run.data.train.flatten(1).double()
    for sample, neighbour in pairs[1].double().flatten(2):
        distances = (flat - sample).norm(dim=1)
        assert (sample - neighbour).norm().item() == pytest.approx(distances.min().item())


def test_a_sample_that_is_not_finite_stands_beside_itself() -> None:
    run = training()
    run.average[0] = math.nan
    pairs = neighbour_pairs(run, 2, 5)
    assert pairs[0].isnan().all()
    assert pairs[1].isfinite().all()


def test_what_there_is_to_show() -> None:
    shown = gallery(training(), 1)
    assert {name: array.shape for name, array in shown.items()} == {
        "walk": (1, PATHS, 10, 1, 8, 8),
        "beside": (1, PAIRS, 2, 1, 8, 8),
    }
    assert gallery(training(data=RING), 2)["walk"].shape == (2, PATHS, 200, 2)
    assert gallery(training(data=RING, model="oracle"), 2) == {}
    assert gallery(training(data={"name": "gaussian", "points": 200, "heldout": 100}), 2) == {}
    assert all(isinstance(array, np.ndarray) for array in shown.values())


def test_showing_disturbs_nothing() -> None:
    watched, plain = training(), training()
    gallery(watched, 2)
    assert watched.advance() == plain.advance()
