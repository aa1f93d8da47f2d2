"""torchvision's own reading and checking of CelebA's lists, on six faces of one colour each; no network."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from trainables.data import check, load
from trainables.data.celeba import CelebA

Write = Callable[[Path], None]


def test_parts_and_an_attribute(tmp_path: Path, write_celeba: Write) -> None:
    write_celeba(tmp_path)
    data = load("celeba", root=tmp_path, size=16, attribute="Smiling")
    assert (data.shape, data.classes, data.train.dtype) == ((3, 16, 16), 2, torch.uint8)
    for points, labels, expected in (
        (data.train, data.labels, [0, 1, 0, 1]),
        (data.heldout, data.heldout_labels, [0, 1]),
    ):
        assert labels is not None
        assert labels.tolist() == expected
        assert (points[:, 0, 0, 0] > 127).long().tolist() == expected
    plain = load("celeba", root=tmp_path, size=16)
    assert (plain.labels, plain.classes, len(plain.train), len(plain.heldout)) == (None, 0, 4, 2)


def test_the_centre_is_cropped(tmp_path: Path, write_celeba: Write) -> None:
    write_celeba(tmp_path)
    face = Image.new("RGB", (178, 218), "black")
    face.paste("white", (39, 59, 139, 159))
    face.save(tmp_path / "celeba" / "img_align_celeba" / "000001.jpg", quality=100, subsampling=0)
    wide, narrow = (load("celeba", root=tmp_path, size=20, crop=crop).train[0] for crop in (178, 96))
    assert int(wide[:, 0].max()) < 10
    assert int(narrow.min()) > 245


def test_what_is_refused(tmp_path: Path, write_celeba: Write) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"^data\.root: celeba is not under .* lacks celeba/list_attr_celeba.txt, "
    ):
        check("celeba", root=tmp_path)
    write_celeba(tmp_path)
    with pytest.raises(ValueError, match=r"data\.attribute: expected one of Young, Smiling, got 'Frowning'"):
        load("celeba", root=tmp_path, attribute="Frowning")
    with pytest.raises(
        ValueError, match=r"^data\.crop: expected 64 \(data\.size\) to 178, the pictures' width, got 200$"
    ):
        check("celeba", root=tmp_path, crop=200)
    (tmp_path / "celeba" / "img_align_celeba" / "000002.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match=r"^data\.root: 1 of 4 pictures .* \(1 damaged: 000002\.jpg"):
        load("celeba", root=tmp_path)
    (tmp_path / "celeba" / "list_attr_celeba.txt").write_text("changed")
    assert CelebA(root=str(tmp_path)).fingerprint() is None
    with pytest.raises(ValueError, match=r"^data\.root: celeba/\S+\.txt.* a damaged or another file"):
        load("celeba", root=tmp_path)


def test_the_fingerprint_follows_content_and_settings(tmp_path: Path, write_celeba: Write) -> None:
    assert CelebA(root=str(tmp_path)).fingerprint() is None
    write_celeba(tmp_path)
    prints = {CelebA(root=str(tmp_path), size=size).fingerprint() for size in (16, 17)}
    Image.new("RGB", (178, 218)).save(tmp_path / "celeba" / "img_align_celeba" / "000006.jpg")
    prints.add(CelebA(root=str(tmp_path), size=16).fingerprint())
    assert len(prints) == 3
