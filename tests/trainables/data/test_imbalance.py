"""Classes get the shares that were asked for, of both parts, and measurements refer to these."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trainables.data import DATASETS, check, load
from trainables.data.imbalance import Labelled
from trainables.metrics.measurements import class_weights

LABELLED = {name for name, kind in DATASETS.items() if issubclass(kind, Labelled)}


def test_every_data_set_with_classes_takes_weights() -> None:
    assert {
        "ring", "grid", "sixteen", "embedded_mixture", "digits", "mnist", "fashion_mnist", "cifar10", "svhn", "celeba",
        "stacked_mnist", "images", "arrays",
    } == LABELLED  # fmt: skip


def test_the_modes_of_a_mixture_have_the_weights() -> None:
    data = load("ring", modes=4, class_weights=[1, 1, 2, 4], points=8000, heldout=10)
    assert data.mixture is not None
    assert data.labels is not None
    assert data.mixture.weights.tolist() == [1 / 8, 1 / 8, 1 / 4, 1 / 2]
    assert data.labels.bincount().tolist() == pytest.approx([1000, 1000, 2000, 4000], rel=0.1)
    embedded = load(
        "embedded_mixture", modes=2, class_weights=[1, 3], intrinsic=2, dimensions=3, points=4000, heldout=10
    )
    assert embedded.labels is not None
    assert embedded.labels.bincount().tolist() == pytest.approx([1000, 3000], rel=0.1)


def test_as_many_points_of_each_class_are_kept_as_the_weights_allow() -> None:
    every, some = load("digits"), load("digits", class_weights=[1, *[2] * 9])
    assert every.labels is not None
    assert some.labels is not None
    assert some.heldout_labels is not None
    least = int(every.labels.bincount()[1:].min())
    assert some.labels.bincount().tolist() == [least // 2, *[least] * 9]
    assert len(some.heldout_labels.bincount().unique()) == 2
    assert class_weights(some).tolist() == pytest.approx([1 / 19, *[2 / 19] * 9], abs=1e-3)
    rows = {row.numpy().tobytes() for row in every.train}
    assert {row.numpy().tobytes() for row in some.train} <= rows
    assert some.digest == load("digits", class_weights=[0.5, *[1] * 9]).digest != every.digest


def test_the_seed_of_the_data_chooses(tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", x=np.random.default_rng(0).normal(size=(90, 2)), y=np.arange(90) % 3)
    settings: dict[str, Any] = {"path": tmp_path / "own.npz", "samples": "x", "labels": "y", "class_weights": [1, 2, 2]}
    first, again, other = (load("arrays", **settings, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first.train, again.train)
    assert not torch.equal(first.train, other.train)
    assert first.labels is not None
    assert first.labels.bincount().tolist() == [13, 27, 27]
    with pytest.raises(ValueError, match=r"^data\.class_weights: expected 3 numbers, one for each class, got "):
        check("arrays", **{**settings, "class_weights": [1, 2]})
    with pytest.raises(ValueError, match=r"^data\.class_weights: .* got \[0\.001, .*, by which class 0 of 27 points"):
        load("arrays", **{**settings, "class_weights": [0.001, 1, 1]})


def test_weights_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"^data\.class_weights: expected 8 numbers, one for each class, got "):
        check("ring", class_weights=[1])
    with pytest.raises(ValueError, match=r"^data\.class_weights: expected null without classes, got \[1\.0\]$"):
        check("ring", modes=1, class_weights=[1])
    with pytest.raises(ValueError, match=r"^data\.class_weights\[1\]: expected a number from 1e-06 to 1e\+06, got 0$"):
        check("grid", modes=4, class_weights=[1, 0, 1, 1])
    with pytest.raises(
        ValueError, match=r"^data\.class_weights: expected null, as all stacks are equally likely, got "
    ):
        check("stacked_mnist", class_weights=[1], download=True)
