import hashlib
from pathlib import Path

import pytest
import torch
import torch_fidelity
from torch import Tensor, nn
from torch.utils.data import Dataset
from torch_fidelity import feature_extractor_inceptionv3
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from trainables.metrics.features import inception, raw, to_bytes
from trainables.metrics.frechet import frechet_distance, gaussian_from_samples

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
    network = Untrained("inception", ["2048"], feature_extractor_weights_path=str(path))
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, generator=generator)
    torch.save(network.state_dict(), path)
    return path


def images(count: int, *shape: int, seed: int = 0) -> Tensor:
    return 2 * torch.rand(count, *shape, generator=torch.Generator().manual_seed(seed)) - 1


def test_raw_features_are_the_points() -> None:
    points = images(5, 3, 4, 4)
    assert torch.equal(raw(points), points.reshape(5, 48))


def test_bytes_cover_the_range_and_clip_beyond() -> None:
    levels = to_bytes(torch.tensor([-2.0, -1.0, 0.0, 1.0, 7.0]).reshape(1, 1, 1, 5))
    assert levels.dtype == torch.uint8
    assert levels.shape == (1, 3, 1, 5)
    assert levels[0, 2, 0].tolist() == [0, 0, 128, 255, 255]


def test_bytes_of_bytes_are_themselves() -> None:
    levels = torch.arange(256).reshape(1, 1, 16, 16)
    assert torch.equal(to_bytes(levels / 127.5 - 1)[0, 0], levels[0, 0].to(torch.uint8))


@pytest.mark.parametrize("shape", [(4, 2, 8, 8), (4, 8, 8)])
def test_other_channels_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected images \(n, 1 or 3, height, width\), got shape"):
        to_bytes(torch.zeros(shape))


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
