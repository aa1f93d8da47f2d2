"""A small convolutional classifier of labelled images: its classes serve as modes, its penultimate layer as features.

Trained once per study, from a seed, with AdamW under a cosine schedule on images that are slightly rotated, scaled and
shifted; never flipped, as a mirrored digit is not a digit. Kept in a file with its seed and its accuracy on held-out
images. Stacked digits are classified channel by channel, by a classifier of single digits, and the digits combined:
100·first + 10·second + third.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables import torch_files
from trainables.data import DataSet, Description, floats

FEATURES = 64
_BATCH = 128
_STEPS, _EPOCHS = 1000, 5
_LEARNING_RATE, _WEIGHT_DECAY, _SMOOTHING = 3e-3, 1e-2, 0.1
_ROTATION, _SCALE, _SHIFT = 0.2, 0.1, 0.1
_CHUNK = 512


@dataclass(frozen=True)
class Identity:
    """All of a classifier but its weights: the shape (C, H, W) of the images, how many classes, whether each
    channel is classified separately, the seed, and the accuracy on held-out images, 0 to 1."""

    shape: tuple[int, int, int]
    classes: int
    stacked: bool
    seed: int
    accuracy: float


class Classifier:
    """A trained network and its `identity`; called on images it gives features and predicted classes."""

    def __init__(self, network: nn.Module, identity: Identity) -> None:
        self.network = network.eval().requires_grad_(False)
        self.identity = identity

    @property
    def seed(self) -> int:
        """The seed it was trained from."""
        return self.identity.seed

    @property
    def accuracy(self) -> float:
        """Accuracy on held-out images, 0 to 1."""
        return self.identity.accuracy

    @torch.no_grad()
    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features (n, 64·channels classified) and classes (n,), int64, of images (n, C, H, W), clipped to [-1, 1]."""
        singles = images.flatten(0, 1).unsqueeze(1) if self.identity.stacked else images
        outputs = [self.network(chunk.clamp(-1, 1)) for chunk in singles.split(_CHUNK)]
        features = torch.cat([features for features, _ in outputs])
        classes = torch.cat([scores.argmax(1) for _, scores in outputs])
        if not self.identity.stacked:
            return features, classes
        channels = self.identity.shape[0]
        places = 10 ** torch.arange(channels - 1, -1, -1, device=classes.device)
        return features.reshape(len(images), -1), (classes.reshape(-1, channels) * places).sum(1)

    def refuse_other(self, data: DataSet | Description) -> None:
        """Raise `ValueError` where it was trained on images of another shape, or on other classes."""
        mine, theirs = (self.identity.shape, self.identity.classes), (data.shape, data.classes)
        if mine != theirs:
            raise ValueError(
                f"evaluation.classifier: expected one for {data.classes} classes of shape {data.shape}, "
                f"got one for {self.identity.classes} classes of shape {self.identity.shape}"
            )

    def save(self, path: str | Path) -> None:
        """Write weights and identity to a file, atomically."""
        partial = Path(f"{path}.{os.getpid()}.partial")
        partial.write_bytes(self.to_bytes())
        partial.replace(path)

    def to_bytes(self) -> bytes:
        """Weights and identity, as `save` writes them."""
        buffer = io.BytesIO()
        torch.save({"identity": asdict(self.identity), "weights": self.network.state_dict()}, buffer)
        return buffer.getvalue()

    @classmethod
    def load(cls, path: str | Path, device: torch.device | str = "cpu") -> Classifier:
        """Read what `save` wrote, without unpickling code.

        Raises `FileNotFoundError` where there is no file, `ValueError` where it is not a classifier's.
        """
        if not Path(path).is_file():
            raise FileNotFoundError(f"evaluation.classifier: expected a saved classifier, found none at {path}")
        return cls.from_bytes(Path(path).read_bytes(), device, str(path))

    @classmethod
    def from_bytes(cls, payload: bytes, device: torch.device | str = "cpu", origin: str = "this") -> Classifier:
        """The inverse of `to_bytes`; a `ValueError` names the `origin`."""
        try:
            saved = torch_files.load(payload, device)
            identity = Identity(**{**saved["identity"], "shape": tuple(saved["identity"]["shape"])})
            network = _network(identity.shape, identity.classes, identity.stacked).to_empty(device=device)
            network.load_state_dict(saved["weights"])
            _require_finite(network, identity)
        except Exception as error:
            raise ValueError(
                f"evaluation.classifier: expected what Classifier.save wrote, got another or a damaged file: {origin}"
            ) from error
        return cls(network, identity)


def _require_finite(network: nn.Module, identity: Identity) -> None:
    """Raise `ValueError` for weights or an accuracy that no training ends with, and another type of seed."""
    if not all(bool(value.isfinite().all()) for value in network.state_dict().values()):
        raise ValueError("weights that are no numbers")
    if isinstance(identity.seed, bool) or not isinstance(identity.seed, int) or not 0 <= identity.accuracy <= 1:
        raise ValueError(f"seed {identity.seed!r} and accuracy {identity.accuracy!r}")


