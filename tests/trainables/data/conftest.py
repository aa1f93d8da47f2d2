"""Tiny picture files in the real on-disk formats, written here and read by torchvision's own code."""

from __future__ import annotations

import gzip
import hashlib
import pickle
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torchvision
from PIL import Image

TRAIN, TEST = 7, 4  # pictures a batch


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def idx(values: np.ndarray) -> bytes:
    """The idx format: 0, 0, type 8 = unsigned byte, dimensions; sizes as big-endian int32; the bytes."""
    return struct.pack(f">BBBB{values.ndim}i", 0, 0, 8, values.ndim, *values.shape) + values.tobytes()


@pytest.fixture
def write_idx() -> Callable[..., dict[str, np.ndarray]]:
    """Writes MNIST/raw or FashionMNIST/raw under a root, packed or not; returns what it wrote by file name."""

    def write(
        root: Path, folder: str = "MNIST", *, packed: bool = False, count: int | None = None
    ) -> dict[str, np.ndarray]:
        random = np.random.default_rng(5)
        raw = root / folder / "raw"
        raw.mkdir(parents=True)
        written = {}
        for part, usual in (("train", TRAIN), ("t10k", TEST)):
            size = count or usual
            written[f"{part}-images-idx3-ubyte"] = random.integers(0, 256, (size, 28, 28)).astype(np.uint8)
            written[f"{part}-labels-idx1-ubyte"] = random.permutation(np.arange(size) % 10).astype(np.uint8)
        for name, values in written.items():
            target = raw / (f"{name}.gz" if packed else name)
            target.write_bytes(gzip.compress(idx(values), mtime=0) if packed else idx(values))
        return written

    return write


@pytest.fixture
def accept_idx(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes torchvision expect the MD5s of the packed files written by the test."""

    def accept(root: Path) -> None:
        reader = torchvision.datasets.MNIST
        sums = [(name, md5(root / "MNIST" / "raw" / name)) for name, _ in reader.resources]
        monkeypatch.setattr(reader, "resources", sums)

    return accept


@pytest.fixture
def write_cifar() -> Callable[[Path], dict[str, np.ndarray]]:
    """Writes CIFAR-10's python batches under a root; returns the rows (n, 3072) and labels it wrote."""

    def write(root: Path) -> dict[str, np.ndarray]:
        random = np.random.default_rng(6)
        folder = root / "cifar-10-batches-py"
        folder.mkdir(parents=True)
        written: dict[str, np.ndarray] = {}
        for name in [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]:
            count = TEST if name == "test_batch" else TRAIN
            rows: np.ndarray = random.integers(0, 256, (count, 3072)).astype(np.uint8)
            labels = random.integers(0, 10, count)
            batch = {"batch_label": name, "labels": labels.tolist(), "data": rows, "filenames": ["x.png"] * count}
            (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
            written[name], written[f"{name} labels"] = rows, labels
        meta = {"num_cases_per_batch": TRAIN, "label_names": list("abcdefghij"), "num_vis": 3072}
        (folder / "batches.meta").write_bytes(pickle.dumps(meta, protocol=2))
        return written

    return write


@pytest.fixture
def accept_cifar(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes torchvision expect the MD5s of the batches written by the test; it still checks them."""

    def accept(root: Path) -> None:
        reader = torchvision.datasets.CIFAR10
        folder = root / reader.base_folder
        for part in ("train_list", "test_list"):
            monkeypatch.setattr(reader, part, [[name, md5(folder / name)] for name, _ in getattr(reader, part)])
        meta = reader.meta["filename"]
        monkeypatch.setattr(reader, "meta", {**reader.meta, "md5": md5(folder / meta)})

    return accept


@pytest.fixture
def write_svhn(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], dict[str, np.ndarray]]:
    """Writes SVHN's two files of MATLAB's under a root, whose MD5s torchvision then expects; returns what it wrote."""

    def write(root: Path) -> dict[str, np.ndarray]:
        random, written = np.random.default_rng(8), {}
        splits = {**torchvision.datasets.SVHN.split_list}
        root.mkdir(parents=True, exist_ok=True)
        for part, count in (("train", TRAIN), ("test", TEST)):
            pictures: np.ndarray = random.integers(0, 256, (32, 32, 3, count)).astype(np.uint8)
            labels: np.ndarray = (np.arange(count)[:, None] % 10 + 1).astype(np.uint8)  # the digit 0 is said as 10
            path = root / f"{part}_32x32.mat"
            scipy.io.savemat(path, {"X": pictures, "y": labels})
            splits[part] = [splits[part][0], path.name, md5(path)]
            written[part], written[f"{part} labels"] = pictures, labels
        monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", splits)
        return written

    return write


@pytest.fixture
def write_celeba(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Writes six faces, four to train on and two to test, each of one colour, and CelebA's lists under a root.

    The attribute Smiling is present in every second one, which is white; torchvision then expects the lists' MD5s.
    """

    def write(root: Path) -> None:
        base, count = root / "celeba", 6
        (base / "img_align_celeba").mkdir(parents=True)
        names = [f"{number:06d}.jpg" for number in range(1, count + 1)]
        for number, name in enumerate(names):
            Image.new("RGB", (178, 218), "white" if number % 2 else "black").save(base / "img_align_celeba" / name)
        lists = {
            "list_attr_celeba.txt": [
                f"{count}",
                "Young Smiling ",
                *(f"{n} -1 {1 if i % 2 else -1}" for i, n in enumerate(names)),
            ],
            "identity_CelebA.txt": [f"{name} 7" for name in names],
            "list_bbox_celeba.txt": [f"{count}", "image_id x_1", *(f"{name} 1" for name in names)],
            "list_landmarks_align_celeba.txt": [f"{count}", "x y", *(f"{name} 1 2" for name in names)],
            "list_eval_partition.txt": [f"{name} {0 if number < 4 else 2}" for number, name in enumerate(names)],
        }
        for name, lines in lists.items():
            (base / name).write_text("\n".join(lines) + "\n")
        reader = torchvision.datasets.CelebA
        files = [(key, md5(base / name) if name in lists else old, name) for key, old, name in reader.file_list]
        monkeypatch.setattr(reader, "file_list", files)

    return write


@pytest.fixture
def write_pictures() -> Callable[..., None]:
    """Writes `count` pictures of noise as PNG files in each of the folders named, which it makes."""

    def write(*folders: Path, count: int = 10, side: int = 12, mode: str = "RGB") -> None:
        random = np.random.default_rng(7)
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(count):
                levels = random.integers(0, 256, (side, side, len(mode))).astype(np.uint8)
                Image.fromarray(levels.squeeze()).save(folder / f"{number:03d}.png")

    return write


@pytest.fixture
def pack_cifar(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, Path], None]:
    """Packs the batches under one root into the archive of another and makes torchvision expect its MD5."""

    def pack(batches: Path, root: Path) -> None:
        reader = torchvision.datasets.CIFAR10
        root.mkdir(parents=True)
        with tarfile.open(root / reader.filename, "w:gz") as archive:
            archive.add(batches / reader.base_folder, reader.base_folder)
        monkeypatch.setattr(reader, "tgz_md5", md5(root / reader.filename))

    return pack
