"""A folder of pictures becomes a data set: its layout, its classes, its held-out part, and what is refused by name."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from trainables.data import check, describe, load, source
from trainables.data.image_files import pictures_in
from trainables.data.images import Images

Write = Callable[..., None]


def test_a_folder_of_pictures(tmp_path: Path, write_pictures: Write) -> None:
    write_pictures(tmp_path / "all", count=20)
    data = load("images", root=tmp_path / "all", size=12)
    assert (data.shape, data.classes, data.labels) == ((3, 12, 12), 0, None)
    assert (data.train.dtype, len(data.train), len(data.heldout)) == (torch.uint8, 18, 2)
    with Image.open(tmp_path / "all" / "000.png") as first:
        content = torch.frombuffer(bytearray(first.tobytes()), dtype=torch.uint8).view(12, 12, 3).permute(2, 0, 1)
    assert any(torch.equal(content, one) for one in (*data.train, *data.heldout))


def test_a_folder_for_each_class(tmp_path: Path, write_pictures: Write) -> None:
    write_pictures(tmp_path / "cat" / "young", tmp_path / "ant")
    write_pictures(tmp_path / "dog", count=30)
    data = load("images", root=tmp_path, size=8, labels="folders", heldout=0.2)
    assert data.classes == 3
    assert data.labels is not None
    assert data.heldout_labels is not None
    assert data.labels.bincount().tolist() == [8, 8, 24]
    assert data.heldout_labels.bincount().tolist() == [2, 2, 6]


def test_labels_go_with_their_pictures(tmp_path: Path) -> None:
    for colour in ("black", "red", "white"):
        (tmp_path / colour).mkdir()
        for number in range(4):
            Image.new("RGB", (8, 8), colour).save(tmp_path / colour / f"{number}.png")
    data = load("images", root=tmp_path, size=8, channels=1, labels="folders", heldout=0.25)
    for points, labels in ((data.train, data.labels), (data.heldout, data.heldout_labels)):
        assert labels is not None
        assert points[:, 0, 0, 0].tolist() == [[0, 76, 255][label] for label in labels.tolist()]


def test_a_held_out_folder(tmp_path: Path, write_pictures: Write) -> None:
    write_pictures(tmp_path / "train" / "a", tmp_path / "train" / "b")
    write_pictures(tmp_path / "test" / "b", count=3)
    settings: dict[str, Any] = {"root": tmp_path / "train", "size": 8, "heldout": tmp_path / "test"}
    data = load("images", **settings, labels="folders")
    assert data.heldout_labels is not None
    assert (len(data.train), data.heldout_labels.tolist()) == (20, [1, 1, 1])
    assert len(load("images", **settings).heldout) == 3


def test_the_settings_are_complete_and_describe_it_without_the_files(
    tmp_path: Path, write_pictures: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(tmp_path / "made" / "a", tmp_path / "made" / "b")
    monkeypatch.chdir(tmp_path)
    settings = check("images", root="made", size=8, labels="folders")
    assert (settings["root"], settings["classes"], settings["heldout"]) == (str(tmp_path / "made"), 2, 0.1)
    (tmp_path / "made").rename(tmp_path / "gone")
    assert describe(**settings) == ((3, 8, 8), 2, False)
    with pytest.raises(
        FileNotFoundError, match=rf"^data\.root: expected a folder of pictures, found none at {tmp_path}"
    ):
        check(**settings)
    with pytest.raises(FileNotFoundError, match=r"^data\.root: expected a folder of pictures, found none at "):
        describe("images", root="made", labels="folders")
    with pytest.raises(FileNotFoundError, match=r"^data\.heldout: expected a folder of pictures, found none at "):
        load("images", root=tmp_path / "gone", size=8, heldout=tmp_path / "nowhere")


@pytest.mark.parametrize("use", [check, load])
def test_layouts_that_do_not_fit(use: Callable[..., Any], tmp_path: Path, write_pictures: Write) -> None:
    write_pictures(tmp_path / "a", tmp_path / "b")
    (tmp_path / "c").mkdir()
    settings: dict[str, Any] = {"root": tmp_path, "size": 8, "labels": "folders"}
    with pytest.raises(
        ValueError, match=rf"^data\.root: expected pictures of every class in {tmp_path}, got none in c$"
    ):
        use("images", **settings)
    with pytest.raises(
        ValueError, match=rf"^data\.root: expected PNG, JPEG or WebP files in {tmp_path}/c, found none$"
    ):
        use("images", root=tmp_path / "c")
    (tmp_path / "c").rmdir()
    with pytest.raises(ValueError, match=rf"^data\.classes: expected 2, the folders in {tmp_path}, got 3$"):
        use("images", **settings, classes=3)
    with pytest.raises(ValueError, match=r"^data\.classes: expected 0 with `labels: none`, got 3$"):
        use("images", root=tmp_path, classes=3)
    with pytest.raises(ValueError, match=r"^data\.heldout: expected a folder outside of data\.root = .*/b'$"):
        use("images", **settings, heldout=tmp_path / "b")
    os.link(tmp_path / "a" / "000.png", tmp_path / "beside.png")
    with pytest.raises(
        ValueError, match=r"^data\.root: expected every picture in a folder of its class \(a, b\), got 1"
    ):
        use("images", **settings)


def test_folders_elsewhere_may_be_linked_and_are_read_once(tmp_path: Path, write_pictures: Write) -> None:
    write_pictures(tmp_path / "every" / "a", tmp_path / "every" / "b", tmp_path / "every" / "c")
    (tmp_path / "chosen").mkdir()
    for name in ("a", "c"):
        (tmp_path / "chosen" / name).symlink_to(tmp_path / "every" / name)
    data = load("images", root=tmp_path / "chosen", size=8, labels="folders")
    assert (data.classes, len(data.train) + len(data.heldout)) == (2, 20)
    for name, there in (("a/back", "chosen"), ("a/beside", "every/b"), ("b/beside", "every/a"), ("c/top", ".")):
        (tmp_path / "every" / name).symlink_to(tmp_path / there)
    found = pictures_in(tmp_path / "chosen")
    assert len({path.resolve() for path in found}) == len(found) == 30


def test_links_to_folders_within_are_left_out(tmp_path: Path, write_pictures: Write) -> None:
    write_pictures(tmp_path / "run3", tmp_path / "z" / "run4")
    for name, there in (("latest", "run3"), ("run3/above", "."), ("a", "z"), ("z/again", "z/run4")):
        (tmp_path / name).symlink_to(tmp_path / there)
    assert {path.parent.name for path in pictures_in(tmp_path)} == {"run3", "run4"}
    assert len(pictures_in(tmp_path)) == 20


def test_a_held_out_folder_that_is_linked_from_the_root_is_refused(tmp_path: Path, write_pictures: Write) -> None:
    write_pictures(tmp_path / "pictures", tmp_path / "root" / "own")
    (tmp_path / "root" / "all").symlink_to(tmp_path / "pictures")
    settings: dict[str, Any] = {"root": tmp_path / "root", "size": 8, "heldout": tmp_path / "pictures"}
    with pytest.raises(
        ValueError, match=r"^data\.heldout: expected pictures that are not in data\.root = .* in both'$"
    ):
        source("images", **settings).found()


def test_weights_that_leave_a_class_without_pictures_are_refused(tmp_path: Path, write_pictures: Write) -> None:
    write_pictures(tmp_path / "a", tmp_path / "b")
    settings: dict[str, Any] = {"root": tmp_path, "size": 8, "labels": "folders", "heldout": 0.5}
    assert source("images", **settings, class_weights=[0.4, 1]).found() == (7, 7)
    with pytest.raises(ValueError, match=r"^data\.class_weights: .* by which class 0 of 5 points keeps none$"):
        source("images", **settings, class_weights=[0.1, 1]).found()


def test_unusable_pictures_are_refused_by_name(tmp_path: Path, write_pictures: Write) -> None:
    write_pictures(tmp_path)
    (tmp_path / "000.png").write_bytes((tmp_path / "000.png").read_bytes()[:200])
    with pytest.raises(
        ValueError, match=rf"^data\.root: 1 of 10 pictures in {tmp_path} cannot be used \(1 damaged: 000"
    ):
        load("images", root=tmp_path, size=8)
    with pytest.raises(
        ValueError, match=r"^data\.root: 10 of 10 .* \(10 smaller than 16 x 16: 000.png, 001.png, 002.png and"
    ):
        check("images", root=tmp_path, size=16)
    (tmp_path / "000.png").rename(tmp_path / "0\n0.png")
    with pytest.raises(ValueError, match=r"\(1 damaged: '0\\n0\.png'\)$"):
        load("images", root=tmp_path, size=8)


def test_the_fingerprint_follows_content_and_settings(tmp_path: Path, write_pictures: Write) -> None:
    write_pictures(tmp_path / "made" / "a", tmp_path / "made" / "b")
    settings: dict[str, Any] = {"root": tmp_path / "made", "size": 8, "labels": "folders"}
    first = Images(**settings).fingerprint()
    changes: list[dict[str, Any]] = [{"size": 9}, {"channels": 1}, {"labels": "none"}, {"heldout": 0.2}, {"seed": 1}]
    assert len({first, *(Images(**{**settings, **change}).fingerprint() for change in changes)}) == 6
    (tmp_path / "made").rename(tmp_path / "moved")
    settings["root"] = tmp_path / "moved"
    assert Images(**settings).fingerprint() == first
    (tmp_path / "moved" / "a" / "000.png").unlink()
    assert Images(**settings).fingerprint() != first
