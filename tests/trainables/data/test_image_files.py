"""What Pillow reads is cropped, averaged and turned upright; every kind of file that would lose something is named."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from trainables.data.image_files import (
    UnusableError,
    class_folders,
    hash_all,
    look,
    look_at_all,
    pictures_in,
    read,
    read_all,
)


def png(path: Path, bits: int, colour: int, side: int = 16) -> None:
    """A PNG file of noise, written by hand (Pillow writes no colours of 16 bits): kind 0 is grey, 2 is RGB."""
    row = side * (3 if colour == 2 else 1) * bits // 8
    lines = b"".join(b"\0" + os.urandom(row) for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, bits, colour, 0, 0, 0)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    content = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def made(path: Path, kind: str) -> Path:
    """A file of a kind that cannot be used."""
    plain = Image.effect_noise((16, 16), 90)
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    if kind == "cmyk.jpg":
        Image.new("CMYK", (16, 16)).save(path)
    elif kind.startswith("animated"):
        frames[0].save(path, save_all=True, append_images=frames[1:])
    elif kind == "transparent.png":
        Image.new("RGBA", (16, 16), (1, 2, 3, 254)).save(path)
    elif kind == "palette.png":
        Image.new("P", (16, 16), 0).save(path, transparency=0)
    elif kind == "grey16.png":
        png(path, bits=16, colour=0)
    elif kind == "rgb16.png":
        png(path, bits=16, colour=2)
    elif kind == "tiny.png":
        Image.new("L", (20, 7)).save(path)
    elif kind == "gif.png":
        plain.save(path, format="GIF")
    elif kind == "pipe.png":
        os.mkfifo(path)
    elif kind == "empty.png":
        path.write_bytes(b"")
    elif kind == "flipped.png":
        plain.save(path)
        content = bytearray(path.read_bytes())
        content[60] ^= 1
        path.write_bytes(content)
    else:
        plain.save(path)
        path.write_bytes(path.read_bytes()[:-60])
    return path


KINDS = {
    "cmyk.jpg": "CMYK",
    "animated.png": "animated",
    "animated.webp": "animated",
    "transparent.png": "transparent",
    "palette.png": "transparent",
    "grey16.png": "of more than 8 bits a channel",
    "rgb16.png": "of more than 8 bits a channel",
    "tiny.png": "smaller than 8 x 8",
    "gif.png": "damaged",
    "empty.png": "damaged",
    "pipe.png": "pipe or device",
    "flipped.png": "damaged",
    "cut.png": "damaged",
    "cut.jpg": "damaged",
}
SEEN_WHOLE = ("transparent.png", "palette.png", "flipped.png", "cut.png", "cut.jpg")  # not in the head alone


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_that_cannot_be_used(kind: str, tmp_path: Path) -> None:
    path = made(tmp_path / kind, kind)
    with pytest.raises(UnusableError, match=f"^{KINDS[kind]}$"):
        read(path, 8, 3)
    if kind in SEEN_WHOLE:
        look(path, 8)
    else:
        with pytest.raises(UnusableError, match=f"^{KINDS[kind]}$"):
            look(path, 8)


def test_all_of_them_are_counted_and_named(tmp_path: Path, write_pictures: Callable[..., None]) -> None:
    write_pictures(tmp_path / "good")
    for kind in KINDS:
        made(tmp_path / kind, kind)
    paths = pictures_in(tmp_path)
    with pytest.raises(
        ValueError, match=rf"^data\.root: 14 of 24 pictures in {tmp_path} cannot be used \(.*"
    ) as refusal:
        read_all("data.root", paths, tmp_path, 8, 3)
    for words in (
        "1 CMYK: cmyk.jpg",
        "5 damaged: cut.jpg, cut.png, empty.png and 2 more",
        "1 smaller than 8 x 8: tiny.png",
    ):
        assert words in str(refusal.value)
    with pytest.raises(ValueError, match=r"^data\.root: 9 of 24 pictures .* 2 damaged: empty.png, gif.png"):
        look_at_all("data.root", paths, tmp_path, 8)


@pytest.mark.parametrize("extension", ["png", "jpg", "jpeg", "webp", "PNG"])
@pytest.mark.parametrize(("mode", "channels"), [("RGB", 3), ("L", 3), ("RGB", 1), ("L", 1)])
def test_formats_and_channels(extension: str, mode: str, channels: int, tmp_path: Path) -> None:
    path = tmp_path / f"one.{extension}"
    Image.new("RGB", (16, 16), (200, 100, 50)).convert(mode).save(path)
    grey = round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
    expected = [200, 100, 50][:channels] if mode == "RGB" and channels == 3 else [grey] * channels
    picture = read(path, 8, channels)
    assert (picture.shape, picture.dtype) == ((channels, 8, 8), torch.uint8)
    assert picture[:, 3, 3].tolist() == pytest.approx(expected, abs=3)  # JPEG and WebP are not exact


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA"])
def test_other_modes_of_eight_bits_are_read(mode: str, tmp_path: Path) -> None:
    Image.new("L", (16, 16), 255).convert(mode).save(tmp_path / "one.png")
    assert read(tmp_path / "one.png", 8, 1).unique().tolist() == [255]


def test_a_picture_of_the_right_size_is_kept_to_the_byte(tmp_path: Path) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    Image.fromarray(levels).save(tmp_path / "one.png")
    np.testing.assert_array_equal(read(tmp_path / "one.png", 8, 3).permute(1, 2, 0).numpy(), levels)


def test_the_central_square_is_kept(tmp_path: Path) -> None:
    levels = np.zeros((8, 20), np.uint8)
    levels[:, 6:14] = 255
    Image.fromarray(levels).save(tmp_path / "wide.png")
    Image.fromarray(levels.T).save(tmp_path / "high.png")
    for name in ("wide.png", "high.png"):
        assert read(tmp_path / name, 8, 1).unique().tolist() == [255]


def test_shrinking_averages(tmp_path: Path) -> None:
    """A fine chequerboard becomes even grey; without antialiasing it would stay black and white."""
    levels = 255 * (np.indices((64, 64)).sum(0) % 2).astype(np.uint8)
    Image.fromarray(levels).save(tmp_path / "one.png")
    shrunk = read(tmp_path / "one.png", 8, 1)
    assert int(shrunk.min()) >= 126
    assert int(shrunk.max()) <= 129


def test_a_photograph_is_turned_upright(tmp_path: Path) -> None:
    levels = np.zeros((16, 16), np.uint8)
    levels[:, 8:] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera turned: right is below
    Image.fromarray(levels).save(tmp_path / "one.png", exif=exif)
    upright = read(tmp_path / "one.png", 16, 1)[0]
    assert (int(upright[0].max()), int(upright[-1].min())) == (0, 255)


def test_files_and_folders_are_found_in_order(tmp_path: Path, write_pictures: Callable[..., Any]) -> None:
    write_pictures(tmp_path / "b" / "deep", tmp_path / "a", tmp_path / ".hidden", count=1)
    for name in ("c.JPG", ".d.png", "notes.txt"):
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in pictures_in(tmp_path)]
    assert found == ["a/000.png", "b/deep/000.png", "c.JPG"]
    assert class_folders(tmp_path) == ["a", "b"]


def test_the_hash_is_of_names_and_bytes(tmp_path: Path, write_pictures: Callable[..., Any]) -> None:
    write_pictures(tmp_path / "a", tmp_path / "b", count=2)
    paths = pictures_in(tmp_path / "a")
    first = hash_all(paths, tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "moved")
    assert hash_all(pictures_in(tmp_path / "moved"), tmp_path / "moved") == first
    other = pictures_in(tmp_path / "b")
    assert hash_all(other, tmp_path / "b") != first
    paths = pictures_in(tmp_path / "moved")
    paths[0].rename(paths[0].with_name("zzz.png"))
    assert hash_all(pictures_in(tmp_path / "moved"), tmp_path / "moved") != first
