from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from trainables import own_code
from trainables.data import DataSet, load
from trainables.metrics.evaluator import Evaluator, check
from trainables.metrics.own_features import own_features, try_out

SMALL = {"samples": 100, "neighbour_samples": 60}


def of_all(points: Tensor) -> Tensor:
    return points.flatten(1) - points.mean()


def infinite(points: Tensor) -> Tensor:
    return points.flatten(1) / 0


@pytest.fixture
def data() -> DataSet:
    return load("ring", points=300, heldout=200)


@pytest.fixture(autouse=True)
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module `mine` of embeddings, that may be imported."""
    module = types.ModuleType("mine")
    members = {
        "square": lambda points: points.flatten(1) ** 2,
        "network": nn.Sequential(nn.Flatten(), nn.Dropout(0.5)),
        "single": lambda points: points.flatten(),
        "in_place": lambda points: points.mul_(2).flatten(1),
        "kind": nn.Flatten,
        "of_all": of_all,
        "infinite": infinite,
    }
    for name, member in members.items():
        monkeypatch.setattr(module, name, member, raising=False)
    monkeypatch.setitem(sys.modules, "mine", module)
    monkeypatch.setattr(own_code, "_now", None)
    own_code.allow(tmp_path)


def test_all_is_measured_in_the_space_of_the_users_own(data: DataSet) -> None:
    samples = data.heldout[:100].unsqueeze(0)
    assert check({"features": {"module": "mine:square"}}).features == {"module": "mine:square"}
    found = Evaluator(data, {**SMALL, "features": {"module": "mine:square"}})(samples)
    squares = DataSet("squares", data.train**2, data.labels, data.heldout**2, data.heldout_labels, data.classes)
    expected = Evaluator(squares, SMALL)(samples**2)
    for name in ("fid", "precision", "recall", "density", "coverage"):
        torch.testing.assert_close(found[name], expected[name])


def test_a_module_is_set_to_evaluate(data: DataSet) -> None:
    assert torch.equal(own_features("mine:network")(data.train[:9]), data.train[:9])


def test_the_digest_is_of_place_and_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = own_features("mine:square").digest
    assert first == own_features("mine:square").digest != own_features("mine:of_all").digest
    monkeypatch.setattr(own_code, "digests", lambda: {"mine": "other"})
    assert own_features("mine:square").digest != first


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "single",
            r"'mine:single' fails on real points: ValueError: .* expected features \(16, d\) of points \(16, 2\), got",
        ),
        ("in_place", "fails on real points: ValueError: .* changes the points in place, expected it not to"),
        ("of_all", "expected a point's features to be the same alone and beside others, got a difference of"),
        ("infinite", "'mine:infinite': expected finite features of real points, got others"),
    ],
)
def test_what_would_be_wrong_is_found_out_on_real_points(name: str, message: str, data: DataSet) -> None:
    with pytest.raises(ValueError, match=message):
        try_out(f"mine:{name}", data)
    for good in ("square", "network"):
        try_out(f"mine:{good}", data)


@pytest.mark.parametrize(
    ("features", "error", "message"),
    [
        ({"module": "square"}, ValueError, "evaluation.features.module: expected module:attribute, got 'square'"),
        ({"module": "mine:square", "width": 3}, ValueError, "evaluation.features.width: unknown setting"),
        ({}, ValueError, "evaluation.features.module: expected module:attribute, got null"),
        ({"module": "mine:kind"}, TypeError, "evaluation.features.module: expected a function or an nn.Module at"),
        ({"module": "mine:none"}, ValueError, "evaluation.features.module: nothing at 'mine:none'"),
    ],
)
def test_what_is_no_feature_space_is_refused(
    features: dict[str, str], error: type[Exception], message: str, data: DataSet
) -> None:
    with pytest.raises(error, match=message):
        Evaluator(data, {**SMALL, "features": features})
