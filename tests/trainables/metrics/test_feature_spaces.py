"""Features of the data that are kept: computed once for what they were made from, and anew for anything else."""

from __future__ import annotations

import torch

from trainables.data import DataSet, load
from trainables.metrics.evaluator import Evaluator
from trainables.metrics.feature_spaces import FOLDER, features_of_part
from trainables.metrics.features import FeatureSpace


class Files(dict[str, bytes]):
    """A store in memory."""

    def read(self, name: str) -> bytes | None:
        return self.get(name)

    def write(self, name: str, payload: bytes) -> None:
        self[name] = payload


class Full(Files):
    def write(self, name: str, payload: bytes) -> None:
        raise OSError("no space left on device")


class Counting:
    """A feature space that counts its points."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, points: torch.Tensor) -> torch.Tensor:
        self.seen += len(points)
        return points.flatten(1) * 3


def ring(seed: int = 0) -> DataSet:
    return load("ring", points=40, heldout=30, seed=seed)


def test_features_are_computed_once_for_the_same_data_part_and_network() -> None:
    files, count = Files(), Counting()
    space = FeatureSpace(count, "network 1")
    first = features_of_part(ring(), "train", space, files)
    assert torch.equal(first, ring().train * 3)
    assert torch.equal(features_of_part(ring(), "train", space, files), first)
    assert (count.seen, len(files)) == (40, 1)
    assert next(iter(files)).startswith(f"{FOLDER}/")
    features_of_part(ring(), "heldout", space, files)
    features_of_part(ring(seed=1), "train", space, files)
    features_of_part(ring(), "train", FeatureSpace(count, "network 2"), files)
    assert (count.seen, len(files)) == (40 + 30 + 40 + 40, 4)


def test_what_is_damaged_or_was_made_from_something_else_is_computed_anew() -> None:
    files, count = Files(), Counting()
    space = FeatureSpace(count, "network 1")
    features_of_part(ring(), "train", space, files)
    features_of_part(ring(seed=1), "train", space, files)
    (first, payload), (_, other) = files.items()
    for wrong in (payload[:100], b"", other):
        files[first] = wrong
        assert torch.equal(features_of_part(ring(), "train", space, files), ring().train * 3)
        assert files[first] == payload
    assert count.seen == 40 * 5


def test_a_full_disk_costs_time_alone() -> None:
    count = Counting()
    for _ in range(2):
        features_of_part(ring(), "train", FeatureSpace(count, "network 1"), Full())
    assert count.seen == 80


def test_what_costs_nothing_is_not_kept() -> None:
    files = Files()
    Evaluator(ring(), {"samples": 20, "neighbour_samples": 20}, ["memorisation"], kept=files)
    features_of_part(ring(), "train", FeatureSpace(Counting()), files)
    assert files == {}
