"""torchvision's own reading, checking, unpacking and downloading on tiny files in the real formats; no network."""

import http.server
import os
import pickle
import socketserver
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision

from trainables.data import check, describe, load

FOLDERS = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}

WriteIdx = Callable[..., dict[str, np.ndarray]]
WriteCifar = Callable[[Path], dict[str, np.ndarray]]
Accept = Callable[[Path], None]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address under which this machine alone serves it."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(Quiet, directory=str(folder))
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", FOLDERS)
def test_idx_files(name: str, tmp_path: Path, write_idx: WriteIdx) -> None:
    written = write_idx(tmp_path, FOLDERS[name])
    data = load(name, root=tmp_path)
    assert (data.shape, data.classes, data.mixture) == ((1, 28, 28), 10, None)
    assert data.name == name
    for points, labels, part in (
        (data.train, data.labels, "train"),
        (data.heldout, data.heldout_labels, "t10k"),
    ):
        assert labels is not None
        np.testing.assert_array_equal(points[:, 0].numpy(), written[f"{part}-images-idx3-ubyte"], strict=True)
        assert labels.tolist() == written[f"{part}-labels-idx1-ubyte"].tolist()


def test_pictures_are_kept_as_bytes(tmp_path: Path, write_idx: WriteIdx) -> None:
    file = tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte"
    write_idx(tmp_path)
    content = bytearray(file.read_bytes())
    content[16:18] = b"\x00\xff"
    file.write_bytes(content)
    assert load("mnist", root=tmp_path).train[0, 0, 0, :2].tolist() == [0, 255]


def test_cifar_batches(tmp_path: Path, write_cifar: WriteCifar, accept_cifar: Accept) -> None:
    written = write_cifar(tmp_path)
    accept_cifar(tmp_path)
    data = load("cifar10", root=tmp_path)
    assert (data.shape, data.classes) == ((3, 32, 32), 10)
    batches = [f"data_batch_{k}" for k in range(1, 6)]
    rows = np.concatenate([written[batch] for batch in batches])  # a row: 1024 red, 1024 green, 1024 blue
    np.testing.assert_array_equal(data.train.numpy(), rows.reshape(-1, 3, 32, 32), strict=True)
    labels = np.concatenate([written[f"{batch} labels"] for batch in batches])
    assert data.labels is not None
    assert data.labels.tolist() == labels.tolist()
    assert len(data.heldout) == len(written["test_batch"])
    assert data.train.is_contiguous()


