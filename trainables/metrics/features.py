"""The spaces in which samples are compared: each maps points (n, *shape) to features (n, d).

`raw` is the data space itself. `inception` is the 2048-d pool of the InceptionV3 of the original FID (Szegedy et al.
2016; Heusel et al. 2017) with the weights and the resizing of torch-fidelity (Obukhov et al. 2020). `classifier` is in
`classifier.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor

from trainables.data import floats

FEATURES = ("raw", "classifier", "inception")
Features = Callable[[Tensor], Tensor]

_INCEPTION_BATCH = 64
_PIECE = 4096  # pictures turned from bytes to floats at once; a multiple of every feature space's own batch


def raw(points: Tensor) -> Tensor:
    """The points (n, *shape) themselves, flattened: (n, d)."""
    return points.flatten(1)


def features_of(points: Tensor, extract: Features) -> Tensor:
    """Features (n, d) of a data set's points (n, *shape), piece by piece where these are kept as bytes."""
    if points.dtype != torch.uint8:
        return extract(points)
    return torch.cat([extract(floats(piece)) for piece in points.split(_PIECE)])


def to_bytes(images: Tensor) -> Tensor:
    """Images (n, 1 or 3, H, W) in [-1, 1], clipped to it, as RGB uint8 (n, 3, H, W)."""
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"expected images (n, 1 or 3, height, width), got shape {tuple(images.shape)}")
    levels = ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return levels.expand(-1, 3, -1, -1)


def inception(weights: str | Path | None, device: torch.device | str = "cpu") -> Features:
    """InceptionV3 features (n, 2048) of images (n, 1 or 3, H, W) in [-1, 1] of any size.

    `weights` is a file in the format torch-fidelity publishes; None downloads that file to torch's hub folder, or finds
    it there. Raises `FileNotFoundError` where it is missing and cannot be downloaded, `ValueError` where it is not such
    a file. It is read without unpickling code.
    """
    # Imported here because it takes seconds and only this feature space needs it.
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    path = _published_weights() if weights is None else Path(weights)
    _refuse_other_files(path)
    try:
        network = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=str(path))
    except RuntimeError as error:
        raise ValueError(f"evaluation.weights: {path} does not hold torch-fidelity's InceptionV3: {error}") from error
    network = network.to(device)

    @torch.no_grad()
    def extract(images: Tensor) -> Tensor:
        if not len(images):
            return images.new_zeros(0, 2048)
        batches = images.to(device).split(_INCEPTION_BATCH)
        return torch.cat([network(to_bytes(batch))[0] for batch in batches])

    return extract


def _published_weights() -> Path:
    """The path of torch-fidelity's published weights, downloaded first if missing; the download's hash is checked."""
    from torch_fidelity import feature_extractor_inceptionv3

    url = feature_extractor_inceptionv3.URL_INCEPTION_V3
    path = Path(torch.hub.get_dir(), "checkpoints", url.rsplit("/", 1)[-1])
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(path), hash_prefix=path.stem.rsplit("-", 1)[-1], progress=False)
        except (URLError, OSError, RuntimeError) as error:
            raise FileNotFoundError(
                f"evaluation.weights: no InceptionV3 weights at {path}, and {url} could not be downloaded ({error}); "
                f"download {path.name} elsewhere and name its path in evaluation.weights"
            ) from error
    return path


def _refuse_other_files(path: Path) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"evaluation.weights: expected a file of InceptionV3 weights, found none at {path}")
    try:
        torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(f"evaluation.weights: {path} is not a file of plain weights: {error}") from error
