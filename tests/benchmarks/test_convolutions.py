import pytest
import torch

from benchmarks import convolutions
from trainables.networks.convolution import KERNEL, LARGE, WAYS


def test_a_layer_is_measured_in_every_way(monkeypatch):
    monkeypatch.setattr(convolutions, "BATCH", 2)
    monkeypatch.setattr(convolutions, "spent", lambda calls: [call().numel() for call in calls])
    rows = convolutions.layer(3, 16, 8, replicas=2)
    assert [row[:3] for row in rows] == [["3 → 16, side 8", "2", part] for part in convolutions.PARTS]
    sizes = [2 * 16 * 4 * 4, 2 * 3 * 8 * 8, 16 * 3 * 4 * 4]  # small images, large ones, kernels, of a replica
    for row, size in zip(rows, sizes, strict=True):
        assert set(row[3:-1]) == {f"**{size:.2f}**"}


@pytest.mark.parametrize("way", WAYS)
def test_images_are_laid_out_as_a_way_leaves_them(way):
    images = torch.randn(2, 3, 4, 5, 5)
    assert torch.equal(convolutions.laid(way, images), images)
    first, second = convolutions.kept(way, LARGE, images, images)
    assert second is images  # kernels
    first, second = convolutions.kept(way, KERNEL, images, images)
    assert first.stride() == second.stride() == convolutions.laid(way, images).stride()


def test_a_step_is_compared_with_a_loop(monkeypatch):
    monkeypatch.setattr(convolutions, "BATCH", 2)
    monkeypatch.setattr(convolutions, "cost", lambda step, calls, steps: (step() and 1.0) or 2.0)
    theirs, ours, ratio = convolutions.step(8, "r1", normalises=True, turns=1)
    assert theirs == 2.0  # a step of the loop is None, an evaluation of ours is not
    assert ours == 1.0
    assert ratio == 2.0
