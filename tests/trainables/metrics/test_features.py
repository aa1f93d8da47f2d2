from __future__ import annotations

from pathlib import Path

import pytest
import torch

from trainables.metrics.features import digest_of, features_of, plain_weights, raw, resized, to_bytes


def images(count: int, *shape: int, seed: int = 0) -> torch.Tensor:
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


def test_images_are_resized_as_levels_with_antialiasing() -> None:
    assert torch.equal(resized(torch.ones(1, 1, 5, 3), 8, "bilinear"), torch.full((1, 3, 8, 8), 255.0))
    stripes = (torch.arange(64) % 2 * 2.0 - 1).expand(1, 3, 64, 64)
    inner = resized(stripes, 16, "bilinear")[..., 2:-2, 2:-2]
    torch.testing.assert_close(inner, torch.full_like(inner, 127.5), atol=10, rtol=0)  # without: 0 or 255
    sharp = resized(images(2, 3, 4, 4), 30, "bicubic")
    assert 0 <= sharp.min() <= sharp.max() <= 255


def test_bytes_are_read_piece_by_piece() -> None:
    levels = torch.randint(0, 256, (4100, 1, 2, 2), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(features_of(levels, raw), levels.flatten(1) / 127.5 - 1)


def test_the_digest_is_of_name_and_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").write_text("1")
    assert digest_of("x", tmp_path / "a") == digest_of("x", tmp_path / "b") != digest_of("y", tmp_path / "a")


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    torch.save(torch.zeros(3), tmp_path / "tensor.pth")
    with pytest.raises(
        ValueError, match=r"evaluation\.weights: .*tensor\.pth is not a file of plain weights: it holds"
    ):
        plain_weights(tmp_path / "tensor.pth", "DINOv2's")
