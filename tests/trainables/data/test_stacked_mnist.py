"""Stacks are made of MNIST's own pictures, part by part, and labelled by their digits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trainables.data import load
from trainables.data.stacked_mnist import StackedMnist


def test_a_stack_is_three_pictures_of_its_own_part(
    tmp_path: Path, write_idx: Callable[..., dict[str, np.ndarray]]
) -> None:
    written = write_idx(tmp_path, count=50)
    data = load("stacked_mnist", root=tmp_path, points=300, heldout=100)
    assert (data.shape, data.classes, data.train.dtype) == ((3, 28, 28), 1000, torch.uint8)
    parts = ((data.train, data.labels, "train"), (data.heldout, data.heldout_labels, "t10k"))
    for stacks, labels, part in parts:
        pictures, digits = written[f"{part}-images-idx3-ubyte"], written[f"{part}-labels-idx1-ubyte"]
        known = {picture.tobytes(): int(digit) for picture, digit in zip(pictures, digits, strict=True)}
        assert labels is not None
        for stack, label in zip(stacks[:50], labels.tolist(), strict=False):
            assert [known[channel.numpy().tobytes()] for channel in stack] == [
                label // 100,
                label // 10 % 10,
                label % 10,
            ]
        assert labels.unique().numel() > 80


def test_the_protocol_of_srivastava() -> None:
    assert StackedMnist().counts == (128_000, 26_000)


def test_without_mnist_there_are_none(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"root": tmp_path}
    with pytest.raises(FileNotFoundError, match=r"^data\.root: mnist is not under "):
        load("stacked_mnist", **settings)