def train_classifier(
    data: DataSet, seed: int, device: torch.device | str = "cpu", steps: int | None = None
) -> Classifier:
    """Train on the training part of labelled images; the same seed, device and thread count give the same weights.

    `steps` of 128 images; by default 1000, or 5 epochs where that is more. Raises `ValueError` for data that are not
    labelled images.
    """
    if not data.images or data.labels is None or data.heldout_labels is None:
        raise ValueError(f"a classifier needs labelled images, and '{data.name}' has none")
    shape = (data.shape[0], data.shape[1], data.shape[2])
    stacked = is_stacked(data)
    images, labels = data.train.to(device), data.labels.to(device)
    if stacked:
        images, labels = _singles(images, labels)
    generator = torch.Generator(device=device).manual_seed(seed)
    network = _network(shape, data.classes, stacked).to_empty(device=device)
    _initialise(network, generator)
    _fit(network, images, labels, steps or usual_steps(len(images)), generator)
    untested = Classifier(network, Identity(shape, data.classes, stacked, seed, math.nan))
    _, predicted = untested(floats(data.heldout.to(device)))
    accuracy = float((predicted == data.heldout_labels.to(device)).double().mean())
    return Classifier(network, Identity(shape, data.classes, stacked, seed, accuracy))


def usual_steps(images: int) -> int:
    """How many steps a classifier of so many images of one digit or channel each is trained for."""
    return max(_STEPS, _EPOCHS * images // _BATCH)


def operations_each(data: DataSet | Description) -> int:
    """Floating-point operations that the layers' products take for one such image, of stacks for all channels."""
    return _of_products(data) * (data.shape[0] if is_stacked(data) else 1)


def step_operations(data: DataSet | Description) -> int:
    """Floating-point operations of a step of training on such images: what the layers' products take forwards, and
    twice as many backwards."""
    return 3 * _BATCH * _of_products(data)


def _of_products(data: DataSet | Description) -> int:
    """Floating-point operations of the layers' products on one image, or one channel of a stack."""
    channels, height, breadth = data.shape
    forwards = 0
    for layer in _network((channels, height, breadth), data.classes, is_stacked(data)).modules():
        if isinstance(layer, nn.Conv2d):
            height, breadth = -(-height // layer.stride[0]), -(-breadth // layer.stride[1])
            forwards += 2 * layer.weight.numel() * height * breadth
        elif isinstance(layer, nn.Linear):
            forwards += 2 * layer.weight.numel()
    return forwards


def is_stacked(data: DataSet | Description) -> bool:
    """Whether each channel is a digit, as in stacked digits: C channels and 10 to the power C classes."""
    return data.images and data.shape[0] > 1 and data.classes == 10 ** data.shape[0]


def _network(shape: tuple[int, int, int], classes: int, stacked: bool) -> nn.Module:
    """3×3 convolutions that halve the side and double the width until it is at most 4; on torch's meta device."""
    with torch.device("meta"):
        return _Convolutions(1 if stacked else shape[0], shape[1:], 10 if stacked else classes)


class _Convolutions(nn.Module):
    """Images (n, C, H, W) to penultimate features (n, 64) and class scores (n, K)."""

    def __init__(self, channels: int, size: tuple[int, int], classes: int) -> None:
        super().__init__()
        layers = [*_convolution(channels, 32, 1)]
        width, (height, breadth) = 32, size
        while max(height, breadth) > 4:
            layers += _convolution(width, min(2 * width, 128), 2)
            width, height, breadth = min(2 * width, 128), -(-height // 2), -(-breadth // 2)
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(width * height * breadth, FEATURES), nn.ReLU())
        self.head = nn.Linear(FEATURES, classes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(images)
        return features, self.head(features)


def _convolution(narrow: int, wide: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(narrow, wide, 3, stride, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU()]


def _initialise(network: nn.Module, generator: torch.Generator) -> None:
    """He et al. (2015), from the generator and not from torch's global one."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
        elif isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _fit(network: nn.Module, images: Tensor, labels: Tensor, steps: int, generator: torch.Generator) -> None:
    optimizer = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
    network.train()
    for step, chosen in enumerate(_batches(len(images), steps, generator)):
        optimizer.param_groups[0]["lr"] = _LEARNING_RATE * (1 + math.cos(math.pi * step / steps)) / 2
        _, scores = network(_jittered(floats(images[chosen]), generator))
        loss = functional.cross_entropy(scores, labels[chosen], label_smoothing=_SMOOTHING)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _batches(count: int, steps: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Indices of `steps` batches, epoch after epoch in random order; an epoch's incomplete last batch is dropped."""
    size = min(_BATCH, count)
    order = torch.empty(0, dtype=torch.int64)
    for _ in range(steps):
        if len(order) < size:
            order = torch.randperm(count, generator=generator, device=generator.device)
        yield order[:size]
        order = order[size:]


def _jittered(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image rotated (radians), scaled and shifted (fractions of the side) by uniform amounts of its own."""
    amounts = 2 * torch.rand(4, len(images), generator=generator, device=images.device) - 1
    angle, scale = _ROTATION * amounts[0], 1 + _SCALE * amounts[1]
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    shift = 2 * _SHIFT * amounts[2:]
    rows = torch.stack([cosine, -sine, shift[0], sine, cosine, shift[1]], 1).reshape(-1, 2, 3)
    grid = functional.affine_grid(rows, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _singles(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The distinct single digits (n, 1, H, W) among stacked ones (N, C, H, W), and their labels (n,)."""
    channels = images.shape[1]
    places = 10 ** torch.arange(channels - 1, -1, -1, device=labels.device)
    singles = images.flatten(0, 1).unsqueeze(1)
    digits = (labels.unsqueeze(1) // places % 10).flatten()
    distinct, where = singles.unique(dim=0, return_inverse=True)
    return distinct, digits.new_zeros(len(distinct)).scatter_(0, where, digits)
