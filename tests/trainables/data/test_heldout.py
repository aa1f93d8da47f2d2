"""The split holds out a share of every class, the same one every time, and leaves both parts something."""

import pytest
import torch

from trainables.data.heldout import split


def test_a_share_of_all_points() -> None:
    held = split(200, None, 0.1, seed=3)
    assert (held.dtype, held.shape, int(held.sum())) == (torch.bool, (200,), 20)
    assert torch.equal(held, split(200, None, 0.1, seed=3))
    assert not torch.equal(held, split(200, None, 0.1, seed=4))


def test_a_share_of_every_class() -> None:
    labels = torch.tensor([0] * 50 + [1] * 30 + [2] * 20)[torch.randperm(100)]
    held = split(100, labels, 0.2, seed=0)
    assert labels[held].bincount().tolist() == [10, 6, 4]


def test_a_larger_share_holds_out_more_and_the_same_as_before() -> None:
    labels = torch.arange(90) % 3
    few, many = (split(90, labels, share, seed=1) for share in (0.1, 0.5))
    assert bool(many[few].all())
    assert int(many.sum()) > int(few.sum())


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_both_parts_of_a_class_have_a_point(share: float) -> None:
    labels = torch.tensor([0, 0, 1, 1, 1, 2])
    held = split(6, labels, share, seed=0)
    expected = [1, 1, 0] if share < 0.5 else [1, 2, 0]
    assert labels[held].bincount(minlength=3).tolist() == expected


def test_a_single_point_cannot_be_split() -> None:
    with pytest.raises(
        ValueError, match=r"^data\.heldout: expected enough points for one to be held out, got 1 in all$"
    ):
        split(1, None, 0.5, seed=0)
