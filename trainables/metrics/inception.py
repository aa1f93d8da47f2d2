"""InceptionV3 as the original FID has it (Szegedy et al. 2016; Heusel et al. 2017): its 2048-d pool, and its score.

Weights and resizing are torch-fidelity's (Obukhov et al. 2020). The Inception Score (Salimans et al. 2016) is
exp E KL(p(y|x) ‖ p(y)) over the network's 1008 classes, with scores that leave the last layer's bias out, as the
original does. It is of all samples at once: the mean over splits of fewer, which papers report, is lower. It asks what
InceptionV3 makes of the samples, and does not look at the data.
"""

from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor

from trainables.metrics.features import FeatureSpace, digest_of, in_batches, plain_weights, to_bytes

_BATCH = 64


def inception(weights: str | Path | None, device: torch.device | str = "cpu") -> FeatureSpace:
    """InceptionV3 features (n, 2048) of images (n, 1 or 3, H, W) in [-1, 1] of any size.

    `weights` is a file in the format torch-fidelity publishes; None downloads that file to torch's hub folder, or finds
    it there. Raises `FileNotFoundError` where it is missing and cannot be downloaded, `ValueError` where it is not such
    a file. It is read without unpickling code.
    """
    # Imported here because it takes seconds and only this feature space needs it.
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    path = _published_weights() if weights is None else Path(weights)
    plain_weights(path, "InceptionV3")
    try:
        network = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=str(path))
    except RuntimeError as error:
        raise ValueError(f"evaluation.weights: {path} does not hold torch-fidelity's InceptionV3: {error}") from error
    network = network.to(device)
    extract = in_batches(lambda images: network(to_bytes(images))[0], 2048, _BATCH, device)
    return FeatureSpace(extract, digest_of("inception", path), network.fc.weight.detach())


def inception_score(features: Tensor, head: Tensor) -> Tensor:
    """The Inception Score of features (R, n, 2048), (R,) float64, at least 1 and at most the number of classes."""
    scores = (features @ head.T).double()
    log_each = scores.log_softmax(-1)
    log_mean = log_each.logsumexp(1, keepdim=True) - torch.tensor(scores.shape[1]).log()
    return (log_each.exp() * (log_each - log_mean)).sum(-1).mean(1).exp()


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
