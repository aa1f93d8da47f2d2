import copy
import math
import pickle
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from trainables.data import DataSet, load
from trainables.metrics.classifier import Classifier, is_stacked, train_classifier

pytestmark = pytest.mark.xdist_group("classifier")


@pytest.fixture(scope="module")
def digits() -> DataSet:
    return load("digits")


@pytest.fixture(scope="module")
def trained(digits: DataSet) -> Classifier:
    return train_classifier(digits, seed=0)


@pytest.fixture(scope="module")
def stacked() -> DataSet:
    return load("stacked_digits", points=3000, heldout=500)


def test_held_out_digits_are_told_apart(trained: Classifier, digits: DataSet) -> None:
    assert trained.accuracy >= 0.97
    assert trained.seed == 0
    _, predicted = trained(digits.heldout)
    assert digits.heldout_labels is not None
    assert (predicted == digits.heldout_labels).double().mean().item() == trained.accuracy


def test_features_separate_the_classes(trained: Classifier, digits: DataSet) -> None:
    features, _ = trained(digits.heldout)
    assert features.shape == (len(digits.heldout), 64)
    assert not features.requires_grad
    assert digits.heldout_labels is not None
    means = torch.stack([features[digits.heldout_labels == label].mean(0) for label in range(10)])
    nearest = torch.cdist(features, means).argmin(1)
    assert (nearest == digits.heldout_labels).double().mean() > 0.95


def test_the_seed_fixes_the_weights_and_leaves_the_global_generator_alone(digits: DataSet) -> None:
    before = torch.random.get_rng_state()
    first, again, other = (train_classifier(digits, seed, steps=5) for seed in (3, 3, 4))
    assert torch.equal(torch.random.get_rng_state(), before)
    images = digits.heldout[:10]
    assert torch.equal(first(images)[0], again(images)[0])
    assert not torch.equal(first(images)[0], other(images)[0])


def test_saved_and_loaded_it_is_the_same(trained: Classifier, digits: DataSet, tmp_path: Path) -> None:
    trained.save(tmp_path / "classifier.pt")
    loaded = Classifier.load(tmp_path / "classifier.pt")
    assert loaded.identity == trained.identity
    for ours, theirs in zip(loaded(digits.heldout), trained(digits.heldout), strict=True):
        assert torch.equal(ours, theirs)
    assert [file.name for file in tmp_path.iterdir()] == ["classifier.pt"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"evaluation\.classifier: expected .*, found none at .*no\.pt"):
        Classifier.load(tmp_path / "no.pt")


class Malice:
    """A pickle that runs code where it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (Path("touched"),)


def test_a_file_of_something_else_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "malice.pt").write_bytes(pickle.dumps(Malice(), protocol=2))
    torch.save({"weights": {}}, tmp_path / "other.pt")
    for name in ("malice.pt", "other.pt"):
        with pytest.raises(ValueError, match=rf"expected what Classifier.save wrote, got .* file: \S+{name}$"):
            Classifier.load(tmp_path / name)
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    "other", [{"accuracy": math.nan}, {"accuracy": 9.0}, {"accuracy": "x"}, {"seed": None}, {"seed": True}], ids=str
)
def test_what_no_training_ends_with_is_refused(other: dict[str, Any], trained: Classifier, tmp_path: Path) -> None:
    changed = Classifier(trained.network, replace(trained.identity, **other))
    changed.save(tmp_path / "other.pt")
    with pytest.raises(ValueError, match=r"expected what Classifier\.save wrote, got another or a damaged file"):
        Classifier.load(tmp_path / "other.pt")


def test_weights_that_are_no_numbers_are_refused(trained: Classifier, tmp_path: Path) -> None:
    broken = copy.deepcopy(trained.network)
    next(broken.parameters()).data.fill_(math.nan)
    Classifier(broken, trained.identity).save(tmp_path / "broken.pt")
    with pytest.raises(ValueError, match=r"expected what Classifier\.save wrote, got another or a damaged file"):
        Classifier.load(tmp_path / "broken.pt")


def test_values_out_of_range_are_clipped(trained: Classifier) -> None:
    features, _ = trained(torch.full((1, 1, 8, 8), 3e38))
    assert torch.equal(features, trained(torch.ones(1, 1, 8, 8))[0])


def test_stacked_digits_are_classified_channel_by_channel(stacked: DataSet, digits: DataSet) -> None:
    assert is_stacked(stacked)
    assert not is_stacked(digits)
    classifier = train_classifier(stacked, seed=0, steps=300)
    assert classifier.accuracy > 0.85
    features, predicted = classifier(stacked.heldout)
    assert features.shape == (500, 3 * 64)
    singles = [classifier(channel.expand(-1, 3, -1, -1))[1] // 100 for channel in stacked.heldout.split(1, 1)]
    assert torch.equal(predicted, 100 * singles[0] + 10 * singles[1] + singles[2])


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 5, 9)])
def test_images_of_other_shapes(shape: tuple[int, int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(80) % 4
    images = 0.1 * torch.randn(80, *shape, generator=generator) + (labels / 2 - 0.75).reshape(-1, 1, 1, 1)
    data = DataSet("shades", images, labels, images, labels, 4)
    assert train_classifier(data, seed=0, steps=20).accuracy > 0.9


def test_an_empty_batch_has_features(trained: Classifier) -> None:
    features, predicted = trained(torch.zeros(0, 1, 8, 8))
    assert features.shape == (0, 64)
    assert predicted.shape == (0,)


def test_data_without_labelled_images_are_refused() -> None:
    with pytest.raises(ValueError, match="needs labelled images, and 'ring' has none"):
        train_classifier(load("ring", points=10, heldout=10), seed=0)


def test_a_classifier_of_other_data_is_refused(trained: Classifier, stacked: DataSet) -> None:
    expected = r"expected one for 1000 classes of shape \(3, 8, 8\), got one for 10 classes of shape \(1, 8, 8\)"
    with pytest.raises(ValueError, match=expected):
        trained.refuse_other(stacked)


@pytest.mark.slow
def test_training_takes_seconds(digits: DataSet) -> None:
    start = time.process_time()
    train_classifier(digits, seed=1)
    assert time.process_time() - start < 20
