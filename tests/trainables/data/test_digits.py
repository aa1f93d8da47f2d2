"""The real digits against scikit-learn's file, and stacks against the digits they are made of."""

import pytest
import torch
from scipy import stats
from sklearn.datasets import load_digits
from torch import Tensor

from trainables.data import DataSet, load


@pytest.fixture(scope="module")
def digits() -> DataSet:
    return load("digits")


@pytest.fixture(scope="module")
def stacks() -> DataSet:
    return load("stacked_digits", points=20_000, heldout=3_000)


def rows(pictures: Tensor) -> list[bytes]:
    """Each picture as bytes, so that pictures can be looked up."""
    return [picture.numpy().tobytes() for picture in pictures]


def test_both_parts_together_are_the_file(digits: DataSet) -> None:
    file = load_digits()
    parts = torch.cat([digits.train, digits.heldout])
    assert parts.shape == (1797, 1, 8, 8)
    assert sorted(rows((parts + 1) * 8)) == sorted(rows(torch.tensor(file.images, dtype=torch.float32)))
    assert (parts.min().item(), parts.max().item()) == (-1.0, 1.0)


def test_labels_stay_with_their_pictures(digits: DataSet) -> None:
    file = load_digits()
    images = torch.tensor(file.images, dtype=torch.float32) / 8 - 1
    label = dict(zip(rows(images), file.target.tolist(), strict=True))
    for pictures, labels in ((digits.train, digits.labels), (digits.heldout, digits.heldout_labels)):
        assert labels is not None
        assert [label[row] for row in rows(pictures[:, 0])] == labels.tolist()


def test_the_heldout_part_is_apart_stratified_and_fixed(digits: DataSet) -> None:
    assert (len(digits.train), len(digits.heldout)) == (1442, 355)
    assert not set(rows(digits.train)) & set(rows(digits.heldout))
    assert digits.labels is not None
    assert digits.heldout_labels is not None
    held, trained = digits.heldout_labels.bincount(), digits.labels.bincount()
    assert torch.equal(held, (held + trained) // 5)
    again = load("digits")
    assert torch.equal(again.train, digits.train)
    assert torch.equal(again.heldout, digits.heldout)


def test_the_parts_have_one_distribution(digits: DataSet) -> None:
    nearest = torch.cdist(digits.heldout.flatten(1), digits.train.flatten(1)).argmin(1)
    assert digits.labels is not None
    assert digits.heldout_labels is not None
    assert (digits.labels[nearest] == digits.heldout_labels).double().mean() > 0.97


def test_a_stack_is_three_digits_of_its_own_part(stacks: DataSet, digits: DataSet) -> None:
    parts = (
        (stacks.train, stacks.labels, digits.train, digits.labels),
        (stacks.heldout, stacks.heldout_labels, digits.heldout, digits.heldout_labels),
    )
    for pictures, labels, single, single_labels in parts:
        assert labels is not None
        assert single_labels is not None
        label = dict(zip(rows(single[:, 0]), single_labels.tolist(), strict=True))
        for channel, place in enumerate((100, 10, 1)):
            expected = (labels // place % 10).tolist()
            assert [label[row] for row in rows(pictures[:, channel])] == expected


def test_the_thousand_labels_are_equally_likely(stacks: DataSet) -> None:
    assert stacks.labels is not None
    assert (stacks.shape, stacks.classes) == ((3, 8, 8), 1000)
    assert stats.chisquare(stacks.labels.bincount(minlength=1000).numpy()).pvalue > 0.01


def test_every_digit_is_used_and_as_often_as_its_fellows(stacks: DataSet, digits: DataSet) -> None:
    place = {row: index for index, row in enumerate(rows(digits.train[:, 0]))}
    uses = torch.tensor([place[row] for row in rows(stacks.train.flatten(0, 1))]).bincount(minlength=len(place))
    assert uses.min() > 0
    assert digits.labels is not None
    for digit in range(10):
        assert stats.chisquare(uses[digits.labels == digit].numpy()).pvalue > 1e-3


def test_the_seed_fixes_the_stacks() -> None:
    first, again, other = (load("stacked_digits", points=40, heldout=40, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first.train, again.train)
    assert torch.equal(first.heldout, again.heldout)
    assert not torch.equal(first.train, other.train)
    more = load("stacked_digits", points=80, heldout=40, seed=1)
    assert torch.equal(more.heldout, first.heldout)