class Trap:
    """A pickle that leaves a file behind when it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def test_a_pickle_that_is_not_cifars_is_never_read(
    tmp_path: Path, write_cifar: WriteCifar, accept_cifar: Accept
) -> None:
    write_cifar(tmp_path)
    accept_cifar(tmp_path)
    mark = tmp_path / "mark"
    batch = tmp_path / "cifar-10-batches-py" / "data_batch_3"
    batch.write_bytes(pickle.dumps(Trap(mark)))
    with pytest.raises(
        ValueError, match=r"^data\.root: cifar-10-batches-py/data_batch_3 under .* a damaged or another file"
    ):
        load("cifar10", root=tmp_path)
    assert not mark.exists()


def test_the_published_md5s_are_asked_for(tmp_path: Path, write_cifar: WriteCifar) -> None:
    write_cifar(tmp_path)
    with pytest.raises(
        ValueError, match=r"data_batch_1, .*batches\.meta under .* another file; delete it and set `download: true`"
    ):
        load("cifar10", root=tmp_path)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("mnist", "MNIST/raw/train-images-idx3-ubyte"),
        ("fashion_mnist", "FashionMNIST/raw/t10k-labels-idx1-ubyte"),
        ("cifar10", "cifar-10-batches-py/batches.meta"),
    ],
)
@pytest.mark.parametrize("use", [check, load])
def test_missing_files_name_the_folder_and_the_setting(
    use: Callable[..., Any], name: str, file: str, tmp_path: Path
) -> None:
    root = tmp_path / "nowhere"
    expected = rf"^data\.root: {name} is not under {root}, which lacks .*{file}.*; set `download: true` under `data`"
    with pytest.raises(FileNotFoundError, match=expected):
        use(name, root=str(root))
    assert not root.exists()


@pytest.mark.parametrize("use", [check, load])
def test_a_download_needs_a_folder(use: Callable[..., Any], tmp_path: Path, write_idx: WriteIdx) -> None:
    (tmp_path / "file").touch()
    for root in ("/dev/null", f"{tmp_path}/file/below", f"{tmp_path}/a\0b"):
        with pytest.raises(FileNotFoundError, match=r"^data\.root: expected a folder to put mnist into, got /"):
            use("mnist", root=root, download=True)
    write_idx(tmp_path)
    use("mnist", root=tmp_path, download=True)


def test_only_what_is_missing_is_named(tmp_path: Path, write_idx: WriteIdx) -> None:
    write_idx(tmp_path)
    (tmp_path / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match="which lacks MNIST/raw/t10k-labels-idx1-ubyte;"):
        check("mnist", root=tmp_path)


def test_what_lies_beside_a_missing_file_is_named(tmp_path: Path, write_idx: WriteIdx, accept_idx: Accept) -> None:
    labels = "t10k-labels-idx1-ubyte"
    raw = tmp_path / "MNIST" / "raw"
    write_idx(tmp_path)
    (raw / labels).rename(tmp_path / labels)
    with pytest.raises(FileNotFoundError, match=rf"lacks MNIST/raw/{labels}; {labels} is there, but not in MNIST/raw;"):
        check("mnist", root=tmp_path)
    (tmp_path / labels).unlink()
    (raw / f"{labels}.gz").write_bytes(b"cut")
    with pytest.raises(FileNotFoundError, match=rf"; MNIST/raw/{labels}.gz is there, without the published MD5;"):
        check("mnist", root=tmp_path)
    write_idx(tmp_path / "packed", packed=True)
    accept_idx(tmp_path / "packed")
    (tmp_path / "packed" / "MNIST" / "raw" / f"{labels}.gz").replace(raw / f"{labels}.gz")
    with pytest.raises(FileNotFoundError, match=rf"; MNIST/raw/{labels}.gz is there, to be unpacked;"):
        check("mnist", root=tmp_path)


def test_check_and_describe_do_not_load(tmp_path: Path) -> None:
    resolved = check("cifar10", root=tmp_path, download=True)
    assert resolved == {"name": "cifar10", "root": str(tmp_path), "download": True, "class_weights": None}
    assert describe("cifar10", root=tmp_path) == ((3, 32, 32), 10, False)
    assert describe("mnist") == ((1, 28, 28), 10, False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("use", [check, load])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected content, got an empty file"),
        (b"not an idx file at all", "expected an unpacked idx3-ubyte file, got another kind of file"),
        (b"\x00\x00\x08\x03" + b"\x00\x00\x00\x07" * 3, "expected 359 bytes, as its first ones tell, got 16"),
        (b"\x00\x00\x08\x01\x00\x00\x00\x01\x00", "expected an unpacked idx3-ubyte file"),
        (b"\x00\x00\x08\x03" + b"\x00\x00\x00\x07" * 3 + bytes(7**3), "expected pictures of 28 × 28 pixels, got 7 × 7"),
        (b"\x00\x00\x08\x03" + bytes(4) + b"\x00\x00\x00\x1c" * 2, "expected pictures, got none"),
        (None, "expected a file, got a folder"),
    ],
    ids=["empty", "text", "cut short", "labels", "small", "none", "folder"],
)
def test_a_damaged_idx_file_is_named(
    content: bytes | None, message: str, use: Callable[..., Any], name: str, tmp_path: Path, write_idx: WriteIdx
) -> None:
    write_idx(tmp_path, FOLDERS[name])
    file = tmp_path / FOLDERS[name] / "raw" / "train-images-idx3-ubyte"
    file.unlink()
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    named = f"^data\\.root: {FOLDERS[name]}/raw/train-images-idx3-ubyte under {tmp_path}: {message}"
    with pytest.raises(ValueError, match=named):
        use(name, root=tmp_path)


def test_files_of_another_data_set(tmp_path: Path, write_idx: WriteIdx) -> None:
    write_idx(tmp_path)
    labels, images = (tmp_path / "MNIST" / "raw" / f"train-{kind}-ubyte" for kind in ("labels-idx1", "images-idx3"))
    labels.write_bytes(b"\x00\x00\x08\x01\x00\x00\x00\x07" + bytes([*range(5), 11, 9]))
    check("mnist", root=tmp_path)  # only reading tells
    with pytest.raises(
        ValueError, match=rf"^data\.root: {labels.relative_to(tmp_path)} .*: expected labels in 0\.\.9, got 11"
    ):
        load("mnist", root=tmp_path)
    images.write_bytes(images.with_name("t10k-images-idx3-ubyte").read_bytes())
    with pytest.raises(
        ValueError, match=r"train-images.* as many pictures as .*train-labels\S* has labels, got 4 pictures and 7"
    ):
        check("mnist", root=tmp_path)


@pytest.mark.parametrize(
    ("name", "file", "folder"),
    [
        ("cifar10", "cifar-10-batches-py/data_batch_2", False),
        ("svhn", "test_32x32.mat", False),
        ("celeba", "celeba/img_align_celeba", True),
    ],
)
def test_a_folder_in_the_place_of_a_file_is_refused(name: str, file: str, folder: bool, tmp_path: Path) -> None:
    at = tmp_path / file
    at.parent.mkdir(parents=True, exist_ok=True)
    at.touch() if folder else at.mkdir()
    expected = "a folder, got a file" if folder else "a file, got a folder"
    with pytest.raises(ValueError, match=rf"^data\.root: {file} under {tmp_path}: expected {expected}"):
        check(name, root=tmp_path, download=True)


def test_gzipped_files_that_are_there_are_unpacked_without_a_download(
    tmp_path: Path, write_idx: WriteIdx, accept_idx: Accept
) -> None:
    written = write_idx(tmp_path, packed=True)
    with pytest.raises(FileNotFoundError, match="mnist is not under"):  # not the published files
        check("mnist", root=tmp_path)
    accept_idx(tmp_path)
    check("mnist", root=tmp_path)
    data = load("mnist", root=tmp_path)
    assert len(data.train) == len(written["train-labels-idx1-ubyte"])
    assert not list(tmp_path.glob(".fetching-*"))
    assert len(list((tmp_path / "MNIST" / "raw").iterdir())) == 8
    assert torch.equal(load("mnist", root=tmp_path).train, data.train)


def test_a_cifar_archive_that_is_there_is_unpacked_without_a_download(
    tmp_path: Path, write_cifar: WriteCifar, accept_cifar: Accept, pack_cifar: Callable[[Path, Path], None]
) -> None:
    write_cifar(tmp_path / "made")
    accept_cifar(tmp_path / "made")
    root = tmp_path / "root"
    pack_cifar(tmp_path / "made", root)
    assert torch.equal(load("cifar10", root=root).train, load("cifar10", root=tmp_path / "made").train)


def test_mnist_is_downloaded_once(
    tmp_path: Path,
    write_idx: WriteIdx,
    accept_idx: Accept,
    served: tuple[Path, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, address = served
    written = write_idx(tmp_path / "made", packed=True)
    accept_idx(tmp_path / "made")
    for file in (tmp_path / "made" / "MNIST" / "raw").iterdir():
        file.rename(folder / file.name)
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [address])
    root = tmp_path / "deep" / "root"
    data = load("mnist", root=root, download=True)
    assert data.labels is not None
    assert data.labels.tolist() == written["train-labels-idx1-ubyte"].tolist()
    for file in folder.iterdir():
        file.unlink()
    assert torch.equal(load("mnist", root=root, download=True).train, data.train)
    check("mnist", root=root)


def test_cifar_is_downloaded(
    tmp_path: Path,
    write_cifar: WriteCifar,
    accept_cifar: Accept,
    pack_cifar: Callable[[Path, Path], None],
    served: tuple[Path, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, address = served
    write_cifar(tmp_path / "made")
    accept_cifar(tmp_path / "made")
    pack_cifar(tmp_path / "made", folder / "files")
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "url", f"{address}files/cifar-10-python.tar.gz")
    data = load("cifar10", root=tmp_path / "root", download=True)
    assert torch.equal(data.train, load("cifar10", root=tmp_path / "made").train)


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_a_download_that_fails_leaves_nothing(
    name: str, tmp_path: Path, served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, address = served
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [address])
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "url", f"{address}cifar-10-python.tar.gz")
    root = tmp_path / "root"
    with pytest.raises(
        ConnectionError, match=rf"^data\.download: {name} could not be downloaded to {root}: (?s:.*)404"
    ):
        load(name, root=root, download=True)
    assert not list(root.iterdir())


def test_a_download_of_something_else_is_refused(
    tmp_path: Path, served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, address = served
    (folder / "cifar-10-python.tar.gz").write_bytes(b"not the archive")
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "url", f"{address}cifar-10-python.tar.gz")
    with pytest.raises(ConnectionError, match=r"cifar10 could not be downloaded to .*: File not found or corrupted"):
        load("cifar10", root=tmp_path / "root", download=True)
    assert not list((tmp_path / "root").iterdir())


def test_house_numbers(tmp_path: Path, write_svhn: Callable[[Path], dict[str, np.ndarray]]) -> None:
    written = write_svhn(tmp_path)
    data = load("svhn", root=tmp_path)
    for points, labels, part in ((data.train, data.labels, "train"), (data.heldout, data.heldout_labels, "test")):
        assert labels is not None
        np.testing.assert_array_equal(points.numpy(), written[part].transpose(3, 2, 0, 1), strict=True)
        assert labels.tolist() == (written[f"{part} labels"][:, 0] % 10).tolist()
    (tmp_path / "test_32x32.mat").write_bytes(b"cut")
    with pytest.raises(ValueError, match=r"^data\.root: test_32x32\.mat under .* a damaged or another file"):
        load("svhn", root=tmp_path)


def test_house_numbers_are_downloaded(
    tmp_path: Path,
    write_svhn: Callable[[Path], dict[str, np.ndarray]],
    served: tuple[Path, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, address = served
    write_svhn(folder)
    splits = torchvision.datasets.SVHN.split_list
    there = {part: [f"{address}{name}", name, md5] for part, (_, name, md5) in splits.items()}
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", there)
    data = load("svhn", root=tmp_path / "root", download=True)
    assert (len(data.train), len(data.heldout)) == (7, 4)
