import hashlib
from pathlib import Path

import pytest
import torch
import torch_fidelity
from torch import Tensor, nn
from torch.utils.data import Dataset
from torch_fidelity import feature_extractor_inceptionv3
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.metric_isc import isc_features_to_metric

from trainables.metrics.features import to_bytes
from trainables.metrics.frechet import frechet_distance, gaussian_from_samples
from trainables.metrics.inception import inception, inception_score

pytestmark = pytest.mark.xdist_group("inception")


class Untrained(FeatureExtractorInceptionV3):  # type: ignore[misc]
    """The network without the weights that it insists on."""

    def load_state_dict(self, *_: object, **__: object) -> None:
        pass


class Bytes(Dataset[Tensor]):
    """Images as torch-fidelity takes them."""

    def __init__(self, images: Tensor) -> None:
        self.images = to_bytes(images).contiguous()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        return self.images[index]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights in the file format that torch-fidelity publishes: the network's state, with every name."""
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    torch.save({}, path)
    with torch.random.fork_rng():
        torch.manual_seed(0)  # of the last layer
        network = Untrained("inception", ["2048"], feature_extractor_weights_path=str(path))
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, generator=generator)
    torch.save(network.state_dict(), path)
    return path


def images(count: int, *shape: int, seed: int = 0) -> Tensor:
    return 2 * torch.rand(count, *shape, generator=torch.Generator().manual_seed(seed)) - 1


def test_our_fid_is_torch_fidelitys_on_the_same_images(weights: Path) -> None:
    generated, real = images(5, 1, 8, 8), images(6, 3, 20, 11, seed=1).square()
    extract = inception(weights)
    features = extract(generated)
    assert features.shape == (5, 2048)
    ours = frechet_distance(features.unsqueeze(0), gaussian_from_samples(extract(real))).item()
    theirs = torch_fidelity.calculate_metrics(
        input1=Bytes(generated),
        input2=Bytes(real),
        fid=True,
        feature_extractor_weights_path=str(weights),
        cuda=False,
        cache=False,
        verbose=False,
        batch_size=2,
        save_cpu_ram=True,
    )["frechet_inception_distance"]
    # Theirs takes roots of 2048 eigenvalues of which all but 4 are rounding errors.
    assert ours == pytest.approx(theirs, rel=1e-4)


def test_our_score_is_torch_fidelitys_of_all_images_at_once(weights: Path) -> None:
    generated = images(12, 3, 16, 16, seed=3)
    generated[6:] *= 0.1
    space = inception(weights)
    assert space.head is not None
    head = space.head * 200  # untrained scores are nearly equal
    ours = inception_score(torch.stack([space(generated), space(generated.flip(0))]), head)
    theirs = isc_features_to_metric(space(generated) @ head.T, splits=1, shuffle=False)["inception_score_mean"]
    assert theirs > 1.5
    assert ours.tolist() == pytest.approx([theirs] * 2, rel=1e-5)


@pytest.mark.parametrize(("classes", "expected"), [(1, 1.0), (2, 2.0), (8, 8.0)])
def test_the_score_counts_classes_that_are_told_apart_and_equally_many(classes: int, expected: float) -> None:
    features = torch.eye(8)[torch.arange(80) % classes].unsqueeze(0)
    assert inception_score(features, 60 * torch.eye(8)).item() == pytest.approx(expected, rel=1e-6)
    assert inception_score(torch.zeros(1, 5, 8), torch.eye(8)).item() == pytest.approx(1.0)


def test_no_images_no_features(weights: Path) -> None:
    assert inception(weights)(torch.zeros(0, 1, 8, 8)).shape == (0, 2048)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"evaluation\.weights: expected .*, found none at .*none\.pth"):
        inception(tmp_path / "none.pth")


def test_a_file_of_other_weights_is_refused(tmp_path: Path) -> None:
    torch.save({"fc.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"other\.pth does not hold torch-fidelity's InceptionV3"):
        inception(tmp_path / "other.pth")
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(ValueError, match=r"text\.pth is not a file of plain weights"):
        inception(tmp_path / "text.pth")


def serve(monkeypatch: pytest.MonkeyPatch, hub: Path, url: str) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(hub))
    monkeypatch.setattr(feature_extractor_inceptionv3, "URL_INCEPTION_V3", url)


def test_weights_are_downloaded_once(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()[:8]
    published = tmp_path / f"weights-inception-{digest}.pth"
    published.symlink_to(weights)
    serve(monkeypatch, tmp_path / "hub", published.as_uri())
    inception(None)
    published.unlink()
    inception(None)
    assert (tmp_path / "hub" / "checkpoints" / published.name).is_file()


def test_another_hash_is_refused(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = tmp_path / "weights-inception-00000000.pth"
    published.symlink_to(weights)
    serve(monkeypatch, tmp_path / "hub", published.as_uri())
    with pytest.raises(FileNotFoundError, match="invalid hash value"):
        inception(None)


def test_without_a_network_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, tmp_path / "hub", (tmp_path / "weights-inception-12345678.pth").as_uri())
    with pytest.raises(FileNotFoundError, match=r"download weights-inception-12345678\.pth elsewhere"):
        inception(None)
